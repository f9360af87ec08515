/*
 * simd_perm.c - Advanced SIMD moves: copies between elements and general registers, modified
 * immediates, EXT, table lookups, and the permutes ZIP, UZP and TRN.
 */
#include "a64_gen.h"
#include "vcpu/interp/simd.h"

/* ---- copies: op->u8[0] is the element of Vn, op->u8[1] that of Vd ---- */

#define COPY(F)                                                                                    \
    SIMD_INLINE void dup_##F(struct interp_cpu *cpu, const struct a64_op *op, unsigned bytes)      \
    {                                                                                              \
        union vreg n = vreg_read(cpu, op->rn), d;                                                  \
        const lane_##F a = n.F[op->u8[0]];                                                         \
        for (unsigned i = 0; i < bytes / sizeof a; i++)                                            \
            d.F[i] = a;                                                                            \
        vreg_write(cpu, op->rd, &d, bytes);                                                        \
    }                                                                                              \
    SIMD_EXEC(dup_##F, q, dup_##F, 16)                                                             \
    SIMD_ONE(dup, F)                                                                               \
    SIMD_INLINE void dup_r_##F(struct interp_cpu *cpu, const struct a64_op *op, unsigned bytes)    \
    {                                                                                              \
        union vreg d;                                                                              \
        const lane_##F a = (lane_##F)cpu->regs.r[op->rn];                                          \
        for (unsigned i = 0; i < bytes / sizeof a; i++)                                            \
            d.F[i] = a;                                                                            \
        vreg_write(cpu, op->rd, &d, bytes);                                                        \
    }                                                                                              \
    SIMD_EXEC(dup_r_##F, q, dup_r_##F, 16)                                                         \
    static void ins_##F(struct interp_cpu *cpu, const struct a64_op *op)                           \
    {                                                                                              \
        union vreg n = vreg_read(cpu, op->rn), d = vreg_read(cpu, op->rd);                         \
        d.F[op->u8[1]] = n.F[op->u8[0]];                                                           \
        vreg_write(cpu, op->rd, &d, 16);                                                           \
    }                                                                                              \
    static void ins_r_##F(struct interp_cpu *cpu, const struct a64_op *op)                         \
    {                                                                                              \
        union vreg d = vreg_read(cpu, op->rd);                                                     \
        d.F[op->u8[1]] = (lane_##F)cpu->regs.r[op->rn];                                            \
        vreg_write(cpu, op->rd, &d, 16);                                                           \
    }                                                                                              \
    static void umov_##F(struct interp_cpu *cpu, const struct a64_op *op)                          \
    {                                                                                              \
        union vreg n = vreg_read(cpu, op->rn);                                                     \
        cpu->regs.r[op->rd] = n.F[op->u8[0]];                                                      \
    }
#define COPY_D(F) SIMD_EXEC(dup_##F, d, dup_##F, 8) SIMD_EXEC(dup_r_##F, d, dup_r_##F, 8)
COPY(u8)
COPY_D(u8)
COPY(u16)
COPY_D(u16)
COPY(u32)
COPY_D(u32)
COPY(u64)

/* SMOV to W clears the upper half of X. */
#define SMOV(TO, WIDE, F)                                                                          \
    static void smov_##TO##_##F(struct interp_cpu *cpu, const struct a64_op *op)                   \
    {                                                                                              \
        union vreg n = vreg_read(cpu, op->rn);                                                     \
        cpu->regs.r[op->rd] = (lane_##WIDE)n.F[op->u8[0]];                                         \
    }
SMOV(w, u32, s8)
SMOV(w, u32, s16)
SMOV(x, u64, s8)
SMOV(x, u64, s16)
SMOV(x, u64, s32)

/* The lowest set bit of imm5 is the lane size, above it is the index. Returns the size or -1. */
static int copy_size(struct a64_op *op, unsigned index_slot)
{
    unsigned imm5 = bits(op->insn, 16, 5);
    if ((imm5 & 15) == 0)
        return -1;
    unsigned size = (unsigned)__builtin_ctz(imm5);
    op->u8[index_slot] = (uint8_t)(imm5 >> (size + 1));
    return (int)size;
}

static const struct simd_row dup_row = {VEC_BHSD(dup, u), ONE_BHSD(dup, u)};
static const struct simd_row dup_r_row = {VEC_BHSD(dup_r, u)};

int pre_simd_dup(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    int size = copy_size(op, 0);
    return size < 0 ? -1 : simd_pick(op, &dup_row, (unsigned)size);
}

int pre_simd_dup_r(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    int size = copy_size(op, 0);
    op->rn = reg_src(op->rn);
    return size < 0 ? -1 : simd_pick(op, &dup_r_row, (unsigned)size);
}

int pre_simd_ins(struct a64_op *op, uint64_t pc)
{
    static a64_exec *const exec[4] = {ins_u8, ins_u16, ins_u32, ins_u64};
    (void)pc;
    int size = copy_size(op, 1);
    if (size < 0)
        return -1;
    op->u8[0] = (uint8_t)(bits(op->insn, 11, 4) >> size);
    op->exec = exec[size];
    return 0;
}

int pre_simd_ins_r(struct a64_op *op, uint64_t pc)
{
    static a64_exec *const exec[4] = {ins_r_u8, ins_r_u16, ins_r_u32, ins_r_u64};
    (void)pc;
    int size = copy_size(op, 1);
    if (size < 0)
        return -1;
    op->rn = reg_src(op->rn);
    op->exec = exec[size];
    return 0;
}

/* UMOV Xd takes only D, UMOV Wd all others; SMOV Wd takes B and H, SMOV Xd also S. */
int pre_simd_umov(struct a64_op *op, uint64_t pc)
{
    static a64_exec *const exec[2][4] = {{umov_u8, umov_u16, umov_u32}, {[3] = umov_u64}};
    (void)pc;
    int size = copy_size(op, 0);
    if (size < 0)
        return -1;
    op->rd = reg_dst(op->rd);
    op->exec = exec[bits(op->insn, 30, 1)][size];
    return op->exec ? 0 : -1;
}

int pre_simd_smov(struct a64_op *op, uint64_t pc)
{
    static a64_exec *const exec[2][4] = {{smov_w_s8, smov_w_s16},
                                         {smov_x_s8, smov_x_s16, smov_x_s32}};
    (void)pc;
    int size = copy_size(op, 0);
    if (size < 0)
        return -1;
    op->rd = reg_dst(op->rd);
    op->exec = exec[bits(op->insn, 30, 1)][size];
    return op->exec ? 0 : -1;
}

/* ---- modified immediate: op->imm is the expanded one, inverted for MVNI ---- */

#define IMMEDIATE(NAME, EXPR)                                                                      \
    SIMD_INLINE void NAME(struct interp_cpu *cpu, const struct a64_op *op, unsigned bytes)         \
    {                                                                                              \
        union vreg d = vreg_read(cpu, op->rd);                                                     \
        for (unsigned i = 0; i < 2; i++) {                                                         \
            const lane_u64 c = d.u64[i];                                                           \
            (void)c;                                                                               \
            d.u64[i] = (EXPR);                                                                     \
        }                                                                                          \
        vreg_write(cpu, op->rd, &d, bytes);                                                        \
    }                                                                                              \
    SIMD_EXEC(NAME, d, NAME, 8)                                                                    \
    SIMD_EXEC(NAME, q, NAME, 16)
IMMEDIATE(movi, op->imm)
IMMEDIATE(orri, c | op->imm)
IMMEDIATE(bici, c & ~op->imm)

static uint64_t replicate(uint64_t v, unsigned width)
{
    for (; width < 64; width *= 2)
        v |= v << width;
    return v;
}

/* VFPExpandImm: sign a, exponent NOT(b), copies of b, cd, and efgh on top of the fraction. */
static uint64_t fp_expand(unsigned imm8, unsigned width, unsigned ebits)
{
    uint64_t sign = imm8 >> 7, b = (imm8 >> 6) & 1;
    uint64_t exponent = (b ^ 1) << (ebits - 1);
    if (b)
        exponent |= ((1u << (ebits - 3)) - 1u) << 2;
    exponent |= (imm8 >> 4) & 3;
    unsigned fraction = width - 1 - ebits;
    return sign << (width - 1) | exponent << fraction | (uint64_t)(imm8 & 15) << (fraction - 4);
}

/* AdvSIMDExpandImm for the integer forms. */
static uint64_t expand_imm(unsigned imm8, unsigned cmode, unsigned inverted)
{
    if (cmode < 8)
        return replicate((uint64_t)imm8 << (8 * (cmode >> 1)), 32);
    if (cmode < 12)
        return replicate((uint64_t)imm8 << (8 * ((cmode >> 1) & 1)), 16);
    if (cmode == 12)
        return replicate((uint64_t)imm8 << 8 | 0xff, 32);
    if (cmode == 13)
        return replicate((uint64_t)imm8 << 16 | 0xffff, 32);
    if (!inverted)
        return replicate(imm8, 8);
    uint64_t bytes = 0;
    for (unsigned i = 0; i < 8; i++)
        bytes |= (imm8 >> i & 1) ? (uint64_t)0xff << (8 * i) : 0;
    return bytes;
}

int pre_simd_imm(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    unsigned q = bits(op->insn, 30, 1), inverted = bits(op->insn, 29, 1);
    unsigned cmode = bits(op->insn, 12, 4), half = bits(op->insn, 11, 1);
    unsigned imm8 = bits(op->insn, 16, 3) << 5 | bits(op->insn, 5, 5);
    if (cmode == 15) {
        if (inverted && (!q || half))
            return -1;
        op->imm = inverted ? fp_expand(imm8, 64, 11)
                  : half   ? replicate(fp_expand(imm8, 16, 5), 16)
                           : replicate(fp_expand(imm8, 32, 8), 32);
        op->exec = q ? movi_q : movi_d;
        return 0;
    }
    if (half)
        return -1;
    op->imm = expand_imm(imm8, cmode, inverted);
    if (cmode < 12 && (cmode & 1)) {
        op->exec = inverted ? (q ? bici_q : bici_d) : (q ? orri_q : orri_d);
        return 0;
    }
    if (inverted && cmode < 14)
        op->imm = ~op->imm;
    op->exec = q ? movi_q : movi_d;
    return 0;
}

/* ---- EXT: bytes from position op->u8[0] of Vm:Vn on ---- */

SIMD_INLINE void ext(struct interp_cpu *cpu, const struct a64_op *op, unsigned bytes)
{
    uint8_t both[32];
    union vreg d;
    memcpy(both, cpu->regs.v[op->rn], bytes);
    memcpy(both + bytes, cpu->regs.v[op->rm], bytes);
    memcpy(&d, both + op->u8[0], bytes);
    vreg_write(cpu, op->rd, &d, bytes);
}
SIMD_EXEC(ext, d, ext, 8)
SIMD_EXEC(ext, q, ext, 16)

int pre_simd_ext(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    unsigned q = bits(op->insn, 30, 1), at = bits(op->insn, 11, 4);
    if (!q && at > 7)
        return -1;
    op->u8[0] = (uint8_t)at;
    op->exec = q ? ext_q : ext_d;
    return 0;
}

/* ---- TBL and TBX: bytes of `regs` consecutive registers, after V31 comes V0 ---- */

SIMD_INLINE void tbl(struct interp_cpu *cpu, const struct a64_op *op, unsigned bytes, unsigned regs,
                     int keep)
{
    uint8_t table[64];
    union vreg m = vreg_read(cpu, op->rm), d = vreg_read(cpu, op->rd);
    for (unsigned r = 0; r < regs; r++)
        memcpy(table + 16 * r, cpu->regs.v[(op->rn + r) & 31], 16);
    for (unsigned i = 0; i < bytes; i++) {
        const unsigned at = m.u8[i];
        const lane_u8 outside = keep ? d.u8[i] : 0;
        d.u8[i] = at < 16 * regs ? table[at & 63] : outside;
    }
    vreg_write(cpu, op->rd, &d, bytes);
}
#define TBL(REGS)                                                                                  \
    static void tbl##REGS##_d(struct interp_cpu *cpu, const struct a64_op *op)                     \
    {                                                                                              \
        tbl(cpu, op, 8, REGS, 0);                                                                  \
    }                                                                                              \
    static void tbl##REGS##_q(struct interp_cpu *cpu, const struct a64_op *op)                     \
    {                                                                                              \
        tbl(cpu, op, 16, REGS, 0);                                                                 \
    }                                                                                              \
    static void tbx##REGS##_d(struct interp_cpu *cpu, const struct a64_op *op)                     \
    {                                                                                              \
        tbl(cpu, op, 8, REGS, 1);                                                                  \
    }                                                                                              \
    static void tbx##REGS##_q(struct interp_cpu *cpu, const struct a64_op *op)                     \
    {                                                                                              \
        tbl(cpu, op, 16, REGS, 1);                                                                 \
    }
TBL(1)
TBL(2)
TBL(3)
TBL(4)

int pre_simd_tbl(struct a64_op *op, uint64_t pc)
{
    /* By op, Q, len. */
    static a64_exec *const exec[2][2][4] = {
        {{tbl1_d, tbl2_d, tbl3_d, tbl4_d}, {tbl1_q, tbl2_q, tbl3_q, tbl4_q}},
        {{tbx1_d, tbx2_d, tbx3_d, tbx4_d}, {tbx1_q, tbx2_q, tbx3_q, tbx4_q}}};
    (void)pc;
    op->exec = exec[bits(op->insn, 12, 1)][bits(op->insn, 30, 1)][bits(op->insn, 13, 2)];
    return 0;
}

/* ---- ZIP, UZP, TRN: `part` is 0 for the first instruction of each pair, 1 for the second ---- */

#define PERMUTE(NAME, F, PART, EVEN, ODD)                                                          \
    SIMD_INLINE void NAME##_##F(struct interp_cpu *cpu, const struct a64_op *op, unsigned bytes)   \
    {                                                                                              \
        union vreg n = vreg_read(cpu, op->rn), m = vreg_read(cpu, op->rm), d;                      \
        const unsigned half = bytes / sizeof(lane_##F) / 2, part = PART;                           \
        (void)half, (void)part;                                                                    \
        for (unsigned i = 0; i < half; i++) {                                                      \
            EVEN;                                                                                  \
            ODD;                                                                                   \
        }                                                                                          \
        vreg_write(cpu, op->rd, &d, bytes);                                                        \
    }
#define ZIP(NAME, F, PART)                                                                         \
    PERMUTE(NAME, F, PART, d.F[2 * i] = n.F[half * part + i], d.F[2 * i + 1] = m.F[half * part + i])
#define UZP(NAME, F, PART)                                                                         \
    PERMUTE(NAME, F, PART, d.F[i] = n.F[2 * i + part], d.F[half + i] = m.F[2 * i + part])
#define TRN(NAME, F, PART)                                                                         \
    PERMUTE(NAME, F, PART, d.F[2 * i] = n.F[2 * i + part], d.F[2 * i + 1] = m.F[2 * i + part])
#define PERMUTES(KIND, NAME, PART)                                                                 \
    KIND(NAME, u8, PART)                                                                           \
    SIMD_VEC(NAME, u8)                                                                             \
    KIND(NAME, u16, PART)                                                                          \
    SIMD_VEC(NAME, u16)                                                                            \
    KIND(NAME, u32, PART)                                                                          \
    SIMD_VEC(NAME, u32)                                                                            \
    KIND(NAME, u64, PART)                                                                          \
    SIMD_EXEC(NAME##_u64, q, NAME##_u64, 16)
PERMUTES(ZIP, zip1, 0)
PERMUTES(ZIP, zip2, 1)
PERMUTES(UZP, uzp1, 0)
PERMUTES(UZP, uzp2, 1)
PERMUTES(TRN, trn1, 0)
PERMUTES(TRN, trn2, 1)

static const struct simd_row permute_rows[8] = {
    [1] = {VEC_BHSD(uzp1, u)}, [2] = {VEC_BHSD(trn1, u)}, [3] = {VEC_BHSD(zip1, u)},
    [5] = {VEC_BHSD(uzp2, u)}, [6] = {VEC_BHSD(trn2, u)}, [7] = {VEC_BHSD(zip2, u)},
};

int pre_simd_permute(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    return simd_pick(op, &permute_rows[bits(op->insn, 12, 3)], bits(op->insn, 22, 2));
}
