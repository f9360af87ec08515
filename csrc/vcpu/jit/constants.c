/*
 * constants.c - the constants that translated code takes from memory.
 */
#include "vcpu/jit/constants.h"

_Static_assert(TABLE_COUNT <= sizeof(((struct jit_constants *)0)->table) / 16, "table too small");

static void both(uint64_t c[2], uint64_t v)
{
    c[0] = c[1] = v;
}

static void low(uint64_t c[2], uint64_t v)
{
    c[0] = v;
    c[1] = 0;
}

static void lanes(struct jit_constants *c, enum jit_table_index i, unsigned width, uint64_t v)
{
    for (; width < 64; width *= 2)
        v |= v << width;
    both(c->table[i], v);
}

static void bytes(struct jit_constants *c, unsigned i, const uint8_t v[16])
{
    memcpy(c->table[i], v, 16);
}

static void fill_lanes(struct jit_constants *c)
{
    static const struct {
        uint8_t index, width;
        uint32_t value;
    } all[] = {
        {TABLE_BYTES_01, 8, 0x01},
        {TABLE_BYTES_0F, 8, 0x0f},
        {TABLE_BYTES_70, 8, 0x70},
        {TABLE_BYTES_7F, 8, 0x7f},
        {TABLE_BYTES_80, 8, 0x80},
        {TABLE_BYTES_F0, 8, 0xf0},
        {TABLE_BYTES_08, 8, 0x08},
        {TABLE_BYTES_F8, 8, 0xf8},
        {TABLE_WORDS_0010, 16, 0x0010},
        {TABLE_WORDS_0001, 16, 0x0001},
        {TABLE_WORDS_0080, 16, 0x0080},
        {TABLE_WORDS_00FF, 16, 0x00ff},
        {TABLE_WORDS_7FFF, 16, 0x7fff},
        {TABLE_WORDS_8000, 16, 0x8000},
        {TABLE_WORDS_FF00, 16, 0xff00},
        {TABLE_DWORDS_8000, 32, 0x8000},
        {TABLE_DWORDS_FFFF, 32, 0xffff},
        {TABLE_DWORDS_1, 32, 1},
        {TABLE_DWORDS_20, 32, 0x20},
        {TABLE_QWORDS_FF, 64, 0xff},
        {TABLE_QWORDS_1, 64, 1},
        {TABLE_QWORDS_40000000, 64, 0x40000000},
        {TABLE_QWORDS_80000000, 64, 0x80000000},
        {TABLE_TBX_LIMIT + 0, 8, 16},
        {TABLE_TBX_LIMIT + 1, 8, 32},
        {TABLE_TBX_LIMIT + 2, 8, 48},
        {TABLE_TBX_LIMIT + 3, 8, 64},
        {TABLE_SHA1_K + 0, 32, 0x5a827999},
        {TABLE_SHA1_K + 1, 32, 0x6ed9eba1},
        {TABLE_SHA1_K + 2, 32, 0x8f1bbcdc},
    };
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++)
        lanes(c, all[i].index, all[i].width, all[i].value);
    for (unsigned n = 0; n < 8; n++) {
        lanes(c, TABLE_SHR_MASK + n, 8, 0xff >> n);
        lanes(c, TABLE_SHR_SIGN + n, 8, 0x80 >> n);
    }
    low(c->table[TABLE_LOW_B], 0xff);
    low(c->table[TABLE_LOW_H], 0xffff);
    low(c->table[TABLE_FP_ABS_D], INT64_MAX);
    low(c->table[TABLE_FP_ABS_S], INT32_MAX);
    low(c->table[TABLE_FP_SIGN_D], 1ull << 63);
    low(c->table[TABLE_FP_SIGN_S], 1u << 31);
    /* Powers of two: 400, 38 and 100. */
    both(c->table[TABLE_FP_LEAST_D], (1023ull - 400) << 52);
    lanes(c, TABLE_FP_LEAST_S, 32, (127ull - 38) << 23);
    both(c->table[TABLE_FP_LEAST_NARROW], (1023ull - 100) << 52);
    both(c->table[TABLE_FP_GREATEST_D], (1023ull + 400) << 52);
    lanes(c, TABLE_FP_GREATEST_S, 32, (127ull + 38) << 23);
}

/* Byte i of the selector that takes lanes 0, 2, 4 ... (odd: 1, 3, 5 ...) of 1 << size bytes. */
static uint8_t stride(unsigned i, unsigned size, unsigned odd)
{
    return (uint8_t)((i >> size << (size + 1)) + (odd << size) + (i & ((1u << size) - 1)));
}

static void fill_selectors(struct jit_constants *c)
{
    uint8_t v[16];
    for (unsigned size = 0; size < 3; size++) {
        for (unsigned odd = 0; odd < 2; odd++) {
            for (unsigned i = 0; i < 16; i++)
                v[i] = i < 8 ? stride(i, size, odd) : 0x80;
            bytes(c, (odd ? TABLE_NARROW_HIGH : TABLE_NARROW) + size, v);
        }
    }
    for (unsigned size = 0; size < 2; size++) {
        for (unsigned i = 0; i < 16; i++)
            v[i] = stride(i & 7, size, i >> 3);
        bytes(c, TABLE_EVEN_ODD + size, v);
        for (unsigned i = 0; i < 16; i++)
            v[i] = stride(i & 7, size, 0);
        bytes(c, TABLE_EVEN_EVEN + size, v);
        for (unsigned i = 0; i < 16; i++)
            v[i] = stride(i & 7, size, 1);
        bytes(c, TABLE_ODD_ODD + size, v);
    }
    /* Reversing lanes of 1 << size bytes in containers of `group` flips the index bits between. */
    static const uint8_t rev[][3] = {
        {TABLE_REV64, 0, 8},     {TABLE_REV64 + 1, 1, 8}, {TABLE_REV32, 0, 4},
        {TABLE_REV32 + 1, 1, 4}, {TABLE_REV16, 0, 2},
    };
    for (unsigned r = 0; r < sizeof rev / sizeof rev[0]; r++) {
        for (unsigned i = 0; i < 16; i++)
            v[i] = (uint8_t)(i ^ ((rev[r][2] - 1u) & ~((1u << rev[r][1]) - 1u)));
        bytes(c, rev[r][0], v);
    }
}

/* Indexed by a number below 16, for VPSHUFB. */
static void fill_nibbles(struct jit_constants *c)
{
    static const uint8_t cnt[16] = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};
    static const uint8_t clz_high[16] = {8, 3, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t clz_low[16] = {8, 7, 6, 6, 5, 5, 5, 5, 4, 4, 4, 4, 4, 4, 4, 4};
    uint8_t rev[16], rev_high[16], power[16], power_high[16];
    for (unsigned i = 0; i < 16; i++) {
        rev[i] = (uint8_t)((i & 1) << 3 | (i & 2) << 1 | (i & 4) >> 1 | (i & 8) >> 3);
        rev_high[i] = (uint8_t)(rev[i] << 4);
        power[i] = (uint8_t)(1u << i);
        power_high[i] = (uint8_t)(1u << i >> 8);
    }
    bytes(c, TABLE_NIBBLE_CNT, cnt);
    bytes(c, TABLE_NIBBLE_CLZ_HIGH, clz_high);
    bytes(c, TABLE_NIBBLE_CLZ_LOW, clz_low);
    bytes(c, TABLE_NIBBLE_REV, rev);
    bytes(c, TABLE_NIBBLE_REV_HIGH, rev_high);
    bytes(c, TABLE_POWER_LOW, power);
    bytes(c, TABLE_POWER_HIGH, power_high);
}

void jit_constants_fill(struct jit_constants *c)
{
    memset(c, 0, sizeof *c);
    both(c->abs_d, INT64_MAX);
    both(c->abs_s, 0x7fffffff7fffffff);
    both(c->sign_d, 1ull << 63);
    both(c->sign_s, 0x8000000080000000);
    both(c->min_d, 0x0010000000000000);
    both(c->min_s, 0x0080000000800000);
    low(c->low_d, UINT64_MAX);
    low(c->low_s, UINT32_MAX);
    both(c->ones, UINT64_MAX);
    fill_lanes(c);
    fill_selectors(c);
    fill_nibbles(c);
    jit_constants_ldst(c);
}
