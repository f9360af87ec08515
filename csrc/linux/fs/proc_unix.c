/*
 * proc_unix.c - net/unix: the AF_UNIX sockets of the run. The host's table has those of everybody,
 * by their host names: only what a process of the run has open is shown, by the guest's name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/io.h"
#include "linux/fs/procfs.h"
#include "linux/net/net.h"
#include "linux/process/pid.h"

struct inodes {
    uint64_t *at;
    size_t n, cap;
};

static void add_inode(struct inodes *set, uint64_t ino)
{
    if (set->n == set->cap) {
        size_t cap = set->cap ? set->cap * 2 : 64;
        uint64_t *at = realloc(set->at, cap * sizeof *at);
        if (at == NULL)
            return;
        set->at = at;
        set->cap = cap;
    }
    set->at[set->n++] = ino;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Sockets that host process `pid` has open. */
static void sockets_of(int32_t pid, struct inodes *set)
{
    _Alignas(struct linux_dirent64) char buf[8192];
    char path[64], link[64];
    unsigned long long ino;
    int64_t n;

    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    int dir = host_open_path(path, LINUX_O_RDONLY | LINUX_O_DIRECTORY | LINUX_O_CLOEXEC, 0);
    if (dir < 0)
        return;
    while ((n = host_getdents64(dir, buf, sizeof buf)) > 0) {
        for (int64_t at = 0; at < n;) {
            const struct linux_dirent64 *d = (const void *)(buf + at);
            at += d->d_reclen;
            snprintf(path, sizeof path, "/proc/%d/fd/%.16s", pid, d->d_name);
            if (host_readlink_path(path, link, sizeof link) > 0 &&
                sscanf(link, "socket:[%llu]", &ino) == 1)
                add_inode(set, ino);
        }
    }
    host_fd_close(dir);
}

/* The host's spelling of a name becomes the guest's; '@' stands for NUL. */
static void print_name(struct synth_text *t, const char *spelt, size_t len)
{
    struct sock_name name = SOCK_NAME_NONE;
    uint16_t family = LINUX_AF_UNIX;

    if (len > LINUX_UNIX_PATH_MAX)
        return;
    memset(name.data, 0, sizeof name.data);
    memcpy(name.data, &family, sizeof family);
    memcpy(name.data + SUN_PATH_AT, spelt, len);
    name.len = SUN_PATH_AT + (uint32_t)len;
    uint32_t before = name.len;
    if (spelt[0] == '@')
        name.data[SUN_PATH_AT] = '\0';
    unix_to_guest(&name);
    if (name.len <= SUN_PATH_AT || (spelt[0] == '@' && name.len == before))
        return; /* not the run's */
    synth_append(t, " ", 1);
    for (uint32_t i = SUN_PATH_AT; i < name.len; i++) {
        char c = (char)name.data[i];
        if (c == '\0' && spelt[0] != '@')
            break;
        synth_append(t, c ? &c : "@", 1);
    }
}

int proc_net_unix(const struct proc_req *r, struct synth_text *t)
{
    struct process *own = r->task->proc;
    struct synth_text host = {0};
    struct inodes set = {0};
    unsigned long long ino;
    int at;

    for (int32_t n = 0; (n = pid_next(own, n)) != 0;)
        sockets_of(pid_to_host(own, n), &set);
    if (set.n)
        qsort(set.at, set.n, sizeof *set.at, compare);
    proc_host_file(&host, "/proc/self/net/unix");
    synth_append(&host, "", 1);
    for (char *line = host.data; line && *line;) {
        size_t len = strcspn(line, "\n");
        uint64_t key = 0;
        if (sscanf(line, "%*s %*s %*s %*s %*s %*s %llu%n", &ino, &at) == 1)
            key = ino;
        if (line == host.data)
            synth_append(t, line, len + 1); /* the heading */
        else if (key && set.n && bsearch(&key, set.at, set.n, sizeof key, compare)) {
            synth_append(t, line, (size_t)at);
            if (line[at] == ' ')
                print_name(t, line + at + 1, len - (size_t)at - 1);
            synth_append(t, "\n", 1);
        }
        line += line[len] ? len + 1 : len;
    }
    free(host.data);
    free(set.at);
    return 0;
}
