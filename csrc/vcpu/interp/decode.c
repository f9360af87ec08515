/*
 * decode.c - from instruction words to operations, and where a block ends.
 */
#include "vcpu/a64/a64.h"
#include "vcpu/interp/interp_core.h"

#define ROW_PREDECODE(name, pre) [A64_##name] = (pre),
static a64_predecode *const interp_predecode[A64_COUNT] = {A64_ROWS(ROW_PREDECODE)};

/* Rows that were predecoded in this process, for the coverage test. */
static uint8_t coverage[A64_COUNT];

const uint8_t *interp_coverage(void)
{
    return coverage;
}

static void exec_undef(struct interp_cpu *cpu, const struct a64_op *op)
{
    struct vcpu *vcpu = vcpu_of(cpu);
    *vcpu->exit = (struct vcpu_exit){.reason = VCPU_EXIT_UNDEF, .imm = op->insn};
    interp_leave(vcpu, interp_pc(cpu));
}

/* Changes the flow, or what is fetched next. */
static bool ends_block(enum a64_id id)
{
    switch (id) {
    case A64_B:
    case A64_BL:
    case A64_B_cond:
    case A64_CBZ:
    case A64_CBNZ:
    case A64_TBZ:
    case A64_TBNZ:
    case A64_BR:
    case A64_BLR:
    case A64_RET:
    case A64_SVC:
    case A64_BRK:
    case A64_ISB:
    case A64_IC_IVAU:
    case A64_INVALID: return true;
    default: return false;
    }
}

/* Returns whether the operation ends the block. */
static bool decode_one(struct a64_op *op, uint32_t insn, uint64_t pc)
{
    *op = (struct a64_op){
        .insn = insn,
        .rd = (uint8_t)bits(insn, 0, 5),
        .rn = (uint8_t)bits(insn, 5, 5),
        .rm = (uint8_t)bits(insn, 16, 5),
        .ra = (uint8_t)bits(insn, 10, 5),
    };
    enum a64_id id = a64_decode(insn);
    if (id != A64_INVALID && interp_predecode[id](op, pc) == 0) {
        __atomic_store_n(&coverage[id], 1, __ATOMIC_RELAXED);
        return ends_block(id);
    }
    op->exec = exec_undef;
    return true;
}

unsigned decode_block(struct a64_op *ops, const uint32_t *words, unsigned count, uint64_t pc)
{
    unsigned n = 0;
    while (n < count) {
        bool end = decode_one(&ops[n], words[n], pc + 4ULL * n);
        n++;
        if (end)
            break;
    }
    return n;
}

int interp_decode_one(struct a64_op *op, uint32_t insn, uint64_t pc)
{
    decode_one(op, insn, pc);
    return op->exec == exec_undef ? -1 : 0;
}

bool decode_leaves(const struct a64_op *last)
{
    return a64_decode(last->insn) == A64_SVC;
}

bool decode_is_direct(const struct a64_op *last)
{
    enum a64_id id = a64_decode(last->insn);
    return id != A64_BR && id != A64_BLR && id != A64_RET;
}
