/*
 * peer.c - credentials that go with AF_UNIX sockets. The host knows which of its processes is at
 * the other end, but its users are not the guest's: every process of the run is one and the same to
 * it. So a process writes down who it is, in memory that the run shares, where Linux would remember
 * it: when it connects, listens, or sends. The entry outlives the process, as a socket may.
 *
 * No lock: entries are found by the host's number of the process, which alone writes it, and the
 * number is written last.
 */
#include <stdatomic.h>
#include <string.h>

#include "host/file.h"
#include "host/mem.h"
#include "host/net.h"
#include "host/thread.h"
#include "linux/net/net.h"
#include "linux/process/cred.h"
#include "linux/process/pid.h"

#define OVERFLOW_ID 65534u
#define NOBODY      UINT32_MAX /* what a socket without a peer says */
#define RECORDS     8192u

/* A process of the run as its peers may know it. */
struct known {
    int32_t pid; /* 0: not of the run */
    uint32_t uid, gid, euid, egid;
};

static const struct known stranger = {0, OVERFLOW_ID, OVERFLOW_ID, OVERFLOW_ID, OVERFLOW_ID};

struct record {
    _Atomic int32_t host;
    struct known known;
};

static struct record *records;

int peer_create(void)
{
    uint8_t *memory;
    int err = host_mem_shared(RECORDS * sizeof *records, &memory);
    if (err == 0)
        records = (struct record *)(void *)memory;
    return err;
}

static struct known self(const struct process *proc)
{
    const struct cred *c = &proc->cred;
    return (struct known){proc->pid, c->uid, c->gid, c->euid, c->egid};
}

void peer_publish(struct task *task)
{
    static struct known told; /* a forked child's number is another than is copied here */
    struct known now = self(task->proc);
    if (__builtin_expect(!memcmp(&told, &now, sizeof now), 1))
        return;
    int32_t host = host_process_id();
    struct record *r = &records[(uint32_t)host % RECORDS];
    atomic_store(&r->host, 0);
    r->known = now;
    atomic_store(&r->host, host);
    told = now;
}

static bool read_record(int32_t host, struct known *known)
{
    const struct record *r = &records[(uint32_t)host % RECORDS];
    if (atomic_load(&r->host) != host)
        return false;
    *known = r->known;
    atomic_thread_fence(memory_order_acquire);
    return atomic_load(&r->host) == host;
}

static struct known find(struct task *task, int32_t host)
{
    struct process *proc = task->proc;
    struct known known;
    if (host <= 0 || host == host_process_id())
        return host <= 0 ? stranger : self(proc);
    int32_t now = pid_from_host(proc, host); /* 0: it is no more, or not of the run */
    if (read_record(host, &known) && (!now || now == known.pid))
        return known;
    /* It has never sent: it writes to a socket that it inherited. */
    const struct pid_entry *e = pid_entry(proc->pids, now);
    return e ? (struct known){e->tgid, e->uid, e->gid, e->euid, e->gid} : stranger;
}

struct linux_ucred ucred_to_guest(struct task *task, struct linux_ucred host)
{
    struct known k = find(task, host.pid);
    return (struct linux_ucred){k.pid, k.uid, k.gid};
}

int ucred_to_host(struct task *task, struct linux_ucred *u)
{
    const struct process *proc = task->proc;
    const struct cred *c = &proc->cred;
    bool own_uid = u->uid == c->uid || u->uid == c->euid || u->uid == c->suid;
    bool own_gid = u->gid == c->gid || u->gid == c->egid || u->gid == c->sgid;
    if (u->uid == NOBODY || u->gid == NOBODY)
        return -LINUX_EINVAL;
    if ((u->pid != proc->pid && !cred_capable(proc, LINUX_CAP_SYS_ADMIN)) ||
        (!own_uid && !cred_capable(proc, LINUX_CAP_SETUID)) ||
        (!own_gid && !cred_capable(proc, LINUX_CAP_SETGID)))
        return -LINUX_EPERM;
    if (u->pid != proc->pid && !pid_exists(task->proc, u->pid))
        return -LINUX_ESRCH;
    /* Whom else root speaks for, the host would not believe: it hears of the speaker itself. */
    *u = (struct linux_ucred){host_process_id(), host_euid(), host_egid()};
    return 0;
}

int ucred_of_peer(struct task *task, int fd, struct linux_ucred *ucred)
{
    uint32_t len = sizeof *ucred;
    int err = host_getsockopt(fd, LINUX_SOL_SOCKET, LINUX_SO_PEERCRED, ucred, &len);
    if (err || ucred->uid == NOBODY)
        return err;
    struct known k = find(task, ucred->pid);
    *ucred = (struct linux_ucred){k.pid, k.euid, k.egid};
    return 0;
}
