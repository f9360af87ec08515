"""Where images come from: one small interface, a registry or one of the local transports behind it."""

from typing import Protocol

from elfuse.oci.blobs import PartialBlob
from elfuse.oci.image import Descriptor
from elfuse.oci.progress import Progress
from elfuse.oci.reference import ImageSource, Reference


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


def open_source(image: ImageSource, *, tls_verify: bool) -> Source:
    if not isinstance(image, Reference):
        from elfuse.oci.transport.open import open_local

        return open_local(image)
    return RegistrySource(image, tls_verify=tls_verify)


class RegistrySource:
    def __init__(self, reference: Reference, *, tls_verify: bool) -> None:
        from elfuse.oci.registry import RegistryClient

        self._reference = reference
        self._client = RegistryClient(reference, tls_verify=tls_verify)

    @property
    def cancelled(self) -> bool:
        return self._client.cancelled

    def cancel(self) -> None:
        self._client.cancel()

    def top(self) -> tuple[bytes, str]:
        return self._client.manifest(self._reference.selector, str(self._reference))

    def manifest(self, descriptor: Descriptor) -> bytes:
        return self._client.manifest(descriptor.digest, str(self._reference))[0]

    def blob(self, descriptor: Descriptor, partial: PartialBlob, progress: Progress) -> None:
        self._client.blob(descriptor, partial, progress)
