/* frame.c - the signal frame on the guest's stack: arch/arm64/kernel/signal.c. */
#include <stddef.h>
#include <string.h>

#include "linux/mm/mm.h"
#include "linux/mm/uaccess.h"
#include "linux/signal/signal.h"
#include "vcpu/vcpu.h"

_Static_assert(offsetof(struct linux_rt_sigframe, uc) == 128, "struct rt_sigframe");
_Static_assert(offsetof(struct linux_ucontext, uc_mcontext) == 176, "struct ucontext");
_Static_assert(offsetof(struct linux_sigcontext, reserved) == 288, "struct sigcontext");

#define PSTATE_NZCV 0xf0000000u
/* Mode and the D, A, I, F masks: never set for user code; valid_user_regs() refuses them. */
#define PSTATE_PRIVILEGED 0x3dfu

#define SIGFRAME_MAX        0x40000 /* SIGFRAME_MAXSZ */
#define CTX_TERMINATOR_SIZE 16

static bool on_altstack(const struct linux_stack *st, uint64_t sp)
{
    if (st->ss_flags & (int32_t)LINUX_SS_AUTODISARM)
        return false;
    return sp > st->ss_sp && sp - st->ss_sp <= st->ss_size;
}

static int32_t altstack_flags(const struct linux_stack *st, uint64_t sp)
{
    if (!st->ss_size)
        return LINUX_SS_DISABLE;
    return on_altstack(st, sp) ? LINUX_SS_ONSTACK : 0;
}

/* kernel/signal.c, do_sigaltstack(). */
int signal_altstack(struct task *task, const struct linux_stack *new_stack, struct linux_stack *old,
                    uint64_t sp)
{
    struct linux_stack *st = &task->sig->altstack;
    const int32_t disarm = (int32_t)LINUX_SS_AUTODISARM;
    if (old) {
        *old = (struct linux_stack){.ss_sp = st->ss_sp, .ss_size = st->ss_size};
        old->ss_flags = altstack_flags(st, sp) | (st->ss_flags & disarm);
    }
    if (!new_stack)
        return 0;
    if (on_altstack(st, sp))
        return -LINUX_EPERM;
    int32_t mode = new_stack->ss_flags & ~disarm;
    if (mode != LINUX_SS_DISABLE && mode != LINUX_SS_ONSTACK && mode != 0)
        return -LINUX_EINVAL;
    struct linux_stack want = {new_stack->ss_sp, new_stack->ss_flags, 0, new_stack->ss_size};
    if (mode == LINUX_SS_DISABLE) {
        want.ss_sp = 0;
        want.ss_size = 0;
    } else if (want.ss_size < LINUX_MINSIGSTKSZ) {
        return -LINUX_ENOMEM;
    }
    *st = want;
    return 0;
}

/* sigsp(): where the frame goes down from. 0: it would run off the alternate stack. */
static uint64_t frame_top(struct task *task, const struct linux_sigaction *action, uint64_t sp)
{
    const struct linux_stack *st = &task->sig->altstack;
    if ((action->flags & LINUX_SA_ONSTACK) && altstack_flags(st, sp) == 0)
        return st->ss_sp + st->ss_size;
    return sp;
}

static void save_fpsimd(const struct vcpu_regs *regs, uint8_t *to)
{
    struct linux_fpsimd_context ctx = {
        .head = {LINUX_FPSIMD_MAGIC, sizeof(ctx)},
        .fpsr = regs->fpsr,
        .fpcr = regs->fpcr,
    };
    memcpy(ctx.vregs, regs->v, sizeof(ctx.vregs));
    memcpy(to, &ctx, sizeof(ctx));
}

static void fill_frame(struct task *task, struct linux_rt_sigframe *frame, uint64_t oldmask)
{
    const struct vcpu_regs *regs = vcpu_regs(task->vcpu);
    const struct sigstate *sig = task->sig;
    struct linux_sigcontext *sc = &frame->uc.uc_mcontext;
    frame->uc.uc_stack = sig->altstack;
    frame->uc.uc_sigmask = oldmask;
    sc->fault_address = sig->fault_address;
    memcpy(sc->regs, regs->x, sizeof(sc->regs));
    sc->sp = regs->sp;
    sc->pc = regs->pc;
    sc->pstate = regs->nzcv;
    save_fpsimd(regs, sc->reserved);
    if (sig->fault_code) {
        struct linux_esr_context esr = {{LINUX_ESR_MAGIC, sizeof(esr)}, sig->fault_code};
        memcpy(sc->reserved + sizeof(struct linux_fpsimd_context), &esr, sizeof(esr));
    }
    /* The terminating record is the zero bytes behind. */
}

int signal_setup_frame(struct task *task, const struct linux_sigaction *action, int sig,
                       const struct linux_siginfo *info, uint64_t oldmask)
{
    struct vcpu_regs *regs = vcpu_regs(task->vcpu);
    uint64_t top = frame_top(task, action, regs->sp);
    uint64_t record_at = (top - sizeof(struct linux_frame_record)) & ~15ULL;
    uint64_t at = record_at - sizeof(struct linux_rt_sigframe);
    if (at > top)
        return -LINUX_EFAULT;

    struct linux_rt_sigframe frame = {0};
    fill_frame(task, &frame, oldmask);
    if (action->flags & LINUX_SA_SIGINFO)
        frame.info = *info;
    struct linux_frame_record record = {regs->x[29], regs->x[30]};
    if (copy_to_user(task, at, &frame, sizeof(frame)) ||
        copy_to_user(task, record_at, &record, sizeof(record)))
        return -LINUX_EFAULT;

    regs->x[0] = (uint64_t)sig;
    if (action->flags & LINUX_SA_SIGINFO) {
        regs->x[1] = at;
        regs->x[2] = at + offsetof(struct linux_rt_sigframe, uc);
    }
    regs->sp = at;
    regs->x[29] = record_at;
    regs->x[30] = action->flags & LINUX_SA_RESTORER ? action->restorer : task->proc->mm->sigreturn;
    regs->pc = action->handler;
    if (task->sig->altstack.ss_flags & (int32_t)LINUX_SS_AUTODISARM)
        task->sig->altstack = (struct linux_stack){.ss_flags = LINUX_SS_DISABLE};
    return 0;
}

/* The records of a frame, in guest memory. */
struct records {
    gva_t base;
    uint64_t limit;
    gva_t fpsimd; /* 0: not found yet */
    uint32_t fpsimd_size;
    bool extra; /* those behind __reserved[] have begun */
};

static int read_head(struct task *task, const struct records *r, uint64_t at,
                     struct linux_ctx_head *head)
{
    if (r->limit - at < sizeof(*head))
        return -LINUX_EINVAL;
    return copy_from_user(task, head, r->base + at, sizeof(*head)) ? -LINUX_EFAULT : 0;
}

/* An extra_context: more records come behind the terminator that has to follow it, and nowhere
 * else. */
static int enter_extra(struct task *task, struct records *r, uint64_t at, uint32_t size,
                       gva_t frame)
{
    struct linux_extra_context extra;
    struct linux_ctx_head end;
    if (r->extra || size < sizeof(extra) || r->limit - at - size < CTX_TERMINATOR_SIZE)
        return -LINUX_EINVAL;
    if (copy_from_user(task, &extra, r->base + at, sizeof(extra)) ||
        read_head(task, r, at + size, &end))
        return -LINUX_EFAULT;
    gva_t data = r->base + at + size + CTX_TERMINATOR_SIZE;
    if (end.magic || end.size || extra.datap != data || data % 16 || extra.size % 16 ||
        extra.size > frame + SIGFRAME_MAX - data)
        return -LINUX_EINVAL;
    r->extra = true;
    r->base = data;
    r->limit = extra.size;
    return 0;
}

/* parse_user_sigframe(), on a CPU with FP/SIMD and nothing beyond. */
static int find_records(struct task *task, struct records *r, gva_t frame)
{
    uint64_t at = 0;
    for (;;) {
        struct linux_ctx_head head;
        int err = at % 16 ? -LINUX_EINVAL : read_head(task, r, at, &head);
        if (err)
            return err;
        if (r->limit - at < head.size)
            return -LINUX_EINVAL;
        switch (head.magic) {
        case 0: return head.size ? -LINUX_EINVAL : 0;
        case LINUX_FPSIMD_MAGIC:
            if (r->fpsimd)
                return -LINUX_EINVAL;
            r->fpsimd = r->base + at;
            r->fpsimd_size = head.size;
            break;
        case LINUX_ESR_MAGIC: break;
        case LINUX_EXTRA_MAGIC:
            err = enter_extra(task, r, at, head.size, frame);
            if (err)
                return err;
            at = 0;
            continue;
        default: return -LINUX_EINVAL;
        }
        if (head.size < sizeof(head))
            return -LINUX_EINVAL;
        at += head.size;
    }
}

static int restore_records(struct task *task, gva_t frame)
{
    struct vcpu_regs *regs = vcpu_regs(task->vcpu);
    struct records r = {
        .base = frame + offsetof(struct linux_rt_sigframe, uc.uc_mcontext.reserved),
        .limit = sizeof(((struct linux_sigcontext *)0)->reserved),
    };
    struct linux_fpsimd_context ctx;
    int err = find_records(task, &r, frame);
    if (err)
        return err;
    if (!r.fpsimd || r.fpsimd_size != sizeof(ctx))
        return -LINUX_EINVAL;
    if (copy_from_user(task, &ctx, r.fpsimd, sizeof(ctx)))
        return -LINUX_EFAULT;
    regs->fpsr = ctx.fpsr;
    regs->fpcr = ctx.fpcr;
    memcpy(regs->v, ctx.vregs, sizeof(ctx.vregs));
    return 0;
}

int signal_restore_frame(struct task *task)
{
    enum { HEAD = offsetof(struct linux_rt_sigframe, uc.uc_mcontext.reserved) };
    struct vcpu_regs *regs = vcpu_regs(task->vcpu);
    struct linux_rt_sigframe frame;
    gva_t at = regs->sp;
    if (at & 15)
        return -LINUX_EFAULT;
    if (copy_from_user(task, &frame, at, HEAD)) {
        /* What __get_user_error() leaves: the signal's address and context show it. */
        memset(regs->x, 0, sizeof(regs->x));
        regs->sp = regs->pc = 0;
        regs->nzcv = 0;
        return -LINUX_EFAULT;
    }
    signal_set_blocked(task, frame.uc.uc_sigmask);

    const struct linux_sigcontext *sc = &frame.uc.uc_mcontext;
    memcpy(regs->x, sc->regs, sizeof(sc->regs));
    regs->sp = sc->sp;
    regs->pc = sc->pc;
    regs->nzcv = (uint32_t)sc->pstate & PSTATE_NZCV;
    if (sc->pstate & PSTATE_PRIVILEGED)
        return -LINUX_EINVAL;
    int err = restore_records(task, at);
    if (err)
        return err;
    /* As restore_altstack(): only a bad copy would be an error here, not a refused stack. */
    (void)signal_altstack(task, &frame.uc.uc_stack, NULL, regs->sp);
    return 0;
}
