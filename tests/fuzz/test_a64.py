"""The instruction set against a reference CPU, from a seed, at a count that fits every run.

The full run is `make fuzz-a64` (2,000 cases a row).
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


def run(fuzzer: Path, *args: str) -> str:
    result = subprocess.run([str(fuzzer), *args], capture_output=True, text=True, timeout=1200)
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


def test_every_row_agrees_with_the_reference(fuzzer: Path, qemu: list[str]) -> None:
    """Single instructions. --coverage fails when a row of the table was never executed."""
    out = run(fuzzer, "--cases", str(CASES), "--seed", "20260701", "--coverage", "yes", "--", *qemu)
    match = re.search(r"a64_diff: (\d+) rows, (\d+) cases, 0 differ", out)
    assert match, out
    assert int(match[1]) > 1000
    assert int(match[2]) >= CASES * int(match[1]) * 0.99


def test_blocks_agree_with_the_reference(fuzzer: Path, qemu: list[str]) -> None:
    """Short blocks, so that flags, FPSR and memory of one instruction are another's input."""
    out = run(fuzzer, "--cases", str(max(CASES // 3, 1)), "--length", "5", "--seed", "7", "--", *qemu)
    assert " 0 differ" in out


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
    out = run(fuzzer, "--cases", "10", "--seed", "11", "--", launcher, "--spec", str(tmp_path / "spec.json"))
    assert " 0 differ" in out


def test_the_table_has_no_row_that_the_fuzzer_leaves_out_silently(fuzzer: Path) -> None:
    """a64_known.h lists what cannot be compared; it must name rows that exist, and few of them."""
    text = (ROOT / "tests" / "fuzz" / "a64_known.h").read_text()
    listed = re.findall(r'"([A-Z][A-Za-z0-9_]*)"', text.split("a64_known_skip")[0])
    names = set(table_rows())
    assert set(listed) <= names
    assert len(listed) <= 16
