"""Layers that are extracted alone and laid over each other, against the same layers applied in order."""

from __future__ import annotations

import os
import stat
import tarfile
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from elfuse import _core
from tests.unit.layer_tar import Tree, directory, entry, hardlink, symlink, tar

OVERRIDE = "user.containers.override_stat"
OPAQUE = "user.overlay.opaque"
WHITEOUT = "user.overlay.whiteout"

Layer = list[bytes]


def opened(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY)


def links_of(path: Path, status: os.stat_result) -> int:
    """As the guest sees it (csrc/linux/fs/owner.c)."""
    if not (stat.S_ISREG(status.st_mode) and status.st_mode & stat.S_ISVTX):
        return status.st_nlink
    try:
        value = os.getxattr(path, OVERRIDE).decode()
    except OSError:
        return 1
    return int(value.partition(":links-")[2] or 1)


def described(path: Path) -> tuple[object, ...]:
    """What a guest sees of an entry."""
    status = path.lstat()
    kind = stat.S_IFMT(status.st_mode)
    content = b""
    if kind == stat.S_IFLNK:
        content = os.fsencode(os.readlink(path))
    elif kind == stat.S_IFREG:
        content = path.read_bytes()
    mode = stat.S_IMODE(status.st_mode)
    links = links_of(path, status)
    if kind == stat.S_IFREG:
        mode &= ~stat.S_ISVTX
    xattrs = {}
    for name in os.listxattr(path, follow_symlinks=False):
        assert not name.startswith("user.overlay."), (path, name)
        value = os.getxattr(path, name, follow_symlinks=False)
        if name == OVERRIDE:
            value = value.partition(b":links-")[0].removesuffix(b":file")
            if value == b"0:0:0%o" % mode:
                continue
        xattrs[name] = value
    time = status.st_mtime_ns
    return kind, mode, time, 0 if kind == stat.S_IFDIR else links, xattrs, content


def listing(top: Path) -> dict[str, object]:
    """Every entry; and which names are one file."""
    found: dict[str, object] = {}
    files: dict[tuple[int, int], list[str]] = {}
    for folder, dirs, names in os.walk(top):
        for name in dirs + names:
            path = Path(folder, name)
            found[str(path.relative_to(top))] = described(path)
            if name not in dirs or path.is_symlink():
                status = path.lstat()
                files.setdefault((status.st_dev, status.st_ino), []).append(str(path.relative_to(top)))
    found["/groups"] = sorted(sorted(names) for names in files.values() if len(names) > 1)
    root = described(top)
    found["/"] = (root[1], root[4])
    return found


def direct(top: Path, layers: list[Layer]) -> Tree:
    tree = Tree(top)
    for layer in layers:
        tree.apply(*layer)
    return tree


def raw(top: Path, layer: Layer) -> tuple[Tree, _core.LayerStats]:
    tree = Tree(top)
    return tree, tree.apply(*layer, raw=True)


def merged(top: Path, layers: list[Layer]) -> tuple[Tree, int]:
    """The tree as a store makes it, and how many layers stood alone."""
    tree = Tree(top / "stack")
    alone = replaced = 0
    root = opened(tree.path)
    try:
        for number, layer in enumerate(layers):
            try:
                single, stats = raw(top / str(number), layer)
            except _core.LayerDepends:
                tree.apply(*layer)
                replaced += 1
                continue
            alone += 1
            fd = opened(single.path)
            try:
                replaced += _core.merge_layer(fd, root, with_root=stats["has_root"])["unlinked"]
            finally:
                os.close(fd)
        if replaced:
            _core.count_links(root)
    finally:
        os.close(root)
    return tree, alone


def assert_same(layers: list[Layer], alone: int | None = None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        try:
            expected = listing(direct(top / "direct", layers).path)
        except _core.LayerError as error:
            with pytest.raises(_core.LayerError) as caught:
                merged(top, layers)
            assert str(caught.value) == str(error)
            return
        tree, stood = merged(top, layers)
        assert listing(tree.path) == expected
        assert alone is None or stood == alone
        # A second image with the same layers: nothing that the first one shares has changed.
        if stood:
            shared = Tree(top / "again")
            root = opened(shared.path)
            assert listing(tree.path) == expected
            os.close(root)


def whiteout(path: str) -> bytes:
    parent, _, name = path.rpartition("/")
    return entry(f"{parent}/.wh.{name}" if parent else f".wh.{name}")


def opaque(path: str) -> bytes:
    return entry(f"{path}/.wh..wh..opq" if path else ".wh..wh..opq")


# -- the same tree


BASE = [
    directory("./", mode=0o750, mtime=1),
    directory("a", mtime=11),
    directory("a/b", uid=7, mtime=12),
    entry("a/b/f", data=b"f" * 9000, uid=5, mode=0o4755, mtime=13),
    entry("a/g", data=b"g", pax={"SCHILY.xattr.user.note": "x"}, mtime=14),
    hardlink("a/g2", "a/g"),
    hardlink("a/b/g3", "a/g"),
    symlink("a/s", "../a/g"),
    hardlink("a/s2", "a/s"),
    entry("p", tarfile.FIFOTYPE, mtime=15),
    hardlink("p2", "p"),
    entry("null", tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666),
    hardlink("null2", "null"),
    directory("e", mtime=16),
]

UPPER = {
    "nothing": [directory("a", mtime=21)],
    "a whiteout of a file": [directory("a"), whiteout("a/g")],
    "a whiteout of a directory": [directory("a"), whiteout("a/b")],
    "a whiteout at the top": [whiteout("a"), whiteout("p")],
    "an opaque directory": [directory("a", mtime=3), opaque("a"), entry("a/new", data=b"n")],
    "an opaque marker after its sibling": [directory("a"), entry("a/new"), opaque("a")],
    "a whiteout below an opaque directory": [
        directory("a"),
        directory("a/b"),
        whiteout("a/b/f"),
        opaque("a"),
    ],
    "a whiteout of what the layer has": [directory("a"), entry("a/g", data=b"own"), whiteout("a/g")],
    "a whiteout of a directory that the layer has": [directory("a"), entry("a/n"), whiteout("a")],
    "a whiteout and then the file": [directory("a"), whiteout("a/g"), entry("a/g", data=b"own")],
    "a whiteout and then a directory": [whiteout("a"), directory("a"), entry("a/own")],
    "a file for a directory": [entry("a", data=b"file")],
    "a directory for a file": [directory("a"), directory("a/g"), entry("a/g/x")],
    "a directory for a symlink": [directory("a"), directory("a/s"), entry("a/s/x")],
    "a file and then a directory": [directory("a"), entry("a/b"), directory("a/b")],
    "one of several names replaced": [directory("a"), entry("a/g2", data=b"other")],
    "all of several names replaced": [directory("a"), entry("a/g"), hardlink("a/g2", "a/g"), whiteout("a/b")],
    "a directory's attributes": [
        directory("a", mode=0o1711, uid=3, mtime=99, pax={"SCHILY.xattr.user.k": "v"})
    ],
    "the root": [directory(".", mode=0o711, gid=9, mtime=77)],
    "links of its own": [directory("e"), entry("e/1"), hardlink("e/2", "e/1"), hardlink("e/3", "e/2")],
    "a name twice": [
        directory("e"),
        entry("e/1", data=b"1"),
        hardlink("e/2", "e/1"),
        entry("e/1", data=b"2"),
    ],
    "a symlinked parent of its own": [directory("e"), symlink("l", "e"), entry("l/x", data=b"x")],
}


@pytest.mark.parametrize("name", UPPER)
def test_a_layer_over_another(name: str) -> None:
    assert_same([BASE, UPPER[name]], alone=2)


DEPENDENT = {
    "a parent of the lower layer": [entry("a/new")],
    "a parent named later": [entry("a/new"), directory("a")],
    "a whiteout in the lower layer's directory": [whiteout("a/g")],
    "a link to the lower layer's file": [directory("a"), hardlink("a/new", "a/g")],
    "a link to what it hides": [directory("a"), whiteout("a/b"), hardlink("new", "a/b/f")],
    "a symlink of the lower layer": [entry("a/s/x")],
    "everything hidden": [opaque(""), entry("only")],
}


@pytest.mark.parametrize("name", DEPENDENT)
def test_a_layer_that_needs_the_lower_one(name: str) -> None:
    assert_same([BASE, DEPENDENT[name]], alone=1)
    assert_same([BASE, DEPENDENT[name], [directory("a"), entry("a/b")]], alone=2)


NAMES = st.sampled_from(["a", "b", "c"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
TIMES = st.integers(1, 50)
ENTRIES = st.one_of(
    st.builds(lambda p, t, m: directory(p, mtime=t, mode=m), PATHS, TIMES, st.sampled_from([0o755, 0o500])),
    st.builds(
        lambda p, t, d, u: entry(p, data=d, mtime=t, uid=u), PATHS, TIMES, st.binary(max_size=3), TIMES
    ),
    st.builds(symlink, PATHS, PATHS),
    st.builds(hardlink, PATHS, PATHS),
    st.builds(whiteout, PATHS),
    st.builds(opaque, PATHS),
    st.builds(lambda t: directory(".", mtime=t), TIMES),
)
# A layer as tools write one: the parents of all that it has come first.
DIRECTORIES = [directory(path, mtime=9) for path in ("a", "a/a", "a/b", "b", "b/a", "c")]
LAYERS = st.builds(
    lambda full, entries: [*(DIRECTORIES if full else []), *entries],
    st.booleans(),
    st.lists(ENTRIES, max_size=8),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(LAYERS, min_size=1, max_size=3))
@example([BASE, [*BASE, whiteout("a/b")], BASE])
def test_any_layers(layers: list[Layer]) -> None:
    assert_same(layers)


# -- the form


def test_overlayfs_form(tmp_path: Path) -> None:
    tree, _ = raw(tmp_path / "r", [directory("d"), whiteout("d/x"), directory("o"), opaque("o")])
    assert os.getxattr(tree.path / "d", OPAQUE) == b"x"
    assert os.getxattr(tree.path / "o", OPAQUE) == b"y"
    assert (tree.path / "d/x").stat().st_size == 0
    assert os.getxattr(tree.path / "d/x", WHITEOUT) == b"y"


def test_no_whiteouts_where_nothing_lower_shows(tmp_path: Path) -> None:
    tree, _ = raw(
        tmp_path / "r", [directory("o"), directory("o/d"), whiteout("o/d/x"), whiteout("o/y"), opaque("o")]
    )
    assert tree.listing() == ["o", "o/d"]
    assert os.listxattr(tree.path / "o/d") == []


def test_a_layer_cannot_forge_the_form(tmp_path: Path) -> None:
    forged = {"SCHILY.xattr.user.overlay.whiteout": "y", "SCHILY.xattr.user.overlay.opaque": "y"}
    tree, stats = raw(tmp_path / "r", [directory("d", pax=forged), entry("d/f", pax=forged)])
    assert stats["dropped_xattrs"] == 4
    assert os.listxattr(tree.path / "d") == os.listxattr(tree.path / "d/f") == []


def test_dependence_is_told_of_the_right_blob_only(tmp_path: Path) -> None:
    blob = tar(entry("a/b"))
    tree = Tree(tmp_path / "r")
    with pytest.raises(_core.DigestMismatch):
        tree.apply_blob(blob, raw=True, diff_id="sha256:" + "0" * 64)
    with pytest.raises(_core.LayerDepends, match='"a/b" lies in a directory'):
        tree.apply_blob(blob, raw=True)


# -- sharing


def test_files_are_shared_between_trees(tmp_path: Path) -> None:
    layer, stats = raw(tmp_path / "r", BASE)
    trees = [Tree(tmp_path / name) for name in ("one", "two")]
    raw_fd = opened(layer.path)
    for tree in trees:
        root = opened(tree.path)
        _core.merge_layer(raw_fd, root, with_root=stats["has_root"])
        os.close(root)
    os.close(raw_fd)
    one, two = (tree.path / "a/b/f" for tree in trees)
    assert one.samefile(two)
    assert one.samefile(layer.path / "a/b/f")
    assert listing(trees[0].path) == listing(trees[1].path)
    counts = Counter(links_of(path, path.lstat()) for path in (one, trees[0].path / "a/g"))
    assert counts == {1: 1, 3: 1}


def test_a_count_that_differs_makes_a_copy(tmp_path: Path) -> None:
    """The layer's own tree and other images keep the count that they have."""
    layer, stats = raw(tmp_path / "r", BASE)
    tree = Tree(tmp_path / "one")
    raw_fd, root = opened(layer.path), opened(tree.path)
    _core.merge_layer(raw_fd, root, with_root=stats["has_root"])
    (tree.path / "a/g2").unlink()
    _core.count_links(root)
    g = tree.path / "a/g"
    assert not g.samefile(layer.path / "a/g")
    assert g.samefile(tree.path / "a/b/g3")
    assert links_of(g, g.lstat()) == 2
    assert os.getxattr(g, "user.note") == b"x"
    assert links_of(layer.path / "a/g", (layer.path / "a/g").lstat()) == 3
    os.close(raw_fd)
    os.close(root)


def test_trees_of_any_depth(tmp_path: Path) -> None:
    deep = ["/".join(["d"] * depth) for depth in range(1, 400)]
    layer, _ = raw(tmp_path / "r", [*map(directory, deep), entry(deep[-1] + "/f", data=b"x")])
    tree = Tree(tmp_path / "one")
    raw_fd, root = opened(layer.path), opened(tree.path)
    assert _core.merge_layer(raw_fd, root, with_root=False)["directories"] == len(deep)
    for fd in (raw_fd, root):
        os.close(fd)
