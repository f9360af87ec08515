/*
 * bench.h - what a measured program needs: the clock, random numbers that are the same everywhere,
 * and the two lines it prints, "checksum TEXT" (the same on every machine) and "seconds TIME".
 */
#ifndef ELFUSE_BENCH_H
#define ELFUSE_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static inline double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* xorshift64*: state must not be 0. */
static inline uint64_t bench_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1du;
}

static inline long bench_size(int argc, char **argv, long otherwise)
{
    return argc > 1 ? atol(argv[1]) : otherwise;
}

/* FNV-1a, so that a result of many bytes is one number. */
static inline uint64_t bench_hash(const void *data, size_t n)
{
    const unsigned char *p = data;
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

static inline int bench_done(uint64_t checksum, double since)
{
    double seconds = bench_now() - since;
    printf("checksum %016llx\nseconds %.6f\n", (unsigned long long)checksum, seconds);
    return 0;
}

/* Seven digits: arm64 compilers fuse multiply and add, others need not. */
static inline int bench_done_float(double checksum, double since)
{
    double seconds = bench_now() - since;
    printf("checksum %.6e\nseconds %.6f\n", checksum, seconds);
    return 0;
}

#endif
