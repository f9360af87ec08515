/* map.c - changing mappings: host, engine and table in step. Callers hold the lock unless it says
 * otherwise. */
#include "host/mem.h"
#include "linux/mm/mm.h"
#include "vcpu/vcpu.h"

#define PROT_BITS (LINUX_PROT_READ | LINUX_PROT_WRITE | LINUX_PROT_EXEC)

int mm_notify(struct mm *mm, gva_t start, gva_t end, uint32_t prot, uint32_t flags)
{
    unsigned p = 0;
    if (prot & (LINUX_PROT_READ | LINUX_PROT_WRITE | LINUX_PROT_EXEC))
        p |= VCPU_PROT_READ;
    if (prot & LINUX_PROT_WRITE)
        p |= VCPU_PROT_WRITE;
    if (prot & LINUX_PROT_EXEC)
        p |= VCPU_PROT_EXEC;
    if (flags & (VMA_FILE | VMA_SPECIAL) && !(flags & VMA_SHARED) && !(prot & LINUX_PROT_WRITE))
        p |= VCPU_PROT_FILE;
    return vcpu_vm_protect(mm->vm, start, end - start, p);
}

static uint64_t data_bytes(const struct mm *mm)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < mm->count; i++) {
        const struct vma *v = &mm->vmas[i];
        if (v->prot & LINUX_PROT_WRITE && !(v->flags & (VMA_SHARED | VMA_GROWSDOWN)))
            sum += v->end - v->start;
    }
    return sum;
}

bool mm_may_expand(const struct mm *mm, uint64_t len, bool data)
{
    uint64_t as = mm->limit[MM_LIMIT_AS], limit = mm->limit[MM_LIMIT_DATA];
    if (as != UINT64_MAX && (mm->total > as || len > as - mm->total))
        return false;
    if (!data || limit == UINT64_MAX)
        return true;
    uint64_t sum = data_bytes(mm);
    return sum <= limit && len <= limit - sum;
}

int mm_unmap_locked(struct mm *mm, gva_t start, gva_t end)
{
    if (vma_any_flags(mm, start, end, VMA_SEALED))
        return -LINUX_EPERM;
    return mm_unmap_any(mm, start, end);
}

int mm_unmap_any(struct mm *mm, gva_t start, gva_t end)
{
    int err = vma_split(mm, start, end);
    if (err)
        return err;
    err = host_mem_unmap(mm_host(mm, start), end - start);
    if (err)
        return err;
    vma_drop(mm, start, end);
    return mm_notify(mm, start, end, 0, 0);
}

/*
 * A host mmap() over existing memory that failed late has unmapped it: then it is reserved again
 * and gone for the guest, as on Linux.
 */
static void after_failed_map(struct mm *mm, gva_t addr, uint64_t len)
{
    if (!host_mem_is_mapped(mm_host(mm, addr), len))
        mm_unmap_any(mm, addr, addr + len);
}

static int host_map(struct mm *mm, const struct mm_map *map, gva_t addr)
{
    uint8_t *host = mm_host(mm, addr);
    if (map->alias)
        return host_mem_alias(map->alias, host, map->len, map->prot);
    unsigned flags = 0;
    if ((map->map_flags & LINUX_MAP_TYPE) != LINUX_MAP_PRIVATE)
        flags |= HOST_MEM_SHARED;
    if (map->map_flags & LINUX_MAP_NORESERVE)
        flags |= HOST_MEM_NORESERVE;
    return host_mem_map(host, map->len, map->prot, flags, map->fd, map->offset);
}

static struct vma area_of(struct mm *mm, const struct mm_map *map, gva_t addr)
{
    struct vma vma = {.start = addr,
                      .end = addr + map->len,
                      .offset = map->offset,
                      .prot = map->prot & PROT_BITS,
                      .name = map->name,
                      .flags = map->vma_flags};
    if (!(vma.flags & VMA_DROPPABLE)) /* which is never locked */
        vma.flags |= mm->lock_future;
    if ((map->map_flags & LINUX_MAP_TYPE) != LINUX_MAP_PRIVATE)
        vma.flags |= VMA_SHARED;
    if (map->fd >= 0)
        vma.flags |= VMA_FILE;
    if (map->map_flags & LINUX_MAP_GROWSDOWN)
        vma.flags |= VMA_GROWSDOWN;
    if (map->map_flags & LINUX_MAP_LOCKED)
        vma.flags |= VMA_LOCKED;
    if (map->map_flags & LINUX_MAP_NORESERVE)
        vma.flags |= VMA_NORESERVE;
    if (vma.flags & (VMA_FILE | VMA_SHARED | VMA_SPECIAL | VMA_SHM))
        vma.id = map->id ? map->id : ++mm->last_id;
    else
        vma.offset = 0;
    return vma;
}

/* len is whole pages, prot and flags have been checked. */
int64_t mm_map_locked(struct mm *mm, const struct mm_map *map)
{
    gva_t addr = map->addr;
    if (!(map->map_flags & LINUX_MAP_FIXED)) {
        int64_t place = vma_place(mm, addr, map->len);
        if (place < 0)
            return place;
        addr = (gva_t)place;
    }
    if (vma_any_flags(mm, addr, addr + map->len, VMA_SEALED))
        return -LINUX_EPERM;
    int err = vma_reserve(mm, 4);
    if (err == 0)
        err = vma_split(mm, addr, addr + map->len);
    if (err)
        return err;
    err = host_map(mm, map, addr);
    if (err) {
        after_failed_map(mm, addr, map->len);
        return err;
    }
    vma_drop(mm, addr, addr + map->len);
    struct vma vma = area_of(mm, map, addr);
    vma_add(mm, &vma);
    err = mm_notify(mm, addr, addr + map->len, map->prot, vma.flags);
    if (err) {
        mm_unmap_any(mm, addr, addr + map->len);
        return err;
    }
    return (int64_t)addr;
}

/* The three for the kernel's own use: they take the lock. */
int64_t mm_map(struct mm *mm, const struct mm_map *map)
{
    host_mutex_lock(&mm->lock);
    int64_t addr = mm_map_locked(mm, map);
    host_mutex_unlock(&mm->lock);
    return addr;
}

int mm_unmap(struct mm *mm, gva_t addr, uint64_t len)
{
    host_mutex_lock(&mm->lock);
    int err = mm_unmap_locked(mm, addr, addr + len);
    host_mutex_unlock(&mm->lock);
    return err;
}

/* One area's part [start, end) gets prot. Borders have been made. */
static int protect_area(struct mm *mm, struct vma *v, uint32_t prot)
{
    uint64_t len = v->end - v->start;
    if (v->flags & VMA_SEALED)
        return -LINUX_EPERM;
    if (v->prot == prot)
        return 0;
    if (v->flags & (VMA_SPECIAL | VMA_READONLY) && prot & LINUX_PROT_WRITE)
        return -LINUX_EACCES;
    /* What becomes writable becomes data. */
    if (prot & ~v->prot & LINUX_PROT_WRITE && !(v->flags & (VMA_SHARED | VMA_GROWSDOWN)) &&
        !mm_may_expand(mm, len, true) && mm_may_expand(mm, len, false))
        return -LINUX_ENOMEM;
    int err = host_mem_protect(mm_host(mm, v->start), len, prot);
    if (err)
        return err;
    v->prot = prot;
    return mm_notify(mm, v->start, v->end, prot, v->flags);
}

static int protect_locked(struct mm *mm, gva_t start, gva_t end, uint32_t prot)
{
    int err = vma_split(mm, start, end);
    if (err)
        return err;
    gva_t at = start;
    /* As mprotect(2): what comes before the first hole is changed. */
    for (size_t i = vma_lower(mm, start); err == 0 && at < end; i++) {
        if (i == mm->count || mm->vmas[i].start > at) {
            err = -LINUX_ENOMEM;
            break;
        }
        err = protect_area(mm, &mm->vmas[i], prot & PROT_BITS);
        at = mm->vmas[i].end;
    }
    vma_join(mm, start, end);
    return err;
}

int mm_protect(struct mm *mm, gva_t addr, uint64_t len, uint32_t prot)
{
    host_mutex_lock(&mm->lock);
    int err = protect_locked(mm, addr, addr + len, prot);
    host_mutex_unlock(&mm->lock);
    return err;
}
