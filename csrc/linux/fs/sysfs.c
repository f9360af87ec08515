/*
 * sysfs.c - the files of /sys that programs look for to count processors, caches, nodes and page
 * sizes. Those of the machine are the host's, by a list of names: whatever else the host has there
 * does not exist.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/file.h"
#include "host/io.h"
#include "linux/fs/synth.h"

#define REG (LINUX_S_IFREG | 0444)
#define DIR (LINUX_S_IFDIR | 0555)

#define D(path)                                                                                    \
    {                                                                                              \
        path, DIR, NULL, 0, NULL, false                                                            \
    }
#define T(path, text)                                                                              \
    {                                                                                              \
        path, REG, text, 0, NULL, false                                                            \
    }
#define H(path)                                                                                    \
    {                                                                                              \
        path, REG, "/sys/" path, 0, NULL, true                                                     \
    }

#define CPU  "devices/system/cpu/"
#define NODE "devices/system/node/"
#define THP  "kernel/mm/transparent_hugepage/"

static const struct synth_entry table[] = {
    D(""),
    D("block"),
    D("bus"),
    D("class"),
    D("class/block"),
    D("class/net"),
    D("dev"),
    D("dev/block"),
    D("dev/char"),
    D("devices"),
    D("devices/system"),
    D("devices/system/cpu"),
    H(CPU "isolated"),
    H(CPU "kernel_max"),
    H(CPU "offline"),
    H(CPU "online"),
    H(CPU "possible"),
    H(CPU "present"),
    D("devices/system/node"),
    H(NODE "has_cpu"),
    H(NODE "has_memory"),
    H(NODE "has_normal_memory"),
    H(NODE "online"),
    H(NODE "possible"),
    D("devices/virtual"),
    D("firmware"),
    D("fs"),
    D("fs/cgroup"),
    D("kernel"),
    D("kernel/mm"),
    D("kernel/mm/hugepages"),
    D("kernel/mm/transparent_hugepage"),
    T(THP "defrag", "always defer defer+madvise [madvise] never\n"),
    T(THP "enabled", "always madvise [never]\n"),
    T(THP "hpage_pmd_size", "2097152\n"),
    T(THP "shmem_enabled", "always within_size advise [never] deny force\n"),
    T(THP "use_zero_page", "1\n"),
    D("module"),
    D("power"),
    {NULL, 0, NULL, 0, NULL, false},
};

static const char *const cpu_names[] = {
    "cache",
    "cpu_capacity",
    "cpufreq",
    "cpufreq/cpuinfo_max_freq",
    "cpufreq/cpuinfo_min_freq",
    "cpufreq/scaling_cur_freq",
    "cpufreq/scaling_governor",
    "cpufreq/scaling_max_freq",
    "cpufreq/scaling_min_freq",
    "online",
    "topology",
    "topology/cluster_cpus",
    "topology/cluster_cpus_list",
    "topology/cluster_id",
    "topology/core_cpus",
    "topology/core_cpus_list",
    "topology/core_id",
    "topology/core_siblings",
    "topology/core_siblings_list",
    "topology/package_cpus",
    "topology/package_cpus_list",
    "topology/physical_package_id",
    "topology/thread_siblings",
    "topology/thread_siblings_list",
    NULL,
};

static const char *const cache_names[] = {
    "coherency_line_size", "id",   "level", "number_of_sets",        "shared_cpu_list",
    "shared_cpu_map",      "size", "type",  "ways_of_associativity", NULL,
};

static const char *const node_names[] = {"cpulist",  "cpumap", "distance", "meminfo",
                                         "numastat", "vmstat", NULL};

/*
 * Directories of which there is one for each number that the host has, and what may be below them.
 * A node there has no row: its kind is 1 + the place here, pid the number, fd the number of the
 * cache or -1, entry the name or NULL for the directory itself.
 */
static const struct numbered {
    const char *prefix; /* up to the number */
    const char *const *names;
} kinds[] = {
    {"devices/system/cpu/cpu", cpu_names},
    {"devices/system/node/node", node_names},
};
#define KINDS  (int)(sizeof kinds / sizeof kinds[0])
#define CACHE  "cache/index"
#define DIGITS "0123456789"

/* Takes prefix and a number off *rel, and the slash behind: false when it does not begin so. */
static bool take_number(const char **rel, const char *prefix, int *number)
{
    size_t n = strlen(prefix), digits;

    if (strncmp(*rel, prefix, n) != 0 || (digits = strspn(*rel + n, DIGITS)) == 0 || digits > 6)
        return false;
    const char *end = *rel + n + digits;
    if (*end != '\0' && (*end != '/' || end[1] == '\0'))
        return false;
    *number = atoi(*rel + n);
    *rel = *end ? end + 1 : end;
    return true;
}

/* The name in the list, which stays where it is. */
static const char *listed(const char *const *names, const char *name)
{
    for (; *names; names++)
        if (strcmp(*names, name) == 0)
            return *names;
    return NULL;
}

static void host_path(const struct synth_node *node, const char *name, char *path, size_t size)
{
    int n = snprintf(path, size, "/sys/%s%d", kinds[node->kind - 1].prefix, node->pid);

    if (node->fd >= 0)
        n += snprintf(path + n, size - (size_t)n, "/" CACHE "%d", node->fd);
    if (name)
        snprintf(path + n, size - (size_t)n, "/%s", name);
}

/* Mode of a file or directory of the host, as it is shown here; 0: there is none. */
static uint32_t host_mode(const char *path)
{
    struct linux_statx st;
    int fd = host_open_path(path, LINUX_O_PATH | LINUX_O_CLOEXEC, 0);

    if (fd < 0)
        return 0;
    int r = host_statx_fd(fd, &st);
    host_fd_close(fd);
    return r < 0 ? 0 : LINUX_S_ISDIR(st.stx_mode) ? DIR : LINUX_S_ISREG(st.stx_mode) ? REG : 0;
}

static int lookup_numbered(const char *rel, struct synth_node *node)
{
    char path[256];
    const char *name = NULL;
    int i = 0;

    while (i < KINDS && !take_number(&rel, kinds[i].prefix, &node->pid))
        i++;
    if (i == KINDS)
        return -LINUX_ENOENT;
    node->kind = i + 1;
    node->fd = -1;
    const char *const *names = kinds[i].names;
    if (i == 0 && take_number(&rel, CACHE, &node->fd))
        names = cache_names;
    if (*rel && (name = listed(names, rel)) == NULL)
        return -LINUX_ENOENT;
    node->entry = name;
    host_path(node, name, path, sizeof path);
    node->mode = host_mode(path);
    return node->mode ? 0 : -LINUX_ENOENT;
}

static int lookup(struct fs_context *fs, struct task *task, const char *rel,
                  struct synth_node *node)
{
    const struct synth_entry *e = synth_table_find(table, rel);

    (void)fs;
    (void)task;
    node->ops = &sysfs_ops;
    node->ino = synth_ino(rel);
    if (e == NULL)
        return lookup_numbered(rel, node);
    node->mode = e->mode;
    node->entry = e;
    return 0;
}

/* ---- listing ---- */

/* The host's directory `path`: names that begin with prefix and a number. */
static int list_numbers(const char *path, const char *prefix, const char *rel,
                        struct dir_list *list)
{
    _Alignas(struct linux_dirent64) char buf[8192];
    size_t skip = strlen(prefix);
    char full[256];
    int64_t n;
    int r = 0;
    int dir = host_open_path(path, LINUX_O_RDONLY | LINUX_O_DIRECTORY | LINUX_O_CLOEXEC, 0);

    if (dir < 0)
        return 0;
    while (r == 0 && (n = host_getdents64(dir, buf, sizeof buf)) > 0) {
        for (int64_t at = 0; at < n && r == 0;) {
            const struct linux_dirent64 *d = (const void *)(buf + at);
            const char *digits = d->d_name + skip;
            at += d->d_reclen;
            if (strncmp(d->d_name, prefix, skip) != 0 || strspn(digits, DIGITS) == 0 ||
                digits[strspn(digits, DIGITS)] != '\0')
                continue;
            if (snprintf(full, sizeof full, "%s/%s", rel, d->d_name) >= (int)sizeof full)
                continue;
            r = dir_list_add(list, d->d_name, synth_ino(full), LINUX_DT_DIR);
        }
    }
    host_fd_close(dir);
    return r;
}

static int list_numbered(const struct synth_node *node, struct dir_list *list)
{
    const char *below = node->entry ? node->entry : "";
    const char *const *names = node->fd >= 0 ? cache_names : kinds[node->kind - 1].names;
    size_t n = strlen(below);
    char path[256];
    int r = 0;

    for (; r == 0 && *names; names++) {
        const char *name = *names;
        if (n && (strncmp(name, below, n) != 0 || name[n] != '/'))
            continue;
        name += n ? n + 1 : 0;
        host_path(node, *names, path, sizeof path);
        uint32_t mode = strchr(name, '/') ? 0 : host_mode(path);
        if (mode)
            r = dir_list_add(list, name, synth_ino(path + sizeof "/sys/" - 1),
                             (uint8_t)(mode >> 12));
    }
    if (r == 0 && strcmp(below, "cache") == 0) {
        host_path(node, "cache", path, sizeof path);
        r = list_numbers(path, "index", path + sizeof "/sys/" - 1, list);
    }
    return r;
}

static int list(struct fs_context *fs, struct task *task, const struct synth_node *node,
                struct dir_list *l)
{
    (void)fs;
    (void)task;
    if (node->kind)
        return list_numbered(node, l);
    const char *rel = ((const struct synth_entry *)node->entry)->path;
    int r = synth_table_list(table, rel, l);
    if (r == 0 && strcmp(rel, "devices/system/cpu") == 0)
        r = list_numbers("/sys/devices/system/cpu", "cpu", rel, l);
    if (r == 0 && strcmp(rel, "devices/system/node") == 0)
        r = list_numbers("/sys/devices/system/node", "node", rel, l);
    return r;
}

/* ---- files ---- */

static int fill(struct fs_context *fs, struct task *task, const struct synth_node *node,
                struct synth_text *t)
{
    char path[256];

    if (node->kind == 0)
        return synth_table_fill(node->entry, fs, task, t);
    host_path(node, node->entry, path, sizeof path);
    return synth_append_file(t, path);
}

static int open_node(struct fs_context *fs, struct task *task, const struct synth_node *node,
                     int flags)
{
    struct synth_text t = {0};

    if ((flags & LINUX_O_ACCMODE) != LINUX_O_RDONLY)
        return -LINUX_EACCES;
    int r = fill(fs, task, node, &t);
    if (r < 0) {
        free(t.data);
        return r;
    }
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
    .fill = fill,
    .readlink = read_link,
};
