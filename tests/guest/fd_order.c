/* guest-test: flags=-Wno-restrict,-Wno-stringop-overflow,-Wno-stringop-overread */
/* A descriptor that is not open, and something else that is wrong: which of them is told. */
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <termios.h>

#include "guest.h"

#define BAD ((void *)8)
#define FAR ((void *)-4096l)

static char buf[16];
static struct iovec iov = {buf, sizeof buf};

static void reading_and_writing(int fd, void *bad)
{
    ERR(read(fd, bad, 8), EBADF);
    ERR(write(fd, bad, 8), EBADF);
    ERR(read(fd, buf, 0), EBADF);
    ERR(write(fd, buf, 0), EBADF);
    ERR(pread(fd, bad, 8, 0), EBADF);
    ERR(pwrite(fd, bad, 8, 0), EBADF);
    ERR(pread(fd, bad, 8, -1), EINVAL);
    ERR(pwrite(fd, bad, 8, -1), EINVAL);
    ERR(readv(fd, bad, 1), EBADF);
    ERR(writev(fd, bad, 1), EBADF);
    ERR(readv(fd, &iov, -1), EBADF);
    ERR(writev(fd, &iov, 1025), EBADF);
    ERR(preadv(fd, bad, 1, 0), EBADF);
    ERR(pwritev(fd, bad, 1, 0), EBADF);
    ERR(preadv(fd, bad, 1, -1), EINVAL);
    ERR(pwritev(fd, bad, 1, -1), EINVAL);
    ERR(preadv2(fd, bad, 1, 0, 0x100), EBADF);
    ERR(preadv2(fd, bad, 1, -1, 0x100), EBADF);
    ERR(pwritev2(fd, bad, 1, 0, 0x100), EBADF);
    ERR(lseek(fd, -1, 99), EBADF);
    ERR(readahead(fd, 0, 1), EBADF);
    EQ(posix_fadvise(fd, 0, -1, 99), EBADF);
}

static void transfers(int fd, int file, int out)
{
    off_t off = -1;
    ERR(sendfile(fd, fd, BAD, 1), EFAULT);
    ERR(sendfile(fd, file, &off, 1), EINVAL);
    ERR(sendfile(out, fd, &off, 1), EBADF);
    ERR(sendfile(fd, out, &off, 1), EBADF); /* nor can it be read from */
    ERR(splice(fd, BAD, out, NULL, 1, 0), EBADF);
    ERR(splice(file, BAD, fd, NULL, 1, 0), EBADF);
    ERR(splice(file, BAD, out, BAD, 1, 0), ESPIPE);
    ERR(splice(file, BAD, file, BAD, 1, 0), EFAULT);
    ERR(splice(fd, NULL, out, NULL, 1, 0x10), EINVAL);
    ERR(tee(fd, out, 1, 0), EBADF);
    ERR(tee(fd, out, 1, 0x10), EINVAL);
    EQ(tee(fd, fd, 0, 0), 0);
    ERR(vmsplice(fd, BAD, 1, 0), EBADF);
    ERR(vmsplice(fd, &iov, 1025, 0), EBADF);
    ERR(vmsplice(fd, BAD, 1, 0x10), EINVAL);
    ERR(copy_file_range(fd, BAD, file, NULL, 1, 0), EBADF);
    ERR(copy_file_range(file, BAD, fd, NULL, 1, 0), EBADF);
    ERR(copy_file_range(file, BAD, file, NULL, 1, 1), EFAULT);
    ERR(copy_file_range(fd, NULL, file, NULL, 1, 1), EBADF);
}

static void control(int fd)
{
    static const int commands[] = {F_SETLK,         F_GETLK,       F_OFD_SETLK,   F_SETOWN_EX,
                                   F_GETOWN_EX,     F_SET_RW_HINT, F_GET_RW_HINT, F_SETLEASE,
                                   F_SETPIPE_SZ,    F_ADD_SEALS,   F_NOTIFY,      F_SETSIG,
                                   F_DUPFD_CLOEXEC, 9999};
    struct itimerspec its = {{0, 0}, {0, -1}};
    struct epoll_event event = {0};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (syscall(SYS_fcntl, fd, commands[i], BAD) != -1 || errno != EBADF)
            if (commands[i] != F_DUPFD_CLOEXEC || fcntl(fd, F_GETFD) < 0)
                FAIL("fcntl command %d: errno %d", commands[i], errno);
    ERR(ioctl(fd, FIONREAD, BAD), EBADF);
    ERR(ioctl(fd, FIONBIO, BAD), EBADF);
    ERR(ioctl(fd, TCGETS, BAD), EBADF);
    ERR(ioctl(fd, 0x12345678, BAD), EBADF);
    ERR(timerfd_settime(fd, 4, BAD, NULL), EFAULT);
    ERR(timerfd_settime(fd, 4, &its, NULL), EINVAL);
    ERR(timerfd_settime(fd, 0, &its, NULL), EINVAL);
    ERR(timerfd_gettime(fd, BAD), EBADF);
    ERR(epoll_ctl(fd, 99, fd, &event), EBADF);
    ERR(syscall(SYS_epoll_pwait, fd, BAD, 1, 0, NULL, 8), EBADF);
}

static void sockets(int fd)
{
    ERR(bind(fd, BAD, 16), EBADF);
    ERR(bind(fd, BAD, 999), EBADF);
    ERR(connect(fd, BAD, 16), EBADF);
    ERR(connect(fd, BAD, 999), EBADF);
    ERR(listen(fd, 1), EBADF);
    ERR(accept4(fd, BAD, BAD, 1), EBADF);
    ERR(getsockname(fd, BAD, BAD), EBADF);
    ERR(getpeername(fd, BAD, BAD), EBADF);
    ERR(sendto(fd, BAD, 1, 0, BAD, 16), EBADF);
    ERR(sendto(fd, buf, 1, 0, BAD, 999), EBADF);
    ERR(recvfrom(fd, BAD, 1, 0, BAD, BAD), EBADF);
    ERR(sendmsg(fd, BAD, 0), EBADF);
    ERR(recvmsg(fd, BAD, 0), EBADF);
    ERR(syscall(SYS_sendmmsg, fd, BAD, 1, 0), EBADF);
    ERR(syscall(SYS_recvmmsg, fd, BAD, 1, 0, NULL), EBADF);
    ERR(shutdown(fd, 9), EBADF);
    ERR(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, BAD, 4), EBADF);
    ERR(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, BAD, BAD), EBADF);
}

/* Open, but not for this. */
static void wrong_kind(int file, int r, int w)
{
    ERR(read(w, BAD, 8), EBADF);
    ERR(write(r, BAD, 8), EBADF);
    ERR(read(w, FAR, 8), EBADF);
    ERR(write(r, FAR, 8), EBADF);
    ERR(pread(r, FAR, 8, 0), ESPIPE);
    ERR(pwrite(w, FAR, 8, 0), ESPIPE);
    ERR(readv(w, BAD, 1), EBADF);
    ERR(writev(r, BAD, 1), EBADF);
    ERR(readv(r, BAD, 1), EFAULT);
    ERR(writev(w, BAD, 1), EFAULT);
    ERR(preadv(r, BAD, 1, 0), ESPIPE);
    ERR(pwritev(w, BAD, 1, 0), ESPIPE);
    ERR(ioctl(file, TCSETS, BAD), ENOTTY);
    ERR(ioctl(r, TIOCSWINSZ, BAD), ENOTTY);
    ERR(ioctl(file, FIONBIO, BAD), EFAULT);
    ERR(ioctl(file, SIOCGIFFLAGS, BAD), ENOTTY);
    ERR(fcntl(file, F_SETOWN_EX, BAD), EFAULT);
    ERR(timerfd_settime(file, 0, BAD, NULL), EFAULT);
    ERR(timerfd_gettime(file, BAD), EINVAL);
    ERR(bind(file, BAD, 16), ENOTSOCK);
    ERR(connect(file, BAD, 16), EFAULT);
    ERR(sendmsg(file, BAD, 0), ENOTSOCK);
    ERR(recvmsg(file, BAD, 0), ENOTSOCK);
    ERR(sendto(file, BAD, 1, 0, BAD, 999), ENOTSOCK);
    ERR(recvfrom(file, BAD, 1, 0, BAD, BAD), ENOTSOCK);
    ERR(syscall(SYS_sendmmsg, file, BAD, 1, 0), ENOTSOCK);
    ERR(syscall(SYS_recvmmsg, file, BAD, 1, 0, NULL), ENOTSOCK);
    ERR(accept(file, BAD, BAD), ENOTSOCK);
    ERR(accept4(file, BAD, BAD, 1), EINVAL);
    ERR(listen(file, -1), ENOTSOCK);
    ERR(shutdown(file, 9), ENOTSOCK);
    ERR(getsockname(file, BAD, BAD), ENOTSOCK);
    ERR(getpeername(file, BAD, BAD), ENOTSOCK);
    ERR(setsockopt(file, SOL_SOCKET, SO_KEEPALIVE, BAD, -1), ENOTSOCK);
    ERR(getsockopt(file, SOL_SOCKET, SO_KEEPALIVE, BAD, BAD), ENOTSOCK);
    ERR(epoll_ctl(file, EPOLL_CTL_ADD, r, BAD), EFAULT);
    ERR(epoll_ctl(file, EPOLL_CTL_DEL, r, BAD), EINVAL);
    ERR(epoll_ctl(r, EPOLL_CTL_DEL, file, BAD), EPERM);
    ERR(vmsplice(file, BAD, 1, 0), EFAULT);
    ERR(tee(w, w, 1, 0), EBADF);
}

int main(void)
{
    int file = open("order", O_CREAT | O_RDWR, 0600), path = open("order", O_PATH), p[2];
    OK(pipe(p));
    for (const int *fd = (const int[]){900, -1, path, 0x7fffffff, 0}; *fd; fd++) {
        reading_and_writing(*fd, BAD);
        reading_and_writing(*fd, FAR);
        transfers(*fd, file, p[1]);
        control(*fd);
        sockets(*fd);
        if (guest_failed)
            FAIL("that was descriptor %d", *fd);
    }
    wrong_kind(file, p[0], p[1]);
    unlink("order");
    return done();
}
