#include "host/linux/safe_syscall.h"

static const volatile int nothing_pending;
_Thread_local const volatile int *host_attention = &nothing_pending;

#if defined(__x86_64__)
long host_syscall_raw(long nr, long a, long b, long c, long d, long e, long f)
{
    long ret;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return ret;
}
#elif defined(__aarch64__)
long host_syscall_raw(long nr, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = nr;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}
#endif

/* Made by the linker: the bounds of the section. Weak, for a program that has no window. */
extern const struct host_syscall_window __start_host_syscall_windows[]
    __attribute__((weak, visibility("hidden")));
extern const struct host_syscall_window __stop_host_syscall_windows[]
    __attribute__((weak, visibility("hidden")));

static uintptr_t target(const int32_t *field)
{
    return (uintptr_t)field + (uintptr_t)(intptr_t)*field;
}

void host_syscall_fix_pc(uintptr_t *pc)
{
    for (const struct host_syscall_window *w = __start_host_syscall_windows;
         w < __stop_host_syscall_windows; w++) {
        if (*pc >= target(&w->begin) && *pc < target(&w->end))
            *pc = target(&w->out);
    }
}
