"""Unpacking: all layers in order onto one tree, which gets its name only when it is whole and durable."""

import contextlib
import os

from elfuse import _core
from elfuse.errors import ContentMismatch, UnpackError
from elfuse.oci import disk, leases
from elfuse.oci.digest import Digest, chain_id, hex_of, new_hasher
from elfuse.oci.image import Descriptor
from elfuse.oci.layout import Store
from elfuse.oci.runs import homes, list_runs, scratch_store
from elfuse.oci.snapshot.limits import layer_limits, raising
from elfuse.oci.stored import StoredImage

# A big image takes seconds; a lock held for an hour is a process that hangs.
_UNPACK_TIMEOUT = 3600.0


def ensure_stack(store: Store, image: StoredImage) -> str:
    """The read-only tree of the image's ChainID. One process unpacks; others wait for it.

    That of a store that one may only read is made where its runs lie (runs.py).
    """
    chain = chain_id(image.config.diff_ids)
    with disk.reported(f"unpacking {image.name}", store.path):
        for home in homes(store):
            if home.claim_stack(chain):
                return home.stack_path(chain)
        home = store if store.is_writable() else scratch_store(store)
        lock = home.join("tmp", f"stack-{hex_of(chain)}.lock")
        with home.activity(), disk.locked(lock, timeout=_UNPACK_TIMEOUT):
            if not home.claim_stack(chain):
                store.claim_blobs(image.manifest.layers)
                _make_stack(store, home, image, chain)
            return home.stack_path(chain)


def _make_stack(store: Store, home: Store, image: StoredImage, chain: Digest) -> None:
    stack = os.path.dirname(home.stack_path(chain))
    staged = home.staging_directory("stack")
    try:
        rootfs = os.path.join(staged, "rootfs")
        os.mkdir(rootfs, 0o755)
        apply_layers(store, image, rootfs, owner="virtual")
        disk.sync_filesystem(staged)
        os.rename(staged, stack)
    except BaseException:
        _remove(staged)
        raise
    disk.fsync_directory(os.path.dirname(stack))


def renew_stack(store: Store, image: StoredImage) -> None:
    """Let go of the image's tree, so that it is unpacked anew. Raises UnpackError while a run uses it."""
    chain = chain_id(image.config.diff_ids)
    lock = store.join("tmp", f"stack-{hex_of(chain)}.lock")
    with (
        disk.reported(f"unpacking {image.name}", store.path),
        store.activity(),
        disk.locked(lock, timeout=_UNPACK_TIMEOUT),
        disk.locked(store.join("locks/gc")),
    ):
        for run in list_runs(store):
            if (run.live or run.kept) and (run.record is None or run.record.chain == chain):
                raise UnpackError(
                    f"the tree of {image.name} is in use by the run {run.id}", hint="remove the run first"
                )
        stack = os.path.dirname(store.stack_path(chain))
        with contextlib.suppress(FileNotFoundError):
            horizon = leases.horizon(store.join("tmp"))
            if horizon is not None and os.stat(stack).st_mtime_ns >= horizon:
                raise UnpackError(f"the tree of {image.name} is in use", hint="try again later")
        store.discard(stack)


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
            _remove(staged)
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
    _remove(old)


def apply_layers(store: Store, image: StoredImage, rootfs: str, *, owner: str) -> None:
    root_fd = os.open(rootfs, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        # Kept unless a layer names the root: not the time of the unpacking, so that each gives the same tree.
        os.utime(root_fd, (0, 0))
        for layer, diff_id in zip(image.manifest.layers, image.config.diff_ids, strict=True):
            _apply_layer(store, image, layer, diff_id, root_fd, owner)
    finally:
        os.close(root_fd)


def _apply_layer(
    store: Store, image: StoredImage, layer: Descriptor, diff_id: str, root_fd: int, owner: str
) -> None:
    what = f"layer {layer.digest} of {image.name}"
    try:
        blob_fd = os.open(store.blob_path(layer.digest), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise UnpackError(f"{what} is missing from the store", hint="pull the image again") from None
    try:
        _core.extract_layer(
            blob_fd,
            root_fd,
            blob_digest=layer.digest,
            blob_size=layer.size,
            diff_id=diff_id,
            owner=owner,
            **layer_limits(),
        )
    except _core.DigestMismatch as error:
        if _is_damaged(blob_fd, layer):
            # Out of the way, so that the next pull fetches it instead of trusting it.
            store.discard_blob(layer.digest)
            raise ContentMismatch(f"{what} is damaged in the store", hint="pull the image again") from None
        raise ContentMismatch(f"{what}: {error}") from None
    except _core.LayerLimit as error:
        raise UnpackError(f"{what}: {error}", hint=raising(error)) from None
    except _core.LayerError as error:
        raise UnpackError(f"{what}: {error}") from None
    except OSError as error:
        raise UnpackError(f"{what}: {error.strerror or error}") from None
    finally:
        os.close(blob_fd)


def _is_damaged(blob_fd: int, layer: Descriptor) -> bool:
    hasher = new_hasher()
    size = 0
    while chunk := os.pread(blob_fd, 1 << 20, size):
        hasher.update(chunk)
        size += len(chunk)
    return size != layer.size or "sha256:" + hasher.hexdigest() != layer.digest


def _remove(tree: str) -> None:
    parent, name = os.path.split(tree)
    with contextlib.suppress(OSError):
        fd = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            _core.remove_tree(fd, name)
        finally:
            os.close(fd)
