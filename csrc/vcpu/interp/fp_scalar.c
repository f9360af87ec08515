/*
 * fp_scalar.c - scalar moves, comparison, selection and conversion between formats.
 */
#include "vcpu/interp/cond.h"
#include "vcpu/interp/fp_exec.h"

#define MOVE(X)                                                                                    \
    static void fmov_##X(struct interp_cpu *cpu, const struct a64_op *op)                          \
    {                                                                                              \
        fp_write(cpu, op->rd, (fp_##X)cpu->regs.v[op->rn][0]);                                     \
    }
MOVE(h)
MOVE(s)
MOVE(d)

int pre_fmov_scalar(struct a64_op *op, uint64_t pc)
{
    static const struct fp_forms forms = {.h = fmov_h, .s = fmov_s, .d = fmov_d};
    (void)pc;
    return fp_pick_scalar(op, &forms, fp_fmt_ftype(op->insn));
}

static void fmov_imm(struct interp_cpu *cpu, const struct a64_op *op)
{
    fp_write(cpu, op->rd, op->imm);
}

int pre_fmov_imm(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    op->imm = fp_expand_imm((enum fp_fmt)fp_fmt_ftype(op->insn), bits(op->insn, 13, 8));
    op->exec = fmov_imm;
    return 0;
}

static void fmov_to_gp_h(struct interp_cpu *cpu, const struct a64_op *op)
{
    cpu->regs.r[op->rd] = (uint16_t)cpu->regs.v[op->rn][0];
}
static void fmov_to_gp_s(struct interp_cpu *cpu, const struct a64_op *op)
{
    cpu->regs.r[op->rd] = (uint32_t)cpu->regs.v[op->rn][0];
}
static void fmov_to_gp_d(struct interp_cpu *cpu, const struct a64_op *op)
{
    cpu->regs.r[op->rd] = cpu->regs.v[op->rn][0];
}
static void fmov_to_gp_high(struct interp_cpu *cpu, const struct a64_op *op)
{
    cpu->regs.r[op->rd] = cpu->regs.v[op->rn][1];
}

/* By ftype: S, D, the high half of a vector, H. */
int pre_fmov_to_gp(struct a64_op *op, uint64_t pc)
{
    static a64_exec *const table[4] = {fmov_to_gp_s, fmov_to_gp_d, fmov_to_gp_high, fmov_to_gp_h};
    (void)pc;
    op->rd = reg_dst(op->rd);
    op->exec = table[bits(op->insn, 22, 2)];
    return 0;
}

static void fmov_from_gp_h(struct interp_cpu *cpu, const struct a64_op *op)
{
    fp_write(cpu, op->rd, (uint16_t)cpu->regs.r[op->rn]);
}
static void fmov_from_gp_s(struct interp_cpu *cpu, const struct a64_op *op)
{
    fp_write(cpu, op->rd, (uint32_t)cpu->regs.r[op->rn]);
}
static void fmov_from_gp_d(struct interp_cpu *cpu, const struct a64_op *op)
{
    fp_write(cpu, op->rd, cpu->regs.r[op->rn]);
}
static void fmov_from_gp_high(struct interp_cpu *cpu, const struct a64_op *op)
{
    cpu->regs.v[op->rd][1] = cpu->regs.r[op->rn];
}

int pre_fmov_from_gp(struct a64_op *op, uint64_t pc)
{
    static a64_exec *const table[4] = {fmov_from_gp_s, fmov_from_gp_d, fmov_from_gp_high,
                                       fmov_from_gp_h};
    (void)pc;
    op->rn = reg_src(op->rn);
    op->exec = table[bits(op->insn, 22, 2)];
    return 0;
}

/* Comparison: u8[0] says whether quiet NaNs signal; u32 is the condition (cond.h). */
#define COMPARE(X)                                                                                 \
    static void fcmp_##X(struct interp_cpu *cpu, const struct a64_op *op)                          \
    {                                                                                              \
        fp_##X a = (fp_##X)cpu->regs.v[op->rn][0], b = (fp_##X)cpu->regs.v[op->rm][0];             \
        cpu->regs.nzcv = fp_compare_##X(&cpu->regs, a, b, op->u8[0]);                              \
    }                                                                                              \
    static void fcmp_zero_##X(struct interp_cpu *cpu, const struct a64_op *op)                     \
    {                                                                                              \
        fp_##X a = (fp_##X)cpu->regs.v[op->rn][0];                                                 \
        cpu->regs.nzcv = fp_compare_##X(&cpu->regs, a, 0, op->u8[0]);                              \
    }                                                                                              \
    static void fccmp_##X(struct interp_cpu *cpu, const struct a64_op *op)                         \
    {                                                                                              \
        if (cond_holds(op->u32, cpu->regs.nzcv))                                                   \
            fcmp_##X(cpu, op);                                                                     \
        else                                                                                       \
            cpu->regs.nzcv = (uint32_t)op->imm;                                                    \
    }                                                                                              \
    static void fcsel_##X(struct interp_cpu *cpu, const struct a64_op *op)                         \
    {                                                                                              \
        unsigned from = cond_holds(op->u32, cpu->regs.nzcv) ? op->rn : op->rm;                     \
        fp_write(cpu, op->rd, (fp_##X)cpu->regs.v[from][0]);                                       \
    }
COMPARE(h)
COMPARE(s)
COMPARE(d)

int pre_fcmp(struct a64_op *op, uint64_t pc)
{
    static const struct fp_forms forms = {.h = fcmp_h, .s = fcmp_s, .d = fcmp_d};
    (void)pc;
    op->u8[0] = (uint8_t)bits(op->insn, 4, 1);
    return fp_pick_scalar(op, &forms, fp_fmt_ftype(op->insn));
}

int pre_fcmp_zero(struct a64_op *op, uint64_t pc)
{
    static const struct fp_forms forms = {.h = fcmp_zero_h, .s = fcmp_zero_s, .d = fcmp_zero_d};
    (void)pc;
    op->u8[0] = (uint8_t)bits(op->insn, 4, 1);
    return fp_pick_scalar(op, &forms, fp_fmt_ftype(op->insn));
}

int pre_fccmp(struct a64_op *op, uint64_t pc)
{
    static const struct fp_forms forms = {.h = fccmp_h, .s = fccmp_s, .d = fccmp_d};
    (void)pc;
    op->u8[0] = (uint8_t)bits(op->insn, 4, 1);
    op->imm = (uint64_t)bits(op->insn, 0, 4) << 28;
    op->u32 = cond_mask(bits(op->insn, 12, 4));
    return fp_pick_scalar(op, &forms, fp_fmt_ftype(op->insn));
}

int pre_fcsel(struct a64_op *op, uint64_t pc)
{
    static const struct fp_forms forms = {.h = fcsel_h, .s = fcsel_s, .d = fcsel_d};
    (void)pc;
    op->u32 = cond_mask(bits(op->insn, 12, 4));
    return fp_pick_scalar(op, &forms, fp_fmt_ftype(op->insn));
}

FP_INLINE fp_h fcvt_lane_sh(struct vcpu_regs *env, fp_s a)
{
    return (fp_h)fp_convert(env, FP_S, FP_H, a, FPR_FPCR);
}
FP_INLINE fp_h fcvt_lane_dh(struct vcpu_regs *env, fp_d a)
{
    return (fp_h)fp_convert(env, FP_D, FP_H, a, FPR_FPCR);
}
FP_INLINE fp_s fcvt_lane_hs(struct vcpu_regs *env, fp_h a)
{
    return (fp_s)fp_convert(env, FP_H, FP_S, a, FPR_FPCR);
}
FP_INLINE fp_d fcvt_lane_hd(struct vcpu_regs *env, fp_h a)
{
    return fp_convert(env, FP_H, FP_D, a, FPR_FPCR);
}
FP_INLINE fp_d fcvt_lane_sd(struct vcpu_regs *env, fp_s a)
{
    return fp_convert_sd(env, a);
}
FP_INLINE fp_s fcvt_lane_ds(struct vcpu_regs *env, fp_d a)
{
    return fp_convert_ds(env, a);
}
/* FCVTXN rounds to odd, so that a second rounding to half precision stays correct. */
FP_INLINE fp_s fcvt_lane_odd(struct vcpu_regs *env, fp_d a)
{
    return (fp_s)fp_convert(env, FP_D, FP_S, a, FPR_ODD);
}

#define CONVERT(ex, fn, FROM)                                                                      \
    static void ex(struct interp_cpu *cpu, const struct a64_op *op)                                \
    {                                                                                              \
        fp_write(cpu, op->rd, fn(&cpu->regs, (fp_##FROM)cpu->regs.v[op->rn][0]));                  \
    }
#define CONVERT_PRE(x, FROM)                                                                       \
    CONVERT(fcvt_##x, fcvt_lane_##x, FROM)                                                         \
    int pre_fcvt_##x(struct a64_op *op, uint64_t pc)                                               \
    {                                                                                              \
        (void)pc;                                                                                  \
        op->exec = fcvt_##x;                                                                       \
        return 0;                                                                                  \
    }
CONVERT_PRE(sh, s)
CONVERT_PRE(dh, d)
CONVERT_PRE(hs, h)
CONVERT_PRE(hd, h)
CONVERT_PRE(sd, s)
CONVERT_PRE(ds, d)

/* Lengthen the low or (HIGH) the high half of Vn. */
#define LENGTHEN(ex, fn, FROM, TO, N, HIGH)                                                        \
    static void ex(struct interp_cpu *cpu, const struct a64_op *op)                                \
    {                                                                                              \
        fp_##FROM a[N];                                                                            \
        fp_##TO d[N];                                                                              \
        memcpy(a, &cpu->regs.v[op->rn][HIGH], sizeof a);                                           \
        for (unsigned i = 0; i < N; i++)                                                           \
            d[i] = fn(&cpu->regs, a[i]);                                                           \
        memcpy(cpu->regs.v[op->rd], d, sizeof d);                                                  \
    }
LENGTHEN(fcvtl_s, fcvt_lane_hs, h, s, 4, 0)
LENGTHEN(fcvtl2_s, fcvt_lane_hs, h, s, 4, 1)
LENGTHEN(fcvtl_d, fcvt_lane_sd, s, d, 2, 0)
LENGTHEN(fcvtl2_d, fcvt_lane_sd, s, d, 2, 1)

int pre_fcvtl(struct a64_op *op, uint64_t pc)
{
    static a64_exec *const table[2][2] = {{fcvtl_s, fcvtl2_s}, {fcvtl_d, fcvtl2_d}};
    (void)pc;
    op->exec = table[bits(op->insn, 22, 1)][bits(op->insn, 30, 1)];
    return 0;
}

/* Narrow Vn into the low half of Vd, clearing the high one, or (HIGH) into the high half alone. */
#define NARROW(ex, fn, FROM, TO, N, HIGH)                                                          \
    static void ex(struct interp_cpu *cpu, const struct a64_op *op)                                \
    {                                                                                              \
        fp_##FROM a[N];                                                                            \
        fp_##TO d[N];                                                                              \
        memcpy(a, cpu->regs.v[op->rn], sizeof a);                                                  \
        for (unsigned i = 0; i < N; i++)                                                           \
            d[i] = fn(&cpu->regs, a[i]);                                                           \
        if (!(HIGH))                                                                               \
            cpu->regs.v[op->rd][1] = 0;                                                            \
        memcpy(&cpu->regs.v[op->rd][HIGH], d, sizeof d);                                           \
    }
NARROW(fcvtn_h, fcvt_lane_sh, s, h, 4, 0)
NARROW(fcvtn2_h, fcvt_lane_sh, s, h, 4, 1)
NARROW(fcvtn_s, fcvt_lane_ds, d, s, 2, 0)
NARROW(fcvtn2_s, fcvt_lane_ds, d, s, 2, 1)
NARROW(fcvtxn_v, fcvt_lane_odd, d, s, 2, 0)
NARROW(fcvtxn2_v, fcvt_lane_odd, d, s, 2, 1)
CONVERT(fcvtxn, fcvt_lane_odd, d)

int pre_fcvtn(struct a64_op *op, uint64_t pc)
{
    static a64_exec *const table[2][2] = {{fcvtn_h, fcvtn2_h}, {fcvtn_s, fcvtn2_s}};
    (void)pc;
    op->exec = table[bits(op->insn, 22, 1)][bits(op->insn, 30, 1)];
    return 0;
}

int pre_fcvtxn(struct a64_op *op, uint64_t pc)
{
    static a64_exec *const table[2] = {fcvtxn_v, fcvtxn2_v};
    (void)pc;
    op->exec = bits(op->insn, 28, 1) ? fcvtxn : table[bits(op->insn, 30, 1)];
    return 0;
}
