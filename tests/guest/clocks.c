/* guest-test: reference=qemu flags=-pthread */
/* Clocks, sleeping, and how a signal ends or does not end a sleep. */
#include <pthread.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <time.h>

#include "guest.h"

static volatile int alarms;

static void on_alarm(int sig)
{
    (void)sig;
    alarms++;
}

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

static void alarm_in(int ms)
{
    struct itimerval it = {{0, 0}, {0, ms * 1000}};
    setitimer(ITIMER_REAL, &it, NULL);
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

int main(void)
{
    struct timespec t, left;
    struct timeval tv;
    clockid_t clocks[] = {0, 1, 2, 3, 4, 5, 6, 7};
    for (int i = 0; i < 8; i++) {
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

    long long cpu = 0;
    pthread_t thread;
    pthread_create(&thread, NULL, spin, &cpu);
    pthread_join(thread, NULL);
    CHECK(cpu > 0);

    t = (struct timespec){0, 20000000};
    a = now(CLOCK_MONOTONIC);
    OK(nanosleep(&t, NULL));
    CHECK(now(CLOCK_MONOTONIC) - a >= 20000000);
    t.tv_nsec = 1000000000;
    ERR(nanosleep(&t, NULL), EINVAL);
    t = (struct timespec){-1, 0};
    ERR(nanosleep(&t, NULL), EINVAL);
    t = (struct timespec){0, 0};
    EQ(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &t, NULL), EINVAL);
    EQ(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL), 0);

    /* A handler ends it, even with SA_RESTART, and the rest is told. */
    struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &sa, NULL);
    alarm_in(20);
    t = (struct timespec){5, 0};
    ERR(nanosleep(&t, &left), EINTR);
    EQ(alarms, 1);
    CHECK(left.tv_sec == 4 && left.tv_nsec > 0);

    /* An ignored signal does not. */
    signal(SIGALRM, SIG_IGN);
    alarm_in(10);
    t = (struct timespec){0, 40000000};
    a = now(CLOCK_MONOTONIC);
    OK(nanosleep(&t, NULL));
    CHECK(now(CLOCK_MONOTONIC) - a >= 40000000);

    /* Neither does a blocked one. */
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    signal(SIGALRM, on_alarm);
    sigprocmask(SIG_BLOCK, &set, NULL);
    alarm_in(10);
    a = now(CLOCK_MONOTONIC);
    OK(nanosleep(&t, NULL));
    CHECK(now(CLOCK_MONOTONIC) - a >= 40000000);
    EQ(alarms, 1);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    EQ(alarms, 2);

    struct tms tms;
    CHECK(times(&tms) > 0);
    EQ(tms.tms_cutime, 0);
    struct timex tx = {.modes = 0};
    CHECK(adjtimex(&tx) >= 0);
    CHECK(tx.tick > 0);
    return done();
}
