/* task_life.h - for process/ only: a task before and after it is in the list. */
#ifndef ELFUSE_LINUX_TASK_LIFE_H
#define ELFUSE_LINUX_TASK_LIFE_H

#include "linux/kernel.h"

/* A task that is not in the list: vCPU, signal state (mask and name of `parent`, if any). NULL: no
 * memory. */
struct task *task_alloc(struct process *proc, const struct task *parent);
/* Precondition: not in the list (any more), not `current` of any thread. */
void task_free(struct task *task);

/* With sighand->lock held. It has its number; unlink gives that back. */
void task_link(struct task *task);
void task_unlink(struct task *task);

#endif
