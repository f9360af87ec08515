"""A registry's API: manifests and blobs of one repository, verified while they arrive."""

import email.utils
import random
import re
import threading
import time
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

from elfuse.errors import (
    AuthenticationError,
    ContentMismatch,
    ElfuseError,
    ImageNotFound,
    InvalidImage,
    InvalidReference,
    RegistryError,
)
from elfuse.oci import auth, media
from elfuse.oci.blobs import PartialBlob
from elfuse.oci.digest import digest_of
from elfuse.oci.http import (
    Cancelled,
    Connection,
    Options,
    Response,
    Sink,
    TransferError,
    is_internal,
    is_loopback,
    origin,
)
from elfuse.oci.image import DOCUMENT_LIMIT, Descriptor, load_json
from elfuse.oci.progress import Progress
from elfuse.oci.reference import Reference

_REDIRECTS = 5
_RETRY_STATUS = frozenset({408, 429, 500, 502, 503, 504})
_PROGRESS_WORTH_A_RETRY = 1 << 20

T = TypeVar("T")


class RegistryClient:
    """Pulls from one repository. Shared by threads: each has its connection, all have one token.

    With `tls_verify` false, which is for a registry on this machine only, any certificate will do, and
    plain HTTP where there is no TLS.
    """

    def __init__(
        self, reference: Reference, *, tls_verify: bool = True, options: Options | None = None
    ) -> None:
        host = urlsplit(f"//{reference.host}").hostname or ""
        if not tls_verify and not is_loopback(host):
            raise InvalidReference(
                f"--tls-verify=false is refused for {reference.domain}: it is not on this machine",
                hint="name the registry's CA with SSL_CERT_FILE instead",
            )
        self.reference = reference
        self._verify = tls_verify
        self._options = options or Options()
        self._cancel = threading.Event()
        self._local = threading.local()
        self._mu = threading.Lock()
        self._token: str | None = None  # guarded by _mu
        self._base = f"https://{reference.host}"
        if not tls_verify:
            self._base = self._probe()

    def cancel(self) -> None:
        """End all transfers, from any thread."""
        self._cancel.set()

    @property
    def cancelled(self) -> bool:
        return self._cancel.is_set()

    # -- what a pull needs

    def manifest(self, selector: str, what: str) -> tuple[bytes, str]:
        """The bytes and media type of a manifest or index, by tag or digest."""
        url = f"{self._base}/v2/{self.reference.path}/manifests/{selector}"
        response = self._retry(lambda: self._manifest_once(url, what))
        body = bytes(response.body)
        digest = digest_of(body)
        if selector.startswith("sha256:") and selector != digest:
            raise ContentMismatch(f"{what}: the registry sent a manifest with digest {digest}")
        announced = response.header("docker-content-digest")
        if announced.startswith("sha256:") and announced != digest:
            raise ContentMismatch(f"{what}: the registry announced {announced} but sent {digest}")
        return body, response.header("content-type").partition(";")[0].strip().lower()

    def blob(self, descriptor: Descriptor, partial: PartialBlob, progress: Progress) -> None:
        """Bring `partial` to its full size, from where it is. The caller commits it."""
        url = f"{self._base}/v2/{self.reference.path}/blobs/{descriptor.digest}"
        attempt, mark = 0, partial.offset
        while partial.offset < descriptor.size:
            try:
                self._blob_once(url, descriptor, partial, progress)
                return
            except _Retry as failure:
                # A transfer that gets on is worth any number of attempts.
                if partial.offset - mark >= _PROGRESS_WORTH_A_RETRY:
                    attempt = 0
                attempt, mark = attempt + 1, partial.offset
                self._pause(failure, attempt)

    # -- one attempt each

    def _manifest_once(self, url: str, what: str) -> Response:
        response = self._get(url, {"Accept": media.ACCEPT_MANIFEST}, limit=DOCUMENT_LIMIT)
        if response.status == 404:
            raise ImageNotFound(
                f"no such image: {what} ({self.reference.domain} answers {_cause(response)})",
                hint="check the name and the tag",
            )
        self._expect(response, 200, what)
        return response

    def _blob_once(self, url: str, descriptor: Descriptor, partial: PartialBlob, progress: Progress) -> None:
        sink = _BlobSink(descriptor, partial, progress)
        headers = {"Range": f"bytes={partial.offset}-"} if partial.offset else {}
        what = f"blob {descriptor.digest} of {self.reference}"
        try:
            response = self._get(url, headers, limit=0, sink=sink)
        except TransferError as error:
            if error.retryable:
                raise _Retry(error) from None
            raise
        if response.status == 416:
            progress.advance(descriptor.digest, -partial.offset)
            partial.restart()
            raise _Retry(RegistryError(f"{what}: the registry cannot resume it", status=416))
        if response.status == 404:
            raise ContentMismatch(f"{what} is not on the registry, though its manifest names it")
        if response.status not in (200, 206):
            self._expect(response, 200, what)

    def _expect(self, response: Response, status: int, what: str) -> None:
        if response.status == status:
            return
        cause = _cause(response)
        if response.status in (401, 403):
            raise AuthenticationError(
                f"{what}: {self.reference.domain} denies access ({cause})",
                hint="it does not exist, or it needs a login, which elfuse has not",
                status=response.status,
            )
        error = RegistryError(f"{what}: {self.reference.domain} answers {cause}", status=response.status)
        if response.status in _RETRY_STATUS:
            raise _Retry(error, _retry_after(response.header("retry-after")))
        raise error

    # -- redirects and tokens

    def _get(self, url: str, headers: dict[str, str], *, limit: int, sink: Sink | None = None) -> Response:
        """GET with a token when asked for one (again once: it may have expired)."""
        token = self._current_token()
        response = self._follow(url, headers, token, limit, sink)
        if response.status == 401:
            token = self._renew_token(response, stale=token)
            response = self._follow(url, headers, token, limit, sink)
        return response

    def _follow(
        self, url: str, headers: dict[str, str], token: str | None, limit: int, sink: Sink | None
    ) -> Response:
        ours = origin(url)
        for _ in range(_REDIRECTS + 1):
            # Recomputed at each hop: credentials never go to another origin (CVE-2022-27774).
            extra = {"Authorization": f"Bearer {token}"} if token and origin(url) == ours else {}
            response = self._connection().get(url, {**headers, **extra}, limit=limit, sink=sink)
            if response.status not in (301, 302, 303, 307, 308):
                return response
            url = self._redirect_target(response)
        raise RegistryError(f"{self.reference.domain}: more than {_REDIRECTS} redirects")

    def _redirect_target(self, response: Response) -> str:
        target = urljoin(response.url, response.header("location"))
        parts = urlsplit(target)
        local = is_loopback(origin(self._base)[1])
        shown = target[:200]
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise RegistryError(f"{self.reference.domain} redirects to {shown!r}")
        if parts.scheme == "http" and not (self._base.startswith("http:") and is_loopback(parts.hostname)):
            raise RegistryError(f"{self.reference.domain} redirects to {shown!r}, which is not https")
        if is_internal(parts.hostname) and not local and origin(target)[1] != origin(self._base)[1]:
            raise RegistryError(f"{self.reference.domain} redirects to the internal address {shown!r}")
        return target

    def _current_token(self) -> str | None:
        with self._mu:
            return self._token

    def _renew_token(self, response: Response, stale: str | None) -> str:
        """A token for this repository. One thread asks; the others use what it got."""
        challenge = auth.bearer_of(response.headers.get("www-authenticate", []), self.reference.domain)
        with self._mu:
            if self._token is not None and self._token != stale:
                return self._token
            realm = challenge.parameters["realm"]
            auth.check_realm(realm, self._base)
            answer = self._connection().get(
                auth.token_url(challenge, self.reference.path), {}, limit=auth.TOKEN_LIMIT
            )
            if answer.status != 200:
                raise AuthenticationError(
                    f"{self.reference}: no anonymous token from {urlsplit(realm).netloc} ({_cause(answer)})",
                    status=answer.status,
                )
            self._token = auth.token_in(bytes(answer.body), realm)
            return self._token

    # -- connections and retries

    def _connection(self) -> Connection:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = Connection(verify=self._verify, options=self._options, cancelled=self._cancel.is_set)
            self._local.connection = connection
        return connection

    def _probe(self) -> str:
        """https where the registry speaks TLS, else http: skopeo's order."""
        secure = f"https://{self.reference.host}"
        try:
            self._connection().get(f"{secure}/v2/", {}, limit=DOCUMENT_LIMIT)
        except TransferError as error:
            if error.tls:
                return f"http://{self.reference.host}"
            raise
        return secure

    def _retry(self, call: Callable[[], T]) -> T:
        attempt = 0
        while True:
            try:
                return call()
            except TransferError as error:
                if not error.retryable:
                    raise
                failure = _Retry(error)
            except _Retry as error:
                failure = error
            attempt += 1
            self._pause(failure, attempt)

    def _pause(self, failure: "_Retry", attempt: int) -> None:
        if attempt >= self._options.attempts:
            raise failure.cause from None
        delay = self._options.backoff * 2 ** (attempt - 1) * random.uniform(0.75, 1.25)  # noqa: S311
        if failure.after is not None:
            delay = max(delay, failure.after)
        if self._cancel.wait(min(delay, self._options.retry_after_limit)):
            raise Cancelled("the transfer was cancelled")


class _Retry(Exception):
    """An attempt that failed in a way that may pass."""

    def __init__(self, cause: ElfuseError, after: float | None = None) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.after = after


class _BlobSink:
    """Checks what the answer says about its length before the first byte is written."""

    def __init__(self, descriptor: Descriptor, partial: PartialBlob, progress: Progress) -> None:
        self._descriptor = descriptor
        self._partial = partial
        self._progress = progress

    def accept(self, response: Response) -> bool:
        if response.status == 206:
            self._check_range(response)
            return True
        if response.status != 200:
            return False
        if self._partial.offset:
            # The server does not do ranges: from the start.
            self._progress.advance(self._descriptor.digest, -self._partial.offset)
            self._partial.restart()
        length = response.header("content-length")
        if length.isdigit() and int(length) != self._descriptor.size:
            raise self._wrong_size(int(length))
        return True

    def write(self, data: bytes) -> None:
        self._partial.write(data)
        self._progress.advance(self._descriptor.digest, len(data))

    def _check_range(self, response: Response) -> None:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.header("content-range").lower())
        if not match or int(match[1]) != self._partial.offset:
            raise RegistryError(f"blob {self._descriptor.digest}: the registry sent another range")
        if match[2] != "*" and int(match[2]) != self._descriptor.size:
            raise self._wrong_size(int(match[2]))

    def _wrong_size(self, size: int) -> ContentMismatch:
        self._partial.discard()
        word = "is truncated" if size < self._descriptor.size else "is too long"
        return ContentMismatch(
            f"blob {self._descriptor.digest} {word}: the registry has {size} bytes, "
            f"the manifest says {self._descriptor.size}"
        )


def _cause(response: Response) -> str:
    """The status, and the registry's own words for it made safe to print."""
    try:
        document = load_json(bytes(response.body), "error")
        first = document["errors"][0]
        words = str(first.get("message") or first.get("code") or "")
    except (InvalidImage, LookupError, TypeError, AttributeError):
        words = ""
    words = "".join(c if c.isprintable() else "?" for c in words)[:200]
    return f"{response.status} {words}".rstrip()


def _retry_after(value: str) -> float | None:
    """Seconds to wait by Retry-After (RFC 9110 10.2.3), a number or a date."""
    if value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError):
        return None
