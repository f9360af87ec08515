/* histogram.c - see histogram.h. */
#include "linux/trace/histogram.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/log.h"
#include "linux/process/task.h"
#include "linux/trace/trace.h"

struct row {
    _Atomic uint64_t calls, errors, nanoseconds;
    uint64_t nr; /* of the sorted copy */
};

struct histogram {
    atomic_flag printed;
    int32_t pid; /* of the process that is counted */
    unsigned size;
    struct row rows[]; /* by number; the last is for numbers without a name */
};

int histogram_start(struct process *proc)
{
    unsigned size = syscall_table_size() + 1;
    struct histogram *h = calloc(1, sizeof(*h) + size * sizeof(h->rows[0]));
    if (!h)
        return -LINUX_ENOMEM;
    h->size = size;
    h->pid = proc->pid;
    proc->histogram = h;
    proc->traced |= TRACE_HISTOGRAM;
    return 0;
}

static int by_time(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->nanoseconds != y->nanoseconds)
        return x->nanoseconds < y->nanoseconds ? 1 : -1;
    return x->nr < y->nr ? -1 : 1;
}

static void print_row(const struct row *r, uint64_t total, const char *name)
{
    uint64_t share = total ? r->nanoseconds * 10000 / total : 0; /* of 100.00 % */
    char errors[24] = "";
    if (r->errors)
        snprintf(errors, sizeof(errors), "%llu", (unsigned long long)r->errors);
    host_log("%3llu.%02llu %4llu.%06llu %11llu %9llu %9s %s", (unsigned long long)share / 100,
             (unsigned long long)share % 100, (unsigned long long)(r->nanoseconds / 1000000000),
             (unsigned long long)(r->nanoseconds / 1000 % 1000000),
             (unsigned long long)(r->calls ? r->nanoseconds / r->calls / 1000 : 0),
             (unsigned long long)r->calls, errors, name);
}

/* Once, whoever ends the count first. */
static void print(struct task *task)
{
    struct histogram *h = task->proc->histogram;
    struct row sum = {0}, *sorted;
    if (atomic_flag_test_and_set(&h->printed))
        return;
    task->proc->traced &= ~TRACE_HISTOGRAM;
    sorted = malloc(h->size * sizeof(*sorted));
    if (!sorted)
        return;
    for (unsigned i = 0; i < h->size; i++) {
        sorted[i].calls = h->rows[i].calls;
        sorted[i].errors = h->rows[i].errors;
        sorted[i].nanoseconds = h->rows[i].nanoseconds;
        sorted[i].nr = i;
        sum.calls += sorted[i].calls;
        sum.errors += sorted[i].errors;
        sum.nanoseconds += sorted[i].nanoseconds;
    }
    qsort(sorted, h->size, sizeof(*sorted), by_time);
    host_log("%% time     seconds  usecs/call     calls    errors syscall");
    host_log("------ ----------- ----------- --------- --------- ----------------");
    for (unsigned i = 0; i < h->size; i++) {
        const struct syscall_row *row = syscall_row(sorted[i].nr);
        if (sorted[i].calls)
            print_row(&sorted[i], sum.nanoseconds, row ? row->name : "unknown");
    }
    host_log("------ ----------- ----------- --------- --------- ----------------");
    print_row(&sum, sum.nanoseconds, "total");
    free(sorted);
}

static void count(struct task *task, uint64_t nr, bool failed, uint64_t nanoseconds)
{
    struct histogram *h = task->proc->histogram;
    struct row *row = &h->rows[nr < h->size - 1 ? nr : h->size - 1];
    row->calls++;
    row->errors += failed;
    row->nanoseconds += nanoseconds;
}

/* A child of the process has a copy, which nobody prints. */
static bool is_counted(const struct task *task)
{
    return task->proc->pid == task->proc->histogram->pid;
}

void histogram_enter(struct task *task, uint64_t nr)
{
    enum { NR_EXIT = 93, NR_EXIT_GROUP = 94 };
    bool ends = nr == NR_EXIT_GROUP || (nr == NR_EXIT && task->proc->tasks->count == 1);
    if (!ends || !is_counted(task))
        return;
    count(task, nr, false, 0);
    print(task);
}

void histogram_leave(struct task *task, uint64_t nr, int64_t ret, uint64_t nanoseconds)
{
    enum { NR_RT_SIGRETURN = 139 };
    if (!is_counted(task))
        return;
    count(task, nr, ret < 0 && ret > -LINUX_ERESTARTSYS, nanoseconds);
    if (ret == -LINUX_ENORESULT && nr != NR_RT_SIGRETURN)
        print(task); /* execve */
}

void histogram_killed(struct task *task)
{
    if (is_counted(task))
        print(task);
}
