"""CPython's own tests under elfuse: cpython.toml lists the modules, and each case left out and why."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.apps.conftest import RunImage

# One stream, so that what a case prints on standard error stands beside its name.
REGRTEST = ("sh", "-c", 'exec "$@" 2>&1', "sh", "python3", "-m", "test", "-v")

LIST = tomllib.loads((Path(__file__).parent / "cpython.toml").read_text())


Runs = dict[str, "Future[CompletedProcess[str]]"]


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest, run_image: RunImage) -> Iterator[Runs]:
    """The selected modules, started at once, as many at a time as there are processors."""
    chosen = [
        item.callspec.params["module"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.originalname == test_module.__name__
    ]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        started: Runs = {}
        for module in chosen:
            ignore = [
                word for case in LIST["modules"][module].get("left_out", {}) for word in ("--ignore", case)
            ]
            started[module] = pool.submit(run_image, "python", *REGRTEST, *ignore, module, timeout=900)
        yield started
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("module", LIST["modules"])
def test_module(module: str, runs: Runs) -> None:
    done = runs[module].result()
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
