/* sieve.c - the sieve of Eratosthenes over odd numbers: SIZE rounds over a table that fits in the
 * first caches, and one over 4 MiB. */
#include "bench.h"

static unsigned long sieve(unsigned char *composite, unsigned long n)
{
    unsigned long count = 1;
    memset(composite, 0, n / 2);
    for (unsigned long i = 3; i < n; i += 2) {
        if (composite[i / 2])
            continue;
        count++;
        for (unsigned long k = i * i; k < n; k += 2 * i)
            composite[k / 2] = 1;
    }
    return count;
}

int main(int argc, char **argv)
{
    long rounds = bench_size(argc, argv, 250);
    unsigned long large = 1ul << 23, sum = 0;
    unsigned char *table = malloc(large / 2);
    if (!table)
        return 1;
    double start = bench_now();
    for (long i = 0; i < rounds; i++)
        sum += sieve(table, 200000 + (unsigned long)i);
    sum = sum * 31 + sieve(table, large);
    return bench_done(sum, start);
}
