/*
 * a64_vector.h - one differential test case and its result, as they cross the pipe between the
 * fuzzer (any host) and the reference program (arm64). Both are little-endian; all members are
 * naturally aligned.
 */
#ifndef ELFUSE_A64_VECTOR_H
#define ELFUSE_A64_VECTOR_H

#include <stdint.h>
#include <string.h>

#define VEC_INSNS 48
#define VEC_SLOT  256u /* bytes of code a case owns; what its instructions do not fill is brk */

/* The same guest addresses on both sides, so that pc-relative results agree. */
#define VEC_CODE      0x40000000ull
#define VEC_CODE_SIZE 0x00100000ull
#define VEC_BATCH     ((unsigned)(VEC_CODE_SIZE / VEC_SLOT / 2))
/* Slots start here: literals reach both ways, and every 16th case crosses a page's end. */
#define VEC_CODE_OFF (VEC_CODE_SIZE / 4 - 64)
#define VEC_DATA                                                                                   \
    0x50001000ull /* two read-write pages between unmapped ones, then one read-only page */
#define VEC_DATA_SIZE 0x2000ull
#define VEC_RO        0x50004000ull
#define VEC_RO_SIZE   0x1000ull
#define VEC_LIMIT     (1ull << 36) /* where ours ends */
#define VEC_BRK       0xd4200000u
#define VEC_NOP       0xd503201fu

struct vec_regs {
    uint64_t x[31], sp, pc;
    uint64_t v[32][2];
    uint32_t nzcv, fpcr, fpsr, pad;
};

struct vec_case {
    uint32_t insn[VEC_INSNS];
    uint32_t count;
    uint32_t
        relative; /* general registers that hold a distance from the slot: the runner adds it */
    uint64_t mem_seed;
    struct vec_regs in; /* pc is set by the runner */
};

enum vec_stop { VEC_BRK_HIT, VEC_SEGV, VEC_BUS, VEC_ILL, VEC_OTHER };

struct vec_result {
    uint32_t stop, pad;
    uint64_t fault_addr;
    uint64_t mem_hash;
    struct vec_regs out;
};

static inline uint64_t vec_slot(unsigned i)
{
    return VEC_CODE + VEC_CODE_OFF + (uint64_t)i * VEC_SLOT;
}

/* Which word of its slot is at pc. */
static inline unsigned vec_word(uint64_t pc)
{
    return (unsigned)((pc - VEC_CODE - VEC_CODE_OFF) % VEC_SLOT / 4);
}

static inline void vec_load_x(uint64_t *x, const struct vec_case *c, unsigned slot)
{
    for (unsigned n = 0; n < 31; n++)
        x[n] = c->in.x[n] + (c->relative >> n & 1 ? vec_slot(slot) : 0);
}

static inline uint64_t vec_next(uint64_t *s)
{
    uint64_t z = (*s += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

static inline void vec_fill(uint64_t *mem, uint64_t bytes, uint64_t seed)
{
    for (uint64_t i = 0; i < bytes / 8; i++)
        mem[i] = vec_next(&seed);
}

/* What the data pages hold before each case. It is kept, so that a case costs a comparison. */
struct vec_memory {
    uint64_t seed;
    uint64_t was[VEC_DATA_SIZE / 8];
};

static inline void vec_prepare(struct vec_memory *m, uint64_t *mem, uint64_t seed)
{
    if (m->seed == seed)
        return;
    m->seed = seed;
    vec_fill(m->was, VEC_DATA_SIZE, seed);
    memcpy(mem, m->was, VEC_DATA_SIZE);
}

/* Take back what a case did to the data pages; a hash of it. */
static inline uint64_t vec_settle(const struct vec_memory *m, uint64_t *mem)
{
    uint64_t h = 1469598103934665603ull;
    for (unsigned i = 0; i < VEC_DATA_SIZE / 8; i += 8) {
        uint64_t differ = 0;
        for (unsigned k = i; k < i + 8; k++)
            differ |= mem[k] ^ m->was[k];
        for (unsigned k = i; differ && k < i + 8; k++) {
            h = (h ^ mem[k] ^ k) * 0x100000001b3ull + (h >> 29);
            mem[k] = m->was[k];
        }
    }
    return h;
}

#endif
