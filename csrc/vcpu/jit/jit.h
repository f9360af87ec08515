/*
 * jit.h - the translator's machine: the vcpu as translated code sees it, the code cache, the stubs.
 *
 * Translated code runs with RBP at the middle of the guest's registers, R15 at guest address 0 and
 * RSP on a stack of return addresses of its own (see struct jit_cpu); docs/adr/0006 has the whole
 * convention. C runs on the host's stack: a stub changes over.
 *
 * Locking: vm->lock guards the cache (struct jit) except for cache_find(). No guest memory is
 * touched under it.
 */
#ifndef ELFUSE_JIT_JIT_H
#define ELFUSE_JIT_JIT_H

#include <stddef.h>

#include "vcpu/interp/interp_core.h"

/* RBP points at r[16], so that all general registers have one-byte displacements. */
#define JIT_BIAS ((int32_t)offsetof(struct vcpu_regs, r[16]))
/* RBP-relative displacement of a member of struct jit_cpu. */
#define JIT_AT(member) ((int32_t)offsetof(struct jit_cpu, member) - JIT_BIAS)

/*
 * A block's key: its pc, with this bit where FPCR is not zero. Floating point in such blocks
 * asks what FPCR holds when it runs. (No pc of a block has the bit: the guest's range ends far
 * below. In the key of an address that may be anything it is inverted, so that the address is not
 * lost.)
 */
#define JIT_KEY_FPCR (1ull << 62)

#define JIT_JUMP_BITS 12 /* entries of the table of indirect branches, log2 */

/* Where translated code goes for what is not in it, by call or jump through the vcpu, so that code
 * holds no host address. */
enum jit_stub {
    STUB_LINK,     /* called by a cold exit, followed by struct jit_link_data */
    STUB_DISPATCH, /* jumped to with a key in RAX */
    STUB_ATTEND,   /* called from a block's cold part, followed by the key: attention is set */
    STUB_DEAD,     /* called from a block's cold part, followed by the key: the block is dead */
    STUB_FALLBACK, /* called, followed by struct jit_fallback_data; returns behind it */
    STUB_BRANCH,   /* as FALLBACK, for an instruction that sets pc: dispatches it */
    STUB_SVC,      /* jumped to with pc of the next instruction in RAX, the immediate in ECX */
    STUB_COUNTER,  /* called: RAX becomes CNTVCT_EL0, EFLAGS, RCX and RDX anything */
    STUB_COUNTER_NO_VECTORS, /* the same, and the guest's vector registers become zero */
    STUB_RETURN,             /* the bottom of the return stack leads here, with a key in RAX */
    STUB_COUNT
};

struct jit_link_data {
    uint64_t key; /* of the block to go to */
    int32_t site; /* the displacement to patch: its distance from this struct */
} __attribute__((packed));

struct jit_fallback_data {
    uint64_t pc;
    uint32_t insn;
} __attribute__((packed));

/* Constants that code takes from memory, 16 bytes each. */
struct jit_constants {
    uint64_t abs_d[2], abs_s[2];   /* all but the sign bits */
    uint64_t sign_d[2], sign_s[2]; /* the sign bits */
    uint64_t min_d[2], min_s[2];   /* the smallest normal number, in each lane */
    uint64_t low_d[2], low_s[2];   /* a mask of the low 8 and 4 bytes */
    uint64_t ones[2];
    uint64_t table[96][2]; /* more of them: constants.c */
};

struct jit_jump {
    uint64_t key;
    const void *code;
};

/* An instruction that the interpreter runs, kept decoded. A block of one, for interp_pc(). */
struct jit_fallback_op {
    struct block block;
    struct a64_op op;
};
#define JIT_FALLBACK_OPS 256

#define JIT_RETURN_BYTES 16384 /* of the return stack */

/*
 * A vcpu. What follows `vcpu` belongs to translated code. Flags: NZCV while translated code runs,
 * as SETO AL and LAHF leave it in AX, with CF inverted (C clear is CF set), as after a comparison.
 */
struct jit_cpu {
    struct vcpu vcpu; /* first */
    uint16_t flags;
    uint16_t jumps_used; /* a bit for each sixteenth of jumps[] that has entries */
    uint32_t mxcsr;      /* changed by nothing: a barrier's locked instruction is on it */
    uint64_t host_sp;    /* of the C code that entered */
    uint64_t return_sp;  /* RSP of translated code while C runs */
    const void *stubs[STUB_COUNT];
    uint8_t *return_stack; /* JIT_RETURN_BYTES behind an inaccessible page */
    uint64_t svc_imm;
    uint32_t page[GUEST_PAGE / 4]; /* the words of a page, to be translated */
    struct jit_fallback_op fallback[JIT_FALLBACK_OPS];
    _Alignas(16) struct jit_constants constants;
    _Alignas(64) struct jit_jump jumps[1u << JIT_JUMP_BITS];
};

static inline struct jit_cpu *jit_of(struct vcpu *vcpu)
{
    return (struct jit_cpu *)vcpu;
}

/*
 * What the host's CPU has beyond AVX, which the translator needs. ELFUSE_JIT_CPU=-avx2,-bmi2 takes
 * some away (for tests; nothing can be added).
 */
struct jit_host {
    bool avx2, bmi2, fma, lzcnt, aes, pclmul, sha, f16c;
};

/* What translated code calls, by stub. They return the code to go on with, or NULL to end the run,
 * of which *vcpu.exit and the registers are then filled in. */
const void *jit_on_link(struct jit_cpu *cpu, const struct jit_link_data *data);
const void *jit_on_dispatch(struct jit_cpu *cpu, uint64_t key);
const void *jit_on_attend(struct jit_cpu *cpu, const void *key);
const void *jit_on_dead(struct jit_cpu *cpu, const void *key);
const void *jit_on_fallback(struct jit_cpu *cpu, const struct jit_fallback_data *data);
const void *jit_on_branch(struct jit_cpu *cpu, const struct jit_fallback_data *data);

/* The first stub, called from C: run code until something ends the run. Returns 1 for an SVC, of
 * which svc_imm and pc are set, else 0. */
typedef int jit_enter(struct jit_cpu *cpu, const void *code);

/* constants.c */
void jit_constants_fill(struct jit_constants *c);

/* The translator for vcpu.h, or NULL where the host lacks what it needs. */
const struct translator *jit_translator(void);

#endif
