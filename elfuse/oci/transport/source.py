"""What the sources over files have in common."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from elfuse.errors import BlobMissing, ElfuseError
from elfuse.oci.blobs import PartialBlob
from elfuse.oci.digest import Digest, digest_of
from elfuse.oci.image import DOCUMENT_LIMIT, Descriptor, verified
from elfuse.oci.progress import Progress
from elfuse.oci.transport.files import Files

if TYPE_CHECKING:
    from elfuse.oci.policy.signature import SignatureSource


class FilesSource(ABC):
    """Half of a Source: what it is cancelled with, and how its files become blobs."""

    def __init__(self, files: Files, what: str) -> None:
        self._files = files
        self._what = what
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def cancel(self) -> None:
        self._cancelled = True

    def top(self, known: Digest | None = None) -> tuple[bytes, str] | None:
        data, media_type = self._top()
        return None if digest_of(data) == known else (data, media_type)

    @abstractmethod
    def _top(self) -> tuple[bytes, str]:
        """Bytes and media type of what the reference means."""

    def document(self, descriptor: Descriptor) -> bytes:
        return self._verified(self._name_of(descriptor), descriptor, "blob")

    def blob(self, descriptor: Descriptor, partial: PartialBlob, progress: Progress) -> None:
        self._copy(self._name_of(descriptor), descriptor, partial, progress)

    def signatures(self, registries_d: str | None = None) -> "SignatureSource":
        """None: of these transports only dir: has a place for signatures."""
        from elfuse.oci.policy.signature import NoSignatures

        return NoSignatures()

    def _verified(self, name: str, descriptor: Descriptor, kind: str) -> bytes:
        return verified(self._document(name, descriptor.digest), descriptor, f"{self._what}: {kind}")

    @abstractmethod
    def _name_of(self, blob: Descriptor) -> str:
        """The file that holds a blob."""

    def _document(self, name: str, digest: Digest) -> bytes:
        try:
            return self._files.read(name, DOCUMENT_LIMIT)
        except FileNotFoundError:
            raise self._missing(digest) from None

    def _copy(self, name: str, descriptor: Descriptor, partial: PartialBlob, progress: Progress) -> None:
        try:
            for chunk in self._files.chunks(name, partial.offset):
                if self._cancelled:
                    raise ElfuseError(f"{self._what}: the copy was cancelled")
                partial.write(chunk)
                progress.advance(descriptor.digest, len(chunk))
        except FileNotFoundError:
            raise self._missing(descriptor.digest) from None

    def _missing(self, digest: Digest) -> BlobMissing:
        return BlobMissing(f"{self._what}: blob {digest} is missing")
