"""Stores of earlier versions, brought to this one's schema as they are opened.

Each step can be repeated, and the schema's number is written last, so a crash in between means that the next
open begins again. What an earlier version wrote stays readable until then.

From the seed (the C elfuse, which had no elfuse.json): pins become what they are here, the leaf manifest of
the guest's platform; refs/, its first form of pins, stays where it is. layers/ held trees in a form of its
own, of one of two versions, which unpacking makes anew: it goes.
"""

import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from elfuse import log
from elfuse.errors import ElfuseError, StoreError
from elfuse.oci import disk, media
from elfuse.oci.digest import Digest, parse_digest

if TYPE_CHECKING:
    from elfuse.oci.layout import Store

SEED_NAMES = frozenset({"refs", "layers", "index.json.lock"})
# Its tree caches; the second also says so itself.
_SEED_LAYERS = (1, 2)
_FORBIDDEN = "ELFUSE_OCI_NO_MIGRATE"


def is_of_seed(found: set[str]) -> bool:
    """Whether a directory with these names is a store of the seed. An image layout of skopeo's is not."""
    return "oci-layout" in found and not SEED_NAMES.isdisjoint(found)


def upgrade(store: "Store", schema: int) -> None:
    """From schema 1, whose processes hold no leases: so none of them may be at work. One that only may be
    read stays as it is, which serves reading."""
    from elfuse.oci.layout import SCHEMA

    if not store.is_writable():
        return
    _check_allowed(store, f"schema {schema}")
    with (
        disk.locked(store.join("locks/activity")),
        disk.locked(store.join("locks/index")),
        open(store.join("elfuse.json"), "rb") as file,
    ):
        if json.loads(file.read(4096))["schema"] == SCHEMA:
            return  # another process has done it meanwhile
        store.make_parts()
        store.write_schema()


def adopt_seed(store: "Store") -> None:
    """Make a seed's store ours; the caller holds locks/index and writes the schema afterwards."""
    _check_allowed(store, "the C elfuse's form")
    layers = _layer_schema(store)
    if layers not in _SEED_LAYERS:
        raise StoreError(
            f"{store.join('layers')} has schema {layers!r}; this elfuse knows {_SEED_LAYERS[-1]}",
            hint="remove it: it holds nothing that cannot be unpacked again",
        )
    with disk.locked(store.join("index.json.lock")):
        entries = _seed_entries(store)
        store.write_index(
            {
                "schemaVersion": 2,
                "mediaType": media.OCI_INDEX,
                "manifests": [_as_leaf(store, entry) for entry in entries],
            }
        )
        store.discard(store.join("layers"))


def _check_allowed(store: "Store", what: str) -> None:
    if os.environ.get(_FORBIDDEN):
        raise StoreError(
            f"the store {store.path} has {what}, and {_FORBIDDEN} is set", hint="unset it to have it migrated"
        )


def _layer_schema(store: "Store") -> object:
    """1 when nothing says otherwise."""
    try:
        with open(store.join("layers", ".schema"), "rb") as file:
            text = file.read(4096).strip()
    except (FileNotFoundError, NotADirectoryError):
        return 1
    try:
        document = json.loads(text)
    except ValueError:
        return text.decode("utf-8", "replace")
    return document.get("schemaVersion") if isinstance(document, dict) else document


def _seed_entries(store: "Store") -> list[Any]:
    """The descriptors of index.json; before there was one, made from refs/<registry>/<repository>/<tag>."""
    if os.path.exists(store.join("index.json")):
        return list(store.read_index()["manifests"])
    entries = []
    for name, path in _seed_refs(store):
        try:
            with open(path, "rb") as file:
                digest = parse_digest(file.read(4096).decode("utf-8", "replace").strip())
            data = store.read_document(digest, "manifest")
            kind = json.loads(data).get("mediaType") or _guess(data)
        except (ElfuseError, ValueError, AttributeError) as error:
            log.warn(f"the pin {name} is not taken over: {error}")
            continue
        notes = {media.REF_NAME: name}
        entries.append({"mediaType": kind, "digest": digest, "size": len(data), "annotations": notes})
    return entries


def _guess(data: bytes) -> str:
    return media.OCI_INDEX if "manifests" in json.loads(data) else media.OCI_MANIFEST


def _seed_refs(store: "Store") -> Iterator[tuple[str, str]]:
    top = store.join("refs")
    for folder, _, files in sorted(os.walk(top)):
        for tag in sorted(files):
            path = os.path.join(folder, tag)
            if not os.path.islink(path):
                yield f"{os.path.relpath(folder, top)}:{tag}", path


def _as_leaf(store: "Store", entry: Any) -> Any:
    """A pin of an index becomes one of the guest's leaf, if that is here; anything else stays."""
    from elfuse.oci.choice import choose_image
    from elfuse.oci.image import GUEST_PLATFORM, Descriptor

    try:
        digest = parse_digest(entry["digest"])
        notes = dict(entry["annotations"])
        name = notes[media.REF_NAME]
        data = store.read_document(digest, "index")
        if entry["mediaType"] not in media.INDEXES:
            return entry

        def read(descriptor: Descriptor) -> bytes:
            return store.read_document(descriptor.digest, "manifest")

        leaf = choose_image(data, entry["mediaType"], GUEST_PLATFORM, str(name), read).descriptor
    except (KeyError, TypeError, ElfuseError):
        return entry
    return _pin_of(leaf.media_type, leaf.digest, leaf.size, str(name), digest)


def _pin_of(kind: str, leaf: Digest, size: int, name: str, index: Digest) -> dict[str, Any]:
    from elfuse.oci.reference import ref_name

    notes = {media.REF_NAME: ref_name(name), media.IMAGE_NAME: name, media.INDEX_DIGEST: index}
    return {"mediaType": kind, "digest": leaf, "size": size, "annotations": notes}


def close_to_others(store: "Store") -> None:
    """Give what another tool made the modes that it has here: 0700 and 0600."""
    blobs = store.join("blobs")
    folders = [store.path, blobs, *(entry.path for entry in list(os.scandir(blobs)) if entry.is_dir())]
    for folder in folders:
        os.chmod(folder, 0o700)
        for entry in list(os.scandir(folder)):
            if not entry.is_symlink():
                os.chmod(entry.path, 0o700 if entry.is_dir() else 0o600)
