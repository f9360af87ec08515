/*
 * int.c - data processing on general registers: add, logical, move, bitfield, conditional select
 * and compare. One exec function for each operation and width.
 */
#include "vcpu/a64/a64.h"
#include "vcpu/interp/cond.h"
#include "vcpu/interp/int_bits.h"
#include "vcpu/interp/interp.h"

#define EXEC(name) static void name(struct interp_cpu *cpu, const struct a64_op *op)
#define R(n)       (cpu->regs.r[n])

static uint32_t flags_nz32(uint32_t r)
{
    return (r & NZCV_N) | (r == 0 ? NZCV_Z : 0);
}
static uint32_t flags_nz64(uint64_t r)
{
    return ((uint32_t)(r >> 32) & NZCV_N) | (r == 0 ? NZCV_Z : 0);
}

/* AddWithCarry(). */
static inline uint64_t add_flags64(uint64_t a, uint64_t b, unsigned carry, uint32_t *nzcv)
{
    uint64_t t, r;
    bool c = __builtin_add_overflow(a, b, &t);
    c |= __builtin_add_overflow(t, (uint64_t)carry, &r);
    uint32_t v = (uint32_t)(((a ^ r) & (b ^ r)) >> 63);
    *nzcv = flags_nz64(r) | (c ? NZCV_C : 0) | (v ? NZCV_V : 0);
    return r;
}

static inline uint32_t add_flags32(uint32_t a, uint32_t b, unsigned carry, uint32_t *nzcv)
{
    uint32_t t, r;
    bool c = __builtin_add_overflow(a, b, &t);
    c |= __builtin_add_overflow(t, (uint32_t)carry, &r);
    uint32_t v = ((a ^ r) & (b ^ r)) >> 31;
    *nzcv = flags_nz32(r) | (c ? NZCV_C : 0) | (v ? NZCV_V : 0);
    return r;
}

/*
 * ADD/SUB families. Operand 2 is an immediate, a register, a shifted or an extended register; the
 * last two share a form, in which u8[0] chooses the extension and u8[1] the shift.
 */
static inline uint64_t operand2(struct interp_cpu *cpu, const struct a64_op *op)
{
    return int_extend(R(op->rm), op->u8[0]) << op->u8[1];
}
#define OP2_imm  op->imm
#define OP2_reg  R(op->rm)
#define OP2_lsl  (R(op->rm) << op->u8[1])
#define OP2_sh64 int_shift64(R(op->rm), op->u8[0], op->u8[1])
#define OP2_sh32 int_shift32((uint32_t)R(op->rm), op->u8[0], op->u8[1])
#define OP2_ext  operand2(cpu, op)

#define ADD_SUB(form, o64, o32)                                                                    \
    EXEC(add64_##form)                                                                             \
    {                                                                                              \
        R(op->rd) = R(op->rn) + (o64);                                                             \
    }                                                                                              \
    EXEC(add32_##form)                                                                             \
    {                                                                                              \
        R(op->rd) = (uint32_t)(R(op->rn) + (o32));                                                 \
    }                                                                                              \
    EXEC(sub64_##form)                                                                             \
    {                                                                                              \
        R(op->rd) = R(op->rn) - (o64);                                                             \
    }                                                                                              \
    EXEC(sub32_##form)                                                                             \
    {                                                                                              \
        R(op->rd) = (uint32_t)(R(op->rn) - (o32));                                                 \
    }                                                                                              \
    EXEC(adds64_##form)                                                                            \
    {                                                                                              \
        R(op->rd) = add_flags64(R(op->rn), o64, 0, &cpu->regs.nzcv);                               \
    }                                                                                              \
    EXEC(adds32_##form)                                                                            \
    {                                                                                              \
        R(op->rd) = add_flags32((uint32_t)R(op->rn), (uint32_t)(o32), 0, &cpu->regs.nzcv);         \
    }                                                                                              \
    EXEC(subs64_##form)                                                                            \
    {                                                                                              \
        R(op->rd) = add_flags64(R(op->rn), ~(o64), 1, &cpu->regs.nzcv);                            \
    }                                                                                              \
    EXEC(subs32_##form)                                                                            \
    {                                                                                              \
        R(op->rd) = add_flags32((uint32_t)R(op->rn), ~(uint32_t)(o32), 1, &cpu->regs.nzcv);        \
    }                                                                                              \
    static a64_exec *const add_sub_##form[2][4] = {                                                \
        {add32_##form, adds32_##form, sub32_##form, subs32_##form},                                \
        {add64_##form, adds64_##form, sub64_##form, subs64_##form},                                \
    };
ADD_SUB(imm, OP2_imm, OP2_imm)
ADD_SUB(reg, OP2_reg, OP2_reg)
ADD_SUB(lsl, OP2_lsl, OP2_lsl)
ADD_SUB(shift, OP2_sh64, OP2_sh32)
ADD_SUB(ext, OP2_ext, OP2_ext)

/* op and S are bits 30 and 29 in all of them; the flag-setting forms write ZR where the others
 * write SP. */
static void add_sub(struct a64_op *op, a64_exec *const table[2][4])
{
    op->exec = table[bits(op->insn, 31, 1)][bits(op->insn, 29, 2)];
}

int pre_add_imm(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    op->imm = (uint64_t)bits(op->insn, 10, 12) << (bits(op->insn, 22, 1) ? 12 : 0);
    if (bits(op->insn, 29, 1))
        op->rd = reg_dst(op->rd);
    add_sub(op, add_sub_imm);
    return 0;
}

int pre_add_shift(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    unsigned type = bits(op->insn, 22, 2), amount = bits(op->insn, 10, 6);
    if (!bits(op->insn, 31, 1) && amount > 31)
        return -1;
    op->rd = reg_dst(op->rd);
    op->rn = reg_src(op->rn);
    op->rm = reg_src(op->rm);
    op->u8[0] = (uint8_t)type;
    op->u8[1] = (uint8_t)amount;
    add_sub(op, amount == 0 ? add_sub_reg : type == 0 ? add_sub_lsl : add_sub_shift);
    return 0;
}

int pre_add_ext(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    if (bits(op->insn, 29, 1))
        op->rd = reg_dst(op->rd);
    op->rm = reg_src(op->rm);
    op->u8[0] = (uint8_t)bits(op->insn, 13, 3);
    op->u8[1] = (uint8_t)bits(op->insn, 10, 3);
    add_sub(op, add_sub_ext);
    return 0;
}

/* ADC, SBC */
#define CARRY ((cpu->regs.nzcv >> 29) & 1)
EXEC(adc64)
{
    R(op->rd) = R(op->rn) + R(op->rm) + CARRY;
}
EXEC(adc32)
{
    R(op->rd) = (uint32_t)(R(op->rn) + R(op->rm) + CARRY);
}
EXEC(sbc64)
{
    R(op->rd) = R(op->rn) + ~R(op->rm) + CARRY;
}
EXEC(sbc32)
{
    R(op->rd) = (uint32_t)(R(op->rn) + ~R(op->rm) + CARRY);
}
EXEC(adcs64)
{
    R(op->rd) = add_flags64(R(op->rn), R(op->rm), CARRY, &cpu->regs.nzcv);
}
EXEC(adcs32)
{
    R(op->rd) = add_flags32((uint32_t)R(op->rn), (uint32_t)R(op->rm), CARRY, &cpu->regs.nzcv);
}
EXEC(sbcs64)
{
    R(op->rd) = add_flags64(R(op->rn), ~R(op->rm), CARRY, &cpu->regs.nzcv);
}
EXEC(sbcs32)
{
    R(op->rd) = add_flags32((uint32_t)R(op->rn), ~(uint32_t)R(op->rm), CARRY, &cpu->regs.nzcv);
}

static void zero_operands(struct a64_op *op)
{
    op->rd = reg_dst(op->rd);
    op->rn = reg_src(op->rn);
    op->rm = reg_src(op->rm);
}

int pre_adc(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    static a64_exec *const table[2][4] = {{adc32, adcs32, sbc32, sbcs32},
                                          {adc64, adcs64, sbc64, sbcs64}};
    zero_operands(op);
    add_sub(op, table);
    return 0;
}

/* Logical. The inverted forms have their own functions; immediates are inverted by nobody. */
#define LOGIC(form, o64, o32)                                                                      \
    EXEC(and64_##form)                                                                             \
    {                                                                                              \
        R(op->rd) = R(op->rn) & (o64);                                                             \
    }                                                                                              \
    EXEC(and32_##form)                                                                             \
    {                                                                                              \
        R(op->rd) = (uint32_t)(R(op->rn) & (o32));                                                 \
    }                                                                                              \
    EXEC(orr64_##form)                                                                             \
    {                                                                                              \
        R(op->rd) = R(op->rn) | (o64);                                                             \
    }                                                                                              \
    EXEC(orr32_##form)                                                                             \
    {                                                                                              \
        R(op->rd) = (uint32_t)(R(op->rn) | (o32));                                                 \
    }                                                                                              \
    EXEC(eor64_##form)                                                                             \
    {                                                                                              \
        R(op->rd) = R(op->rn) ^ (o64);                                                             \
    }                                                                                              \
    EXEC(eor32_##form)                                                                             \
    {                                                                                              \
        R(op->rd) = (uint32_t)(R(op->rn) ^ (o32));                                                 \
    }                                                                                              \
    EXEC(ands64_##form)                                                                            \
    {                                                                                              \
        uint64_t r = R(op->rn) & (o64);                                                            \
        cpu->regs.nzcv = flags_nz64(r);                                                            \
        R(op->rd) = r;                                                                             \
    }                                                                                              \
    EXEC(ands32_##form)                                                                            \
    {                                                                                              \
        uint32_t r = (uint32_t)(R(op->rn) & (o32));                                                \
        cpu->regs.nzcv = flags_nz32(r);                                                            \
        R(op->rd) = r;                                                                             \
    }                                                                                              \
    static a64_exec *const logic_##form[2][4] = {                                                  \
        {and32_##form, orr32_##form, eor32_##form, ands32_##form},                                 \
        {and64_##form, orr64_##form, eor64_##form, ands64_##form},                                 \
    };
LOGIC(imm, OP2_imm, OP2_imm)
LOGIC(reg, OP2_reg, OP2_reg)
LOGIC(shift, OP2_sh64, OP2_sh32)
LOGIC(not_reg, ~OP2_reg, ~OP2_reg)
LOGIC(not_shift, ~OP2_sh64, ~OP2_sh32)

static void logic(struct a64_op *op, a64_exec *const table[2][4])
{
    op->exec = table[bits(op->insn, 31, 1)][bits(op->insn, 29, 2)];
}

EXEC(mov_reg64)
{
    R(op->rd) = R(op->rm);
}

int pre_logic_imm(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    bool wide = bits(op->insn, 31, 1);
    if (!int_bitmask(op->insn, wide, &op->imm))
        return -1;
    if (bits(op->insn, 29, 2) == 3)
        op->rd = reg_dst(op->rd);
    op->rn = reg_src(op->rn);
    logic(op, logic_imm);
    return 0;
}

int pre_logic_shift(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    bool wide = bits(op->insn, 31, 1), invert = bits(op->insn, 21, 1);
    unsigned amount = bits(op->insn, 10, 6);
    if (!wide && amount > 31)
        return -1;
    zero_operands(op);
    op->u8[0] = (uint8_t)bits(op->insn, 22, 2);
    op->u8[1] = (uint8_t)amount;
    logic(op, amount == 0 ? (invert ? logic_not_reg : logic_reg)
                          : (invert ? logic_not_shift : logic_shift));
    if (op->exec == orr64_reg && op->rn == REG_ZERO)
        op->exec = mov_reg64;
    return 0;
}

/* Moves and addresses */
EXEC(mov_imm)
{
    R(op->rd) = op->imm;
}
EXEC(movk64)
{
    R(op->rd) = (R(op->rd) & ~(0xffffULL << op->u8[0])) | op->imm;
}
EXEC(movk32)
{
    R(op->rd) = (uint32_t)((R(op->rd) & ~(0xffffULL << op->u8[0])) | op->imm);
}

int pre_movw(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    bool wide = bits(op->insn, 31, 1);
    unsigned opc = bits(op->insn, 29, 2), shift = bits(op->insn, 21, 2) * 16;
    if (!wide && shift > 16)
        return -1;
    op->rd = reg_dst(op->rd); /* MOVK of XZR reads and writes the sink, which nobody else reads */
    op->u8[0] = (uint8_t)shift;
    op->imm = (uint64_t)bits(op->insn, 5, 16) << shift;
    op->exec = mov_imm;
    if (opc == 0)
        op->imm = wide ? ~op->imm : (uint32_t)~op->imm;
    else if (opc == 3)
        op->exec = wide ? movk64 : movk32;
    return 0;
}

static int64_t adr_offset(uint32_t insn)
{
    return (int64_t)((uint64_t)sbits(insn, 5, 19) << 2) | bits(insn, 29, 2);
}

int pre_adr(struct a64_op *op, uint64_t pc)
{
    op->rd = reg_dst(op->rd);
    op->imm = pc + (uint64_t)adr_offset(op->insn);
    op->exec = mov_imm;
    return 0;
}

int pre_adrp(struct a64_op *op, uint64_t pc)
{
    op->rd = reg_dst(op->rd);
    op->imm = (pc & ~0xfffULL) + ((uint64_t)adr_offset(op->insn) << 12);
    op->exec = mov_imm;
    return 0;
}
