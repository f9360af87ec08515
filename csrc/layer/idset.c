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
    set->slots = calloc(FIRST_SIZE, sizeof(*set->slots));
    set->size = FIRST_SIZE;
    return set->slots ? 0 : -ENOMEM;
}

void idset_free(struct idset *set)
{
    free(set->slots);
    set->slots = NULL;
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

static struct idset_slot *find(const struct idset *set, uint64_t key)
{
    size_t at = key & (set->size - 1);

    while (set->slots[at].key && set->slots[at].key != key)
        at = (at + 1) & (set->size - 1);
    return &set->slots[at];
}

static int grow(struct idset *set)
{
    struct idset_slot *old = set->slots;
    size_t size = set->size;

    set->slots = calloc(size * 2, sizeof(*old));
    if (!set->slots) {
        set->slots = old;
        return -ENOMEM;
    }
    set->size = size * 2;
    for (size_t i = 0; i < size; i++)
        if (old[i].key)
            *find(set, old[i].key) = old[i];
    free(old);
    return 0;
}

int idset_put(struct idset *set, uint64_t key, size_t value)
{
    struct idset_slot *slot;

    if (set->used * 2 >= set->size && grow(set) < 0)
        return -ENOMEM;
    slot = find(set, key);
    set->used += slot->key == 0;
    slot->key = key;
    slot->value = value;
    return 0;
}

bool idset_get(const struct idset *set, uint64_t key, size_t *value)
{
    const struct idset_slot *slot = find(set, key);

    if (slot->key && value)
        *value = slot->value;
    return slot->key != 0;
}
