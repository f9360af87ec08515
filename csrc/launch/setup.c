/* setup.c - from the spec to a guest without a program. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/file.h"
#include "host/io.h"
#include "host/log.h"
#include "host/time.h"
#include "launch/launch.h"
#include "launch/startup_trace.h"
#include "linux/fs/fdtable.h"
#include "linux/fs/fs.h"
#include "linux/ipc/ipc.h"
#include "linux/mm/mm.h"
#include "linux/net/net.h"
#include "linux/process/cred.h"
#include "linux/process/rlimit.h"
#include "linux/process/task.h"
#include "linux/trace/trace.h"

int launch_standard_streams(void)
{
    int fd;
    do {
        fd = host_open_path("/dev/null", LINUX_O_RDWR, 0);
        if (fd < 0)
            return fd;
    } while (fd < 3);
    return host_fd_close(fd);
}

static int by_number(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

/*
 * What the caller left open is not for the guest; keep_fds stay open above the boundary. The rest
 * is closed first: a descriptor up there makes the host's table so large that going through it
 * takes 0.1 ms.
 */
static int hide_descriptors(const struct launch_spec *spec, char *err, size_t err_size)
{
    int from = 3, result = 0;
    if (spec->nkeep_fds)
        qsort(spec->keep_fds, spec->nkeep_fds, sizeof *spec->keep_fds, by_number);
    for (size_t i = 0; i < spec->nkeep_fds; i++) {
        int kept = spec->keep_fds[i];
        if (kept > from && result == 0)
            result = host_close_range((unsigned)from, (unsigned)kept - 1, 0);
        from = kept + 1;
    }
    if (result == 0)
        result = host_close_range((unsigned)from, UINT_MAX, 0);
    if (result)
        return result;
    for (size_t i = 0; i < spec->nkeep_fds; i++) {
        int fd = host_fd_private(spec->keep_fds[i]);
        if (fd < 0) {
            snprintf(err, err_size, "launch spec: descriptor %d of \"keep_fds\" is not open",
                     spec->keep_fds[i]);
            return fd;
        }
    }
    int log = host_dupfd(2, host_fd_boundary(), true);
    if (log >= 0)
        host_log_to(log);
    return log < 0 ? log : 0;
}

static void set_limits(struct process *proc, const struct launch_spec *spec)
{
    rlimit_init(proc);
    for (size_t i = 0; i < spec->nrlimits; i++) {
        const struct spec_rlimit *l = &spec->rlimits[i];
        rlimit_apply(proc, (unsigned)l->resource, l->soft, l->hard);
    }
}

/* What watches the guest; all of it is inherited by its processes. */
static int watch(struct process *proc, const struct launch_spec *spec)
{
    if (spec->verbose)
        proc->traced |= TRACE_CRASH;
    int result = startup_trace_process(proc);
    if (result || !spec->strace)
        return result;
    int fd = host_dupfd(2, host_fd_boundary(), true);
    return fd < 0 ? fd : strace_start(proc, fd);
}

int launch_setup(const struct launch_spec *spec, struct task **task, char *err, size_t err_size)
{
    struct process *proc;
    snprintf(err, err_size, "out of memory");
    int result = hide_descriptors(spec, err, err_size);
    if (result)
        return result;
    result = process_create(&proc);
    if (result)
        return result;
    cred_init(proc, spec->cred.uid, spec->cred.gid, spec->cred.groups, spec->cred.ngroups);
    snprintf(proc->hostname, sizeof proc->hostname, "%s", spec->hostname);
    result = fs_context_create(&spec->fs, &proc->fs, err, err_size);
    if (result)
        return result;
    startup_trace_step("root");
    result = net_create();
    if (result)
        return result;
    proc->fds = fd_table_create();
    if (!proc->fds)
        return -LINUX_ENOMEM;
    result = mm_create(&proc->mm, spec->engine, host_counter, HOST_COUNTER_HZ, err, err_size);
    if (result)
        return result;
    proc->vm = proc->mm->vm;
    result = ipc_create(proc);
    if (result)
        return result;
    startup_trace_step("memory");
    launch_cache(spec, proc->vm);
    startup_trace_step("kept translations");
    set_limits(proc, spec);
    result = watch(proc, spec);
    if (result)
        return result;
    result = task_create_first(proc, task);
    if (result)
        snprintf(err, err_size, "cannot start the first thread (error %d)", -result);
    return result;
}
