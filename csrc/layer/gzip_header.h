/*
 * gzip_header.h - the header of one gzip member (RFC 1952, 2.3), however its bytes come.
 *
 * ISA-L reads headers too, but forgets where it was when the input ends after one optional field
 * and before the next, and its checksum of a header (FHCRC) is not the RFC's: both in 2.30.
 */
#ifndef ELFUSE_LAYER_GZIP_HEADER_H
#define ELFUSE_LAYER_GZIP_HEADER_H

#include <stddef.h>
#include <stdint.h>

struct gzip_header { /* zeroed: before its first byte */
    unsigned part;   /* which part of the header comes next */
    size_t have;     /* bytes of it so far */
    uint8_t flags, length[2];
    uint32_t crc;
};

/* Takes bytes of the header, *used of them: 1 when it is complete, 0 when more must come, -1 when
 * it is none. */
int gzip_header_feed(struct gzip_header *h, const uint8_t *data, size_t len, size_t *used);

#endif
