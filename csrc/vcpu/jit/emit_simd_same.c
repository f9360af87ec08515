/*
 * emit_simd_same.c - Advanced SIMD "three same", integer: lane by lane of two registers, bitwise,
 * pairwise. Saturating forms are in emit_simd_sat.c.
 */
#include "vcpu/jit/emit_simd.h"
#include "vcpu/jit/simd_util.h"

const uint16_t simd_same_ops[64][4] = {
    [SAME_ADD] = {VPADDB, VPADDW, VPADDD, VPADDQ},
    [SAME_SUB] = {VPSUBB, VPSUBB + 1, VPSUBB + 2, VPSUBB + 3},
    [SAME_CMEQ] = {VPCMPEQB, VPCMPEQW, VPCMPEQD, VPCMPEQQ},
    [SAME_CMGT] = {VPCMPGTB, VPCMPGTB + 1, VPCMPGTB + 2, VPCMPGTQ},
    [SAME_SMAX] = {0x383c, 0xee, 0x383d},
    [SAME_UMAX] = {VPMAXUB, 0x383e, 0x383f},
    [SAME_SMIN] = {0x3838, 0xea, 0x3839},
    [SAME_UMIN] = {VPMINUB, VPMINUW, VPMINUD},
};

static unsigned same_row(uint32_t insn)
{
    return bits(insn, 29, 1) << 5 | bits(insn, 11, 5);
}

/* dst <- Vn op Vm, with the one that is in memory second if the operation allows. */
static void same_op(struct translation *t, unsigned op, int dst, unsigned n, unsigned m,
                    bool commutes)
{
    if (commutes && jit_xmm(n) < 0 && jit_xmm(m) >= 0) {
        unsigned swap = n;
        n = m;
        m = swap;
    }
    int a = jit_vsrc(t, n, XMM0);
    v_op(t, op, dst, a, n == m ? x64_reg(a) : jit_vrm(m));
}

/* ADD SUB CMEQ CMGT SMAX SMIN UMAX UMIN: one host instruction. */
bool emit_simd_same(struct translation *t, uint32_t insn)
{
    unsigned row = same_row(insn), size = f_size(insn), bytes = f_bytes(insn, size);
    unsigned n = f_rn(insn), m = f_rm(insn), rd = f_rd(insn);
    if (!bytes)
        return false;
    int dst = jit_vdst(rd, XMM0);
    same_op(t, simd_same_ops[row][size], dst, n, m, row != SAME_SUB && row != SAME_CMGT);
    v_done(t, rd, dst, bytes, row == SAME_CMEQ ? VHIGH_ANY : v_high2(t, n, m));
    return true;
}

/* 64-bit CMGE, CMHI, CMHS. There is but one comparison of 64-bit lanes, signed. */
static void compare_64(struct translation *t, uint32_t insn, unsigned bytes)
{
    bool is_unsigned = f_u(insn), equal = bits(insn, 11, 1);
    unsigned rd = f_rd(insn);
    int dst = jit_vdst(rd, XMM0);
    int n = jit_vsrc(t, f_rn(insn), XMM0), m = jit_vsrc(t, f_rm(insn), XMM1);
    if (is_unsigned) {
        v_op(t, VPXOR, XMM0, n, JIT_CONST(sign_d));
        v_op(t, VPXOR, XMM1, m, JIT_CONST(sign_d));
        n = XMM0;
        m = XMM1;
    }
    if (equal) {
        v_rr(t, VPCMPGTQ, XMM0, m, n);
        v_invert(t, dst, XMM0, bytes);
    } else {
        v_rr(t, VPCMPGTQ, dst, n, m);
    }
    v_done(t, rd, dst, bytes, bytes == 8 && equal ? VHIGH_ZERO64 : VHIGH_ANY);
}

/* CMGE, CMHS: n >= m where the smaller of them is m. CMHI: not where it is n. */
bool emit_simd_compare(struct translation *t, uint32_t insn)
{
    unsigned size = f_size(insn), bytes = f_bytes(insn, size);
    if (!bytes)
        return false;
    if (size == 3) {
        compare_64(t, insn, bytes);
        return true;
    }
    bool equal = bits(insn, 11, 1);
    unsigned rd = f_rd(insn), rn = f_rn(insn), rm = f_rm(insn);
    int dst = jit_vdst(rd, XMM0);
    same_op(t, simd_same_ops[f_u(insn) ? SAME_UMIN : SAME_SMIN][size], XMM0, rn, rm, true);
    v_op(t, simd_same_ops[SAME_CMEQ][size], equal ? dst : XMM0, XMM0, jit_vrm(equal ? rm : rn));
    if (!equal)
        v_invert(t, dst, XMM0, bytes);
    v_done(t, rd, dst, bytes, bytes == 8 && !equal ? VHIGH_ZERO64 : VHIGH_ANY);
    return true;
}

bool emit_simd_cmtst(struct translation *t, uint32_t insn)
{
    unsigned size = f_size(insn), bytes = f_bytes(insn, size);
    unsigned rd = f_rd(insn), rn = f_rn(insn), rm = f_rm(insn);
    if (!bytes)
        return false;
    int dst = jit_vdst(rd, XMM0);
    if (rn != rm)
        same_op(t, VPAND, XMM0, rn, rm, true);
    v_zero(t, XMM1);
    v_op(t, simd_same_ops[SAME_CMEQ][size], XMM0, XMM1, rn == rm ? jit_vrm(rn) : x64_reg(XMM0));
    v_invert(t, dst, XMM0, bytes);
    v_done(t, rd, dst, bytes, bytes == 8 ? VHIGH_ZERO64 : VHIGH_ANY);
    return true;
}

/* MOV Vd, Vn, the low `bytes`. */
static void move(struct translation *t, unsigned rd, unsigned rn, unsigned bytes)
{
    enum vhigh high = t->vhigh[rn];
    int dst = jit_vdst(rd, XMM0);
    if (bytes == 16 || high != VHIGH_ANY) {
        jit_vdone(t, rd, jit_vsrc(t, rn, dst), high);
    } else {
        x64_vmovq(&t->e, dst, jit_vrm(rn));
        jit_vdone(t, rd, dst, VHIGH_ZERO64);
    }
}

/* AND BIC ORR ORN EOR. */
bool emit_simd_bits(struct translation *t, uint32_t insn)
{
    unsigned rd = f_rd(insn), rn = f_rn(insn), rm = f_rm(insn), bytes = f_q(insn) ? 16 : 8;
    enum vhigh n_high = t->vhigh[rn], m_high = t->vhigh[rm], known;
    int dst = jit_vdst(rd, XMM0);
    switch (f_u(insn) << 2 | f_size(insn)) {
    case 0:
        same_op(t, VPAND, dst, rn, rm, true);
        known = n_high > m_high ? n_high : m_high;
        break;
    case 1:
        v_op(t, VPANDN, dst, jit_vsrc(t, rm, XMM1), jit_vrm(rn));
        known = n_high;
        break;
    case 2:
        if (rn == rm) {
            move(t, rd, rn, bytes);
            return true;
        }
        same_op(t, VPOR, dst, rn, rm, true);
        known = n_high < m_high ? n_high : m_high;
        break;
    case 3:
        v_op(t, VPXOR, XMM0, jit_vsrc(t, rm, XMM0), JIT_CONST(ones));
        v_op(t, VPOR, dst, XMM0, jit_vrm(rn));
        known = VHIGH_ANY;
        break;
    default:
        if (rn == rm)
            v_zero(t, dst);
        else
            same_op(t, VPXOR, dst, rn, rm, true);
        known = rn == rm ? VHIGH_ZERO32 : n_high < m_high ? n_high : m_high;
        break;
    }
    v_done(t, rd, dst, bytes, known);
    return true;
}

/* BSL BIT BIF: x ^ ((x ^ n) & mask), where x is what is taken outside the mask. */
bool emit_simd_select(struct translation *t, uint32_t insn)
{
    unsigned rd = f_rd(insn), rn = f_rn(insn), rm = f_rm(insn);
    unsigned x = f_size(insn) == 1 ? rm : rd, mask = f_size(insn) == 1 ? rd : rm;
    enum vhigh known = v_high2(t, x, rn);
    int dst = jit_vdst(rd, XMM0);
    same_op(t, VPXOR, XMM0, rn, x, true);
    if (f_size(insn) == 3)
        v_rr(t, VPANDN, XMM0, jit_vsrc(t, mask, XMM1), XMM0);
    else
        v_op(t, VPAND, XMM0, XMM0, jit_vrm(mask));
    v_op(t, VPXOR, dst, XMM0, jit_vrm(x));
    v_done(t, rd, dst, f_q(insn) ? 16 : 8, known);
    return true;
}

void simd_mul(struct translation *t, int dst, int a, struct x64_rm m, unsigned size)
{
    if (size) {
        v_op(t, size == 1 ? VPMULLW : 0x3840, dst, a, m);
        return;
    }
    /* Odd bytes: one factor shifted down, the other in place, so the product is in place. */
    v_shift(t, V_SRL, 1, XMM1, a, 8);
    x64_vmovdqu(&t->e, XMM2, jit_table(TABLE_WORDS_FF00));
    v_op(t, VPAND, XMM2, XMM2, m);
    v_rr(t, VPMULLW, XMM1, XMM1, XMM2);
    v_op(t, VPMULLW, dst, a, m);
    v_op(t, VPAND, dst, dst, jit_table(TABLE_WORDS_00FF));
    v_rr(t, VPOR, dst, dst, XMM1);
}

/* MUL MLA MLS. */
bool emit_simd_mul(struct translation *t, uint32_t insn)
{
    unsigned size = f_size(insn), bytes = f_q(insn) ? 16 : 8;
    unsigned rd = f_rd(insn), rn = f_rn(insn), rm = f_rm(insn);
    bool plain = bits(insn, 11, 1);
    enum vhigh known = v_high2(t, rn, rm);
    int dst = jit_vdst(rd, XMM0);
    if (jit_xmm(rn) < 0 && jit_xmm(rm) >= 0) {
        unsigned swap = rn;
        rn = rm;
        rm = swap;
    }
    /* The product of bytes reads its sources to the end. */
    int to = plain && size ? dst : XMM0, a = jit_vsrc(t, rn, XMM3);
    simd_mul(t, to, a, rn == rm ? x64_reg(a) : jit_vrm(rm), size);
    if (!plain && f_u(insn)) {
        v_rr(t, simd_same_ops[SAME_SUB][size], dst, jit_vsrc(t, rd, XMM1), XMM0);
        to = dst;
        known = v_high(t, rd) == VHIGH_ANY ? VHIGH_ANY : known;
    } else if (!plain) {
        v_op(t, simd_same_ops[SAME_ADD][size], dst, XMM0, jit_vrm(rd));
        to = dst;
        known = v_high(t, rd) == VHIGH_ANY ? VHIGH_ANY : known;
    }
    v_done(t, rd, to, bytes, known);
    return true;
}

/* SABD UABD SABA UABA: the larger less the smaller. */
bool emit_simd_abd(struct translation *t, uint32_t insn)
{
    unsigned size = f_size(insn), rd = f_rd(insn), rn = f_rn(insn), rm = f_rm(insn);
    bool accumulate = bits(insn, 11, 1);
    enum vhigh known = v_high2(t, rn, rm);
    int dst = jit_vdst(rd, XMM0), n = jit_vsrc(t, rn, XMM0), m = jit_vsrc(t, rm, XMM2);
    v_rr(t, simd_same_ops[f_u(insn) ? SAME_UMAX : SAME_SMAX][size], XMM1, n, m);
    v_rr(t, simd_same_ops[f_u(insn) ? SAME_UMIN : SAME_SMIN][size], XMM0, n, m);
    v_rr(t, simd_same_ops[SAME_SUB][size], accumulate ? XMM0 : dst, XMM1, XMM0);
    if (accumulate) {
        v_op(t, simd_same_ops[SAME_ADD][size], dst, XMM0, jit_vrm(rd));
        known = v_high(t, rd) == VHIGH_ANY ? VHIGH_ANY : known;
    }
    v_done(t, rd, dst, f_q(insn) ? 16 : 8, known);
    return true;
}

/*
 * Halving bytes, and words where they are unsigned: VPAVG is (a + b + 1) >> 1 without a carry lost.
 * Signed values are moved to unsigned ones and back by their sign bits; a - b is a + ~b + 1.
 */
static void halve_avg(struct translation *t, int dst, unsigned size, int n, int m, uint32_t insn)
{
    bool flip = !f_u(insn), sub = bits(insn, 13, 1), round = bits(insn, 12, 1);
    struct x64_rm sign = jit_table(size ? TABLE_WORDS_8000 : TABLE_BYTES_80);
    struct x64_rm rest = jit_table(size ? TABLE_WORDS_7FFF : TABLE_BYTES_7F);
    unsigned avg = size ? 0xe3 : VPAVGB;
    if (flip) {
        v_op(t, VPXOR, XMM0, n, sign);
        n = XMM0;
    }
    if (flip || sub) {
        v_op(t, VPXOR, XMM1, m, !sub ? sign : flip ? rest : JIT_CONST(ones));
        m = XMM1;
    }
    bool fix = sub || flip;
    if (!round && !sub) {
        /* Take back what was rounded up. */
        v_rr(t, VPXOR, XMM2, n, m);
        v_op(t, VPAND, XMM2, XMM2, jit_table(size ? TABLE_WORDS_0001 : TABLE_BYTES_01));
        v_rr(t, avg, XMM0, n, m);
        v_rr(t, simd_same_ops[SAME_SUB][size], fix ? XMM0 : dst, XMM0, XMM2);
    } else {
        v_rr(t, avg, fix ? XMM0 : dst, n, m);
    }
    if (fix)
        v_op(t, VPXOR, dst, XMM0, sign);
}

/* SHADD UHADD SRHADD URHADD SHSUB UHSUB. */
bool emit_simd_halve(struct translation *t, uint32_t insn)
{
    unsigned size = f_size(insn), rd = f_rd(insn), rn = f_rn(insn), rm = f_rm(insn);
    bool sub = bits(insn, 13, 1), round = bits(insn, 12, 1);
    int dst = jit_vdst(rd, XMM0), n = jit_vsrc(t, rn, XMM0), m = jit_vsrc(t, rm, XMM1);
    if (size < 2) {
        halve_avg(t, dst, size, n, m, insn);
    } else {
        /* a + b is 2 * (a & b) + (a ^ b) and 2 * (a | b) - (a ^ b); a - b is
         * (a ^ b) - 2 * (~a & b). */
        v_rr(t, VPXOR, XMM2, n, m);
        v_shift(t, f_u(insn) ? V_SRL : V_SRA, 2, XMM2, XMM2, 1);
        v_rr(t, sub ? VPANDN : round ? VPOR : VPAND, XMM0, n, m);
        if (sub)
            v_rr(t, VPSUBB + 2, dst, XMM2, XMM0);
        else
            v_rr(t, round ? VPSUBB + 2 : VPADDD, dst, XMM0, XMM2);
    }
    v_done(t, rd, dst, f_q(insn) ? 16 : 8, VHIGH_ANY);
    return true;
}

/* XMM0 and XMM1 <- first and second lanes of the pairs of n, then of m; sizes 0 to 2, 128 bits. */
static void pairs_q(struct translation *t, unsigned size, unsigned rn, unsigned rm)
{
    int n = jit_vsrc(t, rn, XMM2);
    if (size == 2) {
        struct x64_rm m = rn == rm ? x64_reg(n) : jit_vrm(rm);
        v_shufps(t, XMM0, n, m, 0x88);
        v_shufps(t, XMM1, n, m, 0xdd);
    } else if (rn == rm) {
        v_op(t, VPSHUFB, XMM0, n, jit_table(TABLE_EVEN_EVEN + size));
        v_op(t, VPSHUFB, XMM1, n, jit_table(TABLE_ODD_ODD + size));
    } else {
        int m = jit_vsrc(t, rm, XMM1);
        v_op(t, VPSHUFB, XMM0, n, jit_table(TABLE_EVEN_ODD + size));
        v_op(t, VPSHUFB, XMM2, m, jit_table(TABLE_EVEN_ODD + size));
        v_rr(t, VPUNPCKHQDQ, XMM1, XMM0, XMM2);
        v_rr(t, VPUNPCKLQDQ, XMM0, XMM0, XMM2);
    }
}

/* The same in the low 64 bits. */
static void pairs_d(struct translation *t, unsigned size, unsigned rn, unsigned rm)
{
    v_op(t, VPUNPCKLQDQ, XMM0, jit_vsrc(t, rn, XMM0), jit_vrm(rm));
    if (size == 2)
        v_pshufd(t, XMM0, x64_reg(XMM0), 0xd8);
    else
        v_op(t, VPSHUFB, XMM0, XMM0, jit_table(TABLE_EVEN_ODD + size));
    v_pshufd(t, XMM1, x64_reg(XMM0), 0xee);
}

/* ADDP SMAXP UMAXP SMINP UMINP. */
bool emit_simd_pair(struct translation *t, uint32_t insn)
{
    unsigned size = f_size(insn), bytes = f_bytes(insn, size), opcode = bits(insn, 11, 5);
    unsigned rd = f_rd(insn), rn = f_rn(insn), rm = f_rm(insn);
    if (!bytes)
        return false;
    unsigned row =
        opcode == 0x17 ? SAME_ADD : f_u(insn) << 5 | (opcode == 0x14 ? SAME_SMAX : SAME_SMIN);
    if (size == 3) {
        int n = jit_vsrc(t, rn, XMM2);
        struct x64_rm m = rn == rm ? x64_reg(n) : jit_vrm(rm);
        v_op(t, VPUNPCKLQDQ, XMM0, n, m);
        v_op(t, VPUNPCKHQDQ, XMM1, n, m);
    } else if (bytes == 16) {
        pairs_q(t, size, rn, rm);
    } else {
        pairs_d(t, size, rn, rm);
    }
    int dst = jit_vdst(rd, XMM0);
    v_rr(t, simd_same_ops[row][size], dst, XMM0, XMM1);
    v_done(t, rd, dst, bytes, VHIGH_ANY);
    return true;
}

/* Four products of bytes are two pairs of products of words, of the even and the odd bytes. */
void simd_dot(struct translation *t, unsigned rd, unsigned n, struct x64_rm m, bool is_signed,
              unsigned bytes)
{
    int dst = jit_vdst(rd, XMM0), a = jit_vsrc(t, n, XMM0);
    x64_vmovdqu(&t->e, XMM1, m);
    enum v_shift right = is_signed ? V_SRA : V_SRL;
    v_shift(t, right, 1, XMM2, a, 8);
    v_shift(t, right, 1, XMM3, XMM1, 8);
    v_rr(t, VPMADDWD, XMM2, XMM2, XMM3);
    v_shift(t, V_SLL, 1, XMM0, a, 8);
    v_shift(t, right, 1, XMM0, XMM0, 8);
    v_shift(t, V_SLL, 1, XMM1, XMM1, 8);
    v_shift(t, right, 1, XMM1, XMM1, 8);
    v_rr(t, VPMADDWD, XMM0, XMM0, XMM1);
    v_rr(t, VPADDD, XMM0, XMM0, XMM2);
    v_op(t, VPADDD, dst, XMM0, jit_vrm(rd));
    v_done(t, rd, dst, bytes, VHIGH_ANY);
}

/* SDOT UDOT. */
bool emit_simd_dot(struct translation *t, uint32_t insn)
{
    simd_dot(t, f_rd(insn), f_rn(insn), jit_vrm(f_rm(insn)), !f_u(insn), f_q(insn) ? 16 : 8);
    return true;
}
