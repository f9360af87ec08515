"""What must stay: everything that the entries of index.json, of whoever made them, and the runs need.

All or nothing. What names something and cannot be read might name anything, so then nothing may be removed.
"""

import os
from collections.abc import Collection, Iterable
from typing import NamedTuple

from elfuse.errors import ElfuseError, StoreError
from elfuse.oci import media
from elfuse.oci.catalog import Catalog, Entry, Fact
from elfuse.oci.layout import Store
from elfuse.oci.runs import RunState


class Roots(NamedTuple):
    """Blobs, trees (ChainIDs) and layers (diffIDs) that are needed, by their 64 hex digits."""

    blobs: set[str]
    chains: set[str]
    layers: set[str]


def collect(
    store: Store, catalog: Catalog, runs: Iterable[RunState], *, without: Collection[Entry] = ()
) -> Roots:
    """The roots, as if the entries `without` were not there. Raises StoreError, naming the root, when one
    cannot be read."""
    roots = Roots(set(), set(), set())
    leaving = {(entry.name, entry.digest) for entry in without}
    for entry in catalog.entries:
        if leaving and (entry.name, entry.digest) in leaving:
            continue
        try:
            fact = catalog.fact(entry)
        except ElfuseError as error:
            raise _unreadable(entry.name or entry.digest, error) from None
        _add(store, catalog, entry.hex, fact, roots)
        chosen_from = (entry.annotations or {}).get(media.INDEX_DIGEST)
        if chosen_from is not None:
            _add_document(store, catalog, chosen_from[7:], roots)
    for run in runs:
        chain = chain_of(run)
        if chain:
            roots.chains.add(chain)
        roots.layers.update(layers_of(run))
    return roots


def chain_of(run: RunState) -> str | None:
    """The tree that a run needs; None for one that has ended and is not kept. Raises StoreError."""
    if not run.live and not run.kept:
        return None
    if run.record is None:
        raise StoreError(
            f"the run {run.id} says not which tree it uses: {run.damage}",
            hint=f"when it has ended, elfuse oci rm --run {run.id}",
        )
    return run.record.chain[7:]


def layers_of(run: RunState) -> list[str]:
    """The layers that a run which stays uses directly."""
    if run.record is None or not (run.live or run.kept):
        return []
    return [diff_id[7:] for diff_id in run.record.layers]


def _add(store: Store, catalog: Catalog, name: str, fact: Fact, roots: Roots) -> None:
    roots.blobs.add(name)
    roots.blobs.update(fact.blobs)
    if fact.chain:
        roots.chains.add(fact.chain)
    roots.layers.update(fact.layers)
    for document in fact.documents:
        _add_document(store, catalog, document, roots)


def _add_document(store: Store, catalog: Catalog, name: str, roots: Roots) -> None:
    """A document that another one names. It may be absent: an index names every platform's manifest."""
    if name in roots.blobs:
        return
    roots.blobs.add(name)
    if not os.path.exists(store.join("blobs/sha256", name)):
        return
    try:
        fact = catalog.document(name, media.OCI_MANIFEST, f"sha256:{name}")
    except ElfuseError as error:
        raise _unreadable(f"sha256:{name}", error) from None
    roots.blobs.discard(name)
    _add(store, catalog, name, fact, roots)


def _unreadable(name: str, error: ElfuseError) -> StoreError:
    return StoreError(
        f"{name} cannot be read, so what it needs is not known: {error.message}",
        hint=error.hint or f"pull it again, or elfuse oci rm {name}",
    )
