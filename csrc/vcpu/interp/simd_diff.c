/*
 * simd_diff.c - Advanced SIMD "three different": results twice as wide as the sources (long), one
 * source as wide as the result (wide), results half as wide (narrow). The "2" variants, Q=1, use
 * the upper half of the narrow registers.
 */
#include "a64_gen.h"
#include "vcpu/interp/simd.h"

/* First narrow lane and number of lanes of each form, for lanes of type F. */
#define LONG_FORMS(NAME, F)                                                                        \
    static void NAME##_##F##_d(struct interp_cpu *cpu, const struct a64_op *op)                    \
    {                                                                                              \
        NAME##_##F(cpu, op, 0, 8 / sizeof(lane_##F));                                              \
    }                                                                                              \
    static void NAME##_##F##_q(struct interp_cpu *cpu, const struct a64_op *op)                    \
    {                                                                                              \
        NAME##_##F(cpu, op, 8 / sizeof(lane_##F), 8 / sizeof(lane_##F));                           \
    }
#define LONG_ONE(NAME, F)                                                                          \
    static void NAME##_##F##_s(struct interp_cpu *cpu, const struct a64_op *op)                    \
    {                                                                                              \
        NAME##_##F(cpu, op, 0, 1);                                                                 \
    }

/* d[i] (type W) = EXPR of a = n[i] and b = m[i] (types NF and F, widened), c = d[i]. */
#define LONG_BODY(NAME, F, W, NF, NBASE, EXPR)                                                     \
    SIMD_INLINE void NAME##_##F(struct interp_cpu *cpu, const struct a64_op *op, unsigned first,   \
                                unsigned lanes)                                                    \
    {                                                                                              \
        union vreg n = vreg_read(cpu, op->rn), m = vreg_read(cpu, op->rm);                         \
        union vreg d = vreg_read(cpu, op->rd);                                                     \
        uint32_t q = 0;                                                                            \
        for (unsigned i = 0; i < lanes; i++) {                                                     \
            lane_##W a = (lane_##W)n.NF[(NBASE) + i], b = (lane_##W)m.F[first + i], c = d.W[i];    \
            (void)c;                                                                               \
            d.W[i] = (lane_##W)(EXPR);                                                             \
        }                                                                                          \
        vreg_write(cpu, op->rd, &d, lanes == 1 ? sizeof(lane_##W) : 16);                           \
        cpu->regs.fpsr |= q;                                                                       \
    }
#define LONG(NAME, F, W, EXPR) LONG_BODY(NAME, F, W, F, first, EXPR) LONG_FORMS(NAME, F)
#define WIDE(NAME, F, W, EXPR) LONG_BODY(NAME, F, W, W, 0, EXPR) LONG_FORMS(NAME, F)

#define ALL_LONG(NAME, EXPR)                                                                       \
    LONG(NAME, s8, s16, EXPR)                                                                      \
    LONG(NAME, s16, s32, EXPR)                                                                     \
    LONG(NAME, s32, s64, EXPR)                                                                     \
    LONG(NAME, u8, u16, EXPR)                                                                      \
    LONG(NAME, u16, u32, EXPR)                                                                     \
    LONG(NAME, u32, u64, EXPR)
#define ALL_WIDE(NAME, EXPR)                                                                       \
    WIDE(NAME, s8, s16, EXPR)                                                                      \
    WIDE(NAME, s16, s32, EXPR)                                                                     \
    WIDE(NAME, s32, s64, EXPR)                                                                     \
    WIDE(NAME, u8, u16, EXPR)                                                                      \
    WIDE(NAME, u16, u32, EXPR)                                                                     \
    WIDE(NAME, u32, u64, EXPR)

/* Sums modulo the wide lane: unsigned, because the accumulator may wrap. */
ALL_LONG(addl, (lane_u64)a + (lane_u64)b)
ALL_LONG(subl, (lane_u64)a - (lane_u64)b)
ALL_WIDE(addw, (lane_u64)a + (lane_u64)b)
ALL_WIDE(subw, (lane_u64)a - (lane_u64)b)
ALL_LONG(abdl, a > b ? (lane_u64)a - (lane_u64)b : (lane_u64)b - (lane_u64)a)
ALL_LONG(abal, (lane_u64)c + (a > b ? (lane_u64)a - (lane_u64)b : (lane_u64)b - (lane_u64)a))
ALL_LONG(mull, ((lane_u64)a * (lane_u64)b))
ALL_LONG(mlal, (lane_u64)c + (lane_u64)a * (lane_u64)b)
ALL_LONG(mlsl, (lane_u64)c - (lane_u64)a * (lane_u64)b)

#define DOUBLING_LONG(NAME, EXPR_H, EXPR_S)                                                        \
    LONG(NAME, s16, s32, EXPR_H)                                                                   \
    LONG_ONE(NAME, s16)                                                                            \
    LONG(NAME, s32, s64, EXPR_S)                                                                   \
    LONG_ONE(NAME, s32)
#define DOUBLE_H sqdmull_s16((lane_s16)a, (lane_s16)b, &q)
#define DOUBLE_S sqdmull_s32((lane_s32)a, (lane_s32)b, &q)
DOUBLING_LONG(qdmull, DOUBLE_H, DOUBLE_S)
DOUBLING_LONG(qdmlal, sqadd_s32(c, DOUBLE_H, &q), sqadd_s64(c, DOUBLE_S, &q))
DOUBLING_LONG(qdmlsl, sqsub_s32(c, DOUBLE_H, &q), sqsub_s64(c, DOUBLE_S, &q))

/* Polynomial product over GF(2) of bytes: all 15 bits. */
SIMD_INLINE lane_u16 pmull_8(lane_u16 a, lane_u16 b)
{
    unsigned r = 0;
    for (unsigned i = 0; i < 8; i++)
        r ^= ((unsigned)a << i) & (0u - ((b >> i) & 1u));
    return (lane_u16)r;
}
LONG(pmull, u8, u16, pmull_8(a, b))

/*
 * Narrow: the upper half of each sum or difference of wide lanes. Q=1 writes the upper half of Vd
 * and keeps the lower, Q=0 the other way round with zeroes above.
 */
#define NARROW(NAME, F, W, EXPR)                                                                   \
    SIMD_INLINE void NAME##_##F(struct interp_cpu *cpu, const struct a64_op *op, unsigned first,   \
                                unsigned lanes)                                                    \
    {                                                                                              \
        const unsigned shift = 8 * sizeof(lane_##F);                                               \
        const lane_u64 round = (lane_u64)1 << (shift - 1);                                         \
        union vreg n = vreg_read(cpu, op->rn), m = vreg_read(cpu, op->rm);                         \
        union vreg d = vreg_read(cpu, op->rd);                                                     \
        (void)round;                                                                               \
        for (unsigned i = 0; i < lanes; i++) {                                                     \
            lane_u64 a = n.W[i], b = m.W[i];                                                       \
            d.F[first + i] = (lane_##F)((EXPR) >> shift);                                          \
        }                                                                                          \
        vreg_write(cpu, op->rd, &d, first ? 16 : 8);                                               \
    }                                                                                              \
    LONG_FORMS(NAME, F)
#define ALL_NARROW(NAME, EXPR)                                                                     \
    NARROW(NAME, u8, u16, EXPR) NARROW(NAME, u16, u32, EXPR) NARROW(NAME, u32, u64, EXPR)
ALL_NARROW(addhn, a + b)
ALL_NARROW(raddhn, a + b + round)
ALL_NARROW(subhn, a - b)
ALL_NARROW(rsubhn, a - b + round)

/* By U:opcode. Opcode 14 is PMULL; its 64-bit form is cryptography's (crypto_aes.c). */
static const struct simd_row diff_rows[32] = {
    [0x00] = {VEC_BHS(addl, s)},
    [0x10] = {VEC_BHS(addl, u)},
    [0x01] = {VEC_BHS(addw, s)},
    [0x11] = {VEC_BHS(addw, u)},
    [0x02] = {VEC_BHS(subl, s)},
    [0x12] = {VEC_BHS(subl, u)},
    [0x03] = {VEC_BHS(subw, s)},
    [0x13] = {VEC_BHS(subw, u)},
    [0x04] = {VEC_BHS(addhn, u)},
    [0x14] = {VEC_BHS(raddhn, u)},
    [0x05] = {VEC_BHS(abal, s)},
    [0x15] = {VEC_BHS(abal, u)},
    [0x06] = {VEC_BHS(subhn, u)},
    [0x16] = {VEC_BHS(rsubhn, u)},
    [0x07] = {VEC_BHS(abdl, s)},
    [0x17] = {VEC_BHS(abdl, u)},
    [0x08] = {VEC_BHS(mlal, s)},
    [0x18] = {VEC_BHS(mlal, u)},
    [0x09] = {VEC_HS(qdmlal, s), ONE_HS(qdmlal, s)},
    [0x0a] = {VEC_BHS(mlsl, s)},
    [0x1a] = {VEC_BHS(mlsl, u)},
    [0x0b] = {VEC_HS(qdmlsl, s), ONE_HS(qdmlsl, s)},
    [0x0c] = {VEC_BHS(mull, s)},
    [0x1c] = {VEC_BHS(mull, u)},
    [0x0d] = {VEC_HS(qdmull, s), ONE_HS(qdmull, s)},
    [0x0e] = {VEC_B(pmull, u)},
};

int pre_simd_3diff(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    unsigned row = bits(op->insn, 29, 1) << 4 | bits(op->insn, 12, 4);
    return simd_pick(op, &diff_rows[row], bits(op->insn, 22, 2));
}
