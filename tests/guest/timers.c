/* guest-test: reference=qemu flags=-pthread */
/* setitimer and POSIX timers: expiry, intervals, overruns, delivery to a thread, deletion. */
#include <pthread.h>
#include <sys/time.h>
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

int main(void)
{
    struct sigaction sa = {.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO};
    sigaction(SIGALRM, &sa, NULL);
    sigaction(SIGRTMIN + 2, &sa, NULL);
    interval_timer();
    posix_timer();
    thread_timer();
    return done();
}
