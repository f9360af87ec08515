/* task.c - making, finding and ending tasks. */
#include "linux/process/task.h"

#include <stdlib.h>
#include <string.h>

#include "host/signal.h"
#include "linux/mm/uaccess.h"
#include "linux/process/pid.h"
#include "linux/process/task_life.h"
#include "linux/signal/signal.h"
#include "vcpu/vcpu.h"

int process_create(struct process **out)
{
    struct process *proc = calloc(1, sizeof(*proc));
    struct sighand *sighand = sighand_create();
    struct task_list *tasks = calloc(1, sizeof(*tasks));
    if (!proc || !sighand || !tasks) {
        free(proc);
        free(sighand);
        free(tasks);
        return -LINUX_ENOMEM;
    }
    proc->sighand = sighand;
    proc->tasks = tasks;
    proc->pid = 1;
    proc->ppid = 0;
    proc->strace_fd = -1;
    proc->exe_fd = -1;
    proc->vfork_channel = -1;
    proc->dumpable = 1;
    proc->mce_kill = MCE_KILL_DEFAULT;
    int err = pid_table_create(proc);
    if (err) {
        free(proc);
        free(sighand);
        free(tasks);
        return err;
    }
    *out = proc;
    return 0;
}

void task_free(struct task *task)
{
    if (task->vcpu)
        vcpu_destroy(task->vcpu);
    if (task->sig)
        sigstate_destroy(task);
    free(task);
}

struct task *task_alloc(struct process *proc, const struct task *parent)
{
    struct task *task = calloc(1, sizeof(*task));
    if (!task)
        return NULL;
    task->proc = proc;
    task->sig = sigstate_create(parent ? parent->sig : NULL);
    task->vcpu = vcpu_create(proc->vm);
    if (!task->sig || !task->vcpu) {
        task_free(task);
        return NULL;
    }
    task->timerslack = task->timerslack_default = TIMERSLACK_NS;
    if (parent) {
        memcpy(task->name, parent->name, sizeof(task->name));
        task->timerslack = task->timerslack_default = parent->timerslack;
    }
    return task;
}

void task_link(struct task *task)
{
    struct task_list *tasks = task->proc->tasks;
    struct task **end = &tasks->first;
    while (*end)
        end = &(*end)->next;
    *end = task;
    tasks->count++;
}

void task_unlink(struct task *task)
{
    struct task_list *tasks = task->proc->tasks;
    struct task **link = &tasks->first;
    while (*link && *link != task)
        link = &(*link)->next;
    if (*link) {
        *link = task->next;
        tasks->count--;
        /* The first thread's number is the process's, for as long as that lives. */
        if (task->tid != task->proc->pid)
            pid_free_thread(task->proc, task->tid);
    }
    host_cond_broadcast(&tasks->ended);
}

int task_create_first(struct process *proc, struct task **out)
{
    struct task *task = task_alloc(proc, NULL);
    if (!task)
        return -LINUX_ENOMEM;
    task->host_tid = host_thread_id();
    task->tid = proc->pid;
    host_mutex_lock(&proc->sighand->lock);
    task_link(task);
    host_mutex_unlock(&proc->sighand->lock);
    memcpy(task->name, proc->comm, sizeof(task->name));
    current = task;
    int err = signal_host_init(proc);
    if (!err)
        err = host_signals_thread_init(&task->sig->attention);
    *out = task;
    return err;
}

struct task *task_find(struct process *proc, int32_t tid)
{
    for (struct task *t = proc->tasks->first; t; t = t->next) {
        if (t->tid == tid)
            return t;
    }
    return NULL;
}

uint32_t task_tids(struct process *proc, int32_t *tids, uint32_t max)
{
    host_mutex_lock(&proc->sighand->lock);
    uint32_t n = 0;
    for (struct task *t = proc->tasks->first; t; t = t->next, n++) {
        if (n < max)
            tids[n] = t->tid;
    }
    host_mutex_unlock(&proc->sighand->lock);
    return n;
}

int32_t task_host_tid(struct task *task, int32_t tid)
{
    if (tid == 0 || tid == task->tid)
        return task->host_tid;
    struct sighand *sighand = task->proc->sighand;
    host_mutex_lock(&sighand->lock);
    const struct task *found;
    int32_t host_tid = 0;
    while ((found = task_find(task->proc, tid)) && !(host_tid = found->host_tid)) {
        /* It has just been made, and will say its number first thing. */
        host_mutex_unlock(&sighand->lock);
        host_thread_yield();
        host_mutex_lock(&sighand->lock);
    }
    host_mutex_unlock(&sighand->lock);
    if (!host_tid && tid > 0)
        host_tid = pid_thread_to_host(task->proc, tid);
    return host_tid ? host_tid : -LINUX_ESRCH;
}

int task_get_name(struct process *proc, int32_t tid, char name[16])
{
    host_mutex_lock(&proc->sighand->lock);
    const struct task *found = task_find(proc, tid);
    if (found)
        memcpy(name, found->name, 16);
    host_mutex_unlock(&proc->sighand->lock);
    return found ? 0 : -LINUX_ESRCH;
}

int task_set_name(struct process *proc, int32_t tid, const char name[16])
{
    host_mutex_lock(&proc->sighand->lock);
    struct task *found = task_find(proc, tid);
    if (found) {
        memcpy(found->name, name, 16);
        found->name[15] = '\0';
        pid_publish_comm(proc, tid, found->name);
        if (tid == proc->pid)
            memcpy(proc->comm, found->name, 16);
    }
    host_mutex_unlock(&proc->sighand->lock);
    return found ? 0 : -LINUX_ESRCH;
}

int64_t task_restart(struct task *task, restart_fn *fn, const uint64_t args[6])
{
    task->restart = fn;
    memmove(task->restart_args, args, sizeof(task->restart_args));
    return -LINUX_ERESTART_RESTARTBLOCK;
}
