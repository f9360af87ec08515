/* random.c - see random.h. */
#include <errno.h>
#include <stdint.h>
#include <sys/random.h>

#include "host/random.h"

int host_random(void *buf, size_t len)
{
    uint8_t *p = buf;
    while (len) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        p += n;
        len -= (size_t)n;
    }
    return 0;
}
