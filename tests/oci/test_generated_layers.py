"""Layers that nobody thought of: random ones, several an image, unpacked by elfuse and umoci to one tree.

The differences that umoci is known to have are rows of docs/layers.md, and are told apart here by name.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import elfuse as api
from elfuse.errors import UnpackError
from tests.oci.images import Image, write_layout
from tests.oci.trees import listing
from tests.unit.layer_tar import entry, tar

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="owners can be compared by root only")

EXAMPLES = 200
COMPONENTS = ["a", "b", "c", "d", "\u00fc", "\udcff\udcfe", " ", "..x", ".wh", "n" * 120]
TARGETS = ["a", "b/c", "/a", "/b/a", ".", "..", "../../..", "../a", "nowhere", "/", "\udcff"]
MODES = [0o644, 0o755, 0o600, 0o4755, 0o2711, 0o1777, 0, 0o7777]
OWNERS = [0, 0, 1, 1000, 65534, 3_000_000]
TIMES = ["0", "1", "1.5", "-1", "-1.25", "1700000000.123456789", "8589934592", "77"]
CAPABILITY = "\1\0\0\2\0\4\0\0" + "\0" * 12  # cap_net_bind_service, permitted


class Draft:
    """One image in the making: what its tree is thought to hold, so that most of what is drawn is of use."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.parents = [""]  # directories, and symbolic links that may lead to one
        self.files: list[str] = []

    def pick(self, choices: list[str]) -> str:
        return self.draw(st.sampled_from(choices))

    def name(self) -> str:
        parent = self.pick(self.parents)
        name = self.pick(COMPONENTS)
        return f"{parent}/{name}" if parent else name

    def fields(self) -> dict[str, object]:
        pax = {"mtime": self.pick(TIMES)}
        mode = self.draw(st.sampled_from(MODES))
        uid, gid = self.draw(st.sampled_from(OWNERS)), self.draw(st.sampled_from(OWNERS))
        return {"mode": mode, "uid": uid, "gid": gid, "pax": pax}

    def add_xattrs(self, fields: dict[str, object], *, capability: bool) -> None:
        pax = fields["pax"]
        assert isinstance(pax, dict)
        for key in self.draw(
            st.lists(st.sampled_from(["user.one", "user.two.\u00fc"]), max_size=2, unique=True)
        ):
            pax[f"SCHILY.xattr.{key}"] = self.pick(["", "value", "\u00e4" * 50])
        if capability and self.draw(st.integers(0, 5)) == 5:
            pax["SCHILY.xattr.security.capability"] = CAPABILITY

    def free(self, name: str) -> str:
        """The name, of which it is forgotten what it was, and what lay below."""
        for names in (self.parents, self.files):
            names[:] = [old for old in names if old != name and not old.startswith(f"{name}/")]
        return name

    def spelled(self, name: str) -> str:
        return self.pick(["", "", "./", "/"]) + name

    def directory(self) -> bytes:
        name, fields = self.name(), self.fields()
        self.add_xattrs(fields, capability=False)
        self.parents.append(name)
        return entry(self.spelled(name), tarfile.DIRTYPE, **fields)

    def file(self) -> bytes:
        name, fields = self.free(self.name()), self.fields()
        self.add_xattrs(fields, capability=True)
        self.files.append(name)
        data = self.draw(st.sampled_from([b"", b"small", b"x" * 512, bytes(1300)]))
        return entry(self.spelled(name), data=data, **fields)

    def again(self) -> bytes:
        """A directory that is there, with other metadata."""
        name, fields = self.pick(self.parents), self.fields()
        return entry(self.spelled(name) or "./", tarfile.DIRTYPE, **fields)

    def symlink(self) -> bytes:
        name = self.free(self.name())
        target = self.pick([*TARGETS, *(f"/{parent}" for parent in self.parents)])
        if target[1:] in self.parents:
            self.parents.append(name)
        return entry(self.spelled(name), tarfile.SYMTYPE, linkname=target, **self.fields())

    def hardlink(self) -> bytes:
        name = self.free(self.name())
        if not self.files:
            return self.file()
        target = self.pick(self.files)
        self.files.append(name)
        return entry(self.spelled(name), tarfile.LNKTYPE, linkname=self.spelled(target), **self.fields())

    def special(self) -> bytes:
        kind = self.draw(st.sampled_from([tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE]))
        numbers = {"devmajor": 1, "devminor": 3} if kind != tarfile.FIFOTYPE else {}
        return entry(self.spelled(self.free(self.name())), kind, **self.fields(), **numbers)

    def whiteout(self) -> bytes:
        path = self.pick([*self.files, *self.parents[1:], "a"])
        if self.draw(st.integers(0, 7)):
            self.free(path)
        parent, _, name = path.rpartition("/")
        return entry(self.spelled(f"{parent}/.wh.{name}" if parent else f".wh.{name}"))

    def opaque(self) -> bytes:
        return entry(f"{self.pick(self.parents)}/.wh..wh..opq".lstrip("/"))

    def layer(self) -> bytes:
        kinds = [self.directory] * 5 + [self.file] * 6 + [self.symlink] * 2 + [self.hardlink] * 2
        kinds += [self.again, self.special, self.whiteout, self.whiteout, self.opaque]
        return tar(*(make() for make in self.draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=14))))


class Example:
    """The layers of one image; shown as what tar says of them."""

    def __init__(self, layers: list[bytes]) -> None:
        self.layers = layers

    def __repr__(self) -> str:
        return "\n".join(
            f"layer {number}: {info.name!r} type {info.type!r} {oct(info.mode)} {info.uid}:{info.gid}"
            f" {info.linkname!r} {info.size} {info.pax_headers}"
            for number, layer in enumerate(self.layers)
            for info in tarfile.open(fileobj=io.BytesIO(layer))
        )


@st.composite
def examples(draw: st.DrawFn) -> Example:
    draft = Draft(draw)
    return Example([draft.layer() for _ in range(draw(st.integers(1, 4)))])


def as_umoci_makes_it(row: tuple[object, ...]) -> tuple[object, ...]:
    """Rows `empty-xattr` and `devices`: a file that carries a device's kind and numbers, as the node."""
    assert isinstance(row[4], dict)
    xattrs = {key: value for key, value in row[4].items() if value}
    row = (*row[:4], xattrs, *row[5:])
    kept = xattrs.get("user.containers.override_stat")
    if kept is None:
        return row
    uid, gid, mode, kind = kept.decode().split(":")
    kind, major, minor = kind.split("-")
    number = {"char": 0o20000, "block": 0o60000}[kind] | int(mode, 8)
    rest = {key: value for key, value in xattrs.items() if key != "user.containers.override_stat"}
    return (oct(number), int(uid), int(gid), row[3], rest, os.makedev(int(major), int(minor)), row[6])


def unexplained(umoci: Path, ours: Path, began: int) -> dict[str, tuple[object, object]]:
    """What differs and is no known difference."""
    theirs, mine = listing(umoci, root=True), listing(ours, root=True)
    left: dict[str, tuple[object, object]] = {}
    for name in sorted(set(theirs) | set(mine)):
        a, b = theirs.get(name), mine.get(name)
        if a is not None and b is not None:
            b = as_umoci_makes_it(b)
            assert isinstance(a[3], int) and isinstance(a[0], str)
            if a[3] >= began and a[0].startswith("0o4"):  # rows `touched` and `implied`
                a, b = (*a[:3], 0, *a[4:]), (*b[:3], 0, *b[4:])
                if a[:2] == ("0o42755", 0):
                    a = ("0o40755", 0, 0, *a[3:])
        if a != b:
            left[name] = (a, b)
    return left


class Both:
    """One store and one place for umoci's bundles; counts what came of the examples."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.same = self.refused = 0

    def compare(self, example: Example) -> None:
        work = self.top / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        layout = write_layout(work / "layout", {"x": [Image(example.layers)]})
        # A time before which no entry lies: umoci's "now".
        began = time.time_ns() - 10**9
        command = ["umoci", "unpack", "--image", f"{layout}:x", str(work / "bundle")]
        umoci = subprocess.run(command, capture_output=True)
        name, store = f"oci:{layout}:x", str(work / "store")
        api.pull(name, store=store)
        try:
            api.unpack(name, str(work / "ours"), store=store)
        except UnpackError as error:
            assert umoci.returncode != 0, f"umoci applies what we refuse: {error}"
            self.refused += 1
            return
        said = umoci.stderr.decode(errors="replace")[-300:]
        assert umoci.returncode == 0, f"umoci refuses what we apply: {said}"
        different = unexplained(work / "bundle/rootfs", work / "ours", began)
        assert not different, f"name: (umoci, ours): {different}"
        self.same += 1


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    """In memory where that has extended attributes: most of the time went to waiting for the disk."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else tmp_path) as top:
        try:
            os.setxattr(top, "user.x", b"")
        except OSError:
            top = str(tmp_path)
        yield Both(Path(top))


def test_two_hundred_images(both: Both) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
    )
    @given(examples())
    def compare(example: Example) -> None:
        both.compare(example)

    compare()
    assert both.same >= EXAMPLES // 2, "most images are to be worth a comparison"
