/* ask.h - the one question to a registry. */
#ifndef ELFUSE_FRONT_ASK_H
#define ELFUSE_FRONT_ASK_H

#include "front/memo.h"

/* Whether the registry says that the name still stands for the digest of the request. False for any
 * other answer, for none, and where libcurl cannot be loaded. */
bool registry_says_unchanged(const struct memo_request *request);

#endif
