/*
 * jit.c - vcpu.h by translation: running, what translated code asks of C, and faults in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "vcpu/jit/cache.h"
#include "vcpu/jit/persist.h"
#include "vcpu/jit/stats.h"

#define RETURN_GUARD 4096
#define YOUNG_INSNS  3000
#define YOUNG_OPS    8 /* decoded ones that it keeps */
/* For room in the cache: some seconds, while a vcpu of this process waits for a processor. */
#define WAIT_MICROSECONDS 100
#define WAIT_TRIES        50000

static struct jit *jit_of_cpu(const struct jit_cpu *cpu)
{
    return cpu->vcpu.vm->jit;
}

/* ---- floating-point status ---- */

/* MXCSR's IE, ZE, OE, UE, PE are FPSR's IOC, DZC, OFC, UFC, IXC; DE means nothing to arm64 while it
 * does not flush. */
static uint32_t fpsr_of(uint32_t csr)
{
    return (csr & 1) | (csr >> 1 & 0x1e);
}

static void fold_fp(struct jit_cpu *cpu)
{
    uint32_t csr = host_fp_mxcsr();
    if (csr == HOST_FP_PLAIN)
        return;
    cpu->vcpu.cpu.regs.fpsr |= fpsr_of(csr);
    host_fp_set_mxcsr(HOST_FP_PLAIN);
}

/* ---- finding code ---- */

static uint64_t key_of(const struct jit_cpu *cpu, uint64_t pc)
{
    return pc | (cpu->vcpu.cpu.regs.fpcr ? JIT_KEY_FPCR : 0);
}

static void flags_out(struct jit_cpu *cpu)
{
    cpu->vcpu.cpu.regs.nzcv = jit_flags_unpack(cpu->flags);
}

static void flags_in(struct jit_cpu *cpu)
{
    cpu->flags = jit_flags_pack(cpu->vcpu.cpu.regs.nzcv);
}

static uint64_t nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The words of pc's page, to be run or translated, into cpu->page; returns the code's version, of
 * before they were read. A fetch fault leaves from here: the flags are put where the kernel looks.
 */
static uint64_t fetch_page(struct jit_cpu *cpu, uint64_t pc)
{
    struct vcpu_vm *vm = cpu->vcpu.vm;
    flags_out(cpu);
    if (pc & 3)
        interp_fetch_fault(&cpu->vcpu, pc, VCPU_FAULT_ALIGN);
    pthread_mutex_lock(&vm->lock);
    uint64_t version = vm->code_version;
    bool executable = pc < cpu->vcpu.cpu.limit && exec_map_has(vm, pc);
    pthread_mutex_unlock(&vm->lock);
    if (!executable)
        interp_fetch_fault(&cpu->vcpu, pc, VCPU_FAULT_MAP);
    interp_fetch(&cpu->vcpu, cpu->page, pc & ~(GUEST_PAGE - 1), GUEST_PAGE / 4, pc);
    return version;
}

/* Translate what is at key's pc, which is aligned. Code that was invalidated meanwhile, perhaps
 * this, is run once all the same: a core may have fetched at the same moment. */
static struct jit_block *build(struct jit_cpu *cpu, uint64_t key)
{
    struct vcpu *vcpu = &cpu->vcpu;
    struct vcpu_vm *vm = vcpu->vm;
    uint64_t pc = key & ~JIT_KEY_FPCR;
    uint64_t version = fetch_page(cpu, pc);
    for (unsigned tries = 0; tries < WAIT_TRIES; tries++) {
        pthread_mutex_lock(&vm->lock);
        bool keep = version == vm->code_version;
        if (keep && vm->jit->keeper)
            persist_page(vm, pc >> GUEST_PAGE_BITS, cpu->page);
        struct jit_block *block = keep ? jit_cache_find(vm->jit, key) : NULL;
        uint64_t start = jit_of_cpu(cpu)->want_stats ? nanoseconds() : 0;
        if (!block)
            block = jit_cache_insert(vm, key, cpu->page, keep);
        if (start)
            vm->jit->stats.nanoseconds += nanoseconds() - start;
        pthread_mutex_unlock(&vm->lock);
        if (block)
            return block;
        interp_enter_epoch(vcpu);
        usleep(WAIT_MICROSECONDS);
    }
    interp_fetch_fault(vcpu, pc, VCPU_FAULT_BUS);
}

/* ---- the interpreter, for one instruction, or a new process's first ones ---- */

_Static_assert(offsetof(struct jit_fallback_op, op) == offsetof(struct block, ops),
               "op is the block's first operation");

/* A new process keeps few of them: each page of the table that it writes to is copied for it. */
static struct jit_fallback_op *decoded(struct jit_cpu *cpu, uint64_t pc, uint32_t insn)
{
    uint64_t h = (pc >> 2 ^ insn) * 0x9e3779b97f4a7c15ull;
    unsigned kept = jit_of_cpu(cpu)->young > 0 ? YOUNG_OPS : JIT_FALLBACK_OPS;
    struct jit_fallback_op *f = &cpu->fallback[h >> 32 & (kept - 1)];
    if (f->block.start != pc || f->op.insn != insn || !f->op.exec) {
        interp_decode_one(&f->op, insn, pc);
        f->block.start = pc;
    }
    return f;
}

static void interpret(struct jit_cpu *cpu, uint64_t pc, uint32_t insn)
{
    struct jit_fallback_op *f = decoded(cpu, pc, insn);
    struct interp_cpu *interp = &cpu->vcpu.cpu;
    flags_out(cpu);
    fold_fp(cpu);
    cpu->vcpu.block = &f->block;
    interp->op = &f->op;
    if (jit_of_cpu(cpu)->want_stats)
        jit_stats_fallback(jit_of_cpu(cpu), insn);
    f->op.exec(interp, &f->op);
    /* What the host's unit noted by the way is in FPSR already, as far as it matters. */
    if (host_fp_mxcsr() != HOST_FP_PLAIN)
        host_fp_set_mxcsr(HOST_FP_PLAIN);
    flags_in(cpu);
}

/*
 * A child of fork() that soon ends or runs another program needs little that its parent has not
 * translated. Its first memory for code of its own costs it some 50 us, an instruction here 40 ns.
 * Returns the code to go on with once there is some, or NULL to end the run.
 */
static const void *first_steps(struct jit_cpu *cpu, uint64_t pc)
{
    struct vcpu_regs *regs = &cpu->vcpu.cpu.regs;
    struct jit *jit = jit_of_cpu(cpu);
    uint64_t fetched = ~0ull, version = 0;
    for (;;) {
        regs->pc = pc;
        if (atomic_load_explicit(&cpu->vcpu.attention, memory_order_relaxed)) {
            flags_out(cpu);
            if (interp_attend(&cpu->vcpu))
                return NULL;
        }
        if (pc >> GUEST_PAGE_BITS != fetched || cpu->vcpu.vm->code_version != version) {
            version = fetch_page(cpu, pc);
            fetched = pc >> GUEST_PAGE_BITS;
        }
        uint32_t insn = cpu->page[(pc & (GUEST_PAGE - 1)) / 4];
        regs->pc = pc + 4;
        interpret(cpu, pc, insn);
        if (a64_decode(insn) == A64_SVC) {
            flags_out(cpu);
            return NULL;
        }
        bool jumped = regs->pc != pc + 4;
        pc = regs->pc;
        if (--jit->young > 0 && !jumped)
            continue;
        if (pc & 3 || pc >= cpu->vcpu.cpu.limit)
            fetch_page(cpu, pc); /* does not return */
        struct jit_block *block = jit_cache_find(jit, key_of(cpu, pc));
        if (!block && jit->young <= 0)
            block = build(cpu, key_of(cpu, pc));
        if (block)
            return jit_block_code(jit, block);
    }
}

static const void *code_at(struct jit_cpu *cpu, uint64_t key)
{
    struct jit *jit = jit_of_cpu(cpu);
    struct jit_block *block = jit_cache_find(jit, key);
    if (!block && jit->young > 0)
        return first_steps(cpu, key & ~JIT_KEY_FPCR);
    return jit_block_code(jit, block ? block : build(cpu, key));
}

const void *jit_on_link(struct jit_cpu *cpu, const struct jit_link_data *data)
{
    struct vcpu_vm *vm = cpu->vcpu.vm;
    uint64_t epoch = cpu->vcpu.jump_epoch, key = data->key;
    const void *code = code_at(cpu, key);
    struct jit_block *block = code ? jit_cache_find(vm->jit, key) : NULL;
    /* Once this vcpu has taken up another epoch, data may be gone. */
    if (block && epoch == cpu->vcpu.jump_epoch && code == jit_block_code(vm->jit, block)) {
        pthread_mutex_lock(&vm->lock);
        jit_cache_link(vm, data, block);
        pthread_mutex_unlock(&vm->lock);
    }
    return code;
}

/* BranchAddr() under TBI0 without TBID0, as Linux sets TCR_EL1. */
static uint64_t branch_addr(uint64_t target)
{
    return target & 1ull << 55 ? target : target & 0x00ffffffffffffffull;
}

const void *jit_on_dispatch(struct jit_cpu *cpu, uint64_t key)
{
    uint64_t pc = cpu->vcpu.cpu.regs.fpcr ? key ^ JIT_KEY_FPCR : key;
    pc = branch_addr(pc);
    if (pc >= cpu->vcpu.cpu.limit || (pc & 3)) {
        flags_out(cpu);
        interp_fetch_fault(&cpu->vcpu, pc, pc & 3 ? VCPU_FAULT_ALIGN : VCPU_FAULT_MAP);
    }
    key = key_of(cpu, pc);
    if (jit_of_cpu(cpu)->young > 0 && !jit_cache_find(jit_of_cpu(cpu), key))
        return code_at(cpu, key);
    const void *code = code_at(cpu, key);
    unsigned entry = pc >> 2 & ((1u << JIT_JUMP_BITS) - 1);
    cpu->jumps[entry] = (struct jit_jump){key, code};
    cpu->jumps_used |= (uint16_t)(1u << (entry >> (JIT_JUMP_BITS - 4)));
    return code;
}

const void *jit_on_attend(struct jit_cpu *cpu, const void *key)
{
    uint64_t k;
    memcpy(&k, key, sizeof k);
    cpu->vcpu.cpu.regs.pc = k & ~JIT_KEY_FPCR;
    flags_out(cpu);
    if (interp_attend(&cpu->vcpu))
        return NULL;
    return code_at(cpu, k);
}

const void *jit_on_dead(struct jit_cpu *cpu, const void *key)
{
    uint64_t k;
    memcpy(&k, key, sizeof k);
    return code_at(cpu, k);
}

const void *jit_on_fallback(struct jit_cpu *cpu, const struct jit_fallback_data *data)
{
    interpret(cpu, data->pc, data->insn);
    return data + 1;
}

const void *jit_on_branch(struct jit_cpu *cpu, const struct jit_fallback_data *data)
{
    struct vcpu_regs *regs = &cpu->vcpu.cpu.regs;
    regs->pc = data->pc + 4;
    interpret(cpu, data->pc, data->insn);
    return jit_on_dispatch(cpu, key_of(cpu, regs->pc));
}

/* ---- the run ---- */

static void jit_run(struct vcpu *vcpu)
{
    struct jit_cpu *cpu = jit_of(vcpu);
    struct vcpu_regs *regs = &vcpu->cpu.regs;
    struct jit *jit = jit_of_cpu(cpu);
    flags_in(cpu);
    if (jit->keeper)
        persist_begin(cpu);
    if (regs->pc >= vcpu->cpu.limit)
        interp_fetch_fault(vcpu, regs->pc, VCPU_FAULT_MAP);
    const void *code = code_at(cpu, key_of(cpu, regs->pc));
    if (!code)
        return;
    jit_enter *enter;
    const void *at = jit->code + jit->enter_offset;
    memcpy(&enter, &at, sizeof enter);
    if (enter(cpu, code)) {
        *vcpu->exit = (struct vcpu_exit){.reason = VCPU_EXIT_SVC, .imm = (uint32_t)cpu->svc_imm};
        flags_out(cpu);
    }
}

static void jit_stopped(struct vcpu *vcpu)
{
    fold_fp(jit_of(vcpu));
}

/* The key of an entry that no key is found in: it belongs to another entry. Zero does for all but
 * the first, so that a new vcpu's table need not be touched. */
static uint64_t no_key(unsigned entry)
{
    return entry ? 0 : 4;
}

static void jit_forget(struct vcpu *vcpu)
{
    struct jit_cpu *cpu = jit_of(vcpu);
    for (unsigned i = 0; i < 1u << JIT_JUMP_BITS; i++)
        if (cpu->jumps_used >> (i >> (JIT_JUMP_BITS - 4)) & 1)
            cpu->jumps[i] = (struct jit_jump){no_key(i), NULL};
    cpu->jumps_used = 0;
    uint64_t *bottom = (uint64_t *)(void *)(cpu->return_stack + JIT_RETURN_BYTES - 16);
    *bottom = (uint64_t)(uintptr_t)cpu->stubs[STUB_RETURN];
    cpu->return_sp = (uint64_t)(uintptr_t)bottom;
}

/* ---- faults ---- */

static uint32_t nzcv_of(struct jit_cpu *cpu, unsigned at, uint64_t eflags)
{
    bool cf = eflags & 1, zf = eflags & 0x40, sf = eflags & 0x80, of = eflags & 0x800;
    switch (at) {
    case FLAGS_SUB:
    case FLAGS_ADD:
        return (sf ? NZCV_N : 0) | (zf ? NZCV_Z : 0) | (of ? NZCV_V : 0) |
               (cf == (at == FLAGS_ADD) ? NZCV_C : 0);
    case FLAGS_FCMP: return (cf ? NZCV_N : NZCV_C) | (zf ? NZCV_Z : 0);
    default: return jit_flags_unpack(cpu->flags);
    }
}

static void state_of(struct jit_cpu *cpu, const struct jit_block *block, uint64_t key,
                     const ucontext_t *uc)
{
    static const uint8_t gregs[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                      REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                      REG_R12, REG_R13, REG_R14, REG_R15};
    struct vcpu_regs *regs = &cpu->vcpu.cpu.regs;
    uint64_t offset = (uint64_t)uc->uc_mcontext.gregs[REG_RIP] -
                      (uint64_t)(uintptr_t)jit_block_code(jit_of_cpu(cpu), block);
    unsigned i = 0;
    while (i + 1 < block->count && block->map[i + 1].host <= offset)
        i++;
    for (unsigned n = 0; n <= REG_SP; n++)
        if (jit_gpr(n) >= 0)
            regs->r[n] = (uint64_t)uc->uc_mcontext.gregs[gregs[jit_gpr(n)]];
    for (unsigned n = 0; n < 32; n++)
        if (jit_xmm(n) >= 0)
            memcpy(regs->v[n], &uc->uc_mcontext.fpregs->_xmm[jit_xmm(n)], 16);
    regs->nzcv = nzcv_of(cpu, block->map[i].flags, (uint64_t)uc->uc_mcontext.gregs[REG_EFL]);
    regs->fpsr |= fpsr_of(uc->uc_mcontext.fpregs->mxcsr);
    regs->pc = (key & ~JIT_KEY_FPCR) + 4ull * i;
    cpu->return_sp = (uint64_t)uc->uc_mcontext.gregs[REG_RSP];
}

static enum fault_of jit_fault(struct vcpu *vcpu, uintptr_t host_addr, void *context)
{
    struct jit_cpu *cpu = jit_of(vcpu);
    struct jit *jit = jit_of_cpu(cpu);
    ucontext_t *uc = context;
    uintptr_t rip = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
    if (rip - (uintptr_t)jit->code >= (uintptr_t)SEGMENT_BYTES * SEGMENT_COUNT)
        return FAULT_OTHER;
    /* Calls without returns have filled the stack: guesses are lost, nothing else. */
    if (host_addr - (uintptr_t)cpu->return_stack + RETURN_GUARD < RETURN_GUARD) {
        uc->uc_mcontext.gregs[REG_RSP] =
            (greg_t)(uintptr_t)(cpu->return_stack + JIT_RETURN_BYTES - 16);
        return FAULT_MENDED;
    }
    /* The lock is not this thread's: it runs translated code. */
    pthread_mutex_lock(&vcpu->vm->lock);
    const struct jit_block *block = jit_cache_block_at(jit, rip);
    pthread_mutex_unlock(&vcpu->vm->lock);
    if (!block)
        return FAULT_OTHER;
    uint64_t key;
    memcpy(&key, jit_block_code(jit, block) + block->size - 8, sizeof key);
    state_of(cpu, block, key, uc);
    return FAULT_GUEST;
}

/* ---- making and ending ---- */

static int jit_vcpu_init(struct vcpu *vcpu)
{
    struct jit_cpu *cpu = jit_of(vcpu);
    struct jit *jit = jit_of_cpu(cpu);
    uint8_t *stack = mmap(NULL, RETURN_GUARD + JIT_RETURN_BYTES, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED)
        return -ENOMEM;
    if (mprotect(stack, RETURN_GUARD, PROT_NONE)) {
        munmap(stack, RETURN_GUARD + JIT_RETURN_BYTES);
        return -ENOMEM;
    }
    cpu->return_stack = stack + RETURN_GUARD;
    for (unsigned i = 0; i < STUB_COUNT; i++)
        cpu->stubs[i] = jit->code + jit->stub_offset[i];
    jit_constants_fill(&cpu->constants);
    cpu->jumps[0].key = no_key(0);
    return 0;
}

static void jit_vcpu_destroy(struct vcpu *vcpu)
{
    munmap(jit_of(vcpu)->return_stack - RETURN_GUARD, RETURN_GUARD + JIT_RETURN_BYTES);
}

static bool host_allows(const char *without, const char *feature, bool has)
{
    size_t n = strlen(feature);
    for (const char *p = without; p && (p = strstr(p, feature)); p += n)
        if (p > without && p[-1] == '-' && (p[n] == ',' || p[n] == 0))
            return false;
    return has;
}

static void host_features(struct jit_host *host)
{
    const char *without = getenv("ELFUSE_JIT_CPU");
    __builtin_cpu_init();
#define FEATURE(member, name)                                                                      \
    host->member = host_allows(without, #member, __builtin_cpu_supports(name))
    FEATURE(avx2, "avx2");
    FEATURE(bmi2, "bmi2");
    FEATURE(fma, "fma");
    FEATURE(lzcnt, "lzcnt");
    FEATURE(aes, "aes");
    FEATURE(pclmul, "pclmul");
    FEATURE(f16c, "f16c");
#undef FEATURE
    /* BMI1 comes with it on every CPU; what has the one has the other's instructions used. */
    host->bmi2 = host->bmi2 && __builtin_cpu_supports("bmi");
    uint32_t a = 7, b = 0, c = 0, d;
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    host->sha = host_allows(without, "sha", b >> 29 & 1);
}

static void jit_report(struct vcpu_vm *vm)
{
    if (vm->jit->want_stats) {
        jit_stats_print(vm->jit);
        persist_print(vm->jit);
    }
}

static void jit_forked(struct vcpu_vm *vm, bool child)
{
    jit_cache_freeze(vm->jit, child);
    vm->jit->young = child ? YOUNG_INSNS : vm->jit->young;
    if (child && vm->jit->want_stats) /* of what each process has done itself */
        vm->jit->stats = (struct jit_stats){0};
    if (child)
        persist_forked(vm);
}

static void jit_vm_destroy(struct vcpu_vm *vm)
{
    struct jit *jit = vm->jit;
    if (jit->dump_fd >= 0)
        close(jit->dump_fd);
    persist_destroy(jit);
    jit_cache_destroy(jit);
    jit_zeroed_free(jit, sizeof *jit);
}

static int jit_vm_init(struct vcpu_vm *vm)
{
    struct jit *jit = jit_zeroed(sizeof *jit);
    if (!jit)
        return -ENOMEM;
    vm->jit = jit;
    host_features(&jit->host);
    const char *dump = getenv("ELFUSE_JIT_DUMP"), *stats = getenv("ELFUSE_JIT_STATS");
    jit->want_stats = stats && *stats && *stats != '0';
    jit->dump_fd =
        dump ? open(dump, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
    int error = jit_cache_init(jit, vm->config.counter);
    if (error)
        jit_vm_destroy(vm);
    return error;
}

const struct translator *jit_translator(void)
{
    static const struct translator translator = {
        .name = "jit",
        .vcpu_bytes = sizeof(struct jit_cpu),
        .vm_init = jit_vm_init,
        .vm_destroy = jit_vm_destroy,
        .report = jit_report,
        .vcpu_init = jit_vcpu_init,
        .vcpu_destroy = jit_vcpu_destroy,
        .cache = persist_cache,
        .program = persist_program,
        .to_keep = persist_to_keep,
        .keep = persist_keep,
        .forked = jit_forked,
        .invalidate = jit_cache_invalidate,
        .forget = jit_forget,
        .run = jit_run,
        .stopped = jit_stopped,
        .fault = jit_fault,
    };
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx") ? &translator : NULL;
}
