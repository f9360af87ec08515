"""Layers by hand: entries to tar bytes, honest ones through tarfile and the other kind by the byte."""

from __future__ import annotations

import gzip
import hashlib
import os
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from elfuse import _core

BLOCK = 512
END = bytes(2 * BLOCK)


def entry(name: str, kind: bytes = tarfile.REGTYPE, data: bytes = b"", **fields: Any) -> bytes:
    """One honest entry, with the extended headers that it needs."""
    info = tarfile.TarInfo(name)
    info.type = kind
    info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
    info.size = len(data)
    pax = fields.pop("pax", {})
    for key, value in fields.items():
        assert hasattr(info, key), key
        setattr(info, key, value)
    info.pax_headers = pax
    head: bytes = info.tobuf(tarfile.PAX_FORMAT, errors="surrogateescape")
    return head + padded(data)


def directory(name: str, **fields: Any) -> bytes:
    return entry(name, tarfile.DIRTYPE, **fields)


def symlink(name: str, target: str) -> bytes:
    return entry(name, tarfile.SYMTYPE, linkname=target)


def hardlink(name: str, target: str) -> bytes:
    return entry(name, tarfile.LNKTYPE, linkname=target)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)


def header(name: bytes, kind: bytes = b"0", size: int | bytes = 0, **fields: bytes) -> bytes:
    """A raw header: fields are written as they are, the checksum is right."""
    parts = {
        "name": (0, 100),
        "mode": (100, 8),
        "uid": (108, 8),
        "gid": (116, 8),
        "size": (124, 12),
        "mtime": (136, 12),
        "link": (157, 100),
        "magic": (257, 8),
        "major": (329, 8),
        "minor": (337, 8),
        "prefix": (345, 155),
    }
    block = bytearray(BLOCK)
    values = {
        "name": name,
        "mode": b"0000644",
        "uid": b"0000000",
        "gid": b"0000000",
        "mtime": b"00000000000",
        "size": size if isinstance(size, bytes) else b"%011o" % size,
        "magic": b"ustar\0" + b"00",
        **fields,
    }
    block[156:157] = kind
    for field, value in values.items():
        at, room = parts[field]
        assert len(value) <= room
        block[at : at + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def pax_record(key: bytes, value: bytes) -> bytes:
    length = len(key) + len(value) + 3
    while length != len(key) + len(value) + 3 + len(str(length)):
        length = len(key) + len(value) + 3 + len(str(length))
    return b"%d %s=%s\n" % (length, key, value)


def pax(records: bytes, kind: bytes = b"x") -> bytes:
    return header(b"PaxHeaders/x", kind, len(records)) + padded(records)


def tar(*entries: bytes) -> bytes:
    return b"".join(entries) + END


def digest(data: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


class Tree:
    """A directory to extract into. `blob` bytes go through a file, or `pieces` of them through a pipe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        path.chmod(0o755)

    def apply(self, *entries: bytes, **options: Any) -> _core.LayerStats:
        return self.apply_blob(tar(*entries), **options)

    def apply_blob(self, blob: bytes, **options: Any) -> _core.LayerStats:
        with tempfile.TemporaryFile() as file:
            file.write(blob)
            file.seek(0)
            return self.apply_fd(file.fileno(), **options)

    def apply_fd(self, fd: int, **options: Any) -> _core.LayerStats:
        root = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            return _core.extract_layer(
                fd,
                root,
                blob_digest=options.pop("blob_digest", None),
                blob_size=options.pop("blob_size", None),
                diff_id=options.pop("diff_id", None),
                **options,
            )
        finally:
            os.close(root)

    def listing(self) -> list[str]:
        return sorted(str(path.relative_to(self.path)) for path in self.path.rglob("*"))

    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()

    def override(self, name: str) -> str | None:
        path = self.path / name
        if "user.containers.override_stat" not in os.listxattr(path, follow_symlinks=False):
            return None
        return os.getxattr(path, "user.containers.override_stat").decode()


def compress(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)
