#include "host/poll.h"

#include <stddef.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#include "host/linux/safe_syscall.h"

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

/*
 * Linux looks at the descriptors first and at signals only when none is ready; the checked window
 * does it the other way round. So an interrupted wait looks once more, without waiting.
 */
int host_poll(struct linux_pollfd *fds, uint32_t count, struct linux_timespec *timeout)
{
    long n = host_syscall_interruptible(SYS_ppoll, fds, count, timeout, 0, 8);
    if (n == -LINUX_ERESTARTSYS) {
        struct linux_timespec zero = {0, 0};
        long ready = host_syscall(SYS_ppoll, fds, count, &zero, 0, 8);
        n = ready > 0 ? ready : n;
    }
    return (int)n;
}

int host_select(int count, void *in, void *out, void *ex, struct linux_timespec *timeout)
{
    struct linux_pollfd fd;
    long n = host_syscall_interruptible(SYS_pselect6, count, in, out, ex, timeout, 0);
    if (n != -LINUX_ERESTARTSYS)
        return (int)n;
    /* An interrupted select leaves the sets alone; one that finds nothing clears them: so look by
     * poll first. */
    for (int i = 0; i < count; i++) {
        const uint64_t bit = 1ull << (i % 64);
        const uint64_t *sets[3] = {in, out, ex};
        static const int16_t events[3] = {LINUX_POLLIN, LINUX_POLLOUT, LINUX_POLLPRI};
        fd = (struct linux_pollfd){.fd = i};
        for (int k = 0; k < 3; k++) {
            if (sets[k] && (sets[k][i / 64] & bit))
                fd.events |= events[k];
        }
        struct linux_timespec zero = {0, 0};
        if (fd.events && host_syscall(SYS_ppoll, &fd, 1, &zero, 0, 8) > 0)
            return (int)host_syscall(SYS_pselect6, count, in, out, ex, &zero, 0);
    }
    return (int)n;
}

int host_epoll_create1(int flags)
{
    return (int)host_syscall(SYS_epoll_create1, flags);
}

int host_epoll_ctl(int epfd, int op, int fd, const struct linux_epoll_event *event)
{
    struct epoll_event ev = {0};
    if (event) {
        ev.events = event->events;
        ev.data.u64 = event->data;
    }
    return (int)host_syscall(SYS_epoll_ctl, epfd, op, fd, event ? &ev : NULL);
}

/* Before Linux 5.11 there is no nanosecond timeout: rounded up, never woken early. */
static int timeout_ms(const struct linux_timespec *timeout)
{
    if (!timeout)
        return -1;
    if (timeout->tv_sec >= INT32_MAX / 1000)
        return INT32_MAX;
    return (int)(timeout->tv_sec * 1000 + (timeout->tv_nsec + 999999) / 1000000);
}

int host_epoll_wait(int epfd, struct linux_epoll_event *events, int max,
                    const struct linux_timespec *timeout)
{
    enum { BATCH = 256 };
    struct epoll_event batch[BATCH];
    if (max > BATCH)
        max = BATCH;
    long n = -LINUX_ENOSYS;
    /* Whole milliseconds go the way that every host has. */
    if (timeout && timeout->tv_nsec % 1000000)
        n = host_syscall_interruptible(SYS_epoll_pwait2, epfd, batch, max, timeout, 0, 8);
    if (n == -LINUX_ENOSYS)
        n = host_syscall_interruptible(SYS_epoll_pwait, epfd, batch, max, timeout_ms(timeout), 0,
                                       8);
    if (n == -LINUX_ERESTARTSYS) {
        long ready = host_syscall(SYS_epoll_pwait, epfd, batch, max, 0, 0, 8);
        n = ready > 0 ? ready : n;
    }
    for (long i = 0; i < n; i++) {
        events[i].events = batch[i].events;
        events[i].pad = 0;
        events[i].data = batch[i].data.u64;
    }
    return (int)n;
}

int host_eventfd(uint32_t value, int flags)
{
    return (int)host_syscall(SYS_eventfd2, value, flags);
}
