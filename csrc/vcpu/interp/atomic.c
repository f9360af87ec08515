/*
 * atomic.c - exclusives, acquire and release, compare-and-swap and the other atomics of LSE.
 *
 * Exclusives are a compare-and-swap on the value that the load saw. A store by somebody else that
 * puts the same value back goes unnoticed, where a core's monitor would have been lost; a 128-bit
 * LDXP/STXP pair is how programs guard against that (ABA) themselves.
 *
 * All accesses here must be aligned to their size (no LSE2), else VCPU_FAULT_ALIGN.
 */
#include "vcpu/a64/a64.h"
#include "vcpu/interp/host_atomic.h"
#include "vcpu/interp/interp_core.h"

#define EXEC(name) static void name(struct interp_cpu *cpu, const struct a64_op *op)
#define R(n)       (cpu->regs.r[n])

static inline uint64_t aligned_addr(struct interp_cpu *cpu, const struct a64_op *op, unsigned bytes,
                                    enum vcpu_access access)
{
    uint64_t addr = R(op->rn);
    if (__builtin_expect((addr & (bytes - 1)) || (op->rn == 31 && (addr & 15)), 0))
        interp_fault(cpu, addr, access, VCPU_FAULT_ALIGN);
    return addr;
}

/* Host pointer for an aligned access. */
static inline void *aligned_ptr(struct interp_cpu *cpu, const struct a64_op *op, unsigned bytes,
                                enum vcpu_access access)
{
    return guest_ptr(cpu, aligned_addr(cpu, op, bytes, access), bytes, access);
}

/*
 * Start a store-exclusive: the host pointer if the monitor is set for this access, else NULL, and
 * then memory is not touched. The monitor is cleared by the store, but not by a fault in it.
 */
static inline void *exclusive_ptr(struct interp_cpu *cpu, const struct a64_op *op, unsigned bytes)
{
    const struct exclusive *x = &vcpu_of(cpu)->excl;
    uint64_t addr = aligned_addr(cpu, op, bytes, VCPU_WRITE);
    if (!x->valid || x->bytes != bytes || x->addr != addr)
        return NULL;
    return guest_ptr(cpu, addr, bytes, VCPU_WRITE);
}

/*
 * Sequentially consistent where the guest asks for acquire or release: RCsc needs a release to be
 * ordered before a later acquire, and on x86 that costs nothing for loads. Plain exclusive loads
 * are relaxed.
 */
#define LOADS(bits_)                                                                               \
    EXEC(ldar##bits_)                                                                              \
    {                                                                                              \
        uint##bits_##_t *p = aligned_ptr(cpu, op, bits_ / 8, VCPU_READ);                           \
        R(op->rd) = __atomic_load_n(p, __ATOMIC_SEQ_CST);                                          \
    }                                                                                              \
    EXEC(stlr##bits_)                                                                              \
    {                                                                                              \
        uint##bits_##_t *p = aligned_ptr(cpu, op, bits_ / 8, VCPU_WRITE);                          \
        __atomic_store_n(p, (uint##bits_##_t)R(op->rd), __ATOMIC_SEQ_CST);                         \
    }                                                                                              \
    EXEC(ldxr##bits_)                                                                              \
    {                                                                                              \
        uint64_t addr = R(op->rn);                                                                 \
        uint##bits_##_t *p = aligned_ptr(cpu, op, bits_ / 8, VCPU_READ);                           \
        uint64_t v = __atomic_load_n(p, __ATOMIC_SEQ_CST);                                         \
        vcpu_of(cpu)->excl = (struct exclusive){true, bits_ / 8, addr, {v, 0}};                    \
        R(op->rd) = v;                                                                             \
    }                                                                                              \
    EXEC(stxr##bits_)                                                                              \
    {                                                                                              \
        struct exclusive *x = &vcpu_of(cpu)->excl;                                                 \
        uint##bits_##_t *p = exclusive_ptr(cpu, op, bits_ / 8);                                    \
        uint##bits_##_t expected = (uint##bits_##_t)x->value[0];                                   \
        bool done = p && __atomic_compare_exchange_n(p, &expected, (uint##bits_##_t)R(op->rd),     \
                                                     false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);   \
        x->valid = false;                                                                          \
        R(op->rm) = !done;                                                                         \
    }                                                                                              \
    EXEC(cas##bits_)                                                                               \
    {                                                                                              \
        uint##bits_##_t *p = aligned_ptr(cpu, op, bits_ / 8, VCPU_WRITE);                          \
        uint##bits_##_t expected = (uint##bits_##_t)R(op->rm);                                     \
        __atomic_compare_exchange_n(p, &expected, (uint##bits_##_t)R(op->rd), false,               \
                                    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                           \
        R(op->u8[0]) = expected;                                                                   \
    }
LOADS(8)
LOADS(16)
LOADS(32)
LOADS(64)

#define BY_SIZE(name)                                                                              \
    (a64_exec *const[4]){name##8, name##16, name##32, name##64}[bits(op->insn, 30, 2)]

int pre_ldar(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    op->rd = reg_dst(op->rd);
    op->exec = BY_SIZE(ldar);
    return 0;
}

int pre_stlr(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    op->rd = reg_src(op->rd);
    op->exec = BY_SIZE(stlr);
    return 0;
}

int pre_ldxr(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    op->rd = reg_dst(op->rd);
    op->exec = BY_SIZE(ldxr);
    return 0;
}

/* Rs may be Rt or Rn (CONSTRAINED UNPREDICTABLE): the store is as if they were not, then Rs is
 * written. */
int pre_stxr(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    op->rd = reg_src(op->rd);
    op->rm = reg_dst(op->rm);
    op->exec = BY_SIZE(stxr);
    return 0;
}

int pre_cas(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    op->rd = reg_src(op->rd);
    op->u8[0] = reg_dst(op->rm);
    op->rm = reg_src(op->rm);
    op->exec = BY_SIZE(cas);
    return 0;
}

/*
 * Exclusive pairs: rd and ra. A pair of X registers is loaded as two words; if another core changes
 * one of them between, the compare-and-swap of STXP fails, which is all that the architecture
 * promises.
 */
EXEC(ldxp32)
{
    uint64_t addr = R(op->rn);
    uint64_t *p = aligned_ptr(cpu, op, 8, VCPU_READ);
    uint64_t v = __atomic_load_n(p, __ATOMIC_SEQ_CST);
    vcpu_of(cpu)->excl = (struct exclusive){true, 8, addr, {v, 0}};
    R(op->rd) = (uint32_t)v;
    R(op->ra) = v >> 32;
}

EXEC(ldxp64)
{
    uint64_t addr = R(op->rn);
    uint64_t *p = aligned_ptr(cpu, op, 16, VCPU_READ);
    uint64_t low = __atomic_load_n(p, __ATOMIC_SEQ_CST),
             high = __atomic_load_n(p + 1, __ATOMIC_SEQ_CST);
    vcpu_of(cpu)->excl = (struct exclusive){true, 16, addr, {low, high}};
    R(op->rd) = low;
    R(op->ra) = high;
}

EXEC(stxp32)
{
    struct exclusive *x = &vcpu_of(cpu)->excl;
    uint64_t *p = exclusive_ptr(cpu, op, 8), expected = x->value[0];
    bool done =
        p && __atomic_compare_exchange_n(p, &expected, (uint32_t)R(op->rd) | R(op->ra) << 32, false,
                                         __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    x->valid = false;
    R(op->rm) = !done;
}

EXEC(stxp64)
{
    struct exclusive *x = &vcpu_of(cpu)->excl;
    void *p = exclusive_ptr(cpu, op, 16);
    uint64_t expected[2] = {x->value[0], x->value[1]}, desired[2] = {R(op->rd), R(op->ra)};
    bool done = p && host_cas128(p, expected, desired);
    x->valid = false;
    R(op->rm) = !done;
}

static bool wide_pair(const struct a64_op *op)
{
    return bits(op->insn, 30, 1);
}

int pre_ldxp(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    op->rd = reg_dst(op->rd);
    op->ra = reg_dst(op->ra);
    op->exec = wide_pair(op) ? ldxp64 : ldxp32;
    return 0;
}

int pre_stxp(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    op->rd = reg_src(op->rd);
    op->ra = reg_src(op->ra);
    op->rm = reg_dst(op->rm);
    op->exec = wide_pair(op) ? stxp64 : stxp32;
    return 0;
}

/* CASP compares rm:rm+1, stores rd:rd+1; the numbers are even. The register after X30 is the zero
 * register. */
EXEC(casp32)
{
    uint64_t *p = aligned_ptr(cpu, op, 8, VCPU_WRITE);
    uint64_t expected = (uint32_t)R(op->rm) | R(op->u8[0]) << 32;
    uint64_t desired = (uint32_t)R(op->rd) | R(op->ra) << 32;
    __atomic_compare_exchange_n(p, &expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    R(op->rm) = (uint32_t)expected;
    R(op->u8[1]) = expected >> 32;
}

EXEC(casp64)
{
    void *p = aligned_ptr(cpu, op, 16, VCPU_WRITE);
    uint64_t expected[2] = {R(op->rm), R(op->u8[0])}, desired[2] = {R(op->rd), R(op->ra)};
    host_cas128(p, expected, desired);
    R(op->rm) = expected[0];
    R(op->u8[1]) = expected[1];
}

int pre_casp(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    if ((op->rm | op->rd) & 1)
        return -1;
    op->u8[0] = reg_src(op->rm + 1u);
    op->u8[1] = reg_dst(op->rm + 1u);
    op->ra = reg_src(op->rd + 1u);
    op->exec = wide_pair(op) ? casp64 : casp32;
    return 0;
}

/* LD<op>: memory = memory op Rs (rm); Rt (rd) gets the old value. */
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define LSE_FETCH(name, builtin, bits_, operand)                                                   \
    EXEC(name##bits_)                                                                              \
    {                                                                                              \
        uint##bits_##_t *p = aligned_ptr(cpu, op, bits_ / 8, VCPU_WRITE);                          \
        R(op->rd) = builtin(p, (uint##bits_##_t)(operand), __ATOMIC_SEQ_CST);                      \
    }
/* No host instruction does these: a loop, which also writes when the value stays, as the guest's
 * does. */
#define LSE_LOOP(name, bits_, type, choose)                                                        \
    EXEC(name##bits_)                                                                              \
    {                                                                                              \
        uint##bits_##_t *p = aligned_ptr(cpu, op, bits_ / 8, VCPU_WRITE);                          \
        uint##bits_##_t old = __atomic_load_n(p, __ATOMIC_RELAXED), next;                          \
        do {                                                                                       \
            next = (uint##bits_##_t)choose((type)old, (type)R(op->rm));                            \
        } while (!__atomic_compare_exchange_n(p, &old, next, false, __ATOMIC_SEQ_CST,              \
                                              __ATOMIC_SEQ_CST));                                  \
        R(op->rd) = old;                                                                           \
    }
#define LSE(bits_)                                                                                 \
    LSE_FETCH(ldadd, __atomic_fetch_add, bits_, R(op->rm))                                         \
    LSE_FETCH(ldclr, __atomic_fetch_and, bits_, ~R(op->rm))                                        \
    LSE_FETCH(ldeor, __atomic_fetch_xor, bits_, R(op->rm))                                         \
    LSE_FETCH(ldset, __atomic_fetch_or, bits_, R(op->rm))                                          \
    LSE_FETCH(swp, __atomic_exchange_n, bits_, R(op->rm))                                          \
    LSE_LOOP(ldsmax, bits_, int##bits_##_t, MAX)                                                   \
    LSE_LOOP(ldsmin, bits_, int##bits_##_t, MIN)                                                   \
    LSE_LOOP(ldumax, bits_, uint##bits_##_t, MAX)                                                  \
    LSE_LOOP(ldumin, bits_, uint##bits_##_t, MIN)                                                  \
    static a64_exec *const lse##bits_[9] = {                                                       \
        ldadd##bits_,  ldclr##bits_,  ldeor##bits_,  ldset##bits_, ldsmax##bits_,                  \
        ldsmin##bits_, ldumax##bits_, ldumin##bits_, swp##bits_,                                   \
    };
LSE(8)
LSE(16)
LSE(32)
LSE(64)

int pre_lse(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    static a64_exec *const *const table[4] = {lse8, lse16, lse32, lse64};
    op->rd = reg_dst(op->rd);
    op->rm = reg_src(op->rm);
    op->exec = table[bits(op->insn, 30, 2)][bits(op->insn, 15, 1) ? 8 : bits(op->insn, 12, 3)];
    return 0;
}
