"""Files of the store's `cache/`: lines with a checksum, worthless to lose and never trusted when damaged."""

import binascii
import contextlib
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from elfuse.oci.layout import Store

_VERSION = "4"


def read_cache(store: "Store", name: str) -> list[str]:
    """The lines of a cache file; none when it is missing, of another version or damaged in any way."""
    try:
        with open(store.join("cache", name), "rb") as file:
            head, _, body = file.read().partition(b"\n")
    except OSError:
        return []
    if head != _head(body):
        return []
    return body.decode("utf-8", "surrogateescape").split("\n") if body else []


def write_cache(store: "Store", name: str, lines: Iterable[str]) -> None:
    body = "\n".join(lines).encode("utf-8", "surrogateescape")
    staged = store.join("tmp", f"cache-{os.urandom(8).hex()}")
    with contextlib.suppress(OSError), store.activity():
        with contextlib.suppress(FileExistsError):
            os.mkdir(store.join("cache"), 0o700)
        fd = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(_head(body) + b"\n" + body)
            os.rename(staged, store.join("cache", name))
        except OSError:
            os.unlink(staged)


def _head(body: bytes) -> bytes:
    return f"elfuse {_VERSION} {len(body)} {binascii.crc32(body):08x}".encode("ascii")
