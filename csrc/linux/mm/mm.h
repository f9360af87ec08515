/*
 * mm.h - the guest's address space.
 *
 * A guest mapping is a host mapping at base + address inside one reserved range, and a row in a
 * sorted table of areas (VMAs). The host's mapping decides whether an access works; the table says
 * what the guest was promised: PROT_EXEC (never given to the host), names, which areas may grow.
 *
 * Locking: mm->lock guards the table and every change of a mapping. It is a leaf above nothing but
 * the engine's own locks (vcpu_vm_protect() is called under it); no guest memory is touched and no
 * call that waits is made while it is held.
 */
#ifndef ELFUSE_LINUX_MM_H
#define ELFUSE_LINUX_MM_H

#include "host/thread.h"
#include "linux/abi/mman.h"
#include "linux/kernel.h"
#include "vcpu/vcpu.h"

#define MM_GUARD     VCPU_GUARD   /* reserved before and behind the range */
#define MM_MIN_ADDR  0x10000ull   /* vm.mmap_min_addr */
#define MM_MIN_SIZE  (1ull << 32) /* smallest range that is worth starting with */
#define MM_FULL_SIZE (1ull << 45)

/* Flags of an area. */
#define VMA_SHARED      0x01u
#define VMA_FILE        0x02u
#define VMA_GROWSDOWN   0x04u
#define VMA_LOCKED      0x08u
#define VMA_NORESERVE   0x10u
#define VMA_SPECIAL     0x20u /* vdso, vvar: may not grow, move in pieces or become writable */
#define VMA_SHM         0x40u /* attached by shmat() */
#define VMA_LOCKONFAULT 0x80u
#define VMA_DONTFORK    0x100u  /* not in a child of fork() */
#define VMA_WIPEONFORK  0x200u  /* empty in a child */
#define VMA_PFNMAP      0x400u  /* vvar: no pages of its own */
#define VMA_SEALED      0x800u  /* mseal() */
#define VMA_READONLY    0x2000u /* may not become writable */
#define VMA_DROPPABLE   0x1000u /* MAP_DROPPABLE: contents may vanish; never locked */

struct vma {
    gva_t start, end;
    uint64_t offset; /* in the file, of start */
    uint32_t prot;   /* LINUX_PROT_READ/WRITE/EXEC */
    uint32_t flags;  /* VMA_* */
    uint64_t id; /* of the mmap() that a file's or shared area comes from; 0 for private memory */
    const char *name; /* static: "[vdso]", "[stack]", a segment's ... or NULL */
};

enum mm_limit { MM_LIMIT_AS, MM_LIMIT_DATA, MM_LIMIT_STACK, MM_LIMIT_MEMLOCK, MM_LIMITS };

struct mm {
    struct host_mutex lock;
    struct vcpu_vm *vm;
    uint8_t *base;
    uint64_t size;    /* guest addresses are below this */
    bool tagged_addr; /* PR_SET_TAGGED_ADDR_CTRL: system calls ignore the top byte */

    struct vma *vmas;
    size_t count, capacity;
    uint64_t total, locked; /* bytes mapped, bytes in areas with VMA_LOCKED */
    uint32_t lock_future; /* VMA_LOCKED (and VMA_LOCKONFAULT) for new areas: mlockall(MCL_FUTURE) */
    uint64_t last_id;
    struct write_log *log;     /* mm/writelog.h, or NULL */
    bool shm_changed;          /* areas with VMA_SHM came or went: shm_publish() (ipc/ipc.h) */
    uint64_t limit[MM_LIMITS]; /* bytes; RLIM_INFINITY is UINT64_MAX */

    gva_t mmap_base; /* mappings are placed downwards from here */
    gva_t start_brk, brk;
    gva_t start_code, end_code, start_data, end_data, start_stack; /* for /proc/self/stat */
    gva_t arg_start, arg_end, env_start, env_end;
    gva_t vdso;              /* address of the vDSO's first page, 0 for none */
    gva_t sigreturn;         /* __kernel_rt_sigreturn in it */
    uint8_t *time_page;      /* the kernel's writable view of the vDSO's time page */
    uint8_t *vdso_text;      /* our view of the page of code */
    uint32_t vdso_sigreturn; /* offset in it */
};

/*
 * Reserve the range and make an empty address space with its engine address space (mm->vm). counter
 * as in vcpu_vm_config. Returns 0, or -errno with one line about the cause in err.
 */
int mm_create(struct mm **out, enum vcpu_engine engine, uint64_t (*counter)(void),
              uint64_t counter_hz, char *err, size_t err_size);
/* Precondition: no vCPU of it exists. */
void mm_destroy(struct mm *mm);

/* Unmap everything, for execve. Other threads must have ended. */
int mm_reset(struct mm *mm);

/*
 * In the child of a fork(), which was made with the lock held, when it has been given back and no
 * other thread runs yet: do what MADV_DONTFORK and MADV_WIPEONFORK ask for, forget memory locks.
 */
void mm_after_fork(struct mm *mm);

/* RLIMIT_AS, DATA, STACK, MEMLOCK of the guest, soft, as set at launch and by setrlimit. */
void mm_set_limit(struct mm *mm, enum mm_limit which, uint64_t bytes);

/* What lies at addr: true with a copy of the area in *out, or false. */
bool mm_find(struct mm *mm, gva_t addr, struct vma *out);

/*
 * A guest access of kind prot (one LINUX_PROT_* bit) to addr failed for lack of a mapping or of
 * permission. MM_FAULT_RETRY: a stack has been grown, or another thread has mapped it meanwhile;
 * run again. Otherwise what si_code tells.
 */
enum mm_fault { MM_FAULT_RETRY, MM_FAULT_MAPERR, MM_FAULT_ACCERR };
enum mm_fault mm_fault(struct mm *mm, gva_t addr, uint32_t prot);

/*
 * For /proc/self/maps: fn is called on a copy of each area, in order, until it returns non-zero;
 * the lock is not held meanwhile. name is "[heap]", "[stack]", "[vdso]", ... or NULL; a file's path
 * is the host's to tell: host_mem_for_each() over mm_host_range().
 */
int mm_for_each(struct mm *mm, int (*fn)(void *arg, const struct vma *vma, const char *name),
                void *arg);

/* Sums for /proc/self/stat, statm and getrusage. */
struct mm_usage {
    uint64_t total, data, stack, text, locked, shared;
};
void mm_usage(struct mm *mm, struct mm_usage *usage);

/*
 * Map for the kernel itself (loader, shm). With LINUX_MAP_FIXED over whatever is there; without,
 * placed as mmap(2) does. fd is a host descriptor, -1 for anonymous memory. Returns the address or
 * -errno.
 */
struct mm_map {
    gva_t addr;
    uint64_t len, offset;
    uint32_t prot, map_flags; /* LINUX_MAP_* */
    uint32_t vma_flags;       /* VMA_* on top */
    int fd;
    const char *name;
    uint64_t id;    /* for the area, if not 0 (shm) */
    uint8_t *alias; /* if not NULL: a view of this shared memory of ours instead of fd */
};
int64_t mm_map(struct mm *mm, const struct mm_map *map);
int mm_unmap(struct mm *mm, gva_t addr, uint64_t len);
int mm_protect(struct mm *mm, gva_t addr, uint64_t len, uint32_t prot);

/*
 * Map the time page and the vDSO (mm->vdso, mm->sigreturn), right above each other. The two pages
 * of ours behind them are made once and kept over execve.
 */
int mm_map_vdso(struct mm *mm);
/* Take the offset of CLOCK_REALTIME for the time page anew: in each system call that tells that
 * clock. */
void mm_refresh_time(struct mm *mm);

/* Host address of a guest address that the caller knows to be in the range. */
static inline uint8_t *mm_host(const struct mm *mm, gva_t addr)
{
    return mm->base + addr;
}

static inline gva_t untagged_addr(gva_t addr)
{
    /* Sign-extended from bit 55, as the kernel does: addresses of the kernel's half stay invalid.
     */
    return (gva_t)((int64_t)(addr << 8) >> 8);
}
static inline uint64_t page_align(uint64_t n)
{
    return (n + LINUX_PAGE_SIZE - 1) & LINUX_PAGE_MASK;
}

static inline bool vma_is_private_anonymous(const struct vma *v)
{
    return !(v->flags & (VMA_FILE | VMA_SHARED | VMA_SPECIAL | VMA_SHM));
}

/* ---- for mm/ only; the lock is held ---- */

/* Index of the first area that ends above addr; count when there is none. */
size_t vma_lower(const struct mm *mm, gva_t addr);
/* Does anything lie in [start, end)? */
bool vma_any(const struct mm *mm, gva_t start, gva_t end);
/* The same for memory that is to lie right below others: a stack wants its distance. */
bool vma_is_free(const struct mm *mm, gva_t start, gva_t end);
/* Has any area in [start, end) one of these flags? */
bool vma_any_flags(const struct mm *mm, gva_t start, gva_t end, uint32_t flags);
/* Does an area lie on every byte of [start, end)? */
bool vma_all(const struct mm *mm, gva_t start, gva_t end);
/* Make start and end borders of areas, where they lie inside one. -LINUX_ENOMEM */
int vma_split(struct mm *mm, gva_t start, gva_t end);
/* Drop the rows in [start, end); borders must have been made. Counts are kept. */
void vma_drop(struct mm *mm, gva_t start, gva_t end);
/* Add a row where nothing is, joining it to equal neighbours. -LINUX_ENOMEM; vma_reserve() makes it
 * safe. */
int vma_add(struct mm *mm, const struct vma *vma);
/* Join equal neighbours in [start, end] after a change. */
void vma_join(struct mm *mm, gva_t start, gva_t end);
/* Change flags in [start, end), where there is no hole. VMA_LOCKED is counted. -LINUX_ENOMEM */
int vma_set_flags(struct mm *mm, gva_t start, gva_t end, uint32_t set, uint32_t clear);
/*
 * fn on a copy of each area's part in [start, end), in order; it may give the lock back meanwhile.
 * The result is its first error; or -LINUX_ENOMEM when there are holes, at the first one if
 * stop_at_hole, after the last area otherwise, as madvise(2) and msync(2) have it.
 */
int vma_walk(struct mm *mm, gva_t start, gva_t end, bool stop_at_hole,
             int (*fn)(struct mm *mm, const struct vma *part, int arg), int arg);
/* Make sure that n more rows can be added without failing. */
int vma_reserve(struct mm *mm, size_t n);
/* Room for len bytes, as mmap(2) without MAP_FIXED finds it: address or -LINUX_ENOMEM. */
int64_t vma_place(const struct mm *mm, gva_t hint, uint64_t len);
/* Unmap on the host, in the engine and in the table. -LINUX_EPERM where something is sealed, unless
 * _any. */
int mm_unmap_locked(struct mm *mm, gva_t start, gva_t end);
int mm_unmap_any(struct mm *mm, gva_t start, gva_t end);
/* Tell the engine what an area with these flags now allows. */
int mm_notify(struct mm *mm, gva_t start, gva_t end, uint32_t prot, uint32_t flags);
/* May len more bytes be locked (RLIMIT_MEMLOCK)? mlock_future_ok() */
bool mm_may_lock(const struct task *task, uint64_t len);
/* can_do_mlock() */
bool mm_can_lock(const struct task *task);
/* Would len more bytes break RLIMIT_AS (and, data, RLIMIT_DATA)? */
bool mm_may_expand(const struct mm *mm, uint64_t len, bool data);
int64_t mm_map_locked(struct mm *mm, const struct mm_map *map);

#endif
