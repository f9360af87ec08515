"""What a pull tells whoever watches it. Called from several threads."""

import threading
import time
from typing import Protocol

from elfuse.oci.digest import Digest


class Progress(Protocol):
    def begin(self, kind: str, digest: Digest, size: int, present: int) -> None:
        """A blob of `size` bytes, `present` of them already here, is about to be fetched."""

    def advance(self, digest: Digest, count: int) -> None:
        """`count` more bytes arrived; negative when a transfer has to start again."""

    def finish(self, kind: str, digest: Digest, size: int, fetched: bool) -> None:
        """The blob is in the store. `fetched` is false when it had been there already."""


class Silent:
    def begin(self, kind: str, digest: Digest, size: int, present: int) -> None:
        pass

    def advance(self, digest: Digest, count: int) -> None:
        pass

    def finish(self, kind: str, digest: Digest, size: int, fetched: bool) -> None:
        pass


class Tally:
    """Passes everything on, and counts. Documents count as blobs, which they are in the store."""

    def __init__(self, watcher: Progress) -> None:
        self._watcher = watcher
        self._mu = threading.Lock()
        self._resumed: dict[Digest, int] = {}  # guarded by _mu
        self._begun = time.monotonic()
        self.blobs_fetched = 0
        self.bytes_fetched = 0
        self.bytes_reused = 0

    @property
    def seconds(self) -> float:
        """Since the tally was made."""
        return time.monotonic() - self._begun

    def begin(self, kind: str, digest: Digest, size: int, present: int) -> None:
        with self._mu:
            self._resumed[digest] = present
        self._watcher.begin(kind, digest, size, present)

    def advance(self, digest: Digest, count: int) -> None:
        if count < 0:
            with self._mu:
                self._resumed[digest] = 0
        self._watcher.advance(digest, count)

    def finish(self, kind: str, digest: Digest, size: int, fetched: bool) -> None:
        with self._mu:
            reused = self._resumed.pop(digest, 0) if fetched else size
            self.blobs_fetched += fetched
            self.bytes_fetched += size - reused
            self.bytes_reused += reused
        self._watcher.finish(kind, digest, size, fetched)
