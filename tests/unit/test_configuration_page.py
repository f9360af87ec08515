"""docs/configuration.md: its examples are read without an error, and it names every variable."""

import re
from pathlib import Path

import pytest

from elfuse import config
from elfuse.oci import authfile, registries_conf
from elfuse.oci.authfile import AuthPath, Key

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/configuration.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_config_toml(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = home / "config.toml"
    example.write_text(BLOCKS[0][1])
    monkeypatch.setenv(config.VARIABLE, str(example))
    settings = config.load()
    assert settings.jobs == 4 and len(settings.registries) == 2
    assert settings.limits == config.Limits(8 << 20, 1 << 40, 4096)
    assert settings.registry("registry.example.com:5000").auth_file == f"{home}/.registry-login"


def test_registries_conf(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = home / "registries.conf"
    example.write_text(BLOCKS[1][1])
    monkeypatch.setenv(registries_conf.VARIABLE, str(example))
    conf = registries_conf.load()
    assert conf.search == ["docker.io", "quay.io"] and conf.aliases["tool"].name == "ghcr.io/org/tool"
    assert len(conf.registries) == 3 and len(conf.registries["docker.io"].mirrors) == 1


def test_auth_json() -> None:
    file = authfile.parse(AuthPath("/auth.json"), BLOCKS[2][1].encode())
    for key in (
        Key("registry.example.com", "team/app/x"),
        Key("registry.example.com:5000"),
        Key("docker.io"),
    ):
        entry = file.entry(key)
        assert entry is not None and entry[1] is not None
    assert file.helper("gcr.io") == ("gcloud", "gcr.io") and file.store == "secretservice"


def test_python() -> None:
    compile(BLOCKS[3][1], "example", "exec")
    assert len(BLOCKS) == 4


def test_every_variable_is_named() -> None:
    sources = "".join(
        (ROOT / name).read_text()
        for name in (
            *(
                "elfuse/config_files.py",
                "elfuse/config.py",
                "elfuse/oci/authfile.py",
                "elfuse/oci/credentials.py",
            ),
            *("elfuse/oci/registries_conf.py", "elfuse/oci/short_names.py", "elfuse/oci/certs.py"),
        )
    )
    used = set(re.findall(r"\"([A-Z][A-Z_]{4,})\"", sources))
    assert {"ELFUSE_CONFIG", "DOCKER_CONFIG", "XDG_RUNTIME_DIR"} <= used
    named = set(re.findall(r"`\$?([A-Z][A-Z_]{4,})`", TEXT))
    assert used <= named, used - named
