/* strace_names.c - see strace_names.h. Values are Linux's own, asm-generic and arm64. */
#include "linux/strace_names.h"

#include <stdio.h>
#include <string.h>

#include "linux/strace.h"

static const char *const errno_names[] = {
    [1] = "EPERM",
    [2] = "ENOENT",
    [3] = "ESRCH",
    [4] = "EINTR",
    [5] = "EIO",
    [6] = "ENXIO",
    [7] = "E2BIG",
    [8] = "ENOEXEC",
    [9] = "EBADF",
    [10] = "ECHILD",
    [11] = "EAGAIN",
    [12] = "ENOMEM",
    [13] = "EACCES",
    [14] = "EFAULT",
    [15] = "ENOTBLK",
    [16] = "EBUSY",
    [17] = "EEXIST",
    [18] = "EXDEV",
    [19] = "ENODEV",
    [20] = "ENOTDIR",
    [21] = "EISDIR",
    [22] = "EINVAL",
    [23] = "ENFILE",
    [24] = "EMFILE",
    [25] = "ENOTTY",
    [26] = "ETXTBSY",
    [27] = "EFBIG",
    [28] = "ENOSPC",
    [29] = "ESPIPE",
    [30] = "EROFS",
    [31] = "EMLINK",
    [32] = "EPIPE",
    [33] = "EDOM",
    [34] = "ERANGE",
    [35] = "EDEADLK",
    [36] = "ENAMETOOLONG",
    [37] = "ENOLCK",
    [38] = "ENOSYS",
    [39] = "ENOTEMPTY",
    [40] = "ELOOP",
    [42] = "ENOMSG",
    [43] = "EIDRM",
    [44] = "ECHRNG",
    [45] = "EL2NSYNC",
    [46] = "EL3HLT",
    [47] = "EL3RST",
    [48] = "ELNRNG",
    [49] = "EUNATCH",
    [50] = "ENOCSI",
    [51] = "EL2HLT",
    [52] = "EBADE",
    [53] = "EBADR",
    [54] = "EXFULL",
    [55] = "ENOANO",
    [56] = "EBADRQC",
    [57] = "EBADSLT",
    [59] = "EBFONT",
    [60] = "ENOSTR",
    [61] = "ENODATA",
    [62] = "ETIME",
    [63] = "ENOSR",
    [64] = "ENONET",
    [65] = "ENOPKG",
    [66] = "EREMOTE",
    [67] = "ENOLINK",
    [68] = "EADV",
    [69] = "ESRMNT",
    [70] = "ECOMM",
    [71] = "EPROTO",
    [72] = "EMULTIHOP",
    [73] = "EDOTDOT",
    [74] = "EBADMSG",
    [75] = "EOVERFLOW",
    [76] = "ENOTUNIQ",
    [77] = "EBADFD",
    [78] = "EREMCHG",
    [79] = "ELIBACC",
    [80] = "ELIBBAD",
    [81] = "ELIBSCN",
    [82] = "ELIBMAX",
    [83] = "ELIBEXEC",
    [84] = "EILSEQ",
    [85] = "ERESTART",
    [86] = "ESTRPIPE",
    [87] = "EUSERS",
    [88] = "ENOTSOCK",
    [89] = "EDESTADDRREQ",
    [90] = "EMSGSIZE",
    [91] = "EPROTOTYPE",
    [92] = "ENOPROTOOPT",
    [93] = "EPROTONOSUPPORT",
    [94] = "ESOCKTNOSUPPORT",
    [95] = "EOPNOTSUPP",
    [96] = "EPFNOSUPPORT",
    [97] = "EAFNOSUPPORT",
    [98] = "EADDRINUSE",
    [99] = "EADDRNOTAVAIL",
    [100] = "ENETDOWN",
    [101] = "ENETUNREACH",
    [102] = "ENETRESET",
    [103] = "ECONNABORTED",
    [104] = "ECONNRESET",
    [105] = "ENOBUFS",
    [106] = "EISCONN",
    [107] = "ENOTCONN",
    [108] = "ESHUTDOWN",
    [109] = "ETOOMANYREFS",
    [110] = "ETIMEDOUT",
    [111] = "ECONNREFUSED",
    [112] = "EHOSTDOWN",
    [113] = "EHOSTUNREACH",
    [114] = "EALREADY",
    [115] = "EINPROGRESS",
    [116] = "ESTALE",
    [117] = "EUCLEAN",
    [118] = "ENOTNAM",
    [119] = "ENAVAIL",
    [120] = "EISNAM",
    [121] = "EREMOTEIO",
    [122] = "EDQUOT",
    [123] = "ENOMEDIUM",
    [124] = "EMEDIUMTYPE",
    [125] = "ECANCELED",
    [126] = "ENOKEY",
    [127] = "EKEYEXPIRED",
    [128] = "EKEYREVOKED",
    [129] = "EKEYREJECTED",
    [130] = "EOWNERDEAD",
    [131] = "ENOTRECOVERABLE",
    [132] = "ERFKILL",
    [133] = "EHWPOISON",
};

static const char *const signal_names[] = {
    "0",         "SIGHUP",  "SIGINT",    "SIGQUIT", "SIGILL",   "SIGTRAP", "SIGABRT", "SIGBUS",
    "SIGFPE",    "SIGKILL", "SIGUSR1",   "SIGSEGV", "SIGUSR2",  "SIGPIPE", "SIGALRM", "SIGTERM",
    "SIGSTKFLT", "SIGCHLD", "SIGCONT",   "SIGSTOP", "SIGTSTP",  "SIGTTIN", "SIGTTOU", "SIGURG",
    "SIGXCPU",   "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",   "SIGPWR",  "SIGSYS",
};

struct name {
    const char *name;
    uint64_t value;
};

static const struct name oflags_names[] = {
    {"O_WRONLY", 1},         {"O_RDWR", 2},
    {"O_CREAT", 0100},       {"O_EXCL", 0200},
    {"O_NOCTTY", 0400},      {"O_TRUNC", 01000},
    {"O_APPEND", 02000},     {"O_NONBLOCK", 04000},
    {"O_SYNC", 04010000},    {"O_DSYNC", 010000},
    {"O_DIRECTORY", 040000}, {"O_NOFOLLOW", 0100000},
    {"O_DIRECT", 0200000},   {"O_LARGEFILE", 0400000},
    {"O_NOATIME", 01000000}, {"O_CLOEXEC", 02000000},
    {"O_PATH", 010000000},
};

static const struct name atflags_names[] = {
    {"AT_SYMLINK_NOFOLLOW", 0x100}, {"AT_REMOVEDIR", 0x200},   {"AT_SYMLINK_FOLLOW", 0x400},
    {"AT_NO_AUTOMOUNT", 0x800},     {"AT_EMPTY_PATH", 0x1000},
};

static const struct name accmode_names[] = {
    {"R_OK", 4},
    {"W_OK", 2},
    {"X_OK", 1},
};

static const struct name xflags_names[] = {
    {"XATTR_CREATE", 1},
    {"XATTR_REPLACE", 2},
};

static const struct name prot_names[] = {
    {"PROT_READ", 1},
    {"PROT_WRITE", 2},
    {"PROT_EXEC", 4},
    {"PROT_GROWSDOWN", 0x01000000},
};

static const struct name mapflags_names[] = {
    {"MAP_SHARED", 1},
    {"MAP_PRIVATE", 2},
    {"MAP_FIXED", 0x10},
    {"MAP_ANONYMOUS", 0x20},
    {"MAP_GROWSDOWN", 0x100},
    {"MAP_DENYWRITE", 0x800},
    {"MAP_LOCKED", 0x2000},
    {"MAP_NORESERVE", 0x4000},
    {"MAP_POPULATE", 0x8000},
    {"MAP_NONBLOCK", 0x10000},
    {"MAP_STACK", 0x20000},
    {"MAP_HUGETLB", 0x40000},
    {"MAP_FIXED_NOREPLACE", 0x100000},
};

static const struct name mremapflags_names[] = {
    {"MREMAP_MAYMOVE", 1},
    {"MREMAP_FIXED", 2},
    {"MREMAP_DONTUNMAP", 4},
};

static const struct name cloneflags_names[] = {
    {"CLONE_VM", 0x100},
    {"CLONE_FS", 0x200},
    {"CLONE_FILES", 0x400},
    {"CLONE_SIGHAND", 0x800},
    {"CLONE_PIDFD", 0x1000},
    {"CLONE_PTRACE", 0x2000},
    {"CLONE_VFORK", 0x4000},
    {"CLONE_PARENT", 0x8000},
    {"CLONE_THREAD", 0x10000},
    {"CLONE_NEWNS", 0x20000},
    {"CLONE_SYSVSEM", 0x40000},
    {"CLONE_SETTLS", 0x80000},
    {"CLONE_PARENT_SETTID", 0x100000},
    {"CLONE_CHILD_CLEARTID", 0x200000},
    {"CLONE_CHILD_SETTID", 0x1000000},
    {"CLONE_NEWCGROUP", 0x2000000},
    {"CLONE_NEWUTS", 0x4000000},
    {"CLONE_NEWIPC", 0x8000000},
    {"CLONE_NEWUSER", 0x10000000},
    {"CLONE_NEWPID", 0x20000000},
    {"CLONE_NEWNET", 0x40000000},
    {"CLONE_IO", 0x80000000},
    {"CLONE_CLEAR_SIGHAND", 0x100000000},
};

static const struct name whence_names[] = {
    {"SEEK_SET", 0}, {"SEEK_CUR", 1}, {"SEEK_END", 2}, {"SEEK_DATA", 3}, {"SEEK_HOLE", 4},
};

static const struct name clockid_names[] = {
    {"CLOCK_REALTIME", 0},          {"CLOCK_MONOTONIC", 1},     {"CLOCK_PROCESS_CPUTIME_ID", 2},
    {"CLOCK_THREAD_CPUTIME_ID", 3}, {"CLOCK_MONOTONIC_RAW", 4}, {"CLOCK_REALTIME_COARSE", 5},
    {"CLOCK_MONOTONIC_COARSE", 6},  {"CLOCK_BOOTTIME", 7},      {"CLOCK_TAI", 11},
};

static const struct name sighow_names[] = {
    {"SIG_BLOCK", 0},
    {"SIG_UNBLOCK", 1},
    {"SIG_SETMASK", 2},
};

static const struct name itimer_names[] = {
    {"ITIMER_REAL", 0},
    {"ITIMER_VIRTUAL", 1},
    {"ITIMER_PROF", 2},
};

static const struct name epollop_names[] = {
    {"EPOLL_CTL_ADD", 1},
    {"EPOLL_CTL_DEL", 2},
    {"EPOLL_CTL_MOD", 3},
};

static const struct name resource_names[] = {
    {"RLIMIT_CPU", 0},       {"RLIMIT_FSIZE", 1}, {"RLIMIT_DATA", 2},    {"RLIMIT_STACK", 3},
    {"RLIMIT_CORE", 4},      {"RLIMIT_RSS", 5},   {"RLIMIT_NPROC", 6},   {"RLIMIT_NOFILE", 7},
    {"RLIMIT_MEMLOCK", 8},   {"RLIMIT_AS", 9},    {"RLIMIT_LOCKS", 10},  {"RLIMIT_SIGPENDING", 11},
    {"RLIMIT_MSGQUEUE", 12}, {"RLIMIT_NICE", 13}, {"RLIMIT_RTPRIO", 14}, {"RLIMIT_RTTIME", 15},
};

static const struct name sockdomain_names[] = {
    {"AF_UNSPEC", 0}, {"AF_UNIX", 1},     {"AF_INET", 2},
    {"AF_INET6", 10}, {"AF_NETLINK", 16}, {"AF_PACKET", 17},
};

static const struct name madvice_names[] = {
    {"MADV_NORMAL", 0},      {"MADV_RANDOM", 1},         {"MADV_SEQUENTIAL", 2},
    {"MADV_WILLNEED", 3},    {"MADV_DONTNEED", 4},       {"MADV_FREE", 8},
    {"MADV_REMOVE", 9},      {"MADV_DONTFORK", 10},      {"MADV_DOFORK", 11},
    {"MADV_MERGEABLE", 12},  {"MADV_UNMERGEABLE", 13},   {"MADV_HUGEPAGE", 14},
    {"MADV_NOHUGEPAGE", 15}, {"MADV_DONTDUMP", 16},      {"MADV_DODUMP", 17},
    {"MADV_WIPEONFORK", 18}, {"MADV_KEEPONFORK", 19},    {"MADV_COLD", 20},
    {"MADV_PAGEOUT", 21},    {"MADV_POPULATE_READ", 22}, {"MADV_POPULATE_WRITE", 23},
};

static const struct name fcntlcmd_names[] = {
    {"F_DUPFD", 0},         {"F_GETFD", 1},         {"F_SETFD", 2},
    {"F_GETFL", 3},         {"F_SETFL", 4},         {"F_GETLK", 5},
    {"F_SETLK", 6},         {"F_SETLKW", 7},        {"F_SETOWN", 8},
    {"F_GETOWN", 9},        {"F_SETSIG", 10},       {"F_GETSIG", 11},
    {"F_SETOWN_EX", 15},    {"F_GETOWN_EX", 16},    {"F_OFD_GETLK", 36},
    {"F_OFD_SETLK", 37},    {"F_OFD_SETLKW", 38},   {"F_SETLEASE", 1024},
    {"F_GETLEASE", 1025},   {"F_NOTIFY", 1026},     {"F_DUPFD_CLOEXEC", 1030},
    {"F_SETPIPE_SZ", 1031}, {"F_GETPIPE_SZ", 1032}, {"F_ADD_SEALS", 1033},
    {"F_GET_SEALS", 1034},
};

static const struct name ioctl_names[] = {
    {"TCGETS", 0x5401},     {"TCSETS", 0x5402},      {"TCSETSW", 0x5403},  {"TCSETSF", 0x5404},
    {"TIOCGPGRP", 0x540f},  {"TIOCSPGRP", 0x5410},   {"TIOCOUTQ", 0x5411}, {"TIOCGWINSZ", 0x5413},
    {"TIOCSWINSZ", 0x5414}, {"FIONREAD", 0x541b},    {"FIONBIO", 0x5421},  {"FIONCLEX", 0x5450},
    {"FIOCLEX", 0x5451},    {"TCGETS2", 0x802c542a},
};

static const struct name prctl_names[] = {
    {"PR_SET_PDEATHSIG", 1},
    {"PR_GET_PDEATHSIG", 2},
    {"PR_GET_DUMPABLE", 3},
    {"PR_SET_DUMPABLE", 4},
    {"PR_GET_KEEPCAPS", 7},
    {"PR_SET_KEEPCAPS", 8},
    {"PR_SET_NAME", 15},
    {"PR_GET_NAME", 16},
    {"PR_GET_SECCOMP", 21},
    {"PR_SET_SECCOMP", 22},
    {"PR_CAPBSET_READ", 23},
    {"PR_CAPBSET_DROP", 24},
    {"PR_GET_SECUREBITS", 27},
    {"PR_SET_SECUREBITS", 28},
    {"PR_SET_TIMERSLACK", 29},
    {"PR_GET_TIMERSLACK", 30},
    {"PR_SET_CHILD_SUBREAPER", 36},
    {"PR_GET_CHILD_SUBREAPER", 37},
    {"PR_SET_NO_NEW_PRIVS", 38},
    {"PR_GET_NO_NEW_PRIVS", 39},
    {"PR_SET_THP_DISABLE", 41},
    {"PR_GET_THP_DISABLE", 42},
    {"PR_CAP_AMBIENT", 47},
    {"PR_SET_TAGGED_ADDR_CTRL", 55},
    {"PR_GET_TAGGED_ADDR_CTRL", 56},
    {"PR_SET_VMA", 0x53564d41},
};

static const struct type {
    const char *type;
    const struct name *names;
    size_t count;
    bool flags; /* bits that add up; otherwise one of the values */
} types[] = {
    {"oflags", oflags_names, sizeof(oflags_names) / sizeof(oflags_names[0]), true},
    {"atflags", atflags_names, sizeof(atflags_names) / sizeof(atflags_names[0]), true},
    {"accmode", accmode_names, sizeof(accmode_names) / sizeof(accmode_names[0]), true},
    {"xflags", xflags_names, sizeof(xflags_names) / sizeof(xflags_names[0]), true},
    {"prot", prot_names, sizeof(prot_names) / sizeof(prot_names[0]), true},
    {"mapflags", mapflags_names, sizeof(mapflags_names) / sizeof(mapflags_names[0]), true},
    {"mremapflags", mremapflags_names, sizeof(mremapflags_names) / sizeof(mremapflags_names[0]),
     true},
    {"cloneflags", cloneflags_names, sizeof(cloneflags_names) / sizeof(cloneflags_names[0]), true},
    {"whence", whence_names, sizeof(whence_names) / sizeof(whence_names[0]), false},
    {"clockid", clockid_names, sizeof(clockid_names) / sizeof(clockid_names[0]), false},
    {"sighow", sighow_names, sizeof(sighow_names) / sizeof(sighow_names[0]), false},
    {"itimer", itimer_names, sizeof(itimer_names) / sizeof(itimer_names[0]), false},
    {"epollop", epollop_names, sizeof(epollop_names) / sizeof(epollop_names[0]), false},
    {"resource", resource_names, sizeof(resource_names) / sizeof(resource_names[0]), false},
    {"sockdomain", sockdomain_names, sizeof(sockdomain_names) / sizeof(sockdomain_names[0]), false},
    {"madvice", madvice_names, sizeof(madvice_names) / sizeof(madvice_names[0]), false},
    {"fcntlcmd", fcntlcmd_names, sizeof(fcntlcmd_names) / sizeof(fcntlcmd_names[0]), false},
    {"ioctl", ioctl_names, sizeof(ioctl_names) / sizeof(ioctl_names[0]), false},
    {"prctl", prctl_names, sizeof(prctl_names) / sizeof(prctl_names[0]), false},
};

static void append(char *text, size_t size, size_t *len, const char *piece)
{
    size_t n = strlen(piece);
    if (n > size - 1 - *len)
        n = size - 1 - *len;
    memcpy(text + *len, piece, n);
    *len += n;
    text[*len] = '\0';
}

static void append_number(char *text, size_t size, size_t *len, const char *format, uint64_t value)
{
    char number[32];
    snprintf(number, sizeof(number), format[0] == 'o' ? "%#llo" : "%#llx",
             (unsigned long long)value);
    append(text, size, len, number);
}

static const struct type *find_type(const char *type)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (!strcmp(types[i].type, type))
            return &types[i];
    }
    return NULL;
}

/* futex commands with their two flags, socket types with theirs. */
static void put_composed(char *text, size_t size, size_t *len, const char *const *names,
                         size_t count, uint64_t value, uint64_t mask)
{
    if ((value & mask) < count && names[value & mask])
        append(text, size, len, names[value & mask]);
    else
        append_number(text, size, len, "x", value & mask);
    if (value & ~mask) {
        append(text, size, len, "|");
        append_number(text, size, len, "x", value & ~mask);
    }
}

void strace_put_flags(char *text, size_t size, size_t *len, const char *type, uint64_t value)
{
    static const char *const futex_ops[] = {
        "FUTEX_WAIT",           "FUTEX_WAKE",        "FUTEX_FD",          "FUTEX_REQUEUE",
        "FUTEX_CMP_REQUEUE",    "FUTEX_WAKE_OP",     "FUTEX_LOCK_PI",     "FUTEX_UNLOCK_PI",
        "FUTEX_TRYLOCK_PI",     "FUTEX_WAIT_BITSET", "FUTEX_WAKE_BITSET", "FUTEX_WAIT_REQUEUE_PI",
        "FUTEX_CMP_REQUEUE_PI", "FUTEX_LOCK_PI2",
    };
    static const char *const socket_types[] = {
        NULL, "SOCK_STREAM", "SOCK_DGRAM", "SOCK_RAW", "SOCK_RDM", "SOCK_SEQPACKET",
    };
    const struct type *t = find_type(type);
    if (!strcmp(type, "futexop")) {
        put_composed(text, size, len, futex_ops, sizeof(futex_ops) / sizeof(futex_ops[0]), value,
                     127);
    } else if (!strcmp(type, "socktype")) {
        put_composed(text, size, len, socket_types, sizeof(socket_types) / sizeof(socket_types[0]),
                     value, 15);
    } else if (!strcmp(type, "mode") || !strcmp(type, "omode")) {
        append_number(text, size, len, "o", (uint32_t)value);
    } else if (!t) {
        append_number(text, size, len, "x", value);
    } else if (!t->flags) {
        size_t i = 0;
        while (i < t->count && t->names[i].value != (uint32_t)value)
            i++;
        if (i < t->count)
            append(text, size, len, t->names[i].name);
        else
            append_number(text, size, len, "x", (uint32_t)value);
    } else {
        const char *sep = "";
        if (strcmp(type, "cloneflags") != 0)
            value = (uint32_t)value;
        if (!strcmp(type, "oflags") && !(value & 3)) {
            append(text, size, len, "O_RDONLY");
            sep = "|";
        }
        for (size_t i = 0; i < t->count; i++) {
            if ((value & t->names[i].value) != t->names[i].value)
                continue;
            append(text, size, len, sep);
            append(text, size, len, t->names[i].name);
            value &= ~t->names[i].value;
            sep = "|";
        }
        if (value || !*sep) {
            append(text, size, len, sep);
            append_number(text, size, len, "x", value);
        }
    }
}

const char *strace_signal_name(int sig, char *buf, size_t size)
{
    if (sig >= 0 && (size_t)sig < sizeof(signal_names) / sizeof(signal_names[0]))
        return signal_names[sig];
    snprintf(buf, size, sig >= 32 && sig <= 64 ? "SIGRT_%d" : "%d",
             sig >= 32 && sig <= 64 ? sig - 32 : sig);
    return buf;
}

const char *strace_errno_name(int err)
{
    static const char unknown[] = "E?";
    size_t count = sizeof(errno_names) / sizeof(errno_names[0]);
    return err > 0 && (size_t)err < count && errno_names[err] ? errno_names[err] : unknown;
}
