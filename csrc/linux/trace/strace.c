/* strace.c - see strace.h. */
#include "linux/strace.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "host/log.h"
#include "host/mem.h"
#include "host/system.h"
#include "host/time.h"
#include "linux/abi/signal.h"
#include "linux/mm/mm.h"
#include "linux/process/pid.h"
#include "linux/process/rlimit.h"
#include "linux/process/task.h"
#include "linux/trace/args.h"
#include "linux/trace/trace.h"
#include "vcpu/vcpu.h"

#define RESULT_COLUMN 40 /* strace's -a */

/*
 * What the run's processes share: who writes, and whose line is open. Nothing that a process does
 * may stop the others: the lock of one that was killed is taken over, and after STEAL_NS also that
 * of one that lives, which may be stopped; a broken line is the worst that it costs.
 */
struct strace_shared {
    _Atomic int32_t lock;  /* number of the process whose thread writes, or 0 */
    _Atomic int32_t open;  /* tid of the task whose line has no end yet, or 0 */
    _Atomic int32_t tasks; /* of the run; one that was killed by another's SIGKILL counts on */
};
#define STEAL_NS 1000000000ull
#define LOOK_NS  1000000ull /* before it is asked whether the holder lives */

int strace_start(struct process *proc, int fd)
{
    uint8_t *page;
    int err = host_mem_shared(LINUX_PAGE_SIZE, &page);
    if (err)
        return err;
    proc->strace = (struct strace_shared *)(void *)page;
    proc->strace->tasks = 1;
    proc->strace_fd = fd;
    proc->traced |= TRACE_STRACE;
    return 0;
}

static bool may_steal(struct process *proc, int32_t holder, uint64_t waited)
{
    return waited > STEAL_NS || (waited > LOOK_NS && !pid_alive(proc, holder));
}

static void lock(struct process *proc)
{
    struct strace_shared *s = proc->strace;
    uint64_t since = 0;
    int32_t seen = 0;
    for (;;) {
        int32_t holder = 0;
        if (atomic_compare_exchange_strong(&s->lock, &holder, proc->pid))
            return;
        uint64_t now = host_counter();
        if (holder != seen) {
            seen = holder;
            since = now;
        } else if (may_steal(proc, holder, now - since) &&
                   atomic_compare_exchange_strong(&s->lock, &holder, proc->pid)) {
            return;
        }
        host_sched_yield();
    }
}

static void unlock(struct process *proc)
{
    int32_t pid = proc->pid;
    atomic_compare_exchange_strong(&proc->strace->lock, &pid, 0);
}

/* With the lock: `text` to the file, after the end of a line that is open unless it goes on. */
static void write_text(struct task *task, const char *text, size_t len, bool goes_on, bool end)
{
    struct strace_shared *s = task->proc->strace;
    char buf[2 * TRACE_TEXT_SIZE + 256];
    int n = snprintf(buf, sizeof(buf), "%s%.*s%s",
                     atomic_load(&s->open) && !goes_on ? " <unfinished ...>\n" : "", (int)len, text,
                     end ? "\n" : "");
    atomic_store(&s->open, end ? 0 : task->tid);
    bool begun = rlimit_own_file_begin(task->proc);
    /* One write, so that the guest's own output cannot come between. */
    host_write_all(task->proc->strace_fd, buf,
                   (size_t)n < sizeof(buf) ? (size_t)n : sizeof(buf) - 1);
    rlimit_own_file_end(task->proc, begun);
}

static void put_leader(struct task *task, struct trace_text *t)
{
    if (atomic_load(&task->proc->strace->tasks) > 1)
        text_put(t, "[pid %5d] ", task->tid);
}

enum {
    NR_EXIT = 93,
    NR_EXIT_GROUP = 94,
    NR_RT_SIGRETURN = 139,
    NR_CLONE = 220,
    NR_EXECVE = 221,
    NR_EXECVEAT = 281,
    NR_CLONE3 = 435,
};

static bool is_clone(uint64_t nr)
{
    return nr == NR_CLONE || nr == NR_CLONE3;
}

static void gone(struct task *task, uint32_t count)
{
    atomic_fetch_sub(&task->proc->strace->tasks, (int32_t)count);
}

/* A line, or the begin of one. */
static void write_line(struct task *task, const struct trace_text *t, bool end)
{
    lock(task->proc);
    write_text(task, t->text, t->len, false, end);
    unlock(task->proc);
}

static void pad(struct trace_text *t, size_t column)
{
    text_put(t, "%*s", column < RESULT_COLUMN ? (int)(RESULT_COLUMN - column) : 1, "");
}

/* A call that does not come back has all its lines at once. */
static void put_exit(struct task *task, struct trace_text *t, uint64_t nr, int status)
{
    text_put(t, ")");
    pad(t, t->len);
    text_put(t, "= ?");
    write_line(task, t, true);
    t->len = 0;
    put_leader(task, t);
    text_put(t, "+++ exited with %d +++", status & 0xff);
    write_line(task, t, true);
    gone(task, nr == NR_EXIT ? 1 : task->proc->tasks->count);
}

void strace_enter(struct task *task, struct strace_line *line, uint64_t nr, const uint64_t args[6])
{
    const struct syscall_row *row = syscall_row(nr);
    struct trace_text t = {0};
    struct trace_call c = {.task = task, .out = &t, .args = args};
    put_leader(task, &t);
    if (row) {
        text_put(&t, "%s(", row->name);
        args_before(&c, row->signature);
    } else {
        text_put(&t, "syscall_%#llx(", (unsigned long long)nr);
        for (int i = 0; i < 6; i++)
            text_put(&t, i ? ", %#llx" : "%#llx", (unsigned long long)args[i]);
    }
    if (nr == NR_EXIT || nr == NR_EXIT_GROUP) {
        put_exit(task, &t, nr, (int)args[0]);
        return;
    }
    *line = (struct strace_line){
        .saved = c.saved,
        .done = c.done,
        .comma = c.comma,
        .column = (uint32_t)t.len,
        .tasks = task->proc->tasks->count,
    };
    write_line(task, &t, false);
    /* Counted before it can write. */
    if (is_clone(nr))
        atomic_fetch_add(&task->proc->strace->tasks, 1);
}

/* Where the call's registers tell more than its result. */
static int64_t told_result(struct task *task, uint64_t nr, int64_t ret)
{
    if (ret != -LINUX_ENORESULT)
        return ret;
    return nr == NR_RT_SIGRETURN ? (int64_t)vcpu_regs(task->vcpu)->x[0] : 0;
}

/* The rest of a call's line: to the begun one, or to a line of its own if that was broken. */
static void write_end(struct task *task, const struct strace_line *line, const char *name,
                      const struct trace_text *args, const struct trace_text *result)
{
    struct strace_shared *s = task->proc->strace;
    struct trace_text t = {0};
    lock(task->proc);
    bool begun = atomic_load(&s->open) == task->tid;
    if (!begun) {
        put_leader(task, &t);
        text_put(&t, "<... %s resumed>", name);
    }
    text_put(&t, "%s", args->text);
    pad(&t, (begun ? line->column : 0) + t.len);
    text_put(&t, "%s", result->text);
    write_text(task, t.text, t.len, begun, true);
    unlock(task->proc);
}

void strace_leave(struct task *task, const struct strace_line *line, uint64_t nr,
                  const uint64_t args[6], int64_t ret, uint64_t nanoseconds)
{
    const struct syscall_row *row = syscall_row(nr);
    struct trace_text rest = {0}, result = {0};
    struct trace_call c = {.task = task,
                           .out = &rest,
                           .args = args,
                           .saved = line->saved,
                           .done = line->done,
                           .comma = line->comma,
                           .ret = told_result(task, nr, ret)};
    if (is_clone(nr) && ret == 0)
        return; /* the new process: the call is its parent's */
    if (is_clone(nr) && ret < 0)
        gone(task, 1);
    if ((nr == NR_EXECVE || nr == NR_EXECVEAT) && ret == -LINUX_ENORESULT)
        gone(task, line->tasks - 1);
    if (row)
        args_after(&c, row->signature);
    text_put(&rest, ")");
    c.out = &result;
    text_put(&result, "= ");
    result_put(&c, row ? row->name : NULL);
    text_put(&result, " <%llu.%06llu>", (unsigned long long)(nanoseconds / 1000000000),
             (unsigned long long)(nanoseconds / 1000 % 1000000));
    write_end(task, line, row ? row->name : "syscall", &rest, &result);
}

void strace_signal(struct task *task, int sig, const struct linux_siginfo *info)
{
    struct trace_text t = {0};
    if (!(task->proc->traced & TRACE_STRACE))
        return;
    put_leader(task, &t);
    text_put(&t, "--- ");
    names_put_signal(&t, sig);
    text_put(&t, " ");
    put_siginfo(&t, info);
    text_put(&t, " ---");
    write_line(task, &t, true);
}

void strace_killed(struct task *task, int sig, const struct linux_siginfo *info)
{
    struct trace_text t = {0};
    if (sig != LINUX_SIGKILL)
        strace_signal(task, sig, info);
    put_leader(task, &t);
    text_put(&t, "+++ killed by ");
    names_put_signal(&t, sig);
    text_put(&t, " +++");
    write_line(task, &t, true);
    gone(task, task->proc->tasks->count);
}
