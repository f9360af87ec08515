"""A root that the host's overlayfs merges: what its layers may be called, and where things in it are."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guest import harness

HELLO = harness.Program("hello", harness.SOURCES / "hello.c")
WHERE = harness.Program("where", harness.HELPERS / "where.c")
USERS = [None, harness.ORDINARY] if os.geteuid() == 0 else [None]


@pytest.fixture(params=USERS)
def root(request: pytest.FixtureRequest) -> Iterator[harness.GuestRoot]:
    if why := harness.why_no_kernel_overlay(request.param):
        pytest.skip(why)
    made = harness.GuestRoot("kernel", request.param)
    yield made
    made.remove()


def test_many_layers_of_odd_names(root: harness.GuestRoot) -> None:
    """Names that mean something to mount(2), and more of them than fit a string of fsconfig(2)."""
    root.install(harness.build(HELLO), "/bin/hello")
    layers = [root.top / "layers" / f"a:b,c=\\{'n' * 200}{number}" for number in range(126)]
    for number, layer in enumerate(layers):
        (layer / "etc").mkdir(parents=True)
        (layer / "etc/who").write_text(f"{number}\n")
    root.give_away()
    spec = harness.spec_for(root, ["hello"])
    spec["root"]["lower"] = [*map(str, layers), str(root.tree)]
    done = harness.run_spec(spec, as_user=root.owner)
    assert (done.returncode, done.stderr) == (0, "")
    spec["root"]["lower"].append(str(root.tree))
    done = harness.run_spec(spec, as_user=root.owner)
    assert done.returncode == 125 and "overlay root" in done.stderr


def test_what_cannot_be_mounted(root: harness.GuestRoot) -> None:
    spec = harness.spec_for(root, ["hello"])
    spec["root"]["lower"] = ["/absent"]
    done = harness.run_spec(spec, as_user=root.owner)
    assert done.returncode == 125 and len(done.stderr.splitlines()) == 1
    for word in ("overlay root", "/absent", "error 2", "ELFUSE_SNAPSHOT=runtime"):
        assert word in done.stderr


def test_paths_that_the_host_has_too(root: harness.GuestRoot) -> None:
    """/ro shows a directory of the host's whose path there is another directory's here: a file is named by
    where it is, and not by what the host calls it."""
    root.install(harness.build(WHERE), "/bin/where")
    same = str(root.top / "ro")
    shutil.copytree(root.top / "ro", root.tree / same.lstrip("/"))
    root.give_away()
    words = ["where", same, "file", f"{same}/file", "/ro/file", "/ro/dir", "dir"]
    done = harness.run_spec(harness.spec_for(root, words), as_user=root.owner)
    assert (done.returncode, done.stderr) == (0, "")
    names = [same, f"{same}/file", f"{same}/file", "/ro/file", "/ro/dir", f"{same}/dir"]
    assert done.stdout.splitlines() == names


def test_nothing_is_left_mounted(root: harness.GuestRoot) -> None:
    root.install(harness.build(HELLO), "/bin/hello")
    assert harness.run_spec(harness.spec_for(root, ["hello"]), as_user=root.owner).returncode == 0
    assert str(root.top) not in Path("/proc/self/mountinfo").read_text()
    assert (root.top / "upper/dev/shm").is_dir()
