#!/usr/bin/env python3
"""Writes the fixture images into .cache/images, an OCI layout, from Debian's packages for arm64 and amd64.

--set apps writes the larger images of `make apps-matrix` into .cache/images-apps, or those named by --only.

No foreign code runs and no privilege is needed. The same package versions give the same digests: the file
`lock` names them. A second run does nothing unless the recipe changed or --refresh asks for newer packages.
"""

import argparse
import concurrent.futures
import fcntl
import hashlib
import platform
import sys
import time
from pathlib import Path
from typing import Any

from fixtures.debian import Apt, Package
from fixtures.layout import Layout
from fixtures.programs import EVERYDAY, LARGE, Builder, minimal_base
from fixtures.recipe import AMD64, ARM64, Arch, Leaf, build_leaf, compiled_by, finish_leaf, write_leaf

TOP = Path(__file__).resolve().parent.parent
IMAGES = {"test": TOP / ".cache" / "images", "apps": TOP / ".cache" / "images-apps"}
Written = dict[str, list[dict[str, Any]]]  # the leaves of each reference


def recipe_hash() -> str:
    digest = hashlib.sha256()
    for path in [Path(__file__), *sorted((Path(__file__).parent / "fixtures").glob("*.py"))]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def up_to_date(images: Path) -> bool:
    stamp = images / "stamp"
    return (images / "index.json").exists() and stamp.exists() and stamp.read_text() == recipe_hash()


def write_lock(images: Path, packages: set[Package]) -> None:
    lines = [f"{p.name} {p.version} {p.arch} {p.sha256()}\n" for p in sorted(packages)]
    (images / "lock").write_text("# name version architecture sha256\n" + "".join(dict.fromkeys(lines)))


def build(images: Path) -> None:
    def start(arch: Arch) -> tuple[Leaf, dict[str, bytes]]:
        leaf = build_leaf(images / "apt", arch)
        return leaf, compiled_by(leaf) if arch.machine == platform.machine() else {}

    def finish(leaf: Leaf) -> dict[str, dict[str, Any]]:
        finish_leaf(leaf, compiled)
        debian = layout.layer(leaf.debian.layer(), "debian trixie minbase")
        made = write_leaf(layout, leaf, debian)
        builder = Builder(layout, leaf.arch, leaf.apt, leaf.debian, leaf.minimal, debian)
        for name, program in EVERYDAY.items():
            if leaf.arch in program.arches:
                made[name] = builder.build(program)
        leaf.packages = sorted({*leaf.packages, *builder.packages})
        return made

    layout = Layout(images)
    arches = [ARM64, AMD64]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        # The heavy parts (dpkg-deb, zlib, the compiling Python) leave the interpreter lock.
        started = list(pool.map(start, arches))
        compiled: dict[str, bytes] = {}
        for _, made in started:
            compiled.update(made)
        leaves = [leaf for leaf, _ in started]
        written: Written = {}
        for one in pool.map(finish, leaves):
            for ref, leaf in one.items():
                written.setdefault(ref, []).append(leaf)
    write_lock(images, {package for leaf in leaves for package in leaf.packages})
    layout.write_index(written)


def build_large(images: Path, only: list[str]) -> None:
    layout = Layout(images)
    written = layout.images() if only else {}
    chosen = {name: program for name, program in LARGE.items() if not only or name in only}
    packages: set[Package] = set()
    for name in chosen:
        written[name] = []
    for arch in (ARM64, AMD64):
        wanted = {name: program for name, program in chosen.items() if arch in program.arches}
        if not wanted:
            continue
        apt = Apt(images / "apt", arch.name, sources=True)
        apt.update()
        base, below = minimal_base(apt)
        layer = layout.layer(base.layer(), "debian trixie minbase", "zstd")
        builder = Builder(layout, arch, apt, base, below, layer)
        for name, program in wanted.items():
            print(f"images: {name} for {arch.name}", flush=True)
            written[name].append(builder.build(program))
        packages |= builder.packages
    if not only:
        write_lock(images, packages)
    layout.write_index(written)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--refresh", action="store_true", help="take newer packages, if there are any")
    parser.add_argument("--set", choices=list(IMAGES), default="test", help="[default: test]")
    parser.add_argument("--only", nargs="+", default=[], choices=list(LARGE), metavar="NAME")
    parser.add_argument("--output", type=Path, metavar="DIR", help="[default: the set's folder in .cache]")
    args = parser.parse_args()
    images: Path = (args.output or IMAGES[args.set]).resolve()
    images.mkdir(parents=True, exist_ok=True)
    with (images / "building").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if up_to_date(images) and not args.refresh and not args.only:
            print(f"images: {images} is up to date")
            return 0
        began = time.monotonic()
        (images / "stamp").unlink(missing_ok=True)
        if args.set == "apps":
            build_large(images, args.only)
        else:
            build(images)
        if not args.only:
            (images / "stamp").write_text(recipe_hash())
        print(f"images: wrote {images} in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
