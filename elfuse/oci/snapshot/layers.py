"""Raw layers: each is unpacked once, alone, whatever images have it, and shared by all their trees.

`layers/sha256/<diffID>/` holds `layer.json` and, when the layer stands alone, its `tree` in overlayfs's form
(csrc/layer/raw.h). One that needs what lower layers hold has no tree, and is applied to each stack anew.
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

from elfuse import _core
from elfuse.errors import ContentMismatch, UnpackError
from elfuse.oci import disk
from elfuse.oci.digest import Digest, hex_of, new_hasher
from elfuse.oci.image import Descriptor
from elfuse.oci.layout import Store, make_private
from elfuse.oci.runs import homes, scratch_store
from elfuse.oci.snapshot.limits import layer_limits, raising
from elfuse.oci.stored import StoredImage
from elfuse.oci.work import run_all

# A big image takes seconds; a lock held for an hour is a process that hangs.
UNPACK_TIMEOUT = 3600.0
_RECORD = "layer.json"


class RawLayer(NamedTuple):
    """A layer's directory and what its record says. tree: None for a layer that does not stand alone.
    has_root: the layer has an entry for its root; else the root of `tree` says nothing."""

    tree: str | None
    has_root: bool
    has_links: bool
    has_whiteouts: bool


def ensure_layers(store: Store, image: StoredImage) -> list[str] | None:
    """The directories of the image's layers, bottom first, unpacked now where they are not yet; None when
    they are no stack by themselves, and the image needs a merged tree (stack.py).

    Each is in the form that overlayfs reads with `userxattr`. One that `root_source` does not name has a
    root directory that says nothing. A run names them in its record.
    """
    found = layers_here(store, image.config.diff_ids)
    if found is None:
        with disk.reported(f"unpacking {image.name}", store.path), gathered(store, image) as layers:
            layers.publish()
            found = [layers.read(diff_id) for diff_id in image.config.diff_ids]
    trees = [layer.tree for layer in found if layer.tree is not None]
    # overlayfs looks for no whiteouts in the lowest layer, and would show them as files.
    if len(trees) < len(found) or not found or found[0].has_whiteouts:
        return None
    return trees


def root_source(store: Store, image: StoredImage) -> str | None:
    """The tree whose root has the attributes of the image's root, if any layer says them."""
    found = layers_here(store, image.config.diff_ids) or []
    return next((layer.tree for layer in reversed(found) if layer.has_root), None)


def layers_here(store: Store, diff_ids: list[Digest]) -> list[RawLayer] | None:
    """The layers, claimed, when all of them are here."""
    found: list[RawLayer] = []
    for diff_id in diff_ids:
        directory = claimed(store, diff_id)
        if directory is None:
            return None
        found.append(read_record(directory))
    return found


def claimed(store: Store, diff_id: Digest) -> str | None:
    for home in homes(store):
        if home.claim_layer(diff_id):
            return home.layer_path(diff_id)
    return None


def read_record(directory: str) -> RawLayer:
    path = os.path.join(directory, _RECORD)
    try:
        with open(path, "rb") as file:
            said = json.loads(file.read(4096))
        tree = os.path.join(directory, "tree") if said["alone"] else None
        return RawLayer(tree, bool(said["root"]), bool(said["links"]), bool(said["whiteouts"]))
    except (ValueError, KeyError, TypeError):
        raise UnpackError(f"{path} is damaged", hint="elfuse oci verify --repair") from None


def lock_path(home: Store, diff_id: Digest) -> str:
    return home.join("tmp", f"layer-{hex_of(diff_id)}.lock")


def writable_home(store: Store) -> Store:
    """Where layers and trees are made: that of a store that one may only read is where its runs lie."""
    return store if store.is_writable() else scratch_store(store)


# -- one layer


def stage(home: Store, extract: Callable[[int], "_core.LayerStats"]) -> str:
    """A layer's directory, whole but neither durable nor visible. `extract` gets the tree's descriptor."""
    staged = home.staging_directory("layer")
    tree = os.path.join(staged, "tree")
    record: dict[str, object] = {"alone": True, "root": False, "links": False, "whiteouts": False}
    try:
        os.mkdir(tree, 0o755)
        tree_fd = os.open(tree, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            stats = extract(tree_fd)
            record["root"] = stats["has_root"]
            record["links"] = stats["hardlinks"] > 0
            record["whiteouts"] = stats["whiteouts"] > 0
        except _core.LayerDepends as error:
            record["alone"], record["why"] = False, str(error)
            remove_tree(tree)
        finally:
            os.close(tree_fd)
        record_fd = os.open(os.path.join(staged, _RECORD), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(record_fd, "w", encoding="ascii") as file:
            json.dump(record, file)
    except BaseException:
        remove_tree(staged)
        raise
    return staged


def publish(home: Store, staged: dict[Digest, str]) -> None:
    """Give staged layers, which are durable by now, their names. The caller holds their locks."""
    if not staged:
        return
    make_private(home.path, "layers/sha256")
    for diff_id, directory in staged.items():
        home.discard(home.layer_path(diff_id))  # a damaged one
        os.rename(directory, home.layer_path(diff_id))
    disk.fsync_directory(home.join("layers/sha256"))


class BlobLayer:
    """A layer as a blob of the store, with the words for what can be wrong with it."""

    def __init__(self, store: Store, image: str, layer: Descriptor, diff_id: Digest) -> None:
        self._store = store
        self._layer = layer
        self._diff_id = diff_id
        self._what = f"layer {layer.digest} of {image}"

    def extract(
        self, root_fd: int, *, owner: str = "virtual", raw: bool = False, cancelled: Callable[[], bool]
    ) -> "_core.LayerStats":
        """Into the tree at root_fd. The diffID says whether the bytes are right; the blob's own digest was
        verified when it came, and is asked again only to find out what is wrong."""
        try:
            blob_fd = os.open(self._store.blob_path(self._layer.digest), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise UnpackError(
                f"{self._what} is missing from the store", hint="pull the image again"
            ) from None
        try:
            return _core.extract_layer(
                blob_fd,
                root_fd,
                blob_digest=None,
                blob_size=self._layer.size,
                diff_id=self._diff_id,
                owner=owner,
                raw=raw,
                cancelled=cancelled,
                **layer_limits(),
            )
        except _core.LayerDepends:
            raise
        except _core.LayerLimit as error:
            raise UnpackError(f"{self._what}: {error}", hint=raising(error)) from None
        except _core.LayerError as error:
            if self._is_damaged(blob_fd):
                # Out of the way, so that the next pull fetches it instead of trusting it.
                self._store.discard_blob(self._layer.digest)
                raise ContentMismatch(
                    f"{self._what} is damaged in the store", hint="pull the image again"
                ) from None
            kind = ContentMismatch if isinstance(error, _core.DigestMismatch) else UnpackError
            raise kind(f"{self._what}: {error}") from None
        except InterruptedError:
            raise
        except OSError as error:
            raise UnpackError(f"{self._what}: {error.strerror or error}") from None
        finally:
            os.close(blob_fd)

    def _is_damaged(self, blob_fd: int) -> bool:
        hasher = new_hasher()
        size = 0
        while chunk := os.pread(blob_fd, 1 << 20, size):
            hasher.update(chunk)
            size += len(chunk)
        return size != self._layer.size or "sha256:" + hasher.hexdigest() != self._layer.digest


# -- all layers of an image


class Gathered:
    """The layers of an image: those that were here, and those that have been staged, under their locks."""

    def __init__(self, home: Store) -> None:
        self._home = home
        self._here: dict[Digest, str] = {}
        self._staged: dict[Digest, str] = {}

    def found(self, diff_id: Digest, directory: str) -> None:
        self._here[diff_id] = directory

    def made(self, diff_id: Digest, directory: str) -> None:
        self._staged[diff_id] = directory

    def read(self, diff_id: Digest) -> RawLayer:
        return read_record(self._staged.get(diff_id) or self._here[diff_id])

    def publish(self, *, durable: bool = False) -> None:
        """Make the staged ones visible; durable: the caller has synced them."""
        if self._staged and not durable:
            disk.sync_filesystem(self._home.join("tmp"))
        publish(self._home, self._staged)
        self._here.update({diff_id: self._home.layer_path(diff_id) for diff_id in self._staged})
        self._staged.clear()

    def discard(self) -> None:
        for directory in self._staged.values():
            remove_tree(directory)


@contextlib.contextmanager
def gathered(store: Store, image: StoredImage) -> Iterator[Gathered]:
    """All layers of the image, those that are missing extracted at the same time. Unless they are published
    before the end, they are gone."""
    home = writable_home(store)
    layers = Gathered(home)
    missing: list[Digest] = []
    with home.activity(), contextlib.ExitStack() as held:
        # In one order, so that two images which share layers do not wait for each other.
        for diff_id in sorted(set(image.config.diff_ids)):
            directory = claimed(store, diff_id)
            if directory is None:
                held.enter_context(disk.locked(lock_path(home, diff_id), timeout=UNPACK_TIMEOUT))
                directory = claimed(store, diff_id)
            if directory is None:
                missing.append(diff_id)
            else:
                layers.found(diff_id, directory)
        try:
            _extract(store, home, image, missing, layers)
            yield layers
        finally:
            layers.discard()


def _extract(store: Store, home: Store, image: StoredImage, missing: list[Digest], layers: Gathered) -> None:
    stopped: list[bool] = []

    def job(layer: Descriptor, diff_id: Digest) -> None:
        blob = BlobLayer(store, image.name, layer, diff_id)
        layers.made(
            diff_id,
            stage(home, lambda fd: blob.extract(fd, raw=True, cancelled=lambda: bool(stopped))),
        )

    wanted = dict(zip(image.config.diff_ids, image.manifest.layers, strict=True))
    store.claim_blobs(wanted[diff_id] for diff_id in missing)
    missing = sorted(missing, key=lambda diff_id: -wanted[diff_id].size)
    jobs = [lambda d=diff_id: job(wanted[d], d) for diff_id in missing]
    run_all(jobs, os.cpu_count() or 1, lambda: stopped.append(True))


def remove_tree(tree: str) -> None:
    parent, name = os.path.split(tree)
    with contextlib.suppress(OSError):
        fd = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            _core.remove_tree(fd, name)
        finally:
            os.close(fd)
