/* proc_system.c - /proc: files about the system. Numbers of the machine are the host's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elf/auxv.h"
#include "host/file.h"
#include "host/io.h"
#include "host/random.h"
#include "linux/fs/procfs.h"
#include "linux/ipc/ipc.h"
#include "linux/process/info.h"
#include "linux/process/pid.h"

#define REG (LINUX_S_IFREG | 0444)
#define DIR (LINUX_S_IFDIR | 0555)
#define LNK (LINUX_S_IFLNK | 0777)

void proc_host_file(struct synth_text *t, const char *path)
{
    (void)synth_append_file(t, path);
}

/* Names of AT_HWCAP and AT_HWCAP2 bits: hwcap_str[] of arch/arm64/kernel/cpuinfo.c. */
static const char *const hwcap_names[] = {
    "fp",      "asimd", "evtstrm", "aes",   "pmull",    "sha1",   "sha2", "crc32",
    "atomics", "fphp",  "asimdhp", "cpuid", "asimdrdm", "jscvt",  "fcma", "lrcpc",
    "dcpop",   "sha3",  "sm3",     "sm4",   "asimddp",  "sha512", "sve",  "asimdfhm",
    "dit",     "uscat", "ilrcpc",  "flagm", "ssbs",     "sb",     "paca", "pacg",
};
static const char *const hwcap2_names[] = {
    "dcpodp", "sve2", "sveaes", "svepmull", "svebitperm", "svesha3", "svesm4", "flagm2", "frint",
};

static void names_of(struct synth_text *t, uint64_t bits, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bits >> i & 1)
            synth_printf(t, " %s", names[i]);
}

static unsigned count_cpus(void)
{
    struct synth_text t = {0};
    unsigned n = 0;

    proc_host_file(&t, "/proc/stat");
    synth_append(&t, "", 1);
    for (const char *s = t.data; s && (s = strstr(s, "\ncpu")) != NULL; s++)
        n++;
    free(t.data);
    return n ? n : 1;
}

static void cpuinfo(struct fs_context *fs, struct task *task, struct synth_text *t)
{
    unsigned cpus = count_cpus();

    (void)fs;
    (void)task;
    for (unsigned i = 0; i < cpus; i++) {
        synth_printf(t, "processor\t: %u\nBogoMIPS\t: 2000.00\nFeatures\t:", i);
        names_of(t, ELFUSE_HWCAP, hwcap_names, sizeof hwcap_names / sizeof hwcap_names[0]);
        names_of(t, ELFUSE_HWCAP2, hwcap2_names, sizeof hwcap2_names / sizeof hwcap2_names[0]);
        /* The fields of MIDR_EL1: implementer 0 (reserved for software use), architecture, part. */
        synth_printf(t, "\nCPU implementer\t: 0x00\nCPU architecture: 8\nCPU variant\t: 0x0\n"
                        "CPU part\t: 0x0e1\nCPU revision\t: 0\n\n");
    }
}

static void version(struct fs_context *fs, struct task *task, struct synth_text *t)
{
    (void)fs;
    (void)task;
    synth_printf(t, "Linux version %s (elfuse) %s\n", LINUX_UTS_RELEASE, LINUX_UTS_VERSION);
}

static void hostname(struct fs_context *fs, struct task *task, struct synth_text *t)
{
    (void)fs;
    synth_printf(t, "%s\n", task ? task->proc->hostname : "(none)");
}

static void domainname(struct fs_context *fs, struct task *task, struct synth_text *t)
{
    (void)fs;
    synth_printf(t, "%s\n", task && task->proc->domainname[0] ? task->proc->domainname : "(none)");
}

static void uuid(struct fs_context *fs, struct task *task, struct synth_text *t)
{
    uint8_t b[16] = {0};

    (void)fs;
    (void)task;
    (void)host_random(b, sizeof b);
    b[6] = (b[6] & 0x0f) | 0x40; /* RFC 4122: version 4, variant 1 */
    b[8] = (b[8] & 0x3f) | 0x80;
    for (int i = 0; i < 16; i++)
        synth_printf(t, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
    synth_printf(t, "\n");
}

static void nr_open(struct fs_context *fs, struct task *task, struct synth_text *t)
{
    (void)fs;
    (void)task;
    synth_printf(t, "%d\n", host_fd_most());
}

/* The load is the machine's; the number last given is the run's. */
static void loadavg(struct fs_context *fs, struct task *task, struct synth_text *t)
{
    struct synth_text host = {0};

    (void)fs;
    proc_host_file(&host, "/proc/loadavg");
    synth_append(&host, "", 1);
    char *last = host.data ? strrchr(host.data, ' ') : NULL;
    if (last && task)
        synth_printf(t, "%.*s %d\n", (int)(last - host.data), host.data,
                     pid_last(task->proc->pids));
    free(host.data);
}

/* The host's locks that processes of the run hold or wait for. */
static void locks(struct fs_context *fs, struct task *task, struct synth_text *t)
{
    struct synth_text host = {0};
    struct linux_statx life = {0};
    char ours[32];
    int pid;

    (void)fs;
    if (task)
        (void)host_statx_fd(pid_life(task->proc->pids), &life);
    snprintf(ours, sizeof ours, ":%llu ", (unsigned long long)life.stx_ino);
    proc_host_file(&host, "/proc/locks");
    synth_append(&host, "", 1);
    for (char *line = host.data; task && line && *line;) {
        size_t len = strcspn(line, "\n");
        len += line[len] == '\n';
        const char *body = strchr(line, ':'), *life_lock = strstr(line, ours);
        if (body && !(life_lock && life_lock < line + len) &&
            (sscanf(body, ": %*s %*s %*s %d", &pid) == 1 ||
             sscanf(body, ": -> %*s %*s %*s %d", &pid) == 1) &&
            pid_from_host(task->proc, pid))
            proc_fd_translate(task->proc, line, len, t);
        line += len;
    }
    free(host.data);
}

static void add_line(void *text, const char *line)
{
    synth_append(text, line, strlen(line));
}

#define IPC_FILE(fn, list)                                                                         \
    static void fn(struct fs_context *fs, struct task *task, struct synth_text *t)                 \
    {                                                                                              \
        (void)fs;                                                                                  \
        if (task)                                                                                  \
            list(task->proc, add_line, t);                                                         \
    }

IPC_FILE(sysvipc_msg, ipc_list_msg)
IPC_FILE(sysvipc_sem, ipc_list_sem)
IPC_FILE(sysvipc_shm, ipc_list_shm)

#define DEVICES                                                                                    \
    "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n128 ptm\n"        \
    "136 pts\n\nBlock devices:\n"
#define FILESYSTEMS                                                                                \
    "nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tdevtmpfs\nnodev\tsockfs\nnodev\tpipefs\n"     \
    "nodev\tdevpts\nnodev\toverlay\n\text4\n"
/* drivers/tty: how ps finds the name of a terminal from its number. */
#define TTY_DRIVERS                                                                                \
    "/dev/tty             /dev/tty        5       0 system:/dev/tty\n"                             \
    "/dev/console         /dev/console    5       1 system:console\n"                              \
    "/dev/ptmx            /dev/ptmx       5       2 system\n"                                      \
    "pty_slave            /dev/pts      136 0-1048575 pty:slave\n"                                 \
    "pty_master           /dev/ptm      128 0-1048575 pty:master\n"

/* Rows: a directory, a file that is the host's, a fixed one, one that is made. */
#define D(path)                                                                                    \
    {                                                                                              \
        path, DIR, NULL, 0, NULL, false                                                            \
    }
#define H(path)                                                                                    \
    {                                                                                              \
        path, REG, "/proc/" path, 0, NULL, true                                                    \
    }
#define T(path, text)                                                                              \
    {                                                                                              \
        path, REG, text, 0, NULL, false                                                            \
    }
#define F(path, fn)                                                                                \
    {                                                                                              \
        path, REG, NULL, 0, fn, false                                                              \
    }
#define L(path, to)                                                                                \
    {                                                                                              \
        path, LNK, to, 0, NULL, false                                                              \
    }
/* Settings: as Linux shows them, though none can be changed. */
#define SYS (LINUX_S_IFREG | 0644)
#define SH(path)                                                                                   \
    {                                                                                              \
        "sys/" path, SYS, "/proc/sys/" path, 0, NULL, true                                         \
    }
#define ST(path, text)                                                                             \
    {                                                                                              \
        "sys/" path, SYS, text "\n", 0, NULL, false                                                \
    }
#define SR(path, text)                                                                             \
    {                                                                                              \
        "sys/" path, REG, text "\n", 0, NULL, false                                                \
    }
#define SF(path, fn)                                                                               \
    {                                                                                              \
        "sys/" path, SYS, NULL, 0, fn, false                                                       \
    }

const struct synth_entry proc_system_entries[] = {
    D(""),
    T("cgroups", "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"),
    T("cmdline", "elfuse\n"),
    T("consoles", ""),
    F("cpuinfo", cpuinfo),
    T("crypto", ""),
    T("devices", DEVICES),
    T("diskstats", ""),
    T("execdomains", "0-0\tLinux           \t[kernel]\n"),
    T("filesystems", FILESYSTEMS),
    F("loadavg", loadavg),
    F("locks", locks),
    H("meminfo"),
    T("misc", ""),
    T("modules", ""),
    L("mounts", "self/mounts"),
    L("net", "self/net"),
    T("partitions", "major minor  #blocks  name\n\n"),
    D("pressure"),
    H("pressure/cpu"),
    H("pressure/io"),
    H("pressure/memory"),
    H("schedstat"),
    H("stat"),
    /* None that the guest could know by its name. */
    T("swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"),
    D("sys"),
    D("sys/fs"),
    SH("fs/aio-max-nr"),
    SH("fs/aio-nr"),
    SH("fs/dentry-state"),
    SH("fs/dir-notify-enable"),
    D("sys/fs/epoll"),
    SH("fs/epoll/max_user_watches"),
    SH("fs/file-max"),
    SH("fs/file-nr"),
    SH("fs/inode-nr"),
    SH("fs/inode-state"),
    D("sys/fs/inotify"),
    SH("fs/inotify/max_queued_events"),
    SH("fs/inotify/max_user_instances"),
    SH("fs/inotify/max_user_watches"),
    SH("fs/lease-break-time"),
    SH("fs/leases-enable"),
    SH("fs/mount-max"),
    D("sys/fs/mqueue"),
    ST("fs/mqueue/msg_default", "10"),
    ST("fs/mqueue/msg_max", "10"),
    ST("fs/mqueue/msgsize_default", "8192"),
    ST("fs/mqueue/msgsize_max", "8192"),
    ST("fs/mqueue/queues_max", "32"),
    SF("fs/nr_open", nr_open),
    ST("fs/overflowgid", "65534"),
    ST("fs/overflowuid", "65534"),
    SH("fs/pipe-max-size"),
    SH("fs/pipe-user-pages-hard"),
    SH("fs/pipe-user-pages-soft"),
    ST("fs/protected_fifos", "1"),
    ST("fs/protected_hardlinks", "1"),
    ST("fs/protected_regular", "2"),
    ST("fs/protected_symlinks", "1"),
    ST("fs/suid_dumpable", "0"),
    D("sys/kernel"),
    ST("kernel/auto_msgmni", "0"),
    SR("kernel/cap_last_cap", "40"),
    ST("kernel/core_pattern", "core"),
    ST("kernel/core_pipe_limit", "0"),
    ST("kernel/core_uses_pid", "0"),
    ST("kernel/dmesg_restrict", "1"),
    SF("kernel/domainname", domainname),
    SF("kernel/hostname", hostname),
    ST("kernel/io_uring_disabled", "2"),
    D("sys/kernel/keys"),
    ST("kernel/kptr_restrict", "2"),
    ST("kernel/modules_disabled", "1"),
    ST("kernel/msgmax", "8192"),
    ST("kernel/msgmnb", "16384"),
    ST("kernel/msgmni", "32000"),
    SR("kernel/ngroups_max", "65536"),
    ST("kernel/numa_balancing", "0"),
    SR("kernel/osrelease", LINUX_UTS_RELEASE),
    SR("kernel/ostype", "Linux"),
    ST("kernel/overflowgid", "65534"),
    ST("kernel/overflowuid", "65534"),
    ST("kernel/panic", "0"),
    ST("kernel/perf_event_paranoid", "3"),
    ST("kernel/pid_max", "32768"),
    ST("kernel/printk", "4\t4\t1\t7"),
    D("sys/kernel/pty"),
    SH("kernel/pty/max"),
    SH("kernel/pty/nr"),
    SH("kernel/pty/reserve"),
    D("sys/kernel/random"),
    H("sys/kernel/random/boot_id"),
    SR("kernel/random/entropy_avail", "256"),
    SR("kernel/random/poolsize", "256"),
    ST("kernel/random/urandom_min_reseed_secs", "60"),
    F("sys/kernel/random/uuid", uuid),
    ST("kernel/random/write_wakeup_threshold", "256"),
    ST("kernel/randomize_va_space", "2"),
    ST("kernel/sched_autogroup_enabled", "0"),
    SH("kernel/sched_rr_timeslice_ms"),
    SH("kernel/sched_rt_period_us"),
    SH("kernel/sched_rt_runtime_us"),
    ST("kernel/sem", "32000\t1024000000\t500\t32000"),
    ST("kernel/shm_rmid_forced", "0"),
    ST("kernel/shmall", "18446744073692774399"),
    ST("kernel/shmmax", "18446744073692774399"),
    ST("kernel/shmmni", "4096"),
    ST("kernel/sysrq", "0"),
    ST("kernel/tainted", "0"),
    ST("kernel/threads-max", "32768"),
    ST("kernel/unprivileged_bpf_disabled", "2"),
    SR("kernel/version", LINUX_UTS_VERSION),
    D("sys/kernel/yama"),
    ST("kernel/yama/ptrace_scope", "0"),
    D("sys/net"),
    D("sys/net/core"),
    SH("net/core/bpf_jit_enable"),
    SH("net/core/default_qdisc"),
    SH("net/core/netdev_max_backlog"),
    SH("net/core/optmem_max"),
    SH("net/core/rmem_default"),
    SH("net/core/rmem_max"),
    SH("net/core/somaxconn"),
    SH("net/core/wmem_default"),
    SH("net/core/wmem_max"),
    D("sys/net/ipv4"),
    D("sys/net/ipv4/conf"),
    D("sys/net/ipv4/conf/all"),
    SH("net/ipv4/conf/all/accept_redirects"),
    SH("net/ipv4/conf/all/forwarding"),
    SH("net/ipv4/conf/all/rp_filter"),
    D("sys/net/ipv4/conf/default"),
    SH("net/ipv4/conf/default/accept_redirects"),
    SH("net/ipv4/conf/default/forwarding"),
    SH("net/ipv4/conf/default/rp_filter"),
    SH("net/ipv4/icmp_echo_ignore_all"),
    SH("net/ipv4/ip_default_ttl"),
    SH("net/ipv4/ip_forward"),
    SH("net/ipv4/ip_local_port_range"),
    SH("net/ipv4/ip_local_reserved_ports"),
    SH("net/ipv4/ip_nonlocal_bind"),
    SH("net/ipv4/ip_unprivileged_port_start"),
    SH("net/ipv4/ping_group_range"),
    SH("net/ipv4/tcp_abort_on_overflow"),
    SH("net/ipv4/tcp_available_congestion_control"),
    SH("net/ipv4/tcp_congestion_control"),
    SH("net/ipv4/tcp_fastopen"),
    SH("net/ipv4/tcp_fin_timeout"),
    SH("net/ipv4/tcp_keepalive_intvl"),
    SH("net/ipv4/tcp_keepalive_probes"),
    SH("net/ipv4/tcp_keepalive_time"),
    SH("net/ipv4/tcp_max_orphans"),
    SH("net/ipv4/tcp_max_syn_backlog"),
    SH("net/ipv4/tcp_max_tw_buckets"),
    SH("net/ipv4/tcp_mem"),
    SH("net/ipv4/tcp_mtu_probing"),
    SH("net/ipv4/tcp_no_metrics_save"),
    SH("net/ipv4/tcp_retries1"),
    SH("net/ipv4/tcp_retries2"),
    SH("net/ipv4/tcp_rmem"),
    SH("net/ipv4/tcp_sack"),
    SH("net/ipv4/tcp_slow_start_after_idle"),
    SH("net/ipv4/tcp_syn_retries"),
    SH("net/ipv4/tcp_synack_retries"),
    SH("net/ipv4/tcp_syncookies"),
    SH("net/ipv4/tcp_timestamps"),
    SH("net/ipv4/tcp_tw_reuse"),
    SH("net/ipv4/tcp_window_scaling"),
    SH("net/ipv4/tcp_wmem"),
    SH("net/ipv4/udp_mem"),
    SH("net/ipv4/udp_rmem_min"),
    SH("net/ipv4/udp_wmem_min"),
    D("sys/net/ipv6"),
    SH("net/ipv6/bindv6only"),
    D("sys/net/ipv6/conf"),
    D("sys/net/ipv6/conf/all"),
    SH("net/ipv6/conf/all/disable_ipv6"),
    SH("net/ipv6/conf/all/forwarding"),
    D("sys/net/ipv6/conf/default"),
    SH("net/ipv6/conf/default/disable_ipv6"),
    SH("net/ipv6/conf/default/forwarding"),
    D("sys/net/unix"),
    SH("net/unix/max_dgram_qlen"),
    D("sys/user"),
    ST("user/max_user_namespaces", "0"),
    D("sys/vm"),
    SH("vm/admin_reserve_kbytes"),
    SH("vm/compact_unevictable_allowed"),
    SH("vm/dirty_background_bytes"),
    SH("vm/dirty_background_ratio"),
    SH("vm/dirty_bytes"),
    SH("vm/dirty_expire_centisecs"),
    SH("vm/dirty_ratio"),
    SH("vm/dirty_writeback_centisecs"),
    SH("vm/max_map_count"),
    SH("vm/min_free_kbytes"),
    ST("vm/mmap_min_addr", "65536"),
    ST("vm/nr_hugepages", "0"),
    SH("vm/overcommit_kbytes"),
    SH("vm/overcommit_memory"),
    SH("vm/overcommit_ratio"),
    SH("vm/page-cluster"),
    SH("vm/stat_interval"),
    SH("vm/swappiness"),
    ST("vm/unprivileged_userfaultfd", "0"),
    SH("vm/user_reserve_kbytes"),
    SH("vm/vfs_cache_pressure"),
    D("sysvipc"),
    F("sysvipc/msg", sysvipc_msg),
    F("sysvipc/sem", sysvipc_sem),
    F("sysvipc/shm", sysvipc_shm),
    D("tty"),
    T("tty/drivers", TTY_DRIVERS),
    H("uptime"),
    F("version", version),
    H("vmstat"),
    {NULL, 0, NULL, 0, NULL, false},
};
