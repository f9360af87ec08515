"""A pull's progress on standard error: bars at a terminal, one line a blob elsewhere."""

import contextlib
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from elfuse.cli.output import human_size
from elfuse.oci.digest import Digest, short
from elfuse.oci.progress import Progress, Silent

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID


@contextlib.contextmanager
def watch(*, quiet: bool, present: bool = True, done: str = "fetched") -> Iterator[Progress]:
    """`present`: whether blobs that were there already are worth a line. `done`: what the others are."""
    if quiet:
        yield Silent()
    elif not sys.stderr.isatty():
        yield Lines(present=present, done=done)
    else:
        terminal = Terminal()
        try:
            yield terminal
        finally:
            terminal.close()


class Lines:
    """One line when a blob is in the store."""

    def __init__(self, *, present: bool, done: str) -> None:
        self._present = present
        self._done = done

    def begin(self, kind: str, digest: Digest, size: int, present: int) -> None:
        if present:
            _say(f"{kind:<8} {short(digest)} {human_size(size):>9} resumes at {human_size(present)}")

    def advance(self, digest: Digest, count: int) -> None:
        pass

    def finish(self, kind: str, digest: Digest, size: int, fetched: bool) -> None:
        if fetched or self._present:
            state = self._done if fetched else "present"
            _say(f"{kind:<8} {short(digest)} {human_size(size):>9} {state}")


def _say(line: str) -> None:
    # One write: several threads speak, and print() would write the line's end apart.
    sys.stderr.write(f"{line}\n")


class Terminal:
    """A bar a blob, by rich, which is loaded at the first blob that has to be fetched."""

    def __init__(self) -> None:
        self._mu = threading.Lock()
        self._bars: Bars | None = None  # guarded by _mu
        self._tasks: dict[Digest, TaskID] = {}  # guarded by _mu

    def begin(self, kind: str, digest: Digest, size: int, present: int) -> None:
        with self._mu:
            if self._bars is None:
                self._bars = _bars()
                self._bars.start()
            task = self._bars.add_task(f"{kind:<8} {short(digest)}", total=size, completed=present)
            self._tasks[digest] = task

    def advance(self, digest: Digest, count: int) -> None:
        with self._mu:
            if self._bars is not None and digest in self._tasks:
                self._bars.advance(self._tasks[digest], count)

    def finish(self, kind: str, digest: Digest, size: int, fetched: bool) -> None:
        with self._mu:
            if self._bars is not None and digest in self._tasks:
                self._bars.update(self._tasks[digest], completed=size)

    def close(self) -> None:
        with self._mu:
            if self._bars is not None:
                self._bars.stop()


def _bars() -> "Bars":
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
    from rich.progress import Progress as RichProgress

    return RichProgress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=Console(stderr=True),
    )
