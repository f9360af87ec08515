/* semctl.c - semget(2) and semctl(2): as Linux's ipc/sem.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/ipc/sem.h"
#include "linux/mm/uaccess.h"
#include "syscalls_gen.h"

static int64_t create(struct task *task, const struct ipc_get *get)
{
    const struct ipc_table table = sem_table();
    uint32_t nsems = (uint32_t)get->size;
    if (nsems == 0)
        return -LINUX_EINVAL;
    if (ipc->used_sems + nsems > SEMMNS)
        return -LINUX_ENOSPC;
    struct sem *sems = ipc_alloc(nsems * sizeof *sems);
    if (!sems)
        return -LINUX_ENOMEM;
    struct sem_set *set = (struct sem_set *)ipc_add(task, &table, get->key, get->flags);
    if (!set) {
        ipc_free(sems);
        return -LINUX_ENOSPC;
    }
    memset(sems, 0, nsems * sizeof *sems);
    set->sems = sems;
    set->nsems = nsems;
    set->ctime = ipc_now();
    IPC_SAVE(ipc->used_sems);
    ipc->used_sems += nsems;
    return ipc_id(&table, &set->perm);
}

static int enough(const struct ipc_perm *perm, const struct ipc_get *get)
{
    return get->size > ((const struct sem_set *)(const void *)perm)->nsems ? -LINUX_EINVAL : 0;
}

int64_t sys_semget(struct task *task, const uint64_t args[6])
{
    int nsems = (int)args[1];
    if (nsems < 0 || nsems > SEMMSL)
        return -LINUX_EINVAL;
    ipc_lock();
    const struct ipc_table table = sem_table();
    const struct ipc_get get = {.key = (int32_t)args[0],
                                .flags = (uint32_t)args[2],
                                .size = (uint64_t)nsems,
                                .create = create,
                                .check = enough};
    int64_t result = ipc_get(task, &table, &get);
    ipc_leave();
    return result;
}

static void export(const struct sem_set *set, struct linux_semid_ds *ds)
{
    *ds = (struct linux_semid_ds){.otime = set->otime, .ctime = set->ctime, .nsems = set->nsems};
    ipc_export(&set->perm, &ds->perm);
}

static int64_t control_stat(struct task *task, int id, int cmd, struct linux_semid_ds *ds)
{
    const struct ipc_table table = sem_table();
    struct ipc_perm *perm =
        cmd == LINUX_IPC_STAT ? ipc_find(&table, id) : ipc_find_index(&table, id);
    if (!perm)
        return -LINUX_EINVAL;
    if (cmd != LINUX_SEM_STAT_ANY && !ipc_permitted(task, perm, 0444))
        return -LINUX_EACCES;
    export((struct sem_set *)perm, ds);
    return cmd == LINUX_IPC_STAT ? 0 : ipc_id(&table, perm);
}

static void remove_set(struct sem_set *set)
{
    const struct ipc_table table = sem_table();
    for (struct sem_undo *u = set->undo, *next; u; u = next) {
        next = u->next;
        IPC_SAVE(ipc->proc[u->proc].undos);
        ipc->proc[u->proc].undos--;
        ipc_free(u);
    }
    IPC_SAVE(*set);
    IPC_SAVE(ipc->used_sems);
    set->undo = NULL;
    ipc->used_sems -= set->nsems;
    ipc_free(set->sems);
    ipc_remove(&table, &set->perm);
    /* The first of these commits: from then on nobody finds it. */
    ipc_wake_all(&set->waiting, -LINUX_EIDRM);
}

static int64_t control_down(struct task *task, int id, int cmd, const struct linux_semid_ds *ds)
{
    struct sem_set *set = sem_find(id);
    if (!set)
        return -LINUX_EINVAL;
    if (!ipc_owns(task, &set->perm))
        return -LINUX_EPERM;
    if (cmd == LINUX_IPC_RMID) {
        remove_set(set);
        return 0;
    }
    int err = ipc_set(&set->perm, &ds->perm);
    if (err)
        return err;
    IPC_SAVE(set->ctime);
    set->ctime = ipc_now();
    return 0;
}

static void set_value(struct sem_set *set, uint32_t i, int value, int32_t pid)
{
    IPC_SAVE(set->sems[i]);
    set->sems[i].value = value;
    set->sems[i].pid = pid;
}

static int64_t set_one(struct task *task, int id, int num, int value)
{
    if (value > SEMVMX || value < 0)
        return -LINUX_ERANGE;
    struct sem_set *set = sem_find(id);
    if (!set || num < 0 || (uint32_t)num >= set->nsems)
        return -LINUX_EINVAL;
    if (!ipc_permitted(task, &set->perm, 0222))
        return -LINUX_EACCES;
    sem_forget_undo(set, (uint32_t)num, 1);
    set_value(set, (uint32_t)num, value, task->proc->pid);
    IPC_SAVE(set->ctime);
    set->ctime = ipc_now();
    sem_update(task->proc, set);
    return 0;
}

/* count_semcnt() */
static int count_waiting(const struct sem_set *set, int num, bool zero)
{
    int n = 0;
    for (const struct ipc_waiter *w = set->waiting.first; w; w = w->next) {
        const struct linux_sembuf *op = &w->ops[w->blocking];
        if (op->num == num && (zero ? op->op == 0 : op->op < 0))
            n++;
    }
    return n;
}

static int64_t get_one(struct task *task, int id, int num, int cmd)
{
    const struct sem_set *set = sem_find(id);
    if (!set)
        return -LINUX_EINVAL;
    if (!ipc_permitted(task, &set->perm, 0444))
        return -LINUX_EACCES;
    if (num < 0 || (uint32_t)num >= set->nsems)
        return -LINUX_EINVAL;
    switch (cmd) {
    case LINUX_GETVAL: return set->sems[num].value;
    case LINUX_GETPID: return set->sems[num].pid;
    case LINUX_GETNCNT: return count_waiting(set, num, false);
    default: return count_waiting(set, num, true);
    }
}

/* GETALL and SETALL: values is as long as the longest set. The number of them, or -errno. */
static int64_t all_values(struct task *task, int id, int cmd, uint16_t *values)
{
    struct sem_set *set = sem_find(id);
    if (!set)
        return -LINUX_EINVAL;
    if (!ipc_permitted(task, &set->perm, cmd == LINUX_SETALL ? 0222 : 0444))
        return -LINUX_EACCES;
    for (uint32_t i = 0; cmd == LINUX_GETALL && i < set->nsems; i++)
        values[i] = (uint16_t)set->sems[i].value;
    return set->nsems;
}

static int64_t set_all(struct task *task, int id, const uint16_t *values, uint32_t n)
{
    struct sem_set *set = sem_find(id);
    for (uint32_t i = 0; i < n; i++) {
        if (values[i] > SEMVMX)
            return -LINUX_ERANGE;
    }
    if (!set || set->nsems != n)
        return -LINUX_EIDRM;
    sem_forget_undo(set, 0, n);
    for (uint32_t i = 0; i < n; i++)
        set_value(set, i, values[i], task->proc->pid);
    IPC_SAVE(set->ctime);
    set->ctime = ipc_now();
    sem_update(task->proc, set);
    return 0;
}

static int64_t control_all(struct task *task, int id, int cmd, gva_t array)
{
    uint16_t *values = malloc(SEMMSL * sizeof *values);
    if (!values)
        return -LINUX_ENOMEM;
    ipc_lock();
    int64_t n = all_values(task, id, cmd, values), result = n < 0 ? n : 0;
    ipc_leave();
    if (n > 0 && cmd == LINUX_GETALL) {
        result = copy_to_user(task, array, values, (size_t)n * sizeof *values);
    } else if (n > 0) {
        result = copy_from_user(task, values, array, (size_t)n * sizeof *values);
        ipc_lock();
        if (result == 0)
            result = set_all(task, id, values, (uint32_t)n);
        ipc_leave();
    }
    free(values);
    return result;
}

static int64_t info(int cmd, struct linux_seminfo *info)
{
    const struct ipc_table table = sem_table();
    *info = (struct linux_seminfo){.semmap = SEMMNS,
                                   .semmni = SEMMNI,
                                   .semmns = SEMMNS,
                                   .semmnu = SEMMNS,
                                   .semmsl = SEMMSL,
                                   .semopm = SEMOPM,
                                   .semume = SEMOPM,
                                   .semusz = 20,
                                   .semvmx = SEMVMX,
                                   .semaem = SEMVMX};
    if (cmd == LINUX_SEM_INFO) {
        info->semusz = table.ids->in_use;
        info->semaem = (int32_t)ipc->used_sems;
    }
    return ipc_highest(&table);
}

/* What needs no memory of the guest's while the lock is held. */
static int64_t control(struct task *task, const uint64_t args[6], struct linux_semid_ds *ds,
                       struct linux_seminfo *si)
{
    int id = (int)args[0], num = (int)args[1], cmd = (int)args[2];
    int64_t result = -LINUX_EINVAL;
    ipc_lock();
    ipc_reap(task->proc);
    switch (cmd) {
    case LINUX_IPC_INFO:
    case LINUX_SEM_INFO: result = info(cmd, si); break;
    case LINUX_IPC_STAT:
    case LINUX_SEM_STAT:
    case LINUX_SEM_STAT_ANY: result = control_stat(task, id, cmd, ds); break;
    case LINUX_GETVAL:
    case LINUX_GETPID:
    case LINUX_GETNCNT:
    case LINUX_GETZCNT: result = get_one(task, id, num, cmd); break;
    case LINUX_SETVAL: result = set_one(task, id, num, (int)args[3]); break;
    case LINUX_IPC_SET:
    case LINUX_IPC_RMID: result = control_down(task, id, cmd, ds); break;
    default: break;
    }
    ipc_leave();
    return result;
}

int64_t sys_semctl(struct task *task, const uint64_t args[6])
{
    int cmd = (int)args[2];
    struct linux_semid_ds ds = {0};
    struct linux_seminfo si;
    if ((int)args[0] < 0)
        return -LINUX_EINVAL;
    if (cmd == LINUX_IPC_SET && copy_from_user(task, &ds, args[3], sizeof ds))
        return -LINUX_EFAULT;
    if (cmd == LINUX_GETALL || cmd == LINUX_SETALL)
        return control_all(task, (int)args[0], cmd, args[3]);
    int64_t result = control(task, args, &ds, &si);
    if (result < 0)
        return result;
    bool stat = cmd == LINUX_IPC_STAT || cmd == LINUX_SEM_STAT || cmd == LINUX_SEM_STAT_ANY;
    if (stat && copy_to_user(task, args[3], &ds, sizeof ds))
        return -LINUX_EFAULT;
    if ((cmd == LINUX_IPC_INFO || cmd == LINUX_SEM_INFO) &&
        copy_to_user(task, args[3], &si, sizeof si))
        return -LINUX_EFAULT;
    return result;
}

void ipc_list_sem(struct process *proc, void (*fn)(void *arg, const char *line), void *arg)
{
    char line[256];
    fn(arg,
       "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n");
    (void)proc;
    ipc_lock();
    const struct ipc_table table = sem_table();
    for (int i = 0; i < ipc->sem_ids.highest; i++) {
        const struct sem_set *s = &ipc->set[i];
        if (!s->perm.used)
            continue;
        snprintf(line, sizeof line, "%10d %10d  %4o %10u %5u %5u %5u %5u %10lld %10lld\n",
                 s->perm.key, ipc_id(&table, &s->perm), s->perm.mode, s->nsems, s->perm.uid,
                 s->perm.gid, s->perm.cuid, s->perm.cgid, (long long)s->otime, (long long)s->ctime);
        fn(arg, line);
    }
    ipc_leave();
}
