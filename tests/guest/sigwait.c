/* guest-test: reference=qemu flags=-pthread */
/* Masks, pending signals, order and queueing of real-time ones, and the calls that wait for a
 * signal. */
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "guest.h"

static volatile int got;
static volatile int order[8], norder;

static void on_signal(int sig)
{
    got = sig;
}

static void on_rt(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)context;
    order[norder++] = info->si_value.sival_int;
}

static void *sender(void *arg)
{
    usleep(20000);
    kill(getpid(), (int)(long)arg);
    return NULL;
}

static pthread_t send_later(int sig)
{
    pthread_t t;
    pthread_create(&t, NULL, sender, (void *)(long)sig);
    return t;
}

int main(void)
{
    sigset_t set, old, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN + 1);
    EQ(sigprocmask(SIG_BLOCK, &set, &old), 0);
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
    raise(SIGUSR1);
    EQ(sigpending(&pending), 0);
    CHECK(sigismember(&pending, SIGUSR1) && !sigismember(&pending, SIGUSR2));
    EQ(got, 0);

    siginfo_t info;
    struct timespec none = {0, 0}, little = {0, 20000000};
    EQ(sigtimedwait(&set, &info, &none), SIGUSR1);
    EQ(info.si_code, SI_USER);
    EQ(info.si_pid, getpid());
    ERR(sigtimedwait(&set, &info, &none), EAGAIN); /* only one was kept */
    ERR(sigtimedwait(&set, &info, &little), EAGAIN);

    union sigval v;
    struct sigaction sa = {.sa_sigaction = on_rt, .sa_flags = SA_SIGINFO};
    sigaction(SIGRTMIN + 1, &sa, NULL);
    for (v.sival_int = 1; v.sival_int <= 3; v.sival_int++)
        EQ(sigqueue(getpid(), SIGRTMIN + 1, v), 0);
    EQ(sigwaitinfo(&set, &info), SIGRTMIN + 1);
    EQ(info.si_code, SI_QUEUE);
    EQ(info.si_value.sival_int, 1);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    EQ(norder, 2);
    EQ(order[0], 2);
    EQ(order[1], 3);

    sigprocmask(SIG_BLOCK, &set, NULL);
    pthread_t t = send_later(SIGUSR1);
    sigset_t empty;
    sigemptyset(&empty);
    ERR(sigsuspend(&empty), EINTR);
    EQ(got, SIGUSR1);
    sigprocmask(SIG_BLOCK, NULL, &pending);
    CHECK(sigismember(&pending, SIGUSR1));
    pthread_join(t, NULL);

    t = send_later(SIGUSR1);
    EQ(sigwaitinfo(&set, &info), SIGUSR1);
    EQ(info.si_code, SI_USER);
    pthread_join(t, NULL);

    /* Another signal with a handler ends the wait. */
    sigset_t usr2;
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &usr2, NULL);
    signal(SIGUSR2, on_signal);
    t = send_later(SIGUSR2);
    pthread_sigmask(SIG_UNBLOCK, &usr2, NULL);
    ERR(sigwaitinfo(&set, &info), EINTR);
    EQ(got, SIGUSR2);
    pthread_join(t, NULL);

    /* Ignored and blocked is kept; ignoring discards it. */
    raise(SIGUSR1);
    signal(SIGUSR1, SIG_IGN);
    sigpending(&pending);
    CHECK(!sigismember(&pending, SIGUSR1));

    ERR(kill(getpid(), 65), EINVAL);
    ERR(kill(999999, 0), ESRCH);
    EQ(kill(getpid(), 0), 0);
    EQ(kill(0, 0), 0);
    ERR(syscall(SYS_tgkill, getpid(), 999999, 0), ESRCH);
    ERR(syscall(SYS_tgkill, -1, 1, 0), EINVAL);
    ERR(syscall(SYS_tkill, 0, 0), EINVAL);
    siginfo_t queued = {.si_code = SI_QUEUE};
    signal(SIGUSR1, on_signal);
    sigprocmask(SIG_BLOCK, &set, NULL);
    queued.si_value.sival_int = 31;
    OK(syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), SIGUSR1, &queued));
    EQ(sigwaitinfo(&set, &info), SIGUSR1);
    EQ(info.si_code, SI_QUEUE);
    EQ(info.si_value.sival_int, 31);
    ERR(syscall(SYS_rt_tgsigqueueinfo, getpid(), 999999, SIGUSR1, &queued), ESRCH);
    ERR(syscall(SYS_rt_tgsigqueueinfo, getpid(), 0, SIGUSR1, &queued), EINVAL);
    ERR(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), 65, &queued), EINVAL);
    ERR(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGUSR1, (void *)8), EFAULT);
    ERR(syscall(SYS_rt_sigprocmask, 9, &set, NULL, 8), EINVAL);
    ERR(syscall(SYS_rt_sigprocmask, 0, &set, NULL, 16), EINVAL);
    return done();
}
