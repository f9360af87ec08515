/* elf64.h - the ELF structures and numbers that are used, from the System V ABI (gabi 4.1) and
 * AAELF64. */
#ifndef ELFUSE_ELF_ELF64_H
#define ELFUSE_ELF_ELF64_H

#include <stdint.h>

#define ELF_CLASS64    2
#define ELF_DATA2LSB   1
#define ELF_VERSION    1
#define ELF_ET_EXEC    2
#define ELF_ET_DYN     3
#define ELF_EM_386     3
#define ELF_EM_ARM     40
#define ELF_EM_X86_64  62
#define ELF_EM_AARCH64 183
#define ELF_EM_RISCV   243

#define ELF_PT_LOAD      1
#define ELF_PT_DYNAMIC   2
#define ELF_PT_INTERP    3
#define ELF_PT_NOTE      4
#define ELF_PT_PHDR      6
#define ELF_PT_GNU_STACK 0x6474e551
#define ELF_PF_X         1
#define ELF_PF_W         2
#define ELF_PF_R         4

#define ELF_SHT_PROGBITS   1
#define ELF_SHT_STRTAB     3
#define ELF_SHT_HASH       5
#define ELF_SHT_DYNAMIC    6
#define ELF_SHT_NOTE       7
#define ELF_SHT_DYNSYM     11
#define ELF_SHT_GNU_VERDEF 0x6ffffffd
#define ELF_SHT_GNU_VERSYM 0x6fffffff
#define ELF_SHF_WRITE      1
#define ELF_SHF_ALLOC      2
#define ELF_SHF_EXECINSTR  4

#define ELF_DT_NULL      0
#define ELF_DT_HASH      4
#define ELF_DT_STRTAB    5
#define ELF_DT_SYMTAB    6
#define ELF_DT_STRSZ     10
#define ELF_DT_SYMENT    11
#define ELF_DT_SONAME    14
#define ELF_DT_VERSYM    0x6ffffff0
#define ELF_DT_VERDEF    0x6ffffffc
#define ELF_DT_VERDEFNUM 0x6ffffffd

struct elf64_ehdr {
    uint8_t e_ident[16];
    uint16_t e_type, e_machine;
    uint32_t e_version;
    uint64_t e_entry, e_phoff, e_shoff;
    uint32_t e_flags;
    uint16_t e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx;
};

struct elf64_phdr {
    uint32_t p_type, p_flags;
    uint64_t p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align;
};

struct elf64_shdr {
    uint32_t sh_name, sh_type;
    uint64_t sh_flags, sh_addr, sh_offset, sh_size;
    uint32_t sh_link, sh_info;
    uint64_t sh_addralign, sh_entsize;
};

struct elf64_sym {
    uint32_t st_name;
    uint8_t st_info, st_other;
    uint16_t st_shndx;
    uint64_t st_value, st_size;
};

struct elf64_dyn {
    uint64_t d_tag, d_val;
};

struct elf64_verdef {
    uint16_t vd_version, vd_flags, vd_ndx, vd_cnt;
    uint32_t vd_hash, vd_aux, vd_next;
};

struct elf64_verdaux {
    uint32_t vda_name, vda_next;
};

#endif
