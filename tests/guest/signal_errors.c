/* What kill's relatives refuse: whom one may not signal, full queues, and what comes first. */
#include <sys/resource.h>
#include <sys/wait.h>

#include "guest.h"

#define BAD  ((void *)8)
#define NONE 999999

static long queue(pid_t pid, int sig, const siginfo_t *info)
{
    return syscall(SYS_rt_sigqueueinfo, pid, sig, info);
}

static long queue_to(pid_t pid, pid_t tid, int sig, const siginfo_t *info)
{
    return syscall(SYS_rt_tgsigqueueinfo, pid, tid, sig, info);
}

/* There is nobody, the signal is none, one may not: in this order. */
static void as_root(void)
{
    pid_t me = getpid();
    siginfo_t info = {.si_code = SI_QUEUE}, forged = {.si_code = SI_USER};
    ERR(kill(NONE, 65), ESRCH);
    ERR(kill(me, 65), EINVAL);
    ERR(kill(me, -1), EINVAL);
    ERR(kill(-NONE, 65), ESRCH);
    ERR(kill((pid_t)0x80000000, 65), ESRCH);
    ERR(kill(0, 65), EINVAL);
    ERR(kill(-1, 65), ESRCH); /* there is nobody else */
    ERR(kill(-1, 0), ESRCH);
    ERR(syscall(SYS_tkill, -1, 65), EINVAL);
    ERR(syscall(SYS_tkill, NONE, 65), ESRCH);
    ERR(syscall(SYS_tkill, me, 65), EINVAL);
    ERR(syscall(SYS_tgkill, 0, me, 0), EINVAL);
    ERR(syscall(SYS_tgkill, me, 0, 0), EINVAL);
    ERR(syscall(SYS_tgkill, NONE, me, 65), ESRCH);
    ERR(syscall(SYS_tgkill, me, me, 65), EINVAL);
    ERR(queue(me, 65, &info), EINVAL);
    ERR(queue(me, -1, &info), EINVAL);
    ERR(queue(NONE, 65, &info), ESRCH);
    ERR(queue(-1, 65, &info), ESRCH);
    ERR(queue(NONE, 65, BAD), EFAULT);
    ERR(queue(NONE, 65, &forged), EPERM);
    ERR(queue_to(me, me, 65, &info), EINVAL);
    ERR(queue_to(0, 0, 65, BAD), EFAULT);
    ERR(queue_to(0, me, 0, &forged), EINVAL);
    ERR(queue_to(NONE, me, 0, &info), ESRCH);
    ERR(queue_to(NONE, NONE, 0, &forged), EPERM);
    ERR(syscall(SYS_rt_sigsuspend, BAD, 16), EINVAL);
    ERR(syscall(SYS_rt_sigsuspend, BAD, 8), EFAULT);
    ERR(syscall(SYS_rt_sigprocmask, 9, BAD, NULL, 8), EFAULT);
    ERR(syscall(SYS_rt_sigprocmask, 9, NULL, BAD, 8), EFAULT);
    ERR(syscall(SYS_rt_sigpending, BAD, 9), EINVAL);
    ERR(syscall(SYS_rt_sigaction, 65, BAD, NULL, 8), EFAULT);
    ERR(syscall(SYS_rt_sigaction, 65, BAD, NULL, 16), EINVAL);
    ERR(syscall(SYS_rt_sigaction, SIGKILL, NULL, BAD, 8), EFAULT);
    ERR(syscall(SYS_rt_sigtimedwait, BAD, NULL, BAD, 16), EINVAL);
    ERR(syscall(SYS_rt_sigtimedwait, BAD, NULL, NULL, 8), EFAULT);
}

static int as_user(pid_t root)
{
    siginfo_t info = {.si_code = SI_QUEUE};
    guest_failed = 0;
    OK(setresuid(1000, 1000, 1000));
    ERR(kill(root, 0), EPERM);
    ERR(kill(root, 65), EINVAL);
    ERR(syscall(SYS_tkill, root, 0), EPERM);
    ERR(syscall(SYS_tkill, root, SIGUSR1), EPERM);
    ERR(syscall(SYS_tkill, root, 65), EINVAL);
    ERR(syscall(SYS_tgkill, root, root, SIGUSR1), EPERM);
    ERR(syscall(SYS_tgkill, root, getpid(), SIGUSR1), ESRCH);
    ERR(queue(root, SIGUSR1, &info), EPERM);
    ERR(queue(root, 65, &info), EINVAL);
    ERR(queue_to(root, root, SIGUSR1, &info), EPERM);
    ERR(queue_to(root, getpid(), SIGUSR1, &info), ESRCH);
    return guest_failed != 0;
}

/* A full queue takes no real-time signal of tgkill's and sigqueue's, and kill's without details. */
static int with_full_queue(void)
{
    enum { SIG = 40 };
    pid_t me = getpid();
    struct rlimit none = {0, 0};
    siginfo_t info = {.si_code = SI_QUEUE};
    sigset_t set;
    guest_failed = 0;
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    OK(setrlimit(RLIMIT_SIGPENDING, &none));
    ERR(syscall(SYS_tkill, me, SIG), EAGAIN);
    ERR(syscall(SYS_tgkill, me, me, SIG), EAGAIN);
    ERR(queue(me, SIG, &info), EAGAIN);
    ERR(queue_to(me, me, SIG, &info), EAGAIN);
    sigpending(&set);
    CHECK(!sigismember(&set, SIG));
    OK(syscall(SYS_tgkill, me, me, SIGUSR1));
    OK(queue(me, SIGUSR2, &info));
    OK(kill(me, SIG));
    sigpending(&set);
    CHECK(sigismember(&set, SIG) && sigismember(&set, SIGUSR1) && sigismember(&set, SIGUSR2));
    return guest_failed != 0;
}

static void in_child(int (*fn)(void), int (*of)(pid_t))
{
    int status;
    fflush(stdout);
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        status = fn ? fn() : of(parent);
        fflush(stdout);
        _exit(status);
    }
    EQ(waitpid(child, &status, 0), child);
    EQ(status, 0);
}

int main(void)
{
    as_root();
    in_child(NULL, as_user);
    in_child(with_full_queue, NULL);
    return done();
}
