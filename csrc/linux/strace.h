/*
 * strace.h - --strace: the run's calls as strace -f -T writes them, on proc->strace_fd.
 *
 * A call's line is begun before the call and ended after it. All tasks of the run write to one
 * file: when another has written meanwhile, the line is broken into "<unfinished ...>" and
 * "<... NAME resumed>", as strace does. Each line begins with "[pid N] ", the guest's number of the
 * task, while the run has more than one.
 */
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

/* Before the first task of the run: fd is a private descriptor, which every process of the run
 * inherits. 0 or -LINUX_ENOMEM. */
int strace_start(struct process *proc, int fd);

/* What lies between strace_enter() and strace_leave() of one call. */
struct strace_line {
    uint64_t saved; /* these three: trace/args.h */
    int done;
    bool comma;
    uint32_t column; /* where the line's begin has ended */
    uint32_t tasks;  /* of the process, for execve, which ends all but one */
};
void strace_enter(struct task *task, struct strace_line *line, uint64_t nr, const uint64_t args[6]);
void strace_leave(struct task *task, const struct strace_line *line, uint64_t nr,
                  const uint64_t args[6], int64_t ret, uint64_t nanoseconds);
/* A signal is delivered to a handler. Does nothing unless the process is traced. */
void strace_signal(struct task *task, int sig, const struct linux_siginfo *info);
/* A signal ends the process. */
void strace_killed(struct task *task, int sig, const struct linux_siginfo *info);

/* "SIGSEGV", "SIGRT_5"; "EINVAL", "E?"; "Invalid argument". Static, or in buf. */
const char *strace_signal_name(int sig, char *buf, size_t size);
const char *strace_errno_name(int err);
const char *strace_errno_text(int err);

#endif
