"""Clearing what crashed and ended processes left behind: staged files, ended runs, the trash."""

import contextlib
import os
import stat
import time
from typing import TYPE_CHECKING

from elfuse.oci import disk

if TYPE_CHECKING:
    from elfuse.oci.layout import Store

# How long an interrupted download is kept for a later pull to go on from.
PARTIAL_AGE = 7 * 24 * 3600.0
PARTIAL_SUFFIX = ".part"


def sweep(store: "Store") -> None:
    from elfuse.oci.runs import homes, retire_ended_runs

    for home in homes(store):
        if home.is_writable():
            retire_ended_runs(home)
            sweep_staging(home, PARTIAL_AGE)
            empty_trash(home)


def stale_staging(store: "Store", partial_age: float) -> list[str]:
    """Names in tmp/ that are worthless when nobody is active: all but downloads younger than `partial_age`
    seconds."""
    oldest = time.time() - partial_age
    stale = []
    for name in os.listdir(store.join("tmp")):
        with contextlib.suppress(FileNotFoundError):
            status = os.stat(store.join("tmp", name), follow_symlinks=False)
            if not (name.endswith(PARTIAL_SUFFIX) and status.st_mtime >= oldest and status.st_size):
                stale.append(name)
    return stale


def sweep_staging(store: "Store", partial_age: float) -> int:
    """Empty tmp/ unless a process uses it, as far as stale_staging says. Returns how many went."""
    fd = disk.open_lock(store.join("locks/activity"))
    removed = 0
    try:
        if not disk.try_lock(fd):
            return 0
        for name in stale_staging(store, partial_age):
            path = store.join("tmp", name)
            with contextlib.suppress(FileNotFoundError):
                if stat.S_ISDIR(os.stat(path, follow_symlinks=False).st_mode):
                    store.discard(path)
                else:
                    os.unlink(path)
                removed += 1
    finally:
        os.close(fd)
    return removed


def empty_trash(store: "Store") -> None:
    from elfuse import _core

    fd = disk.open_lock(store.join("locks/trash"))
    try:
        if not disk.try_lock(fd):
            return  # another process is at it
        trash = os.open(store.join("trash"), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for name in os.listdir(trash):
                try:
                    _core.remove_tree(trash, name)
                except FileNotFoundError:
                    continue
                except OSError as error:
                    raise OSError(error.errno, error.strerror, store.join("trash", name)) from None
        finally:
            os.close(trash)
    finally:
        os.close(fd)
