"""Rekor: the transparency log's promise that it holds exactly this signature.

A bundle is the log's signed entry timestamp over the canonical JSON (RFC 8785) of an entry. A promise
about another entry is worth nothing, so the entry is compared with the signature, with the hash of the
payload and with the key or certificate (CVE-2026-22703).
"""

import hashlib
import json
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from elfuse.oci.policy.public_keys import is_signed_by, load_public_key, single_pem
from elfuse.oci.policy.refusal import Refused
from elfuse.oci.policy.strict import FormatError, parse, plain

LogKey = ec.EllipticCurvePublicKey
_LIMIT = 1 << 20
# RFC 8785 writes numbers as IEEE doubles; larger integers would not survive that.
_EXACT = 1 << 53


@dataclass(frozen=True, slots=True)
class Entry:
    """What the log must hold."""

    key_or_certificate: bytes  # DER
    signature: bytes
    payload: bytes


def load_rekor_keys(pems: list[bytes]) -> list[LogKey]:
    """Raises Refused."""
    keys = []
    for pem in pems:
        key = load_public_key(pem, "the policy's key of Rekor")
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise Refused("the policy's key of Rekor is no ECDSA key")
        keys.append(key)
    return keys


def integrated_time(bundle: str, keys: list[LogKey], entry: Entry) -> int:
    """When the log took `entry` in, in seconds since 1970. Raises Refused when nothing says that it did."""
    try:
        body, time = _verified(bundle, keys)
        _match(body, entry)
    except FormatError as error:
        raise Refused(f"the Rekor bundle is malformed: {error}") from None
    return time


def _verified(bundle: str, keys: list[LogKey]) -> tuple[bytes, int]:
    """The entry's body and time, as signed by the log."""
    members = parse(bundle.encode("utf-8", "surrogatepass"), limit=_LIMIT).exactly(
        "SignedEntryTimestamp", "Payload"
    )
    payload = members["Payload"].exactly("body", "integratedTime", "logIndex", "logID")
    body = payload["body"].data()
    time = payload["integratedTime"].integer()
    for name in ("integratedTime", "logIndex"):
        if not 0 <= payload[name].integer() < _EXACT:
            raise payload[name].wrong("this number is out of range")
    payload["logID"].text()
    # Names are ASCII and the numbers exact integers: for these, sorted and without spaces is canonical.
    canonical = json.dumps(
        plain(members["Payload"]), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode("utf-8")
    timestamp = members["SignedEntryTimestamp"].data()
    if not any(is_signed_by(key, timestamp, canonical) for key in keys):
        raise Refused("the Rekor bundle is not signed by the policy's key of Rekor")
    return body, time


def _match(body: bytes, entry: Entry) -> None:
    root = parse(body, limit=_LIMIT)
    kind = root.exactly("apiVersion", "kind", "spec")
    if (kind["kind"].text(), kind["apiVersion"].text()) != ("hashedrekord", "0.0.1"):
        raise Refused("the Rekor entry is no hashedrekord 0.0.1")
    spec = kind["spec"].exactly("data", "signature")
    signature = spec["signature"].exactly("content", "publicKey")
    logged = signature["publicKey"].exactly("content")["content"].data()
    if single_pem(logged, "the key of the Rekor entry") != entry.key_or_certificate:
        raise Refused("the Rekor entry is about another key or certificate")
    if signature["content"].data() != entry.signature:
        raise Refused("the Rekor entry is about another signature")
    digest = spec["data"].exactly("hash")["hash"].exactly("algorithm", "value")
    if digest["algorithm"].text() != "sha256":
        raise digest["algorithm"].wrong("the hash is not sha256")
    if digest["value"].text().lower() != hashlib.sha256(entry.payload).hexdigest():
        raise Refused("the Rekor entry is about another payload")
