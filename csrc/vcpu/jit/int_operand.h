/*
 * int_operand.h - for the emitters of integer instructions: operands, and the two-operand host
 * instructions that a three-operand guest instruction becomes.
 */
#ifndef ELFUSE_JIT_INT_OPERAND_H
#define ELFUSE_JIT_INT_OPERAND_H

#include "vcpu/jit/translate.h"

/* The second operand of a host instruction: a register or memory, or a constant. Never RAX, which
 * the first may have to be loaded into. */
struct int_src {
    struct x64_rm rm;
    bool constant;
    int32_t value; /* sign-extended to the operation's width */
};

static inline struct int_src int_const(int32_t value)
{
    return (struct int_src){.rm = {-1, -1, -1, 0, 0}, .constant = true, .value = value};
}
static inline struct int_src int_host(int reg)
{
    return (struct int_src){.rm = x64_reg(reg)};
}
/* Guest register n, 0 to 30, REG_SP or REG_ZERO. */
static inline struct int_src int_guest(unsigned n)
{
    return n == REG_ZERO ? int_const(0) : (struct int_src){.rm = jit_rm(n)};
}

/* jit_gpr() for any number that an operand can have. */
static inline int int_home(unsigned n)
{
    return n <= REG_SP ? jit_gpr(n) : -1;
}

static inline bool int_in_eflags(const struct translation *t)
{
    return t->flags != FLAGS_MEMORY && t->flags != FLAGS_DEAD;
}
/* NZCV is in EFLAGS and wanted after the instruction, which does not change it: what does without
 * changing EFLAGS is worth an instruction more. */
static inline bool int_flags_live(const struct translation *t)
{
    return int_in_eflags(t) && t->flags_before && t->flags_after;
}

static inline unsigned int_width(uint32_t insn)
{
    return bits(insn, 31, 1) ? 8 : 4;
}

/* reg <- n, unless reg is n's own. The upper half may then be anything, also for width 4. */
static inline void int_load(struct translation *t, unsigned width, int reg, unsigned n)
{
    if (int_home(n) != reg)
        jit_load(t, width, reg, n);
}

/* Only MOV or, where no flags are in EFLAGS, XOR. */
void int_set_constant(struct translation *t, unsigned rd, uint64_t value);
/* rd <- rn, width 4 zero-extended. MOV only. */
void int_move(struct translation *t, unsigned width, unsigned rd, unsigned rn);

/* rd <- rn op src, with the host's flags; not ALU_CMP. rd may be REG_SINK. The caller has seen to
 * the flags. */
void int_alu(struct translation *t, enum x64_alu op, unsigned width, unsigned rd, unsigned rn,
             struct int_src src);
/* The flags of rn - src, in EFLAGS as CMP leaves them. */
void int_compare(struct translation *t, unsigned width, unsigned rn, struct int_src src);

/* dst <- guest register n shifted or rotated right by amount, 0 < amount < the width. Saves flags
 * if it has to, so nothing may be in RAX. May use RCX. */
void int_shift(struct translation *t, enum x64_shift op, unsigned width, int dst, unsigned n,
               unsigned amount);

#endif
