/*
 * stubs.c - the code between C and translated code, made with the same emitter: entering, leaving,
 * and the calls of jit.h's functions.
 */
#include "vcpu/jit/cache.h"

static struct x64_rm at(int32_t displacement)
{
    return x64_mem(RBP, displacement);
}

/* Guest registers from host registers to memory, and back. MOVs only: EFLAGS stay. */
static void spill(struct x64 *e)
{
    for (unsigned n = 0; n <= REG_SP; n++)
        if (jit_gpr(n) >= 0)
            x64_mov_to(e, 8, jit_gpr_mem(n), (unsigned)jit_gpr(n));
    for (unsigned n = 0; n < 32; n++)
        if (jit_xmm(n) >= 0)
            x64_vmovdqu_to(e, jit_v_mem(n), (unsigned)jit_xmm(n));
    /* C code has SSE instructions, which are slow while upper halves are in use. */
    x64_u8(e, 0xc5);
    x64_u8(e, 0xf8);
    x64_u8(e, 0x77);
}

static void fill(struct x64 *e)
{
    for (unsigned n = 0; n < 32; n++)
        if (jit_xmm(n) >= 0)
            x64_vmovdqu(e, (unsigned)jit_xmm(n), jit_v_mem(n));
    for (unsigned n = 0; n <= REG_SP; n++)
        if (jit_gpr(n) >= 0)
            x64_mov(e, 8, (unsigned)jit_gpr(n), jit_gpr_mem(n));
}

static void to_host_stack(struct x64 *e)
{
    x64_mov_to(e, 8, at(JIT_AT(return_sp)), RSP);
    x64_mov(e, 8, RSP, at(JIT_AT(host_sp)));
}

static const uint8_t saved[] = {RBP, RBX, R12, R13, R14, R15};

/* int jit_enter(cpu, code). Returns where to go on with code in RAX: all stubs end there. */
static uint8_t *emit_enter(struct x64 *e)
{
    for (unsigned i = 0; i < sizeof saved; i++)
        x64_push(e, saved[i]);
    x64_alu_imm(e, ALU_SUB, 8, x64_reg(RSP), 8); /* so that it is aligned for calls */
    x64_lea(e, 8, RBP, x64_mem(RDI, JIT_BIAS));
    x64_mov_to(e, 8, at(JIT_AT(host_sp)), RSP);
    x64_mov(e, 8, R15, at(JIT_AT(vcpu.cpu.base)));
    x64_mov(e, 8, RAX, x64_reg(RSI));
    uint8_t *go = e->at;
    fill(e);
    x64_mov(e, 8, RSP, at(JIT_AT(return_sp)));
    x64_jmp_rm(e, x64_reg(RAX));
    return go;
}

/* Return EAX from jit_enter(). RSP is host_sp. */
static uint8_t *emit_leave(struct x64 *e)
{
    uint8_t *leave = e->at;
    x64_alu_imm(e, ALU_ADD, 8, x64_reg(RSP), 8);
    for (unsigned i = sizeof saved; i-- > 0;)
        x64_pop(e, saved[i]);
    x64_ret(e);
    return leave;
}

/* Call function(cpu, RDX) and go on with what it returns. */
static void emit_call(struct x64 *e, const void *function, const uint8_t *go, const uint8_t *leave)
{
    spill(e);
    to_host_stack(e);
    x64_lea(e, 8, RDI, at(-JIT_BIAS));
    x64_mov(e, 8, RSI, x64_reg(RDX));
    x64_mov_imm(e, RAX, (uint64_t)(uintptr_t)function);
    x64_call_rm(e, x64_reg(RAX));
    x64_test(e, 8, x64_reg(RAX), RAX);
    x64_aim32(x64_jcc32(e, CC_NE), go);
    x64_aim32(x64_jmp32(e), leave);
}

/* What C functions may change: the registers of the guest that they do not preserve. */
static bool is_volatile(int gpr)
{
    return gpr == RSI || gpr == RDI || (gpr >= R8 && gpr <= R11);
}

static void spill_volatile(struct x64 *e)
{
    for (unsigned n = 0; n <= REG_SP; n++)
        if (is_volatile(jit_gpr(n)))
            x64_mov_to(e, 8, jit_gpr_mem(n), (unsigned)jit_gpr(n));
}

static void fill_volatile(struct x64 *e)
{
    for (unsigned n = 0; n <= REG_SP; n++)
        if (is_volatile(jit_gpr(n)))
            x64_mov(e, 8, (unsigned)jit_gpr(n), jit_gpr_mem(n));
}

/* The counter is read often, through the vDSO: a call with the least around it. Without vectors
 * theirs are cleared afterwards, so that nothing of the host's is left in them. */
static void emit_counter(struct x64 *e, uint64_t (*counter)(void), bool vectors)
{
    uint64_t function;
    memcpy(&function, &counter, sizeof function);
    spill_volatile(e);
    for (unsigned n = 0; n < 32 && vectors; n++)
        if (jit_xmm(n) >= 0)
            x64_vmovdqu_to(e, jit_v_mem(n), (unsigned)jit_xmm(n));
    to_host_stack(e);
    x64_mov_imm(e, RAX, function);
    x64_call_rm(e, x64_reg(RAX));
    for (unsigned n = 0; n < 32; n++) {
        unsigned x = (unsigned)jit_xmm(n);
        if (jit_xmm(n) >= 0 && vectors)
            x64_vmovdqu(e, x, jit_v_mem(n));
        else if (jit_xmm(n) >= 0)
            x64_vop(e, 0xef, x, x, x64_reg((int)x)); /* VPXOR */
    }
    fill_volatile(e);
    x64_mov(e, 8, RSP, at(JIT_AT(return_sp)));
    x64_ret(e);
}

static void emit_svc_exit(struct x64 *e, const uint8_t *leave)
{
    x64_mov_to(e, 8, at((int32_t)offsetof(struct vcpu_regs, pc) - JIT_BIAS), RAX);
    x64_mov_to(e, 8, at(JIT_AT(svc_imm)), RCX);
    spill(e);
    to_host_stack(e);
    x64_mov_imm(e, RAX, 1);
    x64_aim32(x64_jmp32(e), leave);
}

uint32_t jit_stubs_make(struct jit *jit, uint32_t offset, uint64_t (*counter)(void))
{
    /* How each finds its argument: behind the call, or in RAX. */
    static const struct {
        const void *function;
        bool from_stack;
    } calls[STUB_COUNT] = {
        [STUB_LINK] = {jit_on_link, true},         [STUB_DISPATCH] = {jit_on_dispatch, false},
        [STUB_ATTEND] = {jit_on_attend, true},     [STUB_DEAD] = {jit_on_dead, true},
        [STUB_FALLBACK] = {jit_on_fallback, true}, [STUB_BRANCH] = {jit_on_branch, true},
        [STUB_RETURN] = {jit_on_dispatch, false},
    };
    struct x64 e = {jit->write + offset};
    jit->enter_offset = offset;
    const uint8_t *go = emit_enter(&e);
    const uint8_t *leave = emit_leave(&e);
    for (unsigned i = 0; i < STUB_COUNT; i++) {
        x64_nop(&e, (unsigned)(-(uintptr_t)e.at & 15));
        jit->stub_offset[i] = (uint32_t)(e.at - jit->write);
        if (i == STUB_SVC) {
            emit_svc_exit(&e, leave);
            continue;
        }
        if (i == STUB_COUNTER || i == STUB_COUNTER_NO_VECTORS) {
            emit_counter(&e, counter, i == STUB_COUNTER);
            continue;
        }
        if (i == STUB_RETURN)
            x64_alu_imm(&e, ALU_SUB, 8, x64_reg(RSP), 8); /* it stays at the bottom */
        if (calls[i].from_stack)
            x64_pop(&e, RDX);
        else
            x64_mov(&e, 8, RDX, x64_reg(RAX));
        emit_call(&e, calls[i].function, go, leave);
    }
    return (uint32_t)(e.at - jit->write) - offset;
}
