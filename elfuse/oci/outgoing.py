"""What leaves the store when an image is copied: its manifests, byte for byte, and their blobs."""

from collections.abc import Iterator

import msgspec

from elfuse.errors import ContentMismatch, InvalidImage, StoreError
from elfuse.oci import media
from elfuse.oci.convert import ManifestFormat, convert_manifest
from elfuse.oci.digest import Digest, digest_of, new_hasher
from elfuse.oci.image import Descriptor, Index, Manifest, load_json, media_type_of, parse_document
from elfuse.oci.layout import Store
from elfuse.oci.stored import StoredImage

CHUNK = 1 << 20
_DOCUMENTS_LIMIT = 512


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


class _AnyManifest(msgspec.Struct, frozen=True):
    """A manifest of an image or of any artifact."""

    config: Descriptor
    layers: list[Descriptor] = []


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
    documents: dict[Digest, OutgoingDocument] = {}
    blobs: list[Descriptor] = []

    def visit(descriptor: Descriptor, data: bytes) -> None:
        what = f"{descriptor.digest} of {image.name}"
        if len(documents) >= _DOCUMENTS_LIMIT:
            raise InvalidImage(f"{image.name} has more than {_DOCUMENTS_LIMIT} manifests")
        if descriptor.media_type in media.INDEXES:
            document = parse_document(data, descriptor.media_type, what)
            for entry in document.manifests if isinstance(document, Index) else []:
                if entry.digest not in documents:
                    visit(entry, _read(store, entry, image.name))
        else:
            manifest = _any_manifest(data, what)
            blobs.extend([manifest.config, *manifest.layers])
        documents[descriptor.digest] = OutgoingDocument(descriptor, data)

    what = f"index of {image.name}"
    top = store.read_document(digest, what)
    parsed = parse_document(top, media_type_of(top, what), what)
    visit(Descriptor(parsed.media_type, digest, len(top)), top)
    distinct = _distinct(blobs)
    _require(store, image.name, distinct)
    return Outgoing(store, image, list(documents.values()), distinct)


def _any_manifest(data: bytes, what: str) -> _AnyManifest:
    try:
        return msgspec.convert(load_json(data, what), _AnyManifest)
    except msgspec.ValidationError as error:
        raise InvalidImage(f"{what}: {error}") from None


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
