/*
 * task.h - the list of a process's tasks and their lives.
 *
 * Locking: the list and `exec_by` are guarded by the process's sighand->lock (signal/signal.h).
 */
#ifndef ELFUSE_LINUX_TASK_H
#define ELFUSE_LINUX_TASK_H

#include "host/thread.h"
#include "linux/abi/sched.h"
#include "linux/kernel.h"

#define TIMERSLACK_NS    50000 /* of the first task */
#define MCE_KILL_DEFAULT 2     /* PR_MCE_KILL_DEFAULT */

struct task_list {
    struct task *first;
    uint32_t count;
    int32_t leader_status; /* of exit(2) by the first thread, the process's status if all end by
                              exit(2) */
    struct task *exec_by;  /* the task that runs execve and waits for the others to end */
    struct host_cond ended;
};

/*
 * The process object and its first task (tid 1) on the calling thread: `current` is set, signals
 * are installed and unblocked. mm, vm, fds, fs are filled in by the caller before or after, before
 * the guest runs. -errno.
 */
int process_create(struct process **proc);
int task_create_first(struct process *proc, struct task **task);

/* Run guest code until the process ends (dispatch.c). */
void task_run(struct task *task) __attribute__((noreturn));

/* End the calling task with what Linux does at exit: robust futexes, clear_child_tid. */
void task_exit(struct task *task, int status) __attribute__((noreturn));
/* End the process with this exit status, or by this signal. With the run's first process all others
 * end; a signal is then the exit status 128 + sig. */
void process_exit(struct process *proc, int status) __attribute__((noreturn));
void process_die(struct process *proc, int sig) __attribute__((noreturn));

/* wait4(2) for guest numbers: the child's number with its status and usage, 0 (WNOHANG, nothing to
 * tell), -LINUX_ECHILD, -LINUX_ERESTARTSYS. */
int32_t process_wait(struct process *proc, int32_t pid, int options, int32_t *status,
                     struct linux_rusage *usage);

/*
 * For --init: the first process gives birth to the one that is to run the program, and stays behind
 * as tini and catatonit do: it passes signals on, reaps orphans, and ends the run with the
 * program's status. Returns in the child only: 0, or -errno in a process that has no child.
 */
int init_start(struct task *task);

/* End all other tasks and wait for it. False if another task does the same already (the caller then
 * ends). */
bool task_end_others(struct task *task);

/* With the lock held: the task of that number or NULL. */
struct task *task_find(struct process *proc, int32_t tid);
/* Up to `max` tids into `tids`: how many there are. Takes the lock. */
uint32_t task_tids(struct process *proc, int32_t *tids, uint32_t max);
/* Host thread number of a guest tid (0: the caller) of any process of the run, or -LINUX_ESRCH.
 * Takes the lock. */
int32_t task_host_tid(struct task *task, int32_t tid);
/* A task's name; tid as for task_host_tid. Takes the lock. 0 or -LINUX_ESRCH. */
int task_get_name(struct process *proc, int32_t tid, char name[16]);
int task_set_name(struct process *proc, int32_t tid, const char name[16]);

/* Ways of restarting a system call through restart_syscall. Sets it and returns
 * -LINUX_ERESTART_RESTARTBLOCK. */
int64_t task_restart(struct task *task, restart_fn *fn, const uint64_t args[6]);

/* Undo what an exiting task, of that number and list, holds in guest memory: robust list walk
 * (futex/robust.c), by the calling task. */
void futex_exit_robust(struct task *task, gva_t list, uint32_t tid);
/* FUTEX_WAKE of one waiter on a word, for clear_child_tid. */
void futex_wake_one(struct task *task, gva_t addr);
/* The same for a priority-inheriting lock's word, whose waiters are of either kind (futex.c,
 * lock_pi()). */
void futex_wake_pi(struct task *task, gva_t addr);

#endif
