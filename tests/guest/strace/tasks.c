/* tasks.c - signals, futexes, memory, limits, credentials. */
#include "calls.h"

#include <linux/capability.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/time.h>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

static void handler(int sig)
{
    (void)sig;
}

static void signals(void)
{
    int pid = (int)CALL(getpid);
    struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART | SA_NODEFER}, before;
    uint64_t usr1 = 1ull << (SIGUSR1 - 1), all = ~0ull, old;
    siginfo_t info = {.si_code = SI_QUEUE};
    struct timespec ts = {0, 1};
    sigaddset(&sa.sa_mask, SIGTERM);
    sigaction(SIGUSR1, &sa, &before);
    sa.sa_handler = SIG_IGN;
    sa.sa_flags = 0;
    sigaction(SIGUSR2, &sa, NULL);
    CALL(kill, pid, SIGUSR1);
    CALL(tgkill, pid, pid, SIGUSR1);
    info.si_value.sival_ptr = (void *)9;
    CALL(rt_sigqueueinfo, pid, SIGUSR1, &info);
    CALL(kill, pid, 0);
    CALL(kill, pid, 99);
    CALL(rt_sigprocmask, SIG_BLOCK, &all, &old, 8);
    CALL(rt_sigprocmask, SIG_SETMASK, &usr1, NULL, 8);
    CALL(rt_sigprocmask, 9, NULL, NULL, 8);
    CALL(kill, pid, SIGUSR1);
    CALL(rt_sigpending, &old, 8);
    CALL(rt_sigtimedwait, &usr1, &info, &ts, 8);
    CALL(rt_sigtimedwait, &usr1, NULL, &ts, 8);
    stack_t stack = {.ss_sp = (void *)0x1000000, .ss_size = 100};
    CALL(sigaltstack, NULL, &stack);
    stack = (stack_t){.ss_sp = (void *)0x1000000, .ss_size = 100};
    CALL(sigaltstack, &stack, NULL);
}

static void futexes(void)
{
    uint32_t a = 5, b = 0;
    struct timespec ts = {0, 10};
    CALL(futex, &a, FUTEX_WAKE_PRIVATE, 1);
    CALL(futex, &a, FUTEX_WAIT_PRIVATE, 5, &ts);
    CALL(futex, &a, FUTEX_WAIT, 4, NULL);
    CALL(futex, &a, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 5, &ts, NULL, ~0u);
    CALL(futex, &a, FUTEX_WAKE_BITSET_PRIVATE, 1, NULL, NULL, 6);
    CALL(futex, &a, FUTEX_REQUEUE, 1, 2, &b);
    CALL(futex, &a, FUTEX_CMP_REQUEUE_PRIVATE, 1, 2, &b, 5);
    CALL(futex, &a, FUTEX_WAKE_OP, 1, 2, &b, 0x01002003);
    CALL(futex, &a, FUTEX_UNLOCK_PI_PRIVATE);
    CALL(futex, &a, 99, 1, 2, 3, 4);
}

static void memory(void)
{
    char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CALL(mprotect, p, 4096, PROT_READ | PROT_EXEC);
    CALL(mprotect, p, 4096, PROT_NONE);
    p = mremap(p + 4096, 4096, 16384, MREMAP_MAYMOVE);
    p[0] = 1;
    CALL(madvise, p, 4096, MADV_DONTNEED);
    CALL(madvise, p, 4096, 77);
    CALL(msync, p, 4096, MS_SYNC | MS_INVALIDATE);
    CALL(mlockall, 0);
    CALL(munmap, p, 16384);
    mmap((void *)0x1000, 1, PROT_READ, MAP_SHARED | MAP_FIXED, -1, 0x3000);
    CALL(memfd_create, "mine", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    CALL(shmget, 0x1234, 4096, 0600);
    CALL(shmget, IPC_PRIVATE, 0, IPC_CREAT | 0640);
    CALL(shmctl, -1, IPC_RMID, NULL);
    CALL(getrandom, NULL, 0, 1);
}

static void processes(void)
{
    struct rlimit limit = {1 << 20, RLIM_INFINITY};
    struct rusage usage;
    int value, groups[2] = {5, 6};
    char name[16];
    CALL(prlimit64, 0, RLIMIT_CORE, &limit, NULL);
    CALL(prlimit64, 0, RLIMIT_CORE, NULL, &limit);
    CALL(getrlimit, 99, &limit);
    CALL(getrusage, 5, &usage);
    CALL(getpriority, 9, 0);
    CALL(sched_get_priority_max, SCHED_FIFO);
    CALL(sched_getscheduler, 0);
    CALL(sched_setscheduler, 0, SCHED_RR, NULL);
    CALL(prctl, PR_SET_NAME, "nameofthread");
    CALL(prctl, PR_GET_NAME, name);
    CALL(prctl, PR_SET_PDEATHSIG, SIGTERM);
    CALL(prctl, PR_GET_PDEATHSIG, &value);
    CALL(prctl, PR_GET_DUMPABLE);
    CALL(prctl, PR_SET_DUMPABLE, 1);
    CALL(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    CALL(prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    CALL(prctl, PR_CAPBSET_READ, CAP_CHOWN);
    CALL(prctl, PR_CAP_AMBIENT, 1, CAP_KILL, 0, 0);
    CALL(prctl, 999, 1, 2, 3, 4);
    CALL(getgroups, -1, NULL);
    CALL(setgroups, 65537, groups);
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, -1};
    CALL(capset, &header, NULL);
    CALL(personality, 0xffffffff);
    CALL(set_robust_list, NULL, 5);
    CALL(setpgid, 0, -1);
    CALL(execve, "nowhere", ((char *[]){"a", "b c", NULL}), ((char *[]){"X=1", NULL}));
    syscall(1999, 1L, 2L, 3L, 4L, 5L, 6L);
}

int main(void)
{
    begin();
    signals();
    futexes();
    memory();
    processes();
    end();
    return 0;
}
