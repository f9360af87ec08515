/* mount.c - the mount table, and paths as text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/io.h"
#include "linux/fs/path.h"
#include "linux/fs/synth.h"

static bool below(const char *path, const char *dir, size_t dir_len)
{
    if (dir_len == 1) /* "/" */
        return true;
    return strncmp(path, dir, dir_len) == 0 && (path[dir_len] == '/' || path[dir_len] == '\0');
}

struct fs_mount *mount_of(struct fs_context *fs, const char *path, const char **rel)
{
    for (int i = fs->nmounts - 1; i >= 0; i--) {
        struct fs_mount *m = &fs->mounts[i];
        if (!below(path, m->target, m->target_len))
            continue;
        *rel = path + (m->target_len == 1 ? 0 : m->target_len);
        while (**rel == '/')
            (*rel)++;
        return m;
    }
    return NULL; /* never: mounts[0] is "/" */
}

bool mount_at_or_below(struct fs_context *fs, const char *path)
{
    size_t len = strlen(path);

    for (int i = 1; i < fs->nmounts; i++)
        if (below(fs->mounts[i].target, path, len))
            return true;
    return false;
}

static struct fs_mount *match_layers(struct fs_mount *m, bool detached, const char *host_path,
                                     int *layer, const char **rel, size_t *best)
{
    struct fs_mount *found = NULL;

    for (int i = 0; i < m->nlayers; i++) {
        const struct fs_layer *l = &m->layers[i];
        if (l->detached != detached || l->path_len < *best ||
            !below(host_path, l->path, l->path_len))
            continue;
        *best = l->path_len;
        *layer = i;
        *rel = host_path + (l->path_len == 1 ? 0 : l->path_len);
        while (**rel == '/')
            (*rel)++;
        found = m;
    }
    return found;
}

struct fs_mount *mount_of_host(struct fs_context *fs, struct fs_mount *hint, bool detached,
                               const char *host_path, int *layer, const char **rel)
{
    struct fs_mount *found = NULL;
    size_t best = 0;

    if (hint && (found = match_layers(hint, detached, host_path, layer, rel, &best)))
        return found;
    /* Layers may lie within each other (a bind of a part of the root): the innermost is meant. */
    for (int i = 0; i < fs->nmounts; i++) {
        struct fs_mount *m = match_layers(&fs->mounts[i], detached, host_path, layer, rel, &best);
        if (m)
            found = m;
    }
    return found;
}

bool mount_is_detached(const struct fs_context *fs, int fd)
{
    struct linux_statx st;

    return fs->detached && host_statx_fd(fd, &st) == 0 &&
           linux_mkdev(st.stx_dev_major, st.stx_dev_minor) == fs->detached;
}

struct fs_mount *mount_of_fd(struct fs_context *fs, struct fs_mount *hint, int fd, char *host,
                             int *layer, const char **rel)
{
    if (host_fd_path(fd, host, LINUX_PATH_MAX) < 0)
        return NULL;
    return mount_of_host(fs, hint, mount_is_detached(fs, fd), host, layer, rel);
}

bool mount_from_image(const struct fs_mount *m, int layer, const char *rel)
{
    if (m == NULL || m->made_fd < 0)
        return layer > 0;
    int fd =
        host_open_beneath(m->made_fd, rel, LINUX_O_PATH | LINUX_O_NOFOLLOW | LINUX_O_CLOEXEC, 0);
    if (fd < 0)
        return true;
    host_fd_close(fd);
    return false;
}

int mount_path(const struct fs_mount *m, const char *rel, char *buf)
{
    const char *base = m->target_len == 1 ? "" : m->target;
    int n =
        snprintf(buf, LINUX_PATH_MAX, "%s%s%s", base, *rel || m->target_len == 1 ? "/" : "", rel);

    return n >= LINUX_PATH_MAX ? -LINUX_ENAMETOOLONG : 0;
}

int path_join(char *dst, const char *dir, const char *name, size_t name_len)
{
    size_t n = strlen(dir);

    if (n == 1)
        n = 0; /* "/" */
    if (n + 1 + name_len >= LINUX_PATH_MAX)
        return -LINUX_ENAMETOOLONG;
    memmove(dst, dir, n);
    dst[n] = '/';
    memcpy(dst + n + 1, name, name_len);
    dst[n + 1 + name_len] = '\0';
    return 0;
}

void path_pop(char *path)
{
    char *slash = strrchr(path, '/');

    if (slash == path)
        slash++;
    *slash = '\0';
}
