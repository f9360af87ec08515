/*
 * fp_exec.h - what the exec functions of fp_*.c share: lane functions fp_NAME_h/_s/_d of one format
 * each, and the macros that make from a lane function one exec function for each form of an
 * instruction.
 *
 * Sources are copied before the destination is written (Rd may be Rn or Rm), and a result narrower
 * than 128 bits zeroes the rest of Vd.
 */
#ifndef ELFUSE_INTERP_FP_EXEC_H
#define ELFUSE_INTERP_FP_EXEC_H

#include "a64_gen.h"
#include "vcpu/interp/fp_fast.h"
#include "vcpu/interp/interp.h"

typedef uint16_t fp_h;
typedef uint32_t fp_s;
typedef uint64_t fp_d;

/* Forms of an instruction: exec functions for the scalar in H, S and D, and for each vector
 * arrangement. */
struct fp_forms {
    a64_exec *h, *s, *d, *v4h, *v8h, *v2s, *v4s, *v2d;
};
#define FP_FORMS(ex)                                                                               \
    {                                                                                              \
        ex##_h, ex##_s, ex##_d, ex##_4h, ex##_8h, ex##_2s, ex##_4s, ex##_2d                        \
    }
#define FP_FORMS_SD(ex)                                                                            \
    {                                                                                              \
        .s = ex##_s, .d = ex##_d, .v2s = ex##_2s, .v4s = ex##_4s, .v2d = ex##_2d                   \
    }

/* The operand format in each group of encodings; 0 is none. */
static inline unsigned fp_fmt_ftype(uint32_t insn) /* scalar floating point */
{
    static const uint8_t fmt[4] = {FP_S, FP_D, 0, FP_H};
    return fmt[bits(insn, 22, 2)];
}
static inline unsigned fp_fmt_same(uint32_t insn) /* three of the same type */
{
    return bits(insn, 21, 1) ? FP_S + bits(insn, 22, 1) : FP_H;
}
static inline unsigned fp_fmt_misc(uint32_t insn) /* two registers */
{
    return bits(insn, 20, 1) && bits(insn, 19, 1) ? FP_H : FP_S + bits(insn, 22, 1);
}
static inline unsigned fp_fmt_elem(uint32_t insn) /* by element */
{
    static const uint8_t fmt[4] = {FP_H, 0, FP_S, FP_D};
    return fmt[bits(insn, 22, 2)];
}
static inline unsigned fp_fmt_size(uint32_t insn) /* complex */
{
    return bits(insn, 22, 2);
}
static inline unsigned fp_fmt_immh(uint32_t insn) /* shift by immediate */
{
    return bits(insn, 22, 1) ? FP_D : bits(insn, 21, 1) ? FP_S : FP_H;
}

/* Set op->exec; -1 when the form does not exist. */
int fp_pick_scalar(struct a64_op *op, const struct fp_forms *forms, unsigned fmt);
/* By bit 28, scalar or vector, and bit 30, Q. */
int fp_pick_simd(struct a64_op *op, const struct fp_forms *forms, unsigned fmt);

static inline void fp_write(struct interp_cpu *cpu, unsigned rd, uint64_t v)
{
    cpu->regs.v[rd][0] = v;
    cpu->regs.v[rd][1] = 0;
}

/* Half precision has no host unit, and these operations no shortcut. */
#define FP_CORE2(name, X, F)                                                                       \
    FP_INLINE fp_##X fp_##name##_##X(struct vcpu_regs *env, fp_##X a, fp_##X b)                    \
    {                                                                                              \
        return (fp_##X)fp_##name(env, F, a, b);                                                    \
    }
#define FP_CORE1(name, X, F)                                                                       \
    FP_INLINE fp_##X fp_##name##_##X(struct vcpu_regs *env, fp_##X a)                              \
    {                                                                                              \
        return (fp_##X)fp_##name(env, F, a);                                                       \
    }
#define FP_CORE_ALL(def, name) def(name, h, FP_H) def(name, s, FP_S) def(name, d, FP_D)
FP_CORE2(add, h, FP_H)
FP_CORE2(sub, h, FP_H)
FP_CORE2(mul, h, FP_H)
FP_CORE2(div, h, FP_H)
FP_CORE2(max, h, FP_H)
FP_CORE2(min, h, FP_H)
FP_CORE2(maxnm, h, FP_H)
FP_CORE2(minnm, h, FP_H)
FP_CORE2(eq, h, FP_H)
FP_CORE2(ge, h, FP_H)
FP_CORE2(gt, h, FP_H)
FP_CORE1(sqrt, h, FP_H)
FP_CORE_ALL(FP_CORE2, mulx)
FP_CORE_ALL(FP_CORE2, recps)
FP_CORE_ALL(FP_CORE2, rsqrts)
FP_CORE_ALL(FP_CORE1, recpe)
FP_CORE_ALL(FP_CORE1, rsqrte)
FP_CORE_ALL(FP_CORE1, recpx)
FP_INLINE uint32_t fp_compare_h(struct vcpu_regs *env, fp_h a, fp_h b, bool signal)
{
    return fp_compare(env, FP_H, a, b, signal);
}
FP_INLINE fp_h fp_muladd_h(struct vcpu_regs *env, fp_h acc, fp_h a, fp_h b)
{
    return (fp_h)fp_muladd(env, FP_H, acc, a, b);
}

/* What is made of these. Negations are of the bit pattern, NaNs included (FPNeg). */
#define FP_DERIVED(X)                                                                              \
    FP_INLINE fp_##X fp_sign_##X(void)                                                             \
    {                                                                                              \
        return (fp_##X)(1ull << (sizeof(fp_##X) * 8 - 1));                                         \
    }                                                                                              \
    FP_INLINE fp_##X fp_neg_##X(struct vcpu_regs *env, fp_##X a)                                   \
    {                                                                                              \
        (void)env;                                                                                 \
        return a ^ fp_sign_##X();                                                                  \
    }                                                                                              \
    FP_INLINE fp_##X fp_abs_##X(struct vcpu_regs *env, fp_##X a)                                   \
    {                                                                                              \
        (void)env;                                                                                 \
        return a & (fp_##X) ~fp_sign_##X();                                                        \
    }                                                                                              \
    FP_INLINE fp_##X fp_nmul_##X(struct vcpu_regs *env, fp_##X a, fp_##X b)                        \
    {                                                                                              \
        return fp_neg_##X(env, fp_mul_##X(env, a, b));                                             \
    }                                                                                              \
    FP_INLINE fp_##X fp_abd_##X(struct vcpu_regs *env, fp_##X a, fp_##X b)                         \
    {                                                                                              \
        return fp_abs_##X(env, fp_sub_##X(env, a, b));                                             \
    }                                                                                              \
    FP_INLINE fp_##X fp_mulsub_##X(struct vcpu_regs *env, fp_##X acc, fp_##X a, fp_##X b)          \
    {                                                                                              \
        return fp_muladd_##X(env, acc, fp_neg_##X(env, a), b);                                     \
    }                                                                                              \
    FP_INLINE fp_##X fp_nmuladd_##X(struct vcpu_regs *env, fp_##X acc, fp_##X a, fp_##X b)         \
    {                                                                                              \
        return fp_muladd_##X(env, fp_neg_##X(env, acc), fp_neg_##X(env, a), b);                    \
    }                                                                                              \
    FP_INLINE fp_##X fp_nmulsub_##X(struct vcpu_regs *env, fp_##X acc, fp_##X a, fp_##X b)         \
    {                                                                                              \
        return fp_muladd_##X(env, fp_neg_##X(env, acc), a, b);                                     \
    }                                                                                              \
    FP_INLINE fp_##X fp_cmeq_##X(struct vcpu_regs *env, fp_##X a, fp_##X b)                        \
    {                                                                                              \
        return (fp_##X) - (fp_##X)fp_eq_##X(env, a, b);                                            \
    }                                                                                              \
    FP_INLINE fp_##X fp_cmge_##X(struct vcpu_regs *env, fp_##X a, fp_##X b)                        \
    {                                                                                              \
        return (fp_##X) - (fp_##X)fp_ge_##X(env, a, b);                                            \
    }                                                                                              \
    FP_INLINE fp_##X fp_cmgt_##X(struct vcpu_regs *env, fp_##X a, fp_##X b)                        \
    {                                                                                              \
        return (fp_##X) - (fp_##X)fp_gt_##X(env, a, b);                                            \
    }                                                                                              \
    FP_INLINE fp_##X fp_acge_##X(struct vcpu_regs *env, fp_##X a, fp_##X b)                        \
    {                                                                                              \
        return fp_cmge_##X(env, fp_abs_##X(env, a), fp_abs_##X(env, b));                           \
    }                                                                                              \
    FP_INLINE fp_##X fp_acgt_##X(struct vcpu_regs *env, fp_##X a, fp_##X b)                        \
    {                                                                                              \
        return fp_cmgt_##X(env, fp_abs_##X(env, a), fp_abs_##X(env, b));                           \
    }
#define FP_DERIVED_TRY(X)                                                                          \
    FP_INLINE bool fp_nmul_try_##X(const struct vcpu_regs *env, fp_##X a, fp_##X b, fp_##X *r)     \
    {                                                                                              \
        bool done = fp_mul_try_##X(env, a, b, r);                                                  \
        *r ^= fp_sign_##X();                                                                       \
        return done;                                                                               \
    }                                                                                              \
    FP_INLINE bool fp_mulsub_try_##X(const struct vcpu_regs *env, fp_##X acc, fp_##X a, fp_##X b,  \
                                     fp_##X *r)                                                    \
    {                                                                                              \
        return fp_muladd_try_##X(env, acc, a ^ fp_sign_##X(), b, r);                               \
    }                                                                                              \
    FP_INLINE bool fp_nmuladd_try_##X(const struct vcpu_regs *env, fp_##X acc, fp_##X a, fp_##X b, \
                                      fp_##X *r)                                                   \
    {                                                                                              \
        return fp_muladd_try_##X(env, acc ^ fp_sign_##X(), a ^ fp_sign_##X(), b, r);               \
    }                                                                                              \
    FP_INLINE bool fp_nmulsub_try_##X(const struct vcpu_regs *env, fp_##X acc, fp_##X a, fp_##X b, \
                                      fp_##X *r)                                                   \
    {                                                                                              \
        return fp_muladd_try_##X(env, acc ^ fp_sign_##X(), a, b, r);                               \
    }
FP_DERIVED(h)
FP_DERIVED(s)
FP_DERIVED(d)
FP_DERIVED_TRY(s)
FP_DERIVED_TRY(d)

/* ex_X: Vd = fn(Vn, Vm), and ex_NX for N lanes. */
#define FP_SCALAR2(ex, fn, X)                                                                      \
    static void ex##_##X(struct interp_cpu *cpu, const struct a64_op *op)                          \
    {                                                                                              \
        fp_##X a = (fp_##X)cpu->regs.v[op->rn][0], b = (fp_##X)cpu->regs.v[op->rm][0];             \
        fp_write(cpu, op->rd, fn##_##X(&cpu->regs, a, b));                                         \
    }
#define FP_VECTOR2(ex, fn, X, N)                                                                   \
    static void ex##_##N##X(struct interp_cpu *cpu, const struct a64_op *op)                       \
    {                                                                                              \
        fp_##X a[N], b[N], d[16 / sizeof(fp_##X)] = {0};                                           \
        memcpy(a, cpu->regs.v[op->rn], sizeof a);                                                  \
        memcpy(b, cpu->regs.v[op->rm], sizeof b);                                                  \
        for (unsigned i = 0; i < N; i++)                                                           \
            d[i] = fn##_##X(&cpu->regs, a[i], b[i]);                                               \
        memcpy(cpu->regs.v[op->rd], d, sizeof d);                                                  \
    }
/* The same where fn has a _try form: the rest is out of the way, so that the common case has no
 * frame. */
#define FP_SCALAR2_TRY(ex, fn, X)                                                                  \
    static __attribute__((noinline, cold)) void ex##_slow_##X(struct interp_cpu *cpu,              \
                                                              const struct a64_op *op)             \
    {                                                                                              \
        fp_##X a = (fp_##X)cpu->regs.v[op->rn][0], b = (fp_##X)cpu->regs.v[op->rm][0];             \
        fp_write(cpu, op->rd, fn##_##X(&cpu->regs, a, b));                                         \
    }                                                                                              \
    static void ex##_##X(struct interp_cpu *cpu, const struct a64_op *op)                          \
    {                                                                                              \
        fp_##X a = (fp_##X)cpu->regs.v[op->rn][0], b = (fp_##X)cpu->regs.v[op->rm][0], r;          \
        if (FP_LIKELY(fn##_try_##X(&cpu->regs, a, b, &r)))                                         \
            fp_write(cpu, op->rd, r);                                                              \
        else                                                                                       \
            ex##_slow_##X(cpu, op);                                                                \
    }
/* Vd = fn(op, Vn): the lane function may read parameters from op. */
#define FP_SCALAR1(ex, fn, X)                                                                      \
    static void ex##_##X(struct interp_cpu *cpu, const struct a64_op *op)                          \
    {                                                                                              \
        fp_##X a = (fp_##X)cpu->regs.v[op->rn][0];                                                 \
        fp_write(cpu, op->rd, fn##_##X(&cpu->regs, op, a));                                        \
    }
#define FP_VECTOR1(ex, fn, X, N)                                                                   \
    static void ex##_##N##X(struct interp_cpu *cpu, const struct a64_op *op)                       \
    {                                                                                              \
        fp_##X a[N], d[16 / sizeof(fp_##X)] = {0};                                                 \
        memcpy(a, cpu->regs.v[op->rn], sizeof a);                                                  \
        for (unsigned i = 0; i < N; i++)                                                           \
            d[i] = fn##_##X(&cpu->regs, op, a[i]);                                                 \
        memcpy(cpu->regs.v[op->rd], d, sizeof d);                                                  \
    }
/* Vd = fn(Vd, Vn, Vm). */
#define FP_SCALAR3(ex, fn, X)                                                                      \
    static void ex##_##X(struct interp_cpu *cpu, const struct a64_op *op)                          \
    {                                                                                              \
        fp_##X a = (fp_##X)cpu->regs.v[op->rn][0], b = (fp_##X)cpu->regs.v[op->rm][0];             \
        fp_##X c = (fp_##X)cpu->regs.v[op->rd][0];                                                 \
        fp_write(cpu, op->rd, fn##_##X(&cpu->regs, c, a, b));                                      \
    }
#define FP_VECTOR3(ex, fn, X, N)                                                                   \
    static void ex##_##N##X(struct interp_cpu *cpu, const struct a64_op *op)                       \
    {                                                                                              \
        fp_##X a[N], b[N], d[16 / sizeof(fp_##X)] = {0};                                           \
        memcpy(a, cpu->regs.v[op->rn], sizeof a);                                                  \
        memcpy(b, cpu->regs.v[op->rm], sizeof b);                                                  \
        memcpy(d, cpu->regs.v[op->rd], sizeof a);                                                  \
        for (unsigned i = 0; i < N; i++)                                                           \
            d[i] = fn##_##X(&cpu->regs, d[i], a[i], b[i]);                                         \
        memcpy(cpu->regs.v[op->rd], d, sizeof d);                                                  \
    }
/* The same by element: the lane of Vm that predecode left in u8[0]. */
#define FP_ELEMENT(X)                                                                              \
    ((fp_##X)vget(cpu, op->rm, sizeof(fp_##X) == 2 ? 1 : sizeof(fp_##X) == 4 ? 2 : 3, op->u8[0]))
#define FP_ESCALAR2(ex, fn, X)                                                                     \
    static void ex##_##X(struct interp_cpu *cpu, const struct a64_op *op)                          \
    {                                                                                              \
        fp_##X a = (fp_##X)cpu->regs.v[op->rn][0], b = FP_ELEMENT(X);                              \
        fp_write(cpu, op->rd, fn##_##X(&cpu->regs, a, b));                                         \
    }
#define FP_EVECTOR2(ex, fn, X, N)                                                                  \
    static void ex##_##N##X(struct interp_cpu *cpu, const struct a64_op *op)                       \
    {                                                                                              \
        fp_##X a[N], b = FP_ELEMENT(X), d[16 / sizeof(fp_##X)] = {0};                              \
        memcpy(a, cpu->regs.v[op->rn], sizeof a);                                                  \
        for (unsigned i = 0; i < N; i++)                                                           \
            d[i] = fn##_##X(&cpu->regs, a[i], b);                                                  \
        memcpy(cpu->regs.v[op->rd], d, sizeof d);                                                  \
    }
#define FP_ESCALAR3(ex, fn, X)                                                                     \
    static void ex##_##X(struct interp_cpu *cpu, const struct a64_op *op)                          \
    {                                                                                              \
        fp_##X a = (fp_##X)cpu->regs.v[op->rn][0], b = FP_ELEMENT(X);                              \
        fp_##X c = (fp_##X)cpu->regs.v[op->rd][0];                                                 \
        fp_write(cpu, op->rd, fn##_##X(&cpu->regs, c, a, b));                                      \
    }
#define FP_EVECTOR3(ex, fn, X, N)                                                                  \
    static void ex##_##N##X(struct interp_cpu *cpu, const struct a64_op *op)                       \
    {                                                                                              \
        fp_##X a[N], b = FP_ELEMENT(X), d[16 / sizeof(fp_##X)] = {0};                              \
        memcpy(a, cpu->regs.v[op->rn], sizeof a);                                                  \
        memcpy(d, cpu->regs.v[op->rd], sizeof a);                                                  \
        for (unsigned i = 0; i < N; i++)                                                           \
            d[i] = fn##_##X(&cpu->regs, d[i], a[i], b);                                            \
        memcpy(cpu->regs.v[op->rd], d, sizeof d);                                                  \
    }

#define FP_SCALARS(kind, ex, fn) kind(ex, fn, h) kind(ex, fn, s) kind(ex, fn, d)
#define FP_VECTORS(kind, ex, fn)                                                                   \
    kind(ex, fn, h, 4) kind(ex, fn, h, 8) kind(ex, fn, s, 2) kind(ex, fn, s, 4) kind(ex, fn, d, 2)

#endif
