/* guest-test: flags=-pthread */
/* Sleeping, and how a signal ends or does not end a sleep. */
#include <pthread.h>
#include <sys/time.h>
#include <time.h>

#include "alarm.h"
#include "guest.h"

#define BAD ((void *)8)

static long long now(clockid_t c)
{
    struct timespec t;
    syscall(SYS_clock_gettime, c, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void on_signal(void (*handler)(int), int flags)
{
    struct sigaction sa = {.sa_handler = handler, .sa_flags = flags};
    sigaction(SIGALRM, &sa, NULL);
    alarms = 0;
}

static long sleep_on(clockid_t clock, int flags, const void *t, void *left)
{
    return syscall(SYS_clock_nanosleep, clock, flags, t, left);
}

/* clock_nanosleep() looks at the clock, then at the time. */
static void errors(void)
{
    struct timespec zero = {0, 0}, bad = {0, 1000000000}, negative = {-1, 0};
    ERR(syscall(SYS_nanosleep, BAD, NULL), EFAULT);
    ERR(syscall(SYS_nanosleep, &bad, NULL), EINVAL);
    ERR(syscall(SYS_nanosleep, &negative, NULL), EINVAL);
    OK(syscall(SYS_nanosleep, &zero, BAD)); /* nothing is left that could be told */
    ERR(sleep_on(99, 0, BAD, NULL), EINVAL);
    static const clockid_t timeless[] = {CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
                                         CLOCK_MONOTONIC_COARSE, CLOCK_THREAD_CPUTIME_ID};
    for (size_t i = 0; i < sizeof(timeless) / sizeof(timeless[0]); i++)
        ERR(sleep_on(timeless[i], 0, BAD, NULL), EOPNOTSUPP);
    static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI,
                                       CLOCK_PROCESS_CPUTIME_ID};
    for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
        ERR(sleep_on(clocks[i], 0, BAD, NULL), EFAULT);
        ERR(sleep_on(clocks[i], 0, &bad, NULL), EINVAL);
        ERR(sleep_on(clocks[i], TIMER_ABSTIME, &negative, NULL), EINVAL);
        OK(sleep_on(clocks[i], TIMER_ABSTIME, &zero, NULL));
        OK(sleep_on(clocks[i], 0x10, &zero, NULL)); /* other flags mean nothing */
    }
    static const clockid_t waking[] = {CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM};
    for (size_t i = 0; i < sizeof(waking) / sizeof(waking[0]); i++) {
        ERR(sleep_on(waking[i], 0, BAD, NULL), EFAULT);
        ERR(sleep_on(waking[i], 0, &bad, NULL), EINVAL);
        ERR(sleep_on(waking[i], 0x10, &zero, NULL), EINVAL);
        ERR(sleep_on(waking[i], 0, &zero, NULL), EPERM);
    }
    clockid_t own;
    EQ(pthread_getcpuclockid(pthread_self(), &own), 0);
    ERR(sleep_on(own, 0, &zero, NULL), EINVAL); /* it would not pass meanwhile */
    ERR(sleep_on(-1, 0, &zero, NULL), EINVAL);
}

static volatile int stop;

static void *spin(void *arg)
{
    while (!stop)
        ;
    return arg;
}

/* The process's CPU time passes while another thread runs. */
static void cpu_time(void)
{
    pthread_t thread;
    struct timespec t = {0, 30000000};
    pthread_create(&thread, NULL, spin, NULL);
    long long before = now(CLOCK_PROCESS_CPUTIME_ID);
    OK(sleep_on(CLOCK_PROCESS_CPUTIME_ID, 0, &t, NULL));
    CHECK(now(CLOCK_PROCESS_CPUTIME_ID) - before >= 30000000);
    stop = 1;
    pthread_join(thread, NULL);
}

static void durations(void)
{
    struct timespec t = {0, 20000000};
    long long a = now(CLOCK_MONOTONIC);
    OK(syscall(SYS_nanosleep, &t, NULL));
    long long b = now(CLOCK_MONOTONIC);
    CHECK(b - a >= 20000000);
    OK(sleep_on(CLOCK_REALTIME, 0, &t, NULL));
    CHECK(now(CLOCK_MONOTONIC) - b >= 20000000);
    b = now(CLOCK_MONOTONIC) + 20000000;
    t = (struct timespec){b / 1000000000, b % 1000000000};
    OK(sleep_on(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
    CHECK(now(CLOCK_MONOTONIC) >= b);
}

/* A handler ends a sleep, even one with SA_RESTART, and the rest of a relative one is told. */
static void handlers(void)
{
    struct timespec t = {5, 0}, left = {77, 77};
    for (int flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
        on_signal(on_alarm, flags);
        alarm_in(50);
        ERR(syscall(SYS_nanosleep, &t, &left), EINTR);
        CHECK(left.tv_sec == 4 && left.tv_nsec > 0);
        alarm_in(50);
        ERR(sleep_on(CLOCK_REALTIME, 0, &t, &left), EINTR);
        CHECK(left.tv_sec == 4 && left.tv_nsec > 0);
        alarm_in(50);
        ERR(syscall(SYS_nanosleep, &t, NULL), EINTR);
        alarm_in(50);
        ERR(syscall(SYS_nanosleep, &t, BAD), EFAULT);
        long long end = now(CLOCK_MONOTONIC) + 5000000000ll;
        struct timespec until = {end / 1000000000, end % 1000000000};
        left = (struct timespec){77, 77};
        alarm_in(50);
        ERR(sleep_on(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, &left), EINTR);
        CHECK(left.tv_sec == 77 && left.tv_nsec == 77);
        EQ(alarms, 5);
    }
    /* There is nothing to go on with after that. */
    ERR(syscall(SYS_restart_syscall), EINTR);
}

/* An ignored signal and a blocked one do not end it. */
static void no_handlers(void)
{
    struct timespec t = {0, 40000000};
    on_signal(SIG_IGN, 0);
    alarm_in(10);
    long long a = now(CLOCK_MONOTONIC);
    OK(syscall(SYS_nanosleep, &t, NULL));
    CHECK(now(CLOCK_MONOTONIC) - a >= 40000000);

    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    on_signal(on_alarm, 0);
    sigprocmask(SIG_BLOCK, &set, NULL);
    alarm_in(10);
    a = now(CLOCK_MONOTONIC);
    OK(syscall(SYS_nanosleep, &t, NULL));
    CHECK(now(CLOCK_MONOTONIC) - a >= 40000000);
    EQ(alarms, 0);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    EQ(alarms, 1);
}

int main(void)
{
    ERR(syscall(SYS_restart_syscall), EINTR);
    errors();
    durations();
    cpu_time();
    handlers();
    no_handlers();
    return done();
}
