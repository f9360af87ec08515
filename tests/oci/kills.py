"""Processes on one store: killed at random moments, or many at once.

    python -m tests.oci.kills kill STORE LAYOUT SEED ROUNDS
    python -m tests.oci.kills many STORE LAYOUT SEED SECONDS

`kill` forks a process that pulls, unpacks, runs and prunes in turns, kills it with SIGKILL, and looks at the
store, which the next one finds as it is. `many` has eight of them at once, unhurt. Prints, of each operation,
how often it was hit or done. Run as a process of its own, as it forks.
"""

import json
import mmap
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import elfuse as api
from elfuse.api.store import Store
from elfuse.errors import ElfuseError
from elfuse.oci.layout import Store as Layout
from elfuse.oci.reference import parse
from elfuse.oci.stored import load_image
from elfuse.runtime.prepare import RunOptions, prepare_run
from elfuse.runtime.process import become_guest
from tests.oci.conftest import assert_store_is_sound

OPERATIONS = ("pull", "unpack", "run", "remove", "prune")
PROCESSES = 8


def operate(operation: str, store: Path, image: str) -> None:
    """One operation, to its end. A run takes another process, which this one becomes."""
    if operation == "pull":
        api.pull(image, store=str(store))
    elif operation == "unpack":
        api.unpack(image, store=str(store))
    elif operation == "run":
        run(store, image)
    elif operation == "remove":
        Store(str(store)).remove(image)
    else:
        Store(str(store)).prune(commit=True)


def run(store: Path, image: str) -> None:
    """As the command does it: this process becomes the guest."""
    opened = Layout.open(str(store))
    found = load_image(opened, parse(image))
    if found is None:
        return
    prepared = prepare_run(opened, found, RunOptions(), os.environ)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    become_guest(prepared.spec, stdin=False)


def victim(store: Path, image: str, said: mmap.mmap) -> None:
    """All operations in turns, until killed; each is written down before it begins. Never returns."""
    while True:
        for number, operation in enumerate(OPERATIONS):
            said[0] = number
            if operation == "run":
                pid = os.fork()
                if pid == 0:
                    # The guest goes with this process, which shares its group.
                    operate(operation, store, image)
                    os._exit(0)
                os.waitpid(pid, 0)
            else:
                operate(operation, store, image)


def kill(store: Path, layout: Path, seed: int, rounds: int) -> Counter[str]:
    chance = random.Random(seed)
    kept, image = f"oci:{layout}:kept", f"oci:{layout}:victim"
    api.pull(kept, store=str(store))
    api.unpack(kept, store=str(store))
    started = time.monotonic()
    for operation in OPERATIONS:
        if operation != "run":
            operate(operation, store, image)
    whole = time.monotonic() - started
    hits: Counter[str] = Counter()
    said = mmap.mmap(-1, 1)
    for _ in range(rounds):
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            try:
                victim(store, image, said)
            except BaseException as error:
                print(f"{OPERATIONS[said[0]]}: {error!r}", file=sys.stderr)
            os._exit(1)
        time.sleep(chance.uniform(0.0, 1.5 * whole))
        os.killpg(pid, signal.SIGKILL) if os.getpgid(pid) == pid else os.kill(pid, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert status == -signal.SIGKILL, "the victim failed on its own"
        hits[OPERATIONS[said[0]]] += 1
        report = Store(str(store)).verify(repair=True)
        assert report.problems == [], report
        assert kept in {found.name for found in Store(str(store)).images()}
    finish(store, kept, image)
    return hits


def finish(store: Path, kept: str, image: str) -> None:
    """The next pull succeeds, all serves, and nothing is left behind."""
    for name in (kept, image):
        api.pull(name, store=str(store))
        assert api.run(name, store=str(store), pull="never", capture_output=True).returncode == 0
    opened = Store(str(store))
    opened.prune(runs=True, commit=True)
    assert opened.verify().problems == []
    assert_store_is_sound(store)
    assert {found.name for found in opened.images()} == {kept, image}
    assert [os.listdir(store / name) for name in ("trash", "runs")] == [[], []]
    assert os.listdir(store / "tmp") == []


def worker(store: Path, layout: Path, seed: int, until: float) -> dict[str, int]:
    """Pulls, runs and prunes, of two images that the others use as well. One that another worker has just
    removed may be missing; nothing else may fail."""
    chance = random.Random(seed)
    done: Counter[str] = Counter()
    while time.monotonic() < until:
        image = f"oci:{layout}:{chance.choice(('kept', 'victim'))}"
        operation = chance.choice(
            ("pull", "pull", "run", "run", "unpack", "prune", "prune all", "remove", "verify")
        )
        try:
            if operation == "run":
                ended = api.run(image, store=str(store), capture_output=True)
                assert (ended.returncode, ended.stdout) == (0, b"hello\n"), ended
            elif operation == "verify":
                problems = Store(str(store)).verify().problems
                assert problems == [], problems
            elif operation == "prune all":
                Store(str(store)).prune(all=True, commit=True)
            else:
                operate(operation, store, image)
        except ElfuseError as error:
            gone = "missing from the store" in str(error) or "no such image" in str(error)
            if operation in ("pull", "run", "prune", "prune all") or not gone:
                raise
            done[f"{operation}, gone"] += 1
        done[operation] += 1
    return dict(done)


def many(store: Path, layout: Path, seed: int, seconds: float) -> Counter[str]:
    until = time.monotonic() + seconds
    pipes = []
    for number in range(PROCESSES):
        reading, writing = os.pipe()
        if os.fork() == 0:
            try:
                os.write(writing, json.dumps(worker(store, layout, seed + number, until)).encode())
            except BaseException as error:
                print(f"worker {number}: {error!r}", file=sys.stderr)
                os._exit(1)
            os._exit(0)
        os.close(writing)
        pipes.append(reading)
    done: Counter[str] = Counter()
    for reading in pipes:
        with os.fdopen(reading, "rb") as file:
            done.update(json.loads(file.read() or b"{}"))
    statuses = [os.waitstatus_to_exitcode(os.wait()[1]) for _ in pipes]
    assert statuses == [0] * PROCESSES, statuses
    finish(store, f"oci:{layout}:kept", f"oci:{layout}:victim")
    return done


if __name__ == "__main__":
    what = {"kill": kill, "many": many}[sys.argv[1]]
    print(json.dumps(what(Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))))
