/*
 * proc_stat.c - stat, statm's relatives and status of a process: numbers that the host counts are
 * the host's, everything about identity is the guest's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/io.h"
#include "linux/abi/sched.h"
#include "linux/fs/procfs.h"
#include "linux/process/pid.h"
#include "linux/process/task.h"

typedef unsigned long long ull;

/* Fields of stat by their numbers in proc(5). */
enum {
    STATE = 3,
    PPID = 4,
    PGRP = 5,
    SESSION = 6,
    TTY = 7,
    TPGID = 8,
    FLAGS = 9,
    MINFLT = 10,
    UTIME = 14,
    PRIORITY = 18,
    NICE = 19,
    START = 22,
    RSS = 24,
    RSSLIM = 25,
    PROCESSOR = 39,
    RT_PRIORITY = 40,
    POLICY = 41,
    CGUEST = 44,
};

#define PF_FORKNOEXEC 0x00000040
#define PF_RANDOMIZE  0x00400000

bool proc_host_stat(const struct proc_view *v, int32_t tid, long long field[PROC_STAT_FIELDS])
{
    struct synth_text t = {0};

    memset(field, 0, PROC_STAT_FIELDS * sizeof *field);
    proc_view_host_file(v, tid, "stat", &t);
    synth_append(&t, "", 1);
    char *s = t.data ? strrchr(t.data, ')') : NULL;
    if (s && s[1] == ' ') {
        field[STATE] = (unsigned char)s[2];
        s += 3;
        for (int i = PPID; i < PROC_STAT_FIELDS && *s == ' '; i++) {
            /* rsslim may be 2^64-1 */
            field[i] = s[1] == '-' ? strtoll(s, &s, 10) : (long long)strtoull(s, &s, 10);
        }
    } else
        s = NULL;
    free(t.data);
    return s != NULL;
}

int32_t proc_parent(const struct proc_view *v, const long long host[PROC_STAT_FIELDS])
{
    struct process *own = v->task->proc;

    if (v->pid == 1)
        return 0;
    int32_t n = pid_from_host(own, (int32_t)host[PPID]);
    return n ? n : pid_entry(own->pids, v->pid)->parent;
}

uint32_t proc_threads(const struct proc_view *v, int32_t *n, uint32_t max)
{
    struct pid_table *t = v->task->proc->pids;
    int32_t at = pid_entry(t, v->pid)->next_thread;
    uint32_t count = 0;

    if (count < max)
        n[count] = v->pid;
    count++;
    for (int limit = 0; at && limit < PID_MAX; limit++) {
        const struct pid_entry *e = pid_entry(t, at);
        if (e == NULL || e->tgid != v->pid || e->kind != PID_THREAD)
            break;
        if (count < max)
            n[count] = at;
        count++;
        at = e->next_thread;
    }
    /* The list has the youngest first. */
    uint32_t have = count < max ? count : max;
    for (uint32_t i = 1, k = have ? have - 1 : 0; i < k; i++, k--) {
        int32_t swap = n[i];
        n[i] = n[k];
        n[k] = swap;
    }
    return count;
}

void proc_name(const struct proc_view *v, int32_t tid, char name[17])
{
    const struct pid_entry *e = pid_entry(v->task->proc->pids, tid);

    memset(name, 0, 17);
    if (v->own && task_get_name(v->task->proc, tid, name) == 0)
        return;
    memcpy(name, e && (tid != v->pid || !v->readable) ? e->comm : v->proc->comm, 15);
}

/* A directory of a thread's number is that thread's, whatever it shows of the process. */
static int32_t host_thread(const struct proc_req *r)
{
    return r->nested || r->tid != r->view->pid ? r->tid : 0;
}

struct signals {
    uint64_t ignored, caught, blocked, own, shared;
    uint32_t queued;
};

static void signals_of(const struct proc_req *r, struct signals *s)
{
    struct sighand *h = r->view->zombie ? NULL : proc_view_sighand(r->view);
    struct sigstate sig;
    struct task task;

    *s = (struct signals){0};
    if (h == NULL)
        return;
    host_mutex_lock(&h->lock);
    for (int n = 1; n <= LINUX_NSIG; n++) {
        if (h->action[n].handler == LINUX_SIG_IGN)
            s->ignored |= LINUX_SIG_BIT(n);
        else if (h->action[n].handler != LINUX_SIG_DFL)
            s->caught |= LINUX_SIG_BIT(n);
    }
    s->shared = h->shared.set;
    s->queued = h->queued;
    host_mutex_unlock(&h->lock);
    if (proc_view_task(r->view, r->tid, &task, &sig)) {
        s->blocked = sig.blocked;
        s->own = sig.pending.set;
    }
}

/* ---- stat ---- */

static void stat_numbers(const struct proc_req *r, const long long *h, struct synth_text *t)
{
    struct process *own = r->task->proc;
    const struct pid_entry *e = pid_entry(own->pids, r->view->pid);
    char name[17];

    proc_name(r->view, r->tid, name);
    /* As pid_nr_ns() of a group that the namespace does not have. */
    long long tpgid = h[TPGID] > 0 ? pid_group_from_host(own, (int32_t)h[TPGID]) : h[TPGID];
    synth_printf(t, "%d (%s) %c %d %d %d %lld %lld %u", r->tid, name, (char)h[STATE],
                 proc_parent(r->view, h), e->pgid, e->sid, h[TTY], tpgid,
                 PF_RANDOMIZE | (e->execed || r->view->pid == 1 ? 0 : PF_FORKNOEXEC));
    for (int i = MINFLT; i <= UTIME + 3; i++)
        synth_printf(t, " %llu", (ull)h[i]);
    synth_printf(t, " %lld %lld %u 0 %llu", h[PRIORITY], h[NICE], proc_threads(r->view, NULL, 0),
                 (ull)h[START]);
}

int proc_stat_process(const struct proc_req *r, struct synth_text *t)
{
    long long h[PROC_STAT_FIELDS];
    struct mm *mm = r->view->zombie ? NULL : proc_view_mm(r->view);
    struct mm_usage use = {0};
    struct mm shown = {0};
    const struct pid_entry *e = pid_entry(r->task->proc->pids, r->tid);
    struct signals s;

    if (!proc_host_stat(r->view, host_thread(r), h))
        return -LINUX_ESRCH;
    int exit_signal = r->tid == 1 ? LINUX_SIGCHLD : r->tid == r->view->pid ? e->exit_signal : -1;
    signals_of(r, &s);
    if (mm) {
        mm_usage(mm, &use);
        if (proc_view_allowed(r->view))
            shown = *mm;
        else /* do_task_stat() */
            shown.start_code = shown.end_code = 1;
    }
    stat_numbers(r, h, t);
    synth_printf(
        t, " %llu %lld %llu %llu %llu %llu 0 0 %llu %llu %llu %llu %d 0 0 %d %lld %lld %lld",
        (ull)use.total, r->view->zombie ? 0 : h[RSS], (ull)h[RSSLIM], (ull)shown.start_code,
        (ull)shown.end_code, (ull)shown.start_stack, (ull)(s.own & 0x7fffffff),
        (ull)(s.blocked & 0x7fffffff), (ull)(s.ignored & 0x7fffffff), (ull)(s.caught & 0x7fffffff),
        h[STATE] != 'R' && h[STATE] != 'Z', exit_signal, h[PROCESSOR], h[RT_PRIORITY], h[POLICY]);
    synth_printf(t, " %llu %llu %lld %llu %llu %llu %llu %llu %llu %llu 0\n", (ull)h[42],
                 (ull)h[43], h[CGUEST], (ull)shown.start_data, (ull)shown.end_data,
                 (ull)shown.start_brk, (ull)shown.arg_start, (ull)shown.arg_end,
                 (ull)shown.env_start, (ull)shown.env_end);
    return 0;
}

/* ---- status ---- */

static const char *state_name(int letter)
{
    switch (letter) {
    case 'R': return "R (running)";
    case 'D': return "D (disk sleep)";
    case 'T': return "T (stopped)";
    case 't': return "t (tracing stop)";
    case 'X': return "X (dead)";
    case 'Z': return "Z (zombie)";
    default: return "S (sleeping)";
    }
}

static void status_identity(const struct proc_req *r, const long long *h, struct synth_text *t)
{
    const struct proc_view *v = r->view;
    const struct cred *c = &v->proc->cred;
    const struct pid_entry *e = pid_entry(r->task->proc->pids, v->pid);
    struct fs_context fs;
    char name[17];

    proc_name(v, r->tid, name);
    synth_printf(t, "Name:\t%s\n", name);
    if (!v->zombie && proc_view_fs(r->view, &fs))
        synth_printf(t, "Umask:\t%04o\n", fs_umask(&fs));
    synth_printf(t,
                 "State:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n"
                 "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n",
                 state_name((int)h[STATE]), v->pid, r->tid, proc_parent(v, h), c->uid, c->euid,
                 c->suid, c->fsuid, c->gid, c->egid, c->sgid, c->fsgid);
    synth_printf(t, "FDSize:\t%d\nGroups:\t", v->zombie ? 0 : 256);
    for (uint32_t i = 0; i < c->ngroups && i < LINUX_NGROUPS_KEPT; i++)
        synth_printf(t, "%u ", c->groups[i]);
    synth_printf(t, "\nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\nKthread:\t0\n", v->pid,
                 r->tid, e->pgid, e->sid);
}

/* Lines of the host's status that are as true of the guest. */
static void host_lines(const struct synth_text *host, const char *const *keys, struct synth_text *t)
{
    for (; *keys && host->data; keys++) {
        char key[64];
        snprintf(key, sizeof key, "\n%s:", *keys);
        const char *line = strstr(host->data, key);
        if (line)
            synth_append(t, line + 1, strcspn(line + 1, "\n") + 1);
    }
}

static void status_memory(const struct proc_req *r, const struct synth_text *host,
                          struct synth_text *t)
{
    static const char *const resident[] = {"VmHWM",   "VmRSS",    "RssAnon",
                                           "RssFile", "RssShmem", NULL};
    static const char *const rest[] = {"VmPTE", "VmSwap", "HugetlbPages", NULL};
    struct mm *mm = r->view->zombie ? NULL : proc_view_mm(r->view);
    struct mm_usage u;

    if (mm == NULL)
        return;
    mm_usage(mm, &u);
    synth_printf(t, "VmPeak:\t%8llu kB\nVmSize:\t%8llu kB\nVmLck:\t%8llu kB\nVmPin:\t%8d kB\n",
                 (ull)u.total / 1024, (ull)u.total / 1024, (ull)u.locked / 1024, 0);
    host_lines(host, resident, t);
    ull exe = (page_align(mm->end_code) - (mm->start_code & LINUX_PAGE_MASK)) / 1024;
    if (exe > u.text / 1024)
        exe = u.text / 1024;
    synth_printf(t, "VmData:\t%8llu kB\nVmStk:\t%8llu kB\nVmExe:\t%8llu kB\nVmLib:\t%8llu kB\n",
                 (ull)u.data / 1024, (ull)u.stack / 1024, exe, (ull)u.text / 1024 - exe);
    host_lines(host, rest, t);
    synth_printf(t, "CoreDumping:\t0\nTHP_enabled:\t%d\nuntag_mask:\t0xffffffffffffff\n",
                 !r->view->proc->thp_disable);
}

int proc_status(const struct proc_req *r, struct synth_text *t)
{
    static const char *const scheduling[] = {"Cpus_allowed",
                                             "Cpus_allowed_list",
                                             "Mems_allowed",
                                             "Mems_allowed_list",
                                             "voluntary_ctxt_switches",
                                             "nonvoluntary_ctxt_switches",
                                             NULL};
    const struct process *p = r->view->proc;
    const struct cred *c = &p->cred;
    long long h[PROC_STAT_FIELDS];
    struct synth_text host = {0};
    struct signals s;

    if (!proc_host_stat(r->view, host_thread(r), h))
        return -LINUX_ESRCH;
    proc_view_host_file(r->view, host_thread(r), "status", &host);
    synth_append(&host, "", 1);
    status_identity(r, h, t);
    status_memory(r, &host, t);
    signals_of(r, &s);
    synth_printf(t,
                 "Threads:\t%u\nSigQ:\t%u/%llu\nSigPnd:\t%016llx\nShdPnd:\t%016llx\n"
                 "SigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%016llx\n",
                 proc_threads(r->view, NULL, 0), s.queued,
                 (ull)p->rlimit[LINUX_RLIMIT_SIGPENDING][0], (ull)s.own, (ull)s.shared,
                 (ull)s.blocked, (ull)s.ignored, (ull)s.caught);
    synth_printf(t,
                 "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\nCapBnd:\t%016llx\n"
                 "CapAmb:\t%016llx\nNoNewPrivs:\t%d\nSeccomp:\t0\nSeccomp_filters:\t0\n"
                 "Speculation_Store_Bypass:\tnot vulnerable\n"
                 "SpeculationIndirectBranch:\tunknown\n",
                 (ull)c->cap_inheritable, (ull)c->cap_permitted, (ull)c->cap_effective,
                 (ull)c->cap_bounding, (ull)c->cap_ambient, c->no_new_privs);
    host_lines(&host, scheduling, t);
    free(host.data);
    return 0;
}
