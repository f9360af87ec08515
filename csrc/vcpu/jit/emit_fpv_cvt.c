/*
 * emit_fpv_cvt.c - emitters of vector conversions: between formats, to and from integers and fixed
 * point, and rounding to integral values.
 */
#include "vcpu/jit/constants.h"
#include "vcpu/jit/emit_fp.h"
#include "vcpu/jit/fp_emit.h"

/* xmm <- a constant in all lanes. Uses RAX. */
static void splat(struct x64 *e, bool dbl, int xmm, uint64_t v)
{
    sse_constant(e, dbl, xmm, v);
    if (dbl)
        sse_dup(e, xmm, x64_reg(xmm));
    else
        sse_shuf(e, xmm, xmm, x64_reg(xmm), 0);
}

/* ---- between formats ---- */

/* FCVTL FCVTL2: bit 22 is from S to D, else from H to S. */
bool emit_fcvtl(struct translation *t, uint32_t insn)
{
    unsigned rd = bits(insn, 0, 5), rn = bits(insn, 5, 5);
    bool to_dbl = bits(insn, 22, 1), high = bits(insn, 30, 1);
    struct x64 *e = &t->e;

    if (!to_dbl && (!jit_fp_plain(t) || !t->host->f16c))
        return false;
    jit_flags_clobber(t);
    fp_begin(t);
    int to = fp_dst(rd, rn, rn, rn);
    struct x64_rm rm = jit_vrm(rn);
    if (high && rm.reg < 0) {
        rm.disp += 8;
    } else if (high) {
        sse_packed(e, true, SSE_UNPCKH, XMM1, rm.reg, rm);
        rm = x64_reg(XMM1);
    }
    if (!jit_fp_plain(t)) {
        x64_vmovq(e, XMM1, rm);
        rm = x64_reg(XMM1);
        fp_guard(t, false, true, SMALL_NORMAL, rm, XMM0);
    }
    if (to_dbl)
        sse_packed(e, false, SSE_CVT, to, 0, rm);
    else
        x64_vop38(e, 0x13, (unsigned)to, 0, rm); /* VCVTPH2PS */
    fpv_check_nan(t, to_dbl, to);
    jit_vdone(t, rd, to, VHIGH_ANY);
    return true;
}

/* XMM0 <- four singles in halves. */
static void narrow_to_h(struct translation *t, int n)
{
    struct x64 *e = &t->e;
    fpv_check_nan(t, false, n);
    x64_vop3a(e, 0x1d, (unsigned)n, 0, x64_reg(XMM0), 0); /* VCVTPS2PH */
    /* The smallest normal number in any lane: */
    sse_constant(e, true, XMM2, 0x0400040004000400);
    x64_vop(e, 0xdb, XMM3, XMM0, jit_table(TABLE_WORDS_7FFF)); /* VPAND */
    x64_vop(e, 0x75, XMM3, XMM3, x64_reg(XMM2));               /* VPCMPEQW */
    x64_vmov_to_gpr(e, 8, x64_reg(RAX), XMM3);
    x64_test(e, 8, x64_reg(RAX), RAX);
    jit_slow(t, CC_NE);
}

/* FCVTN FCVTN2: bit 22 is from D to S, else from S to H. */
bool emit_fcvtn(struct translation *t, uint32_t insn)
{
    unsigned rd = bits(insn, 0, 5), rn = bits(insn, 5, 5);
    bool from_dbl = bits(insn, 22, 1), high = bits(insn, 30, 1);
    struct x64 *e = &t->e;

    if (!from_dbl && (!jit_fp_plain(t) || !t->host->f16c))
        return false;
    jit_flags_clobber(t);
    fp_begin(t);
    if (from_dbl) {
        fp_guard(t, true, true, SMALL_NARROW, jit_vrm(rn), XMM0);
        sse_packed(e, true, SSE_CVT, XMM0, 0, jit_vrm(rn));
        fpv_check_tiny(t, false, XMM0);
    } else {
        narrow_to_h(t, jit_vsrc(t, rn, XMM1));
    }
    if (!high) {
        jit_vdone(t, rd, XMM0, VHIGH_ZERO64);
        return true;
    }
    int to = jit_vsrc(t, rd, XMM1);
    sse_packed(e, true, SSE_UNPCKL, to, to, x64_reg(XMM0));
    jit_vdone(t, rd, to, VHIGH_ANY);
    return true;
}

/* ---- to integral values ---- */

static void frinta(struct translation *t, const struct fpv *v)
{
    struct x64 *e = &t->e;
    int n = fpv_src(t, v, v->rn, XMM1);
    fp_guard(t, v->dbl, true, SMALL_NORMAL, x64_reg(n), XMM0);
    splat(e, v->dbl, XMM2, v->dbl ? 0x4330000000000000 : 0x4b000000); /* 2^52, 2^23 */
    sse_packed(e, v->dbl, SSE_AND, XMM3, n, v->dbl ? JIT_CONST(abs_d) : JIT_CONST(abs_s));
    sse_cmp(e, v->dbl, true, CMP_NOT_LT_QUIET, XMM3, XMM3, x64_reg(XMM2));
    fpv_slow_if_any(t, v->dbl, XMM3);
    fp_round_away(e, v->dbl, true, n);
    sse_packed(e, v->dbl, SSE_AND, XMM2, n, v->dbl ? JIT_CONST(sign_d) : JIT_CONST(sign_s));
    sse_packed(e, v->dbl, SSE_OR, XMM0, XMM0, x64_reg(XMM2));
    fpv_done(t, v, XMM0, true);
}

/* By U, bit 23 and bit 12: FRINTN M P Z, A X - I. X alone raises Inexact. */
bool emit_frint_vec(struct translation *t, uint32_t insn)
{
    static const uint8_t how[8] = {ROUND_NEAREST | ROUND_QUIET,
                                   ROUND_DOWN | ROUND_QUIET,
                                   ROUND_UP | ROUND_QUIET,
                                   ROUND_ZERO | ROUND_QUIET,
                                   ROUND_AWAY,
                                   ROUND_NEAREST,
                                   0,
                                   ROUND_NEAREST | ROUND_QUIET};
    unsigned mode = how[bits(insn, 29, 1) << 2 | bits(insn, 23, 1) << 1 | bits(insn, 12, 1)];
    struct fpv v;

    if (!fpv_decode(insn, &v))
        return false;
    jit_flags_clobber(t);
    fp_begin(t);
    if (mode == ROUND_AWAY) {
        frinta(t, &v);
        return true;
    }
    int to = fp_dst(v.rd, v.rn, v.rn, v.rn);
    struct x64_rm n = fpv_rm(t, &v, v.rn, XMM1);
    fp_guard(t, v.dbl, true, SMALL_NORMAL, n, XMM0);
    sse_round(&t->e, v.dbl, true, mode, to, 0, n);
    fpv_check_nan(t, v.dbl, to);
    fpv_done(t, &v, to, true);
    return true;
}

/* ---- to integers ---- */

/* To the interpreter unless all of four singles are below the limit, and not negative if unsigned:
 * the host has signed conversions only. */
static void check_range(struct translation *t, const struct fp_conversion *c, int xmm)
{
    struct x64 *e = &t->e;
    if (!c->is_unsigned)
        sse_packed(e, false, SSE_AND, XMM3, xmm, JIT_CONST(abs_s));
    /* VPSRLD: a negative sign makes the exponent field look large. */
    x64_vex_imm(e, PP_66, MAP_0F, false, 0x72, 2, XMM3, x64_reg(c->is_unsigned ? xmm : XMM3), 23);
    splat(e, false, XMM2, 127 + 31 - c->fbits - 1);
    x64_vop(e, 0x66, XMM3, XMM3, x64_reg(XMM2)); /* VPCMPGTD */
    fpv_slow_if_any(t, false, XMM3);
}

/* XMM0 <- integers of four singles. As fp_to_integer(). */
static void to_words(struct translation *t, const struct fp_conversion *c, int a)
{
    struct x64 *e = &t->e;
    int from = a;
    bool late = false;
    fp_guard(t, false, true, SMALL_NORMAL, x64_reg(a), XMM0);
    if (c->fbits) {
        check_range(t, c, a);
        splat(e, false, XMM2, fp_power_of_two(false, (int)c->fbits));
        sse_packed(e, false, SSE_MUL, XMM0, a, x64_reg(XMM2));
        from = XMM0;
    } else if (c->rounding == ROUND_AWAY) {
        fp_round_away(e, false, true, a);
        from = XMM0;
        late = true;
    } else if (c->rounding != ROUND_ZERO) {
        late = c->is_unsigned;
        sse_round(e, false, true, c->rounding | (late ? ROUND_QUIET : 0), XMM0, 0, x64_reg(a));
        from = XMM0;
    }
    if (c->is_unsigned && !c->fbits)
        check_range(t, c, from);
    x64_vex(e, PP_F3, MAP_0F, false, 0x5b, XMM0, 0, x64_reg(from)); /* VCVTTPS2DQ */
    if (!c->is_unsigned && !c->fbits) {
        x64_vop(e, 0x76, XMM3, XMM0, JIT_CONST(sign_s)); /* VPCMPEQD: failures */
        fpv_slow_if_any(t, false, XMM3);
    }
    if (late)
        sse_round(e, false, true, ROUND_ZERO, XMM1, 0, x64_reg(a));
}

/* XMM0 <- integers of two doubles, one after the other. */
static void to_longs(struct translation *t, const struct fp_conversion *c, int a)
{
    struct x64 *e = &t->e;
    fp_to_integer(t, c, a, RCX);
    sse_packed(e, true, SSE_UNPCKH, XMM1, a, x64_reg(a));
    fp_to_integer(t, c, XMM1, RDX);
    x64_vmov_from_gpr(e, 8, XMM0, x64_reg(RCX));
    x64_vex_imm(e, PP_66, MAP_0F3A, true, 0x22, XMM0, XMM0, x64_reg(RDX), 1); /* VPINSRQ */
}

static bool to_vector(struct translation *t, const struct fpv *v, const struct fp_conversion *c)
{
    if (v->dbl && !v->q)
        return false;
    jit_flags_clobber(t);
    fp_begin(t);
    int a = fpv_src(t, v, v->rn, XMM1);
    if (v->dbl)
        to_longs(t, c, a);
    else
        to_words(t, c, a);
    fpv_done(t, v, XMM0, true);
    return true;
}

bool emit_fcvt_vec(struct translation *t, uint32_t insn)
{
    static const uint8_t how[4] = {ROUND_NEAREST, ROUND_DOWN, ROUND_UP, ROUND_ZERO};
    unsigned which = bits(insn, 23, 1) << 1 | bits(insn, 12, 1);
    struct fpv v;
    fpv_decode(insn, &v);
    struct fp_conversion c = {v.dbl, v.dbl, bits(insn, 29, 1),
                              bits(insn, 14, 1) ? ROUND_AWAY : how[which], 0};
    return to_vector(t, &v, &c);
}

bool emit_fcvt_fixed_vec(struct translation *t, uint32_t insn)
{
    struct fpv v;
    unsigned fbits;
    fpv_decode(insn, &v);
    v.dbl = fp_fixed_fields(insn, &fbits);
    struct fp_conversion c = {v.dbl, v.dbl, bits(insn, 29, 1), ROUND_ZERO, fbits};
    return to_vector(t, &v, &c);
}

/* ---- from integers ---- */

/* XMM0 <- singles of four integers. Of unsigned ones, both halves are exact, and only their sum
 * rounds. */
static void from_words(struct translation *t, bool is_unsigned, struct x64_rm rm)
{
    struct x64 *e = &t->e;
    if (!is_unsigned) {
        sse_packed(e, false, 0x5b, XMM0, 0, rm); /* VCVTDQ2PS */
        return;
    }
    int n = rm.reg;
    if (n < 0) {
        n = XMM1;
        x64_vmovdqu(e, XMM1, rm);
    }
    x64_vex_imm(e, PP_66, MAP_0F, false, 0x72, 2, XMM0, x64_reg(n), 16); /* VPSRLD */
    sse_zero(e, XMM2);
    x64_vop3a(e, 0x0e, XMM1, XMM2, x64_reg(n), 0x55); /* VPBLENDW */
    sse_packed(e, false, 0x5b, XMM0, 0, x64_reg(XMM0));
    sse_packed(e, false, 0x5b, XMM1, 0, x64_reg(XMM1));
    splat(e, false, XMM2, 0x47800000); /* 65536 */
    sse_packed(e, false, SSE_MUL, XMM0, XMM0, x64_reg(XMM2));
    sse_packed(e, false, SSE_ADD, XMM0, XMM0, x64_reg(XMM1));
}

static void from_long(struct x64 *e, bool is_unsigned, int xmm)
{
    if (is_unsigned)
        fp_from_u64(e, true, xmm);
    else
        fp_from_i64(e, true, xmm);
}

static void from_longs(struct translation *t, bool is_unsigned, unsigned rn)
{
    struct x64 *e = &t->e;
    int n = jit_vsrc(t, rn, XMM2);
    x64_vmov_to_gpr(e, 8, x64_reg(RAX), (unsigned)n);
    from_long(e, is_unsigned, XMM0);
    x64_vex_imm(e, PP_66, MAP_0F3A, true, 0x16, (unsigned)n, 0, x64_reg(RAX), 1); /* VPEXTRQ */
    from_long(e, is_unsigned, XMM1);
    sse_packed(e, true, SSE_UNPCKL, XMM0, XMM0, x64_reg(XMM1));
}

/* Dividing by the power of two is exact. */
static bool from_vector(struct translation *t, const struct fpv *v, bool is_unsigned,
                        unsigned fbits)
{
    struct x64 *e = &t->e;

    if (v->dbl && !v->q)
        return false;
    if (v->dbl && is_unsigned)
        jit_flags_clobber(t);
    fp_begin(t);
    if (v->dbl)
        from_longs(t, is_unsigned, v->rn);
    else
        from_words(t, is_unsigned, fpv_rm(t, v, v->rn, XMM1));
    if (fbits) {
        splat(e, v->dbl, XMM1, fp_power_of_two(v->dbl, -(int)fbits));
        sse_packed(e, v->dbl, SSE_MUL, XMM0, XMM0, x64_reg(XMM1));
    }
    fpv_done(t, v, XMM0, true);
    return true;
}

bool emit_cvtf_vec(struct translation *t, uint32_t insn)
{
    struct fpv v;
    fpv_decode(insn, &v);
    return from_vector(t, &v, bits(insn, 29, 1), 0);
}

bool emit_cvtf_fixed_vec(struct translation *t, uint32_t insn)
{
    struct fpv v;
    unsigned fbits;
    fpv_decode(insn, &v);
    v.dbl = fp_fixed_fields(insn, &fbits);
    return from_vector(t, &v, bits(insn, 29, 1), fbits);
}
