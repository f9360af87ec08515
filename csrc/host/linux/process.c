#include "host/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/io.h"
#include "host/linux/reserved.h"
#include "host/linux/safe_syscall.h"
#include "host/thread.h"

static _Thread_local sigset_t before_fork;

int32_t host_fork(bool alone)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_fork);
    /* fork() takes the C library's own locks, such as malloc's, and is the slower for it. */
    pid_t parent = getpid(), pid = alone ? _Fork() : fork();
    if (pid < 0) {
        int err = -errno;
        pthread_sigmask(SIG_SETMASK, &before_fork, NULL);
        return err;
    }
    if (pid == 0) {
        host_signals_forked(&before_fork);
        host_thread_forked();
        prctl(PR_SET_PDEATHSIG, SIGNAL_KICK);
        if (getppid() != parent) /* it has ended before that */
            host_syscall(SYS_kill, getpid(), SIGNAL_KICK);
    }
    return (int32_t)pid;
}

void host_fork_done(void)
{
    pthread_sigmask(SIG_SETMASK, &before_fork, NULL);
}

int host_subreaper(bool on)
{
    return prctl(PR_SET_CHILD_SUBREAPER, on, 0, 0, 0) ? -errno : 0;
}

void host_die(int signo)
{
    /* By system calls: the C library refuses to touch the signals that it keeps for itself. */
    uint64_t dfl[4] = {0}, none = 0;
    /* A core would be ours, not the guest's program's. */
    uint64_t core[2];
    if (host_syscall(SYS_prlimit64, 0, RLIMIT_CORE, 0, core) == 0) {
        core[0] = 0;
        host_syscall(SYS_prlimit64, 0, RLIMIT_CORE, core, 0);
    }
    host_syscall(SYS_rt_sigaction, signo, dfl, 0, 8);
    host_syscall(SYS_tgkill, getpid(), host_thread_id(), signo);
    host_syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0, 8);
    /* Only a signal whose default action does not end a process comes here. */
    _exit(128 + signo);
}

int32_t host_parent_id(void)
{
    return (int32_t)getppid();
}

int32_t host_getpgid(int32_t pid)
{
    return (int32_t)host_syscall(SYS_getpgid, pid);
}

int32_t host_getsid(int32_t pid)
{
    return (int32_t)host_syscall(SYS_getsid, pid);
}

int host_setpgid(int32_t pid, int32_t pgid)
{
    return (int)host_syscall(SYS_setpgid, pid, pgid);
}

int32_t host_setsid(void)
{
    return (int32_t)host_syscall(SYS_setsid);
}

int32_t host_wait4(int32_t pid, int32_t *status, int options, struct linux_rusage *usage)
{
    return (int32_t)host_syscall_maybe_waiting(SYS_wait4, pid, status, options, usage);
}

int host_waitid(int idtype, int32_t id, struct linux_siginfo *info, int options,
                struct linux_rusage *usage)
{
    return (int)host_syscall_maybe_waiting(SYS_waitid, idtype, id, info, options, usage);
}

void host_reap(int32_t pid)
{
    while (host_syscall(SYS_wait4, pid, 0, __WALL, 0) == -EINTR)
        ;
}

int32_t host_reap_any(void)
{
    int32_t pid = (int32_t)host_syscall(SYS_wait4, -1, 0, WNOHANG | __WALL, 0);
    if (pid == 0)
        usleep(200);
    return pid;
}

/* ---- sending ---- */

/* What the receiver finds in si_errno: numbers in it are the guest's. */
static struct linux_siginfo sealed(int signo, const struct linux_siginfo *info, bool directed)
{
    struct linux_siginfo out = {.si_code = LINUX_SI_QUEUE};
    out.rt.pid = (int32_t)getpid();
    if (info)
        out = *info;
    out.si_signo = signo;
    out.si_errno = (int32_t)(GUEST_SIGINFO | (unsigned)signo);
    if (!info)
        out.si_errno |= GUEST_SIGINFO_PLAIN;
    if (directed)
        out.si_errno |= GUEST_SIGINFO_DIRECTED;
    return out;
}

static bool needs_envelope(int signo)
{
    return signo == SIGNAL_KICK || signo == HOST_SIGNAL_TIMER || (signo >= 32 && signo < SIGRTMIN);
}

int host_send(int32_t pid, int32_t tid, int signo, const struct linux_siginfo *info)
{
    bool envelope = needs_envelope(signo);
    if (!info && !envelope)
        return (int)(tid ? host_syscall(SYS_tgkill, pid, tid, signo)
                         : host_syscall(SYS_kill, pid, signo));
    struct linux_siginfo letter = sealed(signo, info, tid != 0);
    int as = envelope ? SIGNAL_KICK : signo;
    return (int)(tid ? host_syscall(SYS_rt_tgsigqueueinfo, pid, tid, as, &letter)
                     : host_syscall(SYS_rt_sigqueueinfo, pid, as, &letter));
}

int host_pidfd_open(int32_t pid, unsigned flags)
{
    return (int)host_syscall(SYS_pidfd_open, pid, flags);
}

int host_pidfd_getfd(int pidfd, int fd, unsigned flags)
{
    return (int)host_syscall(SYS_pidfd_getfd, pidfd, fd, flags);
}

int32_t host_pidfd_pid(int pidfd)
{
    char path[40], line[128];
    int32_t pid = -LINUX_EBADF;
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "Pid: %d", &pid) == 1)
            break;
    }
    if (f)
        fclose(f);
    return pid == -1 ? 0 : pid;
}

/* ---- a channel: a socket, since writing to a pipe whose reader was killed raises SIGPIPE ---- */

int host_channel(int ends[2])
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        return -errno;
    ends[0] = host_fd_private(ends[0]);
    ends[1] = host_fd_private(ends[1]);
    if (ends[0] >= 0 && ends[1] >= 0)
        return 0;
    int err = ends[0] < 0 ? ends[0] : ends[1];
    for (int i = 0; i < 2; i++) {
        if (ends[i] >= 0)
            host_fd_close(ends[i]);
    }
    return err;
}

int host_channel_send(int fd, const void *bytes, uint64_t len)
{
    const char *at = bytes;
    while (len) {
        long n = host_syscall(SYS_sendto, fd, at, len, MSG_NOSIGNAL, 0, 0);
        if (n == -EINTR)
            continue;
        if (n <= 0)
            return n ? (int)n : -EPIPE;
        at += n;
        len -= (uint64_t)n;
    }
    return 0;
}

int64_t host_channel_receive(int fd, void *bytes, uint64_t len)
{
    return host_syscall(SYS_read, fd, bytes, len);
}

/* ---- who is alive: a POSIX record lock on byte n ---- */

static int32_t first_of_run;

int host_life_create(void)
{
    first_of_run = getpid();
    int fd = memfd_create("elfuse-processes", MFD_CLOEXEC);
    return fd < 0 ? -errno : host_fd_private(fd);
}

int host_life_hold(int life, int32_t n)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = n, .l_len = 1};
    /* Where Yama's ptrace_scope is 1 only ancestors may look (peer.h); without Yama there is no
     * such option. */
    (void)prctl(PR_SET_PTRACER, (unsigned long)first_of_run, 0, 0, 0);
    return fcntl(life, F_SETLK, &lock) ? -errno : 0;
}

int32_t host_life_holder(int life, int32_t n)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = n, .l_len = 1};
    if (fcntl(life, F_GETLK, &lock) || lock.l_type == F_UNLCK)
        return 0;
    return (int32_t)lock.l_pid;
}
