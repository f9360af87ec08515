/*
 * jit_listing - what the translator makes of guest instructions, for test_jit_listing.py. Each line
 * of the input is
 *
 *     row NAME             one instruction of that row of the table, its fields chosen here
 *     code NAME: WORD ...  these instructions, in hexadecimal, as one block
 *
 * The output: "= NAME", then for each guest instruction "pc TEXT" and "host OFFSET BYTES": the code
 * at its place of the block. "interp" stands where the interpreter is called, whose data is left
 * out. The cold part of a block is not shown. The host is one that has everything.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vcpu/jit/translate.h"

#define PC       0x10000ull
#define RET_WORD 0xd65f03c0u
#define PAGE     1024 /* words */
#define BUFFER   (256u << 10)

static uint8_t *buffer;
static uint32_t page[PAGE];

/* Registers that have a host register, and some that are in memory; other fields vary with k. */
static uint32_t field_value(const struct a64_field *f, uint32_t k)
{
    static const struct {
        const char *name;
        uint32_t value;
    } registers[] = {{"Rd", 0}, {"Rt", 0}, {"Rn", 1}, {"Rm", 9}, {"Ra", 2}, {"Rt2", 3}, {"Rs", 4}};
    for (unsigned i = 0; i < sizeof registers / sizeof *registers; i++)
        if (!strcmp(a64_text(f->name), registers[i].name))
            return registers[i].value;
    return (k * 0x9e3779b1u + 0x7f4a7c15u * f->lsb) >> 13;
}

/* The first word that is of this row. */
static uint32_t typical(enum a64_id id)
{
    const struct a64_row *row = a64_row(id);
    for (uint32_t k = 1; k < 1u << 20; k++) {
        uint32_t word = row->value;
        for (unsigned i = 0; i < row->field_count; i++) {
            const struct a64_field *f = &a64_fields(row)[i];
            word |= (field_value(f, k) & ((1u << f->width) - 1)) << f->lsb & ~row->mask;
        }
        if (a64_decode(word) == id)
            return word;
    }
    fprintf(stderr, "jit_listing: no word for %s\n", a64_text(row->name));
    exit(2);
}

static void print_bytes(const struct translation *t, unsigned from, unsigned to)
{
    if (from >= to)
        return;
    printf("host %x ", from);
    for (unsigned i = from; i < to; i++)
        printf("%02x", t->code[i]);
    printf("\n");
}

/* Code of one instruction, without what follows a call of the interpreter. */
static void print_code(const struct translation *t, unsigned from, unsigned to, uint64_t pc,
                       uint32_t insn)
{
    const struct jit_fallback_data data = {.pc = pc, .insn = insn};
    const uint8_t *found = memmem(t->code + from, to - from, &data, sizeof data);
    if (!found) {
        print_bytes(t, from, to);
        return;
    }
    unsigned at = (unsigned)(found - t->code);
    print_bytes(t, from, at);
    printf("interp\n");
    print_bytes(t, at + sizeof data, to);
}

static void list(const char *name, unsigned count)
{
    static struct translation t;
    static struct jit_host host;
    memset(&host, 1, sizeof host);
    t.host = &host;
    t.key = PC;
    t.limit = 1ull << 45;
    t.e.at = buffer;
    t.end = buffer + BUFFER;
    jit_translate(&t, page);
    printf("= %s\n", name);
    for (unsigned i = 0; i < t.count && i < count; i++) {
        char text[128];
        uint64_t pc = PC + 4ull * i;
        a64_disasm(text, sizeof text, page[i], pc);
        printf("%" PRIx64 " %s\n", pc, text);
        print_code(&t, t.map[i].host, t.map[i + 1].host, pc, page[i]);
    }
}

static enum a64_id row_named(const char *name)
{
    for (unsigned id = 0; id < A64_COUNT; id++) {
        const struct a64_row *row = a64_row((enum a64_id)id);
        if (row && !strcmp(a64_text(row->name), name))
            return (enum a64_id)id;
    }
    fprintf(stderr, "jit_listing: no row %s\n", name);
    exit(2);
}

static void read_line(char *line)
{
    unsigned count = 0;
    line[strcspn(line, "\n")] = 0;
    for (unsigned i = 0; i < PAGE; i++)
        page[i] = RET_WORD;
    if (!strncmp(line, "row ", 4)) {
        page[count++] = typical(row_named(line + 4));
        list(line + 4, count);
    } else if (!strncmp(line, "code ", 5) && strchr(line, ':')) {
        char *words = strchr(line, ':'), *rest;
        *words++ = 0;
        for (; count < JIT_MAX_INSNS; words = rest) {
            uint32_t word = (uint32_t)strtoul(words, &rest, 16);
            if (rest == words)
                break;
            page[count++] = word;
        }
        list(line + 5, count);
    } else if (*line && *line != '#') {
        fprintf(stderr, "jit_listing: what is \"%s\"?\n", line);
        exit(2);
    }
}

int main(void)
{
    char line[4096];
    buffer = malloc(BUFFER);
    while (buffer && fgets(line, sizeof line, stdin))
        read_line(line);
    return 0;
}
