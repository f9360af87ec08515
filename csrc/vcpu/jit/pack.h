/*
 * pack.h - the file that keeps translated code, and a pack of such code in memory.
 *
 * A pack belongs to one program: it holds what earlier runs of the program translated, of libraries
 * too, page by page. A page counts only by the hash of its content at the time, so that it may be
 * used wherever the same words lie at the same guest address, and nothing else of the file's name
 * or age matters. There may be several contents for one address.
 *
 * The file: struct pack_header, pack_page[], pack_link[], uint32_t[] of the links by target, the
 * blocks as they are in memory (dead, unlinked), the code as it lies in consecutive segments. All
 * its jumps to other blocks lead to their cold exits. It is as good as its digest: whoever can
 * write the file and read the secret beside it could also replace the program that runs it.
 */
#ifndef ELFUSE_JIT_PACK_H
#define ELFUSE_JIT_PACK_H

#include "vcpu/jit/cache.h"

#define PACK_MAGIC       0x6b6361706a65666cull
#define PACK_BYTES       (24u << 20) /* of a file, at most */
#define PACK_SEGMENTS    96u
#define PACK_AGE         16u /* a page that so many writers did not use is left out */
#define PACK_NAME        ".pack"
#define PACK_SECRET_NAME "secret"
#define PACK_SECRET      4096u

struct pack_hash {
    uint64_t h[2];
};

struct pack_header {
    uint64_t magic;
    struct pack_hash key, digest; /* the digest is of the file with zeros here */
    uint64_t bytes;
    uint32_t pages, blocks, links, block_bytes, code_bytes, reserved[3];
};

enum pack_state {
    PACK_UNUSED,
    PACK_USED, /* its blocks are in the cache */
    PACK_GONE, /* they have been, and the page has been unmapped */
    PACK_BAD,  /* the guest has changed it */
};

struct pack_page {
    uint64_t page;
    struct pack_hash hash;
    uint32_t first_block, blocks;
    uint32_t first_link, links; /* out of it */
    uint32_t first_in, ins;     /* into it, by the second table */
    uint32_t age;               /* writers since it was last used */
    uint32_t state;             /* in memory: enum pack_state */
};

/* A jump from one block to another. Offsets in the code. */
struct pack_link {
    uint32_t site, stub; /* the displacement; the exit that it leads to while not linked */
    uint32_t from_page;
    uint32_t to_page, to_block;
};

struct pack {
    void *memory; /* the tables */
    size_t bytes;
    struct pack_page *pages; /* by page and hash */
    struct pack_link *links;
    const uint32_t *ins;
    struct jit_block **blocks; /* by code */
    uint32_t page_count, block_count, link_count;
    uint32_t first_segment, segments;
    uint32_t generation[PACK_SEGMENTS];
};

/* What keeps packs, of a vm that does (jit->keeper). */
struct keeper {
    int dir;
    bool pending;    /* a program has been mapped and none of its code run */
    bool keyed;      /* its key is known */
    bool new_secret; /* it is not in the directory yet */
    uint64_t entry;
    struct pack_hash key;
    struct pack pack;
    uint64_t blocks_before; /* that the vm had made when the program began */
    uint64_t loaded_bytes, saved_bytes, pages_used, pages_refused, blocks_used;
    uint64_t load_nanoseconds, save_nanoseconds;
    uint64_t secret[PACK_SECRET / 8];
};

/* pack_hash.c: of up to PACK_SECRET bytes, a multiple of 16; and of any number of pieces of that
 * size, from {0}. */
struct pack_hash pack_hash_page(const uint64_t *secret, const void *data, size_t bytes);
void pack_hash_add(const uint64_t *secret, struct pack_hash *sum, const void *data, size_t bytes);
/* A header's digest. Sizes are multiples of 16. */
struct pack_hash pack_digest(const uint64_t *secret, const struct pack_header *header,
                             const void *tables, size_t table_bytes, const void *code);

/* pack_file.c: memory for a whole file, zeroed, in large pages where the host has them and so much
 * of it will be used that small ones cost more. NULL: none. */
void *pack_memory(size_t bytes, size_t used);
void pack_memory_free(void *memory, size_t bytes);
/* And the directory. */
void pack_name(char *name, size_t size, const struct pack_hash *key);
/* Open to read: a file of our own that nobody else can write. Its size, or -1. */
int pack_open(int dir, const char *name, uint64_t most, uint64_t *size);
bool pack_read(int fd, void *to, size_t bytes);
/* Replace name by these bytes, or leave everything as it is. once: only if there is none. */
bool pack_write(int dir, const char *name, const void *data, size_t bytes, bool once);
/* Make room, and sweep up what ended writers left. */
void pack_prune(int dir);

/* pack_load.c. With the lock. */
bool pack_load(struct vcpu_vm *vm, struct keeper *k);
void pack_drop(struct keeper *k);
/* Have the blocks of page in the cache, if the pack has some for this content. */
void pack_use(struct vcpu_vm *vm, struct jit_page *page);

/* pack_save.c. With the lock. A pack is written when more blocks than this are new: a part of what
 * it had. */
static inline uint32_t pack_few(const struct pack *p)
{
    return p->block_count / 32;
}
void pack_save(struct vcpu_vm *vm, struct keeper *k);

static inline uint64_t pack_table_bytes(const struct pack_header *h)
{
    return (uint64_t)h->pages * sizeof(struct pack_page) +
           (uint64_t)h->links * (sizeof(struct pack_link) + sizeof(uint32_t)) + h->block_bytes;
}

static inline uint64_t pack_block_bytes(unsigned count)
{
    return (sizeof(struct jit_block) + (count + 1u) * sizeof(struct insn_map) + 7) & ~7ull;
}

static inline uint64_t pack_block_key(const struct jit *jit, const struct jit_block *b)
{
    uint64_t key;
    memcpy(&key, jit->write + b->code + b->size - 8, sizeof key);
    return key;
}

/* All of its segments are as they were. */
static inline bool pack_whole(const struct jit *jit, const struct pack *p)
{
    for (uint32_t i = 0; i < p->segments; i++)
        if (jit->segments[p->first_segment + i].generation != p->generation[i])
            return false;
    return p->segments != 0;
}

#endif
