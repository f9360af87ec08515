/* Descriptors that are made of others here, and are none of them to a guest: message queues and
 * signalfds are no pipes or counters, and files of procfs no memory. */
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/uio.h>
#include <termios.h>

#include "guest.h"

static char buf[256];
static int file, p[2];

/* Nothing moves into it or out of it. */
static void moves_nothing(int fd)
{
    struct iovec iov[2] = {{buf, 4}, {buf + 4, 4}};
    off_t off = 0;
    EQ(write(p[1], "pipe", 4), 4);
    ERR(splice(fd, NULL, p[1], NULL, 8, SPLICE_F_NONBLOCK), EINVAL);
    ERR(splice(p[0], NULL, fd, NULL, 4, SPLICE_F_NONBLOCK), EINVAL);
    ERR(tee(fd, p[1], 8, SPLICE_F_NONBLOCK), EINVAL);
    ERR(tee(p[0], fd, 4, SPLICE_F_NONBLOCK), EINVAL);
    ERR(vmsplice(fd, iov, 1, SPLICE_F_NONBLOCK), EBADF);
    ERR(sendfile(fd, file, &off, 4), EINVAL);
    ERR(sendfile(p[1], fd, NULL, 4), EINVAL);
    ERR(write(fd, buf, 8), EINVAL);
    ERR(writev(fd, iov, 2), EINVAL);
    ERR(pwritev2(fd, iov, 2, -1, 0), EINVAL);
    ERR(fcntl(fd, F_GETPIPE_SZ), EBADF);
    ERR(fcntl(fd, F_SETPIPE_SZ, 4096), EBADF);
    EQ(read(p[0], buf, sizeof buf), 4);
}

static void queue(void)
{
    struct mq_attr attr = {.mq_maxmsg = 2, .mq_msgsize = 16};
    struct iovec iov = {buf, sizeof buf};
    int fd = mq_open("/special", O_CREAT | O_RDWR | O_NONBLOCK, 0600, &attr);
    CHECK(fd >= 0);
    OK(mq_send(fd, "message", 7, 0));
    moves_nothing(fd);
    EQ(preadv2(fd, &iov, 1, -1, 0) > 10, 1);
    EQ(memcmp(buf, "QSIZE:7", 7), 0);
    struct pollfd ready = {fd, POLLIN | POLLOUT, 0};
    EQ(poll(&ready, 1, 0), 1);
    EQ(ready.revents, POLLIN | POLLOUT);
    EQ(mq_receive(fd, buf, 16, NULL), 7);
    ERR(mq_receive(fd, buf, 16, NULL), EAGAIN);
    close(fd);
    OK(mq_unlink("/special"));
}

static void signals(void)
{
    struct signalfd_siginfo info = {0};
    struct iovec iov = {&info, sizeof info};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_NONBLOCK), path = open("special", O_PATH);
    moves_nothing(fd);
    ERR(preadv2(fd, &iov, 1, -1, 0), EAGAIN);
    kill(getpid(), SIGUSR1);
    moves_nothing(fd);
    EQ(preadv2(fd, &iov, 1, -1, 0), sizeof info);
    EQ(info.ssi_signo, SIGUSR1);
    struct pollfd ready = {fd, POLLIN, 0};
    EQ(poll(&ready, 1, 0), 0);
    ERR(signalfd(path, &set, 0), EBADF);
    close(path);
    close(fd);
}

static void procfs(const char *name)
{
    struct termios t;
    int fd = open(name, O_RDONLY), on = 1, size = 0;
    OK(ioctl(fd, FIONBIO, &on));
    EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    OK(ioctl(fd, 2 /* FIGETBSZ */, &size));
    CHECK(size > 0);
    OK(ioctl(fd, FIOCLEX));
    EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ERR(ioctl(fd, TCGETS, &t), ENOTTY);
    close(fd);
}

int main(void)
{
    file = open("special", O_CREAT | O_RDWR | O_TRUNC, 0600);
    EQ(write(file, "file", 4), 4);
    OK(pipe(p));
    queue();
    signals();
    procfs("/proc/self/status");
    procfs("/proc/self");
    procfs("/sys");
    unlink("special");
    return done();
}
