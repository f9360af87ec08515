/*
 * kernel.h - the guest kernel's central objects.
 *
 * One host process is one guest process; one host thread is one guest thread (task). `struct
 * process` is therefore a singleton of the host process, but it is always reached through a task,
 * never as a global.
 *
 * Convention of the whole kernel: functions return 0 or a positive result, or a negative Linux
 * errno
 * (-LINUX_EFAULT). No header of the host is included outside host/.
 */
#ifndef ELFUSE_LINUX_KERNEL_H
#define ELFUSE_LINUX_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linux/abi/errno.h"
#include "linux/abi/time.h"

typedef uint64_t gva_t; /* a guest address; never a host pointer */

struct task;
struct vcpu;
struct vcpu_vm;
struct mm;         /* mm/mm.h: the guest address space */
struct fd_table;   /* fs/fdtable.h: what is known about each guest descriptor */
struct fs_context; /* fs/fs.h: root, mounts, cwd, umask */
struct sighand;    /* signal/signal.h: dispositions and process-wide pending signals */
struct sigstate;   /* signal/signal.h: one task's mask, pending set, alternate stack */

#define LINUX_NGROUPS_KEPT 64

struct cred {
    uint32_t uid, euid, suid, fsuid;
    uint32_t gid, egid, sgid, fsgid;
    uint32_t ngroups;
    uint32_t groups[LINUX_NGROUPS_KEPT];
    /* Capabilities as bit masks; what they allow is decided by their holder's uid on the host all
     * the same. */
    uint64_t cap_permitted, cap_effective, cap_inheritable, cap_bounding, cap_ambient;
    uint32_t securebits;
    bool no_new_privs;
};

/* A child that was waited for, by its number on the host. */
struct waited_child {
    int32_t host, pid;
    uint32_t uid;
    int32_t exit_signal;
};
#define WAITED_KEPT 16

struct process {
    struct vcpu_vm *vm;
    struct mm *mm;
    struct fd_table *fds;
    struct fs_context *fs;
    struct sighand *sighand;
    struct cred cred;
    int32_t pid, ppid; /* as the guest sees them; the image's program is 1 */
    char comm[16];
    char hostname[65];
    char *exe;     /* guest path of the program when it was started; owned */
    int exe_fd;    /* a descriptor of ours on it, for /proc/<pid>/exe, or -1 */
    char *cmdline; /* argv as in /proc/self/cmdline, with its NULs; owned */
    size_t cmdline_len;
    char *environ_block; /* as in /proc/self/environ; owned */
    size_t environ_len;
    void *auxv; /* as in /proc/self/auxv; owned */
    size_t auxv_len;
    uint32_t traced;              /* TRACE_*: trace/trace.h */
    struct strace_shared *strace; /* trace/strace.c */
    struct histogram *histogram;  /* trace/histogram.c */
    uint64_t rlimit[16][2];       /* soft, hard; process/rlimit.c */
    uint32_t personality;
    uint8_t dumpable, subreaper, thp_disable, mce_kill; /* process/prctl.c */
    bool nproc_exceeded; /* PF_NPROC_EXCEEDED: execve fails if it is still so */
    int32_t pdeath_signal;
    char domainname[65];
    struct timer_set *timers; /* time/timers.c */
    struct linux_timeval itimer_interval[3];
    int strace_fd;           /* host descriptor for --strace, or -1 */
    struct task_list *tasks; /* process/task.h */
    struct pid_table *pids;  /* process/pid.h */
    int vfork_channel;       /* process/fork.h: to a parent that waits, or -1 */
    /* Set in a signal handler when the parent has ended: ppid is to be found anew, and the signal
     * of PR_SET_PDEATHSIG is due. */
    volatile bool parent_ended, pdeath_due;
    struct waited_child waited[WAITED_KEPT]; /* the last ones, under sighand->lock */
    unsigned waited_count;
    bool odd_children; /* some end with another signal than SIGCHLD */
};

/* How a call that returned -LINUX_ERESTART_RESTARTBLOCK goes on when restart_syscall is run. */
typedef int64_t restart_fn(struct task *task, const uint64_t args[6]);

struct task {
    struct process *proc;
    struct vcpu *vcpu;
    struct sigstate *sig;
    int32_t tid; /* as the guest sees it */
    gva_t clear_child_tid;
    gva_t robust_list;
    uint64_t robust_list_len;
    char name[16];          /* PR_SET_NAME */
    volatile bool in_guest; /* inside vcpu_run(): a host memory fault may be the guest's */
    void *uaccess_recover;  /* mm/uaccess.c: where a fault in a guest copy goes on, or NULL */
    struct task *next;      /* process/task.h: the list, under sighand->lock */
    int32_t host_tid;       /* for host_thread_kick() */
    restart_fn *restart;    /* process/task.h: task_restart() */
    uint64_t restart_args[6];
    uint64_t timerslack, timerslack_default; /* PR_SET_TIMERSLACK, ns; process/prctl.c */
};

/* The calling thread's task, or NULL on a thread that is none. */
extern _Thread_local struct task *current;

/* One system call: its six argument registers in, the result for x0 out. Declared for every row of
 * syscalls.def by the generated syscalls_gen.h as sys_NAME. */
typedef int64_t syscall_fn(struct task *task, const uint64_t args[6]);

/*
 * Internal results, as in Linux's include/linux/errno.h; the dispatcher turns them into a restart
 * or -EINTR when it delivers the signal. Never seen by the guest.
 */
#define LINUX_ERESTARTSYS           512 /* restart if the handler has SA_RESTART, else EINTR */
#define LINUX_ERESTARTNOINTR        513 /* always restart */
#define LINUX_ERESTARTNOHAND        514 /* EINTR if a handler runs, restart otherwise */
#define LINUX_ERESTART_RESTARTBLOCK 516 /* restart through restart_syscall with the time left */
#define LINUX_ENORESULT             600 /* registers were set by the call itself (sigreturn, execve) */

/* Guest descriptors are host descriptors of the same number, below this: host/io.h has where ours
 * are. */
#define GUEST_FD_LIMIT 65536
#define GUEST_FD_USUAL 1024 /* INR_OPEN_CUR, the soft limit that a process starts with */

#endif
