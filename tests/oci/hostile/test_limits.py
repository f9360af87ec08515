"""What one layer may cost: bombs, masses of entries, the limits of config.toml, and what a refusal says."""

from __future__ import annotations

import gzip
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.oci.conftest import Result
from tests.oci.images import Image, sha256, write_layout
from tests.unit.layer_tar import header, tar

MIB = 1 << 20
Elfuse = Callable[..., Result]


def packed(image: Image, layer: bytes, blob: bytes, kind: str) -> Image:
    """The image with this blob for its one layer."""
    image.config["rootfs"] = {}
    (old,) = image.manifest["layers"]
    del image.blobs[old["digest"]]
    image.blobs[sha256(blob)] = blob
    image.manifest["layers"] = [
        {
            "mediaType": f"application/vnd.oci.image.layer.v1.tar+{kind}",
            "digest": sha256(blob),
            "size": len(blob),
        }
    ]
    return image


def zstd(data: bytes) -> bytes:
    return subprocess.run(["zstd", "-19", "-q", "-c"], input=data, check=True, capture_output=True).stdout


def bomb(kind: str, size: int) -> bytes:
    """`size` zeros in one file. Members and frames repeat, so that making it costs nothing."""
    compress = {"gzip": lambda data: gzip.compress(data, mtime=0), "zstd": zstd}[kind]
    head = header(b"zeros", size=b"\x80" + size.to_bytes(11, "big"))
    return compress(head) + compress(bytes(32 * MIB)) * (size // (32 * MIB)) + compress(bytes(1024))


@pytest.fixture
def limited(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """The environment of a command under these limits."""

    def write(text: str) -> dict[str, str]:
        path = tmp_path / "config.toml"
        path.write_text(f"[limits]\n{text}\n")
        return {"ELFUSE_CONFIG": str(path)}

    return write


def refused(result: Result, cause: str, setting: str) -> None:
    assert result.code == 125 or result.code == 1, result
    (line,) = result.err.splitlines()[-1:]
    assert cause in line
    assert f"for an image that you trust, raise {setting} in [limits] of config.toml" in result.err


def test_millions_of_empty_files(
    tmp_path: Path, store_path: Path, elfuse: Elfuse, limited: Callable[[str], dict[str, str]]
) -> None:
    """Three thousand and a lower limit, to the same effect."""
    image = Image([tar(*(header(b"d%d/f%d" % (i // 100, i)) for i in range(3000)))])
    layout = write_layout(tmp_path / "layout", {"x": [image]})
    assert elfuse("oci", "pull", "-q", f"oci:{layout}:x").code == 0
    name = f"oci:{layout}:x"
    few = limited("layer_entries = 2999")
    for words in (("unpack", name, "tree"), ("run", name, "/x")):
        result = elfuse("oci", *words, **few)
        refused(result, "the layer has more than 2999 entries", "layer_entries")
        assert os.listdir(store_path / "stacks/sha256") == []
    assert not (store_path.parent / "tree").exists()
    enough = limited("layer_entries = 3000")
    result = elfuse("oci", "unpack", name, "tree", **enough)
    assert result.code == 0, result
    assert len(list((store_path.parent / "tree").glob("*/*"))) == 3000


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_bomb(kind: str, tmp_path: Path, elfuse: Elfuse, limited: Callable[[str], dict[str, str]]) -> None:
    """64 GiB of zeros: 64 MB as gzip, which can do no better, and 2 MB as zstd."""
    blob = bomb(kind, 64 << 30)
    assert len(blob) < 80 * MIB
    layout = write_layout(tmp_path / "layout", {"x": [packed(Image([b""]), b"", blob, kind)]})
    name = f"oci:{layout}:x"
    assert elfuse("oci", "pull", "-q", name).code == 0
    result = elfuse("oci", "unpack", name, "tree", **limited(f"layer_size = {40 * MIB}"))
    refused(result, f"the layer is larger than {40 * MIB} bytes", "layer_size")
    assert sorted(os.listdir(tmp_path)) == ["config.toml", "layout", "store"]


def test_a_ratio(tmp_path: Path, elfuse: Elfuse, limited: Callable[[str], dict[str, str]]) -> None:
    """Counted from the first GiB on, which is tar here that is hashed and not written."""
    blob = gzip.compress(tar(header(b"x")), mtime=0) + gzip.compress(bytes(64 * MIB), mtime=0) * 17
    layout = write_layout(tmp_path / "layout", {"x": [packed(Image([b""]), b"", blob, "gzip")]})
    name = f"oci:{layout}:x"
    assert elfuse("oci", "pull", "-q", name).code == 0
    result = elfuse("oci", "unpack", name, "tree", **limited("layer_ratio = 500"))
    refused(result, "the layer expands more than 500 times", "layer_ratio")


def test_a_limit_that_is_none(
    tmp_path: Path, elfuse: Elfuse, limited: Callable[[str], dict[str, str]]
) -> None:
    layout = write_layout(tmp_path / "layout", {"x": [Image([tar(header(b"x"))])]})
    name = f"oci:{layout}:x"
    assert elfuse("oci", "pull", "-q", name).code == 0
    result = elfuse("oci", "unpack", name, "tree", **limited("layer_entries = -1"))
    assert result.code != 0 and "limits.layer_entries: expected `int` >= 1" in result.err
