/*
 * parse.h - judging the headers of a program file: pure functions of bytes.
 *
 * On failure they return the errno of Linux's fs/binfmt_elf.c or binfmt_script.c, and *why says the
 * cause in words that fit behind a file's name ("is for x86-64, not arm64").
 */
#ifndef ELFUSE_ELF_PARSE_H
#define ELFUSE_ELF_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_HEAD_SIZE    64 /* bytes that elf_parse_header() wants */
#define ELF_MAX_PHDRS    73 /* the table fits in a page (ELF_MIN_ALIGN) */
#define ELF_PHDRS_SIZE   (ELF_MAX_PHDRS * 56)
#define SCRIPT_HEAD_SIZE 256 /* BINPRM_BUF_SIZE */

struct elf_segment {
    uint64_t vaddr, memsz, offset, filesz;
    uint32_t prot; /* LINUX_PROT_* */
};

struct elf_info {
    bool dynamic_position; /* ET_DYN */
    uint64_t entry;
    uint64_t phoff;
    uint16_t phnum;
    uint64_t phdr_vaddr; /* where the program headers lie in memory; has_phdr_vaddr */
    bool has_phdr_vaddr;
    uint64_t low, high; /* first page and end of the last page of all segments */
    uint64_t align;     /* largest p_align, a power of two of at least a page */
    bool exec_stack;
    uint64_t interp_offset, interp_size; /* of the interpreter's name with its NUL; size 0: none */
    struct elf_segment segment[ELF_MAX_PHDRS];
    unsigned segments;
};

/* head has size bytes of the file's start (as many as there are). Fills entry, phoff, phnum. */
int elf_parse_header(struct elf_info *info, const uint8_t *head, size_t size, const char **why);

/*
 * phdrs holds info->phnum program headers; file_size is the file's; limit the end of the guest's
 * addresses. Fills the rest. Every segment then lies within the file and below limit, pages of file
 * and memory agree.
 */
int elf_parse_segments(struct elf_info *info, const uint8_t *phdrs, uint64_t file_size,
                       uint64_t limit, const char **why);

struct script_line {
    char interpreter[SCRIPT_HEAD_SIZE];
    char argument[SCRIPT_HEAD_SIZE];
    bool has_argument;
};

/* Does the file start with "#!"? */
bool script_is(const uint8_t *head, size_t size);
/* The line of a script. */
int script_parse(struct script_line *line, const uint8_t *head, size_t size, const char **why);

#endif
