/* queue.c - generating signals, pending queues, and who is woken for them: Linux's kernel/signal.c.
 */
#include <stdlib.h>
#include <string.h>

#include "host/signal.h"
#include "linux/abi/sched.h"
#include "linux/process/pid.h"
#include "linux/process/task.h"
#include "linux/signal/signal.h"
#include "linux/time/time.h"
#include "vcpu/vcpu.h"

#define SYNCHRONOUS                                                                                \
    (LINUX_SIG_BIT(LINUX_SIGSEGV) | LINUX_SIG_BIT(LINUX_SIGBUS) | LINUX_SIG_BIT(LINUX_SIGILL) |    \
     LINUX_SIG_BIT(LINUX_SIGTRAP) | LINUX_SIG_BIT(LINUX_SIGFPE) | LINUX_SIG_BIT(LINUX_SIGSYS))
#define STOP_SIGNALS                                                                               \
    (LINUX_SIG_BIT(LINUX_SIGSTOP) | LINUX_SIG_BIT(LINUX_SIGTSTP) | LINUX_SIG_BIT(LINUX_SIGTTIN) |  \
     LINUX_SIG_BIT(LINUX_SIGTTOU))

struct sighand *sighand_create(void)
{
    struct sighand *sighand = calloc(1, sizeof(*sighand));
    if (sighand)
        sighand->shared.last = &sighand->shared.first;
    return sighand;
}

struct sigstate *sigstate_create(const struct sigstate *parent)
{
    struct sigstate *sig = calloc(1, sizeof(*sig));
    if (!sig)
        return NULL;
    sig->pending.last = &sig->pending.first;
    sig->altstack.ss_flags = LINUX_SS_DISABLE;
    if (parent)
        sig->blocked = parent->blocked;
    return sig;
}

static void drop_entry(struct process *proc, struct sigqueue **link)
{
    struct sigqueue *q = *link;
    *link = q->next;
    if (q->timer)
        timer_dropped(proc, q->timer);
    proc->sighand->queued -= !q->timer;
    free(q);
}

void sigpending_drop(struct process *proc, struct sigpending *pending, uint64_t mask)
{
    if (!(pending->set & mask))
        return;
    pending->set &= ~mask;
    struct sigqueue **link = &pending->first;
    while (*link) {
        if (mask & LINUX_SIG_BIT((*link)->info.si_signo))
            drop_entry(proc, link);
        else
            link = &(*link)->next;
    }
    pending->last = link;
}

/* __flush_itimer_signals(): another one of the same number stays pending. */
static void drop_timers(struct process *proc, struct sigpending *pending)
{
    uint64_t dropped = 0, kept = 0;
    struct sigqueue **link = &pending->first;
    while (*link) {
        uint64_t bit = LINUX_SIG_BIT((*link)->info.si_signo);
        if ((*link)->info.si_code == LINUX_SI_TIMER) {
            dropped |= bit;
            drop_entry(proc, link);
        } else {
            kept |= bit;
            link = &(*link)->next;
        }
    }
    pending->last = link;
    pending->set &= ~(dropped & ~kept);
}

void sigpending_drop_timers(struct process *proc)
{
    drop_timers(proc, &proc->sighand->shared);
    for (struct task *t = proc->tasks->first; t; t = t->next)
        drop_timers(proc, &t->sig->pending);
    signalfd_notify(proc);
}

void sigstate_destroy(struct task *task)
{
    struct sighand *sighand = task->proc->sighand;
    host_mutex_lock(&sighand->lock);
    sigpending_drop(task->proc, &task->sig->pending, ~0ULL);
    host_mutex_unlock(&sighand->lock);
    free(task->sig);
    task->sig = NULL;
}

static void wake(struct task *task)
{
    task->sig->attention = 1;
    if (task == current)
        return;
    vcpu_interrupt(task->vcpu);
    host_thread_kick(task->host_tid);
}

void signal_recalc(struct task *task)
{
    uint64_t pending = task->sig->pending.set | task->proc->sighand->shared.set;
    if ((pending & ~task->sig->blocked) || task->sig->exiting || host_signal_waiting())
        wake(task);
}

static bool handler_ignores(const struct sighand *sighand, int sig)
{
    uint64_t handler = sighand->action[sig].handler;
    return handler == LINUX_SIG_IGN ||
           (handler == LINUX_SIG_DFL && (SIGNALS_IGNORED_BY_DEFAULT & LINUX_SIG_BIT(sig)));
}

bool signal_is_ignored(struct process *proc, int sig)
{
    host_mutex_lock(&proc->sighand->lock);
    bool ignored = handler_ignores(proc->sighand, sig);
    host_mutex_unlock(&proc->sighand->lock);
    return ignored;
}

static bool wants(const struct task *task, int sig)
{
    return !(task->sig->blocked & LINUX_SIG_BIT(sig)) && !task->sig->exiting;
}

/* Linux's complete_signal(): the caller first, then anybody who takes it and is not busy with
 * another one. */
static void wake_one_of(struct process *proc, int sig)
{
    struct task *found = NULL;
    if (current && current->proc == proc && wants(current, sig))
        found = current;
    for (struct task *t = proc->tasks->first; t && (!found || found->sig->attention); t = t->next) {
        if (wants(t, sig) && (!found || !t->sig->attention))
            found = t;
    }
    if (found)
        wake(found);
}

void signal_drop_everywhere(struct process *proc, uint64_t mask)
{
    sigpending_drop(proc, &proc->sighand->shared, mask);
    for (struct task *t = proc->tasks->first; t; t = t->next)
        sigpending_drop(proc, &t->sig->pending, mask);
    signalfd_notify(proc);
}

/* SIGCONT discards pending stops and the reverse, in every queue, whatever the disposition. */
static void prepare(struct process *proc, int sig)
{
    uint64_t drop = 0;
    if (STOP_SIGNALS & LINUX_SIG_BIT(sig))
        drop = LINUX_SIG_BIT(LINUX_SIGCONT);
    else if (sig == LINUX_SIGCONT)
        drop = STOP_SIGNALS;
    if (drop)
        signal_drop_everywhere(proc, drop);
}

/* A signal that is blocked is kept even if ignored: its disposition may change before it is
 * unblocked. */
static bool discarded(struct process *proc, struct task *target, int sig)
{
    if (!handler_ignores(proc->sighand, sig))
        return false;
    uint64_t bit = LINUX_SIG_BIT(sig);
    if (target)
        return !((target->sig->blocked | target->sig->real_blocked) & bit);
    for (struct task *t = proc->tasks->first; t; t = t->next) {
        if ((t->sig->blocked | t->sig->real_blocked) & bit)
            return false;
    }
    return true;
}

/*
 * __sigqueue_alloc(), and what __send_signal() makes of NULL: a plain kill() and a signal of the
 * old kind go through without their details. A timer has its entry from the start, and the kernel's
 * own old signals are not counted out.
 */
static struct sigqueue *entry_for(struct process *proc, const struct linux_siginfo *info,
                                  int32_t timer)
{
    bool always = timer || (info->si_signo < LINUX_SIGRTMIN && info->si_code >= 0);
    if (!always && proc->sighand->queued >= proc->rlimit[LINUX_RLIMIT_SIGPENDING][0])
        return NULL;
    struct sigqueue *q = malloc(sizeof(*q));
    if (q)
        *q = (struct sigqueue){.info = *info, .timer = timer};
    return q;
}

static int enqueue(struct process *proc, struct task *target, const struct linux_siginfo *info,
                   int32_t timer)
{
    struct sighand *sighand = proc->sighand;
    int sig = info->si_signo;
    struct sigpending *pending = target ? &target->sig->pending : &sighand->shared;
    prepare(proc, sig);
    if (discarded(proc, target, sig) ||
        (sig < LINUX_SIGRTMIN && (pending->set & LINUX_SIG_BIT(sig)))) {
        if (timer)
            timer_dropped(proc, timer);
        return 0;
    }
    struct sigqueue *q = entry_for(proc, info, timer);
    if (!q && timer)
        timer_dropped(proc, timer);
    if (!q && sig >= LINUX_SIGRTMIN && info->si_code != LINUX_SI_USER)
        return -LINUX_EAGAIN;
    if (q) {
        *pending->last = q;
        pending->last = &q->next;
        sighand->queued += !timer;
    }
    pending->set |= LINUX_SIG_BIT(sig);
    if (!target)
        wake_one_of(proc, sig);
    else if (wants(target, sig))
        wake(target);
    signalfd_notify(proc);
    return 0;
}

/* A task by the flag that its thread gave to the host, or NULL. */
static struct task *task_of_thread(struct process *proc, const volatile int *thread)
{
    for (struct task *t = thread ? proc->tasks->first : NULL; t; t = t->next) {
        if (&t->sig->attention == thread)
            return t;
    }
    return NULL;
}

/* Who has that number on the host. A child's SIGCHLD may be read when wait() has given back its
 * number already. */
static bool sender_of(struct process *proc, int32_t host, struct waited_child *sender)
{
    int32_t n = pid_from_host(proc, host);
    const struct pid_entry *e = pid_entry(proc->pids, n);
    *sender = (struct waited_child){host, n, e ? e->uid : 0, e ? e->exit_signal : 0};
    for (unsigned i = 0; !e && i < WAITED_KEPT; i++) {
        if (host && proc->waited[i].host == host) {
            *sender = proc->waited[i];
            return true;
        }
    }
    return e != NULL;
}

/* Numbers of the host become the guest's; a sender outside the run has none. False: no signal. */
static bool translate(struct process *proc, const struct host_signal_info *host,
                      struct linux_siginfo *info)
{
    int code = info->si_code;
    if (host->from_guest || code == LINUX_SI_KERNEL ||
        (code > 0 && info->si_signo != LINUX_SIGCHLD))
        return true;
    struct waited_child sender;
    bool known = sender_of(proc, info->rt.pid, &sender);
    info->rt.pid = sender.pid;
    if (known)
        info->rt.uid = sender.uid;
    if (info->si_signo == LINUX_SIGCHLD && code > 0) {
        if (known && sender.exit_signal != LINUX_SIGCHLD && code <= LINUX_CLD_DUMPED)
            info->si_signo = sender.exit_signal;
    } else if (code == LINUX_SI_USER || code == LINUX_SI_TKILL) {
        info->rt.value = 0;
    }
    return info->si_signo >= 1 && info->si_signo <= LINUX_NSIG;
}

static void from_host(struct process *proc, const struct host_signal_info *host)
{
    struct linux_siginfo info = host->info;
    struct task *target = task_of_thread(proc, host->thread);
    if (info.si_signo == HOST_SIGNAL_TIMER && info.si_code == LINUX_SI_TIMER) {
        int32_t timer;
        if (timer_expired(proc, host, &info, &timer, &target))
            enqueue(proc, target, &info, timer);
        return;
    }
    /* A thread that has ended takes its signals with it. */
    if (host->thread && !target)
        return;
    if (translate(proc, host, &info))
        enqueue(proc, target, &info, 0);
}

/* PR_SET_PDEATHSIG: forget_original_parent() */
static void parent_died(struct process *proc)
{
    struct linux_siginfo info = {.si_signo = proc->pdeath_signal, .si_code = LINUX_SI_USER};
    proc->pdeath_due = false;
    if (info.si_signo)
        enqueue(proc, NULL, &info, 0);
}

void signal_drain_host(struct process *proc)
{
    struct host_signal_info host;
    while (host_signal_take(&host))
        from_host(proc, &host);
    if (proc->pdeath_due)
        parent_died(proc);
}

int signal_send_process(struct process *proc, const struct linux_siginfo *info)
{
    host_mutex_lock(&proc->sighand->lock);
    int err = enqueue(proc, NULL, info, 0);
    host_mutex_unlock(&proc->sighand->lock);
    return err;
}

int signal_send_task(struct task *task, const struct linux_siginfo *info)
{
    host_mutex_lock(&task->proc->sighand->lock);
    int err = enqueue(task->proc, task, info, 0);
    host_mutex_unlock(&task->proc->sighand->lock);
    return err;
}

int signal_send_task_locked(struct task *task, const struct linux_siginfo *info)
{
    return enqueue(task->proc, task, info, 0);
}

/* Linux's force_sig_info_to_task(). */
void signal_force(struct task *task, const struct linux_siginfo *info)
{
    struct sighand *sighand = task->proc->sighand;
    int sig = info->si_signo;
    host_mutex_lock(&sighand->lock);
    bool ignored = sighand->action[sig].handler == LINUX_SIG_IGN;
    if (ignored || (task->sig->blocked & LINUX_SIG_BIT(sig))) {
        sighand->action[sig].handler = LINUX_SIG_DFL;
        task->sig->blocked &= ~LINUX_SIG_BIT(sig);
    }
    /* It must not be lost for an older pending one of the same number. */
    sigpending_drop(task->proc, &task->sig->pending, LINUX_SIG_BIT(sig));
    enqueue(task->proc, task, info, 0);
    task->sig->attention = 1;
    host_mutex_unlock(&sighand->lock);
}

void signal_force_segv(struct task *task, int sig)
{
    if (sig == LINUX_SIGSEGV) {
        host_mutex_lock(&task->proc->sighand->lock);
        task->proc->sighand->action[sig].handler = LINUX_SIG_DFL;
        host_mutex_unlock(&task->proc->sighand->lock);
    }
    struct linux_siginfo info = {.si_signo = LINUX_SIGSEGV, .si_code = LINUX_SI_KERNEL};
    signal_force(task, &info);
}

static int lowest(uint64_t set)
{
    return set ? __builtin_ctzll(set) + 1 : 0;
}

static void take(struct process *proc, struct sigpending *pending, int sig,
                 struct linux_siginfo *info)
{
    bool more = false;
    struct sigqueue *found = NULL, **link = &pending->first;
    while (*link) {
        struct sigqueue *q = *link;
        if (q->info.si_signo != sig) {
            link = &q->next;
        } else if (!found) {
            found = q;
            *link = q->next;
        } else {
            more = true;
            link = &q->next;
        }
    }
    pending->last = link;
    if (!more)
        pending->set &= ~LINUX_SIG_BIT(sig);
    *info = (struct linux_siginfo){.si_signo = sig, .si_code = LINUX_SI_USER};
    if (found) {
        *info = found->info;
        if (found->timer)
            timer_dequeued(proc, found->timer, info);
        proc->sighand->queued -= !found->timer;
        free(found);
    }
}

int signal_dequeue(struct task *task, uint64_t set, struct linux_siginfo *info)
{
    struct sighand *sighand = task->proc->sighand;
    host_mutex_lock(&sighand->lock);
    signal_drain_host(task->proc);
    struct sigpending *pending = &task->sig->pending;
    /* Faults come before everything else, so that a handler's frame shows the faulting instruction.
     */
    int sig = lowest(pending->set & set & SYNCHRONOUS);
    if (!sig)
        sig = lowest(pending->set & set);
    if (!sig) {
        pending = &sighand->shared;
        sig = lowest(pending->set & set & SYNCHRONOUS);
        if (!sig)
            sig = lowest(pending->set & set);
    }
    if (sig)
        take(task->proc, pending, sig, info);
    signalfd_notify(task->proc);
    host_mutex_unlock(&sighand->lock);
    return sig;
}

bool signal_check(struct task *task)
{
    task->sig->attention = 0;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    host_mutex_lock(&task->proc->sighand->lock);
    signal_drain_host(task->proc);
    signal_recalc(task);
    /* Not what attention says: more may have come in, of which nobody knows yet whose it is. */
    uint64_t pending = task->sig->pending.set | task->proc->sighand->shared.set;
    bool reason = (pending & ~task->sig->blocked) || task->sig->exiting;
    host_mutex_unlock(&task->proc->sighand->lock);
    return reason;
}

uint64_t signal_pending_set(struct task *task)
{
    host_mutex_lock(&task->proc->sighand->lock);
    signal_drain_host(task->proc);
    uint64_t set = task->sig->pending.set | task->proc->sighand->shared.set;
    host_mutex_unlock(&task->proc->sighand->lock);
    return set;
}

/* A signal that is blocked pends even if it would be ignored: the host must no longer drop it. The
 * lock is held. */
static void await(struct process *proc, uint64_t set)
{
    proc->sighand->awaited |= set;
    for (; set; set &= set - 1)
        signal_host_dispose(proc, lowest(set));
}

/* Signals that the whole process waits for and that this task will no longer take go to somebody
 * else. */
void signal_set_blocked(struct task *task, uint64_t mask)
{
    struct sighand *sighand = task->proc->sighand;
    mask &= ~(LINUX_SIG_BIT(LINUX_SIGKILL) | LINUX_SIG_BIT(LINUX_SIGSTOP));
    host_mutex_lock(&sighand->lock);
    uint64_t newly = mask & ~task->sig->blocked, changed = mask ^ task->sig->blocked;
    task->sig->blocked = mask;
    for (uint64_t set = newly & sighand->shared.set; set; set &= set - 1)
        wake_one_of(task->proc, lowest(set));
    signal_recalc(task);
    await(task->proc, newly & SIGNALS_IGNORED_BY_DEFAULT & ~sighand->awaited);
    host_mutex_unlock(&sighand->lock);
    /* A terminal stops background writers unless they block (or ignore) the signal: the host must
     * know. */
    for (int sig = LINUX_SIGTTIN; sig <= LINUX_SIGTTOU; sig++) {
        if (changed & LINUX_SIG_BIT(sig))
            host_signal_block(sig, mask & LINUX_SIG_BIT(sig));
    }
}
