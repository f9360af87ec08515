/*
 * startup_trace.h - ELFUSE_STARTUP_TRACE of the launcher's environment: words separated by commas.
 *
 *   steps     when each step of the launcher was done, on standard error before the guest runs
 *   syscalls  a histogram of the program's first calls: linux/trace/histogram.h
 */
#ifndef ELFUSE_LAUNCH_STARTUP_TRACE_H
#define ELFUSE_LAUNCH_STARTUP_TRACE_H

#include "linux/kernel.h"

/* Read the variable; the clock starts here. Once, before the other functions. */
void startup_trace_begin(void);
/* A step is done. `name` is static. */
void startup_trace_step(const char *name);
/* The histogram is started where it is wanted. 0 or -LINUX_ENOMEM. */
int startup_trace_process(struct process *proc);
/* The guest is about to run: print the steps. */
void startup_trace_end(void);

#endif
