/*
 * dirlist.c - directory listings that the host cannot give: merged layers and synthetic
 * directories.
 */
#include <stdlib.h>
#include <string.h>

#include "host/io.h"
#include "linux/fs/fd_meta.h"

struct dir_entry {
    uint64_t ino;
    uint32_t name; /* offset in the arena */
    uint8_t type;
    bool hidden;
};

struct dir_list {
    struct dir_entry *entries;
    size_t n, cap, hidden;
    char *arena;
    size_t arena_len, arena_cap;
    uint32_t *table; /* entry number + 1 by hash of the name; a power of two, at most half full */
    size_t table_size;
};

struct dir_list *dir_list_new(void)
{
    return calloc(1, sizeof(struct dir_list));
}

void dir_list_free(struct dir_list *l)
{
    if (l == NULL)
        return;
    free(l->entries);
    free(l->arena);
    free(l->table);
    free(l);
}

size_t dir_list_count(const struct dir_list *l)
{
    return l->n - l->hidden;
}

size_t dir_list_size(const struct dir_list *l)
{
    return l->n;
}

const char *dir_list_name(const struct dir_list *l, size_t i)
{
    return l->entries[i].hidden ? NULL : l->arena + l->entries[i].name;
}

static uint32_t hash_name(const char *s)
{
    uint32_t h = 2166136261u; /* FNV-1a */

    for (; *s; s++)
        h = (h ^ (uint8_t)*s) * 16777619u;
    return h;
}

static size_t slot_of(const struct dir_list *l, const char *name)
{
    size_t i = hash_name(name) & (l->table_size - 1);

    while (l->table[i] && strcmp(l->arena + l->entries[l->table[i] - 1].name, name) != 0)
        i = (i + 1) & (l->table_size - 1);
    return i;
}

bool dir_list_has(const struct dir_list *l, const char *name)
{
    return l->table_size && l->table[slot_of(l, name)] != 0;
}

static int grow(struct dir_list *l, size_t name_len)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 64;
        struct dir_entry *e = realloc(l->entries, cap * sizeof *e);
        if (e == NULL)
            return -LINUX_ENOMEM;
        l->entries = e;
        l->cap = cap;
    }
    if (l->arena_len + name_len + 1 > l->arena_cap) {
        size_t cap = (l->arena_cap + name_len + 1) * 2;
        char *a = realloc(l->arena, cap);
        if (a == NULL)
            return -LINUX_ENOMEM;
        l->arena = a;
        l->arena_cap = cap;
    }
    if ((l->n + 1) * 2 > l->table_size) {
        size_t size = l->table_size ? l->table_size * 2 : 128;
        uint32_t *t = calloc(size, sizeof *t);
        if (t == NULL)
            return -LINUX_ENOMEM;
        free(l->table);
        l->table = t;
        l->table_size = size;
        for (size_t i = 0; i < l->n; i++)
            t[slot_of(l, l->arena + l->entries[i].name)] = (uint32_t)i + 1;
    }
    return 0;
}

static int add(struct dir_list *l, const char *name, uint64_t ino, uint8_t type, bool hidden)
{
    size_t len = strlen(name);
    int r = grow(l, len);

    if (r < 0)
        return r;
    size_t slot = slot_of(l, name);
    if (l->table[slot])
        return 0;
    memcpy(l->arena + l->arena_len, name, len + 1);
    l->entries[l->n] = (struct dir_entry){ino, (uint32_t)l->arena_len, type, hidden};
    l->arena_len += len + 1;
    l->table[slot] = (uint32_t)++l->n;
    l->hidden += hidden;
    return 0;
}

int dir_list_add(struct dir_list *l, const char *name, uint64_t ino, uint8_t type)
{
    return add(l, name, ino, type, false);
}

int dir_list_hide(struct dir_list *l, const char *name)
{
    return add(l, name, 0, 0, true);
}

int64_t dir_list_emit(const struct dir_list *l, uint64_t *pos, void *buf, size_t size)
{
    size_t used = 0;

    for (; *pos < l->n; ++*pos) {
        const struct dir_entry *e = &l->entries[*pos];
        if (e->hidden)
            continue;
        const char *name = l->arena + e->name;
        size_t len = strlen(name), rec = (LINUX_DIRENT64_NAME + len + 1 + 7) & ~(size_t)7;
        if (used + rec > size)
            return used ? (int64_t)used : -LINUX_EINVAL;
        char *out = (char *)buf + used;
        struct linux_dirent64 head = {e->ino, (int64_t)*pos + 1, (uint16_t)rec, e->type};
        memset(out, 0, rec);
        memcpy(out, &head, LINUX_DIRENT64_NAME);
        memcpy(out + LINUX_DIRENT64_NAME, name, len);
        used += rec;
    }
    return (int64_t)used;
}

/* An entry of an upper layer that shadows a lower one, or the directory itself: its number is the
 * one it had before copy-up. */
static uint64_t entry_ino(struct fs_mount *m, int dirfd, const struct linux_dirent64 *d)
{
    struct linux_statx st;
    uint64_t ino = d->d_ino;
    int fd =
        host_open_beneath(dirfd, d->d_name, LINUX_O_PATH | LINUX_O_NOFOLLOW | LINUX_O_CLOEXEC, 0);

    if (fd < 0)
        return ino;
    if (host_statx_fd(fd, &st) == 0) {
        fs_apply_origin(m, 0, fd, &st);
        ino = st.stx_ino;
    }
    host_fd_close(fd);
    return ino;
}

static bool entry_is_whiteout(int dirfd, const struct linux_dirent64 *d)
{
    struct linux_statx st;
    bool hidden = false;

    if (d->d_type != LINUX_DT_REG && d->d_type != LINUX_DT_CHR && d->d_type != LINUX_DT_UNKNOWN)
        return false;
    if (host_statx_at(dirfd, d->d_name, &st) < 0)
        return false;
    if (LINUX_S_ISREG(st.stx_mode) && st.stx_size != 0)
        return false;
    int fd =
        host_open_beneath(dirfd, d->d_name, LINUX_O_PATH | LINUX_O_NOFOLLOW | LINUX_O_CLOEXEC, 0);
    if (fd >= 0) {
        hidden = layer_is_whiteout(fd, &st);
        host_fd_close(fd);
    }
    return hidden;
}

static int merge_layer(struct fs_mount *m, int fd, int layer, bool last, struct dir_list *l)
{
    _Alignas(struct linux_dirent64) char buf[32768];
    int64_t n;

    while ((n = host_getdents64(fd, buf, sizeof buf)) > 0) {
        for (int64_t at = 0; at < n;) {
            const struct linux_dirent64 *d = (const void *)(buf + at);
            int r;
            at += d->d_reclen;
            if (dir_list_has(l, d->d_name))
                continue;
            bool up = strcmp(d->d_name, "..") == 0;
            bool dots = up || strcmp(d->d_name, ".") == 0;
            if (!dots && layer != m->nlayers - 1 && entry_is_whiteout(fd, d))
                r = dir_list_hide(l, d->d_name);
            else
                r = dir_list_add(l, d->d_name,
                                 !up && layer == 0 && !last ? entry_ino(m, fd, d) : d->d_ino,
                                 d->d_type);
            if (r < 0)
                return r;
        }
    }
    return (int)n;
}

int dir_list_merged(struct fs_context *fs, struct fs_mount *m, const char *rel,
                    struct dir_list **out)
{
    int fds[FS_MAX_LAYERS], layers[FS_MAX_LAYERS];
    int n = layer_open_dirs(m, rel, fds, layers), r = 0;
    struct dir_list *l;

    (void)fs;
    if (n < 0)
        return n;
    l = dir_list_new();
    if (l == NULL)
        r = -LINUX_ENOMEM;
    for (int i = 0; i < n; i++) {
        if (r == 0)
            r = merge_layer(m, fds[i], layers[i], i == n - 1, l);
        host_fd_close(fds[i]);
    }
    if (r < 0) {
        dir_list_free(l);
        return r;
    }
    *out = l;
    return 0;
}
