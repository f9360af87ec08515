/* fork.h - for process/: what clone() asks for, and making a process (fork.c, vfork.c). */
#ifndef ELFUSE_LINUX_FORK_H
#define ELFUSE_LINUX_FORK_H

#include "linux/kernel.h"

struct clone_request {
    uint64_t flags, stack, stack_size, parent_tid, child_tid, tls, pidfd;
    int exit_signal;
    bool number; /* a number is asked for: set_tid */
};

/* The child's registers: as the parent's at the call, but for what the request says. */
void clone_registers(struct task *child, const struct clone_request *request);

/* fork(2), vfork(2): the child's number in the parent, 0 in the child, which returns from the same
 * call. */
int64_t process_fork(struct task *task, const struct clone_request *request);

/*
 * A parent that waits in vfork() is let go: before execve's point of no return, and when the
 * process ends. What the child wrote into memory that the parent shares with it by CLONE_VM is
 * told. No effect in any other process.
 */
void vfork_release(struct process *proc);

/* ---- between fork.c and vfork.c ---- */

/* In the child, with its end of host_channel(); shared: CLONE_VM. */
void vfork_child(struct process *proc, int write_end, bool shared);
/* In the parent: until the child has let go. Nothing but the process's own end interrupts it. */
void vfork_wait(struct task *task, int read_end);
/* In the child of a vfork's child: the channel is not its. */
void vfork_forget(struct process *proc);

#endif
