/* sysfs.c - the few files of /sys that programs look for to count CPUs and page sizes. */
#include <stdio.h>
#include <string.h>

#include "host/file.h"
#include "host/io.h"
#include "linux/fs/synth.h"

#define REG (LINUX_S_IFREG | 0444)
#define DIR (LINUX_S_IFDIR | 0555)

/* The list of CPUs is the host's. */
static void cpu_list(struct fs_context *fs, struct task *task, struct synth_text *t)
{
    char buf[4096];
    int fd = host_open_path("/sys/devices/system/cpu/online", LINUX_O_RDONLY | LINUX_O_CLOEXEC, 0);
    int64_t n = fd < 0 ? fd : host_pread(fd, buf, sizeof buf, 0);

    (void)fs;
    (void)task;
    if (fd >= 0)
        host_fd_close(fd);
    if (n > 0)
        synth_append(t, buf, (size_t)n);
    else
        synth_printf(t, "0\n");
}

static const struct synth_entry table[] = {
    {"", DIR, NULL, 0, NULL},
    {"block", DIR, NULL, 0, NULL},
    {"bus", DIR, NULL, 0, NULL},
    {"class", DIR, NULL, 0, NULL},
    {"class/net", DIR, NULL, 0, NULL},
    {"dev", DIR, NULL, 0, NULL},
    {"devices", DIR, NULL, 0, NULL},
    {"devices/system", DIR, NULL, 0, NULL},
    {"devices/system/cpu", DIR, NULL, 0, NULL},
    {"devices/system/cpu/online", REG, NULL, 0, cpu_list},
    {"devices/system/cpu/possible", REG, NULL, 0, cpu_list},
    {"devices/system/cpu/present", REG, NULL, 0, cpu_list},
    {"devices/system/node", DIR, NULL, 0, NULL},
    {"devices/system/node/online", REG, "0\n", 0, NULL},
    {"devices/system/node/possible", REG, "0\n", 0, NULL},
    {"fs", DIR, NULL, 0, NULL},
    {"fs/cgroup", DIR, NULL, 0, NULL},
    {"kernel", DIR, NULL, 0, NULL},
    {"kernel/mm", DIR, NULL, 0, NULL},
    {"kernel/mm/transparent_hugepage", DIR, NULL, 0, NULL},
    {"kernel/mm/transparent_hugepage/enabled", REG, "always madvise [never]\n", 0, NULL},
    {"module", DIR, NULL, 0, NULL},
    {"power", DIR, NULL, 0, NULL},
    {NULL, 0, NULL, 0, NULL},
};

static int lookup(struct fs_context *fs, struct task *task, const char *rel,
                  struct synth_node *node)
{
    const struct synth_entry *e = synth_table_find(table, rel);

    (void)fs;
    (void)task;
    if (e == NULL)
        return -LINUX_ENOENT;
    node->ops = &sysfs_ops;
    node->ino = synth_ino(rel);
    node->mode = e->mode;
    node->entry = e;
    return 0;
}

static int list(struct fs_context *fs, struct task *task, const struct synth_node *node,
                struct dir_list *l)
{
    (void)fs;
    (void)task;
    return synth_table_list(table, ((const struct synth_entry *)node->entry)->path, l);
}

static int open_node(struct fs_context *fs, struct task *task, const struct synth_node *node,
                     int flags)
{
    const struct synth_entry *e = node->entry;
    struct synth_text t = {0};

    if ((flags & LINUX_O_ACCMODE) != LINUX_O_RDONLY)
        return -LINUX_EACCES;
    if (e->fill)
        e->fill(fs, task, &t);
    else
        synth_printf(&t, "%s", e->text);
    return synth_text_open(&t, "sysfs", flags);
}

static int64_t read_link(struct fs_context *fs, struct task *task, const struct synth_node *node,
                         char *buf, size_t size)
{
    (void)fs;
    (void)task;
    (void)node;
    (void)buf;
    (void)size;
    return -LINUX_EINVAL;
}

const struct synth_ops sysfs_ops = {
    .fs_magic = LINUX_SYSFS_MAGIC,
    .dev_minor = 23,
    .fs_name = "sysfs",
    .lookup = lookup,
    .list = list,
    .open = open_node,
    .readlink = read_link,
};
