"""How a measurement is taken and shown: sides take turns, medians and ratios are what counts."""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
QEMU = "qemu-aarch64-static"
TIMEOUT = 900.0


@dataclass(frozen=True)
class Command:
    """Words, and the whole environment that they get."""

    words: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str = "/"

    def run(self) -> str:
        done = subprocess.run(
            self.words,
            env=dict(self.env),
            cwd=self.cwd,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            raise SystemExit(
                f"bench: {' '.join(self.words)} ended with {done.returncode}: {done.stderr[-2000:]}"
            )
        return done.stdout

    def wall(self) -> float:
        """Seconds from fork to exit."""
        start = time.perf_counter()
        self.run()
        return time.perf_counter() - start

    def numbers(self) -> list[float]:
        """The numbers that it prints, and nothing else."""
        return [float(word) for word in self.run().split()]


@dataclass(frozen=True)
class Timed:
    """What a program says of itself, or its output and wall time if it says nothing."""

    checksum: str
    seconds: float


def time_of(command: Command) -> Timed:
    start = time.perf_counter()
    output = command.run()
    seconds = time.perf_counter() - start
    kept = []
    for line in output.splitlines():
        word, _, rest = line.partition(" ")
        if word == "seconds":
            seconds = float(rest)
        else:
            kept.append(line)
    return Timed("\n".join(kept), seconds)


def take_turns(rounds: int, sides: Sequence[Callable[[], T]]) -> list[list[T]]:
    """Each side's samples."""
    samples: list[list[T]] = [[] for _ in sides]
    for _ in range(rounds):
        for side, kept in zip(sides, samples, strict=True):
            kept.append(side())
    return samples


def geometric_mean(values: Iterable[float]) -> float:
    logs = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs))


@dataclass
class Row:
    section: str
    name: str
    unit: str
    ours: float
    qemu: float | None = None
    native: float | None = None
    bound: str = ""
    holds: bool | None = None


class Table:
    """Rows, printed as they are measured."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def head(self, title: str) -> None:
        print(f"\n{title}", flush=True)
        print(
            f"{'':28} {'elfuse':>10} {'qemu':>10} {'native':>10}       {'of qemu':>8} {'of native':>9}  bound"
        )

    def add(self, row: Row) -> None:
        self.rows.append(row)
        columns = [
            f"{value:10.2f}" if value is not None else " " * 10 for value in (row.ours, row.qemu, row.native)
        ]
        of_qemu = f"{row.ours / row.qemu:7.2f}x" if row.qemu else " " * 8
        of_native = f"{row.ours / row.native:8.2f}x" if row.native else " " * 9
        verdict = "" if row.holds is None else ("ok" if row.holds else "MISSED")
        line = (
            f"{row.name:28} {' '.join(columns)} {row.unit:5} {of_qemu} {of_native}  {row.bound:26} {verdict}"
        )
        print(line.rstrip(), flush=True)

    def missed(self) -> list[Row]:
        return [row for row in self.rows if row.holds is False]

    def write(self, path: Path, **about: object) -> None:
        path.write_text(json.dumps({**about, "rows": [asdict(row) for row in self.rows]}, indent=1) + "\n")


def median_seconds(samples: Sequence[Timed]) -> float:
    return statistics.median(sample.seconds for sample in samples)
