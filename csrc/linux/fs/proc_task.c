/* proc_task.c - files of /proc/<pid>/ and /proc/<pid>/task/<tid>/, but for memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/io.h"
#include "host/system.h"
#include "linux/fs/procfs.h"
#include "linux/mm/mm.h"
#include "linux/process/task.h"
#include "linux/signal/signal.h"

#define REG(mode) (LINUX_S_IFREG | (mode))
#define DIR       (LINUX_S_IFDIR | 0555)
#define LNK       (LINUX_S_IFLNK | 0777)

static void cmdline(const struct proc_req *r, struct synth_text *t)
{
    synth_append(t, r->task->proc->cmdline, r->task->proc->cmdline_len);
}

static void environ_file(const struct proc_req *r, struct synth_text *t)
{
    synth_append(t, r->task->proc->environ_block, r->task->proc->environ_len);
}

static void auxv(const struct proc_req *r, struct synth_text *t)
{
    synth_append(t, r->task->proc->auxv, r->task->proc->auxv_len);
}

static void name_of(const struct proc_req *r, char name[17])
{
    memset(name, 0, 17);
    if (task_get_name(r->task->proc, r->tid, name) < 0)
        memcpy(name, r->task->proc->comm, 15);
}

static void comm(const struct proc_req *r, struct synth_text *t)
{
    char name[17];

    name_of(r, name);
    synth_printf(t, "%s\n", name);
}

static int64_t write_comm(struct task *task, const struct synth_node *node, const char *data,
                          size_t len)
{
    char name[16] = {0};

    memcpy(name, data, len < 15 ? len : 15);
    int r = task_set_name(task->proc, node->tid, name);
    return r < 0 ? r : (int64_t)len;
}

/* One process, never killed for memory by us: the value is kept for the reader. */
static void oom_score_adj(const struct proc_req *r, struct synth_text *t)
{
    synth_printf(t, "%d\n", __atomic_load_n(&r->fs->oom_score_adj, __ATOMIC_RELAXED));
}

static int64_t write_oom_score_adj(struct task *task, const struct synth_node *node,
                                   const char *data, size_t len)
{
    char *end;
    long v = strtol(data, &end, 10);

    (void)node;
    if (end == data || (*end && *end != '\n') || v < -1000 || v > 1000)
        return -LINUX_EINVAL;
    if (v < task->proc->fs->oom_score_adj && task->proc->cred.euid != 0)
        return -LINUX_EACCES;
    __atomic_store_n(&task->proc->fs->oom_score_adj, (int32_t)v, __ATOMIC_RELAXED);
    return (int64_t)len;
}

#define FIXED(fn, ...)                                                                             \
    static void fn(const struct proc_req *r, struct synth_text *t)                                 \
    {                                                                                              \
        (void)r;                                                                                   \
        synth_printf(t, __VA_ARGS__);                                                              \
    }

FIXED(zero_line, "0\n")
FIXED(zero, "0")
FIXED(cgroup, "0::/\n")
FIXED(id_map, "         0          0 4294967295\n")
FIXED(setgroups, "allow\n")
FIXED(loginuid, "4294967295")
FIXED(coredump_filter, "00000033\n")
FIXED(timerslack, "50000\n")
FIXED(ns_net, "net:[4026531840]")
FIXED(ns_uts, "uts:[4026531838]")
FIXED(ns_ipc, "ipc:[4026531839]")
FIXED(ns_pid, "pid:[4026531836]")
FIXED(ns_user, "user:[4026531837]")
FIXED(ns_mnt, "mnt:[4026531841]")
FIXED(ns_cgroup, "cgroup:[4026531835]")

static void personality(const struct proc_req *r, struct synth_text *t)
{
    synth_printf(t, "%08x\n", r->task->proc->personality);
}

static void io(const struct proc_req *r, struct synth_text *t)
{
    (void)r;
    proc_host_file(t, "/proc/self/io");
}

static void schedstat(const struct proc_req *r, struct synth_text *t)
{
    (void)r;
    proc_host_file(t, "/proc/self/schedstat");
}

#define NET_FILE(fn, path)                                                                         \
    static void fn(const struct proc_req *r, struct synth_text *t)                                 \
    {                                                                                              \
        (void)r;                                                                                   \
        proc_host_file(t, path);                                                                   \
    }

/* The network is the host's, so these are true. net/unix would show names of the host's files. */
NET_FILE(net_dev, "/proc/self/net/dev")
NET_FILE(net_route, "/proc/self/net/route")
NET_FILE(net_ipv6_route, "/proc/self/net/ipv6_route")
NET_FILE(net_if_inet6, "/proc/self/net/if_inet6")
NET_FILE(net_tcp, "/proc/self/net/tcp")
NET_FILE(net_tcp6, "/proc/self/net/tcp6")
NET_FILE(net_udp, "/proc/self/net/udp")
NET_FILE(net_udp6, "/proc/self/net/udp6")
NET_FILE(net_sockstat, "/proc/self/net/sockstat")
NET_FILE(net_snmp, "/proc/self/net/snmp")

static unsigned long long ticks(const struct linux_timeval *tv)
{
    return (unsigned long long)tv->tv_sec * 100 + (unsigned long long)tv->tv_usec / 10000;
}

/* Field `n` (from 1) of the host's /proc/self/stat, after the name in parentheses. */
static unsigned long long host_stat_field(int n)
{
    struct synth_text t = {0};
    unsigned long long v = 0;

    proc_host_file(&t, "/proc/self/stat");
    synth_append(&t, "", 1);
    char *s = t.data ? strrchr(t.data, ')') : NULL;
    for (int i = 2; s && i < n; i++)
        s = strchr(s + 1, ' ');
    if (s)
        v = strtoull(s + 1, NULL, 10);
    free(t.data);
    return v;
}

void proc_stat_task(const struct proc_req *r, struct synth_text *t)
{
    struct process *p = r->task->proc;
    struct linux_rusage u = {0};
    struct mm_usage use = {0};
    int32_t tids[1];
    char name[17];

    name_of(r, name);
    host_getrusage(LINUX_RUSAGE_SELF, &u);
    mm_usage(p->mm, &use);
    synth_printf(t,
                 "%d (%s) R %d %d %d 0 -1 4194304 %lld 0 %lld 0 %llu %llu 0 0 20 0 %u 0 %llu %llu "
                 "%llu %llu ",
                 r->tid, name, p->ppid, p->pid, p->pid, (long long)u.ru_minflt,
                 (long long)u.ru_majflt, ticks(&u.ru_utime), ticks(&u.ru_stime),
                 task_tids(p, tids, 0), host_stat_field(22), (unsigned long long)use.total,
                 host_stat_field(24), host_stat_field(25));
    synth_printf(
        t, "%llu %llu %llu 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 %llu %llu %llu %llu %llu %llu %llu 0\n",
        (unsigned long long)p->mm->start_code, (unsigned long long)p->mm->end_code,
        (unsigned long long)p->mm->start_stack, (unsigned long long)p->mm->start_data,
        (unsigned long long)p->mm->end_data, (unsigned long long)p->mm->start_brk,
        (unsigned long long)p->mm->arg_start, (unsigned long long)p->mm->arg_end,
        (unsigned long long)p->mm->env_start, (unsigned long long)p->mm->env_end);
}

static void status_signals(const struct proc_req *r, struct synth_text *t)
{
    struct process *p = r->task->proc;
    struct sighand *h = p->sighand;
    uint64_t ignored = 0, caught = 0, blocked = 0, own = 0, shared = 0;
    uint32_t queued = 0;

    if (h) {
        host_mutex_lock(&h->lock);
        for (int sig = 1; sig <= LINUX_NSIG; sig++) {
            if (h->action[sig].handler == 1)
                ignored |= 1ull << (sig - 1);
            else if (h->action[sig].handler)
                caught |= 1ull << (sig - 1);
        }
        struct task *task = task_find(p, r->tid);
        if (task && task->sig) {
            blocked = task->sig->blocked;
            own = task->sig->pending.set;
        }
        shared = h->shared.set;
        queued = h->queued;
        host_mutex_unlock(&h->lock);
    }
    synth_printf(t,
                 "SigQ:\t%u/"
                 "%llu\nSigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\nSigIgn:\t%"
                 "016llx\nSigCgt:\t%016llx\n",
                 queued, (unsigned long long)p->rlimit[LINUX_RLIMIT_SIGPENDING][0],
                 (unsigned long long)own, (unsigned long long)shared, (unsigned long long)blocked,
                 (unsigned long long)ignored, (unsigned long long)caught);
}

/* Lines of the host's status that count for the process as a whole. */
static void status_host_lines(struct synth_text *t, const char *const *keys)
{
    struct synth_text host = {0};

    proc_host_file(&host, "/proc/self/status");
    synth_append(&host, "", 1);
    for (; *keys && host.data; keys++) {
        char key[64];
        snprintf(key, sizeof key, "\n%s:", *keys);
        const char *line = strstr(host.data, key);
        if (line)
            synth_append(t, line + 1, strcspn(line + 1, "\n") + 1);
    }
    free(host.data);
}

void proc_status(const struct proc_req *r, struct synth_text *t)
{
    static const char *const cpu_keys[] = {"Cpus_allowed", "Cpus_allowed_list", "Mems_allowed",
                                           "Mems_allowed_list", NULL};
    static const char *const switch_keys[] = {"voluntary_ctxt_switches",
                                              "nonvoluntary_ctxt_switches", NULL};
    struct process *p = r->task->proc;
    const struct cred *c = &p->cred;
    struct mm_usage u = {0};
    int32_t tids[1];
    char name[17];
    unsigned long long rss = host_stat_field(24) * 4;

    name_of(r, name);
    mm_usage(p->mm, &u);
    synth_printf(
        t,
        "Name:\t%s\nUmask:\t%04o\nState:\tR (running)\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\n"
        "TracerPid:\t0\nUid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t256\nGroups:\t",
        name, fs_umask(r->fs), p->pid, r->tid, p->ppid, c->uid, c->euid, c->suid, c->fsuid, c->gid,
        c->egid, c->sgid, c->fsgid);
    for (uint32_t i = 0; i < c->ngroups; i++)
        synth_printf(t, "%u ", c->groups[i]);
    synth_printf(t, "\nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\nKthread:\t0\n", p->pid,
                 r->tid, p->pid, p->pid);
    synth_printf(
        t,
        "VmPeak:\t%8llu kB\nVmSize:\t%8llu kB\nVmLck:\t%8llu kB\nVmPin:\t%8d kB\nVmHWM:\t%8llu kB\n"
        "VmRSS:\t%8llu kB\nRssAnon:\t%8llu kB\nRssFile:\t%8d kB\nRssShmem:\t%8d kB\n",
        (unsigned long long)u.total / 1024, (unsigned long long)u.total / 1024,
        (unsigned long long)u.locked / 1024, 0, rss, rss, rss, 0, 0);
    synth_printf(
        t,
        "VmData:\t%8llu kB\nVmStk:\t%8llu kB\nVmExe:\t%8llu kB\nVmLib:\t%8d kB\nVmPTE:\t%8d kB\n"
        "VmSwap:\t%8d kB\nHugetlbPages:\t%8d kB\nCoreDumping:\t0\nTHP_enabled:\t%d\nThreads:\t%u\n",
        (unsigned long long)u.data / 1024, (unsigned long long)u.stack / 1024,
        (unsigned long long)u.text / 1024, 0, 0, 0, 0, !p->thp_disable, task_tids(p, tids, 0));
    status_signals(r, t);
    synth_printf(
        t,
        "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\nCapBnd:\t%016llx\nCapAmb:\t%016llx\n"
        "NoNewPrivs:\t%d\nSeccomp:\t0\nSeccomp_filters:\t0\nSpeculation_Store_Bypass:\tnot "
        "vulnerable\n",
        (unsigned long long)c->cap_inheritable, (unsigned long long)c->cap_permitted,
        (unsigned long long)c->cap_effective, (unsigned long long)c->cap_bounding,
        (unsigned long long)c->cap_ambient, c->no_new_privs);
    status_host_lines(t, cpu_keys);
    status_host_lines(t, switch_keys);
}

void proc_limits(const struct proc_req *r, struct synth_text *t)
{
    static const struct {
        const char *name, *unit;
    } rows[] = {
        {"Max cpu time", "seconds"},     {"Max file size", "bytes"},
        {"Max data size", "bytes"},      {"Max stack size", "bytes"},
        {"Max core file size", "bytes"}, {"Max resident set", "bytes"},
        {"Max processes", "processes"},  {"Max open files", "files"},
        {"Max locked memory", "bytes"},  {"Max address space", "bytes"},
        {"Max file locks", "locks"},     {"Max pending signals", "signals"},
        {"Max msgqueue size", "bytes"},  {"Max nice priority", ""},
        {"Max realtime priority", ""},   {"Max realtime timeout", "us"},
    };
    char v[2][24];

    synth_printf(t, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int k = 0; k < 2; k++) {
            uint64_t n = r->task->proc->rlimit[i][k];
            if (n == UINT64_MAX)
                snprintf(v[k], sizeof v[k], "unlimited");
            else
                snprintf(v[k], sizeof v[k], "%llu", (unsigned long long)n);
        }
        synth_printf(t, "%-25s %-20s %-20s %-10s\n", rows[i].name, v[0], v[1], rows[i].unit);
    }
}

static const char *type_of(const struct fs_mount *m)
{
    return m->synth                ? m->synth->fs_name
           : m->type == FS_OVERLAY ? "overlay"
           : m->type == FS_TMPFS   ? "tmpfs"
                                   : "ext4";
}

static const char *source_of(const struct fs_mount *m)
{
    return m->type == FS_PLAIN || m->type == FS_BIND ? "/dev/root" : type_of(m);
}

/* As mangle() of the kernel: what would break the columns, in octal. */
static void mangled(struct synth_text *t, const char *s)
{
    for (; *s; s++) {
        if (strchr(" \t\n\\#", *s))
            synth_printf(t, "\\%03o", (unsigned char)*s);
        else
            synth_append(t, s, 1);
    }
}

void proc_mounts(const struct proc_req *r, struct synth_text *t)
{
    for (int i = 0; i < r->fs->nmounts; i++) {
        const struct fs_mount *m = &r->fs->mounts[i];
        synth_printf(t, "%s ", source_of(m));
        mangled(t, m->target);
        synth_printf(t, " %s %s,nosuid,nodev,relatime 0 0\n", type_of(m),
                     m->read_only ? "ro" : "rw");
    }
}

void proc_mountinfo(const struct proc_req *r, struct synth_text *t)
{
    for (int i = 0; i < r->fs->nmounts; i++) {
        const struct fs_mount *m = &r->fs->mounts[i];
        struct linux_statx st = {0};
        if (m->synth)
            st.stx_dev_minor = m->synth->dev_minor;
        else
            host_statx_fd(m->layers[0].fd, &st);
        synth_printf(t, "%u %u %u:%u / ", m->id, i ? r->fs->mounts[0].id : 1, st.stx_dev_major,
                     st.stx_dev_minor);
        mangled(t, m->target);
        synth_printf(t, " %s,nosuid,nodev,relatime - %s %s %s\n", m->read_only ? "ro" : "rw",
                     type_of(m), source_of(m), m->read_only ? "ro" : "rw");
    }
}

const struct proc_entry proc_task_entries[] = {
    {"auxv", REG(0400), 0, auxv, NULL, false},
    {"cgroup", REG(0444), 0, cgroup, NULL, false},
    {"cmdline", REG(0444), 0, cmdline, NULL, false},
    {"comm", REG(0644), 0, comm, write_comm, false},
    {"coredump_filter", REG(0444), 0, coredump_filter, NULL, true},
    {"cwd", LNK, SYNTH_JUMP_CWD, NULL, NULL, false},
    {"environ", REG(0400), 0, environ_file, NULL, false},
    {"exe", LNK, SYNTH_JUMP_EXE, NULL, NULL, false},
    {"fd", LINUX_S_IFDIR | 0500, 0, NULL, NULL, false},
    {"fdinfo", DIR, 0, NULL, NULL, false},
    {"gid_map", REG(0444), 0, id_map, NULL, false},
    {"io", REG(0400), 0, io, NULL, false},
    {"limits", REG(0444), 0, proc_limits, NULL, false},
    {"loginuid", REG(0444), 0, loginuid, NULL, false},
    {"maps", REG(0444), 0, proc_maps, NULL, false},
    {"mountinfo", REG(0444), 0, proc_mountinfo, NULL, false},
    {"mounts", REG(0444), 0, proc_mounts, NULL, false},
    {"net", DIR, 0, NULL, NULL, false},
    {"net/dev", REG(0444), 0, net_dev, NULL, false},
    {"net/if_inet6", REG(0444), 0, net_if_inet6, NULL, false},
    {"net/ipv6_route", REG(0444), 0, net_ipv6_route, NULL, false},
    {"net/route", REG(0444), 0, net_route, NULL, false},
    {"net/snmp", REG(0444), 0, net_snmp, NULL, false},
    {"net/sockstat", REG(0444), 0, net_sockstat, NULL, false},
    {"net/tcp", REG(0444), 0, net_tcp, NULL, false},
    {"net/tcp6", REG(0444), 0, net_tcp6, NULL, false},
    {"net/udp", REG(0444), 0, net_udp, NULL, false},
    {"net/udp6", REG(0444), 0, net_udp6, NULL, false},
    {"ns", LINUX_S_IFDIR | 0511, 0, NULL, NULL, false},
    {"ns/cgroup", LNK, 0, ns_cgroup, NULL, false},
    {"ns/ipc", LNK, 0, ns_ipc, NULL, false},
    {"ns/mnt", LNK, 0, ns_mnt, NULL, false},
    {"ns/net", LNK, 0, ns_net, NULL, false},
    {"ns/pid", LNK, 0, ns_pid, NULL, false},
    {"ns/user", LNK, 0, ns_user, NULL, false},
    {"ns/uts", LNK, 0, ns_uts, NULL, false},
    {"oom_adj", REG(0444), 0, zero_line, NULL, false},
    {"oom_score", REG(0444), 0, zero_line, NULL, false},
    {"oom_score_adj", REG(0644), 0, oom_score_adj, write_oom_score_adj, false},
    {"personality", REG(0400), 0, personality, NULL, false},
    {"root", LNK, SYNTH_JUMP_ROOT, NULL, NULL, false},
    {"schedstat", REG(0444), 0, schedstat, NULL, false},
    {"sessionid", REG(0444), 0, loginuid, NULL, false},
    {"setgroups", REG(0444), 0, setgroups, NULL, true},
    {"smaps", REG(0444), 0, proc_smaps, NULL, false},
    {"smaps_rollup", REG(0444), 0, proc_smaps_rollup, NULL, false},
    {"stat", REG(0444), 0, proc_stat_task, NULL, false},
    {"statm", REG(0444), 0, proc_statm, NULL, false},
    {"status", REG(0444), 0, proc_status, NULL, false},
    {"timerslack_ns", REG(0444), 0, timerslack, NULL, true},
    {"uid_map", REG(0444), 0, id_map, NULL, false},
    {"wchan", REG(0444), 0, zero, NULL, false},
    {NULL, 0, 0, NULL, NULL, false},
};
