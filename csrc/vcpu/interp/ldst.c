/*
 * ldst.c - loads and stores of general registers. One exec function for each access and addressing
 * form.
 *
 * Overlaps of registers that are CONSTRAINED UNPREDICTABLE do as qemu does: the written-back base
 * wins over a loaded value, and the first register of a pair over the second.
 *
 * FORM_SP and FORM_REG_SP have SP as their base, which must be 16-byte aligned (Linux sets
 * SCTLR_EL1.SA0).
 */
#include "vcpu/a64/a64.h"
#include "vcpu/interp/interp.h"

#define EXEC(name) static void name(struct interp_cpu *cpu, const struct a64_op *op)
#define R(n)       (cpu->regs.r[n])

static inline void check_sp(struct interp_cpu *cpu, enum vcpu_access access)
{
    if (__builtin_expect(cpu->regs.sp & 15, 0))
        interp_fault(cpu, cpu->regs.sp, access, VCPU_FAULT_ALIGN);
}

/* Addressing forms: the address, and what happens after the access. */
enum form {
    FORM_BASE,
    FORM_SP,
    FORM_POST,
    FORM_PRE,
    FORM_X,
    FORM_UXTW,
    FORM_SXTW,
    FORM_REG_SP,
    FORMS
};

static inline uint64_t reg_offset(struct interp_cpu *cpu, const struct a64_op *op)
{
    uint64_t m = R(op->rm);
    m = op->u8[1] == 2 ? (uint32_t)m : op->u8[1] == 6 ? (uint64_t)(int64_t)(int32_t)m : m;
    return m << op->u8[0];
}

static inline __attribute__((always_inline)) uint64_t
address(struct interp_cpu *cpu, const struct a64_op *op, enum form form, enum vcpu_access access)
{
    uint64_t base = R(op->rn);
    switch (form) {
    case FORM_BASE: return base + op->imm;
    case FORM_SP: check_sp(cpu, access); return base + op->imm;
    case FORM_POST:
        if (op->rn == 31)
            check_sp(cpu, access);
        return base;
    case FORM_PRE:
        if (op->rn == 31)
            check_sp(cpu, access);
        return base + op->imm;
    case FORM_X: return base + (R(op->rm) << op->u8[0]);
    case FORM_UXTW: return base + ((uint64_t)(uint32_t)R(op->rm) << op->u8[0]);
    case FORM_SXTW: return base + ((uint64_t)(int64_t)(int32_t)R(op->rm) << op->u8[0]);
    default: check_sp(cpu, access); return base + reg_offset(cpu, op);
    }
}

static inline __attribute__((always_inline)) void
write_back(struct interp_cpu *cpu, const struct a64_op *op, enum form form)
{
    if (form == FORM_POST || form == FORM_PRE)
        R(op->rn) += op->imm;
}

/* type is a cast: what the value read is converted through. */
#define LOAD_FORM(name, form, width, type)                                                         \
    EXEC(name##_##form)                                                                            \
    {                                                                                              \
        uint64_t base = R(op->rn);                                                                 \
        uint64_t v = (uint64_t)type(ld##width(cpu, address(cpu, op, form, VCPU_READ)));            \
        R(op->rd) = v;                                                                             \
        if (form == FORM_POST || form == FORM_PRE)                                                 \
            R(op->rn) = base + op->imm;                                                            \
    }
#define STORE_FORM(name, form, width, type)                                                        \
    EXEC(name##_##form)                                                                            \
    {                                                                                              \
        st##width(cpu, address(cpu, op, form, VCPU_WRITE), type(R(op->rd)));                       \
        write_back(cpu, op, form);                                                                 \
    }
#define ALL_FORMS(MAKE, name, width, type)                                                         \
    MAKE(name, FORM_BASE, width, type)                                                             \
    MAKE(name, FORM_SP, width, type)                                                               \
    MAKE(name, FORM_POST, width, type)                                                             \
    MAKE(name, FORM_PRE, width, type)                                                              \
    MAKE(name, FORM_X, width, type)                                                                \
    MAKE(name, FORM_UXTW, width, type)                                                             \
    MAKE(name, FORM_SXTW, width, type)                                                             \
    MAKE(name, FORM_REG_SP, width, type)                                                           \
    static a64_exec *const name##_forms[FORMS] = {                                                 \
        name##_FORM_BASE, name##_FORM_SP,   name##_FORM_POST, name##_FORM_PRE,                     \
        name##_FORM_X,    name##_FORM_UXTW, name##_FORM_SXTW, name##_FORM_REG_SP,                  \
    };
ALL_FORMS(LOAD_FORM, ldrb, 8, (uint8_t))
ALL_FORMS(LOAD_FORM, ldrh, 16, (uint16_t))
ALL_FORMS(LOAD_FORM, ldrw, 32, (uint32_t))
ALL_FORMS(LOAD_FORM, ldrx, 64, (uint64_t))
ALL_FORMS(LOAD_FORM, ldrsbx, 8, (int8_t))
ALL_FORMS(LOAD_FORM, ldrshx, 16, (int16_t))
ALL_FORMS(LOAD_FORM, ldrsw, 32, (int32_t))
ALL_FORMS(LOAD_FORM, ldrsbw, 8, (uint32_t)(int8_t))
ALL_FORMS(LOAD_FORM, ldrshw, 16, (uint32_t)(int16_t))
ALL_FORMS(STORE_FORM, strb, 8, (uint8_t))
ALL_FORMS(STORE_FORM, strh, 16, (uint16_t))
ALL_FORMS(STORE_FORM, strw, 32, (uint32_t))
ALL_FORMS(STORE_FORM, strx, 64, (uint64_t))

/* By size and opc (bits 31:30 and 23:22). */
static a64_exec *const *const accesses[4][4] = {
    {strb_forms, ldrb_forms, ldrsbx_forms, ldrsbw_forms},
    {strh_forms, ldrh_forms, ldrshx_forms, ldrshw_forms},
    {strw_forms, ldrw_forms, ldrsw_forms, NULL},
    {strx_forms, ldrx_forms, NULL, NULL},
};

static int set_access(struct a64_op *op, enum form form)
{
    unsigned size = bits(op->insn, 30, 2), opc = bits(op->insn, 22, 2);
    op->rd = opc == 0 ? reg_src(op->rd) : reg_dst(op->rd);
    op->exec = accesses[size][opc][form];
    return 0;
}

int pre_ldst_imm(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    enum form form = op->rn == 31 ? FORM_SP : FORM_BASE;
    if (bits(op->insn, 24, 1)) {
        op->imm = (uint64_t)bits(op->insn, 10, 12) << bits(op->insn, 30, 2);
    } else {
        op->imm = (uint64_t)sbits(op->insn, 12, 9);
        unsigned mode = bits(op->insn, 10, 2);
        if (mode == 1)
            form = FORM_POST;
        else if (mode == 3)
            form = FORM_PRE;
    }
    return set_access(op, form);
}

int pre_ldst_reg(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    unsigned option = bits(op->insn, 13, 3);
    op->rm = reg_src(op->rm);
    op->u8[0] = (uint8_t)(bits(op->insn, 12, 1) ? bits(op->insn, 30, 2) : 0);
    op->u8[1] = (uint8_t)option;
    enum form form = option == 2 ? FORM_UXTW : option == 6 ? FORM_SXTW : FORM_X;
    return set_access(op, op->rn == 31 ? FORM_REG_SP : form);
}

/* Literals: op->imm is the address. */
EXEC(ldr_lit_w)
{
    R(op->rd) = ld32(cpu, op->imm);
}
EXEC(ldr_lit_x)
{
    R(op->rd) = ld64(cpu, op->imm);
}
EXEC(ldrsw_lit)
{
    R(op->rd) = (uint64_t)(int64_t)(int32_t)ld32(cpu, op->imm);
}

int pre_ldr_lit(struct a64_op *op, uint64_t pc)
{
    static a64_exec *const table[3] = {ldr_lit_w, ldr_lit_x, ldrsw_lit};
    op->imm = pc + (uint64_t)sbits(op->insn, 5, 19) * 4;
    op->rd = reg_dst(op->rd);
    op->exec = table[bits(op->insn, 30, 2)];
    return 0;
}

/*
 * Pairs: rd and ra. u8[0] is 1 for forms that write the base back; u8[1] is 1 when the access is at
 * the base itself (post-index).
 */
static inline uint64_t pair_address(struct interp_cpu *cpu, const struct a64_op *op,
                                    enum vcpu_access access)
{
    if (op->rn == 31)
        check_sp(cpu, access);
    return R(op->rn) + (op->u8[1] ? 0 : op->imm);
}

#define PAIR_LOAD(name, width, type)                                                               \
    EXEC(name)                                                                                     \
    {                                                                                              \
        uint64_t addr = pair_address(cpu, op, VCPU_READ), base = R(op->rn);                        \
        uint64_t first = (uint64_t)(type)ld##width(cpu, addr);                                     \
        uint64_t second = (uint64_t)(type)ld##width(cpu, addr + (width) / 8);                      \
        R(op->ra) = second;                                                                        \
        R(op->rd) = first;                                                                         \
        if (op->u8[0])                                                                             \
            R(op->rn) = base + op->imm;                                                            \
    }
#define PAIR_STORE(name, width, type)                                                              \
    EXEC(name)                                                                                     \
    {                                                                                              \
        uint64_t addr = pair_address(cpu, op, VCPU_WRITE);                                         \
        guest_store_check(cpu, addr, (width) / 4);                                                 \
        st##width(cpu, addr, (type)R(op->rd));                                                     \
        st##width(cpu, addr + (width) / 8, (type)R(op->ra));                                       \
        if (op->u8[0])                                                                             \
            R(op->rn) += op->imm;                                                                  \
    }
PAIR_LOAD(ldp_w, 32, uint32_t)
PAIR_LOAD(ldp_x, 64, uint64_t)
PAIR_LOAD(ldpsw, 32, int32_t)
PAIR_STORE(stp_w, 32, uint32_t)
PAIR_STORE(stp_x, 64, uint64_t)

int pre_ldst_pair(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    static a64_exec *const table[3][2] = {{stp_w, ldp_w}, {NULL, ldpsw}, {stp_x, ldp_x}};
    unsigned opc = bits(op->insn, 30, 2), mode = bits(op->insn, 23, 2),
             load = bits(op->insn, 22, 1);
    op->imm = (uint64_t)sbits(op->insn, 15, 7) << (opc == 2 ? 3 : 2);
    op->u8[0] = mode & 1;
    op->u8[1] = mode == 1;
    op->rd = load ? reg_dst(op->rd) : reg_src(op->rd);
    op->ra = load ? reg_dst(op->ra) : reg_src(op->ra);
    op->exec = table[opc][load];
    return 0;
}
