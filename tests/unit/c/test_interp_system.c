/*
 * What EL0 reads of the system registers: exactly what the table implements.
 */
#include "check.h"
#include "vcpu/a64/idregs.h"
#include "vcpu_guest.h"

#define INSN_SVC 0xd4002461u

static uint64_t mrs(uint32_t insn)
{
    GUEST_CODE(CODE, insn, INSN_SVC);
    vcpu_regs(guest_cpu)->x[0] = 0xdeadbeef;
    CHECK_EQ(guest_run(CODE).reason, VCPU_EXIT_SVC);
    return vcpu_regs(guest_cpu)->x[0];
}

static void undefined(uint32_t insn)
{
    GUEST_CODE(CODE, insn, INSN_SVC);
    struct vcpu_exit e = guest_run(CODE);
    CHECK_EQ(e.reason, VCPU_EXIT_UNDEF);
    CHECK_EQ(e.imm, insn);
    CHECK_EQ(vcpu_regs(guest_cpu)->pc, CODE);
}

static unsigned field(uint64_t v, unsigned lsb)
{
    return v >> lsb & 15;
}

int main(void)
{
    guest_create();
    struct vcpu_regs *r = vcpu_regs(guest_cpu);
    CHECK_EQ(mrs(0xd53b0020), A64_CTR_EL0);
    CHECK_EQ(mrs(0xd53b00e0), 4);            /* DCZID_EL0 */
    CHECK_EQ(mrs(0xd53be040), 0x1122334455); /* CNTVCT_EL0 */
    CHECK_EQ(mrs(0xd53be000), 1000000000);   /* CNTFRQ_EL0 */
    CHECK_EQ(mrs(0xd5380000), A64_MIDR_EL1);
    CHECK_EQ(mrs(0xd53800a0), 1u << 31); /* MPIDR_EL1 */
    CHECK_EQ(mrs(0xd53bd060), 0);        /* TPIDRRO_EL0 */

    uint64_t isar0 = mrs(0xd5380600), isar1 = mrs(0xd5380620), pfr0 = mrs(0xd5380400);
    CHECK_EQ(field(isar0, 4), 2);  /* AES, PMULL */
    CHECK_EQ(field(isar0, 8), 1);  /* SHA1 */
    CHECK_EQ(field(isar0, 12), 1); /* SHA2 */
    CHECK_EQ(field(isar0, 16), 1); /* CRC32 */
    CHECK_EQ(field(isar0, 20), 2); /* LSE */
    CHECK_EQ(field(isar0, 28), 1); /* RDM */
    CHECK_EQ(field(isar0, 32), 0); /* SHA3 */
    CHECK_EQ(field(isar0, 44), 1); /* DP */
    CHECK_EQ(field(isar0, 52), 1); /* FLAGM */
    CHECK_EQ(field(isar1, 0), 0);  /* DPB */
    CHECK_EQ(field(isar1, 4), 0);  /* APA */
    CHECK_EQ(field(isar1, 12), 1); /* JSCVT */
    CHECK_EQ(field(isar1, 16), 1); /* FCMA */
    CHECK_EQ(field(isar1, 20), 1); /* LRCPC */
    CHECK_EQ(field(isar1, 32), 1); /* FRINTTS */
    CHECK_EQ(field(pfr0, 16), 1);  /* FP with half precision */
    CHECK_EQ(field(pfr0, 20), 1);
    CHECK_EQ(field(pfr0, 32), 0); /* SVE */
    CHECK_EQ(mrs(0xd5380440), 0); /* ID_AA64PFR2: untracked, reads as zero */

    /* TPIDR_EL0 */
    r->x[1] = 0x123456789abcdef0;
    GUEST_CODE(CODE, 0xd51bd041, 0xd53bd040, INSN_SVC);
    guest_run(CODE);
    CHECK_EQ(r->x[0], 0x123456789abcdef0);
    CHECK_EQ(r->tpidr, 0x123456789abcdef0);

    undefined(0xd5380100); /* ID_PFR0_EL1: CRm 1 is not emulated */
    undefined(0xd5380020); /* CRm 0, op2 1 */
    undefined(0xd53b9d00); /* PMCCNTR_EL0 */
    undefined(0xd5384240); /* CurrentEL */
    undefined(0xd51be040); /* msr cntvct_el0, x0 */
    undefined(0xd4000002); /* hvc #0 */
    undefined(0xd4000003); /* smc #0 */
    undefined(0xd4400000); /* hlt #0 */
    undefined(0xd69f03e0); /* eret */
    undefined(0xd50330ff); /* sb: not in the list */
    guest_destroy();
    return check_done("interp_system");
}
