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

/*
 * Why the directory rel is none in the only layer that is left: what is in the way decides. A link
 * is for the caller to follow; a whiteout is nothing at all.
 */
static int why_no_directory(int dirfd, const char *rel)
{
    char prefix[LINUX_PATH_MAX];
    struct linux_statx st;

    for (size_t len = 0;; len++) {
        len += strcspn(rel + len, "/");
        if (len >= sizeof prefix)
            return -LINUX_ENAMETOOLONG;
        memcpy(prefix, rel, len);
        prefix[len] = '\0';
        int fd = host_open_beneath(dirfd, prefix, WALK_FLAGS, 0);
        if (fd < 0)
            return fd;
        int r = host_statx_fd(fd, &st);
        bool hidden = r == 0 && layer_is_whiteout(fd, &st);
        host_fd_close(fd);
        if (r < 0 || hidden)
            return r < 0 ? r : -LINUX_ENOENT;
        if (LINUX_S_ISLNK(st.stx_mode))
            return -LINUX_ELOOP;
        if (!LINUX_S_ISDIR(st.stx_mode) || rel[len] == '\0')
            return -LINUX_ENOTDIR;
    }
}

/* The directories that make up rel, whose length is len, from *s on, which are those of rel[at). 0,
 * *s is then to be closed, or -errno. */
static int stage_walk(const char *rel, size_t at, size_t len, struct stage *s)
{
    char name[LINUX_PATH_MAX];
    struct stage next;
    struct found found;

    while (at < len) {
        bool single = s->n == 1; /* the rest is in one layer only: one host call */
        size_t n = single ? len - at : strcspn(rel + at, "/");
        int r;
        if (n > len - at)
            n = len - at;
        if (n >= sizeof name)
            r = -LINUX_ENAMETOOLONG;
        else {
            memcpy(name, rel + at, n);
            name[n] = '\0';
            if (single) {
                int fd = host_open_beneath(s->fd[0], name, WALK_FLAGS | LINUX_O_DIRECTORY, 0);
                if (fd == -LINUX_ENOTDIR || fd == -LINUX_ELOOP)
                    fd = why_no_directory(s->fd[0], name);
                next = (struct stage){.n = 1, .layer = {s->layer[0]}, .fd = {fd}};
                r = fd < 0 ? fd : 1;
            } else {
                r = stage_step(s, name, &next, &found);
                if (r == 0)
                    r = LINUX_S_ISLNK(found.mode) ? -LINUX_ELOOP : -LINUX_ENOTDIR;
            }
        }
        stage_close(s);
        if (r < 0)
            return r;
        *s = next;
        at += n;
        at += rel[at] == '/';
    }
    return 0;
}

/* A directory of the mount, from what is known or found out. */
struct place {
    struct dir_stage *kept; /* or NULL */
    struct stage own;
    int n;
    const int *layer, *fd;
};

/*
 * Walk to rel[len) from its parent, where that is known: who goes down a path looks up each
 * directory on it, and would else walk from the top for each.
 */
static int walk_from_parent(struct fs_mount *m, const char *rel, size_t len, struct stage *s)
{
    size_t parent = len;
    struct dir_stage *known;
    int r;

    while (parent > 0 && rel[parent - 1] != '/')
        parent--;
    known = parent > 1 && m->directories ? dir_cache_get(m, rel, parent - 1) : NULL;
    stage_root(m, s);
    if (known == NULL)
        return stage_walk(rel, 0, len, s);
    s->n = known->n;
    memcpy(s->layer, known->layer, (size_t)known->n * sizeof *s->layer);
    memcpy(s->fd, known->fd, (size_t)known->n * sizeof *s->fd);
    r = stage_walk(rel, parent, len, s);
    dir_cache_put(m, known);
    return r;
}

static int place_open(struct fs_mount *m, const char *rel, size_t len, struct place *p)
{
    p->kept = len && m->directories ? dir_cache_get(m, rel, len) : NULL;
    p->own.n = 0;
    if (p->kept == NULL) {
        uint64_t generation = len && m->directories ? dir_generation(m) : 0;
        int r = walk_from_parent(m, rel, len, &p->own);
        if (r < 0)
            return r;
        if (generation) {
            for (int i = 0; i < p->own.n; i++) {
                p->own.fd[i] = host_fd_private(p->own.fd[i]);
                if (p->own.fd[i] < 0)
                    r = p->own.fd[i];
            }
            if (r == 0)
                p->kept = dir_cache_add(m, rel, len, generation, p->own.n, p->own.layer, p->own.fd);
            else
                stage_close(&p->own);
            if (p->kept == NULL)
                return r < 0 ? r : -LINUX_ENOMEM;
            p->own.n = 0;
        }
    }
    p->n = p->kept ? p->kept->n : p->own.n;
    p->layer = p->kept ? p->kept->layer : p->own.layer;
    p->fd = p->kept ? p->kept->fd : p->own.fd;
    return 0;
}

static void place_close(struct fs_mount *m, struct place *p)
{
    if (p->kept)
        dir_cache_put(m, p->kept);
    stage_close(&p->own);
}

/* The part of rel before its last component: its length; *name is that component. */
static size_t parent_of(const char *rel, const char **name)
{
    const char *slash = strrchr(rel, '/');

    *name = slash ? slash + 1 : rel;
    return slash ? (size_t)(slash - rel) : 0;
}

static bool name_is_whiteout(int dirfd, const char *name)
{
    struct linux_statx st;
    int fd = host_open_beneath(dirfd, name, WALK_FLAGS, 0);

    if (fd < 0)
        return false;
    bool is = host_statx_fd(fd, &st) == 0 && layer_is_whiteout(fd, &st);
    host_fd_close(fd);
    return is;
}

/* Open name in the topmost of the place's layers from `first` on that has it. */
static int open_in(const struct fs_mount *m, const struct place *p, int first, const char *name,
                   int flags, struct layer_hit *hit)
{
    for (int i = 0; i < p->n; i++) {
        if (p->layer[i] < first)
            continue;
        int fd = open_host(p->fd[i], name, flags);
        if (fd == -LINUX_ENOENT)
            continue;
        hit->layer = p->layer[i];
        /* Only the bottom layer can have no whiteouts. */
        if (p->layer[i] == m->nlayers - 1)
            return fd;
        if (fd < 0)
            return name_is_whiteout(p->fd[i], name) ? -LINUX_ENOENT : fd;
        int r = host_statx_fd(fd, &hit->st);
        if (r == 0 && layer_is_whiteout(fd, &hit->st))
            r = -LINUX_ENOENT;
        if (r < 0) {
            host_fd_close(fd);
            return r;
        }
        hit->have_st = true;
        return fd;
    }
    return -LINUX_ENOENT;
}

static int open_from(struct fs_mount *m, const char *rel, int first, int flags,
                     struct layer_hit *hit)
{
    const char *name;
    size_t len = parent_of(rel, &name);
    struct place p;
    int r = place_open(m, rel, len, &p);

    if (r < 0)
        return r;
    hit->transients = p.kept == NULL && !p.own.root;
    r = open_in(m, &p, first, name, flags, hit);
    place_close(m, &p);
    return r;
}

int layer_open(struct fs_mount *m, const char *rel, int flags, struct layer_hit *hit)
{
    hit->layer = 0;
    hit->have_st = hit->transients = false;
    if (m->is_file) {
        if (*rel != '\0')
            return -LINUX_ENOTDIR;
        if (flags & LINUX_O_DIRECTORY)
            return -LINUX_ENOTDIR;
        return host_reopen_wait(m->layers[0].fd, flags);
    }
    if (m->nlayers == 1 || *rel == '\0')
        return open_host(m->layers[0].fd, rel, flags);
    return open_from(m, rel, 0, flags, hit);
}

int layer_open_below(struct fs_mount *m, const char *rel, int first, struct layer_hit *hit)
{
    hit->layer = 0;
    hit->have_st = hit->transients = false;
    return m->nlayers == 1 ? -LINUX_ENOENT : open_from(m, rel, first, WALK_FLAGS, hit);
}

bool layer_is_merged(struct fs_mount *m, const char *rel)
{
    struct place p;

    if (m->nlayers == 1 || place_open(m, rel, strlen(rel), &p) < 0)
        return false;
    bool merged = p.n > 1;
    place_close(m, &p);
    return merged;
}

int layer_open_dirs(struct fs_mount *m, const char *rel, int fds[FS_MAX_LAYERS],
                    int layers[FS_MAX_LAYERS])
{
    struct place p;
    int n = 0, r = place_open(m, rel, strlen(rel), &p);

    if (r < 0)
        return r;
    for (int i = 0; i < p.n; i++) {
        int fd =
            host_open_beneath(p.fd[i], "", LINUX_O_RDONLY | LINUX_O_DIRECTORY | LINUX_O_CLOEXEC, 0);
        if (fd < 0) {
            r = fd;
            break;
        }
        fds[n] = fd;
        layers[n++] = p.layer[i];
    }
    place_close(m, &p);
    if (r < 0)
        while (n > 0)
            host_fd_close(fds[--n]);
    return r < 0 ? r : n;
}
