/*
 * emit_crypto.c - AES, 64-bit polynomial products, SHA-1 and SHA-256, on hosts that have them.
 *
 * The host's SHA instructions keep their operands in other orders of lanes, and exist with two
 * operands only, of which one in memory would have to be aligned.
 */
#include "vcpu/jit/emit_simd.h"
#include "vcpu/jit/simd_util.h"

/* Vd <- the host's round, or its last round, of XMM0 with a key of zero. */
static void aes_step(struct translation *t, unsigned op, unsigned rd)
{
    int dst = jit_vdst(rd, XMM0);
    v_zero(t, XMM1);
    v_rr(t, op, dst, XMM0, XMM1);
    jit_vdone(t, rd, dst, VHIGH_ANY);
}

/* AESE AESD: the key is added before substitution, the host's after. */
bool emit_aes_round(struct translation *t, uint32_t insn)
{
    unsigned rd = f_rd(insn);
    if (!t->host->aes)
        return false;
    v_op(t, VPXOR, XMM0, jit_vsrc(t, rd, XMM0), jit_vrm(f_rn(insn)));
    aes_step(t, t->id == A64_AESD ? VAESDECLAST : VAESENCLAST, rd);
    return true;
}

/* The last step of the previous instruction, where that was AESE (AESD) of the same register,
 * becomes one that mixes columns too: the host's other rounds do. */
static bool fused(struct translation *t, unsigned last, unsigned round, unsigned rd)
{
    uint8_t step[JIT_INSN_BYTES], *end = t->e.at;
    if (t->index == 0)
        return false;
    t->e.at = step;
    aes_step(t, last, rd);
    ptrdiff_t bytes = t->e.at - step;
    t->e.at = end;
    if (end - (t->code + t->map[t->index - 1].host) <= bytes || memcmp(end - bytes, step, bytes))
        return false;
    t->e.at = end - bytes;
    aes_step(t, round, rd);
    return true;
}

/* AESMC: the host mixes columns after shifting and substituting, which is undone before. */
bool emit_aes_mix(struct translation *t, uint32_t insn)
{
    unsigned rd = f_rd(insn), rn = f_rn(insn);
    if (!t->host->aes)
        return false;
    if (rd == rn && fused(t, VAESENCLAST, VAESENC, rd))
        return true;
    int dst = jit_vdst(rd, XMM0), n = jit_vsrc(t, rn, XMM0);
    v_zero(t, XMM1);
    v_rr(t, VAESDECLAST, XMM0, n, XMM1);
    v_rr(t, VAESENC, dst, XMM0, XMM1);
    jit_vdone(t, rd, dst, VHIGH_ANY);
    return true;
}

bool emit_aes_unmix(struct translation *t, uint32_t insn)
{
    unsigned rd = f_rd(insn), rn = f_rn(insn);
    if (!t->host->aes)
        return false;
    if (rd == rn && fused(t, VAESDECLAST, VAESDEC, rd))
        return true;
    int dst = jit_vdst(rd, XMM0);
    v_un(t, VAESIMC, dst, jit_vrm(rn));
    jit_vdone(t, rd, dst, VHIGH_ANY);
    return true;
}

/* PMULL PMULL2 of 64 bits. */
bool emit_pmull_64(struct translation *t, uint32_t insn)
{
    unsigned rd = f_rd(insn);
    if (!t->host->pclmul)
        return false;
    int dst = jit_vdst(rd, XMM0);
    x64_vop3a(&t->e, 0x44, dst, jit_vsrc(t, f_rn(insn), XMM0), jit_vrm(f_rm(insn)),
              f_q(insn) ? 0x11 : 0);
    jit_vdone(t, rd, dst, VHIGH_ANY);
    return true;
}

/* reg <- reg op rm: SHA1NEXTE to SHA256MSG2, which have no VEX form. */
enum { SHA1MSG2 = 0xca, SHA256RNDS2 = 0xcb, SHA256MSG1 = 0xcc, SHA256MSG2 = 0xcd };
static void sha(struct translation *t, unsigned opcode, int reg, int rm)
{
    x64_op(&t->e, 4, 0x0f3800 | opcode, reg, x64_reg(rm));
}

/*
 * SHA256H SHA256H2: four rounds from abcd and efgh, of which the first gives the new abcd and the
 * second the new efgh. SHA256RNDS2 does two, from lanes fe ba and hg dc, with the schedule in XMM0;
 * its new hg dc are the old fe ba.
 */
bool emit_sha256_rounds(struct translation *t, uint32_t insn)
{
    bool second = t->id == A64_SHA256H2;
    unsigned rd = f_rd(insn), abcd = second ? f_rn(insn) : rd, efgh = second ? rd : f_rn(insn);
    if (!t->host->sha)
        return false;
    int lo = jit_vsrc(t, efgh, XMM1), dst = jit_vdst(rd, XMM2);
    struct x64_rm hi = jit_vrm(abcd);
    v_shufps(t, XMM2, lo, hi, 0x11);
    v_shufps(t, XMM1, lo, hi, 0xbb);
    jit_vload(t, XMM0, f_rm(insn));
    sha(t, SHA256RNDS2, XMM1, XMM2);
    v_pshufd(t, XMM0, x64_reg(XMM0), 0xee);
    sha(t, SHA256RNDS2, XMM2, XMM1);
    v_shufps(t, dst, XMM2, x64_reg(XMM1), second ? 0x11 : 0xbb);
    jit_vdone(t, rd, dst, VHIGH_ANY);
    return true;
}

bool emit_sha256_su0(struct translation *t, uint32_t insn)
{
    unsigned rd = f_rd(insn);
    if (!t->host->sha)
        return false;
    int d = jit_vsrc(t, rd, XMM0), n = jit_vsrc(t, f_rn(insn), XMM1);
    sha(t, SHA256MSG1, d, n);
    jit_vdone(t, rd, d, VHIGH_ANY);
    return true;
}

/* The host adds W[t-2], the rest is to be added before. */
bool emit_sha256_su1(struct translation *t, uint32_t insn)
{
    unsigned rd = f_rd(insn);
    if (!t->host->sha)
        return false;
    int m = jit_vsrc(t, f_rm(insn), XMM1);
    x64_vop3a(&t->e, 0x0f, XMM0, m, jit_vrm(f_rn(insn)), 4); /* VPALIGNR */
    v_op(t, VPADDD, XMM0, XMM0, jit_vrm(rd));
    sha(t, SHA256MSG2, XMM0, m);
    jit_vdone(t, rd, XMM0, VHIGH_ANY);
    return true;
}

/* SHA1C SHA1P SHA1M: the host has a, the first schedule word and e in the highest lane, and adds
 * the round constant. */
bool emit_sha1_rounds(struct translation *t, uint32_t insn)
{
    unsigned rd = f_rd(insn), n = f_rn(insn), kind = bits(insn, 12, 2);
    if (!t->host->sha)
        return false;
    int m = jit_vsrc(t, f_rm(insn), XMM1), dst = jit_vdst(rd, XMM0);
    v_op(t, simd_same_ops[SAME_SUB][2], XMM1, m, jit_table(TABLE_SHA1_K + kind));
    v_op(t, VPAND, XMM2, jit_vsrc(t, n, XMM2), JIT_CONST(low_s));
    v_rr(t, VPADDD, XMM1, XMM1, XMM2);
    v_pshufd(t, XMM1, x64_reg(XMM1), 0x1b);
    v_pshufd(t, XMM0, jit_vrm(rd), 0x1b);
    x64_op(&t->e, 4, 0x0f3acc, XMM0, x64_reg(XMM1)); /* SHA1RNDS4 */
    x64_u8(&t->e, kind);
    v_pshufd(t, dst, x64_reg(XMM0), 0x1b);
    jit_vdone(t, rd, dst, VHIGH_ANY);
    return true;
}

/* The lowest word rotated by 30. */
bool emit_sha1_h(struct translation *t, uint32_t insn)
{
    unsigned rd = f_rd(insn);
    int dst = jit_vdst(rd, XMM0), n = jit_vsrc(t, f_rn(insn), XMM1);
    v_shift(t, V_SLL, 2, XMM0, n, 30);
    v_shift(t, V_SRL, 2, XMM1, n, 2);
    v_rr(t, VPOR, dst, XMM0, XMM1);
    v_done(t, rd, dst, 4, VHIGH_ANY);
    return true;
}

bool emit_sha1_su0(struct translation *t, uint32_t insn)
{
    unsigned rd = f_rd(insn);
    int dst = jit_vdst(rd, XMM0), n = jit_vsrc(t, f_rn(insn), XMM1), d = jit_vsrc(t, rd, XMM2);
    x64_vop3a(&t->e, 0x0f, XMM0, n, x64_reg(d), 8); /* VPALIGNR */
    v_rr(t, VPXOR, XMM0, XMM0, d);
    v_op(t, VPXOR, dst, XMM0, jit_vrm(f_rm(insn)));
    jit_vdone(t, rd, dst, VHIGH_ANY);
    return true;
}

bool emit_sha1_su1(struct translation *t, uint32_t insn)
{
    unsigned rd = f_rd(insn);
    if (!t->host->sha)
        return false;
    int dst = jit_vdst(rd, XMM0);
    v_pshufd(t, XMM0, jit_vrm(rd), 0x1b);
    v_pshufd(t, XMM1, jit_vrm(f_rn(insn)), 0x1b);
    sha(t, SHA1MSG2, XMM0, XMM1);
    v_pshufd(t, dst, x64_reg(XMM0), 0x1b);
    jit_vdone(t, rd, dst, VHIGH_ANY);
    return true;
}
