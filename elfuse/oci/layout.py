"""The store on disk: an OCI image layout that skopeo and umoci read as it lies, and more beside it.

    oci-layout, index.json   as image-spec image-layout.md says; one descriptor a pin, the platform's
                             leaf manifest, named by org.opencontainers.image.ref.name
    blobs/sha256/            immutable, each verified before it got its name
    elfuse.json              the version of all that follows
    stacks/sha256/<ChainID>/rootfs
                             unpacked, read-only trees. The directory around each is elfuse's own: a tree
                             whose root the image made unwritable could not be renamed by its owner
    runs/<id>/               the writable part of a run; its `lock` is held while the run lives
    tmp/                     whatever is being made; worthless after a crash except *.part, which resumes
    trash/                   trees on their way out
    locks/                   index (writers of index.json), activity (users of tmp/), trash

Every write is stage, fsync, rename, fsync of the directory, so a crash at any instruction leaves a
store that opens and serves what it served before. Files are private: 0700 and 0600.
"""

import contextlib
import errno
import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from elfuse.errors import ContentMismatch, InvalidImage, StoreError
from elfuse.oci import disk, media
from elfuse.oci.blobs import PartialBlob
from elfuse.oci.digest import Digest, digest_of, hex_of, parse_digest
from elfuse.oci.image import DOCUMENT_LIMIT, Descriptor, load_json
from elfuse.oci.reference import ref_name

SCHEMA = 1
INDEX_LIMIT = 64 << 20
PARTIAL_AGE = 7 * 24 * 3600.0
_DIRECTORIES = ("blobs/sha256", "stacks/sha256", "runs", "tmp", "trash", "locks")
_KNOWN = frozenset({"oci-layout", "index.json", "elfuse.json", "blobs", *_DIRECTORIES, "stacks"})


class Pin(msgspec.Struct, frozen=True):
    """One named image of the store."""

    name: str
    manifest: Descriptor
    index: Digest | None  # the multi-platform index that it was chosen from
    whole: bool = False  # whether the index is here with all that it names


def default_path() -> str:
    chosen = os.environ.get("ELFUSE_STORE")
    if chosen:
        return os.path.abspath(chosen)
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
        if schema != SCHEMA:
            raise StoreError(
                f"the store {self.path} has schema {schema!r}; this elfuse knows {SCHEMA}",
                hint="use a newer elfuse or another ELFUSE_STORE",
            )
        return True

    def _create(self) -> None:
        os.makedirs(self.path, mode=0o700, exist_ok=True)
        foreign = sorted(set(os.listdir(self.path)) - _KNOWN)
        if foreign:
            raise StoreError(
                f"{self.path} is no elfuse store: it holds {foreign[0]!r}",
                hint="name an empty directory with ELFUSE_STORE",
            )
        for name in _DIRECTORIES:
            _make_private(self.path, name)
        with disk.locked(self.join("locks/index")):
            self._write_once("oci-layout", {"imageLayoutVersion": "1.0.0"})
            self._write_once(
                "index.json", {"schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": []}
            )
            # Last: its presence says that all the rest is there.
            self._write_once("elfuse.json", {"schema": SCHEMA})

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

    def read_document(self, digest: Digest, what: str) -> bytes:
        """A small blob, verified against its name."""
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
    ) -> PartialBlob:
        return PartialBlob(self.join("tmp"), self.blob_path(digest), digest, size, cancelled)

    def discard_blob(self, digest: Digest) -> None:
        """Remove a blob that proved to be damaged, so that a pull fetches it anew."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.blob_path(digest))

    # -- pins

    def pins(self) -> list[Pin]:
        result = []
        for entry in self._read_index()["manifests"]:
            pin = self._as_pin(entry)
            if pin is not None:
                result.append(pin)
        return result

    def set_pin(
        self, name: str, manifest: Descriptor, index: Digest | None, whole: Descriptor | None = None
    ) -> None:
        """Point `name` at a manifest whose blobs are all in the store. Entries of other tools stay.

        With `whole`, the descriptor of the index, the entry is the index itself, and all that it names is in
        the store too; `manifest` is then the image that is run under this name.
        """
        annotations = {media.REF_NAME: ref_name(name), media.IMAGE_NAME: name}
        if index is not None:
            annotations[media.INDEX_DIGEST] = index
        if whole is not None:
            leaf = msgspec.structs.replace(manifest, annotations=None)
            annotations[media.LEAF] = msgspec.json.encode(leaf).decode()
        target = manifest if whole is None else whole
        entry = msgspec.to_builtins(msgspec.structs.replace(target, annotations=annotations))
        with disk.locked(self.join("locks/index")):
            document = self._read_index()
            kept = [
                other
                for other in document["manifests"]
                if _annotation(other, media.REF_NAME) != annotations[media.REF_NAME]
            ]
            if entry in document["manifests"] and len(kept) == len(document["manifests"]) - 1:
                return  # nothing to write
            document["manifests"] = [*kept, entry]
            data = json.dumps(document, separators=(",", ":")).encode()
            disk.replace_file(self.join("index.json"), data, self.join("tmp"))

    def _read_index(self) -> dict[str, Any]:
        path = self.join("index.json")
        try:
            with open(path, "rb") as file:
                document = load_json(file.read(INDEX_LIMIT + 1), path, limit=INDEX_LIMIT)
        except (InvalidImage, FileNotFoundError) as error:
            raise StoreError(f"the store's index cannot be read: {error}") from None
        if not isinstance(document, dict) or not isinstance(document.get("manifests"), list):
            raise StoreError(f"{path} is no image index")
        return document

    def _as_pin(self, entry: object) -> Pin | None:
        """None for an entry that another tool put there and that names no image of ours."""
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

    # -- stacks

    def stack_path(self, chain: Digest) -> str:
        """Where the tree of a ChainID is, or will be."""
        return self.join("stacks/sha256", hex_of(parse_digest(chain)), "rootfs")

    # -- activity, staging and removal

    @contextlib.contextmanager
    def activity(self) -> Iterator[None]:
        """Hold this while using tmp/: sweep() leaves tmp/ alone as long as anyone does."""
        with disk.locked(self.join("locks/activity"), shared=True):
            yield

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
        return any(os.listdir(self.join(name)) for name in ("trash", "runs", "tmp"))

    def sweep(self) -> None:
        """Clear what crashed and ended processes left. Never waits, never touches what is in use."""
        from elfuse.oci.runs import retire_ended_runs

        retire_ended_runs(self)
        self._sweep_staging()
        self._empty_trash()

    def _sweep_staging(self) -> None:
        fd = disk.open_lock(self.join("locks/activity"))
        try:
            if not disk.try_lock(fd):
                return
            oldest = time.time() - PARTIAL_AGE
            for name in os.listdir(self.join("tmp")):
                path = self.join("tmp", name)
                with contextlib.suppress(FileNotFoundError):
                    status = os.stat(path, follow_symlinks=False)
                    if name.endswith(".part") and status.st_mtime >= oldest and status.st_size:
                        continue
                    if stat.S_ISDIR(status.st_mode):
                        self.discard(path)
                    else:
                        os.unlink(path)
        finally:
            os.close(fd)

    def _empty_trash(self) -> None:
        from elfuse import _core

        fd = disk.open_lock(self.join("locks/trash"))
        try:
            if not disk.try_lock(fd):
                return  # another process is at it
            trash = os.open(self.join("trash"), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                for name in os.listdir(trash):
                    with contextlib.suppress(FileNotFoundError):
                        _core.remove_tree(trash, name)
            finally:
                os.close(trash)
        finally:
            os.close(fd)


def _make_private(root: str, name: str) -> None:
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
