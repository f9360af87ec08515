"""CPython's own tests under elfuse: cpython.toml lists the modules, and each case left out with its reason."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.apps.conftest import RunImage

LIST = tomllib.loads((Path(__file__).parent / "cpython.toml").read_text())


@pytest.mark.parametrize("module", sorted(LIST["modules"]))
def test_module(module: str, run_image: RunImage) -> None:
    left_out = LIST["modules"][module].get("left_out", {})
    ignore = [word for pattern in left_out for word in ("--ignore", pattern)]
    done = run_image("python", "python3", "-m", "test", "-v", *ignore, module, timeout=900)
    report = done.stdout + done.stderr
    assert done.returncode == 0, report[-6000:]
    ran = re.search(r"^Ran (\d+) tests? in", report, re.M)
    assert ran and int(ran[1]) > 0, report[-3000:]


def test_every_case_left_out_has_a_reason() -> None:
    for module, entry in LIST["modules"].items():
        for pattern, reason in entry.get("left_out", {}).items():
            assert len(reason) > 15, (module, pattern)
