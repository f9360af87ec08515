"""HTTP as the registry client needs it: requests, answers, whom to trust, and what an address may be.

The transfers themselves are in multi.py. Redirects, credentials and retries are the caller's: registry.py.
"""

import os
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol
from urllib.parse import SplitResult, urlsplit

from elfuse.errors import NetworkError, RegistryError

ERROR_BODY_LIMIT = 64 << 10

# 2130706433, 0x7f.1, 127.1: what inet_aton takes for an address, and libcurl with it.
_LEGACY_ADDRESS = re.compile(r"(?:0[xX][0-9a-fA-F]*|[0-9]+)(?:\.(?:0[xX][0-9a-fA-F]*|[0-9]+))*\.?")

_NUMERIC = re.compile(r"[0-9a-f:.]+(?:%.*)?")

# Distributions keep their bundle in one of these; the wheel's libcurl knows only Red Hat's.
_CA_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


@dataclass(frozen=True, slots=True)
class Options:
    """Patience, in seconds."""

    connect_timeout: float = 20.0
    stall_timeout: float = 60.0  # with less than `stall_speed` bytes a second
    stall_speed: int = 256
    attempts: int = 5
    backoff: float = 0.5
    retry_after_limit: float = 60.0


@dataclass(frozen=True, slots=True)
class Trust:
    """Which servers are believed, and what we show them.

    `ca_files` count beside the system's bundle. Without `verify` any certificate will do.
    """

    verify: bool = True
    ca_files: tuple[str, ...] = ()
    client_cert: str | None = None
    client_key: str | None = None


@dataclass(frozen=True, slots=True)
class FileBody:
    """`size` bytes of a file from where `start` is. Read while it is sent, and again for a retry.

    `sent` is told how many bytes more are on their way, negative when they are sent again.
    """

    file: BinaryIO
    size: int
    start: int = 0
    sent: Callable[[int], None] | None = None


class TransferError(NetworkError):
    """A request that got no complete answer."""

    def __init__(self, message: str, *, hint: str | None, retryable: bool, tls: bool) -> None:
        super().__init__(message, hint=hint)
        self.retryable = retryable
        self.tls = tls


class Cancelled(NetworkError):
    """Another part of the same job failed, or the user interrupted it."""


@dataclass(slots=True)
class Response:
    url: str
    status: int = 0
    headers: dict[str, list[str]] = field(default_factory=dict)  # names in lower case
    body: bytearray = field(default_factory=bytearray)

    def header(self, name: str) -> str:
        """The first value of a header, or the empty string."""
        return self.headers.get(name, [""])[0]


class Sink(Protocol):
    """Where a successful body goes. Called in the thread that asked; raising ends the transfer."""

    def accept(self, response: Response) -> bool:
        """Called once, before the first byte; False keeps the body in `response.body` (errors)."""

    def write(self, data: memoryview) -> None:
        """The next bytes, which are good until this returns."""


class Cancellation:
    """Ends all that was started under it, from any thread."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._mu = threading.Lock()
        self._enders: set[Callable[[], None]] = set()  # guarded by _mu

    @property
    def cancelled(self) -> bool:
        return self._event.is_set()

    def cancel(self) -> None:
        with self._mu:
            self._event.set()
            enders, self._enders = self._enders, set()
        for end in enders:
            end()

    def wait(self, seconds: float) -> None:
        """Sleep; raises Cancelled when that comes first."""
        if self._event.wait(seconds):
            raise Cancelled("the transfer was cancelled")

    def add(self, end: Callable[[], None]) -> None:
        """Have `end` called at cancellation: at once when that has been."""
        with self._mu:
            if not self._event.is_set():
                self._enders.add(end)
                return
        end()

    def remove(self, end: Callable[[], None]) -> None:
        with self._mu:
            self._enders.discard(end)


@dataclass(frozen=True, slots=True)
class Request:
    """One exchange, redirects not followed.

    An answer's body of more than `limit` bytes is an error, not a memory; with a sink the limit counts for
    what the sink does not accept. `multiplex` shares a connection with other requests where the server
    speaks HTTP/2; what is large asks for a connection of its own, as a path often limits each.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | FileBody | None = None
    limit: int = 0
    sink: Sink | None = None
    trust: Trust = Trust()
    multiplex: bool = True
    cancellation: Cancellation | None = None


def is_loopback(host: str) -> bool:
    """Whether a host (without port) can only be this machine."""
    name = host.strip("[]").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    if not _NUMERIC.fullmatch(name):
        return False
    import ipaddress  # late: few registries have a number for a name

    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def is_internal(host: str) -> bool:
    """Whether a host is named so that it lies on this machine or a private network."""
    if is_loopback(host):
        return True
    import ipaddress

    try:
        return not ipaddress.ip_address(host.strip("[]")).is_global
    except ValueError:
        return _LEGACY_ADDRESS.fullmatch(host) is not None


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: credentials never leave it."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), port_of(parts)


def port_of(parts: SplitResult) -> int:
    try:
        return parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise RegistryError(f"invalid port in the address {parts.geturl()[:200]!r}") from None


def ca_bundle() -> str | None:
    """SSL_CERT_FILE or CURL_CA_BUNDLE when set, else the system's bundle."""
    for variable in ("SSL_CERT_FILE", "CURL_CA_BUNDLE"):
        chosen = os.environ.get(variable)
        if chosen:
            return chosen
    return next((path for path in _CA_BUNDLES if os.path.exists(path)), None)


def authorities(trust: Trust) -> bytes | None:
    """The system's bundle and the extra files as one PEM text; None when there are no extra files."""
    if not trust.ca_files:
        return None
    bundle = ca_bundle()
    texts = []
    for path in (*([bundle] if bundle else []), *trust.ca_files):
        try:
            with open(path, "rb") as file:
                texts.append(file.read())
        except OSError as error:
            raise NetworkError(f"cannot read the CA file {path}: {error.strerror}") from None
    return b"\n".join(texts)
