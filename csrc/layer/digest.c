#include "layer/digest.h"

#include <string.h>

#include <openssl/evp.h>

static const struct algorithm {
    const char *name;
    size_t hex;
} algorithms[] = {{"sha256", 64}, {"sha512", 128}};

/* The registered algorithms' grammar is exact: lower-case hex of one length (image-spec
 * descriptor.md). */
static const struct algorithm *parse(const char *text)
{
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        size_t len = strlen(algorithms[i].name);

        if (strncmp(text, algorithms[i].name, len) != 0 || text[len] != ':')
            continue;
        text += len + 1;
        if (strlen(text) != algorithms[i].hex ||
            strspn(text, "0123456789abcdef") != algorithms[i].hex)
            return NULL;
        return &algorithms[i];
    }
    return NULL;
}

int digest_init(struct digest *d, const char *want, const char *what, struct layer_error *err)
{
    const struct algorithm *algorithm = want ? parse(want) : &algorithms[0];

    memset(d, 0, sizeof(*d));
    if (!algorithm)
        return layer_fail(err, LAYER_E_UNSUPPORTED, "%s %s is neither a sha256 nor a sha512 digest",
                          what, QUOTED(want));
    d->want = want;
    d->name = algorithm->name;
    d->ctx = EVP_MD_CTX_new();
    if (!d->ctx || !EVP_DigestInit_ex(d->ctx, EVP_get_digestbyname(d->name), NULL))
        return layer_fail(err, LAYER_E_UNSUPPORTED, "libcrypto offers no %s here", d->name);
    return 0;
}

int digest_update(struct digest *d, const void *data, size_t len, struct layer_error *err)
{
    if (!EVP_DigestUpdate(d->ctx, data, len))
        return layer_fail(err, LAYER_E_UNSUPPORTED, "libcrypto failed in %s", d->name);
    return 0;
}

int digest_final(struct digest *d, char text[DIGEST_TEXT_SIZE], struct layer_error *err)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    size_t at = strlen(d->name);

    if (!EVP_DigestFinal_ex(d->ctx, raw, &len))
        return layer_fail(err, LAYER_E_UNSUPPORTED, "libcrypto failed in %s", d->name);
    memcpy(text, d->name, at);
    text[at++] = ':';
    for (unsigned int i = 0; i < len; i++) {
        text[at++] = hex[raw[i] >> 4];
        text[at++] = hex[raw[i] & 15];
    }
    text[at] = 0;
    return 0;
}

int digest_matches(const struct digest *d, const char *text)
{
    return !d->want || strcmp(d->want, text) == 0;
}

void digest_free(struct digest *d)
{
    EVP_MD_CTX_free(d->ctx);
    d->ctx = NULL;
}
