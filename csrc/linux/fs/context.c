/* context.c - building the guest's tree from the launch spec. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/io.h"
#include "host/mem.h"
#include "host/overlay.h"
#include "host/random.h"
#include "linux/fs/overlay.h"
#include "linux/fs/synth.h"

#define DIR_FLAGS (LINUX_O_PATH | LINUX_O_CLOEXEC)

struct builder {
    struct fs_context *fs;
    char *err;
    size_t err_size;
};

static int fail(struct builder *b, int r, const char *what, const char *name)
{
    snprintf(b->err, b->err_size, "%s %s: error %d", what, name, -r);
    return r;
}

/* l->fd is open; path is for messages. */
static int adopt_layer(struct builder *b, struct fs_layer *l, const char *path, bool file_ok,
                       bool *is_file)
{
    struct linux_statx st;
    char host[LINUX_PATH_MAX];
    int r = host_statx_fd(l->fd, &st);

    if (r == 0 && !LINUX_S_ISDIR(st.stx_mode)) {
        if (!file_ok)
            return fail(b, -LINUX_ENOTDIR, "not a directory:", path);
        *is_file = true;
    }
    int64_t n = r < 0 ? r : host_fd_path(l->fd, host, sizeof host);
    if (n < 0)
        return fail(b, (int)n, "cannot find the path of", path);
    l->path = strdup(host);
    l->path_len = (size_t)n;
    l->detached = mount_is_detached(b->fs, l->fd);
    return l->path ? 0 : fail(b, -LINUX_ENOMEM, "out of memory at", path);
}

static int open_layer(struct builder *b, struct fs_layer *l, const char *path, bool file_ok,
                      bool *is_file)
{
    l->fd = host_fd_private(host_open_path(path, DIR_FLAGS, 0));
    if (l->fd < 0)
        return fail(b, l->fd, "cannot open", path);
    return adopt_layer(b, l, path, file_ok, is_file);
}

static struct fs_mount *new_mount(struct fs_context *fs, enum fs_mount_type type,
                                  const char *target)
{
    struct fs_mount *m = &fs->mounts[fs->nmounts];

    memset(m, 0, sizeof *m);
    m->type = type;
    m->work_fd = m->made_fd = -1;
    m->id = 20 + (uint32_t)fs->nmounts;
    m->target = strdup(target);
    m->target_len = strlen(target);
    return m->target ? m : NULL;
}

static int alloc_layers(struct fs_mount *m, size_t n)
{
    m->layers = calloc(n, sizeof *m->layers);
    if (m->layers == NULL)
        return -LINUX_ENOMEM;
    for (size_t i = 0; i < n; i++)
        m->layers[i].fd = -1;
    m->nlayers = (int)n;
    return 0;
}

/* The host's kernel merges the layers: to us the root is one layer, which no path leads to. */
static int mount_host_overlay(struct builder *b, struct fs_mount *m,
                              const struct fs_context_spec *spec)
{
    const struct host_overlay overlay = {.lower = spec->lower,
                                         .nlower = spec->nlower,
                                         .upper = spec->upper,
                                         .work = spec->work,
                                         .is_volatile = spec->host_volatile};
    struct linux_statx st;
    const char *step;
    bool file;
    int r = alloc_layers(m, 1);

    if (r < 0)
        return r;
    m->layers[0].fd = r = host_overlay_mount(&overlay, &step);
    if (r < 0) {
        snprintf(b->err, b->err_size,
                 "the host's kernel gives no overlay root: %s: error %d; with "
                 "ELFUSE_SNAPSHOT=runtime elfuse merges the layers itself",
                 step, -r);
        return r;
    }
    r = host_statx_fd(m->layers[0].fd, &st);
    if (r < 0)
        return fail(b, r, "cannot look at", "the overlay root");
    b->fs->detached = linux_mkdev(st.stx_dev_major, st.stx_dev_minor);
    m->made_fd = host_fd_private(host_open_path(spec->upper, DIR_FLAGS | LINUX_O_DIRECTORY, 0));
    return m->made_fd < 0 ? fail(b, m->made_fd, "cannot open", spec->upper)
                          : adopt_layer(b, &m->layers[0], "the overlay root", false, &file);
}

static int mount_root(struct builder *b, const struct fs_context_spec *spec)
{
    enum fs_mount_type type = spec->root           ? FS_PLAIN
                              : spec->host_overlay ? FS_HOST_OVERLAY
                                                   : FS_OVERLAY;
    struct fs_mount *m = new_mount(b->fs, type, "/");
    bool file = false;
    int r = 0;

    if (m == NULL)
        return -LINUX_ENOMEM;
    b->fs->nmounts = 1;
    if (!spec->root &&
        (spec->nlower == 0 || spec->nlower >= FS_MAX_LAYERS || !spec->upper || !spec->work))
        return fail(b, -LINUX_EINVAL, "overlay root needs lower, upper and work, not",
                    spec->upper ? spec->upper : "nothing");
    m->shared = b->fs->shared;
    if (type == FS_HOST_OVERLAY)
        return mount_host_overlay(b, m, spec);
    r = alloc_layers(m, spec->root ? 1 : spec->nlower + 1);
    if (r == 0)
        r = open_layer(b, &m->layers[0], spec->root ? spec->root : spec->upper, false, &file);
    if (r == 0 && !spec->root && (m->directories = dir_cache_new()) == NULL)
        r = -LINUX_ENOMEM;
    for (size_t i = 0; r == 0 && !spec->root && i < spec->nlower; i++)
        r = open_layer(b, &m->layers[i + 1], spec->lower[i], false, &file);
    if (r == 0 && !spec->root) {
        m->work_fd = host_fd_private(host_open_path(spec->work, DIR_FLAGS | LINUX_O_DIRECTORY, 0));
        if (m->work_fd < 0)
            return fail(b, m->work_fd, "cannot open", spec->work);
    }
    return r;
}

/*
 * Make path as far as it is missing: directories, the last component an empty file if `file`.
 * canonical gets where it is. What cannot be made (a read-only root) is left to exist in name only,
 * as mounts below it.
 */
static int make_place(struct fs_context *fs, const char *path, bool file, char *canonical)
{
    char prefix[LINUX_PATH_MAX];
    struct fs_path p;
    size_t at = 0;

    strcpy(canonical, "/");
    while (path[at]) {
        at += strspn(path + at, "/");
        size_t len = strcspn(path + at, "/");
        if (len == 0)
            break;
        bool last = path[at + len + strspn(path + at + len, "/")] == '\0';
        int r = path_join(prefix, canonical, path + at, len);
        if (r == 0)
            r = fs_resolve(fs, NULL, LINUX_AT_FDCWD, prefix, FS_FOLLOW | FS_CREATE | FS_NO_PERM,
                           &p);
        if (r < 0)
            return r;
        if (!p.exists && mount_is_host(p.mnt)) {
            if (last && file) {
                int fd = fs_create(fs, &p, LINUX_O_WRONLY | LINUX_O_CLOEXEC, 0644);
                if (fd >= 0)
                    host_fd_close(fd);
            } else
                (void)fs_mkdir(fs, &p, 0755);
        } else if (p.exists && !last && !LINUX_S_ISDIR(p.st.stx_mode)) {
            fs_path_put(&p);
            return -LINUX_ENOTDIR;
        }
        strcpy(canonical, p.path);
        fs_path_put(&p);
        at += len;
    }
    return 0;
}

static const struct synth_ops *ops_of(enum fs_mount_type type)
{
    return type == FS_PROC  ? &procfs_ops
           : type == FS_DEV ? &devfs_ops
           : type == FS_SYS ? &sysfs_ops
                            : NULL;
}

static int add_mount(struct builder *b, const struct fs_mount_spec *s)
{
    char target[LINUX_PATH_MAX];
    struct fs_layer layer = {.fd = -1};
    struct fs_mount *m;
    bool is_file = false;
    int r = 0;

    if (s->target == NULL || s->target[0] != '/' || strlen(s->target) >= LINUX_PATH_MAX)
        return fail(b, -LINUX_EINVAL, "bad mount target", s->target ? s->target : "");
    bool host = s->type == FS_BIND || s->type == FS_TMPFS;
    if (host && (s->source == NULL || s->source[0] != '/'))
        return fail(b, -LINUX_EINVAL, "bad mount source for", s->target);
    if (host)
        r = open_layer(b, &layer, s->source, s->type == FS_BIND, &is_file);
    if (r == 0 && (r = make_place(b->fs, s->target, is_file, target)) < 0)
        fail(b, r, "cannot make the mount point", s->target);
    if (r == 0 && strcmp(target, "/") == 0)
        r = fail(b, -LINUX_EINVAL, "cannot mount over", target);
    m = r == 0 ? new_mount(b->fs, s->type, target) : NULL;
    if (m == NULL || (host && alloc_layers(m, 1) < 0)) {
        if (layer.fd >= 0)
            host_fd_close(layer.fd);
        free(layer.path);
        return r < 0 ? r : fail(b, -LINUX_ENOMEM, "out of memory at", s->target);
    }
    if (host)
        m->layers[0] = layer;
    m->is_file = is_file;
    m->read_only = s->read_only;
    m->synth = ops_of(s->type);
    b->fs->nmounts++;
    return 0;
}

/*
 * /dev/shm wants a place for files. If the spec gives none, it is a directory of that name in the
 * root's writable layer, which the /dev mount hides. Without one (a read-only plain root, a /dev
 * that is a link) there is no shm.
 */
static int add_shm(struct builder *b, const struct fs_mount_spec *dev)
{
    struct fs_context *fs = b->fs;
    struct fs_mount *root = &fs->mounts[0];
    char target[LINUX_PATH_MAX], source[LINUX_PATH_MAX];

    if (path_join(target, dev->target, "shm", 3) < 0 || (root->read_only && root->type == FS_PLAIN))
        return 0;
    for (int i = 0; i < fs->nmounts; i++)
        if (strcmp(fs->mounts[i].target, target) == 0)
            return 0;
    tree_enter(fs, root);
    int dir = upper_dir(fs, root, dev->target + 1);
    tree_leave(fs, root);
    if (dir < 0)
        return 0;
    int r = host_mkdirat(dir, "shm", 0777 | LINUX_S_ISVTX);
    host_fd_close(dir);
    int n = root->layers[0].detached
                ? snprintf(source, sizeof source, "/proc/self/fd/%d%s", root->layers[0].fd, target)
                : snprintf(source, sizeof source, "%s%s", root->layers[0].path, target);
    if ((r < 0 && r != -LINUX_EEXIST) || n >= (int)sizeof source)
        return 0;
    return add_mount(b, &(struct fs_mount_spec){FS_TMPFS, target, source, false});
}

static int enter_cwd(struct builder *b, const char *cwd)
{
    struct fs_context *fs = b->fs;
    char canonical[LINUX_PATH_MAX];
    struct fs_path p;
    int r;

    if (cwd == NULL || cwd[0] != '/' || strlen(cwd) >= LINUX_PATH_MAX)
        return fail(b, -LINUX_EINVAL, "bad working directory", cwd ? cwd : "");
    r = make_place(fs, cwd, false, canonical);
    if (r == 0)
        r = fs_resolve(fs, NULL, LINUX_AT_FDCWD, canonical, FS_FOLLOW | FS_NO_PERM, &p);
    if (r < 0)
        return fail(b, r, "cannot enter the working directory", cwd);
    r = LINUX_S_ISDIR(p.st.stx_mode) ? fs_set_place(fs, &fs->cwd, &p) : -LINUX_ENOTDIR;
    fs_path_put(&p);
    return r < 0 ? fail(b, r, "cannot enter the working directory", cwd) : 0;
}

static int build(struct builder *b, const struct fs_context_spec *spec)
{
    struct fs_context *fs = b->fs;
    int r;

    fs->mounts = calloc(spec->nmounts + 2, sizeof *fs->mounts);
    if (fs->mounts == NULL)
        return fail(b, -LINUX_ENOMEM, "out of memory for", "mounts");
    fs->empty_dir = host_fd_private(host_unnamed_dir());
    if (fs->empty_dir < 0)
        return fail(b, fs->empty_dir, "cannot make a directory in", "/tmp");
    r = mount_root(b, spec);
    if (r == 0 && spec->root)
        fs->mounts[0].read_only = spec->read_only;
    for (size_t i = 0; r == 0 && i < spec->nmounts; i++)
        r = add_mount(b, &spec->mounts[i]);
    for (size_t i = 0; r == 0 && i < spec->nmounts; i++)
        if (spec->mounts[i].type == FS_DEV) {
            r = add_shm(b, &spec->mounts[i]);
            break;
        }
    if (r == 0)
        r = enter_cwd(b, spec->cwd);
    if (r == 0)
        fs->mounts[0].read_only = spec->read_only;
    return r;
}

static int share(struct fs_context *fs)
{
    uint8_t *at;
    int r = host_mem_shared(sizeof *fs->shared, &at);

    if (r < 0)
        return r;
    fs->shared = (struct fs_shared *)(void *)at;
    (void)host_random(&fs->shared->work_seq, sizeof fs->shared->work_seq); /* any start will do */
    fs->shared->directories = 2;
    return host_shared_mutex_init(&fs->shared->tree);
}

int fs_context_create(const struct fs_context_spec *spec, struct fs_context **out, char *err,
                      size_t err_size)
{
    struct builder b = {calloc(1, sizeof *b.fs), err, err_size};

    if (b.fs == NULL)
        return fail(&b, -LINUX_ENOMEM, "out of memory for", "the file system");
    host_umask_clear();
    b.fs->umask = spec->umask & 0777;
    b.fs->cwd.fd = b.fs->root.fd = -1;
    b.fs->empty_dir = -1;
    int r = share(b.fs);
    r = r < 0 ? fail(&b, r, "out of memory for", "what processes share") : build(&b, spec);
    if (r < 0) {
        fs_context_destroy(b.fs);
        return r;
    }
    *out = b.fs;
    return 0;
}

void fs_context_destroy(struct fs_context *fs)
{
    if (fs == NULL)
        return;
    for (int i = 0; i < fs->nmounts; i++) {
        struct fs_mount *m = &fs->mounts[i];
        for (int k = 0; k < m->nlayers; k++) {
            if (m->layers[k].fd >= 0)
                host_fd_close(m->layers[k].fd);
            free(m->layers[k].path);
        }
        free(m->layers);
        dir_cache_free(m->directories);
        free(m->target);
        if (m->work_fd >= 0)
            host_fd_close(m->work_fd);
        if (m->made_fd >= 0)
            host_fd_close(m->made_fd);
    }
    free(fs->mounts);
    if (fs->cwd.fd >= 0)
        host_fd_close(fs->cwd.fd);
    if (fs->root.fd >= 0)
        host_fd_close(fs->root.fd);
    if (fs->empty_dir >= 0)
        host_fd_close(fs->empty_dir);
    if (fs->shared)
        host_mem_shared_free((uint8_t *)fs->shared, sizeof *fs->shared);
    free(fs->cwd.known);
    free(fs->root.known);
    free(fs->cwd.synth);
    free(fs->root.synth);
    free(fs);
}
