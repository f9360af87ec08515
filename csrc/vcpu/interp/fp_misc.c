/*
 * fp_misc.c - one-operand arithmetic and comparison with zero: scalar, vector and Advanced SIMD
 * scalar.
 */
#include "vcpu/interp/fp_exec.h"

/* Lane functions for FP_SCALAR1 and FP_VECTOR1, which see the operation. */
#define LANES1(X, F)                                                                               \
    FP_INLINE fp_##X fabs_lane_##X(struct vcpu_regs *env, const struct a64_op *op, fp_##X a)       \
    {                                                                                              \
        (void)op;                                                                                  \
        return fp_abs_##X(env, a);                                                                 \
    }                                                                                              \
    FP_INLINE fp_##X fneg_lane_##X(struct vcpu_regs *env, const struct a64_op *op, fp_##X a)       \
    {                                                                                              \
        (void)op;                                                                                  \
        return fp_neg_##X(env, a);                                                                 \
    }                                                                                              \
    FP_INLINE fp_##X fsqrt_lane_##X(struct vcpu_regs *env, const struct a64_op *op, fp_##X a)      \
    {                                                                                              \
        (void)op;                                                                                  \
        return fp_sqrt_##X(env, a);                                                                \
    }                                                                                              \
    FP_INLINE fp_##X frecpe_lane_##X(struct vcpu_regs *env, const struct a64_op *op, fp_##X a)     \
    {                                                                                              \
        (void)op;                                                                                  \
        return fp_recpe_##X(env, a);                                                               \
    }                                                                                              \
    FP_INLINE fp_##X frsqrte_lane_##X(struct vcpu_regs *env, const struct a64_op *op, fp_##X a)    \
    {                                                                                              \
        (void)op;                                                                                  \
        return fp_rsqrte_##X(env, a);                                                              \
    }                                                                                              \
    FP_INLINE fp_##X frecpx_lane_##X(struct vcpu_regs *env, const struct a64_op *op, fp_##X a)     \
    {                                                                                              \
        (void)op;                                                                                  \
        return fp_recpx_##X(env, a);                                                               \
    }                                                                                              \
    FP_INLINE fp_##X fcmeq_lane_##X(struct vcpu_regs *env, const struct a64_op *op, fp_##X a)      \
    {                                                                                              \
        (void)op;                                                                                  \
        return fp_cmeq_##X(env, a, 0);                                                             \
    }                                                                                              \
    FP_INLINE fp_##X fcmge_lane_##X(struct vcpu_regs *env, const struct a64_op *op, fp_##X a)      \
    {                                                                                              \
        (void)op;                                                                                  \
        return fp_cmge_##X(env, a, 0);                                                             \
    }                                                                                              \
    FP_INLINE fp_##X fcmgt_lane_##X(struct vcpu_regs *env, const struct a64_op *op, fp_##X a)      \
    {                                                                                              \
        (void)op;                                                                                  \
        return fp_cmgt_##X(env, a, 0);                                                             \
    }                                                                                              \
    FP_INLINE fp_##X fcmle_lane_##X(struct vcpu_regs *env, const struct a64_op *op, fp_##X a)      \
    {                                                                                              \
        (void)op;                                                                                  \
        return fp_cmge_##X(env, 0, a);                                                             \
    }                                                                                              \
    FP_INLINE fp_##X fcmlt_lane_##X(struct vcpu_regs *env, const struct a64_op *op, fp_##X a)      \
    {                                                                                              \
        (void)op;                                                                                  \
        return fp_cmgt_##X(env, 0, a);                                                             \
    }                                                                                              \
    /* u8[1] is the rounding, u8[2] says that Inexact is raised. */                                \
    FP_INLINE fp_##X frint_lane_##X(struct vcpu_regs *env, const struct a64_op *op, fp_##X a)      \
    {                                                                                              \
        return (fp_##X)fp_round_int(env, F, a, (enum fp_rounding)op->u8[1], op->u8[2]);            \
    }                                                                                              \
    /* u8[0] is the size of the integer. */                                                        \
    FP_INLINE fp_##X frintts_lane_##X(struct vcpu_regs *env, const struct a64_op *op, fp_##X a)    \
    {                                                                                              \
        return (fp_##X)fp_round_int_n(env, F, a, (enum fp_rounding)op->u8[1], op->u8[0]);          \
    }
LANES1(h, FP_H)
LANES1(s, FP_S)
LANES1(d, FP_D)

#define DEFINE(name)                                                                               \
    FP_SCALARS(FP_SCALAR1, name, name##_lane)                                                      \
    FP_VECTORS(FP_VECTOR1, name, name##_lane)                                                      \
    static const struct fp_forms name##_forms = FP_FORMS(name);
#define PRE(name, pre, pick, fmt)                                                                  \
    int pre(struct a64_op *op, uint64_t pc)                                                        \
    {                                                                                              \
        (void)pc;                                                                                  \
        return pick(op, &name##_forms, fmt(op->insn));                                             \
    }

DEFINE(fabs)
DEFINE(fneg)
/* Scalar square roots without a frame in the common case. */
#define SQUARE_ROOT_TRY(X)                                                                         \
    FP_SCALAR1(fsqrt_slow, fsqrt_lane, X)                                                          \
    static void fsqrt_##X(struct interp_cpu *cpu, const struct a64_op *op)                         \
    {                                                                                              \
        fp_##X r;                                                                                  \
        if (FP_LIKELY(fp_sqrt_try_##X(&cpu->regs, (fp_##X)cpu->regs.v[op->rn][0], &r)))            \
            fp_write(cpu, op->rd, r);                                                              \
        else                                                                                       \
            fsqrt_slow_##X(cpu, op);                                                               \
    }
FP_SCALAR1(fsqrt, fsqrt_lane, h)
SQUARE_ROOT_TRY(s)
SQUARE_ROOT_TRY(d)
FP_VECTORS(FP_VECTOR1, fsqrt, fsqrt_lane)
static const struct fp_forms fsqrt_forms = FP_FORMS(fsqrt);
PRE(fabs, pre_fabs_scalar, fp_pick_scalar, fp_fmt_ftype)
PRE(fneg, pre_fneg_scalar, fp_pick_scalar, fp_fmt_ftype)
PRE(fsqrt, pre_fsqrt_scalar, fp_pick_scalar, fp_fmt_ftype)
PRE(fabs, pre_fabs_misc, fp_pick_simd, fp_fmt_misc)
PRE(fneg, pre_fneg_misc, fp_pick_simd, fp_fmt_misc)
PRE(fsqrt, pre_fsqrt_misc, fp_pick_simd, fp_fmt_misc)

DEFINE(frecpe)
DEFINE(frsqrte)
DEFINE(fcmeq)
DEFINE(fcmge)
DEFINE(fcmgt)
DEFINE(fcmle)
DEFINE(fcmlt)
PRE(frecpe, pre_frecpe, fp_pick_simd, fp_fmt_misc)
PRE(frsqrte, pre_frsqrte, fp_pick_simd, fp_fmt_misc)
PRE(fcmeq, pre_fcmeq_zero, fp_pick_simd, fp_fmt_misc)
PRE(fcmge, pre_fcmge_zero, fp_pick_simd, fp_fmt_misc)
PRE(fcmgt, pre_fcmgt_zero, fp_pick_simd, fp_fmt_misc)
PRE(fcmle, pre_fcmle_zero, fp_pick_simd, fp_fmt_misc)
PRE(fcmlt, pre_fcmlt_zero, fp_pick_simd, fp_fmt_misc)

FP_SCALARS(FP_SCALAR1, frecpx, frecpx_lane)
static const struct fp_forms frecpx_forms = {.h = frecpx_h, .s = frecpx_s, .d = frecpx_d};
PRE(frecpx, pre_frecpx, fp_pick_simd, fp_fmt_misc)

DEFINE(frint)
int pre_frint_scalar(struct a64_op *op, uint64_t pc)
{
    static const uint8_t rounding[8] = {FPR_TIEEVEN, FPR_POSINF, FPR_NEGINF, FPR_ZERO,
                                        FPR_TIEAWAY, 0,          FPR_FPCR,   FPR_FPCR};
    (void)pc;
    op->u8[1] = rounding[bits(op->insn, 15, 3)];
    op->u8[2] = bits(op->insn, 15, 3) == 6; /* FRINTX */
    return fp_pick_scalar(op, &frint_forms, fp_fmt_ftype(op->insn));
}

int pre_frint_misc(struct a64_op *op, uint64_t pc)
{
    /* By U, bit 23 and bit 12: N M P Z, A X - I. */
    static const uint8_t rounding[8] = {FPR_TIEEVEN, FPR_NEGINF, FPR_POSINF, FPR_ZERO,
                                        FPR_TIEAWAY, FPR_FPCR,   0,          FPR_FPCR};
    unsigned which =
        bits(op->insn, 29, 1) << 2 | bits(op->insn, 23, 1) << 1 | bits(op->insn, 12, 1);

    (void)pc;
    op->u8[1] = rounding[which];
    op->u8[2] = which == 5;
    return fp_pick_simd(op, &frint_forms, fp_fmt_misc(op->insn));
}

DEFINE(frintts)
int pre_frintts_scalar(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    op->u8[0] = bits(op->insn, 16, 1) ? 64 : 32;
    op->u8[1] = bits(op->insn, 15, 1) ? FPR_FPCR : FPR_ZERO;
    return fp_pick_scalar(op, &frintts_forms, fp_fmt_ftype(op->insn));
}

int pre_frintts_misc(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    op->u8[0] = bits(op->insn, 12, 1) ? 64 : 32;
    op->u8[1] = bits(op->insn, 29, 1) ? FPR_FPCR : FPR_ZERO;
    return fp_pick_simd(op, &frintts_forms, fp_fmt_misc(op->insn));
}

/* Estimates of unsigned fixed-point numbers, which read no FPCR. */
#define UNSIGNED_ESTIMATE(name)                                                                    \
    FP_INLINE fp_s name##_lane_s(struct vcpu_regs *env, const struct a64_op *op, fp_s a)           \
    {                                                                                              \
        (void)env;                                                                                 \
        (void)op;                                                                                  \
        return fp_##name(a);                                                                       \
    }                                                                                              \
    FP_VECTOR1(name, name##_lane, s, 2)                                                            \
    FP_VECTOR1(name, name##_lane, s, 4)                                                            \
    static const struct fp_forms name##_forms = {.v2s = name##_2s, .v4s = name##_4s};              \
    PRE(name, pre_##name, fp_pick_simd, fp_fmt_misc)
UNSIGNED_ESTIMATE(urecpe)
UNSIGNED_ESTIMATE(ursqrte)
