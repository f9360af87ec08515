/*
 * x64.h - x86-64 instructions into a buffer. A small emitter of our own: the translator needs some
 * hundred forms, and inlined constants make each a few stores.
 *
 * Operand order is Intel's: destination first. Widths are in bytes (1, 2, 4, 8). A 4-byte result in
 * a register zeroes its upper half; one in memory does not. Nothing is checked: whoever emits has
 * made room (JIT_INSN_BYTES, translate.h) and passes encodable operands. tests/unit/c/test_x64.c
 * compares each form with a disassembler.
 */
#ifndef ELFUSE_JIT_X64_H
#define ELFUSE_JIT_X64_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum x64_gpr { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };
enum x64_xmm {
    XMM0,
    XMM1,
    XMM2,
    XMM3,
    XMM4,
    XMM5,
    XMM6,
    XMM7,
    XMM8,
    XMM9,
    XMM10,
    XMM11,
    XMM12,
    XMM13,
    XMM14,
    XMM15
};

/* Condition codes of jcc, setcc and cmovcc. */
enum x64_cc {
    CC_O,
    CC_NO,
    CC_B,
    CC_AE,
    CC_E,
    CC_NE,
    CC_BE,
    CC_A,
    CC_S,
    CC_NS,
    CC_P,
    CC_NP,
    CC_L,
    CC_GE,
    CC_LE,
    CC_G
};

/* The eight operations of opcodes 00 to 3f. */
enum x64_alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };
/* The operations of c1 and d3. */
enum x64_shift { SHIFT_ROL, SHIFT_ROR, SHIFT_RCL, SHIFT_RCR, SHIFT_SHL, SHIFT_SHR, SHIFT_SAR = 7 };

struct x64 {
    uint8_t *at; /* where the next byte goes */
};

/* A register-or-memory operand. */
struct x64_rm {
    int8_t reg;         /* the register, or -1: memory at base + (index << scale) + disp */
    int8_t base, index; /* index -1: none. RSP is no index. */
    uint8_t scale;      /* log2 */
    int32_t disp;
};

static inline struct x64_rm x64_reg(int reg)
{
    return (struct x64_rm){(int8_t)reg, -1, -1, 0, 0};
}
static inline struct x64_rm x64_mem(int base, int32_t disp)
{
    return (struct x64_rm){-1, (int8_t)base, -1, 0, disp};
}
static inline struct x64_rm x64_mem_index(int base, int index, unsigned scale, int32_t disp)
{
    return (struct x64_rm){-1, (int8_t)base, (int8_t)index, (uint8_t)scale, disp};
}

static inline void x64_u8(struct x64 *e, unsigned v)
{
    *e->at++ = (uint8_t)v;
}
static inline void x64_u16(struct x64 *e, unsigned v)
{
    uint16_t w = (uint16_t)v;
    memcpy(e->at, &w, 2);
    e->at += 2;
}
static inline void x64_u32(struct x64 *e, uint32_t v)
{
    memcpy(e->at, &v, 4);
    e->at += 4;
}
static inline void x64_u64(struct x64 *e, uint64_t v)
{
    memcpy(e->at, &v, 8);
    e->at += 8;
}

/* ModRM, SIB and displacement. reg is the low three bits of the other operand or the opcode's
 * extension. */
static inline void x64_modrm(struct x64 *e, unsigned reg, struct x64_rm rm)
{
    reg = (reg & 7) << 3;
    if (rm.reg >= 0) {
        x64_u8(e, 0xc0 | reg | (rm.reg & 7));
        return;
    }
    /* RBP and R13 as a base need a displacement; RSP and R12 a SIB. */
    unsigned mod = rm.disp == 0 && (rm.base & 7) != RBP ? 0x00
                   : rm.disp == (int8_t)rm.disp         ? 0x40
                                                        : 0x80;
    if (rm.index >= 0) {
        x64_u8(e, mod | reg | 4);
        x64_u8(e, (unsigned)rm.scale << 6 | (rm.index & 7) << 3 | (rm.base & 7));
    } else if ((rm.base & 7) == RSP) {
        x64_u8(e, mod | reg | 4);
        x64_u8(e, 0x24);
    } else {
        x64_u8(e, mod | reg | (rm.base & 7));
    }
    if (mod == 0x40)
        x64_u8(e, (unsigned)rm.disp);
    else if (mod == 0x80)
        x64_u32(e, (uint32_t)rm.disp);
}

/* REX.W R X B, without the 0x40. */
static inline unsigned x64_rex_bits(bool w, unsigned reg, struct x64_rm rm)
{
    unsigned rex = (unsigned)w << 3 | (reg >> 3 & 1) << 2;
    if (rm.reg >= 0)
        return rex | (rm.reg >> 3 & 1);
    return rex | (rm.index >= 0 ? (unsigned)(rm.index >> 3 & 1) << 1 : 0) | (rm.base >> 3 & 1);
}

/*
 * One general instruction: [66] [REX] opcode ModRM. width 2 gives the 66 prefix, width 8 REX.W;
 * width 1 makes sure that SPL to DIL are not AH to BH, for registers on both sides. opcode: one
 * byte, or 0x0fXX, or 0x0f38XX.
 */
static inline void x64_op(struct x64 *e, unsigned width, unsigned opcode, unsigned reg,
                          struct x64_rm rm)
{
    unsigned rex = x64_rex_bits(width == 8, reg, rm);
    if (width == 2)
        x64_u8(e, 0x66);
    if (rex || (width == 1 && (reg >= 4 || rm.reg >= 4)))
        x64_u8(e, 0x40 | rex);
    if (opcode > 0xffff)
        x64_u8(e, opcode >> 16);
    if (opcode > 0xff)
        x64_u8(e, opcode >> 8 & 0xff);
    x64_u8(e, opcode & 0xff);
    x64_modrm(e, reg, rm);
}

/* The same with a mandatory prefix (f2, f3, 66) before REX. */
static inline void x64_op_prefix(struct x64 *e, unsigned prefix, unsigned width, unsigned opcode,
                                 unsigned reg, struct x64_rm rm)
{
    x64_u8(e, prefix);
    x64_op(e, width, opcode, reg, rm);
}

/* ---- moves ---- */

/* reg <- rm, rm <- reg. width 1 and 2 leave the rest of a register as it is. */
static inline void x64_mov(struct x64 *e, unsigned width, unsigned reg, struct x64_rm rm)
{
    x64_op(e, width, width == 1 ? 0x8a : 0x8b, reg, rm);
}
static inline void x64_mov_to(struct x64 *e, unsigned width, struct x64_rm rm, unsigned reg)
{
    x64_op(e, width, width == 1 ? 0x88 : 0x89, reg, rm);
}
/* Any 64-bit constant, in the shortest form. Changes no flags. */
static inline void x64_mov_imm(struct x64 *e, unsigned reg, uint64_t v)
{
    if (v <= UINT32_MAX) {
        if (reg >= 8)
            x64_u8(e, 0x41);
        x64_u8(e, 0xb8 | (reg & 7));
        x64_u32(e, (uint32_t)v);
    } else if ((int64_t)v == (int32_t)v) {
        x64_op(e, 8, 0xc7, 0, x64_reg((int)reg));
        x64_u32(e, (uint32_t)v);
    } else {
        x64_u8(e, 0x48 | reg >> 3);
        x64_u8(e, 0xb8 | (reg & 7));
        x64_u64(e, v);
    }
}
/* rm <- a constant; width 8 sign-extends 32 bits. */
static inline void x64_mov_to_imm(struct x64 *e, unsigned width, struct x64_rm rm, int32_t v)
{
    x64_op(e, width, width == 1 ? 0xc6 : 0xc7, 0, rm);
    if (width == 1)
        x64_u8(e, (unsigned)v);
    else if (width == 2)
        x64_u16(e, (unsigned)v);
    else
        x64_u32(e, (uint32_t)v);
}
/* Zero-extend `from` (1, 2) bytes to 32 bits, so to 64. 4 bytes: x64_mov(e, 4, ...). */
static inline void x64_movzx(struct x64 *e, unsigned from, unsigned reg, struct x64_rm rm)
{
    /* The source's width decides about SIL and DIL; the destination is 4 bytes. */
    unsigned rex = x64_rex_bits(false, reg, rm);
    if (rex || (from == 1 && rm.reg >= 4))
        x64_u8(e, 0x40 | rex);
    x64_u8(e, 0x0f);
    x64_u8(e, from == 1 ? 0xb6 : 0xb7);
    x64_modrm(e, reg, rm);
}
/* Sign-extend `from` (1, 2, 4) bytes to `width` (4, 8). */
static inline void x64_movsx(struct x64 *e, unsigned width, unsigned from, unsigned reg,
                             struct x64_rm rm)
{
    unsigned rex = x64_rex_bits(width == 8, reg, rm);
    if (rex || (from == 1 && rm.reg >= 4))
        x64_u8(e, 0x40 | rex);
    if (from == 4) {
        x64_u8(e, 0x63);
    } else {
        x64_u8(e, 0x0f);
        x64_u8(e, from == 1 ? 0xbe : 0xbf);
    }
    x64_modrm(e, reg, rm);
}
/* rm must be memory. */
static inline void x64_lea(struct x64 *e, unsigned width, unsigned reg, struct x64_rm rm)
{
    x64_op(e, width, 0x8d, reg, rm);
}
static inline void x64_xchg(struct x64 *e, unsigned width, unsigned reg, struct x64_rm rm)
{
    x64_op(e, width, width == 1 ? 0x86 : 0x87, reg, rm);
}

/* ---- arithmetic ---- */

/* reg <- reg op rm; rm <- rm op reg; rm <- rm op constant (width 8 sign-extends 32 bits). */
static inline void x64_alu(struct x64 *e, enum x64_alu op, unsigned width, unsigned reg,
                           struct x64_rm rm)
{
    x64_op(e, width, (unsigned)op << 3 | (width == 1 ? 2 : 3), reg, rm);
}
static inline void x64_alu_to(struct x64 *e, enum x64_alu op, unsigned width, struct x64_rm rm,
                              unsigned reg)
{
    x64_op(e, width, (unsigned)op << 3 | (width == 1 ? 0 : 1), reg, rm);
}
static inline void x64_alu_imm(struct x64 *e, enum x64_alu op, unsigned width, struct x64_rm rm,
                               int32_t v)
{
    if (width == 1) {
        x64_op(e, 1, 0x80, op, rm);
        x64_u8(e, (unsigned)v);
    } else if (v == (int8_t)v) {
        x64_op(e, width, 0x83, op, rm);
        x64_u8(e, (unsigned)v);
    } else {
        x64_op(e, width, 0x81, op, rm);
        if (width == 2)
            x64_u16(e, (unsigned)v);
        else
            x64_u32(e, (uint32_t)v);
    }
}
static inline void x64_test(struct x64 *e, unsigned width, struct x64_rm rm, unsigned reg)
{
    x64_op(e, width, width == 1 ? 0x84 : 0x85, reg, rm);
}
static inline void x64_test_imm(struct x64 *e, unsigned width, struct x64_rm rm, int32_t v)
{
    x64_op(e, width, width == 1 ? 0xf6 : 0xf7, 0, rm);
    if (width == 1)
        x64_u8(e, (unsigned)v);
    else if (width == 2)
        x64_u16(e, (unsigned)v);
    else
        x64_u32(e, (uint32_t)v);
}
static inline void x64_shift_imm(struct x64 *e, enum x64_shift op, unsigned width, struct x64_rm rm,
                                 unsigned n)
{
    x64_op(e, width, width == 1 ? 0xc0 : 0xc1, op, rm);
    x64_u8(e, n);
}
/* By CL. */
static inline void x64_shift_cl(struct x64 *e, enum x64_shift op, unsigned width, struct x64_rm rm)
{
    x64_op(e, width, width == 1 ? 0xd2 : 0xd3, op, rm);
}
/* rm <- rm shifted, filled from reg. */
static inline void x64_shld(struct x64 *e, unsigned width, struct x64_rm rm, unsigned reg,
                            unsigned n)
{
    x64_op(e, width, 0x0fa4, reg, rm);
    x64_u8(e, n);
}
static inline void x64_shrd(struct x64 *e, unsigned width, struct x64_rm rm, unsigned reg,
                            unsigned n)
{
    x64_op(e, width, 0x0fac, reg, rm);
    x64_u8(e, n);
}
static inline void x64_not(struct x64 *e, unsigned width, struct x64_rm rm)
{
    x64_op(e, width, width == 1 ? 0xf6 : 0xf7, 2, rm);
}
static inline void x64_neg(struct x64 *e, unsigned width, struct x64_rm rm)
{
    x64_op(e, width, width == 1 ? 0xf6 : 0xf7, 3, rm);
}
/* reg <- reg * rm, the low half. */
static inline void x64_imul(struct x64 *e, unsigned width, unsigned reg, struct x64_rm rm)
{
    x64_op(e, width, 0x0faf, reg, rm);
}
/* RDX:RAX <- RAX * rm; RAX, RDX <- RDX:RAX / rm, quotient and remainder. */
static inline void x64_mul_wide(struct x64 *e, unsigned width, bool is_signed, struct x64_rm rm)
{
    x64_op(e, width, 0xf7, is_signed ? 5 : 4, rm);
}
static inline void x64_div_wide(struct x64 *e, unsigned width, bool is_signed, struct x64_rm rm)
{
    x64_op(e, width, 0xf7, is_signed ? 7 : 6, rm);
}
/* RDX <- sign of RAX. */
static inline void x64_cqo(struct x64 *e, unsigned width)
{
    if (width == 8)
        x64_u8(e, 0x48);
    x64_u8(e, 0x99);
}
static inline void x64_bswap(struct x64 *e, unsigned width, unsigned reg)
{
    if (width == 8 || reg >= 8)
        x64_u8(e, 0x40 | (width == 8 ? 8 : 0) | reg >> 3);
    x64_u8(e, 0x0f);
    x64_u8(e, 0xc8 | (reg & 7));
}
/* CF <- bit n of rm. */
static inline void x64_bt_imm(struct x64 *e, unsigned width, struct x64_rm rm, unsigned n)
{
    x64_op(e, width, 0x0fba, 4, rm);
    x64_u8(e, n);
}
static inline void x64_bsr(struct x64 *e, unsigned width, unsigned reg, struct x64_rm rm)
{
    x64_op(e, width, 0x0fbd, reg, rm);
}
/* Host feature LZCNT; a host without it runs BSR. */
static inline void x64_lzcnt(struct x64 *e, unsigned width, unsigned reg, struct x64_rm rm)
{
    x64_op_prefix(e, 0xf3, width, 0x0fbd, reg, rm);
}
static inline void x64_bsf(struct x64 *e, unsigned width, unsigned reg, struct x64_rm rm)
{
    x64_op(e, width, 0x0fbc, reg, rm);
}
/* Host feature BMI1; a host without it runs BSF. */
static inline void x64_tzcnt(struct x64 *e, unsigned width, unsigned reg, struct x64_rm rm)
{
    x64_op_prefix(e, 0xf3, width, 0x0fbc, reg, rm);
}
static inline void x64_setcc(struct x64 *e, enum x64_cc cc, struct x64_rm rm)
{
    x64_op(e, 1, 0x0f90 | cc, 0, rm);
}
static inline void x64_cmov(struct x64 *e, enum x64_cc cc, unsigned width, unsigned reg,
                            struct x64_rm rm)
{
    x64_op(e, width, 0x0f40 | cc, reg, rm);
}
static inline void x64_cmc(struct x64 *e)
{
    x64_u8(e, 0xf5);
}
static inline void x64_stc(struct x64 *e)
{
    x64_u8(e, 0xf9);
}
static inline void x64_clc(struct x64 *e)
{
    x64_u8(e, 0xf8);
}
static inline void x64_lahf(struct x64 *e)
{
    x64_u8(e, 0x9f);
}
static inline void x64_sahf(struct x64 *e)
{
    x64_u8(e, 0x9e);
}

/* ---- atomics ---- */

static inline void x64_lock(struct x64 *e)
{
    x64_u8(e, 0xf0);
}
/* After x64_lock(): if rAX == rm then rm <- reg, ZF; else rAX <- rm. */
static inline void x64_cmpxchg(struct x64 *e, unsigned width, struct x64_rm rm, unsigned reg)
{
    x64_op(e, width, width == 1 ? 0x0fb0 : 0x0fb1, reg, rm);
}
static inline void x64_xadd(struct x64 *e, unsigned width, struct x64_rm rm, unsigned reg)
{
    x64_op(e, width, width == 1 ? 0x0fc0 : 0x0fc1, reg, rm);
}
static inline void x64_mfence(struct x64 *e)
{
    x64_u8(e, 0x0f);
    x64_u8(e, 0xae);
    x64_u8(e, 0xf0);
}

/* ---- flow ---- */

/* Within a block: returns the place of the displacement, for x64_land(). */
static inline uint8_t *x64_jcc8(struct x64 *e, enum x64_cc cc)
{
    x64_u8(e, 0x70 | cc);
    x64_u8(e, 0);
    return e->at - 1;
}
static inline uint8_t *x64_jmp8(struct x64 *e)
{
    x64_u8(e, 0xeb);
    x64_u8(e, 0);
    return e->at - 1;
}
/* The short jump at `site` goes here. */
static inline void x64_land8(struct x64 *e, uint8_t *site)
{
    *site = (uint8_t)(e->at - site - 1);
}
static inline uint8_t *x64_jcc32(struct x64 *e, enum x64_cc cc)
{
    x64_u8(e, 0x0f);
    x64_u8(e, 0x80 | cc);
    x64_u32(e, 0);
    return e->at - 4;
}
static inline uint8_t *x64_jmp32(struct x64 *e)
{
    x64_u8(e, 0xe9);
    x64_u32(e, 0);
    return e->at - 4;
}
static inline uint8_t *x64_call32(struct x64 *e)
{
    x64_u8(e, 0xe8);
    x64_u32(e, 0);
    return e->at - 4;
}
/* The four-byte displacement at site leads to target. */
static inline void x64_aim32(uint8_t *site, const uint8_t *target)
{
    int32_t d = (int32_t)(target - site - 4);
    memcpy(site, &d, 4);
}
static inline void x64_jmp_rm(struct x64 *e, struct x64_rm rm)
{
    x64_op(e, 4, 0xff, 4, rm);
}
static inline void x64_call_rm(struct x64 *e, struct x64_rm rm)
{
    x64_op(e, 4, 0xff, 2, rm);
}
static inline void x64_push(struct x64 *e, unsigned reg)
{
    if (reg >= 8)
        x64_u8(e, 0x41);
    x64_u8(e, 0x50 | (reg & 7));
}
static inline void x64_pop(struct x64 *e, unsigned reg)
{
    if (reg >= 8)
        x64_u8(e, 0x41);
    x64_u8(e, 0x58 | (reg & 7));
}
static inline void x64_ret(struct x64 *e)
{
    x64_u8(e, 0xc3);
}

/* n bytes (0 to 15) that do nothing, in as few instructions as there are. */
static inline void x64_nop(struct x64 *e, unsigned n)
{
    static const uint8_t nops[8][8] = {
        {0x90},
        {0x66, 0x90},
        {0x0f, 0x1f, 0x00},
        {0x0f, 0x1f, 0x40, 0x00},
        {0x0f, 0x1f, 0x44, 0x00, 0x00},
        {0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00},
        {0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00},
        {0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
    };
    while (n) {
        unsigned k = n < 8 ? n : 8;
        memcpy(e->at, nops[k - 1], k);
        e->at += k;
        n -= k;
    }
}

/* ---- VEX ---- */

enum x64_pp { PP_NONE, PP_66, PP_F3, PP_F2 };
enum x64_map { MAP_0F = 1, MAP_0F38, MAP_0F3A };

/*
 * One VEX instruction with 128-bit vectors (L=0): opcode reg, vvvv, rm. Where there is no second
 * source, vvvv is 0, which encodes as 1111.
 */
static inline void x64_vex(struct x64 *e, enum x64_pp pp, enum x64_map map, bool w, unsigned opcode,
                           unsigned reg, unsigned vvvv, struct x64_rm rm)
{
    unsigned rex = x64_rex_bits(w, reg, rm);
    if (map == MAP_0F && !(rex & 0xb)) {
        x64_u8(e, 0xc5);
        x64_u8(e, (rex & 4 ? 0 : 0x80) | (~vvvv & 15) << 3 | pp);
    } else {
        x64_u8(e, 0xc4);
        x64_u8(e, (~rex & 7) << 5 | map);
        x64_u8(e, (unsigned)w << 7 | (~vvvv & 15) << 3 | pp);
    }
    x64_u8(e, opcode);
    x64_modrm(e, reg, rm);
}
static inline void x64_vex_imm(struct x64 *e, enum x64_pp pp, enum x64_map map, bool w,
                               unsigned opcode, unsigned reg, unsigned vvvv, struct x64_rm rm,
                               unsigned imm)
{
    x64_vex(e, pp, map, w, opcode, reg, vvvv, rm);
    x64_u8(e, imm);
}

/* Moves of a whole vector, aligned or not, and of its low 8 or 4 bytes. From memory or by VMOVQ and
 * VMOVD the rest becomes zero. */
static inline void x64_vmovdqu(struct x64 *e, unsigned reg, struct x64_rm rm)
{
    x64_vex(e, PP_F3, MAP_0F, false, 0x6f, reg, 0, rm);
}
static inline void x64_vmovdqu_to(struct x64 *e, struct x64_rm rm, unsigned reg)
{
    x64_vex(e, PP_F3, MAP_0F, false, 0x7f, reg, 0, rm);
}
/* xmm <- low 8 bytes of an XMM register or memory. */
static inline void x64_vmovq(struct x64 *e, unsigned reg, struct x64_rm xmm)
{
    x64_vex(e, PP_F3, MAP_0F, false, 0x7e, reg, 0, xmm);
}
/* 8 bytes of memory <- xmm. */
static inline void x64_vmovq_to(struct x64 *e, struct x64_rm mem, unsigned reg)
{
    x64_vex(e, PP_66, MAP_0F, false, 0xd6, reg, 0, mem);
}
/* xmm <- general register or memory, 4 or 8 bytes; and back. */
static inline void x64_vmov_from_gpr(struct x64 *e, unsigned width, unsigned xmm, struct x64_rm rm)
{
    x64_vex(e, PP_66, MAP_0F, width == 8, 0x6e, xmm, 0, rm);
}
static inline void x64_vmov_to_gpr(struct x64 *e, unsigned width, struct x64_rm rm, unsigned xmm)
{
    x64_vex(e, PP_66, MAP_0F, width == 8, 0x7e, xmm, 0, rm);
}
/* reg <- vvvv op rm, all 128 bits: the packed integer operations, by opcode in map 0f or 0f38 with
 * prefix 66. */
static inline void x64_vop(struct x64 *e, unsigned opcode, unsigned reg, unsigned vvvv,
                           struct x64_rm rm)
{
    x64_vex(e, PP_66, MAP_0F, false, opcode, reg, vvvv, rm);
}
static inline void x64_vop38(struct x64 *e, unsigned opcode, unsigned reg, unsigned vvvv,
                             struct x64_rm rm)
{
    x64_vex(e, PP_66, MAP_0F38, false, opcode, reg, vvvv, rm);
}
static inline void x64_vop3a(struct x64 *e, unsigned opcode, unsigned reg, unsigned vvvv,
                             struct x64_rm rm, unsigned imm)
{
    x64_vex_imm(e, PP_66, MAP_0F3A, false, opcode, reg, vvvv, rm, imm);
}

/* Lane i of size 0 to 3 (log2 of its bytes): reg <- vvvv with that lane from a general register or
 * memory; rm <- that lane of reg, in a register zero-extended to 32 bits. */
static inline void x64_vpinsr(struct x64 *e, unsigned size, unsigned reg, unsigned vvvv,
                              struct x64_rm rm, unsigned i)
{
    if (size == 1)
        x64_vex_imm(e, PP_66, MAP_0F, false, 0xc4, reg, vvvv, rm, i);
    else
        x64_vex_imm(e, PP_66, MAP_0F3A, size == 3, size ? 0x22 : 0x20, reg, vvvv, rm, i);
}
static inline void x64_vpextr(struct x64 *e, unsigned size, struct x64_rm rm, unsigned reg,
                              unsigned i)
{
    x64_vex_imm(e, PP_66, MAP_0F3A, size == 3, 0x14 + (size < 3 ? size : 2), reg, 0, rm, i);
}

/* ---- 256 bits ---- */

/* x64_vex() with L=1. */
static inline void x64_vex256(struct x64 *e, enum x64_pp pp, enum x64_map map, unsigned opcode,
                              unsigned reg, unsigned vvvv, struct x64_rm rm)
{
    unsigned rex = x64_rex_bits(false, reg, rm);
    x64_u8(e, 0xc4);
    x64_u8(e, (~rex & 7) << 5 | map);
    x64_u8(e, (~vvvv & 15) << 3 | 4 | pp);
    x64_u8(e, opcode);
    x64_modrm(e, reg, rm);
}
static inline void x64_vmovdqu256_to(struct x64 *e, struct x64_rm rm, unsigned reg)
{
    x64_vex256(e, PP_F3, MAP_0F, 0x7f, reg, 0, rm);
}
/* reg <- low 128 bits of vvvv, then 128 bits of rm. */
static inline void x64_vinsertf128(struct x64 *e, unsigned reg, unsigned vvvv, struct x64_rm rm)
{
    x64_vex256(e, PP_66, MAP_0F3A, 0x18, reg, vvvv, rm);
    x64_u8(e, 1);
}

/* ---- BMI2 (VEX, general registers) ---- */

/* reg <- rm shifted by vvvv, no flags. SHIFT_SHL, SHR or SAR. */
static inline void x64_shiftx(struct x64 *e, enum x64_shift op, unsigned width, unsigned reg,
                              struct x64_rm rm, unsigned count)
{
    enum x64_pp pp = op == SHIFT_SHL ? PP_66 : op == SHIFT_SHR ? PP_F2 : PP_F3;
    x64_vex(e, pp, MAP_0F38, width == 8, 0xf7, reg, count, rm);
}
/* reg <- ~inverted & rm, flags as AND. (BMI1, which whatever has BMI2 has.) */
static inline void x64_andn(struct x64 *e, unsigned width, unsigned reg, unsigned inverted,
                            struct x64_rm rm)
{
    x64_vex(e, PP_NONE, MAP_0F38, width == 8, 0xf2, reg, inverted, rm);
}
/* high:low <- RDX * rm, unsigned, no flags. */
static inline void x64_mulx(struct x64 *e, unsigned width, unsigned high, unsigned low,
                            struct x64_rm rm)
{
    x64_vex(e, PP_F2, MAP_0F38, width == 8, 0xf6, high, low, rm);
}
/* reg <- rm rotated right by n, no flags. */
static inline void x64_rorx(struct x64 *e, unsigned width, unsigned reg, struct x64_rm rm,
                            unsigned n)
{
    x64_vex_imm(e, PP_F2, MAP_0F3A, width == 8, 0xf0, reg, 0, rm, n);
}

#endif
