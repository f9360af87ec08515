/*
 * emit_simd_perm.c - Advanced SIMD moves: copies between elements and general registers, modified
 * immediates, EXT, table lookups, ZIP, UZP and TRN.
 */
#include "vcpu/jit/emit_simd.h"
#include "vcpu/jit/simd_util.h"

/* ---- elements ---- */

/* Element `index` of Vn, which is in memory. */
static struct x64_rm element_mem(unsigned n, unsigned size, unsigned index)
{
    struct x64_rm rm = jit_v_mem(n);
    rm.disp += (int32_t)(index << size);
    return rm;
}

/* The lowest set bit of imm5 is the lane size, above it is the index. */
static unsigned imm5_size(uint32_t insn)
{
    return (unsigned)__builtin_ctz(bits(insn, 16, 5));
}
static unsigned imm5_index(uint32_t insn, unsigned size)
{
    return bits(insn, 16, 5) >> (size + 1);
}

/* dst <- the lowest lane of src, which is a general register, vector register or memory, in all
 * lanes: with AVX2. */
static void broadcast_low(struct translation *t, int dst, struct x64_rm src, unsigned size)
{
    static const uint16_t ops[4] = {VPBROADCASTB, VPBROADCASTW, VPBROADCASTD, VPBROADCASTQ};
    v_un(t, ops[size], dst, src);
}

/* VPSHUFLW, VPSHUFHW. */
static void shuffle_words(struct translation *t, bool high, int dst, struct x64_rm src,
                          unsigned imm)
{
    x64_vex_imm(&t->e, high ? PP_F3 : PP_F2, MAP_0F, false, 0x70, dst, 0, src, imm);
}

void simd_broadcast(struct translation *t, int dst, unsigned n, unsigned size, unsigned index)
{
    int reg = jit_xmm(n);
    if (size == 2) {
        v_pshufd(t, dst, jit_vrm(n), index * 0x55);
    } else if (size == 3) {
        v_pshufd(t, dst, jit_vrm(n), index ? 0xee : 0x44);
    } else if (t->host->avx2 && reg < 0) {
        broadcast_low(t, dst, element_mem(n, size, index), size);
    } else if (t->host->avx2 && index == 0) {
        broadcast_low(t, dst, x64_reg(reg), size);
    } else if (t->host->avx2 && size == 0) {
        v_bytes_right(t, dst, reg, index);
        broadcast_low(t, dst, x64_reg(dst), size);
    } else {
        struct x64_rm src = jit_vrm(n);
        if (size == 0) {
            int a = jit_vsrc(t, n, dst);
            v_rr(t, index < 8 ? VPUNPCKLBW : VPUNPCKHBW, dst, a, a);
            src = x64_reg(dst);
            index &= 7;
        }
        shuffle_words(t, index > 3, dst, src, (index & 3) * 0x55);
        v_pshufd(t, dst, x64_reg(dst), index > 3 ? 0xaa : 0);
    }
}

/* dst <- element of Vn, zeroes above. Uses RAX. */
static void element_alone(struct translation *t, int dst, unsigned n, unsigned size, unsigned index)
{
    int reg = jit_xmm(n);
    if (size < 2) {
        struct x64_rm rax = x64_reg(RAX);
        if (reg < 0)
            x64_movzx(&t->e, 1u << size, RAX, element_mem(n, size, index));
        else if (size)
            x64_vex_imm(&t->e, PP_66, MAP_0F, false, 0xc5, RAX, 0, x64_reg(reg), index);
        else
            x64_vop3a(&t->e, 0x14, reg, 0, rax, index);
        x64_vmov_from_gpr(&t->e, 4, dst, rax);
    } else if (reg < 0 && size == 2) {
        x64_vmov_from_gpr(&t->e, 4, dst, element_mem(n, size, index));
    } else if (reg < 0) {
        x64_vmovq(&t->e, dst, element_mem(n, size, index));
    } else if (size == 2) {
        x64_vop3a(&t->e, 0x21, dst, reg, x64_reg(reg), index << 6 | 0x0e); /* VINSERTPS */
    } else if (index) {
        v_bytes_right(t, dst, reg, 8);
    } else {
        x64_vmovq(&t->e, dst, x64_reg(reg));
    }
}

/* DUP from an element, to a vector or a scalar. */
bool emit_simd_dup(struct translation *t, uint32_t insn)
{
    unsigned size = imm5_size(insn), index = imm5_index(insn, size);
    unsigned rd = f_rd(insn), rn = f_rn(insn), bytes = f_bytes(insn, size);
    int dst = jit_vdst(rd, XMM0);
    if (!bytes)
        return false;
    if (f_scalar(insn)) {
        element_alone(t, dst, rn, size, index);
        jit_vdone(t, rd, dst, size == 3 ? VHIGH_ZERO64 : VHIGH_ZERO32);
    } else {
        simd_broadcast(t, dst, rn, size, index);
        v_done(t, rd, dst, bytes, VHIGH_ANY);
    }
    return true;
}

/* DUP from a general register. */
bool emit_simd_dup_gen(struct translation *t, uint32_t insn)
{
    unsigned size = imm5_size(insn), rd = f_rd(insn), bytes = f_bytes(insn, size);
    struct x64_rm rn = jit_rm(reg_src(f_rn(insn)));
    int dst = jit_vdst(rd, XMM0);
    if (!bytes)
        return false;
    if (f_rn(insn) == 31) {
        v_zero(t, dst);
        jit_vdone(t, rd, dst, VHIGH_ZERO32);
        return true;
    }
    if (t->host->avx2 && rn.reg < 0) {
        broadcast_low(t, dst, rn, size);
        v_done(t, rd, dst, bytes, VHIGH_ANY);
        return true;
    }
    x64_vmov_from_gpr(&t->e, size == 3 ? 8 : 4, dst, rn);
    if (t->host->avx2 && size < 2) {
        broadcast_low(t, dst, x64_reg(dst), size);
    } else if (size == 0) {
        v_zero(t, XMM1);
        v_rr(t, VPSHUFB, dst, dst, XMM1);
    } else if (size == 1) {
        shuffle_words(t, false, dst, x64_reg(dst), 0);
        if (bytes == 16)
            v_pshufd(t, dst, x64_reg(dst), 0);
    } else {
        v_pshufd(t, dst, x64_reg(dst), size == 3 ? 0x44 : bytes == 16 ? 0 : 0xa0);
    }
    bool low_only = bytes == 8 && (size == 2 || (size == 1 && !t->host->avx2));
    v_done(t, rd, dst, bytes, low_only ? VHIGH_ZERO64 : VHIGH_ANY);
    return true;
}

/* UMOV SMOV. */
bool emit_simd_umov(struct translation *t, uint32_t insn)
{
    unsigned size = imm5_size(insn), index = imm5_index(insn, size);
    unsigned rd = reg_dst(f_rd(insn)), n = f_rn(insn);
    bool to_x = f_q(insn), is_signed = t->id == A64_SMOV;
    if (is_signed ? size == 3 || (size == 2 && !to_x) : to_x != (size == 3))
        return false;
    int dst = jit_dst(rd, RAX), reg = jit_xmm(n);
    struct x64_rm value = x64_reg(dst);
    if (reg < 0) {
        value = element_mem(n, size, index);
        if (!is_signed && size < 2)
            x64_movzx(&t->e, 1u << size, dst, value);
        else if (!is_signed)
            x64_mov(&t->e, 1u << size, dst, value);
    } else if (size == 0) {
        x64_vop3a(&t->e, 0x14, reg, 0, value, index);
    } else if (size == 1) {
        x64_vex_imm(&t->e, PP_66, MAP_0F, false, 0xc5, dst, 0, x64_reg(reg), index);
    } else if (index == 0) {
        x64_vmov_to_gpr(&t->e, 1u << size, value, reg);
    } else {
        x64_vex_imm(&t->e, PP_66, MAP_0F3A, size == 3, 0x16, reg, 0, value, index);
    }
    if (is_signed)
        x64_movsx(&t->e, to_x ? 8 : 4, 1u << size, dst, value);
    jit_done(t, rd, dst);
    return true;
}

/* dst <- src with lane `index` from rm: a general register or memory. */
static void insert(struct translation *t, int dst, int src, struct x64_rm rm, unsigned size,
                   unsigned index)
{
    if (size == 1)
        x64_vex_imm(&t->e, PP_66, MAP_0F, false, 0xc4, dst, src, rm, index);
    else
        x64_vex_imm(&t->e, PP_66, MAP_0F3A, size == 3, size ? 0x22 : 0x20, dst, src, rm, index);
}

/* INS from a general register. */
bool emit_simd_ins_gen(struct translation *t, uint32_t insn)
{
    unsigned size = imm5_size(insn), index = imm5_index(insn, size), rd = f_rd(insn);
    int dst = jit_vsrc(t, rd, XMM0);
    bool below = (index + 1) << size <= 8;
    enum vhigh known = below ? v_high(t, rd) : VHIGH_ANY;
    insert(t, dst, dst, jit_rm(reg_src(f_rn(insn))), size, index);
    jit_vdone(t, rd, dst, known);
    return true;
}

/* Lane `to` of 64 bits of d <- lane `from` of n. */
static void insert_64(struct translation *t, int d, unsigned n, unsigned to, unsigned from)
{
    if (to == from)
        v_blendw(t, d, d, jit_vrm(n), to ? 0xf0 : 0x0f);
    else if (to)
        v_op(t, VPUNPCKLQDQ, d, d, jit_vrm(n));
    else
        v_rr(t, VPUNPCKHQDQ, d, jit_vsrc(t, n, XMM1), d);
}

/* INS from an element. */
bool emit_simd_ins_elem(struct translation *t, uint32_t insn)
{
    unsigned size = imm5_size(insn), to = imm5_index(insn, size), from = bits(insn, 11, 4) >> size;
    unsigned rd = f_rd(insn), n = f_rn(insn);
    int d = jit_vsrc(t, rd, XMM0), reg = jit_xmm(n);
    enum vhigh known = (to + 1) << size <= 8 ? v_high(t, rd) : VHIGH_ANY;
    if (size == 3) {
        insert_64(t, d, n, to, from);
    } else if (size == 2) {
        struct x64_rm rm = reg < 0 ? element_mem(n, size, from) : x64_reg(reg);
        x64_vop3a(&t->e, 0x21, d, d, rm, (reg < 0 ? 0 : from << 6) | to << 4); /* VINSERTPS */
    } else if (reg < 0) {
        insert(t, d, d, element_mem(n, size, from), size, to);
    } else {
        if (size)
            x64_vex_imm(&t->e, PP_66, MAP_0F, false, 0xc5, RAX, 0, x64_reg(reg), from);
        else
            x64_vop3a(&t->e, 0x14, reg, 0, x64_reg(RAX), from);
        insert(t, d, d, x64_reg(RAX), size, to);
    }
    jit_vdone(t, rd, d, known);
    return true;
}

/* ---- modified immediates ---- */

static uint64_t replicate(uint64_t v, unsigned width)
{
    for (; width < 64; width *= 2)
        v |= v << width;
    return v;
}

/* VFPExpandImm: sign, exponent NOT(b) b...b cd, fraction efgh0...0. */
static uint64_t fp_expand(unsigned imm8, unsigned width, unsigned ebits)
{
    uint64_t sign = imm8 >> 7, b = imm8 >> 6 & 1;
    uint64_t exponent = (b ^ 1) << (ebits - 1) | (imm8 >> 4 & 3);
    if (b)
        exponent |= ((1u << (ebits - 3)) - 1u) << 2;
    unsigned fraction = width - 1 - ebits;
    return sign << (width - 1) | exponent << fraction | (uint64_t)(imm8 & 15) << (fraction - 4);
}

static uint64_t expand_imm(uint32_t insn)
{
    unsigned imm8 = bits(insn, 16, 3) << 5 | bits(insn, 5, 5), cmode = bits(insn, 12, 4);
    bool op = f_u(insn);
    if (cmode == 15)
        return op                  ? fp_expand(imm8, 64, 11)
               : bits(insn, 11, 1) ? replicate(fp_expand(imm8, 16, 5), 16)
                                   : replicate(fp_expand(imm8, 32, 8), 32);
    if (cmode < 8)
        return replicate((uint64_t)imm8 << (8 * (cmode >> 1)), 32);
    if (cmode < 12)
        return replicate((uint64_t)imm8 << (8 * (cmode >> 1 & 1)), 16);
    if (cmode < 14)
        return replicate(cmode == 12 ? imm8 << 8 | 0xff : imm8 << 16 | 0xffff, 32);
    if (!op)
        return replicate(imm8, 8);
    uint64_t bytes = 0;
    for (unsigned i = 0; i < 8; i++)
        bytes |= imm8 >> i & 1 ? 0xffull << (8 * i) : 0;
    return bytes;
}

/* dst <- v in both halves, or in the low one only. Uses RAX. */
static void constant(struct translation *t, int dst, uint64_t v, bool q)
{
    bool same = (uint32_t)v == v >> 32;
    if (v == 0) {
        v_zero(t, dst);
    } else if (v == UINT64_MAX && q) {
        v_rr(t, VPCMPEQD, dst, dst, dst);
    } else if (q && same) {
        x64_mov_imm(&t->e, RAX, (uint32_t)v);
        x64_vmov_from_gpr(&t->e, 4, dst, x64_reg(RAX));
        v_pshufd(t, dst, x64_reg(dst), 0);
    } else {
        x64_mov_imm(&t->e, RAX, v);
        x64_vmov_from_gpr(&t->e, 8, dst, x64_reg(RAX));
        if (q)
            v_rr(t, VPUNPCKLQDQ, dst, dst, dst);
    }
}

/* MOVI MVNI ORR BIC FMOV of a modified immediate. */
bool emit_simd_imm(struct translation *t, uint32_t insn)
{
    unsigned cmode = bits(insn, 12, 4), rd = f_rd(insn);
    uint64_t v = expand_imm(insn);
    bool q = f_q(insn);
    int dst = jit_vdst(rd, XMM0);
    if (cmode < 12 && (cmode & 1)) {
        enum vhigh known = v_high(t, rd);
        constant(t, XMM1, v, q);
        if (f_u(insn))
            v_op(t, VPANDN, dst, XMM1, jit_vrm(rd));
        else
            v_op(t, VPOR, dst, XMM1, jit_vrm(rd));
        v_done(t, rd, dst, q ? 16 : 8, q && !f_u(insn) ? VHIGH_ANY : known);
        return true;
    }
    if (f_u(insn) && cmode < 14)
        v = ~v;
    constant(t, dst, v, q);
    jit_vdone(t, rd, dst, v == 0 ? VHIGH_ZERO32 : q ? VHIGH_ANY : VHIGH_ZERO64);
    return true;
}

/* ---- EXT, TBL, TBX ---- */

bool emit_simd_ext(struct translation *t, uint32_t insn)
{
    unsigned at = bits(insn, 11, 4), rd = f_rd(insn), rn = f_rn(insn), rm = f_rm(insn);
    int dst = jit_vdst(rd, XMM0);
    if (f_q(insn)) {
        x64_vop3a(&t->e, 0x0f, dst, jit_vsrc(t, rm, XMM0), jit_vrm(rn), at); /* VPALIGNR */
        jit_vdone(t, rd, dst, VHIGH_ANY);
        return true;
    }
    if (at > 7)
        return false;
    v_op(t, VPUNPCKLQDQ, XMM0, jit_vsrc(t, rn, XMM0), jit_vrm(rm));
    v_bytes_right(t, dst, XMM0, at);
    v_done(t, rd, dst, 8, VHIGH_ANY);
    return true;
}

/*
 * VPSHUFB gives zero for indexes from 80 on, and uses the low four bits of those below: adding 70
 * with saturation leaves 0 to 15 and makes all others such. For the next register the indexes are
 * 16 lower, and those that were its predecessor's wrap around to f0.
 */
bool emit_simd_tbl(struct translation *t, uint32_t insn)
{
    unsigned rd = f_rd(insn), rn = f_rn(insn), rm = f_rm(insn), regs = bits(insn, 13, 2) + 1;
    unsigned bytes = f_q(insn) ? 16 : 8;
    bool keep = bits(insn, 12, 1);
    int m = jit_vsrc(t, rm, XMM1);
    for (unsigned r = 0; r < regs; r++) {
        unsigned n = (rn + r) & 31;
        int to = r ? XMM2 : XMM0;
        if (r)
            v_op(t, VPADDB, XMM1, r == 1 ? m : XMM1, jit_table(TABLE_BYTES_F0));
        v_op(t, VPADDUSB, to, r ? XMM1 : m, jit_table(TABLE_BYTES_70));
        v_rr(t, VPSHUFB, to, jit_vsrc(t, n, XMM3), to);
        if (r)
            v_rr(t, VPOR, XMM0, XMM0, XMM2);
    }
    if (keep) {
        m = jit_vsrc(t, rm, XMM1);
        v_op(t, VPMAXUB, XMM2, m, jit_table(TABLE_TBX_LIMIT + regs - 1));
        v_rr(t, VPCMPEQB, XMM2, XMM2, m);
        v_op(t, VPAND, XMM2, XMM2, jit_vrm(rd));
        v_rr(t, VPOR, XMM0, XMM0, XMM2);
    }
    v_done(t, rd, XMM0, bytes, VHIGH_ANY);
    return true;
}

/* ---- ZIP, UZP, TRN ---- */

/* XMM0 <- even (odd) lanes of n and m, 128 bits, sizes 0 and 1. */
static void unzip_small(struct translation *t, unsigned size, unsigned rn, unsigned rm, bool odd)
{
    int n = jit_vsrc(t, rn, XMM0), m = rn == rm ? n : jit_vsrc(t, rm, XMM1);
    if (odd) {
        v_shift(t, V_SRL, size + 1, XMM0, n, 8u << size);
        if (n != m)
            v_shift(t, V_SRL, size + 1, XMM1, m, 8u << size);
    } else {
        struct x64_rm mask = jit_table(size ? TABLE_DWORDS_FFFF : TABLE_WORDS_00FF);
        v_op(t, VPAND, XMM0, n, mask);
        if (n != m)
            v_op(t, VPAND, XMM1, m, mask);
    }
    v_rr(t, size ? VPACKUSDW : VPACKUSWB, XMM0, XMM0, n == m ? XMM0 : XMM1);
}

bool emit_simd_uzp(struct translation *t, uint32_t insn)
{
    unsigned size = f_size(insn), bytes = f_bytes(insn, size), rd = f_rd(insn);
    unsigned rn = f_rn(insn), rm = f_rm(insn);
    bool odd = bits(insn, 14, 1);
    int dst = jit_vdst(rd, XMM0);
    if (!bytes)
        return false;
    if (size == 3) {
        v_op(t, odd ? VPUNPCKHQDQ : VPUNPCKLQDQ, dst, jit_vsrc(t, rn, XMM0), jit_vrm(rm));
    } else if (size == 2 && bytes == 16) {
        v_shufps(t, dst, jit_vsrc(t, rn, XMM0), jit_vrm(rm), odd ? 0xdd : 0x88);
    } else if (bytes == 16) {
        unzip_small(t, size, rn, rm, odd);
        dst = XMM0;
    } else {
        v_op(t, VPUNPCKLQDQ, XMM0, jit_vsrc(t, rn, XMM0), jit_vrm(rm));
        v_op(t, VPSHUFB, dst, XMM0, jit_table((odd ? TABLE_NARROW_HIGH : TABLE_NARROW) + size));
        jit_vdone(t, rd, dst, VHIGH_ZERO64);
        return true;
    }
    jit_vdone(t, rd, dst, VHIGH_ANY);
    return true;
}

bool emit_simd_zip(struct translation *t, uint32_t insn)
{
    unsigned size = f_size(insn), bytes = f_bytes(insn, size), rd = f_rd(insn);
    bool second = bits(insn, 14, 1);
    static const uint8_t low[4] = {VPUNPCKLBW, VPUNPCKLWD, VPUNPCKLDQ, VPUNPCKLQDQ};
    static const uint8_t high[4] = {VPUNPCKHBW, VPUNPCKHWD, VPUNPCKHDQ, VPUNPCKHQDQ};
    if (!bytes)
        return false;
    int dst = jit_vdst(rd, XMM0), n = jit_vsrc(t, f_rn(insn), XMM0);
    bool upper_half = second && bytes == 8;
    v_op(t, second && bytes == 16 ? high[size] : low[size], upper_half ? XMM0 : dst, n,
         jit_vrm(f_rm(insn)));
    if (upper_half)
        v_bytes_right(t, dst, XMM0, 8);
    v_done(t, rd, dst, bytes, upper_half ? VHIGH_ZERO64 : VHIGH_ANY);
    return true;
}

/* TRN: of each pair of lanes of n and m the first, or the second, ones. */
bool emit_simd_trn(struct translation *t, uint32_t insn)
{
    unsigned size = f_size(insn), bytes = f_bytes(insn, size), rd = f_rd(insn);
    unsigned rn = f_rn(insn), rm = f_rm(insn);
    bool second = bits(insn, 14, 1);
    if (!bytes)
        return false;
    int dst = jit_vdst(rd, XMM0), n = jit_vsrc(t, rn, XMM0), m = jit_vsrc(t, rm, XMM1);
    enum vhigh known = v_high2(t, rn, rm);
    if (size == 3) {
        v_rr(t, second ? VPUNPCKHQDQ : VPUNPCKLQDQ, dst, n, m);
        known = VHIGH_ANY;
    } else if (second) {
        v_shift(t, V_SRL, size + 1, XMM2, n, 8u << size);
        if (size == 0) {
            v_op(t, VPAND, XMM3, m, jit_table(TABLE_WORDS_FF00));
            v_rr(t, VPOR, dst, XMM2, XMM3);
        } else {
            v_blendw(t, dst, XMM2, x64_reg(m), size == 1 ? 0xaa : 0xcc);
        }
    } else {
        v_shift(t, V_SLL, size + 1, XMM2, m, 8u << size);
        if (size == 0) {
            v_op(t, VPAND, XMM3, n, jit_table(TABLE_WORDS_00FF));
            v_rr(t, VPOR, dst, XMM2, XMM3);
        } else {
            v_blendw(t, dst, n, x64_reg(XMM2), size == 1 ? 0xaa : 0xcc);
        }
    }
    v_done(t, rd, dst, bytes, known);
    return true;
}
