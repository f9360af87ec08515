/*
 * histogram.h - ELFUSE_STARTUP_TRACE=syscalls: which calls the run's first process makes until it
 * runs another program or ends, how often and for how long. The table, as strace -c writes it, goes
 * to the log.
 */
#ifndef ELFUSE_LINUX_TRACE_HISTOGRAM_H
#define ELFUSE_LINUX_TRACE_HISTOGRAM_H

#include "linux/kernel.h"

/* Before the first task runs. 0 or -LINUX_ENOMEM. */
int histogram_start(struct process *proc);

/* Around each call while TRACE_HISTOGRAM is set; any thread. */
void histogram_enter(struct task *task, uint64_t nr);
void histogram_leave(struct task *task, uint64_t nr, int64_t ret, uint64_t nanoseconds);
/* The process ends without a call. */
void histogram_killed(struct task *task);

#endif
