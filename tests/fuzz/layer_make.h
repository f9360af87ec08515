/*
 * layer_make.h - layers for the fuzz targets: tar entries, checksums made right after a mutation,
 * and both compressions. Each function is for the one target that includes it; not all use all.
 */
#ifndef ELFUSE_FUZZ_LAYER_MAKE_H
#define ELFUSE_FUZZ_LAYER_MAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

#define UNUSED __attribute__((unused))
#define BLOCK  512u
#define MUST(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            perror(#cond);                                                                         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static UNUSED void fix_checksums(uint8_t *tar, size_t size)
{
    for (size_t at = 0; at + BLOCK <= size; at += BLOCK) {
        uint8_t *h = tar + at;
        if (memcmp(h + 257, "ustar", 5) != 0)
            continue;
        unsigned sum = 0;
        memset(h + 148, ' ', 8);
        for (unsigned i = 0; i < BLOCK; i++)
            sum += h[i];
        snprintf((char *)h + 148, 8, "%06o", sum);
    }
}

static UNUSED uint32_t crc32_of(const uint8_t *data, size_t size)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
    }
    return ~crc;
}

/* gzip of stored blocks. */
static UNUSED void write_gzip(FILE *out, const uint8_t *data, size_t size)
{
    fwrite("\x1f\x8b\x08\0\0\0\0\0\0\xff", 1, 10, out);
    for (size_t at = 0;;) {
        uint16_t n = size - at > 60000 ? 60000 : (uint16_t)(size - at), not_n = (uint16_t)~n;
        fputc(at + n == size, out);
        fwrite(&n, 2, 1, out);
        fwrite(&not_n, 2, 1, out);
        fwrite(data + at, 1, n, out);
        at += n;
        if (at == size)
            break;
    }
    uint32_t tail[2] = {crc32_of(data, size), (uint32_t)size};
    fwrite(tail, sizeof tail, 1, out);
}

static UNUSED void write_zstd(FILE *out, const uint8_t *data, size_t size)
{
    size_t room = ZSTD_compressBound(size);
    void *packed = malloc(room);
    size_t n = ZSTD_compress(packed, room, data, size, 1);
    MUST(!ZSTD_isError(n));
    fwrite(packed, 1, n, out);
    free(packed);
}

struct tar {
    uint8_t *buf;
    size_t size, max;
};

static UNUSED void add(struct tar *t, char type, const char *name, const char *link,
                       const void *body, size_t len)
{
    size_t padded = (len + BLOCK - 1) / BLOCK * BLOCK;
    if (t->size + BLOCK + padded > t->max)
        return;
    uint8_t *h = t->buf + t->size;
    memset(h, 0, BLOCK + padded);
    snprintf((char *)h, 100, "%s", name);
    memcpy(h + 100, "0000755\0000001750\0000000000\000", 24);
    snprintf((char *)h + 124, 12, "%011zo", len);
    memcpy(h + 136, "14000000000", 11);
    h[156] = (uint8_t)type;
    snprintf((char *)h + 157, 100, "%s", link ? link : "");
    memcpy(h + 257, "ustar\00000", 8);
    memcpy(h + 329, "0000001\0000000003", 15);
    if (len)
        memcpy(h + BLOCK, body, len);
    t->size += BLOCK + padded;
}

static UNUSED void pax(struct tar *t, char type, const char *records)
{
    add(t, type, "pax", NULL, records, strlen(records));
}

static UNUSED void honest(struct tar *t)
{
    add(t, '5', "dir/", NULL, NULL, 0);
    add(t, '0', "dir/file", NULL, "hello hello hello", 17);
    add(t, '2', "dir/link", "../dir/file", NULL, 0);
    add(t, '1', "dir/hard", "dir/file", NULL, 0);
    add(t, '6', "dir/fifo", NULL, NULL, 0);
    add(t, '3', "dir/null", NULL, NULL, 0);
}

/* The two zero blocks. */
static UNUSED void end(struct tar *t)
{
    if (t->size + 2 * BLOCK > t->max)
        return;
    memset(t->buf + t->size, 0, 2 * BLOCK);
    t->size += 2 * BLOCK;
}

/* A file in memory with this content, to be read from its start; the caller closes it. */
static UNUSED int in_memory(const uint8_t *data, size_t size)
{
    int fd = memfd_create("layer", MFD_CLOEXEC);

    MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}

#endif
