/* stat.c - stat and its relatives, access checks, statfs, readlink. */
#include <string.h>

#include "linux/fs/fd_calls.h"
#include "linux/fs/fd_meta.h"
#include "linux/mm/uaccess.h"
#include "syscalls_gen.h"

static void stat_from_statx(const struct linux_statx *x, struct linux_stat *st)
{
    *st = (struct linux_stat){
        .st_dev = linux_mkdev(x->stx_dev_major, x->stx_dev_minor),
        .st_ino = x->stx_ino,
        .st_mode = x->stx_mode,
        .st_nlink = x->stx_nlink,
        .st_uid = x->stx_uid,
        .st_gid = x->stx_gid,
        .st_rdev = linux_mkdev(x->stx_rdev_major, x->stx_rdev_minor),
        .st_size = (int64_t)x->stx_size,
        .st_blksize = (int32_t)x->stx_blksize,
        .st_blocks = (int64_t)x->stx_blocks,
        .st_atime_sec = x->stx_atime.tv_sec,
        .st_atime_nsec = x->stx_atime.tv_nsec,
        .st_mtime_sec = x->stx_mtime.tv_sec,
        .st_mtime_nsec = x->stx_mtime.tv_nsec,
        .st_ctime_sec = x->stx_ctime.tv_sec,
        .st_ctime_nsec = x->stx_ctime.tv_nsec,
    };
}

/* The guest's stat of a path, or of dirfd itself for an empty one with AT_EMPTY_PATH. */
static int stat_path(struct task *task, int dirfd, gva_t addr, int at_flags, struct linux_statx *st)
{
    char path[LINUX_PATH_MAX];
    struct fs_path p;
    unsigned flags = at_flags & LINUX_AT_SYMLINK_NOFOLLOW ? 0 : FS_FOLLOW;
    int64_t n;
    int r;

    /* Since Linux 6.11 a NULL path is an empty one here. */
    n = addr == 0 && (at_flags & LINUX_AT_EMPTY_PATH) ? (path[0] = '\0', 0)
                                                      : fs_user_path(task, path, addr);
    if (n < 0)
        return (int)n;
    if (n == 0 && (at_flags & LINUX_AT_EMPTY_PATH) && dirfd != LINUX_AT_FDCWD) {
        if (!fd_is_guest((uint32_t)dirfd))
            return -LINUX_EBADF;
        return fs_stat_fd(task, dirfd, st);
    }
    if (at_flags & LINUX_AT_EMPTY_PATH)
        flags |= FS_EMPTY;
    r = fs_resolve(task->proc->fs, task, dirfd, path, flags, &p);
    if (r < 0)
        return r;
    *st = p.st;
    fs_path_put(&p);
    return 0;
}

int64_t sys_newfstatat(struct task *task, const uint64_t a[6])
{
    struct linux_statx x;
    struct linux_stat st;
    int flags = (int)a[3], r;

    if (flags & ~(LINUX_AT_SYMLINK_NOFOLLOW | LINUX_AT_NO_AUTOMOUNT | LINUX_AT_EMPTY_PATH |
                  LINUX_AT_STATX_SYNC_TYPE))
        return -LINUX_EINVAL;
    r = stat_path(task, (int)a[0], a[1], flags, &x);
    if (r < 0)
        return r;
    stat_from_statx(&x, &st);
    return copy_to_user(task, a[2], &st, sizeof st);
}

int64_t sys_fstat(struct task *task, const uint64_t a[6])
{
    struct linux_statx x;
    struct linux_stat st;
    int fd = fd_arg(a[0]), r;

    if (fd < 0)
        return fd;
    r = fs_stat_fd(task, fd, &x);
    if (r < 0)
        return r;
    stat_from_statx(&x, &st);
    return copy_to_user(task, a[1], &st, sizeof st);
}

int64_t sys_statx(struct task *task, const uint64_t a[6])
{
    struct linux_statx x;
    int flags = (int)a[2], r;

    if (((uint32_t)a[3] & LINUX_STATX__RESERVED) ||
        (flags & ~(LINUX_AT_SYMLINK_NOFOLLOW | LINUX_AT_NO_AUTOMOUNT | LINUX_AT_EMPTY_PATH |
                   LINUX_AT_STATX_SYNC_TYPE)) ||
        (flags & LINUX_AT_STATX_SYNC_TYPE) == LINUX_AT_STATX_SYNC_TYPE)
        return -LINUX_EINVAL;
    r = stat_path(task, (int)a[0], a[1], flags, &x);
    return r < 0 ? r : copy_to_user(task, a[4], &x, sizeof x);
}

/* ---- access ---- */

static int64_t access_at(struct task *task, int dirfd, gva_t addr, int mode, int flags)
{
    const struct cred *c = &task->proc->cred;
    struct cred real = *c;
    struct fs_path p;
    unsigned how = flags & LINUX_AT_SYMLINK_NOFOLLOW ? 0 : FS_FOLLOW;
    int r;

    if (mode & ~7)
        return -LINUX_EINVAL;
    if (flags & ~(LINUX_AT_EACCESS | LINUX_AT_SYMLINK_NOFOLLOW | LINUX_AT_EMPTY_PATH))
        return -LINUX_EINVAL;
    if (flags & LINUX_AT_EMPTY_PATH)
        how |= FS_EMPTY;
    if (!(flags & LINUX_AT_EACCESS)) { /* access(2) asks for the real user */
        real.fsuid = real.euid = c->uid;
        real.fsgid = c->gid;
        real.cap_effective = c->uid == 0 ? c->cap_permitted : 0;
    }
    r = fs_user_resolve(task, dirfd, addr, how, &p);
    if (r < 0)
        return r;
    if (mode)
        r = owner_may(&real, &p.st,
                      (mode & LINUX_R_OK ? FS_MAY_READ : 0) |
                          (mode & LINUX_W_OK ? FS_MAY_WRITE : 0) |
                          (mode & LINUX_X_OK ? FS_MAY_EXEC : 0));
    if (r == 0 && (mode & LINUX_W_OK) && !LINUX_S_ISFIFO(p.st.stx_mode) &&
        !LINUX_S_ISCHR(p.st.stx_mode) && !LINUX_S_ISBLK(p.st.stx_mode))
        r = fs_writable(&p);
    fs_path_put(&p);
    return r;
}

int64_t sys_faccessat(struct task *task, const uint64_t a[6])
{
    return access_at(task, (int)a[0], a[1], (int)a[2], 0);
}

int64_t sys_faccessat2(struct task *task, const uint64_t a[6])
{
    return access_at(task, (int)a[0], a[1], (int)a[2], (int)a[3]);
}

/* ---- statfs ---- */

static int statfs_of(const struct fs_mount *m, int fd, struct linux_statfs *st)
{
    memset(st, 0, sizeof *st);
    if (m && !mount_is_host(m)) {
        st->f_type = m->synth->fs_magic;
        st->f_bsize = st->f_frsize = 4096;
        st->f_namelen = LINUX_NAME_MAX;
        st->f_flags = LINUX_ST_VALID;
        return 0;
    }
    int r = host_statfs_fd(fd, st);
    if (r == 0 && m && m->read_only)
        st->f_flags |= LINUX_ST_RDONLY;
    return r;
}

int64_t sys_statfs(struct task *task, const uint64_t a[6])
{
    struct linux_statfs st;
    struct fs_path p;
    int r = fs_user_resolve(task, LINUX_AT_FDCWD, a[0], FS_FOLLOW, &p);

    if (r < 0)
        return r;
    r = statfs_of(p.node && p.mnt && mount_is_host(p.mnt) ? &task->proc->fs->mounts[0] : p.mnt,
                  p.fd >= 0 ? p.fd : task->proc->fs->mounts[0].layers[0].fd, &st);
    fs_path_put(&p);
    return r < 0 ? r : copy_to_user(task, a[1], &st, sizeof st);
}

int64_t sys_fstatfs(struct task *task, const uint64_t a[6])
{
    struct linux_statfs st;
    int fd = fd_arg(a[0]), r;

    if (fd < 0)
        return fd;
    struct fd_meta *meta = fd_meta_get(task->proc->fds, fd);
    r = statfs_of(meta ? meta->mnt : NULL, fd, &st);
    fd_meta_put(meta);
    return r < 0 ? r : copy_to_user(task, a[1], &st, sizeof st);
}

/* ---- readlink ---- */

int64_t sys_readlinkat(struct task *task, const uint64_t a[6])
{
    char target[LINUX_PATH_MAX], path[LINUX_PATH_MAX];
    struct fs_path p;
    int64_t n;

    if ((int)a[3] <= 0)
        return -LINUX_EINVAL;
    n = fs_user_path(task, path, a[1]);
    if (n < 0)
        return n;
    int r = fs_resolve(task->proc->fs, task, (int)a[0], path, FS_EMPTY, &p);
    if (r < 0)
        return r;
    if (!LINUX_S_ISLNK(p.st.stx_mode))
        n = path[0] ? -LINUX_EINVAL : -LINUX_ENOENT;
    else if (p.node)
        n = p.node->ops->readlink(task->proc->fs, task, p.node, target, sizeof target);
    else
        n = host_readlink_fd(p.fd, target, sizeof target);
    fs_path_put(&p);
    if (n > (int64_t)(int)a[3])
        n = (int)a[3];
    if (n > 0 && copy_to_user(task, a[2], target, (size_t)n) < 0)
        return -LINUX_EFAULT;
    return n;
}
