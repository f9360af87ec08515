"""The whole of a sound store in one file, true as long as neither the index nor the names of blobs change.

`cache/summary` spares those who look again at the same store the index, the facts of its documents and the
names of its blobs. It is kept only of a store in which every root can be read and has all that it needs.
"""

import os
import time
from typing import NamedTuple

from elfuse.oci.cache import read_cache, write_cache
from elfuse.oci.catalog import Catalog, index_stamp
from elfuse.oci.layout import Store
from elfuse.oci.roots import collect

# A directory's time ticks. One that has changed this moment may change again within the same tick.
_SETTLED_NS = 50_000_000
_NOTHING = "-"


class Pin(NamedTuple):
    """A pinned image. hex: the manifest's digest; bytes: the manifest's size; size: that of the layers."""

    name: str
    hex: str
    bytes: int
    platform: str
    created: str
    size: int
    chain: str
    layers: int


class Summary(NamedTuple):
    """others: entries of the index that are no images of ours. unneeded: blobs that no entry needs.

    chains and layers are kept as one text of all, as few who look at a store compare its trees with them.
    """

    pins: list[Pin]
    others: int
    blobs: int
    blob_bytes: int
    unneeded: list[str]
    chain_text: str
    layer_text: str

    @property
    def chains(self) -> set[str]:
        return set(_digests(self.chain_text))

    @property
    def layers(self) -> set[str]:
        return set(_digests(self.layer_text))


def load(store: Store) -> Summary | None:
    lines = read_cache(store, "summary")
    if len(lines) < 4 or lines[0] != _stamp(store):
        return None
    others, blobs, blob_bytes, unneeded = lines[1].split(" ")
    return Summary(
        [_pin(line) for line in lines[4:]],
        int(others),
        int(blobs),
        int(blob_bytes),
        _digests(unneeded),
        lines[2],
        lines[3],
    )


def make(store: Store, catalog: Catalog) -> Summary | None:
    """From the documents' facts; None when something is missing. Raises StoreError when a root cannot be
    read."""
    before = _stamp(store)
    present = set(os.listdir(store.join("blobs/sha256")))
    roots = collect(store, catalog, ())
    pins = []
    sizes: dict[str, int] = {}
    for entry in catalog.entries:
        fact = catalog.fact(entry)
        sizes[entry.hex] = entry.size
        sizes.update(zip(fact.blobs, fact.sizes, strict=True))
        if not present.issuperset(fact.blobs):
            return None
        if entry.is_pin:
            fact = catalog.image(entry)
            sizes[entry.image] = entry.image_size
            sizes.update(zip(fact.blobs, fact.sizes, strict=True))
            if not present.issuperset([entry.image, *fact.blobs]):
                return None
            text = (fact.platform, fact.created, fact.size, fact.chain, len(fact.blobs) - 1)
            pins.append(Pin(entry.name, entry.image, entry.image_size, *text))
    known = {name: sizes.get(name) for name in present}
    blob_bytes = sum(
        os.stat(store.join("blobs/sha256", name)).st_size if size is None else size
        for name, size in known.items()
    )
    unneeded = [name for name in present - roots.blobs if len(name) == 64]
    texts = ["".join(names) or _NOTHING for names in (roots.chains, roots.layers)]
    others = len(catalog.entries) - len(pins)
    found = Summary(pins, others, len(present), blob_bytes, unneeded, *texts)
    if store.is_writable() and before == _stamp(store) and catalog.is_current():
        _save(store, before, found)
    return found


def _stamp(store: Store) -> str:
    """Of the index and the directory of blobs; "" when the latter has just changed."""
    changed = os.stat(store.join("blobs/sha256")).st_mtime_ns
    if time.time_ns() - changed < _SETTLED_NS:
        return ""
    return f"{index_stamp(store)} {changed}"


def _save(store: Store, stamp: str, found: Summary) -> None:
    if not stamp or any("\n" in pin.name for pin in found.pins):
        return
    lines = [
        stamp,
        f"{found.others} {found.blobs} {found.blob_bytes} {''.join(found.unneeded) or _NOTHING}",
        found.chain_text,
        found.layer_text,
    ]
    for pin in found.pins:
        words = (pin.hex, pin.bytes, pin.platform or _NOTHING, pin.created or _NOTHING, pin.size, pin.chain)
        if any(" " in str(word) or "\n" in str(word) for word in words):
            return
        lines.append(" ".join(map(str, (*words, pin.layers, pin.name))))
    write_cache(store, "summary", lines)


def _pin(line: str) -> Pin:
    name, size, platform, created, layers_size, chain, layers, pinned = line.split(" ", 7)
    return Pin(
        pinned,
        name,
        int(size),
        "" if platform == _NOTHING else platform,
        "" if created == _NOTHING else created,
        int(layers_size),
        chain,
        int(layers),
    )


def _digests(text: str) -> list[str]:
    return [] if text == _NOTHING else [text[at : at + 64] for at in range(0, len(text), 64)]
