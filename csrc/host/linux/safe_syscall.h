/*
 * safe_syscall.h - a host system call that a guest signal interrupts without a race.
 *
 * If the thread's attention flag (host_signals_thread_init) is set before the kernel is entered, or
 * a signal handler finds the thread between the flag's check and the entry, or the call is
 * interrupted: the result is -LINUX_ERESTARTSYS. Otherwise it is the kernel's: a value or -errno. A
 * call that has had an effect has never been interrupted.
 *
 *     n = host_syscall_interruptible(SYS_read, fd, buf, count);
 */
#ifndef ELFUSE_HOST_LINUX_SAFE_SYSCALL_H
#define ELFUSE_HOST_LINUX_SAFE_SYSCALL_H

#include <stdbool.h>
#include <stdint.h>

#include "linux/kernel.h" /* LINUX_ERESTARTSYS */

long host_syscall_checked(long nr, long a, long b, long c, long d, long e, long f);

#define HOST_SYSCALL_SIX(nr, a, b, c, d, e, f, ...)                                                \
    host_syscall_checked(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define host_syscall_interruptible(...) HOST_SYSCALL_SIX(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

/* A host call that is not interrupted by design: its value or -errno, without touching errno. */
long host_syscall_raw(long nr, long a, long b, long c, long d, long e, long f);
#define HOST_SYSCALL_RAW_SIX(nr, a, b, c, d, e, f, ...)                                            \
    host_syscall_raw(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define host_syscall(...) HOST_SYSCALL_RAW_SIX(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

extern _Thread_local const volatile int *host_attention;

/* In a signal handler: if *pc lies in the window, move it to the exit that returns
 * -LINUX_ERESTARTSYS. */
void host_syscall_fix_pc(uintptr_t *pc);

#endif
