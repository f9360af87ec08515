/*
 * calls.c - what a system call costs: nanoseconds a turn of a loop that does all but the call, of
 * the same with getppid, and with a read of one byte of /dev/urandom. The same source is built for
 * arm64 and for the host.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* What stands around a call: its registers are set, its result is there. */
static inline long no_call(long nr, long a, long b, long c)
{
#ifdef __aarch64__
    register long x8 __asm__("x8") = nr;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    __asm__ volatile("" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
#else
    long r;
    __asm__ volatile("" : "=a"(r) : "0"(nr), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return r;
#endif
}

static inline long call(long nr, long a, long b, long c)
{
#ifdef __aarch64__
    register long x8 __asm__("x8") = nr;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
#else
    long r;
    __asm__ volatile("syscall"
                     : "=a"(r)
                     : "a"(nr), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return r;
#endif
}

int main(int argc, char **argv)
{
    long n = argc > 1 ? atol(argv[1]) : 200000;
    char byte;
    int fd = open("/dev/urandom", O_RDONLY);
    if (fd < 0)
        return 1;
    long sum = 0, got = 0;
    double t0 = now();
    for (long i = 0; i < n; i++)
        sum += no_call(SYS_read, fd, (long)&byte, 1);
    double t1 = now();
    for (long i = 0; i < n; i++)
        sum += call(SYS_getppid, 0, 0, 0);
    double t2 = now();
    for (long i = 0; i < n; i++)
        got += call(SYS_read, fd, (long)&byte, 1);
    double t3 = now();
    if (got != n || sum < 0)
        return 1;
    printf("%.2f %.2f %.2f\n", (t1 - t0) / (double)n, (t2 - t1) / (double)n, (t3 - t2) / (double)n);
    return 0;
}
