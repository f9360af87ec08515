#include "layer/stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include "layer/gzip_header.h"

#define OUT_BUF (256u << 10)
#define ZSTD_WINDOW                                                                                \
    27 /* 128 MiB: what `zstd -d` accepts without being told, and the spec's ceiling */
#define RATIO_FROM    (1ull << 30)
#define DEFAULT_RATIO 4096
#define DEFAULT_TAR   (1ull << 40)

enum codec { CODEC_UNKNOWN, CODEC_NONE, CODEC_GZIP, CODEC_ZSTD };

struct stream {
    struct source source;
    struct layer_error *err; /* borrowed */
    struct digest digest;    /* of the uncompressed bytes */
    enum codec codec;
    const uint8_t *in; /* compressed bytes not yet taken */
    size_t in_len;
    uint8_t head[4]; /* the first bytes, gathered to tell the codec */
    size_t head_len;
    const uint8_t *data; /* uncompressed bytes not yet consumed */
    size_t len;
    uint64_t size;
    uint64_t max_size, max_ratio;
    uint8_t *out;               /* owned, OUT_BUF bytes */
    struct inflate_state *gzip; /* owned */
    struct gzip_header header;  /* of the member that begins, while header_open */
    bool header_open;
    bool member_open;   /* inside a gzip member or a zstd frame */
    bool padding;       /* zeros after the last gzip member */
    ZSTD_DStream *zstd; /* owned */
};

struct layer_error *stream_error(struct stream *s)
{
    return s->err;
}

int stream_open(struct stream **out, const struct layer_request *req, struct layer_error *err)
{
    struct stream *s = calloc(1, sizeof(*s));
    int rc;

    *out = s;
    if (!s)
        return layer_fail_sys(err, ENOMEM, "no memory for the stream");
    s->err = err;
    s->max_size = req->limits.tar_size ? req->limits.tar_size : DEFAULT_TAR;
    s->max_ratio = req->limits.ratio ? req->limits.ratio : DEFAULT_RATIO;
    rc = source_init(&s->source, req, err);
    if (rc < 0)
        return rc;
    return digest_init(&s->digest, req->diff_id, "the diffID", err);
}

void stream_close(struct stream *s)
{
    if (!s)
        return;
    source_free(&s->source);
    digest_free(&s->digest);
    ZSTD_freeDStream(s->zstd);
    free(s->gzip);
    free(s->out);
    free(s);
}

static int more_input(struct stream *s)
{
    return s->in_len ? 1 : source_next(&s->source, &s->in, &s->in_len, s->err);
}

static uint32_t le32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static int start_codec(struct stream *s)
{
    uint32_t magic = s->head_len == 4 ? le32(s->head) : 0;

    if (s->head_len >= 2 && s->head[0] == 0x1f && s->head[1] == 0x8b)
        s->codec = CODEC_GZIP;
    else if (magic == ZSTD_MAGICNUMBER ||
             (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START)
        s->codec = CODEC_ZSTD;
    else
        s->codec = CODEC_NONE;
    if (s->codec == CODEC_NONE)
        return 0;
    s->out = malloc(OUT_BUF);
    if (s->codec == CODEC_GZIP)
        s->gzip = malloc(sizeof(*s->gzip));
    else
        s->zstd = ZSTD_createDStream();
    if (!s->out || (!s->gzip && !s->zstd))
        return layer_fail_sys(s->err, ENOMEM, "no memory for the decompressor");
    if (s->zstd && ZSTD_isError(ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW)))
        return layer_fail(s->err, LAYER_E_UNSUPPORTED, "libzstd refuses a window limit");
    return 0;
}

/* The magic may come in pieces (a pipe); the bytes are then replayed from head before in. */
static int tell_codec(struct stream *s)
{
    int rc = 1;

    while (s->head_len < sizeof(s->head) && (rc = more_input(s)) > 0) {
        size_t take = sizeof(s->head) - s->head_len;

        if (take > s->in_len)
            take = s->in_len;
        memcpy(s->head + s->head_len, s->in, take);
        s->head_len += take;
        s->in += take;
        s->in_len -= take;
    }
    return rc < 0 ? rc : start_codec(s);
}

/* Compressed bytes for the codec: first the replayed head, then the source. 1, 0 at the end, or a
 * code. */
static int feed(struct stream *s, const uint8_t **data, size_t *len)
{
    int rc;

    if (s->head_len) {
        *data = s->head;
        *len = s->head_len;
        return 1;
    }
    rc = more_input(s);
    *data = s->in;
    *len = s->in_len;
    return rc;
}

static void fed(struct stream *s, size_t len)
{
    if (s->head_len) {
        memmove(s->head, s->head + len, s->head_len - len);
        s->head_len -= len;
    } else {
        s->in += len;
        s->in_len -= len;
    }
}

static int fill_none(struct stream *s)
{
    int rc = feed(s, &s->data, &s->len);

    if (rc > 0 && s->head_len)
        s->head_len = 0; /* data still points at the bytes, which stay until the next tell */
    else if (rc > 0)
        s->in_len = 0;
    return rc;
}

/*
 * What follows a gzip member: another one, zeros (tape padding, which gzip(1) ignores too) or the
 * end. ISA-L gives back what it read ahead, so the next byte is the member's first.
 */
static int next_member(struct stream *s, const uint8_t *data, size_t len)
{
    size_t zeros = 0;

    while (zeros < len && data[zeros] == 0)
        zeros++;
    if (zeros) {
        s->padding = true;
        fed(s, zeros);
        return 0;
    }
    if (s->padding || data[0] != 0x1f)
        return layer_fail(s->err, LAYER_E_FORMAT, "the gzip stream is followed by other data");
    isal_inflate_init(s->gzip);
    s->gzip->crc_flag = ISAL_GZIP_NO_HDR_VER; /* the trailer is checked */
    s->header = (struct gzip_header){0};
    s->header_open = s->member_open = true;
    return 0;
}

static int read_header(struct stream *s, const uint8_t *data, size_t len)
{
    size_t used;
    int rc = gzip_header_feed(&s->header, data, len, &used);

    if (rc < 0)
        return layer_fail(s->err, LAYER_E_FORMAT,
                          "the gzip stream is corrupt (a member's header is no valid one)");
    if (len == 0)
        return layer_fail(s->err, LAYER_E_FORMAT, "the gzip stream is truncated");
    s->header_open = rc == 0;
    fed(s, used);
    return 0;
}

static int fill_gzip(struct stream *s)
{
    const uint8_t *data;
    size_t len;
    int rc;

    for (;;) {
        rc = feed(s, &data, &len);
        if (rc < 0)
            return rc;
        if (rc == 0 && s->member_open)
            len = 0; /* the last input may have filled the buffer: there can be output without input
                      */
        else if (rc == 0)
            return 0;
        if (!s->member_open) {
            rc = next_member(s, data, len);
            if (rc < 0)
                return rc;
            continue;
        }
        if (s->header_open) {
            rc = read_header(s, data, len);
            if (rc < 0)
                return rc;
            continue;
        }
        s->gzip->next_in = (uint8_t *)(uintptr_t)data;
        s->gzip->avail_in = (uint32_t)len;
        s->gzip->next_out = s->out;
        s->gzip->avail_out = OUT_BUF;
        rc = isal_inflate(s->gzip);
        if (rc != ISAL_DECOMP_OK && rc != ISAL_END_INPUT)
            return layer_fail(s->err, LAYER_E_FORMAT, "the gzip stream is corrupt (%s)",
                              rc == ISAL_INCORRECT_CHECKSUM ? "its checksum is wrong"
                                                            : "bad deflate data");
        fed(s, len - s->gzip->avail_in);
        if (s->gzip->block_state == ISAL_BLOCK_FINISH)
            s->member_open = false;
        s->data = s->out;
        s->len = OUT_BUF - s->gzip->avail_out;
        if (s->len)
            return 1;
        if (len == 0 && s->member_open)
            return layer_fail(s->err, LAYER_E_FORMAT, "the gzip stream is truncated");
    }
}

static int fill_zstd(struct stream *s)
{
    for (;;) {
        ZSTD_inBuffer in = {0};
        ZSTD_outBuffer out = {s->out, OUT_BUF, 0};
        const uint8_t *data;
        size_t left;
        int rc = feed(s, &data, &in.size);

        if (rc < 0)
            return rc;
        if (rc == 0 && !s->member_open)
            return 0;
        in.size = rc ? in.size : 0;
        in.src = data;
        left = ZSTD_decompressStream(s->zstd, &out, &in);
        if (ZSTD_isError(left))
            return layer_fail(s->err, LAYER_E_FORMAT, "the zstd stream is corrupt (%s)",
                              ZSTD_getErrorName(left));
        fed(s, in.pos);
        s->member_open = left != 0;
        s->data = s->out;
        s->len = out.pos;
        if (s->len)
            return 1;
        if (rc == 0 && s->member_open)
            return layer_fail(s->err, LAYER_E_FORMAT, "the zstd stream is truncated");
    }
}

static int fill(struct stream *s)
{
    int rc = s->codec == CODEC_UNKNOWN ? tell_codec(s) : 0;

    if (rc < 0)
        return rc;
    if (s->codec == CODEC_GZIP)
        rc = fill_gzip(s);
    else if (s->codec == CODEC_ZSTD)
        rc = fill_zstd(s);
    else
        rc = fill_none(s);
    if (rc <= 0)
        return rc;
    s->size += s->len;
    if (s->size > s->max_size)
        return layer_fail_limit(s->err, "tar_size", "the layer is larger than %" PRIu64 " bytes",
                                s->max_size);
    if (s->size > RATIO_FROM && s->size / s->max_ratio > s->source.size)
        return layer_fail_limit(s->err, "ratio", "the layer expands more than %" PRIu64 " times",
                                s->max_ratio);
    rc = digest_update(&s->digest, s->data, s->len, s->err);
    return rc < 0 ? rc : 1;
}

int stream_peek(struct stream *s, const uint8_t **data, size_t *len)
{
    int rc = s->len ? 1 : fill(s);

    *data = s->data;
    *len = rc > 0 ? s->len : 0;
    return rc;
}

void stream_consume(struct stream *s, size_t len)
{
    s->data += len;
    s->len -= len;
}

int stream_read(struct stream *s, void *buf, size_t len)
{
    uint8_t *to = buf;
    size_t got = 0;

    while (got < len) {
        const uint8_t *data;
        size_t have;
        int rc = stream_peek(s, &data, &have);

        if (rc == 0 && got == 0)
            return 0;
        if (rc == 0)
            return layer_fail(s->err, LAYER_E_FORMAT, "the tar ends in the middle of a block");
        if (rc < 0)
            return rc;
        if (have > len - got)
            have = len - got;
        memcpy(to + got, data, have);
        stream_consume(s, have);
        got += have;
    }
    return 1;
}

int stream_skip_some(struct stream *s, uint64_t *len)
{
    while (*len) {
        const uint8_t *data;
        size_t have;
        int rc = stream_peek(s, &data, &have);

        if (rc <= 0)
            return rc;
        if (have > *len)
            have = (size_t)*len;
        stream_consume(s, have);
        *len -= have;
    }
    return 0;
}

int stream_skip(struct stream *s, uint64_t len)
{
    int rc = stream_skip_some(s, &len);

    if (rc == 0 && len)
        return layer_fail(s->err, LAYER_E_FORMAT, "the tar ends in the middle of an entry");
    return rc;
}

int stream_finish(struct stream *s, struct layer_stats *stats)
{
    const uint8_t *data;
    size_t have;
    int rc;

    while ((rc = stream_peek(s, &data, &have)) > 0)
        stream_consume(s, have);
    if (rc < 0)
        return rc;
    rc = source_finish(&s->source, stats->blob_digest, s->err);
    if (rc < 0)
        return rc;
    rc = digest_final(&s->digest, stats->diff_id, s->err);
    if (rc < 0)
        return rc;
    stats->blob_size = s->source.size;
    stats->tar_size = s->size;
    if (!digest_matches(&s->digest, stats->diff_id))
        return layer_fail(s->err, LAYER_E_DIGEST, "the layer's diffID is %s, not %s",
                          stats->diff_id, s->digest.want);
    return 0;
}

void stream_explain(struct stream *s)
{
    char text[DIGEST_TEXT_SIZE];
    struct layer_error digest = {0};

    if (s->source.req->blob_digest && source_finish(&s->source, text, &digest) == LAYER_E_DIGEST)
        *s->err = digest;
}
