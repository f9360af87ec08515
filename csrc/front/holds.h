/* holds.h - whether what a memo rests on is as it was. */
#ifndef ELFUSE_FRONT_HOLDS_H
#define ELFUSE_FRONT_HOLDS_H

#include "front/memo.h"

/* Of these words (a vector that ends with NULL), in this environment. Of a memo that is open-ended,
 * what follows its own words may be anything. */
bool words_hold(const struct memo *memo, char *const *words);
bool environment_holds(const struct memo *memo);

bool files_hold(const struct memo *memo);
bool blobs_hold(const struct memo *memo);

#endif
