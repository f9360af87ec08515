/*
 * emit_simd_diff.c - Advanced SIMD "three different" and "vector by indexed element": long, wide
 * and narrow forms, and products with one element.
 */
#include "vcpu/jit/emit_simd.h"
#include "vcpu/jit/simd_util.h"

/* SADDL UADDL SADDW UADDW SSUBL USUBL SSUBW USUBW. */
bool emit_simd_addl(struct translation *t, uint32_t insn)
{
    unsigned size = f_size(insn), rd = f_rd(insn), rn = f_rn(insn), rm = f_rm(insn);
    bool wide = bits(insn, 12, 1), sub = bits(insn, 13, 1), is_signed = !f_u(insn);
    int dst = jit_vdst(rd, XMM0), n;
    simd_widen(t, XMM1, rm, size, is_signed, f_q(insn));
    if (wide) {
        n = jit_vsrc(t, rn, XMM0);
    } else if (rn == rm) {
        n = XMM1;
    } else {
        n = XMM0;
        simd_widen(t, XMM0, rn, size, is_signed, f_q(insn));
    }
    v_rr(t, simd_same_ops[sub ? SAME_SUB : SAME_ADD][size + 1], dst, n, XMM1);
    jit_vdone(t, rd, dst, VHIGH_ANY);
    return true;
}

/* ADDHN RADDHN SUBHN RSUBHN. */
bool emit_simd_addhn(struct translation *t, uint32_t insn)
{
    static const uint8_t half[3] = {TABLE_WORDS_0080, TABLE_DWORDS_8000, TABLE_QWORDS_80000000};
    unsigned size = f_size(insn), rd = f_rd(insn);
    int to = f_q(insn) ? XMM0 : jit_vdst(rd, XMM0);
    v_op(t, simd_same_ops[bits(insn, 13, 1) ? SAME_SUB : SAME_ADD][size + 1], XMM0,
         jit_vsrc(t, f_rn(insn), XMM0), jit_vrm(f_rm(insn)));
    if (f_u(insn))
        v_op(t, simd_same_ops[SAME_ADD][size + 1], XMM0, XMM0, jit_table(half[size]));
    v_op(t, VPSHUFB, to, XMM0, jit_table(TABLE_NARROW_HIGH + size));
    v_narrowed(t, rd, to, f_q(insn));
    return true;
}

/* SABDL UABDL SABAL UABAL: differences fit the narrow lanes as unsigned ones. */
bool emit_simd_abdl(struct translation *t, uint32_t insn)
{
    static const uint8_t step[3] = {0, 3, 5};
    unsigned size = f_size(insn), rd = f_rd(insn);
    int dst = jit_vdst(rd, XMM0);
    int n = jit_vsrc(t, f_rn(insn), XMM0), m = jit_vsrc(t, f_rm(insn), XMM2);
    v_rr(t, simd_same_ops[f_u(insn) ? SAME_UMAX : SAME_SMAX][size], XMM1, n, m);
    v_rr(t, simd_same_ops[f_u(insn) ? SAME_UMIN : SAME_SMIN][size], XMM0, n, m);
    v_rr(t, simd_same_ops[SAME_SUB][size], XMM0, XMM1, XMM0);
    if (f_q(insn))
        v_pshufd(t, XMM0, x64_reg(XMM0), 0xee);
    bool accumulate = !bits(insn, 13, 1);
    v_un(t, VPMOVZXBW + step[size], accumulate ? XMM0 : dst, x64_reg(XMM0));
    if (accumulate)
        v_op(t, simd_same_ops[SAME_ADD][size + 1], dst, XMM0, jit_vrm(rd));
    jit_vdone(t, rd, dst, VHIGH_ANY);
    return true;
}

/*
 * XMM0 <- products of the low (or upper) halves of Vn and m, twice as wide. m is a register or
 * memory, where `element` says that all its lanes are the same; else it is Vm. Uses XMM1, XMM2.
 */
static void long_product(struct translation *t, uint32_t insn, unsigned rn, struct x64_rm m,
                         bool element)
{
    unsigned size = f_size(insn);
    bool upper = f_q(insn), is_signed = !f_u(insn);
    if (size == 0) {
        simd_widen(t, XMM0, rn, 0, is_signed, upper);
        simd_widen(t, XMM1, f_rm(insn), 0, is_signed, upper);
        v_rr(t, VPMULLW, XMM0, XMM0, XMM1);
    } else if (size == 1) {
        int n = jit_vsrc(t, rn, XMM2);
        v_op(t, is_signed ? VPMULHW : VPMULHUW, XMM1, n, m);
        v_op(t, VPMULLW, XMM0, n, m);
        v_rr(t, upper ? VPUNPCKHWD : VPUNPCKLWD, XMM0, XMM0, XMM1);
    } else {
        unsigned spread = upper ? 0xfa : 0x50;
        if (!element) {
            v_pshufd(t, XMM1, m, spread);
            m = x64_reg(XMM1);
        }
        v_pshufd(t, XMM0, jit_vrm(rn), spread);
        v_op(t, is_signed ? VPMULDQ : VPMULUDQ, XMM0, XMM0, m);
    }
}

/* Vd <- XMM0, or Vd plus or minus XMM0, 128 bits of lanes of `size`. */
static void accumulated(struct translation *t, unsigned rd, unsigned size, bool add, bool sub)
{
    int dst = jit_vdst(rd, XMM0);
    if (add)
        v_op(t, simd_same_ops[SAME_ADD][size], dst, XMM0, jit_vrm(rd));
    else if (sub)
        v_rr(t, simd_same_ops[SAME_SUB][size], dst, jit_vsrc(t, rd, XMM1), XMM0);
    else
        dst = XMM0;
    jit_vdone(t, rd, dst, VHIGH_ANY);
}

/* SMULL UMULL SMLAL UMLAL SMLSL UMLSL. */
bool emit_simd_mull(struct translation *t, uint32_t insn)
{
    unsigned opcode = bits(insn, 12, 4);
    long_product(t, insn, f_rn(insn), jit_vrm(f_rm(insn)), false);
    accumulated(t, f_rd(insn), f_size(insn) + 1, opcode == 8, opcode == 10);
    return true;
}

/* SQDMULL SQDMLAL SQDMLSL: only the square of the most negative number overflows when doubled, to
 * the most negative one. */
static void doubling_long(struct translation *t, uint32_t insn, struct x64_rm m, bool element,
                          bool sub)
{
    unsigned size = f_size(insn) + 1, bytes = f_scalar(insn) ? 1u << size : 16, rd = f_rd(insn);
    bool accumulate = t->id != A64_SQDMULL_v && t->id != A64_SQDMULL_s &&
                      t->id != A64_SQDMULL_elem && t->id != A64_SQDMULL_elem_s;
    struct x64_rm least = size == 2 ? JIT_CONST(sign_s) : JIT_CONST(sign_d);
    jit_flags_clobber(t);
    /* Bit 30 is Q, for the upper half; scalars have it set. */
    long_product(t, f_scalar(insn) ? insn & ~(1u << 30) : insn, f_rn(insn), m, element);
    v_rr(t, simd_same_ops[SAME_ADD][size], XMM1, XMM0, XMM0);
    v_op(t, simd_same_ops[SAME_CMEQ][size], XMM2, XMM1, least);
    v_rr(t, VPXOR, XMM1, XMM1, XMM2);
    v_saturated(t, XMM2, v_mask(bytes));
    if (accumulate)
        simd_add_saturated(t, rd, sub, size, bytes);
    else
        v_done(t, rd, XMM1, bytes, VHIGH_ANY);
}

bool emit_simd_sqdmull(struct translation *t, uint32_t insn)
{
    doubling_long(t, insn, jit_vrm(f_rm(insn)), false, bits(insn, 12, 4) == 11);
    return true;
}

/* ---- by element ---- */

/* XMM3 <- the element in all lanes. 16-bit elements need M for the index, which leaves V0 to V15.
 */
static void element(struct translation *t, uint32_t insn)
{
    unsigned h = bits(insn, 11, 1), l = bits(insn, 21, 1), m = bits(insn, 20, 1);
    if (f_size(insn) == 1)
        simd_broadcast(t, XMM3, bits(insn, 16, 4), 1, h << 2 | l << 1 | m);
    else
        simd_broadcast(t, XMM3, f_rm(insn), 2, h << 1 | l);
}

/* MUL MLA MLS. */
bool emit_simd_mul_elem(struct translation *t, uint32_t insn)
{
    unsigned size = f_size(insn), bytes = f_q(insn) ? 16 : 8, rd = f_rd(insn), rn = f_rn(insn);
    bool add = t->id == A64_MLA_elem, sub = t->id == A64_MLS_elem;
    enum vhigh known = add || sub ? v_high2(t, rn, rd) : v_high(t, rn);
    int dst = jit_vdst(rd, XMM0);
    element(t, insn);
    simd_mul(t, add || sub ? XMM0 : dst, XMM3, jit_vrm(rn), size);
    if (add)
        v_op(t, simd_same_ops[SAME_ADD][size], dst, XMM0, jit_vrm(rd));
    else if (sub)
        v_rr(t, simd_same_ops[SAME_SUB][size], dst, jit_vsrc(t, rd, XMM1), XMM0);
    v_done(t, rd, dst, bytes, known);
    return true;
}

/* SMULL UMULL SMLAL UMLAL SMLSL UMLSL. */
bool emit_simd_mull_elem(struct translation *t, uint32_t insn)
{
    unsigned opcode = bits(insn, 12, 4);
    element(t, insn);
    long_product(t, insn, f_rn(insn), x64_reg(XMM3), true);
    accumulated(t, f_rd(insn), f_size(insn) + 1, opcode == 2, opcode == 6);
    return true;
}

bool emit_simd_sqdmull_elem(struct translation *t, uint32_t insn)
{
    element(t, insn);
    doubling_long(t, insn, x64_reg(XMM3), true, bits(insn, 12, 4) == 7);
    return true;
}

/* SQDMULH SQRDMULH, also scalar. */
bool emit_simd_doubling_elem(struct translation *t, uint32_t insn)
{
    unsigned size = f_size(insn), bytes = f_bytes(insn, size);
    jit_flags_clobber(t);
    element(t, insn);
    simd_doubling_high(t, XMM0, f_rn(insn), x64_reg(XMM3), size, bits(insn, 12, 1), bytes);
    v_done(t, f_rd(insn), XMM0, bytes, VHIGH_ANY);
    return true;
}

/* SDOT UDOT: the element is four bytes. */
bool emit_simd_dot_elem(struct translation *t, uint32_t insn)
{
    element(t, insn);
    simd_dot(t, f_rd(insn), f_rn(insn), x64_reg(XMM3), !f_u(insn), f_q(insn) ? 16 : 8);
    return true;
}
