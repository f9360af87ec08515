/* guest-test: flags=-pthread */
/* Clocks: reading them, CPU clocks of processes and threads, and who may not set them. */
#include <pthread.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>

#include "guest.h"

static long long ns(struct timespec t)
{
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static long long now(clockid_t c)
{
    struct timespec t;
    syscall(SYS_clock_gettime, c, &t);
    return ns(t);
}

static void *spin(void *arg)
{
    clockid_t c;
    pthread_getcpuclockid(pthread_self(), &c);
    for (volatile int i = 0; i < 1000000; i++)
        ;
    *(long long *)arg = now(c);
    return NULL;
}

#define BAD ((void *)8)

static void reading(void)
{
    struct timespec t;
    struct timeval tv;
    clockid_t clocks[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
        OK(syscall(SYS_clock_gettime, clocks[i], &t));
        CHECK(t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
        OK(syscall(SYS_clock_getres, clocks[i], &t));
        CHECK(t.tv_sec == 0 && t.tv_nsec > 0);
    }
    OK(syscall(SYS_clock_getres, CLOCK_MONOTONIC, NULL));
    ERR(syscall(SYS_clock_gettime, 99, &t), EINVAL);
    ERR(syscall(SYS_clock_gettime, -1, &t), EINVAL);
    OK(syscall(SYS_gettimeofday, &tv, NULL));
    long long real = now(CLOCK_REALTIME);
    CHECK(real / 1000000000 - tv.tv_sec <= 1);
    OK(clock_gettime(CLOCK_REALTIME, &t)); /* through the vDSO where there is one */
    CHECK(ns(t) - real >= -1000000 && ns(t) - real < 1000000000);
    long long a = now(CLOCK_MONOTONIC), b = now(CLOCK_MONOTONIC);
    CHECK(b >= a);

    ERR(syscall(SYS_clock_gettime, 10, &t), EINVAL); /* a number that was given up */
    OK(syscall(SYS_clock_gettime, CLOCK_TAI, &t));
    ERR(syscall(SYS_clock_gettime, CLOCK_REALTIME, BAD), EFAULT);
    ERR(syscall(SYS_clock_gettime, 99, BAD), EINVAL);
    ERR(syscall(SYS_clock_getres, 99, NULL), EINVAL);
    ERR(syscall(SYS_clock_getres, CLOCK_REALTIME, BAD), EFAULT);
    OK(syscall(SYS_gettimeofday, NULL, NULL));
    ERR(syscall(SYS_gettimeofday, BAD, NULL), EFAULT);
    ERR(syscall(SYS_gettimeofday, NULL, BAD), EFAULT);
}

#define CPU_CLOCK(pid, kind) ((clockid_t)(~(unsigned)(pid) << 3 | (kind)))
enum { PROF, VIRT, SCHED, FD, OF_THREAD };

static void cpu_clocks(void)
{
    struct timespec t;
    long long cpu = 0;
    pthread_t thread;
    pthread_create(&thread, NULL, spin, &cpu);
    pthread_join(thread, NULL);
    CHECK(cpu > 0);
    for (int kind = PROF; kind <= SCHED; kind++) {
        OK(syscall(SYS_clock_gettime, CPU_CLOCK(getpid(), kind), &t));
        OK(syscall(SYS_clock_gettime, CPU_CLOCK(0, kind), &t));
        OK(syscall(SYS_clock_gettime, CPU_CLOCK(0, kind | OF_THREAD), &t));
        OK(syscall(SYS_clock_gettime, CPU_CLOCK(syscall(SYS_gettid), kind | OF_THREAD), &t));
        OK(syscall(SYS_clock_getres, CPU_CLOCK(0, kind), &t));
        ERR(syscall(SYS_clock_gettime, CPU_CLOCK(99999, kind), &t), EINVAL);
        ERR(syscall(SYS_clock_gettime, CPU_CLOCK(99999, kind | OF_THREAD), &t), EINVAL);
    }
    ERR(syscall(SYS_clock_gettime, CPU_CLOCK(0, FD), &t), EINVAL);
    CHECK(now(CPU_CLOCK(0, SCHED)) >= cpu);
}

/* Another process's clock can be read, and no clock of another's thread. */
static void of_a_child(void)
{
    struct timespec t;
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    for (int kind = PROF; kind <= SCHED; kind++) {
        OK(syscall(SYS_clock_gettime, CPU_CLOCK(child, kind), &t));
        ERR(syscall(SYS_clock_gettime, CPU_CLOCK(child, kind | OF_THREAD), &t), EINVAL);
    }
    kill(child, SIGKILL);
    EQ(waitpid(child, NULL, 0), child);
    ERR(syscall(SYS_clock_gettime, CPU_CLOCK(child, SCHED), &t), EINVAL);
}

/* A container's root cannot; but what is wrong is told before that. */
static void setting(void)
{
    struct timespec t;
    OK(clock_gettime(CLOCK_REALTIME, &t));
    ERR(syscall(SYS_clock_settime, CLOCK_REALTIME, &t), EPERM);
    ERR(syscall(SYS_clock_settime, CPU_CLOCK(0, SCHED), &t), EPERM);
    ERR(syscall(SYS_clock_settime, CPU_CLOCK(99999, SCHED), &t), EINVAL);
    static const clockid_t fixed[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 99};
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        ERR(syscall(SYS_clock_settime, fixed[i], BAD), EINVAL);
    ERR(syscall(SYS_clock_settime, CLOCK_REALTIME, BAD), EFAULT);
    t.tv_nsec = 1000000000;
    ERR(syscall(SYS_clock_settime, CLOCK_REALTIME, &t), EINVAL);
    t = (struct timespec){-1, 0};
    ERR(syscall(SYS_clock_settime, CLOCK_REALTIME, &t), EINVAL);

    struct timeval tv;
    struct timezone tz = {0, 0};
    OK(gettimeofday(&tv, NULL));
    ERR(syscall(SYS_settimeofday, &tv, NULL), EPERM);
    ERR(syscall(SYS_settimeofday, NULL, &tz), EPERM);
    ERR(syscall(SYS_settimeofday, NULL, NULL), EPERM);
    ERR(syscall(SYS_settimeofday, BAD, NULL), EFAULT);
    ERR(syscall(SYS_settimeofday, &tv, BAD), EFAULT);
    tv.tv_usec = 1000000;
    ERR(syscall(SYS_settimeofday, &tv, NULL), EINVAL);
    tv.tv_usec = -1;
    ERR(syscall(SYS_settimeofday, &tv, BAD), EINVAL);
    tv = (struct timeval){-1, 0};
    ERR(syscall(SYS_settimeofday, &tv, NULL), EINVAL);
}

static void adjusting(void)
{
    struct timex tx = {.modes = 0};
    CHECK(syscall(SYS_adjtimex, &tx) >= 0);
    CHECK(tx.tick > 0);
    CHECK(syscall(SYS_clock_adjtime, CLOCK_REALTIME, &tx) >= 0);
    ERR(syscall(SYS_adjtimex, BAD), EFAULT);
    ERR(syscall(SYS_clock_adjtime, 99, BAD), EFAULT);
    ERR(syscall(SYS_clock_adjtime, 99, &tx), EINVAL);
    static const unsigned changes[] = {ADJ_OFFSET, ADJ_FREQUENCY, ADJ_TICK, ADJ_OFFSET_SINGLESHOT};
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        tx.modes = changes[i];
        ERR(syscall(SYS_adjtimex, &tx), EPERM);
        ERR(syscall(SYS_clock_adjtime, CLOCK_MONOTONIC, &tx), EOPNOTSUPP);
    }
    tx.modes = ADJ_OFFSET_SS_READ;
    CHECK(syscall(SYS_adjtimex, &tx) >= 0);
    tx.modes = 0x8000; /* ADJ_ADJTIME without the offset that it is about */
    ERR(syscall(SYS_adjtimex, &tx), EINVAL);
    tx.modes = 0;
    ERR(syscall(SYS_clock_adjtime, CLOCK_BOOTTIME, &tx), EOPNOTSUPP);
    ERR(syscall(SYS_clock_adjtime, CLOCK_REALTIME_ALARM, &tx), EOPNOTSUPP);
    ERR(syscall(SYS_clock_adjtime, CLOCK_THREAD_CPUTIME_ID, &tx), EOPNOTSUPP);
}

int main(void)
{
    reading();
    cpu_clocks();
    of_a_child();
    setting();
    adjusting();
    return done();
}
