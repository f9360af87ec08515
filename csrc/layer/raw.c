#include "layer/raw.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "layer/links.h"
#include "layer/visit.h"

char raw_mark(int dir_fd)
{
    char value[4];

    return fgetxattr(dir_fd, RAW_OPAQUE, value, sizeof(value)) == 1 ? value[0] : 0;
}

int raw_is_whiteout(int dir_fd, const char *name)
{
    struct stat st;
    int fd, is;

    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_size > 0)
        return 0;
    fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    is = fgetxattr(fd, RAW_WHITEOUT, NULL, 0) >= 0;
    close(fd);
    return is;
}

int raw_depends(struct apply *a, const char *why)
{
    return layer_fail(a->err, LAYER_E_DEPENDS, "%s %s", QUOTED(a->entry->path), why);
}

static int mark(struct apply *a, int fd, const char *key, const char *value)
{
    if (fsetxattr(fd, key, value, strlen(value), 0) == 0)
        return 0;
    if (errno == ENOTSUP || errno == EPERM)
        return raw_depends(a, "hides something, which this file system cannot keep by itself");
    return apply_fail_entry(a, errno, "marking the directory of");
}

int raw_opaque(struct apply *a, int dir_fd)
{
    a->opaque = true;
    return mark(a, dir_fd, RAW_OPAQUE, "y");
}

static int make_whiteout(struct apply *a, const char *name)
{
    int fd = openat(a->at.fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600), rc;

    if (fd < 0)
        return apply_fail_entry(a, errno, "creating");
    rc = mark(a, fd, RAW_WHITEOUT, "y");
    if (close(fd) < 0 && rc == 0)
        rc = apply_fail_entry(a, errno, "creating");
    if (rc == 0 && raw_mark(a->at.fd) == 0)
        rc = mark(a, a->at.fd, RAW_OPAQUE, "x");
    return rc;
}

/* What the layer itself has under the name stays; of a directory only the lower layers' part goes.
 */
int raw_whiteout(struct apply *a, const char *hidden)
{
    struct stat st;
    int fd, rc;

    if (fstatat(a->at.fd, hidden, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? make_whiteout(a, hidden)
                               : apply_fail_entry(a, errno, "applying the whiteout");
    if (!S_ISDIR(st.st_mode))
        return 0;
    fd = openat(a->at.fd, hidden, WALK_DIR_FLAGS);
    if (fd < 0)
        return apply_fail_entry(a, errno, "applying the whiteout");
    rc = raw_opaque(a, fd);
    close(fd);
    return rc;
}

/* Where nothing lower shows, overlayfs does not look for whiteouts, and would show them. */
struct tidying {
    size_t depth, opaque_at; /* of the topmost opaque directory around, 0: none */
};

static int tidy_enter(void *arg, int fd, const char *name, const struct stat *st)
{
    struct tidying *t = arg;
    char mark_here = raw_mark(fd);

    (void)name;
    (void)st;
    t->depth++;
    if (t->opaque_at == 0 && mark_here == 'y')
        t->opaque_at = t->depth;
    else if (t->opaque_at != 0 && mark_here == 'x')
        return fremovexattr(fd, RAW_OPAQUE) < 0 ? -errno : 0;
    return 0;
}

static int tidy_leave(void *arg, int fd, const struct stat *st)
{
    struct tidying *t = arg;

    (void)fd;
    (void)st;
    if (t->opaque_at == t->depth--)
        t->opaque_at = 0;
    return 0;
}

static int tidy_file(void *arg, int dir_fd, const char *name, mode_t type)
{
    struct tidying *t = arg;
    int is = t->opaque_at != 0 && S_ISREG(type) ? raw_is_whiteout(dir_fd, name) : 0;

    if (is <= 0)
        return is;
    return unlinkat(dir_fd, name, 0) < 0 ? -errno : 0;
}

int raw_finish(struct apply *a)
{
    static const struct visitor tidy = {tidy_file, tidy_enter, tidy_leave};
    struct tidying t = {0};
    int rc = 0;

    if (a->opaque && a->stats->whiteouts)
        rc = layer_visit(a->req->root_fd, &tidy, &t);
    if (rc < 0)
        return layer_fail_sys(a->err, -rc, "removing whiteouts");
    return a->stats->hardlinks ? layer_count_links(a->req->root_fd, a->err) : 0;
}
