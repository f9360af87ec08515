/* source.h - the blob's bytes as they come, counted and hashed. */
#ifndef ELFUSE_LAYER_SOURCE_H
#define ELFUSE_LAYER_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "layer/digest.h"

#define SOURCE_BUF                                                                                 \
    (256u << 10) /* stays in the second-level cache between read, hash and inflate                 \
                  */

struct source {
    const struct layer_request *req; /* borrowed */
    struct digest digest;
    uint64_t size; /* bytes read so far */
    uint64_t next_tick;
    bool at_end;
    uint8_t *buf; /* owned, SOURCE_BUF bytes */
};

int source_init(struct source *src, const struct layer_request *req, struct layer_error *err);
void source_free(struct source *src);

/* The next bytes, valid until the next call: returns 1, 0 at the end, or a negative code. Reading
 * past the demanded size is an error at once, so that a lying blob costs no more than an honest
 * one. */
int source_next(struct source *src, const uint8_t **data, size_t *len, struct layer_error *err);

/* Reads what is left, then checks size and digest. */
int source_finish(struct source *src, char text[DIGEST_TEXT_SIZE], struct layer_error *err);

#endif
