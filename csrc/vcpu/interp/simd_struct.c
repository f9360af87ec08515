/*
 * simd_struct.c - LD1 to LD4, ST1 to ST4, LD1R to LD4R. All forms add op->imm and the register
 * op->rm to the base and write the sum to the register op->u8[1]: predecode sets the immediate to
 * 0, op->rm to REG_ZERO and op->u8[1] to REG_SINK where the instruction does not.
 *
 * Every access is done before any register is written; memory goes through a local copy, in small
 * steps, because a structure may cross a page.
 */
#include "a64_gen.h"
#include "vcpu/interp/simd.h"

SIMD_INLINE void copy_in(struct interp_cpu *cpu, void *to, uint64_t addr, unsigned bytes,
                         unsigned step)
{
    for (unsigned at = 0; at < bytes; at += step) {
        memcpy((uint8_t *)to + at, guest_ptr(cpu, addr + at, step, VCPU_READ), step);
        SIMD_ACCESS_ORDER();
    }
}

SIMD_INLINE void copy_out(struct interp_cpu *cpu, uint64_t addr, const void *from, unsigned bytes,
                          unsigned step)
{
    guest_store_check(cpu, addr, bytes);
    uint8_t *to = guest_ptr(cpu, addr, bytes, VCPU_WRITE);
    for (unsigned at = 0; at < bytes; at += step) {
        memcpy(to + at, (const uint8_t *)from + at, step);
        SIMD_ACCESS_ORDER();
    }
}

SIMD_INLINE void write_back(struct interp_cpu *cpu, const struct a64_op *op, uint64_t addr)
{
    cpu->regs.r[op->u8[1]] = addr + op->imm + cpu->regs.r[op->rm];
}

/* ---- multiple structures: `regs` registers whose lanes of type F alternate in memory ---- */

#define MULTI(REGS, F)                                                                             \
    SIMD_INLINE void ld##REGS##_##F(struct interp_cpu *cpu, const struct a64_op *op,               \
                                    unsigned bytes)                                                \
    {                                                                                              \
        const uint64_t addr = simd_base(cpu, op, VCPU_READ);                                       \
        lane_##F mem[REGS * 16 / sizeof(lane_##F)];                                                \
        copy_in(cpu, mem, addr, REGS *bytes, bytes);                                               \
        write_back(cpu, op, addr);                                                                 \
        for (unsigned r = 0; r < REGS; r++) {                                                      \
            union vreg d;                                                                          \
            for (unsigned i = 0; i < bytes / sizeof(lane_##F); i++)                                \
                d.F[i] = mem[REGS * i + r];                                                        \
            vreg_write(cpu, (op->rd + r) & 31, &d, bytes);                                         \
        }                                                                                          \
    }                                                                                              \
    SIMD_INLINE void st##REGS##_##F(struct interp_cpu *cpu, const struct a64_op *op,               \
                                    unsigned bytes)                                                \
    {                                                                                              \
        const uint64_t addr = simd_base(cpu, op, VCPU_WRITE);                                      \
        lane_##F mem[REGS * 16 / sizeof(lane_##F)];                                                \
        for (unsigned r = 0; r < REGS; r++) {                                                      \
            union vreg d = vreg_read(cpu, (op->rd + r) & 31);                                      \
            for (unsigned i = 0; i < bytes / sizeof(lane_##F); i++)                                \
                mem[REGS * i + r] = d.F[i];                                                        \
        }                                                                                          \
        copy_out(cpu, addr, mem, REGS *bytes, bytes);                                              \
        write_back(cpu, op, addr);                                                                 \
    }                                                                                              \
    SIMD_EXEC(ld##REGS##_##F, q, ld##REGS##_##F, 16)                                               \
    SIMD_EXEC(st##REGS##_##F, q, st##REGS##_##F, 16)
#define MULTI_D(REGS, F)                                                                           \
    SIMD_EXEC(ld##REGS##_##F, d, ld##REGS##_##F, 8) SIMD_EXEC(st##REGS##_##F, d, st##REGS##_##F, 8)
#define MULTI_ALL(REGS)                                                                            \
    MULTI(REGS, u8)                                                                                \
    MULTI_D(REGS, u8)                                                                              \
    MULTI(REGS, u16) MULTI_D(REGS, u16) MULTI(REGS, u32) MULTI_D(REGS, u32) MULTI(REGS, u64)
MULTI_ALL(2)
MULTI_ALL(3)
MULTI_ALL(4)

/* LD1 and ST1 of several registers do not alternate: the lane size does not matter. */
#define PLAIN(REGS)                                                                                \
    SIMD_INLINE void ld1_##REGS(struct interp_cpu *cpu, const struct a64_op *op, unsigned bytes)   \
    {                                                                                              \
        const uint64_t addr = simd_base(cpu, op, VCPU_READ);                                       \
        union vreg d[REGS];                                                                        \
        for (unsigned r = 0; r < REGS; r++)                                                        \
            copy_in(cpu, &d[r], addr + r * bytes, bytes, bytes);                                   \
        write_back(cpu, op, addr);                                                                 \
        for (unsigned r = 0; r < REGS; r++)                                                        \
            vreg_write(cpu, (op->rd + r) & 31, &d[r], bytes);                                      \
    }                                                                                              \
    SIMD_INLINE void st1_##REGS(struct interp_cpu *cpu, const struct a64_op *op, unsigned bytes)   \
    {                                                                                              \
        const uint64_t addr = simd_base(cpu, op, VCPU_WRITE);                                      \
        uint8_t mem[REGS * 16];                                                                    \
        for (unsigned r = 0; r < REGS; r++)                                                        \
            memcpy(mem + r * bytes, cpu->regs.v[(op->rd + r) & 31], bytes);                        \
        copy_out(cpu, addr, mem, REGS *bytes, bytes);                                              \
        write_back(cpu, op, addr);                                                                 \
    }                                                                                              \
    SIMD_EXEC(ld1_##REGS, d, ld1_##REGS, 8)                                                        \
    SIMD_EXEC(ld1_##REGS, q, ld1_##REGS, 16)                                                       \
    SIMD_EXEC(st1_##REGS, d, st1_##REGS, 8)                                                        \
    SIMD_EXEC(st1_##REGS, q, st1_##REGS, 16)
PLAIN(1)
PLAIN(2)
PLAIN(3)
PLAIN(4)

/* Post-index: bit 23. Rm 31 stands for the number of bytes transferred. */
static void set_base_and_write_back(struct a64_op *op, unsigned bytes)
{
    unsigned rm = op->rm;
    simd_set_base(op);
    op->imm = 0;
    op->u8[1] = REG_SINK;
    op->rm = REG_ZERO;
    if (!bits(op->insn, 23, 1))
        return;
    op->u8[1] = op->rn;
    if (rm == 31)
        op->imm = bytes;
    else
        op->rm = (uint8_t)rm;
}

#define MULTI_ROWS(REGS)                                                                           \
    {                                                                                              \
        {VEC_BHSD(st##REGS, u)},                                                                   \
        {                                                                                          \
            VEC_BHSD(ld##REGS, u)                                                                  \
        }                                                                                          \
    }

int pre_simd_multi(struct a64_op *op, uint64_t pc)
{
    /* By [registers - 2][load]. */
    static const struct simd_row rows[3][2] = {MULTI_ROWS(2), MULTI_ROWS(3), MULTI_ROWS(4)};
    /* By [load][Q][registers - 1]. */
    static a64_exec *const plain[2][2][4] = {
        {{st1_1_d, st1_2_d, st1_3_d, st1_4_d}, {st1_1_q, st1_2_q, st1_3_q, st1_4_q}},
        {{ld1_1_d, ld1_2_d, ld1_3_d, ld1_4_d}, {ld1_1_q, ld1_2_q, ld1_3_q, ld1_4_q}}};
    /* By opcode: registers, and whether they alternate. */
    static const uint8_t regs[16] = {
        [0] = 4, [2] = 4, [4] = 3, [6] = 3, [7] = 1, [8] = 2, [10] = 2};
    (void)pc;
    unsigned opcode = bits(op->insn, 12, 4), q = bits(op->insn, 30, 1),
             load = bits(op->insn, 22, 1);
    unsigned n = regs[opcode];
    if (n == 0 || (!bits(op->insn, 23, 1) && op->rm != 0))
        return -1;
    set_base_and_write_back(op, n * (q ? 16 : 8));
    if (opcode & 2) {
        op->exec = plain[load][q][n - 1];
        return 0;
    }
    return simd_pick(op, &rows[n - 2][load], bits(op->insn, 10, 2));
}

/* ---- single structures: one lane, op->u8[0], of each of `regs` registers ---- */

#define SINGLE(REGS, F)                                                                            \
    static void ld##REGS##_lane_##F(struct interp_cpu *cpu, const struct a64_op *op)               \
    {                                                                                              \
        const uint64_t addr = simd_base(cpu, op, VCPU_READ);                                       \
        lane_##F mem[REGS];                                                                        \
        copy_in(cpu, mem, addr, sizeof mem, sizeof mem[0]);                                        \
        write_back(cpu, op, addr);                                                                 \
        for (unsigned r = 0; r < REGS; r++)                                                        \
            memcpy((lane_##F *)cpu->regs.v[(op->rd + r) & 31] + op->u8[0], &mem[r],                \
                   sizeof mem[0]);                                                                 \
    }                                                                                              \
    static void st##REGS##_lane_##F(struct interp_cpu *cpu, const struct a64_op *op)               \
    {                                                                                              \
        const uint64_t addr = simd_base(cpu, op, VCPU_WRITE);                                      \
        lane_##F mem[REGS];                                                                        \
        for (unsigned r = 0; r < REGS; r++)                                                        \
            memcpy(&mem[r], (lane_##F *)cpu->regs.v[(op->rd + r) & 31] + op->u8[0],                \
                   sizeof mem[0]);                                                                 \
        copy_out(cpu, addr, mem, sizeof mem, sizeof mem[0]);                                       \
        write_back(cpu, op, addr);                                                                 \
    }                                                                                              \
    SIMD_INLINE void ld##REGS##r_##F(struct interp_cpu *cpu, const struct a64_op *op,              \
                                     unsigned bytes)                                               \
    {                                                                                              \
        const uint64_t addr = simd_base(cpu, op, VCPU_READ);                                       \
        lane_##F mem[REGS];                                                                        \
        copy_in(cpu, mem, addr, sizeof mem, sizeof mem[0]);                                        \
        write_back(cpu, op, addr);                                                                 \
        for (unsigned r = 0; r < REGS; r++) {                                                      \
            union vreg d;                                                                          \
            for (unsigned i = 0; i < bytes / sizeof mem[0]; i++)                                   \
                d.F[i] = mem[r];                                                                   \
            vreg_write(cpu, (op->rd + r) & 31, &d, bytes);                                         \
        }                                                                                          \
    }                                                                                              \
    SIMD_EXEC(ld##REGS##r_##F, d, ld##REGS##r_##F, 8)                                              \
    SIMD_EXEC(ld##REGS##r_##F, q, ld##REGS##r_##F, 16)
#define SINGLE_ALL(REGS) SINGLE(REGS, u8) SINGLE(REGS, u16) SINGLE(REGS, u32) SINGLE(REGS, u64)
SINGLE_ALL(1)
SINGLE_ALL(2)
SINGLE_ALL(3)
SINGLE_ALL(4)

#define LANES(WHAT, REGS)                                                                          \
    {                                                                                              \
        WHAT##REGS##_lane_u8, WHAT##REGS##_lane_u16, WHAT##REGS##_lane_u32, WHAT##REGS##_lane_u64  \
    }
#define REPEATS(REGS, Q)                                                                           \
    {                                                                                              \
        ld##REGS##r_u8_##Q, ld##REGS##r_u16_##Q, ld##REGS##r_u32_##Q, ld##REGS##r_u64_##Q          \
    }

int pre_simd_single(struct a64_op *op, uint64_t pc)
{
    /* By [load][registers - 1][size]. */
    static a64_exec *const lane[2][4][4] = {
        {LANES(st, 1), LANES(st, 2), LANES(st, 3), LANES(st, 4)},
        {LANES(ld, 1), LANES(ld, 2), LANES(ld, 3), LANES(ld, 4)}};
    /* By [Q][registers - 1][size]. */
    static a64_exec *const repeat[2][4][4] = {
        {REPEATS(1, d), REPEATS(2, d), REPEATS(3, d), REPEATS(4, d)},
        {REPEATS(1, q), REPEATS(2, q), REPEATS(3, q), REPEATS(4, q)}};
    (void)pc;
    unsigned q = bits(op->insn, 30, 1), load = bits(op->insn, 22, 1),
             opcode = bits(op->insn, 13, 3);
    unsigned s = bits(op->insn, 12, 1), size = bits(op->insn, 10, 2);
    unsigned n = ((opcode & 1) << 1 | bits(op->insn, 21, 1)) + 1, scale = opcode >> 1;
    if (!bits(op->insn, 23, 1) && op->rm != 0)
        return -1;
    if (scale == 3) { /* LD1R to LD4R */
        if (!load || s)
            return -1;
        set_base_and_write_back(op, n << size);
        op->exec = repeat[q][n - 1][size];
        return 0;
    }
    /* The index is Q:S:size without the low bits, which must be zero, that the lane size takes. */
    unsigned index = q << 3 | s << 2 | size;
    if (scale == 1 && (size & 1))
        return -1;
    if (scale == 2 && size == 1 && !s)
        scale = 3;
    else if (scale == 2 && size != 0)
        return -1;
    op->u8[0] = (uint8_t)(index >> scale);
    set_base_and_write_back(op, n << scale);
    op->exec = lane[load][n - 1][scale];
    return 0;
}
