"""Short names: what `python` or `org/app:1` means (containers-registries.conf(5), Short-Name Aliasing).

An alias decides, that of short-name-aliases.conf before those of registries.conf. Else the candidates are
the name on each of `unqualified-search-registries`; where no file sets that list, on docker.io. With more
than one candidate someone at a terminal is asked, and the answer can be kept as an alias once it has proved
right.
"""

import fcntl
import os
from collections.abc import Callable, Sequence

import msgspec

from elfuse.errors import ConfigurationError, InvalidReference
from elfuse.oci import disk
from elfuse.oci.reference import (
    DEFAULT_DOMAIN,
    ImageSource,
    Reference,
    is_short,
    parse,
    parse_reference,
)
from elfuse.oci.registries_conf import Alias, RegistriesConf, load
from elfuse.toml import read_toml

SYSTEM_CACHE = "/var/cache"
ALIASES = "containers/short-name-aliases.conf"

# Given the question and the candidates, returns one of them; raises to give up.
Ask = Callable[[str, Sequence[Reference]], Reference]


class Resolved(msgspec.Struct, frozen=True):
    """What a name may mean: to be tried in this order."""

    candidates: tuple[ImageSource, ...]
    short_name: str = ""  # without tag and digest; empty for a full name
    origin: str = ""  # the file that decided; empty for elfuse's own default
    was_asked: bool = False

    @property
    def source(self) -> ImageSource:
        return self.candidates[0]

    def remember(self) -> None:
        """Keep the answer to the question as an alias. To be called when the image was there."""
        if self.was_asked and isinstance(self.source, Reference):
            remember(self.short_name, self.source.repository)


def resolve(text: str, *, ask: Ask | None = None) -> Resolved:
    """What `text` names. `ask` is given where someone can answer (podman: stdin and stdout are a terminal).

    Raises InvalidReference, ConfigurationError.
    """
    plain = parse(text)  # its form is checked first: the other readings differ in the registry alone
    if not is_short(text):
        return Resolved((plain,))
    short = text.removeprefix("docker://")
    name = _without_tag(short)
    conf = load()
    alias = _kept().get(name) or conf.aliases.get(name)
    if alias is not None and alias.check(name).name:
        return Resolved((_named(alias.name + short[len(name) :], alias.origin),), name, alias.origin)
    if conf.search is None:
        return Resolved((plain,), name)
    if not conf.search:
        raise ConfigurationError(
            f"{text}: {conf.search_origin} allows no names without a registry",
            hint=f"write {DEFAULT_DOMAIN}/{short}, or the registry that is meant",
        )
    candidates = tuple(_named(f"{host}/{short}", conf.search_origin) for host in conf.search)
    return _chosen(text, name, candidates, conf, ask)


def _chosen(
    text: str, name: str, candidates: tuple[Reference, ...], conf: RegistriesConf, ask: Ask | None
) -> Resolved:
    mode = conf.short_name_mode or "permissive"
    if len(candidates) == 1 or mode == "disabled":
        return Resolved(candidates, name, conf.search_origin)
    if ask is not None:
        return Resolved((ask(text, candidates),), name, conf.search_origin, was_asked=True)
    if mode == "enforcing":
        raise ConfigurationError(
            f"{text} may be any of {', '.join(map(str, candidates))}, and short-name-mode is enforcing",
            hint="write the full name, or run it at a terminal to be asked",
        )
    return Resolved(candidates, name, conf.search_origin)


def remember(short_name: str, repository: str) -> None:
    """Keep an alias in short-name-aliases.conf. Raises ConfigurationError."""
    path = aliases_path()
    try:
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        # c/storage's lock of the same file: a record lock on a file beside it.
        lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            kept = {**_kept(), short_name: Alias(repository, path)}
            # Both sides are names by their grammar, so nothing in them needs escaping.
            lines = [f'  "{name}" = "{alias.check(name).name}"\n' for name, alias in sorted(kept.items())]
            text = "[aliases]\n" + "".join(lines)
            disk.replace_file(path, text.encode(), os.path.dirname(path))
        finally:
            os.close(lock)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from None


def aliases_path() -> str:
    """Where podman keeps the answers too."""
    if os.geteuid() == 0:
        return os.path.join(SYSTEM_CACHE, ALIASES)
    return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), ALIASES)


def _kept() -> dict[str, Alias]:
    path = aliases_path()
    document = read_toml(path)
    if not document:
        return {}
    table = document.get("aliases", {})
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise ConfigurationError(f"{path}: aliases is not a table of strings", hint="remove the file")
    return {name: Alias(value, path) for name, value in table.items()}


def _without_tag(text: str) -> str:
    name = text.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return head + slash + last.partition(":")[0]


def _named(text: str, origin: str) -> Reference:
    try:
        return parse_reference(text)
    except InvalidReference as error:
        raise ConfigurationError(f"{origin}: {error.message}") from None
