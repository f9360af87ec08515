"""One requirement against one image: satisfied, or refused with the cause."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from elfuse.errors import ElfuseError
from elfuse.oci.digest import digest_of
from elfuse.oci.policy.identity import SignedIdentity
from elfuse.oci.policy.refusal import Refused
from elfuse.oci.policy.requirements import (
    GPG_KEYS,
    InsecureAcceptAnything,
    Reject,
    Requirement,
    SignedBaseLayer,
    SignedBy,
    SigstoreSigned,
)
from elfuse.oci.policy.signature import Attachment, Payload, Signature, SimpleSignature, parse_payload
from elfuse.oci.policy.verdict import Outcome
from elfuse.oci.reference import Reference

_SHOWN = 4

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged. `signatures` fetches; it is called only by a requirement that wants some."""

    manifest: bytes
    docker_reference: Reference | None
    signatures: Callable[[], list[Signature]]


def outcome_of(requirement: Requirement, subject: Subject) -> Outcome:
    """Raises nothing: what goes wrong in checking is a refusal."""
    try:
        return Outcome(str(requirement), True, _satisfied(requirement, subject))
    except (Refused, ElfuseError) as refusal:
        return Outcome(str(requirement), False, str(refusal))
    except Exception as error:  # a fault of ours must not let an image pass, nor end a check in a trace
        return Outcome(str(requirement), False, f"it could not be checked: {type(error).__name__}: {error}")


def _satisfied(requirement: Requirement, subject: Subject) -> str:
    """Why. Raises Refused with why not."""
    match requirement:
        case InsecureAcceptAnything():
            return "anything is accepted, signed or not"
        case Reject():
            raise Refused("images of this scope are rejected")
        case SignedBaseLayer():
            raise Refused("no implementation of it exists, so it rejects")
        case SignedBy():
            return _signed_by(requirement, subject)
        case SigstoreSigned():
            return _sigstore_signed(requirement, subject)


def _signed_by(requirement: SignedBy, subject: Subject) -> str:
    from elfuse.oci.policy import gpg

    if requirement.key_type != GPG_KEYS:
        raise Refused(f"keyType {requirement.key_type} is not implemented; use {GPG_KEYS}")
    found = [one for one in subject.signatures() if isinstance(one, SimpleSignature)]

    def accept(signature: SimpleSignature) -> str:
        signed = gpg.verify(signature.message, requirement.keys.read())
        payload = parse_payload(signed.content, gpg.SIGNATURE_TYPE)
        _require_subject(payload, requirement.identity, subject)
        return f"signed by the GPG key {signed.fingerprint} as {payload.docker_reference}"

    return _any_accepted(found, accept)


def _sigstore_signed(requirement: SigstoreSigned, subject: Subject) -> str:
    from elfuse.oci.policy import sigstore

    found = [one for one in subject.signatures() if isinstance(one, Attachment) and one.is_signature]

    def accept(attachment: Attachment) -> str:
        payload = sigstore.verify(attachment, requirement)
        _require_subject(payload, requirement.identity, subject)
        return f"signed by {requirement.signer} as {payload.docker_reference}"

    return _any_accepted(found, accept)


def _any_accepted(signatures: list[S], accept: Callable[[S], str]) -> str:
    """One good signature is enough, whatever lies beside it."""
    if not signatures:
        raise Refused("a signature is required, and there is none")
    causes: list[str] = []
    for signature in signatures:
        try:
            return accept(signature)
        except Refused as refusal:
            causes.append(str(refusal))
    different = list(dict.fromkeys(causes))
    shown = "; ".join(different[:_SHOWN]) + ("; ..." if len(different) > _SHOWN else "")
    if len(signatures) == 1:
        raise Refused(shown)
    raise Refused(f"none of the {len(signatures)} signatures is accepted: {shown}")


def _require_subject(payload: Payload, identity: SignedIdentity, subject: Subject) -> None:
    """The signature must be of this manifest, and of a name that is accepted for this image."""
    if payload.manifest_digest != digest_of(subject.manifest):
        raise Refused(f"the signature is of another image, {payload.manifest_digest[:100]}")
    if not identity.accepts(subject.docker_reference, payload.docker_reference):
        wanted = subject.docker_reference or "an image without a name"
        raise Refused(
            f"the signature is for {payload.docker_reference[:200]!r}, which {identity} "
            f"does not accept for {wanted}"
        )
