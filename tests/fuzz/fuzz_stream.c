/*
 * The framing of compressed blobs: gzip members and their headers, zstd frames and skippable ones,
 * padding, what follows. However the bytes arrive, at once or a few at a time, the outcome and the
 * uncompressed bytes are the same.
 */
#include <sys/socket.h>

#include "fuzz.h"
#include "layer/stream.h"
#include "layer_make.h"

#define PIECES 150 /* packets that a socket holds before anybody reads */

struct outcome {
    int rc;
    struct layer_stats stats;
};

static struct outcome inflate(int fd)
{
    struct layer_request req = {
        .blob_fd = fd, .root_fd = -1, .blob_size = -1, .limits = {.tar_size = 8 << 20}};
    struct layer_error err = {0};
    struct outcome o = {0};
    struct stream *s;
    const uint8_t *data;
    size_t len;

    o.rc = stream_open(&s, &req, &err);
    MUST(o.rc == 0);
    while ((o.rc = stream_peek(s, &data, &len)) > 0) {
        MUST(len > 0);
        stream_consume(s, len);
    }
    if (o.rc == 0)
        o.rc = stream_finish(s, &o.stats);
    MUST(o.rc == 0 || (err.code == o.rc && err.message[0]));
    stream_close(s);
    close(fd);
    return o;
}

/* Each packet is one read. */
static int in_pieces(const uint8_t *data, size_t size)
{
    size_t piece = size / PIECES + 1;
    int pair[2];

    MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
    for (size_t at = 0; at < size; at += piece) {
        size_t len = size - at < piece ? size - at : piece;

        MUST(send(pair[1], data + at, len, MSG_DONTWAIT) == (ssize_t)len);
    }
    close(pair[1]);
    return pair[0];
}

/*
 * libzstd decodes a frame that lies whole before it by other code than one that comes in pieces,
 * and only the first refuses an empty compressed block (1.5.4). What both accept is the same.
 */
static bool is_zstd(const uint8_t *data, size_t size)
{
    return size >= 4 && (memcmp(data, "\x28\xb5\x2f\xfd", 4) == 0 ||
                         ((data[0] & 0xf0) == 0x50 && memcmp(data + 1, "\x2a\x4d\x18", 3) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole, pieces;

    if (size > 64u << 10)
        return 0;
    whole = inflate(in_memory(data, size));
    pieces = inflate(in_pieces(data, size));
    if (!is_zstd(data, size))
        MUST(whole.rc == pieces.rc);
    if (whole.rc == 0 && pieces.rc == 0) {
        MUST(whole.stats.tar_size == pieces.stats.tar_size);
        MUST(whole.stats.blob_size == size && pieces.stats.blob_size == size);
        MUST(strcmp(whole.stats.diff_id, pieces.stats.diff_id) == 0);
    }
    return 0;
}

static const uint8_t text[] =
    "one one one two two two three three three four four four five five five";

/* Every optional field of a gzip header: extra, name, comment, checksum of the header. */
static void write_full_gzip(FILE *out)
{
    static const uint8_t header[] = "\x1f\x8b\x08\x1e\1\2\3\4\2\3\4\0abcdname\0comment";
    uint16_t crc = (uint16_t)crc32_of(header, sizeof header);
    uint32_t tail[2] = {crc32_of((const uint8_t *)"hi", 2), 2};

    fwrite(header, 1, sizeof header, out);
    fwrite(&crc, 2, 1, out);
    fwrite("\x01\2\0\xfd\xffhi", 1, 7, out);
    fwrite(tail, sizeof tail, 1, out);
}

/* A member of fixed codes, as a compressor would write it: "hello hello" by zlib. */
static void write_fixed_gzip(FILE *out)
{
    static const uint8_t body[] = {0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0x48, 0x00, 0x91, 0x00};
    uint32_t tail[2] = {crc32_of((const uint8_t *)"hello hello hello", 11), 11};

    fwrite("\x1f\x8b\x08\0\0\0\0\0\0\xff", 1, 10, out);
    fwrite(body, 1, sizeof body - 1, out);
    fwrite(tail, sizeof tail, 1, out);
}

static void write_skippable(FILE *out)
{
    fwrite("\x5a\x2a\x4d\x18\5\0\0\0skip!", 1, 13, out);
}

size_t fuzz_seed(unsigned index, uint8_t *buf, size_t max)
{
    FILE *out = fmemopen(buf, max, "wb");
    long size;

    MUST(out);
    switch (index) {
    case 0: write_gzip(out, text, sizeof text); break;
    case 1:
        write_gzip(out, text, 20);
        write_gzip(out, text, 0);
        write_full_gzip(out);
        fwrite("\0\0\0\0\0\0\0\0", 1, 8, out);
        break;
    case 2: write_fixed_gzip(out); break;
    case 3: write_zstd(out, text, sizeof text); break;
    case 4:
        write_skippable(out);
        write_zstd(out, text, sizeof text);
        write_skippable(out);
        write_zstd(out, text, 0);
        break;
    case 5: fwrite(text, 1, sizeof text, out); break;
    case 6: /* a frame of one repeated byte, with a checksum: a compressed size far below the real
               one */
        fwrite("\x28\xb5\x2f\xfd\x04\x58\x12\0\0\0\1\0", 1, 12, out);
        break;
    default: fclose(out); return 0;
    }
    size = ftell(out);
    fclose(out);
    return (size_t)size;
}
