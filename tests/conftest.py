"""What every test starts from."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.oci.signing import Gpg

# A run in the background of a shell ignores SIGINT and SIGQUIT, one under nohup SIGHUP. Children would
# inherit that, and guests with them.
for number, usual in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGQUIT, signal.SIG_DFL),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)

# The machine's own configuration is nothing to a test, nor to the programs that it starts. (docker-registry
# takes REGISTRY_AUTH_FILE for a setting of its own.)
os.environ.update(CONTAINERS_REGISTRIES_CONF=os.devnull, ELFUSE_CONFIG="")
os.environ.pop("REGISTRY_AUTH_FILE", None)

# What configures registries and elfuse itself.
VARIABLES = (
    "CONTAINERS_REGISTRIES_CONF",
    "DOCKER_CONFIG",
    "ELFUSE_CONFIG",
    "REGISTRY_AUTH_FILE",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's home. `tmp_path / "etc"` takes the place of /etc/containers, /etc/docker and /etc/elfuse."""
    from elfuse import config, config_files
    from elfuse.oci import certs, registries_conf, short_names

    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    place = tmp_path / "home"
    etc = tmp_path / "etc"
    runtime = tmp_path / "runtime"
    for folder in (place, etc, runtime):
        folder.mkdir()
    monkeypatch.setenv("HOME", str(place))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    for module in (config, config_files):
        monkeypatch.setattr(module, "SYSTEM_FILE", str(etc / "elfuse/config.toml"))
    monkeypatch.setattr(registries_conf, "SYSTEM_DIRECTORY", str(etc / "containers"))
    monkeypatch.setattr(short_names, "SYSTEM_CACHE", str(etc / "cache"))
    directories = ("~/.config/containers/certs.d", f"{etc}/containers/certs.d", f"{etc}/docker/certs.d")
    monkeypatch.setattr(certs, "DIRECTORIES", directories)
    return place


@pytest.fixture(scope="session")
def gpg() -> "Iterator[Gpg]":
    """Keys of GnuPG's, which take a second to make."""
    from tests.oci.signing import Gpg

    made = Gpg()
    try:
        yield made
    finally:
        made.close()
