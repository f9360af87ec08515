/* proc.c - processes that have something in the region, and what happens to it when they end. */
#include <string.h>

#include "host/thread.h"
#include "linux/ipc/ipc.h"
#include "linux/process/pid.h"

/* The calling process's place. A child has its parent's, but another number. */
static struct {
    int32_t pid, index;
} self;

static int take(int32_t pid)
{
    int i = 0;
    while (i < IPC_PROCS && ipc->proc[i].used)
        i++;
    if (i == IPC_PROCS)
        return -LINUX_ENOMEM;
    if (i >= ipc->procs_highest) {
        IPC_SAVE(ipc->procs_highest);
        ipc->procs_highest = i + 1;
    }
    IPC_SAVE(ipc->proc[i]);
    ipc->proc[i] = (struct ipc_proc){.used = true, .pid = pid, .host = host_process_id()};
    return i;
}

int ipc_self(struct process *proc)
{
    if (self.pid == proc->pid)
        return self.index;
    int index = take(proc->pid);
    if (index >= 0) {
        self.pid = proc->pid;
        self.index = index;
        /* Else a place whose taking is undone by a later death would still be ours. */
        ipc_commit();
    }
    return index;
}

bool ipc_proc_alive(struct process *proc, int index)
{
    const struct ipc_proc *p = &ipc->proc[index];
    if (self.pid == proc->pid && index == self.index)
        return true;
    return pid_alive(proc, p->pid) == p->host;
}

static void release(struct process *proc, int index)
{
    struct ipc_proc *p = &ipc->proc[index];
    while (p->waiters)
        ipc_waiter_free(p->waiters);
    if (p->undos)
        sem_exit(proc, index);
    mq_exit(proc, index);
    if (p->segments)
        memset(ipc->attached[index], 0, sizeof ipc->attached[index]);
    IPC_SAVE(*p);
    *p = (struct ipc_proc){0};
    ipc_commit();
}

void ipc_reap(struct process *proc)
{
    for (int i = 0; i < ipc->procs_highest; i++) {
        if (ipc->proc[i].used && !ipc_proc_alive(proc, i)) {
            release(proc, i);
            shm_sweep(proc);
        }
    }
    ipc_commit();
}

bool ipc_birth(struct process *proc)
{
    for (int32_t n = pid_next(proc, 0); n; n = pid_next(proc, n)) {
        int32_t host = atomic_load(&pid_entry(proc->pids, n)->host);
        if (host == 0 || ipc->born[n] != host)
            return true;
    }
    return false;
}

/* ---- hooks ---- */

void ipc_forked(struct process *proc)
{
    if (!ipc)
        return;
    shm_publish(proc);
    mq_forked(proc);
    ipc->born[proc->pid] = host_process_id();
}

void ipc_exit(struct process *proc)
{
    if (!ipc || self.pid != proc->pid)
        return;
    ipc_lock();
    release(proc, self.index);
    self.pid = 0;
    shm_sweep(proc);
    ipc_leave();
}

void ipc_child_ended(struct process *proc)
{
    if (!ipc || !ipc->procs_highest)
        return;
    ipc_lock();
    ipc_reap(proc);
    ipc_leave();
}
