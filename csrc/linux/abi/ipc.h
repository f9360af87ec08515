/*
 * ipc.h - System V and POSIX inter-process communication:
 * asm-generic/{ipcbuf,shmbuf,sembuf,msgbuf}.h, linux/{ipc,shm,sem,msg,mqueue}.h.
 */
#ifndef ELFUSE_LINUX_ABI_IPC_H
#define ELFUSE_LINUX_ABI_IPC_H

#include <stdint.h>

#define LINUX_IPC_PRIVATE 0
#define LINUX_IPC_CREAT   01000
#define LINUX_IPC_EXCL    02000
#define LINUX_IPC_NOWAIT  04000

#define LINUX_IPC_RMID     0
#define LINUX_IPC_SET      1
#define LINUX_IPC_STAT     2
#define LINUX_IPC_INFO     3
#define LINUX_SHM_LOCK     11
#define LINUX_SHM_UNLOCK   12
#define LINUX_SHM_STAT     13
#define LINUX_SHM_INFO     14
#define LINUX_SHM_STAT_ANY 15
#define LINUX_MSG_STAT     11
#define LINUX_MSG_INFO     12
#define LINUX_MSG_STAT_ANY 13
#define LINUX_GETPID       11
#define LINUX_GETVAL       12
#define LINUX_GETALL       13
#define LINUX_GETNCNT      14
#define LINUX_GETZCNT      15
#define LINUX_SETVAL       16
#define LINUX_SETALL       17
#define LINUX_SEM_STAT     18
#define LINUX_SEM_INFO     19
#define LINUX_SEM_STAT_ANY 20

#define LINUX_SHM_HUGETLB   04000
#define LINUX_SHM_NORESERVE 010000 /* of shmget */
#define LINUX_SHM_RDONLY    010000 /* of shmat */
#define LINUX_SHM_RND       020000
#define LINUX_SHM_REMAP     040000
#define LINUX_SHM_EXEC      0100000
#define LINUX_SHM_DEST      01000 /* in mode: removed, waits for the last detach */
#define LINUX_SHM_LOCKED    02000

#define LINUX_SEM_UNDO 0x1000

#define LINUX_MSG_NOERROR 010000
#define LINUX_MSG_EXCEPT  020000
#define LINUX_MSG_COPY    040000

struct linux_ipc_perm {
    int32_t key;
    uint32_t uid, gid, cuid, cgid, mode;
    uint16_t seq, pad;
    uint64_t unused[2];
};

struct linux_shmid_ds {
    struct linux_ipc_perm perm;
    uint64_t segsz;
    int64_t atime, dtime, ctime;
    int32_t cpid, lpid;
    uint64_t nattch, unused[2];
};

struct linux_shminfo {
    uint64_t shmmax, shmmin, shmmni, shmseg, shmall, unused[4];
};

struct linux_shm_info {
    int32_t used_ids;
    uint64_t shm_tot, shm_rss, shm_swp, swap_attempts, swap_successes;
};

struct linux_sembuf {
    uint16_t num;
    int16_t op, flags;
};

struct linux_semid_ds {
    struct linux_ipc_perm perm;
    int64_t otime, ctime;
    uint64_t nsems, unused[2];
};

struct linux_seminfo {
    int32_t semmap, semmni, semmns, semmnu, semmsl, semopm, semume, semusz, semvmx, semaem;
};

struct linux_msqid_ds {
    struct linux_ipc_perm perm;
    int64_t stime, rtime, ctime;
    uint64_t cbytes, qnum, qbytes;
    int32_t lspid, lrpid;
    uint64_t unused[2];
};

struct linux_msginfo {
    int32_t msgpool, msgmap, msgmax, msgmnb, msgmni, msgssz, msgtql;
    uint16_t msgseg;
};

struct linux_mq_attr {
    int64_t flags, maxmsg, msgsize, curmsgs, reserved[4];
};

#endif
