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

/* Make a whiteout in the work directory, to be moved into dir as `tmp`. */
static int whiteout_aside(struct fs_context *fs, struct fs_mount *m, int dir, char tmp[32])
{
    work_name(fs, tmp);
    int r, fd = host_open_beneath(m->work_fd, tmp,
                                  LINUX_O_WRONLY | LINUX_O_CREAT | LINUX_O_EXCL | LINUX_O_CLOEXEC,
                                  0600);
    if (fd < 0)
        return fd;
    r = host_setxattr_fd(fd, WHITEOUT_XATTR, "y", 1, 0);
    host_fd_close(fd);
    if (r == 0)
        r = mark_has_whiteouts(dir);
    if (r == 0)
        r = mark_has_whiteouts(m->layers[0].fd);
    if (r < 0)
        host_unlinkat(m->work_fd, tmp, false);
    return r;
}

int put_whiteout(struct fs_context *fs, struct fs_mount *m, int dir, const char *name)
{
    char tmp[32];
    int r = whiteout_aside(fs, m, dir, tmp);

    if (r < 0)
        return r;
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

enum make_kind { MAKE_DIR, MAKE_NODE, MAKE_LINK, MAKE_FILE, MAKE_HARDLINK, MAKE_BY };

struct make {
    enum make_kind kind;
    uint32_t mode;
    int flags;          /* MAKE_FILE: open flags */
    const char *target; /* MAKE_LINK; MAKE_HARDLINK: the name in the directory `from` */
    int from;           /* MAKE_HARDLINK: descriptor of the file, if there is no target */
    fs_make_fn *make;   /* MAKE_BY */
    void *arg;
};

static int make_at(const struct make *k, int dir, const char *name)
{
    switch (k->kind) {
    case MAKE_DIR: return host_mkdirat(dir, name, k->mode);
    case MAKE_NODE: return host_mknodat(dir, name, k->mode);
    case MAKE_LINK: return host_symlinkat(k->target, dir, name);
    case MAKE_HARDLINK:
        return k->target ? host_linkat(k->from, k->target, dir, name)
                         : host_link_fd(k->from, dir, name);
    case MAKE_BY: return k->make(k->arg, dir, name);
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
    tree_enter(fs, p->mnt);
    dir = upper_parent(fs, p->mnt, p->rel);
    if (k->kind == MAKE_DIR && p->mnt->type == FS_OVERLAY)
        fs_tree_directories(fs);
    r = dir < 0 ? dir : make_at(k, dir, fs_name(p));
    if (r == -LINUX_EEXIST && p->mnt->type == FS_OVERLAY && upper_whiteout(dir, fs_name(p)))
        r = make_over_whiteout(fs, p->mnt, k, dir, fs_name(p));
    tree_leave(fs, p->mnt);
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

int fs_make(struct fs_context *fs, struct fs_path *p, fs_make_fn *make, void *arg)
{
    return make_in(fs, p, &(struct make){.kind = MAKE_BY, .make = make, .arg = arg});
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
    if (from->mnt == NULL && from->hit.layer > 0)
        return -LINUX_ENOENT; /* a lower file that was removed, as any file without a link */
    r = fs_copy_up(fs, from);
    if (r < 0)
        return r;
    if (!LINUX_S_ISLNK(from->host_mode))
        return make_in(fs, to, &(struct make){.kind = MAKE_HARDLINK, .from = from->fd});

    /* /proc/self/fd/N would be followed to the link's target: by name, for which the host needs no
     * right. */
    int dir = fs_upper_parent(fs, from->mnt, from->rel);
    if (dir < 0)
        return dir;
    r = make_in(fs, to,
                &(struct make){.kind = MAKE_HARDLINK, .from = dir, .target = fs_name(from)});
    host_fd_close(dir);
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
    tree_enter(fs, p->mnt);
    bool hide = lower_has(p->mnt, p->rel);
    dir = upper_parent(fs, p->mnt, p->rel);
    if (dir < 0)
        r = dir;
    else if (hide)
        r = upper_whiteout(dir, fs_name(p)) ? -LINUX_ENOENT
                                            : put_whiteout(fs, p->mnt, dir, fs_name(p));
    else
        r = host_unlinkat(dir, fs_name(p), false);
    tree_leave(fs, p->mnt);
    if (dir >= 0)
        host_fd_close(dir);
    return r;
}

int dir_is_empty(struct fs_context *fs, struct fs_mount *m, const char *rel)
{
    struct dir_list *l;
    int r = dir_list_merged(fs, m, rel, &l);

    if (r < 0)
        return r;
    r = dir_list_count(l) <= 2 ? 0 : -LINUX_ENOTEMPTY; /* "." and ".." */
    dir_list_free(l);
    return r;
}

static int remove_whiteouts_too(int dir, const char *name)
{
    int r = host_unlinkat(dir, name, true);

    if (r != -LINUX_ENOTEMPTY)
        return r;
    int fd = host_open_beneath(dir, name, NODE_FLAGS | LINUX_O_DIRECTORY, 0);
    r = fd < 0 ? fd : clear_whiteouts(fd);
    if (fd >= 0)
        host_fd_close(fd);
    return r < 0 ? r : host_unlinkat(dir, name, true);
}

int remove_upper_dir(struct fs_context *fs, struct fs_mount *m, int dir, const char *name,
                     bool hide)
{
    char tmp[32];
    int r;

    if (!hide)
        return remove_whiteouts_too(dir, name);
    r = whiteout_aside(fs, m, dir, tmp);
    if (r < 0)
        return r;
    /* Were the directory removed first, the lower one would show until its whiteout is there. */
    r = host_renameat2(m->work_fd, tmp, dir, name, LINUX_RENAME_EXCHANGE);
    if (r == -LINUX_ENOENT)
        r = host_renameat2(m->work_fd, tmp, dir, name, LINUX_RENAME_NOREPLACE);
    else if (r == 0) {
        r = remove_whiteouts_too(m->work_fd, tmp);
        if (r < 0) /* a socket has been bound in it meanwhile */
            host_renameat2(m->work_fd, tmp, dir, name, LINUX_RENAME_EXCHANGE);
    }
    if (r < 0)
        host_unlinkat(m->work_fd, tmp, false);
    return r;
}

int fs_rmdir(struct fs_context *fs, struct fs_path *p)
{
    struct fs_mount *m = p->mnt;
    int dir, r = fs_writable(p);

    if (r < 0)
        return r;
    if (mount_at_or_below(fs, p->path))
        return -LINUX_EBUSY;
    if (m == NULL || !mount_is_host(m))
        return -LINUX_EPERM;
    tree_enter(fs, m);
    dir = upper_parent(fs, m, p->rel);
    if (dir < 0)
        r = dir;
    else if (m->type != FS_OVERLAY)
        r = host_unlinkat(dir, fs_name(p), true);
    else {
        r = dir_is_empty(fs, m, p->rel);
        fs_tree_directories(fs);
        if (r == 0)
            r = remove_upper_dir(fs, m, dir, fs_name(p), lower_has(m, p->rel));
    }
    tree_leave(fs, m);
    if (dir >= 0)
        host_fd_close(dir);
    return r;
}
