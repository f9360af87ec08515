"""Debian's programs for arm64, and the same for this machine, in .cache/bench."""

from __future__ import annotations

import fcntl
import hashlib
import io
import platform
import shutil
import sys
import tarfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
CACHE = TOP / ".cache" / "bench"
PACKAGES = ["base-files", "bash", "dash", "perl-base", "git", "python3", "sqlite3", "zstd", "xz-utils"]


def debian_tree(arch: str) -> Path:
    """The directory that holds the packages and all they need, made if it is not there."""
    sys.path.insert(0, str(TOP / "scripts"))
    from fixtures.debian import SUITE, Apt
    from fixtures.tree import Tree

    stamp = hashlib.sha256(f"{SUITE} {PACKAGES}".encode()).hexdigest()[:12]
    root = CACHE / f"{arch}-{stamp}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "building").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if root.exists():
            return root
        print(f"bench: fetching Debian {SUITE} packages for {arch}", flush=True)
        apt = Apt(CACHE / "apt", arch)
        apt.update()
        apt.fetch(PACKAGES)
        tree = Tree()
        for package in apt.resolve(PACKAGES):
            tree.unpack(package)
        for name in ("proc", "dev", "tmp", "root"):
            tree.directory(name)
        tree.file("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n")
        partial = root.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        with tarfile.open(fileobj=io.BytesIO(tree.layer())) as tar:
            tar.extractall(partial, filter="tar")
        partial.rename(root)
    return root


def host_arch() -> str | None:
    """Debian's name for this machine, if its programs can be run here."""
    return "amd64" if platform.machine() == "x86_64" else None


def host_words(root: Path, program: str) -> list[str]:
    """A program of the host's own tree, with that tree's loader and libraries."""
    libraries = root / "usr/lib/x86_64-linux-gnu"
    loader = libraries / "ld-linux-x86-64.so.2"
    return [str(loader), "--library-path", str(libraries), str(root / program.lstrip("/"))]
