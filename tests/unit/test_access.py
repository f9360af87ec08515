"""All that says how a registry is reached, together: options above config.toml above the shared files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from elfuse.errors import ConfigurationError, InvalidReference
from elfuse.oci.access import Access, AccessOptions, accesses, registry_access
from elfuse.oci.reference import parse_reference
from tests.unit import keychain
from tests.unit.test_config import user as write_config
from tests.unit.test_credentials import put, runtime
from tests.unit.test_registries_conf import user as write_registries


def one(text: str, **options: object) -> Access:
    [access] = accesses(parse_reference(text), AccessOptions(**options))  # type: ignore[arg-type]
    return access


def login(access: Access) -> str | None:
    found = access.credentials()
    return f"{found.username}:{found.secret}" if found else None


def folder(path: Path, *names: str) -> Path:
    path.mkdir(parents=True)
    for name in names:
        (path / name).write_text(name)
    return path


def test_nothing_is_set(home: Path) -> None:
    access = one("python")
    assert access.reference == parse_reference("python") and not access.insecure and not access.is_mirror
    assert (access.ca_files, access.client_cert, access.client_key) == ((), None, None)
    assert access.credentials() is None


def test_mirrors_have_their_own_trust_and_login(home: Path, tmp_path: Path) -> None:
    write_registries(
        home,
        '[[registry]]\nprefix = "r.example/a"\nlocation = "real.example/b"\n'
        '[[registry.mirror]]\nlocation = "127.0.0.1:5000/m"\ninsecure = true\n'
        '[[registry.mirror]]\nlocation = "m.example"\n',
    )
    certs = home / ".config/containers/certs.d"
    folder(certs / "m.example", "ca.crt", "c.cert", "c.key")
    folder(certs / "real.example", "ca.crt")
    put(
        runtime(tmp_path),
        auths={
            "r.example": "never:p",
            "127.0.0.1:5000/m": "local:p",
            "m.example/app": "mirror:p",
            "real.example/b/app": "real:p",
        },
    )
    found = accesses(parse_reference("r.example/a/app:1"), AccessOptions())
    assert [str(access.reference) for access in found] == [
        "127.0.0.1:5000/m/app:1",
        "m.example/app:1",
        "real.example/b/app:1",
    ]
    assert [access.is_mirror for access in found] == [True, True, False]
    assert [access.insecure for access in found] == [True, False, False]
    assert [access.ca_files for access in found] == [
        (),
        (f"{certs}/m.example/ca.crt",),
        (f"{certs}/real.example/ca.crt",),
    ]
    assert [access.client_key for access in found] == [None, f"{certs}/m.example/c.key", None]
    assert [login(access) for access in found] == ["local:p", "mirror:p", "real:p"]
    # What the user gives for the registry is not for a mirror on another host.
    given = accesses(parse_reference("r.example/a/app:1"), AccessOptions(creds="me:pw"))
    assert [login(access) for access in given] == ["local:p", "mirror:p", "me:pw"]


def test_creds_reach_a_mirror_on_the_same_host(home: Path) -> None:
    write_registries(
        home, '[[registry]]\nlocation = "r.example"\n[[registry.mirror]]\nlocation = "r.example/cache"\n'
    )
    found = accesses(parse_reference("r.example/app"), AccessOptions(creds="me"))
    assert [login(access) for access in found] == ["me:", "me:"]


def test_order_of_logins(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(runtime(tmp_path), auths={"r.example": "shared:p"})
    assert login(one("r.example/app")) == "shared:p"
    own = put(tmp_path / "own.json", username="own", password="p")
    own.chmod(0o600)
    write_config(home, f'[registries."r.example"]\nauth_file = "{own}"\n')
    assert login(one("r.example/app")) == "own:p"
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(put(tmp_path / "env.json", auths={"r.example": "env:p"})))
    assert login(one("r.example/app")) == "env:p"
    option = str(put(tmp_path / "option.json", auths={"r.example": "option:p"}))
    assert login(one("r.example/app", authfile=option)) == "option:p"
    assert login(one("r.example/app", authfile=option, creds="me:p")) == "me:p"
    with pytest.raises(ConfigurationError, match="no such file of logins"):
        one("r.example/app", authfile=str(tmp_path / "none"))
    with pytest.raises(InvalidReference, match="--creds"):
        one("r.example/app", creds=":p")


def test_logins_are_looked_up_late_and_once(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = keychain.install(tmp_path / "bin", monkeypatch)
    chain.put("r.example", "chained", "p")
    write_registries(home, 'credential-helpers = ["chain"]\n')
    access = one("r.example/app")
    assert chain.asked() == []
    assert login(access) == login(access) == "chained:p"
    assert chain.asked() == ["get r.example"]


def test_insecure(home: Path) -> None:
    options = AccessOptions(tls_verify=False)
    assert not one("127.0.0.1:5000/app").insecure
    assert (
        one("127.0.0.1:5000/app", tls_verify=False).insecure
        and one("localhost/app", tls_verify=False).insecure
    )
    with pytest.raises(
        InvalidReference, match=r"--tls-verify=false is refused for r\.example: .*certs\.d/r\.ex"
    ):
        accesses(parse_reference("r.example/app"), options)
    path = write_registries(
        home,
        '[[registry]]\nlocation = "127.0.0.1:5000"\ninsecure = true\n'
        '[[registry]]\nlocation = "r.example"\ninsecure = true\n'
        '[[registry]]\nlocation = "127.0.0.1:6000"\n'
        '[[registry.mirror]]\nlocation = "m.example"\ninsecure = true\n',
    )
    assert one("127.0.0.1:5000/app").insecure and not one("127.0.0.1:5000/app", tls_verify=True).insecure
    for text in ("r.example/app", "127.0.0.1:6000/app"):
        with pytest.raises(ConfigurationError) as caught:
            accesses(parse_reference(text), AccessOptions())
        assert caught.value.message.startswith(f"{path}: insecure = true is refused for ")
        assert caught.value.hint and "certs.d" in caught.value.hint
        assert not accesses(parse_reference(text), AccessOptions(tls_verify=True))[0].insecure
    # The option is about the registry that was named: a mirror elsewhere stays as safe as it was.
    assert [access.insecure for access in accesses(parse_reference("127.0.0.1:6000/app"), options)] == [
        False,
        True,
    ]
    config = write_config(
        home, '[registries."127.0.0.1:5000"]\ninsecure = false\n[registries."s.example"]\ninsecure = true\n'
    )
    assert not one("127.0.0.1:5000/app").insecure
    with pytest.raises(ConfigurationError, match=f"{config}: insecure = true is refused for s.example"):
        one("s.example/app")


def test_order_of_certificates(home: Path, tmp_path: Path) -> None:
    shared = folder(home / ".config/containers/certs.d/r.example", "s.crt", "s.cert", "s.key")
    assert one("r.example/app").ca_files == (f"{shared}/s.crt",)
    config = write_config(home, '[registries."r.example"]\nca_bundle = "ca.pem"\n')
    with pytest.raises(ConfigurationError) as caught:
        one("r.example/app")
    assert caught.value.message == (
        f"{config}: ca_bundle of r.example: {config.parent}/ca.pem does not exist"
    )
    (config.parent / "ca.pem").write_text("")
    access = one("r.example/app")
    assert access.ca_files == (f"{config.parent}/ca.pem",) and access.client_cert == f"{shared}/s.cert"
    given = folder(tmp_path / "given", "g.crt")
    access = one("r.example/app", cert_dir=str(given))
    assert access.ca_files == (f"{given}/g.crt",) and access.client_cert is None


def test_the_registry_itself(home: Path) -> None:
    """For a login: neither mirrors nor another name, though blocked counts."""
    path = write_registries(
        home,
        '[[registry]]\nprefix = "r.example"\nlocation = "elsewhere.example"\n'
        '[[registry.mirror]]\nlocation = "m.example"\n'
        '[[registry]]\nlocation = "127.0.0.1:5000"\ninsecure = true\n'
        '[[registry]]\nlocation = "b.example"\nblocked = true\n',
    )
    access = registry_access("r.example", AccessOptions())
    assert (access.reference.domain, access.insecure, access.is_mirror) == ("r.example", False, False)
    assert registry_access("127.0.0.1:5000", AccessOptions()).insecure
    assert registry_access("docker.io", AccessOptions()).reference.host == "registry-1.docker.io"
    with pytest.raises(ConfigurationError, match=f"b.example: b.example is blocked by {path}"):
        registry_access("b.example", AccessOptions())
    with pytest.raises(InvalidReference, match="--tls-verify=false"):
        registry_access("r.example", AccessOptions(tls_verify=False))


def test_secrets_are_in_no_repr(home: Path, tmp_path: Path) -> None:
    put(runtime(tmp_path), auths={"r.example": "me:topsecret"})
    access = one("r.example/app")
    assert "topsecret" not in repr(access) + repr(access.credentials()) + repr(
        AccessOptions(creds="me:topsecret")
    )


def test_a_machine_without_files_loads_nothing_for_them(home: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from elfuse.oci import certs, registries_conf; from elfuse.oci.access import *;"
        "from elfuse.oci.reference import parse_reference;"
        "certs.DIRECTORIES = ();"
        "registries_conf.SYSTEM_DIRECTORY = '/nonexistent';"
        "[access] = accesses(parse_reference('python'), AccessOptions());"
        "assert access.credentials() is None;"
        "heavy = {'tomllib', 'subprocess', 'selectors', 'pycurl', 'logging', 'platformdirs', 'base64'};"
        "print(*sorted(heavy & sys.modules.keys()))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "ELFUSE_CONFIG": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=environment, cwd=tmp_path, check=True
    )
    assert done.stdout == b"\n"


def test_a_broken_file_is_told_when_the_login_is_wanted(home: Path, tmp_path: Path) -> None:
    runtime(tmp_path).parent.mkdir()
    runtime(tmp_path).write_text(json.dumps({"auths": {"r.example": {"auth": "!"}}}))
    access = one("r.example/app")
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=r"auths\['r.example'\]\.auth is not base64"):
            access.credentials()
