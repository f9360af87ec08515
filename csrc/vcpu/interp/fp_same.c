/*
 * fp_same.c - two-operand arithmetic and comparison: scalar, vector and Advanced SIMD scalar.
 */
#include "vcpu/interp/fp_exec.h"

/* Scalar (FP encoding) and vector. */
#define ARITHMETIC(name, fn)                                                                       \
    FP_SCALARS(FP_SCALAR2, name, fn)                                                               \
    FP_VECTORS(FP_VECTOR2, name, fn)                                                               \
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
ARITHMETIC(fadd, fp_add)
ARITHMETIC(fsub, fp_sub)
ARITHMETIC(fmul, fp_mul)
ARITHMETIC(fdiv, fp_div)
ARITHMETIC(fmax, fp_max)
ARITHMETIC(fmin, fp_min)
ARITHMETIC(fmaxnm, fp_maxnm)
ARITHMETIC(fminnm, fp_minnm)

FP_SCALARS(FP_SCALAR2, fnmul, fp_nmul)
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
