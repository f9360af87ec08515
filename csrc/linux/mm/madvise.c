/* madvise.c - madvise, msync, mincore: what is asked about ranges that may have holes. */
#include "host/mem.h"
#include "linux/mm/mm.h"
#include "linux/mm/uaccess.h"
#include "syscalls_gen.h"
#include "vcpu/vcpu.h"

/*
 * Walk the areas in [start, end): fn on each part, without the lock unless locked. The result is
 * the first error, or -LINUX_ENOMEM at the end if there were holes, as madvise(2) and msync(2) do.
 */
typedef int range_fn(struct mm *mm, const struct vma *part, int arg);

static int walk(struct mm *mm, gva_t start, gva_t end, bool locked, range_fn *fn, int arg)
{
    bool hole = false;
    int err = 0;
    gva_t at = start;
    host_mutex_lock(&mm->lock);
    while (err == 0 && at < end) {
        size_t i = vma_lower(mm, at);
        if (i == mm->count || mm->vmas[i].start >= end) {
            hole = true;
            break;
        }
        struct vma part = mm->vmas[i];
        if (part.start > at)
            hole = true;
        else
            part.start = at;
        if (part.end > end)
            part.end = end;
        if (!locked)
            host_mutex_unlock(&mm->lock);
        err = fn(mm, &part, arg);
        if (!locked)
            host_mutex_lock(&mm->lock);
        at = part.end;
    }
    host_mutex_unlock(&mm->lock);
    return err ? err : hole ? -LINUX_ENOMEM : 0;
}

static bool advice_known(uint64_t advice)
{
    return advice <= LINUX_MADV_DONTNEED ||
           (advice >= LINUX_MADV_FREE && advice <= LINUX_MADV_COLLAPSE) ||
           advice == LINUX_MADV_HWPOISON || advice == LINUX_MADV_SOFT_OFFLINE;
}

/* Does the advice throw contents away? Then nothing may be mapped there in between. */
static bool advice_drops(int advice)
{
    return advice == LINUX_MADV_DONTNEED || advice == LINUX_MADV_FREE ||
           advice == LINUX_MADV_REMOVE || advice == LINUX_MADV_DONTNEED_LOCKED;
}

static int advise(struct mm *mm, const struct vma *part, int advice)
{
    if (part->flags & (VMA_LOCKED | VMA_SPECIAL) &&
        (advice == LINUX_MADV_DONTNEED || advice == LINUX_MADV_FREE ||
         advice == LINUX_MADV_REMOVE || advice == LINUX_MADV_COLD || advice == LINUX_MADV_PAGEOUT))
        return -LINUX_EINVAL;
    int err = host_mem_advise(mm_host(mm, part->start), part->end - part->start, advice);
    if (advice_drops(advice) && part->prot & LINUX_PROT_EXEC)
        vcpu_vm_code_changed(mm->vm, part->start, part->end - part->start);
    return err;
}

int64_t sys_madvise(struct task *task, const uint64_t args[6])
{
    struct mm *mm = task->proc->mm;
    gva_t start = untagged_addr(args[0]);
    uint64_t len = page_align(args[1]);
    uint64_t advice = (uint32_t)args[2];
    if (!advice_known(advice))
        return -LINUX_EINVAL;
    if (advice == LINUX_MADV_HWPOISON || advice == LINUX_MADV_SOFT_OFFLINE)
        return -LINUX_EPERM;
    if (start & ~LINUX_PAGE_MASK || (args[1] && !len) || start + len < start)
        return -LINUX_EINVAL;
    if (len == 0)
        return 0;
    if (start + len > mm->size)
        return -LINUX_ENOMEM;
    return walk(mm, start, start + len, advice_drops((int)advice), advise, (int)advice);
}

static int sync_part(struct mm *mm, const struct vma *part, int flags)
{
    if (flags & LINUX_MS_INVALIDATE && part->flags & VMA_LOCKED)
        return -LINUX_EBUSY;
    return host_mem_sync(mm_host(mm, part->start), part->end - part->start, flags);
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
    if (start + len > mm->size)
        return -LINUX_ENOMEM;
    return walk(mm, start, start + len, false, sync_part, (int)flags);
}

static bool all_mapped(struct mm *mm, gva_t start, gva_t end)
{
    bool mapped = true;
    host_mutex_lock(&mm->lock);
    for (size_t i = vma_lower(mm, start); mapped && start < end; i++) {
        mapped = i < mm->count && mm->vmas[i].start <= start;
        if (mapped)
            start = mm->vmas[i].end;
    }
    host_mutex_unlock(&mm->lock);
    return mapped;
}

int64_t sys_mincore(struct task *task, const uint64_t args[6])
{
    struct mm *mm = task->proc->mm;
    gva_t start = untagged_addr(args[0]);
    uint64_t len = page_align(args[1]);
    gva_t vec = args[2];
    if (start & ~LINUX_PAGE_MASK)
        return -LINUX_EINVAL;
    if (start > mm->size || args[1] > mm->size - start)
        return -LINUX_ENOMEM;
    if (!user_ptr(task, vec, len / LINUX_PAGE_SIZE))
        return -LINUX_EFAULT;
    uint8_t chunk[512];
    while (len) {
        uint64_t n = len < sizeof chunk * LINUX_PAGE_SIZE ? len : sizeof chunk * LINUX_PAGE_SIZE;
        if (!all_mapped(mm, start, start + n))
            return -LINUX_ENOMEM;
        int err = host_mem_incore(mm_host(mm, start), n, chunk);
        if (err == 0)
            err = copy_to_user(task, vec, chunk, n / LINUX_PAGE_SIZE);
        if (err)
            return err;
        start += n;
        vec += n / LINUX_PAGE_SIZE;
        len -= n;
    }
    return 0;
}
