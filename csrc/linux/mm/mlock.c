/* mlock.c - mlock, mlock2, munlock, mlockall, munlockall: as Linux's mm/mlock.c. */
#include "host/mem.h"
#include "linux/mm/mm.h"
#include "syscalls_gen.h"

/* can_do_mlock() and the limit; the host's own limit may be lower still and is told by the host. */
static int check_limit(struct task *task, uint64_t more)
{
    struct mm *mm = task->proc->mm;
    uint64_t limit = mm->limit[MM_LIMIT_MEMLOCK];
    if (task->proc->cred.euid == 0 || limit == UINT64_MAX)
        return 0;
    if (limit == 0)
        return -LINUX_EPERM;
    return mm->locked <= limit && more <= limit - mm->locked ? 0 : -LINUX_ENOMEM;
}

static void set_flags(struct mm *mm, struct vma *v, uint32_t flags)
{
    if (v->flags & VMA_LOCKED)
        mm->locked -= v->end - v->start;
    v->flags = (v->flags & ~(VMA_LOCKED | VMA_LOCKONFAULT)) | flags;
    if (v->flags & VMA_LOCKED)
        mm->locked += v->end - v->start;
}

/* Mark [start, end) until the first hole. */
static int mark(struct mm *mm, gva_t start, gva_t end, uint32_t flags)
{
    int err = vma_split(mm, start, end);
    if (err)
        return err;
    gva_t at = start;
    for (size_t i = vma_lower(mm, start); at < end; i++) {
        if (i == mm->count || mm->vmas[i].start > at) {
            err = -LINUX_ENOMEM;
            break;
        }
        set_flags(mm, &mm->vmas[i], flags);
        at = mm->vmas[i].end;
    }
    vma_join(mm, start, end);
    return err;
}

static int64_t do_mlock(struct task *task, gva_t addr, uint64_t len, uint32_t flags)
{
    struct mm *mm = task->proc->mm;
    addr = untagged_addr(addr);
    len = page_align(len + (addr & ~LINUX_PAGE_MASK));
    gva_t start = addr & LINUX_PAGE_MASK, end = start + len;
    if (end < start)
        return -LINUX_EINVAL;
    if (end == start)
        return 0;
    if (end > mm->size)
        return -LINUX_ENOMEM;
    host_mutex_lock(&mm->lock);
    int err = flags ? check_limit(task, len) : 0;
    if (err == 0)
        err = mark(mm, start, end, flags);
    host_mutex_unlock(&mm->lock);
    if (err)
        return err;
    if (!flags)
        return host_mem_unlock(mm_host(mm, start), len);
    err = host_mem_lock(mm_host(mm, start), len, flags & VMA_LOCKONFAULT);
    if (err) {
        host_mutex_lock(&mm->lock);
        mark(mm, start, end, 0);
        host_mutex_unlock(&mm->lock);
    }
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

/* All areas; the host is told area by area: its own mappings must not be locked with the guest's.
 */
static int mark_all(struct mm *mm, uint32_t flags)
{
    int err = 0;
    for (size_t i = 0; i < mm->count && err == 0; i++) {
        struct vma *v = &mm->vmas[i];
        uint8_t *host = mm_host(mm, v->start);
        if (flags && v->prot)
            err = host_mem_lock(host, v->end - v->start, flags & VMA_LOCKONFAULT);
        else if (!flags && v->flags & VMA_LOCKED)
            err = host_mem_unlock(host, v->end - v->start);
        if (err == 0)
            set_flags(mm, v, flags);
    }
    return err;
}

int64_t sys_mlockall(struct task *task, const uint64_t args[6])
{
    struct mm *mm = task->proc->mm;
    uint32_t flags = (uint32_t)args[0];
    if (flags == 0 ||
        flags & ~(uint32_t)(LINUX_MCL_CURRENT | LINUX_MCL_FUTURE | LINUX_MCL_ONFAULT) ||
        flags == LINUX_MCL_ONFAULT)
        return -LINUX_EINVAL;
    uint32_t vma_flags = flags & LINUX_MCL_ONFAULT ? VMA_LOCKED | VMA_LOCKONFAULT : VMA_LOCKED;
    host_mutex_lock(&mm->lock);
    int err = check_limit(task, flags & LINUX_MCL_CURRENT ? mm->total - mm->locked : 0);
    if (err == 0)
        mm->lock_future = flags & LINUX_MCL_FUTURE ? vma_flags : 0;
    if (err == 0 && flags & LINUX_MCL_CURRENT)
        err = mark_all(mm, vma_flags);
    host_mutex_unlock(&mm->lock);
    return err;
}

int64_t sys_munlockall(struct task *task, const uint64_t args[6])
{
    (void)args;
    struct mm *mm = task->proc->mm;
    host_mutex_lock(&mm->lock);
    mm->lock_future = 0;
    int err = mark_all(mm, 0);
    host_mutex_unlock(&mm->lock);
    return err;
}
