/*
 * vcpu.h - the one interface to a CPU that runs arm64 user (EL0) code.
 *
 * An engine (interp/, jit/, kvm/, hvf/) implements these functions; the kernel in csrc/linux and
 * the tests use nothing else of it. Nothing here knows a system call, a file or a signal number.
 *
 * Ownership: a vcpu_vm is one guest address space; a vcpu belongs to the host thread that runs it.
 * All functions on a vcpu are for that thread only, except vcpu_interrupt(). Functions on a vcpu_vm
 * may be called from any thread at any time.
 *
 * Addresses are guest virtual addresses ("gva"). Guest address A lives at base + A in the host
 * process, for A in [0, size); nothing the guest computes reaches outside that range. The top byte
 * of a data address is ignored (TBI), as Linux configures arm64 user space.
 */
#ifndef ELFUSE_VCPU_H
#define ELFUSE_VCPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vcpu_vm;
struct vcpu;

/*
 * Architectural EL0 state. nzcv holds N,Z,C,V in bits 31..28, all other bits zero. r[] is the same
 * registers by index for engines: 31 is SP, 32 and 33 are the engine's own (the zero register's
 * source, which stays 0, and its sink).
 */
struct vcpu_regs {
    union {
        struct {
            uint64_t x[31];
            uint64_t sp;
            uint64_t engine[2];
        };
        uint64_t r[34];
    };
    uint64_t pc;
    uint32_t nzcv;
    uint32_t reserved;
    uint64_t tpidr;    /* TPIDR_EL0 */
    uint64_t v[32][2]; /* V registers, low half first */
    uint32_t fpcr;
    uint32_t fpsr;
};

/* Why vcpu_run() returned. */
enum vcpu_exit_reason {
    VCPU_EXIT_SVC,       /* svc #imm executed; pc is already past it */
    VCPU_EXIT_FAULT,     /* memory fault; pc is at the instruction, no register has changed */
    VCPU_EXIT_UNDEF,     /* undefined instruction at pc */
    VCPU_EXIT_BRK,       /* brk #imm at pc */
    VCPU_EXIT_INTERRUPT, /* vcpu_interrupt() was called; pc is at an instruction boundary */
};

enum vcpu_access { VCPU_READ, VCPU_WRITE, VCPU_EXEC };

enum vcpu_fault_cause {
    VCPU_FAULT_MAP,   /* nothing is mapped there, or the address is outside the guest's range */
    VCPU_FAULT_PERM,  /* mapped, but not for this access */
    VCPU_FAULT_ALIGN, /* unaligned exclusive/acquire/release access, sp or pc */
    VCPU_FAULT_BUS,   /* mapped, but no memory behind it (past the end of a file) */
};

struct vcpu_exit {
    enum vcpu_exit_reason reason;
    uint32_t imm;                /* SVC, BRK: the immediate; UNDEF: the instruction word */
    enum vcpu_access access;     /* FAULT */
    enum vcpu_fault_cause cause; /* FAULT; MAP and PERM may not be told apart: the kernel looks */
    uint64_t addr;               /* FAULT: first failing byte, as the guest computed it */
};

enum vcpu_engine {
    VCPU_ENGINE_AUTO, /* the best that the host allows, or what ELFUSE_ENGINE says */
    VCPU_ENGINE_INTERP,
    VCPU_ENGINE_JIT,
};

/* Bytes below base and behind base + size that nothing may be mapped in: where an access may end up
 * whose address was compared before a small offset was added. */
#define VCPU_GUARD (1ull << 20)

/*
 * A hint that no architecture defines, right before MRS of CNTVCT_EL0: v0 to v7 and v16 to v31 are
 * dead there, as at a call (AAPCS64 6.1.2). They become zero or stay. For the vDSO's clocks:
 * keeping them costs a translator 7 ns of 48.
 */
#define VCPU_HINT_VECTORS_DEAD 126u

struct vcpu_vm_config {
    uint8_t *base; /* host address of guest address 0 */
    uint64_t size; /* bytes reserved from base: a power of two */
    /* CNTVCT_EL0: any thread, monotonic; and CNTFRQ_EL0 in Hz. */
    uint64_t (*counter)(void);
    uint64_t counter_hz;
    enum vcpu_engine engine;
};

#define VCPU_PROT_READ  1u
#define VCPU_PROT_WRITE 2u
#define VCPU_PROT_EXEC  4u
#define VCPU_PROT_FILE                                                                             \
    8u /* with EXEC: what lies there comes from a file, and the guest cannot write it */

/* Make an address space. Returns NULL when out of memory, or when config->engine is one that this
 * host cannot run. */
struct vcpu_vm *vcpu_vm_create(const struct vcpu_vm_config *config);

/* The process is about to end: print what was asked for (ELFUSE_JIT_STATS) on stderr. Other vcpus
 * may be running. */
void vcpu_vm_report(struct vcpu_vm *vm);

/*
 * Translated code that outlives the process. vcpu_vm_cache() before the first run: it may be kept
 * in directory dir (a descriptor, open for as long as the vm is), in which nobody else can write.
 * Returns false for an engine that keeps nothing. vcpu_vm_program() whenever a program has been
 * mapped and no vcpu is running: entry is where its own code begins, not that of its interpreter.
 * vcpu_vm_keep() when the program is about to be replaced, or the process to end (last): what was
 * translated is written, which may take some 10 ms; vcpu_vm_to_keep() says whether there is
 * anything. Errors are silent.
 */
bool vcpu_vm_cache(struct vcpu_vm *vm, int dir);
void vcpu_vm_program(struct vcpu_vm *vm, uint64_t entry);
bool vcpu_vm_to_keep(struct vcpu_vm *vm);
void vcpu_vm_keep(struct vcpu_vm *vm, bool last);

/*
 * Around the host's fork() of this process, on the thread that forks, in this order: PREPARE, then
 * PARENT in the parent (also when it failed) and CHILD in the child. In between the engine's lock
 * is held. The child's other vcpus have no thread: they are to be destroyed right after. Translated
 * code serves both; each changes its own copy of it.
 */
enum vcpu_fork { VCPU_FORK_PREPARE, VCPU_FORK_PARENT, VCPU_FORK_CHILD };
void vcpu_vm_fork(struct vcpu_vm *vm, enum vcpu_fork when);

/* Free it. Preconditions: no vcpu of it exists. */
void vcpu_vm_destroy(struct vcpu_vm *vm);

/*
 * Tell the engine that guest range [addr, addr+len) now has protection prot (VCPU_PROT_*; 0 is
 * unmapped). The caller has already changed the host mapping at base+addr. Code translated from the
 * range is dropped for every vcpu before the function returns to guest code. Returns 0 or -ENOMEM
 * (as -12).
 */
int vcpu_vm_protect(struct vcpu_vm *vm, uint64_t addr, uint64_t len, unsigned prot);

/* Guest code in [addr, addr+len) was changed by someone else than the guest's own IC IVAU. */
void vcpu_vm_code_changed(struct vcpu_vm *vm, uint64_t addr, uint64_t len);

/* Make a vCPU with all registers zero. Returns NULL when out of memory. */
struct vcpu *vcpu_create(struct vcpu_vm *vm);
void vcpu_destroy(struct vcpu *vcpu);

/*
 * Registers, valid and writable while the vcpu is not running; writes are taken by the next
 * vcpu_run(). The pointer stays the same for the vcpu's life.
 */
struct vcpu_regs *vcpu_regs(struct vcpu *vcpu);

/* Run guest code until it stops, and say why in *exit. Fault exits are exact: pc, registers, flags
 * and memory are as of the faulting instruction. Clears the exclusive monitor. Restores the host's
 * FP state. */
void vcpu_run(struct vcpu *vcpu, struct vcpu_exit *exit);

/*
 * Make a running vcpu_run() return VCPU_EXIT_INTERRUPT soon, or the next one at once if it is not
 * running. Any thread, and async-signal-safe. One call, one exit; calls before the exit are merged.
 */
void vcpu_interrupt(struct vcpu *vcpu);

/*
 * The host's memory fault handler calls this, on the faulting thread, with the faulting host
 * address, the access, the cause if the host knows it, and the host's signal context (ucontext_t
 * *). If the fault was taken inside vcpu_run() of `vcpu` on a guest access, it does not return (the
 * run exits with VCPU_EXIT_FAULT). Otherwise returns false: the fault is not the guest's; or true:
 * the engine has dealt with it, and the handler returns to the faulting instruction.
 */
bool vcpu_host_fault(struct vcpu *vcpu, uintptr_t host_addr, enum vcpu_access access,
                     enum vcpu_fault_cause cause, void *host_context);

/* The engine's name for people ("interp", "jit"). */
const char *vcpu_engine_name(const struct vcpu_vm *vm);
/* The engine of that name ("auto", "interp", "jit"). Returns false for any other name. */
bool vcpu_engine_parse(const char *name, enum vcpu_engine *engine);
/* What VCPU_ENGINE_AUTO chooses on this host, and in *why a reason for people. */
enum vcpu_engine vcpu_engine_auto(const char **why);

#endif
