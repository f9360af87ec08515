/* madvise.c - madvise(2): each advice as mm/madvise.c answers it, and what of it the host is told.
 */
#include "host/mem.h"
#include "linux/mm/mm.h"
#include "syscalls_gen.h"
#include "vcpu/vcpu.h"

/* madvise_behavior_valid() of Linux 6.12 with KSM and huge pages. */
static bool advice_known(int advice)
{
    return (advice >= LINUX_MADV_NORMAL && advice <= LINUX_MADV_DONTNEED) ||
           (advice >= LINUX_MADV_FREE && advice <= LINUX_MADV_COLLAPSE) ||
           advice == LINUX_MADV_HWPOISON || advice == LINUX_MADV_SOFT_OFFLINE;
}

/* is_madv_discard() */
static bool advice_discards(int advice)
{
    switch (advice) {
    case LINUX_MADV_FREE:
    case LINUX_MADV_DONTNEED:
    case LINUX_MADV_DONTNEED_LOCKED:
    case LINUX_MADV_REMOVE:
    case LINUX_MADV_DONTFORK:
    case LINUX_MADV_WIPEONFORK: return true;
    default: return false;
    }
}

static bool advice_drops_contents(int advice)
{
    return advice_discards(advice) && advice != LINUX_MADV_DONTFORK &&
           advice != LINUX_MADV_WIPEONFORK;
}

/*
 * Is this advice a flag of the area, kept by us? A fork copies the host's mappings all alike:
 * mm_after_fork() then does to the copy what the flags say. The host must not leave a mapping out:
 * in the child something of ours could come to lie in the hole.
 */
static bool advice_flags(int advice, uint32_t *set, uint32_t *clear)
{
    switch (advice) {
    case LINUX_MADV_DONTFORK: *set = VMA_DONTFORK; return true;
    case LINUX_MADV_DOFORK: *clear = VMA_DONTFORK; return true;
    case LINUX_MADV_WIPEONFORK: *set = VMA_WIPEONFORK; return true;
    case LINUX_MADV_KEEPONFORK: *clear = VMA_WIPEONFORK; return true;
    /* No core is written. */
    case LINUX_MADV_DONTDUMP:
    case LINUX_MADV_DODUMP: return true;
    default: return false;
    }
}

/* madvise_vma_behavior(): may it be asked of this area? */
static int check_area(const struct vma *v, int advice)
{
    const bool anonymous = vma_is_private_anonymous(v);
    if (v->flags & VMA_SEALED && advice_discards(advice) && !(v->flags & (VMA_FILE | VMA_SHARED)) &&
        !(v->prot & LINUX_PROT_WRITE))
        return -LINUX_EPERM;
    switch (advice) {
    case LINUX_MADV_REMOVE:
        if (v->flags & VMA_LOCKED || !(v->flags & (VMA_FILE | VMA_SHARED)))
            return -LINUX_EINVAL;
        return 0; /* the host knows whether it may be written */
    case LINUX_MADV_COLD:
    case LINUX_MADV_PAGEOUT:
    case LINUX_MADV_DONTNEED: return v->flags & (VMA_LOCKED | VMA_PFNMAP) ? -LINUX_EINVAL : 0;
    case LINUX_MADV_FREE:
        return v->flags & (VMA_LOCKED | VMA_PFNMAP) || !anonymous ? -LINUX_EINVAL : 0;
    case LINUX_MADV_DONTNEED_LOCKED: return v->flags & VMA_PFNMAP ? -LINUX_EINVAL : 0;
    case LINUX_MADV_POPULATE_READ: /* what may only be written or run the host lets be read, too */
        return v->flags & VMA_PFNMAP || !(v->prot & LINUX_PROT_READ) ? -LINUX_EINVAL : 0;
    case LINUX_MADV_POPULATE_WRITE: return v->flags & VMA_PFNMAP ? -LINUX_EINVAL : 0;
    case LINUX_MADV_DOFORK: return v->flags & VMA_PFNMAP ? -LINUX_EINVAL : 0;
    case LINUX_MADV_WIPEONFORK:
        return v->flags & (VMA_FILE | VMA_SHARED | VMA_SHM) ? -LINUX_EINVAL : 0;
    case LINUX_MADV_KEEPONFORK: return v->flags & VMA_DROPPABLE ? -LINUX_EINVAL : 0;
    case LINUX_MADV_DODUMP: return v->flags & (VMA_SPECIAL | VMA_DROPPABLE) ? -LINUX_EINVAL : 0;
    default: return 0;
    }
}

/* The host's errors that tell of its configuration and not of the guest's request. */
static int host_answer(int advice, int err)
{
    switch (advice) {
    case LINUX_MADV_HUGEPAGE:
    case LINUX_MADV_NOHUGEPAGE:
    case LINUX_MADV_MERGEABLE:
    case LINUX_MADV_UNMERGEABLE:
    case LINUX_MADV_COLD:
    case LINUX_MADV_PAGEOUT: return err == -LINUX_EINVAL ? 0 : err;
    default: return err;
    }
}

static int advise_host(struct mm *mm, gva_t start, gva_t end, int advice)
{
    return host_answer(advice, host_mem_advise(mm_host(mm, start), end - start, advice));
}

/* One part of an area. The lock is held; advice that may wait is given without it. */
static int advise(struct mm *mm, const struct vma *part, int advice)
{
    uint32_t set = 0, clear = 0;
    int err = check_area(part, advice);
    if (err)
        return err;
    if (advice_flags(advice, &set, &clear))
        return set | clear ? vma_set_flags(mm, part->start, part->end, set, clear) : 0;
    /* Nothing else may be mapped there in the meantime when contents are thrown away. */
    if (advice_drops_contents(advice)) {
        err = advise_host(mm, part->start, part->end, advice);
        if (part->prot & LINUX_PROT_EXEC)
            vcpu_vm_code_changed(mm->vm, part->start, part->end - part->start);
        return err;
    }
    host_mutex_unlock(&mm->lock);
    err = advise_host(mm, part->start, part->end, advice);
    host_mutex_lock(&mm->lock);
    return err;
}

/* madvise_inject_error() is for who administers the machine, which no guest is. */
static int check_range(const struct mm *mm, gva_t start, uint64_t len_in, int advice)
{
    uint64_t len = page_align(len_in);
    if (!advice_known(advice))
        return -LINUX_EINVAL;
    if (start & ~LINUX_PAGE_MASK || (len_in && !len) || start + len < start)
        return -LINUX_EINVAL;
    if (len == 0)
        return 0;
    if (advice == LINUX_MADV_HWPOISON || advice == LINUX_MADV_SOFT_OFFLINE)
        return -LINUX_EPERM;
    return start >= mm->size ? -LINUX_ENOMEM : 1;
}

static int do_madvise(struct mm *mm, gva_t start, uint64_t len_in, int advice)
{
    int err = check_range(mm, start, len_in, advice);
    if (err <= 0)
        return err;
    gva_t end = start + page_align(len_in);
    bool populate = advice == LINUX_MADV_POPULATE_READ || advice == LINUX_MADV_POPULATE_WRITE;
    host_mutex_lock(&mm->lock);
    err = vma_walk(mm, start, end, populate, advise, advice);
    host_mutex_unlock(&mm->lock);
    return err;
}

int64_t sys_madvise(struct task *task, const uint64_t args[6])
{
    return do_madvise(task->proc->mm, untagged_addr(args[0]), args[1], (int)args[2]);
}
