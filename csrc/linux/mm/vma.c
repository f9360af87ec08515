/*
 * vma.c - the table of areas: sorted, without overlaps, equal neighbours joined.
 *
 * An array with binary search: a program has some hundred areas, and at the 65,530 that Linux
 * allows moving the tail is still well under a millisecond.
 */
#include <stdlib.h>
#include <string.h>

#include "linux/mm/mm.h"

size_t vma_lower(const struct mm *mm, gva_t addr)
{
    size_t lo = 0, hi = mm->count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (mm->vmas[mid].end <= addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

bool vma_any(const struct mm *mm, gva_t start, gva_t end)
{
    size_t i = vma_lower(mm, start);
    return i < mm->count && mm->vmas[i].start < end;
}

bool vma_any_flags(const struct mm *mm, gva_t start, gva_t end, uint32_t flags)
{
    for (size_t i = vma_lower(mm, start); i < mm->count && mm->vmas[i].start < end; i++) {
        if (mm->vmas[i].flags & flags)
            return true;
    }
    return false;
}

bool vma_all(const struct mm *mm, gva_t start, gva_t end)
{
    for (size_t i = vma_lower(mm, start); start < end; i++) {
        if (i == mm->count || mm->vmas[i].start > start)
            return false;
        start = mm->vmas[i].end;
    }
    return true;
}

int vma_reserve(struct mm *mm, size_t n)
{
    if (mm->count + n <= mm->capacity)
        return 0;
    size_t capacity = (mm->count + n) * 2;
    struct vma *vmas = realloc(mm->vmas, capacity * sizeof *vmas);
    if (!vmas)
        return -LINUX_ENOMEM;
    mm->vmas = vmas;
    mm->capacity = capacity;
    return 0;
}

static void insert_at(struct mm *mm, size_t i, const struct vma *vma)
{
    memmove(&mm->vmas[i + 1], &mm->vmas[i], (mm->count - i) * sizeof *vma);
    mm->vmas[i] = *vma;
    mm->count++;
    if (vma->flags & VMA_SHM)
        mm->shm_changed = true;
}

static void remove_at(struct mm *mm, size_t i, size_t n)
{
    for (size_t k = i; k < i + n; k++) {
        if (mm->vmas[k].flags & VMA_SHM)
            mm->shm_changed = true;
    }
    memmove(&mm->vmas[i], &mm->vmas[i + n], (mm->count - i - n) * sizeof *mm->vmas);
    mm->count -= n;
}

static void split_at(struct mm *mm, gva_t addr)
{
    size_t i = vma_lower(mm, addr);
    if (i == mm->count || mm->vmas[i].start >= addr)
        return;
    struct vma low = mm->vmas[i];
    low.end = addr;
    mm->vmas[i].offset += addr - mm->vmas[i].start;
    mm->vmas[i].start = addr;
    insert_at(mm, i, &low);
}

int vma_split(struct mm *mm, gva_t start, gva_t end)
{
    int err = vma_reserve(mm, 2);
    if (err)
        return err;
    split_at(mm, start);
    split_at(mm, end);
    return 0;
}

void vma_drop(struct mm *mm, gva_t start, gva_t end)
{
    size_t i = vma_lower(mm, start), n = 0;
    while (i + n < mm->count && mm->vmas[i + n].start < end) {
        const struct vma *v = &mm->vmas[i + n];
        mm->total -= v->end - v->start;
        if (v->flags & VMA_LOCKED)
            mm->locked -= v->end - v->start;
        n++;
    }
    if (n)
        remove_at(mm, i, n);
}

static bool joinable(const struct vma *a, const struct vma *b)
{
    if (a->end != b->start || a->prot != b->prot || a->flags != b->flags || a->name != b->name)
        return false;
    /* Pieces of one mapping of an object meet again; two mappings of it are told apart by the host
     * only. */
    return a->id == b->id && (a->id == 0 || a->offset + (a->end - a->start) == b->offset);
}

void vma_join(struct mm *mm, gva_t start, gva_t end)
{
    size_t i = vma_lower(mm, start);
    if (i > 0)
        i--;
    while (i + 1 < mm->count && mm->vmas[i].start <= end) {
        if (joinable(&mm->vmas[i], &mm->vmas[i + 1])) {
            mm->vmas[i].end = mm->vmas[i + 1].end;
            remove_at(mm, i + 1, 1);
        } else {
            i++;
        }
    }
}

int vma_set_flags(struct mm *mm, gva_t start, gva_t end, uint32_t set, uint32_t clear)
{
    int err = vma_split(mm, start, end);
    if (err)
        return err;
    for (size_t i = vma_lower(mm, start); i < mm->count && mm->vmas[i].start < end; i++) {
        struct vma *v = &mm->vmas[i];
        if (v->flags & VMA_LOCKED)
            mm->locked -= v->end - v->start;
        v->flags = (v->flags & ~clear) | set;
        if (v->flags & VMA_LOCKED)
            mm->locked += v->end - v->start;
    }
    vma_join(mm, start, end);
    return 0;
}

int vma_walk(struct mm *mm, gva_t start, gva_t end, bool stop_at_hole,
             int (*fn)(struct mm *mm, const struct vma *part, int arg), int arg)
{
    bool hole = false;
    while (start < end) {
        size_t i = vma_lower(mm, start);
        bool here = i < mm->count && mm->vmas[i].start <= start;
        if (!here && (stop_at_hole || i == mm->count || mm->vmas[i].start >= end))
            return -LINUX_ENOMEM;
        struct vma part = mm->vmas[i];
        if (here)
            part.start = start;
        else
            hole = true;
        if (part.end > end)
            part.end = end;
        int err = fn(mm, &part, arg);
        if (err)
            return err;
        start = part.end;
    }
    return hole ? -LINUX_ENOMEM : 0;
}

int vma_add(struct mm *mm, const struct vma *vma)
{
    int err = vma_reserve(mm, 1);
    if (err)
        return err;
    insert_at(mm, vma_lower(mm, vma->start), vma);
    mm->total += vma->end - vma->start;
    if (vma->flags & VMA_LOCKED)
        mm->locked += vma->end - vma->start;
    vma_join(mm, vma->start, vma->end);
    return 0;
}

/* Linux keeps a stack's neighbours at a distance (stack_guard_gap, 256 pages). */
#define STACK_GUARD_GAP (256 * LINUX_PAGE_SIZE)

static gva_t gap_start(const struct vma *v)
{
    if (!(v->flags & VMA_GROWSDOWN))
        return v->start;
    return v->start > STACK_GUARD_GAP ? v->start - STACK_GUARD_GAP : 0;
}

bool vma_is_free(const struct mm *mm, gva_t start, gva_t end)
{
    size_t i = vma_lower(mm, start);
    return i == mm->count || gap_start(&mm->vmas[i]) >= end;
}

static int64_t place_below(const struct mm *mm, gva_t top, uint64_t len)
{
    size_t i = vma_lower(mm, top - 1);
    gva_t hole_end = top;
    if (i < mm->count && gap_start(&mm->vmas[i]) < hole_end)
        hole_end = gap_start(&mm->vmas[i]);
    for (;;) {
        gva_t hole_start = i > 0 ? mm->vmas[i - 1].end : 0;
        if (hole_start < MM_MIN_ADDR)
            hole_start = MM_MIN_ADDR;
        if (hole_end >= hole_start && hole_end - hole_start >= len)
            return (int64_t)(hole_end - len);
        if (i == 0)
            return -LINUX_ENOMEM;
        i--;
        hole_end = gap_start(&mm->vmas[i]);
    }
}

int64_t vma_place(const struct mm *mm, gva_t hint, uint64_t len)
{
    if (len > mm->size - MM_MIN_ADDR)
        return -LINUX_ENOMEM;
    if (hint) {
        hint = page_align(hint);
        if (hint < MM_MIN_ADDR)
            hint = MM_MIN_ADDR;
        if (hint <= mm->size - len) {
            size_t i = vma_lower(mm, hint);
            if (i == mm->count || hint + len <= gap_start(&mm->vmas[i]))
                return (int64_t)hint;
        }
    }
    int64_t addr = place_below(mm, mm->mmap_base, len);
    /* As arch_get_unmapped_area_topdown(): when that is full, anywhere. */
    if (addr < 0)
        addr = place_below(mm, mm->size, len);
    return addr;
}
