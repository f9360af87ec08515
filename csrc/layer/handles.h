/*
 * handles.h - directories of the tree kept open, by the path that leads to them.
 *
 * A path is a spelling from the root, through symlinks or not; what it leads to is remembered until
 * handles_forget(), which is due when something that a path may lead through was removed. At most
 * HANDLES are kept; the one not used for longest goes.
 */
#ifndef ELFUSE_LAYER_HANDLES_H
#define ELFUSE_LAYER_HANDLES_H

#include <stdint.h>
#include <sys/stat.h>

#include "layer/walk.h"

#define HANDLES 32

struct handle {
    char *path; /* owned */
    char *done; /* the same directory's path without symlinks; owned */
    int fd;     /* owned, but the root's */
    dev_t dev;
    ino_t ino;
    bool recorded; /* the caller's mark, false at first */
    uint64_t used;
};

struct handles {
    struct handle root, slot[HANDLES];
    size_t count;
    uint64_t clock;
};

int handles_init(struct handles *h, int root_fd); /* root_fd is borrowed; 0 or -errno */
void handles_free(struct handles *h);
void handles_forget(struct handles *h);

/* The directory at path, walked from the nearest one that is open by w, whose create, on_create and
 * arg are the caller's to set. Valid until HANDLES others were reached. 0 or -errno. */
int handles_reach(struct handles *h, struct walk *w, const char *path, struct handle **out);

/* Keeps fd, an open directory, and takes it over. NULL: no memory, or fstat(2) failed. */
struct handle *handles_keep(struct handles *h, const char *path, const char *done, int fd);

#endif
