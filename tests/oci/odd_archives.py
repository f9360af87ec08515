"""Tar archives that readers have disagreed about, by the byte: formats, numbers, names, extensions, ends.

The ideas are those of other readers' test lists (libarchive, tar-split, node-tar, Go); the bytes are of here.
"""

from __future__ import annotations

import struct
import subprocess
import tempfile
from pathlib import Path

from tests.oci.hostile.cases import long_name, old_sparse, pax_sparse
from tests.unit.layer_tar import END, header, padded, pax, pax_record, tar

GNU = b"ustar  \0"


def binary(value: int, size: int) -> bytes:
    """GNU's base-256 number."""
    data = (value & (1 << 8 * size - 1) - 1).to_bytes(size, "big")
    return bytes([data[0] & 0x7F | 0x80 | (0x40 if value < 0 else 0)]) + data[1:]


def resummed(block: bytes, *, signed: bool = False) -> bytes:
    """The header with the checksum that its bytes now have."""
    block = block[:148] + b" " * 8 + block[156:]
    total = sum(struct.unpack("512b", block)) if signed else sum(block)
    return block[:148] + b"%06o\0 " % total + block[156:]


def star(name: bytes, prefix: bytes) -> bytes:
    """star's format: a shorter prefix, two times, and "tar" at the end."""
    block = bytearray(header(name, prefix=prefix))
    block[476:500] = b"%011o " % 1 + b"%011o " % 2
    block[508:512] = b"tar\0"
    return resummed(bytes(block))


def records(*pairs: tuple[bytes, bytes]) -> bytes:
    return pax(b"".join(pax_record(key, value) for key, value in pairs))


BODY = padded(b"hello")
FILE = header(b"after", size=5) + BODY
LONG = b"/".join([b"n" * 60] * 3)

OLD = {
    "v7": tar(header(b"f", b"\0", 5, magic=bytes(8)) + BODY, header(b"l", b"2", magic=bytes(8), link=b"f")),
    "v7-directory": tar(header(b"d/", b"\0", magic=bytes(8)), header(b"d/f", b"\0", magic=bytes(8))),
    "v7-with-a-prefix": tar(header(b"f", magic=bytes(8), prefix=b"ignored")),
    "ustar-directory-as-file": tar(header(b"d/"), header(b"d/f")),
    "ustar-prefix": tar(header(b"f", prefix=b"a/b")),
    "ustar-full-fields": tar(header(b"n" * 100, prefix=b"p" * 155)),
    "ustar-full-link": tar(header(b"l", b"2", link=b"t" * 100)),
    "gnu-prefix": tar(header(b"f", magic=GNU, prefix=b"%011o\0" % 1)),
    "gnu-long-name": tar(long_name(b"L", LONG + b"\0"), header(b"short", magic=GNU)),
    "gnu-long-name-without-nul": tar(long_name(b"L", LONG), header(b"short", magic=GNU)),
    "gnu-long-name-with-junk": tar(long_name(b"L", LONG + b"\0junk\0"), header(b"short", magic=GNU)),
    "gnu-long-link": tar(long_name(b"K", LONG + b"\0"), header(b"l", b"2", magic=GNU, link=b"short")),
    "gnu-both": tar(
        long_name(b"K", LONG + b"\0"),
        long_name(b"L", LONG[1:] + b"\0"),
        header(b"l", b"2", magic=GNU, link=b"x"),
    ),
    "star": tar(star(b"f", b"some/where")),
    "contiguous": tar(header(b"f", b"7", 5) + BODY, FILE),
    "type-nul": tar(header(b"f", b"\0", 5) + BODY, FILE),
    "hard-link": tar(FILE, header(b"h", b"1", link=b"after")),
    "hard-link-with-size": tar(FILE, header(b"h", b"1", 5, link=b"after"), header(b"x")),
    "directory-with-size": tar(header(b"d/", b"5", 1000), FILE),
    "symlink-with-size": tar(header(b"l", b"2", 5, link=b"t"), FILE),
    "fifo": tar(header(b"p", b"6"), FILE),
    "unknown-type": tar(header(b"u", b"Z", 5) + BODY, FILE),
    "volume-label": tar(header(b"label", b"V", magic=GNU), FILE),
    "dump-directory": tar(header(b"d/", b"D", 5, magic=GNU) + BODY, FILE),
    "solaris-extended": tar(pax(pax_record(b"path", b"other"), b"X"), header(b"f")),
}

NUMBERS = {
    "base-256": tar(
        header(b"f", size=binary(5, 12), uid=binary(3_000_000, 8), gid=binary(7, 8), mtime=binary(2**33, 12))
        + BODY
    ),
    "base-256-negative-mtime": tar(header(b"f", mtime=binary(-86400, 12))),
    "leading-spaces": tar(
        header(b"f", size=b"         5 \0", uid=b"     7 \0", mode=b"   644 \0") + BODY, FILE
    ),
    "no-terminator": tar(
        header(b"f", size=b"000000000005", mode=b"00000644", mtime=b"000000000011") + BODY, FILE
    ),
    "empty": tar(header(b"f", uid=b"", gid=b" " * 8, mtime=b"", major=b"", minor=b""), FILE),
    "high-mode": tar(header(b"f", mode=b"0107755")),
    "largest-octal": tar(header(b"f", uid=b"7777777", gid=b"7777776", mtime=b"77777777777")),
    "signed-checksum": tar(resummed(header(b"\xc3\xa4"), signed=True), FILE),
    "checksum-without-spaces": tar(
        header(b"f")[:148]
        + b"%07o\0" % sum(header(b"f")[:148] + b" " * 8 + header(b"f")[156:])
        + header(b"f")[156:]
    ),
    "digit-eight": tar(header(b"f", size=b"00000000008") + BODY),
}

PAX = {
    "all": tar(
        records(
            *(
                (b"path", b"other"),
                (b"uid", b"3000000"),
                (b"gid", b"7"),
                (b"size", b"5"),
                (b"mtime", b"12.5"),
            ),
            *((b"atime", b"1"), (b"ctime", b"2"), (b"uname", b"nobody"), (b"comment", b"a=b\nc")),
        ),
        header(b"f", size=0) + BODY,
        FILE,
    ),
    "link": tar(records((b"linkpath", LONG)), header(b"l", b"2", link=b"short")),
    "negative-mtime": tar(records((b"mtime", b"-86400.25")), header(b"f")),
    "long-fraction": tar(records((b"mtime", b"1.123456789123456789")), header(b"f")),
    "size-below-header": tar(records((b"size", b"5")), header(b"f", size=1024) + BODY, FILE),
    "repeated-key": tar(records((b"path", b"first"), (b"path", b"last")), header(b"f")),
    "empty-path": tar(records((b"path", b"")), header(b"f")),
    "utf8": tar(records((b"path", "\u00fc/\u65e5".encode())), header(b"f")),
    "binary": tar(records((b"hdrcharset", b"BINARY"), (b"path", b"\xff\xfe")), header(b"f")),
    "unknown-keys": tar(records((b"VENDOR.thing", b"1"), (b"x", b"y")), header(b"f")),
    "xattr": tar(records((b"SCHILY.xattr.user.test", b"value")), header(b"f")),
    "directory-path-without-slash": tar(records((b"path", b"d")), header(b"x", b"5"), header(b"d/f")),
    "file-path-with-slash": tar(records((b"path", b"d/")), header(b"x")),
    "not-for-the-next-but-one": tar(records((b"path", b"first")), header(b"x"), header(b"second")),
    "global-comment": tar(pax(pax_record(b"comment", b"0" * 40), b"g"), FILE),
    "global-mtime": tar(pax(pax_record(b"mtime", b"99"), b"g"), header(b"a"), header(b"b")),
    "global-and-local": tar(
        pax(pax_record(b"mtime", b"99"), b"g"), records((b"mtime", b"5")), header(b"a"), header(b"b")
    ),
    "global-owner": tar(pax(pax_record(b"uid", b"77"), b"g"), header(b"a"), header(b"b")),
    "global-path": tar(pax(pax_record(b"path", b"all"), b"g"), header(b"a")),
    "two-in-a-row": tar(records((b"path", b"first")), records((b"mtime", b"5")), header(b"x")),
    "gnu-name-and-path": tar(long_name(b"L", b"gnu\0"), records((b"path", b"pax")), header(b"x", magic=GNU)),
    "no-newline": tar(pax(b"9 path=ab"), header(b"x")),
    "wrong-length": tar(pax(b"90 path=ab\n"), header(b"x")),
    "no-equals": tar(pax(b"7 path\n"), header(b"x")),
}

SPARSE = {
    "old": tar(old_sparse(b"sparse", [(512, 5), (2000, 0)], 2000, b"hello"), FILE),
    "pax-1.0": tar(pax_sparse([(512, 5), (2000, 0)], 2000, b"hello"), FILE),
    "pax-0.1": tar(
        records(
            *(
                (b"GNU.sparse.size", b"2000"),
                (b"GNU.sparse.numblocks", b"2"),
                (b"GNU.sparse.name", b"sparse"),
            ),
            (b"GNU.sparse.map", b"512,5,2000,0"),
        ),
        header(b"GNUSparseFile.0/sparse", size=5) + BODY,
        FILE,
    ),
    "pax-0.0": tar(
        records(
            *((b"GNU.sparse.size", b"2000"), (b"GNU.sparse.numblocks", b"2")),
            *((b"GNU.sparse.offset", b"512"), (b"GNU.sparse.numbytes", b"5")),
            *((b"GNU.sparse.offset", b"2000"), (b"GNU.sparse.numbytes", b"0")),
        ),
        header(b"sparse", size=5) + BODY,
        FILE,
    ),
}

ENDS = {
    "none-at-all": FILE,
    "one-block": FILE + bytes(512),
    "no-padding": header(b"f", size=5) + b"hello",
    "garbage": tar(FILE) + b"garbage" * 1000,
    "another-archive": tar(FILE) + tar(header(b"hidden")),
    "one-block-between": FILE + bytes(512) + header(b"hidden") + END,
    "many-blocks": tar(FILE) + bytes(10 * 1024),
    "only-zeros": END,
    "one-zero-block": bytes(512),
    "in-a-body": header(b"f", size=5000) + b"hello",
    "in-a-header": FILE + header(b"cut")[:300],
    "bad-checksum-later": FILE + header(b"bad").replace(b"bad", b"bed") + END,
    "not-a-tar": b"#!/bin/sh\necho hello\n" * 100,
}


def by_tools() -> dict[str, bytes]:
    """What today's programs write, in each of their formats."""
    with tempfile.TemporaryDirectory() as top:
        tree = Path(top, "tree")
        (tree / "dir" / ("d" * 60)).mkdir(parents=True)
        (tree / "dir/file").write_bytes(b"content" * 300)
        (tree / "dir" / ("d" * 60) / ("f" * 60)).write_bytes(b"")
        (tree / "link").symlink_to("dir/file")
        (tree / "hard").hardlink_to(tree / "dir/file")
        (tree / "dir").chmod(0o2750)
        where = ["-C", str(tree), "."]
        old = ["--exclude=" + "d" * 60]  # v7 has no room for it
        commands = {
            f"gnu-{name}": [
                "tar",
                "-c",
                "--sort=name",
                f"--format={name}",
                *(old if name == "v7" else []),
                *where,
            ]
            for name in ("v7", "oldgnu", "gnu", "ustar", "posix")
        }
        for name in ("ustar", "pax", "gnutar", "v7tar"):
            commands[f"bsd-{name}"] = [
                "bsdtar",
                "-c",
                f"--format={name}",
                *(old if name == "v7tar" else []),
                *where,
            ]
        return {
            name: subprocess.run(command, check=True, capture_output=True).stdout
            for name, command in commands.items()
        }


ARCHIVES = {
    f"{group}/{name}": data
    for group, members in {"old": OLD, "numbers": NUMBERS, "pax": PAX, "sparse": SPARSE, "ends": ENDS}.items()
    for name, data in members.items()
}
