/* guest-test: */
/*
 * Root in the guest has no power over the host, also when root runs elfuse: its clocks, scheduling,
 * processes, devices, terminals, network set-up and kernel.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>

#include "guest.h"

/* Refused, in one of the ways in which Linux refuses. */
#define DENIED(call)                                                                               \
    do {                                                                                           \
        errno = 0;                                                                                 \
        long got_ = (long)(call);                                                                  \
        if (got_ >= 0 ||                                                                           \
            (errno != EPERM && errno != EACCES && errno != ENOSYS && errno != ESRCH &&             \
             errno != ENOENT && errno != ENOTTY && errno != ENXIO && errno != ENODEV &&            \
             errno != ENOPROTOOPT && errno != EAFNOSUPPORT && errno != EPROTONOSUPPORT &&          \
             errno != EINVAL && errno != EOPNOTSUPP && errno != ENOTDIR))                          \
            FAIL("%s is %ld, errno %d: not refused", #call, got_, errno);                          \
    } while (0)

static void clocks(void)
{
    struct timespec now;
    OK(clock_gettime(CLOCK_REALTIME, &now));
    ERR(clock_settime(CLOCK_REALTIME, &now), EPERM);
    struct timeval tv = {now.tv_sec, 0};
    ERR(syscall(SYS_settimeofday, &tv, NULL), EPERM);
    struct timex tx = {.modes = ADJ_STATUS, .status = 0};
    ERR(adjtimex(&tx), EPERM);
    tx.modes = ADJ_FREQUENCY;
    ERR(syscall(SYS_clock_adjtime, CLOCK_REALTIME, &tx), EPERM);
    tx.modes = 0;
    CHECK(adjtimex(&tx) >= 0); /* looking is free */
}

static void scheduling(void)
{
    struct rlimit rt;
    OK(getrlimit(RLIMIT_RTPRIO, &rt));
    if (rt.rlim_cur == 0) {
        struct sched_param param = {1};
        ERR(sched_setscheduler(0, SCHED_FIFO, &param), EPERM);
        ERR(sched_setscheduler(0, SCHED_RR, &param), EPERM);
    }
    struct {
        unsigned size, policy;
        unsigned long flags;
        int nice;
        unsigned priority;
        unsigned long runtime, deadline, period;
    } deadline = {48, 6, 0, 0, 0, 10000000, 20000000, 30000000};
    DENIED(syscall(SYS_sched_setattr, 0, &deadline, 0));
}

static void processes(void)
{
    for (int pid = 2; pid < 400; pid++)
        if (kill(pid, 0) == 0 || errno != ESRCH)
            FAIL("kill(%d, 0): errno %d", pid, errno);
    ERR(kill(-1, SIGTERM), ESRCH);
    ERR(kill(-2, SIGTERM), ESRCH);
    ERR(syscall(SYS_tgkill, 2, 2, SIGTERM), ESRCH);
    DENIED(syscall(SYS_ptrace, 16 /* PTRACE_ATTACH */, 2, 0, 0));
    DENIED(syscall(SYS_process_vm_readv, 1, NULL, 0, NULL, 0, 0));
    DENIED(syscall(SYS_process_vm_writev, 1, NULL, 0, NULL, 0, 0));
    ERR(setpriority(PRIO_PROCESS, 2, 5), ESRCH);
    ERR(syscall(SYS_prlimit64, 2, RLIMIT_CORE, NULL, NULL), ESRCH);
    ERR(sched_setaffinity(2, 8, (void *)"\1\0\0\0\0\0\0\0"), ESRCH);
    DENIED(syscall(SYS_pidfd_open, 2, 0));
}

static void devices(void)
{
    static const char *const paths[] = {
        "/dev/mem",
        "/dev/kmem",
        "/dev/sda",
        "/dev/vda",
        "/dev/kmsg",
        "/dev/loop0",
        "/dev/loop-control",
        "/dev/fuse",
        "/dev/kvm",
        "/dev/net/tun",
        "/dev/tty1",
        "/dev/console",
        "/proc/kcore",
        "/proc/kmsg",
        "/proc/sysrq-trigger",
        "/proc/sys/kernel/core_pattern",
        "/proc/sys/kernel/modprobe",
        "/proc/1/mem",
        "/proc/2/root",
        "/proc/2/environ",
        "/sys/kernel/uevent_helper",
        "/proc/sys/vm/overcommit_memory",
        "/proc/acpi",
        "/proc/bus",
    };
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        int fd = open(paths[i], O_WRONLY | O_NOCTTY | O_NONBLOCK);
        if (fd >= 0 && strcmp(paths[i], "/proc/1/mem"))
            FAIL("%s can be written", paths[i]);
        close(fd);
    }
    /* A node of the guest's own is a name, not the host's device. */
    static const unsigned numbers[][2] = {{1, 1}, {8, 0}, {254, 0}, {5, 1}, {10, 229}};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        unlink("/tmp/node");
        if (mknod("/tmp/node", (i == 1 ? S_IFBLK : S_IFCHR) | 0666,
                  makedev(numbers[i][0], numbers[i][1])) == 0) {
            int fd = open("/tmp/node", O_RDONLY | O_NONBLOCK);
            if (fd >= 0)
                FAIL("device %u:%u was opened", numbers[i][0], numbers[i][1]);
        }
    }
    unlink("/tmp/node");
}

static void terminal(void)
{
    char c = 'x';
    for (int fd = 0; fd < 3; fd++) {
        DENIED(ioctl(fd, 0x5412 /* TIOCSTI */, &c));
        DENIED(ioctl(fd, 0x541c /* TIOCLINUX */, &c));
        DENIED(ioctl(fd, 0x541d /* TIOCCONS */, &c));
        DENIED(ioctl(fd, 0x5423 /* TIOCSETD */, &c));
        DENIED(ioctl(fd, 0x5437 /* TIOCVHANGUP */, 0));
    }
}

static void network(void)
{
    int option = 1, fd = socket(AF_INET, SOCK_STREAM, 0), pair[2];
    DENIED(socket(17 /* AF_PACKET */, SOCK_RAW, 0));
    DENIED(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
    DENIED(socket(AF_INET6, SOCK_RAW, 58));
    DENIED(socket(16 /* AF_NETLINK */, SOCK_RAW, 9 /* AUDIT */));
    DENIED(socket(16, SOCK_RAW, 12 /* NETFILTER */));
    DENIED(socket(16, SOCK_RAW, 15 /* KOBJECT_UEVENT */));
    DENIED(socket(40 /* AF_VSOCK */, SOCK_STREAM, 0));
    DENIED(socket(38 /* AF_ALG */, SOCK_SEQPACKET, 0));
    DENIED(socket(31 /* AF_BLUETOOTH */, SOCK_RAW, 1));
    for (int name = 64; name < 70; name++)
        DENIED(setsockopt(fd, IPPROTO_IP, name, &option, sizeof(option)));
    DENIED(setsockopt(fd, IPPROTO_IP, 1152 + 2 /* ipvs */, &option, sizeof(option)));
    DENIED(setsockopt(fd, IPPROTO_IPV6, 64, &option, sizeof(option)));
    /* Writes to addresses in its argument: the host's. */
    unsigned long zerocopy[8] = {0x10000, 4096, 0};
    socklen_t len = sizeof(zerocopy);
    DENIED(getsockopt(fd, IPPROTO_TCP, 35 /* TCP_ZEROCOPY_RECEIVE */, zerocopy, &len));
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    len = sizeof(option);
    DENIED(getsockopt(pair[0], SOL_SOCKET, 77 /* SO_PEERPIDFD */, &option, &len));
    close(fd);
}

static void kernel(void)
{
    DENIED(syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, NULL));
    DENIED(syscall(SYS_umount2, "/", 2));
    DENIED(syscall(SYS_pivot_root, "/", "/tmp"));
    DENIED(syscall(SYS_init_module, "x", 1, ""));
    DENIED(syscall(SYS_finit_module, 0, "", 0));
    DENIED(syscall(SYS_delete_module, "x", 0));
    DENIED(syscall(SYS_kexec_load, 0, 0, NULL, 0));
    DENIED(syscall(SYS_swapon, "/tmp/x", 0));
    DENIED(syscall(SYS_acct, "/tmp/x"));
    DENIED(syscall(SYS_bpf, 0, NULL, 0));
    DENIED(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
    DENIED(syscall(SYS_userfaultfd, 0));
    DENIED(syscall(SYS_io_uring_setup, 1, NULL));
    DENIED(syscall(SYS_open_by_handle_at, AT_FDCWD, NULL, 0));
    DENIED(syscall(SYS_setns, 0, 0));
    DENIED(syscall(SYS_unshare, 0x10000000));
    DENIED(syscall(SYS_add_key, "user", "x", "y", 1, -3));
    DENIED(syscall(SYS_keyctl, 0, -3, 1));
    DENIED(syscall(SYS_quotactl, 0, NULL, 0, NULL));
    DENIED(syscall(SYS_fanotify_init, 0, 0));
    DENIED(syscall(SYS_reboot, 0xfee1dead, 672274793, 0x4321fedc, 0));
}

int main(void)
{
    clocks();
    scheduling();
    processes();
    devices();
    terminal();
    network();
    kernel();
    return done();
}
