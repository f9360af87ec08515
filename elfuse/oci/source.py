"""Where images come from: one small interface, a registry and a layout on disk behind it."""

import os
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self
from urllib.parse import urlsplit

import msgspec

from elfuse.errors import ContentMismatch, ImageNotFound, InvalidImage, InvalidReference
from elfuse.oci import media
from elfuse.oci.access import Access, AccessOptions, accesses
from elfuse.oci.blobs import PartialBlob
from elfuse.oci.digest import digest_of, hex_of
from elfuse.oci.http import is_loopback
from elfuse.oci.image import DOCUMENT_LIMIT, Descriptor, Index, load_json
from elfuse.oci.policy.signature import NoSignatures, SignatureSource
from elfuse.oci.progress import Progress
from elfuse.oci.reference import ImageSource, LayoutReference, Reference

if TYPE_CHECKING:
    from elfuse.oci.multi import HttpClient

_CHUNK = 1 << 20


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
    if isinstance(image, LayoutReference):
        return LayoutSource(image)
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

    def signatures(self, registries_d: str | None = None) -> SignatureSource:
        from elfuse.oci.policy.fetch import RegistrySignatures
        from elfuse.oci.policy.lookaside import Lookaside

        lookaside = Lookaside(self._session.http(), cancellation=self._cancellation)
        return RegistrySignatures(self._client, self._client.reference, lookaside, registries_d)


class LayoutSource:
    """An OCI image layout that someone else made: as little trusted as a registry."""

    def __init__(self, reference: LayoutReference) -> None:
        self._reference = reference
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def cancel(self) -> None:
        self._cancelled = True

    def top(self) -> tuple[bytes, str]:
        entry = self._entry()
        return self._read(entry), entry.media_type

    def manifest(self, descriptor: Descriptor) -> bytes:
        return self._read(descriptor)

    def blob(self, descriptor: Descriptor, partial: PartialBlob, progress: Progress) -> None:
        try:
            with open(self._path(descriptor), "rb") as file:
                file.seek(partial.offset)
                while chunk := file.read(_CHUNK):
                    partial.write(chunk)
                    progress.advance(descriptor.digest, len(chunk))
        except FileNotFoundError:
            raise self._missing(descriptor) from None

    def signatures(self, registries_d: str | None = None) -> SignatureSource:
        return NoSignatures()

    def _entry(self) -> Descriptor:
        """The descriptor that the tag names; without a tag, the only one there is."""
        directory, tag = self._reference.directory, self._reference.tag
        what = os.path.join(directory, "index.json")
        if not os.path.exists(os.path.join(directory, "oci-layout")):
            raise ImageNotFound(f"{directory} is no OCI image layout: it has no oci-layout file")
        try:
            with open(what, "rb") as file:
                document = load_json(file.read(DOCUMENT_LIMIT + 1), what)
            index = msgspec.convert(document, Index)
        except (OSError, msgspec.ValidationError) as error:
            raise InvalidImage(f"{what} cannot be read: {error}") from None
        names = [(e.annotations or {}).get(media.REF_NAME) for e in index.manifests]
        if tag is None:
            if len(index.manifests) == 1:
                return index.manifests[0]
            raise ImageNotFound(f"{directory} holds {_list(names)}", hint=f"choose one: oci:{directory}:TAG")
        for entry, name in zip(index.manifests, names, strict=True):
            if name == tag:
                return entry
        raise ImageNotFound(f"no such image: {self._reference} (the layout holds {_list(names)})")

    def _read(self, descriptor: Descriptor) -> bytes:
        try:
            with open(self._path(descriptor), "rb") as file:
                data = file.read(DOCUMENT_LIMIT + 1)
        except FileNotFoundError:
            raise self._missing(descriptor) from None
        if digest_of(data) != descriptor.digest:
            raise ContentMismatch(f"{self._reference}: blob {descriptor.digest} has the wrong content")
        return data

    def _path(self, descriptor: Descriptor) -> str:
        return os.path.join(self._reference.directory, "blobs", "sha256", hex_of(descriptor.digest))

    def _missing(self, descriptor: Descriptor) -> ContentMismatch:
        return ContentMismatch(f"{self._reference}: blob {descriptor.digest} is missing")


def _list(names: list[str | None]) -> str:
    shown = [name for name in names if name]
    return ", ".join(shown[:8]) + (", ..." if len(shown) > 8 else "") if shown else "no named image"
