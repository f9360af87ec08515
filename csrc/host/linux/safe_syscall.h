/*
 * safe_syscall.h - a host system call that a guest signal interrupts without a race.
 *
 * If the thread's attention flag (host_signals_thread_init) is set before the kernel is entered, or
 * a signal handler finds the thread between the flag's check and the entry, or the call is
 * interrupted: the result is -LINUX_ERESTARTSYS. Otherwise it is the kernel's: a value or -errno. A
 * call that has had an effect has never been interrupted. -LINUX_EINTR is the kernel's too, where
 * no handler of ours ran: the process was stopped and continued, and this is one of the calls that
 * end then (signal(7)).
 *
 *     n = host_syscall_interruptible(SYS_read, fd, buf, count);
 *
 * The sequence is inline, and its place is listed in a section of its own as the kernel lists its
 * guarded instructions: after a system call the CPU predicts no return rightly, so that each call
 * level between a guest's call and the host's costs about 8 ns.
 */
#ifndef ELFUSE_HOST_LINUX_SAFE_SYSCALL_H
#define ELFUSE_HOST_LINUX_SAFE_SYSCALL_H

#include <stdbool.h>
#include <stdint.h>

#include "linux/kernel.h" /* LINUX_ERESTARTSYS */

extern _Thread_local const volatile int *host_attention
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* One window: from the check of the flag (begin) to behind the entry (end), and where to go on
 * instead (out), each relative to its own field. */
struct host_syscall_window {
    int32_t begin, end, out;
};
_Static_assert(LINUX_ERESTARTNOINTR == 513, "the result of a window that is left");

#define HOST_SYSCALL_WINDOW                                                                        \
    ".pushsection host_syscall_windows, \"a\"\n"                                                   \
    ".p2align 2\n"                                                                                 \
    ".long 1b - .\n"                                                                               \
    ".long 2b - .\n"                                                                               \
    ".long 3b - .\n"                                                                               \
    ".popsection\n"

static inline __attribute__((always_inline)) long
host_syscall_checked(long nr, long a, long b, long c, long d, long e, long f)
{
    /* First: finding a thread's variable may be a call, which would destroy the registers below. */
    const volatile int *flag = host_attention;
#if defined(__x86_64__)
    long ret;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("1: cmpl $0, %[flag]\n"
                     "   jne 4f\n"
                     "   syscall\n"
                     "2:\n"
                     ".subsection 1\n"
                     "3:\n"
                     "4: mov $-513, %%rax\n"
                     "   jmp 2b\n"
                     ".previous\n" HOST_SYSCALL_WINDOW
                     : "=&a"(ret)
                     : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8),
                       "r"(r9), [flag] "m"(*flag)
                     : "rcx", "r11", "cc", "memory");
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = nr;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("1: ldr w9, [%[flag]]\n"
                     "   cbnz w9, 4f\n"
                     "   svc #0\n"
                     "2:\n"
                     ".subsection 1\n"
                     "3:\n"
                     "4: mov x0, #-513\n"
                     "   b 2b\n"
                     ".previous\n" HOST_SYSCALL_WINDOW
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5), [flag] "r"(flag)
                     : "x9", "cc", "memory");
    long ret = x0;
#else
#error "safe_syscall.h: no system call sequence for this host"
#endif
    return ret == -LINUX_EINTR && *flag ? -LINUX_ERESTARTSYS : ret;
}

#define HOST_SYSCALL_SIX(nr, a, b, c, d, e, f, ...)                                                \
    host_syscall_checked(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define host_syscall_interruptible(...)                                                            \
    host_syscall_waited(HOST_SYSCALL_SIX(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0))

static inline long host_syscall_waited(long ret)
{
    return ret == -LINUX_ERESTARTNOINTR ? -LINUX_ERESTARTSYS : ret;
}

/*
 * For calls that wait only sometimes, such as read() and open(): where the kernel was not entered
 * the result is -LINUX_ERESTARTNOINTR, so that the signal counts as one that came before the call.
 * Else a regular file's read() could give EINTR, which no program expects.
 */
#define host_syscall_maybe_waiting(...) HOST_SYSCALL_SIX(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

/* A host call that is not interrupted by design: its value or -errno, without touching errno. */
long host_syscall_raw(long nr, long a, long b, long c, long d, long e, long f);
#define HOST_SYSCALL_RAW_SIX(nr, a, b, c, d, e, f, ...)                                            \
    host_syscall_raw(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define host_syscall(...) HOST_SYSCALL_RAW_SIX(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

/* In a signal handler: if *pc lies in a window, move it to the exit that returns
 * -LINUX_ERESTARTSYS. */
void host_syscall_fix_pc(uintptr_t *pc);

#endif
