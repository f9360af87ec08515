/*
 * a64_reference.c - runs differential cases on the CPU it is started on (a real arm64,
 * qemu-aarch64, or elfuse itself). Built for arm64, static. Cases on standard input, results on
 * standard output.
 *
 * All cases of a batch are written first, then run; a signal handler takes the result of one case
 * out of its context and puts the next case in, so that a case costs one signal.
 */
#include <asm/sigcontext.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "a64_vector.h"

static struct vec_case cases[VEC_BATCH];
static struct vec_result results[VEC_BATCH];
static unsigned count, running;
static ucontext_t home;
static uint64_t *const data = (uint64_t *)VEC_DATA;
static struct vec_memory memory;

static struct fpsimd_context *fpsimd(ucontext_t *uc)
{
    struct _aarch64_ctx *head = (struct _aarch64_ctx *)uc->uc_mcontext.__reserved;
    while (head->magic != FPSIMD_MAGIC)
        head = (struct _aarch64_ctx *)((char *)head + head->size);
    return (struct fpsimd_context *)head;
}

static void load_case(ucontext_t *uc, unsigned i)
{
    const struct vec_regs *in = &cases[i].in;
    struct fpsimd_context *fp = fpsimd(uc);
    vec_load_x((uint64_t *)uc->uc_mcontext.regs, &cases[i], i);
    uc->uc_mcontext.sp = in->sp;
    uc->uc_mcontext.pc = vec_slot(i);
    uc->uc_mcontext.pstate = (uc->uc_mcontext.pstate & ~0xf0000000ull) | in->nzcv;
    memcpy(fp->vregs, in->v, sizeof in->v);
    fp->fpcr = in->fpcr;
    fp->fpsr = in->fpsr;
    vec_prepare(&memory, data, cases[i].mem_seed);
}

static void save_result(ucontext_t *uc, const siginfo_t *info, int sig, struct vec_result *r)
{
    struct fpsimd_context *fp = fpsimd(uc);
    memset(r, 0, sizeof *r);
    r->stop = sig == SIGTRAP   ? VEC_BRK_HIT
              : sig == SIGSEGV ? VEC_SEGV
              : sig == SIGBUS  ? VEC_BUS
              : sig == SIGILL  ? VEC_ILL
                               : VEC_OTHER;
    if (sig == SIGSEGV || sig == SIGBUS)
        r->fault_addr = (uint64_t)info->si_addr;
    memcpy(r->out.x, uc->uc_mcontext.regs, sizeof r->out.x);
    r->out.sp = uc->uc_mcontext.sp;
    r->out.pc = uc->uc_mcontext.pc;
    r->out.nzcv = (uint32_t)uc->uc_mcontext.pstate & 0xf0000000u;
    memcpy(r->out.v, fp->vregs, sizeof r->out.v);
    r->out.fpcr = fp->fpcr;
    r->out.fpsr = fp->fpsr;
    r->mem_hash = vec_settle(&memory, data);
}

static void on_signal(int sig, siginfo_t *info, void *ctx)
{
    ucontext_t *uc = ctx;
    if (sig == SIGUSR1) {
        memcpy(&home, uc, sizeof home);
        running = 0;
    } else {
        save_result(uc, info, sig, &results[running]);
        running++;
    }
    if (running < count) {
        load_case(uc, running);
        return;
    }
    uc->uc_mcontext = home.uc_mcontext;
}

static void write_code(void)
{
    uint32_t *code = (uint32_t *)VEC_CODE;
    mprotect(code, VEC_CODE_SIZE, PROT_READ | PROT_WRITE);
    for (uint64_t i = 0; i < VEC_CODE_SIZE / 4; i++)
        code[i] = VEC_BRK;
    for (unsigned i = 0; i < count; i++)
        memcpy((char *)vec_slot(i), cases[i].insn, cases[i].count * 4);
    mprotect(code, VEC_CODE_SIZE, PROT_READ | PROT_EXEC);
    __builtin___clear_cache((char *)code, (char *)code + VEC_CODE_SIZE);
}

static void map(uint64_t addr, uint64_t size)
{
    void *p = mmap((void *)addr, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (p == MAP_FAILED) {
        perror("mmap");
        exit(2);
    }
}

int main(void)
{
    static char alt[1 << 16];
    stack_t ss = {.ss_sp = alt, .ss_size = sizeof alt};
    struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    const int sigs[] = {SIGUSR1, SIGTRAP, SIGSEGV, SIGBUS, SIGILL};
    uint32_t n;

    map(VEC_CODE, VEC_CODE_SIZE);
    map(VEC_DATA, VEC_DATA_SIZE);
    map(VEC_RO, VEC_RO_SIZE);
    vec_fill((uint64_t *)VEC_RO, VEC_RO_SIZE, 1);
    mprotect((void *)VEC_RO, VEC_RO_SIZE, PROT_READ);
    sigaltstack(&ss, NULL);
    for (unsigned i = 0; i < sizeof sigs / sizeof *sigs; i++)
        sigaction(sigs[i], &sa, NULL);

    while (fread(&n, sizeof n, 1, stdin) == 1 && n > 0 && n <= VEC_BATCH) {
        count = n;
        if (fread(cases, sizeof cases[0], n, stdin) != n)
            return 2;
        write_code();
        raise(SIGUSR1);
        fwrite(results, sizeof results[0], n, stdout);
        fflush(stdout);
    }
    return 0;
}
