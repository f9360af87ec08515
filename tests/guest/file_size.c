/* guest-test: flags=-Wno-stringop-overread */
/* RLIMIT_FSIZE: what each call that lengthens a file writes up to it, and says at it. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "guest.h"

#define LIMIT (1 << 20)

static char buf[LIMIT + 36];

static volatile int signals;

static void on_signal(int sig)
{
    (void)sig;
    signals++;
}

static long size_of(int fd)
{
    struct stat st = {0};
    OK(fstat(fd, &st));
    return st.st_size;
}

/* EFBIG, and a signal for the thread that asked. */
#define TOO_BIG(call)                                                                              \
    do {                                                                                           \
        signals = 0;                                                                               \
        ERR(call, EFBIG);                                                                          \
        EQ(signals, 1);                                                                            \
    } while (0)

static void writing(int fd)
{
    struct iovec iov[2] = {{buf, LIMIT / 2}, {buf, LIMIT / 2 + 36}};
    EQ(write(fd, buf, sizeof buf), LIMIT); /* as far as it goes */
    TOO_BIG(write(fd, buf, 1));
    EQ(write(fd, buf, 0), 0);
    TOO_BIG(writev(fd, iov, 2));
    OK(ftruncate(fd, 0));
    OK(lseek(fd, 10, SEEK_SET));
    EQ(writev(fd, iov, 2), LIMIT - 10);
    TOO_BIG(pwrite(fd, buf, 1, LIMIT));
    TOO_BIG(pwrite(fd, buf, 1, LIMIT + 4096));
    TOO_BIG(pwritev(fd, iov, 1, LIMIT));
    TOO_BIG(pwritev2(fd, iov, 1, LIMIT, 0));
    TOO_BIG(pwritev2(fd, iov, 1, 0, RWF_APPEND));
    EQ(pwrite(fd, buf, 10, LIMIT - 1), 1);
    ERR(pwrite(fd, buf, 10, -1), EINVAL);
    ERR(pwrite(fd, (void *)8, 10, LIMIT - 1), EFAULT);
    TOO_BIG(pwrite(fd, (void *)8, 10, LIMIT));
    EQ(size_of(fd), LIMIT);
}

static void sizing(int fd)
{
    TOO_BIG(ftruncate(fd, LIMIT + 1));
    TOO_BIG(truncate("limited", LIMIT + 1));
    TOO_BIG(fallocate(fd, 0, 0, LIMIT + 1));
    TOO_BIG(fallocate(fd, 0, LIMIT, 1));
    EQ(size_of(fd), LIMIT);
    OK(fallocate(fd, 0, 0, LIMIT));
    OK(ftruncate(fd, LIMIT / 2));
    OK(ftruncate(fd, LIMIT));
    /* A longer file may be made shorter, and written where it is. */
    int longer = open("longer", O_RDWR);
    EQ(pwrite(longer, "x", 1, LIMIT - 1), 1);
    TOO_BIG(pwrite(longer, "x", 1, LIMIT));
    OK(ftruncate(longer, LIMIT + 20));
    TOO_BIG(ftruncate(longer, LIMIT + 21));
    close(longer);
}

static void moving(int fd, int p[2])
{
    loff_t in = 0, out = LIMIT - 4;
    int from = open("longer", O_RDONLY);
    EQ(copy_file_range(from, &in, fd, &out, 10, 0), 4);
    TOO_BIG(copy_file_range(from, &in, fd, &out, 10, 0));
    EQ(in, 4);
    EQ(out, LIMIT);
    in = 0;
    OK(lseek(fd, LIMIT, SEEK_SET));
    TOO_BIG(sendfile(fd, from, &in, 1));
    EQ(write(p[1], "pipe", 4), 4);
    out = LIMIT;
    TOO_BIG(splice(p[0], NULL, fd, &out, 4, 0));
    EQ(size_of(fd), LIMIT);
    close(from);
}

/* What the kernel writes for itself has no limit, and a child has its parent's. */
static void others(int fd)
{
    struct rlimit limit, old;
    int status = open("/proc/self/status", O_RDONLY), ended;
    OK(getrlimit(RLIMIT_FSIZE, &old));
    limit = (struct rlimit){0, old.rlim_max};
    OK(setrlimit(RLIMIT_FSIZE, &limit));
    signals = 0;
    for (int i = 0; i < 2; i++) {
        CHECK(read(status, buf, sizeof buf) > 200);
        OK(lseek(status, 0, SEEK_SET));
    }
    close(status);
    OK(status = open("/proc/self/maps", O_RDONLY));
    CHECK(read(status, buf, sizeof buf) > 200);
    close(status);
    int null = open("/dev/null", O_WRONLY);
    EQ(write(null, buf, 1), 1);
    close(null);
    EQ(signals, 0);
    pid_t pid = fork();
    if (pid == 0) {
        int failed = guest_failed;
        TOO_BIG(pwrite(fd, buf, 1, LIMIT));
        _exit(guest_failed != failed);
    }
    EQ(waitpid(pid, &ended, 0), pid);
    EQ(ended, 0);
    TOO_BIG(pwrite(fd, buf, 1, 0));
    OK(setrlimit(RLIMIT_FSIZE, &old));
}

int main(void)
{
    struct rlimit limit, old;
    int p[2], longer = open("longer", O_CREAT | O_RDWR | O_TRUNC, 0600);
    OK(ftruncate(longer, 2 * LIMIT));
    close(longer);
    OK(pipe(p));
    signal(SIGXFSZ, on_signal);
    OK(getrlimit(RLIMIT_FSIZE, &old));
    limit = (struct rlimit){LIMIT, old.rlim_max};
    OK(setrlimit(RLIMIT_FSIZE, &limit));
    int fd = open("limited", O_CREAT | O_RDWR | O_TRUNC, 0600);
    writing(fd);
    sizing(fd);
    moving(fd, p);
    others(fd);
    signal(SIGXFSZ, SIG_IGN);
    ERR(pwrite(fd, "x", 1, LIMIT), EFBIG);
    OK(setrlimit(RLIMIT_FSIZE, &old));
    EQ(pwrite(fd, "x", 1, LIMIT), 1);
    close(fd);
    unlink("limited");
    unlink("longer");
    return done();
}
