/* reserved.h - for host/linux: the signals that the runtime keeps for itself, and what a fork does
 * to the files here. */
#ifndef ELFUSE_HOST_LINUX_RESERVED_H
#define ELFUSE_HOST_LINUX_RESERVED_H

#include <signal.h>

#include "host/time.h" /* HOST_SIGNAL_TIMER */

/* Wakes a thread; tells of a parent's end; carries what would be one of these signals for another
 * guest. The highest one: people who send real-time signals by hand start at SIGRTMIN, and the C
 * library keeps 32 and 33 for itself. */
#define SIGNAL_KICK 64

/* In si_errno of what one guest process sends to another, whose numbers are the guest's: with the
 * signal in the low byte, whether it was sent without siginfo, and whether to one thread. */
#define GUEST_SIGINFO          0x656c0000u
#define GUEST_SIGINFO_MASK     0xffff0000u
#define GUEST_SIGINFO_PLAIN    0x100
#define GUEST_SIGINFO_DIRECTED 0x200

/* In the child of a fork, with signals blocked: nothing is in the inbox, and *mask, which the
 * thread is to have again, lets through what a full inbox had held up; the thread is the process's
 * first.
 */
void host_signals_forked(sigset_t *mask);
void host_thread_forked(void);

#endif
