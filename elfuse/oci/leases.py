"""Leases: how a process that makes or uses blobs and trees keeps a prune in another process off them.

Whoever is about to rely on something in the store that no root names yet (roots.py) holds a lease, a locked
file in tmp/, from before its first look until the root is written: a pull until its pin, a run until its
directory. Under the lease it *claims* what it finds: sets its time to now. What it makes is new anyway.
A prune spares whatever is as young as the oldest lease, or has been claimed since it was listed.
"""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator

from elfuse.oci import disk

PREFIX = "lease-"
# What a file system answers that somebody mounted read-only, or a store that one may only read.
READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


@contextlib.contextmanager
def hold(staging: str) -> Iterator[None]:
    """A lease for the duration. Nothing where one cannot write, as nobody there can remove, either."""
    path = os.path.join(staging, PREFIX + os.urandom(8).hex())
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno not in READ_ONLY:
            raise
        yield
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        with contextlib.suppress(OSError):
            os.unlink(path)
        os.close(fd)


def horizon(staging: str) -> int | None:
    """When the oldest lease that is held began, in ns since the epoch by the file system's clock; None: no
    lease is held. Read before the roots: who lets go of a lease has written its root."""
    oldest: int | None = None
    for name in os.listdir(staging):
        if not name.startswith(PREFIX):
            continue
        with contextlib.suppress(FileNotFoundError):
            fd = os.open(os.path.join(staging, name), os.O_RDONLY | os.O_CLOEXEC)
            try:
                if not disk.try_lock(fd, shared=True):
                    began = os.fstat(fd).st_mtime_ns
                    oldest = began if oldest is None else min(oldest, began)
            finally:
                os.close(fd)
    return oldest
