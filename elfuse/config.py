"""elfuse's own settings: config.toml.

$ELFUSE_CONFIG names the one file to read (empty: none). Without it the user's file
(~/.config/elfuse/config.toml, or where the platform keeps such files) is read over /etc/elfuse/config.toml:
each setting is taken from the first file that has it.

    store = "~/images"        # below --store and ELFUSE_STORE
    engine = "interp"         # below --engine and ELFUSE_ENGINE
    jobs = 4                  # blobs fetched at once, below --jobs
    snapshot = "runtime"      # below ELFUSE_SNAPSHOT; how a run gets its root

    [limits]                  # of one layer, past which it is refused
    layer_entries = 8_388_608
    layer_size = 1_099_511_627_776  # uncompressed bytes
    layer_ratio = 4096        # uncompressed bytes a byte of the blob, past the first GiB

    [registries."registry.example.com:5000"]
    insecure = false          # true: any certificate, or plain HTTP; for a registry on this machine only
    ca_bundle = "ca.pem"      # trusted beside the system's; relative to this file's directory
    auth_file = "~/login.json"  # auth.json's form, or {"username": ..., "password": ...}; mode 0600
"""

import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from elfuse.config_files import SYSTEM_FILE, VARIABLE, user_file
from elfuse.errors import ConfigurationError
from elfuse.toml import convert, read_toml

Engine = Literal["auto", "jit", "interp"]
Snapshot = Literal["auto", "reflink", "runtime", "overlay", "copy"]


class RegistrySettings(msgspec.Struct, frozen=True):
    """What is set for one registry; None where nothing is. Paths are absolute."""

    insecure: bool | None = None
    ca_bundle: str | None = None
    auth_file: str | None = None
    # Setting -> the file that has it, for messages.
    origins: Mapping[str, str] = msgspec.field(default_factory=dict)


class Limits(msgspec.Struct, frozen=True):
    """What one layer may cost. None leaves a limit to its built-in default."""

    layer_entries: int | None = None
    layer_size: int | None = None
    layer_ratio: int | None = None


class Settings(msgspec.Struct, frozen=True):
    """All files together. None leaves a setting to its built-in default."""

    store: str | None = None
    engine: Engine | None = None
    jobs: int | None = None
    snapshot: Snapshot | None = None
    registries: Mapping[str, RegistrySettings] = msgspec.field(default_factory=dict)
    limits: Limits = Limits()

    def registry(self, host: str) -> RegistrySettings:
        """The settings of host[:port], which must be written in the file as in an image's name."""
        return self.registries.get(host, RegistrySettings())


class _Registry(msgspec.Struct, forbid_unknown_fields=True):
    insecure: bool | None = None
    ca_bundle: str | None = None
    auth_file: str | None = None


# What the C library counts in: 64 bits, and TOML's own numbers have no more.
_Limit = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


class _Limits(msgspec.Struct, forbid_unknown_fields=True):
    layer_entries: _Limit | None = None
    layer_size: _Limit | None = None
    layer_ratio: _Limit | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    store: str | None = None
    engine: Engine | None = None
    jobs: Annotated[int, msgspec.Meta(ge=1, le=64)] | None = None
    snapshot: Snapshot | None = None
    registries: dict[str, Any] = {}
    limits: _Limits = msgspec.field(default_factory=_Limits)


def load() -> Settings:
    """The settings that count for this process. Raises ConfigurationError."""
    chosen = os.environ.get(VARIABLE)
    if chosen is not None:
        if not chosen:
            return Settings()
        path = os.path.abspath(chosen)
        document = read_toml(path)
        if document is None:
            raise ConfigurationError(f"{path} does not exist", hint=f"it is named by {VARIABLE}")
        return _merged([(path, document)])
    found = []
    for path in (user_file(), SYSTEM_FILE):
        document = read_toml(path)
        if document:
            found.append((path, document))
    return _merged(found) if found else Settings()


def _merged(files: list[tuple[str, dict[str, Any]]]) -> Settings:
    """The first file that has a setting decides."""
    store: str | None = None
    engine: Engine | None = None
    jobs: int | None = None
    snapshot: Snapshot | None = None
    registries: dict[str, RegistrySettings] = {}
    limits: dict[str, int] = {}
    for path, document in files:
        file = convert(document, _File, path)
        if store is None and file.store is not None:
            store = _resolve(file.store, path, "store")
        engine = file.engine if engine is None else engine
        jobs = file.jobs if jobs is None else jobs
        snapshot = file.snapshot if snapshot is None else snapshot
        for host, table in file.registries.items():
            registries[host] = _joined(registries.get(host), _registry(host, table, path))
        for name in _Limits.__struct_fields__:
            value = getattr(file.limits, name)
            if value is not None:
                limits.setdefault(name, value)
    return Settings(store, engine, jobs, snapshot, registries, Limits(**limits))


def _registry(host: str, table: Any, path: str) -> RegistrySettings:
    from elfuse.oci.reference import canonical_host, is_host, names_host

    key = f'registries."{host}"'
    if not is_host(host) or not names_host(host) or canonical_host(host) != host:
        raise ConfigurationError(f"{path}: {key}: not a registry's name", hint="write host or host:port")
    read = convert(table, _Registry, path, key)
    bundle, login = read.ca_bundle, read.auth_file
    return RegistrySettings(
        read.insecure,
        None if bundle is None else _resolve(bundle, path, f"{key}.ca_bundle"),
        None if login is None else _resolve(login, path, f"{key}.auth_file"),
        {name: path for name in _Registry.__struct_fields__ if getattr(read, name) is not None},
    )


def _joined(first: RegistrySettings | None, second: RegistrySettings) -> RegistrySettings:
    if first is None:
        return second
    return RegistrySettings(
        second.insecure if first.insecure is None else first.insecure,
        first.ca_bundle or second.ca_bundle,
        first.auth_file or second.auth_file,
        {**second.origins, **first.origins},
    )


def _resolve(value: str, path: str, key: str) -> str:
    """A path of a file's own: `~` is the user's home, a relative one starts at the file's directory."""
    if not value or "\0" in value:
        raise ConfigurationError(f"{path}: {key}: not a path")
    expanded = os.path.expanduser(value)
    if expanded.startswith("~"):
        raise ConfigurationError(f"{path}: {key}: there is no home of {expanded.partition('/')[0]}")
    return os.path.normpath(os.path.join(os.path.dirname(path), expanded))
