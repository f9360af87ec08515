/* send.c - kill and its relatives. The guest is one process in one session: it can signal itself
 * only. */
#include "linux/mm/uaccess.h"
#include "linux/process/task.h"
#include "linux/signal/signal.h"
#include "syscalls_gen.h"

static struct linux_siginfo from_self(struct task *task, int sig, int code)
{
    struct linux_siginfo info = {.si_signo = sig, .si_code = code};
    info.rt.pid = task->proc->pid;
    info.rt.uid = task->proc->cred.uid;
    return info;
}

static bool valid_signal(int sig)
{
    return sig >= 0 && sig <= LINUX_NSIG;
}

/* pid 0: the caller's process group; -pid: the group that it leads. -1 is everybody but oneself and
 * init. */
int64_t sys_kill(struct task *task, const uint64_t args[6])
{
    int32_t pid = (int32_t)args[0];
    int sig = (int)args[1];
    struct process *proc = task->proc;
    if (pid == -1 || pid == INT32_MIN || (pid != proc->pid && pid != 0 && pid != -proc->pid))
        return -LINUX_ESRCH;
    if (!valid_signal(sig))
        return -LINUX_EINVAL;
    if (!sig)
        return 0;
    struct linux_siginfo info = from_self(task, sig, LINUX_SI_USER);
    return signal_send_process(proc, &info);
}

/* tgid 0: any. */
static int64_t send_to_thread(struct task *task, int32_t tgid, int32_t tid,
                              const struct linux_siginfo *info)
{
    struct process *proc = task->proc;
    if (tgid && tgid != proc->pid)
        return -LINUX_ESRCH;
    if (tid == task->tid)
        return info->si_signo ? signal_send_task(task, info) : 0;
    host_mutex_lock(&proc->sighand->lock);
    struct task *target = task_find(proc, tid);
    int64_t err = target ? 0 : -LINUX_ESRCH;
    if (target && info->si_signo)
        err = signal_send_task_locked(target, info);
    host_mutex_unlock(&proc->sighand->lock);
    return err;
}

int64_t sys_tkill(struct task *task, const uint64_t args[6])
{
    int32_t tid = (int32_t)args[0];
    int sig = (int)args[1];
    if (tid <= 0)
        return -LINUX_EINVAL;
    struct linux_siginfo info = from_self(task, sig, LINUX_SI_TKILL);
    int64_t err = send_to_thread(task, 0, tid, &(struct linux_siginfo){0});
    if (!err && !valid_signal(sig))
        err = -LINUX_EINVAL;
    return err ? err : send_to_thread(task, 0, tid, &info);
}

int64_t sys_tgkill(struct task *task, const uint64_t args[6])
{
    int32_t tgid = (int32_t)args[0], tid = (int32_t)args[1];
    int sig = (int)args[2];
    if (tgid <= 0 || tid <= 0)
        return -LINUX_EINVAL;
    struct linux_siginfo info = from_self(task, sig, LINUX_SI_TKILL);
    int64_t err = send_to_thread(task, tgid, tid, &(struct linux_siginfo){0});
    if (!err && !valid_signal(sig))
        err = -LINUX_EINVAL;
    return err ? err : send_to_thread(task, tgid, tid, &info);
}

/* The sender fills in siginfo. To itself a process may claim anything; there is nobody else here.
 */
static int copy_siginfo(struct task *task, struct linux_siginfo *info, gva_t at, int sig)
{
    if (copy_from_user(task, info, at, sizeof(*info)))
        return -LINUX_EFAULT;
    info->si_signo = sig;
    return 0;
}

int64_t sys_rt_sigqueueinfo(struct task *task, const uint64_t args[6])
{
    int32_t pid = (int32_t)args[0];
    int sig = (int)args[1];
    struct linux_siginfo info;
    int err = copy_siginfo(task, &info, args[2], sig);
    if (err)
        return err;
    if (pid != task->proc->pid) {
        /* A thread's number names its process here, as find_vpid() does. */
        host_mutex_lock(&task->proc->sighand->lock);
        bool found = task_find(task->proc, pid) != NULL;
        host_mutex_unlock(&task->proc->sighand->lock);
        if (!found)
            return -LINUX_ESRCH;
    }
    if (!valid_signal(sig))
        return -LINUX_EINVAL;
    return sig ? signal_send_process(task->proc, &info) : 0;
}

int64_t sys_rt_tgsigqueueinfo(struct task *task, const uint64_t args[6])
{
    int32_t tgid = (int32_t)args[0], tid = (int32_t)args[1];
    int sig = (int)args[2];
    struct linux_siginfo info;
    int err = copy_siginfo(task, &info, args[3], sig);
    if (err)
        return err;
    if (tgid <= 0 || tid <= 0)
        return -LINUX_EINVAL;
    int64_t there = send_to_thread(task, tgid, tid, &(struct linux_siginfo){0});
    if (!there && !valid_signal(sig))
        there = -LINUX_EINVAL;
    return there ? there : send_to_thread(task, tgid, tid, &info);
}
