/*
 * layer.c - one tree out of a mount's layers.
 *
 * The rules are overlayfs's (Documentation/filesystems/overlayfs.rst): the topmost layer that has a
 * name decides; directories merge; a whiteout hides the name in the layers below it; an opaque
 * directory hides what lies below it. A whiteout is a 0/0 character device or an empty regular file
 * with the attribute user.overlay.whiteout; a directory is opaque when user.overlay.opaque is "y".
 */
#include <string.h>

#include "host/io.h"
#include "linux/fs/path.h"

#define WALK_FLAGS (LINUX_O_PATH | LINUX_O_NOFOLLOW | LINUX_O_CLOEXEC)

bool layer_is_whiteout(int fd, const struct linux_statx *st)
{
    if (LINUX_S_ISCHR(st->stx_mode))
        return st->stx_rdev_major == 0 && st->stx_rdev_minor == 0;
    return LINUX_S_ISREG(st->stx_mode) && st->stx_size == 0 &&
           host_getxattr_fd(fd, "user.overlay.whiteout", NULL, 0) >= 0;
}

static bool is_opaque(int fd)
{
    char value[4];
    return host_getxattr_fd(fd, "user.overlay.opaque", value, sizeof value) == 1 && value[0] == 'y';
}

static int open_host(int dirfd, const char *rel, int flags)
{
    return flags & (LINUX_O_PATH | LINUX_O_DIRECTORY)
               ? host_open_beneath(dirfd, rel, flags, 0)
               : host_open_beneath_wait(dirfd, rel, flags, 0);
}

/* The directories of the layers that take part at one point of the walk, top first. */
struct stage {
    int n;
    int layer[FS_MAX_LAYERS];
    int fd[FS_MAX_LAYERS];
    bool root; /* the descriptors are the layers' own, not to be closed */
};

static void stage_close(struct stage *s)
{
    if (!s->root)
        for (int i = 0; i < s->n; i++)
            host_fd_close(s->fd[i]);
    s->n = 0;
}

static void stage_root(const struct fs_mount *m, struct stage *s)
{
    s->n = m->nlayers;
    s->root = true;
    for (int i = 0; i < m->nlayers; i++) {
        s->layer[i] = i;
        s->fd[i] = m->layers[i].fd;
    }
}

/* What one name is in the layers of a stage. */
struct found {
    int layer; /* topmost layer that holds it */
    int index; /* ... its place in the stage */
    uint32_t mode;
};

/*
 * Look name up in every directory of `from`. A directory: `to` gets the directories that merge, 1
 * is returned. Something else: 0, and found->index says where. Nothing: -LINUX_ENOENT.
 */
static int stage_step(const struct stage *from, const char *name, struct stage *to,
                      struct found *found)
{
    int r = -LINUX_ENOENT;

    to->n = 0;
    to->root = false;
    for (int i = 0; i < from->n; i++) {
        struct linux_statx st;
        int fd = host_open_beneath(from->fd[i], name, WALK_FLAGS, 0);
        if (fd == -LINUX_ENOENT)
            continue;
        if (fd >= 0 && (r = host_statx_fd(fd, &st)) < 0) {
            host_fd_close(fd);
            fd = r;
        }
        if (fd < 0) {
            stage_close(to);
            return fd;
        }
        if (!LINUX_S_ISDIR(st.stx_mode)) {
            bool hidden = layer_is_whiteout(fd, &st);
            host_fd_close(fd);
            if (to->n == 0 && !hidden) {
                *found = (struct found){from->layer[i], i, st.stx_mode};
                return 0;
            }
            break;
        }
        if (to->n == 0)
            *found = (struct found){from->layer[i], i, st.stx_mode};
        to->layer[to->n] = from->layer[i];
        to->fd[to->n++] = fd;
        if (i + 1 < from->n && is_opaque(fd))
            break;
    }
    return to->n > 0 ? 1 : -LINUX_ENOENT;
}

/* The tail of the walk is in one layer only: one host call. */
static int open_single(const struct fs_mount *m, int dirfd, int layer, const char *rel, int flags,
                       struct layer_hit *hit)
{
    struct linux_statx st;
    int fd = open_host(dirfd, rel, flags);

    hit->layer = layer;
    hit->merged = false;
    /* Only the bottom layer can have no whiteouts. */
    if (fd < 0 || layer == m->nlayers - 1)
        return fd;
    int r = host_statx_fd(fd, &st);
    if (r == 0 && layer_is_whiteout(fd, &st))
        r = -LINUX_ENOENT;
    if (r < 0) {
        host_fd_close(fd);
        return r;
    }
    return fd;
}

/* Walk rel's components, all but the last, from `s`; at each point `name` is the rest. On 0 the
 * last stage is in *s and *last the last component; 1 when a single layer is left, with *last the
 * whole rest. */
static int walk(struct stage *s, const char *rel, const char **last)
{
    char name[LINUX_NAME_MAX + 1];
    struct stage next;
    struct found found;

    for (;;) {
        const char *slash = strchr(rel, '/');
        *last = rel;
        if (s->n == 1)
            return 1;
        if (slash == NULL)
            return 0;
        size_t len = (size_t)(slash - rel);
        if (len > LINUX_NAME_MAX)
            return -LINUX_ENAMETOOLONG;
        memcpy(name, rel, len);
        name[len] = '\0';
        int r = stage_step(s, name, &next, &found);
        if (r <= 0) {
            if (r == 0)
                r = LINUX_S_ISLNK(found.mode) ? -LINUX_ELOOP : -LINUX_ENOTDIR;
            return r;
        }
        stage_close(s);
        *s = next;
        rel = slash + 1;
    }
}

static int open_last(struct stage *s, const char *name, int flags, struct layer_hit *hit)
{
    struct stage next;
    struct found found;

    if (*name == '\0') { /* the mount's root */
        hit->layer = s->layer[0];
        hit->merged = s->n > 1;
        return open_host(s->fd[0], "", flags);
    }
    int r = stage_step(s, name, &next, &found);
    if (r < 0)
        return r;
    hit->layer = found.layer;
    hit->merged = next.n > 1;
    stage_close(&next);
    return open_host(s->fd[found.index], name, flags);
}

static int open_from(struct fs_mount *m, struct stage *s, const char *rel, int flags,
                     struct layer_hit *hit)
{
    const char *last;
    int r = walk(s, rel, &last);

    if (r == 1) {
        hit->transients = !s->root;
        r = open_single(m, s->fd[0], s->layer[0], last, flags, hit);
    } else if (r == 0) {
        hit->transients = true;
        r = open_last(s, last, flags, hit);
    }
    stage_close(s);
    return r;
}

int layer_open(struct fs_mount *m, const char *rel, int flags, struct layer_hit *hit)
{
    struct stage s;

    *hit = (struct layer_hit){0};
    if (m->is_file) {
        if (*rel != '\0')
            return -LINUX_ENOTDIR;
        if (flags & LINUX_O_DIRECTORY)
            return -LINUX_ENOTDIR;
        return host_reopen_wait(m->layers[0].fd, flags);
    }
    if (m->nlayers == 1)
        return open_host(m->layers[0].fd, rel, flags);
    stage_root(m, &s);
    return open_from(m, &s, rel, flags, hit);
}

int layer_open_below(struct fs_mount *m, const char *rel, int first, struct layer_hit *hit)
{
    struct stage s;
    const char *last;
    int r;

    *hit = (struct layer_hit){0};
    if (m->nlayers == 1)
        return -LINUX_ENOENT;
    stage_root(m, &s);
    r = walk(&s, rel, &last);
    if (r == 1 && s.layer[0] < first)
        r = -LINUX_ENOENT; /* only the layers above are left: the parent is opaque or theirs alone
                            */
    if (r == 1)
        r = open_single(m, s.fd[0], s.layer[0], last, WALK_FLAGS, hit);
    else if (r == 0) {
        struct stage below = {.root = true};
        for (int i = 0; i < s.n; i++)
            if (s.layer[i] >= first) {
                below.layer[below.n] = s.layer[i];
                below.fd[below.n++] = s.fd[i];
            }
        r = below.n ? open_last(&below, last, WALK_FLAGS, hit) : -LINUX_ENOENT;
    }
    stage_close(&s);
    return r;
}

int layer_open_dirs(struct fs_mount *m, const char *rel, int fds[FS_MAX_LAYERS],
                    int layers[FS_MAX_LAYERS])
{
    struct stage s, next;
    struct found found;
    const char *last;
    int r, n = 0;

    stage_root(m, &s);
    r = walk(&s, rel, &last);
    if (r >= 0 && *last != '\0') {
        if (r == 1) {
            int fd = host_open_beneath(s.fd[0], last, WALK_FLAGS | LINUX_O_DIRECTORY, 0);
            next = (struct stage){.n = 1, .layer = {s.layer[0]}, .fd = {fd}};
            r = fd < 0 ? fd : 1;
        } else {
            r = stage_step(&s, last, &next, &found);
            if (r == 0)
                r = -LINUX_ENOTDIR;
        }
        stage_close(&s);
        if (r < 0)
            return r;
        s = next;
    }
    for (int i = 0; r >= 0 && i < s.n; i++) {
        int fd =
            host_open_beneath(s.fd[i], "", LINUX_O_RDONLY | LINUX_O_DIRECTORY | LINUX_O_CLOEXEC, 0);
        if (fd < 0) {
            r = fd;
            break;
        }
        fds[n] = fd;
        layers[n++] = s.layer[i];
    }
    stage_close(&s);
    if (r < 0)
        while (n > 0)
            host_fd_close(fds[--n]);
    return r < 0 ? r : n;
}
