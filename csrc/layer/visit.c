#include "layer/visit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "layer/walk.h"

/* A directory on the way down, with the names of those in it that are still to visit. */
struct level {
    struct stat st;
    char *names; /* owned; each with its NUL */
    size_t len, room, at;
};

struct visit {
    const struct visitor *v;
    void *arg;
    int fd; /* the directory that the last level is; owned unless it is the root's */
    int root_fd;
    struct level *levels; /* owned */
    size_t depth, room;
};

static void move_to(struct visit *w, int fd)
{
    if (w->fd != w->root_fd)
        close(w->fd);
    w->fd = fd;
}

static int push_level(struct visit *w, const struct stat *st)
{
    if (w->depth == w->room) {
        size_t room = w->room ? w->room * 2 : 16;
        struct level *grown = realloc(w->levels, room * sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        w->levels = grown;
        w->room = room;
    }
    w->levels[w->depth++] = (struct level){.st = *st};
    return 0;
}

static int remember(struct level *l, const char *name)
{
    size_t len = strlen(name) + 1;

    if (l->len + len > l->room) {
        size_t room = (l->room ? l->room * 2 : 512) + len;
        char *grown = realloc(l->names, room);

        if (!grown)
            return -ENOMEM;
        l->names = grown;
        l->room = room;
    }
    memcpy(l->names + l->len, name, len);
    l->len += len;
    return 0;
}

static int type_of(int dir_fd, const struct dirent *entry, mode_t *type)
{
    struct stat st;

    *type = DTTOIF(entry->d_type);
    if (entry->d_type != DT_UNKNOWN)
        return 0;
    if (fstatat(dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    *type = st.st_mode & S_IFMT;
    return 0;
}

/* The files of the directory reached, and the names of its directories. */
static int read_level(struct visit *w)
{
    int copy = openat(w->fd, ".", WALK_DIR_FLAGS), rc = 0;
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    const struct dirent *entry;
    mode_t type;

    if (!dir) {
        rc = -errno;
        if (copy >= 0)
            close(copy);
        return rc;
    }
    while (rc == 0 && (errno = 0, entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        rc = type_of(w->fd, entry, &type);
        if (rc == 0 && S_ISDIR(type))
            rc = remember(&w->levels[w->depth - 1], entry->d_name);
        else if (rc == 0)
            rc = w->v->file(w->arg, w->fd, entry->d_name, type);
    }
    if (rc == 0 && errno)
        rc = -errno;
    closedir(dir);
    return rc;
}

static int descend(struct visit *w, const char *name)
{
    struct stat st;
    int fd = openat(w->fd, name, WALK_DIR_FLAGS), rc;

    if (fd < 0)
        return -errno;
    rc = fstat(fd, &st) < 0 ? -errno : push_level(w, &st);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    move_to(w, fd);
    rc = w->v->enter ? w->v->enter(w->arg, w->fd, name, &st) : 0;
    return rc < 0 ? rc : read_level(w);
}

static int ascend(struct visit *w)
{
    struct level *left = &w->levels[w->depth - 1];
    int rc = w->v->leave ? w->v->leave(w->arg, w->fd, &left->st) : 0, fd;
    struct stat st;

    if (rc < 0)
        return rc;
    fd = openat(w->fd, "..", WALK_DIR_FLAGS);
    if (fd < 0)
        return -errno;
    move_to(w, fd);
    free(left->names);
    w->depth--;
    if (fstat(fd, &st) < 0)
        return -errno;
    return st.st_dev == left[-1].st.st_dev && st.st_ino == left[-1].st.st_ino ? 0 : -EBUSY;
}

int layer_visit(int root_fd, const struct visitor *v, void *arg)
{
    struct visit w = {.v = v, .arg = arg, .fd = root_fd, .root_fd = root_fd};
    struct stat st;
    int rc = fstat(root_fd, &st) < 0 ? -errno : push_level(&w, &st);

    if (rc == 0)
        rc = read_level(&w);
    while (rc == 0) {
        struct level *l = &w.levels[w.depth - 1];

        if (l->at < l->len) {
            const char *name = l->names + l->at;

            l->at += strlen(name) + 1;
            rc = descend(&w, name);
        } else if (w.depth > 1) {
            rc = ascend(&w);
        } else {
            break;
        }
    }
    move_to(&w, root_fd);
    while (w.depth > 0)
        free(w.levels[--w.depth].names);
    free(w.levels);
    return rc;
}
