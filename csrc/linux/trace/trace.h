/*
 * trace.h - what happens around a call besides the call: nothing, unless proc->traced says so.
 *
 * The bits are set before the first task runs and inherited by every process of the run; the path
 * of an untraced call tests the word and goes on.
 */
#ifndef ELFUSE_LINUX_TRACE_TRACE_H
#define ELFUSE_LINUX_TRACE_TRACE_H

#include "linux/strace.h"

#define TRACE_STRACE    1u /* strace.h */
#define TRACE_HISTOGRAM 2u /* histogram.h */
#define TRACE_CRASH     4u /* crash.h: the last call is remembered */

struct traced_call {
    struct strace_line line;
    uint64_t start; /* host_counter() */
    uint64_t nr;
    const uint64_t *args;
};
void trace_enter(struct task *task, struct traced_call *call, uint64_t nr, const uint64_t args[6]);
void trace_leave(struct task *task, struct traced_call *call, int64_t ret);
/* A signal is about to end the process. */
void trace_killed(struct task *task, int sig, const struct linux_siginfo *info);

/* The calling task's last call: for the crash report. */
struct last_call {
    uint64_t nr, args[6];
    int64_t ret;
    bool made; /* false: none yet */
    bool over; /* false: ret is not known */
};
const struct last_call *trace_last_call(void);

#endif
