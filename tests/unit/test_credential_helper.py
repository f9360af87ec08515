"""docker-credential-NAME: the protocol, and helpers that do not keep to it."""

import os
import time
from pathlib import Path

import pytest

from elfuse.oci.access import Credentials
from elfuse.oci.credential_helper import Helper, HelperError
from tests.unit import keychain


def test_get_store_erase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = keychain.install(tmp_path / "bin", monkeypatch)
    helper = Helper("chain")
    assert helper.get("r.io") is None
    helper.store("r.io", "me", 'pass "word" \\ ü')
    assert helper.get("r.io") == Credentials("me", 'pass "word" \\ ü', "docker-credential-chain")
    helper.store("https://index.docker.io/v1/", "<token>", "refresh")
    found = helper.get("https://index.docker.io/v1/")
    assert found is not None and found.is_identity_token and found.secret == "refresh"
    assert "refresh" not in repr(found)
    assert helper.erase("r.io") and not helper.erase("r.io") and helper.get("r.io") is None
    assert chain.asked()[:2] == [
        "get r.io",
        'store {"ServerURL": "r.io", "Username": "me", "Secret": "pass \\"word\\" \\\\ \\u00fc"}',
    ]


@pytest.mark.parametrize("name", ["", "a/b", "../x", "a b", "a\nb", "ü", "a;b"])
def test_names(name: str) -> None:
    with pytest.raises(HelperError, match="is no name of a credential helper"):
        Helper(name)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("echo no keychain; exit 1", "docker-credential-bad get: no keychain"),
        ("printf '\\033[31mred'; exit 1", r"docker-credential-bad get: \?\[31mred"),
        ("exit 3", "docker-credential-bad get: exit status 3"),
        ("kill -9 $$", "docker-credential-bad get: exit status -9"),
        ("echo topsecret", "the answer is not"),
        ("echo '[]'", "the answer is not"),
        ("""echo '{"Username": "topsecret"}'""", "the answer is not"),
        ("""echo '{"Username": "me", "Secret": ["topsecret"]}'""", "Username or Secret is not a string"),
        ("while echo 0123456789012345678901234567890123456789; do :; done", "the answer is endless"),
        ("sleep 9", r"docker-credential-bad get: no answer in 0\.3 s"),
        ("exec >&-; sleep 9", "docker-credential-bad get: does not end"),
    ],
)
def test_misbehaviour(body: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keychain.script(tmp_path / "bin", monkeypatch, "bad", f"#!/bin/sh\n{body}\n")
    began = time.monotonic()
    with pytest.raises(HelperError, match=message) as caught:
        Helper("bad", timeout=5 if "endless" in message else 0.3).get("r.io")
    assert "topsecret" not in str(caught.value) and time.monotonic() - began < 8


def test_an_answer_before_the_input_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A helper need not read: neither a full nor a broken pipe may stop it from being heard."""
    answer = """printf '{"Username": "me", "Secret": "s"}'"""
    keychain.script(tmp_path / "bin", monkeypatch, "quick", f"#!/bin/sh\nexec <&-\n{answer}\n")
    for _ in range(20):
        assert Helper("quick").get("r.io") == Credentials("me", "s", "docker-credential-quick")
    keychain.script(tmp_path / "bin", monkeypatch, "deaf", "#!/bin/sh\necho full; exit 1\n")
    with pytest.raises(HelperError, match="store: full"):
        Helper("deaf").store("r.io", "me", "s" * (1 << 20))


def test_the_empty_secret_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keychain.install(tmp_path / "bin", monkeypatch).put("r.io", "", "")
    assert Helper("chain").get("r.io") is None


def test_where_programs_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "bin"
    chain = keychain.install(folder, monkeypatch)
    chain.put("r.io", "me", "s")
    monkeypatch.chdir(folder)
    # The current folder is nobody's PATH, whatever PATH says.
    monkeypatch.setenv("PATH", f".:{os.pathsep}/usr/bin:/bin")
    with pytest.raises(HelperError, match="docker-credential-chain is not on PATH"):
        Helper("chain").get("r.io")
    monkeypatch.setenv("PATH", f"/nonexistent:{folder}:/usr/bin:/bin")
    assert Helper("chain").get("r.io")
    chain.program.chmod(0o644)
    with pytest.raises(HelperError, match="is not on PATH"):
        Helper("chain").get("r.io")
    keychain.script(folder, monkeypatch, "broken", "#!/nonexistent/interpreter\n")
    with pytest.raises(HelperError, match="cannot be started: No such file"):
        Helper("broken").get("r.io")
