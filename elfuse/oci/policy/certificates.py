"""Certificates of signers: whether a chain leads from one to a trusted authority, and whose it is.

RFC 5280, section 6, as Go's crypto/x509 applies it, which is what containers/image verifies with:
signatures, validity at one time for the whole chain, CA and path length constraints, key usage, code
signing throughout. A critical extension that is not known, and name constraints of any kind, refuse.
"""

import datetime
import ipaddress
from collections.abc import Callable, Sequence
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from elfuse.oci.policy.public_keys import single_pem
from elfuse.oci.policy.refusal import Refused

_DEPTH = 8
_SIGNATURE_CHECKS = 100  # Go's limit
_KNOWN = (
    x509.AuthorityKeyIdentifier,
    x509.BasicConstraints,
    x509.CertificatePolicies,
    x509.ExtendedKeyUsage,
    x509.KeyUsage,
    x509.SubjectAlternativeName,
    x509.SubjectKeyIdentifier,
)
# Fulcio's docs/oid-info.md: the issuer as bare bytes, and later as a DER string.
_ISSUER_V1 = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_ISSUER_V2 = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")

Certificate = x509.Certificate
T = TypeVar("T")
E = TypeVar("E", bound=x509.ExtensionType)


def load_leaf(text: str) -> Certificate:
    """The one certificate that `text` is in PEM. Raises Refused."""
    der = single_pem(text.encode("utf-8", "surrogatepass"), "the signature's certificate")
    return _loaded(lambda: x509.load_der_x509_certificate(der), "the signature's certificate")


def load_all(pem: bytes, what: str) -> list[Certificate]:
    """All certificates in `pem`, at least one. Raises Refused."""
    return _loaded(lambda: x509.load_pem_x509_certificates(pem), what)


def intermediates_in(chain: str | None) -> list[Certificate]:
    """What a signature brings along. Its last certificate is meant to be the root, which it cannot choose."""
    if not chain:
        return []
    data = chain.encode("utf-8", "surrogatepass")
    return load_all(data, "the signature's certificate chain")[:-1]


def require_chain(
    leaf: Certificate,
    intermediates: Sequence[Certificate],
    roots: Sequence[Certificate],
    at: datetime.datetime,
) -> None:
    """Raises Refused unless some chain leads from `leaf` to one of `roots`, all valid `at` that time."""
    _check_any(leaf, at)
    if not _signs_code(leaf):
        raise Refused("the signature's certificate is not for code signing")
    if leaf in roots:
        return
    search = _Search(intermediates, roots, at)
    if not search.leads_to_root([leaf]):
        detail = f" ({search.causes[0]})" if search.causes else ""
        raise Refused(f"the signature's certificate was not issued by a trusted authority{detail}")


class _Search:
    """For a chain: depth first, with a budget, because the intermediates are the signer's to choose."""

    def __init__(
        self, intermediates: Sequence[Certificate], roots: Sequence[Certificate], at: datetime.datetime
    ) -> None:
        self.causes: list[str] = []
        self._candidates = [(True, root) for root in roots] + [(False, one) for one in intermediates]
        self._at = at
        self._budget = _SIGNATURE_CHECKS

    def leads_to_root(self, chain: list[Certificate]) -> bool:
        for trusted, issuer in self._candidates:
            if issuer.subject != chain[-1].issuer or issuer in chain:
                continue
            self._budget -= 1
            if self._budget < 0:
                raise Refused("the signature brings too many certificates")
            try:
                _check_issuer(issuer, chain, self._at)
            except Refused as refusal:
                self.causes.append(str(refusal))
                continue
            if trusted or (len(chain) < _DEPTH and self.leads_to_root([*chain, issuer])):
                return True
        return False


def _check_issuer(issuer: Certificate, chain: list[Certificate], at: datetime.datetime) -> None:
    name = issuer.subject.rfc4514_string()[:120] or "an authority"
    try:
        if isinstance(chain[-1].signature_hash_algorithm, hashes.SHA1 | hashes.MD5):
            raise Refused("a certificate is signed with a broken hash")
        chain[-1].verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        raise Refused(f"{name} did not sign it") from None
    _check_any(issuer, at)
    extensions = _extensions(issuer)
    constraints = _value(extensions, x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        raise Refused(f"{name} is no certificate authority")
    if constraints.path_length is not None and len(chain) - 1 > constraints.path_length:
        raise Refused(f"{name} may not have so long a chain below it")
    usage = _value(extensions, x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        raise Refused(f"{name} may not sign certificates")
    if not _signs_code(issuer):
        raise Refused(f"{name} is not for code signing")


def _check_any(certificate: Certificate, at: datetime.datetime) -> None:
    """What holds for each certificate of a chain."""
    name = certificate.subject.rfc4514_string()[:120] or "the signer's certificate"
    # not_valid_before_utc came with cryptography 42; these exist in all versions, as naive UTC.
    before = getattr(certificate, "not_valid_before_utc", None) or certificate.not_valid_before.replace(
        tzinfo=datetime.UTC
    )
    after = getattr(certificate, "not_valid_after_utc", None) or certificate.not_valid_after.replace(
        tzinfo=datetime.UTC
    )
    if not before <= at <= after:
        raise Refused(f"{name} was valid from {before:%F %T} to {after:%F %T}, not at {at:%F %T} UTC")
    for extension in _extensions(certificate):
        if isinstance(extension.value, x509.NameConstraints):
            raise Refused(f"{name} has name constraints, which elfuse does not check")
        if extension.critical and not isinstance(extension.value, _KNOWN):
            raise Refused(f"{name} has an unknown critical extension {extension.oid.dotted_string}")


def _signs_code(certificate: Certificate) -> bool:
    usage = _value(_extensions(certificate), x509.ExtendedKeyUsage)
    if usage is None:
        return True  # RFC 5280, 4.2.1.12: every usage
    wanted = {ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    return bool(wanted & set(usage))


def require_email(certificate: Certificate, email: str) -> None:
    """Raises Refused unless `email` is among the certificate's e-mail addresses, letter for letter."""
    names = _alternative_names(certificate)
    found = names.get_values_for_type(x509.RFC822Name) if names else []
    if email not in found:
        raise Refused(f"it was signed by {', '.join(found)[:200] or 'nobody with an e-mail address'}")


def require_hostname(certificate: Certificate, hostname: str) -> None:
    """Raises Refused unless the certificate is for the host (RFC 6125: one whole label may be `*`)."""
    names = _alternative_names(certificate)
    try:
        address = ipaddress.ip_address(hostname.strip("[]"))
    except ValueError:
        address = None
    if names and address is not None and address in names.get_values_for_type(x509.IPAddress):
        return
    found = names.get_values_for_type(x509.DNSName) if names else []
    if address is None and any(_host_matches(pattern, hostname) for pattern in found):
        return
    raise Refused(f"it was signed by {', '.join(found)[:200] or 'nobody with a host name'}")


def _host_matches(pattern: str, host: str) -> bool:
    ours, theirs = host.lower().rstrip(".").split("."), pattern.lower().rstrip(".").split(".")
    if len(ours) != len(theirs) or not all(ours):
        return False
    return theirs[1:] == ours[1:] and (theirs[0] == ours[0] or (theirs[0] == "*" and len(ours) > 1))


def oidc_issuer(certificate: Certificate) -> str:
    """Who vouched for the subject, as Fulcio wrote it into the certificate. Raises Refused."""
    found: set[str] = set()
    for extension in _extensions(certificate):
        if not isinstance(extension.value, x509.UnrecognizedExtension):
            continue
        if extension.oid == _ISSUER_V1:
            found.add(_utf8(extension.value.value))
        elif extension.oid == _ISSUER_V2:
            found.add(_der_string(extension.value.value))
    if len(found) != 1:
        what = "names two OIDC issuers" if found else "names no OIDC issuer"
        raise Refused(f"the signature's certificate {what}")
    return found.pop()


def _der_string(data: bytes) -> str:
    """A UTF8String, PrintableString or IA5String of X.690 with a length of at most 65535."""
    length, start = (data[1], 2) if len(data) > 1 else (0, 0)
    if length in (0x81, 0x82):
        start = 2 + (length & 0x7F)
        length = int.from_bytes(data[2:start], "big")
    elif length > 0x82:
        start = 0
    if not start or data[0] not in (0x0C, 0x13, 0x16) or len(data) != start + length:
        raise Refused("the OIDC issuer in the signature's certificate is malformed")
    return _utf8(data[start:])


def _utf8(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("the OIDC issuer in the signature's certificate is malformed") from None


def _alternative_names(certificate: Certificate) -> x509.SubjectAlternativeName | None:
    return _value(_extensions(certificate), x509.SubjectAlternativeName)


def _extensions(certificate: Certificate) -> x509.Extensions:
    try:
        return certificate.extensions
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise Refused(f"a certificate has malformed extensions: {error}") from None


def _loaded(load: Callable[[], T], what: str) -> T:
    try:
        return load()
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        cause = (str(error).splitlines() or [""])[0][:160]
        raise Refused(f"{what} cannot be read: {cause}") from None


def _value(extensions: x509.Extensions, kind: type[E]) -> E | None:
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
