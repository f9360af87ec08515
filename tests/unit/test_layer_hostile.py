"""Layers that attack: each must leave everything outside the tree as it was, and most must be refused.

The working directory holds a secret with the names that the attacks use, since careless extractors resolve
link targets against it (oras-go CVE-2026-50163).
"""

from __future__ import annotations

import contextlib
import os
import resource
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from elfuse import _core
from tests.unit.layer_tar import (
    Tree,
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

SECRET = b"the host's secret"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tree]:
    """A tree beside host files; afterwards these are as they were, with no further link or name."""
    outside = tmp_path / "outside"
    (outside / "etc").mkdir(parents=True)
    for name in ("secret", "etc/passwd"):
        (outside / name).write_bytes(SECRET)
        (outside / name).chmod(0o600)
    before = snapshot(tmp_path)
    monkeypatch.chdir(outside)
    yield Tree(tmp_path / "root")
    after = {path: value for path, value in snapshot(tmp_path).items() if not path.startswith("root")}
    assert after == before


def snapshot(top: Path) -> dict[str, object]:
    seen: dict[str, object] = {}
    for path in top.rglob("*"):
        st = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else None
        seen[str(path.relative_to(top))] = (st.st_mode, st.st_uid, st.st_nlink, st.st_mtime_ns, content)
    return seen


def refused(tree: Tree, *entries: bytes, match: str, kind: type[Exception] = _core.LayerError) -> None:
    with pytest.raises(kind, match=match):
        tree.apply(*entries)


@pytest.mark.parametrize(
    "name", ["../outside/secret", "a/../../outside/secret", "..", "a/..", "/../x", "./../x"]
)
def test_dotdot_in_names(tree: Tree, name: str) -> None:
    refused(tree, entry(name, data=b"bad"), match=r'the entry ".*\.\..*" has "\.\." in it')


def test_dotdot_in_hard_link_targets(tree: Tree) -> None:
    refused(tree, hardlink("x", "../outside/secret"), match=r"hard link's target .* has")


def test_absolute_names_are_the_trees(tree: Tree, tmp_path: Path) -> None:
    tree.apply(entry(f"{tmp_path}/outside/secret", data=b"guest's"))
    assert tree.read(f"{tmp_path}/outside/secret".lstrip("/")) == b"guest's"


@pytest.mark.parametrize("absolute", [True, False])
def test_write_through_a_symlinked_parent(tree: Tree, tmp_path: Path, absolute: bool) -> None:
    target = str(tmp_path / "outside") if absolute else "../outside"
    tree.apply(
        symlink("l", target), entry("l/secret", data=b"guest's"), directory("l/etc", mode=0o777, mtime=5)
    )
    inside = str(tmp_path / "outside").lstrip("/") if absolute else "outside"
    assert tree.read(f"{inside}/secret") == b"guest's"


def test_write_through_a_symlink_at_the_name_itself(tree: Tree, tmp_path: Path) -> None:
    tree.apply(symlink("f", str(tmp_path / "outside/secret")), entry("f", data=b"guest's", mode=0o777))
    assert tree.read("f") == b"guest's"
    assert not (tree.path / "f").is_symlink()


def test_chain_of_symlinks(tree: Tree) -> None:
    up = [symlink(f"s{i}", f"s{i + 1}/.." if i < 8 else "..") for i in range(9)]
    tree.apply(*up, entry("s0/outside/secret", data=b"guest's"))
    assert tree.read("outside/secret") == b"guest's"


def test_long_dotdot_symlink_does_not_leave_through_many_directories(tree: Tree) -> None:
    tree.apply(
        directory("a/b/c"), symlink("a/b/c/l", "../" * 40 + "outside"), entry("a/b/c/l/secret", data=b"x")
    )
    assert tree.read("outside/secret") == b"x"


def test_symlink_loops(tree: Tree) -> None:
    refused(tree, symlink("a", "b"), symlink("b", "a"), entry("a/x"), match=r'"a/x".*too many symlinks')


def test_a_parent_that_is_a_file(tree: Tree) -> None:
    refused(tree, entry("f"), entry("f/x"), match=r'"f/x": a parent is not a directory')


def test_hard_link_to_a_host_file(tree: Tree, tmp_path: Path) -> None:
    # Both names exist in the working directory and at the host's root or beside it.
    for target in ("secret", "etc/passwd", "/etc/passwd", str(tmp_path / "outside/secret")):
        refused(tree, hardlink("x", target), match=r'the hard link "x" leads to .* not in the tree')


def test_hard_link_through_a_symlink(tree: Tree, tmp_path: Path) -> None:
    refused(
        tree,
        symlink("l", str(tmp_path / "outside")),
        hardlink("x", "l/secret"),
        match=r"the hard link \"x\" leads to \"l/secret\", which is not in the tree",
    )
    refused(tree, symlink("m", "../outside"), hardlink("y/z", "m/secret"), match="not in the tree")


def test_hard_link_to_a_symlink_then_written(tree: Tree, tmp_path: Path) -> None:
    tree.apply(
        symlink("s", str(tmp_path / "outside/secret")), hardlink("h", "s"), entry("h", data=b"guest's")
    )
    assert tree.read("h") == b"guest's"


def test_hard_link_to_a_directory(tree: Tree) -> None:
    refused(tree, directory("d"), hardlink("x", "d"), match="a directory")
    refused(tree, hardlink("x", "/"), match="a directory")
    refused(tree, directory("e"), entry("e/f"), hardlink("e", "e/f"), match='hard link "e"')


def test_whiteouts_do_not_leave(tree: Tree, tmp_path: Path) -> None:
    tree.apply(
        symlink("l", str(tmp_path / "outside")), symlink("m", ".."), directory("outside"), entry("outside/x")
    )
    tree.apply(
        entry("l/.wh.secret"),
        entry("l/.wh..wh..opq"),
        entry("m/.wh.outside"),
        entry("m/outside/.wh..wh..opq"),
    )
    # ".." above the root is the root: that is where m leads.
    assert tree.listing() == ["l", "m"]


def test_a_whiteout_of_a_symlink_removes_the_symlink(tree: Tree, tmp_path: Path) -> None:
    tree.apply(
        symlink("l", str(tmp_path / "outside")), directory("d"), symlink("d/l", str(tmp_path / "outside"))
    )
    tree.apply(entry(".wh.l"), entry("d/.wh..wh..opq"))
    assert tree.listing() == ["d"]


@pytest.mark.parametrize(
    "name", [".wh.", ".wh..", ".wh...", ".wh..wh.", ".wh..wh.plnk", ".wh..wh..opqx", "a/.wh.."]
)
def test_malformed_whiteouts(tree: Tree, name: str) -> None:
    tree.apply(entry("a/kept"))
    refused(tree, entry(name), match="is no valid whiteout")
    assert tree.listing() == ["a", "a/kept"]


def test_an_entry_below_a_whiteout(tree: Tree) -> None:
    refused(tree, entry(".wh.d/x"), match="lies below a whiteout")


@pytest.mark.parametrize("name", [".", "/", "./", "//", "/./."])
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_the_roots_type(tree: Tree, name: str, kind: bytes) -> None:
    if kind == tarfile.REGTYPE and name.endswith("/"):
        tree.apply(entry(name, kind))  # a v7 directory, and so the root itself
        return
    refused(tree, entry(name, kind, linkname="x"), match="would replace the root")


def test_setuid_and_capabilities_give_nothing_on_the_host(tree: Tree) -> None:
    tree.apply(entry("su", mode=0o6777, pax={"SCHILY.xattr.security.capability": "\1\0\0\2"}))
    assert (tree.path / "su").stat().st_mode & 0o7777 == 0o777
    assert "security.capability" not in os.listxattr(tree.path / "su")


def test_override_xattr_cannot_be_given_by_a_layer(tree: Tree) -> None:
    for prefix in ("SCHILY.xattr.", "LIBARCHIVE.xattr."):
        tree.apply(entry("x", pax={f"{prefix}user.containers.override_stat": "MDowOjA0NzU1OmNoYXItMS0z"}))
        assert tree.override("x") is None


@pytest.mark.parametrize(
    ("blob", "match"),
    [
        (b"\x01" + bytes(511) + bytes(1024), "checksum is wrong"),
        (header(b"x")[:-1] + b"\x01" + bytes(1024), "checksum is wrong"),
        (header(b"x") + bytes(512) + header(b"y") + bytes(1024), "goes on after a zero block"),
        (header(b"x")[:100], "ends in the middle of a block"),
        (header(b"x", size=1000) + bytes(512), 'ends inside "x"'),
        (header(b"PaxHeaders", b"x", 10) + b"10 path=a\n", "ends in the middle of an entry"),
        (
            header(b"PaxHeaders", b"x", 20)
            + padded(pax_record(b"path", b"pathpathpath"))[:512]
            + bytes(1024),
            "PAX header is malformed",
        ),
        (pax(pax_record(b"uid", b"1")) + bytes(1024), "ends after an extended header"),
        (header(b""), "no name"),
        (header(b"x", size=b"zzz"), "no number"),
        (header(b"x", size=b"\xff" * 12), "no number"),
        (header(b"x", size=b"\x80" + b"\xff" * 11), "no number"),
        (header(b"x", size=b"\x80\0\0\0\x7f" + b"\xff" * 7), "impossible size"),
        (header(b"x", mode=b"0o755"), "no number"),
        (header(b"x", uid=b"-1"), "uid that is no valid number"),
        (header(b"x", gid=b"\x80\0\0\x01\0\0\0\0"), "gid that is no valid number"),
        (header(b"x", uid=b"\x80\0\0\0\xff\xff\xff\xff"), "uid that is no valid number"),
        (header(b"x", b"3", major=b"\xff" * 8), "device number"),
        (header(b"x", b"S"), "sparse file of another tar"),
        (header(b"x", b"V"), "unknown tar type"),
        (header(b"x", b"D"), "unknown tar type"),
        (header(b"l", b"2"), "no target"),
    ],
)
def test_malformed_tars(tree: Tree, blob: bytes, match: str) -> None:
    with pytest.raises(_core.LayerError, match=match):
        tree.apply_blob(blob)


@pytest.mark.parametrize(
    ("records", "match"),
    [
        (b"garbage", "a record without a length"),
        (b"0 a=b\n", "length is wrong"),
        (b"5 a=b\n", "length is wrong"),
        (b"99999999999 a=b\n", "without a length"),
        (b"3 \n\n", "without a key"),
        (b"6 ab=\n6 =ab\n", "without a key"),
        (b"7 a\0=b\n", "NUL in a key"),
        (pax_record(b"path", b"a\0b"), "NUL in it"),
        (pax_record(b"linkpath", b"a\0b"), "NUL in it"),
        (pax_record(b"size", b"-1"), "no number"),
        (pax_record(b"size", b"0x10"), "no number"),
        (pax_record(b"size", b" 1"), "no number"),
        (pax_record(b"size", b"9" * 30), "out of range"),
        (pax_record(b"uid", b"4294967295"), "out of range"),
        (pax_record(b"gid", b"99999999999999999999"), "out of range"),
        (pax_record(b"mtime", b"soon"), "mtime that is no number"),
        (pax_record(b"mtime", b"9" * 25), "out of range"),
        (pax_record(b"GNU.sparse.map", b"0,1"), "sparse in an unknown format"),
        (pax_record(b"GNU.sparse.major", b"1"), "sparse in an unknown format"),
        (pax_record(b"LIBARCHIVE.xattr.user.x", b"???"), "not base64"),
        (pax_record(b"SCHILY.xattr." + b"n" * 300, b"x"), "longer than Linux allows"),
        (pax_record(b"SCHILY.xattr.user.x", b"x" * 70000), "longer than Linux allows"),
        (b"".join(pax_record(b"SCHILY.xattr.user.%d" % i, b"") for i in range(300)), "more than 256 xattrs"),
        (pax_record(b"path", b"p" * 300 + b"/" + b"q" * 4000), "longer than 4095"),
        (pax_record(b"path", b"../outside/secret"), r'has "\.\." in it'),
        (pax_record(b"path", b"n" * 256), "path is too long"),
    ],
)
def test_malformed_extended_headers(tree: Tree, records: bytes, match: str) -> None:
    with pytest.raises(_core.LayerError, match=match):
        tree.apply(pax(records), header(b"x"))


@pytest.mark.parametrize("key", [b"path", b"linkpath", b"size", b"SCHILY.xattr.user.x"])
def test_global_header_cannot_set_identities(tree: Tree, key: bytes) -> None:
    refused(tree, pax(pax_record(key, b"1"), b"g"), header(b"x"), match="global PAX header sets")


def test_doubled_extended_headers(tree: Tree) -> None:
    refused(
        tree,
        pax(pax_record(b"path", b"a")),
        pax(pax_record(b"path", b"b")),
        header(b"x"),
        match="two PAX headers",
    )
    long = header(b"././@LongLink", b"L", 2) + padded(b"a\0")
    refused(tree, long, long, header(b"x"), match="two GNU long names")


def test_pax_size_is_for_the_next_file_only(tree: Tree) -> None:
    """TARmageddon (CVE-2025-62518): a size taken for the wrong header hides entries, or shows others."""
    smuggled = tar(entry("smuggled", data=b"bad"))[:1024]
    long = header(b"././@LongLink", b"L", 5) + padded(b"long\0")
    size = pax_record(b"size", b"%d" % len(smuggled))
    tree.apply(pax(size), long, header(b"x", size=0), smuggled, entry("after"))
    assert tree.listing() == ["after", "long"]
    assert tree.read("long") == smuggled


def test_extended_headers_are_bounded(tree: Tree) -> None:
    for kind in (b"x", b"g", b"L", b"K"):
        refused(tree, header(b"x", kind, (1 << 20) + 1), match="longer than 1048576 bytes")
        refused(tree, header(b"x", kind, b"77777777777"), match="longer than 1048576 bytes")


def test_memory_stays_small_for_a_huge_claim(tree: Tree) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(tree, header(b"x", size=b"\x80" + b"\0" * 3 + b"\0\x01" + b"\0" * 6), match="ends inside")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


def test_names_in_messages_cannot_drive_a_terminal(tree: Tree) -> None:
    with pytest.raises(_core.LayerError) as error:
        tree.apply(header("\x1b[2J\r\u009b31m../x".encode() + b"/../y"))
    assert str(error.value).isprintable()


def test_whiteout_of_a_very_deep_tree(tree: Tree) -> None:
    deep = "/".join("d" * 300)
    tree.apply(directory(deep))
    tree.apply(entry(".wh.d"))  # nothing written yet: removed whole
    assert tree.listing() == []
    tree.apply(directory(deep))
    refused(tree, entry("x"), entry(".wh.d"), match="nested more than 128 deep")


def test_a_symlink_below_is_not_followed_when_a_tree_is_replaced(tree: Tree, tmp_path: Path) -> None:
    tree.apply(directory("d"), symlink("d/l", str(tmp_path / "outside")))
    tree.apply(entry("d", data=b"file"))
    assert tree.listing() == ["d"]


def test_the_working_directory_does_not_matter(tree: Tree, tmp_path: Path) -> None:
    os.chdir(tmp_path / "outside" / "etc")
    refused(tree, hardlink("x", "passwd"), match="not in the tree")


def test_no_descriptor_is_left_open(tree: Tree) -> None:
    attacks: list[Callable[[], object]] = [
        lambda: tree.apply(entry("d/x"), symlink("l", "d"), hardlink("l/y", "d/x"), entry("l/.wh..wh..opq")),
        lambda: tree.apply(hardlink("x", "none")),
        lambda: tree.apply(entry("a"), entry("a/b")),
        lambda: tree.apply_blob(b"\x1f\x8b" + bytes(100)),
        lambda: tree.apply(symlink("a", "b"), symlink("b", "a"), entry("a/x")),
    ]
    before = os.listdir("/proc/self/fd")
    for attack in attacks:
        with contextlib.suppress(_core.LayerError):
            attack()
        assert os.listdir("/proc/self/fd") == before
