/*
 * walk.h - from a path to a descriptor, without leaving the tree.
 *
 * Component by component, each opened with O_NOFOLLOW in the directory before it. A symlink's text
 * is read and put before what is still to walk, an absolute one starting again at the root; ".."
 * takes a component off the path walked so far and never asks the host for its "..", so that a
 * directory moved meanwhile cannot lead out.
 */
#ifndef ELFUSE_LAYER_WALK_H
#define ELFUSE_LAYER_WALK_H

#include <stdbool.h>
#include <stddef.h>

#include "layer/layer.h"

#define WALK_LINKS 40 /* as Linux's MAXSYMLINKS */

struct walk {
    int root_fd, from_fd;      /* borrowed */
    int fd;                    /* the directory reached; owned unless it is one of the two */
    char done[LAYER_PATH_MAX]; /* its path from the root, "a/b", no symlink in it */
    char todo[LAYER_PATH_MAX]; /* what is still to walk */
    int links;
    bool create; /* make missing directories, 0755 */
    /* Told of each, before and after: parent_path is the directory's of parent_fd. May be NULL. */
    int (*on_create)(void *arg, int parent_fd, const char *parent_path, const char *name,
                     bool made);
    void *arg;
};

void walk_init(struct walk *w, int root_fd);
void walk_free(struct walk *w);

/* Starts below the root: at the directory from_fd, whose path without symlinks is done. */
void walk_from(struct walk *w, int from_fd, const char *done);
/* The directory reached, now the caller's, or -errno. The walk is then at its start. */
int walk_take(struct walk *w);

/* Walks all of path, which must end in a directory; w->fd is then that directory. -errno. */
int walk_directory(struct walk *w, const char *path);

/* Walks all of path but its last component, which is copied to name (LAYER_PATH_MAX bytes; empty
 * for the root itself). With follow, a symlink there is resolved as well, until what is named is
 * none. */
int walk_parent(struct walk *w, const char *path, bool follow, char *name);

#define WALK_DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

#endif
