/*
 * cond.h - A64 condition codes.
 */
#ifndef ELFUSE_INTERP_COND_H
#define ELFUSE_INTERP_COND_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The set of NZCV values for which a condition holds, as a 16-bit mask indexed by N:Z:C:V.
 * Predecode puts it in the op, so that exec functions test one bit. Code 15 (NV) is always true, as
 * 14 is.
 */
static inline uint32_t cond_mask(unsigned cond)
{
    static const uint16_t even[8] = {
        0xf0f0, /* EQ: Z */
        0xcccc, /* CS: C */
        0xff00, /* MI: N */
        0xaaaa, /* VS: V */
        0x0c0c, /* HI: C && !Z */
        0xaa55, /* GE: N == V */
        0x0a05, /* GT: N == V && !Z */
        0xffff, /* AL */
    };
    uint16_t mask = even[(cond >> 1) & 7];
    return (cond & 1) && cond != 15 ? (uint16_t)~mask : mask;
}

/* nzcv is vcpu_regs.nzcv: flags in bits 31..28. */
static inline bool cond_holds(uint32_t mask, uint32_t nzcv)
{
    return (mask >> (nzcv >> 28)) & 1;
}

#endif
