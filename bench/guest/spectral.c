/* spectral.c - the spectral norm of an infinite matrix cut at SIZE rows: divisions and sums. */
#include <math.h>

#include "bench.h"

static double element(long i, long j)
{
    return 1.0 / (double)((i + j) * (i + j + 1) / 2 + i + 1);
}

static void times(long n, const double *v, double *out, int transposed)
{
    for (long i = 0; i < n; i++) {
        double sum = 0;
        for (long j = 0; j < n; j++)
            sum += (transposed ? element(j, i) : element(i, j)) * v[j];
        out[i] = sum;
    }
}

int main(int argc, char **argv)
{
    long n = bench_size(argc, argv, 550);
    double *u = malloc((size_t)n * sizeof(*u)), *v = malloc((size_t)n * sizeof(*v));
    double *t = malloc((size_t)n * sizeof(*t)), vbv = 0, vv = 0;
    if (!u || !v || !t)
        return 1;
    for (long i = 0; i < n; i++)
        u[i] = 1;
    double start = bench_now();
    for (int i = 0; i < 10; i++) {
        times(n, u, t, 0);
        times(n, t, v, 1);
        times(n, v, t, 0);
        times(n, t, u, 1);
    }
    for (long i = 0; i < n; i++) {
        vbv += u[i] * v[i];
        vv += v[i] * v[i];
    }
    return bench_done_float(sqrt(vbv / vv), start);
}
