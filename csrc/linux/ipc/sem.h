/* sem.h - between sem.c and semctl.c; all with the region's lock. */
#ifndef ELFUSE_LINUX_IPC_SEM_H
#define ELFUSE_LINUX_IPC_SEM_H

#include "linux/ipc/ipc.h"

#define SEMMSL 32000
#define SEMMNS (SEMMNI * SEMMSL)
#define SEMOPM 500
#define SEMVMX 32767

struct ipc_table sem_table(void);
struct sem_set *sem_find(int id);
/* Values have changed: carry out what waits for it. Commits. */
void sem_update(struct process *proc, struct sem_set *set);
/* These semaphores have been set: nobody's undo values count any more. */
void sem_forget_undo(struct sem_set *set, uint32_t first, uint32_t count);

#endif
