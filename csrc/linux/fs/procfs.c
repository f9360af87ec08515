/*
 * procfs.c - /proc: names. The guest sees the processes of its run and nothing of the host's.
 *
 * Below /proc/<pid>/ the same table serves a process and its threads. Links to files (exe, cwd,
 * root, fd/N) are magic: the resolver follows them to the guest's own place (resolve.c), never
 * through the host's /proc.
 */
#include "linux/fs/procfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/io.h"
#include "linux/fs/fdtable.h"
#include "linux/process/pid.h"
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
    NAMESPACE,
    SELF,
    THREAD_SELF
};

static bool is_here(const struct proc_entry *e, bool nested)
{
    return e->where == PROC_BOTH || e->where == (nested ? PROC_THREAD : PROC_PROCESS);
}

static const struct proc_entry *task_entry(const char *name, bool nested)
{
    const struct proc_entry *e;

    for (e = proc_task_entries; e->name; e++)
        if (strcmp(e->name, name) == 0 && is_here(e, nested))
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

/* fd/N and fdinfo/N. */
static int lookup_fd(const struct proc_view *v, const char *rest, bool info,
                     struct synth_node *node)
{
    int32_t fd;

    if (!number(&rest, &fd) || *rest != '\0' || fd >= host_fd_most())
        return -LINUX_ENOENT;
    node->kind = info ? FDINFO_FILE : FD_LINK;
    return proc_fd_lookup(v, fd, info, node);
}

/* Below /proc/<tid>/, or /proc/<pid>/task/<tid>/ when nested. */
static int lookup_task(const struct proc_view *v, const char *rest, struct synth_node *node)
{
    const struct proc_entry *e;

    if (*rest == '\0') {
        node->kind = TASK_DIR;
        node->mode = LINUX_S_IFDIR | 0555;
        return 0;
    }
    if (!node->nested && strncmp(rest, "task", 4) == 0 && (rest[4] == '\0' || rest[4] == '/')) {
        if (rest[4] == '\0') {
            node->kind = TASK_LIST;
            node->mode = LINUX_S_IFDIR | 0555;
            return 0;
        }
        rest += 5;
        if (!number(&rest, &node->tid) || !proc_view_thread(v, node->tid))
            return -LINUX_ENOENT;
        node->nested = true;
        return lookup_task(v, rest, node);
    }
    if (strncmp(rest, "fd/", 3) == 0)
        return lookup_fd(v, rest + 3, false, node);
    if (strncmp(rest, "fdinfo/", 7) == 0)
        return lookup_fd(v, rest + 7, true, node);
    e = task_entry(rest, node->nested);
    if (e == NULL)
        return -LINUX_ENOENT;
    node->kind = strcmp(rest, "fd") == 0       ? FD_DIR
                 : strcmp(rest, "fdinfo") == 0 ? FDINFO_DIR
                                               : TASK_FILE;
    node->mode = e->mode;
    node->jump = e->jump;
    node->entry = e;
    return 0;
}

/* The process that a number, its own or a thread's, is of; 0: none. */
static int32_t process_of(struct task *task, int32_t n)
{
    const struct pid_entry *e = task ? pid_entry(task->proc->pids, n) : NULL;

    return e == NULL ? 0 : e->kind == PID_THREAD ? e->tgid : n;
}

/* task_dump_owner(): what only the owner may read (environ) is the process's own user's, unless the
 * process must not be dumped. proc_fd_permission(): it sees its own descriptors all the same. */
static void set_owner(const struct proc_view *v, struct synth_node *node)
{
    bool own_fds = v->own && node->kind == FD_DIR;

    if (node->mode != (LINUX_S_IFDIR | 0555) && !own_fds && v->proc->dumpable != 1)
        return;
    node->uid = v->proc->cred.euid;
    node->gid = v->proc->cred.egid;
}

static int lookup_process(struct task *task, const char *rest, struct synth_node *node)
{
    struct proc_view v;
    int r;

    node->pid = process_of(task, node->tid);
    if (node->pid == 0 || proc_view_get(&v, task, node->pid) < 0)
        return -LINUX_ENOENT;
    r = lookup_task(&v, rest, node);
    if (r == 0)
        set_owner(&v, node);
    proc_view_put(&v);
    return r;
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
    if (number(&rest, &node->tid))
        return lookup_process(task, rest, node);
    e = synth_table_find(proc_system_entries, rel);
    if (e == NULL)
        return -LINUX_ENOENT;
    node->kind = SYSTEM;
    node->mode = e->mode;
    node->entry = e;
    return 0;
}

/* ---- listing ---- */

static int list_number(struct dir_list *list, int32_t n, const char *prefix)
{
    char name[16], path[64];

    snprintf(name, sizeof name, "%d", n);
    snprintf(path, sizeof path, "%s%d", prefix, n);
    return dir_list_add(list, name, synth_ino(path), LINUX_DT_DIR);
}

static int list_threads(const struct proc_view *v, const char *prefix, struct dir_list *list)
{
    int32_t *tids = malloc(MAX_TIDS * sizeof *tids);
    int r = 0;

    if (tids == NULL)
        return -LINUX_ENOMEM;
    uint32_t n = proc_threads(v, tids, MAX_TIDS);
    for (uint32_t i = 0; i < n && i < MAX_TIDS && r == 0; i++)
        r = list_number(list, tids[i], prefix);
    free(tids);
    return r;
}

static int list_entry(const char *prefix, const char *path, uint32_t mode, struct dir_list *list)
{
    char full[128];
    const char *name = strrchr(path, '/');

    snprintf(full, sizeof full, "%s%s", prefix, path);
    return dir_list_add(list, name ? name + 1 : path, synth_ino(full), (uint8_t)(mode >> 12));
}

static int list_task(const struct synth_node *node, const char *prefix, struct dir_list *list)
{
    int r = node->nested ? 0 : list_entry(prefix, "task", LINUX_S_IFDIR, list);

    for (const struct proc_entry *e = proc_task_entries; e->name && r == 0; e++)
        if (is_here(e, node->nested) && strchr(e->name, '/') == NULL)
            r = list_entry(prefix, e->name, e->mode, list);
    return r;
}

/* net, attr, ns: the names below it in the table. */
static int list_below(const struct proc_entry *dir, const char *prefix, struct dir_list *list)
{
    size_t n = strlen(dir->name);
    int r = 0;

    for (const struct proc_entry *e = proc_task_entries; e->name && r == 0; e++)
        if (strncmp(e->name, dir->name, n) == 0 && e->name[n] == '/')
            r = list_entry(prefix, e->name, e->mode, list);
    return r;
}

static int list_process(struct task *task, const struct synth_node *node, struct dir_list *list)
{
    struct proc_view v;
    char prefix[64];
    int r;

    if (proc_view_get(&v, task, node->pid) < 0)
        return -LINUX_ENOENT;
    /* As the path below /proc that the names are looked up by: numbers of inodes come from it. */
    size_t n = (size_t)snprintf(prefix, sizeof prefix, node->nested ? "%d/task/%d/" : "%d/",
                                node->nested ? node->pid : node->tid, node->tid);
    switch (node->kind) {
    case TASK_DIR: r = list_task(node, prefix, list); break;
    case TASK_LIST:
        snprintf(prefix + n, sizeof prefix - n, "task/");
        r = list_threads(&v, prefix, list);
        break;
    case FD_DIR:
    case FDINFO_DIR: {
        bool info = node->kind == FDINFO_DIR;
        snprintf(prefix + n, sizeof prefix - n, info ? "fdinfo/" : "fd/");
        /* proc_fdinfo_access_allowed() */
        r = info && !proc_view_allowed(&v) ? -LINUX_EACCES : proc_fd_list(&v, prefix, info, list);
        break;
    }
    default: r = list_below(node->entry, prefix, list); break;
    }
    proc_view_put(&v);
    return r;
}

static int list(struct fs_context *fs, struct task *task, const struct synth_node *node,
                struct dir_list *l)
{
    int r;

    (void)fs;
    if (node->kind != SYSTEM)
        return list_process(task, node, l);
    const struct synth_entry *e = node->entry;
    r = synth_table_list(proc_system_entries, e->path, l);
    if (r == 0 && e->path[0] == '\0') {
        r = dir_list_add(l, "self", synth_ino("self"), LINUX_DT_LNK);
        if (r == 0)
            r = dir_list_add(l, "thread-self", synth_ino("thread-self"), LINUX_DT_LNK);
        for (int32_t n = 0; r == 0 && (n = pid_next(task->proc, n)) != 0;)
            r = list_number(l, n, "");
    }
    return r;
}

/* ---- files ---- */

static int guarded(const struct proc_entry *e, const struct proc_view *v)
{
    if (e->guard == PROC_OPEN || proc_view_allowed(v))
        return 0;
    return e->guard == PROC_LOOK ? -LINUX_EACCES : -LINUX_EPERM;
}

static int fill_process(struct fs_context *fs, struct task *task, const struct synth_node *node,
                        struct synth_text *t)
{
    const struct proc_entry *e = node->entry;
    struct proc_view v;
    int r;

    if (proc_view_get(&v, task, node->pid) < 0)
        return -LINUX_ESRCH;
    if (node->kind == FDINFO_FILE) {
        r = proc_view_allowed(&v) ? proc_fd_info(&v, node->fd, t) : -LINUX_EACCES;
    } else {
        struct proc_req req = {fs, task, &v, node->tid, node->nested};
        r = guarded(e, &v);
        if (r == 0 && e->fill)
            r = e->fill(&req, t);
    }
    proc_view_put(&v);
    return r;
}

static int fill(struct fs_context *fs, struct task *task, const struct synth_node *node,
                struct synth_text *t)
{
    if (node->kind == FDINFO_FILE || node->kind == TASK_FILE)
        return fill_process(fs, task, node, t);
    if (node->kind == NAMESPACE)
        return 0;
    if (node->kind != SYSTEM)
        return -LINUX_EACCES;
    return synth_table_fill(node->entry, fs, task, t);
}

static int open_node(struct fs_context *fs, struct task *task, const struct synth_node *node,
                     int flags)
{
    struct synth_text t = {0};
    bool write = (flags & LINUX_O_ACCMODE) != LINUX_O_RDONLY;
    const struct proc_entry *e = node->kind == TASK_FILE ? node->entry : NULL;

    if (write && (e == NULL || e->write == NULL))
        return -LINUX_EACCES;
    int r = fill(fs, task, node, &t);
    if (r < 0) {
        free(t.data);
        return r;
    }
    return synth_text_open(&t, "proc", flags);
}

/* Files show what get_pid_task() finds; those of the memory (environ, auxv) keep it, and are at
 * their end. */
static int check(struct task *task, const struct synth_node *node)
{
    if (node->kind != TASK_FILE && node->kind != FDINFO_FILE)
        return 0;
    return node->pid == task->proc->pid || pid_exists(task->proc, node->pid) ? 0 : -LINUX_ESRCH;
}

static int64_t write_node(struct task *task, const struct synth_node *node, const char *data,
                          size_t len)
{
    const struct proc_entry *e = node->kind == TASK_FILE ? node->entry : NULL;
    struct proc_view v;

    if (e == NULL || e->write == NULL)
        return -LINUX_EINVAL;
    if (proc_view_get(&v, task, node->pid) < 0)
        return -LINUX_ESRCH;
    struct proc_req req = {task->proc->fs, task, &v, node->tid, node->nested};
    int64_t r = e->write(&req, data, len);
    proc_view_put(&v);
    return r;
}

/* ---- links ---- */

static int exe_path(const struct proc_view *v, char *path)
{
    const struct pid_text *text = pid_text(v->task->proc->pids, v->pid);
    char host[LINUX_PATH_MAX];

    if (v->readable) {
        if (v->proc->exe_fd < 0)
            return -LINUX_ENOENT;
        if (proc_view_object(v, v->proc->exe_fd, path, host) < 0)
            /* Memory (memfd_create), as the host calls it; what else has no name has lost it. */
            strcpy(path, strncmp(host, "/memfd:", 7) == 0 ? host : "(deleted)");
        return 0;
    }
    if (v->zombie || text == NULL || text->exe[0] == '\0')
        return -LINUX_ENOENT;
    snprintf(path, LINUX_PATH_MAX, "%.*s", (int)sizeof text->exe, text->exe);
    return 0;
}

/* Where the link of the process leads: canonical for places, as it is shown for others. */
static int64_t process_link(struct fs_context *fs, struct proc_view *v,
                            const struct synth_node *node, char *path)
{
    const struct proc_entry *e = node->entry;
    int r = 0;

    /* proc_fd_access_allowed() */
    if (!proc_view_allowed(v))
        return -LINUX_EACCES;
    switch (node->jump) {
    case SYNTH_JUMP_FD: return proc_fd_path(v, node->fd, path, LINUX_PATH_MAX);
    case SYNTH_JUMP_EXE: r = exe_path(v, path); break;
    case SYNTH_JUMP_CWD: r = proc_view_place(v, false, path); break;
    case SYNTH_JUMP_ROOT: r = proc_view_place(v, true, path); break;
    default: {
        struct proc_req req = {fs, v->task, v, node->tid, node->nested};
        struct synth_text t = {0};
        if (e == NULL || e->fill == NULL)
            return -LINUX_EINVAL;
        r = e->fill(&req, &t);
        size_t n = t.len < LINUX_PATH_MAX ? t.len : LINUX_PATH_MAX - 1;
        if (r == 0)
            memcpy(path, t.data, n);
        path[n] = '\0';
        free(t.data);
        break;
    }
    }
    return r < 0 ? r : (int64_t)strlen(path);
}

static int64_t read_link(struct fs_context *fs, struct task *task, const struct synth_node *node,
                         char *buf, size_t size)
{
    char path[LINUX_PATH_MAX];
    struct proc_view v;
    int64_t n;

    if (node->kind == SELF)
        n = snprintf(path, sizeof path, "%d", task->proc->pid);
    else if (node->kind == THREAD_SELF)
        n = snprintf(path, sizeof path, "%d/task/%d", task->proc->pid, task->tid);
    else if (node->kind == SYSTEM)
        n = snprintf(path, sizeof path, "%s", ((const struct synth_entry *)node->entry)->text);
    else {
        if (proc_view_get(&v, task, node->pid) < 0)
            return -LINUX_ENOENT;
        n = process_link(fs, &v, node, path);
        proc_view_put(&v);
        if (n > 0 && node->jump != SYNTH_JUMP_FD && path[0] == '/') {
            (void)fs_path_below_root(fs, path);
            n = (int64_t)strlen(path);
        }
    }
    if (n > 0)
        memcpy(buf, path, (size_t)n < size ? (size_t)n : size);
    return n > (int64_t)size ? (int64_t)size : n;
}

/* ns/...: nothing can be done with it but to compare its number. */
static void become_namespace(struct synth_node *node, const char *text)
{
    const char *number = strchr(text, '[');

    node->kind = NAMESPACE;
    node->jump = SYNTH_NO_JUMP;
    node->mode = LINUX_S_IFREG | 0444;
    node->ino = number ? strtoull(number + 1, NULL, 10) : 0;
}

static int follow(struct fs_context *fs, struct task *task, struct synth_node *node, char *path,
                  int *fd)
{
    struct proc_view v;
    int r;

    *fd = -1;
    if (proc_view_get(&v, task, node->pid) < 0)
        return -LINUX_ENOENT;
    bool exe = node->jump == SYNTH_JUMP_EXE && v.readable && v.proc->exe_fd >= 0;
    if (node->jump != SYNTH_JUMP_FD && !exe)
        r = (int)process_link(fs, &v, node, path);
    else if (!proc_view_allowed(&v))
        r = -LINUX_EACCES;
    else {
        r = proc_fd_follow(&v, exe ? v.proc->exe_fd : node->fd, path);
        if (r > 0)
            *fd = r;
    }
    if (r > 0 && node->jump == SYNTH_JUMP_NODE)
        become_namespace(node, path);
    else if (r > 0 && *fd < 0 && path[0] != '/')
        r = -LINUX_ENOENT;
    proc_view_put(&v);
    return r < 0 ? r : 0;
}

const struct synth_ops procfs_ops = {
    .fs_magic = LINUX_PROC_SUPER_MAGIC,
    .dev_minor = 22,
    .fs_name = "proc",
    .lookup = lookup,
    .list = list,
    .open = open_node,
    .fill = fill,
    .check = check,
    .readlink = read_link,
    .follow = follow,
    .write = write_node,
};
