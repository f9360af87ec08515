/*
 * emit_simd_sat.c - Advanced SIMD with saturation, which sets FPSR.QC: where the saturated result
 * is not the wrapped one.
 */
#include "vcpu/jit/emit_simd.h"
#include "vcpu/jit/simd_util.h"

/* SQADD UQADD SQSUB UQSUB of bytes and words, which the host has. */
static void add_small(struct translation *t, uint32_t insn, unsigned size, unsigned bytes)
{
    bool sub = bits(insn, 13, 1);
    unsigned wrapped = simd_same_ops[sub ? SAME_SUB : SAME_ADD][size];
    unsigned saturated = wrapped - (f_u(insn) ? 0x20 : 0x10);
    unsigned rd = f_rd(insn), rn = f_rn(insn), rm = f_rm(insn);
    enum vhigh known = v_high2(t, rn, rm);
    int dst = jit_vdst(rd, XMM0), n = jit_vsrc(t, rn, XMM0), m = jit_vsrc(t, rm, XMM1);
    v_rr(t, wrapped, XMM2, n, m);
    v_rr(t, saturated, dst, n, m);
    v_rr(t, VPXOR, XMM2, XMM2, dst);
    v_saturated(t, XMM2, bytes == 16 ? x64_reg(XMM2) : v_mask(bytes));
    v_done(t, rd, dst, bytes, known);
}

/* The same of 32 and 64 bits. XMM1 <- lanes that saturate, by their sign bit; XMM0 <- the result.
 */
static void add_unsigned(struct translation *t, bool sub, unsigned size, int n, int m)
{
    struct x64_rm sign = size == 2 ? JIT_CONST(sign_s) : JIT_CONST(sign_d);
    unsigned gt = simd_same_ops[SAME_CMGT][size];
    if (sub) {
        v_op(t, VPXOR, XMM2, m, sign);
        v_op(t, VPXOR, XMM3, n, sign);
        v_rr(t, simd_same_ops[SAME_SUB][size], XMM0, n, m);
        v_rr(t, gt, XMM1, XMM2, XMM3);
        v_rr(t, VPANDN, XMM0, XMM1, XMM0);
    } else {
        v_op(t, VPXOR, XMM3, n, sign);
        v_rr(t, simd_same_ops[SAME_ADD][size], XMM0, n, m);
        v_op(t, VPXOR, XMM2, XMM0, sign);
        v_rr(t, gt, XMM1, XMM3, XMM2);
        v_rr(t, VPOR, XMM0, XMM0, XMM1);
    }
}
static void add_signed(struct translation *t, bool sub, unsigned size, int n, int m)
{
    struct x64_rm sign = size == 2 ? JIT_CONST(sign_s) : JIT_CONST(sign_d);
    v_rr(t, simd_same_ops[sub ? SAME_SUB : SAME_ADD][size], XMM2, n, m);
    /* It overflows where the signs of n and m (those of n and -m) are not the result's. */
    v_rr(t, VPXOR, XMM3, n, XMM2);
    v_rr(t, VPXOR, XMM1, m, sub ? n : XMM2);
    v_rr(t, VPAND, XMM1, XMM1, XMM3);
    if (size == 2) {
        v_shift(t, V_SRA, 2, XMM3, XMM2, 31);
    } else {
        v_zero(t, XMM3);
        v_rr(t, VPCMPGTQ, XMM3, XMM3, XMM2);
    }
    v_op(t, VPXOR, XMM3, XMM3, sign);
    v_blendv(t, size, XMM0, XMM2, XMM3, XMM1);
}

/* SQADD UQADD SQSUB UQSUB, vector and scalar. */
bool emit_simd_qadd(struct translation *t, uint32_t insn)
{
    unsigned size = f_size(insn), bytes = f_bytes(insn, size), rd = f_rd(insn);
    if (!bytes)
        return false;
    jit_flags_clobber(t);
    if (size < 2) {
        add_small(t, insn, size, bytes);
        return true;
    }
    bool sub = bits(insn, 13, 1);
    int n = jit_vsrc(t, f_rn(insn), XMM0), m = jit_vsrc(t, f_rm(insn), XMM1);
    if (f_u(insn))
        add_unsigned(t, sub, size, n, m);
    else
        add_signed(t, sub, size, n, m);
    if (bytes < 16)
        v_op(t, VPAND, XMM1, XMM1, v_mask(bytes));
    v_saturated(t, XMM1, size == 2 ? JIT_CONST(sign_s) : JIT_CONST(sign_d));
    v_done(t, rd, XMM0, bytes, VHIGH_ANY);
    return true;
}

/* Vd <- Vd plus or minus XMM1, 32 or 64 bits, signed, saturated. */
void simd_add_saturated(struct translation *t, unsigned rd, bool sub, unsigned size, unsigned bytes)
{
    add_signed(t, sub, size, jit_vsrc(t, rd, XMM0), XMM1);
    if (bytes < 16)
        v_op(t, VPAND, XMM1, XMM1, v_mask(bytes));
    v_saturated(t, XMM1, size == 2 ? JIT_CONST(sign_s) : JIT_CONST(sign_d));
    v_done(t, rd, XMM0, bytes, VHIGH_ANY);
}

void simd_doubling_high(struct translation *t, int dst, unsigned rn, struct x64_rm m, unsigned size,
                        bool rounding, unsigned bytes)
{
    int n = jit_vsrc(t, rn, XMM2);
    if (size == 1 && rounding) {
        v_op(t, VPMULHRSW, dst, n, m);
    } else if (size == 1) {
        v_op(t, VPMULLW, XMM1, n, m);
        v_op(t, VPMULHW, dst, n, m);
        v_shift(t, V_SRL, 1, XMM1, XMM1, 15);
        v_rr(t, VPADDW, dst, dst, dst);
        v_rr(t, VPOR, dst, dst, XMM1);
    } else {
        /* Even lanes, then odd ones. */
        v_op(t, VPMULDQ, dst, n, m);
        v_pshufd(t, XMM1, m, 0xf5);
        v_pshufd(t, XMM2, x64_reg(n), 0xf5);
        v_rr(t, VPMULDQ, XMM1, XMM1, XMM2);
        if (rounding) {
            v_op(t, VPADDQ, dst, dst, jit_table(TABLE_QWORDS_40000000));
            v_op(t, VPADDQ, XMM1, XMM1, jit_table(TABLE_QWORDS_40000000));
        }
        v_shift(t, V_SRL, 3, dst, dst, 31);
        v_rr(t, VPADDQ, XMM1, XMM1, XMM1);
        v_blendw(t, dst, dst, x64_reg(XMM1), 0xcc);
    }
    /* Only the square of the most negative number saturates, and gives that number. */
    v_op(t, simd_same_ops[SAME_CMEQ][size], XMM1, dst,
         size == 1 ? jit_table(TABLE_WORDS_8000) : JIT_CONST(sign_s));
    v_rr(t, VPXOR, dst, dst, XMM1);
    v_saturated(t, XMM1, v_mask(bytes));
}

/* SQDMULH SQRDMULH, vector and scalar. */
bool emit_simd_doubling(struct translation *t, uint32_t insn)
{
    unsigned size = f_size(insn), bytes = f_bytes(insn, size);
    jit_flags_clobber(t);
    int m = jit_vsrc(t, f_rm(insn), XMM3);
    simd_doubling_high(t, XMM0, f_rn(insn), x64_reg(m), size, f_u(insn), bytes);
    v_done(t, f_rd(insn), XMM0, bytes, VHIGH_ANY);
    return true;
}

/* XMM1 <- words and dwords of src narrowed to bytes and words; XMM2 <- where that changed them. */
static void narrow_small(struct translation *t, int src, unsigned size, enum simd_narrow how)
{
    unsigned step = size ? 3 : 0;
    if (how == NARROW_UU) {
        v_op(t, size ? VPMINUD : VPMINUW, XMM2, src,
             jit_table(size ? TABLE_DWORDS_FFFF : TABLE_WORDS_00FF));
        v_rr(t, size ? VPACKUSDW : VPACKUSWB, XMM1, XMM2, XMM2);
    } else if (how == NARROW_SS) {
        v_rr(t, size ? VPACKSSDW : VPACKSSWB, XMM1, src, src);
        v_un(t, VPMOVSXBW + step, XMM2, x64_reg(XMM1));
    } else {
        v_rr(t, size ? VPACKUSDW : VPACKUSWB, XMM1, src, src);
        v_un(t, VPMOVZXBW + step, XMM2, x64_reg(XMM1));
    }
    v_rr(t, VPXOR, XMM2, XMM2, src);
}

/* The same from qwords to dwords, the two lower ones: where the upper halves are not what extends
 * the lower ones. Uses XMM3. */
static void narrow_qwords(struct translation *t, int src, enum simd_narrow how)
{
    v_pshufd(t, XMM1, x64_reg(src), 0x08);
    v_pshufd(t, XMM2, x64_reg(src), 0x0d);
    if (how == NARROW_SS)
        v_shift(t, V_SRA, 2, XMM3, XMM1, 31);
    else
        v_zero(t, XMM3);
    v_rr(t, VPCMPEQD, XMM3, XMM3, XMM2);
    v_op(t, VPXOR, XMM3, XMM3, JIT_CONST(ones));
    v_shift(t, V_SRA, 2, XMM2, XMM2, 31);
    if (how == NARROW_SS) {
        v_op(t, VPXOR, XMM2, XMM2, JIT_CONST(abs_s));
        v_blendv(t, 2, XMM1, XMM1, XMM2, XMM3);
    } else {
        v_rr(t, VPOR, XMM1, XMM1, XMM3);
        if (how == NARROW_SU)
            v_rr(t, VPANDN, XMM1, XMM2, XMM1);
    }
    v_copy(t, XMM2, XMM3);
}

void simd_narrow_sat(struct translation *t, uint32_t insn, int src, unsigned size,
                     enum simd_narrow how)
{
    unsigned rd = f_rd(insn), lanes = f_scalar(insn) ? 1u << size : size == 2 ? 8 : 16;
    if (size == 2)
        narrow_qwords(t, src, how);
    else
        narrow_small(t, src, size, how);
    v_saturated(t, XMM2, v_mask(f_scalar(insn) && size < 2 ? 2 * lanes : lanes));
    if (f_scalar(insn))
        v_done(t, rd, XMM1, 1u << size, VHIGH_ANY);
    else if (f_q(insn))
        v_narrowed(t, rd, XMM1, true);
    else
        v_done(t, rd, XMM1, 8, VHIGH_ANY);
}

/* SQXTN UQXTN SQXTUN, vector and scalar. */
bool emit_simd_sqxtn(struct translation *t, uint32_t insn)
{
    unsigned size = f_size(insn);
    jit_flags_clobber(t);
    int src = jit_vsrc(t, f_rn(insn), XMM0);
    bool to_unsigned = !bits(insn, 14, 1);
    simd_narrow_sat(t, insn, src, size,
                    to_unsigned ? NARROW_SU
                    : f_u(insn) ? NARROW_UU
                                : NARROW_SS);
    return true;
}

/* SQABS SQNEG: the most negative number stays as it is, which is one too much. */
bool emit_simd_sqneg(struct translation *t, uint32_t insn)
{
    unsigned size = f_size(insn), bytes = f_bytes(insn, size);
    if (!bytes)
        return false;
    jit_flags_clobber(t);
    struct x64_rm least = size == 0   ? jit_table(TABLE_BYTES_80)
                          : size == 1 ? jit_table(TABLE_WORDS_8000)
                          : size == 2 ? JIT_CONST(sign_s)
                                      : JIT_CONST(sign_d);
    int n = jit_vsrc(t, f_rn(insn), XMM0);
    v_op(t, simd_same_ops[SAME_CMEQ][size], XMM1, n, least);
    if (size == 3) {
        /* s is the sign, or all ones to negate: (n ^ s) - s. */
        v_zero(t, XMM2);
        v_rr(t, f_u(insn) ? VPCMPEQD : VPCMPGTQ, XMM2, XMM2, f_u(insn) ? XMM2 : n);
        v_rr(t, VPXOR, XMM0, XMM2, n);
        v_rr(t, simd_same_ops[SAME_SUB][3], XMM0, XMM0, XMM2);
    } else if (f_u(insn)) {
        v_op(t, VPSIGNB + size, XMM0, n, JIT_CONST(ones));
    } else {
        v_un(t, VPABSB + size, XMM0, x64_reg(n));
    }
    v_rr(t, VPXOR, XMM0, XMM0, XMM1);
    v_saturated(t, XMM1, v_mask(bytes));
    v_done(t, f_rd(insn), XMM0, bytes, VHIGH_ANY);
    return true;
}
