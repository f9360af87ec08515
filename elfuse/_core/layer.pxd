# The C declarations that layer.pyx calls; the contracts are in the headers.
from libc.stdint cimport int64_t, uint8_t, uint64_t

cdef extern from "layer/layer.h" nogil:
    cdef enum layer_code:
        LAYER_E_SYSTEM
        LAYER_E_FORMAT
        LAYER_E_DIGEST
        LAYER_E_LIMIT
        LAYER_E_CANCELLED
        LAYER_E_DEPENDS

    cdef enum layer_owner:
        LAYER_OWNER_VIRTUAL
        LAYER_OWNER_HOST

    cdef struct layer_error:
        int code
        int sys
        const char *limit
        char message[768]

    cdef struct layer_limits:
        uint64_t entries
        uint64_t tar_size
        uint64_t ratio

    cdef struct layer_request:
        int blob_fd
        int root_fd
        const char *blob_digest
        int64_t blob_size
        const char *diff_id
        layer_owner owner
        bint raw
        layer_limits limits
        int (*tick)(void *arg, uint64_t blob_bytes) noexcept nogil
        void *tick_arg

    cdef struct layer_stats:
        uint64_t blob_size
        uint64_t tar_size
        char blob_digest[160]
        char diff_id[160]
        uint64_t files
        uint64_t directories
        uint64_t symlinks
        uint64_t hardlinks
        uint64_t whiteouts
        uint64_t others
        uint64_t dropped_xattrs
        bint has_root

    int layer_extract(const layer_request *req, layer_stats *stats, layer_error *err)
    int layer_open_in_root(int root_fd, const char *path, int flags, unsigned mode)
    int layer_remove_tree(int dir_fd, const char *name)

cdef extern from "layer/merge.h" nogil:
    cdef struct merge_stats:
        uint64_t files
        uint64_t directories
        uint64_t others
        uint64_t unlinked

    int layer_merge(int raw_fd, int root_fd, bint with_root, merge_stats *stats, layer_error *err)

cdef extern from "layer/links.h" nogil:
    int layer_count_links(int root_fd, layer_error *err)

cdef extern from "layer/stream.h" nogil:
    cdef struct stream:
        pass

    int stream_open(stream **out, const layer_request *req, layer_error *err)
    void stream_close(stream *s)
    int stream_peek(stream *s, const uint8_t **data, size_t *len)
    void stream_consume(stream *s, size_t len)
    int stream_finish(stream *s, layer_stats *stats)
    void stream_explain(stream *s)

cdef extern from "layer/error.h" nogil:
    int layer_fail_sys(layer_error *err, int sys, const char *format, ...)
