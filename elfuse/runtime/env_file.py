"""--env-file: lines of KEY=VALUE, by the rules of docker and podman, which are not a shell's."""

from collections.abc import Sequence

from elfuse.errors import RunError

_LIMIT = 16 << 20
_SPACE = " \t\v\f\r"


def read_env_files(paths: Sequence[str]) -> list[str]:
    """All entries in order, in the form that -e takes: `KEY=VALUE`, or `KEY` for the host's value.

    Empty lines and those that start with # are skipped. White space before a key goes; a value is taken
    as it is, quotes, spaces and all. Bytes that are no UTF-8 are kept.
    """
    return [entry for path in paths for entry in _read(path)]


def _read(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="\n") as file:
            text = file.read(_LIMIT + 1)
    except OSError as error:
        raise RunError(f"the environment file {path} cannot be read: {error.strerror}") from None
    if len(text) > _LIMIT:
        raise RunError(f"the environment file {path} is larger than {_LIMIT >> 20} MiB")
    entries = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.removesuffix("\r").lstrip(_SPACE)
        if not line or line.startswith("#"):
            continue
        key, _, _ = line.partition("=")
        if not key:
            raise RunError(f"{path}, line {number}: no name before '='")
        if any(c in _SPACE for c in key):
            raise RunError(f"{path}, line {number}: white space in the name {key!r}")
        entries.append(line)
    return entries
