/* events.c - waiting for descriptors, clocks and timers. */
#include "calls.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

static void descriptors(void)
{
    int p[2], ep = (int)CALL(epoll_create1, EPOLL_CLOEXEC);
    uint64_t mask = 1ull << (SIGINT - 1) | 1ull << (SIGRTMIN + 1);
    struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.u64 = 77}, got[4];
    CALL(pipe2, p, 0);
    CALL(epoll_ctl, ep, EPOLL_CTL_ADD, p[0], &ev);
    CALL(epoll_ctl, ep, EPOLL_CTL_MOD, p[1], &ev);
    CALL(epoll_ctl, ep, 9, -1, NULL);
    CALL(epoll_pwait, ep, got, 4, 0, NULL, 8);
    CALL(write, p[1], "x", 1);
    CALL(epoll_pwait, ep, got, 4, 0, &mask, 8);
    CALL(epoll_ctl, ep, EPOLL_CTL_DEL, p[0], &ev);

    struct pollfd fds[] = {{p[0], POLLIN | POLLOUT, 0}, {-1, POLLIN, 0}, {999, POLLPRI, 0}};
    struct timespec timeout = {0, 0};
    CALL(ppoll, fds, 3, &timeout, &mask, 8);
    CALL(ppoll, fds, 1, NULL, NULL, 8);
    CALL(ppoll, fds + 1, 1, &timeout, NULL, 8);
    CALL(ppoll, (void *)8, 1, NULL, NULL, 8);
    fd_set set;
    struct {
        void *mask;
        size_t size;
    } sized = {&mask, 8};
    FD_ZERO(&set);
    FD_SET(p[0], &set);
    FD_SET(p[1], &set);
    CALL(pselect6, 64, &set, NULL, NULL, NULL, &sized);
    FD_ZERO(&set);
    CALL(pselect6, 64, NULL, &set, NULL, &timeout, NULL);

    CALL(eventfd2, 3, EFD_CLOEXEC | EFD_SEMAPHORE);
    CALL(signalfd4, -1, &mask, 8, SFD_NONBLOCK);
    int in = (int)CALL(inotify_init1, IN_CLOEXEC);
    CALL(inotify_add_watch, in, "nowhere", IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
}

static void clocks(void)
{
    struct timespec ts = {0, 10};
    struct itimerspec its = {{0, 0}, {100, 5}}, old;
    struct itimerval itv = {{0, 0}, {100, 0}}, old_itv;
    int fd = (int)CALL(timerfd_create, CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), timer;
    CALL(timerfd_settime, fd, 0, &its, &old);
    CALL(timerfd_settime, fd, TFD_TIMER_ABSTIME, &its, NULL);
    CALL(timerfd_gettime, -1, &old);
    CALL(clock_nanosleep, CLOCK_MONOTONIC, 0, &ts, NULL);
    CALL(clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &ts, &ts);
    CALL(clock_nanosleep, 99, 0, &ts, NULL);
    CALL(nanosleep, &ts, NULL);
    CALL(nanosleep, (void *)8, NULL);
    CALL(clock_gettime, CLOCK_BOOTTIME, NULL);
    CALL(setitimer, ITIMER_REAL, &itv, &old_itv);
    CALL(setitimer, ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, NULL);
    CALL(getitimer, ITIMER_VIRTUAL, &old_itv);
    CALL(getitimer, 9, NULL);
    struct sigevent se = {
        .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_ptr = (void *)7};
    CALL(timer_create, CLOCK_REALTIME, &se, &timer);
    CALL(timer_settime, timer, 0, &its, &old);
    CALL(timer_getoverrun, timer);
    CALL(timer_delete, timer);
    se.sigev_notify = SIGEV_NONE;
    CALL(timer_create, 99, &se, &timer);
}

int main(void)
{
    begin();
    descriptors();
    clocks();
    end();
    return 0;
}
