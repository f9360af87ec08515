"""A run with "init": true: process 1 passes signals on, reaps orphans and ends as the program does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator

import pytest

from tests.guest import harness

PROGRAM = harness.Program("below_init", harness.HELPERS / "below_init.c")


@pytest.fixture
def root() -> Iterator[harness.GuestRoot]:
    made = harness.GuestRoot("plain")
    made.install(harness.build(PROGRAM), "/bin/below_init")
    yield made
    made.remove()


def run(root: harness.GuestRoot, *words: str) -> subprocess.CompletedProcess[str]:
    return harness.run_spec(harness.spec_for(root, ["below_init", *words], init=True))


def test_orphans_are_adopted_and_reaped(root: harness.GuestRoot) -> None:
    done = run(root, "orphan")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(("words", "status"), [(["status", "0"], 0), (["status", "7"], 7), (["abort"], 134)])
def test_ends_as_the_program_does(root: harness.GuestRoot, words: list[str], status: int) -> None:
    done = run(root, *words)
    assert (done.returncode, done.stderr) == (status, "")


def test_the_end_of_the_program_is_that_of_all(root: harness.GuestRoot) -> None:
    assert run(root, "last").returncode == 0


def test_a_program_that_is_not_there(root: harness.GuestRoot) -> None:
    done = harness.run_spec(harness.spec_for(root, ["nothing"], init=True))
    assert done.returncode == 127 and "nothing" in done.stderr and len(done.stderr.splitlines()) == 1


def test_signals_are_passed_on(root: harness.GuestRoot) -> None:
    spec = harness.spec_for(root, ["below_init", "signal"], init=True)
    with tempfile.TemporaryFile() as file:
        file.write(json.dumps(spec).encode())
        file.seek(0)
        process = subprocess.Popen(
            [harness.vm_path(), "--spec-fd", str(file.fileno())],
            pass_fds=[file.fileno()],
            stdout=subprocess.PIPE,
            env={**os.environ},
        )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == b"terminated\n"
        assert process.wait(30) == 3
