/* overlay.h - inside the file system: what copy-up and the changes to directories share. */
#ifndef ELFUSE_FS_OVERLAY_H
#define ELFUSE_FS_OVERLAY_H

#include "linux/fs/path.h"

#define OPAQUE_XATTR   "user.overlay.opaque"
#define WHITEOUT_XATTR "user.overlay.whiteout"

/* The tree's lock, where m is changed in several steps. */
static inline void tree_enter(struct fs_context *fs, const struct fs_mount *m)
{
    if (m->type == FS_OVERLAY)
        fs_tree_lock(fs);
}
static inline void tree_leave(struct fs_context *fs, const struct fs_mount *m)
{
    if (m->type == FS_OVERLAY)
        fs_tree_unlock(fs);
}

/* upper_parent(), with the lock taken for it. */
int fs_upper_parent(struct fs_context *fs, struct fs_mount *m, const char *rel);

/* Before a lock is asked of the guest's descriptor: if it is on a lower file that was copied up
 * since, put it on the copy, where those who opened it later look for the lock. */
void fs_follow_copy(struct task *task, int fd);

/* All of these want the tree's lock held, and it given back by fs_tree_unlock(): a directory that
 * they make is counted there (fs_shared.directories). */

/* Bring the directory rel (and its parents) into layer 0: its O_PATH descriptor, or -errno. */
int upper_dir(struct fs_context *fs, struct fs_mount *m, const char *rel);
/* As upper_dir of rel's parent. */
int upper_parent(struct fs_context *fs, struct fs_mount *m, const char *rel);
/* As fs_copy_up, of a path that a name led to. It is looked up again first. */
int copy_up(struct fs_context *fs, struct fs_path *p);
/* A name in the work directory that nothing has. */
void work_name(struct fs_context *fs, char buf[32]);
/* Hide what lower layers have as name in dir (an O_PATH directory of layer 0): replaces a
 * non-directory of that name. */
int put_whiteout(struct fs_context *fs, struct fs_mount *m, int dir, const char *name);
/* Whether a layer below the upper one would show rel if the upper one did not hold it. */
bool lower_has(struct fs_mount *m, const char *rel);
/* Whether dir/name is a whiteout of the upper layer. */
bool upper_whiteout(int dir, const char *name);
/* Whether rel is an empty directory to the guest: 0 or -LINUX_ENOTEMPTY, -errno. */
int dir_is_empty(struct fs_context *fs, struct fs_mount *m, const char *rel);
/* Take dir/name of layer 0, a directory empty but for whiteouts, away; hide: and put a whiteout in
 * its place, in one step. */
int remove_upper_dir(struct fs_context *fs, struct fs_mount *m, int dir, const char *name,
                     bool hide);
/* Remove the whiteouts in the upper directory, so that the host can remove it. */
int clear_whiteouts(int dir);

#endif
