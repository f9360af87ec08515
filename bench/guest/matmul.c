/* matmul.c - a product of two dense matrices of doubles of SIZE rows. */
#include "bench.h"

static void multiply(double *restrict c, const double *a, const double *b, long n)
{
    memset(c, 0, (size_t)(n * n) * sizeof(*c));
    for (long i = 0; i < n; i++)
        for (long k = 0; k < n; k++)
            for (long j = 0; j < n; j++)
                c[i * n + j] += a[i * n + k] * b[k * n + j];
}

int main(int argc, char **argv)
{
    long n = bench_size(argc, argv, 340);
    size_t size = (size_t)(n * n) * sizeof(double);
    double *a = malloc(size), *b = malloc(size), *c = malloc(size), sum = 0;
    if (!a || !b || !c)
        return 1;
    for (long i = 0; i < n * n; i++) {
        a[i] = (double)(i % 17) / 16 + 0.1;
        b[i] = (double)(i % 13) / 12 + 0.1;
    }
    double start = bench_now();
    multiply(c, a, b, n);
    for (long i = 0; i < n * n; i += 7)
        sum += c[i];
    return bench_done_float(sum, start);
}
