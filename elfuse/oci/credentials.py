"""Logins: found, saved and removed, in the files and the helpers that podman, skopeo and docker use.

An explicit file (--authfile, REGISTRY_AUTH_FILE) is the only one read. Otherwise config.toml's `auth_file`
comes first, then the helpers of registries.conf in their order, among which `containers-auth.json` (alone,
when nothing is set) means the files of `authfile.search_path`.

A file that is malformed is an error. A helper that does not work is a warning, and the registry is asked
without a login: a public image must not fail because of it.
"""

import binascii
import os
import stat
from collections.abc import Sequence

from elfuse import config, log
from elfuse.errors import AuthenticationError, ConfigurationError, ElfuseError, InvalidReference
from elfuse.oci import authfile, registries_conf
from elfuse.oci.access import Credentials
from elfuse.oci.authfile import HUB_KEY, VARIABLE, AuthFile, AuthPath, Key
from elfuse.oci.reference import DEFAULT_DOMAIN, canonical_host, is_host, parse_reference

FILES = "containers-auth.json"
FILES_ONLY = (FILES,)
SECRET_LIMIT = 32 << 10


def parse_key(text: str) -> Key:
    """REGISTRY[/NAMESPACE[/REPOSITORY]], or a URL, of which only the host counts. Raises InvalidReference."""
    rest = text.removeprefix("https://").removeprefix("http://")
    host, _, path = rest.partition("/")
    path = "" if rest != text else path.rstrip("/")
    if not is_host(host):
        raise InvalidReference(f"{text[:120]!r}: {host[:80]!r} is no registry host")
    if path:
        if ":" in path or "@" in path:
            raise InvalidReference(f"{text[:120]!r}: a login has no tag or digest")
        parse_reference(f"{host}/{path}" if ":" in host or "." in host else f"{host}:1/{path}")
    return Key(canonical_host(host), path)


def parse_pair(text: str) -> Credentials:
    """The value of --creds: USER[:PASSWORD]. Without a password it is empty, as skopeo has it."""
    username, _, password = text.partition(":")
    if not username:
        raise InvalidReference("--creds needs USER[:PASSWORD]")
    return Credentials(username, password, "--creds")


def variable_file() -> str | None:
    return os.environ.get(VARIABLE) or None


def explicit_file(authfile_option: str | None) -> str | None:
    """The file that the option or the environment names. The option's must exist to be read."""
    if authfile_option is None:
        return variable_file()
    if not os.path.exists(authfile_option):
        raise ConfigurationError(f"{authfile_option}: no such file of logins", hint="it is from --authfile")
    return authfile_option


def configured_helpers() -> Sequence[str]:
    """The list of registries.conf, or its default."""
    helpers = registries_conf.load().credential_helpers
    return FILES_ONLY if helpers is None else helpers


def current(key: Key, authfile_option: str | None) -> Credentials | None:
    """The login that a pull would use; none from a file that is not there yet. Raises ConfigurationError."""
    return find(
        key,
        explicit=authfile_option or variable_file(),
        own_file=config.load().registry(key.host).auth_file,
        helpers=configured_helpers(),
    )


def check_not_shadowed(key: Key) -> None:
    """Raises ConfigurationError where what `save` keeps would not be used afterwards."""
    own = config.load().registry(key.host)
    if own.auth_file is not None:
        raise ConfigurationError(
            f"{own.origins['auth_file']}: the login of {key.host} is in its auth_file {own.auth_file}",
            hint="change it there, or take auth_file out",
        )


def find(
    key: Key, *, explicit: str | None, own_file: str | None = None, helpers: Sequence[str] = FILES_ONLY
) -> Credentials | None:
    """The login for a registry or repository, or None. Raises ConfigurationError for malformed files.

    `own_file` is config.toml's auth_file for this registry, `helpers` the list of registries.conf.
    """
    if explicit is not None:
        return _in_file(AuthPath(explicit), key)
    if own_file is not None and (found := _in_own_file(own_file, key)) is not None:
        return found
    for helper in helpers:
        if helper != FILES:
            found = _in_helper(helper, authfile.server_names(key.host))
            if found is not None:
                return found
            continue
        for place in authfile.search_path():
            found = _in_file(place, key)
            if found is not None:
                return found
    return None


def _in_file(place: AuthPath, key: Key) -> Credentials | None:
    file = authfile.load(place)
    if file is None:
        return None
    configured = file.helper(key.host)
    if configured is not None:
        name, server = configured
        others = [other for other in authfile.server_names(key.host) if other != server]
        return _in_helper(name, [server, *others])
    entry = file.entry(key)
    if file.store and (entry is None or "/" not in entry[0] or entry[0].startswith("http")):
        found = _in_helper(file.store, list(reversed(authfile.server_names(key.host))))
        if found is not None:
            return found
    return entry[1] if entry else None


def _in_helper(name: str, servers: Sequence[str]) -> Credentials | None:
    from elfuse.oci.credential_helper import Helper, HelperError

    try:
        helper = Helper(name)
        for server in servers:
            found = helper.get(server)
            if found is not None:
                return found
    except HelperError as error:
        log.warn(f"{error}: going on without a login from it")
    return None


def _in_own_file(path: str, key: Key) -> Credentials | None:
    """config.toml's auth_file, which only its owner may read: {"username", "password"}, or as auth.json."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o077:
            raise ConfigurationError(
                f"{path}: others may read this file of logins, or it is no file", hint=f"chmod 600 {path}"
            )
        with open(path, "rb") as opened:
            data = opened.read(authfile.LIMIT + 1)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error.strerror}", hint="it is the auth_file of config.toml"
        ) from None
    file = authfile.parse(AuthPath(path), data)
    if not file.document.keys() & {"username", "password"}:
        return _in_file(AuthPath(path), key)
    pair: list[str] = []
    for member in ("username", "password"):
        value = file.document.get(member)
        if not isinstance(value, str) or not value:
            raise ConfigurationError(f"{path}: {member} is missing, empty or not a string")
        pair.append(value)
    return Credentials(pair[0], pair[1], path)


def save(
    key: Key, username: str, secret: str, *, explicit: str | None, helpers: Sequence[str] = FILES_ONLY
) -> str:
    """Keep a login in the first of `helpers` that takes it. Returns where it is now, for people."""
    if not username or ":" in username:
        raise AuthenticationError("a user's name is not empty and has no ':'")
    if len(secret) > SECRET_LIMIT:
        raise AuthenticationError(f"the password is longer than {SECRET_LIMIT >> 10} KiB")
    from elfuse.oci.credential_helper import HelperError

    failures: list[ElfuseError] = []
    for helper in FILES_ONLY if explicit else helpers:
        try:
            if helper == FILES:
                return _save_in_file(explicit or _writable_default(), key, username, secret)
            return _store(helper, key, key.host, username, secret)
        except (HelperError, ConfigurationError) as error:
            failures.append(error)
    raise ConfigurationError(
        "; ".join(error.message for error in failures) or "registries.conf names no place for logins",
        hint=failures[-1].hint if failures else None,
    )


def _save_in_file(path: str, key: Key, username: str, secret: str) -> str:
    with authfile.edited(path) as file:
        configured = file.helper(key.host)
        if configured is not None:
            return _store(configured[0], key, configured[1], username, secret)
        if not file.document.get("auths"):
            file.document["auths"] = {}
        auths = file.document["auths"]
        if file.store and not key.path:
            server = authfile.server_names(key.host)[-1]
            described = _store(file.store, key, server, username, secret)
            auths[server] = {}  # docker's mark that the keychain has it
            return described
        auths[_name_in(file, key)] = {"auth": _encode(username, secret)}
    return path


def _name_in(file: AuthFile, key: Key) -> str:
    """The name to write: that of docker for docker.io where docker wrote it, so that both see one login."""
    if not key.path and key.host == DEFAULT_DOMAIN and str(key) not in file.auths and HUB_KEY in file.auths:
        return HUB_KEY
    return str(key)


def _store(name: str, key: Key, server: str, username: str, secret: str) -> str:
    if key.path:
        raise ConfigurationError(
            f"the credential helper {name} keeps logins of whole registries only, not of {key}",
            hint=f"log in to {key.host}",
        )
    from elfuse.oci.credential_helper import Helper

    helper = Helper(name)
    helper.store(server, username, secret)
    return f"credential helper {helper.program}"


def erase(key: Key, *, explicit: str | None, helpers: Sequence[str] = FILES_ONLY) -> bool:
    """Remove a login wherever `save` may have put it. False when there was none."""
    from elfuse.oci.credential_helper import Helper

    found = False
    for helper in FILES_ONLY if explicit else helpers:
        if helper != FILES:
            found |= not key.path and Helper(helper).erase(key.host)
            continue
        path = explicit or authfile.default_path()
        if not os.path.exists(path):
            continue
        with authfile.edited(path) as file:
            if not key.path:
                found |= _erase_in_helpers(file, key.host)
            for name in [name for name in file.auths if _same(name, key)]:
                found |= bool(file.auths.pop(name))
    return found


def erase_all(*, explicit: str | None) -> None:
    """Remove every login that the file has or names; which helper is for which registry stays."""
    path = explicit or authfile.default_path()
    if not os.path.exists(path):
        return
    with authfile.edited(path) as file:
        hosts = {authfile.host_of(name) for name in [*file.helpers, *file.auths] if _is_host(name)}
        for host in sorted(hosts):
            _erase_in_helpers(file, host)
        file.auths.clear()


def _erase_in_helpers(file: AuthFile, host: str) -> bool:
    configured = file.helper(host)
    if configured is None and not file.store:
        return False
    from elfuse.oci.credential_helper import Helper

    if configured is not None:
        return Helper(configured[0]).erase(configured[1])
    helper = Helper(file.store)
    erased = [helper.erase(server) for server in authfile.server_names(host)]
    return any(erased)


def _same(name: str, key: Key) -> bool:
    return name == str(key) or (not key.path and _is_host(name) and authfile.host_of(name) == key.host)


def _is_host(name: str) -> bool:
    return "/" not in name or "://" in name


def _writable_default() -> str:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    path = authfile.default_path()
    if runtime and path.startswith(runtime) and not os.path.isdir(runtime):
        raise ConfigurationError(
            f"{runtime} does not exist, though XDG_RUNTIME_DIR names it",
            hint=f"make it, unset the variable, or name a file with --authfile or {VARIABLE}",
        )
    return path


def _encode(username: str, secret: str) -> str:
    text = f"{username}:{secret}".encode("utf-8", "surrogateescape")
    return binascii.b2a_base64(text, newline=False).decode()
