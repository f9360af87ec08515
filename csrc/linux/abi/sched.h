/* sched.h - numbers and wire structs of clone, scheduling and resources. */
#ifndef ELFUSE_LINUX_ABI_SCHED_H
#define ELFUSE_LINUX_ABI_SCHED_H

#include <stdint.h>

#include "linux/abi/time.h"

#define LINUX_CSIGNAL              0x000000ffull
#define LINUX_CLONE_VM             0x00000100ull
#define LINUX_CLONE_FS             0x00000200ull
#define LINUX_CLONE_FILES          0x00000400ull
#define LINUX_CLONE_SIGHAND        0x00000800ull
#define LINUX_CLONE_PIDFD          0x00001000ull
#define LINUX_CLONE_PTRACE         0x00002000ull
#define LINUX_CLONE_VFORK          0x00004000ull
#define LINUX_CLONE_PARENT         0x00008000ull
#define LINUX_CLONE_THREAD         0x00010000ull
#define LINUX_CLONE_NEWNS          0x00020000ull
#define LINUX_CLONE_SYSVSEM        0x00040000ull
#define LINUX_CLONE_SETTLS         0x00080000ull
#define LINUX_CLONE_PARENT_SETTID  0x00100000ull
#define LINUX_CLONE_CHILD_CLEARTID 0x00200000ull
#define LINUX_CLONE_DETACHED       0x00400000ull
#define LINUX_CLONE_UNTRACED       0x00800000ull
#define LINUX_CLONE_CHILD_SETTID   0x01000000ull
#define LINUX_CLONE_NEWCGROUP      0x02000000ull
#define LINUX_CLONE_NEWUTS         0x04000000ull
#define LINUX_CLONE_NEWIPC         0x08000000ull
#define LINUX_CLONE_NEWUSER        0x10000000ull
#define LINUX_CLONE_NEWPID         0x20000000ull
#define LINUX_CLONE_NEWNET         0x40000000ull
#define LINUX_CLONE_IO             0x80000000ull
#define LINUX_CLONE_CLEAR_SIGHAND  0x100000000ull
#define LINUX_CLONE_INTO_CGROUP    0x200000000ull

#define LINUX_WNOHANG    0x00000001
#define LINUX_WUNTRACED  0x00000002
#define LINUX_WSTOPPED   LINUX_WUNTRACED
#define LINUX_WEXITED    0x00000004
#define LINUX_WCONTINUED 0x00000008
#define LINUX_WNOWAIT    0x01000000
#define LINUX_WNOTHREAD  0x20000000
#define LINUX_WALL       0x40000000
#define LINUX_WCLONE     ((int)0x80000000u)

#define LINUX_P_ALL   0
#define LINUX_P_PID   1
#define LINUX_P_PGID  2
#define LINUX_P_PIDFD 3

struct linux_clone_args {
    uint64_t flags;
    uint64_t pidfd;
    uint64_t child_tid;
    uint64_t parent_tid;
    uint64_t exit_signal;
    uint64_t stack;
    uint64_t stack_size;
    uint64_t tls;
    uint64_t set_tid;
    uint64_t set_tid_size;
    uint64_t cgroup;
};
#define LINUX_CLONE_ARGS_SIZE_VER0 64

struct linux_rlimit64 {
    uint64_t cur;
    uint64_t max;
};

#define LINUX_RLIMIT_CPU        0
#define LINUX_RLIMIT_FSIZE      1
#define LINUX_RLIMIT_DATA       2
#define LINUX_RLIMIT_STACK      3
#define LINUX_RLIMIT_CORE       4
#define LINUX_RLIMIT_RSS        5
#define LINUX_RLIMIT_NPROC      6
#define LINUX_RLIMIT_NOFILE     7
#define LINUX_RLIMIT_MEMLOCK    8
#define LINUX_RLIMIT_AS         9
#define LINUX_RLIMIT_LOCKS      10
#define LINUX_RLIMIT_SIGPENDING 11
#define LINUX_RLIMIT_MSGQUEUE   12
#define LINUX_RLIMIT_NICE       13
#define LINUX_RLIMIT_RTPRIO     14
#define LINUX_RLIMIT_RTTIME     15
#define LINUX_RLIM_NLIMITS      16
#define LINUX_RLIM_INFINITY     UINT64_MAX

struct linux_rusage {
    struct linux_timeval ru_utime;
    struct linux_timeval ru_stime;
    int64_t ru_maxrss, ru_ixrss, ru_idrss, ru_isrss, ru_minflt, ru_majflt, ru_nswap, ru_inblock,
        ru_oublock, ru_msgsnd, ru_msgrcv, ru_nsignals, ru_nvcsw, ru_nivcsw;
};
_Static_assert(sizeof(struct linux_rusage) == 144, "struct rusage");

#define LINUX_RUSAGE_SELF     0
#define LINUX_RUSAGE_CHILDREN (-1)
#define LINUX_RUSAGE_THREAD   1

struct linux_sysinfo {
    int64_t uptime;
    uint64_t loads[3];
    uint64_t totalram, freeram, sharedram, bufferram, totalswap, freeswap;
    uint16_t procs, pad;
    uint64_t totalhigh, freehigh;
    uint32_t mem_unit;
};
_Static_assert(sizeof(struct linux_sysinfo) == 112, "struct sysinfo");

struct linux_utsname {
    char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};

#endif
