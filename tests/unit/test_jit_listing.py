"""The host code for each row of the instruction table and for some idioms is what golden/ says.

A change of the translator shows here as a diff. If it is meant, ELFUSE_UPDATE_GOLDEN=1 writes the files anew:

    ELFUSE_UPDATE_GOLDEN=1 pytest tests/unit/test_jit_listing.py
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).resolve().parent / "golden"
TABLES = ROOT / "csrc" / "vcpu" / "a64"
MODE = os.environ.get("ELFUSE_TEST_MODE", "release")
BUILD = Path(os.environ.get("ELFUSE_BUILD_DIR", ROOT / "build" / MODE))
UPDATE = os.environ.get("ELFUSE_UPDATE_GOLDEN") == "1"


@pytest.fixture(scope="session")
def program() -> Path:
    made = BUILD / "jit_listing"
    subprocess.run(["make", "-s", "-C", str(ROOT / "csrc"), f"O={BUILD}", str(made)], check=True)
    return made


def disassemble(chunks: list[tuple[int, bytes]]) -> list[list[str]]:
    """Each chunk's instructions. Jumps are within an instruction, "+n" from its code, or to cold code."""
    starts: dict[int, int] = {}
    with tempfile.NamedTemporaryFile() as file:
        at = 0
        for i, (_, data) in enumerate(chunks):
            starts[at] = i
            file.write(data)
            at += len(data)
        file.flush()
        command = ["objdump", "-D", "-b", "binary", "-m", "i386:x86-64", "-M", "intel", "--no-show-raw-insn"]
        text = subprocess.run([*command, file.name], capture_output=True, text=True, check=True).stdout
    found: list[list[str]] = [[] for _ in chunks]
    current = begin = 0
    for line in text.splitlines():
        match = re.match(r"\s*([0-9a-f]+):\s+(.*\S)", line)
        if not match:
            continue
        offset = int(match[1], 16)
        if offset in starts:
            current, begin = starts[offset], offset
        insn = re.sub(r"\s+", " ", match[2])
        jump = re.fullmatch(r"(j\w+|call) 0x([0-9a-f]+)", insn)
        if jump:
            target = int(jump[2], 16) - begin
            insn = f"{jump[1]} " + (f"+{target:#x}" if 0 <= target <= len(chunks[current][1]) else "cold")
        found[current].append(insn)
    return found


def listing(program: Path, wanted: str) -> str:
    """What jit_listing says of these lines, with its bytes disassembled."""
    text = subprocess.run([program], input=wanted, capture_output=True, text=True, check=True).stdout
    lines = text.splitlines()
    chunks = [
        (int(line.split()[1], 16), bytes.fromhex(line.split()[2]))
        for line in lines
        if line.startswith("host ")
    ]
    code = iter(disassemble(chunks))
    out: list[str] = []
    for line in lines:
        if line.startswith("= "):
            out.append(line[2:])
        elif line.startswith("host "):
            out += [f"        {insn}" for insn in next(code)]
        elif line == "interp":
            out.append("        (the interpreter)")
        else:
            out.append(f"    {line.split(' ', 1)[1]}")
    return "\n".join(out) + "\n"


def wanted_of(family: str) -> str:
    if family == "idioms":
        return (GOLDEN / "idioms.in").read_text()
    rows = re.findall(r"^(\w+)\s*\|", (TABLES / f"{family}.tbl").read_text(), re.M)
    return "".join(f"row {row}\n" for row in rows)


@pytest.mark.parametrize("family", [*sorted(path.stem for path in TABLES.glob("*.tbl")), "idioms"])
def test_listing(program: Path, family: str) -> None:
    path = GOLDEN / f"{family}.txt"
    now = listing(program, wanted_of(family))
    if UPDATE:
        path.write_text(now)
    assert now == path.read_text()
