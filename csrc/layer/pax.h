/* pax.h - the records of one POSIX extended header (pax(1), "ustar Interchange Format"). */
#ifndef ELFUSE_LAYER_PAX_H
#define ELFUSE_LAYER_PAX_H

#include <stdbool.h>

#include "layer/tar.h"

struct pax {
    char *path, *link; /* owned, or NULL */
    bool has_size, has_uid, has_gid, has_mtime;
    uint64_t size;
    uint32_t uid, gid;
    int64_t mtime;
    uint32_t mtime_nsec;
    struct pax_sparse {
        bool given;            /* any GNU.sparse. record */
        uint64_t major, minor; /* of the format; 0.0 and 0.1 may not say so */
        bool has_size;
        uint64_t size; /* of the file */
        char *name;    /* its real path; owned, or NULL */
        char *map;     /* "OFFSET,SIZE,..." of 0.0 and 0.1; owned, or NULL */
        size_t map_len, map_room;
        bool after_offset; /* 0.0: the next record must be its size */
    } sparse;
    struct tar_xattr *xattrs; /* owned, as what it points at */
    size_t xattr_count;
};

/* Parses one block of records into an empty *pax. global: a 'g' header, which may set no entry's
 * identity. */
int pax_parse(struct pax *pax, const char *data, size_t len, bool global, struct layer_error *err);
void pax_free(struct pax *pax); /* and makes it empty */

#endif
