"""Named files of one place, a directory or an archive: what the sources read from."""

import errno
import os
import stat
from collections.abc import Iterator
from typing import Protocol

from elfuse.errors import ImageNotFound, InvalidImage

CHUNK = 1 << 20


class Files(Protocol):
    """Read-only files by relative path. Methods may be called from several threads.

    A name that is not there is FileNotFoundError; one that is no plain file is InvalidImage.
    """

    @property
    def place(self) -> str:
        """What holds the files, for messages."""

    def exists(self, name: str) -> bool: ...

    def size(self, name: str) -> int: ...

    def read(self, name: str, limit: int) -> bytes:
        """The content of a small file; one of more than `limit` bytes is InvalidImage."""

    def chunks(self, name: str, offset: int = 0) -> Iterator[bytes]:
        """The content from `offset` on."""


class DirectoryFiles:
    """Files below a directory. A link is followed (build systems make layouts of links to their caches),
    but what it leads to must be a plain file: opening a FIFO would wait for ever."""

    def __init__(self, path: str, kind: str) -> None:
        """`kind`: what should be at `path`, for the error when nothing is."""
        self.place = path
        if not os.path.isdir(path):
            cause = "is no directory" if os.path.lexists(path) else "does not exist"
            raise ImageNotFound(f"{path} is no {kind}: it {cause}")

    def exists(self, name: str) -> bool:
        return os.path.exists(os.path.join(self.place, name))

    def size(self, name: str) -> int:
        fd = self._open(name)
        try:
            return os.fstat(fd).st_size
        finally:
            os.close(fd)

    def read(self, name: str, limit: int) -> bytes:
        with os.fdopen(self._open(name), "rb") as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise too_large(self.place, name, limit)
        return data

    def chunks(self, name: str, offset: int = 0) -> Iterator[bytes]:
        with os.fdopen(self._open(name), "rb", buffering=0) as file:
            file.seek(offset)
            while chunk := file.read(CHUNK):
                yield chunk

    def _open(self, name: str) -> int:
        path = os.path.join(self.place, name)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            if error.errno in (errno.ENXIO, errno.ELOOP, errno.ENOTDIR):
                raise not_plain(self.place, name) from None
            raise
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise not_plain(self.place, name)
        return fd


def too_large(place: str, name: str, limit: int) -> InvalidImage:
    return InvalidImage(f"{place}: {name} is larger than {limit >> 20} MiB")


def not_plain(place: str, name: str) -> InvalidImage:
    return InvalidImage(f"{place}: {name} is no plain file")
