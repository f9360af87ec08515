/* wait4 and waitid. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "guest.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static pid_t child_exits(int status)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(status);
    return pid;
}

static pid_t child_pauses(void)
{
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    return pid;
}

static void errors(void)
{
    int status;
    siginfo_t info;
    ERR(waitpid(-1, &status, 0), ECHILD);
    ERR(waitpid(12345, &status, 0), ECHILD);
    ERR(syscall(SYS_wait4, -1, &status, 0x10, NULL), EINVAL);
    ERR(syscall(SYS_wait4, (int)0x80000000, &status, 0, NULL), ESRCH);
    ERR(waitid(P_ALL, 0, &info, 0), EINVAL);
    ERR(waitid(P_ALL, 0, &info, WEXITED | 0x100), EINVAL);
    ERR(waitid((idtype_t)9, 0, &info, WEXITED), EINVAL);
    ERR(waitid(P_PID, 0, &info, WEXITED), EINVAL);
    ERR(waitid(P_PID, (id_t)-1, &info, WEXITED), EINVAL);
    ERR(waitid((idtype_t)P_PIDFD, (id_t)-1, &info, WEXITED), EINVAL);
    ERR(waitid((idtype_t)P_PIDFD, 0, &info, WEXITED), EBADF);
    /* Nothing is told even if it fails. */
    memset(&info, 0xff, sizeof info);
    ERR(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
    EQ(info.si_signo | info.si_pid | info.si_status, 0);
    ERR(waitid(P_ALL, 0, (siginfo_t *)8, WEXITED), EFAULT);
    ERR(waitid(P_ALL, 0, (siginfo_t *)8, 0), EFAULT);
    ERR(syscall(SYS_wait4, (int)0x80000000, &status, 0x10, NULL), EINVAL);
    ERR(waitid(P_PID, 12345, &info, WEXITED), ECHILD);
    ERR(waitid(P_PGID, (id_t)-1, &info, WEXITED), EINVAL);
    ERR(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
    ERR(waitid((idtype_t)P_PIDFD, 999, &info, WEXITED), EBADF);
    pid_t pid = child_exits(1);
    ERR(syscall(SYS_wait4, pid, (int *)8, 0, NULL), EFAULT);
    ERR(waitpid(pid, &status, 0), ECHILD); /* it is gone all the same */
    pid = child_exits(1);
    ERR(waitid(P_PID, (id_t)pid, (siginfo_t *)8, WEXITED), EFAULT);
    ERR(waitpid(pid, &status, 0), ECHILD);
    pid = child_exits(1);
    ERR(syscall(SYS_waitid, P_PID, pid, NULL, WEXITED, (void *)8), EFAULT);
    ERR(waitpid(pid, &status, 0), ECHILD);
}

static void which(void)
{
    int status;
    struct rusage usage;
    pid_t a = child_exits(1), b = child_exits(2);
    EQ(wait4(b, &status, 0, &usage), b);
    EQ(status, 0x200);
    EQ(waitpid(0, &status, 0), a);
    EQ(status, 0x100);
    a = child_exits(3);
    EQ(waitpid(-getpgrp(), &status, 0), a);
    a = child_pauses();
    EQ(waitpid(a, &status, WNOHANG), 0);
    EQ(kill(a, SIGINT), 0);
    EQ(waitpid(-1, &status, 0), a);
    EQ(status, SIGINT);
}

static void stops(void)
{
    int status;
    siginfo_t info;
    pid_t pid = child_pauses();
    OK(kill(pid, SIGSTOP));
    EQ(waitpid(pid, &status, WUNTRACED), pid);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    OK(kill(pid, SIGCONT));
    EQ(waitpid(pid, &status, WCONTINUED), pid);
    CHECK(WIFCONTINUED(status));
    OK(kill(pid, SIGSTOP));
    memset(&info, 0, sizeof info);
    EQ(waitid(P_PID, (id_t)pid, &info, WSTOPPED), 0);
    EQ(info.si_code, CLD_STOPPED);
    EQ(info.si_status, SIGSTOP);
    OK(kill(pid, SIGKILL));
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, SIGKILL);
}

static void ids(void)
{
    siginfo_t info;
    memset(&info, 0xff, sizeof info);
    pid_t pid = child_pauses();
    EQ(waitid(P_ALL, 0, &info, WEXITED | WNOHANG), 0);
    EQ(info.si_pid, 0);
    EQ(info.si_signo, 0);
    OK(kill(pid, SIGKILL));
    EQ(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
    EQ(info.si_pid, pid);
    EQ(info.si_signo, SIGCHLD);
    EQ(info.si_code, CLD_KILLED);
    EQ(info.si_status, SIGKILL);
    EQ(info.si_uid, getuid());
    EQ(kill(pid, 0), 0); /* a zombie */
    EQ(waitid(P_PGID, 0, &info, WEXITED), 0);
    EQ(info.si_pid, pid);
    ERR(kill(pid, 0), ESRCH);
    pid = child_exits(5);
    EQ(waitid(P_PID, (id_t)pid, NULL, WEXITED), 0);
}

static volatile int handled;
static siginfo_t seen;
static void on_child(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    handled++;
    seen = *info;
}

static void child_signal(void)
{
    struct sigaction sa = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO};
    int status;
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, &old);
    sigaction(SIGCHLD, &sa, NULL);
    pid_t pid = child_exits(7);
    sigsuspend(&old);
    EQ(handled, 1);
    EQ(seen.si_pid, pid);
    EQ(seen.si_code, CLD_EXITED);
    EQ(seen.si_status, 7);
    EQ(seen.si_uid, getuid());
    EQ(waitpid(-1, &status, WNOHANG), pid);
    /* Its numbers are the child's also when that has been waited for before. */
    pid = child_exits(9);
    EQ(waitpid(pid, &status, 0), pid);
    handled = 0;
    sigprocmask(SIG_SETMASK, &old, NULL);
    EQ(handled, 1);
    EQ(seen.si_pid, pid);
    EQ(seen.si_status, 9);
    sigprocmask(SIG_BLOCK, &set, NULL);
    /* Blocked with the default action it pends all the same. */
    signal(SIGCHLD, SIG_DFL);
    pid = child_exits(8);
    siginfo_t info;
    EQ(sigwaitinfo(&set, &info), SIGCHLD);
    EQ(info.si_pid, pid);
    EQ(waitpid(pid, &status, 0), pid);
    sigprocmask(SIG_SETMASK, &old, NULL);
}

/* A handler without SA_RESTART ends the wait, one with it does not. */
static void restarts(void)
{
    int status;
    for (int restart = 0; restart < 2; restart++) {
        struct sigaction sa = {.sa_sigaction = on_child,
                               .sa_flags = SA_SIGINFO | (restart ? SA_RESTART : 0)};
        sigaction(SIGUSR1, &sa, NULL);
        handled = 0;
        pid_t main_pid = getpid(), pid = fork();
        if (pid == 0) {
            usleep(200000);
            kill(main_pid, SIGUSR1);
            usleep(200000);
            _exit(4);
        }
        if (restart)
            EQ(waitpid(pid, &status, 0), pid);
        else {
            ERR(waitpid(pid, &status, 0), EINTR);
            EQ(waitpid(pid, &status, 0), pid);
        }
        EQ(status, 0x400);
        EQ(handled, 1);
        EQ(seen.si_pid, pid);
        EQ(seen.si_code, SI_USER);
    }
}

static void ignored(void)
{
    for (int how = 0; how < 2; how++) {
        struct sigaction sa = {.sa_handler = how ? SIG_DFL : SIG_IGN,
                               .sa_flags = how ? SA_NOCLDWAIT : 0};
        sigaction(SIGCHLD, &sa, NULL);
        pid_t pid = child_exits(1);
        ERR(waitpid(pid, NULL, 0), ECHILD);
        /* Linux gives the number back a moment after it has told the waiting parent. */
        for (int tries = 0; tries < 1000 && kill(pid, 0) == 0; tries++)
            usleep(1000);
        ERR(kill(pid, 0), ESRCH);
    }
    signal(SIGCHLD, SIG_DFL);
}

/* A pidfd that does not block. */
static void without_blocking(void)
{
    siginfo_t info = {0};
    pid_t pid = child_pauses();
    int fd = (int)syscall(SYS_pidfd_open, pid, O_NONBLOCK);
    CHECK(fd >= 0);
    ERR(waitid((idtype_t)P_PIDFD, (id_t)fd, &info, WEXITED), EAGAIN);
    OK(waitid((idtype_t)P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG));
    EQ(info.si_pid, 0);
    ERR(waitid((idtype_t)P_PIDFD, (id_t)fd, &info, 0), EINVAL);
    OK(kill(pid, SIGKILL));
    OK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
    OK(waitid((idtype_t)P_PIDFD, (id_t)fd, &info, WEXITED));
    EQ(info.si_pid, pid);
    ERR(waitid((idtype_t)P_PIDFD, (id_t)fd, &info, WEXITED), ECHILD);
    close(fd);
}

static void usage(void)
{
    struct rusage before, after;
    getrusage(RUSAGE_CHILDREN, &before);
    pid_t pid = fork();
    if (pid == 0) {
        for (volatile long i = 0; i < 30000000; i++)
            ;
        _exit(0);
    }
    struct rusage of;
    EQ(wait4(pid, NULL, 0, &of), pid);
    getrusage(RUSAGE_CHILDREN, &after);
    CHECK(of.ru_utime.tv_sec > 0 || of.ru_utime.tv_usec > 0);
    CHECK(after.ru_utime.tv_sec > before.ru_utime.tv_sec ||
          after.ru_utime.tv_usec > before.ru_utime.tv_usec);
}

int main(void)
{
    errors();
    which();
    stops();
    ids();
    child_signal();
    restarts();
    ignored();
    without_blocking();
    usage();
    return done();
}
