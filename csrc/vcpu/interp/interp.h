/*
 * interp.h - inside the interpreter: predecoded operations and the state their functions work on.
 *
 * A block of guest code is decoded once into an array of struct a64_op. Each row of the instruction
 * table names a predecode function, which extracts operands and chooses the exec function by size
 * and form, so that exec functions branch on nothing that is known at decode time.
 */
#ifndef ELFUSE_INTERP_H
#define ELFUSE_INTERP_H

#include <stdint.h>
#include <string.h>

#include "vcpu/vcpu.h"

struct interp_cpu;
struct a64_op;

/*
 * Execute one operation. Contract, also for the translator, which calls these one at a time:
 * cpu->op is op; cpu->regs.pc is already the address of the NEXT instruction when a branch is
 * executed, which a taken branch overwrites and BL takes as its link. Other functions neither read
 * nor write regs.pc (pc-relative operands are made absolute by predecode).
 */
typedef void a64_exec(struct interp_cpu *cpu, const struct a64_op *op);

/* 32 bytes. rd/rn/rm/ra index vcpu_regs.r[] for general registers (see REG_* below) or v[] for
 * vectors. */
struct a64_op {
    a64_exec *exec;
    uint64_t imm;  /* immediate, absolute branch target, or whatever the row's functions agree on */
    uint32_t insn; /* the instruction word */
    uint8_t rd, rn, rm,
        ra;        /* bits 4:0, 9:5, 20:16, 14:10 unless the predecode function changed them */
    uint8_t u8[4]; /* scratch for predecode: shift amount, element index, condition ... */
    uint32_t u32;
};

/* Zero-register operands: reads come from index 32 (always 0), writes go to index 33. */
#define REG_ZERO 32
#define REG_SINK 33
static inline uint8_t reg_src(unsigned n)
{
    return n == 31 ? REG_ZERO : (uint8_t)n;
} /* Xn or XZR, read */
static inline uint8_t reg_dst(unsigned n)
{
    return n == 31 ? REG_SINK : (uint8_t)n;
} /* Xd or XZR, written */
/* Xn|SP is index n itself. */

static inline uint32_t bits(uint32_t insn, unsigned lo, unsigned width)
{
    return (insn >> lo) & ((width == 32) ? ~0u : ((1u << width) - 1u));
}
static inline int64_t sbits(uint32_t insn, unsigned lo, unsigned width)
{
    return (int64_t)((uint64_t)bits(insn, lo, width) << (64 - width)) >> (64 - width);
}

/*
 * Predecode: op->insn is set, rd/rn/rm/ra hold the raw 5-bit fields, pc is the instruction's
 * address. Sets op->exec. Returns 0, or -1 for an unallocated encoding (which becomes UNDEF).
 * Functions named `pre_*` are declared for every row by the generated "a64_gen.h".
 */
typedef int a64_predecode(struct a64_op *op, uint64_t pc);

/* Predecode one word (for the translator and tests). Always leaves a callable op; returns -1 if it
 * is UNDEF. */
int interp_decode_one(struct a64_op *op, uint32_t insn, uint64_t pc);

/* A byte for each enum a64_id: 1 once a word of that row was predecoded in this process. */
const uint8_t *interp_coverage(void);

struct interp_cpu {
    struct vcpu_regs regs;   /* first: vcpu_regs() is this */
    uint8_t *base;           /* host address of guest 0 */
    uint64_t limit;          /* size of the guest range, a power of two */
    const struct a64_op *op; /* being executed: where an exact fault finds its pc */
    /* The rest is core.c's (blocks, exits, monitor): see interp_core.h. */
};

/*
 * Memory. A failing access does not return: the run exits with VCPU_EXIT_FAULT at the current op,
 * so do every access before changing any register (load into locals, then write back). addr is as
 * the guest computed it; the top byte is ignored.
 */
void interp_fault(struct interp_cpu *cpu, uint64_t addr, enum vcpu_access access,
                  enum vcpu_fault_cause cause) __attribute__((noreturn, cold));

static inline void *guest_ptr(struct interp_cpu *cpu, uint64_t addr, unsigned len,
                              enum vcpu_access access)
{
    uint64_t a = addr & 0x00ffffffffffffffULL;
    if (__builtin_expect(a > cpu->limit - len, 0))
        interp_fault(cpu, a < cpu->limit ? cpu->limit : addr, access, VCPU_FAULT_MAP);
    return cpu->base + a;
}

#define INTERP_ACCESSORS(bits_)                                                                    \
    static inline uint##bits_##_t ld##bits_(struct interp_cpu *cpu, uint64_t addr)                 \
    {                                                                                              \
        uint##bits_##_t v;                                                                         \
        memcpy(&v, guest_ptr(cpu, addr, sizeof v, VCPU_READ), sizeof v);                           \
        return v;                                                                                  \
    }                                                                                              \
    static inline void st##bits_(struct interp_cpu *cpu, uint64_t addr, uint##bits_##_t v)         \
    {                                                                                              \
        memcpy(guest_ptr(cpu, addr, sizeof v, VCPU_WRITE), &v, sizeof v);                          \
    }
INTERP_ACCESSORS(8)
INTERP_ACCESSORS(16)
INTERP_ACCESSORS(32)
INTERP_ACCESSORS(64)

/*
 * Before a store that is made in several pieces: fault now if [addr, addr+len) crosses into a page
 * that cannot be written, so that no piece is stored by an instruction that faults. len <= 4096.
 */
static inline void guest_store_check(struct interp_cpu *cpu, uint64_t addr, unsigned len)
{
    uint8_t *first = guest_ptr(cpu, addr, len, VCPU_WRITE), *last = first + len - 1;
    if (__builtin_expect((((uintptr_t)first ^ (uintptr_t)last) & ~(uintptr_t)4095) != 0, 0)) {
        __atomic_fetch_or(first, 0, __ATOMIC_RELAXED);
        __atomic_fetch_or((uint8_t *)((uintptr_t)last & ~(uintptr_t)4095), 0, __ATOMIC_RELAXED);
    }
}

/* Vector element access, little-endian lanes. */
static inline uint64_t vget(const struct interp_cpu *cpu, unsigned n, unsigned size_log2,
                            unsigned index)
{
    uint64_t v = 0;
    memcpy(&v, (const uint8_t *)cpu->regs.v[n] + ((size_t)index << size_log2),
           (size_t)1 << size_log2);
    return v;
}

#endif
