/*
 * vcpu_guest.h - a small guest for tests of an engine: one page of code, two of data, a read-only
 * page, and the host's fault handler. Test programs include it once.
 */
#ifndef ELFUSE_VCPU_GUEST_H
#define ELFUSE_VCPU_GUEST_H

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "vcpu/vcpu.h"

#define PAGE       4096ull
#define GUEST_SIZE (1ull << 32)
#define CODE       0x10000ull
#define DATA       0x20000ull /* two pages, then a hole */
#define RODATA     0x30000ull
#define HOLE       (DATA + 2 * PAGE)

static uint8_t *guest_base;
static struct vcpu_vm *guest_vm;
static _Thread_local struct vcpu *guest_cpu;

static void guest_on_fault(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    enum vcpu_access access = uc->uc_mcontext.gregs[REG_ERR] & 2 ? VCPU_WRITE : VCPU_READ;
    enum vcpu_fault_cause cause = sig == SIGBUS                  ? VCPU_FAULT_BUS
                                  : info->si_code == SEGV_ACCERR ? VCPU_FAULT_PERM
                                                                 : VCPU_FAULT_MAP;
    if (guest_cpu && vcpu_host_fault(guest_cpu, (uintptr_t)info->si_addr, access, cause, context))
        return;
    signal(sig, SIG_DFL);
}

static inline void guest_map(uint64_t addr, uint64_t len, int host, unsigned prot)
{
    if (mprotect(guest_base + addr, len, host) || vcpu_vm_protect(guest_vm, addr, len, prot))
        abort();
}

static uint64_t guest_counter(void)
{
    return 0x1122334455ull;
}

/* Once on each thread that runs guest code: its stack pointer may be elsewhere when a signal comes.
 */
static inline void guest_signal_stack(void)
{
    static _Thread_local char stack[65536];
    const stack_t ss = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&ss, NULL);
}

static inline void guest_create(void)
{
    /* Without SA_NODEFER: the engine must put the mask back itself. */
    struct sigaction sa = {.sa_sigaction = guest_on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    guest_signal_stack();
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
    guest_base = mmap(NULL, GUEST_SIZE + 2 * VCPU_GUARD, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (guest_base == MAP_FAILED)
        abort();
    guest_base += VCPU_GUARD;
    struct vcpu_vm_config config = {guest_base, GUEST_SIZE, guest_counter, 1000000000,
                                    VCPU_ENGINE_AUTO};
    guest_vm = vcpu_vm_create(&config);
    guest_cpu = guest_vm ? vcpu_create(guest_vm) : NULL;
    if (!guest_cpu)
        abort();
    guest_map(CODE, PAGE, PROT_READ | PROT_WRITE, VCPU_PROT_READ | VCPU_PROT_EXEC);
    guest_map(DATA, 2 * PAGE, PROT_READ | PROT_WRITE, VCPU_PROT_READ | VCPU_PROT_WRITE);
    guest_map(RODATA, PAGE, PROT_READ, VCPU_PROT_READ);
}

static inline void guest_destroy(void)
{
    vcpu_destroy(guest_cpu);
    vcpu_vm_destroy(guest_vm);
    munmap(guest_base - VCPU_GUARD, GUEST_SIZE + 2 * VCPU_GUARD);
    guest_cpu = NULL;
}

static inline void guest_code(uint64_t addr, const uint32_t *words, size_t count)
{
    memcpy(guest_base + addr, words, count * sizeof *words);
    vcpu_vm_code_changed(guest_vm, addr, count * sizeof *words);
}
#define GUEST_CODE(addr, ...)                                                                      \
    guest_code(addr, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

/* Run what is at pc. */
static inline struct vcpu_exit guest_run(uint64_t pc)
{
    struct vcpu_exit exit;
    vcpu_regs(guest_cpu)->pc = pc;
    vcpu_run(guest_cpu, &exit);
    return exit;
}

#endif
