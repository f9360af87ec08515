"""How the registry of a reference is to be reached: where, trusting whom, and with which credentials."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from elfuse import config
from elfuse.errors import ConfigurationError, InvalidReference
from elfuse.oci import registries_conf
from elfuse.oci.certs import certificates
from elfuse.oci.reference import Reference


@dataclass(frozen=True, slots=True)
class Credentials:
    """A login. `origin` says where it was found (a file, a helper, an option), for messages."""

    username: str
    secret: str = field(repr=False)
    origin: str
    # An OAuth2 refresh token in place of a password (docker's identitytoken).
    is_identity_token: bool = False


@dataclass(frozen=True, slots=True)
class AccessOptions:
    """What the user said on the command line or to the API; None leaves it to the configuration."""

    tls_verify: bool | None = None
    creds: str | None = field(default=None, repr=False)  # USER[:PASSWORD]
    authfile: str | None = None
    cert_dir: str | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """One place to ask for an image: the registry itself or a mirror of it.

    `reference` is the name to use there, which for a mirror is not the one that the user gave.
    `credentials` looks them up, which may start a helper program, so it is called only when the registry
    asks for a login; None means anonymous.
    """

    reference: Reference
    insecure: bool = False  # any certificate, and plain HTTP where there is no TLS
    ca_files: tuple[str, ...] = ()  # beside the system's
    client_cert: str | None = None
    client_key: str | None = None
    is_mirror: bool = False
    credentials: Callable[[], Credentials | None] = field(default=lambda: None)


def accesses(reference: Reference, options: AccessOptions) -> list[Access]:
    """Where to ask for `reference`, in this order until one answers.

    What `options` says comes before config.toml, and that before registries.conf, certs.d and auth.json.
    Raises ConfigurationError when the reference is blocked or a file cannot be used, InvalidReference for
    options that are refused.
    """
    settings = config.load()
    conf = registries_conf.load()
    _check_flag(reference, options)
    logins = _Logins(reference, options, settings, conf.credential_helpers)
    return [_access(source, options, settings, logins) for source in conf.sources(reference)]


def registry_access(host: str, options: AccessOptions) -> Access:
    """How to reach the registry host[:port] itself, for a login: no mirror, no other name.

    The reference has the host alone. Raises as `accesses` does.
    """
    reference = Reference(host, "", None, None)
    settings, conf = config.load(), registries_conf.load()
    _check_flag(reference, options)
    registry = conf.registry_of(host)
    if registry is None:
        source = registries_conf.PullSource(reference)
    else:
        registry.check_blocked(host)
        source = registries_conf.PullSource(reference, registry.place.insecure, False, registry.origin)
    return _access(source, options, settings, _Logins(reference, options, settings, conf.credential_helpers))


def _access(
    source: registries_conf.PullSource,
    options: AccessOptions,
    settings: config.Settings,
    logins: "_Logins",
) -> Access:
    reference = source.reference
    own = settings.registry(reference.domain)
    certs = certificates(reference.domain, options.cert_dir)
    ca_files = certs.ca_files
    if options.cert_dir is None and own.ca_bundle is not None:
        if not os.path.isfile(own.ca_bundle):
            raise ConfigurationError(
                f"{own.origins['ca_bundle']}: ca_bundle of {reference.domain}: {own.ca_bundle} does not exist"
            )
        ca_files = (own.ca_bundle,)
    return Access(
        reference,
        _is_insecure(source, options, own),
        ca_files,
        certs.client_cert,
        certs.client_key,
        source.is_mirror,
        logins.of(reference, is_mirror=source.is_mirror),
    )


def _check_flag(reference: Reference, options: AccessOptions) -> None:
    if options.tls_verify is False and not _is_here(reference):
        raise InvalidReference(
            f"--tls-verify=false is refused for {reference.domain}: it is not on this machine",
            hint=_trust(reference),
        )


def _is_insecure(
    source: registries_conf.PullSource, options: AccessOptions, own: config.RegistrySettings
) -> bool:
    """Only a registry on this machine may be. A file that says otherwise is an error, not passed over."""
    if options.tls_verify is not None:
        return not options.tls_verify and _is_here(source.reference)
    insecure, origin = source.insecure, source.origin
    if own.insecure is not None:
        insecure, origin = own.insecure, own.origins["insecure"]
    if insecure and not _is_here(source.reference):
        raise ConfigurationError(
            f"{origin}: insecure = true is refused for {source.reference.domain}: it is not on this machine",
            hint=_trust(source.reference),
        )
    return insecure


def _is_here(reference: Reference) -> bool:
    from urllib.parse import urlsplit

    from elfuse.oci.http import is_loopback

    return is_loopback(urlsplit(f"//{reference.host}").hostname or "")


def _trust(reference: Reference) -> str:
    return (
        f"put its CA into ~/.config/containers/certs.d/{reference.domain}/ca.crt, or name it with --cert-dir"
    )


class _Logins:
    """Who is to be asked for a login, when a registry wants one."""

    def __init__(
        self,
        reference: Reference,
        options: AccessOptions,
        settings: config.Settings,
        helpers: Sequence[str] | None,
    ) -> None:
        from elfuse.oci import credentials

        self._given = credentials.parse_pair(options.creds) if options.creds is not None else None
        self._explicit = credentials.explicit_file(options.authfile)
        self._domain = reference.domain
        self._settings = settings
        self._helpers = helpers

    def of(self, reference: Reference, *, is_mirror: bool) -> Callable[[], Credentials | None]:
        """A look-up that is done at most once. --creds are not for mirrors on other hosts."""
        from elfuse.oci import credentials
        from elfuse.oci.authfile import Key

        given = self._given
        if given is not None and (not is_mirror or reference.domain == self._domain):
            return lambda: given
        key = Key(reference.domain, reference.path)
        own_file = self._settings.registry(reference.domain).auth_file
        helpers = credentials.FILES_ONLY if self._helpers is None else self._helpers
        found: list[Credentials | None] = []

        def look_up() -> Credentials | None:
            if not found:
                found.append(
                    credentials.find(key, explicit=self._explicit, own_file=own_file, helpers=helpers)
                )
            return found[0]

        return look_up
