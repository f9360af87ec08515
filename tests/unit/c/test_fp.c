/*
 * Floating point of the interpreter: answers known from the architecture manual, the host's unit as
 * a second opinion in every rounding mode, and the fast path against the exact one, bit by bit.
 * FP_TEST_ROUNDS multiplies the random cases (default 1).
 */
#include <fenv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "vcpu/interp/fp_fast.h"

static uint64_t rng_state = 0x243f6a8885a308d3ull;

static uint64_t rng(void)
{
    uint64_t z = (rng_state += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

/* Operands near the places where formats end, and plain ones of like exponents. */
static uint64_t random_operand(enum fp_fmt f)
{
    static const unsigned fbits[4] = {0, 10, 23, 52}, ebits[4] = {0, 5, 8, 11};
    uint64_t r = rng(), frac = rng() & ((1ull << fbits[f]) - 1);
    uint64_t emax = (1ull << ebits[f]) - 1, exp;

    switch (r % 8) {
    case 0: exp = 0; break;
    case 1: exp = emax; break;
    case 2: exp = 1 + (r >> 8) % 3; break;
    case 3: exp = emax - 1 - (r >> 8) % 3; break;
    case 4: exp = (r >> 8) & emax; break;
    default: exp = emax / 2 + (r >> 8) % 5 - 2; break;
    }
    switch (r >> 16 & 7) {
    case 0: frac = 0; break;
    case 1: frac = 1; break;
    case 2: frac = (1ull << fbits[f]) - 1; break;
    case 3: frac = 1ull << (fbits[f] - 1); break;
    case 4: frac &= ~0ull << (r >> 20) % fbits[f]; break; /* few digits: exact results */
    default: break;
    }
    return (r >> 63) << (fbits[f] + ebits[f]) | exp << fbits[f] | frac;
}

static struct vcpu_regs make_env(uint32_t fpcr, uint32_t fpsr)
{
    struct vcpu_regs env;
    memset(&env, 0, sizeof env);
    env.fpcr = fpcr;
    env.fpsr = fpsr;
    return env;
}

typedef uint64_t op2(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b);
typedef uint64_t op1(struct vcpu_regs *env, enum fp_fmt f, uint64_t a);

#define ROUND_UP   (1u << 22)
#define ROUND_DOWN (2u << 22)
#define ROUND_ZERO (3u << 22)

static void known_two(void)
{
    static const struct {
        op2 *fn;
        enum fp_fmt f;
        uint32_t fpcr;
        uint64_t a, b, want;
        uint32_t fpsr;
    } t[] = {
        {fp_add, FP_D, 0, 0x3ff0000000000000, 0x4000000000000000, 0x4008000000000000, 0},
        {fp_add, FP_D, 0, 0x3ff0000000000000, 0x3ca0000000000000, 0x3ff0000000000000, FPSR_IXC},
        {fp_add, FP_D, ROUND_UP, 0x3ff0000000000000, 0x0000000000000001, 0x3ff0000000000001,
         FPSR_IXC},
        /* Exact cancellation: +0, but -0 towards minus infinity. */
        {fp_sub, FP_S, 0, 0x3f800000, 0x3f800000, 0, 0},
        {fp_sub, FP_S, ROUND_DOWN, 0x3f800000, 0x3f800000, 0x80000000, 0},
        {fp_sub, FP_S, 0, 0x7f800000, 0x7f800000, 0x7fc00000, FPSR_IOC},
        /* A signalling NaN wins over a quiet one before it; it is quieted, and DN replaces it. */
        {fp_add, FP_S, 0, 0x7fc00001, 0x7f800002, 0x7fc00002, FPSR_IOC},
        {fp_add, FP_S, 0, 0xffc00001, 0x7fc00002, 0xffc00001, 0},
        {fp_add, FP_S, FPCR_DN, 0xffc00001, 0x7fc00002, 0x7fc00000, 0},
        /* FZ: operands with Input Denormal, results with Underflow alone. Half flushes without IDC.
         */
        {fp_add, FP_S, FPCR_FZ, 0x00000001, 0x80000001, 0, FPSR_IDC},
        {fp_mul, FP_S, FPCR_FZ, 0x00800000, 0x3f000000, 0, FPSR_UFC},
        {fp_mul, FP_S, 0, 0x00800000, 0x3f000000, 0x00400000, 0},
        {fp_mul, FP_S, 0, 0x00800001, 0x3f000000, 0x00400000, FPSR_UFC | FPSR_IXC},
        {fp_add, FP_H, FPCR_FZ16, 0x0001, 0x3c00, 0x3c00, 0},
        {fp_add, FP_H, FPCR_FZ, 0x0001, 0x0001, 0x0002, 0},
        {fp_mul, FP_H, FPCR_FZ16, 0x0400, 0x3800, 0, FPSR_UFC},
        /* Tiny before rounding counts, though the result is the smallest normal. */
        {fp_mul, FP_S, 0, 0x00ffffff, 0x3f000000, 0x00800000, FPSR_UFC | FPSR_IXC},
        {fp_mul, FP_D, 0, 0x7fefffffffffffff, 0x4000000000000000, 0x7ff0000000000000,
         FPSR_OFC | FPSR_IXC},
        {fp_mul, FP_D, ROUND_ZERO, 0x7fefffffffffffff, 0x4000000000000000, 0x7fefffffffffffff,
         FPSR_OFC | FPSR_IXC},
        {fp_mul, FP_S, 0, 0x7f800000, 0x80000000, 0x7fc00000, FPSR_IOC},
        {fp_mulx, FP_S, 0, 0x7f800000, 0x80000000, 0xc0000000, 0},
        {fp_div, FP_D, 0, 0x3ff0000000000000, 0x8000000000000000, 0xfff0000000000000, FPSR_DZC},
        {fp_div, FP_D, 0, 0, 0, 0x7ff8000000000000, FPSR_IOC},
        {fp_div, FP_D, 0, 0x3ff0000000000000, 0x4008000000000000, 0x3fd5555555555555, FPSR_IXC},
        {fp_max, FP_S, 0, 0x80000000, 0, 0, 0},
        {fp_min, FP_S, 0, 0, 0x80000000, 0x80000000, 0},
        {fp_max, FP_S, 0, 0x7fc00000, 0x3f800000, 0x7fc00000, 0},
        {fp_maxnm, FP_S, 0, 0x7fc00000, 0x3f800000, 0x3f800000, 0},
        {fp_minnm, FP_S, 0, 0x3f800000, 0x7f800001, 0x7fc00001, FPSR_IOC},
        {fp_recps, FP_S, 0, 0x7f800000, 0, 0x40000000, 0},
        {fp_rsqrts, FP_S, 0, 0x7f800000, 0, 0x3fc00000, 0},
        {fp_recps, FP_S, 0, 0x3f800000, 0x3f800000, 0x3f800000, 0},
        {fp_rsqrts, FP_S, 0, 0x3f800000, 0x3f800000, 0x3f800000, 0},
    };
    for (unsigned i = 0; i < sizeof t / sizeof *t; i++) {
        struct vcpu_regs env = make_env(t[i].fpcr, 0);
        uint64_t got = t[i].fn(&env, t[i].f, t[i].a, t[i].b);
        if (got != t[i].want || env.fpsr != t[i].fpsr)
            fprintf(stderr, "known_two[%u]: %llx fpsr %x\n", i, (unsigned long long)got, env.fpsr);
        CHECK(got == t[i].want && env.fpsr == t[i].fpsr);
    }
}

static void known_one(void)
{
    static const struct {
        op1 *fn;
        enum fp_fmt f;
        uint32_t fpcr;
        uint64_t a, want;
        uint32_t fpsr;
    } t[] = {
        {fp_sqrt, FP_D, 0, 0x4010000000000000, 0x4000000000000000, 0},
        {fp_sqrt, FP_D, 0, 0x4000000000000000, 0x3ff6a09e667f3bcd, FPSR_IXC},
        {fp_sqrt, FP_S, 0, 0x80000000, 0x80000000, 0},
        {fp_sqrt, FP_S, 0, 0xbf800000, 0x7fc00000, FPSR_IOC},
        /* Estimates have eight bits. */
        {fp_recpe, FP_S, 0, 0x3f800000, 0x3f7f8000, 0},
        {fp_recpe, FP_S, 0, 0, 0x7f800000, FPSR_DZC},
        {fp_recpe, FP_S, 0, 0x00100000, 0x7f800000, FPSR_OFC | FPSR_IXC},
        {fp_recpe, FP_S, ROUND_ZERO, 0x80100000, 0xff7fffff, FPSR_OFC | FPSR_IXC},
        {fp_recpe, FP_S, FPCR_FZ, 0x7f000000, 0, FPSR_UFC},
        {fp_rsqrte, FP_S, 0, 0x3f800000, 0x3f7f8000, 0},
        {fp_rsqrte, FP_D, 0, 0x4010000000000000, 0x3fdff00000000000, 0},
        {fp_rsqrte, FP_S, 0, 0xbf800000, 0x7fc00000, FPSR_IOC},
        {fp_rsqrte, FP_S, 0, 0x80000000, 0xff800000, FPSR_DZC},
        {fp_recpx, FP_S, 0, 0x3f800000, 0x40000000, 0},
        {fp_recpx, FP_S, 0, 0x00000001, 0x7f000000, 0},
        {fp_recpx, FP_S, 0, 0xff800000, 0x80000000, 0},
    };
    for (unsigned i = 0; i < sizeof t / sizeof *t; i++) {
        struct vcpu_regs env = make_env(t[i].fpcr, 0);
        uint64_t got = t[i].fn(&env, t[i].f, t[i].a);
        if (got != t[i].want || env.fpsr != t[i].fpsr)
            fprintf(stderr, "known_one[%u]: %llx fpsr %x\n", i, (unsigned long long)got, env.fpsr);
        CHECK(got == t[i].want && env.fpsr == t[i].fpsr);
    }
    CHECK_EQ(fp_urecpe(0x7fffffff), 0xffffffff);
    CHECK_EQ(fp_urecpe(0x80000000), 0xff800000);
    CHECK_EQ(fp_ursqrte(0x3fffffff), 0xffffffff);
    CHECK_EQ(fp_ursqrte(0x40000000), 0xff800000);
    CHECK_EQ(fp_expand_imm(FP_D, 0x70), 0x3ff0000000000000);
    CHECK_EQ(fp_expand_imm(FP_S, 0x80), 0xc0000000);
    CHECK_EQ(fp_expand_imm(FP_H, 0x3f), 0x4fc0);
}

static void known_fused(void)
{
    static const struct {
        uint64_t acc, a, b, want;
        uint32_t fpsr;
    } t[] = {
        /* 1 - (1+e)(1-e) keeps e squared. */
        {0x3ff0000000000000, 0xbff0000000000001, 0x3feffffffffffffe, 0x3970000000000000, 0},
        /* Infinity times zero is the default NaN even with a quiet NaN to add, but a signalling one
           wins. */
        {0xfff8000000000001, 0x7ff0000000000000, 0, 0x7ff8000000000000, FPSR_IOC},
        {0xfff0000000000001, 0x7ff0000000000000, 0, 0xfff8000000000001, FPSR_IOC},
        {0, 0x7ff8000000000003, 0x7ff0000000000007, 0x7ff8000000000007, FPSR_IOC},
        {0x8000000000000000, 0, 0x8000000000000000, 0x8000000000000000, 0},
        {0, 0, 0x8000000000000000, 0, 0},
        {0x7ff0000000000000, 0xfff0000000000000, 0x3ff0000000000000, 0x7ff8000000000000, FPSR_IOC},
    };
    for (unsigned i = 0; i < sizeof t / sizeof *t; i++) {
        struct vcpu_regs env = make_env(0, 0);
        CHECK_EQ(fp_muladd(&env, FP_D, t[i].acc, t[i].a, t[i].b), t[i].want);
        CHECK_EQ(env.fpsr, t[i].fpsr);
    }
}

static void known_conversions(void)
{
    static const struct {
        enum fp_fmt from, to;
        uint32_t fpcr;
        uint64_t a, want;
        uint32_t fpsr;
    } t[] = {
        {FP_S, FP_H, 0, 0x477ff000, 0x7c00, FPSR_OFC | FPSR_IXC},
        {FP_S, FP_H, FPCR_AHP, 0x477ff000, 0x7c00, FPSR_IXC}, /* 65520 rounds to 65536 */
        {FP_S, FP_H, FPCR_AHP, 0x7f800000, 0x7fff, FPSR_IOC},
        {FP_S, FP_H, FPCR_AHP, 0xffc00000, 0x8000, FPSR_IOC},
        {FP_H, FP_S, FPCR_AHP, 0x7c00, 0x47800000, 0},
        {FP_H, FP_S, 0, 0x7c01, 0x7fc02000, FPSR_IOC},
        {FP_H, FP_S, FPCR_FZ16, 0x0001, 0x33800000, 0}, /* FZ16 is not for conversions */
        {FP_S, FP_H, FPCR_FZ16, 0x33800000, 0x0001, 0},
        {FP_S, FP_H, FPCR_FZ, 0x00000001, 0, FPSR_IDC},
        {FP_D, FP_S, 0, 0x7ff0000000000001, 0x7fc00000, FPSR_IOC},
        {FP_D, FP_S, FPCR_FZ, 0x3800000000000000, 0, FPSR_UFC},
        {FP_S, FP_D, 0, 0x00000001, 0x36a0000000000000, 0},
    };
    for (unsigned i = 0; i < sizeof t / sizeof *t; i++) {
        struct vcpu_regs env = make_env(t[i].fpcr, 0);
        CHECK_EQ(fp_convert(&env, t[i].from, t[i].to, t[i].a, FPR_FPCR), t[i].want);
        CHECK_EQ(env.fpsr, t[i].fpsr);
    }
    struct vcpu_regs env = make_env(0, 0);
    CHECK_EQ(fp_convert(&env, FP_D, FP_S, 0x3ff0000000000001, FPR_ODD), 0x3f800001);
    CHECK_EQ(fp_to_fixed(&env, FP_D, 0x41e0000000000000, 32, 0, false, FPR_ZERO), 0x7fffffff);
    CHECK_EQ(env.fpsr, FPSR_IOC | FPSR_IXC);
    CHECK_EQ(fp_to_fixed(&env, FP_D, 0xbff0000000000000, 64, 0, true, FPR_ZERO), 0);
    CHECK_EQ(fp_to_fixed(&env, FP_S, 0x40200000, 32, 0, false, FPR_TIEEVEN), 2);
    CHECK_EQ(fp_to_fixed(&env, FP_S, 0xc0200000, 32, 0, false, FPR_TIEAWAY), 0xfffffffd);
    CHECK_EQ(fp_to_fixed(&env, FP_S, 0x3fc00000, 32, 8, false, FPR_ZERO), 384);
    CHECK_EQ(fp_from_fixed(&env, FP_S, 384, 8, false), 0x3fc00000);
    CHECK_EQ(fp_round_int(&env, FP_D, 0xbfe0000000000000, FPR_TIEEVEN, false), 0x8000000000000000);
    env.fpsr = 0;
    CHECK_EQ(fp_round_int_n(&env, FP_D, 0x41e0000000000000, FPR_ZERO, 32), 0xc1e0000000000000);
    CHECK_EQ(env.fpsr, FPSR_IOC);
    CHECK_EQ(fp_round_int_n(&env, FP_D, 0xc1e0000000000000, FPR_ZERO, 32), 0xc1e0000000000000);
    CHECK_EQ(fp_round_int_n(&env, FP_S, 0x7fc00000, FPR_ZERO, 64), 0xdf000000);
}

static void known_js(void)
{
    static const struct {
        double a;
        uint32_t want;
        bool z;
    } t[] = {{3.0, 3, true},
             {-3.5, (uint32_t)-3, false},
             {-0.0, 0, false},
             {0.0, 0, true},
             {0x1p32 + 5, 5, false},
             {-0x1p31, 0x80000000u, true},
             {0x1p31, 0x80000000u, false},
             {0x1p63 + 0x1p12, 0x1000, false},
             {0x1p84, 0, false},
             {INFINITY, 0, false},
             {NAN, 0, false},
             {-0x1p70 - 0x1p30, 0xc0000000u, false}};
    for (unsigned i = 0; i < sizeof t / sizeof *t; i++) {
        struct vcpu_regs env = make_env(0, 0);
        bool z;
        CHECK_EQ(fp_to_js_int32(&env, fp_bits_d(t[i].a), &z), t[i].want);
        CHECK_EQ(z, t[i].z);
    }
}

/* ---- the host's opinion ---- */

/* The library's, not the compiler's: that one expands rint() for rounding to nearest only. */
static double (*volatile host_rint)(double) = rint;

static const int host_modes[4] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};

static uint32_t host_flags(void)
{
    int e = fetestexcept(FE_ALL_EXCEPT);
    return (e & FE_INVALID ? FPSR_IOC : 0) | (e & FE_DIVBYZERO ? FPSR_DZC : 0) |
           (e & FE_OVERFLOW ? FPSR_OFC : 0) | (e & FE_UNDERFLOW ? FPSR_UFC : 0) |
           (e & FE_INEXACT ? FPSR_IXC : 0);
}

enum { OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_SQRT, OP_FMA, OP_COUNT };

static uint64_t host_d(int op, uint64_t c_, uint64_t a_, uint64_t b_)
{
    volatile double a = fp_double(a_), b = fp_double(b_), c = fp_double(c_), r = 0;
    switch (op) {
    case OP_ADD: r = a + b; break;
    case OP_SUB: r = a - b; break;
    case OP_MUL: r = a * b; break;
    case OP_DIV: r = a / b; break;
    case OP_SQRT: r = fp_host_sqrt_d(a); break;
    default: r = fma(a, b, c); break;
    }
    return fp_bits_d(r);
}

static uint64_t host_s(int op, uint64_t c_, uint64_t a_, uint64_t b_)
{
    volatile float a = fp_float((uint32_t)a_), b = fp_float((uint32_t)b_),
                   c = fp_float((uint32_t)c_), r = 0;
    switch (op) {
    case OP_ADD: r = a + b; break;
    case OP_SUB: r = a - b; break;
    case OP_MUL: r = a * b; break;
    case OP_DIV: r = a / b; break;
    case OP_SQRT: r = fp_host_sqrt_s(a); break;
    default: r = fmaf(a, b, c); break;
    }
    return fp_bits_s(r);
}

static uint64_t soft(struct vcpu_regs *env, int op, enum fp_fmt f, uint64_t c, uint64_t a,
                     uint64_t b)
{
    switch (op) {
    case OP_ADD: return fp_add(env, f, a, b);
    case OP_SUB: return fp_sub(env, f, a, b);
    case OP_MUL: return fp_mul(env, f, a, b);
    case OP_DIV: return fp_div(env, f, a, b);
    case OP_SQRT: return fp_sqrt(env, f, a);
    default: return fp_muladd(env, f, c, a, b);
    }
}

/* One place where the host differs by design: it tells tininess after rounding, arm64 before. */
static void against_host(int op, enum fp_fmt f, unsigned mode)
{
    uint64_t a = random_operand(f), b = random_operand(f), c = random_operand(f);
    struct vcpu_regs env = make_env(mode << 22, 0);
    uint64_t got = soft(&env, op, f, c, a, b);

    fesetround(host_modes[mode]);
    feclearexcept(FE_ALL_EXCEPT);
    uint64_t want = f == FP_D ? host_d(op, c, a, b) : host_s(op, c, a, b);
    uint32_t flags = host_flags();
    fesetround(FE_TONEAREST);

    bool nan = f == FP_D ? isnan(fp_double(got)) : isnan(fp_float((uint32_t)got));
    bool host_nan = f == FP_D ? isnan(fp_double(want)) : isnan(fp_float((uint32_t)want));
    uint64_t magnitude = f == FP_D ? got << 1 : (uint64_t)(uint32_t)(got << 1);
    if (magnitude == (f == FP_D ? 1ull << 53 : 1ull << 24))
        flags |= env.fpsr & FPSR_UFC;
    bool ok = nan ? host_nan : got == want;
    /* x86's fused operation does not raise Invalid for infinity * zero + NaN. */
    ok = ok && (env.fpsr == flags || (op == OP_FMA && nan));
    if (!ok)
        fprintf(stderr, "op %d fmt %d mode %u: %llx %llx %llx: %llx %x, host %llx %x\n", op, f,
                mode, (unsigned long long)c, (unsigned long long)a, (unsigned long long)b,
                (unsigned long long)got, env.fpsr, (unsigned long long)want, flags);
    CHECK(ok);
}

static void conversions_against_host(unsigned mode)
{
    uint64_t d = random_operand(FP_D), i = rng() >> rng() % 64;
    struct vcpu_regs env = make_env(mode << 22, 0);

    fesetround(host_modes[mode]);
    volatile double vd = fp_double(d);
    volatile float narrowed = (float)vd;
    volatile double whole = host_rint(vd), from_i = (double)(int64_t)i, from_u = (double)i;
    volatile float from_is = (float)(int64_t)i;
    bool in_range = vd > -0x1p62 && vd < 0x1p62;
    volatile int64_t to_i = in_range ? llrint(vd) : 0;
    fesetround(FE_TONEAREST);

    if (!isnan(vd)) {
        CHECK_EQ(fp_convert(&env, FP_D, FP_S, d, FPR_FPCR), fp_bits_s(narrowed));
        CHECK_EQ(fp_round_int(&env, FP_D, d, FPR_FPCR, true), fp_bits_d(whole));
    }
    if (in_range)
        CHECK_EQ(fp_to_fixed(&env, FP_D, d, 64, 0, false, FPR_FPCR), to_i);
    CHECK_EQ(fp_from_fixed(&env, FP_D, i, 0, false), fp_bits_d(from_i));
    CHECK_EQ(fp_from_fixed(&env, FP_S, i, 0, false), fp_bits_s(from_is));
    if (mode == 0) /* x86 has no unsigned conversion, and compilers' sequence is for this mode */
        CHECK_EQ(fp_from_fixed(&env, FP_D, i, 0, true), fp_bits_d(from_u));
}

/* Half precision by way of double, where sums and products are exact. */
static void half_by_double(uint32_t fpcr)
{
    uint64_t a = random_operand(FP_H), b = random_operand(FP_H);
    struct vcpu_regs env = make_env(fpcr, 0), exact = make_env(0, 0), want = make_env(fpcr, 0);
    uint64_t x = fp_convert(&exact, FP_H, FP_D, a, FPR_FPCR),
             y = fp_convert(&exact, FP_H, FP_D, b, FPR_FPCR);

    if (isnan(fp_double(x)) || isnan(fp_double(y)))
        return;
    uint64_t product = fp_bits_d(fp_double(x) * fp_double(y)),
             sum = fp_bits_d(fp_double(x) + fp_double(y));
    if (!isnan(fp_double(product)))
        CHECK_EQ(fp_mul(&env, FP_H, a, b), fp_convert(&want, FP_D, FP_H, product, FPR_FPCR));
    if (!isnan(fp_double(sum)) && fp_double(sum) != 0)
        CHECK_EQ(fp_add(&env, FP_H, a, b), fp_convert(&want, FP_D, FP_H, sum, FPR_FPCR));
    if (!isnan(fp_double(product)) && !isnan(fp_double(sum)))
        CHECK_EQ(env.fpsr, want.fpsr);
}

/* ---- the fast path ---- */

static void compare_paths(const char *what, const struct vcpu_regs *fast,
                          const struct vcpu_regs *exact, uint64_t got, uint64_t want, uint64_t a,
                          uint64_t b)
{
    bool ok = got == want && fast->fpsr == exact->fpsr;
    if (!ok)
        fprintf(stderr, "%s fpcr %x %llx %llx: fast %llx %x, exact %llx %x\n", what, exact->fpcr,
                (unsigned long long)a, (unsigned long long)b, (unsigned long long)got, fast->fpsr,
                (unsigned long long)want, exact->fpsr);
    CHECK(ok);
}

#define BOTH(what, fast_call, exact_call)                                                          \
    do {                                                                                           \
        struct vcpu_regs e = make_env(fpcr, fpsr), x = e, *env = &e;                               \
        uint64_t got = fast_call;                                                                  \
        env = &x;                                                                                  \
        uint64_t want = exact_call;                                                                \
        compare_paths(what, &e, &x, got, want, a, b);                                              \
    } while (0)

#define FAST_PATHS(X, F, T)                                                                        \
    static void fast_paths_##X(uint32_t fpcr, uint32_t fpsr)                                       \
    {                                                                                              \
        T a = (T)random_operand(F), b = (T)random_operand(F), c = (T)random_operand(F);            \
        int64_t i = (int64_t)(rng() >> rng() % 64);                                                \
        if (rng() % 16 == 0)                                                                       \
            b = a ^ (T)(rng() & 1);                                                                \
        BOTH("add", fp_add_##X(env, a, b), fp_add(env, F, a, b));                                  \
        BOTH("sub", fp_sub_##X(env, a, b), fp_sub(env, F, a, b));                                  \
        BOTH("mul", fp_mul_##X(env, a, b), fp_mul(env, F, a, b));                                  \
        BOTH("div", fp_div_##X(env, a, b), fp_div(env, F, a, b));                                  \
        BOTH("sqrt", fp_sqrt_##X(env, a), fp_sqrt(env, F, a));                                     \
        BOTH("muladd", fp_muladd_##X(env, c, a, b), fp_muladd(env, F, c, a, b));                   \
        BOTH("max", fp_max_##X(env, a, b), fp_max(env, F, a, b));                                  \
        BOTH("min", fp_min_##X(env, a, b), fp_min(env, F, a, b));                                  \
        BOTH("maxnm", fp_maxnm_##X(env, a, b), fp_maxnm(env, F, a, b));                            \
        BOTH("minnm", fp_minnm_##X(env, a, b), fp_minnm(env, F, a, b));                            \
        BOTH("fcmp", fp_compare_##X(env, a, b, false), fp_compare(env, F, a, b, false));           \
        BOTH("fcmpe", fp_compare_##X(env, a, b, true), fp_compare(env, F, a, b, true));            \
        BOTH("eq", fp_eq_##X(env, a, b), fp_eq(env, F, a, b));                                     \
        BOTH("ge", fp_ge_##X(env, a, b), fp_ge(env, F, a, b));                                     \
        BOTH("gt", fp_gt_##X(env, a, b), fp_gt(env, F, a, b));                                     \
        BOTH("from int", fp_from_int_##X(env, i), fp_from_fixed(env, F, (uint64_t)i, 0, false));   \
        for (unsigned w = 32; w <= 64; w += 32) {                                                  \
            BOTH("trunc s", fp_trunc_##X(env, a, w, false),                                        \
                 fp_to_fixed(env, F, a, w, 0, false, FPR_ZERO));                                   \
            BOTH("trunc u", fp_trunc_##X(env, a, w, true),                                         \
                 fp_to_fixed(env, F, a, w, 0, true, FPR_ZERO));                                    \
        }                                                                                          \
    }
FAST_PATHS(s, FP_S, uint32_t)
FAST_PATHS(d, FP_D, uint64_t)

static void fast_conversions(uint32_t fpcr, uint32_t fpsr)
{
    uint64_t a = random_operand(FP_D), b = 0;
    if (rng() & 1) /* in the range of single */
        a = (a & 0x800fffffffffffffull) | (uint64_t)(1023 - 150 + rng() % 300) << 52;
    BOTH("d to s", fp_convert_ds(env, a), fp_convert(env, FP_D, FP_S, a, FPR_FPCR));
    a = random_operand(FP_S);
    BOTH("s to d", fp_convert_sd(env, (uint32_t)a), fp_convert(env, FP_S, FP_D, a, FPR_FPCR));
}

int main(void)
{
    const char *more = getenv("FP_TEST_ROUNDS");
    const unsigned rounds = more ? (unsigned)atoi(more) : 1;

    known_two();
    known_one();
    known_fused();
    known_conversions();
    known_js();
    for (unsigned i = 0; i < 4000 * rounds; i++) {
        for (int op = 0; op < OP_COUNT; op++) {
            against_host(op, FP_S, i & 3);
            against_host(op, FP_D, i & 3);
        }
        conversions_against_host(i & 3);
        half_by_double((i & 3) << 22);
    }
    for (unsigned i = 0; i < 20000 * rounds; i++) {
        /* Mostly the modes that have a fast path, with and without Inexact pending. */
        uint32_t fpcr = i & 1 ? 0 : (uint32_t)rng() & (i & 4 ? 0x07c80000 : FPCR_FZ | FPCR_DN);
        uint32_t fpsr = i & 2 ? FPSR_IXC : 0;
        fast_paths_s(fpcr, fpsr);
        fast_paths_d(fpcr, fpsr);
        fast_conversions(fpcr, fpsr);
    }
    return check_done("fp");
}
