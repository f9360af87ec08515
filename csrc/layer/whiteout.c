/*
 * Whiteouts (image-spec layer.md): ".wh.NAME" hides NAME of the layers below, ".wh..wh..opq" hides
 * all that its directory holds of them. Wherever such an entry stands in its layer, what the layer
 * itself wrote stays.
 */
#include "layer/apply.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "layer/raw.h"

#define PREFIX      ".wh."
#define OPAQUE      ".wh..wh..opq"
#define PRUNE_DEPTH 128 /* each level holds a descriptor */

static int prune(struct apply *a, int dir_fd, const struct stat *dir, const char *name, int depth);

static int prune_children(struct apply *a, int fd, int depth)
{
    int copy = openat(fd, ".", WALK_DIR_FLAGS), rc = 0;
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    const struct dirent *child;
    struct stat st;

    if (!dir || fstat(fd, &st) < 0) {
        rc = apply_fail_entry(a, errno, "reading the directory of");
        if (dir)
            closedir(dir);
        else if (copy >= 0)
            close(copy);
        return rc;
    }
    while (rc == 0 && (errno = 0, child = readdir(dir)))
        if (strcmp(child->d_name, ".") != 0 && strcmp(child->d_name, "..") != 0)
            rc = prune(a, fd, &st, child->d_name, depth + 1);
    if (rc == 0 && errno)
        rc = apply_fail_entry(a, errno, "reading the directory of");
    closedir(dir);
    return rc;
}

static int prune_directory(struct apply *a, int dir_fd, const char *name, bool keep, int depth)
{
    int fd, rc;

    if (depth >= PRUNE_DEPTH)
        return layer_fail(a->err, LAYER_E_LIMIT, "%s hides directories nested more than %d deep",
                          QUOTED(a->path), PRUNE_DEPTH);
    fd = openat(dir_fd, name, WALK_DIR_FLAGS);
    if (fd < 0)
        return apply_fail_entry(a, errno, "applying the whiteout");
    rc = prune_children(a, fd, depth);
    close(fd);
    if (rc < 0 || keep)
        return rc;
    if (unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOTEMPTY && errno != EEXIST)
        return apply_fail_entry(a, errno, "applying the whiteout");
    return 0;
}

/* Removes name in dir_fd, and below, all that this layer did not write. */
static int prune(struct apply *a, int dir_fd, const struct stat *dir, const char *name, int depth)
{
    bool keep = apply_wrote(a, dir->st_dev, dir->st_ino, name);
    struct stat st;
    int rc;

    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : apply_fail_entry(a, errno, "applying the whiteout");
    if (S_ISDIR(st.st_mode) && a->written.used > 0)
        return prune_directory(a, dir_fd, name, keep, depth);
    if (keep)
        return 0;
    rc = layer_remove_tree(dir_fd, name);
    return rc < 0 && rc != -ENOENT ? apply_fail_entry(a, -rc, "applying the whiteout") : 0;
}

/* True for a component that only a whiteout may have. */
static bool is_reserved(const char *name)
{
    return strncmp(name, PREFIX, strlen(PREFIX)) == 0;
}

static int check_names(struct apply *a)
{
    const char *hidden = a->name + strlen(PREFIX);

    for (const char *at = a->dir; at && *at; at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL)
        if (is_reserved(at))
            return layer_fail(a->err, LAYER_E_REFUSED, "%s lies below a whiteout", QUOTED(a->path));
    if (!is_reserved(a->name))
        return 0;
    if (strcmp(a->name, OPAQUE) == 0)
        return 1;
    /* ".wh.." and ".wh..." would hide the directory itself and the one above; the rest is aufs's
     * own. */
    if (!*hidden || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0 || is_reserved(hidden))
        return layer_fail(a->err, LAYER_E_REFUSED, "%s is no valid whiteout", QUOTED(a->path));
    return 1;
}

int whiteout_apply(struct apply *a)
{
    struct stat dir;
    int rc = check_names(a);

    if (rc <= 0)
        return rc;
    a->stats->whiteouts++;
    rc = apply_parent(a, false);
    if (rc <= 0)
        return rc < 0 ? rc : 1; /* hides nothing */
    if (a->req->raw && strcmp(a->name, OPAQUE) != 0)
        rc = raw_whiteout(a, a->name + strlen(PREFIX));
    else if (a->req->raw)
        rc =
            *a->at.done ? raw_opaque(a, a->at.fd) : raw_depends(a, "hides all of the layers below");
    if (a->req->raw)
        return rc < 0 ? rc : 1;
    a->at_valid = false;
    if (strcmp(a->name, OPAQUE) == 0) {
        rc = prune_children(a, a->at.fd, 0);
    } else {
        dir.st_dev = a->at_dev;
        dir.st_ino = a->at_ino;
        rc = prune(a, a->at.fd, &dir, a->name + strlen(PREFIX), 0);
    }
    return rc < 0 ? rc : 1;
}
