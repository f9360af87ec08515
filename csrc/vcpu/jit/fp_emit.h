/*
 * fp_emit.h - what the emitters of floating point share: host instructions, operands, and the
 * checks that send to the interpreter what the host does not compute as arm64 does.
 *
 * The host computes with MXCSR plain, and its sticky flags are the guest's pending FPSR. A result
 * that is no NaN has arm64's value and exceptions, but for one: arm64 looks for underflow before
 * rounding, the host after it. They differ only when an inexact result is the smallest normal
 * number, so multiplication and narrowing leave that to the interpreter as well. (A sum that small
 * is exact. A quotient is never so near below a power of two that it rounds to it at full
 * precision: it is off by an ulp of the operands over the divisor, at least.) The interpreter
 * starts the instruction again, so what the host raised by then must be what arm64 raises too: no
 * NaN and no smallest normal raises more on the host. Lanes that the instruction does not have must
 * not raise anything.
 *
 * Where FPCR is not zero it mostly is FZ, which programs built with -ffast-math set. Such code
 * finds out when it runs (fp_begin()). So that FZ makes no difference, it leaves to the interpreter
 * operands that are denormal, or so small that the result might be (fp_guard()). NaNs go there in
 * any case, so DN makes none either.
 */
#ifndef ELFUSE_JIT_FP_EMIT_H
#define ELFUSE_JIT_FP_EMIT_H

#include "vcpu/jit/translate.h"

/* Opcodes in map 0f: scalar with prefix f2 or f3, packed with 66 or none. */
enum sse_op {
    SSE_UNPCKL = 0x14,
    SSE_UNPCKH = 0x15,
    SSE_MOVA = 0x28,
    SSE_UCOMI = 0x2e, /* "packed" */
    SSE_COMI = 0x2f,  /* "packed"; a quiet NaN is invalid */
    SSE_MOVMSK = 0x50,
    SSE_SQRT = 0x51,
    SSE_AND = 0x54,
    SSE_OR = 0x56,
    SSE_XOR = 0x57,
    SSE_ADD = 0x58,
    SSE_MUL = 0x59,
    SSE_CVT = 0x5a, /* to the other format */
    SSE_SUB = 0x5c,
    SSE_MIN = 0x5d,
    SSE_DIV = 0x5e,
    SSE_MAX = 0x5f,
    SSE_CMP = 0xc2,
    SSE_SHUF = 0xc6,
};

/* Predicates of SSE_CMP. The ordering ones find a quiet NaN invalid, as FCMGE and FCMGT do. */
enum sse_cmp {
    CMP_EQ = 0,
    CMP_LT = 1,
    CMP_LE = 2,
    CMP_UNORD = 3,
    CMP_EQ_UNORD = 8,
    CMP_GE = 13,
    CMP_GT = 14,
    CMP_LT_QUIET = 17,
    CMP_NOT_LT_QUIET = 21,
    CMP_GT_QUIET = 30,
};

/* The immediate of ROUND*. */
enum sse_round {
    ROUND_NEAREST,
    ROUND_DOWN,
    ROUND_UP,
    ROUND_ZERO,
    ROUND_QUIET = 8 /* not inexact */
};

static inline void sse_scalar(struct x64 *e, bool dbl, enum sse_op op, int reg, int a,
                              struct x64_rm b)
{
    x64_vex(e, dbl ? PP_F2 : PP_F3, MAP_0F, false, op, (unsigned)reg, (unsigned)a, b);
}
static inline void sse_packed(struct x64 *e, bool dbl, enum sse_op op, int reg, int a,
                              struct x64_rm b)
{
    x64_vex(e, dbl ? PP_66 : PP_NONE, MAP_0F, false, op, (unsigned)reg, (unsigned)a, b);
}
static inline void sse_cmp(struct x64 *e, bool dbl, bool packed, enum sse_cmp predicate, int reg,
                           int a, struct x64_rm b)
{
    if (packed)
        sse_packed(e, dbl, SSE_CMP, reg, a, b);
    else
        sse_scalar(e, dbl, SSE_CMP, reg, a, b);
    x64_u8(e, predicate);
}
static inline void sse_shuf(struct x64 *e, int reg, int a, struct x64_rm b, unsigned imm)
{
    sse_packed(e, false, SSE_SHUF, reg, a, b);
    x64_u8(e, imm);
}
/* reg <- rm rounded to an integral value; a scalar takes the rest from `a`. */
static inline void sse_round(struct x64 *e, bool dbl, bool packed, unsigned how, int reg, int a,
                             struct x64_rm rm)
{
    x64_vop3a(e, (packed ? 0x08 : 0x0a) | dbl, (unsigned)reg, packed ? 0 : (unsigned)a, rm, how);
}
/* Both halves of reg <- the low half of rm, of which 8 bytes are read. */
static inline void sse_dup(struct x64 *e, int reg, struct x64_rm rm)
{
    x64_vex(e, PP_F2, MAP_0F, false, 0x12, (unsigned)reg, 0, rm);
}
/* reg <- the low 4 or 8 bytes of memory, the rest zero. */
static inline void sse_load(struct x64 *e, bool dbl, int reg, struct x64_rm mem)
{
    x64_vex(e, dbl ? PP_F2 : PP_F3, MAP_0F, false, 0x10, (unsigned)reg, 0, mem);
}
static inline void sse_move(struct x64 *e, int reg, int from)
{
    if (reg != from)
        sse_packed(e, false, SSE_MOVA, reg, 0, x64_reg(from));
}
static inline void sse_zero(struct x64 *e, int reg)
{
    sse_packed(e, false, SSE_XOR, reg, reg, x64_reg(reg));
}
/* xmm <- a constant. May use RAX. */
static inline void sse_constant(struct x64 *e, bool dbl, int xmm, uint64_t v)
{
    x64_mov_imm(e, RAX, v);
    x64_vmov_from_gpr(e, dbl ? 8 : 4, (unsigned)xmm, x64_reg(RAX));
}

/* ---- scalars ---- */

/* The format of scalars and of most vectors. */
static inline bool fp_dbl(uint32_t insn)
{
    return insn >> 22 & 1;
}
/* In scalar or packed form. */
static inline void sse_either(struct x64 *e, bool dbl, bool packed, enum sse_op op, int reg, int a,
                              struct x64_rm b)
{
    if (packed)
        sse_packed(e, dbl, op, reg, a, b);
    else
        sse_scalar(e, dbl, op, reg, a, b);
}
/* What of a register must be zero above a scalar result. */
static inline enum vhigh fp_want(bool dbl)
{
    return dbl ? VHIGH_ZERO64 : VHIGH_ZERO32;
}
/* A host register with the scalar Vn: its own, else `scratch`, loaded. */
static inline int fp_src(struct translation *t, bool dbl, unsigned n, int scratch)
{
    int r = jit_xmm(n);
    if (r >= 0)
        return r;
    sse_load(&t->e, dbl, scratch, jit_v_mem(n));
    return scratch;
}
/* What is known of the rest of fp_src()'s register. */
static inline enum vhigh fp_src_high(const struct translation *t, bool dbl, unsigned n)
{
    return jit_xmm(n) < 0 ? fp_want(dbl) : (enum vhigh)t->vhigh[n];
}
/* What an operation on the scalar in a, fp_src()'s of Vn, takes the rest of its result from: a,
 * when that is zero, else XMM2, zeroed. */
static inline int fp_rest(struct translation *t, bool dbl, unsigned n, int a)
{
    if (fp_src_high(t, dbl, n) >= fp_want(dbl))
        return a;
    sse_zero(&t->e, XMM2);
    return XMM2;
}
/* Where to compute the new Vd when checks follow: not in place, when it is a source as well. */
static inline int fp_dst(unsigned rd, unsigned a, unsigned b, unsigned c)
{
    return rd == a || rd == b || rd == c ? XMM0 : jit_vdst(rd, XMM0);
}
/* The scalar in xmm is the new Vd. */
void fp_done(struct translation *t, bool dbl, unsigned rd, int xmm, enum vhigh known);

/* To the interpreter, if the result in xmm is a NaN; or the smallest normal number as well. These
 * use XMM3, and RAX for vectors. */
void fp_check_nan(struct translation *t, bool dbl, int xmm);
void fp_check_tiny(struct translation *t, bool dbl, int xmm);

/* ---- FPCR ---- */

/* Before anything that depends on FPCR. Where it is not zero, clobbers flags. */
void fp_begin(struct translation *t);
/* The operands that fp_guard() lets pass. */
enum fp_small {
    SMALL_NORMAL,  /* zero or normal: for what does not compute */
    SMALL_ARITH,   /* zero, or large enough that no sum and no product, nor both, is denormal */
    SMALL_NARROW,  /* zero, or a double that is not denormal as a single */
    SMALL_DIVISOR, /* as ARITH, and small enough that no quotient of ARITH is denormal */
};
/* Where FPCR is not zero: to the interpreter unless x, a scalar or a whole vector, register or
 * memory, is of that kind. Uses XMM3 and `scratch`, which x may not be. */
void fp_guard(struct translation *t, bool dbl, bool packed, enum fp_small kind, struct x64_rm x,
              int scratch);

/* ---- vectors ---- */

struct fpv {
    bool q, dbl;
    unsigned rd, rn, rm;
};
/* Fields of a vector instruction; false for the reserved arrangement. */
static inline bool fpv_decode(uint32_t insn, struct fpv *v)
{
    *v = (struct fpv){insn >> 30 & 1, fp_dbl(insn), insn & 31, insn >> 5 & 31, insn >> 16 & 31};
    return v->q || !v->dbl;
}
/* A host register that holds Vn, with zeros in the lanes that the instruction does not have. */
int fpv_src(struct translation *t, const struct fpv *v, unsigned n, int scratch);
/* The same as an operand. */
struct x64_rm fpv_rm(struct translation *t, const struct fpv *v, unsigned n, int scratch);
/* The vector in xmm is the new Vd. clean: its upper half is zero if Q is clear. */
void fpv_done(struct translation *t, const struct fpv *v, int xmm, bool clean);
void fpv_check_nan(struct translation *t, bool dbl, int xmm);
void fpv_check_tiny(struct translation *t, bool dbl, int xmm);
/* To the interpreter, if any sign bit of xmm's lanes (4 bytes, or 8) is set. Uses RAX. */
void fpv_slow_if_any(struct translation *t, bool dbl, int xmm);
/* reg <- the greater or lesser of a and b, no NaNs. reg may be a or b. Uses XMM3. */
void fp_max_min(struct x64 *e, bool dbl, bool packed, bool max, int reg, int a, int b);

/* ---- conversions ---- */

#define ROUND_AWAY 4 /* halfway cases away from zero: the host has none */

struct fp_conversion {
    bool dbl, wide, is_unsigned;
    unsigned rounding, fbits; /* to integers; with fbits, only ROUND_ZERO */
};
/* dst, any general register, <- the scalar in a, a register that may be XMM1; to the interpreter
 * for what does not fit. Uses RAX, XMM0 and XMM2. */
void fp_to_integer(struct translation *t, const struct fp_conversion *c, int a, int dst);
/* xmm, its rest zero, <- the integer of 8 bytes in RAX, which changes, as does RCX. Of those that
 * look negative but are unsigned, half is converted, its last bit standing for both that leave, and
 * doubled. */
void fp_from_u64(struct x64 *e, bool dbl, int xmm);
void fp_from_i64(struct x64 *e, bool dbl, int xmm);
/* XMM0 <- a rounded by ROUND_AWAY, raising nothing for finite numbers. A zero may have the wrong
 * sign. Uses XMM2. */
void fp_round_away(struct x64 *e, bool dbl, bool packed, int a);
/* immh:immb is twice the lane's size less the fraction bits. Returns whether lanes are doubles. */
static inline bool fp_fixed_fields(uint32_t insn, unsigned *fbits)
{
    bool dbl = insn >> 22 & 1;
    *fbits = (dbl ? 128 : 64) - (insn >> 16 & 127);
    return dbl;
}
static inline uint64_t fp_power_of_two(bool dbl, int n)
{
    return dbl ? (uint64_t)(1023 + n) << 52 : (uint64_t)(127 + n) << 23;
}

#endif
