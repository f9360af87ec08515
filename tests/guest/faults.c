/* guest-test: reference=qemu flags=-Wno-stringop-overread,-Wno-stringop-overflow */
/* Bad reads, writes and jumps reach the handler with the address, the code and the PC of the
 * instruction. */
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#ifndef TRAP_BRKPT
#define TRAP_BRKPT 1
#endif

#include "guest.h"

static sigjmp_buf back;
static siginfo_t seen;
static unsigned long seen_pc;
static unsigned long seen_x0, seen_fault_address;

static void on_fault(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    (void)sig;
    seen = *info;
    seen_pc = uc->uc_mcontext.pc;
    seen_x0 = uc->uc_mcontext.regs[0];
    seen_fault_address = uc->uc_mcontext.fault_address;
    siglongjmp(back, 1);
}

long do_load(void *p);
void do_store(void *p);
void do_undef(void);
void do_brk(void);
__asm__(".text\n"
        ".globl do_load, do_store, do_undef, do_brk\n"
        "do_load: ldr x0, [x0]\n ret\n"
        "do_store: str x0, [x0]\n ret\n"
        "do_undef: .inst 0x00000000\n ret\n"
        "do_brk: brk #1\n ret\n");

static int is_qemu(void)
{
    char text[4096] = "";
    FILE *f = fopen("/proc/cpuinfo", "r");
    size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
    text[n] = 0;
    return strstr(text, "GenuineIntel") ||
           strstr(text, "AuthenticAMD"); /* the host's, passed through */
}

static void expect(int sig, int code, const void *addr, const void *pc)
{
    EQ(seen.si_signo, sig);
    if (code) /* 0: not compared */
        EQ(seen.si_code, code);
    EQ((long)seen.si_addr, (long)addr);
    EQ(seen_pc, (long)pc);
}

#define TRY(code_)                                                                                 \
    do {                                                                                           \
        memset(&seen, 0, sizeof(seen));                                                            \
        if (!sigsetjmp(back, 1))                                                                   \
            code_;                                                                                 \
    } while (0)

int main(void)
{
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    int sigs[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP};
    for (int i = 0; i < 4; i++)
        sigaction(sigs[i], &sa, NULL);

    char *none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *read_only = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *gone = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(gone, 4096);

    TRY(do_load((void *)8));
    expect(SIGSEGV, SEGV_MAPERR, (void *)8, do_load);
    EQ(seen_x0, 8);
    TRY(do_store((void *)16));
    expect(SIGSEGV, SEGV_MAPERR, (void *)16, do_store);
    TRY(do_load(gone + 40));
    expect(SIGSEGV, SEGV_MAPERR, gone + 40, do_load);
    TRY(do_load(none + 40));
    expect(SIGSEGV, SEGV_ACCERR, none + 40, do_load);
    TRY(do_store(read_only + 48));
    expect(SIGSEGV, SEGV_ACCERR, read_only + 48, do_store);
    EQ(seen_fault_address, (long)(read_only + 48));
    TRY(((void (*)(void))(uintptr_t)0x1000)());
    expect(SIGSEGV, SEGV_MAPERR, (void *)0x1000, (void *)0x1000);
    TRY(((void (*)(void))(uintptr_t)read_only)());
    expect(SIGSEGV, SEGV_ACCERR, read_only, read_only);
    TRY(do_undef());
    /* qemu says ILL_ILLOPN where traps.c of Linux says ILL_ILLOPC. */
    expect(SIGILL, is_qemu() ? 0 : ILL_ILLOPC, do_undef, do_undef);
    TRY(do_brk());
    expect(SIGTRAP, TRAP_BRKPT, do_brk, do_brk);

    /* Calls report EFAULT instead. */
    char *edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(edge + 4096, 4096);
    int fds[2];
    EQ(pipe(fds), 0);
    ERR(write(fds[1], (void *)8, 10), EFAULT);
    ERR(write(fds[1], none, 10), EFAULT);
    EQ(write(fds[1], "abc", 3), 3);
    ERR(read(fds[0], read_only, 3), EFAULT);
    ERR(pipe((int *)16), EFAULT);
    ERR(syscall(SYS_clock_gettime, 1, read_only), EFAULT);
    ERR(syscall(SYS_clock_gettime, 1, edge + 4096 - 8), EFAULT);
    ERR(syscall(SYS_rt_sigaction, SIGUSR1, (void *)8, NULL, 8), EFAULT);
    ERR(syscall(SYS_openat, -100, (void *)8, 0), EFAULT);
    memset(edge + 4090, 'a', 6);
    ERR(syscall(SYS_openat, -100, edge + 4090, 0), EFAULT);
    ERR(syscall(SYS_uname, 0xffffffffffff0000ul), EFAULT);
    ERR(syscall(SYS_futex, 64, 0, 1, NULL), EFAULT);
    return done();
}
