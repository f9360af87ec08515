"""The store on disk: an OCI image layout that skopeo and umoci read as it lies, and more beside it.

    oci-layout, index.json   as image-spec image-layout.md says; one descriptor a pin, the platform's
                             leaf manifest, named by org.opencontainers.image.ref.name
    blobs/sha256/            immutable, each verified before it got its name
    elfuse.json              the version of all that follows
    layers/sha256/<diffID>/  a layer unpacked alone (snapshot/layers.py); made when needed
    stacks/sha256/<ChainID>/rootfs
                             unpacked, read-only trees. The directory around each is elfuse's own: a tree
                             whose root the image made unwritable could not be renamed by its owner
    runs/<id>/               the writable part of a run and `run.json`, what it is; its `lock` is held
                             while the run lives
    tmp/                     whatever is being made; worthless after a crash except *.part, which resumes
    trash/                   trees on their way out
    quarantine/              damaged blobs that `verify --repair` took out; made when needed
    cache/                   what was learned of immutable documents and trees; may be removed at any time
    locks/                   see below

Every write is stage, fsync, rename, fsync of the directory, so a crash at any instruction leaves a
store that opens and serves what it served before. Files are private: 0700 and 0600.

No lock is held over a download. The locks, in the order in which one process takes them:

    locks/activity           shared by users of tmp/, with a lease (leases.py); exclusive, and never waited
                             for, by the sweep of tmp/
    tmp/<digest>.part        the one writer of a blob, across processes
    tmp/stack-<chain>.lock   the one unpacker of a tree
    tmp/layer-<diff>.lock    the one unpacker of a layer; of several, by name
    locks/index              writers of index.json, for as long as one file takes to write
    locks/gc                 shared by who claims (leases.py), exclusive by a prune for each batch it removes
    locks/trash              who empties the trash
    runs/<id>/lock           a run's life

What no root names may be removed at any time, except under a lease by who claimed it. So a pull that finds a
blob claims it, and pins under a lease with `needs`, which claims all once more; a run claims its tree
under a lease that it keeps until its directory, which is a root, has its name.
"""

import contextlib
import errno
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from elfuse.errors import ContentMismatch, InvalidImage, StoreError
from elfuse.oci import disk, leases, media
from elfuse.oci.digest import Digest, digest_of, hex_of, parse_digest

# What only looks at a store loads neither msgspec nor the documents' structs nor the writer of blobs: it has
# to answer in about the time that Python itself takes to start (bench/store.py).
if TYPE_CHECKING:
    from elfuse.oci.blobs import PartialBlob
    from elfuse.oci.image import Descriptor

# 2: leases and run records, without which a prune in another process cannot be safe.
SCHEMA = 2
INDEX_LIMIT = 64 << 20
DIRECTORIES = ("blobs/sha256", "stacks/sha256", "runs", "tmp", "trash", "locks")
_KNOWN = frozenset({"oci-layout", "index.json", "elfuse.json", "blobs", *DIRECTORIES, "stacks"})


class BlobsVanished(StoreError):
    """Blobs that were there are gone: another process pruned them. Fetching them again helps."""


class Pin:
    """One named image of the store. `index` is the multi-platform index that it was chosen from, and `whole`
    whether that is here with all that it names."""

    __slots__ = ("index", "manifest", "name", "whole")

    def __init__(self, name: str, manifest: "Descriptor", index: Digest | None, whole: bool = False) -> None:
        self.name = name
        self.manifest = manifest
        self.index = index
        self.whole = whole


def default_path() -> str:
    """ELFUSE_STORE, else `store` of config.toml, else a folder of the user's data directory."""
    chosen = os.environ.get("ELFUSE_STORE")
    if chosen:
        return os.path.abspath(chosen)
    from elfuse.config_files import any_exists

    if any_exists():
        from elfuse import config

        configured = config.load().store
        if configured:
            return configured
    data = os.environ.get("XDG_DATA_HOME", "").strip()
    if sys.platform == "linux" and os.path.isabs(data):
        return os.path.join(data, "elfuse", "store")  # what platformdirs says, in less time
    from platformdirs import user_data_dir

    return os.path.join(user_data_dir("elfuse"), "store")


class Store:
    """An open store. Stateless apart from its path: many processes may use one store at once."""

    def __init__(self, path: str) -> None:
        self.path = path

    @classmethod
    def open(cls, path: str | None = None) -> "Store":
        """The store at `path` (default: ELFUSE_STORE, else the user's data directory), made if need be."""
        store = cls(os.path.abspath(path) if path else default_path())
        try:
            if not store._has_schema():
                store._create()
        except OSError as error:
            raise StoreError(
                f"cannot use the store {store.path}: {error.strerror}",
                hint="name another directory with ELFUSE_STORE",
            ) from None
        return store

    def _has_schema(self) -> bool:
        try:
            with open(self.join("elfuse.json"), "rb") as file:
                data = file.read(4096)
        except FileNotFoundError:
            return False
        try:
            schema = json.loads(data)["schema"]
        except (ValueError, KeyError, TypeError):
            raise StoreError(f"{self.join('elfuse.json')} is damaged") from None
        if isinstance(schema, int) and 0 < schema < SCHEMA:
            from elfuse.oci.migrate import upgrade

            upgrade(self, schema)
        elif schema != SCHEMA:
            raise StoreError(
                f"the store {self.path} has schema {schema!r}; this elfuse knows {SCHEMA}",
                hint="use a newer elfuse or another ELFUSE_STORE",
            )
        return True

    def _create(self) -> None:
        from elfuse.oci import migrate

        os.makedirs(self.path, mode=0o700, exist_ok=True)
        found = set(os.listdir(self.path))
        of_seed = migrate.is_of_seed(found)
        foreign = sorted(found - _KNOWN - (migrate.SEED_NAMES if of_seed else set()))
        if foreign:
            raise StoreError(
                f"{self.path} is no elfuse store: it holds {foreign[0]!r}",
                hint="name an empty directory with ELFUSE_STORE",
            )
        self.make_parts()
        with disk.locked(self.join("locks/index")):
            self._write_once("oci-layout", {"imageLayoutVersion": "1.0.0"})
            if of_seed:
                migrate.adopt_seed(self)
            migrate.close_to_others(self)
            self._write_once(
                "index.json", {"schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": []}
            )
            # Last: its presence says that all the rest is there.
            self.write_schema()

    def make_parts(self) -> None:
        """The directories, and the locks: a prune must not need room for them on a full disk."""
        for name in DIRECTORIES:
            make_private(self.path, name)
        for name in ("activity", "index", "gc", "trash"):
            os.close(disk.open_lock(self.join("locks", name)))

    def write_schema(self) -> None:
        disk.replace_file(self.join("elfuse.json"), json.dumps({"schema": SCHEMA}).encode(), self.join("tmp"))

    def _write_once(self, name: str, document: dict[str, Any]) -> None:
        if not os.path.exists(self.join(name)):
            disk.replace_file(self.join(name), json.dumps(document).encode(), self.join("tmp"))

    def join(self, *names: str) -> str:
        return os.path.join(self.path, *names)

    # -- blobs

    def blob_path(self, digest: Digest) -> str:
        return self.join("blobs/sha256", hex_of(parse_digest(digest)))

    def has_blob(self, digest: Digest, size: int) -> bool:
        """Whether the blob is here at its full size. Another size is damage, and counts as absent."""
        try:
            status = os.stat(self.blob_path(digest), follow_symlinks=False)
        except FileNotFoundError:
            return False
        return status.st_size == size

    def claim_blobs(self, blobs: "Iterable[Descriptor]") -> "list[Descriptor]":
        """Claim what is here, under a lease. Returns those that are not."""
        with self._claiming() as claim:
            return [blob for blob in blobs if not claim(self.blob_path(blob.digest), blob.size)]

    def claim_blob(self, digest: Digest, size: int) -> bool:
        """has_blob, and a claim to it: under a lease it stays."""
        with self._claiming() as claim:
            return claim(self.blob_path(digest), size)

    def claim_stack(self, chain: Digest) -> bool:
        """Whether the tree of a ChainID is here, and a claim to it."""
        with self._claiming() as claim:
            return os.path.isdir(self.stack_path(chain)) and claim(os.path.dirname(self.stack_path(chain)))

    def claim_layer(self, diff_id: Digest) -> bool:
        """Whether a layer has been unpacked, and a claim to it."""
        with self._claiming() as claim:
            return claim(self.layer_path(diff_id))

    @contextlib.contextmanager
    def _claiming(self) -> Iterator[Callable[..., bool]]:
        """The lock makes looking and touching one step, between the batches of a prune."""
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(disk.locked(self.join("locks/gc"), shared=True))
            except OSError as error:
                if error.errno not in leases.READ_ONLY:
                    raise
            yield _claim

    def read_document(self, digest: Digest, what: str) -> bytes:
        """A small blob, verified against its name."""
        from elfuse.oci.image import DOCUMENT_LIMIT

        try:
            with open(self.blob_path(digest), "rb") as file:
                data = file.read(DOCUMENT_LIMIT + 1)
        except FileNotFoundError:
            raise StoreError(f"{what} {digest} is missing from the store", hint="pull it again") from None
        if digest_of(data) != digest:
            raise ContentMismatch(f"{what} {digest} is damaged in the store", hint="pull it again")
        return data

    def put_document(self, data: bytes) -> Digest:
        """Store a small blob whose digest is its own. Idempotent."""
        digest = digest_of(data)
        if not self._document_is_stored(digest, data):
            disk.replace_file(self.blob_path(digest), data, self.join("tmp"))
        return digest

    def _document_is_stored(self, digest: Digest, data: bytes) -> bool:
        try:
            with open(self.blob_path(digest), "rb") as file:
                return file.read(len(data) + 1) == data
        except FileNotFoundError:
            return False

    def partial_blob(
        self, digest: Digest, size: int, cancelled: Callable[[], bool] = lambda: False
    ) -> "PartialBlob":
        from elfuse.oci.blobs import PartialBlob

        return PartialBlob(self.join("tmp"), self.blob_path(digest), digest, size, cancelled)

    def discard_blob(self, digest: Digest) -> None:
        """Remove a blob that proved to be damaged, so that a pull fetches it anew."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.blob_path(digest))

    # -- pins

    def pins(self) -> list[Pin]:
        result = []
        for entry in self.read_index()["manifests"]:
            pin = _as_pin(entry)
            if pin is not None:
                result.append(pin)
        return result

    def set_pin(
        self,
        name: str,
        manifest: "Descriptor",
        index: Digest | None,
        whole: "Descriptor | None" = None,
        needs: "Iterable[Descriptor] | None" = None,
    ) -> None:
        """Point `name` at a manifest whose blobs are all in the store. Entries of other tools stay.

        With `whole`, the descriptor of the index, the entry is the index itself, and all that it names is in
        the store too; `manifest` is then the image that is run under this name. `needs` are the blobs that
        must be there (None: what the manifest names, if it is here). They are claimed first, so that no
        prune comes between. Raises BlobsVanished, and changes nothing, when some have gone.
        """
        import msgspec

        from elfuse.oci.reference import ref_name

        annotations = {media.REF_NAME: ref_name(name), media.IMAGE_NAME: name}
        if index is not None:
            annotations[media.INDEX_DIGEST] = index
        if whole is not None:
            leaf = msgspec.structs.replace(manifest, annotations=None)
            annotations[media.LEAF] = msgspec.json.encode(leaf).decode()
        target = manifest if whole is None else whole
        entry = msgspec.to_builtins(msgspec.structs.replace(target, annotations=annotations))
        if not self.is_writable() and entry in self.read_index()["manifests"]:
            return
        with disk.locked(self.join("locks/index")):
            missing = self.claim_blobs(_needs_of(self, manifest) if needs is None else needs)
            if missing:
                raise BlobsVanished(f"{name}: blob {missing[0].digest} is missing from the store")
            document = self.read_index()
            kept = [
                other
                for other in document["manifests"]
                if _annotation(other, media.REF_NAME) != annotations[media.REF_NAME]
            ]
            if entry in document["manifests"] and len(kept) == len(document["manifests"]) - 1:
                return  # nothing to write
            self.write_index({**document, "manifests": [*kept, entry]})

    def remove_pins(self, wanted: Callable[[Pin], bool]) -> list[Pin]:
        """Remove the pins that `wanted` says, as one step. What they named stays until a prune."""
        removed = []
        with disk.locked(self.join("locks/index")):
            document = self.read_index()
            kept = []
            for entry in document["manifests"]:
                pin = _as_pin(entry)
                if pin is not None and wanted(pin):
                    removed.append(pin)
                else:
                    kept.append(entry)
            if removed:
                self.write_index({**document, "manifests": kept})
        return removed

    def write_index(self, document: dict[str, Any]) -> None:
        """Replace index.json; the caller holds locks/index."""
        data = json.dumps(document, separators=(",", ":")).encode()
        with self.activity():  # a sweep must not take the staged file
            disk.replace_file(self.join("index.json"), data, self.join("tmp"))

    def read_index(self) -> dict[str, Any]:
        from elfuse.oci.image import load_json

        path = self.join("index.json")
        try:
            with open(path, "rb") as file:
                document = load_json(file.read(INDEX_LIMIT + 1), path, limit=INDEX_LIMIT)
        except (InvalidImage, FileNotFoundError) as error:
            raise StoreError(f"the store's index cannot be read: {error}") from None
        if not isinstance(document, dict) or not isinstance(document.get("manifests"), list):
            raise StoreError(f"{path} is no image index")
        return document

    # -- layers and stacks

    def layer_path(self, diff_id: Digest) -> str:
        """Where a layer alone is, or will be."""
        return self.join("layers/sha256", hex_of(parse_digest(diff_id)))

    def stack_path(self, chain: Digest) -> str:
        """Where the tree of a ChainID is, or will be."""
        return self.join("stacks/sha256", hex_of(parse_digest(chain)), "rootfs")

    # -- activity, staging and removal

    @contextlib.contextmanager
    def activity(self) -> Iterator[None]:
        """Hold this while using tmp/, which no sweep touches meanwhile, and as a lease (leases.py)."""
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(disk.locked(self.join("locks/activity"), shared=True))
            except OSError as error:
                if error.errno not in leases.READ_ONLY:
                    raise
            held.enter_context(leases.hold(self.join("tmp")))
            yield

    def is_writable(self) -> bool:
        """False on a read-only file system, or where this user may only read."""
        return os.access(self.path, os.W_OK)

    def staging_directory(self, prefix: str) -> str:
        path = self.join("tmp", f"{prefix}-{os.urandom(8).hex()}")
        os.mkdir(path, 0o700)
        return path

    def discard(self, path: str) -> None:
        """Move a tree out of sight at once; sweep() removes it."""
        with contextlib.suppress(FileNotFoundError):
            os.rename(path, self.join("trash", os.urandom(8).hex()))

    def needs_sweep(self) -> bool:
        """Cheap: whether there is anything to look at. Live runs make it say yes, too."""
        from elfuse.oci.runs import homes

        return any(
            os.listdir(home.join(name))
            for home in homes(self)
            if home.is_writable()
            for name in ("trash", "runs", "tmp")
        )

    def sweep(self) -> None:
        """Clear what crashed and ended processes left. Never waits, never touches what is in use."""
        from elfuse.oci.sweep import sweep

        sweep(self)


def make_private(root: str, name: str) -> None:
    path = root
    for part in name.split("/"):
        path = os.path.join(path, part)
        try:
            os.mkdir(path, 0o700)
        except OSError as error:
            if error.errno != errno.EEXIST:
                raise


def _annotation(entry: object, key: str) -> object:
    notes = entry.get("annotations") if isinstance(entry, dict) else None
    return notes.get(key) if isinstance(notes, dict) else None


def _claim(path: str, size: int | None = None) -> bool:
    try:
        if size is not None and os.stat(path, follow_symlinks=False).st_size != size:
            return False
        os.utime(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno not in leases.READ_ONLY:
            raise
    return True


def _needs_of(store: Store, manifest: "Descriptor") -> "list[Descriptor]":
    from elfuse.oci.image import Manifest, parse_document

    if not store.has_blob(manifest.digest, manifest.size):
        return []
    document = parse_document(
        store.read_document(manifest.digest, "manifest"), manifest.media_type, "manifest"
    )
    return [manifest, document.config, *document.layers] if isinstance(document, Manifest) else [manifest]


def _as_pin(entry: object) -> Pin | None:
    """None for an entry that another tool put there and that names no image of ours."""
    import msgspec

    from elfuse.oci.image import Descriptor

    try:
        manifest = msgspec.convert(entry, Descriptor)
    except msgspec.ValidationError:
        return None
    notes = manifest.annotations or {}
    name = notes.get(media.IMAGE_NAME) or notes.get(media.REF_NAME)
    whole = manifest.media_type in media.INDEXES and media.LEAF in notes
    if whole:
        try:
            manifest = msgspec.json.decode(notes[media.LEAF], type=Descriptor)
        except msgspec.MsgspecError:
            return None
    if not name or manifest.media_type not in media.MANIFESTS:
        return None
    index = notes.get(media.INDEX_DIGEST)
    return Pin(name, manifest, parse_digest(index) if index else None, whole)
