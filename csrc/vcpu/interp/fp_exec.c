/*
 * fp_exec.c - choosing an exec function at predecode.
 */
#include "vcpu/interp/fp_exec.h"

static int chosen(struct a64_op *op, a64_exec *exec)
{
    op->exec = exec;
    return exec ? 0 : -1;
}

int fp_pick_scalar(struct a64_op *op, const struct fp_forms *forms, unsigned fmt)
{
    a64_exec *const table[4] = {NULL, forms->h, forms->s, forms->d};
    return chosen(op, table[fmt]);
}

int fp_pick_simd(struct a64_op *op, const struct fp_forms *forms, unsigned fmt)
{
    a64_exec *const table[4][2] = {
        {NULL, NULL},
        {forms->v4h, forms->v8h},
        {forms->v2s, forms->v4s},
        {NULL, forms->v2d}, /* one double in a vector is reserved */
    };
    if (bits(op->insn, 28, 1))
        return fp_pick_scalar(op, forms, fmt);
    return chosen(op, table[fmt][bits(op->insn, 30, 1)]);
}
