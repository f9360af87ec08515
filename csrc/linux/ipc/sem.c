/*
 * sem.c - System V semaphores: as Linux's ipc/sem.c. Whoever changes a value carries out the
 * operations of those that wait, in the order in which they came.
 */
#include <stdlib.h>
#include <string.h>

#include "linux/ipc/ipc.h"
#include "linux/ipc/sem.h"
#include "linux/mm/uaccess.h"
#include "linux/time/time.h"
#include "syscalls_gen.h"

struct ipc_table sem_table(void)
{
    return (struct ipc_table){
        .ids = &ipc->sem_ids, .objects = ipc->set, .size = sizeof ipc->set[0], .max = SEMMNI};
}

struct sem_set *sem_find(int id)
{
    const struct ipc_table table = sem_table();
    return (struct sem_set *)ipc_find(&table, id);
}

/* ---- undo values ---- */

static struct sem_undo *find_undo(const struct sem_set *set, int proc)
{
    struct sem_undo *u = set->undo;
    while (u && u->proc != proc)
        u = u->next;
    return u;
}

/* find_alloc_undo() */
static int need_undo(struct sem_set *set, int proc)
{
    if (find_undo(set, proc))
        return 0;
    size_t size = set->nsems * sizeof(int16_t);
    struct sem_undo *u = ipc_alloc(sizeof *u + size);
    if (!u)
        return -LINUX_ENOMEM;
    memset(u->adjust, 0, size);
    u->proc = proc;
    u->next = set->undo;
    IPC_SAVE(set->undo);
    IPC_SAVE(ipc->proc[proc].undos);
    set->undo = u;
    ipc->proc[proc].undos++;
    return 0;
}

void sem_forget_undo(struct sem_set *set, uint32_t first, uint32_t count)
{
    for (struct sem_undo *u = set->undo; u; u = u->next) {
        for (uint32_t i = first; i < first + count; i++) {
            if (!u->adjust[i])
                continue;
            IPC_SAVE(u->adjust[i]);
            u->adjust[i] = 0;
        }
    }
}

/* ---- operations ---- */

/* One operation: 0, or 1 when it has to wait, or -errno. */
static int perform_one(struct sem_set *set, struct sem_undo *undo, const struct linux_sembuf *op)
{
    struct sem *sem = &set->sems[op->num];
    int value = sem->value + op->op;
    if ((op->op == 0 && sem->value) || value < 0)
        return op->flags & LINUX_IPC_NOWAIT ? -LINUX_EAGAIN : 1;
    if (value > SEMVMX)
        return -LINUX_ERANGE;
    if (op->flags & LINUX_SEM_UNDO) {
        int adjust = undo->adjust[op->num] - op->op;
        if (adjust < -SEMVMX - 1 || adjust > SEMVMX)
            return -LINUX_ERANGE;
        IPC_SAVE(undo->adjust[op->num]);
        undo->adjust[op->num] = (int16_t)adjust;
    }
    IPC_SAVE(*sem);
    sem->value = value;
    return 0;
}

/* Take the first n of w's operations back. */
static void take_back(struct sem_set *set, const struct ipc_waiter *w, struct sem_undo *undo,
                      uint32_t n)
{
    while (n-- > 0) {
        const struct linux_sembuf *op = &w->ops[n];
        set->sems[op->num].value -= op->op;
        if (op->flags & LINUX_SEM_UNDO)
            undo->adjust[op->num] += op->op;
    }
}

/* perform_atomic_semop(): all of w's operations or none. */
static int perform(struct process *proc, struct sem_set *set, struct ipc_waiter *w)
{
    struct sem_undo *undo = w->undo ? find_undo(set, w->proc) : NULL;
    uint32_t done = 0;
    int result = 0;
    while (done < w->nops && (result = perform_one(set, undo, &w->ops[done])) == 0)
        done++;
    w->blocking = done;
    /* What the dead are given is lost. */
    if (result == 0 && !ipc_proc_alive(proc, w->proc))
        result = -LINUX_ESRCH;
    if (result) {
        take_back(set, w, undo, done);
        return result;
    }
    for (uint32_t i = 0; i < w->nops; i++) {
        IPC_SAVE(set->sems[w->ops[i].num].pid);
        set->sems[w->ops[i].num].pid = w->pid;
    }
    return 0;
}

/* One round over the queue, for those that only look or those that change. */
static bool update_some(struct process *proc, struct sem_set *set, bool alter)
{
    for (struct ipc_waiter *w = set->waiting.first, *next; w; w = next) {
        next = w->next;
        if (w->alter != alter)
            continue;
        int result = perform(proc, set, w);
        if (result == 1)
            continue;
        if (result == 0) {
            IPC_SAVE(set->otime);
            set->otime = ipc_now();
        }
        ipc_wake(w, result);
        if (result == 0 && alter)
            return true;
    }
    return false;
}

void sem_update(struct process *proc, struct sem_set *set)
{
    ipc_commit();
    do
        update_some(proc, set, false);
    while (update_some(proc, set, true));
}

/* exit_sem() for one set; the undo values are unlinked. */
static void apply_undo(struct process *proc, struct sem_set *set, struct sem_undo *u)
{
    for (uint32_t i = 0; i < set->nsems; i++) {
        struct sem *sem = &set->sems[i];
        if (!u->adjust[i])
            continue;
        int value = sem->value + u->adjust[i];
        IPC_SAVE(*sem);
        sem->value = value < 0 ? 0 : value > SEMVMX ? SEMVMX : value;
        sem->pid = ipc->proc[u->proc].pid;
    }
    IPC_SAVE(set->otime);
    set->otime = ipc_now();
    ipc_free(u);
    sem_update(proc, set);
}

void sem_exit(struct process *proc, int index)
{
    for (int i = 0; i < ipc->sem_ids.highest; i++) {
        struct sem_set *set = &ipc->set[i];
        struct sem_undo **link = &set->undo;
        if (!set->perm.used)
            continue;
        while (*link && (*link)->proc != index)
            link = &(*link)->next;
        struct sem_undo *u = *link;
        if (!u)
            continue;
        IPC_SAVE(*link);
        IPC_SAVE(ipc->proc[index].undos);
        *link = u->next;
        ipc->proc[index].undos--;
        apply_undo(proc, set, u);
    }
}

/* ---- semop ---- */

struct request {
    int id;
    uint32_t nops;
    const struct linux_sembuf *ops;
    const struct linux_timespec *timeout;
};

/* With the lock; w has what is asked for. */
static int operate(struct task *task, const struct request *r, struct ipc_waiter *w)
{
    struct sem_set *set = sem_find(r->id);
    uint32_t max = 0;
    if (!set)
        return -LINUX_EINVAL;
    for (uint32_t i = 0; i < r->nops; i++) {
        if (r->ops[i].num > max)
            max = r->ops[i].num;
        w->alter |= r->ops[i].op != 0;
        w->undo |= (r->ops[i].flags & LINUX_SEM_UNDO) != 0;
    }
    if (max >= set->nsems)
        return -LINUX_EFBIG;
    if (!ipc_permitted(task, &set->perm, w->alter ? 0222 : 0444))
        return -LINUX_EACCES;
    int err = w->undo ? need_undo(set, w->proc) : 0;
    if (err)
        return err;
    int result = perform(task->proc, set, w);
    if (result == 1 || result == -LINUX_EAGAIN) {
        /* Has somebody died who has to give something back? */
        ipc_reap(task->proc);
        result = perform(task->proc, set, w);
    }
    if (result == 0) {
        IPC_SAVE(set->otime);
        set->otime = ipc_now();
        if (w->alter)
            sem_update(task->proc, set);
    }
    if (result != 1)
        return result;
    struct linux_timespec deadline;
    if (r->timeout)
        deadline = timespec_deadline(r->timeout);
    ipc_enqueue(&set->waiting, w);
    err = ipc_wait(task, w, r->timeout ? &deadline : NULL);
    if (err == 0)
        return w->result;
    return err == -LINUX_ETIMEDOUT ? -LINUX_EAGAIN : err;
}

static int64_t semop_locked(struct task *task, const struct request *r)
{
    int index = ipc_self(task->proc);
    struct ipc_waiter *w = index < 0 ? NULL : ipc_waiter_new(task, index);
    if (!w)
        return -LINUX_ENOMEM;
    w->nops = r->nops;
    w->ops = ipc_alloc(r->nops * sizeof *w->ops);
    int result = -LINUX_ENOMEM;
    if (w->ops) {
        memcpy(w->ops, r->ops, r->nops * sizeof *w->ops);
        result = operate(task, r, w);
    }
    ipc_waiter_free(w);
    return result;
}

static int64_t do_semop(struct task *task, const uint64_t args[6],
                        const struct linux_timespec *timeout)
{
    struct linux_sembuf few[8], *ops = few;
    struct request r = {.id = (int)args[0], .nops = (uint32_t)args[2], .timeout = timeout};
    if (r.nops > SEMOPM)
        return -LINUX_E2BIG;
    if (r.nops < 1)
        return -LINUX_EINVAL;
    if (r.nops > 8 && !(ops = malloc(r.nops * sizeof *ops)))
        return -LINUX_ENOMEM;
    int64_t result = 0;
    if (copy_from_user(task, ops, args[1], r.nops * sizeof *ops))
        result = -LINUX_EFAULT;
    else if (r.id < 0 || (timeout && !timespec_valid(timeout)))
        result = -LINUX_EINVAL;
    if (result == 0) {
        r.ops = ops;
        ipc_lock();
        result = semop_locked(task, &r);
        ipc_leave();
    }
    if (ops != few)
        free(ops);
    return result;
}

int64_t sys_semop(struct task *task, const uint64_t args[6])
{
    return do_semop(task, args, NULL);
}

int64_t sys_semtimedop(struct task *task, const uint64_t args[6])
{
    struct linux_timespec timeout;
    if (args[3] && copy_from_user(task, &timeout, args[3], sizeof timeout))
        return -LINUX_EFAULT;
    return do_semop(task, args, args[3] ? &timeout : NULL);
}
