"""Signatures that lie beside the registry: files under a URL, read one after the other until one is missing.

containers/image docs/signature-protocols.md, "docker/distribution registries: separate storage".
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

from elfuse.errors import RegistryError
from elfuse.oci.digest import Digest
from elfuse.oci.http import Cancellation, Options, Request, is_internal
from elfuse.oci.policy.refusal import Refused
from elfuse.oci.policy.registries_d import signature_url
from elfuse.oci.policy.signature import SIGNATURE_LIMIT, SIGNATURES_LIMIT, TOTAL_LIMIT, Signature, parse_blob
from elfuse.oci.retry import STATUS, Retries, Retry, seconds_of

if TYPE_CHECKING:
    from elfuse.oci.multi import HttpClient

_REDIRECTS = 5


class Lookaside:
    """Reads from file:, https: and http: URLs.

    The signatures vouch for themselves and nothing else does: no credentials are sent, and what is
    believed of a server is what the system believes. Without `http` an own client lives for a request.
    """

    def __init__(
        self,
        http: "HttpClient | None" = None,
        *,
        cancellation: Cancellation | None = None,
        options: Options | None = None,
    ) -> None:
        self._http = http
        self._cancellation = cancellation or Cancellation()
        self._options = options or Options()

    def signatures(self, base: str, digest: Digest) -> Iterator[Signature]:
        """All signatures of the manifest `digest` under `base`. Raises Refused or RegistryError."""
        room = TOTAL_LIMIT
        for number in range(1, SIGNATURES_LIMIT + 1):
            data = self.read(signature_url(base, digest, number))
            if data is None:
                return
            room -= len(data)
            if room < 0:
                raise Refused(f"{base} has more than {TOTAL_LIMIT >> 20} MiB of signatures of one image")
            yield parse_blob(data)
        raise Refused(f"{base} has more than {SIGNATURES_LIMIT} signatures of one image")

    def read(self, url: str) -> bytes | None:
        """One file; None when there is none."""
        scheme = urlsplit(url).scheme
        if scheme == "file":
            return _read_file(url)
        if scheme not in ("http", "https"):
            raise Refused(f"the lookaside {url[:200]} is of no known kind; use file:// or https://")
        if self._http is not None:
            return self._read_url(self._http, url)
        from elfuse.oci.multi import HttpClient

        own = HttpClient(self._options)
        try:
            return self._read_url(own, url)
        finally:
            own.close()

    def _read_url(self, http: "HttpClient", url: str) -> bytes | None:
        return Retries(self._options, self._cancellation).run(lambda: self._once(http, url))

    def _once(self, http: "HttpClient", url: str) -> bytes | None:
        target = url
        for _ in range(_REDIRECTS + 1):
            request = Request(target, limit=SIGNATURE_LIMIT, cancellation=self._cancellation)
            response = http.perform(request)
            if response.status == 200:
                return bytes(response.body)
            if response.status == 404:
                return None
            if response.status not in (301, 302, 303, 307, 308):
                cause = RegistryError(f"the lookaside {url[:200]} answers {response.status}")
                if response.status in STATUS:
                    raise Retry(cause, seconds_of(response.header("retry-after")))
                raise cause
            target = _moved(target, response.header("location"))
        raise Refused(f"the lookaside {url[:200]} redirects more than {_REDIRECTS} times")


def _read_file(url: str) -> bytes | None:
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise Refused(
            f"the lookaside {url[:200]} names a host; a local directory has three slashes, file:///"
        )
    path = unquote(parts.path)
    try:
        with open(path, "rb") as file:
            data = file.read(SIGNATURE_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else str(error)
        raise Refused(f"the signature {path} cannot be read: {cause}") from None
    if len(data) > SIGNATURE_LIMIT:
        raise Refused(f"the signature {path} is larger than {SIGNATURE_LIMIT >> 20} MiB")
    return data


def _moved(url: str, location: str) -> str:
    """The target of a redirect, which must be as secure and as public as the URL it comes from."""
    target = urljoin(url, location)
    here, there = urlsplit(url), urlsplit(target)
    secure = there.scheme == "https" or here.scheme == there.scheme == "http"
    inward = there.hostname != here.hostname and is_internal(there.hostname or "localhost")
    if not secure or inward or there.username is not None:
        raise Refused(f"the lookaside {url[:200]} redirects to {target[:200]!r}")
    return target
