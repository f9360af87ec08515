/*
 * xattr.c - extended attributes. The guest's user.* are the host's, but for those that keep the
 * guest's own view of the file; trusted.* and security.* are not the guest's to set on a host that
 * it does not own.
 */
#include <stdlib.h>
#include <string.h>

#include "linux/fs/fd_calls.h"
#include "linux/fs/path.h"
#include "linux/fs/synth.h"
#include "linux/mm/uaccess.h"
#include "syscalls_gen.h"

/* How the object is named: by path, by path without following, or by descriptor. */
enum by { BY_PATH, BY_LINK, BY_FD };

static int resolve_by(struct task *task, enum by by, uint64_t arg, struct fs_path *p)
{
    if (by == BY_FD) {
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
    return fs_user_resolve(task, LINUX_AT_FDCWD, arg, by == BY_PATH ? FS_FOLLOW : 0, p);
}

static int64_t name_in(struct task *task, char *name, gva_t addr)
{
    int64_t n = strncpy_from_user(task, name, addr, LINUX_XATTR_NAME_MAX + 1);

    if (n == -LINUX_ENAMETOOLONG || n == 0)
        return -LINUX_ERANGE;
    return n;
}

/* Which name spaces exist at all for the object. 0, or the error of reading; *set gets that of
 * writing. */
static int name_check(const struct fs_path *p, const char *name, int *set)
{
    uint32_t type = p->st.stx_mode & LINUX_S_IFMT;

    *set = 0;
    if (strncmp(name, "user.", 5) == 0) {
        /* xattr_permission(): user.* only on regular files and directories. */
        if (type != LINUX_S_IFREG && type != LINUX_S_IFDIR) {
            *set = -LINUX_EPERM;
            return -LINUX_ENODATA;
        }
        if (owner_xattr_hidden(name)) {
            *set = -LINUX_EPERM;
            return -LINUX_ENODATA;
        }
        if (p->mnt == NULL && p->anon == NULL) /* a file of the host's that was inherited */
            *set = -LINUX_EPERM;
        return p->node ? (*set = -LINUX_EOPNOTSUPP) : 0;
    }
    if (strncmp(name, "trusted.", 8) == 0) {
        *set = -LINUX_EPERM;
        return -LINUX_ENODATA;
    }
    *set = -LINUX_EOPNOTSUPP;
    if (strncmp(name, "security.", 9) == 0)
        return -LINUX_ENODATA;
    return -LINUX_EOPNOTSUPP; /* system.posix_acl_* and unknown ones */
}

static int64_t get(struct task *task, enum by by, const uint64_t a[6])
{
    char name[LINUX_XATTR_NAME_MAX + 1], *value = NULL;
    uint64_t size = a[3] > LINUX_XATTR_SIZE_MAX ? LINUX_XATTR_SIZE_MAX : a[3];
    struct fs_path p;
    int set;
    int64_t r = name_in(task, name, a[1]);

    if (r < 0)
        return r;
    r = resolve_by(task, by, a[0], &p);
    if (r < 0)
        return r;
    r = name_check(&p, name, &set);
    if (r == 0)
        r = owner_may(&task->proc->cred, &p.st, FS_MAY_READ);
    if (r == 0 && size && (value = malloc(size)) == NULL)
        r = -LINUX_ENOMEM;
    if (r == 0)
        r = host_getxattr_fd(p.fd, name, value, size);
    if (r > 0 && size && copy_to_user(task, a[2], value, (size_t)r) < 0)
        r = -LINUX_EFAULT;
    free(value);
    fs_path_put(&p);
    return r;
}

static int64_t set(struct task *task, enum by by, const uint64_t a[6])
{
    char name[LINUX_XATTR_NAME_MAX + 1], *value = NULL;
    struct fs_path p;
    int denied;
    int64_t r;

    if ((int)a[4] & ~(LINUX_XATTR_CREATE | LINUX_XATTR_REPLACE))
        return -LINUX_EINVAL;
    r = name_in(task, name, a[1]);
    if (r < 0)
        return r;
    if (a[3] > LINUX_XATTR_SIZE_MAX)
        return -LINUX_E2BIG;
    if (a[3]) {
        value = malloc(a[3]);
        if (value == NULL)
            return -LINUX_ENOMEM;
        if (copy_from_user(task, value, a[2], a[3]) < 0) {
            free(value);
            return -LINUX_EFAULT;
        }
    }
    r = resolve_by(task, by, a[0], &p);
    if (r < 0) {
        free(value);
        return r;
    }
    r = fs_writable(&p);
    if (r == 0) {
        (void)name_check(&p, name, &denied);
        r = denied;
    }
    if (r == 0)
        r = owner_may(&task->proc->cred, &p.st, FS_MAY_WRITE);
    if (r == 0)
        r = fs_copy_up(task->proc->fs, &p);
    if (r == 0)
        r = host_setxattr_fd(p.fd, name, value, a[3], (int)a[4]);
    free(value);
    fs_path_put(&p);
    return r;
}

static int64_t list(struct task *task, enum by by, const uint64_t a[6])
{
    char *names = NULL;
    struct fs_path p;
    int64_t n, kept = 0, r = resolve_by(task, by, a[0], &p);

    if (r < 0)
        return r;
    if (p.fd >= 0 && (LINUX_S_ISREG(p.host_mode) || LINUX_S_ISDIR(p.host_mode))) {
        names = malloc(LINUX_XATTR_SIZE_MAX);
        n = names ? host_listxattr_fd(p.fd, names, LINUX_XATTR_SIZE_MAX) : -LINUX_ENOMEM;
        if (n == -LINUX_EOPNOTSUPP)
            n = 0;
        for (int64_t at = 0; at < n;) {
            const char *name = names + at;
            size_t len = strlen(name) + 1;
            at += (int64_t)len;
            if (strncmp(name, "user.", 5) == 0 && !owner_xattr_hidden(name)) {
                memmove(names + kept, name, len);
                kept += (int64_t)len;
            }
        }
        if (n < 0)
            kept = n;
    }
    fs_path_put(&p);
    if (kept > 0 && a[2]) {
        if ((uint64_t)kept > a[2])
            kept = -LINUX_ERANGE;
        else if (copy_to_user(task, a[1], names, (size_t)kept) < 0)
            kept = -LINUX_EFAULT;
    }
    free(names);
    return kept;
}

static int64_t drop(struct task *task, enum by by, const uint64_t a[6])
{
    char name[LINUX_XATTR_NAME_MAX + 1];
    struct fs_path p;
    int denied, missing;
    int64_t r = name_in(task, name, a[1]);

    if (r < 0)
        return r;
    r = resolve_by(task, by, a[0], &p);
    if (r < 0)
        return r;
    r = fs_writable(&p);
    if (r == 0) {
        missing = name_check(&p, name, &denied);
        r = missing == -LINUX_ENODATA && owner_xattr_hidden(name) ? missing : denied;
    }
    if (r == 0)
        r = owner_may(&task->proc->cred, &p.st, FS_MAY_WRITE);
    if (r == 0 && (r = host_getxattr_fd(p.fd, name, NULL, 0)) > 0)
        r = 0; /* look first: nothing is copied up for a name that is not there */
    if (r == 0)
        r = fs_copy_up(task->proc->fs, &p);
    if (r == 0)
        r = host_removexattr_fd(p.fd, name);
    fs_path_put(&p);
    return r;
}

int64_t sys_getxattr(struct task *task, const uint64_t a[6])
{
    return get(task, BY_PATH, a);
}
int64_t sys_lgetxattr(struct task *task, const uint64_t a[6])
{
    return get(task, BY_LINK, a);
}
int64_t sys_fgetxattr(struct task *task, const uint64_t a[6])
{
    return get(task, BY_FD, a);
}
int64_t sys_setxattr(struct task *task, const uint64_t a[6])
{
    return set(task, BY_PATH, a);
}
int64_t sys_lsetxattr(struct task *task, const uint64_t a[6])
{
    return set(task, BY_LINK, a);
}
int64_t sys_fsetxattr(struct task *task, const uint64_t a[6])
{
    return set(task, BY_FD, a);
}
int64_t sys_listxattr(struct task *task, const uint64_t a[6])
{
    return list(task, BY_PATH, a);
}
int64_t sys_llistxattr(struct task *task, const uint64_t a[6])
{
    return list(task, BY_LINK, a);
}
int64_t sys_flistxattr(struct task *task, const uint64_t a[6])
{
    return list(task, BY_FD, a);
}
int64_t sys_removexattr(struct task *task, const uint64_t a[6])
{
    return drop(task, BY_PATH, a);
}
int64_t sys_lremovexattr(struct task *task, const uint64_t a[6])
{
    return drop(task, BY_LINK, a);
}
int64_t sys_fremovexattr(struct task *task, const uint64_t a[6])
{
    return drop(task, BY_FD, a);
}
