/*
 * a64_vector.h - one differential test case and its result, as they cross the pipe between the
 * fuzzer (any host) and the reference program (arm64). Both are little-endian; all members are
 * naturally aligned.
 */
#ifndef ELFUSE_A64_VECTOR_H
#define ELFUSE_A64_VECTOR_H

#include <stdint.h>

#define VEC_INSNS 8
#define VEC_SLOT  64u /* bytes of code a case owns; what its instructions do not fill is brk */

/* The same guest addresses on both sides, so that pc-relative results agree. */
#define VEC_CODE      0x40000000ull
#define VEC_CODE_SIZE 0x00100000ull
#define VEC_BATCH     ((unsigned)(VEC_CODE_SIZE / VEC_SLOT / 2))
#define VEC_CODE_OFF  (VEC_CODE_SIZE / 4) /* slots start here: literals reach both ways */
#define VEC_DATA                                                                                   \
    0x50001000ull /* two read-write pages between unmapped ones, then one read-only page */
#define VEC_DATA_SIZE 0x2000ull
#define VEC_RO        0x50004000ull
#define VEC_RO_SIZE   0x1000ull
#define VEC_BRK       0xd4200000u

struct vec_regs {
    uint64_t x[31], sp, pc;
    uint64_t v[32][2];
    uint32_t nzcv, fpcr, fpsr, pad;
};

struct vec_case {
    uint32_t insn[VEC_INSNS];
    uint32_t count, pad;
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

static inline uint64_t vec_hash(const uint64_t *mem, uint64_t bytes)
{
    uint64_t h = 1469598103934665603ull;
    for (uint64_t i = 0; i < bytes / 8; i++)
        h = (h ^ mem[i]) * 0x100000001b3ull + (h >> 29);
    return h;
}

#endif
