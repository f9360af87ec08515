"""All that an index leads to: the images of every platform, nested indexes, attestations."""

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from elfuse.errors import InvalidImage
from elfuse.oci import media
from elfuse.oci.digest import Digest
from elfuse.oci.image import (
    DOCUMENT_LIMIT,
    LAYER_LIMIT,
    Descriptor,
    Index,
    Manifest,
    load_json,
    parse_document,
)
from elfuse.oci.layout import Pin, Store

_DEPTH = 4
_DOCUMENTS = 1024


class _AnyManifest(msgspec.Struct, frozen=True):
    """A manifest of any kind, an artifact's too: all that matters is what it names."""

    config: Descriptor
    layers: list[Descriptor] = []


@dataclass
class Tree:
    """What hangs on an index: every document, what it refers to before it; those of them that are images; and
    the blobs of all, with the word that progress shows."""

    documents: list[Descriptor] = field(default_factory=list)
    images: list[Descriptor] = field(default_factory=list)
    blobs: list[tuple[str, Descriptor]] = field(default_factory=list)


def documents_below(index: Index, what: str, read: Callable[[Descriptor], bytes]) -> Tree:
    """Read every manifest below `index` through `read`, which verifies. Raises InvalidImage."""
    tree = Tree()
    _walk(index, what, read, tree, set(), 0)
    return tree


def _walk(
    index: Index, what: str, read: Callable[[Descriptor], bytes], tree: Tree, seen: set[Digest], depth: int
) -> None:
    if depth >= _DEPTH:
        raise InvalidImage(f"{what}: indexes are nested more than {_DEPTH} deep")
    for entry in index.manifests:
        if entry.digest in seen:
            continue
        seen.add(entry.digest)
        if len(seen) > _DOCUMENTS:
            raise InvalidImage(f"{what} names more than {_DOCUMENTS} manifests")
        if entry.size > DOCUMENT_LIMIT:
            raise InvalidImage(f"{what}: manifest {entry.digest} is over {DOCUMENT_LIMIT >> 20} MiB")
        data, name = read(entry), f"manifest {entry.digest} of {what}"
        if entry.media_type not in media.INDEXES:
            _add_manifest(data, entry, name, tree)
        elif isinstance(document := parse_document(data, entry.media_type, name), Index):
            _walk(document, what, read, tree, seen, depth + 1)
        tree.documents.append(entry)


def _add_manifest(data: bytes, entry: Descriptor, name: str, tree: Tree) -> None:
    try:
        if isinstance(parse_document(data, entry.media_type, name), Manifest):
            tree.images.append(entry)
    except InvalidImage:
        pass  # an attestation or another artifact: it is copied, not understood
    try:
        manifest = msgspec.convert(load_json(data, name), _AnyManifest)
    except msgspec.ValidationError as error:
        raise InvalidImage(f"{name}: {error}") from None
    if len(manifest.layers) > LAYER_LIMIT:
        raise InvalidImage(f"{name} has more than {LAYER_LIMIT} layers")
    tree.blobs.append(("config", manifest.config))
    tree.blobs += [("layer", layer) for layer in manifest.layers]


def index_of(store: Store, pin: Pin) -> tuple[Descriptor, list[Descriptor]]:
    """The index of a pin that is kept whole, and all that it needs in the store. Raises StoreError."""
    if pin.index is None:
        raise InvalidImage(f"{pin.name} has no index")
    data = store.read_document(pin.index, f"index of {pin.name}")
    index = Descriptor(stored_type(data), pin.index, len(data))
    document = parse_document(data, index.media_type, f"index of {pin.name}")
    if not isinstance(document, Index):
        raise InvalidImage(f"index of {pin.name} is a manifest")

    def read(entry: Descriptor) -> bytes:
        return store.read_document(entry.digest, f"manifest of {pin.name}")

    tree = documents_below(document, pin.name, read)
    return index, [index, *tree.documents, *(blob for _, blob in tree.blobs)]


def stored_type(data: bytes) -> str:
    """The media type of an index that was accepted once; OCI's need not say it in the document."""
    document = load_json(data, "index")
    kind = document.get("mediaType") if isinstance(document, dict) else None
    return kind if isinstance(kind, str) and kind else media.OCI_INDEX
