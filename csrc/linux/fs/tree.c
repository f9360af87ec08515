/* tree.c - calls that make, remove and rename names. */
#include <string.h>

#include "linux/fs/fd_calls.h"
#include "linux/fs/overlay.h"
#include "linux/fs/synth.h"
#include "linux/mm/uaccess.h"
#include "syscalls_gen.h"

/* How the last component is looked up: "." and ".." need what is before them to be a directory. */
static unsigned as_name(enum fs_last last)
{
    return last == LAST_NORM ? FS_NAME : 0;
}

/* Find the place for a new name: it must be missing, on a mount that can be written. */
static int find_place(struct task *task, int dirfd, const char *path, bool dir_ok,
                      struct fs_path *p)
{
    enum fs_last last = fs_last_kind(path);
    int r = fs_resolve(task->proc->fs, task, dirfd, path, FS_CREATE | as_name(last), p);

    if (r < 0)
        return r;
    if (p->exists || last != LAST_NORM)
        r = -LINUX_EEXIST;
    else if ((p->trailing && !dir_ok) || p->mnt == NULL || p->mnt->type == FS_PROC)
        r = -LINUX_ENOENT;
    else
        r = fs_writable(p);
    if (r < 0)
        fs_path_put(p);
    return r;
}

/* May the name be made there? */
static int may_make(struct task *task, const struct fs_path *p)
{
    int r = owner_may(&task->proc->cred, &p->st, FS_MAY_WRITE | FS_MAY_EXEC);

    return r < 0 || mount_is_host(p->mnt) ? r : -LINUX_EPERM;
}

static int new_place(struct task *task, int dirfd, const char *path, bool dir_ok, struct fs_path *p)
{
    int r = find_place(task, dirfd, path, dir_ok, p);

    if (r == 0 && (r = may_make(task, p)) < 0)
        fs_path_put(p);
    return r;
}

/* Record who owns the object just made at p; take it away again if that fails. */
static int settle(struct fs_context *fs, struct fs_path *p, uint32_t uid, uint32_t gid,
                  uint32_t mode, uint32_t host_mode, uint64_t rdev)
{
    bool is_dir = LINUX_S_ISDIR(mode);
    int r = 0;

    if (uid != 0 || gid != 0 || mode != host_mode || rdev != 0) {
        r = fs_path_refresh(p);
        if (r == 0)
            r = owner_store(p->fd, uid, gid, mode, rdev);
        if (r < 0)
            (void)(is_dir ? fs_rmdir(fs, p) : fs_unlink(fs, p));
    }
    return r;
}

int64_t sys_mkdirat(struct task *task, const uint64_t a[6])
{
    struct fs_context *fs = task->proc->fs;
    char path[LINUX_PATH_MAX];
    struct fs_path p;
    uint32_t uid, gid;
    int64_t r = fs_user_path(task, path, a[1]);

    if (r < 0)
        return r;
    r = new_place(task, (int)a[0], path, true, &p);
    if (r < 0)
        return r;
    uint32_t mode = LINUX_S_IFDIR | ((uint32_t)a[2] & (0777 | LINUX_S_ISVTX) & ~fs->umask);
    owner_new(&task->proc->cred, &p.st, &uid, &gid, &mode);
    uint32_t host_mode = owner_host_mode(mode);
    r = fs_mkdir(fs, &p, host_mode);
    if (r == 0)
        r = settle(fs, &p, uid, gid, mode, LINUX_S_IFDIR | host_mode, 0);
    fs_path_put(&p);
    return r;
}

int64_t sys_mknodat(struct task *task, const uint64_t a[6])
{
    struct fs_context *fs = task->proc->fs;
    char path[LINUX_PATH_MAX];
    struct fs_path p;
    uint32_t uid, gid, type = (uint32_t)a[2] & LINUX_S_IFMT, host_type;
    uint64_t rdev = (uint32_t)a[3];
    int64_t r;

    if (type == 0)
        type = LINUX_S_IFREG;
    if (type == LINUX_S_IFDIR)
        return -LINUX_EPERM;
    if (type != LINUX_S_IFREG && type != LINUX_S_IFIFO && type != LINUX_S_IFSOCK &&
        type != LINUX_S_IFCHR && type != LINUX_S_IFBLK)
        return -LINUX_EINVAL;
    r = fs_user_path(task, path, a[1]);
    if (r >= 0)
        r = new_place(task, (int)a[0], path, false, &p);
    if (r < 0)
        return r;
    bool device = type == LINUX_S_IFCHR || type == LINUX_S_IFBLK;
    bool whiteout = type == LINUX_S_IFCHR && rdev == 0;
    if (device && !whiteout && !fs_capable(&task->proc->cred, FS_CAP_MKNOD)) {
        fs_path_put(&p);
        return -LINUX_EPERM;
    }
    uint32_t mode = type | ((uint32_t)a[2] & LINUX_S_IALLUGO & ~fs->umask);
    owner_new(&task->proc->cred, &p.st, &uid, &gid, &mode);
    host_type =
        device ? LINUX_S_IFREG : type; /* devices are a name and two numbers, kept with the file */
    uint32_t host_mode = owner_host_mode(host_type | (mode & LINUX_S_IALLUGO));
    r = fs_mknod(fs, &p, host_type | host_mode);
    if (r == 0)
        r = settle(fs, &p, uid, gid, mode, host_type | host_mode, device ? rdev : 0);
    fs_path_put(&p);
    return r;
}

int fs_make_socket(struct task *task, const char *path, fs_make_fn *make, void *arg)
{
    struct fs_path p;
    int r = new_place(task, LINUX_AT_FDCWD, path, false, &p);

    if (r < 0)
        return r;
    r = fs_make(task->proc->fs, &p, make, arg);
    fs_path_put(&p);
    return r;
}

int64_t sys_symlinkat(struct task *task, const uint64_t a[6])
{
    char target[LINUX_PATH_MAX], path[LINUX_PATH_MAX];
    struct fs_path p;
    int64_t r = fs_user_path(task, target, a[0]);

    if (r == 0)
        return -LINUX_ENOENT;
    if (r > 0)
        r = fs_user_path(task, path, a[2]);
    if (r < 0)
        return r;
    r = new_place(task, (int)a[1], path, false, &p);
    if (r < 0)
        return r;
    r = fs_symlink(task->proc->fs, &p, target);
    fs_path_put(&p);
    return r;
}

/* may_linkat() with fs.protected_hardlinks: to a file of somebody else's that one may write. */
static int may_link_to(const struct cred *cred, const struct linux_statx *st)
{
    const uint32_t sgid = LINUX_S_ISGID | 0010;

    if (owner_is(cred, st))
        return 0;
    if (!LINUX_S_ISREG(st->stx_mode) || (st->stx_mode & LINUX_S_ISUID) ||
        (st->stx_mode & sgid) == sgid || owner_may(cred, st, FS_MAY_READ | FS_MAY_WRITE) < 0)
        return -LINUX_EPERM;
    return 0;
}

int64_t sys_linkat(struct task *task, const uint64_t a[6])
{
    struct fs_context *fs = task->proc->fs;
    char path[LINUX_PATH_MAX];
    struct fs_path from, to;
    unsigned flags = (unsigned)a[4];
    int64_t r;

    if (flags & ~(unsigned)(LINUX_AT_SYMLINK_FOLLOW | LINUX_AT_EMPTY_PATH))
        return -LINUX_EINVAL;
    r = fs_user_resolve(task, (int)a[0], a[1],
                        (flags & LINUX_AT_SYMLINK_FOLLOW ? FS_FOLLOW : 0) |
                            (flags & LINUX_AT_EMPTY_PATH ? FS_EMPTY : 0),
                        &from);
    if (r < 0)
        return r;
    r = fs_user_path(task, path, a[3]);
    if (r >= 0)
        r = find_place(task, (int)a[2], path, false, &to);
    if (r < 0) {
        fs_path_put(&from);
        return r;
    }
    r = from.node || (from.mnt && from.mnt != to.mnt) ? -LINUX_EXDEV
                                                      : may_link_to(&task->proc->cred, &from.st);
    if (r == 0)
        r = may_make(task, &to);
    if (r == 0)
        r = LINUX_S_ISDIR(from.st.stx_mode) ? -LINUX_EPERM : fs_link(fs, &from, &to);
    fs_path_put(&from);
    fs_path_put(&to);
    return r;
}

/* Linux's do_unlinkat() and do_rmdir(): the mount is asked before the name is looked up. */
static int may_remove(struct task *task, const struct fs_path *p, bool dir)
{
    bool is_dir = LINUX_S_ISDIR(p->st.stx_mode);
    struct linux_statx parent;
    int r = p->mnt == NULL ? -LINUX_ENOENT : fs_writable(p);

    if (r < 0)
        return r;
    if (!p->exists)
        return -LINUX_ENOENT;
    if (p->trailing && !dir)
        return is_dir ? -LINUX_EISDIR : -LINUX_ENOTDIR;
    r = fs_parent_stat(task->proc->fs, task, p, &parent);
    if (r == 0 && !mount_is_host(p->mnt) && strcmp(p->path, p->mnt->target) != 0)
        r = -LINUX_EPERM;
    if (r == 0)
        r = owner_may_delete(&task->proc->cred, &parent, &p->st);
    if (r == 0 && dir != is_dir)
        r = dir ? -LINUX_ENOTDIR : -LINUX_EISDIR;
    return r;
}

int64_t sys_unlinkat(struct task *task, const uint64_t a[6])
{
    struct fs_context *fs = task->proc->fs;
    char path[LINUX_PATH_MAX];
    struct fs_path p;
    bool dir = (int)a[2] & LINUX_AT_REMOVEDIR;
    int64_t r;

    if ((int)a[2] & ~LINUX_AT_REMOVEDIR)
        return -LINUX_EINVAL;
    r = fs_user_path(task, path, a[1]);
    if (r < 0)
        return r;
    enum fs_last last = fs_last_kind(path);
    r = fs_resolve(fs, task, (int)a[0], path, FS_CREATE | as_name(last), &p);
    if (r < 0)
        return r;
    if (last != LAST_NORM)
        r = !dir                  ? -LINUX_EISDIR
            : last == LAST_DOT    ? -LINUX_EINVAL
            : last == LAST_DOTDOT ? -LINUX_ENOTEMPTY
                                  : -LINUX_EBUSY;
    else
        r = may_remove(task, &p, dir);
    if (r == 0)
        r = dir ? fs_rmdir(fs, &p) : fs_unlink(fs, &p);
    fs_path_put(&p);
    return r;
}

static bool is_mount_point(const struct fs_path *p)
{
    return p->mnt && p->rel[0] == '\0' && p->exists;
}

/* What Linux's do_renameat2() says before it asks for rights. */
static int rename_places(const struct fs_path *from, const struct fs_path *to, unsigned flags)
{
    bool exchange = flags & LINUX_RENAME_EXCHANGE;

    if (is_mount_point(from) || is_mount_point(to))
        return -LINUX_EBUSY;
    if (from->mnt != to->mnt || from->mnt == NULL)
        return -LINUX_EXDEV;
    int r = fs_writable(from);
    if (r < 0)
        return r;
    if (!from->exists)
        return -LINUX_ENOENT;
    if (!mount_is_host(from->mnt))
        return -LINUX_EPERM;
    if (to->exists && (flags & LINUX_RENAME_NOREPLACE))
        return -LINUX_EEXIST;
    if (exchange && !to->exists)
        return -LINUX_ENOENT;
    if (exchange && to->trailing && !LINUX_S_ISDIR(to->st.stx_mode))
        return -LINUX_ENOTDIR;
    if (!LINUX_S_ISDIR(from->st.stx_mode) && (from->trailing || (to->trailing && !exchange)))
        return -LINUX_ENOTDIR;
    return fs_rename_within(from, to, exchange);
}

static int64_t rename_paths(struct task *task, struct fs_path *from, struct fs_path *to,
                            unsigned flags)
{
    struct fs_context *fs = task->proc->fs;
    const struct cred *cred = &task->proc->cred;
    struct linux_statx from_dir, to_dir;
    int r = rename_places(from, to, flags);

    if (r == 0)
        r = fs_parent_stat(fs, task, from, &from_dir);
    if (r == 0 && to->exists)
        r = fs_parent_stat(fs, task, to, &to_dir);
    else if (r == 0)
        to_dir = to->st;
    if (r == 0)
        r = owner_may_delete(cred, &from_dir, &from->st);
    if (r == 0)
        r = to->exists ? owner_may_delete(cred, &to_dir, &to->st)
                       : owner_may(cred, &to_dir, FS_MAY_WRITE | FS_MAY_EXEC);
    /* Moving a directory rewrites its "..". */
    if (r == 0 && LINUX_S_ISDIR(from->st.stx_mode) &&
        (from_dir.stx_ino != to_dir.stx_ino || from_dir.stx_dev_minor != to_dir.stx_dev_minor))
        r = owner_may(cred, &from->st, FS_MAY_WRITE);
    return r < 0 ? r : fs_rename(fs, from, to, flags);
}

static int64_t do_rename(struct task *task, int olddir, gva_t oldaddr, int newdir, gva_t newaddr,
                         unsigned flags)
{
    struct fs_context *fs = task->proc->fs;
    char oldpath[LINUX_PATH_MAX], newpath[LINUX_PATH_MAX];
    struct fs_path from, to;
    int64_t r;

    if (flags & ~(LINUX_RENAME_NOREPLACE | LINUX_RENAME_EXCHANGE | LINUX_RENAME_WHITEOUT))
        return -LINUX_EINVAL;
    if ((flags & LINUX_RENAME_EXCHANGE) &&
        (flags & (LINUX_RENAME_NOREPLACE | LINUX_RENAME_WHITEOUT)))
        return -LINUX_EINVAL;
    if (flags & LINUX_RENAME_WHITEOUT) /* for file systems that are layers themselves */
        return -LINUX_EINVAL;
    r = fs_user_path(task, oldpath, oldaddr);
    if (r < 0)
        return r;
    /* Both parents are found before either name is asked for. */
    enum fs_last oldlast = fs_last_kind(oldpath), newlast;
    r = fs_resolve(fs, task, olddir, oldpath, FS_CREATE | as_name(oldlast), &from);
    if (r < 0)
        return r;
    r = fs_user_path(task, newpath, newaddr);
    if (r >= 0) {
        newlast = fs_last_kind(newpath);
        r = fs_resolve(fs, task, newdir, newpath, FS_CREATE | as_name(newlast), &to);
    }
    if (r == 0) {
        if (oldlast != LAST_NORM)
            r = -LINUX_EBUSY;
        else if (newlast != LAST_NORM)
            r = flags & LINUX_RENAME_NOREPLACE ? -LINUX_EEXIST : -LINUX_EBUSY;
        else
            r = rename_paths(task, &from, &to, flags);
        fs_path_put(&to);
    }
    fs_path_put(&from);
    return r;
}

int64_t sys_renameat(struct task *task, const uint64_t a[6])
{
    return do_rename(task, (int)a[0], a[1], (int)a[2], a[3], 0);
}

int64_t sys_renameat2(struct task *task, const uint64_t a[6])
{
    return do_rename(task, (int)a[0], a[1], (int)a[2], a[3], (unsigned)a[4]);
}
