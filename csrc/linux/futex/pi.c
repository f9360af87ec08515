/* pi.c - the operations of futex(2) on priority-inheriting locks. */
#include "host/futex.h"
#include "host/time.h"
#include "linux/abi/futex.h"
#include "linux/futex/futex.h"
#include "linux/mm/uaccess.h"
#include "linux/process/task.h"
#include "syscalls_gen.h"

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
    int err = futex_word(task, addr, &ptr);
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
        if (task_host_tid(task, (int32_t)owner) < 0)
            return -LINUX_ESRCH;
        if (try_only)
            return -LINUX_EAGAIN;
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
    for (;;) {
        void *ptr;
        uint32_t word;
        if (get_user_u32(task, &word, addr))
            return -LINUX_EFAULT;
        if ((word & LINUX_FUTEX_TID_MASK) != (uint32_t)task->tid)
            return -LINUX_EPERM;
        int err = futex_word(task, addr, &ptr);
        if (err)
            return err;
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
    int err = futex_deadline(task, args[3], &deadline);
    if (err)
        return err;
    uint32_t flags = op & LINUX_FUTEX_PRIVATE_FLAG;
    if (realtime)
        flags |= LINUX_FUTEX_CLOCK_REALTIME;
    return lock_pi(task, args[0], flags, deadline.tv_nsec < 0 ? NULL : &deadline, false);
}

/*
 * FUTEX_WAIT_REQUEUE_PI: waits for a word, then takes the lock. Whoever requeues wakes all that
 * Linux would move to the lock, and each takes it as from futex_lock_pi(): they come to own it in
 * another order at most.
 */
static int64_t wait_requeue_pi(struct task *task, const uint64_t args[6])
{
    uint32_t op = (uint32_t)args[1], flags = op & LINUX_FUTEX_PRIVATE_FLAG;
    struct linux_timespec deadline;
    void *ptr, *lock;
    int err = futex_deadline(task, args[3], &deadline);
    if (!err && args[0] == args[4])
        err = -LINUX_EINVAL;
    if (!err)
        err = futex_word(task, args[4], &lock);
    if (!err)
        err = futex_word(task, args[0], &ptr);
    if (err)
        return err;
    flags |= op & LINUX_FUTEX_CLOCK_REALTIME;
    const struct linux_timespec *until = deadline.tv_nsec < 0 ? NULL : &deadline;
    err = host_futex_wait(ptr, flags, (uint32_t)args[2], until, LINUX_FUTEX_BITSET_MATCH_ANY);
    if (err)
        return err == -LINUX_ERESTARTSYS ? -LINUX_ERESTARTNOINTR : err;
    int64_t ret = lock_pi(task, args[4], flags, until, false);
    /* It cannot begin again: the word has changed. */
    return ret == -LINUX_ERESTARTNOINTR ? -LINUX_EAGAIN : ret;
}

static int64_t cmp_requeue_pi(struct task *task, const uint64_t args[6])
{
    int32_t wake = (int32_t)args[2], requeue = (int32_t)args[3];
    void *ptr, *lock;
    if (wake != 1 || requeue < 0 || args[0] == args[4])
        return -LINUX_EINVAL;
    int err = futex_word(task, args[0], &ptr);
    if (!err)
        err = futex_word(task, args[4], &lock);
    if (err)
        return err;
    /* futex_proxy_trylock_atomic() reads the lock, whether anybody waits or not. */
    uint32_t word, locked;
    if (get_user_u32(task, &word, args[0]) ||
        (word == (uint32_t)args[5] && get_user_u32(task, &locked, args[4])))
        return -LINUX_EFAULT;
    uint32_t op = LINUX_FUTEX_CMP_REQUEUE | ((uint32_t)args[1] & LINUX_FUTEX_PRIVATE_FLAG);
    uint32_t all = requeue == INT32_MAX ? INT32_MAX : (uint32_t)requeue + 1;
    return host_futex_op(ptr, op, all, 0, lock, (uint32_t)args[5]);
}

int64_t futex_pi(struct task *task, const uint64_t args[6])
{
    uint32_t op = (uint32_t)args[1], flags = op & LINUX_FUTEX_PRIVATE_FLAG;
    switch (op & LINUX_FUTEX_CMD_MASK) {
    case LINUX_FUTEX_LOCK_PI: return do_lock_pi(task, args, true);
    case LINUX_FUTEX_LOCK_PI2: return do_lock_pi(task, args, op & LINUX_FUTEX_CLOCK_REALTIME);
    case LINUX_FUTEX_TRYLOCK_PI: return lock_pi(task, args[0], flags, NULL, true);
    case LINUX_FUTEX_UNLOCK_PI: return unlock_pi(task, args[0], flags);
    case LINUX_FUTEX_WAIT_REQUEUE_PI: return wait_requeue_pi(task, args);
    case LINUX_FUTEX_CMP_REQUEUE_PI: return cmp_requeue_pi(task, args);
    default: return -LINUX_ENOSYS; /* FUTEX_FD is gone */
    }
}
