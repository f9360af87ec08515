/* info.c - what a process may ask about the system and itself: kernel/sys.c, sched/membarrier.c,
 * random. */
#include <string.h>

#include "host/system.h"
#include "linux/mm/mm.h"
#include "linux/mm/uaccess.h"
#include "linux/process/cred.h"
#include "linux/process/info.h"
#include "linux/process/task.h"
#include "linux/signal/signal.h"
#include "syscalls_gen.h"

/* /proc/version and the release files must say the same: see info.h. */
int64_t sys_uname(struct task *task, const uint64_t args[6])
{
    struct linux_utsname name = {
        .sysname = "Linux",
        .release = LINUX_UTS_RELEASE,
        .version = LINUX_UTS_VERSION,
        .machine = "aarch64",
    };
    memcpy(name.nodename, task->proc->hostname, sizeof(name.nodename));
    memcpy(name.domainname, task->proc->domainname, sizeof(name.domainname));
    if (!name.domainname[0])
        memcpy(name.domainname, "(none)", 7);
    return copy_to_user(task, args[0], &name, sizeof(name)) ? -LINUX_EFAULT : 0;
}

static int64_t set_name(struct task *task, const uint64_t args[6], char field[65])
{
    char name[65] = "";
    int len = (int)args[1];
    if (!cred_capable(task->proc, LINUX_CAP_SYS_ADMIN))
        return -LINUX_EPERM;
    if (len < 0 || len > 64)
        return -LINUX_EINVAL;
    if (copy_from_user(task, name, args[0], (size_t)len))
        return -LINUX_EFAULT;
    memcpy(field, name, sizeof(name));
    return 0;
}

int64_t sys_sethostname(struct task *task, const uint64_t args[6])
{
    return set_name(task, args, task->proc->hostname);
}

int64_t sys_setdomainname(struct task *task, const uint64_t args[6])
{
    return set_name(task, args, task->proc->domainname);
}

int64_t sys_sysinfo(struct task *task, const uint64_t args[6])
{
    struct linux_sysinfo info;
    int err = host_sysinfo(&info);
    if (err)
        return err;
    /* Processes of the guest's own world, as in a container. */
    info.procs = (uint16_t)task->proc->tasks->count;
    return copy_to_user(task, args[0], &info, sizeof(info)) ? -LINUX_EFAULT : 0;
}

int64_t sys_getrusage(struct task *task, const uint64_t args[6])
{
    struct linux_rusage usage = {0};
    int who = (int)args[0];
    if (who != LINUX_RUSAGE_SELF && who != LINUX_RUSAGE_THREAD && who != LINUX_RUSAGE_CHILDREN)
        return -LINUX_EINVAL;
    int err = host_getrusage(who, &usage);
    if (!err && copy_to_user(task, args[1], &usage, sizeof(usage)))
        err = -LINUX_EFAULT;
    return err;
}

int64_t sys_times(struct task *task, const uint64_t args[6])
{
    struct linux_tms tms;
    int64_t ticks = host_times(&tms);
    if (args[0] && copy_to_user(task, args[0], &tms, sizeof(tms)))
        return -LINUX_EFAULT;
    return ticks;
}

int64_t sys_getcpu(struct task *task, const uint64_t args[6])
{
    uint32_t cpu, node;
    int err = host_getcpu(&cpu, &node);
    if (err)
        return err;
    if ((args[0] && put_user_u32(task, args[0], cpu)) ||
        (args[1] && put_user_u32(task, args[1], node)))
        return -LINUX_EFAULT;
    return 0;
}

int64_t sys_getrandom(struct task *task, const uint64_t args[6])
{
    uint64_t len = args[1] > INT32_MAX ? INT32_MAX : args[1];
    void *buf = user_ptr(task, args[0], len);
    /* An address outside: the host has to judge the flags first. */
    return host_getrandom(buf, len, (unsigned)args[2]);
}

#define PER_QUERY   0xffffffffu
#define PER_MASK    0xffu
#define PER_LINUX32 8u

int64_t sys_personality(struct task *task, const uint64_t args[6])
{
    uint32_t old = task->proc->personality;
    /* As on a CPU without 32-bit programs. */
    if (((uint32_t)args[0] & PER_MASK) == PER_LINUX32)
        return -LINUX_EINVAL;
    if ((uint32_t)args[0] != PER_QUERY)
        task->proc->personality = (uint32_t)args[0];
    return old;
}

#define MEMBARRIER_CMD_QUERY 0
/* GLOBAL, GLOBAL_EXPEDITED and its registration, PRIVATE_EXPEDITED and SYNC_CORE with theirs,
 * GET_REGISTRATIONS: guest threads are host threads, so the host's barrier is theirs. The RSEQ ones
 * need rseq. */
#define MEMBARRIER_SERVED 0x27f

int64_t sys_membarrier(struct task *task, const uint64_t args[6])
{
    (void)task;
    int cmd = (int)args[0];
    if (cmd != MEMBARRIER_CMD_QUERY && (cmd & ~MEMBARRIER_SERVED))
        return -LINUX_EINVAL;
    int ret = host_membarrier(cmd, (unsigned)args[1], (int)args[2]);
    return ret > 0 ? ret & MEMBARRIER_SERVED : ret; /* a set of commands */
}

/*
 * As a kernel built without CONFIG_RSEQ. An area that is registered has to be kept current at every
 * change of CPU and its critical sections aborted there, which a thread of the host cannot see
 * happen; glibc does without.
 */
int64_t sys_rseq(struct task *task, const uint64_t args[6])
{
    (void)task;
    (void)args;
    return -LINUX_ENOSYS;
}
