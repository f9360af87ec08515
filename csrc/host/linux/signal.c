#include "host/signal.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "host/linux/reserved.h"
#include "host/linux/safe_syscall.h"
#include "host/thread.h"
#include "linux/abi/time.h"

#define ALTSTACK_SIZE (64 * 1024)
#define INBOX_SLOTS   256
/* With so many waiting a thread takes no more until they have been taken out: the rest stays queued
 * in the host. What is left is for the threads that are just taking one. */
#define INBOX_FULL 128

/* Signals whose meaning is a fault of the thread they come to. */
static const int fault_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};

enum slot_state { SLOT_FREE, SLOT_FILLING, SLOT_FULL };

static struct {
    _Atomic uint8_t state[INBOX_SLOTS]; /* enum slot_state; apart, for a child to clear them */
    struct host_signal_info info[INBOX_SLOTS];
    _Atomic uint64_t order;
    _Atomic uint64_t overflow; /* signals that found no slot: bit signo-1 */
    _Atomic int count;         /* full slots and overflow bits, for a quick look */
} inbox;

static struct host_signal_hooks hooks;
static _Thread_local void *altstack;

static bool is_fault_signal(int signo)
{
    for (size_t i = 0; i < sizeof(fault_signals) / sizeof(fault_signals[0]); i++) {
        if (fault_signals[i] == signo)
            return true;
    }
    return false;
}

static bool is_ours(int signo)
{
    return is_fault_signal(signo) || signo == SIGKILL || signo == SIGSTOP || signo == SIGNAL_KICK ||
           signo == HOST_SIGNAL_TIMER || (signo >= 32 && signo < SIGRTMIN);
}

static _Thread_local bool holding;
static _Thread_local sigset_t before_hold;

static struct linux_siginfo to_linux(const siginfo_t *si)
{
    struct linux_siginfo info;
    _Static_assert(sizeof *si == sizeof info, "the layout is the same on every 64-bit Linux");
    memcpy(&info, si, sizeof info);
    return info;
}

/* The number of the signal that the guest is to see. */
static int open_letter(struct host_signal_info *in)
{
    struct linux_siginfo *info = &in->info;
    unsigned seal = (unsigned)info->si_errno;
    if (info->si_code >= 0 || (seal & GUEST_SIGINFO_MASK) != GUEST_SIGINFO)
        return info->si_signo;
    info->si_signo = (int32_t)(seal & 0xff);
    info->si_errno = 0;
    bool directed = seal & GUEST_SIGINFO_DIRECTED;
    if (directed)
        in->thread = host_attention;
    in->from_guest = !(seal & GUEST_SIGINFO_PLAIN);
    if (!in->from_guest)
        info->si_code = directed ? LINUX_SI_TKILL : LINUX_SI_USER;
    return info->si_signo;
}

/* tgkill(), or write() to a broken pipe or beyond RLIMIT_FSIZE: the kernel names the process that
 * asked as the sender, which sends none to itself by kill(). */
static bool for_this_thread(const siginfo_t *si)
{
    if (si->si_code == SI_TKILL)
        return true;
    return si->si_code == SI_USER && (si->si_signo == SIGPIPE || si->si_signo == SIGXFSZ) &&
           si->si_pid == getpid();
}

static void inbox_put(const siginfo_t *si)
{
    struct host_signal_info in = {.info = to_linux(si)};
    int signo = open_letter(&in);
    if (signo < 1 || signo > 64)
        return;
    if (for_this_thread(si))
        in.thread = host_attention;
    for (int i = 0; i < INBOX_SLOTS; i++) {
        uint8_t expected = SLOT_FREE;
        if (!atomic_compare_exchange_strong(&inbox.state[i], &expected, SLOT_FILLING))
            continue;
        inbox.info[i] = in;
        inbox.info[i].order = atomic_fetch_add(&inbox.order, 1);
        atomic_store(&inbox.state[i], SLOT_FULL);
        atomic_fetch_add(&inbox.count, 1);
        return;
    }
    if (!(atomic_fetch_or(&inbox.overflow, 1ULL << (signo - 1)) & (1ULL << (signo - 1))))
        atomic_fetch_add(&inbox.count, 1);
}

/* In the handler: block what the guest may care about once the handler returns. */
static void hold(ucontext_t *uc)
{
    if (holding || atomic_load(&inbox.count) < INBOX_FULL)
        return;
    holding = true;
    before_hold = uc->uc_sigmask;
    for (int signo = 1; signo <= 64; signo++) {
        if (!is_ours(signo))
            sigaddset(&uc->uc_sigmask, signo);
    }
}

static void stop_holding(void)
{
    if (!holding)
        return;
    holding = false;
    pthread_sigmask(SIG_SETMASK, &before_hold, NULL);
}

bool host_signal_waiting(void)
{
    return atomic_load(&inbox.count) > 0;
}

bool host_signal_take(struct host_signal_info *info)
{
    if (!host_signal_waiting()) {
        stop_holding();
        return false;
    }
    int oldest = -1;
    for (int i = 0; i < INBOX_SLOTS; i++) {
        if (atomic_load(&inbox.state[i]) == SLOT_FULL &&
            (oldest < 0 || inbox.info[i].order < inbox.info[oldest].order))
            oldest = i;
    }
    if (oldest >= 0) {
        *info = inbox.info[oldest];
        atomic_store(&inbox.state[oldest], SLOT_FREE);
        atomic_fetch_sub(&inbox.count, 1);
        return true;
    }
    uint64_t set = atomic_load(&inbox.overflow);
    if (!set)
        return false;
    int signo = __builtin_ctzll(set) + 1;
    atomic_fetch_and(&inbox.overflow, ~(1ULL << (signo - 1)));
    atomic_fetch_sub(&inbox.count, 1);
    *info = (struct host_signal_info){.info = {.si_signo = signo, .si_code = SI_USER}};
    return true;
}

static uintptr_t *context_pc(ucontext_t *uc)
{
#if defined(__x86_64__)
    return (uintptr_t *)&uc->uc_mcontext.gregs[REG_RIP];
#else
    return (uintptr_t *)&uc->uc_mcontext.pc;
#endif
}

static enum host_fault_access context_access(const ucontext_t *uc)
{
#if defined(__x86_64__)
    /* The page fault's error code: bit 1 write, bit 4 instruction fetch. */
    unsigned long err = (unsigned long)uc->uc_mcontext.gregs[REG_ERR];
    return err & 16 ? HOST_FAULT_EXEC : err & 2 ? HOST_FAULT_WRITE : HOST_FAULT_READ;
#else
    /* ESR: exception class 0x20 is an instruction abort; bit 6 of a data abort is WnR. */
    const struct _aarch64_ctx *ctx = (const struct _aarch64_ctx *)uc->uc_mcontext.__reserved;
    while (ctx->magic && ctx->magic != ESR_MAGIC)
        ctx = (const struct _aarch64_ctx *)((const char *)ctx + ctx->size);
    uint64_t esr = ctx->magic ? ((const struct esr_context *)ctx)->esr : 0;
    return (esr >> 26) == 0x20 ? HOST_FAULT_EXEC : esr & 64 ? HOST_FAULT_WRITE : HOST_FAULT_READ;
#endif
}

static void crash(int signo, const siginfo_t *si, uintptr_t pc)
{
    char line[160];
    int n =
        snprintf(line, sizeof(line), "elfuse: internal error: signal %d at %#lx, address %#lx\n",
                 signo, (unsigned long)pc, (unsigned long)(uintptr_t)si->si_addr);
    if (n > 0)
        host_syscall(SYS_write, 2, line, n);
    signal(signo, SIG_DFL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signo);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    host_syscall(SYS_tgkill, getpid(), host_thread_id(), signo);
    _exit(125);
}

static void arrive(int signo, siginfo_t *si, void *context)
{
    int saved_errno = errno;
    bool parent_ended = signo == SIGNAL_KICK && si->si_code == SI_USER;
    if (parent_ended && hooks.parent_ended)
        hooks.parent_ended();
    else if (signo != SIGNAL_KICK || si->si_code != SI_TKILL)
        inbox_put(si);
    if (hooks.arrived)
        hooks.arrived();
    host_syscall_fix_pc(context_pc(context));
    errno = saved_errno;
}

static void on_signal(int signo, siginfo_t *si, void *context)
{
    arrive(signo, si, context);
    hold(context);
}

static void on_fault(int signo, siginfo_t *si, void *context)
{
    /* si_code <= 0: somebody sent it, nothing has faulted. SI_KERNEL is a fault without an address.
     */
    if (si->si_code <= 0) {
        arrive(signo, si, context);
        return;
    }
    if (signo == SIGSEGV || signo == SIGBUS) {
        enum host_fault_cause cause = HOST_FAULT_BUS;
        if (signo == SIGSEGV)
            cause = si->si_code == SEGV_ACCERR ? HOST_FAULT_PERM : HOST_FAULT_MAP;
        else if (si->si_code == BUS_ADRALN)
            cause = HOST_FAULT_ALIGN;
        if (hooks.fault &&
            hooks.fault((uintptr_t)si->si_addr, context_access(context), cause, context))
            return;
    }
    crash(signo, si, *context_pc(context));
}

static int install(int signo, void (*handler)(int, siginfo_t *, void *), int flags)
{
    /* On the alternate stack: translated code has its stack pointer elsewhere. */
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK | flags};
    sigemptyset(&sa.sa_mask);
    /* One at a time: hold() sees the mask that the thread goes on with. */
    for (int other = 1; handler == on_signal && other <= 64; other++) {
        if (!is_fault_signal(other))
            sigaddset(&sa.sa_mask, other);
    }
    return sigaction(signo, &sa, NULL) ? -errno : 0;
}

int host_signals_init(const struct host_signal_hooks *new_hooks)
{
    hooks = *new_hooks;
    int err = 0;
    /* A fault handler leaves by a jump: its signal must not stay blocked. */
    for (size_t i = 0; i < sizeof(fault_signals) / sizeof(fault_signals[0]) && !err; i++)
        err = install(fault_signals[i], on_fault, SA_NODEFER);
    if (!err)
        err = install(SIGNAL_KICK, on_signal, 0);
    if (!err)
        err = install(HOST_SIGNAL_TIMER, on_signal, 0);
    return err;
}

int host_signals_thread_init(const volatile int *attention)
{
    altstack = mmap(NULL, ALTSTACK_SIZE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (altstack == MAP_FAILED) {
        altstack = NULL;
        return -LINUX_ENOMEM;
    }
    stack_t ss = {.ss_sp = altstack, .ss_size = ALTSTACK_SIZE};
    sigaltstack(&ss, NULL);
    host_attention = attention;
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    return 0;
}

void host_signals_thread_exit(void)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    static const volatile int nothing_pending;
    host_attention = &nothing_pending;
    stack_t ss = {.ss_flags = SS_DISABLE};
    sigaltstack(&ss, NULL);
    if (altstack)
        munmap(altstack, ALTSTACK_SIZE);
    altstack = NULL;
}

void host_signal_dispose(int signo, enum host_disposition disposition, uint64_t flags)
{
    /* execve sets all of them anew, most to what they are. 0: not known yet. */
    static _Atomic uint16_t known[65];
    uint16_t now = (uint16_t)(1 + disposition) | (uint16_t)((flags & 3) << 8);
    if (is_ours(signo) || atomic_exchange(&known[signo], now) == now)
        return;
    int host_flags = (flags & LINUX_SA_NOCLDSTOP ? SA_NOCLDSTOP : 0) |
                     (flags & LINUX_SA_NOCLDWAIT ? SA_NOCLDWAIT : 0);
    if (disposition == HOST_SIGNAL_CATCH || (host_flags && disposition == HOST_SIGNAL_DEFAULT))
        install(signo, on_signal, host_flags);
    else
        signal(signo, disposition == HOST_SIGNAL_IGNORE ? SIG_IGN : SIG_DFL);
}

bool host_signal_was_ignored(int signo)
{
    struct sigaction sa;
    return sigaction(signo, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN;
}

void host_signal_block(int signo, bool block)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signo);
    if (holding && block)
        sigaddset(&before_hold, signo);
    else if (holding)
        sigdelset(&before_hold, signo);
    else
        pthread_sigmask(block ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

void host_signals_forked(sigset_t *mask)
{
    if (holding)
        *mask = before_hold;
    holding = false;
    /* The parent's signals are the parent's. */
    memset((void *)inbox.state, SLOT_FREE, sizeof inbox.state);
    atomic_store(&inbox.overflow, 0);
    atomic_store(&inbox.count, 0);
}

void host_thread_kick(int32_t host_tid)
{
    int saved_errno = errno;
    host_syscall(SYS_tgkill, getpid(), host_tid, SIGNAL_KICK);
    errno = saved_errno;
}

void host_stop_self(int signo)
{
    if (signo == SIGSTOP) {
        host_syscall(SYS_kill, getpid(), SIGSTOP);
        return;
    }
    /* The host's own default action, so that an orphaned process group is not stopped for ever. */
    struct sigaction old, dfl = {.sa_handler = SIG_DFL};
    sigset_t set, mask;
    sigemptyset(&set);
    sigaddset(&set, signo);
    pthread_sigmask(SIG_BLOCK, &set, &mask);
    sigaction(signo, &dfl, &old);
    host_syscall(SYS_tgkill, getpid(), host_thread_id(), signo);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL); /* stops here */
    sigaction(signo, &old, NULL);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

int host_wait_interruptible(const struct linux_timespec *deadline)
{
    long ret;
    if (!deadline) {
        do
            ret = host_syscall_interruptible(SYS_ppoll, 0, 0, 0, 0, 0);
        while (ret == 0);
    } else {
        ret = host_syscall_interruptible(SYS_clock_nanosleep, LINUX_CLOCK_MONOTONIC,
                                         LINUX_TIMER_ABSTIME, deadline, 0);
    }
    return (int)ret;
}

int host_wait_signal(const struct linux_timespec *deadline)
{
    uint64_t none = 0;
    struct timespec now, left;
    if (deadline) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        left.tv_sec = deadline->tv_sec - now.tv_sec;
        left.tv_nsec = deadline->tv_nsec - now.tv_nsec;
        if (left.tv_nsec < 0) {
            left.tv_nsec += 1000000000;
            left.tv_sec--;
        }
        if (left.tv_sec < 0)
            left = (struct timespec){0, 0};
    }
    long ret =
        host_syscall_interruptible(SYS_rt_sigtimedwait, &none, 0, deadline ? &left : NULL, 8);
    return ret == -LINUX_EAGAIN ? 0 : (int)ret;
}
