/* code.c - the vDSO's functions. They follow the procedure call standard: x0-x17 may be changed. */
#include "vdso/code.h"

#include "vdso/emit.h"
#include "vdso/vdso.h"

#define NR_CLOCK_GETRES  114
#define NR_CLOCK_GETTIME 113
#define NR_GETTIMEOFDAY  169
#define NR_GETCPU        168
#define NR_RT_SIGRETURN  139

#define CLOCK_MONOTONIC 1

static void put(struct vdso_code *c, uint32_t word)
{
    c->word[c->count++] = word;
}

/* Branches to a label further on: put a hole, then fill it when the place is known. */
static uint32_t hole(struct vdso_code *c)
{
    put(c, 0);
    return c->count - 1;
}
static int32_t from_hole(const struct vdso_code *c, uint32_t at)
{
    return (int32_t)(c->count - at) * 4;
}

static void begin(struct vdso_code *c, enum vdso_function f)
{
    while (c->count % 4) /* 16 bytes, as compilers align functions */
        put(c, a64_nop());
    c->start[f] = (uint32_t)c->base + c->count * 4;
}

static void end(struct vdso_code *c, enum vdso_function f)
{
    c->size[f] = (uint32_t)c->base + c->count * 4 - c->start[f];
}

static void system_call(struct vdso_code *c, uint32_t nr)
{
    put(c, a64_movz(8, nr, 0));
    put(c, a64_svc0());
    put(c, a64_ret());
}

/*
 * x4 = x2 / 1e9, x5 = x2 % 1e9; x3 is left 1e9. The quotient by multiplication, which is exact for
 * all of 64 bits: 1e9 = 2^9 * 5^9, and the multiplier is 2^75 / 5^9, rounded up. A division of 64
 * bits takes a sixth of the whole call.
 */
static void split_seconds(struct vdso_code *c)
{
    const uint64_t multiplier = 0x0044b82fa09b5a53;
    put(c, a64_movz(3, 1000000000u & 0xffff, 0));
    put(c, a64_movk(3, 1000000000u >> 16, 1));
    put(c, a64_movz(5, multiplier & 0xffff, 0));
    for (unsigned hw = 1; hw < 4; hw++)
        put(c, a64_movk(5, multiplier >> 16 * hw & 0xffff, hw));
    put(c, a64_lsr_x(4, 2, 9));
    put(c, a64_umulh(4, 4, 5));
    put(c, a64_lsr_x(4, 4, 11));
    put(c, a64_msub(5, 4, 3, 2));
}

/*
 * x2 = CLOCK_REALTIME in ns, from the time page and the counter. Where that cannot be (never
 * written, being written, too old) a branch is left in holes[], to be pointed at the system call.
 */
#define REALTIME_HOLES 4
static void realtime(struct vdso_code *c, uint32_t holes[REALTIME_HOLES])
{
    int32_t here = c->base + (int32_t)c->count * 4;
    put(c, a64_adr(6, -VDSO_PAGE_SIZE - here));
    put(c, a64_ldr_w(7, 6, offsetof(struct vdso_time, seq)));
    holes[0] = hole(c); /* tbnz w7, #0: odd */
    holes[1] = hole(c); /* cbz w7: never written */
    put(c, a64_dmb_ishld());
    put(c, a64_ldp_x(9, 10, 6, offsetof(struct vdso_time, taken)));
    put(c, a64_ldr_x(11, 6, offsetof(struct vdso_time, real_offset)));
    put(c, a64_dmb_ishld());
    put(c, a64_ldr_w(12, 6, offsetof(struct vdso_time, seq)));
    put(c, a64_cmp_w(12, 7));
    holes[2] = hole(c); /* b.ne: written meanwhile */
    put(c, a64_isb());  /* the counter is not read early */
    put(c, a64_hint(VDSO_HINT_VECTORS_DEAD));
    put(c, a64_mrs_cntvct(2));
    put(c, a64_sub(13, 2, 9));
    put(c, a64_cmp_x(13, 10));
    holes[3] = hole(c); /* b.hs: too old */
    put(c, a64_add(2, 2, 11));
}

static void fill_realtime(struct vdso_code *c, const uint32_t holes[REALTIME_HOLES])
{
    c->word[holes[0]] = a64_tbnz_bit0(7, from_hole(c, holes[0]));
    c->word[holes[1]] = a64_cbz_w(7, from_hole(c, holes[1]));
    c->word[holes[2]] = a64_b_cond(COND_NE, from_hole(c, holes[2]));
    c->word[holes[3]] = a64_b_cond(COND_HS, from_hole(c, holes[3]));
}

static void rt_sigreturn(struct vdso_code *c)
{
    /* Unwinders know the two words, and look at the one before the return address. */
    put(c, a64_nop());
    begin(c, VDSO_RT_SIGRETURN);
    put(c, a64_movz(8, NR_RT_SIGRETURN, 0));
    put(c, a64_svc0());
    end(c, VDSO_RT_SIGRETURN);
}

/* int __kernel_clock_gettime(clockid_t w0, struct timespec *x1) */
static void clock_gettime(struct vdso_code *c)
{
    uint32_t realtime_holes[REALTIME_HOLES];
    begin(c, VDSO_CLOCK_GETTIME);
    /* Without NZCV, which a translator would have to keep for the caller. */
    put(c, a64_sub_w_imm(8, 0, CLOCK_MONOTONIC));
    uint32_t not_monotonic = hole(c);
    put(c, a64_isb());
    put(c, a64_hint(VDSO_HINT_VECTORS_DEAD));
    put(c, a64_mrs_cntvct(2));
    uint32_t store = c->count;
    split_seconds(c);
    put(c, a64_stp_x(4, 5, 1, 0));
    put(c, a64_movz(0, 0, 0));
    put(c, a64_ret());
    c->word[not_monotonic] = a64_cbnz_w(8, from_hole(c, not_monotonic));
    uint32_t other = hole(c); /* cbnz w0: not CLOCK_REALTIME */
    realtime(c, realtime_holes);
    put(c, a64_b((int32_t)(store - c->count) * 4));
    c->word[other] = a64_cbnz_w(0, from_hole(c, other));
    fill_realtime(c, realtime_holes);
    system_call(c, NR_CLOCK_GETTIME);
    end(c, VDSO_CLOCK_GETTIME);
}

/* int __kernel_gettimeofday(struct timeval *x0, struct timezone *x1); the zone is the kernel's to
 * tell */
static void gettimeofday(struct vdso_code *c)
{
    uint32_t realtime_holes[REALTIME_HOLES];
    begin(c, VDSO_GETTIMEOFDAY);
    uint32_t zone = hole(c);
    uint32_t nothing = hole(c);
    realtime(c, realtime_holes);
    split_seconds(c);
    put(c, a64_movz(3, 1000, 0));
    put(c, a64_udiv(5, 5, 3));
    put(c, a64_stp_x(4, 5, 0, 0));
    c->word[nothing] = a64_cbz_x(0, from_hole(c, nothing));
    put(c, a64_movz(0, 0, 0));
    put(c, a64_ret());
    c->word[zone] = a64_cbnz_x(1, from_hole(c, zone));
    fill_realtime(c, realtime_holes);
    system_call(c, NR_GETTIMEOFDAY);
    end(c, VDSO_GETTIMEOFDAY);
}

/* int __kernel_clock_getres(clockid_t w0, struct timespec *x1): 1 ns for the two clocks served here
 */
static void clock_getres(struct vdso_code *c)
{
    begin(c, VDSO_CLOCK_GETRES);
    put(c, a64_cmp_w_imm(0, CLOCK_MONOTONIC + 1));
    uint32_t other = hole(c); /* b.hs, unsigned: negative clocks too */
    uint32_t no_pointer = hole(c);
    put(c, a64_movz(2, 1, 0));
    put(c, a64_stp_x(A64_XZR, 2, 1, 0));
    c->word[no_pointer] = a64_cbz_x(1, from_hole(c, no_pointer));
    put(c, a64_movz(0, 0, 0));
    put(c, a64_ret());
    c->word[other] = a64_b_cond(COND_HS, from_hole(c, other));
    system_call(c, NR_CLOCK_GETRES);
    end(c, VDSO_CLOCK_GETRES);
}

/* int __kernel_getcpu(unsigned *x0, unsigned *x1, void *): only the kernel knows */
static void getcpu(struct vdso_code *c)
{
    begin(c, VDSO_GETCPU);
    system_call(c, NR_GETCPU);
    end(c, VDSO_GETCPU);
}

void vdso_assemble(struct vdso_code *code, uint32_t base)
{
    code->base = (int32_t)base;
    code->count = 0;
    rt_sigreturn(code);
    clock_gettime(code);
    gettimeofday(code);
    clock_getres(code);
    getcpu(code);
}
