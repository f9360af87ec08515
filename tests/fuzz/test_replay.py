"""The fuzz targets, sanitized: their seeds, mutations of them, and what libFuzzer found to be worth keeping.

Every run does the same ones. `make fuzz` searches for new ones with libFuzzer.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.fuzz import corpus

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "replay"
MUTATIONS = {
    "fuzz_decode": 1500,
    "fuzz_elf": 20000,
    "fuzz_layer": 4000,
    "fuzz_pax": 20000,
    "fuzz_spec": 20000,
    "fuzz_stream": 3000,
    "fuzz_tar": 10000,
}


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


@pytest.mark.parametrize("path", sorted(corpus.FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_corpus(path: Path, replay: Path, tmp_path: Path) -> None:
    inputs = corpus.unpack(path.stem, tmp_path)
    assert inputs
    done = subprocess.run(
        [str(replay / path.stem), "--input", *map(str, inputs)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == f"{len(inputs)} files: ok\n"


def test_corpora_are_of_targets_and_hold_nothing_twice(tmp_path: Path) -> None:
    names = {path.stem for path in corpus.FOLDER.glob("*.txt")}
    assert {"fuzz_layer", "fuzz_pax", "fuzz_stream", "fuzz_tar"} <= names <= set(MUTATIONS)
    for name in names:
        (tmp_path / name).mkdir()
        inputs = corpus.unpack(name, tmp_path / name)
        assert len({path.read_bytes() for path in inputs}) == len(inputs)
