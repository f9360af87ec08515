"""A blob on its way into the store: verified while it is written, visible only when it is right."""

import contextlib
import os
from collections.abc import Callable
from types import TracebackType
from typing import Self

from elfuse.errors import ContentMismatch
from elfuse.oci.digest import Digest, Hasher, new_hasher
from elfuse.oci.disk import fsync_directory, open_lock, wait_lock

# A failed transfer keeps what it has when that is worth a Range request the next time.
KEEP_PARTIAL_FROM = 1 << 20
_CHUNK = 1 << 20


class PartialBlob:
    """The one writer of a blob, across processes: `<staging>/<hex>.part` under an exclusive lock.

    What an earlier, killed process left is hashed and continued from `offset`. `commit()` demands the
    exact size and digest, makes the bytes durable and renames them to `target`; until then nobody sees
    them. Leaving the context without a commit keeps at least KEEP_PARTIAL_FROM bytes for a later
    resume and removes less; `discard()` removes all. When another process finished the blob while
    we waited for the lock, `complete` is true and there is nothing to do.
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
        self.offset = 0
        self.complete = False
        self._target = target
        self._path = os.path.join(staging, f"{digest.replace(':', '-')}.part")
        self._hasher: Hasher = new_hasher()
        self._fd = -1
        self._cancelled = cancelled

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
        if self._fd >= 0 and self.offset < KEEP_PARTIAL_FROM:
            self.discard()
        self._close()

    def write(self, data: bytes) -> None:
        if self.offset + len(data) > self.size:
            raise ContentMismatch(f"blob {self.digest}: more than the {self.size} bytes promised")
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]
        self._hasher.update(data)
        self.offset += len(data)

    def restart(self) -> None:
        """Begin again from nothing: the server does not resume, or what we hold is wrong."""
        os.ftruncate(self._fd, 0)
        os.lseek(self._fd, 0, os.SEEK_SET)
        self._hasher = new_hasher()
        self.offset = 0

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
        while chunk := os.read(self._fd, _CHUNK):
            self._hasher.update(chunk)
            self.offset += len(chunk)
        if self.offset > self.size:
            self.restart()

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
