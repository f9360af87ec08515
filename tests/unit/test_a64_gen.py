"""The generator of the instruction table: what it refuses, and that what it emits is the same every time."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

GEN = Path(__file__).parents[2] / "csrc" / "vcpu" / "a64" / "gen.py"
TABLES = sorted(GEN.parent.glob("*.tbl"))


def gen(*args: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, GEN, *args], capture_output=True, text=True, check=False)


def table(tmp_path: Path, *rows: str) -> subprocess.CompletedProcess[str]:
    path = tmp_path / "t.tbl"
    path.write_text("# a comment\n\n" + "\n".join(rows) + "\n")
    return gen("--json", path)


def test_specific_row_wins_over_general(tmp_path: Path) -> None:
    done = table(
        tmp_path,
        "A | 0000 imm:23 Rd:5 | base | pre_a | a",
        "B | 0000 imm:23 11111 | base | pre_b | b",
    )
    assert done.returncode == 0, done.stderr
    assert [row["name"] for row in json.loads(done.stdout)] == ["A", "B"]


def test_constraints_part_rows(tmp_path: Path) -> None:
    done = table(
        tmp_path,
        "A | 0000 size:2{0,1} imm:26 | base | pre_a | a",
        "B | 0000 size:2{2-3} imm:26 | base | pre_b | b",
    )
    assert done.returncode == 0, done.stderr
    assert [row["fields"][0]["allowed"] for row in json.loads(done.stdout)] == [[0, 1], [2, 3]]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["A | 00x0 imm:28 | base | pre_a | a", "B | 000x imm:28 | base | pre_b | b"], "A"),
        (["A | 0000 imm:28 | base | pre_a | a", "B | 0000 imm:28 | base | pre_b | b"], "B and A"),
        (
            ["A | 0000 size:2{!0} x:26 | base | pre_a | a", "B | 0000 size:2{0,1} x:26 | base | pre_b | b"],
            "A",
        ),
        (["A | 0000 imm:27 | base | pre_a | a"], "31 bits"),
        (["A | 0000 imm:29 | base | pre_a | a"], "bits"),
        (["A | 0000 imm:14 imm:14 | base | pre_a | a"], "twice"),
        (["A | 0000 imm:28 | base | pre_a | a", "A | 0001 imm:28 | base | pre_a | a"], "already"),
        (["A | 0000 imm:28 | new | pre_a | a"], "feature"),
        (["A | 0000 imm:28 | base | a | a"], "pre_"),
        (["A | 0000 imm:28 | base | pre_a"], "columns"),
        (["A | 0000 size:2{4} imm:26 | base | pre_a | a"], "fit"),
        (["A | 0000 size:2{0-3} ?:26 | base | pre_a | a"], "read"),
        (["A | 0000 imm:28 | base | pre_a | a {X:Rd}"], "{X:Rd}"),
        (["A | 0000 imm:28 | base | pre_a | a {nonsense}"], "{nonsense}"),
    ],
)
def test_refuses(tmp_path: Path, rows: list[str], says: str) -> None:
    done = table(tmp_path, *rows)
    assert done.returncode == 1
    assert done.stdout == ""
    assert says in done.stderr


def test_real_tables_are_reproducible(tmp_path: Path) -> None:
    for name in ("one", "two"):
        done = gen("--out", tmp_path / name, *TABLES)
        assert done.returncode == 0, done.stderr
    for name in ("a64_gen.h", "a64_gen.c"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
