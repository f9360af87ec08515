/*
 * guest.h - what a test program needs. CHECK what must hold; ERR says that a call fails with an
 * errno. Programs may use the calls directly where libc is in the way.
 */
#ifndef ELFUSE_GUEST_H
#define ELFUSE_GUEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int guest_failed;

#define FAIL(...)                                                                                  \
    do {                                                                                           \
        guest_failed++;                                                                            \
        printf("%s:%d: ", strrchr("/" __FILE__, '/') + 1, __LINE__);                               \
        printf(__VA_ARGS__);                                                                       \
        printf("\n");                                                                              \
        fflush(stdout);                                                                            \
    } while (0)

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond))                                                                               \
            FAIL("not so: %s (errno %d)", #cond, errno);                                           \
    } while (0)

#define EQ(got, want)                                                                              \
    do {                                                                                           \
        long long got_ = (long long)(got), want_ = (long long)(want);                              \
        if (got_ != want_)                                                                         \
            FAIL("%s is %lld, want %lld (errno %d)", #got, got_, want_, errno);                    \
    } while (0)

/* The call returns -1 with this errno. */
#define ERR(call, want)                                                                            \
    do {                                                                                           \
        errno = 0;                                                                                 \
        long long got_ = (long long)(call);                                                        \
        if (got_ != -1 || errno != (want))                                                         \
            FAIL("%s is %lld, errno %d; want errno %d", #call, got_, errno, want);                 \
    } while (0)

/* The call succeeds. */
#define OK(call)                                                                                   \
    do {                                                                                           \
        if ((long long)(call) == -1)                                                               \
            FAIL("%s failed, errno %d", #call, errno);                                             \
    } while (0)

static inline int done_as(const char *file)
{
    const char *base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
    if (guest_failed)
        printf("%.*s: %d failed\n", (int)strcspn(base, "."), base, guest_failed);
    else
        printf("%.*s: ok\n", (int)strcspn(base, "."), base);
    return guest_failed ? 1 : 0;
}
#define done() done_as(__FILE__)

#endif
