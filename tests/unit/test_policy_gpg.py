"""OpenPGP signatures by gpgv: its own keyring, its status lines, its limits; and what the payload must be."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elfuse.oci.policy import gpg as module
from elfuse.oci.policy.fetch import DirectorySignatures, RegistrySignatures
from elfuse.oci.policy.gpg import dearmored, verify
from elfuse.oci.policy.lookaside import Lookaside
from elfuse.oci.policy.refusal import Refused
from elfuse.oci.policy.signature import Attachment, SimpleSignature, parse_blob, parse_payload
from elfuse.oci.reference import parse_reference
from tests.oci.images import MANIFEST, sha256
from tests.oci.signing import COSIGN_LAYER, SIMPLE, Gpg, payload


def test_only_the_given_keys_count(gpg: Gpg, monkeypatch: pytest.MonkeyPatch) -> None:
    message = gpg.sign(b"signed")
    found = verify(message, [gpg.public("other"), gpg.public("good", armor=True)])
    assert found.content == b"signed" and found.fingerprint == gpg.fingerprint("good")
    # The user's own keyring has the key, and does not matter.
    monkeypatch.setenv("GNUPGHOME", str(gpg.home))
    monkeypatch.setenv("HOME", str(gpg.home))
    with pytest.raises(Refused, match=r"which is none of the policy's"):
        verify(message, [gpg.public("other")])
    with pytest.raises(Refused, match="hold no key"):
        verify(message, [b"", b"\n"])


def test_a_message_that_grows_is_stopped(gpg: Gpg) -> None:
    """Compressed, 8 MiB are 8 kB."""
    message = gpg.sign(b"\0" * (8 << 20))
    assert len(message) < 1 << 16
    with pytest.raises(Refused, match="holds more than 1 MiB"):
        verify(message, [gpg.public("good")])


def test_a_gpgv_that_hangs_is_ended(gpg: Gpg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "gpgv"
    program.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(module, "TIMEOUT", 0.2)
    with pytest.raises(Refused, match="gpgv was ended by signal 9"):
        verify(b"\x88", [b"\x99"])
    program.chmod(0o644)
    with pytest.raises(Refused, match="gpgv is not installed"):
        verify(b"\x88", [b"\x99"])


GOOD = ["NEWSIG a@b", "PLAINTEXT 62 1 x", "GOODSIG 01 a@b", "VALIDSIG AA 2026-01-01 1 0 4 0 22 8 00 BB"]


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([], 0),
        ([], 2),
        (GOOD, 1),
        (GOOD[:3], 0),
        ([*GOOD[:2], GOOD[3]], 0),
        ([*GOOD, GOOD[0]], 0),
        ([*GOOD, "GOODSIG 02 other"], 0),
        ([*GOOD, GOOD[1]], 0),
        ([*GOOD, "BADSIG 02 other"], 0),
        ([*GOOD, "ERRSIG 02 1 2 3 4 9"], 0),
        ([*GOOD, "EXPKEYSIG 02 x"], 0),
        ([*GOOD, "REVKEYSIG 02 x"], 0),
        ([*GOOD, "EXPSIG 02 x"], 0),
        (["NEWSIG", "PLAINTEXT", "GOODSIG", "VALIDSIG"], 0),
    ],
)
def test_status_lines_that_are_no_good_signature(lines: list[str], code: int) -> None:
    with pytest.raises(Refused):
        module._judge([f"[GNUPG:] {line}" for line in lines], code)


def test_status_lines_of_a_good_signature() -> None:
    lines = [f"[GNUPG:] {line}" for line in GOOD]
    assert module._judge([*lines, "GOODSIG of the content", "[GNUPG:] KEY_CONSIDERED AA 0"], 0) == "BB"


ARMOR = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n%s\nmQ==\n%s-----END PGP PUBLIC KEY BLOCK-----\n"


def test_armor() -> None:
    crc = b"=xX7n\n"
    plain = dearmored(ARMOR % (b"", b""))
    assert plain == b"\x99"
    assert dearmored(b"text before\n" + ARMOR % (b"Version: x\n", b"") + ARMOR % (b"", b"")) == b"\x99\x99"
    assert dearmored((ARMOR % (b"", b"")).replace(b"\n", b"\r\n")) == b"\x99"
    assert dearmored(b"\x99binary") == b"\x99binary" and dearmored(b"") == b""
    with pytest.raises(Refused, match="wrong checksum"):
        dearmored(ARMOR % (b"", crc))
    with pytest.raises(Refused, match="damaged"):
        dearmored((ARMOR % (b"", b"")).replace(b"mQ==", b"m!Q="))
    with pytest.raises(Refused, match="no OpenPGP public key"):
        dearmored(b"ssh-ed25519 AAAA")


def test_armor_of_gpg_has_the_right_checksum(gpg: Gpg) -> None:
    armored = gpg.public("good", armor=True)
    assert b"\n=" in armored and dearmored(armored) == gpg.public("good")


def test_signature_files() -> None:
    assert parse_blob(b"\xa3x") == SimpleSignature(b"\xa3x")
    assert parse_blob(b"\0simple-signing\n\xa3x") == SimpleSignature(b"\xa3x")
    document = json.dumps({"mimeType": "m", "payload": "eA==", "annotations": {"a": "b"}}).encode()
    assert parse_blob(b"\0sigstore-json\n" + document) == Attachment("m", b"x", {"a": "b"})
    for data in (
        b"",
        b"x",
        b"\0",
        b"\0simple-signing",
        b"\0new\nx",
        b"\0sigstore-json\n{}",
        b"-----BEGIN PGP",
    ):
        with pytest.raises(Refused):
            parse_blob(data)


def test_signatures_of_a_dir_image(tmp_path: Path) -> None:
    source = DirectorySignatures(str(tmp_path))
    digest: Any = sha256(b"")
    assert source.signatures(digest) == []
    (tmp_path / "signature-1").write_bytes(b"\x88one")
    (tmp_path / "signature-2").write_bytes(b"\x88two")
    (tmp_path / "signature-4").write_bytes(b"\x88four")
    assert source.signatures(digest) == [SimpleSignature(b"\x88one"), SimpleSignature(b"\x88two")]
    (tmp_path / "signature-3").mkdir()
    with pytest.raises(Refused, match="signature-3 cannot be read"):
        source.signatures(digest)


def test_a_lookaside_store_without_end(tmp_path: Path) -> None:
    digest: Any = sha256(b"")
    url = f"file://{tmp_path}/repo"
    many = tmp_path / f"repo@{digest.replace(':', '=')}"
    many.mkdir()
    for number in range(1, 130):
        (many / f"signature-{number}").write_bytes(b"\x88x")
    with pytest.raises(Refused, match="more than 128 signatures"):
        list(Lookaside().signatures(url, digest))
    (many / "signature-129").unlink()
    (many / "signature-128").unlink()
    assert len(list(Lookaside().signatures(url, digest))) == 127
    for number in range(1, 6):
        (many / f"signature-{number}").write_bytes(b"\x88" * (4 << 20))
    with pytest.raises(Refused, match="more than 16 MiB"):
        list(Lookaside().signatures(url, digest))
    (many / "signature-1").write_bytes(b"\x88" * ((4 << 20) + 1))
    with pytest.raises(Refused, match="larger than 4 MiB"):
        list(Lookaside().signatures(url, digest))


class Repository:
    """Holds one attachment manifest."""

    def __init__(self, layers: list[dict[str, Any]], media_type: str = MANIFEST, data: bytes = b"") -> None:
        config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": sha256(b""), "size": 0}
        document = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}
        self.answer = (data or json.dumps(document).encode(), media_type)

    def manifest(self, selector: str, what: str) -> tuple[bytes, str]:
        assert selector == sha256(b"").replace(":", "-") + ".sig"
        return self.answer

    def document(self, descriptor: Any, what: str) -> bytes:
        return b"other content"


def layer(**changes: Any) -> dict[str, Any]:
    return {"mediaType": COSIGN_LAYER, "digest": sha256(b"x"), "size": 1, **changes}


@pytest.mark.parametrize(
    ("repository", "words"),
    [
        (Repository([layer()]), "has the wrong content"),
        (Repository([layer(size=1 << 40)]), "16 MiB"),
        (Repository([layer(size=5 << 20)]), "larger than 4 MiB"),
        (Repository([layer()] * 129), "more than 128"),
        (Repository([], media_type="application/json"), "not an OCI manifest"),
        (Repository([], data=b"{}"), "missing required field"),
        (Repository([layer(digest="sha256:x")]), "digest"),
        (Repository([layer(annotations={"a": 1})]), "Expected `str`"),
    ],
)
def test_attachments_refused(repository: Repository, words: str) -> None:
    digest: Any = sha256(b"")
    with pytest.raises(Refused, match=words):
        RegistrySignatures(repository, parse_reference("q.io/x"), Lookaside()).attachments(digest)


def test_payloads() -> None:
    good = payload("sha256:x", "busybox", SIMPLE)
    assert parse_payload(json.dumps(good).encode(), SIMPLE).docker_reference == "busybox"
    assert parse_payload(json.dumps({**good, "optional": {"any": [1]}}).encode(), SIMPLE)
    null = json.dumps({**good, "optional": None}).encode()
    assert parse_payload(null, SIMPLE, optional_may_be_null=True)
    with pytest.raises(Refused):
        parse_payload(null, SIMPLE)
    text = json.dumps(good)
    for wrong in (
        text.replace('"optional"', '"critical"'),
        text.replace("{", '{"x": 1, ', 1),
        text.replace('{"creator"', '{"creator": "x", "creator"'),
        text.replace('"optional": {', '"optional": {"deep": {"a": 1, "a": 2}, '),
        text.replace("1700000000", "1e999"),
        text.replace("1700000000", "true"),
        text.replace('"tests"', "1"),
        text + " 1",
    ):
        assert wrong != text
        with pytest.raises(Refused):
            parse_payload(wrong.encode(), SIMPLE)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda data: b"\0sigstore-json\n" + data))
def test_any_file_is_a_signature_or_refused(data: bytes) -> None:
    try:
        parse_blob(data)
    except Refused as refusal:
        assert "\n" not in str(refusal)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["critical", "optional", "type", "image", "identity", "x"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(json_values)
def test_any_payload_is_refused(value: Any) -> None:
    with pytest.raises(Refused):
        parse_payload(json.dumps(value).encode(), SIMPLE)
