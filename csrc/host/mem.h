/*
 * mem.h - host memory behind the guest's address space.
 *
 * The guest's range is reserved once; afterwards every change in it is a mapping at a fixed place
 * inside it, so that nothing of ours is ever put there. Protections are LINUX_PROT_*; memory of the
 * guest is never executable for the host. All functions return 0 or a positive result, or a
 * negative Linux errno. Callers serialise changes of one range (the mm's lock).
 */
#ifndef ELFUSE_HOST_MEM_H
#define ELFUSE_HOST_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reserve size bytes (a power of two) with no access, and guard bytes before and behind it.
 * -LINUX_ENOMEM when the host refuses. It stays until host_mem_release().
 */
int host_mem_reserve(uint64_t size, uint64_t guard, uint8_t **base);
void host_mem_release(uint8_t *base, uint64_t size, uint64_t guard);

/* The host's RLIMIT_AS (soft), UINT64_MAX for none: for the message when host_mem_reserve() fails.
 */
uint64_t host_mem_limit(void);

#define HOST_MEM_SHARED    1u
#define HOST_MEM_NORESERVE 2u

/* Map fd at offset (or, with fd -1, zeroes) over whatever lies at addr. */
int host_mem_map(uint8_t *addr, uint64_t len, unsigned prot, unsigned flags, int fd,
                 uint64_t offset);
/* Take the memory away: the range is reserved again. */
int host_mem_unmap(uint8_t *addr, uint64_t len);
int host_mem_protect(uint8_t *addr, uint64_t len, unsigned prot);

/*
 * Move [from, from+from_len) over [to, to+to_len), to_len >= from_len; `from` is reserved again
 * unless keep, in which case it stays as an empty mapping of the same kind. -LINUX_EFAULT when
 * `from` is not one mapping to the host.
 */
int host_mem_move(uint8_t *from, uint64_t from_len, uint8_t *to, uint64_t to_len, bool keep);
/* Make one mapping longer where it is; what follows is reserved memory. */
int host_mem_grow(uint8_t *addr, uint64_t old_len, uint64_t new_len);
/* Let shared memory show its file from this page on: remap_file_pages(2). */
int host_mem_remap_pages(uint8_t *addr, uint64_t len, uint64_t page);
/* A second view of shared memory [from, from+len) at `to`. */
int host_mem_alias(uint8_t *from, uint8_t *to, uint64_t len, unsigned prot);
/* Zeroed shared memory of ours, outside the guest's range: a source for host_mem_alias(). What is
 * not used costs nothing. */
int host_mem_shared(uint64_t len, uint8_t **addr);
/* The same, with the host promising that it will be there when it is used: -LINUX_ENOMEM. */
int host_mem_promise(uint64_t len, uint8_t **addr);
void host_mem_shared_free(uint8_t *addr, uint64_t len);

/* Zeroed memory for a table of ours that is large and mostly empty: only the pages that are used
 * cost anything, while calloc() writes zeroes over what is below 128 KiB. NULL: there is none. */
void *host_mem_zeroed(size_t size);
void host_mem_zeroed_free(void *memory, size_t size);

/* Is all of it mapped, in the host's eyes (reserved counts)? */
bool host_mem_is_mapped(uint8_t *addr, uint64_t len);

int host_mem_advise(uint8_t *addr, uint64_t len, int advice); /* LINUX_MADV_* */
int host_mem_sync(uint8_t *addr, uint64_t len, int flags);    /* LINUX_MS_*; may block */
int host_mem_incore(uint8_t *addr, uint64_t len, uint8_t *vec);
int host_mem_lock(uint8_t *addr, uint64_t len, bool on_fault);
int host_mem_unlock(uint8_t *addr, uint64_t len);

/* memfd_create(2); the descriptor is the guest's to be. */
int host_memfd(const char *name, unsigned flags);

/*
 * What the host knows of mapped files in [lo, hi): called for each of its mappings that has a name,
 * in order, until fn returns non-zero. For /proc/self/maps.
 */
struct host_mem_info {
    uintptr_t start, end;
    uint64_t offset;
    unsigned dev_major, dev_minor;
    uint64_t inode;
    const char *path; /* of the host; may end in " (deleted)" */
};
int host_mem_for_each(const uint8_t *lo, const uint8_t *hi,
                      int (*fn)(void *arg, const struct host_mem_info *info), void *arg);

#endif
