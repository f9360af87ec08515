/*
 * emit_int.h - emitters of data processing on general registers, by row.
 *
 * RMIF, SETF8 and SETF16 are left to the interpreter: they are rare.
 */
#ifndef ELFUSE_JIT_EMIT_INT_H
#define ELFUSE_JIT_EMIT_INT_H

#include "vcpu/jit/translate.h"

jit_emit emit_adr, emit_movw, emit_add_sub_imm, emit_add_sub_shift, emit_add_sub_ext, emit_adc;
jit_emit emit_logic_imm, emit_logic_shift;
jit_emit emit_ubfm, emit_sbfm, emit_bfm, emit_extr, emit_shift_var;
jit_emit emit_rbit, emit_rev16, emit_rev, emit_rev32, emit_clz, emit_cls;
jit_emit emit_csel, emit_ccmp, emit_cfinv;
jit_emit emit_madd, emit_maddl, emit_mulh, emit_udiv, emit_sdiv, emit_crc32, emit_crc32c;

#define EMIT_ROWS_INT(ROW)                                                                         \
    ROW(ADR, emit_adr)                                                                             \
    ROW(ADRP, emit_adr)                                                                            \
    ROW(ADD_imm, emit_add_sub_imm)                                                                 \
    ROW(ADDS_imm, emit_add_sub_imm)                                                                \
    ROW(SUB_imm, emit_add_sub_imm)                                                                 \
    ROW(SUBS_imm, emit_add_sub_imm)                                                                \
    ROW(AND_imm, emit_logic_imm)                                                                   \
    ROW(ORR_imm, emit_logic_imm)                                                                   \
    ROW(EOR_imm, emit_logic_imm)                                                                   \
    ROW(ANDS_imm, emit_logic_imm)                                                                  \
    ROW(MOVN, emit_movw)                                                                           \
    ROW(MOVZ, emit_movw)                                                                           \
    ROW(MOVK, emit_movw)                                                                           \
    ROW(SBFM, emit_sbfm)                                                                           \
    ROW(BFM, emit_bfm)                                                                             \
    ROW(UBFM, emit_ubfm)                                                                           \
    ROW(EXTR, emit_extr)                                                                           \
    ROW(AND_shift, emit_logic_shift)                                                               \
    ROW(BIC_shift, emit_logic_shift)                                                               \
    ROW(ORR_shift, emit_logic_shift)                                                               \
    ROW(ORN_shift, emit_logic_shift)                                                               \
    ROW(EOR_shift, emit_logic_shift)                                                               \
    ROW(EON_shift, emit_logic_shift)                                                               \
    ROW(ANDS_shift, emit_logic_shift)                                                              \
    ROW(BICS_shift, emit_logic_shift)                                                              \
    ROW(ADD_shift, emit_add_sub_shift)                                                             \
    ROW(ADDS_shift, emit_add_sub_shift)                                                            \
    ROW(SUB_shift, emit_add_sub_shift)                                                             \
    ROW(SUBS_shift, emit_add_sub_shift)                                                            \
    ROW(ADD_ext, emit_add_sub_ext)                                                                 \
    ROW(ADDS_ext, emit_add_sub_ext)                                                                \
    ROW(SUB_ext, emit_add_sub_ext)                                                                 \
    ROW(SUBS_ext, emit_add_sub_ext)                                                                \
    ROW(ADC, emit_adc)                                                                             \
    ROW(ADCS, emit_adc)                                                                            \
    ROW(SBC, emit_adc)                                                                             \
    ROW(SBCS, emit_adc)                                                                            \
    ROW(CCMN_reg, emit_ccmp)                                                                       \
    ROW(CCMN_imm, emit_ccmp)                                                                       \
    ROW(CCMP_reg, emit_ccmp)                                                                       \
    ROW(CCMP_imm, emit_ccmp)                                                                       \
    ROW(CSEL, emit_csel)                                                                           \
    ROW(CSINC, emit_csel)                                                                          \
    ROW(CSINV, emit_csel)                                                                          \
    ROW(CSNEG, emit_csel)                                                                          \
    ROW(RBIT, emit_rbit)                                                                           \
    ROW(REV16, emit_rev16)                                                                         \
    ROW(REV_32, emit_rev)                                                                          \
    ROW(REV32, emit_rev32)                                                                         \
    ROW(REV_64, emit_rev)                                                                          \
    ROW(CLZ, emit_clz)                                                                             \
    ROW(CLS, emit_cls)                                                                             \
    ROW(UDIV, emit_udiv)                                                                           \
    ROW(SDIV, emit_sdiv)                                                                           \
    ROW(LSLV, emit_shift_var)                                                                      \
    ROW(LSRV, emit_shift_var)                                                                      \
    ROW(ASRV, emit_shift_var)                                                                      \
    ROW(RORV, emit_shift_var)                                                                      \
    ROW(CRC32, emit_crc32)                                                                         \
    ROW(CRC32X, emit_crc32)                                                                        \
    ROW(CRC32C, emit_crc32c)                                                                       \
    ROW(CRC32CX, emit_crc32c)                                                                      \
    ROW(MADD, emit_madd)                                                                           \
    ROW(MSUB, emit_madd)                                                                           \
    ROW(SMADDL, emit_maddl)                                                                        \
    ROW(SMSUBL, emit_maddl)                                                                        \
    ROW(SMULH, emit_mulh)                                                                          \
    ROW(UMADDL, emit_maddl)                                                                        \
    ROW(UMSUBL, emit_maddl)                                                                        \
    ROW(UMULH, emit_mulh)                                                                          \
    ROW(CFINV, emit_cfinv)

#endif
