"""Which rule of a policy is for an image: its transport, and the scopes that it lies in.

containers-policy.json(5), "SUPPORTED TRANSPORTS AND THEIR SCOPES". The most specific scope that the policy
has decides alone; nothing is merged.
"""

import os
from dataclasses import dataclass

import msgspec

from elfuse.oci.policy.strict import Node
from elfuse.oci.reference import DockerArchiveReference, ImageSource, Reference

# Transports whose scopes are paths, and those that have no scope but "".
_PATHS = frozenset({"dir", "oci", "oci-archive", "sif"})
_UNSCOPED = frozenset({"docker-archive", "tarball"})


@dataclass(frozen=True, slots=True)
class Identity:
    """What a policy knows an image by."""

    transport: str
    scopes: tuple[str, ...]  # most specific first, without the transport's own ""
    docker_reference: Reference | None  # what signedIdentity compares; None where there are no such names


def identity_of(source: ImageSource) -> Identity:
    if isinstance(source, Reference):
        reference = digested(source)
        return Identity("docker", docker_scopes(reference), reference)
    name = source.name if isinstance(source, DockerArchiveReference) else None
    return local_identity(source.transport, source.path, name)


def local_identity(transport: str, path: str, name: Reference | None = None) -> Identity:
    """Of an image on disk. Which one of several in a layout or an archive is no part of it: `oci:DIR` and
    `oci:DIR:TAG` may be the same. `name` is the one that a docker-archive's user chose."""
    scopes = () if transport in _UNSCOPED else path_scopes(path)
    return Identity(transport, scopes, digested(name) if name is not None else None)


def digested(reference: Reference) -> Reference:
    """With a digest the tag says nothing more, and podman's policy does not look at it."""
    return msgspec.structs.replace(reference, tag=None) if reference.digest else reference


def docker_scopes(reference: Reference) -> tuple[str, ...]:
    """host[:port]/ns/repo with tag or digest, without, each namespace, the host, *.parent domains."""
    scopes = [str(reference)]
    name = reference.repository
    while name:
        scopes.append(name)
        name = name.rpartition("/")[0]
    # A wildcard is for host names alone, whatever their port.
    host = reference.domain.partition(":")[0]
    while "." in host:
        host = host.partition(".")[2]
        scopes.append(f"*.{host}")
    return tuple(scopes)


def path_scopes(path: str) -> tuple[str, ...]:
    """The path without symbolic links, and each directory above it but /."""
    scopes = []
    resolved = os.path.realpath(path)
    while resolved != "/":
        scopes.append(resolved)
        resolved = os.path.dirname(resolved)
    return tuple(scopes)


def check_scope(transport: str, scope: str, node: Node) -> None:
    """Raises FormatError for a scope that could never match: it would give a false sense of safety.

    Scopes of transports that elfuse has not are not looked at.
    """
    if not scope:
        return
    if transport in _UNSCOPED:
        raise node.wrong(f'{transport} has no scope but ""')
    if transport in _PATHS:
        clean = os.path.normpath(scope)
        if not scope.startswith("/") or scope.startswith("//") or clean != scope:
            raise node.wrong(f"a scope of {transport} is an absolute path without '.', '..' or a last '/'")
        if scope == "/":
            raise node.wrong('instead of "/" use "", the default of the transport')
