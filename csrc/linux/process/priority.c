/* priority.c - priorities of processes, groups and users: getpriority and setpriority
 * (kernel/sys.c), ioprio_get and ioprio_set (block/ioprio.c). The host has them, one for each of
 * its threads. */
#include "linux/process/priority.h"

#include "host/system.h"
#include "linux/process/cred.h"
#include "linux/process/task.h"
#include "syscalls_gen.h"

enum which { WHICH_PROCESS, WHICH_GROUP, WHICH_USER };

/* For one thread: 0 to go on. */
typedef int visit_fn(struct process *proc, const struct pid_entry *owner, int32_t host, void *arg);

bool priority_may_change(const struct process *proc, const struct pid_entry *owner)
{
    uint32_t euid = proc->cred.euid;
    return owner->uid == euid || owner->euid == euid || cred_capable(proc, LINUX_CAP_SYS_NICE);
}

const struct pid_entry *priority_owner(const struct process *proc, int32_t id)
{
    const struct pid_entry *entry = pid_entry(proc->pids, id ? id : proc->pid);
    return entry ? pid_entry(proc->pids, entry->tgid) : NULL;
}

/* All threads of a process. */
static int visit_threads(struct process *proc, int32_t pid, visit_fn *visit, void *arg)
{
    const struct pid_entry *owner = pid_entry(proc->pids, pid);
    int ret = visit(proc, owner, owner->host, arg);
    const struct pid_entry *at = owner;
    for (int32_t tid; !ret && (tid = at->next_thread) != 0;) {
        at = pid_entry(proc->pids, tid);
        if (!at || at->kind != PID_THREAD || at->tgid != pid)
            break; /* it ended meanwhile, and with it the way to the rest */
        if (at->host)
            ret = visit(proc, owner, at->host, arg);
    }
    return ret;
}

/* Those that are meant; who 0 is the caller, its group or its user. -LINUX_ESRCH if there are none.
 */
static int visit_all(struct task *task, enum which which, int32_t who, visit_fn *visit, void *arg)
{
    struct process *proc = task->proc;
    const struct pid_entry *own = pid_entry(proc->pids, proc->pid);
    if (which == WHICH_PROCESS) {
        int32_t host = task_host_tid(task, who);
        const struct pid_entry *owner = priority_owner(proc, who);
        return host < 0 || !owner ? -LINUX_ESRCH : visit(proc, owner, host, arg);
    }
    bool found = false;
    int ret = 0;
    uint32_t wanted = (uint32_t)who;
    if (!who)
        wanted = which == WHICH_USER ? proc->cred.uid : (uint32_t)own->pgid;
    for (int32_t n = 0; !ret && (n = pid_next(proc, n)) != 0;) {
        const struct pid_entry *entry = pid_entry(proc->pids, n);
        uint32_t has = which == WHICH_USER ? entry->uid : (uint32_t)entry->pgid;
        if (has != wanted || !entry->host)
            continue;
        found = true;
        ret = visit_threads(proc, n, visit, arg);
    }
    return ret || found ? ret : -LINUX_ESRCH;
}

static int keep_highest(struct process *proc, const struct pid_entry *owner, int32_t host,
                        void *arg)
{
    (void)proc;
    (void)owner;
    int64_t *best = arg, has = host_getpriority(host);
    if (has > *best)
        *best = has;
    return 0;
}

int64_t sys_getpriority(struct task *task, const uint64_t args[6])
{
    int64_t best = -LINUX_ESRCH;
    int which = (int)args[0];
    if (which < WHICH_PROCESS || which > WHICH_USER)
        return -LINUX_EINVAL;
    int err = visit_all(task, (enum which)which, (int32_t)args[1], keep_highest, &best);
    return err ? err : best;
}

struct change {
    int value, err;
};

/* set_one_prio(): goes on behind those that it may not change. */
static int set_nice(struct process *proc, const struct pid_entry *owner, int32_t host, void *arg)
{
    struct change *change = arg;
    if (!priority_may_change(proc, owner)) {
        change->err = -LINUX_EPERM;
        return 0;
    }
    int err = host_setpriority(host, change->value);
    if (err)
        change->err = err;
    else if (change->err == -LINUX_ESRCH)
        change->err = 0;
    return 0;
}

int64_t sys_setpriority(struct task *task, const uint64_t args[6])
{
    struct change change = {(int)args[2], -LINUX_ESRCH};
    int which = (int)args[0];
    if (which < WHICH_PROCESS || which > WHICH_USER)
        return -LINUX_EINVAL;
    visit_all(task, (enum which)which, (int32_t)args[1], set_nice, &change);
    return change.err;
}

/* ---- of input and output ---- */

#define IOPRIO_CLASS(ioprio) ((ioprio) >> 13 & 7)
#define IOPRIO_BEST_EFFORT   (2 << 13)

enum { CLASS_NONE, CLASS_REAL_TIME, CLASS_BEST_EFFORT, CLASS_IDLE };

/* ioprio_check_cap(); the host judges who may be real-time. */
static int check_ioprio(int ioprio)
{
    switch (IOPRIO_CLASS(ioprio)) {
    case CLASS_NONE: return ioprio & 7 ? -LINUX_EINVAL : 0;
    case CLASS_REAL_TIME: return -LINUX_EPERM;
    case CLASS_BEST_EFFORT:
    case CLASS_IDLE: return 0;
    default: return -LINUX_EINVAL;
    }
}

/* set_task_ioprio(): ends at the first that it may not change. */
static int set_ioprio(struct process *proc, const struct pid_entry *owner, int32_t host, void *arg)
{
    const struct change *change = arg;
    if (owner->uid != proc->cred.euid && owner->uid != proc->cred.uid &&
        !cred_capable(proc, LINUX_CAP_SYS_NICE))
        return -LINUX_EPERM;
    return host_ioprio_set(host, change->value);
}

int64_t sys_ioprio_set(struct task *task, const uint64_t args[6])
{
    struct change change = {(int)args[2], 0};
    int which = (int)args[0] - 1; /* numbered from 1 here */
    int err = check_ioprio(change.value);
    if (err)
        return err;
    if (which < WHICH_PROCESS || which > WHICH_USER)
        return -LINUX_EINVAL;
    return visit_all(task, (enum which)which, (int32_t)args[1], set_ioprio, &change);
}

static int first_ioprio(struct process *proc, const struct pid_entry *owner, int32_t host,
                        void *arg)
{
    (void)proc;
    (void)owner;
    *(int64_t *)arg = host_ioprio_get(host);
    return 0;
}

/* ioprio_best(); a thread that has asked for none has what its niceness gives. */
static int best_ioprio(struct process *proc, const struct pid_entry *owner, int32_t host, void *arg)
{
    (void)proc;
    (void)owner;
    int64_t *best = arg, has = host_ioprio_get(host);
    if (has >= 0 && IOPRIO_CLASS(has) == CLASS_NONE)
        has = IOPRIO_BEST_EFFORT | (40 - host_getpriority(host)) / 5;
    if (has >= 0 && (*best < 0 || has < *best))
        *best = has;
    return 0;
}

int64_t sys_ioprio_get(struct task *task, const uint64_t args[6])
{
    int64_t found = -LINUX_ESRCH;
    int which = (int)args[0] - 1;
    if (which < WHICH_PROCESS || which > WHICH_USER)
        return -LINUX_EINVAL;
    visit_fn *visit = which == WHICH_PROCESS ? first_ioprio : best_ioprio;
    int err = visit_all(task, (enum which)which, (int32_t)args[1], visit, &found);
    return err ? err : found;
}
