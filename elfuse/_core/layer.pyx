"""Layer blobs and safe tree calls: arguments in, exceptions out, no logic."""

import os

from cpython.exc cimport PyErr_CheckSignals
from libc.errno cimport EINTR, errno
from libc.string cimport memset
from posix.unistd cimport write


class LayerError(Exception):
    """A layer that cannot be applied. The message names the entry and the cause."""


class LayerDepends(LayerError):
    """The layer does not stand alone: it needs the layers below. Its digests were right."""


class DigestMismatch(LayerError):
    """The blob's or the uncompressed stream's digest, or its size, is not the one demanded."""


class LayerLimit(LayerError):
    """The layer passes a limit that the caller may set: `limit` is the argument's name."""

    def __init__(self, message, limit):
        super().__init__(message)
        self.limit = limit


cdef int check_signals(void *pending, uint64_t blob_bytes) noexcept with gil:
    # Ctrl-C and the like: the exception is kept for the thread that called, as with gil would clear it.
    # Only the main thread gets signals; others are told by the caller's function, the list's first.
    try:
        PyErr_CheckSignals()
        cancelled = (<list>pending)[0]
        if cancelled is not None and cancelled():
            raise InterruptedError(EINTR, "cancelled")
    except BaseException as error:
        (<list>pending).append(error)
        return 1
    return 0


cdef object failure(const layer_error *err, list pending):
    message = (<bytes>err.message).decode("utf-8", "backslashreplace")
    if err.code == LAYER_E_CANCELLED:
        return pending[-1]
    if err.code == LAYER_E_SYSTEM:
        return OSError(err.sys, message)
    if err.code == LAYER_E_DEPENDS:
        return LayerDepends(message)
    if err.code == LAYER_E_DIGEST:
        return DigestMismatch(message)
    if err.code == LAYER_E_LIMIT and err.limit != NULL:
        return LayerLimit(message, (<bytes>err.limit).decode())
    return LayerError(message)


cdef void request(
    layer_request *req, int blob_fd, bytes digest, object blob_size, bytes diff, list pending
):
    """What every call says of its blob; the texts and the list are the caller's, and outlive it."""
    memset(req, 0, sizeof(req[0]))
    req.blob_fd = blob_fd
    if digest is not None:
        req.blob_digest = digest
    if diff is not None:
        req.diff_id = diff
    req.blob_size = -1 if blob_size is None else blob_size
    req.tick = check_signals
    req.tick_arg = <void *>pending


cdef dict blob_stats(const layer_stats *stats):
    return {
        "blob_size": stats.blob_size,
        "tar_size": stats.tar_size,
        "diff_id": (<bytes>stats.diff_id).decode(),
        "blob_digest": (<bytes>stats.blob_digest).decode(),
    }


def extract_layer(
    int blob_fd,
    int root_fd,
    *,
    blob_digest: str | None,
    blob_size: int | None,
    diff_id: str | None,
    str owner not None = "virtual",
    bint raw = False,
    cancelled=None,
    uint64_t entries=0,
    uint64_t tar_size=0,
    uint64_t ratio=0,
):
    """Apply one layer blob onto the tree at root_fd: see __init__.pyi."""
    cdef layer_request req
    cdef layer_stats stats
    cdef layer_error err
    cdef int rc
    cdef bytes digest = None if blob_digest is None else blob_digest.encode()
    cdef bytes diff = None if diff_id is None else diff_id.encode()
    cdef list pending = [cancelled]

    request(&req, blob_fd, digest, blob_size, diff, pending)
    req.root_fd = root_fd
    if owner not in ("virtual", "host"):
        raise ValueError(f"owner is 'virtual' or 'host', not {owner!r}")
    if raw and owner != "virtual":
        raise ValueError("the owners of a raw layer are virtual")
    req.raw = raw
    req.owner = LAYER_OWNER_HOST if owner == "host" else LAYER_OWNER_VIRTUAL
    req.limits.entries = entries
    req.limits.tar_size = tar_size
    req.limits.ratio = ratio
    with nogil:
        rc = layer_extract(&req, &stats, &err)
    if rc < 0:
        raise failure(&err, pending)
    return blob_stats(&stats) | {
        "files": stats.files,
        "directories": stats.directories,
        "symlinks": stats.symlinks,
        "hardlinks": stats.hardlinks,
        "whiteouts": stats.whiteouts,
        "others": stats.others,
        "dropped_xattrs": stats.dropped_xattrs,
        "has_root": bool(stats.has_root),
    }


def merge_layer(int raw_fd, int root_fd, *, bint with_root):
    """Lay a raw layer over the tree at root_fd: see __init__.pyi."""
    cdef merge_stats stats
    cdef layer_error err
    cdef int rc

    with nogil:
        rc = layer_merge(raw_fd, root_fd, with_root, &stats, &err)
    if rc < 0:
        raise failure(&err, [])
    return {
        "files": stats.files,
        "directories": stats.directories,
        "others": stats.others,
        "unlinked": stats.unlinked,
    }


def count_links(int root_fd) -> None:
    """Make the recorded link counts of a tree right: see __init__.pyi."""
    cdef layer_error err
    cdef int rc

    memset(&err, 0, sizeof(err))
    with nogil:
        rc = layer_count_links(root_fd, &err)
    if rc < 0:
        raise failure(&err, [])


cdef int copy_stream(stream *s, int out_fd, layer_error *err) noexcept nogil:
    cdef const uint8_t *data
    cdef size_t length
    cdef ssize_t written
    cdef int rc

    while True:
        rc = stream_peek(s, &data, &length)
        if rc <= 0:
            return rc
        written = length if out_fd < 0 else write(out_fd, data, length)
        if written >= 0:
            stream_consume(s, <size_t>written)
        elif errno != EINTR:
            return layer_fail_sys(err, errno, "writing the uncompressed bytes")


def inflate_blob(
    int blob_fd,
    int out_fd,
    *,
    blob_digest: str | None = None,
    blob_size: int | None = None,
    diff_id: str | None = None,
    uint64_t limit=0,
    uint64_t ratio=0,
):
    """Write the uncompressed bytes of a blob to out_fd: see __init__.pyi."""
    cdef layer_request req
    cdef layer_stats stats
    cdef layer_error err
    cdef stream *s = NULL
    cdef int rc
    cdef bytes digest = None if blob_digest is None else blob_digest.encode()
    cdef bytes diff = None if diff_id is None else diff_id.encode()
    cdef list pending = [None]

    memset(&stats, 0, sizeof(stats))
    memset(&err, 0, sizeof(err))
    request(&req, blob_fd, digest, blob_size, diff, pending)
    req.limits.tar_size = limit
    req.limits.ratio = ratio
    with nogil:
        rc = stream_open(&s, &req, &err)
        if rc == 0:
            rc = copy_stream(s, out_fd, &err)
        if rc == 0:
            rc = stream_finish(s, &stats)
        if rc == LAYER_E_FORMAT:
            stream_explain(s)
            rc = err.code
        stream_close(s)
    if rc < 0:
        raise failure(&err, pending)
    return blob_stats(&stats)


def open_in_root(int root_fd, path, int flags, unsigned mode=0) -> int:
    """A descriptor of a path that cannot leave root_fd, whatever its symlinks."""
    cdef bytes name = os.fsencode(path)
    cdef const char *text = name
    cdef int rc

    if b"\0" in name:
        raise ValueError("embedded null byte")
    with nogil:
        rc = layer_open_in_root(root_fd, text, flags, mode)
    if rc < 0:
        raise OSError(-rc, os.strerror(-rc), path)
    return rc


def remove_tree(int dir_fd, name) -> None:
    """Remove a directory tree that may be hostile or unreadable, never following a symlink."""
    cdef bytes encoded = os.fsencode(name)
    cdef const char *text = encoded
    cdef int rc

    if b"\0" in encoded:
        raise ValueError("embedded null byte")
    with nogil:
        rc = layer_remove_tree(dir_fd, text)
    if rc < 0:
        raise OSError(-rc, os.strerror(-rc), name)
