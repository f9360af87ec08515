/* guest-test: flags=-pthread */
/* setitimer and POSIX timers: expiry, intervals, overruns, delivery to a thread, deletion. */
#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "guest.h"

static volatile int ticks, value, code, overruns;

static void on_tick(int sig, siginfo_t *info, void *context)
{
    (void)context, (void)sig;
    ticks++;
    code = info->si_code;
    value = info->si_value.sival_int;
    overruns += info->si_overrun;
}

static void wait_ticks(int n)
{
    for (int i = 0; i < 2000 && ticks < n; i++)
        usleep(1000);
}

static void interval_timer(void)
{
    struct itimerval it = {{0, 5000}, {0, 5000}}, old;
    ticks = 0;
    OK(setitimer(ITIMER_REAL, &it, NULL));
    wait_ticks(3);
    CHECK(ticks >= 3);
    OK(getitimer(ITIMER_REAL, &old));
    EQ(old.it_interval.tv_usec, 5000);
    it = (struct itimerval){{0, 0}, {0, 0}};
    OK(setitimer(ITIMER_REAL, &it, &old));
    EQ(old.it_interval.tv_usec, 5000);
    ERR(setitimer(9, &it, NULL), EINVAL);
    it.it_value.tv_usec = 1000000;
    ERR(setitimer(ITIMER_REAL, &it, NULL), EINVAL);

    struct sigaction sa = {.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO};
    sigaction(SIGVTALRM, &sa, NULL);
    it = (struct itimerval){{0, 0}, {0, 10000}};
    ticks = 0;
    OK(setitimer(ITIMER_VIRTUAL, &it, NULL));
    for (volatile long i = 0; i < 2000000000l && !ticks; i++)
        ;
    EQ(ticks, 1);
}

static void posix_timer(void)
{
    timer_t t;
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 2};
    ev.sigev_value.sival_int = 4711;
    OK(timer_create(CLOCK_MONOTONIC, &ev, &t));
    struct itimerspec its = {{0, 2000000}, {0, 2000000}}, now;
    ticks = 0;
    OK(timer_settime(t, 0, &its, NULL));
    wait_ticks(2);
    CHECK(ticks >= 2);
    EQ(code, SI_TIMER);
    EQ(value, 4711);

    /* While it is blocked, expirations add up. */
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    usleep(30000);
    overruns = 0;
    ticks = 0;
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    wait_ticks(1);
    CHECK(overruns >= 5);

    OK(timer_gettime(t, &now));
    EQ(now.it_interval.tv_nsec, 2000000);
    CHECK(now.it_value.tv_sec == 0 && now.it_value.tv_nsec <= 2000000);
    OK(timer_delete(t));
    usleep(10000);
    ticks = 0;
    usleep(20000);
    EQ(ticks, 0);
    ERR(syscall(SYS_timer_delete, 100), EINVAL);
    ERR(syscall(SYS_timer_gettime, 100, &now), EINVAL);
    ERR(syscall(SYS_timer_getoverrun, 100), EINVAL);
    ERR(syscall(SYS_timer_create, 99, NULL, &t), EINVAL);
    ev.sigev_signo = 99;
    ERR(timer_create(CLOCK_MONOTONIC, &ev, &t), EINVAL);
}

static volatile int called;

static void call(union sigval v)
{
    called += v.sival_int;
}

static void thread_timer(void)
{
    timer_t t;
    struct sigevent ev = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = call};
    ev.sigev_value.sival_int = 7;
    OK(timer_create(CLOCK_REALTIME, &ev, &t));
    struct itimerspec its = {{0, 0}, {0, 1000000}};
    OK(timer_settime(t, 0, &its, NULL));
    for (int i = 0; i < 2000 && !called; i++)
        usleep(1000);
    EQ(called, 7);
    OK(timer_delete(t));
}

#define BAD ((void *)8)

static void itimer_errors(void)
{
    struct itimerval it = {{0, 0}, {100, 0}}, old;
    ERR(syscall(SYS_getitimer, ITIMER_REAL, BAD), EFAULT);
    ERR(syscall(SYS_getitimer, 3, &it), EINVAL);
    ERR(syscall(SYS_getitimer, -1, BAD), EINVAL);
    ERR(syscall(SYS_setitimer, 3, BAD, NULL), EFAULT);
    ERR(syscall(SYS_setitimer, 3, &it, NULL), EINVAL);
    static const struct itimerval wrong[] = {
        {{0, 0}, {0, 1000000}}, {{0, 1000000}, {0, 0}}, {{0, 0}, {-1, 0}}, {{0, -1}, {0, 0}}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        ERR(syscall(SYS_setitimer, ITIMER_REAL, &wrong[i], NULL), EINVAL);
    ERR(syscall(SYS_setitimer, ITIMER_REAL, &it, BAD), EFAULT); /* and it is set */
    OK(syscall(SYS_setitimer, ITIMER_REAL, NULL, &old));        /* no value: off */
    CHECK(old.it_value.tv_sec >= 99);
    OK(getitimer(ITIMER_REAL, &old));
    EQ(old.it_value.tv_sec + old.it_value.tv_usec, 0);
}

/* What the signal of an interval timer tells: that the kernel sent it. */
static void itimer_info(void)
{
    sigset_t set;
    siginfo_t info;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    sigaddset(&set, SIGPROF);
    sigprocmask(SIG_BLOCK, &set, NULL);
    struct itimerval it = {{0, 0}, {0, 1000}};
    OK(setitimer(ITIMER_REAL, &it, NULL));
    EQ(sigwaitinfo(&set, &info), SIGALRM);
    EQ(info.si_code, SI_KERNEL);
    OK(setitimer(ITIMER_PROF, &it, NULL));
    sigset_t pending;
    do
        sigpending(&pending);
    while (!sigismember(&pending, SIGPROF));
    EQ(sigwaitinfo(&set, &info), SIGPROF);
    EQ(info.si_code, SI_KERNEL);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static long create(clockid_t clock, void *event, void *id)
{
    return syscall(SYS_timer_create, clock, event, id);
}

static void create_errors(void)
{
    int id;
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    ERR(create(CLOCK_MONOTONIC, BAD, &id), EFAULT);
    ERR(create(CLOCK_MONOTONIC, &ev, BAD), EFAULT);
    ERR(create(99, &ev, &id), EINVAL);
    static const clockid_t timeless[] = {CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
                                         CLOCK_MONOTONIC_COARSE};
    for (size_t i = 0; i < sizeof(timeless) / sizeof(timeless[0]); i++)
        ERR(create(timeless[i], &ev, &id), EOPNOTSUPP);
    ERR(create((clockid_t)(~99999u << 3 | 2), &ev, &id), EINVAL);
    static const int signals[] = {0, -1, 65};
    for (int i = 0; i < 3; i++) {
        ev.sigev_signo = signals[i];
        ERR(create(CLOCK_MONOTONIC, &ev, &id), EINVAL);
    }
    ev.sigev_signo = SIGUSR1;
    ev.sigev_notify = SIGEV_THREAD_ID; /* only together with SIGEV_SIGNAL, which is 0 */
    ev._sigev_un._tid = 99999;
    ERR(create(CLOCK_MONOTONIC, &ev, &id), EINVAL);
    ev._sigev_un._tid = 0;
    ERR(create(CLOCK_MONOTONIC, &ev, &id), EINVAL);
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    ev.sigev_notify = SIGEV_THREAD_ID;
    ev._sigev_un._tid = child; /* of another process */
    ERR(create(CLOCK_MONOTONIC, &ev, &id), EINVAL);
    kill(child, SIGKILL);
    EQ(waitpid(child, NULL, 0), child);
    ev.sigev_notify = 3;
    ERR(create(CLOCK_MONOTONIC, &ev, &id), EINVAL);
    ev.sigev_notify = SIGEV_NONE;
    ev.sigev_signo = 99; /* nobody looks */
    OK(create(CLOCK_MONOTONIC, &ev, &id));
    OK(syscall(SYS_timer_delete, id));
    ERR(syscall(SYS_timer_delete, id), EINVAL);
    ERR(syscall(SYS_timer_delete, -1), EINVAL);
}

/* A timer takes the place of a signal that pends, whether it has one or not. */
static void too_many(void)
{
    int id[4];
    struct rlimit old, few;
    struct sigevent ev = {.sigev_notify = SIGEV_NONE}, bad = {.sigev_notify = 3};
    OK(getrlimit(RLIMIT_SIGPENDING, &old));
    few = (struct rlimit){0, old.rlim_max};
    OK(setrlimit(RLIMIT_SIGPENDING, &few));
    ERR(create(CLOCK_MONOTONIC, &ev, &id[0]), EAGAIN);
    ERR(create(CLOCK_MONOTONIC, NULL, &id[0]), EAGAIN);
    ERR(create(CLOCK_MONOTONIC, &bad, BAD), EAGAIN);
    ERR(create(CLOCK_MONOTONIC, BAD, &id[0]), EFAULT);
    ERR(create(99, &ev, &id[0]), EINVAL);
    few.rlim_cur = 3;
    OK(setrlimit(RLIMIT_SIGPENDING, &few));
    for (int i = 0; i < 3; i++)
        OK(create(CLOCK_MONOTONIC, &ev, &id[i]));
    ERR(create(CLOCK_MONOTONIC, &ev, &id[3]), EAGAIN);
    OK(syscall(SYS_timer_delete, id[1]));
    OK(create(CLOCK_MONOTONIC, &ev, &id[1]));
    for (int i = 0; i < 3; i++)
        OK(syscall(SYS_timer_delete, id[i]));
    ERR(create(CLOCK_MONOTONIC, &bad, BAD), EINVAL);
    OK(setrlimit(RLIMIT_SIGPENDING, &old));
}

/* A container's root does not wake the machine. */
static void waking(void)
{
    static const clockid_t clocks[] = {CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM};
    int id;
    struct sigevent ev = {.sigev_notify = SIGEV_NONE}, bad = {.sigev_notify = 3};
    for (int i = 0; i < 2; i++) {
        ERR(create(clocks[i], &ev, &id), EPERM);
        ERR(create(clocks[i], &bad, &id), EINVAL);
        ERR(create(clocks[i], &ev, BAD), EFAULT);
    }
}

static void set_errors(void)
{
    int id;
    struct sigevent ev = {.sigev_notify = SIGEV_NONE};
    struct itimerspec its = {{0, 0}, {100, 0}}, now = {{7, 7}, {7, 7}};
    OK(create(CLOCK_MONOTONIC, &ev, &id));
    OK(syscall(SYS_timer_gettime, id, &now));
    EQ(now.it_value.tv_sec + now.it_value.tv_nsec + now.it_interval.tv_sec, 0);
    ERR(syscall(SYS_timer_gettime, id, BAD), EFAULT);
    ERR(syscall(SYS_timer_gettime, 9999, BAD), EINVAL);
    ERR(syscall(SYS_timer_settime, 9999, 0, NULL, NULL), EINVAL);
    ERR(syscall(SYS_timer_settime, 9999, 0, BAD, NULL), EFAULT);
    ERR(syscall(SYS_timer_settime, 9999, 0, &its, NULL), EINVAL);
    its.it_value.tv_nsec = 1000000000;
    ERR(syscall(SYS_timer_settime, id, 0, &its, NULL), EINVAL);
    its = (struct itimerspec){{-1, 0}, {100, 0}};
    ERR(syscall(SYS_timer_settime, id, 0, &its, NULL), EINVAL);
    its.it_interval.tv_sec = 3;
    ERR(syscall(SYS_timer_settime, id, 0, &its, BAD), EFAULT); /* and it is set */
    /* A timer without a signal is a countdown. */
    OK(syscall(SYS_timer_gettime, id, &now));
    CHECK(now.it_value.tv_sec >= 99 && now.it_interval.tv_sec == 3);
    its = (struct itimerspec){{0, 0}, {0, 1000000}};
    OK(syscall(SYS_timer_settime, id, 0, &its, &now));
    CHECK(now.it_value.tv_sec >= 99 && now.it_interval.tv_sec == 3);
    usleep(5000);
    OK(syscall(SYS_timer_gettime, id, &now));
    EQ(now.it_value.tv_sec + now.it_value.tv_nsec, 0);
    EQ(syscall(SYS_timer_getoverrun, id), 0);
    OK(syscall(SYS_timer_delete, id));
}

/* Waits for the signal that is blocked; the timer's number and overruns are told. */
static void take(int sig, int id, int want)
{
    sigset_t set;
    siginfo_t info;
    struct timespec limit = {20, 0};
    sigemptyset(&set);
    sigaddset(&set, sig);
    EQ(sigtimedwait(&set, &info, &limit), sig);
    EQ(info.si_code, SI_TIMER);
    EQ(info.si_timerid, id);
    EQ(info.si_value.sival_int, want);
    EQ(info.si_overrun, syscall(SYS_timer_getoverrun, id));
}

static void expiries(void)
{
    int id, other;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);

    /* Without an event: SIGALRM with the timer's number. */
    OK(create(CLOCK_MONOTONIC, NULL, &id));
    OK(create(CLOCK_MONOTONIC, NULL, &other));
    CHECK(id != other);
    struct itimerspec its = {{0, 0}, {0, 1}}, now;
    OK(syscall(SYS_timer_settime, id, TIMER_ABSTIME, &its, NULL)); /* long past: at once */
    take(SIGALRM, id, id);
    OK(syscall(SYS_timer_gettime, id, &now));
    EQ(now.it_value.tv_sec + now.it_value.tv_nsec, 0);
    OK(syscall(SYS_timer_settime, other, 0, &its, NULL));
    take(SIGALRM, other, other);
    OK(syscall(SYS_timer_delete, id));
    OK(syscall(SYS_timer_delete, other));

    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    ev.sigev_value.sival_int = -5;
    static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI};
    for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
        OK(create(clocks[i], &ev, &id));
        its = (struct itimerspec){{0, 0}, {0, 1000000}};
        OK(syscall(SYS_timer_settime, id, 0, &its, NULL));
        take(SIGUSR2, id, -5);
        OK(syscall(SYS_timer_delete, id));
    }
    /* CPU time passes only for who runs. */
    static const clockid_t cpu[] = {CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};
    for (int i = 0; i < 2; i++) {
        sigset_t pending;
        OK(create(cpu[i], &ev, &id));
        its = (struct itimerspec){{0, 0}, {0, 10000000}};
        OK(syscall(SYS_timer_settime, id, 0, &its, NULL));
        do
            sigpending(&pending);
        while (!sigismember(&pending, SIGUSR2));
        take(SIGUSR2, id, -5);
        OK(syscall(SYS_timer_delete, id));
    }
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static volatile pid_t hit;

static void on_hit(int sig)
{
    (void)sig;
    hit = (pid_t)syscall(SYS_gettid);
}

static void *be_hit(void *arg)
{
    *(volatile pid_t *)arg = (pid_t)syscall(SYS_gettid);
    for (int i = 0; i < 5000 && !hit; i++)
        usleep(1000);
    return NULL;
}

/* SIGEV_THREAD_ID chooses the thread. */
static void directed(void)
{
    int id;
    volatile pid_t tid = 0;
    pthread_t thread;
    signal(SIGUSR1, on_hit);
    pthread_create(&thread, NULL, be_hit, (void *)&tid);
    while (!tid)
        usleep(1000);
    struct sigevent ev = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
    ev._sigev_un._tid = tid;
    OK(create(CLOCK_MONOTONIC, &ev, &id));
    struct itimerspec its = {{0, 0}, {0, 1000000}};
    OK(syscall(SYS_timer_settime, id, 0, &its, NULL));
    pthread_join(thread, NULL);
    EQ(hit, tid);
    OK(syscall(SYS_timer_delete, id));
}

static volatile int ticks;
static void on_short(int sig)
{
    (void)sig;
    ticks++;
}

/* A period of a microsecond leaves time for the program, and tells how many it has missed. */
static void short_periods(void)
{
    int id;
    struct itimerspec its = {{0, 1000}, {0, 1000}}, now;
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    signal(SIGUSR1, on_short);
    OK(create(CLOCK_MONOTONIC, &ev, &id));
    OK(syscall(SYS_timer_settime, id, 0, &its, NULL));
    while (ticks < 20)
        ;
    CHECK(syscall(SYS_timer_getoverrun, id) >= 0);
    OK(syscall(SYS_timer_gettime, id, &now));
    EQ(now.it_interval.tv_nsec, 1000);
    its = (struct itimerspec){{0, 0}, {0, 0}};
    OK(syscall(SYS_timer_settime, id, 0, &its, &now));
    EQ(now.it_interval.tv_nsec, 1000);
    OK(syscall(SYS_timer_delete, id));
    ticks = 0;
    struct itimerval tv = {{0, 1}, {0, 1}}, old;
    signal(SIGALRM, on_short);
    OK(setitimer(ITIMER_REAL, &tv, NULL));
    while (ticks < 20)
        ;
    OK(getitimer(ITIMER_REAL, &old));
    EQ(old.it_interval.tv_usec, 1);
    tv = (struct itimerval){{0, 0}, {0, 0}};
    OK(setitimer(ITIMER_REAL, &tv, &old));
    EQ(old.it_interval.tv_usec, 1);
}

int main(void)
{
    struct sigaction sa = {.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO};
    sigaction(SIGALRM, &sa, NULL);
    sigaction(SIGRTMIN + 2, &sa, NULL);
    interval_timer();
    posix_timer();
    thread_timer();
    itimer_errors();
    itimer_info();
    create_errors();
    too_many();
    waking();
    set_errors();
    expiries();
    directed();
    short_periods();
    return done();
}
