/* priority.h - who may change how another is scheduled. */
#ifndef ELFUSE_LINUX_PRIORITY_H
#define ELFUSE_LINUX_PRIORITY_H

#include "linux/process/pid.h"

/* check_same_owner() or CAP_SYS_NICE: the process may change what the owner of a thread is. */
bool priority_may_change(const struct process *proc, const struct pid_entry *owner);

/* The process's entry of a process or thread of that number (0: the caller), or NULL. */
const struct pid_entry *priority_owner(const struct process *proc, int32_t id);

#endif
