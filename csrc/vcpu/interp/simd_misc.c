/*
 * simd_misc.c - Advanced SIMD "two-register miscellaneous", integer, "across lanes" and scalar
 * pairwise.
 */
#include "a64_gen.h"
#include "vcpu/interp/simd.h"

/* d[i] (type R) = EXPR of a = n[i] (type F), c = d[i] (type R). */
#define UNARY(NAME, F, R, EXPR)                                                                    \
    SIMD_INLINE void NAME##_##F(struct interp_cpu *cpu, const struct a64_op *op, unsigned bytes)   \
    {                                                                                              \
        union vreg n = vreg_read(cpu, op->rn), d = vreg_read(cpu, op->rd);                         \
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
#define UNARY_VEC(NAME, F, R, EXPR) UNARY(NAME, F, R, EXPR) SIMD_VEC(NAME, F)
#define UNARY_Q64(NAME, F, R, EXPR)                                                                \
    UNARY(NAME, F, R, EXPR) SIMD_EXEC(NAME##_##F, q, NAME##_##F, 16) SIMD_ONE(NAME, F)
#define UNARY_ALL(NAME, S, EXPR)                                                                   \
    UNARY_VEC(NAME, S##8, S##8, EXPR)                                                              \
    UNARY_VEC(NAME, S##16, S##16, EXPR)                                                            \
    UNARY_VEC(NAME, S##32, S##32, EXPR)                                                            \
    UNARY_Q64(NAME, S##64, S##64, EXPR)
#define UNARY_SAT(NAME, S, HELPER, X, Y)                                                           \
    UNARY_VEC(NAME, S##8, S##8, HELPER##8(X, Y, &q))                                               \
    SIMD_ONE(NAME, S##8)                                                                           \
    UNARY_VEC(NAME, S##16, S##16, HELPER##16(X, Y, &q))                                            \
    SIMD_ONE(NAME, S##16)                                                                          \
    UNARY_VEC(NAME, S##32, S##32, HELPER##32(X, Y, &q))                                            \
    SIMD_ONE(NAME, S##32)                                                                          \
    UNARY_Q64(NAME, S##64, S##64, HELPER##64(X, Y, &q))

UNARY_ALL(cmgt0, s, a > 0 ? -1 : 0)
UNARY_ALL(cmge0, s, a >= 0 ? -1 : 0)
UNARY_ALL(cmeq0, s, a == 0 ? -1 : 0)
UNARY_ALL(cmle0, s, a <= 0 ? -1 : 0)
UNARY_ALL(cmlt0, s, a < 0 ? -1 : 0)
UNARY_ALL(abs, s, a < 0 ? 0 - (lane_u64)a : (lane_u64)a)
UNARY_ALL(neg, u, 0 - a)

/* The addend is the source register, the accumulator the destination. */
UNARY_VEC(suqadd, u8, s8, suqadd_s8(c, a, &q))
SIMD_ONE(suqadd, u8)
UNARY_VEC(suqadd, u16, s16, suqadd_s16(c, a, &q))
SIMD_ONE(suqadd, u16)
UNARY_VEC(suqadd, u32, s32, suqadd_s32(c, a, &q))
SIMD_ONE(suqadd, u32)
UNARY_Q64(suqadd, u64, s64, suqadd_s64(c, a, &q))
UNARY_VEC(usqadd, s8, u8, usqadd_u8(c, a, &q))
SIMD_ONE(usqadd, s8)
UNARY_VEC(usqadd, s16, u16, usqadd_u16(c, a, &q))
SIMD_ONE(usqadd, s16)
UNARY_VEC(usqadd, s32, u32, usqadd_u32(c, a, &q))
SIMD_ONE(usqadd, s32)
UNARY_Q64(usqadd, s64, u64, usqadd_u64(c, a, &q))

UNARY_SAT(qneg, s, sqsub_s, 0, a)
#define ABS_SAT(N)                                                                                 \
    SIMD_INLINE lane_s##N abs_sat##N(lane_s##N a, int zero, uint32_t *q)                           \
    {                                                                                              \
        return a < 0 ? sqsub_s##N((lane_s##N)zero, a, q) : a;                                      \
    }
ABS_SAT(8)
ABS_SAT(16)
ABS_SAT(32)
ABS_SAT(64)
UNARY_SAT(qabs, s, abs_sat, a, 0)

/* Count leading bits: of 0, or for CLS of the sign (not counting the sign itself). */
#define CLZ(N, A) ((A) == 0 ? N : (unsigned)__builtin_clz(A) - (32 - N))
UNARY_VEC(clz, u8, u8, CLZ(8, a))
UNARY_VEC(clz, u16, u16, CLZ(16, a))
UNARY_VEC(clz, u32, u32, CLZ(32, a))
UNARY_VEC(cls, s8, s8, CLZ(8, (lane_u8)(a ^ (a >> 7))) - 1)
UNARY_VEC(cls, s16, s16, CLZ(16, (lane_u16)(a ^ (a >> 15))) - 1)
UNARY_VEC(cls, s32, s32, CLZ(32, (lane_u32)(a ^ (a >> 31))) - 1)

/* Bit counts and bit reversal of bytes by halving: these vectorise, a table does not. */
SIMD_INLINE lane_u8 cnt_byte(lane_u8 a)
{
    a = (lane_u8)(a - ((a >> 1) & 0x55));
    a = (lane_u8)((a & 0x33) + ((a >> 2) & 0x33));
    return (lane_u8)((a + (a >> 4)) & 0x0f);
}
SIMD_INLINE lane_u8 rbit_byte(lane_u8 a)
{
    a = (lane_u8)(((a >> 1) & 0x55) | ((a & 0x55) << 1));
    a = (lane_u8)(((a >> 2) & 0x33) | ((a & 0x33) << 2));
    return (lane_u8)((a >> 4) | (a << 4));
}
UNARY_VEC(cnt, u8, u8, cnt_byte(a))
UNARY_VEC(rbit, u8, u8, rbit_byte(a))
UNARY_VEC(not, u64, u64, ~a)

/* Reverse the lanes of type F within each container of `group` bytes. */
#define REV(NAME, F, GROUP)                                                                        \
    SIMD_INLINE void NAME##_##F(struct interp_cpu *cpu, const struct a64_op *op, unsigned bytes)   \
    {                                                                                              \
        union vreg n = vreg_read(cpu, op->rn), d;                                                  \
        for (unsigned i = 0; i < bytes / sizeof(lane_##F); i++)                                    \
            d.F[i] = n.F[i ^ ((GROUP) / sizeof(lane_##F) - 1)];                                    \
        vreg_write(cpu, op->rd, &d, bytes);                                                        \
    }                                                                                              \
    SIMD_VEC(NAME, F)
REV(rev16, u8, 2)
REV(rev32, u8, 4)
REV(rev32, u16, 4)
REV(rev64, u8, 8)
REV(rev64, u16, 8)
REV(rev64, u32, 8)

/* Sums of neighbours into lanes twice as wide, ADALP on top of the old ones. */
#define PAIR_LONG(F, W)                                                                            \
    SIMD_INLINE void addlp_##F(struct interp_cpu *cpu, const struct a64_op *op, unsigned bytes)    \
    {                                                                                              \
        union vreg n = vreg_read(cpu, op->rn), d;                                                  \
        for (unsigned i = 0; i < bytes / sizeof(lane_##W); i++)                                    \
            d.W[i] = (lane_##W)((lane_##W)n.F[2 * i] + n.F[2 * i + 1]);                            \
        vreg_write(cpu, op->rd, &d, bytes);                                                        \
    }                                                                                              \
    SIMD_VEC(addlp, F)                                                                             \
    SIMD_INLINE void adalp_##F(struct interp_cpu *cpu, const struct a64_op *op, unsigned bytes)    \
    {                                                                                              \
        union vreg n = vreg_read(cpu, op->rn), d = vreg_read(cpu, op->rd);                         \
        for (unsigned i = 0; i < bytes / sizeof(lane_##W); i++)                                    \
            d.W[i] =                                                                               \
                (lane_##W)((lane_u64)d.W[i] + (lane_u64)n.F[2 * i] + (lane_u64)n.F[2 * i + 1]);    \
        vreg_write(cpu, op->rd, &d, bytes);                                                        \
    }                                                                                              \
    SIMD_VEC(adalp, F)
PAIR_LONG(s8, s16)
PAIR_LONG(s16, s32)
PAIR_LONG(s32, s64)
PAIR_LONG(u8, u16)
PAIR_LONG(u16, u32)
PAIR_LONG(u32, u64)

/* Narrow lanes of W to F; Q=1 writes the upper half and keeps the lower. */
#define NARROW(NAME, F, W, EXPR)                                                                   \
    SIMD_INLINE void NAME##_##F(struct interp_cpu *cpu, const struct a64_op *op, unsigned first,   \
                                unsigned lanes)                                                    \
    {                                                                                              \
        union vreg n = vreg_read(cpu, op->rn), d = vreg_read(cpu, op->rd);                         \
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
#define NARROW_SAT(NAME, R, S, HELPER)                                                             \
    NARROW(NAME, R##8, S##16, HELPER##_##R##8(a, &q))                                              \
    NARROW_ONE(NAME, R##8)                                                                         \
    NARROW(NAME, R##16, S##32, HELPER##_##R##16(a, &q))                                            \
    NARROW_ONE(NAME, R##16)                                                                        \
    NARROW(NAME, R##32, S##64, HELPER##_##R##32(a, &q))                                            \
    NARROW_ONE(NAME, R##32)
NARROW(xtn, u8, u16, a)
NARROW(xtn, u16, u32, a)
NARROW(xtn, u32, u64, a)
NARROW_SAT(qxtn, s, s, sqxtn)
NARROW_SAT(qxtn, u, u, uqxtn)
NARROW_SAT(qxtun, u, s, sqxtun)

/* SHLL shifts by the whole narrow lane. */
#define SHLL(F, W)                                                                                 \
    SIMD_INLINE void shll_##F(struct interp_cpu *cpu, const struct a64_op *op, unsigned first)     \
    {                                                                                              \
        union vreg n = vreg_read(cpu, op->rn), d;                                                  \
        for (unsigned i = 0; i < 8 / sizeof(lane_##F); i++)                                        \
            d.W[i] = (lane_##W)((lane_u64)n.F[first + i] << (8 * sizeof(lane_##F)));               \
        vreg_write(cpu, op->rd, &d, 16);                                                           \
    }                                                                                              \
    SIMD_EXEC(shll_##F, d, shll_##F, 0)                                                            \
    SIMD_EXEC(shll_##F, q, shll_##F, 8 / sizeof(lane_##F))
SHLL(u8, u16)
SHLL(u16, u32)
SHLL(u32, u64)

/* By U:opcode. */
static const struct simd_row misc_rows[64] = {
    [0x00] = {VEC_BHS(rev64, u)},
    [0x20] = {VEC_B(rev32, u), VEC_H(rev32, u)},
    [0x01] = {VEC_B(rev16, u)},
    [0x02] = {VEC_BHS(addlp, s)},
    [0x22] = {VEC_BHS(addlp, u)},
    [0x03] = {VEC_BHSD(suqadd, u), ONE_BHSD(suqadd, u)},
    [0x23] = {VEC_BHSD(usqadd, s), ONE_BHSD(usqadd, s)},
    [0x04] = {VEC_BHS(cls, s)},
    [0x24] = {VEC_BHS(clz, u)},
    [0x05] = {VEC_B(cnt, u)},
    [0x25] = {{{not_u64_d, rbit_u8_d}, {not_u64_q, rbit_u8_q}}},
    [0x06] = {VEC_BHS(adalp, s)},
    [0x26] = {VEC_BHS(adalp, u)},
    [0x07] = {VEC_BHSD(qabs, s), ONE_BHSD(qabs, s)},
    [0x27] = {VEC_BHSD(qneg, s), ONE_BHSD(qneg, s)},
    [0x08] = {VEC_BHSD(cmgt0, s), ONE_D(cmgt0, s)},
    [0x28] = {VEC_BHSD(cmge0, s), ONE_D(cmge0, s)},
    [0x09] = {VEC_BHSD(cmeq0, s), ONE_D(cmeq0, s)},
    [0x29] = {VEC_BHSD(cmle0, s), ONE_D(cmle0, s)},
    [0x0a] = {VEC_BHSD(cmlt0, s), ONE_D(cmlt0, s)},
    [0x0b] = {VEC_BHSD(abs, s), ONE_D(abs, s)},
    [0x2b] = {VEC_BHSD(neg, u), ONE_D(neg, u)},
    [0x12] = {VEC_BHS(xtn, u)},
    [0x32] = {VEC_BHS(qxtun, u), ONE_BHS(qxtun, u)},
    [0x33] = {VEC_BHS(shll, u)},
    [0x14] = {VEC_BHS(qxtn, s), ONE_BHS(qxtn, s)},
    [0x34] = {VEC_BHS(qxtn, u), ONE_BHS(qxtn, u)},
};

int pre_simd_misc(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    unsigned row = bits(op->insn, 29, 1) << 5 | bits(op->insn, 12, 5);
    return simd_pick(op, &misc_rows[row], bits(op->insn, 22, 2));
}

/* Across lanes: r (type R) starts as lane 0 and takes a = each other lane. */
#define ACROSS(NAME, F, R, EXPR)                                                                   \
    SIMD_INLINE void NAME##_##F(struct interp_cpu *cpu, const struct a64_op *op, unsigned bytes)   \
    {                                                                                              \
        union vreg n = vreg_read(cpu, op->rn), d;                                                  \
        lane_##R r = n.F[0];                                                                       \
        for (unsigned i = 1; i < bytes / sizeof(lane_##F); i++) {                                  \
            const lane_##F a = n.F[i];                                                             \
            r = (lane_##R)(EXPR);                                                                  \
        }                                                                                          \
        d.R[0] = r;                                                                                \
        vreg_write(cpu, op->rd, &d, sizeof r);                                                     \
    }                                                                                              \
    SIMD_VEC(NAME, F)
#define ACROSS_BHS(NAME, S, EXPR)                                                                  \
    ACROSS(NAME, S##8, S##8, EXPR) ACROSS(NAME, S##16, S##16, EXPR) ACROSS(NAME, S##32, S##32, EXPR)
ACROSS(addlv, s8, s16, r + a)
ACROSS(addlv, s16, s32, r + a)
ACROSS(addlv, s32, s64, r + a)
ACROSS(addlv, u8, u16, r + a)
ACROSS(addlv, u16, u32, r + a)
ACROSS(addlv, u32, u64, r + a)
ACROSS_BHS(maxv, s, a > r ? a : r)
ACROSS_BHS(maxv, u, a > r ? a : r)
ACROSS_BHS(minv, s, a < r ? a : r)
ACROSS_BHS(minv, u, a < r ? a : r)
ACROSS_BHS(addv, u, r + a)

/* By U:opcode. */
static const struct simd_row across_rows[64] = {
    [0x03] = {VEC_BHS(addlv, s)}, [0x23] = {VEC_BHS(addlv, u)}, [0x0a] = {VEC_BHS(maxv, s)},
    [0x2a] = {VEC_BHS(maxv, u)},  [0x1a] = {VEC_BHS(minv, s)},  [0x3a] = {VEC_BHS(minv, u)},
    [0x1b] = {VEC_BHS(addv, u)},
};

int pre_simd_across(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    unsigned row = bits(op->insn, 29, 1) << 5 | bits(op->insn, 12, 5);
    unsigned size = bits(op->insn, 22, 2);
    /* Two lanes are a pair, not a vector. */
    if (size == 2 && simd_form(op->insn) == SIMD_D)
        return -1;
    return simd_pick(op, &across_rows[row], size);
}

static void addp_one(struct interp_cpu *cpu, const struct a64_op *op)
{
    union vreg n = vreg_read(cpu, op->rn), d;
    d.u64[0] = n.u64[0] + n.u64[1];
    vreg_write(cpu, op->rd, &d, 8);
}

int pre_simd_addp_one(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    op->exec = addp_one;
    return 0;
}
