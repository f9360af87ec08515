/*
 * apply.h - tar entries onto one tree: the state that apply.c, whiteout.c and meta.c share.
 *
 * One thread. Directories get their mode and mtime at the end, in apply_finish(), when nothing is
 * written into them any more; a directory that this layer only wrote into keeps the mtime it had.
 */
#ifndef ELFUSE_LAYER_APPLY_H
#define ELFUSE_LAYER_APPLY_H

#include <sys/stat.h>
#include <time.h>

#include "layer/handles.h"
#include "layer/idset.h"
#include "layer/tar.h"
#include "layer/walk.h"

struct dir_record {
    char *path; /* from the root, no symlink in it; owned */
    dev_t dev;
    ino_t ino;
    struct timespec mtime;
    mode_t mode; /* for the host */
    bool has_mode;
};

struct apply {
    const struct layer_request *req; /* borrowed, as are the next three */
    struct layer_stats *stats;
    struct layer_error *err;
    struct tar *tar;
    uint64_t entries, max_entries;

    struct idset written;    /* (directory, name) of all that this layer wrote */
    struct idset dir_index;  /* directory -> its record */
    struct dir_record *dirs; /* owned */
    size_t dir_count, dir_room;

    struct handles open;          /* directories that are open already: layers are sorted */
    struct walk at;               /* the parent of the current entry, one of those */
    char at_path[LAYER_PATH_MAX]; /* as the layer spells it */
    bool at_valid; /* false once something that a path may lead through was removed */
    dev_t at_dev;
    ino_t at_ino;
    mode_t lost; /* mode bits that the process's umask or a default ACL takes from a new file */

    const struct tar_entry *entry;
    char path[LAYER_PATH_MAX]; /* the entry's, normalised: no leading slash, no "." */
    const char *dir, *name;    /* its halves; dir is "" for the root */
    bool replaced;             /* something else stood where the entry is */
    bool opaque;               /* raw: a directory has been made opaque */
    char dir_buf[LAYER_PATH_MAX];
};

int apply_init(struct apply *a, const struct layer_request *req, struct tar *tar,
               struct layer_stats *stats, struct layer_error *err);
void apply_free(struct apply *a);
int apply_entry(struct apply *a, const struct tar_entry *entry);
int apply_finish(struct apply *a);

/* Shared by the three files; codes as layer.h says unless noted. */

/* Makes a->at the directory a->dir. create: missing ones are made. Returns 1, or 0 when it is not
 * there. */
int apply_parent(struct apply *a, bool create);
int apply_fail_entry(struct apply *a, int error, const char *doing); /* error: positive errno */
bool apply_wrote(const struct apply *a, dev_t dev, ino_t ino, const char *name);
/* The record of a directory, made with its present mtime when it has none yet. */
struct dir_record *apply_record(struct apply *a, const char *path, const struct stat *st);

/* whiteout.c: 1 when the entry was a whiteout and is done, 0 when it is none. */
int whiteout_apply(struct apply *a);

/* meta.c: owner, xattrs and (not of directories) mode and mtime of the open file. old: it existed
 * before. */
int meta_apply(struct apply *a, int fd, bool old);
mode_t meta_host_mode(const struct apply *a, const struct tar_entry *e);
/* The mode to create the entry with, and whether that leaves nothing to change. */
mode_t meta_creation_mode(const struct apply *a);
bool meta_mode_is_made(const struct apply *a);

#endif
