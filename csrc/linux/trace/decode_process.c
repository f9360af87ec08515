/* decode_process.c - arguments of clone, wait, scheduling, limits and credentials. */
#include <string.h>

#include "linux/abi/sched.h"
#include "linux/abi/signal.h"
#include "linux/mm/uaccess.h"
#include "linux/trace/args.h"

/* ---- new tasks ---- */

static void put_clone_flags(struct trace_text *t, uint64_t flags, int exit_signal)
{
    if (flags || !exit_signal)
        names_put_type(t, "cloneflags", flags);
    if (exit_signal) {
        text_put(t, flags ? "|" : "");
        names_put_signal(t, exit_signal);
    }
}

/* All of clone's arguments, in strace's order. */
static void put_clone(struct trace_call *c, uint64_t v)
{
    uint64_t flags = v & 0xffffffff & ~LINUX_CSIGNAL;
    if (!c->after) {
        text_put(c->out, "child_stack=");
        text_address(c->out, c->args[1]);
        text_put(c->out, ", flags=");
        put_clone_flags(c->out, flags, (int)(v & LINUX_CSIGNAL));
        return;
    }
    if (flags & (LINUX_CLONE_PARENT_SETTID | LINUX_CLONE_PIDFD)) {
        int32_t word;
        text_put(c->out, flags & LINUX_CLONE_PARENT_SETTID ? ", parent_tid=" : ", pidfd=");
        if (fetch(c, &word, c->args[2], sizeof(word)))
            text_put(c->out, "[%d]", word);
    }
    if (flags & LINUX_CLONE_SETTLS)
        text_put(c->out, ", tls=%#llx", (unsigned long long)c->args[3]);
    if (flags & (LINUX_CLONE_CHILD_SETTID | LINUX_CLONE_CHILD_CLEARTID)) {
        text_put(c->out, ", child_tidptr=");
        text_address(c->out, c->args[4]);
    }
}

static void put_named_address(struct trace_text *t, const char *name, uint64_t v)
{
    text_put(t, ", %s=", name);
    text_address(t, v);
}

static void put_clone3_before(struct trace_call *c, const struct linux_clone_args *a)
{
    struct trace_text *t = c->out;
    text_put(t, "{flags=");
    names_put_type(t, "cloneflags", a->flags);
    if (a->flags & LINUX_CLONE_PIDFD)
        put_named_address(t, "pidfd", a->pidfd);
    if (a->flags & (LINUX_CLONE_CHILD_SETTID | LINUX_CLONE_CHILD_CLEARTID))
        put_named_address(t, "child_tid", a->child_tid);
    if (a->flags & LINUX_CLONE_PARENT_SETTID)
        put_named_address(t, "parent_tid", a->parent_tid);
    text_put(t, ", exit_signal=");
    names_put_signal(t, (int)a->exit_signal);
    put_named_address(t, "stack", a->stack);
    text_put(t, ", stack_size=%#llx", (unsigned long long)a->stack_size);
    if (a->flags & LINUX_CLONE_SETTLS)
        text_put(t, ", tls=%#llx", (unsigned long long)a->tls);
    if (a->set_tid || a->set_tid_size) {
        put_named_address(t, "set_tid", a->set_tid);
        text_put(t, ", set_tid_size=%llu", (unsigned long long)a->set_tid_size);
    }
    if (a->flags & LINUX_CLONE_INTO_CGROUP)
        text_put(t, ", cgroup=%llu", (unsigned long long)a->cgroup);
    text_put(t, "}");
}

static void put_clone3_after(struct trace_call *c, const struct linux_clone_args *a)
{
    int32_t pidfd = 0, tid = 0;
    bool has_pidfd = (a->flags & LINUX_CLONE_PIDFD) && a->pidfd &&
                     !copy_from_user(c->task, &pidfd, a->pidfd, sizeof(pidfd));
    bool has_tid = (a->flags & LINUX_CLONE_PARENT_SETTID) && a->parent_tid &&
                   !copy_from_user(c->task, &tid, a->parent_tid, sizeof(tid));
    if (call_failed(c) || (!has_pidfd && !has_tid))
        return;
    text_put(c->out, " => {");
    if (has_pidfd)
        text_put(c->out, "pidfd=[%d]%s", pidfd, has_tid ? ", " : "");
    if (has_tid)
        text_put(c->out, "parent_tid=[%d]", tid);
    text_put(c->out, "}");
}

static void put_clone3(struct trace_call *c, uint64_t v)
{
    struct linux_clone_args a = {0};
    uint64_t size = call_arg(c, 1);
    bool readable = v && size >= LINUX_CLONE_ARGS_SIZE_VER0 &&
                    !copy_from_user(c->task, &a, v, size < sizeof(a) ? size : sizeof(a));
    if (!readable && !c->after)
        text_address(c->out, v);
    else if (!c->after)
        put_clone3_before(c, &a);
    else if (readable)
        put_clone3_after(c, &a);
}

/* ---- wait ---- */

static void put_wait_status(struct trace_call *c, uint64_t v)
{
    uint32_t status;
    if (c->ret == 0) {
        text_address(c->out, v);
        return;
    }
    if (!fetch(c, &status, v, sizeof(status)))
        return;
    text_put(c->out, "[{");
    if ((status & 0x7f) == 0) {
        text_put(c->out, "WIFEXITED(s) && WEXITSTATUS(s) == %u", status >> 8 & 0xff);
    } else if (status == 0xffff) {
        text_put(c->out, "WIFCONTINUED(s)");
    } else if ((status & 0xff) == 0x7f) {
        text_put(c->out, "WIFSTOPPED(s) && WSTOPSIG(s) == ");
        names_put_signal(c->out, (int)(status >> 8 & 0xff));
    } else {
        text_put(c->out, "WIFSIGNALED(s) && WTERMSIG(s) == ");
        names_put_signal(c->out, (int)(status & 0x7f));
        text_put(c->out, status & 0x80 ? " && WCOREDUMP(s)" : "");
    }
    text_put(c->out, "}]");
}

/* ---- limits and scheduling ---- */

static void put_limit(struct trace_text *t, uint64_t v)
{
    if (v == LINUX_RLIM_INFINITY)
        text_put(t, "RLIM64_INFINITY");
    else if (v > 1024 && v % 1024 == 0)
        text_put(t, "%llu*1024", (unsigned long long)v / 1024);
    else
        text_put(t, "%llu", (unsigned long long)v);
}

static void put_rlimit(struct trace_call *c, uint64_t v)
{
    struct linux_rlimit64 rlim;
    if (!fetch(c, &rlim, v, sizeof(rlim)))
        return;
    text_put(c->out, "{rlim_cur=");
    put_limit(c->out, rlim.cur);
    text_put(c->out, ", rlim_max=");
    put_limit(c->out, rlim.max);
    text_put(c->out, "}");
}

static void put_sched_param(struct trace_call *c, uint64_t v)
{
    int32_t priority;
    if (fetch(c, &priority, v, sizeof(priority)))
        text_put(c->out, "[%d]", priority);
}

static void put_sched_attr(struct trace_call *c, uint64_t v)
{
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } a;
    if (!fetch(c, &a, v, sizeof(a)))
        return;
    text_put(c->out, "{size=%u, sched_policy=", a.size);
    names_put_type(c->out, "policy", a.policy);
    text_put(c->out, ", sched_flags=");
    names_put_type(c->out, "schedflags", a.flags);
    text_put(c->out, ", sched_nice=%d, sched_priority=%u", a.nice, a.priority);
    text_put(c->out, ", sched_runtime=%llu, sched_deadline=%llu, sched_period=%llu}",
             (unsigned long long)a.runtime, (unsigned long long)a.deadline,
             (unsigned long long)a.period);
}

/* The set's size stands before it; the call may have stored less. */
static void put_cpus(struct trace_call *c, uint64_t v)
{
    uint8_t mask[128];
    uint64_t size = call_arg(c, 1);
    const char *sep = "";
    if (c->output && (uint64_t)c->ret < size)
        size = (uint64_t)c->ret;
    if (size > sizeof(mask))
        size = sizeof(mask);
    if (!fetch(c, mask, v, size))
        return;
    text_put(c->out, "[");
    for (unsigned cpu = 0; cpu < size * 8; cpu++) {
        if (mask[cpu / 8] >> cpu % 8 & 1) {
            text_put(c->out, "%s%u", sep, cpu);
            sep = " ";
        }
    }
    text_put(c->out, "]");
}

/* ---- credentials ---- */

static void put_id(struct trace_text *t, struct task *task, const void *entry)
{
    (void)task;
    text_put(t, "%u", *(const uint32_t *)entry);
}
static void put_outid(struct trace_call *c, uint64_t v)
{
    uint32_t id;
    if (fetch(c, &id, v, sizeof(id)))
        text_put(c->out, "[%u]", id);
}
static void put_groups(struct trace_call *c, uint64_t v)
{
    if ((uint32_t)call_arg(c, 0) > 65536) /* NGROUPS_MAX */
        text_address(c->out, v);
    else
        text_user_array(c->out, c->task, v, (uint32_t)call_arg(c, 0), 4, put_id);
}
static void put_outgroups(struct trace_call *c, uint64_t v)
{
    if (call_failed(c) || !call_arg(c, 0))
        text_address(c->out, v);
    else
        text_user_array(c->out, c->task, v, (uint64_t)c->ret, 4, put_id);
}

static void put_cap_header(struct trace_call *c, uint64_t v)
{
    uint32_t header[2];
    if (!fetch(c, header, v, sizeof(header)))
        return;
    text_put(c->out, "{version=");
    names_put_type(c->out, "capversion", header[0]);
    text_put(c->out, ", pid=%d}", (int)header[1]);
}

/* Version 1 has one element of effective, permitted and inheritable, the others two. */
static void put_cap_data(struct trace_call *c, uint64_t v)
{
    static const char *const names[] = {"{effective=", ", permitted=", ", inheritable="};
    uint32_t version = 0, data[2][3] = {{0}};
    if (copy_from_user(c->task, &version, call_arg(c, 0), sizeof(version)))
        version = 0;
    if (!fetch(c, data, v, version == 0x19980330 ? sizeof(data[0]) : sizeof(data)))
        return;
    for (int i = 0; i < 3; i++) {
        text_put(c->out, "%s", names[i]);
        names_put_type(c->out, "capset", data[0][i] | (uint64_t)data[1][i] << 32);
    }
    text_put(c->out, "}");
}

/* ---- the system ---- */

static void put_utsname(struct trace_call *c, uint64_t v)
{
    struct linux_utsname u;
    if (!fetch(c, &u, v, sizeof(u)))
        return;
    text_put(c->out, "{sysname=");
    text_quoted(c->out, u.sysname, strnlen(u.sysname, sizeof(u.sysname)), false);
    text_put(c->out, ", nodename=");
    text_quoted(c->out, u.nodename, strnlen(u.nodename, sizeof(u.nodename)), false);
    text_put(c->out, ", ...}");
}

static void put_sysinfo(struct trace_call *c, uint64_t v)
{
    struct linux_sysinfo s;
    if (!fetch(c, &s, v, sizeof(s)))
        return;
    text_put(c->out, "{uptime=%lld, loads=[%llu, %llu, %llu], totalram=%llu, freeram=%llu",
             (long long)s.uptime, (unsigned long long)s.loads[0], (unsigned long long)s.loads[1],
             (unsigned long long)s.loads[2], (unsigned long long)s.totalram,
             (unsigned long long)s.freeram);
    text_put(c->out, ", sharedram=%llu, bufferram=%llu, totalswap=%llu, freeswap=%llu, procs=%u",
             (unsigned long long)s.sharedram, (unsigned long long)s.bufferram,
             (unsigned long long)s.totalswap, (unsigned long long)s.freeswap, s.procs);
    text_put(c->out, ", totalhigh=%llu, freehigh=%llu, mem_unit=%u}",
             (unsigned long long)s.totalhigh, (unsigned long long)s.freehigh, s.mem_unit);
}

const struct arg_type types_process[] = {
    {"clone", ARG_BOTH, put_clone, 0},
    {"clone3", ARG_BOTH, put_clone3, 0},
    {"outwaitstatus", ARG_AFTER, put_wait_status, 0},
    {"rlimit", ARG_BEFORE, put_rlimit, 0},
    {"outrlimit", ARG_AFTER, put_rlimit, 0},
    {"schedparam", ARG_BEFORE, put_sched_param, 0},
    {"outschedparam", ARG_AFTER, put_sched_param, 0},
    {"schedattr", ARG_BEFORE, put_sched_attr, 0},
    {"outschedattr", ARG_AFTER, put_sched_attr, 0},
    {"cpuset", ARG_BEFORE, put_cpus, 0},
    {"outcpuset", ARG_AFTER, put_cpus, 0},
    {"outid", ARG_AFTER, put_outid, 0},
    {"groups", ARG_BEFORE, put_groups, 0},
    {"outgroups", ARG_AFTER, put_outgroups, 0},
    {"capheader", ARG_BEFORE, put_cap_header, 0},
    {"capdata", ARG_BEFORE, put_cap_data, 0},
    {"outcapdata", ARG_AFTER, put_cap_data, 0},
    {"oututsname", ARG_AFTER, put_utsname, 0},
    {"outsysinfo", ARG_AFTER, put_sysinfo, 0},
    {NULL, 0, NULL, 0},
};
