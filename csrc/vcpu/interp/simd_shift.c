/*
 * simd_shift.c - Advanced SIMD "shift by immediate". Predecode leaves the amount in op->u8[0]: 0 to
 * lane size - 1 to the left, 1 to the lane size to the right.
 */
#include "a64_gen.h"
#include "vcpu/interp/simd.h"

/* d[i] (type R) = EXPR of a = n[i] (type F), c = d[i], sh, N = lane size in bits. */
#define SHIFT(NAME, F, R, EXPR)                                                                    \
    SIMD_INLINE void NAME##_##F(struct interp_cpu *cpu, const struct a64_op *op, unsigned bytes)   \
    {                                                                                              \
        union vreg n = vreg_read(cpu, op->rn), d = vreg_read(cpu, op->rd);                         \
        const int sh = op->u8[0];                                                                  \
        uint32_t q = 0;                                                                            \
        for (unsigned i = 0; i < bytes / sizeof(lane_##F); i++) {                                  \
            const lane_##F a = n.F[i];                                                             \
            const lane_##R c = d.R[i];                                                             \
            (void)c;                                                                               \
            d.R[i] = (lane_##R)(EXPR);                                                             \
        }                                                                                          \
        vreg_write(cpu, op->rd, &d, bytes);                                                        \
        cpu->regs.fpsr |= q;                                                                       \
    }
#define SHIFT_VEC(NAME, F, R, EXPR) SHIFT(NAME, F, R, EXPR) SIMD_VEC(NAME, F)
#define SHIFT_ALL(NAME, S, EXPR)                                                                   \
    SHIFT_VEC(NAME, S##8, S##8, EXPR)                                                              \
    SHIFT_VEC(NAME, S##16, S##16, EXPR)                                                            \
    SHIFT_VEC(NAME, S##32, S##32, EXPR)                                                            \
    SHIFT(NAME, S##64, S##64, EXPR)                                                                \
    SIMD_EXEC(NAME##_##S##64, q, NAME##_##S##64, 16)                                               \
    SIMD_ONE(NAME, S##64)
#define SHIFT_SAT(NAME, S, R, HELPER)                                                              \
    SHIFT_VEC(NAME, S##8, R##8, HELPER##_##S##8(a, sh, &q))                                        \
    SIMD_ONE(NAME, S##8)                                                                           \
    SHIFT_VEC(NAME, S##16, R##16, HELPER##_##S##16(a, sh, &q))                                     \
    SIMD_ONE(NAME, S##16)                                                                          \
    SHIFT_VEC(NAME, S##32, R##32, HELPER##_##S##32(a, sh, &q))                                     \
    SIMD_ONE(NAME, S##32)                                                                          \
    SHIFT(NAME, S##64, R##64, HELPER##_##S##64(a, sh, &q))                                         \
    SIMD_EXEC(NAME##_##S##64, q, NAME##_##S##64, 16)                                               \
    SIMD_ONE(NAME, S##64)

/*
 * A right shift by the whole lane size is valid here and not in C, so shift by one less and then by
 * one; rounding adds the last bit shifted out, which cannot overflow as adding it before would.
 */
#define SHR_HALF   (a >> (sh - 1))
#define SHR_TRUNC  (SHR_HALF >> 1)
#define SHR_ROUND  ((SHR_HALF >> 1) + (SHR_HALF & 1))
#define ACCUMULATE (lane_u64) c + (lane_u64)
SHIFT_ALL(shr, s, SHR_TRUNC)
SHIFT_ALL(shr, u, SHR_TRUNC)
SHIFT_ALL(sra, s, ACCUMULATE SHR_TRUNC)
SHIFT_ALL(sra, u, ACCUMULATE SHR_TRUNC)
SHIFT_ALL(rshr, s, SHR_ROUND)
SHIFT_ALL(rshr, u, SHR_ROUND)
SHIFT_ALL(rsra, s, ACCUMULATE(SHR_ROUND))
SHIFT_ALL(rsra, u, ACCUMULATE(SHR_ROUND))

SHIFT_ALL(shl, u, a << sh)
#define SLI_KEEP (((lane_u64)1 << sh) - 1)
SHIFT_ALL(sli, u, ((lane_u64)a << sh) | (c & SLI_KEEP))

#define SRI(F) SHIFT(sri, F, F, SHR_TRUNC | (c & ~(((lane_##F) - 1 >> (sh - 1)) >> 1)))
SRI(u8)
SIMD_VEC(sri, u8)
SRI(u16)
SIMD_VEC(sri, u16)
SRI(u32)
SIMD_VEC(sri, u32)
SRI(u64)
SIMD_EXEC(sri_u64, q, sri_u64, 16)
SIMD_ONE(sri, u64)

SHIFT_SAT(qshl, s, s, sqshl_left)
SHIFT_SAT(qshl, u, u, uqshl_left)
SHIFT_SAT(qshlu, s, u, sqshlu)

/* Narrow: lanes of W to lanes of F from `first` on; Q=1 keeps the lower half of Vd. */
#define NARROW(NAME, F, W, EXPR)                                                                   \
    SIMD_INLINE void NAME##_##F(struct interp_cpu *cpu, const struct a64_op *op, unsigned first,   \
                                unsigned lanes)                                                    \
    {                                                                                              \
        union vreg n = vreg_read(cpu, op->rn), d = vreg_read(cpu, op->rd);                         \
        const int sh = op->u8[0];                                                                  \
        uint32_t q = 0;                                                                            \
        for (unsigned i = 0; i < lanes; i++) {                                                     \
            const lane_##W a = n.W[i];                                                             \
            d.F[first + i] = (lane_##F)(EXPR);                                                     \
        }                                                                                          \
        vreg_write(cpu, op->rd, &d, lanes == 1 ? sizeof(lane_##F) : first ? 16 : 8);               \
        cpu->regs.fpsr |= q;                                                                       \
    }                                                                                              \
    static void NAME##_##F##_d(struct interp_cpu *cpu, const struct a64_op *op)                    \
    {                                                                                              \
        NAME##_##F(cpu, op, 0, 8 / sizeof(lane_##F));                                              \
    }                                                                                              \
    static void NAME##_##F##_q(struct interp_cpu *cpu, const struct a64_op *op)                    \
    {                                                                                              \
        NAME##_##F(cpu, op, 8 / sizeof(lane_##F), 8 / sizeof(lane_##F));                           \
    }
#define NARROW_ONE(NAME, F)                                                                        \
    static void NAME##_##F##_s(struct interp_cpu *cpu, const struct a64_op *op)                    \
    {                                                                                              \
        NAME##_##F(cpu, op, 0, 1);                                                                 \
    }
#define NARROW_ALL(NAME, EXPR)                                                                     \
    NARROW(NAME, u8, u16, EXPR) NARROW(NAME, u16, u32, EXPR) NARROW(NAME, u32, u64, EXPR)
/* S and R are the signs of the source and of the result. */
#define NARROW_SAT(NAME, R, S, HELPER, EXPR)                                                       \
    NARROW(NAME, R##8, S##16, HELPER##_##R##8(EXPR, &q))                                           \
    NARROW_ONE(NAME, R##8)                                                                         \
    NARROW(NAME, R##16, S##32, HELPER##_##R##16(EXPR, &q))                                         \
    NARROW_ONE(NAME, R##16)                                                                        \
    NARROW(NAME, R##32, S##64, HELPER##_##R##32(EXPR, &q))                                         \
    NARROW_ONE(NAME, R##32)
NARROW_ALL(shrn, SHR_TRUNC)
NARROW_ALL(rshrn, SHR_ROUND)
NARROW_SAT(qshrn, s, s, sqxtn, SHR_TRUNC)
NARROW_SAT(qshrn, u, u, uqxtn, SHR_TRUNC)
NARROW_SAT(qrshrn, s, s, sqxtn, SHR_ROUND)
NARROW_SAT(qrshrn, u, u, uqxtn, SHR_ROUND)
NARROW_SAT(qshrun, u, s, sqxtun, SHR_TRUNC)
NARROW_SAT(qrshrun, u, s, sqxtun, SHR_ROUND)

#define LONG(NAME, F, W)                                                                           \
    SIMD_INLINE void NAME##_##F(struct interp_cpu *cpu, const struct a64_op *op, unsigned first)   \
    {                                                                                              \
        union vreg n = vreg_read(cpu, op->rn), d;                                                  \
        const int sh = op->u8[0];                                                                  \
        for (unsigned i = 0; i < 8 / sizeof(lane_##F); i++)                                        \
            d.W[i] = (lane_##W)((lane_u64)n.F[first + i] << sh);                                   \
        vreg_write(cpu, op->rd, &d, 16);                                                           \
    }                                                                                              \
    SIMD_EXEC(NAME##_##F, d, NAME##_##F, 0)                                                        \
    SIMD_EXEC(NAME##_##F, q, NAME##_##F, 8 / sizeof(lane_##F))
LONG(shll, s8, s16)
LONG(shll, s16, s32)
LONG(shll, s32, s64)
LONG(shll, u8, u16)
LONG(shll, u16, u32)
LONG(shll, u32, u64)

/* By U:opcode. */
static const struct simd_row shift_rows[64] = {
    [0x00] = {VEC_BHSD(shr, s), ONE_D(shr, s)},
    [0x20] = {VEC_BHSD(shr, u), ONE_D(shr, u)},
    [0x02] = {VEC_BHSD(sra, s), ONE_D(sra, s)},
    [0x22] = {VEC_BHSD(sra, u), ONE_D(sra, u)},
    [0x04] = {VEC_BHSD(rshr, s), ONE_D(rshr, s)},
    [0x24] = {VEC_BHSD(rshr, u), ONE_D(rshr, u)},
    [0x06] = {VEC_BHSD(rsra, s), ONE_D(rsra, s)},
    [0x26] = {VEC_BHSD(rsra, u), ONE_D(rsra, u)},
    [0x28] = {VEC_BHSD(sri, u), ONE_D(sri, u)},
    [0x0a] = {VEC_BHSD(shl, u), ONE_D(shl, u)},
    [0x2a] = {VEC_BHSD(sli, u), ONE_D(sli, u)},
    [0x2c] = {VEC_BHSD(qshlu, s), ONE_BHSD(qshlu, s)},
    [0x0e] = {VEC_BHSD(qshl, s), ONE_BHSD(qshl, s)},
    [0x2e] = {VEC_BHSD(qshl, u), ONE_BHSD(qshl, u)},
    [0x10] = {VEC_BHS(shrn, u)},
    [0x30] = {VEC_BHS(qshrun, u), ONE_BHS(qshrun, u)},
    [0x11] = {VEC_BHS(rshrn, u)},
    [0x31] = {VEC_BHS(qrshrun, u), ONE_BHS(qrshrun, u)},
    [0x12] = {VEC_BHS(qshrn, s), ONE_BHS(qshrn, s)},
    [0x32] = {VEC_BHS(qshrn, u), ONE_BHS(qshrn, u)},
    [0x13] = {VEC_BHS(qrshrn, s), ONE_BHS(qrshrn, s)},
    [0x33] = {VEC_BHS(qrshrn, u), ONE_BHS(qrshrn, u)},
    [0x14] = {VEC_BHS(shll, s)},
    [0x34] = {VEC_BHS(shll, u)},
};

/* immh:immb is lane size + amount to the left, 2 * lane size - amount to the right. */
static int shift_imm(struct a64_op *op, int left)
{
    unsigned immh = bits(op->insn, 19, 4), immhb = bits(op->insn, 16, 7);
    if (immh == 0)
        return -1;
    unsigned size = 31 - (unsigned)__builtin_clz(immh);
    op->u8[0] = (uint8_t)(left ? immhb - (8u << size) : (16u << size) - immhb);
    unsigned row = bits(op->insn, 29, 1) << 5 | bits(op->insn, 11, 5);
    return simd_pick(op, &shift_rows[row], size);
}

int pre_simd_shl(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    return shift_imm(op, 1);
}

int pre_simd_shr(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    return shift_imm(op, 0);
}
