/*
 * signal.h - host signals: memory faults, signals from outside, and waking a thread that waits in a
 * host call.
 *
 * Every signal that the guest may care about is caught (without SA_RESTART), put into a lock-free
 * inbox, and announced through hooks; the kernel takes it out with host_signal_take() when it can
 * lock. Nothing here knows the guest's masks.
 */
#ifndef ELFUSE_HOST_SIGNAL_H
#define ELFUSE_HOST_SIGNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "linux/abi/signal.h"

enum host_fault_access { HOST_FAULT_READ, HOST_FAULT_WRITE, HOST_FAULT_EXEC };
enum host_fault_cause { HOST_FAULT_MAP, HOST_FAULT_PERM, HOST_FAULT_ALIGN, HOST_FAULT_BUS };

struct host_signal_info {
    struct linux_siginfo info; /* processes as the host numbers them, unless from_guest */
    bool from_guest;           /* sent with a siginfo by another guest process (process.h) */
    /* The flag given to host_signals_thread_init() by the thread that a directed signal came to
     * (tgkill, or what its own write() raised), NULL for one to the process. */
    const volatile int *thread;
    uint64_t order;
};

struct host_signal_hooks {
    /* A memory fault on the calling thread. Returns true if what caused it is mended, so that the
     * thread goes on, false if nobody knows it: the process is then ended. */
    bool (*fault)(uintptr_t addr, enum host_fault_access access, enum host_fault_cause cause,
                  void *context);
    /* Signal handler context: something is in the inbox, or the thread was kicked. */
    void (*arrived)(void);
    /* Signal handler context: see host_fork() (process.h). */
    void (*parent_ended)(void);
};

/* Once, before the first thread that is a task. Installs the handlers. 0 or -errno. */
int host_signals_init(const struct host_signal_hooks *hooks);

/*
 * On each thread that runs a task: its alternate stack, then all signals unblocked. `attention` is
 * looked at by every interruptible host call: non-zero makes it return -LINUX_ERESTARTSYS instead
 * of waiting.
 */
int host_signals_thread_init(const volatile int *attention);
void host_signals_thread_exit(void);

/* Oldest signal in the inbox into *info; false when empty. Any thread; callers serialise
 * themselves. */
bool host_signal_take(struct host_signal_info *info);
/* Is anything in it? Async-signal-safe, any thread. */
bool host_signal_waiting(void);

/* What the host does with a signal that comes from outside. flags: LINUX_SA_NOCLDSTOP and
 * LINUX_SA_NOCLDWAIT count, of SIGCHLD. */
enum host_disposition { HOST_SIGNAL_CATCH, HOST_SIGNAL_IGNORE, HOST_SIGNAL_DEFAULT };
void host_signal_dispose(int signo, enum host_disposition disposition, uint64_t flags);

/* Was the signal ignored when this process was started (nohup, a shell's background job)? */
bool host_signal_was_ignored(int signo);

/* Block or unblock (on this thread) a terminal's stop signals, whose blocking the terminal driver
 * looks at. */
void host_signal_block(int signo, bool block);

/* Make `host_tid` leave a host call or notice its vCPU's interrupt. Async-signal-safe. */
void host_thread_kick(int32_t host_tid);

/* Let the host's default action of a stop signal happen to this process; returns once it is
 * continued. */
void host_stop_self(int signo);

/* Sleep until kicked or signalled: -LINUX_ERESTARTSYS; or until the CLOCK_MONOTONIC time (NULL: for
 * ever): 0. */
struct linux_timespec;
int host_wait_interruptible(const struct linux_timespec *deadline);
/* The same; a stop and SIGCONT end it too, with -LINUX_EINTR. */
int host_wait_signal(const struct linux_timespec *deadline);

#endif
