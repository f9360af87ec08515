"""signedIdentity: whether the name that was signed is a name for the image that is wanted.

containers-policy.json(5), section "signedBy". A signature holds a docker reference, and an image of a
registry has one; images of other transports have none, so only the exact* kinds can accept theirs.
"""

import re
from dataclasses import dataclass

import msgspec

from elfuse.errors import InvalidReference
from elfuse.oci.policy.strict import Node
from elfuse.oci.reference import Reference, parse_reference

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PREFIX = re.compile(rf"{_DOMAIN}(?:/{_COMPONENT})*")


def named(text: str) -> Reference | None:
    """The reference that `text` is, docker.io's defaults filled in but no tag added; None if it is none."""
    try:
        reference = parse_reference(text)
    except InvalidReference:
        return None
    if _is_name_only(text):
        return msgspec.structs.replace(reference, tag=None)
    return reference


def _is_name_only(text: str) -> bool:
    return "@" not in text and text.rfind(":") <= text.rfind("/")


def _exact(reference: Reference) -> bool:
    return reference.tag is not None or reference.digest is not None


@dataclass(frozen=True, slots=True)
class MatchExact:
    def accepts(self, wanted: Reference | None, signed: str) -> bool:
        found = named(signed)
        return wanted is not None and found is not None and _exact(found) and found == wanted

    def __str__(self) -> str:
        return "matchExact"


@dataclass(frozen=True, slots=True)
class MatchRepoDigestOrExact:
    """The default. For an image wanted by digest the repository is enough: the digest is checked anyway."""

    def accepts(self, wanted: Reference | None, signed: str) -> bool:
        found = named(signed)
        if wanted is None or found is None or not _exact(found):
            return False
        if wanted.tag is not None:
            return found == wanted
        return found.repository == wanted.repository

    def __str__(self) -> str:
        return "matchRepoDigestOrExact"


@dataclass(frozen=True, slots=True)
class MatchRepository:
    def accepts(self, wanted: Reference | None, signed: str) -> bool:
        found = named(signed)
        return wanted is not None and found is not None and found.repository == wanted.repository

    def __str__(self) -> str:
        return "matchRepository"


@dataclass(frozen=True, slots=True)
class ExactReference:
    reference: Reference

    def accepts(self, wanted: Reference | None, signed: str) -> bool:
        return named(signed) == self.reference

    def __str__(self) -> str:
        return f"exactReference {self.reference}"


@dataclass(frozen=True, slots=True)
class ExactRepository:
    repository: str

    def accepts(self, wanted: Reference | None, signed: str) -> bool:
        found = named(signed)
        return found is not None and found.repository == self.repository

    def __str__(self) -> str:
        return f"exactRepository {self.repository}"


@dataclass(frozen=True, slots=True)
class RemapIdentity:
    """For mirrors: an image below `prefix` must be signed with the name below `signed_prefix`."""

    prefix: str
    signed_prefix: str

    def accepts(self, wanted: Reference | None, signed: str) -> bool:
        if wanted is None:
            return False
        remapped = self._remap(wanted)
        return remapped is not None and MatchRepoDigestOrExact().accepts(remapped, signed)

    def _remap(self, wanted: Reference) -> Reference | None:
        name = wanted.repository
        if name != self.prefix and not name.startswith(f"{self.prefix}/"):
            return wanted
        text = self.signed_prefix + str(wanted)[len(self.prefix) :]
        found = named(text)
        return found if found is not None and str(found) == text else None

    def __str__(self) -> str:
        return f"remapIdentity {self.prefix} -> {self.signed_prefix}"


SignedIdentity = (
    MatchExact | MatchRepoDigestOrExact | MatchRepository | ExactReference | ExactRepository | RemapIdentity
)


def parse_identity(node: Node | None) -> SignedIdentity:
    """The kind that `node` describes; without one the default. Raises FormatError."""
    if node is None:
        return MatchRepoDigestOrExact()
    kind = node.members().get("type")
    if kind is None:
        raise node.wrong("the field 'type' is missing")
    match kind.text():
        case "matchExact":
            node.exactly("type")
            return MatchExact()
        case "matchRepoDigestOrExact":
            node.exactly("type")
            return MatchRepoDigestOrExact()
        case "matchRepository":
            node.exactly("type")
            return MatchRepository()
        case "exactReference":
            return _exact_reference(node.exactly("type", "dockerReference")["dockerReference"])
        case "exactRepository":
            field = node.exactly("type", "dockerRepository")["dockerRepository"]
            return ExactRepository(_reference(field).repository)
        case "remapIdentity":
            members = node.exactly("type", "prefix", "signedPrefix")
            return RemapIdentity(_prefix(members["prefix"]), _prefix(members["signedPrefix"]))
        case unknown:
            raise kind.wrong(f"{unknown!r} is no kind of signedIdentity")


def _reference(node: Node) -> Reference:
    found = named(node.text())
    if found is None:
        raise node.wrong(f"{node.text()!r} is no image name")
    return found


def _exact_reference(node: Node) -> ExactReference:
    found = _reference(node)
    if not _exact(found):
        raise node.wrong(f"{node.text()!r} has neither a tag nor a digest")
    return ExactReference(found)


def _prefix(node: Node) -> str:
    if not _PREFIX.fullmatch(node.text()):
        raise node.wrong(f"{node.text()!r} is no registry host, and no repository below one")
    return node.text()
