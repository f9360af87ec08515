"""config.toml: which file counts, what it may say, and how it is told what is wrong with it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from platformdirs import user_config_dir

from elfuse import config
from elfuse.errors import ConfigurationError
from elfuse.toml import read_toml


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def user(home: Path, text: str) -> Path:
    return write(home / ".config/elfuse/config.toml", text)


def test_no_file_at_all(home: Path) -> None:
    assert config.load() == config.Settings()
    assert config.load().registry("docker.io") == config.RegistrySettings()


def test_all_settings(home: Path) -> None:
    path = user(
        home,
        'store = "~/images"\nengine = "interp"\njobs = 3\n'
        '[registries."r.example.com:5000"]\nca_bundle = "ca.pem"\nauth_file = "~/login"\n'
        '[registries."127.0.0.1:5000"]\ninsecure = true\n[registries."localhost"]\ninsecure = false\n',
    )
    settings = config.load()
    assert (settings.store, settings.engine, settings.jobs) == (f"{home}/images", "interp", 3)
    remote = settings.registry("r.example.com:5000")
    assert (remote.ca_bundle, remote.auth_file) == (str(path.parent / "ca.pem"), f"{home}/login")
    assert remote.insecure is None and remote.origins["ca_bundle"] == str(path)
    assert settings.registry("127.0.0.1:5000").insecure is True
    assert settings.registry("localhost").insecure is False
    assert settings.registry("r.example.com").ca_bundle is None


def test_the_users_file_is_read_over_the_systems(home: Path, tmp_path: Path) -> None:
    ours = user(home, 'jobs = 2\n[registries."a:1"]\nca_bundle = "/ours"\n')
    theirs = write(
        tmp_path / "etc/elfuse/config.toml",
        'jobs = 9\nstore = "/srv"\n[registries."a:1"]\nca_bundle = "/theirs"\ninsecure = true\n'
        '[registries."b:1"]\nauth_file = "login"\n',
    )
    settings = config.load()
    assert (settings.jobs, settings.store, settings.engine) == (2, "/srv", None)
    registry = settings.registry("a:1")
    assert (registry.ca_bundle, registry.insecure) == ("/ours", True)
    assert registry.origins == {"ca_bundle": str(ours), "insecure": str(theirs)}
    assert settings.registry("b:1").auth_file == str(theirs.parent / "login")


def test_each_limit_is_of_the_first_file_that_has_it(home: Path, tmp_path: Path) -> None:
    user(home, "[limits]\nlayer_entries = 2\n")
    write(tmp_path / "etc/elfuse/config.toml", "[limits]\nlayer_entries = 9\nlayer_size = 3\n")
    assert config.load().limits == config.Limits(layer_entries=2, layer_size=3)


def test_the_variable_names_the_one_file(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user(home, "jobs = 2\n")
    write(tmp_path / "etc/elfuse/config.toml", 'store = "/srv"\n')
    monkeypatch.setenv(config.VARIABLE, "")
    assert config.load() == config.Settings()
    monkeypatch.setenv(config.VARIABLE, str(write(tmp_path / "mine.toml", "jobs = 5\n")))
    assert config.load() == config.Settings(jobs=5)
    monkeypatch.setenv(config.VARIABLE, str(tmp_path / "none.toml"))
    with pytest.raises(ConfigurationError, match=r"none\.toml does not exist; it is named by ELFUSE_CONFIG"):
        config.load()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("jobs = ", "is not valid TOML: "),
        ("jobs = 0", "jobs: expected `int` >= 1"),
        ("jobs = 65", "jobs: expected `int` <= 64"),
        ("jobs = '4'", "jobs: expected `int"),
        ("engine = 'qemu'", "engine: invalid enum value 'qemu'"),
        ("stor = '/x'", "unknown field `stor`"),
        ("store = ''", "store: not a path"),
        ("store = '~nobody-of-that-name/x'", "store: there is no home of ~nobody-of-that-name"),
        ("[limits]\nlayer_entries = 0", "limits.layer_entries: expected `int` >= 1"),
        ("[limits]\nlayer_size = '1 GiB'", "limits.layer_size: expected `int"),
        ("[limits]\nlayers = 1", "limits: object contains unknown field `layers`"),
        ("registries = 3", "registries: expected `object`, got `int`"),
        ("[registries.'r.io']\ninsecur = true", 'registries."r.io": object contains unknown field `insecur`'),
        ("[registries.'r.io']\ninsecure = 'yes'", 'registries."r.io".insecure: expected `bool'),
        ("[registries]\n'r.io' = true", 'registries."r.io": expected `object`, got `bool`'),
        ("[registries.'r.io/ns']", 'registries."r.io/ns": not a registry\'s name'),
        ("[registries.'r']", 'registries."r": not a registry\'s name'),
        ("[registries.'index.docker.io']", "not a registry's name"),
    ],
)
def test_errors_name_the_file_and_the_key(home: Path, text: str, message: str) -> None:
    path = user(home, text)
    with pytest.raises(ConfigurationError) as caught:
        config.load()
    assert caught.value.message.startswith(str(path)) and message in caught.value.message


def test_a_file_that_cannot_be_read(home: Path) -> None:
    (home / ".config/elfuse/config.toml").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match=r"config\.toml cannot be read: Is a directory"):
        config.load()


def test_the_users_file_is_where_platformdirs_says(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for base in (None, "", str(home / "elsewhere")):
        if base is None:
            monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
        else:
            monkeypatch.setenv("XDG_CONFIG_HOME", base)
        assert config.user_file() == os.path.join(user_config_dir("elfuse"), "config.toml")


def test_nothing_is_loaded_for_files_that_are_absent_or_say_nothing(home: Path) -> None:
    path = user(home, "# store = '/x'\n\n  # no more\r\n")
    code = (
        "import sys; from elfuse import config; assert config.load() == config.Settings();"
        "print(*sorted({'tomllib', 'dataclasses', 'platformdirs', 'subprocess'} & sys.modules.keys()))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), config.VARIABLE: str(path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=environment, cwd=home, check=True
    )
    assert done.stdout == b"\n"


def test_defaults_of_the_command(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """store and engine of the file count below the environment."""
    from elfuse.cli.options import default_engine
    from elfuse.oci.layout import default_path

    monkeypatch.delenv("ELFUSE_STORE", raising=False)
    assert default_path().endswith("/elfuse/store") and default_engine() == "auto"
    user(home, 'store = "~/images"\nengine = "interp"\n')
    assert default_path() == f"{home}/images" and default_engine() == "interp"
    monkeypatch.setenv("ELFUSE_STORE", "/srv/store")
    assert default_path() == "/srv/store"


@given(st.binary(max_size=200))
@example(b"# comment\r\n\n \t# another")
@example(b"\x0b")
@example(b"# \x00")
@example(b"# \xff")
@example(b"# a\rb")
@example(b"#\r")
def test_any_bytes_are_toml_or_an_error(data: bytes) -> None:
    import tempfile
    import tomllib

    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        try:
            document = read_toml(file.name)
        except ConfigurationError as error:
            assert file.name in str(error)
        else:
            assert document == tomllib.loads(data.decode())
