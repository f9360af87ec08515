/*
 * simd_util.h - what the emitters of integer vector code share: fields, packed operations by
 * opcode, and the end of an instruction that leaves part of a register zero.
 *
 * Scratch registers are XMM0 to XMM3. Where an instruction takes several steps, its sources may be
 * its destination: the destination is written by the last step only, or after the last read.
 */
#ifndef ELFUSE_JIT_SIMD_UTIL_H
#define ELFUSE_JIT_SIMD_UTIL_H

#include "vcpu/jit/constants.h"
#include "vcpu/jit/translate.h"

#define FPSR_QC (1 << 27)

/* Packed operations: opcode of map 0f, or 0x3800 + opcode of map 0f38. */
enum vop {
    VPUNPCKLBW = 0x60,
    VPUNPCKLWD = 0x61,
    VPUNPCKLDQ = 0x62,
    VPACKSSWB = 0x63,
    VPCMPGTB = 0x64,
    VPACKUSWB = 0x67,
    VPUNPCKHBW = 0x68,
    VPUNPCKHWD = 0x69,
    VPUNPCKHDQ = 0x6a,
    VPACKSSDW = 0x6b,
    VPUNPCKLQDQ = 0x6c,
    VPUNPCKHQDQ = 0x6d,
    VPCMPEQB = 0x74,
    VPCMPEQW = 0x75,
    VPCMPEQD = 0x76,
    VPADDQ = 0xd4,
    VPMULLW = 0xd5,
    VPMINUB = 0xda,
    VPAND = 0xdb,
    VPADDUSB = 0xdc,
    VPMAXUB = 0xde,
    VPANDN = 0xdf, /* of the first, inverted */
    VPAVGB = 0xe0,
    VPMULHUW = 0xe4,
    VPMULHW = 0xe5,
    VPOR = 0xeb,
    VPXOR = 0xef,
    VPMULUDQ = 0xf4,
    VPMADDWD = 0xf5,
    VPSADBW = 0xf6,
    VPSUBB = 0xf8,
    VPADDB = 0xfc,
    VPADDW = 0xfd,
    VPADDD = 0xfe,
    VPSHUFB = 0x3800,
    VPMADDUBSW = 0x3804, /* the first is unsigned */
    VPSIGNB = 0x3808,
    VPMULHRSW = 0x380b,
    VPTEST = 0x3817,
    VPABSB = 0x381c,
    VPMOVSXBW = 0x3820,
    VPMULDQ = 0x3828,
    VPCMPEQQ = 0x3829,
    VPACKUSDW = 0x382b,
    VPMOVZXBW = 0x3830,
    VPCMPGTQ = 0x3837,
    VPMINUW = 0x383a,
    VPMINUD = 0x383b,
    VPHMINPOSUW = 0x3841,
    VAESIMC = 0x38db,
    VAESENC = 0x38dc,
    VAESENCLAST = 0x38dd,
    VAESDEC = 0x38de,
    VAESDECLAST = 0x38df,
    /* AVX2 */
    VPBROADCASTD = 0x3858,
    VPBROADCASTQ = 0x3859,
    VPBROADCASTB = 0x3878,
    VPBROADCASTW = 0x3879,
};

/* "Three same" by U:opcode and lane size: those that the host has. */
extern const uint16_t simd_same_ops[64][4];
#define SAME_SMAX 0x0c
#define SAME_UMAX 0x2c
#define SAME_SMIN 0x0d
#define SAME_UMIN 0x2d
#define SAME_ADD  0x10
#define SAME_SUB  0x30
#define SAME_CMEQ 0x31
#define SAME_CMGT 0x06

static inline unsigned f_rd(uint32_t insn)
{
    return bits(insn, 0, 5);
}
static inline unsigned f_rn(uint32_t insn)
{
    return bits(insn, 5, 5);
}
static inline unsigned f_rm(uint32_t insn)
{
    return bits(insn, 16, 5);
}
static inline unsigned f_size(uint32_t insn)
{
    return bits(insn, 22, 2);
}
static inline bool f_q(uint32_t insn)
{
    return bits(insn, 30, 1);
}
static inline bool f_u(uint32_t insn)
{
    return bits(insn, 29, 1);
}
static inline bool f_scalar(uint32_t insn)
{
    return bits(insn, 28, 1);
}

/* Bytes that the instruction computes, with lanes of 1 << size bytes: of a vector or a scalar. 0:
 * no such instruction. */
static inline unsigned f_bytes(uint32_t insn, unsigned size)
{
    if (f_scalar(insn))
        return 1u << size;
    return f_q(insn) ? 16 : size == 3 ? 0 : 8;
}

/* dst <- a op b. */
static inline void v_op(struct translation *t, unsigned op, int dst, int a, struct x64_rm b)
{
    if (op > 0xff)
        x64_vop38(&t->e, op & 0xff, dst, a, b);
    else
        x64_vop(&t->e, op, dst, a, b);
}
static inline void v_rr(struct translation *t, unsigned op, int dst, int a, int b)
{
    v_op(t, op, dst, a, x64_reg(b));
}
/* dst <- op b, without a second source. */
static inline void v_un(struct translation *t, unsigned op, int dst, struct x64_rm b)
{
    v_op(t, op, dst, 0, b);
}
static inline void v_zero(struct translation *t, int dst)
{
    v_rr(t, VPXOR, dst, dst, dst);
}
static inline void v_copy(struct translation *t, int dst, int src)
{
    if (dst != src)
        x64_vmovdqu(&t->e, dst, x64_reg(src));
}

/* Shifts by a constant of lanes of 2, 4, 8 bytes (size 1 to 3), of which 71 to 73 are the opcodes.
 */
enum v_shift { V_SRL = 2, V_SRA = 4, V_SLL = 6 };
static inline void v_shift(struct translation *t, enum v_shift op, unsigned size, int dst, int src,
                           unsigned n)
{
    x64_vex_imm(&t->e, PP_66, MAP_0F, false, 0x70 + size, op, dst, x64_reg(src), n);
}
/* Shifts of the whole register by bytes. */
static inline void v_bytes_right(struct translation *t, int dst, int src, unsigned n)
{
    x64_vex_imm(&t->e, PP_66, MAP_0F, false, 0x73, 3, dst, x64_reg(src), n);
}
static inline void v_bytes_left(struct translation *t, int dst, int src, unsigned n)
{
    x64_vex_imm(&t->e, PP_66, MAP_0F, false, 0x73, 7, dst, x64_reg(src), n);
}
static inline void v_pshufd(struct translation *t, int dst, struct x64_rm src, unsigned imm)
{
    x64_vex_imm(&t->e, PP_66, MAP_0F, false, 0x70, dst, 0, src, imm);
}
static inline void v_shufps(struct translation *t, int dst, int a, struct x64_rm b, unsigned imm)
{
    x64_vex_imm(&t->e, PP_NONE, MAP_0F, false, 0xc6, dst, a, b, imm);
}
/* dst <- words of a, where imm has a bit of b. */
static inline void v_blendw(struct translation *t, int dst, int a, struct x64_rm b, unsigned imm)
{
    x64_vop3a(&t->e, 0x0e, dst, a, b, imm);
}
/* dst <- lanes of a, where mask is negative of b; size 2, 3, or 0 for bytes. */
static inline void v_blendv(struct translation *t, unsigned size, int dst, int a, int b, int mask)
{
    unsigned op = size == 0 ? 0x4c : size == 2 ? 0x4a : 0x4b;
    x64_vop3a(&t->e, op, dst, a, x64_reg(b), (unsigned)mask << 4);
}

/* What is known of the upper part of an operation by lanes that makes zero from zeroes. Lanes may
 * carry out of 32 bits. */
static inline enum vhigh v_high(const struct translation *t, unsigned n)
{
    return t->vhigh[n] == VHIGH_ANY ? VHIGH_ANY : VHIGH_ZERO64;
}
static inline enum vhigh v_high2(const struct translation *t, unsigned n, unsigned m)
{
    return v_high(t, n) == VHIGH_ANY ? VHIGH_ANY : v_high(t, m);
}

/* A constant with ones in the low `bytes` (1, 2, 4, 8, 16). */
static inline struct x64_rm v_mask(unsigned bytes)
{
    switch (bytes) {
    case 1: return jit_table(TABLE_LOW_B);
    case 2: return jit_table(TABLE_LOW_H);
    case 4: return JIT_CONST(low_s);
    case 8: return JIT_CONST(low_d);
    default: return JIT_CONST(ones);
    }
}

/* The low `bytes` of xmm are the new Vd, of which the rest becomes zero. known: of xmm as it is. */
static inline void v_done(struct translation *t, unsigned rd, int xmm, unsigned bytes,
                          enum vhigh known)
{
    if (bytes == 16) {
        jit_vdone(t, rd, xmm, known);
        return;
    }
    if (bytes < 4)
        v_op(t, VPAND, xmm, xmm, v_mask(bytes));
    else
        jit_vclear_high(t, xmm, bytes, known);
    jit_vdone(t, rd, xmm, bytes == 8 ? VHIGH_ZERO64 : VHIGH_ZERO32);
}

/* dst <- ~src in the low 8 or 16 bytes, zeroes above. */
static inline void v_invert(struct translation *t, int dst, int src, unsigned bytes)
{
    v_op(t, VPANDN, dst, src, v_mask(bytes));
}

/* FPSR.QC is set where xmm has a bit of mask. After jit_flags_clobber(). */
static inline void v_saturated(struct translation *t, int xmm, struct x64_rm mask)
{
    const struct x64_rm fpsr = x64_mem(RBP, (int32_t)offsetof(struct vcpu_regs, fpsr) - JIT_BIAS);
    v_un(t, VPTEST, xmm, mask);
    uint8_t *none = x64_jcc8(&t->e, CC_E);
    x64_alu_imm(&t->e, ALU_OR, 4, fpsr, FPSR_QC);
    x64_land8(&t->e, none);
}

/* Vd <- the low half of xmm, of which the rest is zero; with `upper` it goes to Vd's upper half. */
static inline void v_narrowed(struct translation *t, unsigned rd, int xmm, bool upper)
{
    if (!upper) {
        jit_vdone(t, rd, xmm, VHIGH_ZERO64);
        return;
    }
    int d = jit_vsrc(t, rd, XMM3), to = jit_vdst(rd, XMM3);
    v_rr(t, VPUNPCKLQDQ, to, d, xmm);
    jit_vdone(t, rd, to, VHIGH_ANY);
}

/* dst <- the low (or the upper) half of Vn with lanes of `size` made twice as wide. */
void simd_widen(struct translation *t, int dst, unsigned n, unsigned size, bool is_signed,
                bool upper);
/* dst <- src >> n in lanes of `size`, n 0 to the lane's width. dst may be src. Uses XMM3. */
void simd_shift_right(struct translation *t, int dst, int src, unsigned size, unsigned n,
                      bool is_signed);
/* dst <- the low bits of each lane of a * m. size 0 to 2. Uses XMM1 and XMM2, and dst may not be
 * any of the sources. */
void simd_mul(struct translation *t, int dst, int a, struct x64_rm m, unsigned size);
/* dst <- lane `index` of Vn in all lanes of `size`. */
void simd_broadcast(struct translation *t, int dst, unsigned n, unsigned size, unsigned index);
/* dst <- SQDMULH or SQRDMULH of Vn and m; saturation of the low `bytes` sets FPSR.QC. dst may not
 * be any of the sources. Uses XMM1, XMM2. */
void simd_doubling_high(struct translation *t, int dst, unsigned n, struct x64_rm m, unsigned size,
                        bool rounding, unsigned bytes);
/* Vd <- Vd plus or minus XMM1 in lanes of `size` (2, 3), signed, saturated, with FPSR.QC. */
void simd_add_saturated(struct translation *t, unsigned rd, bool sub, unsigned size,
                        unsigned bytes);
/* How lanes are narrowed: signed to signed, unsigned to unsigned, signed to unsigned. */
enum simd_narrow { NARROW_SS, NARROW_UU, NARROW_SU };
/* Vd <- lanes of src (not XMM1 to XMM3) narrowed to `size`, saturated, with FPSR.QC. */
void simd_narrow_sat(struct translation *t, uint32_t insn, int src, unsigned size,
                     enum simd_narrow how);
/* Vd <- Vd plus the sums of four products of bytes of Vn and m, SDOT and UDOT. m may be XMM3. */
void simd_dot(struct translation *t, unsigned rd, unsigned n, struct x64_rm m, bool is_signed,
              unsigned bytes);

#endif
