/*
 * peer.c - credentials that go with AF_UNIX sockets. The host knows which of its processes is at
 * the other end; who that is to the guest, its own table of processes says. The host's users are
 * not the guest's: every process of the run is one and the same to it.
 */
#include "host/file.h"
#include "host/net.h"
#include "host/thread.h"
#include "linux/net/net.h"
#include "linux/process/cred.h"

#define OVERFLOW_ID 65534u
#define NOBODY      UINT32_MAX /* what a socket without a peer says */

/* A process of the run as its peers may know it. */
struct known {
    int32_t pid; /* 0: not of the run */
    uint32_t uid, gid, euid, egid;
};

static struct known find(struct task *task, int32_t host_pid)
{
    const struct process *proc = task->proc;
    const struct cred *c = &proc->cred;
    if (host_pid != host_process_id())
        return (struct known){0, OVERFLOW_ID, OVERFLOW_ID, OVERFLOW_ID, OVERFLOW_ID};
    return (struct known){proc->pid, c->uid, c->gid, c->euid, c->egid};
}

static bool exists(struct task *task, int32_t pid)
{
    return pid == task->proc->pid;
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
    if (!exists(task, u->pid))
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
