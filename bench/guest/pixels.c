/* pixels.c - loops over 8-bit pixels that the compiler turns into vector code: blending, grey, a
 * blur, a difference and a brightening that saturates. SIZE pictures of 256 x 256. */
#include "bench.h"

#define SIDE   256
#define PIXELS (SIDE * SIDE)

static uint8_t from[PIXELS * 4], over[PIXELS * 4], out[PIXELS * 4], grey[PIXELS], soft[PIXELS];

static __attribute__((noinline)) void blend(uint8_t *restrict to, const uint8_t *restrict a,
                                            const uint8_t *restrict b, unsigned alpha)
{
    for (int i = 0; i < PIXELS * 4; i++)
        to[i] = (uint8_t)((a[i] * alpha + b[i] * (256 - alpha) + 128) >> 8);
}

static __attribute__((noinline)) void to_grey(uint8_t *restrict to, const uint8_t *restrict rgba)
{
    for (int i = 0; i < PIXELS; i++)
        to[i] = (uint8_t)((rgba[4 * i] * 77 + rgba[4 * i + 1] * 150 + rgba[4 * i + 2] * 29) >> 8);
}

static __attribute__((noinline)) void blur(uint8_t *restrict to, const uint8_t *restrict a)
{
    for (int y = 1; y < SIDE - 1; y++)
        for (int x = 1; x < SIDE - 1; x++) {
            const uint8_t *p = a + y * SIDE + x;
            unsigned sum = p[-SIDE - 1] + 2u * p[-SIDE] + p[-SIDE + 1] + 2u * p[-1] + 4u * p[0] +
                           2u * p[1] + p[SIDE - 1] + 2u * p[SIDE] + p[SIDE + 1];
            to[y * SIDE + x] = (uint8_t)((sum + 8) >> 4);
        }
}

static __attribute__((noinline)) uint32_t difference(const uint8_t *a, const uint8_t *b)
{
    uint32_t sum = 0;
    for (int i = 0; i < PIXELS; i++)
        sum += (uint32_t)abs(a[i] - b[i]);
    return sum;
}

static __attribute__((noinline)) void brighten(uint8_t *a, int by)
{
    for (int i = 0; i < PIXELS; i++) {
        int v = a[i] + by;
        a[i] = (uint8_t)(v > 255 ? 255 : v);
    }
}

int main(int argc, char **argv)
{
    long rounds = bench_size(argc, argv, 250);
    uint64_t state = 3, sum = 0;
    for (int i = 0; i < PIXELS * 4; i++) {
        from[i] = (uint8_t)bench_random(&state);
        over[i] = (uint8_t)(i >> 6);
    }
    double start = bench_now();
    for (long round = 0; round < rounds; round++) {
        blend(out, from, over, (unsigned)round & 255);
        to_grey(grey, out);
        blur(soft, grey);
        sum = sum * 31 + difference(grey, soft);
        brighten(soft, (int)round & 63);
        sum += soft[(unsigned)(round * 997) % PIXELS];
    }
    return bench_done(sum ^ bench_hash(soft, PIXELS), start);
}
