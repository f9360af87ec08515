#include "linux/process/rlimit.h"

#include "host/io.h"
#include "host/system.h"
#include "host/thread.h"
#include "linux/fs/fdtable.h"
#include "linux/fs/proc_view.h"
#include "linux/mm/mm.h"
#include "linux/mm/uaccess.h"
#include "linux/process/cred.h"
#include "linux/process/pid.h"
#include "linux/process/priority.h"
#include "linux/process/task.h"
#include "linux/signal/signal.h"
#include "syscalls_gen.h"

_Static_assert(sizeof(((struct process *)0)->rlimit) == LINUX_RLIM_NLIMITS * 2 * sizeof(uint64_t),
               "struct process");

/* Held while the host's RLIMIT_FSIZE is not the guest's, and to change the latter. */
static struct host_mutex file_size;

/* The host counts and sends the signal. Only the soft limit: ours could not be raised again. */
static void tell_host(unsigned resource, uint64_t soft)
{
    uint64_t host[2];
    if (host_getrlimit((int)resource, host) == 0) {
        host[0] = soft < host[1] ? soft : host[1];
        host_setrlimit((int)resource, host);
    }
}

bool rlimit_own_file_begin(struct process *proc)
{
    if (proc->rlimit[LINUX_RLIMIT_FSIZE][0] == LINUX_RLIM_INFINITY)
        return false;
    host_mutex_lock(&file_size);
    tell_host(LINUX_RLIMIT_FSIZE, LINUX_RLIM_INFINITY);
    return true;
}

void rlimit_own_file_end(struct process *proc, bool begun)
{
    if (begun) {
        tell_host(LINUX_RLIMIT_FSIZE, proc->rlimit[LINUX_RLIMIT_FSIZE][0]);
        host_mutex_unlock(&file_size);
    }
}

void rlimit_forked(void)
{
    file_size = (struct host_mutex){0};
}

static void limit_file_size(struct process *proc, uint64_t soft, uint64_t hard)
{
    host_mutex_lock(&file_size);
    proc->rlimit[LINUX_RLIMIT_FSIZE][0] = soft;
    proc->rlimit[LINUX_RLIMIT_FSIZE][1] = hard;
    tell_host(LINUX_RLIMIT_FSIZE, soft);
    host_mutex_unlock(&file_size);
}

void rlimit_apply(struct process *proc, unsigned resource, uint64_t soft, uint64_t hard)
{
    if (resource == LINUX_RLIMIT_FSIZE) {
        limit_file_size(proc, soft, hard);
        return;
    }
    if (resource == LINUX_RLIMIT_NOFILE) {
        uint64_t most = (uint64_t)host_fd_most();
        hard = hard < most ? hard : most;
        soft = soft < hard ? soft : hard;
    }
    proc->rlimit[resource][0] = soft;
    proc->rlimit[resource][1] = hard;
    switch (resource) {
    case LINUX_RLIMIT_AS: mm_set_limit(proc->mm, MM_LIMIT_AS, soft); break;
    case LINUX_RLIMIT_DATA: mm_set_limit(proc->mm, MM_LIMIT_DATA, soft); break;
    case LINUX_RLIMIT_STACK: mm_set_limit(proc->mm, MM_LIMIT_STACK, soft); break;
    case LINUX_RLIMIT_MEMLOCK: mm_set_limit(proc->mm, MM_LIMIT_MEMLOCK, soft); break;
    case LINUX_RLIMIT_NOFILE: fd_table_set_limit(proc->fds, soft); break;
    case LINUX_RLIMIT_CPU: tell_host(resource, soft); break;
    default: break;
    }
}

void rlimit_init(struct process *proc)
{
    for (unsigned i = 0; i < LINUX_RLIM_NLIMITS; i++) {
        uint64_t limit[2] = {LINUX_RLIM_INFINITY, LINUX_RLIM_INFINITY};
        host_getrlimit((int)i, limit);
        if (i == LINUX_RLIMIT_NOFILE) {
            /* The host's soft limit has been raised for our own descriptors. */
            limit[0] = (uint64_t)host_fd_plain();
            limit[1] = (uint64_t)host_fd_most();
        } else if (i == LINUX_RLIMIT_AS || i == LINUX_RLIMIT_DATA) {
            /* The host's cover our own reservation, which is not the guest's affair. */
            limit[0] = limit[1] = LINUX_RLIM_INFINITY;
        }
        rlimit_apply(proc, i, limit[0], limit[1]);
    }
}

/* Root is INIT_USER, whose processes have no limit, whatever it may do. */
bool rlimit_user_is_full(struct process *proc, uint32_t uid)
{
    uint64_t limit = proc->rlimit[LINUX_RLIMIT_NPROC][0];
    return uid != 0 && (limit == 0 || pid_user_has_more(proc, uid, limit - 1));
}

bool rlimit_user_is_over(struct process *proc, uint32_t uid)
{
    return uid != 0 && pid_user_has_more(proc, uid, proc->rlimit[LINUX_RLIMIT_NPROC][0]);
}

/* do_prlimit() */
static int set_limit(struct process *proc, unsigned resource, const struct linux_rlimit64 *limit)
{
    if (limit->cur > limit->max)
        return -LINUX_EINVAL;
    if (resource == LINUX_RLIMIT_NOFILE && limit->max > (uint64_t)host_fd_most())
        return -LINUX_EPERM; /* as above fs.nr_open */
    if (limit->max > proc->rlimit[resource][1] && !cred_capable(proc, LINUX_CAP_SYS_RESOURCE))
        return -LINUX_EPERM;
    rlimit_apply(proc, resource, limit->cur, limit->max);
    return 0;
}

/* check_prlimit_permission() */
static bool may_see(const struct process *proc, const struct process *other)
{
    const struct cred *mine = &proc->cred, *its = &other->cred;
    if (cred_capable(proc, LINUX_CAP_SYS_RESOURCE))
        return true;
    return mine->uid == its->uid && mine->uid == its->euid && mine->uid == its->suid &&
           mine->gid == its->gid && mine->gid == its->egid && mine->gid == its->sgid;
}

/* Another process keeps its own: they are seen, and not set. */
static int of_another(struct task *task, int32_t pid, unsigned resource, bool set,
                      struct linux_rlimit64 *limit)
{
    struct proc_view view;
    int err = proc_view_get(&view, task, pid);
    if (err)
        return err;
    if (set || !view.readable || !may_see(task->proc, view.proc))
        err = -LINUX_EPERM;
    else if (resource >= LINUX_RLIM_NLIMITS)
        err = -LINUX_EINVAL;
    else
        *limit =
            (struct linux_rlimit64){view.proc->rlimit[resource][0], view.proc->rlimit[resource][1]};
    proc_view_put(&view);
    return err;
}

/* The process's own. */
static int own_limit(struct process *proc, unsigned resource, const struct linux_rlimit64 *set,
                     struct linux_rlimit64 *old)
{
    if (resource >= LINUX_RLIM_NLIMITS)
        return -LINUX_EINVAL;
    *old = (struct linux_rlimit64){proc->rlimit[resource][0], proc->rlimit[resource][1]};
    return set ? set_limit(proc, resource, set) : 0;
}

int64_t sys_prlimit64(struct task *task, const uint64_t args[6])
{
    struct linux_rlimit64 new_limit;
    unsigned resource = (unsigned)args[1];
    gva_t new_at = args[2], old_at = args[3];
    if (new_at && copy_from_user(task, &new_limit, new_at, sizeof(new_limit)))
        return -LINUX_EFAULT;
    struct process *proc = task->proc;
    const struct pid_entry *owner = priority_owner(proc, (int32_t)args[0]);
    if (task_host_tid(task, (int32_t)args[0]) < 0 || !owner)
        return -LINUX_ESRCH;
    struct linux_rlimit64 old;
    int err = owner == pid_entry(proc->pids, proc->pid)
                  ? own_limit(proc, resource, new_at ? &new_limit : NULL, &old)
                  : of_another(task, owner->tgid, resource, new_at, &old);
    if (!err && old_at && copy_to_user(task, old_at, &old, sizeof(old)))
        err = -LINUX_EFAULT;
    return err;
}

int64_t sys_getrlimit(struct task *task, const uint64_t args[6])
{
    unsigned resource = (unsigned)args[0];
    if (resource >= LINUX_RLIM_NLIMITS)
        return -LINUX_EINVAL;
    struct linux_rlimit64 limit = {task->proc->rlimit[resource][0],
                                   task->proc->rlimit[resource][1]};
    return copy_to_user(task, args[1], &limit, sizeof(limit)) ? -LINUX_EFAULT : 0;
}

int64_t sys_setrlimit(struct task *task, const uint64_t args[6])
{
    struct linux_rlimit64 limit;
    if (copy_from_user(task, &limit, args[1], sizeof(limit)))
        return -LINUX_EFAULT;
    if ((unsigned)args[0] >= LINUX_RLIM_NLIMITS)
        return -LINUX_EINVAL;
    return set_limit(task->proc, (unsigned)args[0], &limit);
}
