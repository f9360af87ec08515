"""The host's overlayfs for an ordinary user: mounted without privilege, and what it leaves can be removed."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.guest.harness import ORDINARY, why_no_kernel_overlay
from tests.oci.images import sample, write_layout
from tests.oci.test_ordinary_user import environment, interpreter


@pytest.mark.skipif(os.geteuid() != 0, reason="already an ordinary user")
def test_overlay_as_an_ordinary_user() -> None:
    python = interpreter()
    if python is None:
        pytest.skip("no interpreter that an ordinary user may start")
    if why := why_no_kernel_overlay(ORDINARY):
        pytest.skip(why)
    with tempfile.TemporaryDirectory(prefix="elfuse-user-", dir="/tmp") as directory:
        home = Path(directory)  # pytest's own directories are root's alone
        write_layout(home / "layout", {"latest": [sample()]})
        subprocess.run(["chown", "-R", f"{ORDINARY}:{ORDINARY}", str(home)], check=True)

        def elfuse(*words: str) -> str:
            done = subprocess.run(
                [python, "-m", "elfuse", "oci", *words],
                user=ORDINARY,
                group=ORDINARY,
                extra_groups=[],
                env=environment(str(home), ELFUSE_SNAPSHOT="overlay", ELFUSE_STORE=str(home / "store")),
                cwd=home,
                capture_output=True,
                text=True,
                timeout=120,
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        image = f"oci:{home}/layout:latest"
        elfuse("pull", "-q", image)
        assert elfuse("run", "-q", image) == "hello\n"
        assert elfuse("run", "-q", "--keep", "--name", "kept", "-w", "/made/here", image) == "hello\n"
        assert (home / "store/runs/kept/upper/made/here").is_dir()
        state = json.loads(elfuse("status", "--json"))
        assert state["snapshotStrategy"] == "overlay" and state["totals"]["runBytes"] > 0
        elfuse("rm", "--run", "kept")
        elfuse("prune", "--commit")
        assert os.listdir(home / "store/trash") == [] and os.listdir(home / "store/runs") == []
