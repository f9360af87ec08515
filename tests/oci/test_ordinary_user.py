"""The same without privilege: everything above also works for an ordinary user. Needs root to become one."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tests.oci.conftest import Registry
from tests.oci.images import sample

NOBODY = 65534
SITE = str(Path(click.__file__).parents[1])
ROOT = str(Path(__file__).parents[2])


def interpreter() -> str | None:
    """A Python that an ordinary user can start and that finds our libraries."""
    for candidate in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        try:
            command = [candidate, "-c", "import elfuse.oci.http, click, elfuse._core"]
            done = subprocess.run(
                command, user=NOBODY, group=NOBODY, extra_groups=[], env=environment("/"), capture_output=True
            )
        except OSError:
            continue
        if done.returncode == 0:
            return candidate
    return None


def environment(home: str, **more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{SITE}", "HOME": home, **more}


@pytest.mark.skipif(os.geteuid() != 0, reason="already an ordinary user")
def test_everything_as_an_ordinary_user(registry: Registry, tmp_path: Path) -> None:
    python = interpreter()
    if python is None:
        pytest.skip("no interpreter that an ordinary user may start")
    ref = registry.push("user:1", sample(b"no privilege\n"))
    home = Path(f"/tmp/elfuse-test-{os.getpid()}")  # pytest's own directories are root's alone
    home.mkdir(mode=0o700)
    os.chown(home, NOBODY, NOBODY)
    (home / "ca.crt").write_bytes(registry.ca.read_bytes())
    env = environment(str(home), SSL_CERT_FILE=str(home / "ca.crt"))

    def run(*words: str) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            [python, "-m", "elfuse", *words],
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            env=env,
            cwd=home,
            capture_output=True,
            timeout=120,
        )

    try:
        pulled = run("oci", "pull", "-q", ref)
        assert pulled.returncode == 0, pulled.stderr
        assert (home / ".local/share/elfuse/store/oci-layout").exists()
        tree = run("oci", "unpack", ref, str(home / "tree"))
        assert tree.returncode == 0, tree.stderr
        assert (home / "tree/srv/app/data").stat().st_size == 5000
        done = run("oci", "run", ref)
        assert (done.returncode, done.stdout) == (0, b"no privilege\n"), done.stderr
        assert run("oci", "run", "--entrypoint", "exit7", ref).returncode == 7
    finally:
        subprocess.run(["rm", "-rf", str(home)], check=True)
