/*
 * idregs.h - the CPU that guests see: the system registers that EL0 can read. They say what the
 * instruction table implements and nothing else; AT_HWCAP and /proc/cpuinfo must say the same.
 *
 * Values are what Linux shows to user space: fields that it hides have their "safe" value
 * (arch/arm64/kernel/cpufeature.c).
 */
#ifndef ELFUSE_VCPU_IDREGS_H
#define ELFUSE_VCPU_IDREGS_H

/* Implementer 0 is reserved for software use; architecture 15: see the ID registers. */
#define A64_MIDR_EL1  0x000f0e10ULL
#define A64_MPIDR_EL1 0x80000000ULL /* SYS_MPIDR_SAFE_VAL */

/* AdvSIMD 1 and FP 1: with half precision. EL1 and EL0: AArch64 only. */
#define A64_ID_AA64PFR0_EL1 0x0000000000110011ULL

#define A64_ID_AA64DFR0_EL1 0x0000000000000006ULL

/* TS 1 (FLAGM), DP 1, RDM 1, ATOMIC 2 (LSE), CRC32 1, SHA2 1, SHA1 1, AES 2 (with PMULL) */
#define A64_ID_AA64ISAR0_EL1                                                                       \
    (1ULL << 52 | 1ULL << 44 | 1ULL << 28 | 2ULL << 20 | 1ULL << 16 | 1ULL << 12 | 1ULL << 8 |     \
     2ULL << 4)

/* FRINTTS 1, LRCPC 1, FCMA 1, JSCVT 1 */
#define A64_ID_AA64ISAR1_EL1 (1ULL << 32 | 1ULL << 20 | 1ULL << 16 | 1ULL << 12)

/* The granule fields' safe value is "not supported". */
#define A64_ID_AA64MMFR0_EL1 0x00000000ff000000ULL

/*
 * IDC: data need not be cleaned to be fetched; DIC clear: IC IVAU is needed after changing code.
 * The instruction line is a page (2^10 words), so that clearing a large range takes few
 * instructions; the others are 64 bytes.
 */
#define A64_CTR_EL0                                                                                \
    (1ULL << 31 | 1ULL << 28 | 4ULL << 24 | 4ULL << 20 | 4ULL << 16 | 3ULL << 14 | 10)
#define A64_DCZID_EL0 4ULL
#define A64_ZVA_BYTES 64

/* What can be written: AHP DN FZ RMode FZ16 (no trapped exceptions); QC and the cumulative flags.
 */
#define A64_FPCR_MASK 0x07c80000u
#define A64_FPSR_MASK 0x0800009fu

#endif
