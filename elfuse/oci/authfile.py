"""Files of logins: auth.json of containers-auth.json(5), docker's config.json, and the old .dockercfg.

    {"auths": {"host[:port][/namespace[/repository]]": {"auth": base64("USER:PASSWORD")}},
     "credHelpers": {"host": "NAME"}, "credsStore": "NAME"}

`identitytoken` in an entry is an OAuth2 refresh token. .dockercfg is the object of "auths" alone.
Whoever edits a file keeps what it does not know.
"""

import binascii
import contextlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elfuse.errors import ConfigurationError, InvalidImage
from elfuse.oci import disk
from elfuse.oci.access import Credentials
from elfuse.oci.image import load_json
from elfuse.oci.reference import DEFAULT_DOMAIN, canonical_host

LIMIT = 4 << 20
# docker's key for docker.io, in files and in helpers.
HUB_KEY = "https://index.docker.io/v1/"
VARIABLE = "REGISTRY_AUTH_FILE"


@dataclass(frozen=True, slots=True)
class AuthPath:
    path: str
    legacy: bool = False  # .dockercfg


@dataclass(frozen=True, slots=True)
class Key:
    """What a login is for: a registry, or a namespace or repository of one, without tag and digest."""

    host: str
    path: str = ""

    def __str__(self) -> str:
        return f"{self.host}/{self.path}" if self.path else self.host

    def from_most_specific(self) -> Iterator[str]:
        key = str(self)
        while True:
            yield key
            key, slash, _ = key.rpartition("/")
            if not slash:
                return


class AuthFile:
    """One file's content, with its form checked and nothing decoded."""

    def __init__(self, path: str, document: dict[str, Any], *, legacy: bool = False) -> None:
        self.path = path
        self.document = document
        self._legacy = legacy
        self.auths: dict[str, dict[str, Any]] = self._table("auths", dict)
        self.helpers: dict[str, str] = self._table("credHelpers", str)
        store = document.get("credsStore")
        if not isinstance(store, str | None):
            raise ConfigurationError(f"{path}: credsStore is not a string")
        self.store = store or ""

    def entry(self, key: Key) -> tuple[str, Credentials | None] | None:
        """The most specific entry for `key`, by its name in the file; without login it is a marker."""
        for name in [key.host] if self._legacy else key.from_most_specific():
            if name in self.auths:
                return name, self._decode(name)
        for name in self.auths:
            if host_of(name, legacy=self._legacy) == key.host:
                return name, self._decode(name)
        return None

    def helper(self, host: str) -> tuple[str, str] | None:
        """The helper for a registry and the server to name to it."""
        for name in server_names(host):
            if name in self.helpers:
                return self.helpers[name], name
        return None

    def _table(self, name: str, kind: type) -> dict[str, Any]:
        table = self.document.get(name)
        if table is None:
            return {}
        if not isinstance(table, dict):
            raise ConfigurationError(f"{self.path}: {name} is not an object")
        for key, value in table.items():
            if not isinstance(value, kind):
                what = "an object" if kind is dict else "a string"
                raise ConfigurationError(f"{self.path}: {name}[{key!r}] is not {what}")
        return table

    def _decode(self, name: str) -> Credentials | None:
        entry = self.auths[name]
        values = {}
        for member in ("auth", "identitytoken", "username", "password"):
            value = entry.get(member)
            if not isinstance(value, str | None):
                raise ConfigurationError(f"{self.path}: auths[{name!r}].{member} is not a string")
            values[member] = value or ""
        username, password = values["username"], values["password"]
        if values["auth"]:
            username, password = self._split(name, values["auth"])
        if values["identitytoken"]:
            return Credentials(username, values["identitytoken"], self.path, is_identity_token=True)
        return Credentials(username, password, self.path) if username or password else None

    def _split(self, name: str, text: str) -> tuple[str, str]:
        """USER and PASSWORD of `auth`. The text itself is never shown: it is the secret."""
        where = f"{self.path}: auths[{name!r}].auth"
        packed = text.replace("\n", "").replace("\r", "")
        try:
            if len(packed) % 4:
                raise ValueError  # strict_mode lets a surplus '=' pass
            plain = binascii.a2b_base64(packed, strict_mode=True).decode()
        except ValueError:
            raise ConfigurationError(f"{where} is not base64 of USER:PASSWORD", hint=_AGAIN) from None
        username, colon, password = plain.partition(":")
        if not colon:
            raise ConfigurationError(f"{where} holds no ':' between user and password", hint=_AGAIN)
        return username, password.strip("\0")


_AGAIN = "log in again, or remove the entry"


def load(place: AuthPath) -> AuthFile | None:
    """The file's content, or None when there is no such file. Raises ConfigurationError."""
    try:
        with open(place.path, "rb") as file:
            data = file.read(LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigurationError(f"{place.path} cannot be read: {error.strerror}") from None
    return parse(place, data)


def parse(place: AuthPath, data: bytes) -> AuthFile:
    try:
        document = load_json(data, place.path, limit=LIMIT)
    except InvalidImage as error:
        raise ConfigurationError(error.message) from None
    if not isinstance(document, dict):
        raise ConfigurationError(f"{place.path} is not a JSON object")
    if place.legacy:
        return AuthFile(place.path, {"auths": document}, legacy=True)
    return AuthFile(place.path, document)


@contextlib.contextmanager
def edited(path: str) -> Iterator[AuthFile]:
    """The file, to be changed through its `document` and written when the block ends well.

    It is written as one step, 0600, where a link to it leads; what is not changed stays. Writers take turns.
    """
    path = os.path.realpath(path)
    folder = os.path.dirname(path)
    try:
        os.makedirs(folder, 0o700, exist_ok=True)
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _not_written(path, error) from None
    try:
        disk.wait_lock(fd, folder)
        file = load(AuthPath(path)) or AuthFile(path, {})
        before = json.dumps(file.document)
        yield file
        if json.dumps(file.document) != before or not os.path.exists(path):
            text = json.dumps(file.document, indent="\t", ensure_ascii=False)
            try:
                disk.replace_file(path, text.encode("utf-8", "surrogatepass") + b"\n", folder)
            except OSError as error:
                raise _not_written(path, error) from None
    finally:
        os.close(fd)


def default_path() -> str:
    """Where logins are written: auth.json of the session, which ends with it (containers-auth.json(5))."""
    if sys.platform != "linux":
        return os.path.expanduser("~/.config/containers/auth.json")
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime:
        return os.path.join(runtime, "containers/auth.json")
    return f"/run/containers/{os.getuid()}/auth.json"


def search_path() -> list[AuthPath]:
    """Where logins are looked for when no file is named, in this order."""
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    docker = os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")
    places = [
        AuthPath(default_path()),
        AuthPath(os.path.join(config, "containers/auth.json")),
        AuthPath(os.path.join(docker, "config.json")),
        AuthPath(os.path.expanduser("~/.dockercfg"), legacy=True),
    ]
    return list(dict.fromkeys(places))


def host_of(name: str, *, legacy: bool = False) -> str:
    """The registry that an entry's name means: docker has written URLs, and for docker.io still does."""
    rest = name.removeprefix("http://").removeprefix("https://")
    if legacy or rest != name:
        rest = rest.partition("/")[0]
    return canonical_host(rest)


def server_names(host: str) -> list[str]:
    """What helpers may know a registry by: docker.io has podman's name and docker's."""
    return [host, "index.docker.io", HUB_KEY] if host == DEFAULT_DOMAIN else [host]


def _not_written(path: str, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"{path} cannot be written: {error.strerror}",
        hint=f"name another file with --authfile or {VARIABLE}",
    )
