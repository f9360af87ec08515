/* guest-test: flags=-pthread roots=plain */
/*
 * The signal frame as language runtimes use it: what a handler changes in it is taken over, its
 * records say what faulted, an alternate stack is disarmed and armed again, and a frame that is no
 * frame ends in SIGSEGV with the address and code that the kernel gives.
 */
#include <asm/sigcontext.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/ucontext.h>
#include <time.h>

#include "guest.h"

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif

typedef void handler_fn(int, siginfo_t *, void *);

static void handle(int sig, handler_fn *fn, int flags)
{
    struct sigaction sa = {.sa_sigaction = fn, .sa_flags = SA_SIGINFO | flags};
    sigemptyset(&sa.sa_mask);
    OK(sigaction(sig, &sa, NULL));
}

static struct _aarch64_ctx *record(ucontext_t *uc, unsigned magic)
{
    char *at = (char *)uc->uc_mcontext.__reserved;
    for (;;) {
        struct _aarch64_ctx *ctx = (void *)at;
        if (ctx->magic == magic)
            return ctx;
        if (!ctx->magic)
            return NULL;
        at += ctx->size;
    }
}

/* ---- a call injected at any instruction: Go's asynchronous preemption ---- */

volatile long injected;
void injected_call(void);
/* Leaves every register as it was but x30, by which it goes back. */
__asm__(".text\n"
        ".globl injected_call\n"
        "injected_call:\n"
        "  stp x0, x1, [sp, #-32]!\n  mrs x0, nzcv\n  str x0, [sp, #16]\n"
        "  adrp x0, injected\n  add x0, x0, :lo12:injected\n"
        "  ldr x1, [x0]\n  add x1, x1, #1\n  str x1, [x0]\n"
        "  ldr x0, [sp, #16]\n  msr nzcv, x0\n  ldp x0, x1, [sp], #32\n"
        "  ldr x30, [sp], #16\n  br x30\n");

static volatile unsigned long loop_from, loop_to;

static void inject(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    (void)sig, (void)info;
    if (uc->uc_mcontext.pc < loop_from || uc->uc_mcontext.pc >= loop_to)
        return;
    uc->uc_mcontext.sp -= 16;
    *(unsigned long *)uc->uc_mcontext.sp = uc->uc_mcontext.pc;
    uc->uc_mcontext.pc = (unsigned long)injected_call;
}

static long run_counting(long n)
{
    long result;
    __asm__ volatile("mov x0, %1\n"
                     "mov x1, #0\n mov x2, #0\n mov x3, #3\n"
                     "adr x4, 1f\n str x4, [%2]\n adr x4, 2f\n str x4, [%3]\n"
                     "1: add x1, x1, #1\n add x2, x2, x3\n subs x0, x0, #1\n b.ne 1b\n"
                     "2: mul x4, x3, x1\n sub x4, x4, x2\n add %0, x4, x1\n"
                     : "=r"(result)
                     : "r"(n), "r"(&loop_from), "r"(&loop_to)
                     : "x0", "x1", "x2", "x3", "x4", "x30", "cc", "memory");
    return result;
}

static void injection(void)
{
    struct itimerval every = {{0, 1000}, {0, 1000}}, off = {{0, 0}, {0, 0}};
    handle(SIGALRM, inject, SA_RESTART);
    setitimer(ITIMER_REAL, &every, NULL);
    for (int i = 0; i < 2000 && injected < 5; i++)
        EQ(run_counting(1000000), 1000000);
    setitimer(ITIMER_REAL, &off, NULL);
    CHECK(injected >= 5);
}

/* ---- a fault that is expected: the JVM's null checks, V8's trap handler ---- */

long checked_load(long *p);
extern char checked_load_at[], checked_load_failed[];
__asm__(".globl checked_load, checked_load_at, checked_load_failed\n"
        "checked_load:\n"
        "checked_load_at: ldr x0, [x0]\n  ret\n"
        "checked_load_failed: add x0, x9, #1\n  ret\n");

static void to_landing_pad(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    (void)sig;
    struct esr_context *esr = (void *)record(uc, ESR_MAGIC);
    EQ(uc->uc_mcontext.pc, (long)checked_load_at);
    EQ(uc->uc_mcontext.fault_address, 16);
    EQ((long)info->si_addr, 16);
    CHECK(esr);
    if (esr) {
        EQ(esr->head.size, 16);
        EQ(esr->esr >> 26, 0x24);          /* data abort from below */
        EQ(esr->esr & (1 << 25), 1 << 25); /* 32-bit instruction */
        EQ(esr->esr & (1 << 6), 0);        /* a read */
        EQ(esr->esr & 0x3c, 4);            /* translation fault, of some level */
        EQ((char *)esr - (char *)uc->uc_mcontext.__reserved, 528);
    }
    uc->uc_mcontext.pc = (unsigned long)checked_load_failed;
    uc->uc_mcontext.regs[9] = 41;
}

static void esr_of_write(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    (void)sig;
    struct esr_context *esr = (void *)record(uc, ESR_MAGIC);
    EQ(info->si_code, SEGV_ACCERR);
    CHECK(esr && (esr->esr & (1 << 6)) && (esr->esr & 0x3c) == 0x0c); /* permission fault */
    mprotect((void *)((unsigned long)info->si_addr & -4096ul), 4096, PROT_READ | PROT_WRITE);
}

static void esr_stays(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    (void)sig, (void)info;
    injected = record(uc, ESR_MAGIC) != NULL;
}

static void expected_faults(void)
{
    long good = 7;
    handle(SIGUSR1, esr_stays, 0);
    injected = -1;
    raise(SIGUSR1);
    EQ(injected, 0); /* no fault yet */
    handle(SIGSEGV, to_landing_pad, 0);
    EQ(checked_load(&good), 7);
    EQ(checked_load((long *)16), 42);
    char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    handle(SIGSEGV, esr_of_write, 0);
    EQ(*(volatile char *)page, 0); /* maps it: else the write would be a translation fault */
    *(volatile char *)(page + 100) = 1;
    EQ(page[100], 1);
    raise(SIGUSR1);
    EQ(injected, 1); /* thread.fault_code stays until the next fault */
}

/* ---- every register ---- */

static void change_all(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    struct fpsimd_context *fp = (void *)record(uc, FPSIMD_MAGIC);
    (void)sig, (void)info;
    for (int i = 9; i < 16; i++)
        uc->uc_mcontext.regs[i] = 100 + i;
    uc->uc_mcontext.pstate ^= 0xfull << 28;
    for (int i = 16; i < 32; i++)
        fp->vregs[i] = ((__uint128_t)(200 + i) << 64) | (unsigned)i;
    fp->fpcr = 1u << 22; /* round towards plus infinity */
    fp->fpsr = 1;        /* invalid operation has happened */
    sigaddset(&uc->uc_sigmask, SIGUSR2);
}

static void all_registers(void)
{
    unsigned long x[2], v[2], nzcv, fpcr, fpsr;
    sigset_t now, none;
    handle(SIGUSR1, change_all, 0);
    long pid = getpid(), tid = syscall(SYS_gettid);
    __asm__ volatile("mov x0, %[pid]\n mov x1, %[tid]\n mov x2, #10\n mov x8, #131\n"
                     "cmp xzr, xzr\n" /* Z and C */
                     "svc #0\n"
                     "mrs %[nzcv], nzcv\n"
                     "mrs x3, fpcr\n str x3, %[fpcr]\n mrs x3, fpsr\n str x3, %[fpsr]\n"
                     "msr fpcr, xzr\n msr fpsr, xzr\n"
                     "stp x9, x15, [%[x]]\n"
                     "str q31, [%[v]]\n"
                     : [nzcv] "=&r"(nzcv), [fpcr] "=m"(fpcr), [fpsr] "=m"(fpsr)
                     : [pid] "r"(pid), [tid] "r"(tid), [x] "r"(x), [v] "r"(v)
                     : "x0", "x1", "x2", "x3", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
                       "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26",
                       "v27", "v28", "v29", "v30", "v31", "cc", "memory");
    EQ(nzcv >> 28, 9); /* N and V instead */
    EQ(fpcr, 1 << 22);
    EQ(fpsr, 1);
    EQ(x[0], 109);
    EQ(x[1], 115);
    EQ(v[0], 31);
    EQ(v[1], 231);
    sigprocmask(SIG_BLOCK, NULL, &now);
    CHECK(sigismember(&now, SIGUSR2));
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Records beyond __reserved[], as a kernel for wide vectors writes them. */
static void with_extra(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    char *at = (char *)uc->uc_mcontext.__reserved;
    static struct fpsimd_context saved;
    (void)sig, (void)info;
    memcpy(&saved, record(uc, FPSIMD_MAGIC), sizeof saved);
    memset(at, 0, 4096);
    struct extra_context *extra = (void *)at;
    extra->head.magic = EXTRA_MAGIC;
    extra->head.size = sizeof *extra;
    extra->datap = (unsigned long)at + sizeof *extra + 16;
    extra->size = sizeof saved + 16;
    saved.vregs[31] = 4711;
    memcpy(at + sizeof *extra + 16, &saved, sizeof saved);
}

static unsigned long v31_after(int sig)
{
    unsigned long v[2];
    long pid = getpid(), tid = syscall(SYS_gettid);
    __asm__ volatile("mov x0, %[pid]\n mov x1, %[tid]\n mov x2, %[sig]\n mov x8, #131\n"
                     "movi v31.2d, #0\n svc #0\n str q31, [%[v]]\n"
                     :
                     : [pid] "r"(pid), [tid] "r"(tid), [v] "r"(v), [sig] "r"((long)sig)
                     : "x0", "x1", "x2", "x8", "v31", "memory");
    return v[0];
}

static void extra_records(void)
{
    handle(SIGUSR1, with_extra, 0);
    EQ(v31_after(SIGUSR1), 4711);
}

/* ---- the alternate stack ---- */

static char *alt;
enum { ALT = 65536 };
static volatile long on_alt, nested_below;

static void nested_on_alt(int sig, siginfo_t *info, void *context)
{
    char here;
    (void)info, (void)context;
    CHECK(&here > alt && &here < alt + ALT);
    if (sig == SIGUSR2) {
        nested_below = (long)&here;
        return;
    }
    on_alt = (long)&here;
    raise(SIGUSR2);
}

static void disarmed(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    stack_t now;
    (void)sig, (void)info;
    OK(sigaltstack(NULL, &now));
    EQ(now.ss_flags, SS_DISABLE);
    EQ(uc->uc_stack.ss_flags, (int)SS_AUTODISARM);
    EQ((long)uc->uc_stack.ss_sp, (long)alt);
    EQ(uc->uc_stack.ss_size, ALT);
    stack_t other = {.ss_sp = alt, .ss_size = ALT / 2};
    OK(sigaltstack(&other, NULL)); /* forgotten by sigreturn */
}

static void alternate_stack(void)
{
    stack_t st = {.ss_sp = alt, .ss_size = ALT}, now;
    OK(sigaltstack(&st, NULL));
    handle(SIGUSR1, nested_on_alt, SA_ONSTACK);
    handle(SIGUSR2, nested_on_alt, SA_ONSTACK);
    raise(SIGUSR1);
    CHECK(nested_below && nested_below < on_alt - 4000);
    st.ss_flags = SS_AUTODISARM;
    OK(sigaltstack(&st, NULL));
    handle(SIGUSR1, disarmed, SA_ONSTACK);
    raise(SIGUSR1);
    OK(sigaltstack(NULL, &now));
    EQ(now.ss_flags, (int)SS_AUTODISARM);
    EQ(now.ss_size, ALT);
    st.ss_flags = 0;
    OK(sigaltstack(&st, NULL));
}

/* ---- faults of memory, seen on the alternate stack ---- */

static sigjmp_buf back;
static siginfo_t seen;
static unsigned long seen_pc, seen_sp, seen_x5;
static int seen_esr;

static void note(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    (void)sig;
    seen = *info;
    seen_pc = uc->uc_mcontext.pc;
    seen_sp = uc->uc_mcontext.sp;
    seen_x5 = uc->uc_mcontext.regs[5];
    seen_esr = record(uc, ESR_MAGIC) != NULL;
    siglongjmp(back, 1);
}

static char *thread_stack;

static int deep(int n)
{
    volatile char pad[1024];
    pad[0] = (char)n;
    return n > 0 ? deep(n - 1) + pad[0] : 0;
}

static void *overflow(void *arg)
{
    stack_t st = {.ss_sp = mmap(NULL, ALT, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), .ss_size = ALT};
    OK(sigaltstack(&st, NULL));
    if (!sigsetjmp(back, 1))
        deep(1 << 20);
    EQ(seen.si_signo, SIGSEGV);
    EQ(seen.si_code, SEGV_ACCERR);
    CHECK((char *)seen.si_addr >= thread_stack && (char *)seen.si_addr < thread_stack + 4096);
    CHECK(seen_sp <= (unsigned long)seen.si_addr + 2048);
    return arg;
}

static void guard_page(void)
{
    pthread_t t;
    pthread_attr_t attr;
    size_t size = 256 * 1024;
    thread_stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(thread_stack, 4096, PROT_NONE);
    handle(SIGSEGV, note, SA_ONSTACK);
    pthread_attr_init(&attr);
    pthread_attr_setstack(&attr, thread_stack + 4096, size - 4096);
    EQ(pthread_create(&t, &attr, overflow, NULL), 0);
    pthread_join(t, NULL);
}

static void beyond_file(void)
{
    int fd = memfd_create("short", 0);
    OK(ftruncate(fd, 4096));
    char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    handle(SIGBUS, note, SA_ONSTACK);
    if (!sigsetjmp(back, 1)) {
        *(volatile char *)(map + 4096 + 77) = 1;
        FAIL("no SIGBUS");
    }
    EQ(seen.si_signo, SIGBUS);
    EQ(seen.si_code, BUS_ADRERR);
    EQ((char *)seen.si_addr - map, 4096 + 77);
    /* A system call gets EFAULT instead. */
    ERR(write(fd, map + 4096, 1), EFAULT);
}

/* ---- no frame ---- */

static void sigreturn_at(void *sp)
{
    __asm__ volatile(
        "mov x9, sp\n mov x5, #55\n mov sp, %0\n mov x8, #139\n svc #0\n mov sp, x9\n" ::"r"(sp)
        : "x5", "x8", "x9", "memory");
}

static void no_frames(void)
{
    static char frame[4688] __attribute__((aligned(16)));
    ucontext_t *uc = (void *)(frame + 128);
    struct _aarch64_ctx *head = (void *)uc->uc_mcontext.__reserved;
    handle(SIGSEGV, note, SA_ONSTACK);

    /* Not aligned: nothing is read. */
    if (!sigsetjmp(back, 1))
        sigreturn_at(frame + 8);
    EQ((long)seen.si_addr, (long)frame + 8);
    EQ(seen.si_code, SEGV_ACCERR);
    EQ(seen_x5, 55);
    EQ(seen_esr, 0);

    /* Not there: what could not be read is zero. */
    if (!sigsetjmp(back, 1))
        sigreturn_at((void *)4096);
    EQ(seen.si_signo, SIGSEGV);
    EQ(seen.si_code, SEGV_ACCERR); /* something is mapped above */
    EQ((long)seen.si_addr, 0);
    EQ(seen_sp, 0);
    EQ(seen_pc, 0);
    EQ(seen_x5, 0);

    /* No FP/SIMD record: the registers are the frame's already. */
    uc->uc_mcontext.sp = 0x1230;
    uc->uc_mcontext.pc = 0x4560;
    uc->uc_mcontext.regs[5] = 5;
    if (!sigsetjmp(back, 1))
        sigreturn_at(frame);
    EQ((long)seen.si_addr, 0x1230);
    EQ(seen_pc, 0x4560);
    EQ(seen_x5, 5);

    head->magic = FPSIMD_MAGIC;
    head->size = 544; /* as its neighbour would see it: aligned, but not the size of one */
    if (!sigsetjmp(back, 1))
        sigreturn_at(frame);
    EQ((long)seen.si_addr, 0x1230);
    head->size = sizeof(struct fpsimd_context);
    uc->uc_mcontext.pstate = 5; /* EL1h */
    if (!sigsetjmp(back, 1))
        sigreturn_at(frame);
    EQ((long)seen.si_addr, 0x1230);
    EQ(seen_pc, 0x4560);
    /* A whole frame that leads nowhere: a fault of the jump. */
    uc->uc_mcontext.pstate = 0;
    if (!sigsetjmp(back, 1))
        sigreturn_at(frame);
    EQ((long)seen.si_addr, 0x4560);
    EQ(seen.si_code, SEGV_MAPERR);
    EQ(seen_esr, 1);

    /* A handler's frame has no place on this stack; that of SIGSEGV has. */
    handle(SIGUSR2, nested_on_alt, 0);
    long pid = getpid(), tid = syscall(SYS_gettid);
    if (!sigsetjmp(back, 1))
        __asm__ volatile("mov x9, sp\n mov x10, #4096\n mov x0, %0\n mov x1, %1\n mov x2, #12\n"
                         "mov x8, #131\n mov sp, x10\n svc #0\n mov sp, x9\n" ::"r"(pid),
                         "r"(tid)
                         : "x0", "x1", "x2", "x8", "x9", "x10", "memory");
    EQ(seen.si_code, SI_KERNEL);
    EQ((long)seen.si_addr, 0);
    EQ(seen_sp, 4096);
    EQ(seen_x5 == 0 || seen_pc != 0, 1);
}

/* ---- signals in the vDSO ---- */

static volatile int ticks;
static void tick(int sig, siginfo_t *info, void *context)
{
    struct timespec ts;
    (void)sig, (void)info, (void)context;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    ticks++;
}

static void in_the_vdso(void)
{
    struct itimerval every = {{0, 500}, {0, 500}}, off = {{0, 0}, {0, 0}};
    struct timespec a, b;
    int wrong = 0;
    handle(SIGALRM, tick, SA_RESTART);
    clock_gettime(CLOCK_MONOTONIC, &a);
    setitimer(ITIMER_REAL, &every, NULL);
    for (long i = 0; i < 20000000 && ticks < 50; i++) {
        clock_gettime(CLOCK_MONOTONIC, &b);
        wrong += b.tv_sec < a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec < a.tv_nsec);
        wrong += b.tv_nsec < 0 || b.tv_nsec >= 1000000000;
        a = b;
    }
    setitimer(ITIMER_REAL, &off, NULL);
    CHECK(ticks >= 50);
    EQ(wrong, 0);
}

int main(void)
{
    alt = mmap(NULL, ALT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    expected_faults();
    injected = 0;
    injection();
    all_registers();
    extra_records();
    alternate_stack();
    guard_page();
    beyond_file();
    no_frames();
    in_the_vdso();
    return done();
}
