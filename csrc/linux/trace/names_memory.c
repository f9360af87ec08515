/* names_memory.c - of memory and System V objects. */
#include "linux/trace/names.h"

#define N(name, value)                                                                             \
    {                                                                                              \
#name, value                                                                               \
    }

static const struct trace_name prot_names[] = {
    N(PROT_READ, 1),
    N(PROT_WRITE, 2),
    N(PROT_EXEC, 4),
    N(PROT_SEM, 8),
    N(PROT_BTI, 0x10),
    N(PROT_MTE, 0x20),
    N(PROT_GROWSDOWN, 0x1000000),
    N(PROT_GROWSUP, 0x2000000),
};

static const struct trace_name mapflags_names[] = {
    N(MAP_SHARED_VALIDATE, 3), N(MAP_SHARED, 1),
    N(MAP_PRIVATE, 2),         N(MAP_FIXED, 0x10),
    N(MAP_ANONYMOUS, 0x20),    N(MAP_NORESERVE, 0x4000),
    N(MAP_POPULATE, 0x8000),   N(MAP_NONBLOCK, 0x10000),
    N(MAP_GROWSDOWN, 0x100),   N(MAP_DENYWRITE, 0x800),
    N(MAP_EXECUTABLE, 0x1000), N(MAP_LOCKED, 0x2000),
    N(MAP_STACK, 0x20000),     N(MAP_HUGETLB, 0x40000),
    N(MAP_SYNC, 0x80000),      N(MAP_FIXED_NOREPLACE, 0x100000),
};

static const struct trace_name mremapflags_names[] = {
    N(MREMAP_MAYMOVE, 0x1),
    N(MREMAP_FIXED, 0x2),
    N(MREMAP_DONTUNMAP, 0x4),
};

static const struct trace_name msflags_names[] = {
    N(MS_SYNC, 4),
    N(MS_ASYNC, 1),
    N(MS_INVALIDATE, 2),
};

static const struct trace_name mclflags_names[] = {
    N(MCL_CURRENT, 0x1),
    N(MCL_FUTURE, 0x2),
    N(MCL_ONFAULT, 0x4),
};

static const struct trace_name mlockflags_names[] = {
    N(MLOCK_ONFAULT, 1),
};

static const struct trace_name mfdflags_names[] = {
    N(MFD_CLOEXEC, 0x1),     N(MFD_ALLOW_SEALING, 0x2), N(MFD_HUGETLB, 0x4),
    N(MFD_NOEXEC_SEAL, 0x8), N(MFD_EXEC, 0x10),
};

static const struct trace_name madvice_names[] = {
    N(MADV_NORMAL, 0),           N(MADV_RANDOM, 1),          N(MADV_SEQUENTIAL, 2),
    N(MADV_WILLNEED, 3),         N(MADV_DONTNEED, 4),        N(MADV_FREE, 8),
    N(MADV_REMOVE, 9),           N(MADV_DONTFORK, 10),       N(MADV_DOFORK, 11),
    N(MADV_MERGEABLE, 12),       N(MADV_UNMERGEABLE, 13),    N(MADV_HUGEPAGE, 14),
    N(MADV_NOHUGEPAGE, 15),      N(MADV_DONTDUMP, 16),       N(MADV_DODUMP, 17),
    N(MADV_WIPEONFORK, 18),      N(MADV_KEEPONFORK, 19),     N(MADV_COLD, 20),
    N(MADV_PAGEOUT, 21),         N(MADV_POPULATE_READ, 22),  N(MADV_POPULATE_WRITE, 23),
    N(MADV_DONTNEED_LOCKED, 24), N(MADV_COLLAPSE, 25),       N(MADV_HWPOISON, 100),
    N(MADV_SOFT_OFFLINE, 101),   N(MADV_GUARD_INSTALL, 102), N(MADV_GUARD_REMOVE, 103),
};

static const struct trace_name grndflags_names[] = {
    N(GRND_NONBLOCK, 0x1),
    N(GRND_RANDOM, 0x2),
    N(GRND_INSECURE, 0x4),
};

static const struct trace_name shmflags_names[] = {
    N(SHM_RDONLY, 010000),
    N(SHM_RND, 020000),
    N(SHM_REMAP, 040000),
    N(SHM_EXEC, 0100000),
};

static const struct trace_name ipcflags_names[] = {
    N(IPC_CREAT, 01000),
    N(IPC_EXCL, 02000),
    N(IPC_NOWAIT, 04000),
};

static const struct trace_name shmgetflags_names[] = {
    N(IPC_CREAT, 01000),
    N(IPC_EXCL, 02000),
    N(SHM_HUGETLB, 04000),
    N(SHM_NORESERVE, 010000),
};

static const struct trace_name ipccmd_names[] = {
    N(IPC_RMID, 0), N(IPC_SET, 1),   N(IPC_STAT, 2),  N(IPC_INFO, 3), N(GETPID, 11),
    N(GETVAL, 12),  N(GETALL, 13),   N(GETNCNT, 14),  N(GETZCNT, 15), N(SETVAL, 16),
    N(SETALL, 17),  N(SEM_STAT, 18), N(SEM_INFO, 19),
};

static const struct trace_name msgcmd_names[] = {
    N(IPC_RMID, 0),  N(IPC_SET, 1),   N(IPC_STAT, 2),      N(IPC_INFO, 3),
    N(MSG_STAT, 11), N(MSG_INFO, 12), N(MSG_STAT_ANY, 13),
};

static const struct trace_name shmcmd_names[] = {
    N(IPC_RMID, 0),    N(IPC_SET, 1),   N(IPC_STAT, 2),  N(IPC_INFO, 3),      N(SHM_LOCK, 11),
    N(SHM_UNLOCK, 12), N(SHM_STAT, 13), N(SHM_INFO, 14), N(SHM_STAT_ANY, 15),
};

static const struct trace_name msgflags_names[] = {
    N(MSG_NOERROR, 010000),
    N(MSG_EXCEPT, 020000),
    N(MSG_COPY, 040000),
    N(IPC_NOWAIT, 04000),
};

static const struct trace_name membarrier_names[] = {
    N(MEMBARRIER_CMD_QUERY, 0),
    N(MEMBARRIER_CMD_GLOBAL, 1),
    N(MEMBARRIER_CMD_GLOBAL_EXPEDITED, 2),
    N(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 4),
    N(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 8),
    N(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0x10),
    N(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0x20),
    N(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0x40),
    N(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0x80),
    N(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 0x100),
    N(MEMBARRIER_CMD_GET_REGISTRATIONS, 0x200),
};

static const struct trace_name membarrierflags_names[] = {
    N(MEMBARRIER_CMD_FLAG_CPU, 1),
};

static const struct trace_name membarriers_names[] = {
    N(MEMBARRIER_CMD_GLOBAL, 1),
    N(MEMBARRIER_CMD_GLOBAL_EXPEDITED, 2),
    N(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 4),
    N(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 8),
    N(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0x10),
    N(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0x20),
    N(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0x40),
    N(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0x80),
    N(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 0x100),
    N(MEMBARRIER_CMD_GET_REGISTRATIONS, 0x200),
};

const struct trace_names names_memory[] = {
    NAMES_SET("prot", prot_names, NAMES_FLAGS, 32, "PROT_???", "PROT_NONE"),
    NAMES_SET("mapflags", mapflags_names, NAMES_FLAGS, 32, "MAP_???", "MAP_FILE"),
    NAMES_SET("mremapflags", mremapflags_names, NAMES_FLAGS, 32, "MREMAP_???", NULL),
    NAMES_SET("msflags", msflags_names, NAMES_FLAGS, 32, "MS_???", NULL),
    NAMES_SET("mclflags", mclflags_names, NAMES_FLAGS, 32, "MCL_???", NULL),
    NAMES_SET("mlockflags", mlockflags_names, NAMES_FLAGS, 32, "MLOCK_???", NULL),
    NAMES_SET("mfdflags", mfdflags_names, NAMES_FLAGS, 32, "MFD_???", NULL),
    NAMES_SET("madvice", madvice_names, NAMES_ENUM, 32, "MADV_???", NULL),
    NAMES_SET("grndflags", grndflags_names, NAMES_FLAGS, 32, "GRND_???", NULL),
    NAMES_SET("shmflags", shmflags_names, NAMES_FLAGS, 32, "SHM_???", NULL),
    NAMES_SET("ipcflags", ipcflags_names, NAMES_FLAGS, 32, "IPC_???", NULL),
    NAMES_SET("shmgetflags", shmgetflags_names, NAMES_FLAGS, 32, "SHM_???", NULL),
    NAMES_SET("ipccmd", ipccmd_names, NAMES_ENUM, 32, "IPC_???", NULL),
    NAMES_SET("msgcmd", msgcmd_names, NAMES_ENUM, 32, "MSG_???", NULL),
    NAMES_SET("shmcmd", shmcmd_names, NAMES_ENUM, 32, "SHM_???", NULL),
    NAMES_SET("msgflags", msgflags_names, NAMES_FLAGS, 32, "MSG_???", NULL),
    NAMES_SET("membarrier", membarrier_names, NAMES_ENUM, 32, "MEMBARRIER_CMD_???", NULL),
    NAMES_SET("membarrierflags", membarrierflags_names, NAMES_FLAGS, 32, "MEMBARRIER_CMD_FLAG_???",
              NULL),
    NAMES_SET("membarriers", membarriers_names, NAMES_FLAGS, 32, "MEMBARRIER_CMD_???", NULL),
    {NULL, NULL, 0, 0, 0, NULL, NULL},
};
