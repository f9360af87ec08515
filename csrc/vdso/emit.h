/* emit.h - the few A64 instruction words that the vDSO's functions are made of, by their mnemonics.
 */
#ifndef ELFUSE_VDSO_EMIT_H
#define ELFUSE_VDSO_EMIT_H

#include <stdint.h>

#define A64_XZR 31u

enum { COND_NE = 1, COND_HS = 2 };

static inline uint32_t a64_nop(void)
{
    return 0xd503201fu;
}
static inline uint32_t a64_isb(void)
{
    return 0xd5033fdfu;
}
static inline uint32_t a64_dmb_ishld(void)
{
    return 0xd50339bfu;
}
static inline uint32_t a64_svc0(void)
{
    return 0xd4000001u;
}
static inline uint32_t a64_ret(void)
{
    return 0xd65f03c0u;
}
/* mrs xd, cntvct_el0 */
static inline uint32_t a64_mrs_cntvct(unsigned d)
{
    return 0xd53be040u | d;
}
/* movz xd, #imm16, lsl #16*hw; movk likewise */
static inline uint32_t a64_movz(unsigned d, uint32_t imm, unsigned hw)
{
    return 0xd2800000u | hw << 21 | imm << 5 | d;
}
static inline uint32_t a64_movk(unsigned d, uint32_t imm, unsigned hw)
{
    return 0xf2800000u | hw << 21 | imm << 5 | d;
}
static inline uint32_t a64_add(unsigned d, unsigned n, unsigned m)
{
    return 0x8b000000u | m << 16 | n << 5 | d;
}
static inline uint32_t a64_sub(unsigned d, unsigned n, unsigned m)
{
    return 0xcb000000u | m << 16 | n << 5 | d;
}
static inline uint32_t a64_udiv(unsigned d, unsigned n, unsigned m)
{
    return 0x9ac00800u | m << 16 | n << 5 | d;
}
static inline uint32_t a64_umulh(unsigned d, unsigned n, unsigned m)
{
    return 0x9bc07c00u | m << 16 | n << 5 | d;
}
/* hint #n */
static inline uint32_t a64_hint(uint32_t n)
{
    return 0xd503201fu | n << 5;
}
/* sub wd, wn, #imm */
static inline uint32_t a64_sub_w_imm(unsigned d, unsigned n, uint32_t imm)
{
    return 0x51000000u | imm << 10 | n << 5 | d;
}
/* lsr xd, xn, #shift */
static inline uint32_t a64_lsr_x(unsigned d, unsigned n, uint32_t shift)
{
    return 0xd340fc00u | shift << 16 | n << 5 | d;
}
/* msub xd, xn, xm, xa: xa - xn * xm */
static inline uint32_t a64_msub(unsigned d, unsigned n, unsigned m, unsigned a)
{
    return 0x9b008000u | m << 16 | a << 10 | n << 5 | d;
}
/* cmp wn, #imm; cmp wn, wm; cmp xn, xm */
static inline uint32_t a64_cmp_w_imm(unsigned n, uint32_t imm)
{
    return 0x7100001fu | imm << 10 | n << 5;
}
static inline uint32_t a64_cmp_w(unsigned n, unsigned m)
{
    return 0x6b00001fu | m << 16 | n << 5;
}
static inline uint32_t a64_cmp_x(unsigned n, unsigned m)
{
    return 0xeb00001fu | m << 16 | n << 5;
}
/* ldr wt, [xn, #off]; ldr xt, [xn, #off]; ldp, stp xt, xt2, [xn, #off] */
static inline uint32_t a64_ldr_w(unsigned t, unsigned n, uint32_t off)
{
    return 0xb9400000u | off / 4 << 10 | n << 5 | t;
}
static inline uint32_t a64_ldr_x(unsigned t, unsigned n, uint32_t off)
{
    return 0xf9400000u | off / 8 << 10 | n << 5 | t;
}
static inline uint32_t a64_ldp_x(unsigned t, unsigned t2, unsigned n, uint32_t off)
{
    return 0xa9400000u | off / 8 << 15 | t2 << 10 | n << 5 | t;
}
static inline uint32_t a64_stp_x(unsigned t, unsigned t2, unsigned n, uint32_t off)
{
    return 0xa9000000u | off / 8 << 15 | t2 << 10 | n << 5 | t;
}
/* adr xd, pc + off */
static inline uint32_t a64_adr(unsigned d, int32_t off)
{
    uint32_t imm = (uint32_t)off & 0x1fffffu;
    return 0x10000000u | (imm & 3) << 29 | imm >> 2 << 5 | d;
}
/* Branches by off bytes. */
static inline uint32_t a64_b(int32_t off)
{
    return 0x14000000u | ((uint32_t)(off / 4) & 0x3ffffffu);
}
static inline uint32_t a64_b_cond(unsigned cond, int32_t off)
{
    return 0x54000000u | ((uint32_t)(off / 4) & 0x7ffffu) << 5 | cond;
}
static inline uint32_t a64_cbz_w(unsigned t, int32_t off)
{
    return 0x34000000u | ((uint32_t)(off / 4) & 0x7ffffu) << 5 | t;
}
static inline uint32_t a64_cbnz_w(unsigned t, int32_t off)
{
    return 0x35000000u | ((uint32_t)(off / 4) & 0x7ffffu) << 5 | t;
}
static inline uint32_t a64_cbz_x(unsigned t, int32_t off)
{
    return 0xb4000000u | ((uint32_t)(off / 4) & 0x7ffffu) << 5 | t;
}
static inline uint32_t a64_cbnz_x(unsigned t, int32_t off)
{
    return 0xb5000000u | ((uint32_t)(off / 4) & 0x7ffffu) << 5 | t;
}
/* tbnz wt, #0, pc + off */
static inline uint32_t a64_tbnz_bit0(unsigned t, int32_t off)
{
    return 0x37000000u | ((uint32_t)(off / 4) & 0x3fffu) << 5 | t;
}

#endif
