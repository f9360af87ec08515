/*
 * procfs.c - /proc: names. The guest sees its own process and nothing of the host's.
 *
 * Below /proc/<pid>/ the same table serves the process and its threads. Links to files (exe, cwd,
 * root, fd/N) are magic: the resolver follows them to the guest's own place (resolve.c), never
 * through the host's /proc.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/io.h"
#include "linux/fs/fdtable.h"
#include "linux/fs/procfs.h"
#include "linux/process/task.h"

#define MAX_TIDS 4096

/* node->kind: what kind of name it is. */
enum {
    SYSTEM,
    TASK_DIR,
    TASK_FILE,
    TASK_LIST,
    FD_DIR,
    FD_LINK,
    FDINFO_DIR,
    FDINFO_FILE,
    SELF,
    THREAD_SELF
};

static const struct proc_entry *task_entry(const char *name)
{
    const struct proc_entry *e;

    for (e = proc_task_entries; e->name; e++)
        if (strcmp(e->name, name) == 0)
            return e;
    return NULL;
}

static bool number(const char **s, int32_t *out)
{
    const char *p = *s;
    int64_t v = 0;

    if (*p < '0' || *p > '9' || (*p == '0' && p[1] >= '0' && p[1] <= '9'))
        return false;
    for (; *p >= '0' && *p <= '9'; p++) {
        v = v * 10 + (*p - '0');
        if (v > INT32_MAX)
            return false;
    }
    if (*p != '\0' && *p != '/')
        return false;
    *s = *p == '/' ? p + 1 : p;
    *out = (int32_t)v;
    return true;
}

static bool tid_exists(struct process *proc, int32_t tid)
{
    char name[16];

    return tid > 0 && task_get_name(proc, tid, name) == 0;
}

/* fd/N and fdinfo/N. */
static int lookup_fd(const char *rest, int kind, struct synth_node *node)
{
    int32_t fd;

    if (!number(&rest, &fd) || *rest != '\0' || !fd_is_guest((uint32_t)fd))
        return -LINUX_ENOENT;
    int fl = host_getfl(fd);
    if (fl < 0)
        return -LINUX_ENOENT;
    node->kind = kind;
    node->fd = fd;
    if (kind == FDINFO_FILE) {
        node->mode = LINUX_S_IFREG | 0444;
        return 0;
    }
    int acc = fl & LINUX_O_ACCMODE;
    node->mode = LINUX_S_IFLNK | 0100 | (acc != LINUX_O_WRONLY ? 0400 : 0) |
                 (acc != LINUX_O_RDONLY ? 0200 : 0);
    node->jump = SYNTH_JUMP_FD;
    return 0;
}

/* Below /proc/<tid>/, or /proc/<pid>/task/<tid>/ when nested. */
static int lookup_task(struct task *task, const char *rest, bool nested, struct synth_node *node)
{
    const struct proc_entry *e;

    if (*rest == '\0') {
        node->kind = TASK_DIR;
        node->mode = LINUX_S_IFDIR | 0555;
        node->fd = nested;
        return 0;
    }
    if (!nested && strncmp(rest, "task", 4) == 0 && (rest[4] == '\0' || rest[4] == '/')) {
        if (rest[4] == '\0') {
            node->kind = TASK_LIST;
            node->mode = LINUX_S_IFDIR | 0555;
            return 0;
        }
        rest += 5;
        if (!number(&rest, &node->tid) || !tid_exists(task->proc, node->tid))
            return -LINUX_ENOENT;
        return lookup_task(task, rest, true, node);
    }
    if (strncmp(rest, "fd/", 3) == 0)
        return lookup_fd(rest + 3, FD_LINK, node);
    if (strncmp(rest, "fdinfo/", 7) == 0)
        return lookup_fd(rest + 7, FDINFO_FILE, node);
    e = task_entry(rest);
    if (e == NULL || (nested && e->process_only))
        return -LINUX_ENOENT;
    node->kind = strcmp(rest, "fd") == 0       ? FD_DIR
                 : strcmp(rest, "fdinfo") == 0 ? FDINFO_DIR
                                               : TASK_FILE;
    node->mode = e->mode;
    node->jump = e->jump;
    node->entry = e;
    return 0;
}

/* task_dump_owner(): what only the owner may read (environ) is the process's own user's, unless the
 * process must not be dumped. proc_fd_permission(): it sees its own descriptors all the same. */
static void set_owner(const struct process *proc, struct synth_node *node)
{
    if (node->mode != (LINUX_S_IFDIR | 0555) && node->kind != FD_DIR && proc->dumpable != 1)
        return;
    node->uid = proc->cred.euid;
    node->gid = proc->cred.egid;
}

static int lookup(struct fs_context *fs, struct task *task, const char *rel,
                  struct synth_node *node)
{
    const struct synth_entry *e;
    const char *rest = rel;

    (void)fs;
    node->ops = &procfs_ops;
    node->ino = synth_ino(rel);
    if (strcmp(rel, "self") == 0 || strcmp(rel, "thread-self") == 0) {
        if (task == NULL)
            return -LINUX_ENOENT;
        node->kind = rel[0] == 's' ? SELF : THREAD_SELF;
        node->mode = LINUX_S_IFLNK | 0777;
        return 0;
    }
    if (number(&rest, &node->tid)) {
        if (task == NULL || (node->tid != task->proc->pid && !tid_exists(task->proc, node->tid)))
            return -LINUX_ENOENT;
        int r = lookup_task(task, rest, false, node);
        if (r == 0)
            set_owner(task->proc, node);
        return r;
    }
    e = synth_table_find(proc_system_entries, rel);
    if (e == NULL)
        return -LINUX_ENOENT;
    node->kind = SYSTEM;
    node->mode = e->mode;
    node->entry = e;
    return 0;
}

static int list_numbers(struct dir_list *list, const int32_t *n, uint32_t count, const char *prefix,
                        uint8_t type)
{
    char name[16], path[64];
    int r = 0;

    for (uint32_t i = 0; i < count && r == 0; i++) {
        snprintf(name, sizeof name, "%d", n[i]);
        snprintf(path, sizeof path, "%s%d", prefix, n[i]);
        r = dir_list_add(list, name, synth_ino(path), type);
    }
    return r;
}

static int compare_ints(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static int list_fds(struct dir_list *list, bool links)
{
    int *fds = malloc(65536 * sizeof *fds), n, kept = 0, r;

    if (fds == NULL)
        return -LINUX_ENOMEM;
    n = host_list_fds(fds, 65536, false);
    for (int i = 0; i < n; i++)
        if (fds[i] < host_fd_boundary())
            fds[kept++] = fds[i];
    if (n >= 0)
        qsort(fds, (size_t)kept, sizeof *fds, compare_ints);
    r = n < 0 ? n
              : list_numbers(list, fds, (uint32_t)kept, "fd/", links ? LINUX_DT_LNK : LINUX_DT_REG);
    free(fds);
    return r;
}

static int list_task(const struct synth_node *node, struct dir_list *list)
{
    bool nested = node->fd != 0;
    int r = nested ? 0 : dir_list_add(list, "task", synth_ino("task"), LINUX_DT_DIR);

    for (const struct proc_entry *e = proc_task_entries; e->name && r == 0; e++)
        if (!(nested && e->process_only) && strchr(e->name, '/') == NULL)
            r = dir_list_add(list, e->name, synth_ino(e->name), (uint8_t)(e->mode >> 12));
    return r;
}

static int list(struct fs_context *fs, struct task *task, const struct synth_node *node,
                struct dir_list *l)
{
    int32_t tids[MAX_TIDS];
    int r;

    (void)fs;
    switch (node->kind) {
    case TASK_DIR: return list_task(node, l);
    case TASK_LIST: {
        uint32_t n = task_tids(task->proc, tids, MAX_TIDS);
        return list_numbers(l, tids, n < MAX_TIDS ? n : MAX_TIDS, "task/", LINUX_DT_DIR);
    }
    case FD_DIR: return list_fds(l, true);
    case FDINFO_DIR: return list_fds(l, false);
    case TASK_FILE: { /* net, attr, ns: the names below it in the table */
        const struct proc_entry *dir = node->entry;
        size_t n = strlen(dir->name);
        r = 0;
        for (const struct proc_entry *e = proc_task_entries; e->name && r == 0; e++)
            if (strncmp(e->name, dir->name, n) == 0 && e->name[n] == '/')
                r = dir_list_add(l, e->name + n + 1, synth_ino(e->name), (uint8_t)(e->mode >> 12));
        return r;
    }
    default: break;
    }
    const struct synth_entry *e = node->entry;
    r = synth_table_list(proc_system_entries, e->path, l);
    if (r == 0 && e->path[0] == '\0') {
        r = dir_list_add(l, "self", synth_ino("self"), LINUX_DT_LNK);
        if (r == 0)
            r = dir_list_add(l, "thread-self", synth_ino("thread-self"), LINUX_DT_LNK);
        if (r == 0)
            r = list_numbers(l, &task->proc->pid, 1, "", LINUX_DT_DIR);
    }
    return r;
}

/* The host's fdinfo, with the flags and mount of the guest's view. */
static void fill_fdinfo(int fd, struct synth_text *t)
{
    struct synth_text host = {0};
    char path[48];

    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    proc_host_file(&host, path);
    synth_append(&host, "", 1);
    for (char *line = host.data; line && *line;) {
        char *end = strchr(line, '\n');
        size_t len = end ? (size_t)(end - line) + 1 : strlen(line);
        if (strncmp(line, "flags:", 6) == 0) {
            unsigned flags = (unsigned)host_getfl(fd);
            if (host_fcntl(fd, LINUX_F_GETFD, 0) > 0)
                flags |= LINUX_O_CLOEXEC;
            synth_printf(t, "flags:\t0%o\n", flags);
        } else
            synth_append(t, line, len);
        line += len;
    }
    free(host.data);
}

static int open_node(struct fs_context *fs, struct task *task, const struct synth_node *node,
                     int flags)
{
    struct synth_text t = {0};
    bool write = (flags & LINUX_O_ACCMODE) != LINUX_O_RDONLY;

    if (node->kind == FDINFO_FILE) {
        if (write)
            return -LINUX_EACCES;
        fill_fdinfo(node->fd, &t);
    } else if (node->kind == SYSTEM) {
        const struct synth_entry *e = node->entry;
        if (write)
            return -LINUX_EACCES;
        if (e->fill)
            e->fill(fs, task, &t);
        else
            synth_printf(&t, "%s", e->text);
    } else if (node->kind == TASK_FILE) {
        const struct proc_entry *e = node->entry;
        struct proc_req req = {fs, task, node->tid};
        if (e->fill == NULL || (write && e->write == NULL))
            return -LINUX_EACCES;
        e->fill(&req, &t);
    } else
        return -LINUX_EACCES;
    return synth_text_open(&t, "proc", flags);
}

static int64_t read_link(struct fs_context *fs, struct task *task, const struct synth_node *node,
                         char *buf, size_t size)
{
    char path[LINUX_PATH_MAX];
    int64_t n;

    if (node->kind == SELF)
        n = snprintf(path, sizeof path, "%d", task->proc->pid);
    else if (node->kind == THREAD_SELF)
        n = snprintf(path, sizeof path, "%d/task/%d", task->proc->pid, task->tid);
    else if (node->jump == SYNTH_JUMP_FD)
        n = fs_path_of(task, node->fd, path, sizeof path);
    else if (node->jump == SYNTH_JUMP_EXE)
        n = task->proc->exe ? snprintf(path, sizeof path, "%s", task->proc->exe) : -LINUX_ENOENT;
    else if (node->jump == SYNTH_JUMP_CWD) {
        n = fs_dir_path(fs, task, LINUX_AT_FDCWD, path);
        n = n < 0 ? snprintf(path, sizeof path, "(deleted)") : (int64_t)strlen(path);
    } else if (node->jump == SYNTH_JUMP_ROOT)
        n = snprintf(path, sizeof path, "/");
    else if (node->kind == SYSTEM) {
        const struct synth_entry *e = node->entry;
        n = snprintf(path, sizeof path, "%s", e->text);
    } else {
        /* Links whose target is text that depends on nothing (ns/...). */
        const struct proc_entry *e = node->entry;
        struct synth_text t = {0};
        if (e == NULL || e->fill == NULL)
            return -LINUX_EINVAL;
        e->fill(&(struct proc_req){fs, task, node->tid}, &t);
        n = t.failed ? -LINUX_ENOMEM : (int64_t)(t.len < size ? t.len : size);
        if (n > 0)
            memcpy(buf, t.data, (size_t)n);
        free(t.data);
        return n;
    }
    if (n > 0)
        memcpy(buf, path, (size_t)n < size ? (size_t)n : size);
    return n;
}

static int64_t write_node(struct task *task, const struct synth_node *node, const char *data,
                          size_t len)
{
    const struct proc_entry *e = node->kind == TASK_FILE ? node->entry : NULL;

    return e && e->write ? e->write(task, node, data, len) : -LINUX_EINVAL;
}

const struct synth_ops procfs_ops = {
    .fs_magic = LINUX_PROC_SUPER_MAGIC,
    .dev_minor = 22,
    .fs_name = "proc",
    .lookup = lookup,
    .list = list,
    .open = open_node,
    .readlink = read_link,
    .write = write_node,
};
