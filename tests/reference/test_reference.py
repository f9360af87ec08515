"""Each program of tests/guest on Linux itself: what it says there is what it says under elfuse.

One boot of Debian's arm64 kernel runs all programs that were asked for. differences.toml lists what differs.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.guest import harness
from tests.reference import machine

PROGRAMS = {program.name: program for program in harness.programs()}
DIFFERENCES: dict[str, list[dict[str, Any]]] = tomllib.loads(
    (Path(__file__).parent / "differences.toml").read_text()
)
RUNS = [n for n in PROGRAMS if all(entry.get("run", True) for entry in DIFFERENCES.get(n, []))]


@dataclass(frozen=True)
class Machine:
    boot: machine.Boot

    def result(self, name: str) -> machine.Result:
        if name not in self.boot.results:
            pytest.fail(f"the machine went down before {name}:\n{self.boot.console[-4000:]}")
        return self.boot.results[name]


@pytest.fixture(scope="session")
def linux(request: pytest.FixtureRequest) -> Machine:
    asked = {
        item.callspec.params["name"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and "linux" in item.fixturenames
    }
    return Machine(machine.run([PROGRAMS[name] for name in RUNS if name in asked]))


def unexplained(output: list[str], entries: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """Lines that no entry is about, and entries that no line needs."""
    patterns = [entry["says"] for entry in entries if "says" in entry]
    lines = [line for line in output if not any(re.search(pattern, line) for pattern in patterns)]
    idle = [pattern for pattern in patterns if not any(re.search(pattern, line) for line in output)]
    return lines, idle


@pytest.mark.parametrize("name", RUNS)
def test_program_on_linux(name: str, linux: Machine) -> None:
    program, result = PROGRAMS[name], linux.result(name)
    assert result.status != machine.UNSTARTED, f"{name} was not started:\n{linux.boot.console[-4000:]}"
    assert result.status != machine.TIMED_OUT, f"{name} took too long; it said:\n{result.stdout}"
    entries = DIFFERENCES.get(name, [])
    status = next((entry["status"] for entry in entries if "status" in entry), program.exit_status)
    if not entries:
        assert (result.stdout, result.status) == (program.expected, status), result.stderr
        return
    output = [line for line in result.stdout.splitlines() if not re.fullmatch(rf"{name}: \d+ failed", line)]
    lines, idle = unexplained(output, entries)
    assert lines == [], "not in differences.toml"
    assert idle == [], "differences.toml lists what no longer differs"
    if any("says" in entry for entry in entries):
        status = max(status, 1)  # the program counts them as failures
    assert result.status == status, result.stderr


def test_differences_are_explained() -> None:
    for name, entries in DIFFERENCES.items():
        assert name in PROGRAMS, f"differences.toml: no program {name}"
        for entry in entries:
            assert entry.get("reason"), f"differences.toml: {name}: no reason"
            kinds = [key for key in entry if key != "reason"]
            one = len(kinds) == 1 and kinds[0] in ("says", "status", "run")
            assert one, f"differences.toml: {name}: {kinds}"
