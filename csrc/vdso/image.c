/*
 * image.c - the vDSO as an ELF shared object.
 *
 * Who reads it: glibc (DT_HASH or GNU hash, version by DT_VERSYM/DT_VERDEF; 2.41 takes no vDSO
 * without an ABI note), musl (the same, no note), Go (its own parser, which needs DT_VERDEF), gdb
 * and readelf (section headers). Everything is in one read-only, executable segment.
 */
#include <string.h>

#include "elf/elf64.h"
#include "vdso/code.h"
#include "vdso/vdso.h"

#define SONAME  "linux-vdso.so.1"
#define VERSION "LINUX_2.6.39"

static const char *const function_name[VDSO_FUNCTIONS] = {
    [VDSO_RT_SIGRETURN] = "__kernel_rt_sigreturn",
    [VDSO_CLOCK_GETTIME] = "__kernel_clock_gettime",
    [VDSO_GETTIMEOFDAY] = "__kernel_gettimeofday",
    [VDSO_CLOCK_GETRES] = "__kernel_clock_getres",
    [VDSO_GETCPU] = "__kernel_getcpu",
};

enum section {
    S_NULL,
    S_HASH,
    S_DYNSYM,
    S_DYNSTR,
    S_VERSYM,
    S_VERDEF,
    S_NOTE,
    S_DYNAMIC,
    S_TEXT,
    S_SHSTRTAB,
    S_COUNT
};

struct image {
    uint8_t *page;
    uint32_t end; /* bytes in use */
    struct elf64_shdr section[S_COUNT];
    uint32_t name_soname, name_version, name_function[VDSO_FUNCTIONS];
    struct vdso_code code;
};

/* Begin a section at the end of the page, aligned. */
static struct elf64_shdr *begin(struct image *im, enum section s, uint32_t type, uint32_t align)
{
    im->end = (im->end + align - 1) & ~(align - 1);
    im->section[s] = (struct elf64_shdr){.sh_type = type,
                                         .sh_flags = ELF_SHF_ALLOC,
                                         .sh_addr = im->end,
                                         .sh_offset = im->end,
                                         .sh_addralign = align};
    return &im->section[s];
}

static void append(struct image *im, const void *data, size_t size)
{
    memcpy(im->page + im->end, data, size);
    im->end += (uint32_t)size;
}

static void finish(struct image *im, enum section s)
{
    im->section[s].sh_size = im->end - im->section[s].sh_offset;
}

static uint32_t append_string(struct image *im, enum section s, const char *text)
{
    uint32_t at = im->end - (uint32_t)im->section[s].sh_offset;
    append(im, text, strlen(text) + 1);
    return at;
}

/* The hash function of the System V ABI. */
static uint32_t elf_hash(const char *name)
{
    uint32_t h = 0;
    for (; *name; name++) {
        h = (h << 4) + (uint8_t)*name;
        uint32_t g = h & 0xf0000000u;
        h ^= g >> 24;
        h &= ~g;
    }
    return h;
}

/* One bucket: a look-up walks the chain of five. */
static void hash_section(struct image *im)
{
    begin(im, S_HASH, ELF_SHT_HASH, 8)->sh_link = S_DYNSYM;
    im->section[S_HASH].sh_entsize = 4;
    uint32_t head[3] = {1, VDSO_FUNCTIONS + 1, 1};
    append(im, head, sizeof head);
    for (uint32_t i = 0; i <= VDSO_FUNCTIONS; i++) {
        uint32_t next = i == 0 || i == VDSO_FUNCTIONS ? 0 : i + 1;
        append(im, &next, sizeof next);
    }
    finish(im, S_HASH);
}

static void string_section(struct image *im)
{
    begin(im, S_DYNSTR, ELF_SHT_STRTAB, 1);
    append_string(im, S_DYNSTR, "");
    for (int f = 0; f < VDSO_FUNCTIONS; f++)
        im->name_function[f] = append_string(im, S_DYNSTR, function_name[f]);
    im->name_soname = append_string(im, S_DYNSTR, SONAME);
    im->name_version = append_string(im, S_DYNSTR, VERSION);
    finish(im, S_DYNSTR);
}

/* Room for the symbols; their values come when the code has its place. */
static void symbol_section(struct image *im)
{
    struct elf64_shdr *sh = begin(im, S_DYNSYM, ELF_SHT_DYNSYM, 8);
    sh->sh_link = S_DYNSTR;
    sh->sh_info = 1; /* first symbol that is not local */
    sh->sh_entsize = sizeof(struct elf64_sym);
    im->end += (VDSO_FUNCTIONS + 1) * (uint32_t)sizeof(struct elf64_sym);
    finish(im, S_DYNSYM);
}

static void fill_symbols(struct image *im)
{
    uint8_t *at = im->page + im->section[S_DYNSYM].sh_offset + sizeof(struct elf64_sym);
    for (int f = 0; f < VDSO_FUNCTIONS; f++, at += sizeof(struct elf64_sym)) {
        const struct elf64_sym sym = {.st_name = im->name_function[f],
                                      .st_info = 1 << 4 | 2, /* STB_GLOBAL, STT_FUNC */
                                      .st_shndx = S_TEXT,
                                      .st_value = im->code.start[f],
                                      .st_size = im->code.size[f]};
        memcpy(at, &sym, sizeof sym);
    }
}

static void version_sections(struct image *im)
{
    struct elf64_shdr *sh = begin(im, S_VERSYM, ELF_SHT_GNU_VERSYM, 2);
    sh->sh_link = S_DYNSYM;
    sh->sh_entsize = 2;
    for (uint16_t i = 0; i <= VDSO_FUNCTIONS; i++) {
        uint16_t version = i ? 2 : 0;
        append(im, &version, sizeof version);
    }
    finish(im, S_VERSYM);

    sh = begin(im, S_VERDEF, ELF_SHT_GNU_VERDEF, 8);
    sh->sh_link = S_DYNSTR;
    sh->sh_info = 2;
    const uint32_t def = sizeof(struct elf64_verdef), aux = sizeof(struct elf64_verdaux);
    struct elf64_verdef v = {.vd_version = 1,
                             .vd_flags = 1 /* VER_FLG_BASE */,
                             .vd_ndx = 1,
                             .vd_cnt = 1,
                             .vd_hash = elf_hash(SONAME),
                             .vd_aux = def,
                             .vd_next = def + aux};
    struct elf64_verdaux a = {.vda_name = im->name_soname};
    append(im, &v, sizeof v);
    append(im, &a, sizeof a);
    v = (struct elf64_verdef){
        .vd_version = 1, .vd_ndx = 2, .vd_cnt = 1, .vd_hash = elf_hash(VERSION), .vd_aux = def};
    a.vda_name = im->name_version;
    append(im, &v, sizeof v);
    append(im, &a, sizeof a);
    finish(im, S_VERDEF);
}

/* NT_GNU_ABI_TAG: runs on Linux 2.6.39 and later. */
static void note_section(struct image *im)
{
    begin(im, S_NOTE, ELF_SHT_NOTE, 4);
    const uint32_t note[8] = {4, 16, 1, 0x00554e47 /* "GNU\0" */, 0, 2, 6, 39};
    append(im, note, sizeof note);
    finish(im, S_NOTE);
}

static void dynamic_section(struct image *im)
{
    struct elf64_shdr *sh = begin(im, S_DYNAMIC, ELF_SHT_DYNAMIC, 8);
    sh->sh_link = S_DYNSTR;
    sh->sh_entsize = sizeof(struct elf64_dyn);
    const struct elf64_dyn dyn[] = {
        {ELF_DT_SONAME, im->name_soname},
        {ELF_DT_HASH, im->section[S_HASH].sh_addr},
        {ELF_DT_STRTAB, im->section[S_DYNSTR].sh_addr},
        {ELF_DT_SYMTAB, im->section[S_DYNSYM].sh_addr},
        {ELF_DT_STRSZ, im->section[S_DYNSTR].sh_size},
        {ELF_DT_SYMENT, sizeof(struct elf64_sym)},
        {ELF_DT_VERSYM, im->section[S_VERSYM].sh_addr},
        {ELF_DT_VERDEF, im->section[S_VERDEF].sh_addr},
        {ELF_DT_VERDEFNUM, 2},
        {ELF_DT_NULL, 0},
    };
    append(im, dyn, sizeof dyn);
    finish(im, S_DYNAMIC);
}

static void text_section(struct image *im)
{
    begin(im, S_TEXT, ELF_SHT_PROGBITS, 16)->sh_flags |= ELF_SHF_EXECINSTR;
    vdso_assemble(&im->code, im->end);
    append(im, im->code.word, im->code.count * sizeof im->code.word[0]);
    finish(im, S_TEXT);
}

static const char *const section_name[S_COUNT] = {
    "",         ".hash", ".dynsym",  ".dynstr", ".gnu.version", ".gnu.version_d", ".note.ABI-tag",
    ".dynamic", ".text", ".shstrtab"};

/* Section names and headers, which nobody needs at run time. Returns the headers' offset. */
static uint32_t section_headers(struct image *im)
{
    struct elf64_shdr *sh = begin(im, S_SHSTRTAB, ELF_SHT_STRTAB, 1);
    sh->sh_flags = 0;
    sh->sh_addr = 0;
    for (int s = 0; s < S_COUNT; s++)
        im->section[s].sh_name = append_string(im, S_SHSTRTAB, section_name[s]);
    finish(im, S_SHSTRTAB);
    im->end = (im->end + 7) & ~7u;
    uint32_t at = im->end;
    append(im, im->section, sizeof im->section);
    return at;
}

#define PHDRS 3

static void headers(struct image *im, uint32_t shoff)
{
    const struct elf64_ehdr ehdr = {
        .e_ident = {0x7f, 'E', 'L', 'F', ELF_CLASS64, ELF_DATA2LSB, ELF_VERSION},
        .e_type = ELF_ET_DYN,
        .e_machine = ELF_EM_AARCH64,
        .e_version = ELF_VERSION,
        .e_phoff = sizeof ehdr,
        .e_shoff = shoff,
        .e_ehsize = sizeof ehdr,
        .e_phentsize = sizeof(struct elf64_phdr),
        .e_phnum = PHDRS,
        .e_shentsize = sizeof(struct elf64_shdr),
        .e_shnum = S_COUNT,
        .e_shstrndx = S_SHSTRTAB};
    const struct elf64_shdr *dyn = &im->section[S_DYNAMIC], *note = &im->section[S_NOTE];
    const struct elf64_phdr phdr[PHDRS] = {
        {ELF_PT_LOAD, ELF_PF_R | ELF_PF_X, 0, 0, 0, im->end, im->end, VDSO_PAGE_SIZE},
        {ELF_PT_DYNAMIC, ELF_PF_R, dyn->sh_offset, dyn->sh_addr, dyn->sh_addr, dyn->sh_size,
         dyn->sh_size, 8},
        {ELF_PT_NOTE, ELF_PF_R, note->sh_offset, note->sh_addr, note->sh_addr, note->sh_size,
         note->sh_size, 4},
    };
    memcpy(im->page, &ehdr, sizeof ehdr);
    memcpy(im->page + sizeof ehdr, phdr, sizeof phdr);
}

void vdso_build(uint8_t page[VDSO_PAGE_SIZE], struct vdso_info *info)
{
    struct image im = {.page = page,
                       .end = sizeof(struct elf64_ehdr) + PHDRS * sizeof(struct elf64_phdr)};
    memset(page, 0, VDSO_PAGE_SIZE);
    hash_section(&im);
    symbol_section(&im);
    string_section(&im);
    version_sections(&im);
    note_section(&im);
    dynamic_section(&im);
    text_section(&im);
    fill_symbols(&im);
    headers(&im, section_headers(&im));
    info->size = im.end;
    info->sigreturn = im.code.start[VDSO_RT_SIGRETURN];
}
