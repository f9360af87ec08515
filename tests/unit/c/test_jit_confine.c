/*
 * Translated code stays inside the guest's range and its guard, whatever it knows of a base
 * register: random chains of steps from good addresses at both ends of the range, with readable and
 * writable memory right behind the guard on both sides, which an access that is not checked would
 * reach.
 */
#include "check.h"
#include "vcpu_guest.h"

#include "../../guest/chain.h"

#define ZONE   (256ull << 20) /* on each side, behind the guard */
#define LOW    0ull
#define TOP    (GUEST_SIZE - 2 * PAGE)
#define STEPS  56
#define ROUNDS 20000

static uint8_t *below_guard, *above_guard;

static void create(void)
{
    struct sigaction sa = {.sa_sigaction = guest_on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    guest_signal_stack();
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
    below_guard = mmap(NULL, GUEST_SIZE + 2 * (VCPU_GUARD + ZONE), PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (below_guard == MAP_FAILED)
        abort();
    guest_base = below_guard + ZONE + VCPU_GUARD;
    above_guard = guest_base + GUEST_SIZE + VCPU_GUARD;
    if (mprotect(below_guard, ZONE, PROT_READ | PROT_WRITE) ||
        mprotect(above_guard, ZONE, PROT_READ | PROT_WRITE))
        abort();
    struct vcpu_vm_config config = {guest_base, GUEST_SIZE, guest_counter, 1000000000,
                                    VCPU_ENGINE_JIT};
    guest_vm = vcpu_vm_create(&config);
    guest_cpu = guest_vm ? vcpu_create(guest_vm) : NULL;
    if (!guest_cpu) {
        printf("test_jit_confine: this host cannot run the translator\n");
        exit(0);
    }
    guest_map(CODE, PAGE, PROT_READ | PROT_WRITE, VCPU_PROT_READ | VCPU_PROT_EXEC);
    guest_map(LOW, 2 * PAGE, PROT_READ | PROT_WRITE, VCPU_PROT_READ | VCPU_PROT_WRITE);
    guest_map(TOP, 2 * PAGE, PROT_READ | PROT_WRITE, VCPU_PROT_READ | VCPU_PROT_WRITE);
}

static bool inside(uint64_t at, unsigned size)
{
    return untagged(at) - LOW <= 2 * PAGE - size || untagged(at) - TOP <= 2 * PAGE - size;
}

/* What the code's own page holds is no concern here. */
static bool in_code(uint64_t at)
{
    return untagged(at) + 64 - CODE < PAGE + 128;
}

/* A far step, up or down, by what keeps it in the zones as often as not. */
static void far_step(struct step *s)
{
    unsigned d = below(BASES), imm = 1 + below(1u << (1 + below(12)));
    bool up = s->r[d] >> 31 & 1; /* towards the end that is near */
    if (below(8) == 0)
        up = !up;
    imm = imm > 4095 ? 4095 : imm;
    s->word = (up ? 0x91400000 : 0xd1400000) | imm << 10 | number(d) << 5 | number(d);
    s->r[d] += up ? (uint64_t)imm << 12 : -((uint64_t)imm << 12);
}

static uint64_t start_value(void)
{
    switch (below(4)) {
    case 0: return LOW + below(PAGE) * 2;
    case 1: return TOP + below(PAGE) * 2;
    case 2: return TOP + 2 * PAGE - 16 * (1 + below(4));
    default: return LOW + 16 * below(4);
    }
}

enum end { GOES_ON, OUTSIDE, UNALIGNED, EITHER };

static enum end end_of(const struct step *s, const uint64_t *before)
{
    if (!s->size)
        return GOES_ON;
    if (s->sp_base && before[BASES - 1] & 15)
        return UNALIGNED;
    if (s->at & (s->align - 1))
        return EITHER;
    return inside(s->at, s->size) ? GOES_ON : OUTSIDE;
}

static struct step chain[STEPS + 1];

/* Up to the first access that fails. Returns the number of what succeeds. */
static unsigned make_chain(uint64_t *r, enum end *end)
{
    unsigned n = 0, far = 1 + below(6), length = 1 + below(STEPS);
    *end = GOES_ON;
    while (n < length) {
        struct step *s = &chain[n];
        *s = (struct step){0};
        memcpy(s->r, r, sizeof s->r);
        if (below(6) < far / 2)
            far_step(s);
        else if (below(3) == 0)
            arithmetic_step(s);
        else
            access_step(s);
        *end = end_of(s, r);
        if (s->size && in_code(s->at))
            continue;
        /* In its last bytes of the range, over its end: the interpreter's own business. */
        if (*end == OUTSIDE && inside(s->at, 1))
            continue;
        /* Not always at the first chance: far away is what this is about. */
        if (*end != GOES_ON && n < length / 2 && below(4))
            continue;
        if (*end != GOES_ON)
            break;
        memcpy(r, s->r, sizeof s->r);
        n++;
    }
    return n;
}

static bool as_wanted(const struct vcpu_exit *e, enum end end, unsigned n, const uint64_t *r)
{
    const struct vcpu_regs *regs = vcpu_regs(guest_cpu);
    if (regs->pc != CODE + 4 * n || memcmp(regs->x, r, 8 * 8) || regs->sp != r[BASES - 1])
        return false;
    if (end == GOES_ON)
        return e->reason == VCPU_EXIT_BRK;
    if (e->reason != VCPU_EXIT_FAULT)
        return false;
    if (end == UNALIGNED)
        return e->cause == VCPU_FAULT_ALIGN;
    if (end == OUTSIDE && e->cause == VCPU_FAULT_ALIGN)
        return false;
    return (e->addr << 8) - (chain[n].at << 8) < (uint64_t)chain[n].size << 8;
}

static unsigned ends[4];

static void one_round(void)
{
    struct vcpu_regs *regs = vcpu_regs(guest_cpu);
    uint64_t r[BASES], first[BASES];
    struct vcpu_exit exit;
    enum end end;
    for (unsigned i = 0; i < BASES; i++)
        r[i] = first[i] = start_value();
    r[BASES - 1] = first[BASES - 1] &= -16ull;
    unsigned n = make_chain(r, &end);
    if (end == GOES_ON)
        chain[n].word = 0xd4200000; /* brk */
    for (unsigned i = 0; i <= n; i++)
        memcpy(guest_base + CODE + 4 * i, &chain[i].word, 4);
    vcpu_vm_code_changed(guest_vm, CODE, 4 * n + 4);
    memset(regs->x, 0, sizeof regs->x);
    memcpy(regs->x, first, 8 * 8);
    regs->sp = first[BASES - 1];
    regs->pc = CODE;
    vcpu_run(guest_cpu, &exit);
    ends[end]++;
    check_count++;
    if (as_wanted(&exit, end, n, r))
        return;
    if (check_failed++ > 3)
        return;
    fprintf(stderr, "reason %d, cause %d, address %llx, pc %llx; want end %d, %llx, %llx\n",
            exit.reason, exit.cause, (unsigned long long)exit.addr, (unsigned long long)regs->pc,
            end, (unsigned long long)chain[n].at, (unsigned long long)CODE + 4 * n);
    for (unsigned i = 0; i <= n; i++)
        fprintf(stderr, "  .inst 0x%08x\n", chain[i].word);
}

int main(void)
{
    state = 0x9e3779b97f4a7c15;
    create();
    for (unsigned i = 0; i < ROUNDS && check_failed < 10; i++)
        one_round();
    CHECK(check_failed || (ends[GOES_ON] > 100 && ends[OUTSIDE] > ROUNDS / 4));
    return check_done("test_jit_confine");
}
