"""Layers onto a tree, beside what else unpacks them: `python bench/layers.py`.

Each run has a file system of its own (ext4 in a loop device, its file in memory): re-creating what was
removed from an ext4 shortly before takes many times as long. Where loop mounts are not to be had, it gets
a new top-level directory. The sides take turns. elfuse's time is that of a process from start to exit,
Python's start and all digests included; the fraction of the two-core limit is of the extraction alone, as
the floors are.

The limit is what two cores cannot beat: the longest single stage of decompressing, hashing the blob,
hashing the tar and writing, or half the sum of them.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from layer_images import LayerImage, image
from measure import take_turns

TOP = Path(__file__).resolve().parent.parent
MEMORY = 64  # MB
FRACTION = 0.7
DISK = 4 << 30

# What a layer costs a caller of the core, in one process: it prints the seconds without Python's start.
EXTRACT = """
import json, os, sys, time
from elfuse import _core
root = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECTORY)
begin = time.perf_counter()
for path, digest, size, diff_id in json.loads(sys.argv[2]):
    blob = os.open(path, os.O_RDONLY)
    _core.extract_layer(blob, root, blob_digest=digest, blob_size=size, diff_id=diff_id, owner=sys.argv[3])
    os.close(blob)
print("seconds", time.perf_counter() - begin)
"""


@dataclass(frozen=True)
class Run:
    seconds: float
    inner: float  # without the start of the process, where it says so
    megabytes: float  # peak resident


class Disks:
    """A fresh place for each run."""

    def __init__(self, work: Path) -> None:
        self._work = work
        self._count = 0
        memory = Path("/dev/shm")
        self._home = memory if memory.is_dir() and shutil.disk_usage(memory).free > 2 * DISK else work
        self.loop = os.geteuid() == 0
        if self.loop:
            try:
                with self.fresh():
                    pass
            except subprocess.CalledProcessError:
                self.loop = False

    @contextmanager
    def fresh(self) -> Iterator[Path]:
        self._count += 1
        path = self._work / f"root{self._count}"
        path.mkdir()
        if not self.loop:
            yield path  # removed with the rest, after the last run
            return
        with tempfile.NamedTemporaryFile(dir=self._home, prefix="elfuse-bench-") as disk:
            disk.truncate(DISK)
            subprocess.run(["mkfs.ext4", "-q", "-F", disk.name], check=True, capture_output=True)
            subprocess.run(["mount", "-o", "loop", disk.name, str(path)], check=True, capture_output=True)
            try:
                (path / "root").mkdir()
                yield path / "root"
            finally:
                subprocess.run(["umount", str(path)], check=True)


def timed(command: list[str]) -> Run:
    """One process and its children; a failure ends the bench."""
    env = {**os.environ, "PYTHONPATH": str(TOP)}
    start = time.perf_counter()
    process = subprocess.Popen(
        command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    output, errors = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"bench: {shlex.join(command)[:300]}: {errors[-2000:]}")
    words = output.split()
    inner = float(words[-1]) if "seconds" in words[-2:] else seconds
    return Run(seconds, inner, usage.ru_maxrss / 1000)


Side = Callable[[LayerImage, Path], list[str]]


def each(template: str) -> Side:
    """A shell command for each layer, in order; {blob} and {root}."""

    def command(image: LayerImage, root: Path) -> list[str]:
        lines = [template.format(blob=layer.blob, root=root) for layer in image.layers]
        return ["bash", "-c", "set -e -o pipefail; " + "; ".join(lines)]

    return command


def elfuse(image: LayerImage, root: Path) -> list[str]:
    layers = [(str(layer.blob), layer.digest, layer.size, layer.diff_id) for layer in image.layers]
    return [sys.executable, "-P", "-c", EXTRACT, str(root), json.dumps(layers), "virtual"]


def umoci(image: LayerImage, root: Path) -> list[str]:
    return ["umoci", "unpack", "--image", f"{image.layout}:x", str(root / "bundle")]


PEERS: dict[str, tuple[Side, dict[str, float | None]]] = {
    # name: the side, and the most that elfuse may take of it, for each codec that it knows
    "umoci unpack": (umoci, {"gzip": 0.2}),
    "tar xzf": (each("tar -xzf {blob} -C {root}"), {"gzip": 0.4}),
    "igzip -dc | tar x": (each("igzip -dc < {blob} | tar -x -C {root}"), {"gzip": 0.75}),
    "zstd -dc | tar x": (each("zstd -dcq {blob} | tar -x -C {root}"), {"zstd": 1.0}),
    "bsdtar -x": (each("bsdtar -xf {blob} -C {root}"), {"gzip": 1.0, "zstd": 1.0}),
}


def floors(program: Path, image: LayerImage, disks: Disks, rounds: int) -> dict[str, float]:
    """Medians of each stage alone, on one core."""
    blobs = [str(layer.blob) for layer in image.layers]
    tars = [str(layer.tar) for layer in image.layers]

    def write() -> Run:
        with disks.fresh() as root:
            return timed([str(program), "write", str(root), *tars])

    stages: dict[str, Callable[[], Run]] = {
        "decompress": lambda: timed([str(program), "inflate", *blobs]),
        "hash the blob": lambda: timed([str(program), "hash", *blobs]),
        "hash the tar": lambda: timed([str(program), "hash", *tars]),
        "write": write,
    }
    samples = take_turns(rounds, list(stages.values()))
    return {
        name: statistics.median(run.inner for run in runs) for name, runs in zip(stages, samples, strict=True)
    }


def build_floors(work: Path) -> Path:
    program = work / "layer_floors"
    source = Path(__file__).with_name("layer_floors.c")
    libraries = ["-lisal", "-lcrypto", "-lzstd"]
    subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", str(program), str(source), *libraries], check=True)
    return program


class Report:
    def __init__(self) -> None:
        self.rows: list[dict[str, object]] = []
        self.missed = 0

    def row(
        self, image: LayerImage, what: str, value: str, bound: str = "", holds: bool | None = None
    ) -> None:
        self.missed += holds is False
        verdict = "" if holds is None else ("ok" if holds else "MISSED")
        self.rows.append(
            {"image": image.name, "codec": image.codec, "what": what, "value": value, "bound": bound}
        )
        print(
            f"{image.name:7} {image.codec:5} {what:22} {value:34} {bound:16} {verdict}".rstrip(), flush=True
        )


def compare(image: LayerImage, disks: Disks, program: Path, rounds: int, report: Report) -> None:
    def side(command: Side) -> Callable[[], Run]:
        def run() -> Run:
            with disks.fresh() as root:
                return timed(command(image, root))

        return run

    def median(runs: list[Run]) -> float:
        return statistics.median(run.seconds for run in runs)

    peers = {
        name: (command, bounds[image.codec])
        for name, (command, bounds) in PEERS.items()
        if image.codec in bounds and shutil.which(name.split()[0])
    }
    samples = take_turns(rounds, [side(elfuse), *(side(command) for command, _ in peers.values())])
    ours, others = samples[0], samples[1:]
    report.row(image, "elfuse", f"{median(ours):7.3f} s")
    for (name, (_, most)), runs in zip(peers.items(), others, strict=True):
        # The medians of two sides can come from different moments of a noisy machine.
        ratio = statistics.median(a.seconds / b.seconds for a, b in zip(ours, runs, strict=True))
        text = f"{median(runs):7.3f} s, elfuse {ratio:5.2f}x"
        if most is None:
            report.row(image, name, text)
        else:
            report.row(image, name, text, f"at most {most}x", ratio <= most)
    memory = max(run.megabytes for run in ours)
    report.row(image, "peak memory", f"{memory:7.1f} MB", f"below {MEMORY} MB", memory < MEMORY)
    stages = floors(program, image, disks, rounds)
    for name, seconds in stages.items():
        report.row(image, f"floor: {name}", f"{seconds:7.3f} s")
    limit = max(*stages.values(), sum(stages.values()) / 2)
    fraction = limit / statistics.median(run.inner for run in ours)
    report.row(
        image,
        "two-core limit",
        f"{limit:7.3f} s, {fraction:4.0%} of it reached",
        f"at least {FRACTION:.0%}",
        fraction >= FRACTION,
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--image", action="append", choices=("python", "big", "small"))
    parser.add_argument("--codec", action="append", choices=("gzip", "zstd"))
    parser.add_argument(
        "--cache", type=Path, default=TOP / ".cache" / "bench", help="where the images are kept"
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="elfuse-bench-") as directory:
        work = Path(directory)
        program, disks = build_floors(work), Disks(work)
        if not disks.loop:
            print("no loop mounts here: a new directory for each run, on a file system that has seen others")
        for name in options.image or ("python", "big", "small"):
            for codec in options.codec or ("gzip", "zstd"):
                made = image(name, codec, options.cache, TOP / ".cache" / "images")
                compare(made, disks, program, options.rounds, report)
    if options.json:
        options.json.write_text(json.dumps(report.rows, indent=1) + "\n")
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
