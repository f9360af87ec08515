"""Runs that the native front makes from a memo: those that Python would make, as safe, and swept as well."""

import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from elfuse.cli.front import name_of
from elfuse.oci.layout import Store
from elfuse.oci.runs import RunState, list_runs
from tests.oci.faulty import FaultyRegistry
from tests.oci.images import GROUP, PASSWD, Image, exit_program, hello_program, tar
from tests.oci.installed import HOME, Command, Result
from tests.oci.programs import CAT, ECHO, LOOP, MKDIR

PROGRAMS = {"hello": hello_program(b"hello\n"), "exit7": exit_program(7), "cat": CAT, "echo": ECHO}
PROGRAMS |= {"loop": LOOP, "mkdir": MKDIR}


@dataclass(frozen=True)
class Runner:
    command: Command
    ref: str

    def run(self, *words: str, **env: str) -> Result:
        return self.command.run("oci", "run", *words, **env)

    def settle(self, *words: str, code: int = 0) -> Result:
        """Run until the front does it by itself."""
        for _ in range(4):
            time.sleep(0.1)
            self.command.by_python()
            done = self.run(*words)
            assert done.code == code, done.err
            if not self.command.by_python():
                return done
        raise AssertionError("Python is asked again and again")

    @property
    def store(self) -> Store:
        return Store(str(self.command.store))

    def live(self) -> list[RunState]:
        return [run for run in list_runs(self.store) if run.live]

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        """A guest that runs until it is killed."""
        program = [str(self.command.program), "oci", "run", *words]
        guest = subprocess.Popen(program, env=self.command.environment, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while b"elfuse-vm" not in Path(f"/proc/{guest.pid}/cmdline").read_bytes():
            assert guest.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        return guest


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    command = Command(tmp_path_factory.mktemp("front-run"))
    programs = [(f"bin/{name}", code, 0o755) for name, code in PROGRAMS.items()]
    users = [("etc/passwd", PASSWD), ("etc/group", GROUP)]
    image = Image([tar([*users, *programs])], {"Cmd": ["/bin/hello"], "Env": ["PATH=/bin"]})
    with FaultyRegistry() as server:
        ref = server.add("app", image)
        assert command.pull(ref).code == 0
    yield Runner(command, ref)  # the registry is gone: whatever is run is in the store


@pytest.fixture
def runner(shared: Runner) -> Runner:
    shared.settle(shared.ref)
    return shared


def test_a_run_of_an_image_that_is_here_needs_no_python(runner: Runner) -> None:
    assert runner.settle(runner.ref) == Result(0, "hello\n", "")
    # What follows the image is the program's: one memo is for all of it.
    runner.settle(runner.ref, "exit7", code=7)
    assert runner.run(runner.ref, "cat", "/etc/passwd") == Result(0, PASSWD.decode(), "")
    assert runner.run(runner.ref, "exit7", "--", "-x", "").code == 7
    assert runner.run(runner.ref, "/bin/nothing").code == 127
    assert not runner.command.by_python()
    assert runner.run(runner.ref, "exit7", "\u00e9").code == 7 and runner.command.by_python()


def test_each_run_has_its_own_name_and_files(runner: Runner) -> None:
    names = {runner.settle(runner.ref, "cat", "/etc/hostname").out for _ in range(3)}
    assert len(names) == 3 and all(len(name) == 13 for name in names)
    assert runner.run(runner.ref, "cat", "/etc/hosts").out.endswith(Path("/etc/hosts").read_text())
    assert runner.run(runner.ref, "cat", "/etc/resolv.conf").out == Path("/etc/resolv.conf").read_text()
    for _ in range(2):  # a run does not see what another wrote
        assert runner.run(runner.ref, "mkdir").code == 0
    runner.settle("--read-only", runner.ref, "mkdir", code=30)  # EROFS
    runner.settle("--hostname", "fixed", runner.ref, "exit7", code=7)
    assert runner.run("--hostname", "fixed", runner.ref, "cat", "/etc/hostname").out == "fixed\n"
    assert not runner.command.by_python()


def test_all_that_a_run_looks_at_is_in_its_memo(runner: Runner) -> None:
    runner.settle(runner.ref)
    opened, asked = runner.command.watched("oci", "run", runner.ref)
    assert {"/etc/resolv.conf", str(runner.command.store / "index.json")} <= opened and "HOME" in asked
    assert runner.command.forgotten(memo(runner), opened, asked) == set()


def test_standard_input(runner: Runner) -> None:
    words = [str(runner.command.program), "oci", "run"]
    for flags, expected in (["-i"], b"typed"), ([], b""):
        runner.settle(*flags, runner.ref, "echo")
        done = subprocess.run(
            [*words, *flags, runner.ref, "echo"],
            input=b"typed",
            capture_output=True,
            env=runner.command.environment,
        )
        assert (done.returncode, done.stdout) == (0, expected), done.stderr
        assert not runner.command.by_python()


def layout(path: Path) -> dict[str, tuple[int, str]]:
    """Modes and contents below a run's directory, without the record; the ID is X."""
    found = {}
    for entry in sorted(path.rglob("*")):
        text = entry.read_text().replace(path.name, "X") if entry.is_file() else ""
        if entry.name != "run.json":
            found[str(entry.relative_to(path))] = (entry.stat().st_mode, text)
    return found


def record(path: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((path / "run.json").read_text())
    return found


def test_the_directory_is_what_python_makes(runner: Runner) -> None:
    runner.settle(runner.ref, "exit7", code=7)
    runner.command.by_python()
    ours = runner.start(runner.ref, "loop")
    assert not runner.command.by_python()
    (mine,) = runner.live()
    theirs = runner.start("--user", "app", runner.ref, "loop")  # words that no memo has
    assert runner.command.by_python()
    try:
        (other,) = (run for run in runner.live() if run.id != mine.id)
        paths = Path(mine.path), Path(other.path)
        wait_until(lambda: all((path / "upper/dev/shm").exists() for path in paths))  # the launcher's
        wait_until(lambda: layout(paths[0]) == layout(paths[1]))
        assert {"lock", "etc/resolv.conf", "etc/hosts", "etc/hostname"} <= set(layout(paths[0]))
        first, second = record(Path(mine.path)), record(Path(other.path))
        created = first.pop("created"), second.pop("created")
        assert all(isinstance(time_, float) and abs(time.time() - time_) < 300 for time_ in created)
        assert (first.pop("pid"), second.pop("pid")) == (ours.pid, theirs.pid)
        assert first == second
        listed = runner.command.run("oci", "ps", "--json").out
        assert mine.id in listed
        # Nobody takes what a live run needs.
        runner.command.run("oci", "rm", runner.ref)
        assert runner.command.run("oci", "prune", "--commit").code == 0
        runner.store.sweep()
        assert {run.id for run in runner.live()} == {mine.id, other.id}
        assert os.listdir(runner.command.store / "stacks/sha256")
    finally:
        for guest in (ours, theirs):
            guest.kill()
            guest.wait()
    runner.store.sweep()
    assert not runner.live() and os.listdir(runner.command.store / "runs") == []
    assert runner.run(runner.ref).code == 125  # the image has gone, and its registry


@pytest.fixture
def disposable(shared: Runner, tmp_path: Path) -> Iterator[Runner]:
    """One whose store may be spoilt."""
    command = Command(tmp_path)
    programs = [(f"bin/{name}", code, 0o755) for name, code in PROGRAMS.items()]
    users = [("etc/passwd", PASSWD), ("etc/group", GROUP)]
    image = Image([tar([*users, *programs])], {"Cmd": ["/bin/hello"], "Env": ["PATH=/bin"]})
    with FaultyRegistry() as server:
        ref = server.add("app", image)
        assert command.pull(ref).code == 0
        runner = Runner(command, ref)
        runner.settle(ref)
        yield runner


def tree(runner: Runner) -> Path:
    (chain,) = (runner.command.store / "stacks/sha256").iterdir()
    return chain / "rootfs"


def rewritten(path: Path) -> None:
    path.write_bytes(path.read_bytes())


def memo(runner: Runner) -> Path:
    return runner.command.home / ".cache/elfuse/memos" / name_of(["oci", "run", runner.ref])


def edit(runner: Runner, **members: object) -> None:
    document = json.loads(memo(runner).read_text())
    document["run"].update(members)
    memo(runner).write_text(json.dumps(document))


def damage(runner: Runner, end: bytes = b" ") -> None:
    """Another last byte of the image's config."""
    path = Path(json.loads(memo(runner).read_text())["blobs"][1][0])
    path.write_bytes(path.read_bytes()[:-1] + end)


CHANGES: dict[str, Callable[[Runner], object]] = {
    "config.toml": lambda r: rewritten(r.command.home / ".config/elfuse/config.toml"),
    "registries.conf": lambda r: rewritten(r.command.home / HOME / "registries.conf"),
    "the index": lambda r: r.command.run("oci", "tag", r.ref, "example.com/other:1"),
    "passwd of the tree": lambda r: rewritten(tree(r) / "etc/passwd"),
    "the tree is gone": lambda r: shutil.rmtree(tree(r).parent),
    "the config is damaged": damage,
    "the memo is cut": lambda r: os.truncate(memo(r), 900),
    "another ID's length": lambda r: edit(r, id="0123456789"),
    "another launcher": lambda r: edit(r, program="/nowhere/elfuse-vm"),
    "another store": lambda r: edit(r, store="/nowhere"),
    "a tree that is not there": lambda r: edit(r, claims=["/nowhere"]),
    "a name that leaves the run": lambda r: edit(r, entries=[["../x", 0o700]]),
    "an absolute name": lambda r: edit(r, entries=[["/tmp/x", 0o700]]),
    "a mode that is none": lambda r: edit(r, entries=[["x", 0o100700]]),
    "a directory twice": lambda r: edit(r, entries=[["x", 0o700], ["x", 0o700]]),
    "a spec without argv": lambda r: edit(r, spec={}),
}


def test_whatever_has_changed_is_python_s_to_judge(disposable: Runner) -> None:
    for name, change in CHANGES.items():
        change(disposable)
        disposable.command.by_python()
        done = disposable.run(disposable.ref)
        assert disposable.command.by_python(), name
        if "damaged" in name:
            assert done.code == 125 and "damaged" in done.err, name
            damage(disposable, b"}")
        else:
            assert (done.code, done.out) == (0, "hello\n"), (name, done.err)
        disposable.settle(disposable.ref)
        assert not list((disposable.command.store / "tmp").glob("lease-*")), name


@pytest.mark.parametrize("name", ["gc", "activity"])
def test_who_would_wait_for_a_lock_is_python(disposable: Runner, name: str) -> None:
    import fcntl

    with (disposable.command.store / "locks" / name).open("rb+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        release = threading.Timer(1.5, lambda: fcntl.flock(file, fcntl.LOCK_UN))
        release.start()
        disposable.command.by_python()
        assert disposable.run(disposable.ref) == Result(0, "hello\n", "")
        release.join()
    assert disposable.command.by_python()


@pytest.mark.parametrize(
    "words",
    [
        ["--name", "mine"],
        ["--keep"],
        ["--timeout", "60"],
        ["-e", "HOME"],
        ["-e", "TOKEN=a secret"],
        ["-v", "/etc:/mnt"],
        ["--tmpfs", "/scratch"],
        ["--ulimit", "nofile=100"],
        ["--env-file", os.devnull],
        ["--pull", "newer"],
        ["--cidfile", "cid"],
    ],
)
def test_what_is_never_made_from_a_memo(disposable: Runner, words: list[str]) -> None:
    before = disposable.command.memos
    for _ in range(2):
        time.sleep(0.1)
        done = disposable.run(*words, disposable.ref, "exit7")
        assert done.code in (7, 125) and disposable.command.by_python(), done.err
        (disposable.command.place / "cid").unlink(missing_ok=True)
        disposable.command.run("oci", "rm", "--run", "mine")
        disposable.command.by_python()
    assert disposable.command.memos == before


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_ended_runs_are_swept(disposable: Runner) -> None:
    runs = disposable.command.store / "runs"
    disposable.store.sweep()
    disposable.settle(disposable.ref, "exit7", code=7)
    for _ in range(40):
        disposable.run(disposable.ref)
        assert len(os.listdir(runs)) < 40
    wait_until(lambda: disposable.run(disposable.ref).code == 0 and len(os.listdir(runs)) <= 17)
    # What holds something goes with the next run.
    wait_until(lambda: len(os.listdir(runs)) < 12 or disposable.store.sweep() is None)
    full = runs / "full"
    (full / "upper").mkdir(parents=True)
    (full / "lock").touch()
    (full / "upper/data").write_bytes(b"x")
    assert disposable.run(disposable.ref).code == 0
    wait_until(lambda: not full.exists())


def test_killed_at_any_moment(disposable: Runner) -> None:
    """It leaves what the next sweep removes."""
    store, choose = disposable.command.store, random.Random(7)
    words = [str(disposable.command.program), "oci", "run", disposable.ref, "loop"]
    disposable.settle(disposable.ref, "exit7", code=7)
    for _ in range(60):
        guest = subprocess.Popen(words, env=disposable.command.environment, stdin=subprocess.DEVNULL)
        time.sleep(choose.uniform(0, 0.02))
        guest.send_signal(signal.SIGKILL)
        guest.wait()

    def is_clean() -> bool:  # one of the sweeps that the runs started may still be at it
        disposable.store.sweep()
        return not any(os.listdir(store / name) for name in ("runs", "tmp", "trash"))

    wait_until(is_clean)
    assert disposable.command.run("oci", "verify").code == 0
    assert disposable.settle(disposable.ref).out == "hello\n"


def test_beside_prunes_and_other_runs(disposable: Runner) -> None:
    disposable.settle(disposable.ref)
    failures, done = [], threading.Event()

    def run() -> None:
        for _ in range(15):
            found = disposable.run(disposable.ref)
            if found != Result(0, "hello\n", ""):
                failures.append(found)

    def prune() -> None:
        while not done.is_set():
            found = disposable.command.run("oci", "prune", "--commit", "--runs")
            if found.code:
                failures.append(found)

    threads = [threading.Thread(target=run) for _ in range(3)]
    pruning = threading.Thread(target=prune)
    for thread in (*threads, pruning):
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    pruning.join()
    assert failures == []
    assert disposable.command.run("oci", "verify").code == 0
