/*
 * mlock.c - mlock, mlock2, munlock, mlockall, munlockall: as Linux's mm/mlock.c.
 *
 * How much may be locked the guest's limit says: CAP_IPC_LOCK is asked of the machine's first user
 * namespace, in which no guest has any. The host is asked to do
 * it, and where its own limit for us is lower, the pages are at least brought in: the guest cannot
 * tell, but for how they are treated when memory runs short.
 */
#include "host/mem.h"
#include "linux/mm/mm.h"
#include "syscalls_gen.h"

bool mm_can_lock(const struct task *task)
{
    return task->proc->mm->limit[MM_LIMIT_MEMLOCK] != 0;
}

bool mm_may_lock(const struct task *task, uint64_t len)
{
    const struct mm *mm = task->proc->mm;
    uint64_t limit = mm->limit[MM_LIMIT_MEMLOCK] & LINUX_PAGE_MASK;
    if (mm->limit[MM_LIMIT_MEMLOCK] == UINT64_MAX)
        return true;
    return mm->locked <= limit && len <= limit - mm->locked;
}

static uint64_t locked_in(const struct mm *mm, gva_t start, gva_t end)
{
    uint64_t sum = 0;
    for (size_t i = vma_lower(mm, start); i < mm->count && mm->vmas[i].start < end; i++) {
        const struct vma *v = &mm->vmas[i];
        if (v->flags & VMA_LOCKED)
            sum += (v->end < end ? v->end : end) - (v->start > start ? v->start : start);
    }
    return sum;
}

static void lock_host(struct mm *mm, gva_t start, gva_t end, uint32_t flags)
{
    if (host_mem_lock(mm_host(mm, start), end - start, flags & VMA_LOCKONFAULT) &&
        !(flags & VMA_LOCKONFAULT))
        host_mem_advise(mm_host(mm, start), end - start, LINUX_MADV_POPULATE_READ);
}

/* mlock_fixup(): special areas are left as they are. */
static int lock_part(struct mm *mm, const struct vma *part, int arg)
{
    uint32_t flags = (uint32_t)arg, both = VMA_LOCKED | VMA_LOCKONFAULT;
    if ((part->flags & both) == flags || part->flags & (VMA_SPECIAL | VMA_DROPPABLE))
        return 0;
    int err = vma_set_flags(mm, part->start, part->end, flags, both);
    if (err)
        return err;
    if (!flags) {
        host_mem_unlock(mm_host(mm, part->start), part->end - part->start);
        return 0;
    }
    host_mutex_unlock(&mm->lock);
    lock_host(mm, part->start, part->end, flags);
    host_mutex_lock(&mm->lock);
    return 0;
}

/* __mm_populate(): memory that may not be touched, and a mapping's pages past the end of its file
 * or of the shared memory that it was made longer than, make the call fail after the fact. */
static int populated(struct mm *mm, const struct vma *part, int arg)
{
    (void)arg;
    if (!part->prot)
        return -LINUX_ENOMEM;
    if (!(part->flags & (VMA_FILE | VMA_SHARED)))
        return 0;
    host_mutex_unlock(&mm->lock);
    int err = host_mem_advise(mm_host(mm, part->start), part->end - part->start,
                              LINUX_MADV_POPULATE_READ);
    host_mutex_lock(&mm->lock);
    return err == -LINUX_EFAULT ? -LINUX_ENOMEM : 0;
}

static int lock_range(struct task *task, gva_t start, gva_t end, uint32_t flags)
{
    struct mm *mm = task->proc->mm;
    if (flags && !mm_may_lock(task, end - start - locked_in(mm, start, end)))
        return -LINUX_ENOMEM;
    if (end < start)
        return -LINUX_EINVAL;
    if (end == start)
        return 0;
    int err = vma_walk(mm, start, end, true, lock_part, (int)flags);
    if (err == 0 && flags && !(flags & VMA_LOCKONFAULT))
        err = vma_walk(mm, start, end, true, populated, 0);
    return err;
}

static int64_t do_mlock(struct task *task, gva_t addr, uint64_t len, uint32_t flags)
{
    struct mm *mm = task->proc->mm;
    addr = untagged_addr(addr);
    len = page_align(len + (addr & ~LINUX_PAGE_MASK));
    gva_t start = addr & LINUX_PAGE_MASK;
    if (flags && !mm_can_lock(task))
        return -LINUX_EPERM;
    host_mutex_lock(&mm->lock);
    int err = lock_range(task, start, start + len, flags);
    host_mutex_unlock(&mm->lock);
    return err;
}

int64_t sys_mlock(struct task *task, const uint64_t args[6])
{
    return do_mlock(task, args[0], args[1], VMA_LOCKED);
}

int64_t sys_mlock2(struct task *task, const uint64_t args[6])
{
    uint32_t flags = (uint32_t)args[2];
    if (flags & ~(uint32_t)LINUX_MLOCK_ONFAULT)
        return -LINUX_EINVAL;
    return do_mlock(task, args[0], args[1], flags ? VMA_LOCKED | VMA_LOCKONFAULT : VMA_LOCKED);
}

int64_t sys_munlock(struct task *task, const uint64_t args[6])
{
    return do_mlock(task, args[0], args[1], 0);
}

/* apply_mlockall_flags(): errors of single areas are not told. */
static void lock_all(struct mm *mm, uint32_t flags)
{
    (void)!vma_walk(mm, 0, mm->size, false, lock_part, (int)flags);
}

int64_t sys_mlockall(struct task *task, const uint64_t args[6])
{
    struct mm *mm = task->proc->mm;
    uint32_t flags = (uint32_t)args[0];
    if (flags == 0 ||
        flags & ~(uint32_t)(LINUX_MCL_CURRENT | LINUX_MCL_FUTURE | LINUX_MCL_ONFAULT) ||
        flags == LINUX_MCL_ONFAULT)
        return -LINUX_EINVAL;
    if (!mm_can_lock(task))
        return -LINUX_EPERM;
    uint32_t vma_flags = flags & LINUX_MCL_ONFAULT ? VMA_LOCKED | VMA_LOCKONFAULT : VMA_LOCKED;
    int err = 0;
    host_mutex_lock(&mm->lock);
    if (flags & LINUX_MCL_CURRENT && mm->total > mm->limit[MM_LIMIT_MEMLOCK])
        err = -LINUX_ENOMEM;
    if (err == 0) {
        mm->lock_future = flags & LINUX_MCL_FUTURE ? vma_flags : 0;
        if (flags & LINUX_MCL_CURRENT)
            lock_all(mm, vma_flags);
    }
    host_mutex_unlock(&mm->lock);
    return err;
}

int64_t sys_munlockall(struct task *task, const uint64_t args[6])
{
    (void)args;
    struct mm *mm = task->proc->mm;
    host_mutex_lock(&mm->lock);
    mm->lock_future = 0;
    lock_all(mm, 0);
    host_mutex_unlock(&mm->lock);
    return 0;
}
