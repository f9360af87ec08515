/* lz.c - a compressor of the LZ4 kind (hash table, greedy matches) and its inverse, SIZE times over
 * one MiB of made-up text; what comes out must be what went in. */
#include "bench.h"

#define TEXT  (1u << 20)
#define SLOTS (1u << 14)

static unsigned char text[TEXT + 8], packed[2 * TEXT], back[TEXT + 8];
static uint32_t table[SLOTS];

static void make_text(void)
{
    uint64_t state = 42;
    char words[256][12];
    for (int i = 0; i < 256; i++) {
        unsigned n = 2 + bench_random(&state) % 9;
        for (unsigned j = 0; j < n; j++)
            words[i][j] = (char)('a' + bench_random(&state) % 26);
        words[i][n] = 0;
    }
    for (unsigned at = 0; at < TEXT;) {
        unsigned pick = (unsigned)(bench_random(&state) >> 40);
        const char *word = words[(pick & 255) * (pick >> 8 & 255) >> 8];
        for (; *word && at < TEXT; word++)
            text[at++] = (unsigned char)*word;
        if (at < TEXT)
            text[at++] = ' ';
    }
}

static inline uint32_t load32(const unsigned char *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

static unsigned char *put_length(unsigned char *out, unsigned n)
{
    for (; n >= 255; n -= 255)
        *out++ = 255;
    *out++ = (unsigned char)n;
    return out;
}

/* A sequence: length of literals, the literals, length of the match (0: the end), its distance. */
static size_t compress(void)
{
    unsigned char *out = packed;
    unsigned start = 0, at = 0;
    memset(table, 0, sizeof(table));
    while (at + 8 < TEXT) {
        uint32_t slot = load32(text + at) * 2654435761u >> 18;
        unsigned match = table[slot];
        table[slot] = at;
        if (match >= at || at - match > 65535 || load32(text + match) != load32(text + at)) {
            at += 1 + ((at - start) >> 6);
            continue;
        }
        unsigned n = 4;
        while (at + n < TEXT && text[match + n] == text[at + n])
            n++;
        out = put_length(out, at - start);
        memcpy(out, text + start, at - start);
        out = put_length(out + (at - start), n);
        *out++ = (unsigned char)(at - match);
        *out++ = (unsigned char)((at - match) >> 8);
        at += n;
        start = at;
    }
    out = put_length(out, TEXT - start);
    memcpy(out, text + start, TEXT - start);
    out = put_length(out + (TEXT - start), 0);
    return (size_t)(out - packed);
}

static const unsigned char *get_length(const unsigned char *in, unsigned *n)
{
    *n = 0;
    while (*in == 255)
        *n += *in++;
    *n += *in++;
    return in;
}

static unsigned decompress(void)
{
    const unsigned char *in = packed;
    unsigned at = 0, n;
    for (;;) {
        in = get_length(in, &n);
        memcpy(back + at, in, n);
        at += n;
        in = get_length(in + n, &n);
        if (n == 0)
            return at;
        unsigned distance = in[0] | (unsigned)in[1] << 8;
        in += 2;
        for (unsigned i = 0; i < n; i++, at++)
            back[at] = back[at - distance];
    }
}

int main(int argc, char **argv)
{
    long rounds = bench_size(argc, argv, 12);
    uint64_t sum = 0;
    make_text();
    double start = bench_now();
    for (long i = 0; i < rounds; i++) {
        text[i] ^= 1;
        size_t size = compress();
        if (decompress() != TEXT || memcmp(text, back, TEXT) != 0)
            return 1;
        sum = sum * 31 + size;
    }
    return bench_done(sum ^ bench_hash(packed, 4096), start);
}
