/* deliver.c - what happens before a task runs guest code again: restarts, handlers, default
 * actions. */
#include <stdio.h>
#include <string.h>

#include "host/signal.h"
#include "host/log.h"
#include "linux/mm/uaccess.h"
#include "linux/process/task.h"
#include "linux/trace/trace.h"
#include "linux/signal/signal.h"
#include "vcpu/vcpu.h"

enum default_action { ACT_TERMINATE, ACT_IGNORE, ACT_STOP };

static enum default_action default_action(int sig)
{
    switch (sig) {
    case LINUX_SIGCONT:
    case LINUX_SIGCHLD:
    case LINUX_SIGWINCH:
    case LINUX_SIGURG: return ACT_IGNORE;
    case LINUX_SIGSTOP:
    case LINUX_SIGTSTP:
    case LINUX_SIGTTIN:
    case LINUX_SIGTTOU: return ACT_STOP;
    default: return ACT_TERMINATE;
    }
}

/*
 * The next signal that has a handler, with the action to use; default actions are carried out here.
 * 0 when nothing is left.
 */
static int next_handled(struct task *task, struct linux_siginfo *info,
                        struct linux_sigaction *action)
{
    struct sighand *sighand = task->proc->sighand;
    for (;;) {
        int sig = signal_dequeue(task, ~task->sig->blocked, info);
        if (!sig)
            return 0;
        host_mutex_lock(&sighand->lock);
        *action = sighand->action[sig];
        if (action->handler > LINUX_SIG_IGN && (action->flags & LINUX_SA_RESETHAND))
            sighand->action[sig].handler = LINUX_SIG_DFL;
        host_mutex_unlock(&sighand->lock);
        if (action->handler == LINUX_SIG_IGN)
            continue;
        if (action->handler != LINUX_SIG_DFL)
            return sig;
        switch (default_action(sig)) {
        case ACT_IGNORE: continue;
        case ACT_STOP: host_stop_self(sig); continue;
        case ACT_TERMINATE: trace_killed(task, sig, info); process_die(task->proc, sig);
        }
    }
}

static void rewind_call(struct task *task, uint64_t x0, bool as_restart_syscall)
{
    struct vcpu_regs *regs = vcpu_regs(task->vcpu);
    regs->pc -= 4;
    regs->x[0] = x0;
    if (as_restart_syscall)
        regs->x[8] = 128; /* restart_syscall */
}

/* arch/arm64/kernel/signal.c, do_signal(): how an interrupted call goes on, given the handler that
 * runs. */
static void settle_call(struct task *task, int64_t ret, uint64_t x0,
                        const struct linux_sigaction *action)
{
    bool restart = true;
    if (action && (ret == -LINUX_ERESTARTNOHAND || ret == -LINUX_ERESTART_RESTARTBLOCK ||
                   (ret == -LINUX_ERESTARTSYS && !(action->flags & LINUX_SA_RESTART))))
        restart = false;
    if (restart)
        rewind_call(task, x0, !action && ret == -LINUX_ERESTART_RESTARTBLOCK);
    else
        vcpu_regs(task->vcpu)->x[0] = (uint64_t)-LINUX_EINTR;
}

void signal_work(struct task *task, int64_t ret, uint64_t x0)
{
    struct sigstate *sig = task->sig;
    bool unsettled = signal_is_restart(ret);
    for (;;) {
        /* Cleared before looking: what arrives from here on sets it again. */
        sig->attention = 0;
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (sig->exiting)
            task_exit(task, 0);
        struct linux_siginfo info;
        struct linux_sigaction action;
        int signo = next_handled(task, &info, &action);
        if (!signo)
            break;
        strace_signal(task, signo, &info);
        if (unsettled)
            settle_call(task, ret, x0, &action);
        unsettled = false;
        uint64_t oldmask = sig->saved ? sig->saved_mask : sig->blocked;
        if (signal_setup_frame(task, &action, signo, &info, oldmask)) {
            signal_force_segv(task, signo);
            continue;
        }
        sig->saved = false;
        uint64_t mask = sig->blocked | action.mask;
        if (!(action.flags & LINUX_SA_NODEFER))
            mask |= LINUX_SIG_BIT(signo);
        signal_set_blocked(task, mask);
    }
    if (unsettled)
        settle_call(task, ret, x0, NULL);
    if (sig->saved) {
        sig->saved = false;
        signal_set_blocked(task, sig->saved_mask);
    }
}

int signal_mask_enter(struct task *task, gva_t mask, uint64_t sigsetsize)
{
    if (!mask)
        return 0;
    if (sigsetsize != sizeof(uint64_t))
        return -LINUX_EINVAL;
    uint64_t set;
    if (copy_from_user(task, &set, mask, sizeof(set)))
        return -LINUX_EFAULT;
    task->sig->saved_mask = task->sig->blocked;
    task->sig->saved = true;
    signal_set_blocked(task, set);
    return 0;
}

void signal_mask_leave(struct task *task, bool interrupted)
{
    if (!task->sig->saved)
        return;
    if (interrupted) {
        task->sig->attention = 1; /* also after a mere stop, for which nothing pends */
        return;
    }
    task->sig->saved = false;
    signal_set_blocked(task, task->sig->saved_mask);
}

void signal_exec(struct task *task)
{
    struct sighand *sighand = task->proc->sighand;
    host_mutex_lock(&sighand->lock);
    for (int sig = 1; sig <= LINUX_NSIG; sig++) {
        struct linux_sigaction *action = &sighand->action[sig];
        bool ignored = action->handler == LINUX_SIG_IGN;
        *action = (struct linux_sigaction){.handler = ignored ? LINUX_SIG_IGN : LINUX_SIG_DFL};
    }
    sigpending_drop_timers(task->proc);
    host_mutex_unlock(&sighand->lock);
    task->sig->altstack = (struct linux_stack){.ss_flags = LINUX_SS_DISABLE};
    task->sig->fault_address = 0;
    task->sig->fault_code = 0;
    signal_host_dispositions(task->proc);
}
