/*
 * inflate.h - a blob's uncompressed bytes, piece by piece.
 *
 * The compression is told by the first bytes: gzip (any number of members), zstd (any number of
 * frames, skippable ones too), else none.
 */
#ifndef ELFUSE_LAYER_INFLATE_H
#define ELFUSE_LAYER_INFLATE_H

#include "layer/gzip_header.h"
#include "layer/source.h"

enum codec { CODEC_UNKNOWN, CODEC_NONE, CODEC_GZIP, CODEC_ZSTD };

struct inflater {
    struct source *source; /* borrowed */
    enum codec codec;
    const uint8_t *in; /* compressed bytes not yet taken */
    size_t in_len;
    uint8_t head[4]; /* the first bytes, gathered to tell the codec */
    size_t head_len;
    struct inflate_state *gzip; /* owned */
    struct ZSTD_DCtx_s *zstd;   /* owned */
    struct gzip_header header;  /* of the member that begins, while header_open */
    bool header_open;
    bool member_open; /* inside a gzip member or a zstd frame */
    bool padding;     /* zeros after the last gzip member */
};

void inflater_init(struct inflater *s, struct source *source);
void inflater_free(struct inflater *s);

/* At least one byte into out, *len of at most room: 1; 0 at the end; or a negative code. */
int inflater_next(struct inflater *s, uint8_t *out, size_t room, size_t *len,
                  struct layer_error *err);

#endif
