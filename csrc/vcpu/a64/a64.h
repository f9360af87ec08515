/*
 * a64.h - the A64 instruction set table, as C. The rows are in *.tbl (README.md); pure data, no
 * state.
 */
#ifndef ELFUSE_VCPU_A64_H
#define ELFUSE_VCPU_A64_H

#include <stddef.h>
#include <stdint.h>

#include "a64_gen.h"

/* Texts are numbers for a64_text() and not pointers, which the loader would have to relocate, page
 * by page, at each start. */
struct a64_field {
    uint16_t name;
    uint8_t lsb, width;
};

struct a64_row {
    uint32_t mask, value; /* fixed bits; the constraints on fields come on top */
    uint16_t name, feature;
    uint16_t disasm; /* template, see README.md */
    uint16_t field_at;
    uint8_t field_count;
};

/* The row that a word belongs to, or A64_INVALID. */
enum a64_id a64_decode(uint32_t insn);

/* A row's data; NULL for A64_INVALID. */
const struct a64_row *a64_row(enum a64_id id);
const struct a64_field *a64_fields(const struct a64_row *row); /* field_count of them */
const char *a64_text(unsigned text);

/*
 * Write insn, at address pc, as text into buf, always NUL-terminated when n > 0. An unallocated
 * word is written as ".inst 0x...". Returns the length the whole text has, as snprintf does.
 * Async-signal-safe.
 */
int a64_disasm(char *buf, size_t n, uint32_t insn, uint64_t pc);

#endif
