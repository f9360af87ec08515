/*
 * scan.c - searching bytes 16 at a time as memchr and UTF-8 counters do, and libc's own memchr,
 * strlen and memcmp: SIZE passes over 64 KiB. On arm64 with NEON, elsewhere in plain C.
 */
#include "bench.h"

#ifdef __aarch64__
#include <arm_neon.h>

static __attribute__((noinline)) size_t find(const unsigned char *p, size_t n, unsigned char c)
{
    uint8x16_t wanted = vdupq_n_u8(c);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        uint8x16_t equal = vceqq_u8(vld1q_u8(p + i), wanted);
        /* Four bits of each byte, as there is no movemask. */
        uint64_t bits =
            vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(equal), 4)), 0);
        if (bits)
            return i + (size_t)__builtin_ctzll(bits) / 4;
    }
    for (; i < n && p[i] != c; i++)
        ;
    return i;
}

static __attribute__((noinline)) size_t count_starts(const unsigned char *p, size_t n)
{
    size_t count = 0, i = 0;
    int8x16_t limit = vdupq_n_s8(-64); /* continuation bytes are below it */
    while (i + 16 <= n) {
        uint8x16_t sum = vdupq_n_u8(0);
        for (int k = 0; k < 255 && i + 16 <= n; k++, i += 16)
            sum = vsubq_u8(sum, vcgeq_s8(vreinterpretq_s8_u8(vld1q_u8(p + i)), limit));
        count += vaddlvq_u8(sum);
    }
    for (; i < n; i++)
        count += (p[i] & 0xc0) != 0x80;
    return count;
}
#else
static __attribute__((noinline)) size_t find(const unsigned char *p, size_t n, unsigned char c)
{
    size_t i = 0;
    while (i < n && p[i] != c)
        i++;
    return i;
}

static __attribute__((noinline)) size_t count_starts(const unsigned char *p, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += (p[i] & 0xc0) != 0x80;
    return count;
}
#endif

#define TEXT 65536u
static unsigned char text[TEXT + 1], copy[TEXT + 1];

int main(int argc, char **argv)
{
    long rounds = bench_size(argc, argv, 3000);
    uint64_t state = 5, sum = 0;
    for (unsigned i = 0; i < TEXT; i++)
        text[i] = (unsigned char)(1 + bench_random(&state) % 200);
    for (unsigned i = 0; i < TEXT; i += 701)
        text[i] = 255;
    memcpy(copy, text, sizeof(text));
    double start = bench_now();
    for (long round = 0; round < rounds; round++) {
        for (size_t at = 0; at < TEXT; at++) {
            at += find(text + at, TEXT - at, 255);
            sum += at;
        }
        sum = sum * 31 + count_starts(text, TEXT);
        const unsigned char *found = memchr(text, 254, TEXT);
        sum += found ? 1 : strlen((const char *)text);
        sum += memcmp(text, copy, TEXT) == 0;
        text[round % TEXT] ^= 1;
        copy[round % TEXT] ^= 1;
    }
    return bench_done(sum, start);
}
