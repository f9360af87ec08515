/*
 * blocks.c - the shared cache of predecoded blocks. See interp_core.h for the rules.
 */
#include <stdlib.h>

#include "vcpu/interp/interp_core.h"

#define CHUNK_BYTES (256u * 1024)
/* Beyond this everything is forgotten. CPython's start makes about 7 MB of blocks; a flush costs
 * some milliseconds of decoding again. */
#define CACHE_LIMIT ((size_t)96 << 20)

static struct block none = {.pc = BLOCK_DEAD};

struct block *block_none(void)
{
    return &none;
}

static unsigned pc_hash(uint64_t pc)
{
    return (unsigned)((pc >> 2) ^ (pc >> (HASH_BITS + 2))) & ((1u << HASH_BITS) - 1);
}

int cache_init(struct vcpu_vm *vm)
{
    vm->pages = calloc((size_t)1 << PAGE_HASH_BITS, sizeof *vm->pages);
    vm->hash = calloc((size_t)1 << HASH_BITS, sizeof *vm->hash);
    return vm->pages && vm->hash ? 0 : -12;
}

static void free_chunks(struct arena_chunk *chunk)
{
    while (chunk) {
        struct arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

void cache_destroy(struct vcpu_vm *vm)
{
    free_chunks(vm->arena);
    free_chunks(vm->retired);
    free(vm->pages);
    free(vm->hash);
}

static void *arena_alloc(struct vcpu_vm *vm, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    struct arena_chunk *chunk = vm->arena;
    if (!chunk || chunk->size - chunk->used < size) {
        cache_reclaim(vm);
        chunk = malloc(sizeof *chunk + CHUNK_BYTES);
        if (!chunk)
            return NULL;
        *chunk = (struct arena_chunk){.next = vm->arena, .size = CHUNK_BYTES};
        vm->arena = chunk;
        vm->arena_total += CHUNK_BYTES;
    }
    void *at = chunk->bytes + chunk->used;
    chunk->used += size;
    return at;
}

struct block *cache_find(struct vcpu_vm *vm, uint64_t pc)
{
    struct block *b = atomic_load_explicit(&vm->hash[pc_hash(pc)], memory_order_acquire);
    while (b && atomic_load_explicit(&b->pc, memory_order_acquire) != pc)
        b = atomic_load_explicit(&b->hash_next, memory_order_acquire);
    return b;
}

static struct code_page *page_of(struct vcpu_vm *vm, uint64_t pc)
{
    uint64_t page = pc >> GUEST_PAGE_BITS;
    struct code_page **head = &vm->pages[interp_page_hash(page)];
    for (struct code_page *p = *head; p; p = p->next) {
        if (p->page == page)
            return p;
    }
    struct code_page *p = arena_alloc(vm, sizeof *p);
    if (p) {
        *p = (struct code_page){.page = page, .next = *head};
        *head = p;
    }
    return p;
}

/* Make b findable. */
static void publish(struct vcpu_vm *vm, struct code_page *page, struct block *b)
{
    b->page_next = page->blocks;
    page->blocks = b;
    _Atomic(struct block *) *head = &vm->hash[pc_hash(b->start)];
    atomic_init(&b->hash_next, atomic_load_explicit(head, memory_order_relaxed));
    atomic_store_explicit(head, b, memory_order_release);
}

struct block *cache_insert(struct vcpu_vm *vm, uint64_t pc, const struct a64_op *ops,
                           unsigned count, bool keep)
{
    if (vm->arena_total >= CACHE_LIMIT)
        cache_flush(vm);
    struct code_page *page = page_of(vm, pc);
    struct block *b = page ? arena_alloc(vm, sizeof *b + count * sizeof *ops) : NULL;
    if (!b)
        return NULL;
    b->start = pc;
    b->end_pc = pc + 4ULL * count;
    b->count = count;
    b->leave = decode_leaves(&ops[count - 1]);
    b->direct = decode_is_direct(&ops[count - 1]);
    atomic_init(&b->pc, keep ? pc : BLOCK_DEAD);
    atomic_init(&b->succ[0], &none);
    atomic_init(&b->succ[1], &none);
    memcpy(b->ops, ops, count * sizeof *ops);
    if (keep)
        publish(vm, page, b);
    return b;
}

static void kill(struct vcpu_vm *vm, struct block *b)
{
    atomic_store_explicit(&b->pc, BLOCK_DEAD, memory_order_seq_cst);
    _Atomic(struct block *) *at = &vm->hash[pc_hash(b->start)];
    for (struct block *c; (c = atomic_load_explicit(at, memory_order_relaxed));
         at = &c->hash_next) {
        if (c == b) {
            struct block *next = atomic_load_explicit(&b->hash_next, memory_order_relaxed);
            atomic_store_explicit(at, next, memory_order_release);
            return;
        }
    }
}

static void kill_page(struct vcpu_vm *vm, struct code_page *page)
{
    for (struct block *b = page->blocks; b; b = b->page_next)
        kill(vm, b);
    page->blocks = NULL;
}

void cache_invalidate(struct vcpu_vm *vm, uint64_t start, uint64_t end)
{
    vm->code_version++;
    if (start >= end)
        return;
    uint64_t first = start >> GUEST_PAGE_BITS, last = (end - 1) >> GUEST_PAGE_BITS;
    bool few = last - first < (1u << PAGE_HASH_BITS);
    /* Either look up each page of the range, or each known page when the range is larger than that.
     */
    uint64_t steps = few ? last - first + 1 : 1u << PAGE_HASH_BITS;
    for (uint64_t i = 0; i < steps; i++) {
        struct code_page *p = vm->pages[few ? interp_page_hash(first + i) : i];
        for (; p; p = p->next) {
            if (p->page >= first && p->page <= last)
                kill_page(vm, p);
        }
    }
}

void cache_flush(struct vcpu_vm *vm)
{
    uint64_t epoch = atomic_load(&vm->epoch) + 1;
    vm->code_version++;
    for (size_t i = 0; i < (size_t)1 << PAGE_HASH_BITS; i++) {
        for (struct code_page *p = vm->pages[i]; p; p = p->next)
            kill_page(vm, p);
        vm->pages[i] = NULL;
    }
    while (vm->arena) {
        struct arena_chunk *chunk = vm->arena;
        vm->arena = chunk->next;
        chunk->retired_at = epoch;
        chunk->next = vm->retired;
        vm->retired = chunk;
    }
    vm->arena_total = 0;
    atomic_store(&vm->epoch, epoch);
    for (struct vcpu *v = vm->vcpus; v; v = v->next)
        atomic_fetch_or(&v->attention, ATTEND_FLUSH);
}

uint64_t interp_oldest_epoch(const struct vcpu_vm *vm)
{
    uint64_t oldest = UINT64_MAX;
    for (struct vcpu *v = vm->vcpus; v; v = v->next) {
        uint64_t seen = atomic_load(&v->seen_epoch);
        if (seen && seen < oldest)
            oldest = seen;
    }
    return oldest;
}

void cache_reclaim(struct vcpu_vm *vm)
{
    uint64_t oldest = interp_oldest_epoch(vm);
    struct arena_chunk **at = &vm->retired;
    while (*at) {
        struct arena_chunk *chunk = *at;
        if (chunk->retired_at <= oldest) {
            *at = chunk->next;
            free(chunk);
        } else {
            at = &chunk->next;
        }
    }
}
