"""policy.json: where it is found, every requirement type, and every mistake that refuses the whole file."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elfuse.errors import PolicyError
from elfuse.oci.policy.document import Document, load, parse_policy
from elfuse.oci.policy.requirements import InsecureAcceptAnything, Reject

KEY = base64.b64encode(b"key").decode()
ACCEPT = {"type": "insecureAcceptAnything"}
FULCIO = {"caPath": "/ca", "oidcIssuer": "https://issuer", "subjectEmail": "a@example.org"}
PKI = {"caRootsPath": "/roots", "subjectHostname": "example.org"}

GOOD: list[tuple[dict[str, Any], str]] = [
    (ACCEPT, "insecureAcceptAnything"),
    ({"type": "reject"}, "reject"),
    (
        {"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/k"},
        "signedBy GPGKeys (/k; matchRepoDigestOrExact)",
    ),
    (
        {"type": "signedBy", "keyType": "GPGKeys", "keyPaths": ["/k", "/l"]},
        "signedBy GPGKeys (/k, /l; matchRepoDigestOrExact)",
    ),
    (
        {"type": "signedBy", "keyType": "GPGKeys", "keyData": KEY},
        "signedBy GPGKeys (a key in the policy itself; matchRepoDigestOrExact)",
    ),
    (
        {"type": "signedBy", "keyType": "X509Certificates", "keyData": KEY},
        "signedBy X509Certificates (a key in the policy itself; matchRepoDigestOrExact)",
    ),
    ({"type": "signedBaseLayer", "baseLayerIdentity": {"type": "matchExact"}}, "signedBaseLayer"),
    ({"type": "sigstoreSigned", "keyPath": "/k"}, "sigstoreSigned (/k; matchRepoDigestOrExact)"),
    ({"type": "sigstoreSigned", "keyPaths": ["/k"]}, "sigstoreSigned (/k; matchRepoDigestOrExact)"),
    (
        {"type": "sigstoreSigned", "keyData": KEY, "signedIdentity": {"type": "matchRepository"}},
        "sigstoreSigned (a key in the policy itself; matchRepository)",
    ),
    (
        {"type": "sigstoreSigned", "keyDatas": [KEY, KEY], "rekorPublicKeyPath": "/r"},
        "sigstoreSigned (a key in the policy itself; Rekor /r; matchRepoDigestOrExact)",
    ),
    (
        {"type": "sigstoreSigned", "fulcio": FULCIO, "rekorPublicKeyDatas": [KEY]},
        "sigstoreSigned (fulcio /ca: a@example.org at https://issuer; Rekor a key in the policy itself; "
        "matchRepoDigestOrExact)",
    ),
    (
        {"type": "sigstoreSigned", "fulcio": {**FULCIO, "caPath": "/x"}, "rekorPublicKeyPaths": ["/r"]},
        "sigstoreSigned (fulcio /x: a@example.org at https://issuer; Rekor /r; matchRepoDigestOrExact)",
    ),
    (
        {"type": "sigstoreSigned", "pki": {**PKI, "subjectEmail": "a@b", "caIntermediatesData": KEY}},
        "sigstoreSigned (pki /roots: a@b and example.org; matchRepoDigestOrExact)",
    ),
]


@pytest.mark.parametrize(("requirement", "shown"), GOOD)
def test_every_requirement_type(requirement: dict[str, Any], shown: str) -> None:
    document = parse_policy(json.dumps({"default": [requirement]}).encode(), "f")
    assert [str(one) for one in document.default] == [shown]


IDENTITIES = [
    ({"type": "matchExact"}, "matchExact"),
    ({"type": "matchRepoDigestOrExact"}, "matchRepoDigestOrExact"),
    ({"type": "matchRepository"}, "matchRepository"),
    (
        {"type": "exactReference", "dockerReference": "busybox:1"},
        "exactReference docker.io/library/busybox:1",
    ),
    ({"type": "exactRepository", "dockerRepository": "q.io/a/b"}, "exactRepository q.io/a/b"),
    (
        {"type": "remapIdentity", "prefix": "localhost:5000/m", "signedPrefix": "q.io"},
        "remapIdentity localhost:5000/m -> q.io",
    ),
]


@pytest.mark.parametrize(("identity", "shown"), IDENTITIES)
def test_every_signed_identity(identity: dict[str, Any], shown: str) -> None:
    requirement = {"type": "sigstoreSigned", "keyPath": "/k", "signedIdentity": identity}
    document = parse_policy(json.dumps({"default": [requirement]}).encode(), "f")
    assert str(document.default[0]) == f"sigstoreSigned (/k; {shown})"


def signed_by(**fields: Any) -> dict[str, Any]:
    return {"type": "signedBy", "keyType": "GPGKeys", **fields}


def sigstore(**fields: Any) -> dict[str, Any]:
    return {"type": "sigstoreSigned", **fields}


def identity(**fields: Any) -> dict[str, Any]:
    return sigstore(keyPath="/k", signedIdentity=fields)


BAD_REQUIREMENTS: list[tuple[Any, str]] = [
    ("reject", "$.default[0]: an object"),
    (None, "$.default[0]: an object"),
    ({}, "'type' is missing"),
    ({"Type": "reject"}, "'type' is missing"),
    ({"type": "rejekt"}, "$.default[0].type: unknown requirement type 'rejekt'"),
    ({"type": None}, "$.default[0].type: a string"),
    ({**ACCEPT, "keyPath": "/k"}, "$.default[0].keyPath: unknown field"),
    ({"type": "reject", "x": 1}, "$.default[0].x: unknown field"),
    (signed_by(), "one of keyPath"),
    (signed_by(keyPath=""), "$.default[0].keyPath: this must not be empty"),
    (signed_by(keyPath="/k", keyData=KEY), "only one of"),
    (sigstore(keyPaths=[]), "$.default[0].keyPaths: this array must not be empty"),
    (signed_by(keyPaths="/k"), "an array"),
    (signed_by(keyPaths=["/k", 1]), "$.default[0].keyPaths[1]: a string"),
    (signed_by(keyDatas=[KEY]), "unknown field"),
    (signed_by(keyData="not base64!"), "$.default[0].keyData: this is not base64"),
    (signed_by(keyPath="/k", keyType="PGP"), "unknown key type 'PGP'"),
    ({"type": "signedBy", "keyPath": "/k"}, "'keyType' is missing"),
    (signed_by(keyPath="/k", signedIdentity=None), "$.default[0].signedIdentity: an object"),
    (signed_by(keyPath="/k", keyPathss="/k"), "$.default[0].keyPathss: unknown field"),
    ({"type": "signedBaseLayer"}, "'baseLayerIdentity' is missing"),
    (sigstore(), "exactly one of"),
    (sigstore(keyPath="/k", keyDatas=[KEY]), "only one of"),
    (sigstore(keyPath="/k", pki=PKI), "exactly one of"),
    (sigstore(fulcio=FULCIO), "fulcio needs one of"),
    (sigstore(fulcio=FULCIO, pki=PKI, rekorPublicKeyPath="/r"), "exactly one of"),
    (sigstore(fulcio={**FULCIO, "caData": KEY}, rekorPublicKeyPath="/r"), "only one of caPath, caData"),
    (sigstore(fulcio={**FULCIO, "x": 1}, rekorPublicKeyPath="/r"), "$.default[0].fulcio.x: unknown field"),
    (
        sigstore(fulcio={k: v for k, v in FULCIO.items() if k != "caPath"}, rekorPublicKeyPath="/r"),
        "caData is needed",
    ),
    (
        sigstore(fulcio={k: v for k, v in FULCIO.items() if k != "oidcIssuer"}, rekorPublicKeyPath="/r"),
        "'oidcIssuer' is missing",
    ),
    (
        sigstore(fulcio={k: v for k, v in FULCIO.items() if k != "subjectEmail"}, rekorPublicKeyPath="/r"),
        "'subjectEmail' is missing",
    ),
    (sigstore(fulcio={**FULCIO, "oidcIssuer": ""}, rekorPublicKeyPath="/r"), "must not be empty"),
    (sigstore(keyPath="/k", rekorPublicKeyPath="/r", rekorPublicKeyData=KEY), "only one of"),
    (sigstore(keyPath="/k", rekorPublicKeyDatas=[]), "must not be empty"),
    (sigstore(pki=PKI, rekorPublicKeyPath="/r"), "cannot be used together with a key of Rekor"),
    (sigstore(pki={"caRootsPath": "/r"}), "subjectEmail and subjectHostname is needed"),
    (sigstore(pki={"subjectEmail": "a@b"}), "caRootsData is needed"),
    (sigstore(pki={**PKI, "caRootsData": KEY}), "only one of"),
    (sigstore(pki={**PKI, "caIntermediatesPath": "/i", "caIntermediatesData": KEY}), "only one of"),
    (identity(type="matchSomething"), "$.default[0].signedIdentity.type: 'matchSomething'"),
    (identity(), "'type' is missing"),
    (identity(type="matchExact", x=1), "$.default[0].signedIdentity.x: unknown field"),
    (identity(type="exactReference"), "'dockerReference' is missing"),
    (identity(type="exactReference", dockerReference="busybox"), "neither a tag nor a digest"),
    (identity(type="exactReference", dockerReference="UPPER:1"), "is no image name"),
    (identity(type="exactRepository", dockerRepository="/x"), "is no image name"),
    (identity(type="remapIdentity", prefix="example.org"), "'signedPrefix' is missing"),
    (identity(type="remapIdentity", prefix="example.org/", signedPrefix="b.org"), "is no registry host"),
    (identity(type="remapIdentity", prefix="example.org", signedPrefix="b.org/x:tag"), "is no registry host"),
]


@pytest.mark.parametrize(("requirement", "reason"), BAD_REQUIREMENTS)
def test_wrong_requirements_refuse_the_file(requirement: Any, reason: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(json.dumps({"default": [requirement]}).encode(), "/etc/p.json")
    assert caught.value.message.startswith("/etc/p.json: $.default[0]")
    assert reason in caught.value.message


def transports(**scopes: Any) -> str:
    return json.dumps({"default": [ACCEPT], "transports": scopes})


BAD_DOCUMENTS: list[tuple[str, str]] = [
    ("", "not valid JSON"),
    ("[]", "$: an object"),
    ("{}", "'default' is missing"),
    ('{"default": []}', "$.default: this array must not be empty"),
    ('{"default": null}', "$.default: an array"),
    ('{"default": {}}', "$.default: an array"),
    ('{"default": [{"type": "reject"}], "x": 1}', "$.x: unknown field"),
    ('{"default": [{"type": "reject"}], "default": [{"type": "reject"}]}', "$.default: this field appears"),
    ('{"default": [{"type": "reject", "type": "insecureAcceptAnything"}]}', "$.default[0].type: this field"),
    ('{"default": [{"type": "reject"}]} x', "not valid JSON"),
    ('{"default": [{"type": "reject"}], "transports": null}', "$.transports: an object"),
    (transports(docker=None), "$.transports.docker: an object"),
    (transports(docker={"a": []}), "$.transports.docker.a: this array must not be empty"),
    (transports(docker={"a.io/b": {}}), '$.transports.docker["a.io/b"]: an array'),
    (transports(**{"docker-archive": {"/x": [ACCEPT]}}), 'no scope but ""'),
    (transports(dir={"/": [ACCEPT]}), 'instead of "/"'),
    (transports(dir={"x": [ACCEPT]}), "absolute path"),
    (transports(oci={"/a/../b": [ACCEPT]}), "absolute path"),
    (transports(oci={"/a/": [ACCEPT]}), "absolute path"),
    (transports(**{"oci-archive": {"//a": [ACCEPT]}}), "absolute path"),
    ('{"default": [{"type": "\\ud800"}]}', "no valid Unicode"),
    ('{"default": ' + "[" * 100_000, "nested too deeply"),
    ('{"default": NaN}', "no JSON number"),
    ('{"transports": {"x": {"": [{"type": "reject"}]}}}', "'default' is missing"),
    (
        '{"default":[{"type":"reject"}],"transports":{"docker":{"":[{"type":"reject"}]},"docker":{}}}',
        "$.transports.docker: this field appears twice",
    ),
]


@pytest.mark.parametrize(("text", "reason"), BAD_DOCUMENTS)
def test_wrong_documents_are_refused(text: str, reason: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(text.encode("utf-8", "surrogatepass"), "f")
    assert reason in caught.value.message and "\n" not in str(caught.value)


def test_transports_of_others_are_read() -> None:
    text = transports(
        docker={"": [ACCEPT], "*.example.org": [ACCEPT]},
        atomic={"x": [{"type": "reject"}]},
        oci={"/a": [ACCEPT]},
        **{"docker-daemon": {"": [ACCEPT]}, "something-new": {"what:ever": [ACCEPT]}},
    )
    document = parse_policy(text.encode(), "f")
    assert set(document.transports) == {"docker", "atomic", "oci", "docker-daemon", "something-new"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ELFUSE_POLICY_FILE", raising=False)
    (tmp_path / "home/.config/containers").mkdir(parents=True)
    return tmp_path / "home"


REJECT = '{"default": [{"type": "reject"}]}'


def test_the_order_of_files(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = tmp_path / "system.json"
    assert load(system=str(system)) == Document()
    assert load(system=str(system)).default == (InsecureAcceptAnything(),)
    system.write_text(REJECT)
    assert load(system=str(system)).file == str(system)
    assert load(system=str(system)).default == (Reject(),)
    user = home / ".config/containers/policy.json"
    user.write_text(REJECT)
    assert load(system=str(system)).file == str(user)
    named = tmp_path / "named.json"
    named.write_text(REJECT)
    monkeypatch.setenv("ELFUSE_POLICY_FILE", str(named))
    assert load(system=str(system)).file == str(named)
    monkeypatch.setenv("ELFUSE_POLICY_FILE", "/nowhere")
    assert load(str(named), system=str(system)).file == str(named)


def test_a_named_file_must_exist(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELFUSE_POLICY_FILE", str(tmp_path / "gone.json"))
    with pytest.raises(PolicyError, match=r"gone.json \(named by ELFUSE_POLICY_FILE\) does not exist"):
        load()
    with pytest.raises(PolicyError, match=r"other\.json does not exist"):
        load(str(tmp_path / "other.json"))


def test_a_file_that_cannot_be_read_is_not_passed_over(home: Path, tmp_path: Path) -> None:
    """The system's may be laxer than the user's."""
    system = tmp_path / "system.json"
    system.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    user = home / ".config/containers/policy.json"
    user.mkdir()
    with pytest.raises(PolicyError, match="cannot be read: Is a directory"):
        load(system=str(system))
    user.rmdir()
    user.write_text("{")
    with pytest.raises(PolicyError, match="not valid JSON"):
        load(system=str(system))
    user.unlink()
    os.symlink(user.name, user)
    with pytest.raises(PolicyError, match="cannot be read"):
        load(system=str(system))


names = st.sampled_from(
    [
        "type",
        "default",
        "transports",
        "docker",
        "keyType",
        "keyPath",
        "keyData",
        "signedIdentity",
        "fulcio",
        "",
    ]
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=6)
    | st.sampled_from(["reject", "signedBy", "sigstoreSigned", "GPGKeys", "matchExact", KEY]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(names, values, max_size=4) | values)
def test_any_document_is_a_policy_or_one_clear_error(value: Any) -> None:
    try:
        document = parse_policy(json.dumps(value).encode(), "f")
    except PolicyError as error:
        assert str(error).startswith("f: $") and error.hint
    else:
        assert document.default


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=64))
def test_any_bytes_are_a_policy_or_one_clear_error(data: bytes) -> None:
    with pytest.raises(PolicyError):
        parse_policy(data, "f")
