"""_core.inflate_blob: a blob's uncompressed bytes into a file, verified on the way."""

import gzip
import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from elfuse import _core

DATA = bytes(range(256)) * 3000
DIFF_ID = "sha256:" + hashlib.sha256(DATA).hexdigest()


def packed(how: str) -> bytes:
    if how == "zstd":
        return subprocess.run(["zstd", "-qc"], input=DATA, check=True, capture_output=True).stdout
    return gzip.compress(DATA) if how == "gzip" else DATA


def inflate(tmp_path: Path, blob: bytes, target: int | None = None, **demands: object) -> dict[str, object]:
    (tmp_path / "blob").write_bytes(blob)
    with (tmp_path / "blob").open("rb") as source, (tmp_path / "out").open("wb") as out:
        fd = out.fileno() if target is None else target
        return dict(_core.inflate_blob(source.fileno(), fd, **demands))


@pytest.mark.parametrize("how", ["gzip", "zstd", "none"])
def test_every_compression(tmp_path: Path, how: str) -> None:
    blob = packed(how)
    digest = "sha256:" + hashlib.sha256(blob).hexdigest()
    stats = inflate(tmp_path, blob, blob_digest=digest, blob_size=len(blob), diff_id=DIFF_ID)
    assert (tmp_path / "out").read_bytes() == DATA
    assert stats == {
        "blob_size": len(blob),
        "tar_size": len(DATA),
        "diff_id": DIFF_ID,
        "blob_digest": digest,
    }
    assert inflate(tmp_path, blob, target=-1) == {**stats, "blob_digest": ""}  # nobody asked for it
    assert (tmp_path / "out").read_bytes() == b""


@pytest.mark.parametrize(
    ("demands", "error", "message"),
    [
        ({"blob_digest": "sha256:" + "0" * 64}, _core.DigestMismatch, "digest"),
        ({"blob_size": 5}, _core.DigestMismatch, "5"),
        ({"diff_id": "sha256:" + "0" * 64}, _core.DigestMismatch, "diffID"),
        ({"diff_id": "md5:0"}, _core.LayerError, "md5"),
        ({"limit": 1000}, _core.LayerError, "larger than 1000 bytes"),
    ],
)
def test_what_is_demanded(
    tmp_path: Path, demands: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        inflate(tmp_path, packed("gzip"), **demands)


def test_damage_is_named(tmp_path: Path) -> None:
    blob = packed("gzip")
    with pytest.raises(_core.LayerError, match="truncated"):
        inflate(tmp_path, blob[:-9])
    with pytest.raises(_core.LayerError):
        inflate(tmp_path, blob[:300] + b"\0" * 40 + blob[340:])


def test_a_full_disk_is_an_os_error(tmp_path: Path) -> None:
    fd = os.open("/dev/full", os.O_WRONLY)
    try:
        with pytest.raises(OSError, match="No space left on device"):
            inflate(tmp_path, packed("gzip"), target=fd)
    finally:
        os.close(fd)
