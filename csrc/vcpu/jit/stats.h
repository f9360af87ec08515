/*
 * stats.h - ELFUSE_JIT_STATS=1: what the translator did, on stderr when the guest ends.
 */
#ifndef ELFUSE_JIT_STATS_H
#define ELFUSE_JIT_STATS_H

#include "vcpu/jit/cache.h"

/* The interpreter runs this instruction for translated code. Any thread. */
void jit_stats_fallback(struct jit *jit, uint32_t insn);
void jit_stats_print(const struct jit *jit);

#endif
