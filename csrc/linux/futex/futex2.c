/* futex2.c - futex_waitv, futex_wake, futex_wait and futex_requeue: kernel/futex/syscalls.c. The
 * host may have none of the last three; futex() does what they do. */
#include "host/futex.h"
#include "linux/abi/futex.h"
#include "linux/futex/futex.h"
#include "linux/mm/uaccess.h"
#include "syscalls_gen.h"

/* The flags are known and those of 32-bit words, and the values are 32 bits wide. */
static bool valid(uint32_t flags, uint64_t value, uint64_t mask)
{
    if (flags & ~(LINUX_FUTEX2_SIZE_MASK | LINUX_FUTEX2_PRIVATE))
        return false;
    return (flags & LINUX_FUTEX2_SIZE_MASK) == LINUX_FUTEX2_SIZE_U32 && !(value >> 32) &&
           !(mask >> 32);
}

static uint32_t privacy(uint32_t flags)
{
    return flags & LINUX_FUTEX2_PRIVATE ? LINUX_FUTEX_PRIVATE_FLAG : 0;
}

/* futex2_setup_timeout(): an absolute time of one of two clocks. */
static int read_timeout(struct task *task, gva_t at, int32_t clock, struct linux_timespec *deadline)
{
    if (at && clock != LINUX_CLOCK_MONOTONIC && clock != LINUX_CLOCK_REALTIME)
        return -LINUX_EINVAL;
    return futex_deadline(task, at, deadline);
}

/* futex_parse_waitv(), with the words' addresses checked as for a use of them. */
static int read_waiters(struct task *task, gva_t at, uint32_t count, struct host_waitv *waiters)
{
    for (uint32_t i = 0; i < count; i++) {
        struct linux_futex_waitv w;
        if (copy_from_user(task, &w, at + i * sizeof(w), sizeof(w)))
            return -LINUX_EFAULT;
        if (w.reserved || !valid(w.flags, w.val, 0))
            return -LINUX_EINVAL;
        waiters[i] = (struct host_waitv){w.val, w.uaddr, w.flags, 0};
    }
    for (uint32_t i = 0; i < count; i++) {
        void *ptr;
        int err = futex_word(task, waiters[i].addr, &ptr);
        if (err)
            return err;
        waiters[i].addr = (uintptr_t)ptr;
    }
    return 0;
}

int64_t sys_futex_waitv(struct task *task, const uint64_t args[6])
{
    uint32_t count = (uint32_t)args[1];
    int32_t clock = (int32_t)args[4];
    struct linux_timespec deadline;
    struct host_waitv waiters[LINUX_FUTEX_WAITV_MAX];
    if ((uint32_t)args[2] || !count || count > LINUX_FUTEX_WAITV_MAX || !args[0])
        return -LINUX_EINVAL;
    int err = read_timeout(task, args[3], clock, &deadline);
    if (!err)
        err = read_waiters(task, args[0], count, waiters);
    return err ? err : host_futex_waitv(waiters, count, args[3] ? &deadline : NULL, clock);
}

int64_t sys_futex_wake(struct task *task, const uint64_t args[6])
{
    uint32_t flags = (uint32_t)args[3];
    void *ptr;
    if (!valid(flags, 0, args[1]) || !args[1])
        return -LINUX_EINVAL;
    int err = futex_word(task, args[0], &ptr);
    if (err || !(int32_t)args[2])
        return err; /* none is none here: FLAGS_STRICT */
    return host_futex_op(ptr, LINUX_FUTEX_WAKE_BITSET | privacy(flags), (uint32_t)args[2], 0, NULL,
                         (uint32_t)args[1]);
}

int64_t sys_futex_wait(struct task *task, const uint64_t args[6])
{
    uint32_t flags = (uint32_t)args[3];
    int32_t clock = (int32_t)args[5];
    struct linux_timespec deadline;
    void *ptr;
    if (!valid(flags, args[1], args[2]))
        return -LINUX_EINVAL;
    int err = read_timeout(task, args[4], clock, &deadline);
    if (!err && !args[2])
        err = -LINUX_EINVAL;
    if (!err)
        err = futex_word(task, args[0], &ptr);
    if (err)
        return err;
    uint32_t op = privacy(flags) | (clock == LINUX_CLOCK_REALTIME ? LINUX_FUTEX_CLOCK_REALTIME : 0);
    /* Not futex()'s restart with the time that is left: the time is absolute. */
    return host_futex_wait(ptr, op, (uint32_t)args[1], args[4] ? &deadline : NULL,
                           (uint32_t)args[2]);
}

int64_t sys_futex_requeue(struct task *task, const uint64_t args[6])
{
    int32_t wake = (int32_t)args[2], requeue = (int32_t)args[3];
    struct host_waitv w[2];
    if ((uint32_t)args[1] || !args[0])
        return -LINUX_EINVAL;
    int err = read_waiters(task, args[0], 2, w);
    if (err)
        return err;
    if (wake < 0 || requeue < 0)
        return -LINUX_EINVAL;
    if (w[0].flags != w[1].flags) {
        /* futex() has one flag for both words: those who would be moved are woken, as may happen to
         * any waiter at any time. */
        wake = wake > INT32_MAX - requeue ? INT32_MAX : wake + requeue;
        requeue = 0;
    }
    return host_futex_op((void *)(uintptr_t)w[0].addr,
                         LINUX_FUTEX_CMP_REQUEUE | privacy(w[0].flags), (uint32_t)wake,
                         (uint64_t)requeue, (void *)(uintptr_t)w[1].addr, (uint32_t)w[0].val);
}
