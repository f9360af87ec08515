/*
 * The kernel's run loop on a scripted CPU: results in x0, restarts, the signal frame byte for byte,
 * faults, ends. The run loop does not return, so each script runs in a child, whose exit status is
 * part of what is checked.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "host/time.h"
#include "linux/abi/sched.h"
#include "linux/fs/fs.h"
#include "linux/mm/mm.h"
#include "linux/mm/uaccess.h"
#include "linux/process/task.h"
#include "linux/signal/signal.h"
#include "linux/strace.h"
#include "vcpu/fake/fake.c"

#define PAGE    0x100000ull /* guest memory of the scripts */
#define STACK   (PAGE + 0xf000)
#define HANDLER 0x4000ull
#define PC      0x2000ull

enum {
    NR_PIPE2 = 59,
    NR_READ = 63,
    NR_EXIT = 93,
    NR_EXIT_GROUP = 94,
    NR_NANOSLEEP = 101,
    NR_SETITIMER = 103,
    NR_RESTART = 128,
    NR_TGKILL = 131,
    NR_SIGACTION = 134,
    NR_SIGPROCMASK = 135,
    NR_SIGRETURN = 139,
    NR_GETPID = 172,
};

static struct task *task;
static uint64_t frame_at;

static uint8_t *guest(uint64_t addr)
{
    return mm_host(task->proc->mm, addr);
}

static void setup(void)
{
    struct process *proc;
    char err[256];
    CHECK_EQ(process_create(&proc), 0);
    CHECK_EQ(
        mm_create(&proc->mm, VCPU_ENGINE_AUTO, host_counter, HOST_COUNTER_HZ, err, sizeof(err)), 0);
    proc->vm = proc->mm->vm;
    proc->fds = fd_table_create();
    proc->rlimit[LINUX_RLIMIT_SIGPENDING][0] = 100;
    CHECK_EQ(task_create_first(proc, &task), 0);
    struct mm_map map = {
        .addr = PAGE,
        .len = 0x10000,
        .prot = LINUX_PROT_READ | LINUX_PROT_WRITE,
        .map_flags = LINUX_MAP_PRIVATE | LINUX_MAP_ANONYMOUS | LINUX_MAP_FIXED,
        .fd = -1,
    };
    CHECK_EQ(mm_map(proc->mm, &map), PAGE);
    vcpu_regs(task->vcpu)->pc = PC;
    vcpu_regs(task->vcpu)->sp = STACK;
}

static void svc(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    const uint64_t args[6] = {a, b, c, d, 0, 0};
    fake_push_svc(task->vcpu, nr, args);
}

/* A look at the registers between two calls: an interrupt exit, which changes nothing. */
static void look(fake_prepare *check, void *context)
{
    const struct vcpu_exit exit = {.reason = VCPU_EXIT_INTERRUPT};
    fake_push(task->vcpu, &exit, check, context);
}

static void want_x0(struct vcpu_regs *regs, void *context)
{
    CHECK_EQ(regs->x[0], (int64_t)(intptr_t)context);
}

/* Run the script to its end in a child: its wait status. A failed check in the child is status 99.
 */
static int run(void (*script)(void))
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        check_failed = 0;
        setup();
        script();
        task_run(task);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return status;
}

/* The last step: fail loudly if a check did. */
static void end_checks(struct vcpu_regs *regs, void *context)
{
    (void)regs, (void)context;
    if (check_failed)
        _exit(99);
}

static void finish(int status)
{
    look(end_checks, NULL);
    svc(NR_EXIT_GROUP, (uint64_t)status, 0, 0, 0);
}

/* ---- scripts ---- */

static void results(void)
{
    svc(NR_GETPID, 0, 0, 0, 0);
    look(want_x0, (void *)1);
    svc(9999, 0, 0, 0, 0);
    look(want_x0, (void *)-38);
    svc(0x100000000ull + NR_GETPID, 0, 0, 0, 0); /* the number is w8 */
    look(want_x0, (void *)1);
    svc(NR_PIPE2, 8, 0, 0, 0);
    look(want_x0, (void *)-14);
    finish(5);
}

static void set_handler(int sig, uint64_t flags, uint64_t restorer)
{
    struct linux_sigaction sa = {HANDLER, flags, restorer, LINUX_SIG_BIT(LINUX_SIGUSR2)};
    memcpy(guest(PAGE), &sa, sizeof(sa));
    svc(NR_SIGACTION, (uint64_t)sig, PAGE, 0, 8);
    look(want_x0, 0);
}

static void dirty(struct vcpu_regs *regs, void *context)
{
    (void)context;
    for (int i = 9; i < 31; i++)
        regs->x[i] = 0x1000 + (uint64_t)i;
    regs->v[3][1] = 0x3333;
    regs->fpcr = 0x01000000;
    regs->nzcv = 0xa0000000;
}

static void in_handler(struct vcpu_regs *regs, void *context)
{
    (void)context;
    struct linux_rt_sigframe frame;
    CHECK_EQ(regs->pc, HANDLER);
    CHECK_EQ(regs->x[0], LINUX_SIGUSR1);
    CHECK_EQ(regs->x[30], 0x5550);
    CHECK_EQ(regs->sp % 16, 0);
    CHECK_EQ(regs->x[1], regs->sp);
    CHECK_EQ(regs->x[2], regs->sp + 128);
    CHECK_EQ(regs->x[29], STACK - 16);
    frame_at = regs->sp;
    memcpy(&frame, guest(frame_at), sizeof(frame));
    CHECK_EQ(frame.info.si_signo, LINUX_SIGUSR1);
    CHECK_EQ(frame.info.si_code, LINUX_SI_TKILL);
    CHECK_EQ(frame.info.rt.pid, 1);
    const struct linux_sigcontext *sc = &frame.uc.uc_mcontext;
    CHECK_EQ(sc->sp, STACK);
    CHECK_EQ(sc->regs[0], 0); /* tgkill's result */
    CHECK_EQ(sc->regs[20], 0x1014);
    CHECK_EQ(sc->pstate, 0xa0000000);
    CHECK_EQ(frame.uc.uc_sigmask, 0);
    struct linux_fpsimd_context fp;
    memcpy(&fp, sc->reserved, sizeof(fp));
    CHECK_EQ(fp.head.magic, LINUX_FPSIMD_MAGIC);
    CHECK_EQ(fp.head.size, 528);
    CHECK_EQ(fp.vregs[3][1], 0x3333);
    CHECK_EQ(fp.fpcr, 0x01000000);
    uint64_t terminator = 1;
    memcpy(&terminator, sc->reserved + 528, 8);
    CHECK_EQ(terminator, 0);
    CHECK_EQ(task->sig->blocked, LINUX_SIG_BIT(LINUX_SIGUSR1) | LINUX_SIG_BIT(LINUX_SIGUSR2));
    uint64_t record[2];
    memcpy(record, guest(regs->x[29]), sizeof(record));
    CHECK_EQ(record[0], 0x101d);
    CHECK_EQ(record[1], 0x101e);
    for (int i = 0; i < 31; i++)
        regs->x[i] = 0;
    regs->nzcv = 0;
    regs->v[3][1] = 0;
    regs->fpcr = 0;
}

static void after_return(struct vcpu_regs *regs, void *context)
{
    (void)context;
    CHECK_EQ(regs->sp, STACK);
    CHECK_EQ(regs->x[0], 0);
    CHECK_EQ(regs->x[20], 0x1014);
    CHECK_EQ(regs->v[3][1], 0x3333);
    CHECK_EQ(regs->fpcr, 0x01000000);
    CHECK_EQ(regs->nzcv, 0xa0000000);
    CHECK_EQ(task->sig->blocked, 0);
}

static void signal_frame(void)
{
    set_handler(LINUX_SIGUSR1, LINUX_SA_SIGINFO | LINUX_SA_RESTORER, 0x5550);
    look(dirty, NULL);
    svc(NR_TGKILL, 1, 1, LINUX_SIGUSR1, 0);
    look(in_handler, NULL);
    svc(NR_SIGRETURN, 0, 0, 0, 0);
    look(after_return, NULL);
    finish(6);
}

static uint64_t call_pc; /* behind the svc that is interrupted */

static void note_pc(struct vcpu_regs *regs, void *context)
{
    (void)context;
    call_pc = regs->pc + 4;
}

static void restarted(struct vcpu_regs *regs, void *context)
{
    struct linux_rt_sigframe frame;
    bool again = context != NULL;
    CHECK_EQ(regs->pc, HANDLER);
    memcpy(&frame, guest(regs->sp), sizeof(frame));
    CHECK_EQ(frame.uc.uc_mcontext.pc, again ? call_pc - 4 : call_pc);
    int64_t want = -LINUX_EINTR;
    int32_t fd;
    memcpy(&fd, guest(PAGE + 512), 4);
    CHECK_EQ(frame.uc.uc_mcontext.regs[0], again ? fd : want);
    CHECK_EQ(frame.uc.uc_mcontext.regs[8], NR_READ);
}

static void read_with_alarm(uint64_t flags)
{
    struct linux_itimerval soon = {{0, 0}, {0, 20000}};
    memcpy(guest(PAGE + 256), &soon, sizeof(soon));
    set_handler(LINUX_SIGALRM, flags, 0x5550);
    svc(NR_PIPE2, PAGE + 512, 0, 0, 0);
    svc(NR_SETITIMER, LINUX_ITIMER_REAL, PAGE + 256, 0, 0);
    look(note_pc, NULL);
    svc(NR_READ, 3, PAGE + 1024, 1, 0); /* the lowest free descriptor: see setup in main */
    look(restarted, flags & LINUX_SA_RESTART ? (void *)1 : NULL);
    finish(7);
}

static void read_eintr(void)
{
    read_with_alarm(LINUX_SA_RESTORER);
}
static void read_restart(void)
{
    read_with_alarm(LINUX_SA_RESTORER | LINUX_SA_RESTART);
}

static void sleeping_again(struct vcpu_regs *regs, void *context)
{
    (void)context;
    CHECK_EQ(regs->x[8], NR_RESTART);
    CHECK_EQ(regs->pc, call_pc - 4);
}

static void kick_self(struct vcpu_regs *regs, void *context)
{
    (void)context;
    call_pc = regs->pc;       /* already behind the call */
    task->sig->attention = 1; /* woken for a signal that is then not there */
}

/* An interrupted sleep without a handler goes on through restart_syscall. */
static void sleep_restart(void)
{
    struct linux_timespec duration = {0, 30000000};
    memcpy(guest(PAGE), &duration, sizeof(duration));
    /* attention would be looked at before the next run: set it in the same step as the call */
    const struct vcpu_exit exit = {.reason = VCPU_EXIT_SVC};
    vcpu_regs(task->vcpu)->x[8] = NR_NANOSLEEP;
    vcpu_regs(task->vcpu)->x[0] = PAGE;
    vcpu_regs(task->vcpu)->pc = PC + 4;
    fake_push(task->vcpu, &exit, kick_self, NULL);
    look(sleeping_again, NULL);
    svc(NR_RESTART, 0, 0, 0, 0);
    look(want_x0, 0);
    finish(8);
}

static void fault_in(struct vcpu_regs *regs, void *context)
{
    (void)context;
    struct linux_rt_sigframe frame;
    CHECK_EQ(regs->pc, HANDLER);
    memcpy(&frame, guest(regs->sp), sizeof(frame));
    CHECK_EQ(frame.info.si_signo, LINUX_SIGSEGV);
    CHECK_EQ(frame.info.si_code, LINUX_SEGV_MAPERR);
    CHECK_EQ(frame.info.fault.addr, 0x77000);
    CHECK_EQ(frame.uc.uc_mcontext.fault_address, 0x77000);
    struct linux_esr_context esr;
    memcpy(&esr, frame.uc.uc_mcontext.reserved + 528, sizeof(esr));
    CHECK_EQ(esr.head.magic, LINUX_ESR_MAGIC);
    CHECK_EQ(esr.esr, 0x92000047); /* data abort from EL0, write, translation fault at level 3 */
}

static void fault(void)
{
    const struct vcpu_exit exit = {
        .reason = VCPU_EXIT_FAULT, .access = VCPU_WRITE, .cause = VCPU_FAULT_MAP, .addr = 0x77000};
    set_handler(LINUX_SIGSEGV, LINUX_SA_SIGINFO | LINUX_SA_RESTORER, 0x5550);
    fake_push(task->vcpu, &exit, NULL, NULL);
    look(fault_in, NULL);
    finish(9);
}

static void fault_unhandled(void)
{
    const struct vcpu_exit exit = {.reason = VCPU_EXIT_UNDEF};
    fake_push(task->vcpu, &exit, NULL, NULL);
}

static void last_thread(void)
{
    svc(NR_EXIT, 300, 0, 0, 0);
}

static void table(void)
{
    CHECK(syscall_row(63) && !strcmp(syscall_row(63)->name, "read") && syscall_row(63)->handler);
    CHECK(syscall_row(425) && !syscall_row(425)->handler); /* io_uring_setup: known, not served */
    CHECK(!syscall_row(300) && !syscall_row(syscall_table_size()));
    CHECK(!strcmp(strace_errno_name(LINUX_ENOENT), "ENOENT"));
    char name[16];
    CHECK(!strcmp(strace_signal_name(11, name, sizeof(name)), "SIGSEGV"));
    CHECK(!strcmp(strace_signal_name(34, name, sizeof(name)), "SIGRT_2"));
}

#define EXITED(status) ((status) << 8)

int main(void)
{
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    table();
    CHECK_EQ(run(results), EXITED(5));
    CHECK_EQ(run(signal_frame), EXITED(6));
    CHECK_EQ(run(read_eintr), EXITED(7));
    CHECK_EQ(run(read_restart), EXITED(7));
    CHECK_EQ(run(sleep_restart), EXITED(8));
    CHECK_EQ(run(fault), EXITED(9));
    CHECK_EQ(run(fault_unhandled), EXITED(128 + LINUX_SIGILL));
    CHECK_EQ(run(last_thread), EXITED(300 & 255));
    return check_done("test_dispatch");
}
