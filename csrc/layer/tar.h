/*
 * tar.h - a stream of tar entries, parsed in place. Knows nothing of files.
 *
 * Where implementations differ, this reads as Go's archive/tar, which is what writes and reads
 * nearly all layers: a size on a link, directory or device has no body; a PAX size is the next
 * entry's only, never that of an extended header in between; an end after an entry's last byte is
 * an end, with or without its padding and the two zero blocks (umoci insert writes none of them).
 */
#ifndef ELFUSE_LAYER_TAR_H
#define ELFUSE_LAYER_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layer/stream.h"

#define TAR_BLOCK 512

enum tar_type {
    TAR_FILE = '0',
    TAR_HARDLINK = '1',
    TAR_SYMLINK = '2',
    TAR_CHAR = '3',
    TAR_BLOCKDEV = '4',
    TAR_DIR = '5',
    TAR_FIFO = '6',
};

struct tar_xattr {
    char *name;     /* owned; without SCHILY.xattr. */
    uint8_t *value; /* owned */
    size_t len;
};

/* Valid until the next tar_next(). Strings are NUL-terminated and hold no NUL; path is never empty.
 */
struct tar_entry {
    enum tar_type type;
    const char *path, *link;
    uint64_t size; /* of the file; its body need not be read */
    bool sparse;   /* the body is not all of it: see tar_body_offset() */
    uint32_t mode; /* permission bits, at most 07777 */
    uint32_t uid, gid;
    int64_t mtime;
    uint32_t mtime_nsec;
    uint32_t major, minor;
    const struct tar_xattr *xattrs;
    size_t xattr_count;
};

struct tar;

int tar_open(struct tar **out, struct stream *stream); /* stream is borrowed */
void tar_close(struct tar *tar);

/* 1 and *entry, 0 at the end of the archive, or a negative code. What is left of the last body is
 * skipped. */
int tar_next(struct tar *tar, const struct tar_entry **entry);

/* The next piece of the body: 1, 0 at its end, or a negative code. */
int tar_body(struct tar *tar, const uint8_t **data, size_t *len);
/* Where in the file the piece that tar_body() gave last begins. What no piece covers is a hole. */
uint64_t tar_body_offset(const struct tar *tar);

#endif
