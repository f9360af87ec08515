"""Compiles the programs of this folder and runs them under elfuse-vm or the reference."""

from __future__ import annotations

import atexit
import functools
import json
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SOURCES = Path(__file__).resolve().parent
HELPERS = SOURCES / "helpers"  # programs that a test starts by name, not tests themselves
BUILD = ROOT / "build" / "guest"
COMPILER = "aarch64-linux-gnu-gcc"
REFERENCE = "qemu-aarch64-static"
FLAGS = ["-O2", "-g", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wno-unused-parameter"]
ORDINARY = 65534  # nobody


@dataclass(frozen=True)
class Program:
    name: str
    source: Path
    options: dict[str, str] = field(default_factory=dict)

    @property
    def exit_status(self) -> int:
        return sum(int(part) for part in self.options.get("exit", "0").split("+"))

    @property
    def args(self) -> list[str]:
        return [a for a in self.options.get("args", "").split(",") if a]

    @property
    def roots(self) -> list[str]:
        """The kinds of GuestRoot that it is for."""
        return self.options.get("roots", "plain,overlay,kernel").split(",")

    @property
    def stdin(self) -> str:
        return self.options.get("stdin", "")

    @property
    def uid(self) -> int:
        return int(self.options.get("uid", "0"))

    @property
    def expected(self) -> str:
        path = SOURCES / f"{self.name}.expected"
        return path.read_text() if path.exists() else f"{self.name}: ok\n"


def programs() -> list[Program]:
    found = []
    for source in sorted([*SOURCES.glob("*.c"), *SOURCES.glob("*.S")]):
        match = re.search(r"guest-test:(.*?)(?:\*/|$)", source.read_text(), re.M)
        words = match.group(1).split() if match else []
        found.append(Program(source.stem, source, dict(word.split("=", 1) for word in words)))
    return found


def build(program: Program) -> Path:
    """The compiled program; compiled again only when it or a header is newer."""
    BUILD.mkdir(parents=True, exist_ok=True)
    out = BUILD / program.name
    newest = max(p.stat().st_mtime for p in (program.source, *SOURCES.glob("*.h")))
    if out.exists() and out.stat().st_mtime > newest:
        return out
    flags = [f for f in program.options.get("flags", "").split(",") if f]
    if "-static-pie" not in flags:
        flags.insert(0, "-static")
    if program.source.suffix == ".S":
        flags.append("-nostdlib")
    partial = out.with_suffix(f".{os.getpid()}")
    subprocess.run(
        [COMPILER, *FLAGS, "-o", str(partial), str(program.source), *flags], check=True, cwd=SOURCES
    )
    partial.rename(out)
    return out


def vm_path() -> str:
    named = os.environ.get("ELFUSE_VM")
    if named:
        return named
    return _launcher_for_anyone()


@functools.cache
def _launcher_for_anyone() -> str:
    """The launcher, where an ordinary user may start it: a checkout below /root is root's alone."""
    from elfuse import _core

    if os.geteuid() != 0:
        return _core.vm_path()
    top = tempfile.mkdtemp(prefix="elfuse-vm-", dir="/tmp")
    atexit.register(shutil.rmtree, top, ignore_errors=True)
    os.chmod(top, 0o755)
    return str(shutil.copy(_core.vm_path(), top))


class GuestRoot:
    """A root directory with /bin, /tmp and a few files, as a launch spec wants it; and what /ro shows.

    kind: "plain", "overlay" (elfuse's own) or "kernel" (the host's overlayfs).
    """

    def __init__(self, kind: str, owner: int | None = None) -> None:
        self.kind = kind
        self.top = Path(tempfile.mkdtemp(prefix="elfuse-guest-", dir="/tmp"))
        self.tree = self.top / "tree"
        for name in ("bin", "tmp", "etc", "proc", "sys", "dev", "root"):
            (self.tree / name).mkdir(parents=True)
        (self.tree / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/:/bin/sh\n")
        (self.tree / "etc/group").write_text("root:x:0:\napp:x:1000:\n")
        (self.tree / "tmp").chmod(0o1777)
        for name in ("upper", "work", "ro/dir"):
            (self.top / name).mkdir(parents=True)
        (self.top / "ro/file").write_text("read-only\n")
        self.owner = owner
        self.give_away()

    def give_away(self) -> None:
        if self.owner is None:
            return
        for path in [self.top, *self.top.rglob("*")]:
            os.chown(path, self.owner, self.owner, follow_symlinks=False)

    def install(self, source: Path, guest_path: str, mode: int = 0o755) -> None:
        target = self.tree / guest_path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        target.chmod(mode)
        self.give_away()

    def spec(self) -> dict[str, Any]:
        if self.kind == "plain":
            return {"type": "plain", "path": str(self.tree)}
        names = {"upper": str(self.top / "upper"), "work": str(self.top / "work")}
        kind = "kernel-overlay" if self.kind == "kernel" else "overlay"
        return {"type": kind, "lower": [str(self.tree)], **names}

    def remove(self) -> None:
        subprocess.run(["chmod", "-R", "u+rwX", str(self.top)], check=False)
        shutil.rmtree(self.top)


@functools.cache
def why_no_kernel_overlay(as_user: int | None = None) -> str | None:
    """What the launcher says where the host gives no overlayfs; None where it does."""
    root = GuestRoot("kernel", as_user)
    try:
        done = run_spec(spec_for(root, ["/absent"]), as_user=as_user)
    finally:
        root.remove()
    return None if done.returncode == 127 else done.stderr


def spec_for(root: GuestRoot, argv: list[str], **changes: Any) -> dict[str, Any]:
    mounts: list[dict[str, Any]] = [{"type": t, "target": f"/{t}"} for t in ("proc", "sys", "dev")]
    mounts.append({"type": "bind", "source": str(root.top / "ro"), "target": "/ro", "read_only": True})
    spec = {
        "version": 1,
        "root": root.spec(),
        "mounts": mounts,
        "argv": argv,
        "env": ["PATH=/bin", "HOME=/root", "GUEST=yes"],
        "cwd": "/tmp",
        "user": {"uid": 0, "gid": 0, "groups": []},
        "hostname": "guest",
        "rlimits": [{"type": "stack", "soft": 8 << 20, "hard": 1 << 40}],
    }
    return {**spec, **changes}


def run_spec(
    spec: dict[str, Any] | str | bytes,
    *,
    stdin: str = "",
    as_user: int | None = None,
    timeout: float = 120,
    **popen: Any,
) -> subprocess.CompletedProcess[str]:
    """Start elfuse-vm with a spec on a descriptor, as the command does."""
    text = spec if isinstance(spec, (str, bytes)) else json.dumps(spec)
    data = text.encode() if isinstance(text, str) else text
    with ExitStack() as stack:
        file, out, err = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(3))
        file.write(data)
        file.seek(0)
        if as_user is not None:
            popen |= {"user": as_user, "group": as_user, "extra_groups": []}
            for stream in (out, err):  # who may not open them again has no /dev/stdout
                os.fchown(stream.fileno(), as_user, as_user)
        done = subprocess.run(
            [vm_path(), "--spec-fd", str(file.fileno())],
            pass_fds=[file.fileno()],
            input=stdin,
            stdout=out,
            stderr=err,
            text=True,
            timeout=timeout,
            check=False,
            cwd="/",
            **popen,
        )
        texts = [os.pread(stream.fileno(), 1 << 26, 0).decode(errors="replace") for stream in (out, err)]
        return subprocess.CompletedProcess(done.args, done.returncode, *texts)


def run_reference(program: Program, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory(prefix="elfuse-reference-") as cwd:
        return subprocess.run(
            [REFERENCE, str(build(program)), *program.args],
            input=program.stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            cwd=cwd,
            env={"PATH": "/bin", "HOME": "/root", "GUEST": "yes"},
        )
