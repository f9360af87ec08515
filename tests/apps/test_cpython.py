"""CPython's own tests under elfuse: cpython.toml lists the modules, and each case left out and why."""

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


def test_cases_left_out_fail_for_that_reason(run_image: RunImage) -> None:
    """Each case that the list leaves out still fails, because a child process is refused."""
    modules = {name: entry["left_out"] for name, entry in LIST["modules"].items() if "left_out" in entry}
    cases = {case: reason for left_out in modules.values() for case, reason in left_out.items()}
    only = [word for case in cases for word in ("--match", case)]
    done = run_image("python", "python3", "-m", "test", "-v", *only, *modules, timeout=900)
    failures = re.split(r"^={70}$", done.stdout + done.stderr, flags=re.M)
    for case, reason in cases.items():
        assert re.search(r"\bstarts\b|\bforks\b", reason), case
        refused = [part for part in failures if f"({case})" in part and "[Errno 38]" in part]
        assert refused, f"{case} is left out, but is not refused a child process"
