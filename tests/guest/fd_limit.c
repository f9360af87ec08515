/* guest-test: flags=-Wno-stringop-overflow */
/* No number is free below RLIMIT_NOFILE: each call that makes a descriptor says so, and what else
 * is wrong before or after it. */
#include <fcntl.h>
#include <mqueue.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>

#include "guest.h"

#define BAD    ((void *)8)
#define CLOSED 900 /* below the limit before, above it now */

static struct rlimit before;
static int pipes[2], listener, lowest;

/* Numbers below the lowest free one and so many more. */
static void leave(int numbers)
{
    struct rlimit few = {(rlim_t)(lowest + numbers), before.rlim_max};
    OK(setrlimit(RLIMIT_NOFILE, &few));
}

static int lowest_free(void)
{
    int fd = dup(0);
    close(fd);
    return fd;
}

static void duplicates(void)
{
    ERR(dup(0), EMFILE);
    ERR(dup(CLOSED), EBADF);
    ERR(dup(-1), EBADF);
    ERR(fcntl(0, F_DUPFD, 0), EMFILE);
    ERR(fcntl(0, F_DUPFD_CLOEXEC, 0), EMFILE);
    ERR(fcntl(0, F_DUPFD, lowest), EINVAL);
    ERR(fcntl(CLOSED, F_DUPFD, lowest), EBADF);
    ERR(fcntl(CLOSED, F_DUPFD, 0), EBADF);
    ERR(fcntl(0, F_DUPFD, 1l << 32), EMFILE); /* an int: 0 */
    ERR(dup3(0, lowest, 0), EBADF);           /* not EMFILE */
    ERR(dup3(0, lowest, 1), EINVAL);
    ERR(dup3(lowest, lowest, 0), EINVAL);
    EQ(dup2(lowest - 1, lowest - 1), lowest - 1);
    EQ(dup3(1, lowest - 1, 0), lowest - 1); /* needs no new one */
}

static void events(void)
{
    sigset_t set;
    sigemptyset(&set);
    ERR(eventfd(0, 0), EMFILE);
    ERR(eventfd(0, 2), EINVAL);
    ERR(epoll_create1(0), EMFILE);
    ERR(epoll_create1(2), EINVAL);
    ERR(syscall(SYS_signalfd4, -1, &set, 8, 0), EMFILE);
    ERR(syscall(SYS_signalfd4, -1, BAD, 8, 0), EFAULT);
    ERR(syscall(SYS_signalfd4, -1, &set, 8, 1), EINVAL);
    ERR(timerfd_create(CLOCK_MONOTONIC, 0), EMFILE);
    ERR(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
    ERR(timerfd_create(99, 0), EINVAL);
    ERR(inotify_init1(0), EMFILE);
    ERR(inotify_init1(1), EINVAL);
    ERR(syscall(SYS_pidfd_open, getpid(), 0), EMFILE);
    ERR(syscall(SYS_pidfd_open, 99999, 0), ESRCH);
}

static void files(void)
{
    char long_name[300];
    memset(long_name, 'n', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    ERR(open("/", O_RDONLY), EMFILE);
    ERR(open("/none", O_RDONLY), EMFILE);
    ERR(open(long_name, O_RDONLY), EMFILE);
    ERR(open("made", O_CREAT | O_RDWR, 0600), EMFILE);
    ERR(access("made", F_OK), ENOENT);
    ERR(open("", O_RDONLY), ENOENT);
    ERR(open(BAD, O_RDONLY), EFAULT);
    ERR(openat(CLOSED, "none", O_RDONLY), EMFILE);
    ERR(syscall(SYS_memfd_create, "name", 0), EMFILE);
    ERR(syscall(SYS_memfd_create, BAD, 0), EFAULT);
    ERR(syscall(SYS_memfd_create, long_name, 0), EINVAL);
    ERR(syscall(SYS_memfd_create, "name", 0x80), EINVAL);
    ERR(mq_open("/none", O_RDONLY), EMFILE);
    ERR(syscall(SYS_mq_open, BAD, O_RDONLY, 0, NULL), EFAULT);
}

static void pipes_and_sockets(void)
{
    int fds[2] = {-1, -1};
    ERR(pipe2(fds, 0), EMFILE);
    EQ(fds[0], -1);
    ERR(pipe2(BAD, 0), EMFILE);
    ERR(pipe2(fds, 1), EINVAL);
    ERR(pipe2(fds, O_EXCL /* O_NOTIFICATION_PIPE */), ENOPKG);
    ERR(socket(AF_UNIX, SOCK_STREAM, 0), EMFILE);
    ERR(socket(AF_UNIX, SOCK_STREAM, 5), EPROTONOSUPPORT);
    ERR(socket(99, SOCK_STREAM, 0), EAFNOSUPPORT);
    /* Two numbers, and whether they can be told, before the sockets. */
    ERR(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), EMFILE);
    ERR(socketpair(AF_UNIX, SOCK_STREAM, 0, BAD), EMFILE);
    ERR(socketpair(AF_UNIX, SOCK_STREAM, 5, fds), EMFILE);
    ERR(socketpair(99, SOCK_STREAM, 0, fds), EMFILE);
    ERR(socketpair(AF_INET, SOCK_STREAM, 0, fds), EMFILE);
    ERR(socketpair(AF_UNIX, SOCK_STREAM | 0x100, 0, fds), EINVAL);
    ERR(accept(listener, NULL, NULL), EMFILE);
    ERR(accept4(listener, NULL, NULL, 0), EMFILE);
    ERR(accept4(listener, NULL, NULL, 1), EINVAL);
    ERR(accept4(CLOSED, NULL, NULL, 0), EBADF);
    ERR(accept4(pipes[0], NULL, NULL, 0), EMFILE); /* before it is known to be no socket */
}

/* A pair needs two, and leaves the one that there was. */
static void one_is_free(void)
{
    int fds[2];
    leave(1);
    ERR(pipe2(fds, 0), EMFILE);
    ERR(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), EMFILE);
    ERR(socketpair(AF_UNIX, SOCK_STREAM, 0, BAD), EMFILE);
    EQ(lowest_free(), lowest);
    leave(2);
    ERR(pipe2(BAD, 0), EFAULT);
    ERR(socketpair(AF_UNIX, SOCK_STREAM, 0, BAD), EFAULT);
    ERR(socketpair(AF_UNIX, SOCK_STREAM, 5, BAD), EFAULT);
    ERR(socketpair(AF_INET, SOCK_STREAM, 0, BAD), EFAULT);
    ERR(socketpair(99, SOCK_STREAM, 0, BAD), EFAULT);
    ERR(socketpair(AF_UNIX, SOCK_STREAM, 5, fds), EPROTONOSUPPORT);
    ERR(socketpair(AF_INET, SOCK_STREAM, 0, fds), EOPNOTSUPP);
    ERR(socketpair(99, SOCK_STREAM, 0, fds), EAFNOSUPPORT);
    OK(pipe2(fds, 0));
    EQ(fds[0], lowest);
    close(fds[0]);
    close(fds[1]);
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    EQ(fds[1], lowest + 1);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0limit"};
    OK(pipe(pipes));
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    OK(bind(listener, (void *)&name, 8));
    OK(listen(listener, 1));
    OK(dup(0)); /* to be replaced */
    lowest = lowest_free();
    OK(getrlimit(RLIMIT_NOFILE, &before));
    leave(0);
    duplicates();
    events();
    files();
    pipes_and_sockets();
    one_is_free();
    OK(setrlimit(RLIMIT_NOFILE, &before));
    EQ(lowest_free(), lowest);
    return done();
}
