/*
 * session.c - process groups and sessions: kernel/sys.c. The host's groups and sessions are the
 * guest's, so that terminals and job control are the host's too; only the numbers differ. The run's
 * first process is in group 1 of session 1, whatever the host calls these.
 */
#include "host/process.h"
#include "linux/process/pid.h"
#include "linux/process/task.h"
#include "syscalls_gen.h"

/* An entry of a process (a thread's number names its process), alive or a zombie; NULL: none. */
static struct pid_entry *process_entry(struct task *task, int32_t pid)
{
    struct process *proc = task->proc;
    struct pid_entry *e = pid_entry(proc->pids, pid ? pid : proc->pid);
    if (e && atomic_load(&e->kind) == PID_THREAD)
        e = pid_entry(proc->pids, e->tgid);
    return e && atomic_load(&e->kind) == PID_PROCESS ? e : NULL;
}

int64_t sys_getpgid(struct task *task, const uint64_t args[6])
{
    const struct pid_entry *e = process_entry(task, (int32_t)args[0]);
    return e ? atomic_load(&e->pgid) : -LINUX_ESRCH;
}

int64_t sys_getsid(struct task *task, const uint64_t args[6])
{
    const struct pid_entry *e = process_entry(task, (int32_t)args[0]);
    return e ? atomic_load(&e->sid) : -LINUX_ESRCH;
}

int64_t sys_setsid(struct task *task, const uint64_t args[6])
{
    (void)args;
    struct process *proc = task->proc;
    struct pid_table *t = proc->pids;
    /* The host may not know that the first process leads its group. */
    if (proc->pid == 1)
        return -LINUX_EPERM;
    int32_t host = host_setsid();
    if (host < 0)
        return host;
    struct pid_entry *e = pid_entry(t, proc->pid);
    atomic_store(&e->host_group, host);
    atomic_store(&e->host_session, host);
    pid_set_group(t, proc->pid, proc->pid);
    pid_set_session(t, proc->pid, proc->pid);
    return proc->pid;
}

/* Is there a process of that group in the session? */
static bool group_in_session(struct process *proc, int32_t pgid, int32_t sid)
{
    for (int32_t n = 0; (n = pid_next(proc, n)) != 0;) {
        const struct pid_entry *e = pid_entry(proc->pids, n);
        if (atomic_load(&e->pgid) == pgid)
            return atomic_load(&e->sid) == sid;
    }
    return false;
}

int64_t sys_setpgid(struct task *task, const uint64_t args[6])
{
    struct process *proc = task->proc;
    struct pid_table *t = proc->pids;
    int32_t pid = (int32_t)args[0], pgid = (int32_t)args[1];
    if (!pid)
        pid = proc->pid;
    if (!pgid)
        pgid = pid;
    if (pgid < 0)
        return -LINUX_EINVAL;
    struct pid_entry *e = pid_entry(t, pid);
    if (!e || (pid != proc->pid &&
               (atomic_load(&e->kind) == PID_FREE || atomic_load(&e->parent) != proc->pid)))
        return -LINUX_ESRCH;
    if (atomic_load(&e->kind) != PID_PROCESS)
        return -LINUX_EINVAL;
    int32_t sid = pid_entry(t, proc->pid)->sid;
    if (pid != proc->pid) {
        if (atomic_load(&e->sid) != sid)
            return -LINUX_EPERM;
        if (atomic_load(&e->execed))
            return -LINUX_EACCES;
    }
    if (atomic_load(&e->sid) == pid) /* it leads the session */
        return -LINUX_EPERM;
    if (pgid != pid && !group_in_session(proc, pgid, sid))
        return -LINUX_EPERM;
    int32_t host_group = pgid == pid ? 0 : pid_group_to_host(proc, pgid);
    int err = host_setpgid(atomic_load(&e->host), host_group);
    if (err)
        return err;
    if (pgid == pid)
        atomic_store(&e->host_group, atomic_load(&e->host));
    pid_set_group(t, pid, pgid);
    return 0;
}
