/* Process descriptors. */
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "guest.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static int pidfd_open_(pid_t pid, unsigned flags)
{
    return (int)syscall(SYS_pidfd_open, pid, flags);
}

static int send_signal(int fd, int sig, siginfo_t *info, unsigned flags)
{
    return (int)syscall(SYS_pidfd_send_signal, fd, sig, info, flags);
}

static pid_t child_pauses(void)
{
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    return pid;
}

static void opens(void)
{
    ERR(pidfd_open_(0, 0), EINVAL);
    ERR(pidfd_open_(-1, 0), EINVAL);
    ERR(pidfd_open_(getpid(), 0x4), EINVAL);
    ERR(pidfd_open_(31999, 0), ESRCH);
    int fd = pidfd_open_(getpid(), 0);
    OK(fd);
    EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    EQ(send_signal(fd, 0, NULL, 0), 0);
    ERR(send_signal(fd, 65, NULL, 0), EINVAL);
    ERR(send_signal(fd, 0, NULL, 0x100), EINVAL);
    ERR(send_signal(0x7fff, 0, NULL, 0), EBADF);
    ERR(send_signal(0, 0, NULL, 0), EBADF);
    close(fd);
    fd = open("/proc/1", O_DIRECTORY);
    EQ(send_signal(fd, 0, NULL, 0), 0);
    close(fd);
    fd = open("/proc", O_DIRECTORY);
    ERR(send_signal(fd, 0, NULL, 0), EBADF);
    close(fd);
}

static void waits(void)
{
    siginfo_t info;
    pid_t pid = child_pauses();
    int fd = pidfd_open_(pid, 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    EQ(poll(&p, 1, 0), 0);
    EQ(send_signal(fd, SIGTERM, NULL, 0), 0);
    EQ(poll(&p, 1, 5000), 1);
    memset(&info, 0, sizeof info);
    EQ(waitid((idtype_t)P_PIDFD, (id_t)fd, &info, WEXITED), 0);
    EQ(info.si_pid, pid);
    EQ(info.si_status, SIGTERM);
    ERR(send_signal(fd, 0, NULL, 0), ESRCH);
    ERR(waitid((idtype_t)P_PIDFD, (id_t)fd, &info, WEXITED), ECHILD);
    close(fd);
}

static void clones(void)
{
    int fd = -1;
    struct clone_args args = {
        .flags = CLONE_PIDFD, .pidfd = (uintptr_t)&fd, .exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0)
        for (;;)
            pause();
    CHECK(fd >= 0);
    EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    EQ(send_signal(fd, SIGKILL, NULL, 0), 0);
    int status;
    EQ(waitpid((pid_t)pid, &status, 0), pid);
    EQ(status, SIGKILL);
    close(fd);
    ERR(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0L, &fd, 0L, 0L), EINVAL);
}

static void descriptors(void)
{
    int self = pidfd_open_(getpid(), 0), ends[2];
    OK(pipe(ends));
    int copy = (int)syscall(SYS_pidfd_getfd, self, ends[1], 0);
    OK(copy);
    EQ(fcntl(copy, F_GETFD), FD_CLOEXEC);
    EQ(write(copy, "x", 1), 1);
    char c = 0;
    EQ(read(ends[0], &c, 1), 1);
    EQ(c, 'x');
    ERR(syscall(SYS_pidfd_getfd, self, 999, 0), EBADF);
    ERR(syscall(SYS_pidfd_getfd, self, ends[1], 1), EINVAL);
    ERR(syscall(SYS_pidfd_getfd, ends[0], ends[1], 0), EBADF);
    close(self);
}

/* Of a process that is not one's own, and of one that has ended. */
static void others_descriptors(void)
{
    int status;
    pid_t pid = child_pauses(), me = getpid();
    int fd = pidfd_open_(pid, 0);
    CHECK(fd >= 0);
    pid_t visitor = fork();
    if (visitor == 0) {
        int roots = pidfd_open_(me, 0);
        guest_failed = 0;
        OK(setresuid(1000, 1000, 1000));
        ERR(syscall(SYS_pidfd_getfd, roots, 0, 0), EPERM);
        ERR(syscall(SYS_pidfd_getfd, roots, 999, 0), EPERM);
        ERR(syscall(SYS_pidfd_getfd, fd, 0, 0), EPERM);
        ERR(send_signal(roots, 0, NULL, 0), EPERM);
        _exit(guest_failed != 0);
    }
    EQ(waitpid(visitor, &status, 0), visitor);
    EQ(status, 0);
    OK(kill(pid, SIGKILL));
    EQ(waitpid(pid, NULL, 0), pid);
    ERR(syscall(SYS_pidfd_getfd, fd, 0, 0), ESRCH);
    ERR(syscall(SYS_pidfd_getfd, fd, 0, 1), EINVAL);
    close(fd);
}

/* The same user's are to be had while the other lets itself be looked into. */
static void descriptors_of_the_same_user(void)
{
    int told[2], status;
    char c;
    OK(pipe(told));
    pid_t other = fork();
    if (other == 0) {
        OK(setresgid(1000, 1000, 1000));
        OK(setresuid(1000, 1000, 1000));
        OK(prctl(PR_SET_DUMPABLE, 1));
        EQ(write(told[1], "x", 1), 1);
        for (;;)
            pause();
    }
    EQ(read(told[0], &c, 1), 1);
    pid_t visitor = fork();
    if (visitor == 0) {
        int fd = pidfd_open_(other, 0), own = pidfd_open_(getpid(), 0);
        guest_failed = 0;
        OK(setresgid(1000, 1000, 1000));
        OK(setresuid(1000, 1000, 1000));
        OK(syscall(SYS_pidfd_getfd, fd, told[0], 0));
        OK(syscall(SYS_pidfd_getfd, own, told[0], 0));
        ERR(syscall(SYS_pidfd_getfd, fd, 999, 0), EBADF);
        OK(kill(other, SIGKILL));
        _exit(guest_failed != 0);
    }
    EQ(waitpid(visitor, &status, 0), visitor);
    EQ(status, 0);
    EQ(waitpid(other, NULL, 0), other);
    close(told[0]);
    close(told[1]);
}

static void no_descriptor_left(void)
{
    struct rlimit old, few;
    int self = pidfd_open_(getpid(), 0), fd = -1;
    struct clone_args args = {
        .flags = CLONE_PIDFD, .pidfd = (uintptr_t)&fd, .exit_signal = SIGCHLD};
    OK(getrlimit(RLIMIT_NOFILE, &old));
    few = (struct rlimit){(rlim_t)self + 1, old.rlim_max};
    OK(setrlimit(RLIMIT_NOFILE, &few));
    ERR(pidfd_open_(getpid(), 0), EMFILE);
    ERR(pidfd_open_(31999, 0), ESRCH);
    ERR(syscall(SYS_pidfd_getfd, self, 0, 0), EMFILE);
    ERR(syscall(SYS_pidfd_getfd, self, 999, 0), EBADF);
    ERR(syscall(SYS_clone3, &args, sizeof args), EMFILE);
    EQ(fd, -1);
    ERR(waitpid(-1, NULL, 0), ECHILD); /* no child came of it */
    OK(setrlimit(RLIMIT_NOFILE, &old));
    close(self);
}

static volatile int value;
static volatile pid_t sender;
static void on_queue(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    value = info->si_value.sival_int;
    sender = info->si_pid;
}

/* Between processes: the sender's number and value arrive. */
static void values(void)
{
    struct sigaction sa = {.sa_sigaction = on_queue, .sa_flags = SA_SIGINFO};
    sigset_t set, old;
    pid_t me = getpid();
    for (int sig = SIGUSR1; sig <= SIGRTMAX; sig += SIGRTMAX - SIGUSR1) {
        sigaction(sig, &sa, NULL);
        sigemptyset(&set);
        sigaddset(&set, sig);
        sigprocmask(SIG_BLOCK, &set, &old);
        pid_t pid = fork();
        if (pid == 0) {
            union sigval v = {.sival_int = 4711};
            _exit(sigqueue(me, sig, v) ? errno : 0);
        }
        sigsuspend(&old);
        EQ(value, 4711);
        EQ(sender, pid);
        int status;
        while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
            ;
        EQ(status, 0);
        sigprocmask(SIG_SETMASK, &old, NULL);
    }
    pid_t pid = child_pauses();
    siginfo_t forged = {.si_signo = SIGUSR1, .si_code = SI_USER};
    int fd = pidfd_open_(pid, 0);
    ERR(send_signal(fd, SIGUSR1, &forged, 0), EPERM);
    forged.si_signo = SIGUSR2;
    ERR(send_signal(fd, SIGUSR1, &forged, 0), EINVAL);
    ERR(syscall(SYS_rt_sigqueueinfo, pid, SIGUSR1, &forged), EPERM);
    close(fd);
    kill(pid, SIGKILL);
    EQ(waitpid(pid, NULL, 0), pid);
}

/* Who may signal whom goes by the ids of that moment. */
static void rights(void)
{
    int told[2];
    char c;
    OK(pipe(told));
    pid_t other = fork();
    if (other == 0) {
        if (setresuid(1000, 1000, 1000))
            _exit(1);
        (void)!write(told[1], "x", 1);
        for (;;)
            pause();
    }
    EQ(read(told[0], &c, 1), 1);
    for (int uid = 1000; uid < 1002; uid++) {
        pid_t pid = fork();
        if (pid == 0) {
            if (setresuid((uid_t)uid, (uid_t)uid, (uid_t)uid))
                _exit(1);
            int own = kill(other, 0) == 0 ? 0 : errno,
                parents = kill(getppid(), 0) == 0 ? 0 : errno;
            _exit(own == (uid == 1000 ? 0 : EPERM) && parents == EPERM ? 0 : 2);
        }
        int status = -1;
        EQ(waitpid(pid, &status, 0), pid);
        EQ(status, 0);
    }
    OK(kill(other, SIGKILL));
    EQ(waitpid(other, NULL, 0), other);
    close(told[0]);
    close(told[1]);
}

/* Real-time signals queue, however many: none is lost, and they come in order. */
static volatile int count, disorder;
static void on_many(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    disorder += info->si_value.sival_int != count;
    count++;
}

static void queueing(void)
{
    enum { MANY = 700 };
    struct sigaction sa = {.sa_sigaction = on_many, .sa_flags = SA_SIGINFO | SA_RESTART};
    pid_t me = getpid();
    sigset_t set, old;
    sigaction(SIGRTMIN + 3, &sa, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 3);
    sigprocmask(SIG_BLOCK, &set, &old);
    pid_t pid = fork();
    if (pid == 0) {
        int bad = 0;
        for (int i = 0; i < MANY; i++) {
            union sigval v = {.sival_int = i};
            bad += sigqueue(me, SIGRTMIN + 3, v) != 0;
        }
        _exit(bad != 0);
    }
    int status = -1;
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
    sigprocmask(SIG_SETMASK, &old, NULL);
    for (int i = 0; count < MANY && i < 1000; i++)
        usleep(1000);
    EQ(count, MANY);
    EQ(disorder, 0);
}

int main(void)
{
    opens();
    waits();
    clones();
    descriptors();
    others_descriptors();
    descriptors_of_the_same_user();
    no_descriptor_left();
    values();
    rights();
    queueing();
    return done();
}
