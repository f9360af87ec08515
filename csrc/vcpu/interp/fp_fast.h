/*
 * fp_fast.h - single and double arithmetic on the host's unit where that is provably what fp_core.h
 * gives.
 *
 * The host rounds to nearest and never flushes, so nothing is tried unless FPCR.RMode asks for the
 * same, and under FPCR.FZ only with operands that are no denormals. Then the result alone tells
 * whether the host's is the architecture's. If it is a normal number above the smallest one, every
 * operand was finite (a NaN or an infinity would have come through), there was no overflow, no
 * underflow and no question of tininess, and no NaN rule applied. Each operation says when a zero
 * is as good. What is left of FPSR is Inexact. It is cumulative: when it is set already there is
 * nothing to do; otherwise the host's own sticky flag clear proves the result exact, and set means
 * that the operation is done again in integers.
 *
 * fp_NAME_try_s/_d return false when they cannot tell, with nothing changed in env; fp_NAME_s/_d
 * always answer. Contract: MXCSR has its default rounding and no FTZ/DAZ, as vcpu_run() leaves it.
 */
#ifndef ELFUSE_INTERP_FP_FAST_H
#define ELFUSE_INTERP_FP_FAST_H

#include <float.h>
#include <string.h>

#include "vcpu/interp/fp_core.h"

_Static_assert(FLT_EVAL_METHOD == 0, "the host must round each operation to its own format");

#define FP_INLINE    static inline __attribute__((always_inline))
#define FP_LIKELY(x) __builtin_expect(!!(x), 1)

FP_INLINE float fp_float(uint32_t a)
{
    float r;
    memcpy(&r, &a, sizeof r);
    return r;
}
FP_INLINE double fp_double(uint64_t a)
{
    double r;
    memcpy(&r, &a, sizeof r);
    return r;
}
FP_INLINE uint32_t fp_bits_s(float a)
{
    uint32_t r;
    memcpy(&r, &a, sizeof r);
    return r;
}
FP_INLINE uint64_t fp_bits_d(double a)
{
    uint64_t r;
    memcpy(&r, &a, sizeof r);
    return r;
}

/* Zero or normal; normal and above the smallest. The sign is shifted out. */
FP_INLINE bool fp_zn_s(uint32_t a)
{
    uint32_t t = a << 1;
    return t - (1u << 24) < 254u << 24 || t == 0;
}
FP_INLINE bool fp_zn_d(uint64_t a)
{
    uint64_t t = a << 1;
    return t - (1ull << 53) < 2046ull << 53 || t == 0;
}
FP_INLINE bool fp_normal_s(uint32_t a)
{
    return (a << 1) - (1u << 24) - 1 < (254u << 24) - 1;
}
FP_INLINE bool fp_normal_d(uint64_t a)
{
    return (a << 1) - (1ull << 53) - 1 < (2046ull << 53) - 1;
}
FP_INLINE bool fp_is_zero_s(uint32_t a)
{
    return a << 1 == 0;
}
FP_INLINE bool fp_is_zero_d(uint64_t a)
{
    return a << 1 == 0;
}

/* The host's own mode; or flushing as well, where `plain` says that no operand is a denormal. */
FP_INLINE bool fp_host_mode(const struct vcpu_regs *env)
{
    return (env->fpcr & (FPCR_RMODE | FPCR_FZ)) == 0;
}
#define FP_MODE_FITS(env, plain)                                                                   \
    (FP_LIKELY(fp_host_mode(env)) || (((env)->fpcr & FPCR_RMODE) == 0 && (plain)))
#define FP_FLUSH_FITS(env, plain) (FP_LIKELY(!((env)->fpcr & FPCR_FZ)) || (plain))

/* The host's sticky Inexact flag; hosts where it cannot be read cheaply say "maybe". */
#if defined(__x86_64__)
FP_INLINE bool fp_host_inexact(void)
{
    uint32_t csr;
    __asm__ volatile("stmxcsr %0" : "=m"(csr));
    return csr & 0x20;
}
FP_INLINE void fp_host_clear_inexact(void)
{
    uint32_t csr;
    __asm__ volatile("stmxcsr %0" : "=m"(csr));
    csr &= ~0x20u;
    __asm__ volatile("ldmxcsr %0" : : "m"(csr));
}
/* Have v computed by here, before the flag is read. */
#define FP_COMPUTED(v) __asm__ volatile("" : : "x"(v))
#else
FP_INLINE bool fp_host_inexact(void)
{
    return true;
}
FP_INLINE void fp_host_clear_inexact(void) {}
#define FP_COMPUTED(v) ((void)(v))
#endif

/* Whether FPSR is right after a host operation with result v. If not, use fp_core.h. */
#define FP_FLAGS_SETTLED(env, v)                                                                   \
    (__builtin_expect(((env)->fpsr & FPSR_IXC) != 0, 1) || ({                                      \
         FP_COMPUTED(v);                                                                           \
         bool inexact_ = fp_host_inexact();                                                        \
         if (inexact_)                                                                             \
             fp_host_clear_inexact();                                                              \
         !inexact_;                                                                                \
     }))

#if defined(__x86_64__)
FP_INLINE float fp_host_sqrt_s(float a)
{
    __asm__("sqrtss %0, %0" : "+x"(a));
    return a;
}
FP_INLINE double fp_host_sqrt_d(double a)
{
    __asm__("sqrtsd %0, %0" : "+x"(a));
    return a;
}
FP_INLINE bool fp_host_has_fma(void)
{
    return __builtin_cpu_supports("fma");
}
FP_INLINE float fp_host_fma_s(float acc, float a, float b)
{
    __asm__("vfmadd231ss %2, %1, %0" : "+x"(acc) : "x"(a), "x"(b));
    return acc;
}
FP_INLINE double fp_host_fma_d(double acc, double a, double b)
{
    __asm__("vfmadd231sd %2, %1, %0" : "+x"(acc) : "x"(a), "x"(b));
    return acc;
}
#else
FP_INLINE float fp_host_sqrt_s(float a)
{
    return __builtin_sqrtf(a);
}
FP_INLINE double fp_host_sqrt_d(double a)
{
    return __builtin_sqrt(a);
}
#if defined(__aarch64__)
FP_INLINE bool fp_host_has_fma(void)
{
    return true;
}
#else
FP_INLINE bool fp_host_has_fma(void)
{
    return false;
}
#endif
FP_INLINE float fp_host_fma_s(float acc, float a, float b)
{
    return __builtin_fmaf(a, b, acc);
}
FP_INLINE double fp_host_fma_d(double acc, double a, double b)
{
    return __builtin_fma(a, b, acc);
}
#endif

/*
 * One definition for both formats: T bits, V host type, X suffix, F format. OK is about r, the
 * result's bits.
 */
#define FP_TRY2(name, T, V, X, F, value, expr, OK)                                                 \
    FP_INLINE bool fp_##name##_try_##X(const struct vcpu_regs *env, T a, T b, T *result)           \
    {                                                                                              \
        V v = expr;                                                                                \
        T r = *result = fp_bits_##X(v);                                                            \
        return FP_MODE_FITS(env, fp_zn_##X(a) && fp_zn_##X(b)) && FP_LIKELY(OK) &&                 \
               FP_FLAGS_SETTLED(env, v);                                                           \
    }                                                                                              \
    FP_INLINE T fp_##name##_##X(struct vcpu_regs *env, T a, T b)                                   \
    {                                                                                              \
        T r;                                                                                       \
        return fp_##name##_try_##X(env, a, b, &r) ? r : (T)fp_##name(env, F, a, b);                \
    }
/* Ordered operands that are not equal; nothing rounds, so no mode matters. */
#define FP_TRY_SELECT(name, T, V, X, F, value, relation)                                           \
    FP_INLINE bool fp_##name##_try_##X(const struct vcpu_regs *env, T a, T b, T *result)           \
    {                                                                                              \
        V x = value(a), y = value(b);                                                              \
        *result = x relation y ? a : b;                                                            \
        return FP_FLUSH_FITS(env, fp_zn_##X(a) && fp_zn_##X(b)) && (x < y || x > y);               \
    }                                                                                              \
    FP_INLINE T fp_##name##_##X(struct vcpu_regs *env, T a, T b)                                   \
    {                                                                                              \
        T r;                                                                                       \
        return fp_##name##_try_##X(env, a, b, &r) ? r : (T)fp_##name(env, F, a, b);                \
    }
#define FP_TRY_RELATION(name, T, V, X, F, value, relation)                                         \
    FP_INLINE bool fp_##name##_##X(struct vcpu_regs *env, T a, T b)                                \
    {                                                                                              \
        V x = value(a), y = value(b);                                                              \
        if (FP_FLUSH_FITS(env, fp_zn_##X(a) && fp_zn_##X(b)) &&                                    \
            FP_LIKELY(!__builtin_isunordered(x, y)))                                               \
            return x relation y;                                                                   \
        return fp_##name(env, F, a, b);                                                            \
    }

#define FP_FAST_ARITHMETIC(T, V, X, F, value)                                                      \
    /* A sum in the range of denormals is exact, so zero and the smallest normal are good. */      \
    FP_TRY2(add, T, V, X, F, value, value(a) + value(b), fp_zn_##X(r))                             \
    FP_TRY2(sub, T, V, X, F, value, value(a) - value(b), fp_zn_##X(r))                             \
    /* A zero product comes from a zero or from underflow; a zero quotient here from a zero        \
     * dividend. */                                                                                \
    FP_TRY2(mul, T, V, X, F, value, value(a) * value(b),                                           \
            fp_normal_##X(r) || (fp_is_zero_##X(r) && (fp_is_zero_##X(a) || fp_is_zero_##X(b))))   \
    FP_TRY2(div, T, V, X, F, value, value(a) / value(b),                                           \
            fp_normal_##X(r) || (fp_is_zero_##X(r) && fp_is_zero_##X(a)))                          \
    FP_TRY_SELECT(max, T, V, X, F, value, >)                                                       \
    FP_TRY_SELECT(min, T, V, X, F, value, <)                                                       \
    FP_TRY_SELECT(maxnm, T, V, X, F, value, >)                                                     \
    FP_TRY_SELECT(minnm, T, V, X, F, value, <)                                                     \
    FP_TRY_RELATION(eq, T, V, X, F, value, ==)                                                     \
    FP_TRY_RELATION(ge, T, V, X, F, value, >=)                                                     \
    FP_TRY_RELATION(gt, T, V, X, F, value, >)                                                      \
    FP_INLINE bool fp_sqrt_try_##X(const struct vcpu_regs *env, T a, T *result)                    \
    {                                                                                              \
        V v = fp_host_sqrt_##X(value(a));                                                          \
        T r = *result = fp_bits_##X(v);                                                            \
        return FP_MODE_FITS(env, fp_zn_##X(a)) && FP_LIKELY(fp_zn_##X(r)) &&                       \
               FP_FLAGS_SETTLED(env, v);                                                           \
    }                                                                                              \
    FP_INLINE T fp_sqrt_##X(struct vcpu_regs *env, T a)                                            \
    {                                                                                              \
        T r;                                                                                       \
        return fp_sqrt_try_##X(env, a, &r) ? r : (T)fp_sqrt(env, F, a);                            \
    }                                                                                              \
    FP_INLINE bool fp_muladd_try_##X(const struct vcpu_regs *env, T acc, T a, T b, T *result)      \
    {                                                                                              \
        if (!FP_LIKELY(fp_host_has_fma()))                                                         \
            return false;                                                                          \
        V v = fp_host_fma_##X(value(acc), value(a), value(b));                                     \
        T r = *result = fp_bits_##X(v);                                                            \
        return FP_MODE_FITS(env, fp_zn_##X(acc) && fp_zn_##X(a) && fp_zn_##X(b)) &&                \
               FP_LIKELY(fp_normal_##X(r)) && FP_FLAGS_SETTLED(env, v);                            \
    }                                                                                              \
    FP_INLINE T fp_muladd_##X(struct vcpu_regs *env, T acc, T a, T b)                              \
    {                                                                                              \
        T r;                                                                                       \
        return fp_muladd_try_##X(env, acc, a, b, &r) ? r : (T)fp_muladd(env, F, acc, a, b);        \
    }                                                                                              \
    FP_INLINE uint32_t fp_compare_##X(struct vcpu_regs *env, T a, T b, bool signal)                \
    {                                                                                              \
        V x = value(a), y = value(b);                                                              \
        if (FP_FLUSH_FITS(env, fp_zn_##X(a) && fp_zn_##X(b)) &&                                    \
            FP_LIKELY(!__builtin_isunordered(x, y)))                                               \
            return x < y ? 0x80000000u : x == y ? 0x60000000u : 0x20000000u;                       \
        return fp_compare(env, F, a, b, signal);                                                   \
    }                                                                                              \
    /* A signed integer of 64 bits to this format. */                                              \
    FP_INLINE T fp_from_int_##X(struct vcpu_regs *env, int64_t i)                                  \
    {                                                                                              \
        V v = (V)i;                                                                                \
        if (FP_MODE_FITS(env, true) && FP_FLAGS_SETTLED(env, v))                                   \
            return fp_bits_##X(v);                                                                 \
        return (T)fp_from_fixed(env, F, (uint64_t)i, 0, false);                                    \
    }                                                                                              \
    /* Truncate to an integer of width 32 or 64; the limits keep the host's conversion defined. */ \
    FP_INLINE uint64_t fp_trunc_##X(struct vcpu_regs *env, T a, unsigned width, bool is_unsigned)  \
    {                                                                                              \
        V v = value(a);                                                                            \
        const V high = width == 64 ? 0x1p63 : is_unsigned ? 0x1p32 : 0x1p31;                       \
        if (FP_FLUSH_FITS(env, fp_zn_##X(a)) &&                                                    \
            FP_LIKELY(v < high && v > (is_unsigned ? (V)-1 : -high))) {                            \
            int64_t i = (int64_t)v;                                                                \
            if ((V)i != v)                                                                         \
                env->fpsr |= FPSR_IXC;                                                             \
            return width == 64 ? (uint64_t)i : (uint32_t)i;                                        \
        }                                                                                          \
        return fp_to_fixed(env, F, a, width, 0, is_unsigned, FPR_ZERO);                            \
    }

FP_FAST_ARITHMETIC(uint32_t, float, s, FP_S, fp_float)
FP_FAST_ARITHMETIC(uint64_t, double, d, FP_D, fp_double)

FP_INLINE uint64_t fp_convert_sd(struct vcpu_regs *env, uint32_t a)
{
    float v = fp_float(a);
    if (FP_FLUSH_FITS(env, fp_zn_s(a)) && v == v)
        return fp_bits_d((double)v);
    return fp_convert(env, FP_S, FP_D, a, FPR_FPCR);
}
FP_INLINE uint32_t fp_convert_ds(struct vcpu_regs *env, uint64_t a)
{
    float v = (float)fp_double(a);
    uint32_t r = fp_bits_s(v);
    if (FP_MODE_FITS(env, fp_zn_d(a)) && (fp_normal_s(r) || fp_is_zero_d(a)) &&
        FP_FLAGS_SETTLED(env, v))
        return r;
    return (uint32_t)fp_convert(env, FP_D, FP_S, a, FPR_FPCR);
}

#endif
