"""A pull's progress on standard error: bars at a terminal, one line a blob elsewhere, or JSON lines.

ELFUSE_OCI_PROGRESS=plain|rich|json chooses another one. NO_COLOR is honoured by rich.
"""

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from elfuse.cli.output import human_size, is_rich
from elfuse.oci.digest import Digest, short
from elfuse.oci.progress import Progress, Silent

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

_EVENT_EVERY = 0.25  # seconds between two JSON lines about one blob


class Watcher(Progress, Protocol):
    """A pull's progress, and its end."""

    def summary(self, blobs: int, fetched: int, reused: int, seconds: float) -> None:
        """All is done: so many blobs and bytes were fetched, so many bytes had been here."""


@contextlib.contextmanager
def watch(*, quiet: bool, present: bool = True) -> Iterator[Watcher]:
    """`present`: whether blobs that were there already are worth a line."""
    if quiet:
        yield Quiet()
    elif os.environ.get("ELFUSE_OCI_PROGRESS") == "json":
        yield Events()
    elif not is_rich(sys.stderr.isatty()):
        yield Lines(present=present)
    else:
        terminal = Terminal()
        try:
            yield terminal
        finally:
            terminal.close()


def summary_line(blobs: int, fetched: int, reused: int, seconds: float) -> str:
    what = (
        f"fetched {blobs} blob{'' if blobs == 1 else 's'}, {human_size(fetched)}" if blobs else "up to date"
    )
    return f"{what}; reused {human_size(reused)}; {seconds:.1f} s"


class Quiet(Silent):
    def summary(self, blobs: int, fetched: int, reused: int, seconds: float) -> None:
        pass


class Lines:
    """One line when a blob is in the store."""

    def __init__(self, *, present: bool) -> None:
        self._present = present

    def begin(self, kind: str, digest: Digest, size: int, present: int) -> None:
        if present:
            _say(f"{kind:<8} {short(digest)} {human_size(size):>9} resumes at {human_size(present)}")

    def advance(self, digest: Digest, count: int) -> None:
        pass

    def finish(self, kind: str, digest: Digest, size: int, fetched: bool) -> None:
        if fetched or self._present:
            state = "fetched" if fetched else "present"
            _say(f"{kind:<8} {short(digest)} {human_size(size):>9} {state}")

    def summary(self, blobs: int, fetched: int, reused: int, seconds: float) -> None:
        _say(summary_line(blobs, fetched, reused, seconds))


class Events:
    """One JSON object a line, for programs: `event` is begin, advance, finish or summary."""

    def __init__(self) -> None:
        self._mu = threading.Lock()
        self._received: dict[Digest, int] = {}  # guarded by _mu
        self._told: dict[Digest, float] = {}  # guarded by _mu

    def begin(self, kind: str, digest: Digest, size: int, present: int) -> None:
        with self._mu:
            self._received[digest], self._told[digest] = present, time.monotonic()
        self._emit(event="begin", kind=kind, digest=digest, size=size, present=present)

    def advance(self, digest: Digest, count: int) -> None:
        with self._mu:
            received = self._received[digest] = self._received.get(digest, 0) + count
            now = time.monotonic()
            if now - self._told.get(digest, 0.0) < _EVENT_EVERY:
                return
            self._told[digest] = now
        self._emit(event="advance", digest=digest, present=received)

    def finish(self, kind: str, digest: Digest, size: int, fetched: bool) -> None:
        self._emit(event="finish", kind=kind, digest=digest, size=size, fetched=fetched)

    def summary(self, blobs: int, fetched: int, reused: int, seconds: float) -> None:
        self._emit(
            event="summary", blobsFetched=blobs, bytesFetched=fetched, bytesReused=reused, seconds=seconds
        )

    def _emit(self, **members: Any) -> None:
        _say(json.dumps(members))


def _say(line: str) -> None:
    # One write: several threads speak, and print() would write the line's end apart.
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


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
            if digest in self._tasks:
                self._bars.reset(self._tasks[digest], completed=present)
                return
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

    def summary(self, blobs: int, fetched: int, reused: int, seconds: float) -> None:
        self.close()
        _say(summary_line(blobs, fetched, reused, seconds))

    def close(self) -> None:
        with self._mu:
            if self._bars is not None:
                self._bars.stop()
                self._bars = None


def _bars() -> "Bars":
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as RichProgress

    return RichProgress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        console=Console(stderr=True, force_terminal=True),
    )
