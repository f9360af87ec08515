"""Every case of cases.py, from an image layout to an unpacked tree, with umoci as the judge."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import elfuse as api
from elfuse import _core
from elfuse.errors import UnpackError
from tests.oci.hostile.cases import CASES, Case
from tests.oci.images import Image, write_layout
from tests.oci.trees import differences, listing
from tests.unit.layer_tar import Tree

PAGE = Path(__file__).resolve().parents[3] / "docs" / "layers.md"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="owners can be compared by root only")


@dataclass(frozen=True)
class Place:
    top: Path
    outside: Path
    layout: Path

    def reference(self, name: str) -> str:
        return f"{self.layout}:{name.replace('/', '.')}"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Host files that no case may touch, and one layout with all cases."""
    top = tmp_path_factory.mktemp("hostile")
    outside = top / "outside"
    (outside / "etc").mkdir(parents=True)
    for name in ("secret", "etc/passwd"):
        (outside / name).write_text("the host's secret")
        (outside / name).chmod(0o600)
    images = {name.replace("/", "."): [Image(case.make(str(outside)))] for name, case in CASES.items()}
    return Place(top, outside, write_layout(top / "layout", images))


@pytest.fixture
def around(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The working directory has the names that the attacks use. All of it is as it was afterwards."""
    before = listing(place.outside, root=True), sorted(os.listdir(place.top)), Path("/etc/passwd").stat()
    monkeypatch.chdir(place.outside)
    yield
    after = listing(place.outside, root=True), sorted(os.listdir(place.top)), Path("/etc/passwd").stat()
    assert after[:2] == before[:2]
    for field in ("st_ino", "st_nlink", "st_mode", "st_size", "st_mtime_ns", "st_ctime_ns"):
        assert getattr(after[2], field) == getattr(before[2], field)


def by_umoci(place: Place, name: str, top: Path) -> Path | None:
    """In a directory of its own: umoci 0.4.7 takes ".wh..." at the root for the bundle around the tree."""
    top.mkdir()
    bundle = top / "bundle"
    command = ["umoci", "unpack", "--image", place.reference(name), str(bundle)]
    done = subprocess.run(command, capture_output=True, cwd="/")
    return bundle / "rootfs" if done.returncode == 0 else None


def by_elfuse(place: Place, name: str, top: Path) -> Path | UnpackError:
    image, store, tree = f"oci:{place.reference(name)}", str(top / "store"), top / "ours"
    api.pull(image, store=store)
    try:
        api.unpack(image, str(tree), store=store)
    except UnpackError as error:
        assert sorted(os.listdir(top)) == ["store", "umoci"], "a refused layer leaves nothing"
        return error
    return tree


@pytest.mark.usefixtures("around")
@pytest.mark.parametrize("name", CASES)
def test_as_umoci_does_or_clearly_refused(name: str, place: Place, tmp_path: Path) -> None:
    case = CASES[name]
    umoci = by_umoci(place, name, tmp_path / "umoci")
    ours = by_elfuse(place, name, tmp_path)
    if isinstance(ours, UnpackError):
        assert case.refused and case.refused in ours.message
        assert re.search(r"layer sha256:[0-9a-f]{64} of ", ours.message)
        assert ours.message.isprintable()
        assert case.content or (umoci is None) != bool(case.differs)
    elif case.content:
        assert {path: (ours / path).read_bytes() for path in case.content} == case.content
    else:
        assert not case.refused
        if case.differs:
            APPLIED[case.differs](umoci, ours)
        else:
            assert umoci is not None
            assert differences(umoci, ours) == {}


@pytest.mark.usefixtures("around")
@pytest.mark.parametrize("name", CASES)
def test_as_in_a_store(name: str, place: Place, tmp_path: Path) -> None:
    """With owners kept beside the files: no device, no power, nobody else's file, whatever the layer says."""
    case = CASES[name]
    tree = Tree(tmp_path / "root")
    try:
        for layer in case.make(str(place.outside)):
            tree.apply_blob(layer)
    except _core.LayerError as error:
        assert case.refused and case.refused in str(error)
    else:
        assert case.content or not case.refused
    for folder, dirs, files in os.walk(os.fsencode(tree.path)):
        for entry in dirs + files:
            st = os.lstat(os.path.join(folder, entry))
            assert not stat.S_ISCHR(st.st_mode) and not stat.S_ISBLK(st.st_mode)
            assert not st.st_mode & (stat.S_ISUID | stat.S_ISGID)
            assert st.st_uid == 0 and st.st_gid == 0
    fd = os.open(tmp_path, os.O_RDONLY)
    _core.remove_tree(fd, "root")
    os.close(fd)
    assert os.listdir(tmp_path) == []


# What becomes of the cases that both apply, to trees that differ: a row of the page -> what is checked.


def implied_directories(umoci: Path | None, ours: Path) -> None:
    """The times, and only they, of directories that no entry names: the entry's that needs them, not now."""
    assert umoci is not None
    different = differences(umoci, ours)
    assert different
    for theirs, mine in different.values():
        assert isinstance(theirs, tuple) and isinstance(mine, tuple)
        assert theirs[:3] == mine[:3] == ("0o40755", 0, 0) and theirs[4:] == mine[4:]
        assert mine[3] in (0, 4_000_000_000)


def devices_as_files(umoci: Path | None, ours: Path) -> None:
    assert umoci is not None and stat.S_ISCHR((umoci / "null").lstat().st_mode)
    for name, kept in {"null": b"0:0:0666:char-1-3", "sda": b"0:6:0660:block-8-0"}.items():
        st = (ours / name).lstat()
        assert stat.S_ISREG(st.st_mode) and st.st_size == 0
        assert os.getxattr(ours / name, "user.containers.override_stat") == kept


def own_xattrs_only(umoci: Path | None, ours: Path) -> None:
    assert umoci is not None and "user.overlay.opaque" in os.listxattr(umoci / "x")
    assert os.listxattr(ours / "x") == ["user.kept"]


def linked_to_itself(umoci: Path | None, ours: Path) -> None:
    assert umoci is None
    assert (ours / "top").read_bytes() == b"t" and (ours / "top").stat().st_nlink == 1


def old_directory(umoci: Path | None, ours: Path) -> None:
    assert umoci is None
    assert (ours / "dir").is_dir() and (ours / "dir/x").is_file()


APPLIED: dict[str, Callable[[Path | None, Path], None]] = {
    "implied": implied_directories,
    "devices": devices_as_files,
    "xattrs": own_xattrs_only,
    "itself": linked_to_itself,
    "v7-directory": old_directory,
}


def test_the_page_has_every_difference() -> None:
    rows = re.findall(r"^\| `([a-z0-9-]+)` \|", PAGE.read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(set(rows)), "each once"
    assert {case.differs for case in CASES.values() if case.differs} <= set(rows)


def test_cases_are_what_they_say() -> None:
    assert len(CASES) > 100
    for name, case in CASES.items():
        assert isinstance(case, Case) and (case.refused or not case.content), name
        assert not (case.differs in APPLIED and case.refused), name
