/*
 * interp_core.h - the interpreter's machine: the vm, the vcpu, the cache of predecoded blocks.
 *
 * A block is the predecoded run of instructions from one pc to the next branch, exception or page
 * end. It belongs to the vm and is shared by its vcpus. Its operations never change. When guest
 * code under it changes or stops being executable, the block is "dead": its pc becomes BLOCK_DEAD,
 * which no lookup can match, so every pointer to it (jump caches, successors) stops being used at
 * the next block boundary, without any of them being found and cleared. A vcpu that is inside a
 * dead block finishes it, as a core may that has fetched the old instructions already.
 *
 * Memory of blocks is only freed all at once (cache_flush), when every vcpu has passed a block
 * boundary since.
 *
 * Locking: vm->lock guards everything in the vm except what is _Atomic, which is read without it.
 * No guest memory is touched under the lock, because a fault there would leave it locked.
 */
#ifndef ELFUSE_INTERP_CORE_H
#define ELFUSE_INTERP_CORE_H

#include <pthread.h>
#include <stdatomic.h>

#include "vcpu/interp/host_fp.h"
#include "vcpu/interp/interp.h"

#define GUEST_PAGE_BITS 12
#define GUEST_PAGE      (1ULL << GUEST_PAGE_BITS)
/* Nobody's pc: unaligned, which vcpu_run() refuses, and not what a branch's sign extension can
 * give. */
#define BLOCK_DEAD      0x0100000000000001ULL
#define BLOCK_MAX_OPS   64
#define HASH_BITS       15
#define PAGE_HASH_BITS  12
#define JUMP_CACHE_BITS 12

struct block {
    _Atomic uint64_t pc;
    uint64_t start, end_pc; /* end_pc: of the instruction after the last */
    uint32_t count;
    bool leave;  /* the last operation has filled *vcpu->exit: return from the run */
    bool direct; /* at most two successors: remember them */
    _Atomic(struct block *) succ[2];
    _Atomic(struct block *) hash_next;
    struct block *page_next;
    struct a64_op ops[];
};

/* Blocks that start in one guest page (and, since blocks end at page ends, all that have code of
 * it). */
struct code_page {
    uint64_t page;
    struct block *blocks;
    struct code_page *next;
};

struct arena_chunk {
    struct arena_chunk *next;
    uint64_t retired_at; /* the epoch that no longer uses it */
    size_t used, size;
    _Alignas(16) uint8_t bytes[];
};

/*
 * A translator that stands in for run_blocks(). It keeps what is of the vm in vm->jit; its vcpu
 * begins with struct vcpu and is vcpu_bytes long.
 */
struct translator {
    const char *name;
    size_t vcpu_bytes;
    int (*vm_init)(struct vcpu_vm *vm); /* 0 or a negative errno */
    void (*vm_destroy)(struct vcpu_vm *vm);
    void (*report)(struct vcpu_vm *vm);
    int (*vcpu_init)(struct vcpu *vcpu);
    void (*vcpu_destroy)(struct vcpu *vcpu);
    /* vcpu.h has what these four do. */
    bool (*cache)(struct vcpu_vm *vm, int dir);
    void (*program)(struct vcpu_vm *vm, uint64_t entry);
    bool (*to_keep)(struct vcpu_vm *vm);
    void (*keep)(struct vcpu_vm *vm, bool last);
    /* With the lock, after fork(). */
    void (*forked)(struct vcpu_vm *vm, bool child);
    /* With the lock: another mapping is in [start, end), or (rewritten) the guest has other code
     * there now. */
    void (*invalidate)(struct vcpu_vm *vm, uint64_t start, uint64_t end, bool rewritten);
    /* The epoch has changed: drop every pointer to code. */
    void (*forget)(struct vcpu *vcpu);
    /* Run until *vcpu->exit is filled in. Left by interp_leave() too. */
    void (*run)(struct vcpu *vcpu);
    /* After run() or its being left: put the state that the host's FP unit holds into regs. */
    void (*stopped)(struct vcpu *vcpu);
    /* A host fault: if it was taken in translated code, put the guest's state into regs and return
     * FAULT_GUEST, or FAULT_MENDED to go on as if nothing had been. */
    enum fault_of {
        FAULT_OTHER,
        FAULT_GUEST,
        FAULT_MENDED
    } (*fault)(struct vcpu *vcpu, uintptr_t host_addr, void *context);
};

struct exec_range {
    uint64_t start, end;
    bool file; /* VCPU_PROT_FILE */
};

struct vcpu_vm {
    struct vcpu_vm_config config;
    const struct translator *translator; /* or NULL */
    struct jit *jit;                     /* the translator's */
    pthread_mutex_t lock;
    /* Executable ranges: sorted, not overlapping; those that touch differ in file. */
    struct exec_range *exec;
    size_t exec_count, exec_room;
    /* Changes with every invalidation: a block decoded across one is thrown away. */
    uint64_t code_version;
    _Atomic uint64_t epoch; /* counts flushes, from 1 */
    struct arena_chunk *arena, *retired;
    size_t arena_total;
    struct code_page **pages;
    _Atomic(struct block *) *hash;
    struct vcpu *vcpus;
};

/* LDXR's memory: the address, the size and the value that it loaded. */
struct exclusive {
    bool valid;
    uint8_t bytes;
    uint64_t addr;
    uint64_t value[2];
};

enum attention {
    ATTEND_INTERRUPT = 1, /* vcpu_interrupt() */
    ATTEND_FLUSH = 2,     /* the epoch has changed */
};

struct vcpu {
    struct interp_cpu cpu; /* first: exec functions get this */
    struct vcpu_vm *vm;
    const struct block *block; /* being executed */
    _Atomic unsigned attention;
    struct exclusive excl;
    struct vcpu_exit *exit; /* vcpu_run()'s */
    struct host_fp host_fp; /* the caller's, during a run */
    uint64_t fetch_pc;
    bool running, fetching;
    _Atomic uint64_t seen_epoch; /* 0 outside vcpu_run(): holds no block pointer that it will use */
    uint64_t jump_epoch;
    struct vcpu *next;
    void *escape[5]; /* __builtin_setjmp's */
    uint32_t words[BLOCK_MAX_OPS];
    struct a64_op scratch[BLOCK_MAX_OPS];
    struct block *jump[1u << JUMP_CACHE_BITS];
};

static inline struct vcpu *vcpu_of(struct interp_cpu *cpu)
{
    return (struct vcpu *)cpu;
}

/* blocks.c: the shared cache. */
int cache_init(struct vcpu_vm *vm);
void cache_destroy(struct vcpu_vm *vm);
/* Without the lock. NULL when there is none. */
struct block *cache_find(struct vcpu_vm *vm, uint64_t pc);
/* With the lock. Copies the operations; returns NULL when out of memory. keep: false makes a dead
 * block, to be run by the caller once. */
struct block *cache_insert(struct vcpu_vm *vm, uint64_t pc, const struct a64_op *ops,
                           unsigned count, bool keep);
/* With the lock: kill the blocks with code in [start, end). */
void cache_invalidate(struct vcpu_vm *vm, uint64_t start, uint64_t end);
/* With the lock: forget every block; the memory is freed when all vcpus have noticed. */
void cache_flush(struct vcpu_vm *vm);
/* With the lock: free what no vcpu can use any more. */
void cache_reclaim(struct vcpu_vm *vm);
/* With the lock: the earliest epoch that a running vcpu has taken up. */
uint64_t interp_oldest_epoch(const struct vcpu_vm *vm);
/* Where a code page is looked for, of 2^PAGE_HASH_BITS. */
static inline unsigned interp_page_hash(uint64_t page)
{
    return (unsigned)(page ^ (page >> PAGE_HASH_BITS)) & ((1u << PAGE_HASH_BITS) - 1);
}
/* A block that no pc matches. */
struct block *block_none(void);

/* exec_map.c: which guest addresses are executable. With the lock. prot: VCPU_PROT_*. */
int exec_map_set(struct vcpu_vm *vm, uint64_t start, uint64_t end, unsigned prot);
/* The range with addr, or NULL. */
const struct exec_range *exec_map_at(const struct vcpu_vm *vm, uint64_t addr);
static inline bool exec_map_has(const struct vcpu_vm *vm, uint64_t addr)
{
    return exec_map_at(vm, addr) != NULL;
}
bool exec_map_meets(const struct vcpu_vm *vm, uint64_t start, uint64_t end);

/*
 * decode.c: decode up to max of the count instruction words at pc into ops. Returns how many
 * operations were made (at least one); the last ends the block. decode_leaves and decode_is_direct
 * describe that last one.
 */
unsigned decode_block(struct a64_op *ops, const uint32_t *words, unsigned count, uint64_t pc);
bool decode_leaves(const struct a64_op *last);
bool decode_is_direct(const struct a64_op *last);

/* core.c, for a translator. Make an address space that it runs, or (NULL) the interpreter. */
struct vcpu_vm *interp_vm_create(const struct vcpu_vm_config *config,
                                 const struct translator *translator);
/* Copy count words at `from`, which do not cross a page, in order to run what is at pc. Without the
 * lock, since it may fault. */
void interp_fetch(struct vcpu *vcpu, uint32_t *words, uint64_t from, unsigned count, uint64_t pc);
/* End the run with a fault of fetching at pc. */
void interp_fetch_fault(struct vcpu *vcpu, uint64_t pc, enum vcpu_fault_cause cause)
    __attribute__((noreturn, cold));
/* Take up the vm's epoch, at a block boundary: from here on this vcpu uses no code of an earlier
 * one. */
void interp_enter_epoch(struct vcpu *vcpu);
/* At a block boundary, with attention set. Returns whether the run ends (pc is the caller's). */
bool interp_attend(struct vcpu *vcpu);

/* End the run with *vcpu->exit as the caller filled it, at pc. */
void interp_leave(struct vcpu *vcpu, uint64_t pc) __attribute__((noreturn, cold));
/* The address of the operation being executed. */
uint64_t interp_pc(const struct interp_cpu *cpu);

#endif
