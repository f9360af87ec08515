"""Runs: the writable directory of each, and how one knows that a run has ended.

A run holds flock on its `lock` file. The descriptor is handed to elfuse-vm (`keep_fds`), which keeps it
until the guest ends, however it ends; so a lock that can be taken means that the run is over.
"""

import contextlib
import os
import re
from typing import TYPE_CHECKING

import msgspec

from elfuse.errors import RunError
from elfuse.oci import disk

if TYPE_CHECKING:
    from elfuse.oci.layout import Store

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_KEEP = "keep"


class Run(msgspec.Struct, frozen=True):
    """A run's directory and the descriptor that holds its lock. The owner closes `lock_fd`."""

    id: str
    path: str
    lock_fd: int

    def make_directory(self, name: str) -> str:
        path = os.path.join(self.path, name)
        os.mkdir(path, 0o700)
        return path

    def release(self) -> None:
        os.close(self.lock_fd)


def create_run(store: "Store", name: str | None = None, *, keep: bool = False) -> Run:
    """A new run, locked from its first moment: it is staged in tmp/, and renamed when it holds its lock."""
    if name is not None and not _NAME.fullmatch(name):
        raise RunError(f"{name!r} is no name for a run", hint="use letters, digits, '_', '.' and '-'")
    run_id = name or os.urandom(6).hex()
    with store.activity():
        staged = store.staging_directory("run")
        lock_fd = disk.open_lock(os.path.join(staged, "lock"))
        try:
            disk.try_lock(lock_fd)
            if keep:
                os.close(disk.open_lock(os.path.join(staged, _KEEP)))
            _publish(store, staged, run_id)
        except BaseException:
            os.close(lock_fd)
            store.discard(staged)
            raise
    return Run(run_id, store.join("runs", run_id), lock_fd)


def _publish(store: "Store", staged: str, run_id: str) -> None:
    target = store.join("runs", run_id)
    try:
        os.rename(staged, target)
        return
    except OSError:
        # The name is taken. A run that has ended and is not kept makes way.
        if not retire_if_ended(store, run_id):
            raise RunError(
                f"a run named {run_id!r} exists in {store.path}",
                hint="choose another --name, or remove its directory",
            ) from None
    os.rename(staged, target)


def retire_if_ended(store: "Store", run_id: str) -> bool:
    """Move an ended run that nobody asked to keep to the trash."""
    path = store.join("runs", run_id)
    try:
        fd = os.open(os.path.join(path, "lock"), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        store.discard(path)
        return True
    try:
        if not disk.try_lock(fd) or os.path.exists(os.path.join(path, _KEEP)):
            return False
        store.discard(path)
        return True
    finally:
        os.close(fd)


def retire_ended_runs(store: "Store") -> None:
    for run_id in os.listdir(store.join("runs")):
        with contextlib.suppress(OSError):
            retire_if_ended(store, run_id)


def check_name(name: str) -> None:
    """Raise RunError unless a run can be called so."""
    if not _NAME.fullmatch(name):
        raise RunError(f"{name!r} is no name for a run", hint="use letters, digits, '_', '.' and '-'")
