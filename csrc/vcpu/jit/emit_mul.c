/*
 * emit_mul.c - multiplication, division and CRC.
 */
#include "vcpu/jit/emit_int.h"
#include "vcpu/jit/int_operand.h"

/* ---- multiplication ---- */

/* Where MADD and MSUB have their product: MSUB subtracts it as an operand of its own, and without
 * flags by LEA. */
static int product_reg(const struct translation *t, bool sub)
{
    return sub && !int_flags_live(t) ? RCX : RAX;
}

/* dst <- rn * rm, the low half; dst is RAX, RCX or rd's own register. Uses RCX and RDX. */
static void product(struct translation *t, unsigned width, int dst, unsigned rn, unsigned rm)
{
    struct x64 *e = &t->e;
    int n = int_home(rn), m = int_home(rm);
    if (int_flags_live(t)) {
        jit_load(t, width, RDX, rn);
        x64_mulx(e, width, RCX, (unsigned)dst, jit_rm(rm));
    } else if (m == dst && n != dst) {
        x64_imul(e, width, (unsigned)dst, jit_rm(rn));
    } else {
        int_load(t, width, dst, rn);
        x64_imul(e, width, (unsigned)dst, jit_rm(rm));
    }
}

/* rd <- ra + product or ra - product, which is in product_reg(). */
static void accumulate(struct translation *t, unsigned width, bool sub, unsigned rd, unsigned ra)
{
    struct x64 *e = &t->e;
    int dst = jit_dst(rd, RAX), value = product_reg(t, sub);
    if (value == RCX) {
        int_alu(t, ALU_SUB, width, rd, ra, int_host(RCX));
        return;
    }
    if (sub)
        x64_not(e, width, x64_reg(RAX));
    if (rd == ra && int_home(rd) < 0 && width == 8 && !int_flags_live(t)) {
        x64_alu_to(e, ALU_ADD, 8, jit_gpr_mem(rd), RAX);
        jit_wrote(t, rd);
        return;
    }
    int a = jit_src(t, width, ra, RCX);
    x64_lea(e, width, (unsigned)dst, x64_mem_index(a, RAX, 0, sub ? 1 : 0));
    jit_done(t, rd, dst);
}

bool emit_madd(struct translation *t, uint32_t insn)
{
    unsigned width = int_width(insn), rd = reg_dst(bits(insn, 0, 5));
    unsigned rn = reg_src(bits(insn, 5, 5)), rm = reg_src(bits(insn, 16, 5));
    unsigned ra = reg_src(bits(insn, 10, 5));
    bool sub = bits(insn, 15, 1);
    if (rd == REG_SINK)
        return true;
    if (!int_flags_live(t) || !t->host->bmi2)
        jit_flags_clobber(t);
    if (ra == REG_ZERO && !(sub && int_flags_live(t))) {
        int dst = jit_dst(rd, RAX);
        product(t, width, dst, rn, rm);
        if (sub)
            x64_neg(&t->e, width, x64_reg(dst));
        jit_done(t, rd, dst);
        return true;
    }
    product(t, width, product_reg(t, sub), rn, rm);
    accumulate(t, width, sub, rd, ra);
    return true;
}

/* reg <- n, 32 bits extended to 64 */
static void load_extended(struct translation *t, bool is_signed, int reg, unsigned n)
{
    if (is_signed)
        x64_movsx(&t->e, 8, 4, (unsigned)reg, jit_rm(n));
    else
        jit_load(t, 4, reg, n);
}

bool emit_maddl(struct translation *t, uint32_t insn)
{
    unsigned rd = reg_dst(bits(insn, 0, 5)), rn = reg_src(bits(insn, 5, 5));
    unsigned rm = reg_src(bits(insn, 16, 5)), ra = reg_src(bits(insn, 10, 5));
    bool sub = bits(insn, 15, 1), is_signed = !bits(insn, 23, 1);
    if (rd == REG_SINK)
        return true;
    if (!int_flags_live(t) || !t->host->bmi2)
        jit_flags_clobber(t);
    bool alone = ra == REG_ZERO && !sub;
    int dst = alone ? jit_dst(rd, RAX) : product_reg(t, sub);
    load_extended(t, is_signed, RDX, rm);
    if (int_flags_live(t)) {
        load_extended(t, is_signed, RCX, rn);
        x64_mulx(&t->e, 8, RCX, (unsigned)dst, x64_reg(RCX));
    } else {
        load_extended(t, is_signed, dst, rn);
        x64_imul(&t->e, 8, (unsigned)dst, x64_reg(RDX));
    }
    if (alone)
        jit_done(t, rd, dst);
    else
        accumulate(t, 8, sub, rd, ra);
    return true;
}

bool emit_mulh(struct translation *t, uint32_t insn)
{
    unsigned rd = reg_dst(bits(insn, 0, 5)), rn = reg_src(bits(insn, 5, 5));
    unsigned rm = reg_src(bits(insn, 16, 5));
    bool is_signed = !bits(insn, 23, 1);
    if (rd == REG_SINK)
        return true;
    if (!is_signed && t->host->bmi2) {
        int dst = jit_dst(rd, RAX);
        jit_load(t, 8, RDX, rn);
        x64_mulx(&t->e, 8, (unsigned)dst, RCX, jit_rm(rm));
        jit_done(t, rd, dst);
        return true;
    }
    jit_flags_clobber(t);
    jit_load(t, 8, RAX, rn);
    x64_mul_wide(&t->e, 8, is_signed, jit_rm(rm));
    jit_done(t, rd, RDX);
    return true;
}

/* ---- division ---- */

/*
 * RAX <- RAX / reg, of 64-bit values: by the 32-bit division where both fit, which is several times
 * as fast on older hosts. reg is not zero, and RDX is used.
 */
static void divide_wide(struct x64 *e, bool is_signed, int reg)
{
    x64_mov(e, 8, RDX, x64_reg(RAX));
    x64_alu(e, ALU_OR, 8, RDX, x64_reg(reg));
    x64_shift_imm(e, SHIFT_SHR, 8, x64_reg(RDX), 32);
    uint8_t *wide = x64_jcc8(e, CC_NE);
    x64_div_wide(e, 4, false, x64_reg(reg)); /* RDX is zero */
    uint8_t *end = x64_jmp8(e);
    x64_land8(e, wide);
    if (is_signed)
        x64_cqo(e, 8);
    else
        x64_alu(e, ALU_XOR, 4, RDX, x64_reg(RDX));
    x64_div_wide(e, 8, is_signed, x64_reg(reg));
    x64_land8(e, end);
}

bool emit_udiv(struct translation *t, uint32_t insn)
{
    struct x64 *e = &t->e;
    unsigned width = int_width(insn), rd = reg_dst(bits(insn, 0, 5));
    unsigned rn = reg_src(bits(insn, 5, 5)), rm = reg_src(bits(insn, 16, 5));
    if (rd == REG_SINK)
        return true;
    jit_flags_clobber(t);
    int divisor = jit_src(t, width, rm, RCX);
    x64_alu(e, ALU_XOR, 4, RAX, x64_reg(RAX));
    x64_test(e, width, x64_reg(divisor), (unsigned)divisor);
    uint8_t *zero = x64_jcc8(e, CC_E);
    jit_load(t, width, RAX, rn);
    if (width == 8) {
        divide_wide(e, false, divisor);
    } else {
        x64_alu(e, ALU_XOR, 4, RDX, x64_reg(RDX));
        x64_div_wide(e, 4, false, x64_reg(divisor));
    }
    x64_land8(e, zero);
    jit_done(t, rd, RAX);
    return true;
}

/* By 0 and by -1, for which the host's division may fault, the quotient is the product. */
bool emit_sdiv(struct translation *t, uint32_t insn)
{
    struct x64 *e = &t->e;
    unsigned width = int_width(insn), rd = reg_dst(bits(insn, 0, 5));
    unsigned rn = reg_src(bits(insn, 5, 5)), rm = reg_src(bits(insn, 16, 5));
    if (rd == REG_SINK)
        return true;
    jit_flags_clobber(t);
    int divisor = jit_src(t, width, rm, RCX);
    jit_load(t, width, RAX, rn);
    x64_lea(e, width, RDX, x64_mem(divisor, 1));
    x64_alu_imm(e, ALU_CMP, width, x64_reg(RDX), 1);
    uint8_t *special = x64_jcc8(e, CC_BE);
    if (width == 8) {
        divide_wide(e, true, divisor);
    } else {
        x64_cqo(e, 4);
        x64_div_wide(e, 4, true, x64_reg(divisor));
    }
    uint8_t *end = x64_jmp8(e);
    x64_land8(e, special);
    x64_imul(e, width, RAX, x64_reg(divisor));
    x64_land8(e, end);
    jit_done(t, rd, RAX);
    return true;
}

/* ---- CRC ---- */

bool emit_crc32c(struct translation *t, uint32_t insn)
{
    unsigned rd = reg_dst(bits(insn, 0, 5)), rn = reg_src(bits(insn, 5, 5));
    unsigned rm = reg_src(bits(insn, 16, 5)), bytes = 1u << bits(insn, 10, 2);
    if (rd == REG_SINK)
        return true;
    int dst = jit_dst(rd, RAX);
    if (dst == int_home(rm) && rd != rn)
        dst = RAX;
    int_load(t, 4, dst, rn);
    x64_op_prefix(&t->e, 0xf2, bytes, bytes == 1 ? 0x0f38f0 : 0x0f38f1, (unsigned)dst, jit_rm(rm));
    jit_done(t, rd, dst);
    return true;
}

/*
 * The polynomial of zlib, P = 0x104c11db7. All bits are reflected: the lowest is the highest
 * coefficient, and a constant of degree n has n + 1 bits.
 */
#define CRC_P    0x1db710641ULL
#define CRC_MU   0x1f7011641ULL /* x^64 / P */
#define CRC_FOLD 0x163cd6124ULL /* x^64 mod P */

/* XMM0 <- the low 64 bits of xmm * constant, without carries. Uses RCX and XMM1. */
static void multiply(struct x64 *e, unsigned xmm, uint64_t constant)
{
    x64_mov_imm(e, RCX, constant);
    x64_vmov_from_gpr(e, 8, XMM1, x64_reg(RCX));
    x64_vop3a(e, 0x44, XMM0, xmm, x64_reg(XMM1), 0); /* VPCLMULQDQ */
}

/*
 * EAX <- the remainder of the 64-bit polynomial R in XMM2, by Barrett's reduction: the high half of
 * R ^ low(low(R) * MU) * P.
 */
static void reduce(struct x64 *e)
{
    x64_vop(e, 0xdb, XMM0, XMM2, JIT_CONST(low_s)); /* VPAND */
    multiply(e, XMM0, CRC_MU);
    x64_vop(e, 0xdb, XMM0, XMM0, JIT_CONST(low_s));
    multiply(e, XMM0, CRC_P);
    x64_vop(e, 0xef, XMM2, XMM2, x64_reg(XMM0));  /* VPXOR */
    x64_vop3a(e, 0x16, XMM2, 0, x64_reg(RAX), 1); /* VPEXTRD */
}

/*
 * Data of up to 32 bits is combined with the CRC and moved up so that its last bit is the lowest
 * coefficient of 32. Of 64 bits the first 32, the high coefficients, are folded into the others.
 */
bool emit_crc32(struct translation *t, uint32_t insn)
{
    struct x64 *e = &t->e;
    unsigned rd = reg_dst(bits(insn, 0, 5)), rn = reg_src(bits(insn, 5, 5));
    unsigned rm = reg_src(bits(insn, 16, 5)), bytes = 1u << bits(insn, 10, 2);
    if (!t->host->pclmul)
        return false;
    if (rd == REG_SINK)
        return true;
    jit_flags_clobber(t);
    if (bytes < 4)
        x64_movzx(e, bytes, RAX, jit_rm(rm));
    else
        jit_load(t, 4, RAX, rm);
    x64_alu(e, ALU_XOR, 4, RAX, jit_rm(rn));
    if (bytes < 4)
        x64_shift_imm(e, SHIFT_SHL, 8, x64_reg(RAX), 32 - bytes * 8);
    x64_vmov_from_gpr(e, 8, XMM2, x64_reg(RAX));
    if (bytes == 8) {
        multiply(e, XMM2, CRC_FOLD);
        jit_load(t, 8, RAX, rm);
        x64_shift_imm(e, SHIFT_SHR, 8, x64_reg(RAX), 32);
        x64_vmov_from_gpr(e, 8, XMM2, x64_reg(RAX));
        x64_vop(e, 0xef, XMM2, XMM2, x64_reg(XMM0)); /* VPXOR */
    }
    reduce(e);
    jit_done(t, rd, RAX);
    return true;
}
