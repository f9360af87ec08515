/*
 * xattr.c - extended attributes. The guest's user.* are the host's, but for those that keep the
 * guest's own view of the file. security.capability is kept under a name of ours, as the host would
 * ask for privilege; other security.* and trusted.* are refused, as to the root of a user
 * namespace.
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

/* A descriptor is looked at before what is to be set or removed, a path after it. */
static int check_fd(enum by by, uint64_t arg)
{
    if (by != BY_FD)
        return 0;
    int fd = fd_arg(arg), fl = fd < 0 ? fd : host_getfl(fd);
    return fl < 0 || fl & LINUX_O_PATH ? -LINUX_EBADF : 0;
}

static int resolve_by(struct task *task, enum by by, uint64_t arg, struct fs_path *p)
{
    if (by == BY_FD) {
        int err = check_fd(by, arg);
        p->fd = -1;
        p->node = NULL;
        return err ? err : fs_resolve(task->proc->fs, task, (int)arg, "", FS_EMPTY, p);
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

#define CAPABILITY "security.capability"
/* The host's name for it. */
#define CAPABILITY_KEPT OWNER_KEPT_PREFIX CAPABILITY

static bool is_prefixed(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* vfs_setxattr() and vfs_getxattr() up to the file system: xattr_permission(), the security modules
 * and the search for a handler. 0 with *host, the name that the host has it by, or -errno. */
static int name_check(const struct cred *cred, const struct fs_path *p, const char *name, int mask,
                      const char **host)
{
    uint32_t type = p->st.stx_mode & LINUX_S_IFMT;
    bool write = mask == FS_MAY_WRITE, plain = type == LINUX_S_IFREG || type == LINUX_S_IFDIR;
    int r;

    *host = name;
    if (is_prefixed(name, "trusted."))
        return write ? -LINUX_EPERM : -LINUX_ENODATA;
    if (is_prefixed(name, "security.") && strcmp(name, CAPABILITY) != 0)
        return write ? -LINUX_EPERM : -LINUX_ENODATA;
    if (strcmp(name, CAPABILITY) == 0) {
        *host = CAPABILITY_KEPT;
        if (p->node || !(LINUX_S_ISREG(p->host_mode) || LINUX_S_ISDIR(p->host_mode)))
            return write ? -LINUX_EOPNOTSUPP : -LINUX_ENODATA;
        return 0;
    }
    if (is_prefixed(name, "system."))
        return -LINUX_EOPNOTSUPP; /* no access control lists */
    bool user = is_prefixed(name, "user.");
    if (user && (!plain || owner_xattr_hidden(name)))
        return write ? -LINUX_EPERM : -LINUX_ENODATA;
    if (user && write && type == LINUX_S_IFDIR && (p->st.stx_mode & LINUX_S_ISVTX) &&
        !owner_is(cred, &p->st))
        return -LINUX_EPERM;
    r = owner_may(cred, &p->st, mask);
    if (r == 0 && user && write && p->mnt == NULL && p->anon == NULL)
        r = -LINUX_EPERM; /* a file of the host's that was inherited */
    if (r == 0 && (!user || p->node))
        r = -LINUX_EOPNOTSUPP;
    return r;
}

/* cap_convert_nscap(): the forms of struct vfs_ns_cap_data; that of a namespace's root is kept as
 * the one for everybody. */
static int check_capability(const struct cred *cred, uint32_t *value, size_t *size)
{
    if (*size == 0)
        return 0;
    uint32_t revision = *size >= 4 ? value[0] & 0xff000000u : 0;
    if (!(*size == 20 && revision == 0x02000000u) && !(*size == 24 && revision == 0x03000000u))
        return -LINUX_EINVAL;
    if (!fs_capable(cred, FS_CAP_SETFCAP))
        return -LINUX_EPERM;
    if (*size == 24 && value[5] == 0) {
        value[0] = (value[0] & 0x00ffffffu) | 0x02000000u;
        *size = 20;
    }
    return 0;
}

static int64_t get(struct task *task, enum by by, const uint64_t a[6])
{
    char name[LINUX_XATTR_NAME_MAX + 1], *value = NULL;
    uint64_t size = a[3] > LINUX_XATTR_SIZE_MAX ? LINUX_XATTR_SIZE_MAX : a[3];
    const char *host;
    struct fs_path p;
    int64_t r = resolve_by(task, by, a[0], &p);

    if (r < 0)
        return r;
    r = name_in(task, name, a[1]);
    if (r >= 0)
        r = name_check(&task->proc->cred, &p, name, FS_MAY_READ, &host);
    if (r == 0 && size && (value = malloc(size)) == NULL)
        r = -LINUX_ENOMEM;
    if (r == 0)
        r = host_getxattr_fd(p.fd, host, value, size);
    if (r > 0 && size && copy_to_user(task, a[2], value, (size_t)r) < 0)
        r = -LINUX_EFAULT;
    free(value);
    fs_path_put(&p);
    return r;
}

/* What the guest gives: *value, to be freed. */
static int value_in(struct task *task, gva_t addr, uint64_t size, void **value)
{
    *value = NULL;
    if (size > LINUX_XATTR_SIZE_MAX)
        return -LINUX_E2BIG;
    if (size == 0)
        return 0;
    *value = malloc(size);
    if (*value == NULL)
        return -LINUX_ENOMEM;
    return copy_from_user(task, *value, addr, size);
}

static int64_t set(struct task *task, enum by by, const uint64_t a[6])
{
    char name[LINUX_XATTR_NAME_MAX + 1];
    const char *host;
    void *value;
    size_t size = a[3];
    struct fs_path p;
    int64_t r;

    r = check_fd(by, a[0]);
    if (r < 0)
        return r;
    if ((int)a[4] & ~(LINUX_XATTR_CREATE | LINUX_XATTR_REPLACE))
        return -LINUX_EINVAL;
    r = name_in(task, name, a[1]);
    if (r < 0)
        return r;
    r = value_in(task, a[2], size, &value);
    if (r == 0)
        r = resolve_by(task, by, a[0], &p);
    if (r < 0) {
        free(value);
        return r;
    }
    r = fs_writable(&p);
    if (r == 0 && strcmp(name, CAPABILITY) == 0)
        r = check_capability(&task->proc->cred, value, &size);
    if (r == 0)
        r = name_check(&task->proc->cred, &p, name, FS_MAY_WRITE, &host);
    if (r == 0)
        r = fs_copy_up(task->proc->fs, &p);
    if (r == 0)
        r = host_setxattr_fd(p.fd, host, value, size, (int)a[4]);
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
            if (strcmp(name, CAPABILITY_KEPT) == 0) {
                memmove(names + kept, CAPABILITY, sizeof CAPABILITY);
                kept += (int64_t)sizeof CAPABILITY;
            } else if (is_prefixed(name, "user.") && !owner_xattr_hidden(name)) {
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
    const struct cred *cred = &task->proc->cred;
    const char *host;
    struct fs_path p;
    int64_t r = check_fd(by, a[0]);

    if (r == 0)
        r = name_in(task, name, a[1]);
    if (r < 0)
        return r;
    r = resolve_by(task, by, a[0], &p);
    if (r < 0)
        return r;
    r = fs_writable(&p);
    if (r == 0)
        r = name_check(cred, &p, name, FS_MAY_WRITE, &host);
    if (r == 0 && strcmp(name, CAPABILITY) == 0 && !fs_capable(cred, FS_CAP_SETFCAP))
        r = -LINUX_EPERM;
    if (r == 0 && (r = host_getxattr_fd(p.fd, host, NULL, 0)) > 0)
        r = 0; /* look first: nothing is copied up for a name that is not there */
    if (r == 0)
        r = fs_copy_up(task->proc->fs, &p);
    if (r == 0)
        r = host_removexattr_fd(p.fd, host);
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
