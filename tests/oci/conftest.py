"""A real registry (Debian's docker-registry) over real TLS, and a store of its own for each test."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.oci.images import Image, sha256, write_layout
from tests.oci.served import certificates, docker_registry


@dataclass(frozen=True)
class Registry:
    """A running registry. `push` gives the reference that was pushed."""

    address: str
    ca: Path
    certs: Path
    work: Path

    def push(self, name: str, *images: Image) -> str:
        layout = write_layout(self.work / name.replace("/", "_").replace(":", "_"), {"x": list(images)})
        reference = f"{self.address}/{name}"
        command = ["skopeo", "copy", "-q", "--all", "--dest-cert-dir", str(self.certs)]
        subprocess.run([*command, f"oci:{layout}:x", f"docker://{reference}"], check=True)
        return reference


@pytest.fixture(scope="session")
def tls_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    work = tmp_path_factory.mktemp("registry")
    made = certificates(work)
    with docker_registry(work, made) as address:
        yield Registry(address, made.ca, made.ca.parent, work)


@pytest.fixture
def registry(tls_registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The registry, its CA trusted by this test."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tls_registry.ca))
    return tls_registry


@pytest.fixture
def store_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "store"
    monkeypatch.setenv("ELFUSE_STORE", str(path))
    return path


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


@pytest.fixture
def elfuse(store_path: Path) -> Callable[..., Result]:
    """The command as a user runs it: a process of its own, in a directory that is not the project's."""

    def run(*words: str, **env: str) -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "elfuse", *words],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **env},
            cwd=store_path.parent,
            timeout=120,
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


def blobs(store: Path) -> set[str]:
    directory = store / "blobs" / "sha256"
    return {path.name for path in directory.iterdir()} if directory.exists() else set()


def assert_clean(store: Path) -> None:
    """Nothing half-written, nothing pinned."""
    assert '"manifests": []' in (store / "index.json").read_text()
    assert [path for path in (store / "tmp").iterdir() if path.suffix != ".lock"] == []
    assert list((store / "runs").iterdir()) == []


def assert_store_is_sound(store: Path) -> None:
    """Every blob has the content that its name says, every pin all its blobs, every tree its files."""
    for name in blobs(store):
        assert sha256((store / "blobs/sha256" / name).read_bytes()) == f"sha256:{name}"
    for entry in json.loads((store / "index.json").read_text())["manifests"]:
        manifest = json.loads((store / "blobs/sha256" / entry["digest"][7:]).read_text())
        for blob in [manifest["config"], *manifest["layers"]]:
            assert (store / "blobs/sha256" / blob["digest"][7:]).stat().st_size == blob["size"]
    for stack in os.listdir(store / "stacks/sha256"):
        assert os.listdir(store / "stacks/sha256" / stack / "rootfs")
