/* mmap.c - mmap, munmap, mprotect, brk: arguments judged in the order of Linux's
 * mm/{mmap,mprotect}.c. */
#include "host/io.h"
#include "host/mem.h"
#include "linux/abi/fs.h"
#include "linux/fs/fdtable.h"
#include "linux/ipc/ipc.h"
#include "linux/mm/mm.h"
#include "syscalls_gen.h"

/* LEGACY_MAP_MASK: what MAP_SHARED_VALIDATE accepts; the upper bits are sizes of huge pages. */
#define MAP_KNOWN                                                                                  \
    (LINUX_MAP_TYPE | LINUX_MAP_FIXED | LINUX_MAP_ANONYMOUS | LINUX_MAP_GROWSDOWN |                \
     LINUX_MAP_DENYWRITE | LINUX_MAP_EXECUTABLE | LINUX_MAP_LOCKED | LINUX_MAP_NORESERVE |         \
     LINUX_MAP_POPULATE | LINUX_MAP_NONBLOCK | LINUX_MAP_STACK | LINUX_MAP_HUGETLB |               \
     31u << LINUX_MAP_HUGE_SHIFT)

/* get_unmapped_area() for a fixed address; security_mmap_addr(). */
static int check_fixed(const struct mm *mm, gva_t addr, uint64_t len, uint64_t flags)
{
    if (addr > mm->size - len)
        return -LINUX_ENOMEM;
    if (addr & ~LINUX_PAGE_MASK)
        return -LINUX_EINVAL;
    if (addr < MM_MIN_ADDR)
        return -LINUX_EPERM;
    if (flags & LINUX_MAP_FIXED_NOREPLACE && vma_any(mm, addr, addr + len))
        return -LINUX_EEXIST;
    return 0;
}

/* The file's access mode against the type; whether the file can be mapped at all the host says, but
 * for those that are not the host's. */
static int check_file(struct task *task, const struct mm_map *map)
{
    const int access = host_getfl(map->fd) & LINUX_O_ACCMODE;
    switch (map->map_flags & LINUX_MAP_TYPE) {
    case LINUX_MAP_SHARED_VALIDATE:
        if (map->map_flags & ~MAP_KNOWN)
            return -LINUX_EOPNOTSUPP;
        /* fallthrough */
    case LINUX_MAP_SHARED:
        if (map->prot & LINUX_PROT_WRITE && access == LINUX_O_RDONLY)
            return -LINUX_EACCES;
        /* fallthrough */
    case LINUX_MAP_PRIVATE:
        if (access == LINUX_O_WRONLY)
            return -LINUX_EACCES;
        if (fd_synth_magic(task->proc->fds, map->fd)) /* nothing there is executable */
            return map->prot & LINUX_PROT_EXEC ? -LINUX_EPERM : -LINUX_ENODEV;
        return map->map_flags & LINUX_MAP_GROWSDOWN ? -LINUX_EINVAL : 0;
    default: return -LINUX_EINVAL;
    }
}

/* A dropped page reads as zeroes, and none ever needs to be: private memory with a flag. */
static int check_anonymous(struct mm_map *map)
{
    switch (map->map_flags & LINUX_MAP_TYPE) {
    case LINUX_MAP_SHARED: return map->map_flags & LINUX_MAP_GROWSDOWN ? -LINUX_EINVAL : 0;
    case LINUX_MAP_PRIVATE: return 0;
    case LINUX_MAP_DROPPABLE:
        if (map->map_flags & (LINUX_MAP_LOCKED | LINUX_MAP_GROWSDOWN))
            return -LINUX_EINVAL;
        map->map_flags =
            (map->map_flags & ~(uint32_t)LINUX_MAP_TYPE) | LINUX_MAP_PRIVATE | LINUX_MAP_NORESERVE;
        map->vma_flags |= VMA_DROPPABLE | VMA_WIPEONFORK;
        return 0;
    default: return -LINUX_EINVAL;
    }
}

/* do_mmap(), behind the search for a place */
static int64_t map_checked(struct task *task, struct mm_map *map)
{
    struct mm *mm = task->proc->mm;
    int err = 0;
    if (map->map_flags & (LINUX_MAP_FIXED | LINUX_MAP_FIXED_NOREPLACE)) {
        err = check_fixed(mm, map->addr, map->len, map->map_flags);
        map->map_flags |= LINUX_MAP_FIXED;
    }
    if (err == 0 && map->map_flags & LINUX_MAP_LOCKED && !mm_can_lock(task))
        err = -LINUX_EPERM;
    if (err == 0 && (map->map_flags & LINUX_MAP_LOCKED || mm->lock_future) &&
        !mm_may_lock(task, map->len))
        err = -LINUX_EAGAIN;
    if (err == 0)
        err = map->fd >= 0 ? check_file(task, map) : check_anonymous(map);
    bool data = (map->map_flags & LINUX_MAP_TYPE) == LINUX_MAP_PRIVATE &&
                map->prot & LINUX_PROT_WRITE && !(map->map_flags & LINUX_MAP_GROWSDOWN);
    if (err == 0 && !mm_may_expand(mm, map->len, data))
        err = -LINUX_ENOMEM;
    if (err)
        return err;
    return mm_map_locked(mm, map);
}

/* MAP_POPULATE and MAP_LOCKED: bring the pages in, without the lock; failure is not told, as on
 * Linux. */
static void populate(struct mm *mm, gva_t addr, uint64_t len, uint32_t prot, bool lock)
{
    if (lock)
        host_mem_lock(mm_host(mm, addr), len, false);
    else
        host_mem_advise(mm_host(mm, addr), len,
                        prot & LINUX_PROT_WRITE ? LINUX_MADV_POPULATE_WRITE
                                                : LINUX_MADV_POPULATE_READ);
}

/* hstate_sizelog() with arm64's sizes of huge pages, of which none are reserved. */
static int check_hugetlb(uint32_t flags)
{
    switch (flags >> LINUX_MAP_HUGE_SHIFT & LINUX_MAP_HUGE_MASK) {
    case 0:
    case 16: /* 64 KiB */
    case 21: /* 2 MiB */
    case 25: /* 32 MiB */
    case 30: return -LINUX_ENOMEM;
    default: return -LINUX_EINVAL;
    }
}

int64_t sys_mmap(struct task *task, const uint64_t args[6])
{
    struct mm *mm = task->proc->mm;
    struct mm_map map = {.addr = args[0],
                         .prot = (uint32_t)args[2],
                         .map_flags = (uint32_t)args[3],
                         .offset = args[5],
                         .fd = -1};
    uint64_t len = args[1];
    if (map.offset & ~LINUX_PAGE_MASK)
        return -LINUX_EINVAL;
    if (!(map.map_flags & LINUX_MAP_ANONYMOUS)) {
        map.fd = (int)args[4];
        int flags = fd_is_guest((uint32_t)map.fd) ? host_getfl(map.fd) : -LINUX_EBADF;
        if (flags < 0 || flags & LINUX_O_PATH)
            return -LINUX_EBADF;
        if (map.map_flags & LINUX_MAP_HUGETLB)
            return -LINUX_EINVAL;
    } else if (map.map_flags & LINUX_MAP_HUGETLB) {
        return check_hugetlb(map.map_flags);
    } else {
        map.offset = 0; /* it means nothing */
    }
    if (len == 0)
        return -LINUX_EINVAL;
    map.len = page_align(len);
    if (map.len == 0)
        return -LINUX_ENOMEM;
    if (map.offset + map.len < map.offset)
        return -LINUX_EOVERFLOW;
    if (map.len > mm->size)
        return -LINUX_ENOMEM;

    host_mutex_lock(&mm->lock);
    int64_t addr = mm->count > LINUX_MAX_MAP_COUNT ? -LINUX_ENOMEM : map_checked(task, &map);
    bool lock = map.map_flags & LINUX_MAP_LOCKED || mm->lock_future & VMA_LOCKED;
    host_mutex_unlock(&mm->lock);
    if (mm->shm_changed)
        shm_publish(task->proc);
    if (addr >= 0 && map.prot &&
        (lock || (map.map_flags & (LINUX_MAP_POPULATE | LINUX_MAP_NONBLOCK)) == LINUX_MAP_POPULATE))
        populate(mm, (gva_t)addr, map.len, map.prot, lock);
    return addr;
}

int64_t sys_munmap(struct task *task, const uint64_t args[6])
{
    struct mm *mm = task->proc->mm;
    gva_t addr = untagged_addr(args[0]);
    uint64_t len = page_align(args[1]);
    if (addr & ~LINUX_PAGE_MASK || addr > mm->size || args[1] > mm->size - addr || len == 0)
        return -LINUX_EINVAL;
    host_mutex_lock(&mm->lock);
    int err = vma_any(mm, addr, addr + len) ? mm_unmap_locked(mm, addr, addr + len) : 0;
    host_mutex_unlock(&mm->lock);
    if (mm->shm_changed)
        shm_publish(task->proc);
    return err;
}

/* PROT_GROWSDOWN: the change reaches down to the start of the stack's area. */
static int grows_down_start(struct mm *mm, gva_t *start)
{
    host_mutex_lock(&mm->lock);
    size_t i = vma_lower(mm, *start);
    int err = 0;
    if (i == mm->count || mm->vmas[i].start > *start)
        err = -LINUX_ENOMEM;
    else if (!(mm->vmas[i].flags & VMA_GROWSDOWN))
        err = -LINUX_EINVAL;
    else
        *start = mm->vmas[i].start;
    host_mutex_unlock(&mm->lock);
    return err;
}

int64_t sys_mprotect(struct task *task, const uint64_t args[6])
{
    struct mm *mm = task->proc->mm;
    const uint64_t grows = LINUX_PROT_GROWSDOWN | LINUX_PROT_GROWSUP;
    gva_t start = untagged_addr(args[0]);
    uint64_t len = page_align(args[1]), prot = args[2] & ~grows;
    if ((args[2] & grows) == grows)
        return -LINUX_EINVAL;
    if (start & ~LINUX_PAGE_MASK)
        return -LINUX_EINVAL;
    if (args[1] == 0)
        return 0;
    if (start + len <= start)
        return -LINUX_ENOMEM;
    if (prot & ~(uint64_t)(LINUX_PROT_READ | LINUX_PROT_WRITE | LINUX_PROT_EXEC | LINUX_PROT_SEM))
        return -LINUX_EINVAL;
    if (start + len > mm->size)
        return -LINUX_ENOMEM;
    gva_t end = start + len;
    if (args[2] & LINUX_PROT_GROWSDOWN) {
        int err = grows_down_start(mm, &start);
        if (err)
            return err;
    } else if (args[2] & LINUX_PROT_GROWSUP) {
        return -LINUX_EINVAL; /* no such areas on arm64 */
    }
    return mm_protect(mm, start, end - start, (uint32_t)prot);
}

static bool brk_grow(const struct task *task, gva_t old, gva_t new)
{
    struct mm *mm = task->proc->mm;
    /* A page of distance to what lies above, as __do_sys_brk(), and more to a stack. */
    if (new > mm->size - LINUX_PAGE_SIZE || !vma_is_free(mm, old, new + LINUX_PAGE_SIZE))
        return false;
    if (!mm_may_expand(mm, new - old, true) || (mm->lock_future && !mm_may_lock(task, new - old)))
        return false;
    const struct mm_map map = {.addr = old,
                               .len = new - old,
                               .prot = LINUX_PROT_READ | LINUX_PROT_WRITE,
                               .map_flags =
                                   LINUX_MAP_PRIVATE | LINUX_MAP_ANONYMOUS | LINUX_MAP_FIXED,
                               .fd = -1};
    return mm_map_locked(mm, &map) >= 0;
}

int64_t sys_brk(struct task *task, const uint64_t args[6])
{
    struct mm *mm = task->proc->mm;
    gva_t want = args[0];
    host_mutex_lock(&mm->lock);
    gva_t old = page_align(mm->brk), new = page_align(want);
    uint64_t limit = mm->limit[MM_LIMIT_DATA];
    uint64_t data = mm->end_data - mm->start_data;
    bool ok = want >= mm->start_brk && want <= mm->size;
    if (ok && limit != UINT64_MAX && (data > limit || want - mm->start_brk > limit - data))
        ok = false;
    if (ok && new > old)
        ok = brk_grow(task, old, new);
    else if (ok && new < old)
        ok = mm_unmap_locked(mm, new, old) == 0;
    if (ok)
        mm->brk = want;
    int64_t result = (int64_t)mm->brk;
    bool lock = ok && new > old && mm->lock_future &VMA_LOCKED;
    host_mutex_unlock(&mm->lock);
    if (mm->shm_changed) /* a program's first call, too: execve detaches */
        shm_publish(task->proc);
    if (lock)
        populate(mm, old, new - old, LINUX_PROT_WRITE, true);
    return result;
}
