"""Many processes and threads, and runs that are ended from outside: nothing of them stays on the host."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.guest import harness
from tests.oci.images import Image, tar, write_layout

MANY = harness.Program("many", harness.HELPERS / "many.c", {"flags": "-pthread"})
TREE = harness.Program("tree", harness.HELPERS / "tree.c")
KILL_ALL = harness.Program("kill_all", harness.HELPERS / "kill_all.c")


@pytest.fixture
def launcher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A launcher of this test's own, by which its processes are known."""
    with tempfile.TemporaryDirectory(prefix="elfuse-processes-") as top:
        mine = Path(shutil.copy(harness.vm_path(), top))
        monkeypatch.setenv("ELFUSE_VM", str(mine))
        yield mine


@pytest.fixture
def root() -> Iterator[harness.GuestRoot]:
    made = harness.GuestRoot("overlay")
    for program in (MANY, TREE, KILL_ALL):
        made.install(harness.build(program), f"/bin/{program.name}")
    yield made
    made.remove()


def processes(launcher: Path) -> set[int]:
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.readlink(entry / "exe") == str(launcher):
                found.add(int(entry.name))
        except OSError:
            continue
    return found


def wait_for(true: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def shared_memory() -> set[str]:
    return {name for name in os.listdir("/dev/shm") if "elfuse" in name}


def temporary_files() -> set[str]:
    return {name for name in os.listdir("/tmp") if name.startswith((".elfuse", "elfuse-vm."))}


def test_many_leave_nothing(launcher: Path, root: harness.GuestRoot) -> None:
    before = shared_memory(), temporary_files()
    done = harness.run_spec(harness.spec_for(root, ["/bin/many", "200", "500", "20"]), timeout=600)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "200 processes, 500 threads\n" * 20
    assert done.stderr == ""
    assert processes(launcher) == set()
    assert (shared_memory(), temporary_files()) == before
    assert sorted(p.name for p in (root.tree / "tmp").iterdir()) == []


@pytest.fixture
def tree(launcher: Path, root: harness.GuestRoot) -> Iterator[subprocess.Popen[str]]:
    with tempfile.TemporaryFile() as spec:
        spec.write(json.dumps(harness.spec_for(root, ["/bin/tree"])).encode())
        spec.seek(0)
        run = subprocess.Popen(
            [launcher, "--spec-fd", str(spec.fileno())],
            pass_fds=[spec.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert run.stdout
        assert run.stdout.readline() == "ready\n"
        assert len(processes(launcher)) > 10
        yield run
        run.kill()
        run.wait()
        run.stdout.close()


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_to_the_first_process_ends_all(
    sent: signal.Signals, launcher: Path, tree: subprocess.Popen[str]
) -> None:
    tree.send_signal(sent)
    assert tree.wait(20) == 128 + sent
    # Not a moment later: the caller may remove the run's directory.
    assert processes(launcher) == set()


def test_all_end_when_the_first_process_is_killed(launcher: Path, tree: subprocess.Popen[str]) -> None:
    tree.kill()
    tree.wait(20)
    stopped = {pid for pid in processes(launcher) if _state(pid) == "T"}
    assert wait_for(lambda: processes(launcher) <= stopped), processes(launcher) - stopped
    # What is stopped ends when it is continued: nobody can tell it before.
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)
    assert wait_for(lambda: processes(launcher) == set())


def test_signals_reach_the_run_only(launcher: Path, root: harness.GuestRoot) -> None:
    """Strangers in the host's group of the run, and in a session of their own."""
    with (
        subprocess.Popen(["sleep", "1000"], start_new_session=True) as apart,
        subprocess.Popen(["sleep", "1000"]) as beside,
    ):
        strangers = [apart, beside]
        numbers = [str(p.pid) for p in strangers]
        done = harness.run_spec(harness.spec_for(root, ["/bin/kill_all", *numbers]), timeout=300)
        alive = [p.poll() is None for p in strangers]
        for stranger in strangers:
            stranger.kill()
    assert (done.returncode, done.stdout) == (128 + signal.SIGKILL, "process 2\n"), done.stderr
    assert alive == [True, True]


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def test_sigterm_to_the_command_ends_the_tree_with_143(
    launcher: Path, tmp_path: Path, store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = tar([("bin/tree", harness.build(TREE).read_bytes(), 0o755)])
    layout = write_layout(tmp_path / "layout", {"app": [Image([layer], {"Cmd": ["/bin/tree"]})]})
    environ = {**os.environ, "PYTHONPATH": str(harness.ROOT)}
    command = [sys.executable, "-m", "elfuse", "oci", "run", "-q", f"oci:{layout}:app"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environ, text=True) as run:
        assert run.stdout
        assert run.stdout.readline() == "ready\n"
        mine = Path(os.readlink(f"/proc/{run.pid}/exe"))
        group = {pid for pid in processes(mine) if _run_of(pid) == _run_of(run.pid)}
        assert len(group) > 10
        run.send_signal(signal.SIGTERM)
        assert run.wait(20) == 143
        assert not group & processes(mine)


def _run_of(pid: int) -> int:
    """By which a run's processes are known: the file of their numbers, which they share."""
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            path = f"/proc/{pid}/fd/{fd}"
            if "elfuse-processes" in os.readlink(path):
                return os.stat(path).st_ino
    except OSError:
        pass
    return 0
