/*
 * chain.h - random steps of arithmetic and accesses on nine base registers, with a model of what
 * each does: for tests of where a chain of them first leaves good memory.
 */
#ifndef ELFUSE_CHAIN_H
#define ELFUSE_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

static uint64_t state;
static uint64_t rnd(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1d;
}
static unsigned below(unsigned n)
{
    return (unsigned)(rnd() >> 33) % n;
}

#define BASES 9 /* x0 to x7 and, last, sp */

/* One instruction: its word, its access if it has one, and the registers behind it. */
struct step {
    uint32_t word;
    unsigned size, align; /* size 0: no access */
    uint64_t at;
    bool sp_base;
    uint64_t r[BASES];
};

static uint32_t number(unsigned base)
{
    return base == BASES - 1 ? 31 : base;
}

static void arithmetic_step(struct step *s)
{
    unsigned d = below(BASES), n = below(BASES), m = below(BASES - 1), kind = below(10);
    unsigned imm = below(3) ? below(4096) & -16u : below(4096), far = below(4) == 0,
             shift = below(4);
    if (kind >= 6 && (d == BASES - 1 || n == BASES - 1))
        kind = below(6);
    if (kind < 6) { /* add, sub: mostly of a register to itself */
        if (kind < 4)
            n = d;
        if (far && below(4))
            imm = 1 + below(140);
        uint64_t by = (uint64_t)imm << (far ? 12 : 0);
        s->word = (kind & 1 ? 0xd1000000 : 0x91000000) | far << 22 | imm << 10 | number(n) << 5 |
                  number(d);
        s->r[d] = kind & 1 ? s->r[n] - by : s->r[n] + by;
    } else if (kind == 6) { /* mov */
        s->word = 0xaa0003e0 | n << 16 | d;
        s->r[d] = s->r[n];
    } else if (kind == 7) { /* add, shifted register */
        s->word = 0x8b000000 | m << 16 | shift << 10 | n << 5 | d;
        s->r[d] = s->r[n] + (s->r[m] << shift);
    } else if (kind == 8) { /* movk: a tag, or half a tag and the bits below */
        unsigned tag = below(8) ? below(256) << 8 : (unsigned)rnd() & 0xffff;
        s->word = 0xf2e00000 | tag << 5 | d;
        s->r[d] = (s->r[d] & ~(0xffffull << 48)) | (uint64_t)tag << 48;
    } else { /* and: no tag */
        s->word = 0x9240dc00 | n << 5 | d;
        s->r[d] = s->r[n] & ~(0xffull << 56);
    }
}

/* An access at base n + offset, and what is added to n. */
static void access_step(struct step *s)
{
    enum {
        UNSIGNED,
        UNSCALED,
        POST,
        PRE,
        PAIR_OFFSET,
        PAIR_POST,
        PAIR_PRE,
        Q_POST,
        Q_PAIR_POST,
        REGISTER,
        LD1,
        LD1_REGISTER,
        ACQUIRE,
        ATOMIC,
        KINDS
    };
    unsigned n = below(BASES), m = below(BASES - 1), kind = below(KINDS), store = below(2);
    uint32_t base = number(n) << 5 | 9;
    int64_t imm9 = (int)below(512) - 256, imm7 = (int)below(128) - 64, offset = 0, move = 0;
    s->size = 8;
    s->align = 1;
    switch (kind) {
    case UNSIGNED:
        offset = below(4) ? below(64) * 8 : below(4096) * 8;
        s->word = (store ? 0xf9000000 : 0xf9400000) | (uint32_t)offset / 8 << 10 | base;
        break;
    case UNSCALED:
    case POST:
    case PRE:
        offset = kind == POST ? 0 : imm9;
        move = kind == UNSCALED ? 0 : imm9;
        s->word = (store ? 0xf8000000 : 0xf8400000) | ((uint32_t)imm9 & 511) << 12 |
                  (kind == UNSCALED ? 0u
                   : kind == POST   ? 1u
                                    : 3u)
                      << 10 |
                  base;
        break;
    case PAIR_OFFSET:
    case PAIR_POST:
    case PAIR_PRE:
        s->size = 16;
        offset = kind == PAIR_POST ? 0 : imm7 * 8;
        move = kind == PAIR_OFFSET ? 0 : imm7 * 8;
        s->word = (kind == PAIR_OFFSET ? 0xa9000000
                   : kind == PAIR_POST ? 0xa8800000
                                       : 0xa9800000) |
                  !store << 22 | ((uint32_t)imm7 & 127) << 15 | 10 << 10 | base;
        break;
    case Q_POST:
        s->size = 16;
        move = imm9;
        s->word = (store ? 0x3c800400 : 0x3cc00400) | ((uint32_t)imm9 & 511) << 12 | base;
        break;
    case Q_PAIR_POST:
        s->size = 32;
        move = imm7 * 16;
        s->word =
            (store ? 0xac800000 : 0xacc00000) | ((uint32_t)imm7 & 127) << 15 | 10 << 10 | base;
        break;
    case REGISTER: {
        static const unsigned options[] = {2, 3, 6, 7};
        unsigned option = options[below(4)], scaled = below(2);
        uint64_t v = option == 2   ? (uint32_t)s->r[m]
                     : option == 6 ? (uint64_t)(int64_t)(int32_t)s->r[m]
                                   : s->r[m];
        offset = (int64_t)(v << (scaled ? 3 : 0));
        s->word = (store ? 0xf8200800 : 0xf8600800) | m << 16 | option << 13 | scaled << 12 | base;
        break;
    }
    case LD1:
    case LD1_REGISTER:
        s->size = 16;
        move = kind == LD1 ? 16 : (int64_t)s->r[m];
        s->word = (store ? 0x4c807000 : 0x4cc07000) | (kind == LD1 ? 31 : m) << 16 | base;
        break;
    case ACQUIRE:
        s->align = 8;
        s->word = (store ? 0xc89ffc00 : 0xc8dffc00) | base;
        break;
    default: s->align = 8; s->word = 0xf8200000 | 11 << 16 | base; /* ldadd x11, x9 */
    }
    s->at = s->r[n] + (uint64_t)offset;
    s->sp_base = n == BASES - 1;
    if (s->sp_base && s->r[n] & 15) /* which is what is reported */
        s->at = s->r[n];
    s->r[n] += (uint64_t)move;
}

static uint64_t untagged(uint64_t at)
{
    return (uint64_t)((int64_t)(at << 8) >> 8);
}

#endif
