/*
 * The tar reader alone: headers, GNU names, PAX. The first byte is no part of the archive: bit 0
 * says that the checksums are made right first, bit 1 that bodies are left for tar_next() to skip.
 * What the header tar.h promises of an entry must hold, and the bytes handed out must be the
 * archive's.
 */
#include "fuzz.h"
#include "layer/tar.h"
#include "layer_make.h"

/* Adds the body's bytes; stops where the reader does. */
static int read_body(struct tar *tar, uint64_t *got)
{
    const uint8_t *data;
    size_t len;
    int rc;

    for (*got = 0; (rc = tar_body(tar, &data, &len)) > 0; *got += len)
        MUST(len > 0 && data[0] + data[len - 1] >= 0);
    return rc;
}

static void check_entry(const struct tar_entry *e)
{
    MUST(e->path && *e->path && e->link);
    MUST(e->mode <= 07777 && e->mtime_nsec < 1000000000);
    MUST(e->uid != UINT32_MAX && e->gid != UINT32_MAX);
    MUST(e->type >= TAR_FILE && e->type <= TAR_FIFO);
    for (size_t i = 0; i < e->xattr_count; i++)
        MUST(e->xattrs[i].name && (e->xattrs[i].len == 0 || e->xattrs[i].value));
}

static int read_all(struct tar *tar, bool bodies, uint64_t *sum)
{
    const struct tar_entry *e;
    uint64_t got;
    int rc;

    while ((rc = tar_next(tar, &e)) > 0) {
        check_entry(e);
        if (!bodies)
            continue;
        rc = read_body(tar, &got);
        if (rc < 0)
            return rc;
        MUST(got == 0 || e->type == TAR_FILE || e->type == TAR_DIR);
        *sum += got;
    }
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct layer_request req = {.blob_size = -1, .root_fd = -1};
    struct layer_error err = {0};
    struct stream *stream;
    struct tar *tar;
    uint64_t sum = 0;
    uint8_t *copy;
    int rc;

    if (size < 1)
        return 0;
    copy = malloc(size);
    memcpy(copy, data + 1, size - 1);
    if (data[0] & 1)
        fix_checksums(copy, size - 1);
    req.blob_fd = in_memory(copy, size - 1);
    free(copy);
    rc = stream_open(&stream, &req, &err);
    MUST(rc == 0);
    rc = tar_open(&tar, stream);
    MUST(rc == 0);
    rc = read_all(tar, !(data[0] & 2), &sum);
    MUST(rc == 0 || (rc < 0 && rc == err.code && err.message[0]));
    MUST(sum <= (4u << 20) || rc < 0 || size > 1u << 10);
    tar_close(tar);
    stream_close(stream);
    close(req.blob_fd);
    return 0;
}

static void names(struct tar *t)
{
    char longer[300];

    memset(longer, 'n', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    add(t, 'L', "././@LongLink", NULL, longer, sizeof longer);
    add(t, 'K', "././@LongLink", NULL, longer, sizeof longer);
    add(t, '2', "cut", "short", NULL, 0);
    add(t, '0', "v7-directory/", NULL, NULL, 0);
    add(t, '7', "contiguous", NULL, "x", 1);
}

static void extended(struct tar *t)
{
    pax(t, 'g', "13 uid=100000\n18 comment=global\n");
    pax(t, 'x', "30 path=a/very/long/name/here\n20 mtime=1.25000000\n");
    add(t, '0', "short", NULL, "x", 1);
    pax(t, 'x', "31 SCHILY.xattr.user.test=hello\n10 size=3\n34 LIBARCHIVE.xattr.user.b=AAEC\n");
    add(t, '0', "attr", NULL, "abc", 3);
    pax(t, 'x', "16 linkpath=dir\n");
    add(t, '2', "link", "", NULL, 0);
}

/* Sparse in GNU's old format, and in each of PAX's. */
static void sparse(struct tar *t)
{
    static const char map[BLOCK + 4] = "1\n5\n4\n";
    uint8_t *h = t->buf + t->size;

    add(t, 'S', "old", NULL, "data", 4);
    memcpy(h + 257, "ustar  ", 8);
    memcpy(h + 386, "00000001000\00000000000004", 23);
    memcpy(h + 483, "00000002000", 11);
    pax(t, 'x',
        "22 GNU.sparse.size=99\n26 GNU.sparse.numblocks=1\n23 GNU.sparse.offset=5\n26 "
        "GNU.sparse.numbytes=4\n");
    add(t, '0', "pax00", NULL, "data", 4);
    pax(t, 'x',
        "22 GNU.sparse.size=99\n26 GNU.sparse.numblocks=1\n22 GNU.sparse.map=5,4\n23 "
        "GNU.sparse.name=name\n");
    add(t, '0', "pax01", NULL, "data", 4);
    pax(t, 'x',
        "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n26 GNU.sparse.realsize=99\n23 "
        "GNU.sparse.name=name\n");
    add(t, '0', "pax10", NULL, map, sizeof map);
}

size_t fuzz_seed(unsigned index, uint8_t *buf, size_t max)
{
    struct tar t = {buf + 1, 0, max - 1};

    buf[0] = index & 1 ? 3 : 1;
    switch (index / 2) {
    case 0: honest(&t); break;
    case 1: names(&t); break;
    case 2: extended(&t); break;
    case 3: sparse(&t); break;
    case 4: /* base-256 numbers, star's prefix, no magic at all */
        honest(&t);
        memcpy(t.buf + 124, "\x80\0\0\0\0\0\0\0\0\0\0\0", 12);
        memcpy(t.buf + 136, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe", 12);
        memcpy(t.buf + BLOCK + 508, "tar", 4);
        memset(t.buf + 3 * BLOCK + 257, 0, 8);
        break;
    default: return 0;
    }
    end(&t);
    return t.size + 1;
}
