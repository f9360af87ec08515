/* epoll.c - fs/eventpoll.c. */
#include "host/poll.h"
#include "linux/fs/fdtable.h"
#include "linux/mm/uaccess.h"
#include "linux/signal/signal.h"
#include "linux/time/time.h"
#include "syscalls_gen.h"

#define EPOLL_CTL_DEL 2
#define EP_MAX_EVENTS (INT32_MAX / (int)sizeof(struct linux_epoll_event))

int64_t sys_epoll_create1(struct task *task, const uint64_t args[6])
{
    return fd_return(task, host_epoll_create1((int)args[0]));
}

int64_t sys_epoll_ctl(struct task *task, const uint64_t args[6])
{
    struct linux_epoll_event event;
    int op = (int)args[1];
    bool has_event = op != EPOLL_CTL_DEL;
    if (has_event && copy_from_user(task, &event, args[3], sizeof(event)))
        return -LINUX_EFAULT;
    if (!fd_is_guest(args[0]) || !fd_is_guest(args[2]))
        return -LINUX_EBADF;
    return host_epoll_ctl((int)args[0], op, (int)args[2], has_event ? &event : NULL);
}

static int64_t wait_events(struct task *task, int epfd, gva_t at, int max,
                           const struct linux_timespec *timeout)
{
    enum { BATCH = 256 };
    struct linux_epoll_event events[BATCH];
    if (max <= 0 || max > EP_MAX_EVENTS)
        return -LINUX_EINVAL;
    if (!user_ptr(task, at, (uint64_t)max * sizeof(events[0])))
        return -LINUX_EFAULT;
    struct linux_timespec deadline, left;
    if (timeout) {
        left = *timeout;
        deadline = timespec_deadline(timeout);
    }
    int n;
    /* A signal that turns out not to be for this task must not show: the call is never restarted.
     */
    while ((n = host_epoll_wait(epfd, events, max < BATCH ? max : BATCH, timeout ? &left : NULL)) ==
               -LINUX_ERESTARTSYS &&
           !signal_check(task)) {
        struct linux_timespec now;
        host_clock_gettime(LINUX_CLOCK_MONOTONIC, &now);
        if (timeout)
            left = timespec_left(deadline, now);
    }
    if (n == -LINUX_ERESTARTSYS)
        return -LINUX_EINTR;
    if (n > 0 && copy_to_user(task, at, events, (size_t)n * sizeof(events[0])))
        return -LINUX_EFAULT;
    return n;
}

static int64_t masked_wait(struct task *task, const uint64_t args[6],
                           const struct linux_timespec *timeout)
{
    int err = signal_mask_enter(task, args[4], args[5]);
    if (err)
        return err;
    int64_t ret = -LINUX_EBADF;
    if (fd_is_guest(args[0]))
        ret = wait_events(task, (int)args[0], args[1], (int)args[2], timeout);
    signal_mask_leave(task, ret == -LINUX_EINTR);
    return ret;
}

int64_t sys_epoll_pwait(struct task *task, const uint64_t args[6])
{
    int32_t ms = (int32_t)args[3];
    struct linux_timespec timeout = {ms / 1000, (int64_t)(ms % 1000) * 1000000};
    return masked_wait(task, args, ms < 0 ? NULL : &timeout);
}

int64_t sys_epoll_pwait2(struct task *task, const uint64_t args[6])
{
    struct linux_timespec timeout;
    if (args[3]) {
        if (copy_from_user(task, &timeout, args[3], sizeof(timeout)))
            return -LINUX_EFAULT;
        if (!timespec_valid(&timeout))
            return -LINUX_EINVAL;
    }
    return masked_wait(task, args, args[3] ? &timeout : NULL);
}
