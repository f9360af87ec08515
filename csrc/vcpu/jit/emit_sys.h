/*
 * emit_sys.h - emitters of branches, exceptions, hints and system registers, by row.
 */
#ifndef ELFUSE_JIT_EMIT_SYS_H
#define ELFUSE_JIT_EMIT_SYS_H

#include "vcpu/jit/translate.h"

jit_emit emit_b, emit_bl, emit_b_cond, emit_cbz, emit_tbz, emit_br, emit_svc;
jit_emit emit_nothing, emit_isb, emit_mrs_tpidr, emit_msr_tpidr, emit_mrs_fpcr, emit_mrs_cntvct;

#define EMIT_ROWS_SYS(ROW)                                                                         \
    ROW(B, emit_b)                                                                                 \
    ROW(BL, emit_bl)                                                                               \
    ROW(B_cond, emit_b_cond)                                                                       \
    ROW(CBZ, emit_cbz)                                                                             \
    ROW(CBNZ, emit_cbz)                                                                            \
    ROW(TBZ, emit_tbz)                                                                             \
    ROW(TBNZ, emit_tbz)                                                                            \
    ROW(BR, emit_br)                                                                               \
    ROW(BLR, emit_br)                                                                              \
    ROW(RET, emit_br)                                                                              \
    ROW(SVC, emit_svc)                                                                             \
    ROW(HINT, emit_nothing)                                                                        \
    ROW(ISB, emit_isb)                                                                             \
    ROW(MRS_TPIDR, emit_mrs_tpidr)                                                                 \
    ROW(MSR_TPIDR, emit_msr_tpidr)                                                                 \
    ROW(MRS_FPCR, emit_mrs_fpcr)                                                                   \
    ROW(MRS_CNTVCT, emit_mrs_cntvct)

#endif
