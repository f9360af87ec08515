/* vdso.c - the vDSO's two pages in the guest, and the time page's offset. */
#include "vdso/vdso.h"

#include "host/mem.h"
#include "host/time.h"
#include "linux/mm/mm.h"

_Static_assert(VDSO_HINT_VECTORS_DEAD == VCPU_HINT_VECTORS_DEAD, "one hint for both");

static int make_pages(struct mm *mm)
{
    struct vdso_info info;
    if (mm->vdso_text)
        return 0;
    if (!mm->time_page) {
        int err = host_mem_shared(LINUX_PAGE_SIZE, &mm->time_page);
        if (err)
            return err;
    }
    int err = host_mem_shared(LINUX_PAGE_SIZE, &mm->vdso_text);
    if (err)
        return err;
    vdso_build(mm->vdso_text, &info);
    mm->vdso_sigreturn = info.sigreturn;
    return 0;
}

int mm_map_vdso(struct mm *mm)
{
    int err = make_pages(mm);
    if (err)
        return err;
    struct mm_map map = {
        .len = 2 * LINUX_PAGE_SIZE, .map_flags = LINUX_MAP_PRIVATE | LINUX_MAP_ANONYMOUS, .fd = -1};
    int64_t place = mm_map(mm, &map); /* both at once, so that they come to lie in a row */
    if (place < 0)
        return (int)place;
    map = (struct mm_map){.addr = (gva_t)place,
                          .len = LINUX_PAGE_SIZE,
                          .prot = LINUX_PROT_READ,
                          .map_flags = LINUX_MAP_PRIVATE | LINUX_MAP_FIXED,
                          .vma_flags = VMA_SPECIAL | VMA_PFNMAP,
                          .fd = -1,
                          .name = "[vvar]",
                          .alias = mm->time_page};
    int64_t result = mm_map(mm, &map);
    if (result < 0)
        return (int)result;
    map.addr += LINUX_PAGE_SIZE;
    map.prot = LINUX_PROT_READ | LINUX_PROT_EXEC;
    map.vma_flags = VMA_SPECIAL;
    map.name = "[vdso]";
    map.alias = mm->vdso_text;
    result = mm_map(mm, &map);
    if (result < 0)
        return (int)result;
    mm->vdso = map.addr;
    mm->sigreturn = map.addr + mm->vdso_sigreturn;
    mm_refresh_time(mm);
    return 0;
}

/*
 * CLOCK_REALTIME minus CLOCK_MONOTONIC is constant between steps of the clock, but is seen only as
 * an interval, from reads one after the other. The old offset stays as long as it lies in the
 * interval, so that time does not jitter.
 */
void mm_refresh_time(struct mm *mm)
{
    struct vdso_time *page = (struct vdso_time *)mm->time_page;
    if (!page)
        return;
    int64_t low = INT64_MIN, high = INT64_MAX;
    for (int i = 0; i < 3; i++) {
        struct linux_timespec now;
        int64_t before = (int64_t)host_counter();
        if (host_clock_gettime(LINUX_CLOCK_REALTIME, &now))
            return;
        int64_t after = (int64_t)host_counter();
        int64_t real = now.tv_sec * LINUX_NSEC_PER_SEC + now.tv_nsec;
        if (real - after > low)
            low = real - after;
        if (real - before < high)
            high = real - before;
    }
    if (low > high)
        return; /* stepped in the middle: the next call will see */
    int64_t offset = __atomic_load_n(&page->real_offset, __ATOMIC_RELAXED);
    if (offset < low || offset > high)
        offset = low + (high - low) / 2;
    vdso_time_write(page, host_counter(), offset);
}
