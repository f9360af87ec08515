"""The trees that elfuse unpacks against umoci's: mode, owner, time, links, xattrs, content of each entry."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

import elfuse as api
from tests.oci.images import LAYER_GZIP, Image, sha256, write_layout
from tests.oci.trees import differences
from tests.unit.layer_tar import directory, entry, hardlink, header, padded, symlink, tar

FIXTURES = Path(__file__).resolve().parents[2] / ".cache" / "images"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="owners can be compared by root only")


def without_zstd(layout: Path) -> None:
    """The layout's one image with gzip in place of zstd, which umoci 0.4.7 does not read."""

    def put(data: bytes) -> dict[str, Any]:
        (layout / "blobs/sha256" / sha256(data)[7:]).write_bytes(data)
        return {"digest": sha256(data), "size": len(data)}

    index = json.loads((layout / "index.json").read_text())
    manifest = json.loads((layout / "blobs/sha256" / index["manifests"][0]["digest"][7:]).read_bytes())
    for layer in manifest["layers"]:
        if layer["mediaType"].endswith("zstd"):
            blob = layout / "blobs/sha256" / layer["digest"][7:]
            tar = subprocess.run(["zstd", "-dcq", blob], check=True, capture_output=True).stdout
            layer.update(put(gzip.compress(tar, 1)), mediaType=LAYER_GZIP)
    index["manifests"][0].update(put(json.dumps(manifest).encode()))
    (layout / "index.json").write_text(json.dumps(index))


def both(layout: Path, ref: str, tmp_path: Path) -> tuple[Path, Path]:
    """The tree of the image's arm64 leaf as umoci makes it, and as elfuse does."""
    single = tmp_path / "single"
    copy = ["skopeo", "copy", "-q", "--override-os=linux", "--override-arch=arm64"]
    subprocess.run([*copy, f"oci:{layout}:{ref}", f"oci:{single}:x"], check=True)
    without_zstd(single)
    bundle = tmp_path / "bundle"
    subprocess.run(
        ["umoci", "unpack", "--image", f"{single}:x", str(bundle)], check=True, capture_output=True
    )
    store = str(tmp_path / "store")
    api.pull(f"oci:{layout}:{ref}", store=store)
    ours = tmp_path / "ours"
    api.unpack(f"oci:{layout}:{ref}", str(ours), store=store)
    return bundle / "rootfs", ours


@pytest.mark.parametrize("name", ["busybox", "debian", "programs", "python"])
def test_the_fixture_images(name: str, tmp_path: Path) -> None:
    theirs, ours = both(FIXTURES, name, tmp_path)
    assert differences(theirs, ours) == {}
    assert len(list(ours.glob("**/*"))) > {"busybox": 50, "debian": 1000, "programs": 1, "python": 1000}[name]


def test_the_compression_makes_no_difference(tmp_path: Path) -> None:
    trees = []
    for name in ("python", "python-zstd"):
        api.pull(f"oci:{FIXTURES}:{name}", store=str(tmp_path / "store"))
        api.unpack(f"oci:{FIXTURES}:{name}", str(tmp_path / name), store=str(tmp_path / "store"))
        trees.append(tmp_path / name)
    assert differences(*trees) == {}
    assert (trees[0] / "usr/bin/python3.13").stat().st_size > 1 << 20


def test_odd_but_legal_layers(tmp_path: Path) -> None:
    long = "/".join(["long-name" * 10] * 4)
    # Each on its own: the time of a directory that no entry names is each tool's own choice.
    above = [directory(long[:at], mtime=44) for at in range(len(long)) if long[at] == "/"]
    gnu_name = f"{long}/gnu"
    first = tar(
        directory("./", mode=0o755, mtime=7),
        directory("d", mode=0o1777, mtime=11),
        entry("d/lower", data=b"lower", mtime=12),
        directory("opaque", mtime=13),
        entry("opaque/hidden", mtime=14),
        directory("opaque/sub", mtime=15),
        entry("opaque/sub/hidden", mtime=16),
        directory("dir2file", mtime=17),
        entry("dir2file/x", mtime=18),
        entry("file2dir", mtime=19),
        directory("real", mtime=20),
        symlink("alias", "/real"),
        symlink("dangling", "../../../nowhere"),
        entry("su", mode=0o4755, mtime=21),
        entry("sg", mode=0o2711, uid=3_000_000, gid=42, mtime=22),
        entry("shut", mode=0, mtime=23),
        entry("one", data=b"1", mtime=24),
        hardlink("two", "one"),
        entry("xattr", mtime=25, pax={"SCHILY.xattr.user.text": "\u00fcber"}),
        entry("fraction", pax={"mtime": "26.125"}),
        entry("ancient", pax={"mtime": "-86400"}),
        entry("\u00fcml\u00e4ut", mtime=27),
        entry("pipe", tarfile.FIFOTYPE, mtime=28),
    )
    second = tar(
        directory("opaque", mtime=33),
        entry("opaque/new", data=b"new", mtime=34),
        entry("opaque/.wh..wh..opq"),
        entry("dir2file", data=b"now a file", mtime=37),
        directory("file2dir", mtime=38),
        entry("file2dir/inner", mtime=39),
        entry("d/.wh.lower"),
        entry("alias/through", data=b"through the link", mtime=40),
        hardlink("three", "one"),
        entry("one", data=b"replaced", mtime=41),
        entry("dup", data=b"first", mtime=42),
        entry("dup", data=b"last", mtime=43),
        *above,
        directory(long, mtime=44),
        header(b"././@LongLink", b"L", len(gnu_name) + 1)
        + padded(gnu_name.encode() + b"\0")
        + header(b"short", mtime=b"%011o" % 45),
        directory("d", mode=0o700, mtime=46),
    )
    layout = write_layout(tmp_path / "layout", {"odd": [Image([first, second])]})
    theirs, ours = both(layout, "odd", tmp_path)
    assert differences(theirs, ours) == {}
    assert (ours / "real/through").read_bytes() == b"through the link"
    assert (ours / "two").read_bytes() == (ours / "three").read_bytes() == b"1"
    assert sorted(os.listdir(ours / "opaque")) == ["new"]
