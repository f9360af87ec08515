"""Signatures as they are stored, before anything about them is believed, and where they come from."""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from elfuse.oci.digest import Digest
from elfuse.oci.policy.refusal import Refused
from elfuse.oci.policy.strict import FormatError, parse, plain

# containers/image reads as much of one signature, and as many from one lookaside store.
SIGNATURE_LIMIT = 4 << 20
SIGNATURES_LIMIT = 128
# All signatures of an image together. 128 of them usually have less than 1 MiB.
TOTAL_LIMIT = 16 << 20

COSIGN_MEDIA_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
COSIGN_SIGNATURE = "dev.cosignproject.cosign/signature"
COSIGN_CERTIFICATE = "dev.sigstore.cosign/certificate"
COSIGN_CHAIN = "dev.sigstore.cosign/chain"
COSIGN_BUNDLE = "dev.sigstore.cosign/bundle"


@dataclass(frozen=True, slots=True)
class SimpleSignature:
    """An OpenPGP message that holds what it signs."""

    message: bytes


@dataclass(frozen=True, slots=True)
class Attachment:
    """One layer of a sigstore attachment: a payload, and the signature of it among the annotations."""

    media_type: str
    payload: bytes
    annotations: Mapping[str, str]

    @property
    def is_signature(self) -> bool:
        """Attestations and SBOMs are attached in the same way."""
        return self.media_type == COSIGN_MEDIA_TYPE

    def annotation(self, name: str) -> str:
        """Raises Refused when it is not there."""
        if name not in self.annotations:
            raise Refused(f"the signature has no annotation {name}")
        return self.annotations[name]


Signature = SimpleSignature | Attachment


class SignatureSource(Protocol):
    """Where the signatures of one image are."""

    def signatures(self, digest: Digest) -> list[Signature]:
        """All signatures of the manifest with this digest. Raises Refused or ElfuseError when they cannot
        be had; that is not the same as none."""


class LazySignatures:
    """A source that is made when a requirement asks: most policies ask for no signature."""

    def __init__(self, make: Callable[[], SignatureSource]) -> None:
        self._make = make

    def signatures(self, digest: Digest) -> list[Signature]:
        return self._make().signatures(digest)


class NoSignatures:
    """Layouts and archives have no place for signatures."""

    def signatures(self, digest: Digest) -> list[Signature]:
        return []


def parse_blob(data: bytes) -> Signature:
    """A signature file of a lookaside store or of a dir: image.

    Older ones are the OpenPGP message itself, known by its first packet; newer ones say what they are on a
    first line that begins with a zero byte (containers/image docs/signature-protocols.md). Raises Refused.
    """
    if not data:
        raise Refused("the signature file is empty")
    if data[0] & 0x80:
        return SimpleSignature(data)
    if data[0] != 0:
        raise Refused("the signature file is in no known format")
    kind, newline, rest = data[1:].partition(b"\n")
    if newline and kind == b"simple-signing":
        return SimpleSignature(rest)
    if newline and kind == b"sigstore-json":
        return _attachment(rest)
    raise Refused(f"the signature file is of the unknown format {kind[:40]!r}")


def _attachment(data: bytes) -> Attachment:
    try:
        root = parse(data, limit=SIGNATURE_LIMIT)
        members = root.exactly("mimeType", "payload", "annotations")
        annotations = {name: node.text() for name, node in members["annotations"].members().items()}
        payload = base64.b64decode(members["payload"].text(), validate=True)
        return Attachment(members["mimeType"].text(), payload, annotations)
    except (FormatError, binascii.Error) as error:
        raise Refused(f"the sigstore signature file is malformed: {error}") from None


@dataclass(frozen=True, slots=True)
class Payload:
    """What a signature says: containers-signature(5), "critical"."""

    manifest_digest: str
    docker_reference: str


def parse_payload(data: bytes, kind: str, *, optional_may_be_null: bool = False) -> Payload:
    """Read what was signed, after it was verified. Raises Refused.

    Nothing but the critical members may be beside those that are known: a signer may have meant them as
    a condition.
    """
    root = parse(data, limit=SIGNATURE_LIMIT)
    members = root.exactly("critical", "optional")
    plain(root)  # no name twice, at any depth
    if not (optional_may_be_null and members["optional"].value is None):
        for name, node in members["optional"].members().items():
            _check_optional(name, node.value, node.path)
    critical = members["critical"].exactly("type", "image", "identity")
    if critical["type"].text() != kind:
        raise critical["type"].wrong(f"{critical['type'].text()!r} is not {kind!r}")
    digest = critical["image"].exactly("docker-manifest-digest")["docker-manifest-digest"]
    reference = critical["identity"].exactly("docker-reference")["docker-reference"]
    return Payload(digest.filled(), reference.text())


def _check_optional(name: str, value: object, path: str) -> None:
    if value is None:
        return
    if name == "creator" and not isinstance(value, str):
        raise FormatError(path, "a string is needed here")
    if name == "timestamp":
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if not whole or isinstance(value, bool):
            raise FormatError(path, "a whole number is needed here")
