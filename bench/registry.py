"""Pulls beside skopeo's copies to oci:, from one registry in one run: `python bench/registry.py`.

An image of 270 MB in seven layers, shaped like python:3.12: from loopback, and over a path of 50 ms and
20 Mbit/s a connection. Both sides take turns, each into an empty directory that is removed at once, so that
neither waits for what the other has left to write. Peak memory is what wait4 says. The measured command is
the checkout's as an installation has it: its native front, and its bytecode kept.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from measure import take_turns

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.oci.images import CONFIG, LAYER_GZIP, Image, sha256, tar, write_layout  # noqa: E402
from tests.oci.installed import install  # noqa: E402

REGISTRY = shutil.which("docker-registry") or "/usr/bin/docker-registry"
SHAPER = Path(__file__).resolve().parent / "shaper.py"
LAYERS = (135, 52, 32, 25, 18, 6, 1)  # MB
DELAY, RATE = 50, 20  # ms of round trip, Mbit/s a connection
MEMORY = 64  # MB


@dataclass(frozen=True)
class Cost:
    seconds: float
    megabytes: float  # peak resident


def image() -> Image:
    """Layers that do not compress: what travels is what the sizes say."""
    made, diff_ids, layers = Image([]), [], []
    for number, megabytes in enumerate(LAYERS):
        layer = tar([(f"layer{number}", os.urandom(megabytes * 1_000_000))])
        layers.append(made._put(gzip.compress(layer, 1, mtime=0), LAYER_GZIP))
        diff_ids.append(sha256(layer))
    config = {**made.platform, "config": {}, "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    made.manifest["layers"] = layers
    made.manifest["config"] = made._put(json.dumps(config).encode(), CONFIG)
    return made


@contextmanager
def running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=out)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def registry(work: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    (work / "registry.yml").write_text(
        f"version: 0.1\nlog: {{level: error}}\nhttp: {{addr: '{address}'}}\n"
        f"storage: {{filesystem: {{rootdirectory: {work}/data}}}}\n"
    )
    with running([REGISTRY, "serve", str(work / "registry.yml")], work / "registry.log"):
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", int(address.rpartition(":")[2]))) == 0:
                    break
            time.sleep(0.05)
        yield address


@contextmanager
def shaped(address: str, work: Path) -> Iterator[str]:
    command = [sys.executable, str(SHAPER), address, str(DELAY), str(RATE)]
    with running(command, work / "shaper.log") as relay:
        assert relay.stdout is not None
        yield f"127.0.0.1:{int(relay.stdout.readline())}"


def cost(command: list[str], env: dict[str, str]) -> Cost:
    """Wall time and peak memory of one process; a failure ends the bench."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        assert process.stderr is not None
        raise SystemExit(f"bench: {' '.join(command)}: {process.stderr.read().decode()[-2000:]}")
    return Cost(seconds, usage.ru_maxrss / 1000)


class Sides:
    """The two commands, each with a directory of its own."""

    def __init__(self, work: Path) -> None:
        self._work = work
        self._env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
            "PYTHONPATH": str(ROOT),
            "PYTHONPYCACHEPREFIX": str(work / "bytecode"),
            "XDG_CACHE_HOME": str(work / "cache"),
        }
        self._front = install(work / "bin")

    def elfuse(self, address: str, *, fresh: bool) -> Cost:
        return self._pull(str(self._front), address, fresh)

    def whole(self, address: str) -> Cost:
        """The Python command, which the front becomes when it has no answer."""
        return self._pull(f"{self._front}-python", address, fresh=False)

    def _pull(self, program: str, address: str, fresh: bool) -> Cost:
        command = [program, "oci", "pull", "-q", "--tls-verify=false", "--store"]
        return self._into("store", fresh, lambda path: [*command, path, f"{address}/big:1"])

    def skopeo(self, address: str, *, fresh: bool) -> Cost:
        command = ["skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{address}/big:1"]
        return self._into("skopeo", fresh, lambda path: [*command, f"oci:{path}:x"])

    def _into(self, name: str, fresh: bool, command: Callable[[str], list[str]]) -> Cost:
        path = self._work / (f"{name}-fresh" if fresh else name)
        if not fresh and not path.exists():
            cost(command(str(path)), self._env)
        try:
            return cost(command(str(path)), self._env)
        finally:
            if fresh:
                shutil.rmtree(path)

    def python(self) -> Cost:
        return cost([sys.executable, "-c", "pass"], self._env)


def report(name: str, ours: float, peer: float | None, unit: str, bound: str, holds: bool | None) -> None:
    peer_text = f"{peer:10.2f}" if peer is not None else " " * 10
    ratio = f"{ours / peer:6.2f}" if peer else " " * 6
    verdict = "" if holds is None else ("ok" if holds else "MISSED")
    print(f"{name:44} {ours:10.2f} {peer_text} {unit:4} {ratio}  {bound:24} {verdict}", flush=True)


def compare(name: str, rounds: int, most: float, ours: Callable[[], Cost], peer: Callable[[], Cost]) -> bool:
    """One row of times, one of memory."""
    mine, theirs = take_turns(rounds, [ours, peer])
    a, b = (statistics.median(cost.seconds for cost in side) for side in (mine, theirs))
    report(f"{name} (peer: skopeo)", a, b, "s", f"at most {most}x", a <= most * b)
    memory, other = (max(cost.megabytes for cost in side) for side in (mine, theirs))
    report(f"{name}, peak memory", memory, other, "MB", f"at most {MEMORY} MB", memory <= MEMORY)
    return a <= most * b and memory <= MEMORY


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--shaped-rounds", type=int, default=1, help="skopeo needs a minute for each")
    parser.add_argument("--make", type=Path, help="only write the image's layout there")
    options = parser.parse_args()
    if options.make:
        write_layout(options.make, {"x": [image()]})
        return 0
    rounds = options.rounds
    with tempfile.TemporaryDirectory(prefix="elfuse-bench-") as directory:
        work = Path(directory)
        layout = work / "layout"
        # In a process of its own: what is started from here is charged with our own memory until it execs.
        subprocess.run([sys.executable, __file__, "--make", str(layout)], check=True)
        with registry(work) as near, shaped(near, work) as far:
            upload = ["skopeo", "copy", "-q", "--dest-tls-verify=false"]
            subprocess.run([*upload, f"oci:{layout}:x", f"docker://{near}/big:1"], check=True)
            sides = Sides(work)
            sides.elfuse(near, fresh=True)  # its bytecode is kept from here on
            print(f"{'what':44} {'elfuse':>10} {'peer':>10} {'':4} {'ratio':>6}  bound")
            start = statistics.median(cost.seconds for cost in take_turns(rounds, [sides.python])[0])
            report("Python's own start", start, None, "s", "", None)
            good = []
            for path, address, times in (("loopback", near, rounds), ("shaped", far, options.shaped_rounds)):
                most = 0.8 if address == near else 0.5
                name = f"pull of {sum(LAYERS)} MB, {path}"
                good.append(
                    compare(
                        name,
                        times,
                        most,
                        lambda at=address: sides.elfuse(at, fresh=True),  # type: ignore[misc]
                        lambda at=address: sides.skopeo(at, fresh=True),  # type: ignore[misc]
                    )
                )
                for side in (sides.elfuse, sides.skopeo):
                    side(address, fresh=False)
                python = statistics.median(sides.whole(address).seconds for _ in range(rounds))
                report(f"up-to-date pull by Python, {path}", python, None, "s", "", None)
                good.append(
                    compare(
                        f"up-to-date pull, {path}",
                        rounds,
                        0.5,
                        lambda at=address: sides.elfuse(at, fresh=False),  # type: ignore[misc]
                        lambda at=address: sides.skopeo(at, fresh=False),  # type: ignore[misc]
                    )
                )
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
