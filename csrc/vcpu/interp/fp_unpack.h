/*
 * fp_unpack.h - inside fp_core*.c: unpacked numbers, the one place that rounds, and NaN rules.
 */
#ifndef ELFUSE_INTERP_FP_UNPACK_H
#define ELFUSE_INTERP_FP_UNPACK_H

#include "vcpu/interp/fp_core.h"

typedef unsigned __int128 u128;

/* Ordered so that cls >= FPK_QNAN means "a NaN". */
enum fp_class { FPK_ZERO, FPK_NUM, FPK_INF, FPK_QNAN, FPK_SNAN };

/* FPK_NUM: the value is sig * 2^(exp-63) with sig's bit 63 set. */
struct fp_num {
    enum fp_class cls;
    unsigned sign;
    int exp;
    uint64_t sig;
};

struct fp_format {
    unsigned width, fbits;
    int bias, emax; /* emax: the all-ones exponent field */
};
extern const struct fp_format fp_formats[4];

static inline uint64_t fp_sign_bit(enum fp_fmt f)
{
    return 1ull << (fp_formats[f].width - 1);
}
static inline uint64_t fp_mask(enum fp_fmt f)
{
    return ~0ull >> (64 - fp_formats[f].width);
}
static inline uint64_t fp_zero_of(enum fp_fmt f, unsigned sign)
{
    return sign ? fp_sign_bit(f) : 0;
}
static inline uint64_t fp_inf_of(enum fp_fmt f, unsigned sign)
{
    return fp_zero_of(f, sign) | (uint64_t)fp_formats[f].emax << fp_formats[f].fbits;
}
static inline uint64_t fp_max_normal_of(enum fp_fmt f, unsigned sign)
{
    return fp_inf_of(f, sign) - 1;
}
static inline uint64_t fp_quiet_bit(enum fp_fmt f)
{
    return 1ull << (fp_formats[f].fbits - 1);
}
static inline uint64_t fp_default_nan(enum fp_fmt f)
{
    return fp_inf_of(f, 0) | fp_quiet_bit(f);
}
static inline void fp_raise(struct vcpu_regs *env, uint32_t flags)
{
    env->fpsr |= flags;
}
static inline enum fp_rounding fp_rmode(const struct vcpu_regs *env)
{
    return (enum fp_rounding)(env->fpcr >> 22 & 3);
}
/* FPDefaultNaN() with Invalid Operation raised. */
static inline uint64_t fp_invalid(struct vcpu_regs *env, enum fp_fmt f)
{
    fp_raise(env, FPSR_IOC);
    return fp_default_nan(f);
}
static inline bool fp_is_nan(const struct fp_num *n)
{
    return n->cls >= FPK_QNAN;
}

/* cv: FPUnpackCV/FPRoundCV, the conversions between formats, where AHP counts and FZ16 does not. */
struct fp_num fp_unpack_base(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, bool cv);
static inline struct fp_num fp_unpack(struct vcpu_regs *env, enum fp_fmt f, uint64_t a)
{
    return fp_unpack_base(env, f, a, false);
}
/* sig: bit 63 set, bit 0 stands for any lower bits lost. */
uint64_t fp_round_base(struct vcpu_regs *env, enum fp_fmt f, unsigned sign, int exp, uint64_t sig,
                       enum fp_rounding rounding, bool cv);
uint64_t fp_process_nan(struct vcpu_regs *env, enum fp_fmt f, enum fp_class cls, uint64_t a);

/* How the part of a value below one compares with a half. */
enum fp_part { FPP_NONE, FPP_BELOW, FPP_HALF, FPP_ABOVE };
/* |n| as integer and remainder; n is FPK_NUM with exp <= 63. */
uint64_t fp_split(const struct fp_num *n, enum fp_part *part);
bool fp_round_up(enum fp_rounding rounding, unsigned sign, uint64_t integer, enum fp_part part);

#endif
