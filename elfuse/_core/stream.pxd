# The C declarations that stream.pyx calls; the contracts are csrc/layer/layer.h and csrc/layer/stream.h.
from libc.stdint cimport uint8_t, uint64_t

from elfuse._core.layer cimport (
    LAYER_E_CANCELLED, LAYER_E_DIGEST, LAYER_E_FORMAT, LAYER_E_SYSTEM, layer_error, layer_request, layer_stats,
)

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
