/* guest-test: flags=-pthread */
/*
 * Descriptors that are not the guest's (elfuse keeps its roots and files above the guest's limit)
 * cannot be used, copied, sent, named or closed, by any call that takes a number.
 */
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

/* Everything that a number can be given to. */
static void each_call(int n)
{
    char buf[64], path[64];
    struct stat st;
    ERR(fcntl(n, F_GETFD), EBADF);
    ERR(fcntl(n, F_SETFD, 0), EBADF);
    ERR(fcntl(n, F_GETFL), EBADF);
    ERR(fcntl(n, F_DUPFD, 3), EBADF);
    ERR(dup(n), EBADF);
    ERR(dup2(n, 100), EBADF);
    ERR(dup2(zero, n), EBADF);
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
    ERR(syscall(SYS_dup3, zero, n, 0), EBADF);

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

/* The numbers that /proc/self/fd lists are those that fcntl knows. */
static void listed(void)
{
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *d;
    CHECK(dir != NULL);
    while (dir && (d = readdir(dir)))
        if (d->d_name[0] != '.')
            OK(fcntl(atoi(d->d_name), F_GETFD));
    if (dir)
        closedir(dir);
}

int main(void)
{
    struct rlimit lim;
    OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    epoll = epoll_create1(0);
    zero = open("/dev/zero", O_RDWR);
    OK(getrlimit(RLIMIT_NOFILE, &lim));
    CHECK(lim.rlim_cur >= 64 && lim.rlim_cur < 1 << 21);
    int limit = (int)lim.rlim_cur;

    /* No number up to the host's highest is open, but those that this program opened. */
    int seen = 0;
    for (int n = 0; n < (1 << 20) + 64; n += n < 1 << 17 || n % 8 ? 1 : 3)
        if (fcntl(n, F_GETFD) >= 0 && (++seen > 7 || n > zero))
            FAIL("descriptor %d is open", n);
    for (int i = 0; i < 24; i++)
        each_call(limit + i);
    int far[] = {65536, 65537, 1 << 20, 786432, 786433, 0x7fffffff, -1, -5, (int)0x80000000};
    for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++)
        if (far[i] < 0 || far[i] >= limit)
            if (far[i] != -1 && far[i] >= 0)
                each_call(far[i]);
    listed();

    /* A limit above the boundary is not to be had, and none opens the way. */
    struct rlimit more = {lim.rlim_cur + 64, lim.rlim_max + 64};
    CHECK(setrlimit(RLIMIT_NOFILE, &more) < 0);
    each_call(limit + 1);

    /* Closing all there is leaves elfuse's own alone: paths work. */
    OK(syscall(SYS_close_range, limit, ~0u, 0));
    OK(syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC));
    OK(syscall(SYS_close_range, 3, ~0u, 0));
    for (int n = 3; n < limit; n++)
        close(n);
    int fd = open("/etc/passwd", O_RDONLY);
    EQ(fd, 3);
    OK(chdir("/tmp"));
    OK(mkdir("after", 0777));
    OK(rmdir("after"));
    /* With every number taken, a new one is refused, and not put among those above. */
    struct rlimit few = {32, lim.rlim_max};
    OK(setrlimit(RLIMIT_NOFILE, &few));
    while ((fd = dup(3)) >= 0)
        CHECK(fd < 32);
    EQ(errno, EMFILE);
    int two[2];
    ERR(pipe(two), EMFILE);
    ERR(open("/etc/passwd", O_RDONLY), EMFILE);
    ERR(socket(AF_UNIX, SOCK_STREAM, 0), EMFILE);
    ERR(fcntl(3, F_DUPFD, 32), EINVAL);
    return done();
}
