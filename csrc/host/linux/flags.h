/* flags.h - open flags between arm64's numbers and the host's. */
#ifndef ELFUSE_HOST_LINUX_FLAGS_H
#define ELFUSE_HOST_LINUX_FLAGS_H

#include <fcntl.h>

#include "linux/abi/fs.h"

/* glibc defines O_LARGEFILE as 0 on 64-bit hosts; this is the kernel's bit, visible in F_GETFL. */
#if defined(__x86_64__)
#define HOST_O_LARGEFILE 0100000
#else
#define HOST_O_LARGEFILE 0400000
#endif

#define FLAG_PAIRS(X)                                                                              \
    X(LINUX_O_DIRECTORY, O_DIRECTORY)                                                              \
    X(LINUX_O_NOFOLLOW, O_NOFOLLOW)                                                                \
    X(LINUX_O_DIRECT, O_DIRECT) X(LINUX_O_LARGEFILE, HOST_O_LARGEFILE)

#define FLAG_MOVED_LINUX (LINUX_O_DIRECTORY | LINUX_O_NOFOLLOW | LINUX_O_DIRECT | LINUX_O_LARGEFILE)

static inline int flags_to_host(int flags)
{
    int host =
        flags & ~FLAG_MOVED_LINUX; /* all others are asm-generic on every architecture we run on */
#define X(l, h)                                                                                    \
    if (flags & (l))                                                                               \
        host |= (h);
    FLAG_PAIRS(X)
#undef X
    return host;
}

static inline int flags_from_host(int host)
{
    int flags = host & ~(O_DIRECTORY | O_NOFOLLOW | O_DIRECT | HOST_O_LARGEFILE);
#define X(l, h)                                                                                    \
    if (host & (h))                                                                                \
        flags |= (l);
    FLAG_PAIRS(X)
#undef X
    return flags;
}

#endif
