/* position.c - where in the guest's tree descriptors, the current directory and the root are, and
 * what an open file looks like. */
#include <stdlib.h>
#include <string.h>

#include "host/io.h"
#include "linux/fs/devpts.h"
#include "linux/fs/fd_meta.h"
#include "linux/fs/path.h"
#include "linux/fs/synth.h"

/* Whether the open object came with the image; asked of those only that carry no attribute. */
static bool in_lower_layer(struct fs_context *fs, int fd, const struct linux_statx *st)
{
    char host[LINUX_PATH_MAX];
    const char *rel;
    int layer;

    if (LINUX_S_ISREG(st->stx_mode) || LINUX_S_ISDIR(st->stx_mode))
        return false;
    struct fs_mount *m = mount_of_fd(fs, NULL, fd, host, &layer, &rel);
    return m && host[0] == '/' && mount_from_image(m, layer, rel);
}

int fs_stat_fd(struct task *task, int fd, struct linux_statx *st)
{
    struct fd_meta *meta = fd_meta_get(task->proc->fds, fd);
    int r = 0;

    if (meta && meta->path) {
        synth_stat(&meta->node, st);
        fd_meta_put(meta);
        return 0;
    }
    r = host_statx_fd(fd, st);
    bool plain = r == 0 && (LINUX_S_ISREG(st->stx_mode) || LINUX_S_ISDIR(st->stx_mode));
    bool attributes = plain && host_has_xattrs(fd);
    if (attributes) /* only objects of an upper layer carry this one */
        fs_apply_origin(&task->proc->fs->mounts[0], 0, fd, st);
    if (r == 0)
        owner_apply(attributes || !plain ? fd : -1, in_lower_layer(task->proc->fs, fd, st), st);
    if (r == 0 && LINUX_S_ISCHR(st->stx_mode))
        devpts_apply(st);
    fd_meta_put(meta);
    return r;
}

/* The path of the directory fd of a layer, by what the host calls it. */
static int host_position(struct fs_context *fs, struct fs_mount *hint, int fd, char *buf)
{
    char host[LINUX_PATH_MAX];
    struct linux_statx st;
    struct fs_mount *m = NULL;
    const char *rel;
    int layer;

    int64_t n = host_fd_path(fd, host, sizeof host);
    if (n == -LINUX_ENAMETOOLONG)
        return -LINUX_ENAMETOOLONG;
    if (n >= 0)
        m = mount_of_host(fs, hint, mount_is_detached(fs, fd), host, &layer, &rel);
    if (m == NULL || host_statx_fd(fd, &st) < 0 || st.stx_nlink == 0)
        return -LINUX_ENOENT;
    return mount_path(m, rel, buf);
}

/* Position of a descriptor with metadata: of a synthetic object, or of a directory. */
static int directory_position(struct fs_context *fs, struct fd_meta *meta, int fd, char *buf)
{
    uint64_t generation = 0;
    int r = 0;

    if (meta->path) {
        strcpy(buf, meta->path);
        return 0;
    }
    host_mutex_lock(&meta->known_lock);
    if (meta->mnt->directories)
        generation = dir_generation(meta->mnt);
    if (meta->known && generation && generation == meta->generation) {
        strcpy(buf, meta->known);
    } else {
        r = host_position(fs, meta->mnt, fd, buf);
        if (r == 0 && generation) {
            free(meta->known);
            meta->known = strdup(buf);
            meta->generation = generation;
        }
    }
    host_mutex_unlock(&meta->known_lock);
    return r;
}

int fs_fd_position(struct fs_context *fs, struct task *task, int fd, char *buf)
{
    struct fs_mount *hint = NULL;
    struct fd_meta *meta = fd_meta_get(task->proc->fds, fd);

    if (meta) {
        int r = meta->path || meta->mnt ? directory_position(fs, meta, fd, buf) : 1;
        hint = meta->mnt;
        fd_meta_put(meta);
        if (r <= 0)
            return r;
    }
    return host_position(fs, hint, fd, buf);
}

int fs_place_path(struct fs_context *fs, struct fs_place *place, char *buf)
{
    int r = 0;

    host_mutex_lock(&fs->cwd_lock);
    uint64_t generation =
        place->mount && place->mount->directories ? dir_generation(place->mount) : 0;
    if (place->synth) {
        strcpy(buf, place->synth);
    } else if (place->known && generation && generation == place->generation) {
        strcpy(buf, place->known);
    } else {
        r = host_position(fs, place->mount, place->fd, buf);
        if (r == 0 && generation) {
            free(place->known);
            place->known = strdup(buf);
            place->generation = generation;
        }
    }
    host_mutex_unlock(&fs->cwd_lock);
    return r;
}

static int cwd_path(struct fs_context *fs, char *buf)
{
    return fs_place_path(fs, &fs->cwd, buf);
}

/* 0 for a directory, -LINUX_EBADF, -LINUX_ENOTDIR. */
static int check_directory(struct task *task, int fd)
{
    struct linux_statx st;

    if (task == NULL || !fd_is_guest((uint32_t)fd))
        return -LINUX_EBADF;
    struct fd_meta *meta = fd_meta_get(task->proc->fds, fd);
    bool known = meta && meta->mnt && meta->path == NULL; /* only directories have that */
    fd_meta_put(meta);
    if (known)
        return 0;
    if (host_statx_fd(fd, &st) < 0)
        return -LINUX_EBADF;
    return LINUX_S_ISDIR(st.stx_mode) ? 0 : -LINUX_ENOTDIR;
}

int fs_dir_path(struct fs_context *fs, struct task *task, int dirfd, char *buf)
{
    if (dirfd == LINUX_AT_FDCWD)
        return cwd_path(fs, buf);
    int r = check_directory(task, dirfd);
    return r < 0 ? r : fs_fd_position(fs, task, dirfd, buf);
}
