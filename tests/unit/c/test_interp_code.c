/*
 * Code that changes, is protected or unmapped is not run any more; and flushes of the whole cache.
 */
#include <fenv.h>
#include <pthread.h>
#include <stdatomic.h>

#include "check.h"
#include "vcpu_guest.h"

#define MOVZ_X0(n)   (0xd2800000u | (uint32_t)(n) << 5)
#define INSN_SVC     0xd4002461u /* svc #0x123 */
#define INSN_BRK     0xd42008a0u
#define INSN_IC_IVAU 0xd50b7521u /* ic ivau, x1 */
#define INSN_ISB     0xd5033fdfu
#define INSN_STR_W   0xb9000022u /* str w2, [x1] */

static void exits(void)
{
    struct vcpu_regs *r = vcpu_regs(guest_cpu);
    GUEST_CODE(CODE, INSN_SVC, INSN_BRK, 0, 0xffffffff);
    struct vcpu_exit e = guest_run(CODE);
    CHECK_EQ(e.reason, VCPU_EXIT_SVC);
    CHECK_EQ(e.imm, 0x123);
    CHECK_EQ(r->pc, CODE + 4);
    e = guest_run(CODE + 4);
    CHECK_EQ(e.reason, VCPU_EXIT_BRK);
    CHECK_EQ(e.imm, 0x45);
    CHECK_EQ(r->pc, CODE + 4);
    e = guest_run(CODE + 8);
    CHECK_EQ(e.reason, VCPU_EXIT_UNDEF);
    CHECK_EQ(e.imm, 0);
    e = guest_run(CODE + 12);
    CHECK_EQ(e.reason, VCPU_EXIT_UNDEF);
    CHECK_EQ(e.imm, 0xffffffff);
    CHECK_EQ(r->pc, CODE + 12);
}

/* The caller's floating-point control comes back as it was, also from a fault's exit. */
static void host_rounding(void)
{
    fesetround(FE_UPWARD);
    feclearexcept(FE_ALL_EXCEPT);
    GUEST_CODE(CODE, 0x1e621820u /* fdiv d0, d1, d2 */, INSN_SVC);
    struct vcpu_regs *r = vcpu_regs(guest_cpu);
    double one = 1, three = 3, third = 1.0 / 3;
    memcpy(&r->v[1][0], &one, 8);
    memcpy(&r->v[2][0], &three, 8);
    CHECK_EQ(guest_run(CODE).reason, VCPU_EXIT_SVC);
    CHECK(memcmp(&r->v[0][0], &third, 8) == 0);
    CHECK_EQ(fegetround(), FE_UPWARD);
    CHECK_EQ(fetestexcept(FE_ALL_EXCEPT), 0);
    CHECK_EQ(guest_run(HOLE).reason, VCPU_EXIT_FAULT);
    CHECK_EQ(fegetround(), FE_UPWARD);
    fesetround(FE_TONEAREST);
}

static void changed_by_host(void)
{
    for (unsigned n = 1; n < 40; n++) {
        GUEST_CODE(CODE + 64, MOVZ_X0(n), INSN_SVC);
        CHECK_EQ(guest_run(CODE + 64).reason, VCPU_EXIT_SVC);
        CHECK_EQ(vcpu_regs(guest_cpu)->x[0], n);
    }
}

/* The guest writes an instruction further on, with IC IVAU of its address and ISB. */
static void changed_by_guest(void)
{
    struct vcpu_regs *r = vcpu_regs(guest_cpu);
    GUEST_CODE(CODE, INSN_STR_W, INSN_IC_IVAU, INSN_ISB, MOVZ_X0(1), INSN_SVC);
    for (unsigned n = 2; n < 40; n++) {
        r->x[1] = CODE + 12;
        r->x[2] = MOVZ_X0(n);
        CHECK_EQ(guest_run(CODE).reason, VCPU_EXIT_SVC);
        CHECK_EQ(r->x[0], n);
    }
}

static void permission(void)
{
    GUEST_CODE(CODE, MOVZ_X0(7), INSN_SVC);
    CHECK_EQ(guest_run(CODE).reason, VCPU_EXIT_SVC);
    vcpu_vm_protect(guest_vm, CODE, PAGE, VCPU_PROT_READ | VCPU_PROT_WRITE);
    struct vcpu_exit e = guest_run(CODE);
    CHECK_EQ(e.reason, VCPU_EXIT_FAULT);
    CHECK_EQ(e.access, VCPU_EXEC);
    CHECK_EQ(e.addr, CODE);
    vcpu_vm_protect(guest_vm, CODE, PAGE, VCPU_PROT_READ | VCPU_PROT_EXEC);
    CHECK_EQ(guest_run(CODE).reason, VCPU_EXIT_SVC);
    /* A range far larger than what has code in it. */
    vcpu_vm_protect(guest_vm, 0, GUEST_SIZE, 0);
    CHECK_EQ(guest_run(CODE).reason, VCPU_EXIT_FAULT);
    vcpu_vm_protect(guest_vm, CODE, PAGE, VCPU_PROT_READ | VCPU_PROT_EXEC);
    CHECK_EQ(guest_run(CODE).reason, VCPU_EXIT_SVC);
    /* Ends beyond the guest's range are clipped. */
    vcpu_vm_protect(guest_vm, CODE, ~0ull, 0);
    CHECK_EQ(guest_run(CODE).reason, VCPU_EXIT_FAULT);
    vcpu_vm_protect(guest_vm, CODE, PAGE, VCPU_PROT_READ | VCPU_PROT_EXEC);
}

/* Executable ranges: every page of a region switched in a pseudo-random order against a plain
 * array. */
static void ranges(void)
{
    enum { PAGES = 40 };
    const uint64_t at = 0x100000;
    bool want[PAGES] = {false};
    uint32_t seed = 12345;
    mprotect(guest_base + at, PAGES * PAGE, PROT_READ | PROT_WRITE);
    for (unsigned i = 0; i < PAGES; i++)
        memcpy(guest_base + at + i * PAGE, &(uint32_t){INSN_SVC}, 4);
    for (unsigned round = 0; round < 300; round++) {
        seed = seed * 1664525 + 1013904223;
        unsigned first = (seed >> 8) % PAGES, count = 1 + (seed >> 16) % 6;
        bool executable = seed >> 31;
        if (first + count > PAGES)
            count = PAGES - first;
        vcpu_vm_protect(guest_vm, at + first * PAGE, count * PAGE,
                        executable ? VCPU_PROT_READ | VCPU_PROT_EXEC : VCPU_PROT_READ);
        for (unsigned i = first; i < first + count; i++)
            want[i] = executable;
        for (unsigned i = 0; i < PAGES; i++)
            CHECK_EQ(guest_run(at + i * PAGE).reason, want[i] ? VCPU_EXIT_SVC : VCPU_EXIT_FAULT);
    }
    vcpu_vm_protect(guest_vm, at, PAGES * PAGE, 0);
}

/* One thread runs a function that another keeps rewriting, with branches into it from an unchanged
 * block. */
static atomic_bool stop_changing;

static void *changer(void *unused)
{
    (void)unused;
    for (unsigned n = 0; !atomic_load(&stop_changing); n++) {
        uint32_t insn = MOVZ_X0(n & 0xfff);
        __atomic_store_n((uint32_t *)(guest_base + CODE + 256), insn, __ATOMIC_RELAXED);
        vcpu_vm_code_changed(guest_vm, CODE + 256, 4);
        if (n % 16 == 0)
            vcpu_vm_protect(guest_vm, 0x200000, PAGE, n % 32 ? VCPU_PROT_EXEC : 0);
    }
    return NULL;
}

static void changed_while_running(void)
{
    struct vcpu_regs *r = vcpu_regs(guest_cpu);
    GUEST_CODE(CODE, 0x14000040u /* b CODE+256 */);
    GUEST_CODE(CODE + 256, MOVZ_X0(0), 0xd1000421u /* sub x1, x1, #1 */,
               0xb5fff7c1u /* cbnz x1, CODE */, INSN_SVC);
    pthread_t thread;
    pthread_create(&thread, NULL, changer, NULL);
    r->x[1] = 200000;
    CHECK_EQ(guest_run(CODE).reason, VCPU_EXIT_SVC);
    CHECK_EQ(r->x[1], 0);
    CHECK(r->x[0] < 0x1000);
    atomic_store(&stop_changing, true);
    pthread_join(thread, NULL);
}

/* More code than the cache keeps, twice, on two threads: blocks are freed under a vcpu that runs.
 */
#define BIG      0x1000000ull
#define BIG_SIZE (40ull << 20)

static void *walk(void *reason)
{
    guest_signal_stack();
    guest_cpu = vcpu_create(guest_vm);
    *(int *)reason = guest_run(BIG).reason;
    vcpu_destroy(guest_cpu);
    return NULL;
}

static void flush(void)
{
    uint32_t *words = (uint32_t *)(guest_base + BIG);
    mprotect(words, BIG_SIZE, PROT_READ | PROT_WRITE);
    /* A chain of branches, 32 bytes each: a block of one operation for each. */
    for (uint64_t i = 0; i < BIG_SIZE / 4; i += 8)
        words[i] = 0x14000008u; /* b .+32 */
    words[BIG_SIZE / 4 - 8] = INSN_SVC;
    vcpu_vm_protect(guest_vm, BIG, BIG_SIZE, VCPU_PROT_READ | VCPU_PROT_EXEC);
    pthread_t thread[2];
    int reason[2] = {-1, -1};
    for (unsigned i = 0; i < 2; i++)
        pthread_create(&thread[i], NULL, walk, &reason[i]);
    for (unsigned i = 0; i < 2; i++) {
        pthread_join(thread[i], NULL);
        CHECK_EQ(reason[i], VCPU_EXIT_SVC);
    }
}

int main(void)
{
    guest_create();
    exits();
    host_rounding();
    changed_by_host();
    mprotect(guest_base + CODE, PAGE, PROT_READ | PROT_WRITE);
    changed_by_guest();
    permission();
    ranges();
    changed_while_running();
    flush();
    guest_destroy();
    return check_done("interp_code");
}
