/*
 * wait.c - wait4 and waitid: kernel/exit.c. Children are the host's children, so it is the host
 * that waits, knows zombies and statuses; here numbers are translated and those of the dead given
 * back.
 */
#include "host/process.h"
#include "host/thread.h"
#include "linux/abi/sched.h"
#include "linux/fs/fdtable.h"
#include "linux/ipc/ipc.h"
#include "linux/mm/uaccess.h"
#include "linux/process/pid.h"
#include "linux/process/task.h"
#include "linux/signal/signal.h"
#include "syscalls_gen.h"

#define WAIT4_OPTIONS                                                                              \
    (LINUX_WNOHANG | LINUX_WUNTRACED | LINUX_WCONTINUED | LINUX_WNOTHREAD | LINUX_WCLONE |         \
     LINUX_WALL)
#define WAITID_OPTIONS                                                                             \
    (LINUX_WNOHANG | LINUX_WNOWAIT | LINUX_WEXITED | LINUX_WSTOPPED | LINUX_WCONTINUED |           \
     LINUX_WNOTHREAD | LINUX_WCLONE | LINUX_WALL)

/* All children are the host's usual kind; what the guest cloned with another exit signal is asked
 * for by __WCLONE. */
static int host_options(const struct process *proc, int options)
{
    if ((options & LINUX_WCLONE) && proc->odd_children)
        return (options & ~LINUX_WCLONE) | LINUX_WALL;
    return options;
}

/* A child may end before fork() has put its number into the table: its parent is about to. */
static int32_t guest_number(struct process *proc, int32_t host)
{
    int32_t n;
    for (int tries = 0; !(n = pid_from_host(proc, host)) && tries < 1000; tries++)
        host_thread_yield();
    return n;
}

/* The child has ended and was taken from the host: its number is free, but for its SIGCHLD. */
static void waited_for(struct process *proc, int32_t host, int32_t n)
{
    const struct pid_entry *e = pid_entry(proc->pids, n);
    const struct waited_child child = {host, n, e->uid, e->exit_signal};
    host_mutex_lock(&proc->sighand->lock);
    proc->waited[proc->waited_count++ % WAITED_KEPT] = child;
    host_mutex_unlock(&proc->sighand->lock);
    pid_reaped(proc->pids, n);
    ipc_child_ended(proc);
}

/* The host's argument for wait4's pid; false when no child can match. */
static bool whom(struct process *proc, int32_t pid, int32_t *host)
{
    if (pid > 0)
        *host = pid_to_host(proc, pid);
    else if (pid == -1)
        *host = -1;
    else
        *host = -pid_group_to_host(proc, pid ? -pid : pid_entry(proc->pids, proc->pid)->pgid);
    return *host != 0;
}

int32_t process_wait(struct process *proc, int32_t pid, int options, int32_t *status,
                     struct linux_rusage *usage)
{
    int32_t host;
    *status = 0;
    if (!whom(proc, pid, &host))
        return -LINUX_ECHILD;
    pid_wait_begin(proc);
    int32_t got = host_wait4(host, status, host_options(proc, options), usage);
    int32_t n = got > 0 ? guest_number(proc, got) : 0;
    /* Not stopped (0x7f in the low byte) and not continued (0xffff): it has ended. */
    if ((*status & 0xff) != 0x7f && *status != 0xffff && n)
        waited_for(proc, got, n);
    pid_wait_end(proc);
    return got > 0 ? n : got;
}

int64_t sys_wait4(struct task *task, const uint64_t args[6])
{
    int32_t pid = (int32_t)args[0], status;
    int options = (int)args[2];
    struct linux_rusage usage;
    if (options & ~WAIT4_OPTIONS)
        return -LINUX_EINVAL;
    if (pid == INT32_MIN)
        return -LINUX_ESRCH;
    int32_t n = process_wait(task->proc, pid, options, &status, &usage);
    if (n <= 0)
        return n;
    if (args[3] && copy_to_user(task, args[3], &usage, sizeof usage))
        return -LINUX_EFAULT;
    if (args[1] && put_user_u32(task, args[1], (uint32_t)status))
        return -LINUX_EFAULT;
    return n;
}

/* kernel_waitid_prepare() */
static int waitid_whom(struct process *proc, int *type, int32_t id, int32_t *host)
{
    *host = 0;
    switch (*type) {
    case LINUX_P_ALL: return 0;
    case LINUX_P_PID:
        if (id <= 0)
            return -LINUX_EINVAL;
        *host = pid_to_host(proc, id);
        break;
    case LINUX_P_PGID:
        if (id < 0)
            return -LINUX_EINVAL;
        *host = pid_group_to_host(proc, id ? id : pid_entry(proc->pids, proc->pid)->pgid);
        break;
    case LINUX_P_PIDFD:
        if (id < 0)
            return -LINUX_EINVAL;
        *host = id; /* the host's descriptor of the same number */
        return fd_is_guest((uint64_t)(uint32_t)id) ? 0 : -LINUX_EBADF;
    default: return -LINUX_EINVAL;
    }
    return *host ? 0 : -LINUX_ECHILD;
}

/* struct siginfo as waitid() fills it in: only these, and zeros where it fails. */
static int put_info(struct task *task, gva_t at, const struct linux_siginfo *info)
{
    const struct linux_siginfo out = {
        .si_signo = info->si_signo,
        .si_code = info->si_code,
        .child = {info->child.pid, info->child.uid, info->child.status, 0, 0},
    };
    return copy_to_user(task, at, &out, 28) ? -LINUX_EFAULT : 0;
}

/* The host's wait, in the guest's numbers: info.child.pid is 0 when there is nothing to tell. */
static int wait_for(struct process *proc, int type, int32_t host, int options,
                    struct linux_siginfo *info, struct linux_rusage *usage)
{
    int err = host_waitid(type, host, info, host_options(proc, options), usage);
    if (err || !info->child.pid)
        return err;
    int32_t of_host = info->child.pid, n = guest_number(proc, of_host);
    const struct pid_entry *entry = pid_entry(proc->pids, n);
    info->child.pid = n;
    info->child.uid = entry ? entry->uid : info->child.uid;
    bool ended = info->si_code == LINUX_CLD_EXITED || info->si_code == LINUX_CLD_KILLED ||
                 info->si_code == LINUX_CLD_DUMPED;
    if (ended && !(options & LINUX_WNOWAIT) && n)
        waited_for(proc, of_host, n);
    return 0;
}

static int do_waitid(struct process *proc, const uint64_t args[6], struct linux_siginfo *info,
                     struct linux_rusage *usage)
{
    int type = (int)args[0], options = (int)args[3];
    int32_t host;
    if ((options & ~WAITID_OPTIONS) ||
        !(options & (LINUX_WEXITED | LINUX_WSTOPPED | LINUX_WCONTINUED)))
        return -LINUX_EINVAL;
    int err = waitid_whom(proc, &type, (int32_t)args[1], &host);
    if (err)
        return err;
    pid_wait_begin(proc);
    err = wait_for(proc, type, host, options, info, usage);
    pid_wait_end(proc);
    if (err)
        *info = (struct linux_siginfo){0};
    return err;
}

int64_t sys_waitid(struct task *task, const uint64_t args[6])
{
    struct linux_siginfo info = {0};
    struct linux_rusage usage;
    int err = do_waitid(task->proc, args, &info, &usage);
    if (info.child.pid && args[4] && copy_to_user(task, args[4], &usage, sizeof usage))
        return -LINUX_EFAULT;
    return args[2] && put_info(task, args[2], &info) ? -LINUX_EFAULT : err;
}
