"""What is known of the documents that the index names, without reading them again.

A document never changes under its digest, so what was once read of it stays true: it is kept in
`cache/documents`, a line a document, which is worthless to lose and never trusted when it is damaged. With
it, looking at 2,000 images reads two files instead of 4,000. Whoever is about to delete reads the
documents themselves (`fresh`).
"""

import json
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

from elfuse.errors import StoreError
from elfuse.oci import media
from elfuse.oci.cache import read_cache, write_cache
from elfuse.oci.digest import Digest
from elfuse.oci.layout import INDEX_LIMIT, Store

_NOTHING = "-"


class Fact(NamedTuple):
    """One document. Digests are their 64 hex digits.

    kind: "image" (a manifest with an image's config), "index", or "other" (an artifact: a manifest of
    something that elfuse does not run). `blobs` are all that it needs beside itself, config first,
    and `sizes` theirs; `documents` are other documents that it names, which may be absent.
    """

    kind: str
    blobs: list[str]
    sizes: list[int]
    documents: list[str]
    chain: str = ""
    platform: str = ""
    created: str = ""
    size: int = 0  # compressed bytes of the layers
    layers: tuple[str, ...] = ()  # diffIDs, bottom first


class Entry(NamedTuple):
    """A descriptor of index.json as it lies. `name` is what it is pinned under, or "". `hex` is the digest
    without its algorithm, `is_pin` whether it names an image of ours, as Store.pins() has it; `image` and
    `image_size` are then that image's manifest, which is not the entry's own for an index pulled whole."""

    name: str
    media_type: str
    digest: str
    size: int
    annotations: dict[str, str]
    hex: str
    is_pin: bool
    image: str
    image_size: int

    @property
    def image_digest(self) -> str:
        return f"sha256:{self.image}"


class Catalog:
    """The index of a store and the facts of its documents. Reads each file at most once."""

    def __init__(self, store: Store, *, fresh: bool = False) -> None:
        self._store = store
        self._facts: dict[str, str | Fact] = {} if fresh else dict(_read_lines(store))
        self._learned = False
        self._index = index_stamp(store)
        self.entries = _read_entries(store)

    def fact(self, entry: Entry) -> Fact:
        """Of an entry of the index. Raises StoreError, which names it, when that cannot be read."""
        if not entry.digest.startswith("sha256:"):
            raise StoreError(
                f"index.json names {entry.digest[:80]}, whose algorithm elfuse does not read",
                hint="remove it with the tool that put it there",
            )
        return self.document(entry.hex, entry.media_type, entry.name or entry.digest)

    def image(self, entry: Entry) -> Fact:
        """Of the image that an entry of ours is pinned for. Raises StoreError."""
        if entry.image == entry.hex:
            return self.fact(entry)
        return self.document(entry.image, media.OCI_MANIFEST, entry.name)

    def document(self, hex_digest: str, media_type: str, what: str) -> Fact:
        known = self._facts.get(hex_digest)
        if known is None:
            known = self._facts[hex_digest] = _learn(self._store, hex_digest, media_type, what)
            self._learned = True
        elif isinstance(known, str):
            known = self._facts[hex_digest] = _parse_line(known)
        return known

    def image_line(self, entry: Entry) -> tuple[str, str, str, int]:
        """(chain, platform, created, size) of an image, without its blobs: what a listing wants."""
        known = self._facts.get(entry.image)
        if isinstance(known, str):
            fields = known.split(" ", 5)
            return _text(fields[1]), _text(fields[2]), _text(fields[3]), int(fields[4])
        fact = self.image(entry)
        return fact.chain, fact.platform, fact.created, fact.size

    def is_current(self) -> bool:
        """Whether nobody has written the index since it was read."""
        return index_stamp(self._store) == self._index

    def save(self) -> None:
        """Keep what was learned, if the store can be written. Not made durable: it is only a cache."""
        if not self._learned or not self._store.is_writable():
            return
        lines = [
            f"{digest} {known if isinstance(known, str) else _format(known)}"
            for digest, known in self._facts.items()
        ]
        write_cache(self._store, "documents", lines)


def index_stamp(store: Store) -> tuple[int, int] | None:
    """Another one after each writing of index.json, which is always a new file."""
    try:
        found = os.stat(store.join("index.json"))
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def _read_entries(store: Store) -> list[Entry]:
    path = store.join("index.json")
    try:
        with open(path, "rb") as file:
            document = json.loads(file.read(INDEX_LIMIT))
        return [_entry(entry) for entry in document["manifests"]]
    except FileNotFoundError:
        raise StoreError(f"the store's index cannot be read: {path} is missing") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise StoreError(f"the store's index cannot be read: {path}: {error!r}") from None


def _entry(entry: dict[str, Any]) -> Entry:
    notes = entry.get("annotations") or {}
    name = notes.get(media.IMAGE_NAME) or notes.get(media.REF_NAME) or ""
    kind, digest, size = entry["mediaType"], entry["digest"], entry["size"]
    texts = (name, kind, digest, notes.get(media.INDEX_DIGEST, ""))
    if type(size) is not int or set(map(type, texts)) != {str}:
        raise ValueError(f"an entry with a member of the wrong type: {str(entry)[:200]}")
    if kind in media.INDEXES and type(notes.get(media.LEAF)) is str:
        leaf = json.loads(notes[media.LEAF])
        image, image_size = leaf["digest"][7:], leaf["size"]
        if not _is_hex(image) or type(image_size) is not int:
            raise ValueError(f"an entry whose image is no descriptor: {str(entry)[:200]}")
        return Entry(name, kind, digest, size, notes, digest[7:], bool(name), image, image_size)
    return Entry(
        name, kind, digest, size, notes, digest[7:], bool(name) and kind in media.MANIFESTS, digest[7:], size
    )


def _read_lines(store: Store) -> Iterator[tuple[str, str]]:
    for line in read_cache(store, "documents"):
        digest, _, rest = line.partition(" ")
        yield digest, rest


def _format(fact: Fact) -> str:
    """kind, chain, platform, created, size, then all digests of documents, of blobs, the sizes, diffIDs."""
    words = (
        fact.kind,
        fact.chain or _NOTHING,
        _word(fact.platform),
        _word(fact.created),
        str(fact.size),
        "".join(fact.documents) or _NOTHING,
        "".join(fact.blobs) or _NOTHING,
        ",".join(map(str, fact.sizes)) or _NOTHING,
        "".join(fact.layers) or _NOTHING,
    )
    return " ".join(words)


def _word(text: str) -> str:
    """A stranger's text as one word of a line, whatever is in it: nothing rather than half of it."""
    plain = len(text) < 100 and text.isascii() and text.isprintable() and " " not in text
    return text if text and plain else _NOTHING


def _parse_line(line: str) -> Fact:
    kind, chain, platform, created, size, documents, blobs, sizes, layers = line.split(" ")
    return Fact(
        kind,
        [] if blobs == _NOTHING else _digests(blobs),
        [] if sizes == _NOTHING else list(map(int, sizes.split(","))),
        [] if documents == _NOTHING else _digests(documents),
        _text(chain),
        _text(platform),
        _text(created),
        int(size),
        () if layers == _NOTHING else tuple(_digests(layers)),
    )


def _digests(text: str) -> list[str]:
    return [text[at : at + 64] for at in range(0, len(text), 64)]


def _text(word: str) -> str:
    return "" if word == _NOTHING else word


def _learn(store: Store, hex_digest: str, media_type: str, what: str) -> Fact:
    """Read a document, verified. A stranger's, so only what has the expected shape is taken."""
    if media_type not in media.INDEXES | media.MANIFESTS and not media_type.endswith("+json"):
        # image-spec lets an index name anything. What is no document names nothing further.
        if not os.path.exists(store.join("blobs/sha256", hex_digest)):
            raise StoreError(f"{what} is missing from the store", hint="remove it from index.json")
        return Fact("other", [], [], [])
    data = store.read_document(Digest(f"sha256:{hex_digest}"), f"the manifest of {what}")
    from elfuse.oci.image import load_json

    document = load_json(data, f"the manifest of {what}")
    if not isinstance(document, dict):
        raise StoreError(f"the manifest of {what} is not a JSON object")
    kind = document.get("mediaType") or media_type
    if kind in media.INDEXES or "manifests" in document:
        return Fact("index", [], [], [digest for digest, _ in _descriptors(document.get("manifests"))])
    blobs = [
        pair for key in ("config", "layers", "blobs") for pair in _descriptors(_listed(document.get(key)))
    ]
    named = [digest for digest, _ in _descriptors(_listed(document.get("subject")))]
    config = document.get("config")
    if isinstance(config, dict) and config.get("mediaType") in media.CONFIGS:
        return _learn_image(store, data, str(kind), blobs, named, what)
    return Fact("other", [digest for digest, _ in blobs], [size for _, size in blobs], named)


def _learn_image(
    store: Store, data: bytes, kind: str, blobs: list[tuple[str, int]], named: list[str], what: str
) -> Fact:
    from elfuse.oci.digest import chain_id, hex_of
    from elfuse.oci.image import Manifest, parse_config, parse_document

    manifest = parse_document(data, kind, f"the manifest of {what}")
    if not isinstance(manifest, Manifest):
        raise StoreError(f"the manifest of {what} is an index")
    config_data = store.read_document(manifest.config.digest, f"the config of {what}")
    config = parse_config(config_data, manifest, f"the config of {what}")
    return Fact(
        "image",
        [digest for digest, _ in blobs],
        [size for _, size in blobs],
        named,
        hex_of(chain_id(config.diff_ids)),
        str(config.platform),
        config.created or "",
        sum(layer.size for layer in manifest.layers),
        tuple(map(hex_of, config.diff_ids)),
    )


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


def _descriptors(value: Any) -> Iterator[tuple[str, int]]:
    """The sha256 descriptors of a list that a stranger wrote."""
    for entry in value if isinstance(value, list) else []:
        digest = entry.get("digest") if isinstance(entry, dict) else None
        size = entry.get("size") if isinstance(entry, dict) else None
        if isinstance(digest, str) and digest.startswith("sha256:") and _is_hex(digest[7:]):
            yield digest[7:], size if isinstance(size, int) and size >= 0 else 0


def _is_hex(text: str) -> bool:
    return len(text) == 64 and not set(text) - set("0123456789abcdef")
