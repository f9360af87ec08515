/*
 * mq_open.c - POSIX message queues as objects: names, rights, descriptors. Linux's ipc/mqueue.c.
 *
 * A descriptor is a duplicate of the queue's pipe, which is empty when the queue is, full when it
 * is full, and in between otherwise, so that poll() and epoll say the right thing. A process that
 * opens a queue gets the pipe from one that has it open, by way of the host's /proc.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "host/file.h"
#include "host/io.h"
#include "linux/fs/fd_meta.h"
#include "linux/fs/fs.h"
#include "linux/ipc/mq.h"
#include "linux/mm/uaccess.h"
#include "linux/process/cred.h"
#include "syscalls_gen.h"

/* fs.mqueue.msg_max, msgsize_max, and what a queue has without attributes */
#define MSG_LIMIT       10
#define MSGSIZE_LIMIT   8192
#define RLIMIT_MSGQUEUE 12

#define F_SETPIPE_SZ 1031
#define PIPE_SIZE    8192 /* two pages: one byte leaves room for more, */
#define PIPE_FULL    4097 /* and one more than a page does not */

/* 1 + our own descriptor of each queue's pipe, and the guest's descriptors of it in this process,
 * which has its own copy. Both are changed with the region's lock. */
static int own[MQ_MAX], open_here[MQ_MAX];

void mq_show(struct mq *q)
{
    static const uint8_t zeroes[PIPE_FULL];
    uint8_t old[PIPE_SIZE];
    int fd = own[q - ipc->mq] - 1;
    uint64_t want = q->curmsgs == 0 ? 0 : q->curmsgs == q->maxmsg ? PIPE_FULL : 1;
    if (want == q->shown)
        return;
    q->shown = want;
    while (host_read(fd, old, sizeof old) > 0)
        ;
    if (want)
        host_write(fd, zeroes, want);
}

static int make_pipe(void)
{
    int ends[2], err = host_pipe2(ends, LINUX_O_CLOEXEC);
    if (err)
        return err;
    int fd =
        host_fd_private(host_reopen(ends[0], LINUX_O_RDWR | LINUX_O_NONBLOCK | LINUX_O_CLOEXEC));
    host_fd_close(ends[0]);
    host_fd_close(ends[1]);
    if (fd >= 0)
        host_fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE);
    return fd;
}

static int borrow_pipe(struct process *proc, int index)
{
    char path[64];
    for (int i = 0; i < ipc->procs_highest; i++) {
        const struct ipc_proc *p = &ipc->proc[i];
        if (!p->used || !(p->queues >> index & 1) || !ipc_proc_alive(proc, i))
            continue;
        snprintf(path, sizeof path, "/proc/%d/fd/%d", p->host, p->queue_fd[index]);
        int fd = host_fd_private(
            host_open_path(path, LINUX_O_RDWR | LINUX_O_NONBLOCK | LINUX_O_CLOEXEC, 0));
        if (fd >= 0)
            return fd;
    }
    return -LINUX_ENOENT;
}

/* One more descriptor of the queue in this process. */
static int take_pipe(struct process *proc, int index)
{
    struct mq *q = &ipc->mq[index];
    if (!own[index]) {
        int fd = borrow_pipe(proc, index);
        bool new = fd < 0;
        if (new)
            fd = make_pipe();
        if (fd < 0)
            return fd;
        own[index] = fd + 1;
        if (new) {
            q->shown = 0;
            mq_show(q);
        }
    }
    open_here[index]++;
    return 0;
}

static void give_pipe(int index)
{
    if (--open_here[index])
        return;
    host_fd_close(own[index] - 1);
    own[index] = 0;
}

/* ---- which process has which open ---- */

static void publish(struct process *proc)
{
    uint32_t bits = 0;
    for (int i = 0; i < MQ_MAX; i++) {
        if (open_here[i])
            bits |= 1u << i;
    }
    int index = ipc_self(proc);
    if (index < 0)
        return;
    for (int i = 0; i < MQ_MAX; i++)
        ipc->proc[index].queue_fd[i] = own[i] - 1;
    ipc->proc[index].queues = bits;
}

void mq_forked(struct process *proc)
{
    bool any = false;
    for (int i = 0; i < MQ_MAX; i++)
        any |= open_here[i] != 0;
    if (!any)
        return;
    ipc_lock();
    publish(proc);
    ipc_leave();
}

static bool opened(int index)
{
    for (int i = 0; i < ipc->procs_highest; i++) {
        if (ipc->proc[i].used && ipc->proc[i].queues >> index & 1)
            return true;
    }
    return false;
}

void mq_sweep(struct process *proc)
{
    for (int i = 0; i < MQ_MAX; i++) {
        struct mq *q = &ipc->mq[i];
        if (!q->used || q->named || opened(i) || ipc_birth(proc))
            continue;
        for (struct ipc_msg *m = q->first, *next; m; m = next) {
            next = m->next;
            ipc_free(m);
        }
        IPC_SAVE(*q);
        q->first = NULL;
        q->used = false;
        ipc_commit();
    }
}

/* The process's descriptors on the queue are closed: mqueue_flush_file(). */
static void forget_notice(int32_t pid, int index)
{
    struct mq *q = &ipc->mq[index];
    if (q->notify_pid == pid) {
        IPC_SAVE(*q);
        q->notify_pid = 0;
    }
}

void mq_exit(struct process *proc, int index)
{
    struct ipc_proc *p = &ipc->proc[index];
    if (!p->queues)
        return;
    for (int i = 0; i < MQ_MAX; i++) {
        if (p->queues >> i & 1)
            forget_notice(p->pid, i);
    }
    p->queues = 0;
    mq_sweep(proc);
}

/* ---- descriptors ---- */

static int64_t read_text(struct task *task, void *data, int fd, gva_t buf, uint64_t count);

static void release(void *data)
{
    struct mq_file *f = data;
    struct process *proc = current->proc;
    ipc_lock();
    give_pipe(f->index);
    publish(proc);
    if (!open_here[f->index])
        forget_notice(proc->pid, f->index);
    mq_sweep(proc);
    ipc_leave();
    free(f);
}

static const struct fd_special mq_special = {.read = read_text, .release = release};

struct mq_file *mq_file_get(struct task *task, uint64_t fd, struct fd_meta **meta)
{
    *meta = fd_is_guest(fd) ? fd_meta_get(task->proc->fds, (int)fd) : NULL;
    if (*meta && (*meta)->special == &mq_special)
        return (*meta)->data;
    fd_meta_put(*meta);
    return NULL;
}

/* mqueue_read_file(); the position is not kept, which is 0 for who reads it once. */
static int64_t read_text(struct task *task, void *data, int fd, gva_t buf, uint64_t count)
{
    char text[80];
    struct mq_file *f = data;
    (void)fd;
    ipc_lock();
    const struct mq q = ipc->mq[f->index];
    ipc_leave();
    int n = snprintf(text, sizeof text, "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
                     (unsigned long)q.qsize, q.notify_pid ? q.notify_kind : 0,
                     q.notify_pid && q.notify_kind == LINUX_SIGEV_SIGNAL ? q.notify_signo : 0,
                     q.notify_pid);
    if (count > (uint64_t)n)
        count = (uint64_t)n;
    return copy_to_user(task, buf, text, count) ? -LINUX_EFAULT : (int64_t)count;
}

/* ---- mq_open ---- */

/* getname() and lookup_one_len() */
static int64_t get_name(struct task *task, char name[256], gva_t at)
{
    char path[4096];
    int64_t len = strncpy_from_user(task, path, at, sizeof path);
    if (len < 0)
        return len;
    if (len == 0)
        return -LINUX_ENOENT;
    if (strchr(path, '/') || !strcmp(path, ".") || !strcmp(path, ".."))
        return -LINUX_EACCES;
    if (len > 255)
        return -LINUX_ENAMETOOLONG;
    memcpy(name, path, (size_t)len + 1);
    return 0;
}

static struct mq *find(const char *name)
{
    for (int i = 0; i < MQ_MAX; i++) {
        if (ipc->mq[i].used && ipc->mq[i].named && !strcmp(ipc->mq[i].name, name))
            return &ipc->mq[i];
    }
    return NULL;
}

/* mqueue_get_inode(): what the queue costs its user, or -errno. */
static int64_t check_attr(struct task *task, const struct linux_mq_attr *attr)
{
    uint64_t sum = 0;
    if (attr->maxmsg <= 0 || attr->msgsize <= 0 || attr->maxmsg > MSG_LIMIT ||
        attr->msgsize > MSGSIZE_LIMIT)
        return -LINUX_EINVAL;
    /* A struct msg_msg and a struct posix_msg_tree_node a message. */
    uint64_t bytes = (uint64_t)attr->maxmsg * (48 + 48 + (uint64_t)attr->msgsize);
    for (int i = 0; i < MQ_MAX; i++) {
        if (ipc->mq[i].used && ipc->mq[i].uid == task->proc->cred.fsuid)
            sum += ipc->mq[i].bytes;
    }
    return sum + bytes > task->proc->rlimit[RLIMIT_MSGQUEUE][0] ? -LINUX_EMFILE : (int64_t)bytes;
}

static int create(struct task *task, const char *name, uint32_t mode,
                  const struct linux_mq_attr *attr)
{
    int i = 0;
    while (i < MQ_MAX && ipc->mq[i].used)
        i++;
    if (i == MQ_MAX)
        return -LINUX_ENOSPC;
    int64_t bytes = check_attr(task, attr);
    if (bytes < 0)
        return (int)bytes;
    struct mq *q = &ipc->mq[i];
    IPC_SAVE(*q);
    *q = (struct mq){.used = true,
                     .named = true,
                     .uid = task->proc->cred.fsuid,
                     .gid = task->proc->cred.fsgid,
                     .mode = mode & ~fs_umask(task->proc->fs) & 07777,
                     .maxmsg = attr->maxmsg,
                     .msgsize = attr->msgsize,
                     .bytes = (uint64_t)bytes};
    strcpy(q->name, name);
    q->atime = q->mtime = q->ctime = ipc_now();
    return i;
}

/* inode_permission() of its inode. */
static bool permitted(struct task *task, const struct mq *q, uint32_t want)
{
    const struct cred *c = &task->proc->cred;
    uint32_t mode = q->mode;
    if (cred_capable(task->proc, LINUX_CAP_DAC_OVERRIDE))
        return true;
    if (c->fsuid == q->uid)
        mode >>= 6;
    else if (ipc_in_group(c, q->gid))
        mode >>= 3;
    return (mode & want) == want;
}

/* prepare_open(): index or -errno. */
static int open_queue(struct task *task, const char *name, int flags, uint32_t mode,
                      const struct linux_mq_attr *attr)
{
    static const uint32_t access[] = {4, 2, 6};
    const struct mq *q = find(name);
    if (!q)
        return flags & LINUX_O_CREAT ? create(task, name, mode, attr) : -LINUX_ENOENT;
    if (flags & LINUX_O_CREAT && flags & LINUX_O_EXCL)
        return -LINUX_EEXIST;
    if ((flags & LINUX_O_ACCMODE) == LINUX_O_ACCMODE)
        return -LINUX_EINVAL;
    if (!permitted(task, q, access[flags & LINUX_O_ACCMODE]))
        return -LINUX_EACCES;
    return (int)(q - ipc->mq);
}

static int64_t make_descriptor(struct task *task, struct mq_file *f, struct fd_meta *meta)
{
    int64_t fd = fd_return(task, host_dupfd(own[f->index] - 1, 0, true));
    if (fd < 0)
        return fd;
    meta->special = &mq_special;
    meta->data = f;
    fd_meta_set(task->proc->fds, (int)fd, meta);
    return fd;
}

int64_t sys_mq_open(struct task *task, const uint64_t args[6])
{
    char name[256];
    struct linux_mq_attr attr = {.maxmsg = MSG_LIMIT, .msgsize = MSGSIZE_LIMIT};
    int flags = (int)args[1];
    if (args[3] && copy_from_user(task, &attr, args[3], sizeof attr))
        return -LINUX_EFAULT;
    int64_t err = get_name(task, name, args[0]);
    if (err)
        return err;
    if (fd_table_free(task->proc->fds, 0) < 0)
        return -LINUX_EMFILE;
    struct fd_meta *meta = fd_meta_new();
    struct mq_file *f = calloc(1, sizeof *f);
    int index = -LINUX_ENOMEM;
    if (meta && f) {
        ipc_lock();
        ipc_reap(task->proc);
        mq_sweep(task->proc);
        index = open_queue(task, name, flags, (uint32_t)args[2], &attr);
        if (index >= 0 && ipc_self(task->proc) < 0)
            index = -LINUX_ENOMEM;
        if (index >= 0) {
            int err2 = take_pipe(task->proc, index);
            if (err2 == 0)
                publish(task->proc);
            else
                index = err2;
        }
        ipc_leave();
    }
    if (index < 0) {
        fd_meta_put(meta);
        free(f);
        return index;
    }
    f->index = index;
    f->reads = (flags & LINUX_O_ACCMODE) != LINUX_O_WRONLY;
    f->writes = (flags & LINUX_O_ACCMODE) != LINUX_O_RDONLY;
    f->flags = (uint32_t)flags & LINUX_O_NONBLOCK;
    int64_t fd = make_descriptor(task, f, meta);
    if (fd < 0) {
        release(f);
        fd_meta_put(meta);
    }
    return fd;
}

int64_t sys_mq_unlink(struct task *task, const uint64_t args[6])
{
    char name[256];
    int64_t err = get_name(task, name, args[0]);
    if (err)
        return err;
    ipc_lock();
    struct mq *q = find(name);
    /* The directory is sticky: may_delete(). */
    if (!q)
        err = -LINUX_ENOENT;
    else if (task->proc->cred.fsuid != q->uid && !cred_capable(task->proc, LINUX_CAP_FOWNER))
        err = -LINUX_EPERM;
    if (err == 0) {
        IPC_SAVE(q->named);
        q->named = false;
        mq_sweep(task->proc);
    }
    ipc_leave();
    return err;
}

int64_t sys_mq_getsetattr(struct task *task, const uint64_t args[6])
{
    struct linux_mq_attr new, old = {0};
    struct fd_meta *meta;
    if (args[1] && copy_from_user(task, &new, args[1], sizeof new))
        return -LINUX_EFAULT;
    if (args[1] && new.flags & ~(int64_t)LINUX_O_NONBLOCK)
        return -LINUX_EINVAL;
    struct mq_file *f = mq_file_get(task, args[0], &meta);
    if (!f)
        return -LINUX_EBADF;
    ipc_lock();
    const struct mq *q = &ipc->mq[f->index];
    old.maxmsg = q->maxmsg;
    old.msgsize = q->msgsize;
    old.curmsgs = q->curmsgs;
    ipc_leave();
    old.flags = f->flags;
    if (args[1])
        f->flags = (uint32_t) new.flags;
    fd_meta_put(meta);
    return args[2] && copy_to_user(task, args[2], &old, sizeof old) ? -LINUX_EFAULT : 0;
}
