"""The cases of `make apps-matrix` that pass in seconds: cases.toml says which."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.apps.conftest import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

from matrix.cases import Case, cases, run
from matrix.engines import Elfuse

TESTED = [case for case in cases().values() if case.tested]


@pytest.mark.parametrize("case", TESTED, ids=lambda case: case.name)
def test_case(case: Case, image_store: Path) -> None:
    verdict = run(Elfuse(image_store), case)
    assert verdict.passed, f"{verdict.reason}\n{verdict.outcome.output[-4000:]}"
