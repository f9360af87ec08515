"""What signs in tests: GnuPG with keys of its own, and cosign's format made with `cryptography`."""

import base64
import json
import os
import shutil
import ssl
import subprocess
import tempfile
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from tests.oci.images import MANIFEST, sha256

SIMPLE = "atomic container signature"
COSIGN = "cosign container image signature"
COSIGN_LAYER = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE = "dev.cosignproject.cosign/signature"
LONG_AGO = "20200101T000000!"


def payload(digest: str, reference: str, kind: str = SIMPLE, **changes: Any) -> dict[str, Any]:
    """What containers/image signs; `changes` replace whole members."""
    critical = {
        "type": kind,
        "image": {"docker-manifest-digest": digest},
        "identity": {"docker-reference": reference},
    }
    return {"critical": critical, "optional": {"creator": "tests", "timestamp": 1_700_000_000}, **changes}


class Gpg:
    """A GnuPG home with keys without passphrases: good, other, expired and revoked."""

    def __init__(self) -> None:
        # Not below pytest's directory: the agent's socket has a path of at most 108 bytes.
        self.home = Path(tempfile.mkdtemp(prefix="elfuse-gpg-", dir="/tmp"))
        self._run("--faked-system-time", LONG_AGO, *_key("good", "never"))
        self._run(*_key("other", "never"))
        self._run("--faked-system-time", LONG_AGO, *_key("expired", "2020-06-01"))
        self._run(*_key("revoked", "never"))

    def close(self) -> None:
        subprocess.run(["gpgconf", "--homedir", str(self.home), "--kill", "all"], check=False)
        shutil.rmtree(self.home, ignore_errors=True)

    def _run(self, *words: str, data: bytes = b"") -> bytes:
        command = ["gpg", "--homedir", str(self.home), "--batch", "--quiet", *words]
        return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout

    def fingerprint(self, name: str) -> str:
        lines = self._run("--with-colons", "--list-keys", _user(name)).decode().splitlines()
        return next(line.split(":")[9] for line in lines if line.startswith("fpr:"))

    def public(self, *names: str, armor: bool = False) -> bytes:
        """The public keys; that of `revoked` with its revocation."""
        if "revoked" in names:
            path = self.home / "openpgp-revocs.d" / f"{self.fingerprint('revoked')}.rev"
            self._run("--import", data=path.read_bytes().replace(b":-----BEGIN", b"-----BEGIN"))
        return self._run(*(["--armor"] if armor else []), "--export", *map(_user, names))

    def sign(self, what: dict[str, Any] | bytes, name: str = "good", *words: str) -> bytes:
        data = what if isinstance(what, bytes) else json.dumps(what).encode()
        moment = ["--faked-system-time", "20200102T000000!"] if name == "expired" else []
        return self._run(*moment, "--local-user", _user(name), *(words or ["--sign"]), data=data)

    def sign_expired(self, what: dict[str, Any]) -> bytes:
        """By the good key, which is valid, for a month of the past."""
        return self.sign(
            what, "good", "--faked-system-time", "20200102T000000!", "--default-sig-expire", "1m", "--sign"
        )


def _user(name: str) -> str:
    return f"{name}@example.org"


def _key(name: str, expire: str) -> list[str]:
    return ["--passphrase", "", "--quick-generate-key", _user(name), "ed25519", "sign", expire]


PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


def p256() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public_pem(key: PrivateKey) -> bytes:
    encoding, kind = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(encoding, kind)


def raw_sign(key: PrivateKey, data: bytes) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(hashes.SHA256()))
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(data)


@dataclass
class CosignSignature:
    """A payload with the annotations beside it."""

    payload: bytes
    annotations: dict[str, str] = field(default_factory=dict)
    media_type: str = COSIGN_LAYER


def cosign_sign(key: PrivateKey, what: dict[str, Any] | bytes, **annotations: str) -> CosignSignature:
    data = what if isinstance(what, bytes) else json.dumps(what).encode()
    signature = base64.b64encode(raw_sign(key, data)).decode()
    return CosignSignature(data, {SIGNATURE: signature, **annotations})


@dataclass(frozen=True)
class Uploader:
    """Puts manifests and blobs into a registry as they are."""

    address: str
    ca: Path

    def attach(self, repository: str, digest: str, *signatures: CosignSignature) -> None:
        """As cosign does: a manifest tagged sha256-<hex>.sig, one layer a signature."""
        config = b'{"architecture":"","os":"","config":{},"rootfs":{"type":"layers","diff_ids":[]}}'
        layers = []
        for signature in signatures:
            self._blob(repository, signature.payload)
            layers.append(
                {
                    "mediaType": signature.media_type,
                    "digest": sha256(signature.payload),
                    "size": len(signature.payload),
                    "annotations": signature.annotations,
                }
            )
        self._blob(repository, config)
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": sha256(config),
                "size": len(config),
            },
            "layers": layers,
        }
        self.put_manifest(repository, digest.replace(":", "-") + ".sig", json.dumps(manifest).encode())

    def put_manifest(self, repository: str, tag: str, data: bytes, media_type: str = MANIFEST) -> None:
        self._send("PUT", f"/v2/{repository}/manifests/{tag}", data, media_type)

    def _blob(self, repository: str, data: bytes) -> None:
        location = self._send("POST", f"/v2/{repository}/blobs/uploads/", b"", "application/octet-stream")
        mark = "&" if "?" in location else "?"
        self._send("PUT", f"{location}{mark}digest={sha256(data)}", data, "application/octet-stream")

    def _send(self, method: str, path: str, data: bytes, media_type: str) -> str:
        url = path if path.startswith("https:") else f"https://{self.address}{path}"
        request = urllib.request.Request(url, data, {"Content-Type": media_type}, method=method)
        context = ssl.create_default_context(cafile=str(self.ca))
        with urllib.request.urlopen(request, context=context) as answer:
            return str(answer.headers.get("Location", ""))


def write_lookaside(base: Path, repository: str, digest: str, *signatures: bytes) -> None:
    directory = base / f"{repository}@{digest.replace(':', '=')}"
    directory.mkdir(parents=True, exist_ok=True)
    for number, signature in enumerate(signatures, 1):
        (directory / f"signature-{number}").write_bytes(signature)


def skopeo_allows(
    reference: str, policy: Path, registries_d: Path, certs: Path, destination: Path
) -> tuple[bool | None, str]:
    """skopeo's verdict on the image, and its words. A failure that is not the policy's raises.

    None where it does not support the requirement: Debian builds it without sigstore.
    """
    command = ["skopeo", "--policy", str(policy), "--registries.d", str(registries_d)]
    command += ["--override-os", "linux", "--override-arch", "arm64", "--override-variant", "v8"]
    command += ["copy", "-q", "--remove-signatures", "--src-cert-dir", str(certs)]
    done = subprocess.run(
        [*command, f"docker://{reference}", f"dir:{destination}"],
        capture_output=True,
        text=True,
        env={**os.environ, "GNUPGHOME": "/nonexistent"},
    )
    if done.returncode:
        assert "ource image rejected" in done.stderr, done.stderr
        if "sigstore disabled" in done.stderr:
            return None, done.stderr
    return done.returncode == 0, done.stderr
