"""Pulls and unpacks one image again and again, and fails it at its first, second, ... step on disk.

    python -m tests.oci.steps crash|error WORK LAYOUT

`crash` ends the process there without any clean-up, as kill -9 does; `error` has the system call fail
with EIO. After each the store must serve what it served, and finish the job when asked again. Run as a
process of its own, as it forks one child a step. Prints the number of steps.
"""

import errno
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import elfuse as api
from elfuse.errors import ElfuseError
from elfuse.oci.layout import Store
from tests.oci.conftest import assert_store_is_sound

STEPS = ("rename", "fsync", "mkdir", "unlink", "write", "pwrite", "ftruncate")
# How a child ended: at the step, with an error that elfuse reports, well in spite of the failing step
# (a clean-up that the next sweep repeats), or before it came to that step.
CRASHED, FAILED, TOLERATED, DONE = 9, 8, 7, 0


def fail_at(number: int, mode: str) -> Callable[[], bool]:
    """Arm the failure; the result tells whether it has happened."""
    count = 0

    def watched(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal count
            count += 1
            if count == number:
                if mode == "crash":
                    os._exit(CRASHED)
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return real(*args, **kwargs)

        return call

    for name in STEPS:
        setattr(os, name, watched(getattr(os, name)))
    return lambda: count >= number


def child(number: int, mode: str, store: Path, victim: str) -> int:
    """The exit status of a process that fails at step `number`."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    happened = fail_at(number, mode)
    try:
        api.pull(victim, store=str(store))
        api.unpack(victim, store=str(store))
    except ElfuseError:
        os._exit(FAILED)
    except BaseException as error:
        print(f"step {number}: not an ElfuseError: {error!r}", file=sys.stderr)
        os._exit(1)
    os._exit(TOLERATED if happened() else DONE)


def main(mode: str, work: Path, layout: Path) -> None:
    pristine, kept, victim = work / "pristine", f"oci:{layout}:kept", f"oci:{layout}:victim"
    api.pull(kept, store=str(pristine))
    api.unpack(kept, store=str(pristine))
    number, status = 0, -1
    while status != DONE:
        number += 1
        store = work / f"store{number}"
        shutil.copytree(pristine, store)
        status = child(number, mode, store, victim)
        assert status in ((CRASHED, DONE) if mode == "crash" else (FAILED, TOLERATED, DONE)), (number, status)
        assert_store_is_sound(store)
        assert api.inspect(kept, store=str(store)).unpacked
        api.pull(victim, store=str(store))
        assert os.path.isdir(api.unpack(victim, store=str(store)))
        Store.open(str(store)).sweep()
        assert [os.listdir(store / name) for name in ("tmp", "trash", "runs")] == [[], [], []], number
        shutil.rmtree(store)
    print(number - 1)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
