/*
 * rename.c - moving names. A host rename does it on a plain mount. On an overlay the object is
 * brought into the upper layer first, a directory with all that is below it, and what lower layers
 * have at the old place is hidden in the same step, so that neither a reader nor a kill at any
 * point finds a file at both places or at none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/io.h"
#include "linux/fs/fd_meta.h"
#include "linux/fs/overlay.h"

#define NODE_FLAGS (LINUX_O_PATH | LINUX_O_NOFOLLOW | LINUX_O_CLOEXEC)

int fs_rename_within(const struct fs_path *from, const struct fs_path *to, bool exchange)
{
    size_t n = strlen(from->path);

    if (LINUX_S_ISDIR(from->st.stx_mode) && strncmp(to->path, from->path, n) == 0 &&
        to->path[n] == '/')
        return -LINUX_EINVAL;
    n = strlen(to->path);
    if (to->exists && strncmp(from->path, to->path, n) == 0 && from->path[n] == '/')
        return exchange ? -LINUX_EINVAL : -LINUX_ENOTEMPTY;
    return 0;
}

/* Linux's checks of old against new that the host cannot make across layers. */
static int check(struct fs_context *fs, const struct fs_path *from, const struct fs_path *to,
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
    r = fs_rename_within(from, to, flags & LINUX_RENAME_EXCHANGE);
    if (r < 0)
        return r;
    if (!to->exists)
        return flags & LINUX_RENAME_EXCHANGE ? -LINUX_ENOENT : 0;
    if (flags & LINUX_RENAME_NOREPLACE)
        return -LINUX_EEXIST;
    if (flags & LINUX_RENAME_EXCHANGE)
        return 0;
    if (from_dir && !LINUX_S_ISDIR(to->st.stx_mode))
        return -LINUX_ENOTDIR;
    if (!from_dir && LINUX_S_ISDIR(to->st.stx_mode))
        return -LINUX_EISDIR;
    return 0;
}

static bool is_one_file(const struct fs_path *a, const struct fs_path *b)
{
    return a->st.stx_ino == b->st.stx_ino && a->st.stx_dev_major == b->st.stx_dev_major &&
           a->st.stx_dev_minor == b->st.stx_dev_minor && a->hit.layer == b->hit.layer;
}

/* ---- directories ---- */

/* Look at name in the directory rel: p, to be put. */
static int child(struct fs_mount *m, const char *rel, const char *name, struct fs_path *p)
{
    p->fd = p->from_fd = -1;
    p->node = NULL;
    p->mnt = m;
    p->rel = p->path;
    if (snprintf(p->path, sizeof p->path, "%s/%s", rel, name) >= (int)sizeof p->path)
        return -LINUX_ENAMETOOLONG;
    return fs_path_refresh(p);
}

static int bring_entry(struct fs_context *fs, struct fs_mount *m, char *rel, const char *name);

/*
 * Make the directory rel (a buffer of LINUX_PATH_MAX) one of the upper layer alone: bring up what
 * it holds, then hide what is below it. Nothing that the guest sees changes at any step.
 */
static int bring_up(struct fs_context *fs, struct fs_mount *m, char *rel)
{
    struct dir_list *names;
    int dir, r = dir_list_merged(fs, m, rel, &names);

    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < dir_list_size(names); i++) {
        const char *name = dir_list_name(names, i);
        if (name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
            r = bring_entry(fs, m, rel, name);
    }
    dir_list_free(names);
    if (r < 0)
        return r;
    dir = upper_dir(fs, m, rel);
    if (dir < 0)
        return dir;
    fs_tree_directories(fs);
    r = host_setxattr_fd(dir, OPAQUE_XATTR, "y", 1, 0);
    host_fd_close(dir);
    return r;
}

/* Whether lower layers contribute to the directory. */
static bool is_lower_dir(const struct fs_path *p)
{
    return LINUX_S_ISDIR(p->host_mode) && (p->hit.layer != 0 || layer_is_merged(p->mnt, p->rel));
}

static int bring_entry(struct fs_context *fs, struct fs_mount *m, char *rel, const char *name)
{
    size_t n = strlen(rel);
    struct fs_path *p = malloc(sizeof *p); /* trees are deep, stacks are not */

    if (p == NULL)
        return -LINUX_ENOMEM;
    int r = child(m, rel, name, p);
    bool down = r == 0 && is_lower_dir(p);
    if (r == 0 && !down)
        r = copy_up(fs, p);
    if (p->fd >= 0)
        host_fd_close(p->fd);
    free(p);
    if (r == 0 && down) {
        rel[n] = '/';
        strcpy(rel + n + 1, name); /* child() has seen that it fits */
        r = bring_up(fs, m, rel);
        rel[n] = '\0';
    }
    return r;
}

/* Bring the object into the upper layer, a directory with all that it holds. */
static int bring(struct fs_context *fs, struct fs_path *p)
{
    char rel[LINUX_PATH_MAX];

    if (!is_lower_dir(p))
        return copy_up(fs, p);
    strcpy(rel, p->rel);
    int r = bring_up(fs, p->mnt, rel);
    return r < 0 ? r : fs_path_refresh(p);
}

/* What lower layers have at the directory's new place must stay hidden. */
static int hide_below(struct fs_path *p, const struct fs_path *place)
{
    return LINUX_S_ISDIR(p->host_mode) && lower_has(place->mnt, place->rel)
               ? host_setxattr_fd(p->fd, OPAQUE_XATTR, "y", 1, 0)
               : 0;
}

/* ---- on an overlay ---- */

struct move {
    struct fs_context *fs;
    struct fs_mount *m;
    int fromdir, todir;
    const char *from, *to;
};

/* Rename and leave a whiteout. */
static int move_and_hide(const struct move *mv, bool is_dir)
{
    char tmp[32];
    int r = host_renameat2(mv->fromdir, mv->from, mv->todir, mv->to, LINUX_RENAME_WHITEOUT);

    /* File systems that cannot; Linux before 5.8, where it took privilege. */
    if (r != -LINUX_EINVAL && r != -LINUX_EPERM && r != -LINUX_ENOSYS)
        return r;
    if (is_dir) {
        r = host_renameat2(mv->fromdir, mv->from, mv->todir, mv->to, 0);
    } else {
        /* Better two names for a moment than none. */
        work_name(mv->fs, tmp);
        r = host_linkat(mv->fromdir, mv->from, mv->m->work_fd, tmp);
        if (r == 0) {
            r = host_renameat2(mv->m->work_fd, tmp, mv->todir, mv->to, 0);
            if (r < 0)
                host_unlinkat(mv->m->work_fd, tmp, false);
        }
    }
    return r < 0 ? r : put_whiteout(mv->fs, mv->m, mv->fromdir, mv->from);
}

/* What is at the new place cannot be replaced in one step (a whiteout under a directory, or an
 * empty directory with whiteouts in it): swap, then take it away from the old place. */
static int swap_and_remove(const struct move *mv, bool hide_from)
{
    int r = host_renameat2(mv->fromdir, mv->from, mv->todir, mv->to, LINUX_RENAME_EXCHANGE);

    if (r < 0)
        return r;
    if (upper_whiteout(mv->fromdir, mv->from))
        return hide_from ? 0 : host_unlinkat(mv->fromdir, mv->from, false);
    return remove_upper_dir(mv->fs, mv->m, mv->fromdir, mv->from, hide_from);
}

static int rename_overlay(struct fs_context *fs, struct fs_path *from, struct fs_path *to,
                          const struct move *mv)
{
    bool is_dir = LINUX_S_ISDIR(from->host_mode), hide_from = lower_has(from->mnt, from->rel);
    int r = 0;

    if (to->exists && LINUX_S_ISDIR(to->st.stx_mode))
        r = dir_is_empty(fs, to->mnt, to->rel);
    if (r == 0)
        r = hide_below(from, to);
    if (r < 0)
        return r;
    if (hide_from)
        r = move_and_hide(mv, is_dir);
    else
        r = host_renameat2(mv->fromdir, mv->from, mv->todir, mv->to, 0);
    if (is_dir && (r == -LINUX_ENOTDIR || r == -LINUX_ENOTEMPTY || r == -LINUX_EEXIST))
        r = swap_and_remove(mv, hide_from);
    return r;
}

static int exchange_overlay(struct fs_path *from, struct fs_path *to, const struct move *mv)
{
    int r = hide_below(from, to);

    if (r == 0)
        r = hide_below(to, from);
    return r < 0 ? r
                 : host_renameat2(mv->fromdir, mv->from, mv->todir, mv->to, LINUX_RENAME_EXCHANGE);
}

/* Both again, as they are with the tree's lock held. */
static int look_again(struct fs_context *fs, struct fs_path *from, struct fs_path *to,
                      unsigned flags)
{
    int r = fs_path_refresh(from);

    if (r < 0)
        return r;
    r = fs_path_refresh(to);
    if (r == -LINUX_ENOENT) {
        to->exists = false;
        r = 0;
    }
    return r < 0 ? r : check(fs, from, to, flags);
}

static int rename_locked(struct fs_context *fs, struct fs_path *from, struct fs_path *to,
                         unsigned flags)
{
    bool overlay = from->mnt->type == FS_OVERLAY, exchange = flags & LINUX_RENAME_EXCHANGE;
    int r = overlay ? look_again(fs, from, to, flags) : 0;

    if (r == 0 && to->exists && is_one_file(from, to))
        return 0; /* two names of one file: nothing is done (POSIX) */
    if (r == 0 && overlay)
        r = bring(fs, from);
    if (r == 0 && overlay && exchange)
        r = bring(fs, to);
    if (r < 0)
        return r;
    if (overlay &&
        (LINUX_S_ISDIR(from->st.stx_mode) || (to->exists && LINUX_S_ISDIR(to->st.stx_mode))))
        fs_tree_directories(fs);
    struct move mv = {.fs = fs, .m = from->mnt, .from = fs_name(from), .to = fs_name(to)};
    mv.fromdir = upper_parent(fs, from->mnt, from->rel);
    mv.todir = mv.fromdir < 0 ? mv.fromdir : upper_parent(fs, to->mnt, to->rel);
    if (mv.todir < 0)
        r = mv.todir;
    else if (!overlay)
        r = host_renameat2(mv.fromdir, mv.from, mv.todir, mv.to, flags);
    else if (exchange)
        r = exchange_overlay(from, to, &mv);
    else
        r = rename_overlay(fs, from, to, &mv);
    if (mv.fromdir >= 0)
        host_fd_close(mv.fromdir);
    if (mv.todir >= 0)
        host_fd_close(mv.todir);
    return r;
}

int fs_rename(struct fs_context *fs, struct fs_path *from, struct fs_path *to, unsigned flags)
{
    int r = check(fs, from, to, flags);

    if (r < 0)
        return r;
    tree_enter(fs, from->mnt);
    r = rename_locked(fs, from, to, flags);
    tree_leave(fs, from->mnt);
    return r;
}
