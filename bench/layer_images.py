"""The images that layers.py unpacks, made once into a cache: tars, their blobs and an OCI layout of each.

Nothing is fetched: "python" is the fixture image of the tests; "big" has the shape of python:3.12 (seven
layers, 834 MB of tar, 23,000 entries with a median of 3 KB, 2.4 times smaller as gzip); "small" is one
layer of 60,000 files.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import itertools
import json
import random
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VERSION = "1"  # of what is generated
OCI = "application/vnd.oci.image"
BIG_LAYERS = (
    (368, 5000),
    (212, 4600),
    (126, 5200),
    (108, 4100),
    (85, 3600),
    (31, 730),
    (1, 12),
)  # MB, entries
SMALL_FILES = 60_000
SMALL_MEDIAN = 700  # bytes: source trees, node_modules, __pycache__
MEDIAN, SIGMA, LARGEST = 3000, 2.3, 31_000_000
MTIME = 1_700_000_000


@dataclass(frozen=True)
class Layer:
    blob: Path
    tar: Path
    digest: str
    diff_id: str

    @property
    def size(self) -> int:
        return self.blob.stat().st_size


@dataclass(frozen=True)
class LayerImage:
    name: str
    codec: str  # gzip or zstd
    layers: tuple[Layer, ...]
    layout: Path  # of one untagged index entry "x"

    @property
    def tar_size(self) -> int:
        return sum(layer.tar.stat().st_size for layer in self.layers)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


class Contents:
    """Slices of three pools: text (4:1 as gzip), code (3:1) and what does not compress.

    A pool is larger than a compressor's window, so that a file compresses by what is in it alone.
    """

    _POOL = 24_000_000
    _SLICE = 40_000

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        letters = "etaoinshrdlucmfwypvbgkjqxz_0123456789"
        words = [
            ("".join(rng.choices(letters, k=rng.randint(2, 11))) + rng.choice(" \n(),. =:")).encode()
            for _ in range(9000)
        ]
        codes = [rng.randbytes(4) for _ in range(6000)]
        self._pools = (self._pool(words), self._pool(codes), rng.randbytes(self._POOL))

    def _pool(self, units: list[bytes]) -> bytes:
        """Idioms, the frequent ones of frequent units, with a single unit after each."""
        rng = self._rng
        cumulative = list(itertools.accumulate(1 / (rank + 3) for rank in range(len(units))))
        idioms = [
            b"".join(rng.choices(units, cum_weights=cumulative, k=rng.randint(2, 9))) for _ in range(20000)
        ]
        weights = list(itertools.accumulate(1 / (rank + 9) for rank in range(len(idioms))))
        pieces: list[bytes] = []
        size = 0
        while size < self._POOL:
            more = [
                piece
                for pair in zip(
                    rng.choices(idioms, cum_weights=weights, k=50000),
                    rng.choices(units, cum_weights=cumulative, k=50000),
                    strict=True,
                )
                for piece in pair
            ]
            pieces += more
            size += sum(map(len, more))
        return b"".join(pieces)

    def make(self, size: int) -> bytes:
        pool = self._rng.choices(self._pools, (50, 44, 6))[0]
        pieces, left = [], size
        while left > 0:
            length = min(left, self._SLICE)
            at = self._rng.randrange(len(pool) - length)
            pieces.append(pool[at : at + length])
            left -= length
        return b"".join(pieces)


def member(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, **fields: Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mtime = kind, size, MTIME
    info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
    for key, value in fields.items():
        setattr(info, key, value)
    return info


def sizes_of(rng: random.Random, count: int, total: int) -> list[int]:
    """Log-normal, and scaled so that they add up."""
    drawn = [min(rng.lognormvariate(0, SIGMA) * MEDIAN, LARGEST) for _ in range(count)]
    large = sum(size for size in drawn if size > 10 * MEDIAN)
    scale = (total - (sum(drawn) - large)) / large if large else 1.0
    return [int(size * scale) if size > 10 * MEDIAN else int(size) for size in drawn]


Entry = tuple[tarfile.TarInfo, bytes]


def layer_entries(
    rng: random.Random, contents: Contents, number: int, size: int, count: int
) -> Iterator[Entry]:
    """Directories of some twenty entries, nine in ten of them files, the rest links."""
    sizes = iter(sizes_of(rng, count, size))
    made, top = 0, f"usr/lib/part{number}"
    for parent in ("usr", "usr/lib", top):
        yield member(parent, tarfile.DIRTYPE), b""
    while made < count:
        directory = f"{top}/{rng.choice('abcdefgh')}{made:05}"
        yield member(directory, tarfile.DIRTYPE), b""
        made += 1
        for index in range(min(rng.randint(8, 32), count - made)):
            name = f"{directory}/file-{index}.py"
            if index and rng.random() < 0.08:
                target = f"{directory}/file-0.py"
                kind = tarfile.LNKTYPE if rng.random() < 0.2 else tarfile.SYMTYPE
                yield member(name, kind, linkname=target if kind == tarfile.LNKTYPE else "file-0.py"), b""
            else:
                data = contents.make(next(sizes))
                mode = 0o755 if rng.random() < 0.1 else 0o644
                yield member(name, size=len(data), mode=mode), data
            made += 1


def small_entries(rng: random.Random, contents: Contents) -> Iterator[Entry]:
    for parent in ("srv", "srv/app"):
        yield member(parent, tarfile.DIRTYPE), b""
    for number in range(SMALL_FILES):
        if number % 40 == 0:
            yield member(f"srv/app/d{number // 40:04}", tarfile.DIRTYPE), b""
        data = contents.make(min(int(rng.lognormvariate(0, 1) * SMALL_MEDIAN), 20_000))
        yield member(f"srv/app/d{number // 40:04}/f{number % 40}.js", size=len(data)), data


def write_tar(path: Path, entries: Iterator[Entry]) -> None:
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for info, data in entries:
            archive.addfile(info, io.BytesIO(data))


def big(directory: Path) -> list[Path]:
    rng = random.Random("big")
    contents, paths = Contents(rng), []
    for number, (megabytes, count) in enumerate(BIG_LAYERS):
        paths.append(directory / f"{number}.tar")
        write_tar(paths[-1], layer_entries(rng, contents, number, megabytes * 1_000_000, count))
    return paths


def small(directory: Path) -> list[Path]:
    rng = random.Random("small")
    path = directory / "0.tar"
    write_tar(path, small_entries(rng, Contents(rng)))
    return [path]


def fixture(layout: Path) -> Callable[[Path], list[Path]]:
    """The arm64 python image of `layout`, as tars."""

    def read(digest: str) -> Any:
        return json.loads((layout / "blobs/sha256" / digest.removeprefix("sha256:")).read_bytes())

    def make(directory: Path) -> list[Path]:
        named = {
            entry.get("annotations", {}).get("org.opencontainers.image.ref.name"): entry["digest"]
            for entry in json.loads((layout / "index.json").read_bytes())["manifests"]
        }
        platforms = read(named["python"])["manifests"]
        manifest = next(m["digest"] for m in platforms if m["platform"]["architecture"] == "arm64")
        paths = []
        for number, layer in enumerate(read(manifest)["layers"]):
            paths.append(directory / f"{number}.tar")
            blob = layout / "blobs/sha256" / layer["digest"].removeprefix("sha256:")
            with gzip.open(blob) as source, paths[-1].open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
        return paths

    return make


def compress(tar: Path, codec: str) -> Path:
    """At the level that builders use."""
    words = ["gzip", "-6", "-n", "-c"] if codec == "gzip" else ["zstd", "-q", "-3", "-c"]
    blob = tar.with_suffix(f".tar.{codec}")
    with blob.open("wb") as out:
        subprocess.run([*words, str(tar)], stdout=out, check=True)
    return blob


def write_layout(path: Path, layers: list[Layer]) -> None:
    blobs = path / "blobs/sha256"
    blobs.mkdir(parents=True)

    def put(document: dict[str, Any], media_type: str) -> dict[str, Any]:
        data = json.dumps(document).encode()
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    described = []
    for layer in layers:
        (blobs / layer.digest.removeprefix("sha256:")).hardlink_to(layer.blob)
        described.append(
            {"mediaType": f"{OCI}.layer.v1.tar+gzip", "digest": layer.digest, "size": layer.size}
        )
    rootfs = {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}
    config = put({"os": "linux", "architecture": "arm64", "rootfs": rootfs}, f"{OCI}.config.v1+json")
    manifest = put({"schemaVersion": 2, "config": config, "layers": described}, f"{OCI}.manifest.v1+json")
    named = {**manifest, "annotations": {"org.opencontainers.image.ref.name": "x"}}
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}))
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def image(name: str, codec: str, cache: Path, fixtures: Path) -> LayerImage:
    """From the cache, or made into it."""
    makers = {"big": big, "small": small, "python": fixture(fixtures)}
    made = cache / f"layers-{VERSION}-{name}"
    tars = made / "tars"
    if not tars.exists():
        print(f"bench: making the image {name!r}", flush=True)
        staged = made / "staged"
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir(parents=True)
        makers[name](staged)
        staged.rename(tars)
    paths = sorted(tars.glob("*.tar"))
    layout = made / codec
    if not layout.exists():
        staged = made / f"staged-{codec}"
        shutil.rmtree(staged, ignore_errors=True)
        with ThreadPoolExecutor(2) as pool:
            blobs = list(pool.map(lambda path: compress(path, codec), paths))
        layers = [Layer(b, t, sha256_of(b), sha256_of(t)) for b, t in zip(blobs, paths, strict=True)]
        write_layout(staged, layers)
        (staged / "layers.json").write_text(json.dumps([[x.digest, x.diff_id] for x in layers]))
        staged.rename(layout)
    known = json.loads((layout / "layers.json").read_text())
    layers = [Layer(t.with_suffix(f".tar.{codec}"), t, *k) for t, k in zip(paths, known, strict=True)]
    return LayerImage(name, codec, tuple(layers), layout)
