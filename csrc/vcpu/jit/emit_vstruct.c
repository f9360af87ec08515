/*
 * emit_vstruct.c - LD1 to LD4, ST1 to ST4, LD1R to LD4R.
 *
 * Loads go to scratch registers, but the last, which may go where it belongs. Stores in several
 * pieces are made only where they stay within a page.
 */
#include "vcpu/jit/constants.h"
#include "vcpu/jit/emit_ldst.h"
#include "vcpu/jit/emit_mem.h"

/* VPSHUFB selectors, by lane size (B, H): a 4x4 matrix of lanes transposed, or two rows of it. Lane
 * 3i of lanes modulo their number (B); its inverse (B); both (H). Masks of bytes: where i mod 3 is
 * 0; where it is not 1. */
enum {
    TABLE_LDST_BY_4 = TABLE_LDST,
    TABLE_LDST_BY_3 = TABLE_LDST + 2,
    TABLE_LDST_MOD_3 = TABLE_LDST + 5,
};

/* An instruction's registers: `count` of them, from rt. */
struct list {
    unsigned rn, rt, count;
    unsigned size; /* log2 of the bytes of a lane */
    bool q, load;
};

static unsigned list_reg(const struct list *l, unsigned i)
{
    return (l->rt + i) & 31;
}

static struct list list_of(uint32_t insn, unsigned count, unsigned size)
{
    return (struct list){
        .rn = bits(insn, 5, 5),
        .rt = bits(insn, 0, 5),
        .count = count,
        .size = size,
        .q = bits(insn, 30, 1),
        .load = bits(insn, 22, 1),
    };
}

/* Post-index: bit 23. Rm 31 stands for the number of bytes transferred. */
static void post_index(struct translation *t, uint32_t insn, unsigned bytes, struct x64_rm rm)
{
    unsigned n = bits(insn, 5, 5), m = bits(insn, 16, 5);
    if (!bits(insn, 23, 1))
        return;
    if (m == 31)
        mem_write_back(t, n, bytes, rm);
    else
        mem_write_back_register(t, n, m, rm);
}

/* ---- LD1 and ST1 of whole registers ---- */

static void load_whole(struct translation *t, const struct list *l, struct x64_rm rm)
{
    unsigned size = l->q ? 4 : 3, last = l->count - 1;
    int to = jit_vdst(list_reg(l, last), (int)(XMM0 + last));
    for (unsigned i = 0; i < l->count; i++)
        mem_vload(t, size, i == last ? to : (int)(XMM0 + i), mem_plus(rm, (int)(i << size)));
    for (unsigned i = 0; i < l->count; i++)
        jit_vdone(t, list_reg(l, i), i == last ? to : (int)(XMM0 + i), mem_vhigh(size));
}

/* XMM1 <- the low halves of registers i and i + 1. */
static void join_halves(struct translation *t, const struct list *l, unsigned i, unsigned xmm)
{
    int low = jit_vsrc(t, list_reg(l, i), (int)xmm);
    x64_vop(&t->e, 0x6c, xmm, (unsigned)low, jit_vrm(list_reg(l, i + 1))); /* VPUNPCKLQDQ */
}

/* With one host store, for what has 16 or 32 bytes. */
static bool store_joined(struct translation *t, const struct list *l, struct x64_rm rm)
{
    struct x64 *e = &t->e;
    unsigned bytes = l->count << (l->q ? 4 : 3);
    if (bytes != 16 && bytes != 32)
        return false;
    if (l->q && l->count == 2) {
        int low = jit_vsrc(t, list_reg(l, 0), XMM0);
        x64_vinsertf128(e, XMM0, (unsigned)low, jit_vrm(list_reg(l, 1)));
    } else {
        join_halves(t, l, 0, XMM0);
        if (bytes == 32) {
            join_halves(t, l, 2, XMM1);
            x64_vinsertf128(e, XMM0, XMM0, x64_reg(XMM1));
        }
    }
    jit_access(t);
    if (bytes == 32)
        x64_vmovdqu256_to(e, rm, XMM0);
    else
        x64_vmovdqu_to(e, rm, XMM0);
    return true;
}

static void store_whole(struct translation *t, const struct list *l, struct x64_rm rm)
{
    unsigned size = l->q ? 4 : 3;
    if (l->count > 1 && store_joined(t, l, rm))
        return;
    if (l->count > 1)
        mem_one_page(t, rm, l->count << size);
    for (unsigned i = 0; i < l->count; i++)
        mem_vstore(t, size, list_reg(l, i), 0, mem_plus(rm, (int)(i << size)));
}

bool emit_v1_multi(struct translation *t, uint32_t insn)
{
    static const uint8_t counts[16] = {[2] = 4, [6] = 3, [7] = 1, [10] = 2}; /* by opcode */
    const struct list l = list_of(insn, counts[bits(insn, 12, 4)], 0);
    if (!l.load && (l.count == 3 || (l.count == 4 && l.q)))
        jit_flags_clobber(t);
    struct x64_rm rm = jit_address(t, l.rn, 0, RAX);
    if (l.load)
        load_whole(t, &l, rm);
    else
        store_whole(t, &l, rm);
    post_index(t, insn, l.count << (l.q ? 4 : 3), rm);
    return true;
}

/* ---- one lane of each register ---- */

static void load_lanes(struct translation *t, const struct list *l, unsigned lane, struct x64_rm rm)
{
    unsigned last = l->count - 1;
    int to[4];
    for (unsigned i = 0; i < l->count; i++) {
        unsigned n = list_reg(l, i);
        int scratch = (int)(XMM0 + i), from = jit_vsrc(t, n, scratch);
        to[i] = i == last ? jit_vdst(n, scratch) : scratch;
        jit_access(t);
        x64_vpinsr(&t->e, l->size, (unsigned)to[i], (unsigned)from,
                   mem_plus(rm, (int)(i << l->size)), lane);
    }
    for (unsigned i = 0; i < l->count; i++)
        jit_vdone(t, list_reg(l, i), to[i], VHIGH_ANY);
}

bool emit_v_lane(struct translation *t, uint32_t insn)
{
    unsigned opcode = bits(insn, 13, 3), scale = opcode >> 1;
    unsigned index = bits(insn, 30, 1) << 3 | bits(insn, 12, 1) << 2 | bits(insn, 10, 2);
    if (scale == 2 && bits(insn, 10, 1))
        scale = 3;
    const struct list l = list_of(insn, ((opcode & 1) << 1 | bits(insn, 21, 1)) + 1, scale);
    unsigned lane = index >> scale, bytes = l.count << scale;
    if (!l.load && l.count > 1)
        jit_flags_clobber(t);
    struct x64_rm rm = jit_address(t, l.rn, 0, RAX);
    if (l.load) {
        load_lanes(t, &l, lane, rm);
    } else {
        if (l.count > 1)
            mem_one_page(t, rm, bytes);
        for (unsigned i = 0; i < l.count; i++)
            mem_vstore(t, scale, list_reg(&l, i), lane, mem_plus(rm, (int)(i << scale)));
    }
    post_index(t, insn, bytes, rm);
    return true;
}

/* ---- one element repeated ---- */

/* xmm <- the element at rm in all lanes. */
static void load_repeated(struct translation *t, unsigned size, int xmm, struct x64_rm rm)
{
    struct x64 *e = &t->e;
    static const uint8_t broadcast[4] = {0x78, 0x79, 0x58, 0x59};
    unsigned x = (unsigned)xmm;
    if (t->host->avx2) {
        jit_access(t);
        x64_vop38(e, broadcast[size], x, 0, rm);
        return;
    }
    if (size == 2) {
        jit_access(t);
        x64_vop38(e, 0x18, x, 0, rm); /* VBROADCASTSS */
        return;
    }
    mem_vload(t, size, xmm, rm);
    if (size == 0)
        x64_vop(e, 0x60, x, x, x64_reg(xmm)); /* VPUNPCKLBW */
    if (size < 3) {
        x64_vex_imm(e, PP_F2, MAP_0F, false, 0x70, x, 0, x64_reg(xmm), 0); /* VPSHUFLW */
    }
    x64_vop(e, 0x6c, x, x, x64_reg(xmm)); /* VPUNPCKLQDQ */
}

bool emit_v_repeat(struct translation *t, uint32_t insn)
{
    unsigned opcode = bits(insn, 13, 3), size = bits(insn, 10, 2);
    const struct list l = list_of(insn, ((opcode & 1) << 1 | bits(insn, 21, 1)) + 1, size);
    unsigned last = l.count - 1;
    struct x64_rm rm = jit_address(t, l.rn, 0, RAX);
    int to = jit_vdst(list_reg(&l, last), (int)(XMM0 + last));
    for (unsigned i = 0; i < l.count; i++)
        load_repeated(t, size, i == last ? to : (int)(XMM0 + i), mem_plus(rm, (int)(i << size)));
    for (unsigned i = 0; i < l.count; i++) {
        int xmm = i == last ? to : (int)(XMM0 + i);
        if (!l.q)
            jit_vclear_high(t, xmm, 8, VHIGH_ANY);
        jit_vdone(t, list_reg(&l, i), xmm, l.q ? VHIGH_ANY : VHIGH_ZERO64);
    }
    post_index(t, insn, l.count << size, rm);
    return true;
}

/* ---- LD2 to LD4 and ST2 to ST4 of whole registers ---- */

/* VPUNPCKL and VPUNPCKH, by lane size. */
static const uint8_t unpack_low[4] = {0x60, 0x61, 0x62, 0x6c};
static const uint8_t unpack_high[4] = {0x68, 0x69, 0x6a, 0x6d};

/* XMM0 and up <- `bytes` from rm, 16 at a time; the rest of the last one zero. */
static void load_stream(struct translation *t, unsigned bytes, struct x64_rm rm)
{
    for (unsigned at = 0; at < bytes; at += 16)
        mem_vload(t, bytes - at < 16 ? 3 : 4, (int)(XMM0 + at / 16), mem_plus(rm, (int)at));
}

static void select_bytes(struct translation *t, int xmm, unsigned selector)
{
    x64_vop38(&t->e, 0x00, (unsigned)xmm, (unsigned)xmm, jit_table(selector)); /* VPSHUFB */
}

static void shuffle_dwords(struct translation *t, int to, int from, unsigned order)
{
    x64_vex_imm(&t->e, PP_66, MAP_0F, false, 0x70, (unsigned)to, 0, x64_reg(from), order);
}

/* Vn <- `low` and `high`, unpacked. scratch may be one of them. */
static void unpack_to(struct translation *t, unsigned n, unsigned opcode, int low,
                      struct x64_rm high, int scratch)
{
    int to = jit_vdst(n, scratch);
    x64_vop(&t->e, opcode, (unsigned)to, (unsigned)low, high);
    jit_vdone(t, n, to, VHIGH_ANY);
}

/* Vn <- the low half of xmm, Vm <- its high half. */
static void split_halves(struct translation *t, unsigned n, unsigned m, int xmm)
{
    int to = jit_vdst(n, XMM1);
    x64_vmovq(&t->e, (unsigned)to, x64_reg(xmm));
    jit_vdone(t, n, to, VHIGH_ZERO64);
    to = jit_vdst(m, XMM1);
    /* VPSRLDQ */
    x64_vex_imm(&t->e, PP_66, MAP_0F, false, 0x73, 3, (unsigned)to, x64_reg(xmm), 8);
    jit_vdone(t, m, to, VHIGH_ZERO64);
}

static void load2(struct translation *t, const struct list *l, struct x64_rm rm)
{
    unsigned n = list_reg(l, 0), m = list_reg(l, 1);
    load_stream(t, l->q ? 32 : 16, rm);
    if (!l->q) {
        if (l->size == 2)
            shuffle_dwords(t, XMM0, XMM0, 0xd8);
        else
            select_bytes(t, XMM0, TABLE_EVEN_ODD + l->size);
        split_halves(t, n, m, XMM0);
        return;
    }
    for (int xmm = XMM0; xmm <= XMM1; xmm++) {
        if (l->size == 2)
            shuffle_dwords(t, xmm, xmm, 0xd8);
        else if (l->size < 2)
            select_bytes(t, xmm, TABLE_EVEN_ODD + l->size);
    }
    unpack_to(t, n, unpack_low[3], XMM0, x64_reg(XMM1), XMM2);
    unpack_to(t, m, unpack_high[3], XMM0, x64_reg(XMM1), XMM2);
}

static void store2(struct translation *t, const struct list *l, struct x64_rm rm)
{
    struct x64 *e = &t->e;
    unsigned first = (unsigned)jit_vsrc(t, list_reg(l, 0), XMM0);
    struct x64_rm second = jit_vrm(list_reg(l, 1));
    x64_vop(e, unpack_low[l->size], XMM2, first, second);
    if (l->q) {
        x64_vop(e, unpack_high[l->size], XMM3, first, second);
        x64_vinsertf128(e, XMM2, XMM2, x64_reg(XMM3));
    }
    jit_access(t);
    if (l->q)
        x64_vmovdqu256_to(e, rm, XMM2);
    else
        x64_vmovdqu_to(e, rm, XMM2);
}

/*
 * XMM0 to XMM3 hold a 4x4 matrix of dwords: the registers become its columns. There is one register
 * too few: that of the first or of the last result is used, or memory where these results live,
 * which may be changed after the last access.
 */
static void transpose(struct translation *t, const struct list *l)
{
    struct x64 *e = &t->e;
    unsigned n[4];
    for (unsigned i = 0; i < 4; i++)
        n[i] = list_reg(l, i);
    int fifth = jit_xmm(n[0]) >= 0 ? jit_xmm(n[0]) : jit_xmm(n[3]), scratch = XMM3;
    bool spill = fifth < 0;
    struct x64_rm fourth = spill ? jit_v_mem(n[0]) : x64_reg(XMM3), last = x64_reg(XMM2);
    if (spill) {
        x64_vmovdqu_to(e, fourth, XMM3);
        fifth = XMM3;
    }
    x64_vop(e, unpack_low[2], (unsigned)fifth, XMM0, x64_reg(XMM1));
    x64_vop(e, unpack_high[2], XMM0, XMM0, x64_reg(XMM1));
    x64_vop(e, unpack_low[2], XMM1, XMM2, fourth);
    x64_vop(e, unpack_high[2], XMM2, XMM2, fourth);
    if (spill) {
        last = jit_v_mem(n[3]);
        scratch = XMM2;
        x64_vmovdqu_to(e, last, XMM2);
    }
    unpack_to(t, n[1], unpack_high[3], fifth, x64_reg(XMM1), scratch);
    unpack_to(t, n[0], unpack_low[3], fifth, x64_reg(XMM1), scratch);
    unpack_to(t, n[2], unpack_low[3], XMM0, last, scratch);
    unpack_to(t, n[3], unpack_high[3], XMM0, last, scratch);
}

static void load4(struct translation *t, const struct list *l, struct x64_rm rm)
{
    struct x64 *e = &t->e;
    unsigned bytes = l->q ? 64 : 32;
    load_stream(t, bytes, rm);
    for (unsigned i = 0; i < bytes / 16 && l->size < 2; i++)
        select_bytes(t, (int)(XMM0 + i), TABLE_LDST_BY_4 + l->size);
    if (!l->q) {
        x64_vop(e, unpack_low[2], XMM2, XMM0, x64_reg(XMM1));
        x64_vop(e, unpack_high[2], XMM3, XMM0, x64_reg(XMM1));
        split_halves(t, list_reg(l, 0), list_reg(l, 1), XMM2);
        split_halves(t, list_reg(l, 2), list_reg(l, 3), XMM3);
    } else if (l->size == 3) {
        struct x64_rm last = jit_v_mem(list_reg(l, 3)); /* as in transpose() */
        x64_vmovdqu_to(e, last, XMM3);
        unpack_to(t, list_reg(l, 0), unpack_low[3], XMM0, x64_reg(XMM2), XMM3);
        unpack_to(t, list_reg(l, 1), unpack_high[3], XMM0, x64_reg(XMM2), XMM3);
        unpack_to(t, list_reg(l, 2), unpack_low[3], XMM1, last, XMM3);
        unpack_to(t, list_reg(l, 3), unpack_high[3], XMM1, last, XMM3);
    } else {
        transpose(t, l);
    }
}

static void store_vector(struct translation *t, struct x64_rm rm, unsigned xmm)
{
    jit_access(t);
    x64_vmovdqu_to(&t->e, rm, xmm);
}

/* XMM0, XMM1 <- the four registers' low or high halves, interleaved. */
static void interleave4(struct translation *t, const struct list *l, const uint8_t unpack[4])
{
    struct x64 *e = &t->e;
    unsigned size = l->size;
    unsigned first = (unsigned)jit_vsrc(t, list_reg(l, 0), XMM0);
    if (size == 3) {
        x64_vop(e, unpack[3], XMM0, first, jit_vrm(list_reg(l, 1)));
        unsigned third = (unsigned)jit_vsrc(t, list_reg(l, 2), XMM1);
        x64_vop(e, unpack[3], XMM1, third, jit_vrm(list_reg(l, 3)));
        return;
    }
    x64_vop(e, unpack[size], XMM2, first, jit_vrm(list_reg(l, 2)));
    unsigned second = (unsigned)jit_vsrc(t, list_reg(l, 1), XMM1);
    x64_vop(e, unpack[size], XMM3, second, jit_vrm(list_reg(l, 3)));
    x64_vop(e, unpack_low[size], XMM0, XMM2, x64_reg(XMM3));
    x64_vop(e, unpack_high[size], XMM1, XMM2, x64_reg(XMM3));
}

static void store4(struct translation *t, const struct list *l, struct x64_rm rm)
{
    if (l->q)
        mem_one_page(t, rm, 64);
    interleave4(t, l, unpack_low);
    if (!l->q) {
        x64_vinsertf128(&t->e, XMM0, XMM0, x64_reg(XMM1));
        jit_access(t);
        x64_vmovdqu256_to(&t->e, rm, XMM0);
        return;
    }
    store_vector(t, rm, XMM0);
    store_vector(t, mem_plus(rm, 16), XMM1);
    interleave4(t, l, unpack_high);
    store_vector(t, mem_plus(rm, 32), XMM0);
    store_vector(t, mem_plus(rm, 48), XMM1);
}

/*
 * Three registers: element k of register r is lane 3k + r of the stream in memory. With L lanes in
 * a vector that is lane (3k + r) mod L of one of three, and each register has a third of the lanes
 * of each: so whole vectors are blended, by lane mod 3, and permuted.
 */

/* XMM3 <- vector from[i mod 3] in each lane i. Two of the vectors may be the same. */
static void blend3(struct translation *t, unsigned size, const int from[3])
{
    struct x64 *e = &t->e;
    unsigned words[2] = {0, 0}, rest = (unsigned)from[2];
    for (unsigned i = 0; i < 8 && size > 0; i++)
        if ((i >> (size - 1)) % 3 < 2)
            words[(i >> (size - 1)) % 3] |= 1u << i;
    for (unsigned i = 0; i < 2; i++) {
        if (from[i] == from[2])
            continue;
        if (size) {
            x64_vop3a(e, 0x0e, XMM3, rest, x64_reg(from[i]), words[i]); /* VPBLENDW */
        } else {
            /* Where the mask is: rest ^ (rest ^ from[0]), or from[1] ^ (rest ^ from[1]). */
            int base = i ? from[1] : (int)rest;
            x64_vop(e, 0xef, XMM3, rest, x64_reg(from[i])); /* VPXOR, VPAND */
            x64_vop(e, 0xdb, XMM3, XMM3, jit_table(TABLE_LDST_MOD_3 + i));
            x64_vop(e, 0xef, XMM3, XMM3, x64_reg(base));
        }
        rest = XMM3;
    }
}

/* Lane k of `to` <- lane (3k + r) mod L of `from`; or where `store` the inverse of that. */
static void permute3(struct translation *t, unsigned size, int to, int from, unsigned r, bool store)
{
    struct x64 *e = &t->e;
    unsigned lanes = 16u >> size, x = (unsigned)to, y = (unsigned)from, order = 0;
    if (size >= 2) {
        for (unsigned i = 0; i < 4; i++) {
            unsigned lane = i >> (size - 2);
            /* 3 is its own inverse, modulo 4 and 2. */
            lane = (store ? 3 * (lane + 4 - r) : 3 * lane + r) & (lanes - 1);
            order |= (lane << (size - 2) | (i & (size - 2))) << 2 * i;
        }
        shuffle_dwords(t, to, from, order);
        return;
    }
    unsigned selector = size ? TABLE_LDST_BY_3 + 2 : TABLE_LDST_BY_3 + store;
    if (store) {
        x64_vop38(e, 0x00, x, y, jit_table(selector)); /* VPSHUFB, VPALIGNR */
        if (r)
            x64_vop3a(e, 0x0f, x, x, x64_reg(to), (lanes - r) << size);
    } else {
        if (r)
            x64_vop3a(e, 0x0f, x, y, x64_reg(from), r << size);
        x64_vop38(e, 0x00, x, r ? x : y, jit_table(selector));
    }
}

static void load3(struct translation *t, const struct list *l, struct x64_rm rm)
{
    unsigned lanes = 16u >> l->size;
    load_stream(t, l->q ? 48 : 24, rm);
    for (unsigned r = 0; r < 3; r++) {
        /* Without Q the third vector has no lane of the results. */
        int from[3], to = jit_vdst(list_reg(l, r), XMM3);
        for (unsigned v = 0; v < 3; v++)
            from[(r + 2 * lanes * v) % 3] = l->q || v < 2 ? (int)(XMM0 + v) : XMM1;
        blend3(t, l->size, from);
        permute3(t, l->size, to, XMM3, r, false);
        if (!l->q)
            jit_vclear_high(t, to, 8, VHIGH_ANY);
        jit_vdone(t, list_reg(l, r), to, l->q ? VHIGH_ANY : VHIGH_ZERO64);
    }
}

static void store3(struct translation *t, const struct list *l, struct x64_rm rm)
{
    unsigned lanes = 16u >> l->size, bytes = l->q ? 48 : 24;
    mem_one_page(t, rm, bytes);
    for (unsigned r = 0; r < 3; r++) {
        int from = jit_vsrc(t, list_reg(l, r), (int)(XMM0 + r));
        permute3(t, l->size, (int)(XMM0 + r), from, r, true);
    }
    for (unsigned v = 0; v * 16 < bytes; v++) {
        int from[3];
        for (unsigned i = 0; i < 3; i++)
            from[i] = (int)(XMM0 + (lanes * v + i) % 3);
        blend3(t, l->size, from);
        jit_access(t);
        if (bytes - v * 16 < 16)
            x64_vmovq_to(&t->e, mem_plus(rm, 16), XMM3);
        else
            x64_vmovdqu_to(&t->e, mem_plus(rm, (int)(v * 16)), XMM3);
    }
}

bool emit_v_multi(struct translation *t, uint32_t insn)
{
    static const uint8_t counts[16] = {[0] = 4, [4] = 3, [8] = 2}; /* by opcode */
    static void (*const emit[2][3])(struct translation *, const struct list *, struct x64_rm) = {
        {store2, store3, store4}, {load2, load3, load4}};
    const struct list l = list_of(insn, counts[bits(insn, 12, 4)], bits(insn, 10, 2));
    if (l.size == 3 && !l.q)
        return false; /* undefined */
    if (!l.load && (l.count == 3 || (l.count == 4 && l.q)))
        jit_flags_clobber(t);
    struct x64_rm rm = jit_address(t, l.rn, 0, RAX);
    emit[l.load][l.count - 2](t, &l, rm);
    post_index(t, insn, l.count << (l.q ? 4 : 3), rm);
    return true;
}

void jit_constants_ldst(struct jit_constants *c)
{
    for (unsigned i = 0; i < 16; i++) {
        uint8_t *table = (uint8_t *)c->table + i;
        table[16 * TABLE_LDST_BY_4] = (uint8_t)((i & 3) << 2 | i >> 2);
        table[16 * (TABLE_LDST_BY_4 + 1)] = (uint8_t)((i & 2) << 2 | (i & 12) >> 1 | (i & 1));
        table[16 * TABLE_LDST_BY_3] = (uint8_t)(3 * i & 15);
        table[16 * (TABLE_LDST_BY_3 + 1)] = (uint8_t)(11 * i & 15);
        table[16 * (TABLE_LDST_BY_3 + 2)] = (uint8_t)((3 * (i >> 1) & 7) << 1 | (i & 1));
        table[16 * TABLE_LDST_MOD_3] = i % 3 == 0 ? 0xff : 0;
        table[16 * (TABLE_LDST_MOD_3 + 1)] = i % 3 == 1 ? 0 : 0xff;
    }
}
