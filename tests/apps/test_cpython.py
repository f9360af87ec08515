"""CPython's own tests under elfuse: cpython.toml lists the modules."""

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
            started[module] = pool.submit(run_image, "python", *REGRTEST, module, timeout=900)
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
