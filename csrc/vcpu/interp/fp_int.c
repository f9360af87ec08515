/*
 * fp_int.c - conversion between floating point and integers or fixed-point numbers.
 *
 * In op: u8[0] fraction bits, u8[1] rounding, u8[2] unsigned. Truncation without fraction bits and
 * signed integers, which compilers emit all the time, have functions of their own.
 */
#include "vcpu/interp/fp_exec.h"

/* Between lanes of one size. */
#define LANES(X, F, INT)                                                                           \
    FP_INLINE fp_##X fcvt_lane_##X(struct vcpu_regs *env, const struct a64_op *op, fp_##X a)       \
    {                                                                                              \
        return (fp_##X)fp_to_fixed(env, F, a, sizeof a * 8, op->u8[0], op->u8[2],                  \
                                   (enum fp_rounding)op->u8[1]);                                   \
    }                                                                                              \
    FP_INLINE fp_##X scvtf_lane_##X(struct vcpu_regs *env, const struct a64_op *op, fp_##X a)      \
    {                                                                                              \
        return (fp_##X)fp_from_fixed(env, F, (uint64_t)(int64_t)(INT)a, op->u8[0], false);         \
    }                                                                                              \
    FP_INLINE fp_##X ucvtf_lane_##X(struct vcpu_regs *env, const struct a64_op *op, fp_##X a)      \
    {                                                                                              \
        return (fp_##X)fp_from_fixed(env, F, a, op->u8[0], true);                                  \
    }
LANES(h, FP_H, int16_t)
LANES(s, FP_S, int32_t)
LANES(d, FP_D, int64_t)

#define LANES_FAST(X, INT)                                                                         \
    FP_INLINE fp_##X fcvtzs_lane_##X(struct vcpu_regs *env, const struct a64_op *op, fp_##X a)     \
    {                                                                                              \
        (void)op;                                                                                  \
        return (fp_##X)fp_trunc_##X(env, a, sizeof a * 8, false);                                  \
    }                                                                                              \
    FP_INLINE fp_##X scvtf_int_lane_##X(struct vcpu_regs *env, const struct a64_op *op, fp_##X a)  \
    {                                                                                              \
        (void)op;                                                                                  \
        return fp_from_int_##X(env, (INT)a);                                                       \
    }
LANES_FAST(s, int32_t)
LANES_FAST(d, int64_t)

#define ALL(name)                                                                                  \
    FP_SCALARS(FP_SCALAR1, name, name##_lane)                                                      \
    FP_VECTORS(FP_VECTOR1, name, name##_lane)                                                      \
    static const struct fp_forms name##_forms = FP_FORMS(name);
#define ALL_SD(name)                                                                               \
    FP_SCALAR1(name, name##_lane, s)                                                               \
    FP_SCALAR1(name, name##_lane, d)                                                               \
    FP_VECTOR1(name, name##_lane, s, 2)                                                            \
    FP_VECTOR1(name, name##_lane, s, 4)                                                            \
    FP_VECTOR1(name, name##_lane, d, 2)                                                            \
    static const struct fp_forms name##_forms = FP_FORMS_SD(name);
ALL(fcvt)
ALL(scvtf)
ALL(ucvtf)
ALL_SD(fcvtzs)
ALL_SD(scvtf_int)

int pre_fcvt_int_misc(struct a64_op *op, uint64_t pc)
{
    /* By bits 23 and 12 of FCVTN/M/P/Z; FCVTA differs in bit 14. */
    static const uint8_t rounding[4] = {FPR_TIEEVEN, FPR_NEGINF, FPR_POSINF, FPR_ZERO};
    unsigned fmt = fp_fmt_misc(op->insn);

    (void)pc;
    op->u8[2] = (uint8_t)bits(op->insn, 29, 1);
    op->u8[1] = bits(op->insn, 14, 1)
                    ? FPR_TIEAWAY
                    : rounding[bits(op->insn, 23, 1) << 1 | bits(op->insn, 12, 1)];
    if (op->u8[1] == FPR_ZERO && !op->u8[2] && fmt != FP_H)
        return fp_pick_simd(op, &fcvtzs_forms, fmt);
    return fp_pick_simd(op, &fcvt_forms, fmt);
}

int pre_cvtf_int_misc(struct a64_op *op, uint64_t pc)
{
    unsigned fmt = fp_fmt_misc(op->insn);

    (void)pc;
    if (bits(op->insn, 29, 1))
        return fp_pick_simd(op, &ucvtf_forms, fmt);
    return fp_pick_simd(op, fmt == FP_H ? &scvtf_forms : &scvtf_int_forms, fmt);
}

/* immh:immb is twice the lane's size less the fraction bits. */
static unsigned take_fbits(struct a64_op *op)
{
    unsigned fmt = fp_fmt_immh(op->insn);
    op->u8[0] = (uint8_t)((16u << fmt) - bits(op->insn, 16, 7));
    return fmt;
}

int pre_fcvt_fixed(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    op->u8[1] = FPR_ZERO;
    op->u8[2] = (uint8_t)bits(op->insn, 29, 1);
    return fp_pick_simd(op, &fcvt_forms, take_fbits(op));
}

int pre_cvtf_fixed(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    return fp_pick_simd(op, bits(op->insn, 29, 1) ? &ucvtf_forms : &scvtf_forms, take_fbits(op));
}

/* With general registers: W and X. */
#define GENERAL(X, F, REG, UNSIGNED, SIGNED)                                                       \
    static void fcvt_##REG##X(struct interp_cpu *cpu, const struct a64_op *op)                     \
    {                                                                                              \
        cpu->regs.r[op->rd] =                                                                      \
            fp_to_fixed(&cpu->regs, F, cpu->regs.v[op->rn][0], sizeof(UNSIGNED) * 8, op->u8[0],    \
                        op->u8[2], (enum fp_rounding)op->u8[1]);                                   \
    }                                                                                              \
    static void scvtf_##X##REG(struct interp_cpu *cpu, const struct a64_op *op)                    \
    {                                                                                              \
        uint64_t v = (uint64_t)(int64_t)(SIGNED)cpu->regs.r[op->rn];                               \
        fp_write(cpu, op->rd, fp_from_fixed(&cpu->regs, F, v, op->u8[0], false));                  \
    }                                                                                              \
    static void ucvtf_##X##REG(struct interp_cpu *cpu, const struct a64_op *op)                    \
    {                                                                                              \
        uint64_t v = (UNSIGNED)cpu->regs.r[op->rn];                                                \
        fp_write(cpu, op->rd, fp_from_fixed(&cpu->regs, F, v, op->u8[0], true));                   \
    }
GENERAL(h, FP_H, w, uint32_t, int32_t)
GENERAL(h, FP_H, x, uint64_t, int64_t)
GENERAL(s, FP_S, w, uint32_t, int32_t)
GENERAL(s, FP_S, x, uint64_t, int64_t)
GENERAL(d, FP_D, w, uint32_t, int32_t)
GENERAL(d, FP_D, x, uint64_t, int64_t)

#define GENERAL_FAST(X, REG, UNSIGNED, SIGNED)                                                     \
    static void fcvtzs_##REG##X(struct interp_cpu *cpu, const struct a64_op *op)                   \
    {                                                                                              \
        fp_##X a = (fp_##X)cpu->regs.v[op->rn][0];                                                 \
        cpu->regs.r[op->rd] = fp_trunc_##X(&cpu->regs, a, sizeof(UNSIGNED) * 8, false);            \
    }                                                                                              \
    static void fcvtzu_##REG##X(struct interp_cpu *cpu, const struct a64_op *op)                   \
    {                                                                                              \
        fp_##X a = (fp_##X)cpu->regs.v[op->rn][0];                                                 \
        cpu->regs.r[op->rd] = fp_trunc_##X(&cpu->regs, a, sizeof(UNSIGNED) * 8, true);             \
    }                                                                                              \
    static void scvtf_int_##X##REG(struct interp_cpu *cpu, const struct a64_op *op)                \
    {                                                                                              \
        fp_write(cpu, op->rd, fp_from_int_##X(&cpu->regs, (SIGNED)cpu->regs.r[op->rn]));           \
    }
GENERAL_FAST(s, w, uint32_t, int32_t)
GENERAL_FAST(s, x, uint64_t, int64_t)
GENERAL_FAST(d, w, uint32_t, int32_t)
GENERAL_FAST(d, x, uint64_t, int64_t)

static void ucvtf_int_sw(struct interp_cpu *cpu, const struct a64_op *op)
{
    fp_write(cpu, op->rd, fp_from_int_s(&cpu->regs, (uint32_t)cpu->regs.r[op->rn]));
}
static void ucvtf_int_dw(struct interp_cpu *cpu, const struct a64_op *op)
{
    fp_write(cpu, op->rd, fp_from_int_d(&cpu->regs, (uint32_t)cpu->regs.r[op->rn]));
}

/* By format and sf. */
typedef a64_exec *const general_table[4][2];
static general_table fcvt_table = {
    [FP_H] = {fcvt_wh, fcvt_xh}, [FP_S] = {fcvt_ws, fcvt_xs}, [FP_D] = {fcvt_wd, fcvt_xd}};
static general_table scvtf_table = {
    [FP_H] = {scvtf_hw, scvtf_hx}, [FP_S] = {scvtf_sw, scvtf_sx}, [FP_D] = {scvtf_dw, scvtf_dx}};
static general_table ucvtf_table = {
    [FP_H] = {ucvtf_hw, ucvtf_hx}, [FP_S] = {ucvtf_sw, ucvtf_sx}, [FP_D] = {ucvtf_dw, ucvtf_dx}};

int pre_fcvt_gp(struct a64_op *op, uint64_t pc)
{
    static general_table fast[2] = {{[FP_H] = {fcvt_wh, fcvt_xh},
                                     [FP_S] = {fcvtzs_ws, fcvtzs_xs},
                                     [FP_D] = {fcvtzs_wd, fcvtzs_xd}},
                                    {[FP_H] = {fcvt_wh, fcvt_xh},
                                     [FP_S] = {fcvtzu_ws, fcvtzu_xs},
                                     [FP_D] = {fcvtzu_wd, fcvtzu_xd}}};
    unsigned fmt = fp_fmt_ftype(op->insn), sf = bits(op->insn, 31, 1);

    (void)pc;
    op->rd = reg_dst(op->rd);
    op->u8[2] = (uint8_t)bits(op->insn, 16, 1);
    /* rmode is in FPCR's own order. */
    op->u8[1] = bits(op->insn, 18, 1) ? FPR_TIEAWAY : (uint8_t)bits(op->insn, 19, 2);
    op->exec = op->u8[1] == FPR_ZERO ? fast[op->u8[2]][fmt][sf] : fcvt_table[fmt][sf];
    return op->exec ? 0 : -1;
}

int pre_cvtf_gp(struct a64_op *op, uint64_t pc)
{
    static general_table fast[2] = {{[FP_H] = {scvtf_hw, scvtf_hx},
                                     [FP_S] = {scvtf_int_sw, scvtf_int_sx},
                                     [FP_D] = {scvtf_int_dw, scvtf_int_dx}},
                                    {[FP_H] = {ucvtf_hw, ucvtf_hx},
                                     [FP_S] = {ucvtf_int_sw, ucvtf_sx},
                                     [FP_D] = {ucvtf_int_dw, ucvtf_dx}}};
    (void)pc;
    op->rn = reg_src(op->rn);
    op->exec = fast[bits(op->insn, 16, 1)][fp_fmt_ftype(op->insn)][bits(op->insn, 31, 1)];
    return op->exec ? 0 : -1;
}

int pre_fcvt_gp_fixed(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    op->rd = reg_dst(op->rd);
    op->u8[0] = (uint8_t)(64 - bits(op->insn, 10, 6));
    op->u8[1] = FPR_ZERO;
    op->u8[2] = (uint8_t)bits(op->insn, 16, 1);
    op->exec = fcvt_table[fp_fmt_ftype(op->insn)][bits(op->insn, 31, 1)];
    return op->exec ? 0 : -1;
}

int pre_cvtf_gp_fixed(struct a64_op *op, uint64_t pc)
{
    unsigned fmt = fp_fmt_ftype(op->insn), sf = bits(op->insn, 31, 1);

    (void)pc;
    op->rn = reg_src(op->rn);
    op->u8[0] = (uint8_t)(64 - bits(op->insn, 10, 6));
    op->exec = bits(op->insn, 16, 1) ? ucvtf_table[fmt][sf] : scvtf_table[fmt][sf];
    return op->exec ? 0 : -1;
}

static void fjcvtzs(struct interp_cpu *cpu, const struct a64_op *op)
{
    bool z;
    cpu->regs.r[op->rd] = fp_to_js_int32(&cpu->regs, cpu->regs.v[op->rn][0], &z);
    cpu->regs.nzcv = (uint32_t)z << 30;
}

int pre_fjcvtzs(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    op->rd = reg_dst(op->rd);
    op->exec = fjcvtzs;
    return 0;
}
