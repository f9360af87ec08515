"""Jobs in a few threads, where the first failure ends the rest."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue

# skopeo and podman bring so many blobs at once.
DEFAULT_JOBS = 6


def run_all(jobs: Sequence[Callable[[], None]], threads: int, stop: Callable[[], None]) -> None:
    """Run every job, at most `threads` at once, and return when all have ended.

    The first failure (or an interrupt of the caller) calls `stop`, which has to make the running jobs end
    soon; no further job begins, and the failure is raised once the others have ended. concurrent.futures
    does as much, and costs a tenth of a command's start to import.
    """
    waiting = deque(jobs)
    failures: list[BaseException] = []
    # Thread.join forgets the thread when an interrupt comes (CPython issue 90882), so the threads say it.
    ended: SimpleQueue[None] = SimpleQueue()

    def take() -> Callable[[], None] | None:
        try:
            return waiting.popleft()
        except IndexError:
            return None

    def work() -> None:
        try:
            while not failures and (job := take()) is not None:
                job()
        except BaseException as error:
            failures.append(error)
            stop()
        finally:
            ended.put(None)

    running = 0
    try:
        while running < min(threads, len(jobs)):
            # Not daemons: those that still run at exit take the interpreter down with them.
            threading.Thread(target=work, name="job").start()
            running += 1
        while running:
            ended.get()
            running -= 1
    except BaseException as error:
        failures.append(error)
        stop()
        while running:
            ended.get()
            running -= 1
    if failures:
        raise failures[0]
