/*
 * fp_packed.h - whole vectors of single and double on the host's unit; the rule is that of
 * fp_fast.h for each lane. Where one lane is not plain, or Inexact has to be found out, the
 * lane-by-lane function does the work.
 *
 * FP_PACKED* define ex_4s or ex_2d and need ex_lanes_4s or ex_lanes_2d before them.
 */
#ifndef ELFUSE_INTERP_FP_PACKED_H
#define ELFUSE_INTERP_FP_PACKED_H

#include "vcpu/interp/fp_exec.h"

typedef float fp_v4s __attribute__((vector_size(16)));
typedef double fp_v2d __attribute__((vector_size(16)));
typedef int32_t fp_m4s __attribute__((vector_size(16)));
typedef int64_t fp_m2d __attribute__((vector_size(16)));

FP_INLINE bool fp_all_4s(fp_m4s m)
{
    uint64_t w[2];
    memcpy(w, &m, sizeof w);
    return (w[0] & w[1]) == ~0ull;
}
FP_INLINE bool fp_all_2d(fp_m2d m)
{
    return (m[0] & m[1]) == ~0ll;
}

/* A normal number above the smallest, in each lane. A NaN fails both comparisons. */
FP_INLINE fp_m4s fp_normal_4s(fp_v4s r)
{
    fp_v4s magnitude = (fp_v4s)((fp_m4s)r & 0x7fffffff);
    return (magnitude > FLT_MIN) & (magnitude <= FLT_MAX);
}
FP_INLINE fp_m2d fp_normal_2d(fp_v2d r)
{
    fp_v2d magnitude = (fp_v2d)((fp_m2d)r & INT64_MAX);
    return (magnitude > DBL_MIN) & (magnitude <= DBL_MAX);
}

#if defined(__x86_64__)
FP_INLINE fp_v4s fp_host_fma_4s(fp_v4s acc, fp_v4s a, fp_v4s b)
{
    __asm__("vfmadd231ps %2, %1, %0" : "+x"(acc) : "x"(a), "x"(b));
    return acc;
}
FP_INLINE fp_v2d fp_host_fma_2d(fp_v2d acc, fp_v2d a, fp_v2d b)
{
    __asm__("vfmadd231pd %2, %1, %0" : "+x"(acc) : "x"(a), "x"(b));
    return acc;
}
#else
FP_INLINE fp_v4s fp_host_fma_4s(fp_v4s acc, fp_v4s a, fp_v4s b)
{
    for (unsigned i = 0; i < 4; i++)
        acc[i] = fp_host_fma_s(acc[i], a[i], b[i]);
    return acc;
}
FP_INLINE fp_v2d fp_host_fma_2d(fp_v2d acc, fp_v2d a, fp_v2d b)
{
    for (unsigned i = 0; i < 2; i++)
        acc[i] = fp_host_fma_d(acc[i], a[i], b[i]);
    return acc;
}
#endif

#define FP_SPLAT_4s(e) ((fp_v4s){(e), (e), (e), (e)})
#define FP_SPLAT_2d(e) ((fp_v2d){(e), (e)})

FP_INLINE fp_v4s fp_load_4s(const struct interp_cpu *cpu, unsigned n)
{
    fp_v4s r;
    memcpy(&r, cpu->regs.v[n], sizeof r);
    return r;
}
FP_INLINE fp_v2d fp_load_2d(const struct interp_cpu *cpu, unsigned n)
{
    fp_v2d r;
    memcpy(&r, cpu->regs.v[n], sizeof r);
    return r;
}

/* What Vm is: the vector, or one element of it in every lane. */
#define FP_VM_4s      fp_load_4s(cpu, op->rm)
#define FP_VM_2d      fp_load_2d(cpu, op->rm)
#define FP_VM_ELEM_4s FP_SPLAT_4s(fp_float((uint32_t)vget(cpu, op->rm, 2, op->u8[0])))
#define FP_VM_ELEM_2d FP_SPLAT_2d(fp_double(vget(cpu, op->rm, 3, op->u8[0])))

#define FP_PACKED2(ex, NX, vm, expr, OK)                                                           \
    static void ex##_##NX(struct interp_cpu *cpu, const struct a64_op *op)                         \
    {                                                                                              \
        const fp_v##NX a = fp_load_##NX(cpu, op->rn), b = vm##_##NX, r = expr;                     \
        if (FP_LIKELY(fp_host_mode(&cpu->regs)) && FP_LIKELY(fp_all_##NX(OK)) &&                   \
            FP_FLAGS_SETTLED(&cpu->regs, r))                                                       \
            memcpy(cpu->regs.v[op->rd], &r, sizeof r);                                             \
        else                                                                                       \
            ex##_lanes_##NX(cpu, op);                                                              \
    }
/* Vd + a * b, where sign is "" or "-". */
#define FP_PACKED_FMA(ex, NX, vm, sign)                                                            \
    static void ex##_##NX(struct interp_cpu *cpu, const struct a64_op *op)                         \
    {                                                                                              \
        if (FP_LIKELY(fp_host_has_fma())) {                                                        \
            const fp_v##NX a = fp_load_##NX(cpu, op->rn), b = vm##_##NX;                           \
            const fp_v##NX r = fp_host_fma_##NX(fp_load_##NX(cpu, op->rd), sign a, b);             \
            if (FP_LIKELY(fp_host_mode(&cpu->regs)) &&                                             \
                FP_LIKELY(fp_all_##NX(fp_normal_##NX(r))) && FP_FLAGS_SETTLED(&cpu->regs, r)) {    \
                memcpy(cpu->regs.v[op->rd], &r, sizeof r);                                         \
                return;                                                                            \
            }                                                                                      \
        }                                                                                          \
        ex##_lanes_##NX(cpu, op);                                                                  \
    }

/* Zero results that are as good as normal ones, per operation (fp_fast.h). */
#define FP_OK_SUM(NX)      (fp_normal_##NX(r) | (r == 0))
#define FP_OK_PRODUCT(NX)  (fp_normal_##NX(r) | ((r == 0) & ((a == 0) | (b == 0))))
#define FP_OK_QUOTIENT(NX) (fp_normal_##NX(r) | ((r == 0) & (a == 0)))

#endif
