/*
 * emit_mem.h - for the emitters of loads and stores: addressing forms, write-back, and the checks
 * that keep a faulting store from being done in part.
 *
 * Scratch registers: the address may be in RAX from mem_*() on, so data goes through RCX and RDX.
 */
#ifndef ELFUSE_JIT_EMIT_MEM_H
#define ELFUSE_JIT_EMIT_MEM_H

#include "vcpu/jit/translate.h"

/* The operand `bytes` further on. */
static inline struct x64_rm mem_plus(struct x64_rm rm, int32_t bytes)
{
    rm.disp += bytes;
    return rm;
}

/* Base register n <- n + imm, without a change of flags. rm is jit_address()'s for n, which has n
 * in a register: its own, or RAX. */
static inline void mem_write_back(struct translation *t, unsigned n, int64_t imm, struct x64_rm rm)
{
    int r = rm.index;
    x64_lea(&t->e, 8, (unsigned)r, x64_mem(r, (int32_t)imm));
    jit_put(t, n, r);
    jit_moved(t, n, n, imm);
}

/* The same for n <- n + m, m 0 to 30, and an operand at n. */
static inline void mem_write_back_register(struct translation *t, unsigned n, unsigned m,
                                           struct x64_rm rm)
{
    int to = rm.index, by = jit_src(t, 8, m, RCX);
    x64_lea(&t->e, 8, (unsigned)to, x64_mem_index(to, by, 0, 0));
    jit_done(t, n, to);
}

/* The operand of a register-offset form: Rn + Rm, extended as bits 15:13 say and shifted. */
static inline struct x64_rm mem_register(struct translation *t, uint32_t insn, unsigned shift)
{
    struct x64 *e = &t->e;
    unsigned n = bits(insn, 5, 5), m = reg_src(bits(insn, 16, 5)), option = bits(insn, 13, 3);
    int index = m <= REG_SP ? jit_gpr(m) : -1;
    jit_flags_clobber(t);
    if (n == REG_SP && !t->sp_aligned) {
        x64_test_imm(e, 1, jit_rm(n), 15);
        jit_slow(t, CC_NE);
        t->sp_aligned = true;
    }
    if ((option & 3) == 3 && index >= 0 && shift <= 3) {
        int base = jit_src(t, 8, n, RAX);
        x64_lea(e, 8, RAX, x64_mem_index(base, index, shift, 0));
        return jit_address_reg(t, RAX);
    }
    if (option == 6)
        x64_movsx(e, 8, 4, RAX, jit_rm(m));
    else
        x64_mov(e, option == 2 ? 4 : 8, RAX, jit_rm(m));
    int base = jit_gpr(n);
    if (base >= 0 && shift <= 3) {
        x64_lea(e, 8, RAX, x64_mem_index(base, RAX, shift, 0));
    } else {
        if (shift)
            x64_shift_imm(e, SHIFT_SHL, 8, x64_reg(RAX), shift);
        x64_alu(e, ALU_ADD, 8, RAX, jit_rm(n));
    }
    return jit_address_reg(t, RAX);
}

/* A store of `bytes` at rm that is made in several pieces must not be done in part: where it
 * crosses a page, the interpreter does it. After jit_flags_clobber(); uses RCX. */
static inline void mem_one_page(struct translation *t, struct x64_rm rm, unsigned bytes)
{
    struct x64 *e = &t->e;
    x64_lea(e, 4, RCX, x64_mem(rm.index, rm.disp)); /* R15 is page-aligned */
    x64_alu_imm(e, ALU_AND, 4, x64_reg(RCX), GUEST_PAGE - 1);
    x64_alu_imm(e, ALU_CMP, 4, x64_reg(RCX), (int32_t)(GUEST_PAGE - bytes));
    jit_slow(t, CC_A);
}

/* ---- vector registers; size is log2 of the bytes ---- */

/* What is known of a register that was loaded with no more than that. */
static inline enum vhigh mem_vhigh(unsigned size)
{
    return size < 3 ? VHIGH_ZERO32 : size == 3 ? VHIGH_ZERO64 : VHIGH_ANY;
}

/* xmm <- memory, the rest zero. Uses RCX. */
static inline void mem_vload(struct translation *t, unsigned size, int xmm, struct x64_rm rm)
{
    struct x64 *e = &t->e;
    jit_access(t);
    if (size < 2) {
        x64_movzx(e, 1u << size, RCX, rm);
        x64_vmov_from_gpr(e, 4, (unsigned)xmm, x64_reg(RCX));
    } else if (size == 2) {
        x64_vmov_from_gpr(e, 4, (unsigned)xmm, rm);
    } else if (size == 3) {
        x64_vmovq(e, (unsigned)xmm, rm);
    } else {
        x64_vmovdqu(e, (unsigned)xmm, rm);
    }
}

/* memory <- lane i of Vn. Uses RCX or XMM0. */
static inline void mem_vstore(struct translation *t, unsigned size, unsigned n, unsigned i,
                              struct x64_rm rm)
{
    struct x64 *e = &t->e;
    int xmm = jit_xmm(n);
    if (xmm < 0 && size < 4) {
        struct x64_rm lane = mem_plus(jit_v_mem(n), (int32_t)(i << size));
        if (size < 2)
            x64_movzx(e, 1u << size, RCX, lane);
        else
            x64_mov(e, 1u << size, RCX, lane);
        jit_access(t);
        x64_mov_to(e, 1u << size, rm, RCX);
        return;
    }
    if (xmm < 0)
        xmm = jit_vsrc(t, n, XMM0);
    jit_access(t);
    if (size == 4)
        x64_vmovdqu_to(e, rm, (unsigned)xmm);
    else if (size == 3 && i == 0)
        x64_vmovq_to(e, rm, (unsigned)xmm);
    else if (size == 2 && i == 0)
        x64_vmov_to_gpr(e, 4, rm, (unsigned)xmm);
    else
        x64_vpextr(e, size, rm, (unsigned)xmm, i);
}

#endif
