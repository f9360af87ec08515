/* sort.c - libc's qsort, which calls the comparison through a pointer: SIZE thousand records. */
#include "bench.h"

struct record {
    uint32_t key;
    uint32_t order;
};

static int by_key(const void *a, const void *b)
{
    uint32_t x = ((const struct record *)a)->key, y = ((const struct record *)b)->key;
    return x < y ? -1 : x > y;
}

static int by_order(const void *a, const void *b)
{
    uint32_t x = ((const struct record *)a)->order, y = ((const struct record *)b)->order;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    size_t n = (size_t)bench_size(argc, argv, 400) * 1000;
    struct record *records = malloc(n * sizeof(*records));
    uint64_t state = 7, sum = 0;
    if (!records)
        return 1;
    for (size_t i = 0; i < n; i++)
        records[i] = (struct record){(uint32_t)(bench_random(&state) >> 32), (uint32_t)i};
    double start = bench_now();
    qsort(records, n, sizeof(*records), by_key);
    for (size_t i = 0; i < n; i += 997)
        sum = sum * 31 + records[i].key;
    qsort(records, n, sizeof(*records), by_order);
    for (size_t i = 0; i < n; i += 997)
        sum = sum * 31 + records[i].key;
    return bench_done(sum, start);
}
