/*
 * devfs.c - /dev: a fixed set of names. Device files open the host's own device of that name, and
 * nothing else of the host's /dev can be reached.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/io.h"
#include "linux/fs/devpts.h"
#include "linux/fs/synth.h"

#define CHR               (LINUX_S_IFCHR | 0666)
#define DIR               (LINUX_S_IFDIR | 0755)
#define LNK               (LINUX_S_IFLNK | 0777)
#define DEV(major, minor) ((minor) | (major) << 8)

static const struct synth_entry table[] = {
    {"", DIR, NULL, 0, NULL, false},
    {"null", CHR, "/dev/null", DEV(1, 3), NULL, false},
    {"zero", CHR, "/dev/zero", DEV(1, 5), NULL, false},
    {"full", CHR, "/dev/full", DEV(1, 7), NULL, false},
    {"random", CHR, "/dev/random", DEV(1, 8), NULL, false},
    {"urandom", CHR, "/dev/urandom", DEV(1, 9), NULL, false},
    {"tty", CHR, "/dev/tty", DEV(5, 0), NULL, false},
    {"console", LINUX_S_IFCHR | 0620, "/dev/tty", DEV(5, 1), NULL, false},
    {"ptmx", LNK, "pts/ptmx", 0, NULL, false},
    {"pts", DIR, NULL, 0, NULL, false},
    {"pts/ptmx", CHR, "/dev/ptmx", DEV(5, 2), NULL, false},
    {"shm", LINUX_S_IFDIR | 01777, NULL, 0, NULL, false},
    {"fd", LNK, "/proc/self/fd", 0, NULL, false},
    {"stdin", LNK, "/proc/self/fd/0", 0, NULL, false},
    {"stdout", LNK, "/proc/self/fd/1", 0, NULL, false},
    {"stderr", LNK, "/proc/self/fd/2", 0, NULL, false},
    {NULL, 0, NULL, 0, NULL, false},
};

static int is_number(void *arg, int number)
{
    return *(int *)arg == number;
}

static int add_number(void *arg, int number)
{
    char name[16];

    snprintf(name, sizeof name, "%d", number);
    return dir_list_add(arg, name, (uint64_t)number + 3, LINUX_DT_CHR);
}

static int lookup(struct fs_context *fs, struct task *task, const char *rel,
                  struct synth_node *node)
{
    const struct synth_entry *e = synth_table_find(table, rel);

    (void)fs;
    (void)task;
    node->ops = &devfs_ops;
    node->ino = synth_ino(rel);
    if (e) {
        node->mode = e->mode;
        node->rdev = e->rdev;
        node->entry = e;
        return 0;
    }
    if (strncmp(rel, "pts/", 4) == 0 && strlen(rel) < 12 &&
        strspn(rel + 4, "0123456789") == strlen(rel + 4)) {
        int number = atoi(rel + 4);
        if (devpts_for_each(task, is_number, &number) == 1) {
            node->kind = number + 1;
            node->mode = LINUX_S_IFCHR | 0620;
            node->rdev = linux_mkdev(DEVPTS_MAJOR, (uint32_t)number);
            return 0;
        }
    }
    return -LINUX_ENOENT;
}

static int list(struct fs_context *fs, struct task *task, const struct synth_node *node,
                struct dir_list *l)
{
    const struct synth_entry *e = node->entry;
    int r = synth_table_list(table, e->path, l);

    (void)fs;
    (void)task;
    if (r == 0 && strcmp(e->path, "pts") == 0)
        r = devpts_for_each(task, add_number, l);
    return r;
}

static int open_node(struct fs_context *fs, struct task *task, const struct synth_node *node,
                     int flags)
{
    const struct synth_entry *e = node->entry;
    char path[32];

    (void)fs;
    (void)task;
    flags &= ~(LINUX_O_NOFOLLOW | LINUX_O_TRUNC | LINUX_O_CREAT);
    if (e) {
        int fd = host_open_path(e->text, flags, 0);
        if (fd >= 0 && e->rdev == DEV(5, 2))
            devpts_opened(task, fd);
        return fd;
    }
    snprintf(path, sizeof path, "/dev/pts/%d", node->kind - 1);
    return host_open_path(path, flags, 0);
}

/* ttyname() and sameness tests compare a name's numbers with those of the open file, which are the
 * host's. */
static int stat_node(const struct synth_node *node, struct linux_statx *st)
{
    const struct synth_entry *e = node->entry;
    char path[32];

    if (!LINUX_S_ISCHR(node->mode) || (e && strcmp(e->path, "console") == 0))
        return -LINUX_ENOENT;
    snprintf(path, sizeof path, "/dev/pts/%d", node->kind - 1);
    int fd = host_open_path(e ? e->text : path, LINUX_O_PATH | LINUX_O_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    int r = host_statx_fd(fd, st);
    host_fd_close(fd);
    if (r == 0)
        owner_apply(-1, false, st); /* devices carry no attributes */
    if (r == 0)
        devpts_apply(st);
    return r;
}

static int64_t read_link(struct fs_context *fs, struct task *task, const struct synth_node *node,
                         char *buf, size_t size)
{
    const struct synth_entry *e = node->entry;
    size_t n = strlen(e->text);

    (void)fs;
    (void)task;
    memcpy(buf, e->text, n < size ? n : size);
    return (int64_t)n;
}

const struct synth_ops devfs_ops = {
    .fs_magic = LINUX_TMPFS_MAGIC,
    .dev_minor = 6,
    .fs_name = "tmpfs",
    .lookup = lookup,
    .list = list,
    .open = open_node,
    .readlink = read_link,
    .stat = stat_node,
};
