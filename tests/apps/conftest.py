"""The fixture images in a store, and the command as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / ".cache" / "images"

ImageCommand = Callable[..., list[str]]
RunImage = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def image_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that holds the fixture images, unpacked once for all these tests."""
    assert (IMAGES / "index.json").is_file(), "no fixture images: run `make images`"
    store = tmp_path_factory.mktemp("apps") / "store"
    env = {**os.environ, "ELFUSE_STORE": str(store), "PYTHONPATH": str(ROOT)}
    for name in (
        "python",
        "busybox",
        "programs",
    ):  # here, so that no run has pull's progress among its output
        command = [sys.executable, "-m", "elfuse", "oci", "pull", f"oci:{IMAGES}:{name}"]
        subprocess.run(command, env=env, check=True, capture_output=True, timeout=600)
    return store


@pytest.fixture(scope="session")
def image_command(image_store: Path) -> ImageCommand:
    """image_command("python", "python3", "-c", ...): the words of `elfuse oci run` of a fixture image."""

    def command(name: str, *words: str, options: tuple[str, ...] = ()) -> list[str]:
        here = ["env", f"ELFUSE_STORE={image_store}", f"PYTHONPATH={ROOT}", sys.executable, "-m", "elfuse"]
        return [*here, "oci", "run", *options, f"oci:{IMAGES}:{name}", *words]

    return command


@pytest.fixture(scope="session")
def run_image(image_command: ImageCommand) -> RunImage:
    """The same, run, its output captured."""

    def run(
        name: str,
        *words: str,
        options: tuple[str, ...] = (),
        stdin: str = "",
        timeout: float = 300,
    ) -> subprocess.CompletedProcess[str]:
        command = image_command(name, *words, options=("-i", *options))
        return subprocess.run(
            command, capture_output=True, text=True, input=stdin, timeout=timeout, check=False
        )

    return run
