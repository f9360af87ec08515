/*
 * pid.h - the run's table of process and thread numbers.
 *
 * One piece of shared memory, made at launch and inherited by every process of the run. It says
 * which host process is which guest process; the host itself keeps parents, groups, sessions,
 * zombies and exit statuses. Any process may be killed at any instruction, so there is no lock: a
 * number belongs to whoever set its bit, an entry's fields are written by the process it describes
 * (or its parent, before it runs), and whether a process lives is asked of the host
 * (host_life_holder()).
 *
 * A number stays taken while anybody refers to it: a process or thread by being alive or a zombie,
 * and each process by its group and its session.
 */
#ifndef ELFUSE_LINUX_PID_H
#define ELFUSE_LINUX_PID_H

#include <stdatomic.h>

#include "linux/kernel.h"

/* /proc/sys/kernel/pid_max: Linux's default for up to 32 CPUs. */
#define PID_MAX 32768

enum pid_kind {
    PID_FREE,
    PID_PROCESS,
    PID_THREAD,
    PID_GONE, /* a process that was waited for, whose number its group still has */
};

struct pid_entry {
    _Atomic int32_t refs;
    _Atomic int32_t kind;
    _Atomic int32_t host;   /* the host's number: of the process, or of the thread */
    _Atomic int32_t leader; /* of a process: the host's number of the thread that execve made its
                               first one, where `host` is another's; or 0 */
    int32_t tgid;
    _Atomic int32_t parent;                   /* of a process */
    _Atomic int32_t pgid, sid;                /* of a process, as the guest numbers them */
    _Atomic int32_t host_group, host_session; /* as the host numbers the group or session of this
                                                 number */
    _Atomic int32_t next_thread; /* of the same process, from its own entry on; 0 ends */
    _Atomic int32_t text; /* which of the texts is its own, which forks share; see pid_text() */
    int32_t exit_signal;
    _Atomic uint32_t uid, euid, suid, gid; /* credentials as others may ask for them */
    _Atomic bool held;                     /* by pid_hold() */
    _Atomic bool execed;                   /* has run execve since it was forked: setpgid(2) */
    _Atomic bool auto_reaped;              /* its children leave no zombies */
    _Atomic int32_t waiting;               /* its threads in wait4 or waitid: pid_wait_begin() */
    _Atomic uint64_t exe_dev, exe_ino;     /* the program's file, as the guest sees it */
    char comm[16];
};

/* What /proc tells of another process: too long for the entry. */
struct pid_text {
    _Atomic int32_t refs; /* processes */
    _Atomic uint32_t cmdline_len;
    char cmdline[3064];
    char exe[1024];
};

struct pid_table;

/* Make the table, with the calling process as number 1, leader of group and session 1, whatever the
 * host calls these. 0 or -errno. */
int pid_table_create(struct process *proc);

/* A free number with one reference, of kind PID_FREE yet; -LINUX_EAGAIN when there is none. */
int32_t pid_alloc(struct pid_table *t);
void pid_get(struct pid_table *t, int32_t n);
void pid_put(struct pid_table *t, int32_t n);

struct pid_entry *pid_entry(struct pid_table *t, int32_t n); /* NULL outside the table */
/* Of a process; NULL when it has none. Until execve it has that of the process it was forked from.
 */
const struct pid_text *pid_text(struct pid_table *t, int32_t n);

/* An entry of a child of proc that host_fork() is about to make: group, session and credentials are
 * its parent's. Two references: the child's life and the parent's, which pid_put()s it when it has
 * called pid_started(). Number or -LINUX_EAGAIN. */
int32_t pid_alloc_child(struct process *proc, int exit_signal);
/* In parent and child: it has this number on the host. */
void pid_started(struct pid_table *t, int32_t n, int32_t host);
/* In the child: hold the number as long as the process lives. */
void pid_hold(struct pid_table *t, int32_t n);
/* Around the host's wait and the pid_reaped() that follows: until then nobody else forgets a child
 * of this process. */
void pid_wait_begin(struct process *proc);
void pid_wait_end(struct process *proc);
/* In the parent: the child is no more (waited for, or never started). */
void pid_reaped(struct pid_table *t, int32_t n);

/* A thread of proc: number with host number `host` (0: later). */
int32_t pid_alloc_thread(struct process *proc);
void pid_free_thread(struct process *proc, int32_t n);

/* Translate. 0 when there is none. */
int32_t pid_from_host(struct process *proc, int32_t host);
int32_t pid_to_host(struct process *proc,
                    int32_t n); /* a process's, alive or zombie, or thread's */
/* A thread's; a process's number is its first thread's. */
int32_t pid_thread_to_host(struct process *proc, int32_t n);

/* The same for groups and sessions. */
int32_t pid_group_to_host(struct process *proc, int32_t pgid);
int32_t pid_group_from_host(struct process *proc, int32_t host);
int32_t pid_session_from_host(struct process *proc, int32_t host);
/* Process n is now in the group (of the session) of that number. */
void pid_set_group(struct pid_table *t, int32_t n, int32_t pgid);
void pid_set_session(struct pid_table *t, int32_t n, int32_t sid);

/* A process of the run that is alive: its host number, sure to be its, or 0. A zombie gives 0. */
int32_t pid_alive(struct process *proc, int32_t n);
/* Is there a process of that number, alive or a zombie? Forgets those that left no zombie. */
bool pid_exists(struct process *proc, int32_t n);
/* The first number after `after` that a process has, or 0. */
int32_t pid_next(struct process *proc, int32_t after);
/* Whether a process of the run that is alive runs the file. */
bool pid_runs(struct process *proc, uint64_t dev, uint64_t ino);
/* Are more than `most` processes and threads that user's? Zombies count. */
bool pid_user_has_more(struct process *proc, uint32_t uid, uint64_t most);
/* A descriptor of ours: each process holds a record lock on the file, which is no lock of the
 * guest's. */
int pid_life(struct pid_table *t);
/* The number that was given last. */
int32_t pid_last(struct pid_table *t);

/* Tell the table what others may want to know of this process. */
void pid_publish_cred(struct process *proc);
void pid_publish_program(struct process *proc);  /* after execve; credentials too */
void pid_publish_exe(struct task *task, int fd); /* its file, for pid_runs() */
void pid_publish_comm(struct process *proc, int32_t tid, const char comm[16]);

#endif
