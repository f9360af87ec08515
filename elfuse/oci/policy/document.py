"""policy.json: where it is looked for, and what it says. One mistake in it refuses the whole file."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from elfuse.errors import PolicyError
from elfuse.oci.policy.place import SYSTEM_FILE, VARIABLE, candidates
from elfuse.oci.policy.requirements import InsecureAcceptAnything, Requirement, parse_requirements
from elfuse.oci.policy.scopes import check_scope
from elfuse.oci.policy.strict import FormatError, Node, parse

BUILT_IN = "the built-in policy"
_LIMIT = 8 << 20  # room for keys in the document itself

Rules = tuple[Requirement, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A policy. `file` is None for the built-in one, which is used where no file exists."""

    file: str | None = None
    default: Rules = (InsecureAcceptAnything(),)
    transports: Mapping[str, Mapping[str, Rules]] = field(default_factory=dict)


def load(path: str | None = None, *, system: str = SYSTEM_FILE) -> Document:
    """The policy of `path`, else of $ELFUSE_POLICY_FILE, else the user's, else the system's, else built in.

    A file that was named must exist. One that exists and cannot be read is an error and is never passed
    over. Raises PolicyError.
    """
    chosen = path or os.environ.get(VARIABLE)
    if chosen:
        data = _read(chosen)
        if data is None:
            source = "" if path else f" (named by {VARIABLE})"
            raise PolicyError(f"the policy {chosen}{source} does not exist")
        return parse_policy(data, chosen)
    for candidate in candidates(system):
        data = _read(candidate)
        if data is not None:
            return parse_policy(data, candidate)
    return Document()


def parse_policy(data: bytes, file: str) -> Document:
    """Raises PolicyError that names the file, the place in it and the reason."""
    try:
        return _policy(parse(data, limit=_LIMIT), file)
    except FormatError as error:
        raise PolicyError(
            f"{file}: {error}", hint="no image can be used until it is right: see containers-policy.json(5)"
        ) from None


def _policy(root: Node, file: str) -> Document:
    members = root.members(("default", "transports"))
    if "default" not in members:
        raise root.wrong("the field 'default' is missing")
    transports: dict[str, dict[str, Rules]] = {}
    if "transports" in members:
        for transport, scopes in members["transports"].members().items():
            transports[transport] = rules = {}
            for scope, requirements in scopes.members().items():
                check_scope(transport, scope, requirements)
                rules[scope] = parse_requirements(requirements)
    return Document(file, parse_requirements(members["default"]), transports)


def _read(path: str) -> bytes | None:
    """The file's bytes; None when there is no such file."""
    try:
        with open(path, "rb") as file:
            return file.read(_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else str(error)
        raise PolicyError(f"the policy {path} cannot be read: {cause}") from None
