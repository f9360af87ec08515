/* epoll: readiness of each kind, sets within sets, masks, interruption, errors. */
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <time.h>

#include "alarm.h"
#include "guest.h"

#define BAD     ((void *)8)
#define PWAIT2  441
#define PER_ONE sizeof(struct epoll_event)

static int add(int ep, int fd, unsigned events, uint64_t data)
{
    struct epoll_event ev = {events, {.u64 = data}};
    return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
}

static int change(int ep, int fd, unsigned events)
{
    struct epoll_event ev = {events, {.u64 = (uint64_t)fd}};
    return epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev);
}

static int ready(int ep)
{
    struct epoll_event got[8];
    return epoll_wait(ep, got, 8, 0);
}

static long pwait(int ep, void *events, int max, int timeout, void *mask, size_t size)
{
    return syscall(SYS_epoll_pwait, ep, events, max, timeout, mask, size);
}

static void control_errors(int r, int w)
{
    int ep = epoll_create1(EPOLL_CLOEXEC), file = open("epoll-file", O_RDWR | O_CREAT, 0600);
    CHECK(fcntl(ep, F_GETFD) == FD_CLOEXEC);
    ERR(epoll_create1(77), EINVAL);
    ERR(epoll_create1(1), EINVAL);
    OK(add(ep, r, EPOLLIN, 0));
    ERR(add(ep, r, EPOLLIN, 0), EEXIST);
    ERR(add(ep, 900, EPOLLIN, 0), EBADF);
    ERR(add(900, r, EPOLLIN, 0), EBADF);
    ERR(add(ep, ep, EPOLLIN, 0), EINVAL);
    ERR(add(r, w, EPOLLIN, 0), EINVAL);
    ERR(add(ep, file, EPOLLIN, 0), EPERM); /* always ready: nothing to wait for */
    ERR(change(ep, w, EPOLLIN), ENOENT);
    ERR(epoll_ctl(ep, EPOLL_CTL_DEL, w, NULL), ENOENT);
    ERR(epoll_ctl(ep, EPOLL_CTL_ADD, w, NULL), EFAULT);
    ERR(epoll_ctl(900, EPOLL_CTL_MOD, 900, BAD), EFAULT);
    ERR(epoll_ctl(900, EPOLL_CTL_DEL, 900, BAD), EBADF);
    struct epoll_event ev = {EPOLLIN, {.u64 = 0}};
    ERR(epoll_ctl(ep, 9, r, &ev), EINVAL);
    ERR(add(ep, w, EPOLLOUT | EPOLLEXCLUSIVE | EPOLLONESHOT, 0), EINVAL);
    ERR(change(ep, r, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
    OK(add(ep, w, EPOLLOUT | EPOLLEXCLUSIVE, 0));
    ERR(change(ep, w, EPOLLOUT), EINVAL); /* what is exclusive stays as it is */
    int inner = epoll_create1(0);
    ERR(add(ep, inner, EPOLLIN | EPOLLEXCLUSIVE, 0), EINVAL);
    OK(add(ep, inner, EPOLLIN, 0));
    ERR(add(inner, ep, EPOLLIN, 0), ELOOP);
    close(inner);
    close(ep);
    close(file);
    unlink("epoll-file");
}

static void wait_errors(int r)
{
    struct epoll_event got[4];
    struct timespec bad = {0, 1000000000}, zero = {0, 0};
    sigset_t none;
    sigemptyset(&none);
    int ep = epoll_create1(0);
    ERR(pwait(ep, got, 0, 0, NULL, 8), EINVAL);
    ERR(pwait(ep, got, -1, 0, NULL, 8), EINVAL);
    ERR(pwait(ep, got, (int)(0x7fffffff / PER_ONE) + 1, 0, NULL, 8), EINVAL);
    EQ(pwait(ep, BAD, 1, 0, NULL, 8), 0);
    ERR(pwait(ep, (void *)-8l, 1, 0, NULL, 8), EFAULT);
    ERR(pwait(r, got, 1, 0, NULL, 8), EINVAL);
    ERR(pwait(900, got, 1, 0, NULL, 8), EBADF);
    ERR(pwait(900, got, 0, 0, NULL, 8), EINVAL);
    ERR(pwait(900, got, 0, 0, BAD, 8), EFAULT);
    ERR(pwait(900, got, 0, 0, &none, 4), EINVAL);
    EQ(pwait(ep, got, 1, 0, NULL, 4), 0);
    ERR(syscall(PWAIT2, ep, got, 1, &bad, NULL, 8), EINVAL);
    ERR(syscall(PWAIT2, 900, got, 1, BAD, NULL, 8), EFAULT);
    ERR(syscall(PWAIT2, 900, got, 1, &zero, NULL, 8), EBADF);
    EQ(syscall(PWAIT2, ep, got, 1, &zero, &none, 8), 0);
    close(ep);
}

static void kinds(int r, int w)
{
    struct epoll_event got[4];
    char c;
    int ep = epoll_create1(0);
    OK(add(ep, r, EPOLLIN, 0x123456789abcdefull));
    EQ(ready(ep), 0);
    EQ(write(w, "x", 1), 1);
    EQ(epoll_wait(ep, got, 4, 1000), 1);
    EQ(got[0].events, EPOLLIN);
    EQ(got[0].data.u64, 0x123456789abcdefull);
    EQ(ready(ep), 1); /* as long as it is so */
    ERR(pwait(ep, BAD, 1, 0, NULL, 8), EFAULT);
    EQ(ready(ep), 1); /* and that is not lost */
    OK(change(ep, r, EPOLLIN | EPOLLET));
    EQ(ready(ep), 1);
    EQ(ready(ep), 0); /* once for each change */
    EQ(write(w, "y", 1), 1);
    EQ(ready(ep), 1);
    EQ(ready(ep), 0);
    OK(change(ep, r, EPOLLIN | EPOLLONESHOT));
    EQ(ready(ep), 1);
    EQ(write(w, "z", 1), 1);
    EQ(ready(ep), 0); /* until it is armed again */
    OK(change(ep, r, EPOLLIN));
    EQ(ready(ep), 1);
    OK(change(ep, r, 0));
    EQ(ready(ep), 0);
    for (int i = 0; i < 3; i++)
        EQ(read(r, &c, 1), 1);
    OK(epoll_ctl(ep, EPOLL_CTL_DEL, r, NULL));
    /* More than there is room for comes in turns. */
    int copy = dup(w);
    OK(add(ep, w, EPOLLOUT, 1));
    OK(add(ep, copy, EPOLLOUT, 2));
    EQ(epoll_wait(ep, got, 1, 0), 1);
    uint64_t first = got[0].data.u64;
    EQ(epoll_wait(ep, got, 1, 0), 1);
    EQ(got[0].data.u64, 3 - first);
    EQ(ready(ep), 2);
    close(copy); /* the file is open yet, through another descriptor */
    EQ(ready(ep), 2);
    close(ep);
}

static void ends(void)
{
    struct epoll_event got[2];
    int fds[2], ep = epoll_create1(0);
    OK(pipe(fds));
    OK(add(ep, fds[0], 0, 5)); /* a hang-up is told without being asked for */
    EQ(ready(ep), 0);
    close(fds[1]);
    EQ(epoll_wait(ep, got, 2, 0), 1);
    EQ(got[0].events, EPOLLHUP);
    close(fds[0]); /* closed for good: gone from the set */
    EQ(ready(ep), 0);
    close(ep);
}

static void nested(int r, int w)
{
    char c;
    int outer = epoll_create1(0), inner = epoll_create1(0);
    OK(add(inner, r, EPOLLIN, 1));
    OK(add(outer, inner, EPOLLIN, 2));
    EQ(ready(outer), 0);
    EQ(write(w, "x", 1), 1);
    EQ(ready(outer), 1);
    EQ(ready(inner), 1);
    EQ(read(r, &c, 1), 1);
    EQ(ready(outer), 0);
    close(inner);
    close(outer);
}

/* A handler ends the wait, also one with SA_RESTART; the mask holds for its duration. */
static void interrupted(int r)
{
    struct epoll_event got[4];
    struct timespec lots = {5, 0}, ts = {0, 2500000};
    sigset_t block, none, now;
    int ep = epoll_create1(0);
    OK(add(ep, r, EPOLLIN, 0));
    for (int flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
        struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = flags};
        sigaction(SIGALRM, &sa, NULL);
        alarms = 0;
        alarm_in(50);
        ERR(epoll_wait(ep, got, 4, 5000), EINTR);
        alarm_in(50);
        ERR(epoll_wait(ep, got, 4, -1), EINTR);
        alarm_in(50);
        ERR(syscall(PWAIT2, ep, got, 4, &lots, NULL, 8), EINTR);
        EQ(alarms, 3);
    }
    sigemptyset(&none);
    sigemptyset(&block);
    sigaddset(&block, SIGALRM);
    sigprocmask(SIG_BLOCK, &block, NULL);
    alarms = 0;
    alarm_in(1);
    EQ(epoll_wait(ep, got, 4, 50), 0);
    EQ(alarms, 0);
    ERR(pwait(ep, got, 4, 5000, &none, 8), EINTR);
    EQ(alarms, 1);
    sigprocmask(SIG_BLOCK, NULL, &now);
    CHECK(sigismember(&now, SIGALRM));
    sigprocmask(SIG_UNBLOCK, &block, NULL);
    signal(SIGALRM, SIG_IGN);
    alarm_in(10);
    EQ(epoll_wait(ep, got, 4, 60), 0);
    EQ(syscall(PWAIT2, ep, got, 4, &ts, NULL, 8), 0);
    close(ep);
}

int main(void)
{
    int fds[2];
    OK(pipe(fds));
    control_errors(fds[0], fds[1]);
    wait_errors(fds[0]);
    kinds(fds[0], fds[1]);
    ends();
    nested(fds[0], fds[1]);
    interrupted(fds[0]);
    return done();
}
