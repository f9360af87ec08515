/* plain.h - the question over plain HTTP, which is spoken to a registry on this machine. */
#ifndef ELFUSE_FRONT_PLAIN_H
#define ELFUSE_FRONT_PLAIN_H

#include "front/memo.h"

/* Whether the answer to a GET of an http:// URL is "not modified". */
bool is_unmodified(const struct memo_request *request);

#endif
