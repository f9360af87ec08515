#include "layer/inflate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <isa-l/igzip_lib.h>
#include <zstd.h>

#define ZSTD_WINDOW                                                                                \
    27 /* 128 MiB: what `zstd -d` accepts without being told, and the spec's ceiling */

void inflater_init(struct inflater *s, struct source *source)
{
    *s = (struct inflater){.source = source};
}

void inflater_free(struct inflater *s)
{
    ZSTD_freeDStream(s->zstd);
    free(s->gzip);
}

static uint32_t le32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static int start_codec(struct inflater *s, struct layer_error *err)
{
    uint32_t magic = s->head_len == 4 ? le32(s->head) : 0;

    if (s->head_len >= 2 && s->head[0] == 0x1f && s->head[1] == 0x8b)
        s->codec = CODEC_GZIP;
    else if (magic == ZSTD_MAGICNUMBER ||
             (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START)
        s->codec = CODEC_ZSTD;
    else
        s->codec = CODEC_NONE;
    if (s->codec == CODEC_GZIP)
        s->gzip = malloc(sizeof(*s->gzip));
    else if (s->codec == CODEC_ZSTD)
        s->zstd = ZSTD_createDStream();
    if (s->codec != CODEC_NONE && !s->gzip && !s->zstd)
        return layer_fail_sys(err, ENOMEM, "no memory for the decompressor");
    if (s->zstd && ZSTD_isError(ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW)))
        return layer_fail(err, LAYER_E_UNSUPPORTED, "libzstd refuses a window limit");
    return 0;
}

static int more_input(struct inflater *s, struct layer_error *err)
{
    return s->in_len ? 1 : source_next(s->source, &s->in, &s->in_len, err);
}

/* The magic may come in pieces (a pipe); the bytes are then replayed from head before in. */
static int tell_codec(struct inflater *s, struct layer_error *err)
{
    int rc = 1;

    while (s->head_len < sizeof(s->head) && (rc = more_input(s, err)) > 0) {
        size_t take = sizeof(s->head) - s->head_len;

        if (take > s->in_len)
            take = s->in_len;
        memcpy(s->head + s->head_len, s->in, take);
        s->head_len += take;
        s->in += take;
        s->in_len -= take;
    }
    return rc < 0 ? rc : start_codec(s, err);
}

/* Compressed bytes for the codec: first the replayed head, then the source. 1, 0 at the end, or a
 * code. */
static int feed(struct inflater *s, const uint8_t **data, size_t *len, struct layer_error *err)
{
    int rc;

    if (s->head_len) {
        *data = s->head;
        *len = s->head_len;
        return 1;
    }
    rc = more_input(s, err);
    *data = s->in;
    *len = rc > 0 ? s->in_len : 0;
    return rc;
}

static void fed(struct inflater *s, size_t len)
{
    if (s->head_len) {
        memmove(s->head, s->head + len, s->head_len - len);
        s->head_len -= len;
    } else {
        s->in += len;
        s->in_len -= len;
    }
}

static int next_plain(struct inflater *s, uint8_t *out, size_t room, size_t *len,
                      struct layer_error *err)
{
    const uint8_t *data;
    int rc = feed(s, &data, len, err);

    if (rc <= 0)
        return rc;
    if (*len > room)
        *len = room;
    memcpy(out, data, *len);
    fed(s, *len);
    return 1;
}

/*
 * What follows a gzip member: another one, zeros (tape padding, which gzip(1) ignores too) or the
 * end. ISA-L gives back what it read ahead, so the next byte is the member's first.
 */
static int next_member(struct inflater *s, const uint8_t *data, size_t len, struct layer_error *err)
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
        return layer_fail(err, LAYER_E_FORMAT, "the gzip stream is followed by other data");
    isal_inflate_init(s->gzip);
    s->gzip->crc_flag = ISAL_GZIP_NO_HDR_VER; /* the trailer is checked */
    s->header = (struct gzip_header){0};
    s->header_open = s->member_open = true;
    return 0;
}

static int read_header(struct inflater *s, const uint8_t *data, size_t len, struct layer_error *err)
{
    size_t used;
    int rc = gzip_header_feed(&s->header, data, len, &used);

    if (rc < 0)
        return layer_fail(err, LAYER_E_FORMAT,
                          "the gzip stream is corrupt (a member's header is no valid one)");
    if (len == 0)
        return layer_fail(err, LAYER_E_FORMAT, "the gzip stream is truncated");
    s->header_open = rc == 0;
    fed(s, used);
    return 0;
}

static int next_gzip(struct inflater *s, uint8_t *out, size_t room, size_t *len,
                     struct layer_error *err)
{
    const uint8_t *data;
    size_t have;
    int rc;

    for (;;) {
        rc = feed(s, &data, &have, err);
        if (rc < 0 || (rc == 0 && !s->member_open))
            return rc;
        if (!s->member_open) {
            rc = next_member(s, data, have, err);
            if (rc < 0)
                return rc;
            continue;
        }
        if (s->header_open) {
            rc = read_header(s, data, have, err);
            if (rc < 0)
                return rc;
            continue;
        }
        /* Also without input: the last one may have filled the buffer. */
        s->gzip->next_in = (uint8_t *)(uintptr_t)data;
        s->gzip->avail_in = (uint32_t)have;
        s->gzip->next_out = out;
        s->gzip->avail_out = (uint32_t)room;
        rc = isal_inflate(s->gzip);
        if (rc != ISAL_DECOMP_OK && rc != ISAL_END_INPUT)
            return layer_fail(err, LAYER_E_FORMAT, "the gzip stream is corrupt (%s)",
                              rc == ISAL_INCORRECT_CHECKSUM ? "its checksum is wrong"
                                                            : "bad deflate data");
        fed(s, have - s->gzip->avail_in);
        if (s->gzip->block_state == ISAL_BLOCK_FINISH)
            s->member_open = false;
        *len = room - s->gzip->avail_out;
        if (*len)
            return 1;
        if (have == 0 && s->member_open)
            return layer_fail(err, LAYER_E_FORMAT, "the gzip stream is truncated");
    }
}

static int next_zstd(struct inflater *s, uint8_t *out_buf, size_t room, size_t *len,
                     struct layer_error *err)
{
    for (;;) {
        ZSTD_inBuffer in = {0};
        ZSTD_outBuffer out = {out_buf, room, 0};
        const uint8_t *data;
        size_t left;
        int rc = feed(s, &data, &in.size, err);

        if (rc < 0 || (rc == 0 && !s->member_open))
            return rc;
        in.src = data;
        left = ZSTD_decompressStream(s->zstd, &out, &in);
        if (ZSTD_isError(left))
            return layer_fail(err, LAYER_E_FORMAT, "the zstd stream is corrupt (%s)",
                              ZSTD_getErrorName(left));
        fed(s, in.pos);
        s->member_open = left != 0;
        *len = out.pos;
        if (*len)
            return 1;
        if (rc == 0 && s->member_open)
            return layer_fail(err, LAYER_E_FORMAT, "the zstd stream is truncated");
    }
}

int inflater_next(struct inflater *s, uint8_t *out, size_t room, size_t *len,
                  struct layer_error *err)
{
    int rc = s->codec == CODEC_UNKNOWN ? tell_codec(s, err) : 0;

    if (rc < 0)
        return rc;
    if (s->codec == CODEC_GZIP)
        return next_gzip(s, out, room, len, err);
    if (s->codec == CODEC_ZSTD)
        return next_zstd(s, out, room, len, err);
    return next_plain(s, out, room, len, err);
}
