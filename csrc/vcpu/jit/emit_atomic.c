/*
 * emit_atomic.c - exclusives, acquire and release, compare-and-swap and the other atomics of LSE;
 * barriers, and what else concerns memory but neither loads nor stores registers.
 *
 * The monitor and every host access are as in interp/atomic.c: the same instructions, so that the
 * same access faults. Where the guest's order is stronger than x86-64's (a release before a later
 * acquire), the store is a locked instruction.
 */
#include "vcpu/a64/idregs.h"
#include "vcpu/jit/emit_ldst.h"
#include "vcpu/jit/emit_mem.h"

#define EXCL(member) x64_mem(RBP, JIT_AT(vcpu.excl.member))

/* What the first two bytes of the monitor are when it is set for a size: `valid` and `bytes`. */
#define EXCL_SET(bytes_) ((int32_t)(1 | (bytes_) << 8))
_Static_assert(offsetof(struct exclusive, valid) == 0 && offsetof(struct exclusive, bytes) == 1,
               "the monitor is set and compared as one 16-bit value");

/* The operand at Rn, which must be aligned. The base is in its own register or in `scratch`. NZCV
 * is not in EFLAGS behind it. */
static struct x64_rm aligned(struct translation *t, unsigned rn, unsigned bytes, int scratch)
{
    jit_flags_clobber(t);
    struct x64_rm rm = jit_address(t, rn, 0, scratch);
    if (bytes > 1 && rn != REG_SP) {
        x64_test_imm(&t->e, 1, x64_reg(rm.index), (int32_t)bytes - 1);
        jit_slow(t, CC_NE);
    }
    return rm;
}

/* Guest register n <- reg, zero-extended from `bytes` where the host's instruction has not. */
static void done(struct translation *t, unsigned bytes, unsigned n, int reg)
{
    if (bytes < 4 && n != REG_SINK) {
        int to = jit_dst(n, reg);
        x64_movzx(&t->e, bytes, (unsigned)to, x64_reg(reg));
        reg = to;
    }
    jit_done(t, n, reg);
}

static void load(struct translation *t, unsigned bytes, int reg, struct x64_rm rm)
{
    jit_access(t);
    if (bytes < 4)
        x64_movzx(&t->e, bytes, (unsigned)reg, rm);
    else
        x64_mov(&t->e, bytes, (unsigned)reg, rm);
}

static unsigned size_of(uint32_t insn)
{
    return 1u << bits(insn, 30, 2);
}

/* Width of a register that holds that many bytes. */
static unsigned width_of(unsigned bytes)
{
    return bytes == 8 ? 8 : 4;
}

/* ---- acquire and release ---- */

bool emit_ldar(struct translation *t, uint32_t insn)
{
    unsigned bytes = size_of(insn), rd = reg_dst(bits(insn, 0, 5));
    struct x64_rm rm = aligned(t, bits(insn, 5, 5), bytes, RAX);
    int reg = jit_dst(rd, RCX);
    load(t, bytes, reg, rm);
    jit_done(t, rd, reg);
    return true;
}

bool emit_stlr(struct translation *t, uint32_t insn)
{
    unsigned bytes = size_of(insn);
    struct x64_rm rm = aligned(t, bits(insn, 5, 5), bytes, RAX);
    jit_load(t, width_of(bytes), RCX, reg_src(bits(insn, 0, 5)));
    jit_access(t);
    x64_xchg(&t->e, bytes, RCX, rm);
    return true;
}

/* ---- exclusives ---- */

static void set_monitor(struct translation *t, unsigned bytes, struct x64_rm rm, int value)
{
    struct x64 *e = &t->e;
    x64_mov_to_imm(e, 4, EXCL(valid), EXCL_SET(bytes)); /* and padding */
    x64_mov_to(e, 8, EXCL(addr), (unsigned)rm.index);
    x64_mov_to(e, 8, EXCL(value[0]), (unsigned)value);
}

bool emit_ldxr(struct translation *t, uint32_t insn)
{
    unsigned bytes = size_of(insn), rn = bits(insn, 5, 5), rd = reg_dst(bits(insn, 0, 5));
    struct x64_rm rm = aligned(t, rn, bytes, RAX);
    int reg = rd == rn ? RCX : jit_dst(rd, RCX);
    load(t, bytes, reg, rm);
    set_monitor(t, bytes, rm, reg);
    jit_done(t, rd, reg);
    return true;
}

/* Where the two registers are the same, the second wins. */
bool emit_ldxp(struct translation *t, uint32_t insn)
{
    struct x64 *e = &t->e;
    unsigned bytes = bits(insn, 30, 1) ? 16 : 8, rn = bits(insn, 5, 5);
    unsigned rd = reg_dst(bits(insn, 0, 5)), ra = reg_dst(bits(insn, 10, 5));
    struct x64_rm rm = aligned(t, rn, bytes, RAX);
    load(t, 8, RCX, rm);
    if (bytes == 16) {
        load(t, 8, RDX, mem_plus(rm, 8));
        x64_mov_to(e, 8, EXCL(value[1]), RDX);
        set_monitor(t, bytes, rm, RCX);
    } else {
        set_monitor(t, bytes, rm, RCX);
        x64_mov(e, 8, RDX, x64_reg(RCX));
        x64_shift_imm(e, SHIFT_SHR, 8, x64_reg(RDX), 32);
        x64_mov(e, 4, RCX, x64_reg(RCX));
    }
    jit_done(t, rd, RCX);
    jit_done(t, ra, RDX);
    return true;
}

/* A store-exclusive of `bytes`: of Rt, or where pair of Rt and Rt2 as words. */
static void store_exclusive(struct translation *t, uint32_t insn, unsigned bytes, bool pair)
{
    struct x64 *e = &t->e;
    unsigned rt = reg_src(bits(insn, 0, 5)), rs = reg_dst(bits(insn, 16, 5));
    /* The comparison takes RAX. */
    struct x64_rm rm = aligned(t, bits(insn, 5, 5), bytes, RDX);
    x64_movzx(e, 2, RAX, EXCL(valid));
    x64_alu_imm(e, ALU_CMP, 4, x64_reg(RAX), EXCL_SET(bytes));
    uint8_t *other_size = x64_jcc8(e, CC_NE);
    x64_alu(e, ALU_CMP, 8, (unsigned)rm.index, EXCL(addr));
    uint8_t *elsewhere = x64_jcc8(e, CC_NE);
    int value;
    if (pair) {
        jit_load(t, 8, RCX, reg_src(bits(insn, 10, 5)));
        jit_load(t, 4, RAX, rt);
        x64_shift_imm(e, SHIFT_SHL, 8, x64_reg(RCX), 32);
        x64_alu(e, ALU_OR, 8, RCX, x64_reg(RAX));
        value = RCX;
    } else {
        value = jit_src(t, width_of(bytes), rt, RCX);
    }
    x64_mov(e, 8, RAX, EXCL(value[0]));
    jit_access(t);
    x64_lock(e);
    x64_cmpxchg(e, bytes, rm, (unsigned)value);
    /* All three ways have "equal" for success. */
    x64_land8(e, other_size);
    x64_land8(e, elsewhere);
    x64_mov_to_imm(e, 1, EXCL(valid), 0);
    x64_setcc(e, CC_NE, x64_reg(RAX));
    x64_movzx(e, 1, RAX, x64_reg(RAX));
    jit_done(t, rs, RAX);
}

bool emit_stxr(struct translation *t, uint32_t insn)
{
    store_exclusive(t, insn, size_of(insn), false);
    return true;
}

/* Pairs of X registers need CMPXCHG16B and so RBX, which is the guest's: a fault would show it. */
bool emit_stxp(struct translation *t, uint32_t insn)
{
    if (bits(insn, 30, 1))
        return false;
    store_exclusive(t, insn, 8, true);
    return true;
}

/* ---- compare-and-swap, and the other atomics ---- */

bool emit_cas(struct translation *t, uint32_t insn)
{
    struct x64 *e = &t->e;
    unsigned bytes = size_of(insn), rs = bits(insn, 16, 5);
    struct x64_rm rm = aligned(t, bits(insn, 5, 5), bytes, RDX);
    jit_load(t, width_of(bytes), RAX, reg_src(rs));
    int value = jit_src(t, width_of(bytes), reg_src(bits(insn, 0, 5)), RCX);
    jit_access(t);
    x64_lock(e);
    x64_cmpxchg(e, bytes, rm, (unsigned)value);
    done(t, bytes, reg_dst(rs), RAX);
    return true;
}

bool emit_ldadd(struct translation *t, uint32_t insn)
{
    struct x64 *e = &t->e;
    unsigned bytes = size_of(insn), rs = reg_src(bits(insn, 16, 5)), rt = bits(insn, 0, 5);
    struct x64_rm rm = aligned(t, bits(insn, 5, 5), bytes, RDX);
    if (rt == 31) {
        int value = jit_src(t, width_of(bytes), rs, RCX);
        jit_access(t);
        x64_lock(e);
        x64_alu_to(e, ALU_ADD, bytes, rm, (unsigned)value);
        return true;
    }
    jit_load(t, width_of(bytes), RCX, rs);
    jit_access(t);
    x64_lock(e);
    x64_xadd(e, bytes, rm, RCX);
    done(t, bytes, rt, RCX);
    return true;
}

bool emit_swp(struct translation *t, uint32_t insn)
{
    unsigned bytes = size_of(insn), rd = reg_dst(bits(insn, 0, 5));
    struct x64_rm rm = aligned(t, bits(insn, 5, 5), bytes, RAX);
    jit_load(t, width_of(bytes), RCX, reg_src(bits(insn, 16, 5)));
    jit_access(t);
    x64_xchg(&t->e, bytes, RCX, rm);
    done(t, bytes, rd, RCX);
    return true;
}

/* RCX <- what an atomic stores where it finds RAX. opc: bits 14:12. */
static void combine(struct translation *t, unsigned opc, unsigned bytes, unsigned rs)
{
    static const uint8_t logic[4] = {ALU_ADD, ALU_AND, ALU_XOR, ALU_OR};
    static const uint8_t keep[4] = {CC_G, CC_L, CC_A, CC_B};
    struct x64 *e = &t->e;
    unsigned width = width_of(bytes);
    jit_load(t, width, RCX, rs);
    if (opc < 4) {
        if (opc == 1)
            x64_not(e, width, x64_reg(RCX));
        x64_alu(e, (enum x64_alu)logic[opc], width, RCX, x64_reg(RAX));
    } else {
        x64_alu(e, ALU_CMP, bytes, RAX, x64_reg(RCX));
        x64_cmov(e, (enum x64_cc)keep[opc - 4], width, RCX, x64_reg(RAX));
    }
}

/* LDCLR, LDEOR, LDSET, LDSMAX, LDSMIN, LDUMAX, LDUMIN: a loop of compare-and-swap, which also
 * writes when the value stays, as the guest's instruction does. */
bool emit_ld_op(struct translation *t, uint32_t insn)
{
    struct x64 *e = &t->e;
    unsigned bytes = size_of(insn), opc = bits(insn, 12, 3), rt = bits(insn, 0, 5);
    struct x64_rm rm = aligned(t, bits(insn, 5, 5), bytes, RDX);
    load(t, bytes, RAX, rm);
    uint8_t *again = e->at;
    combine(t, opc, bytes, reg_src(bits(insn, 16, 5)));
    x64_lock(e);
    x64_cmpxchg(e, bytes, rm, RCX);
    uint8_t *lost = x64_jcc8(e, CC_NE);
    *lost = (uint8_t)(again - lost - 1);
    jit_done(t, reg_dst(rt), RAX);
    return true;
}

/* ---- barriers, hints, DC ZVA ---- */

/* CRm<1:0>: 1 loads, 2 stores, which x86-64 keeps in order anyway; all else, and every DSB, is a
 * full barrier. A locked instruction is one, for half of MFENCE's time. */
bool emit_dmb(struct translation *t, uint32_t insn)
{
    unsigned types = bits(insn, 8, 2);
    if (bits(insn, 5, 1) && (types == 1 || types == 2))
        return true;
    jit_flags_clobber(t);
    x64_lock(&t->e);
    x64_alu_imm(&t->e, ALU_OR, 4, x64_mem(RBP, JIT_AT(mxcsr)), 0);
    return true;
}

bool emit_clrex(struct translation *t, uint32_t insn)
{
    (void)insn;
    x64_mov_to_imm(&t->e, 1, EXCL(valid), 0);
    return true;
}

/* Never faults, whatever the address. */
bool emit_prfm(struct translation *t, uint32_t insn)
{
    (void)t;
    (void)insn;
    return true;
}

bool emit_dc_zva(struct translation *t, uint32_t insn)
{
    struct x64 *e = &t->e;
    unsigned n = bits(insn, 0, 5);
    if (n == 31)
        return false;
    jit_flags_clobber(t);
    jit_load(t, 8, RAX, n);
    x64_alu_imm(e, ALU_AND, 8, x64_reg(RAX), -A64_ZVA_BYTES);
    struct x64_rm rm = jit_address_reg(t, RAX);
    x64_vop(e, 0xef, XMM0, XMM0, x64_reg(XMM0)); /* VPXOR, which clears all of YMM0 */
    for (int at = 0; at < A64_ZVA_BYTES; at += 32) {
        jit_access(t);
        x64_vmovdqu256_to(e, mem_plus(rm, at), XMM0);
    }
    return true;
}
