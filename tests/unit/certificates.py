"""Authorities, certificates and a transparency log, made for tests of signatures."""

import base64
import datetime
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.oci.signing import PrivateKey, p256, raw_sign

NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
MINUTE = datetime.timedelta(minutes=1)
YEAR = datetime.timedelta(days=365)
CODE = ExtendedKeyUsageOID.CODE_SIGNING
SERVER = ExtendedKeyUsageOID.SERVER_AUTH
ISSUER_V1 = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
ISSUER_V2 = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
OIDC = "https://issuer.example.org"
EMAIL = "signer@example.org"


@dataclass(frozen=True)
class Holder:
    """A key with its certificate."""

    key: PrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def authority(
    name: str,
    issuer: Holder | None = None,
    *,
    path_length: int | None = None,
    ca: bool = True,
    cert_sign: bool = True,
    usages: list[x509.ObjectIdentifier] | None = None,
    valid: tuple[datetime.datetime, datetime.datetime] = (NOW - YEAR, NOW + YEAR),
    more: list[tuple[x509.ExtensionType, bool]] | None = None,
    key: ec.EllipticCurvePrivateKey | None = None,
) -> Holder:
    key = key or p256()
    usage = dict.fromkeys(
        [
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ],
        False,
    )
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca, path_length if ca else None), True),
        (x509.KeyUsage(key_cert_sign=cert_sign, **usage), True),
        *(more or []),
    ]
    if usages is not None:
        extensions.append((x509.ExtendedKeyUsage(usages), False))
    return _issue(key, name, issuer, valid, extensions)


def signer(
    issuer: Holder,
    *,
    emails: tuple[str, ...] = (EMAIL,),
    hosts: tuple[str, ...] = (),
    oidc: str | None = OIDC,
    oidc_v2: str | None = None,
    usages: list[x509.ObjectIdentifier] | None = None,
    valid: tuple[datetime.datetime, datetime.datetime] = (NOW - MINUTE, NOW + 180 * MINUTE),
    more: list[tuple[x509.ExtensionType, bool]] | None = None,
) -> Holder:
    names: list[x509.GeneralName] = [x509.RFC822Name(email) for email in emails]
    names += [x509.DNSName(host) for host in hosts]
    extensions: list[tuple[x509.ExtensionType, bool]] = [*(more or [])]
    if names:
        extensions.append((x509.SubjectAlternativeName(names), True))
    if usages is None:
        usages = [CODE]
    if usages:
        extensions.append((x509.ExtendedKeyUsage(usages), False))
    if oidc is not None:
        extensions.append((x509.UnrecognizedExtension(ISSUER_V1, oidc.encode()), False))
    if oidc_v2 is not None:
        data = oidc_v2.encode()
        extensions.append((x509.UnrecognizedExtension(ISSUER_V2, bytes([12, len(data)]) + data), False))
    return _issue(p256(), "", issuer, valid, extensions)


def _issue(
    key: ec.EllipticCurvePrivateKey,
    name: str,
    issuer: Holder | None,
    valid: tuple[datetime.datetime, datetime.datetime],
    extensions: list[tuple[x509.ExtensionType, bool]],
) -> Holder:
    subject = _name(name) if name else x509.Name([])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    signing = issuer.key if issuer else key
    assert isinstance(signing, ec.EllipticCurvePrivateKey)
    return Holder(key, builder.sign(signing, hashes.SHA256()))


def bundle(
    log: PrivateKey,
    *,
    key_or_certificate: bytes,
    signature: str,
    payload: bytes,
    time: datetime.datetime = NOW,
    body: dict[str, Any] | None = None,
    envelope: dict[str, Any] | None = None,
) -> str:
    """What Rekor answers and cosign keeps: an entry with its signed timestamp. `body` and `envelope` replace
    members of the entry and of what is signed."""
    entry = {
        "apiVersion": "0.0.1",
        "kind": "hashedrekord",
        "spec": {
            "data": {"hash": {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()}},
            "signature": {
                "content": signature,
                "publicKey": {"content": base64.b64encode(key_or_certificate).decode()},
            },
        },
        **(body or {}),
    }
    signed = {
        "body": base64.b64encode(json.dumps(entry).encode()).decode(),
        "integratedTime": int(time.timestamp()),
        "logIndex": 7,
        "logID": "c0ffee",
        **(envelope or {}),
    }
    canonical = json.dumps(signed, sort_keys=True, separators=(",", ":")).encode()
    timestamp = base64.b64encode(raw_sign(log, canonical)).decode()
    # As it comes, in any order and with any spaces.
    return json.dumps({"SignedEntryTimestamp": timestamp, "Payload": signed}, indent=1)
