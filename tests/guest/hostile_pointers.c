/* guest-test: flags=-Wno-missing-field-initializers,-O1 */
/*
 * Bad pointers, in each pointer argument of the served calls: EFAULT, and in instructions: SIGSEGV
 * with the address, the code and the PC. What is bad: nothing there, PROT_NONE, read-only where the
 * kernel writes, running off a mapping's end, the end of the address space and what lies above it,
 * the kernel's half, a tag.
 */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <ucontext.h>

#include "guest.h"

#define P 4096ul
#define A ((long)-7777) /* stands for the pointer under test */

static char *rw, *ro, *none, *gone, *edge; /* edge: one page, then nothing */
static int zero_fd, notify, file, dir, pair[2], epoll, timer;

enum kind { IN, OUT, STR };
struct test {
    const char *name;
    long nr;
    enum kind kind;
    unsigned size; /* bytes that the kernel surely touches */
    long args[6];
};

static unsigned tests_run;

static void one(const struct test *t, const char *what, const void *p)
{
    long a[6];
    for (int i = 0; i < 6; i++)
        a[i] = t->args[i] == A ? (long)p : t->args[i];
    errno = 0;
    long r = syscall(t->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (r != -1 || errno != EFAULT)
        FAIL("%s with %s (%p): %ld, errno %d", t->name, what, p, r, errno);
    tests_run++;
}

static void each_bad(const struct test *t)
{
    static const struct {
        const char *what;
        unsigned long at;
    } far[] = {
        {"the first page", 8},
        {"the end", 1ul << 45},
        {"above the end", (1ul << 45) + 4096},
        {"2^46", 1ul << 46},
        {"2^47", 1ul << 47},
        {"the end of 48 bits", (1ul << 48) - 4096},
        {"no canonical address", 1ul << 52},
        {"the kernel's half", 0xffff000000000000ul},
        {"the kernel's text", 0xffff800008080000ul},
        {"the last page", -4096ul},
        {"the last byte", -1ul},
    };
    for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++)
        one(t, far[i].what, (void *)far[i].at);
    one(t, "an unmapped page", gone);
    one(t, "the middle of an unmapped page", gone + 2048);
    one(t, "PROT_NONE", none);
    one(t, "a tag", (void *)((unsigned long)rw | 0x5aul << 56));
    if (t->kind == OUT)
        one(t, "a read-only page", ro);
    if (t->size > 1)
        one(t, "the end of a mapping", edge + P - t->size / 2);
    if (t->kind == STR) {
        memset(edge, 'x', P);
        one(t, "a string without an end", edge + P - 20);
    }
    memset(edge, 0, P);
}

static struct iovec bad_base; /* filled in */

static void calls(void)
{
    long at = AT_FDCWD, z = zero_fd, f = file, d = dir, s = pair[0], ok = (long)rw,
         path = (long)"/tmp/pointers";
    long no_time = (long)rw + 1024; /* two words of zeros */
    const struct test tests[] = {
        {"setxattr path", SYS_setxattr, STR, 1, {A, (long)"user.a", ok, 1, 0}},
        {"setxattr name", SYS_setxattr, STR, 1, {path, A, ok, 1, 0}},
        {"setxattr value", SYS_setxattr, IN, 16, {path, (long)"user.a", A, 16, 0}},
        {"fsetxattr name", SYS_fsetxattr, STR, 1, {f, A, ok, 1, 0}},
        {"getxattr path", SYS_getxattr, STR, 1, {A, (long)"user.a", ok, 8}},
        {"getxattr name", SYS_getxattr, STR, 1, {path, A, ok, 8}},
        {"getxattr value", SYS_getxattr, OUT, 3, {path, (long)"user.here", A, 64}},
        {"listxattr list", SYS_listxattr, OUT, 8, {path, A, 64}},
        {"removexattr name", SYS_removexattr, STR, 1, {path, A}},
        {"getcwd", SYS_getcwd, OUT, 2, {A, 100}},
        {"epoll_ctl", SYS_epoll_ctl, IN, 16, {epoll, EPOLL_CTL_ADD, s, A}},
        {"inotify_add_watch", SYS_inotify_add_watch, STR, 1, {notify, A, 1}},
        {"mknodat", SYS_mknodat, STR, 1, {at, A, S_IFREG | 0600, 0}},
        {"mkdirat", SYS_mkdirat, STR, 1, {at, A, 0700}},
        {"unlinkat", SYS_unlinkat, STR, 1, {at, A, 0}},
        {"symlinkat target", SYS_symlinkat, STR, 1, {A, at, path}},
        {"symlinkat path", SYS_symlinkat, STR, 1, {path, at, A}},
        {"linkat old", SYS_linkat, STR, 1, {at, A, at, path, 0}},
        {"linkat new", SYS_linkat, STR, 1, {at, path, at, A, 0}},
        {"renameat old", SYS_renameat, STR, 1, {at, A, at, path}},
        {"renameat2 new", SYS_renameat2, STR, 1, {at, path, at, A, 0}},
        {"statfs path", SYS_statfs, STR, 1, {A, ok}},
        {"statfs buf", SYS_statfs, OUT, 120, {path, A}},
        {"fstatfs", SYS_fstatfs, OUT, 120, {f, A}},
        {"truncate", SYS_truncate, STR, 1, {A, 0}},
        {"faccessat", SYS_faccessat, STR, 1, {at, A, 0}},
        {"chdir", SYS_chdir, STR, 1, {A}},
        {"chroot", SYS_chroot, STR, 1, {A}},
        {"fchmodat", SYS_fchmodat, STR, 1, {at, A, 0600}},
        {"fchownat", SYS_fchownat, STR, 1, {at, A, 0, 0, 0}},
        {"openat", SYS_openat, STR, 1, {at, A, O_RDONLY}},
        {"openat2 path", 437, STR, 1, {at, A, ok, 24}},
        {"openat2 how", 437, IN, 24, {at, path, A, 24}},
        {"pipe2", SYS_pipe2, OUT, 8, {A, 0}},
        {"getdents64", SYS_getdents64, OUT, 24, {d, A, 4096}},
        {"read", SYS_read, OUT, 1, {z, A, 100}},
        {"write", SYS_write, IN, 1, {s, A, 100}},
        {"readv", SYS_readv, IN, 16, {z, A, 1}},
        {"readv base", SYS_readv, OUT, 1, {z, (long)&bad_base, 1}},
        {"writev", SYS_writev, IN, 16, {s, A, 1}},
        {"pread64", SYS_pread64, OUT, 1, {f, A, 4, 0}},
        {"pwrite64", SYS_pwrite64, IN, 1, {f, A, 4, 0}},
        {"preadv", SYS_preadv, IN, 16, {f, A, 1, 0}},
        {"pwritev", SYS_pwritev, IN, 16, {f, A, 1, 0}},
        {"sendfile", SYS_sendfile, OUT, 8, {s, f, A, 1}},
        {"pselect6 set", SYS_pselect6, OUT, 8, {8, A, 0, 0, no_time, 0}},
        {"pselect6 timeout", SYS_pselect6, IN, 16, {0, 0, 0, 0, A, 0}},
        {"pselect6 mask", SYS_pselect6, IN, 16, {0, 0, 0, 0, no_time, A}},
        {"ppoll fds", SYS_ppoll, OUT, 8, {A, 1, no_time, 0, 8}},
        {"ppoll timeout", SYS_ppoll, IN, 16, {0, 0, A, 0, 8}},
        {"ppoll mask", SYS_ppoll, IN, 8, {0, 0, 0, A, 8}},
        {"vmsplice", SYS_vmsplice, IN, 16, {s, A, 1, 0}},
        {"readlinkat path", SYS_readlinkat, STR, 1, {at, A, ok, 10}},
        {"readlinkat buf", SYS_readlinkat, OUT, 4, {at, (long)"/tmp/pointers-link", A, 10}},
        {"newfstatat path", SYS_newfstatat, STR, 1, {at, A, ok, 0}},
        {"newfstatat buf", SYS_newfstatat, OUT, 128, {at, path, A, 0}},
        {"fstat", SYS_fstat, OUT, 128, {f, A}},
        {"statx path", SYS_statx, STR, 1, {at, A, 0, 0x7ff, ok}},
        {"statx buf", SYS_statx, OUT, 256, {at, path, 0, 0x7ff, A}},
        {"timerfd_settime new", SYS_timerfd_settime, IN, 32, {timer, 0, A, 0}},
        {"timerfd_settime old", SYS_timerfd_settime, OUT, 32, {timer, 0, ok, A}},
        {"timerfd_gettime", SYS_timerfd_gettime, OUT, 32, {timer, A}},
        {"utimensat path", SYS_utimensat, STR, 1, {at, A, 0, 0}},
        {"utimensat times", SYS_utimensat, IN, 32, {at, path, A, 0}},
        {"futex wait", SYS_futex, IN, 4, {A & ~3l, 0, 0, 0, 0, 0}},
        {"nanosleep", SYS_nanosleep, IN, 16, {A, 0}},
        {"getitimer", SYS_getitimer, OUT, 32, {0, A}},
        {"setitimer new", SYS_setitimer, IN, 32, {0, A, 0}},
        {"timer_create id", SYS_timer_create, OUT, 4, {1, 0, A}},
        {"timer_create event", SYS_timer_create, IN, 64, {1, A, ok}},
        {"clock_gettime", SYS_clock_gettime, OUT, 16, {1, A}},
        {"clock_getres", SYS_clock_getres, OUT, 16, {1, A}},
        {"clock_nanosleep", SYS_clock_nanosleep, IN, 16, {1, 0, A, 0}},
        {"clock_settime", SYS_clock_settime, IN, 16, {0, A}},
        {"sched_setaffinity", SYS_sched_setaffinity, IN, 8, {0, 8, A}},
        {"sched_getaffinity", SYS_sched_getaffinity, OUT, 8, {0, 128, A}},
        {"sched_getparam", SYS_sched_getparam, OUT, 4, {0, A}},
        {"sched_setscheduler", SYS_sched_setscheduler, IN, 4, {0, 0, A}},
        {"sched_rr_get_interval", SYS_sched_rr_get_interval, OUT, 16, {0, A}},
        {"sched_getattr", SYS_sched_getattr, OUT, 48, {0, A, 56, 0}},
        {"sched_setattr", SYS_sched_setattr, IN, 4, {0, A, 0}},
        {"rt_sigsuspend", SYS_rt_sigsuspend, IN, 8, {A, 8}},
        {"rt_sigaction new", SYS_rt_sigaction, IN, 24, {SIGUSR1, A, 0, 8}},
        {"rt_sigaction old", SYS_rt_sigaction, OUT, 24, {SIGUSR1, 0, A, 8}},
        {"rt_sigprocmask new", SYS_rt_sigprocmask, IN, 8, {0, A, 0, 8}},
        {"rt_sigprocmask old", SYS_rt_sigprocmask, OUT, 8, {0, 0, A, 8}},
        {"rt_sigpending", SYS_rt_sigpending, OUT, 8, {A, 8}},
        {"rt_sigtimedwait set", SYS_rt_sigtimedwait, IN, 8, {A, 0, 0, 8}},
        {"rt_sigtimedwait timeout", SYS_rt_sigtimedwait, IN, 16, {ok, 0, A, 8}},
        {"rt_sigqueueinfo", SYS_rt_sigqueueinfo, IN, 48, {getpid(), SIGUSR1, A}},
        {"sigaltstack new", SYS_sigaltstack, IN, 24, {A, 0}},
        {"sigaltstack old", SYS_sigaltstack, OUT, 24, {0, A}},
        {"getresuid", SYS_getresuid, OUT, 4, {A, ok, ok}},
        {"getresgid", SYS_getresgid, OUT, 4, {ok, ok, A}},
        {"times", SYS_times, OUT, 32, {A}},
        {"setgroups", SYS_setgroups, IN, 8, {2, A}},
        {"uname", SYS_uname, OUT, 390, {A}},
        {"sethostname", SYS_sethostname, IN, 8, {A, 8}},
        {"getrlimit", SYS_getrlimit, OUT, 16, {0, A}},
        {"setrlimit", SYS_setrlimit, IN, 16, {0, A}},
        {"prlimit64 new", SYS_prlimit64, IN, 16, {0, 0, A, 0}},
        {"prlimit64 old", SYS_prlimit64, OUT, 16, {0, 0, 0, A}},
        {"getrusage", SYS_getrusage, OUT, 144, {0, A}},
        {"getcpu", SYS_getcpu, OUT, 4, {A, 0, 0}},
        {"gettimeofday", SYS_gettimeofday, OUT, 16, {A, 0}},
        {"adjtimex", SYS_adjtimex, OUT, 208, {A}},
        {"sysinfo", SYS_sysinfo, OUT, 112, {A}},
        {"prctl name", SYS_prctl, IN, 1, {15, A}},
        {"prctl get name", SYS_prctl, OUT, 16, {16, A}},
        {"capget", SYS_capget, IN, 4, {A, ok}},
        {"socketpair", SYS_socketpair, OUT, 8, {AF_UNIX, SOCK_STREAM, 0, A}},
        {"bind", SYS_bind, IN, 16, {s, A, 16}},
        {"connect", SYS_connect, IN, 16, {s, A, 16}},
        {"getsockname", SYS_getsockname, OUT, 2, {s, A, (long)rw + 512}},
        {"getsockname len", SYS_getsockname, OUT, 4, {s, ok, A}},
        {"sendto", SYS_sendto, IN, 1, {s, A, 100, 0, 0, 0}},
        {"sendto name", SYS_sendto, IN, 16, {s, ok, 1, 0, A, 16}},
        {"setsockopt", SYS_setsockopt, IN, 4, {s, SOL_SOCKET, SO_SNDBUF, A, 4}},
        {"getsockopt", SYS_getsockopt, OUT, 4, {s, SOL_SOCKET, SO_SNDBUF, A, (long)rw + 512}},
        {"getsockopt len", SYS_getsockopt, OUT, 4, {s, SOL_SOCKET, SO_SNDBUF, ok, A}},
        {"sendmsg", SYS_sendmsg, IN, 56, {s, A, 0}},
        {"recvmsg", SYS_recvmsg, IN, 56, {s, A, MSG_DONTWAIT}},
        {"sendmmsg", SYS_sendmmsg, IN, 56, {s, A, 1, 0}},
        {"execve", SYS_execve, STR, 1, {A, 0, 0}},
        {"execve argv", SYS_execve, IN, 8, {(long)"/bin/hostile_pointers", A, 0}},
        {"execve envp", SYS_execve, IN, 8, {(long)"/bin/hostile_pointers", ok, A}},
        {"getrandom", SYS_getrandom, OUT, 1, {A, 16, 0}},
        {"memfd_create", SYS_memfd_create, STR, 1, {A, 0}},
        {"clone3", 435, IN, 64, {A, 64}},
        {"futex_waitv", 449, IN, 24, {A, 1, 0, 0, 1}},
        {"splice", SYS_splice, IN, 8, {f, A, pair[0], 0, 1, 0}},
        {"copy_file_range", SYS_copy_file_range, IN, 8, {f, A, f, 0, 1, 0}},
        {"fcntl lock", SYS_fcntl, IN, 32, {f, F_GETLK, A}},
        {"ioctl", SYS_ioctl, OUT, 4, {s, 0x541b, A}},
    };
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        each_bad(&tests[i]);
    CHECK(tests_run > 1500);
}

/* ---- instructions ---- */

static sigjmp_buf back;
static siginfo_t seen;
static unsigned long seen_pc;

static void on_fault(int sig, siginfo_t *info, void *context)
{
    seen = *info;
    seen_pc = ((ucontext_t *)context)->uc_mcontext.pc;
    siglongjmp(back, 1);
}

/* Each takes the address in x0, and faults at its first instruction. */
#define INSN(id, text)                                                                             \
    void insn_##id(void *);                                                                        \
    __asm__(".text\n.balign 4\n.globl insn_" #id "\ninsn_" #id ": " text "\n ret\n");
INSN(ldrb, "ldrb w1, [x0]")
INSN(ldr, "ldr x1, [x0]")
INSN(ldp, "ldp x1, x2, [x0]")
INSN(ldrq, "ldr q0, [x0]")
INSN(ld4, "ld4 {v0.16b-v3.16b}, [x0]")
INSN(ld1lane, "ld1 {v0.h}[3], [x0]")
INSN(ldar, "ldar x1, [x0]")
INSN(ldxr, "ldxr x1, [x0]")
INSN(ldaxp, "ldaxp x1, x2, [x0]")
INSN(strb, "strb w1, [x0]")
INSN(str, "str x1, [x0]")
INSN(stp, "stp x1, x2, [x0]")
INSN(strq, "str q0, [x0]")
INSN(stlr, "stlr x1, [x0]")
INSN(st3, "st3 {v0.8h-v2.8h}, [x0]")
INSN(zva, "dc zva, x0")
INSN(ldadd, ".arch armv8.1-a\n ldadd x1, x2, [x0]")
INSN(cas, "cas x1, x2, [x0]")
INSN(casp, "casp x2, x3, x4, x5, [x0]")
INSN(swpb, "swpb w1, w2, [x0]")

static const struct {
    const char *name;
    void (*fn)(void *);
    int writes;
    unsigned align; /* that it demands */
} insns[] = {
    {"ldrb", insn_ldrb, 0, 1},   {"ldr", insn_ldr, 0, 1},     {"ldp", insn_ldp, 0, 1},
    {"ldr q", insn_ldrq, 0, 1},  {"ld4", insn_ld4, 0, 1},     {"ld1 lane", insn_ld1lane, 0, 1},
    {"ldar", insn_ldar, 0, 8},   {"ldxr", insn_ldxr, 0, 8},   {"ldaxp", insn_ldaxp, 0, 16},
    {"strb", insn_strb, 1, 1},   {"str", insn_str, 1, 1},     {"stp", insn_stp, 1, 1},
    {"str q", insn_strq, 1, 1},  {"stlr", insn_stlr, 1, 8},   {"st3", insn_st3, 1, 1},
    {"dc zva", insn_zva, 1, 64}, {"ldadd", insn_ldadd, 1, 8}, {"cas", insn_cas, 1, 8},
    {"casp", insn_casp, 1, 16},  {"swpb", insn_swpb, 1, 1},
};

static void fault_at(const char *name, void (*fn)(void *), unsigned long at, int code,
                     unsigned long addr, unsigned long room, unsigned long pc)
{
    memset(&seen, 0, sizeof(seen));
    seen_pc = 0;
    if (!sigsetjmp(back, 1)) {
        fn((void *)at);
        FAIL("%s at %lx: no fault", name, at);
        return;
    }
    unsigned long got = (unsigned long)seen.si_addr;
    if (seen.si_signo != SIGSEGV || seen.si_code != code || got - addr > room || seen_pc != pc)
        FAIL(
            "%s at %lx: signal %d, code %d, address %lx, pc %lx; want code %d, address %lx, pc %lx",
            name, at, seen.si_signo, seen.si_code, got, seen_pc, code, addr, pc);
}

static void instructions(void)
{
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
    const unsigned long far[] = {0,         1ul << 45,        (1ul << 45) + 64,   1ul << 47,
                                 1ul << 46, (1ul << 48) - 64, (unsigned long)gone};
    for (size_t i = 0; i < sizeof(insns) / sizeof(insns[0]); i++) {
        unsigned long pc = (unsigned long)insns[i].fn;
        for (size_t k = 0; k < sizeof(far) / sizeof(far[0]); k++)
            fault_at(insns[i].name, insns[i].fn, far[k], SEGV_MAPERR, far[k], 0, pc);
        fault_at(insns[i].name, insns[i].fn, (unsigned long)none + 64, SEGV_ACCERR,
                 (unsigned long)none + 64, 0, pc);
        /* The top byte is ignored, and is not reported. */
        fault_at(insns[i].name, insns[i].fn, (unsigned long)gone | 0x5aul << 56, SEGV_MAPERR,
                 (unsigned long)gone, 0, pc);
        if (insns[i].writes)
            fault_at(insns[i].name, insns[i].fn, (unsigned long)ro + 64, SEGV_ACCERR,
                     (unsigned long)ro + 64, 0, pc);
        /* Over the end of a mapping: some address of the page behind it. */
        if (insns[i].align == 1 && insns[i].fn != insn_ldrb && insns[i].fn != insn_strb &&
            insns[i].fn != insn_swpb)
            fault_at(insns[i].name, insns[i].fn, (unsigned long)edge + P - 1, SEGV_MAPERR,
                     (unsigned long)edge + P - 1, 64, pc);
    }
    /* Jumps. */
    const unsigned long jumps[] = {
        0, 4096, 1ul << 45, 1ul << 47, (1ul << 48) - 4, (unsigned long)gone};
    for (size_t k = 0; k < sizeof(jumps) / sizeof(jumps[0]); k++)
        fault_at("jump", (void (*)(void *))jumps[k], 0, SEGV_MAPERR, jumps[k], 0, jumps[k]);
    fault_at("jump to data", (void (*)(void *))rw, 0, SEGV_ACCERR, (unsigned long)rw, 0,
             (unsigned long)rw);
    fault_at("jump to none", (void (*)(void *))none, 0, SEGV_ACCERR, (unsigned long)none, 0,
             (unsigned long)none);
    /* Code that runs off the end of a mapping. */
    unsigned *code = mmap(NULL, 2 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (unsigned i = 0; i < P / 4; i++)
        code[i] = 0xd503201f; /* nop */
    munmap((char *)code + P, P);
    mprotect(code, P, PROT_READ | PROT_EXEC);
    __builtin___clear_cache((char *)code, (char *)code + P);
    unsigned long end = (unsigned long)code + P;
    fault_at("off the end", (void (*)(void *))(end - 8), 0, SEGV_MAPERR, end, 0, end);
}

int main(void)
{
    rw = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ro = mmap(NULL, P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    none = mmap(NULL, P, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    edge = mmap(NULL, 2 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(edge + P, P);
    zero_fd = open("/dev/zero", O_RDWR);
    notify = (int)syscall(SYS_inotify_init1, 0);
    file = open("/tmp/pointers", O_RDWR | O_CREAT, 0600);
    OK(write(file, "some text", 9));
    OK(symlink("pointers", "/tmp/pointers-link"));
    syscall(SYS_fsetxattr, file, "user.here", "abc", 3, 0);
    dir = open("/", O_RDONLY | O_DIRECTORY);
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    epoll = epoll_create1(0);
    timer = timerfd_create(CLOCK_MONOTONIC, 0);
    /* In the middle of a hole that stays one: later mappings are placed at its upper end, if at
     * all. */
    gone = mmap(NULL, 64 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(gone, 64 * P);
    gone += 8 * P;
    bad_base = (struct iovec){none, 100};
    *(unsigned *)(rw + 512) = 128; /* a length for those that read one */
    calls();
    instructions();
    return done();
}
