/*
 * simd_elem.c - Advanced SIMD "vector by indexed element", integer: the second source of every lane
 * is one element of Vm, whose index predecode leaves in op->u8[0].
 */
#include "a64_gen.h"
#include "vcpu/interp/simd.h"

#define ELEM(NAME, F, EXPR)                                                                        \
    SIMD_INLINE void NAME##_##F(struct interp_cpu *cpu, const struct a64_op *op, unsigned bytes)   \
    {                                                                                              \
        union vreg n = vreg_read(cpu, op->rn), m = vreg_read(cpu, op->rm);                         \
        union vreg d = vreg_read(cpu, op->rd);                                                     \
        const lane_##F b = m.F[op->u8[0]];                                                         \
        uint32_t q = 0;                                                                            \
        for (unsigned i = 0; i < bytes / sizeof(lane_##F); i++) {                                  \
            lane_##F a = n.F[i], c = d.F[i];                                                       \
            (void)c;                                                                               \
            d.F[i] = (lane_##F)(EXPR);                                                             \
        }                                                                                          \
        vreg_write(cpu, op->rd, &d, bytes);                                                        \
        cpu->regs.fpsr |= q;                                                                       \
    }
#define ELEM_VEC(NAME, F, EXPR) ELEM(NAME, F, EXPR) SIMD_VEC(NAME, F)
#define ELEM_HS(NAME, EXPR)     ELEM_VEC(NAME, u16, EXPR) ELEM_VEC(NAME, u32, EXPR)
ELEM_HS(mul, ((lane_u32)a * b))
ELEM_HS(mla, c + (lane_u32)a * b)
ELEM_HS(mls, c - (lane_u32)a * b)

#define ELEM_DOUBLING(NAME, EXPR_H, EXPR_S)                                                        \
    ELEM_VEC(NAME, s16, EXPR_H)                                                                    \
    SIMD_ONE(NAME, s16)                                                                            \
    ELEM_VEC(NAME, s32, EXPR_S)                                                                    \
    SIMD_ONE(NAME, s32)
ELEM_DOUBLING(qdmulh, sqdmulh_s16(a, b, &q), sqdmulh_s32(a, b, &q))
ELEM_DOUBLING(qrdmulh, sqrdmulh_s16(a, b, &q), sqrdmulh_s32(a, b, &q))
ELEM_DOUBLING(qrdmlah, sqrdmlah_s16(c, a, b, &q), sqrdmlah_s32(c, a, b, &q))
ELEM_DOUBLING(qrdmlsh, sqrdmlsh_s16(c, a, b, &q), sqrdmlsh_s32(c, a, b, &q))

/* Long: first is the first lane of Vn, 0 or for the "2" variants the upper half's. */
#define LONG(NAME, F, W, EXPR)                                                                     \
    SIMD_INLINE void NAME##_##F(struct interp_cpu *cpu, const struct a64_op *op, unsigned first,   \
                                unsigned lanes)                                                    \
    {                                                                                              \
        union vreg n = vreg_read(cpu, op->rn), m = vreg_read(cpu, op->rm);                         \
        union vreg d = vreg_read(cpu, op->rd);                                                     \
        const lane_##F b = m.F[op->u8[0]];                                                         \
        uint32_t q = 0;                                                                            \
        for (unsigned i = 0; i < lanes; i++) {                                                     \
            lane_##F a = n.F[first + i];                                                           \
            lane_##W c = d.W[i];                                                                   \
            (void)c;                                                                               \
            d.W[i] = (lane_##W)(EXPR);                                                             \
        }                                                                                          \
        vreg_write(cpu, op->rd, &d, lanes == 1 ? sizeof(lane_##W) : 16);                           \
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
#define LONG_ONE(NAME, F)                                                                          \
    static void NAME##_##F##_s(struct interp_cpu *cpu, const struct a64_op *op)                    \
    {                                                                                              \
        NAME##_##F(cpu, op, 0, 1);                                                                 \
    }
#define ALL_LONG(NAME, EXPR)                                                                       \
    LONG(NAME, s16, s32, EXPR)                                                                     \
    LONG(NAME, s32, s64, EXPR)                                                                     \
    LONG(NAME, u16, u32, EXPR)                                                                     \
    LONG(NAME, u32, u64, EXPR)
ALL_LONG(mull, ((lane_u64)a * (lane_u64)b))
ALL_LONG(mlal, (lane_u64)c + (lane_u64)a * (lane_u64)b)
ALL_LONG(mlsl, (lane_u64)c - (lane_u64)a * (lane_u64)b)

#define DOUBLING_LONG(NAME, EXPR_H, EXPR_S)                                                        \
    LONG(NAME, s16, s32, EXPR_H)                                                                   \
    LONG_ONE(NAME, s16)                                                                            \
    LONG(NAME, s32, s64, EXPR_S)                                                                   \
    LONG_ONE(NAME, s32)
DOUBLING_LONG(qdmull, sqdmull_s16(a, b, &q), sqdmull_s32(a, b, &q))
DOUBLING_LONG(qdmlal, sqadd_s32(c, sqdmull_s16(a, b, &q), &q),
              sqadd_s64(c, sqdmull_s32(a, b, &q), &q))
DOUBLING_LONG(qdmlsl, sqsub_s32(c, sqdmull_s16(a, b, &q), &q),
              sqsub_s64(c, sqdmull_s32(a, b, &q), &q))

/* The element is a group of four bytes. */
#define DOT(S)                                                                                     \
    SIMD_INLINE void dot_##S(struct interp_cpu *cpu, const struct a64_op *op, unsigned bytes)      \
    {                                                                                              \
        union vreg n = vreg_read(cpu, op->rn), m = vreg_read(cpu, op->rm);                         \
        union vreg d = vreg_read(cpu, op->rd);                                                     \
        const lane_##S##8 *b = m.S##8 + 4 * op->u8[0];                                             \
        for (unsigned i = 0; i < bytes / 4; i++)                                                   \
            d.u32[i] = dot_##S##8(d.u32[i], n.S##8 + 4 * i, b);                                    \
        vreg_write(cpu, op->rd, &d, bytes);                                                        \
    }                                                                                              \
    SIMD_EXEC(dot_##S, d, dot_##S, 8)                                                              \
    SIMD_EXEC(dot_##S, q, dot_##S, 16)
DOT(s)
DOT(u)

/* By U:opcode. */
static const struct simd_row elem_rows[32] = {
    [0x02] = {VEC_HS(mlal, s)},
    [0x12] = {VEC_HS(mlal, u)},
    [0x03] = {VEC_HS(qdmlal, s), ONE_HS(qdmlal, s)},
    [0x06] = {VEC_HS(mlsl, s)},
    [0x16] = {VEC_HS(mlsl, u)},
    [0x07] = {VEC_HS(qdmlsl, s), ONE_HS(qdmlsl, s)},
    [0x08] = {VEC_HS(mul, u)},
    [0x10] = {VEC_HS(mla, u)},
    [0x14] = {VEC_HS(mls, u)},
    [0x0a] = {VEC_HS(mull, s)},
    [0x1a] = {VEC_HS(mull, u)},
    [0x0b] = {VEC_HS(qdmull, s), ONE_HS(qdmull, s)},
    [0x0c] = {VEC_HS(qdmulh, s), ONE_HS(qdmulh, s)},
    [0x0d] = {VEC_HS(qrdmulh, s), ONE_HS(qrdmulh, s)},
    [0x1d] = {VEC_HS(qrdmlah, s), ONE_HS(qrdmlah, s)},
    [0x1f] = {VEC_HS(qrdmlsh, s), ONE_HS(qrdmlsh, s)},
    [0x0e] = {{[SIMD_D] = {[2] = dot_s_d}, [SIMD_Q] = {[2] = dot_s_q}}},
    [0x1e] = {{[SIMD_D] = {[2] = dot_u_d}, [SIMD_Q] = {[2] = dot_u_q}}},
};

int pre_simd_elem(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    unsigned row = bits(op->insn, 29, 1) << 4 | bits(op->insn, 12, 4);
    unsigned size = bits(op->insn, 22, 2);
    unsigned h = bits(op->insn, 11, 1), l = bits(op->insn, 21, 1), m = bits(op->insn, 20, 1);
    /* 16-bit elements need M for the index, which leaves V0 to V15. */
    if (size == 1) {
        op->rm &= 15;
        op->u8[0] = (uint8_t)(h << 2 | l << 1 | m);
    } else {
        op->u8[0] = (uint8_t)(h << 1 | l);
    }
    return simd_pick(op, &elem_rows[row], size);
}
