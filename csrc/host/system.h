/* system.h - resources, scheduling and identity of the host. Structs are Linux's; 0 or a negative
 * Linux errno. */
#ifndef ELFUSE_HOST_SYSTEM_H
#define ELFUSE_HOST_SYSTEM_H

#include <stddef.h>
#include <stdint.h>

#include "linux/abi/sched.h"

int host_getrusage(int who, struct linux_rusage *usage);
/* times(2): ticks of 1/100 s since some point; *tms filled in. */
int64_t host_times(struct linux_tms *tms);
int host_sysinfo(struct linux_sysinfo *info);
int host_getrlimit(int resource, uint64_t limit[2]);
int host_setrlimit(int resource, const uint64_t limit[2]);

/* May wait for the host's entropy at boot: -LINUX_ERESTARTSYS. */
int64_t host_getrandom(void *buf, size_t len, unsigned flags);

int host_getcpu(uint32_t *cpu, uint32_t *node);
int host_membarrier(int cmd, unsigned flags, int cpu);

/* Scheduling of one of our threads, by host number. Pointers are to host memory of the size that
 * the call has. */
int host_sched_yield(void);
int host_sched_getscheduler(int32_t tid);
int host_sched_setscheduler(int32_t tid, int policy, const int32_t *param);
int host_sched_getparam(int32_t tid, int32_t *param);
int host_sched_setparam(int32_t tid, const int32_t *param);
int64_t host_sched_getaffinity(int32_t tid, size_t size, void *mask);
int host_sched_setaffinity(int32_t tid, size_t size, const void *mask);
int host_sched_priority_max(int policy);
int host_sched_priority_min(int policy);
int host_sched_rr_get_interval(int32_t tid, struct linux_timespec *ts);
int host_sched_getattr(int32_t tid, void *attr, uint32_t size, unsigned flags);
int host_sched_setattr(int32_t tid, void *attr, unsigned flags);
int host_getpriority(int32_t tid); /* as the system call: 20 - nice */
int host_setpriority(int32_t tid, int priority);
int host_ioprio_get(int32_t tid);
int host_ioprio_set(int32_t tid, int ioprio);

/*
 * Give up, for good, what root may do to the host beyond files, ids and low ports: its clocks,
 * devices, modules, network set-up, real-time scheduling, other processes. Nothing to do for an
 * ordinary user. Precondition: the process has one thread.
 */
int host_drop_capabilities(void);

#endif
