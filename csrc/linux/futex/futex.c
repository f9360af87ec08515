/*
 * futex.c - futex(2). A guest word is a host word at the same alignment, so waiting and waking are
 * the host's; what is done here is what involves numbers of threads, which are the guest's own.
 */
#include "host/futex.h"

#include "host/time.h"
#include "linux/abi/futex.h"
#include "linux/mm/uaccess.h"
#include "linux/process/task.h"
#include "linux/signal/signal.h"
#include "linux/time/time.h"
#include "syscalls_gen.h"

/* get_futex_key(): alignment is looked at first. */
static int word_ptr(struct task *task, gva_t addr, void **ptr)
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
    int err = word_ptr(task, args[0], &ptr);
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

/* The timeout argument as an absolute time; relative ones (FUTEX_WAIT) become one on the
 * operation's clock. */
static int read_timeout(struct task *task, gva_t at, uint32_t op, struct linux_timespec *deadline)
{
    *deadline = (struct linux_timespec){0, -1};
    if (!at)
        return 0;
    if (copy_from_user(task, deadline, at, sizeof(*deadline)))
        return -LINUX_EFAULT;
    if (!timespec_valid(deadline))
        return -LINUX_EINVAL;
    if ((op & LINUX_FUTEX_CMD_MASK) == LINUX_FUTEX_WAIT)
        *deadline = timespec_deadline(deadline);
    return 0;
}

static int64_t do_wait(struct task *task, const uint64_t args[6], uint32_t bitset)
{
    uint32_t op = (uint32_t)args[1];
    struct linux_timespec deadline;
    int err = read_timeout(task, args[3], op, &deadline);
    if (err)
        return err;
    if (!bitset)
        return -LINUX_EINVAL;
    uint32_t flags = op & (LINUX_FUTEX_PRIVATE_FLAG | LINUX_FUTEX_CLOCK_REALTIME);
    if ((op & LINUX_FUTEX_CMD_MASK) == LINUX_FUTEX_WAIT)
        flags &= LINUX_FUTEX_PRIVATE_FLAG; /* the deadline was made on the monotonic clock */
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
    int err = word_ptr(task, args[0], &ptr);
    if (!err && (cmd == LINUX_FUTEX_REQUEUE || cmd == LINUX_FUTEX_CMP_REQUEUE ||
                 cmd == LINUX_FUTEX_WAKE_OP))
        err = word_ptr(task, args[4], &ptr2);
    if (err)
        return err;
    return host_futex_op(ptr, op, (uint32_t)args[2], args[3], ptr2, val3);
}

/*
 * Priority-inheriting locks: the word holds the owner's thread number, which the host would look up
 * as one of its own. So the protocol is played here, without the inheritance: a waiter sets
 * FUTEX_WAITERS and waits for the word to change; the owner's unlock frees the word and wakes one,
 * which sets FUTEX_WAITERS again, as there may be more.
 */
static int64_t lock_pi(struct task *task, gva_t addr, uint32_t flags,
                       const struct linux_timespec *deadline, bool try_only)
{
    void *ptr;
    int err = word_ptr(task, addr, &ptr);
    if (err)
        return err;
    uint32_t waiters = 0, tid = (uint32_t)task->tid;
    for (;;) {
        uint32_t word;
        if (get_user_u32(task, &word, addr))
            return -LINUX_EFAULT;
        uint32_t owner = word & LINUX_FUTEX_TID_MASK;
        if (owner == tid)
            return -LINUX_EDEADLK;
        uint32_t want, seen = word;
        if (!owner) {
            want = tid | waiters | (word & (LINUX_FUTEX_OWNER_DIED | LINUX_FUTEX_WAITERS));
            if (cmpxchg_user_u32(task, addr, &seen, want))
                return -LINUX_EFAULT;
            if (seen == word)
                return 0;
            continue;
        }
        if (try_only)
            return -LINUX_EAGAIN;
        if (task_host_tid(task, (int32_t)owner) < 0)
            return -LINUX_ESRCH;
        want = word | LINUX_FUTEX_WAITERS;
        if (want != word && cmpxchg_user_u32(task, addr, &seen, want))
            return -LINUX_EFAULT;
        if (seen != word)
            continue;
        err = host_futex_wait(ptr, flags, want, deadline, LINUX_FUTEX_BITSET_MATCH_ANY);
        waiters = LINUX_FUTEX_WAITERS;
        if (err == -LINUX_ERESTARTSYS)
            return -LINUX_ERESTARTNOINTR;
        if (err && err != -LINUX_EAGAIN)
            return err;
    }
}

static int64_t unlock_pi(struct task *task, gva_t addr, uint32_t flags)
{
    void *ptr;
    int err = word_ptr(task, addr, &ptr);
    if (err)
        return err;
    for (;;) {
        uint32_t word;
        if (get_user_u32(task, &word, addr))
            return -LINUX_EFAULT;
        if ((word & LINUX_FUTEX_TID_MASK) != (uint32_t)task->tid)
            return -LINUX_EPERM;
        uint32_t seen = word;
        if (cmpxchg_user_u32(task, addr, &seen, 0))
            return -LINUX_EFAULT;
        if (seen != word)
            continue;
        if (word & LINUX_FUTEX_WAITERS)
            host_futex_op(ptr, LINUX_FUTEX_WAKE | flags, 1, 0, NULL, 0);
        return 0;
    }
}

static int64_t do_lock_pi(struct task *task, const uint64_t args[6], bool realtime)
{
    struct linux_timespec deadline;
    uint32_t op = (uint32_t)args[1];
    int err = read_timeout(task, args[3], op, &deadline);
    if (err)
        return err;
    uint32_t flags = op & LINUX_FUTEX_PRIVATE_FLAG;
    if (realtime)
        flags |= LINUX_FUTEX_CLOCK_REALTIME;
    return lock_pi(task, args[0], flags, deadline.tv_nsec < 0 ? NULL : &deadline, false);
}

int64_t sys_futex(struct task *task, const uint64_t args[6])
{
    uint32_t op = (uint32_t)args[1], cmd = op & LINUX_FUTEX_CMD_MASK;
    uint32_t val3 = (uint32_t)args[5], flags = op & LINUX_FUTEX_PRIVATE_FLAG;
    if ((op & LINUX_FUTEX_CLOCK_REALTIME) && cmd != LINUX_FUTEX_WAIT_BITSET &&
        cmd != LINUX_FUTEX_WAIT_REQUEUE_PI && cmd != LINUX_FUTEX_LOCK_PI2)
        return -LINUX_ENOSYS;
    switch (cmd) {
    case LINUX_FUTEX_WAIT: return do_wait(task, args, LINUX_FUTEX_BITSET_MATCH_ANY);
    case LINUX_FUTEX_WAIT_BITSET: return do_wait(task, args, val3);
    case LINUX_FUTEX_WAKE:
    case LINUX_FUTEX_WAKE_BITSET:
    case LINUX_FUTEX_REQUEUE:
    case LINUX_FUTEX_CMP_REQUEUE:
    case LINUX_FUTEX_WAKE_OP: return do_other(task, args, val3);
    case LINUX_FUTEX_LOCK_PI: return do_lock_pi(task, args, true);
    case LINUX_FUTEX_LOCK_PI2: return do_lock_pi(task, args, op & LINUX_FUTEX_CLOCK_REALTIME);
    case LINUX_FUTEX_TRYLOCK_PI: return lock_pi(task, args[0], flags, NULL, true);
    case LINUX_FUTEX_UNLOCK_PI: return unlock_pi(task, args[0], flags);
    default: return -LINUX_ENOSYS; /* FUTEX_FD is gone; requeueing to PI locks is not served */
    }
}

void futex_wake_one(struct task *task, gva_t addr)
{
    void *ptr;
    /* Not FUTEX_PRIVATE_FLAG, as in mm_release() and handle_futex_death(): the C libraries wait
     * accordingly. */
    if (word_ptr(task, addr, &ptr) == 0)
        host_futex_op(ptr, LINUX_FUTEX_WAKE, 1, 0, NULL, 0);
}

void futex_wake_pi(struct task *task, gva_t addr)
{
    void *ptr;
    futex_wake_one(task, addr);
    if (word_ptr(task, addr, &ptr) == 0)
        host_futex_op(ptr, LINUX_FUTEX_WAKE | LINUX_FUTEX_PRIVATE_FLAG, 1, 0, NULL, 0);
}

int64_t sys_futex_waitv(struct task *task, const uint64_t args[6])
{
    uint32_t count = (uint32_t)args[1];
    int32_t clock = (int32_t)args[4];
    struct linux_timespec deadline;
    struct host_waitv waiters[LINUX_FUTEX_WAITV_MAX];
    if ((uint32_t)args[2] || !count || count > LINUX_FUTEX_WAITV_MAX || !args[0])
        return -LINUX_EINVAL;
    if (args[3]) {
        if (clock != LINUX_CLOCK_MONOTONIC && clock != LINUX_CLOCK_REALTIME)
            return -LINUX_EINVAL;
        if (copy_from_user(task, &deadline, args[3], sizeof(deadline)))
            return -LINUX_EFAULT;
        if (!timespec_valid(&deadline))
            return -LINUX_EINVAL;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct linux_futex_waitv w;
        void *ptr;
        if (copy_from_user(task, &w, args[0] + i * sizeof(w), sizeof(w)))
            return -LINUX_EFAULT;
        if ((w.flags & ~(LINUX_FUTEX2_SIZE_U32 | LINUX_FUTEX2_PRIVATE)) || w.reserved ||
            !(w.flags & LINUX_FUTEX2_SIZE_U32))
            return -LINUX_EINVAL;
        int err = word_ptr(task, w.uaddr, &ptr);
        if (err)
            return err;
        waiters[i] = (struct host_waitv){w.val, (uintptr_t)ptr, w.flags, 0};
    }
    return host_futex_waitv(waiters, count, args[3] ? &deadline : NULL, clock);
}
