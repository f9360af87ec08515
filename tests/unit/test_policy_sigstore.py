"""sigstoreSigned: what must hold between a signature, its log entry, its certificate and the policy."""

import base64
import copy
import ipaddress
import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from elfuse.oci.digest import Digest
from elfuse.oci.policy.document import parse_policy
from elfuse.oci.policy.gate import Policy
from elfuse.oci.policy.signature import Attachment, Signature
from elfuse.oci.reference import parse
from tests.oci.images import sha256
from tests.oci.signing import (
    COSIGN,
    SIGNATURE,
    CosignSignature,
    PrivateKey,
    cosign_sign,
    p256,
    payload,
    public_pem,
)
from tests.unit.certificates import (
    CODE,
    EMAIL,
    MINUTE,
    NOW,
    OIDC,
    SERVER,
    YEAR,
    Holder,
    authority,
    bundle,
    signer,
)

MANIFEST = b'{"the":"manifest"}'
IMAGE = "registry.example.org/app:1"
BUNDLE = "dev.sigstore.cosign/bundle"
CERTIFICATE = "dev.sigstore.cosign/certificate"
CHAIN = "dev.sigstore.cosign/chain"
PAYLOAD = payload(sha256(MANIFEST), IMAGE, COSIGN)
LOG = p256()
RSA = rsa.generate_private_key(65537, 2048)
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"x")


class Given:
    """Signatures that are at hand."""

    def __init__(self, *signatures: CosignSignature) -> None:
        self.all: list[Signature] = [Attachment(s.media_type, s.payload, s.annotations) for s in signatures]

    def signatures(self, digest: Digest) -> list[Signature]:
        assert digest == sha256(MANIFEST)
        return self.all


def b64(data: bytes | str) -> str:
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def verdict(requirement: dict[str, Any], *signatures: CosignSignature) -> tuple[bool, str]:
    document = json.dumps({"default": [{"type": "sigstoreSigned", **requirement}]})
    found = Policy(parse_policy(document.encode(), "f")).check(parse(IMAGE), MANIFEST, Given(*signatures))
    assert len(found.outcomes) == 1 and "internal" not in found.outcomes[0].cause
    assert not found.outcomes[0].cause.startswith("it could not be checked"), found
    return found.allowed, found.outcomes[0].cause


# -- keys, with and without the log


def logged(key: PrivateKey, log: PrivateKey = LOG, **changes: Any) -> CosignSignature:
    signature = cosign_sign(key, PAYLOAD)
    fields = {
        "key_or_certificate": public_pem(key),
        "signature": signature.annotations[SIGNATURE],
        "payload": signature.payload,
        **changes,
    }
    signature.annotations[BUNDLE] = bundle(log, **fields)
    return signature


def with_rekor(*keys: PrivateKey, log: PrivateKey = LOG) -> dict[str, Any]:
    return {"keyDatas": [b64(public_pem(key)) for key in keys], "rekorPublicKeyData": b64(public_pem(log))}


def test_a_key_and_the_log() -> None:
    key = p256()
    assert verdict(with_rekor(key), logged(key))[0]
    assert verdict(with_rekor(p256(), key), logged(key))[0]
    assert verdict(with_rekor(key), logged(p256()), logged(key))[0]
    allowed, cause = verdict(with_rekor(key), cosign_sign(key, PAYLOAD))
    assert not allowed and cause == f"the signature has no annotation {BUNDLE}"
    allowed, cause = verdict(with_rekor(key, log=p256()), logged(key))
    assert not allowed and cause == "the Rekor bundle is not signed by the policy's key of Rekor"
    # Without the requirement the bundle does not matter.
    assert verdict({"keyData": b64(public_pem(key))}, logged(key, log=p256()))[0]


def test_several_keys_of_the_log() -> None:
    key, old = p256(), ec.generate_private_key(ec.SECP384R1())
    both = {"keyData": b64(public_pem(key)), "rekorPublicKeyDatas": [b64(public_pem(k)) for k in (old, LOG)]}
    assert verdict(both, logged(key))[0]
    assert verdict(both, logged(key, log=old))[0]
    assert not verdict(both, logged(key, log=p256()))[0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"key_or_certificate": public_pem(p256())}, "about another key or certificate"),
        ({"signature": b64(b"other")}, "about another signature"),
        ({"payload": b"other"}, "about another payload"),
        ({"key_or_certificate": b"no PEM"}, "is not one PEM block"),
        ({"body": {"kind": "intoto"}}, "no hashedrekord 0.0.1"),
        ({"body": {"apiVersion": "0.0.2"}}, "no hashedrekord 0.0.1"),
        ({"body": {"spec": {}}}, "malformed"),
        ({"body": {"more": 1}}, "unknown field"),
        ({"envelope": {"integratedTime": "1"}}, "an integer is needed"),
        ({"envelope": {"integratedTime": -1}}, "out of range"),
        ({"envelope": {"logIndex": 1 << 60}}, "out of range"),
        ({"envelope": {"logID": 1}}, "a string is needed"),
        ({"envelope": {"more": 1}}, "unknown field"),
        ({"envelope": {"body": "!"}}, "not base64"),
        ({"envelope": {"body": b64("x")}}, "not valid JSON"),
    ],
)
def test_a_log_entry_about_something_else(changes: dict[str, Any], words: str) -> None:
    """CVE-2026-22703: a promise of the log is worth something for its own entry only."""
    key = p256()
    allowed, cause = verdict(with_rekor(key), logged(key, **changes))
    assert not allowed and words in cause, cause


def test_a_bundle_that_was_changed() -> None:
    key = p256()
    good = logged(key)
    for name, value in (("integratedTime", 1), ("logIndex", 8), ("logID", "d0ffee")):
        document = json.loads(good.annotations[BUNDLE])
        document["Payload"][name] = value
        changed = copy.deepcopy(good)
        changed.annotations[BUNDLE] = json.dumps(document)
        assert not verdict(with_rekor(key), changed)[0], name
    for text in ("", "null", "[]", '{"Payload": {}}', "\ud800", good.annotations[BUNDLE] + "x", "[" * 9999):
        changed = copy.deepcopy(good)
        changed.annotations[BUNDLE] = text
        allowed, cause = verdict(with_rekor(key), changed)
        assert not allowed and "malformed" in cause, text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"keyData": b64(b"nothing")}, "no PEM public key"),
        ({"keyPath": "/nonexistent/key"}, "cannot be read: No such file"),
        ({"keyDatas": [b64(public_pem(p256())), b64(b"x")]}, "no PEM public key"),
        (
            {"keyData": b64(public_pem(p256())), "rekorPublicKeyData": b64(public_pem(RSA))},
            "no ECDSA key",
        ),
        ({"keyData": b64(public_pem(p256())), "rekorPublicKeyPath": "/nonexistent/r"}, "cannot be read"),
        (
            {
                "keyData": b64(
                    "-----BEGIN PUBLIC KEY-----\nMA0GCSqGSIb3DQEBAQUAAwA=\n-----END PUBLIC KEY-----"
                )
            },
            "no PEM public key",
        ),
    ],
)
def test_keys_that_cannot_be_used_reject(fields: dict[str, Any], words: str) -> None:
    """Even beside one that could: which of them was meant is not known."""
    allowed, cause = verdict(fields, cosign_sign(p256(), PAYLOAD))
    assert not allowed and words in cause, cause


# -- Fulcio

ROOT = authority("root")


def fulcio(root: Holder = ROOT, **changes: str) -> dict[str, Any]:
    return {
        "fulcio": {"caData": b64(root.pem), "oidcIssuer": OIDC, "subjectEmail": EMAIL, **changes},
        "rekorPublicKeyData": b64(public_pem(LOG)),
    }


def certified(holder: Holder, *chain: Holder, **changes: Any) -> CosignSignature:
    """Signed by the holder's key, with certificate, chain and log entry."""
    annotations = {CERTIFICATE: holder.pem}
    if chain:
        annotations[CHAIN] = "".join(one.pem for one in chain)
    signature = cosign_sign(holder.key, PAYLOAD, **annotations)
    fields = {
        "key_or_certificate": holder.pem.encode(),
        "signature": signature.annotations[SIGNATURE],
        "payload": signature.payload,
        **changes,
    }
    signature.annotations[BUNDLE] = bundle(LOG, **fields)
    return signature


def test_fulcio() -> None:
    allowed, cause = verdict(fulcio(), certified(signer(ROOT)))
    assert allowed and EMAIL in cause
    assert verdict(fulcio(), certified(signer(ROOT, oidc=None, oidc_v2=OIDC)))[0]
    assert verdict(fulcio(), certified(signer(ROOT, oidc_v2=OIDC)))[0]
    assert verdict(fulcio(), certified(signer(ROOT, emails=("a@b.org", EMAIL))))[0]
    middle = authority("middle", ROOT, usages=[CODE])
    below = signer(middle)
    assert verdict(fulcio(), certified(below, middle, ROOT))[0]
    # The chain's last certificate is the root, which the policy has and the signature cannot give.
    assert not verdict(fulcio(), certified(below, middle))[0]
    assert not verdict(fulcio(), certified(below))[0]


def test_fulcio_at_the_time_of_the_log() -> None:
    """The certificate lived for minutes, long ago; that it did when it signed is what the log says."""
    then = NOW - YEAR / 2
    holder = signer(ROOT, valid=(then - MINUTE, then + MINUTE))
    assert verdict(fulcio(), certified(holder, time=then))[0]
    for moment in (then - 2 * MINUTE, then + 2 * MINUTE, NOW):
        allowed, cause = verdict(fulcio(), certified(holder, time=moment))
        assert not allowed and "was valid from" in cause
    old_root = authority("root", valid=(then + MINUTE, NOW + YEAR))
    holder = signer(old_root, valid=(then - MINUTE, then + 2 * MINUTE))
    assert not verdict(fulcio(old_root), certified(holder, time=then))[0]


@pytest.mark.parametrize(
    ("signature", "words"),
    [
        (lambda: certified(signer(ROOT, emails=("other@example.org",))), "signed by other@example.org"),
        (lambda: certified(signer(ROOT, emails=(EMAIL.upper(),))), "signed by"),
        (lambda: certified(signer(ROOT, emails=())), "nobody with an e-mail"),
        (lambda: certified(signer(ROOT, emails=(), hosts=("example.org",))), "nobody with an e-mail"),
        (lambda: certified(signer(ROOT, oidc="https://other.org")), "vouched for by 'https://other.org'"),
        (lambda: certified(signer(ROOT, oidc=None)), "names no OIDC issuer"),
        (lambda: certified(signer(ROOT, oidc_v2="https://other.org")), "names two OIDC issuers"),
        (lambda: certified(signer(ROOT, usages=[SERVER])), "not for code signing"),
        (lambda: certified(signer(authority("root"))), "did not sign it"),
        (lambda: certified(signer(authority("elsewhere"))), "not issued by a trusted authority"),
        (
            lambda: certified(signer(ROOT, more=[(UNKNOWN, True)])),
            "unknown critical extension 1.2.3",
        ),
        (lambda: certified(signer(ROOT), key_or_certificate=signer(ROOT).pem.encode()), "another key"),
        (lambda: certified(signer(ROOT), key_or_certificate=public_pem(p256())), "another key"),
        (lambda: without(certified(signer(ROOT)), CERTIFICATE), f"no annotation {CERTIFICATE}"),
        (lambda: without(certified(signer(ROOT)), BUNDLE), f"no annotation {BUNDLE}"),
        (lambda: replaced(certified(signer(ROOT)), CERTIFICATE, signer(ROOT).pem), "another key"),
        (lambda: replaced(certified(signer(ROOT)), CERTIFICATE, "x"), "not one PEM block"),
        (lambda: replaced(certified(signer(ROOT)), CHAIN, "x"), "chain cannot be read"),
        (lambda: resigned(certified(signer(ROOT))), "another signature"),
    ],
)
def test_fulcio_refuses(signature: Any, words: str) -> None:
    allowed, cause = verdict(fulcio(), signature())
    assert not allowed and words in cause, cause


def without(signature: CosignSignature, name: str) -> CosignSignature:
    del signature.annotations[name]
    return signature


def replaced(signature: CosignSignature, name: str, value: str) -> CosignSignature:
    signature.annotations[name] = value
    return signature


def resigned(signature: CosignSignature) -> CosignSignature:
    """The certificate and the entry of another, beside a signature of ours."""
    return replaced(signature, SIGNATURE, cosign_sign(p256(), PAYLOAD).annotations[SIGNATURE])


CONSTRAINTS = x509.NameConstraints([x509.RFC822Name("example.org")], None)
LONG = (NOW - YEAR, NOW + YEAR)


@pytest.mark.parametrize(
    ("middle", "words"),
    [
        (lambda: authority("middle", ROOT, ca=False, cert_sign=False), "no certificate authority"),
        (lambda: authority("middle", ROOT, cert_sign=False), "may not sign certificates"),
        (lambda: authority("middle", ROOT, usages=[SERVER]), "not for code signing"),
        (lambda: authority("middle", ROOT, valid=(NOW - YEAR, NOW - MINUTE)), "was valid from"),
        (lambda: authority("middle", ROOT, more=[(CONSTRAINTS, True)]), "name constraints"),
        (lambda: authority("middle", ROOT, more=[(CONSTRAINTS, False)]), "name constraints"),
        (lambda: authority("middle", authority("root")), "did not sign it"),
    ],
)
def test_intermediate_certificates_refused(middle: Any, words: str) -> None:
    """As Go's crypto/x509, by which containers/image verifies."""
    issuer = middle()
    allowed, cause = verdict(fulcio(), certified(signer(issuer), issuer, ROOT))
    assert not allowed and words in cause, cause
    assert not verdict(pki(), certified(signer(issuer, hosts=("example.org",)), issuer, ROOT))[0]


def test_path_lengths() -> None:
    short = authority("short", path_length=0)
    assert verdict(fulcio(short), certified(signer(short)))[0]
    middle = authority("middle", short)
    allowed, cause = verdict(fulcio(short), certified(signer(middle), middle, short))
    assert not allowed and "so long a chain" in cause


def test_endless_chains_end() -> None:
    """Authorities of one name that all sign each other: a search without a budget would take for ever."""
    key = p256()
    first = authority("loop", key=key)
    many = [authority("loop", first, key=key) for _ in range(40)]
    allowed, cause = verdict(fulcio(), certified(signer(first), *many, ROOT))
    assert not allowed and "too many certificates" in cause


# -- PKI


def pki(root: Holder = ROOT, **changes: str) -> dict[str, Any]:
    fields = {"caRootsData": b64(root.pem), "subjectHostname": "example.org", **changes}
    return {"pki": {name: value for name, value in fields.items() if value}}


def test_pki() -> None:
    holder = signer(ROOT, hosts=("example.org", "*.build.example.org"), oidc=None)
    signature = without(certified(holder), BUNDLE)
    assert verdict(pki(), signature)[0]
    assert verdict(pki(subjectEmail=EMAIL), signature)[0]
    assert verdict(pki(subjectHostname="", subjectEmail=EMAIL), signature)[0]
    assert verdict(pki(subjectHostname="one.BUILD.example.org"), signature)[0]
    for host in ("build.example.org", "a.b.build.example.org", "example.org.evil.org", "xample.org", "*"):
        allowed, cause = verdict(pki(subjectHostname=host), signature)
        assert not allowed and "it was signed by example.org, *.build.example.org" in cause, host
    assert not verdict(pki(subjectEmail="other@example.org"), signature)[0]
    allowed, cause = verdict(
        pki(), certified(signer(ROOT, hosts=("example.org",), valid=(NOW - YEAR, NOW - MINUTE)))
    )
    assert not allowed and "was valid from" in cause
    assert not verdict(pki(authority("root")), signature)[0]


def test_pki_intermediates() -> None:
    middle = authority("middle", ROOT)
    holder = signer(middle, hosts=("example.org",), oidc=None, usages=[], valid=LONG)
    assert verdict(pki(), certified(holder, middle, ROOT))[0]
    assert not verdict(pki(), certified(holder))[0]
    assert verdict(pki(caIntermediatesData=b64(middle.pem)), certified(holder))[0]
    allowed, cause = verdict(pki(caIntermediatesData=b64("x")), certified(holder))
    assert not allowed and "intermediate CA cannot be read" in cause
    allowed, cause = verdict(pki(caRootsPath="/nonexistent/ca", caRootsData=""), certified(holder))
    assert not allowed and "/nonexistent/ca cannot be read" in cause


def test_addresses_as_host_names() -> None:
    names = x509.SubjectAlternativeName(
        [x509.IPAddress(ipaddress.ip_address("192.0.2.1")), x509.DNSName("192.0.2.2")]
    )
    holder = signer(ROOT, emails=(), more=[(names, False)])
    assert verdict(pki(subjectHostname="192.0.2.1"), certified(holder))[0]
    assert not verdict(pki(subjectHostname="192.0.2.2"), certified(holder))[0]


# -- anything


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from([SIGNATURE, BUNDLE, CERTIFICATE, CHAIN]), st.text(max_size=40)),
    st.binary(max_size=40),
)
def test_any_attachment_is_refused_and_nothing_else(annotations: dict[str, str], data: bytes) -> None:
    signature = CosignSignature(data, annotations)
    for requirement in ({"keyData": b64(public_pem(LOG))}, with_rekor(LOG), fulcio(), pki()):
        assert not verdict(requirement, signature)[0]
