"""CPython's own tests under elfuse: cpython.toml lists the modules, and each case left out and why."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.apps.conftest import RunImage

# One stream, so that what a case prints on standard error stands beside its name.
REGRTEST = ("sh", "-c", 'exec "$@" 2>&1', "sh", "python3", "-m", "test", "-v")

LIST = tomllib.loads((Path(__file__).parent / "cpython.toml").read_text())


@pytest.mark.parametrize("module", sorted(LIST["modules"]))
def test_module(module: str, run_image: RunImage) -> None:
    left_out = LIST["modules"][module].get("left_out", {})
    ignore = [word for pattern in left_out for word in ("--ignore", pattern)]
    done = run_image("python", *REGRTEST, *ignore, module, timeout=900)
    report = done.stdout
    failed = re.findall(r"^={70}\n(?:FAIL|ERROR): .*?(?=^={70}|^-{70}\nRan )", report, re.M | re.S)
    assert done.returncode == 0, "\n".join(failed)[:6000] or report[-6000:]
    ran = re.search(r"^Ran (\d+) tests? in", report, re.M)
    assert ran and int(ran[1]) > 0, report[-3000:]


def test_cases_left_out_fail_for_that_reason(run_image: RunImage) -> None:
    """Each case that the list leaves out is still refused a child process, also in threads."""
    modules = {name: entry["left_out"] for name, entry in LIST["modules"].items() if "left_out" in entry}
    cases = {case: reason for left_out in modules.values() for case, reason in left_out.items()}
    only = [word for case in cases for word in ("--match", case)]
    done = run_image("python", *REGRTEST, *only, *modules, timeout=900)
    reports = re.split(r"^={70}$|^(?=\w+ \(test\.)", done.stdout, flags=re.M)
    for case, reason in cases.items():
        assert re.search(r"\bstarts\b|\bforks\b", reason), case
        refused = [part for part in reports if f"({case})" in part and "[Errno 38]" in part]
        assert refused, f"{case} is left out, but is not refused a child process"
