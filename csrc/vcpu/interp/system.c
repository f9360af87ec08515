/*
 * system.c - hints, barriers, cache maintenance, and the system registers that EL0 may use.
 */
#include "vcpu/a64/a64.h"
#include "vcpu/a64/idregs.h"
#include "vcpu/interp/interp_core.h"

#define EXEC(name) static void name(struct interp_cpu *cpu, const struct a64_op *op)

EXEC(exec_nop)
{
    (void)cpu;
    (void)op;
}

/* WFE and YIELD too: a guest that spins is interrupted at block ends anyway. */
int pre_hint(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    op->exec = exec_nop;
    return 0;
}

/* Prefetches never fault, whatever the address. */
int pre_prfm(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    op->exec = exec_nop;
    return 0;
}

/* It ends the block, and the next one is looked up again: that is all that ISB needs. */
int pre_isb(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    op->exec = exec_nop;
    return 0;
}

EXEC(exec_clrex)
{
    (void)op;
    vcpu_of(cpu)->excl.valid = false;
}

int pre_clrex(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    op->exec = exec_clrex;
    return 0;
}

EXEC(exec_dmb_ld)
{
    (void)cpu;
    (void)op;
    atomic_thread_fence(memory_order_acquire);
}
EXEC(exec_dmb_st)
{
    (void)cpu;
    (void)op;
    atomic_thread_fence(memory_order_release);
}
EXEC(exec_dmb)
{
    (void)cpu;
    (void)op;
    atomic_thread_fence(memory_order_seq_cst);
}

/* CRm<1:0>: 1 loads, 2 stores; all else, and every DSB, is a full barrier. */
int pre_dmb(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    unsigned types = bits(op->insn, 8, 2);
    bool dsb = !bits(op->insn, 5, 1);
    op->exec = dsb || types == 0 || types == 3 ? exec_dmb : types == 1 ? exec_dmb_ld : exec_dmb_st;
    return 0;
}

/* Cache maintenance by address needs the memory to be readable, else it faults as a read (Linux
 * clears WnR for these: is_write_abort()). */
static void touch(struct interp_cpu *cpu, uint64_t addr)
{
    (void)*(volatile const uint8_t *)guest_ptr(cpu, addr, 1, VCPU_READ);
}

EXEC(exec_dc)
{
    touch(cpu, cpu->regs.r[op->rd]);
}
EXEC(exec_dc_zva)
{
    uint64_t addr = cpu->regs.r[op->rd] & ~(uint64_t)(A64_ZVA_BYTES - 1);
    uint8_t *block = guest_ptr(cpu, addr, A64_ZVA_BYTES, VCPU_WRITE);
    /* First the first byte, so that a fault tells that address: memset may begin anywhere. */
    *(volatile uint8_t *)block = 0;
    memset(block, 0, A64_ZVA_BYTES);
}

int pre_dc(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    op->rd = reg_src(op->rd);
    op->exec = bits(op->insn, 8, 4) == 4 ? exec_dc_zva : exec_dc;
    return 0;
}

/* CTR_EL0 tells the guest that the line is a page long. */
EXEC(exec_ic_ivau)
{
    uint64_t addr = cpu->regs.r[op->rd];
    touch(cpu, addr);
    uint64_t line = 4ULL << (A64_CTR_EL0 & 15);
    vcpu_vm_code_changed(vcpu_of(cpu)->vm, addr & 0x00ffffffffffffffULL & ~(line - 1), line);
}

int pre_ic_ivau(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    op->rd = reg_src(op->rd);
    op->exec = exec_ic_ivau;
    return 0;
}

/* System registers. */
#define SYSREG(op0, op1, crn, crm, op2)                                                            \
    ((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
#define SYS_NZCV       SYSREG(3, 3, 4, 2, 0)
#define SYS_FPCR       SYSREG(3, 3, 4, 4, 0)
#define SYS_FPSR       SYSREG(3, 3, 4, 4, 1)
#define SYS_TPIDR_EL0  SYSREG(3, 3, 13, 0, 2)
#define SYS_TPIDRRO    SYSREG(3, 3, 13, 0, 3)
#define SYS_CTR_EL0    SYSREG(3, 3, 0, 0, 1)
#define SYS_DCZID_EL0  SYSREG(3, 3, 0, 0, 7)
#define SYS_CNTFRQ_EL0 SYSREG(3, 3, 14, 0, 0)
#define SYS_CNTVCT_EL0 SYSREG(3, 3, 14, 0, 2)

static unsigned sysreg_key(uint32_t insn)
{
    return bits(insn, 5, 16);
}

EXEC(mrs_const)
{
    cpu->regs.r[op->rd] = op->imm;
}
EXEC(mrs_nzcv)
{
    cpu->regs.r[op->rd] = cpu->regs.nzcv;
}
EXEC(mrs_fpcr)
{
    cpu->regs.r[op->rd] = cpu->regs.fpcr;
}
EXEC(mrs_fpsr)
{
    cpu->regs.r[op->rd] = cpu->regs.fpsr;
}
EXEC(mrs_tpidr)
{
    cpu->regs.r[op->rd] = cpu->regs.tpidr;
}
EXEC(mrs_cntvct)
{
    cpu->regs.r[op->rd] = vcpu_of(cpu)->vm->config.counter();
}
EXEC(mrs_cntfrq)
{
    cpu->regs.r[op->rd] = vcpu_of(cpu)->vm->config.counter_hz;
}

EXEC(msr_nzcv)
{
    cpu->regs.nzcv = (uint32_t)cpu->regs.r[op->rd] & 0xf0000000u;
}
EXEC(msr_fpcr)
{
    cpu->regs.fpcr = (uint32_t)cpu->regs.r[op->rd] & A64_FPCR_MASK;
}
EXEC(msr_fpsr)
{
    cpu->regs.fpsr = (uint32_t)cpu->regs.r[op->rd] & A64_FPSR_MASK;
}
EXEC(msr_tpidr)
{
    cpu->regs.tpidr = cpu->regs.r[op->rd];
}

/* The identification space op0=3 op1=0 CRn=0, as Linux emulates it for EL0
 * (arch/arm64/kernel/cpufeature.c, emulate_sys_reg): CRm 0 has three registers, CRm 2 to 7 read as
 * zero where nothing is tracked. */
static int id_register(unsigned key, uint64_t *value)
{
    static const struct {
        unsigned key;
        uint64_t value;
    } known[] = {
        {SYSREG(3, 0, 0, 0, 0), A64_MIDR_EL1},
        {SYSREG(3, 0, 0, 0, 5), A64_MPIDR_EL1},
        {SYSREG(3, 0, 0, 0, 6), 0}, /* REVIDR_EL1 */
        {SYSREG(3, 0, 0, 4, 0), A64_ID_AA64PFR0_EL1},
        {SYSREG(3, 0, 0, 5, 0), A64_ID_AA64DFR0_EL1},
        {SYSREG(3, 0, 0, 6, 0), A64_ID_AA64ISAR0_EL1},
        {SYSREG(3, 0, 0, 6, 1), A64_ID_AA64ISAR1_EL1},
        {SYSREG(3, 0, 0, 7, 0), A64_ID_AA64MMFR0_EL1},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i].key == key) {
            *value = known[i].value;
            return 0;
        }
    }
    unsigned crm = (key >> 3) & 15;
    if ((key & ~0x7fu) != SYSREG(3, 0, 0, 0, 0) || crm < 2 || crm > 7)
        return -1;
    *value = 0;
    return 0;
}

int pre_mrs(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    unsigned key = sysreg_key(op->insn);
    op->rd = reg_dst(op->rd);
    op->exec = mrs_const;
    switch (key) {
    case SYS_NZCV: op->exec = mrs_nzcv; return 0;
    case SYS_FPCR: op->exec = mrs_fpcr; return 0;
    case SYS_FPSR: op->exec = mrs_fpsr; return 0;
    case SYS_TPIDR_EL0: op->exec = mrs_tpidr; return 0;
    case SYS_CNTVCT_EL0: op->exec = mrs_cntvct; return 0;
    case SYS_CNTFRQ_EL0: op->exec = mrs_cntfrq; return 0;
    case SYS_TPIDRRO: op->imm = 0; return 0;
    case SYS_CTR_EL0: op->imm = A64_CTR_EL0; return 0;
    case SYS_DCZID_EL0: op->imm = A64_DCZID_EL0; return 0;
    default: return id_register(key, &op->imm);
    }
}

int pre_msr(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    op->rd = reg_src(op->rd);
    switch (sysreg_key(op->insn)) {
    case SYS_NZCV: op->exec = msr_nzcv; return 0;
    case SYS_FPCR: op->exec = msr_fpcr; return 0;
    case SYS_FPSR: op->exec = msr_fpsr; return 0;
    case SYS_TPIDR_EL0: op->exec = msr_tpidr; return 0;
    default: return -1;
    }
}
