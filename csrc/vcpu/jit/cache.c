/*
 * cache.c - the arena of translated code and what is found in it. cache.h has the rules.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "vcpu/jit/pack.h"

#define ARENA_BYTES ((size_t)SEGMENT_BYTES * SEGMENT_COUNT)

/* A jump by way of C costs some 60 ns, copying a segment as much as a thousand of them. */
#define LINKS_BEFORE_COPY 256

static _Atomic(struct jit_block *) *head_of(struct block_table *table, uint64_t key)
{
    uint64_t k = key >> 2 ^ key >> 61;
    return &table->head[(k ^ k >> table->bits) & ((1u << table->bits) - 1)];
}

void *jit_zeroed(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

void jit_zeroed_free(void *memory, size_t size)
{
    if (memory)
        munmap(memory, size);
}

static size_t table_bytes(unsigned bits)
{
    return sizeof(struct block_table) + (sizeof(((struct block_table *)0)->head[0]) << bits);
}

static struct block_table *new_table(unsigned bits, struct block_table *older)
{
    struct block_table *t = jit_zeroed(table_bytes(bits));
    if (t) {
        t->bits = bits;
        t->older = older;
    }
    return t;
}

/* ---- the arena ---- */

/* Shared memory of size bytes, and a second view of it to be run, without a descriptor that a guest
 * could come by. */
static int map_twice(size_t size, uint8_t **write, uint8_t **code)
{
    void *w =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (w == MAP_FAILED)
        return -errno;
    *write = w;
    void *c = mremap(w, 0, size, MREMAP_MAYMOVE); /* of size 0: the old one stays */
    if (c == MAP_FAILED)
        return -errno;
    *code = c;
    return mprotect(c, size, PROT_READ | PROT_EXEC) ? -errno : 0;
}

int jit_cache_init(struct jit *jit, uint64_t (*counter)(void))
{
    jit->pages = jit_zeroed(sizeof *jit->pages << PAGE_HASH_BITS);
    atomic_init(&jit->hash, new_table(CACHE_HASH_BITS, NULL));
    if (!jit->pages || !atomic_load(&jit->hash))
        return -ENOMEM;
    int error = map_twice(ARENA_BYTES, &jit->write, &jit->code);
    if (error)
        return error;
    jit->first_free = (jit_stubs_make(jit, 0, counter) + 15) & ~15u;
    jit->segments[0].used = jit->first_free;
    return 0;
}

static void free_meta(struct meta_chunk *chunk)
{
    while (chunk) {
        struct meta_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

void jit_cache_destroy(struct jit *jit)
{
    for (unsigned i = 0; i < SEGMENT_COUNT; i++) {
        struct segment *s = &jit->segments[i];
        free_meta(s->meta);
        free_meta(s->retired);
        free(s->blocks);
        free(s->incoming);
    }
    for (size_t i = 0; jit->pages && i < (size_t)1 << PAGE_HASH_BITS; i++) {
        while (jit->pages[i]) {
            struct jit_page *p = jit->pages[i];
            jit->pages[i] = p->next;
            free(p);
        }
    }
    jit_zeroed_free(jit->pages, sizeof *jit->pages << PAGE_HASH_BITS);
    for (struct block_table *t = atomic_load(&jit->hash), *older; t; t = older) {
        older = t->older;
        jit_zeroed_free(t, table_bytes(t->bits));
    }
    if (jit->write)
        munmap(jit->write, ARENA_BYTES);
    if (jit->code)
        munmap(jit->code, ARENA_BYTES);
}

void jit_cache_freeze(struct jit *jit, bool child)
{
    jit->forks++;
    jit->fresh = child;
}

/* With nothing in it but the stubs: memory of this process's own for all of the arena. Returns
 * false when there is none; then segments are copied one by one. */
static bool renew_arena(struct jit *jit)
{
    uint8_t *write = NULL, *code = NULL;
    if (map_twice(ARENA_BYTES, &write, &code)) {
        if (write)
            munmap(write, ARENA_BYTES);
        return false;
    }
    memcpy(write, jit->write, jit->first_free);
    const int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
    if (mremap(code, ARENA_BYTES, ARENA_BYTES, flags, jit->code) == MAP_FAILED ||
        mremap(write, ARENA_BYTES, ARENA_BYTES, flags, jit->write) == MAP_FAILED)
        abort(); /* as in jit_cache_thaw() */
    return true;
}

static bool frozen(const struct jit *jit, const struct segment *s)
{
    return s->own != jit->forks;
}

/* Before the first change of a frozen segment: a copy in this process's own memory, put in its
 * place at once, as other threads may be running there. Returns false when there is no memory; then
 * nothing may be changed. */
bool jit_cache_thaw(struct jit *jit, struct segment *s)
{
    if (!frozen(jit, s))
        return true;
    size_t offset = (size_t)(s - jit->segments) * SEGMENT_BYTES;
    uint8_t *write = NULL, *code = NULL;
    if (map_twice(SEGMENT_BYTES, &write, &code)) {
        if (write)
            munmap(write, SEGMENT_BYTES);
        return false;
    }
    memcpy(write, jit->write + offset, s->used);
    const int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
    if (mremap(code, SEGMENT_BYTES, SEGMENT_BYTES, flags, jit->code + offset) == MAP_FAILED ||
        mremap(write, SEGMENT_BYTES, SEGMENT_BYTES, flags, jit->write + offset) == MAP_FAILED)
        abort(); /* half replaced: over a mapping of the same size it needs no memory */
    s->own = jit->forks;
    s->links_wanted = 0;
    s->populated = s->used & ~4095u;
    return true;
}

static struct segment *segment_of(struct jit *jit, uint32_t offset)
{
    return &jit->segments[offset / SEGMENT_BYTES];
}

typedef uint32_t unaligned_u32 __attribute__((aligned(1), may_alias));

/* One store of four bytes that share 16 with nothing else's end (align_site() in translate.c),
 * which other threads may be running over. */
static void patch(struct jit *jit, uint32_t site, uint32_t target)
{
    if (!jit_cache_thaw(jit, segment_of(jit, site)))
        return;
    atomic_thread_fence(memory_order_release);
    *(volatile unaligned_u32 *)(jit->write + site) = target - site - 4;
}

/* ---- blocks ---- */

struct jit_block *jit_cache_find(struct jit *jit, uint64_t key)
{
    struct block_table *table = atomic_load_explicit(&jit->hash, memory_order_acquire);
    struct jit_block *b = atomic_load_explicit(head_of(table, key), memory_order_acquire);
    while (b && atomic_load_explicit(&b->key, memory_order_acquire) != key)
        b = atomic_load_explicit(&b->hash_next, memory_order_acquire);
    return b;
}

static void *meta_alloc(struct segment *s, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    struct meta_chunk *chunk = s->meta;
    if (!chunk || sizeof chunk->bytes - chunk->used < size) {
        chunk = malloc(sizeof *chunk);
        if (!chunk)
            return NULL;
        chunk->next = s->meta;
        chunk->used = 0;
        s->meta = chunk;
    }
    void *at = chunk->bytes + chunk->used;
    chunk->used += size;
    return at;
}

struct jit_page *jit_cache_page(struct jit *jit, uint64_t page)
{
    struct jit_page **head = &jit->pages[interp_page_hash(page)];
    for (struct jit_page *p = *head; p; p = p->next) {
        if (p->page == page)
            return p;
    }
    struct jit_page *p = malloc(sizeof *p);
    if (p) {
        *p = (struct jit_page){.page = page, .next = *head};
        *head = p;
    }
    return p;
}

static bool grow(void **array, uint32_t count, uint32_t *room, size_t element)
{
    if (count < *room)
        return true;
    uint32_t more = *room ? *room * 2 : 64;
    void *bigger = realloc(*array, more * element);
    if (!bigger)
        return false;
    *array = bigger;
    *room = more;
    return true;
}

/* Four times the buckets, once there are two blocks for each. Whoever is reading a chain meanwhile
 * may end up in another one and find nothing: then he looks again with the lock. */
static void grow_table(struct jit *jit, struct block_table *table)
{
    struct block_table *t = new_table(table->bits + 2, table);
    if (!t)
        return;
    t->count = table->count;
    for (uint32_t i = 0; i < 1u << table->bits; i++) {
        struct jit_block *b = atomic_load(&table->head[i]), *next;
        for (; b; b = next) {
            next = atomic_load(&b->hash_next);
            _Atomic(struct jit_block *) *head = head_of(t, atomic_load(&b->key));
            atomic_store(&b->hash_next, atomic_load(head));
            atomic_store(head, b);
        }
    }
    atomic_store(&jit->hash, t);
}

void jit_cache_publish(struct jit *jit, struct jit_page *page, struct jit_block *b, uint64_t key)
{
    jit->used = true;
    b->page_next = page->blocks;
    page->blocks = b;
    struct block_table *table = atomic_load(&jit->hash);
    if (++table->count > 2u << table->bits) {
        grow_table(jit, table);
        table = atomic_load(&jit->hash);
    }
    _Atomic(struct jit_block *) *head = head_of(table, key);
    atomic_init(&b->hash_next, atomic_load_explicit(head, memory_order_relaxed));
    atomic_store_explicit(head, b, memory_order_release);
}

static void unpublish(struct jit *jit, struct jit_block *b, uint64_t key)
{
    struct block_table *table = atomic_load(&jit->hash);
    _Atomic(struct jit_block *) *at = head_of(table, key);
    table->count--;
    for (struct jit_block *c; (c = atomic_load_explicit(at, memory_order_relaxed));
         at = &c->hash_next) {
        if (c == b) {
            struct jit_block *next = atomic_load_explicit(&b->hash_next, memory_order_relaxed);
            atomic_store_explicit(at, next, memory_order_release);
            return;
        }
    }
}

/* The block is no longer in its page's list. */
static void kill(struct jit *jit, struct jit_block *b)
{
    uint64_t key = atomic_exchange(&b->key, BLOCK_DEAD);
    unpublish(jit, b, key);
    jit->stats.kills++;
    if (!jit_cache_thaw(jit, &jit->segments[b->segment]))
        abort(); /* stale code must not go on */
    /* jmp rel32 to the block's end, and what was behind it: 8 aligned bytes at once. */
    uint64_t *entry = (uint64_t *)(void *)(jit->write + b->code), jump;
    memcpy(&jump, entry, 8);
    jump = (jump & ~0xffffffffffull) | 0xe9 | (uint64_t)(b->size - JIT_DEAD_BYTES - 5) << 8;
    __atomic_store_n(entry, jump, __ATOMIC_RELEASE);
}

static void kill_page(struct jit *jit, struct jit_page *page)
{
    for (struct jit_block *b = page->blocks; b; b = b->page_next)
        kill(jit, b);
    page->blocks = NULL;
}

/* With another mapping another content may come. What a guest has rewritten, it may again. */
static void forget_content(struct jit_page *page, bool rewritten)
{
    if (page->pack)
        page->pack->state = rewritten ? PACK_BAD : PACK_GONE;
    page->pack = NULL;
    page->content = rewritten ? CONTENT_MIXED : CONTENT_UNKNOWN;
}

bool jit_cache_idle(const struct vcpu_vm *vm)
{
    for (const struct vcpu *v = vm->vcpus; v; v = v->next) {
        if (atomic_load(&v->seen_epoch))
            return false;
    }
    return true;
}

void jit_cache_invalidate(struct vcpu_vm *vm, uint64_t start, uint64_t end, bool rewritten)
{
    struct jit *jit = jit_of_vm(vm);
    if (start >= end)
        return;
    if (start == 0 && end == vm->config.size && jit_cache_idle(vm)) { /* execve */
        jit_cache_reset(vm);
        return;
    }
    uint64_t first = start >> GUEST_PAGE_BITS, last = (end - 1) >> GUEST_PAGE_BITS;
    bool few = last - first < (1u << PAGE_HASH_BITS);
    uint64_t steps = few ? last - first + 1 : 1u << PAGE_HASH_BITS;
    for (uint64_t i = 0; i < steps; i++) {
        struct jit_page **at = &jit->pages[few ? interp_page_hash(first + i) : i], *p;
        while ((p = *at)) {
            bool meets = p->page >= first && p->page <= last;
            if (meets) {
                kill_page(jit, p);
                forget_content(p, rewritten);
            }
            /* Where the mapping is gone nothing is left to know: a guest may map for ever. */
            if (meets && !rewritten) {
                *at = p->next;
                free(p);
            } else {
                at = &p->next;
            }
        }
    }
}

/* ---- segments ---- */

static void take_from_page(struct jit *jit, struct jit_block *b, uint64_t key)
{
    struct jit_page *page = jit_cache_page(jit, (key & ~JIT_KEY_FPCR) >> GUEST_PAGE_BITS);
    for (struct jit_block **at = page ? &page->blocks : NULL; at && *at; at = &(*at)->page_next) {
        if (*at == b) {
            *at = b->page_next;
            return;
        }
    }
}

/* Have nothing lead into s any more, and say from which epoch on it is free. */
static void evict(struct vcpu_vm *vm, struct segment *s)
{
    struct jit *jit = jit_of_vm(vm);
    for (uint32_t i = 0; i < s->block_count; i++) {
        struct jit_block *b = s->blocks[i];
        uint64_t key = atomic_load(&b->key);
        if (key == BLOCK_DEAD)
            continue;
        take_from_page(jit, b, key);
        kill(jit, b);
    }
    for (uint32_t i = 0; i < s->incoming_count; i++) {
        struct incoming *in = &s->incoming[i];
        if (segment_of(jit, in->site)->generation == in->generation)
            patch(jit, in->site, in->stub);
    }
    s->incoming_count = 0;
    s->generation++;
    s->retired = s->meta;
    s->meta = NULL;
    jit->stats.evictions++;
    uint64_t epoch = atomic_load(&vm->epoch) + 1;
    s->free_at = epoch;
    atomic_store(&vm->epoch, epoch);
    for (struct vcpu *v = vm->vcpus; v; v = v->next)
        atomic_fetch_or(&v->attention, ATTEND_FLUSH);
}

static bool reuse(const struct vcpu_vm *vm, struct segment *s)
{
    if (!s->free_at)
        return true;
    if (s->free_at > interp_oldest_epoch(vm))
        return false;
    free_meta(s->retired);
    s->retired = NULL;
    s->block_count = 0;
    s->used = 0;
    s->free_at = 0;
    return true;
}

/* Nobody can come by any block again, so that none need be killed. */
static void forget_blocks(struct jit *jit)
{
    for (unsigned i = 0; i < 1u << PAGE_HASH_BITS; i++) {
        struct jit_page *p = jit->pages[i], *next;
        for (; p; p = next) {
            next = p->next;
            forget_content(p, false);
            free(p);
        }
        if (jit->pages[i])
            jit->pages[i] = NULL;
    }
    struct block_table *table = atomic_load(&jit->hash);
    memset((void *)table->head, 0, sizeof *table->head << table->bits);
    table->count = 0;
}

void jit_cache_reset(struct vcpu_vm *vm)
{
    struct jit *jit = jit_of_vm(vm);
    if (!jit->used)
        return;
    jit->used = false;
    forget_blocks(jit);
    for (unsigned i = 0; i < SEGMENT_COUNT; i++) {
        struct segment *s = &jit->segments[i];
        free_meta(s->meta);
        free_meta(s->retired);
        uint32_t generation = s->generation + 1, own = s->own;
        free(s->blocks);
        free(s->incoming);
        *s =
            (struct segment){.used = i ? 0 : jit->first_free, .generation = generation, .own = own};
    }
    if (jit->segments[0].own != jit->forks && renew_arena(jit)) {
        for (unsigned i = 0; i < SEGMENT_COUNT; i++)
            jit->segments[i].own = jit->forks;
    }
    jit->current = 0;
    jit->young = 0;
    /* They forget what they know of the old code. */
    atomic_fetch_add(&vm->epoch, 1);
}

/* After segment i. Segment 0 has the stubs and stays. */
static unsigned next_segment(unsigned i)
{
    return i + 1 < SEGMENT_COUNT ? i + 1 : 1;
}

/*
 * The segment to fill, or NULL while a vcpu may still be in the one whose turn it is. Two ahead are
 * kept evicted, so that by the time they are needed the vcpus have long passed a boundary.
 */
static struct segment *segment_with_room(struct vcpu_vm *vm)
{
    struct jit *jit = jit_of_vm(vm);
    struct segment *s = &jit->segments[jit->current];
    bool parents = jit->fresh && frozen(jit, s);
    jit->fresh = false;
    if (SEGMENT_BYTES - s->used >= JIT_BLOCK_ROOM && !parents)
        return s;
    unsigned next = next_segment(jit->current), ahead = next;
    for (unsigned i = 0; i <= 2; i++, ahead = next_segment(ahead)) {
        struct segment *old = &jit->segments[ahead];
        if (old->used && !old->free_at)
            evict(vm, old);
    }
    s = &jit->segments[next];
    if (!reuse(vm, s))
        return NULL;
    jit->current = next;
    return s;
}

/* ---- making a block ---- */

void jit_cache_populate(uint8_t *write, uint32_t bytes)
{
    const int populate_write = 23; /* MADV_POPULATE_WRITE, of Linux 5.14; others refuse it */
    madvise(write, (bytes + 4095u) & ~4095u, populate_write);
}

static void populate(struct jit *jit, struct segment *s)
{
    /* After a fork little comes, most often. */
    const uint32_t step = jit->forks ? 16 * 1024 : 64 * 1024;
    if (s->used + JIT_BLOCK_ROOM <= s->populated || s->populated >= SEGMENT_BYTES)
        return;
    jit_cache_populate(jit->write + (size_t)(s - jit->segments) * SEGMENT_BYTES + s->populated,
                       step);
    s->populated += step;
}

static struct jit_block *new_block(struct jit *jit, struct segment *s, uint64_t key)
{
    struct translation *t = &jit->translation;
    struct jit_block *b = meta_alloc(s, sizeof *b + (t->count + 1u) * sizeof *t->map);
    if (!b || !grow((void **)&s->blocks, s->block_count, &s->block_room, sizeof(void *)))
        return NULL;
    uint32_t size = (uint32_t)(t->e.at - t->code);
    b->code = (uint32_t)(t->code - jit->write);
    b->size = size;
    b->count = (uint16_t)t->count;
    b->segment = (uint16_t)(s - jit->segments);
    b->page_next = NULL;
    atomic_init(&b->key, key);
    atomic_init(&b->hash_next, NULL);
    memcpy(b->map, t->map, (t->count + 1u) * sizeof *t->map);
    s->blocks[s->block_count++] = b;
    jit->used = true;
    s->used = (b->code % SEGMENT_BYTES + size + 15) & ~15u;
    jit->stats.blocks++;
    jit->stats.insns += t->count;
    jit->stats.code_bytes += size;
    return b;
}

/* For ELFUSE_JIT_DUMP: a line of the pc and the guest's words, and a line of the host's bytes. */
static void jit_dump(struct jit *jit, const struct jit_block *b, const uint32_t *page)
{
    const struct translation *t = &jit->translation;
    uint64_t pc = t->key & ~JIT_KEY_FPCR;
    dprintf(jit->dump_fd, "block %llx", (unsigned long long)t->key);
    for (unsigned i = 0; i < b->count; i++)
        dprintf(jit->dump_fd, " %08x", page[(pc & (GUEST_PAGE - 1)) / 4 + i]);
    dprintf(jit->dump_fd, "\nhost");
    for (unsigned i = 0; i <= b->count; i++)
        dprintf(jit->dump_fd, " %x", b->map[i].host);
    dprintf(jit->dump_fd, "\ncode ");
    for (unsigned i = 0; i < b->size; i++)
        dprintf(jit->dump_fd, "%02x", t->code[i]);
    dprintf(jit->dump_fd, "\n");
}

struct jit_block *jit_cache_insert(struct vcpu_vm *vm, uint64_t key, const uint32_t *page,
                                   bool keep)
{
    struct jit *jit = jit_of_vm(vm);
    struct segment *s = segment_with_room(vm);
    uint64_t pc = key & ~JIT_KEY_FPCR;
    struct jit_page *p = jit_cache_page(jit, pc >> GUEST_PAGE_BITS);
    if (!s || !p || !jit_cache_thaw(jit, s))
        return NULL;
    struct translation *t = &jit->translation;
    t->key = key;
    t->host = &jit->host;
    t->limit = vm->config.size;
    populate(jit, s);
    t->e.at = jit->write + (size_t)(s - jit->segments) * SEGMENT_BYTES + s->used;
    t->end = t->e.at + (SEGMENT_BYTES - s->used);
    jit_translate(t, page);
    struct jit_block *b = new_block(jit, s, key);
    if (b && jit->dump_fd >= 0)
        jit_dump(jit, b, page);
    if (b && keep)
        jit_cache_publish(jit, p, b, key);
    else if (b)
        atomic_store(&b->key, BLOCK_DEAD);
    return b;
}

void jit_cache_link_site(struct jit *jit, uint32_t site, uint32_t stub, struct jit_block *block)
{
    struct segment *to = &jit->segments[block->segment];
    if (!grow((void **)&to->incoming, to->incoming_count, &to->incoming_room, sizeof *to->incoming))
        return;
    to->incoming[to->incoming_count++] =
        (struct incoming){site, stub, segment_of(jit, site)->generation};
    patch(jit, site, block->code);
}

void jit_cache_link(struct vcpu_vm *vm, const struct jit_link_data *data, struct jit_block *block)
{
    struct jit *jit = jit_of_vm(vm);
    uint32_t at = (uint32_t)((const uint8_t *)data - jit->code);
    struct segment *s = segment_of(jit, at);
    if (atomic_load(&block->key) == BLOCK_DEAD)
        return;
    if (frozen(jit, s) && ++s->links_wanted < LINKS_BEFORE_COPY)
        return;
    jit->stats.links++;
    jit_cache_link_site(jit, at + (uint32_t)data->site, at - 6, block); /* the call of STUB_LINK */
}

const struct jit_block *jit_cache_block_at(const struct jit *jit, uintptr_t at)
{
    uintptr_t offset = at - (uintptr_t)jit->code;
    if (offset >= ARENA_BYTES)
        return NULL;
    const struct segment *s = &jit->segments[offset / SEGMENT_BYTES];
    uint32_t low = 0, high = s->block_count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (s->blocks[mid]->code <= offset)
            low = mid + 1;
        else
            high = mid;
    }
    const struct jit_block *b = low ? s->blocks[low - 1] : NULL;
    return b && offset - b->code < b->size ? b : NULL;
}
