"""What leaves the store when an image is copied: its manifests, byte for byte, and their blobs."""

from collections.abc import Iterator

import msgspec

from elfuse.errors import ContentMismatch, InvalidImage, StoreError
from elfuse.oci.convert import ManifestFormat, convert_manifest
from elfuse.oci.digest import Digest, digest_of, new_hasher
from elfuse.oci.image import Descriptor, Index, Manifest, media_type_of, parse_document
from elfuse.oci.layout import Store
from elfuse.oci.stored import StoredImage
from elfuse.oci.whole import documents_below

CHUNK = 1 << 20


class OutgoingDocument(msgspec.Struct, frozen=True):
    """A manifest or an index, with the descriptor that names it."""

    descriptor: Descriptor
    data: bytes


class Outgoing(msgspec.Struct, frozen=True):
    """An image on its way out of `store`. `documents`: what is referred to first, the top last."""

    store: Store
    image: StoredImage
    documents: list[OutgoingDocument]
    blobs: list[Descriptor]  # each distinct one once

    @property
    def top(self) -> OutgoingDocument:
        return self.documents[-1]

    def chunks(self, blob: Descriptor) -> Iterator[bytes]:
        """A blob's bytes. Verified: raises ContentMismatch at the end when they are not the blob's."""
        hasher, size = new_hasher(), 0
        try:
            with open(self.store.blob_path(blob.digest), "rb", buffering=0) as file:
                while chunk := file.read(CHUNK):
                    hasher.update(chunk)
                    size += len(chunk)
                    if size > blob.size:
                        break
                    yield chunk
        except FileNotFoundError:
            raise _absent(blob.digest, self.image.name) from None
        if size != blob.size or f"sha256:{hasher.hexdigest()}" != blob.digest:
            raise ContentMismatch(
                f"blob {blob.digest} of {self.image.name} is damaged in the store",
                hint="pull the image again",
            )


def gather(
    store: Store, image: StoredImage, *, whole_index: bool = False, form: ManifestFormat | None = None
) -> Outgoing:
    """What to copy of a stored image: its manifest, or the whole index that it was chosen from.

    `form`: the manifest converted to that family of types. Raises StoreError when the store lacks a part.
    """
    if whole_index and image.index is not None:
        if form is not None:
            raise InvalidImage(
                f"{image.name}: an index is copied as it is; --all and --format do not go together"
            )
        return _gather_index(store, image, image.index)
    what = f"manifest of {image.name}"
    data = store.read_document(image.descriptor.digest, what)
    media_type = image.descriptor.media_type
    if form is not None:
        data, media_type = convert_manifest(data, media_type, form, what)
    manifest = parse_document(data, media_type, what)
    if not isinstance(manifest, Manifest):
        raise InvalidImage(f"{what} is an index")
    top = Descriptor(media_type, digest_of(data), len(data), image.descriptor.platform)
    blobs = _distinct([manifest.config, *manifest.layers])
    _require(store, image.name, blobs)
    return Outgoing(store, image, [OutgoingDocument(top, data)], blobs)


def _gather_index(store: Store, image: StoredImage, digest: Digest) -> Outgoing:
    """The index with all that it names, attestations too: a registry refuses one with holes."""
    held: dict[Digest, bytes] = {}

    def read(entry: Descriptor) -> bytes:
        held[entry.digest] = _read(store, entry, image.name)
        return held[entry.digest]

    what = f"index of {image.name}"
    data = store.read_document(digest, what)
    index = parse_document(data, media_type_of(data, what), what)
    if not isinstance(index, Index):
        raise InvalidImage(f"{what} is a manifest")
    tree = documents_below(index, what, read)
    blobs = _distinct([blob for _, blob in tree.blobs])
    _require(store, image.name, blobs)
    documents = [OutgoingDocument(entry, held[entry.digest]) for entry in tree.documents]
    top = OutgoingDocument(Descriptor(index.media_type, digest, len(data)), data)
    return Outgoing(store, image, [*documents, top], blobs)


def _read(store: Store, entry: Descriptor, name: str) -> bytes:
    if not store.has_blob(entry.digest, entry.size):
        platform = f" for {entry.platform}" if entry.platform else ""
        raise StoreError(
            f"the store has not all of the index of {name}: {entry.digest}{platform} is missing",
            hint="pull it with --all-platforms, or leave out --all",
        )
    return store.read_document(entry.digest, f"manifest of {name}")


def _distinct(blobs: list[Descriptor]) -> list[Descriptor]:
    return list({blob.digest: blob for blob in blobs}.values())


def _require(store: Store, name: str, blobs: list[Descriptor]) -> None:
    for blob in blobs:
        if not store.has_blob(blob.digest, blob.size):
            raise _absent(blob.digest, name)


def _absent(digest: Digest, name: str) -> StoreError:
    return StoreError(f"blob {digest} of {name} is missing from the store", hint="pull the image again")
