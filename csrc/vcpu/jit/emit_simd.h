/*
 * emit_simd.h - emitters of integer vector and cryptography instructions, by row.
 */
#ifndef ELFUSE_JIT_EMIT_SIMD_H
#define ELFUSE_JIT_EMIT_SIMD_H

#include "vcpu/jit/translate.h"

jit_emit emit_simd_same, emit_simd_compare, emit_simd_cmtst, emit_simd_bits, emit_simd_select;
jit_emit emit_simd_mul, emit_simd_abd, emit_simd_halve, emit_simd_pair, emit_simd_shift_reg;
jit_emit emit_simd_dot;
jit_emit emit_simd_qadd, emit_simd_doubling, emit_simd_sqxtn, emit_simd_sqneg;
jit_emit emit_simd_addl, emit_simd_addhn, emit_simd_abdl, emit_simd_mull;
jit_emit emit_simd_mul_elem, emit_simd_mull_elem, emit_simd_doubling_elem, emit_simd_dot_elem;
jit_emit emit_simd_sqdmull, emit_simd_sqdmull_elem, emit_simd_sqshl_imm;
jit_emit emit_simd_shr, emit_simd_shl, emit_simd_sli, emit_simd_sri, emit_simd_shrn;
jit_emit emit_simd_sqshrn, emit_simd_shll_imm;
jit_emit emit_simd_rev, emit_simd_cnt, emit_simd_rbit, emit_simd_clz, emit_simd_not, emit_simd_neg;
jit_emit emit_simd_compare_zero, emit_simd_addlp, emit_simd_xtn, emit_simd_shll;
jit_emit emit_simd_addv, emit_simd_addlv, emit_simd_maxv, emit_simd_addp_one;
jit_emit emit_simd_dup, emit_simd_dup_gen, emit_simd_umov, emit_simd_ins_gen, emit_simd_ins_elem;
jit_emit emit_simd_imm, emit_simd_ext, emit_simd_tbl, emit_simd_uzp, emit_simd_zip, emit_simd_trn;
jit_emit emit_aes_round, emit_aes_mix, emit_aes_unmix, emit_pmull_64, emit_sha256_rounds;
jit_emit emit_sha256_su0, emit_sha256_su1, emit_sha1_rounds, emit_sha1_h, emit_sha1_su0;
jit_emit emit_sha1_su1;

#define EMIT_ROWS_SIMD(ROW)                                                                        \
    ROW(ADD_v, emit_simd_same)                                                                     \
    ROW(SUB_v, emit_simd_same)                                                                     \
    ROW(CMEQ_v, emit_simd_same)                                                                    \
    ROW(CMGT_v, emit_simd_same)                                                                    \
    ROW(SMAX_v, emit_simd_same)                                                                    \
    ROW(UMAX_v, emit_simd_same)                                                                    \
    ROW(SMIN_v, emit_simd_same)                                                                    \
    ROW(UMIN_v, emit_simd_same)                                                                    \
    ROW(ADD_s, emit_simd_same)                                                                     \
    ROW(SUB_s, emit_simd_same)                                                                     \
    ROW(CMEQ_s, emit_simd_same)                                                                    \
    ROW(CMGT_s, emit_simd_same)                                                                    \
    ROW(CMGE_v, emit_simd_compare)                                                                 \
    ROW(CMHI_v, emit_simd_compare)                                                                 \
    ROW(CMHS_v, emit_simd_compare)                                                                 \
    ROW(CMGE_s, emit_simd_compare)                                                                 \
    ROW(CMHI_s, emit_simd_compare)                                                                 \
    ROW(CMHS_s, emit_simd_compare)                                                                 \
    ROW(CMTST_v, emit_simd_cmtst)                                                                  \
    ROW(CMTST_s, emit_simd_cmtst)                                                                  \
    ROW(AND_v, emit_simd_bits)                                                                     \
    ROW(BIC_v, emit_simd_bits)                                                                     \
    ROW(ORR_v, emit_simd_bits)                                                                     \
    ROW(ORN_v, emit_simd_bits)                                                                     \
    ROW(EOR_v, emit_simd_bits)                                                                     \
    ROW(BSL_v, emit_simd_select)                                                                   \
    ROW(BIT_v, emit_simd_select)                                                                   \
    ROW(BIF_v, emit_simd_select)                                                                   \
    ROW(MUL_v, emit_simd_mul)                                                                      \
    ROW(MLA_v, emit_simd_mul)                                                                      \
    ROW(MLS_v, emit_simd_mul)                                                                      \
    ROW(SABD_v, emit_simd_abd)                                                                     \
    ROW(UABD_v, emit_simd_abd)                                                                     \
    ROW(SABA_v, emit_simd_abd)                                                                     \
    ROW(UABA_v, emit_simd_abd)                                                                     \
    ROW(SHADD_v, emit_simd_halve)                                                                  \
    ROW(UHADD_v, emit_simd_halve)                                                                  \
    ROW(SRHADD_v, emit_simd_halve)                                                                 \
    ROW(URHADD_v, emit_simd_halve)                                                                 \
    ROW(SHSUB_v, emit_simd_halve)                                                                  \
    ROW(UHSUB_v, emit_simd_halve)                                                                  \
    ROW(ADDP_v, emit_simd_pair)                                                                    \
    ROW(SMAXP_v, emit_simd_pair)                                                                   \
    ROW(UMAXP_v, emit_simd_pair)                                                                   \
    ROW(SMINP_v, emit_simd_pair)                                                                   \
    ROW(UMINP_v, emit_simd_pair)                                                                   \
    ROW(SSHL_v, emit_simd_shift_reg)                                                               \
    ROW(USHL_v, emit_simd_shift_reg)                                                               \
    ROW(SSHL_s, emit_simd_shift_reg)                                                               \
    ROW(USHL_s, emit_simd_shift_reg)                                                               \
    ROW(SRSHL_v, emit_simd_shift_reg)                                                              \
    ROW(URSHL_v, emit_simd_shift_reg)                                                              \
    ROW(SDOT_v, emit_simd_dot)                                                                     \
    ROW(UDOT_v, emit_simd_dot)                                                                     \
    ROW(SQADD_v, emit_simd_qadd)                                                                   \
    ROW(UQADD_v, emit_simd_qadd)                                                                   \
    ROW(SQSUB_v, emit_simd_qadd)                                                                   \
    ROW(UQSUB_v, emit_simd_qadd)                                                                   \
    ROW(SQADD_s, emit_simd_qadd)                                                                   \
    ROW(UQADD_s, emit_simd_qadd)                                                                   \
    ROW(SQSUB_s, emit_simd_qadd)                                                                   \
    ROW(UQSUB_s, emit_simd_qadd)                                                                   \
    ROW(SQDMULH_v, emit_simd_doubling)                                                             \
    ROW(SQRDMULH_v, emit_simd_doubling)                                                            \
    ROW(SQDMULH_s, emit_simd_doubling)                                                             \
    ROW(SQRDMULH_s, emit_simd_doubling)                                                            \
    ROW(SQXTN_v, emit_simd_sqxtn)                                                                  \
    ROW(UQXTN_v, emit_simd_sqxtn)                                                                  \
    ROW(SQXTUN_v, emit_simd_sqxtn)                                                                 \
    ROW(SQXTN_s, emit_simd_sqxtn)                                                                  \
    ROW(UQXTN_s, emit_simd_sqxtn)                                                                  \
    ROW(SQXTUN_s, emit_simd_sqxtn)                                                                 \
    ROW(SQABS_v, emit_simd_sqneg)                                                                  \
    ROW(SQNEG_v, emit_simd_sqneg)                                                                  \
    ROW(SQABS_s, emit_simd_sqneg)                                                                  \
    ROW(SQNEG_s, emit_simd_sqneg)                                                                  \
    ROW(SADDL_v, emit_simd_addl)                                                                   \
    ROW(UADDL_v, emit_simd_addl)                                                                   \
    ROW(SADDW_v, emit_simd_addl)                                                                   \
    ROW(UADDW_v, emit_simd_addl)                                                                   \
    ROW(SSUBL_v, emit_simd_addl)                                                                   \
    ROW(USUBL_v, emit_simd_addl)                                                                   \
    ROW(SSUBW_v, emit_simd_addl)                                                                   \
    ROW(USUBW_v, emit_simd_addl)                                                                   \
    ROW(ADDHN_v, emit_simd_addhn)                                                                  \
    ROW(RADDHN_v, emit_simd_addhn)                                                                 \
    ROW(SUBHN_v, emit_simd_addhn)                                                                  \
    ROW(RSUBHN_v, emit_simd_addhn)                                                                 \
    ROW(SABDL_v, emit_simd_abdl)                                                                   \
    ROW(UABDL_v, emit_simd_abdl)                                                                   \
    ROW(SABAL_v, emit_simd_abdl)                                                                   \
    ROW(UABAL_v, emit_simd_abdl)                                                                   \
    ROW(SMULL_v, emit_simd_mull)                                                                   \
    ROW(UMULL_v, emit_simd_mull)                                                                   \
    ROW(SMLAL_v, emit_simd_mull)                                                                   \
    ROW(UMLAL_v, emit_simd_mull)                                                                   \
    ROW(SMLSL_v, emit_simd_mull)                                                                   \
    ROW(UMLSL_v, emit_simd_mull)                                                                   \
    ROW(SQDMULL_v, emit_simd_sqdmull)                                                              \
    ROW(SQDMULL_s, emit_simd_sqdmull)                                                              \
    ROW(SQDMLAL_v, emit_simd_sqdmull)                                                              \
    ROW(SQDMLAL_s, emit_simd_sqdmull)                                                              \
    ROW(SQDMLSL_v, emit_simd_sqdmull)                                                              \
    ROW(SQDMLSL_s, emit_simd_sqdmull)                                                              \
    ROW(SQDMULL_elem, emit_simd_sqdmull_elem)                                                      \
    ROW(SQDMULL_elem_s, emit_simd_sqdmull_elem)                                                    \
    ROW(SQDMLAL_elem, emit_simd_sqdmull_elem)                                                      \
    ROW(SQDMLAL_elem_s, emit_simd_sqdmull_elem)                                                    \
    ROW(SQDMLSL_elem, emit_simd_sqdmull_elem)                                                      \
    ROW(SQDMLSL_elem_s, emit_simd_sqdmull_elem)                                                    \
    ROW(MUL_elem, emit_simd_mul_elem)                                                              \
    ROW(MLA_elem, emit_simd_mul_elem)                                                              \
    ROW(MLS_elem, emit_simd_mul_elem)                                                              \
    ROW(SMULL_elem, emit_simd_mull_elem)                                                           \
    ROW(UMULL_elem, emit_simd_mull_elem)                                                           \
    ROW(SMLAL_elem, emit_simd_mull_elem)                                                           \
    ROW(UMLAL_elem, emit_simd_mull_elem)                                                           \
    ROW(SMLSL_elem, emit_simd_mull_elem)                                                           \
    ROW(UMLSL_elem, emit_simd_mull_elem)                                                           \
    ROW(SQDMULH_elem, emit_simd_doubling_elem)                                                     \
    ROW(SQRDMULH_elem, emit_simd_doubling_elem)                                                    \
    ROW(SQDMULH_elem_s, emit_simd_doubling_elem)                                                   \
    ROW(SQRDMULH_elem_s, emit_simd_doubling_elem)                                                  \
    ROW(SDOT_elem, emit_simd_dot_elem)                                                             \
    ROW(UDOT_elem, emit_simd_dot_elem)                                                             \
    ROW(SSHR_imm_v, emit_simd_shr)                                                                 \
    ROW(SSHR_imm_s, emit_simd_shr)                                                                 \
    ROW(USHR_imm_v, emit_simd_shr)                                                                 \
    ROW(USHR_imm_s, emit_simd_shr)                                                                 \
    ROW(SSRA_imm_v, emit_simd_shr)                                                                 \
    ROW(SSRA_imm_s, emit_simd_shr)                                                                 \
    ROW(USRA_imm_v, emit_simd_shr)                                                                 \
    ROW(USRA_imm_s, emit_simd_shr)                                                                 \
    ROW(SRSHR_imm_v, emit_simd_shr)                                                                \
    ROW(SRSHR_imm_s, emit_simd_shr)                                                                \
    ROW(URSHR_imm_v, emit_simd_shr)                                                                \
    ROW(URSHR_imm_s, emit_simd_shr)                                                                \
    ROW(SRSRA_imm_v, emit_simd_shr)                                                                \
    ROW(SRSRA_imm_s, emit_simd_shr)                                                                \
    ROW(URSRA_imm_v, emit_simd_shr)                                                                \
    ROW(URSRA_imm_s, emit_simd_shr)                                                                \
    ROW(SHL_imm_v, emit_simd_shl)                                                                  \
    ROW(SHL_imm_s, emit_simd_shl)                                                                  \
    ROW(SQSHL_imm_v, emit_simd_sqshl_imm)                                                          \
    ROW(SQSHL_imm_s, emit_simd_sqshl_imm)                                                          \
    ROW(UQSHL_imm_v, emit_simd_sqshl_imm)                                                          \
    ROW(UQSHL_imm_s, emit_simd_sqshl_imm)                                                          \
    ROW(SQSHLU_imm_v, emit_simd_sqshl_imm)                                                         \
    ROW(SQSHLU_imm_s, emit_simd_sqshl_imm)                                                         \
    ROW(SLI_imm_v, emit_simd_sli)                                                                  \
    ROW(SLI_imm_s, emit_simd_sli)                                                                  \
    ROW(SRI_imm_v, emit_simd_sri)                                                                  \
    ROW(SRI_imm_s, emit_simd_sri)                                                                  \
    ROW(SHRN_imm_v, emit_simd_shrn)                                                                \
    ROW(RSHRN_imm_v, emit_simd_shrn)                                                               \
    ROW(SQSHRN_imm_v, emit_simd_sqshrn)                                                            \
    ROW(SQSHRN_imm_s, emit_simd_sqshrn)                                                            \
    ROW(UQSHRN_imm_v, emit_simd_sqshrn)                                                            \
    ROW(UQSHRN_imm_s, emit_simd_sqshrn)                                                            \
    ROW(SQSHRUN_imm_v, emit_simd_sqshrn)                                                           \
    ROW(SQSHRUN_imm_s, emit_simd_sqshrn)                                                           \
    ROW(SQRSHRN_imm_v, emit_simd_sqshrn)                                                           \
    ROW(SQRSHRN_imm_s, emit_simd_sqshrn)                                                           \
    ROW(UQRSHRN_imm_v, emit_simd_sqshrn)                                                           \
    ROW(UQRSHRN_imm_s, emit_simd_sqshrn)                                                           \
    ROW(SQRSHRUN_imm_v, emit_simd_sqshrn)                                                          \
    ROW(SQRSHRUN_imm_s, emit_simd_sqshrn)                                                          \
    ROW(SSHLL_imm_v, emit_simd_shll_imm)                                                           \
    ROW(USHLL_imm_v, emit_simd_shll_imm)                                                           \
    ROW(REV64_v, emit_simd_rev)                                                                    \
    ROW(REV32_v, emit_simd_rev)                                                                    \
    ROW(REV16_v, emit_simd_rev)                                                                    \
    ROW(CNT_v, emit_simd_cnt)                                                                      \
    ROW(RBIT_v, emit_simd_rbit)                                                                    \
    ROW(CLZ_v, emit_simd_clz)                                                                      \
    ROW(CLS_v, emit_simd_clz)                                                                      \
    ROW(NOT_v, emit_simd_not)                                                                      \
    ROW(ABS_v, emit_simd_neg)                                                                      \
    ROW(NEG_v, emit_simd_neg)                                                                      \
    ROW(ABS_s, emit_simd_neg)                                                                      \
    ROW(NEG_s, emit_simd_neg)                                                                      \
    ROW(CMGT_zero_v, emit_simd_compare_zero)                                                       \
    ROW(CMGT_zero_s, emit_simd_compare_zero)                                                       \
    ROW(CMGE_zero_v, emit_simd_compare_zero)                                                       \
    ROW(CMGE_zero_s, emit_simd_compare_zero)                                                       \
    ROW(CMEQ_zero_v, emit_simd_compare_zero)                                                       \
    ROW(CMEQ_zero_s, emit_simd_compare_zero)                                                       \
    ROW(CMLE_zero_v, emit_simd_compare_zero)                                                       \
    ROW(CMLE_zero_s, emit_simd_compare_zero)                                                       \
    ROW(CMLT_zero_v, emit_simd_compare_zero)                                                       \
    ROW(CMLT_zero_s, emit_simd_compare_zero)                                                       \
    ROW(SADDLP_v, emit_simd_addlp)                                                                 \
    ROW(UADDLP_v, emit_simd_addlp)                                                                 \
    ROW(SADALP_v, emit_simd_addlp)                                                                 \
    ROW(UADALP_v, emit_simd_addlp)                                                                 \
    ROW(XTN_v, emit_simd_xtn)                                                                      \
    ROW(SHLL_v, emit_simd_shll)                                                                    \
    ROW(ADDV_v, emit_simd_addv)                                                                    \
    ROW(SADDLV_v, emit_simd_addlv)                                                                 \
    ROW(UADDLV_v, emit_simd_addlv)                                                                 \
    ROW(SMAXV_v, emit_simd_maxv)                                                                   \
    ROW(UMAXV_v, emit_simd_maxv)                                                                   \
    ROW(SMINV_v, emit_simd_maxv)                                                                   \
    ROW(UMINV_v, emit_simd_maxv)                                                                   \
    ROW(ADDP_s, emit_simd_addp_one)                                                                \
    ROW(DUP_elem_v, emit_simd_dup)                                                                 \
    ROW(DUP_elem_s, emit_simd_dup)                                                                 \
    ROW(DUP_gen, emit_simd_dup_gen)                                                                \
    ROW(UMOV, emit_simd_umov)                                                                      \
    ROW(SMOV, emit_simd_umov)                                                                      \
    ROW(INS_gen, emit_simd_ins_gen)                                                                \
    ROW(INS_elem, emit_simd_ins_elem)                                                              \
    ROW(MOVI_imm32_v, emit_simd_imm)                                                               \
    ROW(MOVI_imm16_v, emit_simd_imm)                                                               \
    ROW(ORR_imm32_v, emit_simd_imm)                                                                \
    ROW(ORR_imm16_v, emit_simd_imm)                                                                \
    ROW(MOVI_msl_v, emit_simd_imm)                                                                 \
    ROW(MVNI_imm32_v, emit_simd_imm)                                                               \
    ROW(MVNI_imm16_v, emit_simd_imm)                                                               \
    ROW(BIC_imm32_v, emit_simd_imm)                                                                \
    ROW(BIC_imm16_v, emit_simd_imm)                                                                \
    ROW(MVNI_msl_v, emit_simd_imm)                                                                 \
    ROW(MOVI_imm8_v, emit_simd_imm)                                                                \
    ROW(MOVI_imm64_s, emit_simd_imm)                                                               \
    ROW(MOVI_imm64_v, emit_simd_imm)                                                               \
    ROW(FMOV_imm_v_s, emit_simd_imm)                                                               \
    ROW(FMOV_imm_v_d, emit_simd_imm)                                                               \
    ROW(FMOV_imm_v_h, emit_simd_imm)                                                               \
    ROW(EXT_v, emit_simd_ext)                                                                      \
    ROW(TBL1_v, emit_simd_tbl)                                                                     \
    ROW(TBL2_v, emit_simd_tbl)                                                                     \
    ROW(TBL3_v, emit_simd_tbl)                                                                     \
    ROW(TBL4_v, emit_simd_tbl)                                                                     \
    ROW(TBX1_v, emit_simd_tbl)                                                                     \
    ROW(TBX2_v, emit_simd_tbl)                                                                     \
    ROW(TBX3_v, emit_simd_tbl)                                                                     \
    ROW(TBX4_v, emit_simd_tbl)                                                                     \
    ROW(UZP1_v, emit_simd_uzp)                                                                     \
    ROW(UZP2_v, emit_simd_uzp)                                                                     \
    ROW(ZIP1_v, emit_simd_zip)                                                                     \
    ROW(ZIP2_v, emit_simd_zip)                                                                     \
    ROW(TRN1_v, emit_simd_trn)                                                                     \
    ROW(TRN2_v, emit_simd_trn)                                                                     \
    ROW(AESE, emit_aes_round)                                                                      \
    ROW(AESD, emit_aes_round)                                                                      \
    ROW(AESMC, emit_aes_mix)                                                                       \
    ROW(AESIMC, emit_aes_unmix)                                                                    \
    ROW(PMULL_1Q, emit_pmull_64)                                                                   \
    ROW(PMULL2_1Q, emit_pmull_64)                                                                  \
    ROW(SHA256H, emit_sha256_rounds)                                                               \
    ROW(SHA256H2, emit_sha256_rounds)                                                              \
    ROW(SHA256SU0, emit_sha256_su0)                                                                \
    ROW(SHA256SU1, emit_sha256_su1)                                                                \
    ROW(SHA1C, emit_sha1_rounds)                                                                   \
    ROW(SHA1P, emit_sha1_rounds)                                                                   \
    ROW(SHA1M, emit_sha1_rounds)                                                                   \
    ROW(SHA1H, emit_sha1_h)                                                                        \
    ROW(SHA1SU0, emit_sha1_su0)                                                                    \
    ROW(SHA1SU1, emit_sha1_su1)

#endif
