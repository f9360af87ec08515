/* attr.c - owner, mode, times, umask. */
#include <string.h>

#include "linux/fs/devpts.h"
#include "linux/fs/fd_calls.h"
#include "linux/fs/path.h"
#include "linux/fs/synth.h"
#include "linux/mm/uaccess.h"
#include "syscalls_gen.h"

/* What a descriptor call works on. O_PATH descriptors are refused, as Linux's fdget() does. */
static int resolve_fd(struct task *task, uint64_t arg, struct fs_path *p)
{
    int fd = fd_arg(arg), fl;

    p->fd = -1;
    p->node = NULL;
    if (fd < 0)
        return fd;
    fl = host_getfl(fd);
    if (fl < 0 || (fl & LINUX_O_PATH))
        return -LINUX_EBADF;
    return fs_resolve(task->proc->fs, task, fd, "", FS_EMPTY, p);
}

/* Whether the file can carry a virtual owner: it lies in one of the guest's trees. */
static bool carries(const struct fs_path *p)
{
    return p->mnt || p->anon;
}

/* Make the object changeable. Objects without a host file cannot be; nor can a device node of the
 * host's that lies in a tree, which a guest of root's could otherwise take from everybody. */
static int prepare(struct task *task, struct fs_path *p)
{
    if (p->node || LINUX_S_ISCHR(p->host_mode) || LINUX_S_ISBLK(p->host_mode))
        return -LINUX_EPERM;
    return fs_copy_up(task->proc->fs, p);
}

/*
 * Owner and mode are read and written as one: with the tree's lock, so that a chmod does not undo
 * another process's chown. p->st is what they are now.
 */
static int attributes_enter(struct fs_context *fs, struct fs_path *p)
{
    struct linux_statx st;

    fs_tree_lock(fs);
    int r = host_statx_fd(p->fd, &st);
    if (r < 0) {
        fs_tree_unlock(fs);
        return r;
    }
    owner_apply(p->fd, fs_from_image(p, &st), &st);
    p->st.stx_uid = st.stx_uid;
    p->st.stx_gid = st.stx_gid;
    p->st.stx_mode = st.stx_mode;
    return 0;
}

static uint64_t rdev_of(const struct linux_statx *st)
{
    return linux_mkdev(st->stx_rdev_major, st->stx_rdev_minor);
}

/* Pipes, sockets and memory: nobody else sees their attributes, and Linux lets the owner change
 * them. Anything else that is not in the guest's trees is the host's (a device, a terminal, a
 * redirected file) and stays as it is. */
static bool is_private(const struct fs_path *p)
{
    return LINUX_S_ISFIFO(p->host_mode) || (p->host_mode & LINUX_S_IFMT) == LINUX_S_IFSOCK ||
           (p->host_mode & LINUX_S_IFMT) == 0 || p->st.stx_nlink == 0;
}

/* ---- mode ---- */

static int change_mode(struct task *task, struct fs_path *p, uint32_t mode)
{
    const struct cred *cred = &task->proc->cred;
    int r;

    if (LINUX_S_ISLNK(p->st.stx_mode))
        return -LINUX_EOPNOTSUPP;
    r = fs_writable(p);
    if (r == 0 && !owner_is(cred, &p->st))
        r = -LINUX_EPERM;
    if (r == 0 && (p->node || !p->mnt) &&
        devpts_change(task->proc->fs, &p->st, UINT32_MAX, UINT32_MAX, mode))
        return 0;
    if (r == 0 && !p->node && !carries(p))
        return is_private(p) ? 0 : -LINUX_EPERM;
    if (r == 0)
        r = prepare(task, p);
    if (r < 0)
        return r;
    uint32_t host_type = p->host_mode & LINUX_S_IFMT;
    mode &= LINUX_S_IALLUGO;
    if (host_type == LINUX_S_IFIFO || host_type == LINUX_S_IFSOCK) /* these carry no attributes */
        return host_chmod_fd(p->fd, mode);
    r = attributes_enter(task->proc->fs, p);
    if (r < 0)
        return r;
    if (!cred_in_group(cred, p->st.stx_gid) && !fs_capable(cred, FS_CAP_FSETID))
        mode &= ~(uint32_t)LINUX_S_ISGID;
    r = host_chmod_fd(p->fd, owner_host_mode(host_type | mode));
    if (r == 0)
        r = owner_store(p->fd, p->st.stx_uid, p->st.stx_gid, (p->st.stx_mode & LINUX_S_IFMT) | mode,
                        rdev_of(&p->st));
    fs_tree_unlock(task->proc->fs);
    return r;
}

static int64_t chmod_at(struct task *task, int dirfd, gva_t path, uint32_t mode, int flags)
{
    struct fs_path p;
    int r;

    if (flags & ~(LINUX_AT_SYMLINK_NOFOLLOW | LINUX_AT_EMPTY_PATH))
        return -LINUX_EINVAL;
    r = fs_user_resolve(task, dirfd, path,
                        (flags & LINUX_AT_SYMLINK_NOFOLLOW ? 0 : FS_FOLLOW) |
                            (flags & LINUX_AT_EMPTY_PATH ? FS_EMPTY : 0),
                        &p);
    if (r < 0)
        return r;
    r = change_mode(task, &p, mode);
    fs_path_put(&p);
    return r;
}

int64_t sys_fchmodat(struct task *task, const uint64_t a[6])
{
    return chmod_at(task, (int)a[0], a[1], (uint32_t)a[2], 0);
}

int64_t sys_fchmodat2(struct task *task, const uint64_t a[6])
{
    return chmod_at(task, (int)a[0], a[1], (uint32_t)a[2], (int)a[3]);
}

int64_t sys_fchmod(struct task *task, const uint64_t a[6])
{
    struct fs_path p;
    int r = resolve_fd(task, a[0], &p);

    if (r < 0)
        return r;
    r = change_mode(task, &p, (uint32_t)a[1]);
    fs_path_put(&p);
    return r;
}

/* ---- owner ---- */

/* Linux's setattr_prepare(): an owner may give the file to a group of theirs. */
static int chown_allowed(const struct cred *cred, const struct linux_statx *st, uint32_t uid,
                         uint32_t gid)
{
    if (fs_capable(cred, FS_CAP_CHOWN))
        return 0;
    if (uid != UINT32_MAX && (cred->fsuid != st->stx_uid || uid != st->stx_uid))
        return -LINUX_EPERM;
    if (gid != UINT32_MAX &&
        (cred->fsuid != st->stx_uid || (!cred_in_group(cred, gid) && gid != st->stx_gid)))
        return -LINUX_EPERM;
    return 0;
}

static int change_owner(struct task *task, struct fs_path *p, uint32_t uid, uint32_t gid)
{
    const struct cred *cred = &task->proc->cred;
    int r = fs_writable(p);

    if (r == 0)
        r = chown_allowed(cred, &p->st, uid, gid);
    if (r < 0)
        return r;
    if ((p->node || !p->mnt) && devpts_change(task->proc->fs, &p->st, uid, gid, UINT32_MAX))
        return 0;
    if (LINUX_S_ISLNK(p->st.stx_mode) || p->node || !carries(p))
        return 0; /* nowhere to keep it (see owner.c) */
    r = prepare(task, p);
    if (r < 0)
        return r;
    r = attributes_enter(task->proc->fs, p);
    if (r < 0)
        return r;
    uint32_t mode = p->st.stx_mode;
    if (!LINUX_S_ISDIR(mode)) { /* ATTR_KILL_SUID, setattr_should_drop_sgid(), ATTR_KILL_PRIV */
        mode &= ~(uint32_t)LINUX_S_ISUID;
        if ((mode & 0010) ||
            !(cred_in_group(cred, p->st.stx_gid) || fs_capable(cred, FS_CAP_FSETID)))
            mode &= ~(uint32_t)LINUX_S_ISGID;
        (void)host_removexattr_fd(p->fd, OWNER_KEPT_PREFIX "security.capability");
    }
    r = owner_store(p->fd, uid == UINT32_MAX ? p->st.stx_uid : uid,
                    gid == UINT32_MAX ? p->st.stx_gid : gid, mode, rdev_of(&p->st));
    fs_tree_unlock(task->proc->fs);
    return r;
}

int64_t sys_fchownat(struct task *task, const uint64_t a[6])
{
    struct fs_path p;
    int flags = (int)a[4], r;

    if (flags & ~(LINUX_AT_SYMLINK_NOFOLLOW | LINUX_AT_EMPTY_PATH))
        return -LINUX_EINVAL;
    r = fs_user_resolve(task, (int)a[0], a[1],
                        (flags & LINUX_AT_SYMLINK_NOFOLLOW ? 0 : FS_FOLLOW) |
                            (flags & LINUX_AT_EMPTY_PATH ? FS_EMPTY : 0),
                        &p);
    if (r < 0)
        return r;
    r = change_owner(task, &p, (uint32_t)a[2], (uint32_t)a[3]);
    fs_path_put(&p);
    return r;
}

int64_t sys_fchown(struct task *task, const uint64_t a[6])
{
    struct fs_path p;
    int r = resolve_fd(task, a[0], &p);

    if (r < 0)
        return r;
    r = change_owner(task, &p, (uint32_t)a[1], (uint32_t)a[2]);
    fs_path_put(&p);
    return r;
}

/* ---- times ---- */

static int change_times(struct task *task, struct fs_path *p, const struct linux_timespec_fs *times)
{
    const struct cred *cred = &task->proc->cred;
    bool now = times == NULL ||
               (times[0].tv_nsec == LINUX_UTIME_NOW && times[1].tv_nsec == LINUX_UTIME_NOW);
    int r = fs_writable(p);

    if (r == 0 && !owner_is(cred, &p->st)) {
        if (!now)
            return -LINUX_EPERM;
        r = owner_may(cred, &p->st, FS_MAY_WRITE);
    }
    if (r < 0 || p->node ||
        !carries(p)) /* the times of /dev/null and of pipes are nobody's business */
        return r;
    r = prepare(task, p);
    return r < 0 ? r : host_utimens_fd(p->fd, times);
}

static bool is_time(const struct linux_timespec_fs *t)
{
    return (t->tv_nsec >= 0 && t->tv_nsec <= 999999999) || t->tv_nsec == LINUX_UTIME_NOW ||
           t->tv_nsec == LINUX_UTIME_OMIT;
}

int64_t sys_utimensat(struct task *task, const uint64_t a[6])
{
    struct linux_timespec_fs times[2], *t = NULL;
    struct fs_path p;
    int flags = (int)a[3], r;

    if (a[2]) {
        if (copy_from_user(task, times, a[2], sizeof times) < 0)
            return -LINUX_EFAULT;
        if (times[0].tv_nsec == LINUX_UTIME_OMIT && times[1].tv_nsec == LINUX_UTIME_OMIT)
            return 0; /* whatever the other arguments are */
        t = times;
    }
    if (flags & ~(LINUX_AT_SYMLINK_NOFOLLOW | LINUX_AT_EMPTY_PATH))
        return -LINUX_EINVAL;
    if (a[1] == 0 && (int)a[0] != LINUX_AT_FDCWD) { /* futimens() */
        if (flags)
            return -LINUX_EINVAL;
        r = resolve_fd(task, a[0], &p);
    } else {
        r = fs_user_resolve(task, (int)a[0], a[1],
                            (flags & LINUX_AT_SYMLINK_NOFOLLOW ? 0 : FS_FOLLOW) |
                                (flags & LINUX_AT_EMPTY_PATH ? FS_EMPTY : 0),
                            &p);
    }
    if (r < 0)
        return r;
    r = t && !(is_time(&t[0]) && is_time(&t[1])) ? -LINUX_EINVAL : change_times(task, &p, t);
    fs_path_put(&p);
    return r;
}

int64_t sys_umask(struct task *task, const uint64_t a[6])
{
    return __atomic_exchange_n(&task->proc->fs->umask, (uint32_t)a[0] & 0777, __ATOMIC_RELAXED);
}
