/* source.h - the blob's bytes as they come, counted, and handed to be hashed. */
#ifndef ELFUSE_LAYER_SOURCE_H
#define ELFUSE_LAYER_SOURCE_H

#include "layer/pipeline.h"

struct source {
    const struct layer_request *req; /* borrowed */
    struct pipeline *pipe;           /* borrowed: its blob ring holds the bytes */
    uint64_t size;                   /* bytes read so far */
    bool at_end;
    bool regular;   /* a file: reading never waits for a writer */
    uint64_t known; /* bytes that are there for sure: a file's rest, else 0 */
};

void source_init(struct source *src, const struct layer_request *req, struct pipeline *pipe);

/* The next bytes, valid until the next call: returns 1, 0 at the end, or a negative code. Reading
 * past the demanded size is an error at once, so that a lying blob costs no more than an honest
 * one. On the pipeline's thread it waits for a writer only until the pipeline is stopped. */
int source_next(struct source *src, const uint8_t **data, size_t *len, struct layer_error *err);

/* Reads what is left, then checks size and digest; text is empty when none was demanded. Not while
 * the pipeline runs. */
int source_finish(struct source *src, char text[DIGEST_TEXT_SIZE], struct layer_error *err);

#endif
