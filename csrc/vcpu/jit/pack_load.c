/*
 * pack_load.c - reading a pack into the cache, and using its pages one by one.
 *
 * Everything is read into memory of this process's own before it is looked at, as the file may
 * change at any time. The digest says that this is what was written; every number is checked all
 * the same before it is used as an index.
 */
#include <stdlib.h>
#include <unistd.h>

#include "vcpu/jit/pack.h"

static bool is_header_sane(const struct pack_header *h, const struct keeper *k, uint64_t size)
{
    return h->magic == PACK_MAGIC && !memcmp(&h->key, &k->key, sizeof h->key) && h->bytes == size &&
           h->pages > 0 && h->blocks > 0 && h->code_bytes > 0 && h->code_bytes % 16 == 0 &&
           h->code_bytes <= PACK_SEGMENTS * SEGMENT_BYTES && pack_table_bytes(h) % 16 == 0 &&
           h->blocks <= h->block_bytes && sizeof *h + pack_table_bytes(h) + h->code_bytes == size;
}

/* Consecutive segments that nothing has been in yet, for so much code. 0: there are none. */
static uint32_t fresh_segments(struct jit *jit, uint32_t count)
{
    uint32_t first = jit->current + 1;
    if (first + count > SEGMENT_COUNT)
        return 0;
    for (uint32_t i = first; i < first + count; i++) {
        struct segment *s = &jit->segments[i];
        if (s->used || s->free_at || s->block_count || !jit_cache_thaw(jit, s))
            return 0;
    }
    return first;
}

/* ---- checking ---- */

static bool are_pages_sane(const struct pack *p)
{
    uint32_t block = 0, link = 0, in = 0;
    for (uint32_t i = 0; i < p->page_count; i++) {
        const struct pack_page *page = &p->pages[i];
        if (page->state != PACK_UNUSED || page->first_block != block || page->first_link != link ||
            page->first_in != in || page->blocks == 0 || page->blocks > p->block_count - block ||
            page->links > p->link_count - link || page->ins > p->link_count - in ||
            (i && page->page < page[-1].page))
            return false;
        block += page->blocks;
        link += page->links;
        in += page->ins;
    }
    return block == p->block_count && link == p->link_count && in == p->link_count;
}

/* The blocks' places, while walking over them. */
static bool are_blocks_sane(struct pack *p, uint8_t *at, const uint8_t *end, uint32_t code_bytes)
{
    uint32_t code = 0; /* where the one before ends */
    for (uint32_t i = 0; i < p->block_count; i++) {
        struct jit_block *b = (struct jit_block *)(void *)at;
        if ((size_t)(end - at) < sizeof *b || b->count == 0 || b->count > JIT_MAX_INSNS ||
            (size_t)(end - at) < pack_block_bytes(b->count))
            return false;
        uint32_t last = b->code + b->size - 1;
        if (b->code < code || b->code % 16 || b->size < 16 + JIT_DEAD_BYTES ||
            b->size > SEGMENT_BYTES || last >= code_bytes ||
            b->code / SEGMENT_BYTES != last / SEGMENT_BYTES ||
            b->segment != b->code / SEGMENT_BYTES)
            return false;
        code = last + 1;
        p->blocks[i] = b;
        at += pack_block_bytes(b->count);
    }
    return true;
}

static bool are_keys_sane(const struct pack *p, const uint8_t *code, uint64_t limit)
{
    for (uint32_t i = 0; i < p->page_count; i++) {
        const struct pack_page *page = &p->pages[i];
        for (uint32_t j = 0; j < page->blocks; j++) {
            const struct jit_block *b = p->blocks[page->first_block + j];
            uint64_t key;
            memcpy(&key, code + b->code + b->size - 8, sizeof key);
            if (key >= limit || key % 4 || key >> GUEST_PAGE_BITS != page->page ||
                atomic_load(&b->key) != BLOCK_DEAD)
                return false;
        }
    }
    return true;
}

static bool are_links_sane(const struct pack *p)
{
    for (uint32_t i = 0; i < p->page_count; i++) {
        const struct pack_page *page = &p->pages[i];
        const struct jit_block *last = p->blocks[page->first_block + page->blocks - 1];
        uint32_t start = p->blocks[page->first_block]->code, end = last->code + last->size - 4;
        for (uint32_t j = page->first_link; j < page->first_link + page->links; j++) {
            const struct pack_link *l = &p->links[j];
            if (l->from_page != i || l->site < start || l->site > end || l->site % 16 > 12 ||
                l->stub < start || l->stub > end || l->to_page >= p->page_count ||
                l->to_block - p->pages[l->to_page].first_block >= p->pages[l->to_page].blocks)
                return false;
        }
        for (uint32_t j = page->first_in; j < page->first_in + page->ins; j++)
            if (p->ins[j] >= p->link_count || p->links[p->ins[j]].to_page != i)
                return false;
    }
    return true;
}

/* ---- loading ---- */

static bool lay_out(struct pack *p, const struct pack_header *h)
{
    uint8_t *at = p->memory;
    p->page_count = h->pages;
    p->block_count = h->blocks;
    p->link_count = h->links;
    p->pages = (struct pack_page *)(void *)at;
    at += h->pages * sizeof *p->pages;
    p->links = (struct pack_link *)(void *)at;
    at += h->links * sizeof *p->links;
    p->ins = (const uint32_t *)(void *)at;
    at += h->links * sizeof *p->ins;
    return are_pages_sane(p) && are_blocks_sane(p, at, at + h->block_bytes, h->code_bytes);
}

/* The segments get their lists of blocks. Returns false, with nothing changed that counts, when
 * there is no memory. */
static bool fill_segments(struct jit *jit, struct pack *p, uint32_t code_bytes)
{
    jit->used = true;
    for (uint32_t i = 0, b = 0; i < p->segments; i++) {
        struct segment *s = &jit->segments[p->first_segment + i];
        uint32_t first = b;
        while (b < p->block_count && p->blocks[b]->segment == i)
            b++;
        struct jit_block **list = malloc((b - first + 64) * sizeof *list);
        if (!list)
            return false;
        memcpy(list, p->blocks + first, (b - first) * sizeof *list);
        free(s->blocks);
        s->blocks = list;
        s->block_room = b - first + 64;
    }
    for (uint32_t i = 0; i < p->block_count; i++) {
        struct jit_block *b = p->blocks[i];
        struct segment *s = &jit->segments[p->first_segment + b->segment];
        s->block_count++;
        b->segment = (uint16_t)(p->first_segment + b->segment);
        b->code += p->first_segment * SEGMENT_BYTES;
        b->page_next = NULL;
        atomic_init(&b->hash_next, NULL);
    }
    for (uint32_t i = 0; i < p->segments; i++) {
        struct segment *s = &jit->segments[p->first_segment + i];
        bool last = i + 1 == p->segments;
        s->used = last ? code_bytes - i * SEGMENT_BYTES : SEGMENT_BYTES;
        p->generation[i] = s->generation;
    }
    jit->current = p->first_segment + p->segments - 1;
    return true;
}

static bool read_pack(struct vcpu_vm *vm, struct keeper *k, int fd, uint64_t size)
{
    struct jit *jit = jit_of_vm(vm);
    struct pack *p = &k->pack;
    struct pack_header h;
    if (size < sizeof h || !pack_read(fd, &h, sizeof h) || !is_header_sane(&h, k, size))
        return false;
    p->segments = (h.code_bytes + SEGMENT_BYTES - 1) / SEGMENT_BYTES;
    p->first_segment = fresh_segments(jit, p->segments);
    p->bytes = pack_table_bytes(&h);
    p->memory = pack_memory(p->bytes, p->bytes);
    p->blocks = malloc(h.blocks * sizeof *p->blocks);
    if (!p->first_segment || !p->memory || !p->blocks)
        return false;
    uint8_t *code = jit->write + (size_t)p->first_segment * SEGMENT_BYTES;
    jit_cache_populate(code, h.code_bytes);
    if (!pack_read(fd, p->memory, p->bytes) || !pack_read(fd, code, h.code_bytes))
        return false;
    struct pack_hash digest = pack_digest(k->secret, &h, p->memory, p->bytes, code);
    return !memcmp(&digest, &h.digest, sizeof digest) && lay_out(p, &h) &&
           are_keys_sane(p, code, vm->config.size) && are_links_sane(p) &&
           fill_segments(jit, p, h.code_bytes);
}

bool pack_load(struct vcpu_vm *vm, struct keeper *k)
{
    char name[64];
    uint64_t size;
    pack_name(name, sizeof name, &k->key);
    int fd = pack_open(k->dir, name, PACK_BYTES, &size);
    if (fd < 0)
        return false;
    bool good = read_pack(vm, k, fd, size);
    close(fd);
    if (good)
        k->loaded_bytes = size;
    else
        pack_drop(k);
    return good;
}

void pack_drop(struct keeper *k)
{
    pack_memory_free(k->pack.memory, k->pack.bytes);
    free(k->pack.blocks);
    memset(&k->pack, 0, sizeof k->pack);
}

/* ---- using a page ---- */

static uint32_t first_of_page(const struct pack *p, uint64_t page)
{
    uint32_t low = 0, high = p->page_count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (p->pages[mid].page < page)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void link_up(struct jit *jit, const struct pack *p, const struct pack_link *l)
{
    uint32_t base = p->first_segment * SEGMENT_BYTES;
    jit_cache_link_site(jit, base + l->site, base + l->stub, p->blocks[l->to_block]);
    jit->stats.links++;
}

static void use(struct jit *jit, struct pack *p, struct pack_page *from, struct jit_page *page)
{
    from->state = PACK_USED;
    page->pack = from;
    for (uint32_t i = 0; i < from->blocks; i++) {
        struct jit_block *b = p->blocks[from->first_block + i];
        uint64_t key = pack_block_key(jit, b);
        atomic_store(&b->key, key);
        jit_cache_publish(jit, page, b, key);
    }
    for (uint32_t i = from->first_link; i < from->first_link + from->links; i++) {
        if (p->pages[p->links[i].to_page].state == PACK_USED)
            link_up(jit, p, &p->links[i]);
    }
    for (uint32_t i = from->first_in; i < from->first_in + from->ins; i++) {
        const struct pack_link *l = &p->links[p->ins[i]];
        const struct pack_page *other = &p->pages[l->from_page];
        if (other != from && other->state == PACK_USED)
            link_up(jit, p, l);
    }
}

void pack_use(struct vcpu_vm *vm, struct jit_page *page)
{
    struct jit *jit = jit_of_vm(vm);
    struct keeper *k = jit->keeper;
    struct pack *p = &k->pack;
    if (!p->page_count || !pack_whole(jit, p))
        return;
    bool known = false;
    for (uint32_t i = first_of_page(p, page->page); i < p->page_count; i++) {
        struct pack_page *from = &p->pages[i];
        if (from->page != page->page)
            break;
        known = true;
        if (from->state == PACK_UNUSED && !memcmp(&from->hash, page->hash, sizeof from->hash)) {
            use(jit, p, from, page);
            k->pages_used++;
            k->blocks_used += from->blocks;
            return;
        }
    }
    k->pages_refused += known;
}
