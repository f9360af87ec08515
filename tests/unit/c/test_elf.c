/* Judging program files: what is accepted, each refusal with its words, and no crash on damaged
 * headers. */
#include <string.h>

#include "check.h"
#include "elf/elf64.h"
#include "elf/parse.h"
#include "linux/abi/errno.h"
#include "linux/abi/mman.h"

#define LIMIT     (1ull << 45)
#define FILE_SIZE 100000u

static struct elf64_ehdr good_header(void)
{
    return (struct elf64_ehdr){.e_ident = {0x7f, 'E', 'L', 'F', 2, 1, 1},
                               .e_type = ELF_ET_DYN,
                               .e_machine = ELF_EM_AARCH64,
                               .e_version = 1,
                               .e_entry = 0x1000,
                               .e_phoff = 64,
                               .e_ehsize = 64,
                               .e_phentsize = 56,
                               .e_phnum = 3};
}

static void good_segments(struct elf64_phdr p[3])
{
    p[0] = (struct elf64_phdr){ELF_PT_LOAD, 5, 0, 0, 0, 0x2000, 0x2000, 0x10000};
    p[1] = (struct elf64_phdr){ELF_PT_LOAD, 6, 0x2f00, 0x12f00, 0, 0x500, 0x3000, 0x10000};
    p[2] = (struct elf64_phdr){ELF_PT_INTERP, 4, 0x300, 0x300, 0, 27, 27, 1};
}

static int parse(struct elf_info *info, const struct elf64_ehdr *e, const struct elf64_phdr *p,
                 const char **why)
{
    *why = "";
    int err = elf_parse_header(info, (const uint8_t *)e, sizeof *e, why);
    return err ? err : elf_parse_segments(info, (const uint8_t *)p, FILE_SIZE, LIMIT, why);
}

static void test_good(void)
{
    struct elf64_ehdr e = good_header();
    struct elf64_phdr p[3];
    struct elf_info info;
    const char *why;
    good_segments(p);
    CHECK_EQ(parse(&info, &e, p, &why), 0);
    CHECK_EQ(info.segments, 2);
    CHECK_EQ(info.low, 0);
    CHECK_EQ(info.high, 0x16000);
    CHECK_EQ(info.align, 0x10000);
    CHECK_EQ(info.phdr_vaddr, 64);
    CHECK_EQ(info.interp_offset, 0x300);
    CHECK_EQ(info.interp_size, 27);
    CHECK_EQ(info.segment[1].prot, LINUX_PROT_READ | LINUX_PROT_WRITE);
    CHECK(!info.exec_stack && info.dynamic_position);
}

static void expect_header(struct elf64_ehdr e, size_t size, const char *words)
{
    struct elf_info info;
    const char *why = "";
    CHECK_EQ(elf_parse_header(&info, (const uint8_t *)&e, size, &why), -LINUX_ENOEXEC);
    if (!strstr(why, words))
        fprintf(stderr, "\"%s\" lacks \"%s\"\n", why, words);
    CHECK(strstr(why, words));
}

static void test_headers(void)
{
    struct elf64_ehdr e = good_header();
    expect_header(e, 0, "is empty");
    expect_header(e, 3, "neither an ELF program nor a script");
    expect_header(e, 40, "ends within its header");
    e.e_machine = ELF_EM_X86_64;
    expect_header(e, sizeof e, "is for x86-64, not arm64");
    e.e_machine = ELF_EM_ARM;
    expect_header(e, sizeof e, "32-bit arm");
    e = good_header();
    e.e_ident[4] = 1;
    expect_header(e, sizeof e, "not a 64-bit");
    e = good_header();
    e.e_type = 1;
    expect_header(e, sizeof e, "not a program");
    e = good_header();
    e.e_phnum = 0;
    expect_header(e, sizeof e, "program header table");
    e.e_phnum = ELF_MAX_PHDRS + 1;
    expect_header(e, sizeof e, "program header table");
}

static void expect_segment(unsigned index, struct elf64_phdr changed, int err, const char *words)
{
    struct elf64_ehdr e = good_header();
    struct elf64_phdr p[3];
    struct elf_info info;
    const char *why;
    good_segments(p);
    p[index] = changed;
    CHECK_EQ(parse(&info, &e, p, &why), -err);
    CHECK(strstr(why, words));
}

static void test_segments(void)
{
    struct elf64_phdr p[3], c;
    good_segments(p);
    c = p[1];
    c.p_memsz = 0x400;
    expect_segment(1, c, LINUX_EINVAL, "larger in the file");
    c = p[1];
    c.p_memsz = LIMIT;
    expect_segment(1, c, LINUX_EINVAL, "outside the address space");
    c.p_memsz = UINT64_MAX;
    expect_segment(1, c, LINUX_EINVAL, "outside the address space");
    c = p[1];
    c.p_vaddr = UINT64_MAX - 0xff;
    expect_segment(1, c, LINUX_EINVAL, "outside the address space");
    c = p[1];
    c.p_offset = FILE_SIZE - 0x100;
    expect_segment(1, c, LINUX_ENOEXEC, "shorter than its segments say");
    c.p_offset = UINT64_MAX;
    expect_segment(1, c, LINUX_ENOEXEC, "shorter than its segments say");
    c = p[1];
    c.p_offset++;
    expect_segment(1, c, LINUX_EINVAL, "do not agree");
    c = p[1];
    c.p_align = 1ull << 50;
    expect_segment(1, c, LINUX_EINVAL, "alignment");
    c = p[2];
    c.p_filesz = 1;
    expect_segment(2, c, LINUX_ENOEXEC, "interpreter name");
    c.p_filesz = 5000;
    expect_segment(2, c, LINUX_ENOEXEC, "interpreter name");
    c = p[2];
    c.p_offset = FILE_SIZE;
    expect_segment(2, c, LINUX_EIO, "past its end");
    c.p_offset = UINT64_MAX;
    expect_segment(2, c, LINUX_EINVAL, "past its end");
}

/* What elf_parse_segments() promises, however the bytes were damaged. */
static void test_damage(void)
{
    uint64_t seed = 42;
    struct {
        struct elf64_ehdr e;
        struct elf64_phdr p[ELF_MAX_PHDRS];
    } file;
    unsigned accepted = 0;
    for (unsigned round = 0; round < 200000; round++) {
        struct elf_info info;
        const char *why;
        memset(&file, 0, sizeof file);
        file.e = good_header();
        good_segments(file.p);
        for (unsigned i = 0; i < 1 + round % 4; i++) {
            seed = seed * 6364136223846793005ull + 1442695040888963407ull;
            ((uint8_t *)&file)[16 + (seed >> 33) % (48 + 3 * 56)] ^= (uint8_t)(seed >> 24);
        }
        if (parse(&info, &file.e, file.p, &why))
            continue;
        accepted++;
        bool fine = info.segments > 0 && info.low < info.high && info.high <= LIMIT &&
                    (info.align & (info.align - 1)) == 0;
        for (unsigned i = 0; i < info.segments; i++) {
            const struct elf_segment *s = &info.segment[i];
            fine = fine && s->filesz <= s->memsz && s->vaddr + s->memsz <= info.high &&
                   s->vaddr >= info.low && (!s->filesz || s->offset + s->filesz <= FILE_SIZE);
        }
        CHECK(fine);
    }
    CHECK(accepted > 1000);
}

static int script(struct script_line *line, const char *text)
{
    const char *why = "";
    CHECK(script_is((const uint8_t *)text, strlen(text)));
    int err = script_parse(line, (const uint8_t *)text, strlen(text), &why);
    CHECK(err == 0 || *why);
    return err;
}

static void test_scripts(void)
{
    struct script_line line;
    char longer[600];
    CHECK_EQ(script(&line, "#!/bin/sh\necho"), 0);
    CHECK(!strcmp(line.interpreter, "/bin/sh") && !line.has_argument);
    CHECK_EQ(script(&line, "#! \t/usr/bin/env  python3 -u \t\nx"), 0);
    CHECK(!strcmp(line.interpreter, "/usr/bin/env") && !strcmp(line.argument, "python3 -u"));
    CHECK_EQ(script(&line, "#!/bin/sh"), 0); /* no newline, but the end of the file */
    CHECK(!strcmp(line.interpreter, "/bin/sh"));
    CHECK_EQ(script(&line, "#!\n/bin/sh"), -LINUX_ENOEXEC);
    CHECK_EQ(script(&line, "#!   \n"), -LINUX_ENOEXEC);
    memset(longer, 'x', sizeof longer);
    memcpy(longer, "#!/", 3);
    longer[599] = '\0';
    CHECK_EQ(script(&line, longer), -LINUX_ENOEXEC);
    longer[10] = ' '; /* the interpreter is whole, its argument is cut */
    CHECK_EQ(script(&line, longer), 0);
    CHECK_EQ(strlen(line.interpreter), 8);
    CHECK(!script_is((const uint8_t *)"#", 1));
}

int main(void)
{
    test_good();
    test_headers();
    test_segments();
    test_damage();
    test_scripts();
    return check_done("elf");
}
