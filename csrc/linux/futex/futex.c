/*
 * futex.c - futex(2). A guest word is a host word at the same alignment, so waiting and waking are
 * the host's; what is done here is what involves numbers of threads, which are the guest's own.
 */
#include "host/futex.h"

#include "host/time.h"
#include "linux/abi/futex.h"
#include "linux/futex/futex.h"
#include "linux/mm/uaccess.h"
#include "linux/process/task.h"
#include "linux/signal/signal.h"
#include "linux/time/time.h"
#include "syscalls_gen.h"

int futex_word(struct task *task, gva_t addr, void **ptr)
{
    if (addr % 4)
        return -LINUX_EINVAL;
    *ptr = user_ptr(task, addr, 4);
    return *ptr ? 0 : -LINUX_EFAULT;
}

/* args: word, op flags, value, bitset, deadline (seconds, nanoseconds; no deadline: nanoseconds
 * -1). */
static int64_t wait_on(struct task *task, const uint64_t args[6])
{
    void *ptr;
    int err = futex_word(task, args[0], &ptr);
    if (err)
        return err;
    struct linux_timespec deadline = {(int64_t)args[4], (int64_t)args[5]};
    bool timed = deadline.tv_nsec >= 0;
    err = host_futex_wait(ptr, (uint32_t)args[1], (uint32_t)args[2], timed ? &deadline : NULL,
                          (uint32_t)args[3]);
    /* futex_wait(): without a timeout the call starts anew, with one it goes on towards the same
     * end. */
    if (err == -LINUX_ERESTARTSYS && timed)
        return task_restart(task, wait_on, args);
    return err;
}

int futex_deadline(struct task *task, gva_t at, struct linux_timespec *deadline)
{
    *deadline = (struct linux_timespec){0, -1};
    if (!at)
        return 0;
    if (copy_from_user(task, deadline, at, sizeof(*deadline)))
        return -LINUX_EFAULT;
    return timespec_valid(deadline) ? 0 : -LINUX_EINVAL;
}

static int64_t do_wait(struct task *task, const uint64_t args[6], uint32_t bitset)
{
    uint32_t op = (uint32_t)args[1];
    struct linux_timespec deadline;
    int err = futex_deadline(task, args[3], &deadline);
    if (err)
        return err;
    if (!bitset)
        return -LINUX_EINVAL;
    uint32_t flags = op & (LINUX_FUTEX_PRIVATE_FLAG | LINUX_FUTEX_CLOCK_REALTIME);
    if ((op & LINUX_FUTEX_CMD_MASK) == LINUX_FUTEX_WAIT && args[3])
        deadline = timespec_deadline(&deadline); /* the only relative one */
    const uint64_t wait_args[6] = {
        args[0],
        flags,
        (uint32_t)args[2],
        bitset,
        (uint64_t)deadline.tv_sec,
        (uint64_t)deadline.tv_nsec,
    };
    return wait_on(task, wait_args);
}

static int64_t do_other(struct task *task, const uint64_t args[6], uint32_t val3)
{
    void *ptr, *ptr2 = NULL;
    uint32_t op = (uint32_t)args[1], cmd = op & LINUX_FUTEX_CMD_MASK;
    bool requeues = cmd == LINUX_FUTEX_REQUEUE || cmd == LINUX_FUTEX_CMP_REQUEUE;
    if ((cmd == LINUX_FUTEX_WAKE_BITSET && !val3) ||
        (requeues && ((int32_t)args[2] < 0 || (int32_t)args[3] < 0)))
        return -LINUX_EINVAL;
    int err = futex_word(task, args[0], &ptr);
    if (!err && (requeues || cmd == LINUX_FUTEX_WAKE_OP))
        err = futex_word(task, args[4], &ptr2);
    if (err)
        return err;
    return host_futex_op(ptr, op, (uint32_t)args[2], args[3], ptr2, val3);
}

int64_t sys_futex(struct task *task, const uint64_t args[6])
{
    uint32_t op = (uint32_t)args[1], cmd = op & LINUX_FUTEX_CMD_MASK;
    uint32_t val3 = (uint32_t)args[5];
    if ((op & LINUX_FUTEX_CLOCK_REALTIME) && cmd != LINUX_FUTEX_WAIT_BITSET &&
        cmd != LINUX_FUTEX_WAIT_REQUEUE_PI && cmd != LINUX_FUTEX_LOCK_PI2) {
        struct linux_timespec deadline; /* a time is looked at first */
        bool timed = cmd == LINUX_FUTEX_WAIT || cmd == LINUX_FUTEX_LOCK_PI;
        int err = timed ? futex_deadline(task, args[3], &deadline) : 0;
        return err ? err : -LINUX_ENOSYS;
    }
    switch (cmd) {
    case LINUX_FUTEX_WAIT: return do_wait(task, args, LINUX_FUTEX_BITSET_MATCH_ANY);
    case LINUX_FUTEX_WAIT_BITSET: return do_wait(task, args, val3);
    case LINUX_FUTEX_WAKE:
    case LINUX_FUTEX_WAKE_BITSET:
    case LINUX_FUTEX_REQUEUE:
    case LINUX_FUTEX_CMP_REQUEUE:
    case LINUX_FUTEX_WAKE_OP: return do_other(task, args, val3);
    default: return futex_pi(task, args);
    }
}

void futex_wake_one(struct task *task, gva_t addr)
{
    void *ptr;
    /* Not FUTEX_PRIVATE_FLAG, as in mm_release() and handle_futex_death(): the C libraries wait
     * accordingly. */
    if (futex_word(task, addr, &ptr) == 0)
        host_futex_op(ptr, LINUX_FUTEX_WAKE, 1, 0, NULL, 0);
}

void futex_wake_pi(struct task *task, gva_t addr)
{
    void *ptr;
    futex_wake_one(task, addr);
    if (futex_word(task, addr, &ptr) == 0)
        host_futex_op(ptr, LINUX_FUTEX_WAKE | LINUX_FUTEX_PRIVATE_FLAG, 1, 0, NULL, 0);
}
