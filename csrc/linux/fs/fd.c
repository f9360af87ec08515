/* fd.c - calls that make, duplicate, close and control descriptors. */
#include <string.h>

#include "host/thread.h"
#include "linux/fs/fd_calls.h"
#include "linux/fs/fd_meta.h"
#include "linux/fs/overlay.h"
#include "linux/mm/uaccess.h"
#include "linux/process/pid.h"
#include "syscalls_gen.h"

int64_t sys_close(struct task *task, const uint64_t a[6])
{
    int fd = fd_arg(a[0]);

    if (fd < 0)
        return fd;
    if (fd_meta_any(task->proc->fds, fd))
        fd_meta_set(task->proc->fds, fd, NULL);
    fd_table_forget(task->proc->fds, fd);
    return host_fd_close(fd);
}

int64_t sys_close_range(struct task *task, const uint64_t a[6])
{
    unsigned first = (unsigned)a[0], last = (unsigned)a[1], flags = (unsigned)a[2];
    struct fd_table *fds = task->proc->fds;
    unsigned plain = (unsigned)host_fd_plain();

    if (first > last || (flags & ~(LINUX_CLOSE_RANGE_UNSHARE | LINUX_CLOSE_RANGE_CLOEXEC)))
        return -LINUX_EINVAL;
    if (first >= (unsigned)host_fd_most())
        return 0;
    for (int fd = (int)first - 1; (fd = fd_table_next(fds, fd)) >= 0 && (unsigned)fd <= last;) {
        if (flags & LINUX_CLOSE_RANGE_CLOEXEC) {
            if ((unsigned)fd >= plain)
                host_fcntl(fd, LINUX_F_SETFD, LINUX_FD_CLOEXEC);
            continue;
        }
        if (fd_meta_any(fds, fd))
            fd_meta_set(fds, fd, NULL);
        fd_table_forget(fds, fd);
        if ((unsigned)fd >= plain)
            host_fd_close(fd);
    }
    if (first >= plain)
        return 0;
    /* Unsharing would give this thread a table of its own; tasks of one process share theirs here.
     */
    return host_close_range(first, last < plain ? last : plain - 1,
                            flags & LINUX_CLOSE_RANGE_CLOEXEC);
}

static int64_t dup_result(struct task *task, int from, int64_t fd)
{
    fd = fd_return(task, fd);
    if (fd >= 0)
        fd_table_dup(task->proc->fds, from, (int)fd);
    return fd;
}

int64_t sys_dup(struct task *task, const uint64_t a[6])
{
    int fd = fd_arg(a[0]);

    return fd < 0 ? fd : dup_result(task, fd, host_dup(fd));
}

/* do_dup2(): a number that is taken and not the guest's, ours or of a call that is under way, is
 * busy. */
static int64_t dup_to_free(int from, int to, bool cloexec)
{
    int64_t r = host_dupfd(from, to, cloexec);

    if (r <= to)
        return r;
    host_fd_close((int)r);
    return -LINUX_EBUSY;
}

int64_t sys_dup3(struct task *task, const uint64_t a[6])
{
    int from = fd_arg(a[0]), to;
    int64_t r;

    if ((int)a[2] & ~LINUX_O_CLOEXEC)
        return -LINUX_EINVAL;
    if ((uint32_t)a[0] == (uint32_t)a[1])
        return -LINUX_EINVAL;
    if ((uint32_t)a[1] >= fd_table_limit(task->proc->fds))
        return -LINUX_EBADF;
    if (from < 0)
        return from;
    to = (int)(uint32_t)a[1];
    if (fd_is_guest((uint32_t)to))
        r = host_dup3(from, to, (int)a[2]);
    else
        r = dup_to_free(from, to, (int)a[2] & LINUX_O_CLOEXEC);
    if (r >= 0)
        fd_table_dup(task->proc->fds, from, to);
    return r;
}

#define NOTIFICATION_PIPE LINUX_O_EXCL

int64_t sys_pipe2(struct task *task, const uint64_t a[6])
{
    int fds[2];
    int64_t r;

    if ((int)a[1] & ~(LINUX_O_CLOEXEC | LINUX_O_NONBLOCK | LINUX_O_DIRECT | NOTIFICATION_PIPE))
        return -LINUX_EINVAL;
    if ((int)a[1] & NOTIFICATION_PIPE) /* no CONFIG_WATCH_QUEUE */
        return -LINUX_ENOPKG;
    r = host_pipe2(fds, (int)a[1]);
    if (r < 0)
        return r;
    r = fd_return(task, fds[0]);
    if (r < 0) {
        host_fd_close(fds[1]);
        return r;
    }
    r = fd_return(task, fds[1]);
    if (r < 0) {
        fd_discard(task, fds[0]);
        return r;
    }
    if (copy_to_user(task, a[0], fds, sizeof fds) < 0) {
        fd_discard(task, fds[0]);
        fd_discard(task, fds[1]);
        return -LINUX_EFAULT;
    }
    return 0;
}

static int64_t do_dupfd(struct task *task, int fd, uint32_t min, bool cloexec)
{
    if (min >= fd_table_limit(task->proc->fds))
        return fd_error(fd, -LINUX_EINVAL);
    return dup_result(task, fd, host_dupfd(fd, (int)min, cloexec));
}

static int64_t do_lock(struct task *task, int fd, int cmd, gva_t arg)
{
    struct linux_flock lock;

    if (copy_from_user(task, &lock, arg, sizeof lock) < 0)
        return fd_error(fd, -LINUX_EFAULT);
    fs_follow_copy(task, fd);
    if (cmd == LINUX_F_SETLK || cmd == LINUX_F_SETLKW)
        fd_table_lock_records(task->proc->fds);
    /* struct flock and its constants are the same on every 64-bit architecture. */
    int64_t r = host_fcntl(fd, cmd, (uint64_t)(uintptr_t)&lock);
    if (r < 0 || (cmd != LINUX_F_GETLK && cmd != LINUX_F_OFD_GETLK))
        return r;
    if (lock.l_type != LINUX_F_UNLCK && lock.l_pid > 0)
        lock.l_pid = pid_from_host(task->proc, lock.l_pid);
    return copy_to_user(task, arg, &lock, sizeof lock);
}

/* f_setown() in the guest's numbers: who gets the signals of asynchronous I/O. 0 is nobody. */
static int64_t set_owner(struct task *task, int fd, int32_t type, int32_t id)
{
    int32_t ex[2] = {type, id};

    if (id) {
        ex[1] = type == LINUX_F_OWNER_PGRP ? pid_group_to_host(task->proc, id)
                                           : pid_to_host(task->proc, id);
        if (ex[1] == 0)
            return fd_error(fd, -LINUX_ESRCH);
    }
    return host_fcntl(fd, LINUX_F_SETOWN_EX, (uint64_t)(uintptr_t)ex);
}

static int64_t get_owner(struct task *task, int fd, int32_t ex[2])
{
    int64_t r = host_fcntl(fd, LINUX_F_GETOWN_EX, (uint64_t)(uintptr_t)ex);

    if (r == 0 && ex[1])
        ex[1] = ex[0] == LINUX_F_OWNER_PGRP ? pid_group_from_host(task->proc, ex[1])
                                            : pid_from_host(task->proc, ex[1]);
    return r;
}

static int64_t do_owner(struct task *task, int fd, int cmd, uint64_t arg)
{
    int32_t ex[2], id = (int32_t)arg;
    int64_t r;

    switch (cmd) {
    case LINUX_F_GETOWN:
        r = get_owner(task, fd, ex);
        return r < 0 ? r : ex[0] == LINUX_F_OWNER_PGRP ? -ex[1] : ex[1];
    case LINUX_F_SETOWN:
        if (id == INT32_MIN)
            return fd_error(fd, -LINUX_EINVAL);
        return id < 0 ? set_owner(task, fd, LINUX_F_OWNER_PGRP, -id)
                      : set_owner(task, fd, LINUX_F_OWNER_PID, id);
    case LINUX_F_GETOWN_EX:
        r = get_owner(task, fd, ex);
        return r < 0 ? r : copy_to_user(task, arg, ex, sizeof ex);
    default: /* F_SETOWN_EX */
        if (copy_from_user(task, ex, arg, sizeof ex) < 0)
            return fd_error(fd, -LINUX_EFAULT);
        if (ex[0] < LINUX_F_OWNER_TID || ex[0] > LINUX_F_OWNER_PGRP)
            return fd_error(fd, -LINUX_EINVAL);
        return set_owner(task, fd, ex[0], ex[1]);
    }
}

/* generic_setlease(): also to give it up, one has to be the file's owner. */
static int64_t set_lease(struct task *task, int fd, int type)
{
    const struct cred *cred = &task->proc->cred;
    struct linux_statx st;

    if ((unsigned)type <= LINUX_F_UNLCK && fs_stat_fd(task, fd, &st) == 0 &&
        cred->fsuid != st.stx_uid && !fs_capable(cred, FS_CAP_LEASE))
        return fd_error(fd, -LINUX_EACCES);
    return host_fcntl(fd, LINUX_F_SETLEASE, (uint64_t)type);
}

int64_t sys_fcntl(struct task *task, const uint64_t a[6])
{
    int fd = fd_arg(a[0]), cmd = (int)a[1];
    uint64_t arg = a[2];
    int64_t r;

    if (fd < 0)
        return fd;
    switch (cmd) {
    case LINUX_F_DUPFD: return do_dupfd(task, fd, (uint32_t)arg, false);
    case LINUX_F_DUPFD_CLOEXEC: return do_dupfd(task, fd, (uint32_t)arg, true);
    case LINUX_F_GETFL: return host_getfl(fd);
    case LINUX_F_SETFL: return host_setfl(fd, (int)arg);
    case LINUX_F_GETLK:
    case LINUX_F_SETLK:
    case LINUX_F_SETLKW:
    case LINUX_F_OFD_GETLK:
    case LINUX_F_OFD_SETLK:
    case LINUX_F_OFD_SETLKW: return do_lock(task, fd, cmd, arg);
    case LINUX_F_GETOWN:
    case LINUX_F_SETOWN:
    case LINUX_F_GETOWN_EX:
    case LINUX_F_SETOWN_EX: return do_owner(task, fd, cmd, arg);
    case LINUX_F_GET_RW_HINT:
    case LINUX_F_SET_RW_HINT: {
        uint64_t hint;
        if (cmd == LINUX_F_SET_RW_HINT && get_user_u64(task, &hint, arg) < 0)
            return fd_error(fd, -LINUX_EFAULT);
        r = host_fcntl(fd, cmd, (uint64_t)(uintptr_t)&hint);
        if (r == 0 && cmd == LINUX_F_GET_RW_HINT && put_user_u64(task, arg, hint) < 0)
            return -LINUX_EFAULT;
        return r;
    }
    case LINUX_F_SETLEASE: return set_lease(task, fd, (int)arg);
    case LINUX_F_SETPIPE_SZ:
    case LINUX_F_GETPIPE_SZ:
        return fd_is_special(task->proc->fds, fd) ? -LINUX_EBADF : host_fcntl(fd, cmd, arg);
    case LINUX_F_DUPFD_QUERY:
        if (!fd_is_guest(arg))
            return -LINUX_EBADF;
        return host_fcntl(fd, cmd, arg);
    case LINUX_F_GETFD:
    case LINUX_F_SETFD:
    case LINUX_F_SETSIG:
    case LINUX_F_GETSIG:
    case LINUX_F_GETLEASE:
    case LINUX_F_NOTIFY: return host_fcntl(fd, cmd, arg);
    case LINUX_F_ADD_SEALS:
    case LINUX_F_GET_SEALS:
        return fd_synth_magic(task->proc->fds, fd) ? fd_error(fd, -LINUX_EINVAL)
                                                   : host_fcntl(fd, cmd, arg);
    default: return fd_error(fd, -LINUX_EINVAL);
    }
}

int64_t sys_flock(struct task *task, const uint64_t a[6])
{
    int fd = fd_arg(a[0]);

    if (fd < 0) /* the host says what comes before the descriptor */
        return host_flock(-1, (int)a[1]);
    fs_follow_copy(task, fd);
    return host_flock(fd, (int)a[1]);
}
