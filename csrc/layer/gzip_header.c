#include "layer/gzip_header.h"

#include <stdbool.h>

#include <isa-l/crc.h>

enum { FHCRC = 2, FEXTRA = 4, FNAME = 8, FCOMMENT = 16, RESERVED = 0xe0 };
enum part { FIXED, EXTRA_LENGTH, EXTRA, NAME, COMMENT, CHECKSUM, COMPLETE };

#define FIXED_SIZE 10

static bool is_present(const struct gzip_header *h)
{
    switch ((enum part)h->part) {
    case EXTRA_LENGTH:
    case EXTRA: return h->flags & FEXTRA;
    case NAME: return h->flags & FNAME;
    case COMMENT: return h->flags & FCOMMENT;
    case CHECKSUM: return h->flags & FHCRC;
    case FIXED:
    case COMPLETE: break;
    }
    return true;
}

static size_t extra_size(const struct gzip_header *h)
{
    return h->length[0] | (size_t)h->length[1] << 8;
}

static bool is_good_fixed(struct gzip_header *h, uint8_t byte)
{
    switch (h->have) {
    case 0: return byte == 0x1f;
    case 1: return byte == 0x8b;
    case 2: return byte == 8; /* deflate */
    case 3: h->flags = byte; return !(byte & RESERVED);
    }
    return true;
}

/* One byte of the present part: 1 when it was the part's last, 0, or -1. */
static int take(struct gzip_header *h, uint8_t byte)
{
    bool last = false;

    switch ((enum part)h->part) {
    case FIXED:
        if (!is_good_fixed(h, byte))
            return -1;
        last = h->have + 1 == FIXED_SIZE;
        break;
    case EXTRA_LENGTH:
        h->length[h->have] = byte;
        last = h->have == 1;
        break;
    case EXTRA: last = h->have + 1 == extra_size(h); break;
    case NAME:
    case COMMENT: last = byte == 0; break;
    case CHECKSUM:
        if (byte != (uint8_t)(h->crc >> 8 * h->have))
            return -1;
        last = h->have == 1;
        break;
    case COMPLETE: return -1;
    }
    if (h->part < CHECKSUM)
        h->crc = crc32_gzip_refl(h->crc, &byte, 1);
    h->have++;
    return last;
}

int gzip_header_feed(struct gzip_header *h, const uint8_t *data, size_t len, size_t *used)
{
    for (*used = 0; h->part != COMPLETE && *used < len; (*used)++) {
        int rc = take(h, data[*used]);

        if (rc < 0)
            return -1;
        if (rc == 0)
            continue;
        do {
            h->part++;
            h->have = 0;
        } while (!is_present(h) || (h->part == EXTRA && extra_size(h) == 0));
    }
    return h->part == COMPLETE;
}
