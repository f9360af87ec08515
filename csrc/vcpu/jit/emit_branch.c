/*
 * emit_branch.c - branches and exceptions.
 *
 * BL and BLR make a host call of the target's block, and RET a host return, so that the host's own
 * predictor pairs them. What a return finds on the stack is a guess: where it lands, the key in RAX
 * is compared with what is translated there.
 */
#include "vcpu/jit/emit_sys.h"

static uint64_t with_mode(const struct translation *t, uint64_t pc)
{
    return pc | (t->key & JIT_KEY_FPCR);
}

/* RAX <- the key of the address in register n. */
static void load_key(struct translation *t, unsigned n)
{
    jit_load(t, 8, RAX, n);
    if (t->key & JIT_KEY_FPCR) {
        x64_op(&t->e, 8, 0x0fba, 7, x64_reg(RAX)); /* btc rax, 62 */
        x64_u8(&t->e, 62);
    }
}

/* x30 <- the address of the next instruction. */
static void set_link(struct translation *t)
{
    uint64_t next = t->pc + 4;
    if ((int64_t)next == (int32_t)next) {
        x64_mov_to_imm(&t->e, 8, jit_gpr_mem(30), (int32_t)next);
    } else {
        x64_mov_imm(&t->e, RCX, next);
        x64_mov_to(&t->e, 8, jit_gpr_mem(30), RCX);
    }
}

/* What a call is followed by: a return lands here, with its key in RAX. */
static void emit_landing(struct translation *t)
{
    uint64_t key = with_mode(t, t->pc + 4);
    if ((int64_t)key == (int32_t)key) {
        x64_alu_imm(&t->e, ALU_CMP, 8, x64_reg(RAX), (int32_t)key);
    } else {
        x64_mov_imm(&t->e, RCX, key);
        x64_alu(&t->e, ALU_CMP, 8, RAX, x64_reg(RCX));
    }
    jit_exit_indirect_if(t, CC_NE);
    jit_exit(t, t->pc + 4, false);
    t->ended = true;
}

/* RDX <- the code for the key in RAX, by this vcpu's table, else the dispatcher's. */
static void emit_lookup(struct translation *t)
{
    int32_t table = JIT_AT(jumps);
    x64_mov(&t->e, 4, RCX, x64_reg(RAX));
    x64_alu_imm(&t->e, ALU_AND, 4, x64_reg(RCX), ((1 << JIT_JUMP_BITS) - 1) << 2);
    x64_mov(&t->e, 8, RDX, x64_mem(RBP, JIT_AT(stubs) + STUB_DISPATCH * 8));
    x64_alu(&t->e, ALU_CMP, 8, RAX, x64_mem_index(RBP, RCX, 2, table));
    x64_cmov(&t->e, CC_E, 8, RDX, x64_mem_index(RBP, RCX, 2, table + 8));
}

bool emit_b(struct translation *t, uint32_t insn)
{
    jit_exit(t, t->pc + (uint64_t)sbits(insn, 0, 26) * 4, t->flags_after);
    t->ended = true;
    return true;
}

bool emit_bl(struct translation *t, uint32_t insn)
{
    jit_flags_leave(t);
    set_link(t);
    jit_call_link(t, t->pc + (uint64_t)sbits(insn, 0, 26) * 4);
    emit_landing(t);
    return true;
}

bool emit_b_cond(struct translation *t, uint32_t insn)
{
    uint64_t target = t->pc + (uint64_t)sbits(insn, 5, 19) * 4;
    unsigned cond = bits(insn, 0, 4);
    if (cond >= 14) {
        jit_exit(t, target, t->flags_after);
        t->ended = true;
        return true;
    }
    jit_exit_if(t, jit_cond(t, cond), target, t->flags_taken);
    return true;
}

bool emit_cbz(struct translation *t, uint32_t insn)
{
    unsigned width = bits(insn, 31, 1) ? 8 : 4;
    struct x64_rm rm = jit_rm(reg_src(bits(insn, 0, 5)));
    jit_flags_clobber(t);
    if (rm.reg >= 0)
        x64_test(&t->e, width, rm, (unsigned)rm.reg);
    else
        x64_alu_imm(&t->e, ALU_CMP, width, rm, 0);
    jit_exit_if(t, bits(insn, 24, 1) ? CC_NE : CC_E, t->pc + (uint64_t)sbits(insn, 5, 19) * 4,
                t->flags_taken);
    return true;
}

bool emit_tbz(struct translation *t, uint32_t insn)
{
    unsigned bit = bits(insn, 31, 1) << 5 | bits(insn, 19, 5);
    bool set = bits(insn, 24, 1);
    struct x64_rm rm = jit_rm(reg_src(bits(insn, 0, 5)));
    enum x64_cc cc = set ? CC_NE : CC_E;
    jit_flags_clobber(t);
    if (rm.reg < 0) {
        rm.disp += (int32_t)bit / 8;
        x64_test_imm(&t->e, 1, rm, 1 << bit % 8);
    } else if (bit < 8) {
        x64_test_imm(&t->e, 1, rm, 1 << bit);
    } else if (bit == 31 || bit == 63) {
        x64_test(&t->e, bit == 31 ? 4 : 8, rm, (unsigned)rm.reg);
        cc = set ? CC_S : CC_NS;
    } else if (bit < 31) {
        x64_test_imm(&t->e, 4, rm, 1 << bit);
    } else {
        x64_bt_imm(&t->e, 8, rm, bit);
        cc = set ? CC_B : CC_AE;
    }
    jit_exit_if(t, cc, t->pc + (uint64_t)sbits(insn, 5, 14) * 4, t->flags_taken);
    return true;
}

bool emit_br(struct translation *t, uint32_t insn)
{
    unsigned n = reg_src(bits(insn, 5, 5)), opc = bits(insn, 21, 2);
    jit_flags_leave(t);
    load_key(t, n);
    t->ended = true;
    if (opc == 2) { /* RET */
        x64_ret(&t->e);
        return true;
    }
    if (opc == 1)
        set_link(t);
    emit_lookup(t);
    if (opc == 1) {
        x64_call_rm(&t->e, x64_reg(RDX));
        emit_landing(t);
    } else {
        x64_jmp_rm(&t->e, x64_reg(RDX));
    }
    return true;
}

bool emit_svc(struct translation *t, uint32_t insn)
{
    jit_flags_leave(t);
    x64_mov_imm(&t->e, RAX, t->pc + 4);
    x64_mov_imm(&t->e, RCX, bits(insn, 5, 16));
    x64_jmp_rm(&t->e, x64_mem(RBP, JIT_AT(stubs) + STUB_SVC * 8));
    t->ended = true;
    return true;
}
