"""Prune: what nothing needs any more, listed, and removed when asked for.

Planning reads and changes nothing. The removal compares each thing's time with the plan's: who came to need
it meanwhile has claimed it (leases.py), so it stays.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from elfuse.errors import ElfuseError, StoreError
from elfuse.oci import disk, leases, summary
from elfuse.oci.catalog import Catalog, Entry
from elfuse.oci.layout import Store
from elfuse.oci.roots import Roots, chain_of, collect, layers_of
from elfuse.oci.runs import RunState, homes, list_runs, retire_if_ended
from elfuse.oci.summary import Summary
from elfuse.oci.sweep import PARTIAL_AGE, PARTIAL_SUFFIX, stale_staging, sweep_staging

if TYPE_CHECKING:
    from elfuse.oci.trees import TreeSizes

# How many are removed under one hold of locks/gc, for which those who claim wait.
_BATCH = 128
# How often a plan begins again because the index changed under it.
_TRIES = 20


class PruneOptions(NamedTuple):
    """older_than: seconds, spares what is younger. keep_bytes: of the blobs, layers and trees that would go,
    each, spare the youngest that fit into that many bytes together. runs: also kept runs that have ended.
    all: also images that no run uses, with what only they need, and every interrupted download."""

    older_than: float = 0.0
    keep_bytes: int = 0
    runs: bool = False
    all: bool = False


class Item(NamedTuple):
    """Something to remove. `name` is a name in its folder, or an image's."""

    name: str
    path: str
    size: int
    mtime_ns: int


class Family:
    """One kind of things: what would go, how many are needed, and what is spared for its age."""

    def __init__(self, going: Iterable[Item] = (), needed: int = 0) -> None:
        self.going = list(going)
        self.needed = needed
        self.spared: list[Item] = []

    @property
    def bytes(self) -> int:
        return sum(item.size for item in self.going)


class Plan(NamedTuple):
    """What a prune would do. `temporary` are staged files of processes that died, interrupted downloads
    past their age, and what waits in the trash."""

    options: PruneOptions
    images: Family
    blobs: Family
    layers: Family
    stacks: Family
    runs: Family
    temporary: Family
    quarantined: Family
    entries: list[Entry]  # of the images that go

    @property
    def families(self) -> list[tuple[str, Family]]:
        names = ("images", "blobs", "layers", "stacks", "runs", "temporary", "quarantined")
        return [(name, getattr(self, name)) for name in names]

    @property
    def bytes(self) -> int:
        """Of all that would go. An image's bytes are those of its blobs."""
        return sum(family.bytes for name, family in self.families if name != "images")


def make_plan(
    store: Store,
    options: PruneOptions,
    *,
    fresh: bool = False,
    measure: bool = True,
    seen: Summary | None = None,
) -> Plan:
    """Raises StoreError when any root cannot be read. `fresh`: believe no cache. Without `measure` trees and
    directories count for 0 bytes. `seen` is for who has it already, and only wants to look."""
    for _ in range(_TRIES):
        # In this order. What a process makes that began after the clock was read is as young as that; one
        # that began earlier still holds its lease, or has written its root already.
        clock = disk.file_clock(store.join("tmp"))
        horizon = leases.horizon(store.join("tmp"))
        limit = clock - int(options.older_than * 1e9)
        if horizon is not None:
            limit = min(limit, horizon)
        if not fresh and not options.all:
            quick = seen or summary.load(store)
            if quick is not None:
                return _plan_of_summary(store, options, quick, limit, measure)
        known = Catalog(store, fresh=fresh)
        try:
            plan = _plan_of_catalog(store, options, known, limit, measure)
            if not fresh and seen is None:
                summary.make(store, known)  # for who looks again
            return plan
        except StoreError:
            # Perhaps another process unpinned and pruned it since the index was read.
            if known.is_current():
                raise
    raise StoreError(f"the index of {store.path} changes all the time", hint="try again later")


def _plan_of_summary(store: Store, options: PruneOptions, seen: Summary, limit: int, measure: bool) -> Plan:
    from elfuse.oci.trees import layer_sizes, stack_sizes

    runs = list_runs(store)
    ended = _ended_runs(runs, options, measure)
    leaving = {run.path for run in ended.going_runs}
    used = {chain_of(run) for run in runs if run.path not in leaving}
    roots = Roots(
        set(),
        {*(seen.chains if stack_sizes(store).names() else ()), *(chain for chain in used if chain)},
        {
            *(seen.layers if layer_sizes(store).names() else ()),
            *(layer for run in runs if run.path not in leaving for layer in layers_of(run)),
        },
    )
    blobs = _by_age(_items(store.join("blobs/sha256"), seen.unneeded), limit, options.keep_bytes)
    blobs.needed = seen.blobs - len(seen.unneeded)
    return _assemble(store, options, [], blobs, roots, ended, len(runs), limit, measure)


def _plan_of_catalog(store: Store, options: PruneOptions, known: Catalog, limit: int, measure: bool) -> Plan:
    runs = list_runs(store)
    ended = _ended_runs(runs, options, measure)
    unused = _unused_images(store, known, runs, limit) if options.all else []
    leaving = {run.path for run in ended.going_runs}
    staying = [run for run in runs if run.path not in leaving]
    roots = collect(store, known, staying, without=[entry for entry, _ in unused])
    blobs = _unneeded_blobs(store, roots, limit, options.keep_bytes)
    known.save()
    return _assemble(store, options, unused, blobs, roots, ended, len(runs), limit, measure)


def _assemble(
    store: Store,
    options: PruneOptions,
    unused: "list[tuple[Entry, Item]]",
    blobs: Family,
    roots: Roots,
    ended: "_Ended",
    runs: int,
    limit: int,
    measure: bool,
) -> Plan:
    from elfuse.oci.trees import layer_sizes, stack_sizes

    def trees(sizes: "TreeSizes", needed: set[str]) -> Family:
        return _unneeded_trees(sizes, needed, limit, options.keep_bytes, measure)

    return Plan(
        options,
        images=Family(item for _, item in unused),
        blobs=blobs,
        layers=trees(layer_sizes(store), roots.layers),
        stacks=trees(stack_sizes(store), roots.chains),
        runs=Family(ended.items, needed=runs - len(ended.items)),
        temporary=_temporary(store, options, measure),
        quarantined=_quarantined(store),
        entries=[entry for entry, _ in unused],
    )


# -- planning


class _Ended(NamedTuple):
    going_runs: list[RunState]
    items: list[Item]


def _ended_runs(runs: list[RunState], options: PruneOptions, measure: bool) -> _Ended:
    """Kept ones when asked for; the others are gone with the next sweep anyway."""
    oldest = time.time() - options.older_than
    going = [
        run
        for run in runs
        if not run.live
        and (options.runs or not run.kept)
        and (not run.kept or run.record is None or run.record.created <= oldest)
    ]
    return _Ended(going, [Item(run.id, run.path, _bytes_of(run.path, measure), 0) for run in going])


def _unused_images(
    store: Store, catalog: Catalog, runs: list[RunState], limit: int
) -> list[tuple[Entry, Item]]:
    """Pins whose tree no run uses, and that were last pulled or claimed before `limit`."""
    used = {chain_of(run) for run in runs}
    result = []
    for entry in catalog.entries:
        # One that cannot be read stays in: collect() says so, and ends the prune.
        with contextlib.suppress(ElfuseError, FileNotFoundError):
            if entry.is_pin and catalog.image_line(entry)[0] not in used:
                path = store.join("blobs/sha256", entry.image)
                time_ns = os.stat(path, follow_symlinks=False).st_mtime_ns
                if time_ns < limit:
                    result.append((entry, Item(entry.name, path, catalog.image_line(entry)[3], time_ns)))
    return result


def _unneeded_blobs(store: Store, roots: Roots, limit: int, keep_bytes: int) -> Family:
    folder = store.join("blobs/sha256")
    names = {name for name in os.listdir(folder) if len(name) == 64}
    unneeded = names - roots.blobs
    family = _by_age(_items(folder, unneeded), limit, keep_bytes)
    family.needed = len(names) - len(unneeded)
    return family


def _unneeded_trees(
    sizes: "TreeSizes", needed: set[str], limit: int, keep_bytes: int, measure: bool
) -> Family:
    names = sizes.names()
    unneeded = [name for name in names if name not in needed]
    if not unneeded:
        return Family(needed=len(names))
    family = _by_age(
        [
            item._replace(size=sizes.of(item.name).bytes if measure else 0)
            for item in _items(sizes.folder, unneeded)
        ],
        limit,
        keep_bytes,
    )
    sizes.save()
    family.needed = len(names) - len(unneeded)
    return family


def _items(folder: str, names: Iterable[str]) -> Iterator[Item]:
    for name in names:
        path = f"{folder}/{name}"
        with contextlib.suppress(FileNotFoundError):
            found = os.stat(path, follow_symlinks=False)
            yield Item(name, path, found.st_size, found.st_mtime_ns)


def _by_age(items: Iterable[Item], limit: int, keep_bytes: int) -> Family:
    """What is younger than `limit` stays, then the youngest that fit into `keep_bytes`; the first that does
    not fit ends that, so that nothing older outlives it."""
    family = Family()
    room = keep_bytes
    for item in sorted(items, key=lambda item: item.mtime_ns, reverse=True):
        if item.mtime_ns >= limit:
            family.spared.append(item)
        elif item.size <= room:
            room -= item.size
            family.spared.append(item)
        else:
            room = 0
            family.going.append(item)
    return family


def _temporary(store: Store, options: PruneOptions, measure: bool) -> Family:
    folder = store.join("tmp")
    family = Family()
    stale = set(stale_staging(store, _partial_age(options)))
    for item in _items(folder, sorted(os.listdir(folder))):
        if item.name not in stale:
            family.spared.append(item)
        elif not _is_in_use(store, item.name):
            size = item.size + _bytes_of(item.path, measure)
            family.going.append(item._replace(size=size))
    trash = store.join("trash")
    family.going += [
        item._replace(size=_bytes_of(item.path, measure)) for item in _items(trash, os.listdir(trash))
    ]
    return family


def _bytes_of(path: str, measure: bool) -> int:
    from elfuse.oci import trees

    return trees.measure(path).bytes if measure else 0


def _partial_age(options: PruneOptions) -> float:
    if options.all:
        return options.older_than
    return options.older_than or PARTIAL_AGE


def _is_in_use(store: Store, name: str) -> bool:
    """A download has its own lock; anything else belongs to whoever is active."""
    path = store.join("tmp", name) if name.endswith(PARTIAL_SUFFIX) else store.join("locks/activity")
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        return not disk.try_lock(fd)
    finally:
        os.close(fd)


def _quarantined(store: Store) -> Family:
    folder = store.join("quarantine")
    try:
        return Family(going=list(_items(folder, os.listdir(folder))))
    except FileNotFoundError:
        return Family()


# -- removal


def prune(store: Store, options: PruneOptions) -> Plan:
    """Remove what make_plan says, read freshly. Returns what has gone; what was claimed meanwhile is spared.

    Raises StoreError before anything is removed when a root cannot be read.
    """
    plan = make_plan(store, options, fresh=True)
    remove_planned(store, plan)
    return plan


def remove_planned(store: Store, plan: Plan) -> None:
    """Remove what a fresh plan says; the plan then says what has gone."""
    _unpin(store, plan)
    _remove(store, plan.blobs, os.unlink)
    disk.fsync_directory(store.join("blobs/sha256"))
    _remove(store, plan.stacks, store.discard)
    _remove(store, plan.layers, store.discard)
    _remove_runs(store, plan.runs)
    for item in plan.quarantined.going:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(item.path)
    _remove_partials(store, plan.temporary)
    sweep_staging(store, _partial_age(plan.options))
    store.sweep()


def _unpin(store: Store, plan: Plan) -> None:
    wanted = {
        (entry.name, entry.image_digest): item
        for entry, item in zip(plan.entries, plan.images.going, strict=True)
    }
    if not wanted:
        return
    removed = store.remove_pins(
        lambda pin: (item := wanted.get((pin.name, pin.manifest.digest))) is not None and _is_unchanged(item)
    )
    names = {pin.name for pin in removed}
    plan.images.spared = [item for item in plan.images.going if item.name not in names]
    plan.images.going = [item for item in plan.images.going if item.name in names]


def _is_unchanged(item: Item) -> bool:
    try:
        return os.stat(item.path, follow_symlinks=False).st_mtime_ns == item.mtime_ns
    except FileNotFoundError:
        return False


def _remove(store: Store, family: Family, remove: Callable[[str], None]) -> None:
    going, family.going = family.going, []
    for start in range(0, len(going), _BATCH):
        with disk.locked(store.join("locks/gc")):
            for item in going[start : start + _BATCH]:
                if _is_unchanged(item):
                    remove(item.path)
                    family.going.append(item)
                else:
                    family.spared.append(item)


def _remove_runs(store: Store, family: Family) -> None:
    by_folder = {home.join("runs"): home for home in homes(store)}
    gone = []
    for item in family.going:
        with contextlib.suppress(OSError):
            if retire_if_ended(by_folder[os.path.dirname(item.path)], item.name, even_kept=True):
                gone.append(item)
    family.going = gone


def _remove_partials(store: Store, family: Family) -> None:
    """Downloads that are past their age, although others may be active: each has its own lock."""
    for item in family.going:
        if not item.name.endswith(PARTIAL_SUFFIX):
            continue
        with contextlib.suppress(FileNotFoundError):
            fd = os.open(item.path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                if disk.try_lock(fd) and os.path.samestat(os.fstat(fd), os.lstat(item.path)):
                    os.unlink(item.path)
            finally:
                os.close(fd)
