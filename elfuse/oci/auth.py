"""A registry's challenges, and the answers: Basic, and Bearer tokens from a realm.

The realm is a stranger's URL, and treated as one. The rules are those that peers adopted after 2026's realm
attacks (oras-go CVE-2026-48978): HTTPS only, unless it is the registry's own origin; no address of this
machine or a private network, unless the registry itself is there; no redirects.
"""

import base64
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from elfuse.errors import AuthenticationError, InvalidImage, NetworkError, RegistryError
from elfuse.oci.access import Access, Credentials
from elfuse.oci.http import Request, Response, Trust, is_internal, is_loopback, origin
from elfuse.oci.image import load_json
from elfuse.text import printable

TOKEN_LIMIT = 1 << 20
CLIENT_ID = "elfuse"
# distribution's token spec: what a token lives when its server does not say.
_DEFAULT_LIFE = 60.0
_TOKEN = re.compile(r"[\x21-\x7e]+")
_SCHEME = re.compile(r"\s*,*\s*([A-Za-z0-9!#$%&'*+.^_`|~-]+)(?:\s+|$)")
_PARAMETER = re.compile(
    r"\s*,*\s*([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*=\s*"
    r"(?:\"((?:[^\"\\]|\\.)*)\"|([^\s,\"=]+))(?=\s*(?:,|$))"
)

Scopes = tuple[str, ...]  # what a request may do, as distribution writes it: repository:NAME:pull


@dataclass(frozen=True, slots=True)
class Challenge:
    scheme: str  # lower case
    parameters: dict[str, str]  # names in lower case


@dataclass(frozen=True, slots=True)
class Token:
    text: str
    life: float  # seconds from when it was given


def parse_challenges(values: list[str]) -> list[Challenge]:
    """All challenges of WWW-Authenticate (RFC 9110 11.6.1), in any number of header lines."""
    result = []
    for value in values:
        position = 0
        while match := _SCHEME.match(value, position):
            position = match.end()
            parameters: dict[str, str] = {}
            while parameter := _PARAMETER.match(value, position):
                position = parameter.end()
                name, quoted, plain = parameter.groups()
                text = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
                parameters.setdefault(name.lower(), text)
            result.append(Challenge(match[1].lower(), parameters))
    return result


def challenge_of(values: list[str], registry: str) -> Challenge:
    """The challenge to answer: Bearer before Basic. Raises for any other."""
    challenges = parse_challenges(values)
    for challenge in challenges:
        if challenge.scheme == "bearer" and challenge.parameters.get("realm"):
            return challenge
    for challenge in challenges:
        if challenge.scheme == "basic":
            return challenge
    wanted = ", ".join(sorted({challenge.scheme for challenge in challenges})) or "no known scheme"
    raise AuthenticationError(
        f"{registry} wants a login that elfuse does not know ({wanted}): it knows Basic and Bearer",
        status=401,
    )


def check_realm(realm: str, registry_url: str) -> None:
    """Refuse a realm that could make us talk to what the registry may not reach. Raises."""
    ours = origin(registry_url)
    shown = realm[:200]
    parts = urlsplit(realm)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise AuthenticationError(f"{ours[1]}: the token realm {shown!r} is no plain https address")
    if origin(realm) == ours:
        return
    local = is_loopback(ours[1])
    if parts.scheme != "https" and not (local and ours[0] == "http" and is_loopback(parts.hostname)):
        raise AuthenticationError(f"{ours[1]}: the token realm {shown!r} is not https")
    if is_internal(parts.hostname) and not (local and is_loopback(parts.hostname)):
        raise AuthenticationError(f"{ours[1]}: the token realm {shown!r} is an internal address")


def token_url(challenge: Challenge, scopes: Scopes, account: str | None = None) -> str:
    """The realm with the service it names and our own scopes, never the one it asked for."""
    realm = challenge.parameters["realm"].partition("#")[0]
    pairs = [("scope", scope) for scope in scopes]
    service = challenge.parameters.get("service")
    if service:
        pairs.insert(0, ("service", service))
    if account:
        pairs.insert(0, ("account", account))
    query = "&".join(f"{name}={quote(value, safe=':/,' if name == 'scope' else '')}" for name, value in pairs)
    return f"{realm}{'&' if '?' in realm else '?'}{query}" if query else realm


def token_in(body: bytes, realm: str) -> Token:
    """The token of a token service's answer; printable ASCII only, as it becomes a header."""
    try:
        document = load_json(body, f"the answer of {realm[:200]}", limit=TOKEN_LIMIT)
    except InvalidImage as error:
        raise AuthenticationError(str(error)) from None
    if isinstance(document, dict):
        token = document.get("token") or document.get("access_token")
        if isinstance(token, str) and _TOKEN.fullmatch(token):
            return Token(token, _life(document.get("expires_in")))
    raise AuthenticationError(f"{realm[:200]} gave no usable token")


def _life(seconds: Any) -> float:
    if isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds > 0:
        return float(min(seconds, 365 * 24 * 3600))
    return _DEFAULT_LIFE


def basic(username: str, secret: str) -> str:
    pair = f"{username}:{secret}".encode("utf-8", "surrogateescape")
    return "Basic " + base64.b64encode(pair).decode("ascii")


class Authorizer:
    """What one registry wants to see in Authorization, for all transfers from it. Thread-safe.

    Nothing is sent until the registry asks. Then the credentials are looked up, once, and a token is
    fetched for each set of scopes that a request needs; one thread asks, the others use what it got.
    """

    def __init__(self, access: Access, trust: Trust, perform: Callable[[Request], Response]) -> None:
        self._access = access
        self._trust = trust
        self._perform = perform
        self._mu = threading.Lock()
        # All guarded by _mu.
        self._challenge: Challenge | None = None
        self._credentials: Credentials | None = None
        self._looked_up = False
        self._tokens: dict[Scopes, tuple[str, float]] = {}  # the header, and when it is too old

    @property
    def credentials(self) -> Credentials | None:
        """Those in use: None before the registry asked, and for an anonymous user."""
        with self._mu:
            return self._credentials

    def anonymous_request(self, base: str, scopes: Scopes) -> Request | None:
        """How anybody gets the token that is in use; None when the registry wants none. Raises
        AuthenticationError when it is a login's."""
        with self._mu:
            if self._credentials is not None:
                raise AuthenticationError(f"{self._access.reference.domain} was asked with a login")
            return self._token_request(self._challenge, base, scopes) if self._challenge else None

    def header(self, base: str, scopes: Scopes) -> str | None:
        """The value of Authorization for a request; None before the registry has asked for one."""
        with self._mu:
            if self._challenge is None:
                return None
            return self._answer(self._challenge, base, scopes, stale=None)

    def renew(self, response: Response, base: str, scopes: Scopes, stale: str | None) -> str:
        """The value after a 401 to `stale`. Raises AuthenticationError when there is none to give."""
        challenge = challenge_of(response.headers.get("www-authenticate", []), self._access.reference.domain)
        with self._mu:
            self._challenge = challenge
            return self._answer(challenge, base, scopes, stale)

    def _answer(self, challenge: Challenge, base: str, scopes: Scopes, stale: str | None) -> str:
        if not self._looked_up:
            self._credentials = self._access.credentials()
            self._looked_up = True
        if challenge.scheme == "basic":
            return self._basic()
        known, end = self._tokens.get(scopes, ("", 0.0))
        if known and known != stale and time.monotonic() < end:
            return known
        token = self._fetch_token(challenge, base, scopes)
        # Early by a tenth, so that no request arrives with a token that ran out on its way.
        header = f"Bearer {token.text}"
        self._tokens[scopes] = (header, time.monotonic() + token.life * 0.9)
        return header

    def _basic(self) -> str:
        given = self._credentials
        domain = self._access.reference.domain
        if given is None:
            raise AuthenticationError(
                f"{domain} wants a login", hint=f"log in with: elfuse oci login {domain}", status=401
            )
        if given.is_identity_token:
            raise AuthenticationError(
                f"{domain} wants a user name and a password, but {given.origin} holds an identity token",
                hint=f"log in again with: elfuse oci login {domain}",
                status=401,
            )
        return basic(given.username, given.secret)

    def _fetch_token(self, challenge: Challenge, base: str, scopes: Scopes) -> Token:
        realm = challenge.parameters["realm"]
        check_realm(realm, base)
        try:
            answer = self._perform(self._token_request(challenge, base, scopes))
        except NetworkError:
            raise
        except RegistryError as error:
            host = urlsplit(realm).netloc
            raise AuthenticationError(
                f"{self._access.reference}: no token from {host}, which answers {error.status}",
                hint="try again later",
                status=error.status,
            ) from None
        if answer.status != 200:
            raise self._refusal(realm, answer)
        return token_in(bytes(answer.body), realm)

    def _token_request(self, challenge: Challenge, base: str, scopes: Scopes) -> Request:
        given, realm = self._credentials, challenge.parameters["realm"]
        trust = self._trust_in(realm, base)
        if given is not None and given.is_identity_token:
            # OAuth2 (distribution's token spec, "oauth"): the refresh token travels in the body.
            form = {"grant_type": "refresh_token", "client_id": CLIENT_ID, "refresh_token": given.secret}
            form["service"] = challenge.parameters.get("service", "")
            if scopes:
                form["scope"] = " ".join(scopes)
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            url, body = realm.partition("#")[0], urlencode(form).encode()
            return Request(url, "POST", headers, body=body, limit=TOKEN_LIMIT, trust=trust)
        if given is not None:
            headers = {"Authorization": basic(given.username, given.secret)}
            url = token_url(challenge, scopes, given.username)
            return Request(url, headers=headers, limit=TOKEN_LIMIT, trust=trust)
        return Request(token_url(challenge, scopes), limit=TOKEN_LIMIT, trust=trust)

    def _trust_in(self, realm: str, base: str) -> Trust:
        """Another host gets no client certificate, and must have a valid one itself."""
        if origin(realm)[1] == origin(base)[1]:
            return self._trust
        return Trust(ca_files=self._trust.ca_files)

    def _refusal(self, realm: str, answer: Response) -> AuthenticationError:
        given, host = self._credentials, urlsplit(realm).netloc
        reference = self._access.reference
        if given is None:
            return AuthenticationError(
                f"{reference}: no anonymous token from {host} ({cause_of(answer)})",
                hint=f"log in with: elfuse oci login {reference.domain}",
                status=answer.status,
            )
        return AuthenticationError(
            f"{reference}: {host} refuses the login from {given.origin} ({cause_of(answer)})",
            hint=f"log in again with: elfuse oci login {reference.domain}",
            status=answer.status,
        )


def cause_of(response: Response) -> str:
    """The status, and the server's own words for it made safe to print."""
    try:
        document = load_json(bytes(response.body), "error")
        first = document["errors"][0]
        words = str(first.get("message") or first.get("code") or "")
    except (InvalidImage, LookupError, TypeError, AttributeError):
        words = ""
    return f"{response.status} {printable(words)[:200]}".rstrip()
