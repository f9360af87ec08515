/* result.c - what stands behind a call's "=". */
#include <string.h>

#include "linux/abi/fs.h"
#include "linux/abi/time.h"
#include "linux/mm/uaccess.h"
#include "linux/strace.h"
#include "linux/trace/args.h"

static void put_address(struct trace_call *c)
{
    text_put(c->out, "%#llx", (unsigned long long)c->ret);
}

static void put_octal(struct trace_call *c)
{
    text_octal(c->out, (uint64_t)c->ret);
}

static void put_number(struct trace_call *c)
{
    text_put(c->out, "%lld", (long long)c->ret);
}

static void put_named(struct trace_call *c, const char *type)
{
    put_number(c);
    text_put(c->out, " (");
    names_put_type(c->out, type, (uint64_t)c->ret);
    text_put(c->out, ")");
}

static void put_policy(struct trace_call *c)
{
    put_named(c, "policy");
}

static void put_clock_state(struct trace_call *c)
{
    put_named(c, "adjstate");
}

static void put_signal(struct trace_call *c)
{
    put_number(c);
    text_put(c->out, " (");
    names_put_signal(c->out, (int)c->ret);
    text_put(c->out, ")");
}

static void put_personality(struct trace_call *c)
{
    uint64_t flags = (uint64_t)c->ret & ~0xffull & 0xffffffff;
    text_put(c->out, "%#llx (", (unsigned long long)c->ret);
    names_put_type(c->out, "persona", (uint64_t)c->ret & 0xff);
    if (flags) {
        text_put(c->out, "|");
        names_put_type(c->out, "personaflags", flags);
    }
    text_put(c->out, ")");
}

static void put_membarrier(struct trace_call *c)
{
    if (c->args[0] || !c->ret) {
        put_number(c);
        return;
    }
    text_put(c->out, "%#llx (", (unsigned long long)c->ret);
    names_put_type(c->out, "membarriers", (uint64_t)c->ret);
    text_put(c->out, ")");
}

static void put_fcntl(struct trace_call *c)
{
    switch ((uint32_t)c->args[1]) {
    case LINUX_F_GETFD:
        text_put(c->out, "%#llx", (unsigned long long)c->ret);
        if (c->ret) {
            text_put(c->out, " (flags ");
            names_put_type(c->out, "fdflags", (uint64_t)c->ret);
            text_put(c->out, ")");
        }
        break;
    case LINUX_F_GETFL:
        text_put(c->out, "%#llx (flags ", (unsigned long long)c->ret);
        put_open_flags(c->out, (uint64_t)c->ret);
        text_put(c->out, ")");
        break;
    case LINUX_F_GETSIG: put_signal(c); break;
    case LINUX_F_GET_SEALS:
        text_put(c->out, "%#llx", (unsigned long long)c->ret);
        if (c->ret) {
            text_put(c->out, " (seals ");
            names_put_type(c->out, "seals", (uint64_t)c->ret);
            text_put(c->out, ")");
        }
        break;
    default: put_number(c); break;
    }
}

static void put_prctl(struct trace_call *c)
{
    enum { PR_GET_DUMPABLE = 3, PR_GET_SECUREBITS = 27 };
    uint32_t option = (uint32_t)c->args[0];
    if (option == PR_GET_DUMPABLE) {
        put_named(c, "dumpable");
    } else if (option == PR_GET_SECUREBITS && c->ret) {
        text_put(c->out, "%#llx (", (unsigned long long)c->ret);
        names_put_type(c->out, "securebits", (uint64_t)c->ret);
        text_put(c->out, ")");
    } else {
        put_number(c);
    }
}

/* ---- waiting for descriptors: what is ready, and how much time was left ---- */

static void put_left(struct trace_call *c, gva_t timeout, const char *sep)
{
    struct linux_timespec ts;
    if (!timeout || copy_from_user(c->task, &ts, timeout, sizeof(ts)))
        return;
    text_put(c->out, "%sleft ", sep);
    put_timespec(c->out, &ts);
}

static void put_poll(struct trace_call *c)
{
    put_number(c);
    if (c->ret == 0) {
        text_put(c->out, " (Timeout)");
        return;
    }
    text_put(c->out, " (");
    put_revents(c);
    put_left(c, c->args[2], ", ");
    text_put(c->out, ")");
}

static bool any_set(struct trace_call *c, gva_t at)
{
    uint64_t bits, nfds = c->args[0] < 1024 ? c->args[0] : 1024;
    for (uint64_t i = 0; at && i < nfds; i += 64) {
        if (!copy_from_user(c->task, &bits, at + i / 8, sizeof(bits)) && bits)
            return true;
    }
    return false;
}

static void put_select(struct trace_call *c)
{
    static const char *const names[] = {"in", "out", "except"};
    const char *sep = " (";
    put_number(c);
    if (c->ret == 0) {
        text_put(c->out, " (Timeout)");
        return;
    }
    for (int i = 0; i < 3; i++) {
        if (!any_set(c, c->args[i + 1]))
            continue;
        text_put(c->out, "%s%s ", sep, names[i]);
        put_fdset(c->out, c->task, c->args[i + 1], (int)c->args[0]);
        sep = ", ";
    }
    put_left(c, c->args[4], sep);
    text_put(c->out, c->args[4] || *sep == ',' ? ")" : "");
}

static const struct {
    const char *name;
    void (*put)(struct trace_call *c);
} results[] = {
    {"mmap", put_address},
    {"mremap", put_address},
    {"brk", put_address},
    {"shmat", put_address},
    {"umask", put_octal},
    {"sched_getscheduler", put_policy},
    {"rt_sigtimedwait", put_signal},
    {"personality", put_personality},
    {"membarrier", put_membarrier},
    {"adjtimex", put_clock_state},
    {"clock_adjtime", put_clock_state},
    {"fcntl", put_fcntl},
    {"prctl", put_prctl},
    {"ppoll", put_poll},
    {"pselect6", put_select},
};

/* The kernel's own results of an interrupted call, in strace's words. */
static const char *restart_text(int64_t ret)
{
    switch (ret) {
    case -LINUX_ERESTARTSYS: return "ERESTARTSYS (To be restarted if SA_RESTART is set)";
    case -LINUX_ERESTARTNOINTR: return "ERESTARTNOINTR (To be restarted)";
    case -LINUX_ERESTARTNOHAND: return "ERESTARTNOHAND (To be restarted if no handler)";
    case -LINUX_ERESTART_RESTARTBLOCK: return "ERESTART_RESTARTBLOCK (Interrupted by signal)";
    default: return NULL;
    }
}

void result_put(struct trace_call *c, const char *name)
{
    const char *restart = restart_text(c->ret);
    if (restart) {
        text_put(c->out, "? %s", restart);
        return;
    }
    if (call_failed(c)) {
        int err = (int)-c->ret;
        text_put(c->out, "-1 %s (%s)", strace_errno_name(err), strace_errno_text(err));
        return;
    }
    for (size_t i = 0; name && i < sizeof(results) / sizeof(results[0]); i++) {
        if (!strcmp(results[i].name, name)) {
            results[i].put(c);
            return;
        }
    }
    put_number(c);
}
