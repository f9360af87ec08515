/*
 * resolve.c - guest paths to places.
 *
 * The walk keeps a canonical path (no links, no "..") of where it is and the text that is left, as
 * Linux's link_path_walk() keeps a dentry. Objects are only reached as "canonical path below the
 * layer's directory" by a host call that follows nothing, so an attacker who renames directories or
 * swaps them for links meanwhile gets an error or another object of the same layer, never one
 * outside it. ".." takes the last component off the canonical path, and stops at "/".
 */
#include <stdlib.h>
#include <string.h>

#include "host/io.h"
#include "linux/fs/devpts.h"
#include "linux/fs/fd_meta.h"
#include "linux/fs/path.h"
#include "linux/fs/synth.h"
#include "linux/mm/uaccess.h"

#define PROBE_FLAGS (LINUX_O_PATH | LINUX_O_NOFOLLOW | LINUX_O_CLOEXEC)
#define REST_MAX    (3 * LINUX_PATH_MAX)

struct walk {
    struct fs_context *fs;
    struct task *task;
    const struct cred *cred;
    unsigned flags;
    int links;
    size_t beneath; /* length of the start path that RESOLVE_BENEATH and IN_ROOT do not leave */
    char start[LINUX_PATH_MAX];
    char rest[REST_MAX];
};

static const struct cred kernel_cred = {.cap_effective = UINT64_MAX}; /* uid 0, no groups */

void fs_path_put(struct fs_path *p)
{
    if (p->fd >= 0)
        host_fd_close(p->fd);
    free(p->node);
    p->fd = -1;
    p->node = NULL;
}

static void path_reset(struct fs_path *p)
{
    fs_path_put(p);
    p->exists = false;
    p->mnt = NULL;
    p->from_fd = -1;
    p->from_copied = false;
    p->hit.have_st = false;
}

static bool read_origin(const struct fs_mount *m, int layer, int fd, struct fs_origin *o)
{
    return m->type == FS_OVERLAY && layer == 0 &&
           host_getxattr_fd(fd, ORIGIN_XATTR, o, sizeof *o) == sizeof *o;
}

void fs_apply_origin(struct fs_mount *m, int layer, int fd, struct linux_statx *st)
{
    struct fs_origin o;

    if (!read_origin(m, layer, fd, &o) || !o.shown)
        return;
    st->stx_dev_major = (uint32_t)(o.dev >> 32);
    st->stx_dev_minor = (uint32_t)o.dev;
    st->stx_ino = o.ino;
}

/* Whether p is what st describes, or has been copied up from it. */
static bool is_same(struct fs_path *p, const struct linux_statx *st)
{
    struct linux_statx now;
    struct fs_origin o;

    p->from_copied = false;
    if (p->fd < 0)
        return true; /* synthetic: the name is all there is */
    if (host_statx_fd(p->fd, &now) < 0)
        return false;
    if (now.stx_ino == st->stx_ino && now.stx_dev_minor == st->stx_dev_minor &&
        now.stx_dev_major == st->stx_dev_major)
        return true;
    p->from_copied = (LINUX_S_ISREG(now.stx_mode) || LINUX_S_ISDIR(now.stx_mode)) &&
                     read_origin(p->mnt, p->hit.layer, p->fd, &o) && o.ino == st->stx_ino &&
                     o.dev == ((uint64_t)st->stx_dev_major << 32 | st->stx_dev_minor);
    return p->from_copied;
}

bool fs_path_is_fd(struct fs_path *p, int fd)
{
    struct linux_statx st;

    return host_statx_fd(fd, &st) == 0 && is_same(p, &st);
}

bool fs_from_image(const struct fs_path *p, const struct linux_statx *st)
{
    if (p->mnt == NULL || p->mnt->made_fd < 0 || LINUX_S_ISREG(st->stx_mode) ||
        LINUX_S_ISDIR(st->stx_mode))
        return p->hit.layer > 0;
    return mount_from_image(p->mnt, p->hit.layer, p->rel);
}

static int fill_stat(struct fs_path *p)
{
    bool attributes = true;

    if (p->hit.have_st)
        p->st = p->hit.st;
    else {
        int r = host_statx_fd(p->fd, &p->st);
        if (r < 0)
            return r;
    }
    p->hit.have_st = false;
    p->host_mode = p->st.stx_mode;
    if (p->mnt && p->mnt->type == FS_OVERLAY && p->hit.layer == 0 &&
        (LINUX_S_ISREG(p->host_mode) || LINUX_S_ISDIR(p->host_mode))) {
        attributes = host_has_xattrs(p->fd); /* mostly none: one look for all */
        if (attributes)
            fs_apply_origin(p->mnt, 0, p->fd, &p->st);
    }
    owner_apply(attributes ? p->fd : -1, fs_from_image(p, &p->st), &p->st);
    if (p->mnt == NULL)
        devpts_apply(&p->st);
    p->exists = true;
    return 0;
}

static int probe_synth(struct fs_context *fs, struct task *task, const struct synth_ops *ops,
                       const char *rel, struct fs_path *p)
{
    p->node = calloc(1, sizeof *p->node);
    if (p->node == NULL)
        return -LINUX_ENOMEM;
    int r = ops->lookup(fs, task, rel, p->node);
    if (r < 0) {
        free(p->node);
        p->node = NULL;
        return r;
    }
    synth_stat(p->node, &p->st);
    p->exists = true;
    return 0;
}

/* Look at the object at the canonical path p->path. */
static int probe(struct fs_context *fs, struct task *task, struct fs_path *p)
{
    int r;

    path_reset(p);
    p->mnt = mount_of(fs, p->path, &p->rel);
    if (!mount_is_host(p->mnt))
        return probe_synth(fs, task, p->mnt->synth, p->rel, p);
    p->fd = layer_open(p->mnt, p->rel, PROBE_FLAGS, &p->hit);
    if (p->fd >= 0) {
        r = fill_stat(p);
        if (r < 0)
            path_reset(p);
        return r;
    }
    r = p->fd;
    p->fd = -1;
    if (r == -LINUX_ENOENT && mount_at_or_below(fs, p->path))
        r = probe_synth(fs, task, &phantom_ops, "", p);
    return r;
}

int fs_path_refresh(struct fs_path *p)
{
    if (p->fd >= 0)
        host_fd_close(p->fd);
    p->fd = layer_open(p->mnt, p->rel, PROBE_FLAGS, &p->hit);
    if (p->fd < 0) {
        int r = p->fd;
        p->fd = -1;
        return r;
    }
    return fill_stat(p);
}

int fs_parent_stat(struct fs_context *fs, struct task *task, const struct fs_path *p,
                   struct linux_statx *st)
{
    struct fs_path parent = {.fd = -1};

    strcpy(parent.path, p->path);
    path_pop(parent.path);
    int r = probe(fs, task, &parent);
    if (r == 0)
        *st = parent.st;
    fs_path_put(&parent);
    return r;
}

/* The object is what guest descriptor fd (or the cwd) is open on, under whatever name it has by
 * now. */
static int from_descriptor(struct walk *w, int fd, struct fs_path *p)
{
    struct linux_statx st;
    bool cwd = fd == LINUX_AT_FDCWD;
    int r;

    p->fds = w->task ? w->task->proc->fds : NULL;

    if (!cwd && (w->task == NULL || !fd_is_guest((uint32_t)fd)))
        return -LINUX_EBADF;
    int host = cwd ? w->fs->cwd.fd : fd;
    r = host_statx_fd(host, &st);
    if (r < 0)
        return r;
    if (cwd ? fs_dir_path(w->fs, w->task, LINUX_AT_FDCWD, p->path) == 0
            : fs_fd_position(w->fs, w->task, fd, p->path) == 0) {
        r = probe(w->fs, w->task, p);
        if (r == 0 && is_same(p, &st)) {
            p->from_fd = cwd ? -1 : fd;
            return 0;
        }
    }
    /* It has no name (deleted, a pipe, replaced, copied up since): the descriptor itself. */
    path_reset(p);
    p->path[0] = '\0';
    p->rel = p->path;
    p->from_fd = cwd ? -1 : fd;
    p->fd = host_path_only(host);
    if (p->fd < 0)
        return p->fd;
    char path[LINUX_PATH_MAX];
    const char *rel;
    p->anon = mount_of_fd(w->fs, NULL, host, path, &p->hit.layer, &rel);
    return fill_stat(p);
}

/* The object is what the O_PATH descriptor fd, which p takes over, is open on. */
static int from_object(struct walk *w, int fd, struct fs_path *p)
{
    char host[LINUX_PATH_MAX];
    struct linux_statx st;
    const char *rel;
    int layer;
    struct fs_mount *m = mount_of_fd(w->fs, NULL, fd, host, &layer, &rel);

    if (m && mount_path(m, rel, p->path) == 0 && host_statx_fd(fd, &st) == 0 &&
        probe(w->fs, w->task, p) == 0 && is_same(p, &st)) {
        host_fd_close(fd);
        return 0;
    }
    path_reset(p);
    p->path[0] = '\0';
    p->rel = p->path;
    p->fd = fd;
    p->anon = m;
    if (m)
        p->hit.layer = layer;
    return fill_stat(p);
}

/* Put target in front of what is left of the walk. */
static int splice_link(struct walk *w, size_t at, const char *target, size_t len)
{
    size_t left = strlen(w->rest + at);

    if (len == 0)
        return -LINUX_ENOENT;
    if (len + 1 + left >= REST_MAX)
        return -LINUX_ENAMETOOLONG;
    bool slash = left > 0;
    memmove(w->rest + len + slash, w->rest + at, left + 1);
    memcpy(w->rest, target, len);
    if (slash)
        w->rest[len] = '/';
    return 0;
}

/* An absolute link or path: back to the root. */
static int to_root(struct walk *w, struct fs_path *p)
{
    if (w->flags & FS_BENEATH)
        return -LINUX_EXDEV;
    if (w->flags & FS_IN_ROOT) {
        strcpy(p->path, w->start);
        return 0;
    }
    int r = fs_root_path(w->fs, p->path);
    if (r == 0 && (w->flags & FS_NO_XDEV)) {
        const char *rel;
        if (mount_of(w->fs, w->start, &rel) != mount_of(w->fs, p->path, &rel))
            r = -LINUX_EXDEV;
    }
    return r;
}

/* The magic link has led to p. */
static int jumped(const struct fs_path *p, bool last)
{
    if (last)
        return 1;
    if (!LINUX_S_ISDIR(p->st.stx_mode))
        return -LINUX_ENOTDIR;
    return p->mnt ? 0 : -LINUX_ENOENT;
}

/* Follow the magic link p->node. 1: p is the final object (a descriptor without a name). 0: p->path
 * is the canonical path it leads to. */
static int jump(struct walk *w, struct fs_path *p, bool last)
{
    enum synth_jump kind = p->node->jump;
    int fd = p->node->fd, r;

    if (w->flags & (FS_NO_MAGIC | FS_BENEATH | FS_IN_ROOT))
        return w->flags & FS_NO_MAGIC ? -LINUX_ELOOP : -LINUX_EXDEV;
    if (kind == SYNTH_JUMP_NODE || (w->task && p->node->pid != w->task->proc->pid)) {
        char path[LINUX_PATH_MAX];
        r = p->node->ops->follow(w->fs, w->task, p->node, path, &fd);
        if (r < 0)
            return r;
        if (kind == SYNTH_JUMP_NODE) {
            synth_stat(p->node, &p->st);
            return jumped(p, last);
        }
        if (fd < 0) {
            strcpy(p->path, path);
            return 0;
        }
        r = from_object(w, fd, p);
        return r < 0 ? r : jumped(p, last);
    }
    switch (kind) {
    case SYNTH_JUMP_ROOT: return fs_root_path(w->fs, p->path);
    case SYNTH_JUMP_CWD: return fs_dir_path(w->fs, w->task, LINUX_AT_FDCWD, p->path);
    case SYNTH_JUMP_EXE:
        if (w->task == NULL || w->task->proc->exe_fd < 0)
            return -LINUX_ENOENT;
        fd = host_path_only(w->task->proc->exe_fd);
        r = fd < 0 ? fd : from_object(w, fd, p);
        return r < 0 ? r : jumped(p, last);
    default: break;
    }
    r = from_descriptor(w, fd, p);
    if (r < 0)
        return r == -LINUX_EBADF ? -LINUX_ENOENT : r;
    return jumped(p, last);
}

static bool leaves_start(const struct walk *w, const char *path)
{
    return strncmp(path, w->start, w->beneath) != 0 ||
           (w->beneath > 1 && path[w->beneath] != '\0' && path[w->beneath] != '/');
}

/* ".." from the directory p->path. */
static int dotdot(struct walk *w, struct fs_path *p)
{
    if ((w->flags & (FS_BENEATH | FS_IN_ROOT)) && strlen(p->path) <= w->beneath)
        return w->flags & FS_BENEATH ? -LINUX_EXDEV : 0;
    if (w->fs->root.fd >= 0) {
        char root[LINUX_PATH_MAX];
        int r = fs_root_path(w->fs, root);
        if (r < 0 || strcmp(root, p->path) == 0)
            return r;
    }
    path_pop(p->path);
    return 0;
}

/* A symbolic link was found at p->path; the walk goes on with its target. `at` is where the rest
 * begins. 1: the walk is over (a descriptor's file). */
static int follow(struct walk *w, struct fs_path *p, size_t at, bool last)
{
    char target[LINUX_PATH_MAX];
    int64_t n;
    int r;

    if (w->flags & FS_NO_SYMLINK)
        return -LINUX_ELOOP;
    if (++w->links > LINUX_MAXSYMLINKS)
        return -LINUX_ELOOP;
    if (p->node && p->node->jump != SYNTH_NO_JUMP) {
        r = jump(w, p, last);
        memmove(w->rest, w->rest + at, strlen(w->rest + at) + 1);
        return r;
    }
    if (p->node)
        n = p->node->ops->readlink(w->fs, w->task, p->node, target, sizeof target);
    else
        n = host_readlink_fd(p->fd, target, sizeof target);
    if (n < 0)
        return (int)n;
    if (n >= (int64_t)sizeof target)
        return -LINUX_ENAMETOOLONG;
    r = splice_link(w, at, target, (size_t)n);
    if (r < 0)
        return r;
    if (target[0] == '/')
        return to_root(w, p);
    path_pop(p->path);
    return 0;
}

/* Append the cleaned path `s` to the canonical path buf. False: it cannot be taken in one host call
 * (a "..", a name or the whole too long for it). */
static bool append_clean(char *buf, const char *s, bool *trailing)
{
    size_t n = strlen(buf);

    if (n == 1)
        n = 0;
    *trailing = false;
    while (*s) {
        s += strspn(s, "/");
        size_t len = strcspn(s, "/");
        if (len == 0) {
            *trailing = true;
            break;
        }
        *trailing = s[len] == '/';
        if (len == 1 && s[0] == '.') {
            *trailing = true; /* "a/." needs a to be a directory */
        } else {
            if ((len == 2 && s[0] == '.' && s[1] == '.') || len > LINUX_NAME_MAX ||
                n + 1 + len >= LINUX_PATH_MAX)
                return false;
            buf[n++] = '/';
            memcpy(buf + n, s, len);
            n += len;
        }
        s += len;
    }
    if (n == 0)
        buf[n++] = '/';
    buf[n] = '\0';
    return true;
}

int fs_plain_path(struct fs_context *fs, struct task *task, int dirfd, const char *path, char *buf,
                  bool *trailing)
{
    int r;

    r = path[0] == '/' ? fs_root_path(fs, buf) : fs_dir_path(fs, task, dirfd, buf);
    if (r == 0 && !append_clean(buf, path, trailing))
        r = -LINUX_ELOOP;
    return r;
}

static int finish(struct walk *w, struct fs_path *p, bool trailing)
{
    p->trailing = trailing;
    if (trailing && p->exists && !LINUX_S_ISDIR(p->st.stx_mode) && !(w->flags & FS_NAME))
        return -LINUX_ENOTDIR;
    if ((w->flags & (FS_BENEATH | FS_IN_ROOT)) && p->mnt && leaves_start(w, p->path))
        return -LINUX_EXDEV;
    if (w->flags & FS_NO_XDEV) {
        const char *rel;
        if (p->mnt != mount_of(w->fs, w->start, &rel))
            return -LINUX_EXDEV;
    }
    return 0;
}

/* Whether a link in the last component is followed: a slash behind it asks for a directory. */
static bool follows_last(const struct walk *w, bool trailing)
{
    return (w->flags & FS_FOLLOW) || (trailing && !(w->flags & FS_NAME));
}

/*
 * Try everything that is left at once. 1: done. 0: go on (a link was spliced in, *stepwise when a
 * link is somewhere in the middle). Otherwise -errno.
 */
static int walk_fast(struct walk *w, struct fs_path *p, bool *stepwise)
{
    char saved[LINUX_PATH_MAX];
    bool trailing;

    strcpy(saved, p->path);
    if (!append_clean(p->path, w->rest, &trailing)) {
        strcpy(p->path, saved);
        *stepwise = true;
        return 0;
    }
    const char *rel;
    if (!mount_is_host(mount_of(w->fs, p->path, &rel))) {
        strcpy(p->path, saved);
        *stepwise = true;
        return 0;
    }
    int r = probe(w->fs, w->task, p);
    if (r == -LINUX_ELOOP || (r == -LINUX_ENOENT && (w->flags & FS_CREATE))) {
        strcpy(p->path, saved);
        *stepwise = true;
        return 0;
    }
    if (r < 0)
        return r;
    if (LINUX_S_ISLNK(p->st.stx_mode) && follows_last(w, trailing)) {
        size_t end = strlen(w->rest);
        if (trailing) { /* what is left is the demand for a directory */
            w->rest[0] = '/';
            w->rest[1] = '\0';
            end = 0;
        }
        r = follow(w, p, end, !trailing);
        return r < 0 ? r : r == 1 ? 1 : 0;
    }
    r = finish(w, p, trailing);
    return r < 0 ? r : 1;
}

/* Take one component. 1: done. */
static int walk_step(struct walk *w, struct fs_path *p, bool *stepwise)
{
    size_t at = strspn(w->rest, "/");
    size_t len = strcspn(w->rest + at, "/");
    const char *name = w->rest + at;
    size_t next = at + len + strspn(name + len, "/");
    bool last = w->rest[next] == '\0', trailing = last && name[len] == '/';
    int r;

    /* p->path is a directory here; to look anything up in it needs search permission. */
    if (!p->exists) {
        r = probe(w->fs, w->task, p);
        if (r < 0)
            return r;
    }
    if (len == 0)
        return (r = finish(w, p, true)) < 0 ? r : 1;
    if (!LINUX_S_ISDIR(p->st.stx_mode))
        return -LINUX_ENOTDIR;
    r = owner_may(w->cred, &p->st, FS_MAY_EXEC);
    if (r < 0)
        return r;
    if (len > LINUX_NAME_MAX)
        return -LINUX_ENAMETOOLONG;
    bool dot = len == 1 && name[0] == '.', up = len == 2 && name[0] == '.' && name[1] == '.';
    if (dot || up) {
        if (up && (r = dotdot(w, p)) < 0)
            return r;
        r = probe(w->fs, w->task, p);
    } else {
        r = path_join(p->path, p->path, name, len);
        if (r == 0)
            r = probe(w->fs, w->task, p);
    }
    if (r == -LINUX_ENOENT && last && (w->flags & FS_CREATE) && !dot && !up) {
        p->trailing = trailing;
        return 1;
    }
    if (r < 0)
        return r;
    if (LINUX_S_ISLNK(p->st.stx_mode) && (!last || follows_last(w, trailing))) {
        if (last && trailing)
            next = at + len; /* keep the slash: the target must be a directory */
        r = follow(w, p, next, last && !trailing);
        if (r != 1)
            p->exists = false;
        *stepwise = false;
        return r;
    }
    memmove(w->rest, w->rest + next, strlen(w->rest + next) + 1);
    if (!last)
        return LINUX_S_ISDIR(p->st.stx_mode) ? 0 : -LINUX_ENOTDIR;
    return (r = finish(w, p, trailing)) < 0 ? r : 1;
}

static int run_walk(struct walk *w, struct fs_path *p)
{
    /* Who has no power over permissions must be allowed to search each directory: no shortcuts. */
    bool careful = !fs_capable(w->cred, FS_CAP_DAC_OVERRIDE) &&
                   !fs_capable(w->cred, FS_CAP_DAC_READ_SEARCH),
         stepwise = careful;
    int r = 0;

    while (r == 0) {
        if (!stepwise)
            p->exists = false;
        if (w->rest[0] == '\0') { /* a link led to a canonical path, or "/" */
            r = probe(w->fs, w->task, p);
            if (r == 0)
                r = finish(w, p, false);
            return r;
        }
        r = stepwise ? walk_step(w, p, &stepwise) : walk_fast(w, p, &stepwise);
        if (careful)
            stepwise = true;
    }
    return r < 0 ? r : 0;
}

int fs_resolve(struct fs_context *fs, struct task *task, int dirfd, const char *path,
               unsigned flags, struct fs_path *p)
{
    struct walk w;
    int r = 0;

    p->fd = -1;
    p->node = NULL;
    p->anon = NULL;
    p->trailing = false;
    path_reset(p);
    w.fs = fs;
    w.task = task;
    w.cred = task && !(flags & FS_NO_PERM) ? &task->proc->cred : &kernel_cred;
    w.flags = flags;
    w.links = 0;
    size_t len = strlen(path);
    if (len >= LINUX_PATH_MAX)
        return -LINUX_ENAMETOOLONG;
    if (len == 0) {
        if (!(flags & FS_EMPTY))
            return -LINUX_ENOENT;
        r = from_descriptor(&w, dirfd, p);
        if (r < 0)
            fs_path_put(p);
        return r;
    }
    memcpy(w.rest, path, len + 1);
    bool absolute = path[0] == '/';
    w.start[0] = '/';
    w.start[1] = '\0';
    if (!absolute || (flags & (FS_BENEATH | FS_IN_ROOT)))
        r = fs_dir_path(fs, task, dirfd, w.start);
    else
        r = fs_root_path(fs, w.start);
    if (r == -LINUX_ENOENT && strspn(path, "./") == len && path[len - 1] != '/' &&
        (len == 1 || path[len - 2] != '.')) {
        r = from_descriptor(&w, dirfd, p); /* "." of a deleted directory is still itself */
        if (r < 0)
            fs_path_put(p);
        return r;
    }
    if (r < 0)
        return r;
    w.beneath = strlen(w.start);
    strcpy(p->path, w.start);
    if (absolute)
        r = to_root(&w, p);
    if (r == 0)
        r = run_walk(&w, p);
    if (r < 0)
        fs_path_put(p);
    return r;
}

int64_t fs_user_path(struct task *task, char *buf, gva_t addr)
{
    return strncpy_from_user(task, buf, addr, LINUX_PATH_MAX);
}

int fs_user_resolve(struct task *task, int dirfd, gva_t addr, unsigned flags, struct fs_path *p)
{
    char path[LINUX_PATH_MAX];
    int64_t n = fs_user_path(task, path, addr);

    p->fd = -1;
    p->node = NULL;
    if (n < 0)
        return (int)n;
    return fs_resolve(task->proc->fs, task, dirfd, path, flags, p);
}

enum fs_last fs_last_kind(const char *path)
{
    size_t end = strlen(path), start;

    while (end > 0 && path[end - 1] == '/')
        end--;
    for (start = end; start > 0 && path[start - 1] != '/'; start--)
        ;
    if (end == start)
        return LAST_ROOT;
    if (end - start == 1 && path[start] == '.')
        return LAST_DOT;
    if (end - start == 2 && path[start] == '.' && path[start + 1] == '.')
        return LAST_DOTDOT;
    return LAST_NORM;
}
