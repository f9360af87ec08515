"""Asking a registry whether a login is good: GET /v2/, as docker, podman and skopeo do."""

import binascii
from collections.abc import Callable
from urllib.parse import quote, urlsplit

import pycurl

from elfuse.errors import AuthenticationError, ConfigurationError, RegistryError
from elfuse.oci import auth
from elfuse.oci.access import Access, Credentials
from elfuse.oci.http import Connection, Options, Response, TransferError, ca_bundle
from elfuse.oci.image import DOCUMENT_LIMIT

# Asks the registry. Raises AuthenticationError when it refuses the login, NetworkError when out of reach.
Check = Callable[[Access, Credentials], None]


def check_login(access: Access, credentials: Credentials) -> None:
    """Make one request with the login. A registry that wants none takes any. See Check for the errors."""
    host = access.reference.domain
    connection = _Trusting(access)
    try:
        base, answer = _ping(connection, access)
        if answer.status == 401:
            header = _authorization(connection, base, answer, credentials, host)
            answer = connection.get(f"{base}/v2/", {"Authorization": header}, limit=DOCUMENT_LIMIT)
    finally:
        connection.close()
    if answer.status in (401, 403):
        raise _refused(host, answer.status)
    if answer.status != 200:
        raise RegistryError(
            f"{host} answers {answer.status} to GET /v2/: it is no registry", status=answer.status
        )


class _Trusting(Connection):
    """A connection that trusts, and identifies itself, as `access` says."""

    def __init__(self, access: Access) -> None:
        super().__init__(verify=not access.insecure, options=Options())
        self._access = access

    def _set_limits(self, url: str) -> None:
        super()._set_limits(url)
        files = [*filter(None, [ca_bundle()]), *self._access.ca_files]
        if self._access.ca_files:
            self._curl.setopt(pycurl.CAINFO_BLOB, b"\n".join(map(_read, files)))
        if self._access.client_cert is not None and self._access.client_key is not None:
            self._curl.setopt(pycurl.SSLCERT, self._access.client_cert)
            self._curl.setopt(pycurl.SSLKEY, self._access.client_key)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None


def _ping(connection: Connection, access: Access) -> tuple[str, Response]:
    """The registry's base URL and its answer to nobody: https, and http where an insecure one has no TLS."""
    base = f"https://{access.reference.host}"
    try:
        return base, connection.get(f"{base}/v2/", {}, limit=DOCUMENT_LIMIT)
    except TransferError as error:
        if not access.insecure or not error.tls:
            raise
    base = f"http://{access.reference.host}"
    return base, connection.get(f"{base}/v2/", {}, limit=DOCUMENT_LIMIT)


def _authorization(
    connection: Connection, base: str, answer: Response, credentials: Credentials, host: str
) -> str:
    """The header that the registry's challenge asks for: a token of its realm, else Basic."""
    plain = f"{credentials.username}:{credentials.secret}".encode("utf-8", "surrogateescape")
    basic = f"Basic {binascii.b2a_base64(plain, newline=False).decode()}"
    challenges = auth.parse_challenges(answer.headers.get("www-authenticate", []))
    bearer = next((c for c in challenges if c.scheme == "bearer" and c.parameters.get("realm")), None)
    if bearer is None:
        if any(challenge.scheme == "basic" for challenge in challenges):
            return basic
        wanted = ", ".join(sorted({challenge.scheme for challenge in challenges})) or "no known scheme"
        raise AuthenticationError(f"{host} wants a login by {wanted}, which elfuse does not know", status=401)
    realm = bearer.parameters["realm"].partition("#")[0]
    auth.check_realm(realm, base)
    query = f"account={quote(credentials.username, safe='')}&client_id=elfuse"
    if service := bearer.parameters.get("service"):
        query += f"&service={quote(service, safe='')}"
    url = f"{realm}{'&' if '?' in realm else '?'}{query}"
    token = connection.get(url, {"Authorization": basic}, limit=auth.TOKEN_LIMIT)
    if token.status in (400, 401, 403):
        raise _refused(host, token.status)
    if token.status != 200:
        raise AuthenticationError(
            f"{host}: no token from {urlsplit(realm).netloc} (it answers {token.status})", status=token.status
        )
    return f"Bearer {auth.token_in(bytes(token.body), realm)}"


def _refused(host: str, status: int) -> AuthenticationError:
    return AuthenticationError(f"logging in to {host}: invalid user name or password", status=status)
