/*
 * a64_make.h - random cases for the differential fuzzer: one instruction, a block, or a block with
 * branches between its instructions that always ends.
 */
#ifndef ELFUSE_A64_MAKE_H
#define ELFUSE_A64_MAKE_H

#include <stdbool.h>
#include <string.h>

#include "a64_gen.h"
#include "a64_known.h"
#include "a64_vector.h"
#include "vcpu/a64/a64.h"
#include "vcpu/interp/interp_core.h"

/* ---- random values ---- */

static const uint64_t special64[] = {0,
                                     1,
                                     2,
                                     0x7f,
                                     0x80,
                                     0xff,
                                     0x7fff,
                                     0x8000,
                                     0xffff,
                                     0x7fffffff,
                                     0x80000000,
                                     0xffffffff,
                                     0x7fffffffffffffff,
                                     0x8000000000000000,
                                     0xffffffffffffffff,
                                     0xfffffffffffffffe,
                                     0xffffffff80000000,
                                     0x5555555555555555,
                                     0xaaaaaaaaaaaaaaaa,
                                     63,
                                     64,
                                     31,
                                     32};
static const uint64_t fp64[] = {0,
                                0x8000000000000000,
                                0x3ff0000000000000,
                                0xbff0000000000000,
                                0x7ff0000000000000,
                                0xfff0000000000000,
                                0x7ff8000000000000,
                                0x7ff8000000001234,
                                0xfff8000000000001,
                                0x7ff0000000000001,
                                0xfff4000000005678,
                                1,
                                0x8000000000000001,
                                0x000fffffffffffff,
                                0x0010000000000000,
                                0x0010000000000001,
                                0x7fefffffffffffff,
                                0xffefffffffffffff,
                                0x3fe0000000000000,
                                0x3ff8000000000000,
                                0x4004000000000000,
                                0x43e0000000000000,
                                0x43f0000000000000,
                                0xc3e0000000000000,
                                0x41e0000000000000,
                                0x41dfffffffc00000,
                                0x41f0000000000000,
                                0x47efffffe0000000,
                                0x47effffff0000000,
                                0x3810000000000000,
                                0x380fffffffffffff,
                                0x36a0000000000000,
                                0x3690000000000000,
                                0x40effc0000000000,
                                0x3f10000000000000,
                                0x3e70000000000000,
                                0x3fefffffffffffff,
                                0x3ff0000000000001,
                                0x4330000000000001,
                                0x4340000000000000};
static const uint32_t fp32[] = {
    0,          0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0x7fc01234,
    0xffc00001, 0x7f800001, 0xffa05678, 1,          0x80000001, 0x007fffff, 0x00800000, 0x00800001,
    0x7f7fffff, 0xff7fffff, 0x3f000000, 0x3fc00000, 0x40200000, 0x4f000000, 0x4f800000, 0xcf000000,
    0x5f000000, 0x5f800000, 0xdf000000, 0x477fe000, 0x477ff000, 0x38800000, 0x33800000, 0x33000000,
    0x3f7fffff, 0x3f800001, 0x4b000001, 0x4b800000};
static const uint16_t fp16[] = {0,      0x8000, 0x3c00, 0xbc00, 0x7c00, 0xfc00, 0x7e00,
                                0x7e12, 0xfe01, 0x7c01, 0xfd56, 1,      0x8001, 0x03ff,
                                0x0400, 0x0401, 0x7bff, 0xfbff, 0x3800, 0x3e00, 0x4100,
                                0x7800, 0x3bff, 0x3c01, 0x6401, 0x6800};

#define PICK(table, r) (table)[(r) % (sizeof(table) / sizeof *(table))]

static uint64_t random_x(uint64_t *s)
{
    uint64_t r = vec_next(s), v = vec_next(s);
    switch (r % 8) {
    case 0:
    case 1:
    case 2: return VEC_DATA + (v % (VEC_DATA_SIZE - 64) & ~15ull);
    case 3: return VEC_DATA + v % VEC_DATA_SIZE;
    case 4: return v % 256;
    case 5: return PICK(special64, v);
    case 6: return (r >> 8) % 16 == 0 ? VEC_RO + v % VEC_RO_SIZE : v & (~0ull >> (r >> 16) % 64);
    default: return v;
    }
}

static uint64_t random_lane(uint64_t *s)
{
    uint64_t r = vec_next(s), v = vec_next(s), lane = 0;
    switch (r % 8) {
    case 0: return v;
    case 1: return PICK(special64, v);
    case 2:
    case 3:
        return (r >> 8) % 4 ? PICK(fp64, v)
                            : (v & 0x800fffffffffffff) | (0x3c0 + (r >> 16) % 0x80) << 52;
    case 4:
    case 5:
        for (int i = 0; i < 2; i++, v >>= 32)
            lane = lane << 32 | ((r >> (8 + i)) % 2 ? PICK(fp32, v)
                                                    : ((uint32_t)v & 0x807fffff) |
                                                          (0x70u + (v >> 20) % 0x20) << 23);
        return lane;
    case 6:
        for (int i = 0; i < 4; i++, v >>= 16)
            lane = lane << 16 | ((r >> (8 + i)) % 4 ? PICK(fp16, v & 0xffff) : v & 0xffff);
        return lane;
    default:
        for (int i = 0; i < 8; i++, v >>= 8)
            lane = lane << 8 |
                   ((r >> (8 + i)) % 2 ? (uint8_t[]){0, 1, 0x7f, 0x80, 0xff, 0xfe, 8, 7}[v % 8]
                                       : (v & 0xff));
        return lane;
    }
}

static void random_regs(uint64_t *s, struct vec_regs *r)
{
    memset(r, 0, sizeof *r);
    for (int i = 0; i < 31; i++)
        r->x[i] = random_x(s);
    r->sp = VEC_DATA + (vec_next(s) % VEC_DATA_SIZE & ~15ull);
    for (int i = 0; i < 32; i++) {
        r->v[i][0] = random_lane(s);
        r->v[i][1] = random_lane(s);
    }
    r->nzcv = (uint32_t)(vec_next(s) & 0xf0000000);
    uint64_t f = vec_next(s);
    if (f & 1) /* AHP DN FZ RMode FZ16 */
        r->fpcr = (uint32_t)(f & 0x07c80000);
    if ((f >> 32 & 3) == 0)
        r->fpsr = (uint32_t)(f >> 34 & 0x0800009f);
}

static uint32_t random_insn(uint64_t *s, unsigned id)
{
    const struct a64_row *row = a64_row((enum a64_id)id);
    for (int tries = 0; tries < 4096; tries++) {
        uint32_t insn = ((uint32_t)vec_next(s) & ~row->mask) | row->value;
        if (a64_decode(insn) == (enum a64_id)id && !a64_known_skip(a64_text(row->name), insn))
            return insn;
    }
    return 0;
}

/* ---- blocks ---- */

#define MAKE_UNITS 30 /* at most, of a case */
#define MAKE_BASES 4

/* What a case is made from. */
struct make_plan {
    const unsigned *rows;
    unsigned row_count, min_length, max_length;
    bool flow;
};

/* A word whose displacement is known when all units have their places. */
struct make_fixup {
    uint8_t at, unit;
};

/*
 * A case in the making: units of one to four words. Some registers have a meaning, so that long
 * blocks rarely fault and loops end. Units keep these up; no other instruction touches `kept` ones
 * and few change `steady` ones.
 */
struct make {
    uint64_t *s;
    const struct make_plan *plan;
    struct vec_case *c;
    uint32_t kept, steady;
    unsigned counter;         /* how many more branches backwards, or to who knows where */
    unsigned link, target[2]; /* addresses of units, as is x30 */
    unsigned fpcr;            /* a value that FPCR can have */
    unsigned base[MAKE_BASES], small;
    uint32_t exclusive_size;
    unsigned units, wanted;
    uint8_t place[MAKE_UNITS + 1];
    unsigned fixups;
    struct make_fixup fixup[VEC_INSNS];
};

static unsigned make_pick(struct make *m, unsigned n)
{
    return (unsigned)(vec_next(m->s) >> 8) % n;
}

static uint32_t make_field(uint32_t insn, unsigned lsb, unsigned width)
{
    return insn >> lsb & ((1u << width) - 1);
}

static uint32_t make_with(uint32_t insn, unsigned lsb, unsigned width, uint32_t value)
{
    uint32_t mask = (1u << width) - 1;
    return (insn & ~(mask << lsb)) | (value & mask) << lsb;
}

static bool make_is_branch(uint32_t insn)
{
    return (insn & 0x1c000000) == 0x14000000 && insn >> 24 != 0xd5;
}

static bool make_is_memory(uint32_t insn)
{
    return (insn & 0x0a000000) == 0x08000000;
}

static bool make_is_literal(uint32_t insn)
{
    return (insn & 0x3b000000) == 0x18000000;
}

/* Make it access what is mapped, mostly. */
static uint32_t make_tame(struct make *m, uint32_t insn)
{
    if (!make_is_memory(insn) || make_pick(m, 24) == 0)
        return insn;
    if (make_is_literal(insn))
        return make_with(insn, 5, 19, (uint32_t)((int32_t)(insn << 8) >> 16));
    unsigned n = make_pick(m, MAKE_BASES + 1);
    insn = make_with(insn, 5, 5, n < MAKE_BASES ? m->base[n] : 31);
    if ((insn & 0x3b000000) == 0x39000000)
        return make_with(insn, 10, 12, make_field(insn, 10, 7));
    bool by_register = (insn & 0x3b200c00) == 0x38200800;
    bool post_index = (insn & 0xbe800000) == 0x0c800000 && make_field(insn, 16, 5) != 31;
    return by_register || post_index ? make_with(insn, 16, 5, m->small) : insn;
}

/* Whether an instruction leaves alone what has a meaning. All that may be register numbers are
 * looked at, whatever they are: a few more are refused. fixed: bits that its row has no choice of.
 */
static bool make_fits(struct make *m, uint32_t insn, uint32_t fixed)
{
    static const uint8_t lsbs[] = {0, 5, 10, 16};
    bool pairs = (insn & 0xbfa07c00) == 0x08207c00; /* CASP: the next register too */
    for (unsigned i = 0; i < sizeof lsbs; i++) {
        unsigned n = make_field(insn, lsbs[i], 5);
        bool written = lsbs[i] == 0 || (make_is_memory(insn) && lsbs[i] != 5 && n != m->small);
        uint32_t both = 1u << n | (pairs ? 1u << (n | 1) : 0);
        if (make_field(fixed, lsbs[i], 5) == 31)
            continue;
        if ((m->kept & both) || (written && (m->steady & both) && make_pick(m, 16) != 0))
            return false;
    }
    return true;
}

/* A store-exclusive of another size than the load-exclusive before it may do anything (B2.9.5):
 * all of a case are of one size. */
static bool make_exclusive_fits(struct make *m, uint32_t insn)
{
    if ((insn & 0x3f800000) != 0x08000000)
        return true;
    uint32_t size = (insn & 0xc0200000) | 1;
    if (m->exclusive_size == 0)
        m->exclusive_size = size;
    return m->exclusive_size == size;
}

static bool make_is_defined(uint32_t insn)
{
    struct a64_op op;
    return interp_decode_one(&op, insn, VEC_CODE) == 0;
}

/* Rows after which a comparison says little (a64_known.h). */
static bool make_hides(const char *name)
{
    return !strcmp(name, "MSR_FPCR") || !strcmp(name, "MSR_FPSR") || !strcmp(name, "FJCVTZS") ||
           !strcmp(name, "FCVTZS_fixed_sisd_h");
}

/* Land on a brk: no other case's code is run, and nothing runs for ever. */
static uint32_t make_land(uint32_t insn, unsigned at)
{
    bool imm26 = (insn & 0x7c000000) == 0x14000000, imm14 = (insn & 0x7e000000) == 0x36000000;
    unsigned lsb = imm26 ? 0 : 5, width = imm26 ? 26 : imm14 ? 14 : 19;
    if ((insn & 0xfe000000) == 0xd6000000)
        return insn;
    uint32_t word = (at + make_field(insn, lsb, width)) % (VEC_SLOT / 4);
    if (word >= VEC_INSNS)
        return insn;
    uint32_t up = VEC_INSNS - word, sign = 1u << (width - 1);
    uint32_t imm = make_field(insn, lsb, width), moved = imm + up;
    if ((imm & sign) == 0 && (moved & sign) != 0)
        moved -= VEC_SLOT / 4;
    return make_with(insn, lsb, width, moved);
}

static void make_word(struct make *m, uint32_t insn)
{
    m->c->insn[m->c->count++] = insn;
}

/* A random instruction of the row that keeps the rules, or 0. */
static uint32_t make_insn(struct make *m, unsigned id)
{
    const struct a64_row *row = a64_row((enum a64_id)id);
    for (unsigned tries = 0; tries < 200; tries++) {
        uint32_t insn = random_insn(m->s, id);
        if (m->small) {
            insn = make_tame(m, insn);
            if (m->plan->flow && make_hides(a64_text(row->name)) && insn >> 24 == 0xd5)
                insn = make_with(insn, 0, 5, m->fpcr);
            else if (!make_fits(m, insn, row->mask))
                continue;
            if (a64_decode(insn) != (enum a64_id)id)
                continue;
            if (!make_is_defined(insn) && make_pick(m, 64) != 0)
                continue;
        }
        if (!make_exclusive_fits(m, insn))
            continue;
        return make_is_branch(insn) ? make_land(insn, m->c->count) : insn;
    }
    return 0;
}

/* A random instruction of a random row, other than branches where these are units. */
static void make_any(struct make *m)
{
    for (unsigned tries = 0; tries < 100; tries++) {
        unsigned id = m->plan->rows[make_pick(m, m->plan->row_count)];
        const struct a64_row *row = a64_row((enum a64_id)id);
        bool single = m->plan->row_count < 8; /* of a selection that has nothing else */
        if (m->plan->flow && make_is_branch(row->value))
            continue;
        if (make_hides(a64_text(row->name)) && !single)
            continue;
        uint32_t insn = make_insn(m, id);
        if (insn || row->value == 0) {
            make_word(m, insn);
            return;
        }
    }
    make_word(m, VEC_NOP);
}

/* ---- flow ---- */

/* A branch, or ADR, to a unit: any below `limit`, from `first`. */
static void make_to_unit(struct make *m, uint32_t insn, unsigned first, unsigned limit)
{
    m->fixup[m->fixups++] =
        (struct make_fixup){(uint8_t)m->c->count, (uint8_t)(first + make_pick(m, limit - first))};
    make_word(m, insn);
}

/* B, B.cond, CBZ, CBNZ, TBZ or TBNZ without its displacement. */
static uint32_t make_direct(struct make *m)
{
    uint32_t r = (uint32_t)vec_next(m->s), rt = r >> 8 & 31;
    switch (r % 8) {
    case 0: return 0x14000000;
    case 1:
    case 2:
    case 3:
    case 4: return 0x54000000 | (r >> 8 & 15);
    case 5:
    case 6: return 0x34000000 | (r & 0x81000000) | rt;
    default: return 0x36000000 | (r & 0x81f80000) | rt;
    }
}

/* Count down; at the end of the count, leave the case. The flags stay, or not. */
static void make_countdown(struct make *m)
{
    uint32_t n = m->counter;
    if (make_pick(m, 2)) {
        make_word(m, 0xd1000400 | n << 5 | n); /* sub n, n, 1 */
        make_to_unit(m, 0xb7f80000 | n, m->wanted, m->wanted + 1);
    } else {
        make_word(m, 0xf1000400 | n << 5 | n);                 /* subs */
        make_to_unit(m, 0x5400000b, m->wanted, m->wanted + 1); /* b.lt */
    }
}

static void make_backward(struct make *m)
{
    uint32_t n = m->counter;
    if (make_pick(m, 4) == 0) {
        make_word(m, 0xf1000400 | n << 5 | n);        /* subs n, n, 1 */
        make_to_unit(m, 0x5400000c, 0, m->units + 1); /* b.gt */
        return;
    }
    make_countdown(m);
    make_to_unit(m, make_direct(m), 0, m->units + 1);
}

/* A register that holds the address of a unit. */
static unsigned make_target(struct make *m)
{
    unsigned n = make_pick(m, 4);
    return n < 2 ? m->target[n] : m->link;
}

/* BR, BLR, RET: where RET does not go where the last call came from, a guess is wrong. */
static void make_indirect(struct make *m)
{
    static const uint32_t words[] = {0xd61f0000, 0xd63f0000, 0xd65f0000};
    make_countdown(m);
    make_word(m, make_pick(m, 3) ? words[make_pick(m, 3)] | make_target(m) << 5 : 0xd65f03c0);
}

/* What sets the flags, for those who branch on them. */
static void make_flags(struct make *m)
{
    static const uint32_t words[] = {0x6b000000, 0x71000000, 0x6a000000, 0x72000000, 0x2b000000,
                                     0x31000000, 0x3a000000, 0x7a000000, 0x7a400000, 0x3a400800,
                                     0x1e602000, 0x1e202000, 0x1e600400, 0x6b200000, 0xd51b4200};
    for (;;) {
        uint32_t word = words[make_pick(m, sizeof words / sizeof *words)];
        uint32_t r = (uint32_t)vec_next(m->s), insn = word | (r & 0x801fffff);
        if (word >> 24 == 0x1e)
            insn = word | (r & 0x001f03e0);
        if (word == 0xd51b4200)
            insn = word | (r & 31);
        if (word == 0x7a400000 || word == 0x3a400800)
            insn &= ~0x410u;
        if (!make_pick(m, 3) && (word & 0x1f000000) != 0x1e000000 && insn >> 24 != 0xd5 &&
            word != 0x7a400000 && word != 0x3a400800)
            insn |= 31; /* CMP, CMN, TST */
        if (a64_decode(insn) != A64_INVALID && make_is_defined(insn) && make_fits(m, insn, 0)) {
            make_word(m, insn);
            return;
        }
    }
}

static void make_unit(struct make *m)
{
    switch (make_pick(m, 20)) {
    case 0:
    case 1: make_to_unit(m, make_direct(m), m->units + 1, m->wanted + 1); break;
    case 2: make_backward(m); break;
    case 3:
        make_countdown(m);
        make_to_unit(m, 0x94000000, 0, m->wanted);
        break;
    case 4: make_indirect(m); break;
    case 5: make_to_unit(m, 0x10000000 | make_target(m), 0, m->wanted); break;
    case 6:
        if (make_pick(m, 4) == 0)
            make_word(m, (make_pick(m, 3) ? 0xd51b4400 : 0xd51b4420) |
                             (make_pick(m, 2) ? m->fpcr : 31));
        else
            make_word(m, 0xaa0003e0 | make_target(m) << 16 | make_target(m)); /* mov */
        break;
    case 7:
    case 8: make_flags(m); break;
    default: make_any(m); break;
    }
}

static void make_resolve(struct make *m)
{
    m->place[m->units] = (uint8_t)m->c->count;
    for (unsigned i = 0; i < m->fixups; i++) {
        unsigned at = m->fixup[i].at, unit = m->fixup[i].unit;
        unsigned to = m->place[unit < m->units ? unit : m->units];
        uint32_t insn = m->c->insn[at], imm = to - at;
        bool imm26 = (insn & 0x7c000000) == 0x14000000, imm14 = (insn & 0x7e000000) == 0x36000000;
        m->c->insn[at] = make_with(insn, imm26 ? 0 : 5, imm26 ? 26 : imm14 ? 14 : 19, imm);
    }
}

/* ---- a case ---- */

static unsigned make_register(struct make *m, uint32_t *taken)
{
    unsigned n;
    do
        n = make_pick(m, 30);
    while (*taken >> n & 1);
    *taken |= 1u << n;
    return n;
}

static void make_registers(struct make *m)
{
    uint32_t taken = 1; /* not x0: m->small says that there are such registers */
    m->link = 30;
    m->small = make_register(m, &taken);
    m->steady = 1u << m->small;
    for (unsigned i = 0; i < MAKE_BASES; i++)
        m->steady |= 1u << (m->base[i] = make_register(m, &taken));
    if (!m->plan->flow)
        return;
    m->counter = make_register(m, &taken);
    m->target[0] = make_register(m, &taken);
    m->target[1] = make_register(m, &taken);
    m->fpcr = make_register(m, &taken);
    m->kept = 1u << m->counter | 1u << m->target[0] | 1u << m->target[1] | 1u << m->fpcr | 1u << 30;
    m->c->relative = 1u << m->target[0] | 1u << m->target[1] | 1u << 30;
}

static void make_values(struct make *m)
{
    struct vec_regs *in = &m->c->in;
    for (unsigned i = 0; i < MAKE_BASES; i++)
        in->x[m->base[i]] = VEC_DATA + 2048 + (make_pick(m, 4096) & (make_pick(m, 8) ? ~15u : ~0u));
    in->sp = VEC_DATA + 2048 + (make_pick(m, 4096) & ~15u);
    in->x[m->small] = make_pick(m, 256) & (make_pick(m, 4) ? ~15u : ~0u);
    if (!m->plan->flow)
        return;
    in->x[m->counter] = make_pick(m, 256) ? 1 + make_pick(m, 16) : 3000;
    in->x[m->fpcr] = vec_next(m->s) & 0x07c80000;
    for (unsigned n = 0; n < 31; n++)
        if (m->c->relative >> n & 1)
            in->x[n] = 4ull * m->place[make_pick(m, m->units)];
}

/* A case of this row, all but mem_seed. Returns false where none could be made. */
static bool make_case(struct vec_case *c, uint64_t *s, unsigned id, const struct make_plan *plan)
{
    struct make m = {.s = s, .plan = plan, .c = c};
    const struct a64_row *row = a64_row((enum a64_id)id);
    memset(c, 0, sizeof *c);
    m.wanted = plan->min_length + make_pick(&m, plan->max_length - plan->min_length + 1);
    if (plan->flow || (m.wanted > 1 && make_pick(&m, 2)))
        make_registers(&m);
    unsigned own = plan->flow && make_pick(&m, 2) ? make_pick(&m, m.wanted) : 0;
    for (m.units = 0; m.units < m.wanted && c->count + 4 <= VEC_INSNS; m.units++) {
        m.place[m.units] = (uint8_t)c->count;
        if (m.units == own && !(plan->flow && make_is_branch(row->value))) {
            make_word(&m, make_insn(&m, id));
            if (c->insn[c->count - 1] == 0 && row->value != 0)
                return false;
        } else if (plan->flow) {
            make_unit(&m);
        } else {
            make_any(&m);
        }
    }
    make_resolve(&m);
    random_regs(s, &c->in);
    if (m.small)
        make_values(&m);
    return true;
}

#endif
