/*
 * int_bits.h - the small functions of the Arm ARM's pseudocode that integer instructions share.
 */
#ifndef ELFUSE_INTERP_INT_BITS_H
#define ELFUSE_INTERP_INT_BITS_H

#include <stdbool.h>
#include <stdint.h>

#define NZCV_N (1u << 31)
#define NZCV_Z (1u << 30)
#define NZCV_C (1u << 29)
#define NZCV_V (1u << 28)

/* LSL, LSR, ASR, ROR by less than the width. */
static inline uint64_t int_shift64(uint64_t v, unsigned type, unsigned n)
{
    switch (type) {
    case 0: return v << n;
    case 1: return v >> n;
    case 2: return (uint64_t)((int64_t)v >> n);
    default: return v >> n | v << (-n & 63);
    }
}

static inline uint32_t int_shift32(uint32_t v, unsigned type, unsigned n)
{
    switch (type) {
    case 0: return v << n;
    case 1: return v >> n;
    case 2: return (uint32_t)((int32_t)v >> n);
    default: return v >> n | v << (-n & 31);
    }
}

/* UXTB UXTH UXTW UXTX SXTB SXTH SXTW SXTX */
static inline uint64_t int_extend(uint64_t v, unsigned option)
{
    switch (option) {
    case 0: return (uint8_t)v;
    case 1: return (uint16_t)v;
    case 2: return (uint32_t)v;
    case 4: return (uint64_t)(int8_t)v;
    case 5: return (uint64_t)(int16_t)v;
    case 6: return (uint64_t)(int32_t)v;
    default: return v;
    }
}

/* DecodeBitMasks() for a logical immediate: N, immr, imms of insn. False for a reserved value. */
static inline bool int_bitmask(uint32_t insn, bool wide, uint64_t *mask)
{
    unsigned n = (insn >> 22) & 1, immr = (insn >> 16) & 63, imms = (insn >> 10) & 63;
    unsigned key = n << 6 | (~imms & 63);
    if (key < 2 || (n && !wide))
        return false;
    unsigned len = 31 - (unsigned)__builtin_clz(key), esize = 1u << len, levels = esize - 1;
    unsigned s = imms & levels, r = immr & levels;
    if (s == levels)
        return false;
    uint64_t element = (1ULL << (s + 1)) - 1; /* s + 1 < 64 */
    if (r)
        element = element >> r | element << (esize - r);
    if (esize < 64)
        element &= (1ULL << esize) - 1;
    for (unsigned e = esize; e < 64; e *= 2)
        element |= element << e;
    *mask = wide ? element : (uint32_t)element;
    return true;
}

#endif
