"""The requirements of a policy: containers-policy.json(5), "POLICY REQUIREMENTS"."""

from dataclasses import dataclass

from elfuse.oci.policy.identity import SignedIdentity, parse_identity
from elfuse.oci.policy.material import Material, given
from elfuse.oci.policy.strict import Node

# The man page knows no other key type than the first; containers/image reads the rest and rejects with them.
GPG_KEYS = "GPGKeys"
KEY_TYPES = (GPG_KEYS, "signedByGPGKeys", "X509Certificates", "signedByX509CAs")


@dataclass(frozen=True, slots=True)
class InsecureAcceptAnything:
    def __str__(self) -> str:
        return "insecureAcceptAnything"


@dataclass(frozen=True, slots=True)
class Reject:
    def __str__(self) -> str:
        return "reject"


@dataclass(frozen=True, slots=True)
class SignedBaseLayer:
    """Reserved by the man page, implemented by nobody: it always rejects."""

    base_layer_identity: SignedIdentity

    def __str__(self) -> str:
        return "signedBaseLayer"


@dataclass(frozen=True, slots=True)
class SignedBy:
    """A simple signature by one of the GPG keys."""

    key_type: str
    keys: Material
    identity: SignedIdentity

    def __str__(self) -> str:
        return f"signedBy {self.key_type} ({self.keys}; {self.identity})"


@dataclass(frozen=True, slots=True)
class Fulcio:
    """A certificate that this CA issued to this person, whom this OIDC issuer vouched for."""

    authorities: Material
    oidc_issuer: str
    subject_email: str

    def __str__(self) -> str:
        return f"fulcio {self.authorities}: {self.subject_email} at {self.oidc_issuer}"


@dataclass(frozen=True, slots=True)
class Pki:
    """A certificate below one of the roots, for this e-mail address or host name, or for both."""

    roots: Material
    intermediates: Material | None
    subject_email: str | None
    subject_hostname: str | None

    def __str__(self) -> str:
        subject = " and ".join(s for s in (self.subject_email, self.subject_hostname) if s)
        return f"pki {self.roots}: {subject}"


@dataclass(frozen=True, slots=True)
class SigstoreSigned:
    """A sigstore signature (cosign's format) by a key or by the holder of a certificate."""

    signer: Material | Fulcio | Pki
    rekor: Material | None  # the transparency log's public keys; with them, the log must vouch for it
    identity: SignedIdentity

    def __str__(self) -> str:
        log = f"; Rekor {self.rekor}" if self.rekor else ""
        return f"sigstoreSigned ({self.signer}{log}; {self.identity})"


Requirement = InsecureAcceptAnything | Reject | SignedBaseLayer | SignedBy | SigstoreSigned


def parse_requirements(node: Node) -> tuple[Requirement, ...]:
    """All that an image must satisfy, at least one. Raises FormatError."""
    return tuple(_requirement(element) for element in node.elements())


def _requirement(node: Node) -> Requirement:
    kind = node.members().get("type")
    if kind is None:
        raise node.wrong("the field 'type' is missing")
    match kind.text():
        case "insecureAcceptAnything":
            node.exactly("type")
            return InsecureAcceptAnything()
        case "reject":
            node.exactly("type")
            return Reject()
        case "signedBy":
            return _signed_by(node)
        case "signedBaseLayer":
            field = node.exactly("type", "baseLayerIdentity")["baseLayerIdentity"]
            return SignedBaseLayer(parse_identity(field))
        case "sigstoreSigned":
            return _sigstore_signed(node)
        case unknown:
            raise kind.wrong(f"unknown requirement type {unknown!r}")


def _signed_by(node: Node) -> SignedBy:
    members = node.members(("type", "keyType", "keyPath", "keyPaths", "keyData", "signedIdentity"))
    if "keyType" not in members:
        raise node.wrong("the field 'keyType' is missing")
    key_type = members["keyType"]
    if key_type.text() not in KEY_TYPES:
        raise key_type.wrong(f"unknown key type {key_type.text()!r}; {GPG_KEYS} is the one to use")
    # No paths at all: containers/image reads the file, and the requirement rejects.
    keys = given(members, "key", data_lists=False, may_be_empty=True)
    if keys is None:
        raise node.wrong("one of keyPath, keyPaths and keyData is needed")
    return SignedBy(key_type.text(), keys, parse_identity(members.get("signedIdentity")))


_KEY_FIELDS = ("keyPath", "keyPaths", "keyData", "keyDatas")
_REKOR_FIELDS = ("rekorPublicKeyPath", "rekorPublicKeyPaths", "rekorPublicKeyData", "rekorPublicKeyDatas")


def _sigstore_signed(node: Node) -> SigstoreSigned:
    members = node.members(("type", *_KEY_FIELDS, "fulcio", "pki", *_REKOR_FIELDS, "signedIdentity"))
    signers: list[Material | Fulcio | Pki] = []
    keys = given(members, "key")
    if keys is not None:
        signers.append(keys)
    if "fulcio" in members:
        signers.append(_fulcio(members["fulcio"]))
    if "pki" in members:
        signers.append(_pki(members["pki"]))
    if len(signers) != 1:
        raise node.wrong(f"exactly one of {', '.join(_KEY_FIELDS)}, fulcio and pki is needed")
    rekor = given(members, "rekorPublicKey")
    if rekor is None and isinstance(signers[0], Fulcio):
        raise node.wrong(f"fulcio needs one of {', '.join(_REKOR_FIELDS)}: its certificates live for minutes")
    if rekor is not None and isinstance(signers[0], Pki):
        raise node.wrong("pki cannot be used together with a key of Rekor")
    return SigstoreSigned(signers[0], rekor, parse_identity(members.get("signedIdentity")))


def _fulcio(node: Node) -> Fulcio:
    members = node.members(("caPath", "caData", "oidcIssuer", "subjectEmail"))
    authorities = given(members, "ca", lists=False, data_lists=False)
    if authorities is None:
        raise node.wrong("one of caPath and caData is needed")
    for name in ("oidcIssuer", "subjectEmail"):
        if name not in members:
            raise node.wrong(f"the field {name!r} is missing")
    return Fulcio(authorities, members["oidcIssuer"].filled(), members["subjectEmail"].filled())


def _pki(node: Node) -> Pki:
    members = node.members(
        (
            "caRootsPath",
            "caRootsData",
            "caIntermediatesPath",
            "caIntermediatesData",
            "subjectEmail",
            "subjectHostname",
        )
    )
    roots = given(members, "caRoots", lists=False, data_lists=False)
    if roots is None:
        raise node.wrong("one of caRootsPath and caRootsData is needed")
    email = members["subjectEmail"].filled() if "subjectEmail" in members else None
    hostname = members["subjectHostname"].filled() if "subjectHostname" in members else None
    if email is None and hostname is None:
        raise node.wrong("at least one of subjectEmail and subjectHostname is needed")
    intermediates = given(members, "caIntermediates", lists=False, data_lists=False)
    return Pki(roots, intermediates, email, hostname)
