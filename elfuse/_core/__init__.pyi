"""Typed calls into libelfuse: no logic of its own. Errors are OSError subclasses or the classes below."""

from collections.abc import Callable
from typing import TypedDict, type_check_only

class LayerError(Exception):
    """A layer that cannot be applied. The message names the entry and the cause."""

class LayerDepends(LayerError):
    """The layer does not stand alone: it needs the layers below. Its digests were right."""

class DigestMismatch(LayerError):
    """The blob's or the uncompressed stream's digest, or its size, is not the one demanded."""

class LayerLimit(LayerError):
    """The layer passes one of extract_layer's limits: `limit` is the argument's name."""

    limit: str

@type_check_only
class LayerStats(TypedDict):
    blob_size: int  # compressed bytes read
    tar_size: int  # uncompressed bytes
    diff_id: str  # "sha256:<hex>" of the uncompressed stream
    blob_digest: str  # "sha256:<hex>" of the compressed bytes; empty when none was demanded
    files: int
    directories: int
    symlinks: int
    hardlinks: int
    whiteouts: int
    others: int  # devices, kept as empty files with override metadata, and FIFOs
    dropped_xattrs: int  # not a layer's to set, or refused by the file system
    has_root: bool  # there was an entry for the root

def extract_layer(
    blob_fd: int,
    root_fd: int,
    *,
    blob_digest: str | None,
    blob_size: int | None,
    diff_id: str | None,
    owner: str = "virtual",
    raw: bool = False,
    cancelled: Callable[[], bool] | None = None,
    entries: int = 0,
    tar_size: int = 0,
    ratio: int = 0,
) -> LayerStats:
    """Apply one layer blob onto the tree at root_fd (an O_DIRECTORY descriptor), releasing the GIL.

    Compression (gzip, zstd, none) is told by the content. The blob is read from its current offset to
    its end; digest and size are those of the compressed bytes, diff_id of the uncompressed ones. All are
    verified before the call returns; on any error the tree is in an unspecified state and must be
    discarded. What the host refuses (no space, no permission) is an OSError, a layer's own fault a
    LayerError. owner: "virtual" keeps uid, gid, mode and device numbers in
    `user.containers.override_stat`; "host" applies them to the files (for `unpack` as root).

    raw: the tree is empty and gets the layer alone, as overlayfs keeps one (csrc/layer/raw.h); raises
    LayerDepends, once all digests were verified, for a layer that is not to be had alone. cancelled: asked
    now and then, from any thread; when true, InterruptedError is raised.
    entries, tar_size and ratio (uncompressed bytes a blob byte, past the first GiB) are limits, which raise
    LayerLimit; 0 is 8 Mi, 1 TiB and 4096.
    """

@type_check_only
class MergeStats(TypedDict):
    files: int
    directories: int
    others: int
    unlinked: int  # taken away, and perhaps one of several names

def merge_layer(raw_fd: int, root_fd: int, *, with_root: bool) -> MergeStats:
    """Lay a raw layer over the tree at root_fd, files by further names, releasing the GIL.

    The tree is then what applying the layer to it would have made, but for the counts of links, for which
    count_links() is to be called once at the end when anything was unlinked. with_root: the layer has an
    entry for its root.
    """

def count_links(root_fd: int) -> None:
    """Make the link counts that a tree of shared files records right (csrc/layer/links.h)."""

@type_check_only
class BlobStats(TypedDict):
    blob_size: int  # compressed bytes read
    tar_size: int  # uncompressed bytes
    diff_id: str  # "sha256:<hex>" of the uncompressed stream
    blob_digest: str  # "sha256:<hex>" of the compressed bytes; empty when none was demanded

def inflate_blob(
    blob_fd: int,
    out_fd: int,
    *,
    blob_digest: str | None = None,
    blob_size: int | None = None,
    diff_id: str | None = None,
    limit: int = 0,
    ratio: int = 0,
) -> BlobStats:
    """Write a blob's uncompressed bytes to out_fd (-1: only count and hash them), releasing the GIL.

    Compression, digests and errors as for extract_layer; what was written before an error is to be
    discarded. limit: bytes that may come out, ratio: how many a blob byte past the first GiB; 0 is the
    default of extract_layer.
    """

def open_in_root(root_fd: int, path: str, flags: int, mode: int = 0) -> int:
    """As openat2(RESOLVE_IN_ROOT): a descriptor of a path that cannot leave root_fd, whatever its symlinks.

    Close-on-exec, like every descriptor that Python makes.
    """

def remove_tree(dir_fd: int, name: str) -> None:
    """Remove a directory tree that may be hostile or unreadable (mode 0), never following a symlink."""

def vdso_image() -> bytes:
    """The synthetic vDSO page as the guest sees it, with its time page unseeded."""

def syscall_table() -> list[tuple[int, str, str]]:
    """(number, name, signature) of each row of syscalls.def."""

def vm_path() -> str:
    """Path of the elfuse-vm launcher shipped in this package."""
