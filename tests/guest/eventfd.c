/* guest-test: reference=qemu */
/* eventfd, timerfd, signalfd. */
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>

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

int main(void)
{
    signals();
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
    close(fd);
    fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
    EQ(read(fd, &n, 8), 8);
    EQ(n, 1);
    close(fd);
    ERR(eventfd(0, 0x40000000), EINVAL);

    fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
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
    its = (struct itimerspec){{0, 0}, {0, 0}};
    OK(timerfd_settime(fd, 0, &its, &now));
    EQ(now.it_interval.tv_nsec, 5000000);
    ERR(timerfd_settime(0, 0, &its, NULL), EINVAL);
    ERR(timerfd_settime(900, 0, &its, NULL), EBADF);
    ERR(timerfd_create(99, 0), EINVAL);
    return done();
}
