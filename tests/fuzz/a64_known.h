/*
 * a64_known.h - where the reference and an engine may differ, and why. Each entry quotes the
 * rule of the Arm Architecture Reference Manual (DDI 0487) that allows it. Prose: a64_known.md.
 */
#ifndef ELFUSE_A64_KNOWN_H
#define ELFUSE_A64_KNOWN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "a64_vector.h"

#define VEC_TBI 0x00ffffffffffffffull /* an address without its tag */

/* Rows that cannot be compared: they leave the CPU, or read what differs between two machines. */
static inline bool a64_known_row(const char *name)
{
    /* The reference has another cache geometry, DC ZVA block, clock and CPU identity, needs its own
     * thread pointer, and does not look at the address of cache maintenance. tests/unit/c covers
     * these rows. */
    static const char *const rows[] = {
        "SVC",       "BRK",       "MRS_CNTVCT", "MRS_CNTFRQ", "MRS_CTR", "MRS_DCZID", "MRS_ID",
        "MRS_TPIDR", "MSR_TPIDR", "DC_ZVA",     "DC_CVAC",    "DC_CVAU", "DC_CIVAC",  "IC_IVAU"};
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

/* Faults of the reference in floating point (a64_known.md): its result, put right, is ours. What
 * follows in a block depends on the wrong result, so there the rest is not compared. */
static inline bool a64_known_fp(const struct vec_case *c, const struct vec_result *ours,
                                const struct vec_result *theirs)
{
    struct vec_regs right = theirs->out;
    for (uint32_t i = 0; i < c->count; i++) {
        uint32_t insn = c->insn[i], rd = insn & 31, rn = insn >> 5 & 31;
        if ((insn & 0xfffffc00u) == 0x1e7e0000u) { /* FJCVTZS */
            bool flushed = (c->in.fpcr & 1u << 24) && c->in.v[rn][0] - 1 < (1ull << 52) - 1;
            if (c->count == 1 && flushed)
                right.nzcv = 0;
        } else if ((insn & 0xfff0fc00u) == 0x5f10fc00u) { /* FCVTZS_fixed_sisd_h */
            if (c->count == 1)
                right.v[rd][0] &= 0xffff;
        } else {
            continue;
        }
        if (c->count > 1)
            return true;
    }
    return ours->stop == theirs->stop && ours->fault_addr == theirs->fault_addr &&
           ours->mem_hash == theirs->mem_hash && memcmp(&ours->out, &right, sizeof right) == 0;
}

/* Whether a system instruction reads NZCV, or ends a block: MRS NZCV, CFINV, MSR FPCR, IC. */
static inline bool a64_known_system_reads(uint32_t insn)
{
    uint32_t what = insn & 0xffffffe0u;
    return what == 0xd53b4200u || what == 0xd51b4400u || what == 0xd50b7520u || insn == 0xd500401fu;
}

/* What an instruction does to NZCV: 'w' writes all of it, 'r' reads it (or may go where it is
 * read), 'b' branches to what its displacement says, 0 neither. */
static inline char a64_known_flags(uint32_t insn)
{
    if ((insn & 0x3f000000u) == 0x31000000u || (insn & 0x3f000000u) == 0x2b000000u)
        return 'w'; /* ADDS, SUBS */
    if ((insn & 0x7f800000u) == 0x72000000u || (insn & 0x7f000000u) == 0x6a000000u)
        return 'w'; /* ANDS, BICS */
    if ((insn & 0xff20fc07u) == 0x1e202000u || (insn & 0xffffffe0u) == 0xd51b4200u)
        return 'w'; /* FCMP, MSR NZCV */
    if ((insn & 0x1f000000u) == 0x1a000000u && (insn & 0x00c00000u) != 0x00c00000u)
        return 'r'; /* ADC, CCMP, CSEL, ... */
    if ((insn & 0xff200400u) == 0x1e200400u)
        return 'r'; /* FCCMP, FCSEL */
    if ((insn & 0x7c000000u) == 0x34000000u || (insn & 0xfc000000u) == 0x14000000u)
        return 'b'; /* CBZ, TBZ, B */
    if ((insn & 0xff00000eu) == 0x5400000eu)
        return 'b'; /* B.AL */
    if (insn >> 24 == 0xd5 && !a64_known_system_reads(insn))
        return 0;
    return (insn & 0x1c000000u) == 0x14000000u ? 'r' : 0; /* other branches, and the system */
}

/* Whether NZCV may be read before it is written, from the word `at` of a case on. */
static inline bool a64_known_live(const struct vec_case *c, uint32_t at, uint64_t *seen)
{
    for (; at < c->count && !(*seen >> at & 1); at++) {
        uint32_t insn = c->insn[at];
        *seen |= 1ull << at;
        switch (a64_known_flags(insn)) {
        case 'w': return false;
        case 'r': return true;
        case 'b': break;
        default: continue;
        }
        bool always = (insn & 0x7c000000u) == 0x14000000u || insn >> 24 == 0x54;
        bool bit = (insn & 0x7e000000u) == 0x36000000u;
        int32_t by = (insn & 0x7c000000u) == 0x14000000u ? (int32_t)(insn << 6) >> 6
                     : bit                               ? (int32_t)(insn << 13) >> 18
                                                         : (int32_t)(insn << 8) >> 13;
        uint32_t to = at + (uint32_t)by;
        if (to >= c->count || a64_known_live(c, to, seen))
            return true;
        if (always)
            return false;
    }
    return at >= c->count;
}

static inline bool a64_known_difference(const struct vec_case *c, const struct vec_result *ours,
                                        const struct vec_result *theirs)
{
    struct vec_result right = *theirs;
    /* qemu's user mode has memory of its own there, from TASK_UNMAPPED_BASE on: its access works.
     */
    if (ours->stop == VEC_SEGV && (ours->fault_addr & VEC_TBI) >> 32 == 0x55)
        return true;
    /* C5.2.8: Len and Stride of FPCR are RES0 without AArch32 state, and so are N, Z, C, V of FPSR
     * (C5.2.10). The reference's CPU has AArch32. */
    right.out.fpcr &= 0x07c80000u;
    right.out.fpsr &= 0x0800009fu;
    /* The reference loses the address of a fault beyond its host's canonical range, or across the
     * end of that: it says 0. */
    if (right.stop == VEC_SEGV && right.fault_addr == 0 &&
        ((ours->fault_addr & VEC_TBI) + 63) >> 47 != 0)
        right.fault_addr = ours->fault_addr;
    /* An access across the end of the guest's range is told with that address. */
    if (ours->fault_addr == VEC_LIMIT && VEC_LIMIT - (right.fault_addr & VEC_TBI) < 64)
        right.fault_addr = ours->fault_addr;
    if ((ours->fault_addr & VEC_TBI) == (right.fault_addr & VEC_TBI))
        right.fault_addr = ours->fault_addr;
    /* The translator keeps no flags that nothing will read (docs/adr/0006). */
    uint64_t seen = 0;
    uint32_t stopped = c->insn[vec_word(ours->out.pc) % VEC_INSNS];
    bool data = (stopped & 0x0e000000u) == 0x0e000000u || (stopped & 0x0a000000u) == 0x08000000u;
    if (ours->stop != VEC_BRK_HIT && (ours->stop != VEC_ILL || data) &&
        !a64_known_live(c, vec_word(ours->out.pc), &seen))
        right.out.nzcv = ours->out.nzcv;
    if (memcmp(ours, &right, sizeof right) == 0)
        return true;
    /* B2.5.2: an unaligned exclusive, acquire or release access takes an alignment fault (or not,
     * with LSE2, which is not in the feature list); qemu's user mode does not check. With flow, it
     * may fault at the same place, but later. */
    if (ours->stop == VEC_BUS && (ours->fault_addr & 15) != 0 &&
        (right.stop != VEC_BUS || ours->out.pc != right.out.pc || c->relative))
        return true;
    /* B2.2.1: a store of several elements that faults at a page end may have made some of them. The
     * reference does; ours makes none. */
    if (right.stop == VEC_SEGV && ours->fault_addr % 4096 == 0 &&
        ours->fault_addr == right.fault_addr) {
        struct vec_result same_memory = right;
        same_memory.mem_hash = ours->mem_hash;
        if (memcmp(ours, &same_memory, sizeof right) == 0)
            return true;
    }
    /* D1.3 "Definition of a precise exception": registers that a faulting load of several SIMD&FP
     * registers was to load are UNKNOWN. The reference has loaded some; ours none. */
    if ((stopped & 0x0e400000u) == 0x0c400000u && right.stop == VEC_SEGV &&
        ours->fault_addr % 4096 == 0 &&
        (c->count > 1 || memcmp(ours->out.v, c->in.v, sizeof c->in.v) == 0)) {
        struct vec_result same_vectors = right;
        memcpy(same_vectors.out.v, ours->out.v, sizeof ours->out.v);
        if (memcmp(ours, &same_vectors, sizeof right) == 0)
            return true;
    }
    /* The reference writes "no exclusive monitor" as address -1, so that a store there finds its
     * monitor. */
    if (right.stop == VEC_SEGV && theirs->fault_addr == ~0ull && ours->out.pc != right.out.pc)
        return true;
    /* What a block does with the bits of FPCR and FPSR that only the reference kept is not
     * compared. Those with flow write no such bits. */
    for (uint32_t i = 0; c->count > 1 && !c->relative && i < c->count; i++) {
        if ((c->insn[i] & 0xffffffc0u) == 0xd51b4400u)
            return true;
    }
    return a64_known_fp(c, ours, &right);
}

#endif
