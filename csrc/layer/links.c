#include "layer/links.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "layer/copy.h"
#include "layer/error.h"
#include "layer/idset.h"
#include "layer/raw.h"
#include "layer/visit.h"
#include "layer/walk.h"

#define SUFFIX     ":links-"
#define VALUE_SIZE 128
#define TEMPORARY  ".elfuse-links" /* nothing of a layer is between its making and its renaming */

struct counting {
    int root_fd;
    struct idset names;  /* inode -> how many names it has in the tree */
    struct idset copied; /* inode -> index into paths */
    char **paths;        /* owned: where the copy of a shared file is */
    size_t path_count;
    char dir[LAYER_PATH_MAX]; /* of the directory that is visited; no slash at its ends */
};

/* The attribute without its suffix; "" when there is none. */
static int read_value(int fd, char value[VALUE_SIZE], uint32_t *links)
{
    ssize_t len = fgetxattr(fd, LAYER_OVERRIDE_XATTR, value, VALUE_SIZE - 1);
    char *suffix;

    *links = 1;
    value[len < 0 ? 0 : len] = 0;
    if (len < 0)
        return errno == ENODATA || errno == ENOTSUP ? 0 : -errno;
    suffix = strstr(value, SUFFIX);
    if (suffix) {
        *links = (uint32_t)strtoul(suffix + strlen(SUFFIX), NULL, 10);
        *suffix = 0;
    }
    return 0;
}

uint32_t links_recorded(int fd)
{
    char value[VALUE_SIZE];
    uint32_t links;

    return read_value(fd, value, &links) < 0 ? 1 : links;
}

/* A value that says no more than the host's metadata goes, as meta.c writes none. */
static int record(int fd, uint32_t links)
{
    char value[VALUE_SIZE], plain[VALUE_SIZE], text[VALUE_SIZE];
    struct stat st;
    uint32_t before;
    int rc = fstat(fd, &st) < 0 ? -errno : read_value(fd, value, &before), len;

    if (rc < 0)
        return rc;
    snprintf(plain, sizeof(plain), "0:0:0%o", (unsigned)(st.st_mode & 0777));
    if (links == 1) {
        size_t end = strlen(value);

        if (end > 5 && strcmp(value + end - 5, ":file") == 0)
            value[end - 5] = 0;
        if (!*value || strcmp(value, plain) == 0)
            return fremovexattr(fd, LAYER_OVERRIDE_XATTR) < 0 && errno != ENODATA ? -errno : 0;
        len = snprintf(text, sizeof(text), "%s", value);
    } else {
        const char *head = *value ? value : plain;
        int colons = 0;

        for (const char *at = head; *at; at++)
            colons += *at == ':';
        len = snprintf(text, sizeof(text), "%s%s" SUFFIX "%u", head, colons < 3 ? ":file" : "",
                       (unsigned)links);
    }
    if (len >= (int)sizeof(text))
        return -ERANGE;
    return fsetxattr(fd, LAYER_OVERRIDE_XATTR, text, (size_t)len, 0) < 0 ? -errno : 0;
}

static int enter(void *arg, int fd, const char *name, const struct stat *st)
{
    struct counting *c = arg;
    size_t len = strlen(c->dir), more = strlen(name) + 1;

    (void)fd;
    (void)st;
    if (len + more >= sizeof(c->dir))
        return -ENAMETOOLONG;
    if (len)
        c->dir[len++] = '/';
    memcpy(c->dir + len, name, more);
    return 0;
}

static int leave(void *arg, int fd, const struct stat *st)
{
    struct counting *c = arg;
    char *slash = strrchr(c->dir, '/');

    (void)fd;
    (void)st;
    *(slash ? slash : c->dir) = 0;
    return 0;
}

/* Whether the file has or may have other names: 1 and *st, 0, or -errno. */
static int is_shared(int dir_fd, const char *name, mode_t type, struct stat *st)
{
    if (!S_ISREG(type))
        return 0;
    if (fstatat(dir_fd, name, st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    return st->st_nlink > 1 && (st->st_mode & RAW_SHARED);
}

static int count_name(void *arg, int dir_fd, const char *name, mode_t type)
{
    struct counting *c = arg;
    struct stat st;
    size_t names = 0;
    uint64_t key;
    int rc = is_shared(dir_fd, name, type, &st);

    if (rc <= 0)
        return rc;
    key = idset_key(&c->names, st.st_dev, st.st_ino, "");
    (void)idset_get(&c->names, key, &names);
    return idset_put(&c->names, key, names + 1);
}

static int remember_copy(struct counting *c, const struct stat *st, const char *name)
{
    char **grown = realloc(c->paths, (c->path_count + 1) * sizeof(*grown));
    char path[2 * LAYER_PATH_MAX];

    if (!grown)
        return -ENOMEM;
    c->paths = grown;
    snprintf(path, sizeof(path), "%s%s%s", c->dir, *c->dir ? "/" : "", name);
    c->paths[c->path_count] = strdup(path);
    if (!c->paths[c->path_count])
        return -ENOMEM;
    c->path_count++;
    return idset_put(&c->copied, idset_key(&c->copied, st->st_dev, st->st_ino, ""),
                     c->path_count - 1);
}

static int link_copy(struct counting *c, size_t index, int dir_fd)
{
    char name[LAYER_PATH_MAX];
    struct walk w;
    int rc;

    walk_init(&w, c->root_fd);
    rc = walk_parent(&w, c->paths[index], false, name);
    if (rc == 0 && linkat(w.fd, name, dir_fd, TEMPORARY, 0) < 0)
        rc = -errno;
    walk_free(&w);
    return rc;
}

/* Puts a copy of its own, or a further name of it, in the file's place. */
static int own(struct counting *c, int dir_fd, const char *name, const struct stat *st,
               uint32_t links)
{
    struct timespec times[2];
    struct stat dir;
    size_t index;
    int rc, fd;

    if (fstat(dir_fd, &dir) < 0)
        return -errno;
    if (idset_get(&c->copied, idset_key(&c->copied, st->st_dev, st->st_ino, ""), &index)) {
        rc = link_copy(c, index, dir_fd);
    } else {
        rc = copy_file(dir_fd, name, dir_fd, TEMPORARY);
        fd = rc < 0 ? -1 : openat(dir_fd, TEMPORARY, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (rc == 0)
            rc = fd < 0 ? -errno : record(fd, links);
        if (fd >= 0)
            close(fd);
        if (rc == 0)
            rc = remember_copy(c, st, name);
    }
    if (rc == 0 && renameat(dir_fd, TEMPORARY, dir_fd, name) < 0)
        rc = -errno;
    times[0] = times[1] = dir.st_mtim;
    return rc == 0 && futimens(dir_fd, times) < 0 ? -errno : rc;
}

static int correct_name(void *arg, int dir_fd, const char *name, mode_t type)
{
    struct counting *c = arg;
    struct stat st;
    size_t names = 0, index;
    int rc = is_shared(dir_fd, name, type, &st), fd;

    if (rc <= 0)
        return rc;
    if (!idset_get(&c->names, idset_key(&c->names, st.st_dev, st.st_ino, ""), &names))
        return 0; /* one that this made */
    if (idset_get(&c->copied, idset_key(&c->copied, st.st_dev, st.st_ino, ""), &index))
        return own(c, dir_fd, name, &st, 0);
    fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (links_recorded(fd) == names)
        rc = 0;
    else if (st.st_nlink == names)
        rc = record(fd, (uint32_t)names);
    else
        rc = own(c, dir_fd, name, &st, (uint32_t)names);
    close(fd);
    return rc;
}

int layer_count_links(int root_fd, struct layer_error *err)
{
    static const struct visitor count = {count_name, NULL, NULL};
    static const struct visitor correct = {correct_name, enter, leave};
    struct counting c = {.root_fd = root_fd};
    int rc = idset_init(&c.names);

    if (rc == 0)
        rc = idset_init(&c.copied);
    if (rc == 0)
        rc = layer_visit(root_fd, &count, &c);
    if (rc == 0 && c.names.used)
        rc = layer_visit(root_fd, &correct, &c);
    idset_free(&c.names);
    idset_free(&c.copied);
    for (size_t i = 0; i < c.path_count; i++)
        free(c.paths[i]);
    free(c.paths);
    return rc < 0 ? layer_fail_sys(err, -rc, "counting the links of the tree") : 0;
}
