"""A registry as an object: what it has, without pulling it."""

from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec

from elfuse.errors import InvalidReference
from elfuse.oci.access import AccessOptions
from elfuse.oci.digest import digest_of, parse_digest
from elfuse.oci.image import load_json
from elfuse.oci.reference import Reference, parse_reference

if TYPE_CHECKING:
    from elfuse.oci.registry import RegistryClient
    from elfuse.oci.source import Session


class RemoteManifest(msgspec.Struct, frozen=True):
    """A manifest or an index as a registry has it. `raw` are the bytes that the digest names."""

    reference: str
    digest: str
    media_type: str
    raw: bytes

    @property
    def document(self) -> dict[str, Any]:
        """The bytes, parsed: image-spec's manifest.md or image-index.md."""
        found: dict[str, Any] = load_json(self.raw, self.reference)
        return found


class Referrer(msgspec.Struct, frozen=True):
    """What refers to an image, such as a signature or a bill of materials."""

    digest: str
    media_type: str
    artifact_type: str
    size: int
    annotations: dict[str, str]


class Registry:
    """A registry by its host[:port]: `docker.io`, `ghcr.io`, `localhost:5000`.

    Logins, certificates and mirrors are found as for a pull; the arguments come before them. Nothing is
    asked before a method is called. All raise ElfuseError: RegistryError or one of its kinds,
    ImageNotFound for what the registry does not have. Connections are kept until close() or the end of a
    `with` block.
    """

    def __init__(
        self,
        host: str,
        *,
        tls_verify: bool | None = None,
        creds: str | None = None,
        authfile: str | None = None,
        cert_dir: str | None = None,
    ) -> None:
        if "/" in host or parse_reference(f"{host}/x").domain != host:
            raise InvalidReference(f"{host!r} is no registry", hint="write its name, or HOST:PORT")
        self.host = host
        self._options = AccessOptions(tls_verify, creds, authfile, cert_dir)

    def tags(self, repository: str) -> list[str]:
        """All tags of a repository, in the registry's order."""
        return self._client(self._reference(repository)).tags()

    def manifest(self, name: str) -> RemoteManifest:
        """The manifest or index of `repository[:tag]` or `repository@digest`."""
        reference = self._reference(name)
        body, media_type = self._client(reference).manifest(reference.selector, str(reference))
        return RemoteManifest(str(reference), digest_of(body), media_type, body)

    def digest(self, name: str) -> str | None:
        """The digest of what a name points to, by one small request; None where the registry tells none."""
        reference = self._reference(name)
        return self._client(reference).head_manifest(reference.selector, str(reference))

    def referrers(self, repository: str, digest: str, *, artifact_type: str | None = None) -> list[Referrer]:
        """What refers to the manifest with this digest."""
        found = self._client(self._reference(repository)).referrers(parse_digest(digest), artifact_type)
        return [
            Referrer(one.digest, one.media_type, one.artifact_type or "", one.size, one.annotations or {})
            for one in found
        ]

    def close(self) -> None:
        """Let the connections go. The object can be used again."""
        session = self.__dict__.pop("_session", None)
        if session is not None:
            session.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Registry({self.host!r})"

    @cached_property
    def _session(self) -> "Session":
        from elfuse.oci.source import Session

        return Session(self._options)

    def _reference(self, name: str) -> Reference:
        return parse_reference(f"{self.host}/{name}")

    def _client(self, reference: Reference) -> "RegistryClient":
        """The registry itself: a mirror need not know all tags and referrers."""
        from elfuse.oci.registry import RegistryClient

        return RegistryClient(self._session.accesses(reference)[-1], http=self._session.http())
