/* Which files can be synchronized: those of a file system that has something to write, or says that
 * it has not. */
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "guest.h"

/* The same with both calls; error is 0 or what they fail with. */
static void both(const char *what, int fd, int error)
{
    for (int data = 0; data < 2; data++) {
        errno = 0;
        int r = data ? fdatasync(fd) : fsync(fd);
        if (r != (error ? -1 : 0) || errno != error)
            FAIL("%s of %s is %d, errno %d; want %d", data ? "fdatasync" : "fsync", what, r, errno,
                 error);
    }
}

static void opened(const char *path, int flags, int error)
{
    int fd = open(path, flags);
    CHECK(fd >= 0);
    both(path, fd, error);
    close(fd);
}

int main(void)
{
    int file = open("file", O_CREAT | O_RDWR, 0600), p[2], s[2];

    EQ(write(file, "x", 1), 1);
    both("a file", file, 0);
    opened("file", O_RDONLY, 0);
    opened("file", O_PATH, EBADF);
    opened(".", O_RDONLY, 0);
    opened("/dev", O_RDONLY, 0);
    opened("/dev/null", O_RDWR, EINVAL);
    opened("/dev/urandom", O_RDONLY, EINVAL);
    opened("/proc", O_RDONLY, EINVAL);
    opened("/proc/self", O_RDONLY, EINVAL);
    opened("/proc/uptime", O_RDONLY, EINVAL);
    opened("/proc/self/maps", O_RDONLY, EINVAL);
    opened("/proc/self/comm", O_RDWR, EINVAL);
    opened("/sys/devices/system/cpu/online", O_RDONLY, 0);
    EQ(pipe(p), 0);
    EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
    both("a pipe", p[1], EINVAL);
    both("a socket", s[0], EINVAL);
    both("an event's", eventfd(0, 0), EINVAL);
    both("a timer's", timerfd_create(CLOCK_MONOTONIC, 0), EINVAL);
    both("an epoll set's", epoll_create1(0), EINVAL);
    both("a watch's", inotify_init1(0), EINVAL);
    both("memory's", memfd_create("memory", 0), 0);
    both("none", -1, EBADF);
    /* The whole file system of it, whatever it is. */
    EQ(syncfs(p[0]), 0);
    EQ(syncfs(s[0]), 0);
    ERR(syncfs(-1), EBADF);
    /* The descriptor comes first, then the arguments, then what it is of. */
    ERR(sync_file_range(-1, -1, -1, 8), EBADF);
    ERR(sync_file_range(p[0], 0, 0, 8), EINVAL);
    ERR(sync_file_range(p[0], -1, 0, 0), EINVAL);
    ERR(sync_file_range(p[0], 0, -1, 0), EINVAL);
    ERR(sync_file_range(p[0], 0, 0, 7), ESPIPE);
    ERR(sync_file_range(s[0], 0, 0, 7), ESPIPE);
    ERR(sync_file_range(file, 1, 0x7fffffffffffffff, 0), EINVAL);
    EQ(sync_file_range(file, 0, 0, 7), 0);
    return done();
}
