/* digest.h - running digests over OpenSSL, in the OCI form "algorithm:hex". */
#ifndef ELFUSE_LAYER_DIGEST_H
#define ELFUSE_LAYER_DIGEST_H

#include <stddef.h>

#include "layer/error.h"

#define DIGEST_TEXT_SIZE 160 /* "sha512:" + 128 + NUL, with room */

struct digest {
    void *ctx;        /* EVP_MD_CTX; owned */
    const char *want; /* as demanded, or NULL; borrowed */
    const char *name; /* "sha256" or "sha512" */
};

/* want: the demanded digest, whose algorithm is then used, or NULL for sha256. what: for messages.
 */
int digest_init(struct digest *d, const char *want, const char *what, struct layer_error *err);
int digest_update(struct digest *d, const void *data, size_t len, struct layer_error *err);
/* Writes the digest's text; no update may follow. Does not compare: see digest_matches(). */
int digest_final(struct digest *d, char text[DIGEST_TEXT_SIZE], struct layer_error *err);
int digest_matches(const struct digest *d, const char *text);
void digest_free(struct digest *d);

#endif
