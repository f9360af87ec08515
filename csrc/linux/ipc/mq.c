/* mq.c - POSIX message queues: sending, receiving, notification. Linux's ipc/mqueue.c. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "host/process.h"
#include "host/time.h"
#include "linux/fs/fd_meta.h"
#include "linux/ipc/mq.h"
#include "linux/mm/uaccess.h"
#include "linux/signal/signal.h"
#include "linux/time/time.h"
#include "syscalls_gen.h"

/* ---- messages in a queue ---- */

/* msg_insert(): behind those of the same priority. */
static void insert(struct mq *q, struct ipc_msg *m)
{
    struct ipc_msg **link = &q->first;
    IPC_SAVE(*q);
    while (*link && (*link)->type >= m->type)
        link = &(*link)->next;
    IPC_SAVE(*link);
    m->next = *link;
    *link = m;
    q->curmsgs++;
    q->qsize += m->size;
}

static struct ipc_msg *take_first(struct mq *q)
{
    struct ipc_msg *m = q->first;
    IPC_SAVE(*q);
    q->first = m->next;
    q->curmsgs--;
    q->qsize -= m->size;
    return m;
}

/* The first that waits and lives. */
static struct ipc_waiter *first_waiter(struct process *proc, struct ipc_list *list)
{
    while (list->first && !ipc_proc_alive(proc, list->first->proc))
        ipc_dequeue(list->first);
    return list->first;
}

/* Absolute, on CLOCK_REALTIME, as one on CLOCK_MONOTONIC. */
static int read_deadline(struct task *task, gva_t at, struct linux_timespec *deadline)
{
    struct linux_timespec real = {0, 0}, until;
    if (!at)
        return 0;
    if (copy_from_user(task, &until, at, sizeof until))
        return -LINUX_EFAULT;
    if (!timespec_valid(&until))
        return -LINUX_EINVAL;
    host_clock_gettime(LINUX_CLOCK_REALTIME, &real);
    until = timespec_left(until, real);
    *deadline = timespec_deadline(&until);
    return 0;
}

static int wait_result(struct ipc_waiter *w, int err)
{
    if (err == 0)
        return w->result;
    return err == -LINUX_EINTR ? -LINUX_ERESTARTSYS : err;
}

struct transfer {
    struct mq_file *file;
    uint64_t size, prio;
    uint8_t *text;
    const struct linux_timespec *deadline; /* or NULL */
    struct mq_notice notice;
};

static bool nonblocking(const struct transfer *t)
{
    return atomic_load(&t->file->flags) & LINUX_O_NONBLOCK;
}

/* ---- sending ---- */

static int wait_to_send(struct task *task, struct mq *q, struct ipc_msg *m,
                        const struct transfer *t)
{
    int index = ipc_self(task->proc);
    struct ipc_waiter *w = index < 0 ? NULL : ipc_waiter_new(task, index);
    if (!w) {
        ipc_free(m);
        return -LINUX_ENOMEM;
    }
    w->msg = m;
    ipc_enqueue(&q->senders, w);
    int err = wait_result(w, ipc_wait(task, w, t->deadline));
    ipc_waiter_free(w); /* with the message, if nobody has put it into the queue */
    return err;
}

static int send(struct task *task, struct transfer *t)
{
    struct mq *q = &ipc->mq[t->file->index];
    struct ipc_msg *m = ipc_alloc(sizeof *m + t->size);
    if (!m)
        return -LINUX_ENOMEM;
    m->size = t->size;
    m->type = (int64_t)t->prio;
    memcpy(m->text, t->text, t->size);
    if (q->curmsgs == q->maxmsg) {
        if (!nonblocking(t))
            return wait_to_send(task, q, m, t);
        ipc_free(m);
        return -LINUX_EAGAIN;
    }
    struct ipc_waiter *w = first_waiter(task->proc, &q->receivers);
    IPC_SAVE(*q);
    q->atime = q->mtime = q->ctime = ipc_now();
    if (w) {
        IPC_SAVE(*w);
        w->msg = m;
        ipc_wake(w, 0);
        return 0;
    }
    insert(q, m);
    mq_notice_take(q, &t->notice);
    ipc_commit();
    mq_show(q);
    return 0;
}

int64_t sys_mq_timedsend(struct task *task, const uint64_t args[6])
{
    struct linux_timespec deadline;
    struct transfer t = {.size = args[2], .prio = (uint32_t)args[3]};
    struct fd_meta *meta;
    int64_t err = read_deadline(task, args[4], &deadline);
    if (err)
        return err;
    if (t.prio >= MQ_PRIO_MAX)
        return -LINUX_EINVAL;
    t.deadline = args[4] ? &deadline : NULL;
    t.file = mq_file_get(task, args[0], &meta);
    if (!t.file)
        return -LINUX_EBADF;
    if (!t.file->writes)
        err = -LINUX_EBADF;
    else if (t.size > (uint64_t)ipc->mq[t.file->index].msgsize)
        err = -LINUX_EMSGSIZE;
    else if (!(t.text = malloc(t.size ? t.size : 1)))
        err = -LINUX_ENOMEM;
    else if (copy_from_user(task, t.text, args[1], t.size))
        err = -LINUX_EFAULT;
    if (err == 0) {
        ipc_lock();
        err = send(task, &t);
        ipc_leave();
        mq_notice_send(task, &t.notice);
    }
    free(t.text);
    fd_meta_put(meta);
    return err;
}

/* ---- receiving ---- */

static void take_text(struct transfer *t, const struct ipc_msg *m)
{
    t->size = m->size;
    t->prio = (uint64_t)m->type;
    memcpy(t->text, m->text, m->size);
}

static int wait_to_receive(struct task *task, struct mq *q, struct transfer *t)
{
    int index = ipc_self(task->proc);
    struct ipc_waiter *w = index < 0 ? NULL : ipc_waiter_new(task, index);
    if (!w)
        return -LINUX_ENOMEM;
    ipc_enqueue(&q->receivers, w);
    int err = wait_result(w, ipc_wait(task, w, t->deadline));
    if (err == 0)
        take_text(t, w->msg);
    ipc_waiter_free(w);
    return err;
}

static int receive(struct task *task, struct transfer *t)
{
    struct mq *q = &ipc->mq[t->file->index];
    if (q->curmsgs == 0)
        return nonblocking(t) ? -LINUX_EAGAIN : wait_to_receive(task, q, t);
    struct ipc_msg *m = take_first(q);
    q->atime = q->mtime = q->ctime = ipc_now();
    take_text(t, m);
    ipc_free(m);
    ipc_commit();
    struct ipc_waiter *w = first_waiter(task->proc, &q->senders);
    if (w) { /* pipelined_receive(): there is room for its message now */
        IPC_SAVE(*w);
        insert(q, w->msg);
        w->msg = NULL;
        ipc_wake(w, 0);
    }
    mq_show(q);
    return 0;
}

int64_t sys_mq_timedreceive(struct task *task, const uint64_t args[6])
{
    struct linux_timespec deadline;
    struct transfer t = {0};
    struct fd_meta *meta;
    int64_t err = read_deadline(task, args[4], &deadline);
    if (err)
        return err;
    t.deadline = args[4] ? &deadline : NULL;
    t.file = mq_file_get(task, args[0], &meta);
    if (!t.file)
        return -LINUX_EBADF;
    const uint64_t most = (uint64_t)ipc->mq[t.file->index].msgsize;
    if (!t.file->reads)
        err = -LINUX_EBADF;
    else if (args[2] < most)
        err = -LINUX_EMSGSIZE;
    else if (!(t.text = malloc(most)))
        err = -LINUX_ENOMEM;
    if (err == 0) {
        ipc_lock();
        err = receive(task, &t);
        ipc_leave();
    }
    if (err == 0) {
        err = (int64_t)t.size;
        if ((args[3] && put_user_u32(task, args[3], (uint32_t)t.prio)) ||
            copy_to_user(task, args[1], t.text, t.size))
            err = -LINUX_EFAULT;
    }
    free(t.text);
    fd_meta_put(meta);
    return err;
}

/* ---- notification ---- */

void mq_notice_take(struct mq *q, struct mq_notice *to)
{
    if (!q->notify_pid || q->curmsgs != 1)
        return;
    if (q->notify_kind == LINUX_SIGEV_SIGNAL)
        *to = (struct mq_notice){q->notify_pid, q->notify_signo, q->notify_value};
    IPC_SAVE(*q);
    q->notify_pid = 0;
}

void mq_notice_send(struct task *task, const struct mq_notice *to)
{
    struct process *proc = task->proc;
    if (!to->signo)
        return;
    struct linux_siginfo info = {.si_signo = to->signo, .si_code = LINUX_SI_MESGQ};
    info.rt.pid = proc->pid;
    info.rt.uid = proc->cred.uid;
    info.rt.value = to->value;
    if (to->pid == proc->pid) {
        signal_send_process(proc, &info);
        return;
    }
    int32_t host = pid_alive(proc, to->pid);
    if (host)
        host_send(host, 0, to->signo, &info);
}

/* With the lock; event NULL takes the caller's own back. */
static int set_notice(struct process *proc, struct mq *q, const struct linux_sigevent *event)
{
    if (!event) {
        if (q->notify_pid == proc->pid) {
            IPC_SAVE(*q);
            q->notify_pid = 0;
        }
        return 0;
    }
    if (q->notify_pid && pid_alive(proc, q->notify_pid))
        return -LINUX_EBUSY;
    IPC_SAVE(*q);
    q->notify_pid = proc->pid;
    q->notify_kind = event->sigev_notify;
    q->notify_signo = event->sigev_signo;
    q->notify_value = event->sigev_value;
    return 0;
}

int64_t sys_mq_notify(struct task *task, const uint64_t args[6])
{
    struct linux_sigevent event;
    struct fd_meta *meta;
    if (args[1] && copy_from_user(task, &event, args[1], sizeof event))
        return -LINUX_EFAULT;
    if (args[1]) {
        if (event.sigev_notify != LINUX_SIGEV_NONE && event.sigev_notify != LINUX_SIGEV_SIGNAL &&
            event.sigev_notify != LINUX_SIGEV_THREAD)
            return -LINUX_EINVAL;
        if (event.sigev_notify == LINUX_SIGEV_SIGNAL &&
            (event.sigev_signo < 0 || event.sigev_signo > LINUX_NSIG))
            return -LINUX_EINVAL;
        /* A kernel's message to a netlink socket of the C library's, which nobody else may send. */
        if (event.sigev_notify == LINUX_SIGEV_THREAD)
            return -LINUX_ENOSYS;
    }
    struct mq_file *f = mq_file_get(task, args[0], &meta);
    if (!f)
        return -LINUX_EBADF;
    ipc_lock();
    int err = set_notice(task->proc, &ipc->mq[f->index], args[1] ? &event : NULL);
    ipc_leave();
    fd_meta_put(meta);
    return err;
}
