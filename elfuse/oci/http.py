"""HTTP over libcurl: one request at a time on a kept connection, every limit set, nothing implicit.

Redirects, credentials and retries are the caller's: see registry.py.
"""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

import pycurl

from elfuse import __version__
from elfuse.errors import NetworkError, RegistryError

ERROR_BODY_LIMIT = 64 << 10
_HEADER_LIMIT = 64 << 10
_STATUS_LINE = re.compile(rb"HTTP/[0-9.]+ ([0-9]{3})")

# 2130706433, 0x7f.1, 127.1: what inet_aton takes for an address, and libcurl with it.
_LEGACY_ADDRESS = re.compile(r"(?:0[xX][0-9a-fA-F]*|[0-9]+)(?:\.(?:0[xX][0-9a-fA-F]*|[0-9]+))*\.?")

# Distributions keep their bundle in one of these; the wheel's libcurl knows only Red Hat's.
_CA_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)

_TLS_ERRORS = frozenset(
    {
        pycurl.E_SSL_CONNECT_ERROR,
        pycurl.E_PEER_FAILED_VERIFICATION,
        pycurl.E_SSL_CERTPROBLEM,
        pycurl.E_SSL_CIPHER,
        pycurl.E_SSL_CACERT_BADFILE,
    }
)
# Nothing was reached: asking again at once would only delay the message.
_UNREACHED = frozenset(
    {
        pycurl.E_COULDNT_RESOLVE_HOST,
        pycurl.E_COULDNT_RESOLVE_PROXY,
        pycurl.E_COULDNT_CONNECT,
        pycurl.E_URL_MALFORMAT,
        pycurl.E_UNSUPPORTED_PROTOCOL,
    }
)


@dataclass(frozen=True, slots=True)
class Options:
    """Patience, in seconds."""

    connect_timeout: float = 20.0
    stall_timeout: float = 60.0  # with not one byte moving
    attempts: int = 5
    backoff: float = 0.5
    retry_after_limit: float = 60.0


class TransferError(NetworkError):
    """A request that got no complete answer."""

    def __init__(self, message: str, *, hint: str | None, retryable: bool, tls: bool) -> None:
        super().__init__(message, hint=hint)
        self.retryable = retryable
        self.tls = tls


class Cancelled(NetworkError):
    """Another part of the same pull failed, or the user interrupted it."""


@dataclass(slots=True)
class Response:
    url: str
    status: int = 0
    headers: dict[str, list[str]] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)

    def header(self, name: str) -> str:
        """The first value of a header, or the empty string."""
        return self.headers.get(name, [""])[0]


class Sink(Protocol):
    """Where a successful body goes. Raising ends the transfer with that error."""

    def accept(self, response: Response) -> bool:
        """Called at the first byte; False keeps the body in `response.body` (errors)."""

    def write(self, data: bytes) -> None: ...


def is_loopback(host: str) -> bool:
    """Whether a host (without port) can only be this machine."""
    name = host.strip("[]").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def is_internal(host: str) -> bool:
    """Whether a host is named so that it lies on this machine or a private network."""
    if is_loopback(host):
        return True
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


class Connection:
    """One libcurl handle, for one thread. `verify` false accepts any certificate."""

    def __init__(
        self, *, verify: bool, options: Options, cancelled: Callable[[], bool] = lambda: False
    ) -> None:
        self._curl = pycurl.Curl()
        self._verify = verify
        self._options = options
        self._cancelled = cancelled

    def close(self) -> None:
        self._curl.close()

    def get(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        limit: int,
        sink: Sink | None = None,
    ) -> Response:
        """GET without following redirects. Bodies beyond `limit` bytes are an error, not a memory."""
        exchange = _Exchange(Response(url), limit, sink)
        curl = self._curl
        curl.reset()
        self._set_limits(url)
        curl.setopt(pycurl.URL, url)
        curl.setopt(pycurl.HTTPHEADER, [f"{name}: {value}" for name, value in headers.items()])
        curl.setopt(pycurl.HEADERFUNCTION, exchange.on_header)
        curl.setopt(pycurl.WRITEFUNCTION, exchange.on_body)
        curl.setopt(pycurl.XFERINFOFUNCTION, lambda *_: int(self._cancelled()))
        try:
            curl.perform()
        except pycurl.error as error:
            if exchange.error is not None:
                raise exchange.error from None
            raise self._failure(url, int(error.args[0]), str(error.args[1])) from None
        exchange.finish()
        return exchange.response

    def _set_limits(self, url: str) -> None:
        curl, options = self._curl, self._options
        parts = urlsplit(url)
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.NOPROGRESS, 0)
        curl.setopt(pycurl.FOLLOWLOCATION, 0)
        curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
        curl.setopt(pycurl.USERAGENT, f"elfuse/{__version__}")
        curl.setopt(pycurl.CONNECTTIMEOUT_MS, int(options.connect_timeout * 1000))
        curl.setopt(pycurl.LOW_SPEED_LIMIT, 1)
        curl.setopt(pycurl.LOW_SPEED_TIME, max(1, int(options.stall_timeout)))
        curl.setopt(pycurl.BUFFERSIZE, 256 << 10)
        curl.setopt(pycurl.SSL_VERIFYPEER, int(self._verify))
        curl.setopt(pycurl.SSL_VERIFYHOST, 2 if self._verify else 0)
        bundle = ca_bundle()
        if bundle is not None:
            curl.setopt(pycurl.CAINFO, bundle)
        if is_loopback(parts.hostname or ""):
            # As Go's clients do: a proxy cannot reach our loopback.
            curl.setopt(pycurl.PROXY, "")

    def _failure(self, url: str, code: int, cause: str) -> NetworkError:
        if code == pycurl.E_ABORTED_BY_CALLBACK:
            return Cancelled("the transfer was cancelled")
        host = urlsplit(url).netloc
        hint = None
        if code in (pycurl.E_COULDNT_RESOLVE_HOST, pycurl.E_COULDNT_RESOLVE_PROXY, pycurl.E_COULDNT_CONNECT):
            hint = "check the network and the name of the registry (HTTPS_PROXY is honoured)"
        elif code in (pycurl.E_PEER_FAILED_VERIFICATION, pycurl.E_SSL_CACERT_BADFILE):
            hint = "name the registry's CA with SSL_CERT_FILE"
        elif code in _TLS_ERRORS and is_loopback(urlsplit(url).hostname or ""):
            hint = "for a plain HTTP registry on this machine pass --tls-verify=false"
        tls = code in _TLS_ERRORS
        cause = cause or f"libcurl error {code}"
        unreached = code in _UNREACHED or tls
        return TransferError(
            f"cannot reach {host}: {cause}" if unreached else f"{host}: {cause}",
            hint=hint,
            retryable=not unreached,
            tls=tls,
        )


class _Exchange:
    """One response being received. Errors are kept for get(): libcurl's callbacks cannot raise."""

    def __init__(self, response: Response, limit: int, sink: Sink | None) -> None:
        self.response = response
        self.error: Exception | None = None
        self._limit = limit
        self._sink = sink
        self._streaming: bool | None = None
        self._header_bytes = 0

    def on_header(self, line: bytes) -> int | None:
        match = _STATUS_LINE.match(line)
        if match:
            # A new block: after a 100 Continue or a proxy's answer to CONNECT.
            self.response.status = int(match[1])
            self.response.headers.clear()
        self._header_bytes += len(line)
        if self._header_bytes > _HEADER_LIMIT:
            self.error = RegistryError(f"{self.response.url}: the response headers are too large")
            return -1
        name, colon, value = line.decode("latin-1").partition(":")
        if colon:
            self.response.headers.setdefault(name.strip().lower(), []).append(value.strip())
        return None

    def on_body(self, data: bytes) -> int | None:
        try:
            self._take(data)
        except Exception as error:
            self.error = error
            return -1
        return None

    def finish(self) -> None:
        """An empty body never calls on_body, yet the sink must have seen the response."""
        if self._streaming is None and self._sink is not None:
            self._sink.accept(self.response)

    def _take(self, data: bytes) -> None:
        if self._streaming is None:
            self._streaming = self._sink is not None and self._sink.accept(self.response)
        if self._streaming and self._sink is not None:
            self._sink.write(data)
            return
        body = self.response.body
        failed = self.response.status >= 300
        room = (ERROR_BODY_LIMIT if failed else self._limit) - len(body)
        if len(data) > room and not failed:
            raise RegistryError(f"{self.response.url}: the answer is larger than {self._limit} bytes")
        body += data[: max(room, 0)]
