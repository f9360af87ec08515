/*
 * emit_simd_shift.c - Advanced SIMD "shift by immediate". There are no shifts of bytes: words are
 * shifted and what crosses is masked out.
 */
#include "vcpu/jit/emit_simd.h"
#include "vcpu/jit/simd_util.h"

/* Lane size and amount: immh:immb is lane width + amount to the left, 2 * width - amount to the
 * right. */
static unsigned imm_size(uint32_t insn)
{
    return 31 - (unsigned)__builtin_clz(bits(insn, 19, 4));
}
static unsigned imm_left(uint32_t insn, unsigned size)
{
    return bits(insn, 16, 7) - (8u << size);
}
static unsigned imm_right(uint32_t insn, unsigned size)
{
    return (16u << size) - bits(insn, 16, 7);
}

static void right_bytes(struct translation *t, int dst, int src, unsigned n, bool is_signed)
{
    if (is_signed && n >= 7) {
        v_zero(t, XMM3);
        v_rr(t, VPCMPGTB, dst, XMM3, src);
    } else if (n >= 8) {
        v_zero(t, dst);
    } else {
        v_shift(t, V_SRL, 1, dst, src, n);
        v_op(t, VPAND, dst, dst, jit_table(TABLE_SHR_MASK + n));
        if (is_signed) {
            v_op(t, VPXOR, dst, dst, jit_table(TABLE_SHR_SIGN + n));
            v_op(t, VPSUBB, dst, dst, jit_table(TABLE_SHR_SIGN + n));
        }
    }
}

/* Upper halves are shifted as 32-bit lanes. */
static void right_signed_64(struct translation *t, int dst, int src, unsigned n)
{
    if (n < 32) {
        v_shift(t, V_SRA, 2, XMM3, src, n);
        v_shift(t, V_SRL, 3, dst, src, n);
        v_blendw(t, dst, dst, x64_reg(XMM3), 0xcc);
    } else if (n >= 63) {
        v_zero(t, XMM3);
        v_rr(t, VPCMPGTQ, dst, XMM3, src);
    } else {
        v_shift(t, V_SRA, 2, XMM3, src, 31);
        v_shift(t, V_SRA, 2, dst, src, n - 32);
        v_pshufd(t, dst, x64_reg(dst), 0xf5);
        v_blendw(t, dst, dst, x64_reg(XMM3), 0xcc);
    }
}

void simd_shift_right(struct translation *t, int dst, int src, unsigned size, unsigned n,
                      bool is_signed)
{
    if (n == 0)
        v_copy(t, dst, src);
    else if (size == 0)
        right_bytes(t, dst, src, n, is_signed);
    else if (size == 3 && is_signed)
        right_signed_64(t, dst, src, n);
    else
        v_shift(t, is_signed ? V_SRA : V_SRL, size, dst, src, n);
}

/* dst <- src >> n, rounded: with half = src >> (n - 1) that is half - (half >> 1). dst is neither
 * src nor XMM2. Uses XMM2, XMM3. */
static void right_rounded(struct translation *t, int dst, int src, unsigned size, unsigned n,
                          bool is_signed)
{
    int half = src;
    if (n > 1) {
        simd_shift_right(t, XMM2, src, size, n - 1, is_signed);
        half = XMM2;
    }
    simd_shift_right(t, dst, half, size, 1, is_signed);
    v_rr(t, simd_same_ops[SAME_SUB][size], dst, half, dst);
}

/* SSHR USHR SSRA USRA SRSHR URSHR SRSRA URSRA. */
bool emit_simd_shr(struct translation *t, uint32_t insn)
{
    unsigned size = imm_size(insn), n = imm_right(insn, size), bytes = f_bytes(insn, size);
    unsigned rd = f_rd(insn), rn = f_rn(insn);
    bool is_signed = !f_u(insn), accumulate = bits(insn, 12, 1), round = bits(insn, 13, 1);
    enum vhigh known = v_high(t, rn);
    if (!bytes)
        return false;
    int dst = jit_vdst(rd, XMM0), src = jit_vsrc(t, rn, XMM1);
    if (round)
        right_rounded(t, XMM0, src, size, n, is_signed);
    else
        simd_shift_right(t, accumulate ? XMM0 : dst, src, size, n, is_signed);
    if (accumulate) {
        v_op(t, simd_same_ops[SAME_ADD][size], dst, XMM0, jit_vrm(rd));
        known = v_high2(t, rd, rn);
    } else if (round) {
        dst = XMM0;
    }
    v_done(t, rd, dst, bytes, known);
    return true;
}

/* dst <- src << n. dst may be src. */
static void left(struct translation *t, int dst, int src, unsigned size, unsigned n)
{
    if (n == 0) {
        v_copy(t, dst, src);
    } else if (n == 1) {
        v_rr(t, simd_same_ops[SAME_ADD][size], dst, src, src);
    } else if (size) {
        v_shift(t, V_SLL, size, dst, src, n);
    } else {
        v_op(t, VPAND, dst, src, jit_table(TABLE_SHR_MASK + n));
        v_shift(t, V_SLL, 1, dst, dst, n);
    }
}

bool emit_simd_shl(struct translation *t, uint32_t insn)
{
    unsigned size = imm_size(insn), n = imm_left(insn, size), bytes = f_bytes(insn, size);
    unsigned rd = f_rd(insn), rn = f_rn(insn);
    if (!bytes)
        return false;
    int dst = jit_vdst(rd, XMM0);
    left(t, dst, jit_vsrc(t, rn, XMM0), size, n);
    v_done(t, rd, dst, bytes, v_high(t, rn));
    return true;
}

/* SLI: the low n bits of each lane stay. */
bool emit_simd_sli(struct translation *t, uint32_t insn)
{
    unsigned size = imm_size(insn), n = imm_left(insn, size), bytes = f_bytes(insn, size);
    unsigned rd = f_rd(insn), rn = f_rn(insn), width = 8u << size;
    if (!bytes)
        return false;
    int dst = jit_vdst(rd, XMM0), src = jit_vsrc(t, rn, XMM0);
    enum vhigh known = v_high2(t, rd, rn);
    if (n == 0) {
        v_copy(t, dst, src);
        known = v_high(t, rn);
    } else {
        int d = jit_vsrc(t, rd, XMM1);
        if (size) {
            v_shift(t, V_SLL, size, XMM1, d, width - n);
            v_shift(t, V_SRL, size, XMM1, XMM1, width - n);
        } else {
            v_op(t, VPAND, XMM1, d, jit_table(TABLE_SHR_MASK + width - n));
        }
        left(t, XMM0, src, size, n);
        v_rr(t, VPOR, dst, XMM0, XMM1);
    }
    v_done(t, rd, dst, bytes, known);
    return true;
}

/* SRI: the high n bits of each lane stay. */
bool emit_simd_sri(struct translation *t, uint32_t insn)
{
    unsigned size = imm_size(insn), n = imm_right(insn, size), bytes = f_bytes(insn, size);
    unsigned rd = f_rd(insn), rn = f_rn(insn), width = 8u << size;
    if (!bytes)
        return false;
    int dst = jit_vdst(rd, XMM0), d = jit_vsrc(t, rd, XMM1), src = jit_vsrc(t, rn, XMM0);
    enum vhigh known = v_high2(t, rd, rn);
    if (n == width) {
        v_copy(t, dst, d);
        known = v_high(t, rd);
    } else if (size) {
        v_shift(t, V_SRL, size, XMM1, d, width - n);
        v_shift(t, V_SLL, size, XMM1, XMM1, width - n);
        v_shift(t, V_SRL, size, XMM0, src, n);
        v_rr(t, VPOR, dst, XMM0, XMM1);
    } else {
        v_shift(t, V_SRL, 1, XMM0, src, n);
        v_rr(t, VPXOR, XMM0, XMM0, d);
        v_op(t, VPAND, XMM0, XMM0, jit_table(TABLE_SHR_MASK + n));
        v_rr(t, VPXOR, dst, XMM0, d);
    }
    v_done(t, rd, dst, bytes, known);
    return true;
}

/* SHRN RSHRN. */
bool emit_simd_shrn(struct translation *t, uint32_t insn)
{
    unsigned size = imm_size(insn), n = imm_right(insn, size), rd = f_rd(insn);
    int to = f_q(insn) ? XMM0 : jit_vdst(rd, XMM0), src = jit_vsrc(t, f_rn(insn), XMM1);
    if (bits(insn, 11, 1)) {
        right_rounded(t, XMM0, src, size + 1, n, false);
        v_op(t, VPSHUFB, to, XMM0, jit_table(TABLE_NARROW + size));
    } else if (n == 8u << size) {
        v_op(t, VPSHUFB, to, src, jit_table(TABLE_NARROW_HIGH + size));
    } else {
        v_shift(t, V_SRL, size + 1, XMM0, src, n);
        v_op(t, VPSHUFB, to, XMM0, jit_table(TABLE_NARROW + size));
    }
    v_narrowed(t, rd, to, f_q(insn));
    return true;
}

/* SQSHRN UQSHRN SQSHRUN SQRSHRN UQRSHRN SQRSHRUN, to 8 and 16 bits. */
bool emit_simd_sqshrn(struct translation *t, uint32_t insn)
{
    unsigned size = imm_size(insn), n = imm_right(insn, size);
    bool to_unsigned = !bits(insn, 12, 1);
    enum simd_narrow how = to_unsigned ? NARROW_SU : f_u(insn) ? NARROW_UU : NARROW_SS;
    if (size > 1)
        return false;
    jit_flags_clobber(t);
    int src = jit_vsrc(t, f_rn(insn), XMM1);
    if (bits(insn, 11, 1))
        right_rounded(t, XMM0, src, size + 1, n, how != NARROW_UU);
    else
        simd_shift_right(t, XMM0, src, size + 1, n, how != NARROW_UU);
    simd_narrow_sat(t, insn, XMM0, size, how);
    return true;
}

/* SSHLL USHLL, with a shift of zero SXTL and UXTL. */
bool emit_simd_shll_imm(struct translation *t, uint32_t insn)
{
    unsigned size = imm_size(insn), n = imm_left(insn, size), rd = f_rd(insn);
    int dst = jit_vdst(rd, XMM0);
    v_widen(t, dst, f_rn(insn), size, !f_u(insn), f_q(insn));
    if (n)
        left(t, dst, dst, size + 1, n);
    jit_vdone(t, rd, dst, VHIGH_ANY);
    return true;
}
