/*
 * emit_ldst.c - loads and stores of general registers.
 *
 * Overlaps of registers as interp/ldst.c has them: the written-back base wins over a loaded value,
 * and the first register of a pair over the second.
 */
#include "vcpu/jit/emit_ldst.h"
#include "vcpu/jit/emit_mem.h"

/* reg <- memory. size: log2 of the bytes. opc, as in the instruction: 1 zero-extends, 2 and 3
 * sign-extend to 64 and 32 bits. */
static void load(struct translation *t, unsigned size, unsigned opc, int reg, struct x64_rm rm)
{
    struct x64 *e = &t->e;
    jit_access(t);
    if (opc != 1)
        x64_movsx(e, opc == 2 ? 8 : 4, 1u << size, (unsigned)reg, rm);
    else if (size < 2)
        x64_movzx(e, 1u << size, (unsigned)reg, rm);
    else
        x64_mov(e, 1u << size, (unsigned)reg, rm);
}

/* memory <- guest register n (0 to 30 or REG_ZERO), by way of `scratch`. */
static void store(struct translation *t, unsigned size, unsigned n, struct x64_rm rm, int scratch)
{
    struct x64 *e = &t->e;
    if (n == REG_ZERO) {
        jit_access(t);
        x64_mov_to_imm(e, 1u << size, rm, 0);
        return;
    }
    int reg = jit_src(t, size == 3 ? 8 : 4, n, scratch);
    jit_access(t);
    x64_mov_to(e, 1u << size, rm, (unsigned)reg);
}

/* One access, Rt. drop: a load's value is not wanted. */
static void access_one(struct translation *t, uint32_t insn, struct x64_rm rm, bool drop)
{
    unsigned size = bits(insn, 30, 2), opc = bits(insn, 22, 2), rt = bits(insn, 0, 5);
    if (opc == 0) {
        store(t, size, reg_src(rt), rm, RCX);
        return;
    }
    int reg = drop ? RCX : jit_dst(reg_dst(rt), RCX);
    load(t, size, opc, reg, rm);
    if (!drop)
        jit_done(t, reg_dst(rt), reg);
}

bool emit_ldst_uimm(struct translation *t, uint32_t insn)
{
    int64_t offset = (int64_t)bits(insn, 10, 12) << bits(insn, 30, 2);
    access_one(t, insn, jit_address(t, bits(insn, 5, 5), offset, RAX), false);
    return true;
}

/* Unscaled and unprivileged; post- and pre-index: by bits 11:10. */
bool emit_ldst_imm9(struct translation *t, uint32_t insn)
{
    unsigned mode = bits(insn, 10, 2), rn = bits(insn, 5, 5), rt = bits(insn, 0, 5);
    int64_t imm = sbits(insn, 12, 9), offset = mode == 1 ? 0 : imm;
    bool write_back = mode & 1;
    struct x64_rm rm = jit_address(t, rn, offset, RAX);
    access_one(t, insn, rm, write_back && rt == rn && rt != 31);
    if (write_back)
        mem_write_back(t, rn, imm, rm);
    return true;
}

bool emit_ldst_reg(struct translation *t, uint32_t insn)
{
    unsigned shift = bits(insn, 12, 1) ? bits(insn, 30, 2) : 0;
    access_one(t, insn, mem_register(t, insn, shift), false);
    return true;
}

bool emit_ldr_lit(struct translation *t, uint32_t insn)
{
    struct x64_rm rm;
    unsigned opc = bits(insn, 30, 2), rd = reg_dst(bits(insn, 0, 5));
    if (!jit_address_constant(t, t->pc + (uint64_t)sbits(insn, 5, 19) * 4, RAX, &rm))
        return false;
    int reg = jit_dst(rd, RCX);
    load(t, opc == 1 ? 3 : 2, opc == 2 ? 2 : 1, reg, rm);
    jit_done(t, rd, reg);
    return true;
}

/* ---- pairs ---- */

struct pair {
    unsigned size, rn, rt, rt2; /* size: log2 of the bytes of one */
    bool write_back;
    bool one_page; /* the two halves cannot be in different pages */
    int64_t imm, offset;
};

static struct pair pair_of(uint32_t insn)
{
    unsigned opc = bits(insn, 30, 2), mode = bits(insn, 23, 2);
    struct pair p = {
        .size = opc == 2 ? 3 : 2,
        .rn = bits(insn, 5, 5),
        .rt = bits(insn, 0, 5),
        .rt2 = bits(insn, 10, 5),
        .write_back = mode & 1,
    };
    p.imm = sbits(insn, 15, 7) * (1 << p.size);
    p.offset = mode == 1 ? 0 : p.imm;
    /* SP is a multiple of 16, else there is no access. */
    p.one_page = p.rn == REG_SP && p.offset % (2 << p.size) == 0;
    return p;
}

bool emit_ldp(struct translation *t, uint32_t insn)
{
    struct pair p = pair_of(insn);
    unsigned opc = bits(insn, 30, 2) == 1 ? 2 : 1, rd = reg_dst(p.rt), ra = reg_dst(p.rt2);
    bool drop = p.write_back && p.rt == p.rn && p.rt != 31,
         drop2 = p.write_back && p.rt2 == p.rn && p.rt2 != 31;
    /* The second access may fault where the first has not: the first goes to scratch then. */
    bool direct = p.one_page && p.rt != p.rt2;
    struct x64_rm rm = jit_address(t, p.rn, p.offset, RAX);
    int reg = direct ? jit_dst(rd, RCX) : RCX, reg2 = drop2 ? RDX : jit_dst(ra, RDX);
    load(t, p.size, opc, reg, rm);
    load(t, p.size, opc, reg2, mem_plus(rm, 1 << p.size));
    if (!drop2)
        jit_done(t, ra, reg2);
    if (!drop)
        jit_done(t, rd, reg);
    if (p.write_back)
        mem_write_back(t, p.rn, p.imm, rm);
    return true;
}

/* Both halves with one host store. */
static void store_joined(struct translation *t, const struct pair *p, struct x64_rm rm)
{
    struct x64 *e = &t->e;
    unsigned rt = p->rt, rt2 = p->rt2;
    if (p->size == 2 && rt2 == 31) {
        jit_load(t, 4, RCX, reg_src(rt));
        jit_access(t);
        x64_mov_to(e, 8, rm, RCX);
        return;
    }
    if (rt == 31)
        x64_vop(e, 0xef, XMM0, XMM0, x64_reg(XMM0)); /* VPXOR */
    else
        x64_vmov_from_gpr(e, 1u << p->size, XMM0, jit_rm(rt));
    if (rt2 != 31)
        x64_vpinsr(e, p->size, XMM0, XMM0, jit_rm(rt2), 1);
    jit_access(t);
    if (p->size == 3)
        x64_vmovdqu_to(e, rm, XMM0);
    else
        x64_vmovq_to(e, rm, XMM0);
}

/* Leave to the interpreter the addresses from which the first half ends within a page and the
 * second does not: the first must not be stored if the second faults. Where the first is in both
 * pages it is the one that faults. */
static void check_halves(struct translation *t, const struct pair *p, struct x64_rm rm)
{
    struct x64 *e = &t->e;
    int32_t half = 1 << p->size;
    jit_flags_clobber(t);
    x64_lea(e, 4, RCX, x64_mem(rm.index, rm.disp + 2 * half - 1)); /* R15 is page-aligned */
    x64_test_imm(e, 4, x64_reg(RCX), (int32_t)(GUEST_PAGE - 1) & -half);
    jit_slow(t, CC_E);
}

/*
 * Two stores have half the cost of one that is joined from two registers, and a load soon after
 * gets them six times as fast. They need a check, but for SP; that is not worth saving NZCV.
 */
bool emit_stp(struct translation *t, uint32_t insn)
{
    struct pair p = pair_of(insn);
    struct x64_rm rm = jit_address(t, p.rn, p.offset, RAX);
    bool flags_cost = t->flags != FLAGS_MEMORY && t->flags != FLAGS_DEAD && !t->flags_saved;
    bool is_one = p.rt2 == 31 && (p.size == 2 || p.rt == 31);
    if (is_one || (!p.one_page && flags_cost)) {
        store_joined(t, &p, rm);
    } else {
        if (!p.one_page)
            check_halves(t, &p, rm);
        store(t, p.size, reg_src(p.rt), rm, RCX);
        store(t, p.size, reg_src(p.rt2), mem_plus(rm, 1 << p.size), RDX);
    }
    if (p.write_back)
        mem_write_back(t, p.rn, p.imm, rm);
    return true;
}
