/*
 * emit_int.c - additions, logic and constants on general registers.
 *
 * While NZCV is in EFLAGS and wanted, LEA adds instead of ADD. ADDS of a
 * constant is a subtraction of its negative: the flags are the same, in the
 * form that conditions need no CMC for.
 */
#include "vcpu/jit/emit_int.h"
#include "vcpu/jit/int_operand.h"

/* ---- addition and subtraction ---- */

/* rd <- rn + value, no flags. */
static void add_constant(struct translation *t, unsigned width, unsigned rd, unsigned rn,
                         int32_t value)
{
    int home = int_home(rd);
    if (value == 0) {
        int_move(t, width, rd, rn);
        return;
    }
    if (rd == rn && !int_flags_live(t) && (width == 8 || home >= 0)) {
        jit_flags_clobber(t);
        x64_alu_imm(&t->e, ALU_ADD, width, jit_rm(rd), value);
    } else {
        int dst = jit_dst(rd, RAX), src = jit_src(t, width, rn, dst);
        x64_lea(&t->e, width, (unsigned)dst, x64_mem(src, value));
        jit_put(t, rd, dst);
    }
    if (width == 8)
        jit_moved(t, rd, rn, value);
    else
        jit_wrote(t, rd);
}

/* rd <- rn + (src << scale), no flags. */
static void add(struct translation *t, unsigned width, unsigned rd, unsigned rn, struct int_src src,
                unsigned scale)
{
    int home = int_home(rd), index = src.rm.reg;
    if (scale == 0 && !int_flags_live(t) &&
        (rd == rn || index < 0 || (home >= 0 && index == home))) {
        jit_flags_clobber(t);
        int_alu(t, ALU_ADD, width, rd, rn, src);
        return;
    }
    if (index < 0) {
        x64_mov(&t->e, width, RCX, src.rm);
        index = RCX;
    }
    int base = jit_src(t, width, rn, RAX), dst = jit_dst(rd, RAX);
    x64_lea(&t->e, width, (unsigned)dst, x64_mem_index(base, index, scale, 0));
    jit_done(t, rd, dst);
}

/* rd <- rn - src, no flags. */
static void subtract(struct translation *t, unsigned width, unsigned rd, unsigned rn,
                     struct int_src src)
{
    struct x64 *e = &t->e;
    int home = int_home(rd), dst = jit_dst(rd, RAX);
    if (int_flags_live(t)) {
        if (src.rm.reg != RCX)
            x64_mov(e, width, RCX, src.rm);
        x64_not(e, width, x64_reg(RCX));
        int base = jit_src(t, width, rn, RAX);
        x64_lea(e, width, (unsigned)dst, x64_mem_index(base, RCX, 0, 1));
        jit_done(t, rd, dst);
        return;
    }
    jit_flags_clobber(t);
    if (rn == REG_ZERO || (home >= 0 && src.rm.reg == home && rd != rn)) {
        if (src.rm.reg != dst)
            x64_mov(e, width, (unsigned)dst, src.rm);
        x64_neg(e, width, x64_reg(dst));
        if (rn != REG_ZERO)
            x64_alu(e, ALU_ADD, width, (unsigned)dst, jit_rm(rn));
        jit_done(t, rd, dst);
    } else {
        int_alu(t, ALU_SUB, width, rd, rn, src);
    }
}

/* The flags of rn + src or rn - src, and the result in rd, which may be
 * REG_SINK. */
static void add_sub_flags(struct translation *t, unsigned width, bool sub, unsigned rd, unsigned rn,
                          struct int_src src)
{
    jit_flags_clobber(t);
    if (!sub && src.constant && src.value != 0) {
        sub = true;
        src.value = -src.value;
    }
    if (rd != REG_SINK)
        int_alu(t, sub ? ALU_SUB : ALU_ADD, width, rd, rn, src);
    else if (sub || src.constant) /* comparing with 0 clears CF, as adding it does */
        int_compare(t, width, rn, src);
    else
        int_alu(t, ALU_ADD, width, REG_SINK, rn, src);
    jit_flags_set(t, sub ? FLAGS_SUB : FLAGS_ADD);
}

/* What an ADR or ADRP at pc gives. */
static uint64_t address(uint32_t insn, uint64_t pc)
{
    uint64_t offset = (uint64_t)sbits(insn, 5, 19) << 2 | bits(insn, 29, 2);
    return bits(insn, 31, 1) ? (pc & ~0xfffULL) + (offset << 12) : pc + offset;
}

/* ADRP and an ADD of the low bits to the same register: one constant. */
static bool add_to_page(struct translation *t, unsigned rd, unsigned rn, int32_t value)
{
    uint32_t before = t->index ? t->words[t->index - 1] : 0;
    if (rd != rn || rd == REG_SP || (before & 0x9f00001f) != (0x90000000 | rd))
        return false;
    jit_take_back(t, t->index - 1);
    int_set_constant(t, rd, address(before, t->pc - 4) + (uint64_t)(int64_t)value);
    return true;
}

bool emit_add_sub_imm(struct translation *t, uint32_t insn)
{
    unsigned width = int_width(insn), rn = bits(insn, 5, 5), rd = bits(insn, 0, 5);
    bool sub = bits(insn, 30, 1), sets = bits(insn, 29, 1);
    int32_t value = (int32_t)bits(insn, 10, 12) << (bits(insn, 22, 1) ? 12 : 0);
    if (sets)
        rd = reg_dst(rd);
    if (sets && t->flags_after)
        add_sub_flags(t, width, sub, rd, rn, int_const(value));
    else if (rd != REG_SINK && !(width == 8 && !sub && add_to_page(t, rd, rn, value)))
        add_constant(t, width, rd, rn, sub ? -value : value);
    return true;
}

/* What the shifted and the extended forms do with their second operand, which
 * is scaled by up to 3 more bits if it is added without flags. */
static void add_sub(struct translation *t, uint32_t insn, unsigned rd, unsigned rn,
                    struct int_src src, unsigned scale)
{
    unsigned width = int_width(insn);
    bool sub = bits(insn, 30, 1), sets = bits(insn, 29, 1) && t->flags_after;
    if (sets)
        add_sub_flags(t, width, sub, rd, rn, src);
    else if (src.constant)
        add_constant(t, width, rd, rn, src.value);
    else if (sub)
        subtract(t, width, rd, rn, src);
    else
        add(t, width, rd, rn, src, scale);
}

bool emit_add_sub_shift(struct translation *t, uint32_t insn)
{
    static const uint8_t shifts[3] = {SHIFT_SHL, SHIFT_SHR, SHIFT_SAR};
    unsigned width = int_width(insn), type = bits(insn, 22, 2), amount = bits(insn, 10, 6);
    unsigned rd = reg_dst(bits(insn, 0, 5)), rn = reg_src(bits(insn, 5, 5));
    unsigned rm = reg_src(bits(insn, 16, 5)), scale = 0;
    bool sub = bits(insn, 30, 1), sets = bits(insn, 29, 1) && t->flags_after;
    if (width == 4 && amount > 31)
        return false;
    if (!sets && rd == REG_SINK)
        return true;
    struct int_src src = int_guest(rm);
    if (!src.constant && !sub && !sets && type == 0 && amount <= 3) {
        scale = amount;
    } else if (!src.constant && amount) {
        int_shift(t, (enum x64_shift)shifts[type], width, RCX, rm, amount);
        src = int_host(RCX);
    }
    add_sub(t, insn, rd, rn, src, scale);
    return true;
}

/* RCX <- register m, extended as option says. */
static void extend(struct translation *t, unsigned width, unsigned m, unsigned option)
{
    unsigned from = 1u << (option & 3);
    if (from >= width || (option == 2))
        jit_load(t, option == 2 ? 4 : width, RCX, m);
    else if (option & 4)
        x64_movsx(&t->e, width, from, RCX, jit_rm(m));
    else
        x64_movzx(&t->e, from, RCX, jit_rm(m));
}

bool emit_add_sub_ext(struct translation *t, uint32_t insn)
{
    unsigned width = int_width(insn), option = bits(insn, 13, 3), amount = bits(insn, 10, 3);
    unsigned rd = bits(insn, 0, 5), rn = bits(insn, 5, 5), rm = reg_src(bits(insn, 16, 5));
    bool sub = bits(insn, 30, 1), sets = bits(insn, 29, 1) && t->flags_after;
    if (bits(insn, 29, 1))
        rd = reg_dst(rd);
    if (!sets && rd == REG_SINK)
        return true;
    struct int_src src = int_guest(rm);
    bool plain = 1u << (option & 3) >= width, scaled = !sub && !sets && amount <= 3;
    if (!src.constant && (!plain || (amount && !scaled))) {
        if (amount && !scaled)
            jit_flags_clobber(t);
        extend(t, width, rm, option);
        if (amount && !scaled)
            x64_shift_imm(&t->e, SHIFT_SHL, width, x64_reg(RCX), amount);
        src = int_host(RCX);
    }
    add_sub(t, insn, rd, rn, src, scaled ? amount : 0);
    return true;
}

bool emit_adc(struct translation *t, uint32_t insn)
{
    unsigned width = int_width(insn), rd = reg_dst(bits(insn, 0, 5));
    unsigned rn = reg_src(bits(insn, 5, 5)), rm = reg_src(bits(insn, 16, 5));
    bool sub = bits(insn, 30, 1), sets = bits(insn, 29, 1) && t->flags_after;
    if (!sets && rd == REG_SINK)
        return true;
    if (!sets && t->flags_after)
        jit_flags_clobber(t);
    jit_carry(t, sub);
    int_alu(t, sub ? ALU_SBB : ALU_ADC, width, rd, rn, int_guest(rm));
    if (sets)
        jit_flags_set(t, sub ? FLAGS_SUB : FLAGS_ADD);
    else if (!t->flags_after)
        jit_flags_set(t, FLAGS_DEAD);
    return true;
}

/* ---- logic ---- */

/* TEST of rn with a constant, in the shortest form that gives the same N and Z.
 */
static void test_constant(struct translation *t, unsigned width, unsigned rn, uint64_t mask)
{
    struct x64_rm rm = jit_rm(rn);
    unsigned low = (unsigned)__builtin_ctzll(mask) / 8;
    if (rm.reg < 0 && mask >> low * 8 <= 0x7f) {
        rm.disp += (int32_t)low;
        x64_test_imm(&t->e, 1, rm, (int32_t)(mask >> low * 8));
    } else if (mask <= 0x7f) {
        x64_test_imm(&t->e, 1, rm, (int32_t)mask);
    } else if (mask <= INT32_MAX || width == 4) {
        x64_test_imm(&t->e, 4, rm, (int32_t)mask);
    } else if ((int64_t)mask == (int32_t)mask) {
        x64_test_imm(&t->e, 8, rm, (int32_t)mask);
    } else {
        x64_mov_imm(&t->e, RCX, mask);
        x64_test(&t->e, 8, rm, RCX);
    }
}

/* rd <- rn & mask for the masks that are zero extensions. */
static bool and_extends(struct translation *t, unsigned rd, unsigned rn, uint64_t mask)
{
    unsigned from = mask == 0xff ? 1 : mask == 0xffff ? 2 : mask == UINT32_MAX ? 4 : 0;
    int dst = jit_dst(rd, RAX);
    if (!from || rn == REG_ZERO)
        return false;
    if (from == 4)
        x64_mov(&t->e, 4, (unsigned)dst, jit_rm(rn));
    else
        x64_movzx(&t->e, from, (unsigned)dst, jit_rm(rn));
    jit_done(t, rd, dst);
    return true;
}

static void logic_constant(struct translation *t, enum x64_alu op, unsigned width, bool sets,
                           unsigned rd, unsigned rn, uint64_t mask)
{
    bool in_place = rd == rn && int_home(rd) < 0;
    jit_flags_clobber(t);
    if (op == ALU_AND && (mask <= INT32_MAX ? !in_place : mask <= UINT32_MAX && !sets))
        width = 4;
    if (width == 4 || (int64_t)mask == (int32_t)mask) {
        int_alu(t, op, width, rd, rn, int_const((int32_t)mask));
    } else {
        x64_mov_imm(&t->e, RCX, mask);
        int_alu(t, op, width, rd, rn, int_host(RCX));
    }
}

static const uint8_t logic_ops[4] = {ALU_AND, ALU_OR, ALU_XOR, ALU_AND};

bool emit_logic_imm(struct translation *t, uint32_t insn)
{
    unsigned width = int_width(insn), opc = bits(insn, 29, 2);
    unsigned rd = bits(insn, 0, 5), rn = reg_src(bits(insn, 5, 5));
    bool sets = opc == 3 && t->flags_after;
    uint64_t mask;
    if (!int_bitmask(insn, width == 8, &mask))
        return false;
    if (opc == 3)
        rd = reg_dst(rd);
    if (rd == REG_SINK) {
        if (sets) {
            jit_flags_clobber(t);
            test_constant(t, width, rn, mask);
            jit_flags_set(t, FLAGS_ADD);
        }
        return true;
    }
    if (opc == 1 && rn == REG_ZERO) {
        int_set_constant(t, rd, mask);
        return true;
    }
    if (logic_ops[opc] == ALU_AND && !sets && and_extends(t, rd, rn, mask))
        return true;
    logic_constant(t, (enum x64_alu)logic_ops[opc], width, sets, rd, rn, mask);
    if (sets)
        jit_flags_set(t, FLAGS_ADD);
    return true;
}

/* MVN: rd <- ~(rm shifted). */
static void move_not(struct translation *t, unsigned width, unsigned rd, unsigned rm,
                     enum x64_shift shift, unsigned amount)
{
    int dst = jit_dst(rd, RAX);
    if (amount)
        int_shift(t, shift, width, dst, rm, amount);
    else
        int_load(t, width, dst, rm);
    x64_not(&t->e, width, x64_reg(dst));
    jit_done(t, rd, dst);
}

/* The flags of rn & src, both not changed. */
static void test(struct translation *t, unsigned width, unsigned rn, struct int_src src)
{
    int b = src.rm.reg;
    if (b < 0) {
        x64_mov(&t->e, width, RCX, src.rm);
        b = RCX;
    }
    x64_test(&t->e, width, jit_rm(rn), (unsigned)b);
}

/* rd <- rn & ~src, and its flags. */
static void and_not(struct translation *t, unsigned width, unsigned rd, unsigned rn,
                    struct int_src src)
{
    struct x64 *e = &t->e;
    if (!t->host->bmi2) {
        if (src.rm.reg != RCX)
            x64_mov(e, width, RCX, src.rm);
        x64_not(e, width, x64_reg(RCX));
        int_alu(t, ALU_AND, width, rd, rn, int_host(RCX));
        return;
    }
    int inverted = src.rm.reg, dst = jit_dst(rd, RAX);
    if (inverted < 0) {
        x64_mov(e, width, RCX, src.rm);
        inverted = RCX;
    }
    x64_andn(e, width, (unsigned)dst, (unsigned)inverted, jit_rm(rn));
    jit_done(t, rd, dst);
}

static void logic(struct translation *t, enum x64_alu op, bool invert, unsigned width, unsigned rd,
                  unsigned rn, struct int_src src)
{
    if (op == ALU_AND && !invert && rd == REG_SINK) {
        test(t, width, rn, src);
    } else if (op == ALU_AND && invert) {
        and_not(t, width, rd, rn, src);
    } else {
        if (invert) {
            if (src.rm.reg != RCX)
                x64_mov(&t->e, width, RCX, src.rm);
            x64_not(&t->e, width, x64_reg(RCX));
            src = int_host(RCX);
        }
        int_alu(t, op, width, rd, rn, src);
    }
}

bool emit_logic_shift(struct translation *t, uint32_t insn)
{
    static const uint8_t shifts[4] = {SHIFT_SHL, SHIFT_SHR, SHIFT_SAR, SHIFT_ROR};
    unsigned width = int_width(insn), opc = bits(insn, 29, 2), amount = bits(insn, 10, 6);
    unsigned rd = reg_dst(bits(insn, 0, 5)), rn = reg_src(bits(insn, 5, 5));
    unsigned rm = reg_src(bits(insn, 16, 5));
    enum x64_shift shift = (enum x64_shift)shifts[bits(insn, 22, 2)];
    bool invert = bits(insn, 21, 1), sets = opc == 3 && t->flags_after;
    if (width == 4 && amount > 31)
        return false;
    if (!sets && rd == REG_SINK)
        return true;
    if (opc == 1 && rn == REG_ZERO && invert) {
        move_not(t, width, rd, rm, shift, amount);
        return true;
    }
    if (!sets && !invert && !amount && opc != 2 && (rn == rm || (opc == 1 && rn == REG_ZERO))) {
        int_move(t, width, rd, rm);
        return true;
    }
    jit_flags_clobber(t);
    struct int_src src = {.rm = jit_rm(rm)};
    if (amount) {
        int_shift(t, shift, width, RCX, rm, amount);
        src = int_host(RCX);
    }
    if (sets && rn == rm && !invert && !amount && rd == REG_SINK)
        int_compare(t, width, rn, int_const(0));
    else
        logic(t, (enum x64_alu)logic_ops[opc], invert, width, rd, rn, src);
    if (sets)
        jit_flags_set(t, FLAGS_ADD);
    return true;
}

/* ---- constants ---- */

bool emit_adr(struct translation *t, uint32_t insn)
{
    unsigned rd = reg_dst(bits(insn, 0, 5));
    if (rd != REG_SINK)
        int_set_constant(t, rd, address(insn, t->pc));
    return true;
}

/* rd's 16 bits from bit `shift` on <- value. */
static void move_keep(struct translation *t, unsigned width, unsigned rd, unsigned shift,
                      unsigned value)
{
    struct x64 *e = &t->e;
    int dst = jit_dst(rd, RAX);
    unsigned bits_ = width * 8;
    if (shift) {
        int_shift(t, SHIFT_ROR, width, dst, rd, shift);
        x64_mov_to_imm(e, 2, x64_reg(dst), (int32_t)value);
        if (t->host->bmi2)
            x64_rorx(e, width, (unsigned)dst, x64_reg(dst), bits_ - shift);
        else
            x64_shift_imm(e, SHIFT_ROL, width, x64_reg(dst), shift);
    } else {
        int_load(t, width, dst, rd);
        x64_mov_to_imm(e, 2, x64_reg(dst), (int32_t)value);
        if (width == 4)
            x64_mov(e, 4, (unsigned)dst, x64_reg(dst));
    }
    jit_done(t, rd, dst);
}

/* *value <- what a valid MOVN, MOVZ or MOVK makes of it. Returns false for
 * another instruction. */
static bool move_wide(uint32_t insn, uint64_t *value)
{
    unsigned opc = bits(insn, 29, 2), shift = bits(insn, 21, 2) * 16;
    uint64_t part = (uint64_t)bits(insn, 5, 16) << shift;
    bool wide = bits(insn, 31, 1);
    if (bits(insn, 23, 6) != 0x25 || opc == 1 || (!wide && shift > 16))
        return false;
    uint64_t v = opc == 0 ? ~part : opc == 2 ? part : (*value & ~(0xffffULL << shift)) | part;
    *value = wide ? v : (uint32_t)v;
    return true;
}

/*
 * A MOVK that ends a run of MOVZ or MOVN and MOVKs of the same register: the
 * whole run is one constant. Those before it have been emitted as one, by this
 * or as a MOVZ.
 */
static bool move_keep_constant(struct translation *t, unsigned rd)
{
    unsigned first = t->index;
    uint64_t value = 0;
    while (first > 0 && (t->words[first] & 0x7f80001f) == (0x72800000 | rd))
        first--;
    if ((t->words[first] & 0x3f80001f) != (0x12800000 | rd))
        return false;
    for (unsigned i = first; i <= t->index; i++)
        if (!move_wide(t->words[i], &value))
            return false;
    jit_take_back(t, first);
    int_set_constant(t, rd, value);
    return true;
}

bool emit_movw(struct translation *t, uint32_t insn)
{
    unsigned rd = reg_dst(bits(insn, 0, 5)), opc = bits(insn, 29, 2);
    uint64_t value = 0;
    if (!move_wide(insn, &value))
        return false;
    if (rd == REG_SINK)
        return true;
    if (opc != 3)
        int_set_constant(t, rd, value);
    else if (!move_keep_constant(t, rd))
        move_keep(t, int_width(insn), rd, bits(insn, 21, 2) * 16, bits(insn, 5, 16));
    return true;
}
