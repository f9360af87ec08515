/* ipc.h - System V shared memory: asm-generic/{ipcbuf,shmbuf}.h, linux/{ipc,shm}.h. */
#ifndef ELFUSE_LINUX_ABI_IPC_H
#define ELFUSE_LINUX_ABI_IPC_H

#include <stdint.h>

#define LINUX_IPC_PRIVATE 0
#define LINUX_IPC_CREAT   01000
#define LINUX_IPC_EXCL    02000

#define LINUX_IPC_RMID     0
#define LINUX_IPC_SET      1
#define LINUX_IPC_STAT     2
#define LINUX_IPC_INFO     3
#define LINUX_SHM_LOCK     11
#define LINUX_SHM_UNLOCK   12
#define LINUX_SHM_STAT     13
#define LINUX_SHM_INFO     14
#define LINUX_SHM_STAT_ANY 15

#define LINUX_SHM_HUGETLB 04000
#define LINUX_SHM_RDONLY  010000
#define LINUX_SHM_RND     020000
#define LINUX_SHM_REMAP   040000
#define LINUX_SHM_EXEC    0100000
#define LINUX_SHM_DEST    01000 /* in mode: removed, waits for the last detach */
#define LINUX_SHM_LOCKED  02000

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

#endif
