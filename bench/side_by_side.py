"""The foundation's measurements, each beside its peer in one run: `make bench`.

The machines are noisy, so the two sides of a comparison take turns, and medians and ratios are what counts.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from measure import QEMU, take_turns

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.oci.images import Image, tar, write_layout  # noqa: E402
from tests.oci.installed import install  # noqa: E402

GUEST = ROOT / "bench" / "guest"


def build(out: Path) -> None:
    """Compile the guest programs for arm64, and the ones that have a native peer for the host."""
    for name in ("loop", "calls", "hello"):
        source = str(GUEST / f"{name}.c")
        subprocess.run(["aarch64-linux-gnu-gcc", "-O2", "-static", "-o", str(out / name), source], check=True)
    subprocess.run(["cc", "-O2", "-o", str(out / "calls.host"), str(GUEST / "calls.c")], check=True)


def guest_command(sysroot: Path, program: str, *args: str) -> list[str]:
    """The launcher alone, as `elfuse run` starts it."""
    from elfuse._core import vm_path

    spec = {
        "version": 1,
        "root": {"type": "plain", "path": str(sysroot)},
        "mounts": [{"type": "proc", "target": "/proc"}, {"type": "dev", "target": "/dev"}],
        "argv": [f"/{program}", *args],
        "env": [],
        "cwd": "/",
        "user": {"uid": 0, "gid": 0, "groups": []},
        "hostname": "elfuse",
    }
    path = sysroot / f"{program}.json"
    path.write_text(json.dumps(spec))
    return [vm_path(), "--spec", str(path)]


def wall(command: Sequence[str]) -> float:
    """Seconds from fork to exit."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def output(command: Sequence[str]) -> list[float]:
    """The numbers that a program prints."""
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    return [float(word) for word in result.stdout.split()]


def medians(samples: list[Any]) -> list[float]:
    rows = [s if isinstance(s, list) else [s] for s in samples]
    return [statistics.median(column) for column in zip(*rows, strict=True)]


def report(name: str, ours: float, peer: float | None, unit: str, bound: str, holds: bool | None) -> None:
    peer_text = f"{peer:10.2f}" if peer is not None else " " * 10
    ratio = f"{ours / peer:6.2f}" if peer else " " * 6
    verdict = "" if holds is None else ("ok" if holds else "MISSED")
    print(f"{name:44} {ours:10.2f} {peer_text} {unit:6} {ratio}  {bound:28} {verdict}")


def bench_engine(out: Path, rounds: int) -> bool:
    ours, qemu = take_turns(
        rounds,
        [
            lambda: output(guest_command(out, "loop")),
            lambda: output([QEMU, str(out / "loop")]),
        ],
    )
    rate = statistics.median(s[0] / s[1] / 1e6 for s in ours)
    peer = statistics.median(s[0] / s[1] / 1e6 for s in qemu)
    report("simple instructions (peer: qemu-aarch64)", rate, peer, "M/s", ">= 100 M/s", rate >= 100)
    return rate >= 100


def bench_hello(out: Path, rounds: int) -> bool:
    ours, qemu = take_turns(
        rounds,
        [
            lambda: wall(guest_command(out, "hello")),
            lambda: wall([QEMU, str(out / "hello")]),
        ],
    )
    a, b = medians(ours)[0] * 1e3, medians(qemu)[0] * 1e3
    report("static hello, whole (peer: qemu-aarch64)", a, b, "ms", "no slower", a <= b)
    return a <= b


def bench_calls(out: Path, rounds: int) -> bool:
    ours, host = take_turns(
        rounds,
        [
            lambda: output(guest_command(out, "calls")),
            lambda: output([str(out / "calls.host")]),
        ],
    )
    a, b = medians(ours), medians(host)
    good = True
    for index, name in ((1, "getppid"), (2, "read 1 byte of /dev/urandom")):
        over = (a[index] - a[0]) - b[index]
        holds = over <= 60
        good = good and holds
        report(
            f"{name} (peer: the host's own)",
            a[index] - a[0],
            b[index],
            "ns",
            f"{over:+.0f} ns, at most +60",
            holds,
        )
    return good


def bench_warm(out: Path, rounds: int) -> bool:
    """The installed command, from fork to the end of a static program of an image that is in the store."""
    image = Image([tar([("hello", (out / "hello").read_bytes(), 0o755)])], {"Cmd": ["/hello"]})
    front = install(out / "bin")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("ELFUSE_", "PYTHON"))}
    env |= {"PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(out / "bytecode"), "HOME": str(out / "home")}
    name = "localhost/hello:1"
    (out / "home").mkdir()
    layout = f"oci:{write_layout(out / 'layout', {'x': [image]})}:x"

    def run(program: str, *words: str) -> float:
        start = time.perf_counter()
        subprocess.run([program, *words], check=True, stdout=subprocess.DEVNULL, env=env)
        return time.perf_counter() - start

    run(str(front), "oci", "pull", "-q", layout)
    run(str(front), "oci", "tag", layout, name)
    for _ in range(3):  # unpacked, and then remembered
        time.sleep(0.1)
        run(str(front), "oci", "run", name)
    ours, python, whole = take_turns(
        rounds,
        [
            lambda: run(str(front), "oci", "run", name),
            lambda: run(sys.executable, "-I", "-S", "-c", "pass"),
            lambda: run(f"{front}-python", "oci", "run", name),
        ],
    )
    a, b, c = (medians(side)[0] * 1e3 for side in (ours, python, whole))
    report("warm oci run of hello (peer: python3 -I -S)", a, b, "ms", "at most 2.5x", a <= 2.5 * b)
    report("the same by Python (peer: python3 -I -S)", c, b, "ms", "reported", None)
    return a <= 2.5 * b


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory)
        os.chmod(out, 0o755)
        build(out)
        print(f"{'what':44} {'elfuse':>10} {'peer':>10} {'':6} {'ratio':>6}  bound")
        good = [bench(out, options.rounds) for bench in (bench_engine, bench_hello, bench_warm, bench_calls)]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
