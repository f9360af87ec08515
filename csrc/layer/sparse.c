#include "layer/sparse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK        512
#define EXTENT       24  /* bytes: two fields of 12 */
#define MAP_AT       386 /* of four extents, in the entry's header */
#define MORE_AT      482 /* another block follows */
#define REAL_SIZE_AT 483
#define BLOCK_COUNT  21 /* extents of a continuing block */
#define BLOCK_MORE   504
#define EXTENTS_MAX  (LAYER_PAX_MAX / 16) /* more than a map of LAYER_PAX_MAX bytes can name */

void sparse_free(struct sparse *s)
{
    free(s->extents);
    memset(s, 0, sizeof(*s));
}

static int malformed(struct layer_error *err, const char *path)
{
    return layer_fail(err, LAYER_E_FORMAT, "the sparse map of %s is malformed", QUOTED(path));
}

static int too_long(struct layer_error *err, const char *path)
{
    return layer_fail(err, LAYER_E_LIMIT, "the sparse map of %s is longer than %u bytes",
                      QUOTED(path), LAYER_PAX_MAX);
}

static int add(struct sparse *s, uint64_t offset, uint64_t size, const char *path,
               struct layer_error *err)
{
    if (s->count == EXTENTS_MAX)
        return too_long(err, path);
    if (s->count == s->room) {
        size_t room = s->room ? s->room * 2 : 16;
        struct sparse_extent *grown = realloc(s->extents, room * sizeof(*grown));

        if (!grown)
            return layer_fail_sys(err, ENOMEM, "no memory for a sparse map");
        s->extents = grown;
        s->room = room;
    }
    s->extents[s->count++] = (struct sparse_extent){offset, size};
    return 0;
}

/* An unused place begins with a NUL, as GNU tar and Go see it; the rest of its block is unused. */
static int add_fields(struct sparse *s, const char *field, size_t count, const char *path,
                      struct layer_error *err)
{
    for (; count && *field; count--, field += EXTENT) {
        int64_t offset, size;
        int rc;

        if (!tar_number(field, 12, &offset) || !tar_number(field + 12, 12, &size) || offset < 0 ||
            size < 0)
            return malformed(err, path);
        rc = add(s, (uint64_t)offset, (uint64_t)size, path, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int sparse_read_gnu(struct sparse *s, const struct tar_header *h, struct stream *in,
                    const char *path)
{
    struct layer_error *err = stream_error(in);
    const char *bytes = (const char *)h;
    char block[BLOCK];
    bool more = bytes[MORE_AT] != 0;
    int64_t size;
    int rc;

    if (memcmp(h->magic, "ustar ", 6) != 0)
        return layer_fail(err, LAYER_E_UNSUPPORTED, "%s is a sparse file of another tar than GNU's",
                          QUOTED(path));
    if (!tar_number(bytes + REAL_SIZE_AT, 12, &size) || size < 0)
        return malformed(err, path);
    s->size = (uint64_t)size;
    rc = add_fields(s, bytes + MAP_AT, 4, path, err);
    while (rc == 0 && more) {
        rc = stream_read(in, block, sizeof(block));
        if (rc <= 0)
            return rc < 0 ? rc : malformed(err, path);
        more = block[BLOCK_MORE] != 0;
        /* Else empty blocks without end would be read for nothing. */
        rc = *block ? add_fields(s, block, BLOCK_COUNT, path, err)
             : more ? malformed(err, path)
                    : 0;
    }
    return rc;
}

/* Decimal digits and the mark that ends them. */
static bool number(const char **text, const char *end, char mark, uint64_t *value)
{
    const char *at = *text;

    *value = 0;
    for (; at < end && *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(*value, 10u, value) ||
            __builtin_add_overflow(*value, (uint64_t)(*at - '0'), value))
            return false;
    if (at == *text || (at < end && *at != mark))
        return false;
    *text = at + (at < end);
    return true;
}

int sparse_parse(struct sparse *s, const char *text, const char *path, struct layer_error *err)
{
    const char *end = text + strlen(text);
    uint64_t offset, size;
    int rc = 0;

    while (text < end && rc == 0) {
        if (!number(&text, end, ',', &offset) || !number(&text, end, ',', &size))
            return malformed(err, path);
        rc = add(s, offset, size, path, err);
    }
    return rc;
}

/* A block-wise reader of numbers in lines, each of which may lie across two blocks. */
struct lines {
    struct stream *in;
    uint64_t left;        /* bytes of the body not yet read */
    char buf[BLOCK + 32]; /* what is left of a number, then a block */
    size_t at, len;
    uint64_t read;
};

static int next_line(struct lines *l, uint64_t *value, const char *path)
{
    struct layer_error *err = stream_error(l->in);
    const char *text, *newline;
    size_t rest;
    int rc;

    while (!(newline = memchr(l->buf + l->at, '\n', l->len - l->at))) {
        rest = l->len - l->at;
        if (rest > 20 || l->left < BLOCK)
            return malformed(err, path);
        if (l->read >= LAYER_PAX_MAX)
            return too_long(err, path);
        memmove(l->buf, l->buf + l->at, rest);
        rc = stream_read(l->in, l->buf + rest, BLOCK);
        if (rc <= 0)
            return rc < 0 ? rc : malformed(err, path);
        l->left -= BLOCK;
        l->read += BLOCK;
        l->at = 0;
        l->len = rest + BLOCK;
    }
    text = l->buf + l->at;
    if (!number(&text, newline + 1, '\n', value) || text != newline + 1)
        return malformed(err, path);
    l->at = (size_t)(text - l->buf);
    return 0;
}

int sparse_read_body(struct sparse *s, struct stream *in, uint64_t body, const char *path)
{
    struct lines lines = {.in = in, .left = body};
    uint64_t count, offset, size;
    int rc = next_line(&lines, &count, path);

    for (; rc == 0 && count; count--) {
        rc = next_line(&lines, &offset, path);
        if (rc == 0)
            rc = next_line(&lines, &size, path);
        if (rc == 0)
            rc = add(s, offset, size, path, stream_error(in));
    }
    s->map_size = lines.read;
    return rc;
}

int sparse_check(const struct sparse *s, uint64_t data, const char *path, struct layer_error *err)
{
    uint64_t end = 0, sum = 0;

    if (s->size > INT64_MAX)
        return layer_fail(err, LAYER_E_REFUSED, "%s has an impossible size", QUOTED(path));
    for (size_t i = 0; i < s->count; i++) {
        const struct sparse_extent *x = &s->extents[i];

        if (x->offset > s->size || x->size > s->size - x->offset)
            return layer_fail(err, LAYER_E_REFUSED, "the sparse map of %s leads past its end",
                              QUOTED(path));
        if (x->offset < end)
            return layer_fail(err, LAYER_E_REFUSED,
                              "the sparse map of %s overlaps or is out of order", QUOTED(path));
        end = x->offset + x->size;
        sum += x->size; /* at most s->size: no two overlap */
    }
    if (sum != data)
        return layer_fail(err, LAYER_E_REFUSED,
                          "the sparse map of %s does not fit the bytes that follow", QUOTED(path));
    return 0;
}
