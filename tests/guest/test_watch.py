"""--verbose and ELFUSE_STARTUP_TRACE: a crash report, the launcher's steps, a histogram of calls."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.guest import harness

CRASH = harness.Program("crash_helper", harness.HELPERS / "crash.c", {"flags": "-O1,-fno-omit-frame-pointer"})
HELLO = harness.Program("hello", harness.SOURCES / "hello.c")


@pytest.fixture
def root() -> Iterator[harness.GuestRoot]:
    made = harness.GuestRoot("overlay")
    made.install(harness.build(CRASH), "/bin/crash")
    made.install(harness.build(HELLO), "/bin/hello")
    yield made
    made.remove()


def crash(root: harness.GuestRoot, how: str, *, verbose: bool = True) -> subprocess.CompletedProcess[str]:
    return harness.run_spec(harness.spec_for(root, ["/bin/crash", how], verbose=verbose))


def symbols() -> dict[str, int]:
    listing = subprocess.run(
        ["aarch64-linux-gnu-nm", "--defined-only", str(harness.build(CRASH))],
        capture_output=True,
        text=True,
        check=True,
    )
    return {name: int(at, 16) for at, _, name in (line.split() for line in listing.stdout.splitlines())}


def test_report_of_a_fault(root: harness.GuestRoot) -> None:
    done = crash(root, "fault")
    assert done.returncode in (139, -11), done
    text = done.stderr
    assert "ends by {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x8}" in text
    assert '/bin/crash (process 1, thread 1 "crasher")' in text
    assert "address 0x8 is not mapped" in text
    assert 'last system call: openat(-5, "some/file", O_RDONLY) = -1 EBADF (Bad file descriptor)' in text
    at = symbols()
    pc, place, offset = re.search(r"pc  ([0-9a-f]{16})  (\S+)\+0x([0-9a-f]+)\n", text).groups()  # type: ignore[union-attr]
    assert at["inner"] <= int(pc, 16) < at["inner"] + 64
    assert place == "/bin/crash" and int(pc, 16) % 4096 == int(offset, 16) % 4096
    assert re.search(r"crash 1:     b9[0-9a-f]{6}  str w\d+, \[x0", text)
    assert re.search(r" x0 0{15}8 ", text) and "0000000000000029" in text and "nzcv" in text
    assert re.search(r"sp  [0-9a-f]{16}  in 0x\w+-0x\w+ rw-p \[stack\]\n", text)
    callers = [int(pc, 16) for pc in re.findall(r"#\d+ +([0-9a-f]{16})  /bin/crash\+", text)]
    assert callers[0] == int(pc, 16) and len(callers) >= 3
    assert at["main"] <= callers[1] < at["main"] + 0x200


def test_report_of_abort_and_of_a_jump(root: harness.GuestRoot) -> None:
    done = crash(root, "abort")
    assert done.returncode in (134, -6)
    assert re.search(r"last system call: tgkill\(1, 1, SIGABRT\) = 0\n", done.stderr)
    done = crash(root, "jump")
    assert done.returncode in (139, -11)
    assert "pc  0000000000123458  not mapped\n" in done.stderr and "unreadable" in done.stderr


def test_no_report_unless_asked_for_and_due(root: harness.GuestRoot) -> None:
    assert crash(root, "fault", verbose=False).stderr == ""
    assert crash(root, "term").stderr == ""
    assert crash(root, "none").stderr == ""


def start(root: harness.GuestRoot, value: str, *argv: str) -> list[str]:
    spec = harness.spec_for(root, list(argv))
    done = harness.run_spec(spec, env={**os.environ, "ELFUSE_STARTUP_TRACE": value})
    lines = done.stderr.splitlines()
    assert all(line.startswith("elfuse: ") for line in lines), lines
    return [line.removeprefix("elfuse: ") for line in lines]


def test_startup_steps(root: harness.GuestRoot) -> None:
    found = [
        re.fullmatch(r"start +(\d+\.\d+) ms  \+(\d+\.\d+)  (.+)", line)
        for line in start(root, "steps", "hello")
    ]
    rows = [match.groups() for match in found if match]
    assert len(rows) == len(found)
    assert [name for _, _, name in rows] == [
        *("descriptors", "spec", "root", "memory", "kept translations", "first thread", "program")
    ]
    times = [float(at) for at, _, _ in rows]
    assert times == sorted(times) and abs(sum(float(took) for _, took, _ in rows) - times[-1]) < 0.01


def histogram(lines: list[str]) -> dict[str, tuple[int, int]]:
    """Calls and errors by name."""
    assert lines[0].split() == ["%", "time", "seconds", "usecs/call", "calls", "errors", "syscall"]
    rows = [line.split() for line in lines[2:] if not line.startswith("---")]
    return {row[-1]: (int(row[3]), int(row[4]) if len(row) == 6 else 0) for row in rows}


def test_startup_histogram(root: harness.GuestRoot) -> None:
    counts = histogram(start(root, "syscalls", "hello"))
    assert counts["exit_group"] == (1, 0) and counts["write"] == (1, 0)
    total = counts.pop("total")
    assert total == (sum(calls for calls, _ in counts.values()), sum(errors for _, errors in counts.values()))
    counts = histogram(start(root, "syscalls", "crash", "term"))
    assert counts["openat"] == (1, 1) and counts["tgkill"] == (1, 0)


def test_startup_histogram_ends_with_exec(root: harness.GuestRoot) -> None:
    exec_test = next(p for p in harness.programs() if p.name == "exec")
    root.install(harness.build(exec_test), "/bin/exec")
    done = harness.run_spec(
        harness.spec_for(root, ["/bin/exec"]), env={**os.environ, "ELFUSE_STARTUP_TRACE": "syscalls,steps"}
    )
    assert (done.returncode, done.stdout) == (0, exec_test.expected)
    lines = [line.removeprefix("elfuse: ") for line in done.stderr.splitlines()]
    assert sum(line.startswith("% time") for line in lines) == 1
    counts = histogram([line for line in lines if not line.startswith("start ")])
    assert counts["execve"][0] > counts["execve"][1] and "exit_group" not in counts


def test_startup_trace_says_what_it_does_not_know(root: harness.GuestRoot) -> None:
    assert start(root, "stpes,", "hello") == ['ELFUSE_STARTUP_TRACE: "stpes" is neither steps nor syscalls']
