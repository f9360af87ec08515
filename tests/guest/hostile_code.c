/* guest-test: flags=-O1,-fno-stack-protector args=1,6000 */
/*
 * Random instruction words with random registers, a few at a time: hostile_code SEED ROUNDS.
 * Whatever they are, they end in a signal (there is nowhere to return to, and a timer ends loops)
 * that this program handles, and change nothing but what they may write. System calls are left out:
 * hostile_calls.c has those.
 */
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>

#include "guest.h"

#define P     4096ul
#define WORDS 12

static sigjmp_buf back;
static unsigned long tls;
static volatile int inside;
static unsigned long counts[65];
static struct {
    unsigned long x[31], sp;
    unsigned char q[32][16];
} regs;
static unsigned *code, *alias;
static char *data, *guard;
static uint64_t state;

static uint64_t rnd(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* The thread pointer may be any number here: nothing of libc before it is right again. */
static void on_signal(int sig, siginfo_t *info, void *context)
{
    __asm__ volatile("msr tpidr_el0, %0" ::"r"(tls));
    ucontext_t *uc = context;
    if (!inside) {
        if (sig == SIGALRM)
            return;
        FAIL("signal %d outside, at %llx, address %p", sig, (long long)uc->uc_mcontext.pc,
             info->si_addr);
        _exit(1);
    }
    inside = 0;
    counts[sig]++;
    siglongjmp(back, 1);
}

/* Load all registers and go; never returns. */
void enter(const void *regs, void *code);
__asm__(".text\n.globl enter\nenter:\n"
        " mov x30, x0\n mov x29, x1\n"
        " ldr x1, [x30, #248]\n mov sp, x1\n"
        " add x1, x30, #256\n"
        " ld1 {v0.16b-v3.16b}, [x1], #64\n ld1 {v4.16b-v7.16b}, [x1], #64\n ld1 {v8.16b-v11.16b}, "
        "[x1], #64\n"
        " ld1 {v12.16b-v15.16b}, [x1], #64\n ld1 {v16.16b-v19.16b}, [x1], #64\n ld1 "
        "{v20.16b-v23.16b}, [x1], #64\n"
        " ld1 {v24.16b-v27.16b}, [x1], #64\n ld1 {v28.16b-v31.16b}, [x1], #64\n"
        " ldp x0, x1, [x30, #0]\n ldp x2, x3, [x30, #16]\n ldp x4, x5, [x30, #32]\n ldp x6, x7, "
        "[x30, #48]\n"
        " ldp x8, x9, [x30, #64]\n ldp x10, x11, [x30, #80]\n ldp x12, x13, [x30, #96]\n ldp x14, "
        "x15, [x30, #112]\n"
        " ldp x16, x17, [x30, #128]\n ldp x18, x19, [x30, #144]\n ldp x20, x21, [x30, #160]\n"
        " ldp x22, x23, [x30, #176]\n ldp x24, x25, [x30, #192]\n ldp x26, x27, [x30, #208]\n ldr "
        "x28, [x30, #224]\n"
        " ldr x30, [x30, #240]\n"
        " br x29\n");

static unsigned long value(void)
{
    static const unsigned long odd[] = {0,
                                        1,
                                        8,
                                        63,
                                        64,
                                        -1ul,
                                        -8ul,
                                        1ul << 31,
                                        1ul << 32,
                                        1ul << 45,
                                        (1ul << 45) - 8,
                                        (1ul << 45) - 64,
                                        1ul << 47,
                                        1ul << 48,
                                        1ul << 55,
                                        1ul << 63,
                                        0x7ffffffffffffffful,
                                        0xffff000000000000ul,
                                        -4096ul};
    switch (rnd() % 6) {
    case 0:
    case 1: return (unsigned long)data + rnd() % (2 * P);
    case 2: return (unsigned long)data + 2 * P - rnd() % 128;
    case 3: return odd[rnd() % (sizeof(odd) / sizeof(odd[0]))];
    case 4: return ((unsigned long)data + rnd() % P) | rnd() << 56;
    default: return rnd();
    }
}

static int is_system_call(unsigned word)
{
    return (word & 0xff000000u) == 0xd4000000u; /* svc, hvc, smc, brk, hlt, dcps */
}

/* A word of one of the classes, by bits 28..25: loads and SIMD more often than they would come up.
 */
static unsigned word(void)
{
    static const unsigned char classes[] = {0x4, 0x6, 0xc, 0xe, 0x4, 0xc, 0x6, 0xe, 0x7, 0xf,
                                            0x7, 0xf, 0x5, 0xd, 0x8, 0x9, 0xa, 0xb, 0x0, 0x2};
    unsigned w;
    do {
        w = (unsigned)(rnd() >> 16);
        w = (w & ~0x1e000000u) | (unsigned)classes[rnd() % sizeof(classes)] << 25;
        if ((w & 0x7c000000u) == 0x14000000u && rnd() % 4) /* far branches end it too soon */
            w = (w & 0xfc000000u) | (unsigned)(rnd() % WORDS);
    } while (is_system_call(w));
    return w;
}

static void round_of(void)
{
    struct itimerval it = {.it_value = {0, 20000}};
    for (int i = 0; i < WORDS; i++)
        alias[i] = word();
    alias[WORDS] = 0xd4200000; /* brk */
    __builtin___clear_cache((char *)code, (char *)(code + WORDS + 1));
    for (int i = 0; i < 31; i++)
        regs.x[i] = value();
    regs.sp = (unsigned long)data + P;
    for (size_t i = 0; i < sizeof(regs.q); i += 8) {
        uint64_t v = rnd() % 3 ? rnd() : value();
        memcpy((char *)regs.q + i, &v, 8);
    }
    if (sigsetjmp(back, 1) == 0) {
        setitimer(ITIMER_REAL, &it, NULL);
        inside = 1;
        enter(&regs, code);
    }
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 0) : 1000, sum = 0;
    static char stack[64 << 10];
    stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    const int sigs[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGALRM};
    __asm__ volatile("mrs %0, tpidr_el0" : "=r"(tls));
    sigaltstack(&ss, NULL);
    for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
        sigaction(sigs[i], &sa, NULL);
    /* The code can be executed at one address and written at another, which nothing here knows. */
    int fd = memfd_create("code", 0);
    OK(ftruncate(fd, P));
    alias = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    guard = mmap(NULL, 66 * P, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    code = mmap(guard + 32 * P, P, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, fd, 0);
    CHECK(code != MAP_FAILED);
    data = mmap(NULL, 66 * P, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    data += 32 * P;
    OK(mprotect(data, 2 * P, PROT_READ | PROT_WRITE));
    state = seed * 0x9e3779b97f4a7c15ul | 1;
    for (unsigned long i = 0; i < rounds; i++)
        round_of();
    for (int i = 0; i < 65; i++)
        sum += counts[i];
    EQ(sum, rounds);
    CHECK(counts[SIGSEGV] > rounds / 10 && counts[SIGILL] > rounds / 10);
    return done();
}
