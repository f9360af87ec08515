/* Program files: header, segments, script lines. What is accepted holds what parse.h promises. */
#include <stdlib.h>
#include <string.h>

#include "elf/elf64.h"
#include "elf/parse.h"
#include "fuzz.h"
#include "linux/abi/mman.h"

#define LIMIT     (1ull << 45)
#define FILE_SIZE (1ull << 20)

#define MUST(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond))                                                                               \
            abort();                                                                               \
    } while (0)

static void check_segments(const struct elf_info *info)
{
    MUST(info->segments >= 1 && info->segments <= ELF_MAX_PHDRS);
    MUST(info->low <= info->high && info->high - info->low <= LIMIT);
    MUST(info->align >= LINUX_PAGE_SIZE && !(info->align & (info->align - 1)));
    for (unsigned i = 0; i < info->segments; i++) {
        const struct elf_segment *s = &info->segment[i];
        MUST(s->filesz <= s->memsz);
        MUST(s->filesz == 0 || (s->offset <= FILE_SIZE && s->filesz <= FILE_SIZE - s->offset));
        MUST(s->vaddr + s->memsz >= s->vaddr && s->vaddr + s->memsz <= LIMIT);
        MUST(s->filesz == 0 || (s->offset - s->vaddr) % LINUX_PAGE_SIZE == 0);
        MUST(!(s->prot & ~7u));
    }
    MUST(info->interp_size == 0 || info->interp_offset + info->interp_size <= FILE_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char untold[] = "";
    const char *why = untold;
    struct elf_info info;
    struct script_line line;
    if (script_is(data, size) && script_parse(&line, data, size, &why) == 0)
        MUST(line.interpreter[0] && strlen(line.interpreter) < SCRIPT_HEAD_SIZE &&
             (!line.has_argument || strlen(line.argument) < SCRIPT_HEAD_SIZE));
    why = untold;
    size_t head = size < ELF_HEAD_SIZE ? size : ELF_HEAD_SIZE;
    int err = elf_parse_header(&info, data, head, &why);
    MUST(err <= 0 && (err == 0 || why != untold));
    if (err)
        return 0;
    MUST(info.phnum <= ELF_MAX_PHDRS);
    size_t table = (size_t)info.phnum * 56;
    uint8_t *phdrs = calloc(1, table ? table : 1); /* exactly what the loader would have read */
    size_t have = size - head < table ? size - head : table;
    memcpy(phdrs, data + head, have);
    err = elf_parse_segments(&info, phdrs, FILE_SIZE, LIMIT, &why);
    MUST(err <= 0 && (err == 0 || why != untold));
    if (err == 0)
        check_segments(&info);
    free(phdrs);
    return 0;
}

size_t fuzz_seed(unsigned index, uint8_t *buf, size_t max)
{
    static const char *const scripts[] = {"#!/bin/sh\n", "#! /usr/bin/env  python3 -u\nprint(1)\n",
                                          "#!\n", "#!/x", "#!/bin/sh -e "};
    struct elf64_ehdr e = {.e_ident = {0x7f, 'E', 'L', 'F', 2, 1, 1},
                           .e_type = ELF_ET_DYN,
                           .e_machine = ELF_EM_AARCH64,
                           .e_version = 1,
                           .e_entry = 0x1000,
                           .e_phoff = 64,
                           .e_ehsize = 64,
                           .e_phentsize = 56};
    struct elf64_phdr p[8] = {
        {ELF_PT_LOAD, 5, 0, 0, 0, 0x2000, 0x2000, 0x10000},
        {ELF_PT_LOAD, 6, 0x2f00, 0x12f00, 0, 0x500, 0x3000, 0x10000},
        {ELF_PT_INTERP, 4, 0x300, 0x300, 0, 27, 27, 1},
        {6 /* PT_PHDR */, 4, 64, 64, 64, 448, 448, 8},
        {0x6474e551 /* PT_GNU_STACK */, 6, 0, 0, 0, 0, 0, 16},
        {0x6474e553 /* PT_GNU_PROPERTY */, 4, 0x400, 0x400, 0, 32, 32, 8},
        {ELF_PT_LOAD, 4, 0x10000, 0x400000000000 >> 2, 0, 0x100, 0x100, 0x1000},
        {2 /* PT_DYNAMIC */, 6, 0x2f00, 0x12f00, 0, 0x100, 0x100, 8},
    };
    if (max < sizeof e + sizeof p || index >= 13)
        return 0;
    if (index >= 8) {
        size_t n = strlen(scripts[index - 8]);
        memcpy(buf, scripts[index - 8], n);
        return n;
    }
    e.e_type = index & 1 ? ELF_ET_EXEC : ELF_ET_DYN;
    e.e_phnum = (uint16_t)(index + 1);
    memcpy(buf, &e, sizeof e);
    memcpy(buf + sizeof e, p, sizeof p);
    return sizeof e + sizeof p;
}
