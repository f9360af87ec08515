/*
 * fp_core_cvt.c - conversions, rounding to integers and the reciprocal estimates of fp_core.h.
 */
#include "vcpu/interp/fp_unpack.h"

static enum fp_rounding resolve(const struct vcpu_regs *env, enum fp_rounding rounding)
{
    return rounding == FPR_FPCR ? fp_rmode(env) : rounding;
}

/* An integer with its sign as a number of format f. Integers come from f itself, so they fit
 * exactly. */
static uint64_t pack_integer(struct vcpu_regs *env, enum fp_fmt f, unsigned sign, uint64_t v)
{
    if (v == 0)
        return fp_zero_of(f, sign);
    int lead = __builtin_clzll(v);
    return fp_round_base(env, f, sign, 63 - lead, v << lead, FPR_ZERO, false);
}

uint64_t fp_round_int(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, enum fp_rounding rounding,
                      bool exact)
{
    struct fp_num n = fp_unpack(env, f, a);

    if (fp_is_nan(&n))
        return fp_process_nan(env, f, n.cls, a);
    if (n.cls == FPK_ZERO)
        return fp_zero_of(f, n.sign);
    if (n.cls == FPK_INF || n.exp >= (int)fp_formats[f].fbits)
        return a & fp_mask(f);
    enum fp_part part;
    uint64_t v = fp_split(&n, &part);
    if (exact && part != FPP_NONE)
        fp_raise(env, FPSR_IXC);
    v += fp_round_up(resolve(env, rounding), n.sign, v, part);
    return pack_integer(env, f, n.sign, v);
}

uint64_t fp_round_int_n(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, enum fp_rounding rounding,
                        unsigned intsize)
{
    const struct fp_format *t = &fp_formats[f];
    const uint64_t limit = 1ull << (intsize - 1);
    struct fp_num n = fp_unpack(env, f, a);
    enum fp_part part = FPP_NONE;
    uint64_t v = 0;

    if (n.cls == FPK_ZERO)
        return fp_zero_of(f, n.sign);
    bool overflow = n.cls != FPK_NUM || n.exp > 63;
    if (!overflow) {
        v = fp_split(&n, &part);
        v += fp_round_up(resolve(env, rounding), n.sign, v, part);
        overflow = n.sign ? v > limit : v >= limit;
    }
    if (overflow) {
        fp_raise(env, FPSR_IOC);
        return fp_sign_bit(f) | (uint64_t)(t->bias - 1 + (int)intsize) << t->fbits;
    }
    if (part != FPP_NONE)
        fp_raise(env, FPSR_IXC);
    return pack_integer(env, f, n.sign, v);
}

uint64_t fp_to_fixed(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, unsigned width,
                     unsigned fbits, bool is_unsigned, enum fp_rounding rounding)
{
    struct fp_num n = fp_unpack(env, f, a);
    const uint64_t ones = ~0ull >> (64 - width);
    /* The largest magnitude of each sign. */
    const uint64_t limit = is_unsigned ? (n.sign ? 0 : ones) : (ones >> 1) + n.sign;
    enum fp_part part = FPP_NONE;
    uint64_t v = 0;

    if (fp_is_nan(&n)) {
        fp_raise(env, FPSR_IOC);
        return 0;
    }
    if (n.cls == FPK_ZERO)
        return 0;
    n.exp += (int)fbits;
    bool overflow = n.cls == FPK_INF || n.exp > 63;
    if (!overflow) {
        v = fp_split(&n, &part);
        v += fp_round_up(resolve(env, rounding), n.sign, v, part);
        overflow = v > limit;
    }
    if (overflow) {
        fp_raise(env, FPSR_IOC);
        v = limit;
    } else if (part != FPP_NONE) {
        fp_raise(env, FPSR_IXC);
    }
    return (n.sign ? -v : v) & ones;
}

uint64_t fp_from_fixed(struct vcpu_regs *env, enum fp_fmt f, uint64_t v, unsigned fbits,
                       bool is_unsigned)
{
    unsigned sign = !is_unsigned && v >> 63;

    if (v == 0)
        return 0;
    if (sign)
        v = -v;
    int lead = __builtin_clzll(v);
    return fp_round_base(env, f, sign, 63 - lead - (int)fbits, v << lead, fp_rmode(env), false);
}

uint32_t fp_to_js_int32(struct vcpu_regs *env, uint64_t a, bool *z)
{
    struct fp_num n = fp_unpack(env, FP_D, a);
    enum fp_part part = FPP_NONE;
    uint64_t v = 0; /* the integer part modulo 2^32 */
    bool overflow = n.cls != FPK_NUM && n.cls != FPK_ZERO;

    *z = false;
    if (n.cls == FPK_NUM && n.exp > 63) {
        overflow = true;
        v = n.exp - 63 < 32 ? n.sig << (n.exp - 63) : 0;
    } else if (n.cls == FPK_NUM) {
        v = fp_split(&n, &part);
        overflow = v > 0x7fffffffull + n.sign;
    }
    if (overflow)
        fp_raise(env, FPSR_IOC);
    else if (part != FPP_NONE)
        fp_raise(env, FPSR_IXC);
    else
        *z = n.cls == FPK_NUM || a == 0; /* -0 and flushed denormals do not compare equal */
    return (uint32_t)(n.sign ? -v : v);
}

uint64_t fp_convert(struct vcpu_regs *env, enum fp_fmt from, enum fp_fmt to, uint64_t a,
                    enum fp_rounding rounding)
{
    const struct fp_format *s = &fp_formats[from], *t = &fp_formats[to];
    struct fp_num n = fp_unpack_base(env, from, a, true);
    bool alternative = to == FP_H && (env->fpcr & FPCR_AHP);

    if (fp_is_nan(&n)) {
        if (alternative || n.cls == FPK_SNAN)
            fp_raise(env, FPSR_IOC);
        if (alternative)
            return fp_zero_of(to, n.sign);
        if (env->fpcr & FPCR_DN)
            return fp_default_nan(to);
        uint64_t frac = a << (64 - s->fbits); /* the most significant payload bits stay */
        return fp_inf_of(to, n.sign) | fp_quiet_bit(to) | frac >> (64 - t->fbits);
    }
    if (n.cls == FPK_INF) {
        if (!alternative)
            return fp_inf_of(to, n.sign);
        fp_raise(env, FPSR_IOC);
        return fp_zero_of(to, n.sign) | 0x7fff;
    }
    if (n.cls == FPK_ZERO)
        return fp_zero_of(to, n.sign);
    return fp_round_base(env, to, n.sign, n.exp, n.sig, resolve(env, rounding), true);
}

/* RecipEstimate(): 256 <= a < 512 stands for [0.5, 1); the result for [1, 2) in 1/256. */
static unsigned recip_estimate(unsigned a)
{
    a = a * 2 + 1;
    return ((1u << 19) / a + 1) / 2;
}

/* RecipSqrtEstimate(): 128 <= a < 512 stands for [0.25, 1). */
static unsigned recip_sqrt_estimate(unsigned a)
{
    a = a < 256 ? a * 2 + 1 : ((a | 1) * 2);
    uint64_t b = 512;
    while (a * (b + 1) * (b + 1) < 1ull << 28)
        b++;
    return (unsigned)(b + 1) / 2;
}

/* The fraction field at double's width, so that estimates are written once for all formats. */
static uint64_t wide_fraction(enum fp_fmt f, uint64_t a)
{
    unsigned fbits = fp_formats[f].fbits;
    return (a & ((1ull << fbits) - 1)) << (52 - fbits);
}

#define FRACTION52 ((1ull << 52) - 1)

uint64_t fp_recpe(struct vcpu_regs *env, enum fp_fmt f, uint64_t a)
{
    const struct fp_format *t = &fp_formats[f];
    struct fp_num n = fp_unpack(env, f, a);

    if (fp_is_nan(&n))
        return fp_process_nan(env, f, n.cls, a);
    if (n.cls == FPK_INF)
        return fp_zero_of(f, n.sign);
    if (n.cls == FPK_ZERO) {
        fp_raise(env, FPSR_DZC);
        return fp_inf_of(f, n.sign);
    }
    if (n.exp < -(t->bias + 1)) {
        enum fp_rounding r = fp_rmode(env);
        fp_raise(env, FPSR_OFC | FPSR_IXC);
        return r == FPR_TIEEVEN || r == (n.sign ? FPR_NEGINF : FPR_POSINF)
                   ? fp_inf_of(f, n.sign)
                   : fp_max_normal_of(f, n.sign);
    }
    if ((env->fpcr & (f == FP_H ? FPCR_FZ16 : FPCR_FZ)) && n.exp >= t->bias - 1) {
        fp_raise(env, FPSR_UFC);
        return fp_zero_of(f, n.sign);
    }
    uint64_t fraction = wide_fraction(f, a);
    int exp = (int)(a >> t->fbits) & t->emax;
    if (exp == 0) {
        if (fraction >> 51 == 0) {
            exp = -1;
            fraction = fraction << 2 & FRACTION52;
        } else {
            fraction = fraction << 1 & FRACTION52;
        }
    }
    unsigned estimate = recip_estimate(0x100 | (unsigned)(fraction >> 44));
    int result_exp = 2 * t->bias - 1 - exp;
    fraction = (uint64_t)(estimate & 0xff) << 44;
    if (result_exp == 0) {
        fraction = 1ull << 51 | fraction >> 1;
    } else if (result_exp == -1) {
        fraction = 1ull << 50 | fraction >> 2;
        result_exp = 0;
    }
    return fp_zero_of(f, n.sign) | (uint64_t)result_exp << t->fbits | fraction >> (52 - t->fbits);
}

uint64_t fp_rsqrte(struct vcpu_regs *env, enum fp_fmt f, uint64_t a)
{
    const struct fp_format *t = &fp_formats[f];
    struct fp_num n = fp_unpack(env, f, a);

    if (fp_is_nan(&n))
        return fp_process_nan(env, f, n.cls, a);
    if (n.cls == FPK_ZERO) {
        fp_raise(env, FPSR_DZC);
        return fp_inf_of(f, n.sign);
    }
    if (n.sign)
        return fp_invalid(env, f);
    if (n.cls == FPK_INF)
        return 0;
    /* n is normalised; its biased exponent, zero or negative for a denormal, has the parity wanted.
     */
    int exp = n.exp + t->bias;
    unsigned scaled = (unsigned)(n.sig >> 55);
    if (exp & 1)
        scaled >>= 1;
    unsigned estimate = recip_sqrt_estimate(scaled);
    int result_exp = (3 * t->bias - 1 - exp) / 2;
    return (uint64_t)result_exp << t->fbits | (uint64_t)(estimate & 0xff) << (t->fbits - 8);
}

uint64_t fp_recpx(struct vcpu_regs *env, enum fp_fmt f, uint64_t a)
{
    const struct fp_format *t = &fp_formats[f];
    struct fp_num n = fp_unpack(env, f, a);
    uint64_t exp = a >> t->fbits & (uint64_t)t->emax;

    if (fp_is_nan(&n))
        return fp_process_nan(env, f, n.cls, a);
    exp = exp == 0 ? (uint64_t)t->emax - 1 : ~exp & (uint64_t)t->emax;
    return fp_zero_of(f, n.sign) | exp << t->fbits;
}

uint32_t fp_urecpe(uint32_t a)
{
    return a >> 31 ? recip_estimate(a >> 23) << 23 : ~0u;
}

uint32_t fp_ursqrte(uint32_t a)
{
    return a >> 30 ? recip_sqrt_estimate(a >> 23) << 23 : ~0u;
}

uint64_t fp_expand_imm(enum fp_fmt f, unsigned imm8)
{
    const struct fp_format *t = &fp_formats[f];
    unsigned high = imm8 >> 6 & 1;
    /* NOT(b) : b repeated : cd, one bit wider than the repeat fills. */
    unsigned ebits = t->width - 1 - t->fbits;
    uint64_t exp = (uint64_t)!high << (ebits - 1) | (high ? ((1ull << (ebits - 3)) - 1) << 2 : 0) |
                   (imm8 >> 4 & 3);
    return fp_zero_of(f, imm8 >> 7) | exp << t->fbits | (uint64_t)(imm8 & 15) << (t->fbits - 4);
}
