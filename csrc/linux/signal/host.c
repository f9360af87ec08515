/* host.c - where the host's signals meet the guest's: hooks for faults and arrivals, and
 * dispositions. */
#include "host/process.h"
#include "host/signal.h"
#include "linux/mm/uaccess.h"
#include "linux/mm/writelog.h"
#include "linux/process/pid.h"
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
    if (access == HOST_FAULT_WRITE && task->proc->mm->log &&
        mm_log_fault(task->proc->mm, addr - (uintptr_t)task->proc->mm->base))
        return true;
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

static struct process *the_process; /* for the handler below, which is of no thread */

/*
 * Signal handler context. Orphans come to the run's first process, or to a subreaper of the run;
 * when the new parent is a stranger, the first process has been killed, and with it ends
 * everything.
 */
static void on_parent_ended(void)
{
    struct process *proc = the_process;
    int32_t parent = pid_from_host(proc, host_parent_id());
    if (!parent)
        host_die(LINUX_SIGKILL);
    pid_entry(proc->pids, proc->pid)->parent = parent;
    proc->pdeath_due = proc->pdeath_signal != 0;
    proc->parent_ended = true;
}

/*
 * What the guest ignores, the host ignores: no call is interrupted for it, and the terminal driver
 * sees that a background process ignores SIGTTOU.
 */
void signal_host_dispose(struct process *proc, int sig)
{
    const struct sighand *sighand = proc->sighand;
    uint64_t handler = sighand->action[sig].handler, flags = sighand->action[sig].flags;
    bool wanted = sighand->awaited & LINUX_SIG_BIT(sig);
    enum host_disposition disposition = HOST_SIGNAL_CATCH;
    if (handler == LINUX_SIG_IGN)
        disposition = HOST_SIGNAL_IGNORE;
    else if (handler == LINUX_SIG_DFL && (SIGNALS_IGNORED_BY_DEFAULT & LINUX_SIG_BIT(sig)) &&
             !wanted)
        disposition = HOST_SIGNAL_DEFAULT;
    if (sig == LINUX_SIGCHLD) {
        if (proc->odd_children)
            disposition = HOST_SIGNAL_CATCH;
        pid_entry(proc->pids, proc->pid)->auto_reaped =
            disposition == HOST_SIGNAL_IGNORE || flags & LINUX_SA_NOCLDWAIT;
    }
    host_signal_dispose(sig, disposition, flags);
}

void signal_host_dispositions(struct process *proc)
{
    for (int sig = 1; sig <= LINUX_NSIG; sig++)
        signal_host_dispose(proc, sig);
}

int signal_host_init(struct process *proc)
{
    static const struct host_signal_hooks hooks = {
        .fault = on_fault, .arrived = on_arrival, .parent_ended = on_parent_ended};
    the_process = proc;
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
