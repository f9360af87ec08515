/*
 * stats.c - counting what the translator did.
 */
#include <stdio.h>
#include <stdlib.h>

#include "vcpu/jit/stats.h"

#define SHOWN 20 /* rows that fall back most */

void jit_stats_fallback(struct jit *jit, uint32_t insn)
{
    __atomic_fetch_add(&jit->stats.fallbacks[a64_decode(insn)], 1, __ATOMIC_RELAXED);
}

static void print_fallbacks(const uint64_t *fallbacks)
{
    bool shown[A64_COUNT + 1] = {false};
    for (unsigned k = 0; k < SHOWN; k++) {
        unsigned most = 0;
        for (unsigned id = 0; id <= A64_COUNT; id++)
            if (!shown[id] && fallbacks[id] > (shown[most] ? 0 : fallbacks[most]))
                most = id;
        if (shown[most] || fallbacks[most] == 0)
            return;
        shown[most] = true;
        const struct a64_row *row = a64_row((enum a64_id)most);
        fprintf(stderr, "jit:   %-16s %llu\n", row ? a64_text(row->name) : "undefined",
                (unsigned long long)fallbacks[most]);
    }
}

void jit_stats_print(const struct jit *jit)
{
    const struct jit_stats *s = &jit->stats;
    fprintf(stderr,
            "jit: %llu blocks of %llu instructions, %llu bytes of code, %.2f ms translating "
            "(%.0f ns an instruction)\n"
            "jit: %llu links, %llu blocks killed, %llu segments evicted\n"
            "jit: by the interpreter:\n",
            (unsigned long long)s->blocks, (unsigned long long)s->insns,
            (unsigned long long)s->code_bytes, (double)s->nanoseconds / 1e6,
            s->insns ? (double)s->nanoseconds / (double)s->insns : 0.0,
            (unsigned long long)s->links, (unsigned long long)s->kills,
            (unsigned long long)s->evictions);
    print_fallbacks(s->fallbacks);
}
