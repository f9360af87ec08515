/* clock.c - nanoseconds of libc's clock_gettime, which asks the vDSO: the loop that does all but
 * the call, and the call. The same source is built for arm64 and for the host. */
#include "bench.h"

int main(int argc, char **argv)
{
    long n = bench_size(argc, argv, 1000000), backwards = 0;
    struct timespec t = {0}, last = {0};
    double t0 = bench_now();
    for (long i = 0; i < n; i++) {
        __asm__ volatile("" : : "r"(&t) : "memory");
        backwards +=
            t.tv_sec < last.tv_sec || (t.tv_sec == last.tv_sec && t.tv_nsec < last.tv_nsec);
        last = t;
    }
    double t1 = bench_now();
    for (long i = 0; i < n; i++) {
        clock_gettime(CLOCK_MONOTONIC, &t);
        backwards +=
            t.tv_sec < last.tv_sec || (t.tv_sec == last.tv_sec && t.tv_nsec < last.tv_nsec);
        last = t;
    }
    double t2 = bench_now();
    if (backwards)
        return 1;
    printf("%.2f %.2f\n", (t1 - t0) / (double)n * 1e9, (t2 - t1) / (double)n * 1e9);
    return 0;
}
