/*
 * merge.h - a raw layer (raw.h) onto the tree of the layers below it.
 *
 * The result is what applying the layer's blob to that tree would give. Files get further names,
 * not copies; where the file system refuses (another one, or too many links) a copy that shares its
 * data if it can. Neither tree's names are followed. The raw tree is only read.
 *
 * What then holds of both trees: no file in them may be written to, as others share it.
 */
#ifndef ELFUSE_LAYER_MERGE_H
#define ELFUSE_LAYER_MERGE_H

#include <stdbool.h>

#include "layer/layer.h"

struct merge_stats {
    uint64_t files, directories, others;
    uint64_t
        unlinked; /* taken away, and perhaps one of several names: layer_count_links() is due */
};

/* with_root: the layer has an entry for its root, whose attributes are then the tree's. Codes of
 * layer.h; after a failure the tree must be discarded. */
int layer_merge(int raw_fd, int root_fd, bool with_root, struct merge_stats *stats,
                struct layer_error *err);

#endif
