/* decode_signal.c - signal sets, actions, siginfo and frames. */
#include <stddef.h>

#include "linux/abi/signal.h"
#include "linux/mm/uaccess.h"
#include "linux/trace/args.h"
#include "vcpu/vcpu.h"

static void put_sigset_arg(struct trace_call *c, uint64_t v)
{
    uint64_t set;
    if (fetch(c, &set, v, sizeof(set)))
        names_put_sigset(c->out, set);
}

static void put_sigaction(struct trace_call *c, uint64_t v)
{
    struct linux_sigaction sa;
    if (!fetch(c, &sa, v, sizeof(sa)))
        return;
    text_put(c->out, "{sa_handler=");
    if (sa.handler <= LINUX_SIG_IGN)
        text_put(c->out, sa.handler ? "SIG_IGN" : "SIG_DFL");
    else
        text_address(c->out, sa.handler);
    text_put(c->out, ", sa_mask=");
    names_put_sigset(c->out, sa.mask);
    text_put(c->out, ", sa_flags=");
    names_put_type(c->out, "saflags", sa.flags);
    if (sa.flags & LINUX_SA_RESTORER) {
        text_put(c->out, ", sa_restorer=");
        text_address(c->out, sa.restorer);
    }
    text_put(c->out, "}");
}

static void put_stack(struct trace_call *c, uint64_t v)
{
    struct linux_stack stack;
    if (!fetch(c, &stack, v, sizeof(stack)))
        return;
    text_put(c->out, "{ss_sp=");
    text_address(c->out, stack.ss_sp);
    text_put(c->out, ", ss_flags=");
    names_put_type(c->out, "ssflags", (uint32_t)stack.ss_flags);
    text_put(c->out, ", ss_size=%llu}", (unsigned long long)stack.ss_size);
}

/* ---- siginfo ---- */

static const char *code_type(int sig, int code)
{
    if (code <= 0 || code == LINUX_SI_KERNEL)
        return "sicode";
    switch (sig) {
    case LINUX_SIGILL: return "illcode";
    case LINUX_SIGFPE: return "fpecode";
    case LINUX_SIGSEGV: return "segvcode";
    case LINUX_SIGBUS: return "buscode";
    case LINUX_SIGTRAP: return "trapcode";
    case LINUX_SIGCHLD: return "cldcode";
    case LINUX_SIGIO: return "pollcode";
    case LINUX_SIGSYS: return "syscode";
    default: return "sicode";
    }
}

static void put_sigval(struct trace_text *t, uint64_t value)
{
    text_put(t, ", si_int=%d, si_ptr=", (int)value);
    text_address(t, value);
}

/* siginfo._sifields._sigchld: pid, uid, status, two times that start on 8 bytes. */
static void put_child(struct trace_text *t, const struct linux_siginfo *info)
{
    struct {
        int32_t pid;
        uint32_t uid;
        int32_t status;
        int64_t utime, stime;
    } child;
    _Static_assert(offsetof(struct linux_siginfo, raw) == 16 && sizeof(child) == 32, "siginfo_t");
    __builtin_memcpy(&child, info->raw, sizeof(child));
    text_put(t, ", si_pid=%d, si_uid=%u, si_status=", child.pid, child.uid);
    if (info->si_code == 1) /* CLD_EXITED */
        text_put(t, "%d", child.status);
    else
        names_put_signal(t, child.status);
    text_put(t, ", si_utime=%lld, si_stime=%lld", (long long)child.utime, (long long)child.stime);
}

static void put_fields(struct trace_text *t, const struct linux_siginfo *info)
{
    switch (info->si_code) {
    case LINUX_SI_KERNEL: return;
    case LINUX_SI_TIMER:
        text_put(t, ", si_timerid=%#x, si_overrun=%d", (unsigned)info->timer.timerid,
                 info->timer.overrun);
        put_sigval(t, info->timer.value);
        return;
    case LINUX_SI_USER:
    case LINUX_SI_TKILL: text_put(t, ", si_pid=%d, si_uid=%u", info->rt.pid, info->rt.uid); return;
    default: break;
    }
    if (info->si_code < 0) {
        text_put(t, ", si_pid=%d, si_uid=%u", info->rt.pid, info->rt.uid);
        put_sigval(t, info->rt.value);
        return;
    }
    switch (info->si_signo) {
    case LINUX_SIGCHLD: put_child(t, info); break;
    case LINUX_SIGILL:
    case LINUX_SIGFPE:
    case LINUX_SIGSEGV:
    case LINUX_SIGBUS:
    case LINUX_SIGTRAP:
        text_put(t, ", si_addr=");
        text_address(t, info->fault.addr);
        break;
    case LINUX_SIGIO:
        text_put(t, ", si_band=%lld, si_fd=%d", (long long)info->poll.band, info->poll.fd);
        break;
    default: break;
    }
}

void put_siginfo(struct trace_text *t, const struct linux_siginfo *info)
{
    text_put(t, "{si_signo=");
    names_put_signal(t, info->si_signo);
    text_put(t, ", si_code=");
    names_put_type(t, code_type(info->si_signo, info->si_code), (uint32_t)info->si_code);
    if (info->si_errno)
        text_put(t, ", si_errno=%d", info->si_errno);
    put_fields(t, info);
    text_put(t, "}");
}

static void put_siginfo_arg(struct trace_call *c, uint64_t v)
{
    struct linux_siginfo info;
    if (!fetch(c, &info, v, sizeof(info)))
        return;
    if (info.si_signo)
        put_siginfo(c->out, &info);
    else
        text_put(c->out, "{}");
}

/* ---- what has no argument register ---- */

/* rt_sigreturn: the mask that the frame at sp puts back. */
static void put_frame(struct trace_call *c, uint64_t v)
{
    uint64_t mask;
    gva_t at = vcpu_regs(c->task->vcpu)->sp + offsetof(struct linux_rt_sigframe, uc.uc_sigmask);
    (void)v;
    if (copy_from_user(c->task, &mask, at, sizeof(mask)))
        return;
    text_put(c->out, "{mask=");
    names_put_sigset(c->out, mask);
    text_put(c->out, "}");
}

/* pselect6's sixth: a set and its size. */
static void put_sigmask_size(struct trace_call *c, uint64_t v)
{
    uint64_t pair[2], set;
    if (!fetch(c, pair, v, sizeof(pair)))
        return;
    text_put(c->out, "{sigmask=");
    if (pair[0] && copy_from_user(c->task, &set, pair[0], sizeof(set)) == 0)
        names_put_sigset(c->out, set);
    else
        text_address(c->out, pair[0]);
    text_put(c->out, ", sigsetsize=%llu}", (unsigned long long)pair[1]);
}

const struct arg_type types_signal[] = {
    {"sigset", ARG_BEFORE, put_sigset_arg, 0},
    {"outsigset", ARG_AFTER, put_sigset_arg, 0},
    {"sigaction", ARG_BEFORE, put_sigaction, 0},
    {"outsigaction", ARG_AFTER, put_sigaction, 0},
    {"stack", ARG_BEFORE, put_stack, 0},
    {"outstack", ARG_AFTER, put_stack, 0},
    {"siginfo", ARG_BEFORE, put_siginfo_arg, 0},
    {"outsiginfo", ARG_AFTER, put_siginfo_arg, 0},
    {"sigframe", ARG_BEFORE, put_frame, 0},
    {"sigmasksize", ARG_BEFORE, put_sigmask_size, 0},
    {NULL, 0, NULL, 0},
};
