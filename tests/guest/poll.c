/* guest-test: flags=-D_GNU_SOURCE */
/* ppoll, pselect6 and epoll: readiness, timeouts, masks, interruption, errors. */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/time.h>
#include <time.h>

#include "guest.h"

static volatile int alarms;

static void on_alarm(int sig)
{
    (void)sig;
    alarms++;
}

static void alarm_in(int ms)
{
    struct itimerval it = {{0, 0}, {0, ms * 1000}};
    setitimer(ITIMER_REAL, &it, NULL);
}

static void polls(int r, int w)
{
    struct pollfd p[3] = {{r, POLLIN, 0}, {w, POLLOUT, 0}, {-1, POLLIN, 7}};
    EQ(poll(p, 3, 0), 1);
    EQ(p[0].revents, 0);
    EQ(p[1].revents, POLLOUT);
    EQ(p[2].revents, 0);
    struct pollfd closed = {900, POLLIN, 0};
    EQ(poll(&closed, 1, 1000), 1);
    EQ(closed.revents, POLLNVAL);
    EQ(poll(p, 1, 10), 0);
    struct timespec ts = {0, 10000000};
    EQ(syscall(SYS_ppoll, p, 1, &ts, NULL, 8), 0);
    EQ(ts.tv_nsec, 0);
    ts.tv_nsec = -1;
    ERR(syscall(SYS_ppoll, p, 1, &ts, NULL, 8), EINVAL);
    ERR(syscall(SYS_ppoll, (void *)8, 1, NULL, NULL, 8), EFAULT);
    ERR(syscall(SYS_ppoll, p, 0x7fffffff, NULL, NULL, 8), EINVAL);

    alarm_in(20);
    ERR(poll(p, 1, 5000), EINTR);
    EQ(alarms, 1);

    sigset_t block, none;
    sigemptyset(&none);
    sigemptyset(&block);
    sigaddset(&block, SIGALRM);
    sigprocmask(SIG_BLOCK, &block, NULL);
    alarm_in(1);
    usleep(20000);
    EQ(alarms, 1);
    ts = (struct timespec){5, 0};
    ERR(ppoll(p, 1, &ts, &none), EINTR);
    EQ(alarms, 2);
    alarm_in(1);
    usleep(20000);
    ERR(pselect(r + 1, NULL, NULL, NULL, NULL, &none), EINTR);
    EQ(alarms, 3);
    sigprocmask(SIG_BLOCK, NULL, &none);
    CHECK(sigismember(&none, SIGALRM)); /* the old mask is back */
    /* A ready descriptor comes before a signal that the mask would let through. */
    sigemptyset(&none);
    alarm_in(1);
    usleep(20000);
    EQ(ppoll(&p[1], 1, &ts, &none), 1);
    fd_set out;
    FD_ZERO(&out);
    FD_SET(w, &out);
    EQ(pselect(w + 1, NULL, &out, NULL, NULL, &none), 1);
    EQ(alarms, 3);
    sigprocmask(SIG_UNBLOCK, &block, NULL);
    EQ(alarms, 4);
}

static void selects(int r, int w)
{
    fd_set in, out;
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(r, &in);
    FD_SET(w, &out);
    struct timeval tv = {0, 0};
    EQ(select(w + 1, &in, &out, NULL, &tv), 1);
    CHECK(!FD_ISSET(r, &in) && FD_ISSET(w, &out));
    FD_SET(50,
           &in); /* beyond 64 descriptors, Linux looks at those only that its table has room for */
    ERR(select(51, &in, NULL, NULL, NULL), EBADF);
    ERR(syscall(SYS_pselect6, -1, NULL, NULL, NULL, NULL, NULL), EINVAL);
}

static void epolls(int r, int w)
{
    int ep = epoll_create1(EPOLL_CLOEXEC);
    CHECK(ep >= 0);
    struct epoll_event ev = {EPOLLIN, {.u64 = 0x123456789abcdefull}}, got[4];
    OK(epoll_ctl(ep, EPOLL_CTL_ADD, r, &ev));
    ERR(epoll_ctl(ep, EPOLL_CTL_ADD, r, &ev), EEXIST);
    ERR(epoll_ctl(ep, EPOLL_CTL_ADD, 900, &ev), EBADF);
    ERR(epoll_ctl(ep, EPOLL_CTL_MOD, w, &ev), ENOENT);
    ERR(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &ev), EINVAL);
    EQ(epoll_wait(ep, got, 4, 0), 0);
    EQ(write(w, "x", 1), 1);
    EQ(epoll_wait(ep, got, 4, 1000), 1);
    EQ(got[0].events, EPOLLIN);
    EQ(got[0].data.u64, 0x123456789abcdefull);
    char c;
    EQ(read(r, &c, 1), 1);
    ERR(epoll_wait(ep, got, 0, 0), EINVAL);
    ERR(epoll_wait(w, got, 1, 0), EINVAL);
    ERR(epoll_wait(900, got, 1, 0), EBADF);
    alarms = 0;
    alarm_in(20);
    ERR(epoll_wait(ep, got, 4, 5000), EINTR);
    EQ(alarms, 1);
    EQ(epoll_wait(ep, got, 4, 15), 0);
    struct timespec ts = {0, 2500000};
    EQ(syscall(441, ep, got, 4, &ts, NULL, 8), 0);
    OK(epoll_ctl(ep, EPOLL_CTL_DEL, r, NULL));
    close(ep);
    ERR(epoll_create1(77), EINVAL);
}

int main(void)
{
    int fds[2];
    struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &sa, NULL);
    OK(pipe(fds));
    polls(fds[0], fds[1]);
    selects(fds[0], fds[1]);
    epolls(fds[0], fds[1]);
    return done();
}
