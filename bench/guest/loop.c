/* loop.c - a loop of simple integer instructions: prints how many and the seconds they took. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PER_TURN 10

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    uint64_t turns = argc > 1 ? strtoull(argv[1], NULL, 0) : 20000000;
    uint64_t n = turns, a = 1, b = 2, c = 3;
    double start = now();
    __asm__ volatile("1: add %1, %1, %2\n"
                     "eor %2, %2, %3\n"
                     "lsl %3, %1, #3\n"
                     "sub %1, %1, #7\n"
                     "orr %2, %2, #1\n"
                     "and %3, %3, %1\n"
                     "add %1, %1, %2, lsl #2\n"
                     "ubfx %3, %2, #4, #20\n"
                     "subs %0, %0, #1\n"
                     "b.ne 1b\n"
                     : "+r"(n), "+r"(a), "+r"(b), "+r"(c)::"cc");
    double seconds = now() - start;
    if ((a ^ b ^ c) == 0)
        return 1;
    printf("%llu %.6f\n", (unsigned long long)turns * PER_TURN, seconds);
    return 0;
}
