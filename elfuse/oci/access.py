"""How the registry of a reference is to be reached: where, trusting whom, and with which credentials."""

from collections.abc import Callable
from dataclasses import dataclass, field

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
    creds: str | None = None  # USER[:PASSWORD]
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
    """Where to ask for `reference`, in this order until one answers. Raises when it is blocked."""
    return [Access(reference, insecure=options.tls_verify is False)]
