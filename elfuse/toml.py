"""Reading TOML files, so that an absent or empty one costs nothing and a wrong one says where it is wrong."""

import re
from typing import Any, TypeVar

import msgspec

from elfuse.errors import ConfigurationError

LIMIT = 4 << 20
# Blank lines and comments. What TOML forbids even in a comment is left to the parser.
_NOTHING = re.compile(rb"(?:[ \t]*(?:#[\t\x20-\x7e]*)?\r?\n)*+[ \t]*(?:#[\t\x20-\x7e]*)?")
_WHERE = re.compile(r"(.*?)(?: - at `\$\.?(.*)`)?", re.DOTALL)

T = TypeVar("T")


def read_toml(path: str) -> dict[str, Any] | None:
    """The top table of the file, or None when there is no such file. Raises ConfigurationError."""
    try:
        with open(path, "rb") as file:
            data = file.read(LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > LIMIT:
        raise ConfigurationError(f"{path} is larger than {LIMIT >> 20} MiB")
    if _NOTHING.fullmatch(data):
        return {}  # as distributions ship them: the parser need not be loaded
    import tomllib

    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}") from None


def convert(document: Any, kind: type[T], path: str, within: str = "") -> T:
    """`document` as a msgspec struct. Errors name the file and the key, below the key `within`."""
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        match = _WHERE.fullmatch(str(error))
        what, where = match.groups() if match else (str(error), None)
        place = ".".join(part for part in (within, where) if part)
        cause = what[:1].lower() + what[1:]
        raise ConfigurationError(f"{path}: {place}: {cause}" if place else f"{path}: {cause}") from None
