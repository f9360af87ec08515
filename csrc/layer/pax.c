#include "layer/pax.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define XATTR_NAME_LIMIT  255   /* XATTR_NAME_MAX */
#define XATTR_VALUE_LIMIT 65536 /* XATTR_SIZE_MAX */
#define XATTRS_LIMIT      256

struct record {
    const char *key;
    size_t key_len;
    const char *value;
    size_t len;
};

void pax_free(struct pax *pax)
{
    free(pax->path);
    free(pax->link);
    free(pax->sparse.name);
    free(pax->sparse.map);
    for (size_t i = 0; i < pax->xattr_count; i++) {
        free(pax->xattrs[i].name);
        free(pax->xattrs[i].value);
    }
    free(pax->xattrs);
    memset(pax, 0, sizeof(*pax));
}

static int malformed(struct layer_error *err, const char *what)
{
    return layer_fail(err, LAYER_E_FORMAT, "a PAX header is malformed: %s", what);
}

/* "LEN KEY=VALUE\n", LEN counting all of it. */
static int next_record(const char **data, size_t *len, struct record *r, struct layer_error *err)
{
    size_t total = 0, at = 0;
    const char *start = *data, *equals;

    while (at < *len && start[at] >= '0' && start[at] <= '9' && at < 8)
        total = total * 10 + (size_t)(start[at++] - '0');
    if (at == 0 || at >= *len || start[at] != ' ')
        return malformed(err, "a record without a length");
    at++;
    if (total <= at || total > *len || start[total - 1] != '\n')
        return malformed(err, "a record whose length is wrong");
    equals = memchr(start + at, '=', total - 1 - at);
    if (!equals || equals == start + at)
        return malformed(err, "a record without a key");
    r->key = start + at;
    r->key_len = (size_t)(equals - r->key);
    r->value = equals + 1;
    r->len = (size_t)(start + total - 1 - r->value);
    if (memchr(r->key, 0, r->key_len))
        return malformed(err, "a NUL in a key");
    *data += total;
    *len -= total;
    return 0;
}

static bool key_is(const struct record *r, const char *key)
{
    return r->key_len == strlen(key) && memcmp(r->key, key, r->key_len) == 0;
}

static bool key_starts(const struct record *r, const char *prefix)
{
    return r->key_len > strlen(prefix) && memcmp(r->key, prefix, strlen(prefix)) == 0;
}

static int set_string(char **to, const struct record *r, struct layer_error *err)
{
    if (memchr(r->value, 0, r->len))
        return layer_fail(err, LAYER_E_REFUSED, "a PAX header holds a path with a NUL in it");
    if (r->len == 0)
        return 0; /* an empty value takes nothing from the header (pax(1)) */
    free(*to);
    *to = strndup(r->value, r->len);
    return *to ? 0 : layer_fail_sys(err, ENOMEM, "no memory for a path");
}

/* Decimal digits only: no sign, no space, so that no two readers see two sizes. */
static int set_number(uint64_t *to, bool *has, uint64_t max, const struct record *r,
                      struct layer_error *err)
{
    uint64_t value = 0;

    if (r->len == 0)
        return 0;
    for (size_t i = 0; i < r->len; i++) {
        if (r->value[i] < '0' || r->value[i] > '9')
            return malformed(err, "a size, uid or gid that is no number");
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(r->value[i] - '0'), &value) || value > max)
            return layer_fail(err, LAYER_E_REFUSED,
                              "a PAX header holds a size, uid or gid out of range");
    }
    *to = value;
    *has = true;
    return 0;
}

static int set_id(uint32_t *to, bool *has, const struct record *r, struct layer_error *err)
{
    uint64_t value = 0;
    /* 2^32 - 1 is "no id" in chown(2). */
    int rc = set_number(&value, has, UINT32_MAX - 1, r, err);

    if (rc == 0 && r->len)
        *to = (uint32_t)value;
    return rc;
}

/* [-]SECONDS[.FRACTION]; -1.25 is a quarter of a second before -1. */
static int set_mtime(struct pax *pax, const struct record *r, struct layer_error *err)
{
    bool negative = r->len && r->value[0] == '-', fraction = false;
    uint64_t seconds = 0;
    uint32_t nsec = 0, scale = 100000000;
    size_t digits = 0;

    if (r->len == 0)
        return 0;
    for (size_t i = negative; i < r->len; i++) {
        unsigned digit = (unsigned)(r->value[i] - '0');

        if (r->value[i] == '.' && !fraction) {
            fraction = true;
            continue;
        }
        if (digit > 9)
            return malformed(err, "an mtime that is no number");
        digits++;
        if (fraction) { /* digits past the ninth are cut off */
            nsec += digit * scale;
            scale /= 10;
        } else if (seconds > (uint64_t)INT64_MAX / 100) {
            return layer_fail(err, LAYER_E_REFUSED, "a PAX header holds an mtime out of range");
        } else {
            seconds = seconds * 10 + digit;
        }
    }
    if (!digits)
        return malformed(err, "an mtime that is no number");
    pax->mtime = negative ? -(int64_t)seconds : (int64_t)seconds;
    if (negative && nsec) {
        pax->mtime--;
        nsec = 1000000000 - nsec;
    }
    pax->mtime_nsec = nsec;
    pax->has_mtime = true;
    return 0;
}

static struct tar_xattr *find_xattr(struct pax *pax, const char *name)
{
    for (size_t i = 0; i < pax->xattr_count; i++)
        if (strcmp(pax->xattrs[i].name, name) == 0)
            return &pax->xattrs[i];
    return NULL;
}

/* Takes name and value over, whatever it returns. replace: the last record of one name is the one
 * that counts. */
static int add_xattr(struct pax *pax, char *name, uint8_t *value, size_t len, bool replace,
                     struct layer_error *err)
{
    struct tar_xattr *known = name ? find_xattr(pax, name) : NULL;
    struct tar_xattr *grown;

    if (!name || !value) {
        free(name);
        free(value);
        return layer_fail_sys(err, ENOMEM, "no memory for an xattr");
    }
    if (known) {
        free(name);
        if (!replace) {
            free(value);
            return 0;
        }
        free(known->value);
        known->value = value;
        known->len = len;
        return 0;
    }
    grown = pax->xattr_count < XATTRS_LIMIT
                ? realloc(pax->xattrs, (pax->xattr_count + 1) * sizeof(*grown))
                : NULL;
    if (!grown) {
        free(name);
        free(value);
        return layer_fail(err, LAYER_E_LIMIT, "an entry has more than %d xattrs", XATTRS_LIMIT);
    }
    pax->xattrs = grown;
    grown[pax->xattr_count++] = (struct tar_xattr){name, value, len};
    return 0;
}

static int check_xattr(const struct record *r, size_t name_len, struct layer_error *err)
{
    if (name_len > XATTR_NAME_LIMIT || r->len > XATTR_VALUE_LIMIT)
        return layer_fail(err, LAYER_E_LIMIT,
                          "an xattr's name or value is longer than Linux allows");
    return 0;
}

static int schily_xattr(struct pax *pax, const struct record *r, struct layer_error *err)
{
    size_t skip = strlen("SCHILY.xattr.");
    uint8_t *value;
    int rc = check_xattr(r, r->key_len - skip, err);

    if (rc < 0)
        return rc;
    value = malloc(r->len + 1);
    if (value)
        memcpy(value, r->value, r->len);
    return add_xattr(pax, strndup(r->key + skip, r->key_len - skip), value, r->len, true, err);
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c | 0x20) : NULL;

    return at ? (int)(at - digits) : -1;
}

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* libarchive's form: the name %-encoded, the value in base64. SCHILY's of the same name wins. */
static int libarchive_xattr(struct pax *pax, const struct record *r, struct layer_error *err)
{
    const char *from = r->key + strlen("LIBARCHIVE.xattr."), *end = r->key + r->key_len;
    char *name = calloc(1, (size_t)(end - from) + 1), *to = name;
    uint8_t *value = malloc(r->len + 1);
    uint32_t bits = 0;
    int have = 0, rc = check_xattr(r, (size_t)(end - from), err);
    size_t len = 0, i;

    if (rc < 0 || !name || !value)
        goto bad;
    while (from < end) {
        if (*from == '%' && end - from > 2 && hex_digit(from[1]) >= 0 && hex_digit(from[2]) >= 0) {
            *to++ = (char)(hex_digit(from[1]) << 4 | hex_digit(from[2]));
            from += 3;
        } else {
            *to++ = *from++;
        }
    }
    for (i = 0; i < r->len && r->value[i] != '='; i++) {
        int digit = base64_digit(r->value[i]);

        if (digit < 0) {
            rc = malformed(err, "an xattr that is not base64");
            goto bad;
        }
        bits = bits << 6 | (uint32_t)digit;
        have += 6;
        if (have >= 8) {
            have -= 8;
            value[len++] = (uint8_t)(bits >> have);
        }
    }
    return add_xattr(pax, name, value, len, false, err);
bad:
    free(name);
    free(value);
    return rc < 0 ? rc : layer_fail_sys(err, ENOMEM, "no memory for an xattr");
}

/* Format 0.0 has a record for each number; together they are what 0.1 has in one. */
static int add_to_map(struct pax_sparse *s, const struct record *r, struct layer_error *err)
{
    if (s->map_len + r->len + 2 > s->map_room) {
        size_t room = 2 * s->map_room + r->len + 64;
        char *grown = realloc(s->map, room);

        if (!grown)
            return layer_fail_sys(err, ENOMEM, "no memory for a sparse map");
        s->map = grown;
        s->map_room = room;
    }
    if (s->map_len)
        s->map[s->map_len++] = ',';
    memcpy(s->map + s->map_len, r->value, r->len);
    s->map_len += r->len;
    s->map[s->map_len] = 0;
    return 0;
}

static int sparse_record(struct pax_sparse *s, const struct record *r, struct layer_error *err)
{
    bool size = key_is(r, "GNU.sparse.numbytes"), ignored = false;

    s->given = true;
    if (key_is(r, "GNU.sparse.major"))
        return set_number(&s->major, &ignored, UINT32_MAX, r, err);
    if (key_is(r, "GNU.sparse.minor"))
        return set_number(&s->minor, &ignored, UINT32_MAX, r, err);
    if (key_is(r, "GNU.sparse.size") || key_is(r, "GNU.sparse.realsize"))
        return set_number(&s->size, &s->has_size, INT64_MAX, r, err);
    if (key_is(r, "GNU.sparse.name"))
        return set_string(&s->name, r, err);
    if (key_is(r, "GNU.sparse.map") && !s->map)
        return memchr(r->value, 0, r->len) ? malformed(err, "a NUL in a sparse map")
                                           : add_to_map(s, r, err);
    if (size || key_is(r, "GNU.sparse.offset")) {
        if (size != s->after_offset || r->len == 0 || memchr(r->value, 0, r->len))
            return malformed(err, "a sparse map whose offsets and sizes do not alternate");
        s->after_offset = !size;
        return add_to_map(s, r, err);
    }
    /* numblocks: what the map says as well. */
    return key_is(r, "GNU.sparse.numblocks") ? 0
                                             : malformed(err, "an unknown or doubled sparse map");
}

static int apply_record(struct pax *pax, const struct record *r, bool global,
                        struct layer_error *err)
{
    if (key_is(r, "uid"))
        return set_id(&pax->uid, &pax->has_uid, r, err);
    if (key_is(r, "gid"))
        return set_id(&pax->gid, &pax->has_gid, r, err);
    if (key_is(r, "mtime"))
        return set_mtime(pax, r, err);
    if (!key_is(r, "path") && !key_is(r, "linkpath") && !key_is(r, "size") &&
        !key_starts(r, "SCHILY.xattr.") && !key_starts(r, "LIBARCHIVE.xattr.") &&
        !key_starts(r, "GNU.sparse."))
        return 0;
    /* Readers differ on these in a global header, so an honest writer has none. */
    if (global)
        return layer_fail(err, LAYER_E_REFUSED, "a global PAX header sets a path, size or xattr");
    if (key_is(r, "path"))
        return set_string(&pax->path, r, err);
    if (key_is(r, "linkpath"))
        return set_string(&pax->link, r, err);
    if (key_is(r, "size"))
        return set_number(&pax->size, &pax->has_size, INT64_MAX, r, err);
    if (key_starts(r, "SCHILY.xattr."))
        return schily_xattr(pax, r, err);
    if (key_starts(r, "LIBARCHIVE.xattr."))
        return libarchive_xattr(pax, r, err);
    return sparse_record(&pax->sparse, r, err);
}

int pax_parse(struct pax *pax, const char *data, size_t len, bool global, struct layer_error *err)
{
    struct record r;
    int rc = 0;

    while (len && rc == 0) {
        rc = next_record(&data, &len, &r, err);
        if (rc == 0)
            rc = apply_record(pax, &r, global, err);
    }
    return rc;
}
