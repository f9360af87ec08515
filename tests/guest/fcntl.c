/* fcntl: what each command is for, on what it works, and its errors; signals of descriptors. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "guest.h"

#define BAD ((void *)8)

static void path_only(void)
{
    struct flock lock = {.l_type = F_RDLCK};
    int fd = open(".", O_PATH | O_CLOEXEC);
    EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    EQ(fcntl(fd, F_SETFD, 0), 0);
    EQ(fcntl(fd, F_GETFD), 0);
    int copy = fcntl(fd, F_DUPFD, 0);
    CHECK(copy > fd);
    close(copy);
    CHECK(fcntl(fd, F_GETFL) & O_PATH);
    ERR(fcntl(fd, F_SETFL, 0), EBADF);
    ERR(fcntl(fd, F_SETLK, &lock), EBADF);
    ERR(fcntl(fd, F_SETOWN, getpid()), EBADF);
    ERR(fcntl(fd, F_GETOWN), EBADF);
    ERR(fcntl(fd, F_GETSIG), EBADF);
    ERR(fcntl(fd, 9999), EBADF);
    close(fd);
}

/* Only some flags can be changed; the rest is ignored. */
static void flags(void)
{
    int fd = open("fcntl-file", O_CREAT | O_RDWR, 0600);
    OK(fcntl(fd, F_SETFL, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_APPEND));
    EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_CREAT | O_APPEND), O_RDWR | O_APPEND);
    EQ(fcntl(fd, F_GETFD), 0);
    OK(fcntl(fd, F_SETFL, O_NOATIME));
    EQ(fcntl(fd, F_GETFL) & (O_APPEND | O_NOATIME), O_NOATIME);
    OK(fcntl(fd, F_SETFD, 2)); /* no flag that there is */
    EQ(fcntl(fd, F_GETFD), 0);
    OK(fcntl(fd, F_SETFD, 3));
    EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ERR(fcntl(fd, 9999), EINVAL);
    ERR(fcntl(900, 9999), EBADF);
    ERR(fcntl(-1, F_GETFD), EBADF);
    uint64_t hint = 3;
    OK(fcntl(fd, F_SET_RW_HINT, &hint));
    hint = 0;
    OK(fcntl(fd, F_GET_RW_HINT, &hint));
    EQ(hint, 3);
    hint = 99;
    ERR(fcntl(fd, F_SET_RW_HINT, &hint), EINVAL);
    ERR(fcntl(fd, F_SET_RW_HINT, BAD), EFAULT);
    ERR(fcntl(fd, F_GET_RW_HINT, BAD), EFAULT);
    close(fd);
}

static void pipe_sizes(void)
{
    static char text[9000];
    int p[2], file = open("fcntl-file", O_RDWR);
    OK(pipe2(p, O_NONBLOCK));
    EQ(fcntl(p[0], F_GETPIPE_SZ), 65536);
    EQ(fcntl(p[0], F_SETPIPE_SZ, 5000), 8192); /* pages, a power of two of them */
    EQ(fcntl(p[1], F_GETPIPE_SZ), 8192);
    EQ(fcntl(p[0], F_SETPIPE_SZ, 1), 4096);
    EQ(fcntl(p[1], F_SETPIPE_SZ, 16384), 16384);
    EQ(write(p[1], text, sizeof(text)), (long)sizeof(text));
    ERR(fcntl(p[1], F_SETPIPE_SZ, 4096), EBUSY);
    EQ(read(p[0], text, 5000), 5000);
    ERR(fcntl(p[1], F_SETPIPE_SZ, 1 << 30), EPERM); /* more than fs.pipe-max-size */
    ERR(fcntl(file, F_SETPIPE_SZ, 4096), EBADF);
    ERR(fcntl(file, F_GETPIPE_SZ), EBADF);
    ERR(fcntl(file, F_ADD_SEALS, F_SEAL_SEAL), EINVAL);
    ERR(fcntl(file, F_GET_SEALS), EINVAL);
    ERR(fcntl(file, F_NOTIFY, DN_CREATE), ENOTDIR);
    close(file);
    close(p[0]);
    close(p[1]);
}

static void leases(void)
{
    int fd = open("fcntl-file", O_RDONLY), p[2];
    EQ(fcntl(fd, F_GETLEASE), F_UNLCK);
    OK(fcntl(fd, F_SETLEASE, F_RDLCK));
    EQ(fcntl(fd, F_GETLEASE), F_RDLCK);
    signal(SIGIO, SIG_IGN);
    ERR(open("fcntl-file", O_WRONLY | O_NONBLOCK), EWOULDBLOCK); /* it would break the lease */
    signal(SIGIO, SIG_DFL);
    OK(fcntl(fd, F_SETLEASE, F_UNLCK));
    int second = open("fcntl-file", O_RDONLY);
    ERR(fcntl(fd, F_SETLEASE, F_WRLCK), EAGAIN);
    close(second);
    ERR(fcntl(fd, F_SETLEASE, 99), EINVAL);
    OK(pipe(p));
    ERR(fcntl(p[0], F_SETLEASE, F_RDLCK), EINVAL);
    close(p[0]);
    close(p[1]);
    close(fd);
}

/* A lease is the owner's to take. */
static void leases_of_others(void)
{
    int fd = open("fcntl-file", O_RDONLY), own;
    OK(fcntl(fd, F_SETLEASE, F_RDLCK));
    OK(seteuid(1000));
    EQ(fcntl(fd, F_GETLEASE), F_RDLCK);
    ERR(fcntl(fd, F_SETLEASE, F_RDLCK), EACCES);
    ERR(fcntl(fd, F_SETLEASE, F_WRLCK), EACCES);
    ERR(fcntl(fd, F_SETLEASE, 99), EINVAL);
    ERR(fcntl(fd, F_SETLEASE, F_UNLCK), EACCES);
    OK(own = open("/tmp/fcntl-own", O_CREAT | O_RDONLY, 0600));
    OK(fcntl(own, F_SETLEASE, F_RDLCK));
    OK(fcntl(own, F_SETLEASE, F_UNLCK));
    OK(seteuid(0));
    OK(fcntl(fd, F_SETLEASE, F_UNLCK));
    OK(unlink("/tmp/fcntl-own"));
    close(own);
    close(fd);
}

static void owners(void)
{
    struct f_owner_ex ex = {F_OWNER_PID, 0};
    int p[2];
    OK(pipe(p));
    EQ(fcntl(p[0], F_GETOWN), 0);
    OK(fcntl(p[0], F_SETOWN, getpid()));
    EQ(fcntl(p[0], F_GETOWN), getpid());
    OK(fcntl(p[0], F_GETOWN_EX, &ex));
    CHECK(ex.type == F_OWNER_PID && ex.pid == getpid());
    OK(fcntl(p[0], F_SETOWN, -getpgrp()));
    EQ(syscall(SYS_fcntl, p[0], F_GETOWN) == -getpgrp() || errno == getpgrp(), 1);
    OK(fcntl(p[0], F_GETOWN_EX, &ex));
    CHECK(ex.type == F_OWNER_PGRP && ex.pid == getpgrp());
    ex = (struct f_owner_ex){F_OWNER_TID, (pid_t)syscall(SYS_gettid)};
    OK(fcntl(p[0], F_SETOWN_EX, &ex));
    ex = (struct f_owner_ex){0, 0};
    OK(fcntl(p[0], F_GETOWN_EX, &ex));
    CHECK(ex.type == F_OWNER_TID && ex.pid == syscall(SYS_gettid));
    ex.type = 7;
    ERR(fcntl(p[0], F_SETOWN_EX, &ex), EINVAL);
    ex = (struct f_owner_ex){F_OWNER_PID, 99999};
    ERR(fcntl(p[0], F_SETOWN_EX, &ex), ESRCH);
    ERR(fcntl(p[0], F_SETOWN_EX, BAD), EFAULT);
    ERR(fcntl(p[0], F_GETOWN_EX, BAD), EFAULT);
    ERR(fcntl(p[0], F_SETOWN, 99999), ESRCH);
    OK(fcntl(p[0], F_SETOWN, 0));
    EQ(fcntl(p[0], F_GETOWN), 0);
    EQ(fcntl(p[0], F_GETSIG), 0);
    ERR(fcntl(p[0], F_SETSIG, 65), EINVAL);
    ERR(fcntl(p[0], F_SETSIG, -1), EINVAL);
    close(p[0]);
    close(p[1]);
}

/* A descriptor that becomes ready sends its owner SIGIO, or what it was told to, with its number.
 */
static void signals(void)
{
    sigset_t set;
    siginfo_t info;
    struct timespec limit = {5, 0}, none = {0, 0};
    int p[2];
    sigemptyset(&set);
    sigaddset(&set, SIGIO);
    sigaddset(&set, SIGRTMIN + 4);
    sigprocmask(SIG_BLOCK, &set, NULL);
    OK(pipe(p));
    OK(fcntl(p[0], F_SETOWN, getpid()));
    OK(fcntl(p[0], F_SETFL, O_ASYNC));
    CHECK(fcntl(p[0], F_GETFL) & O_ASYNC);
    EQ(write(p[1], "x", 1), 1);
    EQ(sigtimedwait(&set, &info, &limit), SIGIO);
    EQ(info.si_code, SI_KERNEL);
    OK(fcntl(p[0], F_SETSIG, SIGRTMIN + 4));
    EQ(fcntl(p[0], F_GETSIG), SIGRTMIN + 4);
    EQ(write(p[1], "y", 1), 1);
    EQ(sigtimedwait(&set, &info, &limit), SIGRTMIN + 4);
    EQ(info.si_code, POLL_IN);
    EQ(info.si_fd, p[0]);
    OK(fcntl(p[0], F_SETFL, 0));
    EQ(write(p[1], "z", 1), 1);
    ERR(sigtimedwait(&set, &info, &none), EAGAIN);
    close(p[0]);
    close(p[1]);
}

int main(void)
{
    path_only();
    flags();
    pipe_sizes();
    leases();
    leases_of_others();
    owners();
    signals();
    unlink("fcntl-file");
    return done();
}
