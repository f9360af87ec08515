"""errnos/*.toml: of each served call, the errors that man-pages 6.03 documents; each is provoked by a guest
program, as --strace sees it, or has a reason there why it is not."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.guest import harness

ROWS = re.compile(r'^SYSCALL\(\d+, (\w+), "[^"]*", served, "([\w/]+)"\)$', re.M)
FAILED = re.compile(r"(?:<\.\.\. )?\b(\w+)(?:\(| resumed>).*\) += (?:-1|\?) (E[A-Z0-9]+)\b")
# One errno, two names; and what --strace, as Linux's, tells of a call that a signal interrupts.
SAME = {
    "EWOULDBLOCK": "EAGAIN",
    "EDEADLOCK": "EDEADLK",
    "ENOTSUP": "EOPNOTSUPP",
    "ERESTARTSYS": "EINTR",
    "ERESTARTNOINTR": "EINTR",
    "ERESTARTNOHAND": "EINTR",
    "ERESTART_RESTARTBLOCK": "EINTR",
}
# Traced the first four take minutes; the last one fails at random, and none in a way that is theirs alone.
NOT_TRACED = {"limits", "litmus", "storm", "tree_stress", "hostile_calls"}


def served() -> set[str]:
    return {name for name, _ in ROWS.findall((harness.ROOT / "csrc/linux/syscalls.def").read_text())}


def documented() -> dict[str, dict[str, Any]]:
    calls: dict[str, dict[str, Any]] = {}
    for path in sorted((harness.SOURCES / "errnos").glob("*.toml")):
        for name, call in tomllib.loads(path.read_text()).items():
            assert name not in calls, f"{path.name}: {name} is there twice"
            calls[name] = call
    return calls


def failures(program: harness.Program) -> set[tuple[str, str]]:
    """The calls and errnos of a run of the program."""
    root = harness.GuestRoot("plain" if "plain" in program.roots else program.roots[0])
    try:
        root.install(harness.build(program), f"/bin/{program.name}")
        user = {"uid": program.uid, "gid": program.uid, "groups": []}
        spec = harness.spec_for(root, [f"/bin/{program.name}", *program.args], user=user, strace=True)
        text = harness.run_spec(spec, stdin=program.stdin).stderr
    finally:
        root.remove()
    return {(call, SAME.get(errno, errno)) for call, errno in FAILED.findall(text)}


@pytest.fixture(scope="module")
def provoked() -> Iterator[set[tuple[str, str]]]:
    programs = [program for program in harness.programs() if program.name not in NOT_TRACED]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        yield set[tuple[str, str]]().union(*pool.map(failures, programs))


def test_each_served_call_is_there() -> None:
    assert set(documented()) == served()


def test_each_reason_is_one() -> None:
    for name, call in documented().items():
        assert call.keys() <= {"documented", "untested"}, name
        for errno, reason in call.get("untested", {}).items():
            assert errno in call["documented"], f"{name}: {errno} is not documented"
            assert len(reason) > 15, f"{name}: {errno} has no reason"


def test_each_documented_errno_is_provoked(provoked: set[tuple[str, str]]) -> None:
    missing = [
        f"{name}: {errno}"
        for name, call in documented().items()
        for errno in call["documented"]
        if errno not in call.get("untested", {}) and (name, SAME.get(errno, errno)) not in provoked
    ]
    assert not missing, ", ".join(missing)
