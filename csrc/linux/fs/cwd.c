/* cwd.c - the current directory, and what other parts of the kernel open by path. */
#include <stdlib.h>
#include <string.h>

#include "linux/fs/fd_calls.h"
#include "linux/fs/fd_meta.h"
#include "linux/mm/uaccess.h"
#include "syscalls_gen.h"

uint32_t fs_umask(const struct fs_context *fs)
{
    return __atomic_load_n(&fs->umask, __ATOMIC_RELAXED);
}

int fs_set_place(struct fs_context *fs, struct fs_place *place, struct fs_path *p)
{
    struct fs_place now = {.mount = p->mnt}, old;

    if (p->node) {
        now.synth = strdup(p->path);
        if (now.synth == NULL)
            return -LINUX_ENOMEM;
        now.fd = host_fd_private(host_reopen(fs->empty_dir, LINUX_O_PATH | LINUX_O_CLOEXEC));
    } else {
        now.fd = host_dupfd(p->fd, host_fd_boundary(), true);
    }
    if (now.fd < 0) {
        free(now.synth);
        return now.fd;
    }
    host_mutex_lock(&fs->cwd_lock);
    old = *place;
    *place = now;
    host_mutex_unlock(&fs->cwd_lock);
    free(old.synth);
    free(old.known);
    if (old.fd >= 0)
        host_fd_close(old.fd);
    return 0;
}

/* chdir and chroot: the directory, and the right to search it. */
static int check_dir(struct task *task, const struct fs_path *p)
{
    if (!LINUX_S_ISDIR(p->st.stx_mode))
        return -LINUX_ENOTDIR;
    if (p->node == NULL && p->mnt == NULL && p->anon == NULL)
        return -LINUX_ENOENT; /* an inherited directory of the host */
    return owner_may(&task->proc->cred, &p->st, FS_MAY_EXEC);
}

static int change_dir(struct task *task, struct fs_path *p)
{
    int r = check_dir(task, p);

    if (r == 0)
        r = fs_set_place(task->proc->fs, &task->proc->fs->cwd, p);
    fs_path_put(p);
    return r;
}

int64_t sys_chdir(struct task *task, const uint64_t a[6])
{
    struct fs_path p;
    int r = fs_user_resolve(task, LINUX_AT_FDCWD, a[0], FS_FOLLOW, &p);

    return r < 0 ? r : change_dir(task, &p);
}

int64_t sys_fchdir(struct task *task, const uint64_t a[6])
{
    struct fs_path p;
    int fd = fd_arg(a[0]), r;

    if (fd < 0)
        return fd;
    r = fs_resolve(task->proc->fs, task, fd, "", FS_EMPTY, &p);
    return r < 0 ? r : change_dir(task, &p);
}

int fs_root_path(struct fs_context *fs, char *buf)
{
    if (fs->root.fd < 0) {
        strcpy(buf, "/");
        return 0;
    }
    return fs_place_path(fs, &fs->root, buf);
}

bool fs_path_below_root(struct fs_context *fs, char *path)
{
    char root[LINUX_PATH_MAX];

    if (fs->root.fd < 0)
        return true;
    size_t n = fs_root_path(fs, root) == 0 ? strlen(root) : 0;
    if (n == 1)
        return true;
    if (n == 0 || strncmp(path, root, n) != 0 || (path[n] != '/' && path[n] != '\0'))
        return false;
    if (path[n] == '\0')
        strcpy(path, "/");
    else
        memmove(path, path + n, strlen(path + n) + 1);
    return true;
}

int64_t sys_getcwd(struct task *task, const uint64_t a[6])
{
    static const char outside[] = "(unreachable)";
    char path[LINUX_PATH_MAX + sizeof outside];
    struct fs_context *fs = task->proc->fs;
    int r = fs_dir_path(fs, task, LINUX_AT_FDCWD, path);

    if (r < 0)
        return r;
    if (!fs_path_below_root(fs, path)) {
        memmove(path + sizeof outside - 1, path, strlen(path) + 1);
        memcpy(path, outside, sizeof outside - 1);
    }
    size_t n = strlen(path) + 1;
    if (n > LINUX_PATH_MAX)
        return -LINUX_ENAMETOOLONG;
    if (n > a[1])
        return -LINUX_ERANGE;
    return copy_to_user(task, a[0], path, n) < 0 ? -LINUX_EFAULT : (int64_t)n;
}

/* Paths are resolved from the new root on; like Linux's, it confines only who holds no directory
 * outside of it. What confines the guest as a whole is the mounts' layers, whatever its root is. */
int64_t sys_chroot(struct task *task, const uint64_t a[6])
{
    struct fs_path p;
    int r = fs_user_resolve(task, LINUX_AT_FDCWD, a[0], FS_FOLLOW, &p);

    if (r < 0)
        return r;
    r = check_dir(task, &p);
    if (r == 0 && !fs_capable(&task->proc->cred, FS_CAP_SYS_CHROOT))
        r = -LINUX_EPERM;
    if (r == 0)
        r = fs_set_place(task->proc->fs, &task->proc->fs->root, &p);
    fs_path_put(&p);
    return r;
}

int64_t fs_path_of(struct task *task, int fd, char *buf, size_t size)
{
    struct fs_context *fs = task->proc->fs;
    char host[LINUX_PATH_MAX], path[LINUX_PATH_MAX + 16];
    struct fd_meta *meta = NULL;
    struct linux_statx st;
    const char *rel;
    int layer;
    int64_t n = 0;

    meta = fd_meta_get(task->proc->fds, fd);
    if (meta && meta->path) {
        strcpy(path, meta->path);
    } else if ((n = host_fd_path(fd, host, sizeof host)) >= 0) {
        struct fs_mount *m = mount_of_host(fs, meta ? meta->mnt : NULL, mount_is_detached(fs, fd),
                                           host, &layer, &rel);
        if (m)
            n = mount_path(m, rel, path);
        else if (host[0] == '/' && host_statx_fd(fd, &st) == 0 && !LINUX_S_ISCHR(st.stx_mode) &&
                 strncmp(host, "/memfd:", 7) != 0)
            n = -LINUX_ENOENT; /* something of the host that was inherited: it has no name in here
                                */
        else
            strcpy(path, host);
        if (n == -LINUX_ENOENT) {
            strcpy(path, "(unreachable)");
            n = 0;
        }
    }
    fd_meta_put(meta);
    if (n < 0)
        return n;
    if (path[0] == '/')
        (void)fs_path_below_root(fs, path);
    n = (int64_t)strlen(path);
    if ((size_t)n >= size)
        return -LINUX_ENAMETOOLONG;
    memcpy(buf, path, (size_t)n + 1);
    return n;
}

int64_t fs_guest_path(struct fs_context *fs, const char *host_path, char *buf, size_t size)
{
    char path[LINUX_PATH_MAX];
    const char *rel;
    int layer;
    struct fs_mount *m = mount_of_host(fs, NULL, false, host_path, &layer, &rel);
    /* What is mapped is the guest's, so a path that leads to none of the others is of this one. */
    if (m == NULL && fs->detached)
        m = mount_of_host(fs, NULL, true, host_path, &layer, &rel);
    int r = m ? mount_path(m, rel, path) : -LINUX_ENOENT;

    if (r < 0)
        return r;
    (void)fs_path_below_root(fs, path);
    size_t n = strlen(path);
    if (n >= size)
        return -LINUX_ENAMETOOLONG;
    memcpy(buf, path, n + 1);
    return (int64_t)n;
}

/* Open the resolved regular file for reading, out of the guest's reach. */
static int open_private(struct fs_path *p)
{
    int flags = LINUX_O_RDONLY | LINUX_O_CLOEXEC;

    return host_fd_private(host_reopen(p->fd, flags));
}

int fs_open_exec(struct task *task, int dirfd, const char *path, int flags, char *canonical)
{
    struct fs_context *fs = task->proc->fs;
    struct fs_path p;
    int r;

    if (flags & ~(LINUX_AT_SYMLINK_NOFOLLOW | LINUX_AT_EMPTY_PATH))
        return -LINUX_EINVAL;
    r = fs_resolve(fs, task, dirfd, path,
                   (flags & LINUX_AT_SYMLINK_NOFOLLOW ? 0 : FS_FOLLOW) |
                       (flags & LINUX_AT_EMPTY_PATH ? FS_EMPTY : 0),
                   &p);
    if (r < 0)
        return r;
    if (LINUX_S_ISLNK(p.st.stx_mode))
        r = -LINUX_ELOOP;
    else if (!LINUX_S_ISREG(p.st.stx_mode) || p.node)
        r = -LINUX_EACCES;
    else
        r = owner_may(&task->proc->cred, &p.st, FS_MAY_EXEC);
    if (r == 0)
        r = open_private(&p);
    if (r >= 0) {
        strcpy(canonical, p.path);
        if (p.mnt == NULL) {
            int64_t n =
                p.from_fd >= 0 ? fs_path_of(task, p.from_fd, canonical, LINUX_PATH_MAX) : -1;
            if (n < 0)
                strcpy(canonical, "(deleted)");
        }
    }
    fs_path_put(&p);
    return r;
}

int fs_open_kernel(struct fs_context *fs, const char *path)
{
    struct fs_path p;
    int r = fs_resolve(fs, NULL, LINUX_AT_FDCWD, path, FS_FOLLOW | FS_NO_PERM, &p);

    if (r < 0)
        return r;
    r = LINUX_S_ISREG(p.st.stx_mode) && p.node == NULL ? open_private(&p) : -LINUX_EACCES;
    fs_path_put(&p);
    return r;
}
