/*
 * emit_fp_cvt.c - emitters of scalar conversions: between formats, to and from integers and fixed
 * point, and rounding to integral values.
 */
#include "vcpu/jit/constants.h"
#include "vcpu/jit/emit_fp.h"
#include "vcpu/jit/fp_emit.h"

/* ---- between formats ---- */

/* FCVT Dd, Sn and Sd, Dn */
bool emit_fcvt(struct translation *t, uint32_t insn)
{
    unsigned rd = bits(insn, 0, 5), rn = bits(insn, 5, 5);
    bool from_dbl = fp_dbl(insn);

    jit_flags_clobber(t);
    fp_begin(t);
    int to = fp_dst(rd, rn, rn, rn), a = fp_src(t, from_dbl, rn, XMM1), rest = a;
    fp_guard(t, from_dbl, false, from_dbl ? SMALL_NARROW : SMALL_NORMAL, x64_reg(a), XMM0);
    /* The upper half of a double stands where the narrower result must be followed by zeros. */
    if (from_dbl || fp_src_high(t, false, rn) == VHIGH_ANY) {
        rest = XMM2;
        sse_zero(&t->e, rest);
    }
    sse_scalar(&t->e, from_dbl, SSE_CVT, to, rest, x64_reg(a));
    if (from_dbl)
        fp_check_tiny(t, false, to);
    else
        fp_check_nan(t, true, to);
    fp_done(t, !from_dbl, rd, to, fp_want(!from_dbl));
    return true;
}

/* FCVT Sd, Hn and Dd, Hn. The host converts four lanes; the other three are made zero first. */
bool emit_fcvt_from_h(struct translation *t, uint32_t insn)
{
    unsigned rd = bits(insn, 0, 5), rn = bits(insn, 5, 5);
    bool to_dbl = bits(insn, 15, 1);
    struct x64 *e = &t->e;
    int r = jit_xmm(rn);

    if (!jit_fp_plain(t) || !t->host->f16c)
        return false;
    jit_flags_clobber(t);
    if (r >= 0)
        x64_vex_imm(e, PP_66, MAP_0F, false, 0xc5, RAX, 0, x64_reg(r), 0); /* VPEXTRW */
    else
        x64_movzx(e, 2, RAX, jit_v_mem(rn));
    x64_vmov_from_gpr(e, 4, XMM0, x64_reg(RAX));
    x64_vop38(e, 0x13, XMM0, 0, x64_reg(XMM0)); /* VCVTPH2PS */
    fp_check_nan(t, false, XMM0);
    if (to_dbl)
        sse_scalar(e, false, SSE_CVT, XMM0, XMM0, x64_reg(XMM0));
    fp_done(t, to_dbl, rd, XMM0, fp_want(to_dbl));
    return true;
}

/* FCVT Hd, Sn. From a double the host would round twice. */
bool emit_fcvt_to_h(struct translation *t, uint32_t insn)
{
    unsigned rd = bits(insn, 0, 5), rn = bits(insn, 5, 5);
    struct x64 *e = &t->e;

    if (!jit_fp_plain(t) || !t->host->f16c)
        return false;
    jit_flags_clobber(t);
    int a = fp_src(t, false, rn, XMM1);
    if (fp_src_high(t, false, rn) != VHIGH_ZERO32) {
        x64_vop3a(e, 0x21, XMM1, (unsigned)a, x64_reg(a), 0x0e); /* VINSERTPS */
        a = XMM1;
    }
    fp_check_nan(t, false, a);
    x64_vop3a(e, 0x1d, (unsigned)a, 0, x64_reg(XMM0), 0); /* VCVTPS2PH */
    x64_vmov_to_gpr(e, 4, x64_reg(RAX), XMM0);
    x64_alu_imm(e, ALU_AND, 4, x64_reg(RAX), 0x7fff);
    x64_alu_imm(e, ALU_CMP, 4, x64_reg(RAX), 0x0400); /* the smallest normal number */
    jit_slow(t, CC_E);
    jit_vdone(t, rd, XMM0, VHIGH_ZERO32);
    return true;
}

/* ---- to integral values ---- */

/* The fraction, doubled and truncated, is what to add to the integral part. */
void fp_round_away(struct x64 *e, bool dbl, bool packed, int a)
{
    sse_round(e, dbl, packed, ROUND_ZERO | ROUND_QUIET, XMM0, a, x64_reg(a));
    sse_either(e, dbl, packed, SSE_SUB, XMM2, a, x64_reg(XMM0));
    sse_either(e, dbl, packed, SSE_ADD, XMM2, XMM2, x64_reg(XMM2));
    sse_round(e, dbl, packed, ROUND_ZERO | ROUND_QUIET, XMM2, XMM2, x64_reg(XMM2));
    sse_either(e, dbl, packed, SSE_ADD, XMM0, XMM0, x64_reg(XMM2));
}

/* Numbers that have no fraction anyway go to the interpreter, with infinities and NaNs. */
static void frinta(struct translation *t, bool dbl, unsigned rd, unsigned rn)
{
    struct x64 *e = &t->e;
    int a = fp_src(t, dbl, rn, XMM1);
    sse_packed(e, dbl, SSE_AND, XMM3, a, dbl ? JIT_CONST(abs_d) : JIT_CONST(abs_s));
    sse_constant(e, dbl, XMM2, dbl ? 0x4330000000000000 : 0x4b000000); /* 2^52, 2^23 */
    sse_packed(e, dbl, SSE_UCOMI, XMM2, 0, x64_reg(XMM3));
    jit_slow(t, CC_BE);
    fp_round_away(e, dbl, false, a);
    sse_packed(e, dbl, SSE_AND, XMM2, a, dbl ? JIT_CONST(sign_d) : JIT_CONST(sign_s));
    sse_packed(e, dbl, SSE_OR, XMM0, XMM0, x64_reg(XMM2));
    fp_done(t, dbl, rd, XMM0, VHIGH_ANY);
}

/* By bits 17:15: FRINTN P M Z A - X I. X alone raises Inexact. */
bool emit_frint_scalar(struct translation *t, uint32_t insn)
{
    static const uint8_t how[8] = {ROUND_NEAREST | ROUND_QUIET,
                                   ROUND_UP | ROUND_QUIET,
                                   ROUND_DOWN | ROUND_QUIET,
                                   ROUND_ZERO | ROUND_QUIET,
                                   ROUND_AWAY,
                                   0,
                                   ROUND_NEAREST,
                                   ROUND_NEAREST | ROUND_QUIET};
    unsigned rd = bits(insn, 0, 5), rn = bits(insn, 5, 5), mode = how[bits(insn, 15, 3)];
    bool dbl = fp_dbl(insn);

    jit_flags_clobber(t);
    fp_begin(t);
    fp_guard(t, dbl, false, SMALL_NORMAL, jit_vrm(rn), XMM0);
    if (mode == ROUND_AWAY) {
        frinta(t, dbl, rd, rn);
        return true;
    }
    int to = fp_dst(rd, rn, rn, rn), a = fp_src(t, dbl, rn, XMM1);
    sse_round(&t->e, dbl, false, mode, to, fp_rest(t, dbl, rn, a), x64_reg(a));
    fp_check_nan(t, dbl, to);
    fp_done(t, dbl, rd, to, fp_want(dbl));
    return true;
}

/* ---- to integers ---- */

static void truncate(struct x64 *e, bool dbl, bool wide, int dst, struct x64_rm rm)
{
    x64_vex(e, dbl ? PP_F2 : PP_F3, MAP_0F, wide, 0x2c, (unsigned)dst, 0, rm);
}

/* To the interpreter unless the scalar in xmm is below the limit; unsigned ones may not be negative
 * either. A negative sign makes the exponent field look large. */
static void check_range(struct translation *t, const struct fp_conversion *c, int xmm)
{
    struct x64 *e = &t->e;
    unsigned power = !c->wide && c->is_unsigned ? 32 : !c->wide ? 31 : 63;
    x64_vmov_to_gpr(e, c->dbl ? 8 : 4, x64_reg(RAX), (unsigned)xmm);
    x64_shift_imm(e, SHIFT_SHR, c->dbl ? 8 : 4, x64_reg(RAX), c->dbl ? 52 : 23);
    if (!c->is_unsigned)
        x64_alu_imm(e, ALU_AND, 4, x64_reg(RAX), c->dbl ? 0x7ff : 0xff);
    x64_alu_imm(e, ALU_CMP, 4, x64_reg(RAX), (int32_t)((c->dbl ? 1023 : 127) + power - c->fbits));
    jit_slow(t, CC_AE);
}

/*
 * An integer out of range is Invalid Operation and not Inexact, so what could raise Inexact comes
 * after the check, unless numbers out of range have no fraction.
 */
void fp_to_integer(struct translation *t, const struct fp_conversion *c, int a, int dst)
{
    struct x64 *e = &t->e;
    int from = a;
    bool late = false;
    fp_guard(t, c->dbl, false, SMALL_NORMAL, x64_reg(a), XMM0);
    if (c->fbits) {
        check_range(t, c, a);
        sse_constant(e, c->dbl, XMM2, fp_power_of_two(c->dbl, (int)c->fbits));
        sse_scalar(e, c->dbl, SSE_MUL, XMM0, a, x64_reg(XMM2));
        from = XMM0;
    } else if (c->rounding == ROUND_AWAY) {
        fp_round_away(e, c->dbl, false, a);
        from = XMM0;
        late = true;
    } else if (c->rounding != ROUND_ZERO) {
        late = c->is_unsigned || (c->dbl && !c->wide);
        sse_round(e, c->dbl, false, c->rounding | (late ? ROUND_QUIET : 0), XMM0, a, x64_reg(a));
        from = XMM0;
    }
    if (c->is_unsigned && !c->fbits)
        check_range(t, c, from);
    truncate(e, c->dbl, c->wide || c->is_unsigned, dst, x64_reg(from));
    if (!c->is_unsigned && !c->fbits) {
        /* The one result that stands for failure as well is the least integer. */
        x64_alu_imm(e, ALU_CMP, c->wide ? 8 : 4, x64_reg(dst), 1);
        jit_slow(t, CC_O);
    }
    if (late)
        sse_round(e, c->dbl, false, ROUND_ZERO, XMM0, a, x64_reg(a));
}

/* By FPCR's order N P M Z. */
static const uint8_t rounding_of[4] = {ROUND_NEAREST, ROUND_UP, ROUND_DOWN, ROUND_ZERO};

static bool to_gp(struct translation *t, uint32_t insn, const struct fp_conversion *c)
{
    unsigned rd = reg_dst(bits(insn, 0, 5));
    int dst = jit_dst(rd, RAX);

    jit_flags_clobber(t);
    fp_begin(t);
    fp_to_integer(t, c, fp_src(t, c->dbl, bits(insn, 5, 5), XMM1), dst);
    jit_done(t, rd, dst);
    return true;
}

bool emit_fcvt_gp(struct translation *t, uint32_t insn)
{
    struct fp_conversion c = {fp_dbl(insn), bits(insn, 31, 1), bits(insn, 16, 1),
                              bits(insn, 18, 1) ? ROUND_AWAY : rounding_of[bits(insn, 19, 2)], 0};
    return to_gp(t, insn, &c);
}

bool emit_fcvt_gp_fixed(struct translation *t, uint32_t insn)
{
    struct fp_conversion c = {fp_dbl(insn), bits(insn, 31, 1), bits(insn, 16, 1), ROUND_ZERO,
                              64 - bits(insn, 10, 6)};
    return to_gp(t, insn, &c);
}

/* FJCVTZS: Z says that the integer is the number, which -0 is not. */
bool emit_fjcvtzs(struct translation *t, uint32_t insn)
{
    unsigned rd = reg_dst(bits(insn, 0, 5));
    int dst = jit_dst(rd, RAX);
    struct x64 *e = &t->e;

    jit_flags_clobber(t);
    fp_begin(t);
    int a = fp_src(t, true, bits(insn, 5, 5), XMM1);
    fp_guard(t, true, false, SMALL_NORMAL, x64_reg(a), XMM0);
    truncate(e, true, false, dst, x64_reg(a));
    x64_alu_imm(e, ALU_CMP, 4, x64_reg(dst), 1);
    jit_slow(t, CC_O);
    jit_done(t, rd, dst);
    if (!t->flags_after)
        return true;
    sse_zero(e, XMM0);
    x64_vex(e, PP_F2, MAP_0F, false, 0x2a, XMM0, XMM0, x64_reg(dst));
    x64_vmov_to_gpr(e, 8, x64_reg(RCX), XMM0);
    x64_vmov_to_gpr(e, 8, x64_reg(RDX), (unsigned)a);
    x64_alu(e, ALU_CMP, 8, RCX, x64_reg(RDX));
    x64_setcc(e, CC_NE, x64_reg(RCX));
    x64_test(e, 1, x64_reg(RCX), RCX);
    jit_flags_set(t, FLAGS_ADD);
    return true;
}

static bool to_sisd(struct translation *t, uint32_t insn, const struct fp_conversion *c)
{
    unsigned rd = bits(insn, 0, 5);
    int to = jit_vdst(rd, XMM0);

    jit_flags_clobber(t);
    fp_begin(t);
    fp_to_integer(t, c, fp_src(t, c->dbl, bits(insn, 5, 5), XMM1), RAX);
    x64_vmov_from_gpr(&t->e, c->dbl ? 8 : 4, (unsigned)to, x64_reg(RAX));
    jit_vdone(t, rd, to, fp_want(c->dbl));
    return true;
}

/* By bits 23 and 12: N M P Z; A differs in bit 14. */
bool emit_fcvt_sisd(struct translation *t, uint32_t insn)
{
    static const uint8_t how[4] = {ROUND_NEAREST, ROUND_DOWN, ROUND_UP, ROUND_ZERO};
    bool dbl = fp_dbl(insn);
    unsigned which = bits(insn, 23, 1) << 1 | bits(insn, 12, 1);
    struct fp_conversion c = {dbl, dbl, bits(insn, 29, 1),
                              bits(insn, 14, 1) ? ROUND_AWAY : how[which], 0};
    return to_sisd(t, insn, &c);
}

bool emit_fcvt_fixed_sisd(struct translation *t, uint32_t insn)
{
    unsigned fbits;
    bool dbl = fp_fixed_fields(insn, &fbits);
    struct fp_conversion c = {dbl, dbl, bits(insn, 29, 1), ROUND_ZERO, fbits};
    return to_sisd(t, insn, &c);
}

/* ---- from integers ---- */

static void convert(struct x64 *e, bool dbl, bool wide, int xmm, struct x64_rm rm)
{
    sse_zero(e, xmm);
    x64_vex(e, dbl ? PP_F2 : PP_F3, MAP_0F, wide, 0x2a, (unsigned)xmm, (unsigned)xmm, rm);
}

void fp_from_i64(struct x64 *e, bool dbl, int xmm)
{
    convert(e, dbl, true, xmm, x64_reg(RAX));
}

void fp_from_u64(struct x64 *e, bool dbl, int xmm)
{
    x64_test(e, 8, x64_reg(RAX), RAX);
    uint8_t *small = x64_jcc8(e, CC_NS);
    x64_mov(e, 4, RCX, x64_reg(RAX));
    x64_alu_imm(e, ALU_AND, 4, x64_reg(RCX), 1);
    x64_shift_imm(e, SHIFT_SHR, 8, x64_reg(RAX), 1);
    x64_alu(e, ALU_OR, 8, RAX, x64_reg(RCX));
    fp_from_i64(e, dbl, xmm);
    sse_scalar(e, dbl, SSE_ADD, xmm, xmm, x64_reg(xmm));
    uint8_t *end = x64_jmp8(e);
    x64_land8(e, small);
    fp_from_i64(e, dbl, xmm);
    x64_land8(e, end);
}

/*
 * The scalar Vd <- the integer in rm. It may be RAX; unsigned ones must be, extended to 64 bits.
 * Dividing by the power of two is exact.
 */
static void from_integer(struct translation *t, const struct fp_conversion *c, unsigned rd,
                         struct x64_rm rm)
{
    struct x64 *e = &t->e;
    int to = jit_vdst(rd, XMM0);
    if (c->is_unsigned && c->wide)
        fp_from_u64(e, c->dbl, to);
    else
        convert(e, c->dbl, c->wide || c->is_unsigned, to, rm);
    if (c->fbits) {
        sse_constant(e, c->dbl, XMM1, fp_power_of_two(c->dbl, -(int)c->fbits));
        sse_scalar(e, c->dbl, SSE_MUL, to, to, x64_reg(XMM1));
    }
    jit_vdone(t, rd, to, fp_want(c->dbl));
}

static bool from_gp(struct translation *t, uint32_t insn, const struct fp_conversion *c)
{
    unsigned rn = reg_src(bits(insn, 5, 5));

    fp_begin(t);
    if (c->is_unsigned) {
        if (c->wide)
            jit_flags_clobber(t);
        jit_load(t, c->wide ? 8 : 4, RAX, rn);
    }
    from_integer(t, c, bits(insn, 0, 5), c->is_unsigned ? x64_reg(RAX) : jit_rm(rn));
    return true;
}

bool emit_cvtf_gp(struct translation *t, uint32_t insn)
{
    struct fp_conversion c = {fp_dbl(insn), bits(insn, 31, 1), bits(insn, 16, 1), 0, 0};
    return from_gp(t, insn, &c);
}

bool emit_cvtf_gp_fixed(struct translation *t, uint32_t insn)
{
    struct fp_conversion c = {fp_dbl(insn), bits(insn, 31, 1), bits(insn, 16, 1), 0,
                              64 - bits(insn, 10, 6)};
    return from_gp(t, insn, &c);
}

static bool from_sisd(struct translation *t, uint32_t insn, const struct fp_conversion *c)
{
    unsigned rn = bits(insn, 5, 5), width = c->dbl ? 8 : 4;

    fp_begin(t);
    if (c->is_unsigned && c->wide)
        jit_flags_clobber(t);
    struct x64_rm rm = jit_v_mem(rn);
    if (jit_xmm(rn) >= 0) {
        x64_vmov_to_gpr(&t->e, width, x64_reg(RAX), (unsigned)jit_xmm(rn));
        rm = x64_reg(RAX);
    } else if (c->is_unsigned) {
        x64_mov(&t->e, width, RAX, rm);
        rm = x64_reg(RAX);
    }
    from_integer(t, c, bits(insn, 0, 5), rm);
    return true;
}

bool emit_cvtf_sisd(struct translation *t, uint32_t insn)
{
    bool dbl = fp_dbl(insn);
    struct fp_conversion c = {dbl, dbl, bits(insn, 29, 1), 0, 0};
    return from_sisd(t, insn, &c);
}

bool emit_cvtf_fixed_sisd(struct translation *t, uint32_t insn)
{
    unsigned fbits;
    bool dbl = fp_fixed_fields(insn, &fbits);
    struct fp_conversion c = {dbl, dbl, bits(insn, 29, 1), 0, fbits};
    return from_sisd(t, insn, &c);
}
