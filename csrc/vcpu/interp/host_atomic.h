/*
 * host_atomic.h - the 128-bit compare-and-swap, which compilers leave to a library that may take a
 * lock.
 */
#ifndef ELFUSE_INTERP_HOST_ATOMIC_H
#define ELFUSE_INTERP_HOST_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Compare the 16 bytes at p (16-byte aligned) with expected and store desired there if they are
 * equal; expected gets what was found. Sequentially consistent. Faults as a write in either case.
 */
static inline bool host_cas128(void *p, uint64_t expected[2], const uint64_t desired[2])
{
#if defined(__x86_64__)
    /* In every x86-64 CPU since 2006, and in x86-64-v2; not in the compiler's baseline. */
    bool done;
    struct bytes16 {
        char b[16];
    };
    __asm__ __volatile__("lock cmpxchg16b %1"
                         : "=@ccz"(done), "+m"(*(struct bytes16 *)p), "+a"(expected[0]),
                           "+d"(expected[1])
                         : "b"(desired[0]), "c"(desired[1])
                         : "memory");
    return done;
#elif defined(__aarch64__)
    uint64_t low, high, same;
    uint32_t failed;
    do {
        __asm__ __volatile__("ldaxp %0, %1, %2"
                             : "=&r"(low), "=&r"(high)
                             : "Q"(*(char *)p)
                             : "memory");
        same = low == expected[0] && high == expected[1];
        __asm__ __volatile__("stlxp %w0, %2, %3, %1"
                             : "=&r"(failed), "=Q"(*(char *)p)
                             : "r"(same ? desired[0] : low), "r"(same ? desired[1] : high)
                             : "memory");
    } while (failed);
    expected[0] = low;
    expected[1] = high;
    return same;
#else
#error "no 128-bit compare-and-swap for this host"
#endif
}

#endif
