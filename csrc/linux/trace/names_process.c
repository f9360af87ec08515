/* names_process.c - of processes, signals, time and credentials. */
#include "linux/trace/names.h"

#define N(name, value)                                                                             \
    {                                                                                              \
#name, value                                                                               \
    }

static const struct trace_name cloneflags_names[] = {
    N(CLONE_VM, 0x100),
    N(CLONE_FS, 0x200),
    N(CLONE_FILES, 0x400),
    N(CLONE_SIGHAND, 0x800),
    N(CLONE_PIDFD, 0x1000),
    N(CLONE_PTRACE, 0x2000),
    N(CLONE_VFORK, 0x4000),
    N(CLONE_PARENT, 0x8000),
    N(CLONE_THREAD, 0x10000),
    N(CLONE_NEWNS, 0x20000),
    N(CLONE_SYSVSEM, 0x40000),
    N(CLONE_SETTLS, 0x80000),
    N(CLONE_PARENT_SETTID, 0x100000),
    N(CLONE_CHILD_CLEARTID, 0x200000),
    N(CLONE_DETACHED, 0x400000),
    N(CLONE_UNTRACED, 0x800000),
    N(CLONE_CHILD_SETTID, 0x1000000),
    N(CLONE_NEWCGROUP, 0x2000000),
    N(CLONE_NEWUTS, 0x4000000),
    N(CLONE_NEWIPC, 0x8000000),
    N(CLONE_NEWUSER, 0x10000000),
    N(CLONE_NEWPID, 0x20000000),
    N(CLONE_NEWNET, 0x40000000),
    N(CLONE_IO, 0x80000000),
    N(CLONE_CLEAR_SIGHAND, 0x100000000),
    N(CLONE_INTO_CGROUP, 0x200000000),
    N(CLONE_NEWTIME, 0x80),
};

static const struct trace_name clockid_names[] = {
    N(CLOCK_REALTIME, 0),          N(CLOCK_MONOTONIC, 1),     N(CLOCK_PROCESS_CPUTIME_ID, 2),
    N(CLOCK_THREAD_CPUTIME_ID, 3), N(CLOCK_MONOTONIC_RAW, 4), N(CLOCK_REALTIME_COARSE, 5),
    N(CLOCK_MONOTONIC_COARSE, 6),  N(CLOCK_BOOTTIME, 7),      N(CLOCK_REALTIME_ALARM, 8),
    N(CLOCK_BOOTTIME_ALARM, 9),    N(CLOCK_SGI_CYCLE, 10),    N(CLOCK_TAI, 11),
};

static const struct trace_name clockflags_names[] = {
    N(TIMER_ABSTIME, 1),
};

static const struct trace_name itimer_names[] = {
    N(ITIMER_REAL, 0),
    N(ITIMER_VIRTUAL, 1),
    N(ITIMER_PROF, 2),
};

static const struct trace_name sigevnotify_names[] = {
    N(SIGEV_SIGNAL, 0),
    N(SIGEV_NONE, 1),
    N(SIGEV_THREAD, 2),
    N(SIGEV_THREAD_ID, 4),
};

static const struct trace_name sighow_names[] = {
    N(SIG_BLOCK, 0),
    N(SIG_UNBLOCK, 1),
    N(SIG_SETMASK, 2),
};

static const struct trace_name saflags_names[] = {
    N(SA_RESTORER, 0x4000000),   N(SA_ONSTACK, 0x8000000),    N(SA_RESTART, 0x10000000),
    N(SA_NODEFER, 0x40000000),   N(SA_RESETHAND, 0x80000000), N(SA_SIGINFO, 4),
    N(SA_NOCLDSTOP, 1),          N(SA_NOCLDWAIT, 2),          N(SA_UNSUPPORTED, 0x400),
    N(SA_EXPOSE_TAGBITS, 0x800),
};

static const struct trace_name ssflags_names[] = {
    N(SS_ONSTACK, 1),
    N(SS_DISABLE, 2),
    N(SS_AUTODISARM, 0x80000000),
};

static const struct trace_name sicode_names[] = {
    N(SI_USER, 0),   N(SI_KERNEL, 0x80), N(SI_QUEUE, -1), N(SI_TIMER, -2),
    N(SI_MESGQ, -3), N(SI_ASYNCIO, -4),  N(SI_SIGIO, -5), N(SI_TKILL, -6),
};

static const struct trace_name illcode_names[] = {
    N(ILL_ILLOPC, 1), N(ILL_ILLOPN, 2), N(ILL_ILLADR, 3), N(ILL_ILLTRP, 4),
    N(ILL_PRVOPC, 5), N(ILL_PRVREG, 6), N(ILL_COPROC, 7), N(ILL_BADSTK, 8),
};

static const struct trace_name fpecode_names[] = {
    N(FPE_INTDIV, 1), N(FPE_INTOVF, 2), N(FPE_FLTDIV, 3), N(FPE_FLTOVF, 4),
    N(FPE_FLTUND, 5), N(FPE_FLTRES, 6), N(FPE_FLTINV, 7), N(FPE_FLTSUB, 8),
};

static const struct trace_name segvcode_names[] = {
    N(SEGV_MAPERR, 1),  N(SEGV_ACCERR, 2),  N(SEGV_BNDERR, 3),
    N(SEGV_PKUERR, 4),  N(SEGV_ACCADI, 5),  N(SEGV_ADIDERR, 6),
    N(SEGV_ADIPERR, 7), N(SEGV_MTEAERR, 8), N(SEGV_MTESERR, 9),
};

static const struct trace_name buscode_names[] = {
    N(BUS_ADRALN, 1), N(BUS_ADRERR, 2), N(BUS_OBJERR, 3), N(BUS_MCEERR_AR, 4), N(BUS_MCEERR_AO, 5),
};

static const struct trace_name trapcode_names[] = {
    N(TRAP_BRKPT, 1),  N(TRAP_TRACE, 2), N(TRAP_BRANCH, 3),
    N(TRAP_HWBKPT, 4), N(TRAP_UNK, 5),   N(TRAP_PERF, 6),
};

static const struct trace_name cldcode_names[] = {
    N(CLD_EXITED, 1),  N(CLD_KILLED, 2),  N(CLD_DUMPED, 3),
    N(CLD_TRAPPED, 4), N(CLD_STOPPED, 5), N(CLD_CONTINUED, 6),
};

static const struct trace_name syscode_names[] = {
    N(SYS_SECCOMP, 1),
    N(SYS_USER_DISPATCH, 2),
};

static const struct trace_name pollcode_names[] = {
    N(POLL_IN, 1), N(POLL_OUT, 2), N(POLL_MSG, 3), N(POLL_ERR, 4), N(POLL_PRI, 5), N(POLL_HUP, 6),
};

static const struct trace_name waitoptions_names[] = {
    N(WNOHANG, 1),         N(WSTOPPED, 2),          N(WEXITED, 4),
    N(WCONTINUED, 8),      N(WNOWAIT, 0x1000000),   N(__WNOTHREAD, 0x20000000),
    N(__WALL, 0x40000000), N(__WCLONE, 0x80000000),
};

static const struct trace_name waitidtype_names[] = {
    N(P_ALL, 0),
    N(P_PID, 1),
    N(P_PGID, 2),
    N(P_PIDFD, 3),
};

static const struct trace_name pidfdflags_names[] = {
    N(PIDFD_NONBLOCK, 04000),
    N(PIDFD_THREAD, 0200),
};

static const struct trace_name resource_names[] = {
    N(RLIMIT_CPU, 0),       N(RLIMIT_FSIZE, 1), N(RLIMIT_DATA, 2),    N(RLIMIT_STACK, 3),
    N(RLIMIT_CORE, 4),      N(RLIMIT_RSS, 5),   N(RLIMIT_NPROC, 6),   N(RLIMIT_NOFILE, 7),
    N(RLIMIT_MEMLOCK, 8),   N(RLIMIT_AS, 9),    N(RLIMIT_LOCKS, 10),  N(RLIMIT_SIGPENDING, 11),
    N(RLIMIT_MSGQUEUE, 12), N(RLIMIT_NICE, 13), N(RLIMIT_RTPRIO, 14), N(RLIMIT_RTTIME, 15),
};

static const struct trace_name rusagewho_names[] = {
    N(RUSAGE_SELF, 0),
    N(RUSAGE_CHILDREN, -1),
    N(RUSAGE_BOTH, -2),
    N(RUSAGE_THREAD, 1),
};

static const struct trace_name priority_names[] = {
    N(PRIO_PROCESS, 0),
    N(PRIO_PGRP, 1),
    N(PRIO_USER, 2),
};

static const struct trace_name policy_names[] = {
    N(SCHED_OTHER, 0),
    N(SCHED_FIFO, 1),
    N(SCHED_RR, 2),
    N(SCHED_BATCH, 3),
    N(SCHED_ISO, 4),
    N(SCHED_IDLE, 5),
    N(SCHED_DEADLINE, 6),
    N(SCHED_EXT, 7),
    {"SCHED_RESET_ON_FORK|SCHED_OTHER", 0x40000000},
    {"SCHED_RESET_ON_FORK|SCHED_FIFO", 0x40000001},
    {"SCHED_RESET_ON_FORK|SCHED_RR", 0x40000002},
    {"SCHED_RESET_ON_FORK|SCHED_BATCH", 0x40000003},
    {"SCHED_RESET_ON_FORK|SCHED_IDLE", 0x40000005},
};

static const struct trace_name schedflags_names[] = {
    N(SCHED_FLAG_RESET_ON_FORK, 0x1),   N(SCHED_FLAG_RECLAIM, 0x2),
    N(SCHED_FLAG_DL_OVERRUN, 0x4),      N(SCHED_FLAG_KEEP_POLICY, 0x8),
    N(SCHED_FLAG_KEEP_PARAMS, 0x10),    N(SCHED_FLAG_UTIL_CLAMP_MIN, 0x20),
    N(SCHED_FLAG_UTIL_CLAMP_MAX, 0x40),
};

static const struct trace_name persona_names[] = {
    N(PER_LINUX, 0),
    N(PER_LINUX32, 8),
};

static const struct trace_name personaflags_names[] = {
    N(UNAME26, 0x20000),           N(ADDR_NO_RANDOMIZE, 0x40000),   N(FDPIC_FUNCPTRS, 0x80000),
    N(MMAP_PAGE_ZERO, 0x100000),   N(ADDR_COMPAT_LAYOUT, 0x200000), N(READ_IMPLIES_EXEC, 0x400000),
    N(ADDR_LIMIT_32BIT, 0x800000), N(SHORT_INODE, 0x1000000),       N(WHOLE_SECONDS, 0x2000000),
    N(STICKY_TIMEOUTS, 0x4000000), N(ADDR_LIMIT_3GB, 0x8000000),
};

static const struct trace_name futexop_names[] = {
    N(FUTEX_WAIT, 0),
    N(FUTEX_WAIT_PRIVATE, 128),
    N(FUTEX_WAKE, 1),
    N(FUTEX_WAKE_PRIVATE, 129),
    N(FUTEX_FD, 2),
    N(FUTEX_FD_PRIVATE, 130),
    N(FUTEX_REQUEUE, 3),
    N(FUTEX_REQUEUE_PRIVATE, 131),
    N(FUTEX_CMP_REQUEUE, 4),
    N(FUTEX_CMP_REQUEUE_PRIVATE, 132),
    N(FUTEX_WAKE_OP, 5),
    N(FUTEX_WAKE_OP_PRIVATE, 133),
    N(FUTEX_LOCK_PI, 6),
    N(FUTEX_LOCK_PI_PRIVATE, 134),
    N(FUTEX_UNLOCK_PI, 7),
    N(FUTEX_UNLOCK_PI_PRIVATE, 135),
    N(FUTEX_TRYLOCK_PI, 8),
    N(FUTEX_TRYLOCK_PI_PRIVATE, 136),
    N(FUTEX_WAIT_BITSET, 9),
    N(FUTEX_WAIT_BITSET_PRIVATE, 137),
    N(FUTEX_WAKE_BITSET, 10),
    N(FUTEX_WAKE_BITSET_PRIVATE, 138),
    N(FUTEX_WAIT_REQUEUE_PI, 11),
    N(FUTEX_WAIT_REQUEUE_PI_PRIVATE, 139),
    N(FUTEX_CMP_REQUEUE_PI, 12),
    N(FUTEX_CMP_REQUEUE_PI_PRIVATE, 140),
    N(FUTEX_LOCK_PI2, 13),
    N(FUTEX_LOCK_PI2_PRIVATE, 141),
};

static const struct trace_name futexwake_names[] = {
    N(FUTEX_OP_SET, 0),
    N(FUTEX_OP_ADD, 1),
    N(FUTEX_OP_OR, 2),
    N(FUTEX_OP_ANDN, 3),
    N(FUTEX_OP_XOR, 4),
    {"FUTEX_OP_OPARG_SHIFT<<3|FUTEX_OP_SET", 8},
    {"FUTEX_OP_OPARG_SHIFT<<3|FUTEX_OP_ADD", 9},
    {"FUTEX_OP_OPARG_SHIFT<<3|FUTEX_OP_OR", 10},
    {"FUTEX_OP_OPARG_SHIFT<<3|FUTEX_OP_ANDN", 11},
    {"FUTEX_OP_OPARG_SHIFT<<3|FUTEX_OP_XOR", 12},
};

static const struct trace_name futexcmp_names[] = {
    N(FUTEX_OP_CMP_EQ, 0), N(FUTEX_OP_CMP_NE, 1), N(FUTEX_OP_CMP_LT, 2),
    N(FUTEX_OP_CMP_LE, 3), N(FUTEX_OP_CMP_GT, 4), N(FUTEX_OP_CMP_GE, 5),
};

static const struct trace_name futex2flags_names[] = {
    N(FUTEX2_SIZE_U32, 2),
    N(FUTEX2_NUMA, 4),
    N(FUTEX2_PRIVATE, 128),
};

static const struct trace_name prctl_names[] = {
    N(PR_SET_PDEATHSIG, 1),
    N(PR_GET_PDEATHSIG, 2),
    N(PR_GET_DUMPABLE, 3),
    N(PR_SET_DUMPABLE, 4),
    N(PR_GET_UNALIGN, 5),
    N(PR_SET_UNALIGN, 6),
    N(PR_GET_KEEPCAPS, 7),
    N(PR_SET_KEEPCAPS, 8),
    N(PR_GET_FPEMU, 9),
    N(PR_SET_FPEMU, 10),
    N(PR_GET_FPEXC, 11),
    N(PR_SET_FPEXC, 12),
    N(PR_GET_TIMING, 13),
    N(PR_SET_TIMING, 14),
    N(PR_SET_NAME, 15),
    N(PR_GET_NAME, 16),
    N(PR_GET_ENDIAN, 19),
    N(PR_SET_ENDIAN, 20),
    N(PR_GET_SECCOMP, 21),
    N(PR_SET_SECCOMP, 22),
    N(PR_CAPBSET_READ, 23),
    N(PR_CAPBSET_DROP, 24),
    N(PR_GET_TSC, 25),
    N(PR_SET_TSC, 26),
    N(PR_GET_SECUREBITS, 27),
    N(PR_SET_SECUREBITS, 28),
    N(PR_SET_TIMERSLACK, 29),
    N(PR_GET_TIMERSLACK, 30),
    N(PR_MCE_KILL, 33),
    N(PR_MCE_KILL_GET, 34),
    N(PR_SET_MM, 35),
    N(PR_SET_CHILD_SUBREAPER, 36),
    N(PR_GET_CHILD_SUBREAPER, 37),
    N(PR_SET_NO_NEW_PRIVS, 38),
    N(PR_GET_NO_NEW_PRIVS, 39),
    N(PR_GET_TID_ADDRESS, 40),
    N(PR_SET_THP_DISABLE, 41),
    N(PR_GET_THP_DISABLE, 42),
    N(PR_CAP_AMBIENT, 47),
    N(PR_SVE_SET_VL, 50),
    N(PR_SVE_GET_VL, 51),
    N(PR_GET_SPECULATION_CTRL, 52),
    N(PR_SET_SPECULATION_CTRL, 53),
    N(PR_PAC_RESET_KEYS, 54),
    N(PR_SET_TAGGED_ADDR_CTRL, 55),
    N(PR_GET_TAGGED_ADDR_CTRL, 56),
    N(PR_SET_IO_FLUSHER, 57),
    N(PR_GET_IO_FLUSHER, 58),
    N(PR_SET_SYSCALL_USER_DISPATCH, 59),
    N(PR_PAC_SET_ENABLED_KEYS, 60),
    N(PR_PAC_GET_ENABLED_KEYS, 61),
    N(PR_SCHED_CORE, 62),
    N(PR_SME_SET_VL, 63),
    N(PR_SME_GET_VL, 64),
    N(PR_SET_MDWE, 65),
    N(PR_GET_MDWE, 66),
    N(PR_SET_MEMORY_MERGE, 67),
    N(PR_GET_MEMORY_MERGE, 68),
    N(PR_SET_VMA, 0x53564d41),
    N(PR_GET_AUXV, 0x41555856),
    N(PR_SET_PTRACER, 0x59616d61),
};

static const struct trace_name dumpable_names[] = {
    N(SUID_DUMP_DISABLE, 0),
    N(SUID_DUMP_USER, 1),
    N(SUID_DUMP_ROOT, 2),
};

static const struct trace_name ambient_names[] = {
    N(PR_CAP_AMBIENT_IS_SET, 1),
    N(PR_CAP_AMBIENT_RAISE, 2),
    N(PR_CAP_AMBIENT_LOWER, 3),
    N(PR_CAP_AMBIENT_CLEAR_ALL, 4),
};

static const struct trace_name securebits_names[] = {
    N(SECBIT_NOROOT, 0x1),
    N(SECBIT_NOROOT_LOCKED, 0x2),
    N(SECBIT_NO_SETUID_FIXUP, 0x4),
    N(SECBIT_NO_SETUID_FIXUP_LOCKED, 0x8),
    N(SECBIT_KEEP_CAPS, 0x10),
    N(SECBIT_KEEP_CAPS_LOCKED, 0x20),
    N(SECBIT_NO_CAP_AMBIENT_RAISE, 0x40),
    N(SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED, 0x80),
};

static const struct trace_name vmaname_names[] = {
    N(PR_SET_VMA_ANON_NAME, 0),
};

static const struct trace_name taggedaddr_names[] = {
    N(PR_TAGGED_ADDR_ENABLE, 1),
    N(PR_MTE_TCF_SYNC, 2),
    N(PR_MTE_TCF_ASYNC, 4),
};

static const struct trace_name cap_names[] = {
    N(CAP_CHOWN, 0),
    N(CAP_DAC_OVERRIDE, 1),
    N(CAP_DAC_READ_SEARCH, 2),
    N(CAP_FOWNER, 3),
    N(CAP_FSETID, 4),
    N(CAP_KILL, 5),
    N(CAP_SETGID, 6),
    N(CAP_SETUID, 7),
    N(CAP_SETPCAP, 8),
    N(CAP_LINUX_IMMUTABLE, 9),
    N(CAP_NET_BIND_SERVICE, 10),
    N(CAP_NET_BROADCAST, 11),
    N(CAP_NET_ADMIN, 12),
    N(CAP_NET_RAW, 13),
    N(CAP_IPC_LOCK, 14),
    N(CAP_IPC_OWNER, 15),
    N(CAP_SYS_MODULE, 16),
    N(CAP_SYS_RAWIO, 17),
    N(CAP_SYS_CHROOT, 18),
    N(CAP_SYS_PTRACE, 19),
    N(CAP_SYS_PACCT, 20),
    N(CAP_SYS_ADMIN, 21),
    N(CAP_SYS_BOOT, 22),
    N(CAP_SYS_NICE, 23),
    N(CAP_SYS_RESOURCE, 24),
    N(CAP_SYS_TIME, 25),
    N(CAP_SYS_TTY_CONFIG, 26),
    N(CAP_MKNOD, 27),
    N(CAP_LEASE, 28),
    N(CAP_AUDIT_WRITE, 29),
    N(CAP_AUDIT_CONTROL, 30),
    N(CAP_SETFCAP, 31),
    N(CAP_MAC_OVERRIDE, 32),
    N(CAP_MAC_ADMIN, 33),
    N(CAP_SYSLOG, 34),
    N(CAP_WAKE_ALARM, 35),
    N(CAP_BLOCK_SUSPEND, 36),
    N(CAP_AUDIT_READ, 37),
    N(CAP_PERFMON, 38),
    N(CAP_BPF, 39),
    N(CAP_CHECKPOINT_RESTORE, 40),
};

static const struct trace_name capset_names[] = {
    {"1<<CAP_CHOWN", 0x1},
    {"1<<CAP_DAC_OVERRIDE", 0x2},
    {"1<<CAP_DAC_READ_SEARCH", 0x4},
    {"1<<CAP_FOWNER", 0x8},
    {"1<<CAP_FSETID", 0x10},
    {"1<<CAP_KILL", 0x20},
    {"1<<CAP_SETGID", 0x40},
    {"1<<CAP_SETUID", 0x80},
    {"1<<CAP_SETPCAP", 0x100},
    {"1<<CAP_LINUX_IMMUTABLE", 0x200},
    {"1<<CAP_NET_BIND_SERVICE", 0x400},
    {"1<<CAP_NET_BROADCAST", 0x800},
    {"1<<CAP_NET_ADMIN", 0x1000},
    {"1<<CAP_NET_RAW", 0x2000},
    {"1<<CAP_IPC_LOCK", 0x4000},
    {"1<<CAP_IPC_OWNER", 0x8000},
    {"1<<CAP_SYS_MODULE", 0x10000},
    {"1<<CAP_SYS_RAWIO", 0x20000},
    {"1<<CAP_SYS_CHROOT", 0x40000},
    {"1<<CAP_SYS_PTRACE", 0x80000},
    {"1<<CAP_SYS_PACCT", 0x100000},
    {"1<<CAP_SYS_ADMIN", 0x200000},
    {"1<<CAP_SYS_BOOT", 0x400000},
    {"1<<CAP_SYS_NICE", 0x800000},
    {"1<<CAP_SYS_RESOURCE", 0x1000000},
    {"1<<CAP_SYS_TIME", 0x2000000},
    {"1<<CAP_SYS_TTY_CONFIG", 0x4000000},
    {"1<<CAP_MKNOD", 0x8000000},
    {"1<<CAP_LEASE", 0x10000000},
    {"1<<CAP_AUDIT_WRITE", 0x20000000},
    {"1<<CAP_AUDIT_CONTROL", 0x40000000},
    {"1<<CAP_SETFCAP", 0x80000000},
    {"1<<CAP_MAC_OVERRIDE", 0x100000000},
    {"1<<CAP_MAC_ADMIN", 0x200000000},
    {"1<<CAP_SYSLOG", 0x400000000},
    {"1<<CAP_WAKE_ALARM", 0x800000000},
    {"1<<CAP_BLOCK_SUSPEND", 0x1000000000},
    {"1<<CAP_AUDIT_READ", 0x2000000000},
    {"1<<CAP_PERFMON", 0x4000000000},
    {"1<<CAP_BPF", 0x8000000000},
    {"1<<CAP_CHECKPOINT_RESTORE", 0x10000000000},
};

static const struct trace_name capversion_names[] = {
    N(_LINUX_CAPABILITY_VERSION_1, 0x19980330),
    N(_LINUX_CAPABILITY_VERSION_2, 0x20071026),
    N(_LINUX_CAPABILITY_VERSION_3, 0x20080522),
};

static const struct trace_name rebootmagic_names[] = {
    N(LINUX_REBOOT_MAGIC1, 0xfee1dead), N(LINUX_REBOOT_MAGIC2, 672274793),
    N(LINUX_REBOOT_MAGIC2A, 85072278),  N(LINUX_REBOOT_MAGIC2B, 369367448),
    N(LINUX_REBOOT_MAGIC2C, 537993216),
};

static const struct trace_name rebootcmd_names[] = {
    N(LINUX_REBOOT_CMD_RESTART, 0x1234567),    N(LINUX_REBOOT_CMD_HALT, 0xcdef0123),
    N(LINUX_REBOOT_CMD_CAD_ON, 0x89abcdef),    N(LINUX_REBOOT_CMD_CAD_OFF, 0),
    N(LINUX_REBOOT_CMD_POWER_OFF, 0x4321fedc), N(LINUX_REBOOT_CMD_RESTART2, 0xa1b2c3d4),
};

static const struct trace_name rseqflags_names[] = {
    N(RSEQ_FLAG_UNREGISTER, 1),
};

static const struct trace_name adjmodes_names[] = {
    N(ADJ_OFFSET_SS_READ, 0xa001),
    N(ADJ_OFFSET_SINGLESHOT, 0x8001),
    N(ADJ_OFFSET, 1),
    N(ADJ_FREQUENCY, 2),
    N(ADJ_MAXERROR, 4),
    N(ADJ_ESTERROR, 8),
    N(ADJ_STATUS, 0x10),
    N(ADJ_TIMECONST, 0x20),
    N(ADJ_TAI, 0x80),
    N(ADJ_SETOFFSET, 0x100),
    N(ADJ_MICRO, 0x1000),
    N(ADJ_NANO, 0x2000),
    N(ADJ_TICK, 0x4000),
};

static const struct trace_name adjstatus_names[] = {
    N(STA_PLL, 1),           N(STA_PPSFREQ, 2),       N(STA_PPSTIME, 4),
    N(STA_FLL, 8),           N(STA_INS, 0x10),        N(STA_DEL, 0x20),
    N(STA_UNSYNC, 0x40),     N(STA_FREQHOLD, 0x80),   N(STA_PPSSIGNAL, 0x100),
    N(STA_PPSJITTER, 0x200), N(STA_PPSWANDER, 0x400), N(STA_PPSERROR, 0x800),
    N(STA_CLOCKERR, 0x1000), N(STA_NANO, 0x2000),     N(STA_MODE, 0x4000),
    N(STA_CLK, 0x8000),
};

static const struct trace_name adjstate_names[] = {
    N(TIME_OK, 0),  N(TIME_INS, 1),  N(TIME_DEL, 2),
    N(TIME_OOP, 3), N(TIME_WAIT, 4), N(TIME_ERROR, 5),
};

const struct trace_names names_process[] = {
    NAMES_SET("adjmodes", adjmodes_names, NAMES_FLAGS, 32, "ADJ_???", NULL),
    NAMES_SET("adjstatus", adjstatus_names, NAMES_FLAGS, 32, "STA_???", NULL),
    NAMES_SET("adjstate", adjstate_names, NAMES_ENUM, 32, "TIME_???", NULL),
    NAMES_SET("cloneflags", cloneflags_names, NAMES_FLAGS, 64, "CLONE_???", NULL),
    NAMES_SET("clockid", clockid_names, NAMES_ENUM, 32, "CLOCK_???", NULL),
    NAMES_SET("clockflags", clockflags_names, NAMES_FLAGS, 32, "TIMER_???", NULL),
    NAMES_SET("itimer", itimer_names, NAMES_ENUM, 32, "ITIMER_???", NULL),
    NAMES_SET("sigevnotify", sigevnotify_names, NAMES_ENUM, 32, "SIGEV_???", NULL),
    NAMES_SET("sighow", sighow_names, NAMES_ENUM, 32, "SIG_???", NULL),
    NAMES_SET("saflags", saflags_names, NAMES_FLAGS, 64, "SA_???", NULL),
    NAMES_SET("ssflags", ssflags_names, NAMES_FLAGS, 32, "SS_???", NULL),
    NAMES_SET("sicode", sicode_names, NAMES_ENUM, 32, "SI_???", NULL),
    NAMES_SET("illcode", illcode_names, NAMES_ENUM, 32, "ILL_???", NULL),
    NAMES_SET("fpecode", fpecode_names, NAMES_ENUM, 32, "FPE_???", NULL),
    NAMES_SET("segvcode", segvcode_names, NAMES_ENUM, 32, "SEGV_???", NULL),
    NAMES_SET("buscode", buscode_names, NAMES_ENUM, 32, "BUS_???", NULL),
    NAMES_SET("trapcode", trapcode_names, NAMES_ENUM, 32, "TRAP_???", NULL),
    NAMES_SET("cldcode", cldcode_names, NAMES_ENUM, 32, "CLD_???", NULL),
    NAMES_SET("syscode", syscode_names, NAMES_ENUM, 32, "SYS_???", NULL),
    NAMES_SET("pollcode", pollcode_names, NAMES_ENUM, 32, "POLL_???", NULL),
    NAMES_SET("waitoptions", waitoptions_names, NAMES_FLAGS, 32, "W???", NULL),
    NAMES_SET("waitidtype", waitidtype_names, NAMES_ENUM, 32, "P_???", NULL),
    NAMES_SET("pidfdflags", pidfdflags_names, NAMES_FLAGS, 32, "PIDFD_???", NULL),
    NAMES_SET("resource", resource_names, NAMES_ENUM, 32, "RLIMIT_???", NULL),
    NAMES_SET("rusagewho", rusagewho_names, NAMES_ENUM, 32, "RUSAGE_???", NULL),
    NAMES_SET("priority", priority_names, NAMES_ENUM, 32, "PRIO_???", NULL),
    NAMES_SET("policy", policy_names, NAMES_ENUM, 32, "SCHED_???", NULL),
    NAMES_SET("schedflags", schedflags_names, NAMES_FLAGS, 64, "SCHED_FLAG_???", NULL),
    NAMES_SET("persona", persona_names, NAMES_ENUM, 8, "PER_???", NULL),
    NAMES_SET("personaflags", personaflags_names, NAMES_FLAGS, 32, "???", NULL),
    NAMES_SET("futexop", futexop_names, NAMES_ENUM, 32, "FUTEX_???", NULL),
    NAMES_SET("futexwake", futexwake_names, NAMES_ENUM, 32, "FUTEX_OP_???", NULL),
    NAMES_SET("futexcmp", futexcmp_names, NAMES_ENUM, 32, "FUTEX_OP_CMP_???", NULL),
    NAMES_SET("futex2flags", futex2flags_names, NAMES_FLAGS, 32, "FUTEX2_???", NULL),
    NAMES_SET("prctl", prctl_names, NAMES_ENUM, 32, "PR_???", NULL),
    NAMES_SET("dumpable", dumpable_names, NAMES_ENUM, 32, "SUID_DUMP_???", NULL),
    NAMES_SET("ambient", ambient_names, NAMES_ENUM, 32, "PR_CAP_AMBIENT_???", NULL),
    NAMES_SET("securebits", securebits_names, NAMES_FLAGS, 32, "SECBIT_???", NULL),
    NAMES_SET("vmaname", vmaname_names, NAMES_ENUM, 32, "PR_SET_VMA_???", NULL),
    NAMES_SET("taggedaddr", taggedaddr_names, NAMES_FLAGS, 64, "PR_TAGGED_???", NULL),
    NAMES_SET("cap", cap_names, NAMES_ENUM, 32, "CAP_???", NULL),
    NAMES_SET("capset", capset_names, NAMES_FLAGS, 64, "CAP_???", NULL),
    NAMES_SET("capversion", capversion_names, NAMES_ENUM, 32, "_LINUX_CAPABILITY_VERSION_???",
              NULL),
    NAMES_SET("rebootmagic", rebootmagic_names, NAMES_ENUM, 32, "LINUX_REBOOT_MAGIC_???", NULL),
    NAMES_SET("rebootcmd", rebootcmd_names, NAMES_ENUM, 32, "LINUX_REBOOT_CMD_???", NULL),
    NAMES_SET("rseqflags", rseqflags_names, NAMES_FLAGS, 32, "RSEQ_FLAG_???", NULL),
    {NULL, NULL, 0, 0, 0, NULL, NULL},
};
