/*
 * simd.h - what the Advanced SIMD functions share: a V register as lanes, saturation, and the
 * macros that make one exec function for each form and lane size, so that none of them branches on
 * either.
 *
 * Rule for all of them: sources are copied before the destination is written, because Rd may be Rn
 * or Rm, and a result narrower than 128 bits zeroes the rest of Vd (Arm ARM, "V[n] = value").
 */
#ifndef ELFUSE_INTERP_SIMD_H
#define ELFUSE_INTERP_SIMD_H

#include "vcpu/interp/interp.h"

#define SIMD_INLINE static inline __attribute__((always_inline))

#define FPSR_QC (1u << 27)

typedef uint8_t lane_u8;
typedef uint16_t lane_u16;
typedef uint32_t lane_u32;
typedef uint64_t lane_u64;
typedef int8_t lane_s8;
typedef int16_t lane_s16;
typedef int32_t lane_s32;
typedef int64_t lane_s64;

union vreg {
    lane_u8 u8[16];
    lane_u16 u16[8];
    lane_u32 u32[4];
    lane_u64 u64[2];
    lane_s8 s8[16];
    lane_s16 s16[8];
    lane_s32 s32[4];
    lane_s64 s64[2];
};

SIMD_INLINE union vreg vreg_read(const struct interp_cpu *cpu, unsigned n)
{
    union vreg r;
    memcpy(&r, cpu->regs.v[n], sizeof r);
    return r;
}

/*
 * Write the low `bytes` of *r to V[n] and zeroes above them. Always one 16-byte store: a later read
 * of the whole register could not be forwarded from two smaller ones.
 */
SIMD_INLINE void vreg_write(struct interp_cpu *cpu, unsigned n, const union vreg *r, unsigned bytes)
{
    typedef uint64_t halves __attribute__((vector_size(16)));
    if (bytes == 16) {
        memcpy(cpu->regs.v[n], r, 16);
    } else {
        const uint64_t low = r->u64[0] & (~0ull >> (64 - 8 * bytes));
        const halves w = {low, 0};
        memcpy(cpu->regs.v[n], &w, 16);
    }
}

/* Keeps guest accesses in program order, so that the first one to fault is the architecture's
 * first. */
#define SIMD_ACCESS_ORDER() __asm__ volatile("" ::: "memory")

/*
 * Rn as the base of an access. Predecode leaves in op->u32 the bits of it that must be zero: 15 for
 * SP, which Linux has checked (SCTLR_EL1.SA0), none for the others.
 */
static inline void simd_set_base(struct a64_op *op)
{
    op->u32 = op->rn == 31 ? 15 : 0;
}
SIMD_INLINE uint64_t simd_base(struct interp_cpu *cpu, const struct a64_op *op,
                               enum vcpu_access access)
{
    const uint64_t base = cpu->regs.r[op->rn];
    if (__builtin_expect((base & op->u32) != 0, 0))
        interp_fault(cpu, base, access, VCPU_FAULT_ALIGN);
    return base;
}

/*
 * Exec functions by form and log2 of the lane size. A NULL is an unallocated encoding. SIMD_D and
 * SIMD_Q are the value of the Q bit; for the narrowing and widening instructions SIMD_Q is the "2"
 * variant.
 */
enum simd_form { SIMD_D, SIMD_Q, SIMD_SCALAR, SIMD_FORMS };

struct simd_row {
    a64_exec *exec[SIMD_FORMS][4];
};

/* Bit 28 is set in the scalar forms, and Q is bit 30. */
static inline enum simd_form simd_form(uint32_t insn)
{
    return bits(insn, 28, 1) ? SIMD_SCALAR : (enum simd_form)bits(insn, 30, 1);
}

static inline int simd_pick(struct a64_op *op, const struct simd_row *row, unsigned size)
{
    op->exec = row->exec[simd_form(op->insn)][size];
    return op->exec ? 0 : -1;
}

/* The exec functions of a body NAME_F(cpu, op, bytes) for the two vector lengths and the scalar
 * form. */
#define SIMD_EXEC(NAME, SUFFIX, BODY, ARG)                                                         \
    static void NAME##_##SUFFIX(struct interp_cpu *cpu, const struct a64_op *op)                   \
    {                                                                                              \
        BODY(cpu, op, ARG);                                                                        \
    }
#define SIMD_VEC(NAME, F)                                                                          \
    SIMD_EXEC(NAME##_##F, d, NAME##_##F, 8) SIMD_EXEC(NAME##_##F, q, NAME##_##F, 16)
#define SIMD_ONE(NAME, F) SIMD_EXEC(NAME##_##F, s, NAME##_##F, sizeof(lane_##F))

/* Initialisers of struct simd_row: which lane sizes exist in vectors, and which as scalars. */
#define VEC_B(NAME, S)    .exec[SIMD_D][0] = NAME##_##S##8_d, .exec[SIMD_Q][0] = NAME##_##S##8_q
#define VEC_H(NAME, S)    .exec[SIMD_D][1] = NAME##_##S##16_d, .exec[SIMD_Q][1] = NAME##_##S##16_q
#define VEC_S(NAME, S)    .exec[SIMD_D][2] = NAME##_##S##32_d, .exec[SIMD_Q][2] = NAME##_##S##32_q
#define VEC_HS(NAME, S)   VEC_H(NAME, S), VEC_S(NAME, S)
#define VEC_BHS(NAME, S)  VEC_B(NAME, S), VEC_HS(NAME, S)
#define VEC_BHSD(NAME, S) VEC_BHS(NAME, S), .exec[SIMD_Q][3] = NAME##_##S##64_q
#define ONE_D(NAME, S)    .exec[SIMD_SCALAR][3] = NAME##_##S##64_s
#define ONE_HS(NAME, S)                                                                            \
    .exec[SIMD_SCALAR][1] = NAME##_##S##16_s, .exec[SIMD_SCALAR][2] = NAME##_##S##32_s
#define ONE_BHS(NAME, S)  .exec[SIMD_SCALAR][0] = NAME##_##S##8_s, ONE_HS(NAME, S)
#define ONE_BHSD(NAME, S) ONE_BHS(NAME, S), ONE_D(NAME, S)

/*
 * Saturating helpers, for each lane size N; *q collects FPSR.QC.
 * Shifts take the amount as the register forms do: signed, negative is to the right, any value.
 */
#define SIMD_SAT(N)                                                                                \
    SIMD_INLINE lane_s##N sat_max_s##N(lane_s##N sign)                                             \
    {                                                                                              \
        return sign < 0 ? INT##N##_MIN : INT##N##_MAX;                                             \
    }                                                                                              \
    SIMD_INLINE lane_s##N sqadd_s##N(lane_s##N a, lane_s##N b, uint32_t *q)                        \
    {                                                                                              \
        lane_s##N r;                                                                               \
        if (!__builtin_add_overflow(a, b, &r))                                                     \
            return r;                                                                              \
        *q = FPSR_QC;                                                                              \
        return sat_max_s##N(a);                                                                    \
    }                                                                                              \
    SIMD_INLINE lane_s##N sqsub_s##N(lane_s##N a, lane_s##N b, uint32_t *q)                        \
    {                                                                                              \
        lane_s##N r;                                                                               \
        if (!__builtin_sub_overflow(a, b, &r))                                                     \
            return r;                                                                              \
        *q = FPSR_QC;                                                                              \
        return sat_max_s##N(a);                                                                    \
    }                                                                                              \
    SIMD_INLINE lane_u##N uqadd_u##N(lane_u##N a, lane_u##N b, uint32_t *q)                        \
    {                                                                                              \
        lane_u##N r;                                                                               \
        if (!__builtin_add_overflow(a, b, &r))                                                     \
            return r;                                                                              \
        *q = FPSR_QC;                                                                              \
        return UINT##N##_MAX;                                                                      \
    }                                                                                              \
    SIMD_INLINE lane_u##N uqsub_u##N(lane_u##N a, lane_u##N b, uint32_t *q)                        \
    {                                                                                              \
        lane_u##N r;                                                                               \
        if (!__builtin_sub_overflow(a, b, &r))                                                     \
            return r;                                                                              \
        *q = FPSR_QC;                                                                              \
        return 0;                                                                                  \
    }                                                                                              \
    SIMD_INLINE lane_s##N suqadd_s##N(lane_s##N a, lane_u##N b, uint32_t *q)                       \
    {                                                                                              \
        lane_s##N r;                                                                               \
        if (!__builtin_add_overflow(a, b, &r))                                                     \
            return r;                                                                              \
        *q = FPSR_QC;                                                                              \
        return INT##N##_MAX;                                                                       \
    }                                                                                              \
    SIMD_INLINE lane_u##N usqadd_u##N(lane_u##N a, lane_s##N b, uint32_t *q)                       \
    {                                                                                              \
        lane_u##N r;                                                                               \
        if (!__builtin_add_overflow(a, b, &r))                                                     \
            return r;                                                                              \
        *q = FPSR_QC;                                                                              \
        return b < 0 ? 0 : UINT##N##_MAX;                                                          \
    }                                                                                              \
    SIMD_INLINE lane_s##N sshl_s##N(lane_s##N a, int sh)                                           \
    {                                                                                              \
        if (sh >= 0)                                                                               \
            return sh >= N ? 0 : (lane_s##N)((lane_u64)a << sh);                                   \
        return sh <= -N ? (lane_s##N)(a >> (N - 1)) : (lane_s##N)(a >> -sh);                       \
    }                                                                                              \
    SIMD_INLINE lane_u##N ushl_u##N(lane_u##N a, int sh)                                           \
    {                                                                                              \
        if (sh >= N || sh <= -N)                                                                   \
            return 0;                                                                              \
        return sh >= 0 ? (lane_u##N)((lane_u64)a << sh) : (lane_u##N)(a >> -sh);                   \
    }                                                                                              \
    SIMD_INLINE lane_s##N srshl_s##N(lane_s##N a, int sh)                                          \
    {                                                                                              \
        if (sh >= 0)                                                                               \
            return sshl_s##N(a, sh);                                                               \
        return sh <= -N ? 0 : (lane_s##N)((a >> -sh) + ((a >> (-sh - 1)) & 1));                    \
    }                                                                                              \
    SIMD_INLINE lane_u##N urshl_u##N(lane_u##N a, int sh)                                          \
    {                                                                                              \
        if (sh >= 0)                                                                               \
            return ushl_u##N(a, sh);                                                               \
        if (sh <= -N)                                                                              \
            return sh == -N ? (lane_u##N)(a >> (N - 1)) : 0;                                       \
        return (lane_u##N)((a >> -sh) + ((a >> (-sh - 1)) & 1));                                   \
    }                                                                                              \
    SIMD_INLINE lane_s##N sqshl_left_s##N(lane_s##N a, int sh, uint32_t *q)                        \
    {                                                                                              \
        lane_s##N r = sshl_s##N(a, sh);                                                            \
        if (a == 0 || (sh < N && (lane_s##N)(r >> sh) == a))                                       \
            return r;                                                                              \
        *q = FPSR_QC;                                                                              \
        return sat_max_s##N(a);                                                                    \
    }                                                                                              \
    SIMD_INLINE lane_u##N uqshl_left_u##N(lane_u##N a, int sh, uint32_t *q)                        \
    {                                                                                              \
        lane_u##N r = ushl_u##N(a, sh);                                                            \
        if (a == 0 || (sh < N && (lane_u##N)(r >> sh) == a))                                       \
            return r;                                                                              \
        *q = FPSR_QC;                                                                              \
        return UINT##N##_MAX;                                                                      \
    }                                                                                              \
    SIMD_INLINE lane_u##N sqshlu_s##N(lane_s##N a, int sh, uint32_t *q)                            \
    {                                                                                              \
        if (a >= 0)                                                                                \
            return uqshl_left_u##N((lane_u##N)a, sh, q);                                           \
        *q = FPSR_QC;                                                                              \
        return 0;                                                                                  \
    }                                                                                              \
    SIMD_INLINE lane_s##N sqshl_s##N(lane_s##N a, int sh, uint32_t *q)                             \
    {                                                                                              \
        return sh >= 0 ? sqshl_left_s##N(a, sh, q) : sshl_s##N(a, sh);                             \
    }                                                                                              \
    SIMD_INLINE lane_u##N uqshl_u##N(lane_u##N a, int sh, uint32_t *q)                             \
    {                                                                                              \
        return sh >= 0 ? uqshl_left_u##N(a, sh, q) : ushl_u##N(a, sh);                             \
    }                                                                                              \
    SIMD_INLINE lane_s##N sqrshl_s##N(lane_s##N a, int sh, uint32_t *q)                            \
    {                                                                                              \
        return sh >= 0 ? sqshl_left_s##N(a, sh, q) : srshl_s##N(a, sh);                            \
    }                                                                                              \
    SIMD_INLINE lane_u##N uqrshl_u##N(lane_u##N a, int sh, uint32_t *q)                            \
    {                                                                                              \
        return sh >= 0 ? uqshl_left_u##N(a, sh, q) : urshl_u##N(a, sh);                            \
    }
SIMD_SAT(8)
SIMD_SAT(16)
SIMD_SAT(32)
SIMD_SAT(64)

/* Saturate a wider lane to N bits: signed to signed, to unsigned, unsigned to unsigned. */
#define SIMD_NARROW(N)                                                                             \
    SIMD_INLINE lane_s##N sqxtn_s##N(lane_s64 v, uint32_t *q)                                      \
    {                                                                                              \
        if (v == (lane_s##N)v)                                                                     \
            return (lane_s##N)v;                                                                   \
        *q = FPSR_QC;                                                                              \
        return v < 0 ? INT##N##_MIN : INT##N##_MAX;                                                \
    }                                                                                              \
    SIMD_INLINE lane_u##N sqxtun_u##N(lane_s64 v, uint32_t *q)                                     \
    {                                                                                              \
        if (v == (lane_u##N)v)                                                                     \
            return (lane_u##N)v;                                                                   \
        *q = FPSR_QC;                                                                              \
        return v < 0 ? 0 : UINT##N##_MAX;                                                          \
    }                                                                                              \
    SIMD_INLINE lane_u##N uqxtn_u##N(lane_u64 v, uint32_t *q)                                      \
    {                                                                                              \
        if (v == (lane_u##N)v)                                                                     \
            return (lane_u##N)v;                                                                   \
        *q = FPSR_QC;                                                                              \
        return UINT##N##_MAX;                                                                      \
    }
SIMD_NARROW(8)
SIMD_NARROW(16)
SIMD_NARROW(32)

/*
 * Doubling multiplies of 16 and 32 bit lanes. SQDMULL saturates only for MIN*MIN; SQDMULH and the
 * accumulating forms work on the exact product, which is kept one bit short of doubled so that it
 * fits.
 */
#define SIMD_DOUBLING(N, W)                                                                        \
    SIMD_INLINE lane_s##W sqdmull_s##N(lane_s##N a, lane_s##N b, uint32_t *q)                      \
    {                                                                                              \
        lane_s##W p = (lane_s##W)a * b;                                                            \
        return sqadd_s##W(p, p, q);                                                                \
    }                                                                                              \
    SIMD_INLINE lane_s##N sqdmulh_s##N(lane_s##N a, lane_s##N b, uint32_t *q)                      \
    {                                                                                              \
        return sqxtn_s##N(((lane_s64)a * b) >> (N - 1), q);                                        \
    }                                                                                              \
    SIMD_INLINE lane_s##N sqrdmulh_s##N(lane_s##N a, lane_s##N b, uint32_t *q)                     \
    {                                                                                              \
        return sqxtn_s##N(((lane_s64)a * b + ((lane_s64)1 << (N - 2))) >> (N - 1), q);             \
    }                                                                                              \
    SIMD_INLINE lane_s##N sqrdmlah_s##N(lane_s##N c, lane_s##N a, lane_s##N b, uint32_t *q)        \
    {                                                                                              \
        lane_s64 acc = (lane_s64)c * ((lane_s64)1 << (N - 1));                                     \
        return sqxtn_s##N((acc + (lane_s64)a * b + ((lane_s64)1 << (N - 2))) >> (N - 1), q);       \
    }                                                                                              \
    SIMD_INLINE lane_s##N sqrdmlsh_s##N(lane_s##N c, lane_s##N a, lane_s##N b, uint32_t *q)        \
    {                                                                                              \
        lane_s64 acc = (lane_s64)c * ((lane_s64)1 << (N - 1));                                     \
        return sqxtn_s##N((acc - (lane_s64)a * b + ((lane_s64)1 << (N - 2))) >> (N - 1), q);       \
    }
SIMD_DOUBLING(16, 32)
SIMD_DOUBLING(32, 64)

/* Sum of the four byte products in one 32-bit lane (SDOT, UDOT). */
SIMD_INLINE lane_u32 dot_s8(lane_u32 c, const lane_s8 *a, const lane_s8 *b)
{
    return c + (lane_u32)(a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3]);
}
SIMD_INLINE lane_u32 dot_u8(lane_u32 c, const lane_u8 *a, const lane_u8 *b)
{
    return c + (lane_u32)(a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3]);
}

#endif
