"""What an honest layer makes of a tree: kinds, modes, owners, times, replacement, whiteouts."""

import os
import stat
import tarfile
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


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "root")


def mode_of(tree: Tree, name: str) -> int:
    return stat.S_IMODE((tree.path / name).lstat().st_mode)


def test_kinds(tree: Tree) -> None:
    stats = tree.apply(
        directory("d"),
        entry("d/file", data=b"x" * 1000),
        symlink("d/link", "file"),
        hardlink("d/again", "d/file"),
        entry("fifo", tarfile.FIFOTYPE),
        entry("null", tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666),
    )
    assert tree.read("d/file") == b"x" * 1000
    assert (tree.path / "d/link").readlink() == Path("file")
    assert (tree.path / "d/again").samefile(tree.path / "d/file")
    assert stat.S_ISFIFO((tree.path / "fifo").lstat().st_mode)
    counts = {key: stats[key] for key in ("files", "directories", "symlinks", "hardlinks", "others")}  # type: ignore[literal-required]
    assert counts == {"files": 1, "directories": 1, "symlinks": 1, "hardlinks": 1, "others": 2}


def test_devices_are_kept_as_files_and_never_made(tree: Tree) -> None:
    for owner in ("virtual", "host") if os.geteuid() == 0 else ("virtual",):
        tree.apply(
            entry("c", tarfile.CHRTYPE, devmajor=5, devminor=1, mode=0o620, gid=5),
            entry("b", tarfile.BLKTYPE, devmajor=8, devminor=17),
            owner=owner,
        )
        for name, want in {"c": "0:5:0620:char-5-1", "b": "0:0:0644:block-8-17"}.items():
            assert stat.S_ISREG((tree.path / name).lstat().st_mode)
            assert tree.override(name) == want


def test_owner_and_power_bits_are_virtual(tree: Tree) -> None:
    tree.apply(
        entry("plain"),
        entry("su", mode=0o4755),
        entry("group", mode=0o2755, gid=8),
        entry("shadow", mode=0o640, gid=42),
        entry("shut", mode=0),
        directory("closed", mode=0),
        directory("tmp", mode=0o1777),
        directory("sg", mode=0o2775),
    )
    assert tree.override("plain") is None
    assert tree.override("su") == "0:0:04755"
    assert tree.override("group") == "0:8:02755"
    assert tree.override("shadow") == "0:42:0640"
    assert tree.override("shut") == "0:0:00"
    assert tree.override("closed") == "0:0:00"
    assert tree.override("tmp") is None
    assert tree.override("sg") == "0:0:02775"
    for name in tree.listing():
        st = (tree.path / name).lstat()
        assert not st.st_mode & (stat.S_ISUID | stat.S_ISGID), name
        assert st.st_uid == os.geteuid(), name
        assert st.st_mode & 0o600 == 0o600, name
    assert mode_of(tree, "closed") == 0o700
    assert mode_of(tree, "tmp") == 0o1777


@pytest.mark.skipif(os.geteuid() != 0, reason="changing owners needs root")
def test_owner_host_applies_to_the_files(tree: Tree) -> None:
    tree.apply(
        entry("su", mode=0o4711, uid=7, gid=8),
        directory("d", mode=0o2500, uid=9),
        symlink("l", "x"),
        owner="host",
    )
    st = (tree.path / "su").lstat()
    assert (stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid) == (0o4711, 7, 8)
    assert mode_of(tree, "d") == 0o2500
    assert tree.override("su") is None


def test_modes_do_not_depend_on_the_umask(tree: Tree) -> None:
    old = os.umask(0o077)
    try:
        tree.apply(
            entry("file", mode=0o666), entry("implied/file"), entry("fifo", tarfile.FIFOTYPE, mode=0o622)
        )
    finally:
        os.umask(old)
    assert mode_of(tree, "file") == 0o666
    assert mode_of(tree, "implied") == 0o755
    assert mode_of(tree, "fifo") == 0o622


def test_times(tree: Tree) -> None:
    tree.apply(
        directory("d", mtime=100),
        entry("d/fraction", pax={"mtime": "1.123456789"}),
        entry("d/before", pax={"mtime": "-1.25"}),
        entry("d/implied/file", mtime=77),
        symlink("d/link", "x"),
    )
    assert (tree.path / "d/fraction").stat().st_mtime_ns == 1_123_456_789
    assert (tree.path / "d/before").stat().st_mtime_ns == -1_250_000_000
    assert (tree.path / "d/implied").stat().st_mtime_ns == 77_000_000_000
    assert (tree.path / "d/link").lstat().st_mtime_ns == 0
    assert (tree.path / "d").stat().st_mtime_ns == 100_000_000_000


def test_a_directory_only_written_into_keeps_its_time(tree: Tree) -> None:
    tree.apply(directory("d", mtime=100), directory("d/e", mtime=200))
    tree.apply(entry("d/new"), entry("d/e/new"), entry("d/.wh.gone"))
    assert (tree.path / "d").stat().st_mtime_ns == 100_000_000_000
    assert (tree.path / "d/e").stat().st_mtime_ns == 200_000_000_000


def test_time_of_a_directory_whose_inode_was_used_before(tree: Tree) -> None:
    tree.apply(
        directory("a", mtime=1), entry("a/x"), entry("a", mtime=2), directory("b", mtime=3), entry("b/x")
    )
    assert (tree.path / "b").stat().st_mtime_ns == 3_000_000_000


def test_replacement_across_kinds(tree: Tree) -> None:
    tree.apply(
        directory("dir2file"),
        entry("dir2file/inner"),
        entry("file2dir"),
        symlink("link2dir", "elsewhere"),
        directory("elsewhere"),
        entry("elsewhere/kept", data=b"kept"),
        entry("file2link"),
        entry("same", data=b"old"),
    )
    tree.apply(
        entry("dir2file", data=b"file"),
        directory("file2dir"),
        entry("file2dir/x"),
        directory("link2dir"),
        symlink("file2link", "same"),
        entry("same", data=b"new"),
    )
    assert tree.read("dir2file") == b"file"
    assert (tree.path / "link2dir").is_dir() and not (tree.path / "link2dir").is_symlink()
    assert tree.read("elsewhere/kept") == b"kept"
    assert tree.read("file2link") == b"new"


def test_replacing_a_hard_link_leaves_the_other(tree: Tree) -> None:
    tree.apply(entry("a", data=b"one"), hardlink("b", "a"))
    tree.apply(entry("a", data=b"two"))
    assert (tree.read("a"), tree.read("b")) == (b"two", b"one")


def test_duplicates_last_wins(tree: Tree) -> None:
    tree.apply(
        entry("x", data=b"one"),
        entry("x", data=b"two"),
        directory("y"),
        entry("y/z"),
        entry("y", data=b"three"),
    )
    assert (tree.read("x"), tree.read("y")) == (b"two", b"three")


def test_a_directory_named_again_takes_the_new_metadata(tree: Tree) -> None:
    tree.apply(directory("d", uid=5, pax={"SCHILY.xattr.user.old": "1"}), entry("d/kept"))
    tree.apply(directory("d", mode=0o711, pax={"SCHILY.xattr.user.new": "2"}))
    assert os.listxattr(tree.path / "d") == ["user.new"]
    assert mode_of(tree, "d") == 0o711
    assert tree.listing() == ["d", "d/kept"]


def test_entries_through_a_symlinked_parent_stay_inside(tree: Tree) -> None:
    tree.apply(
        directory("usr/bin"),
        symlink("bin", "usr/bin"),
        symlink("usr/abs", "/usr/bin"),
        symlink("var/run", "../run"),
    )
    tree.apply(entry("bin/a"), entry("usr/abs/b"), hardlink("usr/abs/c", "bin/a"), entry("var/run/pid"))
    files = [name for name in tree.listing() if not (tree.path / name).is_dir()]
    assert files == ["run/pid", "usr/bin/a", "usr/bin/b", "usr/bin/c"]


def test_hard_link_to_itself_and_to_a_lower_layer(tree: Tree) -> None:
    tree.apply(entry("a", data=b"x"))
    tree.apply(hardlink("a", "a"), hardlink("b", "/a"), hardlink("b", "./a"))
    assert tree.read("a") == tree.read("b") == b"x"


def test_hard_link_to_a_symlink_links_the_symlink(tree: Tree) -> None:
    tree.apply(symlink("s", "nowhere"), hardlink("h", "s"))
    assert (tree.path / "h").readlink() == Path("nowhere")


def test_root_entry_sets_the_roots_metadata(tree: Tree) -> None:
    tree.apply(directory("./", mode=0o711, mtime=9, uid=3), entry("x"))
    assert mode_of(tree, ".") == 0o711
    assert tree.path.stat().st_mtime_ns == 9_000_000_000
    assert tree.override(".") == "3:0:0711"


def test_xattrs(tree: Tree) -> None:
    stats = tree.apply(
        entry(
            "x",
            pax={
                "SCHILY.xattr.user.utf8": "\u00e9",
                "LIBARCHIVE.xattr.user.b%3dc": "AAEC/w==",
                "SCHILY.xattr.security.selinux": "label",
                "SCHILY.xattr.security.capability": "cap",
                "SCHILY.xattr.trusted.overlay.opaque": "y",
                "SCHILY.xattr.user.overlay.opaque": "y",
                "SCHILY.xattr.user.containers.override_stat": "0:0:04755",
            },
        )
    )
    path = tree.path / "x"
    assert {name: os.getxattr(path, name) for name in os.listxattr(path)} == {
        "user.utf8": "\u00e9".encode(),
        "user.b=c": b"\0\1\2\xff",
    }
    assert stats["dropped_xattrs"] == 5


def test_whiteouts(tree: Tree) -> None:
    tree.apply(entry("a/x"), entry("a/y"), directory("b/c"), entry("b/c/d"), symlink("l", "a"))
    stats = tree.apply(
        entry("a/.wh.x"), entry("b/.wh.c"), entry(".wh.l"), entry("a/.wh.none"), entry("no/.wh.x")
    )
    assert tree.listing() == ["a", "a/y", "b"]
    assert stats["whiteouts"] == 5


def test_a_whiteout_never_hides_its_own_layer(tree: Tree) -> None:
    tree.apply(entry("d/old"), entry("d/sub/old"), entry("gone/old"), entry("e/old"), symlink("alias", "d"))
    tree.apply(
        entry("d/new"),
        entry("d/sub/new"),
        entry("d/.wh..wh..opq"),
        entry("e/new"),
        entry(".wh.e"),
        entry("file", data=b"mine"),
        entry(".wh.file"),
        entry(".wh.gone"),
    )
    assert tree.listing() == ["alias", "d", "d/new", "d/sub", "d/sub/new", "e", "e/new", "file"]


def test_own_files_are_known_by_any_spelling(tree: Tree) -> None:
    tree.apply(entry("d/old"), symlink("alias", "d"))
    tree.apply(entry("alias/new"), entry("d/.wh.new"), entry("d/.wh.old"))
    assert tree.listing() == ["alias", "d", "d/new"]


def test_opaque_before_its_siblings(tree: Tree) -> None:
    tree.apply(entry("d/old"), entry("d/both", data=b"old"))
    tree.apply(directory("d"), entry("d/.wh..wh..opq"), entry("d/both", data=b"new"))
    assert tree.listing() == ["d", "d/both"]
    assert tree.read("d/both") == b"new"


def test_long_names_of_each_format(tree: Tree) -> None:
    name = "/".join(["n" * 50] * 6)
    gnu = header(b"././@LongLink", b"L", len(name) + 1) + padded(name.encode() + b"\0")
    link = "t" * 300
    gnu_link = header(b"././@LongLink", b"K", len(link) + 1) + padded(link.encode() + b"\0")
    tree.apply(
        gnu + header(b"short", magic=b"ustar  \0"),
        entry(name + ".pax"),
        gnu_link + header(b"link", b"2", magic=b"ustar  \0"),
        header(b"split", prefix=b"p" * 100 + b"/" + b"q" * 50),
        header(b"star", prefix=b"r" * 10),
    )
    assert (tree.path / name).is_file() and (tree.path / (name + ".pax")).is_file()
    assert (tree.path / "link").readlink() == Path(link)
    assert (tree.path / ("p" * 100) / ("q" * 50) / "split").is_file()


def test_v7_and_gnu_headers(tree: Tree) -> None:
    tree.apply(
        header(b"old", size=3, magic=b"") + padded(b"abc"),
        header(b"olddir/", magic=b""),
        header(b"typeless", kind=b"\0", size=1) + padded(b"x"),
        # GNU keeps times where ustar has the prefix: no part of the name.
        header(b"gnu", magic=b"ustar  \0", prefix=b"14371234567\0"),
        header(b"negative", mtime=b"\xff" * 12),
        header(b"bigid", uid=b"\x80\0\0\0\0\x2d\xc6\xc0"),
    )
    assert tree.listing() == ["bigid", "gnu", "negative", "old", "olddir", "typeless"]
    assert (tree.path / "olddir").is_dir()
    assert (tree.path / "negative").stat().st_mtime_ns == -1_000_000_000
    assert tree.override("bigid") == "3000000:0:0644"


def test_pax_overrides_the_header(tree: Tree) -> None:
    records = pax_record(b"path", b"real") + pax_record(b"uid", b"70000") + pax_record(b"size", b"5")
    tree.apply(pax(records) + header(b"fake", size=0) + padded(b"12345"), entry("after", data=b"x"))
    assert tree.listing() == ["after", "real"]
    assert tree.read("real") == b"12345"
    assert tree.override("real") == "70000:0:0644"


def test_global_pax_header(tree: Tree) -> None:
    tree.apply(
        pax(pax_record(b"comment", b"0123abcd") + pax_record(b"gid", b"9"), b"g")
        + header(b"a")
        + header(b"b")
    )
    assert tree.override("a") == tree.override("b") == "0:9:0644"


def test_a_size_on_an_entry_without_body_is_no_body(tree: Tree) -> None:
    tree.apply(header(b"d/", b"5", 1024), header(b"l", b"2", 512, link=b"d"), entry("after", data=b"seen"))
    assert tree.read("after") == b"seen"


def test_empty_layers(tree: Tree) -> None:
    for blob in (b"", tar(), bytes(10240)):
        assert tree.apply_blob(blob)["tar_size"] == len(blob)
    assert tree.listing() == []


def test_open_in_root(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("host")
    tree.apply(
        entry("etc/passwd", data=b"guest"),
        symlink("var/abs", "/etc/passwd"),
        symlink("up", "../../secret"),
        symlink("loop", "loop"),
        symlink("dir", "etc"),
    )
    root = os.open(tree.path, os.O_RDONLY)
    try:
        for path in (
            "etc/passwd",
            "/etc/passwd",
            "../../etc/passwd",
            "var/abs",
            "dir/passwd",
            "etc/../dir/./passwd",
            "dir/",
        ):
            fd = _core.open_in_root(root, path, os.O_RDONLY)
            assert os.get_inheritable(fd) is False
            assert path.endswith("/") or os.read(fd, 10) == b"guest", path
            os.close(fd)
        for path, error in {
            "up": FileNotFoundError,
            "../secret": FileNotFoundError,
            "loop": OSError,
            "etc/passwd/x": NotADirectoryError,
            "": FileNotFoundError,
            "x" * 5000: OSError,
        }.items():
            with pytest.raises(error):
                _core.open_in_root(root, path, os.O_RDONLY)
        with pytest.raises(OSError):
            _core.open_in_root(root, "var/abs", os.O_RDONLY | os.O_NOFOLLOW)
        fd = _core.open_in_root(root, "up", os.O_WRONLY | os.O_CREAT, 0o600)
        os.close(fd)
        assert (tree.path / "secret").exists()
        assert (tmp_path / "secret").read_text() == "host"
    finally:
        os.close(root)


def test_remove_tree(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("x")
    depth = tree.path
    deep = os.open(tree.path, os.O_RDONLY)
    for _ in range(1500):  # deeper than PATH_MAX and than the descriptors a process has
        os.mkdir("dddddddddd", dir_fd=deep)
        below = os.open("dddddddddd", os.O_RDONLY | os.O_NOFOLLOW, dir_fd=deep)
        os.close(deep)
        deep = below
    os.close(deep)
    (depth / "out").symlink_to(tmp_path)
    (depth / "shut").mkdir()
    (depth / "shut/inner").mkdir()
    (depth / "shut/inner/file").touch()
    (depth / "shut/inner").chmod(0o500)
    (depth / "shut").chmod(0)
    parent = os.open(tmp_path, os.O_RDONLY)
    try:
        _core.remove_tree(parent, "root")
        assert sorted(os.listdir(tmp_path)) == ["kept"]
        with pytest.raises(FileNotFoundError):
            _core.remove_tree(parent, "root")
        for name in ("", ".", "..", "a/b"):
            with pytest.raises(OSError):
                _core.remove_tree(parent, name)
    finally:
        os.close(parent)


def test_an_archive_may_end_with_its_last_byte(tree: Tree) -> None:
    """Without padding and zero blocks, as umoci insert writes it and Go's archive/tar reads it."""
    tree.apply_blob(header(b"x", size=10) + b"0123456789")
    assert (tree.path / "x").read_bytes() == b"0123456789"
