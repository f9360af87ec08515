/* rlimit.h - resource limits of the guest: kept here, and told to whoever enforces them. */
#ifndef ELFUSE_LINUX_RLIMIT_H
#define ELFUSE_LINUX_RLIMIT_H

#include "linux/kernel.h"

/* The host's limits, cut to what elfuse can give. mm and fds must exist. */
void rlimit_init(struct process *proc);
/* Put a pair in force, at launch and by setrlimit. Values have been judged. */
void rlimit_apply(struct process *proc, unsigned resource, uint64_t soft, uint64_t hard);

/* Has that user as many processes and threads as RLIMIT_NPROC allows, or more than that? */
bool rlimit_user_is_full(struct process *proc, uint32_t uid);
bool rlimit_user_is_over(struct process *proc, uint32_t uid);

/*
 * The host enforces the guest's RLIMIT_FSIZE, which is not about files of our own (a trace, the
 * text of procfs): they are written, and children made, between these two. The first's result is
 * the second's argument.
 */
bool rlimit_own_file_begin(struct process *proc);
void rlimit_own_file_end(struct process *proc, bool begun);
/* In a child of fork(), after that: whoever else held the lock is not here. */
void rlimit_forked(void);

#endif
