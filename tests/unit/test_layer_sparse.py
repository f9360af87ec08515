"""Sparse files: what GNU tar writes in each of its formats, and maps that no honest tar holds."""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from elfuse import _core
from tests.unit.layer_tar import Tree, entry, header, padded, pax, pax_record, tar

MIB = 1 << 20


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "root")


def sparse_files(directory: Path) -> dict[str, int]:
    """Files with holes, by name, and the bytes that are not in one."""
    directory.mkdir()
    shapes: dict[str, tuple[int, list[tuple[int, bytes]]]] = {
        "middle": (3 * MIB, [(MIB, b"x" * 5000)]),
        "both-ends": (2 * MIB, [(0, b"first"), (2 * MIB - 4, b"last")]),
        "only-a-hole": (MIB, []),
        "ends-in-a-hole": (4 * MIB, [(0, os.urandom(700_000))]),
        "many": (8 * MIB, [(at * 65536, b"%d" % at) for at in range(100)]),
        "p" * 90 + "/" + "q" * 99: (MIB, [(65536, b"under a long name")]),
    }
    for name, (size, pieces) in shapes.items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as file:
            file.truncate(size)
            for at, data in pieces:
                file.seek(at)
                file.write(data)
    return {name: sum(len(data) for _, data in pieces) for name, (_, pieces) in shapes.items()}


@pytest.mark.parametrize(
    "options",
    [
        ["--format=gnu"],
        ["--format=oldgnu"],
        ["--format=posix", "--sparse-version=0.0"],
        ["--format=posix", "--sparse-version=0.1"],
        ["--format=posix", "--sparse-version=1.0"],
    ],
    ids=" ".join,
)
def test_as_gnu_tar_writes_them(tree: Tree, tmp_path: Path, options: list[str]) -> None:
    source = tmp_path / "source"
    files = sparse_files(source)
    words = ["tar", "-c", "-S", "--hole-detection=raw", *options, "-C", str(source), "."]
    blob = subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout
    assert len(blob) < 3 * MIB  # it did leave the holes out
    stats = tree.apply_blob(blob)
    assert stats["files"] == len(files)
    for name, kept in files.items():
        path = tree.path / name
        assert path.read_bytes() == (source / name).read_bytes(), name
        assert path.stat().st_mtime_ns // 10**9 == (source / name).stat().st_mtime_ns // 10**9
        assert path.stat().st_blocks * 512 <= kept + 110 * 4096, name  # the holes are holes


def gnu(fields: list[tuple[int, int]], real: int, body: bytes, *more: bytes, extended: bool = False) -> bytes:
    """An 'S' entry by the byte: the first four extents lie in the header, `more` are blocks after it."""
    block = bytearray(header(b"s", b"S", len(body), magic=b"ustar  \0"))
    for index, (offset, size) in enumerate(fields):
        block[386 + 24 * index : 410 + 24 * index] = b"%011o\0%011o\0" % (offset, size)
    block[482] = extended
    block[483:495] = b"%011o\0" % real
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + b"".join(more) + padded(body)


def continued(fields: list[tuple[int, int]], extended: bool = False) -> bytes:
    block = bytearray(512)
    for index, (offset, size) in enumerate(fields):
        block[24 * index : 24 * index + 24] = b"%011o\0%011o\0" % (offset, size)
    block[504] = extended
    return bytes(block)


def paxed(version: str, text: bytes, real: int, body: bytes) -> bytes:
    """A PAX entry: `text` is the map, as the version has it."""
    records = pax_record(b"GNU.sparse.size", b"%d" % real)
    if version == "0.1":
        records += pax_record(b"GNU.sparse.map", text)
    elif version == "0.0":
        for number, value in enumerate(text.split(b",")):
            records += pax_record(b"GNU.sparse.numbytes" if number % 2 else b"GNU.sparse.offset", value)
    else:
        records = pax_record(b"GNU.sparse.major", b"1") + pax_record(b"GNU.sparse.minor", b"0")
        records += pax_record(b"GNU.sparse.realsize", b"%d" % real)
        records += pax_record(b"GNU.sparse.name", b"s")
        body = padded(text) + body
    return pax(records) + entry("s", data=body)


def test_by_the_byte(tree: Tree) -> None:
    want = b"\0" * 3 + b"ab" + b"\0" * 2 + b"c" + b"\0" * 2
    for made in (
        gnu([(3, 2), (7, 1), (10, 0)], 10, b"abc"),
        gnu([(3, 1), (4, 1), (5, 0), (6, 0)], 10, b"abc", continued([(7, 1)]), extended=True),
        paxed("0.0", b"3,2,7,1,10,0", 10, b"abc"),
        paxed("0.1", b"3,2,7,1,10,0", 10, b"abc"),
        paxed("1.0", b"3\n3\n2\n7\n1\n10\n0\n", 10, b"abc"),
    ):
        tree.apply(made, entry("after", data=b"next"))
        assert tree.read("s") == want
        assert tree.read("after") == b"next"


def test_a_map_of_many_blocks(tree: Tree) -> None:
    count = 3000  # a number of the 1.0 map now and then lies across two blocks
    lines = b"%d\n" % count + b"".join(b"%d\n1\n" % (at * 1000) for at in range(count))
    tree.apply(paxed("1.0", lines, count * 1000, b"x" * count))
    data = tree.read("s")
    assert len(data) == count * 1000
    assert all(data[at * 1000] == ord("x") for at in range(count))
    assert data.count(b"x") == count


def test_python_reads_the_same(tree: Tree, tmp_path: Path) -> None:
    blob = tar(paxed("1.0", b"2\n5\n5\n20\n3\n", 30, b"helloend"))
    path = tmp_path / "made.tar"
    path.write_bytes(blob)
    with tarfile.open(path) as archive:
        member = archive.extractfile("s")
        assert member is not None
        want = member.read()
    tree.apply_blob(blob)
    assert tree.read("s") == want


@pytest.mark.parametrize(
    ("made", "match"),
    [
        (gnu([(0, 2), (1, 2)], 10, b"abcd"), "overlaps or is out of order"),
        (gnu([(5, 2), (0, 2)], 10, b"abcd"), "overlaps or is out of order"),
        (gnu([(0, 2), (9, 2)], 10, b"abcd"), "leads past its end"),
        (gnu([(0, 2)], 10, b"abcd"), "does not fit"),
        (gnu([(0, 5)], 10, b"abcd"), "does not fit"),
        (gnu([(0, 4)], 10, b"abcd", extended=True), "malformed|does not fit"),
        (gnu([(0, 4)], 10, b"abcd", continued([], extended=True), extended=True), "malformed"),
        (paxed("0.1", b"0,2,1,2", 10, b"abcd"), "overlaps or is out of order"),
        (paxed("0.1", b"0,2,4", 10, b"ab"), "malformed"),
        (paxed("0.1", b"0,-2", 10, b"ab"), "malformed"),
        (paxed("0.1", b"0,99999999999999999999", 10, b"ab"), "malformed"),
        (paxed("0.1", b"18446744073709551615,2", 10, b"ab"), "leads past its end"),
        (paxed("0.0", b"0,2,4", 10, b"ab"), "malformed"),
        (paxed("1.0", b"1\n0\n", 10, b"ab"), "malformed"),
        (paxed("1.0", b"x\n0\n2\n", 10, b"ab"), "malformed"),
        (paxed("1.0", b"1" * 600, 10, b"ab"), "malformed"),
        (paxed("1.0", b"99999999\n" + b"0\n0\n" * 270_000, 10, b""), "longer than"),
        (pax(pax_record(b"GNU.sparse.major", b"2")) + entry("s"), "unknown format"),
        (pax(pax_record(b"GNU.sparse.name", b"s"), b"g") + entry("s"), "global PAX header"),
        (header(b"s", b"S"), "sparse file of another tar"),
    ],
)
def test_maps_that_lie(tree: Tree, made: bytes, match: str) -> None:
    with pytest.raises(_core.LayerError, match=match):
        tree.apply(made)


def test_a_huge_hole_takes_no_room(tree: Tree) -> None:
    tree.apply(gnu([(0, 4), (1 << 32, 0)], 1 << 32, b"abcd"))
    st = (tree.path / "s").stat()
    assert (st.st_size, st.st_blocks <= 16) == (1 << 32, True)
