#include "layer/merge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "layer/copy.h"
#include "layer/error.h"
#include "layer/idset.h"
#include "layer/links.h"
#include "layer/raw.h"
#include "layer/visit.h"
#include "layer/walk.h"

/* What is known of a directory on the way down. */
struct level {
    dev_t dev; /* of the tree's directory */
    ino_t ino;
    size_t path_len; /* of its parent's path */
    bool made;       /* it was not there before: it has no attributes to replace */
    bool whiteouts;  /* the layer's has some */
};

struct merge {
    struct merge_stats *stats;
    int root_fd, fd;      /* the tree's root, and its directory now; owned unless it is the root */
    struct level *levels; /* owned; the first is the root */
    size_t depth, room;
    char path[LAYER_PATH_MAX]; /* of fd */
    struct idset copied;       /* inode of the layer -> index into paths */
    char **paths;              /* owned: where in the tree its copy is */
    size_t path_count, path_room;
};

static void move_to(struct merge *m, int fd)
{
    if (m->fd != m->root_fd)
        close(m->fd);
    m->fd = fd;
}

/* Whether the file is one of several names. */
static bool has_links(struct merge *m, const char *name)
{
    int fd = openat(m->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool has = fd >= 0 && links_recorded(fd) > 1;

    if (fd >= 0)
        close(fd);
    return has;
}

/* Takes away what the tree has under the name. 0 or -errno. */
static int clear(struct merge *m, const char *name)
{
    bool counted = has_links(m, name);
    int rc = unlinkat(m->fd, name, 0) < 0 ? -errno : 0;

    if (rc == 0 && counted)
        m->stats->unlinked++;

    if (rc == -EISDIR || rc == -EPERM) {
        m->stats->unlinked++; /* perhaps: nobody looks at what it holds */
        rc = layer_remove_tree(m->fd, name);
    }
    return rc == -ENOENT ? 0 : rc;
}

static int push(struct merge *m, const char *name, bool made, bool whiteouts)
{
    size_t len = strlen(m->path), more = strlen(name) + 1;
    struct stat st;

    if (len + more >= sizeof(m->path))
        return -ENAMETOOLONG;
    if (m->depth == m->room) {
        size_t room = m->room ? m->room * 2 : 16;
        struct level *grown = realloc(m->levels, room * sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        m->levels = grown;
        m->room = room;
    }
    if (fstat(m->fd, &st) < 0)
        return -errno;
    m->levels[m->depth++] = (struct level){st.st_dev, st.st_ino, len, made, whiteouts};
    if (len && more > 1)
        m->path[len++] = '/';
    memcpy(m->path + len, name, more);
    return 0;
}

static int enter(void *arg, int raw_fd, const char *name, const struct stat *st)
{
    struct merge *m = arg;
    char mark = raw_mark(raw_fd);
    bool made = mkdirat(m->fd, name, 0700) == 0;
    int fd, rc;

    (void)st;
    m->stats->directories++;
    if (!made && errno != EEXIST)
        return -errno;
    fd = made || mark != 'y' ? openat(m->fd, name, WALK_DIR_FLAGS) : -1;
    if (fd < 0) { /* something else, or what the layer hides */
        if (made)
            return -errno;
        rc = clear(m, name);
        if (rc < 0)
            return rc;
        made = true;
        fd = mkdirat(m->fd, name, 0700) < 0 ? -1 : openat(m->fd, name, WALK_DIR_FLAGS);
        if (fd < 0)
            return -errno;
    }
    move_to(m, fd);
    return push(m, name, made, mark == 'x');
}

/* Attributes and the time come last: nothing is written into the directory any more. */
static int leave(void *arg, int raw_fd, const struct stat *st)
{
    struct merge *m = arg;
    struct level left = m->levels[m->depth - 1], *above = &m->levels[m->depth - 2];
    int rc = copy_xattrs(raw_fd, m->fd, !left.made), fd;
    struct stat up;

    if (rc == 0)
        rc = copy_times_and_mode(m->fd, st);
    if (rc < 0)
        return rc;
    fd = openat(m->fd, "..", WALK_DIR_FLAGS);
    if (fd < 0)
        return -errno;
    move_to(m, fd);
    m->depth--;
    m->path[left.path_len] = 0;
    if (fstat(fd, &up) < 0)
        return -errno;
    return up.st_dev == above->dev && up.st_ino == above->ino ? 0 : -EBUSY;
}

static int remember(struct merge *m, uint64_t key, const char *name)
{
    size_t len = strlen(m->path);
    char *path;

    if (m->path_count == m->path_room) {
        size_t room = m->path_room ? m->path_room * 2 : 64;
        char **grown = realloc(m->paths, room * sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        m->paths = grown;
        m->path_room = room;
    }
    path = malloc(len + 1 + strlen(name) + 1);
    if (!path)
        return -ENOMEM;
    memcpy(path, m->path, len);
    path[len] = '/';
    strcpy(path + len + 1, name);
    m->paths[m->path_count++] = path;
    return idset_put(&m->copied, key, m->path_count - 1);
}

static int link_again(struct merge *m, const char *path, const char *name)
{
    char last[LAYER_PATH_MAX];
    struct walk w;
    int rc;

    walk_init(&w, m->root_fd);
    rc = walk_parent(&w, path, false, last);
    if (rc == 0 && linkat(w.fd, last, m->fd, name, 0) < 0)
        rc = -errno;
    walk_free(&w);
    return rc;
}

static int copy_link(struct merge *m, int raw_fd, const char *name, const struct stat *st)
{
    struct timespec times[2] = {st->st_mtim, st->st_mtim};
    char text[LAYER_PATH_MAX];
    ssize_t len;

    if (S_ISFIFO(st->st_mode)) {
        if (mkfifoat(m->fd, name, 0600) < 0 || fchmodat(m->fd, name, st->st_mode & 07777, 0) < 0)
            return -errno;
    } else {
        len = readlinkat(raw_fd, name, text, sizeof(text) - 1);
        if (len < 0)
            return -errno;
        text[len] = 0;
        if (symlinkat(text, m->fd, name) < 0)
            return -errno;
    }
    return utimensat(m->fd, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

/* Symlinks and FIFOs, which can carry no count of their links, and files that cannot be linked. */
static int copy_once(struct merge *m, int raw_fd, const char *name)
{
    struct stat st;
    size_t index;
    uint64_t key;
    bool many;
    int rc;

    if (fstatat(raw_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    key = idset_key(&m->copied, st.st_dev, st.st_ino, "");
    many = st.st_nlink > 1;
    if (many && idset_get(&m->copied, key, &index))
        return link_again(m, m->paths[index], name);
    rc = S_ISREG(st.st_mode) ? copy_file(raw_fd, name, m->fd, name)
                             : copy_link(m, raw_fd, name, &st);
    return rc == 0 && many ? remember(m, key, name) : rc;
}

static int put(struct merge *m, int raw_fd, const char *name, mode_t type)
{
    if (!S_ISREG(type))
        return copy_once(m, raw_fd, name);
    if (linkat(raw_fd, name, m->fd, name, 0) == 0)
        return 0;
    return errno == EMLINK || errno == EXDEV || errno == EPERM || errno == ENOTSUP
               ? copy_once(m, raw_fd, name)
               : -errno;
}

static int merge_file(void *arg, int raw_fd, const char *name, mode_t type)
{
    struct merge *m = arg;
    int rc = m->levels[m->depth - 1].whiteouts && S_ISREG(type) ? raw_is_whiteout(raw_fd, name) : 0;

    if (rc < 0)
        return rc;
    if (rc > 0)
        return clear(m, name);
    if (S_ISREG(type))
        m->stats->files++;
    else
        m->stats->others++;
    rc = put(m, raw_fd, name, type);
    if (rc == -EEXIST) {
        rc = clear(m, name);
        if (rc == 0)
            rc = put(m, raw_fd, name, type);
    }
    return rc;
}

/* A layer that says nothing of its root leaves it as it was. */
static int finish_root(int raw_fd, int root_fd, bool with_root, const struct stat *before)
{
    struct timespec times[2] = {before->st_mtim, before->st_mtim};
    struct stat st;
    int rc;

    if (!with_root)
        return futimens(root_fd, times) < 0 ? -errno : 0;
    if (fstat(raw_fd, &st) < 0)
        return -errno;
    rc = copy_xattrs(raw_fd, root_fd, true);
    return rc < 0 ? rc : copy_times_and_mode(root_fd, &st);
}

int layer_merge(int raw_fd, int root_fd, bool with_root, struct merge_stats *stats,
                struct layer_error *err)
{
    static const struct visitor visitor = {merge_file, enter, leave};
    struct merge m = {.stats = stats, .root_fd = root_fd, .fd = root_fd};
    struct stat before;
    int rc = fstat(root_fd, &before) < 0 ? -errno : idset_init(&m.copied);

    memset(stats, 0, sizeof(*stats));
    memset(err, 0, sizeof(*err));
    if (rc == 0)
        rc = push(&m, "", false, raw_mark(raw_fd) == 'x');
    if (rc == 0)
        rc = layer_visit(raw_fd, &visitor, &m);
    if (rc == 0)
        rc = finish_root(raw_fd, root_fd, with_root, &before);
    move_to(&m, root_fd);
    idset_free(&m.copied);
    for (size_t i = 0; i < m.path_count; i++)
        free(m.paths[i]);
    free(m.paths);
    free(m.levels);
    return rc < 0 ? layer_fail_sys(err, -rc, "merging at %s", QUOTED(*m.path ? m.path : ".")) : 0;
}
