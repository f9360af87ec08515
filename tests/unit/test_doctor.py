"""`elfuse doctor`: what it says is what a run does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from elfuse.errors import RunError
from elfuse.runtime.doctor import examine


def doctor(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "elfuse", "doctor", *args]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | env, check=False)


def test_the_engine_and_why() -> None:
    found = json.loads(doctor("--json", ELFUSE_ENGINE="").stdout)
    has_avx = "avx" in Path("/proc/cpuinfo").read_text().split()
    assert found["engine"] == ("jit" if has_avx else "interp")
    assert "AVX" in found["reason"] or "CPU" in found["reason"]
    assert ("avx" in found["cpuFeatures"]) == has_avx


def test_the_environment_decides(tmp_path: Path) -> None:
    said = doctor(ELFUSE_ENGINE="interp", ELFUSE_STORE=str(tmp_path), ELFUSE_CACHE_DIR="").stdout
    assert "interp (ELFUSE_ENGINE asks for it)" in said
    assert str(tmp_path) in said
    assert "not kept" in said


def test_a_launcher_that_cannot_be_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "elfuse-vm"
    broken.write_text("not a program")
    broken.chmod(0o755)
    monkeypatch.setattr("elfuse.runtime.engine.launcher_path", lambda: str(broken))
    with pytest.raises(RunError, match="install elfuse again"):
        examine()
