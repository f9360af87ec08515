/*
 * fp_emit.c - operands and checks of floating point: see fp_emit.h.
 */
#include "vcpu/jit/fp_emit.h"

#include "vcpu/interp/fp_core.h"
#include "vcpu/jit/constants.h"

void fp_done(struct translation *t, bool dbl, unsigned rd, int xmm, enum vhigh known)
{
    struct x64 *e = &t->e;
    if (known < fp_want(dbl)) {
        int to = jit_vdst(rd, xmm);
        if (dbl)
            x64_vmovq(e, (unsigned)to, x64_reg(xmm));
        else
            x64_vop3a(e, 0x21, (unsigned)to, (unsigned)xmm, x64_reg(xmm), 0x0e); /* VINSERTPS */
        xmm = to;
    }
    jit_vdone(t, rd, xmm, fp_want(dbl));
}

void fp_check_nan(struct translation *t, bool dbl, int xmm)
{
    sse_packed(&t->e, dbl, SSE_UCOMI, xmm, 0, x64_reg(xmm));
    jit_slow(t, CC_P);
}

/* Unordered counts as equal: one comparison finds both. */
void fp_check_tiny(struct translation *t, bool dbl, int xmm)
{
    sse_packed(&t->e, dbl, SSE_AND, XMM3, xmm, dbl ? JIT_CONST(abs_d) : JIT_CONST(abs_s));
    sse_packed(&t->e, dbl, SSE_UCOMI, XMM3, 0, dbl ? JIT_CONST(min_d) : JIT_CONST(min_s));
    jit_slow(t, CC_E);
}

void fp_begin(struct translation *t)
{
    if (jit_fp_plain(t))
        return;
    jit_flags_clobber(t);
    x64_test_imm(&t->e, 4, x64_mem(RBP, (int32_t)offsetof(struct vcpu_regs, fpcr) - JIT_BIAS),
                 (int32_t) ~(FPCR_FZ | FPCR_DN | FPCR_FZ16));
    jit_slow(t, CC_NE);
}

static struct x64_rm least(bool dbl, enum fp_small kind)
{
    switch (kind) {
    case SMALL_NORMAL: return dbl ? JIT_CONST(min_d) : JIT_CONST(min_s);
    case SMALL_NARROW: return jit_table(TABLE_FP_LEAST_NARROW);
    default: return jit_table(dbl ? TABLE_FP_LEAST_D : TABLE_FP_LEAST_S);
    }
}

/* Zero is below every limit, but has no bits. */
void fp_guard(struct translation *t, bool dbl, bool packed, enum fp_small kind, struct x64_rm x,
              int scratch)
{
    struct x64 *e = &t->e;
    struct x64_rm abs = dbl ? JIT_CONST(abs_d) : JIT_CONST(abs_s);
    if (jit_fp_plain(t))
        return;
    if (!packed)
        abs = jit_table(dbl ? TABLE_FP_ABS_D : TABLE_FP_ABS_S);
    if (x.reg < 0) {
        if (packed)
            x64_vmovdqu(e, XMM3, x);
        else
            sse_load(e, dbl, XMM3, x);
    }
    sse_packed(e, dbl, SSE_AND, XMM3, x.reg < 0 ? XMM3 : x.reg, abs);
    sse_cmp(e, dbl, true, CMP_LT_QUIET, scratch, XMM3, least(dbl, kind));
    if (kind == SMALL_DIVISOR) {
        /* Either may be the case, so that the bits of both serve. */
        struct x64_rm greatest = jit_table(dbl ? TABLE_FP_GREATEST_D : TABLE_FP_GREATEST_S);
        sse_packed(e, dbl, SSE_AND, scratch, scratch, x64_reg(XMM3));
        sse_cmp(e, dbl, true, CMP_GT_QUIET, XMM3, XMM3, greatest);
        sse_packed(e, dbl, SSE_OR, scratch, scratch, x64_reg(XMM3));
    } else {
        sse_packed(e, dbl, SSE_AND, scratch, scratch, x64_reg(XMM3));
    }
    x64_vop38(e, 0x17, (unsigned)scratch, 0, x64_reg(scratch)); /* VPTEST */
    jit_slow(t, CC_NE);
}

int fpv_src(struct translation *t, const struct fpv *v, unsigned n, int scratch)
{
    int r = jit_xmm(n);
    if (v->q)
        return jit_vsrc(t, n, scratch);
    if (r >= 0 && t->vhigh[n] != VHIGH_ANY)
        return r;
    x64_vmovq(&t->e, (unsigned)scratch, jit_vrm(n));
    return scratch;
}

struct x64_rm fpv_rm(struct translation *t, const struct fpv *v, unsigned n, int scratch)
{
    return v->q ? jit_vrm(n) : x64_reg(fpv_src(t, v, n, scratch));
}

void fpv_done(struct translation *t, const struct fpv *v, int xmm, bool clean)
{
    if (v->q)
        jit_vdone(t, v->rd, xmm, VHIGH_ANY);
    else
        fp_done(t, true, v->rd, xmm, clean ? VHIGH_ZERO64 : VHIGH_ANY);
}

void fpv_slow_if_any(struct translation *t, bool dbl, int xmm)
{
    sse_packed(&t->e, dbl, SSE_MOVMSK, RAX, 0, x64_reg(xmm));
    x64_test(&t->e, 4, x64_reg(RAX), RAX);
    jit_slow(t, CC_NE);
}

void fpv_check_nan(struct translation *t, bool dbl, int xmm)
{
    sse_cmp(&t->e, dbl, true, CMP_UNORD, XMM3, xmm, x64_reg(xmm));
    fpv_slow_if_any(t, dbl, XMM3);
}

void fpv_check_tiny(struct translation *t, bool dbl, int xmm)
{
    sse_packed(&t->e, dbl, SSE_AND, XMM3, xmm, dbl ? JIT_CONST(abs_d) : JIT_CONST(abs_s));
    sse_cmp(&t->e, dbl, true, CMP_EQ_UNORD, XMM3, XMM3, dbl ? JIT_CONST(min_d) : JIT_CONST(min_s));
    fpv_slow_if_any(t, dbl, XMM3);
}

/* Of equal operands the host gives the second. Taken both ways round, the two results differ only
 * for zeros of different sign, and AND or OR gives the right one. */
void fp_max_min(struct x64 *e, bool dbl, bool packed, bool max, int reg, int a, int b)
{
    enum sse_op op = max ? SSE_MAX : SSE_MIN;
    if (packed) {
        sse_packed(e, dbl, op, XMM3, a, x64_reg(b));
        sse_packed(e, dbl, op, reg, b, x64_reg(a));
    } else {
        sse_scalar(e, dbl, op, XMM3, a, x64_reg(b));
        sse_scalar(e, dbl, op, reg, b, x64_reg(a));
    }
    sse_packed(e, dbl, max ? SSE_AND : SSE_OR, reg, reg, x64_reg(XMM3));
}
