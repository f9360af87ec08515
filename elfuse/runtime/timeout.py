"""--timeout: a process that ends a guest which runs for too long, as podman's conmon does."""

import contextlib
import fcntl
import os
import signal
from typing import NoReturn

# The largest wait of poll(2), in milliseconds.
_MOST = (1 << 31) - 1


def kill_after(seconds: int, lock: str) -> None:
    """Have this process, which is about to become a guest, killed after `seconds`: its status is then
    128 + SIGKILL, and its processes end with it.

    The watcher ends when the guest does. It is nobody's child, so that the guest's own wait does not see
    it, and has none of the guest's descriptors, so that a pipe's reader does not wait for it.
    `lock` is the path of the run's lock, which is free when the guest is gone: where there are no pidfds,
    that is what the watcher looks at.
    """
    victim = os.getpid()
    pidfd = -1
    with contextlib.suppress(AttributeError, OSError):
        pidfd = os.pidfd_open(victim)
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        if pidfd >= 0:
            os.close(pidfd)
        return
    try:
        os.setsid()
        if os.fork() == 0:
            _watch(victim, pidfd, lock, seconds)
    finally:
        os._exit(0)


def _watch(victim: int, pidfd: int, lock: str, seconds: int) -> NoReturn:
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    # The lock opened anew: a descriptor that came by fork would share the guest's lock.
    watched = os.dup2(pidfd, 3) if pidfd >= 0 else os.dup2(os.open(lock, os.O_RDWR), 3)
    os.closerange(4, 4096)
    if pidfd >= 0:
        _by_pidfd(watched, seconds)
    else:
        _by_lock(watched, victim, seconds)
    os._exit(0)


def _by_pidfd(pidfd: int, seconds: int) -> None:
    import select

    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    left = seconds * 1000
    while left > 0:
        if poll.poll(min(left, _MOST)):
            return
        left -= _MOST
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)


def _by_lock(lock_fd: int, victim: int, seconds: int) -> None:
    signal.signal(signal.SIGALRM, lambda *_: _kill_and_exit(victim))
    signal.alarm(seconds)
    fcntl.flock(lock_fd, fcntl.LOCK_EX)


def _kill_and_exit(victim: int) -> NoReturn:
    os.kill(victim, signal.SIGKILL)
    os._exit(0)
