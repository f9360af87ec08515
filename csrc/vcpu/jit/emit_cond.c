/*
 * emit_cond.c - conditional select and compare.
 *
 * The condition is mostly in EFLAGS already, and selections leave it there: they change values by
 * LEA and NOT.
 */
#include "vcpu/jit/emit_int.h"
#include "vcpu/jit/int_operand.h"

static enum x64_cc inverse(enum x64_cc cc)
{
    return (enum x64_cc)(cc ^ 1);
}

/* rd <- 1 or, `mask`, all ones where cc; else 0. */
static void set_if(struct translation *t, unsigned width, enum x64_cc cc, unsigned rd, bool mask)
{
    struct x64 *e = &t->e;
    int dst = jit_dst(rd, RAX);
    if (mask && cc == CC_B && !t->flags_after) {
        x64_alu(e, ALU_SBB, width, (unsigned)dst, x64_reg(dst));
        jit_flags_set(t, FLAGS_DEAD);
    } else {
        x64_mov_imm(e, (unsigned)dst, 0);
        x64_setcc(e, mask ? inverse(cc) : cc, x64_reg(dst));
        if (mask)
            x64_lea(e, width, (unsigned)dst, x64_mem(dst, -1));
    }
    jit_done(t, rd, dst);
}

/* rd <- cc ? rn : rm */
static void select_plain(struct translation *t, unsigned width, enum x64_cc cc, unsigned rd,
                         unsigned rn, unsigned rm)
{
    int home = int_home(rd), dst = jit_dst(rd, RAX);
    if (home >= 0 && rd == rn) {
        x64_cmov(&t->e, inverse(cc), width, (unsigned)dst, jit_rm(rm));
    } else {
        int_load(t, width, dst, rm);
        x64_cmov(&t->e, cc, width, (unsigned)dst, jit_rm(rn));
    }
    jit_done(t, rd, dst);
}

/* CINC: rd <- cc ? rn : rn + 1 where cc is a carry, which then is the addend. Flags are dead. */
static void add_carry(struct translation *t, unsigned width, enum x64_cc cc, unsigned rd,
                      unsigned rn)
{
    if (cc == CC_AE)
        int_alu(t, ALU_ADC, width, rd, rn, int_const(0));
    else
        int_alu(t, ALU_SBB, width, rd, rn, int_const(-1));
    jit_flags_set(t, FLAGS_DEAD);
}

enum change { CHANGE_NONE, CHANGE_INC, CHANGE_INV, CHANGE_NEG };

/* reg <- rm + 1, ~rm or -rm. No flags. */
static void change(struct translation *t, enum change how, unsigned width, int reg, unsigned rm)
{
    struct x64 *e = &t->e;
    if (rm == REG_ZERO) {
        uint64_t all = width == 8 ? UINT64_MAX : UINT32_MAX;
        x64_mov_imm(e, (unsigned)reg, how == CHANGE_INC ? 1 : how == CHANGE_INV ? all : 0);
    } else if (how == CHANGE_INC) {
        int src = jit_src(t, width, rm, reg);
        x64_lea(e, width, (unsigned)reg, x64_mem(src, 1));
    } else {
        int_load(t, width, reg, rm);
        x64_not(e, width, x64_reg(reg));
        if (how == CHANGE_NEG)
            x64_lea(e, width, (unsigned)reg, x64_mem(reg, 1));
    }
}

bool emit_csel(struct translation *t, uint32_t insn)
{
    unsigned width = int_width(insn), cond = bits(insn, 12, 4);
    unsigned rd = reg_dst(bits(insn, 0, 5)), rn = reg_src(bits(insn, 5, 5));
    unsigned rm = reg_src(bits(insn, 16, 5));
    enum change how = (enum change)(bits(insn, 30, 1) << 1 | bits(insn, 10, 1));
    if (rd == REG_SINK)
        return true;
    if (cond >= 14 || (how == CHANGE_NONE && rn == rm)) {
        int_move(t, width, rd, rn);
        return true;
    }
    enum x64_cc cc = jit_cond(t, cond);
    int dst = jit_dst(rd, RAX);
    if (how == CHANGE_NONE) {
        select_plain(t, width, cc, rd, rn, rm);
    } else if (rn == REG_ZERO && rm == REG_ZERO && how != CHANGE_NEG) {
        set_if(t, width, inverse(cc), rd, how == CHANGE_INV);
    } else if (how == CHANGE_INC && rn == rm && !t->flags_after && (cc == CC_AE || cc == CC_B)) {
        add_carry(t, width, cc, rd, rn);
    } else if (int_home(rd) >= 0 && rd == rn) {
        change(t, how, width, RCX, rm);
        x64_cmov(&t->e, inverse(cc), width, (unsigned)dst, x64_reg(RCX));
        jit_done(t, rd, dst);
    } else {
        change(t, how, width, dst, rm);
        x64_cmov(&t->e, cc, width, (unsigned)dst, jit_rm(rn));
        jit_done(t, rd, dst);
    }
    return true;
}

/*
 * EFLAGS <- N Z C V in the low four bits of nzcv, in the form FLAGS_SUB. RBP points into user
 * space: neither zero nor negative. May use RAX.
 */
static void set_flags(struct x64 *e, unsigned nzcv)
{
    bool n = nzcv & 8, z = nzcv & 4, c = nzcv & 2, v = nzcv & 1;
    bool carry = false; /* as the following leave CF */
    if (z && (n || v)) {
        x64_mov_imm(e, RAX, jit_flags_pack((uint32_t)nzcv << 28));
        x64_alu_imm(e, ALU_ADD, 1, x64_reg(RAX), 0x7f);
        x64_sahf(e);
        return;
    }
    if (z) {
        x64_alu(e, ALU_XOR, 4, RAX, x64_reg(RAX));
    } else if (v) {
        x64_mov_imm(e, RAX, n ? 0x7f : 0x80);
        x64_alu_imm(e, ALU_CMP, 1, x64_reg(RAX), n ? -1 : 1);
        carry = n;
    } else if (n) {
        x64_alu_imm(e, ALU_OR, 4, x64_reg(RAX), -1);
    } else {
        x64_test(e, 8, x64_reg(RBP), RBP);
    }
    if (!carry && !c)
        x64_stc(e);
    else if (carry && c)
        x64_clc(e);
}

/*
 * A jump rather than CMOV: there are constants that no comparison of two selected values gives
 * (#4, Z without C, is among the commonest), and the guest's program has a conditional branch
 * behind it mostly, which this one takes a part of.
 */
bool emit_ccmp(struct translation *t, uint32_t insn)
{
    unsigned width = int_width(insn), rn = reg_src(bits(insn, 5, 5)), rm = bits(insn, 16, 5);
    unsigned cond = bits(insn, 12, 4), nzcv = bits(insn, 0, 4);
    bool sub = bits(insn, 30, 1);
    if (!t->flags_after)
        return true;
    struct int_src src = bits(insn, 11, 1) ? int_const((int32_t)rm) : int_guest(reg_src(rm));
    if (!sub && src.constant && src.value != 0) {
        sub = true;
        src.value = -src.value;
    }
    uint8_t *other = NULL;
    if (cond < 14)
        other = x64_jcc8(&t->e, inverse(jit_cond(t, cond)));
    if (sub || src.constant)
        int_compare(t, width, rn, src);
    else
        int_alu(t, ALU_ADD, width, REG_SINK, rn, src);
    if (other) {
        uint8_t *end = x64_jmp8(&t->e);
        x64_land8(&t->e, other);
        set_flags(&t->e, sub ? nzcv : nzcv ^ 2);
        x64_land8(&t->e, end);
    }
    jit_flags_set(t, sub ? FLAGS_SUB : FLAGS_ADD);
    return true;
}

/* The flags in EFLAGS are read the other way; in memory CF is bit 8. */
bool emit_cfinv(struct translation *t, uint32_t insn)
{
    (void)insn;
    if (!t->flags_after)
        return true;
    if (t->flags == FLAGS_FCMP)
        jit_flags_clobber(t);
    if (t->flags == FLAGS_MEMORY)
        x64_alu_imm(&t->e, ALU_XOR, 1, x64_mem(RBP, JIT_AT(flags) + 1), 1);
    else
        jit_flags_set(t, t->flags == FLAGS_SUB ? FLAGS_ADD : FLAGS_SUB);
    return true;
}
