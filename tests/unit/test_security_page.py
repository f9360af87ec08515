"""SECURITY.md: the code and the tests that it names exist, and no row is without a test."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "SECURITY.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in TEXT.splitlines()
    if line.startswith("| ") and not line.startswith(("| --- ", "| attack"))
]
NAME = re.compile(r"`((?:tests/[\w./]+)?(?:::\w+)?)`")


def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_row_names_code_and_tests() -> None:
    assert len(ROWS) > 30
    for row in ROWS:
        assert len(row) == 3, row
        assert NAME.search(row[2]), row


def test_the_tests_exist() -> None:
    named = 0
    for row in ROWS:
        file = ""
        for name in NAME.findall(row[2]):
            path, _, function = name.partition("::")
            file = path or file  # `::test` is of the file before it
            assert (ROOT / file).is_file(), name
            if function:
                assert function in functions(ROOT / file), name
            named += 1
    assert named > 60


def test_the_code_exists() -> None:
    for row in ROWS:
        for name in re.findall(r"`((?:csrc|elfuse)/[\w./]+)`", row[1]):
            assert (ROOT / name).exists(), name
