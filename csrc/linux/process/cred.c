/* cred.c - users, groups and capabilities: kernel/sys.c, kernel/groups.c, security/commoncap.c. */
#include "linux/process/cred.h"

#include <string.h>

#include "host/process.h"
#include "linux/mm/uaccess.h"
#include "linux/process/pid.h"
#include "linux/process/rlimit.h"
#include "linux/process/task.h"
#include "linux/signal/signal.h"
#include "syscalls_gen.h"

#define SECURE_NOROOT    (1u << 0)
#define SECURE_NO_FIXUP  (1u << 2)
#define SECURE_KEEP_CAPS (1u << 4)
#define KEEP             ((uint32_t)-1)

void cred_init(struct process *proc, uint32_t uid, uint32_t gid, const uint32_t *groups,
               uint32_t ngroups)
{
    struct cred *c = &proc->cred;
    *c = (struct cred){0};
    c->uid = c->euid = c->suid = c->fsuid = uid;
    c->gid = c->egid = c->sgid = c->fsgid = gid;
    c->ngroups = ngroups < LINUX_NGROUPS_KEPT ? ngroups : LINUX_NGROUPS_KEPT;
    memcpy(c->groups, groups, c->ngroups * sizeof(*groups));
    c->cap_bounding = LINUX_CAP_FULL;
    c->cap_permitted = c->cap_effective = uid == 0 ? LINUX_CAP_FULL : 0;
}

/* cap_bprm_creds_from_file() for a file without capabilities of its own. */
void cred_exec(struct process *proc)
{
    struct cred *c = &proc->cred;
    bool root = (c->uid == 0 || c->euid == 0) && !(c->securebits & SECURE_NOROOT);
    c->cap_permitted = root ? c->cap_bounding | c->cap_inheritable : c->cap_ambient;
    c->cap_effective = root ? (c->euid == 0 ? c->cap_permitted : 0) : c->cap_ambient;
    c->securebits &= ~SECURE_KEEP_CAPS;
    c->suid = c->fsuid = c->euid;
    c->sgid = c->fsgid = c->egid;
}

/* cap_emulate_setxuid() and cap_task_fix_setuid() */
static void fix_caps(struct cred *c, const struct cred *old)
{
    if (c->securebits & SECURE_NO_FIXUP)
        return;
    bool was_root = old->uid == 0 || old->euid == 0 || old->suid == 0;
    bool is_root = c->uid == 0 || c->euid == 0 || c->suid == 0;
    if (was_root && !is_root) {
        if (!(c->securebits & SECURE_KEEP_CAPS))
            c->cap_permitted = c->cap_effective = 0;
        c->cap_ambient = 0;
    }
    if (old->euid == 0 && c->euid != 0)
        c->cap_effective = 0;
    else if (old->euid != 0 && c->euid == 0)
        c->cap_effective = c->cap_permitted;
}

/* commit_creds(): who acts as another is no longer to be looked into, nor told of its parent's end.
 */
static void commit(struct process *proc, const struct cred *old)
{
    const struct cred *c = &proc->cred;
    if (c->euid != old->euid || c->egid != old->egid || c->fsuid != old->fsuid ||
        c->fsgid != old->fsgid || (c->cap_permitted & ~old->cap_permitted)) {
        proc->dumpable = 0;
        proc->pdeath_signal = 0;
    }
    pid_publish_cred(proc);
}

static void commit_uids(struct process *proc, uint32_t uid, uint32_t euid, uint32_t suid)
{
    struct cred *c = &proc->cred, old = *c;
    if (uid != old.uid) /* flag_nproc_exceeded() */
        proc->nproc_exceeded = rlimit_user_is_over(proc, uid);
    c->uid = uid;
    c->euid = c->fsuid = euid;
    c->suid = suid;
    fix_caps(c, &old);
    commit(proc, &old);
}

static bool one_of(uint32_t id, uint32_t a, uint32_t b, uint32_t c)
{
    return id == KEEP || id == a || id == b || id == c;
}

int64_t sys_setuid(struct task *task, const uint64_t args[6])
{
    struct cred *c = &task->proc->cred;
    uint32_t uid = (uint32_t)args[0];
    if (uid == KEEP)
        return -LINUX_EINVAL;
    if (cred_capable(task->proc, LINUX_CAP_SETUID))
        commit_uids(task->proc, uid, uid, uid);
    else if (uid == c->uid || uid == c->suid)
        commit_uids(task->proc, c->uid, uid, c->suid);
    else
        return -LINUX_EPERM;
    return 0;
}

int64_t sys_setreuid(struct task *task, const uint64_t args[6])
{
    const struct cred c = task->proc->cred;
    uint32_t ruid = (uint32_t)args[0], euid = (uint32_t)args[1];
    if (!cred_capable(task->proc, LINUX_CAP_SETUID) &&
        (!one_of(ruid, c.uid, c.euid, c.euid) || !one_of(euid, c.uid, c.euid, c.suid)))
        return -LINUX_EPERM;
    uint32_t new_ruid = ruid == KEEP ? c.uid : ruid, new_euid = euid == KEEP ? c.euid : euid;
    bool saved = ruid != KEEP || (euid != KEEP && euid != c.uid);
    commit_uids(task->proc, new_ruid, new_euid, saved ? new_euid : c.suid);
    return 0;
}

int64_t sys_setresuid(struct task *task, const uint64_t args[6])
{
    const struct cred c = task->proc->cred;
    uint32_t r = (uint32_t)args[0], e = (uint32_t)args[1], s = (uint32_t)args[2];
    if (!cred_capable(task->proc, LINUX_CAP_SETUID) &&
        (!one_of(r, c.uid, c.euid, c.suid) || !one_of(e, c.uid, c.euid, c.suid) ||
         !one_of(s, c.uid, c.euid, c.suid)))
        return -LINUX_EPERM;
    commit_uids(task->proc, r == KEEP ? c.uid : r, e == KEEP ? c.euid : e, s == KEEP ? c.suid : s);
    return 0;
}

int64_t sys_setfsuid(struct task *task, const uint64_t args[6])
{
    struct cred *c = &task->proc->cred;
    const struct cred old = *c;
    uint32_t id = (uint32_t)args[0];
    if (id != KEEP && (one_of(id, c->uid, c->euid, c->suid) || id == old.fsuid ||
                       cred_capable(task->proc, LINUX_CAP_SETUID)))
        c->fsuid = id;
    commit(task->proc, &old);
    return old.fsuid;
}

int64_t sys_setgid(struct task *task, const uint64_t args[6])
{
    struct cred *c = &task->proc->cred;
    const struct cred old = *c;
    uint32_t gid = (uint32_t)args[0];
    if (gid == KEEP)
        return -LINUX_EINVAL;
    if (cred_capable(task->proc, LINUX_CAP_SETGID))
        c->gid = c->egid = c->sgid = c->fsgid = gid;
    else if (gid == c->gid || gid == c->sgid)
        c->egid = c->fsgid = gid;
    else
        return -LINUX_EPERM;
    commit(task->proc, &old);
    return 0;
}

int64_t sys_setregid(struct task *task, const uint64_t args[6])
{
    struct cred *c = &task->proc->cred;
    const struct cred old = *c;
    uint32_t rgid = (uint32_t)args[0], egid = (uint32_t)args[1];
    if (!cred_capable(task->proc, LINUX_CAP_SETGID) &&
        (!one_of(rgid, old.gid, old.egid, old.egid) || !one_of(egid, old.gid, old.egid, old.sgid)))
        return -LINUX_EPERM;
    if (rgid != KEEP)
        c->gid = rgid;
    if (egid != KEEP)
        c->egid = egid;
    if (rgid != KEEP || (egid != KEEP && egid != old.gid))
        c->sgid = c->egid;
    c->fsgid = c->egid;
    commit(task->proc, &old);
    return 0;
}

int64_t sys_setresgid(struct task *task, const uint64_t args[6])
{
    struct cred *c = &task->proc->cred;
    const struct cred old = *c;
    uint32_t r = (uint32_t)args[0], e = (uint32_t)args[1], s = (uint32_t)args[2];
    if (!cred_capable(task->proc, LINUX_CAP_SETGID) &&
        (!one_of(r, c->gid, c->egid, c->sgid) || !one_of(e, c->gid, c->egid, c->sgid) ||
         !one_of(s, c->gid, c->egid, c->sgid)))
        return -LINUX_EPERM;
    if (r != KEEP)
        c->gid = r;
    if (e != KEEP)
        c->egid = e;
    if (s != KEEP)
        c->sgid = s;
    c->fsgid = c->egid;
    commit(task->proc, &old);
    return 0;
}

int64_t sys_setfsgid(struct task *task, const uint64_t args[6])
{
    struct cred *c = &task->proc->cred;
    const struct cred old = *c;
    uint32_t id = (uint32_t)args[0];
    if (id != KEEP && (one_of(id, c->gid, c->egid, c->sgid) || id == old.fsgid ||
                       cred_capable(task->proc, LINUX_CAP_SETGID)))
        c->fsgid = id;
    commit(task->proc, &old);
    return old.fsgid;
}

static int64_t put_three(struct task *task, const uint64_t args[6], uint32_t a, uint32_t b,
                         uint32_t c)
{
    if (put_user_u32(task, args[0], a) || put_user_u32(task, args[1], b) ||
        put_user_u32(task, args[2], c))
        return -LINUX_EFAULT;
    return 0;
}

int64_t sys_getresuid(struct task *task, const uint64_t args[6])
{
    const struct cred *c = &task->proc->cred;
    return put_three(task, args, c->uid, c->euid, c->suid);
}

int64_t sys_getresgid(struct task *task, const uint64_t args[6])
{
    const struct cred *c = &task->proc->cred;
    return put_three(task, args, c->gid, c->egid, c->sgid);
}

int64_t sys_getgroups(struct task *task, const uint64_t args[6])
{
    const struct cred *c = &task->proc->cred;
    int size = (int)args[0];
    if (size < 0)
        return -LINUX_EINVAL;
    if (size == 0)
        return c->ngroups;
    if ((uint32_t)size < c->ngroups)
        return -LINUX_EINVAL;
    if (copy_to_user(task, args[1], c->groups, c->ngroups * sizeof(c->groups[0])))
        return -LINUX_EFAULT;
    return c->ngroups;
}

int64_t sys_setgroups(struct task *task, const uint64_t args[6])
{
    struct cred *c = &task->proc->cred;
    uint32_t groups[LINUX_NGROUPS_KEPT];
    uint32_t n = (uint32_t)args[0];
    if (!cred_capable(task->proc, LINUX_CAP_SETGID))
        return -LINUX_EPERM;
    if (n > LINUX_NGROUPS_KEPT)
        return -LINUX_EINVAL;
    if (copy_from_user(task, groups, args[1], n * sizeof(groups[0])))
        return -LINUX_EFAULT;
    /* Sorted, as groups_sort() leaves them and getgroups() shows them. */
    for (uint32_t i = 1; i < n; i++) {
        uint32_t gid = groups[i], at = i;
        for (; at > 0 && groups[at - 1] > gid; at--)
            groups[at] = groups[at - 1];
        groups[at] = gid;
    }
    memcpy(c->groups, groups, n * sizeof(groups[0]));
    c->ngroups = n;
    return 0;
}

/* ---- identity that never changes, or is read often ---- */

int64_t sys_getpid(struct task *task, const uint64_t args[6])
{
    (void)args;
    return task->proc->pid;
}

int64_t sys_getppid(struct task *task, const uint64_t args[6])
{
    (void)args;
    struct process *proc = task->proc;
    /* Asking the host each time would cost a call where none is needed. */
    if (__builtin_expect(proc->parent_ended, 0)) {
        proc->parent_ended = false;
        proc->ppid = pid_from_host(proc, host_parent_id());
    }
    return proc->ppid;
}

int64_t sys_gettid(struct task *task, const uint64_t args[6])
{
    (void)args;
    return task->tid;
}

int64_t sys_getuid(struct task *task, const uint64_t args[6])
{
    (void)args;
    return task->proc->cred.uid;
}

int64_t sys_geteuid(struct task *task, const uint64_t args[6])
{
    (void)args;
    return task->proc->cred.euid;
}

int64_t sys_getgid(struct task *task, const uint64_t args[6])
{
    (void)args;
    return task->proc->cred.gid;
}

int64_t sys_getegid(struct task *task, const uint64_t args[6])
{
    (void)args;
    return task->proc->cred.egid;
}
