/*
 * simd_ldst.c - loads and stores of SIMD&FP registers: single registers B to Q and pairs S, D, Q in
 * every addressing form. An access of 16 bytes is one host access, so a fault leaves no half of it
 * done.
 */
#include "a64_gen.h"
#include "vcpu/interp/simd.h"

SIMD_INLINE void v_load(struct interp_cpu *cpu, union vreg *r, uint64_t addr, unsigned bytes)
{
    r->u64[0] = 0;
    memcpy(r, guest_ptr(cpu, addr, bytes, VCPU_READ), bytes);
}

SIMD_INLINE void v_store(struct interp_cpu *cpu, unsigned n, uint64_t addr, unsigned bytes)
{
    memcpy(guest_ptr(cpu, addr, bytes, VCPU_WRITE), cpu->regs.v[n], bytes);
}

SIMD_INLINE void load_one(struct interp_cpu *cpu, const struct a64_op *op, uint64_t addr,
                          unsigned bytes)
{
    union vreg r;
    v_load(cpu, &r, addr, bytes);
    vreg_write(cpu, op->rd, &r, bytes);
}

SIMD_INLINE void store_one(struct interp_cpu *cpu, const struct a64_op *op, uint64_t addr,
                           unsigned bytes)
{
    v_store(cpu, op->rd, addr, bytes);
}

/* Rt is op->rd, Rt2 op->ra. Both accesses come before the first register write. */
SIMD_INLINE void load_pair(struct interp_cpu *cpu, const struct a64_op *op, uint64_t addr,
                           unsigned bytes)
{
    union vreg a, b;
    v_load(cpu, &a, addr, bytes);
    SIMD_ACCESS_ORDER();
    v_load(cpu, &b, addr + bytes, bytes);
    vreg_write(cpu, op->rd, &a, bytes);
    vreg_write(cpu, op->ra, &b, bytes);
}

SIMD_INLINE void store_pair(struct interp_cpu *cpu, const struct a64_op *op, uint64_t addr,
                            unsigned bytes)
{
    const union vreg a = vreg_read(cpu, op->rd), b = vreg_read(cpu, op->ra);
    guest_store_check(cpu, addr, 2 * bytes);
    uint8_t *to = guest_ptr(cpu, addr, 2 * bytes, VCPU_WRITE);
    memcpy(to, &a, bytes);
    SIMD_ACCESS_ORDER();
    memcpy(to + bytes, &b, bytes);
}

enum { load_one_access = VCPU_READ, load_pair_access = VCPU_READ };
enum { store_one_access = VCPU_WRITE, store_pair_access = VCPU_WRITE };
#define BASE(WHAT) simd_base(cpu, op, (enum vcpu_access)WHAT##_access)

/* Addressing forms. op->imm is the offset in bytes; Rn may be SP, and never a zero register. */
#define FORM_OFFSET(WHAT, BYTES)                                                                   \
    static void WHAT##BYTES##_offset(struct interp_cpu *cpu, const struct a64_op *op)              \
    {                                                                                              \
        WHAT(cpu, op, BASE(WHAT) + op->imm, BYTES);                                                \
    }
#define FORM_PRE(WHAT, BYTES)                                                                      \
    static void WHAT##BYTES##_pre(struct interp_cpu *cpu, const struct a64_op *op)                 \
    {                                                                                              \
        const uint64_t addr = BASE(WHAT) + op->imm;                                                \
        WHAT(cpu, op, addr, BYTES);                                                                \
        cpu->regs.r[op->rn] = addr;                                                                \
    }
#define FORM_POST(WHAT, BYTES)                                                                     \
    static void WHAT##BYTES##_post(struct interp_cpu *cpu, const struct a64_op *op)                \
    {                                                                                              \
        const uint64_t addr = BASE(WHAT);                                                          \
        WHAT(cpu, op, addr, BYTES);                                                                \
        cpu->regs.r[op->rn] = addr + op->imm;                                                      \
    }
/* Register offset, shifted by op->u8[0]: all of Xm, or Wm zero- or sign-extended. */
#define FORM_REGISTER(WHAT, BYTES, NAME, TYPE)                                                     \
    static void WHAT##BYTES##_##NAME(struct interp_cpu *cpu, const struct a64_op *op)              \
    {                                                                                              \
        const uint64_t offset = (uint64_t)(TYPE)cpu->regs.r[op->rm] << op->u8[0];                  \
        WHAT(cpu, op, BASE(WHAT) + offset, BYTES);                                                 \
    }
#define FORM_LITERAL(WHAT, BYTES)                                                                  \
    static void WHAT##BYTES##_literal(struct interp_cpu *cpu, const struct a64_op *op)             \
    {                                                                                              \
        WHAT(cpu, op, op->imm, BYTES);                                                             \
    }
#define FORMS(WHAT, BYTES) FORM_OFFSET(WHAT, BYTES) FORM_PRE(WHAT, BYTES) FORM_POST(WHAT, BYTES)
#define REGISTERS(WHAT, BYTES)                                                                     \
    FORM_REGISTER(WHAT, BYTES, x, uint64_t)                                                        \
    FORM_REGISTER(WHAT, BYTES, uxtw, uint32_t)                                                     \
    FORM_REGISTER(WHAT, BYTES, sxtw, int32_t)
#define SINGLE(BYTES)                                                                              \
    FORMS(load_one, BYTES)                                                                         \
    REGISTERS(load_one, BYTES) FORMS(store_one, BYTES) REGISTERS(store_one, BYTES)
SINGLE(1)
SINGLE(2)
SINGLE(4)
SINGLE(8)
SINGLE(16)
#define PAIR(BYTES) FORMS(load_pair, BYTES) FORMS(store_pair, BYTES)
PAIR(4)
PAIR(8)
PAIR(16)
FORM_LITERAL(load_one, 4)
FORM_LITERAL(load_one, 8)
FORM_LITERAL(load_one, 16)

/* Initialisers by [load][log2 of the bytes]. */
#define BY_SIZE(FORM)                                                                              \
    {                                                                                              \
        {store_one1_##FORM, store_one2_##FORM, store_one4_##FORM, store_one8_##FORM,               \
         store_one16_##FORM},                                                                      \
        {                                                                                          \
            load_one1_##FORM, load_one2_##FORM, load_one4_##FORM, load_one8_##FORM,                \
                load_one16_##FORM                                                                  \
        }                                                                                          \
    }
static a64_exec *const one_offset[2][5] = BY_SIZE(offset);

/* log2 of the bytes: size, or with opc<1> Q, which exists only for size 0. -1: unallocated. */
static int one_size(uint32_t insn)
{
    int size = (int)bits(insn, 30, 2);
    if (!bits(insn, 23, 1))
        return size;
    return size == 0 ? 4 : -1;
}

int pre_simd_ldst_uimm(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    simd_set_base(op);
    int size = one_size(op->insn);
    if (size < 0)
        return -1;
    op->imm = (uint64_t)bits(op->insn, 10, 12) << size;
    op->exec = one_offset[bits(op->insn, 22, 1)][size];
    return 0;
}

/* LDUR, and pre- and post-index: by bits 11:10. */
int pre_simd_ldst_imm9(struct a64_op *op, uint64_t pc)
{
    static a64_exec *const one_pre[2][5] = BY_SIZE(pre);
    static a64_exec *const one_post[2][5] = BY_SIZE(post);
    (void)pc;
    simd_set_base(op);
    int size = one_size(op->insn);
    unsigned form = bits(op->insn, 10, 2), load = bits(op->insn, 22, 1);
    if (size < 0 || form == 2)
        return -1;
    op->imm = (uint64_t)sbits(op->insn, 12, 9);
    op->exec = form == 0   ? one_offset[load][size]
               : form == 1 ? one_post[load][size]
                           : one_pre[load][size];
    return 0;
}

int pre_simd_ldst_reg(struct a64_op *op, uint64_t pc)
{
    static a64_exec *const one_x[2][5] = BY_SIZE(x);
    static a64_exec *const one_uxtw[2][5] = BY_SIZE(uxtw);
    static a64_exec *const one_sxtw[2][5] = BY_SIZE(sxtw);
    (void)pc;
    simd_set_base(op);
    int size = one_size(op->insn);
    unsigned load = bits(op->insn, 22, 1);
    if (size < 0)
        return -1;
    op->rm = reg_src(op->rm);
    op->u8[0] = bits(op->insn, 12, 1) ? (uint8_t)size : 0;
    switch (bits(op->insn, 13, 3)) {
    case 2: op->exec = one_uxtw[load][size]; return 0;
    case 6: op->exec = one_sxtw[load][size]; return 0;
    case 3:
    case 7: op->exec = one_x[load][size]; return 0;
    default: return -1;
    }
}

int pre_simd_ldr_literal(struct a64_op *op, uint64_t pc)
{
    static a64_exec *const exec[4] = {load_one4_literal, load_one8_literal, load_one16_literal};
    op->imm = pc + ((uint64_t)sbits(op->insn, 5, 19) << 2);
    op->exec = exec[bits(op->insn, 30, 2)];
    return op->exec ? 0 : -1;
}

#define PAIR_BY_SIZE(FORM)                                                                         \
    {                                                                                              \
        {store_pair4_##FORM, store_pair8_##FORM, store_pair16_##FORM},                             \
        {                                                                                          \
            load_pair4_##FORM, load_pair8_##FORM, load_pair16_##FORM                               \
        }                                                                                          \
    }

/* LDNP and STNP are the offset forms: the hint has no effect that a program can see. */
int pre_simd_ldstp(struct a64_op *op, uint64_t pc)
{
    /* By bits 24:23: no-allocate, post-index, offset, pre-index. */
    static a64_exec *const exec[4][2][3] = {PAIR_BY_SIZE(offset), PAIR_BY_SIZE(post),
                                            PAIR_BY_SIZE(offset), PAIR_BY_SIZE(pre)};
    (void)pc;
    simd_set_base(op);
    unsigned size = bits(op->insn, 30, 2), load = bits(op->insn, 22, 1);
    if (size == 3)
        return -1;
    op->imm = (uint64_t)sbits(op->insn, 15, 7) << (size + 2);
    op->exec = exec[bits(op->insn, 23, 2)][load][size];
    return 0;
}
