/* sched.c - scheduling of threads: a guest thread is a host thread, so the host's scheduler
 * decides. */
#include <stdlib.h>

#include "host/system.h"
#include "linux/mm/uaccess.h"
#include "linux/process/priority.h"
#include "linux/process/task.h"
#include "linux/signal/signal.h"
#include "syscalls_gen.h"

/* Host number of the thread that a call names; pid 0 is the caller. */
static int32_t named(struct task *task, uint64_t pid)
{
    return task_host_tid(task, (int32_t)pid);
}

/* The same for who may change it. */
static int32_t changeable(struct task *task, uint64_t pid)
{
    int32_t tid = named(task, pid);
    const struct pid_entry *owner = priority_owner(task->proc, (int32_t)pid);
    if (tid >= 0 && owner && !priority_may_change(task->proc, owner))
        return -LINUX_EPERM;
    return tid;
}

int64_t sys_sched_yield(struct task *task, const uint64_t args[6])
{
    (void)task;
    (void)args;
    return host_sched_yield();
}

int64_t sys_sched_getscheduler(struct task *task, const uint64_t args[6])
{
    if ((int32_t)args[0] < 0)
        return -LINUX_EINVAL;
    int32_t tid = named(task, args[0]);
    return tid < 0 ? tid : host_sched_getscheduler(tid);
}

int64_t sys_sched_setscheduler(struct task *task, const uint64_t args[6])
{
    int32_t param;
    if ((int32_t)args[1] < 0 || (int32_t)args[0] < 0 || !args[2])
        return -LINUX_EINVAL;
    if (copy_from_user(task, &param, args[2], sizeof(param)))
        return -LINUX_EFAULT;
    int32_t tid = changeable(task, args[0]);
    return tid < 0 ? tid : host_sched_setscheduler(tid, (int)args[1], &param);
}

int64_t sys_sched_getparam(struct task *task, const uint64_t args[6])
{
    int32_t param;
    if ((int32_t)args[0] < 0 || !args[1])
        return -LINUX_EINVAL;
    int32_t tid = named(task, args[0]);
    int err = tid < 0 ? tid : host_sched_getparam(tid, &param);
    if (!err && copy_to_user(task, args[1], &param, sizeof(param)))
        err = -LINUX_EFAULT;
    return err;
}

int64_t sys_sched_setparam(struct task *task, const uint64_t args[6])
{
    int32_t param;
    if ((int32_t)args[0] < 0 || !args[1])
        return -LINUX_EINVAL;
    if (copy_from_user(task, &param, args[1], sizeof(param)))
        return -LINUX_EFAULT;
    int32_t tid = changeable(task, args[0]);
    return tid < 0 ? tid : host_sched_setparam(tid, &param);
}

/* Enough for 8192 CPUs, the most that a Linux kernel is built for. */
#define CPU_MASK_BYTES 1024

int64_t sys_sched_getaffinity(struct task *task, const uint64_t args[6])
{
    uint64_t mask[CPU_MASK_BYTES / 8];
    uint32_t size = (uint32_t)args[1];
    if (size % 8)
        return -LINUX_EINVAL;
    int32_t tid = named(task, args[0]);
    if (tid < 0)
        return tid;
    int64_t n = host_sched_getaffinity(tid, size < sizeof(mask) ? size : sizeof(mask), mask);
    if (n > 0 && copy_to_user(task, args[2], mask, (size_t)n))
        return -LINUX_EFAULT;
    return n;
}

int64_t sys_sched_setaffinity(struct task *task, const uint64_t args[6])
{
    uint64_t mask[CPU_MASK_BYTES / 8] = {0};
    uint32_t size = (uint32_t)args[1];
    if (size > sizeof(mask))
        size = sizeof(mask);
    if (copy_from_user(task, mask, args[2], size))
        return -LINUX_EFAULT;
    int32_t tid = changeable(task, args[0]);
    return tid < 0 ? tid : host_sched_setaffinity(tid, size, mask);
}

int64_t sys_sched_get_priority_max(struct task *task, const uint64_t args[6])
{
    (void)task;
    return host_sched_priority_max((int)args[0]);
}

int64_t sys_sched_get_priority_min(struct task *task, const uint64_t args[6])
{
    (void)task;
    return host_sched_priority_min((int)args[0]);
}

int64_t sys_sched_rr_get_interval(struct task *task, const uint64_t args[6])
{
    struct linux_timespec ts;
    if ((int32_t)args[0] < 0)
        return -LINUX_EINVAL;
    int32_t tid = named(task, args[0]);
    int err = tid < 0 ? tid : host_sched_rr_get_interval(tid, &ts);
    if (!err && copy_to_user(task, args[1], &ts, sizeof(ts)))
        err = -LINUX_EFAULT;
    return err;
}

#define SCHED_ATTR_SIZE_VER0 48
#define SCHED_ATTR_SIZE      56
#define SCHED_ATTR_MOST      4096 /* a page */

int64_t sys_sched_getattr(struct task *task, const uint64_t args[6])
{
    uint32_t attr[SCHED_ATTR_SIZE / 4] = {0};
    uint32_t size = (uint32_t)args[2];
    if (!args[1] || (int32_t)args[0] < 0 || size > 4096 || size < SCHED_ATTR_SIZE_VER0 ||
        (uint32_t)args[3])
        return -LINUX_EINVAL;
    int32_t tid = named(task, args[0]);
    if (tid < 0)
        return tid;
    if (size > SCHED_ATTR_SIZE)
        size = SCHED_ATTR_SIZE;
    int err = host_sched_getattr(tid, attr, size, 0);
    if (!err && copy_to_user(task, args[1], attr, size))
        err = -LINUX_EFAULT;
    return err;
}

/* sched_copy_attr(): of this size or of one that is zero behind what is known. */
static int read_attr(struct task *task, gva_t at, uint32_t attr[SCHED_ATTR_SIZE / 4])
{
    uint32_t size;
    if (get_user_u32(task, &size, at))
        return -LINUX_EFAULT;
    if (!size)
        size = SCHED_ATTR_SIZE_VER0;
    bool known = size >= SCHED_ATTR_SIZE_VER0 && size <= SCHED_ATTR_MOST;
    for (uint32_t i = SCHED_ATTR_SIZE; known && i < size; i++) {
        uint8_t more;
        if (copy_from_user(task, &more, at + i, 1))
            return -LINUX_EFAULT;
        known = !more;
    }
    if (!known)
        return put_user_u32(task, at, SCHED_ATTR_SIZE) ? -LINUX_EFAULT : -LINUX_E2BIG;
    if (size > SCHED_ATTR_SIZE)
        size = SCHED_ATTR_SIZE;
    if (copy_from_user(task, attr, at, size))
        return -LINUX_EFAULT;
    attr[0] = size;
    return 0;
}

int64_t sys_sched_setattr(struct task *task, const uint64_t args[6])
{
    uint32_t attr[SCHED_ATTR_SIZE / 4] = {0};
    if (!args[1] || (int32_t)args[0] < 0 || (uint32_t)args[2])
        return -LINUX_EINVAL;
    int err = read_attr(task, args[1], attr);
    if (err)
        return err;
    if ((int32_t)attr[1] < 0) /* the policy */
        return -LINUX_EINVAL;
    int32_t tid = changeable(task, args[0]);
    return tid < 0 ? tid : host_sched_setattr(tid, attr, 0);
}
