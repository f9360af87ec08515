/* caps.c - capget and capset: kernel/capability.c. */
#include <stddef.h>

#include "linux/fs/proc_view.h"
#include "linux/mm/uaccess.h"
#include "linux/process/cred.h"
#include "linux/process/pid.h"
#include "linux/process/task.h"
#include "linux/signal/signal.h"
#include "syscalls_gen.h"

#define CAPABILITY_VERSION_1 0x19980330u
#define CAPABILITY_VERSION_2 0x20071026u
#define CAPABILITY_VERSION_3 0x20080522u

struct cap_header {
    uint32_t version;
    int32_t pid;
};

struct cap_data {
    uint32_t effective, permitted, inheritable;
};

/* cap_validate_magic(): words a set has, or an error after the version that is known has been told.
 */
static int words_of(struct task *task, gva_t header_at)
{
    uint32_t version;
    if (get_user_u32(task, &version, header_at + offsetof(struct cap_header, version)))
        return -LINUX_EFAULT;
    switch (version) {
    case CAPABILITY_VERSION_1: return 1;
    case CAPABILITY_VERSION_2:
    case CAPABILITY_VERSION_3: return 2;
    default: break;
    }
    if (put_user_u32(task, header_at, CAPABILITY_VERSION_3))
        return -LINUX_EFAULT;
    return -LINUX_EINVAL;
}

/* Of the process that has this thread: 0, or -LINUX_ESRCH. */
static int capabilities_of(struct task *task, int32_t pid, struct cred *cred)
{
    const struct pid_entry *e = pid_entry(task->proc->pids, pid ? pid : task->proc->pid);
    struct proc_view view;
    if (!e || task_host_tid(task, pid) < 0)
        return -LINUX_ESRCH;
    int err = proc_view_get(&view, task, e->tgid);
    if (err)
        return err;
    *cred = view.proc->cred;
    proc_view_put(&view);
    return 0;
}

int64_t sys_capget(struct task *task, const uint64_t args[6])
{
    uint32_t pid;
    int words = words_of(task, args[0]);
    /* Without data it is asked for the version alone. */
    if (!args[1] && (words > 0 || words == -LINUX_EINVAL))
        return 0;
    if (words < 0)
        return words;
    if (get_user_u32(task, &pid, args[0] + offsetof(struct cap_header, pid)))
        return -LINUX_EFAULT;
    if ((int32_t)pid < 0)
        return -LINUX_EINVAL;
    struct cred c;
    int err = capabilities_of(task, (int32_t)pid, &c);
    if (err)
        return err;
    struct cap_data data[2];
    for (int i = 0; i < 2; i++) {
        data[i].effective = (uint32_t)(c.cap_effective >> (32 * i));
        data[i].permitted = (uint32_t)(c.cap_permitted >> (32 * i));
        data[i].inheritable = (uint32_t)(c.cap_inheritable >> (32 * i));
    }
    return copy_to_user(task, args[1], data, (size_t)words * sizeof(data[0])) ? -LINUX_EFAULT : 0;
}

int64_t sys_capset(struct task *task, const uint64_t args[6])
{
    uint32_t pid;
    int words = words_of(task, args[0]);
    if (words < 0)
        return words;
    if (get_user_u32(task, &pid, args[0] + offsetof(struct cap_header, pid)))
        return -LINUX_EFAULT;
    if (pid != 0 && pid != (uint32_t)task->tid)
        return -LINUX_EPERM;
    struct cap_data data[2] = {{0}, {0}};
    if (copy_from_user(task, data, args[1], (size_t)words * sizeof(data[0])))
        return -LINUX_EFAULT;
    uint64_t effective = data[0].effective | (uint64_t)data[1].effective << 32;
    uint64_t permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
    uint64_t inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
    effective &= LINUX_CAP_FULL;
    permitted &= LINUX_CAP_FULL;
    inheritable &= LINUX_CAP_FULL;
    /* cap_capset() */
    struct cred *c = &task->proc->cred;
    bool setpcap = cred_capable(task->proc, LINUX_CAP_SETPCAP);
    if ((!setpcap && (inheritable & ~(c->cap_inheritable | c->cap_permitted))) ||
        (inheritable & ~(c->cap_inheritable | c->cap_bounding)) ||
        (permitted & ~c->cap_permitted) || (effective & ~permitted))
        return -LINUX_EPERM;
    c->cap_effective = effective;
    c->cap_permitted = permitted;
    c->cap_inheritable = inheritable;
    c->cap_ambient &= permitted & inheritable;
    return 0;
}
