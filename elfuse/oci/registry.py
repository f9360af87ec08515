"""A registry's API for one repository (OCI distribution spec 1.1, Docker's v2).

Documents are whole, capped and verified. Blobs stream: transfer.py takes them from here, range by range.
"""

import contextlib
import re
import threading
from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

import msgspec

from elfuse.errors import (
    AuthenticationError,
    BlobMissing,
    ContentMismatch,
    ImageNotFound,
    InvalidImage,
    RegistryError,
)
from elfuse.oci import media, retry
from elfuse.oci.access import Access, Credentials
from elfuse.oci.auth import Authorizer, Scopes, cause_of
from elfuse.oci.digest import Digest, digest_of, parse_digest
from elfuse.oci.http import (
    Cancellation,
    FileBody,
    Options,
    Request,
    Response,
    Sink,
    TransferError,
    Trust,
    is_internal,
    is_loopback,
    origin,
)
from elfuse.oci.image import DOCUMENT_LIMIT, Descriptor, load_json, verified
from elfuse.oci.multi import HttpClient
from elfuse.oci.question import Question

_REDIRECTS = 5
_TAGS_LIMIT = 64 << 20
_PAGES = 10_000
_NEXT = re.compile(r"<([^>]*)>\s*;[^,]*\brel=\"?next\"?", re.I)

T = TypeVar("T")


class Referrer(Descriptor, frozen=True, rename="camel", omit_defaults=True):
    """A manifest that refers to another: a signature, an SBOM, an attestation."""

    artifact_type: str = ""


class _Referrers(msgspec.Struct, frozen=True, rename="camel"):
    manifests: list[Referrer]


class _Tags(msgspec.Struct, frozen=True):
    tags: list[str] | None = None


class RegistryClient:
    """One repository, reached as `access` says. May be used by several threads.

    All methods raise RegistryError or one of its kinds: NetworkError when there is no answer,
    AuthenticationError for 401 and 403. What may pass is tried again (retry.py).
    """

    def __init__(
        self,
        access: Access,
        *,
        http: HttpClient | None = None,
        options: Options | None = None,
        cancellation: Cancellation | None = None,
    ) -> None:
        """`http` is shared with other clients; without one, an own one lives as long as this object."""
        self.reference = access.reference
        self.cancellation = cancellation or Cancellation()
        self._http = http or HttpClient(options)
        self._owns_http = http is None
        self._access = access
        self._trust = Trust(not access.insecure, access.ca_files, access.client_cert, access.client_key)
        self._authorizer = Authorizer(access, self._trust, self._perform_patiently)
        self._mu = threading.Lock()
        self._origin = None if access.insecure else f"https://{self.reference.host}"  # guarded by _mu

    def close(self) -> None:
        if self._owns_http:
            self._http.close()

    @property
    def credentials(self) -> Credentials | None:
        """The login in use: None before the registry asked for one, and for an anonymous user."""
        return self._authorizer.credentials

    @property
    def options(self) -> Options:
        return self._http.options

    @property
    def base(self) -> str:
        """scheme://host[:port] of the registry. For an insecure one, https where it speaks TLS."""
        with self._mu:
            if self._origin is None:
                self._origin = self._probe()
            return self._origin

    def scopes(self, actions: str = "pull") -> Scopes:
        """What a token for this repository has to allow: `pull`, `pull,push` or `delete`."""
        return (f"repository:{self.reference.path}:{actions}",)

    # -- manifests

    def manifest(self, selector: str, what: str) -> tuple[bytes, str]:
        """The bytes and media type of a manifest or index, by tag or digest. `what` is for messages."""
        return self._as_manifest(self._get_manifest(selector, {}), selector, what)

    def manifest_unless(self, selector: str, what: str, known: Digest) -> tuple[bytes, str] | None:
        """As manifest(), or None when it is still the one with digest `known`: one request either way."""
        response = self._get_manifest(selector, {"If-None-Match": f'"{known}"'})
        if response.status == 304:
            return None
        body, media_type = self._as_manifest(response, selector, what)
        return None if digest_of(body) == known else (body, media_type)

    def head_manifest(self, selector: str, what: str) -> Digest | None:
        """The digest that a tag points to, without its content; None when the registry does not say."""
        headers = {"Accept": media.ACCEPT_MANIFEST}
        response = self.request("HEAD", f"manifests/{selector}", headers=headers)
        self._check_manifest(response, what)
        announced = response.header("docker-content-digest")
        return parse_digest(announced) if announced.startswith("sha256:") else None

    def question(self, selector: str, known: Digest, *, head: bool) -> Question | None:
        """What has just been asked, by head_manifest or manifest_unless; None when it took a login or a
        certificate of ours."""
        trust, base = self._trust, self.base
        try:
            token = self._authorizer.anonymous_request(base, self.scopes())
        except AuthenticationError:
            return None
        if trust.client_cert is not None:
            return None
        question = Question(self._url(f"manifests/{selector}"), head, known, trust.verify, trust.ca_files)
        if token is None:
            return question
        return question._replace(token_url=token.url, token_verify=token.trust.verify)

    def _get_manifest(self, selector: str, extra: Mapping[str, str]) -> Response:
        headers = {"Accept": media.ACCEPT_MANIFEST, **extra}
        return self.request("GET", f"manifests/{selector}", headers=headers, limit=DOCUMENT_LIMIT)

    def _as_manifest(self, response: Response, selector: str, what: str) -> tuple[bytes, str]:
        self._check_manifest(response, what)
        body = bytes(response.body)
        digest = digest_of(body)
        if selector.startswith("sha256:") and selector != digest:
            raise ContentMismatch(f"{what}: the registry sent a manifest with digest {digest}")
        announced = response.header("docker-content-digest")
        if announced.startswith("sha256:") and announced != digest:
            raise ContentMismatch(f"{what}: the registry announced {announced} but sent {digest}")
        return body, response.header("content-type").partition(";")[0].strip().lower()

    def _check_manifest(self, response: Response, what: str) -> None:
        if response.status == 404:
            raise ImageNotFound(
                f"no such image: {what} ({self.reference.domain} answers {cause_of(response)})",
                hint="check the name and the tag",
            )
        self.expect(response, what)

    # -- small things

    def document(self, descriptor: Descriptor, what: str) -> bytes:
        """A small blob (a config, a signature), verified against its descriptor."""
        if descriptor.size > DOCUMENT_LIMIT:
            raise InvalidImage(f"{what} is larger than {DOCUMENT_LIMIT >> 20} MiB")
        response = self.request("GET", f"blobs/{descriptor.digest}", limit=descriptor.size)
        if response.status == 404:
            raise missing_blob(descriptor, self.reference)
        self.expect(response, what)
        return verified(bytes(response.body), descriptor, f"{what}: blob")

    def tags(self) -> list[str]:
        """All tags of the repository, in the registry's order, page by page."""
        found: list[str] = []
        what = f"the tags of {self.reference.repository}"
        for response in self._pages("tags/list", what):
            found += _converted(response, _Tags, what).tags or []
        return found

    def referrers(self, digest: Digest, artifact_type: str | None = None) -> list[Referrer]:
        """What refers to the manifest `digest`; by the fallback tag where there is no referrers API."""
        what = f"the referrers of {self.reference.repository}@{digest}"
        found: list[Referrer] = []
        try:
            for response in self._pages(f"referrers/{digest}", what):
                found += _converted(response, _Referrers, what).manifests
        except ImageNotFound:
            found = self._fallback_referrers(digest, what)
        # A registry may ignore the filter, so it is not asked for.
        return [entry for entry in found if artifact_type in (None, entry.artifact_type)]

    def _fallback_referrers(self, digest: Digest, what: str) -> list[Referrer]:
        headers = {"Accept": media.OCI_INDEX}
        path = f"manifests/{digest.replace(':', '-')}"
        response = self.request("GET", path, headers=headers, limit=DOCUMENT_LIMIT)
        if response.status == 404:
            return []
        self.expect(response, what)
        return _converted(response, _Referrers, what).manifests

    def _pages(self, path: str, what: str) -> "list[Response]":
        """All pages of a list (RFC 8288 Link: rel=next), each of them whole."""
        pages: list[Response] = []
        room = _TAGS_LIMIT
        while True:
            response = self.request("GET", path, limit=DOCUMENT_LIMIT)
            if response.status == 404:
                raise ImageNotFound(f"no such repository: {what} ({cause_of(response)})")
            self.expect(response, what)
            pages.append(response)
            room -= len(response.body)
            following = _NEXT.search(response.header("link"))
            if following is None:
                return pages
            if room <= 0 or len(pages) >= _PAGES:
                raise RegistryError(f"{what}: the list does not end")
            path = urljoin(response.url, following[1])

    # -- any request

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | FileBody | None = None,
        limit: int = DOCUMENT_LIMIT,
        sink: Sink | None = None,
        scopes: Scopes | None = None,
        multiplex: bool = True,
        retries: bool = True,
        cancellation: Cancellation | None = None,
    ) -> Response:
        """Any request, authorised, redirects followed for GET and HEAD.

        `path` is below /v2/NAME/, or begins with / (below the registry), or is a whole URL, such as the
        Location of an upload: credentials go there only when it is the registry itself. The answer comes
        back whatever its status, but for what is worth another attempt (with `retries`).
        """
        wanted = Request(
            self._url(path),
            method,
            dict(headers or {}),
            body=body,
            limit=limit,
            sink=sink,
            trust=self._trust,
            multiplex=multiplex,
            cancellation=cancellation or self.cancellation,
        )
        needed = self.scopes() if scopes is None else scopes
        if not retries:
            return self._authorized(wanted, needed)
        return self._patiently(lambda: self._checked(self._authorized(wanted, needed)))

    def expect(self, response: Response, what: str, *statuses: int) -> None:
        """Raise for a status that is not among `statuses` (200)."""
        if response.status in (statuses or (200,)):
            return
        cause, domain = cause_of(response), self.reference.domain
        if response.status in (401, 403) and origin(response.url) == origin(self.base):
            raise self._denied(response, what, cause)
        raise RegistryError(f"{what}: {domain} answers {cause}", status=response.status)

    def _denied(self, response: Response, what: str, cause: str) -> AuthenticationError:
        domain, used = self.reference.domain, self._authorizer.credentials
        if used is None:
            hint = f"it does not exist, or it needs a login: elfuse oci login {domain}"
        else:
            hint = f"the login from {used.origin} may not do this; use another: elfuse oci login {domain}"
        return AuthenticationError(
            f"{what}: {domain} denies access ({cause})", hint=hint, status=response.status
        )

    def _url(self, path: str) -> str:
        if path.startswith(("https://", "http://")):
            return path
        if path.startswith("/"):
            return self.base + path
        return f"{self.base}/v2/{self.reference.path}/{path}"

    def _patiently(self, call: Callable[[], T]) -> T:
        return retry.Retries(self.options, self.cancellation).run(call)

    def _checked(self, response: Response) -> Response:
        if response.status in retry.STATUS:
            error = RegistryError(
                f"{self.reference}: {self.reference.domain} answers {cause_of(response)}",
                status=response.status,
            )
            raise retry.Retry(error, retry.seconds_of(response.header("retry-after")))
        return response

    def _perform_patiently(self, request: Request) -> Response:
        return self._patiently(lambda: self._checked(self._http.perform(request)))

    # -- redirects and credentials

    def _authorized(self, request: Request, scopes: Scopes) -> Response:
        """With what the registry wants to see, when it asks (again once: a token may have expired)."""
        base = self.base
        value = self._authorizer.header(base, scopes)
        response = self._follow(request, value)
        if response.status == 401 and origin(response.url) == origin(base):
            renewed = self._authorizer.renew(response, base, scopes, stale=value)
            if renewed != value:
                response = self._follow(request, renewed)
        return response

    def _follow(self, request: Request, authorization: str | None) -> Response:
        ours = origin(self.base)
        for _ in range(_REDIRECTS + 1):
            # Recomputed at each hop: credentials and certificates stay with us (CVE-2022-27774).
            headers = dict(request.headers)
            if authorization is not None and origin(request.url) == ours:
                headers["Authorization"] = authorization
            hop = _replaced(request, request.url, headers, self._trust_in(request.url))
            response = self._http.perform(hop)
            if request.method not in ("GET", "HEAD") or response.status not in (301, 302, 303, 307, 308):
                return response
            request = _replaced(request, self._redirect_target(response), request.headers, self._trust)
        raise RegistryError(f"{self.reference.domain}: more than {_REDIRECTS} redirects")

    def _trust_in(self, url: str) -> Trust:
        """Another host gets no client certificate, and must have a valid one itself."""
        host, ours = origin(url)[1], origin(self.base)[1]
        if host == ours:
            return self._trust
        lenient = not self._trust.verify and is_loopback(host) and is_loopback(ours)
        return Trust(not lenient, self._trust.ca_files)

    def _redirect_target(self, response: Response) -> str:
        target = urljoin(response.url, response.header("location"))
        self.check_target(target, "redirects")
        return target

    def check_target(self, target: str, verb: str) -> None:
        """Whether the registry may send us to `target` (a redirect, an upload's Location). Raises."""
        base = self.base
        domain, parts, shown = self.reference.domain, urlsplit(target), target[:200]
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise RegistryError(f"{domain} {verb} to {shown!r}")
        if origin(target) == origin(base):
            return
        local = is_loopback(origin(base)[1])
        if parts.scheme == "http" and not (base.startswith("http:") and is_loopback(parts.hostname)):
            raise RegistryError(f"{domain} {verb} to {shown!r}, which is not https")
        if is_internal(parts.hostname) and not local and origin(target)[1] != origin(base)[1]:
            raise RegistryError(f"{domain} {verb} to the internal address {shown!r}")

    def _probe(self) -> str:
        """https where an insecure registry speaks TLS, else http: skopeo's order.

        On this machine plain HTTP comes first, which costs a TLS registry no more than a refused request,
        and most others a failed handshake less. No credentials are sent.
        """
        secure, plain = f"https://{self.reference.host}", f"http://{self.reference.host}"
        if is_loopback(origin(secure)[1]):
            # A server of TLS answers 400, or nothing that is HTTP.
            with contextlib.suppress(TransferError):
                if self._ping(plain).status in (200, 401):
                    return plain
        try:
            self._ping(secure)
            return secure
        except TransferError as error:
            if not error.tls:
                self._ping(plain)
            return plain

    def _ping(self, base: str) -> Response:
        return self._http.perform(
            Request(f"{base}/v2/", limit=DOCUMENT_LIMIT, trust=self._trust, cancellation=self.cancellation)
        )


def _replaced(request: Request, url: str, headers: Mapping[str, str], trust: Trust) -> Request:
    return Request(
        url,
        request.method,
        headers,
        request.body,
        request.limit,
        request.sink,
        trust,
        request.multiplex,
        request.cancellation,
    )


def missing_blob(descriptor: Descriptor, reference: object) -> BlobMissing:
    return BlobMissing(
        f"blob {descriptor.digest} of {reference} is not on the registry, though its manifest names it"
    )


def _converted(response: Response, kind: type[T], what: str) -> T:
    try:
        return msgspec.convert(load_json(bytes(response.body), what), kind)
    except msgspec.ValidationError as error:
        raise InvalidImage(f"{what}: {error}") from None
