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

/* SQSHRN UQSHRN SQSHRUN SQRSHRN UQRSHRN SQRSHRUN. */
bool emit_simd_sqshrn(struct translation *t, uint32_t insn)
{
    unsigned size = imm_size(insn), n = imm_right(insn, size);
    bool to_unsigned = !bits(insn, 12, 1);
    enum simd_narrow how = to_unsigned ? NARROW_SU : f_u(insn) ? NARROW_UU : NARROW_SS;
    jit_flags_clobber(t);
    int src = jit_vsrc(t, f_rn(insn), XMM1);
    if (bits(insn, 11, 1))
        right_rounded(t, XMM0, src, size + 1, n, how != NARROW_UU);
    else
        simd_shift_right(t, XMM0, src, size + 1, n, how != NARROW_UU);
    simd_narrow_sat(t, insn, XMM0, size, how);
    return true;
}

void simd_widen(struct translation *t, int dst, unsigned n, unsigned size, bool is_signed,
                bool upper)
{
    static const uint8_t step[3] = {0, 3, 5};
    struct x64_rm rm = jit_vrm(n);
    bool from_lane = upper && rm.reg >= 0;
    if (upper && rm.reg < 0)
        rm.disp += 8;
    if (from_lane && is_signed && size == 2) {
        v_pshufd(t, dst, rm, 0xee);
        rm = x64_reg(dst);
        from_lane = false;
    }
    if (!from_lane) {
        v_un(t, (is_signed ? VPMOVSXBW : VPMOVZXBW) + step[size], dst, rm);
    } else if (is_signed || dst == rm.reg) {
        v_op(t, VPUNPCKHBW + size, dst, rm.reg, rm);
        v_shift(t, is_signed ? V_SRA : V_SRL, size + 1, dst, dst, 8u << size);
    } else {
        v_zero(t, dst);
        v_rr(t, VPUNPCKHBW + size, dst, rm.reg, dst);
    }
}

/* SSHLL USHLL, with a shift of zero SXTL and UXTL. */
bool emit_simd_shll_imm(struct translation *t, uint32_t insn)
{
    unsigned size = imm_size(insn), n = imm_left(insn, size), rd = f_rd(insn);
    int dst = jit_vdst(rd, XMM0);
    simd_widen(t, dst, f_rn(insn), size, !f_u(insn), f_q(insn));
    if (n)
        left(t, dst, dst, size + 1, n);
    jit_vdone(t, rd, dst, VHIGH_ANY);
    return true;
}

/* SQSHL UQSHL SQSHLU by a constant: saturated where shifting back does not give what was. */
bool emit_simd_sqshl_imm(struct translation *t, uint32_t insn)
{
    unsigned size = imm_size(insn), n = imm_left(insn, size), bytes = f_bytes(insn, size);
    bool from_signed = !f_u(insn) || !bits(insn, 12, 1);
    if (!bytes)
        return false;
    jit_flags_clobber(t);
    int src = jit_vsrc(t, f_rn(insn), XMM2);
    left(t, XMM0, src, size, n);
    simd_shift_right(t, XMM1, XMM0, size, n, !f_u(insn));
    v_rr(t, simd_same_ops[SAME_CMEQ][size], XMM1, XMM1, src);
    v_op(t, VPXOR, XMM1, XMM1, JIT_CONST(ones));
    if (from_signed)
        simd_shift_right(t, XMM2, src, size, (8u << size) - 1, true);
    if (!f_u(insn)) {
        v_op(t, VPXOR, XMM2, XMM2,
             size == 0   ? jit_table(TABLE_BYTES_7F)
             : size == 1 ? jit_table(TABLE_WORDS_7FFF)
             : size == 2 ? JIT_CONST(abs_s)
                         : JIT_CONST(abs_d));
        v_blendv(t, 0, XMM0, XMM0, XMM2, XMM1);
    } else {
        v_rr(t, VPOR, XMM0, XMM0, XMM1);
        if (from_signed) {
            v_rr(t, VPANDN, XMM0, XMM2, XMM0);
            v_rr(t, VPOR, XMM1, XMM1, XMM2);
        }
    }
    v_saturated(t, XMM1, v_mask(bytes));
    v_done(t, f_rd(insn), XMM0, bytes, VHIGH_ANY);
    return true;
}

/* ---- by register: the count is the low byte of the lane, signed, negative to the right ---- */

/*
 * XMM2 <- XMM2 shifted by the counts in XMM1, lanes of 32 bits: first to the left by those
 * that are positive, then to the right by the others. The host's shifts give zero, or copies of the
 * sign, for all counts that are not below the lane's width. Uses XMM3.
 */
static void shift_by_counts(struct translation *t, bool is_signed, bool round)
{
    v_zero(t, XMM3);
    v_rr(t, simd_same_ops[SAME_SMAX][2], XMM3, XMM3, XMM1);
    v_rr(t, VPSUBB + 2, XMM1, XMM3, XMM1);
    x64_vex(&t->e, PP_66, MAP_0F38, false, 0x47, XMM2, XMM2, x64_reg(XMM3)); /* VPSLLV */
    if (round) {
        /* The last bit that goes out; for a count of zero there is none. Signs go out for ever. */
        if (is_signed)
            v_op(t, simd_same_ops[SAME_SMIN][2], XMM1, XMM1, jit_table(TABLE_DWORDS_20));
        v_op(t, VPADDD, XMM3, XMM1, JIT_CONST(ones));
        x64_vex(&t->e, PP_66, MAP_0F38, false, 0x45, XMM3, XMM2, x64_reg(XMM3));
        v_op(t, VPAND, XMM3, XMM3, jit_table(TABLE_DWORDS_1));
    }
    /* VPSRAVD, VPSRLV */
    x64_vex(&t->e, PP_66, MAP_0F38, false, is_signed ? 0x46 : 0x45, XMM2, XMM2, x64_reg(XMM1));
    if (round)
        v_rr(t, VPADDD, XMM2, XMM2, XMM3);
}

/* XMM1 <- counts: the byte at bit `at` of each dword of Vm, signed. */
static void counts(struct translation *t, unsigned rm, unsigned at)
{
    v_shift(t, V_SLL, 2, XMM1, jit_vsrc(t, rm, XMM1), 24 - at);
    v_shift(t, V_SRA, 2, XMM1, XMM1, 24);
}

/* Words: the odd ones to XMM0, then the even ones, as dwords. */
static void shift_words(struct translation *t, uint32_t insn, int dst, bool is_signed, bool round)
{
    unsigned rn = f_rn(insn), rm = f_rm(insn);
    counts(t, rm, 16);
    v_shift(t, is_signed ? V_SRA : V_SRL, 2, XMM2, jit_vsrc(t, rn, XMM2), 16);
    shift_by_counts(t, is_signed, round);
    v_shift(t, V_SLL, 2, XMM0, XMM2, 16);
    counts(t, rm, 0);
    v_shift(t, V_SLL, 2, XMM2, jit_vsrc(t, rn, XMM2), 16);
    v_shift(t, is_signed ? V_SRA : V_SRL, 2, XMM2, XMM2, 16);
    shift_by_counts(t, is_signed, round);
    v_blendw(t, dst, XMM2, x64_reg(XMM0), 0xaa);
}

/*
 * Bytes: as words times 2 to the power of 8 + count, of which bits 15:8 are the result. The two
 * bytes of the factor come from two tables, looked up at count + 8. Adding 70 with saturation makes
 * 16 and above such that the lookup gives zero, as it does for what is negative: those lanes become
 * zero. Where copies of the sign are shifted in they must not, so there the least count is -8.
 */
static void shift_bytes(struct translation *t, uint32_t insn, int dst, bool is_signed, bool round)
{
    unsigned rn = f_rn(insn);
    int m = jit_vsrc(t, f_rm(insn), XMM1);
    if (is_signed) {
        v_op(t, simd_same_ops[SAME_SMAX][0], XMM1, m, jit_table(TABLE_BYTES_F8));
        m = XMM1;
    }
    v_op(t, VPADDB, XMM1, m, jit_table(TABLE_BYTES_08));
    v_op(t, VPADDUSB, XMM1, XMM1, jit_table(TABLE_BYTES_70));
    x64_vmovdqu(&t->e, XMM2, jit_table(TABLE_POWER_HIGH));
    x64_vmovdqu(&t->e, XMM3, jit_table(TABLE_POWER_LOW));
    v_rr(t, VPSHUFB, XMM2, XMM2, XMM1);
    v_rr(t, VPSHUFB, XMM3, XMM3, XMM1);
    v_rr(t, VPUNPCKLBW, XMM0, XMM3, XMM2);
    v_rr(t, VPUNPCKHBW, XMM3, XMM3, XMM2);
    simd_widen(t, XMM1, rn, 0, is_signed, false);
    simd_widen(t, XMM2, rn, 0, is_signed, true);
    v_rr(t, VPMULLW, XMM0, XMM0, XMM1);
    v_rr(t, VPMULLW, XMM3, XMM3, XMM2);
    if (round) {
        v_op(t, VPADDW, XMM0, XMM0, jit_table(TABLE_WORDS_0080));
        v_op(t, VPADDW, XMM3, XMM3, jit_table(TABLE_WORDS_0080));
    }
    v_shift(t, V_SRL, 1, XMM0, XMM0, 8);
    v_shift(t, V_SRL, 1, XMM3, XMM3, 8);
    v_rr(t, VPACKUSWB, dst, XMM0, XMM3);
}

/*
 * 64 bits: as bytes, a negative count is too large for the host's shift to the left, and so is its
 * negation for that to the right where the count is positive: one of the two results is zero. There
 * is no signed shift, but one of what is not negative, and an exclusive or with the signs.
 */
static void shift_qwords(struct translation *t, uint32_t insn, int dst, bool is_signed)
{
    unsigned rm = f_rm(insn);
    int n = jit_vsrc(t, f_rn(insn), XMM0), to_right = n;
    if (is_signed) {
        v_zero(t, XMM1);
        v_rr(t, VPCMPGTQ, XMM1, XMM1, n);
        v_rr(t, VPXOR, XMM2, XMM1, n);
        to_right = XMM2;
    }
    v_zero(t, XMM3);
    v_op(t, simd_same_ops[SAME_SUB][3], XMM3, XMM3, jit_vrm(rm));
    v_op(t, VPAND, XMM3, XMM3, jit_table(TABLE_QWORDS_FF));
    x64_vex(&t->e, PP_66, MAP_0F38, true, 0x45, XMM2, to_right, x64_reg(XMM3)); /* VPSRLVQ */
    x64_vmovdqu(&t->e, XMM3, jit_table(TABLE_QWORDS_FF));
    v_op(t, VPAND, XMM3, XMM3, jit_vrm(rm));
    x64_vex(&t->e, PP_66, MAP_0F38, true, 0x47, XMM3, n, x64_reg(XMM3)); /* VPSLLVQ */
    if (is_signed) {
        v_rr(t, VPXOR, XMM2, XMM2, XMM1);
        v_shift(t, V_SLL, 3, XMM1, jit_vsrc(t, rm, XMM1), 56);
        v_blendv(t, 3, dst, XMM3, XMM2, XMM1);
    } else {
        v_rr(t, VPOR, dst, XMM2, XMM3);
    }
}

/* SSHL USHL, and up to 32 bits SRSHL URSHL. */
bool emit_simd_shift_reg(struct translation *t, uint32_t insn)
{
    unsigned size = f_size(insn), bytes = f_bytes(insn, size), rd = f_rd(insn);
    bool is_signed = !f_u(insn), round = bits(insn, 12, 1);
    if (!bytes || (round && size == 3) || (size && !t->host->avx2))
        return false;
    int dst = jit_vdst(rd, XMM2);
    if (size == 0) {
        shift_bytes(t, insn, dst, is_signed, round);
    } else if (size == 1) {
        shift_words(t, insn, dst, is_signed, round);
    } else if (size == 2) {
        counts(t, f_rm(insn), 0);
        jit_vload(t, XMM2, f_rn(insn));
        shift_by_counts(t, is_signed, round);
        dst = XMM2;
    } else {
        shift_qwords(t, insn, dst, is_signed);
    }
    v_done(t, rd, dst, bytes, VHIGH_ANY);
    return true;
}
