"""Image references: distribution's grammar, its docker.io defaults, and the two transports.

python                     docker.io/library/python:latest
127.0.0.1:5000/x/y:tag     that registry
name@sha256:<hex>          pinned by digest; a digest beats a tag
docker://REF               the same as REF
oci:DIR[:TAG]              an OCI image layout on disk
"""

import hashlib
import os
import re

import msgspec

from elfuse.errors import InvalidReference
from elfuse.oci.digest import Digest

DEFAULT_DOMAIN = "docker.io"
DEFAULT_NAMESPACE = "library"
_HUB_HOSTS = ("index.docker.io", "registry-1.docker.io")
DEFAULT_TAG = "latest"
# distribution/reference: the whole name, domain included, has at most 255 characters.
NAME_LIMIT = 255

_DOMAIN_PART = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_IPV6 = r"\[(?:[0-9A-Fa-f:]+)\]"
_DOMAIN = re.compile(rf"(?:{_DOMAIN_PART}(?:\.{_DOMAIN_PART})*|{_IPV6})(?::[0-9]{{1,5}})?")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# What skopeo 1.9 and umoci 0.4 accept after `oci:DIR:` / `--image DIR:` (image-spec annotations.md):
# alphanumeric runs joined by one separator, or by `--`.
_REF_NAME = re.compile(
    r"[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*"
    r"(?:/[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*)*"
)


class Reference(msgspec.Struct, frozen=True):
    """A name on a registry. Immutable; `str()` is the canonical full form."""

    domain: str
    path: str
    tag: str | None
    digest: Digest | None

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.domain}/{self.path}{tag}{digest}"

    @property
    def repository(self) -> str:
        return f"{self.domain}/{self.path}"

    @property
    def host(self) -> str:
        """host[:port] of the registry's API."""
        return "registry-1.docker.io" if self.domain == DEFAULT_DOMAIN else self.domain

    @property
    def selector(self) -> str:
        """What to ask the registry for: the digest when there is one, else the tag."""
        return self.digest or self.tag or DEFAULT_TAG

    @property
    def pin(self) -> str:
        """The name that the store keeps. A digest needs no tag beside it."""
        return f"{self.repository}@{self.digest}" if self.digest else str(self)


class LayoutReference(msgspec.Struct, frozen=True):
    """An image in an OCI image layout on disk. `directory` is absolute."""

    directory: str
    tag: str | None

    def __str__(self) -> str:
        return f"oci:{self.directory}:{self.tag}" if self.tag else f"oci:{self.directory}"

    @property
    def pin(self) -> str:
        return str(self)


ImageSource = Reference | LayoutReference


def parse(text: str, *, cwd: str | None = None) -> ImageSource:
    """The source that `text` names. Raises InvalidReference."""
    if text.startswith("oci:"):
        return _parse_layout(text, cwd if cwd is not None else os.getcwd())
    return parse_reference(text.removeprefix("docker://"))


def parse_reference(text: str) -> Reference:
    """A registry reference in distribution's grammar, with docker.io's defaults filled in."""
    rest, at, digest_text = text.partition("@")
    if at and not _DIGEST.fullmatch(digest_text):
        raise _invalid(text, "after '@' a digest of the form sha256:<64 lower-case hex digits> is needed")
    tag: str | None = None
    colon = rest.rfind(":")
    if colon > rest.rfind("/"):
        rest, tag = rest[:colon], rest[colon + 1 :]
        if not _TAG.fullmatch(tag):
            raise _invalid(text, f"{tag!r} is no tag (letters, digits, '_', '.', '-', at most 128)")
    domain, path = _split_domain(rest)
    if not _DOMAIN.fullmatch(domain):
        raise _invalid(text, f"{domain!r} is no registry host")
    if not _PATH.fullmatch(path):
        if _PATH.fullmatch(path.lower()):
            raise _invalid(text, "a repository name is lower case")
        raise _invalid(text, f"{path!r} is no repository name")
    if len(domain) + 1 + len(path) > NAME_LIMIT:
        raise _invalid(text, f"the name is longer than {NAME_LIMIT} characters")
    digest = Digest(digest_text) if at else None
    return Reference(domain, path, tag if tag or digest else DEFAULT_TAG, digest)


def names_host(first: str) -> bool:
    """Whether the first word of a name is a registry's host[:port], and no part of a repository."""
    return any(c in first for c in ".:") or first == "localhost" or first.lower() != first


def is_host(text: str) -> bool:
    """Whether `text` is host[:port] in distribution's grammar."""
    return _DOMAIN.fullmatch(text) is not None


def canonical_host(host: str) -> str:
    """The one name that docker.io has here."""
    return DEFAULT_DOMAIN if host in _HUB_HOSTS else host


def _split_domain(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    if slash and names_host(first):
        domain, path = canonical_host(first), rest
    else:
        domain, path = DEFAULT_DOMAIN, name
    if domain == DEFAULT_DOMAIN and "/" not in path:
        path = f"{DEFAULT_NAMESPACE}/{path}"
    return domain, path


def _parse_layout(text: str, cwd: str) -> LayoutReference:
    directory, colon, tag = text.removeprefix("oci:").partition(":")
    if not directory or "\0" in directory:
        raise _invalid(text, "oci: needs a directory, as in oci:DIR or oci:DIR:TAG")
    if colon and not _REF_NAME.fullmatch(tag):
        raise _invalid(text, f"{tag!r} is no name in an image layout")
    return LayoutReference(os.path.normpath(os.path.join(cwd, directory)), tag if colon else None)


def ref_name(pin: str) -> str:
    """A value of org.opencontainers.image.ref.name for `pin` that skopeo and umoci can be given.

    Nearly every canonical reference is one already. The others (`a__b`, a tag that ends in a dot, a
    layout's path) become a readable slug with a hash that keeps two different pins apart.
    """
    if _REF_NAME.fullmatch(pin):
        return pin
    slug = re.sub(r"[^A-Za-z0-9]+", "-", pin).strip("-")[-100:].strip("-")
    return f"{slug}-{hashlib.sha256(pin.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}"


def _invalid(text: str, cause: str) -> InvalidReference:
    shown = text if len(text) <= 120 else text[:117] + "..."
    return InvalidReference(f"invalid image reference {shown!r}: {cause}")
