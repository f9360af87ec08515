/*
 * Interrupts from other threads and signal handlers, and exclusives between two vcpus.
 */
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "vcpu_guest.h"

#define INSN_SVC 0xd4002461u

static void *interrupt_soon(void *vcpu)
{
    nanosleep(&(struct timespec){0, 2000000}, NULL);
    vcpu_interrupt(vcpu);
    return NULL;
}

/* Each of these never ends by itself. */
static void endless_loops(void)
{
    static const struct {
        const char *what;
        uint32_t words[3];
    } loops[] = {
        {"b .", {0x14000000u}},
        {"br x0", {0xd61f0000u}},
        {"blr x0", {0xd63f0000u}},
        {"ret x0", {0xd65f0000u}},
        {"nop; b", {0xd503201fu, 0x17ffffffu}},
        {"wfe; cbz xzr", {0xd503205fu, 0xb4ffffffu}},
    };
    for (unsigned i = 0; i < sizeof loops / sizeof *loops; i++) {
        pthread_t thread;
        guest_code(CODE, loops[i].words, 3);
        vcpu_regs(guest_cpu)->x[0] = CODE;
        pthread_create(&thread, NULL, interrupt_soon, guest_cpu);
        CHECK_EQ(guest_run(CODE).reason, VCPU_EXIT_INTERRUPT);
        CHECK(vcpu_regs(guest_cpu)->pc == CODE || vcpu_regs(guest_cpu)->pc == CODE + 4);
        pthread_join(thread, NULL);
    }
}

static void pending(void)
{
    GUEST_CODE(CODE, INSN_SVC);
    vcpu_interrupt(guest_cpu);
    vcpu_interrupt(guest_cpu);
    CHECK_EQ(guest_run(CODE).reason, VCPU_EXIT_INTERRUPT);
    CHECK_EQ(vcpu_regs(guest_cpu)->pc, CODE);
    CHECK_EQ(guest_run(CODE).reason, VCPU_EXIT_SVC);
}

static struct vcpu *alarm_target;
static void on_alarm(int sig)
{
    (void)sig;
    vcpu_interrupt(alarm_target);
}

static void from_signal_handler(void)
{
    struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = SA_ONSTACK};
    sigaction(SIGALRM, &sa, NULL);
    alarm_target = guest_cpu;
    GUEST_CODE(CODE, 0x91000442u /* add x2, x2, #1 */, 0x17ffffffu /* b .-4 */);
    vcpu_regs(guest_cpu)->x[2] = 0;
    ualarm(3000, 0);
    CHECK_EQ(guest_run(CODE).reason, VCPU_EXIT_INTERRUPT);
    CHECK(vcpu_regs(guest_cpu)->x[2] > 0);
}

/* Two threads run the code with a loop count in x0 and the counter's address in x1. */
#define ROUNDS 100000

static void *run_counter(void *reason)
{
    guest_signal_stack();
    guest_cpu = vcpu_create(guest_vm);
    struct vcpu_regs *r = vcpu_regs(guest_cpu);
    r->x[0] = ROUNDS;
    r->x[1] = DATA;
    r->x[5] = 1;
    *(int *)reason = guest_run(CODE).reason;
    vcpu_destroy(guest_cpu);
    return NULL;
}

static void count_on_two_threads(void)
{
    pthread_t threads[2];
    memset(guest_base + DATA, 0, 16);
    int reason[2] = {-1, -1};
    for (unsigned i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, run_counter, &reason[i]);
    for (unsigned i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        CHECK_EQ(reason[i], VCPU_EXIT_SVC);
    }
}

static uint64_t counter(unsigned index)
{
    uint64_t v;
    memcpy(&v, guest_base + DATA + 8 * index, 8);
    return v;
}

static void exclusives(void)
{
    GUEST_CODE(CODE, 0xc85f7c22u, /* ldxr x2, [x1] */
               0x91000442u,       /* add x2, x2, #1 */
               0xc8037c22u,       /* stxr w3, x2, [x1] */
               0x35ffffa3u,       /* cbnz w3, .-12 */
               0xd1000400u,       /* sub x0, x0, #1 */
               0xb5ffff60u,       /* cbnz x0, .-20 */
               INSN_SVC);
    count_on_two_threads();
    CHECK_EQ(counter(0), 2 * ROUNDS);
}

static void exclusive_pairs(void)
{
    GUEST_CODE(CODE, 0xc87f0c22u, /* ldxp x2, x3, [x1] */
               0x91000442u,       /* add x2, x2, #1 */
               0x91000863u,       /* add x3, x3, #2 */
               0xc8240c22u,       /* stxp w4, x2, x3, [x1] */
               0x35ffff84u,       /* cbnz w4, .-16 */
               0xd1000400u,       /* sub x0, x0, #1 */
               0xb5ffff40u,       /* cbnz x0, .-24 */
               INSN_SVC);
    count_on_two_threads();
    CHECK_EQ(counter(0), 2 * ROUNDS);
    CHECK_EQ(counter(1), 4 * ROUNDS);
}

static void atomics(void)
{
    GUEST_CODE(CODE, 0xf8e50023u, /* ldaddal x5, x3, [x1] */
               0xd1000400u,       /* sub x0, x0, #1 */
               0xb5ffffc0u,       /* cbnz x0, .-8 */
               INSN_SVC);
    count_on_two_threads();
    CHECK_EQ(counter(0), 2 * ROUNDS);
}

/* The monitor: cleared by CLREX, by a run's start, by a store-exclusive, and not matched by another
 * address. */
static void monitor(void)
{
    struct vcpu_regs *r = vcpu_regs(guest_cpu);
    const uint32_t ldxr = 0xc85f7c22u, stxr = 0xc8037c22u, clrex = 0xd5033f5fu;
    r->x[1] = DATA;
    GUEST_CODE(CODE, ldxr, stxr, INSN_SVC);
    guest_run(CODE);
    CHECK_EQ(r->x[3], 0);
    GUEST_CODE(CODE, ldxr, clrex, stxr, INSN_SVC);
    guest_run(CODE);
    CHECK_EQ(r->x[3], 1);
    GUEST_CODE(CODE, ldxr, stxr, stxr, INSN_SVC);
    guest_run(CODE);
    CHECK_EQ(r->x[3], 1);
    GUEST_CODE(CODE, ldxr, INSN_SVC, stxr, INSN_SVC);
    guest_run(CODE);
    guest_run(CODE + 8);
    CHECK_EQ(r->x[3], 1);
    GUEST_CODE(CODE, ldxr, 0x91002021u /* add x1, x1, #8 */, stxr, INSN_SVC);
    guest_run(CODE);
    CHECK_EQ(r->x[3], 1);
}

int main(void)
{
    guest_create();
    endless_loops();
    pending();
    from_signal_handler();
    exclusives();
    exclusive_pairs();
    atomics();
    monitor();
    guest_destroy();
    return check_done("interp_threads");
}
