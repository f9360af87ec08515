"""Real programs from the fixture images, through the command."""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
import sys

import pytest

from tests.apps.conftest import RunImage

FACTORIAL = """
import math, sys
sys.set_int_max_str_digits(0)
digits = str(math.factorial(20000))
print(len(digits), sum(map(int, digits)))
"""


def ran(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_hello(run_image: RunImage) -> None:
    done = run_image("python", "python3", "-c", 'print("hello from elfuse", 1+2)')
    assert ran(done) == "hello from elfuse 3\n"
    assert done.stderr == ""


def test_platform(run_image: RunImage) -> None:
    program = (
        "import sys, platform; print(sys.version); print(platform.platform()); print(platform.machine())"
    )
    version, *rest = ran(run_image("python", "python3", "-c", program)).splitlines()
    assert version.startswith("3.13")
    while not rest[0].startswith("Linux-"):  # sys.version has a line break in it
        rest.pop(0)
    assert rest[0].endswith("-aarch64-with-glibc2.41")
    assert rest[1] == "aarch64"


def test_json(run_image: RunImage) -> None:
    program = 'import json, math; print(json.dumps({"pi": round(math.pi, 5), "ok": True}))'
    assert json.loads(ran(run_image("python", "python3", "-c", program))) == {"pi": 3.14159, "ok": True}


def test_factorial_is_what_the_host_says(run_image: RunImage) -> None:
    here = subprocess.run([sys.executable, "-c", FACTORIAL], capture_output=True, text=True, check=True)
    assert ran(run_image("python", "python3", "-c", FACTORIAL)) == here.stdout
    assert here.stdout.split()[0] == str(math.floor(math.lgamma(20001) / math.log(10)) + 1)


def test_entrypoint_script_execs_its_arguments(run_image: RunImage) -> None:
    """The image's entrypoint turns an option into one for python3."""
    assert ran(run_image("python", "-c", "print(6 * 7)")) == "42\n"


def test_the_clock_is_read_without_system_calls(run_image: RunImage) -> None:
    program = "import time\nfor _ in range(10000): time.monotonic_ns()\nprint('done')"
    done = run_image("python", "python3", "-c", program, options=("--strace",))
    assert ran(done) == "done\n"
    assert "write(1" in done.stderr
    assert sum("clock_gettime(" in line for line in done.stderr.splitlines()) <= 12


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("echo", "a", "b"), "a b\n"),
        (("uname", "-sm"), "Linux aarch64\n"),
        (("expr", "6", "*", "7"), "42\n"),
        (("printf", "%05.2f\\n", "3.14159"), "03.14\n"),
        (("basename", "/usr/bin/env"), "env\n"),
        (("seq", "3"), "1\n2\n3\n"),
        (("stat", "-c", "%U %G %a %F", "/srv/app"), "app app 755 directory\n"),
        (("stat", "-c", "%u:%g %a", "/etc/shadow"), "0:42 640\n"),
        (("stat", "-c", "%U %G %F", "/bin"), "root root symbolic link\n"),
        (("id",), "uid=1000(app) gid=1000(app) groups=1000(app)\n"),
        (("pwd",), "/srv/app\n"),
        (("readlink", "-f", "/bin/sh"), "/usr/bin/dash\n"),
        (("bash", "-c", 'x=(1 2 3); echo "${#x[@]} ${x[-1]} $((2**40))"'), "3 3 1099511627776\n"),
        (
            ("bash", "-c", "printf '%s\\n' {a..c}; read line < /etc/debian_version; [[ $line == 13* ]]"),
            "a\nb\nc\n",
        ),
        (
            (
                "perl",
                "-e",
                'my %h = map { $_ => $_ ** 2 } 1..3; print join(",", map { $h{$_} } sort keys %h), "\\n"',
            ),
            "1,4,9\n",
        ),
        (("bash", "-c", 'trap "echo got" USR1; kill -USR1 $$; echo after'), "got\nafter\n"),
        (("dash", "-c", "ulimit -n 64; ulimit -n; exec uname -m"), "64\naarch64\n"),
        (("dpkg", "--print-architecture"), "arm64\n"),
        (("mawk", 'BEGIN { printf "%.4f %d\\n", exp(1), 2^40 }'), "2.7183 1099511627776\n"),
        (("sed", "-E", r"s/([0-9]+)\.([0-9]+)/<\1>/", "/etc/debian_version"), "<13>\n"),
        (
            ("perl", "-e", 'print unpack("H*", pack("NnCd>", 1, 2, 3, 4.5)), "\n"'),
            "000000010002034012000000000000\n",
        ),
        (
            (
                "perl",
                "-e",
                '$SIG{ALRM} = sub { print "rang\n"; exit }; alarm 1; select undef, undef, undef, 60',
            ),
            "rang\n",
        ),
        (
            (
                "sqlite3",
                "/tmp/wal.db",
                "pragma journal_mode=wal; create table t(x); insert into t values (1), (2);"
                "select count(*) from t; pragma wal_checkpoint(truncate); pragma integrity_check",
            ),
            "wal\n2\n0|0|0\nok\n",
        ),
        (
            (
                "sqlite3",
                ":memory:",
                "select sum(value), sqlite_version() > '3.40' from generate_series(1, 100)",
            ),
            "5050|1\n",
        ),
    ],
)
def test_one_program(run_image: RunImage, words: tuple[str, ...], expected: str) -> None:
    assert ran(run_image("python", *words)) == expected


def test_coreutils_on_files(run_image: RunImage) -> None:
    """Each in a run of its own: nothing of one run is seen by the next."""
    assert ran(run_image("python", "sort", "-r", stdin="b\na\nc\n")) == "c\nb\na\n"
    assert ran(run_image("python", "sha256sum", stdin="abc")).startswith("ba7816bf8f01cfea414140de5dae2223")
    assert ran(run_image("python", "wc", "-lwc", stdin="one two\nthree\n")).split() == ["2", "3", "14"]
    assert ran(run_image("python", "ls", "/usr/lib/python3")) == "dist-packages\n"
    assert run_image("python", "touch", "/srv/app/new").returncode == 0
    gone = run_image("python", "cat", "/srv/app/new")
    assert gone.returncode == 1 and "No such file" in gone.stderr


def test_sqlite_file(run_image: RunImage) -> None:
    script = "create table t(x); insert into t values (1), (2), (3); select count(*), sum(x) from t;"
    assert ran(run_image("python", "sqlite3", "/srv/app/db", stdin=script)) == "3|6\n"


def test_busybox_is_static(run_image: RunImage) -> None:
    assert ran(run_image("busybox", "echo", "hello")) == "hello\n"
    assert ran(run_image("busybox", "sh", "-c", "echo $((3 * 14)); exec id -u")) == "42\n0\n"


def test_threads(run_image: RunImage) -> None:
    program = """
import threading, queue
q = queue.Queue()
def work(n):
    q.put(sum(range(n * 1000)))
threads = [threading.Thread(target=work, args=(n,)) for n in range(32)]
for t in threads: t.start()
for t in threads: t.join()
print(sum(q.get() for _ in threads))
"""
    expected = sum(sum(range(n * 1000)) for n in range(32))
    assert ran(run_image("python", "python3", "-c", program)) == f"{expected}\n"


def test_modules_with_c_libraries(run_image: RunImage) -> None:
    program = """
import asyncio, bz2, ctypes, decimal, hashlib, lzma, sqlite3, ssl, zlib
print(hashlib.sha3_256(b"abc").hexdigest()[:16], hashlib.new("sha512", b"abc").hexdigest()[:16])
print(hashlib.scrypt(b"p", salt=b"s", n=1024, r=8, p=1).hex()[:16])
data = bytes(range(256)) * 100
print(all(m.decompress(m.compress(data)) == data for m in (bz2, lzma, zlib)))
db = sqlite3.connect(":memory:")
print(decimal.Decimal(2).sqrt(), ssl.HAS_TLSv1_3, db.execute("select 1 + 1").fetchone())
numbers = (ctypes.c_int * 5)(5, 3, 1, 4, 2)
compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
ctypes.CDLL(None).qsort(numbers, 5, 4, compare(lambda a, b: a[0] - b[0]))  # C calls back into Python
print(list(numbers))
async def main():
    async def answer(reader, writer):
        writer.write(await reader.readline())
        writer.close()
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"ping\\n")
    print(await reader.read())
    writer.close()
    server.close()
asyncio.run(main())
"""
    assert ran(run_image("python", "python3", "-c", program)).splitlines() == [
        "3a985da74fe225b2 ddaf35a193617aba",
        hashlib.scrypt(b"p", salt=b"s", n=1024, r=8, p=1).hex()[:16],
        "True",
        "1.414213562373095048801688724 True (2,)",
        "[1, 2, 3, 4, 5]",
        r"b'ping\n'",
    ]


def test_archives(run_image: RunImage) -> None:
    """Each of these opens, seeks and renames in its own way."""
    program = """
import io, tarfile, zipfile
with zipfile.ZipFile("/tmp/a.zip", "w", zipfile.ZIP_DEFLATED) as z: z.write("/etc/passwd")
with tarfile.open("/tmp/a.tar.xz", "w:xz") as t: t.add("/etc/skel"); t.add("/tmp/a.zip")
with tarfile.open("/tmp/a.tar.xz") as t: inner = t.extractfile("tmp/a.zip").read()
print(zipfile.ZipFile(io.BytesIO(inner)).read("etc/passwd") == open("/etc/passwd", "rb").read())
"""
    assert ran(run_image("python", "python3", "-c", program)) == "True\n"


def test_copying_a_tree_of_odd_files(run_image: RunImage) -> None:
    """As the image's user, to whom all of it belongs: links, a FIFO and a socket in a sticky directory."""
    program = """
import os, shutil, socket
os.makedirs("/tmp/a/sub")
os.symlink("nowhere", "/tmp/a/sub/link")
os.chown("/tmp/a/sub/link", os.getuid(), os.getgid(), follow_symlinks=False)
shutil.copytree("/tmp/a", "/tmp/b", symlinks=True)
print(os.readlink("/tmp/b/sub/link"), {os.lstat(f"/tmp/{d}/sub/link").st_uid for d in "ab"})
os.mkfifo("/tmp/fifo", 0o600)
os.close(os.open("/tmp/fifo", os.O_RDWR))
server, client = (socket.socket(socket.AF_UNIX) for _ in range(2))
server.bind("/tmp/socket")
server.listen()
client.connect("/tmp/socket")
client.sendall(b"through")
print(server.accept()[0].recv(10))
for name in os.listdir("/tmp"):
    (shutil.rmtree if os.path.isdir(f"/tmp/{name}") else os.unlink)(f"/tmp/{name}")
print(os.listdir("/tmp"))
"""
    assert ran(run_image("python", "python3", "-c", program)) == "nowhere {1000}\nb'through'\n[]\n"


def test_a_crash_is_seen_by_the_program_first(run_image: RunImage) -> None:
    program = "import ctypes, faulthandler; faulthandler.enable(); ctypes.string_at(0)"
    done = run_image("python", "python3", "-c", program)
    assert done.returncode == 128 + 11
    assert done.stderr.startswith("Fatal Python error: Segmentation fault")


def test_a_thread_executes_another_program(run_image: RunImage) -> None:
    """execve ends the other threads, and the program keeps its process."""
    program = """
import os, threading, time
threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
words = ["sh", "-c", 'test $$ = "$1" && echo same', "sh", str(os.getpid())]
threading.Thread(target=os.execvp, args=("sh", words)).start()
time.sleep(1000)
"""
    assert ran(run_image("python", "python3", "-c", program)) == "same\n"


def test_children_and_their_ends(run_image: RunImage) -> None:
    program = (
        "import os, signal, subprocess\n"
        "p = subprocess.run(['sh', '-c', 'echo $PPID; kill -9 $$'], capture_output=True, text=True)\n"
        "print(p.stdout.strip() == str(os.getpid()), p.returncode)\n"
        "pid = os.fork() or os._exit(3)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    assert ran(run_image("python", "python3", "-c", program)) == "True -9\n3\n"


def test_exit_status_and_signal(run_image: RunImage) -> None:
    assert run_image("python", "python3", "-c", "raise SystemExit(7)").returncode == 7
    killed = run_image("python", "python3", "-c", "import os, signal; os.kill(os.getpid(), signal.SIGTERM)")
    assert killed.returncode == 128 + 15
    assert run_image("python", "no-such-program").returncode == 127
    assert run_image("python", "/etc/passwd", options=("--entrypoint", "/etc/passwd")).returncode == 126
