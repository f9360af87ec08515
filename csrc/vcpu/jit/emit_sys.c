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

/* If a change of code has killed this block, what follows is looked up again: its first byte is
 * then the jump's that was put there (cache.c). */
bool emit_isb(struct translation *t, uint32_t insn)
{
    (void)insn;
    jit_flags_clobber(t);
    /* cmp byte ptr [rip + the block's beginning], 0xe9: seven bytes */
    x64_u8(&t->e, 0x80);
    x64_u8(&t->e, 0x3d);
    x64_u32(&t->e, (uint32_t)(t->code - (t->e.at + 5)));
    x64_u8(&t->e, 0xe9);
    jit_exit_if(t, CC_E, t->pc + 4, false);
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
    const uint32_t dead = 0xd503201fu | VCPU_HINT_VECTORS_DEAD << 5;
    bool no_vectors = t->index > 0 && t->words[t->index - 1] == dead;
    int32_t stub = no_vectors ? STUB_COUNTER_NO_VECTORS : STUB_COUNTER;
    jit_flags_clobber(t);
    x64_call_rm(&t->e, x64_mem(RBP, JIT_AT(stubs) + stub * 8));
    if (no_vectors)
        memset(t->vhigh, VHIGH_ANY, sizeof t->vhigh);
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
