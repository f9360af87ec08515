/* The vDSO image, read by a parser of this file's own, byte for byte; and the seqlock's writer. */
#include <stdbool.h>
#include <string.h>

#include "check.h"
#include "elf/elf64.h"
#include "vdso/vdso.h"

static uint8_t page[VDSO_PAGE_SIZE];

static uint64_t word(uint64_t offset, unsigned size)
{
    uint64_t v = 0;
    CHECK(offset + size <= sizeof page);
    if (offset + size <= sizeof page)
        memcpy(&v, page + offset, size);
    return v;
}

static uint64_t dynamic(uint64_t tag)
{
    uint64_t phoff = word(32, 8);
    for (unsigned i = 0; i < word(56, 2); i++) {
        uint64_t ph = phoff + i * 56;
        if (word(ph, 4) != ELF_PT_DYNAMIC)
            continue;
        for (uint64_t d = word(ph + 16, 8); word(d, 8) != ELF_DT_NULL; d += 16) {
            if (word(d, 8) == tag)
                return word(d + 8, 8);
        }
    }
    CHECK(!"tag is there");
    return 0;
}

/* As glibc's do_lookup with DT_HASH: bucket, chain, name, version. */
static uint64_t lookup(const char *name, const char *version, uint64_t *size)
{
    uint64_t hash = dynamic(ELF_DT_HASH), sym = dynamic(ELF_DT_SYMTAB),
             str = dynamic(ELF_DT_STRTAB);
    uint32_t h = 0;
    for (const char *p = name; *p; p++) {
        h = (h << 4) + (uint8_t)*p;
        h = (h ^ (h & 0xf0000000u) >> 24) & 0x0fffffffu;
    }
    uint32_t buckets = (uint32_t)word(hash, 4);
    uint64_t chain = hash + 8 + buckets * 4;
    for (uint64_t i = word(hash + 8 + h % buckets * 4, 4); i; i = word(chain + i * 4, 4)) {
        uint64_t s = sym + i * 24;
        if (strcmp((char *)page + str + word(s, 4), name))
            continue;
        CHECK_EQ(word(s + 4, 1), 0x12); /* global function */
        uint64_t want = word(dynamic(ELF_DT_VERSYM) + i * 2, 2), def = dynamic(ELF_DT_VERDEF);
        while (word(def + 4, 2) != want && word(def + 16, 4))
            def += word(def + 16, 4);
        CHECK_EQ(word(def + 4, 2), want);
        CHECK(!strcmp((char *)page + str + word(def + word(def + 12, 4), 4), version));
        *size = word(s + 16, 8);
        return word(s + 8, 8);
    }
    return 0;
}

static void test_symbols(const struct vdso_info *info)
{
    static const char *const names[] = {"__kernel_rt_sigreturn", "__kernel_clock_gettime",
                                        "__kernel_gettimeofday", "__kernel_clock_getres",
                                        "__kernel_getcpu"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        uint64_t size = 0, at = lookup(names[i], "LINUX_2.6.39", &size);
        CHECK(at >= 64 && at % 16 == 0 && size >= 8 && at + size <= info->size);
    }
    uint64_t size, at = lookup("__kernel_rt_sigreturn", "LINUX_2.6.39", &size);
    CHECK_EQ(at, info->sigreturn);
    CHECK_EQ(word(at, 4), 0xd2801168); /* mov x8, #139: what unwinders look for */
    CHECK_EQ(word(at + 4, 4), 0xd4000001);
    CHECK_EQ(word(at - 4, 4), 0xd503201f);
    CHECK_EQ(lookup("__kernel_none", "LINUX_2.6.39", &size), 0);
}

static void test_headers(const struct vdso_info *info)
{
    static const uint8_t ident[16] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    CHECK(!memcmp(page, ident, sizeof ident));
    CHECK_EQ(word(16, 2), ELF_ET_DYN);
    CHECK_EQ(word(18, 2), ELF_EM_AARCH64);
    bool note = false, load = false;
    for (unsigned i = 0; i < word(56, 2); i++) {
        uint64_t ph = word(32, 8) + i * 56, offset = word(ph + 8, 8), size = word(ph + 32, 8);
        CHECK(offset + size <= info->size);
        CHECK_EQ(word(ph + 16, 8), offset); /* linked at 0 */
        if (word(ph, 4) == ELF_PT_LOAD) {
            load = true;
            CHECK_EQ(word(ph + 4, 4), ELF_PF_R | ELF_PF_X);
            CHECK_EQ(size, info->size);
        } else if (word(ph, 4) == ELF_PT_NOTE) {
            static const uint32_t abi_tag[8] = {4, 16, 1, 0x00554e47, 0, 2, 6, 39};
            note = !memcmp(page + offset, abi_tag, sizeof abi_tag) && size == sizeof abi_tag;
        }
    }
    CHECK(note && load);
    for (uint32_t i = info->size; i < sizeof page; i++) {
        if (page[i]) {
            CHECK(!"the rest is zero");
            break;
        }
    }
}

static void test_time(void)
{
    struct vdso_time time = {0};
    vdso_time_write(&time, 1000, -5);
    CHECK_EQ(time.seq, 2);
    CHECK_EQ(time.taken, 1000);
    CHECK_EQ(time.real_offset, -5);
    CHECK_EQ(time.max_age, VDSO_MAX_AGE_NS);
    time.seq = 7; /* someone else writes */
    vdso_time_write(&time, 2000, 6);
    CHECK_EQ(time.seq, 7);
    CHECK_EQ(time.taken, 1000);
    time.seq = UINT32_MAX - 1;
    vdso_time_write(&time, 3000, 6);
    CHECK_EQ(time.seq, 2); /* never 0 again */
}

int main(void)
{
    struct vdso_info info, again;
    uint8_t second[VDSO_PAGE_SIZE];
    vdso_build(page, &info);
    vdso_build(second, &again);
    CHECK(!memcmp(page, second, sizeof page));
    test_headers(&info);
    test_symbols(&info);
    test_time();
    return check_done("vdso");
}
