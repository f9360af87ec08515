/*
 * int_misc.c - data processing on general registers: bitfields, one, two and three sources,
 * conditional select and compare, flag manipulation.
 */
#include "vcpu/a64/a64.h"
#include "vcpu/interp/cond.h"
#include "vcpu/interp/int_bits.h"
#include "vcpu/interp/interp.h"

#define EXEC(name) static void name(struct interp_cpu *cpu, const struct a64_op *op)
#define R(n)       (cpu->regs.r[n])
#define W(n)       ((uint32_t)cpu->regs.r[n])

static bool is_wide(const struct a64_op *op)
{
    return bits(op->insn, 31, 1);
}

static void zero_operands(struct a64_op *op)
{
    op->rd = reg_dst(op->rd);
    op->rn = reg_src(op->rn);
    op->rm = reg_src(op->rm);
    op->ra = reg_src(op->ra);
}

/*
 * Bitfields. imms >= immr: the field from bit immr up to imms goes to bit 0; else the low imms+1
 * bits go to bit width-immr. As shifts: left by u8[0], then right by u8[1], arithmetic or logical.
 * BFM inserts the bits of op->imm of the value shifted by u8[0], left or right.
 */
EXEC(ubfm64)
{
    R(op->rd) = R(op->rn) << op->u8[0] >> op->u8[1];
}
EXEC(sbfm64)
{
    R(op->rd) = (uint64_t)((int64_t)(R(op->rn) << op->u8[0]) >> op->u8[1]);
}
EXEC(ubfm32)
{
    R(op->rd) = W(op->rn) << op->u8[0] >> op->u8[1];
}
EXEC(sbfm32)
{
    R(op->rd) = (uint32_t)((int32_t)(W(op->rn) << op->u8[0]) >> op->u8[1]);
}
EXEC(bfm_right64)
{
    R(op->rd) = (R(op->rd) & ~op->imm) | (R(op->rn) >> op->u8[0] & op->imm);
}
EXEC(bfm_left64)
{
    R(op->rd) = (R(op->rd) & ~op->imm) | (R(op->rn) << op->u8[0] & op->imm);
}
EXEC(bfm_right32)
{
    R(op->rd) = (uint32_t)((R(op->rd) & ~op->imm) | (R(op->rn) >> op->u8[0] & op->imm));
}
EXEC(bfm_left32)
{
    R(op->rd) = (uint32_t)((R(op->rd) & ~op->imm) | (R(op->rn) << op->u8[0] & op->imm));
}

int pre_bitfield(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    bool wide = is_wide(op);
    unsigned width = wide ? 64 : 32, opc = bits(op->insn, 29, 2);
    unsigned immr = bits(op->insn, 16, 6), imms = bits(op->insn, 10, 6);
    if (bits(op->insn, 22, 1) != wide || immr >= width || imms >= width)
        return -1;
    zero_operands(op);
    if (opc == 1) {
        bool right = imms >= immr;
        unsigned length = right ? imms - immr + 1 : imms + 1;
        op->u8[0] = (uint8_t)(right ? immr : width - immr);
        op->imm = (~0ULL >> (64 - length)) << (right ? 0 : op->u8[0]);
        op->exec = wide ? (right ? bfm_right64 : bfm_left64) : (right ? bfm_right32 : bfm_left32);
        return 0;
    }
    op->u8[0] = (uint8_t)(width - 1 - imms);
    op->u8[1] = (uint8_t)(imms >= immr ? width - 1 - imms + immr : immr - imms - 1);
    op->exec = opc == 0 ? (wide ? sbfm64 : sbfm32) : (wide ? ubfm64 : ubfm32);
    return 0;
}

/* 0 < u8[0] < width */
EXEC(extr64)
{
    R(op->rd) = R(op->rm) >> op->u8[0] | R(op->rn) << (64 - op->u8[0]);
}
EXEC(extr32)
{
    R(op->rd) = (uint32_t)(W(op->rm) >> op->u8[0] | W(op->rn) << (32 - op->u8[0]));
}
EXEC(extr_none64)
{
    R(op->rd) = R(op->rm);
}
EXEC(extr_none32)
{
    R(op->rd) = W(op->rm);
}

int pre_extr(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    bool wide = is_wide(op);
    unsigned lsb = bits(op->insn, 10, 6);
    if (bits(op->insn, 22, 1) != wide || (!wide && lsb > 31))
        return -1;
    zero_operands(op);
    op->u8[0] = (uint8_t)lsb;
    op->exec = wide ? (lsb ? extr64 : extr_none64) : (lsb ? extr32 : extr_none32);
    return 0;
}

/* One source */
static uint64_t reverse_bits64(uint64_t v)
{
    v = (v >> 1 & 0x5555555555555555ULL) | (v & 0x5555555555555555ULL) << 1;
    v = (v >> 2 & 0x3333333333333333ULL) | (v & 0x3333333333333333ULL) << 2;
    v = (v >> 4 & 0x0f0f0f0f0f0f0f0fULL) | (v & 0x0f0f0f0f0f0f0f0fULL) << 4;
    return __builtin_bswap64(v);
}

EXEC(rbit64)
{
    R(op->rd) = reverse_bits64(R(op->rn));
}
EXEC(rbit32)
{
    R(op->rd) = reverse_bits64(R(op->rn)) >> 32;
}
EXEC(rev16_64)
{
    uint64_t v = R(op->rn);
    R(op->rd) = (v >> 8 & 0x00ff00ff00ff00ffULL) | (v & 0x00ff00ff00ff00ffULL) << 8;
}
EXEC(rev16_32)
{
    uint32_t v = W(op->rn);
    R(op->rd) = (v >> 8 & 0x00ff00ffu) | (v & 0x00ff00ffu) << 8;
}
EXEC(rev_32)
{
    R(op->rd) = __builtin_bswap32(W(op->rn));
}
EXEC(rev32_64)
{
    uint64_t v = __builtin_bswap64(R(op->rn));
    R(op->rd) = v >> 32 | v << 32;
}
EXEC(rev_64)
{
    R(op->rd) = __builtin_bswap64(R(op->rn));
}
static unsigned leading_zeros(uint64_t v)
{
    return v ? (unsigned)__builtin_clzll(v) : 64;
}
EXEC(clz64)
{
    R(op->rd) = leading_zeros(R(op->rn));
}
EXEC(clz32)
{
    R(op->rd) = leading_zeros(W(op->rn)) - 32;
}
/* The bits below the top that equal it. */
EXEC(cls64)
{
    uint64_t v = R(op->rn);
    R(op->rd) = leading_zeros((v ^ v >> 1) & (~0ULL >> 1)) - 1;
}
EXEC(cls32)
{
    uint32_t v = W(op->rn);
    R(op->rd) = leading_zeros((v ^ v >> 1) & (~0u >> 1)) - 33;
}

int pre_dp1(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    static a64_exec *const table[2][6] = {
        {rbit32, rev16_32, rev_32, NULL, clz32, cls32},
        {rbit64, rev16_64, rev32_64, rev_64, clz64, cls64},
    };
    zero_operands(op);
    op->exec = table[is_wide(op)][bits(op->insn, 10, 3)];
    return 0;
}

/* Two sources. Division by zero gives 0, and the most negative value over -1 itself. */
EXEC(udiv64)
{
    R(op->rd) = R(op->rm) ? R(op->rn) / R(op->rm) : 0;
}
EXEC(udiv32)
{
    R(op->rd) = W(op->rm) ? W(op->rn) / W(op->rm) : 0;
}
EXEC(sdiv64)
{
    int64_t n = (int64_t)R(op->rn), m = (int64_t)R(op->rm);
    R(op->rd) = m == 0 ? 0 : m == -1 ? 0 - (uint64_t)n : (uint64_t)(n / m);
}
EXEC(sdiv32)
{
    int32_t n = (int32_t)R(op->rn), m = (int32_t)R(op->rm);
    R(op->rd) = m == 0 ? 0 : m == -1 ? 0 - (uint32_t)n : (uint32_t)(n / m);
}
#define SHIFTV(name, type)                                                                         \
    EXEC(name##64)                                                                                 \
    {                                                                                              \
        R(op->rd) = int_shift64(R(op->rn), type, R(op->rm) & 63);                                  \
    }                                                                                              \
    EXEC(name##32)                                                                                 \
    {                                                                                              \
        R(op->rd) = int_shift32(W(op->rn), type, R(op->rm) & 31);                                  \
    }
SHIFTV(lslv, 0)
SHIFTV(lsrv, 1)
SHIFTV(asrv, 2)
SHIFTV(rorv, 3)

int pre_dp2(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    static a64_exec *const table[2][12] = {
        {NULL, NULL, udiv32, sdiv32, NULL, NULL, NULL, NULL, lslv32, lsrv32, asrv32, rorv32},
        {NULL, NULL, udiv64, sdiv64, NULL, NULL, NULL, NULL, lslv64, lsrv64, asrv64, rorv64},
    };
    zero_operands(op);
    op->exec = table[is_wide(op)][bits(op->insn, 10, 4)];
    return 0;
}

/* CRC32: reflected, without the inversions before and after. */
static uint32_t crc_bytes(uint32_t crc, uint64_t data, unsigned bytes, uint32_t poly)
{
    for (unsigned i = 0; i < bytes; i++) {
        crc ^= (uint8_t)(data >> (8 * i));
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (poly & (0u - (crc & 1)));
    }
    return crc;
}
EXEC(crc32)
{
    R(op->rd) = crc_bytes(W(op->rn), R(op->rm), op->u8[0], op->u32);
}

int pre_crc32(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    zero_operands(op);
    op->u8[0] = (uint8_t)(1u << bits(op->insn, 10, 2));
    op->u32 = bits(op->insn, 12, 1) ? 0x82f63b78u : 0xedb88320u;
    op->exec = crc32;
    return 0;
}

/* Three sources */
EXEC(madd64)
{
    R(op->rd) = R(op->ra) + R(op->rn) * R(op->rm);
}
EXEC(madd32)
{
    R(op->rd) = (uint32_t)(R(op->ra) + R(op->rn) * R(op->rm));
}
EXEC(msub64)
{
    R(op->rd) = R(op->ra) - R(op->rn) * R(op->rm);
}
EXEC(msub32)
{
    R(op->rd) = (uint32_t)(R(op->ra) - R(op->rn) * R(op->rm));
}
#define SPRODUCT ((uint64_t)((int64_t)(int32_t)R(op->rn) * (int32_t)R(op->rm)))
#define UPRODUCT ((uint64_t)W(op->rn) * W(op->rm))
EXEC(smaddl)
{
    R(op->rd) = R(op->ra) + SPRODUCT;
}
EXEC(smsubl)
{
    R(op->rd) = R(op->ra) - SPRODUCT;
}
EXEC(umaddl)
{
    R(op->rd) = R(op->ra) + UPRODUCT;
}
EXEC(umsubl)
{
    R(op->rd) = R(op->ra) - UPRODUCT;
}
EXEC(smulh)
{
    R(op->rd) = (uint64_t)((__extension__(__int128)(int64_t) R(op->rn) * (int64_t)R(op->rm)) >> 64);
}
EXEC(umulh)
{
    R(op->rd) = (uint64_t)((__extension__(unsigned __int128) R(op->rn) * R(op->rm)) >> 64);
}

int pre_madd(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    bool sub = bits(op->insn, 15, 1);
    zero_operands(op);
    op->exec = is_wide(op) ? (sub ? msub64 : madd64) : (sub ? msub32 : madd32);
    return 0;
}

int pre_maddl(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    bool sub = bits(op->insn, 15, 1);
    zero_operands(op);
    op->exec = bits(op->insn, 23, 1) ? (sub ? umsubl : umaddl) : (sub ? smsubl : smaddl);
    return 0;
}

int pre_mulh(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    zero_operands(op);
    op->exec = bits(op->insn, 23, 1) ? umulh : smulh;
    return 0;
}

/* Conditional select. op->u32 is the condition's mask. */
#define HOLDS cond_holds(op->u32, cpu->regs.nzcv)
EXEC(csel64)
{
    R(op->rd) = HOLDS ? R(op->rn) : R(op->rm);
}
EXEC(csel32)
{
    R(op->rd) = HOLDS ? W(op->rn) : W(op->rm);
}
EXEC(csinc64)
{
    R(op->rd) = HOLDS ? R(op->rn) : R(op->rm) + 1;
}
EXEC(csinc32)
{
    R(op->rd) = HOLDS ? W(op->rn) : W(op->rm) + 1;
}
EXEC(csinv64)
{
    R(op->rd) = HOLDS ? R(op->rn) : ~R(op->rm);
}
EXEC(csinv32)
{
    R(op->rd) = HOLDS ? W(op->rn) : ~W(op->rm);
}
EXEC(csneg64)
{
    R(op->rd) = HOLDS ? R(op->rn) : 0 - R(op->rm);
}
EXEC(csneg32)
{
    R(op->rd) = HOLDS ? W(op->rn) : 0 - W(op->rm);
}

int pre_csel(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    static a64_exec *const table[2][4] = {
        {csel32, csinc32, csinv32, csneg32},
        {csel64, csinc64, csinv64, csneg64},
    };
    zero_operands(op);
    op->u32 = cond_mask(bits(op->insn, 12, 4));
    op->exec = table[is_wide(op)][bits(op->insn, 30, 1) << 1 | bits(op->insn, 10, 1)];
    return 0;
}

/* Conditional compare: operand 2 is R(rm) or, when rm is the zero register, op->imm. */
static uint32_t flags64(uint64_t a, uint64_t b, unsigned carry)
{
    uint64_t r = a + b + carry;
    bool c = carry ? r <= a : r < a;
    return ((uint32_t)(r >> 32) & NZCV_N) | (r == 0 ? NZCV_Z : 0) | (c ? NZCV_C : 0) |
           (((a ^ r) & (b ^ r)) >> 63 ? NZCV_V : 0);
}
static uint32_t flags32(uint32_t a, uint32_t b, unsigned carry)
{
    uint32_t r = a + b + carry;
    bool c = carry ? r <= a : r < a;
    return (r & NZCV_N) | (r == 0 ? NZCV_Z : 0) | (c ? NZCV_C : 0) |
           (((a ^ r) & (b ^ r)) >> 31 ? NZCV_V : 0);
}
#define CCMP_B (R(op->rm) + op->imm)
#define ELSE   ((uint32_t)op->u8[0] << 28)
EXEC(ccmp64)
{
    cpu->regs.nzcv = HOLDS ? flags64(R(op->rn), ~CCMP_B, 1) : ELSE;
}
EXEC(ccmp32)
{
    cpu->regs.nzcv = HOLDS ? flags32(W(op->rn), ~(uint32_t)CCMP_B, 1) : ELSE;
}
EXEC(ccmn64)
{
    cpu->regs.nzcv = HOLDS ? flags64(R(op->rn), CCMP_B, 0) : ELSE;
}
EXEC(ccmn32)
{
    cpu->regs.nzcv = HOLDS ? flags32(W(op->rn), (uint32_t)CCMP_B, 0) : ELSE;
}

int pre_ccmp(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    bool compare = bits(op->insn, 30, 1);
    zero_operands(op);
    if (bits(op->insn, 11, 1)) {
        op->imm = bits(op->insn, 16, 5);
        op->rm = REG_ZERO;
    }
    op->u8[0] = (uint8_t)bits(op->insn, 0, 4);
    op->u32 = cond_mask(bits(op->insn, 12, 4));
    op->exec = is_wide(op) ? (compare ? ccmp64 : ccmn64) : (compare ? ccmp32 : ccmn32);
    return 0;
}

/* Flag manipulation */
EXEC(cfinv)
{
    cpu->regs.nzcv ^= NZCV_C;
    (void)op;
}
EXEC(rmif)
{
    uint64_t v = int_shift64(R(op->rn), 3, op->u8[0]);
    cpu->regs.nzcv = (cpu->regs.nzcv & ~op->u32) | ((uint32_t)v << 28 & op->u32);
}
/* u8[0] is the number of the top bit: C is left, V tells whether the value above the top bit
 * differs. */
EXEC(setf)
{
    uint32_t v = W(op->rn);
    unsigned top = op->u8[0];
    uint32_t n = v >> top & 1, over = (v >> (top + 1) & 1) ^ n;
    bool zero = (v & ((2u << top) - 1)) == 0;
    cpu->regs.nzcv =
        (cpu->regs.nzcv & NZCV_C) | (n ? NZCV_N : 0) | (zero ? NZCV_Z : 0) | (over ? NZCV_V : 0);
}

int pre_cfinv(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    op->exec = cfinv;
    return 0;
}

int pre_rmif(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    op->rn = reg_src(op->rn);
    op->u8[0] = (uint8_t)bits(op->insn, 15, 6);
    op->u32 = bits(op->insn, 0, 4) << 28;
    op->exec = rmif;
    return 0;
}

int pre_setf(struct a64_op *op, uint64_t pc)
{
    (void)pc;
    op->rn = reg_src(op->rn);
    op->u8[0] = bits(op->insn, 14, 1) ? 15 : 7;
    op->exec = setf;
    return 0;
}
