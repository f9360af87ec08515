/* object.c - keys, numbers and rights of System V objects: Linux's ipc/util.c. */
#include <string.h>

#include "host/time.h"
#include "linux/ipc/ipc.h"
#include "linux/process/cred.h"

struct ipc_perm *ipc_object(const struct ipc_table *table, int index)
{
    return (struct ipc_perm *)(void *)((uint8_t *)table->objects + (size_t)index * table->size);
}

static int index_of(const struct ipc_table *table, const struct ipc_perm *perm)
{
    return (int)(((const uint8_t *)perm - (const uint8_t *)table->objects) / table->size);
}

int ipc_id(const struct ipc_table *table, const struct ipc_perm *perm)
{
    return perm->seq << IPC_IDX_BITS | index_of(table, perm);
}

struct ipc_perm *ipc_find_index(const struct ipc_table *table, int id)
{
    int index = id & ((1 << IPC_IDX_BITS) - 1);
    struct ipc_perm *perm = id >= 0 && index < table->max ? ipc_object(table, index) : NULL;
    return perm && perm->used ? perm : NULL;
}

struct ipc_perm *ipc_find(const struct ipc_table *table, int id)
{
    struct ipc_perm *perm = ipc_find_index(table, id);
    return perm && ipc_id(table, perm) == id ? perm : NULL;
}

int ipc_highest(const struct ipc_table *table)
{
    for (int i = table->ids->highest; i-- > 0;) {
        if (ipc_object(table, i)->used)
            return i;
    }
    return 0;
}

static struct ipc_perm *find_key(const struct ipc_table *table, int32_t key)
{
    for (int i = 0; i < table->ids->highest; i++) {
        struct ipc_perm *perm = ipc_object(table, i);
        if (perm->used && perm->key == key)
            return perm;
    }
    return NULL;
}

int64_t ipc_get(struct task *task, const struct ipc_table *table, const struct ipc_get *get)
{
    if (get->key == LINUX_IPC_PRIVATE)
        return get->create(task, get);
    struct ipc_perm *perm = find_key(table, get->key);
    if (!perm)
        return get->flags & LINUX_IPC_CREAT ? get->create(task, get) : -LINUX_ENOENT;
    if (get->flags & LINUX_IPC_CREAT && get->flags & LINUX_IPC_EXCL)
        return -LINUX_EEXIST;
    int err = get->check ? get->check(perm, get) : 0;
    if (err)
        return err;
    return ipc_permitted(task, perm, get->flags) ? ipc_id(table, perm) : -LINUX_EACCES;
}

/* idr_alloc_cyclic(): from the last index on, round at `cycle`. */
static int free_index(const struct ipc_table *table)
{
    int cycle = table->ids->in_use * 3 / 2;
    if (cycle < IPC_MIN_CYCLE)
        cycle = IPC_MIN_CYCLE;
    if (cycle > table->max)
        cycle = table->max;
    for (int i = 0, at = table->ids->next; i < cycle; i++, at++) {
        if (at >= cycle)
            at = 0;
        if (!ipc_object(table, at)->used)
            return at;
    }
    return -1;
}

struct ipc_perm *ipc_add(struct task *task, const struct ipc_table *table, int32_t key,
                         uint32_t mode)
{
    const struct cred *c = &task->proc->cred;
    struct ipc_ids *ids = table->ids;
    int index = ids->in_use < table->max ? free_index(table) : -1;
    if (index < 0)
        return NULL;
    struct ipc_perm *perm = ipc_object(table, index);
    ipc_save(perm, table->size);
    IPC_SAVE(*ids);
    memset(perm, 0, table->size);
    if (index <= ids->last_index)
        ids->seq = (ids->seq + 1) % IPC_SEQ_MAX;
    ids->last_index = index;
    ids->next = index + 1;
    ids->in_use++;
    if (index >= ids->highest)
        ids->highest = index + 1;
    *perm = (struct ipc_perm){.used = true,
                              .seq = (uint16_t)ids->seq,
                              .key = key,
                              .uid = c->euid,
                              .gid = c->egid,
                              .cuid = c->euid,
                              .cgid = c->egid,
                              .mode = mode & 0777};
    return perm;
}

void ipc_remove(const struct ipc_table *table, struct ipc_perm *perm)
{
    IPC_SAVE(perm->used);
    IPC_SAVE(table->ids->in_use);
    perm->used = false;
    table->ids->in_use--;
}

bool ipc_in_group(const struct cred *c, uint32_t gid)
{
    if (c->fsgid == gid)
        return true;
    for (uint32_t i = 0; i < c->ngroups; i++) {
        if (c->groups[i] == gid)
            return true;
    }
    return false;
}

bool ipc_permitted(const struct task *task, const struct ipc_perm *perm, uint32_t mode)
{
    const struct cred *c = &task->proc->cred;
    uint32_t want = mode >> 6 | mode >> 3 | mode, have = perm->mode;
    if (c->euid == perm->cuid || c->euid == perm->uid)
        have >>= 6;
    else if (ipc_in_group(c, perm->cgid) || ipc_in_group(c, perm->gid))
        have >>= 3;
    return !(want & ~have & 7) || cred_capable(task->proc, LINUX_CAP_IPC_OWNER);
}

bool ipc_owns(const struct task *task, const struct ipc_perm *perm)
{
    uint32_t euid = task->proc->cred.euid;
    return euid == perm->cuid || euid == perm->uid || cred_capable(task->proc, LINUX_CAP_SYS_ADMIN);
}

int ipc_set(struct ipc_perm *perm, const struct linux_ipc_perm *from)
{
    if (from->uid == UINT32_MAX || from->gid == UINT32_MAX)
        return -LINUX_EINVAL;
    IPC_SAVE(*perm);
    perm->uid = from->uid;
    perm->gid = from->gid;
    perm->mode = (perm->mode & ~0777u) | (from->mode & 0777);
    return 0;
}

void ipc_export(const struct ipc_perm *perm, struct linux_ipc_perm *to)
{
    *to = (struct linux_ipc_perm){.key = perm->key,
                                  .uid = perm->uid,
                                  .gid = perm->gid,
                                  .cuid = perm->cuid,
                                  .cgid = perm->cgid,
                                  .mode = perm->mode,
                                  .seq = perm->seq};
}

int64_t ipc_now(void)
{
    struct linux_timespec ts = {0, 0};
    host_clock_gettime(LINUX_CLOCK_REALTIME, &ts);
    return ts.tv_sec;
}
