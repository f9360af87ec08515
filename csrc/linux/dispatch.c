/*
 * dispatch.c - a task's life: run guest code, serve what stopped it, deliver signals, again.
 *
 * The path of a system call takes no lock and allocates nothing before its handler.
 */
#include <stdatomic.h>

#include "host/log.h"
#include "host/thread.h"
#include "linux/mm/mm.h"
#include "linux/mm/uaccess.h"
#include "linux/net/net.h"
#include "linux/process/task.h"
#include "linux/signal/signal.h"
#include "linux/trace/trace.h"
#include "syscalls_gen.h"
#include "vcpu/vcpu.h"

static const struct syscall_row table[SYSCALL_TABLE_SIZE] = {SYSCALL_TABLE_ROWS};

const struct syscall_row *syscall_row(uint64_t nr)
{
    return nr < SYSCALL_TABLE_SIZE && table[nr].name ? &table[nr] : NULL;
}

unsigned syscall_table_size(void)
{
    return SYSCALL_TABLE_SIZE;
}

/*
 * With --verbose each call that is not served is named, once a process. Otherwise not: libraries
 * probe for many (landlock, io_uring, seccomp) in every process, and go on without.
 */
static int64_t not_served(const struct task *task, uint64_t nr)
{
    static _Atomic uint64_t told[(SYSCALL_TABLE_SIZE + 63) / 64];
    static atomic_flag told_unknown;
    if (!(task->proc->traced & TRACE_CRASH))
        return -LINUX_ENOSYS;
    if (nr < SYSCALL_TABLE_SIZE && table[nr].name) {
        uint64_t bit = 1ULL << (nr % 64);
        if (!(atomic_fetch_or(&told[nr / 64], bit) & bit))
            host_log("system call %s (%u) is not served: ENOSYS", table[nr].name, (unsigned)nr);
    } else if (!atomic_flag_test_and_set(&told_unknown)) {
        host_log("unknown system call %llu: ENOSYS", (unsigned long long)nr);
    }
    return -LINUX_ENOSYS;
}

static __attribute__((noinline)) int64_t call_traced(struct task *task, syscall_fn *handler,
                                                     uint64_t nr, const uint64_t args[6])
{
    struct traced_call call;
    trace_enter(task, &call, nr, args);
    int64_t ret;
    if (handler)
        ret = handler(task, args);
    else if (task->proc->traced & TRACE_STRACE)
        ret = -LINUX_ENOSYS; /* its line, which a line of the log would break, says it */
    else
        ret = not_served(task, nr);
    trace_leave(task, &call, ret);
    return ret;
}

static void serve_call(struct task *task, struct vcpu_regs *regs)
{
    /* A copy: the call may change the registers (sigreturn, execve). One by one: a load of two that
     * were just stored singly waits for both to reach the cache. */
    const volatile uint64_t *x = regs->x;
    const uint64_t args[6] = {x[0], x[1], x[2], x[3], x[4], x[5]};
    /* Linux takes the number from w8. */
    uint64_t nr = (uint32_t)regs->x[8];
    syscall_fn *handler = nr < SYSCALL_TABLE_SIZE ? table[nr].handler : NULL;
    int64_t ret;
    if (__builtin_expect(task->proc->traced != 0, 0))
        ret = call_traced(task, handler, nr, args);
    else if (__builtin_expect(handler != NULL, 1))
        ret = handler(task, args);
    else
        ret = not_served(task, nr);

    if (__builtin_expect(ret == -LINUX_ENORESULT, 0))
        return;
    if (__builtin_expect(signal_is_restart(ret), 0)) {
        ret = sock_restart(handler, args, ret);
        if (signal_is_restart(ret)) {
            signal_work(task, ret, args[0]);
            return;
        }
    }
    regs->x[0] = (uint64_t)ret;
}

/* ESR_EL1 as an arm64 kernel would have it: exception class, IL, and the ISS of an abort at
 * level 3. */
static uint64_t abort_esr(const struct vcpu_exit *exit, bool permission)
{
    uint64_t esr = 1u << 25;
    esr |= (exit->access == VCPU_EXEC ? 0x20ull : 0x24ull) << 26;
    if (exit->access == VCPU_WRITE)
        esr |= 1u << 6;
    if (exit->cause == VCPU_FAULT_ALIGN)
        return esr | 0x21;
    return esr | (permission ? 0x0f : 0x07);
}

/* arch/arm64/mm/fault.c: which signal, which si_code. False: run the instruction again. */
static bool fault_info(struct task *task, const struct vcpu_exit *exit, struct linux_siginfo *info,
                       uint64_t *esr)
{
    static const uint32_t prots[] = {
        [VCPU_READ] = LINUX_PROT_READ,
        [VCPU_WRITE] = LINUX_PROT_WRITE,
        [VCPU_EXEC] = LINUX_PROT_EXEC,
    };
    /* si_addr has no tag (untagged_addr(far)), unless SA_EXPOSE_TAGBITS, which glibc never asks
     * for. */
    *info = (struct linux_siginfo){.si_signo = LINUX_SIGSEGV};
    info->fault.addr = untagged_addr(exit->addr);
    if (exit->cause == VCPU_FAULT_ALIGN) {
        info->si_signo = LINUX_SIGBUS;
        info->si_code = LINUX_BUS_ADRALN;
    } else if (exit->cause == VCPU_FAULT_BUS) {
        info->si_signo = LINUX_SIGBUS;
        info->si_code = LINUX_BUS_ADRERR;
    } else {
        switch (mm_fault(task->proc->mm, untagged_addr(exit->addr), prots[exit->access])) {
        case MM_FAULT_RETRY: return false;
        case MM_FAULT_MAPERR: info->si_code = LINUX_SEGV_MAPERR; break;
        case MM_FAULT_ACCERR: info->si_code = LINUX_SEGV_ACCERR; break;
        }
    }
    *esr = abort_esr(exit, info->si_code == LINUX_SEGV_ACCERR);
    return true;
}

static void serve_fault(struct task *task, const struct vcpu_exit *exit, struct vcpu_regs *regs)
{
    struct linux_siginfo info = {0};
    struct sigstate *sig = task->sig;
    uint64_t esr = 0;
    switch (exit->reason) {
    case VCPU_EXIT_FAULT:
        if (!fault_info(task, exit, &info, &esr))
            return;
        sig->fault_address = exit->addr;
        break;
    case VCPU_EXIT_UNDEF:
        /* traps.c: do_el0_undef() reports the instruction's address; no ESR (EC 0, unknown reason).
         */
        info = (struct linux_siginfo){.si_signo = LINUX_SIGILL, .si_code = LINUX_ILL_ILLOPC};
        info.fault.addr = regs->pc;
        sig->fault_address = 0;
        break;
    default:
        /* debug-monitors.c: brk_handler() -> send_user_sigtrap(TRAP_BRKPT). */
        info = (struct linux_siginfo){.si_signo = LINUX_SIGTRAP, .si_code = LINUX_TRAP_BRKPT};
        info.fault.addr = regs->pc;
        sig->fault_address = 0;
        break;
    }
    sig->fault_code = esr;
    signal_force(task, &info);
}

void task_run(struct task *task)
{
    struct vcpu_regs *regs = vcpu_regs(task->vcpu);
    struct vcpu_exit exit;
    for (;;) {
        if (__builtin_expect(signal_attention(task), 0))
            signal_work(task, 0, 0);
        task->in_guest = true;
        vcpu_run(task->vcpu, &exit);
        task->in_guest = false;
        switch (exit.reason) {
        case VCPU_EXIT_SVC: serve_call(task, regs); break;
        case VCPU_EXIT_INTERRUPT: break;
        default: serve_fault(task, &exit, regs); break;
        }
    }
}
