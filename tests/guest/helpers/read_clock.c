/* Reads two clocks 10,000 times each, through libc, which finds the vDSO. */
#include <time.h>

int main(void)
{
    struct timespec t;
    for (int i = 0; i < 10000; i++) {
        if (clock_gettime(CLOCK_MONOTONIC, &t) || clock_gettime(CLOCK_REALTIME, &t))
            return 1;
    }
    return 0;
}
