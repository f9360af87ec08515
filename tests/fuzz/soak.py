"""The instruction set against a reference CPU for some minutes: `make fuzz-a64 ARGS=...`.

Each run is one a64_diff: an engine, a form of the cases (single instructions, blocks of 1 to 30, such blocks
with branches between their instructions), and a host CPU with some of what it has taken away. By default this
is over 10 million cases of the translator and 1.5 million of the interpreter; --scale 0.1 is a tenth.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REFERENCE_CPU = "max,sve=off,sme=off,pauth=off"
FEATURES = ("avx2", "bmi2", "fma", "lzcnt", "aes", "pclmul", "sha", "f16c")
FORMS = {
    "single": (),
    "blocks": ("--length", "1-30"),
    "flow": ("--length", "1-30", "--flow", "yes"),
}


@dataclass(frozen=True)
class Run:
    engine: str
    form: str
    without: str  # ELFUSE_JIT_CPU
    cases: int  # of each row
    seed: int


def plan(scale: float, seed: int, engines: list[str]) -> Iterator[Run]:
    """Runs of at most some 100,000 cases: all cores stay busy to the end, and what differs shows soon."""
    counts: dict[tuple[str, str, str], int] = {}
    for form in FORMS:
        counts["interp", form, ""] = 500
        counts["jit", form, ""] = 2500
        for feature in FEATURES:
            counts["jit", form, f"-{feature}"] = 100
        counts["jit", form, ",".join(f"-{feature}" for feature in FEATURES)] = 200
    for (engine, form, without), count in counts.items():
        left = round(count * scale)
        while engine in engines and left > 0:
            yield Run(engine, form, without, min(left, 100), seed)
            seed += 1
            left -= 100


def build(mode: str) -> Path:
    out = ROOT / "build" / mode
    make = ["make", "-s", f"-j{os.cpu_count()}", "-C", str(ROOT / "csrc"), f"O={out}", f"MODE={mode}"]
    subprocess.run([*make, str(out / "a64_diff"), str(out / "a64_reference")], check=True)
    return out


def perform(out: Path, qemu: str, run: Run) -> tuple[Run, int, int, str]:
    """Cases, how many differ (-1: it ended early), and what the program said."""
    command = [str(out / "a64_diff"), "--cases", str(run.cases), "--seed", str(run.seed), *FORMS[run.form]]
    command += ["--", qemu, "-cpu", REFERENCE_CPU, str(out / "a64_reference")]
    env = {**os.environ, "ELFUSE_ENGINE": run.engine, "ELFUSE_JIT_CPU": run.without}
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    text = done.stdout + done.stderr
    match = re.search(r"(\d+) cases, (\d+) differ", text)
    if not match:
        return run, 0, -1, text
    return run, int(match[1]), int(match[2]), text


def main() -> int:
    parser = argparse.ArgumentParser(description="the instruction set against qemu-aarch64")
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of cases")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the first run (default: time)")
    parser.add_argument("--engine", choices=("interp", "jit"), action="append", help="only this one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--mode", default="release", help="of csrc/Makefile")
    args = parser.parse_args()
    qemu = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
    if not qemu:
        sys.exit("qemu-aarch64-static is missing: run scripts/ensure-packages.sh")
    out = build(args.mode)
    runs = list(plan(args.scale, args.seed, args.engine or ["interp", "jit"]))
    totals: dict[tuple[str, str, str], int] = {}
    failed = 0
    start = time.monotonic()
    with ThreadPoolExecutor(args.jobs) as pool:
        for run, cases, differ, text in pool.map(lambda run: perform(out, qemu, run), runs):
            key = (run.engine, run.form, run.without)
            totals[key] = totals.get(key, 0) + cases
            if differ != 0:
                failed += 1
                print(f"FAILED {run}\n{text}", flush=True)
    seconds = time.monotonic() - start
    for (engine, form, without), cases in totals.items():
        print(f"{engine:7} {form:7} {cases:9,} cases  {without}")
    every = sum(totals.values())
    rate = every / max(seconds, 0.001)
    print(f"{every:,} cases in {seconds:.0f} s ({rate:,.0f} a second), {failed} of {len(runs)} runs differ")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
