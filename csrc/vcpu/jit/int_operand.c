/*
 * int_operand.c - for the emitters of integer instructions: see int_operand.h.
 */
#include "vcpu/jit/int_operand.h"

void int_set_constant(struct translation *t, unsigned rd, uint64_t value)
{
    int home = int_home(rd);
    if (home >= 0 && value == 0 && !int_in_eflags(t)) {
        x64_alu(&t->e, ALU_XOR, 4, (unsigned)home, x64_reg(home));
    } else if (home >= 0) {
        x64_mov_imm(&t->e, (unsigned)home, value);
    } else if ((int64_t)value == (int32_t)value) {
        x64_mov_to_imm(&t->e, 8, jit_gpr_mem(rd), (int32_t)value);
    } else {
        x64_mov_imm(&t->e, RAX, value);
        jit_put(t, rd, RAX);
    }
    jit_constant(t, rd, value);
}

void int_move(struct translation *t, unsigned width, unsigned rd, unsigned rn)
{
    int home = int_home(rd), src = int_home(rn);
    if (rn == REG_ZERO) {
        int_set_constant(t, rd, 0);
        return;
    }
    if (width == 8) {
        if (home >= 0)
            int_load(t, 8, home, rn);
        else if (rd != rn)
            jit_put(t, rd, jit_src(t, 8, rn, RAX));
        jit_moved(t, rd, rn, 0);
        return;
    }
    int dst = jit_dst(rd, RAX);
    x64_mov(&t->e, 4, (unsigned)dst, src >= 0 ? x64_reg(src) : jit_rm(rn));
    jit_done(t, rd, dst);
}

static void alu(struct x64 *e, enum x64_alu op, unsigned width, int reg, struct int_src src)
{
    if (src.constant)
        x64_alu_imm(e, op, width, x64_reg(reg), src.value);
    else
        x64_alu(e, op, width, (unsigned)reg, src.rm);
}

static void alu_to(struct x64 *e, enum x64_alu op, unsigned width, struct x64_rm rm,
                   struct int_src src)
{
    if (src.constant)
        x64_alu_imm(e, op, width, rm, src.value);
    else
        x64_alu_to(e, op, width, rm, (unsigned)src.rm.reg);
}

void int_alu(struct translation *t, enum x64_alu op, unsigned width, unsigned rd, unsigned rn,
             struct int_src src)
{
    struct x64 *e = &t->e;
    int home = int_home(rd), dst = home >= 0 ? home : RAX;
    if (rd == rn && home < 0 && width == 8) {
        if (!src.constant && src.rm.reg < 0) {
            x64_mov(e, 8, RAX, src.rm);
            src = int_host(RAX);
        }
        alu_to(e, op, 8, jit_gpr_mem(rd), src);
        jit_wrote(t, rd);
        return;
    }
    bool holds_src = home >= 0 && !src.constant && src.rm.reg == home && rd != rn;
    if (holds_src && op != ALU_SUB && op != ALU_SBB) {
        x64_alu(e, op, width, (unsigned)dst, jit_rm(rn));
    } else {
        if (holds_src)
            dst = RAX;
        int_load(t, width, dst, rn);
        alu(e, op, width, dst, src);
    }
    jit_done(t, rd, dst);
}

void int_compare(struct translation *t, unsigned width, unsigned rn, struct int_src src)
{
    struct x64 *e = &t->e;
    int a = int_home(rn);
    if (a >= 0 && src.constant && src.value == 0) {
        x64_test(e, width, x64_reg(a), (unsigned)a);
    } else if (a < 0 && rn != REG_ZERO && (src.constant || src.rm.reg >= 0)) {
        alu_to(e, ALU_CMP, width, jit_gpr_mem(rn), src);
    } else {
        a = jit_src(t, width, rn, RAX);
        alu(e, ALU_CMP, width, a, src);
    }
}

void int_shift(struct translation *t, enum x64_shift op, unsigned width, int dst, unsigned n,
               unsigned amount)
{
    struct x64 *e = &t->e;
    int src = int_home(n);
    if (op == SHIFT_ROR && t->host->bmi2) {
        x64_rorx(e, width, (unsigned)dst, jit_rm(n), amount);
    } else if (op == SHIFT_SHL && amount == 1 && src >= 0 && (src != dst || int_flags_live(t))) {
        x64_lea(e, width, (unsigned)dst, x64_mem_index(src, src, 0, 0));
    } else if (op != SHIFT_ROR && int_flags_live(t) && t->host->bmi2) {
        x64_mov_imm(e, RCX, amount);
        x64_shiftx(e, op, width, (unsigned)dst, jit_rm(n), RCX);
    } else {
        jit_flags_clobber(t);
        int_load(t, width, dst, n);
        x64_shift_imm(e, op, width, x64_reg(dst), amount);
    }
}
