/*
 * idset.h - a set of (directory, name) places and a map from directories to numbers, by inode.
 *
 * Inodes, not paths: "lib/x" and "usr/lib/x" are one place when lib is a symlink. Keys are 64-bit
 * hashes under a random seed, taken for equal when they are; a layer cannot aim at a collision that
 * it cannot compute.
 */
#ifndef ELFUSE_LAYER_IDSET_H
#define ELFUSE_LAYER_IDSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct idset {
    uint64_t *keys; /* owned; 0: free */
    size_t *values; /* owned; NULL while all are 0: a plain set takes half the room */
    size_t used, size;
    uint64_t seed[2];
};

int idset_init(struct idset *set); /* 0 or -errno */
void idset_free(struct idset *set);

uint64_t idset_key(const struct idset *set, uint64_t dev, uint64_t ino, const char *name);
int idset_put(struct idset *set, uint64_t key,
              size_t value); /* 0 or -ENOMEM; an old value is replaced */
bool idset_get(const struct idset *set, uint64_t key, size_t *value);

#endif
