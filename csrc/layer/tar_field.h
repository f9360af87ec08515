/* tar_field.h - the fields of one header block: octal and base-256 numbers, strings, the checksum.
 */
#ifndef ELFUSE_LAYER_TAR_FIELD_H
#define ELFUSE_LAYER_TAR_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tar_header { /* POSIX ustar; older formats leave out what follows link */
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8];
    char type;
    char link[100], magic[6], version[2], uname[32], gname[32], major[8], minor[8], prefix[155],
        pad[12];
};

_Static_assert(sizeof(struct tar_header) == 512, "a tar header is one block");

bool tar_checksum_ok(const struct tar_header *h);

/* False when the field is not a number or does not fit. An empty field is 0. */
bool tar_number(const char *field, size_t len, int64_t *value);

/* The field's text up to its first NUL, with a NUL after it: buf has len + 1 bytes. */
void tar_string(const char *field, size_t len, char *buf);

#endif
