/* strace.h - --strace: each call with decoded arguments, on the descriptor proc->strace_fd. */
#ifndef ELFUSE_LINUX_STRACE_H
#define ELFUSE_LINUX_STRACE_H

#include "linux/kernel.h"

struct linux_siginfo;

/* One row of syscalls.def. */
struct syscall_row {
    syscall_fn *handler; /* NULL: known, not served */
    const char *name;    /* NULL: no such number */
    const char *signature;
};

/* NULL for a number that has no name. */
const struct syscall_row *syscall_row(uint64_t nr);
/* Rows up to and excluding this number. */
unsigned syscall_table_size(void);

static inline bool strace_on(const struct task *task)
{
    return task->proc->strace_fd >= 0;
}

/* Arguments are decoded before the call, while what they point to is still as the caller wrote it;
 * what the call fills in is decoded after it. `line` carries the text between. */
struct strace_line {
    char text[1024];
    size_t len;
    int done; /* arguments decoded so far */
};
void strace_enter(struct task *task, struct strace_line *line, uint64_t nr, const uint64_t args[6]);
void strace_leave(struct task *task, struct strace_line *line, uint64_t nr, const uint64_t args[6],
                  int64_t ret);
void strace_signal(struct task *task, int sig, const struct linux_siginfo *info);
void strace_killed(struct task *task, int sig, const struct linux_siginfo *info);

/* "SIGSEGV", "SIGRT_5"; "EINVAL" or NULL. For strace and log lines. */
const char *strace_signal_name(int sig, char *buf, size_t size);
const char *strace_errno_name(int err);

#endif
