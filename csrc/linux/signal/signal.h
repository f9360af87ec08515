/*
 * signal.h - the guest's signals.
 *
 * Locking: sighand->lock guards dispositions, every pending queue, every task's mask as others see
 * it, and the task list. A task's own mask is changed only by that task, under the lock. Functions
 * that take the lock say so; it is a leaf (nothing else is locked under it) and never held across
 * guest memory access.
 *
 * `attention` is Linux's TIF_SIGPENDING: non-zero means that the task must go through signal_work()
 * before it runs guest code again, and makes interruptible host calls return -LINUX_ERESTARTSYS.
 */
#ifndef ELFUSE_LINUX_SIGNAL_H
#define ELFUSE_LINUX_SIGNAL_H

#include "host/thread.h"
#include "linux/abi/signal.h"
#include "linux/kernel.h"

#define SIGNALS_IGNORED_BY_DEFAULT                                                                 \
    (LINUX_SIG_BIT(LINUX_SIGCONT) | LINUX_SIG_BIT(LINUX_SIGCHLD) | LINUX_SIG_BIT(LINUX_SIGWINCH) | \
     LINUX_SIG_BIT(LINUX_SIGURG))

struct sigqueue {
    struct sigqueue *next;
    struct linux_siginfo info;
    int32_t timer; /* 1 + the POSIX timer's slot, or 0 */
};

struct sigpending {
    uint64_t set;
    struct sigqueue *first, **last; /* real-time ones queue, the others are in at most once */
};

struct sighand {
    struct host_mutex lock;
    struct linux_sigaction action[LINUX_NSIG + 1];
    struct sigpending shared;
    struct signalfd *signalfds; /* event/signalfd.c */
    uint32_t queued;            /* entries in all queues, and timers, against RLIMIT_SIGPENDING */
    /* Those ignored by default that somebody blocks, so that they pend: the host has to catch them
     */
    uint64_t awaited;
};

struct sigstate {
    volatile int attention;
    volatile bool exiting; /* another thread has started exec: end at the next signal_work() */
    uint64_t blocked;
    uint64_t saved_mask; /* to go back to after sigsuspend, ppoll ... if saved is set */
    bool saved;
    uint64_t real_blocked; /* what sigtimedwait has taken out of blocked */
    struct sigpending pending;
    struct linux_stack altstack;
    uint64_t fault_address; /* as thread.fault_address and fault_code in Linux: stay until the next
                               fault */
    uint64_t fault_code;
};

/* Once a process. -LINUX_ENOMEM when out of memory. */
struct sighand *sighand_create(void);
/* A task's state: mask inherited from `parent` (may be NULL), nothing pending, no alternate stack.
 */
struct sigstate *sigstate_create(const struct sigstate *parent);
/* Takes the lock to drop what is pending; frees it. */
void sigstate_destroy(struct task *task);

/* Install the host side (handlers, hooks). Before the first task runs. 0 or -errno. */
int signal_host_init(struct process *proc);
/* Make the host catch, ignore or leave alone each outside signal as the guest's dispositions
 * demand. */
void signal_host_dispositions(struct process *proc);
void signal_host_dispose(struct process *proc, int sig);

/* Generate. All take the lock. 0, or -LINUX_EAGAIN when a queue is full. */
int signal_send_process(struct process *proc, const struct linux_siginfo *info);
int signal_send_task(struct task *task, const struct linux_siginfo *info);
/* A fault of `task` itself: cannot be blocked or ignored. Only on the task's own thread. */
void signal_force(struct task *task, const struct linux_siginfo *info);
void signal_force_segv(struct task *task,
                       int sig); /* a frame of `sig` could not be written or read */

/*
 * Before guest code runs: deliver what is pending. ret is the result of the system call just made
 * if that is one of LINUX_ERESTART*, otherwise 0; x0 its first argument, for the restart. Changes
 * the registers; does not return when a default action ends the process, or when the task has to
 * end for another one's execve.
 */
void signal_work(struct task *task, int64_t ret, uint64_t x0);

/* Is it one of LINUX_ERESTART*? */
static inline bool signal_is_restart(int64_t ret)
{
    return ret <= -LINUX_ERESTARTSYS && ret >= -LINUX_ERESTART_RESTARTBLOCK;
}

/* Masks. set_blocked takes the lock, wakes others for what this task no longer wants. */
void signal_set_blocked(struct task *task, uint64_t mask);
/*
 * For the calls with a temporary mask (ppoll, pselect6, epoll_pwait). enter reads the guest's mask
 * (mask 0: none) and puts it in force; leave puts the old one back unless the result says that a
 * signal interrupted it, in which case signal_work() does after the handler's frame is made.
 */
int signal_mask_enter(struct task *task, gva_t mask, uint64_t sigsetsize);
void signal_mask_leave(struct task *task, bool interrupted);

/* Has the task a reason to stop waiting? */
static inline bool signal_attention(const struct task *task)
{
    return task->sig->attention != 0;
}

/*
 * After an interrupted wait: is there a signal for this task, or must it end? False: what
 * interrupted it was blocked or somebody else's; a call that is never restarted goes on waiting.
 * Takes the lock.
 */
bool signal_check(struct task *task);

/* Take the first pending signal in `set` (own queue, then the process's) into *info: its number or
 * 0. Locks. */
int signal_dequeue(struct task *task, uint64_t set, struct linux_siginfo *info);
/* As signal_dequeue(), waiting until the deadline (CLOCK_MONOTONIC; NULL: for ever) while there is
 * none: -LINUX_EAGAIN after it, -LINUX_EINTR when another signal is to be delivered. */
int signal_wait(struct task *task, uint64_t set, const struct linux_timespec *deadline,
                struct linux_siginfo *info);
/* Everything pending for the task, not masked by anything. Locks. */
uint64_t signal_pending_set(struct task *task);

/* What execve does to dispositions, queues and the alternate stack. */
void signal_exec(struct task *task);

/* Is the signal ignored by the guest (explicitly or by default)? For the terminal's background
 * checks. */
bool signal_is_ignored(struct process *proc, int sig);

/* Write the frame of one signal and point the registers at its handler (frame.c). 0 or
 * -LINUX_EFAULT. */
int signal_setup_frame(struct task *task, const struct linux_sigaction *action, int sig,
                       const struct linux_siginfo *info, uint64_t oldmask);
/* Read the frame at sp back. 0 or -LINUX_EFAULT/-LINUX_EINVAL; registers are unspecified on error.
 */
int signal_restore_frame(struct task *task);
/* sigaltstack(2) with `sp` as the current stack pointer. */
int signal_altstack(struct task *task, const struct linux_stack *new_stack, struct linux_stack *old,
                    uint64_t sp);

/* In the child of a fork, which has one thread: signalfds tell of its own signals (signalfd.c). */
void signalfd_forked(struct process *proc);

/* Below: for signal/ and process/ only; the lock is held. */
void signal_recalc(struct task *task);
void sigpending_drop(struct process *proc, struct sigpending *pending, uint64_t mask);
/* flush_itimer_signals(): what POSIX timers have sent. */
void sigpending_drop_timers(struct process *proc);
void signal_drain_host(struct process *proc);
int signal_send_task_locked(struct task *task, const struct linux_siginfo *info);
void signalfd_notify_all(struct process *proc);
static inline void signalfd_notify(struct process *proc)
{
    if (proc->sighand->signalfds)
        signalfd_notify_all(proc);
}
void signal_drop_everywhere(struct process *proc, uint64_t mask);

#endif
