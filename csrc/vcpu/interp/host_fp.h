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

static inline struct host_fp host_fp_enter(void)
{
    struct host_fp saved = {0, 0};
#if defined(__x86_64__)
    uint32_t csr, plain = 0x1f80;
    __asm__ __volatile__("stmxcsr %0\n\tldmxcsr %1" : "=m"(csr) : "m"(plain));
    saved.control = csr;
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
    uint32_t csr = (uint32_t)saved.control;
    __asm__ __volatile__("ldmxcsr %0" : : "m"(csr));
#elif defined(__aarch64__)
    __asm__ __volatile__("msr fpcr, %0\n\tmsr fpsr, %1" : : "r"(saved.control), "r"(saved.status));
#endif
}

#endif
