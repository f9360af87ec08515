/*
 * cache.h - the code cache: blocks of translated code, shared by a vm's vcpus.
 *
 * Code lives in one arena of shared memory that is mapped twice, once to be run and once to be
 * written. It is filled segment by segment. When the last is full the oldest is evicted: its blocks
 * die, jumps into it are taken back, and when every vcpu has passed a block boundary since (its
 * epoch says so) it is filled anew.
 *
 * A block dies when guest code changes under it or with its segment: a jump over its first bytes
 * leads to a call of STUB_DEAD. Whoever was inside finishes it, as a core may that has fetched the
 * old instructions already.
 *
 * After fork() parent and child share the arena's memory, so both freeze it: a frozen segment is
 * copied into memory of the process's own before anything in it changes. That is put off: most
 * children end soon. A child puts what it translates into a fresh segment, and a jump in a frozen
 * one is linked only once the segment has been asked for that often.
 */
#ifndef ELFUSE_JIT_CACHE_H
#define ELFUSE_JIT_CACHE_H

#include "vcpu/jit/translate.h"

#define SEGMENT_BYTES   (256u * 1024)
#define SEGMENT_COUNT   256u /* 64 MiB of code: some 4 million guest instructions */
#define CACHE_HASH_BITS 12   /* at first; it grows with what is in it */

struct jit_block {
    _Atomic uint64_t key; /* BLOCK_DEAD when dead */
    uint32_t code, size;  /* bytes, code from the arena's beginning */
    uint16_t count;       /* guest instructions */
    uint16_t segment;
    _Atomic(struct jit_block *) hash_next;
    struct jit_block *page_next;
    struct insn_map map[]; /* count + 1 */
};

/* A patched jump into a segment, so that it can be taken back. Offsets in the arena. */
struct incoming {
    uint32_t site, stub;
    uint32_t generation; /* of the segment that has the site */
};

struct meta_chunk {
    struct meta_chunk *next;
    size_t used;
    _Alignas(16) uint8_t bytes[16 * 1024 - 32];
};

struct segment {
    uint32_t used;
    uint32_t populated;  /* bytes of memory that were asked for ahead */
    uint32_t generation; /* how often it was evicted */
    uint32_t own;        /* of the fork (jit->forks) since which its memory is this process's own */
    uint64_t free_at;    /* evicted: the epoch from which no vcpu uses it; else 0 */
    struct meta_chunk *meta, *retired;
    struct jit_block **blocks; /* by rising code */
    uint32_t block_count, block_room;
    struct incoming *incoming;
    uint32_t incoming_count, incoming_room;
    uint32_t links_wanted; /* while frozen */
};

/* What is known of a page's words, for keeping its blocks. */
enum page_content {
    CONTENT_UNKNOWN,
    CONTENT_HASHED, /* the blocks are of the content with this hash */
    CONTENT_MIXED,  /* there have been several since it was mapped */
};

/* Blocks by key. Small at first, as each page of it that a short program touches is a fault. The
 * tables that it grew out of stay, for those who are reading them. */
struct block_table {
    struct block_table *older;
    unsigned bits;
    uint32_t count;
    _Atomic(struct jit_block *) head[];
};

struct jit_page {
    uint64_t page;
    struct jit_block *blocks;
    struct jit_page *next;
    struct pack_page *pack; /* where blocks of it come from, or NULL */
    uint64_t hash[2];
    enum page_content content;
};

struct jit_stats {
    uint64_t blocks, insns, code_bytes, nanoseconds, evictions, kills, links;
    uint64_t fallbacks[A64_COUNT + 1];
};

struct jit {
    uint8_t *code, *write; /* the arena, to run and to write */
    uint32_t current;
    uint32_t forks; /* since the arena was made */
    bool fresh;     /* a child's: the current segment is its parent's */
    bool used;      /* something is in it beyond the stubs */
    int young;      /* a child's: so many instructions it interprets before it translates */
    struct jit_host host;
    struct segment segments[SEGMENT_COUNT];
    _Atomic(struct block_table *) hash;
    struct jit_page **pages;
    struct translation translation; /* under the lock */
    uint32_t stub_offset[STUB_COUNT];
    uint32_t enter_offset;
    uint32_t first_free; /* behind the stubs, with which the first segment begins */
    bool want_stats;
    struct jit_stats stats;
    int dump_fd;           /* ELFUSE_JIT_DUMP, or -1 */
    struct keeper *keeper; /* pack.h; or NULL */
};

static inline struct jit *jit_of_vm(const struct vcpu_vm *vm)
{
    return vm->jit;
}

/* counter: vcpu_vm_config. Returns 0, or a negative errno: no memory, or none that may be executed.
 */
/* Zeroed memory for what is large and mostly empty: only the pages that are used cost anything,
 * while calloc() writes zeroes over what is below 128 KiB, at 3 us a page. NULL: there is none. */
void *jit_zeroed(size_t size);
void jit_zeroed_free(void *memory, size_t size);

int jit_cache_init(struct jit *jit, uint64_t (*counter)(void));
void jit_cache_destroy(struct jit *jit);

/* Without the lock. NULL when there is none. */
struct jit_block *jit_cache_find(struct jit *jit, uint64_t key);

/*
 * With the lock: translate the block at key. keep: make it findable; otherwise it is run by the
 * caller once. Returns NULL when no memory is left, or when another vcpu has to pass a block
 * boundary first: then try again after having dropped the lock and taken up the epoch oneself.
 */
struct jit_block *jit_cache_insert(struct vcpu_vm *vm, uint64_t key, const uint32_t *page,
                                   bool keep);

/* With the lock: the page's entry, made if need be; NULL: no memory. */
struct jit_page *jit_cache_page(struct jit *jit, uint64_t page);

/* With the lock: a block that jit_cache_insert() has not made can be found from now on. */
void jit_cache_publish(struct jit *jit, struct jit_page *page, struct jit_block *block,
                       uint64_t key);

/* With the lock: kill the blocks of the pages that meet [start, end). rewritten: as the guest has
 * changed them, they are not kept for later runs. */
void jit_cache_invalidate(struct vcpu_vm *vm, uint64_t start, uint64_t end, bool rewritten);

/* With the lock: no vcpu runs. */
bool jit_cache_idle(const struct vcpu_vm *vm);

/* With the lock, while no vcpu runs: begin with an empty cache. */
void jit_cache_reset(struct vcpu_vm *vm);

/* With the lock: the segment may be written to. Otherwise nothing in it may be changed. */
bool jit_cache_thaw(struct jit *jit, struct segment *s);

/* With the lock: have the jump at a cold exit lead to block. data is the exit's, in the arena to
 * run. */
void jit_cache_link(struct vcpu_vm *vm, const struct jit_link_data *data, struct jit_block *block);

/* With the lock: have the displacement at offset site lead to block; stub is where it leads else.
 */
void jit_cache_link_site(struct jit *jit, uint32_t site, uint32_t stub, struct jit_block *block);

/* With the lock: the block whose code contains host address at, or NULL. */
const struct jit_block *jit_cache_block_at(const struct jit *jit, uintptr_t at);

/* With the lock, in parent and child after fork(): from now on segments are copied before they
 * change. */
void jit_cache_freeze(struct jit *jit, bool child);

static inline const uint8_t *jit_block_code(const struct jit *jit, const struct jit_block *block)
{
    return jit->code + block->code;
}

/* Get the arena's memory that is about to be written at once: one by one its pages cost a fault
 * each, some 60 of the 450 that a static program's start took. */
void jit_cache_populate(uint8_t *write, uint32_t bytes);

/* stubs.c: write the stubs at jit->write + offset; returns their size. */
uint32_t jit_stubs_make(struct jit *jit, uint32_t offset, uint64_t (*counter)(void));

#endif
