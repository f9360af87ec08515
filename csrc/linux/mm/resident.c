/* resident.c - msync, mincore: as Linux's mm/msync.c and mm/mincore.c. */
#include "host/mem.h"
#include "linux/mm/mm.h"
#include "linux/mm/uaccess.h"
#include "syscalls_gen.h"

static int sync_part(struct mm *mm, const struct vma *part, int flags)
{
    if (flags & LINUX_MS_INVALIDATE && part->flags & VMA_LOCKED)
        return -LINUX_EBUSY;
    host_mutex_unlock(&mm->lock);
    int err = host_mem_sync(mm_host(mm, part->start), part->end - part->start, flags);
    host_mutex_lock(&mm->lock);
    return err;
}

int64_t sys_msync(struct task *task, const uint64_t args[6])
{
    struct mm *mm = task->proc->mm;
    gva_t start = untagged_addr(args[0]);
    uint64_t len = page_align(args[1]);
    uint32_t flags = (uint32_t)args[2];
    if (flags & ~(uint32_t)(LINUX_MS_ASYNC | LINUX_MS_INVALIDATE | LINUX_MS_SYNC))
        return -LINUX_EINVAL;
    if (start & ~LINUX_PAGE_MASK)
        return -LINUX_EINVAL;
    if (flags & LINUX_MS_ASYNC && flags & LINUX_MS_SYNC)
        return -LINUX_EINVAL;
    if (start + len < start)
        return -LINUX_ENOMEM;
    if (len == 0)
        return 0;
    host_mutex_lock(&mm->lock);
    int err = vma_walk(mm, start, start + len, false, sync_part, (int)flags);
    host_mutex_unlock(&mm->lock);
    return err;
}

/* One area's part of [start, end), as far as `chunk` reaches: pages looked at, or -errno. */
static int64_t look(struct mm *mm, gva_t start, gva_t end, uint8_t *chunk, size_t size)
{
    host_mutex_lock(&mm->lock);
    size_t i = vma_lower(mm, start);
    int64_t result = -LINUX_ENOMEM;
    if (i < mm->count && mm->vmas[i].start <= start) {
        uint64_t len = (mm->vmas[i].end < end ? mm->vmas[i].end : end) - start;
        if (len > size * LINUX_PAGE_SIZE)
            len = size * LINUX_PAGE_SIZE;
        int err = host_mem_incore(mm_host(mm, start), len, chunk);
        result = err ? err : (int64_t)(len / LINUX_PAGE_SIZE);
    }
    host_mutex_unlock(&mm->lock);
    return result;
}

int64_t sys_mincore(struct task *task, const uint64_t args[6])
{
    struct mm *mm = task->proc->mm;
    gva_t start = untagged_addr(args[0]);
    uint64_t pages = args[1] / LINUX_PAGE_SIZE + (args[1] % LINUX_PAGE_SIZE != 0);
    gva_t vec = args[2];
    uint8_t chunk[512];
    if (start & ~LINUX_PAGE_MASK)
        return -LINUX_EINVAL;
    if (start > mm->size || args[1] > mm->size - start)
        return -LINUX_ENOMEM;
    if (!user_ptr(task, vec, pages))
        return -LINUX_EFAULT;
    gva_t end = start + pages * LINUX_PAGE_SIZE;
    while (start < end) {
        int64_t n = look(mm, start, end, chunk, sizeof chunk);
        if (n < 0)
            return n;
        if (copy_to_user(task, vec, chunk, (size_t)n))
            return -LINUX_EFAULT;
        start += (uint64_t)n * LINUX_PAGE_SIZE;
        vec += (uint64_t)n;
    }
    return 0;
}
