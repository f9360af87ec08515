/*
 * emit_fp.c - emitters of scalar floating point: moves, arithmetic, comparison and selection.
 */
#include "vcpu/interp/fp_core.h"
#include "vcpu/jit/constants.h"
#include "vcpu/jit/emit_fp.h"
#include "vcpu/jit/fp_emit.h"

/* ---- moves: these do not depend on FPCR ---- */

/* to <- the scalar Vn, the rest zero. */
static void take(struct translation *t, bool dbl, int to, unsigned n)
{
    struct x64 *e = &t->e;
    int r = jit_xmm(n);
    if (r < 0)
        sse_load(e, dbl, to, jit_v_mem(n));
    else if (t->vhigh[n] >= fp_want(dbl))
        sse_move(e, to, r);
    else if (dbl)
        x64_vmovq(e, (unsigned)to, x64_reg(r));
    else
        x64_vop3a(e, 0x21, (unsigned)to, (unsigned)r, x64_reg(r), 0x0e); /* VINSERTPS */
}

bool emit_fmov_scalar(struct translation *t, uint32_t insn)
{
    unsigned rd = bits(insn, 0, 5), rn = bits(insn, 5, 5);
    bool dbl = fp_dbl(insn);
    int to = jit_vdst(rd, XMM0);
    take(t, dbl, to, rn);
    jit_vdone(t, rd, to, fp_want(dbl));
    return true;
}

bool emit_fmov_imm(struct translation *t, uint32_t insn)
{
    unsigned rd = bits(insn, 0, 5);
    bool dbl = fp_dbl(insn);
    int to = jit_vdst(rd, XMM0);
    sse_constant(&t->e, dbl, to, fp_expand_imm(dbl ? FP_D : FP_S, bits(insn, 13, 8)));
    jit_vdone(t, rd, to, fp_want(dbl));
    return true;
}

/* FMOV Wd, Sn; Xd, Dn; Xd, Vn.D[1] */
bool emit_fmov_to_gp(struct translation *t, uint32_t insn)
{
    unsigned rd = reg_dst(bits(insn, 0, 5)), rn = bits(insn, 5, 5), form = bits(insn, 22, 2);
    unsigned width = form == 0 ? 4 : 8;
    int xmm = jit_xmm(rn);
    struct x64 *e = &t->e;
    if (rd == REG_SINK)
        return true;
    if (xmm < 0) {
        int reg = jit_dst(rd, RAX);
        struct x64_rm mem = jit_v_mem(rn);
        mem.disp += form == 2 ? 8 : 0;
        x64_mov(e, width, (unsigned)reg, mem);
        jit_done(t, rd, reg);
    } else if (form == 0) {
        int reg = jit_dst(rd, RAX);
        x64_vmov_to_gpr(e, 4, x64_reg(reg), (unsigned)xmm);
        jit_done(t, rd, reg);
    } else {
        if (form == 1)
            x64_vmov_to_gpr(e, 8, jit_rm(rd), (unsigned)xmm);
        else
            x64_vex_imm(e, PP_66, MAP_0F3A, true, 0x16, (unsigned)xmm, 0, jit_rm(rd),
                        1); /* VPEXTRQ */
        jit_wrote(t, rd);
    }
    return true;
}

/* The same the other way; the half that is not written stays. */
bool emit_fmov_from_gp(struct translation *t, uint32_t insn)
{
    unsigned rd = bits(insn, 0, 5), rn = reg_src(bits(insn, 5, 5)), form = bits(insn, 22, 2);
    struct x64 *e = &t->e;
    if (form == 2) {
        int xmm = jit_vsrc(t, rd, XMM0);
        x64_vex_imm(e, PP_66, MAP_0F3A, true, 0x22, (unsigned)xmm, (unsigned)xmm, jit_rm(rn),
                    1); /* VPINSRQ */
        jit_vdone(t, rd, xmm, VHIGH_ANY);
        return true;
    }
    int to = jit_vdst(rd, XMM0);
    if (rn == REG_ZERO)
        sse_zero(e, to);
    else
        x64_vmov_from_gpr(e, form == 0 ? 4 : 8, (unsigned)to, jit_rm(rn));
    jit_vdone(t, rd, to, fp_want(form != 0));
    return true;
}

/* FABS clears what is above the scalar by its mask. */
bool emit_fabs_scalar(struct translation *t, uint32_t insn)
{
    unsigned rd = bits(insn, 0, 5), rn = bits(insn, 5, 5);
    bool dbl = fp_dbl(insn);
    int to = jit_vdst(rd, XMM0), a = fp_src(t, dbl, rn, XMM0);
    sse_packed(&t->e, dbl, SSE_AND, to, a, jit_table(dbl ? TABLE_FP_ABS_D : TABLE_FP_ABS_S));
    jit_vdone(t, rd, to, fp_want(dbl));
    return true;
}

bool emit_fneg_scalar(struct translation *t, uint32_t insn)
{
    unsigned rd = bits(insn, 0, 5), rn = bits(insn, 5, 5);
    bool dbl = fp_dbl(insn);
    int to = jit_vdst(rd, XMM0), a = fp_src(t, dbl, rn, XMM0);
    sse_packed(&t->e, dbl, SSE_XOR, to, a, jit_table(dbl ? TABLE_FP_SIGN_D : TABLE_FP_SIGN_S));
    fp_done(t, dbl, rd, to, fp_src_high(t, dbl, rn));
    return true;
}

/* ---- arithmetic ---- */

/* Which operand the host has first: it must be a register, and the result's rest comes from it. */
static bool better_second(const struct translation *t, bool dbl, unsigned a, unsigned b)
{
    if (jit_xmm(b) < 0)
        return false;
    return jit_xmm(a) < 0 || (t->vhigh[a] < fp_want(dbl) && t->vhigh[b] >= fp_want(dbl));
}

static void swap(unsigned *a, unsigned *b)
{
    unsigned n = *a;
    *a = *b;
    *b = n;
}

/* FMUL FDIV FADD FSUB FNMUL, by bits 15:12. */
bool emit_fp_arith(struct translation *t, uint32_t insn)
{
    static const uint8_t ops[9] = {SSE_MUL, SSE_DIV, SSE_ADD, SSE_SUB, [8] = SSE_MUL};
    unsigned rd = bits(insn, 0, 5), rn = bits(insn, 5, 5), rm = bits(insn, 16, 5);
    unsigned which = bits(insn, 12, 4);
    enum sse_op op = (enum sse_op)ops[which];
    bool dbl = fp_dbl(insn);

    fp_begin(t);
    if ((op == SSE_ADD || op == SSE_MUL) && better_second(t, dbl, rn, rm))
        swap(&rn, &rm);
    jit_flags_clobber(t);
    enum vhigh high = fp_src_high(t, dbl, rn);
    int to = fp_dst(rd, rn, rm, rm), a = fp_src(t, dbl, rn, XMM1);
    fp_guard(t, dbl, false, SMALL_ARITH, x64_reg(a), XMM0);
    fp_guard(t, dbl, false, op == SSE_DIV ? SMALL_DIVISOR : SMALL_ARITH, jit_vrm(rm), XMM0);
    sse_scalar(&t->e, dbl, op, to, a, jit_vrm(rm));
    if (op == SSE_MUL)
        fp_check_tiny(t, dbl, to);
    else
        fp_check_nan(t, dbl, to);
    if (which == 8)
        sse_packed(&t->e, dbl, SSE_XOR, to, to, jit_table(dbl ? TABLE_FP_SIGN_D : TABLE_FP_SIGN_S));
    fp_done(t, dbl, rd, to, high);
    return true;
}

bool emit_fsqrt_scalar(struct translation *t, uint32_t insn)
{
    unsigned rd = bits(insn, 0, 5), rn = bits(insn, 5, 5);
    bool dbl = fp_dbl(insn);

    jit_flags_clobber(t);
    fp_begin(t);
    int to = fp_dst(rd, rn, rn, rn), a = fp_src(t, dbl, rn, XMM1);
    fp_guard(t, dbl, false, SMALL_NORMAL, x64_reg(a), XMM0);
    sse_scalar(&t->e, dbl, SSE_SQRT, to, fp_rest(t, dbl, rn, a), x64_reg(a));
    fp_check_nan(t, dbl, to);
    fp_done(t, dbl, rd, to, fp_want(dbl));
    return true;
}

/* FMADD FMSUB FNMADD FNMSUB, by bits 21 and 15. */
bool emit_fmadd(struct translation *t, uint32_t insn)
{
    /* VFMADD231, VFNMADD231, VFNMSUB231, VFMSUB231: FNMADD is -a - n*m. */
    static const uint8_t opcodes[4] = {0xb9, 0xbd, 0xbf, 0xbb};
    unsigned rd = bits(insn, 0, 5), rn = bits(insn, 5, 5), rm = bits(insn, 16, 5);
    unsigned ra = bits(insn, 10, 5);
    bool dbl = fp_dbl(insn);
    struct x64 *e = &t->e;

    if (!t->host->fma)
        return false;
    if (jit_xmm(rn) < 0 && jit_xmm(rm) >= 0)
        swap(&rn, &rm);
    jit_flags_clobber(t);
    fp_begin(t);
    enum vhigh high = fp_src_high(t, dbl, ra);
    int to = fp_dst(rd, rn, rm, ra), own = jit_xmm(ra), a = fp_src(t, dbl, rn, XMM1);
    fp_guard(t, dbl, false, SMALL_ARITH, jit_vrm(ra), XMM0);
    fp_guard(t, dbl, false, SMALL_ARITH, x64_reg(a), XMM0);
    fp_guard(t, dbl, false, SMALL_ARITH, jit_vrm(rm), XMM0);
    if (own >= 0)
        sse_move(e, to, own);
    else
        sse_load(e, dbl, to, jit_v_mem(ra));
    x64_vex(e, PP_66, MAP_0F38, dbl, opcodes[bits(insn, 21, 1) << 1 | bits(insn, 15, 1)],
            (unsigned)to, (unsigned)a, jit_vrm(rm));
    fp_check_tiny(t, dbl, to);
    fp_done(t, dbl, rd, to, high);
    return true;
}

/* FMAX FMIN FMAXNM FMINNM, by bit 12: without NaNs, the NM forms are the same. */
bool emit_fmax_scalar(struct translation *t, uint32_t insn)
{
    unsigned rd = bits(insn, 0, 5), rn = bits(insn, 5, 5), rm = bits(insn, 16, 5);
    bool dbl = fp_dbl(insn), max = !bits(insn, 12, 1);

    jit_flags_clobber(t);
    fp_begin(t);
    int a = fp_src(t, dbl, rn, XMM1), b = fp_src(t, dbl, rm, XMM2);
    enum vhigh ha = fp_src_high(t, dbl, rn), hb = fp_src_high(t, dbl, rm);
    fp_guard(t, dbl, false, SMALL_NORMAL, x64_reg(a), XMM0);
    fp_guard(t, dbl, false, SMALL_NORMAL, x64_reg(b), XMM0);
    /* Before: MAX and MIN find quiet NaNs invalid. */
    sse_packed(&t->e, dbl, SSE_UCOMI, a, 0, x64_reg(b));
    jit_slow(t, CC_P);
    int to = jit_vdst(rd, XMM0);
    fp_max_min(&t->e, dbl, false, max, to, a, b);
    /* The rest is the second operand's, combined with the first one's by AND or OR. */
    fp_done(t, dbl, rd, to, max == (ha < hb) ? hb : ha);
    return true;
}

/* ---- comparison and selection ---- */

/*
 * EFLAGS as VUCOMIS* leaves them, of numbers or unordered, to the form FLAGS_SUB. Greater is
 * 1 - 0, equal 0 - 0, less 0 - 1, unordered 0x80 - 1, which overflows. Uses RAX.
 */
static void flags_of_comparison(struct x64 *e)
{
    x64_setcc(e, CC_A, x64_reg(RAX));
    uint8_t *ordered = x64_jcc8(e, CC_NP);
    x64_u8(e, 0xb0); /* mov al, 0x80 */
    x64_u8(e, 0x80);
    x64_land8(e, ordered);
    x64_u8(e, 0x1c); /* sbb al, 0 */
    x64_u8(e, 0);
}

static void compare(struct translation *t, bool dbl, bool signal, unsigned rn, struct x64_rm b)
{
    int a = fp_src(t, dbl, rn, XMM0);
    sse_packed(&t->e, dbl, signal ? SSE_COMI : SSE_UCOMI, a, 0, b);
}

bool emit_fcmp(struct translation *t, uint32_t insn)
{
    unsigned rn = bits(insn, 5, 5), rm = bits(insn, 16, 5);
    bool dbl = fp_dbl(insn), zero = bits(insn, 3, 1), signal = bits(insn, 4, 1);

    jit_flags_clobber(t);
    fp_begin(t);
    fp_guard(t, dbl, false, SMALL_NORMAL, jit_vrm(rn), XMM0);
    if (!zero)
        fp_guard(t, dbl, false, SMALL_NORMAL, jit_vrm(rm), XMM0);
    compare(t, dbl, signal, rn, zero ? jit_gpr_mem(REG_ZERO) : jit_vrm(rm));
    if (!t->flags_after)
        return true;
    if (rn == rm && !zero) {
        /* The usual test for a NaN. */
        flags_of_comparison(&t->e);
        jit_flags_set(t, FLAGS_SUB);
    } else {
        jit_slow(t, CC_P);
        jit_flags_set(t, FLAGS_FCMP);
    }
    return true;
}

bool emit_fccmp(struct translation *t, uint32_t insn)
{
    unsigned rn = bits(insn, 5, 5), rm = bits(insn, 16, 5), cond = bits(insn, 12, 4);
    bool dbl = fp_dbl(insn), signal = bits(insn, 4, 1);
    struct x64 *e = &t->e;

    if (!jit_fp_plain(t))
        return false;
    if (cond >= 14) {
        compare(t, dbl, signal, rn, jit_vrm(rm));
        flags_of_comparison(e);
    } else {
        uint8_t *no = x64_jcc8(e, jit_cond(t, cond) ^ 1);
        compare(t, dbl, signal, rn, jit_vrm(rm));
        flags_of_comparison(e);
        uint8_t *end = x64_jmp8(e);
        x64_land8(e, no);
        jit_flags_constant(t, bits(insn, 0, 4) << 28);
        x64_land8(e, end);
    }
    if (t->flags_after)
        jit_flags_set(t, FLAGS_SUB);
    return true;
}

bool emit_fcsel(struct translation *t, uint32_t insn)
{
    unsigned rd = bits(insn, 0, 5), rn = bits(insn, 5, 5), rm = bits(insn, 16, 5);
    unsigned cond = bits(insn, 12, 4);
    bool dbl = fp_dbl(insn);

    if (cond >= 14 || rn == rm)
        return emit_fmov_scalar(t, insn);
    enum x64_cc skip = jit_cond(t, cond);
    if (rd == rm) {
        /* Already there: Vn replaces it. */
        swap(&rn, &rm);
        skip ^= 1;
    }
    int to = jit_vdst(rd, XMM0);
    take(t, dbl, to, rn);
    uint8_t *end = x64_jcc8(&t->e, skip);
    take(t, dbl, to, rm);
    x64_land8(&t->e, end);
    jit_vdone(t, rd, to, fp_want(dbl));
    return true;
}
