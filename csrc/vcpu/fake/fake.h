/*
 * fake.h - vcpu.h without a CPU: each vcpu_run() returns the next exit of a script. For unit tests
 * of the kernel, which link fake.c instead of an engine.
 *
 * A script belongs to a vcpu and is used by its thread only, as the vcpu is. What the kernel told
 * the vm can be looked up afterwards.
 */
#ifndef ELFUSE_VCPU_FAKE_H
#define ELFUSE_VCPU_FAKE_H

#include "vcpu/vcpu.h"

/* Called before an exit is returned, to put the registers as the "guest" would have left them. May
 * be NULL. */
typedef void fake_prepare(struct vcpu_regs *regs, void *context);

/*
 * Append an exit. After the last one, vcpu_run() returns VCPU_EXIT_BRK with imm FAKE_SCRIPT_END. A
 * pending vcpu_interrupt() is returned before the next exit of the script, and uses none up.
 * Returns 0, or -12 when out of memory.
 */
int fake_push(struct vcpu *vcpu, const struct vcpu_exit *exit, fake_prepare *prepare,
              void *context);
#define FAKE_SCRIPT_END 0xffffu

/* Append a system call: registers x8 and x0..x5 as given, and pc moves on by 4. */
int fake_push_svc(struct vcpu *vcpu, uint64_t number, const uint64_t args[6]);

/* How many exits of the script are left. */
size_t fake_left(const struct vcpu *vcpu);

/* The protection last given for the page of addr; 0 if none. */
unsigned fake_prot(const struct vcpu_vm *vm, uint64_t addr);

#endif
