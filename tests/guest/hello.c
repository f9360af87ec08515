/* guest-test: reference=qemu */
/* The smallest program with a libc: formatted output, floating point, the heap. */
#include "guest.h"

int main(void)
{
    char text[64];
    snprintf(text, sizeof text, "%.3f %s %d", 1.0 / 3, "x", 42);
    CHECK(!strcmp(text, "0.333 x 42"));
    char *p = malloc(1 << 20);
    memset(p, 1, 1 << 20);
    free(p);
    return done();
}
