#include "host/system.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "host/linux/safe_syscall.h"

int host_getrusage(int who, struct linux_rusage *usage)
{
    return (int)host_syscall(SYS_getrusage, who, usage);
}

int64_t host_times(struct linux_tms *tms)
{
    return host_syscall(SYS_times, tms);
}

int host_sysinfo(struct linux_sysinfo *info)
{
    return (int)host_syscall(SYS_sysinfo, info);
}

int host_getrlimit(int resource, uint64_t limit[2])
{
    return (int)host_syscall(SYS_prlimit64, 0, resource, 0, limit);
}

int host_setrlimit(int resource, const uint64_t limit[2])
{
    return (int)host_syscall(SYS_prlimit64, 0, resource, limit, 0);
}

int64_t host_getrandom(void *buf, size_t len, unsigned flags)
{
    return host_syscall_maybe_waiting(SYS_getrandom, buf, len, flags);
}

int host_getcpu(uint32_t *cpu, uint32_t *node)
{
    return (int)host_syscall(SYS_getcpu, cpu, node, 0);
}

int host_membarrier(int cmd, unsigned flags, int cpu)
{
    return (int)host_syscall(SYS_membarrier, cmd, flags, cpu);
}

int host_sched_yield(void)
{
    return (int)host_syscall(SYS_sched_yield);
}

int host_sched_getscheduler(int32_t tid)
{
    return (int)host_syscall(SYS_sched_getscheduler, tid);
}

int host_sched_setscheduler(int32_t tid, int policy, const int32_t *param)
{
    return (int)host_syscall(SYS_sched_setscheduler, tid, policy, param);
}

int host_sched_getparam(int32_t tid, int32_t *param)
{
    return (int)host_syscall(SYS_sched_getparam, tid, param);
}

int host_sched_setparam(int32_t tid, const int32_t *param)
{
    return (int)host_syscall(SYS_sched_setparam, tid, param);
}

int64_t host_sched_getaffinity(int32_t tid, size_t size, void *mask)
{
    return host_syscall(SYS_sched_getaffinity, tid, size, mask);
}

int host_sched_setaffinity(int32_t tid, size_t size, const void *mask)
{
    return (int)host_syscall(SYS_sched_setaffinity, tid, size, mask);
}

int host_sched_priority_max(int policy)
{
    return (int)host_syscall(SYS_sched_get_priority_max, policy);
}

int host_sched_priority_min(int policy)
{
    return (int)host_syscall(SYS_sched_get_priority_min, policy);
}

int host_sched_rr_get_interval(int32_t tid, struct linux_timespec *ts)
{
    return (int)host_syscall(SYS_sched_rr_get_interval, tid, ts);
}

int host_sched_getattr(int32_t tid, void *attr, uint32_t size, unsigned flags)
{
    return (int)host_syscall(SYS_sched_getattr, tid, attr, size, flags);
}

int host_sched_setattr(int32_t tid, void *attr, unsigned flags)
{
    return (int)host_syscall(SYS_sched_setattr, tid, attr, flags);
}

int host_getpriority(int32_t tid)
{
    return (int)host_syscall(SYS_getpriority, 0, tid);
}

int host_setpriority(int32_t tid, int priority)
{
    return (int)host_syscall(SYS_setpriority, 0, tid, priority);
}

#define IOPRIO_WHO_PROCESS 1

int host_ioprio_get(int32_t tid)
{
    return (int)host_syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, tid);
}

int host_ioprio_set(int32_t tid, int ioprio)
{
    return (int)host_syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, tid, ioprio);
}

/*
 * What containers of other engines get (capabilities(7)), without MKNOD, NET_RAW and SYS_CHROOT, of
 * which the guest has its own; with DAC_READ_SEARCH, which linkat(AT_EMPTY_PATH) asks for, and
 * IPC_LOCK for mlock.
 */
#define BIT(cap) (1ull << (cap))
static const uint64_t kept_capabilities =
    BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FOWNER) |
    BIT(CAP_FSETID) | BIT(CAP_KILL) | BIT(CAP_SETGID) | BIT(CAP_SETUID) | BIT(CAP_SETPCAP) |
    BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_IPC_LOCK) | BIT(CAP_SETFCAP) | BIT(CAP_LEASE);

int host_drop_capabilities(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    long err = host_syscall(SYS_capget, &header, data);
    if (err)
        return (int)err;
    /* EPERM without CAP_SETPCAP, which then is no loss; EINVAL after the last one that there is. */
    for (int cap = 0; cap < 64; cap++)
        if (!(kept_capabilities & BIT(cap)) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) &&
            errno == EINVAL)
            break;
    for (int i = 0; i < 2; i++) {
        uint32_t kept = (uint32_t)(kept_capabilities >> 32 * i);
        data[i].permitted &= kept;
        data[i].effective &= kept;
        data[i].inheritable &= kept;
    }
    err = host_syscall(SYS_capset, &header, data);
    if (err)
        return (int)err;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;
}
