/*
 * constants.h - indexes into jit_constants.table: what vector code takes from memory.
 *
 * Names say the lanes and what is in each: BYTES_0F is sixteen bytes of 0f. Indexes 20 to 23 belong
 * to floating point, 24 to 31 to loads and stores.
 */
#ifndef ELFUSE_JIT_CONSTANTS_H
#define ELFUSE_JIT_CONSTANTS_H

#include "vcpu/jit/jit.h"

enum jit_table_index {
    /* A mask of the low byte and of the low two bytes. */
    TABLE_LOW_B,
    TABLE_LOW_H,

    TABLE_BYTES_01,
    TABLE_BYTES_0F,
    TABLE_BYTES_70,
    TABLE_BYTES_7F,
    TABLE_BYTES_80,
    TABLE_BYTES_F0,
    TABLE_WORDS_0001,
    TABLE_WORDS_0080,
    TABLE_WORDS_00FF,
    TABLE_WORDS_7FFF,
    TABLE_WORDS_8000,
    TABLE_WORDS_FF00,
    TABLE_DWORDS_8000,
    TABLE_DWORDS_FFFF,
    TABLE_DWORDS_1,
    TABLE_QWORDS_FF,
    TABLE_QWORDS_1,
    TABLE_QWORDS_40000000,

    /* All but the sign bit of a scalar, and the sign bit; zero above. */
    TABLE_FP_ABS_D = 20,
    TABLE_FP_ABS_S,
    TABLE_FP_SIGN_D,
    TABLE_FP_SIGN_S,

    TABLE_LDST = 24,

    /* Indexed by a byte shift of 0 to 7: ff >> n and 80 >> n in each byte. */
    TABLE_SHR_MASK = 32,
    TABLE_SHR_SIGN = TABLE_SHR_MASK + 8,

    /* VPSHUFB selectors. By lane size (B, H, S): the low, and the high, halves of lanes twice as
     * wide, with zeroes above. */
    TABLE_NARROW = TABLE_SHR_SIGN + 8,
    TABLE_NARROW_HIGH = TABLE_NARROW + 3,
    /* By lane size (B, H): even lanes then odd lanes; even lanes twice; odd lanes twice. */
    TABLE_EVEN_ODD = TABLE_NARROW_HIGH + 3,
    TABLE_EVEN_EVEN = TABLE_EVEN_ODD + 2,
    TABLE_ODD_ODD = TABLE_EVEN_EVEN + 2,
    /* Lanes in reverse order within containers: REV64 of B and H, REV32 of B and H, REV16. */
    TABLE_REV64 = TABLE_ODD_ODD + 2,
    TABLE_REV32 = TABLE_REV64 + 2,
    TABLE_REV16 = TABLE_REV32 + 2,

    /* By the value of a nibble: bits set; leading zeroes of a byte of which it is the upper or the
     * lower, at most 8 where it is zero; bits in reverse order, as the lower and as the upper. */
    TABLE_NIBBLE_CNT,
    TABLE_NIBBLE_CLZ_HIGH,
    TABLE_NIBBLE_CLZ_LOW,
    TABLE_NIBBLE_REV,
    TABLE_NIBBLE_REV_HIGH,

    TABLE_QWORDS_80000000,
    TABLE_BYTES_08,
    TABLE_WORDS_0010,
    TABLE_BYTES_F8,
    TABLE_DWORDS_20,
    /* The bytes of 1 << n, n from 0 to 15. */
    TABLE_POWER_LOW,
    TABLE_POWER_HIGH,
    /* By the number of registers less one: 16 times that number in each byte. */
    TABLE_TBX_LIMIT,
    /* The round constants that SHA1RNDS4 adds for SHA1C, SHA1P and SHA1M. */
    TABLE_SHA1_K = TABLE_TBX_LIMIT + 4,

    /* What fp_guard() compares operands with. */
    TABLE_FP_LEAST_D = TABLE_SHA1_K + 3,
    TABLE_FP_LEAST_S,
    TABLE_FP_LEAST_NARROW,
    TABLE_FP_GREATEST_D,
    TABLE_FP_GREATEST_S,

    TABLE_COUNT,
};

/* Set all members of *c. */
void jit_constants_fill(struct jit_constants *c);
/* Those from TABLE_LDST on, for it: emit_vstruct.c. */
void jit_constants_ldst(struct jit_constants *c);

#endif
