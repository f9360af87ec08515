/*
 * emit_bits.c - bitfields, shifts, and what counts or reverses bits.
 */
#include "vcpu/jit/emit_int.h"
#include "vcpu/jit/int_operand.h"

/* A bitfield move, decoded: `length` bits from bit `from` of the source go to
 * bit `to`; one of both is 0. */
struct field {
    unsigned width, rd, rn;
    unsigned length, from, to;
};

static bool decode_field(uint32_t insn, struct field *f)
{
    unsigned width = int_width(insn), size = width * 8;
    unsigned immr = bits(insn, 16, 6), imms = bits(insn, 10, 6);
    if (bits(insn, 22, 1) != (width == 8) || immr >= size || imms >= size)
        return false;
    *f = (struct field){.width = width,
                        .rd = reg_dst(bits(insn, 0, 5)),
                        .rn = reg_src(bits(insn, 5, 5)),
                        .length = imms >= immr ? imms - immr + 1 : imms + 1,
                        .from = imms >= immr ? immr : 0,
                        .to = imms >= immr ? 0 : size - immr};
    return true;
}

static uint64_t ones(unsigned n)
{
    return ~0ULL >> (64 - n);
}

static bool is_whole(unsigned length)
{
    return length == 8 || length == 16 || length == 32;
}

/* dst <- the low 8, 16 or 32 bits of rm, extended to `width`, which is more. */
static void extend(struct translation *t, bool is_signed, unsigned width, int dst, struct x64_rm rm,
                   unsigned length)
{
    if (is_signed && length / 8 < width)
        x64_movsx(&t->e, width, length / 8, (unsigned)dst, rm);
    else if (length >= 32)
        x64_mov(&t->e, length / 8, (unsigned)dst, rm);
    else
        x64_movzx(&t->e, length / 8, (unsigned)dst, rm);
}

/* dst <- the field at the top of the word, then shifted down to its place: for
 * what has no shorter form. */
static void by_two_shifts(struct translation *t, bool is_signed, const struct field *f, int dst)
{
    unsigned size = f->width * 8, left = size - f->length - f->from;
    unsigned right = size - f->length - f->to;
    enum x64_shift down = is_signed ? SHIFT_SAR : SHIFT_SHR;
    if (left && int_flags_live(t) && t->host->bmi2) {
        int_shift(t, SHIFT_SHL, f->width, dst, f->rn, left);
        x64_mov_imm(&t->e, RCX, right);
        x64_shiftx(&t->e, down, f->width, (unsigned)dst, x64_reg(dst), RCX);
        return;
    }
    jit_flags_clobber(t);
    if (left)
        int_shift(t, SHIFT_SHL, f->width, dst, f->rn, left);
    else
        int_load(t, f->width, dst, f->rn);
    x64_shift_imm(&t->e, down, f->width, x64_reg(dst), right);
}

/* dst <- dst << n */
static void shift_up(struct translation *t, unsigned width, int dst, unsigned n)
{
    if (int_flags_live(t) && t->host->bmi2) {
        x64_mov_imm(&t->e, RCX, n);
        x64_shiftx(&t->e, SHIFT_SHL, width, (unsigned)dst, x64_reg(dst), RCX);
    } else {
        x64_shift_imm(&t->e, SHIFT_SHL, width, x64_reg(dst), n);
    }
}

/* Fields of 8, 16 or 32 bits, which host instructions extend. Returns false for
 * others. */
static bool whole_field(struct translation *t, bool is_signed, const struct field *f, int dst)
{
    struct x64_rm rm = jit_rm(f->rn);
    if (!is_whole(f->length) || f->length == f->width * 8)
        return false;
    if (f->from % 8 == 0 && rm.reg < 0) {
        rm.disp += (int32_t)f->from / 8;
    } else if (f->from && t->host->bmi2) {
        x64_rorx(&t->e, f->width, (unsigned)dst, rm, f->from);
        rm = x64_reg(dst);
    } else if (f->from) {
        return false;
    }
    if (f->to && !(int_flags_live(t) && t->host->bmi2))
        jit_flags_clobber(t);
    extend(t, is_signed, f->width, dst, rm, f->length);
    if (f->to)
        shift_up(t, f->width, dst, f->to);
    return true;
}

/* LSL, LSR and ASR by an immediate. */
static void shift_alias(struct translation *t, enum x64_shift op, const struct field *f)
{
    unsigned amount = op == SHIFT_SHL ? f->to : f->from;
    if (amount == 0) {
        int_move(t, f->width, f->rd, f->rn);
        return;
    }
    if (f->rd == f->rn && f->width == 8 && int_home(f->rd) < 0 && !int_flags_live(t)) {
        jit_flags_clobber(t);
        x64_shift_imm(&t->e, op, 8, jit_gpr_mem(f->rd), amount);
        jit_wrote(t, f->rd);
        return;
    }
    int dst = jit_dst(f->rd, RAX);
    int_shift(t, op, f->width, dst, f->rn, amount);
    jit_done(t, f->rd, dst);
}

/* A field of up to 31 bits, by a mask that an immediate can be. Saves flags. */
static void masked_field(struct translation *t, const struct field *f, int dst)
{
    struct x64 *e = &t->e;
    unsigned size = f->width * 8;
    jit_flags_clobber(t);
    if (f->from + f->length == 32 && size == 64) { /* the 32-bit shift drops what is above */
        int_load(t, 4, dst, f->rn);
        x64_shift_imm(e, SHIFT_SHR, 4, x64_reg(dst), f->from);
        return;
    }
    if (f->to + f->length == 32 && f->to && size == 64) {
        int_load(t, 4, dst, f->rn);
        x64_shift_imm(e, SHIFT_SHL, 4, x64_reg(dst), f->to);
        return;
    }
    if (f->from) {
        unsigned width = f->from + f->length <= 32 ? 4 : 8;
        if (t->host->bmi2 && int_home(f->rn) != dst)
            x64_rorx(e, width, (unsigned)dst, jit_rm(f->rn), f->from);
        else
            int_shift(t, SHIFT_SHR, width, dst, f->rn, f->from);
    } else {
        int_load(t, 4, dst, f->rn);
    }
    x64_alu_imm(e, ALU_AND, 4, x64_reg(dst), (int32_t)ones(f->length));
    if (f->to)
        x64_shift_imm(e, SHIFT_SHL, f->width, x64_reg(dst), f->to);
}

bool emit_ubfm(struct translation *t, uint32_t insn)
{
    struct field f;
    if (!decode_field(insn, &f))
        return false;
    if (f.rd == REG_SINK)
        return true;
    unsigned size = f.width * 8;
    int dst = jit_dst(f.rd, RAX);
    if (f.from + f.length == size && !(size == 64 && f.from == 32 && int_home(f.rn) < 0)) {
        shift_alias(t, SHIFT_SHR, &f);
        return true;
    }
    if (f.to && f.to + f.length == size) {
        shift_alias(t, SHIFT_SHL, &f);
        return true;
    }
    if (!whole_field(t, false, &f, dst)) {
        if (f.length < 32 && !(int_flags_live(t) && t->host->bmi2))
            masked_field(t, &f, dst);
        else
            by_two_shifts(t, false, &f, dst);
    }
    jit_done(t, f.rd, dst);
    return true;
}

bool emit_sbfm(struct translation *t, uint32_t insn)
{
    struct field f;
    if (!decode_field(insn, &f))
        return false;
    if (f.rd == REG_SINK)
        return true;
    unsigned size = f.width * 8;
    int dst = jit_dst(f.rd, RAX);
    bool in_memory = int_home(f.rn) < 0;
    if (f.from + f.length == size && !(in_memory && f.from && is_whole(f.length))) {
        shift_alias(t, SHIFT_SAR, &f);
        return true;
    }
    if (f.to && f.to + f.length == size) {
        shift_alias(t, SHIFT_SHL, &f);
        return true;
    }
    if (!whole_field(t, true, &f, dst))
        by_two_shifts(t, true, &f, dst);
    jit_done(t, f.rd, dst);
    return true;
}

/* reg <- reg & mask, flags not wanted. May use RAX where the mask is no
 * immediate. */
static void and_mask(struct x64 *e, unsigned width, int reg, uint64_t mask)
{
    if (mask <= UINT32_MAX) {
        x64_alu_imm(e, ALU_AND, 4, x64_reg(reg), (int32_t)mask);
    } else if ((int64_t)mask == (int32_t)mask) {
        x64_alu_imm(e, ALU_AND, width, x64_reg(reg), (int32_t)mask);
    } else {
        x64_mov_imm(e, RAX, mask);
        x64_alu(e, ALU_AND, width, (unsigned)reg, x64_reg(RAX));
    }
}

/* rd's bits of mask become zero. */
static void clear_field(struct translation *t, unsigned width, unsigned rd, uint64_t mask)
{
    struct x64 *e = &t->e;
    uint64_t keep = width == 8 ? ~mask : (uint32_t)~mask;
    if (width == 4 || (keep > UINT32_MAX && (int64_t)keep == (int32_t)keep)) {
        int_alu(t, ALU_AND, width, rd, rd, int_const((int32_t)keep));
    } else if (keep <= UINT32_MAX) {
        int_alu(t, ALU_AND, 4, rd, rd, int_const((int32_t)keep));
    } else {
        x64_mov_imm(e, RCX, keep);
        int_alu(t, ALU_AND, 8, rd, rd, int_host(RCX));
    }
}

/* rd's bits from `to` on, no more than 32, become rn's low bits. */
static void insert_high(struct translation *t, const struct field *f)
{
    struct x64 *e = &t->e;
    int dst = jit_dst(f->rd, RAX);
    int_shift(t, SHIFT_SHL, 8, RCX, f->rn, f->to);
    if (f->to == 32) {
        jit_load(t, 4, dst, f->rd);
    } else {
        int_load(t, 4, dst, f->rd);
        x64_alu_imm(e, ALU_AND, 4, x64_reg(dst), (int32_t)ones(f->to));
    }
    x64_alu(e, ALU_OR, 8, (unsigned)dst, x64_reg(RCX));
    jit_done(t, f->rd, dst);
}

bool emit_bfm(struct translation *t, uint32_t insn)
{
    struct x64 *e = &t->e;
    struct field f;
    if (!decode_field(insn, &f))
        return false;
    if (f.rd == REG_SINK)
        return true;
    unsigned size = f.width * 8, rotate = f.to ? size - f.to : f.from;
    uint64_t mask = ones(f.length) << f.to;
    if (f.length == size) {
        int_move(t, f.width, f.rd, f.rn);
        return true;
    }
    jit_flags_clobber(t);
    if (f.rn == REG_ZERO) {
        clear_field(t, f.width, f.rd, mask);
        return true;
    }
    if (f.to && f.to <= 32 && f.to + f.length == 64) {
        insert_high(t, &f);
        return true;
    }
    /* rd ^= (rd ^ field) & mask */
    if (rotate)
        int_shift(t, SHIFT_ROR, f.width, RCX, f.rn, rotate);
    else
        jit_load(t, f.width, RCX, f.rn);
    x64_alu(e, ALU_XOR, f.width, RCX, jit_rm(f.rd));
    and_mask(e, f.width, RCX, mask);
    int_alu(t, ALU_XOR, f.width, f.rd, f.rd, int_host(RCX));
    return true;
}

bool emit_extr(struct translation *t, uint32_t insn)
{
    struct x64 *e = &t->e;
    unsigned width = int_width(insn), lsb = bits(insn, 10, 6), rd = reg_dst(bits(insn, 0, 5));
    unsigned rn = reg_src(bits(insn, 5, 5)), rm = reg_src(bits(insn, 16, 5));
    if (bits(insn, 22, 1) != (width == 8) || (width == 4 && lsb > 31))
        return false;
    if (rd == REG_SINK)
        return true;
    if (lsb == 0) {
        int_move(t, width, rd, rm);
        return true;
    }
    int dst = jit_dst(rd, RAX);
    if (rn == rm) {
        int_shift(t, SHIFT_ROR, width, dst, rn, lsb);
        jit_done(t, rd, dst);
        return true;
    }
    jit_flags_clobber(t);
    int high = jit_src(t, width, rn, RCX);
    if (high == dst) {
        int low = jit_src(t, width, rm, RCX);
        x64_shld(e, width, x64_reg(dst), (unsigned)low, width * 8 - lsb);
    } else {
        int_load(t, width, dst, rm);
        x64_shrd(e, width, x64_reg(dst), (unsigned)high, lsb);
    }
    jit_done(t, rd, dst);
    return true;
}

/* LSLV, LSRV, ASRV, RORV: the host takes the count modulo the width, too. */
bool emit_shift_var(struct translation *t, uint32_t insn)
{
    static const uint8_t ops[4] = {SHIFT_SHL, SHIFT_SHR, SHIFT_SAR, SHIFT_ROR};
    struct x64 *e = &t->e;
    enum x64_shift op = (enum x64_shift)ops[bits(insn, 10, 2)];
    unsigned width = int_width(insn), rd = reg_dst(bits(insn, 0, 5));
    unsigned rn = reg_src(bits(insn, 5, 5)), rm = reg_src(bits(insn, 16, 5));
    if (rd == REG_SINK)
        return true;
    int dst = jit_dst(rd, RAX);
    if (t->host->bmi2 && op != SHIFT_ROR) {
        int count = jit_src(t, width, rm, RCX);
        x64_shiftx(e, op, width, (unsigned)dst, jit_rm(rn), (unsigned)count);
    } else {
        jit_flags_clobber(t);
        jit_load(t, width, RCX, rm);
        int_load(t, width, dst, rn);
        x64_shift_cl(e, op, width, x64_reg(dst));
    }
    jit_done(t, rd, dst);
    return true;
}

/* ---- one source ---- */

/* RAX: exchange neighbours of n bits, which `mask` has the lower ones of. Uses
 * RCX; RDX has the mask for width 8. */
static void swap_neighbours(struct x64 *e, unsigned width, unsigned n, uint64_t mask)
{
    if (width == 8)
        x64_mov_imm(e, RDX, mask);
    x64_mov(e, width, RCX, x64_reg(RAX));
    x64_shift_imm(e, SHIFT_SHR, width, x64_reg(RAX), n);
    for (int reg = RAX; reg <= RCX; reg++) {
        if (width == 8)
            x64_alu(e, ALU_AND, 8, (unsigned)reg, x64_reg(RDX));
        else
            x64_alu_imm(e, ALU_AND, 4, x64_reg(reg), (int32_t)mask);
    }
    if (n < 4) {
        x64_lea(e, width, RAX, x64_mem_index(RAX, RCX, n, 0));
    } else {
        x64_shift_imm(e, SHIFT_SHL, width, x64_reg(RCX), n);
        x64_alu(e, ALU_OR, width, RAX, x64_reg(RCX));
    }
}

bool emit_rbit(struct translation *t, uint32_t insn)
{
    unsigned width = int_width(insn), rd = reg_dst(bits(insn, 0, 5));
    if (rd == REG_SINK)
        return true;
    jit_flags_clobber(t);
    jit_load(t, width, RAX, reg_src(bits(insn, 5, 5)));
    x64_bswap(&t->e, width, RAX);
    swap_neighbours(&t->e, width, 4, 0x0f0f0f0f0f0f0f0fULL);
    swap_neighbours(&t->e, width, 2, 0x3333333333333333ULL);
    swap_neighbours(&t->e, width, 1, 0x5555555555555555ULL);
    jit_done(t, rd, RAX);
    return true;
}

/* REV, of as many bytes as the register has. */
bool emit_rev(struct translation *t, uint32_t insn)
{
    unsigned width = int_width(insn), rd = reg_dst(bits(insn, 0, 5));
    int dst = jit_dst(rd, RAX);
    if (rd == REG_SINK)
        return true;
    int_load(t, width, dst, reg_src(bits(insn, 5, 5)));
    x64_bswap(&t->e, width, (unsigned)dst);
    jit_done(t, rd, dst);
    return true;
}

/* Reverse all bytes of dst and exchange its halves. */
static void reverse_halves(struct translation *t, unsigned width, unsigned rd, unsigned rn)
{
    int dst = jit_dst(rd, RAX);
    if (!t->host->bmi2)
        jit_flags_clobber(t);
    int_load(t, width, dst, rn);
    x64_bswap(&t->e, width, (unsigned)dst);
    if (t->host->bmi2)
        x64_rorx(&t->e, width, (unsigned)dst, x64_reg(dst), width * 4);
    else
        x64_shift_imm(&t->e, SHIFT_ROR, width, x64_reg(dst), width * 4);
    jit_done(t, rd, dst);
}

bool emit_rev32(struct translation *t, uint32_t insn)
{
    unsigned rd = reg_dst(bits(insn, 0, 5));
    if (rd != REG_SINK)
        reverse_halves(t, 8, rd, reg_src(bits(insn, 5, 5)));
    return true;
}

bool emit_rev16(struct translation *t, uint32_t insn)
{
    unsigned width = int_width(insn), rd = reg_dst(bits(insn, 0, 5));
    unsigned rn = reg_src(bits(insn, 5, 5));
    if (rd == REG_SINK)
        return true;
    if (width == 4) {
        reverse_halves(t, 4, rd, rn);
        return true;
    }
    jit_flags_clobber(t);
    jit_load(t, 8, RAX, rn);
    swap_neighbours(&t->e, 8, 8, 0x00ff00ff00ff00ffULL);
    jit_done(t, rd, RAX);
    return true;
}

/* dst <- the number of leading zeros of reg, which is not 0 unless
 * `may_be_zero`. RCX is used. */
static void count_zeros(struct translation *t, unsigned width, int dst, struct x64_rm rm,
                        bool may_be_zero)
{
    struct x64 *e = &t->e;
    unsigned top = width * 8 - 1;
    if (t->host->lzcnt) {
        x64_lzcnt(e, width, (unsigned)dst, rm);
        return;
    }
    x64_bsr(e, width, (unsigned)dst, rm);
    if (may_be_zero) {
        x64_mov_imm(e, RCX, top + top + 1);
        x64_cmov(e, CC_E, 4, (unsigned)dst, x64_reg(RCX));
    }
    x64_alu_imm(e, ALU_XOR, 4, x64_reg(dst), (int32_t)top);
}

/* rd <- the number of trailing zeroes of rn. */
static void count_trailing(struct translation *t, unsigned width, unsigned rd, unsigned rn)
{
    struct x64 *e = &t->e;
    int dst = jit_dst(rd, RAX);
    jit_flags_clobber(t);
    if (t->host->bmi2) {
        x64_tzcnt(e, width, (unsigned)dst, jit_rm(rn));
    } else {
        x64_bsf(e, width, (unsigned)dst, jit_rm(rn));
        x64_mov_imm(e, RCX, width * 8);
        x64_cmov(e, CC_E, 4, (unsigned)dst, x64_reg(RCX));
    }
    jit_done(t, rd, dst);
}

/* CLZ of what the RBIT before it has made: if of the same register, RBIT's
 * result is nowhere else. */
static bool clz_of_rbit(struct translation *t, uint32_t insn, unsigned width, unsigned rd)
{
    uint32_t before = t->index ? t->words[t->index - 1] : 0;
    unsigned rn = bits(insn, 5, 5), source = bits(before, 5, 5);
    if ((before & 0xfffffc1f) != ((insn & 0x80000000) | 0x5ac00000 | rn) || rn == 31)
        return false;
    if (rn == rd)
        jit_take_back(t, t->index - 1);
    else if (rn == source)
        return false;
    count_trailing(t, width, rd, reg_src(source));
    return true;
}

bool emit_clz(struct translation *t, uint32_t insn)
{
    unsigned width = int_width(insn), rd = reg_dst(bits(insn, 0, 5));
    unsigned rn = reg_src(bits(insn, 5, 5));
    int dst = jit_dst(rd, RAX);
    if (rd == REG_SINK || clz_of_rbit(t, insn, width, rd))
        return true;
    jit_flags_clobber(t);
    count_zeros(t, width, dst, jit_rm(rn), true);
    jit_done(t, rd, dst);
    return true;
}

/* The bits that equal the top bit become zeros, and below them a one is put. */
bool emit_cls(struct translation *t, uint32_t insn)
{
    struct x64 *e = &t->e;
    unsigned width = int_width(insn), rd = reg_dst(bits(insn, 0, 5));
    unsigned rn = reg_src(bits(insn, 5, 5));
    int dst = jit_dst(rd, RAX);
    if (rd == REG_SINK)
        return true;
    jit_flags_clobber(t);
    jit_load(t, width, RAX, rn);
    x64_shift_imm(e, SHIFT_SAR, width, x64_reg(RAX), width * 8 - 1);
    x64_alu(e, ALU_XOR, width, RAX, jit_rm(rn));
    x64_lea(e, width, RAX, x64_mem_index(RAX, RAX, 0, 1));
    count_zeros(t, width, dst, x64_reg(RAX), false);
    jit_done(t, rd, dst);
    return true;
}
