"""Where images come from: one small interface, a registry and a layout on disk behind it."""

import contextlib
import errno
import os
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TypeVar
from urllib.parse import urlsplit

import msgspec

from elfuse.errors import (
    BlobMissing,
    ContentMismatch,
    ImageNotFound,
    InvalidImage,
    InvalidReference,
    RegistryError,
)
from elfuse.oci import media
from elfuse.oci.access import Access, AccessOptions, accesses
from elfuse.oci.blobs import PartialBlob
from elfuse.oci.digest import Digest, digest_of, hex_of
from elfuse.oci.http import is_loopback
from elfuse.oci.image import DOCUMENT_LIMIT, Descriptor, Index, load_json
from elfuse.oci.progress import Progress
from elfuse.oci.reference import ImageSource, LayoutReference, Reference
from elfuse.oci.work import DEFAULT_JOBS

if TYPE_CHECKING:
    from elfuse.oci.multi import HttpClient
    from elfuse.oci.registry import RegistryClient
    from elfuse.oci.transfer import Downloads

_CHUNK = 1 << 20
# Docker Hub limits GETs of manifests, not HEADs (docs.docker.com, "Docker Hub usage and limits").
_COUNTS_PULLS = frozenset({"docker.io"})

T = TypeVar("T")


class Source(Protocol):
    """One image's origin. Methods may be called from several threads."""

    @property
    def cancelled(self) -> bool: ...

    def cancel(self) -> None:
        """Make all transfers that are under way fail soon."""

    def top(self, known: Digest | None = None) -> tuple[bytes, str] | None:
        """Bytes and media type of what the name points to, an index or a manifest.

        None when that still is the one with digest `known`, which costs less than to fetch it.
        """

    def manifest(self, descriptor: Descriptor) -> bytes:
        """The bytes of a manifest or index; its digest and size are the caller's to check."""

    def blob(self, descriptor: Descriptor, partial: PartialBlob, progress: Progress) -> None:
        """Bring `partial` to its full size from what it has; the caller commits it."""


class Session:
    """What the sources of one command share: how registries are reached, connections, and limits."""

    def __init__(self, access: AccessOptions | None = None, *, jobs: int = DEFAULT_JOBS) -> None:
        self.access = access or AccessOptions()
        self.jobs = jobs
        self._slots = threading.Semaphore(jobs)
        self._mu = threading.Lock()
        # All guarded by _mu.
        self._waiting = 0
        self._sources: list[Source] = []
        self._http: HttpClient | None = None
        self._downloads: Downloads | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._mu:
            http = self._http
        if http is not None:
            http.close()

    def open(self, image: ImageSource) -> Source:
        """The origin of `image`. Asks nobody yet; raises for a registry that must not be asked."""
        source = LayoutSource(image) if isinstance(image, LayoutReference) else RegistrySource(image, self)
        with self._mu:
            self._sources.append(source)
        return source

    def cancel(self) -> None:
        """End the transfers of all sources."""
        with self._mu:
            sources = list(self._sources)
        for source in sources:
            source.cancel()

    @contextlib.contextmanager
    def slot(self, source: Source) -> Iterator[None]:
        """A place among the blobs that are brought at once. Raises InterruptedError when cancelled."""
        with self._mu:
            self._waiting += 1
        try:
            while not self._slots.acquire(timeout=0.2):
                if source.cancelled:
                    raise InterruptedError(errno.EINTR, "cancelled while waiting for other blobs")
        finally:
            with self._mu:
                self._waiting -= 1
        try:
            yield
        finally:
            self._slots.release()

    def http(self) -> "HttpClient":
        """The connections, made when the first registry is asked."""
        from elfuse.oci.multi import HttpClient

        with self._mu:
            if self._http is None:
                self._http = HttpClient()
            return self._http

    def downloads(self) -> "Downloads":
        from elfuse.oci.transfer import Downloads

        with self._mu:
            if self._downloads is None:
                self._downloads = Downloads(self.jobs, lambda: self._waiting)
            return self._downloads

    def accesses(self, reference: Reference) -> list[Access]:
        """Where to ask for `reference`, in order. Raises for what the user may not ask of it."""
        host = urlsplit(f"//{reference.host}").hostname or ""
        if self.access.tls_verify is False and not is_loopback(host):
            raise InvalidReference(
                f"--tls-verify=false is refused for {reference.domain}: it is not on this machine",
                hint="name the registry's CA with --cert-dir or SSL_CERT_FILE instead",
            )
        return accesses(reference, self.access)


class RegistrySource:
    """A registry or its mirrors: each is asked in turn until one has what is wanted, the registry last."""

    def __init__(self, reference: Reference, session: Session) -> None:
        from elfuse.oci.http import Cancellation

        self._reference = reference
        self._session = session
        self._accesses = session.accesses(reference)
        self._cancellation = Cancellation()
        self._mu = threading.Lock()
        self._clients: dict[int, RegistryClient] = {}  # guarded by _mu
        self._first = 0  # the place to ask first: where the image was found
        self._found = False

    @property
    def cancelled(self) -> bool:
        return self._cancellation.cancelled

    def cancel(self) -> None:
        self._cancellation.cancel()

    @property
    def client(self) -> "RegistryClient":
        """Of the place where the image was found."""
        return self._client(self._first)

    def top(self, known: Digest | None = None) -> tuple[bytes, str] | None:
        found = self._try_each(lambda client: self._top_of(client, known))
        self._found = True
        return found

    def manifest(self, descriptor: Descriptor) -> bytes:
        return self._try_each(lambda client: client.manifest(descriptor.digest, str(self._reference)))[0]

    def blob(self, descriptor: Descriptor, partial: PartialBlob, progress: Progress) -> None:
        downloads = self._session.downloads()
        self._try_each(lambda client: downloads.fetch(client, descriptor, partial, progress))

    def _top_of(self, client: "RegistryClient", known: Digest | None) -> tuple[bytes, str] | None:
        what, selector = str(self._reference), client.reference.selector
        if known is None:
            return client.manifest(selector, what)
        if client.reference.domain in _COUNTS_PULLS and client.head_manifest(selector, what) == known:
            return None
        return client.manifest_unless(selector, what, known)

    def _try_each(self, call: "Callable[[RegistryClient], T]") -> T:
        from elfuse.oci.http import Cancelled

        last = len(self._accesses) - 1
        for position in range(self._first, last):
            try:
                return call(self._client(position))
            except Cancelled:
                raise
            except (RegistryError, ImageNotFound, BlobMissing):
                pass  # a mirror need not have everything, nor be there
            if not self._found:
                self._first = position + 1
        return call(self._client(last))

    def _client(self, position: int) -> "RegistryClient":
        from elfuse.oci.registry import RegistryClient

        with self._mu:
            if position not in self._clients:
                self._clients[position] = RegistryClient(
                    self._accesses[position], http=self._session.http(), cancellation=self._cancellation
                )
            return self._clients[position]


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

    def top(self, known: Digest | None = None) -> tuple[bytes, str] | None:
        entry = self._entry()
        return None if entry.digest == known else (self._read(entry), entry.media_type)

    def manifest(self, descriptor: Descriptor) -> bytes:
        return self._read(descriptor)

    def blob(self, descriptor: Descriptor, partial: PartialBlob, progress: Progress) -> None:
        try:
            with open(self._path(descriptor), "rb") as file:
                file.seek(partial.offset)
                while not self._cancelled and (chunk := file.read(_CHUNK)):
                    partial.write(chunk)
                    progress.advance(descriptor.digest, len(chunk))
        except FileNotFoundError:
            raise self._missing(descriptor) from None

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

    def _missing(self, descriptor: Descriptor) -> BlobMissing:
        return BlobMissing(f"{self._reference}: blob {descriptor.digest} is missing")


def _list(names: list[str | None]) -> str:
    shown = [name for name in names if name]
    return ", ".join(shown[:8]) + (", ..." if len(shown) > 8 else "") if shown else "no named image"
