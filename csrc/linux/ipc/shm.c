/*
 * shm.c - System V shared memory: as Linux's ipc/shm.c.
 *
 * Segments are parts of the memory that all processes share. Attached areas carry the segment's
 * number; how often each process has each attached is counted anew from its areas whenever one of
 * them comes or goes, so that it cannot go wrong.
 */
#include <stdio.h>
#include <string.h>

#include "host/mem.h"
#include "linux/ipc/ipc.h"
#include "linux/mm/mm.h"
#include "linux/mm/uaccess.h"
#include "linux/process/cred.h"
#include "syscalls_gen.h"

#define SHM_LIMIT (UINT64_MAX - (1ull << 24)) /* SHMMAX and SHMALL */
#define AREA_ID   (1ull << 63)

static struct ipc_table shm_table(void)
{
    return (struct ipc_table){.ids = &ipc->shm_ids,
                              .objects = ipc->segment,
                              .size = sizeof ipc->segment[0],
                              .max = SHMMNI};
}

static struct shm_segment *find_segment(int id)
{
    const struct ipc_table table = shm_table();
    return (struct shm_segment *)ipc_find(&table, id);
}

static uint64_t pages(const struct shm_segment *s)
{
    return page_align(s->size) / LINUX_PAGE_SIZE;
}

/* ---- who has it attached ---- */

static uint64_t attached(const struct shm_segment *s)
{
    uint64_t sum = 0, index = (uint64_t)(s - ipc->segment);
    for (int i = 0; i < ipc->procs_highest; i++) {
        if (ipc->proc[i].used && ipc->proc[i].segments)
            sum += ipc->attached[i][index];
    }
    return sum;
}

static void destroy(struct shm_segment *s)
{
    const struct ipc_table table = shm_table();
    IPC_SAVE(ipc->shm_pages);
    ipc->shm_pages -= pages(s);
    ipc_remove(&table, &s->perm);
    ipc_commit();
    host_mem_advise(ipc_shm_memory(s->offset), page_align(s->size), LINUX_MADV_REMOVE);
}

void shm_sweep(struct process *proc)
{
    for (int i = 0; i < ipc->shm_ids.highest; i++) {
        struct shm_segment *s = &ipc->segment[i];
        if (s->perm.used && s->perm.mode & LINUX_SHM_DEST && attached(s) == 0 && !ipc_birth(proc))
            destroy(s);
    }
}

struct counts {
    uint16_t *of;
    int segments;
};

static int count_area(void *arg, const struct vma *vma, const char *name)
{
    struct counts *c = arg;
    (void)name;
    if (vma->flags & VMA_SHM) {
        uint16_t *n = &c->of[vma->id & ((1 << IPC_IDX_BITS) - 1)];
        c->segments += *n == 0;
        (*n)++;
    }
    return 0;
}

/* With the lock. Each count is written at once: a death in between leaves the next reaper at work.
 */
static int publish_locked(struct process *proc)
{
    struct mm *mm = proc->mm;
    uint16_t now[SHMMNI] = {0};
    struct counts c = {.of = now};
    mm->shm_changed = false;
    mm_for_each(mm, count_area, &c);
    int index = ipc_self(proc);
    if (index < 0)
        return index;
    ipc->proc[index].segments = SHMMNI;
    for (int i = 0; i < ipc->shm_ids.highest; i++) {
        if (ipc->attached[index][i] != now[i])
            ipc->attached[index][i] = now[i];
    }
    ipc->proc[index].segments = c.segments;
    return 0;
}

void shm_publish(struct process *proc)
{
    if (!proc->mm->shm_changed || !ipc)
        return;
    ipc_lock();
    publish_locked(proc);
    shm_sweep(proc);
    ipc_leave();
}

/* ---- shmget ---- */

/* Does the host have room for it? Only promised, as Linux's accounting does. */
static bool room_for(uint64_t len, uint32_t flags)
{
    uint8_t *probe;
    if (flags & LINUX_SHM_NORESERVE)
        return true;
    if (host_mem_promise(len, &probe))
        return false;
    host_mem_shared_free(probe, len);
    return true;
}

/* newseg() */
static int64_t create(struct task *task, const struct ipc_get *get)
{
    const struct ipc_table table = shm_table();
    uint64_t size = get->size, len = page_align(size);
    if (size == 0 || size > SHM_LIMIT)
        return -LINUX_EINVAL;
    if (len < size || len / LINUX_PAGE_SIZE > SHM_LIMIT - ipc->shm_pages)
        return -LINUX_ENOSPC;
    if (get->flags & LINUX_SHM_HUGETLB) /* none are reserved; vm.hugetlb_shm_group is 0 */
        return ipc_in_group(&task->proc->cred, 0) ? -LINUX_ENOMEM : -LINUX_EPERM;
    if (len > ipc->shm_size - ipc->shm_next || !room_for(len, get->flags))
        return -LINUX_ENOMEM;
    struct shm_segment *s = (struct shm_segment *)ipc_add(task, &table, get->key, get->flags);
    if (!s)
        return -LINUX_ENOSPC;
    IPC_SAVE(ipc->shm_pages);
    IPC_SAVE(ipc->shm_next);
    s->size = size;
    s->offset = ipc->shm_next;
    s->ctime = ipc_now();
    s->cpid = task->proc->pid;
    snprintf(s->name, sizeof s->name, "/SYSV%08x (deleted)", (unsigned)get->key);
    ipc->shm_next += len;
    ipc->shm_pages += len / LINUX_PAGE_SIZE;
    return ipc_id(&table, &s->perm);
}

static int large_enough(const struct ipc_perm *perm, const struct ipc_get *get)
{
    const struct shm_segment *s = (const struct shm_segment *)(const void *)perm;
    return s->size < get->size ? -LINUX_EINVAL : 0;
}

/* Enter with the counts as they are: others' deaths included. */
static void enter(struct process *proc)
{
    ipc_lock();
    ipc_reap(proc);
    if (proc->mm->shm_changed)
        publish_locked(proc);
    shm_sweep(proc);
}

int64_t sys_shmget(struct task *task, const uint64_t args[6])
{
    enter(task->proc);
    const struct ipc_table table = shm_table();
    const struct ipc_get get = {.key = (int32_t)args[0],
                                .flags = (uint32_t)args[2],
                                .size = args[1],
                                .create = create,
                                .check = large_enough};
    int64_t result = ipc_get(task, &table, &get);
    ipc_leave();
    return result;
}

/* ---- shmat, shmdt ---- */

/* do_shmat(): the address, before the segment is looked for. A tag is not taken off: Linux wants
 * addresses without one here. */
static int check_address(gva_t *addr, uint32_t flags)
{
    if (*addr & ~LINUX_PAGE_MASK) {
        if (!(flags & LINUX_SHM_RND))
            return -LINUX_EINVAL;
        *addr &= LINUX_PAGE_MASK;
        if (*addr == 0 && flags & LINUX_SHM_REMAP)
            return -LINUX_EINVAL;
    } else if (*addr == 0 && flags & LINUX_SHM_REMAP) {
        return -LINUX_EINVAL;
    }
    return 0;
}

static int64_t map_segment(struct task *task, struct mm_map *map, uint32_t flags)
{
    struct mm *mm = task->proc->mm;
    int64_t result = 0;
    host_mutex_lock(&mm->lock);
    if (map->map_flags & LINUX_MAP_FIXED) {
        if (map->addr && !(flags & LINUX_SHM_REMAP) &&
            (map->addr + map->len < map->addr || vma_any(mm, map->addr, map->addr + map->len)))
            result = -LINUX_EINVAL;
        else if (map->len > mm->size || map->addr > mm->size - map->len)
            result = -LINUX_ENOMEM;
        else if (map->addr < MM_MIN_ADDR)
            result = -LINUX_EPERM;
    }
    if (result == 0)
        result = mm_may_expand(mm, map->len, false) ? mm_map_locked(mm, map) : -LINUX_ENOMEM;
    host_mutex_unlock(&mm->lock);
    return result;
}

static int64_t attach(struct task *task, int id, gva_t addr, bool fixed, uint32_t flags)
{
    bool read_only = flags & LINUX_SHM_RDONLY;
    struct shm_segment *s = find_segment(id);
    if (!s)
        return -LINUX_EINVAL;
    uint32_t want = (read_only ? 0444u : 0666u) | (flags & LINUX_SHM_EXEC ? 0111u : 0);
    if (!ipc_permitted(task, &s->perm, want))
        return -LINUX_EACCES;
    if (ipc_self(task->proc) < 0)
        return -LINUX_ENOMEM;
    struct mm_map map = {.addr = addr,
                         .len = page_align(s->size),
                         .fd = -1,
                         .alias = ipc_shm_memory(s->offset),
                         .map_flags = LINUX_MAP_SHARED | (fixed ? LINUX_MAP_FIXED : 0u),
                         .prot = LINUX_PROT_READ | (read_only ? 0u : LINUX_PROT_WRITE) |
                                 (flags & LINUX_SHM_EXEC ? LINUX_PROT_EXEC : 0u),
                         .vma_flags = read_only ? VMA_SHM | VMA_READONLY : VMA_SHM,
                         .name = s->name,
                         .id = AREA_ID | (uint64_t)id};
    int64_t result = map_segment(task, &map, flags);
    if (result >= 0) {
        publish_locked(task->proc);
        IPC_SAVE(*s);
        s->atime = ipc_now();
        s->lpid = task->proc->pid;
    }
    return result;
}

int64_t sys_shmat(struct task *task, const uint64_t args[6])
{
    gva_t addr = args[1];
    uint32_t flags = (uint32_t)args[2];
    if ((int)args[0] < 0)
        return -LINUX_EINVAL;
    int64_t result = check_address(&addr, flags);
    if (result)
        return result;
    enter(task->proc);
    result = attach(task, (int)args[0], addr, args[1] != 0, flags);
    ipc_leave();
    return result;
}

/*
 * ksys_shmdt(): addr lies where the segment would begin; of it all pieces go that are at their
 * place, which mprotect() and munmap() may have cut up.
 */
static int detach(struct mm *mm, gva_t addr, uint64_t *id)
{
    int err = -LINUX_EINVAL;
    host_mutex_lock(&mm->lock);
    for (size_t i = vma_lower(mm, addr); i < mm->count;) {
        const struct vma v = mm->vmas[i];
        bool at_place = v.flags & VMA_SHM && v.start - addr == v.offset;
        if (err && at_place) {
            *id = v.id;
            err = 0;
        }
        if (err || v.id != *id || !at_place) {
            i++;
            continue;
        }
        err = mm_unmap_locked(mm, v.start, v.end);
        if (err)
            break;
    }
    host_mutex_unlock(&mm->lock);
    return err;
}

int64_t sys_shmdt(struct task *task, const uint64_t args[6])
{
    uint64_t id = 0;
    gva_t addr = args[0];
    if (addr & ~LINUX_PAGE_MASK)
        return -LINUX_EINVAL;
    enter(task->proc);
    int err = detach(task->proc->mm, addr, &id);
    struct shm_segment *s = err ? NULL : find_segment((int)(id & ~AREA_ID));
    if (s) {
        IPC_SAVE(*s);
        s->dtime = ipc_now();
        s->lpid = task->proc->pid;
        publish_locked(task->proc);
        shm_sweep(task->proc);
    }
    ipc_leave();
    return err;
}

/* ---- shmctl ---- */

static int64_t control_stat(struct task *task, int id, int cmd, struct linux_shmid_ds *ds)
{
    const struct ipc_table table = shm_table();
    struct ipc_perm *perm =
        cmd == LINUX_IPC_STAT ? ipc_find(&table, id) : ipc_find_index(&table, id);
    if (!perm)
        return -LINUX_EINVAL;
    if (cmd != LINUX_SHM_STAT_ANY && !ipc_permitted(task, perm, 0444))
        return -LINUX_EACCES;
    const struct shm_segment *s = (struct shm_segment *)perm;
    *ds = (struct linux_shmid_ds){.segsz = s->size,
                                  .atime = s->atime,
                                  .dtime = s->dtime,
                                  .ctime = s->ctime,
                                  .cpid = s->cpid,
                                  .lpid = s->lpid,
                                  .nattch = attached(s)};
    ipc_export(&s->perm, &ds->perm);
    return cmd == LINUX_IPC_STAT ? 0 : ipc_id(&table, perm);
}

static int64_t control_down(struct task *task, int id, int cmd, const struct linux_shmid_ds *new)
{
    struct shm_segment *s = find_segment(id);
    if (!s)
        return -LINUX_EINVAL;
    if (!ipc_owns(task, &s->perm))
        return -LINUX_EPERM;
    IPC_SAVE(*s);
    if (cmd == LINUX_IPC_RMID) { /* the key is free at once */
        s->perm.mode |= LINUX_SHM_DEST;
        s->perm.key = LINUX_IPC_PRIVATE;
        shm_sweep(task->proc);
        return 0;
    }
    int err = ipc_set(&s->perm, &new->perm);
    if (err == 0)
        s->ctime = ipc_now();
    return err;
}

/* user_shm_lock(): whether this one fits into the limit with all that the user has locked. */
static bool may_lock(const struct task *task, const struct shm_segment *s)
{
    uint64_t limit = task->proc->mm->limit[MM_LIMIT_MEMLOCK], sum = page_align(s->size);
    for (int i = 0; i < ipc->shm_ids.highest; i++) {
        const struct shm_segment *other = &ipc->segment[i];
        if (other->perm.used && other->perm.mode & LINUX_SHM_LOCKED &&
            other->locker == task->proc->cred.uid)
            sum += page_align(other->size);
    }
    return limit == UINT64_MAX || sum <= (limit & LINUX_PAGE_MASK);
}

/* SHM_LOCK: whether the memory stays in is the host's affair. */
static int64_t control_lock(struct task *task, int id, int cmd)
{
    struct shm_segment *s = find_segment(id);
    uint32_t euid = task->proc->cred.euid;
    if (!s)
        return -LINUX_EINVAL;
    if (!cred_capable(task->proc, LINUX_CAP_IPC_LOCK)) {
        if (euid != s->perm.uid && euid != s->perm.cuid)
            return -LINUX_EPERM;
        if (cmd == LINUX_SHM_LOCK && !mm_can_lock(task))
            return -LINUX_EPERM;
    }
    bool locked = s->perm.mode & LINUX_SHM_LOCKED;
    if (locked == (cmd == LINUX_SHM_LOCK))
        return 0;
    if (!locked && !may_lock(task, s))
        return -LINUX_ENOMEM;
    IPC_SAVE(*s);
    s->perm.mode ^= LINUX_SHM_LOCKED;
    s->locker = task->proc->cred.uid;
    return 0;
}

struct answer {
    struct linux_shmid_ds ds;
    struct linux_shminfo limits;
    struct linux_shm_info info;
    const void *from; /* the one of these that is to be told, or NULL */
    size_t size;
};

static int64_t control_info(int cmd, struct answer *a)
{
    const struct ipc_table table = shm_table();
    if (cmd == LINUX_IPC_INFO) {
        a->limits = (struct linux_shminfo){.shmmax = SHM_LIMIT,
                                           .shmmin = 1,
                                           .shmmni = SHMMNI,
                                           .shmseg = SHMMNI,
                                           .shmall = SHM_LIMIT};
        a->from = &a->limits;
        a->size = sizeof a->limits;
    } else {
        a->info.used_ids = table.ids->in_use;
        a->info.shm_tot = ipc->shm_pages;
        a->from = &a->info;
        a->size = sizeof a->info;
    }
    return ipc_highest(&table);
}

static int64_t control(struct task *task, int id, int cmd, struct answer *a)
{
    int64_t result;
    switch (cmd) {
    case LINUX_IPC_INFO:
    case LINUX_SHM_INFO: return control_info(cmd, a);
    case LINUX_IPC_STAT:
    case LINUX_SHM_STAT:
    case LINUX_SHM_STAT_ANY:
        result = control_stat(task, id, cmd, &a->ds);
        a->from = &a->ds;
        a->size = sizeof a->ds;
        return result;
    case LINUX_IPC_SET:
    case LINUX_IPC_RMID: return control_down(task, id, cmd, &a->ds);
    case LINUX_SHM_LOCK:
    case LINUX_SHM_UNLOCK: return control_lock(task, id, cmd);
    default: return -LINUX_EINVAL;
    }
}

int64_t sys_shmctl(struct task *task, const uint64_t args[6])
{
    int id = (int)args[0], cmd = (int)args[1];
    struct answer a = {.from = NULL};
    if (cmd < 0 || id < 0)
        return -LINUX_EINVAL;
    if (cmd == LINUX_IPC_SET && copy_from_user(task, &a.ds, args[2], sizeof a.ds))
        return -LINUX_EFAULT;
    enter(task->proc);
    int64_t result = control(task, id, cmd, &a);
    ipc_leave();
    if (result >= 0 && a.from && copy_to_user(task, args[2], a.from, a.size))
        return -LINUX_EFAULT;
    return result;
}

void ipc_list_shm(struct process *proc, void (*fn)(void *arg, const char *line), void *arg)
{
    char line[256];
    fn(arg,
       "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid"
       "  cgid      atime      dtime      ctime                   rss                  swap\n");
    enter(proc);
    const struct ipc_table table = shm_table();
    for (int i = 0; i < ipc->shm_ids.highest; i++) {
        const struct shm_segment *s = &ipc->segment[i];
        if (!s->perm.used)
            continue;
        snprintf(line, sizeof line,
                 "%10d %10d  %4o %21llu %5u %5u  %5llu %5u %5u %5u %5u %10lld %10lld %10lld %21llu "
                 "%21llu\n",
                 s->perm.key, ipc_id(&table, &s->perm), s->perm.mode, (unsigned long long)s->size,
                 (unsigned)s->cpid, (unsigned)s->lpid, (unsigned long long)attached(s), s->perm.uid,
                 s->perm.gid, s->perm.cuid, s->perm.cgid, (long long)s->atime, (long long)s->dtime,
                 (long long)s->ctime, 0ull, 0ull);
        fn(arg, line);
    }
    ipc_leave();
}
