"""What docker save and podman save write: a tar of manifest.json, configs and uncompressed layers.

Such an archive has no manifest of the image's own, so one is made: an OCI manifest over the config and the
layers just as they lie in the archive. The config, whose digest is the image's ID, stays byte for byte.
"""

import threading
from typing import Annotated

import msgspec

from elfuse.errors import ElfuseError, ImageNotFound, InvalidImage
from elfuse.oci import media
from elfuse.oci.digest import Digest, digest_of, new_hasher
from elfuse.oci.image import DOCUMENT_LIMIT, LAYER_LIMIT, Descriptor, ImageConfig, load_json
from elfuse.oci.reference import DockerArchiveReference, Reference, parse_reference
from elfuse.oci.transport.files import Files
from elfuse.oci.transport.source import FilesSource

Path = Annotated[str, msgspec.Meta(max_length=4096)]


class Item(msgspec.Struct, frozen=True, rename="pascal"):
    """An image of manifest.json."""

    config: Path
    layers: list[Path]
    repo_tags: list[Path] | None = None


class DockerSource(FilesSource):
    def __init__(self, archive: Files, reference: DockerArchiveReference) -> None:
        super().__init__(archive, str(reference))
        self._reference = reference
        self._mu = threading.Lock()
        self._manifest: bytes | None = None  # guarded by _mu
        self._places: dict[Digest, str] = {}  # guarded by _mu until _manifest is there

    def _top(self) -> tuple[bytes, str]:
        with self._mu:
            if self._manifest is None:
                self._manifest = self._build()
            return self._manifest, media.OCI_MANIFEST

    def manifest(self, descriptor: Descriptor) -> bytes:
        raise InvalidImage(f"{self._what} has no manifest {descriptor.digest}")

    def _name_of(self, blob: Descriptor) -> str:
        self._top()
        place = self._places.get(blob.digest)
        if place is None:
            raise self._missing(blob.digest)
        return place

    def _build(self) -> bytes:
        item = choose_item(read_items(self._files), self._reference, self._files.place)
        try:
            config_data = self._files.read(item.config, DOCUMENT_LIMIT)
            config = msgspec.convert(load_json(config_data, f"config of {self._what}"), ImageConfig)
            if len(item.layers) != len(config.diff_ids) or len(item.layers) > LAYER_LIMIT:
                raise InvalidImage(
                    f"{self._what} has {len(item.layers)} layers for {len(config.diff_ids)} diff_ids"
                )
            layers = [self._layer(*pair) for pair in zip(item.layers, config.diff_ids, strict=True)]
        except FileNotFoundError as error:
            raise InvalidImage(f"{self._what} lacks {str(error.filename)[:200]!r}, which it names") from None
        except msgspec.ValidationError as error:
            raise InvalidImage(f"config of {self._what}: {error}") from None
        digest = digest_of(config_data)
        self._places[digest] = item.config
        return msgspec.json.encode(
            {
                "schemaVersion": 2,
                "mediaType": media.OCI_MANIFEST,
                "config": Descriptor(media.OCI_CONFIG, digest, len(config_data)),
                "layers": layers,
            }
        )

    def _layer(self, name: str, diff_id: Digest) -> Descriptor:
        """The layer's descriptor. Uncompressed, its digest is the diffID, and whoever takes it checks."""
        magic = next(iter(self._files.chunks(name)), b"")[:4]
        suffix = {b"\x1f\x8b": "+gzip", b"\x28\xb5": "+zstd"}.get(magic[:2], "")
        digest = self._digest(name) if suffix else diff_id
        self._places[digest] = name
        return Descriptor(f"{media.OCI_LAYER}{suffix}", digest, self._files.size(name))

    def _digest(self, name: str) -> Digest:
        hasher = new_hasher()
        for chunk in self._files.chunks(name):
            if self._cancelled:
                raise ElfuseError(f"{self._what}: the copy was cancelled")
            hasher.update(chunk)
        return Digest(f"sha256:{hasher.hexdigest()}")


def read_items(archive: Files) -> list[Item]:
    what = f"{archive.place}: manifest.json"
    try:
        data = archive.read("manifest.json", DOCUMENT_LIMIT)
    except FileNotFoundError:
        raise ImageNotFound(
            f"{archive.place} is no archive of docker save: it has no manifest.json",
            hint="an archive of an OCI layout is oci-archive:FILE",
        ) from None
    try:
        return msgspec.convert(load_json(data, what), list[Item])
    except msgspec.ValidationError as error:
        raise InvalidImage(f"{what}: {error}") from None


def choose_item(items: list[Item], reference: DockerArchiveReference, place: str) -> Item:
    names = [name for item in items for name in item.repo_tags or []]
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "") or "no named image"
    if reference.index is not None:
        if reference.index < len(items):
            return items[reference.index]
        raise ImageNotFound(f"no such image: {reference} (it holds {len(items)})")
    if reference.name is None:
        if len(items) == 1:
            return items[0]
        raise ImageNotFound(f"{place} holds {shown}", hint=f"choose one: docker-archive:{place}:NAME:TAG")
    for item in items:
        if reference.name in names_of(item):
            return item
    raise ImageNotFound(f"no such image: {reference} (the archive holds {shown})")


def names_of(item: Item) -> list[Reference]:
    """The names of an image, but those that are none."""
    found = []
    for name in item.repo_tags or []:
        try:
            found.append(parse_reference(name))
        except ElfuseError:
            continue
    return found
