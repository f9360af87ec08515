/* fft.c - complex Fourier transforms, radix 2, of 16,384 points, forth and back, SIZE times. */
#include <math.h>

#include "bench.h"

#define BITS   14
#define POINTS (1u << BITS)

static double re[POINTS], im[POINTS], cosine[POINTS / 2], sine[POINTS / 2];

static void swap(double *a, double *b)
{
    double t = *a;
    *a = *b;
    *b = t;
}

static void transform(double direction)
{
    for (unsigned i = 0, j = 0; i < POINTS; i++) {
        if (i < j) {
            swap(&re[i], &re[j]);
            swap(&im[i], &im[j]);
        }
        unsigned bit = POINTS >> 1;
        for (; bit && j & bit; bit >>= 1)
            j ^= bit;
        j |= bit;
    }
    for (unsigned half = 1; half < POINTS; half *= 2) {
        for (unsigned from = 0; from < POINTS; from += 2 * half) {
            for (unsigned k = 0; k < half; k++) {
                unsigned w = k * (POINTS / 2 / half), a = from + k, b = a + half;
                double x = re[b] * cosine[w] - im[b] * sine[w] * direction;
                double y = re[b] * sine[w] * direction + im[b] * cosine[w];
                re[b] = re[a] - x;
                im[b] = im[a] - y;
                re[a] += x;
                im[a] += y;
            }
        }
    }
}

int main(int argc, char **argv)
{
    long rounds = bench_size(argc, argv, 25);
    double sum = 0;
    for (unsigned i = 0; i < POINTS / 2; i++) {
        cosine[i] = cos(2 * 3.141592653589793 * i / POINTS);
        sine[i] = sin(2 * 3.141592653589793 * i / POINTS);
    }
    for (unsigned i = 0; i < POINTS; i++)
        re[i] = sin(i * 0.01) + 0.5 * sin(i * 0.37);
    double start = bench_now();
    for (long round = 0; round < rounds; round++) {
        transform(-1);
        for (unsigned i = 0; i < POINTS; i++)
            sum += fabs(re[i]) + fabs(im[i]);
        transform(1);
        for (unsigned i = 0; i < POINTS; i++) {
            re[i] /= POINTS;
            im[i] /= POINTS;
        }
    }
    return bench_done_float(sum, start);
}
