/* random.h - the host's random bytes. */
#ifndef ELFUSE_HOST_RANDOM_H
#define ELFUSE_HOST_RANDOM_H

#include <stddef.h>

/* Fill buf from the kernel's generator. 0 or -errno. */
int host_random(void *buf, size_t len);

#endif
