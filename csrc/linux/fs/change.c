/*
 * change.c - making and removing names. Plain mounts and overlays take the same calls; an overlay's
 * lower names are hidden by whiteouts, in the form that a kernel overlayfs with userxattr reads.
 */
#include <stdio.h>
#include <string.h>

#include "host/io.h"
#include "linux/fs/fd_meta.h"
#include "linux/fs/overlay.h"

#define NODE_FLAGS (LINUX_O_PATH | LINUX_O_NOFOLLOW | LINUX_O_CLOEXEC)

bool lower_has(struct fs_mount *m, const char *rel)
{
    struct layer_hit hit;

    if (m->nlayers == 1)
        return false;
    int fd = layer_open_below(m, rel, 1, &hit);
    if (fd < 0)
        return false;
    host_fd_close(fd);
    return true;
}

bool upper_whiteout(int dir, const char *name)
{
    struct linux_statx st;
    bool is = false;
    int fd = host_open_beneath(dir, name, NODE_FLAGS, 0);

    if (fd < 0)
        return false;
    if (host_statx_fd(fd, &st) == 0)
        is = layer_is_whiteout(fd, &st);
    host_fd_close(fd);
    return is;
}

/* overlayfs looks for whiteouts of the attribute form only in directories marked "x", in a layer
 * whose root is marked too. A directory that is opaque needs none. */
static int mark_has_whiteouts(int dir)
{
    int r = host_setxattr_fd(dir, OPAQUE_XATTR, "x", 1, LINUX_XATTR_CREATE);
    return r == -LINUX_EEXIST ? 0 : r;
}

int put_whiteout(struct fs_context *fs, struct fs_mount *m, int dir, const char *name)
{
    char tmp[32];
    int r;

    work_name(fs, tmp);
    int fd = host_open_beneath(
        m->work_fd, tmp, LINUX_O_WRONLY | LINUX_O_CREAT | LINUX_O_EXCL | LINUX_O_CLOEXEC, 0600);
    if (fd < 0)
        return fd;
    r = host_setxattr_fd(fd, WHITEOUT_XATTR, "y", 1, 0);
    host_fd_close(fd);
    if (r == 0)
        r = mark_has_whiteouts(dir);
    if (r == 0)
        r = mark_has_whiteouts(m->layers[0].fd);
    if (r == 0)
        r = host_renameat2(m->work_fd, tmp, dir, name, 0);
    if (r < 0)
        host_unlinkat(m->work_fd, tmp, false);
    return r;
}

int clear_whiteouts(int dir)
{
    _Alignas(struct linux_dirent64) char buf[8192];
    int64_t n;
    int r = 0,
        fd = host_open_beneath(dir, "", LINUX_O_RDONLY | LINUX_O_DIRECTORY | LINUX_O_CLOEXEC, 0);

    if (fd < 0)
        return fd;
    while (r == 0 && (n = host_getdents64(fd, buf, sizeof buf)) > 0)
        for (int64_t at = 0; at < n && r == 0;) {
            const struct linux_dirent64 *d = (const void *)(buf + at);
            at += d->d_reclen;
            if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0 &&
                upper_whiteout(dir, d->d_name))
                r = host_unlinkat(dir, d->d_name, false);
        }
    host_fd_close(fd);
    return r;
}

/* ---- making ---- */

enum make_kind { MAKE_DIR, MAKE_NODE, MAKE_LINK, MAKE_FILE, MAKE_HARDLINK };

struct make {
    enum make_kind kind;
    uint32_t mode;
    int flags;          /* MAKE_FILE: open flags */
    const char *target; /* MAKE_LINK */
    int from;           /* MAKE_HARDLINK: descriptor of the file */
};

static int make_at(const struct make *k, int dir, const char *name)
{
    switch (k->kind) {
    case MAKE_DIR: return host_mkdirat(dir, name, k->mode);
    case MAKE_NODE: return host_mknodat(dir, name, k->mode);
    case MAKE_LINK: return host_symlinkat(k->target, dir, name);
    case MAKE_HARDLINK: return host_link_fd(k->from, dir, name);
    case MAKE_FILE: break;
    }
    return host_open_beneath(dir, name, k->flags | LINUX_O_CREAT | LINUX_O_EXCL, k->mode);
}

/* The name is a whiteout: make the object aside and move it there, so that the lower name never
 * shows. */
static int make_over_whiteout(struct fs_context *fs, struct fs_mount *m, const struct make *k,
                              int dir, const char *name)
{
    char tmp[32];
    bool is_dir = k->kind == MAKE_DIR;

    work_name(fs, tmp);
    int made = make_at(k, m->work_fd, tmp), r = made < 0 ? made : 0;
    if (r < 0)
        return r;
    if (is_dir) {
        int fd = host_open_beneath(m->work_fd, tmp, NODE_FLAGS, 0);
        r = fd < 0 ? fd : host_setxattr_fd(fd, OPAQUE_XATTR, "y", 1, 0);
        if (fd >= 0)
            host_fd_close(fd);
    }
    if (r == 0)
        r = host_renameat2(m->work_fd, tmp, dir, name, is_dir ? LINUX_RENAME_EXCHANGE : 0);
    if (r < 0)
        host_unlinkat(m->work_fd, tmp, is_dir);
    else if (is_dir)
        host_unlinkat(m->work_fd, tmp, false); /* the whiteout */
    if (r < 0 && k->kind == MAKE_FILE)
        host_fd_close(made);
    return r < 0 ? r : made;
}

static int make_in(struct fs_context *fs, struct fs_path *p, const struct make *k)
{
    int dir, r = fs_writable(p);

    if (r < 0)
        return r;
    if (p->mnt == NULL || !mount_is_host(p->mnt) || p->mnt->is_file)
        return -LINUX_EPERM;
    host_mutex_lock(&fs->tree_lock);
    dir = upper_parent(fs, p->mnt, p->rel);
    r = dir < 0 ? dir : make_at(k, dir, fs_name(p));
    if (r == -LINUX_EEXIST && p->mnt->type == FS_OVERLAY && upper_whiteout(dir, fs_name(p)))
        r = make_over_whiteout(fs, p->mnt, k, dir, fs_name(p));
    host_mutex_unlock(&fs->tree_lock);
    if (dir >= 0)
        host_fd_close(dir);
    return r;
}

int fs_mkdir(struct fs_context *fs, struct fs_path *p, uint32_t host_mode)
{
    return make_in(fs, p, &(struct make){.kind = MAKE_DIR, .mode = host_mode});
}

int fs_mknod(struct fs_context *fs, struct fs_path *p, uint32_t host_mode)
{
    return make_in(fs, p, &(struct make){.kind = MAKE_NODE, .mode = host_mode});
}

int fs_symlink(struct fs_context *fs, struct fs_path *p, const char *target)
{
    return make_in(fs, p, &(struct make){.kind = MAKE_LINK, .target = target});
}

int fs_create(struct fs_context *fs, struct fs_path *p, int flags, uint32_t host_mode)
{
    return make_in(fs, p, &(struct make){.kind = MAKE_FILE, .mode = host_mode, .flags = flags});
}

int fs_link(struct fs_context *fs, struct fs_path *from, struct fs_path *to)
{
    int r;

    if (from->mnt != to->mnt && !(from->mnt == NULL && from->anon == to->mnt))
        return -LINUX_EXDEV;
    r = fs_copy_up(fs, from);
    if (r < 0)
        return r;
    if (!LINUX_S_ISLNK(from->host_mode))
        return make_in(fs, to, &(struct make){.kind = MAKE_HARDLINK, .from = from->fd});

    /* /proc/self/fd/N would be followed to the link's target: by name, for which the host needs no
     * right. */
    host_mutex_lock(&fs->tree_lock);
    int dir = upper_parent(fs, from->mnt, from->rel),
        todir = dir < 0 ? dir : upper_parent(fs, to->mnt, to->rel);
    r = todir < 0 ? todir : host_linkat(dir, fs_name(from), todir, fs_name(to));
    if (r == -LINUX_EEXIST && to->mnt->type == FS_OVERLAY && upper_whiteout(todir, fs_name(to))) {
        host_unlinkat(todir, fs_name(to), false);
        r = host_linkat(dir, fs_name(from), todir, fs_name(to));
    }
    host_mutex_unlock(&fs->tree_lock);
    if (dir >= 0)
        host_fd_close(dir);
    if (todir >= 0)
        host_fd_close(todir);
    return r;
}

/* ---- removing ---- */

int fs_unlink(struct fs_context *fs, struct fs_path *p)
{
    int dir, r = fs_writable(p);

    if (r < 0)
        return r;
    if (mount_at_or_below(fs, p->path))
        return -LINUX_EBUSY;
    if (p->mnt == NULL || !mount_is_host(p->mnt))
        return -LINUX_EPERM;
    host_mutex_lock(&fs->tree_lock);
    bool hide = lower_has(p->mnt, p->rel);
    dir = upper_parent(fs, p->mnt, p->rel);
    if (dir < 0)
        r = dir;
    else if (hide)
        r = upper_whiteout(dir, fs_name(p)) ? -LINUX_ENOENT
                                            : put_whiteout(fs, p->mnt, dir, fs_name(p));
    else
        r = host_unlinkat(dir, fs_name(p), false);
    host_mutex_unlock(&fs->tree_lock);
    if (dir >= 0)
        host_fd_close(dir);
    return r;
}

static int is_empty(struct fs_context *fs, const struct fs_path *p)
{
    struct dir_list *l;
    int r = dir_list_merged(fs, p->mnt, p->rel, &l);

    if (r < 0)
        return r;
    r = dir_list_count(l) <= 2 ? 0 : -LINUX_ENOTEMPTY; /* "." and ".." */
    dir_list_free(l);
    return r;
}

/* Take the upper directory dir/name, empty but for whiteouts, away. */
static int remove_upper_dir(int dir, const char *name)
{
    int r = host_unlinkat(dir, name, true);

    if (r != -LINUX_ENOTEMPTY)
        return r == -LINUX_ENOENT ? 0 : r;
    int fd = host_open_beneath(dir, name, NODE_FLAGS | LINUX_O_DIRECTORY, 0);
    r = fd < 0 ? fd : clear_whiteouts(fd);
    if (fd >= 0)
        host_fd_close(fd);
    return r < 0 ? r : host_unlinkat(dir, name, true);
}

static int rmdir_overlay(struct fs_context *fs, struct fs_path *p, int dir)
{
    int r = is_empty(fs, p);

    if (r < 0)
        return r;
    bool hide = lower_has(p->mnt, p->rel);
    r = remove_upper_dir(dir, fs_name(p));
    if (r == 0 && hide)
        r = put_whiteout(fs, p->mnt, dir, fs_name(p));
    return r;
}

int fs_rmdir(struct fs_context *fs, struct fs_path *p)
{
    int dir, r = fs_writable(p);

    if (r < 0)
        return r;
    if (mount_at_or_below(fs, p->path))
        return -LINUX_EBUSY;
    if (p->mnt == NULL || !mount_is_host(p->mnt))
        return -LINUX_EPERM;
    host_mutex_lock(&fs->tree_lock);
    dir = upper_parent(fs, p->mnt, p->rel);
    if (dir < 0)
        r = dir;
    else
        r = p->mnt->type == FS_OVERLAY ? rmdir_overlay(fs, p, dir)
                                       : host_unlinkat(dir, fs_name(p), true);
    host_mutex_unlock(&fs->tree_lock);
    if (dir >= 0)
        host_fd_close(dir);
    return r;
}

/* ---- renaming ---- */

/* Linux's checks of old against new that the host cannot make across layers. */
static int rename_check(struct fs_context *fs, struct fs_path *from, struct fs_path *to,
                        unsigned flags)
{
    bool from_dir = LINUX_S_ISDIR(from->st.stx_mode);

    if (from->mnt != to->mnt || from->mnt == NULL || !mount_is_host(from->mnt))
        return -LINUX_EXDEV;
    int r = fs_writable(from);
    if (r < 0)
        return r;
    if (mount_at_or_below(fs, from->path) || (to->exists && mount_at_or_below(fs, to->path)))
        return -LINUX_EBUSY;
    size_t n = strlen(from->path);
    if (from_dir && strncmp(to->path, from->path, n) == 0 && to->path[n] == '/')
        return -LINUX_EINVAL;
    if (!to->exists)
        return flags & LINUX_RENAME_EXCHANGE ? -LINUX_ENOENT : 0;
    if (flags & LINUX_RENAME_NOREPLACE)
        return -LINUX_EEXIST;
    if (flags & LINUX_RENAME_EXCHANGE)
        return 0;
    n = strlen(to->path);
    if (strncmp(from->path, to->path, n) == 0 && from->path[n] == '/')
        return -LINUX_ENOTEMPTY;
    if (from_dir && !LINUX_S_ISDIR(to->st.stx_mode))
        return -LINUX_ENOTDIR;
    if (!from_dir && LINUX_S_ISDIR(to->st.stx_mode))
        return -LINUX_EISDIR;
    return 0;
}

/* A directory that lower layers contribute to cannot be moved: EXDEV, as overlayfs without
 * redirect_dir says, and programs copy then. */
static bool dir_is_fixed(struct fs_path *p)
{
    return LINUX_S_ISDIR(p->st.stx_mode) && (p->hit.layer != 0 || p->hit.merged);
}

static int rename_overlay(struct fs_context *fs, struct fs_path *from, struct fs_path *to,
                          unsigned flags, int fromdir, int todir)
{
    bool dir = LINUX_S_ISDIR(from->st.stx_mode), hide_from = lower_has(from->mnt, from->rel),
         hide_to = lower_has(to->mnt, to->rel);
    const char *fn = fs_name(from), *tn = fs_name(to);
    int r = 0;

    if (to->exists && LINUX_S_ISDIR(to->st.stx_mode)) {
        r = is_empty(fs, to);
        if (r == 0)
            r = remove_upper_dir(todir, tn);
    }
    if (r == 0 && dir) {
        /* What lower layers have at the new place must stay hidden. */
        if (hide_to)
            r = host_setxattr_fd(from->fd, OPAQUE_XATTR, "y", 1, 0);
        if (r == 0 && upper_whiteout(todir, tn))
            r = host_unlinkat(todir, tn, false);
    }
    if (r == 0)
        r = host_renameat2(fromdir, fn, todir, tn, flags & ~LINUX_RENAME_NOREPLACE);
    if (r == 0 && hide_from)
        r = put_whiteout(fs, from->mnt, fromdir, fn);
    return r;
}

static int exchange_overlay(struct fs_path *from, struct fs_path *to, int fromdir, int todir)
{
    int r = 0;

    if (LINUX_S_ISDIR(from->st.stx_mode) && lower_has(to->mnt, to->rel))
        r = host_setxattr_fd(from->fd, OPAQUE_XATTR, "y", 1, 0);
    if (r == 0 && LINUX_S_ISDIR(to->st.stx_mode) && lower_has(from->mnt, from->rel))
        r = host_setxattr_fd(to->fd, OPAQUE_XATTR, "y", 1, 0);
    return r < 0
               ? r
               : host_renameat2(fromdir, fs_name(from), todir, fs_name(to), LINUX_RENAME_EXCHANGE);
}

int fs_rename(struct fs_context *fs, struct fs_path *from, struct fs_path *to, unsigned flags)
{
    int r = rename_check(fs, from, to, flags);

    if (r < 0)
        return r;
    if (to->exists && from->st.stx_ino == to->st.stx_ino &&
        from->st.stx_dev_major == to->st.stx_dev_major &&
        from->st.stx_dev_minor == to->st.stx_dev_minor && from->hit.layer == to->hit.layer)
        return 0; /* two names of one file: nothing is done (POSIX) */
    bool overlay = from->mnt->type == FS_OVERLAY;
    if (overlay && (dir_is_fixed(from) || ((flags & LINUX_RENAME_EXCHANGE) && dir_is_fixed(to))))
        return -LINUX_EXDEV;
    if (overlay) {
        r = fs_copy_up(fs, from);
        if (r == 0 && (flags & LINUX_RENAME_EXCHANGE))
            r = fs_copy_up(fs, to);
        if (r < 0)
            return r;
    }
    host_mutex_lock(&fs->tree_lock);
    int fromdir = upper_parent(fs, from->mnt, from->rel);
    int todir = fromdir < 0 ? fromdir : upper_parent(fs, to->mnt, to->rel);
    if (todir < 0)
        r = todir;
    else if (!overlay)
        r = host_renameat2(fromdir, fs_name(from), todir, fs_name(to), flags);
    else if (flags & LINUX_RENAME_EXCHANGE)
        r = exchange_overlay(from, to, fromdir, todir);
    else
        r = rename_overlay(fs, from, to, flags, fromdir, todir);
    host_mutex_unlock(&fs->tree_lock);
    if (fromdir >= 0)
        host_fd_close(fromdir);
    if (todir >= 0)
        host_fd_close(todir);
    return r;
}
