/*
 * Integer SIMD, SIMD loads and stores and cryptography of the engine, through vcpu.h: answers
 * worked out by hand from the architecture manual, and the published vectors of FIPS 197 and FIPS
 * 180-4.
 */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "check.h"
#include "vcpu/vcpu.h"

#define SIZE (1ull << 20)
#define CODE 0x10000ull
#define DATA 0x20000ull
#define BRK  0xd4200000u

static uint8_t *base;
static struct vcpu_vm *vm;
static struct vcpu *cpu;
static struct vcpu_regs *regs;

static struct vcpu_exit run(uint32_t insn)
{
    const uint32_t code[2] = {insn, BRK};
    struct vcpu_exit exit;
    memcpy(base + CODE, code, sizeof code);
    vcpu_vm_code_changed(vm, CODE, sizeof code);
    regs->pc = CODE;
    vcpu_run(cpu, &exit);
    return exit;
}

static void run_ok(uint32_t insn)
{
    struct vcpu_exit exit = run(insn);
    CHECK_EQ(exit.reason, VCPU_EXIT_BRK);
    CHECK_EQ(regs->pc, CODE + 4);
}

static void set(unsigned n, uint64_t high, uint64_t low)
{
    regs->v[n][0] = low;
    regs->v[n][1] = high;
}

static void want(int line, unsigned n, uint64_t high, uint64_t low)
{
    check_count++;
    if (regs->v[n][0] == low && regs->v[n][1] == high)
        return;
    check_failed++;
    fprintf(stderr, "%s:%d: v%u is %016llx:%016llx, want %016llx:%016llx\n", __FILE__, line, n,
            (unsigned long long)regs->v[n][1], (unsigned long long)regs->v[n][0],
            (unsigned long long)high, (unsigned long long)low);
}
#define WANT(n, high, low) want(__LINE__, n, high, low)

/* V0 = insn(V0, V1, V2), and whether it set FPSR.QC. */
static void op(uint32_t insn, int qc)
{
    regs->fpsr = 0;
    run_ok(insn);
    CHECK_EQ(regs->fpsr, qc ? 1u << 27 : 0);
}

static void saturation(void)
{
    set(1, 0x7f00000000000080, 0x7f80017f80007f01);
    set(2, 0x01000000000000ff, 0x01ff01008000ff01);
    op(0x4e220c20, 1); /* sqadd v0.16b, v1.16b, v2.16b */
    WANT(0, 0x7f00000000000080, 0x7f80027f80007e02);
    op(0x5e220c20, 0); /* sqadd b0, b1, b2 */
    WANT(0, 0, 2);
    set(1, ~0ull, 0x1111111111110001);
    set(2, ~0ull, 0x1111111111110002);
    op(0x7e622c20, 1); /* uqsub h0, h1, h2 */
    WANT(0, 0, 0);
    set(1, 5, 1ull << 63);
    op(0x5ee07820, 1); /* sqabs d0, d1 */
    WANT(0, 0, INT64_MAX);
    set(1, 0x8000000040000000, 0x00000001c0000000);
    set(2, 0x8000000040000000, 0xffffffff40000000);
    op(0x4ea2b420, 1); /* sqdmulh v0.4s: MIN*MIN saturates, 1*-1 floors */
    WANT(0, 0x7fffffff20000000, 0xffffffffe0000000);
    set(1, 9, 0x7777777777774000);
    set(2, 0x0001ull << 48, 0x8000);
    op(0x5f72d820, 0); /* sqrdmulh h0, h1, v2.h[7] */
    WANT(0, 0, 1);
    set(1, 1, 0x80000000);
    set(2, 1, 0x80000000);
    op(0x5ea2d020, 1); /* sqdmull d0, s1, s2 */
    WANT(0, 0, INT64_MAX);
    set(0, 0x7fff000000000000, 0);
    set(1, 0x7fff800000010000, 0);
    set(2, 0x7fff800040000000, 0);
    op(0x6e428420, 1); /* sqrdmlah v0.8h, v1.8h, v2.8h */
    WANT(0, 0x7fff7fff00010000, 0);
    set(1, 0xffff01fe02000100, 0x0001000200030080);
    op(0x2f0f8420, 1); /* sqshrun v0.8b, v1.8h, #1 */
    WANT(0, 0, 0x00ffff8000010140);
    set(0, ~0ull, 0x1122334455667788);
    set(1, 0x7fff800000800000, 0x007fff80ff7f4080);
    op(0x4f089c20, 1); /* sqrshrn2 v0.16b, v1.8h, #8: 0x7fff rounds up to 0x80 */
    WANT(0, 0x7f8001000000ff41, 0x1122334455667788);
    set(0, 7, 0x17f);
    set(1, 7, 0x02);
    op(0x5e203820, 1); /* suqadd b0, b1 */
    WANT(0, 0, 0x7f);
    set(0, 7, 5);
    set(1, 7, 0xfffffffa);
    op(0x7ea03820, 1); /* usqadd s0, s1 */
    WANT(0, 0, 0);
}

static void shifts(void)
{
    set(1, 1ull << 63, 3);
    set(2, 0xffffffffffffffc0, 0x123456789abcdeff); /* by -64; by -1: only the lowest byte counts */
    op(0x6ee25c20, 0);                              /* uqrshl v0.2d, v1.2d, v2.2d */
    WANT(0, 1, 2);
    set(1, 0, 1ull << 63);
    set(2, 0, 0xc0);
    op(0x5ee25420, 0); /* srshl d0, d1, d2: by -64 rounds to 0 */
    WANT(0, 0, 0);
    op(0x7f400420, 0); /* ushr d0, d1, #64 */
    WANT(0, 0, 0);
    set(1, 1ull << 63, (1ull << 63) - 1);
    op(0x6f402420, 0); /* urshr v0.2d, v1.2d, #64 */
    WANT(0, 1, 0);
    set(0, 0x0102030405060708, 0x1112131415161718);
    set(1, ~0ull, ~0ull);
    op(0x6f084420, 0); /* sri v0.16b, v1.16b, #8: nothing is inserted */
    WANT(0, 0x0102030405060708, 0x1112131415161718);
    op(0x6f3f5420, 0); /* sli v0.4s, v1.4s, #31 */
    WANT(0, 0x8102030485060708, 0x9112131495161718);
}

static void sums_and_counts(void)
{
    set(0, 0x0102030405060708, 0xfffefdfcfbfaf9f8);
    op(0x4e20bc00, 0); /* addp v0.16b, v0.16b, v0.16b */
    WANT(0, 0x03070b0ffdf9f5f1, 0x03070b0ffdf9f5f1);
    set(1, ~0ull, ~0ull);
    op(0x4e31b820, 0); /* addv b0, v1.16b */
    WANT(0, 0, 0xf0);
    op(0x6e303820, 0); /* uaddlv h0, v1.16b */
    WANT(0, 0, 0xff0);
    set(1, 0x80000000ffffffff, 0xfffffffe80000001);
    op(0x4eb0a820, 0); /* smaxv s0, v1.4s */
    WANT(0, 0, 0xffffffff);
    set(1, 0, 0x00ff80017f551011);
    op(0x0e205820, 0); /* cnt v0.8b, v1.8b */
    WANT(0, 0, 0x0008010107040102);
    set(1, 0x0102040810204080, 0xf00f000000000003);
    op(0x6e605820, 0); /* rbit v0.16b, v1.16b */
    WANT(0, 0x8040201008040201, 0x0ff00000000000c0);
    op(0x4ea00820, 0); /* rev64 v0.4s, v1.4s */
    WANT(0, 0x1020408001020408, 0x00000003f00f0000);
    set(1, 0xffffffff00000000, 0x7fffffff80000001);
    op(0x4ea04820, 0); /* cls v0.4s, v1.4s */
    WANT(0, 0x0000001f0000001f, 0);
    op(0x6e604820, 0); /* clz v0.8h, v1.8h */
    WANT(0, 0x0000000000100010, 0x000100000000000f);
    set(0, ~0ull, 0xffff000000010000);
    set(1, 0, 0xffff010203040000);
    op(0x2e206820, 0); /* uadalp v0.4h, v1.8b */
    WANT(0, 0, 0x01fd000300080000);
    set(0, 0x0000000100000002, 0x0000000300000004);
    set(1, 0x80808080ff010203, 0);
    set(2, 0x8080808001020304, 0);
    op(0x4e829420, 0); /* sdot v0.4s, v1.16b, v2.16b: 4*128*128; -1+2+6+12 */
    WANT(0, 0x0001000100000015, 0x0000000300000004);
    set(0, 5, 0x0000000100000001);
    set(1, 0, 0xffffffff00000001);
    set(2, 0xffffffff00000000, 0);
    op(0x2fa2e820, 0); /* udot v0.2s, v1.8b, v2.4b[3] */
    WANT(0, 0, 0x0003f80500000100);
    set(1, 0x00ff008000000000, 0);
    set(2, 0x0000000000000000, 0);
    op(0x2e224020, 0); /* raddhn v0.8b, v1.8h, v2.8h */
    WANT(0, 0, 0x0101000000000000);
    set(0, 0, 1);
    set(1, 0x000000000000ffff, ~0ull);
    set(2, 0, 0xffff000000000000);
    op(0x6f722020, 0); /* umlal2 v0.4s, v1.8h, v2.h[3] */
    WANT(0, 0, 0xfffe0002);
}

static void moves(void)
{
    set(31, 0x0f0e0d0c0b0a0908, 0x0706050403020100);
    set(0, 0x1f1e1d1c1b1a1918, 0x1716151413121110);
    set(1, 0x0001100f20ff1f08, 0);
    run_ok(0x4e0123e0); /* tbl v0.16b, {v31.16b, v0.16b}, v1.16b: V0 follows V31 */
    WANT(0, 0x0001100f00001f08, 0);
    set(0, ~0ull, 0x8877665544332211);
    set(1, 0, 0x0010ff0f01000000);
    run_ok(0x0e0113e0); /* tbx v0.8b, {v31.16b}, v1.8b */
    WANT(0, 0, 0x0077660f01000000);
    set(1, 0x0f0e0d0c0b0a0908, 0x0706050403020100);
    set(2, 0x1f1e1d1c1b1a1918, 0x1716151413121110);
    run_ok(0x6e022820); /* ext v0.16b, v1.16b, v2.16b, #5 */
    WANT(0, 0x14131211100f0e0d, 0x0c0b0a0908070605);
    run_ok(0x0e027820); /* zip2 v0.8b, v1.8b, v2.8b */
    WANT(0, 0, 0x1707160615051404);
    run_ok(0x4e821820); /* uzp1 v0.4s, v1.4s, v2.4s */
    WANT(0, 0x1b1a191813121110, 0x0b0a090803020100);
    run_ok(0x4e426820); /* trn2 v0.8h, v1.8h, v2.8h */
    WANT(0, 0x1f1e0f0e1b1a0b0a, 0x1716070613120302);
    run_ok(0x6f05e4a0); /* movi v0.2d, #0xff00ff0000ff00ff */
    WANT(0, 0xff00ff0000ff00ff, 0xff00ff0000ff00ff);
    run_ok(0x6f05d560); /* mvni v0.4s, #0xab, msl #16 */
    WANT(0, 0xff540000ff540000, 0xff540000ff540000);
    run_ok(0x4f03f600); /* fmov v0.4s, #1.0 */
    WANT(0, 0x3f8000003f800000, 0x3f8000003f800000);
    run_ok(0x6f07f400); /* fmov v0.2d, #-0.5 */
    WANT(0, 0xbfe0000000000000, 0xbfe0000000000000);
    set(0, ~0ull, ~0ull);
    run_ok(0x6f07b600); /* bic v0.8h, #0xf0, lsl #8 */
    WANT(0, 0x0fff0fff0fff0fff, 0x0fff0fff0fff0fff);
    run_ok(0x6e1f0420); /* mov v0.b[15], v1.b[0] */
    WANT(0, 0x00ff0fff0fff0fff, 0x0fff0fff0fff0fff);
    set(1, 0x8001000000000000, 3);
    run_ok(0x4e1c2c20); /* smov x0, v1.s[3] */
    CHECK_EQ(regs->x[0], 0xffffffff80010000);
    run_ok(0x0e1e3c20); /* umov w0, v1.h[7] */
    CHECK_EQ(regs->x[0], 0x8001);
    regs->x[1] = 0x123456789;
    run_ok(0x4e040c20); /* dup v0.4s, w1 */
    WANT(0, 0x2345678923456789, 0x2345678923456789);
    run_ok(0x5e180420); /* mov d0, v1.d[1] */
    WANT(0, 0, 0x8001000000000000);
}

static void loads_and_stores(void)
{
    uint8_t mem[64];
    for (unsigned i = 0; i < 64; i++)
        mem[i] = (uint8_t)i;
    memcpy(base + DATA, mem, sizeof mem);
    regs->x[1] = DATA | 0xab00000000000000; /* the top byte is ignored */
    run_ok(0x4cdf003e);                     /* ld4 {v30.16b - v1.16b}, [x1], #64 */
    CHECK_EQ(regs->x[1], (DATA + 64) | 0xab00000000000000);
    WANT(30, 0x3c3834302c282420, 0x1c1814100c080400);
    WANT(1, 0x3f3b37332f2b2723, 0x1f1b17130f0b0703);
    regs->x[1] = DATA + 0x100;
    regs->x[2] = 0x1000;
    set(30, 1, 0x0004000300020001);
    set(31, 1, 0x0014001300120011);
    set(0, 1, 0x0024002300220021);
    run_ok(0x0c82443e); /* st3 {v30.4h, v31.4h, v0.4h}, [x1], x2 */
    CHECK_EQ(regs->x[1], DATA + 0x1100);
    static const uint16_t st3[13] = {1, 0x11, 0x21, 2, 0x12, 0x22, 3, 0x13, 0x23, 4, 0x14, 0x24, 0};
    CHECK(memcmp(base + DATA + 0x100, st3, sizeof st3) == 0);
    regs->x[1] = DATA + 2;
    run_ok(0x4d40c420); /* ld1r {v0.8h}, [x1] */
    WANT(0, 0x0302030203020302, 0x0302030203020302);
    set(1, 7, 7);
    run_ok(0x4d609020); /* ld2 {v0.s, v1.s}[3], [x1] */
    WANT(0, 0x0504030203020302, 0x0302030203020302);
    WANT(1, 0x0908070600000007, 7);
    run_ok(0xad400420); /* ldp q0, q1, [x1] */
    WANT(0, 0x11100f0e0d0c0b0a, 0x0908070605040302);
    WANT(1, 0x21201f1e1d1c1b1a, 0x1918171615141312);
    regs->x[1] = DATA + 0x210;
    run_ok(0x6dbf0420); /* stp d0, d1, [x1, #-16]! */
    CHECK_EQ(regs->x[1], DATA + 0x200);
    CHECK(memcmp(base + DATA + 0x200, (uint64_t[]){regs->v[0][0], regs->v[1][0], 0}, 24) == 0);
    regs->x[1] = DATA + 0x300;
    regs->x[2] = 0x00000000ffffffff;
    run_ok(0x3c22c820); /* str b0, [x1, w2, sxtw] */
    CHECK_EQ(base[DATA + 0x2ff], 2);
    CHECK_EQ(base[DATA + 0x2fe] | base[DATA + 0x300], 0);
    regs->x[1] = DATA + 5;
    run_ok(0x7c5ff420); /* ldr h0, [x1], #-1 */
    WANT(0, 0, 0x0605);
    CHECK_EQ(regs->x[1], DATA + 4);
}

/* What lies behind the range is seen by comparing or by the guard, as the engine likes. */
static void on_fault(int sig, siginfo_t *info, void *context)
{
    const ucontext_t *uc = context;
    enum vcpu_access access = uc->uc_mcontext.gregs[REG_ERR] & 2 ? VCPU_WRITE : VCPU_READ;
    if (vcpu_host_fault(cpu, (uintptr_t)info->si_addr, access, VCPU_FAULT_MAP, context))
        return;
    signal(sig, SIG_DFL);
}

static void catch_faults(void)
{
    static char stack[65536];
    const stack_t ss = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaltstack(&ss, NULL);
    sigaction(SIGSEGV, &sa, NULL);
}

/* A fault changes no register, and says where. */
static void faults(void)
{
    struct vcpu_exit exit;
    set(0, 1, 2);
    set(1, 3, 4);
    regs->x[1] = SIZE - 16;
    exit = run(0xad400420); /* ldp q0, q1, [x1] */
    CHECK_EQ(exit.reason, VCPU_EXIT_FAULT);
    CHECK_EQ(exit.access, VCPU_READ);
    CHECK_EQ(exit.addr, SIZE);
    CHECK_EQ(regs->pc, CODE);
    WANT(0, 1, 2);
    WANT(1, 3, 4);
    regs->x[1] = SIZE - 8;
    exit = run(0x4cdf003e); /* ld4 {v30.16b - v1.16b}, [x1], #64 */
    CHECK_EQ(exit.reason, VCPU_EXIT_FAULT);
    CHECK_EQ(regs->x[1], SIZE - 8);
    WANT(0, 1, 2);
    memset(base + SIZE - 8, 0x55, 8);
    exit = run(0x0c82443e); /* st3 {v30.4h, v31.4h, v0.4h}, [x1], x2 */
    CHECK_EQ(exit.reason, VCPU_EXIT_FAULT);
    CHECK_EQ(exit.access, VCPU_WRITE);
    CHECK_EQ(base[SIZE - 8], 0x55);
    regs->sp = DATA + 8;
    exit = run(0x3dc007e0); /* ldr q0, [sp, #16] */
    CHECK_EQ(exit.reason, VCPU_EXIT_FAULT);
    CHECK_EQ(exit.cause, VCPU_FAULT_ALIGN);
    regs->sp = DATA;
    run_ok(0x3dc007e0);
    WANT(0, 0x1f1e1d1c1b1a1918, 0x1716151413121110);
}

static void unallocated(void)
{
    static const uint32_t words[] = {
        0x0ee28420, /* add v0.1d */
        0x4ee29420, /* mla v0.2d */
        0x6e629c20, /* pmul v0.8h */
        0x4e22b420, /* sqdmulh v0.16b */
        0x5ea20420, /* shadd as a scalar */
        0x5ea28420, /* add s0, s1, s2 */
        0x0f401420, /* ssra v0.1d */
        0x4f408420, /* shrn2 v0.4s, v1.2d, #64: immh 1xxx */
        0x0e0b0420, /* dup v0.8b, v1.b[5]: valid */
        0x4e000420, /* dup with imm5 0 */
        0x0e183c20, /* umov w0, v1.d[1] */
        0x4e1e3c20, /* umov x0, v1.h[7] */
        0x0e1c2c20, /* smov w0, v1.s[3] */
        0x2e024020, /* ext v0.8b, ..., #8 */
        0x0ec23820, /* zip1 v0.1d */
        0x2f00f400, /* fmov v0.1d */
        0x0eb1b820, /* addv of 2s */
        0x4c408c20, /* ld2 {v0.2d, v1.2d}: valid */
        0x0d409020, /* ld1 {v0.s}[1], [x1]: valid */
    };
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        /* Some of the list are valid neighbours, so that the list itself is seen to be read right.
         */
        int valid = words[i] == 0x0e0b0420 || words[i] == 0x4c408c20 || words[i] == 0x0d409020;
        struct vcpu_exit exit;
        regs->x[1] = DATA;
        exit = run(words[i]);
        CHECK_EQ(exit.reason, valid ? VCPU_EXIT_BRK : VCPU_EXIT_UNDEF);
    }
    CHECK_EQ(run(0x0c408c20).reason, VCPU_EXIT_UNDEF); /* ld2 {v0.1d, v1.1d} */
    CHECK_EQ(run(0x0d409420).reason, VCPU_EXIT_UNDEF); /* ld1 .d with S = 1 */
}

/* ---- cryptography ---- */

static void polynomials(void)
{
    set(1, 0, 0x0000000000000381);
    set(2, 0, 0x0000000000000581);
    run_ok(0x0e22e020);     /* pmull v0.8h, v1.8b, v2.8b */
    WANT(0, 0, 0x000f4001); /* 3*5 = 15; 0x81^2 = 0x4001 */
    set(1, ~0ull, 1);
    set(2, ~0ull, 1ull << 63);
    run_ok(0x4ee2e020); /* pmull2 v0.1q, v1.2d, v2.2d: squaring spreads the bits */
    WANT(0, 0x5555555555555555, 0x5555555555555555);
    set(1, 0, 1ull << 63);
    run_ok(0x0ee2e020); /* pmull v0.1q, v1.1d, v2.1d */
    WANT(0, 1ull << 62, 0);
}

static void load_bytes(unsigned n, const uint8_t *bytes)
{
    memcpy(regs->v[n], bytes, 16);
}

/* SubWord by AESE: equal columns are not changed by ShiftRows. */
static uint32_t sub_word(uint32_t w)
{
    set(0, (uint64_t)w << 32 | w, (uint64_t)w << 32 | w);
    set(1, 0, 0);
    run_ok(0x4e284820); /* aese v0.16b, v1.16b */
    return (uint32_t)regs->v[0][0];
}

/* FIPS 197, appendix C.1. */
static void aes(void)
{
    static const uint8_t cipher[16] = {0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30,
                                       0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4, 0xc5, 0x5a};
    uint8_t plain[16];
    uint32_t key[44], rcon = 1;
    for (unsigned i = 0; i < 16; i++)
        plain[i] = (uint8_t)(i * 0x11);
    for (unsigned i = 0; i < 4; i++)
        key[i] = 0x03020100u + i * 0x04040404u;
    for (unsigned i = 4; i < 44; i++) {
        uint32_t t = key[i - 1];
        if (i % 4 == 0) {
            t = sub_word(t >> 8 | t << 24) ^ rcon;
            rcon = (rcon << 1) ^ (rcon & 0x80 ? 0x11b : 0);
        }
        key[i] = key[i - 4] ^ t;
    }
    load_bytes(0, plain);
    for (unsigned round = 0; round < 10; round++) {
        load_bytes(1, (const uint8_t *)(key + 4 * round));
        run_ok(0x4e284820); /* aese v0.16b, v1.16b */
        if (round < 9)
            run_ok(0x4e286800); /* aesmc v0.16b, v0.16b */
    }
    regs->v[0][0] ^= (uint64_t)key[41] << 32 | key[40];
    regs->v[0][1] ^= (uint64_t)key[43] << 32 | key[42];
    CHECK(memcmp(regs->v[0], cipher, 16) == 0);

    /* Back, by the equivalent inverse cipher: round keys through AESIMC. */
    for (unsigned round = 10; round > 0; round--) {
        set(1, (uint64_t)key[4 * round + 3] << 32 | key[4 * round + 2],
            (uint64_t)key[4 * round + 1] << 32 | key[4 * round]);
        set(2, regs->v[0][1], regs->v[0][0]);
        if (round < 10)
            run_ok(0x4e287820); /* aesimc v0.16b, v1.16b */
        else
            set(0, regs->v[1][1], regs->v[1][0]);
        set(1, regs->v[2][1], regs->v[2][0]);
        run_ok(0x4e285820); /* aesd v0.16b, v1.16b */
        if (round > 1) {
            set(1, regs->v[0][1], regs->v[0][0]);
            run_ok(0x4e287820); /* aesimc v0.16b, v1.16b */
        }
    }
    regs->v[0][0] ^= (uint64_t)key[1] << 32 | key[0];
    regs->v[0][1] ^= (uint64_t)key[3] << 32 | key[2];
    CHECK(memcmp(regs->v[0], plain, 16) == 0);
}

/* Padded message blocks as big-endian words; returns how many blocks. */
static unsigned pad(const char *message, uint32_t words[32])
{
    size_t n = strlen(message);
    unsigned blocks = n < 56 ? 1 : 2;
    memset(words, 0, 32 * sizeof *words);
    for (size_t i = 0; i < n; i++)
        words[i / 4] |= (uint32_t)(unsigned char)message[i] << (24 - 8 * (i % 4));
    words[n / 4] |= 0x80u << (24 - 8 * (n % 4));
    words[16 * blocks - 1] = (uint32_t)(8 * n);
    return blocks;
}

static void words_in(unsigned n, const uint32_t *w)
{
    memcpy(regs->v[n], w, 16);
}
static void words_out(unsigned n, uint32_t *w)
{
    memcpy(w, regs->v[n], 16);
}

static void sha1(const char *message, const uint32_t digest[5])
{
    static const uint32_t k[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    static const uint32_t insn[4] = {0x5e020020, 0x5e021020, 0x5e022020, 0x5e021020};
    uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}, words[32], w[80];
    unsigned blocks = pad(message, words);
    for (unsigned b = 0; b < blocks; b++) {
        uint32_t e = h[4], s[4];
        memcpy(w, words + 16 * b, 64);
        for (unsigned t = 16; t < 80; t += 4) {
            words_in(4, w + t - 16);
            words_in(5, w + t - 12);
            words_in(6, w + t - 8);
            words_in(7, w + t - 4);
            run_ok(0x5e0630a4); /* sha1su0 v4.4s, v5.4s, v6.4s */
            run_ok(0x5e2818e4); /* sha1su1 v4.4s, v7.4s */
            words_out(4, w + t);
        }
        memcpy(s, h, sizeof s);
        for (unsigned t = 0; t < 80; t += 4) {
            uint32_t sum[4];
            for (unsigned i = 0; i < 4; i++)
                sum[i] = w[t + i] + k[t / 20];
            words_in(0, s);
            set(1, ~0ull, e);
            words_in(2, sum);
            set(3, 9, s[0]);
            run_ok(0x5e280861); /* sha1h s1, s3: the next e */
            CHECK_EQ(regs->v[1][1], 0);
            uint32_t next = (uint32_t)regs->v[1][0];
            set(1, ~0ull, e);
            run_ok(insn[t / 20]); /* sha1c/p/m q0, s1, v2.4s */
            words_out(0, s);
            e = next;
        }
        for (unsigned i = 0; i < 4; i++)
            h[i] += s[i];
        h[4] += e;
    }
    CHECK(memcmp(h, digest, sizeof h) == 0);
}

/* Cube roots' fractions, FIPS 180-4 4.2.2. */
static const uint32_t k256[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static void sha256(const char *message, const uint32_t digest[8])
{
    uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    uint32_t words[32], w[64];
    unsigned blocks = pad(message, words);
    for (unsigned b = 0; b < blocks; b++) {
        memcpy(w, words + 16 * b, 64);
        for (unsigned t = 16; t < 64; t += 4) {
            words_in(4, w + t - 16);
            words_in(5, w + t - 12);
            words_in(6, w + t - 8);
            words_in(7, w + t - 4);
            run_ok(0x5e2828a4); /* sha256su0 v4.4s, v5.4s */
            run_ok(0x5e0760c4); /* sha256su1 v4.4s, v6.4s, v7.4s */
            words_out(4, w + t);
        }
        words_in(0, h);
        words_in(1, h + 4);
        for (unsigned t = 0; t < 64; t += 4) {
            uint32_t sum[4];
            for (unsigned i = 0; i < 4; i++)
                sum[i] = w[t + i] + k256[t + i];
            words_in(2, sum);
            set(3, regs->v[0][1], regs->v[0][0]);
            run_ok(0x5e024020); /* sha256h q0, q1, v2.4s */
            run_ok(0x5e025061); /* sha256h2 q1, q3, v2.4s */
        }
        uint32_t s[8];
        words_out(0, s);
        words_out(1, s + 4);
        for (unsigned i = 0; i < 8; i++)
            h[i] += s[i];
    }
    CHECK(memcmp(h, digest, sizeof h) == 0);
}

static void hashes(void)
{
    static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    static const uint32_t sha1_abc[5] = {0xa9993e36, 0x4706816a, 0xba3e2571, 0x7850c26c,
                                         0x9cd0d89d};
    static const uint32_t sha1_two[5] = {0x84983e44, 0x1c3bd26e, 0xbaae4aa1, 0xf95129e5,
                                         0xe54670f1};
    static const uint32_t sha256_abc[8] = {0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223,
                                           0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad};
    static const uint32_t sha256_two[8] = {0x248d6a61, 0xd20638b8, 0xe5c02693, 0x0c3e6039,
                                           0xa33ce459, 0x64ff2167, 0xf6ecedd4, 0x19db06c1};
    sha1("abc", sha1_abc);
    sha1(two_blocks, sha1_two);
    sha256("abc", sha256_abc);
    sha256(two_blocks, sha256_two);
}

static uint64_t no_counter(void)
{
    return 0;
}

int main(void)
{
    struct vcpu_vm_config config = {.size = SIZE, .counter = no_counter, .counter_hz = 1};
    base = mmap(NULL, SIZE + 2 * VCPU_GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        return 2;
    base += VCPU_GUARD;
    if (mprotect(base, SIZE, PROT_READ | PROT_WRITE))
        return 2;
    catch_faults();
    config.base = base;
    vm = vcpu_vm_create(&config);
    cpu = vcpu_create(vm);
    regs = vcpu_regs(cpu);
    vcpu_vm_protect(vm, CODE, 0x1000, VCPU_PROT_READ | VCPU_PROT_EXEC);

    saturation();
    shifts();
    sums_and_counts();
    moves();
    loads_and_stores();
    faults();
    unallocated();
    polynomials();
    aes();
    hashes();

    vcpu_destroy(cpu);
    vcpu_vm_destroy(vm);
    munmap(base, SIZE);
    return check_done("test_simd");
}
