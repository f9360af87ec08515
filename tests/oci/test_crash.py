"""kill -9 at any moment: the store opens, serves what it served before, and the next pull succeeds."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import elfuse as api
from elfuse.oci.layout import Store
from tests.oci.conftest import Registry, assert_store_is_sound, blobs
from tests.oci.images import AMD64, Image, sample, sha256, tar, write_layout

ROUNDS = 12


@pytest.mark.parametrize("seed", [int(os.environ.get("ELFUSE_CRASH_SEED", "20261124"))])
def test_killed_pulls_and_unpacks(registry: Registry, store_path: Path, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    kept = registry.push("crash/kept:1", sample())
    api.pull(kept)
    api.unpack(kept)
    image = Image([tar([(f"noise{i}", os.urandom(2 << 20))]) for i in range(4)])
    ref = registry.push("crash/victim:1", image)
    code = f"import elfuse; elfuse.pull({ref!r}); elfuse.unpack({ref!r}); print('done')"
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", code], check=True, env=_env(tmp_path / "timing"))
    whole = time.monotonic() - started
    for _ in range(ROUNDS):
        victim = subprocess.Popen(
            [sys.executable, "-c", code], env=_env(store_path), stdout=subprocess.DEVNULL
        )
        time.sleep(chance.uniform(0.1, 1.0) * whole)
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        assert_serves(store_path, kept)
    assert api.pull(ref).digest == sha256(image.raw)
    assert sorted(os.listdir(api.unpack(ref))) == [f"noise{i}" for i in range(4)]
    Store.open().sweep()
    for name in ("tmp", "trash", "runs"):
        assert os.listdir(store_path / name) == [], name


def assert_serves(store_path: Path, kept: str) -> None:
    """What was there still is, and what is new is whole."""
    assert_store_is_sound(store_path)
    assert api.inspect(kept).unpacked
    for pin in Store.open().pins():
        api.inspect(pin.name)
    for stack in os.listdir(store_path / "stacks/sha256"):
        tree = store_path / "stacks/sha256" / stack / "rootfs"
        assert len(os.listdir(tree)) == (4 if (tree / "noise0").exists() else 3)


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("failing") / "failing.so"
    source = Path(__file__).with_name("failing.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-w", "-o", library, source, "-ldl"], check=True)
    return library


@pytest.fixture
def quick_disk(tmp_path: Path) -> Iterator[Path]:
    """In memory, where there is a place for that: some thousand fsyncs are not what is looked at."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    path = memory / f"elfuse-test-{os.getpid()}"
    path.mkdir()
    try:
        yield path
    finally:
        shutil.rmtree(path)


# What each must at least come to, so that a library that is not preloaded is no success.
STEPS = {
    ("pull", "crash"): 100,
    ("pull", "EIO"): 100,
    ("pull", "ENOSPC"): 20,
    ("pull", "EMFILE"): 20,
    ("prune", "crash"): 100,
    ("prune", "EIO"): 100,
    ("prune", "ENOSPC"): 10,
    ("prune", "EMFILE"): 20,
}


@pytest.mark.parametrize(("operation", "mode"), list(STEPS))
def test_failure_at_every_step_on_disk(failing: Path, quick_disk: Path, operation: str, mode: str) -> None:
    """Every call on a file of the store, in Python and in C, in a pull with its unpacking, and in a prune."""
    images = {
        "kept": [Image([tar([("kept", b"x")])])],
        "victim": [Image([tar([("victim", b"x")])], platform=AMD64), Image([tar([("d/victim", b"y")])])],
    }
    layout = write_layout(quick_disk / "layout", images)
    command = [sys.executable, "-m", "tests.oci.steps", str(failing), operation, mode, str(quick_disk)]
    done = subprocess.run(
        [*command, str(layout)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "LD_PRELOAD": str(failing)},
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr.decode()[-4000:]
    assert int(done.stdout) >= STEPS[operation, mode]


def of_many(
    what: str, work: Path, seed: int, amount: int, timeout: float
) -> "subprocess.CompletedProcess[str]":
    noise = [tar([(f"noise{i}", os.urandom(100_000))]) for i in range(3)]
    victim = sample()
    layout = write_layout(
        work / "layout", {"kept": [sample()], "victim": [Image([*victim.layers, *noise], victim.config)]}
    )
    command = [sys.executable, "-m", "tests.oci.kills", what, str(work / "store"), str(layout)]
    return subprocess.run(
        [*command, str(seed), str(amount)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONWARNINGS": "default"},
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def test_two_hundred_kills(quick_disk: Path) -> None:
    """Of pulls, unpacks, runs and prunes, one process after the other on one store."""
    seed = int(os.environ.get("ELFUSE_CRASH_SEED", "20261124"))
    done = of_many("kill", quick_disk, seed, int(os.environ.get("ELFUSE_KILLS", "200")), 600)
    assert done.returncode == 0, f"seed {seed}: {done.stderr[-4000:]}"
    hits = json.loads(done.stdout)
    assert all(hits.get(operation, 0) > 0 for operation in ("pull", "unpack", "run", "prune")), hits


def test_eight_processes_on_one_store(quick_disk: Path) -> None:
    seconds = int(os.environ.get("ELFUSE_MANY_SECONDS", "8"))
    done = of_many("many", quick_disk, 1, seconds, seconds * 10 + 120)
    assert done.returncode == 0, done.stderr[-4000:]
    counted = json.loads(done.stdout)
    assert all(counted.get(operation, 0) > 0 for operation in ("pull", "run", "prune")), counted


def test_two_pulls_of_one_image_at_once_fetch_it_once(registry: Registry, store_path: Path) -> None:
    image = Image([tar([(f"n{i}", os.urandom(1 << 20))]) for i in range(6)])
    ref = registry.push("crash/both:1", image)
    code = f"import elfuse; elfuse.pull({ref!r}); elfuse.unpack({ref!r})"
    both = [subprocess.Popen([sys.executable, "-c", code], env=_env(store_path)) for _ in range(3)]
    assert [process.wait(60) for process in both] == [0, 0, 0]
    assert len(blobs(store_path)) == 8
    assert [name for name in os.listdir(store_path / "tmp") if not name.endswith(".lock")] == []


def _env(store: Path) -> dict[str, str]:
    root = str(Path(__file__).parents[2])
    return {**os.environ, "ELFUSE_STORE": str(store), "PYTHONPATH": root}
