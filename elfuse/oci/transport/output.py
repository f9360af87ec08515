"""Where copies of images are written: a directory, or a tar; and how either appears at once or not at all."""

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from typing import Protocol

from elfuse import _core
from elfuse.errors import ElfuseError, StoreError
from elfuse.oci import disk
from elfuse.oci.transport.archive import ArchiveWriter


class FileSink(Protocol):
    """Takes the files of one layout, each once."""

    def has(self, name: str, size: int) -> bool:
        """Whether the file is there with that size."""

    def write(self, name: str, size: int, chunks: Iterable[bytes]) -> None: ...


class DirectorySink:
    """Files below a directory, each whole when it gets its name."""

    def __init__(self, path: str) -> None:
        self.path = path

    def has(self, name: str, size: int) -> bool:
        try:
            status = os.stat(os.path.join(self.path, name))
        except FileNotFoundError:
            return False
        return stat.S_ISREG(status.st_mode) and status.st_size == size

    def write(self, name: str, size: int, chunks: Iterable[bytes]) -> None:
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with replaced_file(path) as fd:
            for chunk in chunks:
                write_all(fd, chunk)


class ArchiveSink:
    def __init__(self, writer: ArchiveWriter) -> None:
        self._writer = writer
        self._names: set[str] = set()

    def has(self, name: str, size: int) -> bool:
        return name in self._names

    def write(self, name: str, size: int, chunks: Iterable[bytes]) -> None:
        self._names.add(name)
        self._writer.add_stream(name, size, chunks)


@contextlib.contextmanager
def replaced_file(path: str) -> Iterator[int]:
    """A descriptor to write the new content of `path` to, which it gets when the block ends well.

    What is no plain file (/dev/null, a FIFO) is written to as it lies.
    """
    if os.path.lexists(path) and not os.path.isfile(path):
        if os.path.isdir(path):
            raise StoreError(f"cannot write {path}: it is a directory")
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            yield fd
        finally:
            os.close(fd)
        return
    path = os.path.realpath(path)  # a link stays, and what it names is replaced
    parent, name = os.path.split(path)
    staged = os.path.join(parent, f".{name[:100]}.elfuse-{os.urandom(6).hex()}")
    fd = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        try:
            yield fd
            os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(staged, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(staged)
        raise
    disk.fsync_directory(parent)


@contextlib.contextmanager
def new_directory(path: str) -> Iterator[str]:
    """A directory to fill, which becomes `path` when the block ends well. Nothing else may be there."""
    parent, name = os.path.split(path)
    if os.path.lexists(path) and (not os.path.isdir(path) or os.listdir(path)):
        raise StoreError(f"cannot write to {path}: it exists and is not an empty directory")
    staged = os.path.join(parent, f".{name[:100]}.elfuse-{os.urandom(6).hex()}")
    os.mkdir(staged)
    try:
        yield staged
        os.rename(staged, path)
    except BaseException:
        fd = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with contextlib.suppress(OSError):
                _core.remove_tree(fd, os.path.basename(staged))
        finally:
            os.close(fd)
        raise
    disk.fsync_directory(parent)


@contextlib.contextmanager
def archive_output(path: str | None) -> Iterator[ArchiveWriter]:
    """A writer of the tar at `path`, or on standard output."""
    if path is not None:
        with replaced_file(path) as fd:
            writer = ArchiveWriter(fd)
            yield writer
            writer.finish()
        return
    if os.isatty(1):
        raise ElfuseError("an archive is no text for a terminal", hint="use -o FILE, or redirect the output")
    writer = ArchiveWriter(1)
    yield writer
    writer.finish()


def write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
