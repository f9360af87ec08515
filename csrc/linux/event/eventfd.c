/* eventfd.c - eventfd and timerfd: the host's own, which read and write like any descriptor. */
#include "host/poll.h"
#include "host/time.h"
#include "linux/fs/fdtable.h"
#include "linux/mm/uaccess.h"
#include "syscalls_gen.h"

int64_t sys_eventfd2(struct task *task, const uint64_t args[6])
{
    return fd_return(task, host_eventfd((uint32_t)args[0], (int)args[1]));
}

int64_t sys_timerfd_create(struct task *task, const uint64_t args[6])
{
    return fd_return(task, host_timerfd_create((int32_t)args[0], (int)args[1]));
}

int64_t sys_timerfd_settime(struct task *task, const uint64_t args[6])
{
    struct linux_itimerspec value, old;
    if (copy_from_user(task, &value, args[2], sizeof(value)))
        return -LINUX_EFAULT;
    int err =
        host_timerfd_settime(fd_or_none(args[0]), (int)args[1], &value, args[3] ? &old : NULL);
    if (!err && args[3] && copy_to_user(task, args[3], &old, sizeof(old)))
        err = -LINUX_EFAULT;
    return err;
}

int64_t sys_timerfd_gettime(struct task *task, const uint64_t args[6])
{
    struct linux_itimerspec value;
    if (!fd_is_guest(args[0]))
        return -LINUX_EBADF;
    int err = host_timerfd_gettime((int)args[0], &value);
    if (!err && copy_to_user(task, args[1], &value, sizeof(value)))
        err = -LINUX_EFAULT;
    return err;
}
