#include "layer/tar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "layer/pax.h"
#include "layer/sparse.h"
#include "layer/tar_field.h"

struct tar {
    struct stream *stream;   /* borrowed */
    struct layer_error *err; /* the stream's */
    struct tar_entry entry;
    struct pax local, global;
    bool has_local;            /* an 'x' header waits for its entry */
    char *gnu_path, *gnu_link; /* from 'L' and 'K', waiting likewise; owned */
    char name[sizeof(((struct tar_header *)0)->prefix) + 1 + 100 + 1];
    char link[101];
    uint64_t body, padding; /* bytes still in the stream */
    uint64_t piece, next;   /* offsets in the file: of the last piece, and after it */
    struct sparse sparse;
    size_t extent; /* the first that is not yet read to its end */
};

int tar_open(struct tar **out, struct stream *stream)
{
    struct tar *t = calloc(1, sizeof(*t));

    *out = t;
    if (!t)
        return layer_fail_sys(stream_error(stream), ENOMEM, "no memory for the tar reader");
    t->stream = stream;
    t->err = stream_error(stream);
    return 0;
}

static void forget_extended(struct tar *t)
{
    pax_free(&t->local);
    free(t->gnu_path);
    free(t->gnu_link);
    t->gnu_path = t->gnu_link = NULL;
    t->has_local = false;
    sparse_free(&t->sparse);
}

void tar_close(struct tar *t)
{
    if (!t)
        return;
    forget_extended(t);
    pax_free(&t->global);
    free(t);
}

/* Bytes of the body that lie together in the file from t->next on, which is moved over a hole. */
static uint64_t run_length(struct tar *t)
{
    const struct sparse_extent *x;

    if (!t->entry.sparse)
        return t->body;
    /* The extents' sum is the body: there is one as long as bytes are left. */
    for (x = &t->sparse.extents[t->extent]; t->next >= x->offset + x->size; x++)
        t->extent++;
    if (t->next < x->offset)
        t->next = x->offset;
    return x->offset + x->size - t->next;
}

uint64_t tar_body_offset(const struct tar *t)
{
    return t->piece;
}

int tar_body(struct tar *t, const uint8_t **data, size_t *len)
{
    uint64_t most;
    int rc;

    if (t->body == 0)
        return 0;
    most = run_length(t);
    rc = stream_peek(t->stream, data, len);
    if (rc == 0)
        return layer_fail(t->err, LAYER_E_FORMAT, "the tar ends inside %s", QUOTED(t->entry.path));
    if (rc < 0)
        return rc;
    if (*len > most)
        *len = (size_t)most;
    stream_consume(t->stream, *len);
    t->body -= *len;
    t->piece = t->next;
    t->next += *len;
    return 1;
}

static uint64_t padding_of(uint64_t size)
{
    return -size & (TAR_BLOCK - 1);
}

static bool is_zero(const struct tar_header *h)
{
    const char *bytes = (const char *)h;

    return bytes[0] == 0 && memcmp(bytes, bytes + 1, sizeof(*h) - 1) == 0;
}

/* 1 and a checked header, 0 at the archive's end. */
static int read_header(struct tar *t, struct tar_header *h)
{
    int rc = stream_read(t->stream, h, sizeof(*h));

    if (rc <= 0)
        return rc;
    if (is_zero(h)) {
        rc = stream_read(t->stream, h, sizeof(*h));
        if (rc <= 0 || is_zero(h))
            return rc < 0 ? rc : 0;
        return layer_fail(t->err, LAYER_E_FORMAT, "the tar goes on after a zero block");
    }
    if (!tar_checksum_ok(h))
        return layer_fail(t->err, LAYER_E_FORMAT, "a tar header's checksum is wrong");
    return 1;
}

/* The body of an extended header, whose own size field counts and no other's. */
static int read_extended(struct tar *t, const struct tar_header *h, char **text, size_t *len)
{
    int64_t size;
    int rc;

    *text = NULL;
    if (!tar_number(h->size, sizeof(h->size), &size) || size < 0)
        return layer_fail(t->err, LAYER_E_FORMAT, "an extended header has no valid size");
    if (size > LAYER_PAX_MAX)
        return layer_fail(t->err, LAYER_E_LIMIT, "an extended header is longer than %u bytes",
                          LAYER_PAX_MAX);
    *text = malloc((size_t)size + 1);
    if (!*text)
        return layer_fail_sys(t->err, ENOMEM, "no memory for an extended header");
    (*text)[size] = 0;
    *len = (size_t)size;
    rc = size ? stream_read(t->stream, *text, *len) : 1;
    if (rc == 0)
        rc = layer_fail(t->err, LAYER_E_FORMAT, "the tar ends inside an extended header");
    return rc < 0 ? rc : stream_skip(t->stream, padding_of((uint64_t)size));
}

static int read_pax(struct tar *t, const struct tar_header *h)
{
    bool global = h->type == 'g';
    struct pax *pax = global ? &t->global : &t->local;
    char *text;
    size_t len;
    int rc = read_extended(t, h, &text, &len);

    if (rc == 0 && !global && t->has_local)
        rc = layer_fail(t->err, LAYER_E_REFUSED, "two PAX headers stand before one entry");
    if (rc == 0) {
        pax_free(pax);
        t->has_local |= !global;
        rc = pax_parse(pax, text, len, global, t->err);
    }
    free(text);
    return rc;
}

static int read_gnu_name(struct tar *t, const struct tar_header *h)
{
    char **to = h->type == 'L' ? &t->gnu_path : &t->gnu_link;
    size_t len;

    if (*to)
        return layer_fail(t->err, LAYER_E_REFUSED, "two GNU long names stand before one entry");
    return read_extended(t, h, to, &len);
}

static bool is_ustar(const struct tar_header *h)
{
    return memcmp(h->magic, "ustar", 6) == 0;
}

/* The header's own name. In GNU's format the prefix field holds times, in star's it is shorter. */
static void join_name(struct tar *t, const struct tar_header *h)
{
    char prefix[sizeof(h->prefix) + 1], name[sizeof(h->name) + 1];
    size_t room = memcmp(h->pad + 8, "tar", 4) == 0 ? 131 : sizeof(h->prefix);
    size_t len;

    tar_string(h->name, sizeof(h->name), name);
    tar_string(h->prefix, is_ustar(h) ? room : 0, prefix);
    len = strlen(prefix);
    memcpy(t->name, prefix, len);
    if (len)
        t->name[len++] = '/';
    memcpy(t->name + len, name, strlen(name) + 1);
}

static int field_id(struct tar *t, const char *field, const char *what, uint32_t *id)
{
    int64_t value;

    if (!tar_number(field, 8, &value) || value < 0 || value >= UINT32_MAX)
        return layer_fail(t->err, LAYER_E_REFUSED, "%s has a %s that is no valid number",
                          QUOTED(t->entry.path), what);
    *id = (uint32_t)value;
    return 0;
}

static int fill_numbers(struct tar *t, const struct tar_header *h)
{
    struct tar_entry *e = &t->entry;
    int64_t mode, size;
    int rc = 0;

    if (!tar_number(h->mode, sizeof(h->mode), &mode) ||
        !tar_number(h->mtime, sizeof(h->mtime), &e->mtime) ||
        !tar_number(h->size, sizeof(h->size), &size) || size < 0)
        return layer_fail(t->err, LAYER_E_FORMAT, "%s has a mode, size or mtime that is no number",
                          QUOTED(e->path));
    e->mode = (uint32_t)mode & 07777;
    e->size = (uint64_t)size;
    if (t->local.has_uid || t->global.has_uid)
        e->uid = t->local.has_uid ? t->local.uid : t->global.uid;
    else
        rc = field_id(t, h->uid, "uid", &e->uid);
    if (rc == 0 && (t->local.has_gid || t->global.has_gid))
        e->gid = t->local.has_gid ? t->local.gid : t->global.gid;
    else if (rc == 0)
        rc = field_id(t, h->gid, "gid", &e->gid);
    if (rc == 0 && (h->type == TAR_CHAR || h->type == TAR_BLOCKDEV)) {
        rc = field_id(t, h->major, "device number", &e->major);
        if (rc == 0)
            rc = field_id(t, h->minor, "device number", &e->minor);
    }
    return rc;
}

static void apply_pax(struct tar *t)
{
    struct tar_entry *e = &t->entry;
    const struct pax *times = t->local.has_mtime ? &t->local : &t->global;

    if (times->has_mtime) {
        e->mtime = times->mtime;
        e->mtime_nsec = times->mtime_nsec;
    }
    if (t->local.has_size)
        e->size = t->local.size;
    e->xattrs = t->local.xattrs;
    e->xattr_count = t->local.xattr_count;
}

/* An 'S' entry, or one whose PAX header says so: reads the map, wherever it is. */
static int read_sparse(struct tar *t, const struct tar_header *h)
{
    const struct pax_sparse *pax = &t->local.sparse;
    struct tar_entry *e = &t->entry;
    int rc;

    if (h->type == 'S') {
        rc = sparse_read_gnu(&t->sparse, h, t->stream, e->path);
    } else if (!pax->has_size || pax->major > 1 || (pax->major == 1 && pax->minor > 0)) {
        return layer_fail(t->err, LAYER_E_UNSUPPORTED, "%s is sparse in an unknown format",
                          QUOTED(e->path));
    } else {
        t->sparse.size = pax->size;
        rc = pax->major == 1 ? sparse_read_body(&t->sparse, t->stream, t->body, e->path)
                             : sparse_parse(&t->sparse, pax->map ? pax->map : "", e->path, t->err);
    }
    t->body -= t->sparse.map_size;
    if (rc == 0)
        rc = sparse_check(&t->sparse, t->body, e->path, t->err);
    e->size = t->sparse.size;
    e->sparse = true;
    return rc;
}

static int set_type(struct tar *t, const struct tar_header *h)
{
    struct tar_entry *e = &t->entry;
    char type = h->type ? h->type : TAR_FILE;
    bool sparse;

    if (type == '7')
        type = TAR_FILE; /* contiguous: a file to everyone since */
    sparse = h->type == 'S' || (type == TAR_FILE && t->local.sparse.given);
    if (type == 'S')
        type = TAR_FILE;
    if (type < TAR_FILE || type > TAR_FIFO)
        return layer_fail(t->err, LAYER_E_UNSUPPORTED, "%s has the unknown tar type %d",
                          QUOTED(e->path), type);
    t->body = type == TAR_FILE ? e->size : 0;
    t->padding = padding_of(t->body);
    if (t->body > INT64_MAX - TAR_BLOCK)
        return layer_fail(t->err, LAYER_E_REFUSED, "%s has an impossible size", QUOTED(e->path));
    /* v7 had no directory type: a file whose name ends in a slash was one. */
    if (type == TAR_FILE && e->path[strlen(e->path) - 1] == '/')
        type = TAR_DIR;
    e->type = (enum tar_type)type;
    t->piece = t->next = t->extent = 0;
    return sparse ? read_sparse(t, h) : 0;
}

static int fill_entry(struct tar *t, const struct tar_header *h)
{
    struct tar_entry *e = &t->entry;
    int rc;

    memset(e, 0, sizeof(*e));
    join_name(t, h);
    tar_string(h->link, sizeof(h->link), t->link);
    e->path = t->gnu_path ? t->gnu_path : t->local.path ? t->local.path : t->name;
    if (t->local.sparse.name)
        e->path = t->local.sparse.name; /* the header's is made up for tars that know no holes */
    e->link = t->gnu_link ? t->gnu_link : t->local.link ? t->local.link : t->link;
    if (!*e->path)
        return layer_fail(t->err, LAYER_E_FORMAT, "a tar entry has no name");
    rc = fill_numbers(t, h);
    if (rc < 0)
        return rc;
    apply_pax(t);
    return set_type(t, h);
}

int tar_next(struct tar *t, const struct tar_entry **entry)
{
    struct tar_header h;
    int rc = stream_skip(t->stream, t->body);

    if (rc == 0)
        rc = stream_skip_some(t->stream, &t->padding);
    forget_extended(t);
    t->body = t->padding = 0;
    if (rc < 0)
        return rc;
    for (;;) {
        rc = read_header(t, &h);
        if (rc < 0)
            return rc;
        if (rc == 0 && (t->has_local || t->gnu_path || t->gnu_link))
            return layer_fail(t->err, LAYER_E_FORMAT, "the tar ends after an extended header");
        if (rc == 0)
            return 0;
        if (h.type == 'x' || h.type == 'g')
            rc = read_pax(t, &h);
        else if (h.type == 'L' || h.type == 'K')
            rc = read_gnu_name(t, &h);
        else
            break;
        if (rc < 0)
            return rc;
    }
    rc = fill_entry(t, &h);
    if (rc < 0)
        return rc;
    *entry = &t->entry;
    return 1;
}
