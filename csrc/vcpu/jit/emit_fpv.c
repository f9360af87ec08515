/*
 * emit_fpv.c - emitters of vector floating point: arithmetic and comparison; and what the Advanced
 * SIMD scalar instructions share with them.
 */
#include "vcpu/jit/constants.h"
#include "vcpu/jit/emit_fp.h"
#include "vcpu/jit/fp_emit.h"

/* ---- one source ---- */

/* FABS FNEG: no FPCR. */
bool emit_fabs_vec(struct translation *t, uint32_t insn)
{
    struct fpv v;
    bool negate = bits(insn, 29, 1);

    if (!fpv_decode(insn, &v))
        return false;
    int to = jit_vdst(v.rd, XMM0), a = fpv_src(t, &v, v.rn, XMM0);
    struct x64_rm abs = v.dbl ? JIT_CONST(abs_d) : JIT_CONST(abs_s);
    struct x64_rm sign = v.dbl ? JIT_CONST(sign_d) : JIT_CONST(sign_s);
    sse_packed(&t->e, v.dbl, negate ? SSE_XOR : SSE_AND, to, a, negate ? sign : abs);
    fpv_done(t, &v, to, !negate);
    return true;
}

bool emit_fsqrt_vec(struct translation *t, uint32_t insn)
{
    struct fpv v;

    if (!fpv_decode(insn, &v))
        return false;
    jit_flags_clobber(t);
    fp_begin(t);
    int to = fp_dst(v.rd, v.rn, v.rn, v.rn);
    struct x64_rm n = fpv_rm(t, &v, v.rn, XMM1);
    fp_guard(t, v.dbl, true, SMALL_NORMAL, n, XMM0);
    sse_packed(&t->e, v.dbl, SSE_SQRT, to, 0, n);
    fpv_check_nan(t, v.dbl, to);
    fpv_done(t, &v, to, true);
    return true;
}

/* ---- two sources ---- */

/* to <- n op m, checked. Both are clean. Uses `scratch`, which neither is, and XMM3. */
static void arith(struct translation *t, bool dbl, enum sse_op op, int to, int n, struct x64_rm m,
                  int scratch)
{
    fp_guard(t, dbl, true, SMALL_ARITH, x64_reg(n), scratch);
    fp_guard(t, dbl, true, op == SSE_DIV ? SMALL_DIVISOR : SMALL_ARITH, m, scratch);
    sse_packed(&t->e, dbl, op, to, n, m);
    if (op == SSE_MUL)
        fpv_check_tiny(t, dbl, to);
    else
        fpv_check_nan(t, dbl, to);
}

/* FADD FSUB FMUL, and FABD. */
bool emit_fp_arith_vec(struct translation *t, uint32_t insn)
{
    struct fpv v;
    bool abd = t->id == A64_FABD_vec;
    enum sse_op op = t->id == A64_FADD_vec ? SSE_ADD : t->id == A64_FMUL_vec ? SSE_MUL : SSE_SUB;

    if (!fpv_decode(insn, &v))
        return false;
    jit_flags_clobber(t);
    fp_begin(t);
    if (op != SSE_SUB && jit_xmm(v.rn) < 0 && jit_xmm(v.rm) >= 0) {
        unsigned n = v.rn;
        v.rn = v.rm;
        v.rm = n;
    }
    int to = fp_dst(v.rd, v.rn, v.rm, v.rm), n = fpv_src(t, &v, v.rn, XMM1);
    arith(t, v.dbl, op, to, n, fpv_rm(t, &v, v.rm, XMM2), XMM0);
    if (abd)
        sse_packed(&t->e, v.dbl, SSE_AND, to, to, v.dbl ? JIT_CONST(abs_d) : JIT_CONST(abs_s));
    fpv_done(t, &v, to, true);
    return true;
}

/* The absent lanes of a short vector do the same divisions again. */
bool emit_fdiv_vec(struct translation *t, uint32_t insn)
{
    struct fpv v;
    struct x64 *e = &t->e;

    if (!fpv_decode(insn, &v))
        return false;
    jit_flags_clobber(t);
    fp_begin(t);
    int to = fp_dst(v.rd, v.rn, v.rm, v.rm);
    if (v.q) {
        arith(t, v.dbl, SSE_DIV, to, jit_vsrc(t, v.rn, XMM1), jit_vrm(v.rm), XMM0);
    } else {
        sse_dup(e, XMM1, jit_vrm(v.rn));
        sse_dup(e, XMM2, jit_vrm(v.rm));
        arith(t, false, SSE_DIV, to, XMM1, x64_reg(XMM2), XMM0);
    }
    fpv_done(t, &v, to, false);
    return true;
}

/* FABD, FADDP of a pair: one addition. */
bool emit_fabd_sisd(struct translation *t, uint32_t insn)
{
    struct fpv v;

    fp_begin(t);
    fpv_decode(insn, &v);
    jit_flags_clobber(t);
    enum vhigh high = fp_src_high(t, v.dbl, v.rn);
    int to = fp_dst(v.rd, v.rn, v.rm, v.rm), a = fp_src(t, v.dbl, v.rn, XMM1);
    fp_guard(t, v.dbl, false, SMALL_ARITH, x64_reg(a), XMM0);
    fp_guard(t, v.dbl, false, SMALL_ARITH, jit_vrm(v.rm), XMM0);
    sse_scalar(&t->e, v.dbl, SSE_SUB, to, a, jit_vrm(v.rm));
    fp_check_nan(t, v.dbl, to);
    sse_packed(&t->e, v.dbl, SSE_AND, to, to, jit_table(v.dbl ? TABLE_FP_ABS_D : TABLE_FP_ABS_S));
    fp_done(t, v.dbl, v.rd, to, high);
    return true;
}

/* To the interpreter if a or b has a NaN, quiet ones included, in any lane. Uses `scratch`. */
static void check_nans(struct translation *t, bool dbl, int a, int b, int scratch)
{
    fp_guard(t, dbl, true, SMALL_NORMAL, x64_reg(a), scratch);
    fp_guard(t, dbl, true, SMALL_NORMAL, x64_reg(b), scratch);
    sse_cmp(&t->e, dbl, true, CMP_UNORD, XMM3, a, x64_reg(b));
    fpv_slow_if_any(t, dbl, XMM3);
}

/* FMAX FMIN FMAXNM FMINNM: bit 23 is MIN. */
bool emit_fmax_vec(struct translation *t, uint32_t insn)
{
    struct fpv v;

    if (!fpv_decode(insn, &v))
        return false;
    jit_flags_clobber(t);
    fp_begin(t);
    int n = fpv_src(t, &v, v.rn, XMM1), m = fpv_src(t, &v, v.rm, XMM2);
    check_nans(t, v.dbl, n, m, XMM0);
    int to = jit_vdst(v.rd, XMM0);
    fp_max_min(&t->e, v.dbl, true, !bits(insn, 23, 1), to, n, m);
    fpv_done(t, &v, to, true);
    return true;
}

/* ---- pairs ---- */

/* XMM0 and XMM1 <- the even and the odd lanes of Vm:Vn; of short vectors twice. */
static void unzip(struct translation *t, const struct fpv *v)
{
    struct x64 *e = &t->e;
    int n = jit_vsrc(t, v->rn, XMM2);
    if (v->dbl) {
        sse_packed(e, true, SSE_UNPCKH, XMM1, n, jit_vrm(v->rm));
        sse_packed(e, true, SSE_UNPCKL, XMM0, n, jit_vrm(v->rm));
    } else if (v->q) {
        sse_shuf(e, XMM1, n, jit_vrm(v->rm), 0xdd);
        sse_shuf(e, XMM0, n, jit_vrm(v->rm), 0x88);
    } else {
        sse_packed(e, true, SSE_UNPCKL, XMM2, n, jit_vrm(v->rm));
        sse_shuf(e, XMM1, XMM2, x64_reg(XMM2), 0xdd);
        sse_shuf(e, XMM0, XMM2, x64_reg(XMM2), 0x88);
    }
}

bool emit_faddp_vec(struct translation *t, uint32_t insn)
{
    struct fpv v;

    if (!fpv_decode(insn, &v))
        return false;
    jit_flags_clobber(t);
    fp_begin(t);
    unzip(t, &v);
    arith(t, v.dbl, SSE_ADD, XMM0, XMM0, x64_reg(XMM1), XMM2);
    fpv_done(t, &v, XMM0, false);
    return true;
}

/* FMAXP FMINP FMAXNMP FMINNMP */
bool emit_fmaxp_vec(struct translation *t, uint32_t insn)
{
    struct fpv v;

    if (!fpv_decode(insn, &v))
        return false;
    jit_flags_clobber(t);
    fp_begin(t);
    unzip(t, &v);
    check_nans(t, v.dbl, XMM0, XMM1, XMM2);
    fp_max_min(&t->e, v.dbl, true, !bits(insn, 23, 1), XMM0, XMM0, XMM1);
    fpv_done(t, &v, XMM0, false);
    return true;
}

/* XMM1 <- the second of the two lowest lanes of Vn, anything above. Returns where the first is. */
static int pair(struct translation *t, bool dbl, unsigned rn)
{
    int n = jit_vsrc(t, rn, XMM2);
    if (dbl)
        sse_packed(&t->e, true, SSE_UNPCKH, XMM1, n, x64_reg(n));
    else
        sse_shuf(&t->e, XMM1, n, x64_reg(n), 0x55);
    return n;
}

bool emit_faddp_pair(struct translation *t, uint32_t insn)
{
    unsigned rd = bits(insn, 0, 5), rn = bits(insn, 5, 5);
    bool dbl = fp_dbl(insn);

    jit_flags_clobber(t);
    fp_begin(t);
    int n = pair(t, dbl, rn), to = fp_dst(rd, rn, rn, rn);
    fp_guard(t, dbl, false, SMALL_ARITH, x64_reg(n), XMM0);
    fp_guard(t, dbl, false, SMALL_ARITH, x64_reg(XMM1), XMM0);
    sse_scalar(&t->e, dbl, SSE_ADD, to, n, x64_reg(XMM1));
    fp_check_nan(t, dbl, to);
    fp_done(t, dbl, rd, to, VHIGH_ANY);
    return true;
}

bool emit_fmaxp_pair(struct translation *t, uint32_t insn)
{
    unsigned rd = bits(insn, 0, 5), rn = bits(insn, 5, 5);
    bool dbl = fp_dbl(insn);

    jit_flags_clobber(t);
    fp_begin(t);
    int n = pair(t, dbl, rn);
    fp_guard(t, dbl, false, SMALL_NORMAL, x64_reg(n), XMM0);
    fp_guard(t, dbl, false, SMALL_NORMAL, x64_reg(XMM1), XMM0);
    sse_packed(&t->e, dbl, SSE_UCOMI, n, 0, x64_reg(XMM1));
    jit_slow(t, CC_P);
    fp_max_min(&t->e, dbl, false, !bits(insn, 23, 1), XMM0, n, XMM1);
    fp_done(t, dbl, rd, XMM0, VHIGH_ANY);
    return true;
}

/* FMAXV FMINV FMAXNMV FMINNMV of four singles. Without NaNs, the order does not matter. */
bool emit_fmaxv(struct translation *t, uint32_t insn)
{
    unsigned rd = bits(insn, 0, 5), rn = bits(insn, 5, 5);
    bool max = !bits(insn, 23, 1);
    struct x64 *e = &t->e;

    jit_flags_clobber(t);
    fp_begin(t);
    int n = jit_vsrc(t, rn, XMM2);
    check_nans(t, false, n, n, XMM0);
    sse_shuf(e, XMM1, n, x64_reg(n), 0xb1);
    fp_max_min(e, false, true, max, XMM0, n, XMM1);
    sse_shuf(e, XMM1, XMM0, x64_reg(XMM0), 0x4e);
    fp_max_min(e, false, true, max, XMM0, XMM0, XMM1);
    fp_done(t, false, rd, XMM0, VHIGH_ANY);
    return true;
}

/* ---- multiplication by an element, fused multiplication ---- */

/* Of Vm, for by-element forms: H:L, or H. */
static unsigned element(uint32_t insn, bool dbl)
{
    unsigned h = bits(insn, 11, 1);
    return dbl ? h : h << 1 | bits(insn, 21, 1);
}

/* xmm <- that element in all lanes; in the low half alone for a short vector. */
static void splat(struct translation *t, const struct fpv *v, unsigned index, int xmm)
{
    struct x64 *e = &t->e;
    int r = jit_xmm(v->rm);
    if (r < 0) {
        struct x64_rm mem = jit_v_mem(v->rm);
        mem.disp += (int32_t)(index * (v->dbl ? 8 : 4));
        if (v->dbl)
            sse_dup(e, xmm, mem);
        else
            x64_vop38(e, 0x18, (unsigned)xmm, 0, mem); /* VBROADCASTSS */
    } else if (!v->dbl) {
        sse_shuf(e, xmm, r, x64_reg(r), index * 0x55);
    } else if (index) {
        sse_packed(e, true, SSE_UNPCKH, xmm, r, x64_reg(r));
    } else {
        sse_dup(e, xmm, x64_reg(r));
    }
    if (!v->q)
        x64_vmovq(e, (unsigned)xmm, x64_reg(xmm));
}

/* That element as the operand of a scalar instruction. */
static struct x64_rm element_rm(struct translation *t, const struct fpv *v, unsigned index, int xmm)
{
    struct x64_rm rm = jit_vrm(v->rm);
    if (rm.reg < 0) {
        rm.disp += (int32_t)(index * (v->dbl ? 8 : 4));
        return rm;
    }
    if (!index)
        return rm;
    if (v->dbl)
        sse_packed(&t->e, true, SSE_UNPCKH, xmm, rm.reg, rm);
    else
        sse_shuf(&t->e, xmm, rm.reg, rm, index * 0x55);
    return x64_reg(xmm);
}

/* Rm, of four bits and M: the fifth bit is M in all these forms. */
bool emit_fmul_elem(struct translation *t, uint32_t insn)
{
    struct fpv v;

    if (!fpv_decode(insn, &v))
        return false;
    jit_flags_clobber(t);
    fp_begin(t);
    splat(t, &v, element(insn, v.dbl), XMM2);
    int to = fp_dst(v.rd, v.rn, v.rm, v.rm), n = fpv_src(t, &v, v.rn, XMM1);
    arith(t, v.dbl, SSE_MUL, to, n, x64_reg(XMM2), XMM0);
    fpv_done(t, &v, to, true);
    return true;
}

bool emit_fmul_elem_sisd(struct translation *t, uint32_t insn)
{
    struct fpv v;

    fp_begin(t);
    fpv_decode(insn, &v);
    jit_flags_clobber(t);
    enum vhigh high = fp_src_high(t, v.dbl, v.rn);
    int to = fp_dst(v.rd, v.rn, v.rm, v.rm), n = fp_src(t, v.dbl, v.rn, XMM1);
    struct x64_rm m = element_rm(t, &v, element(insn, v.dbl), XMM2);
    fp_guard(t, v.dbl, false, SMALL_ARITH, x64_reg(n), XMM0);
    fp_guard(t, v.dbl, false, SMALL_ARITH, m, XMM0);
    sse_scalar(&t->e, v.dbl, SSE_MUL, to, n, m);
    fp_check_tiny(t, v.dbl, to);
    fp_done(t, v.dbl, v.rd, to, high);
    return true;
}

static void fused(struct x64 *e, bool dbl, bool packed, bool subtract, int to, int n,
                  struct x64_rm m)
{
    /* VFMADD231, VFNMADD231 */
    unsigned opcode = (subtract ? 0xbcu : 0xb8u) | !packed;
    x64_vex(e, PP_66, MAP_0F38, dbl, opcode, (unsigned)to, (unsigned)n, m);
}

static void accumulate(struct translation *t, const struct fpv *v, bool subtract, int n,
                       struct x64_rm m)
{
    fp_guard(t, v->dbl, true, SMALL_ARITH, x64_reg(n), XMM0);
    fp_guard(t, v->dbl, true, SMALL_ARITH, m, XMM0);
    if (!jit_fp_plain(t))
        fp_guard(t, v->dbl, true, SMALL_ARITH, x64_reg(fpv_src(t, v, v->rd, XMM3)), XMM0);
    sse_move(&t->e, XMM0, fpv_src(t, v, v->rd, XMM0));
    fused(&t->e, v->dbl, true, subtract, XMM0, n, m);
    fpv_check_tiny(t, v->dbl, XMM0);
    fpv_done(t, v, XMM0, true);
}

/* FMLA FMLS: bit 23 is FMLS. */
bool emit_fmla_vec(struct translation *t, uint32_t insn)
{
    struct fpv v;

    if (!t->host->fma || !fpv_decode(insn, &v))
        return false;
    jit_flags_clobber(t);
    fp_begin(t);
    int n = fpv_src(t, &v, v.rn, XMM1);
    accumulate(t, &v, bits(insn, 23, 1), n, fpv_rm(t, &v, v.rm, XMM2));
    return true;
}

/* By element bit 14 is FMLS. */
bool emit_fmla_elem(struct translation *t, uint32_t insn)
{
    struct fpv v;

    if (!t->host->fma || !fpv_decode(insn, &v))
        return false;
    jit_flags_clobber(t);
    fp_begin(t);
    int n = fpv_src(t, &v, v.rn, XMM1);
    splat(t, &v, element(insn, v.dbl), XMM2);
    accumulate(t, &v, bits(insn, 14, 1), n, x64_reg(XMM2));
    return true;
}

bool emit_fmla_elem_sisd(struct translation *t, uint32_t insn)
{
    struct fpv v;

    if (!t->host->fma)
        return false;
    fpv_decode(insn, &v);
    jit_flags_clobber(t);
    fp_begin(t);
    enum vhigh high = fp_src_high(t, v.dbl, v.rd);
    int n = fp_src(t, v.dbl, v.rn, XMM1);
    struct x64_rm m = element_rm(t, &v, element(insn, v.dbl), XMM2);
    fp_guard(t, v.dbl, false, SMALL_ARITH, x64_reg(n), XMM0);
    fp_guard(t, v.dbl, false, SMALL_ARITH, m, XMM0);
    fp_guard(t, v.dbl, false, SMALL_ARITH, jit_vrm(v.rd), XMM0);
    sse_move(&t->e, XMM0, fp_src(t, v.dbl, v.rd, XMM0));
    fused(&t->e, v.dbl, false, bits(insn, 14, 1), XMM0, n, m);
    fp_check_tiny(t, v.dbl, XMM0);
    fp_done(t, v.dbl, v.rd, XMM0, high);
    return true;
}

/* ---- comparison ---- */

/* FCMEQ FCMGE FCMGT FACGE FACGT by U, bit 23 and bit 11: the host raises for NaNs what they do. */
static enum sse_cmp predicate_of(uint32_t insn)
{
    return !bits(insn, 29, 1) ? CMP_EQ : bits(insn, 23, 1) ? CMP_GT : CMP_GE;
}

bool emit_fcmp_vec(struct translation *t, uint32_t insn)
{
    struct fpv v;
    struct x64 *e = &t->e;

    if (!fpv_decode(insn, &v))
        return false;
    fp_begin(t);
    int to = jit_vdst(v.rd, XMM0), n = fpv_src(t, &v, v.rn, XMM1);
    struct x64_rm m = fpv_rm(t, &v, v.rm, XMM2);
    fp_guard(t, v.dbl, true, SMALL_NORMAL, x64_reg(n), XMM0);
    fp_guard(t, v.dbl, true, SMALL_NORMAL, m, XMM0);
    if (bits(insn, 11, 1)) { /* FACGE, FACGT */
        struct x64_rm abs = v.dbl ? JIT_CONST(abs_d) : JIT_CONST(abs_s);
        sse_packed(e, v.dbl, SSE_AND, XMM1, n, abs);
        if (m.reg < 0)
            jit_vload(t, XMM2, v.rm);
        sse_packed(e, v.dbl, SSE_AND, XMM2, m.reg < 0 ? XMM2 : m.reg, abs);
        n = XMM1;
        m = x64_reg(XMM2);
    }
    enum sse_cmp predicate = predicate_of(insn);
    sse_cmp(e, v.dbl, true, predicate, to, n, m);
    fpv_done(t, &v, to, predicate == CMP_GT);
    return true;
}

bool emit_fcmp_sisd(struct translation *t, uint32_t insn)
{
    struct fpv v;
    struct x64 *e = &t->e;

    fp_begin(t);
    fpv_decode(insn, &v);
    int to = jit_vdst(v.rd, XMM0), n = fp_src(t, v.dbl, v.rn, XMM1);
    enum vhigh high = fp_src_high(t, v.dbl, v.rn);
    struct x64_rm m = jit_vrm(v.rm);
    fp_guard(t, v.dbl, false, SMALL_NORMAL, x64_reg(n), XMM0);
    fp_guard(t, v.dbl, false, SMALL_NORMAL, m, XMM0);
    if (bits(insn, 11, 1)) {
        struct x64_rm abs = jit_table(v.dbl ? TABLE_FP_ABS_D : TABLE_FP_ABS_S);
        sse_packed(e, v.dbl, SSE_AND, XMM2, fp_src(t, v.dbl, v.rm, XMM2), abs);
        sse_packed(e, v.dbl, SSE_AND, XMM1, n, abs);
        n = XMM1;
        high = fp_want(v.dbl);
        m = x64_reg(XMM2);
    }
    sse_cmp(e, v.dbl, false, predicate_of(insn), to, n, m);
    fp_done(t, v.dbl, v.rd, to, high);
    return true;
}

/* FCMGT FCMEQ FCMLT FCMGE FCMLE with zero. */
static enum sse_cmp predicate_of_zero(uint32_t insn)
{
    static const uint8_t predicates[4] = {CMP_GT, CMP_EQ, CMP_LT, 0};
    if (bits(insn, 29, 1))
        return bits(insn, 12, 1) ? CMP_LE : CMP_GE;
    return (enum sse_cmp)predicates[bits(insn, 12, 2)];
}

bool emit_fcmp_zero_vec(struct translation *t, uint32_t insn)
{
    struct fpv v;
    enum sse_cmp predicate = predicate_of_zero(insn);

    if (!fpv_decode(insn, &v))
        return false;
    fp_begin(t);
    int to = jit_vdst(v.rd, XMM0), n = fpv_src(t, &v, v.rn, XMM1);
    fp_guard(t, v.dbl, true, SMALL_NORMAL, x64_reg(n), XMM0);
    sse_zero(&t->e, XMM2);
    sse_cmp(&t->e, v.dbl, true, predicate, to, n, x64_reg(XMM2));
    fpv_done(t, &v, to, predicate == CMP_GT || predicate == CMP_LT);
    return true;
}

bool emit_fcmp_zero_sisd(struct translation *t, uint32_t insn)
{
    struct fpv v;

    fp_begin(t);
    fpv_decode(insn, &v);
    int to = jit_vdst(v.rd, XMM0), n = fp_src(t, v.dbl, v.rn, XMM1);
    enum vhigh high = fp_src_high(t, v.dbl, v.rn);
    fp_guard(t, v.dbl, false, SMALL_NORMAL, x64_reg(n), XMM0);
    sse_zero(&t->e, XMM2);
    sse_cmp(&t->e, v.dbl, false, predicate_of_zero(insn), to, n, x64_reg(XMM2));
    fp_done(t, v.dbl, v.rd, to, high);
    return true;
}
