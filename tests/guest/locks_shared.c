/* guest-test: */
/* Locks between processes: who holds a record lock, what fork and exit do to each kind, waiting, a
 * deadlock that is found, a wait that a signal ends. */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "guest.h"

static struct flock whole(short type)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET};
}

static struct flock at(short type, long start)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = 1};
}

/* Run fn in a child, which tells its failures by its status. */
static pid_t child(void (*fn)(int fd), int fd)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        guest_failed = 0;
        fn(fd);
        fflush(stdout);
        _exit(guest_failed != 0);
    }
    CHECK(pid > 0);
    return pid;
}

static void join(pid_t pid)
{
    int status = -1;
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
}

static void see_parents_lock(int fd)
{
    struct flock l = at(F_WRLCK, 3);
    EQ(fcntl(fd, F_GETLK, &l), 0); /* inherited is the descriptor, not the lock */
    EQ(l.l_type, F_WRLCK);
    EQ(l.l_pid, getppid());
    EQ(l.l_start, 0);
    l = at(F_RDLCK, 3);
    ERR(fcntl(fd, F_SETLK, &l), EAGAIN);
    int own = open("lk", O_RDWR);
    ERR(fcntl(own, F_SETLK, &l), EAGAIN);
    close(own);
    l = at(F_UNLCK, 3);
    EQ(fcntl(fd, F_SETLK, &l), 0); /* and nothing of the parent's is given up */
    l = at(F_RDLCK, 3);
    ERR(fcntl(fd, F_SETLK, &l), EAGAIN);
}

static void take_and_end(int fd)
{
    struct flock l = at(F_WRLCK, 50);
    EQ(fcntl(fd, F_SETLK, &l), 0);
}

static void hold_until_read(int fd)
{
    struct flock l = at(F_WRLCK, 60);
    int lk = open("lk", O_RDWR);
    EQ(fcntl(lk, F_SETLK, &l), 0);
    EQ(write(fd, "x", 1), 1);
    pause();
}

static void records(int fd)
{
    struct flock l = whole(F_WRLCK);
    int p[2], again;
    char c;

    l.l_len = 10;
    EQ(fcntl(fd, F_SETLK, &l), 0);
    join(child(see_parents_lock, fd));
    /* The close of any descriptor of the file gives the process's locks up. */
    again = open("lk", O_RDONLY);
    close(again);
    l = at(F_WRLCK, 3);
    EQ(fcntl(fd, F_GETLK, &l), 0);
    EQ(l.l_type, F_UNLCK);
    join(child(take_and_end, fd));
    l = at(F_WRLCK, 50);
    EQ(fcntl(fd, F_SETLK, &l), 0);
    /* Nor does a killed holder keep it. */
    EQ(pipe(p), 0);
    pid_t pid = child(hold_until_read, p[1]);
    EQ(read(p[0], &c, 1), 1);
    l = at(F_WRLCK, 60);
    EQ(fcntl(fd, F_GETLK, &l), 0);
    EQ(l.l_type, F_WRLCK);
    EQ(l.l_pid, pid);
    ERR(fcntl(fd, F_OFD_GETLK, &l), EINVAL); /* l_pid must be 0 */
    l = at(F_WRLCK, 60);
    EQ(fcntl(fd, F_OFD_GETLK, &l), 0);
    EQ(l.l_pid, pid);
    EQ(kill(pid, SIGKILL), 0);
    EQ(waitpid(pid, NULL, 0), pid);
    l = at(F_WRLCK, 60);
    EQ(fcntl(fd, F_SETLK, &l), 0);
    l = whole(F_UNLCK);
    EQ(fcntl(fd, F_SETLK, &l), 0);
    close(p[0]);
    close(p[1]);
}

/* An open file description's lock is that of all who have it. */
static void use_shared(int fd)
{
    struct flock l = at(F_WRLCK, 5);
    EQ(fcntl(fd, F_OFD_SETLK, &l), 0);
    int own = open("lk", O_RDWR);
    ERR(fcntl(own, F_OFD_SETLK, &l), EAGAIN);
    EQ(fcntl(own, F_GETLK, &l), 0);
    EQ(l.l_type, F_WRLCK);
    EQ(l.l_pid, -1);
    EQ(flock(fd, LOCK_EX | LOCK_NB), 0);
    ERR(flock(own, LOCK_EX | LOCK_NB), EWOULDBLOCK);
}

static void is_locked(int fd)
{
    struct flock l = at(F_WRLCK, 5);
    int own = open("lk", O_RDWR);
    ERR(fcntl(own, F_OFD_SETLK, &l), EAGAIN);
    ERR(flock(own, LOCK_SH | LOCK_NB), EWOULDBLOCK);
    EQ(flock(fd, LOCK_UN), 0);
    EQ(flock(own, LOCK_SH | LOCK_NB), 0);
}

static void descriptions(int fd)
{
    EQ(flock(fd, LOCK_EX | LOCK_NB), 0);
    join(child(use_shared, fd)); /* its end does not unlock */
    join(child(is_locked, fd));  /* unless it says so */
    int own = open("lk", O_RDWR);
    EQ(flock(own, LOCK_EX | LOCK_NB), 0);
    close(own);
    struct flock l = at(F_UNLCK, 5);
    EQ(fcntl(fd, F_OFD_SETLK, &l), 0);
}

static void wait_for_parent(int fd)
{
    struct flock l = at(F_WRLCK, 7);
    int own = open("lk", O_RDWR);
    EQ(write(fd, "w", 1), 1);
    EQ(fcntl(own, F_SETLKW, &l), 0);
    EQ(write(fd, "g", 1), 1);
}

static void wait_for_eight(int fd)
{
    struct flock l = at(F_WRLCK, 8);
    int own = open("lk", O_RDWR);
    EQ(fcntl(own, F_SETLK, &l), 0);
    EQ(write(fd, "w", 1), 1);
    l = at(F_WRLCK, 7);
    EQ(fcntl(own, F_SETLKW, &l), 0); /* the parent's, until it gives up */
}

static void nothing(int signo)
{
    (void)signo;
}

static void waiting(int fd)
{
    struct flock l = at(F_WRLCK, 7);
    struct sigaction act = {.sa_handler = nothing};
    int p[2];
    char c;

    EQ(pipe(p), 0);
    EQ(fcntl(fd, F_SETLK, &l), 0);
    pid_t pid = child(wait_for_parent, p[1]);
    EQ(read(p[0], &c, 1), 1);
    usleep(50000);
    l = at(F_UNLCK, 7);
    EQ(fcntl(fd, F_SETLK, &l), 0);
    EQ(read(p[0], &c, 1), 1);
    EQ(c, 'g');
    join(pid);
    /* Each waits for the other: the second is told. */
    l = at(F_WRLCK, 7);
    EQ(fcntl(fd, F_SETLK, &l), 0);
    pid = child(wait_for_eight, p[1]);
    EQ(read(p[0], &c, 1), 1);
    usleep(100000);
    l = at(F_WRLCK, 8);
    ERR(fcntl(fd, F_SETLKW, &l), EDEADLK);
    /* A handler ends a wait; SA_RESTART goes on with it. */
    l = at(F_UNLCK, 7);
    EQ(fcntl(fd, F_SETLK, &l), 0);
    join(pid);
    int own = open("lk", O_RDWR);
    EQ(flock(own, LOCK_EX), 0);
    EQ(sigaction(SIGALRM, &act, NULL), 0);
    ualarm(50000, 0);
    ERR(flock(fd, LOCK_EX), EINTR);
    l = at(F_WRLCK, 9);
    EQ(fcntl(own, F_OFD_SETLK, &l), 0);
    ualarm(50000, 0);
    ERR(fcntl(fd, F_SETLKW, &l), EINTR);
    ualarm(50000, 0);
    ERR(fcntl(fd, F_OFD_SETLKW, &l), EINTR);
    close(own);
    close(p[0]);
    close(p[1]);
}

/* A file of the image that nobody has written yet: the lock of who may only read it. */
static void image(void)
{
    int fd = open("/etc/passwd", O_RDONLY), w, status;
    struct stat st;

    if (fd < 0)
        return; /* a reference without it */
    EQ(flock(fd, LOCK_SH), 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        int ro = open("/etc/passwd", O_RDONLY);
        _exit(!(flock(fd, LOCK_SH) == 0 && flock(ro, LOCK_SH | LOCK_NB) == 0 &&
                flock(ro, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK));
    }
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
    EQ(flock(fd, LOCK_UN), 0);
    w = open("/etc/passwd", O_RDWR | O_APPEND);
    if (w < 0)
        return;
    EQ(flock(w, LOCK_EX | LOCK_NB), 0);
    ERR(flock(fd, LOCK_SH | LOCK_NB), EWOULDBLOCK);
    EQ(fstat(w, &st), 0);
    int second = open("/etc/passwd", O_RDONLY);
    ERR(flock(second, LOCK_SH | LOCK_NB), EWOULDBLOCK);
    close(w);
    EQ(flock(fd, LOCK_EX | LOCK_NB), 0);
    ERR(flock(second, LOCK_SH | LOCK_NB), EWOULDBLOCK);
}

static void owners(int fd)
{
    struct f_owner_ex ex = {0};
    int p[2];

    (void)fd;
    EQ(pipe(p), 0);
    EQ(fcntl(p[0], F_GETOWN), 0);
    EQ(fcntl(p[0], F_SETOWN, getpid()), 0);
    EQ(fcntl(p[0], F_GETOWN), getpid());
    EQ(fcntl(p[0], F_GETOWN_EX, &ex), 0);
    EQ(ex.type, F_OWNER_PID);
    EQ(ex.pid, getpid());
    EQ(fcntl(p[0], F_SETOWN, -getpgrp()), 0);
    EQ(fcntl(p[0], F_GETOWN_EX, &ex), 0);
    EQ(ex.type, F_OWNER_PGRP);
    EQ(ex.pid, getpgrp());
    EQ(fcntl(p[0], F_GETOWN), -getpgrp());
    ERR(fcntl(p[0], F_SETOWN, 0x7ffffff0), ESRCH);
    ERR(fcntl(p[0], F_SETOWN, -0x7ffffff0), ESRCH);
    ERR(fcntl(p[0], F_SETOWN, (int)0x80000000), EINVAL);
    ex = (struct f_owner_ex){77, getpid()};
    ERR(fcntl(p[0], F_SETOWN_EX, &ex), EINVAL);
    ERR(fcntl(p[0], F_SETOWN_EX, (void *)8), EFAULT);
    ex = (struct f_owner_ex){F_OWNER_TID, gettid()};
    EQ(fcntl(p[0], F_SETOWN_EX, &ex), 0);
    EQ(fcntl(p[0], F_SETOWN, 0), 0);
    EQ(fcntl(p[0], F_GETOWN), 0);
    ERR(fcntl(-1, F_SETOWN, 1), EBADF);
}

int main(void)
{
    int fd = open("lk", O_CREAT | O_RDWR, 0644);

    records(fd);
    descriptions(fd);
    waiting(fd);
    image();
    owners(fd);
    return done();
}
