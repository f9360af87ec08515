/*
 * sparse.h - which parts of a sparse file a tar holds, in each of GNU tar's formats: the 'S' entry
 * ("oldgnu") and PAX 0.0, 0.1 and 1.0. Star's own is another one, which no layer is known to have.
 */
#ifndef ELFUSE_LAYER_SPARSE_H
#define ELFUSE_LAYER_SPARSE_H

#include <stdbool.h>

#include "layer/stream.h"
#include "layer/tar_field.h"

struct sparse {
    struct sparse_extent {
        uint64_t offset, size;
    } * extents; /* owned */
    size_t count, room;
    uint64_t size;     /* of the file, holes and all */
    uint64_t map_size; /* bytes of the entry's body that were read for the map */
};

void sparse_free(struct sparse *s); /* and makes it empty */

/* Each fills an empty map of the entry called path: codes, err filled. */

/* The header of an 'S' entry, and the blocks after it that continue the map. */
int sparse_read_gnu(struct sparse *s, const struct tar_header *h, struct stream *in,
                    const char *path);
/* PAX 0.0 and 0.1: "OFFSET,SIZE,OFFSET,SIZE...". */
int sparse_parse(struct sparse *s, const char *text, const char *path, struct layer_error *err);
/* PAX 1.0: the body begins with the map, one number a line, up to a whole block. */
int sparse_read_body(struct sparse *s, struct stream *in, uint64_t body, const char *path);

/* In order, without an overlap, within the file, and exactly as many bytes as the body has. */
int sparse_check(const struct sparse *s, uint64_t data, const char *path, struct layer_error *err);

#endif
