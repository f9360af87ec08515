#include "layer/idset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define FIRST_SIZE 4096

int idset_init(struct idset *set)
{
    memset(set, 0, sizeof(*set));
    if (getentropy(set->seed, sizeof(set->seed)) < 0)
        return -errno;
    set->keys = calloc(FIRST_SIZE, sizeof(*set->keys));
    set->size = FIRST_SIZE;
    return set->keys ? 0 : -ENOMEM;
}

void idset_free(struct idset *set)
{
    free(set->keys);
    free(set->values);
    set->keys = NULL;
    set->values = NULL;
}

/* wyhash's multiply-and-fold, under the secret seed. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t idset_key(const struct idset *set, uint64_t dev, uint64_t ino, const char *name)
{
    uint64_t hash = fold(set->seed[0] ^ dev, set->seed[1] ^ ino);
    size_t len = strlen(name);

    for (size_t at = 0; at < len; at += 8) {
        uint64_t word = 0;

        memcpy(&word, name + at, len - at < 8 ? len - at : 8);
        hash = fold(hash ^ word ^ set->seed[0], set->seed[1] | 1);
    }
    hash = fold(hash ^ len, set->seed[0] | 1);
    return hash ? hash : 1;
}

/* Where the key is, or would be. */
static size_t find(const struct idset *set, uint64_t key)
{
    size_t at = key & (set->size - 1);

    while (set->keys[at] && set->keys[at] != key)
        at = (at + 1) & (set->size - 1);
    return at;
}

static int grow(struct idset *set)
{
    struct idset old = *set;

    set->size *= 2;
    set->keys = calloc(set->size, sizeof(*set->keys));
    set->values = old.values ? calloc(set->size, sizeof(*set->values)) : NULL;
    if (!set->keys || (old.values && !set->values)) {
        idset_free(set);
        *set = old;
        return -ENOMEM;
    }
    for (size_t i = 0; i < old.size; i++) {
        size_t at;

        if (!old.keys[i])
            continue;
        at = find(set, old.keys[i]);
        set->keys[at] = old.keys[i];
        if (old.values)
            set->values[at] = old.values[i];
    }
    idset_free(&old);
    return 0;
}

int idset_put(struct idset *set, uint64_t key, size_t value)
{
    size_t at;

    if (set->used >= set->size / 4 * 3 && grow(set) < 0)
        return -ENOMEM;
    if (value && !set->values) {
        set->values = calloc(set->size, sizeof(*set->values));
        if (!set->values)
            return -ENOMEM;
    }
    at = find(set, key);
    set->used += set->keys[at] == 0;
    set->keys[at] = key;
    if (set->values)
        set->values[at] = value;
    return 0;
}

bool idset_get(const struct idset *set, uint64_t key, size_t *value)
{
    size_t at = find(set, key);

    if (set->keys[at] && value)
        *value = set->values ? set->values[at] : 0;
    return set->keys[at] != 0;
}
