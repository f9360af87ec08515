"""An image's documents without its layers: from the store, or straight from where the name says."""

from typing import TYPE_CHECKING, Protocol

import msgspec

from elfuse.errors import ElfuseError, PlatformNotFound, StoreError
from elfuse.oci.choice import choose_image, is_artifact
from elfuse.oci.digest import Digest
from elfuse.oci.image import (
    GUEST_PLATFORM,
    Descriptor,
    ImageConfig,
    Index,
    Manifest,
    Platform,
    media_type_of,
    not_offered,
    parse_config,
    parse_document,
    serves,
)
from elfuse.oci.layout import Store
from elfuse.oci.reference import ImageSource
from elfuse.oci.stored import StoredImage, require_image

if TYPE_CHECKING:
    from elfuse.oci.source import Source

# Rows whose manifests are fetched: a real index has a dozen platforms.
_READ_LIMIT = 64


class IndexEntry(msgspec.Struct, frozen=True):
    """A row of an image's index."""

    descriptor: Descriptor
    chosen: bool
    artifact: bool  # an attestation or the like, by its own words
    manifest: Manifest | None  # when it was asked for, could be read, and is an image's


class Lookup(msgspec.Struct, frozen=True):
    """What is known of an image. `index_data` is empty when its name leads to a manifest at once."""

    name: str
    descriptor: Descriptor
    manifest: Manifest
    config: ImageConfig
    manifest_data: bytes
    config_data: bytes
    index: Digest | None
    index_data: bytes
    entries: list[IndexEntry]


class _Reader(Protocol):
    """Where documents come from, verified: a Source, or the store."""

    def manifest(self, descriptor: Descriptor) -> bytes: ...

    def document(self, descriptor: Descriptor) -> bytes: ...


class _StoreReader:
    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._name = name

    def manifest(self, descriptor: Descriptor) -> bytes:
        return self._store.read_document(descriptor.digest, f"manifest of {self._name}")

    def document(self, descriptor: Descriptor) -> bytes:
        return self._store.read_document(descriptor.digest, f"config of {self._name}")


def look_in_store(
    store: Store, image: ImageSource, platform: Platform | None = None, *, every: bool = False
) -> Lookup:
    """A stored image; with `platform` the one of its index for that, if the store has it too."""
    found = require_image(store, image)
    reader = _StoreReader(store, found.name)
    data = reader.manifest(found.descriptor)
    if found.index is None:
        if platform is not None and not serves(platform, found.config.platform):
            raise not_offered(found.name, platform, [str(found.config.platform)])
        return _described(found, data, reader)
    index = store.read_document(found.index, f"index of {found.name}")
    if platform is not None and not serves(platform, found.config.platform):
        found, data = _of_index(store, found, index, platform, reader)
    entries = _entries(index, found.name, found.descriptor.digest, reader if every else None)
    return msgspec.structs.replace(_described(found, data, reader), index_data=index, entries=entries)


def _of_index(
    store: Store, found: StoredImage, index: bytes, platform: Platform, reader: _StoreReader
) -> tuple[StoredImage, bytes]:
    """Another image of the pin's index."""
    try:
        chosen = choose_image(index, media_type_of(index, found.name), platform, found.name, reader.manifest)
        what = f"config of {found.name}"
        config = parse_config(reader.document(chosen.manifest.config), chosen.manifest, what)
    except StoreError:
        raise PlatformNotFound(
            f"the store has {found.name} for {found.config.platform}, not for {platform}",
            hint="ask with --remote, or pull it with --platform",
        ) from None
    image = StoredImage(found.name, chosen.descriptor, found.index, chosen.manifest, config)
    return image, chosen.documents[-1]


def _described(found: StoredImage, data: bytes, reader: _Reader) -> Lookup:
    return Lookup(
        name=found.name,
        descriptor=found.descriptor,
        manifest=found.manifest,
        config=found.config,
        manifest_data=data,
        config_data=reader.document(found.manifest.config),
        index=found.index,
        index_data=b"",
        entries=[],
    )


def look_at_source(
    source: "Source", image: ImageSource, platform: Platform | None = None, *, every: bool = False
) -> Lookup:
    """An image where its name says: its documents are fetched, its layers are not, the store is not asked.

    Without a platform: for this machine, or whatever a name that leads to one manifest has.
    """
    from elfuse.oci.source import fetch_top

    name = str(image)
    top, media_type = fetch_top(source, name)
    chosen = choose_image(top, media_type, platform or GUEST_PLATFORM, name, source.manifest)
    config_data = source.document(chosen.manifest.config)
    config = parse_config(config_data, chosen.manifest, f"config of {name}")
    if (platform is not None or chosen.index is not None) and not serves(
        platform or GUEST_PLATFORM, config.platform
    ):
        raise not_offered(name, platform or GUEST_PLATFORM, [str(config.platform)])
    is_index = chosen.index is not None
    entries = _entries(top, name, chosen.descriptor.digest, source if every else None) if is_index else []
    return Lookup(
        name=image.pin,
        descriptor=chosen.descriptor,
        manifest=chosen.manifest,
        config=config,
        manifest_data=chosen.documents[-1],
        config_data=config_data,
        index=chosen.index,
        index_data=top if is_index else b"",
        entries=entries,
    )


def _entries(index: bytes, name: str, chosen: Digest, reader: _Reader | None) -> list[IndexEntry]:
    """The rows of the top index; with a reader also what each manifest says."""
    document = parse_document(index, media_type_of(index, f"index of {name}"), f"index of {name}")
    rows: list[IndexEntry] = []
    for entry in document.manifests if isinstance(document, Index) else []:
        artifact, manifest = is_artifact(entry), None
        if reader is not None and not artifact and len(rows) < _READ_LIMIT:
            manifest = _read_manifest(entry, name, reader)
        rows.append(IndexEntry(entry, entry.digest == chosen, artifact, manifest))
    return rows


def _read_manifest(entry: Descriptor, name: str, reader: _Reader) -> Manifest | None:
    """None for what is not there, and for what is no image: the row is shown without it."""
    try:
        document = parse_document(
            reader.manifest(entry), entry.media_type, f"manifest {entry.digest} of {name}"
        )
    except ElfuseError:
        return None
    return document if isinstance(document, Manifest) else None
