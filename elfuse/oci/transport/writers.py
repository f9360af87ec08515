"""Images written as an OCI layout, as skopeo's dir:, or as docker save does."""

import json
import os
from typing import Any, Protocol

import msgspec

from elfuse import _core
from elfuse.errors import ContentMismatch, InvalidImage
from elfuse.oci import media
from elfuse.oci.digest import hex_of
from elfuse.oci.image import DOCUMENT_LIMIT, Descriptor, load_json
from elfuse.oci.outgoing import CHUNK, Outgoing
from elfuse.oci.progress import Progress
from elfuse.oci.transport.directory import VERSION, manifest_name
from elfuse.oci.transport.layout import blob_name
from elfuse.oci.transport.output import ArchiveSink, DirectorySink, FileSink
from elfuse.oci.transport.spool import anonymous_file


class Names(msgspec.Struct, frozen=True):
    """What an image is called where it is written."""

    ref_name: str | None = None  # in an OCI layout
    image_name: str | None = None  # there, too: the whole name, for containerd and docker
    tag: str | None = None  # NAME:TAG in an archive of docker


class Writer(Protocol):
    """Takes images, and makes them visible with finish()."""

    def add(self, outgoing: Outgoing, names: Names, progress: Progress) -> None: ...

    def finish(self) -> None: ...


def _put_blob(sink: FileSink, name: str, blob: Descriptor, outgoing: Outgoing, progress: Progress) -> None:
    present = sink.has(name, blob.size)
    if not present:
        progress.begin("blob", blob.digest, blob.size, 0)
        sink.write(name, blob.size, outgoing.chunks(blob))
    progress.finish("blob", blob.digest, blob.size, not present)


class LayoutWriter:
    """An OCI image layout. `existing`: the entries of its index.json that stay."""

    def __init__(self, sink: FileSink, existing: list[Any]) -> None:
        self._sink = sink
        self._entries = list(existing)
        marker = b'{"imageLayoutVersion":"1.0.0"}'
        if not sink.has("oci-layout", len(marker)):
            sink.write("oci-layout", len(marker), [marker])

    def add(self, outgoing: Outgoing, names: Names, progress: Progress) -> None:
        for blob in outgoing.blobs:
            _put_blob(self._sink, blob_name(blob.digest), blob, outgoing, progress)
        for document in outgoing.documents:
            name = blob_name(document.descriptor.digest)
            if not self._sink.has(name, len(document.data)):
                self._sink.write(name, len(document.data), [document.data])
        notes = {media.REF_NAME: names.ref_name, media.IMAGE_NAME: names.image_name}
        set_notes = {key: value for key, value in notes.items() if value is not None}
        entry = msgspec.to_builtins(
            msgspec.structs.replace(outgoing.top.descriptor, annotations=set_notes or None)
        )
        self._entries = [old for old in self._entries if not _replaces(entry, old)]
        self._entries.append(entry)

    def finish(self) -> None:
        index = {"schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": self._entries}
        data = json.dumps(index, separators=(",", ":")).encode()
        self._sink.write("index.json", len(data), [data])


def _replaces(new: dict[str, Any], old: Any) -> bool:
    """Whether an entry takes an older one's place: it has its name, or is the very same."""
    notes = old.get("annotations") if isinstance(old, dict) else None
    name = notes.get(media.REF_NAME) if isinstance(notes, dict) else None
    ours: str | None = (new.get("annotations") or {}).get(media.REF_NAME)
    return old == new if ours is None else name == ours


def existing_entries(path: str) -> list[Any]:
    """What the index.json of a layout names now; nothing for a directory that is to become one."""
    what = os.path.join(path, "index.json")
    try:
        with open(what, "rb") as file:
            document = load_json(file.read(DOCUMENT_LIMIT + 1), what)
    except FileNotFoundError:
        foreign = os.listdir(path)
        if foreign:
            raise InvalidImage(
                f"{path} is no OCI image layout, and not empty: it holds {foreign[0]!r}"
            ) from None
        return []
    if not isinstance(document, dict) or not isinstance(document.get("manifests"), list):
        raise InvalidImage(f"{what} is no image index")
    entries: list[Any] = document["manifests"]
    return entries


class DirWriter:
    """skopeo's dir:, which holds one image."""

    def __init__(self, path: str) -> None:
        self._sink = DirectorySink(path)

    def add(self, outgoing: Outgoing, names: Names, progress: Progress) -> None:
        for blob in outgoing.blobs:
            _put_blob(self._sink, hex_of(blob.digest), blob, outgoing, progress)
        for document in outgoing.documents[:-1]:
            self._sink.write(manifest_name(document.descriptor), len(document.data), [document.data])
        top = outgoing.top.data
        self._sink.write("manifest.json", len(top), [top])
        self._sink.write("version", len(VERSION), [VERSION.encode()])

    def finish(self) -> None:
        pass


class DockerWriter:
    """What docker load and podman load take: configs and uncompressed layers, and manifest.json last."""

    def __init__(self, sink: ArchiveSink) -> None:
        self._sink = sink
        self._items: dict[str, dict[str, Any]] = {}  # by config

    def add(self, outgoing: Outgoing, names: Names, progress: Progress) -> None:
        manifest, config = outgoing.image.manifest, outgoing.image.config
        name = f"{hex_of(manifest.config.digest)}.json"
        _put_blob(self._sink, name, manifest.config, outgoing, progress)
        layers = []
        for layer, diff_id in zip(manifest.layers, config.diff_ids, strict=True):
            layers.append(f"{hex_of(diff_id)}.tar")
            if layer.digest == diff_id:
                _put_blob(self._sink, layers[-1], layer, outgoing, progress)
            elif not self._sink.has(layers[-1], 0):
                self._put_inflated(layers[-1], layer, diff_id, outgoing, progress)
        item = self._items.setdefault(name, {"Config": name, "RepoTags": [], "Layers": layers})
        if names.tag is not None and names.tag not in item["RepoTags"]:
            item["RepoTags"].append(names.tag)

    def finish(self) -> None:
        data = json.dumps(list(self._items.values()), separators=(",", ":")).encode()
        self._sink.write("manifest.json", len(data), [data])

    def _put_inflated(
        self, name: str, layer: Descriptor, diff_id: str, outgoing: Outgoing, progress: Progress
    ) -> None:
        """Through an unnamed file: a tar wants a member's size before its bytes."""
        progress.begin("layer", layer.digest, layer.size, 0)
        what = f"layer {layer.digest} of {outgoing.image.name}"
        with (
            open(outgoing.store.blob_path(layer.digest), "rb", buffering=0) as blob,
            os.fdopen(anonymous_file(), "r+b", buffering=0) as plain,
        ):
            try:
                stats = _core.inflate_blob(
                    blob.fileno(),
                    plain.fileno(),
                    blob_digest=layer.digest,
                    blob_size=layer.size,
                    diff_id=diff_id,
                )
            except _core.LayerError as error:
                raise ContentMismatch(f"{what}: {error}", hint="pull the image again") from None
            plain.seek(0)
            self._sink.write(name, stats["tar_size"], iter(lambda: plain.read(CHUNK), b""))
        progress.finish("layer", layer.digest, layer.size, True)
