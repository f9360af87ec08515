"""Where images come from: one small interface, a registry or one of the local transports behind it."""

import contextlib
import errno
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

from elfuse.errors import BlobMissing, ImageNotFound, InvalidImage, RegistryError
from elfuse.oci.access import Access, AccessOptions, accesses
from elfuse.oci.blobs import PartialBlob
from elfuse.oci.digest import Digest
from elfuse.oci.image import Descriptor, verified
from elfuse.oci.progress import Progress
from elfuse.oci.reference import ImageSource, Reference
from elfuse.oci.work import DEFAULT_JOBS

if TYPE_CHECKING:
    from elfuse.oci.multi import HttpClient
    from elfuse.oci.policy.signature import SignatureSource
    from elfuse.oci.question import Question
    from elfuse.oci.registry import Referrer, RegistryClient
    from elfuse.oci.transfer import Downloads

# Docker Hub limits GETs of manifests, not HEADs (docs.docker.com, "Docker Hub usage and limits").
_COUNTS_PULLS = frozenset({"docker.io"})

T = TypeVar("T")
Unchanged = Callable[["Question"], None]


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
        """The bytes of a manifest or index, verified against its descriptor."""

    def blob(self, descriptor: Descriptor, partial: PartialBlob, progress: Progress) -> None:
        """Bring `partial` to its full size from what it has; the caller commits it."""

    def document(self, descriptor: Descriptor) -> bytes:
        """A small blob, such as a config, verified against its descriptor."""

    def signatures(self, registries_d: str | None = None) -> "SignatureSource":
        """Where the image's signatures are, by `registries_d` or the one in force. Fetches none yet."""


def fetch_top(source: Source, what: str) -> tuple[bytes, str]:
    """What the name points to, whatever is known."""
    answer = source.top()
    if answer is None:
        raise InvalidImage(f"{what}: its origin says that nothing has changed, but nothing was known")
    return answer


class Session:
    """What the sources of one command share: how registries are reached, connections, and limits."""

    def __init__(
        self,
        access: AccessOptions | None = None,
        *,
        jobs: int = DEFAULT_JOBS,
        unchanged: Unchanged | None = None,
    ) -> None:
        """`unchanged` is told what was asked of a registry that answered: nothing has changed."""
        self.access = access or AccessOptions()
        self.unchanged = unchanged
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
        """The origin of `image`. Asks no registry yet; raises for one that must not be asked, and for a path
        where no image is."""
        source: Source
        if isinstance(image, Reference):
            source = RegistrySource(image, self)
        else:
            from elfuse.oci.transport.open import open_local

            source = open_local(image)
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
        what = str(self._reference)
        data = self._try_each(lambda client: client.manifest(descriptor.digest, what))[0]
        return verified(data, descriptor, f"{what}: manifest")

    def blob(self, descriptor: Descriptor, partial: PartialBlob, progress: Progress) -> None:
        downloads = self._session.downloads()
        self._try_each(lambda client: downloads.fetch(client, descriptor, partial, progress))

    def document(self, descriptor: Descriptor) -> bytes:
        what = f"blob {descriptor.digest} of {self._reference}"
        return self._try_each(lambda client: client.document(descriptor, what))

    def referrers(self, digest: Digest) -> "list[Referrer]":
        """What refers to a manifest of this repository: signatures, SBOMs, attestations."""
        return self.client.referrers(digest)

    def signatures(self, registries_d: str | None = None) -> "SignatureSource":
        from elfuse.oci.policy.signature import LazySignatures

        def make() -> "SignatureSource":
            from elfuse.oci.policy.fetch import RegistrySignatures
            from elfuse.oci.policy.lookaside import Lookaside

            lookaside = Lookaside(self._session.http(), cancellation=self._cancellation)
            return RegistrySignatures(self.client, self.client.reference, lookaside, registries_d)

        return LazySignatures(make)

    def _top_of(self, client: "RegistryClient", known: Digest | None) -> tuple[bytes, str] | None:
        what, selector = str(self._reference), client.reference.selector
        if known is None:
            return client.manifest(selector, what)
        if client.reference.domain in _COUNTS_PULLS and client.head_manifest(selector, what) == known:
            self._note(client, known, head=True)
            return None
        found = client.manifest_unless(selector, what, known)
        if found is None:
            self._note(client, known, head=False)
        return found

    def _note(self, client: "RegistryClient", known: Digest, *, head: bool) -> None:
        # What a later place answered depends on those before it.
        if self._session.unchanged is not None and client is self._client(0):
            question = client.question(client.reference.selector, known, head=head)
            if question is not None:
                self._session.unchanged(question)

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
