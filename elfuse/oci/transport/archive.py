"""Tar archives of images: an index of the members to read from, and a writer of deterministic ones.

Nothing is ever extracted: a member is read where it lies, and only by a name that the reader asks for. So
the names in an archive cannot lead anywhere. tarfile parses the headers; reads of it are capped, because an
extended header may claim any size.
"""

import errno
import os
import posixpath
import stat
import tarfile
import weakref
from collections.abc import Iterable, Iterator

import msgspec

from elfuse.errors import ImageNotFound, InvalidImage
from elfuse.oci.transport.files import CHUNK, too_large
from elfuse.oci.transport.spool import spool, spool_inflated

# Thousands of images of hundreds of layers; an index entry takes some 300 bytes.
MEMBER_LIMIT = 100_000
# The C pipeline's cap on one extended header, and Go's.
HEADER_LIMIT = 1 << 20
_LINKS = 8
# What tarfile raises for damaged headers, beside its own errors.
_DAMAGED = (tarfile.TarError, ValueError, LookupError, ArithmeticError, EOFError, RecursionError)
_UNREADABLE = {b"\xfd7zXZ\0": "xz", b"BZh": "bzip2", b"PK\x03\x04": "zip"}
_INFLATABLE = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")


class _Member(msgspec.Struct, frozen=True):
    offset: int
    size: int
    link: str | None  # of a link: the member it means


class Archive:
    """The members of a tar (`Files`). Scanned once; a pipe or a compressed file is copied to an unnamed
    temporary file first. Its descriptor is closed when nobody holds the object any more."""

    def __init__(self, path: str | None) -> None:
        """Of the file at `path`, or of standard input. Raises ImageNotFound, InvalidImage."""
        self.place = path or "standard input"
        self._fd = _seekable(os.dup(0) if path is None else _opened(path), self.place)
        weakref.finalize(self, os.close, self._fd)
        self._total = os.fstat(self._fd).st_size
        self._members: dict[str, _Member] = {}
        self._twice: set[str] = set()
        self._scan()

    def names(self) -> Iterable[str]:
        return self._members

    def exists(self, name: str) -> bool:
        return name in self._members

    def size(self, name: str) -> int:
        return self._find(name).size

    def read(self, name: str, limit: int) -> bytes:
        if self.size(name) > limit:
            raise too_large(self.place, name, limit)
        return b"".join(self.chunks(name))

    def chunks(self, name: str, offset: int = 0) -> Iterator[bytes]:
        member = self._find(name)
        while offset < member.size:
            data = os.pread(self._fd, min(CHUNK, member.size - offset), member.offset + offset)
            if not data:
                raise InvalidImage(f"{self.place} was cut short while it was read")
            offset += len(data)
            yield data

    def _find(self, name: str) -> _Member:
        """The plain file that `name` means, through links inside the archive."""
        at = name
        for _ in range(_LINKS):
            if at in self._twice:
                raise InvalidImage(f"{self.place} has two members named {at[:200]!r}: ambiguous")
            member = self._members.get(at)
            if member is None:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
            if member.link is None:
                return member
            at = member.link
        raise InvalidImage(f"{self.place}: {name[:200]!r} is a link to a link without end")

    def _scan(self) -> None:
        try:
            with tarfile.open(fileobj=_CappedFile(self._fd), mode="r:", errorlevel=1) as tar:  # type: ignore[call-overload]
                for count, info in enumerate(tar):
                    if count >= MEMBER_LIMIT:
                        raise InvalidImage(f"{self.place} has more than {MEMBER_LIMIT} members")
                    self._add(info)
                    tar.members = []  # tarfile keeps all that it has seen
        except InvalidImage:
            raise
        # What tarfile lets through of damaged headers.
        except (
            tarfile.TarError,
            ValueError,
            LookupError,
            ArithmeticError,
            EOFError,
            RecursionError,
        ) as error:
            cause = "headers without end" if isinstance(error, RecursionError) else str(error)[:200]
            raise InvalidImage(f"{self.place} is no readable tar archive: {cause}") from None

    def _add(self, info: tarfile.TarInfo) -> None:
        name = posixpath.normpath(info.name)
        if info.issym():
            link = posixpath.normpath(posixpath.join(posixpath.dirname(name), info.linkname))
        elif info.islnk():
            link = posixpath.normpath(info.linkname)
        elif info.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not info.issparse():
            if info.size < 0 or info.offset_data + info.size > self._total:
                raise InvalidImage(f"{self.place} is cut short: {name[:200]!r} is not all there")
            self._put(name, _Member(info.offset_data, info.size, None))
            return
        else:
            return  # directories, and what no image archive has
        self._put(name, _Member(0, 0, link))

    def _put(self, name: str, member: _Member) -> None:
        if name in self._members:
            self._twice.add(name)
        self._members[name] = member


class _CappedFile:
    """What tarfile reads headers from: a file of its own position and of small reads only."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= HEADER_LIMIT + tarfile.BLOCKSIZE:
            raise tarfile.ReadError(f"a header of {size} bytes")
        data = os.pread(self._fd, size, self._at)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence or offset < 0:
            raise tarfile.ReadError("a header leads before the start")
        self._at = offset
        return offset

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        pass


def _opened(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise ImageNotFound(f"{path} does not exist") from None
    except OSError as error:
        raise ImageNotFound(f"{path} cannot be opened: {error.strerror}") from None


def _seekable(fd: int, place: str) -> int:
    """A descriptor of the plain tar that `fd` delivers. Takes `fd` over."""
    owned = [fd]
    try:
        status = os.fstat(fd)
        if stat.S_ISDIR(status.st_mode):
            raise InvalidImage(f"{place} is a directory, not an archive", hint="use oci: or dir:")
        if not stat.S_ISREG(status.st_mode):
            owned.append(spool(fd))
        magic = os.pread(owned[-1], 6, 0)
        if magic.startswith(_INFLATABLE):
            owned.append(spool_inflated(owned[-1], place))
        for head, kind in _UNREADABLE.items():
            if magic.startswith(head):
                raise InvalidImage(f"{place} is compressed with {kind}", hint="decompress it first")
        return owned.pop()
    finally:
        for other in owned:
            os.close(other)


class ArchiveWriter:
    """Writes a tar to a descriptor, front to back: the same members give the same bytes.

    Owner 0, mode 0644, the time of the epoch, GNU headers where a plain one does not do.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._written = 0

    def add(self, name: str, data: bytes) -> None:
        self.add_stream(name, len(data), [data])

    def add_stream(self, name: str, size: int, chunks: Iterable[bytes]) -> None:
        """A member of `size` bytes; ValueError when `chunks` are not that many."""
        info = tarfile.TarInfo(name)
        info.size = size
        self._write(info.tobuf(tarfile.GNU_FORMAT))
        for chunk in chunks:
            self._write(chunk)
            size -= len(chunk)
        if size:
            raise ValueError(f"{name} is {size} bytes shorter than promised")
        self._pad(tarfile.BLOCKSIZE)

    def finish(self) -> None:
        self._write(bytes(2 * tarfile.BLOCKSIZE))
        self._pad(tarfile.RECORDSIZE)

    def _pad(self, unit: int) -> None:
        self._write(bytes(-self._written % unit))

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]
        self._written += len(data)
