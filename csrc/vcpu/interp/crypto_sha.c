/*
 * crypto_sha.c - the SHA-1 and SHA-256 instructions (FIPS 180-4, sections 6.1 and 6.2). Each hash
 * instruction does four rounds on a state of words in V registers, with the round constants already
 * added to the schedule words in Vm.
 */
#include "a64_gen.h"
#include "vcpu/interp/simd.h"

SIMD_INLINE uint32_t rol(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}
SIMD_INLINE uint32_t ror(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}
SIMD_INLINE uint32_t choose(uint32_t x, uint32_t y, uint32_t z)
{
    return ((y ^ z) & x) ^ z;
}
SIMD_INLINE uint32_t majority(uint32_t x, uint32_t y, uint32_t z)
{
    return (x & y) | ((x | y) & z);
}
SIMD_INLINE uint32_t parity(uint32_t x, uint32_t y, uint32_t z)
{
    return x ^ y ^ z;
}

/* Vd = a, b, c, d; Sn = e. */
#define SHA1_ROUNDS(NAME, F)                                                                       \
    static void NAME(struct interp_cpu *cpu, const struct a64_op *op)                              \
    {                                                                                              \
        union vreg s = vreg_read(cpu, op->rd), w = vreg_read(cpu, op->rm);                         \
        uint32_t e = vreg_read(cpu, op->rn).u32[0];                                                \
        for (unsigned i = 0; i < 4; i++) {                                                         \
            const uint32_t t = rol(s.u32[0], 5) + F(s.u32[1], s.u32[2], s.u32[3]) + e + w.u32[i];  \
            e = s.u32[3];                                                                          \
            s.u32[3] = s.u32[2];                                                                   \
            s.u32[2] = rol(s.u32[1], 30);                                                          \
            s.u32[1] = s.u32[0];                                                                   \
            s.u32[0] = t;                                                                          \
        }                                                                                          \
        vreg_write(cpu, op->rd, &s, 16);                                                           \
    }
SHA1_ROUNDS(sha1c, choose)
SHA1_ROUNDS(sha1p, parity)
SHA1_ROUNDS(sha1m, majority)

static void sha1h(struct interp_cpu *cpu, const struct a64_op *op)
{
    union vreg n = vreg_read(cpu, op->rn);
    n.u32[0] = rol(n.u32[0], 30);
    vreg_write(cpu, op->rd, &n, 4);
}

/* W[t-16] ^ W[t-14] ^ W[t-8] of four words. */
static void sha1su0(struct interp_cpu *cpu, const struct a64_op *op)
{
    union vreg d = vreg_read(cpu, op->rd), n = vreg_read(cpu, op->rn), m = vreg_read(cpu, op->rm);
    union vreg r = {.u64 = {d.u64[0] ^ d.u64[1] ^ m.u64[0], d.u64[1] ^ n.u64[0] ^ m.u64[1]}};
    vreg_write(cpu, op->rd, &r, 16);
}

/* ... ^ W[t-3], rotated. The last word's W[t-3] is the first one made here. */
static void sha1su1(struct interp_cpu *cpu, const struct a64_op *op)
{
    union vreg d = vreg_read(cpu, op->rd), n = vreg_read(cpu, op->rn);
    for (unsigned i = 0; i < 3; i++)
        d.u32[i] = rol(d.u32[i] ^ n.u32[i + 1], 1);
    d.u32[3] = rol(d.u32[3] ^ d.u32[0], 1);
    vreg_write(cpu, op->rd, &d, 16);
}

/* x = a, b, c, d and y = e, f, g, h after four rounds. */
SIMD_INLINE void sha256_rounds(union vreg *x, union vreg *y, union vreg w)
{
    for (unsigned i = 0; i < 4; i++) {
        const uint32_t a = x->u32[0], e = y->u32[0];
        const uint32_t t1 = y->u32[3] + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) +
                            choose(e, y->u32[1], y->u32[2]) + w.u32[i];
        const uint32_t t2 =
            (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) + majority(a, x->u32[1], x->u32[2]);
        y->u32[3] = y->u32[2];
        y->u32[2] = y->u32[1];
        y->u32[1] = e;
        y->u32[0] = x->u32[3] + t1;
        x->u32[3] = x->u32[2];
        x->u32[2] = x->u32[1];
        x->u32[1] = a;
        x->u32[0] = t1 + t2;
    }
}

/* Vd = abcd, Vn = efgh: the new abcd. */
static void sha256h(struct interp_cpu *cpu, const struct a64_op *op)
{
    union vreg x = vreg_read(cpu, op->rd), y = vreg_read(cpu, op->rn);
    sha256_rounds(&x, &y, vreg_read(cpu, op->rm));
    vreg_write(cpu, op->rd, &x, 16);
}

/* Vd = efgh, Vn = abcd: the new efgh. */
static void sha256h2(struct interp_cpu *cpu, const struct a64_op *op)
{
    union vreg x = vreg_read(cpu, op->rn), y = vreg_read(cpu, op->rd);
    sha256_rounds(&x, &y, vreg_read(cpu, op->rm));
    vreg_write(cpu, op->rd, &y, 16);
}

/* W[t-16] + sigma0(W[t-15]). */
static void sha256su0(struct interp_cpu *cpu, const struct a64_op *op)
{
    union vreg d = vreg_read(cpu, op->rd), n = vreg_read(cpu, op->rn), r;
    for (unsigned i = 0; i < 4; i++) {
        const uint32_t w = i < 3 ? d.u32[i + 1] : n.u32[0];
        r.u32[i] = d.u32[i] + (ror(w, 7) ^ ror(w, 18) ^ w >> 3);
    }
    vreg_write(cpu, op->rd, &r, 16);
}

/* ... + W[t-7] + sigma1(W[t-2]). The last two words' W[t-2] are the first two made here. */
static void sha256su1(struct interp_cpu *cpu, const struct a64_op *op)
{
    union vreg d = vreg_read(cpu, op->rd), n = vreg_read(cpu, op->rn), m = vreg_read(cpu, op->rm);
    union vreg r;
    for (unsigned i = 0; i < 4; i++) {
        const uint32_t w2 = i < 2 ? m.u32[i + 2] : r.u32[i - 2];
        const uint32_t w7 = i < 3 ? n.u32[i + 1] : m.u32[0];
        r.u32[i] = d.u32[i] + w7 + (ror(w2, 17) ^ ror(w2, 19) ^ w2 >> 10);
    }
    vreg_write(cpu, op->rd, &r, 16);
}

int pre_crypto_sha_3reg(struct a64_op *op, uint64_t pc)
{
    static a64_exec *const exec[8] = {sha1c, sha1p, sha1m, sha1su0, sha256h, sha256h2, sha256su1};
    (void)pc;
    op->exec = exec[bits(op->insn, 12, 3)];
    return op->exec ? 0 : -1;
}

int pre_crypto_sha_2reg(struct a64_op *op, uint64_t pc)
{
    static a64_exec *const exec[4] = {sha1h, sha1su1, sha256su0};
    (void)pc;
    op->exec = exec[bits(op->insn, 12, 2)];
    return op->exec ? 0 : -1;
}
