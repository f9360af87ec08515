"""Signatures that lie beside the registry: files under a URL, read one after the other until one is missing.

containers/image docs/signature-protocols.md, "docker/distribution registries: separate storage".
"""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

from elfuse.errors import NetworkError
from elfuse.oci.digest import Digest
from elfuse.oci.policy.refusal import Refused
from elfuse.oci.policy.registries_d import signature_url
from elfuse.oci.policy.signature import SIGNATURE_LIMIT, SIGNATURES_LIMIT, Signature, parse_blob

if TYPE_CHECKING:
    from elfuse.oci.http import Connection

_REDIRECTS = 5
_ATTEMPTS = 3
_BACKOFF = 0.5
_PASSING = frozenset({408, 429, 500, 502, 503, 504})


class Lookaside:
    """Reads from file:, https: and http: URLs. The signatures vouch for themselves; nothing else does, and no
    credentials are sent."""

    def signatures(self, base: str, digest: Digest) -> Iterator[Signature]:
        """All signatures of the manifest `digest` under `base`. Raises Refused or NetworkError."""
        for number in range(1, SIGNATURES_LIMIT + 1):
            url = signature_url(base, digest, number)
            data = self.read(url)
            if data is None:
                return
            yield parse_blob(data)
        raise Refused(f"{base} has more than {SIGNATURES_LIMIT} signatures of one image")

    def read(self, url: str) -> bytes | None:
        """One file; None when there is none."""
        scheme = urlsplit(url).scheme
        if scheme == "file":
            return _read_file(url)
        if scheme in ("http", "https"):
            return _read_url(url)
        raise Refused(f"the lookaside {url[:200]} has a scheme that is not known; use file:// or https://")


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


def _read_url(url: str) -> bytes | None:
    from elfuse.oci.http import Connection, Options

    connection = Connection(verify=True, options=Options())
    try:
        for attempt in range(_ATTEMPTS):
            last = attempt + 1 == _ATTEMPTS
            try:
                status, body = _follow(connection, url)
            except NetworkError as error:
                if last or not getattr(error, "retryable", False):
                    raise
            else:
                if status == 200:
                    return body
                if status == 404:
                    return None
                if last or status not in _PASSING:
                    raise Refused(f"the lookaside {url[:200]} answers {status}")
            time.sleep(_BACKOFF * 2**attempt)
        raise AssertionError("the last attempt ends the loop")
    finally:
        connection.close()


def _follow(connection: "Connection", url: str) -> tuple[int, bytes]:
    """GET, following redirects that stay as secure and as public as the URL that the user configured."""
    from elfuse.oci.http import is_internal

    first = urlsplit(url)
    for _ in range(_REDIRECTS + 1):
        response = connection.get(url, {}, limit=SIGNATURE_LIMIT)
        if response.status not in (301, 302, 303, 307, 308):
            return response.status, bytes(response.body)
        url = urljoin(url, response.header("location"))
        target = urlsplit(url)
        worse = target.scheme not in ("https", first.scheme) or target.username is not None
        inward = target.hostname != first.hostname and is_internal(target.hostname or "localhost")
        if worse or inward or target.scheme not in ("http", "https"):
            raise Refused(f"the lookaside {first.geturl()[:200]} redirects to {url[:200]!r}")
    raise Refused(f"the lookaside {first.geturl()[:200]} redirects more than {_REDIRECTS} times")
