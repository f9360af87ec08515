/*
 * a64_known.h - where the reference and the interpreter may differ, and why. Each entry quotes the rule of
 * the Arm Architecture Reference Manual (DDI 0487) that allows it. Prose: a64_known.md.
 */
#ifndef ELFUSE_A64_KNOWN_H
#define ELFUSE_A64_KNOWN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "a64_vector.h"

/* Rows that cannot be compared: they leave the CPU, or read what differs between two machines. */
static inline bool a64_known_row(const char *name)
{
    static const char *const rows[] = {"SVC", "BRK", "HLT", "MRS_CNTVCT"};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(name, rows[i]) == 0)
            return true;
    return false;
}

/* Encodings that are CONSTRAINED UNPREDICTABLE: any of several behaviours is right. */
static inline bool a64_known_skip(const char *name, uint32_t insn)
{
    (void)name;
    (void)insn;
    return false;
}

static inline bool a64_known_difference(const struct vec_case *c, const struct vec_result *ours,
                                        const struct vec_result *theirs)
{
    (void)c;
    /* B2.5.2: an unaligned exclusive, acquire or release access takes an alignment fault (or not, with
     * LSE2, which is not in the feature list); qemu's user mode does not check. */
    if (ours->stop == VEC_BUS && theirs->stop != VEC_BUS && (ours->fault_addr & 15) != 0)
        return true;
    return false;
}

#endif
