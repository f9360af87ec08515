/* run.h - a run of an image that is in the store, as Python prepared one before. */
#ifndef ELFUSE_FRONT_RUN_H
#define ELFUSE_FRONT_RUN_H

#include "front/memo.h"

/* Make a run of memo->run with `more` (a vector that ends with NULL) as the program's further
 * arguments, and become its launcher. Returns only when that was not to be: then nothing is left
 * that the next sweep does not remove. */
void become_run(const struct memo *memo, char *const *more);

#endif
