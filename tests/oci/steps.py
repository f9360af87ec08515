"""Pulls and unpacks an image, or prunes a store, again and again, and fails it at its first, second, ... call
on a file of the store, in Python and in C.

    LD_PRELOAD=FAILING python -m tests.oci.steps FAILING pull|prune crash|EIO|ENOSPC|EMFILE WORK LAYOUT

FAILING is failing.c, built. `crash` ends the process at that call without any clean-up, as kill -9 does; the
others have the call return that error, if it is one that can. After each the store must be sound, or verify
repair it, must serve what it served, and finish the job when asked again. Run as a process of its own, as it
forks one child a step. Prints the number of steps.
"""

import ctypes
import errno
import os
import shutil
import sys
from pathlib import Path

import elfuse as api
from elfuse.api.store import Store
from elfuse.errors import ElfuseError
from elfuse.oci.layout import Store as Layout
from elfuse.oci.runs import create_run
from tests.oci.conftest import assert_store_is_sound

# failing.c's kinds of calls.
ANY, GETS_FD, NEEDS_ROOM = 1, 2, 4
MODES = {
    "crash": (ANY, 0),
    "EIO": (ANY, errno.EIO),
    "ENOSPC": (NEEDS_ROOM, errno.ENOSPC),
    "EMFILE": (GETS_FD, errno.EMFILE),
}
# How a child ended: at the step, with an error that elfuse reports, well in spite of the failing step
# (a clean-up that the next sweep repeats), or before it came to that step.
CRASHED, FAILED, TOLERATED, DONE = 9, 8, 7, 0


def job(operation: str, store: Path, victim: str) -> None:
    if operation == "prune":
        Store(str(store)).prune(runs=True, commit=True)
    else:
        api.pull(victim, store=str(store))
        api.unpack(victim, store=str(store))


def child(failing: ctypes.CDLL, number: int, operation: str, mode: str, store: Path, victim: str) -> int:
    """The exit status of a process that fails at step `number`."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    kind, error = MODES[mode]
    failing.failing_arm(os.fsencode(store), ctypes.c_long(number), kind, error)
    try:
        job(operation, store, victim)
    except ElfuseError as reported:
        # The object and the cause, on one line.
        print(f"{number}: {reported}", file=sys.stderr)
        os._exit(FAILED if "\n" not in str(reported) else 1)
    except BaseException as other:
        print(f"step {number}: not an ElfuseError: {other!r}", file=sys.stderr)
        os._exit(1)
    os._exit(TOLERATED if failing.failing_count() >= number else DONE)


def prepare(operation: str, store: Path, kept: str, victim: str) -> None:
    """A store with an image that must go on to serve and, for a prune, things that nothing needs."""
    api.pull(kept, store=str(store))
    api.unpack(kept, store=str(store))
    if operation == "prune":
        api.pull(victim, store=str(store))
        api.unpack(victim, store=str(store))
        create_run(Layout(str(store)), "ended", keep=True).release()
        Store(str(store)).remove(victim)
        (store / "tmp/sha256-aa.part").write_bytes(b"x")
        os.utime(store / "tmp/sha256-aa.part", (0, 0))


def check(store: Path, kept: str, victim: str) -> None:
    opened = Store(str(store))
    report = opened.verify(repair=True)
    assert report.unrepaired == [], report
    assert report.problems == [] or opened.verify().problems == []
    assert_store_is_sound(store)
    assert api.inspect(kept, store=str(store)).unpacked
    api.pull(victim, store=str(store))
    assert os.path.isdir(api.unpack(victim, store=str(store)))
    opened.prune(runs=True, commit=True)
    assert [os.listdir(store / name) for name in ("tmp", "trash", "runs")] == [[], [], []]
    assert {image.name for image in opened.images()} == {kept, victim}


def main(library: str, operation: str, mode: str, work: Path, layout: Path) -> None:
    failing = ctypes.CDLL(library)
    pristine, kept, victim = work / "pristine", f"oci:{layout}:kept", f"oci:{layout}:victim"
    prepare(operation, pristine, kept, victim)
    number, status = 0, -1
    while status != DONE:
        number += 1
        store = work / f"store{number}"
        shutil.copytree(pristine, store)
        status = child(failing, number, operation, mode, store, victim)
        expected = (CRASHED, DONE) if mode == "crash" else (FAILED, TOLERATED, DONE)
        assert status in expected, (number, status)
        check(store, kept, victim)
        shutil.rmtree(store)
    print(number - 1)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]), Path(sys.argv[5]))
