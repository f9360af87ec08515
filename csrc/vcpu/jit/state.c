/*
 * state.c - for the emitters: guest registers and flags in the code being made, and the check that
 * confines an access. translate.h has the contracts.
 */
#include "vcpu/jit/translate.h"

/* ---- what is known of a register ---- */

void jit_wrote(struct translation *t, unsigned n)
{
    if (n > REG_SP)
        return;
    t->checked &= ~(1u << n);
    if (n == REG_SP)
        t->sp_aligned = false;
}

void jit_moved(struct translation *t, unsigned n, unsigned m, int64_t delta)
{
    if (n > REG_SP)
        return;
    bool checked = m <= REG_SP && (t->checked >> m & 1);
    bool aligned = m == REG_SP && t->sp_aligned && (delta & 15) == 0;
    int64_t drift = checked ? t->drift[m] + delta : 0;
    jit_wrote(t, n);
    /* Both halves of the guard: what is below 0 wraps around to far above the range. */
    if (checked && drift <= JIT_MAX_DRIFT && drift >= -JIT_MAX_DRIFT) {
        t->checked |= 1u << n;
        t->drift[n] = (int32_t)drift;
    }
    if (n == REG_SP)
        t->sp_aligned = aligned;
}

void jit_constant(struct translation *t, unsigned n, uint64_t value)
{
    jit_wrote(t, n);
    if (n < REG_SP && value < t->limit) {
        t->checked |= 1u << n;
        t->drift[n] = 0;
    }
}

/* ---- general registers ---- */

void jit_load(struct translation *t, unsigned width, int scratch, unsigned n)
{
    if (n == REG_ZERO)
        x64_mov_imm(&t->e, (unsigned)scratch, 0);
    else
        x64_mov(&t->e, width, (unsigned)scratch, jit_rm(n));
}

int jit_src(struct translation *t, unsigned width, unsigned n, int scratch)
{
    int r = n <= REG_SP ? jit_gpr(n) : -1;
    if (r >= 0)
        return r;
    jit_load(t, width, scratch, n);
    return scratch;
}

int jit_dst(unsigned n, int scratch)
{
    int r = n <= REG_SP ? jit_gpr(n) : -1;
    return r >= 0 ? r : scratch;
}

void jit_done(struct translation *t, unsigned n, int reg)
{
    jit_wrote(t, n);
    jit_put(t, n, reg);
}

void jit_put(struct translation *t, unsigned n, int reg)
{
    if (n > REG_SP)
        return;
    int r = jit_gpr(n);
    if (r < 0)
        x64_mov_to(&t->e, 8, jit_gpr_mem(n), (unsigned)reg);
    else if (r != reg)
        x64_mov(&t->e, 8, (unsigned)r, x64_reg(reg));
}

/* ---- vector registers ---- */

static void move_xmm(struct translation *t, int to, int from)
{
    if (to == from)
        return;
    /* VMOVAPS, in the form whose second register may be extended by a two-byte prefix. */
    if (from >= 8 && to < 8)
        x64_vex(&t->e, PP_NONE, MAP_0F, false, 0x29, (unsigned)from, 0, x64_reg(to));
    else
        x64_vex(&t->e, PP_NONE, MAP_0F, false, 0x28, (unsigned)to, 0, x64_reg(from));
}

void jit_vload(struct translation *t, int scratch, unsigned n)
{
    int r = jit_xmm(n);
    if (r >= 0)
        move_xmm(t, scratch, r);
    else
        x64_vmovdqu(&t->e, (unsigned)scratch, jit_v_mem(n));
}

int jit_vsrc(struct translation *t, unsigned n, int scratch)
{
    int r = jit_xmm(n);
    if (r >= 0)
        return r;
    jit_vload(t, scratch, n);
    return scratch;
}

int jit_vdst(unsigned n, int scratch)
{
    int r = jit_xmm(n);
    return r >= 0 ? r : scratch;
}

void jit_vdone(struct translation *t, unsigned n, int xmm, enum vhigh high)
{
    int r = jit_xmm(n);
    if (r < 0)
        x64_vmovdqu_to(&t->e, jit_v_mem(n), (unsigned)xmm);
    else
        move_xmm(t, r, xmm);
    jit_vwrote(t, n, high);
}

void jit_vclear_high(struct translation *t, int xmm, unsigned bytes, enum vhigh known)
{
    if (bytes == 8 && known == VHIGH_ANY)
        x64_vmovq(&t->e, (unsigned)xmm, x64_reg(xmm));
    else if (bytes == 4 && known != VHIGH_ZERO32)
        x64_vop3a(&t->e, 0x21, (unsigned)xmm, (unsigned)xmm, x64_reg(xmm), 0x0e); /* VINSERTPS */
}

/* ---- flags ---- */

static struct x64_rm flags_mem(void)
{
    return x64_mem(RBP, JIT_AT(flags));
}

void jit_flags_save(struct x64 *e, enum flags_at at)
{
    if (at == FLAGS_FCMP) {
        /* N is "less", as CF is; V is clear. The product puts CF into bits 8 and 15, ZF into 14. */
        x64_lahf(e);
        x64_op(e, 4, 0x0fb6, RAX, x64_reg(4)); /* movzx eax, ah */
        x64_alu_imm(e, ALU_AND, 4, x64_reg(RAX), 0x41);
        x64_op(e, 4, 0x69, RAX, x64_reg(RAX)); /* imul eax, eax, 0x8100 */
        x64_u32(e, 0x8100);
        x64_alu_imm(e, ALU_AND, 4, x64_reg(RAX), 0xc100);
    } else {
        if (at == FLAGS_ADD)
            x64_cmc(e);
        x64_setcc(e, CC_O, x64_reg(RAX));
        x64_lahf(e);
    }
    x64_mov_to(e, 2, flags_mem(), RAX);
}

void jit_flags_clobber(struct translation *t)
{
    if (t->flags == FLAGS_MEMORY || t->flags == FLAGS_DEAD)
        return;
    if (t->flags_before && !t->flags_saved)
        jit_flags_save(&t->e, t->flags);
    t->flags = t->flags_before ? FLAGS_MEMORY : FLAGS_DEAD;
    t->flags_saved = false;
}

/* OF comes back by adding to AL, 0 or 1, what overflows with 1; SAHF leaves it alone. */
static void load_ax(struct translation *t)
{
    x64_alu_imm(&t->e, ALU_ADD, 1, x64_reg(RAX), 0x7f);
    x64_sahf(&t->e);
}

static void flags_load(struct translation *t)
{
    if (t->flags != FLAGS_MEMORY)
        return;
    x64_movzx(&t->e, 2, RAX, flags_mem());
    load_ax(t);
    t->flags = FLAGS_SUB;
    t->flags_saved = true;
}

static enum x64_cc cc_of_fcmp(unsigned cond)
{
    static const uint8_t cc[14] = {CC_E,  CC_NE, CC_AE, CC_B,  CC_B, CC_AE, CC_O,
                                   CC_NO, CC_A,  CC_BE, CC_AE, CC_B, CC_A,  CC_BE};
    return (enum x64_cc)cc[cond];
}

enum x64_cc jit_cond(struct translation *t, unsigned cond)
{
    static const uint8_t cc[14] = {CC_E,  CC_NE, CC_AE, CC_B,  CC_S, CC_NS, CC_O,
                                   CC_NO, CC_A,  CC_BE, CC_GE, CC_L, CC_G,  CC_LE};
    flags_load(t);
    if (t->flags == FLAGS_FCMP)
        return cc_of_fcmp(cond);
    bool carry = cond == 2 || cond == 3, mixed = cond == 8 || cond == 9;
    if (t->flags == FLAGS_ADD && carry)
        return cond == 2 ? CC_B : CC_AE;
    if (t->flags == FLAGS_ADD && mixed) {
        x64_cmc(&t->e);
        t->flags = FLAGS_SUB;
    }
    return (enum x64_cc)cc[cond];
}

void jit_carry(struct translation *t, bool inverted)
{
    bool is_inverted = t->flags != FLAGS_ADD;
    if (t->flags == FLAGS_MEMORY)
        x64_bt_imm(&t->e, 4, flags_mem(), 8);
    if (is_inverted == inverted)
        return;
    x64_cmc(&t->e);
    if (t->flags == FLAGS_SUB)
        t->flags = FLAGS_ADD;
    else if (t->flags == FLAGS_ADD)
        t->flags = FLAGS_SUB;
}

uint16_t jit_flags_pack(uint32_t nzcv)
{
    unsigned ah = (nzcv & NZCV_N ? 0x80 : 0) | (nzcv & NZCV_Z ? 0x40 : 0) | (nzcv & NZCV_C ? 0 : 1);
    return (uint16_t)(ah << 8 | (nzcv & NZCV_V ? 1 : 0));
}

uint32_t jit_flags_unpack(uint16_t flags)
{
    return (flags & 0x8000 ? NZCV_N : 0) | (flags & 0x4000 ? NZCV_Z : 0) |
           (flags & 0x0100 ? 0 : NZCV_C) | (flags & 1 ? NZCV_V : 0);
}

void jit_flags_constant(struct translation *t, uint32_t nzcv)
{
    x64_mov_imm(&t->e, RAX, jit_flags_pack(nzcv));
    load_ax(t);
    t->flags = FLAGS_SUB;
    t->flags_saved = false;
}

/* ---- memory ---- */

static struct x64_rm guest(int reg, int64_t disp)
{
    return x64_mem_index(R15, reg, 0, (int32_t)disp);
}

static void confine(struct translation *t, int reg)
{
    x64_alu(&t->e, ALU_CMP, 8, (unsigned)reg, x64_mem(RBP, JIT_AT(vcpu.cpu.limit)));
    jit_slow(t, CC_AE);
}

struct x64_rm jit_address(struct translation *t, unsigned n, int64_t offset, int scratch)
{
    bool checked = t->checked >> n & 1, align = n == REG_SP && !t->sp_aligned;
    if (!checked || align)
        jit_flags_clobber(t);
    int reg = jit_src(t, 8, n, scratch);
    if (!checked) {
        confine(t, reg);
        t->checked |= 1u << n;
        t->drift[n] = 0;
    }
    if (align) {
        x64_test_imm(&t->e, 1, x64_reg(reg), 15);
        jit_slow(t, CC_NE);
        t->sp_aligned = true;
    }
    return guest(reg, offset);
}

struct x64_rm jit_address_reg(struct translation *t, int reg)
{
    jit_flags_clobber(t);
    confine(t, reg);
    return guest(reg, 0);
}

bool jit_address_constant(struct translation *t, uint64_t addr, int scratch, struct x64_rm *rm)
{
    if (addr >= t->limit)
        return false;
    x64_mov_imm(&t->e, (unsigned)scratch, addr);
    *rm = guest(scratch, 0);
    return true;
}
