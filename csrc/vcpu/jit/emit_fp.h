/*
 * emit_fp.h - emitters of floating point, by row.
 */
#ifndef ELFUSE_JIT_EMIT_FP_H
#define ELFUSE_JIT_EMIT_FP_H

#include "vcpu/jit/translate.h"

/* emit_fp.c */
jit_emit emit_fp_arith, emit_fmax_scalar, emit_fmov_scalar, emit_fabs_scalar, emit_fneg_scalar,
    emit_fsqrt_scalar, emit_fmadd, emit_fcmp, emit_fccmp, emit_fcsel, emit_fmov_imm,
    emit_fmov_to_gp, emit_fmov_from_gp;
#define EMIT_ROWS_FP_SCALAR(ROW)                                                                   \
    ROW(FMUL_scalar, emit_fp_arith)                                                                \
    ROW(FDIV_scalar, emit_fp_arith)                                                                \
    ROW(FADD_scalar, emit_fp_arith)                                                                \
    ROW(FSUB_scalar, emit_fp_arith)                                                                \
    ROW(FNMUL_scalar, emit_fp_arith)                                                               \
    ROW(FMAX_scalar, emit_fmax_scalar)                                                             \
    ROW(FMIN_scalar, emit_fmax_scalar)                                                             \
    ROW(FMAXNM_scalar, emit_fmax_scalar)                                                           \
    ROW(FMINNM_scalar, emit_fmax_scalar)                                                           \
    ROW(FMOV_scalar, emit_fmov_scalar)                                                             \
    ROW(FABS_scalar, emit_fabs_scalar)                                                             \
    ROW(FNEG_scalar, emit_fneg_scalar)                                                             \
    ROW(FSQRT_scalar, emit_fsqrt_scalar)                                                           \
    ROW(FMADD, emit_fmadd)                                                                         \
    ROW(FMSUB, emit_fmadd)                                                                         \
    ROW(FNMADD, emit_fmadd)                                                                        \
    ROW(FNMSUB, emit_fmadd)                                                                        \
    ROW(FCMP, emit_fcmp)                                                                           \
    ROW(FCMPE, emit_fcmp)                                                                          \
    ROW(FCMP_zero, emit_fcmp)                                                                      \
    ROW(FCMPE_zero, emit_fcmp)                                                                     \
    ROW(FCCMP, emit_fccmp)                                                                         \
    ROW(FCCMPE, emit_fccmp)                                                                        \
    ROW(FCSEL, emit_fcsel)                                                                         \
    ROW(FMOV_imm, emit_fmov_imm)                                                                   \
    ROW(FMOV_ws, emit_fmov_to_gp)                                                                  \
    ROW(FMOV_xd, emit_fmov_to_gp)                                                                  \
    ROW(FMOV_x_high, emit_fmov_to_gp)                                                              \
    ROW(FMOV_sw, emit_fmov_from_gp)                                                                \
    ROW(FMOV_dx, emit_fmov_from_gp)                                                                \
    ROW(FMOV_high_x, emit_fmov_from_gp)

/* emit_fp_cvt.c */
jit_emit emit_fcvt, emit_fcvt_from_h, emit_fcvt_to_h, emit_frint_scalar, emit_fcvt_gp,
    emit_fcvt_gp_fixed, emit_fjcvtzs, emit_cvtf_gp, emit_cvtf_gp_fixed, emit_fcvt_sisd,
    emit_fcvt_fixed_sisd, emit_cvtf_sisd, emit_cvtf_fixed_sisd;
#define EMIT_ROWS_FP_CVT(ROW)                                                                      \
    ROW(FCVT_sd, emit_fcvt)                                                                        \
    ROW(FCVT_ds, emit_fcvt)                                                                        \
    ROW(FCVT_hs, emit_fcvt_from_h)                                                                 \
    ROW(FCVT_hd, emit_fcvt_from_h)                                                                 \
    ROW(FCVT_sh, emit_fcvt_to_h)                                                                   \
    ROW(FRINTN_scalar, emit_frint_scalar)                                                          \
    ROW(FRINTP_scalar, emit_frint_scalar)                                                          \
    ROW(FRINTM_scalar, emit_frint_scalar)                                                          \
    ROW(FRINTZ_scalar, emit_frint_scalar)                                                          \
    ROW(FRINTA_scalar, emit_frint_scalar)                                                          \
    ROW(FRINTX_scalar, emit_frint_scalar)                                                          \
    ROW(FRINTI_scalar, emit_frint_scalar)                                                          \
    ROW(FCVTNS_gp, emit_fcvt_gp)                                                                   \
    ROW(FCVTNU_gp, emit_fcvt_gp)                                                                   \
    ROW(FCVTPS_gp, emit_fcvt_gp)                                                                   \
    ROW(FCVTPU_gp, emit_fcvt_gp)                                                                   \
    ROW(FCVTMS_gp, emit_fcvt_gp)                                                                   \
    ROW(FCVTMU_gp, emit_fcvt_gp)                                                                   \
    ROW(FCVTZS_gp, emit_fcvt_gp)                                                                   \
    ROW(FCVTZU_gp, emit_fcvt_gp)                                                                   \
    ROW(FCVTAS_gp, emit_fcvt_gp)                                                                   \
    ROW(FCVTAU_gp, emit_fcvt_gp)                                                                   \
    ROW(FJCVTZS, emit_fjcvtzs)                                                                     \
    ROW(FCVTZS_gp_fixed_w, emit_fcvt_gp_fixed)                                                     \
    ROW(FCVTZS_gp_fixed_x, emit_fcvt_gp_fixed)                                                     \
    ROW(FCVTZU_gp_fixed_w, emit_fcvt_gp_fixed)                                                     \
    ROW(FCVTZU_gp_fixed_x, emit_fcvt_gp_fixed)                                                     \
    ROW(SCVTF_gp, emit_cvtf_gp)                                                                    \
    ROW(UCVTF_gp, emit_cvtf_gp)                                                                    \
    ROW(SCVTF_gp_fixed_w, emit_cvtf_gp_fixed)                                                      \
    ROW(SCVTF_gp_fixed_x, emit_cvtf_gp_fixed)                                                      \
    ROW(UCVTF_gp_fixed_w, emit_cvtf_gp_fixed)                                                      \
    ROW(UCVTF_gp_fixed_x, emit_cvtf_gp_fixed)                                                      \
    ROW(FCVTNS_sisd, emit_fcvt_sisd)                                                               \
    ROW(FCVTNU_sisd, emit_fcvt_sisd)                                                               \
    ROW(FCVTMS_sisd, emit_fcvt_sisd)                                                               \
    ROW(FCVTMU_sisd, emit_fcvt_sisd)                                                               \
    ROW(FCVTPS_sisd, emit_fcvt_sisd)                                                               \
    ROW(FCVTPU_sisd, emit_fcvt_sisd)                                                               \
    ROW(FCVTZS_sisd, emit_fcvt_sisd)                                                               \
    ROW(FCVTZU_sisd, emit_fcvt_sisd)                                                               \
    ROW(FCVTAS_sisd, emit_fcvt_sisd)                                                               \
    ROW(FCVTAU_sisd, emit_fcvt_sisd)                                                               \
    ROW(FCVTZS_fixed_sisd, emit_fcvt_fixed_sisd)                                                   \
    ROW(FCVTZU_fixed_sisd, emit_fcvt_fixed_sisd)                                                   \
    ROW(SCVTF_sisd, emit_cvtf_sisd)                                                                \
    ROW(UCVTF_sisd, emit_cvtf_sisd)                                                                \
    ROW(SCVTF_fixed_sisd, emit_cvtf_fixed_sisd)                                                    \
    ROW(UCVTF_fixed_sisd, emit_cvtf_fixed_sisd)

/* emit_fpv.c */
jit_emit emit_fp_arith_vec, emit_fdiv_vec, emit_fsqrt_vec, emit_fabs_vec, emit_fabd_sisd,
    emit_fmax_vec, emit_faddp_vec, emit_fmaxp_vec, emit_faddp_pair, emit_fmaxp_pair, emit_fmaxv,
    emit_fmul_elem, emit_fmul_elem_sisd, emit_fmla_vec, emit_fmla_elem, emit_fmla_elem_sisd,
    emit_fcmp_vec, emit_fcmp_sisd, emit_fcmp_zero_vec, emit_fcmp_zero_sisd;
#define EMIT_ROWS_FP_VEC(ROW)                                                                      \
    ROW(FADD_vec, emit_fp_arith_vec)                                                               \
    ROW(FSUB_vec, emit_fp_arith_vec)                                                               \
    ROW(FMUL_vec, emit_fp_arith_vec)                                                               \
    ROW(FABD_vec, emit_fp_arith_vec)                                                               \
    ROW(FDIV_vec, emit_fdiv_vec)                                                                   \
    ROW(FSQRT_vec, emit_fsqrt_vec)                                                                 \
    ROW(FABS_vec, emit_fabs_vec)                                                                   \
    ROW(FNEG_vec, emit_fabs_vec)                                                                   \
    ROW(FABD_sisd, emit_fabd_sisd)                                                                 \
    ROW(FMAX_vec, emit_fmax_vec)                                                                   \
    ROW(FMIN_vec, emit_fmax_vec)                                                                   \
    ROW(FMAXNM_vec, emit_fmax_vec)                                                                 \
    ROW(FMINNM_vec, emit_fmax_vec)                                                                 \
    ROW(FADDP_vec, emit_faddp_vec)                                                                 \
    ROW(FMAXP_vec, emit_fmaxp_vec)                                                                 \
    ROW(FMINP_vec, emit_fmaxp_vec)                                                                 \
    ROW(FMAXNMP_vec, emit_fmaxp_vec)                                                               \
    ROW(FMINNMP_vec, emit_fmaxp_vec)                                                               \
    ROW(FADDP_pair, emit_faddp_pair)                                                               \
    ROW(FMAXP_pair, emit_fmaxp_pair)                                                               \
    ROW(FMINP_pair, emit_fmaxp_pair)                                                               \
    ROW(FMAXNMP_pair, emit_fmaxp_pair)                                                             \
    ROW(FMINNMP_pair, emit_fmaxp_pair)                                                             \
    ROW(FMAXV, emit_fmaxv)                                                                         \
    ROW(FMINV, emit_fmaxv)                                                                         \
    ROW(FMAXNMV, emit_fmaxv)                                                                       \
    ROW(FMINNMV, emit_fmaxv)                                                                       \
    ROW(FMUL_elem_s, emit_fmul_elem)                                                               \
    ROW(FMUL_elem_d, emit_fmul_elem)                                                               \
    ROW(FMUL_sisd_elem_s, emit_fmul_elem_sisd)                                                     \
    ROW(FMUL_sisd_elem_d, emit_fmul_elem_sisd)                                                     \
    ROW(FMLA_vec, emit_fmla_vec)                                                                   \
    ROW(FMLS_vec, emit_fmla_vec)                                                                   \
    ROW(FMLA_elem_s, emit_fmla_elem)                                                               \
    ROW(FMLA_elem_d, emit_fmla_elem)                                                               \
    ROW(FMLS_elem_s, emit_fmla_elem)                                                               \
    ROW(FMLS_elem_d, emit_fmla_elem)                                                               \
    ROW(FMLA_sisd_elem_s, emit_fmla_elem_sisd)                                                     \
    ROW(FMLA_sisd_elem_d, emit_fmla_elem_sisd)                                                     \
    ROW(FMLS_sisd_elem_s, emit_fmla_elem_sisd)                                                     \
    ROW(FMLS_sisd_elem_d, emit_fmla_elem_sisd)                                                     \
    ROW(FCMEQ_vec, emit_fcmp_vec)                                                                  \
    ROW(FCMGE_vec, emit_fcmp_vec)                                                                  \
    ROW(FCMGT_vec, emit_fcmp_vec)                                                                  \
    ROW(FACGE_vec, emit_fcmp_vec)                                                                  \
    ROW(FACGT_vec, emit_fcmp_vec)                                                                  \
    ROW(FCMEQ_sisd, emit_fcmp_sisd)                                                                \
    ROW(FCMGE_sisd, emit_fcmp_sisd)                                                                \
    ROW(FCMGT_sisd, emit_fcmp_sisd)                                                                \
    ROW(FACGE_sisd, emit_fcmp_sisd)                                                                \
    ROW(FACGT_sisd, emit_fcmp_sisd)                                                                \
    ROW(FCMGT_zero_vec, emit_fcmp_zero_vec)                                                        \
    ROW(FCMEQ_zero_vec, emit_fcmp_zero_vec)                                                        \
    ROW(FCMLT_zero_vec, emit_fcmp_zero_vec)                                                        \
    ROW(FCMGE_zero_vec, emit_fcmp_zero_vec)                                                        \
    ROW(FCMLE_zero_vec, emit_fcmp_zero_vec)                                                        \
    ROW(FCMGT_zero_sisd, emit_fcmp_zero_sisd)                                                      \
    ROW(FCMEQ_zero_sisd, emit_fcmp_zero_sisd)                                                      \
    ROW(FCMLT_zero_sisd, emit_fcmp_zero_sisd)                                                      \
    ROW(FCMGE_zero_sisd, emit_fcmp_zero_sisd)                                                      \
    ROW(FCMLE_zero_sisd, emit_fcmp_zero_sisd)

/* emit_fpv_cvt.c */
jit_emit emit_fcvtl, emit_fcvtn, emit_frint_vec, emit_fcvt_vec, emit_fcvt_fixed_vec, emit_cvtf_vec,
    emit_cvtf_fixed_vec;
#define EMIT_ROWS_FP_VEC_CVT(ROW)                                                                  \
    ROW(FCVTL, emit_fcvtl)                                                                         \
    ROW(FCVTN, emit_fcvtn)                                                                         \
    ROW(FRINTN_vec, emit_frint_vec)                                                                \
    ROW(FRINTM_vec, emit_frint_vec)                                                                \
    ROW(FRINTP_vec, emit_frint_vec)                                                                \
    ROW(FRINTZ_vec, emit_frint_vec)                                                                \
    ROW(FRINTA_vec, emit_frint_vec)                                                                \
    ROW(FRINTX_vec, emit_frint_vec)                                                                \
    ROW(FRINTI_vec, emit_frint_vec)                                                                \
    ROW(FCVTNS_vec, emit_fcvt_vec)                                                                 \
    ROW(FCVTNU_vec, emit_fcvt_vec)                                                                 \
    ROW(FCVTMS_vec, emit_fcvt_vec)                                                                 \
    ROW(FCVTMU_vec, emit_fcvt_vec)                                                                 \
    ROW(FCVTPS_vec, emit_fcvt_vec)                                                                 \
    ROW(FCVTPU_vec, emit_fcvt_vec)                                                                 \
    ROW(FCVTZS_vec, emit_fcvt_vec)                                                                 \
    ROW(FCVTZU_vec, emit_fcvt_vec)                                                                 \
    ROW(FCVTAS_vec, emit_fcvt_vec)                                                                 \
    ROW(FCVTAU_vec, emit_fcvt_vec)                                                                 \
    ROW(FCVTZS_fixed_vec, emit_fcvt_fixed_vec)                                                     \
    ROW(FCVTZU_fixed_vec, emit_fcvt_fixed_vec)                                                     \
    ROW(SCVTF_vec, emit_cvtf_vec)                                                                  \
    ROW(UCVTF_vec, emit_cvtf_vec)                                                                  \
    ROW(SCVTF_fixed_vec, emit_cvtf_fixed_vec)                                                      \
    ROW(UCVTF_fixed_vec, emit_cvtf_fixed_vec)

#define EMIT_ROWS_FP(ROW)                                                                          \
    EMIT_ROWS_FP_SCALAR(ROW) EMIT_ROWS_FP_CVT(ROW) EMIT_ROWS_FP_VEC(ROW) EMIT_ROWS_FP_VEC_CVT(ROW)

#endif
