/* proc_task.c - files of /proc/<pid>/ and /proc/<pid>/task/<tid>/: see also proc_stat.c,
 * proc_mem.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/io.h"
#include "host/peer.h"
#include "host/system.h"
#include "linux/fs/procfs.h"
#include "linux/process/cred.h"
#include "linux/process/pid.h"
#include "linux/process/task.h"

#define REG(mode) (LINUX_S_IFREG | (mode))
#define DIR       (LINUX_S_IFDIR | 0555)
#define LNK       (LINUX_S_IFLNK | 0777)

/* ---- what the program was started with ---- */

/* get_mm_proctitle(): arguments whose last NUL is gone are a title, which may go on in what was the
 * environment. */
static void title(const struct proc_req *r, const struct mm *mm, struct synth_text *t)
{
    gva_t end = mm->arg_start + LINUX_PAGE_SIZE;
    size_t start = t->len;

    if (end > mm->env_end)
        end = mm->env_end;
    if (proc_view_append_guest(r->view, t, mm->arg_start, end)) {
        size_t len = strnlen(t->data + start, t->len - start);
        t->len = start + len + (len < t->len - start);
    }
}

/* As the program has them now: PostgreSQL, nginx and sshd write what they do over them. */
static int cmdline(const struct proc_req *r, struct synth_text *t)
{
    struct proc_view *v = r->view;
    const struct pid_text *text = pid_text(r->task->proc->pids, v->pid);
    const struct mm *mm = v->zombie ? NULL : proc_view_mm(v);

    if (v->zombie)
        return 0;
    if (mm && proc_view_append_guest(v, t, mm->arg_start, mm->arg_end)) {
        if (t->data[t->len - 1] != '\0') {
            t->len = 0;
            title(r, mm, t);
        }
    } else if (v->readable)
        proc_view_append(v, t, v->proc->cmdline, v->proc->cmdline_len);
    else if (text)
        synth_append(t, text->cmdline, text->cmdline_len);
    return 0;
}

static int environ_file(const struct proc_req *r, struct synth_text *t)
{
    struct proc_view *v = r->view;
    const struct mm *mm = v->zombie ? NULL : proc_view_mm(v);

    if (v->zombie)
        return -LINUX_ESRCH;
    if (!v->readable)
        return -LINUX_EACCES; /* the host does not let us look */
    if (mm == NULL || !proc_view_append_guest(v, t, mm->env_start, mm->env_end))
        proc_view_append(v, t, v->proc->environ_block, v->proc->environ_len);
    return 0;
}

static int auxv(const struct proc_req *r, struct synth_text *t)
{
    if (r->view->zombie)
        return -LINUX_ESRCH;
    if (!r->view->readable)
        return -LINUX_EACCES;
    proc_view_append(r->view, t, r->view->proc->auxv, r->view->proc->auxv_len);
    return 0;
}

static int comm(const struct proc_req *r, struct synth_text *t)
{
    char name[17];

    proc_name(r->view, r->tid, name);
    synth_printf(t, "%s\n", name);
    return 0;
}

/* comm_write(): of the own process's threads only. */
static int64_t write_comm(const struct proc_req *r, const char *data, size_t len)
{
    char name[16] = {0};

    if (!r->view->own)
        return -LINUX_EINVAL;
    memcpy(name, data, len < 15 ? len : 15);
    int e = task_set_name(r->task->proc, r->tid, name);
    return e < 0 ? e : (int64_t)len;
}

/* ---- who is to be killed when memory is short: kept for the reader, never done by us ---- */

static int adj_of(const struct proc_req *r)
{
    struct fs_context fs;

    return proc_view_fs(r->view, &fs) ? fs.oom_score_adj : 0;
}

static int oom_score_adj(const struct proc_req *r, struct synth_text *t)
{
    synth_printf(t, "%d\n", adj_of(r));
    return 0;
}

/* oom_adj_read() */
static int oom_adj(const struct proc_req *r, struct synth_text *t)
{
    int adj = adj_of(r);

    synth_printf(t, "%d\n", adj == 1000 ? 15 : adj * 17 / 1000);
    return 0;
}

/* oom_badness() and proc_oom_score() */
static int oom_score(const struct proc_req *r, struct synth_text *t)
{
    long long h[PROC_STAT_FIELDS], points = 0;
    struct linux_sysinfo info = {0};
    int adj = adj_of(r);

    host_sysinfo(&info);
    long long unit = info.mem_unit ? info.mem_unit : 1;
    long long total = ((long long)(info.totalram + info.totalswap) * unit) / LINUX_PAGE_SIZE;
    if (!r->view->zombie && adj > -1000 && total && proc_host_stat(r->view, 0, h))
        points = (1000 + (h[24] + adj * total / 1000) * 1000 / total) * 2 / 3;
    synth_printf(t, "%lld\n", points > 0 ? points : 0);
    return 0;
}

static bool parse_int(const char *data, long *out)
{
    char *end;

    *out = strtol(data, &end, 10);
    while (*end == '\n' || *end == ' ')
        end++;
    return end != data && *end == '\0';
}

/* __set_oom_adj(): below the lowest value that a privileged process has set only with privilege. */
static int64_t set_adj(const struct proc_req *r, long adj, size_t len)
{
    bool may = cred_capable(r->task->proc, LINUX_CAP_SYS_RESOURCE);
    struct fs_context fs;

    if (!proc_view_fs(r->view, &fs))
        return r->view->zombie ? -LINUX_ESRCH : -LINUX_EACCES;
    if (adj < fs.oom_score_adj_min && !may)
        return -LINUX_EACCES;
    int32_t pair[2] = {(int32_t)adj, may ? (int32_t)adj : fs.oom_score_adj_min};
    struct fs_context *at = r->view->proc->fs;
    _Static_assert(offsetof(struct fs_context, oom_score_adj_min) ==
                       offsetof(struct fs_context, oom_score_adj) + sizeof pair[0],
                   "written as one");
    if (r->view->own)
        memcpy(&at->oom_score_adj, pair, sizeof pair);
    else if (host_peer_write(r->view->host, &at->oom_score_adj, pair, sizeof pair) < 0)
        return -LINUX_ESRCH;
    return (int64_t)len;
}

static int64_t write_oom_score_adj(const struct proc_req *r, const char *data, size_t len)
{
    long v;

    if (!parse_int(data, &v) || v < -1000 || v > 1000)
        return -LINUX_EINVAL;
    return set_adj(r, v, len);
}

static int64_t write_oom_adj(const struct proc_req *r, const char *data, size_t len)
{
    long v;

    if (!parse_int(data, &v) || v < -17 || v > 15)
        return -LINUX_EINVAL;
    return set_adj(r, v == 15 ? 1000 : v * 1000 / 17, len);
}

/* ---- what does not depend on the process ---- */

#define FIXED(fn, ...)                                                                             \
    static int fn(const struct proc_req *r, struct synth_text *t)                                  \
    {                                                                                              \
        (void)r;                                                                                   \
        synth_printf(t, __VA_ARGS__);                                                              \
        return 0;                                                                                  \
    }

FIXED(zero, "0")
FIXED(cgroup, "0::/\n")
FIXED(id_map, "         0          0 4294967295\n")
FIXED(setgroups, "allow\n")
/* include/linux/proc_ns.h: the numbers of the first namespaces of each kind. */
FIXED(ns_cgroup, "cgroup:[4026531835]")
FIXED(ns_pid, "pid:[4026531836]")
FIXED(ns_user, "user:[4026531837]")
FIXED(ns_uts, "uts:[4026531838]")
FIXED(ns_ipc, "ipc:[4026531839]")
FIXED(ns_net, "net:[4026531840]")
FIXED(ns_mnt, "mnt:[4026531841]")
FIXED(ns_time, "time:[4026531834]")

static int unconfined(const struct proc_req *r, struct synth_text *t)
{
    (void)r;
    (void)t;
    return -LINUX_EINVAL; /* no security module has an answer */
}

/* ---- what is kept for the reader alone ---- */

#define UNSET 4294967295u

static int loginuid(const struct proc_req *r, struct synth_text *t)
{
    struct fs_context fs;

    synth_printf(t, "%u", proc_view_fs(r->view, &fs) ? fs.login_uid - 1 : UNSET);
    return 0;
}

static int sessionid(const struct proc_req *r, struct synth_text *t)
{
    struct fs_context fs;

    synth_printf(t, "%u", proc_view_fs(r->view, &fs) ? fs.login_session - 1 : UNSET);
    return 0;
}

/* audit_set_loginuid_perm(): once without privilege. A login writes it (pam_loginuid). */
static int64_t write_loginuid(const struct proc_req *r, const char *data, size_t len)
{
    struct fs_context *fs = r->task->proc->fs;
    char *end;
    unsigned long long v = strtoull(data, &end, 10);

    if (r->tid != r->task->tid)
        return -LINUX_EPERM;
    if (end == data || v > UNSET)
        return -LINUX_EINVAL;
    if (fs->login_uid && !cred_capable(r->task->proc, LINUX_CAP_AUDIT_CONTROL))
        return -LINUX_EPERM;
    fs->login_uid = (uint32_t)v + 1;
    fs->login_session = v == UNSET ? 0 : ++fs->shared->login_sessions + 1;
    return (int64_t)len;
}

#define DEFAULT_FILTER 0x33u

static int coredump_filter(const struct proc_req *r, struct synth_text *t)
{
    struct fs_context fs;

    if (!r->view->zombie && proc_view_fs(r->view, &fs))
        synth_printf(t, "%08x\n", fs.coredump_filter ^ DEFAULT_FILTER);
    return 0;
}

static int64_t write_coredump_filter(const struct proc_req *r, const char *data, size_t len)
{
    char *end;
    unsigned long v = strtoul(data, &end, 0);

    if (end == data || (*end && *end != '\n'))
        return -LINUX_EINVAL;
    if (!r->view->own)
        return -LINUX_EACCES;
    r->task->proc->fs->coredump_filter = (uint32_t)(v & 0x1ff) ^ DEFAULT_FILTER;
    return (int64_t)len;
}

/* ---- what is the thread's ---- */

static int personality(const struct proc_req *r, struct synth_text *t)
{
    synth_printf(t, "%08x\n", r->view->proc->personality);
    return 0;
}

/* proc_pid_stack() asks for CAP_SYS_ADMIN over the machine, which nobody in a container has. */
static int stack(const struct proc_req *r, struct synth_text *t)
{
    (void)r;
    (void)t;
    return -LINUX_EACCES;
}

#define DEFAULT_SLACK 50000ull

static int timerslack(const struct proc_req *r, struct synth_text *t)
{
    struct sigstate sig;
    struct task task;

    if (!r->view->own && !cred_capable(r->task->proc, LINUX_CAP_SYS_NICE))
        return -LINUX_EPERM;
    bool known = proc_view_task(r->view, r->tid, &task, &sig) && task.timerslack;
    synth_printf(t, "%llu\n", known ? (unsigned long long)task.timerslack : DEFAULT_SLACK);
    return 0;
}

static int64_t write_timerslack(const struct proc_req *r, const char *data, size_t len)
{
    struct sighand *h = r->task->proc->sighand;
    char *end;
    unsigned long long v = strtoull(data, &end, 10);

    if (end == data)
        return -LINUX_EINVAL;
    if (!r->view->own)
        return cred_capable(r->task->proc, LINUX_CAP_SYS_NICE) ? -LINUX_EACCES : -LINUX_EPERM;
    host_mutex_lock(&h->lock);
    struct task *task = task_find(r->task->proc, r->tid);
    if (task)
        task->timerslack = v ? v : DEFAULT_SLACK;
    host_mutex_unlock(&h->lock);
    return task ? (int64_t)len : -LINUX_ESRCH;
}

static int32_t thread_of(const struct proc_req *r)
{
    return r->nested || r->tid != r->view->pid ? r->tid : 0;
}

static int io(const struct proc_req *r, struct synth_text *t)
{
    proc_view_host_file(r->view, thread_of(r), "io", t);
    return 0;
}

static int schedstat(const struct proc_req *r, struct synth_text *t)
{
    proc_view_host_file(r->view, thread_of(r), "schedstat", t);
    return 0;
}

/* The host's, with the guest's name and number in its first line: "comm (pid, #threads: n)". */
static int sched(const struct proc_req *r, struct synth_text *t)
{
    struct synth_text host = {0};
    char name[17];

    proc_view_host_file(r->view, thread_of(r), "sched", &host);
    synth_append(&host, "", 1);
    const char *rest = host.data ? strchr(host.data, '\n') : NULL;
    if (rest) {
        proc_name(r->view, r->tid, name);
        synth_printf(t, "%s (%d, #threads: %u)%s", name, r->tid, proc_threads(r->view, NULL, 0),
                     rest);
    }
    free(host.data);
    return 0;
}

static int children(const struct proc_req *r, struct synth_text *t)
{
    struct process *own = r->task->proc;

    /* Children are known as the process's: they are shown as its first thread's. */
    if (r->tid != r->view->pid)
        return 0;
    for (int32_t n = 0; (n = pid_next(own, n)) != 0;) {
        long long h[PROC_STAT_FIELDS];
        struct proc_view child;
        if (n == r->view->pid || proc_view_get(&child, r->task, n) < 0)
            continue;
        if (proc_host_stat(&child, 0, h) && proc_parent(&child, h) == r->view->pid)
            synth_printf(t, "%d ", n);
        proc_view_put(&child);
    }
    return 0;
}

#define NET_FILE(fn, path)                                                                         \
    static int fn(const struct proc_req *r, struct synth_text *t)                                  \
    {                                                                                              \
        (void)r;                                                                                   \
        proc_host_file(t, "/proc/self/net/" path);                                                 \
        return 0;                                                                                  \
    }

/* The network is the host's, so these are true. */
NET_FILE(net_arp, "arp")
NET_FILE(net_dev, "dev")
NET_FILE(net_dev_mcast, "dev_mcast")
NET_FILE(net_fib_trie, "fib_trie")
NET_FILE(net_icmp, "icmp")
NET_FILE(net_if_inet6, "if_inet6")
NET_FILE(net_igmp, "igmp")
NET_FILE(net_igmp6, "igmp6")
NET_FILE(net_ipv6_route, "ipv6_route")
NET_FILE(net_netstat, "netstat")
NET_FILE(net_packet, "packet")
NET_FILE(net_protocols, "protocols")
NET_FILE(net_psched, "psched")
NET_FILE(net_raw, "raw")
NET_FILE(net_raw6, "raw6")
NET_FILE(net_route, "route")
NET_FILE(net_snmp, "snmp")
NET_FILE(net_snmp6, "snmp6")
NET_FILE(net_sockstat, "sockstat")
NET_FILE(net_sockstat6, "sockstat6")
NET_FILE(net_softnet, "softnet_stat")
NET_FILE(net_tcp, "tcp")
NET_FILE(net_tcp6, "tcp6")
NET_FILE(net_udp, "udp")
NET_FILE(net_udp6, "udp6")

int proc_limits(const struct proc_req *r, struct synth_text *t)
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
            uint64_t n = r->view->proc->rlimit[i][k];
            if (n == UINT64_MAX)
                snprintf(v[k], sizeof v[k], "unlimited");
            else
                snprintf(v[k], sizeof v[k], "%llu", (unsigned long long)n);
        }
        synth_printf(t, "%-25s %-20s %-20s %-10s\n", rows[i].name, v[0], v[1], rows[i].unit);
    }
    return 0;
}

const struct proc_entry proc_task_entries[] = {
    {"attr", DIR, PROC_OPEN, 0, NULL, NULL, PROC_BOTH},
    {"attr/current", REG(0666), PROC_OPEN, 0, unconfined, NULL, PROC_BOTH},
    {"attr/exec", REG(0666), PROC_OPEN, 0, unconfined, NULL, PROC_BOTH},
    {"attr/fscreate", REG(0666), PROC_OPEN, 0, unconfined, NULL, PROC_BOTH},
    {"attr/keycreate", REG(0666), PROC_OPEN, 0, unconfined, NULL, PROC_BOTH},
    {"attr/prev", REG(0444), PROC_OPEN, 0, unconfined, NULL, PROC_BOTH},
    {"attr/sockcreate", REG(0666), PROC_OPEN, 0, unconfined, NULL, PROC_BOTH},
    {"auxv", REG(0400), PROC_LOOK, 0, auxv, NULL, PROC_BOTH},
    {"cgroup", REG(0444), PROC_OPEN, 0, cgroup, NULL, PROC_BOTH},
    {"children", REG(0444), PROC_OPEN, 0, children, NULL, PROC_THREAD},
    {"cmdline", REG(0444), PROC_OPEN, 0, cmdline, NULL, PROC_BOTH},
    {"comm", REG(0644), PROC_OPEN, 0, comm, write_comm, PROC_BOTH},
    {"coredump_filter", REG(0644), PROC_OPEN, 0, coredump_filter, write_coredump_filter,
     PROC_PROCESS},
    {"cwd", LNK, PROC_LOOK, SYNTH_JUMP_CWD, NULL, NULL, PROC_BOTH},
    {"environ", REG(0400), PROC_LOOK, 0, environ_file, NULL, PROC_BOTH},
    {"exe", LNK, PROC_LOOK, SYNTH_JUMP_EXE, NULL, NULL, PROC_BOTH},
    {"fd", LINUX_S_IFDIR | 0500, PROC_OPEN, 0, NULL, NULL, PROC_BOTH},
    {"fdinfo", DIR, PROC_OPEN, 0, NULL, NULL, PROC_BOTH},
    {"gid_map", REG(0644), PROC_OPEN, 0, id_map, NULL, PROC_BOTH},
    {"io", REG(0400), PROC_LOOK, 0, io, NULL, PROC_BOTH},
    {"limits", REG(0444), PROC_OPEN, 0, proc_limits, NULL, PROC_BOTH},
    {"loginuid", REG(0644), PROC_OPEN, 0, loginuid, write_loginuid, PROC_BOTH},
    {"maps", REG(0444), PROC_LOOK, 0, proc_maps, NULL, PROC_BOTH},
    {"mountinfo", REG(0444), PROC_OPEN, 0, proc_mountinfo, NULL, PROC_BOTH},
    {"mounts", REG(0444), PROC_OPEN, 0, proc_mounts, NULL, PROC_BOTH},
    {"mountstats", REG(0400), PROC_OPEN, 0, proc_mountstats, NULL, PROC_PROCESS},
    {"net", DIR, PROC_OPEN, 0, NULL, NULL, PROC_BOTH},
    {"net/arp", REG(0444), PROC_OPEN, 0, net_arp, NULL, PROC_BOTH},
    {"net/dev", REG(0444), PROC_OPEN, 0, net_dev, NULL, PROC_BOTH},
    {"net/dev_mcast", REG(0444), PROC_OPEN, 0, net_dev_mcast, NULL, PROC_BOTH},
    {"net/fib_trie", REG(0444), PROC_OPEN, 0, net_fib_trie, NULL, PROC_BOTH},
    {"net/icmp", REG(0444), PROC_OPEN, 0, net_icmp, NULL, PROC_BOTH},
    {"net/if_inet6", REG(0444), PROC_OPEN, 0, net_if_inet6, NULL, PROC_BOTH},
    {"net/igmp", REG(0444), PROC_OPEN, 0, net_igmp, NULL, PROC_BOTH},
    {"net/igmp6", REG(0444), PROC_OPEN, 0, net_igmp6, NULL, PROC_BOTH},
    {"net/ipv6_route", REG(0444), PROC_OPEN, 0, net_ipv6_route, NULL, PROC_BOTH},
    {"net/netstat", REG(0444), PROC_OPEN, 0, net_netstat, NULL, PROC_BOTH},
    {"net/packet", REG(0444), PROC_OPEN, 0, net_packet, NULL, PROC_BOTH},
    {"net/protocols", REG(0444), PROC_OPEN, 0, net_protocols, NULL, PROC_BOTH},
    {"net/psched", REG(0444), PROC_OPEN, 0, net_psched, NULL, PROC_BOTH},
    {"net/raw", REG(0444), PROC_OPEN, 0, net_raw, NULL, PROC_BOTH},
    {"net/raw6", REG(0444), PROC_OPEN, 0, net_raw6, NULL, PROC_BOTH},
    {"net/route", REG(0444), PROC_OPEN, 0, net_route, NULL, PROC_BOTH},
    {"net/snmp", REG(0444), PROC_OPEN, 0, net_snmp, NULL, PROC_BOTH},
    {"net/snmp6", REG(0444), PROC_OPEN, 0, net_snmp6, NULL, PROC_BOTH},
    {"net/sockstat", REG(0444), PROC_OPEN, 0, net_sockstat, NULL, PROC_BOTH},
    {"net/sockstat6", REG(0444), PROC_OPEN, 0, net_sockstat6, NULL, PROC_BOTH},
    {"net/softnet_stat", REG(0444), PROC_OPEN, 0, net_softnet, NULL, PROC_BOTH},
    {"net/tcp", REG(0444), PROC_OPEN, 0, net_tcp, NULL, PROC_BOTH},
    {"net/tcp6", REG(0444), PROC_OPEN, 0, net_tcp6, NULL, PROC_BOTH},
    {"net/udp", REG(0444), PROC_OPEN, 0, net_udp, NULL, PROC_BOTH},
    {"net/udp6", REG(0444), PROC_OPEN, 0, net_udp6, NULL, PROC_BOTH},
    {"net/unix", REG(0444), PROC_OPEN, 0, proc_net_unix, NULL, PROC_BOTH},
    {"ns", LINUX_S_IFDIR | 0511, PROC_OPEN, 0, NULL, NULL, PROC_BOTH},
    {"ns/cgroup", LNK, PROC_LOOK, SYNTH_JUMP_NODE, ns_cgroup, NULL, PROC_BOTH},
    {"ns/ipc", LNK, PROC_LOOK, SYNTH_JUMP_NODE, ns_ipc, NULL, PROC_BOTH},
    {"ns/mnt", LNK, PROC_LOOK, SYNTH_JUMP_NODE, ns_mnt, NULL, PROC_BOTH},
    {"ns/net", LNK, PROC_LOOK, SYNTH_JUMP_NODE, ns_net, NULL, PROC_BOTH},
    {"ns/pid", LNK, PROC_LOOK, SYNTH_JUMP_NODE, ns_pid, NULL, PROC_BOTH},
    {"ns/pid_for_children", LNK, PROC_LOOK, SYNTH_JUMP_NODE, ns_pid, NULL, PROC_BOTH},
    {"ns/time", LNK, PROC_LOOK, SYNTH_JUMP_NODE, ns_time, NULL, PROC_BOTH},
    {"ns/time_for_children", LNK, PROC_LOOK, SYNTH_JUMP_NODE, ns_time, NULL, PROC_BOTH},
    {"ns/user", LNK, PROC_LOOK, SYNTH_JUMP_NODE, ns_user, NULL, PROC_BOTH},
    {"ns/uts", LNK, PROC_LOOK, SYNTH_JUMP_NODE, ns_uts, NULL, PROC_BOTH},
    {"oom_adj", REG(0644), PROC_OPEN, 0, oom_adj, write_oom_adj, PROC_BOTH},
    {"oom_score", REG(0444), PROC_OPEN, 0, oom_score, NULL, PROC_BOTH},
    {"oom_score_adj", REG(0644), PROC_OPEN, 0, oom_score_adj, write_oom_score_adj, PROC_BOTH},
    {"personality", REG(0400), PROC_ATTACH, 0, personality, NULL, PROC_BOTH},
    {"root", LNK, PROC_LOOK, SYNTH_JUMP_ROOT, NULL, NULL, PROC_BOTH},
    {"sched", REG(0644), PROC_OPEN, 0, sched, NULL, PROC_BOTH},
    {"schedstat", REG(0444), PROC_OPEN, 0, schedstat, NULL, PROC_BOTH},
    {"sessionid", REG(0444), PROC_OPEN, 0, sessionid, NULL, PROC_BOTH},
    {"setgroups", REG(0644), PROC_OPEN, 0, setgroups, NULL, PROC_PROCESS},
    {"smaps", REG(0444), PROC_LOOK, 0, proc_smaps, NULL, PROC_BOTH},
    {"smaps_rollup", REG(0444), PROC_LOOK, 0, proc_smaps_rollup, NULL, PROC_BOTH},
    {"stack", REG(0400), PROC_OPEN, 0, stack, NULL, PROC_BOTH},
    {"stat", REG(0444), PROC_OPEN, 0, proc_stat_process, NULL, PROC_BOTH},
    {"statm", REG(0444), PROC_OPEN, 0, proc_statm, NULL, PROC_BOTH},
    {"status", REG(0444), PROC_OPEN, 0, proc_status, NULL, PROC_BOTH},
    {"timerslack_ns", REG(0666), PROC_OPEN, 0, timerslack, write_timerslack, PROC_PROCESS},
    {"uid_map", REG(0644), PROC_OPEN, 0, id_map, NULL, PROC_BOTH},
    {"wchan", REG(0444), PROC_OPEN, 0, zero, NULL, PROC_BOTH},
    {NULL, 0, PROC_OPEN, 0, NULL, NULL, PROC_BOTH},
};
