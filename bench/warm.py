"""What the size of an image costs a warm run: `python bench/warm.py`.

The whole command, `elfuse oci run IMAGE /hello`, of a static program from an image of 2 MB and from one of
260 MB, both unpacked, in turns; for each strategy of snapshots on each kind of file system that it works on,
freshly made. As root, with mkfs for it; else only where the temporary files lie. The images are those of
`make images`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from measure import Command, take_turns
from side_by_side import ROOT, build, report

BOUND = 1.10
STRATEGIES = ("reflink", "runtime", "overlay")
KINDS = ("ext4", "xfs", "btrfs")
IMAGES = ("busybox", "python")
SIZE = 4 << 30  # of the file systems' images, which are sparse


@contextlib.contextmanager
def file_system(kind: str, place: Path) -> Iterator[Path]:
    """A fresh one: on a used ext4 the runs before count (docs/adr/0010-snapshots.md)."""
    image, top = place / f"{kind}.img", place / kind
    top.mkdir()
    if os.geteuid() != 0:
        yield top
        return
    with image.open("wb") as file:
        file.truncate(SIZE)
    subprocess.run([f"mkfs.{kind}", "-q", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(top)], check=True)
    try:
        yield top
    finally:
        subprocess.run(["umount", "-l", str(top)], check=True)
        image.unlink()


def elfuse(store: Path, strategy: str, *words: str) -> Command:
    env = {
        **os.environ,
        "ELFUSE_STORE": str(store),
        "ELFUSE_SNAPSHOT": strategy,
        "ELFUSE_CONFIG": "",
        "PYTHONPATH": str(ROOT),
    }
    return Command((sys.executable, "-m", "elfuse", "oci", *words), env)


def measure(kind: str, place: Path, hello: Path, layout: Path, rounds: int) -> bool:
    good = True
    with file_system(kind, place) as top:
        store = top / "store"
        for image in IMAGES:
            elfuse(store, "auto", "pull", "-q", f"oci:{layout}:{image}").run()
            elfuse(store, "auto", "unpack", f"oci:{layout}:{image}").run()
        for strategy in STRATEGIES:
            sides = [
                elfuse(
                    store,
                    strategy,
                    "run",
                    "-q",
                    "-v",
                    f"{hello}:/hello:ro",
                    f"oci:{layout}:{image}",
                    "/hello",
                )
                for image in IMAGES
            ]
            try:
                for side in sides:
                    side.run()
            except SystemExit as error:
                print(f"{strategy} on {kind}: not here: {str(error).rpartition(': ')[2].strip()}")
                continue
            small, large = take_turns(rounds, [side.wall for side in sides])
            ours, peer = statistics.median(large) * 1e3, statistics.median(small) * 1e3
            holds = ours <= peer * BOUND
            good = good and holds
            name = f"{strategy} on {kind} (peer: the small image)"
            report(name, ours, peer, "ms", f"at most {BOUND:.2f}x", holds)
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--images", type=Path, default=ROOT / ".cache/images", help="an OCI layout")
    parser.add_argument("--only", choices=KINDS, action="append", help="this kind of file system")
    options = parser.parse_args()
    layout = options.images.resolve()
    found = [kind for kind in options.only or KINDS if shutil.which(f"mkfs.{kind}")]
    kinds = found if os.geteuid() == 0 else ["here"]
    with tempfile.TemporaryDirectory(prefix="elfuse-warm-") as directory:
        place = Path(directory)
        build(place)
        print(f"{'what':44} {'large':>10} {'small':>10} {'':6} {'ratio':>6}  bound")
        good = [measure(kind, place, place / "hello", layout, options.rounds) for kind in kinds]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
