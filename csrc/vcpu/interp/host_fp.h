/*
 * host_fp.h - the host's floating-point control around guest code: the engine computes with
 * round-to-nearest, no flush to zero and all exceptions masked, and whoever called vcpu_run() gets
 * back what they had, flags included.
 */
#ifndef ELFUSE_INTERP_HOST_FP_H
#define ELFUSE_INTERP_HOST_FP_H

#include <stdint.h>

struct host_fp {
    uint64_t control, status;
};

#if defined(__x86_64__)
/* All exceptions masked, round to nearest, no flush to zero: what a thread starts with. */
#define HOST_FP_PLAIN 0x1f80u

static inline uint32_t host_fp_mxcsr(void)
{
    uint32_t csr;
    __asm__ __volatile__("stmxcsr %0" : "=m"(csr));
    return csr;
}

static inline void host_fp_set_mxcsr(uint32_t csr)
{
    __asm__ __volatile__("ldmxcsr %0" : : "m"(csr));
}
#endif

static inline struct host_fp host_fp_enter(void)
{
    struct host_fp saved = {0, 0};
#if defined(__x86_64__)
    /* Written only where it differs: ldmxcsr waits for everything before it. */
    saved.control = host_fp_mxcsr();
    if (saved.control != HOST_FP_PLAIN)
        host_fp_set_mxcsr(HOST_FP_PLAIN);
#elif defined(__aarch64__)
    __asm__ __volatile__("mrs %0, fpcr\n\tmrs %1, fpsr\n\tmsr fpcr, xzr"
                         : "=r"(saved.control), "=r"(saved.status));
#else
#error "host floating-point control is not known for this host"
#endif
    return saved;
}

static inline void host_fp_leave(struct host_fp saved)
{
#if defined(__x86_64__)
    if (host_fp_mxcsr() != saved.control)
        host_fp_set_mxcsr((uint32_t)saved.control);
#elif defined(__aarch64__)
    __asm__ __volatile__("msr fpcr, %0\n\tmsr fpsr, %1" : : "r"(saved.control), "r"(saved.status));
#endif
}

#endif
