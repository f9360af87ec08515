"""Both engines against a reference CPU, from a seed, at a count that fits every run.

The full run is `make fuzz-a64` (tests/fuzz/soak.py).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / os.environ.get("ELFUSE_TEST_MODE", "release")
REFERENCE_CPU = "max,sve=off,sme=off,pauth=off"
CASES = int(os.environ.get("ELFUSE_FUZZ_CASES", "60"))
NOTHING = "-avx2,-bmi2,-fma,-lzcnt,-aes,-pclmul,-sha,-f16c"
each_engine = pytest.mark.parametrize("engine", ["interp", "jit"])


@pytest.fixture(scope="session")
def fuzzer() -> Path:
    targets = [str(BUILD / name) for name in ("a64_diff", "a64_reference")]
    subprocess.run(["make", "-s", "-C", str(ROOT / "csrc"), f"O={BUILD}", *targets], check=True)
    return BUILD / "a64_diff"


@pytest.fixture(scope="session")
def qemu() -> list[str]:
    found = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
    assert found, "qemu-aarch64-static is missing: run scripts/ensure-packages.sh"
    return [found, "-cpu", REFERENCE_CPU, str(BUILD / "a64_reference")]


def run(fuzzer: Path, engine: str, *args: str, without: str = "") -> str:
    """without: what is taken away from the host's CPU."""
    env = {**os.environ, "ELFUSE_ENGINE": engine, "ELFUSE_JIT_CPU": without}
    result = subprocess.run([str(fuzzer), *args], capture_output=True, text=True, timeout=1200, env=env)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def table_rows() -> list[str]:
    tables = sorted(str(p) for p in (ROOT / "csrc" / "vcpu" / "a64").glob("*.tbl"))
    generator = str(ROOT / "csrc" / "vcpu" / "a64" / "gen.py")
    text = subprocess.run(
        [sys.executable, generator, "--json", *tables], check=True, capture_output=True, text=True
    )
    rows = json.loads(text.stdout)
    return [row["name"] for row in (rows["rows"] if isinstance(rows, dict) else rows)]


@each_engine
def test_every_row_agrees_with_the_reference(fuzzer: Path, qemu: list[str], engine: str) -> None:
    """Single instructions. --coverage fails when the interpreter has never executed a row of the table."""
    coverage = "yes" if engine == "interp" else "no"
    out = run(
        fuzzer, engine, "--cases", str(CASES), "--seed", "20260701", "--coverage", coverage, "--", *qemu
    )
    match = re.search(r"a64_diff: (\d+) rows, (\d+) cases, 0 differ", out)
    assert match, out
    assert int(match[1]) > 1000
    assert int(match[2]) >= CASES * int(match[1]) * 0.99


@each_engine
@pytest.mark.parametrize("flow", ["no", "yes"])
def test_blocks_agree_with_the_reference(fuzzer: Path, qemu: list[str], engine: str, flow: str) -> None:
    """State of one instruction is another's input; there may be branches, calls, returns and loops."""
    cases = str(max(CASES // 3, 1))
    args = ("--cases", cases, "--length", "1-30", "--flow", flow, "--seed", "7")
    out = run(fuzzer, engine, *args, "--", *qemu)
    assert " 0 differ" in out
    # Most of what is compared must have run to its end.
    stops = {word: int(count) for word, count in re.findall(r" (brk|segv|bus|ill|other) (\d+)", out)}
    assert stops["brk"] > sum(stops.values()) * (0.9 if flow == "yes" else 0.3)


@pytest.mark.parametrize("flow", ["no", "yes"])
def test_the_translator_agrees_on_a_host_with_nothing_but_avx(
    fuzzer: Path, qemu: list[str], flow: str
) -> None:
    length = "1-30" if flow == "yes" else "1"
    args = ("--cases", str(max(CASES // 4, 1)), "--length", length, "--flow", flow, "--seed", "13")
    assert " 0 differ" in run(fuzzer, "jit", *args, "--", *qemu, without=NOTHING)


@each_engine
def test_what_once_differed_agrees(fuzzer: Path, qemu: list[str], engine: str) -> None:
    corpus = str(ROOT / "tests" / "fuzz" / "a64_corpus.txt")
    out = run(fuzzer, engine, "--corpus", corpus, "--cases", "300", "--", *qemu)
    assert re.search(r"[1-9]\d* cases, 0 differ", out), out


def test_the_reference_program_runs_under_elfuse_too(fuzzer: Path, tmp_path: Path) -> None:
    """The same program and cases in a guest: fetch, faults, and signal frames with every register in them."""
    root = tmp_path / "root"
    root.mkdir()
    shutil.copy(BUILD / "a64_reference", root)
    spec = {
        "version": 1,
        "root": {"type": "plain", "path": str(root)},
        "mounts": [],
        "argv": ["/a64_reference"],
        "env": [],
        "cwd": "/",
        "user": {"uid": 0, "gid": 0, "groups": []},
        "hostname": "fuzz",
    }
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    launcher = str(BUILD / "elfuse-vm")
    out = run(
        fuzzer,
        "interp",
        "--cases",
        "10",
        "--seed",
        "11",
        "--",
        launcher,
        "--spec",
        str(tmp_path / "spec.json"),
    )
    assert " 0 differ" in out


def test_the_table_has_no_row_that_the_fuzzer_leaves_out_silently(fuzzer: Path) -> None:
    """a64_known.h lists what cannot be compared; it must name rows that exist, and few of them."""
    text = (ROOT / "tests" / "fuzz" / "a64_known.h").read_text()
    listed = re.findall(r'"([A-Z][A-Za-z0-9_]*)"', text.split("a64_known_skip")[0])
    names = set(table_rows())
    assert set(listed) <= names
    assert len(listed) <= 16
