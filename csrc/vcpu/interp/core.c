/*
 * core.c - vcpu.h by interpretation: running blocks, and leaving the run.
 */
#include <signal.h>
#include <stdlib.h>
#include <ucontext.h>

#include "vcpu/interp/host_fp.h"
#include "vcpu/interp/interp_core.h"

struct vcpu_vm *interp_vm_create(const struct vcpu_vm_config *config,
                                 const struct translator *translator)
{
    struct vcpu_vm *vm = calloc(1, sizeof *vm);
    if (!vm)
        return NULL;
    vm->config = *config;
    vm->translator = translator;
    atomic_init(&vm->epoch, 1);
    int error = translator ? translator->vm_init(vm) : cache_init(vm);
    if (error || pthread_mutex_init(&vm->lock, NULL)) {
        if (!error && translator)
            translator->vm_destroy(vm);
        cache_destroy(vm);
        free(vm);
        return NULL;
    }
    return vm;
}

const char *vcpu_engine_name(const struct vcpu_vm *vm)
{
    return vm->translator ? vm->translator->name : "interp";
}

void vcpu_vm_report(struct vcpu_vm *vm)
{
    if (vm->translator)
        vm->translator->report(vm);
}

bool vcpu_vm_cache(struct vcpu_vm *vm, int dir)
{
    return vm->translator && vm->translator->cache(vm, dir);
}

void vcpu_vm_program(struct vcpu_vm *vm, uint64_t entry)
{
    if (vm->translator)
        vm->translator->program(vm, entry);
}

bool vcpu_vm_to_keep(struct vcpu_vm *vm)
{
    return vm->translator && vm->translator->to_keep(vm);
}

void vcpu_vm_keep(struct vcpu_vm *vm, bool last)
{
    if (vm->translator)
        vm->translator->keep(vm, last);
}

void vcpu_vm_fork(struct vcpu_vm *vm, enum vcpu_fork when)
{
    if (when == VCPU_FORK_PREPARE)
        pthread_mutex_lock(&vm->lock);
    else if (vm->translator)
        vm->translator->forked(vm, when == VCPU_FORK_CHILD);
    if (when != VCPU_FORK_PREPARE)
        pthread_mutex_unlock(&vm->lock);
}

void vcpu_vm_destroy(struct vcpu_vm *vm)
{
    if (!vm)
        return;
    if (vm->translator)
        vm->translator->vm_destroy(vm);
    cache_destroy(vm);
    free(vm->exec);
    pthread_mutex_destroy(&vm->lock);
    free(vm);
}

static void clip(const struct vcpu_vm *vm, uint64_t addr, uint64_t len, uint64_t *start,
                 uint64_t *end)
{
    *start = addr < vm->config.size ? addr : vm->config.size;
    *end = len < vm->config.size - *start ? *start + len : vm->config.size;
}

/* With the lock. A block that is being made from the old code is thrown away. */
static void invalidate(struct vcpu_vm *vm, uint64_t start, uint64_t end, bool rewritten)
{
    if (vm->translator) {
        vm->code_version++;
        vm->translator->invalidate(vm, start, end, rewritten);
    } else {
        cache_invalidate(vm, start, end);
    }
}

int vcpu_vm_protect(struct vcpu_vm *vm, uint64_t addr, uint64_t len, unsigned prot)
{
    uint64_t start, end;
    clip(vm, addr, len, &start, &end);
    bool executable = (prot & VCPU_PROT_EXEC) != 0;
    int error = 0;
    pthread_mutex_lock(&vm->lock);
    /* Memory that neither was nor becomes executable, nearly every call, is nothing to us. */
    bool was = exec_map_meets(vm, start, end);
    if (was || executable) {
        error = exec_map_set(vm, start, end, prot);
        /* The mapping may be another one now, also when it is executable as before. */
        invalidate(vm, start, end, false);
    }
    pthread_mutex_unlock(&vm->lock);
    return error;
}

void vcpu_vm_code_changed(struct vcpu_vm *vm, uint64_t addr, uint64_t len)
{
    uint64_t start, end;
    clip(vm, addr, len, &start, &end);
    pthread_mutex_lock(&vm->lock);
    invalidate(vm, start, end, true);
    pthread_mutex_unlock(&vm->lock);
}

static __attribute__((noinline, cold)) void jump_cache_clear(struct vcpu *vcpu)
{
    if (vcpu->vm->translator) {
        vcpu->vm->translator->forget(vcpu);
        return;
    }
    for (size_t i = 0; i < sizeof vcpu->jump / sizeof *vcpu->jump; i++)
        vcpu->jump[i] = block_none();
}

struct vcpu *vcpu_create(struct vcpu_vm *vm)
{
    struct vcpu *vcpu = calloc(1, vm->translator ? vm->translator->vcpu_bytes : sizeof *vcpu);
    if (!vcpu)
        return NULL;
    vcpu->vm = vm;
    vcpu->cpu.base = vm->config.base;
    vcpu->cpu.limit = vm->config.size;
    if (vm->translator && vm->translator->vcpu_init(vcpu)) {
        free(vcpu);
        return NULL;
    }
    jump_cache_clear(vcpu);
    pthread_mutex_lock(&vm->lock);
    vcpu->jump_epoch = atomic_load(&vm->epoch);
    vcpu->next = vm->vcpus;
    vm->vcpus = vcpu;
    pthread_mutex_unlock(&vm->lock);
    return vcpu;
}

void vcpu_destroy(struct vcpu *vcpu)
{
    if (!vcpu)
        return;
    struct vcpu_vm *vm = vcpu->vm;
    pthread_mutex_lock(&vm->lock);
    struct vcpu **at = &vm->vcpus;
    while (*at != vcpu)
        at = &(*at)->next;
    *at = vcpu->next;
    cache_reclaim(vm);
    pthread_mutex_unlock(&vm->lock);
    if (vm->translator)
        vm->translator->vcpu_destroy(vcpu);
    free(vcpu);
}

struct vcpu_regs *vcpu_regs(struct vcpu *vcpu)
{
    return &vcpu->cpu.regs;
}

void vcpu_interrupt(struct vcpu *vcpu)
{
    atomic_fetch_or(&vcpu->attention, ATTEND_INTERRUPT);
}

uint64_t interp_pc(const struct interp_cpu *cpu)
{
    const struct block *block = ((const struct vcpu *)cpu)->block;
    return block->start + 4ULL * (uint64_t)(cpu->op - block->ops);
}

void interp_leave(struct vcpu *vcpu, uint64_t pc)
{
    vcpu->cpu.regs.pc = pc;
    __builtin_longjmp(vcpu->escape, 1);
}

void interp_fault(struct interp_cpu *cpu, uint64_t addr, enum vcpu_access access,
                  enum vcpu_fault_cause cause)
{
    struct vcpu *vcpu = vcpu_of(cpu);
    *vcpu->exit = (struct vcpu_exit){
        .reason = VCPU_EXIT_FAULT, .access = access, .cause = cause, .addr = addr};
    interp_leave(vcpu, vcpu->fetching ? vcpu->fetch_pc : interp_pc(cpu));
}

bool vcpu_host_fault(struct vcpu *vcpu, uintptr_t host_addr, enum vcpu_access access,
                     enum vcpu_fault_cause cause, void *host_context)
{
    const struct translator *translator = vcpu->vm->translator;
    uint64_t addr = host_addr - (uintptr_t)vcpu->cpu.base;
    if (!vcpu->running)
        return false;
    enum fault_of of =
        translator && host_context ? translator->fault(vcpu, host_addr, host_context) : FAULT_OTHER;
    if (of == FAULT_MENDED)
        return true;
    if (of == FAULT_OTHER && addr >= vcpu->cpu.limit)
        return false;
    /* We do not return through the signal frame, which would have restored the mask. */
    if (host_context)
        pthread_sigmask(SIG_SETMASK, &((ucontext_t *)host_context)->uc_sigmask, NULL);
    if (of == FAULT_GUEST) {
        if (addr >= vcpu->cpu.limit) /* the guard */
            cause = VCPU_FAULT_MAP;
        *vcpu->exit = (struct vcpu_exit){
            .reason = VCPU_EXIT_FAULT, .access = access, .cause = cause, .addr = addr};
        interp_leave(vcpu, vcpu->cpu.regs.pc);
    }
    if (vcpu->fetching)
        interp_fault(&vcpu->cpu, vcpu->fetch_pc, VCPU_EXEC, cause);
    interp_fault(&vcpu->cpu, addr, access, cause);
}

void interp_fetch_fault(struct vcpu *vcpu, uint64_t pc, enum vcpu_fault_cause cause)
{
    *vcpu->exit = (struct vcpu_exit){
        .reason = VCPU_EXIT_FAULT, .access = VCPU_EXEC, .cause = cause, .addr = pc};
    interp_leave(vcpu, pc);
}

void interp_fetch(struct vcpu *vcpu, uint32_t *words, uint64_t from, unsigned count, uint64_t pc)
{
    vcpu->fetch_pc = pc;
    vcpu->fetching = true;
    atomic_signal_fence(memory_order_seq_cst);
    memcpy(words, vcpu->vm->config.base + from, count * sizeof *words);
    atomic_signal_fence(memory_order_seq_cst);
    vcpu->fetching = false;
}

/* The words at pc up to the page's end. Returns their number. */
static unsigned fetch_words(struct vcpu *vcpu, uint64_t pc)
{
    unsigned count = (unsigned)((GUEST_PAGE - (pc & (GUEST_PAGE - 1))) / 4);
    if (count > BLOCK_MAX_OPS)
        count = BLOCK_MAX_OPS;
    interp_fetch(vcpu, vcpu->words, pc, count, pc);
    return count;
}

/*
 * Decode the block at pc. When code was invalidated meanwhile, perhaps this, the block is run but
 * not kept: a core may have fetched at the same moment. Trying again instead could go on for ever.
 */
static struct block *build_block(struct vcpu *vcpu, uint64_t pc)
{
    struct vcpu_vm *vm = vcpu->vm;
    if (pc & 3)
        interp_fetch_fault(vcpu, pc, VCPU_FAULT_ALIGN);
    pthread_mutex_lock(&vm->lock);
    uint64_t version = vm->code_version;
    bool executable = exec_map_has(vm, pc);
    pthread_mutex_unlock(&vm->lock);
    if (!executable)
        interp_fetch_fault(vcpu, pc, VCPU_FAULT_MAP);
    unsigned count = decode_block(vcpu->scratch, vcpu->words, fetch_words(vcpu, pc), pc);

    pthread_mutex_lock(&vm->lock);
    bool keep = version == vm->code_version;
    struct block *block = keep ? cache_find(vm, pc) : NULL;
    if (!block)
        block = cache_insert(vm, pc, vcpu->scratch, count, keep);
    if (!block) {
        /* Out of memory: make room, and try once more with what that frees. */
        cache_flush(vm);
        cache_reclaim(vm);
        block = cache_insert(vm, pc, vcpu->scratch, count, keep);
    }
    pthread_mutex_unlock(&vm->lock);
    if (!block)
        interp_fetch_fault(vcpu, pc, VCPU_FAULT_BUS);
    return block;
}

static unsigned jump_slot(uint64_t pc)
{
    return (unsigned)(pc >> 2) & ((1u << JUMP_CACHE_BITS) - 1);
}

static inline bool block_is(struct block *block, uint64_t pc)
{
    return atomic_load_explicit(&block->pc, memory_order_relaxed) == pc;
}

static __attribute__((noinline)) struct block *find_block(struct vcpu *vcpu, uint64_t pc)
{
    struct block *block = cache_find(vcpu->vm, pc);
    if (!block)
        block = build_block(vcpu, pc);
    vcpu->jump[jump_slot(pc)] = block;
    return block;
}

/*
 * The reload after the store closes the race with a flush that has read seen_epoch before.
 */
void interp_enter_epoch(struct vcpu *vcpu)
{
    const struct vcpu_vm *vm = vcpu->vm;
    uint64_t epoch = atomic_load_explicit(&vm->epoch, memory_order_relaxed), now;
    while (atomic_store(&vcpu->seen_epoch, epoch), (now = atomic_load(&vm->epoch)) != epoch)
        epoch = now;
    if (__builtin_expect(vcpu->jump_epoch != epoch, 0))
        jump_cache_clear(vcpu);
    vcpu->jump_epoch = epoch;
}

__attribute__((noinline)) bool interp_attend(struct vcpu *vcpu)
{
    unsigned what = atomic_exchange(&vcpu->attention, 0);
    if (what & ATTEND_FLUSH)
        interp_enter_epoch(vcpu);
    if (!(what & ATTEND_INTERRUPT))
        return false;
    *vcpu->exit = (struct vcpu_exit){.reason = VCPU_EXIT_INTERRUPT};
    return true;
}

static void remember(struct block *from, struct block *to)
{
    if (!from->direct)
        return;
    struct block *first = atomic_load_explicit(&from->succ[0], memory_order_relaxed);
    atomic_store_explicit(&from->succ[block_is(first, BLOCK_DEAD) ? 0 : 1], to,
                          memory_order_release);
}

/* Not inlined: beside the recovery point nothing could stay in a register. */
static __attribute__((noinline)) void run_blocks(struct vcpu *vcpu)
{
    struct interp_cpu *cpu = &vcpu->cpu;
    struct block *from = NULL, *block;
    for (;;) {
        if (__builtin_expect(atomic_load_explicit(&vcpu->attention, memory_order_relaxed) != 0,
                             0)) {
            if (interp_attend(vcpu))
                return;
            from = NULL;
        }
        uint64_t pc = cpu->regs.pc;
        if (from &&
            block_is(block = atomic_load_explicit(&from->succ[0], memory_order_acquire), pc))
            goto found;
        if (from &&
            block_is(block = atomic_load_explicit(&from->succ[1], memory_order_acquire), pc))
            goto found;
        block = vcpu->jump[jump_slot(pc)];
        if (!block_is(block, pc)) {
            block = find_block(vcpu, pc);
        }
        if (from)
            remember(from, block);
    found:
        vcpu->block = block;
        cpu->regs.pc = block->end_pc;
        const struct a64_op *op = block->ops, *end = op + block->count;
        do {
            cpu->op = op;
            op->exec(cpu, op);
        } while (++op != end);
        if (block->leave)
            return;
        from = block;
    }
}

/* With a recovery point for faults: the compiler's cheap one, which saves no registers, hence
 * nothing else in the function. */
static __attribute__((noinline)) void run_guarded(struct vcpu *vcpu)
{
    if (__builtin_setjmp(vcpu->escape))
        return;
    if (vcpu->cpu.regs.pc & 3)
        interp_fetch_fault(vcpu, vcpu->cpu.regs.pc, VCPU_FAULT_ALIGN);
    if (vcpu->vm->translator)
        vcpu->vm->translator->run(vcpu);
    else
        run_blocks(vcpu);
}

void vcpu_run(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    vcpu->excl.valid = false;
    vcpu->exit = exit;
    interp_enter_epoch(vcpu);
    vcpu->host_fp = host_fp_enter();
    vcpu->running = true;
    run_guarded(vcpu);
    vcpu->running = false;
    vcpu->fetching = false;
    if (vcpu->vm->translator)
        vcpu->vm->translator->stopped(vcpu);
    host_fp_leave(vcpu->host_fp);
    atomic_store_explicit(&vcpu->seen_epoch, 0, memory_order_release);
}
