/*
 * A fault shows the guest as of the faulting instruction, with the first byte that failed.
 */
#include "check.h"
#include "vcpu_guest.h"

#define INSN_NOP     0xd503201fu
#define INSN_BRK     0xd42008a0u /* brk #0x45 */
#define INSN_LDR     0xf9400022u /* ldr x2, [x1] */
#define INSN_LDR_ZR  0xf940003fu /* ldr xzr, [x1] */
#define INSN_STR     0xf9000022u /* str x2, [x1] */
#define INSN_STP     0xa9000c22u /* stp x2, x3, [x1] */
#define INSN_LDP_P   0xa8c10c22u /* ldp x2, x3, [x1], #16 */
#define INSN_LDR_PRE 0xf8408c22u /* ldr x2, [x1, #8]! */
#define INSN_LDR_SP  0xf94003e2u /* ldr x2, [sp] */
#define INSN_LDAR    0xc8dffc22u /* ldar x2, [x1] */
#define INSN_LDXR    0xc85f7c22u /* ldxr x2, [x1] */
#define INSN_LDADDAL 0xf8e20023u /* ldaddal x2, x3, [x1] */
#define INSN_CASP    0x48227c24u /* casp x2, x3, x4, x5, [x1] */
#define INSN_PRFM    0xf9800020u /* prfm pldl1keep, [x1] */
#define INSN_DC_ZVA  0xd50b7421u
#define INSN_DC_CVAU 0xd50b7b21u
#define INSN_BR      0xd61f0000u /* br x0 */

/* Run nop; insn; brk with x1 = addr, and check that all of it is as before the instruction. */
static struct vcpu_exit fault_at(uint32_t insn, uint64_t addr)
{
    struct vcpu_regs *r = vcpu_regs(guest_cpu), before;
    for (unsigned i = 0; i < 31; i++)
        r->x[i] = 0x0101010101010101ull * i;
    r->x[1] = addr;
    r->nzcv = 0x60000000;
    GUEST_CODE(CODE, INSN_NOP, insn, INSN_BRK);
    r->pc = CODE;
    before = *r;
    struct vcpu_exit exit = guest_run(CODE);
    if (exit.reason == VCPU_EXIT_FAULT) {
        before.pc = CODE + 4;
        CHECK(memcmp(&before, r, sizeof before) == 0);
    }
    return exit;
}

#define CHECK_FAULT(insn, at, access_, cause_, addr_)                                              \
    do {                                                                                           \
        struct vcpu_exit e_ = fault_at(insn, at);                                                  \
        CHECK_EQ(e_.reason, VCPU_EXIT_FAULT);                                                      \
        CHECK_EQ(e_.access, access_);                                                              \
        CHECK_EQ(e_.cause, cause_);                                                                \
        CHECK_EQ(e_.addr, addr_);                                                                  \
    } while (0)

static void unmapped(void)
{
    CHECK_FAULT(INSN_LDR, HOLE + 24, VCPU_READ, VCPU_FAULT_PERM, HOLE + 24);
    CHECK_FAULT(INSN_LDR_ZR, HOLE + 24, VCPU_READ, VCPU_FAULT_PERM, HOLE + 24);
    CHECK_FAULT(INSN_STR, HOLE + 24, VCPU_WRITE, VCPU_FAULT_PERM, HOLE + 24);
    CHECK_FAULT(INSN_LDP_P, HOLE, VCPU_READ, VCPU_FAULT_PERM, HOLE);
    CHECK_FAULT(INSN_LDR_PRE, HOLE - 8, VCPU_READ, VCPU_FAULT_PERM, HOLE);
    CHECK_FAULT(INSN_LDR, 0, VCPU_READ, VCPU_FAULT_PERM, 0);
    CHECK_FAULT(INSN_STR, RODATA + 8, VCPU_WRITE, VCPU_FAULT_PERM, RODATA + 8);
    CHECK_FAULT(INSN_LDADDAL, RODATA + 8, VCPU_WRITE, VCPU_FAULT_PERM, RODATA + 8);
    CHECK_FAULT(INSN_CASP, RODATA + 16, VCPU_WRITE, VCPU_FAULT_PERM, RODATA + 16);
}

/* Nothing outside the guest's range is reached, from either end. */
static void out_of_range(void)
{
    CHECK_FAULT(INSN_LDR, GUEST_SIZE, VCPU_READ, VCPU_FAULT_MAP, GUEST_SIZE);
    CHECK_FAULT(INSN_STR, ~0ull, VCPU_WRITE, VCPU_FAULT_MAP, ~0ull);
    CHECK_FAULT(INSN_STR, 1ull << 55, VCPU_WRITE, VCPU_FAULT_MAP, 1ull << 55);
}

static void page_crossing(void)
{
    uint8_t before[8];
    memcpy(before, guest_base + HOLE - 8, 8);
    CHECK_FAULT(INSN_LDR, HOLE - 3, VCPU_READ, VCPU_FAULT_PERM, HOLE);
    CHECK_FAULT(INSN_STR, HOLE - 3, VCPU_WRITE, VCPU_FAULT_PERM, HOLE);
    CHECK_FAULT(INSN_STP, HOLE - 8, VCPU_WRITE, VCPU_FAULT_PERM, HOLE);
    CHECK_FAULT(INSN_STP, HOLE - 5, VCPU_WRITE, VCPU_FAULT_PERM, HOLE);
    CHECK_FAULT(INSN_LDP_P, HOLE - 8, VCPU_READ, VCPU_FAULT_PERM, HOLE);
    CHECK(memcmp(before, guest_base + HOLE - 8, 8) == 0);
    /* Across two good pages. */
    struct vcpu_exit e = fault_at(INSN_STR, DATA + PAGE - 3);
    CHECK_EQ(e.reason, VCPU_EXIT_BRK);
    uint64_t v;
    memcpy(&v, guest_base + DATA + PAGE - 3, 8);
    CHECK_EQ(v, 0x0202020202020202);
}

static void alignment(void)
{
    CHECK_FAULT(INSN_LDAR, DATA + 4, VCPU_READ, VCPU_FAULT_ALIGN, DATA + 4);
    CHECK_FAULT(INSN_LDXR, DATA + 1, VCPU_READ, VCPU_FAULT_ALIGN, DATA + 1);
    CHECK_FAULT(INSN_LDADDAL, DATA + 4, VCPU_WRITE, VCPU_FAULT_ALIGN, DATA + 4);
    CHECK_FAULT(INSN_CASP, DATA + 8, VCPU_WRITE, VCPU_FAULT_ALIGN, DATA + 8);
    vcpu_regs(guest_cpu)->sp = DATA + 8;
    CHECK_FAULT(INSN_LDR_SP, 0, VCPU_READ, VCPU_FAULT_ALIGN, DATA + 8);
    vcpu_regs(guest_cpu)->sp = DATA + 16;
    CHECK_EQ(fault_at(INSN_LDR_SP, 0).reason, VCPU_EXIT_BRK);
}

static void tags_and_hints(void)
{
    uint64_t value = 0x1234567890abcdef;
    memcpy(guest_base + DATA + 16, &value, 8);
    CHECK_EQ(fault_at(INSN_LDR, DATA + 16 + (0xabull << 56)).reason, VCPU_EXIT_BRK);
    CHECK_EQ(vcpu_regs(guest_cpu)->x[2], value);
    CHECK_EQ(fault_at(INSN_PRFM, HOLE).reason, VCPU_EXIT_BRK);
    CHECK_EQ(fault_at(INSN_PRFM, ~0ull).reason, VCPU_EXIT_BRK);
}

static void cache_maintenance(void)
{
    memset(guest_base + DATA, 0xaa, 256);
    CHECK_EQ(fault_at(INSN_DC_ZVA, DATA + 64 + 17).reason, VCPU_EXIT_BRK);
    for (unsigned i = 0; i < 256; i++)
        CHECK_EQ(guest_base[DATA + i], i >= 64 && i < 128 ? 0 : 0xaa);
    CHECK_FAULT(INSN_DC_ZVA, HOLE, VCPU_WRITE, VCPU_FAULT_PERM, HOLE);
    CHECK_FAULT(INSN_DC_ZVA, RODATA, VCPU_WRITE, VCPU_FAULT_PERM, RODATA);
    CHECK_EQ(fault_at(INSN_DC_CVAU, RODATA).reason, VCPU_EXIT_BRK);
    CHECK_FAULT(INSN_DC_CVAU, HOLE, VCPU_READ, VCPU_FAULT_PERM, HOLE);
}

static void fetch(void)
{
    struct vcpu_regs *r = vcpu_regs(guest_cpu);
    static const uint64_t bad[] = {DATA, HOLE, 0, GUEST_SIZE, 1ull << 55, ~3ull};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        GUEST_CODE(CODE, INSN_BR);
        r->x[0] = bad[i];
        struct vcpu_exit e = guest_run(CODE);
        CHECK_EQ(e.reason, VCPU_EXIT_FAULT);
        CHECK_EQ(e.access, VCPU_EXEC);
        CHECK_EQ(e.addr, bad[i]);
        CHECK_EQ(r->pc, bad[i]);
    }
    static const uint64_t unaligned[] = {CODE + 2, 1, ~0ull, 0x0100000000000001ull};
    for (unsigned i = 0; i < sizeof unaligned / sizeof *unaligned; i++) {
        struct vcpu_exit e = guest_run(unaligned[i]);
        CHECK_EQ(e.reason, VCPU_EXIT_FAULT);
        CHECK_EQ(e.cause, VCPU_FAULT_ALIGN);
        CHECK_EQ(e.access, VCPU_EXEC);
        CHECK_EQ(r->pc, unaligned[i]);
        r->x[0] = unaligned[i];
        GUEST_CODE(CODE, INSN_BR);
        e = guest_run(CODE);
        CHECK_EQ(e.cause, VCPU_FAULT_ALIGN);
    }
    /* Straight into a page that is not executable. */
    GUEST_CODE(CODE + PAGE - 4, INSN_NOP);
    struct vcpu_exit e = guest_run(CODE + PAGE - 4);
    CHECK_EQ(e.access, VCPU_EXEC);
    CHECK_EQ(e.addr, CODE + PAGE);
    CHECK_EQ(r->pc, CODE + PAGE);
    /* A tag in a branch target is dropped. */
    GUEST_CODE(CODE, INSN_BR, INSN_BRK);
    r->x[0] = CODE + 4 + (0x5full << 56);
    CHECK_EQ(guest_run(CODE).reason, VCPU_EXIT_BRK);
    CHECK_EQ(r->pc, CODE + 4);
}

/* Executable by the guest's map, but the host cannot read it: the fault is a fetch's. */
static void fetch_without_memory(void)
{
    vcpu_vm_protect(guest_vm, HOLE, PAGE, VCPU_PROT_READ | VCPU_PROT_EXEC);
    struct vcpu_exit e = guest_run(HOLE + 8);
    CHECK_EQ(e.reason, VCPU_EXIT_FAULT);
    CHECK_EQ(e.access, VCPU_EXEC);
    CHECK_EQ(e.addr, HOLE + 8);
    CHECK_EQ(vcpu_regs(guest_cpu)->pc, HOLE + 8);
    vcpu_vm_protect(guest_vm, HOLE, PAGE, 0);
}

int main(void)
{
    guest_create();
    unmapped();
    out_of_range();
    page_crossing();
    alignment();
    tags_and_hints();
    cache_maintenance();
    fetch();
    fetch_without_memory();
    guest_destroy();
    return check_done("interp_fault");
}
