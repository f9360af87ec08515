/* image.c - mapping an ELF file's segments: as Linux's load_elf_binary() and elf_load(). */
#include <stdio.h>

#include "elf/plan.h"
#include "linux/mm/mm.h"
#include "linux/mm/uaccess.h"

/*
 * Where position-independent programs with an interpreter go: ELF_ET_DYN_BASE, two thirds of the
 * range. Without an interpreter (static PIE, the interpreter run by hand) where mmap puts them.
 */
static gva_t dyn_base(const struct mm *mm)
{
    return 2 * (mm->size / 3) & LINUX_PAGE_MASK;
}

/* Reserve the whole span first, so that all segments keep their distances. */
static int place_image(struct mm *mm, const struct elf_info *info, bool at_dyn_base, gva_t *bias)
{
    uint64_t span = info->high - info->low;
    struct mm_map map = {.len = span,
                         .map_flags = LINUX_MAP_PRIVATE | LINUX_MAP_ANONYMOUS | LINUX_MAP_NORESERVE,
                         .fd = -1};
    if (!info->dynamic_position) {
        if (info->low < MM_MIN_ADDR)
            return -LINUX_EPERM;
        map.addr = info->low;
        map.map_flags |= LINUX_MAP_FIXED;
        int64_t at = mm_map(mm, &map);
        *bias = 0;
        return at < 0 ? (int)at : 0;
    }
    if (at_dyn_base) {
        map.addr = dyn_base(mm) & ~(info->align - 1);
    } else if (info->align > LINUX_PAGE_SIZE) {
        /* Too much, so that an aligned piece fits; then that piece. */
        map.len = span + info->align;
        int64_t at = mm_map(mm, &map);
        if (at < 0)
            return (int)at;
        mm_unmap(mm, (gva_t)at, map.len);
        map.len = span;
        map.addr = ((gva_t)at + info->align - 1) & ~(info->align - 1);
    }
    if (map.addr)
        map.addr += info->low & (info->align - 1);
    int64_t at = mm_map(mm, &map);
    if (at < 0)
        return (int)at;
    *bias = (gva_t)at - info->low;
    return 0;
}

/* The part of a segment beyond the file: the rest of the last page is zeroed, then zero pages. */
static int map_bss(struct task *task, const struct elf_segment *s, gva_t bias)
{
    struct mm *mm = task->proc->mm;
    gva_t file_end = bias + s->vaddr + s->filesz, end = page_align(bias + s->vaddr + s->memsz);
    gva_t zero_end = s->filesz ? page_align(file_end) : file_end & LINUX_PAGE_MASK;
    /* A segment that is not writable keeps what the file's page holds, as on Linux. */
    if (s->filesz && zero_end > file_end && s->prot & LINUX_PROT_WRITE &&
        clear_user(task, file_end, zero_end - file_end))
        return -LINUX_EFAULT;
    if (zero_end >= end)
        return 0;
    const struct mm_map map = {.addr = zero_end,
                               .len = end - zero_end,
                               .prot = s->prot,
                               .map_flags =
                                   LINUX_MAP_PRIVATE | LINUX_MAP_ANONYMOUS | LINUX_MAP_FIXED,
                               .fd = -1};
    int64_t at = mm_map(mm, &map);
    return at < 0 ? (int)at : 0;
}

static int map_segment(struct task *task, const struct exec_file *file, const struct elf_segment *s,
                       gva_t bias)
{
    if (s->filesz) {
        uint64_t skew = s->vaddr & ~LINUX_PAGE_MASK;
        const struct mm_map map = {.addr = bias + s->vaddr - skew,
                                   .len = page_align(s->filesz + skew),
                                   .prot = s->prot,
                                   .offset = s->offset - skew,
                                   .map_flags = LINUX_MAP_PRIVATE | LINUX_MAP_FIXED,
                                   .fd = file->fd};
        int64_t at = mm_map(task->proc->mm, &map);
        if (at < 0)
            return (int)at;
    }
    return s->memsz > s->filesz ? map_bss(task, s, bias) : 0;
}

/* Unmap what the reservation covers between segments. */
static void unmap_gaps(struct mm *mm, const struct elf_info *info, gva_t bias)
{
    gva_t at = info->low;
    for (;;) {
        gva_t next = info->high, covered = 0;
        for (unsigned i = 0; i < info->segments; i++) {
            const struct elf_segment *s = &info->segment[i];
            gva_t low = s->vaddr & LINUX_PAGE_MASK, high = page_align(s->vaddr + s->memsz);
            if (low <= at && high > at && high > covered)
                covered = high;
            else if (low > at && low < next)
                next = low;
        }
        if (covered) {
            at = covered;
        } else if (at >= info->high) {
            return;
        } else {
            mm_unmap(mm, bias + at, next - at);
            at = next;
        }
    }
}

static int map_file(struct task *task, const struct exec_file *file, bool at_dyn_base, gva_t *bias)
{
    const struct elf_info *info = &file->info;
    int err = place_image(task->proc->mm, info, at_dyn_base, bias);
    for (unsigned i = 0; i < info->segments && err == 0; i++)
        err = map_segment(task, file, &info->segment[i], *bias);
    if (err == 0)
        unmap_gaps(task->proc->mm, info, *bias);
    return err;
}

/* mm->start_code and the others, for /proc/self/stat; the end of the highest segment, where brk
 * starts. */
static void note_limits(struct mm *mm, const struct elf_info *info, gva_t bias)
{
    mm->start_code = UINT64_MAX;
    for (unsigned i = 0; i < info->segments; i++) {
        const struct elf_segment *s = &info->segment[i];
        gva_t start = bias + s->vaddr, end = start + s->filesz;
        if (s->prot & LINUX_PROT_EXEC && start < mm->start_code)
            mm->start_code = start;
        if (s->prot & LINUX_PROT_EXEC && end > mm->end_code)
            mm->end_code = end;
        if (start > mm->start_data)
            mm->start_data = start;
        if (end > mm->end_data)
            mm->end_data = end;
    }
    if (mm->start_code == UINT64_MAX)
        mm->start_code = bias + info->low;
}

int image_map(struct task *task, struct exec_plan *plan, struct exec_layout *layout, char *why)
{
    struct mm *mm = task->proc->mm;
    const struct elf_info *info = &plan->program.info;
    bool has_interp = plan->interp.fd >= 0;
    gva_t bias, interp_bias = 0;
    int err = map_file(task, &plan->program, has_interp, &bias);
    if (err == 0 && has_interp)
        err = map_file(task, &plan->interp, false, &interp_bias);
    if (err) {
        if (why)
            snprintf(why, EXEC_WHY_SIZE, "%s: cannot be mapped into memory (error %d)",
                     plan->filename, -err);
        return err;
    }
    note_limits(mm, info, bias);
    *layout = (struct exec_layout){.prog_entry = bias + info->entry,
                                   .phdr = info->has_phdr_vaddr ? bias + info->phdr_vaddr : 0,
                                   .base = has_interp ? interp_bias : 0,
                                   .end_bss = bias + info->high};
    layout->entry = has_interp ? interp_bias + plan->interp.info.entry : layout->prog_entry;
    /* A static PIE lies among the mappings: its heap would have no room behind it
     * (load_elf_binary). */
    mm->start_brk = info->dynamic_position && !has_interp ? dyn_base(mm) : layout->end_bss;
    mm->brk = mm->start_brk;
    return 0;
}
