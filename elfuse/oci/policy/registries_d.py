"""containers-registries.d(5): where the signatures of an image are kept.

All *.yaml files of one directory, the user's if it is there, else the system's. A value is taken from the
most specific scope that has it; a scope that two files define is an error.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from elfuse.errors import PolicyError
from elfuse.oci.digest import Digest
from elfuse.oci.policy.scopes import digested, docker_scopes
from elfuse.oci.reference import Reference

USER_DIRECTORY = "~/.config/containers/registries.d"
SYSTEM_DIRECTORY = "/etc/containers/registries.d"
USER_LOOKASIDE = "~/.local/share/containers/sigstore"
SYSTEM_LOOKASIDE = "/var/lib/containers/sigstore"
_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Section:
    lookaside: str | None = None
    use_sigstore_attachments: bool | None = None


@dataclass(frozen=True, slots=True)
class Registries:
    """`directory` is None where neither directory exists."""

    directory: str | None = None
    default: Section = Section()
    docker: Mapping[str, Section] = field(default_factory=dict)

    def lookaside(self, reference: Reference) -> str:
        """The URL that the signatures of `reference`'s repository begin with."""
        base = next((s.lookaside for s in self._sections(reference) if s.lookaside), None)
        if base is None:
            home = SYSTEM_LOOKASIDE if os.geteuid() == 0 else os.path.expanduser(USER_LOOKASIDE)
            base = "file://" + quote(home)
        parts = urlsplit(base)
        return urlunsplit(parts._replace(path=f"{parts.path}/{reference.path}"))

    def uses_attachments(self, reference: Reference) -> bool:
        """Whether cosign's signatures, which lie beside the image in its repository, are looked for."""
        said = (s.use_sigstore_attachments for s in self._sections(reference))
        return next((value for value in said if value is not None), False)

    def _sections(self, reference: Reference) -> Iterator[Section]:
        for scope in docker_scopes(digested(reference)):
            if scope in self.docker:
                yield self.docker[scope]
        yield self.default


def signature_url(base: str, digest: Digest, number: int) -> str:
    """Of the signature with this number, from 1 (containers/image docs/signature-protocols.md)."""
    parts = urlsplit(base)
    return urlunsplit(parts._replace(path=f"{parts.path}@{digest.replace(':', '=')}/signature-{number}"))


def load_registries(directory: str | None = None, *, system: str = SYSTEM_DIRECTORY) -> Registries:
    """Raises PolicyError for any file that cannot be read or is wrong: it could be the one that counts."""
    if directory is None:
        user = os.path.expanduser(USER_DIRECTORY)
        directory = user if os.path.lexists(user) else system
        if not os.path.lexists(directory):
            return Registries()
    default: Section | None = None
    docker: dict[str, Section] = {}
    origins: dict[str, str] = {}
    for path in _files(directory):
        document = _read(path)
        if document.get("default-docker") is not None:
            if default is not None:
                raise PolicyError(f"default-docker is defined in {origins['']} and in {path}")
            default, origins[""] = _section(document["default-docker"], path, "default-docker"), path
        for scope, section in _mapping(document.get("docker"), path, "docker").items():
            if scope in docker:
                raise PolicyError(f"docker: {scope!r} is defined in {origins[scope]} and in {path}")
            docker[scope], origins[scope] = _section(section, path, f"docker: {scope}"), path
    return Registries(directory, default or Section(), docker)


def _files(directory: str) -> list[str]:
    try:
        names = sorted(os.listdir(directory))
    except OSError as error:
        raise PolicyError(f"{directory} cannot be read: {error.strerror}") from None
    return [os.path.join(directory, name) for name in names if name.endswith(".yaml")]


def _read(path: str) -> dict[str, Any]:
    from elfuse.oci.policy.yaml_reader import YamlError, load_yaml

    try:
        with open(path, "rb") as file:
            data = file.read(_LIMIT + 1)
        if len(data) > _LIMIT:
            raise PolicyError(f"{path} is larger than {_LIMIT >> 20} MiB")
        return _mapping(load_yaml(data), path, "the document")
    except OSError as error:
        raise PolicyError(f"{path} cannot be read: {error.strerror}") from None
    except YamlError as error:
        raise PolicyError(f"{path} is not valid YAML: {error}") from None


def _section(value: object, path: str, where: str) -> Section:
    """Unknown members are passed over, as podman does: later versions have more of them."""
    members = _mapping(value, path, where)
    attachments = members.get("use-sigstore-attachments")
    if attachments is not None and not isinstance(attachments, bool):
        raise PolicyError(f"{path}: {where}: use-sigstore-attachments is neither true nor false")
    texts = {}
    for name in ("lookaside", "lookaside-staging", "sigstore", "sigstore-staging"):
        texts[name] = members.get(name)
        if texts[name] is not None and not isinstance(texts[name], str):
            raise PolicyError(f"{path}: {where}: {name} is no text")
    # `sigstore` is the name that `lookaside` had before; the staging places are for writing only.
    return Section(texts["lookaside"] or texts["sigstore"] or None, attachments)


def _mapping(value: object, path: str, where: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise PolicyError(f"{path}: {where} is no mapping of names")
    return value
