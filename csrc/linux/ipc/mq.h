/* mq.h - between mq.c, mq_open.c and mq_notify.c: POSIX message queues, in ipc.h's region. */
#ifndef ELFUSE_LINUX_IPC_MQ_H
#define ELFUSE_LINUX_IPC_MQ_H

#include "linux/ipc/ipc.h"

#define MQ_PRIO_MAX 32768

/* What a descriptor is; its own in each process that has it. */
struct mq_file {
    int index;
    bool reads, writes;
    _Atomic uint32_t flags; /* LINUX_O_NONBLOCK */
};

/* The queue that the guest's descriptor is open on, with *meta for fd_meta_put(), or NULL
 * (-LINUX_EBADF). */
struct fd_meta;
struct mq_file *mq_file_get(struct task *task, uint64_t fd, struct fd_meta **meta);

/* ---- with the region's lock ---- */

/* Show readiness to poll(): after each change of the number of messages. */
void mq_show(struct mq *q);
/* Nobody can reach it any more: gone. */
void mq_sweep(struct process *proc);
/* A message has come into an empty queue: who is to be told of it is in *to, signal 0 for nobody.
 */
struct mq_notice {
    int32_t pid, signo;
    uint64_t value;
};
void mq_notice_take(struct mq *q, struct mq_notice *to);

/* ---- without ---- */
void mq_notice_send(struct task *task, const struct mq_notice *to);

#endif
