/*
 * The code cache beyond what any engine's tests see: after fork() each process changes its own copy
 * of the code, and calls that never return overflow nothing.
 */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "vcpu/jit/cache.h"
#include "vcpu_guest.h"

#define INSN_SVC     0xd4000001u
#define INSN_RET     0xd65f03c0u
#define MOVZ_X0(imm) (0xd2800000u | (uint32_t)(imm) << 5)
#define BL(distance) (0x94000000u | ((uint32_t)(distance) / 4 & 0x3ffffffu))
#define B(distance)  (0x14000000u | ((uint32_t)(distance) / 4 & 0x3ffffffu))
#define STR_X30_PUSH 0xf81f0ffeu /* str x30, [sp, #-16]! */
#define LDR_X30_POP  0xf84107feu /* ldr x30, [sp], #16 */

static uint64_t answer(uint64_t pc)
{
    struct vcpu_exit e = guest_run(pc);
    return e.reason == VCPU_EXIT_SVC ? vcpu_regs(guest_cpu)->x[0] : ~0ull;
}

/* Call a function in a place of its own, changed between the calls, so that blocks are made, linked
 * and killed. */
static unsigned changes(uint64_t function, unsigned from)
{
    unsigned right = 0;
    for (unsigned i = 0; i < 50; i++) {
        GUEST_CODE(function, MOVZ_X0(from + i), INSN_RET);
        right += answer(CODE) == from + i;
    }
    return right;
}

static void after_fork(void)
{
    const uint64_t function = CODE + 512;
    GUEST_CODE(CODE, BL(512), INSN_SVC);
    CHECK_EQ(changes(function, 1), 50);
    int ready[2];
    CHECK(pipe(ready) == 0);
    pid_t child = fork();
    pthread_mutex_lock(&guest_vm->lock);
    jit_cache_freeze(guest_vm->jit, child == 0);
    pthread_mutex_unlock(&guest_vm->lock);
    if (child == 0) {
        /* What the parent has translated serves the child as it is. */
        uint64_t made = guest_vm->jit->stats.blocks;
        if (answer(CODE) != 50 || guest_vm->jit->stats.blocks != made)
            _exit(3);
        /* The guest's memory is private here, so only the code could be shared. */
        unsigned right = changes(function, 1000);
        char done = 1;
        if (write(ready[1], &done, 1) != 1)
            _exit(2);
        usleep(20000); /* the parent changes its code */
        right += changes(function, 1000);
        _exit(right == 100 ? 0 : 1);
    }
    char done;
    CHECK(read(ready[0], &done, 1) == 1);
    CHECK_EQ(answer(CODE), 50);
    CHECK_EQ(changes(function, 2000), 50);
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_EQ(status, 0);
    CHECK_EQ(changes(function, 3000), 50);
    close(ready[0]);
    close(ready[1]);
}

/* Far more calls than the return stack holds: without a return, and all returned from. */
static void deep_calls(void)
{
    struct vcpu_regs *r = vcpu_regs(guest_cpu);
    GUEST_CODE(CODE, 0xd1000421u /* sub x1, x1, #1 */, 0xb4000041u /* cbz x1, .+8 */, BL(-8),
               MOVZ_X0(7), INSN_SVC);
    r->x[1] = 100000;
    CHECK_EQ(answer(CODE), 7);
    /* f: push the link; x1--; if it is not 0 call f; pop; return. */
    guest_map(0x1000000, 0x400000, PROT_READ | PROT_WRITE, VCPU_PROT_READ | VCPU_PROT_WRITE);
    GUEST_CODE(CODE, BL(16), MOVZ_X0(9), INSN_SVC, B(0));
    GUEST_CODE(CODE + 16, STR_X30_PUSH, 0xf1000421u /* subs x1, x1, #1 */,
               0x54000040u /* b.eq .+8 */, BL(-12), LDR_X30_POP, INSN_RET);
    for (unsigned i = 0; i < 3; i++) {
        r->sp = 0x1400000;
        r->x[1] = 200000;
        CHECK_EQ(answer(CODE), 9);
        CHECK_EQ(r->sp, 0x1400000);
        CHECK_EQ(r->x[1], 0);
    }
}

int main(void)
{
    guest_create();
    if (guest_vm->jit) {
        mprotect(guest_base + CODE, PAGE, PROT_READ | PROT_WRITE);
        after_fork();
        deep_calls();
    }
    guest_destroy();
    return check_done("jit_cache");
}
