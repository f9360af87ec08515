/* synth.c - what the synthetic file systems share, and the smallest of them. */
#include "linux/fs/synth.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/io.h"
#include "linux/fs/fd_meta.h"
#include "linux/process/rlimit.h"

static bool reserve(struct synth_text *t, size_t more)
{
    if (t->failed)
        return false;
    if (t->len + more > t->cap) {
        size_t cap = (t->len + more) * 2;
        char *data = realloc(t->data, cap);
        if (data == NULL) {
            t->failed = true;
            return false;
        }
        t->data = data;
        t->cap = cap;
    }
    return true;
}

void synth_append(struct synth_text *t, const void *data, size_t len)
{
    if (len && reserve(t, len)) {
        memcpy(t->data + t->len, data, len);
        t->len += len;
    }
}

void synth_printf(struct synth_text *t, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0 || !reserve(t, (size_t)n + 1))
        return;
    va_start(ap, fmt);
    vsnprintf(t->data + t->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    t->len += (size_t)n;
}

int synth_append_file(struct synth_text *t, const char *path)
{
    char buf[16384];
    int fd = host_open_path(path, LINUX_O_RDONLY | LINUX_O_CLOEXEC, 0);
    int64_t n = 0, at = 0;

    if (fd < 0)
        return fd;
    while ((n = host_pread(fd, buf, sizeof buf, at)) > 0) {
        synth_append(t, buf, (size_t)n);
        at += n;
    }
    host_fd_close(fd);
    return n < 0 ? (int)n : 0;
}

int synth_text_open(struct synth_text *t, const char *name, int flags)
{
    bool begun = rlimit_own_file_begin(current->proc);
    int fd = t->failed ? -LINUX_ENOMEM : host_memfd_content(name, t->data, t->len);
    rlimit_own_file_end(current->proc, begun);

    free(t->data);
    if (fd < 0)
        return fd;
    /* A description of the guest's own access mode; the memfd's is read-write. */
    int own = host_reopen(fd, flags & (LINUX_O_ACCMODE | LINUX_O_CLOEXEC | LINUX_O_NONBLOCK));
    host_fd_close(fd);
    return own;
}

int synth_text_renew(struct synth_text *t, int fd)
{
    int r = t->failed ? -LINUX_ENOMEM : 0, at = -1;

    if (r == 0)
        r = at = host_reopen(fd, LINUX_O_RDWR | LINUX_O_CLOEXEC);
    if (r >= 0)
        r = host_ftruncate(at, 0);
    if (r >= 0 && t->len) {
        bool begun = rlimit_own_file_begin(current->proc);
        int64_t n = host_pwrite(at, t->data, t->len, 0);
        rlimit_own_file_end(current->proc, begun);
        r = n < 0 ? (int)n : 0;
    }
    if (at >= 0)
        host_fd_close(at);
    free(t->data);
    return r < 0 ? r : 0;
}

int synth_rewound(struct task *task, int fd)
{
    struct fd_meta *meta = fd_meta_get(task->proc->fds, fd);
    struct synth_text t = {0};
    int r = 0;

    if (meta && meta->path && LINUX_S_ISREG(meta->node.mode) && meta->node.ops->fill) {
        r = meta->node.ops->fill(task->proc->fs, task, &meta->node, &t);
        if (r < 0)
            t.len = 0; /* of a process that has ended nothing is left */
        (void)synth_text_renew(&t, fd);
    }
    fd_meta_put(meta);
    return r;
}

int synth_before_read(struct task *task, const struct synth_node *node, int fd)
{
    return node->ops->check && LINUX_S_ISREG(node->mode) && host_lseek(fd, 0, LINUX_SEEK_CUR) == 0
               ? node->ops->check(task, node)
               : 0;
}

/* What exists only for the guest is as old as the run. */
static struct linux_statx_timestamp start_of_run(void)
{
    static struct linux_statx_timestamp start;
    struct linux_statx st;

    if (start.tv_sec == 0 && current && host_statx_fd(current->proc->fs->empty_dir, &st) == 0)
        start = st.stx_btime.tv_sec ? st.stx_btime : st.stx_mtime;
    return start;
}

void synth_stat(const struct synth_node *node, struct linux_statx *st)
{
    if (node->ops->stat && node->ops->stat(node, st) == 0)
        return;
    memset(st, 0, sizeof *st);
    st->stx_mask = LINUX_STATX_BASIC_STATS;
    st->stx_blksize = 4096;
    st->stx_mode = (uint16_t)node->mode;
    st->stx_uid = node->uid;
    st->stx_gid = node->gid;
    st->stx_nlink = LINUX_S_ISDIR(node->mode) ? 2 : 1;
    st->stx_ino = node->ino;
    st->stx_dev_minor = node->ops->dev_minor;
    st->stx_rdev_major = linux_major(node->rdev);
    st->stx_rdev_minor = linux_minor(node->rdev);
    st->stx_mnt_id = node->ops->dev_minor;
    struct linux_statx_timestamp start = start_of_run();
    st->stx_atime = st->stx_mtime = st->stx_ctime = start;
}

uint64_t synth_ino(const char *rel)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a: the same name has the same number */

    for (; *rel; rel++)
        h = (h ^ (uint8_t)*rel) * 1099511628211u;
    return (h >> 16) | 1;
}

/* ---- a directory that only holds a mount point ---- */

static int phantom_lookup(struct fs_context *fs, struct task *task, const char *rel,
                          struct synth_node *node)
{
    (void)fs;
    (void)task;
    *node = (struct synth_node){
        .ops = &phantom_ops, .mode = LINUX_S_IFDIR | 0755, .ino = synth_ino(rel)};
    return 0;
}

static int phantom_list(struct fs_context *fs, struct task *task, const struct synth_node *node,
                        struct dir_list *list)
{
    (void)fs;
    (void)task;
    (void)node;
    (void)list;
    return 0;
}

static int no_open(struct fs_context *fs, struct task *task, const struct synth_node *node,
                   int flags)
{
    (void)fs;
    (void)task;
    (void)node;
    (void)flags;
    return -LINUX_EACCES;
}

static int64_t no_readlink(struct fs_context *fs, struct task *task, const struct synth_node *node,
                           char *buf, size_t size)
{
    (void)fs;
    (void)task;
    (void)node;
    (void)buf;
    (void)size;
    return -LINUX_EINVAL;
}

const struct synth_ops phantom_ops = {
    .fs_magic = LINUX_TMPFS_MAGIC,
    .dev_minor = 1,
    .fs_name = "none",
    .lookup = phantom_lookup,
    .list = phantom_list,
    .open = no_open,
    .readlink = no_readlink,
};

/* ---- fixed trees: directories and files by a table of paths ---- */

static bool host_has(const char *path)
{
    int fd = host_open_path(path, LINUX_O_PATH | LINUX_O_CLOEXEC, 0);

    if (fd >= 0)
        host_fd_close(fd);
    return fd >= 0;
}

int synth_table_fill(const struct synth_entry *e, struct fs_context *fs, struct task *task,
                     struct synth_text *t)
{
    if (e->host)
        return synth_append_file(t, e->text);
    if (e->fill)
        e->fill(fs, task, t);
    else if (e->text)
        synth_append(t, e->text, strlen(e->text));
    return 0;
}

const struct synth_entry *synth_table_find(const struct synth_entry *table, const char *rel)
{
    for (; table->path; table++)
        if (strcmp(table->path, rel) == 0)
            return table->host && !host_has(table->text) ? NULL : table;
    return NULL;
}

int synth_table_list(const struct synth_entry *table, const char *dir, struct dir_list *list)
{
    size_t n = strlen(dir);

    for (; table->path; table++) {
        const char *name = table->path;
        if (*name == '\0')
            continue;
        if (n) {
            if (strncmp(name, dir, n) != 0 || name[n] != '/')
                continue;
            name += n + 1;
        }
        if (strchr(name, '/') || (table->host && !host_has(table->text)))
            continue;
        int r = dir_list_add(list, name, synth_ino(table->path), (uint8_t)(table->mode >> 12));
        if (r < 0)
            return r;
    }
    return 0;
}
