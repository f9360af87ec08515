/* proc_system.c - /proc: files about the system. Numbers of the machine are the host's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elf/auxv.h"
#include "host/io.h"
#include "host/random.h"
#include "linux/fs/procfs.h"
#include "linux/process/info.h"

#define REG (LINUX_S_IFREG | 0444)
#define DIR (LINUX_S_IFDIR | 0555)
#define LNK (LINUX_S_IFLNK | 0777)

void proc_host_file(struct synth_text *t, const char *path)
{
    char buf[16384];
    int fd = host_open_path(path, LINUX_O_RDONLY | LINUX_O_CLOEXEC, 0);
    int64_t n, at = 0;

    if (fd < 0)
        return;
    while ((n = host_pread(fd, buf, sizeof buf, at)) > 0) {
        synth_append(t, buf, (size_t)n);
        at += n;
    }
    host_fd_close(fd);
}

#define HOST_FILE(fn, path)                                                                        \
    static void fn(struct fs_context *fs, struct task *task, struct synth_text *t)                 \
    {                                                                                              \
        (void)fs;                                                                                  \
        (void)task;                                                                                \
        proc_host_file(t, path);                                                                   \
    }

HOST_FILE(meminfo, "/proc/meminfo")
HOST_FILE(system_stat, "/proc/stat")
HOST_FILE(uptime, "/proc/uptime")
HOST_FILE(loadavg, "/proc/loadavg")
HOST_FILE(vmstat, "/proc/vmstat")
HOST_FILE(swaps, "/proc/swaps")
HOST_FILE(boot_id, "/proc/sys/kernel/random/boot_id")
HOST_FILE(file_max, "/proc/sys/fs/file-max")
HOST_FILE(nr_open, "/proc/sys/fs/nr_open")
HOST_FILE(pipe_max, "/proc/sys/fs/pipe-max-size")
HOST_FILE(inotify_watches, "/proc/sys/fs/inotify/max_user_watches")
HOST_FILE(inotify_instances, "/proc/sys/fs/inotify/max_user_instances")
HOST_FILE(inotify_events, "/proc/sys/fs/inotify/max_queued_events")
HOST_FILE(somaxconn, "/proc/sys/net/core/somaxconn")
HOST_FILE(port_range, "/proc/sys/net/ipv4/ip_local_port_range")
HOST_FILE(ipv6_disable, "/proc/sys/net/ipv6/conf/all/disable_ipv6")
HOST_FILE(tcp_rmem, "/proc/sys/net/ipv4/tcp_rmem")
HOST_FILE(tcp_wmem, "/proc/sys/net/ipv4/tcp_wmem")
HOST_FILE(overcommit, "/proc/sys/vm/overcommit_memory")
HOST_FILE(max_map_count, "/proc/sys/vm/max_map_count")

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

const struct synth_entry proc_system_entries[] = {
    {"", DIR, NULL, 0, NULL},
    {"cmdline", REG, "elfuse\n", 0, NULL},
    {"cpuinfo", REG, NULL, 0, cpuinfo},
    {"devices", REG, "Character devices:\n  1 mem\n  5 /dev/tty\n136 pts\n\nBlock devices:\n", 0,
     NULL},
    {"diskstats", REG, "", 0, NULL},
    {"filesystems", REG,
     "nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tdevpts\nnodev\toverlay\n\text4\n", 0, NULL},
    {"loadavg", REG, NULL, 0, loadavg},
    {"meminfo", REG, NULL, 0, meminfo},
    {"modules", REG, "", 0, NULL},
    {"mounts", LNK, "self/mounts", 0, NULL},
    {"net", LNK, "self/net", 0, NULL},
    {"partitions", REG, "major minor  #blocks  name\n\n", 0, NULL},
    {"stat", REG, NULL, 0, system_stat},
    {"swaps", REG, NULL, 0, swaps},
    {"sys", DIR, NULL, 0, NULL},
    {"sys/fs", DIR, NULL, 0, NULL},
    {"sys/fs/file-max", REG, NULL, 0, file_max},
    {"sys/fs/nr_open", REG, NULL, 0, nr_open},
    {"sys/fs/pipe-max-size", REG, NULL, 0, pipe_max},
    {"sys/fs/protected_hardlinks", REG, "1\n", 0, NULL},
    {"sys/fs/protected_symlinks", REG, "1\n", 0, NULL},
    {"sys/fs/inotify", DIR, NULL, 0, NULL},
    {"sys/fs/inotify/max_queued_events", REG, NULL, 0, inotify_events},
    {"sys/fs/inotify/max_user_instances", REG, NULL, 0, inotify_instances},
    {"sys/fs/inotify/max_user_watches", REG, NULL, 0, inotify_watches},
    {"sys/kernel", DIR, NULL, 0, NULL},
    {"sys/kernel/cap_last_cap", REG, "40\n", 0, NULL},
    {"sys/kernel/core_pattern", REG, "core\n", 0, NULL},
    {"sys/kernel/domainname", REG, NULL, 0, domainname},
    {"sys/kernel/hostname", REG, NULL, 0, hostname},
    {"sys/kernel/keys", DIR, NULL, 0, NULL},
    {"sys/kernel/msgmax", REG, "8192\n", 0, NULL},
    {"sys/kernel/ngroups_max", REG, "65536\n", 0, NULL},
    {"sys/kernel/osrelease", REG, LINUX_UTS_RELEASE "\n", 0, NULL},
    {"sys/kernel/ostype", REG, "Linux\n", 0, NULL},
    {"sys/kernel/overflowgid", REG, "65534\n", 0, NULL},
    {"sys/kernel/overflowuid", REG, "65534\n", 0, NULL},
    {"sys/kernel/pid_max", REG, "4194304\n", 0, NULL},
    {"sys/kernel/random", DIR, NULL, 0, NULL},
    {"sys/kernel/random/boot_id", REG, NULL, 0, boot_id},
    {"sys/kernel/random/entropy_avail", REG, "256\n", 0, NULL},
    {"sys/kernel/random/poolsize", REG, "256\n", 0, NULL},
    {"sys/kernel/random/uuid", REG, NULL, 0, uuid},
    {"sys/kernel/randomize_va_space", REG, "2\n", 0, NULL},
    {"sys/kernel/sched_autogroup_enabled", REG, "0\n", 0, NULL},
    {"sys/kernel/shmall", REG, "18446744073692774399\n", 0, NULL},
    {"sys/kernel/shmmax", REG, "18446744073692774399\n", 0, NULL},
    {"sys/kernel/shmmni", REG, "4096\n", 0, NULL},
    {"sys/kernel/threads-max", REG, "32768\n", 0, NULL},
    {"sys/kernel/version", REG, LINUX_UTS_VERSION "\n", 0, NULL},
    {"sys/net", DIR, NULL, 0, NULL},
    {"sys/net/core", DIR, NULL, 0, NULL},
    {"sys/net/core/somaxconn", REG, NULL, 0, somaxconn},
    {"sys/net/ipv4", DIR, NULL, 0, NULL},
    {"sys/net/ipv4/ip_local_port_range", REG, NULL, 0, port_range},
    {"sys/net/ipv4/tcp_rmem", REG, NULL, 0, tcp_rmem},
    {"sys/net/ipv4/tcp_wmem", REG, NULL, 0, tcp_wmem},
    {"sys/net/ipv6", DIR, NULL, 0, NULL},
    {"sys/net/ipv6/conf", DIR, NULL, 0, NULL},
    {"sys/net/ipv6/conf/all", DIR, NULL, 0, NULL},
    {"sys/net/ipv6/conf/all/disable_ipv6", REG, NULL, 0, ipv6_disable},
    {"sys/vm", DIR, NULL, 0, NULL},
    {"sys/vm/max_map_count", REG, NULL, 0, max_map_count},
    {"sys/vm/mmap_min_addr", REG, "65536\n", 0, NULL},
    {"sys/vm/overcommit_memory", REG, NULL, 0, overcommit},
    {"uptime", REG, NULL, 0, uptime},
    {"version", REG, NULL, 0, version},
    {"vmstat", REG, NULL, 0, vmstat},
    {NULL, 0, NULL, 0, NULL},
};
