#!/usr/bin/env python3
"""Runs a program as PID 1 of a root of its own: namespace.py SPEC, a JSON document.

The root is an overlay of `upper` over `tree`, in new user, mount, PID, UTS and IPC namespaces; all that the
program leaves running ends with it. With `interpreter`, the kernel runs arm64 programs, and whatever they
start, by that qemu: binfmt_misc belongs to the user namespace, so the machine's own settings are not touched.
Owners are real ones if root starts this; to anyone else all is root's.
"""

import ctypes
import json
import os
import signal
import socket
import sys
from typing import Any, NoReturn

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID = (
    0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000)  # fmt: skip
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
PR_SET_PDEATHSIG = 1
BINFMT = "/proc/sys/fs/binfmt_misc"
# ELF, 64 bits, little endian, ET_EXEC or ET_DYN, EM_AARCH64; as Debian's qemu-user-static registers it. The
# flag F opens the interpreter now, outside the root; O, C and P make it see what a program's own exec would.
MAGIC = rb"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
MASK = rb"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"


def checked(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise SystemExit(f"namespace: {what}: {os.strerror(number)}")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    words = [(word or None) and word.encode() for word in (source, target, kind)]
    checked(LIBC.mount(*words, ctypes.c_ulong(flags), data.encode() or None), f"mount {target}")


def end_with_parent() -> None:
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def enter_namespaces() -> None:
    """Unshares; a child that stays outside writes the maps, which takes the privilege that is about to go."""
    ready_read, ready_write = os.pipe()
    done_read, done_write = os.pipe()
    outside = os.getpid()
    uid, gid = os.getuid(), os.getgid()
    if os.fork() == 0:
        os.close(done_read)
        os.close(ready_write)
        os.read(ready_read, 1)
        users, groups = ("0 0 65536", "0 0 65536") if uid == 0 else (f"0 {uid} 1", f"0 {gid} 1")
        maps = {"uid_map": users, "gid_map": groups}
        if uid != 0:
            maps = {"setgroups": "deny", **maps}
        for name, text in maps.items():
            with open(f"/proc/{outside}/{name}", "w") as file:
                file.write(text)
        os._exit(0)
    flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID
    checked(LIBC.unshare(flags), "unshare")
    os.write(ready_write, b"x")
    os.close(done_write)
    os.read(done_read, 1)
    os.wait()


def make_devices(root: str) -> None:
    dev = f"{root}/dev"
    mount("tmpfs", dev, "tmpfs", data="mode=755")
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        open(f"{dev}/{name}", "w").close()
        mount(f"/dev/{name}", f"{dev}/{name}", flags=MS_BIND)
    for name in ("pts", "shm"):
        os.mkdir(f"{dev}/{name}")
    mount("devpts", f"{dev}/pts", "devpts", data="newinstance,ptmxmode=0666,mode=0620")
    mount("tmpfs", f"{dev}/shm", "tmpfs", data="mode=1777")
    os.symlink("pts/ptmx", f"{dev}/ptmx")
    for name, target in {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}.items():
        os.symlink(f"/proc/self/fd{target}", f"{dev}/{name}")


def make_root(spec: dict[str, Any]) -> str:
    root = str(spec["root"])
    mount("", "/", flags=MS_REC | MS_PRIVATE)
    layers = f"lowerdir={spec['tree']},upperdir={spec['upper']},workdir={spec['work']},userxattr"
    mount("overlay", root, "overlay", data=layers)
    for name in ("proc", "sys", "dev"):
        os.makedirs(f"{root}/{name}", exist_ok=True)
    mount("/sys", f"{root}/sys", flags=MS_BIND | MS_REC)
    make_devices(root)
    for source, target in spec["binds"].items():
        os.makedirs(f"{root}{target}", exist_ok=True)
        mount(source, f"{root}{target}", flags=MS_BIND)
        mount(source, f"{root}{target}", flags=MS_BIND | MS_REMOUNT | MS_RDONLY)
    for name, text in {
        "hosts": f"127.0.0.1\tlocalhost {spec['hostname']}\n::1\tlocalhost ip6-localhost\n",
        "hostname": f"{spec['hostname']}\n",
    }.items():
        with open(f"{root}/etc/{name}", "w") as file:
            file.write(text)
    return root


def register(interpreter: str) -> None:
    mount("binfmt_misc", BINFMT, "binfmt_misc")
    with open(f"{BINFMT}/register", "wb") as file:
        file.write(b":arm64:M::" + MAGIC + b":" + MASK + b":" + interpreter.encode() + b":OCPF")


def become(spec: dict[str, Any]) -> NoReturn:
    end_with_parent()
    root = make_root(spec)
    mount("proc", "/proc", "proc")  # of the new PID namespace
    if spec["interpreter"]:
        register(spec["interpreter"])
    mount("proc", f"{root}/proc", "proc")
    socket.sethostname(spec["hostname"])
    os.chroot(root)
    os.makedirs(spec["cwd"], exist_ok=True)
    os.chdir(spec["cwd"])
    uid, gid = spec["uid"], spec["gid"]
    if os.getuid() == 0 and spec["owners"]:
        os.setgroups([gid])
        os.setgid(gid)
        os.setuid(uid)
    os.environ.clear()
    env = dict(word.split("=", 1) for word in spec["env"])
    os.environ.update(env)
    # Python ignores these; a guest must not inherit that.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(spec["argv"][0], spec["argv"], env)
    except OSError as error:
        print(f"namespace: {spec['argv'][0]}: {error.strerror}", file=sys.stderr)
    os._exit(127)


def main() -> int:
    end_with_parent()
    spec = json.loads(sys.argv[1])
    spec["owners"] = os.getuid() == 0
    os.umask(0o022)
    enter_namespaces()
    first = os.fork()
    if first == 0:
        try:
            become(spec)
        except SystemExit as error:
            print(error, file=sys.stderr)
        except OSError as error:
            print(f"namespace: {error}", file=sys.stderr)
        os._exit(125)
    _, status = os.waitpid(first, 0)
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


if __name__ == "__main__":
    sys.exit(main())
