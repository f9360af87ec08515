/* exit.c - how tasks and the process end: kernel/exit.c, and de_thread() of fs/exec.c. */
#include "host/process.h"
#include "host/signal.h"
#include "linux/ipc/ipc.h"
#include "linux/mm/uaccess.h"
#include "linux/process/fork.h"
#include "linux/process/pid.h"
#include "linux/process/task.h"
#include "linux/process/task_life.h"
#include "linux/signal/signal.h"
#include "syscalls_gen.h"
#include "vcpu/vcpu.h"

/* With the lock: all but task end at their next look. */
static void ask_to_end(struct task_list *tasks, const struct task *task)
{
    for (struct task *t = tasks->first; t; t = t->next) {
        if (t != task) {
            t->sig->exiting = true;
            signal_recalc(t);
        }
    }
}

/* Writing takes so long that the other threads could be seen to go on after the process has ended.
 */
static void keep_code(struct process *proc)
{
    if (!vcpu_vm_to_keep(proc->vm))
        return;
    host_mutex_lock(&proc->sighand->lock);
    ask_to_end(proc->tasks, current);
    host_mutex_unlock(&proc->sighand->lock);
    vcpu_vm_keep(proc->vm, true);
}

/* Some seconds: what a signal cannot end waits for a device of the host. */
#define END_OF_RUN_TRIES 20000

/*
 * zap_pid_ns_processes(): with the first process all end. Their ends are waited for, so that
 * nothing of the run is left when the caller is told; orphans come to us. A process that was being
 * forked meanwhile is found by the next look.
 */
static void end_run(struct process *proc)
{
    for (int tries = 0; tries < END_OF_RUN_TRIES; tries++) {
        for (int32_t n = 1; (n = pid_next(proc, n)) != 0;) {
            int32_t host = pid_alive(proc, n);
            if (host)
                host_send(host, 0, LINUX_SIGKILL, NULL);
        }
        if (host_reap_any() == -LINUX_ECHILD)
            return;
    }
}

/* exit_mm_release() of all tasks: other processes may wait for a lock in shared memory. What a task
 * takes from here on, before the process is gone, is lost to them. */
static void release_locks(struct process *proc)
{
    struct task *t;
    do {
        gva_t list = 0;
        uint32_t tid = 0;
        host_mutex_lock(&proc->sighand->lock);
        for (t = proc->tasks->first; t && !list; t = t->next) {
            list = t->robust_list;
            tid = (uint32_t)t->tid;
            t->robust_list = 0;
        }
        host_mutex_unlock(&proc->sighand->lock);
        if (list && current)
            futex_exit_robust(current, list, tid);
    } while (t);
}

static void before_end(struct process *proc)
{
    release_locks(proc);
    ipc_exit(proc);
    vfork_release(proc);
    keep_code(proc);
    if (proc->pid == 1)
        end_run(proc);
    vcpu_vm_report(proc->vm);
}

void process_exit(struct process *proc, int status)
{
    before_end(proc);
    host_process_exit(status);
}

void process_die(struct process *proc, int sig)
{
    before_end(proc);
    if (proc->pid == 1)
        host_process_exit(128 + sig);
    host_die(sig);
}

/* mm_release(): a joining thread waits for this word, where one is left in this memory. */
static void release_child_tid(struct task *task)
{
    gva_t at = task->clear_child_tid;
    bool shared = task->proc->tasks->count > 1 || task->proc->vfork_channel >= 0;
    task->clear_child_tid = 0;
    if (at && shared && put_user_u32(task, at, 0) == 0)
        futex_wake_one(task, at);
}

void task_exit(struct task *task, int status)
{
    struct process *proc = task->proc;
    futex_exit_robust(task, task->robust_list, (uint32_t)task->tid);
    task->robust_list = 0;
    release_child_tid(task);

    host_signals_thread_exit();
    host_mutex_lock(&proc->sighand->lock);
    if (task->tid == proc->pid)
        proc->tasks->leader_status = status;
    bool last = proc->tasks->count == 1;
    if (!last) {
        /* What was about to be taken by this task goes to another. */
        current = NULL;
        task_unlink(task);
        for (struct task *t = proc->tasks->first; t; t = t->next)
            signal_recalc(t);
    }
    host_mutex_unlock(&proc->sighand->lock);
    if (last)
        process_exit(proc, proc->tasks->leader_status);
    task_free(task);
    host_thread_exit();
}

bool task_end_others(struct task *task)
{
    struct task_list *tasks = task->proc->tasks;
    struct sighand *sighand = task->proc->sighand;
    host_mutex_lock(&sighand->lock);
    if (tasks->exec_by && tasks->exec_by != task) {
        host_mutex_unlock(&sighand->lock);
        return false;
    }
    tasks->exec_by = task;
    ask_to_end(tasks, task);
    while (tasks->count > 1)
        host_cond_wait(&tasks->ended, &sighand->lock);
    /* The survivor is the process's leader from here on, whoever it was. */
    if (task->tid != task->proc->pid)
        pid_free_thread(task->proc, task->tid);
    task->tid = task->proc->pid;
    struct pid_entry *entry = pid_entry(task->proc->pids, task->tid);
    atomic_store(&entry->leader, task->host_tid == entry->host ? 0 : task->host_tid);
    tasks->exec_by = NULL;
    host_mutex_unlock(&sighand->lock);
    return true;
}

int64_t sys_exit(struct task *task, const uint64_t args[6])
{
    task_exit(task, (int)args[0] & 0xff);
}

int64_t sys_exit_group(struct task *task, const uint64_t args[6])
{
    process_exit(task->proc, (int)args[0] & 0xff);
}

int64_t sys_set_tid_address(struct task *task, const uint64_t args[6])
{
    task->clear_child_tid = args[0];
    return task->tid;
}
