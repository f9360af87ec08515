/* guest-test: flags=-Wno-stringop-overflow,-Wno-stringop-overread */
/* eventfd, timerfd, signalfd: reading, writing, waiting, errors. */
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

#include "alarm.h"
#include "guest.h"

static void on_usr1(int sig)
{
    FAIL("handler of %d ran", sig);
}

static void signals(void)
{
    sigset_t set;
    struct signalfd_siginfo info[3];
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN + 3);
    signal(SIGUSR1, on_usr1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_NONBLOCK);
    CHECK(fd >= 0);
    struct pollfd p = {fd, POLLIN, 0};
    EQ(poll(&p, 1, 0), 0);
    ERR(read(fd, info, sizeof(info)), EAGAIN);
    ERR(read(fd, info, 64), EINVAL);
    kill(getpid(), SIGUSR1);
    EQ(poll(&p, 1, 1000), 1);
    union sigval v = {.sival_int = 99};
    sigqueue(getpid(), SIGRTMIN + 3, v);
    int copy = dup(fd);
    close(fd);
    EQ(read(copy, info, sizeof(info)), 256);
    EQ(info[0].ssi_signo, SIGUSR1);
    EQ(info[0].ssi_pid, getpid());
    EQ(info[1].ssi_signo, SIGRTMIN + 3);
    EQ(info[1].ssi_int, 99);
    EQ(info[1].ssi_code, SI_QUEUE);
    ERR(read(copy, info, sizeof(info)), EAGAIN);
    p.fd = copy;
    EQ(poll(&p, 1, 0), 0);
    sigemptyset(&set);
    EQ(signalfd(copy, &set, 0), copy);
    kill(getpid(), SIGUSR1);
    EQ(poll(&p, 1, 0), 0);
    ERR(signalfd(0, &set, 0), EINVAL);
    ERR(signalfd(900, &set, 0), EBADF);
    ERR(write(copy, info, 8), EINVAL);
    close(copy);
    signal(SIGUSR1, SIG_IGN);
}

#define BAD ((void *)8)

static void event_counters(void)
{
    uint64_t n = 0;
    int fd = eventfd(3, EFD_NONBLOCK);
    CHECK(fd >= 0);
    EQ(read(fd, &n, 8), 8);
    EQ(n, 3);
    ERR(read(fd, &n, 8), EAGAIN);
    n = 5;
    EQ(write(fd, &n, 8), 8);
    EQ(write(fd, &n, 8), 8);
    EQ(read(fd, &n, 8), 8);
    EQ(n, 10);
    ERR(read(fd, &n, 4), EINVAL);
    ERR(write(fd, &n, 7), EINVAL);
    ERR(write(fd, BAD, 8), EFAULT);
    n = ~0ull;
    ERR(write(fd, &n, 8), EINVAL);
    n = ~0ull - 1;
    EQ(write(fd, &n, 8), 8); /* as much as there is room for */
    struct pollfd p = {fd, POLLIN | POLLOUT, 0};
    EQ(poll(&p, 1, 0), 1);
    EQ(p.revents, POLLIN);
    n = 1;
    ERR(write(fd, &n, 8), EAGAIN);
    n = 0;
    EQ(write(fd, &n, 8), 8);
    ERR(read(fd, BAD, 8), EFAULT); /* and the count is gone */
    EQ(poll(&p, 1, 0), 1);
    EQ(p.revents, POLLOUT);
    close(fd);
    fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
    EQ(read(fd, &n, 8), 8);
    EQ(n, 1);
    EQ(read(fd, &n, 8), 8);
    ERR(read(fd, &n, 8), EAGAIN);
    close(fd);
    ERR(eventfd(0, 0x40000000), EINVAL);
    ERR(syscall(SYS_eventfd2, 0, 2), EINVAL);
}

static int filled;

/* Makes what waits for it readable, from the second alarm on. */
static void on_second_alarm(int sig)
{
    uint64_t one = 1;
    on_alarm(sig);
    if (alarms == 1)
        alarm_in(50);
    else if (write(filled, &one, 8) != 8)
        alarms = -100;
}

/* A handler ends a read; one with SA_RESTART does not. */
static void interrupted(int fd, const char *what)
{
    uint64_t n[16];
    struct sigaction sa = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &sa, NULL);
    alarms = 0;
    alarm_in(50);
    errno = 0;
    if (read(fd, n, sizeof(n)) != -1 || errno != EINTR || alarms != 1)
        FAIL("%s: read was not ended: errno %d, %d alarms", what, errno, alarms);
    filled = eventfd(0, 0);
    sa = (struct sigaction){.sa_handler = on_second_alarm, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &sa, NULL);
    alarms = 0;
    if (!strcmp(what, "eventfd"))
        filled = fd;
    alarm_in(50);
    if (!strcmp(what, "timerfd")) {
        struct itimerspec its = {{0, 0}, {0, 300000000}};
        OK(timerfd_settime(fd, 0, &its, NULL));
    }
    EQ(read(fd, n, sizeof(n)), 8);
    EQ(n[0], 1);
    EQ(alarms, 2);
}

static void timer_descriptors(void)
{
    uint64_t n;
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    CHECK(fd >= 0);
    struct itimerspec its = {{0, 5000000}, {0, 5000000}}, now;
    ERR(read(fd, &n, 8), EAGAIN);
    OK(timerfd_settime(fd, 0, &its, NULL));
    struct pollfd p = {fd, POLLIN, 0};
    EQ(poll(&p, 1, 2000), 1);
    EQ(read(fd, &n, 8), 8);
    CHECK(n >= 1);
    OK(timerfd_gettime(fd, &now));
    EQ(now.it_interval.tv_nsec, 5000000);
    usleep(30000);
    EQ(read(fd, &n, 8), 8);
    CHECK(n >= 5); /* expirations are counted */
    its = (struct itimerspec){{0, 0}, {0, 0}};
    OK(timerfd_settime(fd, 0, &its, &now));
    EQ(now.it_interval.tv_nsec, 5000000);
    its.it_value.tv_nsec = 1;
    OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL)); /* long past: at once */
    EQ(poll(&p, 1, 2000), 1);
    ERR(read(fd, &n, 7), EINVAL);
    EQ(read(fd, &n, 8), 8);
    EQ(n, 1);
    OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL));
    EQ(poll(&p, 1, 2000), 1);
    ERR(read(fd, BAD, 8), EFAULT); /* and the expiration is gone */
    ERR(read(fd, &n, 8), EAGAIN);
    ERR(write(fd, &n, 8), EINVAL);
    close(fd);
}

static void timer_errors(void)
{
    struct itimerspec its = {{0, 0}, {100, 0}}, now;
    static const clockid_t none[] = {CLOCK_PROCESS_CPUTIME_ID,
                                     CLOCK_THREAD_CPUTIME_ID,
                                     CLOCK_MONOTONIC_RAW,
                                     CLOCK_REALTIME_COARSE,
                                     CLOCK_MONOTONIC_COARSE,
                                     CLOCK_TAI,
                                     99,
                                     -1};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        ERR(timerfd_create(none[i], 0), EINVAL);
    ERR(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
    ERR(timerfd_create(CLOCK_BOOTTIME_ALARM, 0), EPERM); /* wakes the machine */
    int fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC);
    CHECK(fd >= 0);
    ERR(timerfd_settime(0, 0, &its, NULL), EINVAL);
    ERR(timerfd_settime(900, 0, &its, NULL), EBADF);
    ERR(timerfd_settime(900, 0, BAD, NULL), EFAULT);
    ERR(timerfd_settime(900, 4, &its, NULL), EINVAL);
    ERR(timerfd_gettime(0, &now), EINVAL);
    ERR(timerfd_gettime(900, BAD), EBADF);
    ERR(timerfd_gettime(fd, BAD), EFAULT);
    ERR(timerfd_settime(fd, 0, &its, BAD), EFAULT); /* and it is set */
    OK(timerfd_gettime(fd, &now));
    CHECK(now.it_value.tv_sec >= 99);
    its.it_value.tv_nsec = 1000000000;
    ERR(timerfd_settime(fd, 0, &its, NULL), EINVAL);
    its = (struct itimerspec){{-1, 0}, {1, 0}};
    ERR(timerfd_settime(fd, 0, &its, NULL), EINVAL);
    close(fd);
}

static void signal_errors(void)
{
    sigset_t set;
    sigfillset(&set);
    ERR(syscall(SYS_signalfd4, -1, &set, 4, 0), EINVAL);
    ERR(syscall(SYS_signalfd4, -1, BAD, 4, 0), EINVAL);
    ERR(syscall(SYS_signalfd4, -1, BAD, 8, 0x100), EFAULT);
    ERR(syscall(SYS_signalfd4, -1, &set, 8, 0x100), EINVAL);
    int fd = (int)syscall(SYS_signalfd4, -1, &set, 8, SFD_CLOEXEC);
    CHECK(fd >= 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    signal(SIGUSR2, SIG_DFL);
    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGUSR2);
    ERR(read(fd, BAD, 128), EFAULT); /* and the signal is gone */
    sigpending(&set);
    CHECK(!sigismember(&set, SIGUSR2));
    close(fd);
}

int main(void)
{
    signals();
    event_counters();
    timer_descriptors();
    timer_errors();
    signal_errors();
    interrupted(eventfd(0, 0), "eventfd");
    interrupted(timerfd_create(CLOCK_MONOTONIC, 0), "timerfd");
    return done();
}
