"""The registry's Bearer token flow, anonymous, with the realm treated as what it is: a stranger's URL.

The realm rules are those that peers adopted after 2026's realm attacks (oras-go CVE-2026-48978):
HTTPS only, unless it is the registry's own origin; no address of this machine or a private network,
unless the registry itself is there; no redirects.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from elfuse.errors import AuthenticationError, InvalidImage
from elfuse.oci.http import is_internal, is_loopback, origin
from elfuse.oci.image import load_json

TOKEN_LIMIT = 1 << 20
_TOKEN = re.compile(r"[\x21-\x7e]+")
_SCHEME = re.compile(r"\s*,*\s*([A-Za-z0-9!#$%&'*+.^_`|~-]+)(?:\s+|$)")
_PARAMETER = re.compile(
    r"\s*,*\s*([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*=\s*"
    r"(?:\"((?:[^\"\\]|\\.)*)\"|([^\s,\"=]+))(?=\s*(?:,|$))"
)


@dataclass(frozen=True, slots=True)
class Challenge:
    scheme: str  # lower case
    parameters: dict[str, str]  # names in lower case


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


def bearer_of(values: list[str], registry: str) -> Challenge:
    """The Bearer challenge, or an error that says what the registry wants instead."""
    challenges = parse_challenges(values)
    for challenge in challenges:
        if challenge.scheme == "bearer" and challenge.parameters.get("realm"):
            return challenge
    wanted = ", ".join(sorted({challenge.scheme for challenge in challenges})) or "no known scheme"
    raise AuthenticationError(
        f"{registry} wants a login ({wanted}), and elfuse pulls anonymously", status=401
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


def token_url(challenge: Challenge, repository: str) -> str:
    """The realm with the service it names and our own scope: pull of one repository, never more."""
    realm = challenge.parameters["realm"].partition("#")[0]
    query = f"scope={quote(f'repository:{repository}:pull', safe=':/')}"
    service = challenge.parameters.get("service")
    if service:
        query = f"service={quote(service, safe='')}&{query}"
    return f"{realm}{'&' if '?' in realm else '?'}{query}"


def token_in(body: bytes, realm: str) -> str:
    """The token of a token service's answer; printable ASCII only, as it becomes a header."""
    try:
        document = load_json(body, f"the answer of {realm[:200]}", limit=TOKEN_LIMIT)
    except InvalidImage as error:
        raise AuthenticationError(str(error)) from None
    if isinstance(document, dict):
        token = document.get("token") or document.get("access_token")
        if isinstance(token, str) and _TOKEN.fullmatch(token):
            return token
    raise AuthenticationError(f"{realm[:200]} gave no usable token")
