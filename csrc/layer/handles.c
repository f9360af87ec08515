#include "layer/handles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int handles_init(struct handles *h, int root_fd)
{
    struct stat st;

    memset(h, 0, sizeof(*h));
    if (fstat(root_fd, &st) < 0)
        return -errno;
    h->root = (struct handle){"", "", root_fd, st.st_dev, st.st_ino, false, 0};
    return 0;
}

static void let_go(struct handle *handle)
{
    free(handle->path);
    free(handle->done);
    close(handle->fd);
}

void handles_forget(struct handles *h)
{
    for (size_t i = 0; i < h->count; i++)
        let_go(&h->slot[i]);
    h->count = 0;
}

void handles_free(struct handles *h)
{
    handles_forget(h);
}

/* What is left of path below prefix, "" for the same; NULL when it does not lie there. */
static const char *below(const char *path, const char *prefix)
{
    size_t len = strlen(prefix);

    if (len == 0)
        return path;
    if (strncmp(path, prefix, len) != 0 || (path[len] && path[len] != '/'))
        return NULL;
    return path + len + (path[len] == '/');
}

static struct handle *nearest(struct handles *h, const char *path, const char **rest)
{
    struct handle *best = &h->root;

    *rest = path;
    for (size_t i = 0; i < h->count; i++) {
        const char *left = below(path, h->slot[i].path);

        if (left && left > *rest) {
            best = &h->slot[i];
            *rest = left;
        }
    }
    best->used = ++h->clock;
    return best;
}

static struct handle *free_slot(struct handles *h)
{
    struct handle *oldest = &h->slot[0];

    if (h->count < HANDLES)
        return &h->slot[h->count++];
    for (size_t i = 1; i < HANDLES; i++)
        if (h->slot[i].used < oldest->used)
            oldest = &h->slot[i];
    let_go(oldest);
    return oldest;
}

struct handle *handles_keep(struct handles *h, const char *path, const char *done, int fd)
{
    struct handle made = {strdup(path), strdup(done), fd, 0, 0, false, ++h->clock};
    struct handle *slot = NULL;
    struct stat st;

    if (!made.path || !made.done || fstat(fd, &st) < 0) {
        let_go(&made);
        return NULL;
    }
    made.dev = st.st_dev;
    made.ino = st.st_ino;
    for (size_t i = 0; i < h->count && !slot; i++)
        if (strcmp(h->slot[i].path, path) == 0)
            slot = &h->slot[i];
    if (slot)
        let_go(slot);
    else
        slot = free_slot(h);
    *slot = made;
    return slot;
}

int handles_reach(struct handles *h, struct walk *w, const char *path, struct handle **out)
{
    const char *rest;
    struct handle *from = nearest(h, path, &rest);
    int rc, fd;

    *out = from;
    if (!*rest)
        return 0;
    walk_from(w, from->fd, from->done);
    rc = walk_directory(w, rest);
    if (rc < 0) {
        walk_free(w);
        return rc;
    }
    fd = walk_take(w);
    *out = fd < 0 ? NULL : handles_keep(h, path, w->done, fd);
    return fd < 0 ? fd : *out ? 0 : -ENOMEM;
}
