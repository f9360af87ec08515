/* mremap.c - mremap(2): arguments judged in the order of Linux's mm/mremap.c. */
#include "host/mem.h"
#include "linux/ipc/ipc.h"
#include "linux/mm/mm.h"
#include "syscalls_gen.h"
#include "vcpu/vcpu.h"

struct remap {
    gva_t old, new;
    uint64_t old_len, new_len;
    bool keep; /* MREMAP_DONTUNMAP */
    struct vma vma;
};

/*
 * Move host memory. What is one area to the guest may be several mappings to the host (they were
 * mapped apart and touched before they met), which mremap() refuses: then halves are moved.
 */
static int move_pages(struct mm *mm, gva_t from, gva_t to, uint64_t len, bool keep)
{
    int err = host_mem_move(mm_host(mm, from), len, mm_host(mm, to), len, keep);
    if (err != -LINUX_EFAULT || len <= LINUX_PAGE_SIZE)
        return err;
    uint64_t half = (len / 2) & LINUX_PAGE_MASK;
    err = move_pages(mm, from, to, half, keep);
    return err ? err : move_pages(mm, from + half, to + half, len - half, keep);
}

/* The host's side of a move; the target is unmapped for the guest and in the range. */
static int move_host(struct mm *mm, const struct remap *r)
{
    uint64_t moved = r->old_len < r->new_len ? r->old_len : r->new_len;
    if (r->old_len == 0) /* a second view of a shared mapping */
        return host_mem_alias(mm_host(mm, r->old), mm_host(mm, r->new), r->new_len, r->vma.prot);
    if (r->new_len <= r->old_len || vma_is_private_anonymous(&r->vma)) {
        int err = move_pages(mm, r->old, r->new, moved, r->keep);
        if (err || r->new_len <= moved)
            return err;
        unsigned flags = r->vma.flags & VMA_NORESERVE ? HOST_MEM_NORESERVE : 0;
        return host_mem_map(mm_host(mm, r->new + moved), r->new_len - moved, r->vma.prot, flags, -1,
                            0);
    }
    return host_mem_move(mm_host(mm, r->old), r->old_len, mm_host(mm, r->new), r->new_len, false);
}

static int64_t move(struct mm *mm, const struct remap *r)
{
    gva_t old_end = r->old + r->old_len;
    int err = vma_reserve(mm, 8);
    if (err == 0 && vma_any(mm, r->new, r->new + r->new_len))
        err = mm_unmap_locked(mm, r->new, r->new + r->new_len);
    if (err == 0)
        err = vma_split(mm, r->old, old_end);
    if (err == 0)
        err = move_host(mm, r);
    if (err)
        return err;
    struct vma vma = r->vma;
    if (vma.flags & (VMA_FILE | VMA_SHARED))
        vma.offset += r->old - vma.start;
    vma.start = r->new;
    vma.end = r->new + r->new_len;
    if (r->old_len && !r->keep) {
        vma_drop(mm, r->old, old_end);
        err = mm_notify(mm, r->old, old_end, 0, 0);
    } else if (r->keep) {
        vcpu_vm_code_changed(mm->vm, r->old, r->old_len);
        (void)!vma_set_flags(mm, r->old, old_end, 0, VMA_LOCKED | VMA_LOCKONFAULT);
    }
    vma_add(mm, &vma);
    if (err == 0)
        err = mm_notify(mm, vma.start, vma.end, vma.prot, vma.flags);
    if (err == 0 && vma.flags & VMA_LOCKED && r->new_len > r->old_len)
        host_mem_lock(mm_host(mm, vma.start), vma.end - vma.start, vma.flags & VMA_LOCKONFAULT);
    return err ? err : (int64_t)r->new;
}

/* Longer where it is: true if that could be done. */
static bool grow_in_place(struct mm *mm, const struct remap *r)
{
    gva_t end = r->old + r->old_len, new_end = r->old + r->new_len;
    if (end != r->vma.end || new_end > mm->size || vma_any(mm, end, new_end))
        return false;
    if (vma_reserve(mm, 4))
        return false;
    int err;
    if (vma_is_private_anonymous(&r->vma))
        err = host_mem_map(mm_host(mm, end), new_end - end, r->vma.prot,
                           r->vma.flags & VMA_NORESERVE ? HOST_MEM_NORESERVE : 0, -1, 0);
    else
        err = host_mem_grow(mm_host(mm, r->old), r->old_len, r->new_len);
    if (err)
        return false;
    struct vma tail = r->vma;
    if (tail.id)
        tail.offset += tail.end - tail.start;
    tail.start = end;
    tail.end = new_end;
    vma_add(mm, &tail);
    if (mm_notify(mm, end, new_end, tail.prot, tail.flags))
        return false;
    if (tail.flags & VMA_LOCKED)
        host_mem_lock(mm_host(mm, end), new_end - end, tail.flags & VMA_LOCKONFAULT);
    return true;
}

/* What is refused before an area is looked for. */
static int check_args(const struct remap *r, uint64_t flags)
{
    const uint64_t known = LINUX_MREMAP_MAYMOVE | LINUX_MREMAP_FIXED | LINUX_MREMAP_DONTUNMAP;
    if (flags & ~known)
        return -LINUX_EINVAL;
    if (flags & (LINUX_MREMAP_FIXED | LINUX_MREMAP_DONTUNMAP) && !(flags & LINUX_MREMAP_MAYMOVE))
        return -LINUX_EINVAL;
    return r->old & ~LINUX_PAGE_MASK || r->new_len == 0 ? -LINUX_EINVAL : 0;
}

/* vma_to_resize() */
static int check_area(struct task *task, const struct remap *r)
{
    struct mm *mm = task->proc->mm;
    const struct vma *v = &r->vma;
    if (r->old_len == 0 && !(v->flags & VMA_SHARED))
        return -LINUX_EINVAL;
    if (r->keep && v->flags & VMA_SPECIAL)
        return -LINUX_EINVAL;
    if (r->old_len > v->end - r->old)
        return -LINUX_EFAULT;
    if (r->new_len == r->old_len)
        return 0;
    uint64_t offset = v->offset + (r->old - v->start);
    if (v->id && offset + r->new_len < offset)
        return -LINUX_EINVAL;
    if (v->flags & VMA_SPECIAL)
        return -LINUX_EFAULT;
    /* Behind a segment lie others: Linux lets it grow, to memory that faults. */
    if (v->flags & VMA_SHM && (r->old_len || r->new_len > v->end - r->old))
        return -LINUX_EFAULT;
    uint64_t more = r->new_len - r->old_len;
    if (v->flags & VMA_LOCKED && !mm_may_lock(task, more))
        return -LINUX_EAGAIN;
    bool data = v->prot & LINUX_PROT_WRITE && !(v->flags & (VMA_SHARED | VMA_GROWSDOWN));
    return mm_may_expand(mm, more, data) ? 0 : -LINUX_ENOMEM;
}

static int take_area(struct task *task, struct remap *r)
{
    struct mm *mm = task->proc->mm;
    size_t i = vma_lower(mm, r->old);
    if (i == mm->count || mm->vmas[i].start > r->old)
        return -LINUX_EFAULT;
    r->vma = mm->vmas[i];
    return check_area(task, r);
}

/* The old area's end beyond the new length is unmapped. */
static int cut(struct mm *mm, const struct remap *r)
{
    if (r->old_len > mm->size - r->old)
        return -LINUX_EINVAL;
    return mm_unmap_locked(mm, r->old + r->new_len, r->old + r->old_len);
}

/* mremap_to(): MREMAP_FIXED or MREMAP_DONTUNMAP. */
static int64_t move_to(struct task *task, struct remap *r, bool fixed)
{
    struct mm *mm = task->proc->mm;
    int err = 0;
    if (r->new & ~LINUX_PAGE_MASK || r->new_len > mm->size || r->new > mm->size - r->new_len)
        return -LINUX_EINVAL;
    if (r->old + r->old_len > r->new && r->new + r->new_len > r->old)
        return -LINUX_EINVAL;
    if (mm->count + 2 >= LINUX_MAX_MAP_COUNT - 3)
        return -LINUX_ENOMEM;
    if (fixed && vma_any(mm, r->new, r->new + r->new_len))
        err = mm_unmap_locked(mm, r->new, r->new + r->new_len);
    if (err == 0 && r->old_len > r->new_len) {
        err = cut(mm, r);
        r->old_len = r->new_len;
    }
    if (err == 0)
        err = take_area(task, r);
    if (err)
        return err;
    if (r->keep && !mm_may_expand(mm, r->old_len, false))
        return -LINUX_ENOMEM;
    if (fixed && r->new < MM_MIN_ADDR)
        return -LINUX_EPERM;
    if (!fixed) {
        int64_t place = vma_place(mm, r->new, r->new_len);
        if (place < 0)
            return place;
        r->new = (gva_t)place;
    }
    return move(mm, r);
}

static int64_t remap(struct task *task, struct remap *r, uint64_t flags)
{
    struct mm *mm = task->proc->mm;
    size_t i = vma_lower(mm, r->old);
    if (i == mm->count || mm->vmas[i].start > r->old)
        return -LINUX_EFAULT;
    if (mm->vmas[i].flags & VMA_SEALED)
        return -LINUX_EPERM;
    if (flags & (LINUX_MREMAP_FIXED | LINUX_MREMAP_DONTUNMAP))
        return move_to(task, r, flags & LINUX_MREMAP_FIXED);
    if (r->old_len >= r->new_len) {
        int err = r->old_len > r->new_len ? cut(mm, r) : 0;
        return err ? err : (int64_t)r->old;
    }
    int err = take_area(task, r);
    if (err)
        return err;
    if (r->old_len && grow_in_place(mm, r))
        return (int64_t)r->old;
    if (!(flags & LINUX_MREMAP_MAYMOVE) || mm->count >= LINUX_MAX_MAP_COUNT - 3)
        return -LINUX_ENOMEM;
    int64_t place = vma_place(mm, 0, r->new_len);
    if (place < 0)
        return place;
    r->new = (gva_t)place;
    return move(mm, r);
}

int64_t sys_mremap(struct task *task, const uint64_t args[6])
{
    struct mm *mm = task->proc->mm;
    uint64_t flags = args[3];
    struct remap r = {.old = untagged_addr(args[0]),
                      .old_len = page_align(args[1]),
                      .new_len = page_align(args[2]),
                      .new = args[4],
                      .keep = flags &LINUX_MREMAP_DONTUNMAP};
    int err = check_args(&r, flags);
    if (err == 0 && r.keep && args[1] != args[2])
        err = -LINUX_EINVAL;
    if (err)
        return err;
    if (r.old >= mm->size)
        return -LINUX_EFAULT;
    host_mutex_lock(&mm->lock);
    int64_t result = remap(task, &r, flags);
    host_mutex_unlock(&mm->lock);
    if (mm->shm_changed)
        shm_publish(task->proc);
    return result;
}
