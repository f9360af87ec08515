/* Owner, mode, times and xattrs of one file, by descriptor. */
#include "layer/apply.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "layer/raw.h"

#define XATTR_LIST_SIZE 65536 /* XATTR_LIST_MAX */

/* What the host's file gets. Virtual: nothing that gives power (setuid, setgid), and nothing that
 * would shut the owner out, who has to serve the guest's root; the sticky bit of a directory is
 * neither. */
mode_t meta_host_mode(const struct apply *a, const struct tar_entry *e)
{
    bool device = e->type == TAR_CHAR || e->type == TAR_BLOCKDEV;

    if (a->req->owner == LAYER_OWNER_HOST && !device)
        return e->mode;
    if (e->type == TAR_DIR)
        return (e->mode & 01777) | 0700;
    return (e->mode & 0777) | 0600;
}

/* Under host ownership the owner comes first, which takes the power bits away again. */
bool meta_mode_is_made(const struct apply *a)
{
    return a->req->owner == LAYER_OWNER_VIRTUAL && !(meta_host_mode(a, a->entry) & a->lost);
}

static mode_t made_mode(const struct apply *a)
{
    bool shared = a->req->raw && a->entry->type != TAR_FIFO && a->entry->type != TAR_DIR;

    return meta_host_mode(a, a->entry) | (shared ? RAW_SHARED : 0);
}

mode_t meta_creation_mode(const struct apply *a)
{
    if (meta_mode_is_made(a))
        return made_mode(a);
    return a->entry->type == TAR_DIR ? 0700 : 0600;
}

static bool starts(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/*
 * A layer may set its own data. Not: our override key, which would let it name devices and owners
 * that its header does not; overlayfs' and fuse-overlayfs' keys, which mean whiteouts and
 * redirects; and, unless owners are the host's, whatever the host's kernel would act upon. Labels
 * and integrity keys are another machine's.
 */
static bool may_set(const struct apply *a, const char *name)
{
    if (starts(name, "user."))
        return !starts(name, "user.containers.") && !starts(name, "user.overlay.") &&
               !starts(name, "user.fuseoverlayfs.");
    if (a->req->owner != LAYER_OWNER_HOST)
        return false;
    return strcmp(name, "security.capability") == 0 ||
           strcmp(name, "system.posix_acl_access") == 0 ||
           strcmp(name, "system.posix_acl_default") == 0;
}

/* Not the layer's fault, and nothing but the xattr is lost. */
static bool refused(int error)
{
    return error == ENOTSUP || error == EPERM || error == E2BIG || error == ERANGE ||
           error == ENOSPC;
}

static int set_xattrs(struct apply *a, int fd)
{
    const struct tar_entry *e = a->entry;

    for (size_t i = 0; i < e->xattr_count; i++) {
        const struct tar_xattr *x = &e->xattrs[i];

        if (!may_set(a, x->name))
            a->stats->dropped_xattrs++;
        else if (fsetxattr(fd, x->name, x->value, x->len, 0) == 0)
            continue;
        else if (refused(errno))
            a->stats->dropped_xattrs++;
        else
            return apply_fail_entry(a, errno, "setting an xattr of");
    }
    return 0;
}

/* A directory named again takes the new entry's xattrs, not a mixture. */
static int clear_xattrs(struct apply *a, int fd)
{
    char *list = malloc(XATTR_LIST_SIZE);
    ssize_t len = list ? flistxattr(fd, list, XATTR_LIST_SIZE) : -1;

    for (const char *name = list; name && name < list + len; name += strlen(name) + 1)
        if (starts(name, "user.") && !starts(name, "user.overlay."))
            (void)fremovexattr(fd, name);
    if (!list)
        return apply_fail_entry(a, ENOMEM, "reading the xattrs of");
    free(list);
    return 0;
}

static int set_override(struct apply *a, int fd)
{
    const struct tar_entry *e = a->entry;
    bool device = e->type == TAR_CHAR || e->type == TAR_BLOCKDEV;
    char text[96];
    int len;

    if (a->req->owner == LAYER_OWNER_HOST && !device)
        return 0;
    if (e->uid == 0 && e->gid == 0 && e->mode == meta_host_mode(a, e) && !device)
        return 0;
    len = snprintf(text, sizeof(text), "%" PRIu32 ":%" PRIu32 ":0%o", e->uid, e->gid, e->mode);
    if (device)
        len += snprintf(text + len, sizeof(text) - (size_t)len, ":%s-%" PRIu32 "-%" PRIu32,
                        e->type == TAR_CHAR ? "char" : "block", e->major, e->minor);
    if (fsetxattr(fd, LAYER_OVERRIDE_XATTR, text, (size_t)len, 0) == 0)
        return 0;
    /* Without user xattrs (an old tmpfs) the file shows as root's with the host's mode. FIFOs have
     * none. */
    if (errno == ENOTSUP || errno == EPERM) {
        a->stats->dropped_xattrs++;
        return 0;
    }
    return apply_fail_entry(a, errno, "keeping the owner of");
}

int meta_apply(struct apply *a, int fd, bool old)
{
    const struct tar_entry *e = a->entry;
    struct timespec times[2] = {{e->mtime, e->mtime_nsec}, {e->mtime, e->mtime_nsec}};
    int rc = 0;

    /* chown drops setuid bits and capabilities, so it comes before them. */
    if (a->req->owner == LAYER_OWNER_HOST && fchown(fd, e->uid, e->gid) < 0)
        return apply_fail_entry(a, errno, "changing the owner of");
    if (old)
        rc = clear_xattrs(a, fd);
    if (rc == 0)
        rc = set_xattrs(a, fd);
    if (rc == 0)
        rc = set_override(a, fd);
    if (rc < 0 || e->type == TAR_DIR)
        return rc;
    if (!meta_mode_is_made(a) && fchmod(fd, made_mode(a)) < 0)
        return apply_fail_entry(a, errno, "changing the mode of");
    if (futimens(fd, times) < 0)
        return apply_fail_entry(a, errno, "setting the time of");
    return 0;
}
