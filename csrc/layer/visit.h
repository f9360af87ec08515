/*
 * visit.h - every entry of a directory tree, whatever its depth, with one descriptor at a time.
 *
 * Goes down by name with O_NOFOLLOW and back by "..", which must be the directory that it came
 * from. A directory's files come before its directories. The tree is its caller's: entries may be
 * removed or replaced meanwhile by the caller's own functions, by nobody else.
 */
#ifndef ELFUSE_LAYER_VISIT_H
#define ELFUSE_LAYER_VISIT_H

#include <sys/stat.h>

/* Each returns 0 or a negative number, which ends the visit. Any but file may be NULL. */
struct visitor {
    /* What is no directory; type is S_IFREG, S_IFLNK and so on. */
    int (*file)(void *arg, int dir_fd, const char *name, mode_t type);
    /* Before and after what a directory holds; not called for the top. dir_fd is the directory
     * itself. */
    int (*enter)(void *arg, int dir_fd, const char *name, const struct stat *st);
    int (*leave)(void *arg, int dir_fd, const struct stat *st);
};

/* Returns 0, what a function of v returned, or -errno. */
int layer_visit(int root_fd, const struct visitor *v, void *arg);

#endif
