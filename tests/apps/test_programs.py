"""Real programs from the fixture images, through the command."""

from __future__ import annotations

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


def test_a_child_process_is_refused_clearly(run_image: RunImage) -> None:
    """fork comes with a later step; until then it is ENOSYS."""
    program = "import os\ntry: os.fork()\nexcept OSError as e: print(e.errno)"
    assert ran(run_image("python", "python3", "-c", program)) == "38\n"


def test_exit_status_and_signal(run_image: RunImage) -> None:
    assert run_image("python", "python3", "-c", "raise SystemExit(7)").returncode == 7
    killed = run_image("python", "python3", "-c", "import os, signal; os.kill(os.getpid(), signal.SIGTERM)")
    assert killed.returncode == 128 + 15
    assert run_image("python", "no-such-program").returncode == 127
    assert run_image("python", "/etc/passwd", options=("--entrypoint", "/etc/passwd")).returncode == 126
