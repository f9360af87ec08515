"""--strace: lines as Debian's strace writes them, of threads and processes too; what runs does not change."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guest import harness
from tests.guest.test_watch import CRASH

PROGRAMS = ["files", "events", "tasks", "sockets", "sysv"]
SOURCES = harness.SOURCES / "strace"
STRACE_FLAGS = ["-f", "-T"]


@pytest.fixture
def root() -> Iterator[harness.GuestRoot]:
    made = harness.GuestRoot("plain")
    yield made
    made.remove()


def program(name: str) -> harness.Program:
    return harness.Program(f"strace_{name}", SOURCES / f"{name}.c", {"flags": "-pthread"})


def traced(root: harness.GuestRoot, name: str, *args: str) -> subprocess.CompletedProcess[str]:
    root.install(harness.build(program(name)), "/bin/program")
    return harness.run_spec(harness.spec_for(root, ["/bin/program", *args], strace=True))


def normal(text: str) -> list[str]:
    """The lines between the marks, without what differs from run to run or between architectures."""
    lines: list[str] = []
    inside = False
    for line in text.splitlines():
        if '"BEGIN"' in line or '"END"' in line:
            inside = '"BEGIN"' in line
            continue
        if not inside:
            continue
        line = re.sub(r" <\d+\.\d{6}>$", "", line)
        line = re.sub(r"\b0x[0-9a-f]{6,}\b", "ADDRESS", line)
        line = re.sub(r"\) += ", ") = ", line)
        line = re.sub(r"left \{tv_sec=\d+, tv_nsec=\d+\}", "left TIME", line)
        line = re.sub(r"\b((?:msg|sem|shm)\w+\()\d+,", r"\1ID,", line)
        line = re.sub(r"\b((?:msg|sem|shm)get\(.* = )\d+$", r"\1ID", line)
        line = re.sub(r"\b(\w+time|\w+pid|c?[ug]id)=\d+", r"\1=N", line) if "_perm" in line else line
        line = re.sub(r"stx_mask=[A-Z_|]+", "stx_mask=MASK", line)
        line = line.replace("SA_RESTORER|", "").replace("sa_flags=SA_RESTORER", "sa_flags=0")
        line = line.replace(", sa_restorer=ADDRESS", "")
        line = re.sub(r"(\bt?g?kill\(|rt_sigqueueinfo\(|si_pid=|getpid\(\) = )\d+", r"\1PID", line)
        lines.append(re.sub(r"(tgkill\(PID, )\d+", r"\1PID", line))
    return lines


def expected(name: str) -> list[str]:
    return (SOURCES / f"{name}.expected").read_text().splitlines()


@pytest.mark.parametrize("name", PROGRAMS)
def test_as_strace_writes_them(name: str, root: harness.GuestRoot) -> None:
    done = traced(root, name)
    assert done.returncode == 0, done.stderr
    assert normal(done.stderr) == expected(name)


def can_trace() -> bool:
    if not shutil.which("strace") or not shutil.which("gcc"):
        return False
    return subprocess.run(["strace", "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not can_trace(), reason="no strace here, or it may not trace")
@pytest.mark.parametrize("name", PROGRAMS)
def test_expected_lines_are_strace_s_own(name: str, tmp_path: Path) -> None:
    """The same source on the host, under Debian's strace."""
    built = tmp_path / "program"
    flags = [*harness.FLAGS, "-static", "-pthread"]
    subprocess.run(["gcc", *flags, "-o", str(built), str(SOURCES / f"{name}.c")], check=True)
    done = subprocess.run(
        ["strace", *STRACE_FLAGS, str(built)], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert normal(done.stderr) == expected(name)


def test_threads(root: harness.GuestRoot) -> None:
    """A call that waits is broken off by another task's line and goes on later. Numbers stand before each
    line while there is more than one task."""
    done = traced(root, "threads")
    assert done.returncode == 3
    lines = [re.sub(r" <\d+\.\d{6}>$", "", line) for line in done.stderr.splitlines()]
    began = lines.index("[pid     2] read(3,  <unfinished ...>")
    wrote = next(i for i, line in enumerate(lines) if line.startswith('[pid     1] write(4, "x", 1'))
    resumed = lines.index('[pid     2] <... read resumed>"x", 10)  = 1')
    assert began < wrote < resumed
    assert any(re.match(r"(\[pid     1\] <\.\.\. clone resumed>|clone\().* = 2$", line) for line in lines)
    ended = lines.index("[pid     2] +++ exited with 0 +++")
    assert lines[ended - 1] == "[pid     2] exit(0)                     = ?"
    assert lines.index("getppid()                               = 0") > ended
    assert lines[-2:] == ["exit_group(3)                           = ?", "+++ exited with 3 +++"]


def test_a_signal_that_kills(root: harness.GuestRoot) -> None:
    root.install(harness.build(CRASH), "/bin/crash")
    done = harness.run_spec(harness.spec_for(root, ["crash", "term"], strace=True))
    assert done.stderr.splitlines()[-1] == "+++ killed by SIGTERM +++"
    assert re.search(
        r"^--- SIGTERM \{si_signo=SIGTERM, si_code=SI_\w+, si_pid=1, si_uid=0\} ---$", done.stderr, re.M
    )


WATCHED = [
    "efault",
    "hostile_calls",
    "hostile_pointers",
    "exec",
    "sigaction",
    "threads",
    "poll",
    "fork",
    "wait",
    "session",
]


@pytest.mark.parametrize("name", WATCHED)
def test_what_is_watched_does_not_change(name: str, root: harness.GuestRoot) -> None:
    guest = next(p for p in harness.programs() if p.name == name)
    root.install(harness.build(guest), f"/bin/{name}")
    spec = harness.spec_for(root, [f"/bin/{name}", *guest.args], strace=True, verbose=True)
    done = harness.run_spec(spec, stdin=guest.stdin)
    assert (done.stdout, done.returncode) == (guest.expected, guest.exit_status), done.stderr[-2000:]
    assert f"+++ exited with {guest.exit_status} +++" in done.stderr


def test_processes(root: harness.GuestRoot) -> None:
    """Children's lines bear their numbers; a number's lines tell its whole life."""
    done = traced(root, "processes")
    assert done.returncode == 0, done.stderr
    lines = [re.sub(r" <\d+\.\d{6}>$", "", line) for line in done.stderr.splitlines()]
    text = "\n".join(re.sub(r"\) += ", ") = ", line) for line in lines)
    for status in (
        "WIFEXITED(s) && WEXITSTATUS(s) == 3",
        "WIFSIGNALED(s) && WTERMSIG(s) == SIGKILL",
        "WIFSIGNALED(s) && WTERMSIG(s) == SIGTERM",
        "WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV",
    ):
        begin = r"^(?:\[pid     1\] )?(?:<\.\.\. wait4 resumed>|wait4\(\d, )"
        assert re.search(rf"{begin}\[\{{{re.escape(status)}.*\}}\], 0, NULL\) = \d$", text, re.M)
    for end in (
        "[pid     2] exit_group(3) = ?\n[pid     2] +++ exited with 3 +++",
        "[pid     3] +++ killed by SIGKILL +++",
        "[pid     4] --- SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=4, si_uid=0} ---\n"
        "[pid     4] +++ killed by SIGTERM +++",
        "[pid     5] --- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x8} ---\n"
        "[pid     5] +++ killed by SIGSEGV +++",
    ):
        assert end in text
    child = [line for line in text.splitlines() if line.startswith("[pid     6] ")]
    execs = [i for i, line in enumerate(child) if " execve(" in line]
    assert child[execs[0]].startswith('[pid     6] execve("nowhere", ["nowhere", "a \\"b\\""], NULL')
    assert re.search(
        r'execve\("/bin/program", \["/bin/program", "x"\], 0x\w+ /\* 2 vars \*/', child[execs[1]]
    )
    assert child[-1] == "[pid     6] +++ exited with 0 +++" and child[execs[1] + 1].endswith("0")
    assert lines[-1] == "+++ exited with 0 +++"
