/*
 * persist.h - keeping translated code for later runs: when packs (pack.h) are read and written.
 */
#ifndef ELFUSE_JIT_PERSIST_H
#define ELFUSE_JIT_PERSIST_H

#include "vcpu/jit/cache.h"

/* vcpu.h: vcpu_vm_cache(), vcpu_vm_program(), vcpu_vm_to_keep(), vcpu_vm_keep(). */
bool persist_cache(struct vcpu_vm *vm, int dir);
void persist_program(struct vcpu_vm *vm, uint64_t entry);
bool persist_to_keep(struct vcpu_vm *vm);
void persist_keep(struct vcpu_vm *vm, bool last);

/* At the beginning of a run, without the lock: read the program's pack if it is due. */
void persist_begin(struct jit_cpu *cpu);

/* With the lock, before a block of page is looked up or translated from words, which no change of
 * code has overtaken. */
void persist_page(struct vcpu_vm *vm, uint64_t page, const uint32_t *words);

/* With the lock, in the child of a fork: what is translated already is the parent's to keep. */
void persist_forked(struct vcpu_vm *vm);

void persist_print(const struct jit *jit);
void persist_destroy(struct jit *jit);

#endif
