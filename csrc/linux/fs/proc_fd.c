/*
 * proc_fd.c - fd/ and fdinfo/ of any process of the run. What is open is what the host's /proc says
 * of the process; paths become the guest's, process numbers too, and descriptors that are ours do
 * not exist.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/io.h"
#include "host/peer.h"
#include "linux/fs/fd_calls.h"
#include "linux/fs/fd_meta.h"
#include "linux/fs/procfs.h"
#include "linux/process/pid.h"

#define HOST_PATH_SIZE 64

static void host_fd_name(char path[HOST_PATH_SIZE], const struct proc_view *v, const char *dir,
                         int fd)
{
    snprintf(path, HOST_PATH_SIZE, "/proc/%d/%s/%d", v->host, dir, fd);
}

int proc_fd_lookup(const struct proc_view *v, int fd, bool info, struct synth_node *node)
{
    char path[HOST_PATH_SIZE];
    struct linux_statx st;

    if (v->own) {
        int fl = fd_table_next(v->proc->fds, fd - 1) == fd ? host_getfl(fd) : -LINUX_EBADF;
        if (fl < 0)
            return -LINUX_ENOENT;
        int acc = fl & LINUX_O_ACCMODE;
        node->mode = LINUX_S_IFLNK | 0100 | (acc != LINUX_O_WRONLY ? 0400 : 0) |
                     (acc != LINUX_O_RDONLY ? 0200 : 0);
        if (fl & LINUX_O_PATH) /* tid_fd_update_inode(): neither FMODE_READ nor FMODE_WRITE */
            node->mode = LINUX_S_IFLNK | 0100;
    } else {
        if (!fd_table_peer_given(v, fd))
            return -LINUX_ENOENT;
        host_fd_name(path, v, "fd", fd);
        int link = host_open_path(path, LINUX_O_PATH | LINUX_O_NOFOLLOW | LINUX_O_CLOEXEC, 0);
        if (link < 0)
            return -LINUX_ENOENT;
        int r = host_statx_fd(link, &st);
        host_fd_close(link);
        if (r < 0)
            return -LINUX_ENOENT;
        node->mode = st.stx_mode;
    }
    node->fd = fd;
    node->jump = info ? SYNTH_NO_JUMP : SYNTH_JUMP_FD;
    if (info)
        node->mode = LINUX_S_IFREG | 0444;
    return 0;
}

static int add_fd(struct dir_list *list, int fd, const char *prefix, bool info)
{
    char name[16], path[80];

    snprintf(name, sizeof name, "%d", fd);
    snprintf(path, sizeof path, "%s%d", prefix, fd);
    return dir_list_add(list, name, synth_ino(path), info ? LINUX_DT_REG : LINUX_DT_LNK);
}

/* The host lists in rising order. */
static int list_peer(const struct proc_view *v, const char *prefix, bool info,
                     struct dir_list *list)
{
    _Alignas(struct linux_dirent64) char buf[8192];
    char path[HOST_PATH_SIZE];
    int64_t n;
    int r = 0;

    snprintf(path, sizeof path, "/proc/%d/fd", v->host);
    int dir = host_open_path(path, LINUX_O_RDONLY | LINUX_O_DIRECTORY | LINUX_O_CLOEXEC, 0);
    if (dir < 0)
        return 0; /* it has just ended, or may not be looked into: it has none */
    while (r == 0 && (n = host_getdents64(dir, buf, sizeof buf)) > 0) {
        for (int64_t at = 0; at < n && r == 0;) {
            const struct linux_dirent64 *d = (const void *)(buf + at);
            at += d->d_reclen;
            if (d->d_name[0] != '.' && fd_table_peer_given(v, atoi(d->d_name)))
                r = add_fd(list, atoi(d->d_name), prefix, info);
        }
    }
    host_fd_close(dir);
    return r;
}

int proc_fd_list(const struct proc_view *v, const char *prefix, bool info, struct dir_list *list)
{
    int r = 0;

    if (!v->own)
        return list_peer(v, prefix, info, list);
    for (int fd = -1; r == 0 && (fd = fd_table_next(v->proc->fds, fd)) >= 0;)
        r = add_fd(list, fd, prefix, info);
    return r;
}

/* ---- fdinfo ---- */

/* "lock:\t1: POSIX  ADVISORY  WRITE 1234 00:2a:7 0 EOF", of the host's /proc/locks too. */
static bool translate_lock(struct process *proc, const char *line, size_t len, struct synth_text *t)
{
    char kind[16], mode[16], type[16];
    int number, at = 0, rest = 0, pid;
    const char *body = line;

    if (strncmp(line, "lock:\t", 6) == 0)
        body += 6;
    if (sscanf(body, "%d: %n", &number, &at) != 1)
        return false;
    if (strncmp(body + at, "-> ", 3) == 0)
        at += 3;
    if (sscanf(body + at, "%15s %15s %15s %d%n", kind, mode, type, &pid, &rest) != 4)
        return false;
    int32_t guest = pid < 0 ? pid : pid_from_host(proc, pid);
    size_t head = (size_t)(body - line) + (size_t)at;
    synth_append(t, line, head);
    synth_printf(t, "%-6s %-9s %-5s %d", kind, mode, type, guest);
    synth_append(t, body + at + rest, len - head - (size_t)rest);
    return true;
}

void proc_fd_translate(struct process *proc, const char *line, size_t len, struct synth_text *t)
{
    int pid;

    if (sscanf(line, "Pid:\t%d", &pid) == 1 || sscanf(line, "NSpid:\t%d", &pid) == 1) {
        synth_append(t, line, strcspn(line, "\t") + 1);
        synth_printf(t, "%d\n", pid > 0 ? pid_from_host(proc, pid) : pid);
    } else if (!translate_lock(proc, line, len, t))
        synth_append(t, line, len);
}

int proc_fd_info(const struct proc_view *v, int fd, struct synth_text *t)
{
    struct synth_text host = {0};
    char path[HOST_PATH_SIZE];
    unsigned flags;

    host_fd_name(path, v, "fdinfo", fd);
    proc_host_file(&host, path);
    if (host.data == NULL)
        return host.failed ? -LINUX_ENOMEM : -LINUX_ENOENT;
    synth_append(&host, "", 1);
    for (char *line = host.data; line && *line;) {
        char *end = strchr(line, '\n');
        size_t len = end ? (size_t)(end - line) + 1 : strlen(line);
        if (sscanf(line, "flags:\t%o", &flags) == 1)
            synth_printf(t, "flags:\t0%o\n", (unsigned)host_flags_of_text(flags));
        else
            proc_fd_translate(v->task->proc, line, len, t);
        line += len;
    }
    free(host.data);
    return 0;
}

/* ---- links ---- */

int64_t proc_fd_path(const struct proc_view *v, int fd, char *buf, size_t size)
{
    char name[HOST_PATH_SIZE], path[LINUX_PATH_MAX], host[LINUX_PATH_MAX];

    if (v->own)
        return fs_path_of(v->task, fd, buf, size);
    if (proc_view_synth_path(v, fd, buf))
        return (int64_t)strlen(buf);
    host_fd_name(name, v, "fd", fd);
    int64_t n = host_readlink_path(name, host, sizeof host);
    if (n < 0)
        return -LINUX_ENOENT;
    if (host[0] == '/') {
        n = proc_view_object(v, fd, path, host);
        if (n != -LINUX_ENOENT) {
            if (n < 0)
                return n;
            (void)fs_path_below_root(v->task->proc->fs, path);
            strcpy(host, path);
        }
        /* A file of the host that it was started with has no name in here. */
        else if (strncmp(host, "/dev/", 5) != 0 && strncmp(host, "/memfd:", 7) != 0)
            strcpy(host, "(unreachable)");
    }
    n = (int64_t)strlen(host);
    if ((size_t)n >= size)
        return -LINUX_ENAMETOOLONG;
    memcpy(buf, host, (size_t)n + 1);
    return n;
}

int proc_fd_follow(const struct proc_view *v, int fd, char *buf)
{
    char path[HOST_PATH_SIZE];

    if (proc_view_synth_path(v, fd, buf))
        return 0;
    host_fd_name(path, v, "fd", fd);
    int r = host_open_path(path, LINUX_O_PATH | LINUX_O_CLOEXEC, 0);
    return r < 0 ? -LINUX_ENOENT : host_fd_private(r);
}
