/* send.c - kill and its relatives: kernel/signal.c. A signal to another process of the run goes
 * through the host, to a host process that is sure to be that one (process/pid.h). */
#include "linux/signal/send.h"

#include "host/process.h"
#include "linux/mm/uaccess.h"
#include "linux/process/cred.h"
#include "linux/process/pid.h"
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

/* check_kill_permission(), kill_ok_by_cred() */
static bool may_signal(struct task *task, const struct pid_entry *to, int sig)
{
    const struct process *proc = task->proc;
    const struct cred *c = &proc->cred;
    uint32_t uid = atomic_load(&to->uid), suid = atomic_load(&to->suid);
    if (c->euid == suid || c->euid == uid || c->uid == suid || c->uid == uid)
        return true;
    if (cred_capable(proc, LINUX_CAP_KILL))
        return true;
    return sig == LINUX_SIGCONT &&
           atomic_load(&to->sid) == atomic_load(&pid_entry(proc->pids, proc->pid)->sid);
}

static int64_t send_here(struct task *task, int32_t tid, const struct linux_siginfo *info)
{
    struct process *proc = task->proc;
    if (!tid)
        return info->si_signo ? signal_send_process(proc, info) : 0;
    if (tid == task->tid)
        return info->si_signo ? signal_send_task(task, info) : 0;
    host_mutex_lock(&proc->sighand->lock);
    struct task *target = task_find(proc, tid);
    /* The first thread may have ended before its process: it takes every signal. */
    int64_t err = target || tid == proc->pid ? 0 : -LINUX_ESRCH;
    if (target && info->si_signo)
        err = signal_send_task_locked(target, info);
    host_mutex_unlock(&proc->sighand->lock);
    return err;
}

/* The host's number to send to; 0 for a zombie, which takes every signal. Children that leave
 * zombies keep their number until this process waits for them. */
static int32_t host_target(struct process *proc, int32_t n)
{
    struct pid_entry *e = pid_entry(proc->pids, n);
    bool mine = atomic_load(&e->parent) == proc->pid &&
                !atomic_load(&pid_entry(proc->pids, proc->pid)->auto_reaped);
    return mine ? atomic_load(&e->host) : pid_alive(proc, n);
}

int64_t signal_send_pid(struct task *task, int32_t n, int32_t tid, int sig,
                        const struct linux_siginfo *info)
{
    struct process *proc = task->proc;
    struct pid_entry *e = pid_entry(proc->pids, n);
    if (!e || (n != proc->pid && !pid_exists(proc, n)))
        return -LINUX_ESRCH;
    if (!valid_signal(sig))
        return -LINUX_EINVAL;
    if (n == proc->pid) {
        struct linux_siginfo own = from_self(task, sig, tid ? LINUX_SI_TKILL : LINUX_SI_USER);
        if (info) {
            own = *info;
            own.si_signo = sig;
        }
        return send_here(task, tid, &own);
    }
    int32_t host_tid = 0;
    if (tid) {
        const struct pid_entry *thread = pid_entry(proc->pids, tid);
        if (!thread || thread->tgid != n || !(host_tid = pid_thread_to_host(proc, tid)))
            return -LINUX_ESRCH;
    }
    if (!may_signal(task, e, sig))
        return -LINUX_EPERM;
    int32_t host = host_target(proc, n);
    if (!sig || !host)
        return 0;
    int err = host_send(host, host_tid, sig, info);
    return err == -LINUX_ESRCH && !tid ? 0 : err; /* it has just become a zombie */
}

/* A thread's number names its process, as find_vpid() does; 0 when there is none. */
static int32_t process_of(struct process *proc, int32_t pid)
{
    const struct pid_entry *e = pid_entry(proc->pids, pid);
    int kind = e ? atomic_load(&e->kind) : PID_FREE;
    if (kind == PID_THREAD)
        return e->tgid;
    return kind == PID_PROCESS ? pid : 0;
}

/* pgid 0: everybody but the caller and the first process. Itself comes last: it may not survive. */
static int64_t send_to_many(struct task *task, int32_t pgid, int sig)
{
    struct process *proc = task->proc;
    int64_t last = -LINUX_ESRCH;
    bool sent = false, self = false;
    for (int32_t n = 0; (n = pid_next(proc, n)) != 0;) {
        struct pid_entry *e = pid_entry(proc->pids, n);
        if (pgid ? atomic_load(&e->pgid) != pgid : n == 1 || n == proc->pid)
            continue;
        if (n == proc->pid) {
            self = true;
            continue;
        }
        int64_t err = signal_send_pid(task, n, 0, sig, NULL);
        sent = sent || err == 0;
        if (err && (pgid || err != -LINUX_EPERM))
            last = err;
    }
    if (self) {
        int64_t err = signal_send_pid(task, proc->pid, 0, sig, NULL);
        sent = sent || err == 0;
        last = err;
    }
    return sent ? 0 : last;
}

/* kill_something_info(): pid 0 the caller's group, -1 everybody, -pid a group. */
int64_t sys_kill(struct task *task, const uint64_t args[6])
{
    int32_t pid = (int32_t)args[0];
    int sig = (int)args[1];
    struct process *proc = task->proc;
    if (pid == INT32_MIN)
        return -LINUX_ESRCH;
    if (pid > 0) {
        int32_t n = process_of(proc, pid);
        return n ? signal_send_pid(task, n, 0, sig, NULL) : -LINUX_ESRCH;
    }
    if (pid == -1)
        return send_to_many(task, 0, sig);
    int32_t pgid = pid ? -pid : atomic_load(&pid_entry(proc->pids, proc->pid)->pgid);
    return send_to_many(task, pgid, sig);
}

/* tgid 0: whichever has the thread. */
static int64_t send_to_thread(struct task *task, int32_t tgid, int32_t tid, int sig,
                              const struct linux_siginfo *info)
{
    struct pid_entry *e = pid_entry(task->proc->pids, tid);
    int kind = e ? atomic_load(&e->kind) : PID_FREE;
    if ((kind != PID_PROCESS && kind != PID_THREAD) || (tgid && e->tgid != tgid))
        return -LINUX_ESRCH;
    return signal_send_pid(task, e->tgid, tid, sig, info);
}

int64_t sys_tkill(struct task *task, const uint64_t args[6])
{
    int32_t tid = (int32_t)args[0];
    if (tid <= 0)
        return -LINUX_EINVAL;
    return send_to_thread(task, 0, tid, (int)args[1], NULL);
}

int64_t sys_tgkill(struct task *task, const uint64_t args[6])
{
    int32_t tgid = (int32_t)args[0], tid = (int32_t)args[1];
    if (tgid <= 0 || tid <= 0)
        return -LINUX_EINVAL;
    return send_to_thread(task, tgid, tid, (int)args[2], NULL);
}

/* The sender fills in siginfo; what the kernel and tkill() say only they may, but to oneself. */
static int copy_siginfo(struct task *task, struct linux_siginfo *info, gva_t at, int sig)
{
    if (copy_from_user(task, info, at, sizeof(*info)))
        return -LINUX_EFAULT;
    info->si_signo = sig;
    return 0;
}

static bool forged(const struct linux_siginfo *info)
{
    return info->si_code >= 0 || info->si_code == LINUX_SI_TKILL;
}

int64_t sys_rt_sigqueueinfo(struct task *task, const uint64_t args[6])
{
    int32_t pid = (int32_t)args[0];
    int sig = (int)args[1];
    struct linux_siginfo info;
    int err = copy_siginfo(task, &info, args[2], sig);
    if (err)
        return err;
    if (forged(&info) && pid != task->proc->pid)
        return -LINUX_EPERM;
    int32_t n = pid > 0 ? process_of(task->proc, pid) : 0;
    return n ? signal_send_pid(task, n, 0, sig, &info) : -LINUX_ESRCH;
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
    /* do_rt_tgsigqueueinfo(): to one's own thread only. */
    if (forged(&info) && tid != task->tid)
        return -LINUX_EPERM;
    return send_to_thread(task, tgid, tid, sig, &info);
}
