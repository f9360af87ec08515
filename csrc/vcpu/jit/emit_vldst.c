/*
 * emit_vldst.c - loads and stores of SIMD&FP registers: single ones B to Q and pairs, in every
 * addressing form.
 */
#include "vcpu/jit/emit_ldst.h"
#include "vcpu/jit/emit_mem.h"

/* log2 of the bytes of a single register: size, or Q. */
static unsigned one_size(uint32_t insn)
{
    return bits(insn, 23, 1) ? 4 : bits(insn, 30, 2);
}

static void access_one(struct translation *t, uint32_t insn, unsigned size, struct x64_rm rm)
{
    unsigned n = bits(insn, 0, 5);
    if (bits(insn, 22, 1)) {
        int xmm = jit_vdst(n, XMM0);
        mem_vload(t, size, xmm, rm);
        jit_vdone(t, n, xmm, mem_vhigh(size));
    } else {
        mem_vstore(t, size, n, 0, rm);
    }
}

bool emit_vldst_uimm(struct translation *t, uint32_t insn)
{
    unsigned size = one_size(insn);
    int64_t offset = (int64_t)bits(insn, 10, 12) << size;
    access_one(t, insn, size, jit_address(t, bits(insn, 5, 5), offset, RAX));
    return true;
}

/* Unscaled; post- and pre-index: by bits 11:10. */
bool emit_vldst_imm9(struct translation *t, uint32_t insn)
{
    unsigned mode = bits(insn, 10, 2), rn = bits(insn, 5, 5);
    int64_t imm = sbits(insn, 12, 9), offset = mode == 1 ? 0 : imm;
    struct x64_rm rm = jit_address(t, rn, offset, RAX);
    access_one(t, insn, one_size(insn), rm);
    if (mode)
        mem_write_back(t, rn, imm, rm);
    return true;
}

bool emit_vldst_reg(struct translation *t, uint32_t insn)
{
    unsigned size = one_size(insn);
    access_one(t, insn, size, mem_register(t, insn, bits(insn, 12, 1) ? size : 0));
    return true;
}

bool emit_vldr_lit(struct translation *t, uint32_t insn)
{
    struct x64_rm rm;
    unsigned n = bits(insn, 0, 5), size = bits(insn, 30, 2) + 2;
    if (!jit_address_constant(t, t->pc + (uint64_t)sbits(insn, 5, 19) * 4, RAX, &rm))
        return false;
    int xmm = jit_vdst(n, XMM0);
    mem_vload(t, size, xmm, rm);
    jit_vdone(t, n, xmm, mem_vhigh(size));
    return true;
}

/* ---- pairs ---- */

static void load_pair(struct translation *t, uint32_t insn, unsigned size, struct x64_rm rm,
                      bool one_page)
{
    unsigned rt = bits(insn, 0, 5), rt2 = bits(insn, 10, 5);
    /* The second access may fault where the first has not: the first goes to scratch then. And the
     * second register wins over the first. */
    int a = one_page && rt != rt2 ? jit_vdst(rt, XMM0) : XMM0, b = jit_vdst(rt2, XMM1);
    mem_vload(t, size, a, rm);
    mem_vload(t, size, b, mem_plus(rm, 1 << size));
    if (rt != rt2)
        jit_vdone(t, rt, a, mem_vhigh(size));
    jit_vdone(t, rt2, b, mem_vhigh(size));
}

/* Both with one host store, which is done as a whole or not at all. */
static void store_pair(struct translation *t, uint32_t insn, unsigned size, struct x64_rm rm)
{
    struct x64 *e = &t->e;
    int a = jit_vsrc(t, bits(insn, 0, 5), XMM0);
    struct x64_rm b = jit_vrm(bits(insn, 10, 5));
    if (size == 4)
        x64_vinsertf128(e, XMM0, (unsigned)a, b);
    else
        x64_vop(e, size == 3 ? 0x6c : 0x62, XMM0, (unsigned)a, b); /* VPUNPCKLQDQ, LDQ */
    jit_access(t);
    if (size == 4)
        x64_vmovdqu256_to(e, rm, XMM0);
    else if (size == 3)
        x64_vmovdqu_to(e, rm, XMM0);
    else
        x64_vmovq_to(e, rm, XMM0);
}

bool emit_vldstp(struct translation *t, uint32_t insn)
{
    unsigned size = bits(insn, 30, 2) + 2, mode = bits(insn, 23, 2), rn = bits(insn, 5, 5);
    int64_t imm = sbits(insn, 15, 7) * (1 << size), offset = mode == 1 ? 0 : imm;
    struct x64_rm rm = jit_address(t, rn, offset, RAX);
    /* SP is a multiple of 16. */
    bool one_page = rn == REG_SP && size < 4 && offset % (2 << size) == 0;
    if (bits(insn, 22, 1))
        load_pair(t, insn, size, rm, one_page);
    else
        store_pair(t, insn, size, rm);
    if (mode & 1)
        mem_write_back(t, rn, imm, rm);
    return true;
}
