/* fib.c - calls and returns: Fibonacci numbers by recursion, fib(SIZE). */
#include "bench.h"

/* A compiler that unrolls the recursion would leave few calls. */
__attribute__((noinline, optimize("no-optimize-sibling-calls", "no-inline"))) static uint64_t
fib(unsigned n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

int main(int argc, char **argv)
{
    long n = bench_size(argc, argv, 35);
    double start = bench_now();
    return bench_done(fib((unsigned)n), start);
}
