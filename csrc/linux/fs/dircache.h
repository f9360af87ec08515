/*
 * dircache.h - which directories of an overlay's layers make up a directory of the guest's.
 *
 * Found out anew it takes four host calls for each component of a path. Kept, by path, it is right
 * as long as no directory of the overlay was made, moved, removed or copied up by any process of
 * the run, which fs_shared.directories counts. Host directories of lower layers never change.
 */
#ifndef ELFUSE_FS_DIRCACHE_H
#define ELFUSE_FS_DIRCACHE_H

#include <stddef.h>
#include <stdint.h>

struct dir_cache;
struct fs_mount;

/* The directories that merge, top first, as private O_PATH descriptors. Not to be changed. */
struct dir_stage {
    uint64_t generation;
    uint32_t hash;
    int refs; /* under the cache's lock */
    int n;
    int *layer, *fd;
    size_t rel_len;
    char rel[];
};

struct dir_cache *dir_cache_new(void);
void dir_cache_free(struct dir_cache *cache);

/* The number that the mount's directories have now, or 0 while they change. */
uint64_t dir_generation(const struct fs_mount *m);

/* What is known of the directory rel[len], for the caller to put; NULL: nothing. */
struct dir_stage *dir_cache_get(struct fs_mount *m, const char *rel, size_t len);
/* Keep what was found out after dir_generation() gave `generation`. The descriptors become the
 * cache's, also when it fails: NULL when out of memory. For the caller to put. */
struct dir_stage *dir_cache_add(struct fs_mount *m, const char *rel, size_t len,
                                uint64_t generation, int n, const int *layer, const int *fd);
void dir_cache_put(struct fs_mount *m, struct dir_stage *stage);

/* Around a fork: see fs_fork_prepare(). */
void dir_cache_fork_prepare(struct dir_cache *cache);
void dir_cache_fork_parent(struct dir_cache *cache);
void dir_cache_fork_child(struct dir_cache *cache);

#endif
