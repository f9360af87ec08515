"""`elfuse oci run` of a missing image, beside the way to a tree with peers: `python bench/cold.py`.

The fixture `python` image from a registry on loopback: `run` of it, from a store that does not exist to the
end of `python3 -c pass`, beside `skopeo copy` to an image layout and `umoci unpack`, which run nothing.
Each measurement gets a file system of its own, made for it (a loop-mounted ext4; without root a new
directory), as ext4 creates files slowly where others were just removed. The sides take turns. The bound is on
the medians' ratio.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from measure import take_turns
from registry import registry

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / ".cache" / "images"
BOUND = 0.5


@contextmanager
def fresh(work: Path) -> Iterator[Path]:
    """An empty directory on a file system that has seen nothing yet."""
    place = Path(tempfile.mkdtemp(dir=work))
    if os.geteuid() != 0:
        yield place
        return
    image = place.with_suffix(".img")
    with image.open("wb") as file:
        file.truncate(4 << 30)
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(["mkfs.ext4", "-q", "-E", "lazy_itable_init=1,nodiscard", image], **quiet)  # type: ignore[call-overload]
    subprocess.run(["mount", "-o", "loop", image, place], **quiet)  # type: ignore[call-overload]
    try:
        yield place
    finally:
        subprocess.run(["umount", place], **quiet)  # type: ignore[call-overload]
        image.unlink()


class Sides:
    def __init__(self, work: Path, address: str) -> None:
        self._work = work
        self._image = f"{address}/python:1"
        self._env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
            "PYTHONPATH": str(ROOT),
            "PYTHONPYCACHEPREFIX": str(work / "bytecode"),
            "ELFUSE_CACHE_DIR": str(work / "translations"),
        }

    def elfuse(self) -> float:
        with fresh(self._work) as place:
            options = ["-q", "--tls-verify=false", "--store", str(place / "store")]
            words = ["-m", "elfuse", "oci", "run", *options, self._image, "python3", "-c", "pass"]
            return self._time([[sys.executable, *words]])

    def peers(self) -> float:
        with fresh(self._work) as place:
            layout = f"{place}/layout:python"
            copy = ["skopeo", "copy", "-q", "--src-tls-verify=false"]
            return self._time(
                [
                    [*copy, f"docker://{self._image}", f"oci:{layout}"],
                    ["umoci", "unpack", "--image", layout, f"{place}/bundle"],
                ]
            )

    def _time(self, commands: list[list[str]]) -> float:
        start = time.perf_counter()
        for command in commands:
            done = subprocess.run(command, env=self._env, capture_output=True, stdin=subprocess.DEVNULL)
            if done.returncode:
                raise SystemExit(f"bench: {' '.join(command)}: {done.stderr.decode()[-2000:]}")
        return time.perf_counter() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    for tool in ("skopeo", "umoci"):
        if shutil.which(tool) is None:
            raise SystemExit(f"bench: {tool} is not installed")
    with tempfile.TemporaryDirectory(dir=os.environ.get("ELFUSE_BENCH_DIR")) as folder:
        work = Path(folder)
        with registry(work) as address:
            push = ["skopeo", "copy", "-q", "--dest-tls-verify=false", "--override-arch=arm64"]
            subprocess.run([*push, f"oci:{FIXTURES}:python", f"docker://{address}/python:1"], check=True)
            sides = Sides(work, address)
            sides.elfuse()  # bytecode and translations, as an installed one has them
            ours, theirs = take_turns(options.rounds, [sides.elfuse, sides.peers])
    for name, samples in (("elfuse oci run", ours), ("skopeo copy, umoci unpack", theirs)):
        text = " ".join(f"{sample:.2f}" for sample in sorted(samples))
        print(f"{name:28} median {statistics.median(samples):6.2f} s  of {text}")
    ratio = statistics.median(ours) / statistics.median(theirs)
    holds = ratio <= BOUND
    print(f"{'ratio':28} {ratio:13.2f}    at most {BOUND}: {'ok' if holds else 'MISSED'}")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
