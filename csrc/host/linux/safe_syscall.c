#include "host/linux/safe_syscall.h"

static const volatile int nothing_pending;
_Thread_local const volatile int *host_attention = &nothing_pending;

long host_syscall_window(const volatile int *flag, long nr, long a, long b, long c, long d, long e,
                         long f);
extern const char host_syscall_window_begin[], host_syscall_window_end[], host_syscall_window_out[];

#if defined(__x86_64__)
__asm__(".text\n"
        ".p2align 4\n"
        ".hidden host_syscall_window\n"
        ".globl host_syscall_window\n"
        ".type host_syscall_window, @function\n"
        "host_syscall_window:\n"
        ".cfi_startproc\n"
        "    mov %rdi, %r11\n" /* the kernel destroys r11 only after the check */
        "    mov %rsi, %rax\n"
        "    mov %rdx, %rdi\n"
        "    mov %rcx, %rsi\n"
        "    mov %r8, %rdx\n"
        "    mov %r9, %r10\n"
        "    mov 8(%rsp), %r8\n"
        "    mov 16(%rsp), %r9\n"
        ".hidden host_syscall_window_begin\n"
        ".globl host_syscall_window_begin\n"
        "host_syscall_window_begin:\n"
        "    cmpl $0, (%r11)\n"
        "    jne host_syscall_window_out\n"
        "    syscall\n"
        ".hidden host_syscall_window_end\n"
        ".globl host_syscall_window_end\n"
        "host_syscall_window_end:\n"
        "    ret\n"
        ".hidden host_syscall_window_out\n"
        ".globl host_syscall_window_out\n"
        "host_syscall_window_out:\n"
        "    mov $-512, %rax\n"
        "    ret\n"
        ".cfi_endproc\n"
        ".size host_syscall_window, . - host_syscall_window\n");

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
__asm__(".text\n"
        ".p2align 4\n"
        ".hidden host_syscall_window\n"
        ".globl host_syscall_window\n"
        ".type host_syscall_window, %function\n"
        "host_syscall_window:\n"
        ".cfi_startproc\n"
        "    mov x9, x0\n"
        "    mov x8, x1\n"
        "    mov x0, x2\n"
        "    mov x1, x3\n"
        "    mov x2, x4\n"
        "    mov x3, x5\n"
        "    mov x4, x6\n"
        "    mov x5, x7\n"
        ".hidden host_syscall_window_begin\n"
        ".globl host_syscall_window_begin\n"
        "host_syscall_window_begin:\n"
        "    ldr w10, [x9]\n"
        "    cbnz w10, host_syscall_window_out\n"
        "    svc #0\n"
        ".hidden host_syscall_window_end\n"
        ".globl host_syscall_window_end\n"
        "host_syscall_window_end:\n"
        "    ret\n"
        ".hidden host_syscall_window_out\n"
        ".globl host_syscall_window_out\n"
        "host_syscall_window_out:\n"
        "    mov x0, #-512\n"
        "    ret\n"
        ".cfi_endproc\n"
        ".size host_syscall_window, . - host_syscall_window\n");

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
#else
#error "safe_syscall.c: no system call sequence for this host"
#endif

_Static_assert(LINUX_ERESTARTSYS == 512, "the window's result");

long host_syscall_checked(long nr, long a, long b, long c, long d, long e, long f)
{
    long ret = host_syscall_window(host_attention, nr, a, b, c, d, e, f);
    return ret == -LINUX_EINTR ? -LINUX_ERESTARTSYS : ret;
}

void host_syscall_fix_pc(uintptr_t *pc)
{
    if (*pc >= (uintptr_t)host_syscall_window_begin && *pc < (uintptr_t)host_syscall_window_end)
        *pc = (uintptr_t)host_syscall_window_out;
}
