"""Where images come from: one small interface, a registry or one of the local transports behind it."""

import threading
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self
from urllib.parse import urlsplit

from elfuse.errors import InvalidReference
from elfuse.oci.access import Access, AccessOptions, accesses
from elfuse.oci.blobs import PartialBlob
from elfuse.oci.digest import Digest
from elfuse.oci.http import is_loopback
from elfuse.oci.image import Descriptor
from elfuse.oci.policy.signature import SignatureSource
from elfuse.oci.progress import Progress
from elfuse.oci.reference import ImageSource, Reference

if TYPE_CHECKING:
    from elfuse.oci.multi import HttpClient
    from elfuse.oci.registry import Referrer


class Source(Protocol):
    """One image's origin. Methods may be called from several threads."""

    @property
    def cancelled(self) -> bool: ...

    def cancel(self) -> None:
        """Make all transfers that are under way fail soon."""

    def top(self) -> tuple[bytes, str]:
        """Bytes and media type of what the name points to: an index or a manifest."""

    def manifest(self, descriptor: Descriptor) -> bytes:
        """The bytes of a leaf; its digest and size are the caller's to check."""

    def blob(self, descriptor: Descriptor, partial: PartialBlob, progress: Progress) -> None:
        """Bring `partial` to its full size from its offset; the caller commits it."""

    def document(self, descriptor: Descriptor) -> bytes:
        """A small blob, such as a config, verified against its descriptor."""

    def signatures(self, registries_d: str | None = None) -> SignatureSource:
        """Where the image's signatures are, by `registries_d` or the one in force. Fetches none yet."""


class Session:
    """What the sources of one command share: how the user wants registries reached, and the connections."""

    def __init__(self, access: AccessOptions | None = None) -> None:
        self.access = access or AccessOptions()
        self._http: HttpClient | None = None  # guarded by _mu
        self._mu = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._mu:
            if self._http is not None:
                self._http.close()

    def http(self) -> "HttpClient":
        """The connections, made when the first registry is asked."""
        from elfuse.oci.multi import HttpClient

        with self._mu:
            if self._http is None:
                self._http = HttpClient()
            return self._http

    def accesses(self, reference: Reference) -> list[Access]:
        """Where to ask for `reference`. Raises for what the user may not ask of it."""
        host = urlsplit(f"//{reference.host}").hostname or ""
        if self.access.tls_verify is False and not is_loopback(host):
            raise InvalidReference(
                f"--tls-verify=false is refused for {reference.domain}: it is not on this machine",
                hint="name the registry's CA with --cert-dir or SSL_CERT_FILE instead",
            )
        return accesses(reference, self.access)


def open_source(image: ImageSource, session: Session) -> Source:
    if not isinstance(image, Reference):
        from elfuse.oci.transport.open import open_local

        return open_local(image)
    return RegistrySource(image, session)


class RegistrySource:
    def __init__(self, reference: Reference, session: Session) -> None:
        from elfuse.oci.http import Cancellation
        from elfuse.oci.registry import RegistryClient

        self._reference = reference
        self._session = session
        self._cancellation = Cancellation()
        self._client = RegistryClient(
            session.accesses(reference)[-1], http=session.http(), cancellation=self._cancellation
        )

    @property
    def cancelled(self) -> bool:
        return self._cancellation.cancelled

    def cancel(self) -> None:
        self._cancellation.cancel()

    def top(self) -> tuple[bytes, str]:
        return self._client.manifest(self._reference.selector, str(self._reference))

    def manifest(self, descriptor: Descriptor) -> bytes:
        return self._client.manifest(descriptor.digest, str(self._reference))[0]

    def blob(self, descriptor: Descriptor, partial: PartialBlob, progress: Progress) -> None:
        from elfuse.oci.transfer import fetch_blob

        fetch_blob(self._client, descriptor, partial, progress)

    def document(self, descriptor: Descriptor) -> bytes:
        return self._client.document(descriptor, f"blob {descriptor.digest} of {self._reference}")

    def referrers(self, digest: Digest) -> "list[Referrer]":
        """What refers to a manifest of this repository: signatures, SBOMs, attestations."""
        return self._client.referrers(digest)

    def signatures(self, registries_d: str | None = None) -> SignatureSource:
        from elfuse.oci.policy.fetch import RegistrySignatures
        from elfuse.oci.policy.lookaside import Lookaside

        lookaside = Lookaside(self._session.http(), cancellation=self._cancellation)
        return RegistrySignatures(self._client, self._client.reference, lookaside, registries_d)
