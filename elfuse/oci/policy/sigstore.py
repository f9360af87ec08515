"""sigstoreSigned: one signature in cosign's format against the policy's keys, Fulcio or PKI.

The order is containers/image's: which key it must be, by Rekor and by the certificate; then the signature
of the payload by that key; and only then what the payload says.
"""

import datetime

from elfuse.oci.policy import certificates, rekor
from elfuse.oci.policy.material import Material
from elfuse.oci.policy.public_keys import (
    PublicKey,
    checked,
    decode_base64,
    is_signed_by,
    load_public_key,
    single_pem,
    subject_public_key_info,
)
from elfuse.oci.policy.refusal import Refused
from elfuse.oci.policy.requirements import Fulcio, Pki, SigstoreSigned
from elfuse.oci.policy.signature import (
    COSIGN_BUNDLE,
    COSIGN_CERTIFICATE,
    COSIGN_CHAIN,
    COSIGN_SIGNATURE,
    Attachment,
    Payload,
    parse_payload,
)

SIGNATURE_TYPE = "cosign container image signature"


def verify(attachment: Attachment, requirement: SigstoreSigned) -> Payload:
    """What the signature says, if the right one made it. Raises Refused."""
    signature = decode_base64(attachment.annotation(COSIGN_SIGNATURE), "the signature")
    keys = _signers(attachment, requirement, signature)
    if not any(is_signed_by(key, signature, attachment.payload) for key in keys):
        raise Refused("the signature does not verify with the policy's key")
    return parse_payload(attachment.payload, SIGNATURE_TYPE, optional_may_be_null=True)


def _signers(attachment: Attachment, requirement: SigstoreSigned, signature: bytes) -> list[PublicKey]:
    """The keys that may have made it; never none."""
    log = rekor.load_rekor_keys(requirement.rekor.read()) if requirement.rekor else None
    match requirement.signer:
        case Material() as material:
            keys = [load_public_key(pem, "a key of the policy") for pem in material.read()]
            return keys if log is None else [_logged(attachment, keys, log, signature)]
        case Fulcio() as fulcio:
            if not log:
                raise Refused("fulcio needs a key of Rekor")
            return [_certified_by_fulcio(attachment, fulcio, log, signature)]
        case Pki() as pki:
            return [_certified_by_pki(attachment, pki)]


def _logged(
    attachment: Attachment, keys: list[PublicKey], log: list[rekor.LogKey], signature: bytes
) -> PublicKey:
    """The one of `keys` that the log's entry is about."""
    bundle = attachment.annotation(COSIGN_BUNDLE)
    causes = []
    for key in keys:
        entry = rekor.Entry(subject_public_key_info(key), signature, attachment.payload)
        try:
            rekor.integrated_time(bundle, log, entry)
        except Refused as refusal:
            causes.append(str(refusal))
        else:
            return key
    raise Refused("; ".join(dict.fromkeys(causes)))


def _certified_by_fulcio(
    attachment: Attachment, fulcio: Fulcio, log: list[rekor.LogKey], signature: bytes
) -> PublicKey:
    """Fulcio's certificates are valid for minutes: the log says that the signature was made in them."""
    text = attachment.annotation(COSIGN_CERTIFICATE)
    der = single_pem(text.encode("utf-8", "surrogatepass"), "the signature's certificate")
    entry = rekor.Entry(der, signature, attachment.payload)
    seconds = rekor.integrated_time(attachment.annotation(COSIGN_BUNDLE), log, entry)
    leaf = certificates.load_leaf(text)
    certificates.require_chain(
        leaf,
        certificates.intermediates_in(attachment.annotations.get(COSIGN_CHAIN)),
        _authorities(fulcio.authorities, "the policy's Fulcio CA"),
        _moment(seconds),
    )
    issuer = certificates.oidc_issuer(leaf)
    if issuer != fulcio.oidc_issuer:
        raise Refused(f"the signer was vouched for by {issuer!r}, not by {fulcio.oidc_issuer!r}")
    certificates.require_email(leaf, fulcio.subject_email)
    return checked(leaf.public_key(), "the key of the signature's certificate")


def _certified_by_pki(attachment: Attachment, pki: Pki) -> PublicKey:
    leaf = certificates.load_leaf(attachment.annotation(COSIGN_CERTIFICATE))
    intermediates = certificates.intermediates_in(attachment.annotations.get(COSIGN_CHAIN))
    if pki.intermediates is not None:
        intermediates += _authorities(pki.intermediates, "the policy's intermediate CA")
    roots = _authorities(pki.roots, "the policy's root CA")
    certificates.require_chain(leaf, intermediates, roots, datetime.datetime.now(datetime.UTC))
    if pki.subject_email is not None:
        certificates.require_email(leaf, pki.subject_email)
    if pki.subject_hostname is not None:
        certificates.require_hostname(leaf, pki.subject_hostname)
    return checked(leaf.public_key(), "the key of the signature's certificate")


def _authorities(material: Material, what: str) -> list[certificates.Certificate]:
    return [one for pem in material.read() for one in certificates.load_all(pem, what)]


def _moment(seconds: int) -> datetime.datetime:
    try:
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    except (OverflowError, OSError, ValueError):
        raise Refused("the time in the Rekor bundle is out of range") from None
