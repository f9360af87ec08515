"""The signature policy against a real registry, with skopeo as the judge of the same files."""

import base64
import hashlib
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

import elfuse as api
from tests.oci.conftest import Registry
from tests.oci.images import AMD64, Image, index_of, sample, sha256
from tests.oci.signing import (
    COSIGN,
    SIGNATURE,
    CosignSignature,
    Gpg,
    PrivateKey,
    Uploader,
    cosign_sign,
    p256,
    payload,
    public_pem,
    skopeo_allows,
    write_lookaside,
)


@dataclass
class Bench:
    """An image in a registry, a lookaside store, and one policy file for elfuse and skopeo alike."""

    registry: Registry
    work: Path
    gpg: Gpg
    repository: str
    image: Image

    @property
    def reference(self) -> str:
        return f"{self.registry.address}/{self.repository}:1"

    @property
    def digest(self) -> str:
        return sha256(self.image.raw)

    @property
    def by_digest(self) -> str:
        return f"{self.registry.address}/{self.repository}@{self.digest}"

    def sign(self, *signatures: bytes, digest: str | None = None) -> None:
        write_lookaside(self.work / "lookaside", self.repository, digest or self.digest, *signatures)

    def attach(self, *signatures: CosignSignature, digest: str | None = None) -> None:
        uploader = Uploader(self.registry.address, self.registry.ca)
        uploader.attach(self.repository, digest or self.digest, *signatures)

    def payload(self, reference: str | None = None, **changes: Any) -> dict[str, Any]:
        return payload(self.digest, reference or self.reference, **changes)

    def policy(self, *requirements: dict[str, Any]) -> Path:
        rules = {"docker": {f"{self.registry.address}/{self.repository}": list(requirements)}}
        path = self.work / "policy.json"
        path.write_text(json.dumps({"default": [{"type": "reject"}], "transports": rules}))
        return path

    def registries_d(self, *, attachments: bool = True) -> Path:
        directory = self.work / "registries.d"
        directory.mkdir(exist_ok=True)
        (directory / "here.yaml").write_text(
            f"docker:\n  {self.registry.address}:\n    lookaside: file://{self.work}/lookaside\n"
            f"    use-sigstore-attachments: {str(attachments).lower()}\n"
        )
        return directory

    def verdict(
        self, policy: Path, reference: str | None = None, *, attachments: bool = True
    ) -> tuple[bool, str]:
        """elfuse's; skopeo's must be the same where it supports the requirement."""
        image, registries_d = reference or self.reference, self.registries_d(attachments=attachments)
        found = api.Policy.load(str(policy), registries_d=str(registries_d)).check(image)
        skopeos, words = skopeo_allows(image, policy, registries_d, self.registry.certs, self.work / "dir")
        assert skopeos in (found.allowed, None), (found, words)
        return found.allowed, "; ".join(one.cause for one in found.outcomes)


@pytest.fixture(scope="module")
def pushed(tls_registry: Registry) -> Image:
    image = sample(b"policy\n")
    tls_registry.push("policy/shared:1", image)
    return image


@pytest.fixture
def bench(registry: Registry, gpg: Gpg, tmp_path: Path, pushed: Image) -> Bench:
    """With an image that has no attachments."""
    return Bench(registry, tmp_path, gpg, "policy/shared", pushed)


@pytest.fixture
def fresh(registry: Registry, gpg: Gpg, tmp_path: Path, request: pytest.FixtureRequest) -> Bench:
    """With an image of its own, to attach to."""
    text = str(request.node.name).encode()
    image = sample(text[:60])
    repository = f"policy/{sha256(text)[7:19]}"
    registry.push(f"{repository}:1", image)
    return Bench(registry, tmp_path, gpg, repository, image)


def signed_by(key: bytes, identity: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "signedBy", "keyType": "GPGKeys", **fields}
    if not fields:
        found["keyData"] = base64.b64encode(key).decode()
    return {**found, "signedIdentity": identity} if identity else found


def test_accept_and_reject(bench: Bench) -> None:
    assert bench.verdict(bench.policy({"type": "insecureAcceptAnything"}))[0]
    allowed, cause = bench.verdict(bench.policy({"type": "reject"}))
    assert not allowed and cause == "images of this scope are rejected"
    # All requirements count.
    assert not bench.verdict(bench.policy({"type": "insecureAcceptAnything"}, {"type": "reject"}))[0]


def test_a_signature_made_by_skopeo(fresh: Bench) -> None:
    layout = fresh.registry.work / f"{fresh.repository.replace('/', '_')}_1"
    signed = f"{fresh.registry.address}/{fresh.repository}:2"
    command = ["skopeo", "--registries.d", str(fresh.registries_d()), "copy", "-q", "--dest-cert-dir"]
    command += [str(fresh.registry.certs), "--sign-by", fresh.gpg.fingerprint("good")]
    subprocess.run(
        [*command, f"oci:{layout}:x", f"docker://{signed}"],
        check=True,
        env={**os.environ, "GNUPGHOME": str(fresh.gpg.home)},
    )
    policy = fresh.policy(signed_by(fresh.gpg.public("good")))
    assert fresh.verdict(policy, signed)[0]
    assert not fresh.verdict(policy)[0]  # the name that was signed has the tag 2
    assert fresh.verdict(policy, fresh.by_digest)[0]


GPG_CASES: dict[str, tuple[str, bool]] = {
    "good": ("signed by the GPG key", True),
    "unsigned": ("a signature is required, and there is none", False),
    "wrong key": ("which is none of the policy's", False),
    "expired key": ("its key has expired", False),
    "revoked key": ("its key has been revoked", False),
    "expired signature": ("it has expired", False),
    "another digest": ("the signature is of another image", False),
    "another name": ("does not accept", False),
    "another type": ("is not 'atomic container signature'", False),
    "more critical members": ("unknown field", False),
    "no optional": ("'optional' is missing", False),
    "null optional": ("an object is needed here", False),
    "wrong timestamp": ("a whole number is needed here", False),
    "no JSON": ("not valid JSON", False),
    "detached": ("", False),
    "armored": ("in no known format", False),
    "changed": ("", False),
    "empty file": ("the signature file is empty", False),
    "two, the second good": ("signed by the GPG key", True),
    "two, none good": ("none of the 2 signatures is accepted", False),
    "signed twice": ("", False),
    "one file broken": ("in no known format", False),
    "newer format": ("signed by the GPG key", True),
    "unknown format": ("unknown format", False),
    "sha512 digest": ("of another image", False),
}


def gpg_signatures(bench: Bench, case: str) -> list[bytes]:
    gpg, good = bench.gpg, bench.gpg.sign(bench.payload())
    critical = bench.payload()["critical"]
    sha512 = "sha512:" + hashlib.sha512(bench.image.raw).hexdigest()
    changed = bytearray(good)
    changed[-10] ^= 1
    made = {
        "good": lambda: [good],
        "unsigned": list,
        "wrong key": lambda: [gpg.sign(bench.payload(), "other")],
        "expired key": lambda: [gpg.sign(bench.payload(), "expired")],
        "revoked key": lambda: [gpg.sign(bench.payload(), "revoked")],
        "expired signature": lambda: [gpg.sign_expired(bench.payload())],
        "another digest": lambda: [gpg.sign(payload(sha256(b"x"), bench.reference))],
        "another name": lambda: [gpg.sign(bench.payload("example.org/x:1"))],
        "another type": lambda: [gpg.sign(bench.payload(kind=COSIGN))],
        "more critical members": lambda: [gpg.sign(bench.payload(critical={**critical, "new": 1}))],
        "no optional": lambda: [gpg.sign({"critical": critical})],
        "null optional": lambda: [gpg.sign(bench.payload(optional=None))],
        "wrong timestamp": lambda: [gpg.sign(bench.payload(optional={"timestamp": 1.5}))],
        "no JSON": lambda: [gpg.sign(b"nothing")],
        "detached": lambda: [gpg.sign(bench.payload(), "good", "--detach-sign")],
        "armored": lambda: [gpg.sign(bench.payload(), "good", "--armor", "--sign")],
        "changed": lambda: [bytes(changed)],
        "empty file": lambda: [b""],
        "two, the second good": lambda: [gpg.sign(bench.payload(), "other"), good],
        "two, none good": lambda: [gpg.sign(bench.payload(), "other"), gpg.sign(b"{}")],
        "signed twice": lambda: [gpg.sign(bench.payload(), "good", "--local-user", "other", "--sign")],
        "one file broken": lambda: [good, b"garbage"],
        "newer format": lambda: [b"\0simple-signing\n" + good],
        "unknown format": lambda: [b"\0other\n" + good],
        "sha512 digest": lambda: [gpg.sign(payload(sha512, bench.reference))],
    }
    return made[case]()


@pytest.mark.parametrize("case", GPG_CASES)
def test_signed_by(bench: Bench, case: str) -> None:
    words, expected = GPG_CASES[case]
    bench.sign(*gpg_signatures(bench, case))
    # Exporting the key to be revoked revokes it, so that is done after it has signed.
    names = ("good", "expired") if "revoked" not in case else ("good", "revoked")
    allowed, cause = bench.verdict(bench.policy(signed_by(bench.gpg.public(*names))))
    assert allowed is expected and words in cause, cause


def test_keys_in_every_form(bench: Bench, tmp_path: Path) -> None:
    bench.sign(bench.gpg.sign(bench.payload()))
    good, other = bench.gpg.public("good"), bench.gpg.public("other")
    for name, key in (
        ("armored", bench.gpg.public("good", armor=True)),
        ("two armored blocks", bench.gpg.public("other", armor=True) + bench.gpg.public("good", armor=True)),
        ("binary", good),
        ("two binary", other + good),
    ):
        (tmp_path / "key").write_bytes(key)
        assert bench.verdict(bench.policy(signed_by(b"", keyPath=str(tmp_path / "key"))))[0], name
        assert bench.verdict(bench.policy(signed_by(key)))[0], name
    for name, key in (("other", other), ("empty", b""), ("text", b"no key at all\n")):
        (tmp_path / "key").write_bytes(key)
        assert not bench.verdict(bench.policy(signed_by(b"", keyPath=str(tmp_path / "key"))))[0], name
    assert not bench.verdict(bench.policy(signed_by(b"", keyPath=str(tmp_path / "gone"))))[0]


IDENTITIES: list[tuple[dict[str, str] | None, str, str, bool]] = [
    # identity, wanted (tag or digest), signed as, allowed; HERE is the repository's full name
    (None, "tag", "HERE:1", True),
    (None, "tag", "HERE:2", False),
    (None, "digest", "HERE:2", True),
    (None, "digest", "HERE", False),
    ({"type": "matchExact"}, "tag", "HERE:1", True),
    ({"type": "matchExact"}, "digest", "HERE:1", False),
    ({"type": "matchRepository"}, "tag", "HERE", True),
    ({"type": "matchRepository"}, "tag", "HERE/x", False),
    ({"type": "exactReference", "dockerReference": "busybox:1"}, "tag", "docker.io/library/busybox:1", True),
    ({"type": "exactReference", "dockerReference": "busybox:1"}, "tag", "HERE:1", False),
    ({"type": "exactRepository", "dockerRepository": "busybox"}, "tag", "busybox", True),
    ({"type": "exactRepository", "dockerRepository": "busybox"}, "tag", "busybox2:1", False),
    ({"type": "remapIdentity", "prefix": "HOST", "signedPrefix": "q.io/m"}, "tag", "q.io/m/PATH:1", True),
    ({"type": "remapIdentity", "prefix": "HOST", "signedPrefix": "q.io/m"}, "tag", "HERE:1", False),
    ({"type": "remapIdentity", "prefix": "HOST", "signedPrefix": "q.io/m"}, "digest", "q.io/m/PATH:9", True),
    ({"type": "remapIdentity", "prefix": "x.org", "signedPrefix": "q.io"}, "tag", "HERE:1", True),
]


@pytest.mark.parametrize(("identity", "wanted", "signed", "expected"), IDENTITIES)
def test_signed_identity(
    bench: Bench, identity: dict[str, str] | None, wanted: str, signed: str, expected: bool
) -> None:
    def fill(text: str) -> str:
        here = f"{bench.registry.address}/{bench.repository}"
        text = text.replace("HERE", here).replace("HOST", bench.registry.address)
        return text.replace("PATH", bench.repository)

    filled = {name: fill(value) for name, value in identity.items()} if identity else None
    bench.sign(bench.gpg.sign(bench.payload(fill(signed))))
    policy = bench.policy(signed_by(bench.gpg.public("good"), filled))
    assert bench.verdict(policy, bench.by_digest if wanted == "digest" else None)[0] is expected


def sigstore_signed(key: PrivateKey, identity: str = "matchRepository") -> dict[str, Any]:
    data = base64.b64encode(public_pem(key)).decode()
    return {"type": "sigstoreSigned", "keyData": data, "signedIdentity": {"type": identity}}


@pytest.mark.parametrize(
    "key",
    [
        p256(),
        ec.generate_private_key(ec.SECP384R1()),
        rsa.generate_private_key(65537, 2048),
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=["p256", "p384", "rsa", "ed25519"],
)
def test_sigstore_keys(fresh: Bench, key: PrivateKey) -> None:
    fresh.attach(cosign_sign(key, fresh.payload(f"{fresh.registry.address}/{fresh.repository}", kind=COSIGN)))
    allowed, cause = fresh.verdict(fresh.policy(sigstore_signed(key)))
    assert allowed and cause.startswith("signed by a key in the policy itself as")
    allowed, cause = fresh.verdict(fresh.policy(sigstore_signed(p256())))
    assert not allowed and cause == "the signature does not verify with the policy's key"
    # As by cosign, with a repository alone: the default demands a tag or a digest.
    assert not fresh.verdict(fresh.policy(sigstore_signed(key, "matchRepoDigestOrExact")))[0]
    # Not looked for where registries.d does not say so.
    allowed, cause = fresh.verdict(fresh.policy(sigstore_signed(key)), attachments=False)
    assert not allowed and cause == "a signature is required, and there is none"


SIGSTORE_CASES: dict[str, tuple[str, bool]] = {
    "as cosign writes it": ("signed by", True),
    "no attachment": ("there is none", False),
    "another digest": ("of another image", False),
    "another repository": ("does not accept", False),
    "GPG's type": ("is not 'cosign container image signature'", False),
    "no annotation": (f"has no annotation {SIGNATURE}", False),
    "not base64": ("the signature is not base64", False),
    "payload changed": ("does not verify", False),
    "an attestation only": ("there is none", False),
    "two, the second good": ("signed by", True),
    "in the lookaside": ("signed by", True),
    "more critical members": ("unknown field", False),
}


@pytest.mark.parametrize("case", SIGSTORE_CASES)
def test_sigstore_signatures(fresh: Bench, case: str) -> None:
    key, here = p256(), f"{fresh.registry.address}/{fresh.repository}"
    what = fresh.payload(here, kind=COSIGN, optional=None)
    good = cosign_sign(key, what)
    critical = what["critical"]
    match case:
        case "as cosign writes it":
            fresh.attach(good)
        case "another digest":
            fresh.attach(cosign_sign(key, payload(sha256(b"x"), here, COSIGN)))
        case "another repository":
            fresh.attach(cosign_sign(key, fresh.payload("example.org/x", kind=COSIGN)))
        case "GPG's type":
            fresh.attach(cosign_sign(key, fresh.payload(here)))
        case "no annotation":
            fresh.attach(CosignSignature(good.payload))
        case "not base64":
            fresh.attach(CosignSignature(good.payload, {SIGNATURE: "no!"}))
        case "payload changed":
            fresh.attach(CosignSignature(good.payload + b" ", good.annotations))
        case "an attestation only":
            media_type = "application/vnd.dsse.envelope.v1+json"
            fresh.attach(CosignSignature(good.payload, good.annotations, media_type))
        case "two, the second good":
            fresh.attach(cosign_sign(p256(), {**what, "optional": {}}), good)
        case "in the lookaside":
            fresh.sign(b"\0sigstore-json\n" + stored(good))
        case "more critical members":
            fresh.attach(cosign_sign(key, {**what, "critical": {**critical, "x": 1}}))
    words, expected = SIGSTORE_CASES[case]
    allowed, cause = fresh.verdict(fresh.policy(sigstore_signed(key)))
    assert allowed is expected and words in cause, cause


def stored(signature: CosignSignature) -> bytes:
    """As containers/image keeps a sigstore signature in a file."""
    return json.dumps(
        {
            "mimeType": signature.media_type,
            "payload": base64.b64encode(signature.payload).decode(),
            "annotations": signature.annotations,
        }
    ).encode()


def test_both_kinds_required(fresh: Bench) -> None:
    key = p256()
    policy = fresh.policy(signed_by(fresh.gpg.public("good")), sigstore_signed(key))
    fresh.sign(fresh.gpg.sign(fresh.payload()))
    assert not fresh.verdict(policy)[0]
    fresh.attach(cosign_sign(key, fresh.payload(kind=COSIGN)))
    assert fresh.verdict(policy)[0]


def test_of_an_index_the_platforms_manifest_is_judged(fresh: Bench) -> None:
    arm, amd = sample(b"of an index\n"), sample(b"amd\n", platform=AMD64)
    reference = fresh.registry.push(f"{fresh.repository}:index", amd, arm)
    leaf, top = sha256(arm.raw), sha256(index_of([amd, arm]))
    policy = fresh.policy(signed_by(fresh.gpg.public("good")))
    pinned = f"{fresh.registry.address}/{fresh.repository}@{top}"
    fresh.sign(fresh.gpg.sign(payload(top, reference)), digest=top)
    assert not fresh.verdict(policy, reference)[0]
    fresh.sign(fresh.gpg.sign(payload(sha256(amd.raw), reference)), digest=sha256(amd.raw))
    assert not fresh.verdict(policy, reference)[0]
    fresh.sign(fresh.gpg.sign(payload(leaf, reference)), digest=leaf)
    assert fresh.verdict(policy, reference)[0]
    # The index by its digest: the leaf's signature is for another tag, which then does not matter.
    assert fresh.verdict(policy, pinned)[0]


@pytest.mark.parametrize("scope", ["HERE:1", "HERE", "policy", "host", "any", "default"])
def test_scopes(bench: Bench, scope: str) -> None:
    address = bench.registry.address
    accept, reject = [{"type": "insecureAcceptAnything"}], [{"type": "reject"}]
    ladder = [bench.reference, f"{address}/{bench.repository}", f"{address}/policy", address, "", None]
    place = ["HERE:1", "HERE", "policy", "host", "any", "default"].index(scope)
    # Every wider scope rejects: the most specific one alone decides.
    rules = {name: reject for name in ladder[place + 1 :] if name is not None}
    document: dict[str, Any] = {"default": reject, "transports": {"docker": rules}}
    if ladder[place] is None:
        document["default"] = accept
    else:
        rules[ladder[place]] = accept
    path = bench.work / "scopes.json"
    path.write_text(json.dumps(document))
    assert bench.verdict(path)[0]
    swapped = json.dumps(document).replace("reject", "#").replace("insecureAcceptAnything", "reject")
    path.write_text(swapped.replace("#", "insecureAcceptAnything"))
    assert not bench.verdict(path)[0]


@pytest.mark.parametrize("seed", range(6))
def test_any_scopes_decide_as_for_skopeo(bench: Bench, seed: int) -> None:
    random = Random(seed)
    address, (host, _, port) = bench.registry.address, bench.registry.address.partition(":")
    candidates = [bench.reference, bench.by_digest, f"{address}/policy/shared", f"{address}/policy", address]
    candidates += [f"{address}/policy/share", f"{address}/polic", f"{address}/", host, f":{port}", "*.0.0.1"]
    candidates += [f"*.0.0.1:{port}", "*.0.1", "*.1", "*", f"*.{host}", "policy/shared", "shared:1", ""]

    def rule() -> list[dict[str, str]]:
        return [{"type": random.choice(["reject", "insecureAcceptAnything"])}]

    scopes = {scope: rule() for scope in random.sample(candidates, random.randint(0, 8))}
    path = bench.work / "any.json"
    path.write_text(json.dumps({"default": rule(), "transports": {"docker": scopes, "atomic": {"": rule()}}}))
    for reference in (bench.reference, bench.by_digest):
        bench.verdict(path, reference)
