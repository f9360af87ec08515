/*
 * fork.c - new processes: kernel/fork.c. A guest process is a host process, made by the host's
 * fork(): memory is copied on write, descriptors, locks and groups are the host's to inherit.
 */
#include <stdlib.h>
#include <string.h>

#include "host/io.h"
#include "host/process.h"
#include "host/signal.h"
#include "linux/abi/sched.h"
#include "linux/fs/fdtable.h"
#include "linux/fs/fs.h"
#include "linux/mm/mm.h"
#include "linux/mm/uaccess.h"
#include "linux/net/net.h"
#include "linux/process/fork.h"
#include "linux/process/pid.h"
#include "linux/process/rlimit.h"
#include "linux/process/task.h"
#include "linux/process/task_life.h"
#include "linux/signal/signal.h"
#include "linux/time/time.h"
#include "vcpu/vcpu.h"

void clone_registers(struct task *child, const struct clone_request *request)
{
    struct vcpu_regs *regs = vcpu_regs(child->vcpu);
    regs->x[0] = 0;
    if (request->stack)
        regs->sp = request->stack + request->stack_size;
    if (request->flags & LINUX_CLONE_SETTLS)
        regs->tpidr = request->tls;
}

/* ---- locks: other threads may hold any, and are not there in the child to give them back ---- */

static void lock_all(struct process *proc)
{
    fs_fork_prepare(proc);
    host_mutex_lock(&proc->mm->lock);
    host_mutex_lock(&proc->sighand->lock);
    vcpu_vm_fork(proc->vm, VCPU_FORK_PREPARE);
}

static void unlock_all(struct process *proc, bool child, bool had_threads)
{
    vcpu_vm_fork(proc->vm, child ? VCPU_FORK_CHILD : VCPU_FORK_PARENT);
    host_mutex_unlock(&proc->sighand->lock);
    host_mutex_unlock(&proc->mm->lock);
    if (child)
        fs_fork_child(proc, had_threads);
    else
        fs_fork_parent(proc);
}

/* ---- the child ---- */

/* The parent's other threads were not copied: only what we keep about them. */
static void drop_other_tasks(struct task *task)
{
    struct task_list *tasks = task->proc->tasks;
    struct task *other = tasks->first;
    tasks->first = task;
    tasks->count = 1;
    tasks->exec_by = NULL;
    tasks->leader_status = 0;
    while (other) {
        struct task *next = other->next;
        if (other != task)
            task_free(other);
        other = next;
    }
    task->next = NULL;
}

static void child_signals(struct task *task, const struct clone_request *request)
{
    struct process *proc = task->proc;
    struct sighand *sighand = proc->sighand;
    host_mutex_lock(&sighand->lock);
    sigpending_drop(proc, &sighand->shared, ~0ull);
    sigpending_drop(proc, &task->sig->pending, ~0ull);
    if (request->flags & LINUX_CLONE_CLEAR_SIGHAND) {
        for (int sig = 1; sig <= LINUX_NSIG; sig++) {
            if (sighand->action[sig].handler > LINUX_SIG_IGN)
                sighand->action[sig] = (struct linux_sigaction){.handler = LINUX_SIG_DFL};
        }
    }
    host_mutex_unlock(&sighand->lock);
    if (request->flags & LINUX_CLONE_CLEAR_SIGHAND)
        signal_host_dispositions(proc);
    timers_forked(proc);
    signalfd_forked(proc);
    task->sig->exiting = false;
    /* copy_process(): a stack of its own takes no alternate stack along. */
    if ((request->flags & (LINUX_CLONE_VM | LINUX_CLONE_VFORK)) == LINUX_CLONE_VM)
        task->sig->altstack = (struct linux_stack){.ss_flags = LINUX_SS_DISABLE};
}

static void become_child(struct task *task, const struct clone_request *request, int32_t pid)
{
    struct process *proc = task->proc;
    int32_t host = host_process_id();
    pid_started(proc->pids, pid, host);
    pid_hold(proc->pids, pid);
    proc->ppid = proc->pid;
    proc->pid = pid;
    proc->parent_ended = proc->pdeath_due = false;
    proc->pdeath_signal = 0;
    proc->subreaper = 0;
    proc->odd_children = false;
    proc->waited_count = 0;
    memset(proc->waited, 0, sizeof proc->waited);
    task->tid = pid;
    task->host_tid = host;
    task->robust_list = 0;
    task->restart = NULL;
    task->timerslack_default = task->timerslack;
    task->clear_child_tid = request->flags & LINUX_CLONE_CHILD_CLEARTID ? request->child_tid : 0;
    pid_publish_comm(proc, pid, task->name);
    memcpy(proc->comm, task->name, sizeof proc->comm);
    drop_other_tasks(task);
    child_signals(task, request);
    mm_after_fork(proc->mm);
    clone_registers(task, request);
}

static int64_t child(struct task *task, const struct clone_request *request, int32_t pid,
                     const int channel[2])
{
    struct process *proc = task->proc;
    rlimit_forked();
    unlock_all(proc, true, proc->tasks->count > 1);
    vfork_forget(proc);
    become_child(task, request, pid);
    if (request->flags & LINUX_CLONE_VFORK) {
        host_fd_close(channel[0]);
        vfork_child(proc, channel[1], request->flags & LINUX_CLONE_VM);
    }
    host_fork_done();
    /* As schedule_tail(): a bad address is nobody's error. */
    if (request->flags & LINUX_CLONE_CHILD_SETTID)
        (void)!put_user_u32(task, request->child_tid, (uint32_t)pid);
    return 0;
}

/* ---- the parent ---- */

/* The child runs already: where no pidfd can be had it ends as if it had never been. */
static int64_t give_pidfd(struct task *task, const struct clone_request *request, int32_t host)
{
    int64_t fd = fd_return(task, host_pidfd_open(host, 0));
    if (fd >= 0 && put_user_u32(task, request->pidfd, (uint32_t)fd)) {
        fd_discard(task, (int)fd);
        fd = -LINUX_EFAULT;
    }
    if (fd < 0) {
        host_send(host, 0, LINUX_SIGKILL, NULL);
        host_reap(host);
    }
    return fd;
}

static int64_t parent(struct task *task, const struct clone_request *request, int32_t pid,
                      int32_t host, const int channel[2])
{
    struct process *proc = task->proc;
    if (host > 0)
        pid_started(proc->pids, pid, host);
    unlock_all(proc, false, false);
    if (host > 0)
        host_fork_done();
    int64_t result = host > 0 ? pid : host;
    if (host > 0 && request->flags & LINUX_CLONE_PIDFD) {
        int64_t fd = give_pidfd(task, request, host);
        result = fd < 0 ? fd : result;
    }
    if (result > 0 && request->flags & LINUX_CLONE_PARENT_SETTID)
        (void)!put_user_u32(task, request->parent_tid, (uint32_t)pid);
    if (request->flags & LINUX_CLONE_VFORK) {
        host_fd_close(channel[1]);
        vfork_wait(task, channel[0]);
    }
    if (result < 0)
        pid_reaped(proc->pids, pid);
    pid_put(proc->pids, pid);
    return result;
}

int64_t process_fork(struct task *task, const struct clone_request *request)
{
    struct process *proc = task->proc;
    int channel[2] = {-1, -1};
    /* A signal to a group that is being sent must not miss the child: copy_process(). */
    if (signal_check(task))
        return -LINUX_ERESTARTNOINTR;
    if (request->flags & LINUX_CLONE_VFORK) {
        int err = host_channel(channel);
        if (err)
            return err;
    }
    int32_t pid = pid_alloc_child(proc, request->exit_signal);
    if (pid < 0) {
        if (channel[0] >= 0) {
            host_fd_close(channel[0]);
            host_fd_close(channel[1]);
        }
        return pid;
    }
    if (request->exit_signal != LINUX_SIGCHLD) {
        proc->odd_children = true;
        signal_host_dispose(proc, LINUX_SIGCHLD);
    }
    lock_all(proc);
    bool begun = rlimit_own_file_begin(proc);
    int32_t host = host_fork(proc->tasks->count == 1);
    rlimit_own_file_end(proc, begun);
    if (host == 0)
        return child(task, request, pid, channel);
    return parent(task, request, pid, host, channel);
}
