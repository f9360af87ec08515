/*
 * strace.c - prints calls as strace(1) does, from the argument types in syscalls.def:
 *
 *   int uint long ulong size hex ptr    numbers and addresses
 *   fd dfd fdpair                       descriptors; AT_FDCWD; two, filled in by the call
 *   str path outstr                     strings
 *   buf outbuf                          bytes, as long as the next argument says; after the call,
 * as its result says iovec strv envv pollfds             arrays: io vectors, string vectors, the
 * number of variables, pollfd timespec outtimespec itimerspec rlimit64 stat sigset sigaction
 * clone_args   structs, read at the address any other word                      flags or an
 * enumeration: strace_flags.c
 */
#include "linux/strace.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host/log.h"
#include "linux/abi/sched.h"
#include "linux/abi/signal.h"
#include "linux/abi/time.h"
#include "linux/mm/uaccess.h"
#include "linux/process/task.h"
#include "linux/strace_names.h"

#define MAX_STRING 64

static void __attribute__((format(printf, 2, 3)))
put(struct strace_line *line, const char *format, ...)
{
    size_t room = sizeof(line->text) - line->len;
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(line->text + line->len, room, format, ap);
    va_end(ap);
    if (n > 0)
        line->len += (size_t)n < room ? (size_t)n : room - 1;
}

static void put_quoted(struct strace_line *line, const char *bytes, size_t len, bool more)
{
    put(line, "\"");
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c == '\n')
            put(line, "\\n");
        else if (c == '\t')
            put(line, "\\t");
        else if (c == '\r')
            put(line, "\\r");
        else if (c == '"' || c == '\\')
            put(line, "\\%c", c);
        else if (c < 32 || c >= 127)
            put(line, "\\%o", c);
        else
            put(line, "%c", c);
    }
    put(line, more ? "\"..." : "\"");
}

static void put_address(struct strace_line *line, uint64_t value)
{
    if (value)
        put(line, "%#llx", (unsigned long long)value);
    else
        put(line, "NULL");
}

static void put_bytes(struct task *task, struct strace_line *line, gva_t at, uint64_t len)
{
    char bytes[MAX_STRING];
    size_t shown = len < sizeof(bytes) ? (size_t)len : sizeof(bytes);
    if (!at || copy_from_user(task, bytes, at, shown))
        put_address(line, at);
    else
        put_quoted(line, bytes, shown, len > shown);
}

static void put_string(struct task *task, struct strace_line *line, gva_t at)
{
    char text[256];
    int64_t len = at ? strncpy_from_user(task, text, at, sizeof(text)) : -LINUX_EFAULT;
    if (len == -LINUX_ENAMETOOLONG)
        put_quoted(line, text, sizeof(text) - 1, true);
    else if (len < 0)
        put_address(line, at);
    else
        put_quoted(line, text, (size_t)len, false);
}

static void put_vector(struct task *task, struct strace_line *line, gva_t at, bool count_only)
{
    uint64_t pointer = 0;
    unsigned n = 0;
    if (!at) {
        put(line, "NULL");
        return;
    }
    put(line, count_only ? "%#llx" : "[", (unsigned long long)at);
    for (; n < 4096 && !get_user_u64(task, &pointer, at + n * 8) && pointer; n++) {
        if (!count_only && n < 16) {
            put(line, n ? ", " : "");
            put_string(task, line, pointer);
        } else if (!count_only && n == 16) {
            put(line, ", ...");
        }
    }
    put(line, count_only ? " /* %u vars */" : "]", n);
}

static void put_iovec(struct task *task, struct strace_line *line, gva_t at, uint64_t count)
{
    put(line, "[");
    for (uint64_t i = 0; i < count; i++) {
        uint64_t iov[2];
        if (i == 4 || copy_from_user(task, iov, at + i * sizeof(iov), sizeof(iov))) {
            put(line, "%s...", i ? ", " : "");
            break;
        }
        put(line, "%s{", i ? ", " : "");
        put_bytes(task, line, iov[0], iov[1]);
        put(line, ", %llu}", (unsigned long long)iov[1]);
    }
    put(line, "]");
}

static void put_pollfds(struct task *task, struct strace_line *line, gva_t at, uint32_t count)
{
    put(line, "[");
    for (uint32_t i = 0; i < count; i++) {
        struct {
            int32_t fd;
            uint16_t events, revents;
        } p;
        if (i == 8 || copy_from_user(task, &p, at + i * sizeof(p), sizeof(p))) {
            put(line, "%s...", i ? ", " : "");
            break;
        }
        put(line, "%s{%d, %#x}", i ? ", " : "", p.fd, p.events);
    }
    put(line, "]");
}

/* ---- structs ---- */

static void put_timespec(struct strace_line *line, const struct linux_timespec *ts)
{
    put(line, "{%lld, %lld}", (long long)ts->tv_sec, (long long)ts->tv_nsec);
}

static void put_sigset(struct strace_line *line, uint64_t set)
{
    char name[16];
    const char *sep = "";
    bool inverted = __builtin_popcountll(set) > 32;
    put(line, inverted ? "~[" : "[");
    for (int sig = 1; sig <= LINUX_NSIG; sig++) {
        if (!!(set & LINUX_SIG_BIT(sig)) == inverted)
            continue;
        put(line, "%s%s", sep, strace_signal_name(sig, name, sizeof(name)));
        sep = " ";
    }
    put(line, "]");
}

static void put_sigaction(struct strace_line *line, const struct linux_sigaction *sa)
{
    if (sa->handler <= LINUX_SIG_IGN)
        put(line, "{%s, ", sa->handler ? "SIG_IGN" : "SIG_DFL");
    else
        put(line, "{%#llx, ", (unsigned long long)sa->handler);
    put_sigset(line, sa->mask);
    put(line, ", %#llx}", (unsigned long long)sa->flags);
}

/* True if `type` is a struct and was printed. */
static bool put_struct(struct task *task, struct strace_line *line, const char *type, gva_t at)
{
    union {
        struct linux_timespec ts;
        struct linux_itimerspec its;
        struct linux_rlimit64 rlim;
        struct linux_sigaction sa;
        struct linux_clone_args clone;
        uint64_t set;
    } u;
    static const struct {
        const char *type;
        size_t size;
    } sizes[] = {
        {"timespec", sizeof(u.ts)},
        {"outtimespec", sizeof(u.ts)},
        {"itimerspec", sizeof(u.its)},
        {"rlimit64", sizeof(u.rlim)},
        {"sigset", sizeof(u.set)},
        {"sigaction", sizeof(u.sa)},
        {"clone_args", LINUX_CLONE_ARGS_SIZE_VER0},
    };
    size_t i = 0, n = sizeof(sizes) / sizeof(sizes[0]);
    while (i < n && strcmp(sizes[i].type, type))
        i++;
    if (i == n)
        return false;
    if (!at || copy_from_user(task, &u, at, sizes[i].size)) {
        put_address(line, at);
        return true;
    }
    switch (i) {
    case 0:
    case 1: put_timespec(line, &u.ts); break;
    case 2:
        put(line, "{");
        put_timespec(line, &u.its.it_interval);
        put(line, ", ");
        put_timespec(line, &u.its.it_value);
        put(line, "}");
        break;
    case 3: put(line, "{%lld, %lld}", (long long)u.rlim.cur, (long long)u.rlim.max); break;
    case 4: put_sigset(line, u.set); break;
    case 5: put_sigaction(line, &u.sa); break;
    default:
        put(line, "{flags=");
        strace_put_flags(line->text, sizeof(line->text), &line->len, "cloneflags", u.clone.flags);
        put(line, ", stack=%#llx}", (unsigned long long)u.clone.stack);
        break;
    }
    return true;
}

/* ---- arguments ---- */

static void put_number(struct strace_line *line, const char *type, uint64_t value)
{
    if (!strcmp(type, "int") || !strcmp(type, "fd"))
        put(line, "%d", (int)value);
    else if (!strcmp(type, "uint"))
        put(line, "%u", (unsigned)value);
    else if (!strcmp(type, "long"))
        put(line, "%lld", (long long)value);
    else if (!strcmp(type, "ulong") || !strcmp(type, "size"))
        put(line, "%llu", (unsigned long long)value);
    else if (!strcmp(type, "hex"))
        put(line, "%#llx", (unsigned long long)value);
    else if (!strcmp(type, "dfd"))
        (int)value == -100 ? put(line, "AT_FDCWD") : put(line, "%d", (int)value);
    else if (!strcmp(type, "signal")) {
        char name[16];
        put(line, "%s", strace_signal_name((int)value, name, sizeof(name)));
    } else if (!strcmp(type, "ptr") || !strcmp(type, "stat"))
        put_address(line, value);
    else
        strace_put_flags(line->text, sizeof(line->text), &line->len, type, value);
}

/* i is the argument's index: some need the next one, some the result. */
static void put_argument(struct task *task, struct strace_line *line, const char *type, int i,
                         const uint64_t args[6], int64_t ret)
{
    uint64_t value = args[i];
    uint64_t next = i < 5 ? args[i + 1] : 0;
    if (!strcmp(type, "str") || !strcmp(type, "path"))
        put_string(task, line, value);
    else if (!strcmp(type, "outstr"))
        ret >= 0 ? put_string(task, line, value) : put_address(line, value);
    else if (!strcmp(type, "buf"))
        put_bytes(task, line, value, next);
    else if (!strcmp(type, "outbuf"))
        ret >= 0 ? put_bytes(task, line, value, (uint64_t)ret) : put_address(line, value);
    else if (!strcmp(type, "iovec"))
        put_iovec(task, line, value, next);
    else if (!strcmp(type, "strv") || !strcmp(type, "envv"))
        put_vector(task, line, value, *type == 'e');
    else if (!strcmp(type, "pollfds"))
        put_pollfds(task, line, value, (uint32_t)next);
    else if (!strcmp(type, "fdpair")) {
        int32_t pair[2];
        if (ret < 0 || copy_from_user(task, pair, value, sizeof(pair)))
            put_address(line, value);
        else
            put(line, "[%d, %d]", pair[0], pair[1]);
    } else if (!put_struct(task, line, type, value))
        put_number(line, type, value);
}

static bool is_output(const char *type)
{
    return !strncmp(type, "out", 3) || !strcmp(type, "fdpair");
}

/* Decode from argument line->done on; before the call, stop at the first that the call fills in. */
static void put_arguments(struct task *task, struct strace_line *line, const char *signature,
                          const uint64_t args[6], bool before, int64_t ret)
{
    const char *at = signature;
    for (int i = 0; *at && i < 6; i++) {
        char type[20];
        size_t len = strcspn(at, " ");
        snprintf(type, sizeof(type), "%.*s", (int)len, at);
        at += strcspn(at, ",");
        at += *at ? 2 : 0;
        if (i < line->done)
            continue;
        if (before && is_output(type))
            return;
        if (i)
            put(line, ", ");
        put_argument(task, line, type, i, args, ret);
        line->done = i + 1;
    }
}

static void flush(struct task *task, struct strace_line *line)
{
    line->text[sizeof(line->text) - 2] = '\0';
    line->len = strlen(line->text);
    line->text[line->len++] = '\n';
    host_write_all(task->proc->strace_fd, line->text, line->len);
}

static void begin(struct task *task, struct strace_line *line)
{
    line->len = 0;
    line->done = 0;
    if (task->proc->tasks->count > 1)
        put(line, "[%d] ", task->tid);
}

void strace_enter(struct task *task, struct strace_line *line, uint64_t nr, const uint64_t args[6])
{
    const struct syscall_row *row = syscall_row(nr);
    begin(task, line);
    if (!row) {
        put(line, "syscall_%llu(", (unsigned long long)nr);
        return;
    }
    put(line, "%s(", row->name);
    put_arguments(task, line, row->signature, args, true, 0);
    /* A call that may not come back has its line at once. */
    if (!strcmp(row->name, "exit") || !strcmp(row->name, "exit_group")) {
        put(line, ") = ?");
        flush(task, line);
    }
}

void strace_leave(struct task *task, struct strace_line *line, uint64_t nr, const uint64_t args[6],
                  int64_t ret)
{
    const struct syscall_row *row = syscall_row(nr);
    if (row)
        put_arguments(task, line, row->signature, args, false, ret);
    put(line, ")");
    if (ret == -LINUX_ENORESULT)
        put(line, " = 0");
    else if (ret <= -LINUX_ERESTARTSYS && ret >= -LINUX_ERESTART_RESTARTBLOCK)
        put(line, " = ? ERESTART%s (interrupted)",
            ret == -LINUX_ERESTARTNOHAND          ? "NOHAND"
            : ret == -LINUX_ERESTARTNOINTR        ? "NOINTR"
            : ret == -LINUX_ERESTART_RESTARTBLOCK ? "_RESTARTBLOCK"
                                                  : "SYS");
    else if (ret < 0 && ret >= -4095)
        put(line, " = -1 %s", strace_errno_name((int)-ret));
    else if (ret > 0x100000)
        put(line, " = %#llx", (unsigned long long)ret);
    else
        put(line, " = %lld", (long long)ret);
    flush(task, line);
}

void strace_signal(struct task *task, int sig, const struct linux_siginfo *info)
{
    struct strace_line line;
    char name[16];
    if (!strace_on(task))
        return;
    begin(task, &line);
    put(&line, "--- %s {si_code=%d", strace_signal_name(sig, name, sizeof(name)), info->si_code);
    if (info->si_code > 0 && info->si_code != LINUX_SI_KERNEL)
        put(&line, ", si_addr=%#llx", (unsigned long long)info->fault.addr);
    put(&line, "} ---");
    flush(task, &line);
}

void strace_killed(struct task *task, int sig, const struct linux_siginfo *info)
{
    struct strace_line line;
    char name[16];
    if (!strace_on(task))
        return;
    strace_signal(task, sig, info);
    begin(task, &line);
    put(&line, "+++ killed by %s +++", strace_signal_name(sig, name, sizeof(name)));
    flush(task, &line);
}
