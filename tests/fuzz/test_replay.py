"""The fuzz targets' seeds and mutations of them, under the address and undefined-behaviour sanitizers.

Every run does the same ones. `make fuzz` searches for new ones with libFuzzer.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "replay"
MUTATIONS = {"fuzz_decode": 1500, "fuzz_elf": 20000, "fuzz_layer": 4000}
MUTATIONS |= {"fuzz_memo": 20000, "fuzz_spec": 20000}


@pytest.fixture(scope="session")
def replay() -> Path:
    make = ["make", "-s", f"-j{os.cpu_count()}", "-C", str(ROOT / "csrc"), f"O={BUILD}", "MODE=asan", "fuzz"]
    subprocess.run(make, check=True)
    return BUILD / "fuzz"


def test_every_target_is_replayed() -> None:
    assert {path.stem for path in Path(__file__).parent.glob("fuzz_*.c")} == set(MUTATIONS)


@pytest.mark.parametrize("target", MUTATIONS)
def test_seeds_and_mutations(target: str, replay: Path) -> None:
    done = subprocess.run(
        [str(replay / target), str(MUTATIONS[target])],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(f"{MUTATIONS[target]} mutations: ok\n")
