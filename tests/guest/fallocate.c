/* guest-test: */
/* fallocate(2): its modes, what they do to content and size, what is refused. */
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "guest.h"

static long size_of(int fd)
{
    struct stat st = {0};
    EQ(fstat(fd, &st), 0);
    return st.st_size;
}

static void sealed(void)
{
    int fd = memfd_create("sealed", MFD_ALLOW_SEALING);
    EQ(fallocate(fd, 0, 0, 4096), 0);
    EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
    ERR(fallocate(fd, 0, 0, 4097), EPERM);
    EQ(fallocate(fd, 0, 0, 4096), 0);
    EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), 0);
    EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
    ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), EPERM);
    ERR(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096), EOPNOTSUPP);
    close(fd);
}

int main(void)
{
    static char block[4096], buf[4096];
    int fd = open("space", O_CREAT | O_RDWR | O_TRUNC, 0644), p[2];

    CHECK(fd >= 0);
    memset(block, 'b', sizeof block);
    for (int i = 0; i < 8; i++) {
        block[0] = (char)('0' + i);
        EQ(write(fd, block, sizeof block), 4096);
    }
    ERR(fallocate(fd, 0, -1, 1), EINVAL);
    ERR(fallocate(fd, 0, 0, 0), EINVAL);
    ERR(fallocate(fd, 0, 0, -1), EINVAL);
    ERR(fallocate(fd, 0x400, 0, 1), EOPNOTSUPP);
    ERR(fallocate(fd, 0x80, 0, 1), EOPNOTSUPP);
    ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 4096), EOPNOTSUPP);
    ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 0, 1),
        EOPNOTSUPP);
    ERR(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_KEEP_SIZE, 0, 4096), EOPNOTSUPP);
    ERR(fallocate(fd, 0, 0x7ffffffffffff000, 0x2000), EFBIG);
    ERR(fallocate(-1, 0, 0, 1), EBADF);
    /* Longer, with and without a new size. */
    EQ(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 65536), 0);
    EQ(size_of(fd), 32768);
    EQ(fallocate(fd, 0, 0, 40960), 0);
    EQ(size_of(fd), 40960);
    EQ(pread(fd, buf, 1, 40000), 1);
    EQ(buf[0], 0);
    /* A hole reads as zeroes. */
    EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096), 0);
    EQ(pread(fd, buf, 4096, 4096), 4096);
    EQ(buf[0], 0);
    EQ(buf[4095], 0);
    EQ(pread(fd, buf, 1, 8192), 1);
    EQ(buf[0], '2');
    EQ(size_of(fd), 40960);
    EQ(fallocate(fd, FALLOC_FL_ZERO_RANGE, 8192, 10), 0);
    EQ(pread(fd, buf, 20, 8192), 20);
    EQ(buf[0], 0);
    EQ(buf[10], 'b');
    EQ(fallocate(fd, FALLOC_FL_ZERO_RANGE, 40960, 4096), 0);
    EQ(size_of(fd), 45056);
    /* Blocks out and in. */
    EQ(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096), 0);
    EQ(size_of(fd), 40960);
    EQ(pread(fd, buf, 1, 8192), 1);
    EQ(buf[0], '3');
    ERR(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 100, 4096), EINVAL);
    ERR(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 36864, 8192), EINVAL);
    EQ(fallocate(fd, FALLOC_FL_INSERT_RANGE, 4096, 4096), 0);
    EQ(size_of(fd), 45056);
    EQ(pread(fd, buf, 1, 12288), 1);
    EQ(buf[0], '3');
    ERR(fallocate(fd, FALLOC_FL_INSERT_RANGE, 45056, 4096), EINVAL);
    ERR(fallocate(fd, FALLOC_FL_INSERT_RANGE, 4096, 100), EINVAL);
    close(fd);
    fd = open("space", O_RDONLY);
    ERR(fallocate(fd, 0, 0, 1), EBADF);
    close(fd);
    fd = open(".", O_RDONLY);
    ERR(fallocate(fd, 0, 0, 1), EBADF);
    close(fd);
    fd = open("space", O_PATH);
    ERR(fallocate(fd, 0, 0, 1), EBADF);
    close(fd);
    EQ(pipe(p), 0);
    ERR(fallocate(p[1], 0, 0, 1), ESPIPE);
    ERR(fallocate(p[0], 0, 0, 1), EBADF);
    fd = open("/dev/null", O_RDWR);
    ERR(fallocate(fd, 0, 0, 1), ENODEV);
    close(fd);
    fd = open("space", O_WRONLY | O_APPEND);
    ERR(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 100, 1), EINVAL);
    EQ(fallocate(fd, 0, 0, 1), 0);
    sealed();
    return done();
}
