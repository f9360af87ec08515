/* mm.c - making, emptying and asking the guest's address space. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/mem.h"
#include "linux/mm/mm.h"
#include "vcpu/vcpu.h"

/* MIN_GAP of mm/util.c: room for the stack's growth below the top, even with a small limit. */
#define STACK_MIN_GAP (128ull << 20)

static int reserve(struct mm *mm, char *err, size_t err_size)
{
    int result = -LINUX_ENOMEM;
    for (uint64_t size = MM_FULL_SIZE; size >= MM_MIN_SIZE; size /= 2) {
        result = host_mem_reserve(size, MM_GUARD, &mm->base);
        if (result == 0) {
            mm->size = size;
            return 0;
        }
    }
    uint64_t limit = host_mem_limit();
    if (limit != UINT64_MAX)
        snprintf(err, err_size,
                 "cannot reserve 4 GiB of address space for the guest: the limit on virtual memory "
                 "(ulimit -v) is %" PRIu64 " KiB",
                 limit / 1024);
    else
        snprintf(err, err_size, "cannot reserve 4 GiB of address space for the guest");
    return result;
}

static void lay_out(struct mm *mm)
{
    mm->mmap_base = mm->size - (mm->size > (1ull << 34) ? 1ull << 32 : STACK_MIN_GAP);
    mm->start_brk = mm->brk = 0;
    mm->start_code = mm->end_code = mm->start_data = mm->end_data = mm->start_stack = 0;
    mm->arg_start = mm->arg_end = mm->env_start = mm->env_end = 0;
    mm->vdso = mm->sigreturn = 0;
    mm->lock_future = 0;
}

int mm_create(struct mm **out, enum vcpu_engine engine, uint64_t (*counter)(void),
              uint64_t counter_hz, char *err, size_t err_size)
{
    struct mm *mm = calloc(1, sizeof *mm);
    if (!mm) {
        snprintf(err, err_size, "out of memory");
        return -LINUX_ENOMEM;
    }
    int result = reserve(mm, err, err_size);
    if (result) {
        free(mm);
        return result;
    }
    const struct vcpu_vm_config config = {.base = mm->base,
                                          .size = mm->size,
                                          .counter = counter,
                                          .counter_hz = counter_hz,
                                          .engine = engine};
    mm->vm = vcpu_vm_create(&config);
    if (!mm->vm) {
        snprintf(err, err_size,
                 engine == VCPU_ENGINE_JIT
                     ? "the jit engine cannot run here (it needs AVX and memory that may be "
                       "executed): choose --engine interp"
                     : "out of memory");
        host_mem_release(mm->base, mm->size, MM_GUARD);
        free(mm);
        return -LINUX_ENOMEM;
    }
    for (int i = 0; i < MM_LIMITS; i++)
        mm->limit[i] = UINT64_MAX;
    mm->limit[MM_LIMIT_STACK] = 8ull << 20;
    lay_out(mm);
    *out = mm;
    return 0;
}

void mm_destroy(struct mm *mm)
{
    if (!mm)
        return;
    vcpu_vm_destroy(mm->vm);
    host_mem_release(mm->base, mm->size, MM_GUARD);
    if (mm->time_page)
        host_mem_shared_free(mm->time_page, LINUX_PAGE_SIZE);
    if (mm->vdso_text)
        host_mem_shared_free(mm->vdso_text, LINUX_PAGE_SIZE);
    free(mm->vmas);
    free(mm);
}

int mm_reset(struct mm *mm)
{
    host_mutex_lock(&mm->lock);
    int err = mm_unmap_any(mm, 0, mm->size);
    if (err == 0)
        lay_out(mm);
    host_mutex_unlock(&mm->lock);
    return err;
}

void mm_set_limit(struct mm *mm, enum mm_limit which, uint64_t bytes)
{
    host_mutex_lock(&mm->lock);
    mm->limit[which] = bytes;
    host_mutex_unlock(&mm->lock);
}

bool mm_find(struct mm *mm, gva_t addr, struct vma *out)
{
    host_mutex_lock(&mm->lock);
    size_t i = vma_lower(mm, addr);
    bool found = i < mm->count && mm->vmas[i].start <= addr;
    if (found)
        *out = mm->vmas[i];
    host_mutex_unlock(&mm->lock);
    return found;
}

/* expand_downwards() of mm/mmap.c. */
static bool grow_stack(struct mm *mm, size_t i, gva_t addr)
{
    struct vma area = mm->vmas[i];
    gva_t start = addr & LINUX_PAGE_MASK;
    if (start < MM_MIN_ADDR || area.end - start > mm->limit[MM_LIMIT_STACK] ||
        !mm_may_expand(mm, area.start - start, false))
        return false;
    if (i > 0) {
        const struct vma *below = &mm->vmas[i - 1];
        uint64_t gap = below->prot && !(below->flags & VMA_GROWSDOWN) ? 256 * LINUX_PAGE_SIZE : 0;
        if (start < below->end || start - below->end < gap)
            return false;
    }
    const struct mm_map map = {.addr = start,
                               .len = area.start - start,
                               .prot = area.prot,
                               .map_flags =
                                   LINUX_MAP_PRIVATE | LINUX_MAP_ANONYMOUS | LINUX_MAP_FIXED,
                               .vma_flags = area.flags,
                               .fd = -1,
                               .name = area.name};
    return mm_map_locked(mm, &map) >= 0;
}

enum mm_fault mm_fault(struct mm *mm, gva_t addr, uint32_t prot)
{
    enum mm_fault result = MM_FAULT_MAPERR;
    addr &= (1ull << 56) - 1;
    host_mutex_lock(&mm->lock);
    size_t i = vma_lower(mm, addr);
    if (i < mm->count && mm->vmas[i].start <= addr) {
        /* What is writable or executable is readable, as on arm64 without execute-only memory. */
        uint32_t have = mm->vmas[i].prot;
        if (have)
            have |= LINUX_PROT_READ;
        result = have & prot ? MM_FAULT_RETRY : MM_FAULT_ACCERR;
    } else if (i < mm->count && mm->vmas[i].flags & VMA_GROWSDOWN && grow_stack(mm, i, addr)) {
        result = MM_FAULT_RETRY;
    }
    host_mutex_unlock(&mm->lock);
    return result;
}

int mm_for_each(struct mm *mm, int (*fn)(void *arg, const struct vma *vma, const char *name),
                void *arg)
{
    gva_t next = 0;
    for (;;) {
        host_mutex_lock(&mm->lock);
        size_t i = vma_lower(mm, next);
        if (i == mm->count) {
            host_mutex_unlock(&mm->lock);
            return 0;
        }
        struct vma vma = mm->vmas[i];
        gva_t start_brk = mm->start_brk, brk = mm->brk;
        host_mutex_unlock(&mm->lock);

        const char *name = vma.name;
        /* vma_is_initial_heap() */
        if (!name && !(vma.flags & (VMA_FILE | VMA_SHARED)) && brk > start_brk && vma.start < brk &&
            vma.end > start_brk)
            name = "[heap]";
        int result = fn(arg, &vma, name);
        if (result)
            return result;
        next = vma.end;
    }
}

void mm_usage(struct mm *mm, struct mm_usage *usage)
{
    *usage = (struct mm_usage){0};
    host_mutex_lock(&mm->lock);
    usage->total = mm->total;
    usage->locked = mm->locked;
    for (size_t i = 0; i < mm->count; i++) {
        const struct vma *v = &mm->vmas[i];
        uint64_t len = v->end - v->start;
        /* vm_stat_account(): executable is text, growing is stack, private writable is data. */
        if (v->flags & VMA_GROWSDOWN)
            usage->stack += len;
        else if ((v->prot & (LINUX_PROT_WRITE | LINUX_PROT_EXEC)) == LINUX_PROT_EXEC)
            usage->text += len;
        else if (v->prot & LINUX_PROT_WRITE && !(v->flags & VMA_SHARED))
            usage->data += len;
        if (v->flags & (VMA_FILE | VMA_SHARED))
            usage->shared += len;
    }
    host_mutex_unlock(&mm->lock);
}
