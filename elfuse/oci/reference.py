"""Image references: distribution's grammar, its docker.io defaults, and containers-transports(5).

python                          docker.io/library/python:latest
127.0.0.1:5000/x/y:tag          that registry
name@sha256:<hex>               pinned by digest; a digest beats a tag
docker://REF                    the same as REF
oci:DIR[:TAG|:@INDEX]           an OCI image layout on disk
oci-archive:FILE[:TAG|:@INDEX]  a tar of one
docker-archive:FILE[:NAME:TAG|:@INDEX]
                                what docker save and podman save write
dir:DIR                         skopeo's plain directory of one image

A path ends at its first colon (but that of dir:, which takes the rest), as for skopeo. It is made absolute,
so that the canonical form means the same image from every directory. INDEX counts from 0.
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
# Linux's PATH_MAX, with the NUL.
PATH_LIMIT = 4096

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
    def transport(self) -> str:
        return "docker"

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
    tag: str | None = None
    index: int | None = None

    def __str__(self) -> str:
        return f"{self.transport}:{self.directory}{_selected(self.tag, self.index)}"

    @property
    def transport(self) -> str:
        return "oci"

    @property
    def path(self) -> str:
        return self.directory

    @property
    def pin(self) -> str:
        return str(self)


class OciArchiveReference(msgspec.Struct, frozen=True):
    """An image in a tar of an OCI image layout. `path` is absolute."""

    path: str
    tag: str | None = None
    index: int | None = None

    def __str__(self) -> str:
        return f"{self.transport}:{self.path}{_selected(self.tag, self.index)}"

    @property
    def transport(self) -> str:
        return "oci-archive"

    @property
    def pin(self) -> str:
        return str(self)


class DockerArchiveReference(msgspec.Struct, frozen=True):
    """An image in a tar that docker save or podman save wrote. `path` is absolute."""

    path: str
    name: Reference | None = None
    index: int | None = None

    def __str__(self) -> str:
        return f"{self.transport}:{self.path}{_selected(self.name, self.index)}"

    @property
    def transport(self) -> str:
        return "docker-archive"

    @property
    def pin(self) -> str:
        return str(self)


class DirReference(msgspec.Struct, frozen=True):
    """The image in a directory that skopeo's dir: transport wrote. `path` is absolute."""

    path: str

    def __str__(self) -> str:
        return f"{self.transport}:{self.path}"

    @property
    def transport(self) -> str:
        return "dir"

    @property
    def pin(self) -> str:
        return str(self)


LocalReference = LayoutReference | OciArchiveReference | DockerArchiveReference | DirReference
ImageSource = Reference | LocalReference

# Names of containers-transports(5) that another program's storage is behind.
_UNSUPPORTED = ("containers-storage:", "docker-daemon:")


def parse(text: str, *, cwd: str | None = None) -> ImageSource:
    """The image that `text` names; relative paths are relative to `cwd`. Raises InvalidReference."""
    transport, _, rest = text.partition(":")
    match transport:
        case "oci":
            directory, selector = _split_path(text, rest, cwd)
            return LayoutReference(directory, *_layout_selector(text, selector))
        case "oci-archive":
            path, selector = _split_path(text, rest, cwd)
            return OciArchiveReference(path, *_layout_selector(text, selector))
        case "docker-archive":
            path, selector = _split_path(text, rest, cwd)
            return DockerArchiveReference(path, *_docker_selector(text, selector))
        case "dir":
            return DirReference(_absolute(text, rest, cwd))
    if text.startswith(_UNSUPPORTED):
        raise _invalid(
            text,
            f"the transport {transport}: is not supported",
            hint="save the image with that program, and use oci-archive: or docker-archive:",
        )
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


def is_short(text: str) -> bool:
    """Whether a well-formed name leaves it open which registry is meant."""
    if text.startswith(("oci:", "oci-archive:", "docker-archive:", "dir:")):
        return False
    first, slash, _ = text.removeprefix("docker://").partition("/")
    return not (slash and names_host(first))


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


def _selected(name: object, index: int | None) -> str:
    if index is not None:
        return f":@{index}"
    return f":{name}" if name is not None else ""


def _split_path(text: str, rest: str, cwd: str | None) -> tuple[str, str | None]:
    """The absolute path, and what follows its colon, if there is one."""
    path, colon, selector = rest.partition(":")
    absolute = _absolute(text, path, cwd)
    if ":" in absolute:
        raise _invalid(text, f"the path {absolute!r} has a ':', where this transport ends a path")
    return absolute, selector if colon else None


def _absolute(text: str, path: str, cwd: str | None) -> str:
    transport = text.partition(":")[0]
    if not path:
        kind = "file" if transport.endswith("archive") else "directory"
        raise _invalid(text, f"{transport}: needs a {kind}")
    absolute = os.path.normpath(os.path.join(os.getcwd() if cwd is None else cwd, path))
    # os.fsdecode makes lone surrogates of bytes that are no UTF-8; no JSON document can hold such a name.
    if "\0" in absolute or not _is_utf8(absolute):
        raise _invalid(text, "the path is not UTF-8, or holds a NUL")
    if len(absolute.encode()) >= PATH_LIMIT:
        raise _invalid(text, f"the path has more than {PATH_LIMIT - 1} bytes")
    return absolute


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _layout_selector(text: str, selector: str | None) -> tuple[str | None, int | None]:
    if selector is None:
        return None, None
    if selector.startswith("@"):
        return None, _index(text, selector)
    if not _REF_NAME.fullmatch(selector):
        raise _invalid(text, f"{selector!r} is no name in an image layout")
    return selector, None


def _docker_selector(text: str, selector: str | None) -> tuple[Reference | None, int | None]:
    if selector is None:
        return None, None
    if selector.startswith("@"):
        return None, _index(text, selector)
    name = parse_reference(selector)
    if name.digest is not None:
        raise _invalid(text, "an archive of docker save has no names with digests")
    return name, None


def _index(text: str, selector: str) -> int:
    if not re.fullmatch(r"@[0-9]{1,6}", selector, re.ASCII):
        raise _invalid(text, f"{selector!r} is no index, which is written as @0, @1, ...")
    return int(selector[1:])


def ref_name(pin: str) -> str:
    """A value of org.opencontainers.image.ref.name for `pin` that skopeo and umoci can be given.

    Nearly every canonical reference is one already. The others (`a__b`, a tag that ends in a dot, a
    layout's path) become a readable slug with a hash that keeps two different pins apart.
    """
    if _REF_NAME.fullmatch(pin):
        return pin
    slug = re.sub(r"[^A-Za-z0-9]+", "-", pin).strip("-")[-100:].strip("-")
    return f"{slug}-{hashlib.sha256(pin.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}"


def _invalid(text: str, cause: str, *, hint: str | None = None) -> InvalidReference:
    shown = text if len(text) <= 120 else text[:117] + "..."
    return InvalidReference(f"invalid image reference {shown!r}: {cause}", hint=hint)
