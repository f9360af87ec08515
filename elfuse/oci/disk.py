"""Durable writes and advisory locks: what the store's promises rest on."""

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator

from elfuse.errors import StoreError


def fsync_directory(path: str) -> None:
    """Make renames and creations in `path` survive a power cut (umoci forgets this one)."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def replace_file(path: str, data: bytes, staging: str) -> None:
    """Put `data` at `path` as one step: after a crash there is the old file or the new one."""
    temporary = os.path.join(staging, f"file-{os.urandom(8).hex()}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    fsync_directory(os.path.dirname(path))


def file_clock(directory: str) -> int:
    """Now, in ns, by the clock that stamps files there. It ticks: a file made later has this time or a
    later one, where time.time_ns() may be ahead of it."""
    path = os.path.join(directory, f"clock-{os.urandom(8).hex()}")
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError:
        return time.time_ns() - 10**9  # full, or not ours to write: ticks are far shorter
    try:
        with contextlib.suppress(FileNotFoundError):  # a sweep may be quicker
            os.unlink(path)
        return os.fstat(fd).st_mtime_ns
    finally:
        os.close(fd)


def sync_filesystem(path: str) -> None:
    """syncfs(2): one call makes a tree of any size durable, where an fsync a file takes minutes."""
    import ctypes  # not needed on the way to a run of an unpacked image

    libc = ctypes.CDLL(None, use_errno=True)
    syncfs = getattr(libc, "syncfs", None)
    if syncfs is None:  # macOS
        os.sync()
        return
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if syncfs(fd) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), path)
    finally:
        os.close(fd)


@contextlib.contextmanager
def reported(what: str, store: str) -> Iterator[None]:
    """Turn a failing system call into the one error that a user sees: what, where, why."""
    try:
        yield
    except OSError as error:
        # A call on a descriptor has that in the place of a name.
        named = isinstance(error.filename, str | bytes) and error.filename
        where = os.fsdecode(error.filename) if named else store
        raise StoreError(f"{what} failed: {where}: {error.strerror or error}") from error


def open_lock(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def try_lock(fd: int, *, shared: bool = False) -> bool:
    """flock without waiting. The lock belongs to the open file, so it goes when the process does."""
    try:
        fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        raise
    return True


@contextlib.contextmanager
def locked(
    path: str,
    *,
    shared: bool = False,
    timeout: float = 60.0,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[int]:
    """Hold the lock file at `path`, waiting for at most `timeout` seconds."""
    fd = open_lock(path)
    try:
        wait_lock(fd, path, shared=shared, timeout=timeout, cancelled=cancelled)
        yield fd
    finally:
        os.close(fd)


def wait_lock(
    fd: int,
    path: str,
    *,
    shared: bool = False,
    timeout: float = 60.0,
    cancelled: Callable[[], bool] = lambda: False,
) -> None:
    deadline = time.monotonic() + timeout
    pause = 0.002
    while not try_lock(fd, shared=shared):
        if cancelled():
            raise InterruptedError(errno.EINTR, "cancelled while waiting for a lock", path)
        if time.monotonic() >= deadline:
            raise StoreError(
                f"{path} has been locked by another elfuse process for {timeout:.0f} s",
                hint="wait for it to end, or end it",
            )
        time.sleep(pause)
        pause = min(pause * 2, 0.1)
