"""What is in the store: pins, unpacked trees, runs, totals, and what a prune would give back.

Nothing is hashed and no document is read twice (catalog.py), so a store of thousands of images answers at
once. Whether blobs are what their names say is fsck.py's to find out.
"""

import os

import msgspec

from elfuse.errors import ElfuseError
from elfuse.oci.catalog import Catalog, Entry
from elfuse.oci.layout import Store
from elfuse.oci.runs import RunState, list_runs


class ListedImage(msgspec.Struct, frozen=True):
    """A pin. size: compressed bytes of its layers. status: "ok", or what is wrong with it, in words."""

    name: str
    digest: str
    platform: str
    size: int
    created: str
    unpacked: bool
    status: str = "ok"


class PinState(msgspec.Struct, frozen=True):
    """A pin with what `status` tells of it. missing: how many of its blobs are not here."""

    image: ListedImage
    layers: int
    missing: int
    pulled: float  # when it was last pulled, seconds since the epoch


class TreeState(msgspec.Struct, frozen=True):
    """An unpacked tree. bytes is None when nobody measured it. images and runs are who uses it."""

    chain: str
    path: str
    bytes: int | None
    images: list[str]
    runs: list[str]


class StoreState(msgspec.Struct, frozen=True):
    """Sizes in bytes; None where they were not asked for. reclaimable: what a plain prune would remove; None,
    and `blocked` says why, when it would refuse."""

    path: str
    pins: list[PinState]
    others: int  # entries of index.json that are no images of ours
    trees: list[TreeState]
    runs: list[RunState]
    blobs: int
    blob_bytes: int | None
    stack_bytes: int | None
    run_bytes: int | None
    staged_bytes: int | None
    quarantined: int
    reclaimable: int | None
    blocked: str | None
    snapshotter: str


def list_images(store: Store) -> list[ListedImage]:
    """The pins in the order in which they were made."""
    catalog = Catalog(store)
    unpacked = set(os.listdir(store.join("stacks/sha256")))
    images = [_listed(catalog, entry, unpacked) for entry in catalog.entries if entry.is_pin]
    catalog.save()
    return images


def _listed(catalog: Catalog, entry: Entry, unpacked: set[str]) -> ListedImage:
    try:
        chain, platform, created, size = catalog.image_line(entry)
    except (ElfuseError, OSError) as error:
        text = error.message if isinstance(error, ElfuseError) else str(error)
        return ListedImage(entry.name, entry.digest, "", 0, "", False, _in_words(text))
    return ListedImage(entry.name, entry.digest, platform, size, created, chain in unpacked)


def _in_words(message: str) -> str:
    """ "missing manifest", "corrupt config" and the like, of the error that reading it gave."""
    part = "config" if message.startswith("the config") else "manifest"
    return f"{'missing' if ' is missing' in message else 'corrupt'} {part}"


def examine(store: Store, *, disk_usage: bool = True) -> StoreState:
    """`disk_usage`: measure trees, runs and staged files, which takes time for those not yet measured."""
    from elfuse.oci import gc
    from elfuse.oci.snapshot import default_snapshotter

    catalog = Catalog(store)
    runs = list_runs(store)
    present = set(os.listdir(store.join("blobs/sha256")))
    unpacked = set(os.listdir(store.join("stacks/sha256")))
    pins = [_pin(store, catalog, entry, present, unpacked) for entry in catalog.entries if entry.is_pin]
    trees = _trees(store, catalog, runs, sorted(unpacked), disk_usage)
    reclaimable: int | None = None
    blocked: str | None = None
    try:
        reclaimable = gc.make_plan(store, gc.PruneOptions(), catalog=catalog, measure=disk_usage).bytes
    except ElfuseError as error:
        blocked = str(error)
    catalog.save()
    return StoreState(
        path=store.path,
        pins=pins,
        others=len(catalog.entries) - len(pins),
        trees=trees,
        runs=[run for run in runs if run.live or run.kept],
        blobs=len(present),
        blob_bytes=_blob_bytes(store, catalog, present) if disk_usage else None,
        stack_bytes=sum(tree.bytes or 0 for tree in trees) if disk_usage else None,
        run_bytes=_measure([run.path for run in runs]) if disk_usage else None,
        staged_bytes=_measure([store.join("tmp"), store.join("trash")]) if disk_usage else None,
        quarantined=_count(store.join("quarantine")),
        reclaimable=reclaimable,
        blocked=blocked,
        snapshotter=default_snapshotter().name,
    )


def _pin(store: Store, catalog: Catalog, entry: Entry, present: set[str], unpacked: set[str]) -> PinState:
    pulled = 0.0
    try:
        found = os.stat(store.join("blobs/sha256", entry.hex), follow_symlinks=False)
        pulled = found.st_mtime
        fact = catalog.fact(entry)
    except FileNotFoundError:
        image = ListedImage(entry.name, entry.digest, "", 0, "", False, "missing manifest")
        return PinState(image, 0, 1, pulled)
    except (ElfuseError, OSError):
        return PinState(_listed(catalog, entry, unpacked), 0, 0, pulled)
    missing = len([1 for digest, _ in fact.blobs if digest not in present])
    status = "ok"
    if found.st_size != entry.size:
        status = "corrupt manifest"
    elif missing:
        status = "missing config" if fact.blobs[0][0] not in present else f"missing {missing} layers"
    image = ListedImage(
        entry.name, entry.digest, fact.platform, fact.size, fact.created, fact.chain in unpacked, status
    )
    return PinState(image, len(fact.blobs) - 1, missing, pulled)


def _trees(
    store: Store, catalog: Catalog, runs: list[RunState], unpacked: list[str], disk_usage: bool
) -> list[TreeState]:
    from elfuse.oci.trees import StackSizes

    if not unpacked:
        return []
    sizes = StackSizes(store)
    images: dict[str, list[str]] = {}
    for entry in catalog.entries:
        if entry.is_pin:
            try:
                images.setdefault(catalog.image_line(entry)[0], []).append(entry.name)
            except (ElfuseError, OSError):
                continue
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


def _blob_bytes(store: Store, catalog: Catalog, present: set[str]) -> int:
    """Of all blobs. What a document gives the size of is taken to have it."""
    sizes = {}
    for entry in catalog.entries:
        sizes[entry.hex] = entry.size
        try:
            sizes.update(catalog.fact(entry).blobs)
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
