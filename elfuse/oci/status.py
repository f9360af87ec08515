"""What is in the store: pins, unpacked trees, runs, totals, and what a prune would give back.

Nothing is hashed and no document is read twice (catalog.py), so a store of thousands of images answers at
once. Whether blobs are what their names say is fsck.py's to find out.
"""

import os
from typing import TYPE_CHECKING, NamedTuple

from elfuse.errors import ElfuseError
from elfuse.oci import summary
from elfuse.oci.catalog import Catalog, Entry
from elfuse.oci.layout import Store
from elfuse.oci.runs import RunState, list_runs

if TYPE_CHECKING:
    from elfuse.oci.trees import TreeSizes


class ListedImage(NamedTuple):
    """A pin. size: compressed bytes of its layers. status: "ok", or what is wrong with it, in words."""

    name: str
    digest: str
    platform: str
    size: int
    created: str
    unpacked: bool
    status: str = "ok"


class PinState(NamedTuple):
    """A pin with what `status` tells of it. missing: how many of its blobs are not here."""

    image: ListedImage
    layers: int
    missing: int
    pulled: float  # when it was last pulled, seconds since the epoch
    chain: str = ""  # of its tree, 64 hex digits


class TreeState(NamedTuple):
    """A merged tree. bytes: what it has beside the layers' files; None when nobody measured it. images and
    runs are who uses it."""

    chain: str
    path: str
    bytes: int | None
    images: list[str]
    runs: list[str]


class StoreState(NamedTuple):
    """Sizes in bytes; None where they were not asked for. reclaimable: what a plain prune would remove; None,
    and `blocked` says why, when it would refuse."""

    path: str
    pins: list[PinState]
    others: int  # entries of index.json that are no images of ours
    trees: list[TreeState]
    runs: list[RunState]
    blobs: int
    blob_bytes: int | None
    layers: int  # unpacked alone
    layer_bytes: int | None
    stack_bytes: int | None  # beside the layers' files
    run_bytes: int | None
    staged_bytes: int | None
    quarantined: int
    reclaimable: int | None
    blocked: str | None
    snapshotter: str  # "none" when the one that is named cannot be used
    snapshots_refused: dict[str, str]  # strategy: why it cannot be used here


def list_images(store: Store) -> list[ListedImage]:
    """The pins in the order in which they were made."""
    unpacked = set(os.listdir(store.join("stacks/sha256")))
    seen = summary.load(store)
    if seen is not None:
        return [_of_summary(pin, unpacked) for pin in seen.pins]
    catalog = Catalog(store)
    images = [_listed(catalog, entry, unpacked) for entry in catalog.entries if entry.is_pin]
    catalog.save()
    return images


def _of_summary(pin: summary.Pin, unpacked: set[str], status: str = "ok") -> ListedImage:
    return ListedImage(
        pin.name, f"sha256:{pin.hex}", pin.platform, pin.size, pin.created, pin.chain in unpacked, status
    )


def _listed(catalog: Catalog, entry: Entry, unpacked: set[str]) -> ListedImage:
    try:
        chain, platform, created, size = catalog.image_line(entry)
    except (ElfuseError, OSError) as error:
        text = error.message if isinstance(error, ElfuseError) else str(error)
        return ListedImage(entry.name, entry.image_digest, "", 0, "", False, _in_words(text))
    return ListedImage(entry.name, entry.image_digest, platform, size, created, chain in unpacked)


def _in_words(message: str) -> str:
    """ "missing manifest", "corrupt config" and the like, of the error that reading it gave."""
    part = "config" if message.startswith("the config") else "manifest"
    return f"{'missing' if ' is missing' in message else 'corrupt'} {part}"


def examine(store: Store, *, disk_usage: bool = True) -> StoreState:
    """`disk_usage`: measure trees, runs and staged files, which takes time for those not yet measured."""
    from elfuse.oci import gc
    from elfuse.oci.trees import layer_sizes

    runs = list_runs(store)
    unpacked = set(os.listdir(store.join("stacks/sha256")))
    folder = store.join("blobs/sha256")
    reclaimable: int | None = None
    blocked: str | None = None
    seen = summary.load(store)
    catalog = Catalog(store) if seen is None else None
    try:
        if catalog is not None:
            seen = summary.make(store, catalog)
        reclaimable = gc.make_plan(store, gc.PruneOptions(), measure=disk_usage, seen=seen).bytes
    except ElfuseError as error:
        blocked = str(error)
    if seen is not None:
        pins = [_pin_of_summary(folder, pin, unpacked) for pin in seen.pins]
        others, blobs, blob_bytes = seen.others, seen.blobs, seen.blob_bytes
    else:
        catalog = catalog or Catalog(store)
        present = set(os.listdir(folder))
        pins = [_pin(folder, catalog, entry, present, unpacked) for entry in catalog.entries if entry.is_pin]
        others, blobs = len(catalog.entries) - len(pins), len(present)
        blob_bytes = _blob_bytes(store, catalog, present)
    if catalog is not None:
        catalog.save()
    snapshotter, refused = _snapshots(store)
    layers = layer_sizes(store)
    trees = _trees(store, pins, runs, sorted(unpacked), disk_usage)
    return StoreState(
        path=store.path,
        pins=pins,
        others=others,
        trees=trees,
        runs=[run for run in runs if run.live or run.kept],
        blobs=blobs,
        blob_bytes=blob_bytes if disk_usage else None,
        layers=len(layers.names()),
        layer_bytes=_known_bytes(layers) if disk_usage else None,
        stack_bytes=sum(tree.bytes or 0 for tree in trees) if disk_usage else None,
        run_bytes=_measure([run.path for run in runs]) if disk_usage else None,
        staged_bytes=_measure([store.join("tmp"), store.join("trash")]) if disk_usage else None,
        quarantined=_count(store.join("quarantine")),
        reclaimable=reclaimable,
        blocked=blocked,
        snapshotter=snapshotter,
        snapshots_refused=refused,
    )


def _snapshots(store: Store) -> tuple[str, dict[str, str]]:
    from elfuse.oci.snapshot.choice import choose

    try:
        choice = choose(store, try_all=True)
    except (ElfuseError, OSError) as error:
        return "none", {"none": str(error)}
    return choice.name, choice.refused


def _pin_of_summary(folder: str, pin: summary.Pin, unpacked: set[str]) -> PinState:
    try:
        found = os.stat(f"{folder}/{pin.hex}", follow_symlinks=False)
    except FileNotFoundError:
        return PinState(_of_summary(pin, unpacked, "missing manifest"), pin.layers, 1, 0.0, pin.chain)
    status = "ok" if found.st_size == pin.bytes else "corrupt manifest"
    return PinState(_of_summary(pin, unpacked, status), pin.layers, 0, found.st_mtime, pin.chain)


def _pin(folder: str, catalog: Catalog, entry: Entry, present: set[str], unpacked: set[str]) -> PinState:
    pulled = 0.0
    try:
        found = os.stat(f"{folder}/{entry.image}", follow_symlinks=False)
        pulled = found.st_mtime
        fact = catalog.image(entry)
    except FileNotFoundError:
        image = ListedImage(entry.name, entry.image_digest, "", 0, "", False, "missing manifest")
        return PinState(image, 0, 1, pulled)
    except (ElfuseError, OSError):
        return PinState(_listed(catalog, entry, unpacked), 0, 0, pulled)
    missing = len(fact.blobs) - len(present.intersection(fact.blobs))
    status = "ok"
    if found.st_size != entry.image_size:
        status = "corrupt manifest"
    elif missing:
        status = "missing config" if fact.blobs[0] not in present else f"missing {missing} layers"
    image = ListedImage(
        entry.name, entry.image_digest, fact.platform, fact.size, fact.created, fact.chain in unpacked, status
    )
    return PinState(image, len(fact.blobs) - 1, missing, pulled, fact.chain)


def _trees(
    store: Store, pins: list[PinState], runs: list[RunState], unpacked: list[str], disk_usage: bool
) -> list[TreeState]:
    from elfuse.oci.trees import stack_sizes

    if not unpacked:
        return []
    sizes = stack_sizes(store)
    images: dict[str, list[str]] = {}
    for pin in pins:
        images.setdefault(pin.chain, []).append(pin.image.name)
    users: dict[str, list[str]] = {}
    for run in runs:
        if run.record is not None and (run.live or run.kept):
            users.setdefault(run.record.chain[7:], []).append(run.id)
    trees = []
    for chain in unpacked:
        known = sizes.of(chain) if disk_usage else sizes.known(chain)
        path = store.join("stacks/sha256", chain, "rootfs")
        size = known.bytes if known is not None else None
        trees.append(TreeState(f"sha256:{chain}", path, size, images.get(chain, []), users.get(chain, [])))
    sizes.save()
    return trees


def _known_bytes(sizes: "TreeSizes") -> int:
    total = sum(sizes.of(name).bytes for name in sizes.names())
    sizes.save()
    return total


def _blob_bytes(store: Store, catalog: Catalog, present: set[str]) -> int:
    """Of all blobs. What a document gives the size of is taken to have it."""
    sizes = {}
    for entry in catalog.entries:
        sizes[entry.hex] = entry.size
        try:
            fact = catalog.fact(entry)
            sizes.update(zip(fact.blobs, fact.sizes, strict=True))
        except (ElfuseError, OSError):
            continue
    total = 0
    for name in present:
        size = sizes.get(name)
        if size is None:
            try:
                size = os.stat(store.join("blobs/sha256", name), follow_symlinks=False).st_size
            except FileNotFoundError:
                continue
        total += size
    return total


def _measure(paths: list[str]) -> int:
    from elfuse.oci.trees import measure

    return sum(measure(path).bytes for path in paths)


def _count(folder: str) -> int:
    try:
        return len(os.listdir(folder))
    except FileNotFoundError:
        return 0
