"""Merged trees: an image's layers as one, of the files that the layers' own trees have (layers.py).

A tree gets its name only when it is whole and durable.
"""

import contextlib
import os

from elfuse import _core
from elfuse.errors import UnpackError
from elfuse.oci import disk, leases
from elfuse.oci.digest import Digest, chain_id, hex_of
from elfuse.oci.layout import Store
from elfuse.oci.runs import RunRecord, homes, list_runs
from elfuse.oci.snapshot.layers import (
    UNPACK_TIMEOUT,
    BlobLayer,
    Gathered,
    gathered,
    remove_tree,
    writable_home,
)
from elfuse.oci.stored import StoredImage


def ensure_stack(store: Store, image: StoredImage) -> str:
    """The read-only tree of the image's ChainID. One process makes it; others wait for it."""
    chain = chain_id(image.config.diff_ids)
    with disk.reported(f"unpacking {image.name}", store.path):
        for home in homes(store):
            if home.claim_stack(chain):
                return home.stack_path(chain)
        home = writable_home(store)
        lock = home.join("tmp", f"stack-{hex_of(chain)}.lock")
        with home.activity(), disk.locked(lock, timeout=UNPACK_TIMEOUT):
            if not home.claim_stack(chain):
                with gathered(store, image) as layers:
                    _make_stack(store, home, image, chain, layers)
            return home.stack_path(chain)


def _make_stack(store: Store, home: Store, image: StoredImage, chain: Digest, layers: Gathered) -> None:
    stack = os.path.dirname(home.stack_path(chain))
    staged = home.staging_directory("stack")
    try:
        rootfs = os.path.join(staged, "rootfs")
        os.mkdir(rootfs, 0o755)
        _merge_layers(store, image, layers, rootfs)
        disk.sync_filesystem(staged)  # the staged layers with it
        layers.publish(durable=True)
        os.rename(staged, stack)
    except BaseException:
        remove_tree(staged)
        raise
    disk.fsync_directory(os.path.dirname(stack))


def _merge_layers(store: Store, image: StoredImage, layers: Gathered, rootfs: str) -> None:
    """All layers onto one tree: by links where a layer stands alone, else as the blob says."""
    changed = has_links = False
    root_fd = os.open(rootfs, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        _give_time(root_fd)
        for layer, diff_id in zip(image.manifest.layers, image.config.diff_ids, strict=True):
            raw = layers.read(diff_id)
            has_links = has_links or raw.has_links
            if raw.tree is None:
                stats = BlobLayer(store, image.name, layer, diff_id).extract(root_fd, cancelled=_never)
                changed, has_links = True, has_links or stats["hardlinks"] > 0
                continue
            raw_fd = os.open(raw.tree, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                merged = _core.merge_layer(raw_fd, root_fd, with_root=raw.has_root)
                changed = changed or merged["unlinked"] > 0
            except _core.LayerError as error:
                raise UnpackError(f"layer {layer.digest} of {image.name}: {error}") from None
            finally:
                os.close(raw_fd)
        if changed and has_links:
            _core.count_links(root_fd)
    finally:
        os.close(root_fd)


def _give_time(root_fd: int) -> None:
    """What the root has unless a layer names it: not the time of the unpacking, so that each unpacking gives
    the same tree."""
    os.utime(root_fd, (0, 0))


def _never() -> bool:
    return False


def renew_stack(store: Store, image: StoredImage) -> None:
    """Let go of the image's tree and layers, so that they are unpacked anew. Raises UnpackError while a run
    uses them. Trees of other images keep what they have."""
    chain = chain_id(image.config.diff_ids)
    lock = store.join("tmp", f"stack-{hex_of(chain)}.lock")
    with (
        disk.reported(f"unpacking {image.name}", store.path),
        store.activity(),
        disk.locked(lock, timeout=UNPACK_TIMEOUT),
        disk.locked(store.join("locks/gc")),
    ):
        for run in list_runs(store):
            if (run.live or run.kept) and _uses(run.record, chain, image.config.diff_ids):
                raise UnpackError(
                    f"the tree of {image.name} is in use by the run {run.id}", hint="remove the run first"
                )
        going = [os.path.dirname(store.stack_path(chain)), *map(store.layer_path, image.config.diff_ids)]
        horizon = leases.horizon(store.join("tmp"))
        for path in going:
            with contextlib.suppress(FileNotFoundError):
                if horizon is not None and os.stat(path).st_mtime_ns >= horizon:
                    raise UnpackError(f"the tree of {image.name} is in use", hint="try again later")
        for path in going:
            store.discard(path)


def _uses(record: RunRecord | None, chain: Digest, diff_ids: list[Digest]) -> bool:
    return record is None or record.chain == chain or not set(diff_ids).isdisjoint(record.layers)


def unpack_to(store: Store, image: StoredImage, destination: str, *, force: bool = False) -> str:
    """The image's tree at `destination`, which must not exist or be an empty directory; with `force` any
    directory, which is replaced when the new one is whole.

    As root the files get their owners; for anyone else ownership is kept beside them, as in the store.
    """
    destination = os.path.abspath(destination)
    parent, name = os.path.split(destination)
    _check_destination(destination, force)
    staged = os.path.join(parent, f".{name[:100]}.elfuse-{os.urandom(6).hex()}")
    owner = "host" if os.geteuid() == 0 else "virtual"
    with disk.reported(f"unpacking {image.name} to {destination}", parent):
        os.mkdir(staged, 0o755)
        try:
            apply_layers(store, image, staged, owner=owner)
            _put_in_place(staged, destination, force)
        except BaseException:
            remove_tree(staged)
            raise
    return destination


def _check_destination(destination: str, force: bool) -> None:
    if not os.path.lexists(destination):
        return
    if os.path.islink(destination) or not os.path.isdir(destination):
        raise UnpackError(f"cannot unpack to {destination}: it exists and is no directory")
    if os.listdir(destination) and not force:
        raise UnpackError(
            f"cannot unpack to {destination}: it exists and is not an empty directory",
            hint="--force replaces it",
        )


def _put_in_place(staged: str, destination: str, force: bool) -> None:
    if not force or not os.path.lexists(destination):
        os.rename(staged, destination)
        return
    old = f"{staged}.old"
    os.rename(destination, old)
    try:
        os.rename(staged, destination)
    except BaseException:
        os.rename(old, destination)
        raise
    remove_tree(old)


def apply_layers(store: Store, image: StoredImage, rootfs: str, *, owner: str) -> None:
    root_fd = os.open(rootfs, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        _give_time(root_fd)
        for layer, diff_id in zip(image.manifest.layers, image.config.diff_ids, strict=True):
            BlobLayer(store, image.name, layer, diff_id).extract(root_fd, owner=owner, cancelled=_never)
    finally:
        os.close(root_fd)
