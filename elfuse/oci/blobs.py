"""A blob on its way into the store: verified while it is written, visible only when it is right."""

import contextlib
import hashlib
import os
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from elfuse.errors import ContentMismatch
from elfuse.oci.digest import Digest, Hasher, new_hasher
from elfuse.oci.disk import fsync_directory, open_lock, wait_lock

# A failed transfer keeps what it has when that is worth a Range request the next time.
KEEP_PARTIAL_FROM = 1 << 20
_CHUNK = 256 << 10
# Begin to write back what has arrived after so many bytes, so that the fsync at the end finds little to do.
_WRITE_BACK = 8 << 20
_RECORD_EVERY = 1 << 20
_RECORD_LIMIT = 1 << 16
_MAGIC = b"elfparts"

Span = tuple[int, int]  # from, to (excluded)


def _unheard(_offset: int) -> None:
    pass


class PartialBlob:
    """The one writer of a blob, across processes: `<staging>/<hex>.part` under an exclusive lock.

    What an earlier, killed process left is hashed and continued: `missing()` says what is not here.
    Bytes may arrive in any order and from several threads. Those at `offset`, the end of what has been
    hashed, are hashed as they pass; others once the gap before them closes, from the page cache. While
    there are such islands, a record of them follows the blob's last byte in the file, so that a killed
    process loses none of them.

    `commit()` demands the exact size and digest, makes the bytes durable and renames them to `target`;
    until then nobody sees them. Leaving the context without a commit keeps at least KEEP_PARTIAL_FROM
    bytes for a later resume and removes less; `discard()` removes all. When another process finished the
    blob while we waited for the lock, `complete` is true and there is nothing to do.
    """

    def __init__(
        self,
        staging: str,
        target: str,
        digest: Digest,
        size: int,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self.digest = digest
        self.size = size
        self.complete = False
        self._target = target
        self._path = os.path.join(staging, f"{digest.replace(':', '-')}.part")
        self._hasher: Hasher = new_hasher()
        self._fd = -1
        self._cancelled = cancelled
        # Told of each new `offset`, by whichever thread moved it: those bytes are here in order.
        self.on_progress: Callable[[int], None] = _unheard
        self._mu = threading.Lock()
        # All guarded by _mu, but for a reader that no writer runs beside.
        self.offset = 0
        self._islands: list[Span] = []  # sorted, disjoint, beyond offset
        self._hashing = False
        self._recorded = False
        self._unrecorded = 0
        self._written_back = 0
        self._scratch: bytearray | None = None  # of who hashes

    def __enter__(self) -> Self:
        while True:
            self._fd = open_lock(self._path)
            try:
                wait_lock(self._fd, self._path, timeout=3600.0, cancelled=self._cancelled)
                if self._is_current():
                    break
            except BaseException:
                self._close()
                raise
            self._close()
        if self._is_stored():
            self.complete = True
            self.discard()
        else:
            self._take_up()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._fd >= 0:
            if self.present < KEEP_PARTIAL_FROM:
                self.discard()
            elif self._islands:
                with contextlib.suppress(OSError):  # the last record stands
                    self._record()
        self._close()

    @property
    def present(self) -> int:
        """How many bytes are here."""
        return self.offset + sum(end - start for start, end in self._islands)

    def missing(self) -> list[Span]:
        """What is not here, in order."""
        with self._mu:
            edges = [self.offset, *(edge for island in self._islands for edge in island), self.size]
        gaps = zip(edges[::2], edges[1::2], strict=True)
        return [(start, end) for start, end in gaps if start < end]

    def write(self, data: bytes | memoryview) -> None:
        """The next bytes of a blob that comes in order, over any islands."""
        self._islands = []
        self.write_at(self.offset, data)

    def write_at(self, position: int, data: bytes | memoryview) -> None:
        """Bytes that are nowhere yet, at their place. From any thread; blocks for the disk and the hash."""
        end = position + len(data)
        if end > self.size:
            raise ContentMismatch(f"blob {self.digest}: more than the {self.size} bytes promised")
        with self._mu:
            if position > self.offset and not self._recorded:
                self._record()  # before there is a hole that could be taken for content
        view = memoryview(data)
        at = position
        while view:
            count = os.pwrite(self._fd, view, at)
            view, at = view[count:], at + count
        with self._mu:
            ours = position == self.offset and not self._hashing
            if not ours:
                self._add_island(position, end)
                return
            self._hashing = True
        self._hash_on(data)

    def _hash_on(self, data: bytes | memoryview) -> None:
        """Hash `data`, which is at `offset`, and what then follows; one thread at a time."""
        try:
            self._hasher.update(data)
            with self._mu:
                self.offset += len(data)
                self._note(len(data))
            self.on_progress(self.offset)
            self._write_back()
            while (span := self._next_span()) is not None:
                self._hash_span(*span)
        except BaseException:
            with self._mu:
                self._hashing = False
            raise

    def _next_span(self) -> Span | None:
        with self._mu:
            if self._islands and self._islands[0][0] == self.offset:
                return self._islands[0]
            # Under the same lock as the look, so that no island is left to nobody.
            self._hashing = False
            return None

    def _hash_span(self, start: int, end: int) -> None:
        while start < end:
            count = self._hash_at(start, end)
            if not count:
                raise ContentMismatch(f"blob {self.digest}: its staged file was cut short")
            start += count
            with self._mu:
                self.offset = start
                last = self._islands[0][1]
                self._islands[0:1] = [(start, last)] if start < last else []
            self.on_progress(start)

    def _hash_at(self, start: int, end: int) -> int:
        """Hash what the file has there, at most _CHUNK bytes; how many. One buffer, whoever hashes."""
        self._scratch = self._scratch or bytearray(_CHUNK)
        with memoryview(self._scratch)[: min(_CHUNK, end - start)] as view:
            count = os.preadv(self._fd, [view], start)
            self._hasher.update(view[:count])
        return count

    def _add_island(self, start: int, end: int) -> None:
        """Note bytes beyond `offset`; _mu is held."""
        spans = sorted([*self._islands, (start, end)])
        merged = [spans[0]]
        for first, last in spans[1:]:
            if first <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
            else:
                merged.append((first, last))
        self._islands = merged
        self._note(end - start)

    def _note(self, count: int) -> None:
        """`count` more bytes are here; _mu is held."""
        self._unrecorded += count
        if self._recorded and self._unrecorded >= _RECORD_EVERY:
            self._record()

    def _record(self) -> None:
        """Write what is here behind the blob's last byte; _mu is held, or no other thread is left."""
        spans = [(0, self.offset), *self._islands]
        body = struct.pack(f"<Q{2 * len(spans)}Q", len(spans), *(edge for span in spans for edge in span))
        record = _MAGIC + hashlib.sha256(body).digest() + body
        os.pwrite(self._fd, record, self.size)
        os.ftruncate(self._fd, self.size + len(record))
        self._recorded = True
        self._unrecorded = 0

    def _write_back(self) -> None:
        """Start the disk on what has arrived in order. DONTNEED drops only what is clean already."""
        if self.offset - self._written_back >= _WRITE_BACK and hasattr(os, "posix_fadvise"):
            start, self._written_back = self._written_back, self.offset
            os.posix_fadvise(self._fd, start, self.offset - start, os.POSIX_FADV_DONTNEED)

    def restart(self) -> None:
        """Begin again from nothing: the server does not resume, or what we hold is wrong."""
        os.ftruncate(self._fd, 0)
        self._hasher = new_hasher()
        self.offset = 0
        self._islands = []
        self._recorded = False
        self._written_back = 0
        self.on_progress(0)

    def reader(self) -> int:
        """A descriptor for the bytes up to `offset`, for a caller who closes it and never moves its position.
        It stays good after the commit."""
        return os.dup(self._fd)

    def commit(self) -> None:
        actual = "sha256:" + self._hasher.hexdigest()
        if self.offset != self.size:
            self.discard()
            raise ContentMismatch(
                f"blob {self.digest} is truncated: {self.offset} bytes instead of {self.size}"
            )
        if actual != self.digest:
            self.discard()
            raise ContentMismatch(f"blob {self.digest} has the wrong content: its digest is {actual}")
        if self._recorded:
            os.ftruncate(self._fd, self.size)
        os.utime(self._fd)  # its age as a blob, by which a prune may spare it, begins here
        os.fsync(self._fd)
        os.rename(self._path, self._target)
        fsync_directory(os.path.dirname(self._target))
        self._close()

    def discard(self) -> None:
        # Still locked, so the name is ours: see _is_current.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)
        self._close()

    def _take_up(self) -> None:
        """Hash what is here up to the first gap."""
        length = os.fstat(self._fd).st_size
        end = length
        if length > self.size:
            spans = self._read_record(length)
            if not spans:
                self.restart()
                return
            end, self._islands, self._recorded = spans[0][1], spans[1:], True
        while self.offset < end and (count := self._hash_at(self.offset, end)):
            self.offset += count
        while (span := self._next_span()) is not None:
            self._hash_span(*span)

    def _read_record(self, length: int) -> list[Span]:
        """The spans that _record wrote; none when it did not, or not wholly."""
        record = os.pread(self._fd, min(length - self.size, _RECORD_LIMIT), self.size)
        body = record[len(_MAGIC) + 32 :]
        if record[: len(_MAGIC) + 32] != _MAGIC + hashlib.sha256(body).digest():
            return []
        edges = struct.unpack_from(f"<{len(body) // 8 - 1}Q", body, 8)
        spans = list(zip(edges[::2], edges[1::2], strict=True))
        return spans if list(edges) == sorted(edges) and edges[-1] <= self.size else []

    def _is_current(self) -> bool:
        """Whether the locked file still has the name: its last owner may have renamed or removed it."""
        try:
            there = os.stat(self._path, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return os.path.samestat(there, os.fstat(self._fd))

    def _is_stored(self) -> bool:
        try:
            return os.stat(self._target, follow_symlinks=False).st_size == self.size
        except FileNotFoundError:
            return False

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
