/* /proc about the system: that what programs look for is there, with the form it has on Linux. */
#include <ctype.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "guest.h"

static char text[1 << 17];

static long slurp(const char *path)
{
    int fd = open(path, O_RDONLY);
    long n, len = 0;

    text[0] = '\0';
    if (fd < 0)
        return -errno;
    while ((n = read(fd, text + len, sizeof text - 1 - (size_t)len)) > 0)
        len += n;
    int error = errno;
    close(fd);
    text[len] = '\0';
    return n < 0 ? -error : len;
}

/* Files with a fixed text. */
static const struct {
    const char *path, *want;
} fixed[] = {
    {"sys/kernel/ostype", "Linux\n"},
    {"sys/kernel/cap_last_cap", "40\n"},
    {"sys/kernel/ngroups_max", "65536\n"},
    {"sys/kernel/pid_max", "32768\n"},
    {"sys/kernel/msgmax", "8192\n"},
    {"sys/kernel/msgmnb", "16384\n"},
    {"sys/kernel/msgmni", "32000\n"},
    {"sys/kernel/sem", "32000\t1024000000\t500\t32000\n"},
    {"sys/kernel/shmmax", "18446744073692774399\n"},
    {"sys/kernel/shmall", "18446744073692774399\n"},
    {"sys/kernel/shmmni", "4096\n"},
    {"sys/kernel/shm_rmid_forced", "0\n"},
    {"sys/kernel/overflowuid", "65534\n"},
    {"sys/kernel/overflowgid", "65534\n"},
    {"sys/kernel/randomize_va_space", "2\n"},
    {"sys/kernel/random/poolsize", "256\n"},
    {"sys/kernel/random/entropy_avail", "256\n"},
    {"sys/kernel/core_pipe_limit", "0\n"},
    {"sys/kernel/auto_msgmni", "0\n"},
    {"sys/kernel/yama/ptrace_scope", "0\n"},
    {"sys/fs/overflowuid", "65534\n"},
    {"sys/fs/overflowgid", "65534\n"},
    {"sys/fs/suid_dumpable", "0\n"},
    {"sys/fs/mqueue/msg_max", "10\n"},
    {"sys/fs/mqueue/msgsize_max", "8192\n"},
    {"sys/fs/mqueue/msg_default", "10\n"},
    {"sys/fs/mqueue/msgsize_default", "8192\n"},
    {"sys/vm/nr_hugepages", "0\n"},
    {"sys/vm/unprivileged_userfaultfd", "0\n"},
    {"execdomains", "0-0\tLinux           \t[kernel]\n"},
};

/* Numbers, so many in a file. */
static const struct {
    const char *path;
    int numbers;
} numbers[] = {
    {"uptime", 2},
    {"sys/fs/aio-max-nr", 1},
    {"sys/fs/dentry-state", 6},
    {"sys/fs/epoll/max_user_watches", 1},
    {"sys/fs/file-max", 1},
    {"sys/fs/file-nr", 3},
    {"sys/fs/inode-nr", 2},
    {"sys/fs/inode-state", 7},
    {"sys/fs/inotify/max_queued_events", 1},
    {"sys/fs/inotify/max_user_instances", 1},
    {"sys/fs/inotify/max_user_watches", 1},
    {"sys/fs/nr_open", 1},
    {"sys/fs/pipe-max-size", 1},
    {"sys/fs/pipe-user-pages-soft", 1},
    {"sys/fs/protected_fifos", 1},
    {"sys/fs/protected_regular", 1},
    {"sys/kernel/printk", 4},
    {"sys/kernel/sched_rr_timeslice_ms", 1},
    {"sys/kernel/threads-max", 1},
    {"sys/kernel/pty/max", 1},
    {"sys/kernel/tainted", 1},
    {"sys/kernel/perf_event_paranoid", 1},
    {"sys/net/core/somaxconn", 1},
    {"sys/net/ipv4/ip_local_port_range", 2},
    {"sys/net/ipv4/tcp_rmem", 3},
    {"sys/net/ipv4/tcp_wmem", 3},
    {"sys/net/ipv4/tcp_keepalive_time", 1},
    {"sys/net/ipv4/tcp_fin_timeout", 1},
    {"sys/net/ipv4/ip_forward", 1},
    {"sys/net/ipv6/conf/all/disable_ipv6", 1},
    {"sys/net/ipv6/bindv6only", 1},
    {"sys/net/unix/max_dgram_qlen", 1},
    {"sys/user/max_user_namespaces", 1},
    {"sys/vm/max_map_count", 1},
    {"sys/vm/min_free_kbytes", 1},
    {"sys/vm/mmap_min_addr", 1},
    {"sys/vm/overcommit_memory", 1},
    {"sys/vm/overcommit_ratio", 1},
    {"sys/vm/swappiness", 1},
};

/* Lines that a file has, by how they begin. */
static const struct {
    const char *path, *want;
} lines[] = {
    {"cpuinfo", "\nFeatures\t: "},
    {"cpuinfo", "\nCPU implementer\t: 0x"},
    {"cpuinfo", "\nCPU architecture: 8\n"},
    {"meminfo", "\nMemAvailable:"},
    {"meminfo", "\nCached:"},
    {"stat", "\ncpu0 "},
    {"stat", "\nbtime "},
    {"stat", "\nprocs_running "},
    {"vmstat", "\npgfault "},
    {"swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"},
    {"filesystems", "nodev\tproc\n"},
    {"filesystems", "nodev\ttmpfs\n"},
    {"devices", "Character devices:\n"},
    {"devices", "\n136 pts\n"},
    {"devices", "Block devices:\n"},
    {"version", "Linux version 6.12."},
    {"mounts", " /proc proc "},
    {"tty/drivers", "\npty_slave            /dev/pts      136 0-1048575 pty:slave\n"},
    {"sysvipc/shm", "       key      shmid perms "},
    {"sysvipc/sem", "       key      semid perms "},
    {"sysvipc/msg", "       key      msqid perms "},
    {"net/dev", "    lo:"},
    {"net/tcp", "  sl  local_address rem_address   st tx_queue"},
    {"net/tcp6", "  sl  local_address "},
    {"net/udp", "   sl  local_address rem_address   st tx_queue"},
    {"net/unix", "Num       RefCount Protocol Flags    Type St Inode Path\n"},
    {"net/route", "Iface\tDestination\tGateway "},
    {"net/snmp", "\nTcp: "},
    {"net/netstat", "TcpExt: "},
    {"net/sockstat", "\nTCP: inuse "},
    {"net/arp", "IP address       HW type     Flags "},
    {"net/protocols", "protocol  size sockets  memory press maxhdr  slab module"},
    {"self/mountinfo", " - proc proc "},
    {"self/mountstats", " mounted on /proc with fstype proc\n"},
    {"self/limits",
     "Limit                     Soft Limit           Hard Limit           Units     \n"},
    {"self/limits", "\nMax open files "},
    {"self/cgroup", "0::/"},
    {"self/sched", "se.sum_exec_runtime "},
    {"self/io", "\nread_bytes: "},
    {"self/smaps", "\nTHPeligible:    "},
    {"self/smaps", "\nVmFlags: rd "},
    {"self/smaps_rollup", "[rollup]\nRss: "},
    {"self/smaps_rollup", "\nPss_Anon: "},
    {"self/smaps_rollup", "\nSwapPss: "},
    {"self/maps", "[vdso]\n"},
    {"self/maps", "[stack]\n"},
    {"self/personality", "00000000\n"},
    {"self/setgroups", "allow\n"},
    {"self/uid_map", "         0          0 4294967295\n"},
    {"self/status", "\nNSpid:\t"},
    {"self/status", "\nVmPTE:\t"},
    {"self/status", "\nuntag_mask:\t0xffffffffffffff\n"},
    {"self/status", "\nSpeculation_Store_Bypass:\t"},
    {"self/status", "\nSpeculationIndirectBranch:\t"},
    {"self/status", "\nCpus_allowed_list:\t"},
    {"self/status", "\nnonvoluntary_ctxt_switches:\t"},
};

static const struct {
    const char *path;
    mode_t mode;
} modes[] = {
    {"", S_IFDIR | 0555},
    {"cpuinfo", S_IFREG | 0444},
    {"loadavg", S_IFREG | 0444},
    {"mounts", S_IFLNK | 0777},
    {"net", S_IFLNK | 0777},
    {"sys", S_IFDIR | 0555},
    {"sys/kernel/hostname", S_IFREG | 0644},
    {"sys/kernel/osrelease", S_IFREG | 0444},
    {"sys/kernel/random/uuid", S_IFREG | 0444},
    {"sys/fs/nr_open", S_IFREG | 0644},
    {"sysvipc/shm", S_IFREG | 0444},
    {"self", S_IFLNK | 0777},
    {"thread-self", S_IFLNK | 0777},
    {"self/", S_IFDIR | 0555},
    {"self/attr", S_IFDIR | 0555},
    {"self/auxv", S_IFREG | 0400},
    {"self/cmdline", S_IFREG | 0444},
    {"self/comm", S_IFREG | 0644},
    {"self/coredump_filter", S_IFREG | 0644},
    {"self/cwd", S_IFLNK | 0777},
    {"self/environ", S_IFREG | 0400},
    {"self/fd", S_IFDIR | 0500},
    {"self/fdinfo", S_IFDIR | 0555},
    {"self/io", S_IFREG | 0400},
    {"self/limits", S_IFREG | 0444},
    {"self/loginuid", S_IFREG | 0644},
    {"self/maps", S_IFREG | 0444},
    {"self/mountinfo", S_IFREG | 0444},
    {"self/mountstats", S_IFREG | 0400},
    {"self/net", S_IFDIR | 0555},
    {"self/ns", S_IFDIR | 0511},
    {"self/ns/pid", S_IFLNK | 0777},
    {"self/oom_adj", S_IFREG | 0644},
    {"self/oom_score", S_IFREG | 0444},
    {"self/oom_score_adj", S_IFREG | 0644},
    {"self/personality", S_IFREG | 0400},
    {"self/sched", S_IFREG | 0644},
    {"self/schedstat", S_IFREG | 0444},
    {"self/sessionid", S_IFREG | 0444},
    {"self/smaps_rollup", S_IFREG | 0444},
    {"self/stack", S_IFREG | 0400},
    {"self/statm", S_IFREG | 0444},
    {"self/task", S_IFDIR | 0555},
    {"self/timerslack_ns", S_IFREG | 0666},
    {"self/uid_map", S_IFREG | 0644},
    {"self/wchan", S_IFREG | 0444},
    {"thread-self/children", S_IFREG | 0444},
};

static const char *full(const char *path)
{
    static char buf[128];

    snprintf(buf, sizeof buf, "/proc/%s", path);
    return buf;
}

static int count_numbers(const char *s)
{
    int n = 0;

    while (*s) {
        char *end;
        strtod(s, &end);
        if (end == s)
            return isspace((unsigned char)*s) && s[strspn(s, " \t\n")] == '\0' ? n : -1;
        n++;
        s = end;
    }
    return n;
}

static void tables(void)
{
    struct stat st;

    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        long n = slurp(full(fixed[i].path));
        if (n < 0 || strcmp(text, fixed[i].want) != 0)
            FAIL("%s says \"%s\" (%ld), want \"%s\"", fixed[i].path, text, n, fixed[i].want);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        long n = slurp(full(numbers[i].path));
        if (count_numbers(text) != numbers[i].numbers)
            FAIL("%s says \"%s\" (%ld), want %d numbers", numbers[i].path, text, n,
                 numbers[i].numbers);
    }
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        long n = slurp(full(lines[i].path));
        if (n < 0 || strstr(text, lines[i].want) == NULL)
            FAIL("%s (%ld) has no \"%s\"", lines[i].path, n, lines[i].want);
    }
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (lstat(full(modes[i].path), &st) != 0)
            FAIL("%s: errno %d", modes[i].path, errno);
        else if (st.st_mode != modes[i].mode)
            FAIL("%s has mode %o, want %o", modes[i].path, st.st_mode, modes[i].mode);
    }
}

static void namespaces(void)
{
    static const char *const kinds[] = {"cgroup", "ipc",  "mnt",  "net",
                                        "pid",    "time", "user", "uts"};
    char path[64], link[64], want[64];
    long n;
    unsigned long number;

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        snprintf(path, sizeof path, "self/ns/%s", kinds[i]);
        n = readlink(full(path), link, sizeof link - 1);
        link[n > 0 ? n : 0] = '\0';
        snprintf(want, sizeof want, "%s:[%%lu]", kinds[i]);
        if (sscanf(link, want, &number) != 1 || number < 4026531834)
            FAIL("%s is \"%s\"", path, link);
        struct stat st;
        EQ(stat(full(path), &st), 0);
        EQ(st.st_mode, S_IFREG | 0444);
        EQ(st.st_ino, number);
    }
    n = readlink("/proc/self/ns/pid_for_children", link, sizeof link - 1);
    CHECK(n > 5 && strncmp(link, "pid:[", 5) == 0);
}

/* A file that stays open says what is now, each time it is read from the start. */
static void read_again(void)
{
    char a[64] = "", b[64] = "";
    int fd = open("/proc/uptime", O_RDONLY);

    CHECK(read(fd, a, sizeof a - 1) > 0);
    usleep(50000);
    EQ(lseek(fd, 0, SEEK_SET), 0);
    CHECK(read(fd, b, sizeof b - 1) > 0);
    CHECK(strcmp(a, b) != 0);
    usleep(50000);
    CHECK(pread(fd, a, sizeof a - 1, 0) > 0);
    CHECK(strcmp(a, b) != 0);
    EQ(read(fd, a, sizeof a), 0);
    close(fd);
}

int main(void)
{
    int running, total, last;

    tables();
    namespaces();
    read_again();
    CHECK(slurp("/proc/loadavg") > 0 &&
          sscanf(text, "%*f %*f %*f %d/%d %d", &running, &total, &last) == 3);
    CHECK(running >= 1 && total >= running && last >= getpid() && last < 32768);
    return done();
}
