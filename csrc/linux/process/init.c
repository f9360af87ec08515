/* init.c - a first process without a program of its own. */
#include "linux/abi/sched.h"
#include "linux/abi/signal.h"
#include "linux/process/fork.h"
#include "linux/process/pid.h"
#include "linux/process/task.h"
#include "linux/signal/send.h"
#include "linux/signal/signal.h"

/* Ends the run when the program has ended; other children are orphans. */
static void reap(struct task *task, int32_t program)
{
    struct linux_rusage usage;
    int32_t status, n;
    do {
        signal_check(task); /* all are blocked: what came last must not interrupt the wait */
        n = process_wait(task->proc, -1, LINUX_WNOHANG | LINUX_WALL, &status, &usage);
        if (n == program)
            process_exit(task->proc, status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff);
    } while (n > 0 || n == -LINUX_ERESTARTSYS);
}

static void stay(struct task *task, int32_t program) __attribute__((noreturn));
static void stay(struct task *task, int32_t program)
{
    signal_set_blocked(task, ~0ull);
    for (;;) {
        struct linux_siginfo info;
        reap(task, program);
        int sig = signal_wait(task, ~0ull, NULL, &info);
        /* What a terminal sends, it sends to the program, too. */
        if (sig > 0 && sig != LINUX_SIGCHLD && info.si_code != LINUX_SI_KERNEL)
            signal_send_pid(task, program, 0, sig, NULL);
    }
}

int init_start(struct task *task)
{
    const struct clone_request request = {.exit_signal = LINUX_SIGCHLD};
    int64_t n;
    do {
        if (signal_attention(task))
            signal_work(task, 0, 0);
        n = process_fork(task, &request);
    } while (n == -LINUX_ERESTARTNOINTR);
    if (n > 0) {
        static const char name[16] = "init";
        task_set_name(task->proc, task->proc->pid, name);
        stay(task, (int32_t)n);
    }
    return (int)n;
}
