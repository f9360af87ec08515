/* waiter.c - threads that wait for an object in the region. */
#include <string.h>

#include "host/futex.h"
#include "host/time.h"
#include "linux/abi/futex.h"
#include "linux/ipc/ipc.h"
#include "linux/signal/signal.h"
#include "linux/time/time.h"

/*
 * How long a waiter sleeps before it looks whether somebody died who was to wake it; less when
 * others have undo values, which their end makes due.
 */
static struct linux_timespec look_again(int own)
{
    for (int i = 0; i < ipc->procs_highest; i++) {
        if (i != own && ipc->proc[i].used && ipc->proc[i].undos)
            return (struct linux_timespec){0, 100 * 1000 * 1000};
    }
    return (struct linux_timespec){1, 0};
}

struct ipc_waiter *ipc_waiter_new(struct task *task, int proc)
{
    struct ipc_waiter *w = ipc_alloc(sizeof *w);
    struct ipc_proc *p = &ipc->proc[proc];
    if (!w)
        return NULL;
    /* What was free before is nobody's to restore. */
    memset(w, 0, sizeof *w);
    w->pid = task->proc->pid;
    w->proc = proc;
    w->proc_next = p->waiters;
    IPC_SAVE(p->waiters);
    if (p->waiters) {
        IPC_SAVE(p->waiters->proc_prev);
        p->waiters->proc_prev = w;
    }
    p->waiters = w;
    return w;
}

void ipc_waiter_free(struct ipc_waiter *w)
{
    struct ipc_proc *p = &ipc->proc[w->proc];
    ipc_dequeue(w);
    if (w->proc_next) {
        IPC_SAVE(w->proc_next->proc_prev);
        w->proc_next->proc_prev = w->proc_prev;
    }
    if (w->proc_prev) {
        IPC_SAVE(w->proc_prev->proc_next);
        w->proc_prev->proc_next = w->proc_next;
    } else {
        IPC_SAVE(p->waiters);
        p->waiters = w->proc_next;
    }
    ipc_free(w->ops);
    ipc_free(w->msg);
    ipc_free(w);
}

void ipc_enqueue(struct ipc_list *queue, struct ipc_waiter *w)
{
    IPC_SAVE(*w);
    IPC_SAVE(*queue);
    w->queue = queue;
    w->prev = queue->last;
    w->next = NULL;
    w->done = 0;
    if (queue->last) {
        IPC_SAVE(queue->last->next);
        queue->last->next = w;
    } else {
        queue->first = w;
    }
    queue->last = w;
}

void ipc_dequeue(struct ipc_waiter *w)
{
    struct ipc_list *queue = w->queue;
    if (!queue)
        return;
    IPC_SAVE(*w);
    IPC_SAVE(*queue);
    if (w->next) {
        IPC_SAVE(w->next->prev);
        w->next->prev = w->prev;
    } else {
        queue->last = w->prev;
    }
    if (w->prev) {
        IPC_SAVE(w->prev->next);
        w->prev->next = w->next;
    } else {
        queue->first = w->next;
    }
    w->queue = NULL;
}

/* Who is woken needs the lock first of all: so that is given back before. */
#define DUE_MAX 32
static _Thread_local struct {
    uint32_t *word[DUE_MAX];
    int count;
} due;

void ipc_wake_due(void)
{
    for (int i = 0; i < due.count; i++)
        host_futex_op(due.word[i], LINUX_FUTEX_WAKE, 1, 0, NULL, 0);
    due.count = 0;
}

void ipc_wake(struct ipc_waiter *w, int result)
{
    ipc_dequeue(w);
    IPC_SAVE(*w);
    w->result = result;
    w->done = 1;
    ipc_commit();
    if (due.count == DUE_MAX)
        ipc_wake_due();
    due.word[due.count++] = &w->done;
}

void ipc_wake_all(struct ipc_list *queue, int result)
{
    while (queue->first)
        ipc_wake(queue->first, result);
}

static bool before(const struct linux_timespec *a, const struct linux_timespec *b)
{
    return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

int ipc_wait(struct task *task, struct ipc_waiter *w, const struct linux_timespec *deadline)
{
    for (;;) {
        struct linux_timespec look = look_again(w->proc);
        look = timespec_deadline(&look);
        bool last = deadline && before(deadline, &look);
        ipc_leave();
        int err =
            host_futex_wait(&w->done, 0, 0, last ? deadline : &look, LINUX_FUTEX_BITSET_MATCH_ANY);
        bool interrupted = err == -LINUX_ERESTARTSYS && signal_check(task);
        ipc_lock();
        ipc_reap(task->proc);
        if (w->done)
            return 0;
        if (interrupted)
            return -LINUX_EINTR;
        if (err == -LINUX_ETIMEDOUT && last)
            return -LINUX_ETIMEDOUT;
    }
}
