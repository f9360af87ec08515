"""Logging in to registries and out of them."""

from typing import TYPE_CHECKING

import msgspec

from elfuse.errors import AuthenticationError

if TYPE_CHECKING:
    from elfuse.oci.login import Check


class Login(msgspec.Struct, frozen=True):
    """A login that is kept. The secret itself stays where it is."""

    registry: str  # or the namespace or repository that it is for
    username: str
    location: str  # the file, or the credential helper, that has it


def login(
    registry: str,
    username: str | None = None,
    password: str | None = None,
    *,
    authfile: str | None = None,
    tls_verify: bool | None = None,
    cert_dir: str | None = None,
    check: "Check | None" = None,
) -> Login:
    """Ask the registry whether a login is good, and keep it where podman, skopeo and elfuse find it.

    `registry` is host[:port], or a namespace or repository there that the login is for alone. Without user
    and password the login that is kept already is tried again. `check` asks the registry (default:
    elfuse.oci.login.check_login). Raises AuthenticationError when the registry refuses the login,
    ConfigurationError when it cannot be kept.
    """
    from elfuse.oci import credentials
    from elfuse.oci.access import AccessOptions, Credentials, registry_access
    from elfuse.oci.login import check_login

    key = credentials.parse_key(registry)
    access = registry_access(key.host, AccessOptions(tls_verify=tls_verify, cert_dir=cert_dir))
    ask = check or check_login
    if username is None or password is None:
        found = credentials.current(key, authfile)
        if found is None:
            raise AuthenticationError(f"not logged in to {key}", hint="give a user name and a password")
        if found.is_identity_token:
            raise AuthenticationError(
                f"logged in to {key} with an identity token from {found.origin}",
                hint="log out first to use a password",
            )
        ask(access, found)
        return Login(str(key), found.username, found.origin)
    explicit = authfile or credentials.variable_file()
    if explicit is None:
        credentials.check_not_shadowed(key)
    ask(access, Credentials(username, password, "login"))
    helpers = credentials.configured_helpers()
    location = credentials.save(key, username, password, explicit=explicit, helpers=helpers)
    return Login(str(key), username, location)


def logout(registry: str | None = None, *, authfile: str | None = None) -> None:
    """Forget the login of a registry; None forgets those of all registries that the file has.

    Raises AuthenticationError when there is none to forget.
    """
    from elfuse.oci import credentials

    explicit = credentials.explicit_file(authfile)
    if registry is None:
        credentials.erase_all(explicit=explicit)
        return
    key = credentials.parse_key(registry)
    if credentials.erase(key, explicit=explicit, helpers=credentials.configured_helpers()):
        return
    found = credentials.current(key, authfile)
    hint = f"the one that pulls use is in {found.origin}: remove it there" if found else None
    raise AuthenticationError(f"not logged in to {key}", hint=hint)


def get_login(registry: str, *, authfile: str | None = None) -> Login | None:
    """The login that a pull from `registry` would use, or None."""
    from elfuse.oci import credentials

    key = credentials.parse_key(registry)
    found = credentials.current(key, authfile)
    return Login(str(key), found.username, found.origin) if found else None
