/* robust.c - robust lists: what a thread that ends still holds is marked and one waiter is woken.
 */
#include "host/futex.h"
#include "linux/abi/futex.h"
#include "linux/mm/uaccess.h"
#include "linux/process/pid.h"
#include "linux/process/task.h"
#include "linux/signal/signal.h"
#include "syscalls_gen.h"

int64_t sys_set_robust_list(struct task *task, const uint64_t args[6])
{
    if (args[1] != sizeof(struct linux_robust_list_head))
        return -LINUX_EINVAL;
    task->robust_list = args[0];
    task->robust_list_len = args[1];
    return 0;
}

int64_t sys_get_robust_list(struct task *task, const uint64_t args[6])
{
    int32_t pid = (int32_t)args[0];
    uint64_t head = task->robust_list;
    if (pid && pid != task->tid) {
        host_mutex_lock(&task->proc->sighand->lock);
        const struct task *found = task_find(task->proc, pid);
        head = found ? found->robust_list : 0;
        host_mutex_unlock(&task->proc->sighand->lock);
        if (!found) /* another process is not traced, whoever asks */
            return pid_thread_to_host(task->proc, pid) ? -LINUX_EPERM : -LINUX_ESRCH;
    }
    uint64_t len = sizeof(struct linux_robust_list_head);
    if (put_user_u64(task, args[2], len) || put_user_u64(task, args[1], head))
        return -LINUX_EFAULT;
    return 0;
}

/* kernel/futex/core.c, handle_futex_death(). False: stop walking. */
static bool owner_died(struct task *task, uint32_t tid, gva_t addr, bool pi, bool pending)
{
    uint32_t word;
    if (addr % 4 || get_user_u32(task, &word, addr))
        return false;
    for (;;) {
        uint32_t owner = word & LINUX_FUTEX_TID_MASK;
        /* Died between clearing the word and the wake-up of unlock: the wake-up is made up for. */
        if (pending && !pi && !owner) {
            futex_wake_one(task, addr);
            return true;
        }
        if (owner != tid)
            return true;
        uint32_t seen = word;
        if (cmpxchg_user_u32(task, addr, &seen,
                             (word & LINUX_FUTEX_WAITERS) | LINUX_FUTEX_OWNER_DIED))
            return false;
        if (seen == word)
            break;
        word = seen;
    }
    if ((word & LINUX_FUTEX_WAITERS) && pi)
        futex_wake_pi(task, addr);
    else if (word & LINUX_FUTEX_WAITERS)
        futex_wake_one(task, addr);
    return true;
}

/* exit_robust_list(): bit 0 of a pointer says PI. The list may be garbage or endless. */
void futex_exit_robust(struct task *task, gva_t at, uint32_t tid)
{
    struct linux_robust_list_head head;
    if (!at || copy_from_user(task, &head, at, sizeof(head)))
        return;
    gva_t pending = head.list_op_pending & ~1ull;
    gva_t entry = head.list & ~1ull;
    bool pi = head.list & 1;
    for (int limit = LINUX_ROBUST_LIST_LIMIT; entry != at && limit; limit--) {
        uint64_t next;
        bool have_next = get_user_u64(task, &next, entry) == 0;
        if (entry != pending &&
            !owner_died(task, tid, entry + (uint64_t)head.futex_offset, pi, false))
            return;
        if (!have_next)
            return;
        entry = next & ~1ull;
        pi = next & 1;
    }
    if (pending)
        owner_died(task, tid, pending + (uint64_t)head.futex_offset, head.list_op_pending & 1,
                   true);
}
