/*
 * pack_hash.c - hashing with a secret that no guest knows, so that none can make two pages of code
 * that are taken for one another: the sum of products of NH (Black, Halevi, Krawczyk, Krovetz,
 * Rogaway, "UMAC: Fast and Secure Message Authentication", 1999) over 64-bit words. Two inputs of
 * the same length have the same hash for one secret in 2^64.
 */
#include "vcpu/jit/pack.h"

typedef unsigned __int128 u128;
typedef uint64_t word __attribute__((may_alias, aligned(1)));

static u128 product(const uint64_t *secret, const word *w)
{
    return (u128)(w[0] + secret[0]) * (w[1] + secret[1]);
}

struct pack_hash pack_hash_page(const uint64_t *secret, const void *data, size_t bytes)
{
    const word *w = data;
    size_t n = bytes / 8, i = 0;
    u128 a = 0, b = 0, c = 0, d = 0;
    for (; i + 8 <= n; i += 8) {
        a += product(secret + i, w + i);
        b += product(secret + i + 2, w + i + 2);
        c += product(secret + i + 4, w + i + 4);
        d += product(secret + i + 6, w + i + 6);
    }
    for (; i < n; i += 2)
        a += product(secret + i, w + i);
    a += b + c + d;
    return (struct pack_hash){{(uint64_t)a, (uint64_t)(a >> 64)}};
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    u128 p = (u128)a * (b | 1);
    return (uint64_t)p ^ (uint64_t)(p >> 64);
}

void pack_hash_add(const uint64_t *secret, struct pack_hash *sum, const void *data, size_t bytes)
{
    const uint8_t *at = data;
    while (bytes > 0) {
        size_t n = bytes < PACK_SECRET ? bytes : PACK_SECRET;
        struct pack_hash h = pack_hash_page(secret, at, n);
        uint64_t low = sum->h[0], high = sum->h[1];
        sum->h[0] = mix(low + h.h[0], secret[1]) + high;
        sum->h[1] = mix(high + h.h[1] + n, secret[3]) ^ low;
        at += n;
        bytes -= n;
    }
}

struct pack_hash pack_digest(const uint64_t *secret, const struct pack_header *header,
                             const void *tables, size_t table_bytes, const void *code)
{
    struct pack_header h = *header;
    struct pack_hash sum = {0};
    h.digest = sum;
    pack_hash_add(secret, &sum, &h, sizeof h);
    pack_hash_add(secret, &sum, tables, table_bytes);
    pack_hash_add(secret, &sum, code, h.code_bytes);
    return sum;
}
