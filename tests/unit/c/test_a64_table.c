/*
 * The decoder and the disassembler against the table itself and against known text.
 */
#include <string.h>

#include "check.h"
#include "vcpu/a64/a64.h"
#include "vcpu/interp/interp.h"

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    return *seed ^= *seed << 5;
}

/* A word of a row's pattern belongs to it, or to a more specific row whose pattern it has too. */
static void decode(void)
{
    uint32_t seed = 1;
    for (unsigned id = 0; id < A64_COUNT; id++) {
        const struct a64_row *row = a64_row((enum a64_id)id);
        unsigned own = 0;
        for (unsigned i = 0; i < 2000; i++) {
            uint32_t insn = (next_random(&seed) & ~row->mask) | row->value;
            enum a64_id got = a64_decode(insn);
            if (got == (enum a64_id)id) {
                own++;
            } else if (got != A64_INVALID) {
                const struct a64_row *other = a64_row(got);
                CHECK((insn & other->mask) == other->value);
            }
        }
        if (own == 0)
            fprintf(stderr, "no word decodes to %s\n", a64_text(row->name));
        CHECK(own > 0);
    }
    CHECK(a64_row(A64_INVALID) == NULL);
    CHECK_EQ(a64_decode(0), A64_INVALID);
    CHECK_EQ(a64_decode(0xffffffff), A64_INVALID);
}

/* Every word is either refused or leaves an operation that can be called. */
static void predecode(void)
{
    uint32_t seed = 7;
    for (unsigned i = 0; i < 300000; i++) {
        uint32_t insn = next_random(&seed);
        struct a64_op op;
        int error = interp_decode_one(&op, insn, 0x1000);
        CHECK(op.exec != NULL);
        if (a64_decode(insn) == A64_INVALID)
            CHECK_EQ(error, -1);
    }
}

static void text(uint32_t insn, const char *want)
{
    char buf[96];
    int n = a64_disasm(buf, sizeof buf, insn, 0x400000);
    CHECK_EQ(n, (int)strlen(want));
    CHECK(strcmp(buf, want) == 0);
    if (strcmp(buf, want) != 0)
        fprintf(stderr, "%08x: got '%s', want '%s'\n", insn, buf, want);
}

static void disassemble(void)
{
    text(0xf9400022, "ldr x2, [x1, #0]");
    text(0xa8c10c22, "ldp x2, x3, [x1], #16");
    text(0xf81f0fe0, "str x0, [sp, #-16]!");
    text(0x97fffffe, "bl 0x3ffff8");
    text(0x54000041, "b.ne 0x400008");
    text(0x8b020c20, "add x0, x1, x2, lsl #3");
    text(0x92401c20, "and x0, x1, #0xff");
    text(0xd503201f, "hint CRm=#0 op2=#0");
    text(0xd53bd040, "mrs x0, tpidr_el0");
    text(0xd5380600, "mrs x0, s3_0_c0_c6_0");
    text(0xb8e20023, "ldaddal w2, w3, [x1]");
    text(0x48227c24, "casp x2, x4, [x1]");
    text(0xd4002461, "svc #0x123");
    text(0x4eb0a820, "smaxv s0, v1.4s");
    text(0x6f722020, "umlal2 v0.4s, v1.8h, v2.h[3]");
    text(0x2fa2e820, "udot v0.2s, v1.8b, v2.4b[3]");
    text(0x4f089c20, "sqrshrn2 v0.16b, v1.8h, #0x8");
    text(0x5ea2d020, "sqdmull d0, s1, s2");
    text(0x4e1c2c20, "smov x0, v1.s[3]");
    text(0x6e0f76c3, "ins v3.b[7], v22.b[14]");
    text(0x4e0123e0, "tbl v0.16b, {v31.16b, v0.16b}, v1.16b");
    text(0x6f05d560, "mvni v0.4s, #0xab, msl #16");
    text(0x4cdf003e, "ld4 {v30.16b, v31.16b, v0.16b, v1.16b}, [x1], #64");
    text(0x4d609020, "ld2 {v0.s, v1.s}[3], [x1]");
    text(0x00000000, ".inst 0x0");
    /* Cut short, and still terminated. */
    char small[8];
    CHECK_EQ(a64_disasm(small, sizeof small, 0xd4002461, 0), 10);
    CHECK(strcmp(small, "svc #0x") == 0);
    CHECK_EQ(a64_disasm(NULL, 0, 0xd4002461, 0), 10);
    /* Every row has text. */
    uint32_t seed = 3;
    for (unsigned id = 0; id < A64_COUNT; id++) {
        const struct a64_row *row = a64_row((enum a64_id)id);
        char buf[128];
        uint32_t insn = row->value | (next_random(&seed) & ~row->mask);
        CHECK(a64_disasm(buf, sizeof buf, insn, 0) > 2);
        const char *brace = strchr(buf, '{'); /* of a register list, not of a template */
        CHECK(strchr(buf, '?') == NULL && (brace == NULL || brace[1] == 'v'));
        if (strchr(buf, '?'))
            fprintf(stderr, "%s: %s\n", a64_text(row->name), buf);
    }
}

int main(void)
{
    decode();
    predecode();
    disassemble();
    return check_done("a64_table");
}
