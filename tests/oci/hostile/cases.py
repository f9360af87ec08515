"""Layers that attack, or that readers disagree about: entries by hand, and what is to become of them.

A case with `refused` is refused with that text, any other is applied; and umoci does the same, to the same
tree, unless `differs` names the row of docs/layers.md that says why not.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.unit.layer_tar import (
    directory,
    entry,
    hardlink,
    header,
    padded,
    pax,
    pax_record,
    symlink,
    tar,
)


@dataclass(frozen=True)
class Case:
    """Layers, made from the path of a directory outside of every tree with `secret` and `etc/passwd`."""

    make: Callable[[str], list[bytes]]
    refused: str = ""
    differs: str = ""
    # Where a refusal and the right result are both good: name -> content.
    content: Mapping[str, bytes] = field(default_factory=dict)


def layers(*parts: list[bytes]) -> Callable[[str], list[bytes]]:
    return lambda _: [tar(*part) for part in parts]


def one(*entries: bytes) -> Callable[[str], list[bytes]]:
    return layers(list(entries))


def from_outside(make: Callable[[str], list[list[bytes]]]) -> Callable[[str], list[bytes]]:
    return lambda outside: [tar(*part) for part in make(outside)]


def long_name(kind: bytes, name: bytes) -> bytes:
    return header(b"././@LongLink", kind, len(name)) + padded(name)


def old_sparse(name: bytes, pieces: list[tuple[int, int]], real: int, stored: bytes) -> bytes:
    """GNU's first sparse format: four pieces in the header itself."""
    block = bytearray(header(name, b"S", len(stored), magic=b"ustar  \0"))
    block[329:512] = bytes(183)
    for number, (offset, size) in enumerate(pieces[:4]):
        block[386 + 24 * number : 386 + 24 * number + 24] = b"%011o\0%011o\0" % (offset, size)
    block[483:495] = b"%011o\0" % real
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + padded(stored)


def pax_sparse(pieces: list[tuple[int, int]], real: int, stored: bytes) -> bytes:
    """GNU's format 1.0: the map stands before the data."""
    numbers = [len(pieces), *(number for piece in pieces for number in piece)]
    body = padded(b"".join(b"%d\n" % number for number in numbers)) + stored
    records = (
        pax_record(b"GNU.sparse.major", b"1")
        + pax_record(b"GNU.sparse.minor", b"0")
        + pax_record(b"GNU.sparse.name", b"sparse")
        + pax_record(b"GNU.sparse.realsize", b"%d" % real)
    )
    return pax(records) + header(b"GNUSparseFile.0/sparse", size=len(body)) + padded(body)


LOWER = [directory("d", mtime=1), entry("d/x", data=b"x", mtime=2), entry("top", data=b"t", mtime=3)]
MARK = ".wh..wh..opq"

NAMES = {
    "absolute": Case(one(entry("/abs", data=b"1"), directory("//etc"), entry("/etc/passwd", data=b"2"))),
    "absolute-outside": Case(
        from_outside(lambda o: [[directory(o), entry(f"{o}/secret", data=b"guest's")]]), differs="implied"
    ),
    "dotdot-first": Case(
        one(entry("../outside/secret", data=b"bad")), refused='has ".." in it', differs="dotdot"
    ),
    "dotdot-within": Case(one(directory("a"), entry("a/../b")), refused='has ".." in it', differs="dotdot"),
    "dotdot-alone": Case(one(directory("..")), refused='has ".." in it', differs="dotdot"),
    "dotdot-in-pax": Case(
        one(pax(pax_record(b"path", b"../outside/secret")), header(b"x")),
        refused='has ".." in it',
        differs="dotdot",
    ),
    "dots": Case(one(directory("./a/./b/"), entry("./a//b/.//c")), differs="implied"),
    "no-bytes": Case(one(header(b"")), refused="a tar entry has no name"),
    "no-bytes-in-pax": Case(one(pax(pax_record(b"path", b"")), header(b"kept"))),
    "64-KiB": Case(
        one(long_name(b"L", b"n/" * 32768 + b"\0"), header(b"x")), refused="longer than 4095 bytes"
    ),
    "64-KiB-in-pax": Case(
        one(pax(pax_record(b"path", b"n/" * 32768)), header(b"x")), refused="longer than 4095 bytes"
    ),
    "component-of-256": Case(
        one(pax(pax_record(b"path", b"n" * 256)), header(b"x")), refused="path is too long"
    ),
    "component-of-255": Case(one(pax(pax_record(b"path", b"n" * 255)), header(b"x"))),
    "not-utf8": Case(one(header(b"\xff\xfe\x80"), header(b"d\xe9/", b"5"), header(b"d\xe9/\xc3"))),
    "not-utf8-in-pax": Case(one(pax(pax_record(b"path", b"\xff\xfe" * 60)), header(b"x"))),
    "control": Case(one(header(b"\x1b[31m\n\r\t"), header(b" "), header(b"\\"), header(b"*?"))),
    "nul-in-pax": Case(one(pax(pax_record(b"path", b"a\0b")), header(b"x")), refused="a NUL in it"),
    "case": Case(one(entry("README", data=b"1"), entry("readme", data=b"2"), entry("ReadMe", data=b"3"))),
    "file-with-slash": Case(one(header(b"dir/"), header(b"dir/x")), differs="v7-directory"),
    "root-as-link": Case(one(symlink("./", "/etc")), refused="would replace the root"),
    "root-as-file": Case(one(header(b".")), refused="would replace the root"),
    "parent-is-a-file": Case(one(entry("f"), entry("f/x")), refused="a parent is not a directory"),
}

LINKS = {
    "absolute-target": Case(
        from_outside(lambda o: [[symlink("l", f"{o}/secret"), symlink("m", "/etc/passwd")]])
    ),
    "dotdot-target": Case(one(symlink("l", "../../outside/secret"), symlink("d", ".."))),
    "parent-absolute": Case(
        from_outside(
            lambda o: [
                [directory(o.lstrip("/")), symlink("l", o)],
                [entry("l/secret", data=b"guest's", mtime=4)],
            ]
        ),
        differs="implied",
    ),
    "parent-dotdot": Case(
        layers(
            [directory("outside", mtime=1), symlink("l", "../outside")],
            [entry("l/secret", data=b"x", mtime=4)],
        )
    ),
    "parent-in-one-layer": Case(
        one(
            directory("outside", mtime=1),
            symlink("l", "../../outside"),
            entry("l/secret", data=b"x", mtime=4),
        )
    ),
    "parent-dangling": Case(one(symlink("l", "new/place"), entry("l/x", mtime=4)), differs="implied"),
    "chain": Case(
        one(
            directory("outside", mtime=1),
            *(symlink(f"s{i}", f"s{i + 1}/.." if i < 8 else "..") for i in range(9)),
            entry("s0/outside/secret", data=b"x", mtime=2),
        )
    ),
    "loop": Case(one(symlink("a", "b"), symlink("b", "a"), entry("a/x")), refused="too many symlinks"),
    "loop-of-one": Case(one(symlink("a", "a/a"), entry("a/x")), refused="too many symlinks"),
    "directory-loop": Case(
        one(directory("d", mtime=1), symlink("d/up", ".."), entry("d/up/d/up/d/up/d/x", data=b"x", mtime=2))
    ),
    "replaced-while-in-use": Case(
        one(
            directory("d", mtime=1),
            entry("d/x", mtime=2),
            symlink("d", "../outside"),
            directory("outside", mtime=3),
            entry("d/secret", data=b"x", mtime=4),
        )
    ),
    "long-target": Case(
        one(pax(pax_record(b"linkpath", b"t" * 4096)), header(b"l", b"2")), refused="the path is too long"
    ),
    "target-of-4095": Case(one(pax(pax_record(b"linkpath", b"t" * 4095)), header(b"l", b"2"))),
    "no-target": Case(one(header(b"l", b"2")), refused="has no target"),
    "hard-absolute": Case(one(entry("a", data=b"1"), hardlink("b", "/a"))),
    "hard-dotdot": Case(one(hardlink("x", "../outside/secret")), refused='has ".." in it'),
    "hard-outside": Case(from_outside(lambda o: [[hardlink("x", f"{o}/secret")]]), refused="not in the tree"),
    "hard-to-host-file": Case(one(hardlink("x", "/etc/passwd")), refused="not in the tree"),
    "hard-through-link": Case(
        from_outside(lambda o: [[symlink("l", o), hardlink("x", "l/secret")]]), refused="not in the tree"
    ),
    "hard-to-link-outside": Case(
        from_outside(
            lambda o: [
                [symlink("s", f"{o}/secret"), hardlink("h", "s"), entry("h", data=b"guest's", mtime=1)]
            ]
        )
    ),
    "hard-to-directory": Case(one(directory("d"), hardlink("x", "d")), refused="is a directory"),
    "hard-to-later": Case(one(hardlink("x", "y"), entry("y")), refused="not in the tree"),
    "hard-to-whited-out": Case(
        layers(LOWER, [entry(".wh.top"), hardlink("x", "top")]), refused="not in the tree"
    ),
    "hard-to-itself": Case(layers(LOWER, [hardlink("top", "top")]), differs="itself"),
    "hard-across-layers": Case(layers(LOWER, [hardlink("y", "d/x"), hardlink("d/z", "y")])),
    "hard-parent-as-name": Case(
        one(directory("e"), entry("e/f"), hardlink("e", "e/f")), refused='the hard link "e"'
    ),
}

WHITEOUTS = {
    "through-link": Case(
        from_outside(lambda o: [[symlink("l", o), symlink("m", "../outside")], [entry("l/.wh.secret")]])
    ),
    "through-link-within": Case(
        layers([directory("d", mtime=1), entry("d/x"), entry("d/y"), symlink("l", "d")], [entry("l/.wh.x")])
    ),
    "opaque-through-link": Case(
        layers([directory("d", mtime=1), entry("d/x"), symlink("l", "/d")], [entry(f"l/{MARK}")])
    ),
    "opaque-through-link-outside": Case(from_outside(lambda o: [[symlink("l", o)], [entry(f"l/{MARK}")]])),
    "of-a-link": Case(from_outside(lambda o: [[symlink("l", o)], [entry(".wh.l")]])),
    "of-nothing": Case(layers(LOWER, [entry("d/.wh.none")])),
    "below-nothing": Case(layers(LOWER, [entry("none/.wh.x")])),
    "below-a-file": Case(layers(LOWER, [entry("top/.wh.x"), entry(f"top/{MARK}")])),
    "no-name": Case(layers(LOWER, [entry("d/.wh.")]), refused="is no valid whiteout"),
    "dot": Case(layers(LOWER, [entry("d/.wh..")]), refused="is no valid whiteout"),
    "dotdot": Case(layers(LOWER, [entry("d/.wh...")]), refused="is no valid whiteout"),
    "dotdot-at-the-root": Case(layers(LOWER, [entry(".wh...")]), refused="is no valid whiteout"),
    "three-dots": Case(layers([*LOWER, entry("d/...")], [entry("d/.wh....")])),
    "aufs": Case(layers(LOWER, [entry(".wh..wh.aufs")]), refused="is no valid whiteout", differs="aufs"),
    "plnk": Case(
        layers(LOWER, [directory(".wh..wh.plnk"), entry(".wh..wh.plnk/12.34")]),
        refused="is no valid whiteout",
        differs="aufs",
    ),
    "opaque-as-directory": Case(
        layers(LOWER, [directory("d", mtime=9), directory(f"d/{MARK}")]),
    ),
    "opaque-with-content": Case(
        layers(LOWER, [directory("d", mtime=9), entry(f"d/{MARK}", data=b"content")]),
    ),
    "below-opaque": Case(
        layers(LOWER, [directory(f"d/{MARK}"), entry(f"d/{MARK}/x")]),
        refused="lies below a whiteout",
        differs="wh-below",
    ),
    "below-whiteout": Case(
        layers(LOWER, [entry(".wh.d"), entry(".wh.d/x")]), refused="lies below a whiteout", differs="wh-below"
    ),
    "as-directory": Case(layers(LOWER, [directory("d/.wh.x")])),
    "with-content": Case(layers(LOWER, [entry("d/.wh.x", data=b"content")])),
    "as-symlink": Case(layers(LOWER, [symlink("d/.wh.x", "/etc")])),
    "as-hard-link": Case(layers(LOWER, [hardlink("d/.wh.x", "nothing")])),
    "opaque-at-the-root": Case(layers(LOWER, [entry(MARK), entry("new")])),
    "opaque-after-siblings": Case(
        layers(LOWER, [directory("d", mtime=4), entry("d/new", mtime=5), entry(f"d/{MARK}")])
    ),
    "of-its-own-layer": Case(layers(LOWER, [entry("new"), entry(".wh.new"), entry(".wh.top")])),
    "in-the-first-layer": Case(layers([entry(".wh.x"), entry(MARK), entry("x", mtime=1)])),
    "of-a-tree": Case(layers([*LOWER, directory("d/e"), entry("d/e/f")], [entry(".wh.d")])),
    "then-again": Case(layers(LOWER, [entry(".wh.d"), directory("d", mtime=5), entry("d/y", mtime=6)])),
}

KINDS = {
    "duplicate-files": Case(one(entry("x", data=b"first", mtime=1), entry("x", data=b"last", mtime=2))),
    "duplicate-directories": Case(
        one(directory("d", mtime=1), entry("d/x", mtime=2), directory("d", mode=0o700, mtime=3))
    ),
    "duplicate-kinds": Case(
        one(
            entry("x", mtime=1),
            directory("x", mtime=2),
            entry("x/y", mtime=3),
            entry("x", data=b"last", mtime=4),
            symlink("y", "x"),
            entry("y", data=b"own", mtime=5),
        )
    ),
    "duplicate-link": Case(
        one(entry("a", data=b"1"), hardlink("b", "a"), entry("b", data=b"2"), entry("a", data=b"3"))
    ),
    "directory-over-link": Case(
        layers(
            [directory("d", mtime=1), entry("d/x"), symlink("l", "d")],
            [directory("l", mtime=2), entry("l/y")],
        )
    ),
    "devices": Case(
        one(
            entry("null", tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666),
            entry("sda", tarfile.BLKTYPE, devmajor=8, devminor=0, mode=0o660, gid=6),
        ),
        differs="devices",
    ),
    "fifo": Case(one(entry("pipe", tarfile.FIFOTYPE, mode=0o622, uid=7))),
    "setuid": Case(
        one(
            entry("su", mode=0o4755),
            entry("sg", mode=0o2755, gid=5),
            entry("all", mode=0o7777, uid=1),
            directory("d", mode=0o3770),
        )
    ),
    "huge-owners": Case(one(entry("x", uid=3_000_000_000, gid=4_000_000_000))),
    "owner-of-nobody": Case(one(entry("x", uid=2**32 - 1)), refused="out of range", differs="no-owner"),
    "size-on-others": Case(
        one(
            header(b"d/", b"5", 1000),
            header(b"l", b"2", 1000, link=b"t"),
            header(b"f", b"6", 5),
            header(b"x"),
        )
    ),
    "unknown-type": Case(one(header(b"x", b"D"), header(b"y")), refused="unknown tar type"),
    "volume-label": Case(one(header(b"x", b"V"), header(b"y")), refused="unknown tar type"),
    "xattrs-of-others": Case(
        one(
            entry(
                "x",
                pax={
                    "SCHILY.xattr.user.kept": "1",
                    "SCHILY.xattr.user.overlay.opaque": "y",
                    "SCHILY.xattr.user.containers.override_stat": "0:0:04755",
                    "SCHILY.xattr.trusted.overlay.opaque": "y",
                },
            )
        ),
        differs="xattrs",
    ),
}

SIZES = {
    "negative": Case(one(header(b"x", size=b"\xff" * 12)), refused="no number"),
    "negative-in-pax": Case(one(pax(pax_record(b"size", b"-1")), header(b"x")), refused="no number"),
    "overlong": Case(one(header(b"x", size=b"77777777777")), refused='the tar ends inside "x"'),
    "overlong-base-256": Case(
        one(header(b"x", size=b"\x80\0\0\0\x7f" + b"\xff" * 7)), refused="impossible size"
    ),
    "overlong-in-pax": Case(
        one(pax(pax_record(b"size", b"9" * 18)), header(b"x")), refused='the tar ends inside "x"'
    ),
    "beyond-64-bits": Case(one(header(b"x", size=b"\x80" + b"\xff" * 11)), refused="no number"),
    "pax-over-header": Case(
        one(pax(pax_record(b"size", b"5")), header(b"x", size=1024) + padded(b"hello"), header(b"y"))
    ),
    "huge-pax": Case(
        one(pax(pax_record(b"comment", b"c" * (1 << 20))), header(b"x")), refused="longer than 1048576 bytes"
    ),
    "large-pax": Case(one(pax(pax_record(b"comment", b"c" * 900_000)), header(b"x"))),
    "many-records": Case(one(pax(pax_record(b"comment", b"c") * 60_000), header(b"x"))),
    "huge-global-pax": Case(
        one(pax(pax_record(b"comment", b"c" * (1 << 20)), b"g"), header(b"x")),
        refused="longer than 1048576 bytes",
    ),
    "huge-gnu-name": Case(
        one(header(b"././@LongLink", b"L", (1 << 20) + 1)), refused="longer than 1048576 bytes"
    ),
    "pax-without-entry": Case(
        one(pax(pax_record(b"path", b"x"))), refused="ends after an extended header", differs="extended-end"
    ),
}

HELLO = {"sparse": bytes(4096) + b"hello" + bytes(9000 - 4101)}

SPARSE = {
    "old": Case(
        one(old_sparse(b"sparse", [(4096, 5), (9000, 0)], 9000, b"hello")), refused="sparse", content=HELLO
    ),
    "pax": Case(one(pax_sparse([(4096, 5), (9000, 0)], 9000, b"hello")), refused="sparse", content=HELLO),
    "old-overlap": Case(one(old_sparse(b"s", [(0, 600), (100, 600)], 2000, bytes(1200))), refused="spars"),
    "pax-overlap": Case(one(pax_sparse([(0, 600), (100, 600)], 2000, bytes(1200))), refused="spars"),
    "old-backwards": Case(one(old_sparse(b"s", [(1000, 10), (0, 10)], 2000, bytes(20))), refused="spars"),
    "pax-backwards": Case(one(pax_sparse([(1000, 10), (0, 10)], 2000, bytes(20))), refused="spars"),
    "old-beyond": Case(one(old_sparse(b"s", [(0, 10), (1000, 10)], 1005, bytes(20))), refused="spars"),
    "pax-beyond": Case(one(pax_sparse([(0, 10), (1000, 10)], 1005, bytes(20))), refused="spars"),
    "pax-wrap": Case(one(pax_sparse([(2**63 - 5, 10)], 2**63 - 1, bytes(10))), refused="spars"),
    "pax-more-than-stored": Case(one(pax_sparse([(0, 5000)], 5000, bytes(10))), refused="spars"),
    "pax-long-map": Case(
        one(pax_sparse([(i, 0) for i in range(200_000)], 200_000, b"")),
        refused="spars",
        content={"sparse": bytes(200_000)},
    ),
}

CASES = {
    f"{group}/{name}": case
    for group, members in {
        "names": NAMES,
        "links": LINKS,
        "whiteouts": WHITEOUTS,
        "kinds": KINDS,
        "sizes": SIZES,
        "sparse": SPARSE,
    }.items()
    for name, case in members.items()
}
