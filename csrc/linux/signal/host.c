/* host.c - where the host's signals meet the guest's: hooks for faults and arrivals, and
 * dispositions. */
#include "host/signal.h"
#include "linux/mm/uaccess.h"
#include "linux/signal/signal.h"
#include "vcpu/vcpu.h"

_Thread_local struct task *current;

static bool on_fault(uintptr_t addr, enum host_fault_access access, enum host_fault_cause cause,
                     void *context)
{
    static const enum vcpu_access accesses[] = {
        [HOST_FAULT_READ] = VCPU_READ,
        [HOST_FAULT_WRITE] = VCPU_WRITE,
        [HOST_FAULT_EXEC] = VCPU_EXEC,
    };
    static const enum vcpu_fault_cause causes[] = {
        [HOST_FAULT_MAP] = VCPU_FAULT_MAP,
        [HOST_FAULT_PERM] = VCPU_FAULT_PERM,
        [HOST_FAULT_ALIGN] = VCPU_FAULT_ALIGN,
        [HOST_FAULT_BUS] = VCPU_FAULT_BUS,
    };
    struct task *task = current;
    if (!task)
        return false;
    if (task->in_guest &&
        vcpu_host_fault(task->vcpu, addr, accesses[access], causes[cause], context))
        return true;
    uaccess_fault(task, addr);
    return false;
}

/* Signal handler context: the task looks for itself, with its locks, in signal_work(). */
static void on_arrival(void)
{
    struct task *task = current;
    if (!task)
        return;
    task->sig->attention = 1;
    vcpu_interrupt(task->vcpu);
}

/*
 * What the guest ignores, the host ignores: no call is interrupted for it, and the terminal driver
 * sees that a background process ignores SIGTTOU.
 */
void signal_host_dispose(struct process *proc, int sig)
{
    uint64_t handler = proc->sighand->action[sig].handler;
    enum host_disposition disposition = HOST_SIGNAL_CATCH;
    if (handler == LINUX_SIG_IGN)
        disposition = HOST_SIGNAL_IGNORE;
    else if (handler == LINUX_SIG_DFL && (sig == LINUX_SIGCHLD || sig == LINUX_SIGCONT ||
                                          sig == LINUX_SIGURG || sig == LINUX_SIGWINCH))
        disposition = HOST_SIGNAL_DEFAULT;
    host_signal_dispose(sig, disposition);
}

void signal_host_dispositions(struct process *proc)
{
    for (int sig = 1; sig <= LINUX_NSIG; sig++)
        signal_host_dispose(proc, sig);
}

int signal_host_init(struct process *proc)
{
    static const struct host_signal_hooks hooks = {.fault = on_fault, .arrived = on_arrival};
    /*
     * nohup and a shell's background jobs start programs with signals ignored, and mean it. Not
     * inherited are the two that Python, which starts us, ignores for its own sake.
     */
    for (int sig = 1; sig <= LINUX_NSIG; sig++) {
        if (sig != LINUX_SIGPIPE && sig != LINUX_SIGXFSZ && sig != LINUX_SIGKILL &&
            sig != LINUX_SIGSTOP && host_signal_was_ignored(sig))
            proc->sighand->action[sig].handler = LINUX_SIG_IGN;
    }
    int err = host_signals_init(&hooks);
    if (!err)
        signal_host_dispositions(proc);
    return err;
}
