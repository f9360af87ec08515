/*
 * shm.c - System V shared memory: as Linux's ipc/shm.c, in a namespace of the guest's own.
 *
 * A segment is memory with a descriptor of ours; attached areas carry its number, so that how often
 * it is attached is read from the address space and cannot go wrong.
 */
#include <stdio.h>
#include <string.h>

#include "host/file.h"
#include "host/io.h"
#include "host/mem.h"
#include "host/thread.h"
#include "host/time.h"
#include "linux/abi/ipc.h"
#include "linux/mm/mm.h"
#include "linux/mm/uaccess.h"
#include "syscalls_gen.h"

#define SHMMNI  4096
#define SHMMAX  (1ull << 40)
#define SEQ_MAX 32768 /* ids are seq * SHMMNI + index, so that an old one is noticed */
#define AREA_ID (1ull << 63)

struct segment {
    bool used;
    int fd;
    struct linux_shmid_ds ds; /* nattch is counted when asked */
};

/* A singleton: one host process is one guest process, and one IPC namespace. */
static struct {
    struct host_mutex lock;
    struct segment segment[SHMMNI];
    int highest; /* one more than the highest index that was in use */
} ipc;

static int64_t now(void)
{
    struct linux_timespec ts = {0, 0};
    host_clock_gettime(LINUX_CLOCK_REALTIME, &ts);
    return ts.tv_sec;
}

static int id_of(int index)
{
    return ipc.segment[index].ds.perm.seq * SHMMNI + index;
}

struct count {
    uint64_t id, areas;
};
static int count_area(void *arg, const struct vma *vma, const char *name)
{
    struct count *c = arg;
    (void)name;
    if (vma->flags & VMA_SHM && vma->id == c->id)
        c->areas++;
    return 0;
}

static uint64_t attached(struct task *task, int index)
{
    struct count c = {.id = AREA_ID | (uint64_t)id_of(index)};
    mm_for_each(task->proc->mm, count_area, &c);
    return c.areas;
}

static void destroy(int index)
{
    struct segment *s = &ipc.segment[index];
    host_fd_close(s->fd);
    uint16_t seq = s->ds.perm.seq;
    memset(s, 0, sizeof *s);
    s->ds.perm.seq = (uint16_t)((seq + 1) % SEQ_MAX);
}

/* Removed segments end with their last detach, which may have been a munmap(). */
static void sweep(struct task *task)
{
    for (int i = 0; i < ipc.highest; i++) {
        if (ipc.segment[i].used && ipc.segment[i].ds.perm.mode & LINUX_SHM_DEST &&
            attached(task, i) == 0)
            destroy(i);
    }
}

static struct segment *find(int id, int *index)
{
    *index = id < 0 ? 0 : id % SHMMNI;
    struct segment *s = &ipc.segment[*index];
    return id >= 0 && s->used && id_of(*index) == id ? s : NULL;
}

/* ipcperms(): want is 4, 2 or 6. */
static bool permitted(struct task *task, const struct linux_ipc_perm *p, uint32_t want)
{
    const struct cred *c = &task->proc->cred;
    uint32_t mode = p->mode;
    if (c->euid == 0)
        return true;
    if (c->euid == p->uid || c->euid == p->cuid)
        mode >>= 6;
    else if (c->egid == p->gid || c->egid == p->cgid)
        mode >>= 3;
    return (mode & want) == want;
}

static bool owns(struct task *task, const struct linux_ipc_perm *p)
{
    uint32_t euid = task->proc->cred.euid;
    return euid == 0 || euid == p->uid || euid == p->cuid;
}

static int64_t create(struct task *task, int32_t key, uint64_t size, uint32_t flags)
{
    const struct cred *c = &task->proc->cred;
    char name[24];
    int index = 0;
    if (size == 0 || size > SHMMAX)
        return -LINUX_EINVAL;
    if (flags & LINUX_SHM_HUGETLB)
        return -LINUX_ENOMEM;
    while (index < SHMMNI && ipc.segment[index].used)
        index++;
    if (index == SHMMNI)
        return -LINUX_ENOSPC;
    snprintf(name, sizeof name, "SYSV%08x", (unsigned)key);
    int fd = host_fd_private(host_memfd(name, LINUX_MFD_CLOEXEC));
    if (fd < 0)
        return fd;
    int err = host_ftruncate(fd, (int64_t)page_align(size));
    if (err) {
        host_fd_close(fd);
        return -LINUX_ENOMEM;
    }
    struct segment *s = &ipc.segment[index];
    uint16_t seq = s->ds.perm.seq;
    *s = (struct segment){.used = true, .fd = fd};
    s->ds = (struct linux_shmid_ds){.perm = {.key = key,
                                             .uid = c->euid,
                                             .gid = c->egid,
                                             .cuid = c->euid,
                                             .cgid = c->egid,
                                             .mode = flags & 0777,
                                             .seq = seq},
                                    .segsz = size,
                                    .ctime = now(),
                                    .cpid = task->proc->pid};
    if (index >= ipc.highest)
        ipc.highest = index + 1;
    return id_of(index);
}

static int64_t get(struct task *task, int32_t key, uint64_t size, uint32_t flags)
{
    if (key == LINUX_IPC_PRIVATE)
        return create(task, key, size, flags);
    for (int i = 0; i < ipc.highest; i++) {
        struct segment *s = &ipc.segment[i];
        if (!s->used || s->ds.perm.key != key)
            continue;
        if (flags & LINUX_IPC_CREAT && flags & LINUX_IPC_EXCL)
            return -LINUX_EEXIST;
        if (s->ds.segsz < size)
            return -LINUX_EINVAL;
        uint32_t want = (flags >> 6 | flags >> 3 | flags) & 7; /* as ipcperms() */
        return permitted(task, &s->ds.perm, want) ? id_of(i) : -LINUX_EACCES;
    }
    return flags & LINUX_IPC_CREAT ? create(task, key, size, flags) : -LINUX_ENOENT;
}

int64_t sys_shmget(struct task *task, const uint64_t args[6])
{
    host_mutex_lock(&ipc.lock);
    sweep(task);
    int64_t result = get(task, (int32_t)args[0], args[1], (uint32_t)args[2]);
    host_mutex_unlock(&ipc.lock);
    return result;
}

static int attach_address(const struct mm *mm, gva_t *addr, uint64_t len, uint32_t flags)
{
    if (*addr & ~LINUX_PAGE_MASK) {
        if (!(flags & LINUX_SHM_RND))
            return -LINUX_EINVAL;
        *addr &= LINUX_PAGE_MASK;
    }
    if (*addr == 0)
        return flags & LINUX_SHM_REMAP ? -LINUX_EINVAL : 0;
    if (*addr < MM_MIN_ADDR)
        return -LINUX_EPERM;
    if (len > mm->size || *addr > mm->size - len)
        return -LINUX_EINVAL;
    return 0;
}

static int64_t attach(struct task *task, int id, gva_t addr, uint32_t flags)
{
    struct mm *mm = task->proc->mm;
    int index;
    struct segment *s = find(id, &index);
    bool read_only = flags & LINUX_SHM_RDONLY;
    if (!s)
        return -LINUX_EINVAL;
    if (!permitted(task, &s->ds.perm, read_only ? 4 : 6))
        return -LINUX_EACCES;
    struct mm_map map = {.len = page_align(s->ds.segsz),
                         .fd = s->fd,
                         .map_flags = LINUX_MAP_SHARED,
                         .prot = LINUX_PROT_READ | (read_only ? 0u : LINUX_PROT_WRITE) |
                                 (flags & LINUX_SHM_EXEC ? LINUX_PROT_EXEC : 0u),
                         .vma_flags = VMA_SHM,
                         .id = AREA_ID | (uint64_t)id};
    int err = attach_address(mm, &addr, map.len, flags);
    if (err)
        return err;
    map.addr = addr;
    if (addr)
        map.map_flags |= LINUX_MAP_FIXED;
    host_mutex_lock(&mm->lock);
    int64_t result = addr && !(flags & LINUX_SHM_REMAP) && vma_any(mm, addr, addr + map.len)
                         ? -LINUX_EINVAL
                     : mm_may_expand(mm, map.len, false) ? mm_map_locked(mm, &map)
                                                         : -LINUX_ENOMEM;
    host_mutex_unlock(&mm->lock);
    if (result >= 0) {
        s->ds.atime = now();
        s->ds.lpid = task->proc->pid;
    }
    return result;
}

int64_t sys_shmat(struct task *task, const uint64_t args[6])
{
    host_mutex_lock(&ipc.lock);
    int64_t result = attach(task, (int)args[0], args[1], (uint32_t)args[2]);
    host_mutex_unlock(&ipc.lock);
    return result;
}

/* Unmap every piece of the segment attached at addr, which later mprotect() may have cut up. */
static int detach(struct mm *mm, gva_t addr, uint64_t *id)
{
    host_mutex_lock(&mm->lock);
    size_t i = vma_lower(mm, addr);
    int err = -LINUX_EINVAL;
    *id = 0;
    if (i < mm->count && mm->vmas[i].start == addr && mm->vmas[i].flags & VMA_SHM &&
        mm->vmas[i].offset == 0) {
        *id = mm->vmas[i].id;
        err = 0;
    }
    while (err == 0 && i < mm->count && mm->vmas[i].id == *id && mm->vmas[i].flags & VMA_SHM &&
           mm->vmas[i].start - addr == mm->vmas[i].offset)
        err = mm_unmap_locked(mm, mm->vmas[i].start, mm->vmas[i].end);
    host_mutex_unlock(&mm->lock);
    return err;
}

int64_t sys_shmdt(struct task *task, const uint64_t args[6])
{
    uint64_t id;
    int index;
    gva_t addr = untagged_addr(args[0]);
    if (addr & ~LINUX_PAGE_MASK)
        return -LINUX_EINVAL;
    host_mutex_lock(&ipc.lock);
    int err = detach(task->proc->mm, addr, &id);
    struct segment *s = err ? NULL : find((int)(id & ~AREA_ID), &index);
    if (s) {
        s->ds.dtime = now();
        s->ds.lpid = task->proc->pid;
        sweep(task);
    }
    host_mutex_unlock(&ipc.lock);
    return err;
}

static int64_t control_stat(struct task *task, int id, int cmd, gva_t buf)
{
    int index = id;
    struct segment *s = NULL;
    if (cmd == LINUX_IPC_STAT)
        s = find(id, &index);
    else if (id >= 0 && id < SHMMNI && ipc.segment[id].used)
        s = &ipc.segment[id];
    if (!s)
        return -LINUX_EINVAL;
    if (cmd != LINUX_SHM_STAT_ANY && !permitted(task, &s->ds.perm, 4))
        return -LINUX_EACCES;
    struct linux_shmid_ds ds = s->ds;
    ds.nattch = attached(task, index);
    if (copy_to_user(task, buf, &ds, sizeof ds))
        return -LINUX_EFAULT;
    return cmd == LINUX_IPC_STAT ? 0 : id_of(index);
}

static int64_t control_change(struct task *task, int id, int cmd, gva_t buf)
{
    struct linux_shmid_ds new;
    int index;
    if (cmd == LINUX_IPC_SET && copy_from_user(task, &new, buf, sizeof new))
        return -LINUX_EFAULT;
    struct segment *s = find(id, &index);
    if (!s)
        return -LINUX_EINVAL;
    if (!owns(task, &s->ds.perm))
        return -LINUX_EPERM;
    switch (cmd) {
    case LINUX_IPC_SET:
        s->ds.perm.uid = new.perm.uid;
        s->ds.perm.gid = new.perm.gid;
        s->ds.perm.mode = (s->ds.perm.mode & ~0777u) | (new.perm.mode & 0777);
        s->ds.ctime = now();
        return 0;
    case LINUX_SHM_LOCK: s->ds.perm.mode |= LINUX_SHM_LOCKED; return 0;
    case LINUX_SHM_UNLOCK: s->ds.perm.mode &= ~(uint32_t)LINUX_SHM_LOCKED; return 0;
    default: /* IPC_RMID: the key is free at once */
        s->ds.perm.mode |= LINUX_SHM_DEST;
        s->ds.perm.key = LINUX_IPC_PRIVATE;
        sweep(task);
        return 0;
    }
}

static int64_t control_info(struct task *task, int cmd, gva_t buf)
{
    struct linux_shminfo limits = {.shmmax = SHMMAX,
                                   .shmmin = 1,
                                   .shmmni = SHMMNI,
                                   .shmseg = SHMMNI,
                                   .shmall = SHMMAX / LINUX_PAGE_SIZE};
    struct linux_shm_info info = {0};
    for (int i = 0; i < ipc.highest; i++) {
        if (!ipc.segment[i].used)
            continue;
        info.used_ids++;
        info.shm_tot += page_align(ipc.segment[i].ds.segsz) / LINUX_PAGE_SIZE;
    }
    int err = cmd == LINUX_IPC_INFO ? copy_to_user(task, buf, &limits, sizeof limits)
                                    : copy_to_user(task, buf, &info, sizeof info);
    return err ? err : ipc.highest ? ipc.highest - 1 : 0;
}

int64_t sys_shmctl(struct task *task, const uint64_t args[6])
{
    int id = (int)args[0], cmd = (int)args[1];
    int64_t result;
    if (cmd < 0 || id < 0)
        return -LINUX_EINVAL;
    host_mutex_lock(&ipc.lock);
    sweep(task);
    switch (cmd) {
    case LINUX_IPC_INFO:
    case LINUX_SHM_INFO: result = control_info(task, cmd, args[2]); break;
    case LINUX_IPC_STAT:
    case LINUX_SHM_STAT:
    case LINUX_SHM_STAT_ANY: result = control_stat(task, id, cmd, args[2]); break;
    case LINUX_IPC_SET:
    case LINUX_IPC_RMID:
    case LINUX_SHM_LOCK:
    case LINUX_SHM_UNLOCK: result = control_change(task, id, cmd, args[2]); break;
    default: result = -LINUX_EINVAL; break;
    }
    host_mutex_unlock(&ipc.lock);
    return result;
}
