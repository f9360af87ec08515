/*
 * fp_core.h - arm64 floating point in integer arithmetic, exact in value and in FPSR.
 *
 * Operands and results are the bit patterns of the format in the low bits of a uint64_t; higher
 * bits of an operand are ignored, of a result zero. Every function reads env->fpcr (FZ16, RMode,
 * FZ, DN, AHP), ORs the exceptions it raises into env->fpsr and touches nothing else of env. No
 * function fails. Names and order of checks follow the pseudocode of the Arm Architecture Reference
 * Manual (DDI 0487, shared/functions/float); FPCR.AH, NEP and FIZ are not implemented and read as
 * zero.
 */
#ifndef ELFUSE_INTERP_FP_CORE_H
#define ELFUSE_INTERP_FP_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "vcpu/vcpu.h"

/* The value is log2 of the size in bytes. */
enum fp_fmt { FP_H = 1, FP_S = 2, FP_D = 3 };

/* The first four are FPCR.RMode. FPR_FPCR stands for "as FPCR.RMode says" where a function accepts
 * it. */
enum fp_rounding {
    FPR_TIEEVEN,
    FPR_POSINF,
    FPR_NEGINF,
    FPR_ZERO,
    FPR_TIEAWAY,
    FPR_ODD,
    FPR_FPCR,
};

#define FPCR_FZ16  (1u << 19)
#define FPCR_RMODE (3u << 22)
#define FPCR_FZ    (1u << 24)
#define FPCR_DN    (1u << 25)
#define FPCR_AHP   (1u << 26)

#define FPSR_IOC (1u << 0)
#define FPSR_DZC (1u << 1)
#define FPSR_OFC (1u << 2)
#define FPSR_UFC (1u << 3)
#define FPSR_IXC (1u << 4)
#define FPSR_IDC (1u << 7)

uint64_t fp_add(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b);
uint64_t fp_sub(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b);
uint64_t fp_mul(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b);
uint64_t fp_mulx(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b);
uint64_t fp_div(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b);
uint64_t fp_sqrt(struct vcpu_regs *env, enum fp_fmt f, uint64_t a);
uint64_t fp_max(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b);
uint64_t fp_min(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b);
uint64_t fp_maxnm(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b);
uint64_t fp_minnm(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b);

/* acc + a * b, rounded once. */
uint64_t fp_muladd(struct vcpu_regs *env, enum fp_fmt f, uint64_t acc, uint64_t a, uint64_t b);

/* Newton steps 2 - a*b and (3 - a*b) / 2, and the table estimates they refine. */
uint64_t fp_recps(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b);
uint64_t fp_rsqrts(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b);
uint64_t fp_recpe(struct vcpu_regs *env, enum fp_fmt f, uint64_t a);
uint64_t fp_rsqrte(struct vcpu_regs *env, enum fp_fmt f, uint64_t a);
uint64_t fp_recpx(struct vcpu_regs *env, enum fp_fmt f, uint64_t a);
uint32_t fp_urecpe(uint32_t a);
uint32_t fp_ursqrte(uint32_t a);

/* NZCV in bits 31..28. signal: FCMPE, where a quiet NaN also raises Invalid Operation. */
uint32_t fp_compare(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b, bool signal);
bool fp_eq(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b);
bool fp_ge(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b);
bool fp_gt(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, uint64_t b);

/* Round to an integral value. exact: raise Inexact when the value changed. Accepts FPR_FPCR. */
uint64_t fp_round_int(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, enum fp_rounding rounding,
                      bool exact);
/* The same into the range of a signed integer of intsize (32, 64) bits; f is FP_S or FP_D. */
uint64_t fp_round_int_n(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, enum fp_rounding rounding,
                        unsigned intsize);

/* a * 2^fbits as a width-bit (16, 32, 64) integer, saturating; the result is zero-extended. */
uint64_t fp_to_fixed(struct vcpu_regs *env, enum fp_fmt f, uint64_t a, unsigned width,
                     unsigned fbits, bool is_unsigned, enum fp_rounding rounding);
/* v / 2^fbits; v is the integer sign- or zero-extended to 64 bits. Rounds as FPCR says. */
uint64_t fp_from_fixed(struct vcpu_regs *env, enum fp_fmt f, uint64_t v, unsigned fbits,
                       bool is_unsigned);
/* JavaScript's ToInt32; *z is the Z flag: the conversion was exact and not of -0. */
uint32_t fp_to_js_int32(struct vcpu_regs *env, uint64_t a, bool *z);

/* Between formats. rounding is FPR_FPCR or FPR_ODD. FPCR.AHP applies to the half format here only.
 */
uint64_t fp_convert(struct vcpu_regs *env, enum fp_fmt from, enum fp_fmt to, uint64_t a,
                    enum fp_rounding rounding);

/* The VFPExpandImm() value of an 8-bit immediate. */
uint64_t fp_expand_imm(enum fp_fmt f, unsigned imm8);

#endif
