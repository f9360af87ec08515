/*
 * fp_same.c - two-operand arithmetic and comparison: scalar, vector and Advanced SIMD scalar.
 */
#include "vcpu/interp/fp_packed.h"

/* Scalar (FP encoding) and vector. */
#define ARITHMETIC_COMMON(name, fn)                                                                \
    FP_SCALAR2(name, fn, h)                                                                        \
    FP_SCALAR2_TRY(name, fn, s)                                                                    \
    FP_SCALAR2_TRY(name, fn, d)                                                                    \
    FP_VECTOR2(name, fn, h, 4)                                                                     \
    FP_VECTOR2(name, fn, h, 8)                                                                     \
    FP_VECTOR2(name, fn, s, 2)                                                                     \
    static const struct fp_forms name##_forms = FP_FORMS(name);                                    \
    int pre_##name##_scalar(struct a64_op *op, uint64_t pc)                                        \
    {                                                                                              \
        (void)pc;                                                                                  \
        return fp_pick_scalar(op, &name##_forms, fp_fmt_ftype(op->insn));                          \
    }                                                                                              \
    int pre_##name##_same(struct a64_op *op, uint64_t pc)                                          \
    {                                                                                              \
        (void)pc;                                                                                  \
        return fp_pick_simd(op, &name##_forms, fp_fmt_same(op->insn));                             \
    }
#define ARITHMETIC(name, fn)                                                                       \
    FP_VECTOR2(name, fn, s, 4)                                                                     \
    FP_VECTOR2(name, fn, d, 2)                                                                     \
    ARITHMETIC_COMMON(name, fn)
#define ARITHMETIC_PACKED(name, fn, expr, OK)                                                      \
    FP_VECTOR2(name##_lanes, fn, s, 4)                                                             \
    FP_VECTOR2(name##_lanes, fn, d, 2)                                                             \
    FP_PACKED2(name, 4s, FP_VM, expr, OK(4s))                                                      \
    FP_PACKED2(name, 2d, FP_VM, expr, OK(2d))                                                      \
    ARITHMETIC_COMMON(name, fn)
ARITHMETIC_PACKED(fadd, fp_add, a + b, FP_OK_SUM)
ARITHMETIC_PACKED(fsub, fp_sub, a - b, FP_OK_SUM)
ARITHMETIC_PACKED(fmul, fp_mul, a *b, FP_OK_PRODUCT)
ARITHMETIC_PACKED(fdiv, fp_div, a / b, FP_OK_QUOTIENT)
ARITHMETIC(fmax, fp_max)
ARITHMETIC(fmin, fp_min)
ARITHMETIC(fmaxnm, fp_maxnm)
ARITHMETIC(fminnm, fp_minnm)

FP_SCALAR2(fnmul, fp_nmul, h)
FP_SCALAR2_TRY(fnmul, fp_nmul, s)
FP_SCALAR2_TRY(fnmul, fp_nmul, d)
int pre_fnmul_scalar(struct a64_op *op, uint64_t pc)
{
    static const struct fp_forms forms = {.h = fnmul_h, .s = fnmul_s, .d = fnmul_d};
    (void)pc;
    return fp_pick_scalar(op, &forms, fp_fmt_ftype(op->insn));
}

/* Vector and Advanced SIMD scalar. */
#define SAME(name, fn)                                                                             \
    FP_SCALARS(FP_SCALAR2, name, fn)                                                               \
    FP_VECTORS(FP_VECTOR2, name, fn)                                                               \
    int pre_##name##_same(struct a64_op *op, uint64_t pc)                                          \
    {                                                                                              \
        static const struct fp_forms forms = FP_FORMS(name);                                       \
        (void)pc;                                                                                  \
        return fp_pick_simd(op, &forms, fp_fmt_same(op->insn));                                    \
    }
SAME(fmulx, fp_mulx)
SAME(fabd, fp_abd)
SAME(fcmeq, fp_cmeq)
SAME(fcmge, fp_cmge)
SAME(fcmgt, fp_cmgt)
SAME(facge, fp_acge)
SAME(facgt, fp_acgt)
SAME(frecps, fp_recps)
SAME(frsqrts, fp_rsqrts)
