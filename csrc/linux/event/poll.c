/* poll.c - ppoll and pselect6: fs/select.c. The mask is the guest's own business, the waiting the
 * host's. */
#include "host/poll.h"

#include <stdlib.h>
#include <string.h>

#include "linux/fs/fdtable.h"
#include "linux/mm/uaccess.h"
#include "linux/signal/signal.h"
#include "linux/time/time.h"
#include "syscalls_gen.h"

/* Certainly open on nothing: for numbers that are open on the host, but not for the guest. */
#define NO_SUCH_FD INT32_MAX

static int read_timeout(struct task *task, gva_t at, struct linux_timespec *timeout)
{
    if (!at)
        return 0;
    if (copy_from_user(task, timeout, at, sizeof(*timeout)))
        return -LINUX_EFAULT;
    return timespec_valid(timeout) ? 0 : -LINUX_EINVAL;
}

/*
 * poll_select_finish(): what is left of the time goes back to the caller, so that a restart waits
 * for the rest; if it cannot be stored there is no restart.
 */
static int64_t finish(struct task *task, gva_t timeout_at, const struct linux_timespec *left,
                      int64_t ret)
{
    if (ret == -LINUX_ERESTARTSYS)
        ret = -LINUX_ERESTARTNOHAND;
    signal_mask_leave(task, ret == -LINUX_ERESTARTNOHAND);
    if (timeout_at && copy_to_user(task, timeout_at, left, sizeof(*left)) &&
        ret == -LINUX_ERESTARTNOHAND)
        ret = -LINUX_EINTR;
    return ret;
}

static int64_t poll_fds(struct task *task, gva_t at, uint32_t count, struct linux_timespec *timeout)
{
    struct linux_pollfd few[64], *fds = few;
    size_t size = count * sizeof(*fds);
    if (count > 64 && !(fds = malloc(size)))
        return -LINUX_ENOMEM;
    int64_t ret = -LINUX_EFAULT;
    if (copy_from_user(task, fds, at, size))
        goto out;
    for (uint32_t i = 0; i < count; i++) {
        if (fds[i].fd >= 0 && !fd_is_guest((uint64_t)fds[i].fd))
            fds[i].fd = NO_SUCH_FD;
    }
    ret = host_poll(fds, count, timeout);
    for (uint32_t i = 0; ret >= 0 && i < count; i++) {
        gva_t to = at + i * sizeof(*fds) + offsetof(struct linux_pollfd, revents);
        if (copy_to_user(task, to, &fds[i].revents, sizeof(fds[i].revents)))
            ret = -LINUX_EFAULT;
    }
out:
    if (fds != few)
        free(fds);
    return ret;
}

int64_t sys_ppoll(struct task *task, const uint64_t args[6])
{
    uint32_t count = (uint32_t)args[1];
    struct linux_timespec timeout;
    int err = read_timeout(task, args[2], &timeout);
    if (!err)
        err = signal_mask_enter(task, args[3], args[4]);
    if (err)
        return err;
    int64_t ret = -LINUX_EINVAL;
    if (count <= fd_table_limit(task->proc->fds))
        ret = poll_fds(task, args[0], count, args[2] ? &timeout : NULL);
    return finish(task, args[2], &timeout, ret);
}

/* max_select_fd(): the host finds what is not open; what ours are among is looked at here. */
static int judge_set(const uint64_t *set, int count)
{
    for (int at = host_fd_plain() & ~63; at < count; at += 64) {
        for (uint64_t bits = set[at / 64]; bits; bits &= bits - 1) {
            int fd = at + __builtin_ctzll(bits);
            if (fd < count && !fd_is_guest((uint64_t)fd))
                return -LINUX_EBADF;
        }
    }
    return 0;
}

static int64_t select_fds(struct task *task, int count, const gva_t at[3],
                          struct linux_timespec *timeout)
{
    if (count < 0)
        return -LINUX_EINVAL;
    if (count > host_fd_most())
        count = host_fd_most();
    size_t bytes = ((size_t)count + 63) / 64 * 8;
    uint64_t few[3 * 128], *sets = few;
    if (3 * bytes > sizeof(few) && !(sets = malloc(3 * bytes)))
        return -LINUX_ENOMEM;
    uint8_t *set[3];
    int64_t ret = 0;
    for (int i = 0; i < 3; i++) {
        set[i] = (uint8_t *)sets + (size_t)i * bytes;
        if (at[i] && copy_from_user(task, set[i], at[i], bytes))
            ret = -LINUX_EFAULT;
        else if (at[i] && !ret)
            ret = judge_set((const uint64_t *)(const void *)set[i], count);
    }
    if (!ret)
        ret = host_select(count, at[0] ? set[0] : NULL, at[1] ? set[1] : NULL,
                          at[2] ? set[2] : NULL, timeout);
    for (int i = 0; ret >= 0 && i < 3; i++) {
        if (at[i] && copy_to_user(task, at[i], set[i], bytes))
            ret = -LINUX_EFAULT;
    }
    if (sets != few)
        free(sets);
    return ret;
}

int64_t sys_pselect6(struct task *task, const uint64_t args[6])
{
    struct linux_timespec timeout;
    uint64_t mask[2] = {0, 0}; /* pointer and size: the sixth argument points to both */
    if (args[5] && copy_from_user(task, mask, args[5], sizeof(mask)))
        return -LINUX_EFAULT;
    int err = read_timeout(task, args[4], &timeout);
    if (!err)
        err = signal_mask_enter(task, mask[0], mask[1]);
    if (err)
        return err;
    const gva_t at[3] = {args[1], args[2], args[3]};
    int64_t ret = select_fds(task, (int)args[0], at, args[4] ? &timeout : NULL);
    return finish(task, args[4], &timeout, ret);
}
