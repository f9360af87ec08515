/*
 * branch.c - branches and exceptions. A taken branch writes cpu->regs.pc, which holds the address
 * of the next instruction before; see interp.h.
 */
#include "vcpu/a64/a64.h"
#include "vcpu/interp/cond.h"
#include "vcpu/interp/interp_core.h"

#define EXEC(name) static void name(struct interp_cpu *cpu, const struct a64_op *op)

EXEC(exec_b)
{
    cpu->regs.pc = op->imm;
}
EXEC(exec_bl)
{
    cpu->regs.x[30] = cpu->regs.pc;
    cpu->regs.pc = op->imm;
}
EXEC(exec_b_cond)
{
    if (cond_holds(op->u32, cpu->regs.nzcv))
        cpu->regs.pc = op->imm;
}
EXEC(exec_cbz64)
{
    if (cpu->regs.r[op->rd] == 0)
        cpu->regs.pc = op->imm;
}
EXEC(exec_cbz32)
{
    if ((uint32_t)cpu->regs.r[op->rd] == 0)
        cpu->regs.pc = op->imm;
}
EXEC(exec_cbnz64)
{
    if (cpu->regs.r[op->rd] != 0)
        cpu->regs.pc = op->imm;
}
EXEC(exec_cbnz32)
{
    if ((uint32_t)cpu->regs.r[op->rd] != 0)
        cpu->regs.pc = op->imm;
}
EXEC(exec_tbz)
{
    if (!(cpu->regs.r[op->rd] >> op->u8[0] & 1))
        cpu->regs.pc = op->imm;
}
EXEC(exec_tbnz)
{
    if (cpu->regs.r[op->rd] >> op->u8[0] & 1)
        cpu->regs.pc = op->imm;
}

int pre_b(struct a64_op *op, uint64_t pc)
{
    op->imm = pc + (uint64_t)sbits(op->insn, 0, 26) * 4;
    op->exec = bits(op->insn, 31, 1) ? exec_bl : exec_b;
    return 0;
}

int pre_b_cond(struct a64_op *op, uint64_t pc)
{
    op->imm = pc + (uint64_t)sbits(op->insn, 5, 19) * 4;
    op->u32 = cond_mask(bits(op->insn, 0, 4));
    op->exec = exec_b_cond;
    return 0;
}

int pre_cbz(struct a64_op *op, uint64_t pc)
{
    bool wide = bits(op->insn, 31, 1), nonzero = bits(op->insn, 24, 1);
    op->imm = pc + (uint64_t)sbits(op->insn, 5, 19) * 4;
    op->rd = reg_src(op->rd);
    op->exec = wide ? (nonzero ? exec_cbnz64 : exec_cbz64) : (nonzero ? exec_cbnz32 : exec_cbz32);
    return 0;
}

int pre_tbz(struct a64_op *op, uint64_t pc)
{
    op->imm = pc + (uint64_t)sbits(op->insn, 5, 14) * 4;
    op->rd = reg_src(op->rd);
    op->u8[0] = (uint8_t)(bits(op->insn, 31, 1) << 5 | bits(op->insn, 19, 5));
    op->exec = bits(op->insn, 24, 1) ? exec_tbnz : exec_tbz;
    return 0;
}

/* BranchAddr() as Linux sets TCR_EL1: TBI0, without TBID0, so that the tag of a low address is
 * dropped. */
static uint64_t branch_addr(uint64_t target)
{
    return target & 1ULL << 55 ? target : target & 0x00ffffffffffffffULL;
}

EXEC(exec_br)
{
    cpu->regs.pc = branch_addr(cpu->regs.r[op->rn]);
}
EXEC(exec_blr)
{
    uint64_t target = cpu->regs.r[op->rn];
    cpu->regs.x[30] = cpu->regs.pc;
    cpu->regs.pc = branch_addr(target);
}

int pre_br(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    op->rn = reg_src(op->rn);
    op->exec = bits(op->insn, 21, 2) == 1 ? exec_blr : exec_br;
    return 0;
}

/* The block's end sees block->leave: the hottest exit needs no jump out. */
EXEC(exec_svc)
{
    *vcpu_of(cpu)->exit = (struct vcpu_exit){.reason = VCPU_EXIT_SVC, .imm = op->u32};
}

EXEC(exec_brk)
{
    struct vcpu *vcpu = vcpu_of(cpu);
    *vcpu->exit = (struct vcpu_exit){.reason = VCPU_EXIT_BRK, .imm = op->u32};
    interp_leave(vcpu, interp_pc(cpu));
}

int pre_svc(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    op->u32 = bits(op->insn, 5, 16);
    op->exec = exec_svc;
    return 0;
}

int pre_brk(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    op->u32 = bits(op->insn, 5, 16);
    op->exec = exec_brk;
    return 0;
}
