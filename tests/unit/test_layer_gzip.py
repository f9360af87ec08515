"""Headers of gzip members: each optional field, in pieces of any size, and what is none."""

from __future__ import annotations

import gzip
import socket
import struct
import zlib

import pytest

from elfuse import _core

FHCRC, FEXTRA, FNAME, FCOMMENT = 2, 4, 8, 16
BODY = b"what was compressed " * 20


def header(flags: int, *, extra: bytes = b"abcd", method: int = 8) -> bytes:
    head = b"\x1f\x8b" + bytes([method, flags]) + b"\1\2\3\4\2\3"
    if flags & FEXTRA:
        head += struct.pack("<H", len(extra)) + extra
    if flags & FNAME:
        head += b"a name\0"
    if flags & FCOMMENT:
        head += b"a comment\0"
    if flags & FHCRC:
        head += struct.pack("<H", zlib.crc32(head) & 0xFFFF)
    return head


def member(head: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    data = packer.compress(BODY) + packer.flush()
    return head + data + struct.pack("<II", zlib.crc32(BODY), len(BODY))


def inflated(blob: bytes, piece: int) -> int:
    """How many bytes come out of the blob when each read gives one piece of it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        with theirs:
            for at in range(0, len(blob), piece):
                theirs.send(blob[at : at + piece])
        return _core.inflate_blob(ours.fileno(), -1)["tar_size"]


@pytest.mark.parametrize("flags", range(0, 32, 2))
@pytest.mark.parametrize("piece", [1, 2, 3, 7, 16, 1000])
def test_optional_fields(flags: int, piece: int) -> None:
    blob = member(header(flags)) + member(header(flags ^ 30, extra=b""))
    assert gzip.decompress(blob) == 2 * BODY
    assert inflated(blob, piece) == 2 * len(BODY)


@pytest.mark.parametrize("piece", [1, 1000])
@pytest.mark.parametrize("bad", [header(0x20), header(0x80), header(0, method=7), header(FHCRC)[:-1] + b"\0"])
def test_headers_that_are_none(bad: bytes, piece: int) -> None:
    with pytest.raises(_core.LayerError, match="a member's header is no valid one"):
        inflated(member(bad), piece)


@pytest.mark.parametrize("piece", [1, 1000])
def test_a_header_that_ends_early(piece: int) -> None:
    whole = header(30)
    for end in range(1, len(whole)):
        with pytest.raises(_core.LayerError, match="truncated"):
            inflated(member(header(0)) + whole[:end], piece)
