/* guest-test: reference=qemu
 * flags=-Wno-stringop-overflow,-Wno-stringop-overread,-Wno-format-overflow,-Wno-nonnull */
/* Descriptors: numbers, duplicates, flags, close-on-exec, ranges. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "guest.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

static void numbers(void)
{
    int a = open("/dev/null", O_RDONLY), b, c;

    b = dup(a);
    EQ(b, a + 1);
    close(a);
    c = open("/", O_RDONLY | O_DIRECTORY);
    EQ(c, a); /* the lowest free number, also after a walk */
    close(c);
    c = open("made", O_CREAT | O_RDWR, 0600);
    EQ(c, a);
    close(c);
    c = open("/proc/self/status", O_RDONLY);
    EQ(c, a);
    close(c);
    EQ(unlink("made"), 0);
    EQ(fcntl(b, F_DUPFD, 100), 100);
    EQ(fcntl(b, F_DUPFD_CLOEXEC, 100), 101);
    EQ(fcntl(100, F_GETFD), 0);
    EQ(fcntl(101, F_GETFD), FD_CLOEXEC);
    EQ(fcntl(101, F_SETFD, 0), 0);
    EQ(fcntl(101, F_GETFD), 0);
    EQ(dup2(b, 50), 50);
    EQ(dup2(50, 50), 50);
    EQ(dup3(b, 51, O_CLOEXEC), 51);
    EQ(fcntl(51, F_GETFD), FD_CLOEXEC);
    ERR(dup3(b, b, 0), EINVAL);
    ERR(dup3(b, 52, O_NONBLOCK), EINVAL);
    ERR(dup(200), EBADF);
    ERR(dup2(200, 53), EBADF);
    ERR(dup2(b, -1), EBADF);
    ERR(fcntl(b, F_DUPFD, -1), EINVAL);
    ERR(fcntl(200, F_GETFD), EBADF);
    ERR(fcntl(b, 9999), EINVAL);
    ERR(close(200), EBADF);
    EQ(close(51), 0);
    ERR(close(51), EBADF);
    EQ(close(50), 0);
    close(b);
    close(100);
    close(101);
}

static void status_flags(void)
{
    int fd = open("flags", O_CREAT | O_RDWR | O_APPEND | O_NONBLOCK, 0600), fl;

    fl = fcntl(fd, F_GETFL);
    EQ(fl & O_ACCMODE, O_RDWR);
    EQ(fl & (O_APPEND | O_NONBLOCK | O_DIRECT | O_DIRECTORY | O_NOFOLLOW), O_APPEND | O_NONBLOCK);
    EQ(fcntl(fd, F_SETFL, 0), 0);
    EQ(fcntl(fd, F_GETFL) & (O_APPEND | O_NONBLOCK), 0);
    close(fd);
    EQ(unlink("flags"), 0);
    fd = open(".", O_RDONLY | O_DIRECTORY);
    EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_DIRECTORY), O_DIRECTORY);
    close(fd);
    fd = open(".", O_PATH);
    CHECK(fcntl(fd, F_GETFL) & O_PATH);
    ERR(fchmod(fd, 0755), EBADF);
    close(fd);
}

static void offsets_shared(void)
{
    int a = open("shared", O_CREAT | O_RDWR, 0600), b = dup(a);

    EQ(write(a, "abc", 3), 3);
    EQ(lseek(b, 0, SEEK_CUR), 3);
    EQ(lseek(b, 1, SEEK_SET), 1);
    EQ(lseek(a, 0, SEEK_CUR), 1);
    close(a);
    EQ(write(b, "X", 1), 1);
    close(b);
    EQ(unlink("shared"), 0);
}

static void ranges(void)
{
    int fd = open("/dev/null", O_RDONLY);

    for (int i = 60; i < 70; i++)
        EQ(dup2(fd, i), i);
    long r = syscall(SYS_close_range, 60, 64, 0);
    if (r < 0 && errno == ENOSYS) {
        for (int i = 60; i < 70; i++)
            close(i);
        close(fd);
        return;
    }
    EQ(r, 0);
    ERR(fcntl(64, F_GETFD), EBADF);
    EQ(fcntl(65, F_GETFD), 0);
    EQ(syscall(SYS_close_range, 65, 66, 4 /* CLOSE_RANGE_CLOEXEC */), 0);
    EQ(fcntl(65, F_GETFD), FD_CLOEXEC);
    ERR(syscall(SYS_close_range, 70, 60, 0), EINVAL);
    EQ(syscall(SYS_close_range, 60, ~0U, 0), 0);
    ERR(fcntl(69, F_GETFD), EBADF);
    OK(access("/", F_OK)); /* and nothing else was closed */
    close(fd);
}

static void limit(void)
{
    struct rlimit old, small;
    int fd;

    EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
    small = old;
    small.rlim_cur = 20;
    EQ(setrlimit(RLIMIT_NOFILE, &small), 0);
    for (;;) {
        fd = open("/dev/null", O_RDONLY);
        if (fd < 0)
            break;
        CHECK(fd < 20);
    }
    EQ(errno, EMFILE);
    ERR(fcntl(0, F_DUPFD, 20), EINVAL);
    for (fd = 3; fd < 20; fd++)
        close(fd);
    EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
}

int main(void)
{
    numbers();
    status_flags();
    offsets_shared();
    ranges();
    limit();
    return done();
}
