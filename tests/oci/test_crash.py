"""kill -9 at any moment: the store opens, serves what it served before, and the next pull succeeds."""

import os
import random
import signal
import subprocess
import sys
import time
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


@pytest.mark.parametrize("mode", ["crash", "error"])
def test_failure_at_every_step_on_disk(tmp_path: Path, mode: str) -> None:
    images = {"kept": [sample()], "victim": [sample(b"another\n", platform=AMD64), sample(b"other\n")]}
    layout = write_layout(tmp_path / "layout", images)
    command = [sys.executable, "-m", "tests.oci.steps", mode, str(tmp_path), str(layout)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    assert int(done.stdout) >= 20


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
