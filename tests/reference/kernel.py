"""Debian's kernel for arm64 virtual machines, kept in .cache/reference."""

from __future__ import annotations

import contextlib
import fcntl
import lzma
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
CACHE = TOP / ".cache" / "reference"
META = "linux-image-cloud-arm64"
MODULES = ["virtio_blk"]  # what the machine needs and the kernel has not built in; none needs another


@dataclass(frozen=True)
class Kernel:
    image: Path
    modules: list[Path]


def _unpack(deb: Path, target: Path) -> None:
    partial = target.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    wanted = ["./boot/vmlinuz-*", *(f"*/{name}.ko.xz" for name in MODULES)]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE) as tar:
        words = ["tar", "-x", "-C", str(partial), "--wildcards", *wanted]
        subprocess.run(words, stdin=tar.stdout, check=True)
    next(partial.glob("boot/vmlinuz-*")).rename(partial / "vmlinuz")
    for name in MODULES:
        packed = next(partial.rglob(f"{name}.ko.xz"))
        (partial / f"{name}.ko").write_bytes(lzma.decompress(packed.read_bytes()))
    for name in ("boot", "usr", "lib"):
        shutil.rmtree(partial / name, ignore_errors=True)
    partial.rename(target)


def _newest() -> Path | None:
    def key(path: Path) -> list[int]:
        return [int(number) for number in re.findall(r"\d+", path.name)]

    whole = [path.parent for path in CACHE.glob("*/vmlinuz") if path.parent.suffix != ".partial"]
    return max(whole, key=key, default=None)


def kernel() -> Kernel:
    """The newest that is there; if there is none, fetched through a private apt."""
    sys.path.insert(0, str(TOP / "scripts"))
    from fixtures.debian import Apt

    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "building").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        found = _newest()
        if found is None:
            apt = Apt(CACHE / "apt", "arm64")
            apt.update()
            package = next(p for p in apt.resolve([META]) if re.match(r"linux-image-\d", p.name))
            found = CACHE / package.version
            if not found.exists():
                with contextlib.chdir(CACHE):
                    apt.run("download", package.name)
                deb = CACHE / package.path.name
                _unpack(deb, found)
                deb.unlink()
        return Kernel(found / "vmlinuz", [found / f"{name}.ko" for name in MODULES])
