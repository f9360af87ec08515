/* trace.c - see trace.h. */
#include "linux/trace/trace.h"

#include <string.h>

#include "host/time.h"
#include "linux/trace/crash.h"
#include "linux/trace/histogram.h"

static _Thread_local struct last_call last;

const struct last_call *trace_last_call(void)
{
    return &last;
}

void trace_enter(struct task *task, struct traced_call *call, uint64_t nr, const uint64_t args[6])
{
    uint32_t traced = task->proc->traced;
    call->nr = nr;
    call->args = args;
    if (traced & TRACE_CRASH) {
        last = (struct last_call){.nr = nr, .made = true};
        memcpy(last.args, args, sizeof(last.args));
    }
    if (traced & TRACE_HISTOGRAM)
        histogram_enter(task, nr);
    if (traced & TRACE_STRACE)
        strace_enter(task, &call->line, nr, args);
    call->start = host_counter();
}

void trace_leave(struct task *task, struct traced_call *call, int64_t ret)
{
    uint32_t traced = task->proc->traced;
    uint64_t took = host_counter() - call->start;
    if (traced & TRACE_STRACE)
        strace_leave(task, &call->line, call->nr, call->args, ret, took);
    if (traced & TRACE_HISTOGRAM)
        histogram_leave(task, call->nr, ret, took);
    if (traced & TRACE_CRASH) {
        last.ret = ret;
        last.over = true;
    }
}

void trace_killed(struct task *task, int sig, const struct linux_siginfo *info)
{
    uint32_t traced = task->proc->traced;
    if (traced & TRACE_STRACE)
        strace_killed(task, sig, info);
    if (traced & TRACE_CRASH)
        crash_report(task, sig, info);
    if (traced & TRACE_HISTOGRAM)
        histogram_killed(task);
}
