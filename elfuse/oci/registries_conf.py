"""registries.conf, version 2: which registries are blocked, redirected or mirrored.

The format is that of containers-registries.conf(5), the order of files that of podman and skopeo:

$CONTAINERS_REGISTRIES_CONF, else ~/.config/containers/registries.conf, else /etc/containers/registries.conf;
then the *.conf of /etc/containers/registries.conf.d and of ~/.config/containers/registries.conf.d by name, of
which the user's own registries.conf leaves only the latter. What a later file says replaces what an earlier
one said: a whole [[registry]] of the same prefix, an alias by its name, the other settings each.

Unknown keys are passed over, as podman and skopeo do: the format grows with their versions.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from elfuse.errors import ConfigurationError, InvalidReference
from elfuse.oci.reference import Reference, is_host, names_host, parse_reference
from elfuse.toml import convert, read_toml

VARIABLE = "CONTAINERS_REGISTRIES_CONF"
SYSTEM_DIRECTORY = "/etc/containers"
USER_DIRECTORY = "~/.config/containers"
MODES = ("enforcing", "permissive", "disabled")

PullFromMirror = Literal["", "all", "digest-only", "tag-only"]


class Place(msgspec.Struct, frozen=True):
    """A location: host[:port] with or without a path below it."""

    location: str
    insecure: bool = False
    pull_from_mirror: PullFromMirror = "all"


class Registry(msgspec.Struct, frozen=True):
    """One [[registry]] table. `origin` is the file that has it."""

    prefix: str
    place: Place
    origin: str
    blocked: bool = False
    mirrors: Sequence[Place] = ()

    def check_blocked(self, name: str) -> None:
        """Raises ConfigurationError when nothing may be asked for at this registry."""
        if self.blocked:
            raise ConfigurationError(
                f"{name}: {self.prefix} is blocked by {self.origin}",
                hint="pull it from elsewhere, or have blocked = true taken out",
            )


class PullSource(msgspec.Struct, frozen=True):
    """Where to pull a reference from: the name that it has there."""

    reference: Reference
    insecure: bool = False
    is_mirror: bool = False
    origin: str = ""  # the file that says so; empty when none does


class Alias(msgspec.Struct, frozen=True):
    """What a short name means: a full name without tag and digest. Empty takes an earlier alias away."""

    name: str
    origin: str

    def check(self, short_name: str) -> "Alias":
        """The alias itself. Raises ConfigurationError when either side is not what it has to be."""
        where = f"{self.origin}: aliases: {short_name!r}"
        first, slash, _ = short_name.partition("/")
        if not _is_repository(f"docker.io/{short_name}") or (slash and names_host(first)):
            raise ConfigurationError(f"{where} is no short name")
        if self.name and not (_is_repository(self.name) and names_host(self.name.partition("/")[0])):
            raise ConfigurationError(f"{where}: {self.name!r} is no full name without tag (HOST/REPOSITORY)")
        return self


class RegistriesConf(msgspec.Struct, frozen=True):
    """All files together. None leaves a setting to its default."""

    registries: Mapping[str, Registry] = msgspec.field(default_factory=dict)
    search: Sequence[str] | None = None
    search_origin: str = ""
    credential_helpers: Sequence[str] | None = None
    short_name_mode: str | None = None
    # Unchecked: a distribution has a hundred, and a pull wants one at most.
    aliases: Mapping[str, Alias] = msgspec.field(default_factory=dict)

    def registry_of(self, name: str) -> Registry | None:
        """The table with the longest prefix of `name`, a host, repository or full reference."""
        best: Registry | None = None
        for prefix in sorted(self.registries):
            if matched(name, prefix) and (best is None or len(prefix) > len(best.prefix)):
                best = self.registries[prefix]
        return best

    def sources(self, reference: Reference) -> list[PullSource]:
        """Mirrors in their order, then the registry itself. Raises ConfigurationError when it is blocked."""
        registry = self.registry_of(reference.pin)
        if registry is None:
            return [PullSource(reference)]
        registry.check_blocked(str(reference))
        wanted = ("all", "digest-only") if reference.digest else ("all", "tag-only")
        found = [
            PullSource(_rewritten(reference, registry, mirror), mirror.insecure, True, registry.origin)
            for mirror in registry.mirrors
            if mirror.pull_from_mirror in wanted
        ]
        primary = _rewritten(reference, registry, registry.place)
        return [*found, PullSource(primary, registry.place.insecure, False, registry.origin)]


def matched(name: str, prefix: str) -> int:
    """How much of `name` the prefix covers; 0 when it does not.

    A prefix without a port covers a name with one too, as in podman and skopeo, so that the same file blocks
    the same images.
    """
    if prefix.startswith("*."):
        host = name.partition("/")[0].partition("@")[0]
        domain = host.rpartition(":")[0] or host
        return len(domain) if domain.endswith(prefix[1:]) and len(domain) > len(prefix) - 1 else 0
    if name == prefix or (name.startswith(prefix) and name[len(prefix)] in ":/@"):
        return len(prefix)
    return 0


def load() -> RegistriesConf:
    """The settings that count for this process. Raises ConfigurationError."""
    result = RegistriesConf()
    for path, required in _files():
        document = read_toml(path)
        if document:
            result = _merged(result, _parse(document, path))
        elif document is None and required:
            raise ConfigurationError(f"{path} does not exist", hint=f"it is named by {VARIABLE}")
    return result


def looked_at() -> list[str]:
    """The files that load() reads, and what their being there, or not, decides."""
    main, folders = _places()
    user = os.path.join(os.path.expanduser(USER_DIRECTORY), "registries.conf")
    return list(dict.fromkeys([user, main, *folders, *(path for path, _ in _files())]))


def _files() -> list[tuple[str, bool]]:
    """The files in the order in which they are read, and whether each must be there."""
    main, folders = _places()
    drop_ins = [path for folder in folders for path in _drop_ins(folder)]
    return [(main, bool(os.environ.get(VARIABLE))), *((path, False) for path in drop_ins)]


def _places() -> tuple[str, list[str]]:
    """The main file, and the folders of further ones."""
    user = os.path.expanduser(USER_DIRECTORY)
    chosen = os.environ.get(VARIABLE)
    main, homes = os.path.join(SYSTEM_DIRECTORY, "registries.conf"), [SYSTEM_DIRECTORY, user]
    if chosen:
        main = os.path.abspath(chosen)
    elif os.path.exists(os.path.join(user, "registries.conf")):
        main, homes = os.path.join(user, "registries.conf"), [user]
    return main, [os.path.join(home, "registries.conf.d") for home in homes]


def _drop_ins(folder: str) -> list[str]:
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be read: {error.strerror}") from None
    paths = [os.path.join(folder, name) for name in names if name.endswith(".conf")]
    return [path for path in paths if not os.path.isdir(path)]


class _Mirror(msgspec.Struct, rename="kebab"):
    location: str = ""
    insecure: bool = False
    pull_from_mirror: PullFromMirror = ""


class _Table(msgspec.Struct, rename="kebab"):
    prefix: str = ""
    location: str = ""
    insecure: bool = False
    blocked: bool = False
    mirror_by_digest_only: bool = False
    pull_from_mirror: str = ""
    mirror: list[_Mirror] = []


class _File(msgspec.Struct, rename="kebab"):
    registry: list[_Table] = []
    unqualified_search_registries: list[str] | None = None
    credential_helpers: list[str] | None = None
    short_name_mode: str = ""
    aliases: dict[str, str] = {}
    registries: Any = None  # version 1


def _parse(document: dict[str, Any], path: str) -> RegistriesConf:
    file = convert(document, _File, path)
    if file.registries is not None:
        raise ConfigurationError(
            f"{path} is of version 1 ([registries.search], .insecure, .block), which elfuse does not read",
            hint="write [[registry]] tables, see containers-registries.conf(5)",
        )
    if file.short_name_mode and file.short_name_mode not in MODES:
        raise ConfigurationError(f"{path}: short-name-mode: {file.short_name_mode!r} is none of {_or(MODES)}")
    registries: dict[str, Registry] = {}
    for position, table in enumerate(file.registry):
        registry = _registry(table, path, f"registry[{position}]")
        _check_conflicts(registry, registries)
        registries.setdefault(registry.prefix, registry)
    search = file.unqualified_search_registries
    for host in search or ():
        if not is_host(host) or not names_host(host):
            raise ConfigurationError(f"{path}: unqualified-search-registries: {host!r} is no registry host")
    return RegistriesConf(
        registries,
        search,
        path if search is not None else "",
        file.credential_helpers,
        file.short_name_mode or None,
        {name: Alias(value, path) for name, value in file.aliases.items()},
    )


def _registry(table: _Table, path: str, where: str) -> Registry:
    if table.pull_from_mirror:
        raise ConfigurationError(f"{path}: {where}: pull-from-mirror belongs into [[registry.mirror]]")
    location = _location(table.location, path, f"{where}.location")
    prefix = _prefix(table.prefix, path, f"{where}.prefix") or location
    if not prefix:
        raise ConfigurationError(f"{path}: {where}: neither prefix nor location is set")
    if not location and not prefix.startswith("*."):
        raise ConfigurationError(f"{path}: {where}: a location is needed with the prefix {prefix!r}")
    mirrors = []
    for position, mirror in enumerate(table.mirror):
        name = f"{where}.mirror[{position}]"
        place = _location(mirror.location, path, f"{name}.location")
        if not place:
            raise ConfigurationError(f"{path}: {name}: the location is not set")
        if table.mirror_by_digest_only and mirror.pull_from_mirror:
            raise ConfigurationError(
                f"{path}: {name}: pull-from-mirror and mirror-by-digest-only exclude each other"
            )
        when: PullFromMirror = "digest-only" if table.mirror_by_digest_only else mirror.pull_from_mirror
        mirrors.append(Place(place, mirror.insecure, when or "all"))
    return Registry(prefix, Place(location, table.insecure), path, table.blocked, mirrors)


def _check_conflicts(registry: Registry, earlier: Mapping[str, Registry]) -> None:
    """Two tables of one location may not differ in what is safe (as podman and skopeo refuse it)."""
    ours = registry.place.location or registry.prefix
    for other in earlier.values():
        if (other.place.location or other.prefix) != ours:
            continue
        for name, differ in (
            ("insecure", registry.place.insecure != other.place.insecure),
            ("blocked", registry.blocked != other.blocked),
        ):
            if differ:
                raise ConfigurationError(f"{registry.origin}: {ours} is both {name} and not {name}")


def _prefix(text: str, path: str, where: str) -> str:
    if not text.startswith("*."):
        return _location(text, path, where)
    if not is_host(text[2:]) or ":" in text:
        raise ConfigurationError(
            f"{path}: {where}: {text!r} is no wildcard of the form *.example.com, without port and path"
        )
    return text


def _location(text: str, path: str, where: str) -> str:
    """host[:port][/path], without the slashes that may end it."""
    place = text.rstrip("/")
    if place.startswith(("http://", "https://")):
        raise ConfigurationError(
            f"{path}: {where}: {text!r} has a URL's scheme", hint="write host[:port]/path"
        )
    host = place.partition("/")[0].partition("@")[0]
    if place and not is_host(host):
        raise ConfigurationError(f"{path}: {where}: {text!r} does not begin with a registry host")
    return place


def _is_repository(text: str) -> bool:
    """Whether it is a name with neither tag nor digest."""
    try:
        parse_reference(text)
    except InvalidReference:
        return False
    return "@" not in text and ":" not in text.rpartition("/")[2]


def _rewritten(reference: Reference, registry: Registry, place: Place) -> Reference:
    """The name of `reference` at `place`: the location takes the place of the prefix."""
    if not place.location or place.location == registry.prefix:
        return reference
    name = place.location + reference.pin[matched(reference.pin, registry.prefix) :]
    try:
        if not names_host(place.location.partition("/")[0]):
            raise InvalidReference("it does not begin with a registry host")
        return parse_reference(name)
    except InvalidReference as error:
        raise ConfigurationError(
            f"{registry.origin}: {reference} becomes {name!r}: {error.message}"
        ) from None


def _merged(first: RegistriesConf, second: RegistriesConf) -> RegistriesConf:
    """What `second`, the later file, says replaces what `first` says."""
    helpers = second.credential_helpers
    return RegistriesConf(
        {**first.registries, **second.registries},
        first.search if second.search is None else second.search,
        first.search_origin if second.search is None else second.search_origin,
        first.credential_helpers if helpers is None else helpers,
        second.short_name_mode or first.short_name_mode,
        {**first.aliases, **second.aliases},
    )


def _or(words: Sequence[str]) -> str:
    return ", ".join(words[:-1]) + " or " + words[-1]
