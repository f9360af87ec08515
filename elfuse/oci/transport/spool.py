"""Unnamed temporary files, for bytes that must be read twice or whose length must be known."""

import os
import tempfile

from elfuse import _core
from elfuse.errors import InvalidImage
from elfuse.oci.transport.files import CHUNK

# Layers that are no longer compressed shrink some 3 times, whole archives of zeros a thousand times.
RATIO_LIMIT = 256


def anonymous_file() -> int:
    """A descriptor of a new file without a name, which the kernel removes with its last descriptor.

    It lies in TMPDIR, else in /var/tmp, as for podman: /tmp may be memory.
    """
    directory = os.environ.get("TMPDIR") or ("/var/tmp" if os.path.isdir("/var/tmp") else None)  # noqa: S108
    with tempfile.TemporaryFile(dir=directory) as file:
        return os.dup(file.fileno())


def spool(fd: int) -> int:
    """A descriptor of a copy of all that `fd` still delivers, at offset 0."""
    copy = anonymous_file()
    try:
        while chunk := os.read(fd, CHUNK):
            view = memoryview(chunk)
            while view:
                view = view[os.write(copy, view) :]
        os.lseek(copy, 0, os.SEEK_SET)
    except BaseException:
        os.close(copy)
        raise
    return copy


def spool_inflated(fd: int, what: str) -> int:
    """A descriptor of the uncompressed bytes of the file `fd` (gzip or zstd), at offset 0."""
    copy = anonymous_file()
    try:
        os.lseek(fd, 0, os.SEEK_SET)
        _core.inflate_blob(fd, copy, ratio=RATIO_LIMIT)
        os.lseek(copy, 0, os.SEEK_SET)
    except BaseException as error:
        os.close(copy)
        if isinstance(error, _core.LayerError):
            raise InvalidImage(f"{what}: {error}") from None
        raise
    return copy
