/* pid.c - the table of numbers: see pid.h. */
#include "linux/process/pid.h"

#include <stdlib.h>
#include <string.h>

#include "host/mem.h"
#include "host/process.h"
#include "host/thread.h"
#include "linux/fs/path.h"

/* Linux's PID_MAX_LIMIT: no host number is as high. */
#define HOST_PID_LIMIT 4194304
/* kernel/pid.c: after the first round low numbers are left to what lives for ever. */
#define RESERVED_PIDS 300
#define WORD_BITS     64

struct shared {
    _Atomic uint64_t used[PID_MAX / WORD_BITS];
    _Atomic int32_t last;
    _Atomic int32_t highest; /* that was ever taken */
    struct pid_entry entry[PID_MAX];
    _Atomic uint16_t by_host[HOST_PID_LIMIT];
    _Alignas(4096) struct pid_text text[PID_MAX];
};
_Static_assert(PID_MAX <= 1 << 16, "by_host");
_Static_assert(sizeof(struct pid_text) == 4096, "a page");

struct pid_table {
    struct shared *s;
    int life;
};

static bool take(struct shared *s, int32_t n)
{
    uint64_t bit = 1ull << (n % WORD_BITS);
    return !(atomic_fetch_or(&s->used[n / WORD_BITS], bit) & bit);
}

int32_t pid_alloc(struct pid_table *t)
{
    struct shared *s = t->s;
    int32_t start = atomic_load(&s->last);
    for (int32_t tried = 0, n = start; tried < PID_MAX; tried++) {
        n = n + 1 < PID_MAX ? n + 1 : RESERVED_PIDS;
        if (~atomic_load(&s->used[n / WORD_BITS]) >> (n % WORD_BITS) & 1 && take(s, n)) {
            atomic_store(&s->last, n);
            for (int32_t high = atomic_load(&s->highest);
                 high < n && !atomic_compare_exchange_weak(&s->highest, &high, n);)
                ;
            atomic_store(&s->entry[n].refs, 1);
            return n;
        }
    }
    return -LINUX_EAGAIN;
}

struct pid_entry *pid_entry(struct pid_table *t, int32_t n)
{
    return n > 0 && n < PID_MAX ? &t->s->entry[n] : NULL;
}

const struct pid_text *pid_text(struct pid_table *t, int32_t n)
{
    int32_t text = n > 0 && n < PID_MAX ? atomic_load(&t->s->entry[n].text) : 0;
    return text ? &t->s->text[text] : NULL;
}

/* A text that nobody uses, the first one: they lie close together, and few pages are touched. */
static int32_t text_alloc(struct shared *s)
{
    for (int32_t i = 1; i < PID_MAX; i++) {
        int32_t none = 0;
        if (!atomic_load(&s->text[i].refs) &&
            atomic_compare_exchange_strong(&s->text[i].refs, &none, 1))
            return i;
    }
    return 0; /* more processes than numbers: cannot be */
}

static void text_put(struct shared *s, int32_t text)
{
    if (text)
        atomic_fetch_sub(&s->text[text].refs, 1);
}

void pid_get(struct pid_table *t, int32_t n)
{
    atomic_fetch_add(&t->s->entry[n].refs, 1);
}

void pid_put(struct pid_table *t, int32_t n)
{
    struct pid_entry *e = &t->s->entry[n];
    if (n <= 0 || n >= PID_MAX || atomic_fetch_sub(&e->refs, 1) != 1)
        return;
    int32_t host = atomic_load(&e->host);
    uint16_t self = (uint16_t)n;
    if (host > 0 && host < HOST_PID_LIMIT)
        atomic_compare_exchange_strong(&t->s->by_host[host], &self, 0);
    text_put(t->s, atomic_load(&e->text));
    memset(e, 0, sizeof *e);
    atomic_fetch_and(&t->s->used[n / WORD_BITS], ~(1ull << (n % WORD_BITS)));
}

int pid_table_create(struct process *proc)
{
    struct pid_table *t = calloc(1, sizeof *t);
    uint8_t *memory;
    if (!t)
        return -LINUX_ENOMEM;
    int err = host_mem_shared(sizeof(struct shared), &memory);
    if (!err) {
        t->s = (struct shared *)(void *)memory;
        t->life = host_life_create();
        err = t->life < 0 ? t->life : host_life_hold(t->life, 1);
    }
    if (!err)
        err = host_subreaper(true);
    if (err) {
        free(t);
        return err;
    }
    proc->pids = t;
    int32_t first = pid_alloc(t);
    struct pid_entry *e = &t->s->entry[first];
    e->tgid = e->pgid = e->sid = first;
    e->refs = 3; /* its life, group and session */
    pid_started(t, first, host_process_id());
    e->host_group = host_getpgid(0);
    e->host_session = host_getsid(0);
    e->held = true;
    e->kind = PID_PROCESS;
    return 0;
}

int32_t pid_alloc_child(struct process *proc, int exit_signal)
{
    struct pid_table *t = proc->pids;
    const struct pid_entry *parent = &t->s->entry[proc->pid];
    int32_t n = pid_alloc(t);
    if (n < 0)
        return n;
    struct pid_entry *e = &t->s->entry[n];
    e->tgid = n;
    e->exit_signal = exit_signal;
    e->parent = proc->pid;
    e->uid = parent->uid;
    e->euid = parent->euid;
    e->suid = parent->suid;
    e->gid = parent->gid;
    memcpy(e->comm, parent->comm, sizeof e->comm);
    e->exe_dev = parent->exe_dev;
    e->exe_ino = parent->exe_ino;
    int32_t text = atomic_load(&parent->text);
    if (text)
        atomic_fetch_add(&t->s->text[text].refs, 1);
    atomic_store(&e->text, text);
    pid_set_group(t, n, parent->pgid);
    pid_set_session(t, n, parent->sid);
    atomic_fetch_add(&e->refs, 1);
    atomic_store(&e->kind, PID_PROCESS);
    return n;
}

void pid_started(struct pid_table *t, int32_t n, int32_t host)
{
    struct pid_entry *e = &t->s->entry[n];
    atomic_store(&e->host, host);
    /* Until it makes a group of its own these are nobody's numbers. */
    int32_t none = 0;
    atomic_compare_exchange_strong(&e->host_group, &none, host);
    none = 0;
    atomic_compare_exchange_strong(&e->host_session, &none, host);
    if (host > 0 && host < HOST_PID_LIMIT)
        atomic_store(&t->s->by_host[host], (uint16_t)n);
}

void pid_hold(struct pid_table *t, int32_t n)
{
    host_life_hold(t->life, n);
    atomic_store(&t->s->entry[n].held, true);
}

void pid_reaped(struct pid_table *t, int32_t n)
{
    struct pid_entry *e = &t->s->entry[n];
    int32_t process = PID_PROCESS;
    if (!atomic_compare_exchange_strong(&e->kind, &process, PID_GONE))
        return;
    int32_t thread = atomic_exchange(&e->next_thread, 0);
    for (int limit = PID_MAX; thread > 0 && thread < PID_MAX && limit; limit--) {
        struct pid_entry *th = &t->s->entry[thread];
        if (th->tgid != n || atomic_load(&th->kind) != PID_THREAD)
            break;
        int32_t next = atomic_load(&th->next_thread);
        pid_put(t, thread);
        thread = next;
    }
    pid_put(t, atomic_exchange(&e->pgid, 0));
    pid_put(t, atomic_exchange(&e->sid, 0));
    pid_put(t, n);
}

/* ---- threads; the list is changed with sighand->lock held ---- */

int32_t pid_alloc_thread(struct process *proc)
{
    struct pid_table *t = proc->pids;
    int32_t n = pid_alloc(t);
    if (n < 0)
        return n;
    struct pid_entry *e = &t->s->entry[n], *leader = &t->s->entry[proc->pid];
    e->tgid = proc->pid;
    memcpy(e->comm, leader->comm, sizeof e->comm);
    atomic_store(&e->kind, PID_THREAD);
    atomic_store(&e->next_thread, atomic_load(&leader->next_thread));
    atomic_store(&leader->next_thread, n);
    return n;
}

void pid_free_thread(struct process *proc, int32_t n)
{
    struct pid_table *t = proc->pids;
    _Atomic int32_t *link = &t->s->entry[proc->pid].next_thread;
    int32_t at;
    while ((at = atomic_load(link)) && at != n)
        link = &t->s->entry[at].next_thread;
    if (at)
        atomic_store(link, atomic_load(&t->s->entry[n].next_thread));
    pid_put(t, n);
}

/* ---- translation ---- */

int32_t pid_from_host(struct process *proc, int32_t host)
{
    struct shared *s = proc->pids->s;
    if (host <= 0 || host >= HOST_PID_LIMIT)
        return 0;
    int32_t n = atomic_load(&s->by_host[host]);
    return n && atomic_load(&s->entry[n].host) == host ? n : 0;
}

int32_t pid_to_host(struct process *proc, int32_t n)
{
    struct pid_entry *e = pid_entry(proc->pids, n);
    int kind = e ? atomic_load(&e->kind) : PID_FREE;
    return kind == PID_PROCESS || kind == PID_THREAD ? atomic_load(&e->host) : 0;
}

int32_t pid_thread_to_host(struct process *proc, int32_t n)
{
    const struct pid_entry *e = pid_entry(proc->pids, n);
    int32_t leader = e ? atomic_load(&e->leader) : 0;
    return leader ? leader : pid_to_host(proc, n);
}

int32_t pid_group_to_host(struct process *proc, int32_t pgid)
{
    struct pid_entry *e = pid_entry(proc->pids, pgid);
    return e ? atomic_load(&e->host_group) : 0;
}

int32_t pid_group_from_host(struct process *proc, int32_t host)
{
    if (host == atomic_load(&proc->pids->s->entry[1].host_group))
        return 1;
    return pid_from_host(proc, host);
}

int32_t pid_session_from_host(struct process *proc, int32_t host)
{
    if (host == atomic_load(&proc->pids->s->entry[1].host_session))
        return 1;
    return pid_from_host(proc, host);
}

void pid_set_group(struct pid_table *t, int32_t n, int32_t pgid)
{
    pid_get(t, pgid);
    pid_put(t, atomic_exchange(&t->s->entry[n].pgid, pgid));
}

void pid_set_session(struct pid_table *t, int32_t n, int32_t sid)
{
    pid_get(t, sid);
    pid_put(t, atomic_exchange(&t->s->entry[n].sid, sid));
}

/* ---- who is there ---- */

int32_t pid_alive(struct process *proc, int32_t n)
{
    struct pid_entry *e = pid_entry(proc->pids, n);
    if (!e || atomic_load(&e->kind) != PID_PROCESS)
        return 0;
    int32_t host;
    /* Just forked: it, or its parent, is about to tell its number on the host. */
    for (int tries = 0; !(host = atomic_load(&e->host)) && tries < 1000; tries++)
        host_thread_yield();
    if (n == proc->pid)
        return host;
    /* And about to hold this one: until then no other can have its number on the host. */
    if (!atomic_load(&e->held))
        return host && host_getsid(host) != -LINUX_ESRCH ? host : 0;
    int32_t holder = host_life_holder(proc->pids->life, n);
    return holder == host ? host : 0;
}

void pid_wait_begin(struct process *proc)
{
    atomic_fetch_add(&pid_entry(proc->pids, proc->pid)->waiting, 1);
}

void pid_wait_end(struct process *proc)
{
    atomic_fetch_sub(&pid_entry(proc->pids, proc->pid)->waiting, 1);
}

/* Has somebody just waited for this process, and is about to say so? Orphans are the first one's.
 */
static bool being_reaped(struct process *proc, const struct pid_entry *e)
{
    int32_t parent = atomic_load(&e->parent);
    if (!pid_alive(proc, parent))
        parent = 1;
    const struct pid_entry *p = pid_entry(proc->pids, parent);
    return atomic_load(&p->waiting) > 0 && !atomic_load(&p->auto_reaped);
}

bool pid_exists(struct process *proc, int32_t n)
{
    struct pid_entry *e = pid_entry(proc->pids, n);
    if (!e || atomic_load(&e->kind) != PID_PROCESS)
        return false;
    int32_t host = atomic_load(&e->host);
    if (pid_alive(proc, n) || !host)
        return true;
    /* Dead. It is a zombie for as long as the host has one, under its parent. */
    if (host_getsid(host) != -LINUX_ESRCH)
        return true;
    if (!being_reaped(proc, e) && atomic_load(&e->host) == host)
        pid_reaped(proc->pids, n);
    return false;
}

int32_t pid_next(struct process *proc, int32_t after)
{
    struct shared *s = proc->pids->s;
    for (int32_t n = after + 1; n < PID_MAX; n++) {
        uint64_t rest = atomic_load(&s->used[n / WORD_BITS]) >> (n % WORD_BITS);
        if (!rest) {
            n |= WORD_BITS - 1;
            continue;
        }
        n += __builtin_ctzll(rest);
        if (pid_exists(proc, n))
            return n;
    }
    return 0;
}

bool pid_runs(struct process *proc, uint64_t dev, uint64_t ino)
{
    struct shared *s = proc->pids->s;
    for (int32_t word = 0; word <= atomic_load(&s->highest) / WORD_BITS; word++)
        for (uint64_t rest = atomic_load(&s->used[word]); rest; rest &= rest - 1) {
            int32_t n = word * WORD_BITS + __builtin_ctzll(rest);
            if (s->entry[n].exe_ino == ino && s->entry[n].exe_dev == dev && pid_alive(proc, n))
                return true;
        }
    return false;
}

/* Whether somebody is there is asked of the host, so only where the numbers taken are that many. */
bool pid_user_has_more(struct process *proc, uint32_t uid, uint64_t most)
{
    struct shared *s = proc->pids->s;
    uint64_t taken = 0, count = 0;
    if (most >= PID_MAX)
        return false;
    int32_t highest = atomic_load(&s->highest);
    for (int32_t i = 0; i <= highest / WORD_BITS; i++)
        taken += (uint64_t)__builtin_popcountll(atomic_load(&s->used[i]));
    if (taken <= most)
        return false;
    for (int32_t n = 1; n <= highest && count <= most; n++) {
        const struct pid_entry *e = &s->entry[n];
        int kind = atomic_load(&e->kind);
        if (kind != PID_PROCESS && kind != PID_THREAD)
            continue;
        const struct pid_entry *owner = pid_entry(proc->pids, e->tgid);
        if (owner && atomic_load(&owner->uid) == uid && (kind == PID_THREAD || pid_exists(proc, n)))
            count++;
    }
    return count > most;
}

int pid_life(struct pid_table *t)
{
    return t->life;
}

int32_t pid_last(struct pid_table *t)
{
    return atomic_load(&t->s->last);
}

/* ---- what others may know ---- */

void pid_publish_cred(struct process *proc)
{
    struct pid_entry *e = pid_entry(proc->pids, proc->pid);
    e->uid = proc->cred.uid;
    e->euid = proc->cred.euid;
    e->suid = proc->cred.suid;
    e->gid = proc->cred.gid;
}

void pid_publish_exe(struct task *task, int fd)
{
    struct pid_entry *e = &task->proc->pids->s->entry[task->proc->pid];
    struct linux_statx st;
    if (fs_stat_fd(task, fd, &st))
        return;
    e->exe_dev = linux_mkdev(st.stx_dev_major, st.stx_dev_minor);
    e->exe_ino = st.stx_ino;
}

void pid_publish_program(struct process *proc)
{
    struct shared *s = proc->pids->s;
    struct pid_entry *e = &s->entry[proc->pid];
    int32_t fresh = text_alloc(s);
    struct pid_text *text = &s->text[fresh];
    memset(text->exe, 0, sizeof text->exe);
    size_t len =
        proc->cmdline_len < sizeof text->cmdline ? proc->cmdline_len : sizeof text->cmdline;
    memcpy(text->cmdline, proc->cmdline, len);
    atomic_store(&text->cmdline_len, (uint32_t)len);
    strncpy(text->exe, proc->exe ? proc->exe : "", sizeof text->exe - 1);
    text_put(s, atomic_exchange(&e->text, fresh));
    memcpy(e->comm, proc->comm, sizeof proc->comm);
    pid_publish_cred(proc);
}

void pid_publish_comm(struct process *proc, int32_t tid, const char comm[16])
{
    struct pid_entry *e = pid_entry(proc->pids, tid);
    if (e)
        memcpy(e->comm, comm, 16);
}
