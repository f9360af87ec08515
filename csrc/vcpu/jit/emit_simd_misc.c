/*
 * emit_simd_misc.c - Advanced SIMD "two-register miscellaneous", integer, and "across lanes".
 */
#include "vcpu/jit/emit_simd.h"
#include "vcpu/jit/simd_util.h"

/* REV64 REV32 REV16: one shuffle. */
bool emit_simd_rev(struct translation *t, uint32_t insn)
{
    unsigned size = f_size(insn), rd = f_rd(insn), rn = f_rn(insn);
    int dst = jit_vdst(rd, XMM0);
    if (bits(insn, 12, 1))
        v_op(t, VPSHUFB, dst, jit_vsrc(t, rn, XMM0), jit_table(TABLE_REV16));
    else if (size == 2)
        v_pshufd(t, dst, jit_vrm(rn), 0xb1);
    else
        v_op(t, VPSHUFB, dst, jit_vsrc(t, rn, XMM0),
             jit_table((f_u(insn) ? TABLE_REV32 : TABLE_REV64) + size));
    v_done(t, rd, dst, f_q(insn) ? 16 : 8, v_high(t, rn));
    return true;
}

/* XMM0 <- the low nibble of each byte of n (not XMM1), XMM1 <- the high one. */
static void nibbles(struct translation *t, int n)
{
    v_shift(t, V_SRL, 1, XMM1, n, 4);
    v_op(t, VPAND, XMM0, n, jit_table(TABLE_BYTES_0F));
    v_op(t, VPAND, XMM1, XMM1, jit_table(TABLE_BYTES_0F));
}

/* CNT. */
bool emit_simd_cnt(struct translation *t, uint32_t insn)
{
    unsigned rd = f_rd(insn), rn = f_rn(insn);
    int dst = jit_vdst(rd, XMM0);
    nibbles(t, jit_vsrc(t, rn, XMM0));
    x64_vmovdqu(&t->e, XMM2, jit_table(TABLE_NIBBLE_CNT));
    v_rr(t, VPSHUFB, XMM0, XMM2, XMM0);
    v_rr(t, VPSHUFB, XMM1, XMM2, XMM1);
    v_rr(t, VPADDB, dst, XMM0, XMM1);
    v_done(t, rd, dst, f_q(insn) ? 16 : 8, v_high(t, rn));
    return true;
}

/* RBIT. */
bool emit_simd_rbit(struct translation *t, uint32_t insn)
{
    unsigned rd = f_rd(insn), rn = f_rn(insn);
    int dst = jit_vdst(rd, XMM0);
    nibbles(t, jit_vsrc(t, rn, XMM0));
    x64_vmovdqu(&t->e, XMM2, jit_table(TABLE_NIBBLE_REV_HIGH));
    v_rr(t, VPSHUFB, XMM0, XMM2, XMM0);
    x64_vmovdqu(&t->e, XMM2, jit_table(TABLE_NIBBLE_REV));
    v_rr(t, VPSHUFB, XMM1, XMM2, XMM1);
    v_rr(t, VPOR, dst, XMM0, XMM1);
    v_done(t, rd, dst, f_q(insn) ? 16 : 8, v_high(t, rn));
    return true;
}

/* XMM0 <- leading zeroes of each lane of n, which may be XMM0, not XMM1. */
static void leading_zeroes(struct translation *t, int n, unsigned size)
{
    nibbles(t, n);
    x64_vmovdqu(&t->e, XMM2, jit_table(TABLE_NIBBLE_CLZ_LOW));
    v_rr(t, VPSHUFB, XMM0, XMM2, XMM0);
    x64_vmovdqu(&t->e, XMM2, jit_table(TABLE_NIBBLE_CLZ_HIGH));
    v_rr(t, VPSHUFB, XMM1, XMM2, XMM1);
    v_rr(t, VPMINUB, XMM0, XMM0, XMM1);
    /* In lanes twice as wide: the count of the upper half, and where it is all zero also that of
     * the lower one. */
    for (unsigned level = 0; level < size; level++) {
        v_op(t, level ? VPCMPEQW : VPCMPEQB, XMM1, XMM0,
             jit_table(level ? TABLE_WORDS_0010 : TABLE_BYTES_08));
        v_shift(t, V_SRL, level + 1, XMM1, XMM1, 8 << level);
        v_rr(t, VPAND, XMM1, XMM1, XMM0);
        v_shift(t, V_SRL, level + 1, XMM0, XMM0, 8 << level);
        v_rr(t, VPADDW, XMM0, XMM0, XMM1);
    }
}

/* CLZ CLS. CLS counts where the bits do not differ from the sign, which is not counted itself. */
bool emit_simd_clz(struct translation *t, uint32_t insn)
{
    unsigned size = f_size(insn), rd = f_rd(insn);
    int n = jit_vsrc(t, f_rn(insn), f_u(insn) ? XMM0 : XMM1);
    if (!f_u(insn)) {
        simd_shift_right(t, XMM0, n, size, (8u << size) - 1, true);
        v_rr(t, VPXOR, XMM0, XMM0, n);
        n = XMM0;
    }
    leading_zeroes(t, n, size);
    if (!f_u(insn))
        v_op(t, simd_same_ops[SAME_ADD][size], XMM0, XMM0, JIT_CONST(ones));
    v_done(t, rd, XMM0, f_q(insn) ? 16 : 8, VHIGH_ANY);
    return true;
}

/* NOT. */
bool emit_simd_not(struct translation *t, uint32_t insn)
{
    unsigned rd = f_rd(insn), bytes = f_q(insn) ? 16 : 8;
    int dst = jit_vdst(rd, XMM0);
    v_invert(t, dst, jit_vsrc(t, f_rn(insn), XMM0), bytes);
    v_done(t, rd, dst, bytes, bytes == 8 ? VHIGH_ZERO64 : VHIGH_ANY);
    return true;
}

/* ABS NEG. */
bool emit_simd_neg(struct translation *t, uint32_t insn)
{
    unsigned size = f_size(insn), bytes = f_bytes(insn, size), rd = f_rd(insn), rn = f_rn(insn);
    if (!bytes)
        return false;
    int dst = jit_vdst(rd, XMM0);
    if (size == 3) {
        int n = jit_vsrc(t, rn, XMM0);
        v_zero(t, XMM1);
        if (!f_u(insn)) {
            v_rr(t, VPCMPGTQ, XMM1, XMM1, n);
            v_rr(t, VPXOR, XMM0, XMM1, n);
            v_rr(t, simd_same_ops[SAME_SUB][3], dst, XMM0, XMM1);
        } else {
            v_rr(t, simd_same_ops[SAME_SUB][3], dst, XMM1, n);
        }
    } else if (f_u(insn)) {
        v_op(t, VPSIGNB + size, dst, jit_vsrc(t, rn, XMM0), JIT_CONST(ones));
    } else {
        v_un(t, VPABSB + size, dst, jit_vrm(rn));
    }
    v_done(t, rd, dst, bytes, v_high(t, rn));
    return true;
}

/* CMGT CMGE CMEQ CMLE CMLT with zero. */
bool emit_simd_compare_zero(struct translation *t, uint32_t insn)
{
    enum { GT, GE, EQ, LE, LT };
    unsigned size = f_size(insn), bytes = f_bytes(insn, size), rd = f_rd(insn), rn = f_rn(insn);
    unsigned how = bits(insn, 12, 2) << 1 | bits(insn, 29, 1);
    enum vhigh known = how == GT || how == LT ? v_high(t, rn) : VHIGH_ANY;
    unsigned gt = simd_same_ops[SAME_CMGT][size], eq = simd_same_ops[SAME_CMEQ][size];
    if (!bytes)
        return false;
    int dst = jit_vdst(rd, XMM0);
    if (how == LT && (size == 1 || size == 2)) {
        v_shift(t, V_SRA, size, dst, jit_vsrc(t, rn, XMM0), (8u << size) - 1);
    } else if (how == GE) {
        v_op(t, gt, dst, jit_vsrc(t, rn, XMM0), JIT_CONST(ones));
    } else {
        v_zero(t, XMM1);
        if (how == GT)
            v_rr(t, gt, dst, jit_vsrc(t, rn, XMM0), XMM1);
        else if (how != LE)
            v_op(t, how == LT ? gt : eq, dst, XMM1, jit_vrm(rn));
        else
            v_rr(t, gt, XMM0, jit_vsrc(t, rn, XMM0), XMM1);
        if (how == LE) {
            v_invert(t, dst, XMM0, bytes);
            known = bytes == 8 ? VHIGH_ZERO64 : VHIGH_ANY;
        }
    }
    v_done(t, rd, dst, bytes, known);
    return true;
}

/* dst <- sums of neighbouring lanes of n, twice as wide. dst is not n. Uses XMM1. */
static void pairs_long(struct translation *t, int dst, int n, unsigned size, bool is_signed)
{
    if (size == 0 && is_signed) {
        x64_vmovdqu(&t->e, dst, jit_table(TABLE_BYTES_01));
        v_rr(t, VPMADDUBSW, dst, dst, n);
    } else if (size == 0) {
        v_op(t, VPMADDUBSW, dst, n, jit_table(TABLE_BYTES_01));
    } else if (size == 1 && is_signed) {
        v_op(t, VPMADDWD, dst, n, jit_table(TABLE_WORDS_0001));
    } else if (is_signed) {
        v_shift(t, V_SRL, 3, XMM1, n, 32);
        v_op(t, VPMULDQ, XMM1, XMM1, jit_table(TABLE_QWORDS_1));
        v_op(t, VPMULDQ, dst, n, jit_table(TABLE_QWORDS_1));
        v_rr(t, VPADDQ, dst, dst, XMM1);
    } else {
        v_zero(t, XMM1);
        v_blendw(t, XMM1, XMM1, x64_reg(n), size == 1 ? 0x55 : 0x33);
        v_shift(t, V_SRL, size + 1, dst, n, 8u << size);
        v_rr(t, simd_same_ops[SAME_ADD][size + 1], dst, dst, XMM1);
    }
}

/* SADDLP UADDLP SADALP UADALP. */
bool emit_simd_addlp(struct translation *t, uint32_t insn)
{
    unsigned size = f_size(insn), rd = f_rd(insn), rn = f_rn(insn);
    bool accumulate = bits(insn, 14, 1);
    enum vhigh known = v_high(t, rn);
    int n = jit_vsrc(t, rn, XMM2), dst = jit_vdst(rd, XMM0);
    int to = accumulate || dst == n ? XMM0 : dst;
    pairs_long(t, to, n, size, !f_u(insn));
    if (accumulate) {
        v_op(t, simd_same_ops[SAME_ADD][size + 1], dst, XMM0, jit_vrm(rd));
        known = v_high2(t, rd, rn);
        to = dst;
    }
    v_done(t, rd, to, f_q(insn) ? 16 : 8, known);
    return true;
}

/* XTN. */
bool emit_simd_xtn(struct translation *t, uint32_t insn)
{
    unsigned size = f_size(insn), rd = f_rd(insn);
    int to = f_q(insn) ? XMM0 : jit_vdst(rd, XMM0);
    v_op(t, VPSHUFB, to, jit_vsrc(t, f_rn(insn), XMM0), jit_table(TABLE_NARROW + size));
    v_narrowed(t, rd, to, f_q(insn));
    return true;
}

/* SHLL: lanes become the upper halves of lanes twice as wide. */
bool emit_simd_shll(struct translation *t, uint32_t insn)
{
    unsigned size = f_size(insn), rd = f_rd(insn);
    int dst = jit_vdst(rd, XMM0);
    v_zero(t, XMM1);
    v_op(t, (f_q(insn) ? VPUNPCKHBW : VPUNPCKLBW) + size, dst, XMM1, jit_vrm(f_rn(insn)));
    jit_vdone(t, rd, dst, VHIGH_ANY);
    return true;
}

/* ---- across lanes ---- */

/* XMM0 <- op of all lanes of n, in the lowest: `bytes` of lanes of `size`. Uses XMM1. */
static void tree(struct translation *t, unsigned op, int n, unsigned size, unsigned bytes)
{
    if (bytes == 16) {
        v_pshufd(t, XMM1, x64_reg(n), 0xee);
        v_rr(t, op, XMM0, n, XMM1);
        n = XMM0;
    }
    if (size < 3) {
        v_pshufd(t, XMM1, x64_reg(n), 0x55);
        v_rr(t, op, XMM0, n, XMM1);
    }
    if (size < 2) {
        v_shift(t, V_SRL, 2, XMM1, XMM0, 16);
        v_rr(t, op, XMM0, XMM0, XMM1);
    }
    if (size < 1) {
        v_shift(t, V_SRL, 1, XMM1, XMM0, 8);
        v_rr(t, op, XMM0, XMM0, XMM1);
    }
}

/* XMM0 <- sums of 8 bytes of n each, together if `bytes` is 16. Uses XMM1. */
static void sum_bytes(struct translation *t, int n, unsigned bytes)
{
    v_zero(t, XMM1);
    v_rr(t, VPSADBW, XMM0, n, XMM1);
    if (bytes == 16) {
        v_pshufd(t, XMM1, x64_reg(XMM0), 0xee);
        v_rr(t, VPADDD, XMM0, XMM0, XMM1);
    }
}

/* ADDV. */
bool emit_simd_addv(struct translation *t, uint32_t insn)
{
    unsigned size = f_size(insn), bytes = f_q(insn) ? 16 : 8;
    if (size == 2 && bytes == 8)
        return false;
    int n = jit_vsrc(t, f_rn(insn), XMM0);
    if (size == 0)
        sum_bytes(t, n, bytes);
    else
        tree(t, simd_same_ops[SAME_ADD][size], n, size, bytes);
    v_done(t, f_rd(insn), XMM0, 1u << size, VHIGH_ANY);
    return true;
}

/* SADDLV UADDLV. */
bool emit_simd_addlv(struct translation *t, uint32_t insn)
{
    unsigned size = f_size(insn), bytes = f_q(insn) ? 16 : 8, rd = f_rd(insn);
    if (size == 2 && bytes == 8)
        return false;
    int n = jit_vsrc(t, f_rn(insn), XMM2);
    if (size == 0 && f_u(insn)) {
        /* At most 4080: but for the other half, there is nothing above. */
        sum_bytes(t, n, bytes);
        jit_vclear_high(t, XMM0, 8, VHIGH_ANY);
        jit_vdone(t, rd, XMM0, VHIGH_ZERO32);
        return true;
    }
    pairs_long(t, XMM0, n, size, !f_u(insn));
    tree(t, simd_same_ops[SAME_ADD][size + 1], XMM0, size + 1, bytes);
    v_done(t, rd, XMM0, 2u << size, VHIGH_ANY);
    return true;
}

/*
 * SMAXV UMAXV SMINV UMINV. Of bytes and words the host has the smallest unsigned word: an exclusive
 * or makes the others that, and back.
 */
bool emit_simd_maxv(struct translation *t, uint32_t insn)
{
    unsigned size = f_size(insn), bytes = f_q(insn) ? 16 : 8, rd = f_rd(insn);
    bool min = bits(insn, 16, 1), is_signed = !f_u(insn);
    if (size == 2 && bytes == 8)
        return false;
    int n = jit_vsrc(t, f_rn(insn), XMM0);
    if (size == 2) {
        unsigned row = min ? SAME_SMIN : SAME_SMAX;
        tree(t, simd_same_ops[row | (is_signed ? 0 : 0x20)][2], n, 2, 16);
        v_done(t, rd, XMM0, 4, VHIGH_ANY);
        return true;
    }
    struct x64_rm flip = !is_signed ? JIT_CONST(ones)
                         : min      ? jit_table(size ? TABLE_WORDS_8000 : TABLE_BYTES_80)
                                    : jit_table(size ? TABLE_WORDS_7FFF : TABLE_BYTES_7F);
    bool flips = is_signed || !min;
    if (bytes == 8) {
        v_rr(t, VPUNPCKLQDQ, XMM0, n, n);
        n = XMM0;
    }
    if (flips) {
        v_op(t, VPXOR, XMM0, n, flip);
        n = XMM0;
    }
    if (size == 0) {
        v_shift(t, V_SRL, 1, XMM1, n, 8);
        v_rr(t, VPMINUB, XMM0, n, XMM1);
        n = XMM0;
    }
    v_un(t, VPHMINPOSUW, XMM0, x64_reg(n));
    if (flips)
        v_op(t, VPXOR, XMM0, XMM0, flip);
    v_done(t, rd, XMM0, 1u << size, VHIGH_ANY);
    return true;
}

/* ADDP Dd, Vn.2D. */
bool emit_simd_addp_one(struct translation *t, uint32_t insn)
{
    unsigned rd = f_rd(insn);
    int dst = jit_vdst(rd, XMM0), n = jit_vsrc(t, f_rn(insn), XMM0);
    v_pshufd(t, XMM1, x64_reg(n), 0xee);
    v_rr(t, VPADDQ, dst, n, XMM1);
    v_done(t, rd, dst, 8, VHIGH_ANY);
    return true;
}
