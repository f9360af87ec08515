/* decode_futex.c - futex: which arguments there are, and what, depends on the operation. */
#include "linux/abi/futex.h"
#include "linux/abi/time.h"
#include "linux/mm/uaccess.h"
#include "linux/trace/args.h"

static void put_operation(struct trace_text *t, uint32_t op)
{
    names_put_type(t, "futexop", op & ~LINUX_FUTEX_CLOCK_REALTIME);
    if (op & LINUX_FUTEX_CLOCK_REALTIME)
        text_put(t, "|FUTEX_CLOCK_REALTIME");
}

static void put_timeout(struct trace_call *c)
{
    struct linux_timespec ts;
    text_put(c->out, ", ");
    if (fetch(c, &ts, c->args[3], sizeof(ts)))
        put_timespec(c->out, &ts);
}

static void put_bitset(struct trace_text *t, uint32_t mask)
{
    if (mask == LINUX_FUTEX_BITSET_MATCH_ANY)
        text_put(t, ", FUTEX_BITSET_MATCH_ANY");
    else
        text_put(t, ", %#x", mask);
}

static void put_second(struct trace_call *c)
{
    text_put(c->out, ", %u, ", (unsigned)c->args[3]);
    text_address(c->out, c->args[4]);
}

/* FUTEX_WAKE_OP's sixth: what to do with the second word, and what to compare it with. */
static void put_wake_operation(struct trace_text *t, uint32_t op)
{
    text_put(t, ", ");
    names_put_type(t, "futexwake", op >> 28);
    text_put(t, "<<28|%#x<<12|", op >> 12 & 0xfff);
    names_put_type(t, "futexcmp", op >> 24 & 15);
    text_put(t, "<<24|%#x", op & 0xfff);
}

static void put_futex(struct trace_call *c, uint64_t v)
{
    struct trace_text *t = c->out;
    unsigned value = (unsigned)c->args[2];
    put_operation(t, (uint32_t)v);
    switch (v & LINUX_FUTEX_CMD_MASK & 0xffffffff) {
    case LINUX_FUTEX_WAIT:
        text_put(t, ", %u", value);
        put_timeout(c);
        break;
    case LINUX_FUTEX_WAIT_BITSET:
        text_put(t, ", %u", value);
        put_timeout(c);
        put_bitset(t, (uint32_t)c->args[5]);
        break;
    case LINUX_FUTEX_WAKE_BITSET:
        text_put(t, ", %u", value);
        put_bitset(t, (uint32_t)c->args[5]);
        break;
    case LINUX_FUTEX_WAKE: text_put(t, ", %u", value); break;
    case LINUX_FUTEX_REQUEUE:
        text_put(t, ", %u", value);
        put_second(c);
        break;
    case LINUX_FUTEX_CMP_REQUEUE:
    case LINUX_FUTEX_CMP_REQUEUE_PI:
        text_put(t, ", %u", value);
        put_second(c);
        text_put(t, ", %u", (unsigned)c->args[5]);
        break;
    case LINUX_FUTEX_WAKE_OP:
        text_put(t, ", %u", value);
        put_second(c);
        put_wake_operation(t, (uint32_t)c->args[5]);
        break;
    case LINUX_FUTEX_WAIT_REQUEUE_PI:
        text_put(t, ", %u", value);
        put_timeout(c);
        text_put(t, ", ");
        text_address(t, c->args[4]);
        break;
    case LINUX_FUTEX_LOCK_PI:
    case LINUX_FUTEX_LOCK_PI2: put_timeout(c); break;
    case LINUX_FUTEX_UNLOCK_PI:
    case LINUX_FUTEX_TRYLOCK_PI: break;
    default:
        text_put(t, ", %u, %#llx, %#llx, %#x", value, (unsigned long long)c->args[3],
                 (unsigned long long)c->args[4], (unsigned)c->args[5]);
        break;
    }
}

static void put_waiter(struct trace_text *t, struct task *task, const void *entry)
{
    const struct linux_futex_waitv *w = entry;
    (void)task;
    text_put(t, "{val=%#llx, uaddr=", (unsigned long long)w->val);
    text_address(t, w->uaddr);
    text_put(t, ", flags=");
    names_put_type(t, "futex2flags", w->flags);
    text_put(t, "}");
}

static void put_waiters(struct trace_call *c, uint64_t v)
{
    text_user_array(c->out, c->task, v, (uint32_t)call_arg(c, c->index + 1),
                    sizeof(struct linux_futex_waitv), put_waiter);
}

const struct arg_type types_futex[] = {
    {"futex", ARG_BEFORE, put_futex, 0},
    {"futexwaitv", ARG_BEFORE, put_waiters, 0},
    {NULL, 0, NULL, 0},
};
