"""Each program of this folder, on every kind of root, and under the reference where it says so."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.guest import harness

PROGRAMS = {program.name: program for program in harness.programs()}
ROOTS = ["plain", "overlay", "kernel"]
KINDS = [*ROOTS, *(f"{kind}-ordinary" for kind in ROOTS if os.geteuid() == 0)]


@pytest.fixture
def root(request: pytest.FixtureRequest) -> Iterator[harness.GuestRoot]:
    kind, _, ordinary = request.param.partition("-")
    owner = harness.ORDINARY if ordinary else None
    if kind == "kernel" and (why := harness.why_no_kernel_overlay(owner)):
        pytest.skip(why)
    made = harness.GuestRoot(kind, owner)
    yield made
    made.remove()


@pytest.mark.parametrize("root", KINDS, indirect=True)
@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str, root: harness.GuestRoot) -> None:
    program = PROGRAMS[name]
    if root.kind not in program.roots:
        pytest.skip(f"{name} is for {program.options['roots']} roots")
    root.install(harness.build(program), f"/bin/{name}")
    user = {"uid": program.uid, "gid": program.uid, "groups": []}
    spec = harness.spec_for(root, [f"/bin/{name}", *program.args], user=user)
    done = harness.run_spec(spec, stdin=program.stdin, as_user=root.owner)
    assert (done.stdout, done.returncode) == (program.expected, program.exit_status), done.stderr


@pytest.mark.parametrize("name", [n for n, p in PROGRAMS.items() if p.options.get("reference") == "qemu"])
def test_program_on_reference(name: str) -> None:
    program = PROGRAMS[name]
    done = harness.run_reference(program)
    status = done.returncode if done.returncode >= 0 else 128 - done.returncode
    assert (done.stdout, status) == (program.expected, program.exit_status), done.stderr
