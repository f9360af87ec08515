/*
 * pack_save.c - writing a pack: what this run translated, and what the pack that it began with has
 * besides. The code is copied as it was before anything was linked or killed.
 */
#include <stdlib.h>
#include <unistd.h>

#include "vcpu/jit/pack.h"

struct source_page {
    uint64_t page;
    struct pack_hash hash;
    uint32_t age;
    uint32_t first, count; /* in blocks[] */
};

struct source_block {
    const struct jit_block *block;
    uint32_t page; /* in pages[] */
    uint32_t code; /* in the file */
};

struct source_link {
    uint32_t site, stub, target; /* in the arena */
};

#define GRANULE 16 /* of the arena; no two blocks share one */
#define NOWHERE UINT32_MAX

struct save {
    struct jit *jit;
    struct keeper *keeper;
    struct source_page *pages;
    struct source_block *blocks; /* by page */
    struct source_link *links;
    uint32_t *granules; /* of the arena: 1 + which of blocks[] has its code there */
    uint32_t page_count, page_room, block_count, block_room, link_count, link_room;
    uint32_t fresh; /* blocks of the chosen pages that the pack did not have */
    uint32_t code_bytes, block_bytes;
    bool failed;
};

#define GRANULES_BYTES ((size_t)SEGMENT_BYTES * SEGMENT_COUNT / GRANULE * sizeof(uint32_t))

static bool room(void **array, uint32_t count, uint32_t *have, size_t element)
{
    if (count < *have)
        return true;
    uint32_t more = *have ? *have * 2 : 256;
    void *bigger = realloc(*array, more * element);
    if (!bigger)
        return false;
    *array = bigger;
    *have = more;
    return true;
}

/* ---- what there is ---- */

static void add_page(struct save *s, uint64_t page, const void *hash, uint32_t age)
{
    if (!room((void **)&s->pages, s->page_count, &s->page_room, sizeof *s->pages)) {
        s->failed = true;
        return;
    }
    struct source_page *p = &s->pages[s->page_count++];
    *p = (struct source_page){.page = page, .age = age, .first = s->block_count};
    memcpy(&p->hash, hash, sizeof p->hash);
}

static void add_block(struct save *s, const struct jit_block *b)
{
    if (!room((void **)&s->blocks, s->block_count, &s->block_room, sizeof *s->blocks)) {
        s->failed = true;
        return;
    }
    s->blocks[s->block_count++] = (struct source_block){.block = b, .page = s->page_count - 1};
    s->pages[s->page_count - 1].count++;
}

static bool is_from_pack(const struct pack *p, const struct jit_block *b)
{
    return p->memory && (const uint8_t *)b >= (const uint8_t *)p->memory &&
           (const uint8_t *)b < (const uint8_t *)p->memory + p->bytes;
}

static void add_live_page(struct save *s, const struct vcpu_vm *vm, const struct jit_page *p)
{
    const struct exec_range *range = exec_map_at(vm, p->page << GUEST_PAGE_BITS);
    if (p->content != CONTENT_HASHED || !range || !range->file)
        return;
    bool any = false;
    for (const struct jit_block *b = p->blocks; b; b = b->page_next) {
        if (atomic_load(&b->key) & JIT_KEY_FPCR)
            continue;
        if (!any)
            add_page(s, p->page, p->hash, 0);
        any = true;
        if (s->failed)
            return;
        add_block(s, b);
    }
}

static int by_address(const void *a, const void *b)
{
    const struct source_page *x = a, *y = b;
    if (x->page != y->page)
        return x->page < y->page ? -1 : 1;
    return memcmp(&x->hash, &y->hash, sizeof x->hash);
}

/* What the pack has besides. live: pages that have been added, by address. */
static void add_pack_pages(struct save *s, uint32_t live)
{
    const struct pack *p = &s->keeper->pack;
    if (!p->page_count || !pack_whole(s->jit, p))
        return;
    for (uint32_t i = 0; i < p->page_count && !s->failed; i++) {
        const struct pack_page *from = &p->pages[i];
        const struct source_page wanted = {.page = from->page, .hash = from->hash};
        uint32_t age = from->state == PACK_UNUSED ? from->age + 1 : 0;
        if (from->state == PACK_BAD || age > PACK_AGE ||
            bsearch(&wanted, s->pages, live, sizeof wanted, by_address))
            continue;
        add_page(s, from->page, &from->hash, age);
        for (uint32_t j = 0; j < from->blocks && !s->failed; j++)
            add_block(s, p->blocks[from->first_block + j]);
    }
}

/* The jumps that lead elsewhere than to their exits. */
static void add_links(struct save *s)
{
    struct jit *jit = s->jit;
    for (unsigned i = 0; i < SEGMENT_COUNT; i++) {
        const struct segment *to = &jit->segments[i];
        for (uint32_t j = 0; j < to->incoming_count; j++) {
            const struct incoming *in = &to->incoming[j];
            if (jit->segments[in->site / SEGMENT_BYTES].generation != in->generation)
                continue;
            if (!room((void **)&s->links, s->link_count, &s->link_room, sizeof *s->links)) {
                s->failed = true;
                return;
            }
            uint32_t displacement;
            memcpy(&displacement, jit->write + in->site, sizeof displacement);
            s->links[s->link_count++] =
                (struct source_link){in->site, in->stub, in->site + 4 + displacement};
        }
    }
}

/* ---- where it goes ---- */

static int by_age(const void *a, const void *b)
{
    const struct source_page *x = a, *y = b;
    return x->age != y->age ? (x->age < y->age ? -1 : 1) : by_address(a, b);
}

static int by_code(const void *a, const void *b)
{
    const struct source_block *x = a, *y = b;
    return x->block->code < y->block->code ? -1 : x->block->code > y->block->code;
}

static uint32_t code_place(uint32_t at, uint32_t size)
{
    at = (at + 15) & ~15u;
    uint32_t left = SEGMENT_BYTES - at % SEGMENT_BYTES;
    return size > left ? at + left : at;
}

/* Oldest last, as many as fit; then by address. */
static void choose_pages(struct save *s)
{
    uint64_t bytes = sizeof(struct pack_header);
    qsort(s->pages, s->page_count, sizeof *s->pages, by_age);
    uint32_t n = 0;
    for (; n < s->page_count; n++) {
        const struct source_page *p = &s->pages[n];
        bytes += sizeof(struct pack_page);
        /* With a link of each block, and what the ends of segments may waste. */
        for (uint32_t i = p->first; i < p->first + p->count; i++)
            bytes += s->blocks[i].block->size + pack_block_bytes(s->blocks[i].block->count) + 96;
        if (bytes > PACK_BYTES / 8 * 7)
            break;
    }
    s->page_count = n;
    qsort(s->pages, n, sizeof *s->pages, by_address);
    s->fresh = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct source_page *p = &s->pages[i];
        for (uint32_t j = p->first; j < p->first + p->count; j++)
            s->fresh += !is_from_pack(&s->keeper->pack, s->blocks[j].block);
    }
}

static void place_block(struct save *s, uint32_t index)
{
    struct source_block *b = &s->blocks[index];
    uint32_t end = b->block->code + b->block->size;
    b->code = code_place(s->code_bytes, b->block->size);
    s->code_bytes = (b->code + b->block->size + 15) & ~15u;
    s->block_bytes += (uint32_t)pack_block_bytes(b->block->count);
    for (uint32_t at = b->block->code; at < end; at += GRANULE)
        s->granules[at / GRANULE] = index + 1;
}

/* Copies blocks[] in the order of pages[] and says where each goes. */
static bool place(struct save *s)
{
    struct source_block *placed = malloc((s->block_count + 1) * sizeof *placed);
    /* A block is some 400 bytes of code, of which each GRANULE has an entry. */
    s->granules =
        pack_memory(GRANULES_BYTES, s->block_count * (400 / GRANULE * sizeof *s->granules));
    if (!placed || !s->granules) {
        free(placed);
        return false;
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->page_count; i++) {
        struct source_page *p = &s->pages[i];
        memcpy(placed + n, s->blocks + p->first, p->count * sizeof *placed);
        qsort(placed + n, p->count, sizeof *placed, by_code);
        p->first = n;
        for (; n < p->first + p->count; n++)
            placed[n].page = i;
    }
    free(s->blocks);
    s->blocks = placed;
    s->block_count = n;
    for (uint32_t i = 0; i < n; i++)
        place_block(s, i);
    return true;
}

static const struct source_block *block_at(const struct save *s, uint32_t at)
{
    uint32_t index = at < SEGMENT_BYTES * SEGMENT_COUNT ? s->granules[at / GRANULE] : 0;
    return index ? &s->blocks[index - 1] : NULL;
}

/* The linked jumps of the blocks, as they will be in the file, in a new array. Those that lead out
 * of the pack have NOWHERE as their target. */
static struct pack_link *make_links(const struct save *s, uint32_t *count, uint32_t *inside)
{
    struct pack_link *made = malloc((s->link_count + 1) * sizeof *made);
    uint32_t n = 0;
    *inside = 0;
    for (uint32_t i = 0; made && i < s->link_count; i++) {
        const struct source_link *l = &s->links[i];
        const struct source_block *from = block_at(s, l->site), *to = block_at(s, l->target);
        if (!from)
            continue;
        struct pack_link *m = &made[n++];
        *m = (struct pack_link){.site = from->code + (l->site - from->block->code),
                                .stub = from->code + (l->stub - from->block->code),
                                .from_page = from->page,
                                .to_page = NOWHERE};
        if (to && to->block->code == l->target) {
            m->to_page = to->page;
            m->to_block = (uint32_t)(to - s->blocks);
            ++*inside;
        }
    }
    *count = n;
    return made;
}

/* ---- writing ---- */

struct parts {
    struct pack_page *pages;
    struct pack_link *links;
    uint32_t *ins;
    uint8_t *blocks, *code;
};

static struct parts parts_of(struct pack_header *file)
{
    struct parts p = {.pages = (struct pack_page *)(void *)(file + 1)};
    p.links = (struct pack_link *)(void *)(p.pages + file->pages);
    p.ins = (uint32_t *)(void *)(p.links + file->links);
    p.blocks = (uint8_t *)(p.ins + file->links);
    p.code = p.blocks + file->block_bytes;
    return p;
}

/* As jit_translate() made it: whoever kills a block overwrites the first instruction. */
static const uint8_t *entry_bytes(void)
{
    static uint8_t entry[8];
    struct x64 e = {entry};
    x64_op(&e, 4, 0x83, ALU_CMP, x64_mem(RBP, JIT_AT(vcpu.attention)));
    return entry;
}

static void write_block(const struct save *s, const struct source_block *b, uint8_t *record,
                        uint8_t *code)
{
    struct jit_block *to = (struct jit_block *)(void *)record;
    atomic_init(&to->key, BLOCK_DEAD);
    to->code = b->code;
    to->size = b->block->size;
    to->count = b->block->count;
    to->segment = (uint16_t)(b->code / SEGMENT_BYTES);
    memcpy(to->map, b->block->map, (to->count + 1u) * sizeof *to->map);
    memcpy(code, s->jit->write + b->block->code, to->size);
    memcpy(code, entry_bytes(), 5);
}

static void write_pages_and_blocks(const struct save *s, const struct parts *to)
{
    uint8_t *record = to->blocks;
    uint32_t b = 0;
    for (uint32_t i = 0; i < s->page_count; i++) {
        const struct source_page *p = &s->pages[i];
        to->pages[i] = (struct pack_page){
            .page = p->page, .hash = p->hash, .first_block = b, .blocks = p->count, .age = p->age};
        for (; b < p->first + p->count; b++) {
            write_block(s, &s->blocks[b], record, to->code + s->blocks[b].code);
            record += pack_block_bytes(s->blocks[b].block->count);
        }
    }
}

/* Takes the linking back in the copy of the code, and notes by page what may be linked again. */
static void write_links(const struct pack_header *file, const struct parts *to,
                        const struct pack_link *made, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t displacement = made[i].stub - made[i].site - 4;
        memcpy(to->code + made[i].site, &displacement, sizeof displacement);
        if (made[i].to_page == NOWHERE)
            continue;
        to->pages[made[i].from_page].links++;
        to->pages[made[i].to_page].ins++;
    }
    for (uint32_t i = 0, link = 0, in = 0; i < file->pages; i++) {
        struct pack_page *p = &to->pages[i];
        p->first_link = link;
        p->first_in = in;
        link += p->links;
        in += p->ins;
        p->links = p->ins = 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (made[i].to_page == NOWHERE)
            continue;
        struct pack_page *from = &to->pages[made[i].from_page], *p = &to->pages[made[i].to_page];
        uint32_t at = from->first_link + from->links++;
        to->links[at] = made[i];
        to->ins[p->first_in + p->ins++] = at;
    }
}

/* The whole file, in new memory. */
static struct pack_header *make_file(const struct save *s)
{
    uint32_t links;
    struct pack_header h = {.magic = PACK_MAGIC, .key = s->keeper->key};
    struct pack_link *made = make_links(s, &links, &h.links);
    if (!made)
        return NULL;
    h.pages = s->page_count;
    h.blocks = s->block_count;
    h.block_bytes = s->block_bytes;
    h.block_bytes += (uint32_t)(-pack_table_bytes(&h) & 15);
    h.code_bytes = s->code_bytes;
    h.bytes = sizeof h + pack_table_bytes(&h) + h.code_bytes;
    struct pack_header *file = h.bytes <= PACK_BYTES ? pack_memory(h.bytes, h.bytes) : NULL;
    if (file) {
        *file = h;
        struct parts to = parts_of(file);
        write_pages_and_blocks(s, &to);
        write_links(file, &to, made, links);
        file->digest = pack_digest(s->keeper->secret, &h, to.pages, pack_table_bytes(&h), to.code);
    }
    free(made);
    return file;
}

/* A process of the same run, forked from this one or before it, may have put the same secret there.
 */
static bool is_ours(const struct keeper *k)
{
    uint8_t there[sizeof k->secret];
    uint64_t size;
    int fd = pack_open(k->dir, PACK_SECRET_NAME, sizeof there, &size);
    bool same = fd >= 0 && size == sizeof there && pack_read(fd, there, sizeof there) &&
                !memcmp(there, k->secret, sizeof there);
    if (fd >= 0)
        close(fd);
    return same;
}

/* Another process may have been first with a secret; then what is hashed with ours is of no use. */
static bool settle_secret(struct keeper *k)
{
    if (k->new_secret && !pack_write(k->dir, PACK_SECRET_NAME, k->secret, sizeof k->secret, true) &&
        !is_ours(k))
        return false;
    k->new_secret = false;
    return true;
}

static void gather(struct save *s, const struct vcpu_vm *vm)
{
    for (size_t i = 0; i < (size_t)1 << PAGE_HASH_BITS && !s->failed; i++) {
        for (const struct jit_page *p = s->jit->pages[i]; p && !s->failed; p = p->next)
            add_live_page(s, vm, p);
    }
}

void pack_save(struct vcpu_vm *vm, struct keeper *k)
{
    struct save s = {.jit = jit_of_vm(vm), .keeper = k};
    struct pack_header *file = NULL;
    gather(&s, vm);
    if (!s.failed && s.page_count) {
        qsort(s.pages, s.page_count, sizeof *s.pages, by_address);
        add_pack_pages(&s, s.page_count);
        add_links(&s);
        choose_pages(&s);
    }
    /* A program that has more than fits must not write the same again and again. */
    if (!s.failed && s.fresh > pack_few(&k->pack) && place(&s))
        file = make_file(&s);
    char name[64];
    pack_name(name, sizeof name, &k->key);
    if (file && settle_secret(k) && pack_write(k->dir, name, file, file->bytes, false)) {
        k->saved_bytes = file->bytes;
        pack_prune(k->dir);
    }
    if (file)
        pack_memory_free(file, file->bytes);
    pack_memory_free(s.granules, GRANULES_BYTES);
    free(s.pages);
    free(s.blocks);
    free(s.links);
}
