/*
 * One extended header's records. The first byte is no part of them: bit 0 makes the header a global
 * one. What was read is written again in the plainest form, and must then be read as the same.
 */
#include "fuzz.h"
#include "layer/error.h"
#include "layer/pax.h"
#include "layer_make.h"

static void record(FILE *out, const char *key, const void *value, size_t len)
{
    size_t size = strlen(key) + len + 3, digits = 1;

    while (snprintf(NULL, 0, "%zu", size + digits) != (int)digits)
        digits++;
    fprintf(out, "%zu %s=", size + digits, key);
    fwrite(value, 1, len, out);
    fputc('\n', out);
}

static void number(FILE *out, const char *key, uint64_t value)
{
    char text[32];

    record(out, key, text, (size_t)snprintf(text, sizeof text, "%llu", (unsigned long long)value));
}

static void mtime(FILE *out, const struct pax *p)
{
    int64_t seconds = p->mtime;
    uint32_t nsec = p->mtime_nsec;
    bool negative = seconds < 0;
    char text[48];

    if (negative && nsec) { /* -1.25 is kept as -2 and 0.75 */
        seconds++;
        nsec = 1000000000 - nsec;
    }
    snprintf(text, sizeof text, "%s%llu.%09u", negative ? "-" : "",
             (unsigned long long)(negative ? -(uint64_t)seconds : (uint64_t)seconds), nsec);
    record(out, "mtime", text, strlen(text));
}

static void write_again(const struct pax *p, FILE *out)
{
    char key[512];

    if (p->path)
        record(out, "path", p->path, strlen(p->path));
    if (p->link)
        record(out, "linkpath", p->link, strlen(p->link));
    if (p->has_size)
        number(out, "size", p->size);
    if (p->has_uid)
        number(out, "uid", p->uid);
    if (p->has_gid)
        number(out, "gid", p->gid);
    if (p->has_mtime)
        mtime(out, p);
    for (size_t i = 0; i < p->xattr_count; i++) {
        snprintf(key, sizeof key, "SCHILY.xattr.%s", p->xattrs[i].name);
        record(out, key, p->xattrs[i].value, p->xattrs[i].len);
    }
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same(const struct pax *a, const struct pax *b)
{
    if (!same_text(a->path, b->path) || !same_text(a->link, b->link) ||
        a->has_size != b->has_size || a->size != b->size || a->has_uid != b->has_uid ||
        a->uid != b->uid || a->has_gid != b->has_gid || a->gid != b->gid ||
        a->has_mtime != b->has_mtime || a->mtime != b->mtime || a->mtime_nsec != b->mtime_nsec ||
        a->xattr_count != b->xattr_count)
        return false;
    for (size_t i = 0; i < a->xattr_count; i++)
        if (strcmp(a->xattrs[i].name, b->xattrs[i].name) != 0 ||
            a->xattrs[i].len != b->xattrs[i].len ||
            memcmp(a->xattrs[i].value, b->xattrs[i].value, a->xattrs[i].len) != 0)
            return false;
    return true;
}

/* A name that %-decoding left empty, or with a "=" in it, has no plain form. */
static bool has_plain_form(const struct pax *p)
{
    for (size_t i = 0; i < p->xattr_count; i++)
        if (!*p->xattrs[i].name || strchr(p->xattrs[i].name, '='))
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pax first = {0}, again = {0};
    struct layer_error err = {0};
    char *text = NULL;
    size_t len = 0;
    bool global;
    FILE *out;
    int rc;

    if (size < 1)
        return 0;
    global = data[0] & 1;
    rc = pax_parse(&first, (const char *)data + 1, size - 1, global, &err);
    MUST(rc == 0 || (rc < 0 && err.code == rc && err.message[0]));
    if (rc == 0 && has_plain_form(&first)) {
        out = open_memstream(&text, &len);
        MUST(out);
        write_again(&first, out);
        fclose(out);
        MUST(pax_parse(&again, text, len, global, &err) == 0);
        MUST(same(&first, &again));
        pax_free(&again);
        free(text);
    }
    pax_free(&first);
    return 0;
}

size_t fuzz_seed(unsigned index, uint8_t *buf, size_t max)
{
    static const char *const seeds[] = {
        "30 path=a/very/long/name/here\n20 mtime=1.25000000\n18 linkpath=there\n",
        "10 size=3\n13 uid=100000\n9 gid=8\n20 mtime=-1.2500000\n18 comment=nothing\n",
        "31 SCHILY.xattr.user.test=hello\n34 LIBARCHIVE.xattr.user.b=AAEC\n",
        "38 LIBARCHIVE.xattr.user.%3d%41=AA==\n31 SCHILY.xattr.user.test=again\n",
        "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n26 GNU.sparse.realsize=99\n",
        "22 GNU.sparse.size=99\n26 GNU.sparse.numblocks=1\n22 GNU.sparse.map=5,4\n",
        "8 path=\n9 path=a\n9 path=b\n9 size=\n",
    };
    size_t len;

    if (index >= 2 * sizeof seeds / sizeof *seeds)
        return 0;
    len = strlen(seeds[index / 2]);
    MUST(len < max);
    buf[0] = index & 1;
    memcpy(buf + 1, seeds[index / 2], len);
    return len + 1;
}
