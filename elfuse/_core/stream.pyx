"""The uncompressed bytes of a blob, into a file: arguments in, exceptions out, no logic."""

from cpython.exc cimport PyErr_CheckSignals
from libc.errno cimport EINTR, errno
from libc.string cimport memset
from posix.unistd cimport write

from elfuse._core.layer import DigestMismatch, LayerError


cdef int check_signals(void *pending, uint64_t blob_bytes) noexcept with gil:
    # Ctrl-C and the like: the exception is kept for the thread that called, as with gil would clear it.
    try:
        PyErr_CheckSignals()
    except BaseException as error:
        (<list>pending).append(error)
        return 1
    return 0


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
    cdef list pending = []

    memset(&req, 0, sizeof(req))
    memset(&stats, 0, sizeof(stats))
    memset(&err, 0, sizeof(err))
    req.blob_fd = blob_fd
    if digest is not None:
        req.blob_digest = digest
    if diff is not None:
        req.diff_id = diff
    req.blob_size = -1 if blob_size is None else blob_size
    req.limits.tar_size = limit
    req.limits.ratio = ratio
    req.tick = check_signals
    req.tick_arg = <void *>pending
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
    if rc == LAYER_E_CANCELLED:
        raise pending[0]
    if rc < 0:
        message = (<bytes>err.message).decode("utf-8", "backslashreplace")
        if rc == LAYER_E_SYSTEM:
            raise OSError(err.sys, message)
        raise DigestMismatch(message) if rc == LAYER_E_DIGEST else LayerError(message)
    return {
        "blob_size": stats.blob_size,
        "tar_size": stats.tar_size,
        "diff_id": (<bytes>stats.diff_id).decode(),
        "blob_digest": (<bytes>stats.blob_digest).decode(),
    }
