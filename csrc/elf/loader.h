/*
 * loader.h - building a new program in a process: for launch and execve.
 *
 * In steps, because execve has a point of no return: exec_open() and exec_prepare() open and judge
 * every file involved and can fail without a trace; exec_commit() replaces the address space.
 * Before that execve ends the other threads, closes close-on-exec descriptors and resets signals.
 */
#ifndef ELFUSE_ELF_LOADER_H
#define ELFUSE_ELF_LOADER_H

#include "linux/kernel.h"

#define EXEC_WHY_SIZE 4352

struct exec_request {
    int dirfd;        /* LINUX_AT_FDCWD, or as in execveat */
    const char *path; /* guest path */
    int flags;        /* LINUX_AT_EMPTY_PATH, LINUX_AT_SYMLINK_NOFOLLOW */
};

struct exec_plan;

/*
 * Open the file, which execve does before it looks at the arguments: 0 with *out owned by the
 * caller, or the errno of opening it. `why` (EXEC_WHY_SIZE bytes, may be NULL) gets one line that
 * names the file and the cause, as that of exec_prepare().
 */
int exec_open(struct task *task, const struct exec_request *request, struct exec_plan **out,
              char *why);

/*
 * The arguments, then what the file says. Both vectors end with NULL; copied. An empty argv becomes
 * one empty string, as on Linux since 5.18. Returns 0, or the errno that execve fails with:
 * LINUX_ENOEXEC for what is no program, ELOOP for scripts in a circle, E2BIG, errors of opening.
 */
int exec_prepare(struct task *task, struct exec_plan *plan, const char *const *argv,
                 const char *const *envp, char *why);

/*
 * Empty the address space and load: mappings, vDSO, stack, the process's exe, cmdline, environ,
 * auxv and comm, the task's registers. No other task may exist. On error the address space is in
 * pieces: the process must end.
 */
int exec_commit(struct task *task, struct exec_plan *plan, char *why);

void exec_free(struct exec_plan *plan);

/* The file that will run: a program, or the interpreter of a script. */
int exec_program_fd(const struct exec_plan *plan);

#endif
