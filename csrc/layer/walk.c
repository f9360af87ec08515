#include "layer/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void walk_init(struct walk *w, int root_fd)
{
    memset(w, 0, sizeof(*w));
    w->root_fd = w->from_fd = w->fd = root_fd;
}

static void move_to(struct walk *w, int fd)
{
    if (w->fd != w->root_fd && w->fd != w->from_fd)
        close(w->fd);
    w->fd = fd;
}

void walk_free(struct walk *w)
{
    move_to(w, w->root_fd);
}

void walk_from(struct walk *w, int from_fd, const char *done)
{
    walk_free(w);
    w->from_fd = w->fd = from_fd;
    memcpy(w->done, done, strlen(done) + 1);
}

int walk_take(struct walk *w)
{
    int fd = w->fd;

    if (fd == w->root_fd || fd == w->from_fd) {
        fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        fd = fd < 0 ? -errno : fd;
    }
    w->fd = w->root_fd;
    return fd;
}

/* Takes the first component off todo. False when none is left. */
static bool next_component(struct walk *w, char *name)
{
    const char *start = w->todo + strspn(w->todo, "/");
    size_t len = strcspn(start, "/");

    memcpy(name, start, len);
    name[len] = 0;
    memmove(w->todo, start + len, strlen(start + len) + 1);
    return len > 0;
}

static int push_done(struct walk *w, const char *name)
{
    size_t len = strlen(w->done), more = strlen(name);

    if (len + 1 + more + 1 > sizeof(w->done))
        return -ENAMETOOLONG;
    if (len)
        w->done[len++] = '/';
    memcpy(w->done + len, name, more + 1);
    return 0;
}

/* The directory above: the path walked so far without its last component, opened anew from the
 * root. */
static int go_up(struct walk *w)
{
    char *slash = strrchr(w->done, '/');
    const char *at = w->done;

    *(slash ? slash : w->done) = 0;
    move_to(w, w->root_fd);
    while (*at) {
        char name[LAYER_PATH_MAX];
        size_t len = strcspn(at, "/");
        int fd;

        memcpy(name, at, len);
        name[len] = 0;
        fd = openat(w->fd, name, WALK_DIR_FLAGS);
        if (fd < 0)
            return -errno;
        move_to(w, fd);
        at += len + (at[len] == '/');
    }
    return 0;
}

/* name in the directory reached is a symlink: puts its text before todo. -EINVAL when it is none.
 */
static int expand_link(struct walk *w, const char *name)
{
    char text[LAYER_PATH_MAX];
    ssize_t len = readlinkat(w->fd, name, text, sizeof(text) - 1);
    size_t rest = strlen(w->todo);

    if (len < 0)
        return -errno;
    if (++w->links > WALK_LINKS)
        return -ELOOP;
    if (len == 0)
        return -ENOENT;
    if ((size_t)len + 1 + rest + 1 > sizeof(w->todo))
        return -ENAMETOOLONG;
    memmove(w->todo + len + 1, w->todo, rest + 1);
    memcpy(w->todo, text, (size_t)len);
    w->todo[len] = '/';
    if (text[0] == '/') {
        move_to(w, w->root_fd);
        w->done[0] = 0;
    }
    return 0;
}

static int make_directory(struct walk *w, const char *name)
{
    int rc = w->on_create ? w->on_create(w->arg, w->fd, w->done, name, false) : 0;

    if (rc < 0)
        return rc;
    if (mkdirat(w->fd, name, 0755) < 0)
        return -errno;
    return w->on_create ? w->on_create(w->arg, w->fd, w->done, name, true) : 0;
}

static int enter(struct walk *w, const char *name)
{
    int fd, rc;

    if (strcmp(name, ".") == 0)
        return 0;
    if (strcmp(name, "..") == 0)
        return go_up(w);
    fd = openat(w->fd, name, WALK_DIR_FLAGS);
    if (fd < 0 && errno == ENOENT && w->create) {
        rc = make_directory(w, name);
        if (rc < 0)
            return rc;
        fd = openat(w->fd, name, WALK_DIR_FLAGS);
    }
    if (fd < 0 && (errno == ENOTDIR || errno == ELOOP || errno == EMLINK)) {
        /* Linux says ENOTDIR for a symlink when O_DIRECTORY is given too, others ELOOP. */
        rc = expand_link(w, name);
        return rc == -EINVAL ? -ENOTDIR : rc;
    }
    if (fd < 0)
        return -errno;
    rc = push_done(w, name);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    move_to(w, fd);
    return 0;
}

static int load(struct walk *w, const char *path)
{
    size_t len = strlen(path);

    if (len >= sizeof(w->todo))
        return -ENAMETOOLONG;
    memcpy(w->todo, path, len + 1);
    w->links = 0;
    return 0;
}

static int finish_directory(struct walk *w)
{
    char name[LAYER_PATH_MAX];
    int rc = 0;

    while (rc == 0 && next_component(w, name))
        rc = enter(w, name);
    return rc;
}

int walk_directory(struct walk *w, const char *path)
{
    int rc = load(w, path);

    return rc < 0 ? rc : finish_directory(w);
}

int walk_parent(struct walk *w, const char *path, bool follow, char *name)
{
    int rc = load(w, path);

    name[0] = 0;
    while (rc == 0 && next_component(w, name)) {
        bool last = w->todo[strspn(w->todo, "/")] == 0;

        if (!last || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
            rc = enter(w, name);
            name[0] = 0;
            continue;
        }
        /* "link/" names what the link leads to, as in Linux. */
        if (!follow && w->todo[0] != '/')
            return 0;
        w->todo[0] = 0;
        rc = expand_link(w, name);
        if (rc == -EINVAL || rc == -ENOENT)
            return 0; /* no symlink, or nothing: this is the name */
    }
    return rc;
}
