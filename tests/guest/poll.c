/* guest-test: flags=-D_GNU_SOURCE */
/* ppoll and pselect6: readiness, timeouts, masks, interruption, errors. */
#include <poll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/time.h>
#include <time.h>

#include "alarm.h"
#include "guest.h"

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

#define BAD ((void *)8)

static long do_ppoll(void *fds, unsigned n, void *timeout, void *mask, size_t size)
{
    return syscall(SYS_ppoll, fds, n, timeout, mask, size);
}

static void poll_errors(int r)
{
    struct pollfd p = {r, POLLIN, 0};
    struct timespec zero = {0, 0}, bad = {0, 1000000000}, negative = {-1, 0};
    sigset_t none;
    sigemptyset(&none);
    ERR(do_ppoll(&p, 1, BAD, NULL, 8), EFAULT);
    ERR(do_ppoll(&p, 1, &bad, BAD, 8), EINVAL);
    ERR(do_ppoll(&p, 1, &negative, NULL, 8), EINVAL);
    ERR(do_ppoll(BAD, 1, &zero, BAD, 8), EFAULT);
    ERR(do_ppoll(BAD, 1, &zero, &none, 4), EINVAL);
    EQ(do_ppoll(&p, 1, &zero, NULL, 4), 0); /* no mask of no size */
    EQ(do_ppoll(BAD, 0, &zero, &none, 8), 0);
    struct rlimit limit;
    OK(getrlimit(RLIMIT_NOFILE, &limit));
    ERR(do_ppoll(BAD, (unsigned)limit.rlim_cur + 1, &zero, NULL, 8), EINVAL);
    ERR(do_ppoll(BAD, (unsigned)limit.rlim_cur, &zero, NULL, 8), EFAULT);
    p.fd = r;
    p.events = 0;
    p.revents = 77;
    EQ(do_ppoll(&p, 1, &zero, NULL, 8), 0);
    EQ(p.revents, 0);
}

static long do_pselect(int n, void *in, void *timeout, void *mask)
{
    return syscall(SYS_pselect6, n, in, NULL, NULL, timeout, mask);
}

static void select_errors(int r)
{
    struct timespec zero = {0, 0}, bad = {0, -1};
    sigset_t none;
    fd_set in;
    sigemptyset(&none);
    struct {
        const void *mask;
        size_t size;
    } good = {&none, 8}, small = {&none, 4}, gone = {BAD, 8}, no_mask = {NULL, 4};
    FD_ZERO(&in);
    FD_SET(r, &in);
    ERR(do_pselect(-1, &in, &bad, BAD), EFAULT);
    ERR(do_pselect(-1, &in, &bad, &small), EINVAL);
    ERR(do_pselect(-1, &in, &zero, &gone), EFAULT);
    ERR(do_pselect(-1, &in, &zero, &small), EINVAL);
    ERR(do_pselect(-1, &in, &zero, &good), EINVAL);
    ERR(do_pselect(r + 1, BAD, &zero, &good), EFAULT);
    ERR(do_pselect(r + 1, &in, BAD, &good), EFAULT);
    EQ(do_pselect(r + 1, &in, &zero, &no_mask), 0);
    CHECK(!FD_ISSET(r, &in));
    EQ(do_pselect(0, BAD, &zero, NULL), 0);
}

/* What is left of the time is told; an ignored signal leaves the rest to wait for. */
static void time_left(int r)
{
    struct pollfd p = {r, POLLIN, 0};
    struct timespec t = {5, 0}, before, after;
    alarm_in(50);
    ERR(do_ppoll(&p, 1, &t, NULL, 8), EINTR);
    CHECK(t.tv_sec == 4 && t.tv_nsec > 0);
    t = (struct timespec){5, 0};
    alarm_in(50);
    ERR(do_pselect(0, NULL, &t, NULL), EINTR);
    CHECK(t.tv_sec == 4 && t.tv_nsec > 0);
    signal(SIGALRM, SIG_IGN);
    t = (struct timespec){0, 80000000};
    clock_gettime(CLOCK_MONOTONIC, &before);
    alarm_in(20);
    EQ(do_ppoll(&p, 1, &t, NULL, 8), 0);
    clock_gettime(CLOCK_MONOTONIC, &after);
    long long passed =
        (after.tv_sec - before.tv_sec) * 1000000000ll + after.tv_nsec - before.tv_nsec;
    CHECK(passed >= 80000000);
    EQ(t.tv_sec + t.tv_nsec, 0);
}

int main(void)
{
    int fds[2];
    struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &sa, NULL);
    OK(pipe(fds));
    polls(fds[0], fds[1]);
    selects(fds[0], fds[1]);
    poll_errors(fds[0]);
    select_errors(fds[0]);
    time_left(fds[0]);
    return done();
}
