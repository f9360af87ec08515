/* mem.c - host memory on Linux: see mem.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "host/io.h"
#include "host/mem.h"
#include "linux/abi/errno.h"
#include "linux/abi/mman.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u
#endif

#define RESERVED_FLAGS (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

/* Executable for the guest is readable for the host; PROT_WRITE alone is as on arm64 readable, too.
 */
static int host_prot(unsigned prot)
{
    int p = PROT_NONE;
    if (prot & (LINUX_PROT_READ | LINUX_PROT_EXEC))
        p |= PROT_READ;
    if (prot & LINUX_PROT_WRITE)
        p |= PROT_READ | PROT_WRITE;
    return p;
}

/*
 * The range is put low, at an address that is a multiple of its size. The kernel gives other
 * mappings the highest hole that fits, so that for the moment in which mremap() leaves a hole in
 * the range, another thread's mmap() does not land in it.
 */
int host_mem_reserve(uint64_t size, uint64_t guard, uint8_t **base)
{
    uint64_t hint = size < 1ull << 40 ? 1ull << 40 : size;
    void *want = (void *)(uintptr_t)(hint - guard);
    void *p = mmap(want, size + 2 * guard, PROT_NONE, RESERVED_FLAGS | MAP_FIXED_NOREPLACE, -1, 0);
    if (p == MAP_FAILED)
        p = mmap(NULL, size + 2 * guard, PROT_NONE, RESERVED_FLAGS, -1, 0);
    if (p == MAP_FAILED)
        return -errno;
    *base = (uint8_t *)p + guard;
    return 0;
}

void host_mem_release(uint8_t *base, uint64_t size, uint64_t guard)
{
    munmap(base - guard, size + 2 * guard);
}

uint64_t host_mem_limit(void)
{
    struct rlimit rl;
    if (getrlimit(RLIMIT_AS, &rl) || rl.rlim_cur == RLIM_INFINITY)
        return UINT64_MAX;
    return rl.rlim_cur;
}

int host_mem_map(uint8_t *addr, uint64_t len, unsigned prot, unsigned flags, int fd,
                 uint64_t offset)
{
    int f = MAP_FIXED | (flags & HOST_MEM_SHARED ? MAP_SHARED : MAP_PRIVATE);
    if (flags & HOST_MEM_NORESERVE)
        f |= MAP_NORESERVE;
    if (fd < 0)
        f |= MAP_ANONYMOUS;
    void *p = mmap(addr, len, host_prot(prot), f, fd, (off_t)offset);
    return p == MAP_FAILED ? -errno : 0;
}

int host_mem_unmap(uint8_t *addr, uint64_t len)
{
    void *p = mmap(addr, len, PROT_NONE, RESERVED_FLAGS | MAP_FIXED, -1, 0);
    return p == MAP_FAILED ? -errno : 0;
}

int host_mem_protect(uint8_t *addr, uint64_t len, unsigned prot)
{
    return mprotect(addr, len, host_prot(prot)) ? -errno : 0;
}

/* Fill a hole that mremap() or munmap() has left. Should another thread's memory have landed in it,
 * the guest could reach it: going on is worse than ending. */
static void fill_hole(uint8_t *addr, uint64_t len)
{
    void *p = mmap(addr, len, PROT_NONE, RESERVED_FLAGS | MAP_FIXED_NOREPLACE, -1, 0);
    if (p != addr) {
        fprintf(stderr, "elfuse: the guest's address range was invaded at %p\n", (void *)addr);
        abort();
    }
}

int host_mem_move(uint8_t *from, uint64_t from_len, uint8_t *to, uint64_t to_len, bool keep)
{
    int flags = MREMAP_MAYMOVE | MREMAP_FIXED | (keep ? MREMAP_DONTUNMAP : 0);
    void *p = mremap(from, from_len, to_len, flags, to);
    if (p == MAP_FAILED) {
        int err = -errno;
        /* The target is gone when the failure came late. */
        if (!host_mem_is_mapped(to, to_len))
            host_mem_unmap(to, to_len);
        return err;
    }
    if (!keep)
        fill_hole(from, from_len);
    return 0;
}

int host_mem_grow(uint8_t *addr, uint64_t old_len, uint64_t new_len)
{
    munmap(addr + old_len, new_len - old_len);
    void *p = mremap(addr, old_len, new_len, 0);
    if (p == MAP_FAILED) {
        int err = -errno;
        fill_hole(addr + old_len, new_len - old_len);
        return err;
    }
    return 0;
}

int host_mem_remap_pages(uint8_t *addr, uint64_t len, uint64_t page)
{
    return remap_file_pages(addr, len, 0, page, 0) ? -errno : 0;
}

int host_mem_alias(uint8_t *from, uint8_t *to, uint64_t len, unsigned prot)
{
    /* An old size of 0 duplicates a shared mapping: mremap(2). */
    void *p = mremap(from, 0, len, MREMAP_MAYMOVE | MREMAP_FIXED, to);
    if (p == MAP_FAILED)
        return -errno;
    return host_mem_protect(to, len, prot);
}

static int map_shared(uint64_t len, int flags, uint8_t **addr)
{
    flags |= MAP_SHARED | MAP_ANONYMOUS;
    void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (p == MAP_FAILED)
        return -errno;
    *addr = p;
    return 0;
}

int host_mem_shared(uint64_t len, uint8_t **addr)
{
    return map_shared(len, MAP_NORESERVE, addr);
}

int host_mem_promise(uint64_t len, uint8_t **addr)
{
    return map_shared(len, 0, addr);
}

void host_mem_shared_free(uint8_t *addr, uint64_t len)
{
    munmap(addr, len);
}

void *host_mem_zeroed(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

void host_mem_zeroed_free(void *memory, size_t size)
{
    if (memory)
        munmap(memory, size);
}

bool host_mem_is_mapped(uint8_t *addr, uint64_t len)
{
    return msync(addr, len, MS_ASYNC) == 0;
}

int host_mem_advise(uint8_t *addr, uint64_t len, int advice)
{
    return madvise(addr, len, advice) ? -errno : 0;
}

int host_mem_sync(uint8_t *addr, uint64_t len, int flags)
{
    return msync(addr, len, flags) ? -errno : 0;
}

int host_mem_incore(uint8_t *addr, uint64_t len, uint8_t *vec)
{
    return mincore(addr, len, vec) ? -errno : 0;
}

int host_mem_lock(uint8_t *addr, uint64_t len, bool on_fault)
{
    return mlock2(addr, len, on_fault ? MLOCK_ONFAULT : 0) ? -errno : 0;
}

int host_mem_unlock(uint8_t *addr, uint64_t len)
{
    return munlock(addr, len) ? -errno : 0;
}

int host_memfd(const char *name, unsigned flags)
{
    int fd = memfd_create(name, flags);
    return fd < 0 ? -errno : fd;
}

int host_mem_for_each(const uint8_t *lo, const uint8_t *hi,
                      int (*fn)(void *arg, const struct host_mem_info *info), void *arg)
{
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    fd = host_fd_private(fd);
    if (fd < 0)
        return fd;
    FILE *f = fdopen(fd, "r");
    if (!f) {
        host_fd_close(fd);
        return -LINUX_ENOMEM;
    }
    char *line = NULL;
    size_t size = 0;
    int result = 0;
    while (result == 0 && getline(&line, &size, f) > 0) {
        struct host_mem_info info;
        unsigned long start, end, offset, inode;
        int path = 0;
        if (sscanf(line, "%lx-%lx %*s %lx %x:%x %lu %n", &start, &end, &offset, &info.dev_major,
                   &info.dev_minor, &inode, &path) < 6 ||
            path == 0)
            continue;
        if (end <= (uintptr_t)lo || start >= (uintptr_t)hi || line[path] == '\0')
            continue;
        line[strcspn(line, "\n")] = '\0';
        info.start = start;
        info.end = end;
        info.offset = offset;
        info.inode = inode;
        info.path = line + path;
        result = fn(arg, &info);
    }
    free(line);
    fclose(f);
    return result;
}
