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

#endif
