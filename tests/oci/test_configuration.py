"""The files that elfuse shares with podman and skopeo, judged by skopeo."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from elfuse.errors import ConfigurationError
from elfuse.oci.access import AccessOptions, accesses
from elfuse.oci.reference import parse_reference
from tests.oci.faulty import FaultyRegistry
from tests.unit import keychain
from tests.unit.test_credentials import encoded, put
from tests.unit.test_registries_conf import DIGEST, TABLES, sources, user

REFERENCES = [
    "example.com/foo/app:1",
    f"example.com/foo/app@{DIGEST}",
    "example.com/foobar/app:1",
    "example.com/other/app:1",
    "example.com/foo/deep/app:1",
    f"example.com/foo/deep/app@{DIGEST}",
    "example.com/foo/deeper/app:1",
    "a.sub.example.com/x:1",
    "b.a.sub.example.com/x/y:1",
    "sub.example.com/x:1",
    "a.sub.example.com.evil.example/x:1",
    "a.moved.example.com/x/y:1",
    "docker.io/library/python:3",
    "docker.io/org/app:1",
    "docker.io/library/alpine:31",
    "blocked.example.com/app:1",
    "blocked.example.com/but/this:1",
    "blocked.example.com/but/this/too:1",
    "to-hub.example.com/library/python:3",
    "wide.example.com/x:1",
    "wide.example.com:5000/x:1",
    "wide.example.com:5001/x:1",
    "blocked.example.com:5000/x:1",
    "example.com/foo:1",
]


@pytest.mark.parametrize("reference", REFERENCES)
def test_skopeo_tries_the_same_places(home: Path, reference: str) -> None:
    """No request leaves the machine: names are asked of a proxy, which nobody is, as no one else listens."""
    user(home, TABLES)
    environment = {**os.environ, "HTTPS_PROXY": "http://127.0.0.1:1"}
    command = ["skopeo", "--debug", "inspect", f"docker://{reference}"]
    said = subprocess.run(command, capture_output=True, env=environment, cwd=home).stderr.decode()
    try:
        ours = sources(reference)
    except ConfigurationError as error:
        assert ("is blocked" in error.message) == ("is blocked in" in said)
        assert ("becomes" in error.message) == ("rewriting reference" in said)
    else:
        assert ours == re.findall(r'msg="Trying to access \\"([^"\\]+)\\""', said)


def test_skopeo_uses_the_same_login(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user that a registry sees, for one file with every kind of key and one with a helper."""
    chain = keychain.install(tmp_path / "bin", monkeypatch)
    (home / ".config/containers").mkdir(parents=True)
    (home / ".config/containers/registries.conf").touch()
    with FaultyRegistry() as registry:
        host = registry.address
        registry.hooks.append(
            lambda exchange: exchange.answer(401, b"{}", WWW_Authenticate='Basic realm="r"')
        )
        chain.put(host, "chained", "p")
        files = [
            put(tmp_path / "1.json", auths={host: "host:p", f"{host}/a": "a:p", f"{host}/a/b/c": "abc:p"}),
            put(tmp_path / "2.json", auths={f"http://{host}/v2/": "url:p", f"{host}/a": "a:p"}),
            put(tmp_path / "3.json", auths={f"{host}/a": "a:p"}, credHelpers={host: "chain"}),
            put(tmp_path / "4.json", auths={"127.0.0.1": "portless:p", f"{host}/a/": "slash:p"}),
        ]
        for path in files:
            for name in ("a", "a/b", "a/b/c", "a/b/c/d", "ab"):
                registry.seen.clear()
                command = ["skopeo", "inspect", "--tls-verify=false", f"--authfile={path}"]
                subprocess.run([*command, f"docker://{host}/{name}"], capture_output=True, cwd=home)
                theirs = next((seen[1] for seen in registry.seen if seen[1]), None)
                [access] = accesses(parse_reference(f"{host}/{name}"), AccessOptions(authfile=str(path)))
                found = access.credentials()
                # Without a login skopeo answers a Basic challenge with an empty one.
                ours = encoded(found.username, found.secret) if found else encoded("", "")
                assert theirs == f"Basic {ours}", (path.name, name)
