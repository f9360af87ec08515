/*
 * fp_muladd.c - fused multiply-add in all its forms, and multiplication by element.
 */
#include "vcpu/interp/fp_packed.h"

/* Scalar, with the addend in Ra. */
/* noinline: it is also the way out of FUSED_SCALAR_TRY. */
#define FUSED_SCALAR(ex, fn, X)                                                                    \
    static                                                                                         \
        __attribute__((noinline)) void ex##_##X(struct interp_cpu *cpu, const struct a64_op *op)   \
    {                                                                                              \
        fp_##X a = (fp_##X)cpu->regs.v[op->rn][0], b = (fp_##X)cpu->regs.v[op->rm][0];             \
        fp_##X c = (fp_##X)cpu->regs.v[op->ra][0];                                                 \
        fp_write(cpu, op->rd, fn##_##X(&cpu->regs, c, a, b));                                      \
    }
#define FUSED_SCALAR_TRY(ex, fn, X)                                                                \
    FUSED_SCALAR(ex##_slow, fn, X)                                                                 \
    static void ex##_##X(struct interp_cpu *cpu, const struct a64_op *op)                          \
    {                                                                                              \
        fp_##X a = (fp_##X)cpu->regs.v[op->rn][0], b = (fp_##X)cpu->regs.v[op->rm][0];             \
        fp_##X c = (fp_##X)cpu->regs.v[op->ra][0], r;                                              \
        if (FP_LIKELY(fn##_try_##X(&cpu->regs, c, a, b, &r)))                                      \
            fp_write(cpu, op->rd, r);                                                              \
        else                                                                                       \
            ex##_slow_##X(cpu, op);                                                                \
    }
#define FUSED(name, fn)                                                                            \
    FUSED_SCALAR(name, fn, h)                                                                      \
    FUSED_SCALAR_TRY(name, fn, s)                                                                  \
    FUSED_SCALAR_TRY(name, fn, d)                                                                  \
    int pre_##name(struct a64_op *op, uint64_t pc)                                                 \
    {                                                                                              \
        static const struct fp_forms forms = {.h = name##_h, .s = name##_s, .d = name##_d};        \
        (void)pc;                                                                                  \
        return fp_pick_scalar(op, &forms, fp_fmt_ftype(op->insn));                                 \
    }
FUSED(fmadd, fp_muladd)
FUSED(fmsub, fp_mulsub)
FUSED(fnmadd, fp_nmuladd)
FUSED(fnmsub, fp_nmulsub)

#define ACCUMULATE(name, fn, sign)                                                                 \
    FP_VECTOR3(name, fn, h, 4)                                                                     \
    FP_VECTOR3(name, fn, h, 8)                                                                     \
    FP_VECTOR3(name, fn, s, 2)                                                                     \
    FP_VECTOR3(name##_lanes, fn, s, 4)                                                             \
    FP_VECTOR3(name##_lanes, fn, d, 2)                                                             \
    FP_PACKED_FMA(name, 4s, FP_VM, sign)                                                           \
    FP_PACKED_FMA(name, 2d, FP_VM, sign)                                                           \
    int pre_##name##_same(struct a64_op *op, uint64_t pc)                                          \
    {                                                                                              \
        static const struct fp_forms forms = {.v4h = name##_4h,                                    \
                                              .v8h = name##_8h,                                    \
                                              .v2s = name##_2s,                                    \
                                              .v4s = name##_4s,                                    \
                                              .v2d = name##_2d};                                   \
        (void)pc;                                                                                  \
        return fp_pick_simd(op, &forms, fp_fmt_same(op->insn));                                    \
    }
ACCUMULATE(fmla, fp_muladd, )
ACCUMULATE(fmls, fp_mulsub, -)

/* Element index H:L:M, H:L or H; M is part of Vm's number where it is not part of the index. */
static unsigned take_element(struct a64_op *op)
{
    unsigned fmt = fp_fmt_elem(op->insn);
    unsigned hlm = bits(op->insn, 11, 1) << 2 | bits(op->insn, 21, 1) << 1 | bits(op->insn, 20, 1);

    op->u8[0] = (uint8_t)(fmt == FP_H ? hlm : fmt == FP_S ? hlm >> 1 : hlm >> 2);
    if (fmt == FP_H)
        op->rm &= 15;
    return fmt;
}

#define BY_ELEMENT_PRE(name)                                                                       \
    int pre_##name##_elem(struct a64_op *op, uint64_t pc)                                          \
    {                                                                                              \
        static const struct fp_forms forms = FP_FORMS(name##_elem);                                \
        (void)pc;                                                                                  \
        return fp_pick_simd(op, &forms, take_element(op));                                         \
    }
#define BY_ELEMENT_PACKED(name, scalar, vector, fn)                                                \
    FP_SCALARS(scalar, name##_elem, fn)                                                            \
    vector(name##_elem, fn, h, 4) vector(name##_elem, fn, h, 8) vector(name##_elem, fn, s, 2)      \
        vector(name##_elem_lanes, fn, s, 4) vector(name##_elem_lanes, fn, d, 2)
FP_SCALARS(FP_ESCALAR2, fmulx_elem, fp_mulx)
FP_VECTORS(FP_EVECTOR2, fmulx_elem, fp_mulx)
BY_ELEMENT_PACKED(fmul, FP_ESCALAR2, FP_EVECTOR2, fp_mul)
FP_PACKED2(fmul_elem, 4s, FP_VM_ELEM, a *b, FP_OK_PRODUCT(4s))
FP_PACKED2(fmul_elem, 2d, FP_VM_ELEM, a *b, FP_OK_PRODUCT(2d))
BY_ELEMENT_PACKED(fmla, FP_ESCALAR3, FP_EVECTOR3, fp_muladd)
FP_PACKED_FMA(fmla_elem, 4s, FP_VM_ELEM, )
FP_PACKED_FMA(fmla_elem, 2d, FP_VM_ELEM, )
BY_ELEMENT_PACKED(fmls, FP_ESCALAR3, FP_EVECTOR3, fp_mulsub)
FP_PACKED_FMA(fmls_elem, 4s, FP_VM_ELEM, -)
FP_PACKED_FMA(fmls_elem, 2d, FP_VM_ELEM, -)
BY_ELEMENT_PRE(fmul)
BY_ELEMENT_PRE(fmulx)
BY_ELEMENT_PRE(fmla)
BY_ELEMENT_PRE(fmls)

/*
 * Complex numbers: lane pairs are (real, imaginary). Predecode turns the rotation into: which half
 * of a pair of Vn is taken (u8[1]) and the sign bits that Vm's halves get (u8[2] real result, u8[3]
 * imaginary; as 0 or 1). Where Vm's halves come from follows the half of Vn.
 */
#define COMPLEX_ADD(X, N)                                                                          \
    static void fcadd_##N##X(struct interp_cpu *cpu, const struct a64_op *op)                      \
    {                                                                                              \
        fp_##X a[N], b[N], d[16 / sizeof(fp_##X)] = {0};                                           \
        const fp_##X flip_re = (fp_##X)(op->u8[2] ? fp_sign_##X() : 0);                            \
        const fp_##X flip_im = (fp_##X)(op->u8[3] ? fp_sign_##X() : 0);                            \
        memcpy(a, cpu->regs.v[op->rn], sizeof a);                                                  \
        memcpy(b, cpu->regs.v[op->rm], sizeof b);                                                  \
        for (unsigned i = 0; i < N; i += 2) {                                                      \
            d[i] = fp_add_##X(&cpu->regs, a[i], b[i + 1] ^ flip_re);                               \
            d[i + 1] = fp_add_##X(&cpu->regs, a[i + 1], b[i] ^ flip_im);                           \
        }                                                                                          \
        memcpy(cpu->regs.v[op->rd], d, sizeof d);                                                  \
    }
COMPLEX_ADD(h, 4)
COMPLEX_ADD(h, 8)
COMPLEX_ADD(s, 2)
COMPLEX_ADD(s, 4)
COMPLEX_ADD(d, 2)

int pre_fcadd(struct a64_op *op, uint64_t pc)
{
    static const struct fp_forms forms = {
        .v4h = fcadd_4h, .v8h = fcadd_8h, .v2s = fcadd_2s, .v4s = fcadd_4s, .v2d = fcadd_2d};
    unsigned rot270 = bits(op->insn, 12, 1);

    (void)pc;
    op->u8[2] = !rot270;
    op->u8[3] = (uint8_t)rot270;
    return fp_pick_simd(op, &forms, fp_fmt_size(op->insn));
}

#define COMPLEX_MULTIPLY(ex, X, N, B)                                                              \
    static void ex##_##N##X(struct interp_cpu *cpu, const struct a64_op *op)                       \
    {                                                                                              \
        fp_##X a[N], b[16 / sizeof(fp_##X)], d[16 / sizeof(fp_##X)] = {0};                         \
        const unsigned half = op->u8[1];                                                           \
        const fp_##X flip_re = (fp_##X)(op->u8[2] ? fp_sign_##X() : 0);                            \
        const fp_##X flip_im = (fp_##X)(op->u8[3] ? fp_sign_##X() : 0);                            \
        memcpy(a, cpu->regs.v[op->rn], sizeof a);                                                  \
        memcpy(b, cpu->regs.v[op->rm], sizeof b);                                                  \
        memcpy(d, cpu->regs.v[op->rd], sizeof a);                                                  \
        for (unsigned i = 0; i < N; i += 2) {                                                      \
            fp_##X re = b[(B) + half] ^ flip_re, im = b[(B) + 1 - half] ^ flip_im;                 \
            d[i] = fp_muladd_##X(&cpu->regs, d[i], a[i + half], re);                               \
            d[i + 1] = fp_muladd_##X(&cpu->regs, d[i + 1], a[i + half], im);                       \
        }                                                                                          \
        memcpy(cpu->regs.v[op->rd], d, sizeof d);                                                  \
    }
COMPLEX_MULTIPLY(fcmla, h, 4, i)
COMPLEX_MULTIPLY(fcmla, h, 8, i)
COMPLEX_MULTIPLY(fcmla, s, 2, i)
COMPLEX_MULTIPLY(fcmla, s, 4, i)
COMPLEX_MULTIPLY(fcmla, d, 2, i)
COMPLEX_MULTIPLY(fcmla_elem, h, 4, op->u8[0])
COMPLEX_MULTIPLY(fcmla_elem, h, 8, op->u8[0])
COMPLEX_MULTIPLY(fcmla_elem, s, 4, op->u8[0])

static void take_rotation(struct a64_op *op, unsigned rot)
{
    op->u8[1] = rot & 1;
    op->u8[2] = rot == 1 || rot == 2;
    op->u8[3] = rot >> 1 & 1;
}

int pre_fcmla(struct a64_op *op, uint64_t pc)
{
    static const struct fp_forms forms = {
        .v4h = fcmla_4h, .v8h = fcmla_8h, .v2s = fcmla_2s, .v4s = fcmla_4s, .v2d = fcmla_2d};
    (void)pc;
    take_rotation(op, bits(op->insn, 11, 2));
    return fp_pick_simd(op, &forms, fp_fmt_size(op->insn));
}

int pre_fcmla_elem(struct a64_op *op, uint64_t pc)
{
    static const struct fp_forms forms = {
        .v4h = fcmla_elem_4h, .v8h = fcmla_elem_8h, .v4s = fcmla_elem_4s};
    unsigned fmt = fp_fmt_size(op->insn), h = bits(op->insn, 11, 1), l = bits(op->insn, 21, 1);

    (void)pc;
    take_rotation(op, bits(op->insn, 13, 2));
    if (fmt == FP_H) {
        if (h && !bits(op->insn, 30, 1))
            return -1; /* a pair beyond the low half */
        op->u8[0] = (uint8_t)((h << 1 | l) * 2);
    } else {
        op->u8[0] = (uint8_t)(h * 2);
    }
    return fp_pick_simd(op, &forms, fmt);
}
