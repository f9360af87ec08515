"""docs/man and docs/json are what the commands say of themselves now: `make docs` writes them."""

import runpy
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
PAGES: dict[str, str] = runpy.run_path(str(TOP / "scripts/docs.py"))["pages"]()


@pytest.mark.parametrize("name", PAGES)
def test_page_is_current(name: str) -> None:
    path = TOP / "docs" / name
    assert path.exists() and path.read_text() == PAGES[name], f"{name} is out of date: make docs"


def test_nothing_else_is_there() -> None:
    for folder in ("man", "json"):
        assert {f"{folder}/{path.name}" for path in (TOP / "docs" / folder).iterdir()} <= PAGES.keys()


@pytest.mark.parametrize("name", [name for name in PAGES if name.startswith("man/elfuse-")])
def test_every_command_has_an_example(name: str) -> None:
    assert "## Example" in PAGES[name] or "## Commands" in PAGES[name]
