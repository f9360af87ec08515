/* Every call that takes a descriptor's number, given one that is not the guest's. */
#ifndef GUEST_EACH_FD_H
#define GUEST_EACH_FD_H

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "guest.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4
#endif
#define FICLONE_ 0x40049409

static int pair[2], epoll, zero;

static void each_call_open(void)
{
    OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    epoll = epoll_create1(0);
    zero = open("/dev/zero", O_RDWR);
}

/* Everything that a number can be given to. onto: why it cannot be duplicated onto. */
static void each_call(int n, int onto)
{
    char buf[64], path[64];
    struct stat st;
    ERR(fcntl(n, F_GETFD), EBADF);
    ERR(fcntl(n, F_SETFD, 0), EBADF);
    ERR(fcntl(n, F_GETFL), EBADF);
    ERR(fcntl(n, F_DUPFD, 3), EBADF);
    ERR(dup(n), EBADF);
    ERR(dup2(n, 100), EBADF);
    ERR(dup2(zero, n), onto);
    ERR(fstat(n, &st), EBADF);
    ERR(syscall(SYS_newfstatat, n, "", &st, 0x1000 /* AT_EMPTY_PATH */), EBADF);
    ERR(syscall(SYS_openat, n, ".", O_RDONLY), EBADF);
    ERR(syscall(SYS_openat, n, "etc/passwd", O_RDONLY), EBADF);
    ERR(mkdirat(n, "made", 0777), EBADF);
    ERR(unlinkat(n, "etc", 0), EBADF);
    ERR(linkat(n, "etc/passwd", AT_FDCWD, "/tmp/linked", 0), EBADF);
    ERR(renameat(n, "etc", AT_FDCWD, "/tmp/moved"), EBADF);
    ERR(readlinkat(n, "", buf, sizeof(buf)), EBADF);
    ERR(fchdir(n), EBADF);
    ERR(fchmod(n, 0777), EBADF);
    ERR(fchown(n, 0, 0), EBADF);
    ERR(ftruncate(n, 0), EBADF);
    ERR(read(n, buf, 1), EBADF);
    ERR(write(n, buf, 1), EBADF);
    ERR(lseek(n, 0, SEEK_CUR), EBADF);
    ERR(syscall(SYS_getdents64, n, buf, sizeof(buf)), EBADF);
    ERR(syscall(SYS_fgetxattr, n, "user.x", buf, 1), EBADF);
    ERR((intptr_t)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, n, 0), EBADF);
    struct epoll_event ev = {.events = EPOLLIN};
    ERR(epoll_ctl(epoll, EPOLL_CTL_ADD, n, &ev), EBADF);
    struct pollfd p = {.fd = n, .events = POLLIN};
    EQ(poll(&p, 1, 0), 1);
    EQ(p.revents, POLLNVAL);
    ERR(ioctl(n, 0x541b, &p), EBADF);
    ERR(ioctl(zero, FICLONE_, n), EBADF);
    ERR(syscall(SYS_sendfile, pair[0], n, NULL, 10), EBADF);
    ERR(syscall(SYS_splice, n, NULL, pair[0], NULL, 10, 0), EBADF);
    ERR(syscall(SYS_copy_file_range, n, NULL, zero, NULL, 10, 0), EBADF);
    ERR(syscall(SYS_execveat, n, "", NULL, NULL, 0x1000), EBADF);
    ERR(shutdown(n, 0), EBADF);
    ERR(flock(n, 1), EBADF);
    ERR(close(n), EBADF);
    ERR(syscall(SYS_dup3, zero, n, 0), onto);

    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {.header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    memcpy(CMSG_DATA(&control.header), &n, sizeof(n));
    struct iovec iov = {"x", 1};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = sizeof(control)};
    ERR(sendmsg(pair[0], &msg, 0), EBADF);

    snprintf(path, sizeof(path), "/proc/self/fd/%d", n);
    ERR(readlink(path, buf, sizeof(buf)), ENOENT);
    ERR(stat(path, &st), ENOENT);
    ERR(open(path, O_RDONLY), ENOENT);
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", n);
    ERR(open(path, O_RDONLY), ENOENT);
    snprintf(path, sizeof(path), "/proc/self/fd/%d/../canary", n);
    ERR(open(path, O_RDONLY), ENOENT);
    snprintf(path, sizeof(path), "/dev/fd/%d", n);
    CHECK(open(path, O_RDONLY) < 0);
}

#endif
