/*
 * unix.c - AF_UNIX names on the host.
 *
 * A path is opened in the guest's root and reaches the host as /proc/self/fd/N, so that the host
 * follows nothing. A socket is bound in the directory that the guest's path leads to, under a file
 * name that spells the whole path; then the file gets its own name. The host keeps telling the one
 * that was bound, to every process and for as long as the socket lives, and from its spelling the
 * guest's path comes back: no table is needed.
 */
#include <stdio.h>
#include <string.h>

#include "host/file.h"
#include "host/io.h"
#include "host/net.h"
#include "host/random.h"
#include "host/system.h"
#include "linux/abi/fs.h"
#include "linux/fs/path.h"
#include "linux/mm/uaccess.h"
#include "linux/net/net.h"

/* How a path is spelled as one file name: SLASH for a slash, and QUOTE before either. */
#define SLASH '\001'
#define QUOTE '\002'

/* Length, or -LINUX_ENAMETOOLONG: only where the path has many of these characters. */
static int spell(const char *path, char name[LINUX_UNIX_PATH_MAX + 1])
{
    int n = 0;
    for (const char *p = path; *p; p++) {
        if (*p == SLASH || *p == QUOTE)
            name[n++] = QUOTE;
        if (n >= LINUX_UNIX_PATH_MAX)
            return -LINUX_ENAMETOOLONG;
        name[n++] = *p == '/' ? SLASH : *p;
    }
    name[n] = '\0';
    return n;
}

/* False: not such a name. */
static bool unspell(const char *name, char path[LINUX_UNIX_PATH_MAX + 1])
{
    int n = 0;
    for (const char *p = name; *p; p++) {
        if (*p == '/')
            return false;
        if (*p == QUOTE) {
            p++;
            if (*p != SLASH && *p != QUOTE)
                return false;
            path[n++] = *p;
        } else {
            path[n++] = *p == SLASH ? '/' : *p;
        }
    }
    path[n] = '\0';
    return true;
}

/* The length counts a NUL, also the one behind a path that fills sun_path. */
static void set_path(struct sock_name *name, const char *path)
{
    uint16_t f = LINUX_AF_UNIX;
    size_t n = strlen(path);
    memset(name->data, 0, sizeof name->data);
    memcpy(name->data, &f, sizeof f);
    memcpy(name->data + SUN_PATH_AT, path, n);
    name->len = SUN_PATH_AT + (uint32_t)n + 1;
}

/* A path's bytes as a string: sun_path need not end with NUL. */
static void path_of(const struct sock_name *name, char path[LINUX_UNIX_PATH_MAX + 1])
{
    uint32_t n = name->len - SUN_PATH_AT;
    if (n > LINUX_UNIX_PATH_MAX)
        n = LINUX_UNIX_PATH_MAX;
    memcpy(path, name->data + SUN_PATH_AT, n);
    path[n] = '\0';
}

/* ---- finding ---- */

/* unix_find_bsd(): an O_PATH descriptor of the socket that a guest path names. It may be a mount of
 * its own: whoever mounts a socket of the host's means it to be called. */
static int open_socket(struct task *task, const char *path)
{
    struct fs_path p;
    int fd = fs_resolve(task->proc->fs, task, LINUX_AT_FDCWD, path, FS_FOLLOW, &p);
    if (fd < 0)
        return fd;
    int err = owner_may(&task->proc->cred, &p.st, FS_MAY_WRITE);
    if (err == 0 && (p.fd < 0 || (p.st.stx_mode & LINUX_S_IFMT) != LINUX_S_IFSOCK))
        err = -LINUX_ECONNREFUSED;
    fd = err ? err : host_dupfd(p.fd, host_fd_boundary(), true);
    fs_path_put(&p);
    return fd;
}

int unix_find(struct task *task, struct sock_name *name)
{
    if (name->data[SUN_PATH_AT] == '\0') {
        abstract_to_host(name);
        return 0;
    }
    char path[LINUX_UNIX_PATH_MAX + 1], host[64];
    path_of(name, path);
    name->fd = open_socket(task, path);
    if (name->fd < 0)
        return name->fd;
    snprintf(host, sizeof host, "/proc/self/fd/%d", name->fd);
    set_path(name, host);
    return 0;
}

void unix_to_guest(struct sock_name *name)
{
    if (name->data[SUN_PATH_AT] == '\0') {
        abstract_to_guest(name);
        return;
    }
    char host[LINUX_UNIX_PATH_MAX + 1], path[LINUX_UNIX_PATH_MAX + 1];
    path_of(name, host);
    if (unspell(host, path))
        set_path(name, path);
    else
        name->len = SUN_PATH_AT; /* bound outside of the guest: a path that means nothing in it */
}

/* ---- binding ---- */

/* The umask is the guest's, which the host's process has not; a mode that fchmod() gave the socket
 * counts. */
static void apply_umask(struct task *task, int dir, const char *file)
{
    struct linux_statx st;
    int node = host_open_beneath(dir, file, LINUX_O_PATH | LINUX_O_NOFOLLOW | LINUX_O_CLOEXEC, 0);
    if (node < 0)
        return;
    if (host_statx_fd(node, &st) == 0)
        host_chmod_fd(node, st.stx_mode & 0777 & ~fs_umask(task->proc->fs));
    host_fd_close(node);
}

static int bind_to(int dir, int fd, const struct sock_name *name)
{
    return host_bind_in(dir, fd, name->data, name->len < SUN_MAX ? name->len : SUN_MAX);
}

/* The name that spells the path is in the way: another process is between its bind and its rename,
 * or ended there. Then it is nobody's. */
#define PATIENCE 200

static int bind_spelled(int dir, int fd, const struct sock_name *name)
{
    const char *file = (const char *)name->data + SUN_PATH_AT;
    for (int tries = 0; tries < PATIENCE; tries++) {
        int err = bind_to(dir, fd, name);
        if (err != -LINUX_EADDRINUSE)
            return err;
        host_sched_yield();
    }
    host_unlinkat(dir, file, false);
    return bind_to(dir, fd, name);
}

static bool has_name(int fd)
{
    struct sock_name self = {.len = sizeof self.data, .fd = -1};
    return host_getsockname(fd, self.data, &self.len) == 0 && self.len > SUN_PATH_AT;
}

struct binding {
    struct task *task;
    int fd;
    struct sock_name spelled;
};

/* Makes the socket's file: -LINUX_EEXIST if there is such a name. */
static int bind_in(void *arg, int dir, const char *file)
{
    const struct binding *b = arg;
    const char *spelled = (const char *)b->spelled.data + SUN_PATH_AT;
    struct linux_statx st;
    int err = host_statx_at(dir, file, &st);
    if (err != -LINUX_ENOENT)
        return err ? err : -LINUX_EEXIST;
    if (has_name(b->fd)) /* unix_bind_bsd(): the path is judged before the socket */
        return -LINUX_EINVAL;
    bool direct = !strcmp(spelled, file);
    err = direct ? bind_to(dir, b->fd, &b->spelled) : bind_spelled(dir, b->fd, &b->spelled);
    if (err)
        return err == -LINUX_EADDRINUSE ? -LINUX_EEXIST : err;
    apply_umask(b->task, dir, spelled);
    if (!direct)
        err = host_renameat2(dir, spelled, dir, file, LINUX_RENAME_NOREPLACE);
    if (err)
        host_unlinkat(dir, spelled, false);
    return err;
}

static int bind_path(struct task *task, int fd, const char *path)
{
    struct binding b = {.task = task, .fd = fd, .spelled = SOCK_NAME_NONE};
    char spelled[LINUX_UNIX_PATH_MAX + 1];
    int err = spell(path, spelled);
    if (err < 0)
        return err;
    set_path(&b.spelled, spelled);
    err = fs_make_socket(task, path, bind_in, &b);
    return err == -LINUX_EEXIST ? -LINUX_EADDRINUSE : err;
}

int unix_autobind(int fd)
{
    uint32_t number;
    if (has_name(fd))
        return 0;
    int err = host_random(&number, sizeof number);
    if (err)
        return err;
    for (uint32_t tries = 0; tries <= 0xfffff; tries++) {
        char text[8];
        struct sock_name name = {.len = SUN_PATH_AT + 1 + 5, .fd = -1};
        snprintf(text, sizeof text, "%05x", (number + tries) & 0xfffff);
        name.data[0] = LINUX_AF_UNIX;
        memcpy(name.data + SUN_PATH_AT + 1, text, 5);
        abstract_to_host(&name);
        err = host_bind(fd, name.data, name.len);
        if (err == -LINUX_EINVAL && has_name(fd)) /* another thread was faster */
            return 0;
        if (err != -LINUX_EADDRINUSE)
            return err;
    }
    return -LINUX_ENOSPC;
}

int unix_bind(struct task *task, int fd, const struct sock_name *name)
{
    if (name->data[0] != LINUX_AF_UNIX || name->data[1])
        return -LINUX_EINVAL;
    if (name->len == SUN_PATH_AT)
        return unix_autobind(fd);
    if (name->len < SUN_PATH_AT || name->len > SUN_MAX)
        return -LINUX_EINVAL;
    if (name->data[SUN_PATH_AT] == '\0') {
        struct sock_name host = *name;
        abstract_to_host(&host);
        return host_bind(fd, host.data, host.len);
    }
    char path[LINUX_UNIX_PATH_MAX + 1];
    path_of(name, path);
    return bind_path(task, fd, path);
}
