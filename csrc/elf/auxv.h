/* auxv.h - the auxiliary vector: uapi/linux/auxvec.h and arm64's asm/{auxvec,hwcap}.h. */
#ifndef ELFUSE_ELF_AUXV_H
#define ELFUSE_ELF_AUXV_H

#define LINUX_AT_NULL         0
#define LINUX_AT_PHDR         3
#define LINUX_AT_PHENT        4
#define LINUX_AT_PHNUM        5
#define LINUX_AT_PAGESZ       6
#define LINUX_AT_BASE         7
#define LINUX_AT_FLAGS        8
#define LINUX_AT_ENTRY        9
#define LINUX_AT_UID          11
#define LINUX_AT_EUID         12
#define LINUX_AT_GID          13
#define LINUX_AT_EGID         14
#define LINUX_AT_PLATFORM     15
#define LINUX_AT_HWCAP        16
#define LINUX_AT_CLKTCK       17
#define LINUX_AT_SECURE       23
#define LINUX_AT_RANDOM       25
#define LINUX_AT_HWCAP2       26
#define LINUX_AT_EXECFN       31
#define LINUX_AT_SYSINFO_EHDR 33
#define LINUX_AT_MINSIGSTKSZ  51

/* What the engines implement, and nothing else; the ID registers say the same. */
#define LINUX_HWCAP_FP       (1ul << 0)
#define LINUX_HWCAP_ASIMD    (1ul << 1)
#define LINUX_HWCAP_AES      (1ul << 3)
#define LINUX_HWCAP_PMULL    (1ul << 4)
#define LINUX_HWCAP_SHA1     (1ul << 5)
#define LINUX_HWCAP_SHA2     (1ul << 6)
#define LINUX_HWCAP_CRC32    (1ul << 7)
#define LINUX_HWCAP_ATOMICS  (1ul << 8)
#define LINUX_HWCAP_FPHP     (1ul << 9)
#define LINUX_HWCAP_ASIMDHP  (1ul << 10)
#define LINUX_HWCAP_CPUID    (1ul << 11)
#define LINUX_HWCAP_ASIMDRDM (1ul << 12)
#define LINUX_HWCAP_JSCVT    (1ul << 13)
#define LINUX_HWCAP_FCMA     (1ul << 14)
#define LINUX_HWCAP_LRCPC    (1ul << 15)
#define LINUX_HWCAP_ASIMDDP  (1ul << 20)
#define LINUX_HWCAP_FLAGM    (1ul << 27)
#define LINUX_HWCAP2_FRINT   (1ul << 8)

#define ELFUSE_HWCAP                                                                               \
    (LINUX_HWCAP_FP | LINUX_HWCAP_ASIMD | LINUX_HWCAP_AES | LINUX_HWCAP_PMULL | LINUX_HWCAP_SHA1 | \
     LINUX_HWCAP_SHA2 | LINUX_HWCAP_CRC32 | LINUX_HWCAP_ATOMICS | LINUX_HWCAP_FPHP |               \
     LINUX_HWCAP_ASIMDHP | LINUX_HWCAP_CPUID | LINUX_HWCAP_ASIMDRDM | LINUX_HWCAP_JSCVT |          \
     LINUX_HWCAP_FCMA | LINUX_HWCAP_LRCPC | LINUX_HWCAP_ASIMDDP | LINUX_HWCAP_FLAGM)
#define ELFUSE_HWCAP2 LINUX_HWCAP2_FRINT

/* Bytes of a signal frame without SVE: what arm64 says since 5.18. */
#define ELFUSE_MINSIGSTKSZ 4720

#endif
