/* remap_pages.c - remap_file_pages(2): as Linux's mm/mmap.c emulates it since 4.0, by a new mapping
 * of the same file over the old. */
#include "host/mem.h"
#include "linux/mm/mm.h"
#include "syscalls_gen.h"

/* With the lock. */
static int remap(struct mm *mm, gva_t start, gva_t end, uint64_t offset)
{
    size_t i = vma_lower(mm, start);
    if (i == mm->count || mm->vmas[i].start > start || !(mm->vmas[i].flags & VMA_SHARED) ||
        mm->vmas[i].flags & VMA_SHM)
        return -LINUX_EINVAL;
    struct vma vma = mm->vmas[i];
    /* What lies behind must be of the same mapping, and in a row. */
    for (gva_t at = vma.end; at < end; at = mm->vmas[i].end) {
        i++;
        if (i == mm->count || mm->vmas[i].start != at || mm->vmas[i].id != vma.id ||
            mm->vmas[i].flags != vma.flags)
            return -LINUX_EINVAL;
    }
    if (vma_any_flags(mm, start, end, VMA_SEALED))
        return -LINUX_EPERM;
    int err = vma_reserve(mm, 4);
    if (err == 0)
        err = host_mem_remap_pages(mm_host(mm, start), end - start, offset / LINUX_PAGE_SIZE);
    if (err)
        return err;
    vma_split(mm, start, end);
    vma_drop(mm, start, end);
    vma.start = start;
    vma.end = end;
    vma.offset = offset;
    vma_add(mm, &vma);
    return mm_notify(mm, start, end, vma.prot, vma.flags);
}

int64_t sys_remap_file_pages(struct task *task, const uint64_t args[6])
{
    struct mm *mm = task->proc->mm;
    gva_t start = args[0] & LINUX_PAGE_MASK;
    uint64_t size = args[1] & LINUX_PAGE_MASK, page = args[3];
    if (args[2] || start + size <= start || page + size / LINUX_PAGE_SIZE < page)
        return -LINUX_EINVAL;
    if (start >= mm->size || page > UINT64_MAX / LINUX_PAGE_SIZE)
        return -LINUX_EINVAL;
    host_mutex_lock(&mm->lock);
    int err = remap(mm, start, start + size, page * LINUX_PAGE_SIZE);
    host_mutex_unlock(&mm->lock);
    return err;
}
