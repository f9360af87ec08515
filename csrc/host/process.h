/*
 * process.h - host processes: one runs one guest process.
 *
 * Numbers here are the host's. Functions return 0 or a positive result, or a negative Linux errno;
 * those that wait return -LINUX_ERESTARTSYS when a signal for the guest arrives.
 */
#ifndef ELFUSE_HOST_PROCESS_H
#define ELFUSE_HOST_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "linux/abi/sched.h"
#include "linux/abi/signal.h"

/*
 * fork(2): the child's number in the parent, 0 in the child, which has this one thread. Signals are
 * blocked on both sides until host_fork_done(), and the child's inbox (signal.h) is empty. The
 * child is told by host_signal_hooks.parent_ended when the thread that forked, its process, or
 * whoever adopts it later ends. Locks that others may hold are the caller's care. alone: the
 * process has no other thread, so that the C library's own locks need not be seen to.
 */
int32_t host_fork(bool alone);
void host_fork_done(void);

/* Adopt the orphans among the descendants (on), as PR_SET_CHILD_SUBREAPER. */
int host_subreaper(bool on);

/* End the process by this signal's default action, so that the parent's wait sees it. */
void host_die(int signo) __attribute__((noreturn));

int32_t host_parent_id(void);
int32_t host_getpgid(int32_t pid);
int32_t host_getsid(int32_t pid);
int host_setpgid(int32_t pid, int32_t pgid);
int32_t host_setsid(void);

/* wait4(2) and waitid(2): a child's number or 0. */
int32_t host_wait4(int32_t pid, int32_t *status, int options, struct linux_rusage *usage);
int host_waitid(int idtype, int32_t id, struct linux_siginfo *info, int options,
                struct linux_rusage *usage);
/* Collect this child, which is about to end, whatever signals come. */
void host_reap(int32_t pid);
/* For the end of the run: collect a child that has ended; where none has yet, 0 after a nap of a
 * fifth of a millisecond. -LINUX_ECHILD when there is none at all. */
int32_t host_reap_any(void);

/*
 * Send a signal of the guest's to another process that runs a guest (tid 0), or to one thread of
 * it. info is NULL for kill() and tgkill(). Numbers that the runtime keeps for itself arrive all
 * the same.
 */
int host_send(int32_t pid, int32_t tid, int signo, const struct linux_siginfo *info);
/* A descriptor, which is the guest's to be. */
int host_pidfd_open(int32_t pid, unsigned flags);
int host_pidfd_getfd(int pidfd, int fd, unsigned flags);
/* The process that it names: 0 when that is gone, -LINUX_EBADF when it is no pidfd. */
int32_t host_pidfd_pid(int pidfd);

/*
 * A channel from a child to its parent: ends[0] is read, ends[1] written; both are ours. Signals do
 * not interrupt sending; receiving returns -LINUX_EINTR for any, 0 when nobody can send any more.
 */
int host_channel(int ends[2]);
int host_channel_send(int fd, const void *bytes, uint64_t len);
int64_t host_channel_receive(int fd, void *bytes, uint64_t len);

/*
 * Who is alive: a process holds a number of the run's for as long as it lives, by a lock that the
 * host gives back when the process ends, however it ends. host_life_holder() is the host's number
 * of the process that holds n, or 0. Whoever holds a number may be looked into by the run's other
 * processes (peer.h); the run's first process makes the numbers.
 */
int host_life_create(void);
int host_life_hold(int life, int32_t n);
int32_t host_life_holder(int life, int32_t n);

#endif
