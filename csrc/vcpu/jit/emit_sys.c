/*
 * emit_sys.c - hints and the system registers that programs read often. The others are the
 * interpreter's.
 */
#include "vcpu/jit/emit_sys.h"

static struct x64_rm member(size_t offset)
{
    return x64_mem(RBP, (int32_t)offset - JIT_BIAS);
}

/* Hints: also WFE and YIELD, as a guest that spins is interrupted at block ends. */
bool emit_nothing(struct translation *t, uint32_t insn)
{
    (void)t;
    (void)insn;
    return true;
}

/* What follows is looked up again, and a change of code has killed its block. */
bool emit_isb(struct translation *t, uint32_t insn)
{
    (void)insn;
    jit_exit(t, t->pc + 4, true);
    t->ended = true;
    return true;
}

bool emit_mrs_tpidr(struct translation *t, uint32_t insn)
{
    unsigned rd = reg_dst(bits(insn, 0, 5));
    int d = jit_dst(rd, RAX);
    x64_mov(&t->e, 8, (unsigned)d, member(offsetof(struct vcpu_regs, tpidr)));
    jit_done(t, rd, d);
    return true;
}

bool emit_msr_tpidr(struct translation *t, uint32_t insn)
{
    int s = jit_src(t, 8, reg_src(bits(insn, 0, 5)), RAX);
    x64_mov_to(&t->e, 8, member(offsetof(struct vcpu_regs, tpidr)), (unsigned)s);
    return true;
}

bool emit_mrs_cntvct(struct translation *t, uint32_t insn)
{
    jit_flags_clobber(t);
    x64_call_rm(&t->e, x64_mem(RBP, JIT_AT(stubs) + STUB_COUNTER * 8));
    jit_done(t, reg_dst(bits(insn, 0, 5)), RAX);
    return true;
}

bool emit_mrs_fpcr(struct translation *t, uint32_t insn)
{
    unsigned rd = reg_dst(bits(insn, 0, 5));
    int d = jit_dst(rd, RAX);
    x64_mov(&t->e, 4, (unsigned)d, member(offsetof(struct vcpu_regs, fpcr)));
    jit_done(t, rd, d);
    return true;
}
