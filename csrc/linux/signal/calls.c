/* calls.c - rt_sigaction, rt_sigprocmask, rt_sigreturn and those that wait for a signal. */
#include <string.h>

#include "host/signal.h"
#include "host/time.h"
#include "linux/mm/mm.h"
#include "linux/mm/uaccess.h"
#include "linux/signal/signal.h"
#include "syscalls_gen.h"
#include "linux/time/time.h"
#include "vcpu/vcpu.h"

#define UNBLOCKABLE (LINUX_SIG_BIT(LINUX_SIGKILL) | LINUX_SIG_BIT(LINUX_SIGSTOP))
/* Linux clears the flags that it does not know, so that programs can probe. */
#define SA_KNOWN                                                                                   \
    (LINUX_SA_NOCLDSTOP | LINUX_SA_NOCLDWAIT | LINUX_SA_SIGINFO | LINUX_SA_EXPOSE_TAGBITS |        \
     LINUX_SA_RESTORER | LINUX_SA_ONSTACK | LINUX_SA_RESTART | LINUX_SA_NODEFER |                  \
     LINUX_SA_RESETHAND)

static void set_action(struct task *task, int sig, const struct linux_sigaction *new_action)
{
    struct process *proc = task->proc;
    struct sighand *sighand = proc->sighand;
    host_mutex_lock(&sighand->lock);
    sighand->action[sig] = *new_action;
    /* POSIX 3.3.1.3: setting to ignore discards what is pending, blocked or not. */
    if (new_action->handler == LINUX_SIG_IGN ||
        (new_action->handler == LINUX_SIG_DFL && (sig == LINUX_SIGCONT || sig == LINUX_SIGCHLD ||
                                                  sig == LINUX_SIGWINCH || sig == LINUX_SIGURG)))
        signal_drop_everywhere(proc, LINUX_SIG_BIT(sig));
    signal_host_dispose(proc, sig);
    host_mutex_unlock(&sighand->lock);
}

int64_t sys_rt_sigaction(struct task *task, const uint64_t args[6])
{
    int sig = (int)args[0];
    gva_t act = args[1], oldact = args[2];
    if (args[3] != sizeof(uint64_t))
        return -LINUX_EINVAL;
    struct linux_sigaction new_action, old_action;
    if (act && copy_from_user(task, &new_action, act, sizeof(new_action)))
        return -LINUX_EFAULT;
    if (sig < 1 || sig > LINUX_NSIG || (act && (LINUX_SIG_BIT(sig) & UNBLOCKABLE)))
        return -LINUX_EINVAL;
    old_action = task->proc->sighand->action[sig];
    if (act) {
        new_action.flags &= SA_KNOWN;
        new_action.mask &= ~UNBLOCKABLE;
        set_action(task, sig, &new_action);
    }
    if (oldact && copy_to_user(task, oldact, &old_action, sizeof(old_action)))
        return -LINUX_EFAULT;
    return 0;
}

int64_t sys_rt_sigprocmask(struct task *task, const uint64_t args[6])
{
    gva_t set_at = args[1], old_at = args[2];
    if (args[3] != sizeof(uint64_t))
        return -LINUX_EINVAL;
    uint64_t old = task->sig->blocked;
    if (set_at) {
        uint64_t set, mask;
        if (get_user_u64(task, &set, set_at))
            return -LINUX_EFAULT;
        set &= ~UNBLOCKABLE;
        switch ((int)args[0]) {
        case LINUX_SIG_BLOCK: mask = old | set; break;
        case LINUX_SIG_UNBLOCK: mask = old & ~set; break;
        case LINUX_SIG_SETMASK: mask = set; break;
        default: return -LINUX_EINVAL;
        }
        if (mask != old)
            signal_set_blocked(task, mask);
    }
    if (old_at && put_user_u64(task, old_at, old))
        return -LINUX_EFAULT;
    return 0;
}

int64_t sys_rt_sigpending(struct task *task, const uint64_t args[6])
{
    if (args[1] > sizeof(uint64_t))
        return -LINUX_EINVAL;
    uint64_t set = signal_pending_set(task) & task->sig->blocked;
    return copy_to_user(task, args[0], &set, args[1]) ? -LINUX_EFAULT : 0;
}

int64_t sys_rt_sigsuspend(struct task *task, const uint64_t args[6])
{
    uint64_t set;
    if (args[1] != sizeof(uint64_t))
        return -LINUX_EINVAL;
    if (get_user_u64(task, &set, args[0]))
        return -LINUX_EFAULT;
    task->sig->saved_mask = task->sig->blocked;
    task->sig->saved = true;
    signal_set_blocked(task, set);
    host_wait_interruptible(NULL);
    return -LINUX_ERESTARTNOHAND;
}

int signal_wait(struct task *task, uint64_t set, const struct linux_timespec *deadline,
                struct linux_siginfo *info)
{
    int err, sig = signal_dequeue(task, set, info);
    if (sig)
        return sig;
    /* Unblocked while waiting, so that whoever sends one of them wakes this task. */
    task->sig->real_blocked = task->sig->blocked;
    task->sig->attention = 0;
    signal_set_blocked(task, task->sig->blocked & ~set);
    do {
        err = host_wait_signal(deadline);
        sig = signal_dequeue(task, set, info);
    } while (err == -LINUX_ERESTARTSYS && !sig && !signal_check(task));
    signal_set_blocked(task, task->sig->real_blocked);
    task->sig->real_blocked = 0;
    task->sig->attention = 1; /* looked at on the way out: another signal, or nothing */
    if (sig)
        return sig;
    return err ? -LINUX_EINTR : -LINUX_EAGAIN;
}

int64_t sys_rt_sigtimedwait(struct task *task, const uint64_t args[6])
{
    uint64_t set;
    struct linux_timespec timeout = {0}, deadline;
    struct linux_siginfo info;
    gva_t info_at = args[1], timeout_at = args[2];
    if (args[3] != sizeof(uint64_t))
        return -LINUX_EINVAL;
    if (get_user_u64(task, &set, args[0]))
        return -LINUX_EFAULT;
    if (timeout_at) {
        if (copy_from_user(task, &timeout, timeout_at, sizeof(timeout)))
            return -LINUX_EFAULT;
        if (!timespec_valid(&timeout))
            return -LINUX_EINVAL;
        deadline = timespec_deadline(&timeout);
    }
    set &= ~UNBLOCKABLE;
    bool look = timeout_at && !timeout.tv_sec && !timeout.tv_nsec;
    int sig = look ? signal_dequeue(task, set, &info)
                   : signal_wait(task, set, timeout_at ? &deadline : NULL, &info);
    if (sig <= 0)
        return sig ? sig : -LINUX_EAGAIN;
    if (info_at && copy_to_user(task, info_at, &info, sizeof(info)))
        return -LINUX_EFAULT;
    return sig;
}

int64_t sys_sigaltstack(struct task *task, const uint64_t args[6])
{
    struct linux_stack new_stack, old;
    if (args[0] && copy_from_user(task, &new_stack, args[0], sizeof(new_stack)))
        return -LINUX_EFAULT;
    int err = signal_altstack(task, args[0] ? &new_stack : NULL, args[1] ? &old : NULL,
                              vcpu_regs(task->vcpu)->sp);
    if (!err && args[1] && copy_to_user(task, args[1], &old, sizeof(old)))
        return -LINUX_EFAULT;
    return err;
}

static int ends_above(void *addr, const struct vma *vma, const char *name)
{
    (void)name;
    return vma->end > *(const gva_t *)addr;
}

/* arm64_notify_segfault(): not whether the address is mapped, but whether anything is from there
 * on. */
static void bad_frame(struct task *task)
{
    gva_t sp = untagged_addr(vcpu_regs(task->vcpu)->sp);
    struct linux_siginfo info = {.si_signo = LINUX_SIGSEGV, .si_code = LINUX_SEGV_MAPERR};
    if (mm_for_each(task->proc->mm, ends_above, &sp))
        info.si_code = LINUX_SEGV_ACCERR;
    info.fault.addr = vcpu_regs(task->vcpu)->sp;
    task->sig->fault_address = 0;
    task->sig->fault_code = 0;
    signal_force(task, &info);
}

int64_t sys_rt_sigreturn(struct task *task, const uint64_t args[6])
{
    (void)args;
    task->restart = NULL;
    if (signal_restore_frame(task))
        bad_frame(task);
    return -LINUX_ENORESULT;
}
