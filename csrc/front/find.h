/* find.h - where the memo of a command line is. */
#ifndef ELFUSE_FRONT_FIND_H
#define ELFUSE_FRONT_FIND_H

#include <stdbool.h>
#include <stddef.h>

/* The bytes of what may be the memo of the first `count` of `words`, or of those and any more, for
 * the caller to free; NULL when there is none, or none that only this user could have written. */
char *find_memo(char *const *words, size_t count, bool open_ended, size_t *length);

#endif
