/* copy.h - files and their attributes from one tree into another, by descriptor. */
#ifndef ELFUSE_LAYER_COPY_H
#define ELFUSE_LAYER_COPY_H

#include <stdbool.h>
#include <sys/stat.h>

/* A copy of the regular file from_dir/name as to_dir/to_name, which must not exist: data (shared
 * where the file system can), mode, mtime, user attributes. 0 or -errno. */
int copy_file(int from_dir, const char *name, int to_dir, const char *to_name);

/* The user attributes of from, but for overlayfs's own; old: those that `to` has go first. */
int copy_xattrs(int from, int to, bool old);

/* mode and mtime, as st has them; the access time is the mtime, as of all that a layer brings. */
int copy_times_and_mode(int to, const struct stat *st);

#endif
