/* find.h - where the memo of a command line is. */
#ifndef ELFUSE_FRONT_FIND_H
#define ELFUSE_FRONT_FIND_H

#include <stddef.h>

/* The bytes of what may be the memo of `words` (a vector that ends with NULL), for the caller to
 * free; NULL when there is none, or none that only this user could have written. */
char *find_memo(char *const *words, size_t *length);

#endif
