/* pidfd.c - pidfd_open, pidfd_send_signal, pidfd_getfd: kernel/pid.c, kernel/signal.c. A pidfd is
 * the host's. */
#include <stdio.h>

#include "host/process.h"
#include "linux/fs/fd_calls.h"
#include "linux/fs/fd_meta.h"
#include "linux/fs/proc_view.h"
#include "linux/mm/uaccess.h"
#include "linux/process/pid.h"
#include "linux/process/pidfd.h"
#include "linux/process/task.h"
#include "linux/signal/send.h"
#include "syscalls_gen.h"

#define PIDFD_NONBLOCK LINUX_O_NONBLOCK
#define PIDFD_THREAD   LINUX_O_EXCL

int64_t sys_pidfd_open(struct task *task, const uint64_t args[6])
{
    struct process *proc = task->proc;
    int32_t pid = (int32_t)args[0];
    unsigned flags = (unsigned)args[1];
    if (flags & ~(unsigned)(PIDFD_NONBLOCK | PIDFD_THREAD))
        return -LINUX_EINVAL;
    if (pid <= 0)
        return -LINUX_EINVAL;
    const struct pid_entry *e = pid_entry(proc->pids, pid);
    int kind = e ? atomic_load(&e->kind) : PID_FREE;
    if (kind == PID_THREAD && !(flags & PIDFD_THREAD))
        return -LINUX_EINVAL; /* 6.12: -EINVAL for what leads no thread group */
    if (kind == PID_THREAD)
        return -LINUX_EINVAL; /* as before 6.9: the host may be older */
    if (kind != PID_PROCESS || !pid_exists(proc, pid))
        return -LINUX_ESRCH;
    return fd_return(task, host_pidfd_open(atomic_load(&e->host), flags & PIDFD_NONBLOCK));
}

/* tgid_pidfd_to_pid(): a directory /proc/N is one too, for pidfd_send_signal(). 0: it is not. */
static int32_t directory_process(struct task *task, int fd)
{
    struct fd_meta *meta = fd_meta_get(task->proc->fds, fd);
    int32_t n = 0;
    int end = 0;
    if (meta && meta->path &&
        (sscanf(meta->path, "/proc/%d%n", &n, &end) != 1 || !end || meta->path[end]))
        n = 0;
    fd_meta_put(meta);
    return n;
}

int32_t pidfd_process(struct task *task, int fd)
{
    if (!fd_is_guest((uint64_t)(uint32_t)fd))
        return -LINUX_EBADF;
    int32_t host = host_pidfd_pid(fd);
    if (host < 0)
        return host;
    int32_t n = host ? pid_from_host(task->proc, host) : 0;
    return n ? n : -LINUX_ESRCH;
}

int64_t sys_pidfd_send_signal(struct task *task, const uint64_t args[6])
{
    int fd = (int)args[0], sig = (int)args[1];
    unsigned flags = (unsigned)args[3];
    struct linux_siginfo info;
    if (flags)
        return -LINUX_EINVAL;
    int32_t n = pidfd_process(task, fd);
    if (n == -LINUX_EBADF && fd_is_guest((uint64_t)(uint32_t)fd))
        n = directory_process(task, fd);
    if (n <= 0)
        return n ? n : -LINUX_EBADF;
    if (args[2]) {
        if (copy_from_user(task, &info, args[2], sizeof info))
            return -LINUX_EFAULT;
        if (info.si_signo != sig)
            return -LINUX_EINVAL;
        if (n != task->proc->pid && (info.si_code >= 0 || info.si_code == LINUX_SI_TKILL))
            return -LINUX_EPERM;
    }
    return signal_send_pid(task, n, 0, sig, args[2] ? &info : NULL);
}

static bool may_take(struct task *task, int32_t n)
{
    struct proc_view view;
    if (proc_view_get(&view, task, n))
        return false;
    bool allowed = proc_view_allowed(&view);
    proc_view_put(&view);
    return allowed;
}

int64_t sys_pidfd_getfd(struct task *task, const uint64_t args[6])
{
    if ((unsigned)args[2])
        return -LINUX_EINVAL;
    int32_t n = pidfd_process(task, (int)args[0]);
    if (n < 0)
        return n;
    if (!may_take(task, n))
        return -LINUX_EPERM;
    struct proc_view view;
    int err = proc_view_get(&view, task, n);
    if (err)
        return err;
    bool given = fd_table_peer_given(&view, (int)args[1]);
    proc_view_put(&view);
    if (!given)
        return -LINUX_EBADF;
    return fd_return(task, host_pidfd_getfd((int)args[0], (int)args[1], 0));
}
