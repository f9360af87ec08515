/*
 * name.c - socket names. AF_UNIX paths are opened in the guest's root and reach the host as
 * /proc/self/fd/N, so that the host follows nothing; a bound socket's host name is one that nobody
 * else has, by which the guest's is found again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/file.h"
#include "host/io.h"
#include "host/net.h"
#include "host/random.h"
#include "host/thread.h"
#include "linux/abi/fs.h"
#include "linux/fs/fs.h"
#include "linux/mm/uaccess.h"
#include "linux/net/net.h"

#define FAMILY_SIZE 2u
#define ID_SIZE     8u /* bytes before abstract names that keep a guest's apart */
#define BOUND_MAX   4096

/* Paths that sockets of this process are bound to. A singleton: one guest process is one host
 * process. */
struct bound {
    struct bound *next;
    char host[LINUX_UNIX_PATH_MAX];
    char guest[LINUX_UNIX_PATH_MAX + 1];
};
static struct {
    struct host_mutex lock;
    struct bound *first;
    unsigned count, serial;
    uint8_t id[ID_SIZE];
    bool has_id;
} names;

static int guest_id(uint8_t id[ID_SIZE])
{
    int err = 0;
    host_mutex_lock(&names.lock);
    if (!names.has_id) {
        err = host_random(names.id, ID_SIZE);
        names.has_id = err == 0;
    }
    memcpy(id, names.id, ID_SIZE);
    host_mutex_unlock(&names.lock);
    return err;
}

static uint16_t family(const struct sock_name *name)
{
    uint16_t f = LINUX_AF_UNSPEC;
    if (name->len >= FAMILY_SIZE)
        memcpy(&f, name->data, sizeof f);
    return f;
}

static void set_path(struct sock_name *name, const char *path)
{
    uint16_t f = LINUX_AF_UNIX;
    memset(name->data, 0, sizeof name->data);
    memcpy(name->data, &f, sizeof f);
    snprintf((char *)name->data + FAMILY_SIZE, LINUX_UNIX_PATH_MAX, "%s", path);
    name->len = FAMILY_SIZE + (uint32_t)strlen((char *)name->data + FAMILY_SIZE) + 1;
}

static int copy_name(struct task *task, struct sock_name *name, gva_t addr, uint32_t len)
{
    *name = (struct sock_name){.fd = -1};
    if (len > sizeof name->data)
        return -LINUX_EINVAL;
    name->len = len;
    return copy_from_user(task, name->data, addr, len);
}

/* The abstract name with the guest's id in front. */
static int hide_abstract(struct sock_name *name)
{
    uint32_t rest = name->len - FAMILY_SIZE - 1;
    if (name->len + ID_SIZE > FAMILY_SIZE + LINUX_UNIX_PATH_MAX)
        return -LINUX_EINVAL;
    uint8_t *at = name->data + FAMILY_SIZE + 1;
    memmove(at + ID_SIZE, at, rest);
    name->len += ID_SIZE;
    return guest_id(at);
}

/* A path's bytes as a string: sun_path need not end with NUL. */
static void path_of(const struct sock_name *name, char path[LINUX_UNIX_PATH_MAX + 1])
{
    uint32_t n = name->len - FAMILY_SIZE;
    if (n > LINUX_UNIX_PATH_MAX)
        n = LINUX_UNIX_PATH_MAX;
    memcpy(path, name->data + FAMILY_SIZE, n);
    path[n] = '\0';
}

/* Put a symbolic link's target in the place of the path's last component. */
static int follow(int fd, char path[LINUX_PATH_MAX])
{
    char target[LINUX_PATH_MAX];
    int64_t n = host_readlink_fd(fd, target, sizeof target - 1);
    if (n < 0)
        return (int)n;
    target[n] = '\0';
    char *slash = strrchr(path, '/');
    size_t keep = target[0] == '/' || !slash ? 0 : (size_t)(slash + 1 - path);
    if (keep + (size_t)n >= LINUX_PATH_MAX)
        return -LINUX_ENAMETOOLONG;
    memcpy(path + keep, target, (size_t)n + 1);
    return 0;
}

/* An O_PATH descriptor of the socket that a guest path names. */
static int open_socket(struct task *task, const char *guest_path)
{
    char path[LINUX_PATH_MAX], last[LINUX_NAME_MAX + 1];
    snprintf(path, sizeof path, "%s", guest_path);
    for (int links = 0; links <= LINUX_MAXSYMLINKS; links++) {
        int dir = fs_parent_fd(task, LINUX_AT_FDCWD, path, false, last);
        if (dir < 0)
            return dir;
        int fd = host_open_beneath(dir, last, LINUX_O_PATH | LINUX_O_NOFOLLOW | LINUX_O_CLOEXEC, 0);
        host_fd_close(dir);
        fd = host_fd_private(fd);
        if (fd < 0)
            return fd;
        struct linux_statx st;
        int err = host_statx_fd(fd, &st);
        uint32_t type = err ? 0 : st.stx_mode & LINUX_S_IFMT;
        if (type == LINUX_S_IFSOCK)
            return fd;
        if (err == 0)
            err = type == LINUX_S_IFLNK ? follow(fd, path) : -LINUX_ECONNREFUSED;
        host_fd_close(fd);
        if (err)
            return err;
    }
    return -LINUX_ELOOP;
}

int sock_name_import(struct task *task, struct sock_name *name, gva_t addr, uint32_t len)
{
    int err = copy_name(task, name, addr, len);
    if (err || family(name) != LINUX_AF_UNIX || name->len <= FAMILY_SIZE)
        return err;
    if (name->data[FAMILY_SIZE] == '\0')
        return hide_abstract(name);
    char path[LINUX_UNIX_PATH_MAX + 1], host[64];
    path_of(name, path);
    name->fd = open_socket(task, path);
    if (name->fd < 0)
        return name->fd;
    snprintf(host, sizeof host, "/proc/self/fd/%d", name->fd);
    set_path(name, host);
    return 0;
}

void sock_name_done(struct sock_name *name)
{
    if (name->fd >= 0)
        host_fd_close(name->fd);
    name->fd = -1;
}

static void remember(const char *host, const char *guest)
{
    struct bound *b = calloc(1, sizeof *b);
    if (!b)
        return;
    snprintf(b->host, sizeof b->host, "%s", host);
    snprintf(b->guest, sizeof b->guest, "%s", guest);
    host_mutex_lock(&names.lock);
    b->next = names.first;
    names.first = b;
    struct bound **last = &names.first;
    if (++names.count > BOUND_MAX) {
        while ((*last)->next)
            last = &(*last)->next;
        free(*last);
        *last = NULL;
        names.count--;
    }
    host_mutex_unlock(&names.lock);
}

static unsigned next_serial(void)
{
    host_mutex_lock(&names.lock);
    unsigned n = ++names.serial;
    host_mutex_unlock(&names.lock);
    return n;
}

/* Bind to a name of ours in the path's directory, then give it the guest's name. */
static int bind_path(struct task *task, int fd, const char *path)
{
    char last[LINUX_NAME_MAX + 1], ours[64], host[LINUX_UNIX_PATH_MAX];
    struct sock_name name = {.fd = -1};
    struct linux_statx st;
    int dir = fs_parent_fd(task, LINUX_AT_FDCWD, path, true, last);
    if (dir < 0)
        return dir == -LINUX_EEXIST ? -LINUX_EADDRINUSE : dir;
    int err = host_statx_at(dir, last, &st);
    if (err != -LINUX_ENOENT) {
        host_fd_close(dir);
        return err ? err : -LINUX_EADDRINUSE;
    }
    snprintf(ours, sizeof ours, ".elfuse-%x-%x", (unsigned)host_process_id(), next_serial());
    snprintf(host, sizeof host, "/proc/self/fd/%d/%s", dir, ours);
    set_path(&name, host);
    err = host_bind(fd, name.data, name.len);
    if (err == 0) {
        int node =
            host_open_beneath(dir, ours, LINUX_O_PATH | LINUX_O_NOFOLLOW | LINUX_O_CLOEXEC, 0);
        if (node >= 0) {
            host_chmod_fd(node, 0777 & ~fs_umask(task->proc->fs));
            host_fd_close(node);
        }
        err = host_renameat2(dir, ours, dir, last, 1 /* RENAME_NOREPLACE */);
        if (err) {
            host_unlinkat(dir, ours, false);
            err = err == -LINUX_EEXIST ? -LINUX_EADDRINUSE : err;
        } else {
            remember(host, path);
        }
    }
    host_fd_close(dir);
    return err;
}

/* unix_autobind(): an abstract name of five hexadecimal digits. */
static int bind_auto(int fd)
{
    for (int tries = 0; tries < 1000; tries++) {
        uint32_t number;
        char text[8];
        struct sock_name name = {.len = FAMILY_SIZE + 1 + 5, .fd = -1};
        int err = host_random(&number, sizeof number);
        if (err)
            return err;
        snprintf(text, sizeof text, "%05x", number & 0xfffff);
        name.data[0] = LINUX_AF_UNIX;
        memcpy(name.data + FAMILY_SIZE + 1, text, 5);
        err = hide_abstract(&name);
        if (err == 0)
            err = host_bind(fd, name.data, name.len);
        if (err != -LINUX_EADDRINUSE)
            return err;
    }
    return -LINUX_ENOSPC;
}

int sock_bind(struct task *task, int fd, gva_t addr, uint32_t len)
{
    struct sock_name name;
    int err = copy_name(task, &name, addr, len);
    if (err)
        return err;
    if (family(&name) != LINUX_AF_UNIX)
        return host_bind(fd, name.data, name.len);
    struct sock_name self = {.len = sizeof self.data, .fd = -1};
    err = host_getsockname(fd, self.data, &self.len);
    if (err)
        return err;
    if (family(&self) != LINUX_AF_UNIX || self.len > FAMILY_SIZE)
        return -LINUX_EINVAL; /* not such a socket, or bound already */
    if (name.len == FAMILY_SIZE)
        return bind_auto(fd);
    if (name.data[FAMILY_SIZE] == '\0') {
        err = hide_abstract(&name);
        return err ? err : host_bind(fd, name.data, name.len);
    }
    char path[LINUX_UNIX_PATH_MAX + 1];
    path_of(&name, path);
    return bind_path(task, fd, path);
}

void sock_name_to_guest(struct task *task, struct sock_name *name)
{
    (void)task;
    if (name->len <= FAMILY_SIZE || family(name) != LINUX_AF_UNIX)
        return;
    uint8_t *at = name->data + FAMILY_SIZE;
    if (*at == '\0') {
        uint8_t id[ID_SIZE];
        if (name->len >= FAMILY_SIZE + 1 + ID_SIZE && guest_id(id) == 0 &&
            !memcmp(at + 1, id, ID_SIZE)) {
            name->len -= ID_SIZE;
            memmove(at + 1, at + 1 + ID_SIZE, name->len - FAMILY_SIZE - 1);
        }
        return;
    }
    char host[LINUX_UNIX_PATH_MAX + 1], guest[LINUX_UNIX_PATH_MAX + 1] = "";
    path_of(name, host);
    host_mutex_lock(&names.lock);
    for (const struct bound *b = names.first; b; b = b->next) {
        if (!strcmp(b->host, host)) {
            memcpy(guest, b->guest, sizeof guest);
            break;
        }
    }
    host_mutex_unlock(&names.lock);
    if (guest[0])
        set_path(name, guest);
    else
        name->len = FAMILY_SIZE; /* bound outside of the guest: a path that means nothing in it */
}

int sock_name_export(struct task *task, struct sock_name *name, gva_t addr, gva_t addrlen)
{
    uint32_t room;
    if (!addr)
        return 0;
    if (get_user_u32(task, &room, addrlen))
        return -LINUX_EFAULT;
    if ((int32_t)room < 0)
        return -LINUX_EINVAL;
    sock_name_to_guest(task, name);
    if (room > name->len)
        room = name->len;
    if (room && copy_to_user(task, addr, name->data, room))
        return -LINUX_EFAULT;
    return put_user_u32(task, addrlen, name->len);
}
