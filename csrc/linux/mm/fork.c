/* fork.c - the address space of a new process: dup_mmap() of Linux's kernel/fork.c. */
#include "host/mem.h"
#include "linux/ipc/ipc.h"
#include "linux/mm/mm.h"
#include "vcpu/vcpu.h"

/* MADV_WIPEONFORK: empty memory in its place. */
static void wipe(struct mm *mm, const struct vma *v)
{
    const unsigned flags = v->flags & VMA_NORESERVE ? HOST_MEM_NORESERVE : 0;
    /* There was memory for the copy: this asks for less. */
    host_mem_map(mm_host(mm, v->start), v->end - v->start, v->prot, flags, -1, 0);
    if (v->prot & LINUX_PROT_EXEC)
        vcpu_vm_code_changed(mm->vm, v->start, v->end - v->start);
}

/* Nothing is written that need not be: each page that a child touches is copied. */
void mm_after_fork(struct mm *mm)
{
    const uint32_t locked = VMA_LOCKED | VMA_LOCKONFAULT;
    bool changed = false;
    host_mutex_lock(&mm->lock);
    if (mm->locked)
        mm->locked = 0;
    if (mm->lock_future)
        mm->lock_future = 0;
    for (size_t i = 0; i < mm->count; i++) {
        const struct vma v = mm->vmas[i];
        if (v.flags & locked) {
            mm->vmas[i].flags &= ~locked;
            changed = true;
        }
        if (v.flags & VMA_SHM)
            mm->shm_changed = true;
        if (v.flags & VMA_WIPEONFORK && vma_is_private_anonymous(&v))
            wipe(mm, &v);
    }
    for (size_t i = mm->count; i-- > 0;) {
        const struct vma v = mm->vmas[i];
        if (v.flags & VMA_DONTFORK)
            mm_unmap_any(mm, v.start, v.end);
    }
    if (changed)
        vma_join(mm, 0, mm->size);
    host_mutex_unlock(&mm->lock);
    ipc_forked(current->proc);
}
