/*
 * stream.h - the uncompressed bytes of a blob, counted and hashed.
 *
 * Bytes after the tar's end belong to the diffID and are hashed as well. A blob that is not small
 * is read and decompressed on a thread of the stream's own (pipeline.h).
 */
#ifndef ELFUSE_LAYER_STREAM_H
#define ELFUSE_LAYER_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "layer/error.h"

struct stream;

/* err of the request's life: each call below that fails has filled it. */
int stream_open(struct stream **out, const struct layer_request *req, struct layer_error *err);
void stream_close(struct stream *s);

/* At least one byte at *data, *len of them, valid until the next call: 1; 0 at the end; or a
 * negative code. */
int stream_peek(struct stream *s, const uint8_t **data, size_t *len);
void stream_consume(struct stream *s, size_t len); /* len <= what stream_peek() gave */

/* Exactly len bytes: 1; 0 when the stream ended before the first; LAYER_E_FORMAT when it ended in
 * between. */
int stream_read(struct stream *s, void *buf, size_t len);
int stream_skip(struct stream *s, uint64_t len);
/* As far as there is something: what is left to skip at the end of the stream stays in *len. */
int stream_skip_some(struct stream *s, uint64_t *len);

/* Drains both ends and verifies size, digest and diffID; fills the figures of stats. */
int stream_finish(struct stream *s, struct layer_stats *stats);

/* After LAYER_E_FORMAT: when the blob is not the one demanded, that is the cause to name. */
void stream_explain(struct stream *s);

struct layer_error *stream_error(struct stream *s);

#endif
