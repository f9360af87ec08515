/* parse.c - ELF headers: as Linux's load_elf_binary() judges them, and no segment past the file's
 * end. */
#include "elf/parse.h"

#include <string.h>

#include "elf/elf64.h"
#include "linux/abi/errno.h"
#include "linux/abi/mman.h"

static int fail(const char **why, const char *text, int err)
{
    *why = text;
    return -err;
}

static const char *machine(uint16_t m)
{
    switch (m) {
    case ELF_EM_X86_64: return "is for x86-64, not arm64";
    case ELF_EM_386: return "is for 32-bit x86, not arm64";
    case ELF_EM_ARM: return "is for 32-bit arm, not arm64";
    case ELF_EM_RISCV: return "is for RISC-V, not arm64";
    default: return "is an ELF file for another machine, not arm64";
    }
}

int elf_parse_header(struct elf_info *info, const uint8_t *head, size_t size, const char **why)
{
    struct elf64_ehdr e;
    memset(info, 0, sizeof *info);
    if (size == 0)
        return fail(why, "is empty", LINUX_ENOEXEC);
    if (size < 4 || memcmp(head, "\177ELF", 4))
        return fail(why, "is neither an ELF program nor a script with a #! line", LINUX_ENOEXEC);
    if (size < sizeof e)
        return fail(why, "is a corrupt ELF file: it ends within its header", LINUX_ENOEXEC);
    memcpy(&e, head, sizeof e);
    if (e.e_machine != ELF_EM_AARCH64)
        return fail(why, machine(e.e_machine), LINUX_ENOEXEC);
    if (e.e_ident[4] != ELF_CLASS64 || e.e_ident[5] != ELF_DATA2LSB)
        return fail(why, "is not a 64-bit little-endian ELF file", LINUX_ENOEXEC);
    if (e.e_type != ELF_ET_EXEC && e.e_type != ELF_ET_DYN)
        return fail(why, "is an ELF file, but not a program", LINUX_ENOEXEC);
    if (e.e_phentsize != sizeof(struct elf64_phdr) || e.e_phnum == 0 || e.e_phnum > ELF_MAX_PHDRS)
        return fail(why, "is a corrupt ELF file: bad program header table", LINUX_ENOEXEC);
    info->dynamic_position = e.e_type == ELF_ET_DYN;
    info->entry = e.e_entry;
    info->phoff = e.e_phoff;
    info->phnum = e.e_phnum;
    return 0;
}

static uint32_t protection(uint32_t flags)
{
    return (flags & ELF_PF_R ? LINUX_PROT_READ : 0u) | (flags & ELF_PF_W ? LINUX_PROT_WRITE : 0u) |
           (flags & ELF_PF_X ? LINUX_PROT_EXEC : 0u);
}

static int load_segment(struct elf_info *info, const struct elf64_phdr *p, uint64_t file_size,
                        uint64_t limit, const char **why)
{
    if (p->p_filesz > p->p_memsz)
        return fail(why, "is a corrupt ELF file: a segment is larger in the file than in memory",
                    LINUX_EINVAL);
    if (p->p_memsz > limit || p->p_vaddr > limit - p->p_memsz)
        return fail(why, "is a corrupt ELF file: a segment lies outside the address space",
                    LINUX_EINVAL);
    if (p->p_filesz && (p->p_offset > file_size || p->p_filesz > file_size - p->p_offset))
        return fail(why, "is a corrupt ELF file: it is shorter than its segments say",
                    LINUX_ENOEXEC);
    if (p->p_filesz && (p->p_vaddr ^ p->p_offset) & ~LINUX_PAGE_MASK)
        return fail(why, "is a corrupt ELF file: a segment's file offset and address do not agree",
                    LINUX_EINVAL);
    if (p->p_align > info->align && (p->p_align & (p->p_align - 1)) == 0) {
        if (p->p_align > limit / 4)
            return fail(why, "is a corrupt ELF file: absurd segment alignment", LINUX_EINVAL);
        info->align = p->p_align;
    }
    if (!info->has_phdr_vaddr && p->p_offset <= info->phoff &&
        info->phoff - p->p_offset < p->p_filesz) {
        info->phdr_vaddr = info->phoff - p->p_offset + p->p_vaddr;
        info->has_phdr_vaddr = true;
    }
    if (p->p_memsz == 0)
        return 0;
    uint64_t low = p->p_vaddr & LINUX_PAGE_MASK;
    uint64_t high = (p->p_vaddr + p->p_memsz + LINUX_PAGE_SIZE - 1) & LINUX_PAGE_MASK;
    if (high > limit)
        return fail(why, "is a corrupt ELF file: a segment lies outside the address space",
                    LINUX_EINVAL);
    if (info->segments == 0 || low < info->low)
        info->low = low;
    if (high > info->high)
        info->high = high;
    info->segment[info->segments++] = (struct elf_segment){p->p_vaddr, p->p_memsz, p->p_offset,
                                                           p->p_filesz, protection(p->p_flags)};
    return 0;
}

static int interpreter(struct elf_info *info, const struct elf64_phdr *p, uint64_t file_size,
                       const char **why)
{
    if (p->p_filesz < 2 || p->p_filesz > 4096)
        return fail(why, "is a corrupt ELF file: bad interpreter name", LINUX_ENOEXEC);
    /* As the read of it fails: rw_verify_area(), elf_read(). */
    if (p->p_offset > file_size || p->p_filesz > file_size - p->p_offset)
        return fail(why, "is a corrupt ELF file: its interpreter's name lies past its end",
                    p->p_offset > INT64_MAX - p->p_filesz ? LINUX_EINVAL : LINUX_EIO);
    info->interp_offset = p->p_offset;
    info->interp_size = p->p_filesz;
    return 0;
}

int elf_parse_segments(struct elf_info *info, const uint8_t *phdrs, uint64_t file_size,
                       uint64_t limit, const char **why)
{
    info->align = LINUX_PAGE_SIZE;
    for (unsigned i = 0; i < info->phnum; i++) {
        struct elf64_phdr p;
        int err = 0;
        memcpy(&p, phdrs + i * sizeof p, sizeof p);
        if (p.p_type == ELF_PT_LOAD)
            err = load_segment(info, &p, file_size, limit, why);
        else if (p.p_type == ELF_PT_INTERP && info->interp_size == 0)
            err = interpreter(info, &p, file_size, why);
        else if (p.p_type == ELF_PT_GNU_STACK)
            info->exec_stack = p.p_flags & ELF_PF_X;
        if (err)
            return err;
    }
    if (info->segments == 0)
        return fail(why, "is a corrupt ELF file: it has nothing to load", LINUX_EINVAL);
    if (!info->dynamic_position && info->entry >= limit)
        return fail(why, "is a corrupt ELF file: its entry point lies outside the address space",
                    LINUX_EINVAL);
    return 0;
}
