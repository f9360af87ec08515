"""The tar reader against libarchive and Python's tarfile, on the archives of odd_archives.py."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest

from elfuse import _core
from tests.oci.odd_archives import ARCHIVES, by_tools
from tests.oci.trees import entries
from tests.unit.layer_tar import Tree

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="owners can be compared by root only")

Row = tuple[object, ...]
Rows = dict[str, Row]

# archive -> reader -> why it reads otherwise than elfuse.
DISAGREE: dict[str, dict[str, str]] = {
    "old/v7-with-a-prefix": {"tarfile": "takes what follows the link in any format for ustar's"},
    "old/gnu-prefix": {"tarfile": "takes GNU's access time for a prefix"},
    "old/ustar-directory-as-file": {"tarfile": "a trailing slash counts with the type NUL only"},
    "old/unknown-type": {
        "bsdtar": "POSIX: a type that is not known is a file; elfuse refuses, as umoci, what it may misread",
        "tarfile": "the same",
    },
    "old/volume-label": {"bsdtar": "passed over; no layer has one", "tarfile": "a file"},
    "old/dump-directory": {"bsdtar": "a directory; no layer has one", "tarfile": "a file"},
    "old/solaris-extended": {"bsdtar": "a PAX header; no layer has one", "tarfile": "the same"},
    "pax/negative-mtime": {"bsdtar": "rounds to the later second"},
    "pax/empty-path": {"tarfile": "the empty name; POSIX: an empty value takes the record back"},
    "pax/file-path-with-slash": {"tarfile": "a trailing slash counts with the type NUL only"},
    "pax/global-mtime": {"bsdtar": "reads no global header"},
    "pax/global-and-local": {"bsdtar": "reads no global header"},
    "pax/global-owner": {"bsdtar": "reads no global header"},
    "pax/global-path": {
        "bsdtar": "reads no global header",
        "tarfile": "every file has the path; elfuse refuses what readers differ on so much",
    },
    "pax/two-in-a-row": {"tarfile": "joins them; bsdtar and elfuse refuse"},
    "pax/no-newline": {"tarfile": "does not look at a record's end"},
    "pax/wrong-length": {"tarfile": "reads past the header's size"},
    "pax/no-equals": {"tarfile": "ends the header there"},
    "ends/no-padding": {
        "bsdtar": "wants whole blocks; Go's reader, and so each layer's usual one, does not",
        "tarfile": "the same",
    },
    "ends/one-block-between": {
        "bsdtar": "one zero block ends it; elfuse refuses, as what follows would be unseen by some",
        "tarfile": "the same",
    },
    "ends/in-a-header": {"tarfile": "ends there without a word"},
    "ends/bad-checksum-later": {"bsdtar": "looks for the next good header", "tarfile": "ends there"},
}


def rows_of(top: Path) -> Rows:
    """What was unpacked: name -> kind, mode, owner, whole seconds, and what the kind has."""
    rows: Rows = {}
    for name, path in entries(top).items():
        st = os.lstat(path)
        content: object = None
        if stat.S_ISREG(st.st_mode):
            content = Path(os.fsdecode(path)).read_bytes()
        elif stat.S_ISLNK(st.st_mode):
            content = os.readlink(path)
        mode = 0o777 if stat.S_ISLNK(st.st_mode) else stat.S_IMODE(st.st_mode)
        kind = stat.S_IFMT(st.st_mode)
        rows[os.fsdecode(name)] = (kind, mode, st.st_uid, st.st_gid, st.st_mtime_ns // 10**9, content)
    return rows


def by_elfuse(archive: bytes, top: Path) -> Rows | None:
    tree = Tree(top)
    try:
        tree.apply_blob(archive, owner="host")
    except _core.LayerError:
        return None
    return rows_of(top)


def by_bsdtar(archive: bytes, top: Path) -> Rows | None:
    top.mkdir()
    command = ["bsdtar", "-xpf", "-", "--numeric-owner", "-C", str(top)]
    done = subprocess.run(
        command, input=archive, capture_output=True, env={**os.environ, "LC_ALL": "C.UTF-8"}
    )
    return rows_of(top) if done.returncode == 0 else None


KINDS = {
    tarfile.DIRTYPE: stat.S_IFDIR,
    tarfile.SYMTYPE: stat.S_IFLNK,
    tarfile.FIFOTYPE: stat.S_IFIFO,
}


def by_tarfile(archive: bytes) -> Rows | None:
    """No extraction: what each header says, the last of a name."""
    rows: Rows = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:", errors="surrogateescape") as file:
            for info in file:
                name = os.path.normpath(info.name)
                if info.islnk():
                    rows[name] = rows[os.path.normpath(info.linkname)]
                    continue
                kind = KINDS.get(info.type, stat.S_IFREG)
                content: object = None
                if info.issym():
                    content = os.fsencode(info.linkname)
                elif kind == stat.S_IFREG:
                    body = file.extractfile(info)
                    content = body.read() if body else b""
                    if body is not None and len(body.read()) + len(content) != info.size:
                        return None
                mode = 0o777 if info.issym() else info.mode & 0o7777
                rows[name] = (kind, mode, info.uid, info.gid, int(info.mtime // 1), content)
    except (tarfile.TarError, KeyError, EOFError, OSError, ValueError):
        return None
    return rows


def agree(ours: Rows | None, theirs: Rows | None, *, named_only: bool) -> bool:
    """named_only: directories that no entry names are not there; the root's time is each one's own."""
    if ours is None or theirs is None:
        return ours is theirs
    mine = {name: row for name, row in ours.items() if name in theirs or not named_only}
    mine.pop(".", None)
    others = {name: row for name, row in theirs.items() if name != "."}
    if named_only:
        return mine == others and all(
            row[0] == stat.S_IFDIR for name, row in ours.items() if name not in theirs
        )
    return set(mine) == set(others) and all(
        mine[name] == others[name] or mine[name][0] == others[name][0] == stat.S_IFDIR for name in mine
    )


def check(name: str, archive: bytes, tmp_path: Path) -> None:
    ours = by_elfuse(archive, tmp_path / "ours")
    known = DISAGREE.get(name, {})
    bsdtar, python = by_bsdtar(archive, tmp_path / "bsdtar"), by_tarfile(archive)
    same = agree(ours, bsdtar, named_only=False)
    assert same != ("bsdtar" in known), f"bsdtar: {bsdtar}, and not {ours}"
    # One release of Python changes what another does.
    assert agree(ours, python, named_only=True) or "tarfile" in known, f"tarfile: {python}, and not {ours}"


@pytest.mark.parametrize("name", ARCHIVES)
def test_readers_agree(name: str, tmp_path: Path) -> None:
    if name.startswith("sparse/"):
        try:
            Tree(tmp_path / "sparse").apply_blob(ARCHIVES[name])
        except _core.LayerError as error:
            assert "sparse" in str(error)
            return
    check(name, ARCHIVES[name], tmp_path)


def test_what_programs_write(tmp_path: Path) -> None:
    archives = by_tools()
    assert len(archives) == 9
    for name, archive in archives.items():
        (tmp_path / name).mkdir()
        check(name, archive, tmp_path / name)
        assert by_elfuse(archive, tmp_path / name / "again") is not None


def test_disagreements_are_of_archives() -> None:
    assert set(DISAGREE) <= set(ARCHIVES)
    assert all(
        set(readers) <= {"bsdtar", "tarfile"} and all(readers.values()) for readers in DISAGREE.values()
    )
