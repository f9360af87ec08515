/*
 * simd_same.c - Advanced SIMD "three same" and "three same extra": lane by lane of two registers,
 * plus the pairwise and the bitwise forms of the same encoding group.
 */
#include "a64_gen.h"
#include "vcpu/interp/simd.h"

/* d[i] = EXPR of a = n[i], b = m[i], c = d[i]; q collects FPSR.QC. */
#define SAME(NAME, F, EXPR)                                                                        \
    SIMD_INLINE void NAME##_##F(struct interp_cpu *cpu, const struct a64_op *op, unsigned bytes)   \
    {                                                                                              \
        union vreg n = vreg_read(cpu, op->rn), m = vreg_read(cpu, op->rm);                         \
        union vreg d = vreg_read(cpu, op->rd);                                                     \
        uint32_t q = 0;                                                                            \
        for (unsigned i = 0; i < bytes / sizeof(lane_##F); i++) {                                  \
            lane_##F a = n.F[i], b = m.F[i], c = d.F[i];                                           \
            (void)c;                                                                               \
            d.F[i] = (lane_##F)(EXPR);                                                             \
        }                                                                                          \
        vreg_write(cpu, op->rd, &d, bytes);                                                        \
        cpu->regs.fpsr |= q;                                                                       \
    }

/* SAME_BHS(name, s, expr) makes name_s8, name_s16, name_s32 and their exec functions. */
#define SAME_VEC(NAME, F, EXPR) SAME(NAME, F, EXPR) SIMD_VEC(NAME, F)
#define SAME_BHS(NAME, S, EXPR)                                                                    \
    SAME_VEC(NAME, S##8, EXPR) SAME_VEC(NAME, S##16, EXPR) SAME_VEC(NAME, S##32, EXPR)
#define SAME_Q64(NAME, F, EXPR)    SAME(NAME, F, EXPR) SIMD_EXEC(NAME##_##F, q, NAME##_##F, 16)
#define SAME_BHSD(NAME, S, EXPR)   SAME_BHS(NAME, S, EXPR) SAME_Q64(NAME, S##64, EXPR)
#define SAME_BHSD_1(NAME, S, EXPR) SAME_BHSD(NAME, S, EXPR) SIMD_ONE(NAME, S##64)

/* The helpers of simd.h have the lane size in their names. */
#define SAME_SAT(NAME, S, HELPER, B)                                                               \
    SAME_VEC(NAME, S##8, HELPER##_##S##8(a, B, &q))                                                \
    SIMD_ONE(NAME, S##8)                                                                           \
    SAME_VEC(NAME, S##16, HELPER##_##S##16(a, B, &q))                                              \
    SIMD_ONE(NAME, S##16)                                                                          \
    SAME_VEC(NAME, S##32, HELPER##_##S##32(a, B, &q))                                              \
    SIMD_ONE(NAME, S##32)                                                                          \
    SAME_Q64(NAME, S##64, HELPER##_##S##64(a, B, &q)) SIMD_ONE(NAME, S##64)
#define SAME_SHIFT(NAME, S, HELPER)                                                                \
    SAME_VEC(NAME, S##8, HELPER##_##S##8(a, (int8_t)b))                                            \
    SAME_VEC(NAME, S##16, HELPER##_##S##16(a, (int8_t)b))                                          \
    SAME_VEC(NAME, S##32, HELPER##_##S##32(a, (int8_t)b))                                          \
    SAME_Q64(NAME, S##64, HELPER##_##S##64(a, (int8_t)b)) SIMD_ONE(NAME, S##64)

SAME_BHS(hadd, s, ((lane_s64)a + b) >> 1)
SAME_BHS(hadd, u, ((lane_u64)a + b) >> 1)
SAME_BHS(rhadd, s, ((lane_s64)a + b + 1) >> 1)
SAME_BHS(rhadd, u, ((lane_u64)a + b + 1) >> 1)
SAME_BHS(hsub, s, ((lane_s64)a - b) >> 1)
SAME_BHS(hsub, u, ((lane_u64)a - b) >> 1)
SAME_SAT(qadd, s, sqadd, b)
SAME_SAT(qadd, u, uqadd, b)
SAME_SAT(qsub, s, sqsub, b)
SAME_SAT(qsub, u, uqsub, b)
SAME_BHSD_1(cmgt, s, a > b ? -1 : 0)
SAME_BHSD_1(cmgt, u, a > b ? -1 : 0)
SAME_BHSD_1(cmge, s, a >= b ? -1 : 0)
SAME_BHSD_1(cmge, u, a >= b ? -1 : 0)
SAME_SHIFT(shl, s, sshl)
SAME_SHIFT(shl, u, ushl)
SAME_SAT(qshl, s, sqshl, (int8_t)b)
SAME_SAT(qshl, u, uqshl, (int8_t)b)
SAME_SHIFT(rshl, s, srshl)
SAME_SHIFT(rshl, u, urshl)
SAME_SAT(qrshl, s, sqrshl, (int8_t)b)
SAME_SAT(qrshl, u, uqrshl, (int8_t)b)
SAME_BHS(max, s, a > b ? a : b)
SAME_BHS(max, u, a > b ? a : b)
SAME_BHS(min, s, a < b ? a : b)
SAME_BHS(min, u, a < b ? a : b)
SAME_BHS(abd, s, a > b ? (lane_u32)a - (lane_u32)b : (lane_u32)b - (lane_u32)a)
SAME_BHS(abd, u, a > b ? a - b : b - a)
SAME_BHS(aba, s, (lane_u32)c + (a > b ? (lane_u32)a - (lane_u32)b : (lane_u32)b - (lane_u32)a))
SAME_BHS(aba, u, c + (a > b ? a - b : b - a))
SAME_BHSD_1(add, u, a + b)
SAME_BHSD_1(sub, u, a - b)
SAME_BHSD_1(cmtst, u, (a & b) != 0 ? -1 : 0)
SAME_BHSD_1(cmeq, u, a == b ? -1 : 0)
SAME_BHS(mla, u, c + (lane_u32)a * b)
SAME_BHS(mls, u, c - (lane_u32)a * b)
SAME_BHS(mul, u, ((lane_u32)a * b))

/* The two 64-bit halves of the bitwise forms; BSL's mask is Vd, BIT's and BIF's is Vm. */
#define SAME_BITS(NAME, EXPR) SAME_VEC(NAME, u64, EXPR)
SAME_BITS(and, (a & b))
SAME_BITS(bic, a & ~b)
SAME_BITS(orr, a | b)
SAME_BITS(orn, a | ~b)
SAME_BITS(eor, a ^ b)
SAME_BITS(bsl, b ^ ((b ^ a) & c))
SAME_BITS(bit, c ^ ((c ^ a) & b))
SAME_BITS(bif, c ^ ((c ^ a) & ~b))

/* MOV Vd, Vn is ORR with Rm = Rn. */
static void mov_d(struct interp_cpu *cpu, const struct a64_op *op)
{
    union vreg n = vreg_read(cpu, op->rn);
    vreg_write(cpu, op->rd, &n, 8);
}
static void mov_q(struct interp_cpu *cpu, const struct a64_op *op)
{
    union vreg n = vreg_read(cpu, op->rn);
    vreg_write(cpu, op->rd, &n, 16);
}

/* Polynomial product over GF(2), the low 8 bits. */
SIMD_INLINE lane_u8 pmul_8(lane_u8 a, lane_u8 b)
{
    lane_u8 r = 0;
    for (int i = 0; i < 8; i++)
        r ^= (lane_u8)((a << i) & -((b >> i) & 1));
    return r;
}
SAME_VEC(pmul, u8, pmul_8(a, b))

#define SAME_DOUBLING(NAME, EXPR_H, EXPR_S)                                                        \
    SAME_VEC(NAME, s16, EXPR_H)                                                                    \
    SIMD_ONE(NAME, s16)                                                                            \
    SAME_VEC(NAME, s32, EXPR_S)                                                                    \
    SIMD_ONE(NAME, s32)
SAME_DOUBLING(qdmulh, sqdmulh_s16(a, b, &q), sqdmulh_s32(a, b, &q))
SAME_DOUBLING(qrdmulh, sqrdmulh_s16(a, b, &q), sqrdmulh_s32(a, b, &q))
SAME_DOUBLING(qrdmlah, sqrdmlah_s16(c, a, b, &q), sqrdmlah_s32(c, a, b, &q))
SAME_DOUBLING(qrdmlsh, sqrdmlsh_s16(c, a, b, &q), sqrdmlsh_s32(c, a, b, &q))

/* Pairwise: the pairs of n, then the pairs of m. */
#define PAIR(NAME, F, EXPR)                                                                        \
    SIMD_INLINE void NAME##_##F(struct interp_cpu *cpu, const struct a64_op *op, unsigned bytes)   \
    {                                                                                              \
        union vreg n = vreg_read(cpu, op->rn), m = vreg_read(cpu, op->rm), d;                      \
        const unsigned half = bytes / sizeof(lane_##F) / 2;                                        \
        for (unsigned i = 0; i < half; i++) {                                                      \
            lane_##F a = n.F[2 * i], b = n.F[2 * i + 1];                                           \
            d.F[i] = (lane_##F)(EXPR);                                                             \
        }                                                                                          \
        for (unsigned i = 0; i < half; i++) {                                                      \
            lane_##F a = m.F[2 * i], b = m.F[2 * i + 1];                                           \
            d.F[half + i] = (lane_##F)(EXPR);                                                      \
        }                                                                                          \
        vreg_write(cpu, op->rd, &d, bytes);                                                        \
    }
#define PAIR_VEC(NAME, F, EXPR) PAIR(NAME, F, EXPR) SIMD_VEC(NAME, F)
#define PAIR_BHS(NAME, S, EXPR)                                                                    \
    PAIR_VEC(NAME, S##8, EXPR) PAIR_VEC(NAME, S##16, EXPR) PAIR_VEC(NAME, S##32, EXPR)
PAIR_BHS(maxp, s, a > b ? a : b)
PAIR_BHS(maxp, u, a > b ? a : b)
PAIR_BHS(minp, s, a < b ? a : b)
PAIR_BHS(minp, u, a < b ? a : b)
PAIR_BHS(addp, u, a + b)
PAIR(addp, u64, a + b)
SIMD_EXEC(addp_u64, q, addp_u64, 16)

#define DOT(S)                                                                                     \
    SIMD_INLINE void dot_##S(struct interp_cpu *cpu, const struct a64_op *op, unsigned bytes)      \
    {                                                                                              \
        union vreg n = vreg_read(cpu, op->rn), m = vreg_read(cpu, op->rm);                         \
        union vreg d = vreg_read(cpu, op->rd);                                                     \
        for (unsigned i = 0; i < bytes / 4; i++)                                                   \
            d.u32[i] = dot_##S##8(d.u32[i], n.S##8 + 4 * i, m.S##8 + 4 * i);                       \
        vreg_write(cpu, op->rd, &d, bytes);                                                        \
    }                                                                                              \
    SIMD_EXEC(dot_##S, d, dot_##S, 8)                                                              \
    SIMD_EXEC(dot_##S, q, dot_##S, 16)
DOT(s)
DOT(u)

/* By U:opcode. */
static const struct simd_row same_rows[64] = {
    [0x00] = {VEC_BHS(hadd, s)},
    [0x20] = {VEC_BHS(hadd, u)},
    [0x01] = {VEC_BHSD(qadd, s), ONE_BHSD(qadd, s)},
    [0x21] = {VEC_BHSD(qadd, u), ONE_BHSD(qadd, u)},
    [0x02] = {VEC_BHS(rhadd, s)},
    [0x22] = {VEC_BHS(rhadd, u)},
    [0x03] = {{{and_u64_d, bic_u64_d, orr_u64_d, orn_u64_d},
               {and_u64_q, bic_u64_q, orr_u64_q, orn_u64_q}}},
    [0x23] = {{{eor_u64_d, bsl_u64_d, bit_u64_d, bif_u64_d},
               {eor_u64_q, bsl_u64_q, bit_u64_q, bif_u64_q}}},
    [0x04] = {VEC_BHS(hsub, s)},
    [0x24] = {VEC_BHS(hsub, u)},
    [0x05] = {VEC_BHSD(qsub, s), ONE_BHSD(qsub, s)},
    [0x25] = {VEC_BHSD(qsub, u), ONE_BHSD(qsub, u)},
    [0x06] = {VEC_BHSD(cmgt, s), ONE_D(cmgt, s)},
    [0x26] = {VEC_BHSD(cmgt, u), ONE_D(cmgt, u)},
    [0x07] = {VEC_BHSD(cmge, s), ONE_D(cmge, s)},
    [0x27] = {VEC_BHSD(cmge, u), ONE_D(cmge, u)},
    [0x08] = {VEC_BHSD(shl, s), ONE_D(shl, s)},
    [0x28] = {VEC_BHSD(shl, u), ONE_D(shl, u)},
    [0x09] = {VEC_BHSD(qshl, s), ONE_BHSD(qshl, s)},
    [0x29] = {VEC_BHSD(qshl, u), ONE_BHSD(qshl, u)},
    [0x0a] = {VEC_BHSD(rshl, s), ONE_D(rshl, s)},
    [0x2a] = {VEC_BHSD(rshl, u), ONE_D(rshl, u)},
    [0x0b] = {VEC_BHSD(qrshl, s), ONE_BHSD(qrshl, s)},
    [0x2b] = {VEC_BHSD(qrshl, u), ONE_BHSD(qrshl, u)},
    [0x0c] = {VEC_BHS(max, s)},
    [0x2c] = {VEC_BHS(max, u)},
    [0x0d] = {VEC_BHS(min, s)},
    [0x2d] = {VEC_BHS(min, u)},
    [0x0e] = {VEC_BHS(abd, s)},
    [0x2e] = {VEC_BHS(abd, u)},
    [0x0f] = {VEC_BHS(aba, s)},
    [0x2f] = {VEC_BHS(aba, u)},
    [0x10] = {VEC_BHSD(add, u), ONE_D(add, u)},
    [0x30] = {VEC_BHSD(sub, u), ONE_D(sub, u)},
    [0x11] = {VEC_BHSD(cmtst, u), ONE_D(cmtst, u)},
    [0x31] = {VEC_BHSD(cmeq, u), ONE_D(cmeq, u)},
    [0x12] = {VEC_BHS(mla, u)},
    [0x32] = {VEC_BHS(mls, u)},
    [0x13] = {VEC_BHS(mul, u)},
    [0x33] = {VEC_B(pmul, u)},
    [0x14] = {VEC_BHS(maxp, s)},
    [0x34] = {VEC_BHS(maxp, u)},
    [0x15] = {VEC_BHS(minp, s)},
    [0x35] = {VEC_BHS(minp, u)},
    [0x16] = {VEC_HS(qdmulh, s), ONE_HS(qdmulh, s)},
    [0x36] = {VEC_HS(qrdmulh, s), ONE_HS(qrdmulh, s)},
    [0x17] = {VEC_BHSD(addp, u)},
};

int pre_simd_3same(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    unsigned row = bits(op->insn, 29, 1) << 5 | bits(op->insn, 11, 5);
    if (simd_pick(op, &same_rows[row], bits(op->insn, 22, 2)) < 0)
        return -1;
    if (op->exec == orr_u64_d && op->rn == op->rm)
        op->exec = mov_d;
    else if (op->exec == orr_u64_q && op->rn == op->rm)
        op->exec = mov_q;
    return 0;
}

/* By U:opcode<3:0> of "three same extra"; the complex ones are floating-point and elsewhere. */
static const struct simd_row extra_rows[32] = {
    [0x10] = {VEC_HS(qrdmlah, s), ONE_HS(qrdmlah, s)},
    [0x11] = {VEC_HS(qrdmlsh, s), ONE_HS(qrdmlsh, s)},
    [0x02] = {{[SIMD_D] = {[2] = dot_s_d}, [SIMD_Q] = {[2] = dot_s_q}}},
    [0x12] = {{[SIMD_D] = {[2] = dot_u_d}, [SIMD_Q] = {[2] = dot_u_q}}},
};

int pre_simd_3same_extra(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    unsigned row = bits(op->insn, 29, 1) << 4 | bits(op->insn, 11, 4);
    return simd_pick(op, &extra_rows[row], bits(op->insn, 22, 2));
}
