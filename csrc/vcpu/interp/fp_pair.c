/*
 * fp_pair.c - operations on neighbouring lanes: pairwise vectors, scalar pairs, across all lanes.
 */
#include "vcpu/interp/fp_exec.h"

#define PAIRWISE(ex, fn, X, N)                                                                     \
    static void ex##_##N##X(struct interp_cpu *cpu, const struct a64_op *op)                       \
    {                                                                                              \
        fp_##X in[2 * N], d[16 / sizeof(fp_##X)] = {0};                                            \
        memcpy(in, cpu->regs.v[op->rn], sizeof in / 2);                                            \
        memcpy(in + N, cpu->regs.v[op->rm], sizeof in / 2);                                        \
        for (unsigned i = 0; i < N; i++)                                                           \
            d[i] = fn##_##X(&cpu->regs, in[2 * i], in[2 * i + 1]);                                 \
        memcpy(cpu->regs.v[op->rd], d, sizeof d);                                                  \
    }
/* The two lowest lanes of Vn to a scalar. */
#define PAIR(ex, fn, X)                                                                            \
    static void ex##_##X(struct interp_cpu *cpu, const struct a64_op *op)                          \
    {                                                                                              \
        fp_##X in[2];                                                                              \
        memcpy(in, cpu->regs.v[op->rn], sizeof in);                                                \
        fp_write(cpu, op->rd, fn##_##X(&cpu->regs, in[0], in[1]));                                 \
    }
#define PAIRWISE_BOTH(name, fn)                                                                    \
    FP_SCALARS(PAIR, name, fn)                                                                     \
    FP_VECTORS(PAIRWISE, name, fn)                                                                 \
    static const struct fp_forms name##_forms = FP_FORMS(name);                                    \
    int pre_##name##_same(struct a64_op *op, uint64_t pc)                                          \
    {                                                                                              \
        (void)pc;                                                                                  \
        return fp_pick_simd(op, &name##_forms, fp_fmt_same(op->insn));                             \
    }                                                                                              \
    int pre_##name##_pair(struct a64_op *op, uint64_t pc)                                          \
    {                                                                                              \
        /* U clear is half precision. */                                                           \
        unsigned fmt = bits(op->insn, 29, 1) ? FP_S + bits(op->insn, 22, 1) : FP_H;                \
        (void)pc;                                                                                  \
        return fp_pick_scalar(op, &name##_forms, fmt);                                             \
    }
PAIRWISE_BOTH(faddp, fp_add)
PAIRWISE_BOTH(fmaxp, fp_max)
PAIRWISE_BOTH(fminp, fp_min)
PAIRWISE_BOTH(fmaxnmp, fp_maxnm)
PAIRWISE_BOTH(fminnmp, fp_minnm)

/* Reduce(): neighbours first, so that the NaN that is kept is the architecture's. */
#define ACROSS(ex, fn, X, N)                                                                       \
    static void ex##_##N##X(struct interp_cpu *cpu, const struct a64_op *op)                       \
    {                                                                                              \
        fp_##X in[N];                                                                              \
        memcpy(in, cpu->regs.v[op->rn], sizeof in);                                                \
        for (unsigned n = N / 2; n; n /= 2) {                                                      \
            for (unsigned i = 0; i < n; i++)                                                       \
                in[i] = fn##_##X(&cpu->regs, in[2 * i], in[2 * i + 1]);                            \
        }                                                                                          \
        fp_write(cpu, op->rd, in[0]);                                                              \
    }
#define ACROSS_ALL(name, fn)                                                                       \
    ACROSS(name, fn, h, 4)                                                                         \
    ACROSS(name, fn, h, 8)                                                                         \
    ACROSS(name, fn, s, 4)                                                                         \
    int pre_##name(struct a64_op *op, uint64_t pc)                                                 \
    {                                                                                              \
        static const struct fp_forms forms = {                                                     \
            .v4h = name##_4h, .v8h = name##_8h, .v4s = name##_4s};                                 \
        (void)pc;                                                                                  \
        return fp_pick_simd(op, &forms, bits(op->insn, 29, 1) ? FP_S : FP_H);                      \
    }
ACROSS_ALL(fmaxv, fp_max)
ACROSS_ALL(fminv, fp_min)
ACROSS_ALL(fmaxnmv, fp_maxnm)
ACROSS_ALL(fminnmv, fp_minnm)
