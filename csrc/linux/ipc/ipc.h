/*
 * ipc.h - what the processes of a run share for System V IPC and POSIX message queues.
 *
 * The region is shared memory, made before the first fork(), and lies at the same address in every
 * process, so that it holds plain pointers. One lock guards all of it. A process may be killed at
 * any instruction, also with the lock held: whoever changes something saves the old bytes first
 * (ipc_save()), and the next to lock puts them back unless ipc_commit() was reached. So between
 * commits the region is consistent to everybody.
 *
 * Locking: the region's lock is taken before mm->lock. No guest memory is touched and nothing waits
 * while it is held.
 */
#ifndef ELFUSE_LINUX_IPC_H
#define ELFUSE_LINUX_IPC_H

#include "host/shared.h"
#include "linux/abi/ipc.h"
#include "linux/abi/time.h"
#include "linux/kernel.h"
#include "linux/process/pid.h"

#define IPC_IDX_BITS  15
#define IPC_SEQ_MAX   (1 << (31 - IPC_IDX_BITS))
#define IPC_MIN_CYCLE 64 /* indices are used anew after at least this many */

#define SHMMNI    4096
#define SEMMNI    32000
#define MSGMNI    32000
#define MQ_MAX    32   /* fs.mqueue.queues_max */
#define IPC_PROCS 4096 /* processes with something to be undone when they end */

struct ipc_perm {
    bool used;
    uint16_t seq;
    int32_t key;
    uint32_t uid, gid, cuid, cgid, mode;
};

/* The numbers of one kind of object. */
struct ipc_ids {
    int32_t in_use, last_index, next, seq;
    int32_t highest; /* one more than the highest index that was ever used */
};

/* A table of objects whose first member is their struct ipc_perm. */
struct ipc_table {
    struct ipc_ids *ids;
    void *objects;
    size_t size; /* of one */
    int32_t max;
};

struct ipc_list {
    struct ipc_waiter *first, *last;
};

/*
 * A thread that waits; in the region. It is in `queue` until somebody has done for it what it waits
 * for, and in its process's list until it has seen that.
 */
struct ipc_waiter {
    uint32_t done; /* a futex: 0 while in the queue */
    int32_t result;
    int32_t pid, proc;
    struct ipc_list *queue;
    struct ipc_waiter *prev, *next;
    struct ipc_waiter *proc_prev, *proc_next;
    /* semop */
    struct linux_sembuf *ops;
    uint32_t nops, blocking;
    bool alter, undo;
    /* msgrcv, mq_receive */
    int32_t mode;
    int64_t type;
    uint64_t max_size;
    struct ipc_msg *msg;
};

struct ipc_msg {
    struct ipc_msg *next;
    int64_t type;
    uint64_t size;
    uint8_t text[];
};

struct shm_segment {
    struct ipc_perm perm;
    uint64_t size, offset; /* of its memory */
    int64_t atime, dtime, ctime;
    int32_t cpid, lpid;
    uint32_t locker; /* the user whose limit it counts against, when its mode has SHM_LOCKED */
    char name[24];   /* of its areas, in /proc/PID/maps */
};

struct sem {
    int32_t value, pid;
};

struct sem_undo {
    struct sem_undo *next; /* of the same set */
    int32_t proc;
    int16_t adjust[];
};

struct sem_set {
    struct ipc_perm perm;
    uint32_t nsems;
    struct sem *sems;
    int64_t otime, ctime;
    struct sem_undo *undo;
    struct ipc_list waiting;
};

struct msg_queue {
    struct ipc_perm perm;
    uint64_t cbytes, qnum, qbytes;
    int64_t stime, rtime, ctime;
    int32_t lspid, lrpid;
    struct ipc_msg *first, *last;
    struct ipc_list senders, receivers;
};

/* A POSIX message queue. */
struct mq {
    bool used, named;
    char name[256];
    uint32_t uid, gid, mode;
    int64_t maxmsg, msgsize, curmsgs;
    int64_t atime, mtime, ctime;
    uint64_t bytes, qsize; /* against RLIMIT_MSGQUEUE; of all messages */
    struct ipc_msg *first; /* highest priority first, then oldest */
    struct ipc_list senders, receivers;
    int32_t notify_pid, notify_kind, notify_signo; /* pid 0: nobody */
    uint64_t notify_value;
    uint64_t shown; /* bytes in its pipe */
};

/* A process that has waiters, undo values or attached segments. */
struct ipc_proc {
    bool used;
    int32_t pid, host;
    int32_t undos;            /* sets in which it has some */
    int32_t segments;         /* segments that are attached */
    uint32_t queues;          /* POSIX queues that are open, a bit each */
    int32_t queue_fd[MQ_MAX]; /* the process's descriptors of their pipes */
    struct ipc_waiter *waiters;
};

struct ipc_region {
    struct host_shared_mutex lock;
    struct ipc_ids shm_ids, sem_ids, msg_ids;
    uint64_t shm_size, shm_next,
        shm_pages; /* bytes there are; where the next begins; pages in all */
    uint64_t used_sems, msg_bytes, msg_count;
    int32_t procs_highest;
    struct ipc_proc proc[IPC_PROCS];
    struct shm_segment segment[SHMMNI];
    struct sem_set set[SEMMNI];
    struct msg_queue queue[MSGMNI];
    struct mq mq[MQ_MAX];
    /* Host number of each guest process that is past ipc_forked(). */
    int32_t born[PID_MAX];
    /* How often each process has attached each segment. */
    uint16_t attached[IPC_PROCS][SHMMNI];
};

extern struct ipc_region *ipc;

/* ---- region.c ---- */

void ipc_lock(void);
/* Commit, unlock, and wake those for whom something was done. */
void ipc_leave(void);

/* [at, at+size) of the region is about to be changed. */
void ipc_save(void *at, size_t size);
#define IPC_SAVE(lvalue) ipc_save(&(lvalue), sizeof(lvalue))
/* What was done so far stays. */
void ipc_commit(void);

/* Memory in the region, not zeroed; NULL when there is none. Both are undone with the rest. */
void *ipc_alloc(size_t size);
void ipc_free(void *memory);

/* Our view of the segments' memory, which has room for ipc->shm_size bytes. */
uint8_t *ipc_shm_memory(uint64_t offset);

/* ---- object.c: what the three System V kinds have in common ---- */

struct ipc_perm *ipc_object(const struct ipc_table *table, int index);
/* The object with this id, or NULL (-LINUX_EINVAL to the guest). By index: what *_STAT takes. */
struct ipc_perm *ipc_find(const struct ipc_table *table, int id);
struct ipc_perm *ipc_find_index(const struct ipc_table *table, int id);
int ipc_id(const struct ipc_table *table, const struct ipc_perm *perm);
/* Highest index in use, 0 when there is none. */
int ipc_highest(const struct ipc_table *table);
/* ipcget(): id or -errno. create makes an object by ipc_add(); check says whether one that exists
 * will do. */
struct ipc_get {
    int32_t key;
    uint32_t flags;
    uint64_t size; /* of the segment, or number of semaphores */
    int64_t (*create)(struct task *task, const struct ipc_get *get);
    int (*check)(const struct ipc_perm *perm, const struct ipc_get *get);
};
int64_t ipc_get(struct task *task, const struct ipc_table *table, const struct ipc_get *get);
/* A zeroed object with this key and mode; NULL when all are in use (-LINUX_ENOSPC). */
struct ipc_perm *ipc_add(struct task *task, const struct ipc_table *table, int32_t key,
                         uint32_t mode);
void ipc_remove(const struct ipc_table *table, struct ipc_perm *perm);
/* ipcperms() with modes 0444, 0222, or shmget's and msgget's own. */
bool ipc_permitted(const struct task *task, const struct ipc_perm *perm, uint32_t mode);
bool ipc_in_group(const struct cred *c, uint32_t gid);
/* May the caller change or remove it? */
bool ipc_owns(const struct task *task, const struct ipc_perm *perm);
/* IPC_SET: -LINUX_EINVAL */
int ipc_set(struct ipc_perm *perm, const struct linux_ipc_perm *from);
void ipc_export(const struct ipc_perm *perm, struct linux_ipc_perm *to);
int64_t ipc_now(void);

/* ---- waiter.c ---- */

/* NULL when there is no memory. */
struct ipc_waiter *ipc_waiter_new(struct task *task, int proc);
void ipc_waiter_free(struct ipc_waiter *w);
void ipc_enqueue(struct ipc_list *queue, struct ipc_waiter *w);
void ipc_dequeue(struct ipc_waiter *w);
/* It is done: out of the queue, commit; woken by ipc_leave(). */
void ipc_wake(struct ipc_waiter *w, int result);
void ipc_wake_due(void);
void ipc_wake_all(struct ipc_list *queue, int result);
/*
 * Wait without the lock until w is done: 0; at the deadline (CLOCK_MONOTONIC, or NULL)
 * -LINUX_ETIMEDOUT; for a signal -LINUX_EINTR. The lock is held again afterwards.
 */
int ipc_wait(struct task *task, struct ipc_waiter *w, const struct linux_timespec *deadline);

/* ---- proc.c ---- */

/* The calling process's place in the table, taken if need be; -LINUX_ENOMEM. With the lock. */
int ipc_self(struct process *proc);
/* Is that process alive? With the lock. */
bool ipc_proc_alive(struct process *proc, int index);
/* Is a process about to run that may have inherited attached segments, but has not said so yet? */
bool ipc_birth(struct process *proc);
/* Undo what processes have left behind that are no more. With the lock. */
void ipc_reap(struct process *proc);

/* ---- sem.c, shm.c ---- */

/* Apply and forget a process's undo values. With the lock. */
void sem_exit(struct process *proc, int index);
/* Destroy removed segments that nobody has attached. With the lock. */
void shm_sweep(struct process *proc);
/* Attached segments as mm's areas say, if that changed; mm/'s calls end with it. Takes the lock. */
void shm_publish(struct process *proc);

/* ---- mq_open.c: POSIX message queues ---- */

/* In the child of a fork(): its queues are as its parent's. */
void mq_forked(struct process *proc);
/* A process is no more. With the lock. */
void mq_exit(struct process *proc, int index);

/* ---- for process/: no lock may be held ---- */

/* Once, before the first fork(). 0 or -LINUX_ENOMEM. */
int ipc_create(struct process *proc);
/* In the child of a fork(), when it has its number and its address space (mm_after_fork()). */
void ipc_forked(struct process *proc);
/* The process ends, of itself or by a signal: what SIGKILL leaves undone the others notice within a
 * second. */
void ipc_exit(struct process *proc);
/* A child of the process has ended, however that came: others that wait for it are let go at once.
 */
void ipc_child_ended(struct process *proc);

/* ---- for procfs: /proc/sysvipc/{shm,sem,msg}, with fn called on each line ---- */

void ipc_list_shm(struct process *proc, void (*fn)(void *arg, const char *line), void *arg);
void ipc_list_sem(struct process *proc, void (*fn)(void *arg, const char *line), void *arg);
void ipc_list_msg(struct process *proc, void (*fn)(void *arg, const char *line), void *arg);

#endif
