/*
 * fp_core.c - unpacking, rounding, NaNs and the arithmetic of fp_core.h.
 */
#include "vcpu/interp/fp_unpack.h"

const struct fp_format fp_formats[4] = {
    [FP_H] = {16, 10, 15, 31},
    [FP_S] = {32, 23, 127, 255},
    [FP_D] = {64, 52, 1023, 2047},
};

struct fp_num fp_unpack_base(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, bool cv)
{
    const struct fp_format *t = &fp_formats[f];
    uint64_t frac = a & ((1ull << t->fbits) - 1);
    int field = (int)(a >> t->fbits) & t->emax;
    struct fp_num n = {.sign = (unsigned)(a >> (t->width - 1)) & 1};

    if (field == 0) {
        if (frac == 0)
            return n;
        /* Flushing a half-precision operand does not raise Input Denormal. */
        if (f == FP_H ? (!cv && (env->fpcr & FPCR_FZ16)) : (env->fpcr & FPCR_FZ)) {
            if (f != FP_H)
                fp_raise(env, FPSR_IDC);
            return n;
        }
        int lead = __builtin_clzll(frac);
        n.cls = FPK_NUM;
        n.sig = frac << lead;
        n.exp = 64 - (int)t->fbits - t->bias - lead;
    } else if (field == t->emax && !(f == FP_H && cv && (env->fpcr & FPCR_AHP))) {
        if (frac == 0)
            n.cls = FPK_INF;
        else
            n.cls = frac & fp_quiet_bit(f) ? FPK_QNAN : FPK_SNAN;
    } else {
        n.cls = FPK_NUM;
        n.sig = (1ull << 63) | frac << (63 - t->fbits);
        n.exp = field - t->bias;
    }
    return n;
}

bool fp_round_up(enum fp_rounding rounding, unsigned sign, uint64_t integer, enum fp_part part)
{
    switch (rounding) {
    case FPR_TIEEVEN: return part == FPP_ABOVE || (part == FPP_HALF && (integer & 1));
    case FPR_POSINF: return part != FPP_NONE && !sign;
    case FPR_NEGINF: return part != FPP_NONE && sign;
    case FPR_TIEAWAY: return part >= FPP_HALF;
    default: return false;
    }
}

/* Compare a remainder, scaled so that one half is 2^63, with one half. */
static enum fp_part part_of(uint64_t rem)
{
    if (rem == 0)
        return FPP_NONE;
    if (rem == 1ull << 63)
        return FPP_HALF;
    return rem >> 63 ? FPP_ABOVE : FPP_BELOW;
}

/* sig / 2^shift, shift >= 1, as integer and remainder. */
static uint64_t split_shift(uint64_t sig, unsigned shift, enum fp_part *part)
{
    if (shift < 64) {
        *part = part_of(sig << (64 - shift));
        return sig >> shift;
    }
    *part = shift == 64 ? part_of(sig) : FPP_BELOW;
    return 0;
}

uint64_t fp_split(const struct fp_num *n, enum fp_part *part)
{
    *part = FPP_NONE;
    return n->exp == 63 ? n->sig : split_shift(n->sig, (unsigned)(63 - n->exp), part);
}

uint64_t fp_round_base(struct vcpu_regs *env, enum fp_fmt f, unsigned sign, int exp, uint64_t sig,
                       enum fp_rounding rounding, bool cv)
{
    const struct fp_format *t = &fp_formats[f];
    const int emin = 1 - t->bias;
    const bool tiny = exp < emin; /* before rounding, as arm64 has it */

    if (tiny && (f == FP_H ? (!cv && (env->fpcr & FPCR_FZ16)) : (env->fpcr & FPCR_FZ))) {
        fp_raise(env, FPSR_UFC); /* and not Inexact */
        return fp_zero_of(f, sign);
    }
    unsigned shift = 63 - t->fbits;
    if (tiny)
        shift += (unsigned)(emin - exp);
    enum fp_part part;
    uint64_t mant = split_shift(sig, shift, &part);
    uint32_t flags = part == FPP_NONE ? 0 : FPSR_IXC | (tiny ? FPSR_UFC : 0);

    if (fp_round_up(rounding, sign, mant, part))
        mant++;
    if (rounding == FPR_ODD && part != FPP_NONE)
        mant |= 1;
    /* The hidden bit adds one to the exponent field, and so does a carry out of the mantissa. */
    uint64_t body = ((uint64_t)(tiny ? 0 : exp - emin) << t->fbits) + mant;
    uint64_t field = body >> t->fbits;

    if (f == FP_H && cv && (env->fpcr & FPCR_AHP)) {
        if (field > (uint64_t)t->emax) {
            fp_raise(env, FPSR_IOC);
            return fp_zero_of(f, sign) | 0x7fff;
        }
    } else if (field >= (uint64_t)t->emax) {
        bool to_inf = rounding == FPR_TIEEVEN || rounding == FPR_TIEAWAY ||
                      rounding == (sign ? FPR_NEGINF : FPR_POSINF);
        fp_raise(env, FPSR_OFC | FPSR_IXC);
        return to_inf ? fp_inf_of(f, sign) : fp_max_normal_of(f, sign);
    }
    fp_raise(env, flags);
    return fp_zero_of(f, sign) | body;
}

static uint64_t round_fpcr(struct vcpu_regs *env, enum fp_fmt f, unsigned sign, int exp,
                           uint64_t sig)
{
    return fp_round_base(env, f, sign, exp, sig, fp_rmode(env), false);
}

uint64_t fp_process_nan(struct vcpu_regs *env, enum fp_fmt f, enum fp_class cls, uint64_t a)
{
    if (cls == FPK_SNAN)
        fp_raise(env, FPSR_IOC);
    if (env->fpcr & FPCR_DN)
        return fp_default_nan(f);
    return (a & fp_mask(f)) | fp_quiet_bit(f);
}

/* FPProcessNaNs(): the first signalling NaN, else the first quiet one. */
static bool process_nans(struct vcpu_regs *env, enum fp_fmt f, const struct fp_num *x,
                         const struct fp_num *y, uint64_t a, uint64_t b, uint64_t *result)
{
    if (!fp_is_nan(x) && !fp_is_nan(y))
        return false;
    bool first = x->cls == FPK_SNAN || (y->cls != FPK_SNAN && fp_is_nan(x));
    *result = first ? fp_process_nan(env, f, x->cls, a) : fp_process_nan(env, f, y->cls, b);
    return true;
}

static u128 shift_right_jam(u128 m, unsigned n)
{
    if (n == 0)
        return m;
    if (n > 127)
        return m != 0;
    return m >> n | ((m << (128 - n)) != 0);
}

/* A signed value m * 2^(exp-126), m < 2^127. */
struct fp_wide {
    unsigned sign;
    int exp;
    u128 m;
};

static struct fp_wide widen(const struct fp_num *n)
{
    struct fp_wide w = {n->sign, n->exp, n->cls == FPK_NUM ? (u128)n->sig << 63 : 0};
    return w;
}

/* The product; exact, because the low eleven bits of each significand are zero. */
static struct fp_wide multiply(const struct fp_num *x, const struct fp_num *y)
{
    struct fp_wide w = {x->sign ^ y->sign, x->exp + y->exp + 1, 0};
    if (x->cls == FPK_NUM && y->cls == FPK_NUM)
        w.m = (u128)x->sig * y->sig >> 1;
    return w;
}

/* Lose leading zeros, and all but a sticky bit of the low half. */
static uint64_t normalise(u128 m, int *exp)
{
    uint64_t hi = (uint64_t)(m >> 64);
    unsigned lead =
        hi ? (unsigned)__builtin_clzll(hi) : 64u + (unsigned)__builtin_clzll((uint64_t)m);
    m <<= lead;
    *exp += 1 - (int)lead;
    return (uint64_t)(m >> 64) | ((uint64_t)m != 0);
}

/* (x + y) * 2^scale, rounded. An exact zero is -0 only when rounding towards minus infinity. */
static uint64_t add_wide(struct vcpu_regs *env, enum fp_fmt f, struct fp_wide x, struct fp_wide y,
                         int scale)
{
    if (x.m == 0)
        x.exp = y.exp;
    if (y.m == 0)
        y.exp = x.exp;
    if (x.exp < y.exp) {
        struct fp_wide t = x;
        x = y;
        y = t;
    }
    y.m = shift_right_jam(y.m, (unsigned)(x.exp - y.exp));
    if (x.sign == y.sign) {
        x.m += y.m;
    } else if (x.m >= y.m) {
        x.m -= y.m;
    } else {
        x.m = y.m - x.m;
        x.sign = y.sign;
    }
    if (x.m == 0)
        return fp_zero_of(f, fp_rmode(env) == FPR_NEGINF);
    uint64_t sig = normalise(x.m, &x.exp);
    return round_fpcr(env, f, x.sign, x.exp + scale, sig);
}

static uint64_t add_signed(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b,
                           unsigned negate)
{
    struct fp_num x = fp_unpack(env, f, a), y = fp_unpack(env, f, b);
    uint64_t r;

    if (process_nans(env, f, &x, &y, a, b, &r))
        return r;
    y.sign ^= negate;
    if (x.cls == FPK_INF && y.cls == FPK_INF && x.sign != y.sign)
        return fp_invalid(env, f);
    if (x.cls == FPK_INF || y.cls == FPK_INF)
        return fp_inf_of(f, x.cls == FPK_INF ? x.sign : y.sign);
    if (x.cls == FPK_ZERO && y.cls == FPK_ZERO && x.sign == y.sign)
        return fp_zero_of(f, x.sign);
    return add_wide(env, f, widen(&x), widen(&y), 0);
}

uint64_t fp_add(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b)
{
    return add_signed(env, f, a, b, 0);
}

uint64_t fp_sub(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b)
{
    return add_signed(env, f, a, b, 1);
}

static bool inf_times_zero(const struct fp_num *x, const struct fp_num *y)
{
    return (x->cls == FPK_INF && y->cls == FPK_ZERO) || (x->cls == FPK_ZERO && y->cls == FPK_INF);
}

static uint64_t mul_common(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b,
                           bool extended)
{
    struct fp_num x = fp_unpack(env, f, a), y = fp_unpack(env, f, b);
    unsigned sign = x.sign ^ y.sign;
    uint64_t r;

    if (process_nans(env, f, &x, &y, a, b, &r))
        return r;
    if (inf_times_zero(&x, &y)) {
        if (!extended)
            return fp_invalid(env, f);
        return fp_zero_of(f, sign) | (uint64_t)(fp_formats[f].bias + 1) << fp_formats[f].fbits;
    }
    if (x.cls == FPK_INF || y.cls == FPK_INF)
        return fp_inf_of(f, sign);
    if (x.cls == FPK_ZERO || y.cls == FPK_ZERO)
        return fp_zero_of(f, sign);
    struct fp_wide p = multiply(&x, &y);
    uint64_t sig = normalise(p.m, &p.exp);
    return round_fpcr(env, f, sign, p.exp, sig);
}

uint64_t fp_mul(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b)
{
    return mul_common(env, f, a, b, false);
}

uint64_t fp_mulx(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b)
{
    return mul_common(env, f, a, b, true);
}

uint64_t fp_div(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b)
{
    struct fp_num x = fp_unpack(env, f, a), y = fp_unpack(env, f, b);
    unsigned sign = x.sign ^ y.sign;
    uint64_t r;

    if (process_nans(env, f, &x, &y, a, b, &r))
        return r;
    if (x.cls == y.cls && x.cls != FPK_NUM)
        return fp_invalid(env, f);
    if (x.cls == FPK_INF || y.cls == FPK_ZERO) {
        if (x.cls != FPK_INF)
            fp_raise(env, FPSR_DZC);
        return fp_inf_of(f, sign);
    }
    if (x.cls == FPK_ZERO || y.cls == FPK_INF)
        return fp_zero_of(f, sign);
    unsigned small = x.sig < y.sig;
    u128 n = (u128)x.sig << (63 + small);
    uint64_t q = (uint64_t)(n / y.sig);
    q |= (u128)q * y.sig != n;
    return round_fpcr(env, f, sign, x.exp - y.exp - (int)small, q);
}

/* floor(sqrt(m)) for 2^126 <= m < 2^128, with bit 0 set when that is not exact (as a sticky bit).
 */
static uint64_t square_root(u128 m)
{
    u128 rem = 0;
    uint64_t root = 0;

    for (int i = 0; i < 64; i++) {
        rem = rem << 2 | (m >> 126);
        m <<= 2;
        u128 trial = (u128)root << 2 | 1;
        root <<= 1;
        if (rem >= trial) {
            rem -= trial;
            root |= 1;
        }
    }
    return root | (rem != 0);
}

uint64_t fp_sqrt(struct vcpu_regs *env, enum fp_fmt f, uint64_t a)
{
    struct fp_num x = fp_unpack(env, f, a);

    if (fp_is_nan(&x))
        return fp_process_nan(env, f, x.cls, a);
    if (x.cls == FPK_ZERO)
        return fp_zero_of(f, x.sign);
    if (x.sign)
        return fp_invalid(env, f);
    if (x.cls == FPK_INF)
        return fp_inf_of(f, 0);
    unsigned odd = (unsigned)x.exp & 1;
    uint64_t root = square_root((u128)x.sig << (63 + odd));
    return round_fpcr(env, f, 0, (x.exp - (int)odd) / 2, root);
}

uint64_t fp_muladd(struct vcpu_regs *env, enum fp_fmt f, uint64_t acc, uint64_t a, uint64_t b)
{
    struct fp_num z = fp_unpack(env, f, acc);
    struct fp_num x = fp_unpack(env, f, a), y = fp_unpack(env, f, b);
    unsigned sign = x.sign ^ y.sign;
    bool invalid = inf_times_zero(&x, &y);

    /* FPProcessNaNs3(), and its exception: infinity times zero plus a quiet NaN is the default NaN.
     */
    if (fp_is_nan(&z) || fp_is_nan(&x) || fp_is_nan(&y)) {
        if (z.cls == FPK_QNAN && invalid)
            return fp_invalid(env, f);
        enum fp_class want =
            z.cls == FPK_SNAN || x.cls == FPK_SNAN || y.cls == FPK_SNAN ? FPK_SNAN : FPK_QNAN;
        return fp_process_nan(env, f, want, z.cls == want ? acc : x.cls == want ? a : b);
    }
    bool inf_product = x.cls == FPK_INF || y.cls == FPK_INF;
    if (invalid || (z.cls == FPK_INF && inf_product && z.sign != sign))
        return fp_invalid(env, f);
    if (z.cls == FPK_INF || inf_product)
        return fp_inf_of(f, inf_product ? sign : z.sign);
    if (z.cls == FPK_ZERO && (x.cls == FPK_ZERO || y.cls == FPK_ZERO) && z.sign == sign)
        return fp_zero_of(f, sign);
    return add_wide(env, f, multiply(&x, &y), widen(&z), 0);
}

/* constant - a * b, scaled. The first operand is negated as such, so a NaN there changes sign too.
 */
static uint64_t newton_step(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b,
                            uint64_t constant, uint64_t at_inf_zero, int scale)
{
    a ^= fp_sign_bit(f);
    struct fp_num x = fp_unpack(env, f, a), y = fp_unpack(env, f, b),
                  c = fp_unpack(env, f, constant);
    uint64_t r;

    if (process_nans(env, f, &x, &y, a, b, &r))
        return r;
    if (inf_times_zero(&x, &y))
        return at_inf_zero;
    if (x.cls == FPK_INF || y.cls == FPK_INF)
        return fp_inf_of(f, x.sign ^ y.sign);
    return add_wide(env, f, multiply(&x, &y), widen(&c), scale);
}

uint64_t fp_recps(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b)
{
    uint64_t two = fp_expand_imm(f, 0x00);
    return newton_step(env, f, a, b, two, two, 0);
}

uint64_t fp_rsqrts(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b)
{
    return newton_step(env, f, a, b, fp_expand_imm(f, 0x08), fp_expand_imm(f, 0x78), -1);
}

/* An integer that orders non-NaN operands as their values; flushed denormals count as zero. */
static int64_t order_key(enum fp_fmt f, const struct fp_num *n, uint64_t a)
{
    if (n->cls == FPK_ZERO)
        return 0;
    int64_t magnitude = (int64_t)(a & (fp_mask(f) >> 1));
    return n->sign ? -magnitude : magnitude;
}

static uint64_t min_max(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b, bool max)
{
    struct fp_num x = fp_unpack(env, f, a), y = fp_unpack(env, f, b);
    uint64_t r;

    if (process_nans(env, f, &x, &y, a, b, &r))
        return r;
    int64_t ka = order_key(f, &x, a), kb = order_key(f, &y, b);
    bool first = max ? ka > kb : ka < kb;
    if ((first ? x.cls : y.cls) == FPK_ZERO)
        return fp_zero_of(f, max ? x.sign & y.sign : x.sign | y.sign);
    return (first ? a : b) & fp_mask(f);
}

uint64_t fp_max(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b)
{
    return min_max(env, f, a, b, true);
}

uint64_t fp_min(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b)
{
    return min_max(env, f, a, b, false);
}

/* A quiet NaN beside a number counts as the infinity that loses. */
static uint64_t min_max_number(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b,
                               bool max)
{
    struct fp_num x = fp_unpack(env, f, a), y = fp_unpack(env, f, b);

    if (x.cls == FPK_QNAN && y.cls != FPK_QNAN)
        a = fp_inf_of(f, max);
    else if (x.cls != FPK_QNAN && y.cls == FPK_QNAN)
        b = fp_inf_of(f, max);
    return min_max(env, f, a, b, max);
}

uint64_t fp_maxnm(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b)
{
    return min_max_number(env, f, a, b, true);
}

uint64_t fp_minnm(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b)
{
    return min_max_number(env, f, a, b, false);
}

#define UNORDERED 2

/* -1, 0, 1 or UNORDERED; quiet_raises: a quiet NaN is Invalid Operation as well. */
static int compare(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b, bool quiet_raises)
{
    struct fp_num x = fp_unpack(env, f, a), y = fp_unpack(env, f, b);

    if (fp_is_nan(&x) || fp_is_nan(&y)) {
        if (quiet_raises || x.cls == FPK_SNAN || y.cls == FPK_SNAN)
            fp_raise(env, FPSR_IOC);
        return UNORDERED;
    }
    int64_t ka = order_key(f, &x, a), kb = order_key(f, &y, b);
    return ka < kb ? -1 : ka > kb;
}

uint32_t fp_compare(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b, bool signal)
{
    static const uint32_t nzcv[4] = {0x80000000u, 0x60000000u, 0x20000000u, 0x30000000u};
    return nzcv[compare(env, f, a, b, signal) + 1];
}

bool fp_eq(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b)
{
    return compare(env, f, a, b, false) == 0;
}

bool fp_ge(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b)
{
    int c = compare(env, f, a, b, true);
    return c == 0 || c == 1;
}

bool fp_gt(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b)
{
    return compare(env, f, a, b, true) == 1;
}
