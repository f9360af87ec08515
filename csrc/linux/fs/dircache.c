#include "linux/fs/dircache.h"

#include <stdlib.h>
#include <string.h>

#include "host/io.h"
#include "linux/fs/path.h"

/* Each is a few descriptors above the boundary: for a program's working set of directories. */
#define SLOTS 64

struct dir_cache {
    struct host_mutex lock;
    struct dir_stage *slot[SLOTS]; /* each holds a reference */
    uint64_t generation;           /* what was found out at another one is dropped already */
};

struct dir_cache *dir_cache_new(void)
{
    return calloc(1, sizeof(struct dir_cache));
}

static void unref(struct dir_stage *s)
{
    if (s == NULL || --s->refs > 0)
        return;
    for (int i = 0; i < s->n; i++)
        host_fd_close(s->fd[i]);
    free(s->layer);
    free(s);
}

void dir_cache_free(struct dir_cache *cache)
{
    if (cache == NULL)
        return;
    for (int i = 0; i < SLOTS; i++)
        unref(cache->slot[i]);
    free(cache);
}

uint64_t dir_generation(const struct fs_mount *m)
{
    uint64_t g = __atomic_load_n(&m->shared->directories, __ATOMIC_ACQUIRE);
    return g & 1 ? 0 : g;
}

static uint32_t hash_of(const char *rel, size_t len)
{
    uint32_t h = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < len; i++)
        h = (h ^ (uint8_t)rel[i]) * 16777619u;
    return h ^ h >> 15;
}

/* A directory that is kept open is not quite removed: its watches would not be told. */
static void drop_stale(struct dir_cache *c, uint64_t generation)
{
    for (int i = 0; i < SLOTS; i++)
        if (c->slot[i] && c->slot[i]->generation != generation) {
            unref(c->slot[i]);
            c->slot[i] = NULL;
        }
    c->generation = generation;
}

void fs_tree_directories(struct fs_context *fs)
{
    struct dir_cache *c = fs->mounts[0].directories;

    if (!(fs->shared->directories & 1))
        __atomic_fetch_add(&fs->shared->directories, 1, __ATOMIC_SEQ_CST);
    if (c) {
        host_mutex_lock(&c->lock);
        drop_stale(c, 0);
        host_mutex_unlock(&c->lock);
    }
}

struct dir_stage *dir_cache_get(struct fs_mount *m, const char *rel, size_t len)
{
    uint64_t generation = dir_generation(m);
    uint32_t hash = hash_of(rel, len);
    struct dir_cache *c = m->directories;

    if (generation == 0)
        return NULL;
    host_mutex_lock(&c->lock);
    if (c->generation != generation) /* another process has changed directories */
        drop_stale(c, generation);
    struct dir_stage *s = c->slot[hash % SLOTS];
    if (s && s->hash == hash && s->generation == generation && s->rel_len == len &&
        memcmp(s->rel, rel, len) == 0)
        s->refs++;
    else
        s = NULL;
    host_mutex_unlock(&c->lock);
    return s;
}

struct dir_stage *dir_cache_add(struct fs_mount *m, const char *rel, size_t len,
                                uint64_t generation, int n, const int *layer, const int *fd)
{
    struct dir_stage *s = malloc(sizeof *s + len);
    int *numbers = malloc(2 * (size_t)n * sizeof *numbers);
    struct dir_cache *c = m->directories;

    if (s == NULL || numbers == NULL) {
        free(s);
        free(numbers);
        for (int i = 0; i < n; i++)
            host_fd_close(fd[i]);
        return NULL;
    }
    *s = (struct dir_stage){.generation = generation,
                            .hash = hash_of(rel, len),
                            .refs = 2,
                            .n = n,
                            .layer = numbers,
                            .fd = numbers + n,
                            .rel_len = len};
    memcpy(s->rel, rel, len);
    memcpy(s->layer, layer, (size_t)n * sizeof *layer);
    memcpy(s->fd, fd, (size_t)n * sizeof *fd);
    host_mutex_lock(&c->lock);
    struct dir_stage *old = c->slot[s->hash % SLOTS];
    c->slot[s->hash % SLOTS] = s;
    unref(old);
    host_mutex_unlock(&c->lock);
    return s;
}

void dir_cache_put(struct fs_mount *m, struct dir_stage *s)
{
    host_mutex_lock(&m->directories->lock);
    unref(s);
    host_mutex_unlock(&m->directories->lock);
}

void dir_cache_fork_prepare(struct dir_cache *cache)
{
    host_mutex_lock(&cache->lock);
}

void dir_cache_fork_parent(struct dir_cache *cache)
{
    host_mutex_unlock(&cache->lock);
}

void dir_cache_fork_child(struct dir_cache *cache)
{
    cache->lock = (struct host_mutex){0};
}
