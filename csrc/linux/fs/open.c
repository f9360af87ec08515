/*
 * open.c - opening files for the guest.
 *
 * Reading as guest root, by far the most frequent case, is one or two host calls: the path is tried
 * as if it held no link. Everything else takes the steps of Linux's path_openat() one after the
 * other.
 */
#include <stdlib.h>
#include <string.h>

#include "linux/fs/fd_calls.h"
#include "linux/fs/fd_meta.h"
#include "linux/fs/overlay.h"
#include "linux/mm/uaccess.h"
#include "syscalls_gen.h"

#define ALWAYS_FLAGS (LINUX_O_DIRECTORY | LINUX_O_NOFOLLOW | LINUX_O_PATH | LINUX_O_CLOEXEC)

static bool wants_write(int flags)
{
    return (flags & LINUX_O_ACCMODE) != LINUX_O_RDONLY;
}

int fs_new_owner(int fd, uint32_t uid, uint32_t gid, uint32_t mode, uint32_t host_mode)
{
    if (uid == 0 && gid == 0 && mode == host_mode)
        return 0;
    return owner_store(fd, uid, gid, mode, 0);
}

/* Give an open directory of mount m its metadata. */
static int64_t attach_dir(struct task *task, int64_t fd, struct fs_mount *m)
{
    struct fd_meta *meta;

    if (fd < 0)
        return fd;
    meta = fd_meta_new();
    if (meta == NULL) {
        fd_discard(task, (int)fd);
        return -LINUX_ENOMEM;
    }
    meta->mnt = m;
    fd_meta_set(task->proc->fds, (int)fd, meta);
    return fd;
}

/* What was opened without looking first: directories get metadata, device files are refused (as on
 * a mount with nodev: they would be the host's). */
static int64_t opened(struct task *task, int fd, struct fs_mount *m, bool transients)
{
    struct linux_statx st;
    int r = host_statx_fd(fd, &st);

    if (r == 0 && (LINUX_S_ISCHR(st.stx_mode) || LINUX_S_ISBLK(st.stx_mode)))
        r = -LINUX_EACCES;
    if (r == 0 && LINUX_S_ISREG(st.stx_mode) && st.stx_size == 0) {
        owner_apply(fd, false, &st); /* virtual devices are empty files */
        if (LINUX_S_ISCHR(st.stx_mode) || LINUX_S_ISBLK(st.stx_mode))
            r = -LINUX_ELOOP; /* not for the fast path */
    }
    if (r < 0) {
        host_fd_close(fd);
        return r;
    }
    int64_t n = transients ? fd_return_lowest(task, fd) : fd_return(task, fd);
    return LINUX_S_ISDIR(st.stx_mode) ? attach_dir(task, n, m) : n;
}

/* 0: not for the fast path. */
static int64_t open_fast(struct task *task, int dirfd, const char *path, int flags)
{
    struct fs_context *fs = task->proc->fs;
    char canonical[LINUX_PATH_MAX];
    const char *rel;
    struct layer_hit hit;
    bool trailing;

    if (fs_plain_path(fs, task, dirfd, path, canonical, &trailing) < 0)
        return -LINUX_ELOOP;
    struct fs_mount *m = mount_of(fs, canonical, &rel);
    if (!mount_is_host(m))
        return -LINUX_ELOOP;
    int fd = layer_open(m, rel, flags | (trailing ? LINUX_O_DIRECTORY : 0), &hit);
    if (fd >= 0)
        return opened(task, fd, m, hit.transients);
    if (fd == -LINUX_ENOENT && mount_at_or_below(fs, canonical))
        return -LINUX_ELOOP;
    /* ENXIO: a socket, or a device whose driver is missing: look, then say. */
    return fd == -LINUX_ENXIO ? -LINUX_ELOOP : fd;
}

static int64_t open_synth(struct task *task, struct fs_path *p, int flags)
{
    struct fs_context *fs = task->proc->fs;
    bool is_dir = LINUX_S_ISDIR(p->st.stx_mode), placeholder = is_dir || (flags & LINUX_O_PATH);
    struct fd_meta *meta = NULL;
    int64_t fd;

    if (placeholder)
        fd = host_reopen(fs->empty_dir, flags & (LINUX_O_PATH | LINUX_O_CLOEXEC | LINUX_O_NONBLOCK |
                                                 LINUX_O_LARGEFILE));
    else
        fd = p->node->ops->open(fs, task, p->node, flags);
    if (fd < 0)
        return fd;
    if (placeholder || LINUX_S_ISREG(p->st.stx_mode)) {
        meta = fd_meta_new();
        if (meta == NULL || (meta->path = strdup(p->path)) == NULL) {
            fd_meta_put(meta);
            host_fd_close((int)fd);
            return -LINUX_ENOMEM;
        }
        meta->node = *p->node;
        meta->mnt = p->mnt;
    }
    /* A file's content was made in another descriptor first. */
    fd = meta && !placeholder ? fd_return_lowest(task, fd) : fd_return(task, fd);
    if (fd >= 0)
        fd_meta_set(task->proc->fds, (int)fd, meta);
    else
        fd_meta_put(meta);
    return fd;
}

/* Linux's may_open() and do_dentry_open(): may the existing object be opened like this? */
static int open_check(struct task *task, struct fs_path *p, int flags)
{
    uint32_t type = p->st.stx_mode & LINUX_S_IFMT;
    int mask = 0, acc = flags & LINUX_O_ACCMODE;

    if (type == LINUX_S_IFLNK)
        return flags & LINUX_O_PATH ? 0 : -LINUX_ELOOP;
    if ((flags & LINUX_O_DIRECTORY) && type != LINUX_S_IFDIR)
        return -LINUX_ENOTDIR;
    if (flags & LINUX_O_PATH)
        return 0;
    if (type == LINUX_S_IFDIR && (wants_write(flags) || (flags & LINUX_O_CREAT)))
        return -LINUX_EISDIR;
    if (acc != LINUX_O_WRONLY)
        mask |= FS_MAY_READ;
    if (wants_write(flags) || (flags & LINUX_O_TRUNC))
        mask |= FS_MAY_WRITE;
    int r = (flags & LINUX_O_TRUNC) && type == LINUX_S_IFREG ? fs_writable(p) : 0;
    if (r == 0 && (p->from_fd < 0 || p->mnt))
        r = owner_may(&task->proc->cred, &p->st, mask);
    if (r == 0 && (flags & LINUX_O_NOATIME) && !owner_is(&task->proc->cred, &p->st))
        r = -LINUX_EPERM;
    if (r == 0 && (mask & FS_MAY_WRITE) && type == LINUX_S_IFREG)
        r = fs_write_access(task, p);
    if (r == 0 && p->node == NULL) {
        if (type == LINUX_S_IFSOCK)
            r = -LINUX_ENXIO;
        else if ((type == LINUX_S_IFCHR || type == LINUX_S_IFBLK) && p->mnt)
            r = LINUX_S_ISREG(p->host_mode) ? 0 : -LINUX_EACCES; /* the host's own: nodev */
    }
    return r;
}

/*
 * A pipe or terminal that another user of the host made and handed to us cannot be opened again by
 * name. For these a duplicate does the same, as there is no offset.
 */
static int share_stream(const struct fs_path *p, int flags)
{
    int fl = host_getfl(p->from_fd), have = fl & LINUX_O_ACCMODE, want = flags & LINUX_O_ACCMODE;

    if (fl < 0 || (!LINUX_S_ISFIFO(p->host_mode) && !LINUX_S_ISCHR(p->host_mode)) ||
        (have != LINUX_O_RDWR && have != want))
        return -LINUX_EACCES;
    return host_dupfd(p->from_fd, 0, flags & LINUX_O_CLOEXEC);
}

/*
 * A device node of the guest's making is a name and two numbers. Those of the devices that /dev has
 * lead to them; there is no other driver.
 */
static int open_device(const struct fs_path *p, int flags)
{
    static const struct {
        uint32_t major, minor;
        const char *host;
    } devices[] = {
        {1, 3, "/dev/null"},    {1, 5, "/dev/zero"}, {1, 7, "/dev/full"}, {1, 8, "/dev/random"},
        {1, 9, "/dev/urandom"}, {5, 0, "/dev/tty"},  {5, 2, "/dev/ptmx"},
    };

    if (LINUX_S_ISCHR(p->st.stx_mode))
        for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++)
            if (p->st.stx_rdev_major == devices[i].major &&
                p->st.stx_rdev_minor == devices[i].minor)
                return host_open_path(devices[i].host, flags & ~(LINUX_O_NOFOLLOW | LINUX_O_TRUNC),
                                      0);
    return -LINUX_ENXIO;
}

static bool is_device(const struct fs_path *p)
{
    return LINUX_S_ISREG(p->host_mode) &&
           (LINUX_S_ISCHR(p->st.stx_mode) || LINUX_S_ISBLK(p->st.stx_mode));
}

static int64_t open_existing(struct task *task, struct fs_path *p, int flags)
{
    struct fs_context *fs = task->proc->fs;
    bool change = wants_write(flags) || (flags & LINUX_O_TRUNC);
    int r = open_check(task, p, flags), fd;

    if (r < 0)
        return r;
    flags &= ~(LINUX_O_CREAT | LINUX_O_EXCL);
    if (p->node)
        return open_synth(task, p, flags);
    if (p->mnt == NULL) { /* the file of a descriptor, without a name */
        fd = host_reopen_wait(p->fd, flags);
        if (fd == -LINUX_EACCES && p->from_fd >= 0)
            fd = share_stream(p, flags);
        return fd < 0 ? fd : fd_return_lowest(task, fd);
    }
    if (is_device(p) && !(flags & LINUX_O_PATH)) {
        fd = open_device(p, flags);
        return fd < 0 ? fd : fd_return_lowest(task, fd);
    }
    if (change && LINUX_S_ISREG(p->host_mode) && (r = fs_copy_up(fs, p)) < 0)
        return r;
    struct fs_mount *m = p->mnt;
    bool is_dir = LINUX_S_ISDIR(p->host_mode);
    struct layer_hit hit = {0};
    host_fd_close(p->fd); /* so that the guest gets the lowest free number */
    p->fd = -1;
    if (change && !m->is_file)
        fd = host_open_beneath_wait(m->layers[0].fd, p->rel, flags, 0);
    else
        fd = layer_open(m, p->rel, flags, &hit);
    if (fd < 0)
        return fd;
    int64_t n = hit.transients ? fd_return_lowest(task, fd) : fd_return(task, fd);
    return is_dir ? attach_dir(task, n, m) : n;
}

static int64_t open_new(struct task *task, struct fs_path *p, int flags, uint32_t mode)
{
    struct fs_context *fs = task->proc->fs;
    uint32_t uid, gid;
    int fd, r = 0;

    if (p->trailing)
        return -LINUX_EISDIR;
    if (p->mnt && !mount_is_host(p->mnt))
        return p->mnt->type == FS_PROC ? -LINUX_ENOENT : -LINUX_EACCES;
    r = fs_writable(p);
    if (r == 0)
        r = owner_may(&task->proc->cred, &p->st, FS_MAY_WRITE | FS_MAY_EXEC);
    if (r < 0)
        return r;
    mode = LINUX_S_IFREG | (mode & LINUX_S_IALLUGO & ~fs->umask);
    owner_new(&task->proc->cred, &p->st, &uid, &gid, &mode);
    uint32_t host_mode = owner_host_mode(mode);
    fd = fs_create(fs, p, flags & ~(LINUX_O_TRUNC | LINUX_O_DIRECTORY), host_mode);
    if (fd < 0)
        return fd;
    r = fs_new_owner(fd, uid, gid, mode, host_mode | LINUX_S_IFREG);
    if (r < 0) {
        host_fd_close(fd);
        fs_unlink(fs, p);
        return r;
    }
    return fd_return_lowest(task, fd);
}

static int64_t open_tmpfile(struct task *task, struct fs_path *p, int flags, uint32_t mode)
{
    struct fs_context *fs = task->proc->fs;
    uint32_t uid, gid;
    int dir, r;

    if (!LINUX_S_ISDIR(p->st.stx_mode))
        return -LINUX_ENOTDIR;
    r = fs_writable(p);
    if (r == 0)
        r = owner_may(&task->proc->cred, &p->st, FS_MAY_WRITE | FS_MAY_EXEC);
    if (r < 0)
        return r;
    if (p->mnt == NULL || !mount_is_host(p->mnt))
        return -LINUX_EOPNOTSUPP;
    mode = LINUX_S_IFREG | (mode & LINUX_S_IALLUGO & ~fs->umask);
    owner_new(&task->proc->cred, &p->st, &uid, &gid, &mode);
    uint32_t host_mode = owner_host_mode(mode);
    tree_enter(fs, p->mnt);
    dir = upper_dir(fs, p->mnt, p->rel);
    tree_leave(fs, p->mnt);
    if (dir < 0)
        return dir;
    int fd = host_open_beneath(dir, "", flags & ~LINUX_O_NOFOLLOW, host_mode);
    host_fd_close(dir);
    if (fd < 0)
        return fd;
    r = fs_new_owner(fd, uid, gid, mode, host_mode | LINUX_S_IFREG);
    if (r < 0) {
        host_fd_close(fd);
        return r;
    }
    fs_path_put(p);
    return fd_return_lowest(task, fd);
}

/* may_create_in_sticky() with fs.protected_regular at 2: what lies in a sticky directory that
 * others may write, and is neither theirs who opens it nor the directory's owner's, may be a trap.
 */
static int create_in_sticky(struct task *task, const struct fs_path *p)
{
    uint32_t uid = p->st.stx_uid;
    struct linux_statx dir;

    if (!LINUX_S_ISREG(p->st.stx_mode) || uid == task->proc->cred.fsuid || p->mnt == NULL)
        return 0;
    int r = fs_parent_stat(task->proc->fs, task, p, &dir);
    if (r < 0)
        return r;
    return (dir.stx_mode & LINUX_S_ISVTX) && (dir.stx_mode & 0022) && dir.stx_uid != uid
               ? -LINUX_EACCES
               : 0;
}

/* O_CREAT makes no directory: EISDIR, once the way there is found. */
static int ends_in_slash(struct task *task, int dirfd, const char *path, unsigned resolve)
{
    struct fs_path p;
    int r = fs_resolve(task->proc->fs, task, dirfd, path, resolve | FS_CREATE | FS_NAME, &p);

    if (r < 0)
        return r;
    fs_path_put(&p);
    return -LINUX_EISDIR;
}

int64_t fs_open(struct task *task, int dirfd, const char *path, int flags, uint32_t mode,
                unsigned resolve)
{
    struct fs_context *fs = task->proc->fs;
    struct fs_path p;
    unsigned how = resolve;
    int64_t r;

    if (path[0] && fd_table_free(task->proc->fds, 0) < 0) /* getname() refuses an empty one */
        return -LINUX_EMFILE;
    if (flags & LINUX_O_PATH)
        flags &= ALWAYS_FLAGS;
    bool create = flags & LINUX_O_CREAT, tmp = (flags & LINUX_O_TMPFILE) == LINUX_O_TMPFILE;
    if (resolve == 0 && fs_capable(&task->proc->cred, FS_CAP_DAC_OVERRIDE) && path[0] &&
        !(flags & (LINUX_O_CREAT | LINUX_O_TRUNC | LINUX_O_PATH | LINUX___O_TMPFILE)) &&
        !wants_write(flags)) {
        r = open_fast(task, dirfd, path, flags);
        if (r != -LINUX_ELOOP)
            return r;
    }
    if (!(flags & LINUX_O_NOFOLLOW) && !(create && (flags & LINUX_O_EXCL)))
        how |= FS_FOLLOW;
    if (create)
        how |= FS_CREATE;
    if (create && fs_last_kind(path) == LAST_NORM && path[strlen(path) - 1] == '/')
        return ends_in_slash(task, dirfd, path, resolve);
    for (int tries = 0;; tries++) {
        r = fs_resolve(fs, task, dirfd, path, how, &p);
        if (r < 0)
            return r;
        if (!p.exists)
            r = open_new(task, &p, flags, mode);
        else if (create && (flags & LINUX_O_EXCL))
            r = -LINUX_EEXIST;
        else if (create && (r = create_in_sticky(task, &p)) < 0)
            ;
        else if (tmp)
            r = open_tmpfile(task, &p, flags, mode);
        else
            r = open_existing(task, &p, flags);
        bool raced = create && !(flags & LINUX_O_EXCL) && !p.exists && r == -LINUX_EEXIST;
        fs_path_put(&p);
        if (!raced || tries > 16)
            return r;
    }
}

/* build_open_flags(): what Linux refuses. */
static int open_flags_check(uint64_t flags)
{
    if ((flags & LINUX___O_TMPFILE)) {
        if ((flags & LINUX_O_TMPFILE) != LINUX_O_TMPFILE || (flags & LINUX_O_CREAT) ||
            !wants_write((int)flags))
            return -LINUX_EINVAL;
    }
    if ((flags & (LINUX_O_DIRECTORY | LINUX_O_CREAT)) == (LINUX_O_DIRECTORY | LINUX_O_CREAT))
        return -LINUX_EINVAL;
    return 0;
}

int64_t sys_openat(struct task *task, const uint64_t a[6])
{
    char path[LINUX_PATH_MAX];
    int flags = (int)a[2] & LINUX_O_VALID;
    int64_t r;

    if (flags & LINUX_O_PATH)
        flags &= ALWAYS_FLAGS;
    r = open_flags_check((uint64_t)flags);
    if (r == 0)
        r = fs_user_path(task, path, a[1]);
    return r < 0 ? r : fs_open(task, (int)a[0], path, flags, (uint32_t)a[3], 0);
}

/* copy_struct_from_user(): larger structs are accepted while what we do not know is zero. */
static int read_open_how(struct task *task, gva_t addr, uint64_t size, struct linux_open_how *how)
{
    char tail[256];

    if (size < sizeof *how)
        return -LINUX_EINVAL;
    if (size > 4096)
        return -LINUX_E2BIG;
    if (copy_from_user(task, how, addr, sizeof *how) < 0)
        return -LINUX_EFAULT;
    for (uint64_t at = sizeof *how; at < size;) {
        size_t n = size - at < sizeof tail ? (size_t)(size - at) : sizeof tail;
        if (copy_from_user(task, tail, addr + at, n) < 0)
            return -LINUX_EFAULT;
        for (size_t i = 0; i < n; i++)
            if (tail[i])
                return -LINUX_E2BIG;
        at += n;
    }
    return 0;
}

int64_t sys_openat2(struct task *task, const uint64_t a[6])
{
    static const struct {
        uint64_t resolve;
        unsigned flag;
    } map[] = {
        {LINUX_RESOLVE_NO_XDEV, FS_NO_XDEV}, {LINUX_RESOLVE_NO_MAGICLINKS, FS_NO_MAGIC},
        {LINUX_RESOLVE_BENEATH, FS_BENEATH}, {LINUX_RESOLVE_NO_SYMLINKS, FS_NO_SYMLINK},
        {LINUX_RESOLVE_IN_ROOT, FS_IN_ROOT},
    };
    char path[LINUX_PATH_MAX];
    struct linux_open_how how;
    unsigned resolve = 0;
    int64_t r = read_open_how(task, a[2], a[3], &how);

    if (r < 0)
        return r;
    if ((how.flags & ~(uint64_t)LINUX_O_VALID) || (how.resolve & ~(uint64_t)LINUX_RESOLVE_VALID) ||
        (how.resolve & (LINUX_RESOLVE_BENEATH | LINUX_RESOLVE_IN_ROOT)) ==
            (LINUX_RESOLVE_BENEATH | LINUX_RESOLVE_IN_ROOT))
        return -LINUX_EINVAL;
    if ((how.flags & LINUX_O_PATH) && (how.flags & ~(uint64_t)ALWAYS_FLAGS))
        return -LINUX_EINVAL;
    bool makes = how.flags & (LINUX_O_CREAT | LINUX___O_TMPFILE);
    if (makes ? how.mode & ~(uint64_t)LINUX_S_IALLUGO : how.mode)
        return -LINUX_EINVAL;
    r = open_flags_check(how.flags);
    if (r < 0)
        return r;
    if (how.resolve & LINUX_RESOLVE_CACHED) /* nothing is known to be cached */
        return -LINUX_EAGAIN;
    for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
        if (how.resolve & map[i].resolve)
            resolve |= map[i].flag;
    r = fs_user_path(task, path, a[1]);
    return r < 0 ? r : fs_open(task, (int)a[0], path, (int)how.flags, (uint32_t)how.mode, resolve);
}
