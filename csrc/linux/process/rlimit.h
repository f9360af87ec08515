/* rlimit.h - resource limits of the guest: kept here, and told to whoever enforces them. */
#ifndef ELFUSE_LINUX_RLIMIT_H
#define ELFUSE_LINUX_RLIMIT_H

#include "linux/kernel.h"

/* The host's limits, cut to what elfuse can give. mm and fds must exist. */
void rlimit_init(struct process *proc);
/* Put a pair in force, at launch and by setrlimit. Values have been judged. */
void rlimit_apply(struct process *proc, unsigned resource, uint64_t soft, uint64_t hard);

#endif
