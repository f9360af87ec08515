/* Removal of a tree and opening in one: the two calls that the store needs beside extraction. */
#include "layer/layer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layer/walk.h"

int layer_open_in_root(int root_fd, const char *path, int flags, unsigned mode)
{
    bool follow = !(flags & O_NOFOLLOW) && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
    char name[LAYER_PATH_MAX];
    struct walk w;
    int rc;

    if (!*path)
        return -ENOENT;
    walk_init(&w, root_fd);
    rc = walk_parent(&w, path, follow, name);
    if (rc == 0) {
        /* O_NOFOLLOW: what was put there since the look is not followed out of the tree. */
        rc = openat(w.fd, *name ? name : ".", flags | O_NOFOLLOW | O_CLOEXEC, mode);
        rc = rc < 0 ? -errno : rc;
    }
    walk_free(&w);
    return rc;
}

struct level { /* a directory on the way down */
    dev_t dev;
    ino_t ino;
    char name[256];
};

/* One directory, emptied from the leaves up with a single descriptor, so that no depth exhausts
 * them. */
struct removal {
    int fd; /* the directory being emptied; owned */
    struct level *levels;
    size_t depth, room;
};

static int open_directory(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, WALK_DIR_FLAGS);

    /* Owned by us but closed to us: mode 0 from an image. Changed only when it is a directory
     * itself. */
    if (fd < 0 && errno == EACCES && fchmodat(dir_fd, name, 0700, AT_SYMLINK_NOFOLLOW) == 0)
        fd = openat(dir_fd, name, WALK_DIR_FLAGS);
    return fd < 0 ? -errno : fd;
}

static int descend(struct removal *r, const char *name)
{
    struct stat st;
    int fd = open_directory(r->fd, name);

    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0 || (!(st.st_mode & S_IWUSR) && fchmod(fd, 0700) < 0)) {
        int rc = -errno;

        close(fd);
        return rc;
    }
    if (r->depth == r->room) {
        size_t room = r->room ? r->room * 2 : 16;
        struct level *grown = realloc(r->levels, room * sizeof(*grown));

        if (!grown) {
            close(fd);
            return -ENOMEM;
        }
        r->levels = grown;
        r->room = room;
    }
    r->levels[r->depth].dev = st.st_dev;
    r->levels[r->depth].ino = st.st_ino;
    snprintf(r->levels[r->depth].name, sizeof(r->levels[0].name), "%s", name);
    r->depth++;
    close(r->fd);
    r->fd = fd;
    return 0;
}

/* Back to the parent through "..", which must be the directory that was left: else somebody moves
 * things. */
static int ascend(struct removal *r)
{
    char name[sizeof(r->levels[0].name)];
    struct stat st;
    int fd = openat(r->fd, "..", WALK_DIR_FLAGS);

    if (fd < 0)
        return -errno;
    close(r->fd);
    r->fd = fd;
    memcpy(name, r->levels[--r->depth].name, sizeof(name));
    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_dev != r->levels[r->depth - 1].dev || st.st_ino != r->levels[r->depth - 1].ino)
        return -EBUSY;
    return unlinkat(fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

/* Unlinks what r->fd holds until a directory with content is met: 1 and its name, or 0 when it is
 * empty. */
static int empty_files(struct removal *r, char name[256])
{
    int copy = openat(r->fd, ".", WALK_DIR_FLAGS), rc = 0;
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    const struct dirent *entry;

    if (!dir) {
        rc = -errno;
        if (copy >= 0)
            close(copy);
        return rc;
    }
    while (rc == 0 && (errno = 0, entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (entry->d_type != DT_DIR && unlinkat(r->fd, entry->d_name, 0) == 0)
            continue;
        if (unlinkat(r->fd, entry->d_name, AT_REMOVEDIR) == 0)
            continue;
        if (errno != ENOTEMPTY && errno != EEXIST && errno != EACCES) {
            rc = -errno;
            break;
        }
        snprintf(name, 256, "%s", entry->d_name);
        rc = 1;
    }
    if (rc == 0 && errno)
        rc = -errno;
    closedir(dir);
    return rc;
}

int layer_remove_tree(int dir_fd, const char *name)
{
    struct removal r = {0};
    struct stat top;
    char child[256];
    int rc;

    if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return -EINVAL;
    if (fstatat(dir_fd, name, &top, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (!S_ISDIR(top.st_mode))
        return unlinkat(dir_fd, name, 0) < 0 ? -errno : 0;
    r.fd = openat(dir_fd, ".", WALK_DIR_FLAGS);
    if (r.fd < 0)
        return -errno;
    rc = descend(&r, name);
    while (rc == 0) {
        rc = empty_files(&r, child);
        if (rc > 0) {
            rc = descend(&r, child);
            continue;
        }
        if (rc < 0 || r.depth == 1)
            break;
        rc = ascend(&r);
    }
    close(r.fd);
    free(r.levels);
    if (rc < 0)
        return rc;
    return unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}
